package schema

import (
	"slices"
	"strings"
)

// checkScope checks what the keywords of one schema mean together and beside
// the schemas around it. It returns the scope for the schemas in place.
func (n *node) checkScope(sc scope) (scope, error) {
	if t := n.source.Get("type"); t != nil {
		sc.types = statedTypes(t)
	}
	if sc.binding && !n.source.pins() {
		return sc, problemAt(n.source, n.pointer,
			"does not say what the value is; state type, enum, const or $ref, or write true if anything will do")
	}
	sc.binding = false
	for _, m := range n.source.Members {
		if err := n.checkApplies(m, sc.types); err != nil {
			return sc, err
		}
	}
	if err := n.checkListed(sc.types); err != nil {
		return sc, err
	}
	if err := n.checkNames(&sc); err != nil {
		return sc, err
	}
	return sc, nil
}

// statedTypes returns the set that the value of a type keyword stands for.
func statedTypes(t *Value) kinds {
	if t.Kind == String {
		return kindOf(t.Text)
	}
	var set kinds
	for _, item := range t.Items {
		set |= kindOf(item.Text)
	}
	return set
}

// pins reports whether a schema says what its value is, if only by true.
func (v *Value) pins() bool {
	if v.Kind == Bool {
		return true
	}
	for _, name := range []string{"type", "enum", "const", "$ref"} {
		if v.Get(name) != nil {
			return true
		}
	}
	if all := v.Get("allOf"); all != nil && slices.ContainsFunc(all.Items, (*Value).pins) {
		return true
	}
	for _, name := range []string{"anyOf", "oneOf"} {
		open := func(branch *Value) bool { return !branch.pins() }
		if branches := v.Get(name); branches != nil && !slices.ContainsFunc(branches.Items, open) {
			return true
		}
	}
	return false
}

// checkApplies refuses a keyword that would be skipped in silence because the
// value is of another type, or of no stated one.
func (n *node) checkApplies(m Member, types kinds) error {
	on := keywords[m.Name].on
	if on == 0 || on&types != 0 {
		return nil
	}
	at, pointer := &Value{Line: m.Line, Column: m.Column}, pointerTo(n.pointer, m.Name)
	if types == 0 {
		return problemAt(at, pointer, "speaks only of %s; state \"type\" beside it", on)
	}
	return problemAt(at, pointer, "has no effect on %s; it speaks only of %s", types, on)
}

// String lists the types of the set.
func (k kinds) String() string {
	var list []string
	for i, name := range typeNames {
		if k&(1<<i) != 0 && !(name == "integer" && k&numbers == numbers) {
			list = append(list, name)
		}
	}
	return strings.Join(list, " or ")
}

// checkListed refuses values in enum and const that the type excludes.
func (n *node) checkListed(types kinds) error {
	if types == 0 {
		return nil
	}
	if c := n.source.Get("const"); c != nil && c.types()&types == 0 {
		return problemAt(c, pointerTo(n.pointer, "const"), "is %s, which is not of type %s", c.show(), types)
	}
	enum := n.source.Get("enum")
	if enum == nil {
		return nil
	}
	for _, item := range enum.Items {
		if item.types()&types == 0 {
			return problemAt(item, pointerTo(n.pointer, "enum"), "lists %s, which is not of type %s", item.show(), types)
		}
	}
	return nil
}

// types returns the types that a value is of.
func (v *Value) types() kinds {
	if _, ok := v.Int(); ok {
		return integers
	}
	return [...]kinds{Null: 1, Bool: 1 << 1, Number: numbers &^ integers, String: strs, Array: arrays, Object: objects}[v.Kind]
}

// checkNames refuses an object that does not say what becomes of unknown
// fields, and names that a closed object cannot have.
func (n *node) checkNames(sc *scope) error {
	if err := n.checkFields("properties", sc.names); err != nil {
		return err
	}
	if n.source.Get("additionalProperties") != nil || n.source.Get("unevaluatedProperties") != nil {
		sc.closed = true
	}
	if own := closedNames(n.source); own != nil {
		sc.names = own
	}
	speaks := n.source.Get("type") != nil && sc.types&objects != 0
	for _, m := range n.source.Members {
		speaks = speaks || keywords[m.Name].on == objects
	}
	if speaks && !sc.closed {
		return problemAt(n.source, n.pointer,
			`does not say what becomes of unknown fields; state "additionalProperties": false, or true if they are welcome`)
	}
	for _, keyword := range []string{"dependentRequired", "dependentSchemas"} {
		if err := n.checkFields(keyword, sc.names); err != nil {
			return err
		}
	}
	return n.checkRequired(n.source.Get("required"), sc.names, pointerTo(n.pointer, "required"))
}

// closedNames returns the fields of a schema with additionalProperties false
// and no patterns, or nil when it is not closed like that.
func closedNames(v *Value) []string {
	additional := v.Get("additionalProperties")
	if additional == nil || additional.Kind != Bool || additional.Bool || v.Get("patternProperties") != nil {
		return nil
	}
	list := []string{}
	if fields := v.Get("properties"); fields != nil {
		for _, m := range fields.Members {
			list = append(list, m.Name)
		}
	}
	return list
}

// checkFields refuses fields under a keyword that the object does not have.
func (n *node) checkFields(keyword string, known []string) error {
	fields := n.source.Get(keyword)
	if fields == nil || known == nil {
		return nil
	}
	for _, m := range fields.Members {
		pointer := pointerTo(pointerTo(n.pointer, keyword), m.Name)
		if !slices.Contains(known, m.Name) {
			return problemAt(&Value{Line: m.Line, Column: m.Column}, pointer,
				"names the field %s, which the object does not have%s", quote(m.Name), hint(m.Name, known))
		}
		if keyword != "dependentRequired" {
			continue
		}
		if err := n.checkRequired(m.Value, known, pointer); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) checkRequired(list *Value, known []string, pointer string) error {
	if list == nil || known == nil {
		return nil
	}
	for _, item := range list.Items {
		if !slices.Contains(known, item.Text) {
			return problemAt(item, pointer, "names the field %s, which the object does not have%s",
				quote(item.Text), hint(item.Text, known))
		}
	}
	return nil
}
