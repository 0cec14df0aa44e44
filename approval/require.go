package approval

import (
	"fmt"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// findFreezes finds the freezes that hold when the change would be deployed,
// for the service or for one that it carries, each in its own time zone: a
// platform is frozen when a service on it is. What cannot be decided is frozen.
func (k *classifying) findFreezes() {
	services := k.touched()
	for _, f := range k.p.freezes {
		held := k.service == nil // nobody can tell that it does not
		for _, s := range services {
			if !held && k.concerns(f, s) {
				held = k.holds(f, s.info)
			}
		}
		if !held {
			continue
		}
		k.freezes = append(k.freezes, f)
		k.Freezes = append(k.Freezes, f.ID)
		if k.service != nil {
			k.why("the freeze %s is on%s", f.ID, because(f.Because))
		}
	}
}

// touched is one service that the change touches, with the facts about it.
type touched struct {
	info  *serviceInfo
	facts risk.Facts
}

// touched lists the service of the change and those that it carries, at any
// depth.
func (k *classifying) touched() []touched {
	if k.service == nil || len(k.p.freezes) == 0 {
		return nil
	}
	out := []touched{{k.service, k.facts}}
	for _, id := range k.service.carried {
		info := k.p.services[id]
		s := risk.Situation{At: k.in.At, Service: &info.Service, Zone: info.zone, Working: info.working}
		if model, ok := info.modelThrough(k.c.Kind, k.untilEnd()); ok {
			s.Model = model.Model.Name
		}
		// A freeze asks for facts of the service only.
		out = append(out, touched{info, k.p.read.freezes.Facts(&change.Change{}, s)})
	}
	return out
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// concerns reports whether the freeze is for the service.
func (k *classifying) concerns(f freeze, s touched) bool {
	if f.only == nil {
		return true
	}
	truth, why := f.only.Decide(s.facts)
	if truth == risk.Faulty {
		k.fault(f.ID, why)
	}
	return truth != risk.False && truth != risk.Inapplicable
}

// holds asks the calendar of the service. A freeze without a zone to read it in
// holds.
func (k *classifying) holds(f freeze, s *serviceInfo) bool {
	if s.zone == nil {
		k.fault(f.ID, "the service "+s.Name+" has no time zone, so it cannot be told whether the freeze is on")
		return true
	}
	found, err := f.Every.Occurrences(k.span(), s.zone, s.working)
	if err != nil {
		k.fault(f.ID, err.Error())
		return true
	}
	return len(found) > 0
}

// decideRequirement adds up who must say yes: the seats of every rule that
// matches; the default as well unless one of them asks for the type, and so says
// who decides changes of it, where that is not certain, and where the risk of a
// normal change was left open. An emergency does not wait for what is not known.
func (k *classifying) decideRequirement(s risk.Situation) {
	if k.Type == change.Standard {
		t := k.p.template(k.Template)
		k.Requirement = PreApproval{Template: t.ID, Version: t.digest, ApprovedBy: t.Approved.By, Ref: t.Approved.Ref}
		return
	}
	var parts []Requirement
	matched, certain := false, true
	for i := range k.p.authority {
		r := &k.p.authority[i]
		counts, sure := k.matches(r, i)
		certain = certain && sure
		if !counts {
			continue
		}
		found, sure := k.seats(r.needs, s)
		certain = certain && sure
		parts = append(parts, found...)
		matched = matched || r.says && len(found) > 0
		k.review(r)
	}
	open := k.Type != change.Emergency && (k.Assessment.Open() || len(k.Faults) > 0)
	if !matched || !certain || open || k.service == nil {
		parts = append(parts, seats(k.p.fallback, k.c.Service)...)
	}
	for _, f := range k.freezes {
		if f.Override != "" && (k.Type != change.Emergency || f.HoldEmergencies) {
			parts = append(parts, Seat{Role: f.Override, Of: k.c.Service, Quorum: 1})
		}
	}
	k.Requirement = sum(parts)
	if countWays(k.Requirement) > maxWays {
		k.fault("authority", fmt.Sprintf("what it needs can be met in more than %d ways, which are not compared, so that nobody could ever decide it; ask in authority.yaml for fewer seats of which one is enough (\"any\"), such as for one group instead", maxWays))
	}
}

// template is nil where the policy has none of that name.
func (p *Policy) template(id string) *template {
	if p == nil {
		return nil
	}
	i := slices.IndexFunc(p.templates, func(t template) bool { return t.ID == id })
	if i < 0 {
		return nil
	}
	return &p.templates[i]
}

// matches reports whether an authority rule counts, and whether that is
// certain. The level is asked for as everything that it could be: from what it
// is if all that is missing turns out well, up to what it is counted as. So a
// missing fact never takes a seat away.
func (k *classifying) matches(r *authorityRule, number int) (counts, certain bool) {
	if r.when == nil {
		return true, true
	}
	yes, no := false, false
	for _, level := range k.p.rules.Levels() {
		if !k.Assessment.Best.AtMost(level) || !level.AtMost(k.Assessment.Level) {
			continue
		}
		truth, why := r.when.Decide(k.facts, k.Type.String(), level.String())
		switch truth {
		case risk.True:
			yes = true
		case risk.False, risk.Inapplicable:
			no = true
		case risk.Undecided:
			yes, no = true, true
		default:
			k.fault(fmt.Sprintf("authority rule %d", number+1), why)
			yes, no = true, true
		}
	}
	return yes || !no, yes != no
}

// seats compiles the needs of a rule into a requirement for this change.
func (k *classifying) seats(needs []need, s risk.Situation) (out []Requirement, certain bool) {
	certain = true
	for _, n := range needs {
		if n.each == nil {
			out = append(out, seats([]need{n}, k.c.Service)...)
			continue
		}
		if k.service == nil {
			return out, false
		}
		for _, id := range k.service.carried {
			s.Carried = &k.p.services[id].Service
			truth, why := n.each.Decide(k.p.read.each.Facts(k.c, s))
			switch truth {
			case risk.False, risk.Inapplicable:
				continue
			case risk.Faulty:
				k.fault("authority", why)
				certain = false
			case risk.Undecided:
				certain = false
			}
			out = append(out, Seat{Role: n.seat.Role, Of: id, Quorum: 1})
		}
	}
	return out, certain
}

// seats are the seats of needs that do not depend on carried services; service
// is the name that roles are held for.
func seats(needs []need, service string) []Requirement {
	var out []Requirement
	for _, n := range needs {
		switch {
		case len(n.any) > 0:
			out = append(out, Any(seats(n.any, service)))
		case n.seat.Role != "":
			out = append(out, Seat{Role: n.seat.Role, Of: service, Quorum: n.seat.Quorum})
		default:
			out = append(out, n.seat)
		}
	}
	return out
}

// review keeps the earliest time at which a matching rule wants a review.
func (k *classifying) review(r *authorityRule) {
	if r.review == nil {
		return
	}
	var working *change.WorkingTime
	if k.service != nil {
		working = k.service.working
	}
	due := r.review.due(k.in.At, working)
	if k.ReviewBy.IsZero() || due.Before(k.ReviewBy) {
		k.ReviewBy = due
	}
}
