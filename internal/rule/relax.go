package rule

import (
	"math"
	"slices"
	"strings"
)

// relaxed is the search in which what values do not stand for is anything.
func (s *Space) relaxed(e *Expr, steps int) *solving {
	out := s.solving(e, steps)
	out.free = true
	out.root = out.condition(e.root)
	return out.ready(nil)
}

// real is the search over the facts themselves, with samples for what values
// do not stand for.
func (s *Space) real(e *Expr, steps int) *solving {
	out := s.solving(e, steps)
	out.root = out.copied(e.root)
	conditions := []*Expr{e}
	for _, v := range out.vars {
		if given := s.Given[v.fact]; given != nil {
			conditions = append(conditions, given)
		}
	}
	return out.ready(Boundaries(s.Vocabulary, conditions...))
}

func (s *Space) solving(e *Expr, steps int) *solving {
	out := &solving{space: s, byName: map[string]int{}, listed: map[int]bool{}, steps: steps, work: 2 * e.Size()}
	values := 0
	for _, b := range Boundaries(s.Vocabulary, e) {
		out.listed[b.Fact], values = b.Exact, values+len(b.Values)
	}
	s.spend(workOfValue*values + workOfWorld*len(s.Worlds))
	return out
}

// ready finds the values of the variables: those given, or else by what each is
// compared with.
func (s *solving) ready(given []Boundary) *solving {
	s.facts = make([]*Value, len(s.vars))
	s.frame.facts = make([]Value, len(s.vars))
	for i := range s.vars {
		s.frame.facts[i] = open
		v := &s.vars[i]
		at := slices.IndexFunc(given, func(b Boundary) bool { return b.Fact == v.fact })
		if at >= 0 {
			v.values = slices.Clone(given[at].Values)
		} else {
			v.values, _ = v.edge.values(&v.decl)
		}
		v.values = v.possible(s.space.Vocabulary)
		if v.edge.asked {
			v.values = append(v.values, Value{})
		}
		if v.lacks {
			v.values = append(v.values, Value{State: NotApplicable})
		}
		if v.tied {
			s.tied = append(s.tied, i)
		}
	}
	s.findWorlds()
	return s
}

// possible are the values that the fact can have, with the ends of its range.
func (v *variable) possible(words *Vocabulary) []Value {
	out := v.values
	if r := v.decl.Range; r != nil {
		for _, end := range r.ends() {
			if v.decl.Type == Int {
				out = append(out, IntValue(int64(end)))
			} else {
				out = append(out, FloatValue(end))
			}
		}
	}
	return slices.DeleteFunc(out, func(value Value) bool {
		number := value.Float
		if v.decl.Type == Int {
			number = float64(value.Int)
		}
		numeric := v.decl.Type == Int || v.decl.Type == Float
		return numeric && v.decl.Range != nil && !v.decl.Range.holds(number) || v.fact >= 0 && words.Admit(v.fact, value).State != Present
	})
}

// findWorlds are the worlds as far as they differ in the variables that are
// tied.
func (s *solving) findWorlds() {
	seen := map[string]bool{}
	for _, world := range s.space.Worlds {
		row, key := make([]Value, len(s.tied)), ""
		for k, i := range s.tied {
			row[k] = world[slices.Index(s.space.Tied, s.vars[i].fact)]
			key += worldKey(row[k])
		}
		if !seen[key] {
			seen[key] = true
			s.worlds = append(s.worlds, row)
		}
	}
}

func worldKey(v Value) string {
	return strings.Join(quoted(append([]string{inQuotes(Bool, v), inQuotes(Int, v), inQuotes(Float, v), v.Text, string(rune('0' + v.State))}, v.List...)), " ") + ";"
}

