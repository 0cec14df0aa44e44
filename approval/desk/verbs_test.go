package desk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

func TestNewRefuses(t *testing.T) {
	o := open(t)
	for name, make := range map[string]func() (*desk.Desk, error){
		"store":     func() (*desk.Desk, error) { return desk.New(nil, o.policy, o.Directory, nil) },
		"policy":    func() (*desk.Desk, error) { return desk.New(memory.New(), nil, o.Directory, nil) },
		"directory": func() (*desk.Desk, error) { return desk.New(memory.New(), o.policy, nil, nil) },
		"tenant": func() (*desk.Desk, error) {
			return desk.New(memory.New(), o.policy, o.Directory, &desk.Options{Tenant: "a\nb"})
		},
		"Retries": func() (*desk.Desk, error) {
			return desk.New(memory.New(), o.policy, o.Directory, &desk.Options{Retries: -1})
		},
		"Validity.Vote": func() (*desk.Desk, error) {
			return desk.New(memory.New(), o.policy, o.Directory, &desk.Options{Validity: approval.Validity{Vote: -1}})
		},
	} {
		if d, err := make(); d != nil || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without a right %s: %v, %v", name, d, err)
		}
	}
	o.Desk.Use(nil)
	if o.Desk.Policy() != o.policy {
		t.Error("no policy takes the place of the one in force")
	}
}

// TestOpsWay takes a change that needs the CAB the whole way (C10, C13, C15, C31).
func TestOpsWay(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	if c.Decision != approval.Pending || c.Ruling.Type != change.Normal {
		t.Fatalf("it is %s and %s", c.Ruling.Type, c.Decision)
	}
	o.wantQueues("CHG-1", approval.QueueApproval)
	refusedFor(t, o.Desk.Gate(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")), approval.NotDecided)

	c = must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
	c = must[approval.Case](t)(o.Desk.Withdraw(ctx, bob, "CHG-1", nil))
	if len(c.Votes) != 0 {
		t.Fatalf("%d votes after the withdrawal", len(c.Votes))
	}
	for _, who := range []string{bob, carol} {
		c = must[approval.Case](t)(o.Desk.Vote(ctx, who, "CHG-1", yes(c), nil))
	}
	o.wantQueues("CHG-1", approval.QueueDeployment)
	for i, target := range []string{"prod/eu", "prod/us"} {
		a := attempt([]string{"run-1", "run-2"}[i], target)
		if err := o.Desk.Gate(ctx, robot, "CHG-1", a); err != nil {
			t.Fatal(err)
		}
		if run := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", a)); run.Attempt != a || run.By.Identity != robot {
			t.Fatalf("started %+v", run)
		}
		c = must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: a.ID, Outcome: approval.Succeeded}, nil))
	}
	o.wantQueues("CHG-1", approval.QueueValidation)
	c = must[approval.Case](t)(o.Desk.Validate(ctx, alice, "CHG-1", true, "looks good", nil))
	if !c.Closed {
		t.Fatalf("it waits for %q", c.Waits())
	}
	if c = must[approval.Case](t)(o.Desk.Review(ctx, erin, "CHG-1", "as planned", nil)); c.Review == nil {
		t.Fatal("there is no review")
	}
	sameCase(t, must[approval.Case](t)(o.Desk.Case(ctx, "CHG-1")), c)
}

// wantQueues wants a case to stand in these queues and in no others.
func (o *office) wantQueues(id string, want ...string) {
	o.t.Helper()
	var got []string
	for _, q := range []string{approval.QueueApproval, approval.QueueDeployment, approval.QueueOutcome, approval.QueueValidation, approval.QueueReview} {
		for c, err := range o.Desk.Queue(o.t.Context(), q) {
			if err != nil {
				o.t.Fatal(err)
			}
			if c.ID == id {
				got = append(got, q)
			}
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		o.t.Errorf("%s stands in %q; want %q", id, got, want)
	}
}

// TestStandardWay takes a claimed change at once (C22, C27, C29, C46, C47).
func TestStandardWay(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1")))
	if c.Ruling.Type != change.Standard || c.Decision != approval.Authorized || len(c.Counted) != 0 {
		t.Fatalf("it is %s and %s: %s", c.Ruling.Type, c.Decision, c.Ruling.Line)
	}
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed}, nil))
	back := approval.Attempt{ID: "run-2", Artifact: oldBuild, Target: "prod/eu"}
	if run := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", back)); !run.Backout { // C81
		t.Fatalf("the way back is %+v", run)
	}
}

