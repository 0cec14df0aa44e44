package rule

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/changelane/changelane/internal/nearest"
)

// spellings are words and signs of other languages, in small letters, and what
// they are here.
var spellings = map[string]string{
	"=": "==", "is": "==", "equals": "==", "eq": "==", "&": "and", "and": "and", "or": "or", "not": "not", "in": "in",
	"contains": "contains", "matches": "matches", "startswith": "startsWith", "endswith": "endsWith",
}

// foreignFunctions are functions of other languages, and what to write here.
var foreignFunctions = map[string]string{
	"now": `; facts such as change.lead_hours and at.hour say when`, "date": `; facts such as change.lead_hours and at.hour say when`,
	"duration": `; write hours(36) or days(2)`, "months": `; months differ, write days(30)`, "years": `; years differ, write days(365)`,
	"kb": `; write kib(2), which is 2048 bytes`, "mb": `; write mib(2), which is 2097152 bytes`, "gb": `; write gib(2)`,
	"is_null": `; write not known(fact)`, "exists": `; write known(fact)`, "has": `; write known(fact)`, "defined": `; write known(fact)`,
	"filter": `; write any(list, # ...) or count(list, # ...)`, "glob": `; write touches("dir/**")`,
}

// openAfterIn is a source that ends within round brackets behind "in".
var openAfterIn = regexp.MustCompile(`\bin\s*\([^()]*$`)

// foreignOperators are operators of other languages, and what to write here.
var foreignOperators = map[string]string{
	"like": "; write contains, startsWith, endsWith or matches", "between": "; write 1 <= x <= 3", "xor": "; write !=",
	"includes": "; write contains", "has": "; write contains", "then": "; a choice is written a ? b : c",
}

// meant is `; did you mean "..."?` for a token that stands where none like it
// can, or "".
func meant(token string, source []rune, at int) string {
	before, after := string(source[:min(at, len(source))]), string(source[min(at+len([]rune(token)), len(source)):])
	word := spellings[strings.ToLower(token)]
	switch {
	case token == ">" && strings.HasSuffix(before, "<"), token == "=" && strings.HasSuffix(before, "!="):
		word = "!="
	case token == "is" && strings.HasPrefix(strings.TrimSpace(after), "not "):
		word = "!="
	case token == "=" && strings.HasPrefix(after, ">"):
		word = ">="
	case token == "=" && strings.HasPrefix(after, "<"):
		word = "<="
	case shortUnit(token) != Plain && quantityHint(lastWord(before)+" "+token) != "":
		return quantityHint(lastWord(before) + " " + token)
	case inPieces(source, at) != "":
		return inPieces(source, at)
	case token == "," && openAfterIn.MatchString(before):
		return `; a list stands in square brackets, such as x in ["a", "b"]`
	case token == "#" && strings.HasPrefix(after, " ") && strings.Count(before, "(") == strings.Count(before, ")"):
		return "; outside of any() and the like # means nothing, and it begins no comment"
	case token == ")" && strings.Count(before, "(") <= strings.Count(before, ")"):
		return "; no bracket before it is open"
	case token == "/" && lastWord(before) == "matches":
		return "; write the pattern in quotes"
	case foreignOperators[strings.ToLower(token)] != "":
		return foreignOperators[strings.ToLower(token)]
	case word == "" && slices.Contains([]string{"NOT", "Not"}, lastWord(before)): // what follows it is what is not expected
		return `; write "not" in small letters`
	}
	if word == "" || word == token {
		return ""
	}
	return `; did you mean "` + word + `"?`
}

func lastWord(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// foreign words the refusal of a character that a word processor puts in.
func foreign(message string, source []rune, at int) string {
	if at >= len(source) {
		return message
	}
	r := source[at]
	if strings.ContainsRune("“”„‟‘’‚‛«»‹›", r) {
		return fmt.Sprintf("the quote %U is not part of the language; use straight quotes", r)
	}
	if sign := map[rune]string{'≥': ">=", '≤': "<=", '≠': "!="}[r]; sign != "" {
		return message + `; did you mean "` + sign + `"?`
	}
	return message
}

// bareWord rewords the refusal of an operand that is no fact but may be meant
// as a word, or as true or false: other, which stands beside it, tells which.
func (l *lowering) bareWord(err *Error, at, other ast.Node) *Error {
	word, ok := hyphened(at)
	if !ok || slices.Contains(l.vocabulary.groups, word) {
		return err
	}
	beside, failed := l.lower(other)
	if failed != nil || beside.fixed {
		return err
	}
	hint := ""
	switch beside.kind {
	case Bool:
		hint = map[string]string{"yes": "; write true", "on": "; write true", "true": "; write true",
			"no": "; write false", "off": "; write false", "false": "; write false"}[strings.ToLower(word)]
	case Text, List:
		hint = l.wordHint(word, beside.words)
	}
	if hint == "" {
		return err
	}
	return &Error{err.Line, err.Column, fmt.Sprintf("no fact is named %q%s", word, hint)}
}

// wordHint offers the word in quotes, in the spelling that can be right. A name
// of a fact that is as near is more likely what is meant where any word can be.
func (l *lowering) wordHint(word string, words []string) string {
	switch {
	case words == nil && l.vocabulary.Hint(word) != "":
		return ""
	case words != nil && !slices.Contains(words, word):
		if word = nearest.To(word, words); word == "" {
			return ""
		}
	}
	return fmt.Sprintf("; if you mean the word, write %q", word)
}

// hyphened spells a word without quotes as it was written: one with hyphens is
// read as names with a minus between them.
func hyphened(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value, true
	case *ast.BinaryNode:
		a, left := hyphened(n.Left)
		b, right := hyphened(n.Right)
		return a + "-" + b, n.Operator == "-" && left && right
	}
	return "", false
}

// badEscape words the refusal of an escape that does not exist, as a pattern such
// as "\d" holds that was written as in other languages.
func badEscape(source []rune, at int) string {
	if at < 1 || at >= len(source) || source[at-1] != '\\' || source[at] == '\n' {
		return "this escape is not complete; write the backslash twice, or put the text in backticks"
	}
	return fmt.Sprintf(`\%c means nothing in quotes; write the backslash twice, or put the text in backticks`, source[at])
}

// decimalHint is what to write instead of a whole number that stands beside a
// decimal one; "" where neither is written out.
func decimalHint(a, b *node) string {
	if a.kind == Float {
		a, b = b, a
	}
	if a.op != opConst || a.kind != Int || b.kind != Float {
		return ""
	}
	return fmt.Sprintf("; write %d.0", a.value.Int)
}
