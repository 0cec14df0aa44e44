package rule

import "slices"

// Settled is the condition where the values of some facts are given, as far as
// these settle it. It is for comparing conditions with each other.
type Settled struct{ root *node }

// Settle puts in the values of those facts, one for each.
func (e *Expr) Settle(tied []int, values []Value) Settled {
	s := settling{tied: tied, facts: map[int]Value{}}
	most := 0
	for i, f := range tied {
		s.facts[f], most = values[i], max(most, f+1)
	}
	s.frame = frame{facts: make([]Value, most)}
	for i, f := range tied {
		s.frame.facts[f] = values[i]
	}
	return Settled{s.node(e.root)}
}

// Verdict is what is decided already; false where that hangs on other facts.
func (s Settled) Verdict() (Verdict, bool) {
	if s.root.op != opConst {
		return 0, false
	}
	return verdict(s.root.value), true
}

// Same reports whether two are written the same: then they come to the same,
// whatever the other facts are.
func (s Settled) Same(o Settled) bool { return alike(s.root, o.root) }

type settling struct {
	tied  []int
	facts map[int]Value
	frame frame
}

// node settles what reads nothing else, and drops what then makes no difference:
// true beside "and", false beside "or".
func (s *settling) node(n *node) *node {
	if s.given(n) {
		return &node{op: opConst, kind: n.kind, value: n.eval(&s.frame)}
	}
	if n.op != opAnd && n.op != opOr && n.op != opNot {
		return n
	}
	out := *n
	out.args = make([]*node, len(n.args))
	for i, a := range n.args {
		out.args[i] = s.node(a)
	}
	for i, a := range out.args {
		if n.op == opNot || a.op != opConst {
			continue
		}
		switch decides := n.op == opOr; {
		case isTrue(a.value) && decides, isFalse(a.value) && !decides:
			return a
		case isTrue(a.value), isFalse(a.value):
			return out.args[1-i]
		}
	}
	return &out
}

// given reports whether a part reads some fact, and none but those that are tied.
func (s *settling) given(n *node) bool {
	reads, other := false, false
	var look func(n *node)
	look = func(n *node) {
		switch n.op {
		case opFact, opKnown, opTouches:
			_, is := s.facts[n.fact]
			reads, other = true, other || !is
		}
		for _, a := range n.args {
			look(a)
		}
	}
	look(n)
	return reads && !other
}

// alike compares all that decides what a part comes to.
func alike(a, b *node) bool {
	same := a.op == b.op && a.name == b.name && a.kind == b.kind && a.fact == b.fact && a.unit == b.unit &&
		a.value.Same(b.value) && slices.Equal(a.texts, b.texts) && slices.Equal(a.ints, b.ints) && (a.re == nil) == (b.re == nil)
	if same && a.re != nil {
		same = a.re.String() == b.re.String()
	}
	if a.amount != nil || b.amount != nil {
		same = same && a.amount != nil && b.amount != nil && a.amount.Cmp(b.amount) == 0
	}
	return same && slices.EqualFunc(a.args, b.args, alike)
}
