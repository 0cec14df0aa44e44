package desk_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
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
	if c.ID != "unauthorized:CHG-0:run-7" || c.Discovered == nil || !c.Discovered.At.Equal(r.Occurred) {
		t.Fatalf("it is the case %q, discovered %+v", c.ID, c.Discovered)
	}
	o.wantQueues(c.ID, approval.QueueReview)
	o.Clock.Advance(minute)
	for _, key := range []string{"", "k", "k"} {
		sameCase(t, must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-0", r, &desk.CommandOptions{Key: key})), c)
	}
	refusedFor(t, o.Desk.Gate(ctx, robot, c.ID, attempt("run-7", "prod/eu")), approval.Unauthorized)
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
	if n := o.version("CHG-1"); n != 1 {
		t.Errorf("%d events of the case", n)
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
		at("argo-1", newBuild, "prod/eu", 5), // beside the one that was started
		at("argo-2", newBuild, "prod/eu", -1),
		at("argo-3", newBuild, "prod/us", 5),
		at("argo-4", nextBuild, "prod/eu", 5),
		at("argo-5", "", "prod/eu", 5),
		at("argo-6", newBuild, "prod/e", 5),
		at("argo-7", newBuild, "prod/eu!", 5),
	}
	want := []string{"argo-1", "argo-2", "argo-3", "argo-4", "argo-5", "argo-6", "argo-7"}
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

// TestUnauthorisedReports: nothing is swallowed of what is reported of deployments that were
// never started (C83).
func TestUnauthorisedReports(t *testing.T) {
	o, ctx := open(t), t.Context()
	report := func(who, id string, r desk.Report, key string) approval.Case {
		t.Helper()
		return must[approval.Case](t)(o.Desk.Report(ctx, who, id, r, &desk.CommandOptions{Key: key}))
	}
	r := desk.Report{Attempt: "run-7", Outcome: approval.Succeeded}
	first := report("who|ever", "CHG-0", r, "")
	if d := first.Discovered; d.Case != "CHG-0" || d.ID != "run-7" || d.Artifact != "" {
		t.Fatalf("discovered %+v", d)
	}
	h := must[[]approval.Stamped](t)(o.Desk.History(ctx, first.ID))
	if by := h[0].Event.(approval.Discovered).By; by.Identity != "who|ever" || by.Person != "" {
		t.Errorf("discovered by %+v", by)
	}
	must[approval.Case](t)(o.Desk.Review(ctx, erin, first.ID, "a typo, nothing was deployed", nil))
	o.Clock.Advance(time.Hour)

	worse := desk.Report{Attempt: "run-7", Outcome: approval.Failed, Service: "api", Artifact: newBuild, Target: "prod/eu", Note: "it burns"}
	second := report(mal, "CHG-0", worse, "k")
	if d := second.Discovered; second.ID == first.ID || d.Outcome != approval.Failed || d.Service != "api" || d.Artifact != newBuild || d.Target != "prod/eu" || d.Note != "it burns" {
		t.Fatalf("%s: %+v", second.ID, d)
	}
	o.wantQueues(second.ID, approval.QueueReview)
	sameCase(t, report(mal, "CHG-0", worse, "k"), second)
	sameCase(t, report(mal, "CHG-0", worse, ""), second)
	third := report(mal, "CHG-0", desk.Report{Attempt: "run-7", Outcome: approval.Partial}, "")
	seen := approval.Deployment{ID: "run-7", Service: "api", Artifact: newBuild, Target: "prod/eu", At: o.Clock.Now()}
	fourth := must[[]approval.Case](t)(o.Desk.Reconcile(ctx, robot, []approval.Deployment{seen}))[0]
	for i, c := range []approval.Case{third, fourth} {
		if c.Version != 1 || c.ID == first.ID || c.ID == second.ID || third.ID == fourth.ID {
			t.Errorf("%d: %s at version %d", i, c.ID, c.Version)
		}
	}
	_, err := o.Desk.Report(ctx, mal, second.ID, worse, nil)
	if refusedFor(t, err, approval.Unauthorized); !strings.Contains(err.Error(), "only a review") {
		t.Errorf("of a discovery: %v", err)
	}
	for name, bad := range map[string]desk.Report{
		"no outcome": {Attempt: "r"}, "an outcome of 9": {Attempt: "r", Outcome: 9}, "no attempt": {Outcome: 1}, "a space": {Attempt: "r r", Outcome: 1},
		"a long note": {Attempt: "r", Outcome: 1, Note: strings.Repeat("x", 9999)}, "no digest": {Attempt: "r", Outcome: 1, Artifact: "latest"},
	} {
		if c, err := o.Desk.Report(ctx, robot, "CHG-0", bad, nil); err == nil {
			t.Errorf("%s: %s", name, c.ID)
		}
	}
}

// TestReportNotStarted: an attempt that was never started, of a case that there
// is, is a deployment without leave: it is recorded, and denied.
func TestReportNotStarted(t *testing.T) {
	o, ctx := open(t), t.Context()
	before := o.approved("CHG-1")
	r := desk.Report{Attempt: "by-hand", Outcome: approval.Succeeded, Artifact: nextBuild, Target: "prod/eu"}
	for range 2 {
		_, err := o.Desk.Report(ctx, robot, "CHG-1", r, &desk.CommandOptions{Key: "k"})
		if refusedFor(t, err, approval.NothingStarted); !strings.Contains(err.Error(), "unauthorized:CHG-1:by-hand") {
			t.Errorf("got %v", err)
		}
		o.wantEvents("unauthorized:CHG-1:by-hand", "case.discovered/1")
	}
	sameCase(t, must[approval.Case](t)(o.Desk.Case(ctx, "CHG-1")), before)
	d := o.over(&gate{Store: o.Store, before: once(func() {
		must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	})}, o.Directory, desk.Options{})
	c := must[approval.Case](t)(d.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Succeeded}, nil))
	if c.ID != "CHG-1" || o.version("unauthorized:CHG-1:run-1") != 0 {
		t.Errorf("an attempt that is started meanwhile: %s", c.ID)
	}
}

