package approval

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
)

// Place is where a case stands in a queue.
type Place struct {
	Queue string
	Sort  string // queues are ordered by it, byte by byte: a time in UTC; in that for approval a 0 before it for an emergency, and a 1 for others
}

// sortable is a time as text of one length, so that the order of the bytes is
// that of the times.
func sortable(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// Queues lists the queues in which the case stands; none once nothing is owed.
// It depends on the events alone: what is overdue stands first in its queue.
func (c Case) Queues() []Place {
	var out []Place
	add := func(queue string, by time.Time) { out = append(out, Place{queue, sortable(by)}) }
	if c.undecided() {
		first := "1"
		if c.Ruling.Type == change.Emergency {
			first = "0"
		}
		out = append(out, Place{QueueApproval, first + sortable(c.SubmittedAt)})
	}
	if c.leftToStart() {
		add(QueueDeployment, c.planned())
	}
	if runs := c.unreported(); len(runs) > 0 {
		add(QueueOutcome, slices.MinFunc(runs, func(a, b Run) int { return a.ReportBy.Compare(b.ReportBy) }).ReportBy)
	}
	if c.owesValidation() {
		add(QueueValidation, slices.MaxFunc(c.Runs, func(a, b Run) int { return a.ReportedAt.Compare(b.ReportedAt) }).ReportedAt)
	}
	if c.owesReview() {
		add(QueueReview, c.ReviewBy)
	}
	return out
}

// undecided reports whether people, or a template, have still to decide.
func (c Case) undecided() bool { return c.Decision == Pending && c.Change != nil && !c.Closed }

// planned is when its deployment is to begin.
func (c Case) planned() time.Time {
	if c.Ruling.Window != nil {
		return c.Ruling.Window.Start
	}
	return c.DecidedAt
}

// Due is when time alone next changes something about the case, so that
// [Case.Expire] has something to say; zero: never. What is overdue changes
// nothing, and what has been used does not lapse while something is owed.
func (c Case) Due() time.Time {
	owes := len(c.unreported()) > 0 || c.owesValidation() || c.owesReview()
	if c.undecided() || c.leftToStart() && !owes {
		return c.NotAfter
	}
	return time.Time{}
}

// Waits says in sentences what the case waits for, and by when; none when
// nothing is owed. They name no person.
func (c Case) Waits() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if c.undecided() {
		add("It waits for %s, until %s.", c.missing(), stamp(c.NotAfter))
	}
	if c.leftToStart() {
		for _, p := range c.open() {
			add("The artifact %s may be started%s %s.", p.artifact, p.where(), c.whenOpen())
		}
		for _, lack := range c.Unready() {
			add("It cannot be started yet: %s.", lack)
		}
	}
	for _, r := range c.unreported() {
		add("The outcome of the attempt %s is due by %s.", r.ID, stamp(r.ReportBy))
	}
	if c.owesValidation() {
		add("Its deployment is to be validated%s.", byOneOf(c.Validators()))
	}
	if c.owesReview() {
		add("A review%s is due by %s.", byOneOf(c.Reviewers()), stamp(c.ReviewBy))
	}
	return out
}

func byOneOf(seats []Seat) string {
	if len(seats) == 0 {
		return ""
	}
	return " by a " + inSeats(seats)
}

func (p pair) where() string {
	if p.target == "" {
		return ""
	}
	return " on " + p.target
}

// whenOpen is when the authorisation can be used.
func (c Case) whenOpen() string {
	if w := c.Ruling.Window; w != nil {
		return fmt.Sprintf("from %s until %s", stamp(w.Start), stamp(c.NotAfter))
	}
	return "until " + stamp(c.NotAfter)
}

// missing says who must still say yes: the seats that are left when those who
// have voted are seated as well as they can be, each in one.
func (c Case) missing() string {
	r := c.Ruling.Requirement
	ways, ok := waysToMeet(r)
	votes := c.counting(c.Last)
	if requirementProblem(r, 0) != nil || !ok || len(votes) == 0 {
		return inWords(r)
	}
	var voters []voter
	for _, v := range votes {
		voters = append(voters, voter{v.By.Person, v.Holds})
	}
	var left way
	for _, w := range ways {
		if empty := w.vacant(voters); left == nil || empty.size() < left.size() {
			left = empty
		}
	}
	if left.size() == 0 { // a vote no longer counts, which only the directory knows
		return fmt.Sprintf("%s; %d have said yes", r, len(votes))
	}
	return left.words(r, ways[0])
}

