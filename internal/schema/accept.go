package schema

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// acceptor recognises valid values fast. It never refuses: where it does not
// say "valid", the evaluator decides, and finds the words. So an acceptor may
// know less than the schema says, but never accept more. It is compiled from
// the checked schema, and only where every keyword is one that it knows.
type acceptor struct {
	node  *node // for the cost of the evaluation
	never bool  // a keyword is not known here, or nothing is valid: no value is accepted

	types   kinds    // 0: any
	listed  []*Value // enum; nil: any
	exactly *Value   // const; nil: any

	bounds    []bound
	length    [2]int // least and most characters of a string
	pattern   *pattern
	format    func(string) bool
	items     [2]int // least and most
	unique    bool
	element   *acceptor // of an array; nil: anything
	fields    [2]int    // least and most
	names     []string  // properties, and their schemas
	values    []*acceptor
	required  []string
	remaining *acceptor // additionalProperties; nil: anything

	all []*acceptor   // in place, $ref included
	any [][]*acceptor // of each anyOf one must accept
}

// bound is one limit of a number.
type bound struct {
	limit    float64
	lower    bool // the value is at least the limit, else at most
	strictly bool // and not equal to it
}

func (b bound) holds(f float64) bool {
	switch {
	case f == b.limit:
		return !b.strictly
	case b.lower:
		return f > b.limit
	default:
		return f < b.limit
	}
}

// acceptors compiles each schema once.
type acceptors map[*node]*acceptor

func (as acceptors) of(n *node) *acceptor {
	if a, ok := as[n]; ok {
		return a
	}
	a := &acceptor{node: n, length: [2]int{0, maxCount}, items: [2]int{0, maxCount}, fields: [2]int{0, maxCount}}
	as[n] = a // nothing leads back: schemas have no recursion
	if n.source.Kind == Bool {
		a.never = !n.source.Bool
		return a
	}
	for _, m := range n.kept.Members {
		if !as.keyword(a, m.Name, m.Value) {
			a.never = true
		}
	}
	return a
}

// keyword adds what one keyword demands. It reports false for one that the
// acceptor does not know.
func (as acceptors) keyword(a *acceptor, name string, v *Value) bool {
	integer, _ := v.Int()
	switch name {
	case "$defs":
	case "type":
		a.types = statedTypes(v)
	case "enum":
		a.listed = v.Items
	case "const":
		a.exactly = v
	case "minimum", "exclusiveMinimum":
		a.bounds = append(a.bounds, bound{v.double(), true, name != "minimum"})
	case "maximum", "exclusiveMaximum":
		a.bounds = append(a.bounds, bound{v.double(), false, name != "maximum"})
	case "minLength":
		a.length[0] = int(integer)
	case "maxLength":
		a.length[1] = int(integer)
	case "pattern":
		a.pattern = newPattern(v.Text)
	case "format":
		a.format = formats[v.Text].holds
	case "minItems":
		a.items[0] = int(integer)
	case "maxItems":
		a.items[1] = int(integer)
	case "uniqueItems":
		a.unique = v.Bool
	case "minProperties":
		a.fields[0] = int(integer)
	case "maxProperties":
		a.fields[1] = int(integer)
	case "required":
		for _, item := range v.Items {
			a.required = append(a.required, item.Text)
		}
	default:
		return as.subschemas(a, name)
	}
	return true
}

// subschemas adds the schemas under a keyword.
func (as acceptors) subschemas(a *acceptor, name string) bool {
	n := a.node
	below := func(keyword string, list []*node) (found []*acceptor) {
		for _, child := range list {
			if child.under(n, keyword) {
				found = append(found, as.of(child))
			}
		}
		return found
	}
	switch name {
	case "$ref":
		a.all = append(a.all, as.of(n.ref))
	case "allOf":
		a.all = append(a.all, below(name, n.inPlace)...)
	case "anyOf":
		a.any = append(a.any, below(name, n.inPlace))
	case "items":
		a.element = below(name, n.elements)[0]
	case "additionalProperties":
		a.remaining = below(name, n.others)[0]
	case "properties":
		for _, m := range n.source.Get(name).Members {
			a.names = append(a.names, m.Name)
			a.values = append(a.values, as.of(n.fields[m.Name]))
		}
	default:
		return false
	}
	return true
}

// under reports whether n is a schema that stands under a keyword of another.
func (n *node) under(parent *node, keyword string) bool {
	at := parent.pointer + "/" + keyword
	return n.pointer == at || len(n.pointer) > len(at) && n.pointer[:len(at)+1] == at+"/"
}

// double is the nearest double of a number. The evaluator compares decimal
// spellings exactly, but it is given the canonical ones, the shortest that
// round to a double each: their order is that of the doubles.
func (v *Value) double() float64 {
	f, _ := strconv.ParseFloat(v.Text, 64) // Parse has refused what does not fit
	return f
}

// accepts reports that v is valid for certain. It charges for the evaluation
// that it saves at least what [Schema.affordable] would, so that a document
// which would cost too much is refused whichever way it goes.
func (s *Schema) accepts(v *Value) bool {
	w := &work{left: maxWork}
	return s.acceptor.accepts(w, v, 0)
}