// variable is the variable of a fact; -1 of what is taken for anything and is
// known by its name.
func (s *solving) variable(fact int, name string, decl Fact) int {
	if i, ok := s.byName[name]; ok {
		return i
	}
	if r, narrower := s.space.Ranges[fact]; narrower && fact >= 0 {
		decl.Range = &r
	}
	if decl.Range != nil {
		decl.Range = decl.Range.reached()
	}
	i := len(s.vars)
	tied := fact >= 0 && len(s.space.Worlds) > 0 && slices.Contains(s.space.Tied, fact)
	s.byName[name], s.vars = i, append(s.vars, variable{fact: fact, decl: decl, tied: tied})
	return i
}

// reached is the range without such ends as no value stands at, because they are
// too far for whole numbers: what lies beyond them is not excluded then.
func (r *Range) reached() *Range {
	out := *r
	if math.Abs(out.Least) > 1<<53 {
		out.Least = math.Inf(-1)
	}
	if math.Abs(out.Most) > 1<<53 {
		out.Most = math.Inf(1)
	}
	return &out
}

func (s *solving) of(fact int) int {
	decl := s.space.Vocabulary.facts[fact]
	return s.variable(fact, decl.Name, decl)
}

// anything is a variable in the place of a node.
func (s *solving) anything(n *node, name string) *node {
	i := s.variable(-1, "("+name+")", Fact{Type: n.kind, Range: s.interval(n), Bytes: maxText})
	s.vars[i].lacks = s.vars[i].lacks || s.conditional(n)
	return &node{op: opFact, kind: n.kind, run: runFact, fact: i}
}

// conditional reports whether a node reads a fact that has no meaning everywhere.
func (s *solving) conditional(n *node) bool {
	if (n.op == opFact || n.op == opTouches) && s.space.Given[n.fact] != nil {
		return true
	}
	return slices.ContainsFunc(n.args, s.conditional)
}

// read is a fact as a variable, where it has a meaning.
func (s *solving) read(n *node) *node {
	return s.guarded(n.fact, &node{op: opFact, kind: n.kind, run: runFact, fact: s.of(n.fact)})
}

// guarded is a part that hangs on a fact, where that has a meaning.
func (s *solving) guarded(fact int, part *node) *node {
	given := s.space.Given[fact]
	if given == nil {
		return part
	}
	return &node{op: opCompute, name: "given", kind: part.kind, run: runGiven, args: []*node{s.plain(given.root), part}}
}

// plain is a condition on which a fact has a meaning, which reads facts as they
// are, whether they have one or not.
func (s *solving) plain(n *node) *node {
	space := *s.space
	space.Given = nil
	inner := *s
	inner.space = &space
	var out *node
	if s.free {
		out = inner.condition(n)
	} else {
		out = inner.copied(n)
	}
	s.vars = inner.vars
	return out
}

func runGiven(n *node, f *frame) Value {
	switch given := n.args[0].eval(f); {
	case isTrue(given), given.State == NotApplicable:
		return n.args[1].eval(f)
	case isFalse(given):
		return Value{State: NotApplicable}
	default:
		return Value{}
	}
}

// asked is known(fact): not settled while the fact, or whether it has a meaning,
// is open.
func (s *solving) asked(fact int) *node {
	i := s.of(fact)
	s.vars[i].edge.asked = true
	known := &node{op: opKnown, kind: Bool, run: runAsked, fact: i}
	given := s.space.Given[fact]
	if given == nil {
		return known
	}
	out := &node{op: opCompute, name: "given", kind: Bool, args: []*node{s.plain(given.root), known}}
	out.run = func(n *node, f *frame) Value {
		switch given := n.args[0].eval(f); {
		case isTrue(given), given.State == NotApplicable:
			return n.args[1].eval(f)
		case given.State == Present || s.below(n.args[0]) < 0:
			return BoolValue(false)
		default:
			return Value{}
		}
	}
	return out
}

func runAsked(n *node, f *frame) Value {
	if isOpen(f.facts[n.fact]) {
		return Value{}
	}
	return runKnown(n, f)
}

