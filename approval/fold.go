package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fold adds events up to a case.
func Fold(id string, events []Stamped) (Case, error) {
	c := Case{ID: id}
	for _, e := range events {
		var err error
		if c, err = c.Apply(e); err != nil {
			return Case{}, err
		}
	}
	return c, nil
}

// Apply is the case after one more event. It refuses an event that cannot
// follow: a record that holds one is not the work of this library. What a
// command would refuse for its own sake, such as an edit after the end or a
// decision that the votes do not bear out, is refused here too; what only the
// directory or the policy could tell is not.
//
// The times of an event are in order: it is recorded no sooner than it
// occurred, and neither before the event before it. What has run out is told
// by when it occurred.
func (c Case) Apply(e Stamped) (Case, error) {
	next, err := c.apply(e)
	if err != nil {
		name := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e.Event), "approval."))
		return Case{}, fmt.Errorf("event %d of %s (%s) cannot follow what is recorded before it: %w", c.Version+1, c.ID, name, err)
	}
	return next, nil
}

// after is the case after events that all happen at one time.
func (c Case) after(at time.Time, events []Event) (Case, error) {
	for _, e := range events {
		var err error
		if c, err = c.apply(Stamped{at, at, e}); err != nil {
			return Case{}, err
		}
	}
	return c, nil
}

// then checks the events of a command, and ends the case with them when
// nothing is owed any more.
func (c Case) then(at time.Time, events []Event) ([]Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	next, err := c.after(at, events)
	if err != nil {
		return nil, err
	}
	if next.finished(utc(at)) {
		events = append(events, Closed{})
	}
	return events, nil
}

// apply changes a copy: slices are cloned before they are written to.
func (c Case) apply(e Stamped) (Case, error) {
	at, recorded := utc(e.Occurred), utc(e.Recorded)
	if err := c.timesProblem(at, recorded); err != nil {
		return Case{}, err
	}
	if err := c.expectedProblem(e.Event); err != nil {
		return Case{}, err
	}
	var err error
	switch v := e.Event.(type) {
	case Submitted:
		c.SubmittedAt = at
		err = c.take(v.Content, at)
	case Discovered:
		err = c.discovered(v, at)
	case Edited:
		err = c.edited(v.Content, at)
	case Reclassified:
		err = c.reclassify(v, at)
	case Voted:
		err = c.voted(v.Vote, at)
	case Withdrawn:
		err = c.withdrawable(v.By, at).problem()
		c.Votes = without(c.Votes, v.By)
	case Decided:
		err = c.decided(v, at)
	case CalledOff:
		err = c.cancellable(v.By, at).problem()
		c.Decision, c.DecidedAt, c.NotAfter = Cancelled, at, time.Time{}
	default:
		err = c.applyUse(e.Event, at)
	}
	c.Version, c.Last, c.occurred = c.Version+1, recorded, at
	return c, err
}

// applyUse is apply for what happens to an authorisation.
func (c *Case) applyUse(e Event, at time.Time) error {
	switch v := e.(type) {
	case Lapsed:
		why := c.lapsable(at)
		if len(c.Runs) == 0 {
			c.Decision, c.DecidedAt = Expired, at
		}
		return why.problem()
	case Started:
		return c.started(v, at)
	case Reported:
		return c.report(v, at)
	case Validated:
		return c.validated(v, at)
	case Reviewed:
		why := c.reviewable(v.By)
		c.Review, c.ReviewBy = &v, time.Time{}
		return why.problem()
	case Closed:
		if !c.finished(at) {
			return errors.New("something is owed: an outcome, a validation, a review, or a deployment that may still start")
		}
		c.Closed, c.ClosedAt = true, at
		return nil
	}
	return fmt.Errorf("%T is no event of a case", e)
}

// The years that times may be in, as for a classification.
const firstYear, lastYear = 1971, 2198

func (c Case) timesProblem(at, recorded time.Time) error {
	if at.Year() < firstYear || recorded.Year() > lastYear {
		return fmt.Errorf("it occurred at %s and was recorded at %s; expected years from %d to %d", stamp(at), stamp(recorded), firstYear, lastYear)
	}
	if recorded.Before(at) || recorded.Before(c.Last) || at.Before(c.occurred) {
		return fmt.Errorf("it occurred at %s and was recorded at %s; expected times in order, the one before being of %s", stamp(at), stamp(recorded), stamp(c.Last))
	}
	return nil
}

