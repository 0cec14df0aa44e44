package risk

import (
	"fmt"
	"math"
	"regexp"

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

// readFunc reads one fact to the place where it is kept.
type readFunc func(r *reading, to *rule.Value)

// Readers of values that may be absent.
func text(to *rule.Value, s string) {
	if s == "" {
		to.Clear()
		return
	}
	to.SetText(s)
}

// word is one of the words of an enumeration, which are the closed set of the
// fact. A number beyond them is no word, and not admitted.
func word(to *rule.Value, words []string, number uint8) {
	switch {
	case number == 0:
		to.Clear()
	case int(number) > len(words):
		to.SetText("no word at all")
	default:
		to.SetWord(words[number-1], int32(number))
	}
}

func whole(to *rule.Value, n *int) {
	if n == nil {
		to.Clear()
		return
	}
	to.SetInt(int64(*n))
}

func decimal(to *rule.Value, f *float64) {
	switch {
	case f == nil:
		to.Clear()
	case math.IsNaN(*f) || math.IsInf(*f, 0):
		to.SetFault("is not a number")
	default:
		to.SetFloat(*f)
	}
}

func truth(to *rule.Value, b *bool) {
	if b == nil {
		to.Clear()
		return
	}
	to.SetBool(*b)
}

// counted is the length of a list that may be absent.
func counted[T any](to *rule.Value, list []T) {
	if list == nil {
		to.Clear()
		return
	}
	to.SetInt(int64(len(list)))
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
	return wordFact("evidence."+name, "evidence."+name, "the result of the check "+name, results, func(r *reading, to *rule.Value) {
		found, result := false, change.Result(0)
		for i := range r.change.Evidence {
			switch e := &r.change.Evidence[i]; {
			case e.Name != name:
			case found && e.Result != result: // no valid change has two
				to.SetFault("a check has two results")
				return
			default:
				found, result = true, e.Result
			}
		}
		word(to, results, uint8(result))
	})
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
		return definition{}, fmt.Errorf("the attribute %q cannot be read by rules: use small letters, digits and \"_\", and begin with a letter%s", p.Name, underscored(p.Name))
	}
	if p.Minimum != nil && p.Maximum != nil && *p.Minimum > *p.Maximum || p.MaxLength > 0 && p.MinLength > p.MaxLength {
		return definition{}, fmt.Errorf("no value of the attribute %q is possible: its least is above its most; correct one of the two", p.Name)
	}
	items, bytes := orElse(p.MaxItems, maxListItems), orElse(p.MaxLength, change.MaxText)*4
	if t == rule.List {
		bytes = min(bytes*items, 1<<20)
	}
	f := rule.Fact{Name: "attributes." + p.Name, Type: t, Words: p.Enum, Bytes: min(bytes, 1<<20), Items: items}
	if t == rule.Text {
		f.Bytes, f.Shortest, f.Longest = min(f.Bytes, 4*change.MaxText), p.MinLength, p.MaxLength
	}
	if p.Minimum != nil || p.Maximum != nil {
		f.Range = &rule.Range{Least: orElseBound(p.Minimum, -math.MaxFloat64), Most: orElseBound(p.Maximum, math.MaxFloat64)}
	}
	return definition{f, p.Description, "attributes." + p.Name, func(r *reading, to *rule.Value) {
		r.attribute(to, t, r.change.Attributes[p.Name])
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

const otherType = "an attribute is not of the type that its schema says"

// attribute reads a value that the schema has accepted, or that was built in
// Go; a value of another type is unreadable.
func (r *reading) attribute(to *rule.Value, t rule.Type, v any) {
	switch v := v.(type) {
	case nil:
		to.Clear()
		return
	case string:
		if t == rule.Text {
			to.SetText(v)
			return
		}
	case bool:
		if t == rule.Bool {
			to.SetBool(v)
			return
		}
	case int:
		wholeNumber(to, t, int64(v))
		return
	case int64:
		wholeNumber(to, t, v)
		return
	case float64:
		number(to, t, v, int64(v))
		return
	case []string:
		if t == rule.List {
			r.copied(to, v)
			return
		}
	case []any:
		if t == rule.List {
			r.attributeList(to, v)
			return
		}
	}
	to.SetFault(otherType)
}

// wholeNumber refuses a step to a decimal that could lose a digit, as conditions
// do.
func wholeNumber(to *rule.Value, t rule.Type, n int64) {
	if t == rule.Float && (n > 1<<53 || n < -1<<53) {
		to.SetFault("an attribute is a whole number that has no exact decimal")
		return
	}
	number(to, t, float64(n), n)
}

func number(to *rule.Value, t rule.Type, f float64, n int64) {
	switch {
	case t == rule.Float:
		decimal(to, &f)
	case t == rule.Int && float64(n) == f && math.Abs(f) < 1<<53: // that and the next whole number have one decimal
		to.SetInt(n)
	default:
		to.SetFault(otherType)
	}
}

func (r *reading) attributeList(to *rule.Value, list []any) {
	start := len(r.texts)
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			to.SetFault(otherType)
			return
		}
		r.texts = append(r.texts, s)
	}
	r.listSince(to, start)
}
