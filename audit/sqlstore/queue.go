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

// queue is the calls that want to write. One of them leads: it writes in a
// transaction what has queued, then the next one leads. Nothing runs while
// there is no call.
type queue struct {
	mu      sync.Mutex
	led     bool
	waiting []*call
}

// call is one caller's work in a transaction that it may share.
type call struct {
	ctx  context.Context
	work func(context.Context, session) error
	err  error
	turn chan bool // true: it is its turn to lead; false: it is done
}

// join waits until the call is done (false), or is to lead (true). A call whose
// context ends before either is taken out.
func (q *queue) join(c *call) (lead bool) {
	q.mu.Lock()
	if !q.led {
		q.led = true
		q.mu.Unlock()
		return true
	}
	q.waiting = append(q.waiting, c)
	q.mu.Unlock()
	select {
	case lead = <-c.turn:
		return lead
	case <-c.ctx.Done():
	}
	q.mu.Lock()
	i := slices.Index(q.waiting, c)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		c.err = c.ctx.Err()
	}
	q.mu.Unlock()
	if i >= 0 {
		return false
	}
	return <-c.turn // somebody has it in a transaction, or has given it the lead
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

// leave gives the lead on.
func (q *queue) leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.led = false
		return
	}
	next := q.waiting[0]
	q.waiting = slices.Delete(q.waiting, 0, 1)
	next.turn <- true
}

// errAbandoned is what a call gets whose leader panicked.
var errAbandoned = fmt.Errorf("%w: the call that was writing it ended in a panic", audit.ErrOutcomeUnknown)

var errReadOnly = &audit.InvalidError{What: "the store was opened for reading only and writes nothing"}

// write does work in a transaction that other calls may share, and returns when
// its outcome is known. Work may be done more than once, after what it wrote
// was undone.
func (s *Store) write(ctx context.Context, work func(context.Context, session) error) error {
	if s.readOnly {
		return errReadOnly
	}
	c := &call{ctx: ctx, work: work, turn: make(chan bool, 1)}
	if s.queue.join(c) {
		s.lead(c)
	}
	return c.err
}

// lead writes a call, and those that have queued when the database is ready.
func (s *Store) lead(c *call) {
	defer s.queue.leave()
	tx, err := s.begin(c.ctx)
	if err != nil {
		c.err = err
		return
	}
	calls := append([]*call{c}, s.queue.take(s.group-1)...)
	for _, one := range calls {
		one.err = errAbandoned
	}
	defer func() {
		for _, follower := range calls[1:] {
			follower.turn <- false
		}
	}()
	if again := s.together(tx, calls); again != nil {
		s.apart(again)
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
