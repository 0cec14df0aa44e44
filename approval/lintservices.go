package approval

import (
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// services finds operating models that nobody has looked at again, and standing
// claims that are over or of no use.
func (l *policyLint) services() {
	for i := range l.d.Services {
		s := &l.d.Services[i]
		at := l.d.sources.service[s.Name]
		for k, m := range s.Models {
			if m.ReviewOverdue(l.day) && l.inForce(*s, m) {
				l.say(at.nth("model", k).inside("review-by"), s.Name, risk.Outdated, l.overdue(s, m), "the operating model %s of the service %s should have been reviewed by %s; review it and set review-by anew", m.Model.Name, s.Name, m.ReviewBy)
			}
		}
		for k, claim := range s.StandingClaims {
			l.claim(s, claim, at.nth("claims", k))
		}
	}
}

// inForce reports whether the assignment is in force for some kind of change.
func (l *policyLint) inForce(s change.Service, m change.Assignment) bool {
	for k := change.Code; k <= change.COTSRelease; k++ {
		if now, ok := s.ModelFor(k, l.day); ok && now.From == m.From && now.Model == m.Model && len(now.Kinds) == len(m.Kinds) {
			return true
		}
	}
	return false
}

// claim looks at one standing claim.
func (l *policyLint) claim(s *change.Service, claim change.StandingClaim, at source) {
	t, here := l.p.template(claim.Template), l.anywhere.In(l.only(s))
	switch {
	case claim.Until.Before(l.day):
		l.say(at.inside("until"), s.Name, risk.Outdated, l.unclaimed(here, t), "the standing claim of the service %s on %s ended on %s; renew it or remove it", s.Name, claim.Template, claim.Until)
	case l.situations(t.BoundTo) == nil || l.here(t).Never(conditions(t.covers), conditions(t.except)): // which is said of the template
	case !t.BoundTo.Fits(s) || here.Never(conditions(t.covers), conditions(t.except)):
		l.say(at.inside("template"), s.Name, risk.NoEffect, nil, "the standing claim of the service %s on %s makes no difference: the template covers no change to it; correct it or remove it", s.Name, claim.Template)
	case !l.everStandard(s):
		l.say(at.inside("template"), s.Name, risk.NoEffect, l.unclaimed(here, t), "the standing claim of the service %s on %s makes no difference: under its operating model nothing is standard; remove it, or put the service under another", s.Name, claim.Template)
	}
}

// only are the situations of one service.
func (l *policyLint) only(s *change.Service) []risk.Situation {
	return slices.DeleteFunc(l.situations(Binding{}), func(o risk.Situation) bool { return o.Service.Name != s.Name })
}

// unclaimed is a change that the template covers and that is not standard, as
// nobody claims it.
func (l *policyLint) unclaimed(here *risk.Prover, t *template) *change.Change {
	c := l.covered(here, t)
	if c == nil {
		return nil
	}
	if k := l.p.Classify(c, Inputs{At: l.at}); k.Err != nil || k.Type == change.Standard {
		return nil
	}
	return c
}

// plain is a change of which little more is known than its service.
func plain(s *change.Service, k change.Kind) *change.Change {
	return &change.Change{ID: "CHG-EXAMPLE", Title: "an example", Kind: k, Service: s.Name,
		Requester: change.Person{ID: "idp|example", Kind: change.Human, Team: s.Team}}
}

// overdue is a change of whose classification the reasons say that the model
// should have been looked at.
func (l *policyLint) overdue(s *change.Service, m change.Assignment) *change.Change {
	for k := change.Code; k <= change.COTSRelease; k++ {
		c := plain(s, k)
		got := l.p.Classify(c, Inputs{At: l.at})
		says := func(why string) bool {
			return strings.HasSuffix(why, "should have been reviewed by "+m.ReviewBy.String())
		}
		if got.Err == nil && got.Model == m.Model.Name && slices.ContainsFunc(got.Why, says) {
			return c
		}
	}
	return nil
}
