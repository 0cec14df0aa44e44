package rule

import (
	"strconv"
	"strings"
)

// signs are how the operations with two sides are written.
var signs = map[op]string{
	opAnd: "and", opOr: "or", opEqual: "==", opNotEqual: "!=", opLess: "<", opAtMost: "<=", opGreater: ">", opAtLeast: ">=",
	opContains: "contains", opStartsWith: "startsWith", opEndsWith: "endsWith", opInList: "in",
}

// calls are the functions over a list.
var calls = map[op]string{opAny: "any", opAll: "all", opNone: "none", opOne: "one", opCount: "count"}

// text writes a node in the language: two nodes with one text are alike.
func (v *Vocabulary) text(n *node) string {
	switch n.op {
	case opConst:
		return inQuotes(n.kind, n.value)
	case opFact:
		return v.facts[n.fact].Name
	case opElement:
		return "#"
	case opKnown:
		return "known(" + v.facts[n.fact].Name + ")"
	case opNot:
		return "not " + v.inner(n.args[0])
	case opChoice:
		return v.inner(n.args[0]) + " ? " + v.inner(n.args[1]) + " : " + v.inner(n.args[2])
	case opMatches:
		return v.inner(n.args[0]) + " matches " + strconv.Quote(n.re.String())
	case opIn:
		return v.inner(n.args[0]) + " in [" + strings.Join(n.members(), ", ") + "]"
	case opTouches:
		return "touches(" + strings.Join(quoted(n.texts), ", ") + ")"
	case opAny, opAll, opNone, opOne, opCount:
		return calls[n.op] + "(" + v.text(n.args[0]) + ", " + v.text(n.args[1]) + ")"
	case opCompute:
		return v.computed(n)
	}
	return v.inner(n.args[0]) + " " + signs[n.op] + " " + v.inner(n.args[1])
}

// computed writes a function, or a sum.
func (v *Vocabulary) computed(n *node) string {
	words := n.name[0] >= 'a'
	switch {
	case n.name == "decimal":
		return v.inner(n.args[0])
	case words && len(n.args) == 2:
		return n.name + "(" + v.text(n.args[0]) + ", " + v.text(n.args[1]) + ")"
	case words:
		return n.name + "(" + v.text(n.args[0]) + ")"
	case len(n.args) == 1:
		return n.name + v.inner(n.args[0])
	}
	return v.inner(n.args[0]) + " " + n.name + " " + v.inner(n.args[1])
}

// inner writes an operand, in brackets where it has operands of its own that
// are not in brackets already.
func (v *Vocabulary) inner(n *node) string {
	switch n.op {
	case opConst, opFact, opElement, opKnown, opTouches, opAny, opAll, opNone, opOne, opCount:
		return v.text(n)
	}
	if n.op == opCompute && n.name[0] >= 'a' {
		return v.text(n)
	}
	return "(" + v.text(n) + ")"
}

func inQuotes(kind Type, value Value) string {
	switch kind {
	case Bool:
		return strconv.FormatBool(value.Bool)
	case Int:
		return strconv.FormatInt(value.Int, 10)
	case Float:
		return strconv.FormatFloat(value.Float, 'f', -1, 64)
	}
	return strconv.Quote(value.Text)
}

// members are what a literal list holds, as it is written.
func (n *node) members() []string {
	if n.args[0].kind == Text {
		return quoted(n.texts)
	}
	out := make([]string, len(n.ints))
	for i, number := range n.ints {
		out[i] = strconv.FormatInt(number, 10)
	}
	return out
}

func quoted(texts []string) []string {
	out := make([]string, len(texts))
	for i, s := range texts {
		out[i] = strconv.Quote(s)
	}
	return out
}
