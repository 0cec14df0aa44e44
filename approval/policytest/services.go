package policytest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// services adds the mutants of what a policy says of its services: each datum
// changed to the nearest value on either side that something in the policy can
// tell from it, for this service. What nothing reads has none, nor has what
// nothing is decided by: who is on call, and when a model is looked at again.
func (m *making) services() {
	if len(m.d.Services) == 0 {
		return
	}
	asks := m.asks()
	for i, s := range m.d.Services {
		one := &serving{making: m, i: i, is: s, asks: asks, at: carriers(m.d.Services, s.Name)}
		one.data()
		one.lists()
		one.underModels()
		one.standing()
	}
}

// carriers are a service and those that carry it, at any depth: a change to none
// else can be decided in another way because of what is said of it.
func carriers(all []change.Service, name string) []string {
	out := []string{name}
	for i := 0; i < len(out); i++ {
		for _, s := range all {
			if slices.Contains(s.Carries, out[i]) && !slices.Contains(out, s.Name) {
				out = append(out, s.Name)
			}
		}
	}
	return out
}

// serving makes the mutants of one service.
type serving struct {
	*making
	i    int
	is   change.Service
	asks []ask
	at   []string // the services whose changes they can be told by
}

// mutant is one in which something is done to the service.
func (s *serving) mutant(field, path, kind, was, is string, do func(*change.Service)) Mutant {
	return Mutant{Place: s.d.ServicePlace(s.is.Name, path), Part: "service " + s.is.Name, Field: field, Kind: kind, Was: was, Is: is, at: s.at,
		apply: func(d *approval.Definition) { d.Services = edited(d.Services, s.i, do) }}
}

// data are the single values that conditions and bindings read.
func (s *serving) data() {
	scale(s, "stage", []change.Stage{change.Pilot, change.Live, change.Mature, change.Retiring}, s.is.Stage, func(o *change.Service, to change.Stage) { o.Stage = to })
	scale(s, "tier", []int{1, 2, 3, 4, 5, 6, 7, 8, 9}, s.is.Tier, func(o *change.Service, to int) { o.Tier = to })
	scale(s, "exposure", []change.Exposure{change.Internal, change.Partner, change.Public}, s.is.Exposure, func(o *change.Service, to change.Exposure) { o.Exposure = to })
	scale(s, "coupling", []change.Coupling{change.Loose, change.Lockstep}, s.is.Coupling, func(o *change.Service, to change.Coupling) { o.Coupling = to })
	scale(s, "deployments", []change.Cadence{change.Yearly, change.Quarterly, change.Monthly, change.Weekly, change.Daily, change.OnDemand}, s.is.Deployments,
		func(o *change.Service, to change.Cadence) { o.Deployments = to })
	kinds := []change.ServiceKind{change.Digital, change.COTS, change.Foundational, change.Platform}
	nearest(s, "kind", s.is.Kind, after(kinds, s.is.Kind), func(o *change.Service, to change.ServiceKind) { o.Kind = to })
	nearest(s, "team", s.is.Team, after(s.teams(), s.is.Team)[:min(1, len(s.teams())-1)], func(o *change.Service, to string) { o.Team = to })
	for _, f := range []struct {
		field string
		of    func(*change.Service) **bool
	}{
		{"automated-deployment", func(o *change.Service) **bool { return &o.AutomatedDeployment }},
		{"automated-verification", func(o *change.Service) **bool { return &o.AutomatedVerification }},
		{"needs-outage", func(o *change.Service) **bool { return &o.NeedsOutage }},
	} {
		if now := *f.of(&s.is); now != nil {
			nearest(s, f.field, *now, []bool{!*now}, func(o *change.Service, to bool) { *f.of(o) = &to })
		}
	}
	if s.is.Availability > 0 {
		for _, to := range beside(s.is.Availability) {
			nearest(s, "availability", s.is.Availability, []float64{to}, func(o *change.Service, to float64) { o.Availability = to })
		}
	}
}

// teams are those of the services, in their order.
func (s *serving) teams() []string {
	var out []string
	for _, o := range s.d.Services {
		if !slices.Contains(out, o.Team) {
			out = append(out, o.Team)
		}
	}
	return out
}

// after are the other elements of a list, beginning behind one of them; nil
// where it is not in it: nobody says.
func after[T comparable](list []T, one T) []T {
	i := slices.Index(list, one)
	if i < 0 {
		return nil
	}
	return slices.Concat(list[i+1:], list[:i])
}

