package schema

import "strings"

// Evaluating a document is measured before it is done. The unit is about ten
// nanoseconds; the figures were measured with documents that fail everywhere,
// because failures cost the evaluator many times what successes do.
const (
	stepCost   = 50         // entering one schema with one value
	scopeCost  = 15         // for each schema around it: a failure spells out the way to it
	listedCost = 2          // comparing with one listed value
	nameCost   = 50         // naming one absent or unknown field
	fieldCost  = 10         // copying one name into the set of unevaluated ones
	numberCost = 150        // reading one number into a fraction
	powerCost  = 600        // the same with an exponent
	formatCost = 50         // testing one byte against a format
	maxWork    = 10_000_000 // about a tenth of a second
)

// measure computes what one evaluation of n costs apart from other schemas.
func (n *node) measure() {
	n.own = stepCost
	for _, m := range n.kept.Members {
		switch k := keywords[m.Name]; k.shape {
		case subschema, schemaList, schemaMap, patternMap, reference:
			n.own += len(m.Value.Members)
		case anything, values:
			n.own += listedCost*len(m.Value.Items) + len(m.Value.AppendCanonical(nil))/2 // a failure copies them
			n.numeric += m.Value.arithmetic()
		case names, nameLists:
			n.own += nameCost * m.Value.texts()
		case number, divisor:
			n.numeric += m.Value.arithmetic()
		case patternShape:
			n.instructions, _ = instructions(m.Value.Text)
		case formatShape:
			n.instructions += formatCost
		case typeShape:
			n.numeric++ // an integer must be told from other numbers
		}
	}
}

// arithmetic is the cost of reading the numbers in a value.
func (v *Value) arithmetic() int {
	if v.Kind == Number {
		if strings.ContainsAny(v.Text, "eE") {
			return powerCost
		}
		return numberCost
	}
	sum := 0
	for _, item := range v.Items {
		sum += item.arithmetic()
	}
	for i := range v.Members {
		sum += v.Members[i].Value.arithmetic()
	}
	return sum
}

// texts counts the strings in a value.
func (v *Value) texts() int {
	if v.Kind == String {
		return 1
	}
	count := 0
	for _, item := range v.Items {
		count += item.texts()
	}
	for _, m := range v.Members {
		count += m.Value.texts()
	}
	return count
}

// work counts down the budget of one evaluation.
type work struct{ left int }

// affordable reports whether evaluating v stays within maxWork whatever the
// schemas say: every branch is counted, and every pattern is taken to match.
func (s *Schema) affordable(v *Value) bool {
	w := &work{left: maxWork}
	w.apply(s.root, v, 0, 0)
	return w.left >= 0
}

// apply charges for n on v. Scope is the number of schemas around, and length
// that of the pointer to v, which the evaluator builds anew for each value.
func (w *work) apply(n *node, v *Value, scope, length int) {
	if w.left -= n.own + scope*scopeCost + length/2; w.left < 0 {
		return
	}
	switch v.Kind {
	case Number:
		if n.numeric > 0 {
			w.left -= n.numeric + (1+n.numeric/numberCost)*v.arithmetic()
		}
	case String:
		// A matcher takes at most about one unit for each instruction and byte.
		w.left -= len(v.Text) * n.instructions
	case Array:
		w.left -= n.numeric
		w.applyItems(n, v, scope+1, length+6)
	case Object:
		w.left -= n.numeric
		w.applyMembers(n, v, scope+1, length)
	}
	if n.ref != nil {
		w.apply(n.ref, v, scope+1, length)
	}
	for _, child := range n.inPlace {
		w.apply(child, v, scope+1, length)
	}
}

func (w *work) applyItems(n *node, v *Value, scope, length int) {
	if unique := n.source.Get("uniqueItems"); unique != nil && unique.Bool {
		w.compare(v)
	}
	for i, item := range v.Items {
		if w.left < 0 {
			return
		}
		if i < len(n.prefix) {
			w.apply(n.prefix[i], item, scope, length)
		}
		for _, child := range n.elements {
			w.apply(child, item, scope, length)
		}
	}
}

// compare charges for comparing the items of v with one another: up to 20 the
// evaluator compares each pair, beyond it hashes.
func (w *work) compare(v *Value) {
	times := len(v.Items)
	if times > 20 {
		times = 2
	}
	for _, item := range v.Items {
		w.left -= times * item.weight()
	}
}

// weight is the cost of comparing a value with its equal.
func (v *Value) weight() int {
	sum := listedCost + len(v.Text)/16
	if v.Kind == Number {
		sum = v.arithmetic()
	}
	for _, item := range v.Items {
		sum += item.weight()
	}
	for i := range v.Members {
		sum += fieldCost + len(v.Members[i].Name)/16 + v.Members[i].Value.weight()
	}
	return sum
}

func (w *work) applyMembers(n *node, v *Value, scope, length int) {
	for i := range v.Members {
		m := &v.Members[i]
		// Every schema that sees the object copies the set of its names.
		if w.left -= fieldCost + len(m.Name)*n.nameProgram; w.left < 0 {
			return
		}
		below := length + 3*len(m.Name) + 1
		if child, ok := n.fields[m.Name]; ok {
			w.apply(child, m.Value, scope, below)
		}
		for _, child := range n.patterns {
			w.apply(child, m.Value, scope, below)
		}
		for _, child := range n.others {
			w.apply(child, m.Value, scope, below)
		}
	}
}
