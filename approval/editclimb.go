package approval

import (
	"cmp"
	"math"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The search by obstacle (see run) proves what it says, and where many values hang
// on one another it may go through too many of them before it meets any that work.
// The search here proves nothing. It takes some choice and makes it better one
// way at a time, whatever has been done before, until it works (WalkSAT, with the
// memory of a tabu search). Where the one is slow the other seldom is.

// aim is what is climbed for: to be standard under a template. An obstacle weighs as
// much as so many points of the score.
type aim struct{ template, dear int }

// footing is a choice of ways, and how far it is from being standard.
type footing struct {
	*view
	far   int
	since int // the step up to which its last way was barred; 0 where it is new
}

// before prefers what is nearer, and of what is as near what was left longest ago:
// on level ground that comes round to all of it.
func (f footing) before(o footing) bool {
	return cmp.Or(cmp.Compare(f.far, o.far), cmp.Compare(f.since, o.since)) < 0
}

// climb looks for any ways that work, up to the limit: for one template after
// the other, as long as it comes nearer, and again with more patience, and with
// obstacles that weigh less where the score would not come down. Patience ends,
// as a step in which nothing can be tried takes nothing off the limit.
func (s *search) climb() (works node, ok bool) {
	n := nothing
	for round := 0; slices.Contains(s.possible, true); round++ {
		for i, possible := range s.possible {
			if possible {
				n, ok = s.climbTo(aim{i, 20 >> (round % 3)}, n, 25<<min(round, 6))
			}
			if ok || s.cut {
				return n, ok
			}
		}
	}
	return nothing, false
}

// climbTo begins with a choice. Of the choices that edit one item otherwise, so
// that one of the obstacles may go, it goes on with the nearest, be that nearer
// than where it is or not, until so many steps have brought it no nearer than it
// has been. What it has left it does not come back to soon, unless that is the
// nearest so far.
func (s *search) climbTo(to aim, n node, patience int) (last node, ok bool) {
	var barred [mostItems][]int // by way, the first being none: the step before which it is not taken again
	for i := range s.items {
		barred[i] = make([]int, len(s.items[i].ways)+1)
	}
	now := s.footing(n, to)
	nearest, least := now.far, 0
	for step := 0; step-least < patience && !now.standard && !s.cut; step++ {
		next, item := footing{far: farthest}, 0
		for _, i := range now.obstacles[step%len(now.obstacles)].hangs.list() {
			for _, w := range s.others(now.node, i) {
				n := now.node
				n[i] = w
				f := s.footing(n, to)
				if f.since = barred[i][w+1]; (step >= f.since || f.far < nearest) && f.before(next) {
					next, item = f, i
				}
			}
		}
		if next.view == nil {
			continue
		}
		barred[item][now.node[item]+1] = step + 8 + step%5 // an uneven time, so as not to go in circles
		if now = next; now.far < nearest {
			nearest, least = now.far, step
		}
	}
	return now.node, now.standard
}

// others are the ways of an item that are not chosen, and none.
func (s *search) others(n node, i int) []int8 {
	return slices.DeleteFunc(append([]int8{-1}, s.live[i]...), func(w int8) bool { return w == n[i] })
}

// farthest is farther than any choice is.
const farthest = math.MaxInt

// footing looks at a choice that is to be the last one.
func (s *search) footing(n node, to aim) footing {
	v := &view{node: n}
	if s.cut = s.cut || s.tried >= s.limit; s.cut {
		return footing{view: v, far: farthest}
	}
	k, under := s.assess(v, 0)
	if v.standard {
		return footing{view: v, far: -1}
	}
	far := to.dear*len(v.obstacles) + max(k.Assessment.Score, 0)
	if under == nil {
		far += to.dear * s.lacks(to.template, k)
	}
	ceiling := s.highest(k, 0)
	for _, r := range k.Assessment.Reasons {
		far += to.dear * boolCost(r.Floor.Rank() > ceiling.Rank())
	}
	return footing{view: v, far: far}
}

// lacks is how many parts of its condition the change still lacks to be inside of
// a template.
func (s *search) lacks(template int, k *classifying) (n int) {
	t := &s.p.templates[template]
	for _, part := range s.covers[template].parts {
		truth, _ := part.Decide(k.facts)
		n += boolCost(truth != risk.True)
	}
	truth, _ := t.covers.Decide(k.facts)
	n += boolCost(truth != risk.True)
	if t.except != nil {
		n += boolCost(!not(t.except, k.facts))
	}
	return n
}

// assess makes an assessment of a choice for a view: the obstacles where only the
// open items will be edited besides, or that it is standard.
func (s *search) assess(v *view, open set) (*classifying, *template) {
	s.tried++
	c, in := s.apply(&v.node)
	k, under := s.look(c, in)
	if s.obstacles(v, k, under, open); len(v.obstacles) > 0 {
		return k, under
	}
	if v.standard = s.p.Classify(c, in).Type == change.Standard; !v.standard {
		v.add(s.all(), "it is no valid change")
	}
	return k, under
}
