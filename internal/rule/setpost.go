package rule

import (
	"cmp"
	"math"
	"slices"
)

// clause is a rule and three literals that must hold besides the one that the
// clause is posted under, or literal 0, which always does. A clause of more, or
// of opaque ones, which are asked last, has only two here and in the place of
// the third where the others begin in Set.more.
type clause [4]uint32

// The marks of the first word of a clause that has more literals, and of the
// last of those.
const (
	moreLiterals = 1 << 31
	lastLiteral  = 1 << 31
)

// posting decides under which literals each clause can be found.
type posting struct {
	*layout
	share   []float32 // how often a literal holds, as far as its looks tell; 1 and more is never posted under
	posted  []posted
	seconds []second
}

// posted is one clause on its way.
type posted struct {
	rule, first, second uint32
	rest                []uint32
}

// second is where a clause lies that is looked for by its second literal while
// a column is not known.
type second struct {
	column  uint16
	literal uint32
	place   uint32
}

// collect expands all rules and chooses the literals of each clause.
func (p *posting) collect(rules int) {
	s := p.set
	p.share = make([]float32, int(s.firstOpaque)+2*len(s.opaque))
	for i := range p.share {
		p.share[i] = p.shareOf(uint32(i))
	}
	x := expansion{code: s.code}
	for i := range rules {
		clauses := x.clauses(s.only[i], s.when[i])
		for _, clause := range clauses {
			for k, literal := range clause {
				clause[k] = p.literalAt[literal]
			}
			p.choose(uint32(i), clause)
		}
		if sole := p.posted[len(p.posted)-1]; s.only[i] == 0 && len(clauses) == 1 && len(sole.rest) <= 3 {
			s.plain[i>>6] |= 1 << (i & 63)
		}
		if x.loose || p.asks(s.only[i]) || p.asks(s.when[i]) {
			s.decide[i>>6] |= 1 << (i & 63)
		}
	}
}

// asks reports whether the tree at a place has an opaque literal.
func (p *posting) asks(at uint32) bool {
	if at == 0 {
		return false
	}
	end := at + 1
	if word := p.set.code[at]; word&treeGroup != 0 {
		end += word & treeSize
	}
	return slices.ContainsFunc(p.set.code[at:end], func(word uint32) bool {
		return word&treeGroup == 0 && p.literalAt[word] >= p.set.firstOpaque
	})
}

// shareOf guesses how often a literal holds: one of many known values seldom,
// a threshold by its place among those of its column.
func (p *posting) shareOf(i uint32) float32 {
	if i == 0 || i >= p.set.firstOpaque {
		return 2 // opaque ones are tested last
	}
	literal := &p.literals[p.literalIn[i]]
	column := &p.set.columns[literal.column]
	switch {
	case literal.kind == literalAtMost:
		return place(column.atMost, column.atMost.first+uint32(len(column.atMost.all))-1-i)
	case literal.kind == literalAbove:
		return place(column.above, i-column.above.first)
	case literal.negated:
		return 1
	}
	share := float32(0)
	for _, v := range literal.values {
		share += p.shareOfValue(column, p.values[v].class)
	}
	return min(share, 0.9)
}

func place(n ascending, rank uint32) float32 { return float32(rank+1) / float32(len(n.all)+1) }

func (p *posting) shareOfValue(c *column, class valueClass) float32 {
	known, times := int(c.words.known), float32(1)
	if class == valueWord && c.kind == columnText {
		known = max(known, len(p.vocabulary.facts[c.fact].Words))
	}
	if class >= valuePrefix {
		known, times = 9, 2
	}
	if class == valueNumber {
		known = len(c.equal.all) + 3
	}
	if c.kind == columnList {
		times *= 2
	}
	return times / float32(known+1)
}

// choose picks the two literals that a clause is looked for by, the rarest and
// the rarest of those on another fact, and puts the rarer ones first.
func (p *posting) choose(rule uint32, clause []uint32) {
	slices.SortFunc(clause, func(a, b uint32) int { return cmp.Or(cmp.Compare(p.share[a], p.share[b]), cmp.Compare(a, b)) })
	c := posted{rule: rule, rest: clause}
	if len(clause) > 0 && p.share[clause[0]] < 1 {
		c.first, c.rest = clause[0], clause[1:]
		for _, literal := range c.rest {
			if p.share[literal] < 1 && p.fact(literal) != p.fact(c.first) {
				c.second = literal
				break
			}
		}
	}
	p.posted = append(p.posted, c)
}

