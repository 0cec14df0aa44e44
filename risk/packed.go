package risk

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/rule"
)

// packed holds the rules in little memory: a rule set may have thousands, and a
// process several of them. Texts lie one behind the other, and what many rules
// have in common is there once.
type packed struct {
	rules    []packedRule // in file order
	names    string       // id and because of each rule
	whens    conditions
	lists    factLists
	bands    []bandCuts
	services []serviceCondition
	only     *rule.Set // decides the services, for those who ask for nothing else
	places   places
}

// packedRule is a rule without its texts. No more rules are allowed than its
// small numbers can tell apart.
type packedRule struct {
	at       int    // where its id begins in the names, with its because behind it
	because  uint32 // bytes
	group    int32  // or -1
	seen     uint16 // the list of the facts that it looks at or asks for
	asked    uint16 // the list of the facts that it or its "for" looks at
	only     int16  // its "for", or -1
	band     int16  // its bands, or -1
	points   int16
	id       uint8 // bytes
	floor    uint8 // rank, or 0
	observed bool
}

// bandCuts are the bands of one rule.
type bandCuts struct {
	fact int
	cuts []Cut
}

// serviceCondition is a "for" that some rules have.
type serviceCondition struct {
	text  string
	reads []int
}

// raises reports whether the rule raises scrutiny when it counts.
func (r *packedRule) raises() bool { return r.points > 0 || r.floor > 0 }

func (p *packed) id(r *packedRule) string { return p.names[r.at : r.at+int(r.id)] }

func (p *packed) because(r *packedRule) string {
	at := r.at + int(r.id)
	return p.names[at : at+int(r.because)]
}

// factLists are ascending lists of facts, one behind the other.
type factLists struct {
	facts []int32
	from  []uint32 // by list, where it begins; the last ends at the next
}

func (l *factLists) of(list uint16) []int32 { return l.facts[l.from[list]:l.from[list+1]] }

// add adds a list and gives its number.
func (l *factLists) add(facts []int) uint16 {
	if l.from == nil {
		l.from = []uint32{0}
	}
	for _, i := range facts {
		l.facts = append(l.facts, int32(i))
	}
	l.from = append(l.from, uint32(len(l.facts)))
	return uint16(len(l.from) - 2)
}

// packing puts the rules of a set into their packed form.
type packing struct {
	rs       *RuleSet
	pairs    []rule.Pair
	services []rule.Pair
	names    strings.Builder
	whens    []byte
	lists    map[string]uint16
	fors     map[string]int16
}

func newPacking(rs *RuleSet) *packing {
	return &packing{rs: rs, lists: map[string]uint16{}, fors: map[string]int16{}}
}

// add packs one rule. What it makes of a rule with faults is of no matter, as
// there will be no set.
func (p *packing) add(c *compiledRule) {
	r := packedRule{
		at: p.names.Len(), id: uint8(len(c.ID)), because: uint32(len(c.Because)), only: -1, group: int32(c.group), band: -1, points: int16(c.Points), floor: uint8(c.floor.rank), observed: c.Observed,
	}
	p.names.WriteString(c.ID)
	p.names.WriteString(c.Because)
	p.whens = appendText(p.whens, c.When)
	var reads, asks []int
	switch {
	case c.when != nil:
		reads, asks = c.when.Reads(), c.when.AsksPresence()
	case c.band >= 0:
		reads = []int{c.band}
		r.band = int16(len(p.rs.bands))
		p.rs.bands = append(p.rs.bands, bandCuts{c.band, slices.Clip(c.Cuts)})
	}
	r.seen, r.asked = p.list(reads, asks), p.list(reads, nil)
	if c.only != nil {
		r.only, r.asked = p.service(c), p.list(reads, c.only.Reads())
		p.rs.places.add(len(p.rs.rules), c.at("for"))
	}
	p.rs.rules = append(p.rs.rules, r)
	p.pairs = append(p.pairs, rule.Pair{Only: c.only, When: c.when})
}

// list finds the list that holds two lists of facts, ascending and without
// repeats, or makes it.
func (p *packing) list(a, b []int) uint16 {
	all := slices.Concat(a, b)
	slices.Sort(all)
	all = slices.Compact(all)
	var key []byte
	for _, i := range all {
		key = binary.AppendUvarint(key, uint64(i))
	}
	at, ok := p.lists[string(key)]
	if !ok {
		at = p.rs.lists.add(all)
		p.lists[string(key)] = at
	}
	return at
}

// service finds the condition that is the "for" of a rule among those of
// earlier rules, or adds it to them.
func (p *packing) service(c *compiledRule) int16 {
	at, ok := p.fors[c.For]
	if !ok {
		at = int16(len(p.rs.services))
		p.fors[c.For] = at
		p.rs.services = append(p.rs.services, serviceCondition{strings.Clone(c.For), slices.Clone(c.only.Reads())})
		p.services = append(p.services, rule.Pair{When: c.only})
	}
	return at
}

// close makes the sets, after which nothing holds the expressions.
func (p *packing) close() {
	rs := p.rs
	rs.names, rs.whens = strings.Clone(p.names.String()), compress(p.whens)
	rs.rules, rs.bands, rs.services = slices.Clone(rs.rules), slices.Clone(rs.bands), slices.Clone(rs.services)
	rs.lists = factLists{slices.Clone(rs.lists.facts), slices.Clone(rs.lists.from)}
	rs.set, rs.only = rule.NewSet(rs.vocabulary.rules, p.pairs), rule.NewSet(rs.vocabulary.rules, p.services)
	rs.reads = slices.Clone(rs.set.Reads())
	for _, b := range rs.bands {
		rs.reads = append(rs.reads, b.fact)
	}
	slices.Sort(rs.reads)
	rs.reads = slices.Compact(rs.reads)
}

// Rules are the definitions of the rules, in file order.
func (rs *RuleSet) Rules() []Rule {
	rs = rs.orEmpty()
	out := make([]Rule, len(rs.rules))
	whens := rs.whens.texts(len(rs.rules))
	for i := range rs.rules {
		r := &rs.rules[i]
		out[i] = Rule{ID: rs.id(r), Because: rs.because(r), Points: int(r.points), When: whens[i], Observed: r.observed}
		if r.floor > 0 {
			out[i].Floor = rs.levels[r.floor-1].name
		}
		if r.group >= 0 {
			out[i].Group = rs.groups[r.group].Name
		}
		if r.only >= 0 {
			out[i].For = rs.services[r.only].text
		}
		if r.band >= 0 {
			b := rs.bands[r.band]
			out[i].Bands, out[i].Cuts = rs.vocabulary.defs[b.fact].Name, slices.Clone(b.cuts)
		}
	}
	return out
}

// places are where the "for" of rules were read, in file order.
type places struct {
	files []string
	lines []place
}

type place struct {
	rule, line int32
	file       int32
}

func (p *places) add(number int, at source) {
	if at.node == nil {
		return
	}
	pos := at.node.Pos
	file := slices.Index(p.files, pos.File)
	if file < 0 {
		file = len(p.files)
		p.files = append(p.files, pos.File)
	}
	p.lines = append(p.lines, place{int32(number), int32(pos.Line), int32(file)})
}

// of is where the "for" of a rule was read, "" and 0 when it was built in Go.
func (p *places) of(number int) (file string, line int) {
	i, ok := slices.BinarySearchFunc(p.lines, int32(number), func(l place, n int32) int { return int(l.rule - n) })
	if !ok {
		return "", 0
	}
	return p.files[p.lines[i].file], int(p.lines[i].line)
}
