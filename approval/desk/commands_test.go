package desk_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// verb is a command that can be sent again.
type verb struct {
	name  string
	setup func(o *office)
	// do sends it, by its key; other makes it another request.
	do    func(d *desk.Desk, ctx context.Context, key string, other bool) (approval.Case, error)
	fixed bool // its key is its own: it is idempotent without one
}

func pick[T any](other bool, a, b T) T {
	if other {
		return b
	}
	return a
}

// verbs are all that write to the case CHG-1.
func verbs() []verb {
	key := func(k string) *desk.CommandOptions { return &desk.CommandOptions{Key: k} }
	approved := func(o *office) { o.approved("CHG-1") }
	pending := func(o *office) { o.submitted("CHG-1") }
	started := func(o *office) {
		approved(o)
		must[approval.Run](o.t)(o.Desk.Start(o.t.Context(), robot, "CHG-1", attempt("run-1", "prod/eu")))
	}
	failed := func(o *office) {
		started(o)
		must[approval.Case](o.t)(o.Desk.Report(o.t.Context(), robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed}, nil))
	}
	return []verb{
		{name: "submit", fixed: true, setup: func(*office) {}, do: func(d *desk.Desk, ctx context.Context, _ string, other bool) (approval.Case, error) {
			rfc := request("CHG-1")
			rfc.Title = pick(other, rfc.Title, "another")
			return d.Submit(ctx, alice, rfc)
		}},
		{name: "edit", setup: pending, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			rfc := request("CHG-1")
			rfc.Title = pick(other, "edited", "edited twice")
			return d.Edit(ctx, alice, rfc, key(k))
		}},
		{name: "vote", setup: pending, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			digest, _ := request("CHG-1").Digest()
			return d.Vote(ctx, bob, "CHG-1", desk.Ballot{Revision: 1, Digest: digest, Choice: pick(other, approval.Approve, approval.Reject)}, key(k))
		}},
		{name: "withdraw", setup: func(o *office) {
			must[approval.Case](o.t)(o.Desk.Vote(o.t.Context(), bob, "CHG-1", yes(o.submitted("CHG-1")), nil))
			o.Directory.Add("gh|bob")
		}, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Withdraw(ctx, pick(other, bob, "gh|bob"), "CHG-1", key(k))
		}},
		{name: "cancel", setup: pending, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Cancel(ctx, alice, "CHG-1", pick(other, "no need", "too late"), key(k))
		}},
		{name: "start", fixed: true, setup: approved, do: func(d *desk.Desk, ctx context.Context, _ string, other bool) (approval.Case, error) {
			run, err := d.Start(ctx, robot, "CHG-1", attempt("run-1", pick(other, "prod/eu", "prod/us")))
			return approval.Case{ID: "CHG-1", Runs: []approval.Run{run}}, err
		}},
		{name: "report", setup: started, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: pick(other, approval.Succeeded, approval.Failed)}, key(k))
		}},
		{name: "report what is unknown", setup: started, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Report(ctx, robot, "CHG-0", desk.Report{Attempt: "run-9", Outcome: pick(other, approval.Succeeded, approval.Failed)}, key(k))
		}},
		{name: "validate", setup: func(o *office) {
			started(o)
			must[approval.Case](o.t)(o.Desk.Report(o.t.Context(), robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded}, nil))
		}, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Validate(ctx, alice, "CHG-1", !other, "seen", key(k))
		}},
		{name: "review", setup: failed, do: func(d *desk.Desk, ctx context.Context, k string, other bool) (approval.Case, error) {
			return d.Review(ctx, erin, "CHG-1", pick(other, "the disk was full", "it was not"), key(k))
		}},
	}
}

// events is how many events the store has.
func (o *office) events() (n int) {
	o.t.Helper()
	for _, err := range o.Store.Events(o.t.Context(), audit.EventsRequest{Tenant: "default", Unsequenced: true}) {
		if err != nil {
			o.t.Fatal(err)
		}
		n++
	}
	return n
}

// TestINV35Again: the same command again gives the same answer and nothing
// more, also when the case has moved on and would refuse it; another one under
// its key is refused.
func TestINV35Again(t *testing.T) {
	for _, v := range verbs() {
		t.Run(v.name, func(t *testing.T) {
			o := open(t)
			v.setup(o)
			first := must[approval.Case](t)(v.do(o.Desk, t.Context(), "key-1", false))
			events := o.events()
			o.Clock.Advance(minute)
			o.Directory.Fail(errors.New("down")) // the answer is there already
			again := must[approval.Case](t)(v.do(o.Desk, t.Context(), "key-1", false))
			sameCase(t, again, first)
			o.Directory.Fail(nil)
			_, err := v.do(o.Desk, t.Context(), "key-1", true)
			if !errors.Is(err, audit.ErrCommandReused) || !strings.Contains(err.Error(), pick(v.fixed, "key-1", "1")) {
				t.Errorf("another request under its key: %v", err)
			}
			if n := o.events(); n != events {
				t.Errorf("%d events were added", n-events)
			}
		})
	}
}

