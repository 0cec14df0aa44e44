package risk

import (
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/rule"
)

// Lint lists what is questionable about the rules, in file order: conditions
// that are never or always true, rules that say the same or make no difference,
// thresholds and levels that nothing comes to. The situations are those of the
// services that there are; without any, a service can be anything, and no
// finding has a witness.
//
// A witness is a change of which an assessment by these rules has been seen to
// be as the finding says: both rules count, or the rule counts and a part of it
// makes no difference. Where something can never be, it is a change that comes as
// near as can be: the rule counts only because something is not known, or the
// score is the highest that there is. What nothing refers to has none, and no
// more has what only bounds the values of a fact.
//
// A finding that something can never be is proven; what cannot be proven in a
// bounded number of steps is not reported, so a rule set without findings is not
// thereby free of flaws.
//
// The error is that of [New].
func (d Definition) Lint(v *Vocabulary, situations []Situation) ([]Finding, error) {
	rs, err := New(v, d)
	if err != nil {
		return nil, err
	}
	l := &ruleLint{d: d, rs: rs, anywhere: v.prover(), steps: pairSteps}
	l.here = l.anywhere.In(situations)
	return l.run(), nil
}

func (l *ruleLint) run() []Finding {
	for _, r := range l.d.Rules {
		l.rules = append(l.rules, *l.rs.compile(r, new(faults)))
	}
	for i := range l.rules {
		l.rule(&l.rules[i])
	}
	l.findWays()
	l.pairs()
	l.groups()
	l.levels()
	SortFindings(l.all)
	return l.all
}

// ruleLint is a lint of rules in the making.
type ruleLint struct {
	findings
	d        Definition
	rs       *RuleSet
	rules    []compiledRule
	anywhere *Prover // for services that can be anything
	here     *Prover // for those that there are
	dead     map[string]bool
	live     []*compiledRule // rules with a condition that are not flawed by themselves
	steps    int             // left for comparing pairs
	ways     []ways          // by group
}

func (l *ruleLint) rule(r *compiledRule) {
	if r.Floor != "" && r.floor.rank == 1 {
		l.add(r.at("floor"), r.ID, NoEffect, l.counting(r), "the rule %s holds the level at %s at least, which is the lowest; name a higher floor or leave it out", r.ID, r.Floor)
	}
	if !l.service(r) {
		return
	}
	if r.when == nil {
		l.cuts(r)
		return
	}
	sound := l.condition(r)
	if r.Observed && !slices.ContainsFunc(r.when.Facts(), func(i int) bool { return l.rs.vocabulary.defs[i].data != "" }) {
		l.add(r.at("trust"), r.ID, NoEffect, l.counting(r), "the rule %s asks for observed facts and reads only what nobody states; leave \"trust\" out", r.ID)
	}
	if sound {
		l.live = append(l.live, r)
	}
}

// service looks at the services that the rule is for; it reports whether there
// are any.
func (l *ruleLint) service(r *compiledRule) bool {
	if r.only == nil {
		return true
	}
	words := l.rs.vocabulary.rules
	if l.anywhere.never(words, r.only, rule.IsTrue) {
		l.never(r.at("for"), r, r.only, `the rule %s is for no service, as "for" is never true`)
		return false
	}
	if l.here.never(words, r.only, rule.IsTrue) {
		l.lost(r)
		why, _ := l.here.whyNever(words, r.only)
		l.add(r.at("for"), r.ID, NeverTrue, nil, "the rule %s is for no service of this policy%s; correct \"for\" or remove the rule", r.ID, why)
		return false
	}
	if l.anywhere.always(words, r.only, rule.Not(words, r.only)) {
		l.add(r.at("for"), r.ID, AlwaysTrue, l.counting(r), `the rule %s is for every service: "for" is never false; leave it out`, r.ID)
	}
	return true
}

// condition looks at what becomes of the condition; it reports whether it can
// turn.
func (l *ruleLint) condition(r *compiledRule) bool {
	words, at := l.rs.vocabulary.rules, r.at("when")
	whole := l.whole(r)
	if l.anywhere.never(words, r.when, rule.IsTrue) {
		l.never(at, r, r.when, "the rule %s can never be true"+l.otherwise(r, whole))
		return false
	}
	if l.anywhere.never(words, whole, rule.IsTrue) {
		l.lost(r)
		l.add(at, r.ID, Contradiction, l.counted(r), `the rule %s can never be true%s: "for" and "when" exclude each other; correct one of them or remove the rule`, r.ID, l.otherwise(r, whole))
		return false
	}
	if l.here.never(words, whole, rule.IsTrue) {
		l.lost(r)
		why, _ := l.here.whyNever(words, whole)
		l.add(at, r.ID, NeverTrue, l.counted(r), "the rule %s can never be true for a service of this policy%s%s; correct the condition or remove the rule", r.ID, l.otherwise(r, whole), why)
		return false
	}
	if l.anywhere.always(words, whole, l.opposite(r)) {
		where := ""
		if r.only != nil {
			where = " for the services that it is for"
		}
		l.add(at, r.ID, AlwaysTrue, l.counting(r), "the rule %s is never false%s, so no change shows what it tells apart; give it a condition that can be, or put its points elsewhere", r.ID, where)
		return false
	}
	return l.parts(at, r)
}

