package desk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

// TestLapse: what is over lapses with the tick that comes then, once, and not
// before.
func TestLapse(t *testing.T) {
	k := relayKit(t, nil)
	ask(t, k.Desk, "CHG-1")
	approve(t, k.Desk, ask(t, k.Desk, "CHG-2")) // holds for less than a request does
	lapse := func(want int, first, second approval.Decision) {
		t.Helper()
		got, err := k.Desk.Tick(t.Context())
		if err != nil || got.Lapsed != want {
			t.Errorf("Tick: %+v, %v; expected %d lapsed", got, err, want)
		}
		for id, decision := range map[string]approval.Decision{"CHG-1": first, "CHG-2": second} {
			if c, err := k.Desk.Case(t.Context(), id); err != nil || c.Decision != decision {
				t.Errorf("%s is %v, %v; expected %v", id, c.Decision, err, decision)
			}
		}
	}
	k.Clock.Advance(desk.DefaultValidity.Use - time.Second)
	lapse(0, approval.Pending, approval.Authorized)
	k.Clock.Advance(2 * time.Second)
	lapse(1, approval.Pending, approval.Expired)
	lapse(0, approval.Pending, approval.Expired)
	k.Clock.Advance(desk.DefaultValidity.Request)
	lapse(1, approval.Expired, approval.Expired)
	if n := len(k.Notices.All()); n != 6 {
		t.Errorf("%d notices; expected 6, as lapses are told too", n)
	}
}

// TestLapseAtOnce: of two desks that find the same cases due, one lapses each.
func TestLapseAtOnce(t *testing.T) {
	k := relayKit(t, nil)
	second, err := desk.New(k.Store, relayPolicy(t), k.Directory, &desk.Options{Now: k.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	const cases = 30
	for i := range cases {
		ask(t, k.Desk, fmt.Sprintf("CHG-%d", i))
	}
	k.Clock.Advance(desk.DefaultValidity.Request + time.Second)
	var lapsed atomic.Int64
	var all sync.WaitGroup
	for _, d := range []*desk.Desk{k.Desk, second, k.Desk, second} {
		all.Go(func() {
			got, err := d.Tick(t.Context())
			if err != nil {
				t.Error(err)
			}
			lapsed.Add(int64(got.Lapsed))
		})
	}
	all.Wait()
	if lapsed.Load() != cases {
		t.Errorf("%d cases lapsed; expected %d", lapsed.Load(), cases)
	}
}

// TestSequence: a tick puts all that waits into the log, and says how far it
// has come.
func TestSequence(t *testing.T) {
	k := relayKit(t, nil)
	for round, want := range []desk.Ticked{{Sequenced: 3, Size: 3, Delivered: 3}, {Size: 3}, {Sequenced: 3, Size: 6, Delivered: 3}} {
		if round != 1 {
			approve(t, k.Desk, ask(t, k.Desk, fmt.Sprintf("CHG-%d", round)))
		}
		if got, err := k.Desk.Tick(t.Context()); err != nil || got != want {
			t.Errorf("round %d: %+v, %v; expected %+v", round, got, err, want)
		}
	}
}

// swapped is a store that can be exchanged for another one.
type swapped struct{ now atomic.Pointer[memory.Store] }

func (s *swapped) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	return s.now.Load().Commit(ctx, b)
}
func (s *swapped) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	return s.now.Load().Load(ctx, r)
}
func (s *swapped) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return s.now.Load().List(ctx, r)
}
func (s *swapped) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return s.now.Load().Events(ctx, r)
}
func (s *swapped) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	return s.now.Load().Log(ctx, tenant, positions)
}
func (s *swapped) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	return s.now.Load().Claim(ctx, r)
}
func (s *swapped) Settle(ctx context.Context, r audit.Settlement) error {
	return s.now.Load().Settle(ctx, r)
}

