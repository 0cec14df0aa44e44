package rule

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// The limits of one expression; INVARIANTS of the design give the reasons.
const (
	maxSource = 4096
	maxDepth  = 32
	maxNodes  = 300
	maxLoops  = 2
	maxText   = 16 << 10

	// CostLimit bounds the cost of one expression, in steps of about 0.1 µs.
	CostLimit = 1_000_000
)

// Error is why a source is not an expression of the language. Line and Column
// count from 1 within the source; columns count characters.
type Error struct {
	Line, Column int
	Message      string
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Expr is a compiled condition. It is immutable and safe for concurrent use.
type Expr struct {
	source string
	root   *node
	reads  []int
	asks   []int
	cost   int
}

// Compile reads a condition over the vocabulary. It never panics, and costs
// time proportional to the source. The error is always an *Error.
func Compile(v *Vocabulary, source string) (e *Expr, err error) {
	defer func() {
		if p := recover(); p != nil {
			e, err = nil, &Error{1, 1, fmt.Sprintf("the expression cannot be read: %v", p)}
		}
	}()
	if err := guard(source); err != nil {
		return nil, err
	}
	config := v.config()
	tree, err := parser.ParseWithConfig(source, config)
	if err != nil {
		return nil, parseError(source, err)
	}
	l := &lowering{vocabulary: v, source: source, reads: map[int]bool{}, asks: map[int]bool{}}
	root, lerr := l.condition(tree.Node)
	if lerr != nil {
		return nil, lerr
	}
	if t, err := checker.Check(tree, config); err != nil {
		return nil, parseError(source, err)
	} else if t.Kind() != reflect.Bool {
		return nil, &Error{1, 1, "the expression is not true or false"}
	}
	if len(l.reads) == 0 && len(l.asks) == 0 {
		return nil, &Error{1, 1, "the expression reads no fact, so it is always the same; name a fact, or leave the field out"}
	}
	if root.cost.fixed > CostLimit {
		return nil, &Error{1, 1, fmt.Sprintf("the expression could cost %.0f steps on the largest permitted change, over the limit of %d; use fewer or simpler loops and patterns", root.cost.fixed, CostLimit)}
	}
	return &Expr{source: source, root: root, reads: sortedKeys(l.reads), asks: sortedKeys(l.asks), cost: int(root.cost.fixed) + 1}, nil
}

// Source is the text that was compiled.
func (e *Expr) Source() string { return e.source }

// Cost is an upper bound of the steps that one evaluation takes.
func (e *Expr) Cost() int { return e.cost }

// Reads lists the facts whose value the expression looks at, ascending.
func (e *Expr) Reads() []int { return e.reads }

// AsksPresence lists the facts whose presence it asks for with known().
func (e *Expr) AsksPresence() []int { return e.asks }

// Eval decides the condition over facts, one value for each fact of the
// vocabulary, in its order, each of the type of its fact and admitted by
// [Vocabulary.Admit]. The second result says why a Fault is one.
func (e *Expr) Eval(facts []Value) (v Verdict, why string) {
	defer func() {
		if p := recover(); p != nil {
			v, why = IsFault, fmt.Sprintf("the rule failed: %v", p)
		}
	}()
	result := e.root.eval(&frame{facts: facts})
	if result.State == Faulty {
		return IsFault, result.Text
	}
	return verdict(result), ""
}

// parseError puts an error of expr's parser or checker into our form.
func parseError(source string, err error) *Error {
	var fe *file.Error
	if !errors.As(err, &fe) {
		return &Error{1, 1, err.Error()}
	}
	at, message := fe.From, plain(fe.Message, source, fe.From)
	if strings.HasPrefix(fe.Message, "bad number syntax") {
		number, start := badNumber([]rune(source), at)
		at, message = start, fmt.Sprintf("%q is not a number%s", number, cmp.Or(quantityHint(number), ", such as 400 or 0.05"))
	}
	line, column := position(source, at)
	return &Error{line, column, message}
}

// plain rewords the messages that a person who writes rules meets most often;
// at is the offset in characters that the message is about.
func plain(message, source string, at int) string {
	switch {
	case strings.HasPrefix(message, "unexpected token EOF") && percentage(source) != "":
		return percentage(source)
	case strings.HasPrefix(message, "unexpected token ") && percentage(before(source, at)) != "":
		return percentage(before(source, at))
	case strings.HasPrefix(message, "unclosed comment"):
		return `"/*" begins a comment, which is not part of the language; put a path pattern in quotes, such as touches("dir/**")`
	case strings.HasPrefix(message, "unexpected token EOF"), strings.HasPrefix(message, "unexpected end"):
		return "the expression ends too early; something is missing after its last word"
	case strings.HasPrefix(message, "unexpected token "):
		found := token(strings.TrimPrefix(message, "unexpected token "))
		return "this is not expected here: " + found + meant(strings.Trim(found, `"`), []rune(source), at)
	case message == "invalid char escape":
		return badEscape([]rune(source), at)
	case message == "unable to unescape string":
		return "the text holds an escape that is no character"
	case strings.HasPrefix(message, "a map key must be"):
		return `a map is not part of the language; what is asked of elements may stand in braces once, as in any(list, {# == "x"})`
	case strings.HasPrefix(message, "unrecognized character"):
		return foreign(message, []rune(source), at)
	case strings.Contains(message, "exceeds maximum allowed nodes"):
		return fmt.Sprintf("the expression has more than %d parts; split it into several rules", maxNodes)
	}
	return message
}

// before is the source up to an offset in characters.
func before(source string, at int) string {
	runes := []rune(source)
	return string(runes[:min(at, len(runes))])
}

// token is what a person wrote, out of a name such as Operator("#").
func token(name string) string {
	if open := strings.IndexByte(name, '('); open > 0 && strings.HasSuffix(name, ")") {
		return name[open+1 : len(name)-1]
	}
	return name
}

// position turns an offset in characters into a line and a column from 1.
func position(source string, offset int) (line, column int) {
	line, column = 1, 1
	for _, r := range source {
		if offset--; offset < 0 {
			break
		}
		if column++; r == '\n' {
			line, column = line+1, 1
		}
	}
	return line, column
}

func sortedKeys[K cmp.Ordered](m map[K]bool) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func types1(f any) []reflect.Type { return []reflect.Type{reflect.TypeOf(f).Elem()} }
