package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// shortUnits are how people write units behind a number, in small letters, and
// the functions that the language has for them.
var shortUnits = map[string]Unit{
	"s": Seconds, "sec": Seconds, "secs": Seconds, "second": Seconds, "m": Minutes, "min": Minutes, "mins": Minutes, "minute": Minutes,
	"h": Hours, "hr": Hours, "hrs": Hours, "hour": Hours, "d": Days, "day": Days, "w": Weeks, "wk": Weeks, "wks": Weeks, "week": Weeks,
	"b": Bytes, "byte": Bytes, "k": Kibibytes, "kb": Kibibytes, "mb": Mebibytes, "g": Gibibytes, "gb": Gibibytes,
}

func shortUnit(word string) Unit {
	word = strings.ToLower(word)
	if u, ok := unitNamed(word); ok {
		return u
	}
	return shortUnits[word]
}

var withUnit = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)$`)

// quantityHint is what to write for a number with a unit behind it, such as
// 24h; "" for anything else.
func quantityHint(text string) string {
	if m := withUnit.FindStringSubmatch(text); m != nil && shortUnit(m[2]) != Plain {
		return fmt.Sprintf("; write %v(%s)", shortUnit(m[2]), m[1])
	}
	return ""
}

var digitsBefore, digitsBehind = regexp.MustCompile(`[0-9]+$`), regexp.MustCompile(`^[0-9]+`)

// inPieces is what to write for a number that a comma or a colon cuts into
// pieces, as it groups digits or makes them a time of day elsewhere; "" for
// anything else.
func inPieces(source []rune, at int) string {
	if at < 0 || at >= len(source) {
		return ""
	}
	left, right := digitsBefore.FindString(string(source[:at])), digitsBehind.FindString(string(source[at+1:]))
	switch {
	case source[at] == ',' && left != "" && len(right) == 3:
		return "; write " + left + right + ", without a comma"
	case source[at] == ':' && left != "" && len(right) == 2:
		return "; a time of day is not part of the language, and at.hour is a whole number"
	}
	return ""
}

// badNumber is the number that the source has just before an offset, in
// characters, and where it begins.
func badNumber(source []rune, end int) (number string, start int) {
	inside := func(i int) bool {
		r := source[i]
		return r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	start, end = min(end, len(source)), min(end, len(source))
	for start > 0 && inside(start-1) {
		start--
	}
	for end < len(source) && inside(end) {
		end++
	}
	return string(source[start:end]), start
}

// percentage is what to write where a text ends in a number with a percent sign;
// "" where it does not.
func percentage(text string) string {
	m := trailingPercent.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	share := "0.05 for 5%"
	if n, err := strconv.Atoi(m[1]); err == nil && n > 0 && n < 100 {
		share = fmt.Sprintf("0.%02d", n)
	}
	return "a percentage is not part of the language; write a share such as " + share
}

var trailingPercent = regexp.MustCompile(`([0-9.]+)\s*%\s*$`)

// incomparable words the refusal of a comparison of two types, with the facts
// that it is about.
func (l *lowering) incomparable(n *ast.BinaryNode, a, b *node) *Error {
	remedy := l.typeRemedy(n, a, b)
	if remedy == "" {
		remedy = l.typeRemedy(n, b, a)
	}
	if compares := a.kind == Bool && b.kind != Bool && len(a.args) > 0; compares && remedy == "" { // it was read from the left
		remedy = `; join comparisons by "and", or put brackets around each`
	}
	return l.errorf(n, "%s cannot be compared with %s by %q%s", l.described(a), l.described(b), n.Operator, remedy)
}

// described is the type of an operand, after its name where it is a fact.
func (l *lowering) described(n *node) string {
	if n.op == opFact {
		return l.vocabulary.facts[n.fact].Name + ", which is " + n.kind.String() + ","
	}
	return n.kind.String()
}

// typeRemedy is what to write instead of a constant of another type than the
// fact beside it has; "" where that is not clear.
func (l *lowering) typeRemedy(n *ast.BinaryNode, fact, other *node) string {
	if fact.op != opFact || other.op != opConst {
		return ""
	}
	text, name := other.value.Text, l.vocabulary.facts[fact.fact].Name
	equality := slices.Contains([]string{"==", "!=", "in"}, n.Operator)
	switch {
	case (fact.kind == Int || fact.kind == Float) && other.kind == Text && guardNumber(text) == "" && text != "":
		return "; write " + text + " without quotes"
	case (fact.kind == Int || fact.kind == Float) && other.kind == Text:
		return quantityHint(text)
	case fact.kind == Bool && equality && (other.kind == Int || other.kind == Text):
		return fmt.Sprintf("; write %s, or not %s", name, name)
	case fact.kind == Text && fact.words != nil && other.kind != Text:
		return "; it is one of " + listed(fact.words)
	case fact.kind == Text && equality && (other.kind == Int || other.kind == Float):
		return fmt.Sprintf(`; write "%s" in quotes`, inQuotes(other.kind, other.value))
	case fact.kind == List && other.kind == Text && equality && fact.fact == l.vocabulary.paths:
		return fmt.Sprintf("; write touches(%q)", text)
	case fact.kind == List && other.kind == Text && equality:
		return fmt.Sprintf("; write %q in %s", text, name)
	}
	return ""
}

// conditionRemedy is what to write instead of a side of "and" or "or" that is
// not true or false; "" where that is not clear.
func (l *lowering) conditionRemedy(n *ast.BinaryNode, side ast.Node, low *node) string {
	if word, is := side.(*ast.StringNode); is && side == n.Right {
		return otherWord(n, word.Value)
	}
	if low.op != opFact {
		return ""
	}
	name := l.vocabulary.facts[low.fact].Name
	switch {
	case low.words != nil && low.kind == Text:
		return fmt.Sprintf("; compare it, as in %s == %q", name, low.words[0])
	case low.kind == Text:
		return fmt.Sprintf("; compare it, as in %s == \"...\"", name)
	case low.kind == Int || low.kind == Float:
		return fmt.Sprintf("; compare it, as in %s > 0", name)
	}
	return ""
}

// otherWord is what to write for x == "a" or "b", and for x != "a" and "b".
func otherWord(n *ast.BinaryNode, word string) string {
	last := n.Left
	for b, ok := last.(*ast.BinaryNode); ok && slices.Contains([]string{"and", "&&", "or", "||"}, b.Operator); b, ok = last.(*ast.BinaryNode) {
		last = b.Right
	}
	b, ok := last.(*ast.BinaryNode)
	if !ok {
		return ""
	}
	name, named := dotted(b.Left)
	first, text := b.Right.(*ast.StringNode)
	or := n.Operator == "or" || n.Operator == "||"
	switch {
	case named && text && or && b.Operator == "==":
		return fmt.Sprintf("; write %s in [%q, %q]", name, first.Value, word)
	case named && text && !or && b.Operator == "!=":
		return fmt.Sprintf("; write %s not in [%q, %q]", name, first.Value, word)
	}
	return ""
}

// listRemedy is what to write for "in" between two texts.
func listRemedy(n *ast.BinaryNode) string {
	if name, named := dotted(n.Left); named {
		if word, text := n.Right.(*ast.StringNode); text {
			return fmt.Sprintf("; write %s in [%q]", name, word.Value)
		}
	}
	if name, named := dotted(n.Right); named {
		if word, text := n.Left.(*ast.StringNode); text {
			return fmt.Sprintf("; write %s contains %q", name, word.Value)
		}
	}
	return ""
}

// absent refuses a comparison with what other languages call null: no fact is
// ever that, and whether one is known is asked for.
func (l *lowering) absent(n *ast.BinaryNode) *Error {
	fact, other := n.Left, n.Right
	if isNull(fact) {
		fact, other = other, fact
	}
	name, named := dotted(fact)
	ask := map[string]string{"==": "not known(" + name + ")", "!=": "known(" + name + ")"}[n.Operator]
	if _, known := l.vocabulary.Lookup(name); !named || !known || !isNull(other) || ask == "" {
		return nil
	}
	return l.errorf(other, "no fact is ever null or nil: one that is missing is unknown; write %s", ask)
}

func isNull(n ast.Node) bool {
	if _, ok := n.(*ast.NilNode); ok {
		return true
	}
	word, ok := n.(*ast.IdentifierNode)
	return ok && slices.Contains([]string{"null", "undefined"}, strings.ToLower(word.Value))
}

// hyphenated finds the fact that is meant where a name has hyphens in the place
// of underscores: it is read as names with a minus between them.
func (l *lowering) hyphenated(n *ast.BinaryNode) *Error {
	written, ok := withHyphens(n)
	meant := strings.ReplaceAll(written, "-", "_")
	if _, known := l.vocabulary.Lookup(meant); !ok || !known {
		return nil
	}
	return l.errorf(n.Left, "no fact is named %q%s", written, didYouMean(meant))
}

func withHyphens(n ast.Node) (string, bool) {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return dotted(n)
	}
	left, okLeft := withHyphens(b.Left)
	right, okRight := dotted(b.Right)
	return left + "-" + right, b.Operator == "-" && okLeft && okRight
}
