package schema

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Property describes one field at the top of an object schema.
type Property struct {
	Name string
	// Type is "boolean", "integer", "number", "string", "array" (of strings),
	// or "" when the schema pins none of these.
	Type string
	// Enum are the values that a string, or each string of an array, may have,
	// in the order of the schema; nil when they are not listed.
	Enum []string
	// MaxLength is the greatest number of characters of a string, or of each
	// string of an array; 0 when the schema states none.
	MaxLength int
	// MinLength is the least number of characters of a string; 0 when the
	// schema states none.
	MinLength int
	// Minimum and Maximum are the bounds of a number, those of the values that
	// are listed included; nil when the schema states none. Exclusive bounds of
	// an integer are moved by one, those of a number are as they are stated.
	Minimum, Maximum *float64
	// MaxItems is the greatest number of items of an array; 0 when the schema
	// states none.
	MaxItems    int
	Description string
}

// Properties describes the fields that the schema lists at its top, sorted by
// name. It follows $ref but does not look into allOf, anyOf and the like: what
// is stated there narrows a field further than Property tells.
func (s *Schema) Properties() []Property {
	root := s.root.target()
	list := make([]Property, 0, len(root.fields))
	for name, field := range root.fields {
		list = append(list, field.property(name))
	}
	slices.SortFunc(list, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// target follows references to the schema that describes the value, unless n
// itself does.
func (n *node) target() *node {
	for n.ref != nil && n.source.Get("type") == nil {
		n = n.ref
	}
	return n
}

func (n *node) property(name string) Property {
	p := Property{Name: name, Description: n.text("description")}
	n = n.target()
	if p.Description == "" {
		p.Description = n.text("description")
	}
	switch kind := n.pinned(); kind {
	case "array":
		if len(n.elements) == 0 || n.source.Get("items") == nil || n.source.Get("prefixItems") != nil {
			break
		}
		element := n.child("items").target()
		if element.pinned() != "string" {
			break
		}
		p.Type, p.Enum, p.MaxLength, p.MaxItems = kind, element.listed(), element.limit("maxLength"), n.limit("maxItems")
	case "string":
		p.Type, p.Enum, p.MaxLength, p.MinLength = kind, n.listed(), n.limit("maxLength"), n.limit("minLength")
	case "integer", "number":
		p.Type, p.Minimum, p.Maximum = kind, n.bound(slices.Max, slices.Min, "minimum", "exclusiveMinimum"), n.bound(slices.Min, slices.Max, "maximum", "exclusiveMaximum")
		if kind == "integer" {
			beyond(p.Minimum, n.source.Get("exclusiveMinimum"), 1)
			beyond(p.Maximum, n.source.Get("exclusiveMaximum"), -1)
		}
	case "boolean":
		p.Type = kind
	}
	return p
}

// child returns the schema under a keyword, which must be there.
func (n *node) child(keyword string) *node {
	pointer := pointerTo(n.pointer, keyword)
	for _, child := range n.elements {
		if child.pointer == pointer {
			return child
		}
	}
	return nil
}

// pinned returns the one type that n allows: the stated one, or else that of
// every listed value. It is "" when there are several.
func (n *node) pinned() string {
	types := kinds(0)
	if t := n.source.Get("type"); t != nil {
		types = statedTypes(t)
	} else {
		for _, v := range n.values() {
			types |= v.types()
		}
	}
	if strings.Contains(types.String(), " ") {
		return ""
	}
	return types.String()
}

// values returns what enum or const list.
func (n *node) values() []*Value {
	if enum := n.source.Get("enum"); enum != nil {
		return enum.Items
	}
	if c := n.source.Get("const"); c != nil {
		return []*Value{c}
	}
	return nil
}

func (n *node) listed() []string {
	var list []string
	for _, v := range n.values() {
		if v.Kind == String {
			list = append(list, v.Text)
		}
	}
	return list
}

func (n *node) limit(keyword string) int {
	i, _ := n.source.Get(keyword).Int()
	return int(i)
}

// bound returns the narrower of the bounds that two keywords state, and of the
// outermost number that enum or const list.
func (n *node) bound(narrower, outermost func([]float64) float64, keywords ...string) *float64 {
	var stated, listed []float64
	for _, keyword := range keywords {
		stated = withNumber(stated, n.source.Get(keyword))
	}
	for _, v := range n.values() {
		listed = withNumber(listed, v)
	}
	if listed != nil {
		stated = append(stated, outermost(listed))
	}
	if stated == nil {
		return nil
	}
	bound := narrower(stated)
	return &bound
}

func withNumber(list []float64, v *Value) []float64 {
	if v != nil && v.Kind == Number {
		if f, err := strconv.ParseFloat(v.Text, 64); err == nil {
			return append(list, f)
		}
	}
	return list
}

// beyond moves the bound of a whole number to the next one, where it is what an
// exclusive bound states.
func beyond(bound *float64, exclusive *Value, step float64) {
	if at := withNumber(nil, exclusive); at != nil && at[0] == *bound && math.Trunc(*bound) == *bound {
		*bound += step
	}
}

func (n *node) text(keyword string) string {
	if v := n.source.Get(keyword); v != nil {
		return v.Text
	}
	return ""
}
