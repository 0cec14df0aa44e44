package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// TestINV34Unknown: when nobody knows whether a command was written, sending it
// again finds out, and it is done once.
func TestINV34Unknown(t *testing.T) {
	lost := func(n int, err error) error {
		if n == 1 && err == nil {
			return fmt.Errorf("the line went dead: %w", audit.ErrOutcomeUnknown)
		}
		return err
	}
	for _, v := range verbs() {
		for name, g := range map[string]*gate{
			"written":     {after: lost},
			"not written": {before: func(n int, _ audit.Batch) error { return lost(n, nil) }},
			"panicked": {after: func(n int, err error) error {
				if n == 1 {
					panic("broken")
				}
				return err
			}},
		} {
			t.Run(v.name+" "+name, func(t *testing.T) {
				o := open(t)
				v.setup(o)
				g := &gate{Store: o.Store, before: g.before, after: g.after}
				d := o.over(g, o.Directory, desk.Options{})
				_, err := v.do(d, t.Context(), "key-1", false)
				if !errors.Is(err, audit.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "key") {
					t.Fatalf("got %v", err)
				}
				if g.n != 1 {
					t.Fatalf("it was sent %d times", g.n)
				}
				first := must[approval.Case](t)(v.do(d, t.Context(), "key-1", false))
				events := o.events()
				sameCase(t, must[approval.Case](t)(v.do(d, t.Context(), "key-1", false)), first)
				if o.events() != events {
					t.Error("it was done twice")
				}
			})
		}
	}
}

// TestINV31Stale: a command whose record moves on is done anew; when it never
// stands still, nothing is decided.
func TestINV31Stale(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.submitted("CHG-1")
	for _, c := range []struct {
		stale, retries int
		want           error
	}{{3, 0, nil}, {1 << 30, 2, audit.ErrStale}} {
		g := &gate{Store: o.Store, before: func(n int, _ audit.Batch) error {
			if n <= c.stale {
				return &audit.StaleError{}
			}
			return nil
		}}
		asked := &script{Directory: o.Directory}
		d := o.over(g, asked, desk.Options{Retries: c.retries})
		before := o.version("CHG-1")
		rfc := request("CHG-1")
		rfc.Title = fmt.Sprint("edited after ", c.stale)
		_, err := d.Edit(ctx, alice, rfc, nil)
		if !errors.Is(err, c.want) {
			t.Fatalf("got %v", err)
		}
		if want := pick(c.want != nil, uint64(1), 0); o.version("CHG-1")-before != want {
			t.Errorf("%d events", o.version("CHG-1")-before)
		}
		if want := min(c.stale, c.retries) + 1; c.want != nil && (g.n != want || len(asked.asked) != want) {
			t.Errorf("sent %d times and asked %d times; want %d: each try asks anew", g.n, len(asked.asked), want)
		}
	}
}

// TestINV33NoAnswer: what the store refuses is not decided.
func TestINV33NoAnswer(t *testing.T) {
	for _, want := range []error{audit.ErrStorageFull, audit.ErrClosed, errors.New("no")} {
		for _, v := range verbs() {
			o := open(t)
			v.setup(o)
			events := o.events()
			d := o.over(&gate{Store: o.Store, before: func(int, audit.Batch) error { return want }}, o.Directory, desk.Options{})
			if c, err := v.do(d, t.Context(), "k", false); !errors.Is(err, want) || c.Version != 0 {
				t.Errorf("%s: %v, version %d", v.name, err, c.Version)
			}
			if o.events() != events {
				t.Errorf("%s: something was recorded", v.name)
			}
		}
	}
}

// TestINV45Cancelled: a context that ends before the commit leaves nothing; one
// that ends after it changes nothing.
func TestINV45Cancelled(t *testing.T) {
	for _, v := range verbs() {
		o := open(t)
		v.setup(o)
		events := o.events()
		ctx, cancel := context.WithCancel(t.Context())
		asking := &script{Directory: o.Directory, person: func(context.Context, string) { cancel() }}
		if _, err := v.do(o.over(o.Store, asking, desk.Options{}), ctx, "k", false); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", v.name, err)
		}
		if o.events() != events {
			t.Errorf("%s: something was recorded", v.name)
		}
		ctx, cancel = context.WithCancel(t.Context())
		after := &gate{Store: o.Store, after: func(_ int, err error) error { cancel(); return err }}
		if _, err := v.do(o.over(after, o.Directory, desk.Options{}), ctx, "k", false); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if o.events() == events {
			t.Errorf("%s: nothing was recorded", v.name)
		}
		cancel()
	}
}

