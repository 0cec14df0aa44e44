package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

// TestINV19PausedMeanwhile: what time has overtaken while the directory was
// asked is decided anew, also when the clock goes back; one that never stands
// still decides nothing.
func TestINV19PausedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		jumps int // of the clock, one with each question
		by    time.Duration
		want  error // nil: a denial
	}{
		"on": {1, 5 * time.Hour, nil}, "back": {1, -minute, nil}, "for ever": {1 << 30, time.Hour, audit.ErrStale}, "a moment": {1, 20 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o, ctx := open(t), t.Context()
			r := request("CHG-1")
			now := o.Clock.Now()
			r.Window = &change.Window{Start: now, End: now.Add(time.Hour)}
			seen := must[approval.Case](t)(o.Desk.Submit(ctx, alice, r))
			for _, who := range []string{bob, carol} {
				must[approval.Case](t)(o.Desk.Vote(ctx, who, "CHG-1", yes(seen), nil))
			}
			o.Clock.Advance(2 * minute)
			asked := 0 // one question at a time
			slow := &script{Directory: o.Directory, person: func(context.Context, string) {
				if asked++; asked <= c.jumps {
					o.Clock.Advance(c.by)
				}
			}}
			d := o.over(o.Store, slow, desk.Options{Retries: 3})
			run, err := d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
			gate := d.Gate(ctx, robot, "CHG-1", attempt("run-2", "prod/us"))
			switch {
			case c.want != nil:
				if !errors.Is(err, c.want) || !errors.Is(gate, c.want) {
					t.Errorf("start: %v; gate: %v", err, gate)
				}
			case c.by > time.Hour:
				refusedFor(t, err, approval.TooLate)
				refusedFor(t, gate, approval.TooLate)
			case err != nil || gate != nil || run.StartedAt.After(o.Clock.Now()):
				t.Errorf("start: %v, %+v; gate: %v", err, run, gate)
			}
			if want := map[bool]int{true: 3, false: 2}[c.by < 0]; c.jumps == 1 && c.by != 5*time.Hour && asked != want {
				t.Errorf("asked %d times; want %d", asked, want)
			}
			o.Clock.Set(now.Add(48 * time.Hour))
		})
	}
}

// TestStaleSubmit: a template that has ended by the time of the decision
// approves nothing.
func TestStaleSubmit(t *testing.T) {
	o := open(t)
	o.activate()
	late := o.Clock.Now().Add(400 * 24 * time.Hour)
	slow := &script{Directory: o.Directory, person: func(context.Context, string) { o.Clock.Set(late) }}
	c := must[approval.Case](t)(o.over(o.Store, slow, desk.Options{}).Submit(t.Context(), alice, regular("CHG-1")))
	if c.Ruling.Type != change.Normal || !c.SubmittedAt.Equal(late) {
		t.Errorf("it is %s, of %s", c.Ruling.Type, c.SubmittedAt)
	}
}

// TestStandingClaim: a standing claim is for what the team or its pipeline
// brings; a stranger, or somebody whom nobody knows, brings a normal change.
func TestStandingClaim(t *testing.T) {
	for who, want := range map[string]change.Type{alice: change.Standard, robot: change.Standard, mal: change.Normal, "who|knows": change.Normal} {
		o := open(t)
		o.Desk.Use(policy(t, func(d *approval.Definition) {
			d.Services[0].StandingClaims = []change.StandingClaim{{Template: "rolling", By: alice, Reason: "pipeline",
				From: change.Date{Year: 2026, Month: 1, Day: 1}, Until: change.Date{Year: 2026, Month: 12, Day: 1}}}
		}))
		o.activate()
		rfc := regular("CHG-1")
		rfc.Claim, rfc.Requester.ID = nil, who
		if c := must[approval.Case](t)(o.Desk.Submit(t.Context(), who, rfc)); c.Ruling.Type != want {
			t.Errorf("brought by %s it is %s; want %s", who, c.Ruling.Type, want)
		}
	}
}

// TestINV22SuspendedMeanwhile: a normal change that is standard by now hangs on
// its template too: one that is suspended just before the start is written lets
// nothing start.
func TestINV22SuspendedMeanwhile(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1"))) // normal: its template is not in force
	for _, who := range []string{bob, carol} {
		c = must[approval.Case](t)(o.Desk.Vote(ctx, who, "CHG-1", yes(c), nil))
	}
	o.activate()
	o.policy = policy(t, func(d *approval.Definition) { d.Authority.Default = []approval.Need{{Group: "cab", Quorum: 3}} })
	o.Desk.Use(o.policy)
	if err := o.Desk.Gate(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")); err != nil {
		t.Fatalf("it is standard by now: %v", err)
	}
	d := o.over(&gate{Store: o.Store, before: once(func() {
		if err := o.Desk.SetTemplate(ctx, robot, "rolling", approval.Suspended, "a severity-1 incident", nil); err != nil {
			t.Error(err)
		}
	})}, o.Directory, desk.Options{})
	_, err := d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.NeedsMore)
}

