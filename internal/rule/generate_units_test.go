package rule

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// measuredFacts are the facts of the trial vocabulary that have a unit.
var measuredFacts = []Fact{
	{Name: "change.lead_hours", Type: Float},
	{Name: "change.outage_minutes", Type: Int},
	{Name: "change.size_bytes", Type: Int},
	{Name: "history.days_since_change", Type: Float},
}

// trialSets are those of the trial vocabulary: words of a closed set, texts, path
// patterns, and one that no condition could write out.
func trialSets() []NamedSet {
	services := []string{"Fix it", "src/main.go"}
	for i := range 400 {
		services = append(services, "service-"+strconv.Itoa(i))
	}
	return []NamedSet{
		{Name: "kinds", Items: []string{"code", "data"}},
		{Name: "colours", Items: []string{"green", "red"}},
		{Name: "titles", Items: []string{"fix", "Fix it", "a", "README.md"}},
		{Name: "schema_paths", Items: []string{"db/**", "**/d.go"}},
		{Name: "services", Items: services},
	}
}

// measure is what a unit is to the oracles; they share no table with the engine.
type measure struct {
	dimension string
	size      int64
}

var measures = map[string]measure{
	"seconds": {"time", 1}, "minutes": {"time", 60}, "hours": {"time", 3600}, "days": {"time", 86400}, "weeks": {"time", 604800},
	"bytes": {"size", 1}, "kib": {"size", 1024}, "mib": {"size", 1048576}, "gib": {"size", 1073741824},
}

// unitWord is the word of the unit that a name of the trial vocabulary has.
func unitWord(name string) string {
	for word := range measures {
		if strings.HasSuffix(name, "_"+word) || strings.Contains(name, "."+word+"_since_") {
			return word
		}
	}
	return ""
}

// settler puts plain numbers in the place of quantities, in a tree of expr's.
type settler struct{ vocabulary *Vocabulary }

// parsed is the tree of a source that the engine accepts, with plain numbers.
func parsed(v *Vocabulary, source string) (*parser.Tree, error) {
	tree, err := parser.Parse(source)
	if err == nil {
		ast.Walk(&tree.Node, settler{v})
	}
	return tree, err
}

// Visit settles the quantities among the operands of a node; expr visits what
// is inside first.
func (s settler) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if list, ok := n.Right.(*ast.ArrayNode); ok {
			for i := range list.Nodes {
				s.beside(&list.Nodes[i], n.Left)
			}
			return
		}
		s.beside(&n.Left, n.Right)
		s.beside(&n.Right, n.Left)
	case *ast.ConditionalNode:
		s.beside(&n.Exp1, n.Exp2)
		s.beside(&n.Exp2, n.Exp1)
	case *ast.BuiltinNode:
		if n.Name == "min" || n.Name == "max" {
			for i := range n.Arguments {
				for _, other := range n.Arguments {
					s.beside(&n.Arguments[i], other)
				}
			}
		}
	}
}

// writtenOut is how many of the smallest unit a node writes out; nil where it
// writes none.
func writtenOut(n ast.Node) (*big.Rat, string) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if amount, dimension := writtenOut(n.Node); amount != nil && n.Operator == "-" {
			return amount.Neg(amount), dimension
		}
	case *ast.CallNode:
		callee, _ := n.Callee.(*ast.IdentifierNode)
		if m, ok := measures[callee.Value]; ok {
			return new(big.Rat).Mul(plainNumber(n.Arguments[0]), big.NewRat(m.size, 1)), m.dimension
		}
	}
	return nil, ""
}

func plainNumber(n ast.Node) *big.Rat {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return big.NewRat(int64(n.Value), 1)
	case *ast.FloatNode:
		r, _ := new(big.Rat).SetString(strconv.FormatFloat(n.Value, 'f', -1, 64))
		return r
	}
	r := plainNumber(n.(*ast.UnaryNode).Node)
	return r.Neg(r)
}

func (s settler) beside(node *ast.Node, other ast.Node) {
	amount, dimension := writtenOut(*node)
	word, decimal := s.unit(other)
	if amount == nil || measures[word].dimension != dimension {
		return
	}
	amount.Quo(amount, big.NewRat(measures[word].size, 1))
	if amount.IsInt() && amount.Num().IsInt64() && !decimal {
		ast.Patch(node, &ast.IntegerNode{Value: int(amount.Num().Int64())})
		return
	}
	nearest, _ := amount.Float64()
	ast.Patch(node, &ast.FloatNode{Value: nearest})
}

