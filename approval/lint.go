package approval

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/schema"
	"github.com/changelane/changelane/risk"
)

// Lint lists what is questionable about a policy at an instant: what loads, but
// is of no use, or of no use any more, or says less than it seems to. See
// [risk.Definition.Lint] for the rules; templates, what is forbidden, authority and
// freezes are looked at in the same way, for the services of the policy.
//
// That something can never be is proven, and a witness is a change that the
// policy takes; what cannot be proven in a bounded number of steps is not
// reported.
func (p *Policy) Lint(at time.Time) []risk.Finding {
	if p == nil {
		return nil
	}
	l := &policyLint{p: p, d: &p.d, at: at, day: change.DateOf(at, time.UTC)}
	l.anywhere = p.rules.Vocabulary().Prover(nil)
	l.prover = l.anywhere.In(l.situations(Binding{}))
	l.services()
	rules, _ := p.d.Risk.Lint(p.rules.Vocabulary(), l.situations(Binding{})) // the policy has loaded with them
	l.add(rules...)
	l.templates()
	l.forbidden()
	l.authority()
	l.freezes()
	l.seats()
	l.unread()
	risk.SortFindings(l.found)
	return l.found
}

// policyLint is a lint of a policy in the making.
type policyLint struct {
	p        *Policy
	d        *Definition
	at       time.Time
	day      change.Date
	prover   *risk.Prover // for the services that there are
	anywhere *risk.Prover // for services that can be anything
	found    []risk.Finding
}

func (l *policyLint) add(more ...risk.Finding) { l.found = append(l.found, more...) }

func (l *policyLint) say(at source, id string, kind risk.FindingKind, witness *change.Change, format string, args ...any) {
	out := risk.Finding{ID: id, Kind: kind, Message: fmt.Sprintf(format, args...), Witness: witness}
	if at.node != nil {
		out.File, out.Line, out.Column = at.node.Pos.File, at.node.Pos.Line, at.node.Pos.Column
	}
	l.add(out)
}

// inside is the value under a name in a mapping, or the item of that text in a
// list; without it, the whole.
func (s source) inside(names ...string) source {
	for _, name := range names {
		if s.node == nil {
			return s
		}
		i := slices.IndexFunc(s.node.Fields, func(f policyfile.Field) bool { return f.Name == name })
		k := slices.IndexFunc(s.node.Items, func(n *policyfile.Node) bool { return n.Text == name })
		switch {
		case i >= 0:
			s = source{s.node.Fields[i].Value}
		case k >= 0:
			s = source{s.node.Items[k]}
		default:
			return s
		}
	}
	return s
}

// situations are those of the services that a template could be bound to.
func (l *policyLint) situations(to Binding) []risk.Situation {
	var out []risk.Situation
	for i := range l.d.Services {
		s := l.p.services[l.d.Services[i].Name]
		if s == nil || !to.Fits(&s.Service) {
			continue
		}
		situation := risk.Situation{Service: &s.Service, At: l.at, Zone: s.zone, Working: s.working}
		if m, ok := s.ModelFor(change.Code, s.day(l.at)); ok {
			situation.Model = m.Model.Name
		}
		out = append(out, situation)
	}
	return out
}

// seats finds groups and roles that never fill a seat.
func (l *policyLint) seats() {
	needs, at := l.needs(), l.d.sources.policy
	for _, g := range l.d.Groups {
		if !slices.ContainsFunc(needs, func(n Need) bool { return n.Group == g.Name }) {
			l.say(at.inside("groups", g.Name), g.Name, risk.Unused, nil, "the group %s fills no seat; use it in authority.yaml or remove it", g.Name)
		}
	}
	for _, role := range l.d.Roles {
		overrides := slices.ContainsFunc(l.d.Calendar.Freezes, func(f Freeze) bool { return f.Override == role })
		if !overrides && !slices.ContainsFunc(needs, func(n Need) bool { return n.Role == role }) {
			l.say(at.inside("roles", role), role, risk.Unused, nil, "the role %s fills no seat; use it in authority.yaml or calendar.yaml, or remove it", role)
		}
	}
}

// needs are all the needs of the policy, those within others too.
func (l *policyLint) needs() []Need {
	out := slices.Clone(l.d.Authority.Default)
	for _, r := range l.d.Authority.Rules {
		out = append(out, r.Needs...)
	}
	for i := 0; i < len(out); i++ {
		out = append(out, out[i].Any...)
	}
	return out
}

// unread finds checks and attributes that no condition reads.
func (l *policyLint) unread() {
	at, conditions := l.d.sources.policy, l.conditions()
	reads := func(fact string) bool {
		return slices.ContainsFunc(conditions, regexp.MustCompile(`\b`+regexp.QuoteMeta(fact)+`\b`).MatchString)
	}
	for _, name := range l.d.Evidence {
		if !reads("evidence." + name) {
			l.say(at.inside("evidence", name), name, risk.Unused, nil, "no condition reads the check evidence.%s; use it or remove it", name)
		}
	}
	for _, f := range l.p.rules.Vocabulary().Describe() {
		if strings.HasPrefix(f.Name, "attributes.") && !reads(f.Name) {
			out := risk.Finding{File: attributesFile, ID: f.Name, Kind: risk.Unused,
				Message: "no condition reads " + f.Name + "; use it or remove it from the schema"}
			out.Line, out.Column = l.attribute(strings.TrimPrefix(f.Name, "attributes."))
			l.add(out)
		}
	}
	for _, a := range l.d.Applies {
		if !reads(a.Fact) {
			place := a.Place(0, 0)
			l.add(risk.Finding{File: place.File, Line: place.Line, Column: place.Column, ID: a.Fact, Kind: risk.Unused,
				Message: "no condition reads " + a.Fact + ", so nothing hangs on whether it has a meaning; remove the line"})
		}
	}
	for _, s := range l.d.Sets {
		if !reads("sets." + s.Name) {
			l.say(at.inside("sets", s.Name), s.Name, risk.Unused, nil, "no condition reads the set sets.%s; use it or remove it", s.Name)
		}
	}
}

// attribute is where the schema declares an attribute; 0 where it does so by way
// of a reference.
func (l *policyLint) attribute(name string) (line, column int) {
	tree, err := schema.Parse(l.d.Attributes, schema.SchemaLimits())
	v := tree.Get("properties").Get(name)
	if err != nil || v == nil {
		return 0, 0
	}
	return v.Line, v.Column
}

// conditions are the texts of all conditions of the policy.
func (l *policyLint) conditions() []string {
	var out []string
	for _, r := range l.d.Risk.Rules {
		out = append(out, r.For, r.When, r.Bands)
	}
	for _, t := range l.d.Templates {
		out = append(out, t.Covers, t.Except)
	}
	for _, f := range l.d.Forbid {
		out = append(out, f.When)
	}
	for _, r := range l.d.Authority.Rules {
		out = append(out, r.When)
	}
	for _, n := range l.needs() {
		out = append(out, n.Each)
	}
	for _, f := range l.d.Calendar.Freezes {
		out = append(out, f.For)
	}
	for _, a := range l.d.Applies {
		out = append(out, a.For)
	}
	return out
}
