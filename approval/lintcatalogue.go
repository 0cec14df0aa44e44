package approval

import (
	"cmp"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/risk"
)

// templates finds templates that are over or not yet in force, and such that
// nothing is standard under, or nothing that would not be so anyway.
func (l *policyLint) templates() {
	var live []*template
	for _, d := range l.d.Templates {
		t := l.p.template(d.ID)
		if d.Ends.Before(l.day) {
			l.say(d.at("ends"), d.ID, risk.Outdated, l.claimed(t), "the template %s ended on %s; have it approved again or remove it", d.ID, d.Ends)
		}
		if l.day.Before(d.Approved.On) {
			l.say(d.at("approved"), d.ID, risk.Outdated, l.claimed(t), "the template %s counts from %s on, when it is approved, and not before; until then nothing is standard under it", d.ID, d.Approved.On)
		}
		if meant := l.misnamed(d); meant != "" {
			l.say(d.at("approved"), d.ID, risk.NoEffect, nil, "nobody can put the template %s into force: %q has approved it, and is neither a group nor a role of policy.yaml; did you mean %q?", d.ID, d.Approved.By, meant)
		}
		if l.situations(d.BoundTo) == nil {
			l.say(d.at("bound-to"), d.ID, risk.NeverTrue, nil, "the template %s is bound to a stage, tier or exposure that no service has, so it covers nothing; correct \"bound-to\" or remove the template", d.ID)
			continue
		}
		if here := l.here(t); l.covers(here, t) && l.usable(here, t) && l.allowed(here, t) {
			live = append(live, t)
		}
	}
	for _, t := range live {
		l.subsumed(t, live)
	}
}

// misnamed is the group or role that is meant by who has approved the template,
// where only the name is a little different; "" for any other.
func (l *policyLint) misnamed(d Template) string {
	known := slices.Clone(l.d.Roles)
	for _, g := range l.d.Groups {
		known = append(known, g.Name)
	}
	if slices.Contains(known, d.Approved.By) {
		return ""
	}
	return nearest.To(d.Approved.By, known)
}

// conditions are a condition, or none.
func conditions(list ...*risk.Condition) []*risk.Condition {
	return slices.DeleteFunc(list, func(c *risk.Condition) bool { return c == nil })
}

// here is a prover for the services that a template is bound to.
func (l *policyLint) here(t *template) *risk.Prover { return l.anywhere.In(l.situations(t.BoundTo)) }

// covers looks at the envelope by itself; it reports whether anything is in it.
func (l *policyLint) covers(here *risk.Prover, t *template) bool {
	at, covers, except := t.at("covers"), conditions(t.covers), conditions(t.except)
	switch {
	case l.anywhere.Never(covers, nil):
		l.never(l.anywhere, at, t.ID, t.covers, nil, "the template %s covers nothing, as its condition can never be true%s; correct it or remove the template")
	case here.Never(covers, nil):
		l.never(here, at, t.ID, t.covers, nil, "the template %s covers nothing, as its condition can never be true for a service of this policy that it is bound to%s; correct it or remove the template")
	case here.Never(covers, except):
		_, witness := here.Possible(slices.Concat(covers, except), nil)
		l.say(t.at("except"), t.ID, risk.Contradiction, witness, "the template %s excepts everything that it covers; narrow \"except\" or remove the template", t.ID)
	default:
		l.turns(here, t)
		return true
	}
	return false
}

// turns finds an exception that never comes; an envelope that holds everything
// does not load.
func (l *policyLint) turns(here *risk.Prover, t *template) {
	if t.except != nil && l.anywhere.Never(conditions(t.except), nil) {
		l.never(l.anywhere, t.at("except"), t.ID, t.except, here.Open(t.except, conditions(t.covers)), "the template %s excepts nothing for certain, as the condition can never be true%s; correct it or leave \"except\" out")
	}
}

// never reports a condition that is never true, and why, with a change that
// shows what it still does, if there is one. The format takes the name and the
// reason.
func (l *policyLint) never(p *risk.Prover, at source, id string, c *risk.Condition, witness *change.Change, format string) {
	kind := risk.NeverTrue
	why, exclusive := p.WhyNever(c)
	if exclusive && p == l.anywhere {
		kind = risk.Contradiction
	}
	l.say(at, id, kind, witness, format, id, why)
}

// allowed reports whether anything that the template covers can be standard
// under it: not if all of it is forbidden, or held above its ceiling.
func (l *policyLint) allowed(here *risk.Prover, t *template) bool {
	covers := conditions(t.covers)
	for _, f := range l.p.forbid {
		if !l.all(f) && here.Never(covers, conditions(t.except, f.when)) {
			l.say(t.src, t.ID, risk.NoEffect, l.covered(here, t), "nothing is standard under the template %s: all that it covers is forbidden (%s); narrow one of the two", t.ID, f.ID)
			return false
		}
	}
	for _, r := range l.p.rules.Rules() {
		floor, _ := l.p.rules.Level(r.Floor)
		if r.Floor == "" || floor.AtMost(t.ceiling) {
			continue
		}
		held := func(text string) bool {
			return text == "" || here.Never(covers, conditions(t.except, l.condition(text)))
		}
		if held(r.For) && held(r.When) {
			l.say(t.at("ceiling"), t.ID, risk.Unreachable, l.covered(here, t), "nothing is standard under the template %s: the rule %s holds all that it covers at %s at least, above its ceiling %s; raise the ceiling, or narrow one of the two", t.ID, r.ID, r.Floor, t.Ceiling)
			return false
		}
	}
	return l.vouched(here, t)
}

