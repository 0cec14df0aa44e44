package approval

import (
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// claimed is a change that the template covers and that claims to be standard
// under it, where it is not: the template is not in force.
func (l *policyLint) claimed(t *template) *change.Change {
	c := l.covered(l.here(t), t)
	if c == nil {
		return nil
	}
	c.Claim = &change.Claim{Type: change.Standard, Template: t.ID, By: c.Requester.ID, Reason: "an example"}
	if k := l.p.Classify(c, Inputs{At: l.at}); k.Err != nil || k.Regular || k.Type == change.Standard {
		return nil
	}
	return c
}

// frozen is a change in the freeze that is what it would be without the freeze.
func (l *policyLint) frozen(f freeze) *change.Change {
	without := *l.p
	without.freezes = slices.DeleteFunc(slices.Clone(l.p.freezes), func(o freeze) bool { return o.ID == f.ID })
	for _, t := range l.p.templates {
		_, c := l.prover.Possible(conditions(t.covers, f.only), conditions(t.except))
		if c == nil || !l.during(c, f) {
			continue
		}
		a, b := l.p.Classify(c, Inputs{At: l.at}), without.Classify(c, Inputs{At: l.at})
		if a.Err == nil && slices.Contains(a.Freezes, f.ID) && a.Type == b.Type && a.LowRisk == b.LowRisk && a.Regular == b.Regular {
			return c
		}
	}
	return nil
}

// during puts the change into the freeze, when it is on next; false where it is
// not on within a year.
func (l *policyLint) during(c *change.Change, f freeze) bool {
	s := l.p.services[c.Service]
	if c.Window != nil || s == nil || s.zone == nil {
		return c.Window != nil
	}
	year := change.Interval{Start: l.at, End: l.at.AddDate(1, 0, 1)}
	found, err := f.Every.Occurrences(year, s.zone, s.working)
	if err != nil || len(found) == 0 {
		return false
	}
	start := found[0].Start
	if start.Before(l.at) {
		start = l.at
	}
	c.Window = &change.Window{Start: start.UTC(), End: found[0].End.UTC()}
	return true
}

// inside is a change in the freeze, to a service of which its condition comes to
// that.
func (l *policyLint) inside(f freeze, want risk.Truth) *change.Change {
	for _, s := range l.situations(Binding{}) {
		c := plain(s.Service, change.Code)
		truth, _ := f.only.Decide(l.p.rules.Vocabulary().Facts(c, s))
		if truth != want || !l.during(c, f) {
			continue
		}
		if k := l.p.Classify(c, Inputs{At: l.at}); k.Err == nil && slices.Contains(k.Freezes, f.ID) {
			return c
		}
	}
	return nil
}
