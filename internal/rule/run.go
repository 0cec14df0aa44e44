package rule

import (
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// Run is the scratch of one goroutine that decides with a [Set].
type Run struct {
	set      *Set
	holds    []uint64  // by literal: it is not False
	states   []Verdict // by column: True where it is known; the last stands for that of literal 0
	open     []uint16  // the columns that are not
	unread   []uint64  // the late columns that were not read yet
	spans    []stretch // clauses to scan
	asked    []Verdict // by opaque condition: 0 when it was not asked for yet, else its verdict and 1
	computed []outcome
	frame    frame
	listed   []uint64  // rules to list
	words    []uint64  // words of listed that are not 0
	verdicts []Verdict // by rule, of those listed that are plain
	out      []Decided
	failed   string // why nothing could be decided
	fetch    func(fact int)
}

// stretch is a part of Set.clauses.
type stretch struct{ from, to uint32 }

// NewFetchingRun is NewRun for facts of which only those in [Set.First] are
// filled when it decides. Before it looks at another one it fetches it, which
// may be more than once.
func (s *Set) NewFetchingRun(fetch func(fact int)) *Run {
	r := s.NewRun()
	r.fetch = fetch
	return r
}

// NewRun makes the scratch that one goroutine decides with.
func (s *Set) NewRun() *Run {
	words, states := (s.Len()+63)/64, make([]Verdict, len(s.columns)+1)
	for i := range states {
		states[i] = IsTrue
	}
	return &Run{
		set: s, holds: make([]uint64, len(s.base)), states: states, verdicts: make([]Verdict, s.Len()), unread: make([]uint64, len(s.late)), open: make([]uint16, 0, len(s.columns)),
		spans: make([]stretch, 0, s.most), asked: make([]Verdict, len(s.opaque)), computed: make([]outcome, len(s.computed)),
		listed: make([]uint64, words), words: make([]uint64, (words+63)/64), out: make([]Decided, 0, s.Len()),
	}
}

// Decide lists, ascending, the rules of which neither condition is False or
// NotApplicable. The facts are as for [Expr.Eval]; only those in [Set.Reads]
// need be filled. The answer is valid until the next call. Nothing is allocated
// but the texts that conditions join or change.
func (r *Run) Decide(facts []Value) (out []Decided) {
	defer func() {
		if p := recover(); p != nil {
			out = r.fail(fmt.Sprintf("the rule failed: %v", p))
		}
	}()
	r.failed, r.frame.facts = "", facts
	clear(r.asked)
	clear(r.computed)
	r.read(facts)
	if len(r.open) == 0 && r.set.late == nil {
		for _, s := range r.spans {
			r.scan(s.from, s.to)
		}
		return r.list()
	}
	for _, s := range r.spans {
		r.scanOpen(s.from, s.to, IsTrue)
	}
	for _, column := range r.open {
		r.scanSecond(&r.set.columns[column], r.states[column])
	}
	return r.list()
}

// fail lists all rules as faults: what cannot be decided counts.
func (r *Run) fail(why string) []Decided {
	clear(r.listed)
	clear(r.words)
	r.failed, r.out = why, r.out[:0]
	for i := range r.set.when {
		r.out = append(r.out, Decided{int32(i), unless(r.set.only[i] == 0), unless(r.set.when[i] == 0)})
	}
	return r.out
}

func unless(absent bool) Verdict {
	if absent {
		return IsTrue
	}
	return IsFault
}

// read finds out which literals hold, and what is to be scanned for them.
func (r *Run) read(facts []Value) {
	s := r.set
	for _, i := range r.open {
		r.states[i] = IsTrue
	}
	copy(r.holds, s.start)
	copy(r.unread, s.late)
	r.open, r.spans = r.open[:0], r.spans[:0]
	r.push(0, 1)
	if n := len(s.reads); n > 0 {
		_ = facts[s.reads[n-1]] // too few facts are none
	}
	r.columns(s.early, facts)
}

// columns reads some of the columns.
func (r *Run) columns(some []*column, facts []Value) {
	for _, c := range some {
		v := &facts[c.fact]
		if v.State != Present || v.Float-v.Float != 0 {
			r.unknown(c, stateOf(v))
			continue
		}
		switch c.kind {
		case columnTruth:
			r.number(c, int64(oneIf(v.Bool)))
		case columnWhole:
			r.number(c, v.Int)
		case columnDecimal:
			r.number(c, ordered(v.Float))
		case columnText:
			r.word(c, v)
			r.search(c, v.Text)
		case columnList:
			r.elements(c, v.List)
		default:
			r.number(c, extent(c.kind, v))
		}
	}
}

// extent is what a column holds of a fact that is present, besides the fact.
func extent(kind columnKind, v *Value) int64 {
	switch kind {
	case columnLength:
		return int64(utf8.RuneCountInString(v.Text))
	case columnCount:
		return int64(len(v.List))
	}
	return 1 // columnKnown
}

// unknown notes that a column is not known; whether a fact is present is, unless
// reading it failed.
func (r *Run) unknown(c *column, state Verdict) {
	if c.kind == columnKnown && state != IsFault {
		r.number(c, 0)
		return
	}
	r.open, r.states[c.number] = append(r.open, c.number), state
	fill(r.holds, c.lo, c.hi)
}

// stateOf is the state of a fact, as runFact sees it; True where it is present.
func stateOf(v *Value) Verdict {
	switch v.State {
	case Present:
		if v.Float-v.Float != 0 { // an infinity, or no number
			return IsFault
		}
		return IsTrue
	case Faulty:
		return IsFault
	case NotApplicable:
		return IsNotApplicable
	}
	return IsUnknown
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *Run) number(c *column, x int64) {
	if n := rank(c.atMost.all, x); n > 0 {
		r.hold(c.atMost.first, c.atMost.first+uint32(n))
	}
	if n := rank(c.above.all, x); n < len(c.above.all) {
		r.hold(c.above.first+uint32(n), c.above.first+uint32(len(c.above.all)))
	}
	if n := rank(c.equal.all, x); n > 0 && c.equal.all[n-1] == x {
		r.turn(c.equal.first + uint32(n) - 1)
	}
}

// rank counts the numbers that are at most x; they are ascending. A few are
// counted without a branch: on which side of one x lies cannot be foretold.
func rank(all []int64, x int64) int {
	const few = 8
	n, size := 0, len(all)
	for size > few {
		half := size / 2
		if all[n+half-1] <= x {
			n += half
		}
		size -= half
	}
	for _, k := range all[n : n+size] {
		n += oneIf(k <= x)
	}
	return n
}

// hold turns on a range of literals that is not empty.
func (r *Run) hold(from, to uint32) {
	fill(r.holds, from, to)
	r.push(from, to)
}

// word looks for the value that a text is: by the number of the word, where it
// has one.
func (r *Run) word(c *column, v *Value) {
	if v.Word <= 0 || int(v.Word) >= len(c.byWord) {
		r.text(c, v.Text)
	} else if value := c.byWord[v.Word]; value > 0 {
		r.turn(value - 1)
	}
}

// text looks for the value that a text, or an element, is.
func (r *Run) text(c *column, text string) {
	if c.words.slots != nil {
		if v, ok := c.words.find(text); ok {
			r.turn(v)
		}
	}
}

// turn turns the literals of a value that was met, as often as it is met.
func (r *Run) turn(value uint32) {
	s := r.set
	for _, turn := range s.turns[s.turnsFrom[value]:s.turnsFrom[value+1]] {
		literal := turn >> 1
		word, bit := &r.holds[literal>>6], uint64(1)<<(literal&63)
		switch on := turn&1 != 0; {
		case !on:
			*word &^= bit
		case *word&bit == 0:
			*word |= bit
			r.push(literal, literal+1)
		}
	}
}

// push notes the clauses that are posted under a range of literals.
func (r *Run) push(from, to uint32) {
	if a, b := r.set.clauseFrom[from], r.set.clauseFrom[to]; a < b {
		r.spans = append(r.spans, stretch{a, b})
	}
}

// fill sets a range of bits.
func fill(words []uint64, from, to uint32) {
	if from >= to {
		return
	}
	first, last := from>>6, (to-1)>>6
	head, tail := ^uint64(0)<<(from&63), ^uint64(0)>>(63-(to-1)&63)
	if first == last {
		words[first] |= head & tail
		return
	}
	words[first] |= head
	for i := first + 1; i < last; i++ {
		words[i] = ^uint64(0)
	}
	words[last] |= tail
}

// scan lists the rules of the clauses between two places of which all literals
// hold.
func (r *Run) scan(from, to uint32) {
	clauses, holds := r.set.clauses[from:to], r.holds
	for i := range clauses {
		if c := &clauses[i]; c.starts(holds) && r.restHolds(c) {
			r.mark(c[0] &^ moreLiterals)
		}
	}
}

// starts reports whether the first two literals of a clause hold. Few clauses
// do, and which of the literals does not is as good as random, so the two are
// looked at together.
func (c *clause) starts(holds []uint64) bool {
	return holds[c[1]>>6]>>(c[1]&63)&(holds[c[2]>>6]>>(c[2]&63))&1 != 0
}

// scanOpen is scan where columns are not known, or not read yet; key is the state of the column
// of the literal that the clauses are posted under.
func (r *Run) scanOpen(from, to uint32, key Verdict) {
	clauses, holds := r.set.clauses[from:to], r.holds
	for i := range clauses {
		if c := &clauses[i]; c.starts(holds) {
			r.meet(c, key)
		}
	}
}

// meet lists the rule of a clause that starts, if all of it holds. It notes what
// the clause is, for rules that are no more than one.
func (r *Run) meet(c *clause, key Verdict) {
	if r.set.late != nil && !r.settled(c) || !r.restHolds(c) {
		return
	}
	rule := c[0] &^ moreLiterals
	r.mark(rule)
	if c[0] == rule {
		of, states := r.set.of, r.states
		r.verdicts[rule] = min(key, states[of[c[1]]], states[of[c[2]]], states[of[c[3]]])
	}
}

func (r *Run) restHolds(c *clause) bool {
	if c[0] >= moreLiterals {
		return r.moreHold(c[3])
	}
	return r.holds[c[3]>>6]>>(c[3]&63)&1 != 0
}

func (r *Run) mark(rule uint32) {
	r.listed[rule>>6] |= 1 << (rule & 63)
	r.words[rule>>12] |= 1 << (rule >> 6 & 63)
}

// moreHold reports whether the further literals of a clause hold.
func (r *Run) moreHold(at uint32) bool {
	for _, word := range r.set.more[at:] {
		literal := word &^ lastLiteral
		if r.holds[literal>>6]>>(literal&63)&1 == 0 && !r.askHolds(literal) {
			return false
		}
		if word >= lastLiteral {
			break
		}
	}
	return true
}

// scanSecond scans the clauses that are posted under literals of a column that
// is not known, where their second literals hold.
func (r *Run) scanSecond(c *column, state Verdict) {
	s := r.set
	for i := c.seconds; i < c.secondsEnd; i++ {
		if literal := s.secondLit[i]; r.holds[literal>>6]>>(literal&63)&1 != 0 {
			for _, place := range s.second[s.secondFrom[i]:s.secondFrom[i+1]] {
				if c := &s.clauses[place]; c.starts(r.holds) {
					r.meet(c, state)
				}
			}
		}
	}
}

// list decides what was listed and forgets it.
func (r *Run) list() []Decided {
	r.out = r.out[:0]
	for i, some := range r.words {
		for ; some != 0; some &= some - 1 {
			w := i<<6 | bits.TrailingZeros64(some)
			for listed := r.listed[w]; listed != 0; listed &= listed - 1 {
				if d := r.decide(w<<6|bits.TrailingZeros64(listed), listed&-listed); counts(d.Only) && counts(d.When) {
					r.out = append(r.out, d)
				}
			}
			r.listed[w] = 0
		}
		r.words[i] = 0
	}
	return r.out
}

// decide is what a rule is that is not False; bit is its own in a word. Where
// all is known, that is True, but for what its clauses do not say.
func (r *Run) decide(rule int, bit uint64) Decided {
	s, d := r.set, Decided{int32(rule), IsTrue, IsTrue}
	switch open := len(r.open) > 0; {
	case s.decide[rule>>6]&bit != 0, open && s.plain[rule>>6]&bit == 0:
		d.Only, d.When = r.condition(s.only[rule]), r.condition(s.when[rule])
	case open:
		d.When = r.verdicts[rule]
	}
	return d
}

func counts(v Verdict) bool { return v != IsFalse && v != IsNotApplicable }

// condition is the verdict of the tree at a place.
func (r *Run) condition(at uint32) Verdict {
	if at == 0 {
		return IsTrue
	}
	v, _ := r.truth(at)
	return v
}

// truth decides the tree at a place of the code, and says where the next one
// begins. False decides "and", True decides "or"; else it is the worst of the
// parts, and the verdicts are numbered from worst to best.
func (r *Run) truth(at uint32) (Verdict, uint32) {
	word := r.set.code[at]
	at++
	if word&treeGroup == 0 {
		return r.literal(word), at
	}
	end, decides, v := at+word&treeSize, IsFalse, IsTrue
	if word&treeOr != 0 {
		decides, v = IsTrue, IsFalse
	}
	for at < end {
		var part Verdict
		if word := r.set.code[at]; word&treeGroup == 0 {
			part, at = r.literal(word), at+1
		} else {
			part, at = r.truth(at)
		}
		if part == decides {
			return part, end
		}
		v = min(v, part)
	}
	return v, end
}

func (r *Run) literal(literal uint32) Verdict {
	if literal >= r.set.firstOpaque {
		return r.ask(literal)
	}
	if r.set.late != nil && !r.settle(literal) || !r.has(literal) {
		return IsFalse
	}
	return r.states[r.set.of[literal]]
}
