package desk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
)

// Gate asks, freely: may who deploy this artifact to this target now? Nil is
// yes, [*approval.Refused] is no; any other error is neither, and means no.
func (d *Desk) Gate(ctx context.Context, who, id string, a approval.Attempt) error {
	if err := checkIdentity(who); err != nil {
		return err
	}
	policy := d.Policy()
	err := d.again(ctx, func(ctx context.Context) error {
		t, _, err := d.open(ctx, &command{verb: "gate", ids: []string{id}}, policy)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, freshness)
		defer cancel()
		in, err := t.gate(ctx, who)
		if err != nil {
			return err
		}
		return t.c.Gate(policy, a, in)
	})
	return unauthorised(id, err)
}

// unauthorised makes a denial of the answer that there is no such case.
func unauthorised(id string, err error) error {
	if errors.Is(err, errUnknownCase) {
		return refused(id, approval.Unauthorised, "nobody has asked for it, so nobody has authorised it; submit the change first")
	}
	return err
}

// gate is what a gate depends on, as it is now. A claim counts as it did when
// the content came in, as long as the claimant is of the on-call team.
func (t *turn) gate(ctx context.Context, who string) (in approval.GateInputs, err error) {
	in.Validity = t.desk.opts.Validity
	if in.By, err = t.actor(ctx, who); err != nil {
		return in, err
	}
	if in.Holds, err = t.seats(ctx, in.By, t.c.Deployers()); err != nil {
		return in, err
	}
	if t.c.Change == nil { // a discovered deployment, which never passes
		in.Inputs = approval.Inputs{At: t.now, Templates: map[string]approval.TemplateStatus{}, OnCall: map[string]bool{}}
		return in, nil
	}
	in.Inputs, err = t.inputs(ctx, t.c.Change, t.author())
	return in, err
}

// author is who brought the present content.
func (t *turn) author() (by approval.Actor) {
	for _, s := range t.history {
		switch e := s.Event.(type) {
		case approval.Submitted:
			by = e.By
		case approval.Edited:
			by = e.By
		}
	}
	return by
}

// Start uses the authorisation for one attempt. Only nil means: go. The id of
// the attempt is the idempotency key: the same attempt again gives the same
// answer, also after the authorisation has been used up, until its outcome is
// reported: then it is refused, as to deploy once more takes another request.
func (d *Desk) Start(ctx context.Context, who, id string, a approval.Attempt) (approval.Run, error) {
	if err := checkIdentity(who); err != nil {
		return approval.Run{}, err
	}
	if a.ID == "" {
		return approval.Run{}, errors.New("an attempt needs an id, such as that of the pipeline run; the same attempt again has the same id")
	}
	c, err := d.run(ctx, &command{
		verb: "start", who: who, ids: []string{id}, name: commandName("start", id, a.ID), key: a.ID, args: a,
		do: func(ctx context.Context, t *turn) ([]approval.Event, error) {
			in, err := t.gate(ctx, who)
			if err != nil {
				return nil, err
			}
			return t.c.Start(t.policy, a, in)
		},
		still: func(now approval.Case) error { return unended(now, a.ID) },
	})
	if err != nil {
		return approval.Run{}, unauthorised(id, err)
	}
	for _, r := range c.Runs {
		if r.Attempt == a {
			return r, nil
		}
	}
	return approval.Run{}, fmt.Errorf("the case %s has no run of the attempt %s, so it may not go", id, a.ID)
}

// unended refuses an attempt that has an outcome: its "go" has been used.
func unended(c approval.Case, attempt string) error {
	for _, r := range c.Runs {
		if r.ID == attempt && r.Outcome != 0 {
			return refused(c.ID, approval.AlreadyStarted, fmt.Sprintf("the attempt %s was started at %s and has ended; to deploy again takes another request", r.ID, r.StartedAt.Format(time.RFC3339)))
		}
	}
	return nil
}

// Report is how an attempt ended.
type Report struct {
	Attempt  string
	Outcome  approval.Outcome
	Note     string
	Occurred time.Time // when it ended; zero: now
}

// Report records how an attempt ended. For a case that nobody knows, it
// records a deployment that nobody had authorised, of which a review is owed.
//
// The events of a case are in order: where something else has happened since
// the attempt ended, it is recorded as ended at that time.
func (d *Desk) Report(ctx context.Context, who, id string, r Report, opts *CommandOptions) (approval.Case, error) {
	if !r.Occurred.IsZero() {
		r.Occurred = r.Occurred.Round(0).UTC()
	}
	c := &command{verb: "report", who: who, ids: []string{id}, new: true, args: r}
	if found := discoveredID(r.Attempt); found != id {
		c.ids = append(c.ids, found)
	}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		if err := t.ended(r); err != nil {
			return nil, err
		}
		by, holds, err := t.entitled(ctx, who, append(t.c.Deployers(), t.c.Validators()...))
		if err != nil {
			return nil, err
		}
		if t.record.Key.ID != id {
			return t.discover(approval.Deployment{ID: r.Attempt, At: t.occurred, Outcome: r.Outcome}, by)
		}
		return t.c.Report(approval.Reported{By: by, Attempt: r.Attempt, Outcome: r.Outcome, Note: r.Note}, holds, t.now, d.opts.Validity)
	}
	return d.act(ctx, c, opts)
}

// ended sets when the event of a report has occurred.
func (t *turn) ended(r Report) error {
	if r.Occurred.IsZero() {
		return nil
	}
	at := r.Occurred
	if at.After(t.now) {
		return fmt.Errorf("the attempt %s is said to have ended at %s, which is in the future: it is %s now", r.Attempt, at.Format(time.RFC3339), t.now.Format(time.RFC3339))
	}
	for _, run := range t.c.Runs {
		if run.ID == r.Attempt && at.Before(run.StartedAt) {
			return fmt.Errorf("the attempt %s is said to have ended at %s, before it was started at %s", r.Attempt, at.Format(time.RFC3339), run.StartedAt.Format(time.RFC3339))
		}
	}
	for _, s := range t.history {
		if at.Before(s.Occurred) {
			at = s.Occurred
		}
	}
	t.occurred = at
	return nil
}

// Validate records the check after the deployment.
func (d *Desk) Validate(ctx context.Context, who, id string, passed bool, remark string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "validate", who: who, ids: []string{id}, args: []any{passed, remark}}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, holds, err := t.entitled(ctx, who, t.c.Validators())
		if err != nil {
			return nil, err
		}
		return t.c.Validate(approval.Validated{By: by, Passed: passed, Note: remark, ReviewBy: t.now.Add(d.opts.Validity.Review)}, holds, t.now)
	}
	return d.act(ctx, c, opts)
}

// Review records the post-implementation review.
func (d *Desk) Review(ctx context.Context, who, id, findings string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "review", who: who, ids: []string{id}, args: findings}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, holds, err := t.entitled(ctx, who, t.c.Reviewers())
		if err != nil {
			return nil, err
		}
		return t.c.Conclude(approval.Reviewed{By: by, Findings: findings}, holds, t.now)
	}
	return d.act(ctx, c, opts)
}

// entitled is whoever acts, and the seats of those that let somebody act.
func (t *turn) entitled(ctx context.Context, who string, seats []approval.Seat) (approval.Actor, []approval.Seat, error) {
	by, err := t.actor(ctx, who)
	if err != nil {
		return by, nil, err
	}
	holds, err := t.seats(ctx, by, seats)
	return by, holds, err
}
