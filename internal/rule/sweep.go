package rule

import (
	"math/bits"
	"sort"
)

// A block of rows is decided at a time, so that its bitmaps stay in the cache.
const (
	blockWords = 32
	BlockRows  = 64 * blockWords
)

// Rows are some of the rows of a block, the first row the lowest bit of the
// first word.
type Rows [blockWords]uint64

// Has reports whether the row is one of them.
func (r *Rows) Has(row int) bool { return r[row/64]>>(row%64)&1 == 1 }

// Union are the rows of both.
func Union(a, b *Rows) (out Rows) {
	for w := range out {
		out[w] = a[w] | b[w]
	}
	return out
}

// Planes are the rows of a block by verdict. A row in none of them is False.
type Planes struct{ True, Unknown, NotApplicable, Fault Rows }

// tile are planes, and whether any row is neither True nor False.
type tile struct {
	Planes
	spoilt  bool
	block   int // for which block, from 1
	settled Rows
}

// clear empties the planes. Most of the time all but the first are empty.
func (d *tile) clear() {
	if d.True = (Rows{}); d.spoilt {
		d.Planes, d.spoilt = Planes{}, false
	}
}

// Sweep is the scratch of one goroutine that goes over the blocks of a plan.
type Sweep struct {
	plan  *Plan
	first int // row of the block
	last  int
	valid Rows
	of    []tile // by piece
	facts []Value
}

// NewSweep makes a sweep, at the first block.
func (p *Plan) NewSweep() *Sweep {
	s := &Sweep{plan: p, of: make([]tile, len(p.pieces)), facts: make([]Value, len(p.columns.of))}
	s.Block(0)
	return s
}

// Block moves to the block number n, and says which rows it holds: from first
// to before last.
func (s *Sweep) Block(n int) (first, last int) {
	s.first = n * BlockRows
	s.last = min(s.first+BlockRows, s.plan.rows)
	s.valid = Rows{}
	for row := range max(s.last-s.first, 0) {
		s.valid[row/64] |= 1 << (row % 64)
	}
	return s.first, s.last
}

// All are the rows of the block.
func (s *Sweep) All() Rows { return s.valid }

// Missing are the rows of the block in which one of the facts is unknown.
func (s *Sweep) Missing(facts []int) (out Rows) {
	for _, fact := range facts {
		for w, word := range s.plan.columns.of[fact].spoilt[Unknown].block(s.first) {
			out[w] |= word & s.valid[w]
		}
	}
	return out
}

// Decide decides a condition over the rows of the block. The planes are valid
// until the sweep moves to another block.
func (s *Sweep) Decide(condition int) *Planes { return &s.decide(condition, &s.valid).Planes }

// decide decides a piece, at least for the rows that somebody cares for.
func (s *Sweep) decide(i int, care *Rows) *tile {
	d, p := &s.of[i], &s.plan.pieces[i]
	block := s.first/BlockRows + 1
	switch {
	case p.slow:
	case d.block == block:
		return d
	default:
		care = &s.valid // whoever asks next may care for other rows
	}
	if p.kind == pieceRows {
		s.rows(p, d, block, care)
		return d
	}
	switch d.block = block; p.kind {
	case pieceAnd:
		s.and(p, d, care)
	case pieceOr:
		s.or(p, d, care)
	case pieceNot:
		s.not(p, d, care)
	default:
		d.clear()
		s.leaf(p, d)
	}
	return d
}

// and: see runAnd. What is False on one side needs no other.
func (s *Sweep) and(p *piece, d *tile, care *Rows) {
	a := s.decide(p.args[0], care)
	rest, any := *care, uint64(0)
	for w := range rest {
		rest[w] &= a.True[w] | a.Unknown[w] | a.NotApplicable[w] | a.Fault[w]
		any |= rest[w]
	}
	if d.clear(); any == 0 {
		return
	}
	b := s.decide(p.args[1], &rest)
	if d.spoilt = a.spoilt || b.spoilt; !d.spoilt {
		for w := range rest {
			d.True[w] = a.True[w] & b.True[w]
		}
		return
	}
	for w := range rest {
		open := (a.True[w] | a.Unknown[w] | a.NotApplicable[w] | a.Fault[w]) & (b.True[w] | b.Unknown[w] | b.NotApplicable[w] | b.Fault[w])
		d.True[w] = a.True[w] & b.True[w]
		d.Fault[w] = (a.Fault[w] | b.Fault[w]) & open
		d.Unknown[w] = (a.Unknown[w] | b.Unknown[w]) & open &^ d.Fault[w]
		d.NotApplicable[w] = (a.NotApplicable[w] | b.NotApplicable[w]) & open &^ d.Fault[w] &^ d.Unknown[w]
	}
}

// or: see runOr. What is True on one side needs no other.
func (s *Sweep) or(p *piece, d *tile, care *Rows) {
	a := s.decide(p.args[0], care)
	rest := *care
	for w := range rest {
		rest[w] &^= a.True[w]
	}
	b := s.decide(p.args[1], &rest)
	d.clear()
	if d.spoilt = a.spoilt || b.spoilt; !d.spoilt {
		for w := range rest {
			d.True[w] = a.True[w] | b.True[w]
		}
		return
	}
	for w := range rest {
		d.True[w] = a.True[w] | b.True[w]
		d.Fault[w] = (a.Fault[w] | b.Fault[w]) &^ d.True[w]
		d.Unknown[w] = (a.Unknown[w] | b.Unknown[w]) &^ d.True[w] &^ d.Fault[w]
		d.NotApplicable[w] = (a.NotApplicable[w] | b.NotApplicable[w]) &^ d.True[w] &^ d.Fault[w] &^ d.Unknown[w]
	}
}

