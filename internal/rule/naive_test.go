package rule

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// naive is the oracle: it walks expr's own tree, keeps every number as an exact
// fraction, evaluates both sides of everything and shares no code with the
// engine. It is written from doc.go and is slow on purpose.
type naive struct {
	vocabulary *Vocabulary
	facts      []Value
	element    string
	steps      int  // nodes visited, and items compared
	spoilt     bool // something read was not present, or something faulted
	lossy      bool // a comparison that expr's machine does through a rounded float
	vacuous    bool // "all" was asked over an empty list, where expr says true
}

// seen is a value of the oracle; num holds both kinds of number.
type seen struct {
	state State
	kind  Type
	truth bool
	num   *big.Rat
	text  string
	list  []string
}

var (
	exactLimit = big.NewRat(1<<53, 1)
	intLowest  = new(big.Rat).SetInt64(math.MinInt64)
	intHighest = new(big.Rat).SetInt64(math.MaxInt64)
)

// naiveVerdict parses and decides a source that the engine has accepted.
func naiveVerdict(v *Vocabulary, source string, facts []Value) (Verdict, *naive, error) {
	tree, err := parsed(v, source)
	if err != nil {
		return IsFault, nil, err
	}
	n := &naive{vocabulary: v, facts: facts}
	return n.decide(tree.Node), n, nil
}

func (n *naive) decide(root ast.Node) Verdict { return class(n.eval(root)) }

func class(s seen) Verdict {
	switch {
	case s.state == Faulty:
		return IsFault
	case s.state == Unknown:
		return IsUnknown
	case s.state == NotApplicable:
		return IsNotApplicable
	case s.truth:
		return IsTrue
	}
	return IsFalse
}

// strictest gives the first of order that any of the verdicts is.
func strictest(order []Verdict, all ...Verdict) Verdict {
	for _, o := range order {
		if slices.Contains(all, o) {
			return o
		}
	}
	panic("a verdict that no order names")
}

var (
	andOrder = []Verdict{IsFalse, IsFault, IsUnknown, IsNotApplicable, IsTrue}
	orOrder  = []Verdict{IsTrue, IsFault, IsUnknown, IsNotApplicable, IsFalse}
	worstOf  = []State{Faulty, Unknown, NotApplicable, Present}
)

func truth(b bool) seen { return seen{state: Present, kind: Bool, truth: b} }

func fromVerdict(v Verdict) seen {
	state := map[Verdict]State{IsFault: Faulty, IsUnknown: Unknown, IsNotApplicable: NotApplicable}
	if s, ok := state[v]; ok {
		return seen{state: s, kind: Bool}
	}
	return truth(v == IsTrue)
}

// spoil is the worst state of the operands, as a value of the given kind.
func spoil(kind Type, operands ...seen) (seen, bool) {
	for _, w := range worstOf {
		for _, o := range operands {
			if o.state == w {
				return seen{state: w, kind: kind}, w != Present
			}
		}
	}
	panic("no operand")
}

func (n *naive) faulty(kind Type) seen {
	n.spoilt = true
	return seen{state: Faulty, kind: kind}
}

// nameOf spells a chain of members with dots.
func nameOf(node ast.Node) string {
	if m, ok := node.(*ast.MemberNode); ok {
		return nameOf(m.Node) + "." + m.Property.(*ast.StringNode).Value
	}
	return node.(*ast.IdentifierNode).Value
}

func (n *naive) load(name string) seen {
	if set, ok := strings.CutPrefix(name, "sets."); ok {
		return seen{state: Present, kind: List, list: n.set(set)}
	}
	i, ok := n.vocabulary.Lookup(name)
	if !ok {
		panic("the engine accepted the fact " + name)
	}
	value, kind := n.facts[i], n.vocabulary.Fact(i).Type
	if value.State != Present {
		n.spoilt = true
		return seen{state: value.State, kind: kind}
	}
	s := seen{state: Present, kind: kind, truth: value.Bool, text: value.Text, list: value.List}
	switch {
	case kind == Float && (math.IsNaN(value.Float) || math.IsInf(value.Float, 0)):
		return n.faulty(kind) // INV-7: no such number enters a verdict
	case kind == Float:
		s.num = new(big.Rat).SetFloat64(value.Float)
	case kind == Int:
		s.num = new(big.Rat).SetInt64(value.Int)
	}
	return s
}

