package approval

import (
	"fmt"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// authority finds rules that never come, and rules that add nothing to others.
func (l *policyLint) authority() {
	for i := range l.p.authority {
		r, d := &l.p.authority[i], l.d.Authority.Rules[i]
		id := fmt.Sprintf("authority rule %d", i+1)
		switch {
		case r.when == nil:
			l.addsNothing(i, id)
		case l.anywhere.Never(conditions(r.when), nil):
			l.exclude(d.when, id, r.when, nil, "the %s can never be true")
		case l.prover.Never(conditions(r.when), nil):
			l.say(d.when, id, risk.NeverTrue, nil, "the %s can never be true for a service of this policy", id)
		default:
			l.addsNothing(i, id)
		}
	}
}

// addsNothing finds another rule that asks for the same seats, and more, and
// matches whenever this one does.
func (l *policyLint) addsNothing(i int, id string) {
	for k := range l.p.authority {
		if k == i || !l.asksAll(k, i) || !l.matchesAll(k, i) {
			continue
		}
		if k > i && l.asksAll(i, k) && l.matchesAll(i, k) {
			continue // the later one of two that are alike
		}
		r, o := l.p.authority[i], l.p.authority[k]
		_, example := l.prover.Possible(conditions(r.when, o.when), nil)
		l.say(l.d.Authority.Rules[i].src, id, risk.Subsumed, l.matched(example, r, o), "the %s makes no difference: whenever it matches, rule %d matches too and asks for the same seats", id, k+1)
		return
	}
}

// matched is the change, as an emergency if need be, if both rules match it.
func (l *policyLint) matched(c *change.Change, rules ...authorityRule) *change.Change {
	if c == nil {
		return nil
	}
	for _, incident := range []*change.Incident{c.Emergency, {ID: "INC-1", Reason: "the service is down"}} {
		out := *c
		out.Emergency = incident
		k := l.p.Classify(&out, Inputs{At: l.at})
		s := l.p.services[out.Service]
		facts := l.p.rules.Vocabulary().Facts(&out, risk.Situation{Service: &s.Service, Zone: s.zone, Working: s.working, At: l.at, Model: k.Model})
		if k.Type != change.Standard && !slices.ContainsFunc(rules, func(r authorityRule) bool {
			if r.when == nil {
				return false
			}
			truth, _ := r.when.Decide(facts, k.Type.String(), k.Assessment.Level.String())
			return truth != risk.True
		}) {
			return &out
		}
	}
	return nil
}

// asksAll reports whether one rule asks for all that another one does, and as
// soon a review.
func (l *policyLint) asksAll(one, other int) bool {
	a, b := l.d.Authority.Rules[one], l.d.Authority.Rules[other]
	if b.Review != "" && a.Review != b.Review || l.p.authority[other].says && !l.p.authority[one].says {
		return false
	}
	return !slices.ContainsFunc(b.Needs, func(n Need) bool {
		return !slices.ContainsFunc(a.Needs, func(m Need) bool { return m.covers(n) })
	})
}

// covers reports whether whoever meets one need meets the other too.
func (n Need) covers(o Need) bool {
	if n.Group != o.Group || n.Role != o.Role || n.Each != o.Each || len(n.Any) != len(o.Any) || max(n.Quorum, 1) < max(o.Quorum, 1) {
		return false
	}
	for i := range n.Any {
		if !n.Any[i].covers(o.Any[i]) {
			return false
		}
	}
	return true
}

// matchesAll reports whether one rule matches whenever another one does.
func (l *policyLint) matchesAll(one, other int) bool {
	a, b := l.p.authority[one].when, l.p.authority[other].when
	if a == nil || b == nil {
		return a == nil
	}
	return l.anywhere.Never(conditions(b), conditions(a))
}

// freezes finds freezes that are over, that concern no service, and that change
// nothing.
func (l *policyLint) freezes() {
	for _, f := range l.p.freezes {
		if l.over(f) {
			l.say(f.src.inside("every"), f.ID, risk.Outdated, nil, "the freeze %s (%s) is over; remove it, or set the next one", f.ID, f.Every)
		}
		switch {
		case f.only == nil:
		case l.anywhere.Never(conditions(f.only), nil):
			l.exclude(f.Freeze.only, f.ID, f.only, nil, "the freeze %s is for no service: its condition can never be true")
		case l.prover.Never(conditions(f.only), nil):
			l.say(f.Freeze.only, f.ID, risk.NeverTrue, nil, "the freeze %s is for no service of this policy", f.ID)
		}
		lowers := slices.ContainsFunc(l.p.templates, func(t template) bool { return f.ceiling.Rank() < t.ceiling.Rank() })
		slack := slices.ContainsFunc(l.d.Services, func(s change.Service) bool {
			return slices.ContainsFunc(s.Models, func(m change.Assignment) bool { return m.Model.Slack > 0 })
		})
		if !lowers && !slack && f.Override == "" && len(l.p.templates) > 0 {
			l.say(f.src.inside("ceiling"), f.ID, risk.NoEffect, l.frozen(f), "the freeze %s changes nothing: no template has a ceiling above %s, and it adds no seat", f.ID, f.Ceiling)
		}
	}
}

// over reports whether the freeze took place once, and will not again.
func (l *policyLint) over(f freeze) bool {
	if text := f.Every.String(); len(text) < 10 || text[4] != '-' || text[7] != '-' {
		return false // it recurs
	}
	for span := l.at; span.Year() < l.at.Year()+20; span = span.AddDate(4, 0, 0) {
		for _, s := range l.p.services {
			if s.zone == nil {
				return false
			}
			found, err := f.Every.Occurrences(change.Interval{Start: span, End: span.AddDate(4, 0, 1)}, s.zone, s.working)
			if err != nil || len(found) > 0 {
				return false
			}
		}
	}
	return true
}
