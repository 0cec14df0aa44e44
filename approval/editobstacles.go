package approval

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// obstacles finds all that keeps a choice of ways from being standard, where no
// others than the open items will be edited besides.
func (s *search) obstacles(v *view, k *classifying, under *template, open set) {
	if _, same := k.service.modelThrough(k.c.Kind, k.untilEnd()); !same { // the facts of the service hang on it
		v.add(s.windows, "another operating model comes into force by the end of its window")
		return
	}
	if k.c.Emergency != nil {
		v.add(s.emergency, "an emergency is asked for: %s", k.c.Emergency.ID)
	}
	if k.c.Window != nil && !k.in.At.Before(k.c.Window.End) {
		v.add(s.windows, "its window has ended")
	}
	for _, f := range k.Faults {
		hangs := s.all()
		if i := s.rule(f.Rule); i >= 0 {
			hangs = s.of[i].moves
		}
		v.add(hangs, "%s", f.Why)
	}
	for _, m := range k.Assessment.Unknowns {
		for _, id := range m.Rules {
			if !m.Stated {
				v.add(s.of[s.rule(id)].moves, "%s is not known", m.Fact)
			}
		}
	}
	for i, f := range s.p.forbid {
		switch truth, why := f.when.Decide(k.facts); truth {
		case risk.True:
			v.add(s.forbids[i].moves, "never standard: %s (%s)", f.Because, f.ID)
		case risk.Undecided:
			v.add(s.forbids[i].moves, "perhaps never standard: %s (%s)", f.Because, f.ID)
		case risk.Faulty:
			v.add(s.forbids[i].moves, "%s", why)
		}
	}
	s.notAllowed(v, k, under)
	inside, templates := s.templates(v, k, open)
	if under == nil {
		v.add(templates, "%s", later(func() string { return s.couldCover(inside) }))
	}
	if under != nil || inside != nil {
		s.tooHigh(v, k, under, open, templates)
	}
}

func (v *view) add(hangs set, format string, args ...any) {
	v.obstacles = append(v.obstacles, obstacle{format, args, hangs})
}

// rule is the number of a rule, or -1.
func (s *search) rule(id string) int {
	if i, ok := s.byRule[id]; ok {
		return i
	}
	return -1
}

// notAllowed finds what the operating model has against it.
func (s *search) notAllowed(v *view, k *classifying, under *template) {
	if k.c.Claim != nil && k.c.Claim.Type != change.Standard {
		v.add(s.claims, "%s asks for more scrutiny", k.c.Claim.By)
	}
	if k.model.Model.Standard == change.Claimed {
		s.notClaimed(v, k, under)
	}
}

func (s *search) notClaimed(v *view, k *classifying, under *template) {
	claims := s.claims | s.windows
	if len(k.claims) == 0 {
		v.add(claims, "nobody on call claims it as a standard change")
		return
	}
	claim, moves := k.claims[0], claims
	if under != nil {
		claim = k.claimFor(under.ID)
	}
	if len(k.claims) > 1 {
		if moves = s.all(); under == nil { // which of them counts hangs on the template
			return
		}
	}
	if claim.Type == change.Standard && k.in.OnCall != nil && !k.in.OnCall[claim.By] {
		v.add(moves, "%s claims it as a standard change, but is not on call for %s", claim.By, k.service.Team)
	}
}

// templates are those that could cover the change, and what it hangs on that
// those which do not cover it yet, or cannot, do not.
func (s *search) templates(v *view, k *classifying, open set) (names []string, hangs set) {
	for i := range s.p.templates {
		t := &s.p.templates[i]
		if !s.possible[i] {
			continue
		}
		least, outside := s.outside(k, i, t, open)
		hangs |= least
		if !outside || least&^v.items() != 0 {
			names = append(names, t.ID)
		}
	}
	return names, hangs
}

// outside reports whether the change is outside of the template, and what one
// reason for that hangs on: the one that the fewest open items could move.
func (s *search) outside(k *classifying, i int, t *template, open set) (least set, outside bool) {
	reason := func(hangs set) {
		if !outside || harder(hangs, least, open) < 0 {
			least, outside = hangs, true
		}
	}
	if wanted, _ := k.wants(t.ID); !wanted {
		reason(s.claims | s.windows)
	}
	if !k.inForce(t, false) {
		reason(s.windows)
	}
	if truth, _ := t.covers.Decide(k.facts); truth != risk.True {
		reason(s.covers[i].moves)
	}
	if t.except != nil && !not(t.except, k.facts) {
		reason(s.excepts[i].moves)
	}
	return least, outside
}

// harder compares what two obstacles hang on: first comes what fewer of the open
// items could move, or else less in all.
func harder(a, b, open set) int {
	return cmp.Or(cmp.Compare((a&open).size(), (b&open).size()), cmp.Compare(a.size(), b.size()))
}

func (s *search) couldCover(inside []string) string {
	if len(inside) > 0 {
		return "no template of the catalogue covers it; it could be " + strings.Join(inside, " or ")
	}
	service := s.facts
	for _, b := range s.asked {
		if s.info[b.Fact].From != "" {
			service = service.Without(b.Fact)
		}
	}
	text := "no template of the catalogue could cover such a change of this service"
	for i := range s.p.templates {
		t := &s.p.templates[i]
		if truth, _ := t.covers.Decide(service); truth == risk.False || truth == risk.Inapplicable || s.possible[i] {
			continue // it is for other services
		}
		is, _ := t.covers.Decide(s.facts)
		out := s.k.outOfForce(t, s.k.day())
		switch {
		case out != "" && is != risk.False && is != risk.Inapplicable:
			text += fmt.Sprintf("; %s %s", t.ID, out)
		case is != risk.True:
			text += fmt.Sprintf("; %s does not cover it%s", t.ID, s.stated(t.covers))
		default:
			text += fmt.Sprintf("; %s excepts it%s", t.ID, s.stated(t.except))
		}
	}
	return text
}

