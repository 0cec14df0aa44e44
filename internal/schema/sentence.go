package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/changelane/changelane/internal/nearest"
)

// sentence says what is wrong and what was expected.
func (f finding) sentence() string {
	v, keyword := f.place.value, f.node.source.Get(f.keyword)
	name, below, _ := strings.Cut(f.keyword, "/")
	switch name {
	case "":
		return f.notAllowed()
	case "additionalProperties":
		return f.unknownField()
	case "type":
		return f.wrongType(statedTypes(keyword))
	case "const":
		return "is " + v.show() + "; expected " + keyword.show()
	case "enum":
		return v.notListed(keyword.Items)
	case "required":
		return "is missing the field " + quote(f.detail)
	case "dependentRequired":
		return f.missingBeside(below)
	case "anyOf", "oneOf":
		return f.noBranch(name)
	case "not":
		return "is " + v.show() + ", which the schema rules out"
	case "format":
		return "is " + v.show() + "; expected " + formats[keyword.Text].example
	case "pattern":
		return "is " + v.show() + "; expected " + f.form(keyword)
	case "uniqueItems":
		return v.repetition()
	}
	if bound, ok := bounds[name]; ok {
		return bound(v, keyword)
	}
	return "does not match the schema"
}

// bounds are the sentences of the keywords whose value is a number.
// form says what a pattern wants: in the words of the schema's author, who
// knows what it stands for, or else as it is written.
func (f finding) form(pattern *Value) string {
	if words := f.node.source.Get("description"); words != nil && words.Kind == String {
		return words.Text
	}
	return "text that matches " + pattern.Text
}

var bounds = map[string]func(v, limit *Value) string{
	"minimum":          func(v, n *Value) string { return "is " + v.Text + "; expected at least " + n.Text },
	"maximum":          func(v, n *Value) string { return "is " + v.Text + "; expected at most " + n.Text },
	"exclusiveMinimum": func(v, n *Value) string { return "is " + v.Text + "; expected more than " + n.Text },
	"exclusiveMaximum": func(v, n *Value) string { return "is " + v.Text + "; expected less than " + n.Text },
	"multipleOf":       func(v, n *Value) string { return "is " + v.Text + "; expected a multiple of " + n.Text },
	"minLength":        func(v, n *Value) string { return v.length("at least", n) },
	"maxLength":        func(v, n *Value) string { return v.length("at most", n) },
	"minItems":         func(v, n *Value) string { return counted(len(v.Items), "item", "at least", n) },
	"maxItems":         func(v, n *Value) string { return counted(len(v.Items), "item", "at most", n) },
	"minProperties":    func(v, n *Value) string { return counted(len(v.Members), "field", "at least", n) },
	"maxProperties":    func(v, n *Value) string { return counted(len(v.Members), "field", "at most", n) },
	"minContains":      func(_, n *Value) string { return contained("at least", n) },
	"maxContains":      func(_, n *Value) string { return contained("at most", n) },
}

func (v *Value) length(bound string, limit *Value) string {
	n := utf8.RuneCountInString(v.Text)
	return fmt.Sprintf("is %d character%s long; expected %s %s", n, plural(n), bound, limit.Text)
}

func counted(n int, noun, bound string, limit *Value) string {
	return fmt.Sprintf("has %d %s%s; expected %s %s", n, noun, plural(n), bound, limit.Text)
}