// vacant is what is left of a way when the voters sit.
func (w way) vacant(voters []voter) way {
	m := newMatching(voters)
	out := way{}
	for _, holder := range slices.Sorted(maps.Keys(w)) {
		out[holder] = w[holder]
		for range min(w[holder], len(voters)) {
			m.seats = append(m.seats, holder)
			if m.place(len(m.seats)-1, make([]bool, len(voters))) {
				out[holder]--
			}
		}
	}
	return out
}

// size is how many people it takes.
func (w way) size() (n int) {
	for _, quorum := range w {
		n += quorum
	}
	return n
}

// words names the seats of a way, in the order of a requirement, of which whole
// is one way.
func (w way) words(r Requirement, whole way) string {
	var out []string
	for _, s := range seatsOf(r, nil) {
		switch n := w[s.holder()]; {
		case n > 0 && s.Group != "" && n < whole[s.holder()]:
			out = append(out, fmt.Sprintf("%d more of %s", n, s.Group))
		case n > 0 && s.Group != "":
			out = append(out, fmt.Sprintf("%d of %s", n, s.Group))
		case n > 0:
			out = append(out, s.place())
		}
	}
	return strings.Join(out, " and ")
}

// owesValidation reports whether the check after the deployment is still to be
// made: something went out, and the type of the change or its plan asks for one.
func (c Case) owesValidation() bool {
	if c.Change == nil || c.Validation != nil || c.Ruling.Type == change.Standard && c.Change.Validation == nil {
		return false
	}
	return slices.ContainsFunc(c.Runs, func(r Run) bool {
		return !r.Backout && (r.Outcome == Succeeded || r.Outcome == Partial)
	})
}

// owesReview reports whether a review is still to be made.
func (c Case) owesReview() bool { return !c.ReviewBy.IsZero() && c.Review == nil }

// unreported lists the runs whose outcome is not known.
func (c Case) unreported() []Run {
	var out []Run
	for _, r := range c.Runs {
		if r.Outcome == 0 {
			out = append(out, r)
		}
	}
	return out
}

// leftToStart reports whether the authorisation is for something that has not
// been started, and that nothing stops.
func (c Case) leftToStart() bool {
	return c.Decision == Authorized && !c.Closed && !c.stopped() && len(c.open()) > 0
}

// wentWrong reports whether a deployment did not succeed, or its check did not.
func (c Case) wentWrong() bool {
	if c.Validation != nil && !c.Validation.Passed {
		return true
	}
	return slices.ContainsFunc(c.Runs, func(r Run) bool { return !r.Backout && r.Outcome > Succeeded })
}

// pair is one artifact on its way to one target.
type pair struct {
	artifact change.Digest
	target   string
}

// pairs lists what the authorisation is for. A change without artifacts is
// its own artifact; one without targets goes to the one that has no name.
func (c Case) pairs() []pair {
	if c.Change == nil {
		return nil
	}
	artifacts, targets := []change.Digest{c.Digest}, []string{""}
	if len(c.Change.Artifacts) > 0 {
		artifacts = nil
		for _, a := range c.Change.Artifacts {
			artifacts = append(artifacts, a.Digest)
		}
	}
	if len(c.Change.Targets) > 0 {
		targets = nil
		for _, t := range c.Change.Targets {
			targets = append(targets, t.Name)
		}
	}
	out := make([]pair, 0, len(artifacts)*len(targets))
	for _, a := range artifacts {
		for _, t := range targets {
			out = append(out, pair{a, t})
		}
	}
	return out
}

// open lists the pairs of which no deployment has been started.
func (c Case) open() []pair {
	return slices.DeleteFunc(c.pairs(), func(p pair) bool {
		return slices.ContainsFunc(c.Runs, func(r Run) bool {
			return !r.Backout && r.Artifact == p.artifact && r.Target == p.target
		})
	})
}