// unit is the word of the unit of a number, and whether it is a decimal one.
func (s settler) unit(n ast.Node) (word string, decimal bool) {
	var parts []ast.Node
	switch n := n.(type) {
	case *ast.FloatNode:
		return "", true
	case *ast.MemberNode, *ast.IdentifierNode:
		name := nameOf(n)
		if i, ok := s.vocabulary.Lookup(name); ok {
			return unitWord(name), s.vocabulary.Fact(i).Type == Float
		}
	case *ast.UnaryNode:
		parts = []ast.Node{n.Node}
	case *ast.ConditionalNode:
		parts = []ast.Node{n.Exp1, n.Exp2}
	case *ast.BinaryNode:
		if parts = []ast.Node{n.Left, n.Right}; n.Operator == "/" || n.Operator == "*" {
			return "", true
		}
	case *ast.BuiltinNode:
		if n.Name == "abs" || n.Name == "min" || n.Name == "max" {
			parts = n.Arguments
		}
	}
	for _, p := range parts {
		w, d := s.unit(p)
		if word, decimal = word+w, decimal || d; w != "" {
			word = w
		}
	}
	return word, decimal
}

// quantity writes a duration or a size that is whole in the unit of a fact, and
// remembers what it is there.
func (g *generator) quantity(f Fact) part {
	own := measures[unitWord(f.Name)]
	words := map[string][]string{"minutes": {"minutes", "hours", "days", "weeks"}, "bytes": {"bytes", "kib", "mib", "gib"}}[unitWord(f.Name)]
	if f.Type == Float {
		words = []string{"seconds", "minutes", "hours", "days", "weeks"}
	}
	word, n := g.use(pick(g, words...)), g.IntN(100)
	text := strconv.Itoa(n)
	value := new(big.Rat).Mul(big.NewRat(int64(n), 1), big.NewRat(measures[word].size, own.size))
	if f.Type == Float && g.one(4) {
		text += ".5"
		value.Add(value, big.NewRat(measures[word].size, 2*own.size))
	}
	if f.Type == Int {
		g.ints = append(g.ints, value.Num().Int64())
	} else {
		near, _ := value.Float64()
		g.floats = append(g.floats, near)
	}
	if g.one(8) {
		return part{"-" + word + "(" + text + ")", bindMinus}
	}
	return part{word + "(" + text + ")", bindAtom}
}

// measured is a number in the unit of a fact, of its type.
func (g *generator) measured(depth int, f Fact) part {
	fact := part{f.Name, bindAtom}
	if depth <= 0 {
		return fact
	}
	switch g.IntN(6) {
	case 0:
		return g.infix(g.measured(depth-1, f), pick(g, "+", "-"), g.quantity(f), bindAdd)
	case 1:
		return g.infix(g.quantity(f), pick(g, "+", "-"), g.measured(depth-1, f), bindAdd)
	case 2:
		return part{g.use(pick(g, "min", "max")) + "(" + g.quantity(f).text + ", " + g.measured(depth-1, f).text + ")", bindAtom}
	case 3:
		return g.choose(depth, func(d int) part { return pick(g, g.quantity(f), g.measured(d, f)) })
	case 4:
		if f.Type == Int {
			return g.infix(fact, "%", g.quantity(f), bindMul)
		}
		return part{g.use("abs") + "(" + g.measured(depth-1, f).text + ")", bindAtom}
	}
	return fact
}

// span compares a number that has a unit with one that is written out.
func (g *generator) span(depth int) part {
	f := pick(g, measuredFacts...)
	number := g.measured(depth-1, f)
	switch g.IntN(6) {
	case 0:
		return g.infix(g.quantity(f), g.sign(), number, bindCompare)
	case 1:
		g.use("chain")
		text := g.quantity(f).text + " " + g.use("<") + " " + g.at(number, bindCompare+1) + " " + g.use("<=") + " " + g.quantity(f).text
		return part{text, bindCompare}
	case 2:
		return g.infix(g.infix(number, "/", g.quantity(f), bindMul), g.sign(), g.constant(pick(g, Int, Float)), bindCompare)
	case 3:
		if f.Type == Int {
			return g.infix(number, pick(g, "in", "not in"), part{"[" + g.quantity(f).text + ", " + g.constant(Int).text + "]", bindAtom}, bindCompare)
		}
	}
	return g.infix(number, g.sign(), g.quantity(f), bindCompare)
}

// inSet looks something up in a named set.
func (g *generator) inSet(depth int) part {
	set := func(name string) part { return part{g.use("sets") + "." + name, bindAtom} }
	in := pick(g, "in", "not in")
	if n := len(g.loops); n > 0 && g.one(2) {
		name := pick(g, "titles", "services")
		if g.loops[n-1] == "change.tags" {
			name = "colours"
		}
		return g.infix(part{g.use("#"), bindAtom}, in, set(name), bindCompare)
	}
	switch g.IntN(4) {
	case 0:
		return g.infix(part{"change.kind", bindAtom}, in, set("kinds"), bindCompare)
	case 1:
		also := pick(g, "", `, "src/*"`, ", "+set("schema_paths").text)
		return part{g.use("touches") + "(" + set("schema_paths").text + also + ")", bindAtom}
	}
	return g.infix(g.words(depth-1), in, set(pick(g, "titles", "services")), bindCompare)
}
