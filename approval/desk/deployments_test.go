package desk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// TestDeployments lists what was deployed, by service, target and span (C50);
// the oracle is a scan of all cases.
func TestDeployments(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	start := o.Clock.Now()
	for i, id := range []string{"CHG-3", "CHG-1", "CHG-2"} {
		o.approved(id)
		must[approval.Run](t)(o.Desk.Start(ctx, robot, id, attempt("eu", "prod/eu")))
		o.Clock.Advance(time.Duration(7+i) * time.Hour)
		must[approval.Case](t)(o.Desk.Report(ctx, robot, id, desk.Report{Attempt: "eu", Outcome: approval.Succeeded}, nil))
		o.Clock.Advance(26 * time.Hour)
		must[approval.Run](t)(o.Desk.Start(ctx, robot, id, attempt("us", "prod/us")))
		o.Clock.Advance(20 * time.Hour)
	}
	must[approval.Run](t)(o.Desk.Start(ctx, robot, "CHG-1", approval.Attempt{ID: "back", Artifact: oldBuild, Target: "prod/eu"}))
	o.submitted("CHG-4")
	var all []approval.Delivery
	for _, id := range []string{"CHG-1", "CHG-2", "CHG-3", "CHG-4"} {
		all = append(all, must[approval.Case](t)(o.Desk.Case(ctx, id)).Deployments()...)
	}
	if len(all) != 7 {
		t.Fatalf("%d deployments", len(all))
	}
	name := func(d approval.Delivery) string { return d.Case + d.StartedAt.Format(time.RFC3339Nano) + d.Target }
	for _, target := range []string{"", "prod/eu", "prod/us", "prod"} {
		for from := range 5 {
			for to := range 5 {
				r := desk.DeploymentsRequest{Service: "api", Target: target}
				if from > 0 {
					r.From = start.Add(time.Duration(from-1) * 35 * time.Hour)
				}
				if to > 0 {
					r.To = start.Add(time.Duration(to-1)*35*time.Hour + time.Nanosecond)
				}
				if from > 0 && to > 0 && !r.From.Before(r.To) {
					continue
				}
				var got, want []string
				for d, err := range o.Desk.Deployments(ctx, r) {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, name(d))
				}
				for _, d := range all {
					if (target == "" || d.Target == target) && !d.StartedAt.Before(r.From) && (to == 0 || d.StartedAt.Before(r.To)) {
						want = append(want, name(d))
					}
				}
				slices.Sort(got)
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("%+v: %q; want %q", r, got, want)
				}
			}
		}
	}
	for want, r := range map[string]desk.DeploymentsRequest{
		"name one": {}, "no time": {Service: "api", From: start, To: start}, "years": {Service: "api", From: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		for _, err := range o.Desk.Deployments(ctx, r) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v", r, err)
			}
		}
	}
	for d, err := range o.Desk.Deployments(ctx, desk.DeploymentsRequest{Service: "web" + strings.Repeat("\x00", 300)}) {
		t.Errorf("of another service: %+v, %v", d, err)
	}
	for range o.Desk.Deployments(ctx, desk.DeploymentsRequest{Service: "api"}) {
		break
	}
}

// TestFeed gives each event of the log once, from any index on.
func TestFeed(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	o.approved("CHG-1")
	feed := func(from int64) (out []desk.Fed) {
		t.Helper()
		for f, err := range o.Desk.Feed(ctx, from) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, f)
		}
		return out
	}
	if before := feed(0); len(before) != 0 {
		t.Errorf("%d events before they are in the log", len(before))
	}
	must[desk.Ticked](t)(o.Desk.Tick(ctx))
	first := feed(0)
	if len(first) != 5 || first[0].Template.Set.Status.State != approval.Active || first[0].Event.Event != nil {
		t.Fatalf("%d events, the first %+v", len(first), first[0])
	}
	o.submitted("CHG-2")
	must[desk.Ticked](t)(o.Desk.Tick(ctx))
	history := map[string][]approval.Stamped{}
	for i, f := range feed(0) {
		if f.Index != int64(i) {
			t.Errorf("event %d is at %d", i, f.Index)
		}
		if f.Key.Kind == desk.KindCase {
			history[f.Key.ID] = append(history[f.Key.ID], f.Event)
			if f.Seq != uint64(len(history[f.Key.ID])) || f.ID != "default/case/"+f.Key.ID+"/"+string('0'+rune(f.Seq)) {
				t.Errorf("event %d is %s, number %d", i, f.ID, f.Seq)
			}
		}
	}
	for _, id := range []string{"CHG-1", "CHG-2"} {
		sameCase(t, must[approval.Case](t)(approval.Fold(id, history[id])), must[approval.Case](t)(o.Desk.Case(ctx, id)))
	}
	if rest := feed(5); len(rest) != 1 || rest[0].Key.ID != "CHG-2" {
		t.Errorf("after the first five: %+v", rest)
	}
	if past := feed(6); len(past) != 0 {
		t.Errorf("after the end: %+v", past)
	}
	for _, err := range o.Desk.Feed(ctx, -1) {
		if !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("from -1: %v", err)
		}
	}
}

// erased is a store from which the personal data of the events of cases have
// been erased.
type erased struct{ audit.Store }

func (s erased) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for e, err := range s.Store.Events(ctx, r) {
			if e.Key.Kind == desk.KindCase {
				e.Leaf.Openings = nil
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// TestFeedErased: what was erased has its place, and holds nothing up; a store
// that is not to be believed ends the feed.
func TestFeedErased(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.submitted("CHG-1")
	o.activate()
	must[desk.Ticked](t)(o.Desk.Tick(ctx))
	var got []string
	for f, err := range o.over(erased{o.Store}, o.Directory, desk.Options{}).Feed(ctx, 0) {
		got = append(got, fmt.Sprintf("%d %s %t", f.Index, f.Key.ID, errors.Is(err, approval.ErrErased)))
	}
	if want := []string{"0 CHG-1 true", "1 rolling false"}; !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
	n := 0
	for _, err := range o.over(moved{o.Store}, o.Directory, desk.Options{}).Feed(ctx, 0) {
		if n++; !errors.Is(err, audit.ErrTampered) {
			t.Errorf("events under another name: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("it went on %d times", n)
	}
}

// moved is a store that gives events under another name.
type moved struct{ audit.Store }

func (s moved) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for e, err := range s.Store.Events(ctx, r) {
			e.Key.ID = "CHG-2"
			if !yield(e, err) {
				return
			}
		}
	}
}
