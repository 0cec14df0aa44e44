package risk

import (
	"fmt"
	"math"
	"slices"

	"github.com/changelane/changelane/internal/rule"
)

// pairSteps bounds the comparisons of pairs of rules. Where there are more, the
// last rules of the file are compared with fewer others.
const pairSteps = 4_000_000

func wholeFrom(n float64) float64 { return math.Ceil(n) }

// sketch is a rule with what rules out most of the others at once: facts that
// make it true.
type sketch struct {
	r     *compiledRule
	whole *rule.Expr
	facts string
	shown []rule.Value
	steps int // of one evaluation
}

// pairs finds rules that say the same, and rules that make no difference beside
// another one.
func (l *ruleLint) pairs() {
	list := make([]sketch, 0, len(l.live))
	byFacts := map[string][]int{}
	for _, r := range l.live {
		s := sketch{r: r, whole: l.whole(r)}
		s.steps = stepsOf(s.whole)
		s.facts = fmt.Sprint(s.whole.Facts())
		if is, values := l.anywhere.reach(l.rs.vocabulary.rules, s.whole, rule.IsTrue); is == Yes {
			s.shown = values
			byFacts[s.facts] = append(byFacts[s.facts], len(list))
			list = append(list, s)
		}
	}
	var covering []int // what could make another one superfluous
	for i, s := range list {
		if l.covers(s.r) {
			covering = append(covering, i)
		}
	}
	for i := range list {
		if !l.duplicate(list, i, byFacts[list[i].facts]) {
			l.subsumed(list, i, covering)
		}
	}
}

// duplicate compares a rule with those before it that read the same facts.
func (l *ruleLint) duplicate(list []sketch, i int, others []int) bool {
	a := &list[i]
	for _, k := range others {
		b := &list[k]
		if k >= i || !l.meets(a, b) || !l.meets(b, a) {
			continue
		}
		if l.implies(a.whole, b.whole) && l.implies(b.whole, a.whole) {
			l.add(a.r.at("when"), a.r.ID, Duplicate, l.counting(a.r, b.r), "the rule %s is true exactly when %s is; make one rule of the two, as both count", a.r.ID, b.r.ID)
			return true
		}
	}
	return false
}

// meets reports whether b is true of what makes a true.
func (l *ruleLint) meets(a, b *sketch) bool {
	if l.steps -= b.steps; l.steps < 0 {
		return false
	}
	is, _ := b.whole.Eval(a.shown)
	return is == rule.IsTrue
}

// stepsOf counts an evaluation: one for a condition of ordinary size.
func stepsOf(e *rule.Expr) int {
	const ordinary = 16
	return 1 + e.Size()/ordinary
}

// implies is proven.
func (l *ruleLint) implies(a, b *rule.Expr) bool {
	words := l.rs.vocabulary.rules
	if l.steps -= 1000; l.steps < 0 {
		return false
	}
	return l.anywhere.never(words, rule.And(words, a, rule.Not(words, b)), rule.IsTrue)
}

func (l *ruleLint) subsumed(list []sketch, i int, covering []int) {
	a := &list[i]
	for _, k := range covering {
		b := &list[k]
		if k == i || !l.superfluous(a.r, b.r) || k > i && l.superfluous(b.r, a.r) && l.meets(b, a) && l.implies(b.whole, a.whole) {
			continue
		}
		if l.meets(a, b) && l.implies(a.whole, b.whole) && (!a.r.raises() || l.countsOnlyWith(a.r, b.r)) {
			l.add(a.r.at("when"), a.r.ID, Subsumed, l.counting(a.r, b.r), "the rule %s makes no difference: whenever it is true, %s is true too, which %s; remove it", a.r.ID, b.r.ID, l.does(b.r))
			return
		}
	}
}

// countsOnlyWith reports whether one rule that raises never counts where the
// other does not, also where facts are missing, unreadable or without a meaning:
// it is tried for all of that, where values stand for all others and are few.
func (l *ruleLint) countsOnlyWith(a, b *compiledRule) bool {
	const most = 20_000
	words := l.rs.vocabulary.rules
	bounds, combinations := rule.Boundaries(words, a.only, a.when, b.only, b.when), 1
	for i := range bounds {
		states := []rule.Value{{}, {State: rule.Faulty}}
		if slices.Contains(l.rs.vocabulary.applied, bounds[i].Fact) {
			states = append(states, rule.Value{State: rule.NotApplicable})
		}
		bounds[i].Values = append(bounds[i].Values, states...)
		if combinations *= len(bounds[i].Values); !bounds[i].Exact || combinations > most {
			return false
		}
	}
	if l.steps -= combinations * (stepsOf(a.when) + stepsOf(b.when)); l.steps < 0 {
		return false
	}
	return !found(bounds, make([]rule.Value, words.Len()), func(facts []rule.Value) bool { return counts(a, facts) && !counts(b, facts) })
}

// found reports whether some combination of the values is so.
func found(bounds []rule.Boundary, facts []rule.Value, so func([]rule.Value) bool) bool {
	if len(bounds) == 0 {
		return so(facts)
	}
	for _, v := range bounds[0].Values {
		facts[bounds[0].Fact] = v
		if found(bounds[1:], facts, so) {
			return true
		}
	}
	return false
}

// counts reports whether a rule that raises counts: it cannot be told otherwise.
func counts(r *compiledRule, facts []rule.Value) bool {
	for _, e := range []*rule.Expr{r.only, r.when} {
		if e == nil {
			continue
		}
		if is, _ := e.Eval(facts); is == rule.IsFalse || is == rule.IsNotApplicable {
			return false
		}
	}
	return true
}

// covers reports whether the rule can make others superfluous: it holds the
// level, it vouches, or it uses up a bound of its group.
func (l *ruleLint) covers(r *compiledRule) bool {
	return r.Floor != "" || !r.raises() || l.fills(r)
}

// ways are the directions in which the rules of a group go.
type ways struct{ up, down bool }

func (l *ruleLint) findWays() {
	l.ways = make([]ways, len(l.rs.groups))
	for i := range l.rules {
		if r := &l.rules[i]; r.group >= 0 {
			way := &l.ways[r.group]
			way.up = way.up || r.raises() && r.Points != 0 || r.band >= 0
			way.down = way.down || !r.raises() && r.Points != 0
		}
	}
}

// fills reports whether the rule alone uses up the bound of its group, and no
// rule of the group takes anything off again.
func (l *ruleLint) fills(r *compiledRule) bool {
	if r.group < 0 {
		return false
	}
	g, way := l.rs.groups[r.group], l.ways[r.group]
	sameWay := !way.down
	if !r.raises() {
		sameWay = !way.up
	}
	return sameWay && (g.Cap != nil && r.Points > 0 && r.Points >= *g.Cap || g.Min != nil && r.Points < 0 && r.Points <= *g.Min)
}

// superfluous reports whether a makes no difference where b holds too. Points
// add up: a rule that counts where another does still counts.
func (l *ruleLint) superfluous(a, b *compiledRule) bool {
	bounded := a.Points == 0 || a.group >= 0 && a.group == b.group && l.fills(b)
	switch {
	case a.raises() != b.raises():
		return false
	case a.raises():
		return bounded && a.floor.rank <= b.floor.rank
	}
	return bounded && (a.Observed || !b.Observed)
}

// does says what of a rule makes another one superfluous.
func (l *ruleLint) does(r *compiledRule) string {
	switch {
	case l.fills(r):
		return "alone uses up the bound of the group " + r.Group
	case r.Floor != "":
		return "holds the level at " + r.Floor
	default:
		return "vouches as well"
	}
}
