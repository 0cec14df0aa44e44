package policyfile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/changelane/changelane/internal/nearest"
)

// In all readers, what names the value for the messages, as the subject of a
// sentence: "points", "the ceiling of a template". A nil Node, and one that
// was refused before, reads as the zero value without another fault.

// String reads a text that is not empty and stands on one line. Nothing is
// trimmed from it.
func (n *Node) String(errs *Errors, what string) string {
	if !n.isText(errs, what, "a text") {
		return ""
	}
	if strings.ContainsAny(n.Text, "\n\t") {
		errs.Addf(n.Pos, `%s must be one line without tabs; write ">-" in front of a text that needs several lines`, what)
		return ""
	}
	return n.Text
}

// Int reads a whole number from lo to hi, in plain decimal digits: what other
// readers of YAML may take for another number (010, 1_000, 0x10, 1.0), or for
// a text ("5" in quotes), is refused. It returns 0 after a fault.
func (n *Node) Int(errs *Errors, what string, lo, hi int) int {
	want := fmt.Sprintf("a whole number from %d to %d", lo, hi)
	if !n.isText(errs, what, want) {
		return 0
	}
	number, err := strconv.Atoi(n.Text)
	switch {
	case n.Quoted && err == nil:
		errs.Addf(n.Pos, "%s must be %s; remove the quotes", what, want)
	case err != nil, strconv.Itoa(number) != n.Text:
		errs.Addf(n.Pos, "%s must be %s in plain digits, not %s", what, want, show(n.Text))
	case number < lo, number > hi:
		errs.Addf(n.Pos, "%s must be %s, not %d", what, want, number)
	default:
		return number
	}
	return 0
}

// booleans are the words that some YAML readers take for true and false.
var booleans = map[string]string{
	"true": "true", "yes": "true", "on": "true", "y": "true",
	"false": "false", "no": "false", "off": "false", "n": "false",
}

// Bool reads true or false, without quotes. No other word will do: yes and on
// are true for some readers of YAML and texts for others.
func (n *Node) Bool(errs *Errors, what string) bool {
	if !n.isText(errs, what, "true or false") {
		return false
	}
	meant := booleans[strings.ToLower(n.Text)]
	switch {
	case n.Text == meant && n.Quoted:
		errs.Addf(n.Pos, "%s must be true or false; remove the quotes", what)
	case n.Text == meant:
		return meant == "true"
	case meant != "":
		errs.Addf(n.Pos, "%s must be true or false; write %s instead of %s", what, meant, show(n.Text))
	default:
		errs.Addf(n.Pos, "%s must be true or false, not %s", what, show(n.Text))
	}
	return false
}

// Word reads one of the given words, exactly as spelt here.
func (n *Node) Word(errs *Errors, what string, words ...string) string {
	if !n.isText(errs, what, "one of "+strings.Join(words, ", ")) {
		return ""
	}
	for _, word := range words {
		if n.Text == word {
			return word
		}
	}
	meaning := ""
	if n.help != "" {
		meaning = " (" + n.help + ")"
	}
	if len(words) == 1 {
		errs.Addf(n.Pos, "%s must be %s, or be left out, not %s%s", what, show(words[0]), show(n.Text), hint(n.Text, words))
		return ""
	}
	errs.Addf(n.Pos, "%s must be one of %s%s, not %s%s", what, strings.Join(words, ", "), meaning, show(n.Text), hint(n.Text, words))
	return ""
}

// Strings reads a list of texts, or a single text as a list of one.
func (n *Node) Strings(errs *Errors, what string) []string {
	if n == nil || n.reported {
		return nil
	}
	if n.Kind == Mapping {
		errs.Addf(n.Pos, "%s must be a list of texts, such as [one, two], not a mapping", what)
		return nil
	}
	items := []*Node{n}
	if n.Kind == Sequence {
		items, what = n.Items, "each of "+what
	}
	var texts []string
	for _, item := range items {
		if text := item.String(errs, what); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// isText reports whether a node holds a text, and a fault if it does not.
// Want says what it should be.
func (n *Node) isText(errs *Errors, what, want string) bool {
	switch {
	case n == nil || n.reported:
		return false
	case n.Kind != Scalar:
		errs.Addf(n.Pos, "%s must be %s, not %s", what, want, n.kind())
	case n.isNull() && n.Text != "":
		errs.Addf(n.Pos, `%s has no value: %s means nothing in YAML; put it in quotes if it is meant as a text`, what, n.Text)
	case n.Text == "" && n.style == block:
		errs.Addf(n.Pos, `%s has no value, only the start of a block; put the value in quotes if it begins with ">" or "|"`, what)
	case strings.TrimSpace(n.Text) == "":
		errs.Addf(n.Pos, "%s has no value", what)
	default:
		return true
	}
	return false
}

// isNull tells whether YAML reads a value as nothing (YAML 1.2, section
// 10.3.2, core schema).
func (n *Node) isNull() bool {
	if n == nil || n.Kind != Scalar || n.Quoted {
		return false
	}
	switch n.Text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// kind says what a node is, for a sentence.
func (n *Node) kind() string {
	switch {
	case n.Kind == Sequence:
		return "a list"
	case n.Kind == Mapping:
		return "a mapping"
	case n.isNull():
		return "nothing"
	}
	return "the text " + show(n.Text)
}

// show quotes a text from the file for a message: on one line, and not longer
// than a message can bear.
func show(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most-1]) + "…"
	}
	return strconv.Quote(text)
}

// hint offers the right word, first of all one that differs only by case.
func hint(word string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, word) {
			return `; did you mean "` + k + `"?`
		}
	}
	return nearest.Hint(word, known)
}
