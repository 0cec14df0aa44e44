package policytest

import (
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// The hunt for witnesses ends when it has tried as much as it may.
func TestHuntIsBounded(t *testing.T) {
	d, tests := read(t, tiny)
	p, err := approval.New(d)
	if err != nil {
		t.Fatal(err)
	}
	all, err := mutants(d, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{0, 3} {
		h := &hunting{p: p, d: d, variants: p.Variants(), tests: tests, last: map[string][]int{}, left: left}
		for i := range tests.Cases {
			h.was = append(h.was, p.Trace(tests.Cases[i].Change, approval.Inputs{At: tests.Cases[i].At}))
		}
		tried := 0
		for i := range all {
			h.vary(&all[i], p, 1, func(c *approval.TestCase) variations {
				return func(yield func(string, *change.Change) bool) {
					for range 100 {
						if tried++; !yield("again", c.Change) {
							return
						}
					}
				}
			})
		}
		if most := left + len(all); tried > most || len(all) < 3 {
			t.Errorf("%d variations were tried for %d mutants, with %d to try", tried, len(all), left)
		}
	}
}
