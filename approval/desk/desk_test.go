package desk_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// TestTenants holds that nothing of one tenant is seen by another (INV-30).
func TestTenants(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	other := o.over(o.Store, o.Directory, desk.Options{Tenant: "other"})
	o.submitted("CHG-1")
	if _, err := other.Case(ctx, "CHG-1"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("the other tenant sees it: %v", err)
	}
	if c := must[approval.Case](t)(other.Submit(ctx, alice, regular("CHG-1"))); c.Ruling.Type != change.Normal {
		t.Errorf("the template of one tenant approves for another: %s", c.Ruling.Type)
	}
	for range other.Queue(ctx, approval.QueueDeployment) {
		t.Error("the other tenant has a case to deploy")
	}
}

// TestHotSwap: another policy holds for the next command.
func TestHotSwap(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	strict := policy(t, func(d *approval.Definition) { d.Authority.Default[0].Quorum = 3; d.Templates = nil })
	c := o.approved("CHG-1")
	o.Desk.Use(strict)
	if o.Desk.Policy() != strict {
		t.Fatal("the policy in force is another")
	}
	refusedFor(t, o.Desk.Gate(ctx, robot, c.ID, attempt("run-1", "prod/eu")), approval.NeedsMore) // INV-10
	if c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-2"))); c.Ruling.Policy != strict.Digest() {
		t.Errorf("it is ruled by %s", c.Ruling.Policy)
	}
}

// TestOnePolicyPerCommand: a policy that is swapped within a command is not
// seen by it, also when it is tried again.
func TestOnePolicyPerCommand(t *testing.T) {
	o, ctx := open(t), t.Context()
	strict := policy(t, func(d *approval.Definition) { d.Authority.Default[0].Quorum = 3 })
	var d *desk.Desk
	d = o.over(&gate{Store: o.Store, before: func(n int, _ audit.Batch) error {
		d.Use(strict)
		if n == 1 {
			return audit.ErrStale
		}
		return nil
	}}, o.Directory, desk.Options{})
	if c := must[approval.Case](t)(d.Submit(ctx, alice, request("CHG-1"))); c.Ruling.Policy != o.policy.Digest() {
		t.Error("it is ruled by the policy that came later")
	}
}

func TestInNeedsAJoiner(t *testing.T) {
	o, ctx := open(t), context.Background()
	d := o.Desk.In(nil)
	if _, err := d.Submit(ctx, alice, request("CHG-1")); err == nil || !strings.Contains(err.Error(), "audit.Joiner") {
		t.Errorf("submit: %v", err)
	}
	if err := d.Gate(ctx, alice, "CHG-1", attempt("run-1", "prod/eu")); err == nil {
		t.Error("gate: yes")
	}
	for _, err := range d.Queue(ctx, approval.QueueApproval) {
		if err == nil {
			t.Error("queue: no error")
		}
	}
}

// joiner is a store that takes part in transactions.
type joiner struct {
	audit.Store
	joined audit.Store
}

func (j joiner) In(audit.Tx) audit.Store { return j.joined }

// TestIn: within a transaction of the host's, what a command records goes
// there, under the same policy, and nothing is tried again.
func TestIn(t *testing.T) {
	o, ctx := open(t), t.Context()
	inside := &gate{Store: o.Store}
	d := o.over(joiner{o.Store, inside}, o.Directory, desk.Options{})
	tx := d.In((*sql.Tx)(nil))
	strict := policy(t, func(d *approval.Definition) { d.Authority.Default[0].Quorum = 3 })
	d.Use(strict)
	if c := must[approval.Case](t)(tx.Submit(ctx, alice, request("CHG-1"))); inside.n != 1 || c.Ruling.Policy != strict.Digest() {
		t.Errorf("%d commits within the transaction, under %s", inside.n, c.Ruling.Policy)
	}
	inside.before = func(int, audit.Batch) error { return &audit.StaleError{} }
	if _, err := tx.Submit(ctx, alice, request("CHG-2")); !errors.Is(err, audit.ErrStale) || inside.n != 2 {
		t.Errorf("got %v after %d commits", err, inside.n)
	}
	if _, err := tx.In((*sql.Tx)(nil)).Submit(ctx, alice, request("CHG-3")); err == nil {
		t.Error("a transaction within a transaction: no error")
	}
	if _, err := d.In(nil).Submit(ctx, alice, request("CHG-3")); err == nil {
		t.Error("no transaction: no error")
	}
}

// TestQueue lists cases in their order, and stops with the caller or the first
// error.
func TestQueue(t *testing.T) {
	o, ctx := open(t), t.Context()
	for _, id := range []string{"CHG-3", "CHG-1", "CHG-2"} {
		o.submitted(id)
		o.Clock.Advance(minute)
	}
	var got []string
	for c, err := range o.Desk.Queue(ctx, approval.QueueApproval) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, c.ID); len(got) == 2 {
			break
		}
	}
	if strings.Join(got, " ") != "CHG-3 CHG-1" {
		t.Errorf("in order of submission: %q", got)
	}
	n := 0
	for _, err := range o.over(broken{o.Store}, o.Directory, desk.Options{}).Queue(ctx, approval.QueueApproval) {
		if n++; !errors.Is(err, desk.ErrPanic) {
			t.Errorf("a broken store: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("the panic of the caller is swallowed")
		}
	}()
	for range o.Desk.Queue(ctx, approval.QueueApproval) {
		panic("mine")
	}
}
