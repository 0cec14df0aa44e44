package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// Gate asks, freely: may who deploy this artifact to this target now? Nil is
// yes, [*approval.Refused] is no; any other error is neither, and means no. It
// uses nothing up: [Desk.Start] does, and must be asked before the deployment.
//
// The attempt has an id here too: that of one that was started asks whether it
// may still go on; who only wants to know gives one that was never used, such as
// that of the run that would start it.
func (d *Desk) Gate(ctx context.Context, who, id string, a approval.Attempt) error {
	if err := checkIdentity(who); err != nil {
		return err
	}
	asks := &command{verb: "gate", ids: []string{id}}
	if err := asks.check(KindCase); err != nil {
		return err
	}
	policy := d.Policy()
	err := d.again(ctx, func(ctx context.Context) error {
		t, _, err := d.open(ctx, asks, policy)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, freshness)
		defer cancel()
		in, err := t.gate(ctx, who, a)
		if err == nil {
			err = t.fresh()
		}
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
		return refused(id, approval.Unauthorized, "nobody has asked for it, so nobody has authorised it; submit the change first")
	}
	return err
}

// gate is what a gate depends on, as it is now. A claim counts as it did when
// the content came in, as long as the claimant is of the on-call team. The way
// back is open whatever the policy and its templates say by now, so nobody is
// asked about them.
func (t *turn) gate(ctx context.Context, who string, a approval.Attempt) (in approval.GateInputs, err error) {
	in.Validity = t.desk.opts.Validity
	if in.By, err = t.actor(ctx, who); err != nil {
		return in, err
	}
	if in.Holds, err = t.seats(ctx, in.By, t.c.Deployers()); err != nil {
		return in, err
	}
	if t.c.Change == nil || t.c.IsBackout(a.Artifact) { // a discovered deployment never passes
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
// the attempt is the idempotency key, and sending it again is harmless: the same
// attempt gives the same answer, also after the authorisation has been used up,
// as long as [approval.Case.Again] says so: to deploy once more takes another
// request. An attempt is the pipeline's, so another identity gets that answer
// too, when it may deploy now. The run is always one that the record has.
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
			in, err := t.gate(ctx, who, a)
			if err != nil {
				return nil, err
			}
			events, err := t.c.Start(t.policy, a, in)
			if len(events) > 0 && err == nil && t.templates != nil && t.c.Ruling.Type != change.Standard {
				t.under = t.policy.Classify(t.c.Change, in.Inputs).Template
			}
			return events, err
		},
		did: func(e approval.Event) bool {
			started, ok := e.(approval.Started)
			return ok && started.By.Identity == who && started.Attempt == a
		},
		still: func(now approval.Case) error { return now.Again(a, d.now()) },
	})
	if errors.Is(err, audit.ErrCommandReused) {
		c, err = d.repeated(ctx, who, id, a, err)
	}
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

// repeated is the answer to an attempt that somebody else has started: it is the
// pipeline's, whoever runs it, so it is that of the first time for anybody who
// may deploy now. Anything else under its id is another request.
func (d *Desk) repeated(ctx context.Context, who, id string, a approval.Attempt, reused error) (approval.Case, error) {
	return d.run(ctx, &command{verb: "start", who: who, ids: []string{id}, do: func(ctx context.Context, t *turn) ([]approval.Event, error) {
		if !slices.ContainsFunc(t.c.Runs, func(r approval.Run) bool { return r.Attempt == a }) {
			return nil, reused
		}
		in, err := t.gate(ctx, who, a)
		if err != nil {
			return nil, err
		}
		return t.c.Start(t.policy, a, in)
	}})
}

// Report is how an attempt ended.
type Report struct {
	Attempt  string
	Outcome  approval.Outcome
	Note     string
	Occurred time.Time // when it ended; zero: now

	// What went where, of a deployment that nobody had authorised; "": not
	// known. Of an attempt that was started, the desk knows it.
	Service  string
	Artifact change.Digest
	Target   string
}

