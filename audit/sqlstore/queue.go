package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/changelane/changelane/audit"
)

// queue is the calls that want to write. A goroutine writes what has queued,
// transaction by transaction, and ends when nothing is left: it stays with a
// COMMIT that hangs, which its callers need not.
type queue struct {
	mu      sync.Mutex
	waiting []*call
	idle    chan struct{} // closed when that goroutine ends; nil: there is none
}

// call is one caller's work in a transaction that it may share.
type call struct {
	ctx   context.Context
	do    func(context.Context, session) error
	mu    sync.Mutex // held while its work is done, which reads what the caller gave
	begun bool       // that its work was done, if only to be undone
	err   error      // what became of it, when it is done
	done  chan struct{}
}

// work does the work of a call, unless its context has ended: then its caller
// has left, or is about to.
func (c *call) work(ctx context.Context, x session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.ctx.Err(); err != nil {
		return err
	}
	c.begun = true
	return c.do(ctx, x)
}

// add queues a call and tells whether nobody is there to write it.
func (q *queue) add(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, c)
	if q.idle != nil {
		return false
	}
	q.idle = make(chan struct{})
	return true
}

// remove takes a call out, if it is still there.
func (q *queue) remove(c *call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiting, c); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
}

// take takes those that wait, most of them at most.
func (q *queue) take(most int) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(most, len(q.waiting))
	taken := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return taken
}

// ended tells whether nothing waits any more; who writes then ends.
func (q *queue) ended() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) > 0 {
		return false
	}
	close(q.idle)
	q.idle = nil
	return true
}

// resting is closed when nobody writes.
func (q *queue) resting() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.idle != nil {
		return q.idle
	}
	idle := make(chan struct{})
	close(idle)
	return idle
}

// outcome waits for what became of a call. When its context ends first, nothing
// is written if its work has not begun; otherwise that is not known.
func (q *queue) outcome(c *call) error {
	select {
	case <-c.done:
		return c.err
	case <-c.ctx.Done():
	}
	q.remove(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
		return c.err
	default:
	}
	if !c.begun {
		return c.ctx.Err()
	}
	return fmt.Errorf("%w: its time was over while it was being committed (%v)", audit.ErrOutcomeUnknown, c.ctx.Err())
}

// errAbandoned is what a call gets whose transaction panicked.
var errAbandoned = fmt.Errorf("%w: the transaction that was writing it ended in a panic", audit.ErrOutcomeUnknown)

var errReadOnly = &audit.InvalidError{What: "the store was opened for reading only and writes nothing"}

// write does work in a transaction that other calls may share, and returns when
// its outcome is known, or when the context has ended. Work may be done more
// than once, after what it wrote was undone.
func (s *Store) write(ctx context.Context, work func(context.Context, session) error) error {
	if s.readOnly {
		return errReadOnly
	}
	c := &call{ctx: ctx, do: work, done: make(chan struct{})}
	if s.queue.add(c) {
		go s.drain()
	}
	return s.queue.outcome(c)
}

// drain writes what has queued until nothing is left.
func (s *Store) drain() {
	for !s.queue.ended() {
		for _, c := range s.queue.take(1) {
			s.lead(c)
		}
	}
}

// lead writes a call, and those that have queued when the database is ready.
func (s *Store) lead(c *call) {
	calls := []*call{c}
	c.err = errAbandoned
	defer func() { finish(calls, recover()) }()
	tx, err := s.begin(c.ctx)
	if err != nil {
		c.err = err
		return
	}
	calls = append(calls, s.queue.take(s.group-1)...)
	for _, one := range calls {
		one.err = errAbandoned
	}
	if again := s.together(tx, calls); again != nil {
		s.apart(again)
	}
}

// finish lets the callers go on. A panic, which can only be the driver's or our
// own, is an error to them.
func finish(calls []*call, panicked any) {
	for _, c := range calls {
		if panicked != nil && c.err == errAbandoned {
			c.err = fmt.Errorf("%w: %v", errAbandoned, panicked)
		}
		close(c.done)
	}
}

// apart writes each call in a transaction of its own.
func (s *Store) apart(calls []*call) {
	for _, c := range calls {
		tx, err := s.begin(c.ctx)
		if err != nil {
			c.err = err
			continue
		}
		s.together(tx, []*call{c})
	}
}

// begins is how often a transaction is begun anew while another process writes;
// each waits for as long as the database's own timeout says.
const begins = 3

// begin begins a transaction. It ends with the context only while it waits: a
// context that ends later must not undo what others wrote, and leaves no doubt
// about a COMMIT.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	for try := 1; ; try++ {
		inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
		stop := context.AfterFunc(ctx, cancel)
		tx, err := s.db.BeginTx(inner, nil)
		if !stop() {
			if err == nil {
				tx.Rollback()
			}
			return nil, ctx.Err()
		}
		if err == nil {
			return tx, nil
		}
		if try == begins || s.d.fault(err) != busy {
			return nil, s.explain(err)
		}
	}
}

// together writes some calls in one transaction and sets what became of each.
// When one of several made the whole transaction fail it returns those that
// have to be written apart; then nothing was written of them.
func (s *Store) together(tx *sql.Tx, calls []*call) (again []*call) {
	defer tx.Rollback() // does nothing after a commit
	ctx := context.WithoutCancel(calls[0].ctx)
	x := prepared{tx, s.writing}
	if len(calls) == 1 {
		c := calls[0]
		err := s.explain(c.work(ctx, x))
		if err == nil {
			err = s.commitFailed(tx.Commit())
		}
		c.err = err
		return nil
	}
	refusals := make([]error, len(calls))
	for i, c := range calls {
		if refusals[i] = alone(ctx, x, c.work); refusals[i] != nil && !refused(refusals[i]) {
			return calls
		}
	}
	err := s.commitFailed(tx.Commit())
	unknown := errors.Is(err, audit.ErrOutcomeUnknown)
	for i, c := range calls {
		switch {
		case err == nil:
			c.err = refusals[i]
		case unknown && refusals[i] == nil:
			c.err = err
		default: // who was refused wrote nothing, but what refused it may not be there
			again = append(again, c)
		}
	}
	return again
}

// alone does work in a savepoint, so that it leaves nothing behind when it
// fails.
func alone(ctx context.Context, x session, work func(context.Context, session) error) error {
	if _, err := x.exec(ctx, savepoint); err != nil {
		return err
	}
	failed := work(ctx, x)
	if failed != nil {
		if _, err := x.exec(ctx, rollbackTo); err != nil {
			return brokenBy(failed, err)
		}
	}
	if _, err := x.exec(ctx, release); err != nil {
		return err
	}
	return failed
}

// brokenBy is the error of a transaction that could not be brought back to where
// it was before the work that failed. It is never a refusal: what was written
// may still be there.
func brokenBy(failed, err error) error {
	const undone = "and what it had written could not be undone, so that the transaction must be rolled back"
	if refused(failed) {
		return fmt.Errorf("%v; %s: %w", failed, undone, err)
	}
	return fmt.Errorf("%w; %s: %w", failed, undone, err)
}

// commitFailed is what the error of a COMMIT means. Only the database's own
// word that it did nothing is taken for that.
func (s *Store) commitFailed(err error) error {
	if err == nil {
		return nil
	}
	if f := s.d.fault(err); f == busy || f == full {
		return s.explain(err)
	}
	return fmt.Errorf("%w: %w", audit.ErrOutcomeUnknown, err)
}
