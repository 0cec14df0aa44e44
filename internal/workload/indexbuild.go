package workload

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
)

// indexBuilder numbers the predicates of a [Index] and posts its clauses.
type indexBuilder struct {
	Index
	sample []Change
	tests  []Condition // of the predicates, in the order of their numbers
	shares []float64   // how often each of them is true
	number map[string]uint32
}

// NewIndex builds the index. What is rare it learns from a sample of other changes.
func NewIndex(w *Workload) *Index {
	b := &indexBuilder{sample: Sample(), number: map[string]uint32{}}
	b.predicates(w.Rules)
	b.tables()
	b.clauses(w.Rules)
	n := len(b.tests)/64 + 1
	b.sure, b.maybe, b.known = make([]uint64, n), make([]uint64, n), make([]uint64, len(b.lazy)/64+1)
	b.found, b.open, b.lowers = make([]uint64, len(w.Rules)/64+1), make([]uint64, len(w.Rules)/64+1), make([]uint64, len(w.Rules)/64+1)
	for i, r := range w.Rules {
		if b.points = append(b.points, r.Points); r.Points < 0 {
			b.lowers[i/64] |= 1 << (i % 64)
		}
	}
	return &b.Index
}

// kindOf groups operations that share a table; the lazy ones are last.
func kindOf(op Op) int {
	switch op {
	case Equal, In, Has, IsTrue:
		return 0
	case Above, AtLeast:
		return 1
	case Below, AtMost:
		return 2
	case AnyStart, Starts:
		return 3
	case AnyEnd:
		return 4
	}
	return 5
}

// normal makes of the four comparisons two: x > c is x >= the next number.
func normal(t Condition) Condition {
	switch t.Op {
	case Above:
		t.Op, t.Number = AtLeast, math.Nextafter(t.Number, math.Inf(1))
	case Below:
		t.Op, t.Number = AtMost, math.Nextafter(t.Number, math.Inf(-1))
	}
	return t
}

func keyOf(t Condition) string {
	return fmt.Sprint(t.Op, t.Field, t.By, t.Texts, math.Float64bits(t.Number))
}

// predicates numbers all tests, each once: by kind, then by field, then in
// ascending order.
func (b *indexBuilder) predicates(rules []Rule) {
	seen := map[string]bool{}
	for i := range rules {
		for _, clause := range rules[i].When.Clauses() {
			for _, l := range clause {
				if t := normal(l.Test); !seen[keyOf(t)] {
					seen[keyOf(t)] = true
					b.tests = append(b.tests, t)
				}
			}
		}
	}
	slices.SortStableFunc(b.tests, func(s, t Condition) int {
		order := cmp.Or(cmp.Compare(kindOf(s.Op), kindOf(t.Op)), cmp.Compare(s.Field, t.Field), cmp.Compare(s.Number, t.Number))
		if order == 0 && kindOf(s.Op) == 3 {
			return cmp.Compare(s.Texts[0], t.Texts[0])
		}
		return order
	})
	b.tests = append([]Condition{{}}, b.tests...) // number 0 is always true
	b.shares = make([]float64, len(b.tests))
	for n, t := range b.tests {
		b.number[keyOf(t)] = uint32(n)
		b.shares[n] = b.share(t)
	}
}

func (b *indexBuilder) share(t Condition) float64 {
	if t.Op == 0 || kindOf(t.Op) == 5 {
		return 1
	}
	n := 0.5
	for i := range b.sample {
		if t.Holds(&b.sample[i]) {
			n++
		}
	}
	return n / float64(len(b.sample)+1)
}