// TestPutBack: a log that was put back to an older copy while the desk ran is
// not extended (INV-37).
func TestPutBack(t *testing.T) {
	k := relayKit(t, nil) // for its directory
	var s swapped
	s.now.Store(memory.New())
	signing, _, err := audit.GenerateKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.NewSigner(signing)
	if err != nil {
		t.Fatal(err)
	}
	d, err := desk.New(&s, relayPolicy(t), k.Directory, &desk.Options{Signer: signer, Now: k.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, d, "CHG-1")
	if got, err := d.Tick(t.Context()); err != nil || got.Size != 1 {
		t.Fatalf("Tick: %+v, %v", got, err)
	}
	s.now.Store(memory.New())
	ask(t, d, "CHG-2")
	if got, err := d.Tick(t.Context()); !errors.Is(err, audit.ErrTampered) || got.Size != 0 {
		t.Errorf("Tick: %+v, %v; expected audit.ErrTampered", got, err)
	}
}

// meddled is a store of which some methods do something before.
type meddled struct {
	audit.Store
	claim  func(audit.ClaimRequest) error
	settle func(audit.Settlement) error
	list   func() error
	load   func() error
}

func (m *meddled) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	if m.claim != nil {
		if err := m.claim(r); err != nil {
			return audit.Claimed{}, err
		}
	}
	return m.Store.Claim(ctx, r)
}

func (m *meddled) Settle(ctx context.Context, s audit.Settlement) error {
	if m.settle != nil {
		if err := m.settle(s); err != nil {
			return err
		}
	}
	return m.Store.Settle(ctx, s)
}

func (m *meddled) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	if m.list != nil {
		if err := m.list(); err != nil {
			return func(yield func(audit.Record, error) bool) { yield(audit.Record{}, err) }
		}
	}
	return m.Store.List(ctx, r)
}

func (m *meddled) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	if m.load != nil {
		if err := m.load(); err != nil {
			return audit.Loaded{}, err
		}
	}
	return m.Store.Load(ctx, r)
}

// meddledKit is a kit with a second desk, over the same store with a hand in it.
func meddledKit(t *testing.T, l *told) (*desktest.Kit, *meddled, *desk.Desk) {
	t.Helper()
	k := relayKit(t, nil)
	m := &meddled{Store: k.Store}
	d, err := desk.New(m, relayPolicy(t), k.Directory, &desk.Options{Now: k.Clock.Now, Notifier: notify(func(_ context.Context, n desk.Notice) error {
		l.add(n)
		return nil
	})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return k, m, d
}

// TestParts: what goes wrong in one part does not stop the others, and a panic
// of the store is an error like any other (INV-46).
func TestParts(t *testing.T) {
	failed := errors.New("no space left")
	panics := func() error { panic("a bug in a driver") }
	for name, c := range map[string]struct {
		meddle func(*meddled)
		want   desk.Ticked
		is     error
	}{
		"listing":          {func(m *meddled) { m.list = func() error { return failed } }, desk.Ticked{Delivered: 1}, failed},
		"listing, panic":   {func(m *meddled) { m.list = panics }, desk.Ticked{Delivered: 1}, desk.ErrPanic},
		"claiming":         {func(m *meddled) { m.claim = func(audit.ClaimRequest) error { return failed } }, desk.Ticked{Lapsed: 1}, failed},
		"claiming, panic":  {func(m *meddled) { m.claim = func(audit.ClaimRequest) error { return panics() } }, desk.Ticked{Lapsed: 1}, desk.ErrPanic},
		"loading":          {func(m *meddled) { m.load = func() error { return failed } }, desk.Ticked{}, failed},
		"loading, panic":   {func(m *meddled) { m.load = panics }, desk.Ticked{}, desk.ErrPanic},
		"settling":         {func(m *meddled) { m.settle = func(audit.Settlement) error { return failed } }, desk.Ticked{Lapsed: 1, Delivered: 2}, failed},
		"settling, panic":  {func(m *meddled) { m.settle = func(audit.Settlement) error { return panics() } }, desk.Ticked{Lapsed: 1, Delivered: 2}, desk.ErrPanic},
		"a lease is lost":  {func(m *meddled) { m.settle = func(audit.Settlement) error { return audit.ErrLeaseLost } }, desk.Ticked{Lapsed: 1, Delivered: 2}, audit.ErrLeaseLost},
		"a lease is taken": {func(m *meddled) { m.claim = func(audit.ClaimRequest) error { return audit.ErrLeased } }, desk.Ticked{Lapsed: 1}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var l told
			k, m, d := meddledKit(t, &l)
			ask(t, d, "CHG-1")
			k.Clock.Advance(desk.DefaultValidity.Request + time.Second)
			c.meddle(m)
			got, err := d.Tick(t.Context())
			got.Size, got.Waiting = 0, 0
			if got != c.want || !errors.Is(err, c.is) {
				t.Errorf("Tick: %+v, %v; expected %+v, %v", got, err, c.want, c.is)
			}
			*m = meddled{Store: m.Store}
			k.Clock.Advance(2 * time.Minute) // past any lease
			if _, err := d.Tick(t.Context()); err != nil {
				t.Errorf("when it works again: %v", err)
			}
			if got, err := d.Tick(t.Context()); err != nil || got.Delivered != 0 {
				t.Errorf("when nothing is left: %+v, %v", got, err)
			}
			if all := strings.Join(l.take(), " "); !strings.HasSuffix(all, "CHG-1/1 CHG-1/2") {
				t.Errorf("told of %s; expected both events in the end, in order", all)
			}
		})
	}
}

// TestRandomVerbs: whatever people do, and however the desk ticks meanwhile,
// the record adds up: the kit verifies it (INV-36, INV-38). Every event is told
// once, in the order of its case.
func TestRandomVerbs(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			k := relayKit(t, nil)
			r := rand.New(rand.NewPCG(seed, 1))
			accepted := 0
			for range 100 {
				if randomVerb(t, k, r) == nil {
					accepted++
				}
			}
			if accepted < 30 {
				t.Errorf("%d of 100 commands were accepted", accepted)
			}
			if _, err := k.Desk.Tick(t.Context()); err != nil {
				t.Error(err)
			}
			version := map[string]uint64{}
			for _, n := range k.Notices.All() {
				if version[n.Case.ID]++; n.Case.Version != version[n.Case.ID] {
					t.Errorf("%s was told when version %d was due", n.ID, version[n.Case.ID])
				}
			}
			for id, told := range version {
				if c, err := k.Desk.Case(t.Context(), id); err != nil || c.Version != told {
					t.Errorf("%s is at version %d, %v; told of %d", id, c.Version, err, told)
				}
			}
		})
	}
}

