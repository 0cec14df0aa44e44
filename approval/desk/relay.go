package desk

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// topicNotify is the topic of the messages for the notifier. A message has no
// body: what is told is read from the record.
const topicNotify = "notify"

const (
	notifyWithin  = 10 * time.Second // a delivery has this long
	notifyTries   = 60               // then a notice is given up: after two days or so
	notifyLongest = time.Hour        // between two tries
	relayLease    = time.Minute      // on a shard; no delivery begins that could outlive it
	relayBatch    = 64               // messages claimed at a time
	relayAnyway   = time.Minute      // the shards are looked at, even if nothing was written: a desk may have died
	settleWithin  = 5 * time.Second  // for writing down what was delivered, also when the context has ended
)

// errInterrupted is that a delivery could not be made, which is not the fault
// of the notice: it is made again, and counts for nothing.
var errInterrupted = errors.New("the delivery was interrupted")

// errLate is that the notifier has not returned in time.
var errLate = fmt.Errorf("the notifier has not returned within %v", notifyWithin)

// backoff is how long a notice waits after so many earlier failures and one
// more.
func backoff(failures int) time.Duration {
	wait := time.Second
	for range failures {
		if wait *= 2; wait >= notifyLongest {
			return notifyLongest
		}
	}
	return wait
}

// relay delivers what is due. Shards are claimed one after the other, and
// delivered side by side.
func (d *Desk) relay(ctx context.Context) (Ticked, error) {
	var r relayed
	for n := range audit.Shards {
		if ctx.Err() == nil {
			d.serve(ctx, n, &r)
		}
	}
	r.shards.Wait()
	r.add(Ticked{}, ctx.Err())
	return r.sum, errors.Join(r.failed...)
}

// serve begins to deliver what is due in a shard, unless another tick or a
// delivery that has not returned is at it.
func (d *Desk) serve(ctx context.Context, n int, r *relayed) {
	if !d.loop.take(n) {
		d.loop.lookAgain(d.now().Add(notifyWithin))
		return
	}
	claimed, err := d.claim(ctx, n)
	if len(claimed.Messages) == 0 {
		r.add(Ticked{}, errors.Join(err, d.release(ctx, claimed.Lease)))
		d.loop.leave(n)
		return
	}
	r.shards.Go(func() {
		defer d.loop.leave(n)
		var sum Ticked
		err := contain(ctx, func(ctx context.Context) (err error) {
			sum, err = d.empty(ctx, n, claimed)
			return err
		})
		r.add(sum, err)
	})
}

// relayed is what came of the shards.
type relayed struct {
	shards sync.WaitGroup // at work

	mu     sync.Mutex
	sum    Ticked
	failed []error
}

func (r *relayed) add(t Ticked, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Delivered += t.Delivered
	r.sum.Failed += t.Failed
	r.sum.Parked += t.Parked
	if err != nil {
		r.failed = append(r.failed, err)
	}
}

// claim takes the lease on a shard, with what is due there. When another desk
// has it, there is neither a lease nor an error.
func (d *Desk) claim(ctx context.Context, n int) (claimed audit.Claimed, err error) {
	err = contain(ctx, func(ctx context.Context) error {
		claimed, err = d.store.Claim(ctx, audit.ClaimRequest{Tenant: d.opts.Tenant, Work: topicNotify, Shard: n,
			Owner: d.opts.Owner, Now: d.now(), For: relayLease, Limit: relayBatch})
		return err
	})
	if errors.Is(err, audit.ErrLeased) {
		return audit.Claimed{}, nil
	}
	if err != nil {
		d.loop.lookAgain(time.Time{})
		return audit.Claimed{}, fmt.Errorf("the notices of shard %d cannot be claimed: %w", n, err)
	}
	return claimed, nil
}

// empty delivers what was claimed in a shard, and goes on until no more is due
// there.
func (d *Desk) empty(ctx context.Context, n int, claimed audit.Claimed) (sum Ticked, err error) {
	var failed []error
	for len(claimed.Messages) > 0 {
		b := batch{desk: d, shard: n, lease: claimed.Lease, waiting: map[audit.Key]bool{}}
		more := b.deliver(ctx, claimed.Messages) && len(claimed.Messages) == relayBatch
		failed = append(failed, b.failed...)
		sum.Delivered += len(b.done.Delivered)
		sum.Failed += len(b.done.Retry)
		sum.Parked += len(b.done.Parked)
		if err := d.settle(ctx, claimed.Lease, b.done); err != nil {
			failed = append(failed, fmt.Errorf("what was delivered in shard %d cannot be recorded, so it will be delivered again: %w", n, err))
			break
		}
		if !more {
			break
		}
		if claimed, err = d.claim(ctx, n); err != nil {
			failed = append(failed, err)
		}
		if len(claimed.Messages) == 0 {
			failed = append(failed, d.release(ctx, claimed.Lease))
		}
	}
	return sum, errors.Join(failed...)
}

// settle writes down what was done, and gives the lease back; also when the
// context has ended, as otherwise it would be done again.
func (d *Desk) settle(ctx context.Context, lease audit.Lease, done audit.Settlement) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	return contain(ctx, func(ctx context.Context) error {
		done.Lease, done.Now, done.Release = lease, d.now(), true
		return d.store.Settle(ctx, done)
	})
}

// release gives a lease back under which nothing was to be done.
func (d *Desk) release(ctx context.Context, lease audit.Lease) error {
	if lease.Owner == "" {
		return nil
	}
	err := d.settle(ctx, lease, audit.Settlement{})
	if errors.Is(err, audit.ErrLeaseLost) {
		return nil
	}
	return err
}

