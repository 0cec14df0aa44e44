package risk

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

var levelName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// Level is a level of risk of a rule set. The zero Level is unassessed, which
// is never low.
type Level struct {
	rank int // 1 is the least risk
	name string
}

// String is the name of the level, or "unassessed".
func (l Level) String() string {
	if l.rank == 0 {
		return "unassessed"
	}
	return l.name
}

// MarshalText is the name of the level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Assessed reports whether the level is one.
func (l Level) Assessed() bool { return l.rank > 0 }

// Rank is the place of the level from the least risk up, from 1; 0 when
// unassessed.
func (l Level) Rank() int { return l.rank }

// AtMost reports whether the level is no riskier than the other. An unassessed
// level is at most nothing, and nothing is at most it.
func (l Level) AtMost(other Level) bool { return l.rank > 0 && l.rank <= other.rank }

func higher(a, b Level) Level {
	if b.rank > a.rank {
		return b
	}
	return a
}

// Basis says why a reason counts.
type Basis uint8

// The bases of a reason.
const (
	Held      Basis = iota + 1 // the condition is true, or the band is known
	NotKnown                   // the condition hangs on a missing fact, and the rule raises
	Failed                     // the condition failed, and the rule raises
	Bounded                    // a group's cap or floor
	ByDefault                  // no rule vouches for the change
)

// String is the word for it.
func (b Basis) String() string {
	if b < Held || b > ByDefault {
		return fmt.Sprintf("Basis(%d)", uint8(b))
	}
	return [...]string{"", "held", "unknown", "fault", "bound", "default"}[b]
}

// MarshalText is the word for it.
func (b Basis) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Reason is one line of the account: what counted, how much, and why. The
// points of all reasons add up to the score.
type Reason struct {
	Rule    string // its id; "group NAME" or "default" for lines that no rule makes
	Points  int
	Floor   Level // the level that it holds the change at, if any
	Because string
	Basis   Basis
	Seen    []Fact // the facts that it looked at, with their values
}

// Missing is a fact that would have mattered.
type Missing struct {
	Fact string
	// Stated is set when the fact is there, but only the requester says so
	// and a rule wants it observed.
	Stated bool
	Rules  []string // the rules that hang on it, in file order
}

// Fault is a rule that failed, and why.
type Fault struct {
	Rule string // the id of the rule, or the name of what else failed; "" when nothing could be assessed
	Why  string // what failed, in one sentence
}

// Assessment is what a rule set makes of the facts. The zero Assessment is
// unassessed, never low.
type Assessment struct {
	Level    Level     // counting everything that is not known against the change
	Best     Level     // the level if everything that is not known turned out well
	Score    int       // the sum of the points of the reasons
	Floor    Level     // the highest hard stop or default that applies; zero when none
	Vouched  bool      // at least one rule that does not raise holds
	Reasons  []Reason  // in file order, groups and the default last
	Unknowns []Missing // in file order of the first rule that hangs on them
	Faults   []Fault   // in file order
	RuleSet  change.Digest
}

// Open reports whether anything was left open: a rule that failed, or hangs on
// a missing fact. What is open is never standard, whatever the level.
func (a Assessment) Open() bool {
	missing := func(m Missing) bool { return !m.Stated }
	return !a.Level.Assessed() || len(a.Faults) > 0 || slices.ContainsFunc(a.Unknowns, missing)
}

// Assess is total: every fact missing, every rule failing still gives an
// assessment, the highest that follows.
func (rs *RuleSet) Assess(f Facts) (a Assessment) {
	if rs == nil || len(rs.rules) == 0 {
		return Assessment{Faults: []Fault{{"", "there is no rule set"}}}
	}
	defer func() {
		if p := recover(); p != nil {
			a = rs.failed(fmt.Sprintf("the assessment failed: %v", p))
		}
	}()
	if f.vocabulary != rs.vocabulary {
		return rs.failed("the facts were read with the vocabulary of another policy")
	}
	account := account{rs: rs, facts: f, sums: make([]tally, len(rs.groups))}
	for i := range rs.rules {
		account.rule(&rs.rules[i])
	}
	return account.close()
}

