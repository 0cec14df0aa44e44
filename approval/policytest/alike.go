package policytest

import (
	"slices"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// What makes no difference with the services that there are, so that no case
// could notice it.

// never reports whether a template with those conditions covers no change to the
// service, for certain: it covers only what they are true of.
func (m *making) never(s *change.Service, covers ...*risk.Condition) bool {
	here := m.prover.In([]risk.Situation{{Service: s}})
	return !slices.ContainsFunc(covers, func(c *risk.Condition) bool {
		return c == nil || !here.Denied(c) && !here.Never([]*risk.Condition{c}, nil)
	})
}

// coversAlike tells whether a changed envelope holds the same changes to the
// services that the template is bound to.
func (m *making) coversAlike(t approval.Template) func(*pair) bool {
	return func(p *pair) bool {
		for i := range m.d.Services {
			s := &m.d.Services[i]
			if t.BoundTo.Fits(s) && !m.prover.In([]risk.Situation{{Service: s}}).Same(p.was, p.is) && !m.never(s, p.was, p.is) {
				return false
			}
		}
		return true
	}
}

// ceilingIdle tells whether no template covers a change that the freeze could be
// on for, so that there is no ceiling for it to lower.
func (m *making) ceilingIdle(f approval.Freeze) func() bool {
	return func() bool {
		only := m.compiled(m.facts, f.For, nil)
		return !slices.ContainsFunc(m.d.Services, func(s change.Service) bool {
			if only != nil && m.prover.In([]risk.Situation{{Service: &s}}).Denied(only) {
				return false
			}
			return slices.ContainsFunc(carriers(m.d.Services, s.Name), m.coverable)
		})
	}
}

// coverable reports whether a template could cover a change to the service.
func (m *making) coverable(service string) bool {
	i := slices.IndexFunc(m.d.Services, func(s change.Service) bool { return s.Name == service })
	s := &m.d.Services[i]
	return slices.ContainsFunc(m.d.Templates, func(t approval.Template) bool {
		return t.BoundTo.Fits(s) && !m.never(s, m.compiled(m.facts, t.Covers, nil))
	})
}

// carriedAlike tells whether nothing is lost where the service carries less: no
// seat, and no freeze that is not on for another service too.
func (s *serving) carriedAlike(do func(*change.Service)) func() bool {
	return func() bool {
		if _, tells := s.tells(do); tells {
			return false
		}
		kept := s.touched(edited(s.d.Services, s.i, do))
		for _, lost := range s.touched(s.d.Services) {
			if slices.ContainsFunc(kept, func(o change.Service) bool { return o.Name == lost.Name }) {
				continue
			}
			if slices.ContainsFunc(s.asks, func(a ask) bool { return a.each && !denied(s.heard(a.condition, &lost)) }) {
				return false
			}
			if slices.ContainsFunc(s.d.Calendar.Freezes, func(f approval.Freeze) bool { return !s.frozenAlike(f, lost, kept) }) {
				return false
			}
		}
		return true
	}
}

// touched are the service and those that it carries, at any depth.
func (s *serving) touched(all []change.Service) []change.Service {
	out := []change.Service{all[s.i]}
	for i := 0; i < len(out); i++ {
		for _, o := range all {
			known := slices.ContainsFunc(out, func(k change.Service) bool { return k.Name == o.Name })
			if slices.Contains(out[i].Carries, o.Name) && !known {
				out = append(out, o)
			}
		}
	}
	return out
}

// frozenAlike reports whether a freeze is not on for the one service, or is on
// at the same times for one of the others.
func (s *serving) frozenAlike(f approval.Freeze, lost change.Service, others []change.Service) bool {
	only := s.compiled(s.facts, f.For, nil)
	concerns := func(o change.Service) risk.Truth {
		if only == nil {
			return risk.True
		}
		truth, _ := only.Decide(s.facts.Facts(&change.Change{}, risk.Situation{Service: &o}))
		return truth
	}
	return denied(concerns(lost)) || slices.ContainsFunc(others, func(o change.Service) bool {
		return o.Zone == lost.Zone && concerns(o) == risk.True
	})
}

func denied(t risk.Truth) bool { return t == risk.False || t == risk.Inapplicable }
