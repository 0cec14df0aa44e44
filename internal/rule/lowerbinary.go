package rule

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/changelane/changelane/internal/nearest"
)

func (l *lowering) binary(n *ast.BinaryNode) (*node, *Error) {
	if n.Operator == "in" {
		return l.membership(n)
	}
	if n.Operator == "matches" {
		return l.match(n)
	}
	if err := l.absent(n); err != nil {
		return nil, err
	}
	if err := l.hyphenated(n); err != nil {
		return nil, err
	}
	a, err := l.lower(n.Left)
	if err != nil {
		return nil, l.bareWord(err, n.Left, n.Right)
	}
	b, err := l.lower(n.Right)
	if err != nil {
		return nil, l.bareWord(err, n.Right, n.Left)
	}
	out := &node{op: opCompute, name: n.Operator, args: []*node{a, b}, cost: step.plus(a.cost).plus(b.cost).plus(a.size.plus(b.size).times(compareByte))}
	switch n.Operator {
	case "and", "&&", "or", "||":
		return l.logic(n, out)
	case "==", "!=", "<", "<=", ">", ">=":
		return l.compared(n, out)
	case "+", "-", "*", "/", "%":
		return l.arithmetic(n, out)
	case "contains", "startsWith", "endsWith":
		return l.search(n, out)
	}
	return nil, l.errorf(n, "the operator %q is not part of the language", n.Operator)
}

func (l *lowering) logic(n *ast.BinaryNode, out *node) (*node, *Error) {
	for i, side := range []ast.Node{n.Left, n.Right} {
		if kind := out.args[i].kind; kind != Bool {
			return nil, l.errorf(side, "%q joins conditions that are true or false, and this is %s%s", n.Operator, kind, l.conditionRemedy(n, side, out.args[i]))
		}
		if err := l.varies(side, out.args[i]); err != nil {
			return nil, err
		}
	}
	out.op, out.kind, out.run = opAnd, Bool, runAnd
	if n.Operator == "or" || n.Operator == "||" {
		out.op, out.run = opOr, runOr
	}
	return out, nil
}

func (l *lowering) compared(n *ast.BinaryNode, out *node) (*node, *Error) {
	if err := l.sameUnit(n, out.args); err != nil {
		return nil, err
	}
	a, b := out.args[0], out.args[1]
	equality := n.Operator == "==" || n.Operator == "!="
	var order ordering
	switch {
	case a.kind == Int && b.kind == Int:
		order = orderInt
	case a.kind == Float && b.kind == Float:
		order = orderFloat
	case a.kind == Int && b.kind == Float:
		order = orderIntFloat
	case a.kind == Float && b.kind == Int:
		order = orderFloatInt
	case a.kind == Text && b.kind == Text && (equality || a.words == nil && b.words == nil):
		order = orderText
	case a.kind == Text && b.kind == Text:
		return nil, l.errorf(n, "these are names from a fixed set, which have no order; compare with == or \"in\"")
	case a.kind == Bool && b.kind == Bool && equality:
		order = orderBool
	default:
		return nil, l.incomparable(n, a, b)
	}
	if err := l.words(n.Left, a, b); err != nil {
		return nil, err
	}
	if err := l.words(n.Right, b, a); err != nil {
		return nil, err
	}
	if err := l.inRange(n.Left, a, b); err != nil {
		return nil, err
	}
	if err := l.inRange(n.Right, b, a); err != nil {
		return nil, err
	}
	if a.words != nil && b.words != nil && !slices.ContainsFunc(a.words, func(w string) bool { return slices.Contains(b.words, w) }) {
		return nil, l.errorf(n, "these two have no value in common: %s; and %s", listed(a.words), listed(b.words))
	}
	out.op, out.kind, out.run = comparisons[n.Operator], Bool, comparison(n.Operator, order)
	return out, nil
}

// inRange refuses a number that the other side can never reach, such as 5 for a
// rate that lies between 0 and 1.
func (l *lowering) inRange(at ast.Node, literal, other *node) *Error {
	if other.lies == nil || !literal.fixed {
		return nil
	}
	n := literal.value.Float
	if literal.kind == Int {
		n = float64(literal.value.Int)
	}
	if other.lies.holds(n) {
		return nil
	}
	subject := "what is beside it"
	if other.op == opFact {
		subject = l.vocabulary.facts[other.fact].Name
	}
	return l.errorf(at, "%s %v, so a comparison with %v is always the same", subject, other.lies, n)
}

// words refuses a literal that the other side can never be: a typing error
// would otherwise make the rule false, or true, for ever.
func (l *lowering) words(at ast.Node, literal, other *node) *Error {
	if !literal.fixed || literal.kind != Text {
		return nil
	}
	if why := l.never(literal.value.Text, other); why != "" {
		return l.errorf(at, "%q %s", literal.value.Text, why)
	}
	return nil
}

