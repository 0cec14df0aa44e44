package desk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/change"
)

// TestReportTimes: an outcome is reported with the time when it was known.
func TestReportTimes(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	start := o.Clock.Now()
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	o.Clock.Advance(10 * minute)
	for _, at := range []time.Time{start.Add(-minute), start.Add(11 * minute)} {
		if _, err := o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded, Occurred: at}, nil); err == nil {
			t.Errorf("ended at %s, of a run from %s to now, %s: no error", at, start, o.Clock.Now())
		}
	}
	c := must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded, Occurred: start.Add(5 * minute)}, nil))
	if got := c.Runs[0].ReportedAt; !got.Equal(start.Add(5 * minute)) {
		t.Errorf("reported at %s", got)
	}
	h := must[[]approval.Stamped](t)(o.Desk.History(ctx, "CHG-1"))
	if last := h[len(h)-1]; !last.Occurred.Equal(start.Add(5*minute)) || !last.Recorded.Equal(start.Add(10*minute)) {
		t.Errorf("occurred %s, recorded %s", last.Occurred, last.Recorded)
	}
}

// TestReportLate: what ended before something else of the case happened can
// still be reported.
func TestReportLate(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	o.Clock.Advance(10 * minute)
	ended := o.Clock.Now().Add(-minute)
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-2", "prod/us")))
	c := must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded, Occurred: ended}, nil))
	if !c.Runs[0].ReportedAt.Equal(o.Clock.Now()) {
		t.Errorf("reported at %s", c.Runs[0].ReportedAt)
	}
}

// TestUnauthorised reports what nobody has asked for (C83).
func TestUnauthorised(t *testing.T) {
	o, ctx := open(t), t.Context()
	r := desk.Report{Attempt: "run-7", Outcome: approval.Succeeded, Occurred: o.Clock.Now().Add(-minute)}
	c := must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-0", r, nil))
	if c.ID != "unauthorized:run-7" || c.Discovered == nil || !c.Discovered.At.Equal(r.Occurred) {
		t.Fatalf("it is the case %q, discovered %+v", c.ID, c.Discovered)
	}
	o.wantQueues(c.ID, approval.QueueReview)
	o.Clock.Advance(minute)
	for _, id := range []string{"CHG-0", "CHG-00"} {
		sameCase(t, must[approval.Case](t)(o.Desk.Report(ctx, robot, id, r, &desk.CommandOptions{Key: "k"})), c)
	}
	refusedFor(t, o.Desk.Gate(ctx, robot, c.ID, attempt("run-7", "prod/eu")), approval.Unauthorised)
	c = must[approval.Case](t)(o.Desk.Review(ctx, erin, c.ID, "somebody was in a hurry", nil))
	if !c.Closed {
		t.Errorf("it waits for %q", c.Waits())
	}
}

// TestLongNames: a deployment with the longest of ids has a case too.
func TestLongNames(t *testing.T) {
	o, ctx := open(t), t.Context()
	long := strings.Repeat("r", 256)
	for _, id := range []string{long, long[1:]} {
		c := must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-0", desk.Report{Attempt: id, Outcome: approval.Failed}, nil))
		if c.Discovered.ID != id || !strings.HasPrefix(c.ID, "unauthorized:") || c.Version != 1 {
			t.Errorf("%q is %+v", c.ID, c.Discovered)
		}
	}
}

// TestReportUnknownThenSubmitted: a case that is submitted while a report finds
// none is not passed over.
func TestReportUnknownThenSubmitted(t *testing.T) {
	o, ctx := open(t), t.Context()
	d := o.over(&gate{Store: o.Store, before: once(func() { o.submitted("CHG-1") })}, o.Directory, desk.Options{})
	_, err := d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded}, nil)
	refusedFor(t, err, approval.NothingStarted)
	if n := o.version("unauthorized:run-1"); n != 0 {
		t.Errorf("%d events of a discovery", n)
	}
}

// TestReconcile holds what was seen against what was started (C83).
func TestReconcile(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	started := o.Clock.Now()
	o.Clock.Advance(10 * minute)
	at := func(id string, artifact change.Digest, target string, minutes int) approval.Deployment {
		return approval.Deployment{ID: id, Service: "api", Artifact: artifact, Target: target, At: started.Add(time.Duration(minutes) * minute)}
	}
	seen := []approval.Deployment{
		at("run-1", newBuild, "prod/eu", 0),
		at("argo-1", newBuild, "prod/eu", 5), // the deploy tool's own name for it
		at("argo-2", newBuild, "prod/eu", -1),
		at("argo-3", newBuild, "prod/us", 5),
		at("argo-4", nextBuild, "prod/eu", 5),
		at("argo-5", "", "prod/eu", 5),
		at("argo-6", newBuild, "prod/e", 5),
		at("argo-7", newBuild, "prod/eu!", 5),
	}
	want := []string{"argo-2", "argo-3", "argo-4", "argo-5", "argo-6", "argo-7"}
	for range 2 { // the same again finds the same
		found := must[[]approval.Case](t)(o.Desk.Reconcile(ctx, erin, seen))
		var got []string
		for _, c := range found {
			got = append(got, strings.TrimPrefix(c.ID, "unauthorized:"))
			if c.Version != 1 || c.ReviewBy.IsZero() {
				t.Errorf("%s is at version %d, and its review is due %s", c.ID, c.Version, c.ReviewBy)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("found %q; want %q", got, want)
		}
		o.Clock.Advance(minute)
	}
	o.approved("CHG-2")
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-2", attempt("run-2", "prod/eu")))
	if found := must[[]approval.Case](t)(o.Desk.Reconcile(ctx, erin, []approval.Deployment{at("run-2", newBuild, "prod/eu", 5)})); len(found) != 1 {
		t.Errorf("an attempt that was seen before it was started passes for another one: %+v", found)
	}
	other := at("argo-2", nextBuild, "prod/eu", 5) // hides under an id that was looked at before
	found := must[[]approval.Case](t)(o.Desk.Reconcile(ctx, erin, []approval.Deployment{other, other}))
	if len(found) != 2 || found[0].ID != found[1].ID || found[0].Discovered.Artifact != nextBuild || found[0].Version != 1 {
		t.Errorf("found %+v", found)
	}
	for _, bad := range []approval.Deployment{{At: started}, {ID: "x"}, at("x", newBuild, "prod/eu", 100)} {
		if _, err := o.Desk.Reconcile(ctx, erin, []approval.Deployment{bad}); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}
