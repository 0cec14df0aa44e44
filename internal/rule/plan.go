package rule

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Plan decides conditions over the rows that columns had when it was made. What
// conditions share is decided once. It is immutable once all conditions are
// added, and its sweeps may then run side by side.
type Plan struct {
	columns *Columns
	rows    int
	pieces  []piece
	shared  map[string]int // by what they do
}

// piece is one step of a plan: a condition over one fact, a join of others, or a
// node that is evaluated row by row.
type piece struct {
	kind    pieceKind
	args    [2]int
	fact    int
	numbers []uint32 // of the values, or elements, that decide
	stands  bitmap   // the rows in which they stand, where they are many; else nil
	low     Value    // the closed range in which a number lies
	high    Value
	node    *node // row by row
	reads   []int
	slow    bool // something below is decided row by row
}

type pieceKind uint8

const (
	pieceRows  pieceKind = iota // the node, row by row
	pieceAnd                    // args
	pieceOr                     // args
	pieceNot                    // the first of args
	pieceKnown                  // the fact is there
	pieceValue                  // a text or a truth is one of numbers
	pieceAny                    // an element is one of numbers
	pieceAll                    // no element is one of numbers, and there is one
	pieceRange                  // a number lies between low and high
)

// NewPlan makes a plan without conditions, over columns that are sealed.
func NewPlan(c *Columns) *Plan { return &Plan{columns: c, rows: c.rows, shared: map[string]int{}} }

// Add adds a condition whose facts the columns hold, and gives its number.
func (p *Plan) Add(e *Expr) int { return p.lower(e.root) }

// AddAtLeast adds the condition that a number is a value or more, and gives its
// number.
func (p *Plan) AddAtLeast(fact int, from float64) int {
	if p.columns.of[fact].fact.Type == Float {
		return p.share(piece{kind: pieceRange, fact: fact, low: FloatValue(from), high: FloatValue(math.Inf(1))})
	}
	all := piece{kind: pieceRange, fact: fact, low: IntValue(math.MinInt64), high: IntValue(math.MaxInt64)}
	switch {
	case Order(math.MaxInt64, from) < 0:
		return p.share(piece{kind: pieceNot, args: [2]int{p.share(all)}})
	case Order(math.MinInt64, from) < 0:
		all.low.Int = int64(math.Ceil(from))
	}
	return p.share(all)
}

func (p *Plan) lower(n *node) int {
	switch n.op {
	case opAnd, opOr:
		a, b := p.lower(n.args[0]), p.lower(n.args[1])
		if p.pieces[a].slow && !p.pieces[b].slow {
			a, b = b, a // the order does not matter, and what is quick spares what is slow
		}
		kind := pieceAnd
		if n.op == opOr {
			kind = pieceOr
		}
		return p.share(piece{kind: kind, args: [2]int{a, b}, slow: p.pieces[a].slow || p.pieces[b].slow})
	case opNot:
		a := p.lower(n.args[0])
		return p.share(piece{kind: pieceNot, args: [2]int{a}, slow: p.pieces[a].slow})
	case opKnown:
		return p.share(piece{kind: pieceKnown, fact: n.fact})
	}
	if leaf, ok := p.leaf(n); ok {
		return p.share(leaf)
	}
	p.pieces = append(p.pieces, piece{kind: pieceRows, node: n, reads: reads(n), slow: true})
	return len(p.pieces) - 1
}

// share gives the number of a piece, which may be there already.
func (p *Plan) share(made piece) int {
	key := []byte(fmt.Sprint(made.kind, made.args, made.fact, made.low.Int, made.high.Int, made.low.Float, made.high.Float))
	for _, number := range made.numbers {
		key = binary.LittleEndian.AppendUint32(key, number)
	}
	if i, ok := p.shared[string(key)]; ok {
		return i
	}
	const few = 4 // beyond which looking each of them up for each block takes longer
	if len(made.numbers) > few {
		made.stands = make(bitmap, (p.rows+63)/64)
		for _, number := range made.numbers {
			for _, row := range p.columns.of[made.fact].stands[number-1] {
				made.stands[row/64] |= 1 << (row % 64)
			}
		}
	}
	p.pieces = append(p.pieces, made)
	p.shared[string(key)] = len(p.pieces) - 1
	return len(p.pieces) - 1
}

