package approval

import (
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// A policy does not change when the definition that it was made from does, or
// when what it hands out is written to: a change of a policy has another digest.

func (d Definition) clone() Definition {
	d.Evidence, d.Attributes, d.Applies = slices.Clone(d.Evidence), slices.Clone(d.Attributes), slices.Clone(d.Applies)
	d.Sets = cloned(d.Sets, risk.Set.Clone)
	d.Groups, d.Roles, d.Models, d.Forbid = slices.Clone(d.Groups), slices.Clone(d.Roles), slices.Clone(d.Models), slices.Clone(d.Forbid)
	d.Services, d.Templates = cloned(d.Services, cloneService), cloned(d.Templates, cloneTemplate)
	d.Calendar.Freezes = slices.Clone(d.Calendar.Freezes)
	if w := d.Calendar.Working; w != nil {
		copied := *w
		copied.Holidays = slices.Clone(w.Holidays)
		d.Calendar.Working = &copied
	}
	d.Authority.Default = cloned(d.Authority.Default, cloneNeed)
	d.Authority.Rules = cloned(d.Authority.Rules, func(r AuthorityRule) AuthorityRule {
		r.Needs = cloned(r.Needs, cloneNeed)
		return r
	})
	return d
}

func cloned[T any](list []T, one func(T) T) []T {
	out := slices.Clone(list)
	for i := range out {
		out[i] = one(out[i])
	}
	return out
}

func cloneService(s change.Service) change.Service {
	s.Carries, s.StandingClaims = slices.Clone(s.Carries), slices.Clone(s.StandingClaims)
	s.AutomatedDeployment, s.AutomatedVerification, s.NeedsOutage = cloneFlag(s.AutomatedDeployment), cloneFlag(s.AutomatedVerification), cloneFlag(s.NeedsOutage)
	s.Models = cloned(s.Models, func(a change.Assignment) change.Assignment {
		a.Kinds = slices.Clone(a.Kinds)
		return a
	})
	return s
}

func cloneTemplate(t Template) Template {
	t.BoundTo = Binding{slices.Clone(t.BoundTo.Stages), slices.Clone(t.BoundTo.Tiers), slices.Clone(t.BoundTo.Exposures)}
	if t.Suspend != nil {
		copied := *t.Suspend
		t.Suspend = &copied
	}
	return t
}

func cloneNeed(n Need) Need {
	n.Any = cloned(n.Any, cloneNeed)
	return n
}

func cloneFlag(b *bool) *bool {
	if b == nil {
		return nil
	}
	copied := *b
	return &copied
}
