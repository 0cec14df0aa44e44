package risk

import (
	"testing"

	"github.com/changelane/changelane/change"
)

// What is empty, absent or out of its range is answered for, and never a panic.
func TestNothing(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high", Rules: []Rule{{ID: "a", Because: "b", When: "not change.backout"}}}
	rs, err := New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	if a := rs.Assess(v.Facts(nil, Situation{})); a.Vouched || !a.Open() {
		t.Errorf("of no change it is said %v", a.Reasons)
	}
	for _, none := range []*Vocabulary{nil, {}} {
		if none.Check(&change.Change{}) == nil || none.Write(&change.Change{}, "change.title", "x") {
			t.Error("a change is accepted without a policy")
		}
		if a := rs.Assess(none.Facts(&change.Change{}, Situation{})); a.Level.String() != "high" || !a.Open() {
			t.Errorf("without facts the level is %s", a.Level)
		}
	}
	if v.Check(nil) == nil || v.Write(nil, "change.title", "x") {
		t.Error("no change is accepted")
	}
	if a := new(RuleSet).Assess(v.Facts(&change.Change{}, Situation{})); a.Level.Assessed() || (*RuleSet)(nil).Default().Assessed() {
		t.Error("no rules give a level")
	}
	if out := new(Plan).Assess(0, 9, nil); out != nil {
		t.Errorf("no plan gives %v", out)
	}
	if _, err := rs.Over(&History{}); err == nil {
		t.Error("there is a plan over a history of nothing")
	}
	if _, err := New(nil, d); err == nil {
		t.Error("there are rules without a vocabulary")
	}
	if _, err := rs.Over(nil); err == nil {
		t.Error("there is a plan over no history")
	}
	h := v.History(func(yield func(*change.Change, Situation) bool) { yield(&change.Change{}, Situation{}) })
	p, err := rs.Over(h)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.Assess(-70, 5, nil)); n != 1 {
		t.Errorf("%d outcomes of one change", n)
	}
	for got, want := range map[string]string{
		Provenance(9).String(): "Provenance(9)", State(9).String(): "State(9)", Answer(9).String(): "Answer(9)", Truth(9).String(): "Truth(9)",
		new(RuleSet).LevelOf(5).String(): "unassessed",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
