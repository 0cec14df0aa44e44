package risk

import (
	"errors"
	"iter"
	"math/bits"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// History holds the facts of many changes, by fact, so that one rule set after
// another is assessed over all of them quickly; see [RuleSet.Over]. It takes
// about a kilobyte for each change. It is immutable and safe for concurrent use.
type History struct {
	vocabulary *Vocabulary
	columns    *rule.Columns
	stated     [][]uint64 // by fact: the changes of which only the requester says it
}

// History reads the facts of changes, each in its situation. Without a vocabulary
// or changes it has none.
func (v *Vocabulary) History(changes iter.Seq2[*change.Change, Situation]) *History {
	if v.none() || changes == nil {
		return &History{}
	}
	all := make([]int, len(v.defs))
	for i := range all {
		all[i] = i
	}
	h := &History{v, rule.NewColumns(v.rules, all), make([][]uint64, len(v.defs))}
	for c, s := range changes {
		h.add(v.Facts(c, s))
	}
	h.columns.Seal()
	return h
}

func (h *History) add(f Facts) {
	row := h.columns.Len()
	for i := range f.values {
		if row%64 == 0 {
			h.stated[i] = append(h.stated[i], 0)
		}
		if f.source(i) == Stated {
			h.stated[i][row/64] |= 1 << (row % 64)
		}
	}
	h.columns.Add(f.values)
}

// Len is the number of changes.
func (h *History) Len() int {
	if h == nil || h.columns == nil {
		return 0
	}
	return h.columns.Len()
}

// Outcome is an [Assessment] without its account.
type Outcome struct {
	Level Level // as in Assessment
	Best  Level // as in Assessment
	Score int   // as in Assessment
	Open  bool  // as Assessment.Open
}

// Plan is a rule set prepared for a history. It is immutable and safe for
// concurrent use: give each goroutine a range of changes.
type Plan struct {
	rs    *RuleSet
	h     *History
	plan  *rule.Plan
	rules []plannedRule
}

type plannedRule struct {
	*compiledRule
	only, when int   // numbers in the plan; -1: always
	cuts       []int // of bands: the numbers of "at or above the cut"
	asks       []int // facts that must not only be stated
	hangs      []int // facts that leave the rule open when they are missing
}

// Over prepares the rule set for the changes of a history. It fails
// when the history is of another vocabulary.
func (rs *RuleSet) Over(h *History) (*Plan, error) {
	if rs == nil || len(rs.rules) == 0 {
		return nil, errors.New("there is no rule set")
	}
	if h == nil || h.columns == nil || h.vocabulary != rs.vocabulary {
		return nil, errors.New("the history was read with the vocabulary of another policy")
	}
	p := &Plan{rs: rs, h: h, plan: rule.NewPlan(h.columns)}
	scratch := *rs // compiling adds to its cost
	for _, r := range rs.Rules() {
		var errs faults
		c := scratch.compile(r, &errs)
		if err := errs.err(); err != nil {
			return nil, err
		}
		p.rules = append(p.rules, p.add(c))
	}
	return p, nil
}

func (p *Plan) add(r *compiledRule) plannedRule {
	out := plannedRule{compiledRule: r, only: -1, when: -1}
	if r.only != nil {
		out.only, out.hangs = p.plan.Add(r.only), r.only.Reads()
	}
	if r.when == nil {
		for _, c := range r.Cuts {
			out.cuts = append(out.cuts, p.plan.AddAtLeast(r.band, c.From))
		}
		out.hangs = append(slices.Clone(out.hangs), r.band)
		return out
	}
	out.when, out.asks = p.plan.Add(r.when), slices.Concat(r.when.Reads(), r.when.AsksPresence())
	out.hangs = slices.Concat(out.hangs, r.when.Reads())
	return out
}

// Assess appends to out the outcomes of the changes first to last-1, counted from
// 0 in the order of the history: those that [RuleSet.Assess] gives for each. Numbers
// beyond the history are passed over.
func (p *Plan) Assess(first, last int, out []Outcome) []Outcome {
	if p == nil || p.h.Len() == 0 {
		return out
	}
	first, last = max(first, 0), min(last, p.h.Len())
	b := &blockAccount{p: p, sweep: p.plan.NewSweep(), sums: make([]blockSums, len(p.rs.groups)+1)}
	for first < last {
		start, end := b.sweep.Block(first / rule.BlockRows)
		b.assess(start)
		for row := first - start; row < min(end, last)-start; row++ {
			out = append(out, b.outcome(row))
		}
		first = end
	}
	return out
}

// blockAccount is the account of a block of changes in the making.
type blockAccount struct {
	p                  *Plan
	sweep              *rule.Sweep
	sums               []blockSums // by group, and last what is in none
	floor, bestFloor   [rule.BlockRows]uint8
	vouched, bestVouch rule.Rows
	open               rule.Rows
}

type blockSums struct{ worst, best [rule.BlockRows]int32 }

func (b *blockAccount) assess(start int) {
	clear(b.sums)
	b.floor, b.bestFloor = [rule.BlockRows]uint8{}, [rule.BlockRows]uint8{}
	b.vouched, b.bestVouch, b.open = rule.Rows{}, rule.Rows{}, rule.Rows{}
	for i := range b.p.rules {
		b.rule(&b.p.rules[i], start)
	}
}

// rule enters one rule. Where it cannot be told whether it is for the service,
// what raises counts and what lowers does not.
func (b *blockAccount) rule(r *plannedRule, start int) {
	k := counting{here: b.sweep.All()}
	if r.only >= 0 {
		only := b.sweep.Decide(r.only)
		k.here, k.perhaps, k.fault = only.True, rule.Union(&only.Unknown, &only.Fault), only.Fault
	}
	switch {
	case r.cuts != nil:
		b.bands(r, &k)
	case r.raises():
		b.raising(r, &k)
	default:
		b.lowering(r, &k, start)
	}
	b.leaveOpen(r, &k)
}

// counting is where one rule counts.
type counting struct {
	here, perhaps, fault rule.Rows // where it is for the service, perhaps is, and its "for" failed
	held, loose, failed  rule.Rows // where it holds for certain, where that is open, and where it failed
}

// condition finds where the condition of a rule leaves it.
func (b *blockAccount) condition(r *plannedRule, k *counting) *rule.Planes {
	when := b.sweep.Decide(r.when)
	for w := range k.here {
		somewhere := k.here[w] | k.perhaps[w]
		k.held[w] = when.True[w] & k.here[w]
		k.loose[w] = (when.Unknown[w]|when.Fault[w])&somewhere | when.True[w]&k.perhaps[w]
		k.failed[w] = when.Fault[w] & somewhere
	}
	return when
}

func (b *blockAccount) raising(r *plannedRule, k *counting) {
	b.condition(r, k)
	for w := range k.here {
		b.add(r, w, k.held[w]|k.loose[w], k.held[w], r.Points, r.Points)
		if r.floor.rank > 0 {
			raise(&b.floor, w, k.held[w]|k.loose[w], r.floor)
			raise(&b.bestFloor, w, k.held[w], r.floor)
		}
	}
}

func (b *blockAccount) lowering(r *plannedRule, k *counting, start int) {
	when := b.condition(r, k)
	for w := range k.here {
		held, best := k.held[w], k.held[w]|k.loose[w]
		if r.Observed && best != 0 {
			stated := b.stated(r, start/64+w)
			held &^= stated
			k.loose[w] &^= when.True[w] & stated &^ k.fault[w] // it wants another witness, whatever "for" says
		}
		b.vouched[w] |= held
		b.bestVouch[w] |= best
		b.add(r, w, held, best, r.Points, r.Points)
	}
}

// leaveOpen notes the changes of which a rule failed, or hangs on a missing
// fact.
func (b *blockAccount) leaveOpen(r *plannedRule, k *counting) {
	if k.loose == (rule.Rows{}) {
		return
	}
	missing := b.sweep.Missing(r.hangs)
	for w, loose := range k.loose {
		b.open[w] |= loose & (missing[w] | k.failed[w] | k.fault[w])
	}
}

// stated are the changes of which only the requester says what the rule reads.
func (b *blockAccount) stated(r *plannedRule, word int) uint64 {
	out := uint64(0)
	for _, fact := range r.asks {
		if word < len(b.p.h.stated[fact]) {
			out |= b.p.h.stated[fact][word]
		}
	}
	return out
}

// bands: a number that is not there counts as the worst band.
func (b *blockAccount) bands(r *plannedRule, k *counting) {
	most := 0
	for i, c := range r.Cuts {
		most = max(most, c.Points)
		in := b.sweep.Decide(r.cuts[i]).True
		if i+1 < len(r.Cuts) {
			for w, beyond := range b.sweep.Decide(r.cuts[i+1]).True {
				in[w] &^= beyond
			}
		}
		for w := range k.here {
			b.add(r, w, in[w]&(k.here[w]|k.perhaps[w]), in[w]&k.here[w], c.Points, c.Points)
			if c.Points != 0 {
				k.loose[w] |= in[w] & k.perhaps[w]
			}
		}
	}
	first := b.sweep.Decide(r.cuts[0])
	for w := range k.here {
		missing := (first.Unknown[w] | first.Fault[w]) & (k.here[w] | k.perhaps[w])
		b.add(r, w, missing, 0, most, 0)
		k.loose[w] |= missing
		k.failed[w] = first.Fault[w] & missing
	}
}

// add adds points to the sums of some changes of a word, at worst and at best.
func (b *blockAccount) add(r *plannedRule, w int, worst, best uint64, points, bestPoints int) {
	sums := &b.sums[len(b.sums)-1]
	if r.group >= 0 {
		sums = &b.sums[r.group]
	}
	for ; worst != 0; worst &= worst - 1 {
		sums.worst[w*64+bits.TrailingZeros64(worst)] += int32(points)
	}
	for ; best != 0; best &= best - 1 {
		sums.best[w*64+bits.TrailingZeros64(best)] += int32(bestPoints)
	}
}

func raise(floors *[rule.BlockRows]uint8, w int, rows uint64, floor Level) {
	for ; rows != 0; rows &= rows - 1 {
		at := &floors[w*64+bits.TrailingZeros64(rows)]
		*at = max(*at, uint8(floor.rank))
	}
}

// outcome closes the account of one change of the block.
func (b *blockAccount) outcome(row int) Outcome {
	rs, last := b.p.rs, len(b.sums)-1
	worst, best := int(b.sums[last].worst[row]), int(b.sums[last].best[row])
	for i, g := range rs.groups {
		worst += g.bound(int(b.sums[i].worst[row]))
		best += g.bound(int(b.sums[i].best[row]))
	}
	floor, bestFloor := rs.ranked(b.floor[row]), rs.ranked(b.bestFloor[row])
	if !b.vouched.Has(row) {
		floor = higher(floor, rs.fallback)
	}
	if !b.bestVouch.Has(row) {
		bestFloor = higher(bestFloor, rs.fallback)
	}
	return Outcome{Level: higher(rs.LevelOf(worst), floor), Best: higher(rs.LevelOf(best), bestFloor), Score: worst, Open: b.open.Has(row)}
}

// ranked is the level of a rank; none for 0.
func (rs *RuleSet) ranked(rank uint8) Level {
	if rank == 0 {
		return Level{}
	}
	return rs.levels[rank-1]
}
