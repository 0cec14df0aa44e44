package rule

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// guard refuses what must not reach expr's recursive parser: it has no bound
// on its stack, and skips comments, so that half a rule can vanish in silence.
func guard(source string) *Error {
	if strings.TrimSpace(source) == "" {
		return &Error{1, 1, "the expression is empty"}
	}
	if len(source) > maxSource {
		return &Error{1, 1, fmt.Sprintf("the expression has %d bytes; at most %d are allowed", len(source), maxSource)}
	}
	if err := guardText(source); err != nil {
		return err
	}
	tokens, err := lexer.Lex(file.NewSource(source))
	if err != nil {
		return parseError(source, err)
	}
	return guardTokens(source, tokens)
}

// guardText refuses text whose reading differs from its look.
func guardText(source string) *Error {
	if !utf8.ValidString(source) {
		return &Error{1, 1, "the expression is not valid UTF-8"}
	}
	offset := 0
	for i, r := range source {
		loneReturn := r == '\r' && !strings.HasPrefix(source[i+1:], "\n")
		if loneReturn || Hidden(r) {
			line, column := position(source, offset)
			return &Error{line, column, fmt.Sprintf("the invisible character %U is not allowed in an expression", r)}
		}
		offset++
	}
	return nil
}

// Hidden reports whether a character does not show, or shows elsewhere.
func Hidden(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// refused are the operators of expr that the language leaves out, and what to
// write instead.
var refused = map[string]string{
	";":   "write one condition, joined by \"and\"",
	"|":   "write \"or\", or a call such as lower(change.title)",
	"..":  "write a comparison such as 1 <= x <= 3",
	"**":  "write the number",
	"^":   "write the number",
	"??":  "a fact is never nil; ask known(fact)",
	"?.":  "a missing fact is unknown by itself; ask known(fact)",
	"::":  "call a function by its name",
	"let": "write the value where it is used",
}

// guardTokens bounds the nesting and refuses comments, byte strings and
// numbers that are not written plainly.
func guardTokens(source string, tokens []lexer.Token) *Error {
	runes := []rune(source)
	refuse := func(at int, message string) *Error {
		line, column := position(source, at)
		return &Error{line, column, message}
	}
	depth, prefixes, end := 0, 0, 0
	for i, t := range tokens {
		if gap := strings.TrimSpace(string(runes[min(end, len(runes)):min(max(t.From, end), len(runes))])); gap != "" {
			return refuse(end, "comments are not allowed inside an expression; write them on a line of their own in the policy file")
		}
		end = t.To
		switch {
		case t.Is(lexer.Bracket, "[") && i > 0 && (tokens[i-1].Is(lexer.Identifier) || tokens[i-1].Is(lexer.Bracket, ")") || tokens[i-1].Is(lexer.Bracket, "]")):
			return refuse(t.From, "a member is named by a dot, such as service.tier, and a list has no places to ask for")
		case t.Is(lexer.Bracket) && strings.Contains("([{", t.Value):
			depth++
		case t.Is(lexer.Bracket):
			depth--
		case t.Is(lexer.Operator) && refused[t.Value] != "":
			return refuse(t.From, fmt.Sprintf("%q is not part of the language: %s", t.Value, refused[t.Value]))
		case t.Is(lexer.Bytes):
			return refuse(t.From, "byte strings are not part of the language; write a text in quotes")
		case t.Is(lexer.String) && escapesLong(runes[t.From:min(t.To, len(runes))]):
			return refuse(t.From, "an escape with eight digits can stand for another character than it names; write the character itself")
		case t.Is(lexer.Number):
			if message := guardNumber(t.Value); message != "" {
				if hint := inPieces(runes, t.From-1); hint != "" {
					return refuse(t.From-1, fmt.Sprintf("this is not expected here: %q%s", string(runes[t.From-1]), hint))
				}
				return refuse(t.From, message)
			}
		}
		if t.Is(lexer.Operator, "not", "!", "-", "+", "?", ":") {
			prefixes++
		} else {
			prefixes = 0
		}
		if depth+prefixes > maxDepth {
			return refuse(t.From, fmt.Sprintf("the expression is nested more than %d levels deep", maxDepth))
		}
	}
	return nil
}

// escapesLong reports whether a text in quotes holds an escape such as
// \U00000041; a text in backticks holds no escapes.
func escapesLong(token []rune) bool {
	if token[0] == '`' {
		return false
	}
	for i := 0; i+1 < len(token); i++ {
		if token[i] == '\\' {
			if i++; token[i] == 'U' {
				return true
			}
		}
	}
	return false
}

// guardNumber accepts plain decimal notation only: "010" is eight to some
// readers, and a rule must not depend on who reads it.
func guardNumber(token string) string {
	whole, fraction, decimal := strings.Cut(token, ".")
	digits := strings.Trim(token, "0123456789") == "" || decimal && strings.Trim(whole+fraction, "0123456789") == ""
	switch {
	case !digits || whole == "" || decimal && fraction == "":
		return fmt.Sprintf("the number %q must be written in plain digits, such as 400 or 0.05", token)
	case len(whole) > 1 && whole[0] == '0':
		return fmt.Sprintf("the number %q has a leading zero; write it without", token)
	case len(token) > 18:
		return fmt.Sprintf("the number %q is too long; at most 18 digits are allowed", token)
	}
	return ""
}