func (s *Sweep) not(p *piece, d *tile, care *Rows) {
	a := s.decide(p.args[0], care)
	if d.clear(); a.spoilt {
		d.Planes, d.spoilt = a.Planes, true
	}
	for w := range d.True {
		d.True[w] = s.valid[w] &^ (a.True[w] | a.Unknown[w] | a.NotApplicable[w] | a.Fault[w])
	}
}

// rows decides row by row what no column tells, once for each row.
func (s *Sweep) rows(p *piece, d *tile, block int, care *Rows) {
	if d.block != block {
		d.clear()
		d.settled, d.block = Rows{}, block
	}
	for w := range care {
		for open := care[w] &^ d.settled[w]; open != 0; open &= open - 1 {
			row := w*64 + bits.TrailingZeros64(open)
			for _, fact := range p.reads {
				s.facts[fact] = s.plan.columns.of[fact].value(s.first + row)
			}
			d.put(row, p.node.eval(&frame{facts: s.facts}))
		}
		d.settled[w] |= care[w]
	}
}

func (d *tile) put(row int, v Value) {
	bit := uint64(1) << (row % 64)
	switch d.spoilt = d.spoilt || v.State != Present; {
	case v.State == Faulty:
		d.Fault[row/64] |= bit
	case v.State == Unknown:
		d.Unknown[row/64] |= bit
	case v.State == NotApplicable:
		d.NotApplicable[row/64] |= bit
	case v.Bool:
		d.True[row/64] |= bit
	}
}

// leaf decides a condition about one fact.
func (s *Sweep) leaf(p *piece, d *tile) {
	c := s.plan.columns.of[p.fact]
	gone := s.spoilt(c, d)
	switch p.kind {
	case pieceKnown:
		for w := range d.True {
			d.True[w] = s.valid[w] &^ gone[w]
		}
		d.Unknown, d.NotApplicable = Rows{}, Rows{}
		return
	case pieceRange:
		s.inRange(c, p, d)
	case pieceAll:
		s.all(c, p, d, gone)
		return
	case pieceValue, pieceAny:
		s.stands(c, p, d)
	}
	for w := range d.True {
		d.True[w] &^= gone[w]
	}
}

// spoilt notes the rows that have no value, and gives them together.
func (s *Sweep) spoilt(c *factColumn, d *tile) (gone Rows) {
	for state, plane := range [...]*Rows{Unknown: &d.Unknown, NotApplicable: &d.NotApplicable, Faulty: &d.Fault} {
		if plane == nil {
			continue // Present
		}
		for w, word := range c.spoilt[state].block(s.first) {
			plane[w] = word & s.valid[w]
			gone[w] |= plane[w]
			d.spoilt = d.spoilt || plane[w] != 0
		}
	}
	return gone
}

// stands finds the rows in which one of the values stands.
func (s *Sweep) stands(c *factColumn, p *piece, d *tile) {
	if p.stands != nil {
		copy(d.True[:], p.stands.block(s.first))
		return
	}
	for _, number := range p.numbers {
		for _, row := range c.rowsOf(number, s.first, s.last) {
			row -= uint32(s.first)
			d.True[row/64] |= 1 << (row % 64)
		}
	}
}

// all: no element is one of those for which it does not hold; an empty list is
// no evidence, see runAll.
func (s *Sweep) all(c *factColumn, p *piece, d *tile, gone Rows) {
	s.stands(c, p, d)
	for row := range s.last - s.first {
		w, bit := row/64, uint64(1)<<(row%64)
		if len(c.elements(s.first+row)) == 0 && gone[w]&bit == 0 {
			d.Unknown[w] |= bit
			gone[w] |= bit
			d.spoilt = true
		}
	}
	for w := range d.True {
		d.True[w] = s.valid[w] &^ d.True[w] &^ gone[w]
	}
}

// inRange finds the rows whose number lies in the range of the piece.
func (s *Sweep) inRange(c *factColumn, p *piece, d *tile) {
	b := &c.blocks[s.first/BlockRows]
	below := func(row uint16) bool { return c.ints[s.first+int(row)] < p.low.Int }
	above := func(row uint16) bool { return c.ints[s.first+int(row)] > p.high.Int }
	if c.fact.Type == Float {
		below = func(row uint16) bool { return c.floats[s.first+int(row)] < p.low.Float }
		above = func(row uint16) bool { return c.floats[s.first+int(row)] > p.high.Float }
	}
	first, last := b.count(below), b.count(func(row uint16) bool { return !above(row) })
	if first >= last {
		return
	}
	d.True = b.until(last)
	if first > 0 {
		for w, word := range b.until(first) {
			d.True[w] &^= word
		}
	}
}

// count is how many of the first numbers, in order, are so.
func (b *numberBlock) count(so func(row uint16) bool) int {
	return sort.Search(len(b.order), func(i int) bool { return !so(b.order[i]) })
}
