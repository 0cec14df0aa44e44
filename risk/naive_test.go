package risk

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/changelane/changelane/internal/rule"
)

// Naive assesses rule by rule, each condition by itself and over all facts,
// with nothing kept from one assessment to the next. It is what the index and
// the assessor are held against, to the last word.
type Naive struct {
	rs    *RuleSet
	rules []naiveRule
}

type naiveRule struct {
	Rule
	only, when *rule.Expr
	group      int
}

// NewNaive compiles the conditions of a rule set again.
func NewNaive(rs *RuleSet) (*Naive, error) {
	n := &Naive{rs: rs}
	for _, r := range rs.Rules() {
		one := naiveRule{Rule: r, group: slices.IndexFunc(rs.Groups(), func(g Group) bool { return g.Name == r.Group })}
		for _, c := range []struct {
			text string
			to   **rule.Expr
		}{{r.For, &one.only}, {r.When, &one.when}} {
			if c.text == "" {
				continue
			}
			e, err := rule.Compile(rs.vocabulary.rules, c.text)
			if err != nil {
				return nil, err
			}
			*c.to = e
		}
		n.rules = append(n.rules, one)
	}
	return n, nil
}

// naiveAccount is an assessment in the making.
type naiveAccount struct {
	Assessment
	n           *Naive
	f           Facts
	worst, best []int // by group, the last for those of none
	bestFloor   Level
	bestVouch   bool
}

// Assess assesses the facts.
func (n *Naive) Assess(f Facts) Assessment {
	groups := n.rs.Groups()
	a := &naiveAccount{n: n, f: f, worst: make([]int, len(groups)+1), best: make([]int, len(groups)+1)}
	for i := range n.rules {
		a.rule(&n.rules[i])
	}
	score, best := a.worst[len(groups)], a.best[len(groups)]
	for i, g := range groups {
		bound := func(sum int) int {
			if g.Cap != nil {
				sum = min(sum, *g.Cap)
			}
			if g.Min != nil {
				sum = max(sum, *g.Min)
			}
			return sum
		}
		delta, because := bound(a.worst[i])-a.worst[i], ""
		switch {
		case delta < 0:
			because = fmt.Sprintf("the rules of the group %s count for %d points at most", g.Name, *g.Cap)
		case delta > 0:
			because = fmt.Sprintf("the rules of the group %s take off %d points at most", g.Name, -*g.Min)
		}
		if delta != 0 {
			a.Reasons = append(a.Reasons, Reason{Rule: "group " + g.Name, Points: delta, Because: because, Basis: Bounded})
		}
		score, best = score+bound(a.worst[i]), best+bound(a.best[i])
	}
	if !a.Vouched {
		a.Floor = higher(a.Floor, n.rs.fallback)
		a.Reasons = append(a.Reasons, Reason{Rule: "default", Floor: n.rs.fallback, Because: "no rule vouches for the change", Basis: ByDefault})
	}
	if !a.bestVouch {
		a.bestFloor = higher(a.bestFloor, n.rs.fallback)
	}
	a.Score, a.RuleSet = score, n.rs.digest
	a.Level, a.Best = higher(n.rs.LevelOf(score), a.Floor), higher(n.rs.LevelOf(best), a.bestFloor)
	return a.Assessment
}

