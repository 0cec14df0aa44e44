package rule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser/lexer"
)

// Mutant is a condition with one small change, as a slip of the pen would make
// it. Tests that do not tell the two apart do not show that part of the
// condition (mutation testing; DeMillo, Lipton and Sayward, 1978).
type Mutant struct {
	Kind         Mutation
	Line, Column int    // of the change, within the source
	Was, Is      string // the text that was changed, and what it was changed to; "" is nothing
	Source       string // the whole condition after the change
	Told         Told
}

// Mutation is a kind of change.
type Mutation string

// The kinds of changes.
const (
	Flipped    Mutation = "comparison" // > to >= and to <, == to !=, ...
	Dropped    Mutation = "dropped"    // one side of "and" or "or", one element of a list
	Joined     Mutation = "and/or"     // "and" to "or", and back
	Negated    Mutation = "negated"
	Shifted    Mutation = "threshold" // one step up or down: 1, or the last digit of a decimal
	Swapped    Mutation = "word"      // for the next one in its closed set
	Quantified Mutation = "any/all"
)

// Mutants are the mutants of a condition that compile, in the order of the
// text, each once; nil for a source that does not compile.
func Mutants(v *Vocabulary, source string) []Mutant {
	w := read(v, source)
	if w == nil {
		return nil
	}
	m := &mutating{manuscript: w}
	m.node(w.root, nil)
	slices.SortStableFunc(m.out, func(a, b mutant) int { return a.at - b.at })
	original, err := Compile(v, source)
	if err != nil {
		return nil
	}
	var out []Mutant
	tries := triesFor(original, len(m.out))
	for _, one := range m.out {
		mutated, err := Compile(v, one.Source)
		if err != nil || slices.ContainsFunc(out, func(o Mutant) bool { return o.Source == one.Source }) {
			continue
		}
		one.Told = tell(v, original, mutated, tries)
		out = append(out, one.Mutant)
	}
	return out
}

// mutant is one in the making, with the token that it is about.
type mutant struct {
	Mutant
	at int
}

type mutating struct {
	*manuscript
	out []mutant
}

// change adds a mutant that has another text in the place of a span; about is
// what it tells of that.
func (m *mutating) change(kind Mutation, s span, text string, about span, is string) {
	line, column := m.place(about)
	m.out = append(m.out, mutant{Mutant{Kind: kind, Line: line, Column: column, Was: m.text(about), Is: is, Source: m.with(s, text)}, about.from})
}

// swap puts another text in the place of a token.
func (m *mutating) swap(kind Mutation, token int, text string) {
	s := span{token, token + 1}
	m.change(kind, s, text, s, text)
}

// node looks at a node; words is the closed set that the element of the loop
// around is from.
func (m *mutating) node(n ast.Node, element []string) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		m.binary(n, element)
		m.node(n.Left, element)
		m.node(n.Right, element)
		return
	case *ast.UnaryNode:
		m.unary(n)
		m.node(n.Node, element)
		return
	case *ast.IntegerNode, *ast.FloatNode:
		m.number(n)
		return
	case *ast.IdentifierNode, *ast.MemberNode:
		if name, ok := dotted(n); ok && m.truth(name) {
			m.negate(n)
		}
		return
	}
	m.inner(n, element)
}

// inner looks at the nodes that have others within.
func (m *mutating) inner(n ast.Node, element []string) {
	switch n := n.(type) {
	case *ast.CallNode:
		m.negate(n)
		m.elements(n.Arguments)
	case *ast.BuiltinNode:
		m.builtin(n)
		for i, a := range n.Arguments {
			if i == 1 {
				element = m.words(n.Arguments[0], nil)
			}
			m.node(a, element)
		}
	case *ast.PredicateNode:
		m.node(n.Node, element)
	case *ast.ConditionalNode:
		m.node(n.Cond, element)
		m.node(n.Exp1, element)
		m.node(n.Exp2, element)
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			m.node(item, element)
		}
	}
}

// truth reports whether a name is that of a fact that is true or false.
func (m *mutating) truth(name string) bool {
	i, ok := m.vocabulary.Lookup(name)
	return ok && m.vocabulary.facts[i].Type == Bool
}

// flips are the other comparisons that a slip of the pen makes.
var flips = map[string][]string{"<": {"<=", ">"}, "<=": {"<", ">"}, ">": {">=", "<"}, ">=": {">", "<"}, "==": {"!="}, "!=": {"=="}}

// others are the other ways to join.
var others = map[string]string{"and": "or", "&&": "||", "or": "and", "||": "&&"}

// kinds are the ways to join, each in one spelling.
var kinds = map[string]string{"and": "and", "&&": "and", "or": "or", "||": "or"}

