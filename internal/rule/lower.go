package rule

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"

	"github.com/changelane/changelane/internal/nearest"
)

// lowering turns expr's tree into nodes. It is an allow-list: a kind of node,
// an operator or a function that it does not name is refused.
type lowering struct {
	vocabulary *Vocabulary
	source     string
	reads      map[int]bool
	asks       map[int]bool
	loops      []*node // the lists of the loops around, innermost last
	nodes      int     // lowered so far; a chain such as 0 < x < 9 lowers x twice
}

func (l *lowering) errorf(at ast.Node, format string, args ...any) *Error {
	for member, ok := at.(*ast.MemberNode); ok; member, ok = at.(*ast.MemberNode) {
		at = member.Node // a name is where it begins
	}
	line, column := position(l.source, at.Location().From)
	return &Error{line, column, fmt.Sprintf(format, args...)}
}

// condition lowers an expression that must be true or false.
func (l *lowering) condition(n ast.Node) (*node, *Error) {
	low, err := l.lower(n)
	if err != nil {
		return nil, err
	}
	if low.kind != Bool {
		return nil, l.errorf(n, "this is %s; a condition that is true or false is expected, such as a comparison", low.kind)
	}
	return low, l.varies(n, low)
}

// varies refuses a condition that reads no fact: it is always the same, which
// makes the rest of the rule say less, or more, than it seems to (INV-9).
func (l *lowering) varies(n ast.Node, low *node) *Error {
	if low.fixed {
		return l.errorf(n, "this part reads no fact, so it is always the same; leave it out")
	}
	return nil
}

func (l *lowering) lower(n ast.Node) (*node, *Error) {
	if l.nodes++; l.nodes > maxNodes {
		return nil, l.errorf(n, "the expression has more than %d parts; split it into several rules", maxNodes)
	}
	low, err := l.part(n)
	if err != nil {
		return nil, err
	}
	if len(low.args) > 0 {
		low.fixed = !slices.ContainsFunc(low.args, func(arg *node) bool { return !arg.fixed })
	}
	return l.folded(n, low)
}

// folded computes a part that reads nothing, such as 60 * 24, so that what looks
// at constants looks at its outcome: a word that can never be, a limit out of
// range. One that fails would fail for every change.
func (l *lowering) folded(at ast.Node, n *node) (*node, *Error) {
	if !n.fixed || n.op == opConst {
		return n, nil
	}
	v := n.eval(&frame{})
	if v.State == Faulty {
		return nil, l.errorf(at, "this part always fails: %s; write the number that is meant", v.Text)
	}
	out := constant(n.kind, v)
	out.unit, out.cost = n.unit, n.cost
	return out, nil
}

func (l *lowering) part(n ast.Node) (*node, *Error) {
	switch n := n.(type) {
	case *ast.BoolNode:
		return constant(Bool, BoolValue(n.Value)), nil
	case *ast.IntegerNode:
		return constant(Int, IntValue(int64(n.Value))), nil
	case *ast.FloatNode:
		return constant(Float, FloatValue(n.Value)), nil
	case *ast.StringNode:
		return l.literal(n)
	case *ast.IdentifierNode, *ast.MemberNode:
		return l.read(n)
	case *ast.PointerNode:
		return l.element(n)
	case *ast.UnaryNode:
		return l.unary(n)
	case *ast.BinaryNode:
		return l.binary(n)
	case *ast.ConditionalNode:
		return l.choice(n)
	case *ast.BuiltinNode:
		return l.builtin(n)
	case *ast.CallNode:
		return l.call(n)
	}
	return nil, l.errorf(n, "%s is not part of the language", construct(n))
}

// construct names what a person wrote, for a refusal.
func construct(n ast.Node) string {
	switch n.(type) {
	case *ast.NilNode:
		return "nil, which no fact ever is (ask known(fact) instead),"
	case *ast.ArrayNode:
		return "a list outside of \"x in [...]\""
	case *ast.MapNode:
		return "a map"
	case *ast.SliceNode:
		return "a slice"
	}
	return "this construct"
}

// literal refuses texts that no fact can hold: an escape of half a character
// or of one that does not exist.
func (l *lowering) literal(n *ast.StringNode) (*node, *Error) {
	if !utf8.ValidString(n.Value) || strings.ContainsRune(n.Value, utf8.RuneError) {
		return nil, l.errorf(n, "the text holds an escape that is no character")
	}
	return constant(Text, TextValue(n.Value)), nil
}

