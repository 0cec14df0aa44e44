package risk

import (
	"fmt"
	"slices"

	"github.com/changelane/changelane/internal/rule"
)

// tally keeps a sum at its worst, as the score counts it, and at its best.
type tally struct{ worst, best int }

// account is an assessment in the making, and the memory for it.
type account struct {
	Assessment
	rs        *RuleSet
	run       *rule.Run
	facts     Facts
	late      *lateFacts // nil where all facts were read
	total     tally
	sums      []tally // by group
	bestFloor Level
	bestVouch bool

	reasons  []Reason
	faults   []Fault
	unknowns []Missing
	saw      []Fact     // by all reasons
	wanted   []bool     // by fact, and again if only stated: it is one of the unknowns
	asked    []int      // which of these are, in the order of the unknowns
	hanging  [][]string // likewise: the rules that hang on it
}

func (rs *RuleSet) account() *account {
	n := 2 * len(rs.vocabulary.defs)
	return &account{rs: rs, sums: make([]tally, len(rs.groups)), wanted: make([]bool, n), hanging: make([][]string, n)}
}

// assess makes the assessment of the facts, and forgets the one before.
func (a *account) assess() {
	a.Assessment, a.total, a.bestFloor, a.bestVouch = Assessment{}, tally{}, Level{}, false
	a.reasons, a.faults, a.unknowns, a.saw = a.reasons[:0], a.faults[:0], a.unknowns[:0], a.saw[:0]
	clear(a.sums)
	for _, i := range a.asked {
		a.wanted[i] = false
	}
	a.asked = a.asked[:0]
	for _, d := range a.run.Decide(a.facts.values) {
		switch r := &a.rs.rules[d.Rule]; {
		case d.Only != rule.IsTrue || r.band >= 0 || r.observed:
			a.rule(d)
		case d.When == rule.IsTrue:
			a.holds(r)
		case d.When == rule.IsUnknown && r.raises():
			a.hangs(r)
		default:
			a.rule(d)
		}
	}
	a.close()
}

// holds adds a rule that counts for certain, as most do: neither what is missing
// nor who states the facts makes a difference to it.
func (a *account) holds(r *packedRule) {
	if r.floor > 0 {
		a.bestFloor = higher(a.bestFloor, a.rs.levels[r.floor-1])
	}
	if !r.raises() {
		a.Vouched, a.bestVouch = true, true
	}
	points := int(r.points)
	a.add(r, points, points)
	a.reason(r, points, r.floor, Held)
}

// hangs adds a rule that raises and hangs on what is missing, as most of the
// others do: at worst it counts, at best it does not.
func (a *account) hangs(r *packedRule) {
	points := int(r.points)
	a.missing(r, false)
	a.add(r, points, 0)
	a.reason(r, points, r.floor, NotKnown)
}

// add adds points, at worst and at best, where those of the rule add up.
func (a *account) add(r *packedRule, worst, best int) {
	sum := &a.total
	if r.group >= 0 {
		sum = &a.sums[r.group]
	}
	sum.worst += worst
	sum.best += best
}

// outcome is what becomes of one rule: what it counts as at worst and at best.
type outcome struct {
	basis       Basis // zero: it does not count
	points      int
	best        int
	floor       bool
	bestFloor   bool
	vouch       bool
	bestVouch   bool
	notKnown    bool
	onlyStated  bool
	faultReason string
}

// rule adds one rule, neither of whose conditions is false or not applicable:
// such a rule does not count, whatever it says.
func (a *account) rule(d rule.Decided) {
	r := &a.rs.rules[d.Rule]
	only, when := "", ""
	if d.Only == rule.IsFault || d.When == rule.IsFault {
		only, when = a.run.Why(a.facts.values, int(d.Rule))
	}
	o := a.decide(r, d.When, when)
	if here := d.Only; here != rule.IsTrue && o != (outcome{}) {
		o = o.perhaps(here, only)
	}
	if o.faultReason != "" {
		a.faults = append(a.faults, Fault{a.rs.id(r), o.faultReason})
	}
	if o.notKnown || o.onlyStated {
		a.missing(r, o.onlyStated)
	}
	if o.basis != 0 {
		floor := r.floor
		if !o.floor {
			floor = 0
		}
		a.reason(r, o.points, floor, o.basis)
	}
	if o.bestFloor {
		a.bestFloor = higher(a.bestFloor, a.rs.levels[r.floor-1])
	}
	a.Vouched = a.Vouched || o.vouch
	a.bestVouch = a.bestVouch || o.bestVouch
	a.add(r, o.points, o.best)
}