// batch is the delivery of some messages of one shard.
type batch struct {
	desk    *Desk
	shard   int
	lease   audit.Lease
	waiting map[audit.Key]bool // a notice about it failed: the later ones wait
	done    audit.Settlement
	failed  []error

	key    audit.Key // of the case that was read last
	events []approval.Stamped
}

// deliver delivers messages in their order. It returns false when the shard is
// to be left alone until the next tick.
func (b *batch) deliver(ctx context.Context, messages []audit.Message) bool {
	for _, m := range messages {
		if b.waiting[m.Key] {
			continue
		}
		now := b.desk.now()
		if ctx.Err() != nil || now.Add(notifyWithin).After(b.lease.Until) {
			b.desk.loop.lookAgain(now)
			return false
		}
		notice, err := b.notice(ctx, m)
		if err == nil {
			err = b.desk.notify(ctx, b.shard, notice)
		}
		if err != nil && !b.fail(m, err) {
			return false
		}
		if err == nil {
			b.done.Delivered = append(b.done.Delivered, m.ID)
		}
	}
	return true
}

// fail puts a message off, or gives it up. It returns false when no other may
// be delivered now.
func (b *batch) fail(m audit.Message, err error) bool {
	b.waiting[m.Key] = true
	now := b.desk.now()
	if errors.Is(err, errInterrupted) {
		b.desk.loop.lookAgain(now)
		if err != errInterrupted {
			b.failed = append(b.failed, err)
		}
		return false
	}
	if m.Attempts+1 >= notifyTries {
		b.done.Parked = append(b.done.Parked, m.ID)
		b.desk.loop.lookAgain(now) // for those that waited for it
		b.failed = append(b.failed, fmt.Errorf("the notice %s is given up after %d tries: %w", noticeID(m), notifyTries, err))
	} else {
		at := now.Add(backoff(m.Attempts))
		b.done.Retry = append(b.done.Retry, audit.Retry{ID: m.ID, At: at})
		b.desk.loop.lookAgain(at)
		b.failed = append(b.failed, fmt.Errorf("the notice %s was not delivered, try %d of %d: %w", noticeID(m), m.Attempts+1, notifyTries, err))
	}
	if errors.Is(err, errLate) {
		b.desk.loop.lookAgain(now) // for those behind it
		return false
	}
	return true
}

func noticeID(m audit.Message) string {
	return m.Key.Tenant + "/" + m.Key.Kind + "/" + m.Key.ID + "/" + strconv.FormatUint(m.Seq, 10)
}

// notice reads what a message is about from the record: the case as it was
// right after the event.
func (b *batch) notice(ctx context.Context, m audit.Message) (Notice, error) {
	if b.key != m.Key || m.Seq > uint64(len(b.events)) {
		if err := b.read(ctx, m.Key); err != nil {
			return Notice{}, err
		}
	}
	if m.Key.Kind != KindCase || m.Seq == 0 || m.Seq > uint64(len(b.events)) {
		return Notice{}, fmt.Errorf("no case has this event: %w", audit.ErrNotFound)
	}
	c, err := approval.Fold(m.Key.ID, b.events[:m.Seq])
	if err != nil {
		return Notice{}, err
	}
	return Notice{ID: noticeID(m), Tenant: m.Key.Tenant, Case: c, Event: b.events[m.Seq-1], Attempt: m.Attempts}, nil
}

// read reads the events of a case; they are kept for the next message.
func (b *batch) read(ctx context.Context, k audit.Key) error {
	b.key, b.events = k, nil
	loaded, err := b.desk.store.Load(ctx, audit.LoadRequest{Tenant: k.Tenant, Keys: []audit.Key{k}, Events: true})
	if err != nil {
		return fmt.Errorf("%w, as the record cannot be read: %w", errInterrupted, err)
	}
	opened, err := audit.OpenChain(loaded.Records[0], loaded.Events[0])
	if err != nil {
		return err
	}
	b.events, err = stamped(opened)
	return err
}

// notify calls the notifier and waits for it, but not longer than it may take.
func (d *Desk) notify(ctx context.Context, shard int, n Notice) error {
	within, cancel := context.WithTimeout(ctx, notifyWithin)
	defer cancel()
	var err error
	select {
	case err = <-d.loop.call(shard, func() error { return d.opts.Notifier.Notify(within, n) }):
	case <-within.Done():
		err = errLate
	}
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// call runs a delivery in a goroutine of its own: one that never returns must
// not take the desk with it. Whatever it does instead of returning is an error.
func (l *loop) call(shard int, deliver func() error) <-chan error {
	result, ended := make(chan error, 1), make(chan struct{})
	l.mu.Lock()
	l.shards[shard].delivery = ended
	l.mu.Unlock()
	go func() {
		err := errors.New("the notifier has ended its goroutine")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("the notifier panics: %v", p)
			}
			close(ended) // first, so that whoever has the result finds the shard free
			result <- err
		}()
		err = deliver()
	}()
	return result
}

// take reports whether nothing goes on in a shard, and if so makes it the
// caller's: neither another tick nor a delivery that has not returned.
func (l *loop) take(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &l.shards[n]
	if w.taken {
		return false
	}
	if w.delivery != nil {
		select {
		case <-w.delivery:
		default:
			return false
		}
	}
	w.taken = true
	return true
}

func (l *loop) leave(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shards[n].taken = false
}
