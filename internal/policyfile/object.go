package policyfile

import (
	"slices"
	"strings"
)

// Object is a mapping whose fields are known. The zero Object has none, and
// asks for none.
type Object struct {
	node *Node
	what string
	errs *Errors
}

// Object reads a mapping that may have the known fields and no others. What
// names such a mapping in messages: "a rule".
func (n *Node) Object(errs *Errors, what string, known ...string) Object {
	if !n.isMapping(errs, what) {
		return Object{}
	}
	for _, field := range n.Fields {
		if !slices.Contains(known, field.Name) {
			errs.Addf(field.Pos, "%s has no field %s%s", what, show(field.Name), n.remedy(field, known))
		}
	}
	return Object{n, what, errs}
}

// remedy says what to do about an unknown field. Inside { } a comma ends an
// unquoted value, and what follows it becomes a field that nobody wrote.
func (n *Node) remedy(field Field, known []string) string {
	missing := slices.DeleteFunc(slices.Clone(known), func(name string) bool {
		return slices.ContainsFunc(n.Fields, func(f Field) bool { return f.Name == name })
	})
	meant := hint(field.Name, missing) // none that is there already
	if name, _, colon := strings.Cut(field.Name, ":"); colon && field.Value.isNull() && slices.Contains(known, name) {
		return "; put a space behind its colon"
	}
	if n.flow && meant == "" && (field.Value.isNull() || !isName(strings.ToLower(field.Name))) {
		return "; if it is the rest of the value before the comma, put that whole value in quotes"
	}
	if meant == "" {
		return ", only " + strings.Join(known, ", ")
	}
	return meant
}

// Has tells whether the field is present, whatever its value.
func (o Object) Has(name string) bool { return o.Get(name) != nil }

// Get gives the value of a field, or nil when the field is absent.
func (o Object) Get(name string) *Node {
	if o.node == nil {
		return nil
	}
	for _, field := range o.node.Fields {
		if field.Name == name {
			return field.Value
		}
	}
	return nil
}

// Need gives the value of a field that must be present. Its absence is a fault
// at the place of the object; Need then returns nil.
func (o Object) Need(name string) *Node {
	value := o.Get(name)
	if value == nil && o.node != nil {
		o.errs.Addf(o.node.Pos, "%s needs a field %s", o.what, show(name))
	}
	return value
}

// Pos is the place of the mapping; the zero Pos for the zero Object.
func (o Object) Pos() Pos {
	if o.node == nil {
		return Pos{}
	}
	return o.node.Pos
}

// Entries reads a mapping whose names the writer chooses, such as services or
// templates, in file order. A name has 1 to 64 characters: lower-case letters,
// digits, dots, hyphens and underscores, the first a letter or a digit. What
// names the whole mapping in messages: "services". Entries with other names
// are faults and left out.
func (n *Node) Entries(errs *Errors, what string) []Field {
	if !n.isMapping(errs, what) {
		return nil
	}
	var entries []Field
	for _, field := range n.Fields {
		if !isName(field.Name) {
			errs.Addf(field.Pos, `%s cannot have the name %s: a name is 1 to 64 lower-case letters, digits, ".", "-" or "_", and begins with a letter or a digit`, what, show(field.Name))
			continue
		}
		entries = append(entries, field)
	}
	return entries
}

// isName tells whether a name may identify something: [a-z0-9][a-z0-9._-]{0,63}.
func isName(name string) bool {
	if name == "" || len(name) > 64 || strings.Contains("._-", name[:1]) {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// List reads a sequence. A single value is a fault, not a list of one.
func (n *Node) List(errs *Errors, what string) []*Node {
	switch {
	case n == nil || n.reported:
		return nil
	case n.isNull():
		errs.Addf(n.Pos, "%s has no value", what)
	case n.Kind != Sequence && n.help != "":
		errs.Addf(n.Pos, `%s must be a list, such as %s, not %s`, what, n.help, n.kind())
	case n.Kind != Sequence:
		errs.Addf(n.Pos, `%s must be a list, each item on a line that begins with "- ", not %s`, what, n.kind())
	}
	return n.Items
}

func (n *Node) isMapping(errs *Errors, what string) bool {
	switch {
	case n == nil || n.reported:
		return false
	case n.isNull():
		errs.Addf(n.Pos, "%s has no value", what)
		return false
	case n.Kind != Mapping && n.help != "":
		errs.Addf(n.Pos, `%s must be a mapping, such as %s, not %s`, what, n.help, n.kind())
		return false
	case n.Kind != Mapping:
		errs.Addf(n.Pos, `%s must be a mapping, with lines such as "name: value", not %s`, what, n.kind())
		return false
	}
	return true
}
