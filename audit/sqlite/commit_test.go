package sqlite_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlstore"
)

// INV-34: an answer to COMMIT that is lost.
func TestOutcomeUnknown(t *testing.T) {
	t.Run("committed, with a command", func(t *testing.T) {
		s, f := openFaulty(t, nil)
		f.commit = lostAfter
		b := first(t, "a", "x")
		if done := commit(t, s, b); done.Replayed || string(done.Answer) != "done: x" {
			t.Errorf("Commit gave %+v; the store could have looked it up", done)
		}
		f.commit = nil
		if done := commit(t, s, b); !done.Replayed {
			t.Error("the same command was written again")
		}
		if r := load(t, s, "a"); r.Version != 1 {
			t.Errorf("the record is at version %d", r.Version)
		}
	})
	t.Run("committed, without a command", func(t *testing.T) {
		s, f := openFaulty(t, nil)
		f.commit = lostAfter
		b := first(t, "a", "x")
		b.Command, b.Request, b.Answer = "", audit.Hash{}, nil
		_, err := s.Commit(t.Context(), b)
		fails(t, err, audit.ErrOutcomeUnknown)
		fails(t, err, errLost)
		if n := f.commits.Load(); n != 1 {
			t.Errorf("COMMIT was sent %d times", n)
		}
	})
	t.Run("not committed", func(t *testing.T) {
		s, f := openFaulty(t, nil)
		f.commit = lostBefore
		b := first(t, "a", "x")
		_, err := s.Commit(t.Context(), b)
		fails(t, err, audit.ErrOutcomeUnknown)
		fails(t, err, errLost)
		f.commit = nil
		if done := commit(t, s, b); done.Replayed {
			t.Error("the command was answered though it was never written")
		}
	})
}

// What the database itself says of its COMMIT is believed: nothing was written.
func TestCommitRefusedByTheDatabase(t *testing.T) {
	for _, c := range []struct {
		code int
		want error
	}{{13, audit.ErrStorageFull}, {5, nil}} {
		s, f := openFaulty(t, nil)
		f.commit = func(tx driver.Tx) error {
			tx.Rollback()
			return coded{errors.New("refused"), c.code}
		}
		_, err := s.Commit(t.Context(), first(t, "a", "x"))
		if err == nil || errors.Is(err, audit.ErrOutcomeUnknown) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("code %d gave %v", c.code, err)
		}
		f.commit = nil
		commit(t, s, first(t, "a", "x"))
	}
}

// A transaction is begun anew while another process writes, a few times.
func TestBusyIsTriedAgain(t *testing.T) {
	s, f := openFaulty(t, nil)
	busy, begins := 2, 0
	f.begin = func(context.Context) error {
		begins++
		if begins <= busy {
			return coded{errors.New("locked"), 5 | 1<<8}
		}
		return nil
	}
	commit(t, s, first(t, "a", "x"))
	busy, begins = 100, 0
	_, err := s.Commit(t.Context(), first(t, "b", "y"))
	if err == nil || !strings.Contains(err.Error(), "another process is writing to it") || begins != 3 {
		t.Errorf("after %d tries the error is %v", begins, err)
	}
}

// scene is a store whose first caller waits to begin a transaction, while the
// others queue.
type scene struct {
	t    *testing.T
	s    *sqlstore.Store
	f    *faulty
	gate chan struct{}
	errs []error
}

// grouped runs a test in a bubble, in which "all wait" can be seen.
func grouped(t *testing.T, opts *sqlstore.Options, test func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sc := &scene{t: t, gate: make(chan struct{})}
		sc.s, sc.f = openFaulty(t, opts)
		sc.f.begin = func(ctx context.Context) error {
			select {
			case <-sc.gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		test(sc)
		sc.open()
		synctest.Wait()
	})
}

// open lets transactions begin.
func (sc *scene) open() {
	select {
	case <-sc.gate:
	default:
		close(sc.gate)
	}
}

// call commits in the background and returns when it waits.
func (sc *scene) call(ctx context.Context, b audit.Batch) {
	i := len(sc.errs)
	sc.errs = append(sc.errs, errPending)
	go func() {
		_, err := sc.s.Commit(ctx, b)
		sc.errs[i] = err
	}()
	synctest.Wait()
}

