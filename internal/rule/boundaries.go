package rule

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Boundary is a fact that conditions read, with the values at and around which
// they can turn: those that boundary value analysis (ISTQB) would test.
type Boundary struct {
	Fact     int
	Values   []Value // present ones, each once, ascending where they have an order
	Asked    bool    // a condition asks whether the fact is known
	Measured bool    // a condition compares it, or its length, with numbers
	// Exact is set when the values stand for all others: whatever the fact may
	// be, some value here is treated alike by every part of the conditions that
	// looks at this fact alone, and no part looks at it together with others.
	Exact bool
}

// Boundaries lists the facts that the conditions read or ask for, ascending.
func Boundaries(v *Vocabulary, conditions ...*Expr) []Boundary {
	e := edges{v, map[int]*edge{}}
	for _, c := range conditions {
		if c != nil {
			e.walk(c.root, nil)
		}
	}
	var out []Boundary
	for i := range v.facts {
		if edge := e.of[i]; edge != nil {
			values, exact := edge.values(&v.facts[i])
			out = append(out, Boundary{i, values, edge.asked, edge.numbers != nil, exact})
		}
	}
	return out
}

// edges collects by fact what conditions compare it with.
type edges struct {
	vocabulary *Vocabulary
	of         map[int]*edge
}

type edge struct {
	whole   []int64   // numbers that are compared with it, where they are whole
	numbers []float64 // all of them; of a number; of a list, what its length or a count is compared with
	texts   []string  // that a text, or an element, is compared with
	parts   []string  // that it is searched for, or samples of what it is matched with
	asked   bool
	mixed   bool // it is looked at together with other facts, or in a way that values do not stand for
}

func (e *edges) at(fact int) *edge {
	if e.of[fact] == nil {
		e.of[fact] = &edge{}
	}
	return e.of[fact]
}

// walk looks at a node; loops are the lists of the loops around, innermost last.
func (e *edges) walk(n *node, loops []int) {
	switch n.op {
	case opFact:
		e.at(n.fact)
	case opKnown:
		e.at(n.fact).asked = true
	case opEqual, opNotEqual, opLess, opAtMost, opGreater, opAtLeast, opContains, opStartsWith, opEndsWith, opMatches, opIn, opInList:
		e.atom(n, loops)
	case opTouches:
		at := e.at(n.fact)
		for _, glob := range n.texts {
			at.parts = append(at.parts, strings.NewReplacer("**", "a", "*", "a", "?", "a").Replace(glob))
		}
	case opAny, opAll, opNone, opOne, opCount:
		e.walk(n.args[1], append(loops, n.args[0].fact))
		at := e.at(n.args[0].fact)
		at.mixed = at.mixed || n.op == opOne || n.op == opCount
	case opCompute:
		e.mix(n, loops)
	default:
		for _, a := range n.args {
			e.walk(a, loops)
		}
	}
}

// atom looks at one comparison: of one fact, or of the element of a loop, with
// constants, or of something that no value of one fact stands for.
func (e *edges) atom(n *node, loops []int) {
	subject, ok := e.subject(n, loops)
	if !ok {
		e.mix(n, loops)
		return
	}
	at := e.at(subject)
	if n.op == opIn && n.args[0].kind == Text {
		at.texts = append(at.texts, n.texts...)
	} else if n.op == opIn {
		for _, i := range n.ints {
			at.constant(n.op, constant(Int, IntValue(i)))
		}
	}
	if n.re != nil {
		at.parts, at.mixed = append(at.parts, samples(n.re.String())...), true
	}
	for _, a := range n.args {
		if a.op == opConst {
			at.constant(n.op, a)
		}
	}
}

