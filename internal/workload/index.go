package workload

import (
	"math"
	"math/bits"
	"regexp"
	"strings"
)

// Index is the limit that the rule engine is measured against: the index
// that somebody would write by hand, in plain Go, for exactly the changes and
// the kinds of tests of the  Every test is a predicate with a number.
// Those of one field are numbered one after the other, thresholds ascending, so
// that what a value makes true is a run of bits. A clause is posted under the
// predicate that is most rarely true, and the rest of it is looked up in the
// bits. It allocates nothing, and is not safe for concurrent use.
type Index struct {
	texts   [Exposure + 1]valueTable // Title apart
	rising  [NumFields]thresholds    // true for what is at least
	falling [NumFields]thresholds    // true for what is at most
	flags   [NumFields]run
	labels  valueTable
	starts  prefixTable // of paths
	titles  prefixTable // of titles
	ends    suffixTable // of paths
	lazy    []lazyTest
	late    uint32 // the first of the predicates that are decided when asked for
	fields  [NumFields][]run

	posts  []post
	span   []uint32 // by predicate: where its posts begin; those of the last end at the next
	points []int
	lowers []uint64 // bits of the rules that count only when they hold
	always []post   // clauses that no predicate leads to

	sure, maybe  []uint64 // bits of the predicates
	known        []uint64 // bits of the lazy predicates that are decided
	found, open  []uint64 // bits of the rules
	candidates   []run    // of posts whose predicate holds
	hanging      []run    // of posts whose predicate hangs on a missing fact
	matched      []uint32
	change       *Change
	missing      Fields
	score, level int
}

// run is a run of numbers, from the first to before the end.
type run struct{ from, to uint32 }

// post is a clause under one of its predicates: its rule, and up to three
// further literals, the number of a predicate and in the lowest bit whether it
// is negated. Predicate 0 is always true.
type post struct {
	rule uint32
	need [3]uint32
	lazy bool // one of the predicates is
}

// lazyTest is a predicate that no table finds.
type lazyTest struct {
	Condition
	pattern *regexp.Regexp // of Matches
}

// holds decides the test.
func (t *lazyTest) holds(c *Change) bool {
	switch t.Op {
	case Contains:
		return strings.Contains(c.Title, t.Texts[0])
	case Matches:
		return t.pattern.MatchString(c.Title)
	default:
		return t.Holds(c)
	}
}

// valueTable maps a value to the predicates that it makes true.
type valueTable map[string][]uint32

// thresholds are ascending; the predicate of the first is number from.
type thresholds struct {
	from uint32
	of   []float64
}

// prefixTable has sorted prefixes, and for each the longest other one that it
// begins with, or -1.
type prefixTable struct {
	from   uint32
	of     []string
	parent []int32
}

// suffixTable has the suffixes by their last byte.
type suffixTable struct {
	any bool
	of  [256][]suffix
}

type suffix struct {
	text      string
	predicate uint32
}

// Match gives the rules that count, in their order, the score, and the rank of
// the level; the list is good until the next change.
func (x *Index) Match(c *Change, missing Fields) (matched []uint32, score, level int) {
	clear(x.sure)
	clear(x.known)
	clear(x.found)
	x.candidates, x.change, x.missing = x.candidates[:0], c, missing
	x.sure[0] = 1
	x.readTexts(c)
	x.readNumbers(c)
	x.readFlag(Downtime, c.Downtime)
	x.readFlag(Backout, c.Backout)
	x.readLists(c)
	if missing == 0 {
		x.search()
	} else {
		x.searchOpen()
	}
	x.count()
	return x.matched, x.score, x.level
}

func (x *Index) readTexts(c *Change) {
	x.readText(Service, c.Service)
	x.readText(Team, c.Team)
	x.readText(Environment, c.Environment)
	x.readText(Region, c.Region)
	x.readText(Kind, c.Kind)
	x.readText(RequesterTeam, c.RequesterTeam)
	x.readText(Exposure, c.Exposure)
}

func (x *Index) readText(f Field, value string) {
	if len(x.texts[f]) == 0 || x.missing.Has(f) {
		return
	}
	for _, p := range x.texts[f][value] {
		x.holds(p)
	}
}

