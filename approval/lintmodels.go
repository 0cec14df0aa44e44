package approval

import (
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// usable reports whether something that the template covers can be standard by the
// operating model of its service, today or under one that is to come.
func (l *policyLint) usable(here *risk.Prover, t *template) bool {
	all := l.situations(t.BoundTo)
	open := slices.DeleteFunc(slices.Clone(all), func(s risk.Situation) bool { return !l.everStandard(s.Service) })
	if len(open) > 0 && (len(open) == len(all) || !l.anywhere.In(open).Never(conditions(t.covers), conditions(t.except))) {
		return true
	}
	l.say(t.src, t.ID, risk.NoEffect, l.covered(here, t), "nothing is standard under the template %s: each service that it covers is under an operating model in which nothing is; remove it, or put them under another", t.ID)
	return false
}

// everStandard reports whether the service has a model, or is to have one, in
// which a change of some kind can be standard.
func (l *policyLint) everStandard(s *change.Service) bool {
	for k := change.Code; k <= change.COTSRelease; k++ {
		if m, ok := s.ModelFor(k, l.day); ok && m.Model.Standard != change.Never {
			return true
		}
	}
	return slices.ContainsFunc(s.Models, func(a change.Assignment) bool {
		return a.From.After(l.day) && a.Model.Standard != change.Never
	})
}
