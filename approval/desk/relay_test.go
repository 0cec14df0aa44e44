package desk_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// relayPolicy is one service whose changes one of the board decides.
func relayPolicy(t testing.TB) *approval.Policy {
	t.Helper()
	p, err := approval.New(approval.Definition{
		Name:     "relay",
		Groups:   []approval.Group{{Name: "cab", Size: 2}},
		Services: []change.Service{{Name: "api", Team: "api", OnCall: "pd/api", Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 1999, Month: 1, Day: 1}}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 1}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// relayKit is a desk with people in its directory.
func relayKit(t testing.TB, opts *desk.Options) *desktest.Kit {
	t.Helper()
	k := desktest.New(t, relayPolicy(t), opts)
	k.Directory.Add("idp|asks")
	k.Directory.Add("idp|votes")
	k.Directory.Add("idp|deploys")
	k.Directory.Grant("idp|votes", approval.Seat{Group: "cab"})
	k.Directory.Grant("idp|deploys", approval.Seat{Role: approval.RoleTeamMember, Of: "api"})
	return k
}

func ask(t testing.TB, d *desk.Desk, id string) approval.Case {
	t.Helper()
	c, err := d.Submit(t.Context(), "idp|asks", &change.Change{ID: id, Title: "a change", Kind: change.Code, Service: "api",
		Requester: change.Person{ID: "idp|asks", Kind: change.Human}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func approve(t testing.TB, d *desk.Desk, c approval.Case) approval.Case {
	t.Helper()
	c, err := d.Vote(t.Context(), "idp|votes", c.ID, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// notify is a notifier made of a function.
type notify func(context.Context, desk.Notice) error

func (f notify) Notify(ctx context.Context, n desk.Notice) error { return f(ctx, n) }

// told collects what notifiers were told.
type told struct {
	mu  sync.Mutex
	ids []string
}

func (l *told) add(n desk.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, strings.TrimPrefix(n.ID, "default/case/"))
}

// take is what was told since it was last called.
func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := l.ids
	l.ids = nil
	return ids
}

func expectTold(t *testing.T, what string, l *told, want ...string) {
	t.Helper()
	if got := l.take(); !slices.Equal(got, want) {
		t.Errorf("%s: told of %v; expected %v", what, got, want)
	}
}

// ticked ticks and checks the counts of notices.
func ticked(t *testing.T, d *desk.Desk, delivered, failed, parked int) {
	t.Helper()
	got, err := d.Tick(t.Context())
	if got.Delivered != delivered || got.Failed != failed || got.Parked != parked {
		t.Errorf("Tick: %+v; expected %d delivered, %d failed, %d parked", got, delivered, failed, parked)
	}
	if (err != nil) != (failed+parked > 0) {
		t.Errorf("Tick: %v, with %+v", err, got)
	}
}

// TestTick: each event is told once, in order, with the case as it was then.
func TestTick(t *testing.T) {
	k := relayKit(t, nil)
	approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
	ticked(t, k.Desk, 3, 0, 0)
	for i, n := range k.Notices.All() {
		if want := fmt.Sprintf("default/case/CHG-1/%d", i+1); n.ID != want || n.Case.Version != uint64(i+1) || n.Tenant != "default" || n.Attempt != 0 {
			t.Errorf("notice %d: %s with the case at version %d, attempt %d; expected %s", i, n.ID, n.Case.Version, n.Attempt, want)
		}
	}
	if n := k.Notices.All()[2]; n.Case.Decision != approval.Authorized || n.Event.Event.(approval.Decided).Decision != approval.Authorized {
		t.Errorf("the third notice is %+v", n)
	}
	ticked(t, k.Desk, 0, 0, 0)
}

// TestOrderPerCase: after a failure the later notices of the same case wait,
// and those of others do not (INV-44).
func TestOrderPerCase(t *testing.T) {
	var l told
	broken := true
	k := relayKit(t, &desk.Options{Notifier: notify(func(_ context.Context, n desk.Notice) error {
		if n.Case.ID == "CHG-1" && n.Case.Version == 2 && broken {
			return errors.New("it cannot take this")
		}
		l.add(n)
		return nil
	})})
	approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
	same := sameShard("CHG-1")
	ask(t, k.Desk, same)
	ticked(t, k.Desk, 2, 1, 0)
	expectTold(t, "at first", &l, "CHG-1/1", same+"/1")
	ticked(t, k.Desk, 0, 0, 0) // it is not yet time to try again
	k.Clock.Advance(time.Second)
	broken = false
	ticked(t, k.Desk, 2, 0, 0)
	expectTold(t, "when it works again", &l, "CHG-1/2", "CHG-1/3")
}

// sameShard finds an id whose notices are in the same shard as those of another.
func sameShard(id string) string {
	of := func(id string) int {
		return audit.Shard(audit.Key{Tenant: "default", Kind: desk.KindCase, ID: id})
	}
	for i := 0; ; i++ {
		if other := fmt.Sprintf("CHG-other-%d", i); of(other) == of(id) {
			return other
		}
	}
}

// TestParking: a notice that always fails is tried sixty times, each time
// after twice as long but no more than an hour, and then holds up no others.
func TestParking(t *testing.T) {
	var l told
	attempts := 0
	k := relayKit(t, &desk.Options{Notifier: notify(func(_ context.Context, n desk.Notice) error {
		if n.Case.Version != 1 {
			l.add(n)
			return nil
		}
		if n.Attempt != attempts {
			t.Errorf("attempt %d says that %d failed", attempts, n.Attempt)
		}
		attempts++
		return errors.New("poison")
	})})
	approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
	wait := time.Second
	for range 59 {
		ticked(t, k.Desk, 0, 1, 0)
		k.Clock.Advance(wait - 1)
		ticked(t, k.Desk, 0, 0, 0) // too early
		k.Clock.Advance(1)
		wait = min(2*wait, time.Hour)
	}
	ticked(t, k.Desk, 0, 0, 1)
	expectTold(t, "before it is given up", &l)
	ticked(t, k.Desk, 2, 0, 0)
	expectTold(t, "afterwards", &l, "CHG-1/2", "CHG-1/3")
}

// TestContained: whatever a notifier does instead of returning an error counts
// as one (INV-43).
func TestContained(t *testing.T) {
	for name, misbehave := range map[string]func(){
		"it panics":              func() { panic("out of cheese") },
		"it panics with nil":     func() { panic(nil) },
		"it ends its goroutine":  runtime.Goexit,
		"it dereferences nobody": func() { _ = *(*int)(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var l told
			behaved := false
			k := relayKit(t, &desk.Options{Notifier: notify(func(_ context.Context, n desk.Notice) error {
				if !behaved {
					misbehave()
				}
				l.add(n)
				return nil
			})})
			ask(t, k.Desk, "CHG-1")
			ticked(t, k.Desk, 0, 1, 0)
			behaved = true
			k.Clock.Advance(time.Second)
			ticked(t, k.Desk, 1, 0, 0)
			expectTold(t, "afterwards", &l, "CHG-1/1")
		})
	}
}

// TestUnreadable: a notice about a record that cannot be read, or that is of no
// case, fails like any other and holds up no others.
func TestUnreadable(t *testing.T) {
	k := relayKit(t, nil) // for its directory
	store := memory.New()
	var n desktest.Notices
	d, err := desk.New(store, relayPolicy(t), k.Directory, &desk.Options{Now: k.Clock.Now, Notifier: &n})
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range []string{desk.KindCase, desk.KindTemplate} {
		key := audit.Key{Tenant: "default", Kind: kind, ID: "CHG-1"}
		w, err := audit.Append(audit.Record{Key: key}, nil, nil, audit.Draft{Type: "case.abducted/1", Occurred: k.Clock.Now(), Recorded: k.Clock.Now(), Body: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Commit(t.Context(), audit.Batch{Tenant: "default", Writes: []audit.Write{w}, Messages: []audit.Message{{Topic: "notify", Key: key, Seq: 1}}}); err != nil {
			t.Fatal(err)
		}
		ask(t, d, fmt.Sprintf("CHG-other-%d", i))
	}
	ticked(t, d, 2, 2, 0)
}

// TestTwoDesks: of two desks that share a store one tells of each event.
func TestTwoDesks(t *testing.T) {
	var l told
	tell := notify(func(_ context.Context, n desk.Notice) error {
		l.add(n)
		return nil
	})
	k := relayKit(t, &desk.Options{Notifier: tell})
	second, err := desk.New(k.Store, relayPolicy(t), k.Directory, &desk.Options{Notifier: tell, Now: k.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	const cases = 40
	var all sync.WaitGroup
	for _, d := range []*desk.Desk{k.Desk, second} {
		all.Go(func() {
			for range 50 {
				if _, err := d.Tick(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range cases {
		approve(t, []*desk.Desk{k.Desk, second}[i%2], ask(t, []*desk.Desk{second, k.Desk}[i%2], fmt.Sprintf("CHG-%d", i)))
	}
	all.Wait()
	if _, err := second.Tick(t.Context()); err != nil {
		t.Error(err)
	}
	times, last := map[string]int{}, map[string]string{}
	for _, id := range l.take() {
		times[id]++
		of, event, _ := strings.Cut(id, "/")
		if event <= last[of] {
			t.Errorf("%s was told after %s/%s", id, of, last[of])
		}
		last[of] = event
	}
	if len(times) != 3*cases {
		t.Errorf("told of %d events; expected %d", len(times), 3*cases)
	}
	for _, id := range slices.Sorted(maps.Keys(times)) {
		if times[id] != 1 {
			t.Errorf("%s was told %d times", id, times[id])
		}
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

// TestManyNotices: what is more than a batch in one shard is delivered in one
// tick.
func TestManyNotices(t *testing.T) {
	k := relayKit(t, nil)
	cases := 0
	for i := 0; cases < 150; i++ {
		if id := fmt.Sprintf("CHG-%d", i); audit.Shard(audit.Key{Tenant: "default", Kind: desk.KindCase, ID: id}) == 3 {
			ask(t, k.Desk, id)
			cases++
		}
	}
	ticked(t, k.Desk, cases, 0, 0)
}

// TestInterruptedDelivery: a context that ends counts for nothing: what was
// delivered is, and the rest is tried again as if it had not been (INV-45).
func TestInterruptedDelivery(t *testing.T) {
	var l told
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := false
	k := relayKit(t, &desk.Options{Notifier: notify(func(ctx context.Context, n desk.Notice) error {
		if n.Attempt != 0 {
			t.Errorf("%s has failed %d times", n.ID, n.Attempt)
		}
		if n.Case.Version == 2 && !interrupted {
			interrupted = true
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		l.add(n)
		return nil
	})})
	approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
	got, err := k.Desk.Tick(ctx)
	if got.Delivered != 1 || got.Failed != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Tick: %+v, %v; expected one delivery and context.Canceled", got, err)
	}
	expectTold(t, "before", &l, "CHG-1/1")
	ticked(t, k.Desk, 2, 0, 0)
	expectTold(t, "afterwards", &l, "CHG-1/2", "CHG-1/3")
}
