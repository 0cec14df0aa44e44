package rule

import (
	"fmt"
	"math"
)

// opaque is a condition that no column tells. Where it compares a computed
// number with a constant, the number is computed once for each change: many
// rules set limits of their own to the same ratio or sum.
type opaque struct {
	node   *node
	number uint32      // the place of the number in Set.computed, from 1; 0 for none
	kind   literalKind // what the number is held to, as of a column: a cut, or equality with it
	not    bool
	cut    int64
}

// outcome is a number that was computed for a change, as columns order them.
type outcome struct {
	done   bool
	state  Verdict // as that of a column
	number int64
}

// opaqueLiteral is the number of an opaque condition; equal ones have one.
func (b *builder) opaqueLiteral(n *node) int {
	print := string(fingerprint(nil, n))
	k, ok := b.opaqueOf[print]
	if !ok {
		k = len(b.opaque)
		b.opaque, b.opaqueOf[print] = append(b.opaque, b.opaqueCondition(n)), k
	}
	return k
}

func (b *builder) opaqueCondition(n *node) opaque {
	out := opaque{node: n}
	if n.op < opEqual || n.op > opAtLeast {
		return out
	}
	side, constant, sign := sides(n)
	if constant.op != opConst || side.kind != Int && side.kind != Float {
		return out
	}
	if l, ok := limit(columnKinds[side.kind], sign, constant); ok {
		out.number, out.kind, out.not, out.cut = b.computedNumber(side), l.kind, l.negated, l.cut
	}
	return out
}

// computedNumber is the place of a computed number, from 1.
func (b *builder) computedNumber(n *node) uint32 {
	print := string(fingerprint(nil, n))
	k, ok := b.computedOf[print]
	if !ok {
		b.computed = append(b.computed, n)
		k = uint32(len(b.computed))
		b.computedOf[print] = k
	}
	return k
}

// askHolds reports whether an opaque literal is not False. It is never asked
// for what a set without it would not evaluate either.
func (r *Run) askHolds(literal uint32) bool {
	first := r.set.firstOpaque
	return literal >= first && r.ask(literal) != IsFalse
}

// ask evaluates an opaque literal, at most once for each change.
func (r *Run) ask(literal uint32) Verdict {
	k := (literal - r.set.firstOpaque) >> 1
	if r.asked[k] == 0 {
		r.asked[k] = r.opaque(&r.set.opaque[k]) + 1
	}
	v := r.asked[k] - 1
	if (literal-r.set.firstOpaque)&1 == 0 {
		return v
	}
	return negated(v)
}

// opaque is the verdict of an opaque condition.
func (r *Run) opaque(o *opaque) Verdict {
	if o.number == 0 {
		return verdict(probe(o.node, &r.frame))
	}
	c := r.compute(o.number - 1)
	if c.state != IsTrue {
		return c.state
	}
	holds := c.number >= o.cut
	if o.kind == literalValue {
		holds = c.number == o.cut
	}
	if holds == o.not {
		return IsFalse
	}
	return IsTrue
}

// compute is a number that opaque conditions compare.
func (r *Run) compute(k uint32) *outcome {
	c := &r.computed[k]
	if !c.done {
		n := r.set.computed[k]
		v := probe(n, &r.frame)
		*c = outcome{done: true, state: stateOf(&v), number: v.Int}
		if n.kind == Float {
			c.number = ordered(v.Float)
		}
	}
	return c
}

func negated(v Verdict) Verdict {
	switch v {
	case IsTrue:
		return IsFalse
	case IsFalse:
		return IsTrue
	}
	return v
}

// probe evaluates a part of a condition; a panic is a fault.
func probe(n *node, f *frame) (v Value) {
	defer func() {
		if p := recover(); p != nil {
			f.element, v = "", fault(fmt.Sprintf("the rule failed: %v", p))
		}
	}()
	return n.eval(f)
}

// fingerprint is a text that only equal conditions share.
func fingerprint(to []byte, n *node) []byte {
	texts := n.texts
	if n.op == opIn && n.name != "" {
		texts = nil // the name of a set says which they are
	}
	to = fmt.Appendf(to, "(%d %d %q %d %d %t %d %v %q %q %v", n.op, n.kind, n.name, n.fact,
		n.value.State, n.value.Bool, n.value.Int, math.Float64bits(n.value.Float), n.value.Text, texts, n.ints)
	if n.re != nil {
		to = fmt.Appendf(to, " %q", n.re.String())
	}
	for _, arg := range n.args {
		to = fingerprint(to, arg)
	}
	return append(to, ')')
}
