package rule

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// manuscript is an expression as it stands: its tree, and the tokens that the tree
// came from. Whoever changes a part of the text leaves the layout of the rest.
type manuscript struct {
	vocabulary *Vocabulary
	source     string
	runes      []rune
	tokens     []lexer.Token
	root       ast.Node
}

// span is a run of tokens, from one up to before another.
type span struct{ from, to int }

// read parses a source that compiles; nil for any other.
func read(v *Vocabulary, source string) *manuscript {
	if _, err := Compile(v, source); err != nil {
		return nil
	}
	tree, err := parser.ParseWithConfig(source, v.config())
	if err != nil {
		return nil
	}
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return nil
	}
	tokens = slices.DeleteFunc(tokens, func(t lexer.Token) bool { return t.Is(lexer.EOF) })
	return &manuscript{v, source, []rune(source), tokens, tree.Node}
}

// token is the number of the token that a node names as its place.
func (w *manuscript) token(n ast.Node) int {
	at := n.Location().From
	return slices.IndexFunc(w.tokens, func(t lexer.Token) bool { return t.From == at })
}

// is reports whether token i is one of those words or signs.
func (w *manuscript) is(i int, values ...string) bool {
	return i >= 0 && i < len(w.tokens) && slices.Contains(values, w.tokens[i].Value) && !w.tokens[i].Is(lexer.String)
}

// span is what a node is written with, without parentheses around it.
func (w *manuscript) span(n ast.Node) span {
	s := span{len(w.tokens), 0}
	ast.Walk(&n, visitor(func(n ast.Node) {
		if i := w.token(n); i >= 0 {
			s.from, s.to = min(s.from, i), max(s.to, i+1)
		}
	}))
	return w.balanced(s)
}

type visitor func(ast.Node)

// Visit is what expr's walk asks for.
func (f visitor) Visit(n *ast.Node) { f(*n) }

// balanced adds the brackets that those within the span belong to.
func (w *manuscript) balanced(s span) span {
	for open, i := 0, s.from; i < s.to; i++ {
		switch {
		case !w.tokens[i].Is(lexer.Bracket):
		case strings.Contains("([{", w.tokens[i].Value):
			open++
		case open > 0:
			open--
		default:
			s.from = w.opening(s.from)
		}
		if i == s.to-1 && open > 0 && s.to < len(w.tokens) {
			s.to++
		}
	}
	return s
}

// opening is the bracket before token i that nothing before i closes.
func (w *manuscript) opening(i int) int {
	closed := 0
	for i--; i > 0; i-- {
		switch {
		case !w.tokens[i].Is(lexer.Bracket):
		case !strings.Contains("([{", w.tokens[i].Value):
			closed++
		case closed == 0:
			return i
		default:
			closed--
		}
	}
	return 0
}

// grouped is the span with the parentheses around it that do nothing but
// group.
func (w *manuscript) grouped(s span) span {
	for s.from > 0 && w.is(s.from-1, "(") && w.is(s.to, ")") && (s.from < 2 || !w.tokens[s.from-2].Is(lexer.Identifier)) {
		s = span{s.from - 1, s.to + 1}
	}
	return s
}

// text is the source of a span.
func (w *manuscript) text(s span) string {
	return string(w.runes[w.tokens[s.from].From:w.tokens[s.to-1].To])
}

// with is the source with another text in the place of a span.
func (w *manuscript) with(s span, text string) string {
	return string(w.runes[:w.tokens[s.from].From]) + text + string(w.runes[w.tokens[s.to-1].To:])
}

// place is where a span begins.
func (w *manuscript) place(s span) (line, column int) {
	return position(w.source, w.tokens[s.from].From)
}

// Part is a condition within a condition: what "and", "or" and "not" join.
type Part struct {
	Line, Column int    // within the source, from 1, in characters
	Source       string // a condition on its own
}

// Parts are the smallest conditions that a condition is joined of, in the order
// of the text; nil for a source that does not compile. What stands inside of
// a loop or of a choice is part of that.
func Parts(v *Vocabulary, source string) []Part {
	w := read(v, source)
	if w == nil {
		return nil
	}
	return w.parts(w.root, nil)
}

func (w *manuscript) parts(n ast.Node, out []Part) []Part {
	switch n := n.(type) {
	case *ast.BinaryNode:
		if w.is(w.token(n), "and", "&&", "or", "||") {
			return w.parts(n.Right, w.parts(n.Left, out))
		}
	case *ast.UnaryNode:
		if w.is(w.token(n), "not", "!") {
			return w.parts(n.Node, out)
		}
	}
	s := w.span(n)
	if not, ok := n.(*ast.UnaryNode); ok { // x not in y: that x is in y is no text of its own
		s = w.span(not.Node)
	}
	line, column := w.place(s)
	return append(out, Part{line, column, w.text(s)})
}
