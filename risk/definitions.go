package risk

import (
	"fmt"
	"math"
	"regexp"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
	"github.com/changelane/changelane/internal/schema"
)

// definition is one fact: what it is called, means, comes from, and how it is
// read. data names the attestable data of the change; "" is derived.
type definition struct {
	rule.Fact
	doc  string
	data string
	read readFunc
}

// readFunc reads one fact to where it is kept.
type readFunc func(r *reading, to *rule.Value)

// by makes a reader of a function that gives the value.
func by(read func(*reading) rule.Value) readFunc {
	return func(r *reading, to *rule.Value) { *to = read(r) }
}

// Readers of values that may be absent.
func text(s string) rule.Value {
	if s == "" {
		return rule.Value{}
	}
	return rule.TextValue(s)
}

// word is one of the words of an enumeration, which are the closed set of the
// fact. A number beyond them is no word, and not admitted.
func word(words []string, number uint8) rule.Value {
	switch {
	case number == 0:
		return rule.Value{}
	case int(number) > len(words):
		return rule.TextValue("no word at all")
	}
	return rule.Value{State: rule.Present, Text: words[number-1], Word: int32(number)}
}

func whole(n *int) rule.Value {
	if n == nil {
		return rule.Value{}
	}
	return rule.IntValue(int64(*n))
}

func decimal(f *float64) rule.Value {
	switch {
	case f == nil:
		return rule.Value{}
	case math.IsNaN(*f) || math.IsInf(*f, 0):
		return rule.Value{State: rule.Faulty, Text: "is not a number"}
	}
	return rule.FloatValue(*f)
}

func truth(b *bool) rule.Value {
	if b == nil {
		return rule.Value{}
	}
	return rule.BoolValue(*b)
}

// counted is the length of a list that may be absent.
func counted[T any](list []T) rule.Value {
	if list == nil {
		return rule.Value{}
	}
	return rule.IntValue(int64(len(list)))
}

func words(n int, word func(int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = word(i + 1)
	}
	return out
}

// Bounds of texts and lists, as the schema of a change has them.
const (
	nameBytes    = 64
	listItems    = 200
	maxListItems = 1000 // of an attribute
)

func textFact(name, data, doc string, bytes int, read readFunc) definition {
	return definition{rule.Fact{Name: name, Type: rule.Text, Bytes: bytes}, doc, data, read}
}

func wordFact(name, data, doc string, words []string, read readFunc) definition {
	return definition{rule.Fact{Name: name, Type: rule.Text, Words: words, Bytes: nameBytes}, doc, data, read}
}

func listFact(name, data, doc string, words []string, read readFunc) definition {
	return definition{rule.Fact{Name: name, Type: rule.List, Words: words, Items: listItems, Bytes: listItems * nameBytes}, doc, data, read}
}

func plainFact(t rule.Type, name, data, doc string, read readFunc) definition {
	return definition{rule.Fact{Name: name, Type: t}, doc, data, read}
}

// between gives a number the range in which it lies.
func between(d definition, least, most float64) definition {
	d.Range = &rule.Range{Least: least, Most: most}
	return d
}

var factName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// evidenceFact is the fact for one check that the policy declares.
func evidenceFact(name string) definition {
	results := words(3, func(i int) string { return change.Result(i).String() })
	return wordFact("evidence."+name, "evidence."+name, "the result of the check "+name, results, by(func(r *reading) rule.Value {
		for i := range r.change.Evidence {
			if e := &r.change.Evidence[i]; e.Name == name {
				return word(results, uint8(e.Result))
			}
		}
		return rule.Value{}
	}))
}

// attributeFact is the fact for one of the organisation's own attributes.
func attributeFact(p schema.Property) (definition, error) {
	types := map[string]rule.Type{"boolean": rule.Bool, "integer": rule.Int, "number": rule.Float, "string": rule.Text, "array": rule.List}
	t, ok := types[p.Type]
	if !ok {
		return definition{}, fmt.Errorf("the attribute %q must have one type: boolean, integer, number, string, or array of strings", p.Name)
	}
	if t == rule.List && p.MaxItems > maxListItems {
		return definition{}, fmt.Errorf("the attribute %q may have %d items; at most %d are allowed in a list that rules read: state a smaller maxItems", p.Name, p.MaxItems, maxListItems)
	}
	if !factName.MatchString(p.Name) {
		return definition{}, fmt.Errorf("the attribute %q cannot be read by rules: name it with small letters, digits and underscores", p.Name)
	}
	items, bytes := orElse(p.MaxItems, maxListItems), orElse(p.MaxLength, change.MaxText)*4
	if t == rule.List {
		bytes = min(bytes*items, 1<<20)
	}
	f := rule.Fact{Name: "attributes." + p.Name, Type: t, Words: p.Enum, Bytes: min(bytes, 1<<20), Items: items}
	if t == rule.Text {
		f.Bytes, f.Shortest = min(f.Bytes, 4*change.MaxText), p.MinLength
	}
	if p.Minimum != nil || p.Maximum != nil {
		f.Range = &rule.Range{Least: orElseBound(p.Minimum, -math.MaxFloat64), Most: orElseBound(p.Maximum, math.MaxFloat64)}
	}
	return definition{f, p.Description, "attributes." + p.Name, func(r *reading, to *rule.Value) {
		*to = r.attribute(t, r.change.Attributes[p.Name])
	}}, nil
}

func orElse(n, otherwise int) int {
	if n > 0 {
		return n
	}
	return otherwise
}

func orElseBound(f *float64, otherwise float64) float64 {
	if f != nil {
		return *f
	}
	return otherwise
}

// attribute reads a value that the schema has accepted, or that was built in
// Go; a value of another type is unreadable.
func (r *reading) attribute(t rule.Type, v any) rule.Value {
	switch v := v.(type) {
	case nil:
		return rule.Value{}
	case bool:
		if t == rule.Bool {
			return rule.BoolValue(v)
		}
	case int:
		return number(t, float64(v), int64(v))
	case int64:
		return number(t, float64(v), v)
	case float64:
		return number(t, v, int64(v))
	case string:
		if t == rule.Text {
			return rule.TextValue(v)
		}
	case []string:
		if t == rule.List {
			return rule.ListValue(v)
		}
	case []any:
		if t == rule.List {
			return r.attributeList(v)
		}
	}
	return rule.Value{State: rule.Faulty, Text: "an attribute is not of the type that its schema says"}
}

func number(t rule.Type, f float64, n int64) rule.Value {
	switch {
	case t == rule.Float:
		return decimal(&f)
	case t == rule.Int && float64(n) == f && math.Abs(f) <= 1<<53:
		return rule.IntValue(n)
	}
	return rule.Value{State: rule.Faulty, Text: "an attribute is not of the type that its schema says"}
}

func (r *reading) attributeList(list []any) rule.Value {
	start := len(r.texts)
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return rule.Value{State: rule.Faulty, Text: "an attribute is not of the type that its schema says"}
		}
		r.texts = append(r.texts, s)
	}
	if len(list) == 0 {
		return rule.ListValue([]string{})
	}
	return rule.ListValue(slices.Clip(r.texts[start:]))
}