// accepts is given the cost of the way to v so far.
func (a *acceptor) accepts(w *work, v *Value, way int) bool {
	if w.left -= a.node.own + way; w.left < 0 || a.never || !a.isListed(v) {
		return false
	}
	switch v.Kind {
	case Null:
		return a.allows(1) && a.inPlace(w, v, way)
	case Bool:
		return a.allows(1<<1) && a.inPlace(w, v, way)
	case Number:
		return a.number(w, v) && a.inPlace(w, v, way)
	case String:
		w.left -= len(v.Text) * a.node.instructions
		return a.allows(strs) && a.text(v.Text) && a.inPlace(w, v, way)
	case Array:
		return a.allows(arrays) && a.array(w, v, way) && a.inPlace(w, v, way)
	case Object:
		return a.allows(objects) && a.object(w, v, way) && a.inPlace(w, v, way)
	}
	return false
}

func (a *acceptor) allows(types kinds) bool { return a.types == 0 || a.types&types != 0 }

func (a *acceptor) isListed(v *Value) bool {
	if a.exactly != nil && !a.exactly.same(v) {
		return false
	}
	return a.listed == nil || slices.ContainsFunc(a.listed, v.same)
}

// same reports whether two values are equal, of those that are neither arrays
// nor objects.
func (v *Value) same(other *Value) bool {
	if v.Kind != other.Kind {
		return false
	}
	switch v.Kind {
	case Null:
		return true
	case Bool:
		return v.Bool == other.Bool
	case Number:
		return v.double() == other.double()
	case String:
		return v.Text == other.Text
	}
	return false
}

func (a *acceptor) number(w *work, v *Value) bool {
	if n := a.node.numeric; n > 0 {
		w.left -= n + (1+n/numberCost)*v.arithmetic()
	}
	if len(a.bounds) == 0 && (a.types == 0 || a.types&numbers == numbers) {
		return true
	}
	f := v.double()
	if !a.allows(numbers) || !a.allows(numbers&^integers) && f != float64(int64(f)) {
		return false
	}
	for _, b := range a.bounds {
		if !b.holds(f) {
			return false
		}
	}
	return true
}

// text holds a string against what is said of strings.
func (a *acceptor) text(s string) bool {
	// A character has one to four bytes.
	if len(s) > a.length[1] || len(s) < a.length[0]*utf8.UTFMax {
		if n := utf8.RuneCountInString(s); n < a.length[0] || n > a.length[1] {
			return false
		}
	}
	return (a.pattern == nil || a.pattern.matches(s)) && (a.format == nil || a.format(s))
}

func (a *acceptor) array(w *work, v *Value, way int) bool {
	w.left -= a.node.numeric
	if len(v.Items) < a.items[0] || len(v.Items) > a.items[1] {
		return false
	}
	if a.unique {
		w.compare(v)
		if !v.differ() {
			return false
		}
	}
	if a.element == nil {
		return true
	}
	for _, item := range v.Items {
		if !a.element.accepts(w, item, way+scopeCost+3) {
			return false
		}
	}
	return true
}

// differ reports that the items are few texts that all differ.
func (v *Value) differ() bool {
	if len(v.Items) > fewNames {
		return false
	}
	for i, item := range v.Items {
		if item.Kind != String || slices.ContainsFunc(v.Items[:i], item.same) {
			return false
		}
	}
	return true
}

func (a *acceptor) object(w *work, v *Value, way int) bool {
	w.left -= a.node.numeric
	if len(v.Members) < a.fields[0] || len(v.Members) > a.fields[1] {
		return false
	}
	for _, name := range a.required {
		if v.Get(name) == nil {
			return false
		}
	}
	next := 0
	for i := range v.Members {
		m := &v.Members[i]
		w.left -= fieldCost + len(m.Name)*a.node.nameProgram
		below := way + scopeCost + (3*len(m.Name)+2)/2
		at := a.index(m.Name, next)
		if at < 0 {
			if a.remaining != nil && !a.remaining.accepts(w, m.Value, below) {
				return false
			}
			continue
		}
		next = at + 1
		if !a.values[at].accepts(w, m.Value, below) {
			return false
		}
		if a.remaining != nil { // is charged for listed fields as well
			w.apply(a.remaining.node, m.Value, 0, 2*below)
		}
	}
	return true
}

// index finds a listed field, first where it would stand if the document had
// the order of the schema; -1 when it is not listed.
func (a *acceptor) index(name string, next int) int {
	for i := next; i < len(a.names); i++ {
		if a.names[i] == name {
			return i
		}
	}
	return slices.Index(a.names[:min(next, len(a.names))], name)
}

// inPlace holds v against the schemas that see the same value.
func (a *acceptor) inPlace(w *work, v *Value, way int) bool {
	way += scopeCost
	for _, each := range a.all {
		if !each.accepts(w, v, way) {
			return false
		}
	}
	for _, branches := range a.any {
		holds := false
		for _, branch := range branches {
			w.apply(branch.node, v, 0, 2*way) // a branch that fails soon is charged in full
			holds = holds || branch.accepts(w, v, way)
		}
		if !holds {
			return false
		}
	}
	return w.left >= 0
}