// contained speaks of contains, which stands for minContains 1 without a word.
func contained(bound string, limit *Value) string {
	n := "1"
	if limit != nil {
		n = limit.Text
	}
	return "has another number of items of the kind that the schema asks for; expected " + bound + " " + n
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func (f finding) wrongType(expected kinds) string {
	v := f.place.value
	if v.Kind == Number {
		return "is " + v.Text + "; expected " + expected.articles()
	}
	return "is " + v.Kind.String() + "; expected " + expected.articles()
}

// articles lists the types of the set with their articles.
func (k kinds) articles() string {
	words := map[string]string{"null": "null", "integer": "an integer", "array": "an array", "object": "an object"}
	list := strings.Split(k.String(), " or ")
	for i, name := range list {
		if word, ok := words[name]; ok {
			list[i] = word
		} else {
			list[i] = "a " + name
		}
	}
	return strings.Join(list, " or ")
}

func (f finding) noBranch(keyword string) string {
	switch v := f.place.value; {
	case f.types != 0:
		return f.wrongType(f.types)
	case len(f.listed) > 0:
		return v.notListed(f.listed)
	case keyword == "oneOf":
		return "does not match exactly one of the forms that the schema allows here"
	}
	return "matches none of the forms that the schema allows here"
}

// missingBeside words dependentRequired; below is the field that demands and
// the place of the missing one in its list.
func (f finding) missingBeside(below string) string {
	cut := max(strings.LastIndexByte(below, '/'), 0)
	field := pointerUnescapes.Replace(below[:cut])
	i, _ := strconv.Atoi(below[cut+1:])
	list := f.node.source.Get("dependentRequired").Get(field)
	return "is missing the field " + quote(list.Items[i].Text) + ", which goes with " + quote(field)
}

// isUnknown reports whether the finding is about a field that should not be
// there, so that its name is the place to look at.
func (f finding) isUnknown() bool {
	return f.keyword == "additionalProperties" ||
		f.keyword == "" && f.owner != nil && f.under == "unevaluatedProperties"
}

// notAllowed words the schema false, by the keyword under which it stands.
func (f finding) notAllowed() string {
	switch {
	case f.isUnknown():
		return f.unknownField()
	case f.owner != nil && (f.under == "items" || f.under == "unevaluatedItems"):
		return "is an item too many; remove it"
	}
	return "is not allowed here; remove it"
}

func (f finding) unknownField() string {
	name, owner := f.place.field.Name, f.node
	if f.keyword == "" {
		owner = f.owner
	}
	return "unknown field " + quote(name) + hint(name, owner.fieldNames(nil))
}

// fieldNames collects the fields that a schema and those in place of it know.
func (n *node) fieldNames(list []string) []string {
	if fields := n.source.Get("properties"); fields != nil {
		for _, m := range fields.Members {
			list = append(list, m.Name)
		}
	}
	if n.ref != nil && len(list) <= maxHints {
		list = n.ref.fieldNames(list)
	}
	for _, child := range n.inPlace {
		if len(list) <= maxHints {
			list = child.fieldNames(list)
		}
	}
	return list
}

// patternsOf compiles the patterns of patternProperties.
func (n *node) patternsOf() []*regexp.Regexp {
	fields := n.source.Get("patternProperties")
	if fields == nil {
		return nil
	}
	list := make([]*regexp.Regexp, len(fields.Members))
	for i, m := range fields.Members {
		list[i] = regexp.MustCompile(m.Name)
	}
	return list
}

// has reports whether a field is described by properties or patternProperties.
func (n *node) has(name string, patterns []*regexp.Regexp) bool {
	if _, ok := n.fields[name]; ok {
		return true
	}
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(name) })
}

// repetition names the first item that stands twice.
func (v *Value) repetition() string {
	seen := make(map[string]int, len(v.Items))
	for i, item := range v.Items {
		key := string(item.AppendCanonical(nil))
		if first, ok := seen[key]; ok {
			return fmt.Sprintf("has the same item at %d and at %d (%s); expected items that all differ", first, i, item.show())
		}
		seen[key] = i
	}
	return "has the same item twice; expected items that all differ"
}

// notListed words a value that is none of the listed ones.
func (v *Value) notListed(listed []*Value) string {
	var shown, words []string
	for _, item := range listed {
		if item.Kind == String {
			words = append(words, item.Text)
		}
		if len(shown) < maxListed {
			shown = append(shown, item.bare())
		}
	}
	expected := strings.Join(shown, ", ")
	if more := len(listed) - len(shown); more > 0 {
		expected += fmt.Sprintf(" and %d more", more)
	}
	if len(listed) > 1 {
		expected = "one of " + expected
	}
	return "is " + v.show() + "; expected " + expected + hint(v.Text, words)
}

const (
	maxListed = 20  // values in one sentence
	maxShown  = 60  // runes of one value
	maxHints  = 200 // words to compare with for a hint
	maxWord   = 40  // bytes of a word worth a hint
)

// hint offers the known word that was probably meant. It stays silent when
// looking would cost too much.
func hint(word string, known []string) string {
	if len(word) > maxWord || len(known) > maxHints {
		return ""
	}
	return nearest.Hint(word, known)
}

// show returns a value as a sentence can carry it: scalars as JSON, cut if
// long, and containers by their kind.
func (v *Value) show() string {
	switch v.Kind {
	case String:
		return quote(v.Text)
	case Array, Object:
		return v.Kind.String()
	}
	return string(v.AppendCanonical(nil))
}

// bare is show, but without quotes around plain words.
func (v *Value) bare() string {
	if v.Kind == String && plainWord.MatchString(v.Text) {
		return v.Text
	}
	return v.show()
}

var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,59}$`)

// quote returns s in double quotes, with what cannot be printed escaped, cut
// after maxShown runes.
func quote(s string) string {
	runes := 0
	for i := range s {
		if runes++; runes > maxShown {
			return strconv.Quote(s[:i]) + "…"
		}
	}
	return strconv.Quote(s)
}
