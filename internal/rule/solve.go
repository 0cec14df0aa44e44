package rule

import "slices"

// Answer is what is settled about a condition. The zero Answer is NotSettled.
type Answer uint8

// The answers.
const (
	NotSettled Answer = iota // neither shown nor excluded
	Yes                      // shown by facts
	No                       // excluded by proof
)

// String is the word for it.
func (a Answer) String() string { return [...]string{"not settled", "yes", "no"}[a] }

// Space says which facts there can be, besides what the vocabulary says of them.
type Space struct {
	Vocabulary *Vocabulary
	Ranges     map[int]Range // where a number lies, where that is narrower; by fact
	Given      map[int]*Expr // the condition on which a fact has a meaning; by fact

	// Tied are facts that do not vary on their own: together they are one of
	// Worlds, which has a value for each of them. Without any they are free.
	Tied   []int
	Worlds [][]Value

	// Work is what is left for this question and those that follow, in parts of
	// conditions that are evaluated, of some 10 ns each; nil: no bound. Where
	// nothing is left, nothing is settled.
	Work *int
}

// What a question takes before its first step, in units of Work.
const (
	workOfValue = 200 // to find, sort and admit a value
	workOfWorld = 50
)

// spend takes from the work that is left; false where nothing is.
func (s *Space) spend(units int) bool {
	if s.Work == nil {
		return true
	}
	*s.Work -= units
	return *s.Work >= 0
}

// Reach tells whether facts can make the condition true (or false: want is
// IsTrue or IsFalse), in at most so many steps, each an evaluation. Yes comes
// with such facts, which have been tried. No is a proof: the condition is then
// never so, whatever the facts, missing ones among them.
//
// What looks at one fact alone is decided for all its values, by those at and
// around which it can turn. All else, such as a pattern, is taken for something
// that can be anything: what cannot be even then, cannot be. As more facts never
// turn true into false or back (see the package documentation), a branch ends
// as soon as the facts that it has settled decide.
func (s *Space) Reach(e *Expr, want Verdict, steps int) (Answer, []Value) {
	if !s.spend(1) {
		return NotSettled, nil
	}
	free := s.relaxed(e, steps)
	found, done := free.search(want)
	if !found && done {
		return No, nil
	}
	if found && free.exact() {
		if facts, ok := s.shown(free, e, want); ok {
			return Yes, facts
		}
	}
	real := s.real(e, steps)
	if found, _ := real.search(want); found {
		if facts, ok := s.shown(real, e, want); ok {
			return Yes, facts
		}
	}
	return NotSettled, nil
}

// Excludes reports whether it is proven that no facts make the condition so: it
// is the cheaper part of [Space.Reach], which does not look for such facts.
func (s *Space) Excludes(e *Expr, want Verdict, steps int) bool {
	if !s.spend(1) {
		return false
	}
	found, done := s.relaxed(e, steps).search(want)
	return !found && done
}

// shown are the facts that a search has found, if the condition agrees.
func (s *Space) shown(found *solving, e *Expr, want Verdict) ([]Value, bool) {
	facts := make([]Value, s.Vocabulary.Len())
	for i, v := range found.vars {
		if v.fact >= 0 && found.facts[i] != nil {
			facts[v.fact] = *found.facts[i]
		}
	}
	meant := slices.Clone(facts)
	for i := range facts {
		if given := s.Given[i]; given != nil && facts[i].State == Present {
			meant[i] = meaning(given, facts, facts[i])
		}
		meant[i] = s.Vocabulary.Admit(i, meant[i])
	}
	got, _ := e.Eval(meant)
	return meant, got == want
}

// meaning is the value of a fact where the condition says whether it has any.
func meaning(given *Expr, facts []Value, value Value) Value {
	switch verdict, _ := given.Eval(facts); verdict {
	case IsTrue, IsNotApplicable:
		return value
	case IsFalse:
		return Value{State: NotApplicable}
	default:
		return Value{}
	}
}

