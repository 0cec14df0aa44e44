package workload

import (
	"slices"
	"testing"
)

func TestCalibrate(t *testing.T) {
	for _, o := range []Options{{Rules: 10}, {Rules: 100}, {Rules: 1000}, {Rules: 10000, Changes: 200}, {Rules: 1000, Opaque: true},
		{Rules: 900, Class: Equality}, {Rules: 900, Class: Threshold}, {Rules: 900, Class: Listing}, {Rules: 900, Class: Combined}} {
		w := New(o)
		n, by := 0, map[Class]int{}
		never := 0
		for i := range w.Rules {
			h := 0
			for j := range w.Changes {
				if w.Rules[i].When.Holds(&w.Changes[j]) {
					h++
					by[mix[i%10]]++
				}
			}
			if n += h; h == 0 {
				never++
			}
		}
		t.Logf("%+v: %.2f per change, never %d, %v", o, float64(n)/float64(len(w.Changes)), never, by)
	}
	w := New(Options{Rules: 30, Opaque: true})
	for _, r := range w.Rules {
		t.Log(r.When.Ours())
	}
	t.Logf("%+v", w.Changes[0])
	t.Log(slices.Max([]int{1}))
}