var errPending = errors.New("the call has not returned")

// finish lets everything come to its end, also what sleeps.
func (sc *scene) finish() {
	sc.open()
	time.Sleep(time.Minute) // of the bubble
	synctest.Wait()
}

func (sc *scene) version(id string, want uint64) {
	sc.t.Helper()
	if r := load(sc.t, sc.s, id); r.Version != want {
		sc.t.Errorf("%s is at version %d and not %d", id, r.Version, want)
	}
}

// Calls that wait share a transaction, 64 at most.
func TestGroupShares(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		for i := range 70 {
			sc.call(ctx, first(t, fmt.Sprint(i), fmt.Sprint("note ", i)))
		}
		sc.finish()
		for i, err := range sc.errs {
			if err != nil {
				t.Errorf("call %d: %v", i, err)
			}
			sc.version(fmt.Sprint(i), 1)
		}
		if n := sc.f.commits.Load(); n != 2 {
			t.Errorf("70 calls took %d transactions and not 2, as 64 share one", n)
		}
	})
}

// Without groups each call has a transaction of its own.
func TestNoGroup(t *testing.T) {
	ctx := context.Background()
	grouped(t, &sqlstore.Options{NoGroup: true}, func(sc *scene) {
		for i := range 5 {
			sc.call(ctx, first(t, fmt.Sprint(i), fmt.Sprint("note ", i)))
		}
		sc.finish()
		if n := sc.f.commits.Load(); n != 5 {
			t.Errorf("5 calls took %d transactions", n)
		}
	})
}

// A refusal touches no other call of the group.
func TestGroupRefusal(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		reused := first(t, "d", "one")
		reused.Request = audit.LeafHash([]byte("another request"))
		for _, b := range []audit.Batch{first(t, "a", "one"), first(t, "a", "stale"), first(t, "b", "two"), reused, first(t, "a", "one"), first(t, "c", "three")} {
			sc.call(ctx, b)
		}
		sc.finish()
		fails(t, sc.errs[1], audit.ErrStale)
		fails(t, sc.errs[3], audit.ErrCommandReused)
		for _, i := range []int{0, 2, 4, 5} {
			if sc.errs[i] != nil {
				t.Errorf("call %d: %v", i, sc.errs[i])
			}
		}
		sc.version("a", 1)
		sc.version("b", 1)
		sc.version("c", 1)
		sc.version("d", 0)
		if found, err := sc.s.Load(ctx, audit.LoadRequest{Tenant: tenant, Command: "stale"}); err != nil || found.Answer != nil {
			t.Errorf("the stale command left %+v, %v", found.Answer, err)
		}
		if n := sc.f.commits.Load(); n != 1 {
			t.Errorf("it took %d transactions", n)
		}
	})
}

// INV-45: who goes away while queued is taken out.
func TestGroupCancelQueued(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		away, cancel := context.WithCancel(ctx)
		sc.call(ctx, first(t, "a", "one"))
		sc.call(away, first(t, "b", "two"))
		sc.call(ctx, first(t, "c", "three"))
		cancel()
		synctest.Wait()
		fails(t, sc.errs[1], context.Canceled)
		fails(t, sc.errs[0], errPending)
		sc.finish()
		sc.version("a", 1)
		sc.version("b", 0)
		sc.version("c", 1)
	})
}

// Who goes away while leading hands the lead on.
func TestGroupCancelLeading(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		away, cancel := context.WithCancel(ctx)
		sc.call(away, first(t, "a", "one"))
		sc.call(ctx, first(t, "b", "two"))
		cancel()
		synctest.Wait()
		fails(t, sc.errs[0], context.Canceled)
		sc.finish()
		if sc.errs[1] != nil {
			t.Error(sc.errs[1])
		}
		sc.version("a", 0)
		sc.version("b", 1)
	})
}