// reason writes a line of the account in its place.
func (a *account) reason(r *packedRule, points int, floor uint8, basis Basis) {
	n := len(a.reasons)
	if n == cap(a.reasons) {
		a.reasons = slices.Grow(a.reasons, 1)
	}
	a.reasons = a.reasons[:n+1]
	out := &a.reasons[n]
	out.Rule, out.Because, out.Seen = a.rs.id(r), a.rs.because(r), a.seen(r)
	out.Points, out.Basis, out.Floor = points, basis, Level{}
	if floor > 0 {
		out.Floor = a.rs.levels[floor-1]
		a.Floor = higher(a.Floor, out.Floor)
	}
}

// perhaps is the outcome where it cannot be told whether the rule is for the
// service: what raises counts, what lowers does not.
func (o outcome) perhaps(here rule.Verdict, why string) outcome {
	o.points, o.best, o.bestFloor, o.vouch = max(o.points, 0), min(o.best, 0), false, false
	if o.points == 0 && !o.floor {
		o.basis = 0
	}
	if o.notKnown = true; here == rule.IsFault {
		o.faultReason = "it cannot be told whether the rule is for this service: " + why
	}
	return o
}

func (a *account) decide(r *packedRule, v rule.Verdict, why string) outcome {
	switch {
	case r.band >= 0:
		return a.decideBand(r)
	case r.raises():
		return raising(r, v, why)
	}
	return a.lowering(r, v, why)
}

// raising: counts when true, unknown or failed.
func raising(r *packedRule, v rule.Verdict, why string) outcome {
	o := outcome{points: int(r.points), floor: r.floor > 0}
	switch v {
	case rule.IsTrue:
		o.basis, o.best, o.bestFloor = Held, o.points, o.floor
	case rule.IsUnknown:
		o.basis, o.notKnown = NotKnown, true
	case rule.IsFault:
		o.basis, o.faultReason = Failed, why
	default:
		return outcome{}
	}
	return o
}

// lowering: counts only when true, and when it asks for observed facts, only
// if all that it reads is.
func (a *account) lowering(r *packedRule, v rule.Verdict, why string) outcome {
	points := int(r.points)
	could := outcome{best: points, bestVouch: true}
	switch {
	case v == rule.IsUnknown:
		could.notKnown = true
	case v == rule.IsFault:
		could.faultReason = why
	case v == rule.IsTrue && r.observed && a.stated(r):
		could.onlyStated = true
	case v == rule.IsTrue:
		return outcome{basis: Held, points: points, best: points, vouch: true, bestVouch: true}
	default:
		return outcome{}
	}
	return could
}

// stated reports whether the rule reads a fact that nobody vouches for.
func (a *account) stated(r *packedRule) bool {
	return slices.ContainsFunc(a.need(r.seen), func(i int32) bool { return a.facts.source(int(i)) == Stated })
}

// decideBand: a number that is not known counts as the worst band, once.
func (a *account) decideBand(r *packedRule) outcome {
	b := &a.rs.bands[r.band]
	v := &a.facts.values[b.fact]
	switch v.State {
	case rule.NotApplicable:
		return outcome{}
	case rule.Present:
		points := b.points(v, a.facts.vocabulary.defs[b.fact].Type == rule.Int)
		if points == 0 {
			return outcome{}
		}
		return outcome{basis: Held, points: points, best: points}
	}
	worst, best := 0, 0 // below the first cut
	for _, c := range b.cuts {
		worst, best = max(worst, c.Points), min(best, c.Points)
	}
	o := outcome{basis: NotKnown, points: worst, best: best, notKnown: true}
	if v.State == rule.Faulty {
		o.basis, o.notKnown, o.faultReason = Failed, false, v.Text
	}
	return o
}

// reaches reports whether a number is at a cut or above.
func reaches(v *rule.Value, whole bool, cut float64) bool {
	if whole {
		return rule.Order(v.Int, cut) >= 0
	}
	return v.Float >= cut
}

