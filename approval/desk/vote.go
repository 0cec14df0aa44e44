package desk

import (
	"context"
	"slices"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// Ballot is a vote: a yes or no to the revision that the voter saw.
type Ballot struct {
	Revision int
	Digest   change.Digest
	Choice   approval.Choice
	Comment  string
}

// Vote says yes or no to the revision that the voter saw; to another one it is
// refused. One no decides: the case is rejected for good. The case is authorised
// once those who have said yes fill the seats of its requirement, one each, as
// the directory knows them now.
//
// A human votes who holds one of the seats ([approval.Case.Seats]) and has had no
// hand in the change, under any identity; bots do not. Somebody votes once: a
// later vote takes the place of the earlier one, and the same again adds
// nothing.
func (d *Desk) Vote(ctx context.Context, who, id string, b Ballot, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "vote", who: who, ids: []string{id}, args: b}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, err := t.actor(ctx, who)
		if err != nil {
			return nil, err
		}
		out := approval.Ballot{By: by, Revision: b.Revision, Digest: b.Digest, Choice: b.Choice, Comment: b.Comment,
			At: t.now, Validity: d.opts.Validity}
		hands, err := t.hands(ctx)
		if err != nil {
			return nil, err
		}
		if hands[by.Person] && !slices.ContainsFunc(t.c.Contributors, func(a approval.Actor) bool { return a.Identity == by.Identity || a.Person == by.Person }) {
			return nil, refused(id, approval.IsContributor, by.Person+" has had a hand in the change, under another identity, and so has no vote on it")
		}
		if out.Holds, err = t.seats(ctx, by, t.c.Seats()); err != nil {
			return nil, err
		}
		if out.Still, err = t.still(ctx, hands); err != nil {
			return nil, err
		}
		return t.c.Vote(out)
	}
	c.did = func(e approval.Event) bool {
		v, ok := e.(approval.Voted)
		return ok && v.By.Identity == who && b == Ballot{v.Revision, v.Digest, v.Choice, v.Comment}
	}
	return d.act(ctx, c, opts)
}

// hands are the persons behind the contributors as the directory knows them
// now: identities may have been linked since the change came in (INV-13).
func (t *turn) hands(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	for _, contributor := range t.c.Contributors {
		a, err := t.actor(ctx, contributor.Identity)
		if err != nil {
			return nil, err
		}
		if a.Person != "" {
			out[a.Person] = true
		}
	}
	return out, nil
}

// still has the seats that those who have voted may take now, by person. Whom
// the directory knows as somebody else by now, as nobody, or as one with a hand
// in the change, can take none (INV-14, INV-17).
func (t *turn) still(ctx context.Context, hands map[string]bool) (map[string][]approval.Seat, error) {
	out := map[string][]approval.Seat{}
	for _, v := range t.c.Votes {
		a, err := t.actor(ctx, v.By.Identity)
		if err != nil {
			return nil, err
		}
		if a.Person != v.By.Person || a.Kind != v.By.Kind || hands[a.Person] {
			continue
		}
		if out[a.Person], err = t.seats(ctx, a, t.c.Seats()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Withdraw takes one's vote back before the decision.
func (d *Desk) Withdraw(ctx context.Context, who, id string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "withdraw", who: who, ids: []string{id}}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, err := t.actor(ctx, who)
		if err != nil {
			return nil, err
		}
		return t.c.Withdraw(by, t.now)
	}
	c.did = func(e approval.Event) bool {
		w, ok := e.(approval.Withdrawn)
		return ok && w.By.Identity == who
	}
	return d.act(ctx, c, opts)
}

// Cancel calls a request off.
func (d *Desk) Cancel(ctx context.Context, who, id, reason string, opts *CommandOptions) (approval.Case, error) {
	c := &command{verb: "cancel", who: who, ids: []string{id}, args: reason}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		by, err := t.actor(ctx, who)
		if err != nil {
			return nil, err
		}
		return t.c.Cancel(by, reason, t.now)
	}
	c.did = func(e approval.Event) bool {
		off, ok := e.(approval.CalledOff)
		return ok && off.By.Identity == who && off.Reason == reason
	}
	return d.act(ctx, c, opts)
}

// act does a command of somebody on a case that exists.
func (d *Desk) act(ctx context.Context, c *command, opts *CommandOptions) (approval.Case, error) {
	if err := checkIdentity(c.who); err != nil {
		return approval.Case{}, err
	}
	return d.run(ctx, c.keyed(opts))
}

// expire records that the time of a case is over, where it is; false when
// there is nothing to record.
func (d *Desk) expire(ctx context.Context, id string) (bool, error) {
	lapsed := false
	_, err := d.run(ctx, &command{verb: "expire", ids: []string{id}, do: func(_ context.Context, t *turn) ([]approval.Event, error) {
		events := t.c.Expire(t.now)
		lapsed = len(events) > 0
		return events, nil
	}})
	return lapsed && err == nil, err
}
