//go:build unix

package risk_test

import (
	"slices"
	"testing"

	"github.com/changelane/changelane/internal/workload"
	"github.com/changelane/changelane/risk"
)

// answer is what all contestants must agree on.
type answer struct {
	rules []uint32
	score int
	level int
}

func (a answer) equal(b answer) bool {
	return a.score == b.score && a.level == b.level && slices.Equal(a.rules, b.rules)
}

// plainAnswer decides in the plainest way; all facts are known.
func plainAnswer(w *workload.Workload, i int) answer {
	var a answer
	vouched := false
	for n := range w.Rules {
		if r := &w.Rules[n]; r.When.Holds(&w.Changes[i]) {
			a.rules, a.score, vouched = append(a.rules, uint32(n)), a.score+r.Points, vouched || r.Points < 0
		}
	}
	a.level = workload.Level(a.score, vouched)
	return a
}

// TestContestantsAgree holds everything that the benchmark compares to the
// same rules, score and level, change by change.
func TestContestantsAgree(t *testing.T) {
	for _, o := range []workload.Options{
		{Rules: 10, Changes: 200}, {Rules: 1000, Changes: 60}, {Rules: 600, Opaque: true, Changes: 40},
		{Rules: 200, Class: workload.Equality, Changes: 60}, {Rules: 200, Class: workload.Threshold, Changes: 60},
		{Rules: 200, Class: workload.Listing, Changes: 60}, {Rules: 200, Class: workload.Combined, Changes: 60},
	} {
		w := workload.New(o)
		contestants := map[string]func(int) answer{"ours": newOurs(t, w).answer, "index": newIndex(w).answer, "expr": newLoop(t, w).answer}
		for i := range w.Changes {
			want := plainAnswer(w, i)
			for name, decide := range contestants {
				if got := decide(i); !got.equal(want) {
					t.Fatalf("%+v, change %d: %s says %v, which should be %v", o, i, name, got, want)
				}
			}
		}
	}
}

// TestContestantsAgreeOnMissingFacts holds the index to the rules themselves
// where facts are missing: those that raise and hang on them count.
func TestContestantsAgreeOnMissingFacts(t *testing.T) {
	for _, o := range []workload.Options{{Rules: 1000, Missing: true, Changes: 80}, {Rules: 300, Missing: true, Opaque: true, Changes: 60}} {
		w := workload.New(o)
		ours, index := newOurs(t, w), newIndex(w)
		open := 0
		for i := range w.Changes {
			want, got := ours.answer(i), index.answer(i)
			if !got.equal(want) {
				t.Fatalf("%+v, change %d: the index says %v, the rules %v", o, i, got, want)
			}
			if ours.decide(i).Open() {
				open++
			}
		}
		if open < len(w.Changes)/2 {
			t.Fatalf("only %d of %d assessments hang on a missing fact", open, len(w.Changes))
		}
	}
}

// heldOrOpen are the rules among the reasons, by number.
func heldOrOpen(a *risk.Assessment, number map[string]uint32) []uint32 {
	var out []uint32
	for _, r := range a.Reasons {
		if r.Basis == risk.Held || r.Basis == risk.NotKnown {
			out = append(out, number[r.Rule])
		}
	}
	return out
}
