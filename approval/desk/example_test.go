package desk_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

// setup opens a desk in memory for the examples: with the policy, the people
// and the requests of the tests, a clock at 09:00 UTC on 6 July 2026, and the
// template "rolling" in force. A host brings its own store, policy and
// directory to desk.New.
func setup() (*desk.Desk, *memory.Store, *desktest.Clock) {
	people := desktest.NewDirectory()
	for _, person := range []string{alice, bob, carol, dan, erin} {
		people.Add(person)
	}
	people.AddBot(robot)
	people.Grant(alice, member, onCall)
	people.Grant(robot, member)
	people.Grant(bob, cab)
	people.Grant(carol, cab)
	people.Grant(erin, manager)
	store, clock := memory.New(), desktest.NewClock()
	d := good(desk.New(store, good(approval.New(definition())), people, &desk.Options{Now: clock.Now, Signer: exampleKey}))
	good(0, d.SetTemplate(context.Background(), bob, "rolling", approval.Active, "agreed on 4 June", nil))
	return d, store, clock
}

// exampleKey signs the logs of the examples.
var exampleKey = func() audit.Signer {
	signing, _, err := audit.GenerateKey("example.com/changes")
	return good(audit.NewSigner(good(signing, err)))
}()

// good is for an example, in which everything goes well.
func good[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// decided is a case that two of the board have authorised.
func decided(d *desk.Desk, id string) approval.Case {
	c := good(d.Submit(context.Background(), alice, request(id)))
	for _, who := range []string{bob, carol} {
		c = good(d.Vote(context.Background(), who, id, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}, nil))
	}
	return c
}

// A regular, low-risk change is authorised at once; another one waits for
// those whom the policy names. The same change again gives the first answer.
func ExampleDesk_Submit() {
	d, _, _ := setup()
	for _, rfc := range []*change.Change{regular("CHG-1"), request("CHG-2"), regular("CHG-1")} {
		c, err := d.Submit(context.Background(), alice, rfc)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.ID, c.Ruling.Type, c.Decision, "revision", c.Revision)
	}
	// Output:
	// CHG-1 standard authorized revision 1
	// CHG-2 normal pending revision 1
	// CHG-1 standard authorized revision 1
}

// Other content is another revision: votes for the one before are gone.
func ExampleDesk_Edit() {
	d, _, _ := setup()
	ctx := context.Background()
	c := decided(d, "CHG-1")
	fmt.Println(c.Decision, "with", len(c.Votes), "votes for revision", c.Revision)
	rfc := request("CHG-1")
	rfc.Title = "a smaller database, and a new index"
	c, err := d.Edit(ctx, alice, rfc, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Decision, "with", len(c.Votes), "votes for revision", c.Revision)
	// Output:
	// authorized with 2 votes for revision 1
	// pending with 0 votes for revision 2
}

// A ballot names the revision and the digest that the voter has seen.
func ExampleDesk_Vote() {
	d, _, _ := setup()
	ctx := context.Background()
	seen := good(d.Submit(ctx, alice, request("CHG-1"))) // by alice, who asks for it
	yes := desk.Ballot{Revision: seen.Revision, Digest: seen.Digest, Choice: approval.Approve}
	for _, who := range []string{bob, alice, carol} {
		c, err := d.Vote(ctx, who, "CHG-1", yes, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(who, "says yes:", c.Decision)
	}
	// Output:
	// idp|bob says yes: pending
	// CHG-1 is refused: idp|alice had a hand in the change as idp|alice, so somebody else must vote; idp|alice holds none of the seats that it needs: member of cab
	// idp|carol says yes: authorized
}

// Before the decision a vote can be taken back.
func ExampleDesk_Withdraw() {
	d, _, _ := setup()
	ctx := context.Background()
	c := good(d.Submit(ctx, alice, request("CHG-1")))
	c = good(d.Vote(ctx, bob, "CHG-1", desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}, nil))
	fmt.Println(len(c.Votes), "vote")
	c, err := d.Withdraw(ctx, bob, "CHG-1", nil)
	fmt.Println(len(c.Votes), "votes", err)
	// Output:
	// 1 vote
	// 0 votes <nil>
}