// holds says that a predicate is true.
func (x *Index) holds(p uint32) {
	x.sure[p/64] |= 1 << (p % 64)
	x.follow(p, p+1)
}

// follow takes the posts under a run of predicates as candidates.
func (x *Index) follow(from, to uint32) {
	if begin, end := x.span[from], x.span[to]; begin < end {
		x.candidates = append(x.candidates, run{begin, end})
	}
}

func (x *Index) readNumbers(c *Change) {
	x.readNumber(Tier, float64(c.Tier))
	x.readNumber(LinesAdded, float64(c.LinesAdded))
	x.readNumber(LinesDeleted, float64(c.LinesDeleted))
	x.readNumber(Files, float64(c.Files))
	x.readNumber(Targets, float64(c.Targets))
	x.readNumber(Changes30d, float64(c.Changes30d))
	x.readNumber(Failures90d, float64(c.Failures90d))
	x.readNumber(Developers, float64(c.Developers))
	x.readNumber(FailureRate, c.FailureRate)
	x.readNumber(TeamFailureRate, c.TeamFailureRate)
	x.readNumber(HoursSinceFailure, c.HoursSinceFailure)
}

func (x *Index) readNumber(f Field, value float64) {
	if x.missing.Has(f) {
		return
	}
	if t := &x.rising[f]; len(t.of) > 0 {
		if n := t.atMost(value); n > 0 {
			x.hold(t.from, t.from+n)
		}
	}
	if t := &x.falling[f]; len(t.of) > 0 {
		if n := t.atMost(math.Nextafter(value, -1)); int(n) < len(t.of) {
			x.hold(t.from+n, t.from+uint32(len(t.of)))
		}
	}
}

// atMost is how many of the thresholds are at most the value.
func (t *thresholds) atMost(value float64) uint32 {
	from, n := 0, len(t.of)
	for n > 1 {
		half := n / 2
		if t.of[from+half-1] <= value {
			from += half
		}
		n -= half
	}
	if t.of[from] <= value {
		from++
	}
	return uint32(from)
}

// hold says that a run of predicates is true.
func (x *Index) hold(from, to uint32) {
	fill(x.sure, from, to)
	x.follow(from, to)
}

// fill sets the bits of a run that is not empty.
func fill(set []uint64, from, to uint32) {
	first, last := from/64, (to-1)/64
	low, high := ^uint64(0)<<(from%64), ^uint64(0)>>(63-(to-1)%64)
	if first == last {
		set[first] |= low & high
		return
	}
	set[first] |= low
	for w := first + 1; w < last; w++ {
		set[w] = ^uint64(0)
	}
	set[last] |= high
}

func (x *Index) readFlag(f Field, value bool) {
	if r := x.flags[f]; value && r.from < r.to && !x.missing.Has(f) {
		x.holds(r.from)
	}
}

func (x *Index) readLists(c *Change) {
	if len(x.labels) > 0 && !x.missing.Has(Labels) {
		for _, l := range c.Labels {
			for _, p := range x.labels[l] {
				x.holds(p)
			}
		}
	}
	if !x.missing.Has(Title) {
		x.startsWith(&x.titles, c.Title)
	}
	if x.missing.Has(Paths) {
		return
	}
	if len(x.starts.of) > 0 {
		for _, p := range c.Paths {
			x.startsWith(&x.starts, p)
		}
	}
	if x.ends.any {
		for _, p := range c.Paths {
			x.endsWith(p)
		}
	}
}

// startsWith finds the last prefix that sorts before the text, and from it the
// ones that the text begins with: they all begin with one another.
func (x *Index) startsWith(t *prefixTable, s string) {
	from, to := 0, len(t.of)
	for from < to {
		if middle := (from + to) / 2; t.of[middle] <= s {
			from = middle + 1
		} else {
			to = middle
		}
	}
	for i := int32(from) - 1; i >= 0; i = t.parent[i] {
		if p := t.from + uint32(i); !x.has(p) && strings.HasPrefix(s, t.of[i]) {
			x.holds(p)
		}
	}
}

