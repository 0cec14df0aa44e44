package risk

import (
	"iter"
	"math"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// mostLooks bounds the changes that are tried for one witness.
const mostLooks = 400

// Open is a change on which those conditions hold, and that does not say enough
// to tell whether the other one does; nil where none is found. All conditions are
// over the vocabulary, without extra facts.
func (p *Prover) Open(c *Condition, holds []*Condition) *change.Change {
	words, all := p.joined(holds, nil)
	if words == nil || c.none() {
		return nil
	}
	values := make([]rule.Value, words.Len())
	if all != nil {
		var is Answer
		if is, values = p.reach(words, rule.And(words, all...), rule.IsTrue); is != Yes {
			return nil
		}
	}
	return p.example(values, func(f Facts) bool {
		if truth, _ := c.Decide(f); truth != Undecided {
			return false
		}
		return holdAll(all, f.values)
	})
}

func holdAll(all []*rule.Expr, facts []rule.Value) bool {
	for _, e := range all {
		if is, _ := e.Eval(facts); is != rule.IsTrue {
			return false
		}
	}
	return true
}

// wanted is the value that a fact should have; unknown where it does not matter.
func (p *Prover) wanted(values []rule.Value, fact string) rule.Value {
	i, _ := p.vocabulary.rules.Lookup(fact)
	return values[i]
}

// windows are windows in which a change could be deployed, those first in which
// the clock says what the values do: each is a minute, so that no fact of the time
// changes within. There is one, which is none, where the values say nothing of
// the time.
func (p *Prover) windows(s Situation, values []rule.Value) iter.Seq[*change.Window] {
	timed := false
	for i, d := range p.vocabulary.defs {
		timed = timed || d.data == "window" && values[i].State == rule.Present
	}
	return func(yield func(*change.Window) bool) {
		if !timed {
			yield(nil)
			return
		}
		for start := range p.instants(s, values) {
			end := start
			if end.Before(s.At) {
				end = s.At
			}
			if !yield(&change.Window{Start: start, End: end.Add(time.Minute)}) {
				return
			}
		}
	}
}

// instants are when such a change could be deployed: as long from now as the
// values say, on days of which the calendar says what they do, and at any hour of
// the coming week, as the values that were found need not go together.
func (p *Prover) instants(s Situation, values []rule.Value) iter.Seq[time.Time] {
	const farthest = 100_000 // hours
	return func(yield func(time.Time) bool) {
		if lead := p.wanted(values, "change.lead_hours"); lead.State == rule.Present && math.Abs(lead.Float) < farthest {
			at := s.At.Add(time.Duration(math.Round(lead.Float * float64(time.Hour))))
			for _, near := range []time.Duration{0, time.Minute, -time.Minute} {
				if !yield(at.Add(near)) {
					return
				}
			}
		}
		zone := s.Zone
		if zone == nil {
			zone = time.UTC
		}
		for at := range p.dates(s.At.In(zone), values) {
			if !yield(at) {
				return
			}
		}
		for n := range 8 * 24 {
			if !yield(s.At.Truncate(time.Hour).Add(time.Duration(n+1) * time.Hour)) {
				return
			}
		}
	}
}

// dates are the hours, as the values say, of the first few days that are as they
// say; the 29th of February comes on each day of the week in 28 years.
func (p *Prover) dates(now time.Time, values []rule.Value) iter.Seq[time.Time] {
	const days, far = 4, 28*366 + 1
	weekday, day, month, hour := p.wanted(values, "at.weekday"), p.wanted(values, "at.day"), p.wanted(values, "at.month"), p.wanted(values, "at.hour")
	is := func(v rule.Value, n int) bool { return v.State != rule.Present || v.Int == int64(n) }
	return func(yield func(time.Time) bool) {
		for n, found := 0, 0; n < far && found < days; n++ {
			at := time.Date(now.Year(), now.Month(), now.Day()+n, 0, 0, 0, 0, now.Location())
			if weekday.State == rule.Present && weekday.Text != strings.ToLower(at.Weekday().String()) || !is(day, at.Day()) || !is(month, int(at.Month())) {
				continue
			}
			found++
			for h := range 24 {
				start := time.Date(at.Year(), at.Month(), at.Day(), h, 0, 0, 0, at.Location())
				if is(hour, h) && now.Before(start) && !yield(start) {
					return
				}
			}
		}
	}
}