// never says why something can never be a text; "" when it can.
func (l *lowering) never(text string, n *node) string {
	if n.words != nil && !slices.Contains(n.words, text) {
		return "is none of the values that are possible here: " + listed(n.words) + nearest.Hint(text, n.words)
	}
	if why := l.pattern(text, n); why != "" || n.op != opFact || n.kind != Text {
		return why
	}
	switch f, length := l.vocabulary.facts[n.fact], utf8.RuneCountInString(text); {
	case length < f.Shortest:
		return fmt.Sprintf("is shorter than %s can be, which has %d characters or more", f.Name, f.Shortest)
	case f.Longest > 0 && length > f.Longest:
		return fmt.Sprintf("is longer than %s can be, which has %d characters at most", f.Name, f.Longest)
	}
	return ""
}

// pattern says what to write instead of comparing paths with a path pattern letter
// by letter, which nothing matches; "" when it is none.
func (l *lowering) pattern(text string, n *node) string {
	paths := (n.op == opFact || n.op == opElement) && n.fact == l.vocabulary.paths
	if !paths || !strings.Contains(text, "*") {
		return ""
	}
	return "reads like a path pattern, and this looks for it letter by letter; write touches(\"folder/**\"), which knows patterns"
}

// listed shows a closed set, shortened when it is long.
func listed(words []string) string {
	const most = 12
	if len(words) > most {
		return strings.Join(words[:most], ", ") + ", ..."
	}
	return strings.Join(words, ", ")
}

func (l *lowering) arithmetic(n *ast.BinaryNode, out *node) (*node, *Error) {
	a, b := out.args[0], out.args[1]
	if a.kind == Text && b.kind == Text && n.Operator == "+" {
		out.kind, out.run, out.size = Text, strict(joinText), a.size.plus(b.size)
		if out.size.perByte > 0 {
			return nil, l.errorf(n, "the element of a list cannot be joined to a text; compare it as it is")
		}
		if out.size.fixed > maxText {
			return nil, l.errorf(n, "the joined text could be longer than %d bytes", maxText)
		}
		return out, nil
	}
	if n.Operator != "*" {
		if err := l.sameUnit(n, out.args); err != nil {
			return nil, err
		}
		a, b = out.args[0], out.args[1]
		if n.Operator != "/" {
			out.unit = commonUnit(a, b)
		}
	}
	if (a.kind != Int && a.kind != Float) || (b.kind != Int && b.kind != Float) {
		return nil, l.errorf(n, "%q needs numbers, and these are %s and %s", n.Operator, a.kind, b.kind)
	}
	if divides := n.Operator == "/" || n.Operator == "%"; divides && b.fixed && b.value.Int == 0 && b.value.Float == 0 {
		return nil, l.errorf(n.Right, "a division by zero always fails")
	}
	if n.Operator == "%" {
		if a.kind != Int || b.kind != Int {
			return nil, l.errorf(n, "%q needs whole numbers", n.Operator)
		}
		out.kind, out.run = Int, strict(modInt)
		return out, nil
	}
	if a.kind == Int && b.kind == Int && n.Operator != "/" {
		out.kind = Int
		out.run = strict(map[string]func(*node, Value, Value) Value{"+": addInt, "-": subInt, "*": mulInt}[n.Operator])
		return out, nil
	}
	out.kind, out.args = Float, []*node{widened(a), widened(b)}
	out.run = strict(map[string]func(*node, Value, Value) Value{"+": addFloat, "-": subFloat, "*": mulFloat, "/": divFloat}[n.Operator])
	return out, nil
}

// widened is the operand as a decimal number.
func widened(n *node) *node {
	if n.kind == Float {
		return n
	}
	return &node{op: opCompute, name: "decimal", kind: Float, run: strict(toFloat), args: []*node{n}, fixed: n.fixed, cost: n.cost}
}

func (l *lowering) search(n *ast.BinaryNode, out *node) (*node, *Error) {
	for i, side := range []ast.Node{n.Left, n.Right} {
		if kind := out.args[i].kind; kind != Text {
			return nil, l.errorf(side, "%q works on texts, and this is %s%s", n.Operator, kind, listHint(kind))
		}
	}
	if b := out.args[1]; b.op == opConst && l.pattern(b.value.Text, out.args[0]) != "" {
		return nil, l.errorf(n.Right, "%q %s", b.value.Text, l.pattern(b.value.Text, out.args[0]))
	}
	if b := out.args[1]; b.fixed && b.value.Text == "" {
		return nil, l.errorf(n.Right, "every text %q the empty text, so this is always the same", n.Operator)
	}
	out.kind = Bool
	switch n.Operator {
	case "contains":
		out.op, out.run = opContains, strict(contains)
	case "startsWith":
		out.op, out.run = opStartsWith, strict(startsWith)
	default:
		out.op, out.run = opEndsWith, strict(endsWith)
	}
	return out, nil
}

