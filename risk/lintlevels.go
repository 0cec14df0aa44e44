package risk

import (
	"math/big"
	"slices"
)

// groups finds groups whose bounds make their rules count for nothing, or bound
// nothing.
func (l *ruleLint) groups() {
	for i, g := range l.rs.groups {
		least, most := 0, 0
		for k := range l.rules {
			if r := &l.rules[k]; r.group == i {
				low, high := r.reach()
				least, most = least+low, most+high
			}
		}
		at, up, down := l.d.Groups[i].src, l.up(i), l.down(i)
		bounded := func(a Assessment) bool { return reasonOf(a, g.rule, Bounded) != nil }
		switch {
		case up == nil && down == nil:
			l.add(at, g.Name, Unused, nil, "no rule with points is in the group %s; use it or remove it", g.Name)
		case g.Cap != nil && *g.Cap == 0 && up != nil && down == nil:
			l.add(at, g.Name, NoEffect, l.points(up, bounded), "the cap of the group %s is 0, so the points of %s count for nothing; raise the cap or remove the group", g.Name, listed(up))
		case g.Min != nil && *g.Min == 0 && down != nil && up == nil:
			l.add(at, g.Name, NoEffect, l.points(down, bounded), "the floor of the group %s is 0, so the points of %s count for nothing; lower the floor or remove the group", g.Name, listed(down))
		default:
			l.slack(at, i, least, most)
		}
	}
}

// slack finds bounds of a group that its rules never come to.
func (l *ruleLint) slack(at source, i, least, most int) {
	g := l.rs.groups[i]
	idle := func(a Assessment) bool { return reasonOf(a, g.rule, Bounded) == nil }
	capped, floored := g.Cap != nil && *g.Cap >= most, g.Min != nil && *g.Min <= least
	switch {
	case (g.Cap == nil || capped) && (g.Min == nil || floored):
		witness := l.points(slices.Concat(l.up(i), l.down(i)), idle)
		l.add(at, g.Name, Unreachable, witness, "the group %s bounds nothing: its rules add up to between %d and %d points; tighten the bound or remove the group", g.Name, least, most)
	case capped:
		l.add(at, g.Name, Unreachable, l.points(l.up(i), idle), "the cap of the group %s is never exceeded: its rules come to %d points at most; lower it or leave it out", g.Name, most)
	case floored:
		l.add(at, g.Name, Unreachable, l.points(l.down(i), idle), "the floor of the group %s is never passed: its rules come to %d points at least; raise it or leave it out", g.Name, least)
	}
}

// reach are the fewest and the most points that the rule counts for.
func (r *compiledRule) reach() (least, most int) {
	for _, p := range r.options() {
		least, most = min(least, p), max(most, p)
	}
	return least, most
}

// options are the points that the rule can count for, besides none.
func (r *compiledRule) options() []int {
	if r.band < 0 {
		return []int{r.Points}
	}
	out := make([]int, len(r.Cuts))
	for i, cut := range r.Cuts {
		out[i] = cut.Points
	}
	return out
}

// levels finds levels that nothing comes to.
func (l *ruleLint) levels() {
	scores, ok := l.scores()
	vouched := false
	for i := range l.rules {
		r := &l.rules[i]
		vouched = vouched || r.when != nil && !r.raises() && !l.dead[r.ID]
	}
	if !vouched {
		witness := l.shown(l.blank(), nil, func(_ Facts, a Assessment) bool { return reasonOf(a, "default", ByDefault) != nil })
		l.add(l.d.fallback, "", Unreachable, witness, "no rule vouches for any change, which takes points of 0 or fewer and a condition that can be true, so no change is below the default %s; add one, such as for a check that has passed", l.rs.fallback)
	}
	for i, level := range l.rs.levels {
		held := level == l.rs.fallback || slices.ContainsFunc(l.rules, func(r compiledRule) bool { return r.floor == level })
		if held || !ok || !vouched && level.rank < l.rs.fallback.rank {
			continue
		}
		from, to := l.rs.span(i)
		if scores.any(from, to) {
			continue
		}
		if most := scores.most(); most < l.rs.cuts[i] {
			witness := l.points(l.up(-1), func(a Assessment) bool { return a.Score == most })
			l.add(l.d.Levels[i].src, level.name, Unreachable, witness, "no change comes to the level %s from %d points on: all rules together come to %d at most, and no floor or default names it; lower it or remove the level", level, l.rs.cuts[i], most)
		} else {
			witness := l.points(l.up(-1), func(a Assessment) bool { return a.Score >= to })
			l.add(l.d.Levels[i].src, level.name, Unreachable, witness, "the level %s is a gap: no sum of points lies from %d up to %d, and no floor or default names it; move its bounds or remove the level", level, from, to)
		}
	}
}

// farthest is beyond any score.
const farthest = MaxRules * MaxPoints * 2

// span is where the scores of a level begin and end; the end is not part of it.
func (rs *RuleSet) span(i int) (from, to int) {
	from, to = rs.cuts[i], farthest
	if i == 0 {
		from = -farthest
	}
	if i+1 < len(rs.cuts) {
		to = rs.cuts[i+1]
	}
	return from, to
}

// sums is a set of numbers: bit i stands for i + least.
type sums struct {
	bits  *big.Int
	least int
}

func nothing() sums { return sums{big.NewInt(1), 0} }

// plus adds one of the options, or none of them, to every number.
func (s sums) plus(options []int) sums {
	lowest := min(0, slices.Min(options))
	out := sums{new(big.Int).Lsh(s.bits, uint(-lowest)), s.least + lowest}
	for _, p := range options {
		out.bits.Or(out.bits, new(big.Int).Lsh(s.bits, uint(p-lowest)))
	}
	return out
}

// list are the numbers, ascending.
func (s sums) list() []int {
	var out []int
	for i := range s.bits.BitLen() {
		if s.bits.Bit(i) == 1 {
			out = append(out, i+s.least)
		}
	}
	return out
}

func (s sums) most() int { return s.least + s.bits.BitLen() - 1 }

// any reports whether a number lies from one up to another.
func (s sums) any(from, to int) bool {
	for i := max(from-s.least, 0); i < min(to-s.least, s.bits.BitLen()); i++ {
		if s.bits.Bit(i) == 1 {
			return true
		}
	}
	return false
}

// scores are all sums of points that could come about, and more: as if every
// rule could count on its own. It is false where there are too many.
func (l *ruleLint) scores() (sums, bool) {
	const most = 1 << 17
	total, spread := nothing(), 0
	grouped := make([]sums, len(l.rs.groups))
	for i := range grouped {
		grouped[i] = nothing()
	}
	for i := range l.rules {
		r := &l.rules[i]
		low, high := r.reach()
		if spread += high - low; spread > most {
			return sums{}, false
		}
		to := &total
		if r.group >= 0 {
			to = &grouped[r.group]
		}
		*to = to.plus(r.options())
	}
	for i, g := range l.rs.groups {
		var bounded []int
		for _, n := range grouped[i].list() {
			bounded = append(bounded, g.bound(n))
		}
		slices.Sort(bounded)
		if bounded = slices.Compact(bounded); len(bounded) > 4096 {
			return sums{}, false
		}
		total = total.plus(bounded)
	}
	return total, true
}