// TestBackoutNeedsNoPolicy: the way back is open when the template has left the
// policy, and when it is suspended as the way back is taken (C81).
func TestBackoutNeedsNoPolicy(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1")))
	for _, target := range []string{"prod/eu", "prod/us"} {
		must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-"+target, target)))
	}
	suspends := &gate{Store: o.Store, before: once(func() {
		if err := o.Desk.SetTemplate(ctx, robot, "rolling", approval.Suspended, "it hurts", nil); err != nil {
			t.Error(err)
		}
	})}
	back := approval.Attempt{ID: "back-1", Artifact: oldBuild, Target: "prod/eu"}
	must[approval.Run](t)(o.over(suspends, o.Directory, desk.Options{}).Start(ctx, robot, "CHG-1", back))
	if suspends.n != 1 {
		t.Errorf("it was written %d times, as if it hung on the template", suspends.n)
	}
	o.Desk.Use(policy(t, func(d *approval.Definition) { d.Templates = nil }))
	back = approval.Attempt{ID: "back-2", Artifact: oldBuild, Target: "prod/us"}
	if err := o.Desk.Gate(ctx, robot, "CHG-1", back); err != nil {
		t.Errorf("gate: %v", err)
	}
	if run := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", back)); !run.Backout {
		t.Errorf("it is %+v", run)
	}
}

// TestForgedTemplate: a retired template that somebody has put back into force
// in the store is refused, and found.
func TestForgedTemplate(t *testing.T) {
	o, ctx := open(t), t.Context()
	store := memory.New()
	d := o.over(store, o.Directory, desk.Options{})
	for _, to := range []approval.TemplateState{approval.Active, approval.Retired} {
		if err := d.SetTemplate(ctx, bob, "rolling", to, "so", nil); err != nil {
			t.Fatal(err)
		}
	}
	set := approval.TemplateSet{By: approval.Actor{Identity: bob, Person: bob, Kind: change.Human}, Because: "x",
		Status: approval.TemplateStatus{State: approval.Active, Version: o.policy.TemplateVersion("rolling")}}
	e := must[approval.Encoded](t)(approval.EncodeTemplate(set))
	forged := audit.Draft{Type: e.Type, Body: e.Body, Occurred: o.Clock.Now(), Recorded: o.Clock.Now()}
	for _, name := range []string{"because", "by"} {
		forged.Personal = append(forged.Personal, audit.Field{Name: name, Value: e.Personal[name]})
	}
	key := audit.Key{Tenant: "default", Kind: desk.KindTemplate, ID: "rolling"}
	loaded := must[audit.Loaded](t)(store.Load(ctx, audit.LoadRequest{Tenant: "default", Keys: []audit.Key{key}}))
	state := must[[]byte](t)(json.Marshal(map[string]any{"state": "active", "version": set.Status.Version}))
	w := must[audit.Write](t)(audit.Append(loaded.Records[0], state, nil, forged))
	must[audit.Committed](t)(store.Commit(ctx, audit.Batch{Tenant: "default", Writes: []audit.Write{w}}))
	if c, err := d.Submit(ctx, alice, regular("CHG-1")); err == nil || !strings.Contains(err.Error(), "retired") {
		t.Errorf("it is %s: %v", c.Ruling.Type, err)
	}
	report, err := desk.Verify(ctx, store, "default", nil)
	if err != nil || !strings.Contains(report.String(), "retired") {
		t.Errorf("%v, %v", report, err)
	}
}

// TestRetiredStays: a version of a template that was retired never comes back,
// also not by way of another version.
func TestRetiredStays(t *testing.T) {
	o, ctx := open(t), t.Context()
	first := o.Desk.Policy()
	o.activate()
	if err := o.Desk.SetTemplate(ctx, bob, "rolling", approval.Retired, "it breaks things", nil); err != nil {
		t.Fatal(err)
	}
	o.Desk.Use(policy(t, func(d *approval.Definition) { d.Templates[0].Because = "another version" }))
	o.activate()
	o.Desk.Use(first)
	refusedFor(t, o.Desk.SetTemplate(ctx, bob, "rolling", approval.Active, "again", nil), approval.IsClosed)
	if c := must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1"))); c.Ruling.Type != change.Normal {
		t.Errorf("it is %s", c.Ruling.Type)
	}
}

