package approval

import (
	"cmp"
	"math/bits"
	"slices"
)

// The search has two halves. One is asked whether some of the items of a set can
// make the change standard. It goes from obstacle to obstacle: one of the items
// that could move it must be edited, as nothing else changes what it hangs on.
// Where that leads nowhere, it says what was lacking: a clause, that is, other
// items, of which every set that works holds at least one. The other half goes
// by the number of items through the sets that hold one of each clause, and asks
// the first about them, which gives more clauses (implicit hitting sets). So no
// smallest set is missed, and most of the others are never looked at.
//
// So that there is an answer early, all items are asked about first. What is
// found is made smaller one item at a time, which gives clauses as well.

// mostSteps bounds how many sets are gone through for each assessment.
const mostSteps = 50

// soon is how many assessments the search by obstacle has before another one is
// tried: where it finds a way, it mostly takes fewer than 200.
const soon = 500

// view is what becomes of the change with a choice of ways.
type view struct {
	node
	standard  bool
	obstacles []obstacle
	score     int // the least in reach
	by        int // the item that is edited last
}

// working is a set of items that works, with ways in which it does.
type working struct {
	node
	smallest bool // none of its parts works, in any way
}

// run finds the sets that work.
func (s *search) run() []Suggestion {
	if n, ok := s.first(); ok {
		n, ok = s.reduced(n)
		s.found = append(s.found, working{n, ok})
	} else if !s.cut {
		return nil
	}
	s.until(s.budget)
	s.bySize()
	s.complete = s.complete && !s.cut
	return s.suggestions()
}

// until sets the limit of what follows.
func (s *search) until(tried int) { s.limit, s.cut = tried, false }

// first looks for any ways that work: where obstacles do not lead there soon, by
// climbing, and where that does not either, by obstacles again with what has been
// learnt. It is cut off where it does not know whether there are any; half of the
// budget is left for what is not found like this.
func (s *search) first() (works node, ok bool) {
	half := (s.budget + 1) / 2
	s.until(min(half, soon))
	if works, ok = s.ask(s.all()); ok || !s.cut {
		return works, ok
	}
	s.until(s.tried + (half-s.tried)*3/4)
	if works, ok = s.climb(); ok {
		s.leaveOut(&works)
		return works, ok
	}
	s.until(half)
	return s.ask(s.all())
}

// reduced leaves out items while the rest works, the costliest first, and
// reports whether nothing can be left out in any way. What takes too long to
// find out of one item is not held against the others.
func (s *search) reduced(n node) (node, bool) {
	inTurn := n.items().list()
	slices.SortStableFunc(inTurn, func(a, b int) int { return cmp.Compare(s.items[b].kind, s.items[a].kind) })
	known := true
	for _, i := range inTurn {
		if n[i] < 0 {
			continue
		}
		s.until(min(s.tried+1+s.budget/16, s.budget-s.budget/4))
		if less, ok := s.ask(n.items() &^ (1 << i)); ok {
			n = less
		} else if s.cut {
			known = false
		}
	}
	return n, known
}

// bySize finds the sets that work, the smallest first: those of fewer items than
// s.size have been found.
func (s *search) bySize() {
	for larger := true; larger && !s.cut; {
		s.size++
		larger = s.hit(0, 0, s.size)
	}
}

// hit goes through the sets that hold what is held, nothing that is banned, and
// at most so many items more. It reports whether larger ones could work.
func (s *search) hit(held, banned set, room int) (larger bool) {
	for !s.holdsFound(held) {
		if s.steps++; s.steps > mostSteps*s.budget {
			s.cut = true
		}
		clause, apart := s.missed(held, banned)
		switch {
		case s.cut || apart > 0 && clause == 0:
			return larger
		case apart > room:
			return true
		case apart > 0:
			for _, i := range clause.list() {
				larger = s.hit(held|1<<i, banned, room-1) || larger
				banned |= 1 << i
			}
			return larger
		}
		if n, ok := s.ask(held); ok {
			s.found = append(s.found, working{n, true})
		}
	}
	return larger
}

// holdsFound reports whether a set holds one that is known to be smallest.
func (s *search) holdsFound(items set) bool {
	return slices.ContainsFunc(s.found, func(f working) bool { return f.smallest && f.items()&^items == 0 })
}

// missed is the smallest of the clauses that the set holds nothing of, without
// what is banned; and how many of them have nothing in common, so that as many
// items more are needed at least.
func (s *search) missed(held, banned set) (least set, apart int) {
	covered := held
	for _, c := range s.clauses {
		if c&held != 0 {
			continue
		}
		c &^= banned
		if apart == 0 || c.size() < least.size() {
			least = c
		}
		if c&covered == 0 {
			covered |= c
			apart++
		}
	}
	return least, apart
}

