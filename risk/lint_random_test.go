package risk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/risk"
)

// TestLintIsRight: what lint finds of random rules holds of random changes.
func TestLintIsRight(t *testing.T) {
	w := newWorld(t)
	kinds, tried := map[risk.FindingKind]int{}, 0
	for seed := range uint64(20) {
		r := newRandom(seed)
		p := r.policy(t, 25, true)
		rs, twins := r.alike(t, p)
		found, j := rs.lint(t, nil), judge{rs.RuleSet, rs.Rules(), map[string]*risk.Condition{}}
		for _, f := range found {
			kinds[f.Kind]++
		}
		for range 150 {
			c := r.change()
			facts := rs.Vocabulary().Facts(c, r.situation(w))
			if !possible(rs.RuleSet, facts) {
				continue
			}
			tried++
			a := rs.Assess(facts)
			for _, f := range found {
				if wrong := j.refuted(facts, a, f); wrong != "" {
					t.Fatalf("seed %d: %s: %s\n%s", seed, f, wrong, showRules(twins))
				}
			}
		}
	}
	if tried < 1000 {
		t.Errorf("%d changes tell", tried)
	}
	for kind, least := range map[risk.FindingKind]int{risk.NeverTrue: 10, risk.AlwaysTrue: 10, risk.Contradiction: 2, risk.Duplicate: 50, risk.Subsumed: 5, risk.Unreachable: 5} {
		if kinds[kind] < least {
			t.Errorf("%d findings are %v; too few to tell anything", kinds[kind], kind)
		}
	}
}

// alike is the policy with rules beside its own that say the same, and such that
// say less.
func (r random) alike(t *testing.T, p policy) (linted, risk.Definition) {
	t.Helper()
	d := p.d
	d.Rules = slices.Clone(d.Rules)
	for i, one := range p.d.Rules {
		switch {
		case one.When == "":
			continue
		case i%3 == 0:
			one.ID, one.When = fmt.Sprintf("twin%d", i), "not (not ("+one.When+"))"
		case one.Points <= 0 || one.Floor != "":
			one.ID, one.Points = fmt.Sprintf("less%d", i), 0
			one.When = "(" + one.When + ") and (" + pick(r, "change.files > 3", "not change.downtime", "known(evidence.load)", "service.tier < 5") + ")"
		}
		d.Rules = append(d.Rules, one)
	}
	seen := map[string]bool{}
	d.Rules = slices.DeleteFunc(d.Rules, func(o risk.Rule) bool { twice := seen[o.ID]; seen[o.ID] = true; return twice })
	return newLinted(t, p.rules.Vocabulary(), d), d
}

// possible reports whether a valid change can have the facts: random changes have
// numbers that the schema of a change does not let pass.
func possible(rs *risk.RuleSet, facts risk.Facts) bool {
	for _, f := range rs.Vocabulary().Describe() {
		info, _ := facts.Get(f.Name)
		n := 0.0
		switch v := info.Value().(type) {
		case int64:
			n = float64(v)
		case float64:
			n = v
		}
		counted := strings.HasPrefix(info.Name, "change.") && info.Name != "change.lead_hours" || strings.HasPrefix(info.Name, "history.")
		if counted && n < 0 || n > 1 && strings.HasSuffix(info.Name, "_rate") || info.Name == "service.tier" && n > 9 || info.Name == "service.availability" && n > 100 {
			return false
		}
	}
	return true
}

// judge knows what becomes of the conditions of a rule set.
type judge struct {
	rs         *risk.RuleSet
	rules      []risk.Rule
	conditions map[string]*risk.Condition
}

// refuted says how an assessment contradicts a finding.
func (j judge) refuted(facts risk.Facts, a risk.Assessment, f risk.Finding) string {
	switch {
	case f.Kind == risk.Unreachable && strings.Contains(f.Message, "level ") && a.Level.String() == f.ID:
		return "a change has that level"
	case (f.Kind == risk.NeverTrue || f.Kind == risk.Contradiction) && !strings.Contains(f.Message, "the part") && j.whole(facts, f.ID) == risk.True:
		return "it holds"
	case f.Kind == risk.AlwaysTrue && strings.HasPrefix(f.Message, "the rule") && strings.Contains(f.Message, "is never false,"):
		for _, one := range j.rules {
			if one.ID == f.ID && j.decided(facts, one.When) == risk.False && one.For == "" {
				return "it is false"
			}
		}
	case f.Kind == risk.Duplicate:
		other := between(f.Message, "exactly when ", " is;")
		if j.whole(facts, f.ID) == risk.True && j.whole(facts, other) == risk.False || j.whole(facts, f.ID) == risk.False && j.whole(facts, other) == risk.True {
			return "one of the two is true and the other one false"
		}
	case f.Kind == risk.Subsumed:
		if other := between(f.Message, "is true, ", " is true too"); j.whole(facts, f.ID) == risk.True && j.whole(facts, other) == risk.False {
			return other + " is false"
		}
	}
	return ""
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	out, _, _ := strings.Cut(rest, after)
	return out
}

