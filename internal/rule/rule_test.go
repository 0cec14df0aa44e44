package rule

import "testing"

// testVocabulary is a small vocabulary with one fact of each type.
func testVocabulary(t testing.TB) *Vocabulary {
	t.Helper()
	v, err := NewVocabulary([]Fact{
		{Name: "change.kind", Type: Text, Words: []string{"code", "config", "data"}, Bytes: 16},
		{Name: "change.title", Type: Text, Bytes: 1024},
		{Name: "change.lines", Type: Int},
		{Name: "change.files", Type: Int},
		{Name: "change.downtime", Type: Bool},
		{Name: "change.paths", Type: List, Items: 1000, Bytes: 128 << 10},
		{Name: "history.rate", Type: Float},
		{Name: "evidence.smoke", Type: Text, Words: []string{"passed", "failed"}, Bytes: 16},
		{Name: "level", Type: Text, Words: []string{"low", "high"}, Bytes: 16},
	}, "change.paths")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLanguage(t *testing.T) {
	v := testVocabulary(t)
	facts := []Value{
		TextValue("code"), TextValue("Fix it"), IntValue(400), IntValue(3), BoolValue(false),
		ListValue([]string{"db/migrations/1.sql", "src/main.go"}), FloatValue(0.05), {}, TextValue("low"),
	}
	for _, c := range []struct {
		source string
		want   Verdict
	}{
		{`change.lines > 399`, IsTrue},
		{`change.lines > 400`, IsFalse},
		{`change.kind == "code" and not change.downtime`, IsTrue},
		{`touches("db/**")`, IsTrue},
		{`touches("**/*.go")`, IsTrue},
		{`touches("*.go")`, IsFalse},
		{`any(change.paths, # endsWith ".sql")`, IsTrue},
		{`count(change.paths, {# contains "/"}) == 2`, IsTrue},
		{`evidence.smoke == "passed"`, IsUnknown},
		{`known(evidence.smoke)`, IsFalse},
		{`change.lines > 10 or evidence.smoke == "passed"`, IsTrue},
		{`evidence.smoke == "passed" and change.lines < 10`, IsFalse},
		{`change.lines / change.files > 100`, IsTrue},
		{`change.lines * 92233720368547758 > 1`, IsFault},
		{`change.lines % (change.files - 3) == 0`, IsFault},
		{`history.rate >= 0.05 && history.rate < 1`, IsTrue},
		{`change.kind in ["code", "config"]`, IsTrue},
		{`change.kind not in ["data"]`, IsTrue},
		{`change.title matches "^Fix"`, IsTrue},
		{`(change.downtime ? change.lines : change.files) == 3`, IsTrue},
		{`0 < change.files <= 3`, IsTrue},
		{`max(change.lines, change.files, 1000) == 1000`, IsTrue},
		{`level == "low"`, IsTrue},
	} {
		e, err := Compile(v, c.source)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if got, why := e.Eval(facts); got != c.want {
			t.Errorf("%s = %v %s, want %v", c.source, got, why, c.want)
		}
	}
	facts[5] = ListValue(nil)
	for source, want := range map[string]Verdict{
		`all(change.paths, # endsWith ".md")`: IsUnknown, // where expr, and logic, say true
		`any(change.paths, # endsWith ".md")`: IsFalse, `none(change.paths, # endsWith ".md")`: IsTrue,
		`all(change.paths, evidence.smoke == "passed")`: IsUnknown,
	} {
		e, err := Compile(v, source)
		if err != nil {
			t.Fatal(err)
		}
		if got, why := e.Eval(facts); got != want {
			t.Errorf("%s over no paths = %v %s, want %v", source, got, why, want)
		}
	}
	for _, c := range []string{
		`change.lins > 4`, `change.lines`, `change.kind == "cod"`, `change`, `evidence.smoke > "a"`, `true`, `1 == 1`,
		`change.lines > 010`, `change.lines > 4 // and so on`, `let x = 1; x == 1`, `repeat("a", 1000) == ""`, `change.lines == nil`,
		`not change.kind == "code"`, `change.title matches change.kind`, `change.lines == 4 #`, `change.kind in []`, `knwon(level)`,
		`touches("[a]")`, `all(change.paths, all(change.paths, all(change.paths, # == "")))`, `change.lines > 1 ;`, `$env.x == 1`,
		`change.title | lower() == ""`, `change?.lines == 3`, "change.lines >\n  change.linse",
	} {
		_, err := Compile(v, c)
		if err == nil {
			t.Errorf("%s compiled", c)
			continue
		}
		t.Logf("%s\n      %v", c, err)
	}
}

// A name that the language itself uses, or that cannot be written, would make
// a fact that no rule can read.
func TestNewVocabularyRefuses(t *testing.T) {
	for name, facts := range map[string][]Fact{
		"a.b.c":     {{Name: "a.b.c", Type: Int}},
		"true":      {{Name: "true", Type: Bool}},
		"len":       {{Name: "len", Type: Int}},
		"known.x":   {{Name: "known.x", Type: Int}},
		"A":         {{Name: "A", Type: Int}},
		"twice":     {{Name: "x.y", Type: Int}, {Name: "x.y", Type: Int}},
		"and group": {{Name: "x", Type: Int}, {Name: "x.y", Type: Int}},
	} {
		if _, err := NewVocabulary(facts, ""); err == nil {
			t.Errorf("%s: the vocabulary was made", name)
		} else {
			t.Log(err)
		}
	}
	if _, err := NewVocabulary([]Fact{{Name: "x.y", Type: Int}}, "x.y"); err == nil {
		t.Error("touches() looks at a number")
	}
}

// Admit is what keeps impossible values from deciding anything.
func TestAdmit(t *testing.T) {
	v, err := NewVocabulary([]Fact{
		{Name: "kind", Type: Text, Words: []string{"code", "data"}, Bytes: 16},
		{Name: "note", Type: Text, Bytes: 4},
		{Name: "tags", Type: List, Words: []string{"a", "b"}, Items: 2, Bytes: 4},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fact  int
		value Value
		want  State
	}{
		{0, TextValue("code"), Present},
		{0, TextValue("cod"), Faulty},
		{0, Value{}, Unknown},
		{1, TextValue("1234"), Present},
		{1, TextValue("12345"), Faulty},
		{2, ListValue([]string{"a", "b"}), Present},
		{2, ListValue([]string{"a", "c"}), Faulty},
		{2, ListValue([]string{"a", "b", "a"}), Faulty},
		{2, Value{State: NotApplicable}, NotApplicable},
	} {
		if got := v.Admit(c.fact, c.value).State; got != c.want {
			t.Errorf("Admit(%d, %v) = %v, want %v", c.fact, c.value, got, c.want)
		}
	}
}