// TestDiscoveredNames: no two deployments have the same case because of how
// their names run together.
func TestDiscoveredNames(t *testing.T) {
	o, ctx := open(t), t.Context()
	ids := map[string]bool{}
	for _, p := range [][2]string{{"a:b", "c"}, {"a", "b:c"}, {"a%3Ab", "c"}, {"a%", "3Ab:c"}} {
		ids[must[approval.Case](t)(o.Desk.Report(ctx, robot, p[0], desk.Report{Attempt: p[1], Outcome: approval.Succeeded}, nil)).ID] = true
	}
	for _, id := range []string{"a:b:c", "a%3Ab:c"} {
		ids[must[[]approval.Case](t)(o.Desk.Reconcile(ctx, robot, []approval.Deployment{{ID: id, At: o.Clock.Now()}}))[0].ID] = true
	}
	if len(ids) != 6 {
		t.Errorf("%d cases: %v", len(ids), ids)
	}
}

// TestReconcileExplains: what a run stands for, and what it does not.
func TestReconcileExplains(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
	start := o.Clock.Now()
	o.Clock.Advance(10 * minute)
	must[approval.Case](t)(o.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: approval.Failed}, nil))
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", approval.Attempt{ID: "back-1", Artifact: oldBuild, Target: "prod/eu"}))
	o.Clock.Advance(200 * 24 * time.Hour)
	at := func(id string, minutes int, edit func(*approval.Deployment)) approval.Deployment {
		d := approval.Deployment{ID: id, Service: "api", Artifact: newBuild, Target: "prod/eu", At: start.Add(time.Duration(minutes) * minute)}
		if edit != nil {
			edit(&d)
		}
		return d
	}
	for name, c := range map[string]struct {
		seen []approval.Deployment
		want int // of them are found
	}{
		"the attempt":                    {[]approval.Deployment{at("run-1", 1, nil), at("run-1", 9, nil)}, 0},
		"under the tool's own id":        {[]approval.Deployment{at("argo-1", 0, nil), at("argo-1", 9, nil)}, 0},
		"two ids":                        {[]approval.Deployment{at("argo-1", 1, nil), at("argo-2", 1, nil)}, 1},
		"both":                           {[]approval.Deployment{at("argo-3", 1, nil), at("run-1", 1, nil)}, 1},
		"before it was started":          {[]approval.Deployment{at("argo-4", -1, nil)}, 1},
		"once it had ended, and later":   {[]approval.Deployment{at("argo-5", 11, nil), at("argo-6", 60*24*100, nil)}, 2},
		"the attempt after the way back": {[]approval.Deployment{at("run-1", 10, nil)}, 1},
		"of another service":             {[]approval.Deployment{at("run-1", 1, func(d *approval.Deployment) { d.Service = "web" })}, 1},
		"of no service":                  {[]approval.Deployment{at("run-1", 1, func(d *approval.Deployment) { d.Service = "" })}, 1},
		"the way back":                   {[]approval.Deployment{at("back-1", 60, func(d *approval.Deployment) { d.Artifact = oldBuild })}, 0},
		"the way back, not reported":     {[]approval.Deployment{at("argo-7", 60*24, func(d *approval.Deployment) { d.Artifact = oldBuild })}, 0},
		"the way back, overdue":          {[]approval.Deployment{at("argo-8", 60*25, func(d *approval.Deployment) { d.Artifact = oldBuild })}, 1},
	} {
		if found := must[[]approval.Case](t)(o.Desk.Reconcile(ctx, robot, c.seen)); len(found) != c.want {
			t.Errorf("%s: %d found; want %d", name, len(found), c.want)
		}
	}
}