// INV-45, INV-33: who goes away while COMMIT is under way is told at once that
// its outcome is not known, and the COMMIT runs on.
func TestGroupCancelCommitting(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		away, cancel := context.WithCancel(ctx)
		sc.f.commit = func(tx driver.Tx) error {
			time.Sleep(time.Hour) // of the bubble: the disk hangs
			return tx.Commit()
		}
		sc.call(away, first(t, "a", "one"))
		sc.call(away, first(t, "b", "two"))
		sc.open()
		synctest.Wait()
		sc.call(away, first(t, "c", "three")) // queues behind the COMMIT
		cancel()
		synctest.Wait()
		fails(t, sc.errs[0], audit.ErrOutcomeUnknown)
		fails(t, sc.errs[1], audit.ErrOutcomeUnknown)
		fails(t, sc.errs[2], context.Canceled)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		sc.version("a", 1)
		sc.version("b", 1)
		sc.version("c", 0)
	})
}

// INV-46: Close waits for a transaction that its callers have left, but not for
// ever.
func TestCloseWhileCommitting(t *testing.T) {
	for hang, says := range map[time.Duration]string{time.Second: "", time.Hour: "left to itself"} {
		grouped(t, nil, func(sc *scene) {
			sc.f.commit = func(tx driver.Tx) error {
				time.Sleep(hang)
				return tx.Commit()
			}
			away, cancel := context.WithCancel(context.Background())
			sc.open()
			sc.call(away, first(t, "a", "one"))
			cancel()
			began := time.Now()
			err := sc.s.Close()
			if took := time.Since(began); took < min(hang, time.Second) || took > time.Minute {
				t.Errorf("of a COMMIT that takes %v Close waited for %v", hang, took)
			}
			if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
				t.Errorf("while a COMMIT takes %v Close gave %v", hang, err)
			}
			synctest.Wait()
			fails(t, sc.errs[0], audit.ErrOutcomeUnknown)
			time.Sleep(2 * hang)
		})
	}
}

// INV-34: the outcome is unknown for all but those who were refused.
func TestGroupOutcomeUnknown(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		lost := false
		sc.f.commit = func(tx driver.Tx) error {
			if !lost {
				lost = true
				return lostBefore(tx)
			}
			return tx.Commit()
		}
		for _, b := range []audit.Batch{first(t, "a", "one"), first(t, "a", "other"), first(t, "b", "two")} {
			sc.call(ctx, b)
		}
		sc.finish()
		fails(t, sc.errs[0], audit.ErrOutcomeUnknown)
		fails(t, sc.errs[2], audit.ErrOutcomeUnknown)
		if sc.errs[1] != nil { // what refused it was not written
			t.Error(sc.errs[1])
		}
		sc.version("a", 1)
		sc.version("b", 0)
	})
}

// A statement that fails is the failure of one caller.
func TestGroupStatementFails(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		sc.f.exec = func(query string) error {
			if strings.Contains(query, "changelane_messages") {
				return errLost
			}
			return nil
		}
		quiet := func(id string) audit.Batch {
			b := first(t, id, "note "+id)
			b.Messages = nil
			return b
		}
		sc.call(ctx, quiet("a"))
		sc.call(ctx, first(t, "b", "two"))
		sc.call(ctx, quiet("c"))
		sc.finish()
		fails(t, sc.errs[1], errLost)
		if err := errors.Join(sc.errs[0], sc.errs[2]); err != nil {
			t.Error(err)
		}
		sc.version("a", 1)
		sc.version("b", 0)
		sc.version("c", 1)
	})
}

// INV-46: a panic leaves nobody waiting, and acknowledges nothing.
func TestGroupPanic(t *testing.T) {
	ctx := context.Background()
	grouped(t, nil, func(sc *scene) {
		sc.f.commit = func(driver.Tx) error { panic("the driver is broken") }
		sc.call(ctx, first(t, "a", "one"))
		sc.call(ctx, first(t, "b", "two"))
		sc.finish()
		for _, err := range sc.errs {
			fails(t, err, audit.ErrOutcomeUnknown)
			if err == nil || !strings.Contains(err.Error(), "the driver is broken") {
				t.Errorf("the panic is not told: %v", err)
			}
		}
	})
}