func (a *naiveAccount) rule(r *naiveRule) {
	here, whyHere := a.eval(r.only)
	v, why := a.eval(r.when)
	gone := func(v rule.Verdict) bool { return v == rule.IsFalse || v == rule.IsNotApplicable }
	if gone(here) || gone(v) {
		return
	}
	points, least, most := r.Points, r.Points, r.Points // least and most are what it could come to
	if r.Bands != "" {
		if v, why, points, least, most = a.band(r); points == 0 && v == rule.IsTrue || gone(v) {
			return
		}
	}
	raises := r.Points > 0 || r.Floor != "" || r.Bands != ""
	onlyStated := !raises && v == rule.IsTrue && r.Observed && a.stated(r)
	certain := here == rule.IsTrue && v == rule.IsTrue && !onlyStated
	if here == rule.IsFault {
		why = "it cannot be told whether the rule is for this service: " + whyHere
	}
	if here == rule.IsFault || v == rule.IsFault {
		a.Faults = append(a.Faults, Fault{r.ID, why})
	}
	switch {
	case here != rule.IsTrue || v == rule.IsUnknown:
		a.missing(r, onlyStated)
	case onlyStated:
		a.missing(r, true)
	}
	group := r.group
	if group < 0 {
		group = len(a.worst) - 1
	}
	switch {
	case raises && certain:
		a.best[group] += most
	case raises:
		a.best[group] += min(least, 0)
	default:
		a.best[group] += points
		a.bestVouch = true
	}
	if !raises && !certain || raises && here != rule.IsTrue && points <= 0 && r.Floor == "" {
		return
	}
	a.worst[group] += points
	basis := map[rule.Verdict]Basis{rule.IsTrue: Held, rule.IsUnknown: NotKnown, rule.IsFault: Failed}[v]
	reason := Reason{Rule: r.ID, Points: points, Because: r.Because, Basis: basis, Seen: a.seen(r)}
	if r.Floor != "" {
		reason.Floor, _ = a.n.rs.Level(r.Floor)
		a.Floor = higher(a.Floor, reason.Floor)
		if certain {
			a.bestFloor = higher(a.bestFloor, reason.Floor)
		}
	}
	a.Reasons = append(a.Reasons, reason)
	a.Vouched = a.Vouched || !raises
}

func (a *naiveAccount) eval(e *rule.Expr) (rule.Verdict, string) {
	if e == nil {
		return rule.IsTrue, ""
	}
	return e.Eval(a.f.values)
}

func (a *naiveAccount) band(r *naiveRule) (v rule.Verdict, why string, points, least, most int) {
	i, _ := a.n.rs.vocabulary.rules.Lookup(r.Bands)
	value := a.f.values[i]
	for _, c := range r.Cuts {
		least, most = min(least, c.Points), max(most, c.Points)
		n, from := new(big.Rat).SetInt64(value.Int), new(big.Rat)
		if a.n.rs.vocabulary.defs[i].Type == rule.Float && value.State == rule.Present {
			n.SetFloat64(value.Float)
		}
		if from.SetFloat64(c.From); n.Cmp(from) >= 0 {
			points = c.Points
		}
	}
	switch value.State {
	case rule.Present:
		return rule.IsTrue, "", points, points, points
	case rule.NotApplicable:
		return rule.IsNotApplicable, "", 0, 0, 0
	case rule.Faulty:
		return rule.IsFault, value.Text, most, least, most
	}
	return rule.IsUnknown, "", most, least, most
}

// reads are the facts that a rule looks at; with those that it only asks for,
// and with those of its "for".
func (a *naiveAccount) reads(r *naiveRule, asks, only bool) []int {
	var out []int
	if r.Bands != "" {
		i, _ := a.n.rs.vocabulary.rules.Lookup(r.Bands)
		out = append(out, i)
	} else if out = append(out, r.when.Reads()...); asks {
		out = append(out, r.when.AsksPresence()...)
	}
	if only && r.only != nil {
		out = append(out, r.only.Reads()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (a *naiveAccount) stated(r *naiveRule) bool {
	return slices.ContainsFunc(a.reads(r, true, false), func(i int) bool { return a.f.source(i) == Stated })
}

func (a *naiveAccount) seen(r *naiveRule) (out []Fact) {
	for _, i := range a.reads(r, true, false) {
		out = append(out, a.f.at(i))
	}
	return out
}

func (a *naiveAccount) missing(r *naiveRule, stated bool) {
	for _, i := range a.reads(r, false, true) {
		if stated && a.f.source(i) != Stated || !stated && a.f.values[i].State != rule.Unknown {
			continue
		}
		name := a.n.rs.vocabulary.defs[i].Name
		at := slices.IndexFunc(a.Unknowns, func(m Missing) bool { return m.Fact == name && m.Stated == stated })
		if at < 0 {
			at = len(a.Unknowns)
			a.Unknowns = append(a.Unknowns, Missing{Fact: name, Stated: stated})
		}
		a.Unknowns[at].Rules = append(a.Unknowns[at].Rules, r.ID)
	}
}
