package rule

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// Unit is what a number counts, where the language knows it: a time or a size.
// The zero Unit is that of a plain number, such as lines or a rate.
type Unit uint8

// The units. A day is 24 hours, whatever the clocks do and whoever works; the
// sizes are those of IEC 80000-13.
const (
	Plain Unit = iota
	Seconds
	Minutes
	Hours
	Days
	Weeks
	Bytes
	Kibibytes
	Mebibytes
	Gibibytes
)

// units are the words of the units: names of facts end in them, and they are
// the functions that make quantities. Seconds and bytes are the bases of the
// two dimensions.
var units = [...]struct {
	word string
	base Unit
	size int64 // in the base
}{
	Plain: {}, Seconds: {"seconds", Seconds, 1}, Minutes: {"minutes", Seconds, 60}, Hours: {"hours", Seconds, 3600},
	Days: {"days", Seconds, 24 * 3600}, Weeks: {"weeks", Seconds, 7 * 24 * 3600},
	Bytes: {"bytes", Bytes, 1}, Kibibytes: {"kib", Bytes, 1 << 10}, Mebibytes: {"mib", Bytes, 1 << 20}, Gibibytes: {"gib", Bytes, 1 << 30},
}

// String is the word for the unit; "" for a plain number.
func (u Unit) String() string { return units[u].word }

// unitNamed finds a unit by its word.
func unitNamed(word string) (Unit, bool) {
	for u := Seconds; int(u) < len(units); u++ {
		if units[u].word == word {
			return u, true
		}
	}
	return Plain, false
}

// UnitOf tells the unit of a number from its name: the word of a unit that the
// name ends in, as lead_hours does, or that "since" follows at its beginning,
// as in hours_since_failure.
func UnitOf(name string) Unit {
	words := strings.Split(name[strings.LastIndexByte(name, '.')+1:], "_")
	if len(words) > 1 && words[1] == "since" {
		u, _ := unitNamed(words[0])
		return u
	}
	u, _ := unitNamed(words[len(words)-1])
	return u
}

// Unit is the unit of fact number i; only numbers have one.
func (v *Vocabulary) Unit(i int) Unit {
	if t := v.facts[i].Type; t != Int && t != Float {
		return Plain
	}
	return UnitOf(v.facts[i].Name)
}

// quantity lowers a function such as hours(36). What number that is follows from
// the unit of what it stands beside, see sameUnit; until then it has no value.
func (l *lowering) quantity(n *ast.CallNode, u Unit) (*node, *Error) {
	var amount *big.Rat
	if len(n.Arguments) == 1 {
		amount = literalNumber(n.Arguments[0])
	}
	if amount == nil {
		return nil, l.errorf(n, "%s() takes one number, such as %s(2)", u, u)
	}
	amount.Mul(amount, new(big.Rat).SetInt64(units[u].size))
	return &node{op: opConst, kind: quantity, run: runConst, unit: units[u].base, amount: amount, fixed: true, cost: step}, nil
}

// literalNumber is the number that stands in the source, exactly; nil for anything
// else.
func literalNumber(n ast.Node) *big.Rat {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return new(big.Rat).SetInt64(int64(n.Value))
	case *ast.FloatNode:
		exact, _ := new(big.Rat).SetString(strconv.FormatFloat(n.Value, 'f', -1, 64))
		return exact
	case *ast.UnaryNode:
		if inner := literalNumber(n.Node); n.Operator == "-" && inner != nil {
			return inner.Neg(inner)
		}
	}
	return nil
}

// sameUnit brings two operands to one unit: a quantity becomes a plain number
// in the unit of the number beside it, and numbers in two units are refused,
// because one of them would be read as what it is not.
func (l *lowering) sameUnit(at ast.Node, args []*node) *Error {
	a, b := args[0], args[1]
	switch {
	case a.kind == quantity && b.kind == quantity:
		return l.errorf(at, "both sides of this are written out, so it is always the same; write one number")
	case a.kind == quantity:
		var err *Error
		args[0], err = l.settle(at, a, b)
		return err
	case b.kind == quantity:
		var err *Error
		args[1], err = l.settle(at, b, a)
		return err
	case a.unit != b.unit && a.unit != Plain && b.unit != Plain:
		return l.errorf(at, "one side is in %s and the other in %s; divide one of them by %s(1) or %s(1) first", a.unit, b.unit, a.unit, b.unit)
	}
	return nil
}

// settle makes a quantity a number in the unit of what stands beside it. What
// has no exact decimal there, such as 20 minutes in hours, is the nearest one,
// as a decimal number that is written out is.
func (l *lowering) settle(at ast.Node, n, beside *node) (*node, *Error) {
	what := map[Unit]string{Seconds: "a duration", Bytes: "a size"}[n.unit]
	unit := units[beside.unit]
	switch {
	case beside.kind != Int && beside.kind != Float:
		return nil, l.errorf(at, "%s stands beside a number of that kind, and this is %s", what, beside.kind)
	case unit.base == Plain:
		return nil, l.errorf(at, "%s cannot stand beside %s, which has no unit of its kind; write a plain number", what, l.called(beside))
	case unit.base != n.unit:
		return nil, l.errorf(at, "%s cannot stand beside %s, which is in %s", what, l.called(beside), beside.unit)
	}
	exact := new(big.Rat).Quo(n.amount, new(big.Rat).SetInt64(unit.size))
	out := constant(Int, IntValue(exact.Num().Int64()))
	if beside.kind == Float || !exact.IsInt() || !exact.Num().IsInt64() {
		nearest, _ := exact.Float64()
		out = constant(Float, FloatValue(nearest))
	}
	out.unit = beside.unit
	return out, nil
}

// called names what an operand is, for messages.
func (l *lowering) called(n *node) string {
	if n.op == opFact {
		return l.vocabulary.facts[n.fact].Name
	}
	return n.kind.String()
}

// commonUnit is the unit of what is computed of two numbers of like unit: a
// number that is written out is in the unit of the other.
func commonUnit(a, b *node) Unit {
	switch {
	case a.unit == b.unit, b.unit == Plain && b.fixed:
		return a.unit
	case a.unit == Plain && a.fixed:
		return b.unit
	}
	return Plain
}