func (m *mutating) binary(n *ast.BinaryNode, element []string) {
	at := m.token(n)
	switch {
	case !m.is(at, n.Operator): // the "and" in 0 < x < 9 is not written
	case others[n.Operator] != "":
		m.swap(Joined, at, others[n.Operator])
		m.drop(n)
	case flips[n.Operator] != nil:
		for _, flip := range flips[n.Operator] {
			m.swap(Flipped, at, flip)
		}
		m.word(n.Left, m.words(n.Right, element))
		m.word(n.Right, m.words(n.Left, element))
	case slices.Contains([]string{"in", "matches", "contains", "startsWith", "endsWith"}, n.Operator):
		if !m.is(at-1, "not") {
			m.swap(Negated, at, "not "+n.Operator)
		}
		if list, ok := n.Right.(*ast.ArrayNode); ok {
			m.elements(list.Nodes)
			for _, item := range list.Nodes {
				m.word(item, m.words(n.Left, element), list.Nodes...)
			}
		}
	}
}

// drop leaves out each side that is not a chain of the same kind itself: of a
// and b and c, one of the three.
func (m *mutating) drop(n *ast.BinaryNode) {
	whole, left, right := m.span(n), m.grouped(m.span(n.Left)), m.grouped(m.span(n.Right))
	if chain, ok := n.Left.(*ast.BinaryNode); !ok || kinds[chain.Operator] != kinds[n.Operator] {
		m.change(Dropped, whole, m.text(right), left, "")
	}
	m.change(Dropped, whole, m.text(left), right, "")
}

// elements leaves out each element of a list that has more than one.
func (m *mutating) elements(list []ast.Node) {
	for i, item := range list {
		s := m.span(item)
		switch {
		case len(list) == 1:
		case i == 0:
			next := m.span(list[1])
			m.change(Dropped, span{s.from, next.to}, m.text(next), s, "")
		default:
			m.change(Dropped, span{m.span(list[i-1]).to, s.to}, "", s, "")
		}
	}
}

func (m *mutating) unary(n *ast.UnaryNode) {
	at := m.token(n)
	if n.Operator != "not" && n.Operator != "!" {
		return
	}
	if !m.is(at, "not", "!") {
		at-- // x not in y, where the place is that of "in"
	}
	if m.is(at, "not", "!") {
		end := m.tokens[at].To
		if at+1 < len(m.tokens) {
			end = m.tokens[at+1].From
		}
		line, column := m.place(span{at, at + 1})
		source := string(m.runes[:m.tokens[at].From]) + string(m.runes[end:])
		m.out = append(m.out, mutant{Mutant{Kind: Negated, Line: line, Column: column, Was: m.tokens[at].Value, Source: source}, at})
	}
}

// negate puts "not" before what binds tighter than it.
func (m *mutating) negate(n ast.Node) {
	s := m.span(n)
	if m.is(s.from-1, "not", "!") {
		return // to leave that out is the same
	}
	m.change(Negated, s, "not "+m.text(s), s, "not "+m.text(s))
}

func (m *mutating) builtin(n *ast.BuiltinNode) {
	at := m.token(n)
	switch other := map[string]string{"any": "all", "all": "any"}[n.Name]; {
	case other != "":
		m.swap(Quantified, at, other)
		m.negate(n)
	case n.Name == "none" || n.Name == "one":
		m.negate(n)
	}
}

// number shifts by one, or by the last digit that is written.
func (m *mutating) number(n ast.Node) {
	at := m.token(n)
	if at < 0 || !m.tokens[at].Is(lexer.Number) {
		return
	}
	for _, shifted := range shifts(m.tokens[at].Value) {
		m.swap(Shifted, at, shifted)
	}
}

// shifts are a number with its last digit one less and one more.
func shifts(written string) []string {
	whole, fraction, _ := strings.Cut(written, ".")
	n, err := strconv.ParseInt(whole+fraction, 10, 64)
	if err != nil {
		return nil
	}
	var out []string
	for _, shifted := range []int64{n - 1, n + 1} {
		if shifted < 0 {
			continue // a minus is not part of the number, and 0 is as far as it goes without
		}
		text := strconv.FormatInt(shifted, 10)
		if fraction != "" {
			text = strings.Repeat("0", max(0, len(fraction)+1-len(text))) + text
			text = text[:len(text)-len(fraction)] + "." + text[len(text)-len(fraction):]
		}
		out = append(out, text)
	}
	return out
}

// words is the closed set that a fact, or the element of a loop, is from.
func (m *mutating) words(n ast.Node, element []string) []string {
	if _, ok := n.(*ast.PointerNode); ok {
		return element
	}
	if name, ok := dotted(n); ok {
		if i, known := m.vocabulary.Lookup(name); known {
			return m.vocabulary.facts[i].Words
		}
	}
	return nil
}

// word swaps a word for the next one of its closed set, in turn, that is not
// there already.
func (m *mutating) word(n ast.Node, words []string, there ...ast.Node) {
	text, ok := n.(*ast.StringNode)
	i := -1
	if ok {
		i = slices.Index(words, text.Value)
	}
	if i < 0 {
		return
	}
	for step := 1; step < len(words); step++ {
		next := words[(i+step)%len(words)]
		taken := func(o ast.Node) bool { t, ok := o.(*ast.StringNode); return ok && t.Value == next }
		if !slices.ContainsFunc(there, taken) {
			quote := string(m.runes[m.tokens[m.token(n)].From])
			m.swap(Swapped, m.token(n), quote+next+quote)
			return
		}
	}
}
