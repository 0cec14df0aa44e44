package risk_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestAssessor holds an assessor that is used again and again against a fresh
// assessment of the same change, and that against one of rule by rule: what is
// left of an earlier change would show.
func TestAssessor(t *testing.T) {
	policies := 1_500
	if testing.Short() {
		policies = 200
	}
	w, assessed := newWorld(t), 0
	for i := range policies {
		r := newRandom(uint64(i) + 1<<40)
		p := r.policy(t, 1+r.IntN(25), true)
		naive, err := risk.NewNaive(p.rules)
		if err != nil {
			t.Fatal(err)
		}
		v, assessor := p.rules.Vocabulary(), p.rules.Assessor()
		for range 20 {
			c, s := r.change(), r.situation(w)
			if r.chance(5) {
				if a := assessor.Assess(nil, s); a.Level.String() != "high" || len(a.Faults) != 1 {
					t.Fatalf("no change at all: %+v", a)
				}
			}
			f := v.Facts(c, s)
			got, fresh, want := assessor.Assess(c, s), p.rules.Assess(f), naive.Assess(f)
			for name, a := range map[string]*risk.Assessment{"again": got, "fresh": &fresh} {
				if !reflect.DeepEqual(a, &want) || fmt.Sprintf("%+v", *a) != fmt.Sprintf("%+v", want) {
					t.Fatalf("seed %d, %s\n got %+v\nwant %+v\nrules %+v\nchange %+v", i, name, *a, want, p.d.Rules, *c)
				}
			}
			assessed += len(got.Reasons)
		}
	}
	if assessed < 5*policies {
		t.Errorf("%d reasons in all; the generator reaches too little", assessed)
	}
}

// TestReader: what a reader reads is what there is, and the rest it leaves
// unknown.
func TestReader(t *testing.T) {
	w, read, left := newWorld(t), 0, 0
	for i := range 300 {
		r := newRandom(uint64(i) + 1<<41)
		v, writer, _ := r.vocabulary(t, true)
		when := writer.cond(2)
		condition, err := v.Condition(when.String(), risk.Extra{Name: "extra"})
		if err != nil {
			t.Fatal(err)
		}
		c, s := r.change(), r.situation(w)
		all, some := v.Facts(c, s), v.Reader(nil, condition).Facts(c, s)
		for _, d := range v.Describe() {
			want, _ := all.Get(d.Name)
			got, _ := some.Get(d.Name)
			if slices.Contains(condition.Reads(), d.Name) {
				read++
				if !reflect.DeepEqual(got, want) {
					t.Errorf("seed %d: %s is read as %v (%s), expected %v (%s)", i, d.Name, got, got.Provenance, want, want.Provenance)
				}
			} else if got.State == risk.Unknown && want.State == risk.Present {
				left++
			}
		}
	}
	if read < 300 || left < 3_000 {
		t.Errorf("%d facts were read and %d left; expected most to be left", read, left)
	}
}

// manyRules are rules of the common kinds.
func manyRules(tb testing.TB, n int) *risk.RuleSet {
	tb.Helper()
	opts := risk.VocabularyOptions{Evidence: []string{"smoke", "load"}, Attributes: []byte(schemas), Services: services, Teams: teams, Models: models,
		Applies: []risk.Applicability{{Fact: "change.lines_added", For: `service.kind != "cots"`}}}
	v, err := risk.NewVocabulary(opts)
	if err != nil {
		tb.Fatal(err)
	}
	most, least := 60, -30
	d := risk.Definition{
		Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "medium", From: 25}, {Name: "high", From: 50}}, Default: "medium",
		Groups: []risk.Group{{Name: "size", Cap: &most, Min: &least}},
	}
	forms := []risk.Rule{
		{Points: 3, Group: "size", When: "change.lines_added > %d and change.files > 1"},
		{Points: 5, When: `service.name == "payments-api" and history.service_failure_rate > 0.%d`},
		{Points: 2, For: "service.tier <= 2", When: `"prod" in change.environments and change.lines_changed > %d`},
		{Points: -2, When: `evidence.smoke == "passed" and history.requester_changes > %d`, Observed: true},
		{Floor: "medium", When: `"db/0/f.go" in change.paths and change.directories > %d`},
		{Points: 1, When: `at.weekday == "friday" and at.hour > %d and requester.team == "payments"`},
		{Bands: "history.hours_since_failure"},
		{Points: 4, Group: "size", When: "not known(change.downtime) or change.targets > %d"},
	}
	for i := range n {
		one := forms[i%len(forms)]
		one.ID, one.Because = fmt.Sprintf("rule-%d", i), fmt.Sprintf("this is the sentence of rule %d", i)
		if one.Bands != "" {
			one.Cuts = []risk.Cut{{From: 0, Points: 9}, {From: float64(1 + i), Points: 1}}
		} else {
			one.When = fmt.Sprintf(one.When, i%20)
		}
		d.Rules = append(d.Rules, one)
	}
	rules, err := risk.New(v, d)
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}