// stated shows the facts that a condition reads and that the requester has
// stated.
func (s *search) stated(c *risk.Condition) string {
	var list []string
	for _, f := range c.Seen(s.facts) {
		if f.State == risk.Present && s.info[f.Name].From != "" {
			list = append(list, f.String())
		}
	}
	if len(list) == 0 {
		return ""
	}
	return " [" + strings.Join(list, ", ") + "]"
}

// share is what a rule comes to.
type share struct {
	points int
	floor  risk.Level
	vouch  bool
}

// bestShare is what a rule comes to at best.
func bestShare(r risk.Rule) share {
	out := share{points: min(r.Points, 0), vouch: r.Bands == "" && r.Points <= 0 && r.Floor == ""}
	for _, c := range r.Cuts {
		out.points = min(out.points, c.Points)
	}
	return out
}

func (is share) worse(than share) bool {
	return is.points > than.points || is.floor.Assessed() || than.vouch && !is.vouch
}

// counted is what all rules come to.
func (s *search) counted(a risk.Assessment) []share {
	out := make([]share, len(s.rules))
	for _, r := range a.Reasons {
		if i := s.rule(r.Rule); i >= 0 && r.Basis < risk.Bounded {
			out[i] = share{r.Points, r.Floor, s.best[i].vouch}
		}
	}
	return out
}

// sum is the score and the floor that the shares of all rules come to.
func (s *search) sum(all []share) (score int, floor risk.Level) {
	sums, vouched := make([]int, len(s.groups)), false
	for i, b := range all {
		if g, in := s.byGroup[s.rules[i].Group]; in {
			sums[g] += b.points
		} else {
			score += b.points
		}
		if b.floor.Rank() > floor.Rank() {
			floor = b.floor
		}
		vouched = vouched || b.vouch
	}
	for i, g := range s.groups {
		if g.Cap != nil {
			sums[i] = min(sums[i], *g.Cap)
		}
		if g.Min != nil {
			sums[i] = max(sums[i], *g.Min)
		}
		score += sums[i]
	}
	if !vouched {
		if l := s.p.rules.Default(); l.Rank() > floor.Rank() {
			floor = l
		}
	}
	return score, floor
}

// tooHigh finds whether the risk is too high: for any template, however well the
// open items turn out; or else for the template that covers the change, unless
// the risk is lowered, or another template, window or claim lets more through.
func (s *search) tooHigh(v *view, k *classifying, under *template, open, templates set) {
	all := s.counted(k.Assessment)
	hangs, settled := templates|s.claims, []int{}
	for i := range all {
		if !all[i].worse(s.best[i]) {
			continue
		}
		hangs |= s.of[i].moves
		if s.of[i].moves&open == 0 {
			settled = append(settled, i)
		} else {
			all[i] = s.best[i]
		}
	}
	var frozen set
	if len(k.freezes) > 0 {
		frozen = s.windows
	}
	ceiling := s.highest(k, open)
	reach, score := s.reach(k, all)
	v.score = score
	why := later(func() string { return s.whyHigh(k) })
	if reach.AtMost(ceiling) {
		if under != nil && !k.LowRisk {
			v.add(hangs|frozen, "%s", why)
		}
		return
	}
	hangs = frozen &^ open
	for _, i := range settled {
		is := all[i]
		all[i] = s.best[i]
		if reach, _ := s.reach(k, all); !reach.AtMost(ceiling) {
			continue // it would be too high without this one
		}
		all[i] = is
		hangs |= s.of[i].moves
	}
	v.add(hangs, "%s", why)
}

// reach is the least level that the shares of the rules come to, and their score.
func (s *search) reach(k *classifying, all []share) (level risk.Level, score int) {
	score, level = s.sum(all)
	if l := s.p.rules.LevelOf(score - k.model.Model.Slack); l.Rank() > level.Rank() {
		level = l
	}
	return level, score
}

// highest is the highest ceiling that any template could have.
func (s *search) highest(k *classifying, left set) (out risk.Level) {
	for i := range s.p.templates {
		t := &s.p.templates[i]
		ceiling := t.ceiling
		if s.windows&left == 0 {
			ceiling, _ = k.ceiling(t)
		}
		if s.possible[i] && ceiling.Rank() > out.Rank() {
			out = ceiling
		}
	}
	return out
}

// whyHigh says what holds the level up.
func (s *search) whyHigh(k *classifying) string {
	for _, f := range k.freezes {
		if !f.ceiling.Assessed() {
			return "the freeze " + f.ID + " allows no standard change"
		}
	}
	high := s.highest(k, ^set(0))
	for _, r := range k.Assessment.Reasons {
		if r.Floor.Rank() > high.Rank() {
			return fmt.Sprintf("a floor: %s (%s), so at least %s", r.Because, r.Rule, r.Floor)
		}
	}
	var held []string
	for _, r := range k.Assessment.Reasons {
		if r.Points > 0 {
			held = append(held, fmt.Sprintf("%s (%s, %+d)", r.Because, r.Rule, r.Points))
		}
	}
	return fmt.Sprintf("level %s, score %d, is above %s: %s", k.Assessment.Level, k.Assessment.Score, high, strings.Join(held, ", "))
}
