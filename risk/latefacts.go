package risk

import (
	"slices"

	"github.com/changelane/changelane/change"
)

// lateFacts reads the facts of one change after another, and some of them only
// when they are asked for: of a change that few rules look at, most facts need
// not be read.
type lateFacts struct {
	first   *Reader
	late    []factReader // by fact; those that are first have none
	all     []uint64     // the late ones, as bits
	some    bool         // there are late ones
	unread  []uint64
	reading reading
	facts   *Facts
}

// newLateFacts reads first what every assessment looks at. Facts that may have
// no meaning for the service are decided over all that was read, and leave
// nothing for later.
func newLateFacts(rs *RuleSet, to *Facts) *lateFacts {
	v := rs.vocabulary
	n := len(v.defs)
	l := &lateFacts{first: v.Reader(rs), late: make([]factReader, n), all: make([]uint64, n/64+1), unread: make([]uint64, n/64+1), facts: to}
	if l.first.applies {
		return l
	}
	first := rs.set.First()
	for _, b := range rs.bands {
		first = append(slices.Clip(first), b.fact)
	}
	for _, one := range l.first.facts {
		if i := one.fact; !slices.Contains(first, i) {
			l.late[i] = one
			l.all[i>>6] |= 1 << (i & 63)
			l.some = true
		}
	}
	l.first = v.reader(first)
	return l
}

// begin turns to another change.
func (l *lateFacts) begin(c *change.Change, s Situation) {
	copy(l.unread, l.all)
	l.first.read(&l.reading, c, s, l.facts)
}

// need reads a fact, unless that was done.
func (l *lateFacts) need(i int) {
	if word := &l.unread[i>>6]; *word>>(i&63)&1 != 0 {
		l.reading.fill(l.facts, l.late[i:i+1])
		*word &^= 1 << (i & 63) // not before: a reading that fails must fail again, not leave the fact of an earlier change
	}
}