// TestClaimsOfOthers holds that a claim counts only for what is known to be its
// claimant's word (INV-14).
func TestClaimsOfOthers(t *testing.T) {
	for name, c := range map[string]struct {
		who  string
		edit func(*office, *change.Change)
		want change.Type
	}{
		"by the claimant": {alice, nil, change.Standard},
		"by another":      {robot, nil, change.Normal},
		"by another, attested": {robot, func(_ *office, c *change.Change) {
			c.Attested = []change.Attestation{{By: "ci|x", Covers: []string{"claim"}}}
		}, change.Standard},
		"by a linked identity":      {"gh|alice", func(o *office, _ *change.Change) { o.Directory.Add(alice, "gh|alice") }, change.Standard},
		"of one who has left":       {alice, func(o *office, _ *change.Change) { o.Directory.Revoke(alice, onCall) }, change.Normal},
		"of one whom nobody knows":  {"idp|ghost", func(_ *office, c *change.Change) { c.Claim.By = "idp|ghost" }, change.Normal},
		"of one of no on-call team": {mal, func(_ *office, c *change.Change) { c.Claim.By = mal }, change.Normal},
	} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.activate()
			rfc := regular("CHG-1")
			if c.edit != nil {
				c.edit(o, rfc)
			}
			got := must[approval.Case](t)(o.Desk.Submit(t.Context(), c.who, rfc))
			if got.Ruling.Type != c.want || got.Ruling.OnCall == nil {
				t.Errorf("it is %s (%v); want %s: %s", got.Ruling.Type, got.Ruling.OnCall, c.want, got.Ruling.Line)
			}
		})
	}
}

// TestClaimOfTheEditor: at the gate a claim is the word of whoever brought the
// present content, whoever deploys it.
func TestClaimOfTheEditor(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	must[approval.Case](t)(o.Desk.Submit(ctx, robot, request("CHG-1")))
	if c := must[approval.Case](t)(o.Desk.Edit(ctx, alice, regular("CHG-1"), nil)); c.Ruling.Type != change.Standard {
		t.Fatalf("it is %s", c.Ruling.Type)
	}
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	o.Directory.Revoke(alice, onCall)
	refusedFor(t, o.Desk.Gate(ctx, robot, "CHG-1", attempt("run-2", "prod/us")), approval.NeedsMore)
}

// TestINV22Templates: what the log does not have in force approves nothing.
func TestINV22Templates(t *testing.T) {
	o, ctx := open(t), t.Context()
	if s := must[map[string]approval.TemplateStatus](t)(o.Desk.Templates(ctx)); len(s) != 1 || s["rolling"].State != approval.Proposed {
		t.Fatalf("the templates are %v", s)
	}
	if c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1"))); c.Ruling.Type != change.Normal {
		t.Fatalf("under a proposed template it is %s", c.Ruling.Type)
	}
	refusedFor(t, o.Desk.SetTemplate(ctx, alice, "rolling", approval.Active, "I like it", nil), approval.NotEntitled)
	refusedFor(t, o.Desk.SetTemplate(ctx, "idp|ghost", "rolling", approval.Active, "boo", nil), approval.NotEntitled)
	if err := o.Desk.SetTemplate(ctx, bob, "roling", approval.Active, "typo", nil); err == nil || !strings.Contains(err.Error(), "rolling") {
		t.Errorf("an unknown template: %v", err)
	}
	o.activate()
	o.activate() // the same again changes nothing
	c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-2")))
	if c.Ruling.Type != change.Standard {
		t.Fatalf("under an active template it is %s", c.Ruling.Type)
	}
	if err := o.Desk.SetTemplate(ctx, alice, "rolling", approval.Suspended, "it hurts", nil); err != nil {
		t.Fatal(err)
	}
	refusedFor(t, o.Desk.Gate(ctx, robot, "CHG-2", attempt("run-1", "prod/eu")), approval.NeedsMore)
	o.wantEvents("CHG-2", "case.submitted/1", "case.decided/1")
	_, err := o.Desk.Start(ctx, robot, "CHG-2", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.NeedsMore)
	o.wantEvents("CHG-2", "case.submitted/1", "case.decided/1", "case.reclassified/1")
	_, err = o.Desk.Start(ctx, robot, "CHG-2", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.NotDecided)
	c = must[approval.Case](t)(o.Desk.Case(ctx, "CHG-2"))
	for _, who := range []string{bob, carol} { // the same attempt fares better once the CAB has said yes
		c = must[approval.Case](t)(o.Desk.Vote(ctx, who, "CHG-2", yes(c), nil))
	}
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-2", attempt("run-1", "prod/eu")))
}

