package approval

import (
	"reflect"
	"slices"

	"github.com/changelane/changelane/risk"
)

// Variants makes policies that differ little from one that there is: services,
// facts and conditions that they have in common are not looked at again. It is
// immutable and safe for concurrent use.
type Variants struct {
	p              *Policy
	facts, carried *risk.Vocabulary
	covers         []string // of the templates, which do not cover everything
}

// Variants is a maker of policies like this one; nil where there is none, which
// makes policies all the same.
func (p *Policy) Variants() *Variants {
	if p == nil || p.rules == nil {
		return nil
	}
	out := &Variants{p: p, carried: p.carried}
	var plain, authority, each []string
	for _, r := range p.d.Risk.Rules {
		plain = append(plain, r.When, r.For)
	}
	for _, t := range p.d.Templates {
		plain, out.covers = append(plain, t.Covers, t.Except), append(out.covers, t.Covers)
	}
	for _, f := range p.d.Forbid {
		plain = append(plain, f.When)
	}
	for _, f := range p.d.Calendar.Freezes {
		plain = append(plain, f.For)
	}
	for _, r := range p.d.Authority.Rules {
		authority = append(authority, r.When)
		for _, n := range r.Needs {
			each = append(each, n.Each)
		}
	}
	out.facts = p.rules.Vocabulary().Remembering(plain).Remembering(authority, p.d.Extras()...)
	out.carried = p.carried.Remembering(each)
	return out
}

// New makes a policy as [New] does, of any definition; one that is like that of
// the policy takes less time.
func (v *Variants) New(d Definition) (*Policy, error) { return build(d, v) }

// shares reports whether the facts, and what is known of the services, are those
// of the policy.
func (v *Variants) shares(d Definition) bool {
	return v.speaks(d) && reflect.DeepEqual([]any{d.Services, d.Calendar.Working}, []any{v.p.d.Services, v.p.d.Calendar.Working})
}

// speaks reports whether conditions read the same facts and words: services may
// differ in all but their names and teams.
func (v *Variants) speaks(d Definition) bool {
	if v == nil {
		return false
	}
	words := func(d Definition) []any {
		out := []any{d.Evidence, d.Attributes, d.Applies, d.Sets, d.Models}
		for _, s := range d.Services {
			out = append(out, s.Name, s.Team)
		}
		return out
	}
	return reflect.DeepEqual(words(d), words(v.p.d))
}

// knows reports whether a template of the policy has the condition, over the same
// facts.
func (v *Variants) knows(covers string, facts *risk.Vocabulary) bool {
	return v != nil && facts == v.facts && slices.Contains(v.covers, covers)
}