// copied is a node over the variables.
func (s *solving) copied(n *node) *node {
	switch n.op {
	case opFact:
		return s.read(n)
	case opKnown:
		return s.asked(n.fact)
	}
	out := *n
	out.args = make([]*node, len(n.args))
	for i, a := range n.args {
		out.args[i] = s.copied(a)
	}
	if n.op == opTouches {
		out.fact = s.of(n.fact)
		return s.guarded(n.fact, &out)
	}
	return &out
}

// condition is a condition over variables whose values stand for all.
func (s *solving) condition(n *node) *node {
	switch n.op {
	case opConst:
		return n
	case opFact:
		return s.read(n)
	case opKnown:
		return s.asked(n.fact)
	case opNot, opAnd, opOr, opChoice:
		return s.joined(n)
	case opTouches:
		return s.touched(n)
	case opAny, opAll, opNone, opInList:
		return s.overList(n)
	case opIn:
		return s.comparedAs(n, n.args[0], n.kind)
	case opEqual, opNotEqual, opLess, opAtMost, opGreater, opAtLeast:
		return s.compared(n)
	}
	if s.ofWords(n) {
		return s.copied(n)
	}
	return s.anything(n, s.space.Vocabulary.text(n))
}

func (s *solving) joined(n *node) *node {
	out := *n
	out.args = make([]*node, len(n.args))
	for i, a := range n.args {
		out.args[i] = s.condition(a)
	}
	return &out
}

// touched takes each pattern for a part of its own.
func (s *solving) touched(n *node) *node {
	var out *node
	for _, glob := range n.texts {
		one := s.anything(n, "touches("+glob+")")
		if out == nil {
			out = one
			continue
		}
		out = &node{op: opOr, kind: Bool, run: runOr, args: []*node{out, one}}
	}
	return s.guarded(n.fact, out)
}

// overList keeps what looks at the elements of one list alone.
func (s *solving) overList(n *node) *node {
	list := n.args[len(n.args)-1]
	if n.op != opInList {
		list = n.args[0]
	}
	alone := n.op == opInList && n.args[0].op == opConst || n.op != opInList && ofElement(n.args[1])
	if !alone || !s.listed[list.fact] {
		out := s.anything(n, s.space.Vocabulary.text(n))
		if list.op != opFact {
			return out
		}
		return s.guarded(list.fact, out)
	}
	e := edges{s.space.Vocabulary, map[int]*edge{}}
	e.walk(n, nil)
	at := &s.vars[s.of(list.fact)].edge
	at.texts = append(at.texts, e.at(list.fact).texts...)
	out := *n
	out.args = slices.Clone(n.args)
	out.args[slices.Index(n.args, list)] = &node{op: opFact, kind: List, run: runFact, fact: s.of(list.fact)}
	return s.guarded(list.fact, &out)
}

// swapped are the comparisons that say the same of their operands in turn, and
// opposite those that say the opposite: one of each pair is enough to tell what
// is alike.
var (
	swapped  = map[op]op{opGreater: opLess, opAtMost: opAtLeast}
	opposite = map[op]op{opNotEqual: opEqual, opAtLeast: opLess}
)

func (s *solving) compared(n *node) *node {
	a, b := n.args[0], n.args[1]
	switch {
	case a.kind == Bool:
		return s.joined(n)
	case a.kind == Text && n.op != opEqual && n.op != opNotEqual, !a.fixed && !b.fixed:
		return s.alike(n)
	case a.fixed && b.fixed:
		return n
	case a.fixed:
		return s.comparedAs(n, b, b.kind)
	}
	return s.comparedAs(n, a, a.kind)
}

// alike takes a comparison for anything, the same as its opposite in reverse.
func (s *solving) alike(n *node) *node {
	sign, a, b := n.op, n.args[0], n.args[1]
	if turned, ok := swapped[sign]; ok {
		sign, a, b = turned, b, a
	}
	base, not := opposite[sign]
	if not {
		sign = base
	}
	left, right := s.space.Vocabulary.inner(a), s.space.Vocabulary.inner(b)
	if sign == opEqual && right < left {
		left, right = right, left
	}
	out := s.anything(n, left+" "+signs[sign]+" "+right)
	if not {
		return &node{op: opNot, kind: Bool, run: runNot, args: []*node{out}}
	}
	return out
}

