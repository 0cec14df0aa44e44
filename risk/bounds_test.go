package risk_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// levels are two, so that a definition is short.
var levels = []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}

func vocabulary(t testing.TB) *risk.Vocabulary {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}, Attributes: []byte(schemas), Services: services})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestINV7Numbers: numbers have bounds when they are loaded, sums cannot leave
// theirs, and what is no number is a fault.
func TestINV7Numbers(t *testing.T) {
	v, limit := vocabulary(t), math.MinInt
	for what, one := range map[string]risk.Rule{
		"too many points":   {Points: risk.MaxPoints + 1, When: "change.downtime"},
		"too few points":    {Points: -risk.MaxPoints - 1, When: "change.downtime"},
		"a cut at NaN":      {Bands: "change.files", Cuts: []risk.Cut{{From: math.NaN(), Points: 1}}},
		"a cut at infinity": {Bands: "change.files", Cuts: []risk.Cut{{From: math.Inf(1), Points: 1}}},
		"points of a cut":   {Bands: "change.files", Cuts: []risk.Cut{{From: 1, Points: math.MaxInt}}},
	} {
		one.ID, one.Because = "r", "it matters"
		if _, err := risk.New(v, risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{one}}); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	d := risk.Definition{Levels: levels, Default: "high", Groups: []risk.Group{{Name: "g", Min: &limit}}}
	for i := range risk.MaxRules {
		d.Rules = append(d.Rules, risk.Rule{ID: fmt.Sprint("r", i), Because: "it matters", Points: risk.MaxPoints, When: "change.downtime"})
	}
	rules, err := risk.New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	a := rules.Assess(v.Facts(&change.Change{}, risk.Situation{}))
	if a.Score != risk.MaxRules*risk.MaxPoints || a.Level.String() != "high" {
		t.Errorf("the largest sum is %d, %s", a.Score, a.Level)
	}
}

