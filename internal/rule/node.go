package rule

import (
	"math"
	"math/big"
	"regexp"
)

// op says what a node does, for whoever looks at an expression without
// evaluating it.
type op uint8

const (
	opConst op = iota + 1
	opFact
	opElement
	opKnown
	opNot
	opAnd
	opOr
	opChoice
	opEqual
	opNotEqual
	opLess
	opAtMost
	opGreater
	opAtLeast
	opContains
	opStartsWith
	opEndsWith
	opMatches
	opIn     // a literal list
	opInList // a fact that is a list
	opTouches
	opAny
	opAll
	opNone
	opOne
	opCount
	opCompute // a value of its operands: arithmetic, joining, functions
)

// comparisons are the operations of the comparison signs.
var comparisons = map[string]op{"==": opEqual, "!=": opNotEqual, "<": opLess, "<=": opAtMost, ">": opGreater, ">=": opAtLeast}

// node is one part of a lowered expression.
type node struct {
	op    op
	name  string // of what opCompute computes: a sign or a function
	kind  Type
	run   func(*node, *frame) Value
	args  []*node
	fact  int            // for a fact
	value Value          // for a constant
	texts []string       // for membership in a literal list of texts; for touches the path patterns
	ints  []int64        // for membership in a literal list of numbers
	re    *regexp.Regexp // for matches
	globs []*glob        // for touches
	words []string       // the closed set of values, where there is one
	lies  *Range         // where a number lies, where that is known
	fixed bool           // reads neither a fact nor an element, so it is always the same
	cost  bound
	size  bound // of a text: its longest length in bytes

	unit   Unit     // of a number
	amount *big.Rat // of a quantity, in the base of its unit
}

func (n *node) eval(f *frame) Value { return n.run(n, f) }

// frame is what an evaluation runs over: the facts, and the element that the
// innermost loop is at.
type frame struct {
	facts   []Value
	element string
}

// bound is an upper bound that, within a loop, also depends on the length of
// the element: fixed + perByte × len(element).
type bound struct{ fixed, perByte float64 }

func (b bound) plus(c bound) bound         { return bound{b.fixed + c.fixed, b.perByte + c.perByte} }
func (b bound) times(factor float64) bound { return bound{b.fixed * factor, b.perByte * factor} }

// over is the bound of running b once for each of items elements that have
// bytes bytes together.
func (b bound) over(items, bytes int) bound {
	return bound{fixed: b.fixed*float64(items) + b.perByte*float64(bytes)}
}

// step is what any part costs, before what it reads.
var step = bound{fixed: 1}

// The shares of a step that a byte of text costs.
const (
	compareByte = 1.0 / 64 // comparing, joining, searching
	matchByte   = 1.0 / 16 // one instruction of a pattern
)

func runConst(n *node, _ *frame) Value { return n.value }

// runFact refuses a decimal that is no number: every comparison with NaN is
// false, and an infinity passes any limit.
func runFact(n *node, f *frame) Value {
	v := f.facts[n.fact]
	switch {
	case v.State == Faulty && v.Text == "":
		v.Text = "a fact could not be read"
	case v.State == Present && (math.IsNaN(v.Float) || math.IsInf(v.Float, 0)):
		return fault(notANumber)
	}
	return v
}

const notANumber = "a fact is not a number"

func runElement(_ *node, f *frame) Value { return TextValue(f.element) }

func runKnown(n *node, f *frame) Value {
	switch v := runFact(n, f); v.State {
	case Present:
		return BoolValue(true)
	case Faulty:
		return v
	default:
		return BoolValue(false)
	}
}

func runNot(n *node, f *frame) Value {
	v := n.args[0].eval(f)
	v.Bool = !v.Bool
	return v
}

// runAnd: False decides whatever the other side is, then the worst state.
func runAnd(n *node, f *frame) Value {
	a := n.args[0].eval(f)
	if isFalse(a) {
		return a
	}
	b := n.args[1].eval(f)
	if isFalse(b) {
		return b
	}
	return worst(a, b)
}