// manyChanges are changes of which most is known, and a tenth is not where that
// is asked for.
func manyChanges(missing bool) (out []*change.Change, in []risk.Situation) {
	r := newRandom(7)
	there := func() bool { return !missing || !r.chance(10) }
	zone := time.FixedZone("", 3600)
	for range 100 {
		n, rate, hours, yes := r.IntN(30), float64(r.IntN(10))/20, float64(r.IntN(100)), true
		c := &change.Change{ID: "CHG", Kind: change.Code, Requester: change.Person{ID: "idp|a", Kind: change.Human, Team: pick(r, teams...)}, History: &change.History{}}
		if there() {
			for i := range 1 + r.IntN(20) {
				c.Files = append(c.Files, change.File{Path: fmt.Sprintf("%s/%d/f.go", pick(r, "db", "src", "app"), i%3), Added: &n, Deleted: &n})
			}
		}
		if there() {
			c.Targets = []change.Target{{Name: "b", Environment: "prod"}, {Name: "a", Environment: "dev"}, {Name: "c", Environment: "prod"}}
		}
		if there() {
			c.Evidence = []change.Evidence{{Name: "load", Result: change.Failed}, {Name: "smoke", Result: change.Passed}}
			c.Attested = []change.Attestation{{By: "ci", Covers: []string{"evidence.smoke", "history"}}}
		}
		if there() {
			c.History.ServiceFailureRate, c.History.RequesterChanges = &rate, &n
		}
		if there() {
			c.History.HoursSinceFailure, c.Downtime = &hours, &yes
		}
		out = append(out, c)
		in = append(in, risk.Situation{At: time.Date(2026, 11, 20+r.IntN(7), 10, 0, 0, 0, time.UTC), Zone: zone, Model: models[0],
			Service: &change.Service{Name: pick(r, services...), Team: pick(r, teams...), Kind: pick(r, change.Digital, change.COTS), Tier: 1 + r.IntN(3)}})
	}
	return out, in
}

// TestAssessorAllocatesNothing: with seen values in the result, once it has
// seen changes of that size.
func TestAssessorAllocatesNothing(t *testing.T) {
	for _, missing := range []bool{false, true} {
		assessor := manyRules(t, 200).Assessor()
		changes, in := manyChanges(missing)
		unknowns, reasons, i := 0, 0, 0
		one := func() {
			a := assessor.Assess(changes[i%100], in[i%100])
			unknowns, reasons, i = unknowns+len(a.Unknowns), reasons+len(a.Reasons), i+1
		}
		for range 100 {
			one()
		}
		if n := testing.AllocsPerRun(200, one); n > 0 {
			t.Errorf("facts missing %t: %v allocations in one assessment; expected none", missing, n)
		}
		if missing == (unknowns == 0) || reasons < 100*20 {
			t.Errorf("facts missing %t: %d unknowns and %d reasons", missing, unknowns, reasons)
		}
	}
}

// BenchmarkAssessor is one change after another, facts included.
func BenchmarkAssessor(b *testing.B) {
	for _, missing := range []bool{false, true} {
		for _, n := range []int{8, 96} {
			b.Run(fmt.Sprintf("rules=%d/missing=%t", n, missing), func(b *testing.B) {
				assessor := manyRules(b, n).Assessor()
				changes, in := manyChanges(missing)
				reasons, i := 0, 0
				b.ReportAllocs()
				for b.Loop() {
					reasons += len(assessor.Assess(changes[i%100], in[i%100]).Reasons)
					i++
				}
				b.ReportMetric(float64(reasons)/float64(i), "reasons/op")
			})
		}
	}
}

// BenchmarkFacts is all facts of one change, and those of a few rules.
func BenchmarkFacts(b *testing.B) {
	rules := manyRules(b, 8)
	changes, in := manyChanges(false)
	for name, facts := range map[string]func(*change.Change, risk.Situation) risk.Facts{"all": rules.Vocabulary().Facts, "read": rules.Vocabulary().Reader(rules).Facts} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				facts(changes[0], in[0])
			}
		})
	}
}
