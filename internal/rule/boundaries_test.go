package rule

import (
	"slices"
	"testing"
)

// TestBoundariesStandForAll: for conditions whose facts are all exact, every
// verdict that random facts reach is reached on a combination of boundaries.
func TestBoundariesStandForAll(t *testing.T) {
	v := trialVocabulary(t, 4, 256)
	g := newGenerator(v, 7)
	tried := 0
	for tried < 300 {
		e, _ := g.expression(t)
		bounds := Boundaries(v, e)
		combinations := 1
		for _, b := range bounds {
			combinations *= len(b.Values) + 1
		}
		if combinations > 20_000 || slices.ContainsFunc(bounds, func(b Boundary) bool { return !b.Exact }) {
			continue
		}
		tried++
		reached := map[Verdict]bool{}
		facts := make([]Value, v.Len())
		var all func(int)
		all = func(i int) {
			if i == len(bounds) {
				got, _ := e.Eval(facts)
				reached[got] = true
				return
			}
			for _, value := range append(bounds[i].Values, Value{}) {
				facts[bounds[i].Fact] = value
				all(i + 1)
			}
		}
		all(0)
		for range 100 {
			r := g.values()
			if slices.ContainsFunc(bounds, func(b Boundary) bool {
				s := r.facts[b.Fact].State
				return s == Faulty || s == NotApplicable
			}) {
				continue
			}
			if got, _ := e.Eval(r.facts); !reached[got] && got != IsFault {
				t.Fatalf("%s is %v, which no boundary shows\n%s", e.Source(), got, show(v, r.facts))
			}
		}
	}
}