// points are those of the band that a number is in.
func (b *bandCuts) points(v *rule.Value, whole bool) int {
	points := 0
	for _, c := range b.cuts {
		if reaches(v, whole, c.From) {
			points = c.Points
		}
	}
	return points
}

// missing notes the facts that the rule hangs on: those that are not known, or
// those that are only stated.
func (a *account) missing(r *packedRule, stated bool) {
	slots := 0
	if stated {
		slots = len(a.wanted) / 2
	}
	for _, i := range a.need(r.asked) {
		switch {
		case stated && a.facts.source(int(i)) != Stated:
			continue
		case !stated && a.facts.values[i].State != rule.Unknown:
			continue
		}
		slot := slots + int(i)
		if !a.wanted[slot] {
			a.unknowns = append(a.unknowns, Missing{Fact: a.facts.vocabulary.defs[i].Name, Stated: stated})
			a.wanted[slot], a.hanging[slot] = true, a.hanging[slot][:0]
			a.asked = append(a.asked, slot)
		}
		a.hanging[slot] = append(a.hanging[slot], a.rs.id(r))
	}
}

// need has the facts of a list read.
func (a *account) need(list uint16) []int32 {
	facts := a.rs.lists.of(list)
	if a.late != nil {
		for _, i := range facts {
			a.late.need(int(i))
		}
	}
	return facts
}

// seen are the facts that the rule looked at.
func (a *account) seen(r *packedRule) []Fact {
	list, start := a.need(r.seen), len(a.saw)
	end := start + len(list)
	if end > cap(a.saw) {
		a.saw = slices.Grow(a.saw, len(list))
	}
	a.saw = a.saw[:end]
	out := a.saw[start:end:end]
	for n, i := range list {
		a.facts.show(&out[n], int(i))
	}
	return out
}

// close bounds the groups, applies the default, and finds the levels.
func (a *account) close() {
	for i := range a.rs.groups {
		g := &a.rs.groups[i]
		bounded := tally{g.bound(a.sums[i].worst), g.bound(a.sums[i].best)}
		if delta := bounded.worst - a.sums[i].worst; delta != 0 {
			a.reasons = append(a.reasons, Reason{Rule: g.rule, Points: delta, Because: g.because(delta), Basis: Bounded})
		}
		a.total.worst += bounded.worst
		a.total.best += bounded.best
	}
	if !a.Vouched {
		a.Floor = higher(a.Floor, a.rs.fallback)
		a.reasons = append(a.reasons, Reason{Rule: "default", Floor: a.rs.fallback, Because: "no rule vouches for the change", Basis: ByDefault})
	}
	if !a.bestVouch {
		a.bestFloor = higher(a.bestFloor, a.rs.fallback)
	}
	for i, slot := range a.asked {
		a.unknowns[i].Rules = slices.Clip(a.hanging[slot])
	}
	a.Score = a.total.worst
	a.Level = higher(a.rs.LevelOf(a.total.worst), a.Floor)
	a.Best = higher(a.rs.LevelOf(a.total.best), a.bestFloor)
	a.Reasons, a.Unknowns, a.Faults = made(a.reasons), made(a.unknowns), made(a.faults)
	a.RuleSet = a.rs.digest
}

// made is what a list holds, nil where that is nothing. To append to it does not
// reach the memory behind it.
func made[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clip(list)
}

// bounds is a group, and what is said where it bounds the points of its rules.
type bounds struct {
	Group
	rule           string // that makes the line
	capped, raised string // because
}

func newBounds(g Group) bounds {
	b := bounds{Group: Group{Name: g.Name, Cap: cloneInt(g.Cap), Min: cloneInt(g.Min)}, rule: "group " + g.Name}
	if g.Cap != nil {
		b.capped = fmt.Sprintf("the rules of the group %s count for %d points at most", g.Name, *g.Cap)
	}
	if g.Min != nil {
		b.raised = fmt.Sprintf("the rules of the group %s take off %d points at most", g.Name, -*g.Min)
	}
	return b
}

// bound is the sum of a group's points as it counts.
func (b *bounds) bound(sum int) int {
	if b.Cap != nil {
		sum = min(sum, *b.Cap)
	}
	if b.Min != nil {
		sum = max(sum, *b.Min)
	}
	return sum
}

func (b *bounds) because(delta int) string {
	if delta < 0 {
		return b.capped
	}
	return b.raised
}
