package policytest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// Score is what became of the mutants of a policy.
type Score struct {
	Mutants []Mutant // in the order of the policy
	count   [4]int   // by fate
}

// Count is how many mutants had a fate.
func (s Score) Count(f Fate) int { return s.count[f] }

// Share is how many mutants a case kills, of how many that a case can: those that
// do not load, and those that mean the same as the policy, are left out.
func (s Score) Share() (killed, of int) {
	return s.count[Killed], s.count[Killed] + s.count[Survived]
}

// Reaches reports whether so many percent of the mutants that a case can kill are
// killed; without any there is nothing to kill, and it does.
func (s Score) Reaches(percent int) bool {
	killed, of := s.Share()
	return killed*100 >= percent*of
}

// Mutate makes every mutant of a policy and runs the cases until one fails; one
// that nobody has read kills nothing. The same policy and tests give the same
// score. It refuses tests that do not hold
// for the policy itself: all mutants would seem killed.
func Mutate(d approval.Definition, tests approval.TestSuite) (Score, error) {
	p, err := approval.New(d)
	if err != nil {
		return Score{}, err
	}
	if err := holds(p, tests); err != nil {
		return Score{}, err
	}
	all, err := mutants(d, p)
	if err != nil {
		return Score{}, err
	}
	h := &hunting{p: p, d: d, variants: p.Variants(), tests: tests, last: map[string][]int{}, left: mostTried}
	for i := range tests.Cases {
		c := &tests.Cases[i]
		h.was = append(h.was, p.Trace(c.Change, approval.Inputs{At: c.At}))
	}
	out := Score{Mutants: all}
	for i := range all {
		if all[i].Fate != Equivalent {
			h.hunt(&all[i])
		}
		out.count[all[i].Fate]++
	}
	return out, nil
}

// holds is nil where all cases hold for the policy.
func holds(p *approval.Policy, tests approval.TestSuite) error {
	failures := slices.Clone(tests.Failures)
	for i := range tests.Cases {
		_, more := p.Try(&tests.Cases[i])
		failures = append(failures, more...)
	}
	if len(failures) > 0 {
		return fmt.Errorf("the tests must hold for the policy itself: %s", failures[0])
	}
	return nil
}

// hunting runs cases on mutants.
type hunting struct {
	p        *approval.Policy
	d        approval.Definition
	variants *approval.Variants
	tests    approval.TestSuite
	last     map[string][]int // by part of the policy: the cases that killed a mutant of it
	was      []approval.Trace // by case: what the policy answers
	shown    []Witness        // so far, each once
	left     int              // variations of cases that may still be tried
}

// mostTried bounds the variations that are tried for all mutants together: a
// condition may name a set of ten thousand items, and so may hundreds.
const mostTried = 1_000_000

// hunt finds the fate of a mutant. The cases that killed another mutant of the
// same part go first, as most often one of them kills this one too.
func (h *hunting) hunt(m *Mutant) {
	mutated := h.d
	m.apply(&mutated)
	p, err := h.variants.New(mutated)
	if err != nil {
		m.Fate, m.Why = Refused, err.Error()
		return
	}
	for _, i := range h.last[m.Part] {
		if h.fails(m, p, i) {
			m.Fate = Killed
			return
		}
	}
	for _, unread := range []bool{false, true} {
		for i := range h.tests.Cases {
			if h.tests.Cases[i].Unread != unread || !h.fails(m, p, i) {
				continue
			}
			if !unread {
				m.Fate, h.last[m.Part] = Killed, append(h.last[m.Part], i)
			}
			return
		}
	}
	if m.same != nil && m.same() {
		m.Fate = Equivalent
		return
	}
	if m.Witness = h.witness(m, p); m.Witness != nil {
		h.name(m.Witness)
	}
}

// fails reports whether a case fails on a mutant, and notes which.
func (h *hunting) fails(m *Mutant, p *approval.Policy, i int) bool {
	c := &h.tests.Cases[i]
	if m.tells != nil && h.was[i].Err == nil && m.tells.idle(h.was[i].Facts) || !m.concerns(c.Change) {
		return false
	}
	_, failures := p.Try(c)
	if len(failures) == 0 {
		return false
	}
	m.Why = fmt.Sprintf("%s: %s", c.File, c.Name)
	return true
}

// concerns reports whether a change can tell the mutant, by its service.
func (m *Mutant) concerns(c *change.Change) bool {
	return m.at == nil || c != nil && slices.Contains(m.at, c.Service)
}

// Kind is how the cases do on one kind of small change; see [Mutant.Kind].
type Kind struct {
	Name       string
	Killed, Of int // as in [Score.Share]
}

// Kinds are the shares of the kinds, those first of which most survive, then by
// name.
func (s Score) Kinds() []Kind {
	var out []Kind
	for _, m := range s.Mutants {
		if m.Fate != Killed && m.Fate != Survived {
			continue
		}
		i := slices.IndexFunc(out, func(k Kind) bool { return k.Name == m.Kind })
		if i < 0 {
			out, i = append(out, Kind{Name: m.Kind}), len(out)
		}
		if out[i].Of++; m.Fate == Killed {
			out[i].Killed++
		}
	}
	slices.SortFunc(out, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(b.Of-b.Killed, a.Of-a.Killed), cmp.Compare(a.Name, b.Name))
	})
	return out
}
