package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
)

func blank(text string) bool { return strings.TrimSpace(text) == "" }

// reported reports whether any deployment has an outcome.
func (c Case) reported() bool {
	return slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Outcome != 0 })
}

// Report says how an attempt ended: by whoever started it, or somebody who
// holds one of the seats of [Case.Deployers] and [Case.Validators]. The same
// report again gives no events; a worse outcome corrects an earlier one, a
// better one does not. Worse, in this order: succeeded, partial, failed, rolled
// back. An outcome other than succeeded makes a review owed, and so does the
// outcome of a way back, which is not taken for nothing; a review that was made
// before does not cover it.
//
// It can be said of a closed case too, which stays closed. It refuses an
// attempt that was not started (NothingStarted), another outcome than before
// (OtherAttempt), and others than those above (NotEntitled).
func (c Case) Report(r Reported, holds []Seat, at time.Time, v Validity) ([]Event, error) {
	if err := errors.Join(v.check(), checkText("the note", r.Note)); err != nil {
		return nil, err
	}
	if r.Outcome < Succeeded || r.Outcome > RolledBack {
		return nil, errors.New("an outcome is one of succeeded, partial, failed and rolled back")
	}
	at = utc(at)
	why := c.behind(at)
	run, found := c.run(r.Attempt)
	entitled := r.By.problem() == nil && (found && run.By.same(r.By) || r.By.Person != "" && len(among(append(c.Deployers(), c.Validators()...), holds)) > 0)
	if found && !entitled {
		why.add(NotEntitled, "%.256s did not start the attempt and is none of those who may report it: %s", r.By.Identity, inSeats(append(c.Deployers(), c.Validators()...)))
	}
	if found && len(why) == 0 && run.Outcome == r.Outcome && run.Note == r.Note {
		return nil, nil
	}
	if why = append(why, c.reportable(r)...); len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	r.ReviewBy = time.Time{}
	if c.owes(r) {
		r.ReviewBy = at.Add(v.Review)
	}
	return c.then(at, []Event{r})
}

// reportable says why the attempt cannot have that outcome.
func (c Case) reportable(r Reported) (why reasons) {
	run, found := c.run(r.Attempt)
	switch {
	case !found:
		why.add(NothingStarted, "no attempt %.80q was started under it; report the id that it was started with", r.Attempt)
	case r.Outcome <= run.Outcome:
		why.add(OtherAttempt, "the attempt %s was reported at %s as %s already; only a worse outcome corrects that", run.ID, stamp(run.ReportedAt), run.Outcome)
	}
	return why
}

// owes reports whether the outcome makes a review owed that is not owed yet.
func (c Case) owes(r Reported) bool {
	run, _ := c.run(r.Attempt)
	return (r.Outcome > Succeeded || run.Backout) && c.ReviewBy.IsZero()
}

// Validate records the check after the deployment, by a holder of one of the
// seats of [Case.Validators], person or not, once an outcome is reported. A
// failed check stops what has not been started and makes a review owed, by
// v.ReviewBy, or at once when that is zero. The same again gives no events; a
// failed check corrects one that passed, not the other way round. It can be
// said of a closed case, which stays closed.
//
// A check is required unless the change is standard and has no plan for one,
// wherever something has gone out. What is started after it takes another; it
// passes only when all that is under way has its outcome (TooEarly). Where App
// Support validates, it is not by hands that made the change, as for
// [Case.Gate].
func (c Case) Validate(v Validated, holds []Seat, at time.Time) ([]Event, error) {
	if err := checkText("the note", v.Note); err != nil {
		return nil, err
	}
	at = utc(at)
	why := c.behind(at)
	switch err := v.By.problem(); {
	case err != nil:
		why.add(NotEntitled, "%v", err)
	case v.By.Person == "" || len(among(c.Validators(), holds)) == 0:
		why.add(NotEntitled, "%s may not validate it: that takes a %s", v.By.Identity, inSeats(c.Validators()))
	}
	if old := c.Validation; old != nil && len(why) == 0 && old.By.same(v.By) && old.Passed == v.Passed && old.Note == v.Note {
		return nil, nil
	}
	if why = append(why, c.validatable(v)...); len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	switch {
	case v.Passed || !c.ReviewBy.IsZero():
		v.ReviewBy = time.Time{}
	case v.ReviewBy.Before(at):
		v.ReviewBy = at
	}
	v.ReviewBy = utc(v.ReviewBy)
	return c.then(at, []Event{v})
}