// vouched reports whether a change that the template covers can be below the
// default, where that is above its ceiling.
func (l *policyLint) vouched(here *risk.Prover, t *template) bool {
	fallback, _ := l.p.rules.Level(l.d.Risk.Default)
	if fallback.AtMost(t.ceiling) {
		return true
	}
	for _, r := range l.p.rules.Rules() {
		if r.Points > 0 || r.Floor != "" || r.When == "" {
			continue
		}
		if !here.Never(conditions(t.covers, l.condition(r.For), l.condition(r.When)), conditions(t.except)) {
			return true
		}
	}
	l.say(t.at("ceiling"), t.ID, risk.Unreachable, l.covered(here, t), "nothing is standard under the template %s: no rule vouches for anything that it covers, so all of it is at the default %s at least, above its ceiling %s; add a rule that does, such as for a check that has passed", t.ID, fallback, t.Ceiling)
	return false
}

// condition compiles a condition that has been compiled before; nil of "".
func (l *policyLint) condition(text string) *risk.Condition {
	if text == "" {
		return nil
	}
	c, err := l.p.rules.Vocabulary().Condition(text)
	if err != nil {
		return nil
	}
	return c
}

// covered is a change that the template covers.
func (l *policyLint) covered(here *risk.Prover, t *template) *change.Change {
	_, c := here.Possible(conditions(t.covers), conditions(t.except))
	return c
}

// subsumed finds another template under which all is standard that is so under
// this one.
func (l *policyLint) subsumed(t *template, all []*template) {
	here := l.here(t)
	for _, o := range all {
		switch {
		case o == t || !t.ceiling.AtMost(o.ceiling) || !o.BoundTo.includes(t.BoundTo) || o.Ends.Before(t.Ends) || o.Approved.On.After(t.Approved.On) && o.Approved.On.After(l.day):
			continue
		case !within(here, t, o) || within(l.here(o), o, t) && t.BoundTo.includes(o.BoundTo) && o.ceiling == t.ceiling && t.ID < o.ID:
			continue
		}
		_, witness := here.Possible(conditions(t.covers, o.covers), conditions(t.except, o.except))
		l.say(t.at("covers"), t.ID, risk.Subsumed, witness, "the template %s makes no difference: whatever it covers, %s covers too, up to the level %s; remove it", t.ID, o.ID, o.Ceiling)
		return
	}
}

// within reports whether all that one template covers, of the services that it is
// bound to, is covered by another.
func within(here *risk.Prover, t, o *template) bool {
	covers, except := conditions(t.covers), conditions(t.except)
	if !here.Never(covers, append(except, o.covers)) {
		return false
	}
	return o.except == nil || here.Never(append(covers, o.except), except)
}

// includes reports whether a binding fits every service that another one fits.
func (b Binding) includes(o Binding) bool {
	return allOf(b.Stages, o.Stages) && allOf(b.Tiers, o.Tiers) && allOf(b.Exposures, o.Exposures)
}

// allOf reports whether a list, of which an empty one stands for all, holds
// what another one does.
func allOf[T cmp.Ordered](list, other []T) bool {
	if len(list) == 0 {
		return true
	}
	return len(other) > 0 && !slices.ContainsFunc(other, func(v T) bool { return !slices.Contains(list, v) })
}

// forbidden finds what is forbidden that never comes, always comes, or is
// forbidden anyway.
func (l *policyLint) forbidden() {
	for i, f := range l.p.forbid {
		c := conditions(f.when)
		switch {
		case l.anywhere.Never(c, nil):
			l.never(l.anywhere, f.Forbid.when, f.ID, f.when, l.prover.Open(f.when, nil), "what %s forbids can never be, so it holds up only what is not known%s; correct it or remove it")
		case l.prover.Never(c, nil):
			l.never(l.prover, f.Forbid.when, f.ID, f.when, l.prover.Open(f.when, nil), "what %s forbids can never be for a service of this policy%s; correct it or remove it")
		case l.all(f):
			_, witness := l.prover.Possible(c, nil)
			l.say(f.Forbid.when, f.ID, risk.AlwaysTrue, witness, "%s forbids everything, so no change is ever standard: its condition is never false; narrow it or remove it", f.ID)
		default:
			l.forbiddenAnyway(i)
		}
	}
}

// all reports whether everything is forbidden.
func (l *policyLint) all(f forbid) bool { return l.anywhere.Always(f.when) }

func (l *policyLint) forbiddenAnyway(i int) {
	f := l.p.forbid[i]
	for k, o := range l.p.forbid {
		if k == i || l.all(o) || !l.anywhere.Never(conditions(f.when), conditions(o.when)) {
			continue
		}
		if k > i && l.anywhere.Never(conditions(o.when), conditions(f.when)) {
			continue // the later one of two that are alike
		}
		_, witness := l.prover.Possible(conditions(f.when, o.when), nil)
		l.say(f.Forbid.when, f.ID, risk.Subsumed, witness, "what %s forbids makes no difference: %s forbids all of it; remove it", f.ID, o.ID)
		return
	}
}