// reads are the facts below a node, each once.
func reads(n *node) []int {
	var out []int
	if n.op == opFact || n.op == opKnown || n.op == opTouches {
		out = append(out, n.fact)
	}
	for _, a := range n.args {
		out = append(out, reads(a)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// within reports whether a node, or one below it, does one of those.
func within(n *node, ops ...op) bool {
	return slices.Contains(ops, n.op) || slices.ContainsFunc(n.args, func(a *node) bool { return within(a, ops...) })
}

// leaf lowers a node about one fact alone: it is asked once for each value.
func (p *Plan) leaf(n *node) (piece, bool) {
	facts := reads(n)
	if len(facts) != 1 || within(n, opKnown) {
		return piece{}, false
	}
	c := p.columns.of[facts[0]]
	switch c.fact.Type {
	case Bool, Text:
		if within(n, opAny, opAll, opNone, opOne, opCount) {
			return piece{}, false
		}
		if found, ok := p.plain(pieceValue, facts[0], n, opFact); ok {
			return found, true
		}
		eval := p.alone(n, facts[0])
		return p.values(pieceValue, facts[0], func(value string) Value { return eval(c.parse(value)) })
	case List:
		return p.elements(n, facts[0])
	}
	return p.between(n, facts[0])
}

// alone evaluates a node over one fact, again and again.
func (p *Plan) alone(n *node, fact int) func(Value) Value {
	f := &frame{facts: make([]Value, len(p.columns.of))}
	return func(v Value) Value {
		f.facts[fact] = v
		return n.eval(f)
	}
}

func (c *factColumn) parse(value string) Value {
	if c.fact.Type == Bool {
		return BoolValue(value == truthWords[true])
	}
	return TextValue(value)
}

// values asks of each value whether it holds; false when that is not true or
// false for all.
func (p *Plan) values(kind pieceKind, fact int, holds func(string) Value) (piece, bool) {
	c, out := p.columns.of[fact], piece{kind: kind, fact: fact}
	for i, value := range c.values {
		switch v := holds(value); {
		case v.State != Present:
			return piece{}, false
		case v.Bool:
			out.numbers = append(out.numbers, uint32(i)+1)
		}
	}
	return out, true
}

// plain lowers the tests that are met most without evaluating nodes: equality
// and membership are looked up, and texts are searched directly. The subject is
// the fact, or the element.
func (p *Plan) plain(kind pieceKind, fact int, n *node, subject op) (piece, bool) {
	if p.columns.of[fact].fact.Type == Bool || len(n.args) == 0 || n.args[0].op != subject {
		return piece{}, false
	}
	if n.op == opIn {
		return p.among(kind, fact, n.texts), true
	}
	if len(n.args) != 2 || n.args[1].op != opConst {
		return piece{}, false
	}
	c, text := p.columns.of[fact], n.args[1].value.Text
	switch n.op {
	case opEqual:
		return p.among(kind, fact, []string{text}), true
	case opStartsWith:
		return piece{kind: kind, fact: fact, numbers: c.starting(text)}, true
	case opEndsWith:
		return piece{kind: kind, fact: fact, numbers: c.endingIn(text)}, true
	case opContains:
		return p.values(kind, fact, func(value string) Value { return BoolValue(strings.Contains(value, text)) })
	}
	return piece{}, false
}

// among looks the values up that decide.
func (p *Plan) among(kind pieceKind, fact int, texts []string) piece {
	out := piece{kind: kind, fact: fact}
	for _, text := range texts {
		if number, known := p.columns.of[fact].numbers[text]; known {
			out.numbers = append(out.numbers, number)
		}
	}
	slices.Sort(out.numbers)
	out.numbers = slices.Compact(out.numbers)
	return out
}

// elements lowers a condition over the elements of one list.
func (p *Plan) elements(n *node, fact int) (piece, bool) {
	element := func(predicate *node, not bool) func(string) Value {
		f := &frame{facts: make([]Value, len(p.columns.of))}
		return func(e string) Value {
			f.element = e
			v := predicate.eval(f)
			v.Bool = v.Bool != not
			return v
		}
	}
	switch n.op {
	case opTouches:
		eval, list := p.alone(n, fact), []string{""}
		return p.values(pieceAny, fact, func(e string) Value {
			list[0] = e
			return eval(ListValue(list))
		})
	case opInList:
		if n.args[0].op != opConst {
			return piece{}, false
		}
		return p.among(pieceAny, fact, []string{n.args[0].value.Text}), true
	case opAny, opAll, opNone:
		if len(reads(n.args[1])) > 0 || within(n.args[1], opAny, opAll, opNone, opOne, opCount) {
			return piece{}, false
		}
	}
	if n.op == opAny {
		if found, ok := p.plain(pieceAny, fact, n.args[1], opElement); ok {
			return found, true
		}
	}
	switch n.op {
	case opAny:
		return p.values(pieceAny, fact, element(n.args[1], false))
	case opAll:
		return p.values(pieceAll, fact, element(n.args[1], true))
	case opNone:
		out, ok := p.values(pieceAny, fact, element(n.args[1], false))
		if !ok {
			return piece{}, false
		}
		return piece{kind: pieceNot, args: [2]int{p.share(out)}}, true
	}
	return piece{}, false
}

// between lowers the comparison of a number with a constant to a closed range.
func (p *Plan) between(n *node, fact int) (piece, bool) {
	if len(n.args) != 2 {
		return piece{}, false
	}
	a, b, op := n.args[0], n.args[1], n.op
	if a.op == opConst {
		a, b, op = b, a, mirrored(op)
	}
	if a.op != opFact || b.op != opConst || op < opEqual || op > opAtLeast {
		return piece{}, false
	}
	unequal := op == opNotEqual
	if unequal {
		op = opEqual
	}
	low, high, ok := rangeOf(a.kind, op, b)
	if !ok {
		return piece{}, false
	}
	out := piece{kind: pieceRange, fact: fact, low: low, high: high}
	if unequal {
		return piece{kind: pieceNot, args: [2]int{p.share(out)}}, true
	}
	return out, true
}

// rangeOf is the closed range of numbers that compare so with a constant; false
// where it has no exact ends of the fact's type.
func rangeOf(kind Type, o op, constant *node) (low, high Value, ok bool) {
	if kind == Int {
		if constant.kind != Int || constant.value.Int == math.MinInt64 || constant.value.Int == math.MaxInt64 {
			return low, high, false
		}
		least, most := wholeRange(o, constant.value.Int)
		return IntValue(least), IntValue(most), true
	}
	f := constant.value.Float
	if constant.kind == Int {
		if f = float64(constant.value.Int); constant.value.Int > 1<<53 || constant.value.Int < -1<<53 {
			return low, high, false
		}
	}
	least, most := decimalRange(o, f)
	return FloatValue(least), FloatValue(most), true
}

func wholeRange(o op, n int64) (least, most int64) {
	switch o {
	case opLess:
		return math.MinInt64, n - 1
	case opAtMost:
		return math.MinInt64, n
	case opGreater:
		return n + 1, math.MaxInt64
	case opAtLeast:
		return n, math.MaxInt64
	}
	return n, n
}

func decimalRange(o op, n float64) (least, most float64) {
	switch o {
	case opLess:
		return math.Inf(-1), math.Nextafter(n, math.Inf(-1))
	case opAtMost:
		return math.Inf(-1), n
	case opGreater:
		return math.Nextafter(n, math.Inf(1)), math.Inf(1)
	case opAtLeast:
		return n, math.Inf(1)
	}
	return n, n
}