func (p *posting) fact(literal uint32) uint32 { return p.set.columns[p.set.of[literal]].fact }

// few is how many clauses may be posted under another literal to make a column
// late that takes long to read.
const few = 8

// spare posts clauses under their second literals, if that makes late a column
// of texts that are searched.
func (p *posting) spare() {
	count, fixed := make([]int, len(p.set.columns)), make([]bool, len(p.set.columns))
	for _, c := range p.posted {
		if c.first != 0 {
			column := p.set.of[c.first]
			count[column]++
			fixed[column] = fixed[column] || c.second == 0 || p.slow(c.second)
		}
	}
	for i := range p.posted {
		c := &p.posted[i]
		if column := p.set.of[c.first]; c.first != 0 && p.slow(c.first) && !fixed[column] && count[column] <= few {
			c.rest[slices.Index(c.rest, c.second)] = c.first
			c.first, c.second = c.second, c.first
		}
	}
}

func (p *posting) slow(literal uint32) bool { return p.set.columns[p.set.of[literal]].slow() }

// slow reports whether it takes long to read the column.
func (c *column) slow() bool { return c.kind == columnList || c.searched() }

// post writes the clauses in the order of the literals they are posted under.
func (p *posting) post() {
	s := p.set
	slices.SortStableFunc(p.posted, func(a, b posted) int { return cmp.Compare(a.first, b.first) })
	s.clauses, s.clauseFrom = make([]clause, 0, len(p.posted)), make([]uint32, s.firstOpaque+1)
	literal := uint32(0)
	for _, c := range p.posted {
		for ; literal < c.first; literal++ {
			s.clauseFrom[literal+1] = uint32(len(s.clauses))
		}
		if c.first != 0 {
			p.seconds = append(p.seconds, second{s.of[c.first], c.second, uint32(len(s.clauses))})
		}
		s.clauses = append(s.clauses, p.clause(c))
	}
	for ; literal < s.firstOpaque; literal++ {
		s.clauseFrom[literal+1] = uint32(len(s.clauses))
	}
	s.most = 1
	for i := uint32(1); i < s.firstOpaque; i++ {
		if s.clauseFrom[i] < s.clauseFrom[i+1] {
			s.most++
		}
	}
}

func (p *posting) clause(c posted) clause {
	s, out := p.set, clause{c.rule}
	if n := len(c.rest); n == 0 || n <= 3 && c.rest[n-1] < s.firstOpaque {
		copy(out[1:], c.rest)
		return out
	}
	here := 0
	for here < 2 && c.rest[here] < s.firstOpaque {
		here++
	}
	copy(out[1:3], c.rest[:here])
	out[0], out[3] = c.rule|moreLiterals, uint32(len(s.more))
	s.more = append(s.more, c.rest[here:]...)
	s.more[len(s.more)-1] |= lastLiteral
	return out
}

// postSecond lists the clauses of each column by their second literals.
func (p *posting) postSecond() {
	s := p.set
	slices.SortFunc(p.seconds, func(a, b second) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(a.literal, b.literal), cmp.Compare(a.place, b.place))
	})
	s.second = make([]uint32, len(p.seconds))
	column, literal := -1, uint32(math.MaxUint32)
	for i, c := range p.seconds {
		s.second[i] = c.place
		if int(c.column) != column || c.literal != literal {
			if int(c.column) != column {
				s.columns[c.column].seconds = uint32(len(s.secondLit))
			}
			column, literal = int(c.column), c.literal
			s.secondLit, s.secondFrom = append(s.secondLit, literal), append(s.secondFrom, uint32(i))
			s.columns[c.column].secondsEnd = uint32(len(s.secondLit))
		}
	}
	s.secondFrom = append(s.secondFrom, uint32(len(p.seconds)))
}