// scale adds the nearest value below and the nearest above.
func scale[T comparable](s *serving, field string, values []T, is T, set func(*change.Service, T)) {
	i := slices.Index(values, is)
	if i < 0 {
		return
	}
	below := slices.Clone(values[:i])
	slices.Reverse(below)
	nearest(s, field, is, below, set)
	nearest(s, field, is, values[i+1:], set)
}

// nearest adds the first of the values that makes a difference.
func nearest[T any](s *serving, field string, is T, others []T, set func(*change.Service, T)) {
	for _, to := range others {
		do := func(o *change.Service) { set(o, to) }
		if facts, tells := s.tells(do); tells {
			one := s.mutant(field, field, "service", fmt.Sprint(is), fmt.Sprint(to), do)
			one.facts = facts
			s.add(one)
			return
		}
	}
}

// lists are what the service carries, and where its clock is.
func (s *serving) lists() {
	for k, carried := range s.is.Carries {
		do := func(o *change.Service) { o.Carries = without(o.Carries, k) }
		one := s.mutant("carries", fmt.Sprint("carries/", k), "dropped", carried, "", do)
		one.same = s.carriedAlike(do)
		s.add(one)
	}
	if w := s.d.Calendar.Working; s.is.Zone != "" && w != nil && s.is.Zone != w.Zone {
		s.add(s.mutant("zone", "zone", "dropped", s.is.Zone, "", func(o *change.Service) { o.Zone = "" }))
	}
}

// underModels are the operating models of the service, and from when on each of
// them holds: a day earlier or later where there is another one before it.
func (s *serving) underModels() {
	for k, a := range s.is.Models {
		field, path := "model "+a.Model.Name, fmt.Sprint("model/", k)
		set := func(do func(*change.Assignment)) func(*change.Service) {
			return func(o *change.Service) { o.Models = edited(o.Models, k, do) }
		}
		add := func(field, path, kind, was, is string, do func(*change.Service)) {
			one := s.mutant(field, path, kind, was, is, do)
			one.days, one.facts = around(a.From), s.kinds(a)
			s.add(one)
		}
		other := change.OpsRunIt()
		if a.Model.Name == other.Name {
			other = change.YouBuildItYouRunIt()
		}
		add("model", path+"/is", "word", a.Model.Name, other.Name, set(func(a *change.Assignment) { a.Model = other }))
		if len(s.is.Models) > 1 {
			add("model", path, "dropped", a.Model.Name+" from "+a.From.String(), "", func(o *change.Service) { o.Models = without(o.Models, k) })
		}
		if slices.ContainsFunc(s.is.Models, func(o change.Assignment) bool { return o.From.Before(a.From) }) {
			s.dates(field+", from", path+"/from", a.From, s.kinds(a), func(o *change.Service, to change.Date) { set(func(a *change.Assignment) { a.From = to })(o) })
		}
		for j, kind := range a.Kinds {
			if len(a.Kinds) > 1 {
				add(field+", for", path+"/for", "dropped", kind.String(), "", set(func(a *change.Assignment) { a.Kinds = without(a.Kinds, j) }))
			}
		}
	}
}

// kinds are those of change that the model is for, where it is not for all.
func (s *serving) kinds(a change.Assignment) []risk.Boundary {
	if a.Kinds == nil {
		return nil
	}
	words := make([]string, len(a.Kinds))
	for i, k := range a.Kinds {
		words[i] = strconv.Quote(k.String())
	}
	return s.boundaries("change.kind in [" + strings.Join(words, ", ") + "]")
}

// standing are the standing claims of the service.
func (s *serving) standing() {
	for k, c := range s.is.StandingClaims {
		path := fmt.Sprint("claims/", k)
		set := func(do func(*change.StandingClaim)) func(*change.Service) {
			return func(o *change.Service) { o.StandingClaims = edited(o.StandingClaims, k, do) }
		}
		field := "claim on " + c.Template
		s.add(s.mutant(field, path, "dropped", "all of it", "", func(o *change.Service) { o.StandingClaims = without(o.StandingClaims, k) }))
		s.dates(field+", from", path+"/from", c.From, nil, func(o *change.Service, to change.Date) { set(func(c *change.StandingClaim) { c.From = to })(o) })
		s.dates(field+", until", path+"/until", c.Until, nil, func(o *change.Service, to change.Date) { set(func(c *change.StandingClaim) { c.Until = to })(o) })
	}
}

