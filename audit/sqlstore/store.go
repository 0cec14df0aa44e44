package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/changelane/changelane/audit"
)

// Options are how a store uses its database; nil is the zero value, with which
// it makes its tables where they are not there and commits in groups.
type Options struct {
	NoCreate bool    // refuse a database without the tables
	ReadOnly bool    // refuse to write; the handle need not be fit for it
	NoGroup  bool    // commit each call in a transaction of its own
	Readers  *sql.DB // another handle on the same database, for reading; nil: the same one
	Owned    bool    // closing the store closes its handles

	// Immediate says that transactions of the handle begin with the write lock,
	// so that Open does not have to try, and waits for nobody who writes.
	Immediate bool
}

// maxGroup is how many calls commit together at most.
const maxGroup = 64

// Store is an [audit.Store] and an [audit.Joiner] in a database. Make one with
// [Open].
type Store struct {
	d        *dialect
	db       *sql.DB
	readers  *sql.DB
	texts    *[statements]string
	writing  []*sql.Stmt // on db
	reading  []*sql.Stmt // on readers
	readOnly bool
	owned    bool
	group    int
	queue    queue

	damaged atomic.Int64 // messages that claims have parked

	closing sync.Mutex // held by Close
	mu      sync.Mutex
	closed  bool
	calls   sync.WaitGroup // that use the database
}

var _ audit.Joiner = (*Store)(nil)

// Open makes a store of a handle on a database. It refuses a handle that is not
// fit ([Dialect.Check]), and with [audit.ErrSchema] a database that is not one
// of a store, tables that another version has written, and tables that are not
// as [Schema] makes them or that a trigger hangs on. Calls on the store take one connection to write, one at a time,
// as SQLite has one writer; reads take more.
func Open(ctx context.Context, db *sql.DB, d Dialect, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	switch {
	case d.d == nil:
		return nil, errNoDialect
	case db == nil:
		return nil, errors.New("a store needs a handle on a database, and this one is nil")
	}
	s := &Store{d: d.d, db: db, readers: db, texts: texts(d.d), readOnly: o.ReadOnly, owned: o.Owned, group: maxGroup}
	if o.Readers != nil {
		s.readers = o.Readers
	}
	if o.NoGroup {
		s.group = 1
	}
	if !o.ReadOnly {
		if err := d.d.fit(ctx, db, o.Immediate); err != nil {
			return nil, s.explain(err)
		}
	}
	if err := prepareTables(ctx, db, d.d, !o.NoCreate && !o.ReadOnly); err != nil {
		return nil, s.explain(err)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing the statements of the record: %w", s.explain(err)), s.closeStatements())
	}
	return s, nil
}

// prepare prepares every statement before the first transaction: within one
// there may be no other connection to prepare it on.
func (s *Store) prepare(ctx context.Context) (err error) {
	s.writing, s.reading = make([]*sql.Stmt, statements), make([]*sql.Stmt, statements)
	for i := range statements {
		if i < writes && !s.readOnly {
			if s.writing[i], err = s.db.PrepareContext(ctx, s.texts[i]); err != nil {
				return err
			}
		}
		if i >= writes || i < savepoint {
			if s.reading[i], err = s.readers.PrepareContext(ctx, s.texts[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// closeWait is how long Close waits for a transaction whose callers have left.
const closeWait = 10 * time.Second

// Close waits for the calls that are under way and ends the store; from then on
// its methods return [audit.ErrClosed]. It leaves handles open that the store
// does not own. For a transaction that hangs, and whose callers have left, it
// waits ten seconds and then says so; what is still to be closed is closed when
// that comes to its end.
func (s *Store) Close() error {
	s.closing.Lock()
	defer s.closing.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return nil
	}
	s.calls.Wait()
	idle := s.queue.resting()
	select {
	case <-idle:
		return s.closeHandles()
	case <-time.After(closeWait):
	}
	go func() {
		<-idle
		s.closeHandles()
	}()
	return fmt.Errorf("a transaction has not come to its end within %v, and is left to itself", closeWait)
}

// closeHandles waits for every connection that has one of its statements.
func (s *Store) closeHandles() error {
	err := s.closeStatements()
	if s.owned {
		err = errors.Join(err, s.db.Close())
		if s.readers != s.db {
			err = errors.Join(err, s.readers.Close())
		}
	}
	return err
}

func (s *Store) closeStatements() error {
	var err error
	for _, stmts := range [][]*sql.Stmt{s.writing, s.reading} {
		for _, stmt := range stmts {
			if stmt != nil {
				err = errors.Join(err, stmt.Close())
			}
		}
	}
	return err
}

// enter lets a call use the database until leave is called, if it is made in
// time and asks for something valid.
func (s *Store) enter(ctx context.Context, request error) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if request != nil {
		return nil, request
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, audit.ErrClosed
	}
	s.calls.Add(1)
	return s.calls.Done, nil
}

// access is how calls reach the database: in transactions of the store's own or
// in one of the host's.
type access interface {
	// write does work that writes, all of it or none.
	write(ctx context.Context, work func(context.Context, session) error) error
	// read does work that sees the database as of one moment.
	read(ctx context.Context, work func(session) error) error
	enter(ctx context.Context, request error) (leave func(), err error)
	store() *Store
}

func (s *Store) store() *Store { return s }

// read gives work a transaction on the handle for reading.
func (s *Store) read(ctx context.Context, work func(session) error) error {
	tx, err := s.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s.explain(err)
	}
	defer tx.Rollback()
	return s.explain(work(prepared{tx, s.reading}))
}

// explain wraps a driver's error in the one of package audit that it is.
func (s *Store) explain(err error) error {
	if err == nil || refused(err) {
		return err
	}
	switch s.d.fault(err) {
	case full:
		return fmt.Errorf("%w: %w", audit.ErrStorageFull, err)
	case busy:
		return fmt.Errorf("another process is writing to it and did not finish in time; try again: %w", err)
	case noTables:
		return fmt.Errorf("this is not the database that the store was opened on: it has no changelane tables: %w", err)
	case noDatabase:
		return &schemaError{what: "it is not a store: the file is not an SQLite database", cause: err}
	}
	return err
}

// refused tells that a call was refused by this package, or left by its caller,
// and that the database is in order.
func refused(err error) bool {
	for _, target := range []error{audit.ErrStale, audit.ErrCommandReused, audit.ErrInvalid, audit.ErrNotFound,
		audit.ErrLeased, audit.ErrLeaseLost, audit.ErrTampered, audit.ErrSchema, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