func (n *naive) set(name string) []string {
	for _, s := range n.vocabulary.sets {
		if s.Name == name {
			return s.Items
		}
	}
	panic("the engine accepted the set " + name)
}

func (n *naive) eval(node ast.Node) seen {
	n.steps++
	switch node := node.(type) {
	case *ast.BoolNode:
		return truth(node.Value)
	case *ast.IntegerNode:
		return seen{state: Present, kind: Int, num: new(big.Rat).SetInt64(int64(node.Value))}
	case *ast.FloatNode:
		return seen{state: Present, kind: Float, num: new(big.Rat).SetFloat64(node.Value)}
	case *ast.StringNode:
		return seen{state: Present, kind: Text, text: node.Value}
	case *ast.IdentifierNode, *ast.MemberNode:
		return n.load(nameOf(node))
	case *ast.PointerNode:
		return seen{state: Present, kind: Text, text: n.element}
	case *ast.UnaryNode:
		return n.unary(node)
	case *ast.BinaryNode:
		return n.binary(node)
	case *ast.ConditionalNode:
		return n.choose(node)
	case *ast.BuiltinNode:
		return n.function(node)
	case *ast.CallNode:
		return n.call(node)
	}
	panic(fmt.Sprintf("the engine accepted a %T", node))
}

func (n *naive) unary(node *ast.UnaryNode) seen {
	a := n.eval(node.Node)
	if bad, spoilt := spoil(a.kind, a); spoilt {
		return bad
	}
	if node.Operator == "-" {
		return n.number(a.kind, new(big.Rat).Neg(a.num))
	}
	return truth(!a.truth)
}

// number rounds an exact result to its kind, or faults.
func (n *naive) number(kind Type, exact *big.Rat) seen {
	if kind == Int {
		if exact.Cmp(intLowest) < 0 || exact.Cmp(intHighest) > 0 {
			return n.faulty(Int)
		}
		return seen{state: Present, kind: Int, num: exact}
	}
	f, _ := exact.Float64()
	if math.IsInf(f, 0) {
		return n.faulty(Float)
	}
	return seen{state: Present, kind: Float, num: new(big.Rat).SetFloat64(f)}
}

func (n *naive) choose(node *ast.ConditionalNode) seen {
	c := n.eval(node.Cond)
	if c.state == Present && c.truth {
		return n.eval(node.Exp1)
	}
	if c.state == Present {
		return n.eval(node.Exp2)
	}
	a, b := n.eval(node.Exp1), n.eval(node.Exp2)
	if a.state == Present && b.state == Present && n.same(a, b) {
		return a
	}
	bad, _ := spoil(a.kind, c, a, b)
	return bad
}

func (n *naive) same(a, b seen) bool {
	if a.num != nil {
		return a.num.Cmp(b.num) == 0
	}
	return a.truth == b.truth && a.text == b.text
}

