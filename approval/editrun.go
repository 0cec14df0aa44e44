package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// merit is how good a way of an item is: the less the better, number by number,
// in all that hangs on this item alone. What hangs on others as well can only be
// compared where it is the same.
type merit struct {
	costs []int
	other string
}

// asGood reports whether nothing speaks for the other way.
func (m merit) asGood(as merit) bool {
	if m.other != as.other {
		return false
	}
	for i, c := range m.costs {
		if c > as.costs[i] {
			return false
		}
	}
	return true
}

// findLive drops the ways of an item that another one makes needless. They come
// back when a set of items has been found to work.
func (s *search) findLive() {
	for i, one := range s.items {
		merits := make([]merit, len(one.ways))
		for w := range one.ways {
			merits[w] = s.merit(i, w)
		}
		s.merits = append(s.merits, merits)
		var live []int8
		for w := range merits {
			needless := func(o int) bool {
				return o != w && merits[o].asGood(merits[w]) && (o < w || !merits[w].asGood(merits[o]))
			}
			found := false
			for o := range merits {
				found = found || needless(o)
			}
			if !found || one.kind == EditClaim {
				live = append(live, int8(w))
			}
		}
		s.live = append(s.live, live)
	}
}

// merit looks at the change with one edit.
func (s *search) merit(i, w int) (m merit) {
	n := nothing
	n[i] = int8(w)
	k, _ := s.look(s.apply(&n))
	one := s.items[i]
	var other strings.Builder
	for j, r := range s.rules {
		switch of := s.of[j]; {
		case of.moves&(1<<i) == 0:
		case s.alone(of.reads, one):
			m.costs = append(m.costs, comesTo(k.Assessment, r.ID)...)
		default:
			observed := 0
			for _, name := range of.reads {
				f, _ := k.facts.Get(name)
				if slices.Contains(one.facts, name) {
					observed += boolCost(r.Observed && f.Provenance == risk.Stated)
				}
			}
			m.costs = append(m.costs, observed)
			s.shares(&other, of, one, k.facts)
		}
	}
	conditions := func(list []condition, good func(j int) bool, matters func(j int) bool) {
		for j, of := range list {
			switch {
			case of.moves&(1<<i) == 0 || !matters(j):
			case s.alone(of.reads, one):
				m.costs = append(m.costs, boolCost(!good(j)))
			default:
				s.shares(&other, of, one, k.facts)
			}
		}
	}
	possible := func(j int) bool { return s.possible[j] }
	conditions(s.forbids, func(j int) bool { return not(s.p.forbid[j].when, k.facts) }, func(int) bool { return true })
	conditions(s.excepts, func(j int) bool { return not(s.p.templates[j].except, k.facts) }, possible)
	conditions(s.covers, func(j int) bool {
		truth, _ := s.p.templates[j].covers.Decide(k.facts)
		return truth == risk.True
	}, possible)
	if one.kind == EditSchedule {
		m.costs = append(m.costs, s.windowCosts(k)...)
	}
	m.other = other.String()
	return m
}

func not(c *risk.Condition, f risk.Facts) bool {
	truth, _ := c.Decide(f)
	return truth == risk.False || truth == risk.Inapplicable
}

// shares says what an item does to a condition that hangs on others as well: what
// its own parts come to, and the facts in the parts that it has in common with
// them.
func (s *search) shares(to *strings.Builder, of condition, one item, facts risk.Facts) {
	for _, p := range of.parts {
		if s.alone(p.reads, one) {
			truth, _ := p.Decide(facts)
			fmt.Fprint(to, truth, ";")
			continue
		}
		for _, name := range p.reads {
			if f, _ := facts.Get(name); slices.Contains(one.facts, name) {
				fmt.Fprint(to, f, ";")
			}
		}
	}
}

// alone reports whether the item, once it is edited, settles all that edits can
// change of what is read.
func (s *search) alone(reads []string, one item) bool {
	return !slices.ContainsFunc(reads, func(name string) bool { return s.byFact[name] != 0 && !slices.Contains(one.facts, name) })
}

// comesTo is what a rule comes to: its points, its floor, and whether it is open
// and vouches.
func comesTo(a risk.Assessment, rule string) []int {
	out := []int{0, 0, 0, 1}
	for _, r := range a.Reasons {
		if r.Rule == rule {
			out[0], out[1] = r.Points, r.Floor.Rank()
			out[3] = boolCost(r.Basis != risk.Held || r.Points > 0 || r.Floor.Assessed())
		}
	}
	for _, m := range a.Unknowns {
		if !m.Stated && slices.Contains(m.Rules, rule) {
			out[2] = 1
		}
	}
	for _, f := range a.Faults {
		if f.Rule == rule {
			out[2] = 2
		}
	}
	return out
}

func boolCost(bad bool) int {
	if bad {
		return 1
	}
	return 0
}

// windowCosts are what a window changes besides facts.
func (s *search) windowCosts(k *classifying) (out []int) {
	for _, f := range s.p.freezes {
		out = append(out, boolCost(slices.Contains(k.Freezes, f.ID)))
	}
	for i := range s.p.templates {
		wanted, _ := k.wants(s.p.templates[i].ID)
		out = append(out, boolCost(!k.inForce(&s.p.templates[i], false)), boolCost(!wanted))
	}
	_, same := k.service.modelThrough(k.c.Kind, k.untilEnd())
	return append(out, boolCost(!same), -len(k.claims))
}

// nothing is the choice of no way for any item.
var nothing = func() (n node) {
	for i := range n {
		n[i] = -1
	}
	return n
}()