func randomVerb(t *testing.T, k *desktest.Kit, r *rand.Rand) error {
	t.Helper()
	d, ctx, id := k.Desk, t.Context(), fmt.Sprintf("CHG-%d", r.IntN(6))
	k.Clock.Advance(time.Duration(r.Int64N(int64(8 * time.Hour))))
	c, err := d.Case(ctx, id)
	if errors.Is(err, audit.ErrNotFound) {
		ask(t, d, id)
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	run := fmt.Sprintf("run-%d", r.IntN(2))
	switch r.IntN(9) {
	case 0:
		_, err = d.Edit(ctx, "idp|asks", &change.Change{ID: id, Title: fmt.Sprint("edit ", r.IntN(3)), Kind: change.Code, Service: "api",
			Requester: change.Person{ID: "idp|asks", Kind: change.Human}}, nil)
	case 1, 2:
		_, err = d.Vote(ctx, "idp|votes", id, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Choice(1 + min(1, r.IntN(6)/5))}, nil)
	case 3, 4:
		_, err = d.Start(ctx, "idp|deploys", id, approval.Attempt{ID: run, Artifact: c.Digest})
	case 5:
		_, err = d.Report(ctx, "idp|deploys", id, desk.Report{Attempt: run, Outcome: approval.Outcome(1 + r.IntN(4))}, nil)
	case 6:
		_, err = d.Validate(ctx, "idp|deploys", id, r.IntN(2) == 0, "looked at", nil)
	case 7:
		if r.IntN(4) == 0 {
			_, err = d.Cancel(ctx, "idp|asks", id, "no longer", nil)
		}
	case 8:
		_, err = d.Tick(ctx)
	}
	if _, refused := errors.AsType[*approval.Refused](err); err != nil && !refused {
		t.Errorf("%s: %v", id, err)
	}
	return err
}