func (n *naive) binary(node *ast.BinaryNode) seen {
	if literal, ok := node.Right.(*ast.ArrayNode); ok {
		return n.inLiteral(node, literal)
	}
	a, b := n.eval(node.Left), n.eval(node.Right)
	switch node.Operator {
	case "and", "&&":
		return fromVerdict(strictest(andOrder, class(a), class(b)))
	case "or", "||":
		return fromVerdict(strictest(orOrder, class(a), class(b)))
	case "+", "-", "*", "/", "%":
		return n.arithmetic(node.Operator, a, b)
	}
	if bad, spoilt := spoil(Bool, a, b); spoilt {
		return bad
	}
	switch node.Operator {
	case "==":
		return truth(n.order(a, b) == 0)
	case "!=":
		return truth(n.order(a, b) != 0)
	case "<":
		return truth(n.order(a, b) < 0)
	case "<=":
		return truth(n.order(a, b) <= 0)
	case ">":
		return truth(n.order(a, b) > 0)
	case ">=":
		return truth(n.order(a, b) >= 0)
	case "contains":
		return truth(strings.Contains(a.text, b.text))
	case "startsWith":
		return truth(len(a.text) >= len(b.text) && a.text[:len(b.text)] == b.text)
	case "endsWith":
		return truth(len(a.text) >= len(b.text) && a.text[len(a.text)-len(b.text):] == b.text)
	case "matches":
		return truth(naivePattern(b.text).MatchString(a.text))
	case "in":
		if _, set := strings.CutPrefix(nameOf(node.Right), "sets."); !set {
			n.steps += len(b.list)
		}
		return truth(slices.Contains(b.list, a.text))
	}
	panic("the engine accepted the operator " + node.Operator)
}

var naivePatterns = map[string]*regexp.Regexp{}

func naivePattern(source string) *regexp.Regexp {
	if naivePatterns[source] == nil {
		naivePatterns[source] = regexp.MustCompile(source)
	}
	return naivePatterns[source]
}

func (n *naive) inLiteral(node *ast.BinaryNode, literal *ast.ArrayNode) seen {
	a, found := n.eval(node.Left), false
	for _, item := range literal.Nodes {
		b := n.eval(item)
		found = found || a.state == Present && n.same(a, b)
	}
	if bad, spoilt := spoil(Bool, a); spoilt {
		return bad
	}
	return truth(found)
}

func (n *naive) order(a, b seen) int {
	switch {
	case a.num != nil:
		for _, s := range []seen{a, b} {
			n.lossy = n.lossy || a.kind != b.kind && s.kind == Int && new(big.Rat).Abs(s.num).Cmp(exactLimit) > 0
		}
		return a.num.Cmp(b.num)
	case a.text < b.text, !a.truth && b.truth:
		return -1
	case a.text > b.text, a.truth && !b.truth:
		return 1
	}
	return 0
}

// arithmetic rounds once, as IEEE 754 does; a whole number that no decimal
// holds exactly is a fault of that operand.
func (n *naive) arithmetic(operator string, a, b seen) seen {
	if a.kind == Text {
		bad, spoilt := spoil(Text, a, b)
		if spoilt {
			return bad
		}
		return seen{state: Present, kind: Text, text: a.text + b.text}
	}
	kind := Int
	if a.kind == Float || b.kind == Float || operator == "/" {
		kind = Float
		a, b = n.widen(a), n.widen(b)
	}
	if bad, spoilt := spoil(kind, a, b); spoilt {
		return bad
	}
	if (operator == "/" || operator == "%") && b.num.Sign() == 0 {
		return n.faulty(kind)
	}
	switch out := new(big.Rat); operator {
	case "+":
		return n.number(kind, out.Add(a.num, b.num))
	case "-":
		return n.number(kind, out.Sub(a.num, b.num))
	case "*":
		return n.number(kind, out.Mul(a.num, b.num))
	case "/":
		return n.number(kind, out.Quo(a.num, b.num))
	}
	return n.number(kind, new(big.Rat).SetInt(new(big.Int).Rem(a.num.Num(), b.num.Num())))
}

func (n *naive) widen(a seen) seen {
	if a.kind == Int && a.state == Present && new(big.Rat).Abs(a.num).Cmp(exactLimit) > 0 {
		return n.faulty(Float)
	}
	a.kind = Float
	return a
}

