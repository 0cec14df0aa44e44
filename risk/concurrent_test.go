package risk

import (
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/changelane/changelane/change"
)

// A rule set, its vocabulary, a history and a plan serve many goroutines at once,
// and all of them find the same. The race detector looks on.
func TestSharedByGoroutines(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{
		Services: []string{"pay", "web"}, Evidence: []string{"smoke"}, Sets: []Set{{Name: "critical", Items: []string{"pay"}}},
		Applies: []Applicability{{Fact: "evidence.smoke", For: "service.tier < 3"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high", Rules: []Rule{
		{ID: "a", Because: "b", Points: 3, When: "touches('db/**', '*.sql') or any(change.paths, # contains 'migrat')"},
		{ID: "b", Because: "b", Points: 5, When: "service.name in sets.critical and lower(change.title) matches '^x'"},
		{ID: "c", Because: "b", Points: -1, When: "evidence.smoke == 'passed'", For: "service.tier < 3"},
		{ID: "d", Because: "b", Bands: "change.files", Cuts: []Cut{{From: 2, Points: 4}}},
	}}
	rs, err := New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	const n = 700
	at := func(i int) (*change.Change, Situation) {
		c := &change.Change{Title: fmt.Sprint("X", i), Files: []change.File{{Path: []string{"a.sql", "db/x", "y/migrate"}[i%3]}}, Evidence: []change.Evidence{{Name: "smoke", Result: change.Result(i % 4)}}}
		return c, Situation{Service: &change.Service{Name: []string{"pay", "web"}[i%2], Tier: i % 5}}
	}
	h := v.History(func(yield func(*change.Change, Situation) bool) {
		for i := range n {
			if c, s := at(i); !yield(c, s) {
				return
			}
		}
	})
	plan, err := rs.Over(h)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([][]Outcome, 8)
	var wait sync.WaitGroup
	for g := range outcomes {
		wait.Go(func() {
			a := rs.Assessor()
			for i := range n {
				c, s := at(i)
				one, other := a.Assess(c, s), rs.Assess(v.Facts(c, s))
				if one.Score != other.Score || one.Level != other.Level || one.Open() != other.Open() {
					t.Errorf("%d: %v and %v", i, one.Reasons, other.Reasons)
				}
			}
			outcomes[g] = plan.Assess(0, n, nil)
			if again, err := rs.Over(h); err != nil || !reflect.DeepEqual(again.Assess(0, n, nil), outcomes[g]) {
				t.Errorf("another plan finds something else (%v)", err)
			}
			if _, err := New(v, d); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i := range n {
		c, s := at(i)
		a := rs.Assess(v.Facts(c, s))
		if want := (Outcome{a.Level, a.Best, a.Score, a.Open()}); outcomes[0][i] != want || !reflect.DeepEqual(outcomes[0], outcomes[i%8]) {
			t.Fatalf("change %d: %v, want %v", i, outcomes[0][i], want)
		}
	}
}
