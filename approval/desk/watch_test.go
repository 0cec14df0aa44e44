package desk_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// logKey is a key for a log of that name.
func logKey(t testing.TB, name string) audit.Signer {
	t.Helper()
	signing, _, err := audit.GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return must[audit.Signer](t)(audit.NewSigner(signing))
}

// TestINV37KnownFromElsewhere: a desk that is made anew does not sign a log
// that was put back, when it is given a checkpoint that was kept elsewhere.
func TestINV37KnownFromElsewhere(t *testing.T) {
	k, key := relayKit(t, nil), logKey(t, "desk")
	over := func(s audit.Store, known ...[]byte) *desk.Desk {
		return must[*desk.Desk](t)(desk.New(s, relayPolicy(t), k.Directory, &desk.Options{Signer: key, Now: k.Clock.Now, Known: known}))
	}
	s, old := memory.New(), memory.New()
	d := over(s)
	for _, id := range []string{"CHG-1", "CHG-2"} {
		ask(t, d, id)
		must[desk.Ticked](t)(d.Tick(t.Context()))
	}
	last := must[audit.LogState](t)(s.Log(t.Context(), "default", nil)).Checkpoint
	mine := append([]byte(nil), last...)
	again := over(s, mine)
	clear(mine) // the desk has its own copy
	ask(t, again, "CHG-3")
	for range 2 { // it goes on from what it signed itself, too
		if got, err := again.Tick(t.Context()); err != nil || got.Size != 3 || got.Waiting != 0 {
			t.Errorf("the log as it was: %+v, %v", got, err)
		}
	}
	forgetful := over(old)
	ask(t, forgetful, "CHG-1")
	must[desk.Ticked](t)(forgetful.Tick(t.Context()))
	restarted := over(old, last)
	ask(t, restarted, "CHG-4")
	if got, err := restarted.Tick(t.Context()); !errors.Is(err, audit.ErrTampered) || got.Sequenced != 0 || got.Size != 1 || got.Waiting != 1 {
		t.Errorf("an older copy: %+v, %v; expected audit.ErrTampered", got, err)
	}
	for name, o := range map[string]desk.Options{
		"Signer":   {Known: [][]byte{last}},
		"Known[1]": {Known: [][]byte{last, []byte("x")}, Signer: key},
		"Known[0]": {Known: [][]byte{last}, Signer: logKey(t, "desk")},
	} {
		if _, err := desk.New(s, relayPolicy(t), k.Directory, &o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("expected an error about %s; got %v", name, err)
		}
	}
}

// TestWaiting: while another worker holds the lease on the log, the ticks say
// how much waits; when the log does not grow for minutes, they say that too, and
// not again at once.
func TestWaiting(t *testing.T) {
	k, key := relayKit(t, nil), logKey(t, "desk")
	s := memory.New()
	d := must[*desk.Desk](t)(desk.New(s, relayPolicy(t), k.Directory, &desk.Options{Signer: key, Now: k.Clock.Now}))
	var lease audit.Lease
	hold := func() {
		c := must[audit.Claimed](t)(s.Claim(t.Context(), audit.ClaimRequest{Tenant: "default", Work: audit.Sequencing, Owner: "other", Now: k.Clock.Now(), For: audit.MaxLease}))
		lease = c.Lease
	}
	tick := func(waiting int64, stalled bool) {
		t.Helper()
		got, err := d.Tick(t.Context())
		if got.Waiting != waiting || errors.Is(err, audit.ErrLeased) != stalled || !stalled && err != nil {
			t.Errorf("Tick: %+v, %v; expected %d waiting", got, err, waiting)
		}
	}
	hold()
	ask(t, d, "CHG-1")
	tick(1, false)
	k.Clock.Advance(5*time.Minute - time.Second)
	tick(1, false)
	k.Clock.Advance(time.Second)
	tick(1, true)
	tick(1, false) // it was told
	k.Clock.Advance(5 * time.Minute)
	ask(t, d, "CHG-2")
	tick(2, true)
	if err := s.Settle(t.Context(), audit.Settlement{Lease: lease, Now: k.Clock.Now(), Release: true}); err != nil {
		t.Fatal(err)
	}
	tick(0, false)
	hold()
	ask(t, d, "CHG-3")
	k.Clock.Advance(10 * time.Minute)
	tick(1, false) // it has been so since now, as far as the desk knows
	if err := s.Settle(t.Context(), audit.Settlement{Lease: lease, Now: k.Clock.Now(), Release: true}); err != nil {
		t.Fatal(err)
	}
	must[audit.Progress](t)(audit.Sequence(t.Context(), s, "default", key, &audit.SequenceOptions{Now: k.Clock.Now}))
	hold()
	ask(t, d, "CHG-4")
	k.Clock.Advance(10 * time.Minute)
	tick(1, false) // the log has grown: the other one works
}

