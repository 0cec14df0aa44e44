package policytest

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// setting is a change, and when it is classified.
type setting struct {
	change *change.Change
	at     time.Time
}

// stage finds settings in which a fact has a value: the requester states most
// facts; those of the service come with one of the services of the policy, and
// those of time with the time.
type stage struct {
	p        *approval.Policy
	facts    *risk.Vocabulary
	services []placed
}

// placed is a service with its facts, as far as they are the same for every
// change.
type placed struct {
	id    string
	facts map[string]any
}

func newStage(p *approval.Policy) *stage {
	s := &stage{p: p, facts: p.Rules().Vocabulary()}
	for _, id := range p.Services() {
		own, _ := p.Facts(&change.Change{Service: id}, approval.Inputs{})
		one := placed{id, map[string]any{}}
		for _, f := range s.facts.Describe() {
			got, _ := own.Get(f.Name)
			if strings.HasPrefix(f.Name, "service.") && got.State == risk.Present {
				one.facts[f.Name] = got.Value()
			}
		}
		s.services = append(s.services, one)
	}
	return s
}

// values are those at which to look at a fact: those around the thresholds, or,
// of a number of the service, all that the services of the policy have.
func (s *stage) values(b risk.Boundary) []any {
	if !strings.HasPrefix(b.Fact, "service.") {
		return b.Values
	}
	var out []any
	for _, one := range s.services {
		if v, ok := one.facts[b.Fact]; ok && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b any) int { return int(math.Copysign(1, decimal(a)-decimal(b))) })
	return out
}

func decimal(v any) float64 {
	if n, ok := v.(int64); ok {
		return float64(n)
	}
	f, _ := v.(float64)
	return f
}

// with is a setting like that of a case in which the fact has the value; false
// where none was found.
func (s *stage) with(c *approval.TestCase, fact string, value any) (setting, bool) {
	group, _, _ := strings.Cut(fact, ".")
	switch {
	case group == "service":
		return s.atService(c, fact, value)
	case group == "at":
		return s.atTime(c, fact, value)
	case fact == "change.lead_hours":
		return s.ahead(c, value)
	}
	copied := *c.Change
	return setting{&copied, c.At}, s.facts.Write(&copied, fact, value)
}

// value is that of a fact; nil where it has none.
func (s *stage) value(at setting, fact string) any {
	own, _ := s.p.Facts(at.change, approval.Inputs{At: at.at})
	got, _ := own.Get(fact)
	if got.State != risk.Present {
		return nil
	}
	return got.Value()
}

// atService is the same change to the service that has the value and otherwise
// most in common with the one of the case.
func (s *stage) atService(c *approval.TestCase, fact string, value any) (setting, bool) {
	i := slices.IndexFunc(s.services, func(p placed) bool { return p.id == c.Change.Service })
	if i < 0 {
		return setting{}, false
	}
	home, best, least := s.services[i], "", 0
	for _, one := range s.services {
		n := 0
		for name, v := range one.facts {
			if !reflect.DeepEqual(v, home.facts[name]) {
				n++
			}
		}
		if one.facts[fact] == value && (best == "" || n < least) {
			best, least = one.id, n
		}
	}
	copied := *c.Change
	copied.Service = best
	return setting{&copied, c.At}, best != ""
}

// ahead is the same change in a window that begins so many hours later.
func (s *stage) ahead(c *approval.TestCase, value any) (setting, bool) {
	hours, ok := value.(float64)
	copied, length := *c.Change, time.Hour
	if w := c.Change.Window; w != nil {
		length = w.End.Sub(w.Start)
	}
	start := c.At.Add(lasting(hours))
	copied.Window = &change.Window{Start: start, End: start.Add(length)}
	return setting{&copied, c.At}, ok
}

// lasting is so many hours, to the second.
func lasting(hours float64) time.Duration {
	return time.Duration(math.Round(hours*3600)) * time.Second
}

// atTime is the same change at the nearest time at which the fact has the value.
func (s *stage) atTime(c *approval.TestCase, fact string, value any) (setting, bool) {
	for shift := range shifts(c.At, fact) {
		at := moved(c, shift)
		is := s.value(at, fact)
		have, ok := is.(float64)
		if want, ok2 := value.(float64); ok && ok2 && have != want { // more of the day has to pass
			at = moved(c, shift+lasting(have-want))
			is = s.value(at, fact)
		}
		if is == value {
			return at, true
		}
	}
	return setting{}, false
}

// moved is the case at another time: of its window, where that is still to come,
// or else of the classification.
func moved(c *approval.TestCase, shift time.Duration) setting {
	w := c.Change.Window
	if w == nil || !c.At.Before(w.Start) {
		return setting{c.Change, c.At.Add(shift)}
	}
	copied := *c.Change
	copied.Window = &change.Window{Start: w.Start.Add(shift), End: w.End.Add(shift)}
	return setting{&copied, c.At}
}

// shifts are other times, the nearest first: other days for the day, other months
// for the month, and for all else other hours, then days, then months.
func shifts(at time.Time, fact string) func(func(time.Duration) bool) {
	type step struct {
		most int
		by   func(int) time.Duration
	}
	steps := []step{
		{23, func(n int) time.Duration { return time.Duration(n) * time.Hour }},
		{31, func(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }},
		{11, func(n int) time.Duration { return at.AddDate(0, n, 0).Sub(at) }},
	}
	switch fact {
	case "at.day":
		steps = steps[1:]
	case "at.month":
		steps = steps[2:]
	}
	return func(yield func(time.Duration) bool) {
		for _, s := range steps {
			for n := range s.most + 1 {
				if !yield(s.by(n)) || n > 0 && !yield(s.by(-n)) {
					return
				}
			}
		}
	}
}
