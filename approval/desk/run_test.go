package desk_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// TestRun: what is written is delivered and put into the log at once, what time
// brings about within a second, and nothing is left when Run ends (INV-46; a
// goroutine that stays behind fails the bubble).
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l told
		refuse := true
		var failures []error
		k := relayKit(t, &desk.Options{Now: time.Now, Validity: approval.Validity{Use: time.Hour}, Failed: func(err error) { failures = append(failures, err) }, Notifier: notify(func(_ context.Context, n desk.Notice) error {
			if n.Case.ID == "CHG-2" && refuse {
				refuse = false
				return errors.New("not now")
			}
			l.add(n)
			return nil
		})})
		ended := make(chan error)
		go func() { ended <- k.Desk.Run(t.Context()) }()
		synctest.Wait()
		begun := time.Now()
		approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
		synctest.Wait()
		expectTold(t, "at once", &l, "CHG-1/1", "CHG-1/2", "CHG-1/3")
		if state, err := k.Store.Log(t.Context(), "default", nil); err != nil || state.Size != 3 {
			t.Errorf("the log has %d events, %v; expected 3", state.Size, err)
		}
		ask(t, k.Desk, "CHG-2")
		synctest.Wait()
		expectTold(t, "before it is tried again", &l)
		if !time.Now().Equal(begun) {
			t.Errorf("it took %v", time.Since(begun))
		}
		time.Sleep(2*time.Second + time.Millisecond)
		synctest.Wait()
		expectTold(t, "when it is tried again", &l, "CHG-2/1")
		if len(failures) != 1 || !strings.Contains(failures[0].Error(), "not now") {
			t.Errorf("Failed was told %v; expected what went wrong, once", failures)
		}
		time.Sleep(time.Hour + 2*time.Second)
		synctest.Wait()
		expectTold(t, "when its time is over", &l, "CHG-1/4")
		if err := k.Desk.Run(t.Context()); err == nil {
			t.Error("a second Run has no error")
		}
		if err := k.Desk.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestRunEnds: with its context, without an error; and then it can run again.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now, Failed: func(err error) { t.Errorf("Failed: %v", err) }})
		for range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			if err := k.Desk.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
			cancel()
		}
		if err := k.Desk.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for range 2 {
			if err := k.Desk.Close(); err != nil {
				t.Errorf("Close again: %v", err)
			}
		}
		if err := k.Desk.Run(t.Context()); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("Run after Close: %v", err)
		}
		if _, err := k.Desk.Tick(t.Context()); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("Tick after Close: %v", err)
		}
		if _, err := k.Desk.Submit(t.Context(), "idp|asks", &change.Change{ID: "CHG-1", Title: "a change", Kind: change.Code, Service: "api",
			Requester: change.Person{ID: "idp|asks", Kind: change.Human}}); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("Submit after Close: %v", err)
		}
	})
}

// TestCloseEndsDeliveries: a delivery that heeds its context ends with Close,
// and is made again by the next desk.
func TestCloseEndsDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(ctx context.Context, _ desk.Notice) error {
			<-ctx.Done()
			return ctx.Err()
		})})
		ended := make(chan error)
		go func() { ended <- k.Desk.Run(t.Context()) }()
		ask(t, k.Desk, "CHG-1")
		synctest.Wait()
		if err := k.Desk.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		var n desktest.Notices
		next, err := desk.New(k.Store, relayPolicy(t), k.Directory, &desk.Options{Now: time.Now, Notifier: &n})
		if err != nil {
			t.Fatal(err)
		}
		ticked(t, next, 1, 0, 0)
		if all := n.All(); len(all) != 1 || all[0].Attempt != 0 {
			t.Errorf("the next desk tells %+v; expected one notice, of which no delivery has failed", all)
		}
	})
}

// TestCloseWaits: when Close returns, no tick is under way, however slow the
// store is.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now})
		m := &meddled{Store: k.Store, settle: func(audit.Settlement) error { time.Sleep(3 * time.Second); return nil }}
		d, err := desk.New(m, relayPolicy(t), k.Directory, &desk.Options{Now: time.Now, Notifier: &desktest.Notices{}})
		if err != nil {
			t.Fatal(err)
		}
		ask(t, d, "CHG-1")
		var over atomic.Bool
		go func() {
			if _, err := d.Tick(t.Context()); !errors.Is(err, context.Canceled) {
				t.Errorf("Tick of a desk that was closed: %v", err)
			}
			over.Store(true)
		}()
		synctest.Wait()
		begun := time.Now()
		err = d.Close()
		synctest.Wait()
		if err != nil || !over.Load() || time.Since(begun) < 3*time.Second {
			t.Errorf("Close: %v, after %v; the tick is over: %t", err, time.Since(begun), over.Load())
		}
	})
}

// TestRunGoesOn: after a moment in which the store failed, what is due is
// delivered within a second.
func TestRunGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now})
		failing := 20 // claims
		m := &meddled{Store: k.Store, claim: func(audit.ClaimRequest) error {
			if failing--; failing >= 0 {
				return errors.New("no connection")
			}
			return nil
		}}
		var n desktest.Notices
		d, err := desk.New(m, relayPolicy(t), k.Directory, &desk.Options{Now: time.Now, Notifier: &n})
		if err != nil {
			t.Fatal(err)
		}
		ask(t, k.Desk, "CHG-1")
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := d.Run(ctx); err != nil || len(n.All()) != 1 {
			t.Errorf("told %v, %v; expected one notice", n.All(), err)
		}
	})
}

// TestIdle: while nothing is written a desk that runs writes nothing either,
// but for a look each minute at what a desk that died may have left.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now})
		claims := 0
		m := &meddled{Store: k.Store, claim: func(audit.ClaimRequest) error { claims++; return nil }}
		d, err := desk.New(m, relayPolicy(t), k.Directory, &desk.Options{Now: time.Now, Notifier: &desktest.Notices{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
		if claims != 3*audit.Shards {
			t.Errorf("%d claims in 150 idle seconds; expected %d", claims, 3*audit.Shards)
		}
		// what another desk writes is still found within a second
		ask(t, k.Desk, "CHG-1")
		claims = 0
		ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if err := d.Run(ctx); err != nil || claims != audit.Shards {
			t.Errorf("%d claims after another desk has written, %v; expected %d", claims, err, audit.Shards)
		}
	})
}

// TestRunWithin: a desk in a transaction of the host's does not run.
func TestRunWithin(t *testing.T) {
	k := relayKit(t, nil)
	in := k.Desk.In(nil)
	if err := in.Run(t.Context()); err == nil {
		t.Error("Run within a transaction has no error")
	}
	if _, err := in.Tick(t.Context()); err == nil {
		t.Error("Tick within a transaction has no error")
	}
}
