package approval

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// set is a set of items, as bits.
type set uint64

const mostItems = 64

func (s set) size() int { return bits.OnesCount64(uint64(s)) }

// node is a choice of a way for each item; -1 is none.
type node [mostItems]int8

func (n *node) items() (out set) {
	for i, w := range n {
		if w >= 0 {
			out |= 1 << i
		}
	}
	return out
}

// list has the items in order.
func (s set) list() (out []int) {
	for ; s != 0; s &= s - 1 {
		out = append(out, bits.TrailingZeros64(uint64(s)))
	}
	return out
}

// obstacle is one reason why a change is not standard, and the items that it hangs
// on: it stands as long as the ways of those are not changed, nor any of them is
// edited that is not, whatever becomes of the others.
type obstacle struct {
	format string
	args   []any
	hangs  set
}

// String is a sentence.
func (o obstacle) String() string { return fmt.Sprintf(o.format, o.args...) }

// later is a text that is not made before it is wanted.
type later func() string

func (l later) String() string { return l() }

// condition is what the search knows of a condition.
type condition struct {
	reads []string
	asks  bool // whether facts are known
	moves set  // the items that change what it reads
	parts []joined
}

// joined is a condition that another one is joined of.
type joined struct {
	*risk.Condition
	reads []string
}

type search struct {
	editing
	base      *change.Change
	words     *risk.Vocabulary // of the policy, with its conditions compiled
	rules     []risk.Rule
	of        []condition    // by rule
	forbids   []condition    // by forbid
	covers    []condition    // by template
	excepts   []condition    // likewise
	possible  []bool         // by template: some edits could bring the change inside
	byFact    map[string]set // the items that change a fact
	live      [][]int8       // the ways of each item that no other way of it makes needless
	merits    [][]merit      // of the ways of each item
	groups    []risk.Group
	byGroup   map[string]int
	byRule    map[string]int
	best      []share // by rule
	windows   set     // the item that moves the window
	claims    set     // likewise
	emergency set
	budget    int
	tried     int  // assessments
	limit     int  // of them, for now
	steps     int  // sets that were gone through
	cut       bool // the search has come to a limit
	complete  bool
	clauses   []set        // each set that works holds one of each
	nowhere   map[node]set // choices that lead nowhere, unless one of these is edited as well
	masks     []set        // the items of these choices, each once
	found     []working
	size      int      // the sets that work and hold less have been found
	held      []string // what no item moved, where that was least
	atRoot    bool     // that is so of the change as it is
}

func (p *Policy) newSearch(c *change.Change, in Inputs, opts *CounterfactualOptions) (*search, error) {
	o := CounterfactualOptions{DefaultBudget, DefaultHorizon}
	if opts != nil {
		o.Budget, o.Horizon = cmp.Or(opts.Budget, o.Budget), cmp.Or(opts.Horizon, o.Horizon)
	}
	if o.Budget < 0 || o.Horizon < 0 || o.Horizon > 366*24*time.Hour {
		return nil, errors.New("the budget and the horizon of the search are positive, and the horizon is a year at most")
	}
	canonical, err := c.Canonical()
	if err != nil {
		return nil, err
	}
	base, err := change.Decode(canonical, &change.DecodeOptions{Attested: true})
	if err != nil {
		return nil, err
	}
	s := &search{base: base, budget: o.Budget, complete: true, nowhere: map[node]set{}, rules: p.rules.Rules(), groups: p.rules.Groups()}
	s.editing = editing{p: p, c: base, in: in, info: map[string]risk.FactInfo{}}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	if s.hopeless() {
		return s, nil
	}
	s.find(o.Horizon)
	if len(s.items) > mostItems {
		s.items, s.complete = s.items[:mostItems], false
	}
	s.dropInvalid()
	return s, s.index()
}

// all are all items.
func (s *search) all() set { return set(1)<<len(s.items) - 1 }

// hopeless reports whether it does not matter what the requester does.
func (s *search) hopeless() bool {
	switch k := s.k; {
	case k.service == nil:
		s.held = []string{fmt.Sprintf("the policy has no service %q", k.c.Service)}
	case !k.modeled:
		s.held = []string{"no operating model is in force for the service " + k.c.Service}
	case k.model.Model.Standard == change.Never:
		s.held = []string{fmt.Sprintf("the service %s has every change decided case by case (%s)", k.c.Service, k.Model)}
	}
	s.atRoot = s.held != nil
	return s.atRoot
}

// prepare reads the facts, and what the policy asks of them.
func (s *search) prepare() error {
	v := s.p.rules.Vocabulary()
	for _, f := range v.Describe() {
		s.info[f.Name] = f
	}
	conditions, observed, err := s.p.policyConditions()
	if err != nil {
		return err
	}
	s.words = v.Remembering(conditions) // as they are gone through again, one by one
	if s.asked, err = s.words.Boundaries(conditions); err != nil {
		return err
	}
	s.observed = observed
	s.k, _ = s.look(s.base, s.in)
	s.facts = v.Facts(s.base, s.k.situation())
	return nil
}