// Who has had a hand in a change calls it off; nobody can start it after that.
func ExampleDesk_Cancel() {
	d, _, _ := setup()
	ctx := context.Background()
	good(d.Submit(ctx, alice, regular("CHG-1")))
	c, err := d.Cancel(ctx, alice, "CHG-1", "no longer wanted", nil)
	fmt.Println(c.Decision, err)
	fmt.Println(d.Gate(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	// Output:
	// cancelled <nil>
	// CHG-1 is refused: it was called off at 2026-07-06T09:00:00Z; submit another request
}

// A denial is an error, so that "if err != nil" is right. It has all reasons,
// and says whether to ask again later.
func ExampleDesk_Gate() {
	d, _, _ := setup()
	ctx := context.Background()
	good(d.Submit(ctx, alice, request("CHG-1")))
	err := d.Gate(ctx, robot, "CHG-1", approval.Attempt{ID: "run-1", Artifact: newBuild, Target: "prod/eu"})
	var no *approval.Refused
	if errors.As(err, &no) {
		fmt.Println("wait:", no.Waiting)
		for _, reason := range no.Reasons {
			fmt.Printf("%s: %s\n", reason.Code, reason.Text)
		}
	}
	// Output:
	// wait: true
	// not-decided: it is not decided yet: it needs 2 of cab, and has 0 yes
}

// Only nil means: go. The same attempt again gives the same answer; the same
// artifact on the same target under another attempt is refused.
func ExampleDesk_Start() {
	d, _, clock := setup()
	ctx := context.Background()
	decided(d, "CHG-1")
	for _, id := range []string{"run-1", "run-1", "run-2"} {
		run, err := d.Start(ctx, robot, "CHG-1", approval.Attempt{ID: id, Artifact: newBuild, Target: "prod/eu"})
		if err != nil {
			fmt.Println("not deployed:", err)
			continue
		}
		fmt.Println("deploy", run.ID, "started at", run.StartedAt)
		clock.Advance(time.Minute)
	}
	// Output:
	// deploy run-1 started at 2026-07-06 09:00:00 +0000 UTC
	// deploy run-1 started at 2026-07-06 09:00:00 +0000 UTC
	// not deployed: CHG-1 is refused: that was started as the attempt run-1 at 2026-07-06T09:00:00Z; to deploy it again takes another request
}

// A deployment that failed makes a review owed, and the way back is open.
func ExampleDesk_Report() {
	d, _, _ := setup()
	ctx := context.Background()
	decided(d, "CHG-1")
	good(d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	c, err := d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed, Note: "errors after a minute"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Runs[0].Outcome, "- a review is owed by", c.ReviewBy.Format(time.DateOnly))
	back, err := d.Start(ctx, robot, "CHG-1", approval.Attempt{ID: "run-2", Artifact: oldBuild, Target: "prod/eu"})
	fmt.Println("the way back:", back.Backout, err)
	// Output:
	// failed - a review is owed by 2026-07-16
	// the way back: true <nil>
}

// The check after the deployment: without one, a normal change stays open.
func ExampleDesk_Validate() {
	d, _, _ := setup()
	ctx := context.Background()
	decided(d, "CHG-1")
	for _, target := range []string{"eu", "us"} {
		good(d.Start(ctx, robot, "CHG-1", attempt("run-"+target, "prod/"+target)))
		good(d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-" + target, Outcome: approval.Succeeded}, nil))
	}
	c := good(d.Case(ctx, "CHG-1"))
	fmt.Println("closed:", c.Closed, strings.Join(c.Waits(), " "))
	c, err := d.Validate(ctx, alice, "CHG-1", true, "no errors for an hour", nil)
	fmt.Println("closed:", c.Closed, err)
	// Output:
	// closed: false Its deployment is to be validated by a team-member of api.
	// closed: true <nil>
}

// The post-implementation review, by a change manager.
func ExampleDesk_Review() {
	d, _, _ := setup()
	ctx := context.Background()
	good(d.Submit(ctx, alice, regular("CHG-1")))
	good(d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	c := good(d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.RolledBack}, nil))
	fmt.Println(strings.Join(c.Waits(), " "))
	c, err := d.Review(ctx, erin, "CHG-1", "the index was missing; the pipeline now checks for it", nil)
	fmt.Println("closed:", c.Closed, err)
	// Output:
	// A review by a change-manager is due by 2026-07-16T09:00:00Z.
	// closed: true <nil>
}

// What a deploy tool has seen in production is held against the cases. What
// nobody had authorised gets a case, of which a review is owed.
func ExampleDesk_Reconcile() {
	d, _, clock := setup()
	ctx := context.Background()
	decided(d, "CHG-1")
	good(d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	found, err := d.Reconcile(ctx, robot, []approval.Deployment{
		{ID: "run-1", Service: "api", Artifact: newBuild, Target: "prod/eu", At: clock.Now()},
		{ID: "by-hand", Service: "api", Artifact: nextBuild, Target: "prod/eu", At: clock.Now()},
	})
	for _, c := range found {
		fmt.Println(c.ID, strings.Join(c.Waits(), " "))
	}
	fmt.Println(len(found), err)
	// Output:
	// unauthorized:by-hand A review by a change-manager is due by 2026-07-16T09:00:00Z.
	// 1 <nil>
}

// Queues are in order: that of change management by the time of submission.
func ExampleDesk_Queue() {
	d, _, clock := setup()
	ctx := context.Background()
	for _, id := range []string{"CHG-7", "CHG-3"} {
		good(d.Submit(ctx, alice, request(id)))
		clock.Advance(time.Hour)
	}
	for c, err := range d.Queue(ctx, approval.QueueApproval) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.ID, strings.Join(c.Waits(), " "))
	}
	// Output:
	// CHG-7 It waits for 2 of cab, until 2026-10-04T09:00:00Z.
	// CHG-3 It waits for 2 of cab, until 2026-10-04T10:00:00Z.
}

// A template is put into force by the body that has approved it. Anybody whom
// the directory knows can suspend it: the next change goes to the board.
func ExampleDesk_SetTemplate() {
	d, _, _ := setup() // bob of the CAB has put it into force
	ctx := context.Background()
	before := good(d.Submit(ctx, alice, regular("CHG-1")))
	if err := d.SetTemplate(ctx, erin, "rolling", approval.Suspended, "two incidents this week", nil); err != nil {
		fmt.Println(err)
		return
	}
	after := good(d.Submit(ctx, alice, regular("CHG-2")))
	fmt.Println(before.Ruling.Type, "before,", after.Ruling.Type, "after")
	fmt.Println(d.SetTemplate(ctx, alice, "rolling", approval.Active, "I need it", nil))
	// Output:
	// standard before, normal after
	// the template rolling is refused: idp|alice is not known as member of cab, which approves it
}

// What a desk records can be part of a transaction of the host's own: here the
// row and the request for change are written together, or neither is. The
// store is on the database of the host; see sqlstore.Open.
func ExampleDesk_In() {
	_ = func(ctx context.Context, db *sql.DB, d *desk.Desk, rfc *change.Change) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, `INSERT INTO releases (id) VALUES (?)`, rfc.ID); err != nil {
			return err
		}
		if _, err := d.In(tx).Submit(ctx, alice, rfc); err != nil {
			return err // and nothing is written
		}
		return tx.Commit()
	}
}