// dates adds the day before and the day after.
func (s *serving) dates(field, path string, is change.Date, facts []risk.Boundary, set func(*change.Service, change.Date)) {
	one := s.mutant(field, path, "time", is.String(), "", nil)
	one.days, one.facts = around(is), facts
	s.time(one, is.String(), func(text string) func(*approval.Definition) {
		to, err := change.ParseDate(text)
		if err != nil {
			return nil
		}
		return s.mutant(field, path, "", "", "", func(o *change.Service) { set(o, to) }).apply
	})
}

// ask is a question that the policy asks of a service: a condition, or what a
// template is bound to.
type ask struct {
	source    string
	extras    []risk.Extra
	condition *risk.Condition // nil where nothing is asked
	first     *risk.Condition // what must hold besides for it to matter; nil: nothing
	bound     approval.Binding
	each      bool // it is asked of services that are carried, over other facts
}

// asks are all questions of the policy that can be about a service.
func (m *making) asks() []ask {
	var out []ask
	add := func(v *risk.Vocabulary, source, first string, one ask) {
		one.source, one.condition, one.first = source, m.compiled(v, source, one.extras), m.compiled(v, first, nil)
		if source != "" {
			out = append(out, one)
		}
	}
	for _, a := range m.d.Applies {
		add(m.facts, a.For, "", ask{})
	}
	for _, r := range m.d.Risk.Rules {
		add(m.facts, r.For, r.When, ask{})
		add(m.facts, r.When, r.For, ask{})
		before := 0
		for k, c := range r.Cuts {
			if k == 0 || c.Points != before {
				add(m.facts, atLeast(r.Bands, c.From), r.For, ask{})
			}
			before = c.Points
		}
	}
	for _, t := range m.d.Templates {
		add(m.facts, t.Covers, "", ask{bound: t.BoundTo})
		add(m.facts, t.Except, t.Covers, ask{bound: t.BoundTo})
	}
	for _, f := range m.d.Forbid {
		add(m.facts, f.When, "", ask{})
	}
	for _, r := range m.d.Authority.Rules {
		add(m.facts, r.When, "", ask{extras: m.d.Extras()})
		for _, n := range r.Needs {
			add(m.p.CarriedVocabulary(), n.Each, "", ask{each: true})
		}
	}
	for _, f := range m.d.Calendar.Freezes {
		add(m.facts, f.For, "", ask{})
	}
	return out
}

// compiled is a condition that has been compiled before; nil of "".
func (m *making) compiled(v *risk.Vocabulary, source string, extras []risk.Extra) *risk.Condition {
	if source == "" {
		return nil
	}
	c, err := v.Condition(source, extras...)
	m.err = cmp.Or(m.err, err)
	return c
}

// tells reports whether some question can have another answer when that is done
// to the service, and which other facts such questions read.
func (s *serving) tells(do func(*change.Service)) ([]risk.Boundary, bool) {
	to := s.is
	do(&to)
	var facts []risk.Boundary
	found := false
	here := s.prover.In([]risk.Situation{{Service: &s.is}, {Service: &to}})
	for _, a := range s.asks {
		if !s.told(a, here, &to) {
			continue
		}
		found = true
		if !a.each {
			more, err := s.facts.Boundaries([]string{a.source}, a.extras...)
			s.err = cmp.Or(s.err, err)
			facts = append(facts, more...)
		}
	}
	return facts, found
}

// told reports whether one question can have another answer for the service as
// it would be.
func (s *serving) told(a ask, here *risk.Prover, to *change.Service) bool {
	was, is := a.bound.Fits(&s.is), a.bound.Fits(to)
	switch {
	case a.each:
		return len(s.at) > 1 && s.heard(a.condition, &s.is) != s.heard(a.condition, to)
	case !was && !is, a.first != nil && here.Denied(a.first):
		return false
	case was != is:
		return !s.never(to, a.condition)
	}
	return !here.Alike(a.condition)
}

// heard is what a condition over a service that is carried comes to.
func (s *serving) heard(c *risk.Condition, of *change.Service) risk.Truth {
	truth, _ := c.Decide(s.p.CarriedVocabulary().Facts(&change.Change{}, risk.Situation{Carried: of}))
	return truth
}
