package rule

import (
	"slices"
	"testing"
)

// space has no bounds but those of the vocabulary.
func space(v *Vocabulary) *Space { return &Space{Vocabulary: v} }

func must(t testing.TB, v *Vocabulary, source string) *Expr {
	t.Helper()
	e, err := Compile(v, source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return e
}

// TestReach: conditions with what can become of them.
func TestReach(t *testing.T) {
	v := testVocabulary(t)
	s := space(v)
	ranged := &Space{Vocabulary: v, Ranges: map[int]Range{2: {0, 1000}, 3: {0, 50}}}
	digital := &Space{Vocabulary: v, Given: map[int]*Expr{2: must(t, v, `change.kind != "data"`)}}
	worlds := &Space{Vocabulary: v, Tied: []int{0, 8}, Worlds: [][]Value{{TextValue("code"), TextValue("low")}, {TextValue("data"), TextValue("high")}}}
	for _, c := range []struct {
		space       *Space
		source      string
		true, false Answer
	}{
		{s, `change.lines > 5`, Yes, Yes},
		{s, `change.lines > 5 and change.lines < 3`, No, Yes},
		{s, `change.lines > 5 and change.lines < 6`, No, Yes},
		{s, `change.lines > 5 and change.lines < 7`, Yes, Yes},
		{s, `history.rate > 5 and history.rate < 6`, Yes, Yes},
		{s, `change.lines > 5 or change.lines <= 5`, Yes, No},
		{s, `change.lines > 5 or change.lines < 5`, Yes, Yes},
		{s, `change.lines > 2.5 and change.lines < 2.9`, No, Yes},
		{s, `change.kind == "code" and change.kind == "data"`, No, Yes},
		{s, `change.kind in ["code", "config", "data"]`, Yes, No},
		{s, `change.kind in ["code", "config"]`, Yes, Yes},
		{s, `change.title in ["a", "b"] and change.title != "a" and change.title != "b"`, No, Yes},
		{s, `known(change.lines) or not known(change.lines)`, Yes, No},
		{s, `not known(change.lines) and change.lines > 3`, No, Yes},
		{s, `not known(change.lines)`, Yes, Yes},
		{s, `known(change.lines) and change.lines != 3 and change.lines == 3`, No, Yes},
		{s, `change.downtime == not change.downtime`, No, Yes},
		{s, `change.downtime ? not change.downtime : change.downtime`, No, Yes},
		// Parts that are taken for anything are still the same as themselves.
		{s, `change.title contains "a" and not (change.title contains "a")`, No, Yes},
		{s, `change.title contains "a" and not (change.title contains "b")`, Yes, Yes},
		{s, `change.title matches "^(fix|feat): x+$"`, Yes, Yes},
		{s, `change.title contains "a" and change.lines > 5 and change.lines < 3`, No, Yes},
		{s, `change.lines + change.files > 9 and change.lines + change.files < 5`, No, Yes},
		{s, `change.lines + change.files > 9 and change.lines < 5`, Yes, Yes},
		{s, `change.lines > change.files and change.lines <= change.files`, No, Yes},
		{s, `change.lines > change.files and change.files < change.lines`, Yes, Yes},
		{s, `change.lines == change.files and change.files != change.lines`, No, Yes},
		{s, `touches("a/**", "b/**") and not touches("a/**") and not touches("b/**")`, No, Yes},
		{s, `touches("a/**") and not touches("b/**")`, Yes, Yes},
		{s, `len(change.paths) > 1000`, No, Yes},
		{s, `len(change.paths) >= 90`, Yes, Yes},
		{s, `len(change.paths) < 0`, No, Yes},
		{s, `count(change.paths, # startsWith "a") > 2000`, No, Yes},
		{s, `any(change.paths, # == "a") and none(change.paths, # == "a")`, No, Yes},
		{s, `any(change.paths, # == "a") and all(change.paths, # != "a")`, No, Yes},
		{s, `"a" in change.paths and none(change.paths, # == "a")`, No, Yes},
		{s, `"a" in change.paths and "b" not in change.paths`, Yes, Yes},
		{s, `all(change.paths, # startsWith "docs/")`, Yes, Yes},
		// What is known of numbers.
		{s, `change.lines < 0`, Yes, Yes},
		{ranged, `change.lines < 0`, No, Yes},
		{ranged, `change.lines >= 0`, Yes, No},
		{ranged, `change.lines > 2000`, No, Yes},
		{ranged, `change.lines + change.files > 1050`, No, Yes},
		{ranged, `change.lines + change.files >= 1050`, Yes, Yes},
		{ranged, `change.lines - change.files > 1000`, No, Yes},
		{ranged, `change.lines * 2 > 2000`, No, Yes},
		{ranged, `max(change.lines, change.files) > 1000`, No, Yes},
		{ranged, `max(change.lines, change.files) > 999`, Yes, Yes},
		{ranged, `-change.lines > 0`, No, Yes},
		{ranged, `abs(change.lines) < 0`, No, Yes},
		{ranged, `change.lines * 999999999999999 >= 10`, Yes, Yes}, // its end is no number of values
		{ranged, `(change.lines + 1) * 99999999999999999 >= 10`, Yes, NotSettled},
		{ranged, `known(change.files)`, Yes, Yes},
		// Facts that have no meaning everywhere.
		{digital, `change.lines > 3 and change.kind == "data"`, No, Yes},
		{digital, `change.lines > 3 and change.kind == "code"`, Yes, Yes},
		{digital, `known(change.lines) and change.kind == "data"`, No, Yes},
		{digital, `known(change.lines)`, Yes, Yes},
		// Facts that go together.
		{worlds, `change.kind == "code" and level == "high"`, No, Yes},
		{worlds, `change.kind == "code" and level == "low"`, Yes, Yes},
		{worlds, `change.kind == "config"`, No, Yes},
		{worlds, `change.kind != "config" and change.lines > 3`, Yes, Yes},
	} {
		e := must(t, v, c.source)
		for want, expected := range map[Verdict]Answer{IsTrue: c.true, IsFalse: c.false} {
			got, facts := c.space.Reach(e, want, 5000)
			if got != expected {
				t.Errorf("%s can be %v: %v, expected %v", c.source, want, got, expected)
			}
			if is, _ := e.Eval(facts); got == Yes && is != want {
				t.Errorf("%s is %v on the facts that show %v\n%s", c.source, is, want, show(v, facts))
			}
		}
	}
}

// TestReachAgainstAll: small conditions over facts of few values, against all
// of their values.
func TestReachAgainstAll(t *testing.T) {
	v, err := NewVocabulary([]Fact{
		{Name: "n", Type: Int, Range: &Range{0, 4}},
		{Name: "m", Type: Int, Range: &Range{0, 3}},
		{Name: "b", Type: Bool},
		{Name: "w", Type: Text, Words: []string{"x", "y", "z"}, Bytes: 1},
		{Name: "l", Type: List, Words: []string{"x", "y"}, Items: 2, Bytes: 2},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	given := must(t, v, `w != "z"`)
	s := &Space{Vocabulary: v, Given: map[int]*Expr{0: given}}
	rows := everyRow(v, given)
	g := newGenerator(v, 3)
	settled, proven, never, tried := 0, 0, 0, 0
	for tried < 600 {
		e, err := Compile(v, g.tiny(3))
		if err != nil {
			continue
		}
		tried++
		reached := map[Verdict]bool{}
		for _, row := range rows {
			got, _ := e.Eval(row)
			reached[got] = true
		}
		for _, want := range []Verdict{IsTrue, IsFalse} {
			got, facts := s.Reach(e, want, 5000)
			if got != NotSettled {
				settled++
			}
			if got == No {
				proven++
			}
			if !reached[want] {
				never++
			}
			if got == Yes && !reached[want] || got == No && reached[want] {
				t.Fatalf("%s can be %v: %v, and it is %v; %+v", e.Source(), want, got, reached[want], facts)
			}
		}
	}
	t.Logf("%d of %d settled, %d of %d proven", settled, 2*tried, proven, never)
	if settled < 2*tried*96/100 || proven < never/2 || never < 30 {
		t.Errorf("%d of %d questions are settled, and %d of %d are proven that have no as the answer", settled, 2*tried, proven, never)
	}
}

// tiny makes a condition over the facts of TestReachAgainstAll.
func (g *generator) tiny(depth int) string {
	if depth > 0 && !g.one(4) {
		switch g.IntN(7) {
		case 0, 1, 2:
			return "(" + g.tiny(depth-1) + ") and (" + g.tiny(depth-1) + ")"
		case 3, 4:
			return "(" + g.tiny(depth-1) + ") or (" + g.tiny(depth-1) + ")"
		case 5:
			return "not (" + g.tiny(depth-1) + ")"
		}
		return "(" + g.tiny(depth-1) + ") ? (" + g.tiny(depth-1) + ") : (" + g.tiny(depth-1) + ")"
	}
	sign, number := g.sign(), pick(g, "0", "1", "2", "3", "1.5")
	return pick(g, "n "+sign+" "+number, "m "+sign+" 2", "n "+sign+" m", "n + m "+sign+" "+number, "b", "b != true",
		`w == "x"`, `w in ["x", "y"]`, `w != "z"`, "known(n)", "not known(m)", "known(w)", `"x" in l`, `any(l, # == "y")`,
		`all(l, # != "x")`, "len(l) "+sign+" 1", `w in l`, `one(l, # == "x")`, "n in [1, 2]", `none(l, b)`, `n * m `+sign+` 4`)
}

// everyRow are all facts of TestReachAgainstAll, missing ones among them.
func everyRow(v *Vocabulary, given *Expr) [][]Value {
	columns := [][]Value{
		{{}, IntValue(0), IntValue(1), IntValue(2), IntValue(3), IntValue(4)},
		{{}, IntValue(0), IntValue(1), IntValue(2), IntValue(3)},
		{{}, BoolValue(false), BoolValue(true)},
		{{}, TextValue("x"), TextValue("y"), TextValue("z")},
		{{}, ListValue([]string{}), ListValue([]string{"x"}), ListValue([]string{"y"}), ListValue([]string{"x", "y"}), ListValue([]string{"x", "x"}), ListValue([]string{"y", "y"})},
	}
	rows := [][]Value{{}}
	for _, column := range columns {
		var next [][]Value
		for _, row := range rows {
			for _, value := range column {
				next = append(next, append(slices.Clone(row), value))
			}
		}
		rows = next
	}
	for _, row := range rows {
		row[0] = meaning(given, row, row[0])
	}
	return rows
}

// TestReachNeverContradicts: whatever is proven of big conditions, random facts
// agree.
func TestReachNeverContradicts(t *testing.T) {
	v := trialVocabulary(t, 4, 256)
	s := space(v)
	g := newGenerator(v, 11)
	proven, shown, unsettled := 0, 0, 0
	for range 1500 {
		e, _ := g.expression(t)
		no := map[Verdict]bool{}
		for _, want := range []Verdict{IsTrue, IsFalse} {
			switch got, facts := s.Reach(e, want, 2000); got {
			case No:
				proven++
				no[want] = true
			case Yes:
				shown++
				if is, _ := e.Eval(facts); is != want {
					t.Fatalf("%s is %v on the facts that show %v", e.Source(), is, want)
				}
			default:
				unsettled++
			}
		}
		for range 200 {
			r := g.values()
			if got, _ := e.Eval(r.facts); no[got] {
				t.Fatalf("%s is %v, which is excluded\n%s", e.Source(), got, show(v, r.facts))
			}
		}
	}
	t.Logf("%d excluded, %d shown, %d not settled", proven, shown, unsettled)
	if proven < 20 || shown < 1500 {
		t.Errorf("%d excluded, %d shown, %d not settled", proven, shown, unsettled)
	}
}

// TestTextIsTheLanguage: what is written of a condition is that condition.
func TestTextIsTheLanguage(t *testing.T) {
	v := trialVocabulary(t, 4, 256)
	g := newGenerator(v, 5)
	for range 1000 {
		e, _ := g.expression(t)
		text := v.text(e.root)
		again, err := Compile(v, text)
		if err != nil {
			continue // such as one that is nested too deep in its brackets
		}
		for range 20 {
			r := g.values()
			a, _ := e.Eval(r.facts)
			b, _ := again.Eval(r.facts)
			if a != b {
				t.Fatalf("%s\nis written %s\nand is %v, not %v", e.Source(), text, b, a)
			}
		}
	}
}

// TestSamples: samples are matched.
func TestSamples(t *testing.T) {
	for _, pattern := range []string{"^(fix|feat): .+$", `(^|/)(go\.(mod|sum)|package(-lock)?\.json|pom\.xml)$`, "a{2,3}b?[0-9]+", "^[^/]*$", `\bx\b`, "(?i)urgent"} {
		re, problem := compilePattern(pattern)
		if problem != "" {
			t.Fatal(problem)
		}
		list := samples(pattern)
		if len(list) == 0 || !slices.ContainsFunc(list, re.MatchString) {
			t.Errorf("%s does not match any of %q", pattern, list)
		}
	}
}

// TestReachOfAwkwardRules: nothing that is proven of the rules of the corpus is
// wrong: of none alone, by the verdict that is written down and by random facts,
// and of no two.
func TestReachOfAwkwardRules(t *testing.T) {
	v := trialVocabulary(t, 1000, 64<<10)
	s, g := space(v), newGenerator(v, 9)
	rows := make([][]Value, 100)
	for i := range rows {
		rows[i] = g.values().facts
	}
	var all []*Expr
	for _, c := range corpus(t, "awkward.txt", 3) {
		facts := make([]Value, v.Len())
		for _, text := range append([]string{ordinary}, c[3:]...) {
			if err := setFacts(v, facts, text); err != nil {
				t.Fatal(err)
			}
		}
		e := must(t, v, c[2])
		all = append(all, e)
		checkProofs(t, s, e, append(rows, facts))
	}
	for i := 0; i+7 < len(all); i++ {
		checkProofs(t, s, And(v, all[i], Not(v, all[i+1])), rows)
		checkProofs(t, s, And(v, all[i], Denied(v, all[i+7])), rows)
		checkProofs(t, s, Not(v, And(v, all[i], all[i+7])), rows)
	}
}

// checkProofs holds what is proven against facts.
func checkProofs(t *testing.T, s *Space, e *Expr, rows [][]Value) {
	t.Helper()
	for _, want := range []Verdict{IsTrue, IsFalse} {
		if answer, _ := s.Reach(e, want, 500); answer != No {
			continue
		}
		for _, row := range rows {
			facts := slices.Clone(row)
			for i := range facts {
				if facts[i].State == NotApplicable {
					facts[i] = Value{} // the space says of no fact that it can be without meaning
				}
			}
			if got, _ := e.Eval(facts); got == want {
				t.Errorf("%s is %v, which is excluded\n%s", e.Source(), got, show(s.Vocabulary, facts))
				return
			}
		}
	}
}
