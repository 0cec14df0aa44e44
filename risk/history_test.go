package risk_test

import (
	"math"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
	"github.com/changelane/changelane/risk"
)

// TestHistoryIsAssess: a history gives what assessing one change after another
// gives, in any ranges.
func TestHistoryIsAssess(t *testing.T) {
	w, policies := newWorld(t), 60
	if testing.Short() {
		policies = 10
	}
	seen := map[string]int{}
	for i := range policies {
		r := newRandom(uint64(i) + 500)
		p := r.policy(t, 1+r.IntN(30), true)
		v := p.rules.Vocabulary()
		var want []risk.Assessment
		h := v.History(func(yield func(*change.Change, risk.Situation) bool) {
			for range 100 + r.IntN(2)*rule.BlockRows {
				c, s := r.change(), r.situation(w)
				yield(c, s)
				want = append(want, p.rules.Assess(v.Facts(c, s)))
			}
		})
		plan, err := p.rules.Over(h)
		if err != nil {
			t.Fatal(err)
		}
		got := plan.Assess(0, h.Len(), nil)
		middle := r.IntN(h.Len())
		for j, a := range append(plan.Assess(0, middle, nil), plan.Assess(middle, h.Len()+5, nil)...) {
			if got[j] != a {
				t.Fatalf("policy %d: the outcome of change %d depends on the range", i, j)
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d outcomes of %d changes", len(got), len(want))
		}
		for j, a := range want {
			o := risk.Outcome{Level: a.Level, Best: a.Best, Score: a.Score, Open: a.Open()}
			if got[j] != o {
				t.Fatalf("policy %d, change %d: %+v in the history, %+v alone\n%+v", i, j, got[j], o, p.d)
			}
			seen["level "+o.Level.String()]++
			if o.Open {
				seen["open"]++
			}
			if o.Level != o.Best {
				seen["between"]++
			}
		}
	}
	for _, what := range []string{"level low", "level medium", "level high", "open", "between"} {
		if seen[what] < 100 {
			t.Errorf("%s: met %d times", what, seen[what])
		}
	}
}

// TestHistoryOfAnotherVocabulary: facts are numbers, so those of another policy
// would be read as something else.
func TestHistoryOfAnotherVocabulary(t *testing.T) {
	r := newRandom(1)
	none := func(func(*change.Change, risk.Situation) bool) {}
	one, other := r.policy(t, 3, true), r.policy(t, 3, true)
	if _, err := one.rules.Over(other.rules.Vocabulary().History(none)); err == nil {
		t.Error("a history of another policy is assessed")
	}
	if _, err := (*risk.RuleSet)(nil).Over(one.rules.Vocabulary().History(none)); err == nil {
		t.Error("no rule set assesses a history")
	}
}

// TestHistoryBandsAtTheEdge: numbers at and beyond the cuts, and beyond what a
// decimal holds.
func TestHistoryBandsAtTheEdge(t *testing.T) {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []float64{-1, 0, 0.5, 100, 1 << 53, 1<<53 + 2, 1 << 62, math.MaxInt64, 1e300} {
		rs, err := risk.New(v, risk.Definition{
			Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 50}}, Default: "high",
			Rules: []risk.Rule{{ID: "size", Bands: "change.files", Cuts: []risk.Cut{{From: from, Points: 7}}, Because: "it is large"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var want []int
		h := v.History(func(yield func(*change.Change, risk.Situation) bool) {
			for _, n := range []int{-1, 0, 1, 99, 100, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, 1 << 62, 1<<62 - 1, math.MaxInt64 - 600, math.MaxInt64} {
				c := &change.Change{Size: &change.Size{Files: &n}}
				s := risk.Situation{At: time.Unix(1e9, 0)}
				yield(c, s)
				want = append(want, rs.Assess(v.Facts(c, s)).Score)
			}
		})
		plan, err := rs.Over(h)
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range plan.Assess(0, h.Len(), nil) {
			if o.Score != want[i] {
				t.Errorf("cut at %v, number %d: %d points, alone %d", from, i, o.Score, want[i])
			}
		}
	}
}