func constant(kind Type, v Value) *node {
	return &node{op: opConst, kind: kind, run: runConst, value: v, fixed: true, cost: step, size: bound{fixed: float64(len(v.Text))}}
}

func (l *lowering) read(n ast.Node) (*node, *Error) {
	name, ok := dotted(n)
	if !ok {
		return nil, l.errorf(n, "only facts have members, and a member is named by a dot, such as service.tier")
	}
	i, ok := l.vocabulary.Lookup(name)
	switch {
	case ok:
	case namesSet(name):
		return nil, l.errorf(n, "a set stands on the right of \"in\", or in touches()")
	case slices.Contains(l.vocabulary.groups, name):
		return nil, l.errorf(n, "%q is a group of facts; name one of them, such as %s", name, l.memberOf(name))
	default:
		return nil, l.errorf(n, "no fact is named %q%s", name, l.vocabulary.Hint(name))
	}
	l.reads[i] = true
	f := l.vocabulary.facts[i]
	return &node{op: opFact, kind: f.Type, run: runFact, fact: i, words: f.Words, lies: f.Range, unit: l.vocabulary.Unit(i), cost: step, size: bound{fixed: float64(f.Bytes)}}, nil
}

func (l *lowering) memberOf(group string) string {
	for _, name := range l.vocabulary.names {
		if strings.HasPrefix(name, group+".") {
			return name
		}
	}
	return group
}

// dotted spells a chain of plain member accesses.
func dotted(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.MemberNode:
		property, plain := n.Property.(*ast.StringNode)
		base, ok := dotted(n.Node)
		if !plain || !ok || n.Optional || n.Method {
			return "", false
		}
		return base + "." + property.Value, true
	}
	return "", false
}

func (l *lowering) element(n *ast.PointerNode) (*node, *Error) {
	if n.Name != "" {
		return nil, l.errorf(n, "#%s is not part of the language; # is the element", n.Name)
	}
	if len(l.loops) == 0 {
		return nil, l.errorf(n, "# is the element of a loop, and there is no loop around it")
	}
	list := l.loops[len(l.loops)-1]
	return &node{op: opElement, kind: Text, run: runElement, fact: list.fact, words: list.words, cost: step, size: bound{perByte: 1}}, nil
}

func (l *lowering) unary(n *ast.UnaryNode) (*node, *Error) {
	arg, err := l.lower(n.Node)
	if err != nil {
		return nil, err
	}
	out := &node{op: opCompute, name: n.Operator, kind: arg.kind, unit: arg.unit, args: []*node{arg}, cost: arg.cost.plus(step)}
	switch {
	case (n.Operator == "not" || n.Operator == "!") && arg.kind == Bool:
		out.op, out.run = opNot, runNot
		return out, l.varies(n.Node, arg)
	case n.Operator == "not" || n.Operator == "!":
		return nil, l.errorf(n, "%q needs a condition that is true or false, and this is %s; \"not\" binds tighter than a comparison, so write not (a == b), or a not in [...]", n.Operator, arg.kind)
	case n.Operator == "-" && arg.kind == Int:
		out.run = strict(negInt)
	case n.Operator == "-" && arg.kind == Float:
		out.run = strict(negFloat)
	case n.Operator == "-" && arg.kind == quantity:
		arg.amount = new(big.Rat).Neg(arg.amount)
		return arg, nil
	default:
		return nil, l.errorf(n, "%q cannot stand before %s", n.Operator, arg.kind)
	}
	return out, nil
}

func (l *lowering) choice(n *ast.ConditionalNode) (*node, *Error) {
	if !n.Ternary || n.Cond == n.Exp1 {
		return nil, l.errorf(n.Cond, "a choice is written: condition ? one : other")
	}
	condition, err := l.condition(n.Cond)
	if err != nil {
		return nil, err
	}
	a, err := l.lower(n.Exp1)
	if err != nil {
		return nil, err
	}
	b, err := l.lower(n.Exp2)
	if err != nil {
		return nil, err
	}
	args := []*node{condition, a, b}
	if err := l.sameUnit(n.Cond, args[1:]); err != nil {
		return nil, err
	}
	a, b = args[1], args[2]
	if a.kind != b.kind || a.kind == List {
		return nil, l.errorf(n.Cond, "both outcomes of a choice must be of one type, and they are %s and %s%s", a.kind, b.kind, decimalHint(a, b))
	}
	if a.fixed && b.fixed && a.value.Bool == b.value.Bool && a.kind == Bool {
		return nil, l.errorf(n.Cond, "both outcomes of this choice are the same, so it is always the same; leave it out")
	}
	return &node{op: opChoice, kind: a.kind, run: runChoice, words: eitherWord(a, b), unit: commonUnit(a, b), args: args,
		cost: step.plus(condition.cost).plus(a.cost).plus(b.cost), size: a.size.plus(b.size)}, nil
}

