package nearest

import (
	"math/rand/v2"
	"testing"
)

// slowDistance is the definition, written down.
func slowDistance(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	m, n := len(a)-1, len(b)-1
	cost := 1
	if a[m] == b[n] {
		cost = 0
	}
	d := min(slowDistance(a[:m], b)+1, slowDistance(a, b[:n])+1, slowDistance(a[:m], b[:n])+cost)
	if m > 0 && n > 0 && a[m] == b[n-1] && a[m-1] == b[n] {
		d = min(d, slowDistance(a[:m-1], b[:n-1])+1)
	}
	return d
}

// A distance within the limit is exact, and one beyond it is beyond it, whatever
// the rows held before.
func TestDistance(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		out := make([]byte, r.IntN(7))
		for i := range out {
			out[i] = "abc"[r.IntN(3)]
		}
		return string(out)
	}
	var rows [3][]int
	for range 3000 {
		a, b := word(), word()
		want := slowDistance(a, b)
		for limit := range 5 {
			if got := distance(a, b, limit, &rows); got != want && (got <= limit || want <= limit) {
				t.Fatalf("from %q to %q it is %d, want %d, with the limit %d", a, b, got, want, limit)
			}
		}
	}
	known := make([]string, 1000)
	for i := range known {
		known[i] = "service"
	}
	if n := testing.AllocsPerRun(5, func() { To("zzzvice", known) }); n > 20 {
		t.Errorf("%v allocations for a thousand words", n)
	}
}