// tables makes the tables that find the true predicates of a change.
func (b *indexBuilder) tables() {
	b.labels = valueTable{}
	for f := range b.texts {
		b.texts[f] = valueTable{}
	}
	b.late = uint32(len(b.tests))
	for i := 1; i < len(b.tests); i++ {
		n, t := uint32(i), b.tests[i]
		if kindOf(t.Op) == 5 {
			b.late = min(b.late, n)
			b.lazy = append(b.lazy, newLazyTest(t))
			continue
		}
		b.inField(t.Field, n)
		switch t.Op {
		case Equal, In:
			b.texts[t.Field].add(t.Texts, n)
		case Has:
			b.labels.add(t.Texts, n)
		case IsTrue:
			b.flags[t.Field] = run{n, n + 1}
		case AtLeast:
			b.rising[t.Field].add(t.Number, n)
		case AtMost:
			b.falling[t.Field].add(t.Number, n)
		case AnyStart:
			b.starts.add(t.Texts[0], n)
		case Starts:
			b.titles.add(t.Texts[0], n)
		case AnyEnd:
			b.ends.add(t.Texts[0], n)
		}
	}
}

func newLazyTest(t Condition) lazyTest {
	if t.Op != Matches {
		return lazyTest{t, nil}
	}
	return lazyTest{t, regexp.MustCompile(t.Texts[0])}
}

// inField extends the last run of the field, or begins one.
func (b *indexBuilder) inField(f Field, n uint32) {
	if of := b.fields[f]; len(of) > 0 && of[len(of)-1].to == n {
		of[len(of)-1].to++
		return
	}
	b.fields[f] = append(b.fields[f], run{n, n + 1})
}

func (t valueTable) add(values []string, n uint32) {
	for _, v := range values {
		t[v] = append(t[v], n)
	}
}

func (t *thresholds) add(at float64, n uint32) {
	if len(t.of) == 0 {
		t.from = n
	}
	t.of = append(t.of, at)
}

func (t *prefixTable) add(s string, n uint32) {
	if len(t.of) == 0 {
		t.from = n
	}
	parent := int32(len(t.of)) - 1
	for parent >= 0 && !hasPrefix(s, t.of[parent]) {
		parent = t.parent[parent]
	}
	t.of, t.parent = append(t.of, s), append(t.parent, parent)
}

func hasPrefix(s, prefix string) bool { return len(s) >= len(prefix) && s[:len(prefix)] == prefix }

func (t *suffixTable) add(s string, n uint32) {
	last := s[len(s)-1]
	t.any, t.of[last] = true, append(t.of[last], suffix{s, n})
}

// clauses posts every clause under the predicate that is most rarely true.
func (b *indexBuilder) clauses(rules []Rule) {
	under := make([][]post, len(b.tests))
	for i := range rules {
		for _, clause := range rules[i].When.Clauses() {
			at, literals := b.leader(clause)
			if len(literals) > 3 {
				panic("a clause of the workload has more than four tests")
			}
			p := post{rule: uint32(i)}
			copy(p.need[:], literals)
			p.lazy = slices.ContainsFunc(literals, func(l uint32) bool { return l/2 >= b.late })
			if at == 0 {
				b.always = append(b.always, p)
			} else {
				under[at] = append(under[at], p)
			}
		}
	}
	for _, posts := range under {
		b.span = append(b.span, uint32(len(b.posts)))
		b.posts = append(b.posts, posts...)
	}
	b.span = append(b.span, uint32(len(b.posts)))
}

// leader is the predicate that leads to a clause, or 0, and the other
// literals, those first that are most rarely true.
func (b *indexBuilder) leader(clause []Literal) (at uint32, rest []uint32) {
	for _, l := range clause {
		n := b.number[keyOf(normal(l.Test))]
		switch {
		case l.Not:
			rest = append(rest, 2*n+1)
		case n < b.late && (at == 0 || b.shares[n] < b.shares[at]):
			if at != 0 {
				rest = append(rest, 2*at)
			}
			at = n
		default:
			rest = append(rest, 2*n)
		}
	}
	slices.SortStableFunc(rest, func(l, m uint32) int { return cmp.Compare(b.often(l), b.often(m)) })
	return at, rest
}

// often is how often a literal is true; the lazy ones come last.
func (b *indexBuilder) often(l uint32) float64 {
	switch n := l / 2; {
	case n >= b.late:
		return 2
	case l%2 != 0:
		return 1 - b.shares[n]
	default:
		return b.shares[n]
	}
}
