package desk_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// between is a desk on which something happens after a command has read, and
// before it writes.
func (o *office) between(do func()) *desk.Desk {
	return o.over(&gate{Store: o.Store, before: once(do)}, o.Directory, desk.Options{})
}

// TestINV12ApproveAndEdit: a vote never lands on content that the voter has
// not seen (T3).
func TestINV12ApproveAndEdit(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
	rfc := request("CHG-1")
	rfc.Artifacts[0].Digest = nextBuild
	d := o.between(func() { must[approval.Case](t)(o.Desk.Edit(ctx, alice, rfc, nil)) })
	_, err := d.Vote(ctx, carol, "CHG-1", yes(c), nil)
	refusedFor(t, err, approval.OtherRevision)
	o.wantEvents("CHG-1", "case.submitted/1", "case.voted/1", "case.edited/1")

	now := must[approval.Case](t)(o.Desk.Case(ctx, "CHG-1"))
	d = o.between(func() { must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(now), nil)) })
	now = must[approval.Case](t)(d.Edit(ctx, alice, request("CHG-1"), nil)) // the vote came first: the edit clears it (INV-11)
	if len(now.Votes) != 0 || now.Revision != 3 || now.Decision != approval.Pending {
		t.Errorf("revision %d has %d votes", now.Revision, len(now.Votes))
	}
}

// TestINV12VoteAndVote: two votes at a time both count, and decide once.
func TestINV12VoteAndVote(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	d := o.between(func() { must[approval.Case](t)(o.Desk.Vote(ctx, carol, "CHG-1", yes(c), nil)) })
	got := must[approval.Case](t)(d.Vote(ctx, bob, "CHG-1", yes(c), nil))
	if got.Decision != approval.Authorized || len(got.Counted) != 2 {
		t.Errorf("it is %s by %q", got.Decision, got.Counted)
	}
	o.wantEvents("CHG-1", "case.submitted/1", "case.voted/1", "case.voted/1", "case.decided/1")
}

// TestINV12VoteAndWithdraw: the quorum is never met by a vote that was taken
// back.
func TestINV12VoteAndWithdraw(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	must[approval.Case](t)(o.Desk.Vote(ctx, carol, "CHG-1", yes(c), nil))
	d := o.between(func() { must[approval.Case](t)(o.Desk.Withdraw(ctx, carol, "CHG-1", nil)) })
	if got := must[approval.Case](t)(d.Vote(ctx, bob, "CHG-1", yes(c), nil)); got.Decision != approval.Pending {
		t.Errorf("it is %s by %q", got.Decision, got.Counted)
	}
}

// TestINV20StartAndStart: of two attempts at a time one wins.
func TestINV20StartAndStart(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	d := o.between(func() {
		must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	})
	_, err := d.Start(ctx, robot, "CHG-1", attempt("run-2", "prod/eu"))
	refusedFor(t, err, approval.AlreadyStarted)

	o.approved("CHG-2")
	var all sync.WaitGroup
	won := make([]bool, 10)
	for i := range won {
		all.Go(func() {
			_, err := o.Desk.Start(ctx, robot, "CHG-2", attempt(fmt.Sprint("run-", i), "prod/eu"))
			if won[i] = err == nil; err != nil {
				refusedFor(t, err, approval.AlreadyStarted)
			}
		})
	}
	all.Wait()
	winners := 0
	for _, w := range won {
		if w {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d attempts may go", winners)
	}
}

// TestINV12StartAndCancel: what is called off does not start.
func TestINV12StartAndCancel(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	d := o.between(func() { must[approval.Case](t)(o.Desk.Cancel(ctx, alice, "CHG-1", "no need", nil)) })
	_, err := d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.WasCancelled)
}

// TestINV22SuspendMeanwhile: a template that is suspended between the read and
// the write approves nothing, neither a submission nor a start.
func TestINV22SuspendMeanwhile(t *testing.T) {
	suspend := func(o *office) func() {
		return func() {
			if err := o.Desk.SetTemplate(o.t.Context(), alice, "rolling", approval.Suspended, "it hurts", nil); err != nil {
				o.t.Error(err)
			}
		}
	}
	t.Run("submit", func(t *testing.T) {
		o := open(t)
		o.activate()
		c := must[approval.Case](t)(o.between(suspend(o)).Submit(t.Context(), alice, regular("CHG-1")))
		if c.Ruling.Type != change.Normal || c.Decision != approval.Pending {
			t.Errorf("it is %s and %s", c.Ruling.Type, c.Decision)
		}
	})
	t.Run("edit", func(t *testing.T) {
		o := open(t)
		o.activate()
		o.submitted("CHG-1")
		c := must[approval.Case](t)(o.between(suspend(o)).Edit(t.Context(), alice, regular("CHG-1"), nil))
		if c.Ruling.Type != change.Normal || c.Decision != approval.Pending {
			t.Errorf("it is %s and %s", c.Ruling.Type, c.Decision)
		}
	})
	t.Run("start", func(t *testing.T) {
		o := open(t)
		o.activate()
		must[approval.Case](t)(o.Desk.Submit(t.Context(), alice, regular("CHG-1")))
		_, err := o.between(suspend(o)).Start(t.Context(), robot, "CHG-1", attempt("run-1", "prod/eu"))
		refusedFor(t, err, approval.NeedsMore)
	})
}

