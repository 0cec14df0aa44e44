package rule

import "testing"

// TestRemedies: a number, a comparison or a name as other languages have it is
// refused with what to write here.
func TestRemedies(t *testing.T) {
	v, err := NewVocabulary([]Fact{
		{Name: "change.paths", Type: List, Items: 10, Bytes: 1000}, {Name: "change.tags", Type: List, Items: 10, Bytes: 1000},
		{Name: "change.title", Type: Text, Bytes: 100}, {Name: "change.lines_added", Type: Int}, {Name: "change.downtime", Type: Bool},
		{Name: "change.lead_hours", Type: Float}, {Name: "history.rate", Type: Float, Range: &Range{0, 1}},
		{Name: "at.weekday", Type: Text, Words: []string{"monday", "friday"}, Bytes: 10}, {Name: "type", Type: Bool},
	}, "change.paths")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ source, want string }{
		{`change.downtime == null`, `1:20: no fact is ever null or nil: one that is missing is unknown; write not known(change.downtime)`},
		{`NULL != change.downtime`, `1:1: no fact is ever null or nil: one that is missing is unknown; write known(change.downtime)`},
		{`change.title != nil and change.downtime`, `1:17: no fact is ever null or nil: one that is missing is unknown; write known(change.title)`},
		{`change.lead_hours < 24h`, `1:21: "24h" is not a number; write hours(24)`},
		{`change.lead_hours < 1.5d and change.downtime`, `1:21: "1.5d" is not a number; write days(1.5)`},
		{`change.lead_hours < 30 min`, `1:24: this is not expected here: "min"; write minutes(30)`},
		{`change.lead_hours < 12q`, `1:21: "12q" is not a number, such as 400 or 0.05`},
		{`change.lead_hours < "2 days"`, `1:19: change.lead_hours, which is a decimal number, cannot be compared with a text by "<"; write days(2)`},
		{`history.rate > 5%`, `1:17: a percentage is not part of the language; write a share such as 0.05`},
		{`history.rate > 15 % and change.downtime`, `1:21: a percentage is not part of the language; write a share such as 0.15`},
		{`history.rate > 0.5%`, `1:19: a percentage is not part of the language; write a share such as 0.05 for 5%`},
		{`history.rate > 5`, `1:16: history.rate lies between 0 and 1, so a comparison with 5 is always the same`},
		{`change.lines_added > "400"`, `1:20: change.lines_added, which is a whole number, cannot be compared with a text by ">"; write 400 without quotes`},
		{`"400" < change.lines_added`, `1:7: a text cannot be compared with change.lines_added, which is a whole number, by "<"; write 400 without quotes`},
		{`change.downtime == "true"`, `1:17: change.downtime, which is true or false, cannot be compared with a text by "=="; write change.downtime, or not change.downtime`},
		{`change.title == 5`, `1:14: change.title, which is a text, cannot be compared with a whole number by "=="; write "5" in quotes`},
		{`change.title == change.tags`, `1:14: change.title, which is a text, cannot be compared with change.tags, which is a list of texts, by "=="`},
		{`change.paths == "a/**"`, `1:14: change.paths, which is a list of texts, cannot be compared with a text by "=="; write touches("a/**")`},
		{`change.tags != "red"`, `1:13: change.tags, which is a list of texts, cannot be compared with a text by "!="; write "red" in change.tags`},
		{`change.lines_added in [1, "2"]`, `1:27: the list after "in" may hold only plain values of the type on the left, which is a whole number; write 2 without quotes`},
		{`change.title in ["a", 5]`, `1:23: the list after "in" may hold only plain values of the type on the left, which is a text; write "5" in quotes`},
		{`change.tags in ["a", "b"]`, `1:17: the list after "in" may hold only plain values of the type on the left, which is a list of texts; write "a" in change.tags`},
		{`change.lines-added > 4`, `1:1: no fact is named "change.lines-added"; did you mean "change.lines_added"?`},
		{`change.lines_added - lines > 4`, `1:22: no fact is named "lines"`},
		{`change.type`, `1:1: no fact is named "change.type"; did you mean "type"?`},
		{`at.weekday == "Fri"`, `1:15: "Fri" is none of the values that are possible here: monday, friday; did you mean "friday"?`},
		{`touches(a/**)`, `1:14: "/*" begins a comment, which is not part of the language; put a path pattern in quotes, such as touches("dir/**")`},
		{`touches("**.go")`, `1:9: in the path pattern "**.go" "**" must stand alone between slashes, such as "**/*.sql" for files in any folder`},
		{`change.title in (a, b)`, `1:19: this is not expected here: ","; a list stands in square brackets, such as x in ["a", "b"]`},
		{`change.title like "a%"`, `1:14: this is not expected here: "like"; write contains, startsWith, endsWith or matches`},
		{`change.title matches /a/`, `1:22: this is not expected here: "/"; write the pattern in quotes`},
		{`change.lines_added > 1,000`, `1:23: this is not expected here: ","; write 1000, without a comma`},
		{`change.lines_added > 12,500 and change.downtime`, `1:24: this is not expected here: ","; write 12500, without a comma`},
		{`change.lines_added in [1, 01]`, `1:27: the number "01" has a leading zero; write it without`},
		{`change.lead_hours > 22:00`, `1:23: this is not expected here: ":"; a time of day is not part of the language, and at.hour is a whole number`},
		{`change.lead_hours > 22:30`, `1:23: this is not expected here: ":"; a time of day is not part of the language, and at.hour is a whole number`},
		{`if change.downtime then change.lead_hours > 3`, `1:20: this is not expected here: "then"; a choice is written a ? b : c`},
		{`at.weekday == 5`, `1:12: at.weekday, which is a text, cannot be compared with a whole number by "=="; it is one of monday, friday`},
		{`at.weekday > 5`, `1:12: at.weekday, which is a text, cannot be compared with a whole number by ">"; it is one of monday, friday`},
		{`at.weekday in [6, 7]`, `1:16: the list after "in" may hold only plain values of the type on the left, which is a text; it is one of monday, friday`},
		{`at.weekday == "monday" or "friday"`, `1:27: "or" joins conditions that are true or false, and this is a text; write at.weekday in ["monday", "friday"]`},
		{`change.downtime and change.title != "a" && "b"`, `1:44: "&&" joins conditions that are true or false, and this is a text; write change.title not in ["a", "b"]`},
		{`change.downtime or "b"`, `1:20: "or" joins conditions that are true or false, and this is a text`},
		{`change.title == "a" and "b"`, `1:25: "and" joins conditions that are true or false, and this is a text`},
		{`at.weekday and change.downtime`, `1:1: "and" joins conditions that are true or false, and this is a text; compare it, as in at.weekday == "monday"`},
		{`change.downtime and change.title`, `1:21: "and" joins conditions that are true or false, and this is a text; compare it, as in change.title == "..."`},
		{`change.downtime or history.rate`, `1:20: "or" joins conditions that are true or false, and this is a decimal number; compare it, as in history.rate > 0`},
		{`change.tags and change.downtime`, `1:1: "and" joins conditions that are true or false, and this is a list of texts`},
		{`at.weekday in "monday"`, `1:12: "in" looks for a text in a list, and these are a text and a text; write at.weekday in ["monday"]`},
		{`"login" in change.title`, `1:9: "in" looks for a text in a list, and these are a text and a text; write change.title contains "login"`},
		{`change.tags matches "a"`, `1:1: "matches" works on a text, and this is a list of texts; write any(list, # matches "...")`},
		{`change.downtime)`, `1:16: this is not expected here: ")"; no bracket before it is open`},
	} {
		if _, err := Compile(v, c.source); err == nil || err.Error() != c.want {
			t.Errorf("%s\n got %v\nwant %s", c.source, err, c.want)
		}
	}
}