func (at *edge) constant(o op, c *node) {
	switch {
	case c.kind == Int:
		at.whole, at.numbers = append(at.whole, c.value.Int), append(at.numbers, float64(c.value.Int))
	case c.kind == Float:
		at.numbers = append(at.numbers, c.value.Float)
	case c.kind == Text && (o == opContains || o == opStartsWith || o == opEndsWith):
		at.parts = append(at.parts, c.value.Text)
	case c.kind == Text && o != opEqual && o != opNotEqual && o != opInList:
		at.parts, at.mixed = append(at.parts, c.value.Text), true
	case c.kind == Text:
		at.texts = append(at.texts, c.value.Text)
	}
}

// subject is the one fact that an atom compares with constants: itself, by way
// of the element of a loop, by its length, or by a count over it.
func (e *edges) subject(n *node, loops []int) (fact int, ok bool) {
	fact = -1
	for _, a := range n.args {
		switch {
		case a.op == opConst:
			continue
		case fact >= 0:
			return 0, false
		case a.op == opFact:
			fact = a.fact
		case a.op == opElement && len(loops) > 0:
			fact = loops[len(loops)-1]
		case a.op == opCount:
			e.walk(a, loops)
			fact = a.args[0].fact
		default:
			return 0, false
		}
	}
	return fact, fact >= 0
}

// mix gives all facts below a node all numbers and texts below it.
func (e *edges) mix(n *node, loops []int) {
	var facts []int
	var constants []*node
	var gather func(*node)
	gather = func(n *node) {
		switch n.op {
		case opFact, opKnown, opTouches:
			facts = append(facts, n.fact)
		case opElement:
			facts = append(facts, loops...)
		case opConst:
			constants = append(constants, n)
		}
		for _, a := range n.args {
			gather(a)
		}
	}
	gather(n)
	for _, f := range facts {
		at := e.at(f)
		at.mixed, at.numbers = true, append(at.numbers, 0) // what leaves a sum to the others
		for _, c := range constants {
			at.constant(n.op, c)
		}
	}
}

// values are the values to try for a fact; exact as in Boundary.
func (at *edge) values(f *Fact) ([]Value, bool) {
	switch f.Type {
	case Bool:
		return []Value{BoolValue(false), BoolValue(true)}, !at.mixed
	case Int:
		return at.wholes(f), !at.mixed
	case Float:
		return at.decimals(f), !at.mixed
	case Text:
		return at.words(f), !at.mixed && len(at.parts) == 0
	default:
		return at.lists(f)
	}
}

func (at *edge) wholes(f *Fact) []Value {
	var out []int64
	for _, n := range at.whole {
		out = append(out, n-1, n, n+1)
	}
	for _, n := range at.numbers {
		if math.Abs(n) < 1<<53 {
			out = append(out, int64(math.Floor(n)), int64(math.Ceil(n)), int64(math.Floor(n))-1, int64(math.Ceil(n))+1)
		}
	}
	if out == nil {
		out = []int64{0, 1}
		if f.Range != nil {
			out = nil
			for _, end := range f.Range.ends() {
				out = append(out, int64(end))
			}
		}
	}
	slices.Sort(out)
	var values []Value
	for _, n := range slices.Compact(out) {
		if f.Range == nil || f.Range.holds(float64(n)) {
			values = append(values, IntValue(n))
		}
	}
	return values
}