func (n *naive) function(node *ast.BuiltinNode) seen {
	if p, ok := node.Arguments[len(node.Arguments)-1].(*ast.PredicateNode); ok {
		return n.loop(node.Name, n.eval(node.Arguments[0]), p.Node)
	}
	args := make([]seen, 0, 4)
	for _, a := range node.Arguments {
		args = append(args, n.eval(a))
	}
	a := args[0]
	kind := a.kind
	if node.Name == "len" {
		kind = Int
	}
	if bad, spoilt := spoil(kind, args...); spoilt {
		return bad
	}
	switch node.Name {
	case "abs":
		return n.number(kind, new(big.Rat).Abs(a.num))
	case "len":
		return n.number(Int, new(big.Rat).SetInt64(int64(len([]rune(a.text))+len(a.list))))
	case "lower":
		a.text = strings.ToLower(a.text)
	case "upper":
		a.text = strings.ToUpper(a.text)
	case "trim":
		a.text = strings.TrimSpace(a.text)
	case "min", "max":
		for _, b := range args[1:] {
			if c := b.num.Cmp(a.num); node.Name == "min" && c < 0 || node.Name == "max" && c > 0 {
				a = b
			}
		}
	default:
		panic("the engine accepted the function " + node.Name)
	}
	return a
}

func (n *naive) loop(name string, list seen, predicate ast.Node) seen {
	kind := Bool
	if name == "count" {
		kind = Int
	}
	if bad, spoilt := spoil(kind, list); spoilt {
		return bad
	}
	outer, all, states, trues := n.element, []Verdict{}, []seen{truth(true)}, int64(0)
	for _, e := range list.list {
		n.element = e
		s := n.eval(predicate)
		all, states = append(all, class(s)), append(states, s)
		if class(s) == IsTrue {
			trues++
		}
	}
	n.element = outer
	switch name {
	case "any":
		return fromVerdict(strictest(orOrder, append(all, IsFalse)...))
	case "none":
		s := fromVerdict(strictest(orOrder, append(all, IsFalse)...))
		s.truth = !s.truth
		return s
	case "all":
		if len(list.list) == 0 {
			n.vacuous = true
			return fromVerdict(IsUnknown)
		}
		return fromVerdict(strictest(andOrder, append(all, IsTrue)...))
	}
	if bad, spoilt := spoil(kind, states...); spoilt {
		return bad
	}
	if name == "one" {
		return truth(trues == 1)
	}
	return n.number(Int, new(big.Rat).SetInt64(trues))
}

func (n *naive) call(node *ast.CallNode) seen {
	if node.Callee.(*ast.IdentifierNode).Value == "known" {
		s := n.load(nameOf(node.Arguments[0]))
		if s.state == Faulty {
			s.kind = Bool
			return s
		}
		return truth(s.state == Present)
	}
	list := n.load("change.paths")
	if bad, spoilt := spoil(Bool, list); spoilt {
		return bad
	}
	found := false
	for _, a := range node.Arguments {
		globs := []string{}
		if text, ok := a.(*ast.StringNode); ok {
			globs = append(globs, text.Value)
		} else {
			globs = n.load(nameOf(a)).list
		}
		for _, glob := range globs {
			for _, path := range list.list {
				n.steps++
				found = found || naiveGlob(strings.Split(glob, "/"), strings.Split(path, "/"))
			}
		}
	}
	return truth(found)
}

// naiveGlob matches whole names; "**" takes any number of them that are
// something together, as the last name at least one.
func naiveGlob(glob, names []string) bool {
	if len(glob) == 0 || len(names) == 0 {
		return len(glob) == 0 && len(names) == 0
	}
	if glob[0] != "**" {
		return naiveName([]rune(glob[0]), []rune(names[0])) && naiveGlob(glob[1:], names[1:])
	}
	if len(glob) == 1 {
		return strings.Join(names, "/") != ""
	}
	for k := range names {
		if k == 0 || strings.Join(names[:k], "/") != "" {
			if naiveGlob(glob[1:], names[k:]) {
				return true
			}
		}
	}
	return false
}

func naiveName(glob, name []rune) bool {
	switch {
	case len(glob) == 0:
		return len(name) == 0
	case glob[0] == '*':
		return naiveName(glob[1:], name) || len(name) > 0 && naiveName(glob, name[1:])
	}
	return len(name) > 0 && (glob[0] == '?' || glob[0] == name[0]) && naiveName(glob[1:], name[1:])
}
