package risk

import (
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// shown is a change, in one of the situations, whose facts are those values and
// of whose assessment something is so; nil where none is found. Rules that should
// hold are looked at first, which is cheaper than an assessment.
func (l *ruleLint) shown(values []rule.Value, rules []*compiledRule, so func(Facts, Assessment) bool) *change.Change {
	if values == nil {
		return nil
	}
	return l.here.example(values, func(f Facts) bool {
		for _, r := range rules {
			if r.when == nil {
				continue
			}
			if is, _ := r.when.Eval(f.values); is != rule.IsTrue {
				return false
			}
		}
		a := l.rs.Assess(f)
		for _, r := range rules {
			if reasonOf(a, r.ID, Held) == nil {
				return false
			}
		}
		return so == nil || so(f, a)
	})
}

// reasonOf is the line of a rule that counts on that basis.
func reasonOf(a Assessment, id string, basis Basis) *Reason {
	for i := range a.Reasons {
		if a.Reasons[i].Rule == id && a.Reasons[i].Basis == basis {
			return &a.Reasons[i]
		}
	}
	return nil
}

func (l *ruleLint) blank() []rule.Value { return make([]rule.Value, l.rs.vocabulary.rules.Len()) }

// values are facts on which all of the conditions are true, those that are nil
// apart; nil where none are found.
func (l *ruleLint) values(all ...*rule.Expr) []rule.Value {
	words := l.rs.vocabulary.rules
	all = slices.DeleteFunc(all, func(e *rule.Expr) bool { return e == nil })
	if len(all) == 0 {
		return l.blank()
	}
	if is, values := l.here.reach(words, rule.And(words, all...), rule.IsTrue); is == Yes {
		return values
	}
	return nil
}

// holding are facts on which the rules hold, and bands come to where their last
// cut is.
func (l *ruleLint) holding(rules []*compiledRule) []rule.Value {
	var all []*rule.Expr
	for _, r := range rules {
		all = append(all, r.only, r.when)
	}
	values := l.values(all...)
	for _, r := range rules {
		if values != nil && r.band >= 0 && values[r.band].State != rule.Present {
			values[r.band] = l.number(r.band, r.Cuts[len(r.Cuts)-1].From)
		}
	}
	return values
}

// number is a value of a fact.
func (l *ruleLint) number(fact int, n float64) rule.Value {
	if l.rs.vocabulary.defs[fact].Type == rule.Int {
		return rule.IntValue(int64(wholeFrom(n)))
	}
	return rule.FloatValue(n)
}

// counting is a change on which the rules count.
func (l *ruleLint) counting(rules ...*compiledRule) *change.Change {
	return l.shown(l.holding(rules), rules, nil)
}

// counted is a change on which the rule counts because something is not known.
func (l *ruleLint) counted(r *compiledRule) *change.Change {
	if !r.raises() {
		return nil
	}
	return l.shown(l.values(r.only), nil, func(_ Facts, a Assessment) bool { return reasonOf(a, r.ID, NotKnown) != nil })
}

// banded is a change on which the fact of the bands is at or above a number, and
// below another one; it is tried with one value.
func (l *ruleLint) banded(r *compiledRule, try, from, to float64) *change.Change {
	values := l.values(r.only)
	if values == nil {
		return nil
	}
	values[r.band] = l.number(r.band, try)
	return l.shown(values, nil, func(f Facts, _ Assessment) bool {
		v, whole := &f.values[r.band], l.rs.vocabulary.defs[r.band].Type == rule.Int
		return v.State == rule.Present && reaches(v, whole, from) && !reaches(v, whole, to)
	})
}

// points is a change whose assessment is so, on which rules count: all of them
// together, or else the first of them that will do by itself.
func (l *ruleLint) points(rules []*compiledRule, so func(Assessment) bool) *change.Change {
	const most = 20 // that are looked at
	rules = rules[:min(len(rules), most)]
	check := func(_ Facts, a Assessment) bool { return so(a) }
	if c := l.shown(l.holding(rules), rules, check); c != nil {
		return c
	}
	for i := range rules {
		if c := l.shown(l.holding(rules[i:i+1]), rules[i:i+1], check); c != nil {
			return c
		}
	}
	return nil
}

// up are the rules that can add points: those of a group, or all where it is
// negative.
func (l *ruleLint) up(group int) []*compiledRule {
	var out []*compiledRule
	for i := range l.rules {
		r := &l.rules[i]
		if _, most := r.reach(); most > 0 && (group < 0 || r.group == group) {
			out = append(out, r)
		}
	}
	return out
}

// down are the rules of a group that can take points off.
func (l *ruleLint) down(group int) []*compiledRule {
	var out []*compiledRule
	for i := range l.rules {
		r := &l.rules[i]
		if least, _ := r.reach(); least < 0 && r.group == group {
			out = append(out, r)
		}
	}
	return out
}

// without is a change on which the rule counts and its part is as the flaw says,
// so that it counts without that part just as well.
func (l *ruleLint) without(r *compiledRule, f flaw) *change.Change {
	is := rule.IsTrue
	if f.kind == NeverTrue {
		is = rule.IsFalse
	}
	rules := []*compiledRule{r}
	return l.shown(l.holding(rules), rules, func(facts Facts, _ Assessment) bool {
		got, _ := f.part.Eval(facts.values)
		return got == is
	})
}