// validatable says why the case cannot have that check.
func (c Case) validatable(v Validated) (why reasons) {
	open := slices.IndexFunc(c.Runs, func(r Run) bool { return !r.Backout && r.Outcome == 0 })
	switch {
	case !c.reported():
		why.add(NothingStarted, "no deployment under it has an outcome yet, so there is nothing to validate; report that first")
	case c.Validation != nil && (v.Passed || !c.Validation.Passed):
		why.add(OtherAttempt, "it was validated already; only a failed check corrects one that passed")
	case v.Passed && open >= 0:
		why.add(TooEarly, "the attempt %s has no outcome yet, so no check of it can have passed; report that first", c.Runs[open].ID)
	}
	return append(why, c.apart(c.Ruling.Model.Validates, v.By)...)
}

// Conclude records the post-implementation review, by a human who holds one of
// the seats of [Case.Reviewers]: once, unless something was started or went
// wrong after it. One that is owed is not made by a contributor, nor by somebody
// who started a deployment or reported its outcome (IsContributor). It can be
// said of a closed case, which stays closed. The same again gives no events.
func (c Case) Conclude(r Reviewed, holds []Seat, at time.Time) ([]Event, error) {
	if err := checkText("the findings", r.Findings); err != nil {
		return nil, err
	}
	if blank(r.Findings) {
		return nil, errors.New("a review has findings: say in a sentence what was learnt")
	}
	at = utc(at)
	why := c.behind(at)
	if old := c.Review; old != nil && len(why) == 0 && old.By.same(r.By) && old.Findings == r.Findings {
		return nil, nil
	}
	why = append(why, c.reviewable(r.By)...)
	if r.By.Person == "" || len(among(c.Reviewers(), holds)) == 0 {
		why.add(NotEntitled, "%.256s may not review it: that takes a %s", r.By.Identity, inSeats(c.Reviewers()))
	}
	if len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	return c.then(at, []Event{r})
}

// reviewable says why the case cannot have a review by them.
func (c Case) reviewable(by Actor) (why reasons) {
	if err := by.problem(); err != nil {
		why.add(NotEntitled, "%v", err)
	}
	if by.Kind != change.Human {
		why.add(NotAPerson, "%.256s is not known to be a human, and nobody else reviews", by.Identity)
	}
	if c.owesReview() && c.involved(by) {
		why.add(IsContributor, "%.256s had a hand in the change or in its deployment, so somebody else must review it", by.Identity)
	}
	switch {
	case c.Discovered == nil && !c.reported():
		why.add(NothingStarted, "no deployment under it has an outcome yet, so there is nothing to review; report that first")
	case c.Review != nil:
		why.add(OtherAttempt, "it was reviewed already by %s", c.Review.By.Identity)
	}
	return why
}

// involved reports whether somebody may have had a hand in the change or in its
// deployments.
func (c Case) involved(by Actor) bool {
	return slices.ContainsFunc(c.Contributors, by.shares) ||
		slices.ContainsFunc(c.Runs, func(r Run) bool { return by.shares(r.By) || by.shares(r.ReportedBy) })
}

// Discover makes the first events of a case for a deployment that nobody had
// authorised. There is nothing to decide about it: a review of it is
// owed, and with that it is closed.
func Discover(d Deployment, by Actor, at time.Time, v Validity) ([]Event, error) {
	if err := v.check(); err != nil {
		return nil, err
	}
	d.At = utc(d.At)
	c := Case{ID: d.ID}
	return c.then(at, []Event{Discovered{by, d, utc(at.Add(v.Review))}})
}

// deploymentProblem says why that cannot have been seen.
func deploymentProblem(d Deployment, at time.Time) error {
	switch {
	case !subject.MatchString(d.ID):
		return fmt.Errorf("%.80q cannot be the id of a deployment: printable letters without space, such as the deploy tool's own", d.ID)
	case d.At.IsZero() || d.At.After(at):
		return fmt.Errorf("the deployment is said to be of %s; expected a time before now, %s", stamp(d.At), stamp(at))
	case d.Outcome > RolledBack:
		return errors.New("an outcome is one of succeeded, partial, failed and rolled back")
	}
	if d.Artifact != "" {
		if _, err := change.ParseDigest(string(d.Artifact)); err != nil {
			return err
		}
	}
	return errors.Join(checkText("the case", d.Case), checkText("the service", d.Service), checkText("the target", d.Target), checkText("the note", d.Note))
}

// finished reports whether nothing is owed any more: every attempt has its
// outcome, what needs a check or a review has it, and nothing else can start.
func (c Case) finished(at time.Time) bool {
	switch {
	case c.Version == 0 || c.Closed:
		return false
	case c.Discovered != nil:
		return c.Review != nil
	case c.Decision != Authorized || len(c.Runs) == 0 || len(c.unreported()) > 0 || c.owesValidation() || c.owesReview():
		return false
	}
	return len(c.open()) == 0 || c.stopped() || !at.Before(c.NotAfter)
}
