package approval_test

import (
	"os"
	"reflect"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestSituation holds the rules by themselves, in the situation that a policy
// gives, to what Classify says, over all decision tests of the example.
func TestSituation(t *testing.T) {
	dir := os.DirFS("../examples/policy")
	p, err := approval.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	tests, err := approval.ReadTests(dir)
	if err != nil {
		t.Fatal(err)
	}
	rules := p.Rules()
	assessor, n := rules.Assessor(), 0
	var assessed []risk.Assessment
	past := func(yield func(*change.Change, risk.Situation) bool) {
		for _, one := range tests.Cases {
			c, want := one.Change, p.Classify(one.Change, approval.Inputs{At: one.At})
			if want.Err != nil {
				continue // a case of what is refused
			}
			s := p.Situation(c, one.At)
			if got := assessor.Assess(c, s); !reflect.DeepEqual(got.Reasons, want.Assessment.Reasons) || got.Level != want.Assessment.Level {
				t.Errorf("%s: %s, %v; Classify says %s, %v", one.Name, got.Level, got.Reasons, want.Assessment.Level, want.Assessment.Reasons)
			}
			assessed = append(assessed, want.Assessment)
			if n++; !yield(c, s) {
				return
			}
		}
	}
	plan, err := rules.Over(rules.Vocabulary().History(past))
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range plan.Assess(0, n, nil) {
		if want := assessed[i]; got.Score != want.Score || got.Level != want.Level || got.Best != want.Best || got.Open != want.Open() {
			t.Errorf("case %d: over history %v; Classify says %s, score %d", i, got, want.Level, want.Score)
		}
	}
	if n < 100 {
		t.Errorf("%d cases were compared; expected 100 or more", n)
	}
}

// TestSituationIsACopy writes to what a policy hands out.
func TestSituationIsACopy(t *testing.T) {
	p, c := made(t, base(t)), decoded(t, nil)
	before := p.Situation(c, monday)
	before.Service.Tier, *before.Service = 9, change.Service{}
	if s := p.Situation(c, monday); s.Service.Name != c.Service || s.Model == "" || s.Zone == nil {
		t.Errorf("the situation is %+v after a host has written to it", s)
	}
	c.Service = "nobody"
	if s := p.Situation(c, monday); s.Service != nil || !s.At.Equal(monday) {
		t.Errorf("the situation of a service that the policy does not know is %+v", s)
	}
	if s := p.Situation(nil, monday); s.Service != nil || !s.At.Equal(monday) {
		t.Errorf("the situation of no change is %+v", s)
	}
}