// TestINV46Panics: no panic crosses the API, and none decides anything.
func TestINV46Panics(t *testing.T) {
	for _, v := range verbs() {
		o := open(t)
		v.setup(o)
		events := o.events()
		bad := &script{Directory: o.Directory, person: func(context.Context, string) { panic("no such table") }}
		if _, err := v.do(o.over(o.Store, bad, desk.Options{}), t.Context(), "k", false); !errors.Is(err, desk.ErrDirectory) || !strings.Contains(err.Error(), "no such table") {
			t.Errorf("%s: %v", v.name, err)
		}
		if _, err := v.do(o.over(broken{o.Store}, o.Directory, desk.Options{}), t.Context(), "k", false); !errors.Is(err, desk.ErrPanic) {
			t.Errorf("%s: %v", v.name, err)
		}
		if o.events() != events {
			t.Errorf("%s: something was recorded", v.name)
		}
	}
	o := open(t)
	d := o.over(broken{o.Store}, o.Directory, desk.Options{})
	if err := d.Gate(t.Context(), robot, "CHG-1", attempt("run-1", "prod/eu")); !errors.Is(err, desk.ErrPanic) {
		t.Errorf("gate: %v", err)
	}
	if _, err := d.Case(t.Context(), "CHG-1"); !errors.Is(err, desk.ErrPanic) {
		t.Errorf("case: %v", err)
	}
}

// broken is a store that panics.
type broken struct{ audit.Store }

func (broken) Load(context.Context, audit.LoadRequest) (audit.Loaded, error) { panic("broken") }

// TestINV17Directory: a directory that does not answer decides nothing, and the
// command can be sent again.
func TestINV17Directory(t *testing.T) {
	for _, v := range verbs() {
		o := open(t)
		v.setup(o)
		events := o.events()
		down := errors.New("the line is down")
		o.Directory.Fail(down)
		if _, err := v.do(o.Desk, t.Context(), "k", false); !errors.Is(err, desk.ErrDirectory) || !errors.Is(err, down) {
			t.Errorf("%s: %v", v.name, err)
		}
		if o.events() != events {
			t.Errorf("%s: something was recorded", v.name)
		}
		o.Directory.Fail(nil)
		must[approval.Case](t)(v.do(o.Desk, t.Context(), "k", false))
	}
	o := open(t)
	o.approved("CHG-1")
	o.Directory.Fail(errors.New("down"))
	if err := o.Desk.Gate(t.Context(), robot, "CHG-1", attempt("run-1", "prod/eu")); !errors.Is(err, desk.ErrDirectory) {
		t.Errorf("gate: %v", err)
	}
	if err := o.Desk.SetTemplate(t.Context(), bob, "rolling", approval.Active, "x", nil); !errors.Is(err, desk.ErrDirectory) {
		t.Errorf("set a template: %v", err)
	}
	if _, err := o.Desk.Reconcile(t.Context(), erin, []approval.Deployment{{ID: "x", At: o.Clock.Now()}}); !errors.Is(err, desk.ErrDirectory) {
		t.Errorf("reconcile: %v", err)
	}
}

// TestBadPerson: a directory that says yes to a name that cannot be one has not
// answered.
func TestBadPerson(t *testing.T) {
	o := open(t)
	for _, id := range []string{"", "Bob Smith", "b\u0430b"} {
		d := o.over(o.Store, person{o.Directory, id}, desk.Options{})
		if _, err := d.Submit(t.Context(), alice, request("CHG-1")); !errors.Is(err, desk.ErrDirectory) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

type person struct {
	desk.Directory
	id string
}

func (p person) Person(context.Context, string) (desk.Person, error) {
	return desk.Person{ID: p.id, Kind: change.Human}, nil
}

// TestAskedOnce: within one command an answer is used once for all.
func TestAskedOnce(t *testing.T) {
	o := open(t)
	o.activate()
	d := &script{Directory: o.Directory}
	must[approval.Case](t)(o.over(o.Store, d, desk.Options{}).Submit(t.Context(), alice, regular("CHG-1")))
	if len(d.asked) != 1 {
		t.Errorf("asked for %q", d.asked)
	}
}

// TestINV17Fresh: answers that are too old when the command is written, and
// stores that hang, decide nothing (INV-33).
func TestINV17Fresh(t *testing.T) {
	slow := func(heeds bool) func(context.Context, string) {
		return func(ctx context.Context, _ string) {
			select {
			case <-time.After(31 * time.Second):
			case <-pick(heeds, make(<-chan struct{}), ctx.Done()):
			}
		}
	}
	for _, heeds := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := open(t)
			d := o.over(o.Store, &script{Directory: o.Directory, person: slow(heeds)}, desk.Options{})
			if _, err := d.Submit(t.Context(), alice, request("CHG-1")); !errors.Is(err, desk.ErrDirectory) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a slow directory: %v", err)
			}
			hangs := &gate{Store: o.Store, before: func(int, audit.Batch) error { time.Sleep(time.Hour); return nil }}
			if _, err := o.over(hangs, o.Directory, desk.Options{}).Submit(t.Context(), alice, request("CHG-1")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a slow store: %v", err)
			}
			if n := o.events(); n != 0 {
				t.Errorf("%d events", n)
			}
		})
	}
}

