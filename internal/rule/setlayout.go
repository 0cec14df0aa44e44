package rule

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// NewSet makes a set of rules over a vocabulary. It keeps nothing of the
// expressions but the conditions that it cannot take apart.
func NewSet(v *Vocabulary, rules []Pair) *Set {
	b := &builder{vocabulary: v, columnOf: map[columnKey]uint16{}, valueOf: map[valueKey]uint32{}, literalOf: map[literalKey]uint32{},
		opaqueOf: map[string]int{}, computedOf: map[string]uint32{}, trees: map[*Expr]uint32{}, named: map[namedKey][]uint32{}, code: []uint32{0}, literals: []literal{{}}}
	s := &Set{only: make([]uint32, len(rules)), when: make([]uint32, len(rules)), decide: make([]uint64, (len(rules)+63)/64), plain: make([]uint64, (len(rules)+63)/64)}
	reads := map[int]bool{}
	for i, r := range rules {
		s.only[i], s.when[i] = b.tree(r.Only), b.tree(r.When)
		for _, e := range []*Expr{r.Only, r.When} {
			if e != nil {
				reads = mark(mark(reads, e.reads), e.asks)
			}
		}
	}
	s.reads = slices.Sorted(maps.Keys(reads))
	s.columns, s.opaque, s.computed, s.code = b.columns, b.opaque, b.computed, slices.Clip(b.code)
	l := layout{builder: b, set: s}
	l.placeValues()
	l.placeLiterals()
	l.setColumns()
	l.setTurns()
	p := posting{layout: &l}
	p.collect(len(rules))
	p.spare()
	p.post()
	p.postSecond()
	p.putOff()
	for i, word := range s.code[1:] {
		if word&treeGroup == 0 {
			s.code[i+1] = l.literalAt[word]
		}
	}
	return s
}

func mark(set map[int]bool, members []int) map[int]bool {
	for _, m := range members {
		set[m] = true
	}
	return set
}

// layout gives values and literals their final numbers: those of one column,
// and those that hold together, lie beside each other.
type layout struct {
	*builder
	set       *Set
	valueAt   []uint32 // final numbers by those of the builder
	literalAt []uint32
	valuesIn  []uint32 // and back
	literalIn []uint32
}

func (l *layout) placeValues() {
	compare := func(i, j uint32) int {
		a, b := &l.values[i], &l.values[j]
		return cmp.Or(cmp.Compare(searched(a.class), searched(b.class)), cmp.Compare(a.column, b.column), cmp.Compare(a.class, b.class),
			cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text), cmp.Compare(i, j))
	}
	l.valueAt, l.valuesIn = placed(len(l.values), compare)
}

// searched is 1 for the values that tries find.
func searched(class valueClass) int {
	if class >= valuePrefix {
		return 1
	}
	return 0
}

// placeLiterals puts the opaque ones last. Literal 0 is the first of a column
// that does not exist.
func (l *layout) placeLiterals() {
	compare := func(i, j uint32) int {
		a, b := &l.literals[i], &l.literals[j]
		if a.kind == literalOpaque || b.kind == literalOpaque || i == 0 || j == 0 {
			return cmp.Or(cmp.Compare(min(i, 1), min(j, 1)), cmp.Compare(a.kind/literalOpaque, b.kind/literalOpaque))
		}
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.kind, b.kind), cmp.Compare(a.cut, b.cut), cmp.Compare(i, j))
	}
	l.literalAt, l.literalIn = placed(len(l.literals), compare)
	plain := slices.IndexFunc(l.literalIn, func(i uint32) bool { return l.literals[i].kind == literalOpaque })
	if plain < 0 {
		plain = len(l.literals)
	}
	l.literalIn = l.literalIn[:plain]
	l.set.firstOpaque = uint32(plain)
	for i, literal := range l.literals {
		if literal.kind == literalOpaque {
			l.literalAt[i] = l.set.firstOpaque + uint32(2*literal.opaque)
			if literal.negated {
				l.literalAt[i]++
			}
		}
	}
}

// placed sorts the numbers under n and says where each went, and from where
// each came.
func placed(n int, compare func(i, j uint32) int) (at, from []uint32) {
	at, from = make([]uint32, n), make([]uint32, n)
	for i := range from {
		from[i] = uint32(i)
	}
	slices.SortFunc(from, compare)
	for i, was := range from {
		at[was] = uint32(i)
	}
	return at, from
}