// whole is what becomes of a rule with its "for".
func (j judge) whole(facts risk.Facts, id string) risk.Truth {
	for _, one := range j.rules {
		if one.ID != id {
			continue
		}
		here := risk.True
		if one.For != "" {
			here = j.decided(facts, one.For)
		}
		if when := j.decided(facts, one.When); here == risk.True || when == risk.False {
			return when
		}
		return here
	}
	return risk.Faulty
}

func (j judge) decided(facts risk.Facts, text string) risk.Truth {
	c := j.conditions[text]
	if c == nil {
		var err error
		if c, err = j.rs.Vocabulary().Condition(text); err != nil {
			return risk.Faulty
		}
		j.conditions[text] = c
	}
	truth, _ := c.Decide(facts)
	return truth
}

func showRules(d risk.Definition) string {
	var b strings.Builder
	for _, r := range d.Rules {
		fmt.Fprintf(&b, "%s: for %q when %q %d\n", r.ID, r.For, r.When, r.Points)
	}
	return b.String()
}

// TestSubsumedMakesNoDifference: without a rule that is said to make no
// difference, the level of no change is another one.
func TestSubsumedMakesNoDifference(t *testing.T) {
	w, tried := newWorld(t), 0
	for seed := range uint64(40) {
		r := newRandom(seed + 1000)
		p := r.policy(t, 8, false)
		all, d := r.alike(t, p)
		for _, f := range all.lint(t, nil) {
			if f.Kind != risk.Subsumed {
				continue
			}
			without := d
			without.Rules = slices.DeleteFunc(slices.Clone(d.Rules), func(o risk.Rule) bool { return o.ID == f.ID })
			rs, err := risk.New(p.rules.Vocabulary(), without)
			if err != nil {
				t.Fatal(err)
			}
			for range 40 {
				c := r.change()
				facts := rs.Vocabulary().Facts(c, r.situation(w))
				a, b := all.Assess(facts), rs.Assess(facts)
				if !possible(rs, facts) {
					continue
				}
				tried++
				if a.Level.String() != b.Level.String() || a.Score != b.Score {
					t.Fatalf("seed %d: %s: %s with %d points, and without it %s with %d\n%s", seed, f, a.Level, a.Score, b.Level, b.Score, showRules(d))
				}
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d changes tell", tried)
	}
}

// many is a rule set of n rules in the style of people: of a few facts each,
// some of them alike.
func many(tb testing.TB, n int) linted {
	tb.Helper()
	d := risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 50}}, Default: "high"}
	for i := range n {
		one := risk.Rule{ID: fmt.Sprintf("r%d", i), Because: "it matters", Points: i%7 + 1}
		switch i % 5 {
		case 0:
			one.When = fmt.Sprintf(`change.files > %d and change.kind == "code" and at.hour != %d`, i%400, i%24)
		case 1:
			one.When = fmt.Sprintf(`change.lines_added > %d or change.lines_deleted > %d and not change.downtime`, i, i/2)
		case 2:
			one.When, one.Points = fmt.Sprintf(`evidence.smoke == "passed" and change.files < %d`, i+2), -1
		case 3:
			one.When, one.Floor = fmt.Sprintf(`service.tier <= %d and change.title contains "t%d"`, i%8+1, i/2), "high"
		default:
			one.For, one.When = `service.kind == "digital"`, fmt.Sprintf(`history.service_failure_rate > 0.%d and requester.kind == "bot"`, i%900+100)
		}
		d.Rules = append(d.Rules, one)
	}
	return newLinted(tb, lintVocabulary(tb), d)
}

// TestLintOfManyRules: equals are found among many, too.
func TestLintOfManyRules(t *testing.T) {
	found := many(t, 1000).lint(t, lintServices())
	duplicates := 0
	for _, f := range found {
		if f.Kind == risk.Duplicate {
			duplicates++
		}
	}
	if duplicates == 0 || len(found) > 400 {
		t.Errorf("%d findings, %d duplicates", len(found), duplicates)
	}
}

func BenchmarkLint(b *testing.B) {
	for _, n := range []int{1000} {
		rs := many(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if rs.lint(b, lintServices()) == nil {
					b.Fatal("nothing is found")
				}
			}
		})
	}
}
