package sqlite_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/changelane/changelane/audit/sqlstore"
	sqlitedriver "modernc.org/sqlite"
)

// faulty is a driver around the real one, whose transactions begin and commit
// as a test says.
type faulty struct {
	name    string
	begin   func(context.Context) error // before each BEGIN
	commit  func(tx driver.Tx) error    // instead of each COMMIT
	exec    func(query string) error    // before each prepared statement that writes
	commits atomic.Int64                // sent
}

func (f *faulty) Driver() driver.Driver { return nil }

func (f *faulty) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := (&sqlitedriver.Driver{}).Open(f.name)
	if err != nil {
		return nil, err
	}
	return faultyConn{c, f}, nil
}

type faultyConn struct {
	driver.Conn
	f *faulty
}

func (c faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if c.f.begin != nil && !opts.ReadOnly {
		if err := c.f.begin(ctx); err != nil {
			return nil, err
		}
	}
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, opts)
	if err != nil || opts.ReadOnly {
		return tx, err
	}
	return faultyTx{tx, c.f}, nil
}

func (c faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return faultyStmt{s, query, c.f}, nil
}

type faultyStmt struct {
	driver.Stmt
	query string
	f     *faulty
}

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.f.exec != nil {
		if err := s.f.exec(s.query); err != nil {
			return nil, err
		}
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

type faultyTx struct {
	driver.Tx
	f *faulty
}

func (tx faultyTx) Commit() error {
	tx.f.commits.Add(1)
	if tx.f.commit != nil {
		return tx.f.commit(tx.Tx)
	}
	return tx.Tx.Commit()
}

// coded is an error with a result code of SQLite.
type coded struct {
	error
	code int
}

func (c coded) Code() int { return c.code }

var errLost = errors.New("the connection was lost")

// lostAfter commits and loses the answer.
func lostAfter(tx driver.Tx) error { return errors.Join(tx.Commit(), errLost) }

// lostBefore loses the connection before it commits.
func lostBefore(tx driver.Tx) error { return errors.Join(tx.Rollback(), errLost) }

const hostSettings = "?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_txlock=immediate"

// openFaulty opens a store on a handle of the host's with that driver, which
// behaves until the test says otherwise.
func openFaulty(t *testing.T, opts *sqlstore.Options) (*sqlstore.Store, *faulty) {
	t.Helper()
	f := &faulty{name: "file:" + filepath.Join(t.TempDir(), "host.db") + hostSettings}
	db := sql.OpenDB(f)
	t.Cleanup(func() { db.Close() })
	s, err := sqlstore.Open(context.WithoutCancel(t.Context()), db, sqlstore.SQLite(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	f.commits.Store(0)
	return s, f
}

// hostHandle opens a handle as a host would.
func hostHandle(t *testing.T, settings string) *sql.DB {
	t.Helper()
	name := "file:" + filepath.Join(t.TempDir(), "host.db") + settings
	if strings.HasPrefix(settings, ":") {
		name = settings
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