// TestRunTellsThatTheLogStalls: a host that runs the desk is told.
func TestRunTellsThatTheLogStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failures []error
		k := relayKit(t, &desk.Options{Now: time.Now, Failed: func(err error) { failures = append(failures, err) }})
		must[audit.Claimed](t)(k.Store.Claim(t.Context(), audit.ClaimRequest{Tenant: "default", Work: audit.Sequencing, Owner: "other", Now: time.Now(), For: audit.MaxLease}))
		ask(t, k.Desk, "CHG-1")
		ctx, cancel := context.WithTimeout(t.Context(), 11*time.Minute)
		defer cancel()
		if err := k.Desk.Run(ctx); err != nil || len(failures) != 2 || !strings.Contains(failures[0].Error(), "has not grown for 5m") {
			t.Errorf("Run: %v; Failed was told %v", err, failures)
		}
	})
}

// TestShardGivenBack: a shard in which as many notices were due as are claimed
// at a time is free afterwards, as any other.
func TestShardGivenBack(t *testing.T) {
	for _, notices := range []int{63, 64, 65, 128} {
		k, n := relayKit(t, nil), 0
		for i := 0; n < notices; i++ {
			if id := fmt.Sprintf("CHG-%d", i); audit.Shard(audit.Key{Tenant: "default", Kind: desk.KindCase, ID: id}) == 3 {
				ask(t, k.Desk, id)
				n++
			}
		}
		ticked(t, k.Desk, notices, 0, 0)
		if _, err := k.Store.Claim(t.Context(), audit.ClaimRequest{Tenant: "default", Work: "notify", Shard: 3, Owner: "other", Now: k.Clock.Now(), For: time.Minute}); err != nil {
			t.Errorf("after %d notices: %v", notices, err)
		}
	}
}

// TestINV46FailedPanics: what the host does with an error does not end Run.
func TestINV46FailedPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n desktest.Notices
		n.Fail(errors.New("not now"))
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: &n, Failed: func(error) {
			n.Fail(nil)
			panic("a bug in the host")
		}})
		ask(t, k.Desk, "CHG-1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := k.Desk.Run(ctx); err != nil || len(n.All()) != 1 {
			t.Errorf("Run: %v, and %d notices were delivered; expected 1", err, len(n.All()))
		}
	})
}

// dented is a store that cannot give the first record of a list.
type dented struct{ audit.Store }

func (s dented) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		first := true
		for r, err := range s.Store.List(ctx, r) {
			if first && err == nil {
				r, err = audit.Record{Key: r.Key}, fmt.Errorf("a row has another checksum: %w", audit.ErrTampered)
			}
			first = false
			if !yield(r, err) {
				return
			}
		}
	}
}

// TestLapseGoesOn: a case that was damaged does not keep the others from
// lapsing.
func TestLapseGoesOn(t *testing.T) {
	k := relayKit(t, nil)
	d := must[*desk.Desk](t)(desk.New(dented{k.Store}, relayPolicy(t), k.Directory, &desk.Options{Now: k.Clock.Now}))
	for _, id := range []string{"CHG-1", "CHG-2", "CHG-3"} {
		ask(t, d, id)
	}
	k.Clock.Advance(desk.DefaultValidity.Request + time.Second)
	if got, err := d.Tick(t.Context()); got.Lapsed != 2 || !errors.Is(err, audit.ErrTampered) {
		t.Errorf("Tick: %+v, %v; expected two to lapse, and audit.ErrTampered", got, err)
	}
}