// solving is a search for values that decide a condition.
type solving struct {
	space  *Space
	free   bool // what values do not stand for is taken for anything
	listed map[int]bool
	vars   []variable
	byName map[string]int
	facts  []*Value // by variable; nil is open
	frame  frame
	root   *node
	worlds [][]Value // over the variables that are tied
	tied   []int     // those variables
	steps  int
	work   int // of one step
}

// variable is a fact, or what is taken for anything.
type variable struct {
	fact   int // -1: none
	decl   Fact
	edge   edge
	values []Value
	tied   bool
	lacks  bool // it may have no meaning
}

// open is the value of a variable that the search has not settled.
var open = Value{State: Unknown, Bool: true}

func isOpen(v Value) bool { return v.State == Unknown && v.Bool }

func (s *solving) exact() bool {
	return !slices.ContainsFunc(s.vars, func(v variable) bool { return v.fact < 0 })
}

// search reports whether some values make the condition as wanted; done is
// false when it has run out of steps without an answer.
func (s *solving) search(want Verdict) (found, done bool) {
	if s.steps--; s.steps < 0 || !s.space.spend(s.work) {
		return false, false
	}
	if v := s.root.eval(&s.frame); v.State == Present {
		return verdict(v) == want, true
	}
	i := s.pick(s.root)
	if i < 0 {
		return false, true
	}
	if s.vars[i].tied {
		return s.searchWorlds(want)
	}
	for k := range s.vars[i].values {
		s.settle(i, &s.vars[i].values[k])
		if found, done := s.search(want); found || !done {
			return found, done
		}
	}
	s.settle(i, nil)
	return false, true
}

func (s *solving) searchWorlds(want Verdict) (found, done bool) {
	for _, world := range s.worlds {
		for k, i := range s.tied {
			s.settle(i, &world[k])
		}
		if found, done := s.search(want); found || !done {
			return found, done
		}
	}
	for _, i := range s.tied {
		s.settle(i, nil)
	}
	return false, true
}

func (s *solving) settle(i int, v *Value) {
	s.facts[i] = v
	if s.frame.facts[i] = open; v != nil {
		s.frame.facts[i] = *v
	}
}

// pick is a variable that an undecided part hangs on; -1 when none is open.
func (s *solving) pick(n *node) int {
	switch n.op {
	case opAnd, opOr, opChoice:
		for _, a := range n.args {
			if a.eval(&s.frame).State == Present {
				continue
			}
			if i := s.pick(a); i >= 0 {
				return i
			}
		}
		return -1
	case opNot:
		return s.pick(n.args[0])
	}
	return s.below(n)
}

// below is an open variable anywhere below a node.
func (s *solving) below(n *node) int {
	if (n.op == opFact || n.op == opKnown || n.op == opTouches) && isOpen(s.frame.facts[n.fact]) {
		return n.fact
	}
	for _, a := range n.args {
		if i := s.below(a); i >= 0 {
			return i
		}
	}
	return -1
}

// ofElement reports whether a condition compares nothing but the element with
// texts.
func ofElement(n *node) bool {
	switch n.op {
	case opAnd, opOr, opNot:
		return !slices.ContainsFunc(n.args, func(a *node) bool { return !ofElement(a) })
	case opIn:
		return n.args[0].op == opElement
	case opEqual, opNotEqual:
		a, b := n.args[0].op, n.args[1].op
		return a == opElement && b == opConst || a == opConst && b == opElement
	}
	return false
}

// ofWords reports whether a condition looks at nothing but one text out of few
// words, which are all tried.
func (s *solving) ofWords(n *node) bool {
	facts := reads(n)
	if len(facts) != 1 || within(n, opKnown, opTouches) {
		return false
	}
	f := s.space.Vocabulary.facts[facts[0]]
	return f.Type == Text && f.Words != nil && len(f.Words) <= fewWords
}
