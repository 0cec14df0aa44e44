package change

import (
	"slices"
	"time"
)

// Interval is the time from Start up to, but not including, End. Both are
// instants in UTC; wall clocks and zones are dealt with before an Interval is
// made. An Interval whose End is not after its Start is empty, so the zero
// Interval is.
type Interval struct {
	Start, End time.Time
}

// IsEmpty reports whether no instant lies in v.
func (v Interval) IsEmpty() bool { return !v.Start.Before(v.End) }

// Contains reports whether t lies in v: at or after Start and before End.
func (v Interval) Contains(t time.Time) bool { return !t.Before(v.Start) && t.Before(v.End) }

// Overlaps reports whether v and w have an instant in common. Intervals that
// only touch, as [1, 2) and [2, 3) do, have none.
func (v Interval) Overlaps(w Interval) bool { return !v.intersect(w).IsEmpty() }

// String returns both ends in RFC 3339, as "[2026-12-15T00:00:00Z, 2026-12-16T00:00:00Z)".
func (v Interval) String() string {
	return "[" + v.Start.Format(time.RFC3339Nano) + ", " + v.End.Format(time.RFC3339Nano) + ")"
}

// intersect returns the instants that v and w have in common.
func (v Interval) intersect(w Interval) Interval {
	if w.Start.After(v.Start) {
		v.Start = w.Start
	}
	if w.End.Before(v.End) {
		v.End = w.End
	}
	return v
}

// length is the time that passes in v, 0 when it is empty.
func (v Interval) length() time.Duration { return max(0, v.End.Sub(v.Start)) }

// MergeIntervals returns the instants that lie in any interval of list, as
// intervals that are sorted, not empty and do not touch each other. It leaves
// list as it is.
func MergeIntervals(list []Interval) []Interval {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b Interval) int { return a.Start.Compare(b.Start) })
	var merged []Interval
	for _, v := range sorted {
		if v.IsEmpty() {
			continue
		}
		if last := len(merged) - 1; last >= 0 && !v.Start.After(merged[last].End) {
			if v.End.After(merged[last].End) {
				merged[last].End = v.End
			}
			continue
		}
		merged = append(merged, v)
	}
	return merged
}
