package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/changelane/changelane/audit"
)

// In returns a store that reads and writes within a transaction of the host's,
// on the same database. What is refused there leaves nothing behind in it,
// nothing is retried, and the COMMIT is the host's. A transaction that then
// writes should have begun with the write lock ("immediate").
func (s *Store) In(tx audit.Tx) audit.Store {
	return &joined{s: s, x: hosted{tx, s.texts}}
}

// joined is a store in a transaction of the host's.
type joined struct {
	s       *Store
	mu      sync.Mutex // savepoints nest, and are not to cross
	x       hosted
	checked bool // that the tables are there and of this version
}

func (j *joined) enter(ctx context.Context, request error) (func(), error) {
	leave, err := j.s.enter(ctx, request)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	if err := j.check(ctx); err != nil {
		j.mu.Unlock()
		leave()
		return nil, err
	}
	return func() { j.mu.Unlock(); leave() }, nil
}

// check reports a transaction on another database than the store's.
func (j *joined) check(ctx context.Context) error {
	if j.checked {
		return nil
	}
	var version string
	if err := j.x.tx.QueryRowContext(ctx, versionQuery).Scan(&version); err != nil {
		return fmt.Errorf("looking for the tables of the record in the host's transaction: %w", j.s.explain(err))
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	j.checked = true
	return nil
}

// write does work in a savepoint. A context that ends in the middle does not
// stop it: SQLite would roll back all that the host has written.
func (j *joined) write(ctx context.Context, work func(context.Context, session) error) error {
	if j.s.readOnly {
		return errReadOnly
	}
	ctx = context.WithoutCancel(ctx)
	if err := j.s.d.inside(ctx, j.x.tx); err != nil {
		return j.s.explain(err)
	}
	return j.s.explain(alone(ctx, j.x, work))
}

func (j *joined) store() *Store { return j.s }

func (j *joined) read(_ context.Context, work func(session) error) error {
	return j.s.explain(work(j.x))
}

func (j *joined) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	return commitThrough(ctx, j, b)
}

func (j *joined) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	return loadThrough(ctx, j, r)
}

func (j *joined) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return listThrough(ctx, j, r)
}

func (j *joined) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return eventsThrough(ctx, j, r)
}

func (j *joined) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	return logThrough(ctx, j, tenant, positions)
}

func (j *joined) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	return claimThrough(ctx, j, r)
}

func (j *joined) Settle(ctx context.Context, done audit.Settlement) error {
	return settleThrough(ctx, j, done)
}