// eitherWord is the closed set of what one of two texts can be, where they are
// words: of closed sets that are not long, or one of them written out.
func eitherWord(a, b *node) []string {
	const most = 500 // choices can stand within choices
	if a.words == nil {
		a, b = b, a
	}
	switch {
	case len(a.words)+len(b.words) > most:
		return nil
	case a.words != nil && b.words != nil:
		return slices.Concat(a.words, b.words)
	case a.words != nil && b.op == opConst:
		return append(slices.Clip(a.words), b.value.Text)
	}
	return nil
}

// builtins are the functions of expr that the language keeps.
var builtins = []string{"abs", "all", "any", "bytes", "count", "days", "gib", "hours", "kib", "known", "len", "lower", "max", "mib", "min",
	"minutes", "none", "one", "seconds", "touches", "trim", "upper", "weeks"}

func (l *lowering) builtin(n *ast.BuiltinNode) (*node, *Error) {
	switch n.Name {
	case "any", "all", "none", "one", "count":
		return l.loop(n)
	case "len", "lower", "upper", "trim", "abs":
		return l.function1(n)
	case "min", "max":
		return l.extreme(n)
	}
	return nil, l.unknownFunction(n, n.Name)
}

func (l *lowering) unknownFunction(n ast.Node, name string) *Error {
	hint := foreignFunctions[name]
	if hint == "" {
		hint = nearest.Hint(name, builtins)
	}
	return l.errorf(n, "%s() is not part of the language%s (there are %s)", name, hint, strings.Join(builtins, ", "))
}

func (l *lowering) loop(n *ast.BuiltinNode) (*node, *Error) {
	if len(n.Arguments) != 2 {
		return nil, l.errorf(n, "%s() needs a list and a condition, such as %s(change.paths, # startsWith \"db/\")", n.Name, n.Name)
	}
	list, err := l.lower(n.Arguments[0])
	if err != nil {
		return nil, err
	}
	if list.kind != List {
		return nil, l.errorf(n.Arguments[0], "%s() goes over a list, and this is %s", n.Name, list.kind)
	}
	if len(l.loops) >= maxLoops {
		return nil, l.errorf(n, "loops may be nested %d deep at most", maxLoops)
	}
	predicate, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return nil, l.errorf(n, "%s() needs a condition over the elements", n.Name)
	}
	l.loops = append(l.loops, list)
	inner, err := l.condition(predicate.Node)
	l.loops = l.loops[:len(l.loops)-1]
	if err != nil {
		return nil, err
	}
	fact := l.vocabulary.facts[list.fact]
	out := &node{kind: Bool, args: []*node{list, inner}, cost: step.plus(list.cost).plus(inner.cost.over(fact.Items, fact.Bytes))}
	switch n.Name {
	case "any":
		out.op, out.run = opAny, runAny
	case "all":
		out.op, out.run = opAll, runAll
	case "none":
		out.op, out.run = opNone, runNone
	case "one":
		out.op, out.run = opOne, runOne
	default:
		out.op, out.kind, out.run = opCount, Int, runCount
	}
	return out, nil
}

func (l *lowering) function1(n *ast.BuiltinNode) (*node, *Error) {
	if len(n.Arguments) != 1 {
		return nil, l.errorf(n, "%s() needs one argument", n.Name)
	}
	arg, err := l.lower(n.Arguments[0])
	if err != nil {
		return nil, err
	}
	out := &node{op: opCompute, name: n.Name, kind: arg.kind, unit: arg.unit, args: []*node{arg}, size: arg.size.times(3), cost: step.plus(arg.cost).plus(arg.size.times(compareByte))}
	switch {
	case n.Name == "len" && arg.kind == Text:
		out.kind, out.run = Int, strict(lenText)
	case n.Name == "len" && arg.kind == List:
		out.kind, out.run = Int, strict(lenList)
	case n.Name == "lower" && arg.kind == Text:
		out.run = strict(lowerText)
	case n.Name == "upper" && arg.kind == Text:
		out.run = strict(upperText)
	case n.Name == "trim" && arg.kind == Text:
		out.run = strict(trimText)
	case n.Name == "abs" && arg.kind == Int:
		out.run = strict(absInt)
	case n.Name == "abs" && arg.kind == Float:
		out.run = strict(absFloat)
	default:
		return nil, l.errorf(n.Arguments[0], "%s() cannot take %s", n.Name, arg.kind)
	}
	return out, nil
}