// TestStartRefusedWithEvents: a refusal that is recorded is the answer only
// once it is.
func TestStartRefusedWithEvents(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1")))
	o.Desk.Use(policy(t, func(d *approval.Definition) { d.Templates = nil }))
	strict := o.over(&gate{Store: o.Store, before: func(int, audit.Batch) error { return audit.ErrStorageFull }}, o.Directory, desk.Options{})
	strict.Use(o.Desk.Policy())
	if _, err := strict.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")); !errors.Is(err, audit.ErrStorageFull) {
		t.Errorf("got %v", err)
	}
	o.wantEvents("CHG-1", "case.submitted/1", "case.decided/1")
}

// TestINV13Contributors: nobody votes on what they had a hand in, by whatever
// identity (T4, T5).
func TestINV13Contributors(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.Directory.Add(bob, "git|bob")
	o.Directory.Grant(alice, cab)
	rfc := request("CHG-1")
	rfc.Contributors = []change.Contributor{{ID: "git|bob", As: change.Author}, {ID: "git|carl", As: change.Pair}}
	c := must[approval.Case](t)(o.Desk.Submit(ctx, dan, rfc))
	for who, want := range map[string]approval.Refusal{
		alice:       approval.IsContributor, // the requester
		bob:         approval.IsContributor, // the author, by another identity
		dan:         approval.IsContributor, // who submitted it
		robot:       approval.NotAPerson,    // INV-29
		"idp|ghost": approval.NotEntitled,
	} {
		_, err := o.Desk.Vote(ctx, who, "CHG-1", yes(c), nil)
		refusedFor(t, err, want)
	}
	// A contributor whom nobody knows could be anyone: somebody from outside the
	// team must say yes. Once it is known who it is, that vote does not count.
	outside := approval.Seat{Role: approval.RoleOutsideTeam, Of: "api", Quorum: 1}
	if !c.Ruling.Requirement.AtLeast(outside) {
		t.Fatalf("it needs %s", c.Ruling.Requirement)
	}
	must[approval.Case](t)(o.Desk.Vote(ctx, carol, "CHG-1", yes(c), nil))
	o.Directory.Add(carol, "git|carl")
	_, err := o.Desk.Vote(ctx, carol, "CHG-1", yes(c), &desk.CommandOptions{Key: "again"})
	refusedFor(t, err, approval.IsContributor)
	o.Directory.Add("idp|frank")
	o.Directory.Add("idp|grace")
	o.Directory.Grant("idp|frank", cab)
	o.Directory.Grant("idp|grace", cab)
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, "idp|frank", "CHG-1", yes(c), nil)); c.Decision != approval.Pending {
		t.Errorf("it is %s by %q", c.Decision, c.Counted)
	}
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, "idp|grace", "CHG-1", yes(c), nil)); c.Decision != approval.Pending {
		t.Errorf("it is %s by %q: two of the CAB, and nobody beside them", c.Decision, c.Counted)
	}
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, erin, "CHG-1", yes(c), nil)); c.Decision != approval.Authorized {
		t.Errorf("it is %s by %q, and waits for %q", c.Decision, c.Counted, c.Waits())
	}
}

// TestOutsideTeam: only a human who is known, and is not of the team, is
// outside of it; the directory is never asked for that as a role.
func TestOutsideTeam(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.Directory.Grant(alice, approval.Seat{Role: approval.RoleOutsideTeam, Of: "api"})
	rfc := request("CHG-1")
	rfc.Requester.ID = bob
	rfc.Contributors = []change.Contributor{{ID: "git|ghost", As: change.Author}}
	c := must[approval.Case](t)(o.Desk.Submit(ctx, bob, rfc))
	_, err := o.Desk.Vote(ctx, alice, "CHG-1", yes(c), nil)
	refusedFor(t, err, approval.NotEntitled)
	c = must[approval.Case](t)(o.Desk.Vote(ctx, mal, "CHG-1", yes(c), nil))
	if len(c.Votes) != 1 || len(c.Votes[0].Holds) != 1 || c.Votes[0].Holds[0].Role != approval.RoleOutsideTeam {
		t.Errorf("the votes are %+v", c.Votes)
	}
}

// TestINV14OnePerson: two identities that are linked count once, also when
// they are linked later.
func TestINV14OnePerson(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.Directory.Add(bob, "gh|bob")
	c := o.submitted("CHG-1")
	must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, "gh|bob", "CHG-1", yes(c), nil)); c.Decision != approval.Pending || len(c.Votes) != 1 {
		t.Errorf("it is %s with %d votes", c.Decision, len(c.Votes))
	}
	o.Directory.Remove(bob)
	o.Directory.Add(carol, "gh|bob", bob) // bob was carol all along
	o.Directory.Grant(carol, cab)
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, carol, "CHG-1", yes(c), nil)); c.Decision != approval.Pending {
		t.Errorf("it is %s by %q", c.Decision, c.Counted)
	}
	if c = must[approval.Case](t)(o.Desk.Vote(ctx, dan, "CHG-1", yes(c), nil)); c.Decision != approval.Authorized || len(c.Counted) != 2 {
		t.Errorf("it is %s by %q", c.Decision, c.Counted)
	}
}