// dropInvalid drops ways that make no valid change; that of a claim may, beside
// another edit.
func (s *search) dropInvalid() {
	for i := range s.items {
		one := &s.items[i]
		one.ways = slices.DeleteFunc(one.ways, func(w option) bool {
			c, in := *s.base, s.in
			w.apply(&c, &in)
			return one.kind != EditClaim && one.kind != EditSchedule && (c.Validate() != nil || s.p.rules.Vocabulary().Check(&c) != nil)
		})
	}
	s.items = slices.DeleteFunc(s.items, func(i item) bool { return len(i.ways) == 0 })
}

// apply makes the edits of a node on a copy.
func (s *search) apply(n *node) (*change.Change, Inputs) {
	c, in := *s.base, s.in
	for i, w := range n {
		if w < 0 {
			continue
		}
		one := s.items[i]
		one.ways[w].apply(&c, &in)
		if one.ways[w].vouch && !c.Observed(one.data) {
			c.Attested = append(slices.Clone(c.Attested), change.Attestation{By: s.voucher(), Covers: []string{one.data}})
		}
	}
	return &c, in
}

// look is a classification up to where the type is decided, and the template
// that covers the change.
func (s *search) look(c *change.Change, in Inputs) (*classifying, *template) {
	k := &classifying{p: s.p, c: c, in: in}
	k.facts = s.p.read.change.Facts(c, k.situation())
	k.Assessment = s.p.rules.Assess(k.facts)
	k.Faults = append(k.Faults, k.Assessment.Faults...)
	k.findFreezes()
	k.findClaims()
	under, _ := k.cover()
	return k, under
}

// index finds which items move which conditions, and which ways are needless.
func (s *search) index() error {
	s.byFact, s.byGroup = map[string]set{}, map[string]int{}
	for i, one := range s.items {
		bit := set(1) << i
		for _, f := range one.facts {
			s.byFact[f] |= bit
		}
		switch {
		case one.kind == EditSchedule:
			s.windows |= bit
		case one.fact == "claim":
			s.claims |= bit
		case one.fact == "change.emergency":
			s.emergency |= bit
		}
	}
	for i, g := range s.groups {
		s.byGroup[g.Name] = i
	}
	s.byRule = make(map[string]int, len(s.rules))
	for i, r := range s.rules {
		s.byRule[r.ID], s.best = i, append(s.best, bestShare(r))
		if r.Bands != "" {
			s.of = append(s.of, condition{reads: []string{r.Bands}, moves: s.byFact[r.Bands]})
		} else if err := s.condition(&s.of, r.When); err != nil {
			return err
		}
		if s.elsewhere(r) {
			s.of[len(s.of)-1].moves = 0
		}
	}
	for _, f := range s.p.forbid {
		if err := s.condition(&s.forbids, f.When); err != nil {
			return err
		}
	}
	for _, t := range s.p.templates {
		if err := errors.Join(s.condition(&s.covers, t.Covers), s.condition(&s.excepts, t.Except)); err != nil {
			return err
		}
	}
	s.findPossible()
	s.findLive()
	return nil
}

// elsewhere reports whether the rule is not for the service, under any model.
func (s *search) elsewhere(r risk.Rule) bool {
	if r.For == "" {
		return false
	}
	c, err := s.p.rules.Vocabulary().Condition(r.For)
	if err != nil || slices.Contains(c.Reads(), "service.model") && s.windows != 0 {
		return false
	}
	truth, _ := c.Decide(s.facts)
	return truth == risk.False || truth == risk.Inapplicable
}

func (s *search) condition(to *[]condition, text string) error {
	var out condition
	if text != "" {
		found, err := s.words.Boundaries([]string{text})
		if err != nil {
			return err
		}
		for _, b := range found {
			out.reads = append(out.reads, b.Fact)
			out.moves |= s.byFact[b.Fact]
			out.asks = out.asks || b.Asked && s.byFact[b.Fact] != 0
		}
		if out.parts, err = s.parts(text, out.moves); err != nil {
			return err
		}
	}
	*to = append(*to, out)
	return nil
}

// parts are those of a condition that several items move: what one of them does
// to it is told by the parts that hang on this item alone.
func (s *search) parts(text string, moves set) (out []joined, err error) {
	if moves.size() < 2 {
		return nil, nil
	}
	v := s.p.rules.Vocabulary()
	list, err := v.Parts(text)
	for i := 0; i < len(list) && err == nil; i++ {
		var c *risk.Condition
		if c, err = v.Condition(list[i].Source); err == nil {
			out = append(out, joined{c, c.Reads()})
		}
	}
	return out, err
}

// findPossible asks of each template whether it could cover the change if all
// that can be edited turned out well.
func (s *search) findPossible() {
	facts := s.facts
	for _, b := range s.asked {
		if s.byFact[b.Fact] != 0 {
			facts = facts.Without(b.Fact)
		}
	}
	for i := range s.p.templates {
		t := &s.p.templates[i]
		truth, _ := t.covers.Decide(facts)
		ok := s.k.outOfForce(t, s.k.day()) == "" && (s.covers[i].asks || truth == risk.True || truth == risk.Undecided)
		if t.except != nil && ok {
			truth, _ = t.except.Decide(facts)
			ok = s.excepts[i].asks || truth != risk.True
		}
		s.possible = append(s.possible, ok)
	}
}