func (at *edge) decimals(f *Fact) []Value {
	numbers := slices.Clone(at.numbers)
	if numbers == nil {
		numbers = []float64{0, 1}
		if f.Range != nil {
			numbers = f.Range.ends()
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	var out []float64
	for i, n := range numbers {
		below, above := beside(n)
		if i > 0 && below <= numbers[i-1] {
			below = numbers[i-1] + (n-numbers[i-1])/2
		}
		if i+1 < len(numbers) && above >= numbers[i+1] {
			above = n + (numbers[i+1]-n)/2
		}
		out = append(out, below, n, above)
	}
	slices.Sort(out)
	var values []Value
	for _, n := range slices.Compact(out) {
		if f.Range == nil || f.Range.holds(n) {
			values = append(values, FloatValue(n))
		}
	}
	return values
}

// ends are the numbers at which the range ends, where it does and where they are
// exact as whole numbers too.
func (r *Range) ends() []float64 {
	out := []float64{r.Least, r.Most}
	return slices.DeleteFunc(out, func(end float64) bool { return math.Abs(end) > 1<<53 })
}

// beside are the numbers with one digit more on both sides: 0.049 and 0.051 of
// 0.05, 4.9 and 5.1 of 5.
func beside(n float64) (below, above float64) {
	_, fraction, _ := strings.Cut(strconv.FormatFloat(n, 'f', -1, 64), ".")
	scale := math.Pow10(len(fraction) + 1)
	below, above = (math.Round(n*scale)-1)/scale, (math.Round(n*scale)+1)/scale
	if !(below < n && n < above) {
		return math.Nextafter(n, math.Inf(-1)), math.Nextafter(n, math.Inf(1))
	}
	return below, above
}

// fewWords is up to how many words of a closed set are all looked at.
const fewWords = 16

// words are the texts that are mentioned, and one that is not.
func (at *edge) words(f *Fact) []Value {
	mentioned := once(slices.Concat(at.texts, at.parts))
	if f.Words != nil {
		is := func(w string) bool { _, found := slices.BinarySearch(mentioned, w); return found }
		other := slices.IndexFunc(f.Words, func(w string) bool { return !is(w) })
		var out []Value
		for i, w := range f.Words {
			if len(f.Words) <= fewWords || i == other || is(w) {
				out = append(out, TextValue(w))
			}
		}
		return out
	}
	for _, p := range at.parts {
		mentioned = append(mentioned, p+"x", "x"+p, "x"+p+"x")
	}
	return textValues(append(mentioned, unlike(mentioned)))
}

// unlike is a text that is none of those.
func unlike(mentioned []string) string {
	other := "other"
	for slices.Contains(mentioned, other) {
		other += "-"
	}
	return other
}

func textValues(list []string) []Value {
	var out []Value
	for _, s := range once(list) {
		out = append(out, TextValue(s))
	}
	return out
}

func once(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return slices.Compact(out)
}

// lists are the subsets of the elements that are mentioned and one that is not,
// where there are few; else none, each, and all; and lists of the lengths that
// are mentioned.
func (at *edge) lists(f *Fact) ([]Value, bool) {
	elements := at.elements(f)
	const few = 4
	out := []Value{ListValue([]string{})}
	exact := len(elements) <= few && len(at.parts) == 0 && !at.mixed && len(at.numbers) == 0
	if len(elements) <= few {
		for set := 1; set < 1<<len(elements); set++ {
			var list []string
			for i, e := range elements {
				if set>>i&1 == 1 {
					list = append(list, e)
				}
			}
			out = append(out, ListValue(list))
		}
	} else {
		for _, e := range elements {
			out = append(out, ListValue([]string{e}))
		}
		out = append(out, ListValue(elements))
	}
	for _, n := range at.numbers {
		for size := int(n) - 1; size <= int(n)+1; size++ {
			if size > 0 && size <= min(f.Items, 100) {
				out = append(out, ListValue(repeated(elements, size, f)))
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Value) int { return cmp.Compare(len(a.List), len(b.List)) })
	return slices.CompactFunc(out, func(a, b Value) bool { return slices.Equal(a.List, b.List) }), exact
}

func (at *edge) elements(f *Fact) []string {
	var out []string
	for _, v := range at.words(f) {
		out = append(out, v.Text)
	}
	return out
}

// repeated is a list of a length, of the elements in turn, each marked apart
// where any text may be an element.
func repeated(elements []string, size int, f *Fact) []string {
	out := make([]string, size)
	for i := range out {
		out[i] = elements[i%len(elements)]
		if f.Words == nil && i >= len(elements) {
			out[i] += strconv.Itoa(i)
		}
	}
	return out
}