// suggestions are the best ways of the sets of items that work, in order.
func (s *search) suggestions() []Suggestion {
	type ranked struct {
		Suggestion
		cost  int
		items set
	}
	var all []ranked
	for i, w := range s.found {
		if !w.smallest && (s.complete || slices.ContainsFunc(s.found[i+1:], func(f working) bool { return f.items()&^w.items() == 0 })) {
			continue // there are smaller ones
		}
		w.smallest = w.smallest || w.items().size() <= s.size
		if one, cost, ok := s.suggestion(&w); ok {
			all = append(all, ranked{one, cost, w.items()})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(len(a.Edits), len(b.Edits)), cmp.Compare(a.cost, b.cost), slices.Compare(a.items.list(), b.items.list()))
	})
	out := make([]Suggestion, len(all))
	for i := range all {
		out[i] = all[i].Suggestion
	}
	return out
}

// suggestion gives each edit the kindest way that works with the others: the
// first one of windows and claims, and else the one that leaves most open;
// numbers come last, so that they take what the rest leaves. All that is at
// least as good will do as well, whatever becomes of the others. What is handed
// out has been classified as standard.
func (s *search) suggestion(w *working) (out Suggestion, cost int, ok bool) {
	n := &w.node
	inTurn := n.items().list()
	slices.SortStableFunc(inTurn, func(a, b int) int { return cmp.Compare(s.items[a].number(), s.items[b].number()) })
	for _, i := range inTurn {
		if !w.smallest && s.needless(n, i) {
			continue
		}
		best, most := n[i], 0
		for w := range s.items[i].ways {
			open := len(s.noWorse(i, w))
			if k := s.items[i].kind; k == EditSchedule || k == EditClaim {
				open = 1
			}
			if n[i] = int8(w); open > most && s.standard(n) {
				best, most = int8(w), open
			}
		}
		n[i] = best
	}
	if !w.smallest { // other ways may make others needless
		s.leaveOut(n)
	}
	var in Inputs
	out.Change, in = s.apply(n)
	out.Result = s.p.Classify(out.Change, in)
	if out.Result.Type != change.Standard || !s.honest(out.Change, in, n) {
		return out, 0, false
	}
	for _, i := range n.items().list() {
		edit := s.edit(i, int(n[i]), &out)
		out.Edits = append(out.Edits, edit)
		cost += int(edit.Kind)
	}
	out.Smallest = w.smallest
	return out, cost, true
}

// leaveOut leaves out items until it is not standard without any of the others.
func (s *search) leaveOut(n *node) {
	for again := true; again; {
		again = slices.ContainsFunc(n.items().list(), func(i int) bool { return s.needless(n, i) })
	}
}

// needless leaves an item out if it is standard without it.
func (s *search) needless(n *node, i int) bool {
	kept := n[i]
	n[i] = -1
	if s.standard(n) {
		return true
	}
	n[i] = kept
	return false
}

// number is 1 for an item that is a number.
func (i item) number() int {
	switch i.ways[0].to.(type) {
	case int64, float64, [2]int:
		return 1
	}
	return 0
}

// noWorse are the ways of an item that are at least as good as one of them, and
// that nobody else must vouch for where nobody must for that one.
func (s *search) noWorse(i, w int) (out []int) {
	for o, m := range s.merits[i] {
		if o != w && s.items[i].ways[o].vouch == s.items[i].ways[w].vouch && m.asGood(s.merits[i][w]) {
			out = append(out, o)
		}
	}
	return append([]int{w}, out...)
}

// standard asks for the type, as whoever decides will.
func (s *search) standard(n *node) bool {
	s.tried++
	c, in := s.apply(n)
	return s.p.Classify(c, in).Type == change.Standard
}

// honest reports whether every fact that was known and that no edit is about is
// as it was, and whether nobody stopped vouching for one.
func (s *search) honest(c *change.Change, in Inputs, n *node) bool {
	k := &classifying{p: s.p, c: c, in: in}
	facts := s.p.rules.Vocabulary().Facts(c, k.situation())
	for name := range s.info {
		was, _ := s.facts.Get(name)
		is, _ := facts.Get(name)
		if was.State != risk.Present || was.Provenance == risk.Derived {
			continue
		}
		if is.Provenance < was.Provenance && s.byFact[name]&n.items() == 0 {
			return false
		}
		if fmt.Sprint(was.Value()) != fmt.Sprint(is.Value()) && !s.mayTurn(name, n) {
			return false
		}
	}
	return true
}

// mayTurn reports whether an edit that was chosen may give a fact another value
// than the one that it has; see [EditKind].
func (s *search) mayTurn(fact string, n *node) bool {
	for _, i := range n.items().list() {
		one := s.items[i]
		if slices.Contains(one.facts, fact) && one.kind != EditSupply && one.kind != EditAttest {
			return true
		}
	}
	return s.info[fact].From == "window" && s.windows&n.items() != 0
}

// blockers are what stands in the way where there is no suggestion.
func (s *search) blockers() []string {
	if !s.complete { // a dead end of one way may be none of another
		var out []string
		s.limit, s.cut = s.tried+1, false
		for _, o := range s.view(nothing, 0, s.all()).obstacles {
			if why := o.String(); !slices.Contains(out, why) {
				out = append(out, why)
			}
		}
		return append(out, "the search ended too early to say which of these can be overcome")
	}
	if !s.atRoot {
		return append(slices.Clone(s.held), "this is what is left when all that can be edited has been")
	}
	return s.held
}