// TestReportAfterTheEnd: an outcome that was known before the authorisation ran
// out can be reported after; the case ends when it is recorded.
func TestReportAfterTheEnd(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	must[approval.Case](t)(o.Desk.Submit(ctx, alice, regular("CHG-1")))
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	ended := o.Clock.Now().Add(time.Hour)
	o.Clock.Advance(15 * 24 * time.Hour)
	c := must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded, Occurred: ended}, nil))
	if !c.Runs[0].ReportedAt.Equal(ended) || !c.Closed || !c.ClosedAt.Equal(o.Clock.Now()) {
		t.Errorf("reported at %s, closed %t at %s", c.Runs[0].ReportedAt, c.Closed, c.ClosedAt)
	}
}

// TestDirectoryIgnoresContext: a directory that never answers holds up nobody,
// and does not fill the memory of the host.
func TestDirectoryIgnoresContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		o.approved("CHG-1")
		release := make(chan struct{})
		var calls atomic.Int64
		d := o.over(o.Store, &script{Directory: o.Directory, person: func(context.Context, string) {
			calls.Add(1)
			<-release
		}}, desk.Options{})
		for range 120 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			begun := time.Now()
			if err := d.Gate(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")); !errors.Is(err, desk.ErrDirectory) {
				t.Errorf("gate: %v", err)
			}
			if took := time.Since(begun); took > time.Second {
				t.Fatalf("it took %v", took)
			}
			cancel()
		}
		if n := calls.Load(); n != 100 {
			t.Errorf("%d questions hang", n)
		}
		close(release)
		synctest.Wait()
		if err := d.Gate(t.Context(), robot, "CHG-1", attempt("run-1", "prod/eu")); err != nil {
			t.Errorf("when it answers again: %v", err)
		}
	})
}

// bomb is an attribute that cannot be written.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("boom") }

// TestINV46BadInput: what the caller gives does not panic either.
func TestINV46BadInput(t *testing.T) {
	o := open(t)
	o.submitted("CHG-1")
	rfc := request("CHG-2")
	rfc.Attributes = map[string]any{"a": bomb{}}
	if _, err := o.Desk.Submit(t.Context(), alice, rfc); !errors.Is(err, desk.ErrPanic) {
		t.Errorf("submit: %v", err)
	}
	if _, err := o.Desk.Edit(t.Context(), alice, rfc, nil); !errors.Is(err, desk.ErrPanic) {
		t.Errorf("edit: %v", err)
	}
	var none context.Context
	a := attempt("run-1", "prod/eu")
	for name, do := range map[string]func() error{
		"case":      func() error { _, err := o.Desk.Case(none, "CHG-1"); return err },
		"history":   func() error { _, err := o.Desk.History(none, "CHG-1"); return err },
		"submit":    func() error { _, err := o.Desk.Submit(none, alice, request("CHG-1")); return err },
		"gate":      func() error { return o.Desk.Gate(none, robot, "CHG-1", a) },
		"start":     func() error { _, err := o.Desk.Start(none, robot, "CHG-1", a); return err },
		"templates": func() error { _, err := o.Desk.Templates(none); return err },
		"reconcile": func() error { _, err := o.Desk.Reconcile(none, robot, nil); return err },
		"queue": func() error {
			for _, err := range o.Desk.Queue(none, approval.QueueApproval) {
				return err
			}
			return nil
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "context") {
			t.Errorf("%s without a context: %v", name, err)
		}
	}
}

// TestEditors: who has had no hand in a change edits it by a seat, and a
// stranger does not.
func TestEditors(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	rfc := request("CHG-1")
	rfc.Title = "another"
	for _, who := range []string{mal, bob, "who|ever"} {
		_, err := o.Desk.Edit(ctx, who, rfc, nil)
		refusedFor(t, err, approval.NotEntitled)
	}
	if c := must[approval.Case](t)(o.Desk.Edit(ctx, robot, rfc, nil)); c.Revision != 2 {
		t.Errorf("edited by one of the team it is revision %d", c.Revision)
	}
}

// TestStartByAnother: an attempt is the pipeline's: another deployer has the
// same answer, who may not deploy has none, and another attempt under its id is
// another request.
func TestStartByAnother(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	a := attempt("run-1", "prod/eu")
	first := must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", a))
	if again := must[approval.Run](t)(o.Desk.Start(ctx, alice, "CHG-1", a)); again != first {
		t.Errorf("another deployer gets %+v; want %+v", again, first)
	}
	_, err := o.Desk.Start(ctx, mal, "CHG-1", a)
	refusedFor(t, err, approval.NotEntitled)
	if _, err := o.Desk.Start(ctx, alice, "CHG-1", attempt("run-1", "prod/us")); !errors.Is(err, audit.ErrCommandReused) {
		t.Errorf("another attempt under its id: %v", err)
	}
	o.wantEvents("CHG-1", "case.submitted/1", "case.voted/1", "case.voted/1", "case.decided/1", "case.started/1")
	must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed}, nil))
	_, err = o.Desk.Start(ctx, alice, "CHG-1", a)
	refusedFor(t, err, approval.AlreadyStarted)
}