func listHint(kind Type) string {
	if kind == List {
		return `; write "x" in list, or any(list, # ...)`
	}
	return ""
}

func (l *lowering) match(n *ast.BinaryNode) (*node, *Error) {
	a, err := l.lower(n.Left)
	if err != nil {
		return nil, err
	}
	if a.kind != Text {
		return nil, l.errorf(n.Left, "\"matches\" works on a text, and this is %s%s", a.kind, map[Type]string{List: "; write any(list, # matches \"...\")"}[a.kind])
	}
	literal, ok := n.Right.(*ast.StringNode)
	if !ok {
		return nil, l.errorf(n.Right, "\"matches\" needs a pattern in quotes")
	}
	if len(literal.Value) > maxPattern {
		return nil, l.errorf(n.Right, "the pattern is longer than %d bytes", maxPattern)
	}
	re, problem := compilePattern(literal.Value)
	if problem != "" {
		return nil, l.errorf(n.Right, "%s", problem)
	}
	if same := sameForAll(literal.Value); same != "" {
		return nil, l.errorf(n.Right, "%s", same)
	}
	perByte := float64(instructions(literal.Value)) * matchByte
	return &node{op: opMatches, kind: Bool, run: strict(matches), args: []*node{a}, re: re,
		cost: step.plus(a.cost).plus(a.size.times(perByte))}, nil
}

func (l *lowering) membership(n *ast.BinaryNode) (*node, *Error) {
	a, err := l.lower(n.Left)
	if err != nil {
		return nil, l.bareWord(err, n.Left, n.Right)
	}
	if literal, ok := n.Right.(*ast.ArrayNode); ok {
		return l.inLiteral(n, a, literal)
	}
	if set, is, err := l.set(n.Right); err != nil {
		return nil, err
	} else if is {
		return l.inSet(n, a, set)
	}
	b, err := l.lower(n.Right)
	if err != nil {
		return nil, err
	}
	if a.kind != Text || b.kind != List {
		return nil, l.errorf(n, "\"in\" looks for a text in a list, and these are %s and %s%s", a.kind, b.kind, listRemedy(n))
	}
	if err := l.words(n.Left, a, b); err != nil {
		return nil, err
	}
	fact := l.vocabulary.facts[b.fact]
	compares := step.plus(bound{perByte: compareByte}).over(fact.Items, fact.Bytes)
	return &node{op: opInList, kind: Bool, run: strict(inList), args: []*node{a, b}, cost: step.plus(a.cost).plus(b.cost).plus(compares)}, nil
}

func (l *lowering) inLiteral(n *ast.BinaryNode, a *node, literal *ast.ArrayNode) (*node, *Error) {
	if len(literal.Nodes) == 0 {
		return nil, l.errorf(n, "the list after \"in\" is empty, so nothing is ever in it")
	}
	if a.kind == Float {
		return nil, l.errorf(n.Left, "\"in\" looks for a text or a whole number, and this is a decimal number; write 1.5 <= x <= 2, or x == 1.5 or x == 2")
	}
	out := &node{op: opIn, kind: Bool, args: []*node{a}, cost: step.plus(a.cost).plus(bound{fixed: float64(len(literal.Nodes))})}
	for _, item := range literal.Nodes {
		low, err := l.lower(item)
		if err != nil {
			return nil, l.bareWord(err, item, n.Left)
		}
		if low.kind == quantity && a.kind != quantity {
			if low, err = l.settle(item, low, a); err != nil {
				return nil, err
			}
		}
		if !plainItem(item) || low.value.State != Present || low.kind != a.kind || (a.kind != Text && a.kind != Int) {
			return nil, l.errorf(item, "the list after \"in\" may hold only plain values of the type on the left, which is %s%s", a.kind, l.typeRemedy(n, a, low))
		}
		if err := l.words(item, low, a); err != nil {
			return nil, err
		}
		if err := l.inRange(item, low, a); err != nil {
			return nil, err
		}
		out.texts = append(out.texts, low.value.Text)
		out.ints = append(out.ints, low.value.Int)
	}
	out.run = strict(inTexts)
	if a.kind == Int {
		out.run = strict(inInts)
	}
	return out, nil
}

// plainItem reports whether an item of a list is written out, not computed.
func plainItem(item ast.Node) bool {
	switch item.(type) {
	case *ast.BinaryNode, *ast.BuiltinNode:
		return false
	}
	return true
}