func (x *Index) endsWith(s string) {
	if s == "" {
		return
	}
	for _, e := range x.ends.of[s[len(s)-1]] {
		if !x.has(e.predicate) && strings.HasSuffix(s, e.text) {
			x.holds(e.predicate)
		}
	}
}

func (x *Index) has(p uint32) bool { return x.sure[p/64]>>(p%64)&1 != 0 }

// search looks at the candidates where all facts are known.
func (x *Index) search() {
	for _, r := range x.candidates {
		x.try(x.posts[r.from:r.to])
	}
	x.try(x.always)
}

func (x *Index) try(posts []post) {
	sure := x.sure
	for i := range posts {
		p := &posts[i]
		if p.lazy {
			x.decideAll(p)
		}
		if !bit(sure, p.need[0]) || !bit(sure, p.need[1]) || !bit(sure, p.need[2]) {
			continue
		}
		x.found[p.rule/64] |= 1 << (p.rule % 64)
	}
}

// bit is whether a literal holds.
func bit(sure []uint64, l uint32) bool { return (sure[l/128]>>(l/2%64)^uint64(l))&1 != 0 }

// decideAll decides the lazy predicates of a post, unless it fails without.
func (x *Index) decideAll(p *post) {
	for _, l := range p.need {
		if n := l / 2; n >= x.late {
			x.decide(n)
		}
		if !bit(x.sure, l) {
			return
		}
	}
}

// decide decides a lazy predicate once.
func (x *Index) decide(p uint32) {
	if n := p - x.late; x.known[n/64]>>(n%64)&1 == 0 {
		x.known[n/64] |= 1 << (n % 64)
		if x.lazy[n].holds(x.change) {
			x.sure[p/64] |= 1 << (p % 64)
		}
	}
}

// searchOpen looks at the candidates where facts are missing: everything that
// hangs on one is a candidate too.
func (x *Index) searchOpen() {
	copy(x.maybe, x.sure)
	clear(x.open)
	led := x.candidates
	x.candidates = x.hanging[:0]
	for m := uint32(x.missing); m != 0; m &= m - 1 {
		for _, r := range x.fields[bits.TrailingZeros32(m)] {
			fill(x.maybe, r.from, r.to)
			x.follow(r.from, r.to)
		}
	}
	for i := range x.lazy {
		if p := x.late + uint32(i); x.hangs(&x.lazy[i]) {
			fill(x.maybe, p, p+1)
		} else if x.decide(p); x.has(p) {
			fill(x.maybe, p, p+1)
		}
	}
	for _, r := range x.candidates {
		x.tryOpen(x.posts[r.from:r.to], false)
	}
	x.candidates, x.hanging = led, x.candidates
	for _, r := range led {
		x.tryOpen(x.posts[r.from:r.to], true)
	}
	x.tryOpen(x.always, true)
}

// hangs reports whether a test hangs on a missing fact.
func (x *Index) hangs(test *lazyTest) bool {
	return x.missing.Has(test.Field) || test.Op == Ratio && x.missing.Has(test.By)
}

// tryOpen tries posts; led says whether the predicate that led to them holds.
func (x *Index) tryOpen(posts []post, led bool) {
next:
	for i := range posts {
		p, sure := &posts[i], led
		for _, l := range p.need {
			n := l / 2
			holds, could := x.sure[n/64]>>(n%64)&1 != 0, x.maybe[n/64]>>(n%64)&1 != 0
			if l%2 != 0 {
				holds, could = !could, !holds
			}
			if !could {
				continue next
			}
			sure = sure && holds
		}
		if x.open[p.rule/64] |= 1 << (p.rule % 64); sure {
			x.found[p.rule/64] |= 1 << (p.rule % 64)
		}
	}
}

// count adds up the rules that were found, and those left open that raise.
func (x *Index) count() {
	x.matched, x.score = x.matched[:0], 0
	vouched := false
	for w, word := range x.found {
		vouched = vouched || word&x.lowers[w] != 0
		if x.missing != 0 {
			word |= x.open[w] &^ x.lowers[w]
		}
		for ; word != 0; word &= word - 1 {
			r := uint32(w*64 + bits.TrailingZeros64(word))
			x.matched = append(x.matched, r)
			x.score += x.points[r]
		}
	}
	x.level = Level(x.score, vouched)
}
