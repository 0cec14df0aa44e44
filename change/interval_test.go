package change

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestInterval(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n), 0).UTC() }
	span := func(a, b int) Interval { return Interval{at(a), at(b)} }
	v := span(10, 20)
	for n, want := range map[int]bool{9: false, 10: true, 19: true, 20: false} {
		if v.Contains(at(n)) != want {
			t.Errorf("Contains(%d) = %v", n, !want)
		}
	}
	for _, c := range []struct {
		w    Interval
		want bool
	}{{span(0, 10), false}, {span(0, 11), true}, {span(19, 30), true}, {span(20, 30), false},
		{span(12, 13), true}, {span(0, 30), true}, {span(15, 15), false}, {span(18, 12), false}, {Interval{}, false}} {
		if v.Overlaps(c.w) != c.want || c.w.Overlaps(v) != c.want {
			t.Errorf("%s overlaps %s: want %v", v, c.w, c.want)
		}
	}
	if !(Interval{}).IsEmpty() || !span(5, 5).IsEmpty() || !span(6, 5).IsEmpty() || span(5, 6).IsEmpty() {
		t.Error("IsEmpty")
	}
	if got := v.String(); got != "[1970-01-01T00:00:10Z, 1970-01-01T00:00:20Z)" {
		t.Error(got)
	}
}

// The oracle paints seconds.
func TestMergeIntervals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list []Interval
		var painted [62]bool
		for range rng.IntN(8) {
			a, b := 1+rng.IntN(60), 1+rng.IntN(60)
			list = append(list, Interval{time.Unix(int64(a), 0).UTC(), time.Unix(int64(b), 0).UTC()})
			for i := a; i < b; i++ {
				painted[i] = true
			}
		}
		var want []Interval
		for i := 1; i < len(painted); i++ {
			if at := time.Unix(int64(i), 0).UTC(); painted[i] && !painted[i-1] {
				want = append(want, Interval{at, at})
			} else if !painted[i] && painted[i-1] {
				want[len(want)-1].End = at
			}
		}
		before := slices.Clone(list)
		if got := MergeIntervals(list); !slices.Equal(got, want) {
			t.Fatalf("MergeIntervals(%s) = %s, want %s", list, got, want)
		}
		if !slices.Equal(list, before) {
			t.Fatal("MergeIntervals changed its argument")
		}
	}
}