// lost notes a rule that never holds.
func (l *ruleLint) lost(r *compiledRule) {
	if l.dead == nil {
		l.dead = map[string]bool{}
	}
	l.dead[r.ID] = true
}

// otherwise says what a rule that is never true still does.
func (l *ruleLint) otherwise(r *compiledRule, whole *rule.Expr) string {
	switch {
	case !r.raises():
		return ", so it never vouches for a change"
	case l.here.denied(whole):
		return ", so it never counts"
	case len(l.here.worlds) > 0 && l.counted(r) == nil:
		return "" // it may never count, and no change shows that it does
	}
	return ", and counts only where something that it reads is not known"
}

// whole is the condition for the services that the rule is for, and opposite
// what it is not.
func (l *ruleLint) whole(r *compiledRule) *rule.Expr {
	if r.only == nil {
		return r.when
	}
	return rule.And(l.rs.vocabulary.rules, r.only, r.when)
}

func (l *ruleLint) opposite(r *compiledRule) *rule.Expr {
	words := l.rs.vocabulary.rules
	if r.only == nil {
		return rule.Not(words, r.when)
	}
	return rule.And(words, r.only, rule.Not(words, r.when))
}

// never reports a condition that is never true, with the parts that exclude
// each other where there are two.
func (l *ruleLint) never(at source, r *compiledRule, e *rule.Expr, format string) {
	l.lost(r)
	kind := NeverTrue
	why, exclusive := l.anywhere.whyNever(l.rs.vocabulary.rules, e)
	if exclusive {
		kind = Contradiction
	}
	l.add(at, r.ID, kind, l.counted(r), format+"%s; correct the condition or remove the rule", r.ID, why)
}

// parts looks at what the condition is made of; it reports whether all of it
// can turn.
func (l *ruleLint) parts(at source, r *compiledRule) bool {
	flaws := l.anywhere.flaws(l.rs.vocabulary.rules, r.when)
	for _, f := range flaws {
		l.add(at, r.ID, f.kind, l.without(r, f), "in the rule %s %s", r.ID, f.says)
	}
	return flaws == nil
}

// flaw is what is questionable about a part of a condition.
type flaw struct {
	kind FindingKind
	says string
	part *rule.Expr
}

// flaws finds parts that are never false, and choices that are never true.
func (p *Prover) flaws(words *rule.Vocabulary, e *rule.Expr) []flaw {
	var out []flaw
	if parts := e.Parts(words); len(parts) > 1 {
		for _, part := range parts {
			if p.always(words, part, rule.Not(words, part)) {
				out = append(out, flaw{AlwaysTrue, "the part " + part.Brief() + " is never false, so it tells nothing apart; leave it out", part})
			}
		}
	}
	if choices := e.Choices(words); len(choices) > 1 {
		for _, choice := range choices {
			if p.never(words, choice, rule.IsTrue) {
				out = append(out, flaw{NeverTrue, "the part " + choice.Brief() + " can never be true; leave it out or correct it", choice})
			}
		}
	}
	return out
}

// cuts finds bands that no number lies in, and such that are like the one
// before; a first or last one that adds nothing may be there to be read.
func (l *ruleLint) cuts(r *compiledRule) {
	if !slices.ContainsFunc(r.Cuts, func(cut Cut) bool { return cut.Points != 0 }) {
		l.add(r.at("cuts"), r.ID, NoEffect, nil, "no band of the rule %s carries points, so it does nothing where %s is known; give a cut points or remove the rule", r.ID, r.Bands)
		return
	}
	d := l.rs.vocabulary.defs[r.band]
	lies, bounded := d.reach()
	before := 0
	for i, cut := range r.Cuts {
		last := i == len(r.Cuts)-1
		switch {
		case bounded && cut.From > lies.Most:
			l.add(r.at("cuts"), r.ID, Unreachable, l.banded(r, lies.Most, lies.Most, cut.From), "the rule %s has a cut at %v, which %s never reaches: it is at most %v; lower the cut or remove it", r.ID, cut.From, r.Bands, lies.Most)
		case !last && (bounded && r.Cuts[i+1].From <= lies.Least || d.Type == rule.Int && wholeFrom(cut.From) >= r.Cuts[i+1].From):
			l.add(r.at("cuts"), r.ID, Unreachable, nil, "the rule %s has a band from %v up to %v, and %s is never there; remove one of the two cuts", r.ID, cut.From, r.Cuts[i+1].From, r.Bands)
		case cut.Points == before && i > 0 && !last:
			l.add(r.at("cuts"), r.ID, NoEffect, l.banded(r, cut.From, cut.From, r.Cuts[i+1].From), "the rule %s has a cut at %v that changes nothing: there are %d points on both sides of it; remove it or give it others", r.ID, cut.From, before)
		}
		before = cut.Points
	}
}

// listed joins the ids of rules for a sentence.
func listed(rules []*compiledRule) string {
	ids := make([]string, len(rules))
	for i, r := range rules {
		ids[i] = r.ID
	}
	if len(ids) < 2 {
		return strings.Join(ids, "")
	}
	return strings.Join(ids[:len(ids)-1], ", ") + " and " + ids[len(ids)-1]
}
