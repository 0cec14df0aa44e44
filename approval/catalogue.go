package approval

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/risk"
)

// at is where a field of the template was read, or else the template.
func (t *Template) at(field string) source {
	if s, ok := t.nodes[field]; ok {
		return s
	}
	return t.src
}

func (b *building) addTemplates() {
	for _, t := range b.d.Templates {
		b.checkName(t.src, "a template", t.ID)
		if slices.ContainsFunc(b.p.templates, func(o template) bool { return o.ID == t.ID }) {
			b.add(t.src, "the template %q is defined twice", t.ID)
		}
		b.p.templates = append(b.p.templates, b.template(t))
	}
	slices.SortFunc(b.p.templates, func(x, y template) int { return cmp.Compare(x.ID, y.ID) })
}

func (b *building) template(t Template) template {
	c := template{Template: t, ceiling: b.level(t.at("ceiling"), "the ceiling", t.Ceiling), approver: b.approverOf(t)}
	b.checkCeiling(&t)
	if t.Owner == "" {
		b.add(t.src, "the template %q needs an owner who answers for it", t.ID)
	}
	if t.Approved.By == "" || t.Approved.On.IsZero() {
		b.add(t.at("approved"), "the template %q needs \"approved\": by whom, and on which day", t.ID)
	}
	if t.Ends.IsZero() || t.Ends.Before(t.Approved.On) {
		b.add(t.at("ends"), "the template %q needs \"ends\": the last day on which it counts, after its approval", t.ID)
	}
	if slices.Contains(t.BoundTo.Stages, 0) || slices.Contains(t.BoundTo.Exposures, 0) || slices.ContainsFunc(t.BoundTo.Tiers, func(tier int) bool { return tier < 1 }) {
		b.add(t.at("bound-to"), "the template %q is bound to a stage, tier or exposure that is not stated", t.ID)
	}
	if t.Covers == "" {
		b.add(t.src, "the template %q needs \"covers\": a pre-approval without a condition would cover everything", t.ID)
	} else {
		c.covers = b.condition(b.facts, t.Covers, t.at("covers"), "covers")
		b.checkEnvelope(&t, c.covers)
	}
	if t.Except != "" {
		c.except = b.condition(b.facts, t.Except, t.at("except"), "except")
	}
	if s := t.Suspend; s != nil && (s.FailureRateAbove < 0 || s.FailureRateAbove >= 1 || s.Confidence < 0 || s.Confidence >= 1) {
		b.add(t.at("suspend"), "the failure rate and the confidence that suspend %q lie between 0%% and 100%%", t.ID)
	}
	data, err := json.Marshal(t)
	b.join(err)
	c.digest = change.DigestOf("changelane/template/v1", data)
	return c
}

// checkEnvelope refuses an envelope that is never left: it would be a
// pre-approval without a condition (INV-9).
func (b *building) checkEnvelope(t *Template, covers *risk.Condition) {
	if covers != nil && !b.from.knows(t.Covers, b.facts) && b.facts.Prover(nil).Always(covers) {
		b.add(t.at("covers"), "the template %q covers everything, as its condition is never false: that is a pre-approval without a condition; say what is regular", t.ID)
	}
}

// checkCeiling refuses a ceiling that reaches the level of a change for which
// nothing speaks: no rule would have to vouch for a standard change.
func (b *building) checkCeiling(t *Template) {
	levels := b.levels.Words
	ceiling, fallback := slices.Index(levels, t.Ceiling), slices.Index(levels, b.d.Risk.Default)
	if fallback > 0 && ceiling >= fallback { // a default that is wrong is a fault of its own
		b.add(t.at("ceiling"), "the ceiling %q of the template %q is not below the default level %q, so a change that no rule vouches for could be standard; lower it, or raise the default in risk.yaml", t.Ceiling, t.ID, b.d.Risk.Default)
	}
}

func (b *building) addForbid() {
	for _, f := range b.d.Forbid {
		b.checkName(f.src, "what is forbidden", f.ID)
		if slices.ContainsFunc(b.p.forbid, func(o forbid) bool { return o.ID == f.ID }) {
			b.add(f.src, "%q is forbidden twice", f.ID)
		}
		if f.Because == "" {
			b.add(f.src, "%q needs a because: one sentence that people can read", f.ID)
		}
		b.p.forbid = append(b.p.forbid, forbid{f, b.condition(b.facts, f.When, f.when, "when")})
	}
}

func (b *building) addFreezes() {
	for _, f := range b.d.Calendar.Freezes {
		c := freeze{Freeze: f}
		b.checkName(f.src, "a freeze", f.ID)
		if slices.ContainsFunc(b.p.freezes, func(o freeze) bool { return o.ID == f.ID }) {
			b.add(f.src, "the freeze %q is defined twice", f.ID)
		}
		if f.Every.String() == "" {
			b.add(f.src, "the freeze %q needs \"every\": when it holds, such as \"15 dec to 4 jan\"", f.ID)
		}
		if f.Ceiling != "none" {
			c.ceiling = b.level(f.src.inside("ceiling"), "the ceiling", f.Ceiling, "none")
		}
		if f.Override != "" {
			b.checkRole(f.src.inside("override"), f.Override)
		}
		if f.HoldEmergencies && f.Override == "" {
			b.add(f.src, "the freeze %q holds emergencies up, so it needs an \"override\": the role that can let them pass", f.ID)
		}
		if f.For != "" {
			c.only = b.serviceCondition(f)
		}
		b.p.freezes = append(b.p.freezes, c)
	}
}

// subject is what an identity looks like; see change.Person.
var subject = regexp.MustCompile(`^[!-~]{1,256}$`)

// checkClaims finds standing claims that can never count.
func (b *building) checkClaims() {
	ids := make([]string, len(b.p.templates))
	for i, t := range b.p.templates {
		ids[i] = t.ID
	}
	for _, s := range b.d.Services {
		for _, c := range s.StandingClaims {
			at := b.d.sources.service[s.Name]
			if !slices.Contains(ids, c.Template) {
				b.add(at, "the standing claim of %q names the template %q, which does not exist%s", s.Name, c.Template, nearest.Hint(c.Template, ids))
			}
			if !subject.MatchString(c.By) {
				b.add(at, "the standing claim of %q is by %q, which is not an identity: printable letters without space, such as idp|alice", s.Name, c.By)
			}
			if c.From.IsZero() || c.Until.Before(c.From) {
				b.add(at, "the standing claim of %q needs the days from which and until which it counts", s.Name)
			}
		}
	}
}

// unlisted reports a group or role that policy.yaml does not list.
func (b *building) unlisted(at source, what, id string, listed []string) {
	if len(listed) == 0 {
		b.add(at, "%q is not a %s: policy.yaml lists no %ss; list it there under %ss", id, what, what, what)
		return
	}
	b.add(at, "%q is not a %s of policy.yaml (%s)%s", id, what, strings.Join(listed, ", "), nearest.Hint(id, listed))
}

func (b *building) checkRole(at source, role string) {
	if !slices.Contains(b.d.Roles, role) {
		b.unlisted(at, "role", role, b.d.Roles)
	}
}