// TestINV7NoNumber: NaN and infinities, in history and in attributes.
func TestINV7NoNumber(t *testing.T) {
	v := vocabulary(t)
	rules, err := risk.New(v, risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{
		{ID: "seldom", Because: "it seldom fails", When: "not (history.team_failure_rate > 0.5)"},
		{ID: "cheap", Because: "it is cheap", Points: -5, When: "not (attributes.cost > 100)"},
		{ID: "band", Because: "it often fails", Bands: "history.team_failure_rate", Cuts: []risk.Cut{{From: 0, Points: 1}, {From: 0.5, Points: 3}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, odd := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		c := &change.Change{History: &change.History{TeamFailureRate: &odd}, Attributes: map[string]any{"cost": odd}}
		a := rules.Assess(v.Facts(c, risk.Situation{}))
		if a.Vouched || a.Score != 3 || len(a.Faults) != 3 || a.Level.String() != "high" {
			t.Errorf("%v: %+v", odd, a)
		}
	}
	low, ok := 0.1, 7.0
	c := &change.Change{History: &change.History{TeamFailureRate: &low}, Attributes: map[string]any{"cost": ok}}
	if a := rules.Assess(v.Facts(c, risk.Situation{})); !a.Vouched || a.Open() || a.Level.String() != "low" {
		t.Errorf("numbers: %+v", a)
	}
}

// costly is a condition near the limit of one expression.
const costly = `touches("a*b*c*d*e*f*g*h*i/**")`

// TestINV8Bounded: what all rules together cost has a bound, "for" included,
// and the largest change against the costliest rules comes to an end.
func TestINV8Bounded(t *testing.T) {
	v := vocabulary(t)
	cost := func(source string) int {
		c, err := v.Condition(source)
		if err != nil {
			t.Fatal(err)
		}
		return c.Cost()
	}
	d := risk.Definition{Levels: levels, Default: "high"}
	for i := range risk.MaxCost / cost(costly) {
		d.Rules = append(d.Rules, risk.Rule{ID: fmt.Sprint("r", i), Because: "it matters", Points: 1, When: costly})
	}
	rules, err := risk.New(v, d)
	if err != nil {
		t.Fatalf("rules within the limit: %v", err)
	}
	before := runtime.NumGoroutine()
	a := rules.Assess(v.Facts(largest(), risk.Situation{}))
	if a.Score != 0 || len(a.Faults) > 0 || runtime.NumGoroutine() != before {
		t.Errorf("score %d, %d faults, %d goroutines after %d", a.Score, len(a.Faults), runtime.NumGoroutine(), before)
	}
	more := d
	more.Rules = append(d.Rules, risk.Rule{ID: "more", Because: "it matters", Points: 1, When: costly})
	if _, err := risk.New(v, more); err == nil || !strings.Contains(err.Error(), "over the limit of 10000000") {
		t.Errorf("rules over the limit: %v", err)
	}
	only := `any(service.carries, # matches "(a|b|c|d|e|f|g|h)*x?y?z?w?(a|b|c|d|e|f|g|h)*(k|l|m)*n")`
	d.Rules = nil
	for i := range min(risk.MaxRules, risk.MaxCost/cost(only)+1) {
		d.Rules = append(d.Rules, risk.Rule{ID: fmt.Sprint("r", i), Because: "it matters", Points: 1, For: only, When: "change.downtime"})
	}
	if _, err := risk.New(v, d); len(d.Rules) < risk.MaxRules && err == nil {
		t.Errorf("%d rules whose \"for\" costs %d steps each were accepted", len(d.Rules), cost(only))
	}
}

// largest has as many and as long paths as a change may have.
func largest() *change.Change {
	c := &change.Change{}
	for i := range change.MaxFiles {
		n := 1_000_000_000
		name := fmt.Sprintf("%04d", i)
		c.Files = append(c.Files, change.File{Path: name + strings.Repeat("abcdefgh", 16)[:change.MaxPathBytes/change.MaxFiles-len(name)], Added: &n, Deleted: &n})
	}
	return c
}

// TestINV9LoadedNeverTypeFaults: of rules that load, only arithmetic and facts
// that cannot be read ever fail; and what could never work does not load.
func TestINV9LoadedNeverTypeFaults(t *testing.T) {
	w, met := newWorld(t), map[string]int{}
	for i := range 500 {
		r := newRandom(uint64(8000 + i))
		p := r.policy(t, 1+r.IntN(10), true)
		for range 5 {
			for _, f := range p.rules.Assess(p.rules.Vocabulary().Facts(r.change(), r.situation(w))).Faults {
				met[f.Why]++
			}
		}
	}
	allowed := []string{"a whole number left the range of 64 bits", "a division by zero", "is not a number", "an attribute is not of the type that its schema says",
		"it cannot be told whether the rule is for this service", "is none of the values that are possible", "holds none of the values", "a check has two results"}
	for why := range met {
		ok := false
		for _, a := range allowed {
			ok = ok || strings.Contains(why, a)
		}
		if !ok {
			t.Errorf("a rule that loaded failed: %s", why)
		}
	}
	if len(met) < 4 {
		t.Errorf("only these faults were met: %v", met)
	}
	v := vocabulary(t)
	for _, source := range []string{"change.filez > 1", "change.files", "change.files == \"a\"", "true", "1 < 2", "change.kind == \"kode\"", "service.name == \"nobody\"", ""} {
		d := risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{{ID: "r", Because: "it matters", When: source}}}
		if _, err := risk.New(v, d); err == nil {
			t.Errorf("%q was accepted as a condition", source)
		}
	}
}

// TestINV3TargetsPartlyStated: one target that does not say where it is leaves
// open where the change goes, whatever the others say.
func TestINV3TargetsPartlyStated(t *testing.T) {
	v := vocabulary(t)
	for _, one := range []struct {
		fact    string
		targets []change.Target
		known   bool
	}{
		{"change.environments", nil, false},
		{"change.environments", []change.Target{{Environment: "test"}, {Environment: "prod"}}, true},
		{"change.environments", []change.Target{{Environment: "test"}, {Region: "eu"}}, false},
		{"change.environments", []change.Target{{Region: "eu"}, {Environment: "test"}}, false},
		{"change.regions", []change.Target{{Region: "eu", Environment: "test"}, {Region: "us"}}, true},
		{"change.regions", []change.Target{{Region: "eu"}, {Environment: "test"}}, false},
	} {
		f, _ := v.Facts(&change.Change{Targets: one.targets}, risk.Situation{}).Get(one.fact)
		if known := f.State == risk.Present; known != one.known {
			t.Errorf("%s of %v is known: %t, expected %t", one.fact, one.targets, known, one.known)
		}
	}
}

// TestProvenance: what only the requester says does not count where observed
// facts are asked for, however it gets there (C78).
func TestProvenance(t *testing.T) {
	v, n := vocabulary(t), 1
	for _, one := range []struct {
		what, fact string
		change     change.Change
		want       risk.Provenance
	}{
		{"listed lines", "change.lines_added", change.Change{Files: []change.File{{Path: "a", Added: &n, Deleted: &n}}}, risk.Observed},
		{"a size beside files without lines", "change.lines_added", change.Change{Files: []change.File{{Path: "a"}}, Size: &change.Size{LinesAdded: &n}}, risk.Stated},
		{"a size without files", "change.files", change.Change{Size: &change.Size{Files: &n}}, risk.Stated},
		{"evidence of another name", "evidence.smoke", change.Change{Evidence: []change.Evidence{{Name: "smoke", Result: change.Passed}}}, risk.Stated},
		{"the clock", "at.hour", change.Change{}, risk.Derived},
		{"the policy", "service.tier", change.Change{}, risk.Derived},
	} {
		one.change.Attested = []change.Attestation{{By: "ci", Covers: []string{"files", "evidence.load"}}}
		f, _ := v.Facts(&one.change, risk.Situation{Zone: time.UTC}).Get(one.fact)
		if f.Provenance != one.want {
			t.Errorf("%s: %s is %s, expected %s", one.what, one.fact, f.Provenance, one.want)
		}
	}
}

// TestNotApplicable: only policy can say that a fact has no meaning (C79), and
// then neither what raises nor what lowers counts for it.
func TestNotApplicable(t *testing.T) {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Applies: []risk.Applicability{{Fact: "change.lines_added", For: `service.kind != "cots"`}}})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := risk.New(v, risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{
		{ID: "large", Because: "it is large", Points: 20, When: "change.lines_added > 400"},
		{ID: "small", Because: "it is small", Points: -5, When: "change.lines_added < 10"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	few := 1
	for _, one := range []struct {
		kind  change.ServiceKind
		size  *change.Size
		score int
		open  bool
	}{
		{change.COTS, nil, 0, false}, {change.COTS, &change.Size{LinesAdded: &few}, 0, false},
		{change.Digital, nil, 20, true}, {change.Digital, &change.Size{LinesAdded: &few}, -5, false},
		{0, nil, 20, true}, {0, &change.Size{LinesAdded: &few}, 20, true}, // nobody knows whether it has a meaning
	} {
		a := rules.Assess(v.Facts(&change.Change{Size: one.size}, risk.Situation{Service: &change.Service{Name: "s", Kind: one.kind}}))
		if a.Score != one.score || a.Open() != one.open {
			t.Errorf("kind %s, size %v: score %d, open %t; expected %d, %t", one.kind, one.size, a.Score, a.Open(), one.score, one.open)
		}
	}
	for _, source := range []string{"change.downtime", `evidence.smoke == "passed"`, "known(change.files)"} {
		if _, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}, Applies: []risk.Applicability{{Fact: "change.files", For: source}}}); err == nil {
			t.Errorf("a requester could say what is not applicable by %s", source)
		}
	}
}

