package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// schedule offers windows: of all that begin on a full hour of the service's
// zone up to the horizon, one of each sort that the policy tells apart, in
// working time if there is one, and else the first. They are as long as the
// window that is asked for, or an hour.
func (e *editing) schedule(horizon time.Duration) {
	i := item{kind: EditSchedule, fact: "window"}
	lengths := []time.Duration{time.Hour}
	const longest = 7 * 24 * time.Hour
	if w := e.c.Window; w != nil {
		i.from = *inUTC(w)
		if l := w.End.Sub(w.Start); l != time.Hour && l <= longest {
			lengths = append([]time.Duration{l}, lengths...)
		}
	}
	for _, f := range e.asked {
		if e.info[f.Fact].From == "window" {
			i.facts = append(i.facts, f.Fact)
		}
	}
	for _, length := range lengths {
		for _, w := range e.slots(length, horizon) {
			i.ways = append(i.ways, option{to: w, apply: func(c *change.Change, _ *Inputs) { c.Window = &w }})
		}
	}
	e.add(i)
}

// slot is a window of one sort.
type slot struct {
	change.Window
	sort    string
	working bool
}

func (e *editing) slots(length, horizon time.Duration) (out []change.Window) {
	zone, working := e.k.service.zone, e.k.service.working
	local := e.in.At.In(zone)
	start := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), 0, 0, 0, zone)
	frozen := e.frozen(change.Interval{Start: e.in.At, End: start.Add(horizon + length + time.Hour)})
	var found []slot
	for t := start.Add(time.Hour); t.Sub(start) <= horizon; t = t.Add(time.Hour) {
		if !t.After(e.in.At) {
			continue
		}
		s := slot{Window: change.Window{Start: t.UTC(), End: t.Add(length).UTC()}}
		s.working = working != nil && working.Working(s.Start) && working.Working(s.End.Add(-1))
		s.sort = e.sort(s.Window, frozen)
		switch i := slices.IndexFunc(found, func(o slot) bool { return o.sort == s.sort }); {
		case i < 0:
			found = append(found, s)
		case s.working && !found[i].working:
			found[i] = s
		}
	}
	slices.SortStableFunc(found, func(a, b slot) int {
		return cmp.Or(cmp.Compare(boolCost(!a.working), boolCost(!b.working)), a.Start.Compare(b.Start))
	})
	for _, s := range found {
		out = append(out, s.Window)
	}
	return out
}

// frozen is when each freeze is on within a span.
func (e *editing) frozen(span change.Interval) [][]change.Interval {
	out := make([][]change.Interval, len(e.p.freezes))
	for i, f := range e.p.freezes {
		for _, t := range e.k.touched() {
			if !e.k.concerns(f, t) || t.info.zone == nil {
				continue // without a zone it is on whatever the window is
			}
			found, err := f.Every.Occurrences(span, t.info.zone, t.info.working)
			if err == nil {
				out[i] = append(out[i], found...)
			}
		}
	}
	return out
}

// sort is all that the policy can tell of a window.
func (e *editing) sort(w change.Window, frozen [][]change.Interval) string {
	c := *e.c
	c.Window = &w
	k := &classifying{p: e.p, c: &c, in: e.in}
	k.facts = e.p.read.change.Facts(&c, k.situation())
	k.findClaims()
	var b strings.Builder
	for _, list := range frozen {
		fmt.Fprint(&b, slices.ContainsFunc(list, change.Interval(w).Overlaps), " ")
	}
	for _, f := range e.asked {
		if e.info[f.Fact].From == "window" {
			b.WriteString(band(f, k.facts) + " ")
		}
	}
	_, same := k.service.modelThrough(c.Kind, k.untilEnd())
	fmt.Fprint(&b, same, len(k.claims))
	for i := range k.p.templates {
		fmt.Fprint(&b, " ", k.inForce(&k.p.templates[i], false))
	}
	return b.String()
}

// band says where among the values at which conditions turn a fact lies.
func band(at risk.Boundary, facts risk.Facts) string {
	f, _ := facts.Get(at.Fact)
	if _, word := f.Value().(string); word || f.State != risk.Present || !at.Exact {
		return f.String()
	}
	below, equal := 0, false
	for _, v := range at.Values {
		below += less(v, f.Value())
		equal = equal || v == f.Value()
	}
	return fmt.Sprint(below, equal)
}

// less is 1 where both are numbers of one type, and a is the smaller one.
func less(a, b any) int {
	switch a := a.(type) {
	case int64:
		if b, ok := b.(int64); ok && a < b {
			return 1
		}
	case float64:
		if b, ok := b.(float64); ok && a < b {
			return 1
		}
	}
	return 0
}