// Report records how an attempt ended. Sending it again is harmless.
//
// An attempt that was never started has been deployed without leave: that opens
// a case of its own, of which a review is owed, with what the report says.
// Where there is no case by that id, it is the answer; where there is one, the
// denial says which case was opened (NothingStarted). Anybody can report so: it
// only adds to what is looked at, and whom the directory does not know is
// recorded as unknown. What another report says otherwise of the same attempt
// is a deployment too, and has a case too.
//
// The events of a case are in order: where something else has happened since
// the attempt ended, such as the start of another one, it is recorded as ended
// at that time. What follows from the report, such as the end of the case,
// happens when it is recorded.
func (d *Desk) Report(ctx context.Context, who, id string, r Report, opts *CommandOptions) (approval.Case, error) {
	if !r.Occurred.IsZero() {
		r.Occurred = r.Occurred.Round(0).UTC()
	}
	if strings.HasPrefix(id, discoveredPrefix) {
		return approval.Case{}, refused(id, approval.Unauthorized, "it is a deployment that was found without authorisation: only a review closes it; report another one under the id of its own request")
	}
	seen := approval.Deployment{ID: r.Attempt, Case: id, Service: r.Service, Artifact: r.Artifact, Target: r.Target, Outcome: r.Outcome, Note: r.Note, At: r.Occurred}
	c := &command{verb: "report", who: who, ids: append([]string{id}, discoveredIDs(seen)...), new: true, old: 1, args: r}
	c.meant = func(c approval.Case) bool {
		if c.ID == id {
			return slices.ContainsFunc(c.Runs, func(run approval.Run) bool { return run.ID == r.Attempt })
		}
		return saysNothingNew(seen, c.Discovered)
	}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		if err := t.ended(r); err != nil {
			return nil, err
		}
		if t.record.Key.ID != id {
			return t.unstarted(ctx, who, seen)
		}
		by, holds, err := t.entitled(ctx, who, append(t.c.Deployers(), t.c.Validators()...))
		if err != nil {
			return nil, err
		}
		return t.c.Report(approval.Reported{By: by, Attempt: r.Attempt, Outcome: r.Outcome, Note: r.Note}, holds, t.now, d.opts.Validity)
	}
	c.did = func(e approval.Event) bool {
		switch e := e.(type) {
		case approval.Reported:
			return e.By.Identity == who && e.Attempt == r.Attempt && e.Outcome == r.Outcome && e.Note == r.Note
		case approval.Discovered:
			return e.By.Identity == who && saysNothingNew(seen, &e.Deployment)
		}
		return false
	}
	return d.act(ctx, c, opts)
}

// unstarted records a deployment that is reported and was never started. It is
// denied where the case that it is reported under exists.
func (t *turn) unstarted(ctx context.Context, who string, seen approval.Deployment) ([]approval.Event, error) {
	if seen.Outcome < approval.Succeeded || seen.Outcome > approval.RolledBack {
		return nil, errors.New("an outcome is one of succeeded, partial, failed and rolled back")
	}
	seen.At = t.occurred
	events, err := t.discover(ctx, who, seen)
	if err == nil && t.reads[0].Version > 0 {
		err = refused(seen.Case, approval.NothingStarted, fmt.Sprintf("no attempt %s was started under it, so it is recorded as a deployment that nobody had authorised, %s, of which a review is owed; if its id was mistyped, report the right one, and say so in the review", seen.ID, t.record.Key.ID))
	}
	return events, err
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

// Validate records the check after the deployment: by one whom the operating
// model lets validate ([approval.Case.Validators]), a bot too, once an outcome is
// reported. A check that failed stops what has not been started, leaves the way
// back open, and makes a review owed; it corrects one that passed, not the other
// way round. What is started later takes another check.
func (d *Desk) Validate(ctx context.Context, who, id string, passed bool, remark string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "validate", who: who, ids: []string{id}, args: []any{passed, remark}}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, holds, err := t.entitled(ctx, who, t.c.Validators())
		if err != nil {
			return nil, err
		}
		return t.c.Validate(approval.Validated{By: by, Passed: passed, Note: remark, ReviewBy: t.now.Add(d.opts.Validity.Review)}, holds, t.now)
	}
	c.did = func(e approval.Event) bool {
		v, ok := e.(approval.Validated)
		return ok && v.By.Identity == who && v.Passed == passed && v.Note == remark
	}
	return d.act(ctx, c, opts)
}

// Review records the post-implementation review, with its findings: by a human
// whom [approval.Case.Reviewers] names, which is a change manager where a review
// is owed, and otherwise a member of the team too. It is owed after an emergency,
// after a deployment or a check that failed, after a way back, and of what
// nobody had authorised. There is one, unless something goes wrong after it.
func (d *Desk) Review(ctx context.Context, who, id, findings string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "review", who: who, ids: []string{id}, args: findings}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, holds, err := t.entitled(ctx, who, t.c.Reviewers())
		if err != nil {
			return nil, err
		}
		return t.c.Conclude(approval.Reviewed{By: by, Findings: findings}, holds, t.now)
	}
	c.did = func(e approval.Event) bool {
		v, ok := e.(approval.Reviewed)
		return ok && v.By.Identity == who && v.Findings == findings
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