// TestINV35AtOnce: ten times at the same time is once.
func TestINV35AtOnce(t *testing.T) {
	for _, v := range verbs() {
		for _, k := range []string{"key-1", ""} {
			if k == "" && (v.name == "withdraw" || v.name == "cancel") {
				continue // again without a key, these are refused
			}
			t.Run(v.name+k, func(t *testing.T) {
				o := open(t)
				v.setup(o)
				before := o.events()
				one := open(t)
				v.setup(one)
				was := one.events()
				must[approval.Case](t)(v.do(one.Desk, t.Context(), k, false))
				var all sync.WaitGroup
				answers := make([]approval.Case, 10)
				for i := range answers {
					all.Go(func() {
						c, err := v.do(o.Desk, t.Context(), k, false)
						if err != nil {
							t.Error(err)
						}
						answers[i] = c
					})
				}
				all.Wait()
				for _, c := range answers[1:] {
					if k != "" {
						sameCase(t, c, answers[0])
					}
				}
				if got, want := o.events()-before, one.events()-was; got != want {
					t.Errorf("%d events; want %d", got, want)
				}
			})
		}
	}
}

// TestINV35Scope: one key serves each verb and each case by itself, whatever
// their names.
func TestINV35Scope(t *testing.T) {
	o, ctx := open(t), t.Context()
	for _, id := range []string{"a", "a:b", "a/b"} {
		o.submitted(id)
	}
	for _, c := range []struct{ id, key string }{{"a", "b:c"}, {"a:b", "c"}, {"a/b", "c"}} {
		sent := must[approval.Case](t)(o.Desk.Case(ctx, c.id))
		must[approval.Case](t)(o.Desk.Vote(ctx, bob, c.id, yes(sent), &desk.CommandOptions{Key: c.key}))
		must[approval.Case](t)(o.Desk.Withdraw(ctx, bob, c.id, &desk.CommandOptions{Key: c.key}))
		o.wantEvents(c.id, "case.submitted/1", "case.voted/1", "case.withdrawn/1")
	}
	long := strings.Repeat("k", 256)
	must[approval.Case](t)(o.Desk.Cancel(ctx, alice, "a", "x", &desk.CommandOptions{Key: long}))
	must[approval.Case](t)(o.Desk.Cancel(ctx, alice, "a", "x", &desk.CommandOptions{Key: long}))
	if _, err := o.Desk.Cancel(ctx, alice, "a", "y", &desk.CommandOptions{Key: long}); !errors.Is(err, audit.ErrCommandReused) {
		t.Errorf("a long key: %v", err)
	}
}

// TestINV35SetTemplate is the same for templates.
func TestINV35SetTemplate(t *testing.T) {
	o, ctx := open(t), t.Context()
	set := func(to approval.TemplateState, because string) error {
		return o.Desk.SetTemplate(ctx, bob, "rolling", to, because, &desk.CommandOptions{Key: "k"})
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if err := set(approval.Active, "x"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := set(approval.Suspended, "x"); !errors.Is(err, audit.ErrCommandReused) {
		t.Errorf("another state: %v", err)
	}
	if n := o.events(); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestSubmitWithoutItsAnswer: a case whose submission left no answer is known
// by its content.
func TestSubmitWithoutItsAnswer(t *testing.T) {
	o, ctx := open(t), t.Context()
	forgetful := o.over(&gate{Store: forgets{o.Store}}, o.Directory, desk.Options{})
	c := must[approval.Case](t)(forgetful.Submit(ctx, alice, request("CHG-1")))
	sameCase(t, must[approval.Case](t)(o.Desk.Submit(ctx, alice, request("CHG-1"))), c)
	_, err := o.Desk.Submit(ctx, bob, request("CHG-1"))
	refusedFor(t, err, approval.OtherContent)
	other := request("CHG-1")
	other.Title = "another"
	_, err = o.Desk.Submit(ctx, alice, other)
	refusedFor(t, err, approval.OtherContent)
	o.wantEvents("CHG-1", "case.submitted/1")
}

// forgets is a store that keeps no answers.
type forgets struct{ audit.Store }

func (f forgets) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	b.Command, b.Request, b.Answer = "", audit.Hash{}, nil
	return f.Store.Commit(ctx, b)
}

// TestINV20StartAgain: an attempt has the same answer while it is under way, and
// none after it has ended or its outcome is overdue.
func TestINV20StartAgain(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	first := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	o.Clock.Advance(23 * 60 * minute)
	if again := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))); again != first {
		t.Errorf("got %+v; want %+v", again, first)
	}
	o.Clock.Advance(60 * minute)
	_, err := o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.AlreadyStarted)
	must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed}, nil))
	_, err = o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.AlreadyStarted)
}
