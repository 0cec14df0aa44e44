package workload

import (
	"fmt"
	"hash/fnv"
	"math/bits"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"
)

// TestWorkloadIsThePrescribedOne holds the workload to what the documentation
// says of it.
func TestWorkloadIsThePrescribedOne(t *testing.T) {
	w := New(Options{Rules: 1000})
	if n := reflect.TypeFor[Change]().NumField(); n != 23 || NumFields != 23 {
		t.Errorf("a change has %d fields, and %d are named", n, NumFields)
	}
	for f := range Field(NumFields) {
		if tag := reflect.TypeFor[Change]().Field(int(f)).Tag.Get("expr"); tag != f.String() {
			t.Errorf("field %d is called %s and tagged %s", f, f, tag)
		}
	}
	for _, set := range []struct {
		of   []string
		want int
	}{{services(), 500}, {teams(), 60}, {environments, 5}, {kinds, 9}, {regions, 10}} {
		slices.Sort(set.of)
		if n := len(slices.Compact(set.of)); n != set.want {
			t.Errorf("%d different values such as %s, which should be %d", n, set.of[0], set.want)
		}
	}
	matches := 0
	for i := range w.Rules {
		for j := range w.Changes {
			if w.Rules[i].When.Holds(&w.Changes[j]) {
				matches++
			}
		}
	}
	if perChange := float64(matches) / float64(len(w.Changes)); perChange < 7.5 || perChange > 8.5 {
		t.Errorf("of 1,000 rules %.1f match a change, which should be about 8", perChange)
	}
}

// TestWorkloadIsAlwaysTheSame: figures of different days are about the same
// rules and changes.
func TestWorkloadIsAlwaysTheSame(t *testing.T) {
	h := fnv.New64a()
	w := New(Options{Rules: 1000})
	for _, r := range w.Rules {
		fmt.Fprintln(h, r.ID, r.Points, r.When.Ours())
	}
	for _, c := range w.Changes {
		fmt.Fprintf(h, "%+v\n", c)
	}
	if got, want := h.Sum64(), uint64(0x123dce98d7757fa6); got != want {
		t.Errorf("the workload has the hash %#x, and had %#x; figures before and after do not compare", got, want)
	}
	if few := New(Options{Rules: 100}).Rules; !reflect.DeepEqual(few, w.Rules[:100]) {
		t.Error("fewer rules are not the first of more")
	}
}

// TestClausesAreTheCondition: taking a condition apart does not change it.
func TestClausesAreTheCondition(t *testing.T) {
	w := New(Options{Rules: 300, Class: Combined, Changes: 100})
	for i := range w.Rules {
		clauses := w.Rules[i].When.Clauses()
		for j := range w.Changes {
			got := slices.ContainsFunc(clauses, func(clause []Literal) bool {
				return !slices.ContainsFunc(clause, func(l Literal) bool { return l.Test.Holds(&w.Changes[j]) == l.Not })
			})
			if want := w.Rules[i].When.Holds(&w.Changes[j]); got != want {
				t.Fatalf("%s on change %d is %v, and its clauses are %v", w.Rules[i].When.Ours(), j, want, got)
			}
		}
	}
}

// TestRequestIsTheChange: both forms of a change say the same.
func TestRequestIsTheChange(t *testing.T) {
	w := New(Options{Rules: 1})
	for i := range w.Requests {
		var got Change
		if w.Requests[i].Read(&got); !reflect.DeepEqual(got, w.Changes[i]) {
			t.Fatalf("change %d is %+v, and its request says %+v", i, w.Changes[i], got)
		}
	}
}

// TestVariants: one fact of ten is missing, and one rule of twenty cannot be
// looked up, when that is asked for.
func TestVariants(t *testing.T) {
	w := New(Options{Rules: 2000, Missing: true, Opaque: true})
	missing, opaque := 0, 0
	for i, m := range w.Missing {
		missing += bits.OnesCount32(uint32(m))
		if stated := w.Requests[i].Change.Downtime != nil; stated == m.Has(Downtime) {
			t.Fatalf("change %d: downtime is stated: %v", i, stated)
		}
	}
	for i := range w.Rules {
		for _, part := range w.Rules[i].When.Of {
			if part.Op == Ratio || part.Op == Matches {
				opaque++
			}
		}
	}
	if share := float64(missing) / float64(len(w.Missing)*NumFields); share < 0.09 || share > 0.11 {
		t.Errorf("%.3f of the facts are missing", share)
	}
	if opaque != 100 {
		t.Errorf("%d of 2,000 rules cannot be looked up", opaque)
	}
}

// TestInterleave: contestants take turns over all changes, and a turn lasts its
// time by the clock that is given.
func TestInterleave(t *testing.T) {
	var now time.Duration
	seen, order := map[int]bool{}, ""
	times := Interleave([]Contestant{
		{Name: "quick", Run: func(i int) { now, order, seen[i] = now+2, order+"q", true }},
		{Name: "slow", Run: func(int) { now, order = now+60, order+"s" }},
	}, 1000, 3, 2000, func() time.Duration { return now })
	if got := times.Of(0); got != 2 || len(seen) != 1000 {
		t.Errorf("a change of 2 ns took %v, and %d of 1,000 changes came up", got, len(seen))
	}
	if got := times.Ratio(1, 0); got != 30 || len(times[1]) != 3 {
		t.Errorf("the ratio of 60 to 2 is %v, of %d passes", got, len(times[1]))
	}
	if turns := regexp.MustCompile("q+|s+").FindAllString(order, -1); len(turns) != 6 { // the warming, and pairs that meet
		t.Errorf("there are %d turns in a row", len(turns))
	}
	if got := (Times{{1, 8, 3}, {1, 2, 1}}).Ratio(0, 1); got != 3 {
		t.Errorf("the median of 1, 4 and 3 is 3, not %v", got)
	}
	if got := (Times{{4, 1, 2, 9}}).Of(0); got != 3 {
		t.Errorf("the median of 4, 1, 2 and 9 is 3, not %v", got)
	}
}
