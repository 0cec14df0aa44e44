package approval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// authority finds rules that never come, or always, and rules that add nothing to
// others.
func (l *policyLint) authority() {
	for i := range l.p.authority {
		r, d := &l.p.authority[i], l.d.Authority.Rules[i]
		id := fmt.Sprintf("authority rule %d", i+1)
		l.each(id, r.needs, d.Needs)
		switch {
		case r.when != nil && l.anywhere.Never(conditions(r.when), nil):
			l.neverAsks(l.anywhere, i, id, "")
		case r.when != nil && l.prover.Never(conditions(r.when), nil):
			l.neverAsks(l.prover, i, id, " for a service of this policy")
		case r.when != nil && !r.says && l.anywhere.Always(r.when):
			_, example := l.prover.Possible(conditions(r.when), nil)
			l.say(d.when, id, risk.AlwaysTrue, l.matched(example, *r), "the %s is for every change, as its condition is never false; leave \"when\" out", id)
		default:
			l.addsNothing(i, id)
		}
	}
}

// neverAsks reports a rule that is never true; where it is not known whether it
// is, its seats are asked for.
func (l *policyLint) neverAsks(p *risk.Prover, i int, id, where string) {
	r, otherwise := l.p.authority[i], ""
	witness := l.perhaps(r)
	switch {
	case witness != nil:
		otherwise = ", and asks for its seats only where something that it reads is not known"
	case l.prover.Denied(r.when):
		otherwise = ", so it asks for nobody"
	}
	l.never(p, l.d.Authority.Rules[i].when, id, r.when, witness, "the %s can never be true"+where+otherwise+"%s; correct it or remove the rule")
}

// perhaps is a change of which it is not known whether the rule matches it.
func (l *policyLint) perhaps(r authorityRule) *change.Change {
	for i := range l.d.Services {
		if c := l.decided(plain(&l.d.Services[i], change.Code), risk.Undecided, r); c != nil {
			return c
		}
	}
	return nil
}

// each finds seats for services that are carried, where they are for none.
func (l *policyLint) each(id string, needs []need, list []Need) {
	for i, n := range needs {
		if n.each == nil || slices.ContainsFunc(n.each.Reads(), func(fact string) bool { return !ofServices(fact) }) {
			continue
		}
		carried := 0
		asks := false
		for _, s := range l.p.services {
			for _, name := range s.carried {
				carried++
				truth, _ := n.each.Decide(l.p.carried.Facts(&change.Change{}, risk.Situation{Service: &s.Service, Carried: &l.p.services[name].Service, At: l.at}))
				asks = asks || truth != risk.False && truth != risk.Inapplicable
			}
		}
		switch {
		case carried == 0:
			l.say(list[i].each, id, risk.NeverTrue, nil, "the %s asks for no %s of a carried service, as no service of this policy carries another; remove the need", id, n.seat.Role)
		case !asks:
			l.say(list[i].each, id, risk.NeverTrue, nil, "the %s asks for no %s of a carried service, as %s is true of none of them; correct it or remove the need", id, n.seat.Role, list[i].Each)
		}
	}
}

// ofServices reports whether a fact is one that the policy states of services.
func ofServices(fact string) bool {
	return fact != "service.model" && (strings.HasPrefix(fact, "service.") || strings.HasPrefix(fact, "carried."))
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
		l.say(l.d.Authority.Rules[i].src, id, risk.Subsumed, l.matched(example, r, o), "the %s makes no difference: whenever it matches, rule %d matches too and asks for the same seats; remove it", id, k+1)
		return
	}
}

// matched is the change, as an emergency if need be, if all of the rules match it.
func (l *policyLint) matched(c *change.Change, rules ...authorityRule) *change.Change {
	return l.decided(c, risk.True, rules...)
}

// decided is the change, as an emergency if need be, if the conditions of all of
// the rules come to that for it.
func (l *policyLint) decided(c *change.Change, want risk.Truth, rules ...authorityRule) *change.Change {
	if c == nil {
		return nil
	}
	for _, incident := range []*change.Incident{c.Emergency, {ID: "INC-1", Reason: "the service is down"}} {
		out := *c
		out.Emergency = incident
		t := l.p.Trace(&out, Inputs{At: l.at})
		if t.Err == nil && t.Type != change.Standard && !slices.ContainsFunc(rules, func(r authorityRule) bool {
			if r.when == nil {
				return false
			}
			truth, _ := r.when.Decide(t.Facts, t.Type.String(), t.Assessment.Level.String())
			return truth != want
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

// freezes finds freezes that are over, that concern no service, or every one, and
// that change nothing.
func (l *policyLint) freezes() {
	for _, f := range l.p.freezes {
		if l.over(f) {
			l.say(f.src.inside("every"), f.ID, risk.Outdated, nil, "the freeze %s (%s) is over; remove it, or set the next one", f.ID, f.Every)
		}
		switch {
		case f.only == nil:
		case l.anywhere.Never(conditions(f.only), nil):
			l.neverOn(l.anywhere, f, ", as its condition can never be true")
		case l.prover.Never(conditions(f.only), nil):
			l.neverOn(l.prover, f, "")
		case l.anywhere.Always(f.only):
			l.say(f.Freeze.only, f.ID, risk.AlwaysTrue, l.inside(f, risk.True), "the freeze %s is for every service, as its condition is never false; leave \"for\" out", f.ID)
		}
		lowers := slices.ContainsFunc(l.p.templates, func(t template) bool { return f.ceiling.Rank() < t.ceiling.Rank() })
		slack := slices.ContainsFunc(l.d.Services, func(s change.Service) bool {
			return slices.ContainsFunc(s.Models, func(m change.Assignment) bool { return m.Model.Slack > 0 })
		})
		if !lowers && !slack && f.Override == "" && len(l.p.templates) > 0 {
			l.say(f.src.inside("ceiling"), f.ID, risk.NoEffect, l.frozen(f), "the freeze %s changes nothing: no template has a ceiling above %s, and it adds no seat; lower its ceiling, give it an override, or remove it", f.ID, f.Ceiling)
		}
	}
}

// neverOn reports a freeze whose condition is never true; where it is not known
// whether it is, the freeze is on.
func (l *policyLint) neverOn(p *risk.Prover, f freeze, because string) {
	is, witness := "for no service of this policy", l.inside(f, risk.Undecided)
	if witness != nil {
		is = "only for services of which something is not known"
	}
	l.never(p, f.Freeze.only, f.ID, f.only, witness, "the freeze %s is "+is+because+"%s; correct it or remove the freeze")
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
