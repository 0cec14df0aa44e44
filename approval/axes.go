package approval

import (
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The two axes: whether a template in force covers the change, and whether its
// level is at or under the ceiling that applies.

// findClaims finds the claim on the change, or else the standing ones of its
// service.
func (k *classifying) findClaims() {
	switch {
	case k.c.Claim != nil:
		k.claims = []change.Claim{*k.c.Claim}
	case k.service != nil:
		for _, s := range k.service.Standing(k.day()) {
			if s.Until.Before(k.lastDay()) {
				continue
			}
			k.claims = append(k.claims, change.Claim{Type: change.Standard, Template: s.Template, By: s.By, Reason: s.Reason})
		}
	}
}

// Claimants lists those by whose word the change could be standard, without
// repeats: whoever claims it, or else the standing claims of its service.
func (p *Policy) Claimants(c *change.Change, at time.Time) []string {
	if p == nil || c == nil {
		return nil
	}
	k := &classifying{p: p, c: c, in: Inputs{At: at}, service: p.services[c.Service]}
	k.findClaims()
	var out []string
	for _, claim := range k.claims {
		if claim.By != "" && !slices.Contains(out, claim.By) {
			out = append(out, claim.By)
		}
	}
	return out
}

// claimFor is the claim that names the template, or names none.
func (k *classifying) claimFor(id string) change.Claim {
	for _, c := range k.claims {
		if c.Template == id || c.Template == "" {
			return c
		}
	}
	return change.Claim{}
}

// wants reports whether the claims leave the template in question, and whether
// they name it. Without claims all are.
func (k *classifying) wants(id string) (wanted, named bool) {
	for _, c := range k.claims {
		wanted = wanted || c.Template == "" || c.Template == id
		named = named || c.Template == id
	}
	return wanted || len(k.claims) == 0, named
}

// cover finds the template that covers the change: of those in force whose
// envelope holds it, the first by id under which it is also low-risk, or else
// the first. The order of the files does not matter.
func (k *classifying) cover() (under *template, regular bool) {
	for _, c := range k.claims {
		if c.Template != "" && !slices.ContainsFunc(k.p.templates, func(t template) bool { return t.ID == c.Template }) {
			k.why("the claim names the template %q, which does not exist", c.Template)
		}
	}
	for i := range k.p.templates {
		t := &k.p.templates[i]
		wanted, named := k.wants(t.ID)
		if !wanted || !k.inForce(t, named) || !k.inside(t, named) {
			continue
		}
		over, low := k.lowRisk(t)
		if under == nil || low && !k.LowRisk {
			under, k.LowRisk, k.Override = t, low, over
		}
	}
	if under == nil {
		k.LowRisk = k.Assessment.Level.Rank() == 1
	}
	return under, under != nil
}

// inForce reports whether the template approves today, for a service like
// this. Where the claim names the template, it says why not.
func (k *classifying) inForce(t *template, say bool) bool {
	problem := k.outOfForce(t, k.lastDay())
	if problem != "" && say {
		k.why("the template %s %s", t.ID, problem)
	}
	return problem == ""
}

// outOfForce is why the template approves nothing of the service today, for what
// is deployed up to a day; "" where it does.
func (k *classifying) outOfForce(t *template, last change.Date) string {
	status, day := TemplateStatus{Active, t.digest}, k.day()
	if k.in.Templates != nil {
		status = k.in.Templates[t.ID]
	}
	switch {
	case !status.State.inForce():
		return "is " + status.State.String()
	case status.Version != t.digest:
		return "has been edited since it was approved"
	case day.Before(t.Approved.On):
		return "is not approved before " + t.Approved.On.String()
	case t.Ends.Before(day):
		return "ended on " + t.Ends.String()
	case t.Ends.Before(last):
		return "ends on " + t.Ends.String() + ", before the window does"
	case k.service == nil:
		return "cannot cover a service that the policy does not know"
	case !t.BoundTo.Fits(&k.service.Service):
		return "was approved for a service of another stage, tier or exposure, and needs to be approved again"
	}
	return ""
}

// Fits reports whether the service is what the template was approved for.
func (b Binding) Fits(s *change.Service) bool {
	return (len(b.Stages) == 0 || slices.Contains(b.Stages, s.Stage)) &&
		(len(b.Tiers) == 0 || slices.Contains(b.Tiers, s.Tier)) &&
		(len(b.Exposures) == 0 || slices.Contains(b.Exposures, s.Exposure))
}

// inside reports whether the envelope holds the change: covered for certain,
// and excepted for certain not. An exception that has no meaning for the
// service excepts nothing.
func (k *classifying) inside(t *template, say bool) bool {
	covers, why := t.covers.Decide(k.facts)
	if covers == risk.Faulty {
		k.fault(t.ID, why)
	}
	if covers != risk.True {
		if say {
			k.why("the template %s does not cover the change%s", t.ID, missing(t.covers, k.facts, covers))
		}
		return false
	}
	if t.except == nil {
		return true
	}
	except, why := t.except.Decide(k.facts)
	if except == risk.Faulty {
		k.fault(t.ID, why)
	}
	excepted := except != risk.False && except != risk.Inapplicable
	if excepted && say {
		k.why("the template %s excepts the change%s", t.ID, missing(t.except, k.facts, except))
	}
	return !excepted
}

// missing says which facts a condition hangs on.
func missing(c *risk.Condition, f risk.Facts, t risk.Truth) string {
	if names := c.Missing(f); t == risk.Undecided && len(names) > 0 {
		return ": " + strings.Join(names, ", ") + " is not known"
	}
	return ""
}

// lowRisk compares the level with the ceiling of the template, which freezes
// lower. A claim may exceed the ceiling by the slack of the model, in points
// only: never past a hard stop, the default, or a freeze.
func (k *classifying) lowRisk(t *template) (over int, low bool) {
	ceiling, _ := k.ceiling(t)
	if k.Assessment.Level.AtMost(ceiling) {
		return 0, true
	}
	slack := k.model.Model.Slack
	stopped := k.Assessment.Floor.Assessed() && !k.Assessment.Floor.AtMost(ceiling)
	if slack == 0 || stopped || len(k.freezes) > 0 || len(k.Assessment.Faults) > 0 || k.claimFor(t.ID).Type != change.Standard {
		return 0, false
	}
	for points := 1; points <= slack; points++ {
		if k.p.rules.LevelOf(k.Assessment.Score - points).AtMost(ceiling) {
			return points, true
		}
	}
	return 0, false
}

// whyNotLow says what the level is above: the template's own ceiling, or what a
// freeze leaves of it.
func (k *classifying) whyNotLow(under *template) {
	ceiling, by := k.ceiling(under)
	switch {
	case by == "":
		k.why("level %s is above %s, the ceiling of the template %s", k.Assessment.Level, ceiling, under.ID)
	case ceiling.Assessed():
		k.why("level %s is above %s, which the freeze %s allows at most", k.Assessment.Level, ceiling, by)
	default:
		k.why("the freeze %s allows no standard change", by)
	}
}

// ceiling is the highest level that can be standard under the template now,
// and the freeze that lowers it, if one does.
func (k *classifying) ceiling(t *template) (ceiling risk.Level, by string) {
	ceiling = t.ceiling
	for _, f := range k.freezes {
		if f.ceiling.Rank() < ceiling.Rank() {
			ceiling, by = f.ceiling, f.ID
		}
	}
	return ceiling, by
}
