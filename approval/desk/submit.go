package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// Submit opens a case for a change: classified, and authorised at once when it
// is standard. The id of the change is the idempotency key: the same change by
// the same caller again gives the first answer; anything else under the same
// id is refused, with [audit.ErrCommandReused] or an [*approval.Refused].
//
// Who submits need not be the requester, nor be known to the directory: whoever
// is not could be anyone, so that the change is not standard by a standing claim,
// and what needs votes needs one from outside the team besides (INV-13).
func (d *Desk) Submit(ctx context.Context, who string, rfc *change.Change) (approval.Case, error) {
	digest, err := checkChange(ctx, who, rfc)
	if err != nil {
		return approval.Case{}, err
	}
	return d.run(ctx, &command{
		verb: "submit", who: who, ids: []string{rfc.ID}, new: true,
		name: commandName("submit", rfc.ID), key: rfc.ID, args: digest,
		did: func(e approval.Event) bool { return isSubmission(e, who, digest) },
		do: func(ctx context.Context, t *turn) ([]approval.Event, error) {
			if t.c.Version > 0 {
				return nil, t.sameRequest(who, digest)
			}
			s, err := t.submission(ctx, who, rfc)
			if err != nil {
				return nil, err
			}
			return t.policy.Submit(rfc, s)
		},
	})
}

// Edit gives a case other content: its votes are gone, and it is classified
// again. It is for those whom [approval.Case.Editors] names and for who has had a
// hand in it. The same content again adds nothing.
func (d *Desk) Edit(ctx context.Context, who string, rfc *change.Change, opts *CommandOptions) (approval.Case, error) {
	digest, err := checkChange(ctx, who, rfc)
	if err != nil {
		return approval.Case{}, err
	}
	c := &command{verb: "edit", who: who, ids: []string{rfc.ID}, args: digest}
	c.do = func(ctx context.Context, t *turn) ([]approval.Event, error) {
		s, err := t.submission(ctx, who, rfc)
		if err != nil {
			return nil, err
		}
		if s.Holds, err = t.seats(ctx, s.By, t.c.Editors()); err != nil {
			return nil, err
		}
		return t.c.Edit(t.policy, rfc, s)
	}
	c.did = func(e approval.Event) bool {
		edited, ok := e.(approval.Edited)
		return ok && edited.By.Identity == who && edited.Digest == digest
	}
	return d.run(ctx, c.keyed(opts))
}

// checkChange refuses a change that cannot be one, before anybody is asked. What
// the host has put into it may panic.
func checkChange(ctx context.Context, who string, rfc *change.Change) (digest change.Digest, err error) {
	err = contain(ctx, func(context.Context) error {
		digest, err = digestOf(who, rfc)
		return err
	})
	return digest, err
}

func digestOf(who string, rfc *change.Change) (change.Digest, error) {
	if err := checkIdentity(who); err != nil {
		return "", err
	}
	if rfc == nil {
		return "", errors.New("there is no change to submit")
	}
	if strings.HasPrefix(rfc.ID, discoveredPrefix) {
		return "", change.Problems{{Pointer: "/id", Message: fmt.Sprintf("%q is kept for deployments that nobody had authorised; a request needs another id", rfc.ID)}}
	}
	return rfc.ValidDigest()
}

// sameRequest refuses a submission under an id that means another one.
func (t *turn) sameRequest(who string, digest change.Digest) error {
	if isSubmission(t.history[0].Event, who, digest) {
		return nil
	}
	return refused(t.c.ID, approval.OtherContent, "this id is that of another request, or of somebody else's; edit that one, or submit this one under an id of its own")
}

// isSubmission reports whether an event is the submission of that content by
// them.
func isSubmission(e approval.Event, who string, digest change.Digest) bool {
	s, ok := e.(approval.Submitted)
	return ok && s.By.Identity == who && s.Digest == digest
}

func refused(id string, code approval.Refusal, text string) *approval.Refused {
	return &approval.Refused{Case: id, Reasons: []approval.Reason{{Code: code, Text: text}}}
}

// submission is what a submission or an edit brings besides the change.
func (t *turn) submission(ctx context.Context, who string, rfc *change.Change) (s approval.Submission, err error) {
	if s.By, err = t.actor(ctx, who); err != nil {
		return s, err
	}
	for _, id := range approval.Named(rfc) {
		a, err := t.actor(ctx, id)
		if err != nil {
			return s, err
		}
		s.Contributors = append(s.Contributors, a)
	}
	s.Validity = t.desk.opts.Validity
	s.Inputs, err = t.inputs(ctx, rfc, s.By)
	return s, err
}

// inputs are what a classification depends on, as it is now. By is who brought
// the content.
func (t *turn) inputs(ctx context.Context, rfc *change.Change, by approval.Actor) (in approval.Inputs, err error) {
	in = approval.Inputs{At: t.now, OnCall: map[string]bool{}}
	if t.templates, in.Templates, err = t.desk.readTemplates(ctx, t.policy, t.now); err != nil {
		return in, err
	}
	for _, claimant := range t.policy.Claimants(rfc, t.now) {
		if in.OnCall[claimant], err = t.claims(ctx, rfc, claimant, by); err != nil {
			return in, err
		}
	}
	return in, nil
}

// claims reports whether a claim counts: it is made by one of the on-call team,
// and it is known that it was. A standing claim is the policy's word, for changes
// that the team itself or its pipeline brings; one on the change itself is known
// where the claimant brought the change, or somebody vouches for it. A claim in
// another's name is not known (INV-14).
func (t *turn) claims(ctx context.Context, rfc *change.Change, claimant string, by approval.Actor) (bool, error) {
	a, err := t.actor(ctx, claimant)
	if err != nil {
		return false, err
	}
	self := by.Identity == claimant || by.Person != "" && by.Person == a.Person
	if rfc.Claim != nil && !self && !rfc.Observed("claim") {
		return false, nil
	}
	if rfc.Claim == nil {
		ours, err := t.seats(ctx, by, []approval.Seat{{Role: approval.RoleTeamMember, Of: rfc.Service}, {Role: approval.RoleOnCall, Of: rfc.Service}})
		if err != nil || len(ours) == 0 {
			return false, err
		}
	}
	return t.holds(ctx, a, approval.Seat{Role: approval.RoleOnCall, Of: rfc.Service})
}