func TestTemplateClockBehind(t *testing.T) { // INV-19
	o := open(t)
	now := o.Clock.Now()
	o.Clock.Advance(100 * 24 * 60 * minute)
	o.activate()
	o.Clock.Set(now)
	if c := must[approval.Case](t)(o.Desk.Submit(t.Context(), alice, regular("CHG-1"))); c.Ruling.Type != change.Normal {
		t.Errorf("under a template that comes into force in a hundred days it is %s", c.Ruling.Type)
	}
	if s := must[map[string]approval.TemplateStatus](t)(o.Desk.Templates(t.Context())); s["rolling"].State != approval.Proposed {
		t.Errorf("until then it is %s", s["rolling"].State)
	}
	if err := o.Desk.SetTemplate(t.Context(), robot, "rolling", approval.Suspended, "stop it", nil); err != nil {
		t.Fatalf("taken out of force by a clock that is behind: %v", err)
	}
	r := refusedFor(t, o.Desk.SetTemplate(t.Context(), bob, "rolling", approval.Active, "x", nil), approval.ClockBehind)
	if !r.Waiting {
		t.Error("the clock will catch up")
	}
	o.Clock.Advance(100 * 24 * 60 * minute)
	if s := must[map[string]approval.TemplateStatus](t)(o.Desk.Templates(t.Context())); s["rolling"].State != approval.Suspended {
		t.Errorf("afterwards it is %s", s["rolling"].State)
	}
}

func TestUnknownCase(t *testing.T) {
	o, ctx := open(t), t.Context()
	refusedFor(t, o.Desk.Gate(ctx, robot, "CHG-0", attempt("run-1", "prod/eu")), approval.Unauthorized)
	_, err := o.Desk.Start(ctx, robot, "CHG-0", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.Unauthorized)
	for name, do := range map[string]func() error{
		"case":    func() error { _, err := o.Desk.Case(ctx, "CHG-0"); return err },
		"history": func() error { _, err := o.Desk.History(ctx, "CHG-0"); return err },
		"vote": func() error {
			_, err := o.Desk.Vote(ctx, bob, "CHG-0", desk.Ballot{Choice: approval.Approve}, nil)
			return err
		},
		"withdraw": func() error { _, err := o.Desk.Withdraw(ctx, bob, "CHG-0", nil); return err },
		"cancel":   func() error { _, err := o.Desk.Cancel(ctx, alice, "CHG-0", "why", nil); return err },
		"edit":     func() error { _, err := o.Desk.Edit(ctx, alice, request("CHG-0"), nil); return err },
		"validate": func() error { _, err := o.Desk.Validate(ctx, alice, "CHG-0", true, "", nil); return err },
		"review":   func() error { _, err := o.Desk.Review(ctx, erin, "CHG-0", "f", nil); return err },
	} {
		if err := do(); !errors.Is(err, audit.ErrNotFound) || !strings.Contains(err.Error(), "CHG-0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, err := range o.Desk.Queue(ctx, "chaneg-management") {
		if err == nil || !strings.Contains(err.Error(), approval.QueueApproval) {
			t.Errorf("an unknown queue: %v", err)
		}
	}
}

func TestBadArguments(t *testing.T) {
	o, ctx := open(t), t.Context()
	for name, do := range map[string]func() error{
		"no change":       func() error { _, err := o.Desk.Submit(ctx, alice, nil); return err },
		"bad change":      func() error { _, err := o.Desk.Submit(ctx, alice, &change.Change{ID: "CHG-1"}); return err },
		"reserved id":     func() error { _, err := o.Desk.Submit(ctx, alice, request("unauthorized:run-1")); return err },
		"nobody":          func() error { _, err := o.Desk.Submit(ctx, "", request("CHG-1")); return err },
		"a display name":  func() error { _, err := o.Desk.Submit(ctx, "Alice Smith", request("CHG-1")); return err }, // INV-15
		"zero width":      func() error { _, err := o.Desk.Vote(ctx, "idp|al\u200bice", "CHG-1", desk.Ballot{}, nil); return err },
		"gate by nobody":  func() error { return o.Desk.Gate(ctx, "", "CHG-1", attempt("run-1", "prod/eu")) },
		"start by nobody": func() error { _, err := o.Desk.Start(ctx, "", "CHG-1", attempt("run-1", "prod/eu")); return err },
		"no attempt":      func() error { _, err := o.Desk.Start(ctx, alice, "CHG-1", attempt("", "prod/eu")); return err },
		"set by nobody":   func() error { return o.Desk.SetTemplate(ctx, "", "rolling", approval.Active, "x", nil) },
		"reconcile":       func() error { _, err := o.Desk.Reconcile(ctx, "", nil); return err },
	} {
		if err := do(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if n := o.version("CHG-1"); n != 0 {
		t.Errorf("%d events were recorded", n)
	}
}