// TestINV38Tampered: by a record that is not what its events add up to, nothing
// is decided.
func TestINV38Tampered(t *testing.T) {
	for name, change := range map[string]func(*audit.Loaded){
		"state": func(l *audit.Loaded) {
			l.Records[0].State = []byte(strings.Replace(string(l.Records[0].State), "pending", "authorized", 1))
		},
		"cut":    func(l *audit.Loaded) { l.Events[0] = l.Events[0][:len(l.Events[0])-1] },
		"hidden": func(l *audit.Loaded) { l.Records[0].Version--; l.Events[0] = l.Events[0][:len(l.Events[0])-1] },
		"event":  func(l *audit.Loaded) { l.Events[0][0].Leaf.Data[20] ^= 1 },
	} {
		o, ctx := open(t), t.Context()
		c := o.submitted("CHG-1")
		must[approval.Case](t)(o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil))
		d := o.over(tampered{o.Store, change}, o.Directory, desk.Options{})
		_, vote := d.Vote(ctx, carol, "CHG-1", yes(c), nil)
		_, start := d.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
		_, read := d.Case(ctx, "CHG-1")
		for what, err := range map[string]error{"vote": vote, "start": start, "case": read, "gate": d.Gate(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))} {
			if !errors.Is(err, audit.ErrTampered) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		o.wantEvents("CHG-1", "case.submitted/1", "case.voted/1")
	}
}

// tampered is a store somebody has been at.
type tampered struct {
	audit.Store
	change func(*audit.Loaded)
}

func (s tampered) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	l, err := s.Store.Load(ctx, r)
	if err == nil && l.Records[0].Version > 0 {
		s.change(&l)
	}
	return l, err
}

// TestTamperedTemplate is the same for templates.
func TestTamperedTemplate(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.activate()
	if err := o.Desk.SetTemplate(ctx, bob, "rolling", approval.Suspended, "x", nil); err != nil {
		t.Fatal(err)
	}
	d := o.over(tampered{o.Store, func(l *audit.Loaded) {
		l.Records[0].State = []byte(strings.Replace(string(l.Records[0].State), "suspended", "active", 1))
	}}, o.Directory, desk.Options{})
	if _, err := d.Submit(ctx, alice, regular("CHG-1")); !errors.Is(err, audit.ErrTampered) {
		t.Errorf("got %v", err)
	}
}

// TestINV19ClockBehind: a clock that is earlier than the last event decides
// nothing.
func TestINV19ClockBehind(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	o.Clock.Advance(-minute)
	_, err := o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil)
	if r := refusedFor(t, err, approval.ClockBehind); !r.Waiting {
		t.Error("the clock will catch up")
	}
	o.Clock.Advance(minute)
}

// TestINV19Expired: what has run out stays out, whether or not it was recorded.
func TestINV19Expired(t *testing.T) {
	o, ctx := open(t), t.Context()
	c := o.submitted("CHG-1")
	o.approved("CHG-2")
	o.Clock.Advance(desk.DefaultValidity.Request)
	_, err := o.Desk.Vote(ctx, bob, "CHG-1", yes(c), nil)
	refusedFor(t, err, approval.HasExpired)
	_, err = o.Desk.Start(ctx, robot, "CHG-2", attempt("run-1", "prod/eu"))
	refusedFor(t, err, approval.HasExpired)
}

// TestMessages: each event has a message for the notifier, and none is kept
// without one (INV-31, INV-43).
func TestMessages(t *testing.T) {
	o, ctx := open(t), t.Context()
	var posted atomic.Int64
	count := func(_ int, b audit.Batch) error { posted.Add(int64(len(b.Messages))); return nil }
	must[approval.Case](t)(o.over(&gate{Store: o.Store, before: count}, o.Directory, desk.Options{}).Submit(ctx, alice, request("CHG-1")))
	if posted.Load() != 0 {
		t.Errorf("%d messages for nobody", posted.Load())
	}
	o.activate()
	must[approval.Case](t)(o.over(&gate{Store: o.Store, before: count}, o.Directory, desk.Options{Notifier: o.Notices}).Submit(ctx, alice, regular("CHG-2")))
	if posted.Load() != 2 {
		t.Errorf("%d messages for two events", posted.Load())
	}
}
