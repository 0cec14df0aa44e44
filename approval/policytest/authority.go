package policytest

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// authority adds the mutants of who must say yes.
func (m *making) authority() {
	a := m.d.Authority
	m.needs("the default of authority", a.Default, nil, func(d *approval.Definition, needs []approval.Need) { d.Authority.Default = needs })
	for i, r := range a.Rules {
		part := fmt.Sprintf("authority rule %d", i+1)
		set := func(do func(*approval.AuthorityRule)) func(*approval.Definition) {
			return func(d *approval.Definition) { d.Authority.Rules = edited(d.Authority.Rules, i, do) }
		}
		m.condition(text{part: part, field: "when", source: r.When, vocabulary: m.facts, extras: m.d.Extras(), prover: m.seated(r),
			place: func(line, column int) risk.Place { return r.Place("when", line, column) },
			set: func(d *approval.Definition, s string) {
				set(func(r *approval.AuthorityRule) { r.When = s })(d)
			}})
		var facts []risk.Boundary
		if r.When != "" {
			facts, m.err = m.facts.Boundaries([]string{r.When}, m.d.Extras()...)
		}
		if len(r.Needs) == 1 {
			m.drop(Mutant{Place: r.Place("", 0, 0), Part: part, facts: facts}, "all of it", func(d *approval.Definition) {
				d.Authority.Rules = without(d.Authority.Rules, i)
			})
		}
		m.needs(part, r.Needs, facts, func(d *approval.Definition, needs []approval.Need) {
			set(func(r *approval.AuthorityRule) { r.Needs = needs })(d)
		})
		if r.Review != "" {
			review := Mutant{Place: r.Place("review-within", 0, 0), Part: part, Field: "review-within", facts: facts}
			m.drop(review, r.Review, set(func(r *approval.AuthorityRule) { r.Review = "" }))
			m.time(review, r.Review, func(s string) func(*approval.Definition) {
				return set(func(r *approval.AuthorityRule) { r.Review = s })
			})
		}
	}
}

// seated is a prover for the services for which an authority rule can add
// anything: where all seats are for services that are carried, those that carry
// some.
func (m *making) seated(r approval.AuthorityRule) *risk.Prover {
	if r.Review != "" || slices.ContainsFunc(r.Needs, func(n approval.Need) bool { return n.Each == "" }) {
		return m.prover
	}
	return m.prover.In(situations(m.d, func(s change.Service) bool { return len(s.Carries) > 0 }))
}

// needs adds the mutants of a list of needs: each left out, where that is not
// the last, and each changed.
func (m *making) needs(part string, list []approval.Need, facts []risk.Boundary, set func(*approval.Definition, []approval.Need)) {
	for i, n := range list {
		at := Mutant{Place: n.Place("", 0, 0), Part: part, facts: facts}
		if len(list) > 1 {
			m.drop(at, seat(n), func(d *approval.Definition) { set(d, without(list, i)) })
		}
		if n.Quorum > 1 {
			one := at
			one.Place, one.Kind, one.Was, one.Is = n.Place("quorum", 0, 0), "quorum", strconv.Itoa(n.Quorum), strconv.Itoa(n.Quorum-1)
			one.Field = seat(n)
			one.apply = func(d *approval.Definition) { set(d, edited(list, i, func(n *approval.Need) { n.Quorum-- })) }
			m.add(one)
		}
		if n.Each != "" {
			m.condition(text{part: part, field: "each", source: n.Each, vocabulary: m.p.CarriedVocabulary(), elsewhere: true,
				place: func(line, column int) risk.Place { return n.Place("each", line, column) },
				set: func(d *approval.Definition, s string) {
					set(d, edited(list, i, func(n *approval.Need) { n.Each = s }))
				}})
		}
		m.needs(part+", any", n.Any, facts, func(d *approval.Definition, inner []approval.Need) {
			set(d, edited(list, i, func(n *approval.Need) { n.Any = inner }))
		})
	}
}

// seat is a need in a few words.
func seat(n approval.Need) string {
	switch {
	case len(n.Any) > 0:
		return "any of " + strconv.Itoa(len(n.Any))
	case n.Role != "":
		return n.Role
	}
	return n.Group
}
