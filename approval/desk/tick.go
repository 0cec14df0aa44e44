package desk

import (
	"context"
	"errors"
	"fmt"
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
}

// Tick does once what Run does for ever: lapses what is over, delivers what is
// due, and puts new events into the log. A host that wants no goroutine of its
// own calls it from its scheduler.
//
// Any number of desks may tick at once, and one desk too: what another tick is
// at is left to it. What goes wrong in one part, or about one case, does not
// stop the others; the error joins all of it, and is also there when notices
// could not be delivered. The counts are right in any case.
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
	logErr = contain(ctx, func(ctx context.Context) (err error) {
		if log, err = d.store.Log(ctx, d.opts.Tenant, nil); err != nil {
			return fmt.Errorf("the log cannot be read: %w", err)
		}
		return nil
	})
	var parts sync.WaitGroup
	if d.opts.Signer != nil && log.Waiting > 0 {
		parts.Go(func() {
			sequenceErr = contain(ctx, func(ctx context.Context) (err error) {
				t.Sequenced, err = d.sequence(ctx)
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
	t.Size = log.Size + t.Sequenced
	return t, errors.Join(lapseErr, logErr, relayErr, sequenceErr)
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
		if err != nil {
			failed = append(failed, fmt.Errorf("what is due cannot be listed: %w", err))
			break
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

// sequence puts what waits into the log.
func (d *Desk) sequence(ctx context.Context) (added int64, err error) {
	if !d.loop.takeLog() {
		return 0, nil
	}
	defer d.loop.leaveLog()
	p, err := audit.Sequence(ctx, d.store, d.opts.Tenant, d.opts.Signer, d.loop.sequenceOptions(d))
	if p.Checkpoint != nil {
		d.loop.signed(p.Checkpoint)
	}
	if errors.Is(err, audit.ErrLeased) || errors.Is(err, audit.ErrLeaseLost) {
		return p.Added, nil // another desk is at it
	}
	if err != nil {
		err = fmt.Errorf("the log cannot be extended: %w", err)
	}
	return p.Added, err
}

func (l *loop) signed(checkpoint []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checkpoint = checkpoint
}

// sequenceOptions name this worker, and the checkpoint that the log must go on
// from: a store that was put back to an old copy is found.
func (l *loop) sequenceOptions(d *Desk) *audit.SequenceOptions {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := &audit.SequenceOptions{Owner: d.opts.Owner, Now: d.opts.Now}
	if l.checkpoint != nil {
		o.Known = [][]byte{l.checkpoint}
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
