package rule

import "slices"

// And is the condition that all of them hold, in that order. It is for reasoning:
// it has no limit on its cost.
func And(v *Vocabulary, all ...*Expr) *Expr {
	root := all[0].root
	for _, e := range all[1:] {
		root = &node{op: opAnd, kind: Bool, run: runAnd, args: []*node{root, e.root}}
	}
	return v.derived(root)
}

// Not is the opposite condition, likewise for reasoning.
func Not(v *Vocabulary, e *Expr) *Expr {
	return v.derived(&node{op: opNot, kind: Bool, run: runNot, args: []*node{e.root}})
}

// Denied is the condition that another one does not hold, for certain: it is
// false, or hangs on a fact that has no meaning.
func Denied(v *Vocabulary, e *Expr) *Expr {
	out := v.derived(&node{op: opNot, kind: Bool, run: runNot, args: []*node{e.root}})
	out.root.run = runDenied
	return out
}

// runDenied stays as it is once it is true or false, whatever else becomes known:
// a part has no meaning only where nothing that is open could give it one.
func runDenied(n *node, f *frame) Value {
	v := n.args[0].eval(f)
	if v.State == NotApplicable {
		return BoolValue(true)
	}
	v.Bool = !v.Bool
	return v
}

// Parts are what "and" joins to the condition, in order; the condition itself
// where nothing is joined.
func (e *Expr) Parts(v *Vocabulary) []*Expr { return e.split(v, opAnd) }

// Choices are what "or" joins to the condition, likewise.
func (e *Expr) Choices(v *Vocabulary) []*Expr { return e.split(v, opOr) }

func (e *Expr) split(v *Vocabulary, by op) []*Expr {
	var out []*Expr
	var walk func(*node)
	walk = func(n *node) {
		if n.op == by {
			walk(n.args[0])
			walk(n.args[1])
			return
		}
		out = append(out, v.derived(n))
	}
	walk(e.root)
	return out
}

// derived is a condition out of parts of others.
func (v *Vocabulary) derived(root *node) *Expr {
	reads, asks := map[int]bool{}, map[int]bool{}
	var walk func(*node)
	walk = func(n *node) {
		switch n.op {
		case opFact, opTouches:
			reads[n.fact] = true
		case opKnown:
			asks[n.fact] = true
		}
		for _, a := range n.args {
			walk(a)
		}
	}
	walk(root)
	return &Expr{source: v.text(root), root: root, reads: sortedKeys(reads), asks: sortedKeys(asks)}
}

// Computes reports whether the condition computes with numbers, which can fail
// where a comparison cannot.
func (e *Expr) Computes() bool {
	var computes func(*node) bool
	computes = func(n *node) bool {
		return n.op == opCompute && n.kind != Text && n.name != "len" || slices.ContainsFunc(n.args, computes)
	}
	return computes(e.root)
}

// Facts lists what the condition reads or asks for, ascending.
func (e *Expr) Facts() []int {
	out := slices.Concat(e.reads, e.asks)
	slices.Sort(out)
	return slices.Compact(out)
}

// Size is how many parts an evaluation can come by.
func (e *Expr) Size() int { return weight(e.root) }

func weight(n *node) int {
	out := 1
	for _, a := range n.args {
		out += weight(a)
	}
	return out
}