// A host that wants no goroutine of the desk's calls Tick from a scheduler.
func ExampleDesk_Tick() {
	d, _, clock := setup()
	ctx := context.Background()
	good(d.Submit(ctx, alice, request("CHG-1")))
	clock.Advance(91 * 24 * time.Hour) // nobody has voted
	ticked, err := d.Tick(ctx)
	fmt.Println(ticked.Lapsed, "lapsed;", ticked.Size, "events are in the log", err)
	fmt.Println(good(d.Case(ctx, "CHG-1")).Decision)
	// Output:
	// 1 lapsed; 3 events are in the log <nil>
	// expired
}

// Verify needs the store, the key that verifies, and the checkpoints that were
// kept elsewhere.
func ExampleVerify() {
	d, store, _ := setup()
	ctx := context.Background()
	good(d.Submit(ctx, alice, regular("CHG-1")))
	good(d.Tick(ctx))
	report, err := desk.Verify(ctx, store, "default", &audit.VerifyOptions{Verifier: exampleKey})
	if err != nil {
		fmt.Println(err) // the store could not be read
		return
	}
	fmt.Println(report.Events, "events of", report.Records, "records; problems:", len(report.Problems), "- all is well:", report.OK())
	// Output:
	// 3 events of 2 records; problems: 0 - all is well: true
}
