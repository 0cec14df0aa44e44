package rule

import (
	"maps"
	"slices"
)

// A column that no clause is posted under is late: it is read only when a
// clause is found that tests it. Until then all of its literals hold, as those of
// a column do that is not known, so that no clause is missed.

// perLate is how many clauses there may be for each late column, so that
// looking at the clauses a second time takes less than reading the columns; a
// slow column counts for four.
const perLate = 20

// putOff says which columns are late. In a set of many rules none are, as
// nearly all would be read for one of the rules or another.
func (p *posting) putOff() {
	s := p.set
	var all, early, late []*column
	saved := 0
	for i := range s.columns {
		c := &s.columns[i]
		if all = append(all, c); s.clauseFrom[c.lo] < s.clauseFrom[c.hi] {
			early = append(early, c)
		} else {
			late = append(late, c)
			if saved++; c.slow() {
				saved += 3
			}
		}
	}
	s.start, s.first = s.base, s.reads
	if perLate*saved < len(s.clauses) {
		early, late = all, nil
	}
	if s.early = early; late == nil {
		return
	}
	s.first = p.lookedAt(early)
	s.start, s.late = slices.Clone(s.base), make([]uint64, len(s.columns)/64+1)
	for _, c := range late {
		s.late[c.number>>6] |= 1 << (c.number & 63)
		fill(s.start, c.lo, c.hi)
	}
}

// lookedAt lists the facts that some columns hold, and those that the opaque
// conditions read, which do not say when.
func (p *posting) lookedAt(columns []*column) []int {
	facts := map[int]bool{}
	for _, c := range columns {
		facts[int(c.fact)] = true
	}
	for i := range p.set.opaque {
		mark(facts, reads(p.set.opaque[i].node))
	}
	return slices.Sorted(maps.Keys(facts))
}

// settled reports whether the literals of a clause hold, but for opaque ones,
// and reads the late columns that it takes.
func (r *Run) settled(c *clause) bool {
	if c[0] < moreLiterals {
		return r.has(c[3]) && r.settle(c[1]) && r.settle(c[2]) && r.settle(c[3])
	}
	if !r.settle(c[1]) || !r.settle(c[2]) {
		return false
	}
	for _, word := range r.set.more[c[3]:] {
		if literal := word &^ lastLiteral; literal < r.set.firstOpaque && !r.settle(literal) {
			return false
		}
		if word >= lastLiteral {
			break
		}
	}
	return true
}

// settle reports whether a literal holds, which is not opaque.
func (r *Run) settle(literal uint32) bool {
	of := r.set.of[literal]
	if word, bit := &r.unread[of>>6], uint64(1)<<(of&63); *word&bit != 0 {
		*word &^= bit
		c := &r.set.columns[of]
		restore(r.holds, r.set.base, c.lo, c.hi)
		if r.fetch != nil {
			r.fetch(int(c.fact))
		}
		r.columns([]*column{c}, r.frame.facts)
	}
	return r.has(literal)
}

func (r *Run) has(literal uint32) bool { return r.holds[literal>>6]>>(literal&63)&1 != 0 }

// restore copies a range of bits.
func restore(to, from []uint64, first, end uint32) {
	for i := first; i < end; {
		next := min(end, (i|63)+1)
		mask := ^uint64(0) << (i & 63) & (^uint64(0) >> (63 - (next-1)&63))
		to[i>>6] = to[i>>6]&^mask | from[i>>6]&mask
		i = next
	}
}