// learn keeps a clause, in the place of those that say less.
func (s *search) learn(c set) {
	if slices.ContainsFunc(s.clauses, func(o set) bool { return o&^c == 0 }) {
		return
	}
	s.clauses = append(slices.DeleteFunc(s.clauses, func(o set) bool { return c&^o == 0 }), c)
}

// ask looks for ways of some of the items with which it is standard. Where there
// are none it has learnt a clause, unless it was cut off.
func (s *search) ask(among set) (works node, ok bool) {
	if slices.ContainsFunc(s.clauses, func(c set) bool { return c&among == 0 }) {
		return nothing, false
	}
	v := s.view(nothing, 0, among)
	if s.cut {
		return nothing, false
	}
	for _, o := range v.obstacles {
		s.learn(o.hangs)
	}
	found, why := s.below(v, among)
	switch {
	case found != nil:
		return *found, true
	case !s.cut:
		s.learn(why)
	}
	return nothing, false
}

// below goes on from a choice of ways with what else there is of the items. Where
// that leads nowhere, it says why: it will not whatever is done, unless one of
// these items is edited otherwise than chosen, or besides (the conflict that is
// learnt, as in a solver of constraints).
func (s *search) below(v *view, among set) (works *node, why set) {
	switch {
	case s.cut:
		return nil, 0
	case v.standard:
		return &v.node, 0
	}
	if why, known := s.leadsNowhere(&v.node, among); known {
		return nil, why
	}
	chosen := v.items()
	o := slices.MinFunc(v.obstacles, func(a, b obstacle) int { return harder(a.hangs, b.hangs, among&^chosen) })
	if o.hangs&^chosen == 0 {
		s.deadEnd(v)
	}
	known, left := chosen|^among, among
	why = o.hangs & known
	children := s.children(v, o.hangs&among&^chosen, among)
	for n, c := range children {
		works, sub := s.below(c, left)
		if works != nil || s.cut {
			return works, 0
		}
		if sub&^known == 0 { // it does not matter what was chosen
			why = sub
			break
		}
		why |= sub & known
		if !slices.ContainsFunc(children[n+1:], func(o *view) bool { return o.by == c.by }) {
			left &^= 1 << c.by // all that holds this item has been looked at
		}
	}
	s.learnNowhere(v.node, why)
	return nil, why
}

// children are the choices with one of the items more, the likeliest first.
func (s *search) children(v *view, items, among set) (out []*view) {
	for _, i := range items.list() {
		for _, w := range s.live[i] {
			n := v.node
			n[i] = w
			out = append(out, s.view(n, i, among))
		}
	}
	slices.SortStableFunc(out, func(a, b *view) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(len(a.obstacles), len(b.obstacles)))
	})
	return out
}

// part is the choice for some of the items.
func (n *node) part(items set) (out node) {
	out = nothing
	for ; items != 0; items &= items - 1 {
		i := bits.TrailingZeros64(uint64(items))
		out[i] = n[i]
	}
	return out
}

func (s *search) learnNowhere(n node, why set) {
	chosen := why & n.items()
	if !slices.Contains(s.masks, chosen) {
		s.masks = append(s.masks, chosen)
	}
	s.nowhere[n.part(chosen)] = why &^ chosen
}

// leadsNowhere reports whether a part of a choice is known to lead nowhere, and
// why.
func (s *search) leadsNowhere(n *node, among set) (why set, yes bool) {
	chosen := n.items()
	for _, m := range s.masks {
		if m&^chosen != 0 {
			continue
		}
		if lacks, ok := s.nowhere[n.part(m)]; ok && lacks&among == 0 {
			return m | lacks, true
		}
	}
	return 0, false
}

// view looks at a choice of ways, where no other items than these will be edited.
func (s *search) view(n node, by int, among set) *view {
	v := &view{node: n, by: by}
	if _, known := s.leadsNowhere(&n, among); known {
		return v
	}
	if s.cut = s.cut || s.tried >= s.limit; s.cut {
		return v
	}
	s.assess(v, among&^n.items())
	return v
}

// deadEnd keeps what nothing moves, where that is least.
func (s *search) deadEnd(v *view) {
	var held []string
	for _, o := range v.obstacles {
		if o.hangs&^v.items() == 0 && !slices.Contains(held, o.String()) {
			held = append(held, o.String())
		}
	}
	if root := v.items() == 0; s.held == nil || !root && !s.atRoot && len(held) < len(s.held) {
		s.held, s.atRoot = held, root
	}
}