// expectedProblem refuses what cannot follow whatever it holds: a beginning
// in the middle, and anything but the decision after what decides.
func (c Case) expectedProblem(e Event) error {
	switch e.(type) {
	case Submitted, Discovered:
		if c.Version > 0 {
			return errors.New("a case begins once")
		}
		return nil
	}
	if c.Version == 0 {
		return errors.New("a case begins with a submission or a discovery")
	}
	_, decision := e.(Decided)
	if c.Decision == Pending && !decision && c.decidedBy() != Pending {
		return fmt.Errorf("what comes before decides that it is %s, so the decision comes next", c.decidedBy())
	}
	return nil
}

// decidedBy is what must be decided next: by a template or a no. A yes needs
// no decision to follow it, as only the directory knows whether it counts.
func (c Case) decidedBy() Decision {
	if _, pre := c.Ruling.Requirement.(PreApproval); pre {
		return Authorized
	}
	if slices.ContainsFunc(c.Votes, func(v Vote) bool { return v.Choice == Reject }) {
		return Rejected
	}
	return Pending
}

// take makes the content that of the case, undecided.
func (c *Case) take(e Content, at time.Time) error {
	if err := c.contentProblem(e, at); err != nil {
		return err
	}
	c.Revision, c.Change, c.Digest, c.Contributors = e.Revision, e.Change, e.Digest, slices.Clone(e.Contributors)
	c.undecide(e.Ruling, e.NotAfter)
	return nil
}

func (c *Case) edited(e Content, at time.Time) error {
	if err := c.editable(e.Change, at).problem(); err != nil {
		return err
	}
	if e.By.Person == "" {
		return fmt.Errorf("it is by %.256q, whom the directory does not know", e.By.Identity)
	}
	if !c.differs(e) {
		return errors.New("the content is the same as before, and so is what it needs")
	}
	return c.take(e, at)
}

func (c *Case) undecide(r Ruling, notAfter time.Time) {
	c.Ruling, c.NotAfter = r, utc(notAfter)
	c.Votes, c.Counted, c.Decision, c.DecidedAt = nil, nil, Pending, time.Time{}
}

func (c *Case) reclassify(e Reclassified, at time.Time) error {
	if err := c.reclassifiable(e.Ruling, at); err != nil {
		return err
	}
	c.undecide(e.Ruling, e.NotAfter)
	return limitProblem(e.NotAfter, at, c.Change.Window)
}

func (c *Case) discovered(e Discovered, at time.Time) error {
	d := e.Deployment
	c.SubmittedAt, c.Discovered, c.ReviewBy = at, &d, utc(e.ReviewBy)
	if !e.ReviewBy.After(at) {
		return errors.New("its review is due before it was discovered")
	}
	return errors.Join(e.By.problem(), deploymentProblem(d, at))
}

func (c *Case) voted(v Vote, at time.Time) error {
	v.At, v.NotAfter = at, utc(v.NotAfter)
	if err := c.votable(v).problem(); err != nil {
		return err
	}
	if v.Choice != Approve && v.Choice != Reject || !v.NotAfter.After(at) {
		return errors.New("it is neither a yes nor a no, or never counts")
	}
	if !slices.Equal(v.Holds, among(c.Seats(), v.Holds)) {
		return fmt.Errorf("it is by a %s; expected seats of the requirement, in its order", inSeats(v.Holds))
	}
	c.Votes = append(without(c.Votes, v.By), v)
	return nil
}

// without is a copy of the votes but for those of a person.
func without(votes []Vote, by Actor) []Vote {
	return slices.DeleteFunc(slices.Clone(votes), func(v Vote) bool { return v.By.Person == by.Person })
}

