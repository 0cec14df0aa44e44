package rule

import (
	"strings"
	"testing"
)

// TestMeant: what newcomers write is refused with what they meant.
func TestMeant(t *testing.T) {
	v := trialVocabulary(t, 1000, 64<<10).WithNotes(map[string]string{
		"evidence": `; declare it`, "attributes": `; there is no such property`,
	})
	for _, c := range []struct{ source, want string }{
		{`change.kind = "code"`, `1:13: this is not expected here: "="; did you mean "=="?`},
		{`change.kind is "code"`, `1:13: this is not expected here: "is"; did you mean "=="?`},
		{`change.kind is not "code"`, `1:13: this is not expected here: "is"; did you mean "!="?`},
		{`change.urgent AND change.downtime`, `1:15: this is not expected here: "AND"; did you mean "and"?`},
		{`change.urgent OR change.downtime`, `1:15: this is not expected here: "OR"; did you mean "or"?`},
		{`change.urgent & change.downtime`, `1:15: this is not expected here: "&"; did you mean "and"?`},
		{`change.kind <> "code"`, `1:14: this is not expected here: ">"; did you mean "!="?`},
		{`change.lines => 4`, `1:14: this is not expected here: "="; did you mean ">="?`},
		{`change.lines =< 4`, `1:14: this is not expected here: "="; did you mean "<="?`},
		{`change.lines ≥ 4`, `1:14: unrecognized character: U+2265 '≥'; did you mean ">="?`},
		{`NOT change.urgent`, `1:5: this is not expected here: "change"; write "not" in small letters`},
		{`change.urgent and and`, `1:19: this is not expected here: "and"`},
		{`change.kind == “code”`, `1:16: the quote U+201C is not part of the language; use straight quotes`},
		{`change.kind == code`, `1:16: no fact is named "code"; if you mean the word, write "code"`},
		{`code == change.kind`, `1:1: no fact is named "code"; if you mean the word, write "code"`},
		{`change.kind == cod`, `1:16: no fact is named "cod"; if you mean the word, write "code"`},
		{`change.kind == banana`, `1:16: no fact is named "banana"`},
		{`change.kind in ["data", code]`, `1:25: no fact is named "code"; if you mean the word, write "code"`},
		{`red in change.tags`, `1:1: no fact is named "red"; if you mean the word, write "red"`},
		{`change.title == payments-api-v2`, `1:17: no fact is named "payments-api-v2"; if you mean the word, write "payments-api-v2"`},
		{`code == "code"`, `1:1: no fact is named "code"`},
		{`change.title contains login`, `1:23: no fact is named "login"; if you mean the word, write "login"`},
		{`change.title == note`, `1:17: no fact is named "note"; did you mean "change.note"?`},
		{`change.kind == change`, `1:16: "change" is a group of facts; name one of them, such as change.downtime`},
		{`change.urgent == yes`, `1:18: no fact is named "yes"; write true`},
		{`change.urgent != False`, `1:18: no fact is named "False"; write false`},
		{`change.lines == many`, `1:17: no fact is named "many"`},
		{`downtime`, `1:1: no fact is named "downtime"; did you mean "change.downtime"?`},
		{`history.downtime`, `1:1: no fact is named "history.downtime"; did you mean "change.downtime"?`},
		{`evidence.smok == "passed"`, `1:1: no fact is named "evidence.smok"; did you mean "evidence.smoke"?`},
		{`evidence.unit == "passed"`, `1:1: no fact is named "evidence.unit"; declare it`},
		{`known(attributes.region)`, `1:7: no fact is named "attributes.region"; there is no such property`},
	} {
		if _, err := Compile(v, c.source); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.source, err, c.want)
		}
	}
	extended, err := v.Extend([]Fact{{Name: "type", Type: Bool}})
	if err != nil {
		t.Fatal(err)
	}
	if hint := extended.Hint("evidence.unit"); !strings.Contains(hint, "declare it") {
		t.Errorf("the extended vocabulary says %q", hint)
	}
}
