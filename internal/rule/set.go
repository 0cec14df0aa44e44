package rule

import "slices"

// Pair is the conditions of one rule: it counts where Only (nil: everywhere)
// and When (nil: always) let it.
type Pair struct{ Only, When *Expr }

// Set decides many rules over the same facts at once. It is immutable and safe
// for concurrent use.
type Set struct {
	rules []Pair
	reads []int
}

// NewSet makes a set of rules over one vocabulary.
func NewSet(_ *Vocabulary, rules []Pair) *Set {
	s := &Set{rules: rules}
	for _, r := range rules {
		for _, e := range []*Expr{r.Only, r.When} {
			if e != nil {
				s.reads = slices.Concat(s.reads, e.reads, e.asks)
			}
		}
		slices.Sort(s.reads)
		s.reads = slices.Compact(s.reads)
	}
	return s
}

// Reads lists the facts that any rule reads or asks for, ascending.
func (s *Set) Reads() []int { return s.reads }

// Run is the scratch of one goroutine.
type Run struct {
	set   *Set
	out   []Decided
	frame frame
}

// NewRun makes the scratch of one goroutine.
func (s *Set) NewRun() *Run { return &Run{set: s} }

// Decided is one rule and what its conditions are; nil conditions are True.
type Decided struct {
	Rule       int32
	Only, When Verdict
}

// Decide lists, ascending, the rules of which neither condition is False or
// NotApplicable. The facts are as for [Expr.Eval]; only those in Reads need be
// filled. The list is valid until the next call.
func (r *Run) Decide(facts []Value) []Decided {
	r.out = r.out[:0]
	for i, p := range r.set.rules {
		d := Decided{int32(i), IsTrue, IsTrue}
		if p.Only != nil {
			d.Only = r.eval(p.Only, facts)
		}
		if p.When != nil {
			d.When = r.eval(p.When, facts)
		}
		out := func(v Verdict) bool { return v == IsFalse || v == IsNotApplicable }
		if !out(d.Only) && !out(d.When) {
			r.out = append(r.out, d)
		}
	}
	return r.out
}

func (r *Run) eval(e *Expr, facts []Value) (v Verdict) {
	defer func() {
		if p := recover(); p != nil {
			v = IsFault
		}
	}()
	r.frame.facts = facts
	return verdict(e.root.eval(&r.frame))
}

// Why says why a condition of a rule of the last answer is a Fault; "" where
// it is none.
func (r *Run) Why(facts []Value, rule int) (only, when string) {
	p := r.set.rules[rule]
	if p.Only != nil {
		_, only = p.Only.Eval(facts)
	}
	if p.When != nil {
		_, when = p.When.Eval(facts)
	}
	return only, when
}