func (c *Case) decided(e Decided, at time.Time) error {
	if why := c.over(at); len(why) > 0 || c.Decision != Pending {
		return fmt.Errorf("it cannot be decided%s", because(why.text()))
	}
	by := c.decidedBy()
	switch {
	case by != Pending && e.Decision != by:
		return fmt.Errorf("it is decided that it is %s, and what comes before says %s", e.Decision, by)
	case e.Decision == Rejected && by == Rejected:
		e.NotAfter = time.Time{}
	case e.Decision != Authorized:
		return fmt.Errorf("it is decided that it is %s, and nothing before says so", e.Decision)
	case by == Pending && !c.countedFill(e.Counted, c.counting(at)):
		return fmt.Errorf("it needs %s, and the votes of %q do not fill that", inWords(c.Ruling.Requirement), e.Counted)
	default:
		if err := limitProblem(e.NotAfter, at, c.Ruling.Window); err != nil {
			return err
		}
	}
	if by != Pending && len(e.Counted) > 0 {
		return errors.New("it counts votes, and was not decided by counting them")
	}
	c.Decision, c.DecidedAt, c.Counted, c.NotAfter = e.Decision, at, slices.Clone(e.Counted), utc(e.NotAfter)
	return nil
}

func (c *Case) started(e Started, at time.Time) error {
	why := c.launchable(e.Attempt, at)
	if e.Backout {
		why = c.returnable(e.Attempt)
	}
	why = append(why, c.apart(c.Ruling.Model.Deploys, e.By)...)
	switch {
	case len(why) > 0:
		return why.problem()
	case e.By.problem() != nil || e.By.Person == "":
		return fmt.Errorf("it is by %.256q, whom the directory does not know", e.By.Identity)
	case e.Backout != c.IsBackout(e.Attempt.Artifact):
		return errors.New("the way back is to the artifact that the change names for it, and to no other")
	case !e.ReportBy.After(at):
		return errors.New("its outcome is due before it was started")
	}
	if len(c.Runs) == 0 {
		c.ReviewBy = c.Ruling.ReviewBy
	}
	if !e.Backout {
		c.outdate(at, e)
	}
	c.Runs = append(slices.Clone(c.Runs), Run{Attempt: e.Attempt, By: e.By, Backout: e.Backout, StartedAt: at, ReportBy: utc(e.ReportBy)})
	return nil
}

// outdate takes away the check and the review of what was started before: they
// did not look at this one. A review that the ruling asks for is owed again, in
// its time, or with the outcome when that is past.
func (c *Case) outdate(at time.Time, e Started) {
	c.Validation = nil
	if c.Review == nil {
		return
	}
	if c.Review, c.ReviewBy = nil, c.Ruling.ReviewBy; !c.ReviewBy.IsZero() && !c.ReviewBy.After(at) {
		c.ReviewBy = utc(e.ReportBy)
	}
}

func (c *Case) report(e Reported, at time.Time) error {
	if err := errors.Join(c.reportable(e).problem(), e.By.problem()); err != nil {
		return err
	}
	if e.Outcome > RolledBack || c.owes(e) == e.ReviewBy.IsZero() {
		return errors.New("its outcome is not known, or makes a review owed that it does not say, or says one that it does not make owed")
	}
	if !e.ReviewBy.IsZero() {
		c.ReviewBy, c.Review = utc(e.ReviewBy), nil
	}
	c.Runs = slices.Clone(c.Runs)
	for i := range c.Runs {
		if r := &c.Runs[i]; r.ID == e.Attempt {
			r.Outcome, r.ReportedAt, r.ReportedBy, r.Note = e.Outcome, at, e.By, e.Note
		}
	}
	return nil
}

func (c *Case) validated(e Validated, at time.Time) error {
	if err := errors.Join(c.validatable(e).problem(), e.By.problem()); err != nil {
		return err
	}
	if owes := !e.Passed && c.ReviewBy.IsZero(); owes == e.ReviewBy.IsZero() {
		return errors.New("it makes a review owed that it does not say, or says one that it does not make owed")
	}
	if !e.ReviewBy.IsZero() {
		if e.ReviewBy.Before(at) {
			return errors.New("its review is due before it was made")
		}
		c.ReviewBy, c.Review = utc(e.ReviewBy), nil
	}
	c.Validation = &e
	return nil
}