// runOr: True decides whatever the other side is, then Fault and Unknown
// before NotApplicable, and that before False.
func runOr(n *node, f *frame) Value {
	a := n.args[0].eval(f)
	if isTrue(a) {
		return a
	}
	b := n.args[1].eval(f)
	if isTrue(b) {
		return b
	}
	return worst(a, b)
}

func isTrue(v Value) bool  { return v.State == Present && v.Bool }
func isFalse(v Value) bool { return v.State == Present && !v.Bool }

// runChoice is a ? b : c. A condition that is not known still gives a value
// when both branches agree.
func runChoice(n *node, f *frame) Value {
	condition := n.args[0].eval(f)
	switch {
	case isTrue(condition):
		return n.args[1].eval(f)
	case isFalse(condition):
		return n.args[2].eval(f)
	}
	a, b := n.args[1].eval(f), n.args[2].eval(f)
	if a.State == Present && b.State == Present && a.Bool == b.Bool && a.Int == b.Int && a.Float == b.Float && a.Text == b.Text {
		return a
	}
	return worst(condition, worst(a, b))
}

// present evaluates the operands; the second result is false when one of them
// spoils the outcome, and the first is that outcome then.
func present(args []*node, f *frame) (a, b Value, ok bool) {
	a = args[0].eval(f)
	if len(args) > 1 {
		b = args[1].eval(f)
		if w := worst(a, b); w.State != Present {
			return w, b, false
		}
	}
	return a, b, a.State == Present
}

// strict makes a node function of one or two operands that is only asked when
// they are present.
func strict(compute func(n *node, a, b Value) Value) func(*node, *frame) Value {
	return func(n *node, f *frame) Value {
		a, b, ok := present(n.args, f)
		if !ok {
			return a
		}
		return compute(n, a, b)
	}
}

// loop makes a node function over the elements of a list; the predicate is the
// second operand.
func loop(start bool, fold func(acc, element Value) Value) func(*node, *frame) Value {
	return func(n *node, f *frame) Value {
		list := n.args[0].eval(f)
		if list.State != Present {
			return list
		}
		acc, outer := BoolValue(start), f.element
		for _, e := range list.List {
			f.element = e
			acc = fold(acc, n.args[1].eval(f))
			if acc.State == Present && acc.Bool != start {
				break
			}
		}
		f.element = outer
		return acc
	}
}

var (
	runAny = loop(false, func(acc, e Value) Value {
		if isTrue(e) {
			return e
		}
		return worst(acc, e)
	})
	runEvery = loop(true, func(acc, e Value) Value {
		if isFalse(e) {
			return e
		}
		return worst(acc, e)
	})
)

// runAll is not known over an empty list: that nothing is there is no evidence,
// neither that all of it is as it should be nor that some of it is not.
func runAll(n *node, f *frame) Value {
	if list := n.args[0].eval(f); list.State == Present && len(list.List) == 0 {
		return Value{}
	}
	return runEvery(n, f)
}

func runNone(n *node, f *frame) Value {
	v := runAny(n, f)
	v.Bool = !v.Bool
	return v
}

// runCount counts the elements for which the predicate is true; one element
// of which that is not known makes the count not known.
func runCount(n *node, f *frame) Value {
	list := n.args[0].eval(f)
	if list.State != Present {
		return list
	}
	count, spoilt, outer := int64(0), BoolValue(true), f.element
	for _, e := range list.List {
		f.element = e
		v := n.args[1].eval(f)
		spoilt = worst(spoilt, v)
		if isTrue(v) {
			count++
		}
	}
	f.element = outer
	if spoilt.State != Present {
		return spoilt
	}
	return IntValue(count)
}

func runOne(n *node, f *frame) Value {
	count := runCount(n, f)
	if count.State != Present {
		return count
	}
	return BoolValue(count.Int == 1)
}

func runTouches(n *node, f *frame) Value {
	paths := f.facts[n.fact]
	if paths.State != Present {
		return runFact(n, f)
	}
	for _, path := range paths.List {
		for _, glob := range n.globs {
			if glob.MatchString(path) {
				return BoolValue(true)
			}
		}
	}
	return BoolValue(false)
}