// TestINV17RoleEnds: a vote of somebody who has lost the role, or is not known
// any more, does not count (T6).
func TestINV17RoleEnds(t *testing.T) {
	for name, end := range map[string]func(o *office){
		"revoked": func(o *office) { o.Directory.Revoke(bob, cab) },
		"left":    func(o *office) { o.Directory.Remove(bob) },
		"a bot":   func(o *office) { o.Directory.AddBot(bob) },
	} {
		t.Run(name, func(t *testing.T) {
			o, ctx := open(t), t.Context()
			c := o.submitted("CHG-1")
			must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
			end(o)
			if c = must[approval.Case](t)(o.Desk.Vote(ctx, carol, "CHG-1", yes(c), nil)); c.Decision != approval.Pending {
				t.Errorf("it is %s by %q", c.Decision, c.Counted)
			}
			if c = must[approval.Case](t)(o.Desk.Vote(ctx, dan, "CHG-1", yes(c), nil)); c.Decision != approval.Authorized {
				t.Errorf("it is %s", c.Decision)
			}
		})
	}
}

// TestINV17RevokedWithinCommand: each try asks anew.
func TestINV17RevokedWithinCommand(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
	d := o.over(&gate{Store: o.Store, before: func(n int, _ audit.Batch) error {
		if n == 1 {
			o.Directory.Revoke(bob, cab)
			return audit.ErrStale
		}
		return nil
	}}, o.Directory, desk.Options{})
	if c = must[approval.Case](t)(d.Vote(ctx, carol, "CHG-1", yes(c), nil)); c.Decision != approval.Pending {
		t.Errorf("it is %s by %q", c.Decision, c.Counted)
	}
}

// TestINV12Histories lets people do what they please at the same time, and
// looks at what the record says they did: some order of it explains all, as the
// fold accepts it, and nothing starts that two of the CAB have not approved in
// the very revision. The kit verifies the log at the end.
func TestINV12Histories(t *testing.T) {
	seeds := pick(testing.Short(), uint64(6), 2)
	for seed := range seeds {
		o, ctx := open(t), t.Context()
		o.submitted("CHG-1")
		var all sync.WaitGroup
		for i, who := range []string{alice, bob, carol, dan, robot, robot} {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			all.Go(func() {
				for n := range 8 {
					o.anything(ctx, r, who, fmt.Sprintf("run-%d-%d", i, n))
				}
			})
		}
		all.Wait()
		o.explained("CHG-1")
	}
}

// anything does something that may be refused.
func (o *office) anything(ctx context.Context, r *rand.Rand, who, attemptID string) {
	c, err := o.Desk.Case(ctx, "CHG-1")
	if err != nil {
		o.t.Error(err)
		return
	}
	switch {
	case who == alice && r.IntN(3) == 0:
		rfc := request("CHG-1")
		rfc.Title = attemptID
		_, err = o.Desk.Edit(ctx, who, rfc, nil)
	case who == robot:
		_, err = o.Desk.Start(ctx, who, "CHG-1", attempt(attemptID, pick(r.IntN(2) == 0, "prod/eu", "prod/us")))
	case r.IntN(6) == 0:
		_, err = o.Desk.Withdraw(ctx, who, "CHG-1", nil)
	default:
		_, err = o.Desk.Vote(ctx, who, "CHG-1", yes(c), nil)
	}
	if _, refused := errors.AsType[*approval.Refused](err); err != nil && !refused && !errors.Is(err, audit.ErrStale) {
		o.t.Error(err)
	}
}

// explained recounts the votes by hand: the oracle is this loop and not the
// fold.
func (o *office) explained(id string) {
	o.t.Helper()
	votes, authorised, started := map[string]bool{}, false, map[string]bool{}
	for i, s := range must[[]approval.Stamped](o.t)(o.Desk.History(o.t.Context(), id)) {
		switch e := s.Event.(type) {
		case approval.Edited:
			votes, authorised = map[string]bool{}, false
			if len(started) > 0 {
				o.t.Errorf("event %d: edited after it was started", i+1)
			}
		case approval.Voted:
			votes[e.By.Person] = true
			if e.By.Person == alice {
				o.t.Errorf("event %d: the requester voted", i+1)
			}
		case approval.Withdrawn:
			delete(votes, e.By.Person)
		case approval.Decided:
			if authorised = len(votes) >= 2; !authorised {
				o.t.Errorf("event %d: decided by %v", i+1, votes)
			}
		case approval.Started:
			if !authorised || started[e.Attempt.Target] {
				o.t.Errorf("event %d: started %+v", i+1, e.Attempt)
			}
			started[e.Attempt.Target] = true
		}
	}
}