// extreme folds min and max over two or more numbers of one type.
func (l *lowering) extreme(n *ast.BuiltinNode) (*node, *Error) {
	if len(n.Arguments) < 2 {
		return nil, l.errorf(n, "%s() needs two numbers or more", n.Name)
	}
	var out *node
	for _, a := range n.Arguments {
		arg, err := l.lower(a)
		if err != nil {
			return nil, err
		}
		if arg.kind != Int && arg.kind != Float && arg.kind != quantity {
			return nil, l.errorf(a, "%s() takes numbers, and this is %s", n.Name, arg.kind)
		}
		if out == nil {
			out = arg
		} else if out, err = l.further(a, n.Name, out, arg); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// further is the smaller, or the larger, of two numbers.
func (l *lowering) further(at ast.Node, name string, a, b *node) (*node, *Error) {
	args := []*node{a, b}
	if err := l.sameUnit(at, args); err != nil {
		return nil, err
	}
	a, b = args[0], args[1]
	if a.kind != b.kind {
		return nil, l.errorf(at, "%s() takes numbers of one type, and these are %s and %s%s", name, a.kind, b.kind, decimalHint(a, b))
	}
	order := orderInt
	if a.kind == Float {
		order = orderFloat
	}
	run := strict(smallest(order))
	if name == "max" {
		run = strict(largest(order))
	}
	return &node{op: opCompute, name: name, kind: a.kind, unit: commonUnit(a, b), run: run, args: args, fixed: a.fixed && b.fixed, cost: step.plus(a.cost).plus(b.cost)}, nil
}

func (l *lowering) call(n *ast.CallNode) (*node, *Error) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	switch {
	case !ok:
		return nil, l.errorf(n, "facts have no methods")
	case callee.Value == "known":
		return l.known(n)
	case callee.Value == "touches":
		return l.touches(n)
	}
	if u, ok := unitNamed(callee.Value); ok {
		return l.quantity(n, u)
	}
	return nil, l.unknownFunction(n, callee.Value)
}

func (l *lowering) known(n *ast.CallNode) (*node, *Error) {
	name, ok := "", false
	if len(n.Arguments) == 1 {
		name, ok = dotted(n.Arguments[0])
	}
	if !ok {
		return nil, l.errorf(n, "known() needs the name of one fact, such as known(evidence.smoke)")
	}
	i, ok := l.vocabulary.Lookup(name)
	if !ok {
		return nil, l.errorf(n.Arguments[0], "no fact is named %q%s", name, l.vocabulary.Hint(name))
	}
	l.asks[i] = true
	return &node{op: opKnown, kind: Bool, run: runKnown, fact: i, cost: step}, nil
}

func (l *lowering) touches(n *ast.CallNode) (*node, *Error) {
	if l.vocabulary.paths < 0 {
		return nil, l.errorf(n, "touches() has no paths to look at here")
	}
	if len(n.Arguments) == 0 {
		return nil, l.errorf(n, "touches() needs one path pattern or more, such as touches(\"migrations/**\")")
	}
	out := &node{op: opTouches, kind: Bool, run: runTouches, fact: l.vocabulary.paths, cost: step}
	for _, a := range n.Arguments {
		if set, is, err := l.set(a); err != nil {
			return nil, err
		} else if is {
			if err := l.globSet(a, set, out); err != nil {
				return nil, err
			}
			continue
		}
		text, ok := a.(*ast.StringNode)
		if !ok {
			return nil, l.errorf(a, "touches() takes path patterns in quotes, and sets of them")
		}
		if problem := l.addGlob(text.Value, out); problem != "" {
			return nil, l.errorf(a, "%s", problem)
		}
	}
	l.reads[l.vocabulary.paths] = true
	return out, nil
}

// addGlob adds a path pattern to touches(); the result says what is wrong with
// it.
func (l *lowering) addGlob(pattern string, out *node) string {
	glob, problem := compileGlob(pattern)
	if problem != "" {
		return problem
	}
	fact := l.vocabulary.facts[out.fact]
	out.globs, out.texts = append(out.globs, glob), append(out.texts, pattern)
	out.cost = out.cost.plus(glob.cost().over(fact.Items, fact.Bytes))
	return ""
}
