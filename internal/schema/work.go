package schema

// Evaluating a document is measured before it is done. The unit is about ten
// nanoseconds; what matters is that every loop of the evaluator is counted.
const (
	stepCost   = 50         // entering one schema with one value
	numberCost = 50         // comparing with one number
	formatCost = 50         // testing one byte against a format
	maxWork    = 10_000_000 // about a tenth of a second
)

// measure computes what one evaluation of n costs apart from other schemas.
// The length of its own keywords stands for comparisons and for the messages
// that a failure copies.
func (n *node) measure() {
	n.own = stepCost
	for _, m := range n.kept.Members {
		switch keywords[m.Name].shape {
		case subschema, schemaList, schemaMap, patternMap, reference:
			n.own += len(m.Value.Members)
		case anything, values:
			n.own += len(m.Value.AppendCanonical(nil))/4 + numberCost*m.Value.numbers()
		default:
			n.own += len(m.Value.AppendCanonical(nil)) / 4
		}
		if m.Name == "pattern" {
			n.instructions, _ = instructions(m.Value.Text)
		}
		if m.Name == "format" {
			n.instructions += formatCost
		}
	}
}

// numbers counts the numbers in a value.
func (v *Value) numbers() int {
	count := 0
	if v.Kind == Number {
		count++
	}
	for _, item := range v.Items {
		count += item.numbers()
	}
	for _, m := range v.Members {
		count += m.Value.numbers()
	}
	return count
}

// work counts down the budget of one evaluation.
type work struct{ left int }

// affordable reports whether evaluating v stays within maxWork whatever the
// schemas say: every branch is counted, and every pattern is taken to match.
func (s *Schema) affordable(v *Value) bool {
	w := &work{left: maxWork}
	w.apply(s.root, v, 0)
	return w.left >= 0
}

// apply charges for n on v. Depth is the length of the pointer to v, which the
// evaluator builds anew for each value.
func (w *work) apply(n *node, v *Value, depth int) {
	w.left -= n.own + depth/8
	if w.left < 0 {
		return
	}
	// A matcher takes at most about one unit for each instruction and byte.
	if v.Kind == String && n.instructions > 0 {
		w.left -= len(v.Text) * n.instructions
	}
	if n.ref != nil {
		w.apply(n.ref, v, depth)
	}
	for _, child := range n.inPlace {
		w.apply(child, v, depth)
	}
	switch v.Kind {
	case Array:
		w.applyItems(n, v, depth+6)
	case Object:
		w.applyMembers(n, v, depth)
	}
}

func (w *work) applyItems(n *node, v *Value, depth int) {
	if unique := n.source.Get("uniqueItems"); unique != nil && unique.Bool {
		w.compare(v)
	}
	for i, item := range v.Items {
		if w.left < 0 {
			return
		}
		if i < len(n.prefix) {
			w.apply(n.prefix[i], item, depth)
		}
		for _, child := range n.elements {
			w.apply(child, item, depth)
		}
	}
}

// compare charges for comparing the items of v with one another: up to 20 the
// evaluator compares each pair, beyond it hashes.
func (w *work) compare(v *Value) {
	for _, item := range v.Items {
		w.left -= min(len(v.Items), 20) * item.weight()
	}
}

// weight is the cost of comparing a value with its equal.
func (v *Value) weight() int {
	sum := 2 + len(v.Text)/16
	if v.Kind == Number {
		sum = numberCost
	}
	for _, item := range v.Items {
		sum += item.weight()
	}
	for i := range v.Members {
		sum += 10 + len(v.Members[i].Name)/16 + v.Members[i].Value.weight()
	}
	return sum
}

func (w *work) applyMembers(n *node, v *Value, depth int) {
	for i := range v.Members {
		m := &v.Members[i]
		// Every schema that sees the object copies the set of its names.
		w.left -= 10 + len(m.Name)*n.nameProgram
		if w.left < 0 {
			return
		}
		below := depth + 3*len(m.Name) + 1
		if child, ok := n.fields[m.Name]; ok {
			w.apply(child, m.Value, below)
		}
		for _, child := range n.patterns {
			w.apply(child, m.Value, below)
		}
		for _, child := range n.others {
			w.apply(child, m.Value, below)
		}
	}
}
