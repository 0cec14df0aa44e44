package risk

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"time"

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
	read func(*reading) rule.Value
}

// reading is what facts are read from.
type reading struct {
	change  *change.Change
	service *change.Service
	carried *change.Service
	history *change.History
	size    *change.Size
	Situation
	deploy   time.Time // when it would be deployed: the start of its window, or now
	last     time.Time // the last instant of what is left of its window; deploy without one
	added    int
	deleted  int
	lines    bool // added and deleted are known from the files
	anywhere bool // the zone is known
}

func newReading(c *change.Change, s Situation) reading {
	r := reading{change: c, service: s.Service, carried: s.Carried, history: c.History, size: c.Size, Situation: s}
	if r.service == nil {
		r.service = &change.Service{}
	}
	if r.carried == nil {
		r.carried = &change.Service{}
	}
	if r.history == nil {
		r.history = &change.History{}
	}
	if r.size == nil {
		r.size = &change.Size{}
	}
	r.added, r.deleted, r.lines = c.Lines()
	r.deploy = s.At
	if c.Window != nil && s.At.Before(c.Window.Start) {
		r.deploy = c.Window.Start
	}
	r.last = r.deploy
	if c.Window != nil && r.deploy.Before(c.Window.End) {
		r.last = c.Window.End.Add(-1)
	}
	if s.Zone != nil {
		r.anywhere = true
	}
	return r
}

// Readers of values that may be absent.
func text(s string) rule.Value {
	if s == "" {
		return rule.Value{}
	}
	return rule.TextValue(s)
}

func word[T interface {
	~uint8
	String() string
}](w T) rule.Value {
	if w == 0 {
		return rule.Value{}
	}
	return rule.TextValue(w.String())
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

// distinct is the set of texts of a list that may be absent, sorted.
func distinct[T any](list []T, of func(T) string) rule.Value {
	if list == nil {
		return rule.Value{}
	}
	out := []string{}
	for _, e := range list {
		if s := of(e); s != "" {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return rule.ListValue(slices.Compact(out))
}

// stated is as distinct, and not known when an element does not say.
func stated[T any](list []T, of func(T) string) rule.Value {
	if slices.ContainsFunc(list, func(e T) bool { return of(e) == "" }) {
		return rule.Value{}
	}
	return distinct(list, of)
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

func textFact(name, data, doc string, bytes int, read func(*reading) rule.Value) definition {
	return definition{rule.Fact{Name: name, Type: rule.Text, Bytes: bytes}, doc, data, read}
}

func wordFact(name, data, doc string, words []string, read func(*reading) rule.Value) definition {
	return definition{rule.Fact{Name: name, Type: rule.Text, Words: words, Bytes: nameBytes}, doc, data, read}
}

func listFact(name, data, doc string, words []string, read func(*reading) rule.Value) definition {
	return definition{rule.Fact{Name: name, Type: rule.List, Words: words, Items: listItems, Bytes: listItems * nameBytes}, doc, data, read}
}

func plainFact(t rule.Type, name, data, doc string, read func(*reading) rule.Value) definition {
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
	return wordFact("evidence."+name, "evidence."+name, "the result of the check "+name, results, func(r *reading) rule.Value {
		for _, e := range r.change.Evidence {
			if e.Name == name {
				return word(e.Result)
			}
		}
		return rule.Value{}
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
	return definition{f, p.Description, "attributes." + p.Name, func(r *reading) rule.Value {
		return attribute(t, r.change.Attributes[p.Name])
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
func attribute(t rule.Type, v any) rule.Value {
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
		return attributeList(t, v)
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

func attributeList(t rule.Type, list []any) rule.Value {
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok || t != rule.List {
			return rule.Value{State: rule.Faulty, Text: "an attribute is not of the type that its schema says"}
		}
		out = append(out, s)
	}
	return rule.ListValue(out)
}
