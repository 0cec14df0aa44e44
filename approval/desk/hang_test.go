package desk_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
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

// TestHangingNotifier: a notifier that ignores its context hangs neither a tick
// nor a command nor the notices in other shards; its shard is left alone until
// it returns, and Close says that it has not (INV-43, INV-46).
func TestHangingNotifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l told
		var calls atomic.Int32
		release := make(chan struct{})
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(_ context.Context, n desk.Notice) error {
			if n.Case.ID == "CHG-1" {
				calls.Add(1)
				<-release
			}
			l.add(n)
			return nil
		})})
		c := ask(t, k.Desk, "CHG-1")
		begun := time.Now()
		ticked(t, k.Desk, 0, 1, 0)
		if took := time.Since(begun); took != 10*time.Second {
			t.Errorf("the tick took %v; expected 10s", took)
		}
		approve(t, k.Desk, c)
		ask(t, k.Desk, sameShard("CHG-1"))
		ask(t, k.Desk, "CHG-2") // in another shard
		time.Sleep(time.Minute)
		ticked(t, k.Desk, 1, 0, 0)
		expectTold(t, "while it hangs", &l, "CHG-2/1")
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls of the notifier hang; expected 1", n)
		}
		if err := k.Desk.Close(); err == nil || !strings.Contains(err.Error(), "1 deliveries have not returned") {
			t.Errorf("Close: %v; expected that it names what hangs", err)
		}
		close(release)
		synctest.Wait()
		expectTold(t, "when it returns at last", &l, "CHG-1/1")
		if err := k.Desk.Close(); err != nil {
			t.Errorf("Close again: %v", err)
		}
	})
}

// TestClosePatience: however many deliveries hang, Close waits a second for all
// of them and counts them.
func TestClosePatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(context.Context, desk.Notice) error {
			<-release
			return nil
		})})
		shards := map[int]bool{}
		for i := range 5 {
			ask(t, k.Desk, fmt.Sprintf("CHG-%d", i))
			shards[audit.Shard(audit.Key{Tenant: "default", Kind: desk.KindCase, ID: fmt.Sprintf("CHG-%d", i)})] = true
		}
		ticked(t, k.Desk, 0, len(shards), 0)
		begun := time.Now()
		if err := k.Desk.Close(); err == nil || !strings.HasPrefix(err.Error(), fmt.Sprint(len(shards), " deliveries")) {
			t.Errorf("Close: %v; expected %d deliveries", err, len(shards))
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("Close took %v; expected 1s", took)
		}
		close(release)
		synctest.Wait()
	})
}

// TestHungNotifierComesBack: when it returns, the shard is served again.
func TestHungNotifierComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l told
		once := sync.OnceFunc(func() { time.Sleep(time.Hour) })
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(_ context.Context, n desk.Notice) error {
			once()
			l.add(n)
			return nil
		})})
		approve(t, k.Desk, ask(t, k.Desk, "CHG-1"))
		ticked(t, k.Desk, 0, 1, 0)
		time.Sleep(time.Hour)
		expectTold(t, "in the call that hung", &l, "CHG-1/1")
		ticked(t, k.Desk, 3, 0, 0)
		expectTold(t, "afterwards", &l, "CHG-1/1", "CHG-1/2", "CHG-1/3")
	})
}

// TestSlowNotifier: a delivery that takes long is one, and none begins that
// could outlive the lease.
func TestSlowNotifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(ctx context.Context, n desk.Notice) error {
			time.Sleep(9 * time.Second)
			return ctx.Err()
		})})
		c := ask(t, k.Desk, "CHG-1")
		for i := range 10 {
			c.ID = "CHG-1"
			edited, err := k.Desk.Edit(t.Context(), "idp|asks", &change.Change{ID: "CHG-1", Title: fmt.Sprint("edit ", i), Kind: change.Code, Service: "api",
				Requester: change.Person{ID: "idp|asks", Kind: change.Human}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			c = edited
		}
		begun := time.Now()
		ticked(t, k.Desk, 6, 0, 0) // at 0, 9 … 45 seconds; at 54 it could outlive a minute
		if took := time.Since(begun); took != 54*time.Second {
			t.Errorf("the tick took %v; expected 54s", took)
		}
		ticked(t, k.Desk, 5, 0, 0)
	})
}

// TestReentrantNotifier: the notifier may call the desk (INV-43).
func TestReentrantNotifier(t *testing.T) {
	var l told
	var k *desktest.Kit
	k = relayKit(t, &desk.Options{Notifier: notify(func(ctx context.Context, n desk.Notice) error {
		l.add(n)
		if _, err := k.Desk.Tick(ctx); err != nil {
			return err
		}
		c, err := k.Desk.Case(ctx, n.Case.ID)
		if err != nil || c.Decision != approval.Pending || n.Case.Version > 1 {
			return err
		}
		_, err = k.Desk.Vote(ctx, "idp|votes", c.ID, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}, nil)
		return err
	})})
	ask(t, k.Desk, "CHG-1")
	ticked(t, k.Desk, 1, 0, 0)
	ticked(t, k.Desk, 2, 0, 0)
	expectTold(t, "in all", &l, "CHG-1/1", "CHG-1/2", "CHG-1/3")
}

// TestClosingNotifier: even Close may be called by the notifier; it reports
// the call that it was made from.
func TestClosingNotifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k *desktest.Kit
		var closed error
		k = relayKit(t, &desk.Options{Now: time.Now, Notifier: notify(func(context.Context, desk.Notice) error {
			closed = k.Desk.Close()
			return nil
		})})
		ask(t, k.Desk, "CHG-1")
		if _, err := k.Desk.Tick(t.Context()); err == nil {
			t.Error("a tick of a desk that was closed meanwhile has no error")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if closed == nil {
			t.Error("Close within a delivery does not report it")
		}
	})
}