// comparedAs keeps a comparison of a term with constants.
func (s *solving) comparedAs(n, term *node, kind Type) *node {
	if term.op != opFact && s.ofWords(n) {
		return s.copied(n)
	}
	var subject *node
	i := -1
	if term.op == opFact {
		subject, i = s.read(term), s.of(term.fact)
	} else {
		subject = s.anything(term, s.space.Vocabulary.text(term))
		i = subject.fact
	}
	at, exact := &s.vars[i].edge, true
	for _, number := range n.ints {
		if n.op == opIn && term.kind == Int {
			at.constant(n.op, constant(Int, IntValue(number)))
		}
	}
	if n.op == opIn && term.kind == Text {
		at.texts = append(at.texts, n.texts...)
	}
	for _, a := range n.args {
		if a == term {
			continue
		}
		value := a.eval(&frame{})
		if value.State != Present || a.kind == Float && term.kind == Int && math.Abs(value.Float) >= 1<<53 {
			exact = false
			break
		}
		at.constant(n.op, constant(a.kind, value))
	}
	if !exact {
		return s.alike(n)
	}
	out := *n
	out.args = slices.Clone(n.args)
	out.args[slices.Index(n.args, term)] = subject
	return &out
}

// interval is where a number lies, as far as its parts say; nil where they do
// not.
func (s *solving) interval(n *node) *Range {
	v := s.space.Vocabulary
	switch {
	case n.kind != Int && n.kind != Float:
		return nil
	case n.op == opConst && n.kind == Int:
		return &Range{float64(n.value.Int), float64(n.value.Int)}
	case n.op == opConst:
		return &Range{n.value.Float, n.value.Float}
	case n.op == opFact:
		if r, ok := s.space.Ranges[n.fact]; ok {
			return &r
		}
		return n.lies
	case n.op == opCount:
		return &Range{0, float64(v.facts[n.args[0].fact].Items)}
	case n.op == opChoice:
		return hull(s.interval(n.args[1]), s.interval(n.args[2]))
	case n.op != opCompute:
		return nil
	case n.name == "len" && n.args[0].op == opFact && n.args[0].kind == List:
		return &Range{0, float64(v.facts[n.args[0].fact].Items)}
	case n.name == "len":
		return &Range{0, math.Inf(1)}
	}
	parts := make([]*Range, len(n.args))
	for i, a := range n.args {
		if parts[i] = s.interval(a); parts[i] == nil && n.name != "abs" {
			return nil
		}
	}
	return computed(n.name, parts)
}

func hull(a, b *Range) *Range {
	if a == nil || b == nil {
		return nil
	}
	return &Range{min(a.Least, b.Least), max(a.Most, b.Most)}
}

// computed is where the outcome of a computation lies. Decimals round without
// changing their order, so the ends of the parts give the ends.
func computed(name string, parts []*Range) *Range {
	if name == "abs" {
		return &Range{0, math.Inf(1)}
	}
	a := parts[0]
	if len(parts) == 1 {
		switch name {
		case "-":
			return &Range{-a.Most, -a.Least}
		case "decimal":
			return a
		}
		return nil
	}
	b := parts[1]
	out := (*Range)(nil)
	switch name {
	case "+":
		out = &Range{a.Least + b.Least, a.Most + b.Most}
	case "-":
		out = &Range{a.Least - b.Most, a.Most - b.Least}
	case "min":
		out = &Range{min(a.Least, b.Least), min(a.Most, b.Most)}
	case "max":
		out = &Range{max(a.Least, b.Least), max(a.Most, b.Most)}
	case "*":
		corners := []float64{a.Least * b.Least, a.Least * b.Most, a.Most * b.Least, a.Most * b.Most}
		out = &Range{slices.Min(corners), slices.Max(corners)}
	}
	if out == nil || math.IsNaN(out.Least) || math.IsNaN(out.Most) {
		return nil
	}
	return out
}
