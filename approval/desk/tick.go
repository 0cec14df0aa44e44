package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/changelane/changelane/audit"
)

// Ticked is what one tick did.
type Ticked struct {
	Lapsed    int   // cases whose time was over
	Delivered int   // notices
	Failed    int   // deliveries to be tried again
	Parked    int   // notices given up
	Sequenced int64 // events put into the log
	Size      int64 // of the log afterwards
	Waiting   int64 // events that are not in the log then: they are under no checkpoint yet
}

// Tick does once what Run does for ever: lapses what is over, delivers what is
// due, and puts new events into the log. A host that wants no goroutine of its
// own calls it from its scheduler.
//
// Any number of desks may tick at once, and one desk too: what another tick is
// at is left to it. What goes wrong in one part, or about one case, does not
// stop the others; the error joins all of it, and is also there when notices
// could not be delivered. The counts are right in any case.
//
// While another worker holds the lease on the log, that is no error: what waits
// is counted in Ticked.Waiting. When the log has not grown for five minutes of
// ticks meanwhile, it is one.
func (d *Desk) Tick(ctx context.Context) (Ticked, error) {
	ctx, done, err := d.work(ctx)
	if err != nil {
		return Ticked{}, err
	}
	defer done()
	return d.tick(ctx, true)
}

// tick is Tick; anyway: look for notices also when nothing was written since
// they were looked for.
func (d *Desk) tick(ctx context.Context, anyway bool) (t Ticked, err error) {
	var log audit.LogState
	var delivered Ticked
	var lapseErr, logErr, relayErr, sequenceErr error
	lapseErr = contain(ctx, func(ctx context.Context) (err error) {
		t.Lapsed, err = d.lapse(ctx)
		return err
	})
	logErr = d.readLog(ctx, &log)
	var parts sync.WaitGroup
	if d.opts.Signer != nil && log.Waiting > 0 {
		parts.Go(func() {
			sequenceErr = contain(ctx, func(ctx context.Context) (err error) {
				t.Sequenced, err = d.sequence(ctx, log)
				return err
			})
		})
	}
	if d.opts.Notifier != nil {
		relayErr = contain(ctx, func(ctx context.Context) (err error) {
			if stirred := d.loop.stirred(log.Size+log.Waiting, d.now()); stirred || anyway {
				delivered, err = d.relay(ctx)
			}
			return err
		})
	}
	parts.Wait()
	t.Delivered, t.Failed, t.Parked = delivered.Delivered, delivered.Failed, delivered.Parked
	log.Size, log.Waiting = log.Size+t.Sequenced, max(log.Waiting-t.Sequenced, 0)
	if logErr == nil {
		logErr = d.readLog(ctx, &log)
	}
	t.Size, t.Waiting = log.Size, log.Waiting
	return t, errors.Join(lapseErr, logErr, relayErr, sequenceErr)
}

// readLog reads how far the log has come.
func (d *Desk) readLog(ctx context.Context, log *audit.LogState) error {
	return contain(ctx, func(ctx context.Context) error {
		now, err := d.store.Log(ctx, d.opts.Tenant, nil)
		if err != nil {
			return fmt.Errorf("the log cannot be read: %w", err)
		}
		*log = now
		return nil
	})
}

// stirred reports whether something was written since it was last called, or
// the time to look again has come. Whoever calls it looks.
func (l *loop) stirred(events int64, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if events == l.events && now.Before(l.next) {
		return false
	}
	l.events, l.next = events, now.Add(relayAnyway)
	return true
}

// lookAgain makes the relay look at its shards at a time, though nothing is written
// until then.
func (l *loop) lookAgain(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.Before(l.next) {
		l.next = at
	}
}

// lapse records of each case whose time is over that it is.
func (d *Desk) lapse(ctx context.Context) (lapsed int, err error) {
	due := audit.ListRequest{Tenant: d.opts.Tenant, Kind: KindCase, List: listDue, Before: dueAt(d.now().Add(1))}
	var failed []error
	for r, err := range d.store.List(ctx, due) {
		if err != nil { // of one record, or the last
			failed = append(failed, fmt.Errorf("what is due cannot be listed: %w", err))
			continue
		}
		did, err := d.expire(ctx, r.Key.ID)
		if err != nil {
			failed = append(failed, fmt.Errorf("the case %s cannot lapse: %w", r.Key.ID, err))
		}
		if did {
			lapsed++
		}
	}
	return lapsed, errors.Join(failed...)
}

// sequence puts what waits into the log, which was there before.
func (d *Desk) sequence(ctx context.Context, before audit.LogState) (added int64, err error) {
	if !d.loop.takeLog() {
		return 0, nil
	}
	defer d.loop.leaveLog()
	p, err := audit.Sequence(ctx, d.store, d.opts.Tenant, d.opts.Signer, d.loop.sequenceOptions(d))
	if p.Checkpoint != nil {
		d.loop.signed(p.Checkpoint)
	}
	leased := errors.Is(err, audit.ErrLeased)
	stalled := d.loop.stall(leased, before.Size, d.now())
	switch {
	case stalled > 0:
		err = fmt.Errorf("the log has not grown for %v, %d events wait, and another worker holds the lease on it: see whether that one works, and its clock is right: %w", stalled, before.Waiting, err)
	case leased || errors.Is(err, audit.ErrLeaseLost):
		err = nil // another desk is at it
	case err != nil:
		err = fmt.Errorf("the log cannot be extended: %w", err)
	}
	return p.Added, err
}

// stalledAfter is how long another worker may hold the lease on the log and
// put nothing there before that is told; and then until it is told again.
const stalledAfter = 5 * time.Minute

// stall is since when another worker has held the lease on a log of one size.
type stall struct {
	since time.Time // zero: it does not
	told  time.Time
	size  int64
}

// stall takes down whether another worker holds the lease on the log, and gives
// for how long that has been so, when it is to be told; otherwise 0.
func (l *loop) stall(leased bool, size int64, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !leased {
		l.stalled = stall{}
		return 0
	}
	if l.stalled.since.IsZero() || l.stalled.size != size {
		l.stalled = stall{now, now, size}
	}
	if now.Sub(l.stalled.told) < stalledAfter {
		return 0
	}
	l.stalled.told = now
	return now.Sub(l.stalled.since)
}

func (l *loop) signed(checkpoint []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checkpoint = checkpoint
}

// sequenceOptions name this worker, and the checkpoints that the log must go on
// from: a store that was put back to an old copy is found.
func (l *loop) sequenceOptions(d *Desk) *audit.SequenceOptions {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := &audit.SequenceOptions{Owner: d.opts.Owner, Now: d.opts.Now, Known: d.opts.Known}
	if l.checkpoint != nil {
		o.Known = append(slices.Clip(o.Known), l.checkpoint)
	}
	return o
}

// takeLog reports whether no other tick of this desk works on the log, and if
// so makes it this one's.
func (l *loop) takeLog() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.sequencing
	l.sequencing = true
	return !was
}

func (l *loop) leaveLog() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sequencing = false
}
