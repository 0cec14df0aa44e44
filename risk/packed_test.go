package risk_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestRulesComeBack: what a rule set gives back is what it was made from, and
// makes the same set again.
func TestRulesComeBack(t *testing.T) {
	for i := range 200 {
		r := newRandom(uint64(i) + 1<<42)
		p := r.policy(t, 1+r.IntN(40), true)
		if got := p.rules.Rules(); !reflect.DeepEqual(got, p.d.Rules) {
			t.Fatalf("seed %d\n got %+v\nwant %+v", i, got, p.d.Rules)
		}
		if got := p.rules.Groups(); len(got) != len(p.d.Groups) || len(got) > 0 && !reflect.DeepEqual(got, p.d.Groups) {
			t.Fatalf("seed %d: groups %+v, expected %+v", i, got, p.d.Groups)
		}
		again := p.d
		again.Rules, again.Groups = p.rules.Rules(), p.rules.Groups()
		made, err := risk.New(p.rules.Vocabulary(), again)
		if err != nil || made.Digest() != p.rules.Digest() {
			t.Fatalf("seed %d: %v, or another digest", i, err)
		}
	}
	if rules := new(risk.RuleSet).Rules(); len(rules) != 0 {
		t.Errorf("no rules at all come back as %v", rules)
	}
}

// TestUndecided holds the rules of which nobody can tell whether they are for a
// service against the conditions, one by one.
func TestUndecided(t *testing.T) {
	w, open := newWorld(t), 0
	for i := range 200 {
		r := newRandom(uint64(i) + 1<<43)
		p := r.policy(t, 1+r.IntN(20), true)
		v := p.rules.Vocabulary()
		for range 5 {
			f := v.Facts(&change.Change{}, r.situation(w))
			var want []risk.OpenRule
			for _, one := range p.d.Rules {
				if one.For == "" {
					continue
				}
				only, err := v.Condition(one.For)
				if err != nil {
					t.Fatal(err)
				}
				if truth, why := only.Decide(f); truth == risk.Undecided || truth == risk.Faulty {
					want = append(want, risk.OpenRule{Rule: one.ID, Facts: only.Missing(f), Why: why})
				}
			}
			if got := p.rules.Undecided(f); !reflect.DeepEqual(got, want) {
				t.Fatalf("seed %d\n got %+v\nwant %+v", i, got, want)
			}
			open += len(want)
		}
		if got := p.rules.Undecided(risk.Facts{}); len(got) > 0 && got[0].Why == "" {
			t.Errorf("over no facts at all: %+v", got)
		}
	}
	if open < 200 {
		t.Errorf("%d rules were open; expected more", open)
	}
}

// TestWith: a fact that is supposed reads as one that the requester states.
func TestWith(t *testing.T) {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}, Services: services,
		Applies: []risk.Applicability{{Fact: "change.downtime", For: `service.kind != "cots"`}}})
	if err != nil {
		t.Fatal(err)
	}
	s := risk.Situation{Service: &change.Service{Name: "edge", Kind: change.COTS}}
	files := 3
	c := &change.Change{Title: "as it is", Size: &change.Size{Files: &files}, Attested: []change.Attestation{{By: "ci", Covers: []string{"size"}}}}
	base := v.Facts(c, s)
	for _, one := range []struct {
		fact  string
		value any
		want  string
	}{
		{"change.title", "other", `change.title = "other" stated`},
		{"change.title", 3, "change.title is unreadable stated"},
		{"change.title", nil, "change.title is unknown stated"},
		{"change.files", 4, "change.files = 4 stated"},
		{"change.files", int64(5), "change.files = 5 stated"},
		{"change.files", 6.0, "change.files = 6 stated"},
		{"change.files", 6.5, "change.files is unreadable stated"},
		{"change.files", "4", "change.files is unreadable stated"},
		{"change.backout", true, "change.backout = true stated"},
		{"change.backout", "true", "change.backout is unreadable stated"},
		{"change.lead_hours", 2, "change.lead_hours = 2 stated"},
		{"change.lead_hours", math.Inf(1), "change.lead_hours is unreadable stated"},
		{"change.paths", []string{"a/b"}, `change.paths = ["a/b"] stated`},
		{"change.paths", []string{}, `change.paths = [] stated`},
		{"evidence.smoke", "passed", `evidence.smoke = "passed" stated`},
		{"evidence.smoke", "perhaps", "evidence.smoke is unreadable stated"},
		{"service.name", "ledger", `service.name = "ledger" stated`},
		{"service.name", "leger", "service.name is unreadable stated"},
		{"change.downtime", true, "change.downtime is not applicable derived"},
	} {
		got, _ := base.With(one.fact, one.value).Get(one.fact)
		if text := got.String() + " " + got.Provenance.String(); text != one.want {
			t.Errorf("%s with %v: %s, expected %s", one.fact, one.value, text, one.want)
		}
	}
	list := []string{"a"}
	supposed := base.With("change.paths", list)
	list[0] = "b"
	if f, _ := supposed.Get("change.paths"); f.String() != `change.paths = ["a"]` {
		t.Errorf("a list that its owner changed afterwards: %v", f)
	}
	if f, _ := base.Get("change.files"); f.String() != "change.files = 3" || f.Provenance != risk.Observed {
		t.Errorf("the facts that others were made from: %v", f)
	}
	if _, ok := base.With("change.nothing", 1).Get("change.nothing"); ok {
		t.Error("a fact that does not exist was made up")
	}
	if _, ok := (risk.Facts{}).With("change.title", "a").Get("change.title"); ok {
		t.Error("no facts at all hold one")
	}
}