// setColumns fills in what each column looks up.
func (l *layout) setColumns() {
	s := l.set
	s.base = make([]uint64, (int(s.firstOpaque)+2*len(s.opaque)+63)/64)
	s.of = make([]uint16, s.firstOpaque)
	s.base[0], s.of[0] = 1, uint16(len(s.columns))
	for i := uint32(1); i < s.firstOpaque; i++ {
		literal := &l.literals[l.literalIn[i]]
		column := &s.columns[literal.column]
		if column.hi == 0 {
			column.lo = i
		}
		column.hi = i + 1
		s.of[i] = literal.column
		switch literal.kind {
		case literalAtMost:
			column.atMost.add(literal.cut, i)
		case literalAbove:
			column.above.add(literal.cut, i)
		default:
			if literal.negated {
				s.base[i>>6] |= 1 << (i & 63)
			}
		}
	}
	l.setValues()
}

// add adds a number, and what it stands for.
func (n *ascending) add(number int64, stands uint32) {
	if n.all == nil {
		n.first = stands
	}
	n.all = append(n.all, number)
}

func (l *layout) setValues() {
	s := l.set
	s.tries.first = uint32(len(l.values))
	for i := 0; i < len(l.valuesIn); {
		v := &l.values[l.valuesIn[i]]
		column, end := &s.columns[v.column], i+1
		for end < len(l.valuesIn) && l.values[l.valuesIn[end]].column == v.column && l.values[l.valuesIn[end]].class == v.class {
			end++
		}
		switch v.class {
		case valueWord:
			column.words = newWords(l.texts(i, end), uint32(i))
			column.byWord = l.byWord(column)
			i = end
		case valueNumber:
			for ; i < end; i++ {
				column.equal.add(l.values[l.valuesIn[i]].number, uint32(i))
			}
		default:
			s.tries.first = min(s.tries.first, uint32(i))
			l.setTrie(column, v.class, i, end)
			i = end
		}
	}
}

// byWord is the values of a text by the number that its words have, so that they
// need not be looked for; nil where the words are not numbered.
func (l *layout) byWord(c *column) []uint32 {
	words := l.vocabulary.facts[c.fact].Words
	if c.kind != columnText || words == nil {
		return nil
	}
	out := make([]uint32, len(words)+1)
	for i, text := range words {
		if value, ok := c.words.find(text); ok {
			out[i+1] = value + 1
		}
	}
	return out
}

func (l *layout) texts(from, to int) []string {
	texts := make([]string, to-from)
	for k := range texts {
		texts[k] = l.values[l.valuesIn[from+k]].text
	}
	return texts
}

func (l *layout) setTrie(column *column, class valueClass, from, to int) {
	for _, i := range l.valuesIn[from:to] {
		l.set.tries.globs = append(l.set.tries.globs, l.values[i].glob)
	}
	texts := l.texts(from, to)
	e := l.set.tries.entry(l.set.tries.grown(texts, uint32(from), 0))
	switch class {
	case valuePrefix:
		column.prefix = e
	case valueSuffix:
		column.suffix = e
	default:
		column.infix, column.skips = e, newSkips(texts)
	}
}

// setTurns lists by value the literals that it turns.
func (l *layout) setTurns() {
	s := l.set
	s.turnsFrom = make([]uint32, len(l.values)+1)
	each := func(visit func(value, turn uint32)) {
		for i := uint32(1); i < s.firstOpaque; i++ {
			literal := &l.literals[l.literalIn[i]]
			turn := i << 1
			if !literal.negated {
				turn++
			}
			for _, v := range literal.values {
				visit(l.valueAt[v], turn)
			}
		}
	}
	each(func(value, _ uint32) { s.turnsFrom[value+1]++ })
	for v := range l.values {
		s.turnsFrom[v+1] += s.turnsFrom[v]
	}
	s.turns = make([]uint32, s.turnsFrom[len(l.values)])
	next := slices.Clone(s.turnsFrom)
	each(func(value, turn uint32) {
		s.turns[next[value]] = turn
		next[value]++
	})
}