// failed is the assessment when there can be none: the highest level.
func (rs *RuleSet) failed(why string) Assessment {
	return Assessment{Level: rs.levels[len(rs.levels)-1], Best: rs.levels[0], Faults: []Fault{{"", why}}, RuleSet: rs.digest}
}

// tally keeps a sum at its worst, as the score counts it, and at its best.
type tally struct{ worst, best int }

// account is an assessment in the making.
type account struct {
	Assessment
	rs        *RuleSet
	facts     Facts
	total     tally
	sums      []tally // by group
	bestFloor Level
	bestVouch bool
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

func (a *account) rule(r *compiledRule) {
	here, why := rule.IsTrue, ""
	if r.only != nil {
		here, why = r.only.Eval(a.facts.values)
	}
	if here == rule.IsFalse || here == rule.IsNotApplicable {
		return
	}
	o := a.decide(r)
	if here != rule.IsTrue && o != (outcome{}) {
		o = o.perhaps(here, why)
	}
	if o.faultReason != "" {
		a.Faults = append(a.Faults, Fault{r.ID, o.faultReason})
	}
	if o.notKnown || o.onlyStated {
		a.missing(r, o.onlyStated)
	}
	if o.basis != 0 {
		reason := Reason{Rule: r.ID, Points: o.points, Because: r.Because, Basis: o.basis, Seen: a.seen(r)}
		if o.floor {
			reason.Floor = r.floor
			a.Floor = higher(a.Floor, r.floor)
		}
		a.Reasons = append(a.Reasons, reason)
	}
	if o.bestFloor {
		a.bestFloor = higher(a.bestFloor, r.floor)
	}
	a.Vouched = a.Vouched || o.vouch
	a.bestVouch = a.bestVouch || o.bestVouch
	sum := &a.total
	if r.group >= 0 {
		sum = &a.sums[r.group]
	}
	sum.worst += o.points
	sum.best += o.best
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

func (a *account) decide(r *compiledRule) outcome {
	if r.band >= 0 {
		return a.decideBand(r)
	}
	v, why := r.when.Eval(a.facts.values)
	if r.raises() {
		return raising(r, v, why)
	}
	return a.lowering(r, v, why)
}

// raising: counts when true, unknown or failed.
func raising(r *compiledRule, v rule.Verdict, why string) outcome {
	o := outcome{points: r.Points, floor: r.Floor != ""}
	switch v {
	case rule.IsTrue:
		o.basis, o.best, o.bestFloor = Held, r.Points, o.floor
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
func (a *account) lowering(r *compiledRule, v rule.Verdict, why string) outcome {
	could := outcome{best: r.Points, bestVouch: true}
	switch {
	case v == rule.IsUnknown:
		could.notKnown = true
	case v == rule.IsFault:
		could.faultReason = why
	case v == rule.IsTrue && r.Observed && a.stated(r):
		could.onlyStated = true
	case v == rule.IsTrue:
		return outcome{basis: Held, points: r.Points, best: r.Points, vouch: true, bestVouch: true}
	default:
		return outcome{}
	}
	return could
}

// stated reports whether the rule reads a fact that nobody vouches for.
func (a *account) stated(r *compiledRule) bool {
	return slices.ContainsFunc(slices.Concat(r.reads, r.when.AsksPresence()), func(i int) bool { return a.facts.sources[i] == Stated })
}

// decideBand: a number that is not known counts as the worst band, once.
func (a *account) decideBand(r *compiledRule) outcome {
	v := a.facts.values[r.band]
	switch v.State {
	case rule.NotApplicable:
		return outcome{}
	case rule.Present:
		n := v.Float
		if a.facts.vocabulary.rules.Fact(r.band).Type == rule.Int {
			n = float64(v.Int)
		}
		points := band(r.Cuts, n)
		if points == 0 {
			return outcome{}
		}
		return outcome{basis: Held, points: points, best: points}
	}
	worst, best := 0, 0 // below the first cut
	for _, c := range r.Cuts {
		worst, best = max(worst, c.Points), min(best, c.Points)
	}
	o := outcome{basis: NotKnown, points: worst, best: best, notKnown: true}
	if v.State == rule.Faulty {
		o.basis, o.notKnown, o.faultReason = Failed, false, v.Text
	}
	return o
}

func band(cuts []Cut, n float64) int {
	points := 0
	for _, c := range cuts {
		if n >= c.From {
			points = c.Points
		}
	}
	return points
}

func (a *account) missing(r *compiledRule, stated bool) {
	reads := r.reads
	if r.only != nil {
		reads = slices.Concat(r.only.Reads(), r.reads)
		slices.Sort(reads)
		reads = slices.Compact(reads) // a fact that both ask for is missing once
	}
	for _, i := range reads {
		switch {
		case stated && a.facts.sources[i] != Stated:
			continue
		case !stated && a.facts.values[i].State != rule.Unknown:
			continue
		}
		name := a.facts.vocabulary.defs[i].Name
		at := slices.IndexFunc(a.Unknowns, func(m Missing) bool { return m.Fact == name && m.Stated == stated })
		if at < 0 {
			at = len(a.Unknowns)
			a.Unknowns = append(a.Unknowns, Missing{Fact: name, Stated: stated})
		}
		a.Unknowns[at].Rules = append(a.Unknowns[at].Rules, r.ID)
	}
}

func (a *account) seen(r *compiledRule) []Fact {
	asked := r.reads
	if r.when != nil && len(r.when.AsksPresence()) > 0 {
		asked = slices.Concat(r.reads, r.when.AsksPresence())
		slices.Sort(asked)
		asked = slices.Compact(asked)
	}
	out := make([]Fact, len(asked))
	for j, i := range asked {
		out[j] = a.facts.at(i)
	}
	return out
}

// close bounds the groups, applies the default, and finds the levels.
func (a *account) close() Assessment {
	for i, g := range a.rs.groups {
		bounded := tally{g.bound(a.sums[i].worst), g.bound(a.sums[i].best)}
		if delta := bounded.worst - a.sums[i].worst; delta != 0 {
			a.Reasons = append(a.Reasons, Reason{Rule: "group " + g.Name, Points: delta, Because: g.because(delta), Basis: Bounded})
		}
		a.total.worst += bounded.worst
		a.total.best += bounded.best
	}
	if !a.Vouched {
		a.Floor = higher(a.Floor, a.rs.fallback)
		a.Reasons = append(a.Reasons, Reason{Rule: "default", Floor: a.rs.fallback, Because: "no rule vouches for the change", Basis: ByDefault})
	}
	if !a.bestVouch {
		a.bestFloor = higher(a.bestFloor, a.rs.fallback)
	}
	a.Score = a.total.worst
	a.Level = higher(a.rs.LevelOf(a.total.worst), a.Floor)
	a.Best = higher(a.rs.LevelOf(a.total.best), a.bestFloor)
	a.RuleSet = a.rs.digest
	return a.Assessment
}

// bound is the sum of a group's points as it counts.
func (g Group) bound(sum int) int {
	if g.Cap != nil {
		sum = min(sum, *g.Cap)
	}
	if g.Min != nil {
		sum = max(sum, *g.Min)
	}
	return sum
}

func (g Group) because(delta int) string {
	if delta < 0 {
		return fmt.Sprintf("the rules of the group %s count for %d points at most", g.Name, *g.Cap)
	}
	return fmt.Sprintf("the rules of the group %s take off %d points at most", g.Name, -*g.Min)
}