// TestReconcileReviewed: a discovery of which nothing was known, and that was
// reviewed, does not hide one of which more is known.
func TestReconcileReviewed(t *testing.T) {
	o, ctx := open(t), t.Context()
	bare := approval.Deployment{ID: "argo-1", At: o.Clock.Now()}
	found := func(d approval.Deployment) approval.Case {
		t.Helper()
		return must[[]approval.Case](t)(o.Desk.Reconcile(ctx, robot, []approval.Deployment{d}))[0]
	}
	first := found(bare)
	must[approval.Case](t)(o.Desk.Review(ctx, erin, first.ID, "nothing to be seen", nil))
	o.Clock.Advance(minute)
	full := bare
	full.Service, full.Artifact, full.Target, full.At = "api", newBuild, "prod/eu", o.Clock.Now()
	second := found(full)
	if second.ID == first.ID || second.Closed {
		t.Errorf("it is %s, closed %t", second.ID, second.Closed)
	}
	sameCase(t, found(full), second)
	if again := found(bare); again.ID != first.ID {
		t.Errorf("what was seen before is %s", again.ID)
	}
}

// TestBadNames: an error names what cannot be one, in the caller's words.
func TestBadNames(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-1")
	key := &desk.CommandOptions{Key: "a\nb"}
	for want, do := range map[string]func() error{
		`"" cannot be the id of a case`:     func() error { _, err := o.Desk.Case(ctx, ""); return err },
		`" cannot be the id of a case`:      func() error { return o.Desk.Gate(ctx, robot, strings.Repeat("y", 300), attempt("r", "prod/eu")) },
		`"a\nb" cannot be the id of a case`: func() error { _, err := o.Desk.Vote(ctx, bob, "a\nb", desk.Ballot{}, nil); return err },
		`"\n" cannot be the id of a case`: func() error {
			_, err := o.Desk.Report(ctx, robot, "\n", desk.Report{Attempt: "r", Outcome: 1}, nil)
			return err
		},
		`"" cannot be the id of a template`:   func() error { return o.Desk.SetTemplate(ctx, bob, "", approval.Active, "x", nil) },
		`"a\nb" cannot be an idempotency key`: func() error { _, err := o.Desk.Withdraw(ctx, bob, "CHG-1", key); return err },
		`nor the id of an attempt`:            func() error { _, err := o.Desk.Start(ctx, robot, "CHG-1", attempt("a\nb", "prod/eu")); return err },
	} {
		if err := do(); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}