// ExampleRuleSet_Assess assesses a change of which one fact is missing.
func ExampleRuleSet_Assess() {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}})
	if err != nil {
		panic(err)
	}
	rules, err := risk.New(v, risk.Definition{
		Levels:  []risk.LevelDefinition{{Name: "low"}, {Name: "medium", From: 25}, {Name: "high", From: 50}},
		Default: "medium",
		Rules: []risk.Rule{
			{ID: "big-diff", Points: 30, When: "change.lines_added > 400", Because: "large change"},
			{ID: "verified", Points: -10, When: `evidence.smoke == "passed"`, Because: "the smoke test passed"},
		},
	})
	if err != nil {
		panic(err)
	}
	c := &change.Change{Kind: change.Code, Evidence: []change.Evidence{{Name: "smoke", Result: change.Passed}}}
	a := rules.Assess(v.Facts(c, risk.Situation{At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}))
	fmt.Printf("%s, score %d; at best %s\n", a.Level, a.Score, a.Best)
	for _, r := range a.Reasons {
		fmt.Printf("%+d %s (%s): %v\n", r.Points, r.Because, r.Basis, r.Seen)
	}
	// Output:
	// low, score 20; at best low
	// +30 large change (unknown): [change.lines_added is unknown]
	// -10 the smoke test passed (held): [evidence.smoke = "passed"]
}

// BenchmarkAssess is one change against 30 rules, facts included.
func BenchmarkAssess(b *testing.B) {
	r, w := newRandom(1), newWorld(b)
	p := r.policy(b, 30, true)
	c, s := r.change(), r.situation(w)
	for b.Loop() {
		if a := p.rules.Assess(p.rules.Vocabulary().Facts(c, s)); !a.Level.Assessed() {
			b.Fatal("not assessed")
		}
	}
}
