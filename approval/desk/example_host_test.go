package desk_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// A desk needs a store, a policy and a directory; the options have defaults.
func ExampleNew() {
	people := desktest.NewDirectory() // a host's own asks its identity provider
	people.Add(alice)
	policy, err := approval.New(definition()) // or approval.Load, from files
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := desk.New(memory.New(), policy, people, &desk.Options{Tenant: "payments", Now: desktest.NewClock().Now})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer d.Close()
	c, err := d.Submit(context.Background(), alice, request("CHG-1"))
	fmt.Println(c.ID, c.Ruling.Type, c.Decision, err)
	// Output:
	// CHG-1 normal pending <nil>
}

// A case is what its events add up to.
func ExampleDesk_History() {
	d, _, _ := setup()
	ctx := context.Background()
	c := decided(d, "CHG-1")
	history, err := d.History(ctx, "CHG-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range history {
		fmt.Printf("%s %T\n", s.Recorded.Format(time.TimeOnly), s.Event)
	}
	again, err := approval.Fold("CHG-1", history)
	fmt.Println(again.Decision == c.Decision, err)
	// Output:
	// 09:00:00 approval.Submitted
	// 09:00:00 approval.Voted
	// 09:00:00 approval.Voted
	// 09:00:00 approval.Decided
	// true <nil>
}

// A template whose definition is edited has lost its state: the new version is
// only proposed until somebody puts it into force.
func ExampleDesk_Use() {
	d, _, _ := setup() // "rolling" is in force
	ctx := context.Background()
	fmt.Println(good(d.Templates(ctx))["rolling"].State)
	edited := definition()
	edited.Templates[0].Except = "change.downtime"
	p := good(approval.New(edited))
	d.Use(p)
	status := good(d.Templates(ctx))["rolling"]
	fmt.Println("of this version:", status.Version == p.TemplateVersion("rolling"))
	fmt.Println(good(d.Submit(ctx, alice, regular("CHG-1"))).Ruling.Type)
	good(0, d.SetTemplate(ctx, bob, "rolling", approval.Active, "downtime is excepted now", nil))
	fmt.Println(good(d.Submit(ctx, alice, regular("CHG-2"))).Ruling.Type)
	// Output:
	// active
	// of this version: false
	// normal
	// standard
}

// printer is a notifier.
type printer chan string

func (p printer) Notify(ctx context.Context, n desk.Notice) error {
	select {
	case p <- fmt.Sprintf("%s: %T", n.ID, n.Event.Event):
		return nil
	case <-ctx.Done():
		return ctx.Err() // and is told again
	}
}

// Run delivers notices until the desk is closed. What is recorded does not
// wait for it.
func ExampleDesk_Run() {
	people := desktest.NewDirectory()
	people.Add(alice)
	told := make(printer, 10)
	d := good(desk.New(memory.New(), good(approval.New(definition())), people, &desk.Options{Notifier: told, Now: desktest.NewClock().Now}))
	ended := make(chan error)
	go func() { ended <- d.Run(context.Background()) }()
	good(d.Submit(context.Background(), alice, request("CHG-1")))
	fmt.Println(<-told)
	fmt.Println("close:", d.Close(), "- run:", <-ended)
	// Output:
	// default/case/CHG-1/1: approval.Submitted
	// close: <nil> - run: <nil>
}

// deaf is a store whose first answer is lost on the way.
type deaf struct {
	audit.Store
	lost bool
}

func (s *deaf) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	done, err := s.Store.Commit(ctx, b)
	if err == nil && !s.lost {
		s.lost = true
		return audit.Committed{}, fmt.Errorf("the line went dead: %w", audit.ErrOutcomeUnknown)
	}
	return done, err
}

// When nobody knows whether a command was recorded, the same command with the
// same key finds out, and is done once.
func ExampleCommandOptions() {
	d, store, clock := setup()
	ctx := context.Background()
	c := good(d.Submit(ctx, alice, request("CHG-1")))
	people := desktest.NewDirectory()
	people.Add(alice)
	people.Add(bob)
	people.Grant(bob, cab)
	d = good(desk.New(&deaf{Store: store}, d.Policy(), people, &desk.Options{Now: clock.Now}))
	yes := desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}
	key := &desk.CommandOptions{Key: "form-4711"}
	c, err := d.Vote(ctx, bob, "CHG-1", yes, key)
	for tries := 1; errors.Is(err, audit.ErrOutcomeUnknown) && tries < 3; tries++ {
		fmt.Println("not known; once more")
		c, err = d.Vote(ctx, bob, "CHG-1", yes, key)
	}
	fmt.Println(len(c.Votes), "vote", err)
	// Output:
	// not known; once more
	// 1 vote <nil>
}

// How often a service was deployed is how many deployments there are in a span
// of time.
func ExampleDesk_Deployments() {
	d, _, clock := setup()
	ctx := context.Background()
	begin := clock.Now()
	for _, id := range []string{"CHG-1", "CHG-2", "CHG-3"} {
		good(d.Submit(ctx, alice, regular(id)))
		good(d.Start(ctx, robot, id, attempt("run-1", "prod/eu")))
		clock.Advance(10 * time.Minute)
		good(d.Report(ctx, robot, id, desk.Report{Attempt: "run-1", Outcome: approval.Succeeded}, nil))
		clock.Advance(36 * time.Hour)
	}
	often := 0
	for delivery, err := range d.Deployments(ctx, desk.DeploymentsRequest{Service: "api", Target: "prod/eu", From: begin, To: begin.AddDate(0, 0, 7)}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		often++
		fmt.Println(delivery.Case, delivery.Outcome, "after", delivery.LeadTime)
	}
	fmt.Println(often, "a week")
	// Output:
	// CHG-1 succeeded after 10m0s
	// CHG-2 succeeded after 10m0s
	// CHG-3 succeeded after 10m0s
	// 3 a week
}

// A host that copies the events elsewhere keeps the index after the last one.
func ExampleDesk_Feed() {
	d, _, _ := setup()
	ctx := context.Background()
	next := int64(0)
	copied := func() {
		for f, err := range d.Feed(ctx, next) {
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(f.Index, f.ID)
			next = f.Index + 1
		}
	}
	good(d.Submit(ctx, alice, request("CHG-1")))
	copied() // nothing is in the log yet
	good(d.Tick(ctx))
	copied()
	good(d.Cancel(ctx, alice, "CHG-1", "no longer wanted", nil))
	good(d.Tick(ctx))
	copied()
	// Output:
	// 0 default/template/rolling/1
	// 1 default/case/CHG-1/1
	// 2 default/case/CHG-1/2
}

// What was deployed without leave is reported like anything else, and gets a
// case of its own.
func ExampleDesk_Report_unauthorized() {
	d, _, _ := setup()
	ctx := context.Background()
	decided(d, "CHG-1")
	r := desk.Report{Attempt: "by-hand", Outcome: approval.Succeeded, Service: "api", Artifact: nextBuild, Target: "prod/eu", Note: "it was urgent"}
	_, err := d.Report(ctx, robot, "CHG-1", r, nil)
	fmt.Println(err)
	c := good(d.Case(ctx, "unauthorized:CHG-1:by-hand"))
	fmt.Println(c.Discovered.Note, "-", c.Waits()[0])
	// Output:
	// CHG-1 is refused: no attempt by-hand was started under it, so it is recorded as a deployment that nobody had authorised, unauthorized:CHG-1:by-hand, of which a review is owed; if its id was mistyped, report the right one, and say so in the review
	// it was urgent - A review by a change-manager is due by 2026-07-16T09:00:00Z.
}
