package approval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// obstacles are all that keeps a node from being standard, with those of the
// items that are left which could move them.
func (s *search) obstacles(k *classifying, under *template, left set) (out []obstacle) {
	add := func(moves set, format string, args ...any) {
		out = append(out, obstacle{fmt.Sprintf(format, args...), moves & left})
	}
	if _, same := k.service.modelThrough(k.c.Kind, k.untilEnd()); !same { // the facts of the service hang on it
		add(s.windows, "another operating model comes into force by the end of its window")
		return out
	}
	if k.c.Emergency != nil {
		add(s.emergency, "an emergency is asked for: %s", k.c.Emergency.ID)
	}
	if k.c.Window != nil && !k.in.At.Before(k.c.Window.End) {
		add(s.windows, "its window has ended")
	}
	for _, f := range k.Faults {
		add(s.movesFault(f, left), "%s", f.Why)
	}
	for _, m := range k.Assessment.Unknowns {
		if !m.Stated {
			add(s.movesRule(m.Rules[0]), "%s is not known", m.Fact)
		}
	}
	for i, f := range s.p.forbid {
		switch truth, why := f.when.Decide(k.facts); truth {
		case risk.True:
			add(s.forbids[i].moves, "never standard: %s (%s)", f.Because, f.ID)
		case risk.Undecided:
			add(s.forbids[i].moves, "perhaps never standard: %s (%s)", f.Because, f.ID)
		case risk.Faulty:
			add(s.forbids[i].moves, "%s", why)
		}
	}
	s.notAllowed(k, under, left, add)
	inside, templates := s.templates(k, left)
	switch {
	case under == nil:
		add(templates, "%s", s.couldCover(inside))
	case !k.LowRisk:
		add(s.lowers(k, left, templates), "%s", s.whyHigh(k))
	}
	return out
}

// movesFault are the items that could mend what failed.
func (s *search) movesFault(f risk.Fault, left set) set {
	if i := s.rule(f.Rule); i >= 0 {
		return s.of[i].moves
	}
	return left
}

func (s *search) rule(id string) int {
	return slices.IndexFunc(s.rules, func(r risk.Rule) bool { return r.ID == id })
}

func (s *search) movesRule(id string) set { return s.of[s.rule(id)].moves }

// notAllowed finds what the operating model has against it.
func (s *search) notAllowed(k *classifying, under *template, left set, add func(set, string, ...any)) {
	if k.c.Claim != nil && k.c.Claim.Type != change.Standard {
		add(s.claims, "%s asks for more scrutiny", k.c.Claim.By)
	}
	if k.model.Model.Standard == change.Claimed {
		s.notClaimed(k, under, left, add)
	}
}

func (s *search) notClaimed(k *classifying, under *template, left set, add func(set, string, ...any)) {
	if len(k.claims) == 0 {
		add(s.claims|s.windows, "nobody on call claims it as a standard change")
		return
	}
	claim, moves := k.claims[0], s.claims|s.windows
	if under != nil {
		claim = k.claimFor(under.ID)
	}
	if len(k.claims) > 1 {
		if moves = left; under == nil { // which of them counts hangs on the template
			return
		}
	}
	if claim.Type == change.Standard && k.in.OnCall != nil && !k.in.OnCall[claim.By] {
		add(moves, "%s claims it as a standard change, but is not on call for %s", claim.By, k.service.Team)
	}
}

// templates are those that could cover the change, and the items of which one
// must be edited for one that does not cover it yet.
func (s *search) templates(k *classifying, left set) (names []string, moves set) {
	for i := range s.p.templates {
		t := &s.p.templates[i]
		if !s.possible[i] {
			continue
		}
		least, outside := s.outside(k, i, t, left)
		if outside && least == 0 {
			continue
		}
		names = append(names, t.ID)
		moves |= least
	}
	return names, moves
}

// outside reports whether the change is outside of the template, and the fewest
// items that could move one reason for that.
func (s *search) outside(k *classifying, i int, t *template, left set) (least set, outside bool) {
	reason := func(moves set) {
		moves &= left
		if !outside || moves.size() < least.size() {
			least = moves
		}
		outside = true
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
	if t.except != nil {
		if truth, _ := t.except.Decide(k.facts); truth != risk.False && truth != risk.Inapplicable {
			reason(s.excepts[i].moves)
		}
	}
	return least, outside
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
		if truth, _ := t.covers.Decide(s.facts); truth != risk.True {
			text += fmt.Sprintf("; %s does not cover it%s", t.ID, seen(s.stated(t.covers)))
		} else {
			text += fmt.Sprintf("; %s excepts it%s", t.ID, seen(s.stated(t.except)))
		}
	}
	return text
}

// stated are the facts that a condition reads and that the requester has
// stated.
func (s *search) stated(c *risk.Condition) []risk.Fact {
	return slices.DeleteFunc(c.Seen(s.facts), func(f risk.Fact) bool { return f.State != risk.Present || s.info[f.Name].From == "" })
}

// better is the most that a rule could come to with the items that are left.
type better struct {
	points int
	floor  risk.Level
	vouch  bool
	gains  bool // it could be better than it is
}

// outlook is what a rule could come to at best.
func (s *search) outlook(i int, now *risk.Reason, left set) better {
	r := s.rules[i]
	raises := r.Points > 0 || r.Floor != ""
	var is better
	if now != nil {
		is = better{points: now.Points, floor: now.Floor, vouch: r.Bands == "" && !raises}
	}
	if s.of[i].moves&left == 0 {
		return is
	}
	best := better{points: min(is.points, r.Points, 0), vouch: r.Bands == "" && !raises}
	for _, c := range r.Cuts {
		best.points = min(best.points, c.Points)
	}
	best.gains = best.points < is.points || is.floor.Assessed() || best.vouch && !is.vouch
	return best
}

// outlooks are those of all rules.
func (s *search) outlooks(k *classifying, left set) []better {
	now := make(map[string]*risk.Reason, len(k.Assessment.Reasons))
	for i := range k.Assessment.Reasons {
		now[k.Assessment.Reasons[i].Rule] = &k.Assessment.Reasons[i]
	}
	out := make([]better, len(s.rules))
	for i, r := range s.rules {
		out[i] = s.outlook(i, now[r.ID], left)
	}
	return out
}

// atBest is the least score, and the least floor, that is in reach.
func (s *search) atBest(all []better) (score int, floor risk.Level) {
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

// lowers are the items that could lower the risk, or have another template,
// window or claim let more through; none where no ceiling is in reach.
func (s *search) lowers(k *classifying, left, templates set) (out set) {
	all := s.outlooks(k, left)
	score, floor := s.atBest(all)
	slack := k.model.Model.Slack
	reach := s.p.rules.LevelOf(score - slack)
	if floor.Rank() > reach.Rank() {
		reach = floor
	}
	if !reach.AtMost(s.highest(k, left)) {
		return 0
	}
	for i, b := range all {
		if b.gains {
			out |= s.of[i].moves
		}
	}
	out |= templates | s.claims
	if len(k.freezes) > 0 {
		out |= s.windows
	}
	return out
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
