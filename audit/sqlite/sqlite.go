package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlstore"
)

// Options are how a file is opened; nil is the zero value, with which it is
// made where it is not there.
type Options struct {
	// ReadOnly opens a file that is there and neither makes nor changes it.
	// SQLite makes its auxiliary files beside it; where it may not, the file is
	// refused, as it could not be seen whether somebody writes it.
	ReadOnly bool
	// Copy is ReadOnly of a file that nobody writes while it is open, such as a
	// copy on a medium that is read-only: where SQLite may not make its auxiliary
	// files, and there is no write-ahead log or journal of the file, it is read
	// without them. What is written meanwhile would be passed over or misread.
	Copy bool
	// NoCreate refuses a file that is not there with [audit.ErrNotFound], and
	// one that is no store with [audit.ErrSchema]; neither is made or changed.
	NoCreate bool
	// NoGroup commits each call in a transaction of its own, instead of those
	// that have queued together.
	NoGroup bool
	// BusyTimeout is how long to wait for another process that writes, each of
	// three times; 0 is 5 seconds.
	BusyTimeout time.Duration
}

// The settings of the connections. Pages that are written often stay in the
// write-ahead log until it has some 16 MiB, instead of SQLite's 4: each
// checkpoint writes them once more and syncs twice.
const (
	cachePages      = 4000 // of 4 KiB, for each connection
	checkpointPages = 4000
	defaultTimeout  = 5 * time.Second
)

// Open opens the store in a file, and makes both where they are not there; only
// its owner may read a file that it makes. Closing the store closes the file.
// Tables of another version, and tables that somebody has changed, are refused
// with [audit.ErrSchema], and so is what is no store.
func Open(ctx context.Context, path string, opts *Options) (*sqlstore.Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.BusyTimeout == 0 {
		o.BusyTimeout = defaultTimeout
	}
	if o.BusyTimeout < time.Millisecond {
		return nil, fmt.Errorf("a busy timeout of %v is too short: give a millisecond or more", o.BusyTimeout)
	}
	s, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("opening the record in %q: %w", path, err)
	}
	return s, nil
}

func open(ctx context.Context, path string, o Options) (*sqlstore.Store, error) {
	o.ReadOnly = o.ReadOnly || o.Copy
	file, err := checkPath(path, !o.ReadOnly && !o.NoCreate)
	switch {
	case err != nil:
		return nil, err
	case o.ReadOnly:
		return openReading(ctx, file, o)
	case o.NoCreate:
		if err := look(ctx, file, o); err != nil {
			return nil, err
		}
	}
	return openWriting(ctx, file, o)
}

// Check reports in what a handle of the host's own is not fit for the record,
// and what to change: settings that lose what was acknowledged, transactions
// that refuse each other, a database in memory. [sqlstore.Open] calls it.
func Check(ctx context.Context, db *sql.DB) error { return sqlstore.SQLite().Check(ctx, db) }

// checkPath makes a path absolute and follows its links, so that it means the
// same file for each connection and for SQLite, whose auxiliary files are beside
// the file and not beside a link. It makes the file if it may.
func checkPath(path string, create bool) (string, error) {
	switch {
	case path == "":
		return "", errors.New("the path is empty: SQLite would use a file of its own and delete it at the end")
	case strings.Contains(path, ":memory:"):
		return "", errors.New("in memory each of several connections would have a database of its own: use a file, or package audit/memory")
	case strings.HasPrefix(path, "file:"):
		return "", errors.New("this is a URI: give the path of the file as it is")
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	is, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		if !create {
			return "", fmt.Errorf("%w: %w", audit.ErrNotFound, err)
		}
		if err = makeFile(file); err == nil {
			is, err = os.Stat(file)
		}
	}
	switch {
	case err != nil:
		return "", err
	case is.IsDir():
		return "", errors.New("this is a directory: give the path of a file in it")
	case !is.Mode().IsRegular():
		return "", fmt.Errorf("this is no regular file (%v)", is.Mode().Type())
	}
	return filepath.EvalSymlinks(file)
}

// makeFile makes an empty file that only its owner may read; SQLite gives its
// auxiliary files the same permission. Another process may be first.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func busyTimeout(o Options) string {
	return "_pragma=busy_timeout(" + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10) + ")"
}

// untrusted keeps what is in the schema of a file from calling functions.
const untrusted = "_pragma=trusted_schema(0)"

// openWriting opens a file with one connection that writes, as SQLite has one
// writer, and a few that read.
func openWriting(ctx context.Context, file string, o Options) (*sqlstore.Store, error) {
	settings := []string{
		busyTimeout(o),
		"_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)",
		"_pragma=temp_store(MEMORY)", // what savepoints would undo
		"_pragma=cache_size(" + strconv.Itoa(cachePages) + ")",
		"_pragma=wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")",
		untrusted,
		"_txlock=immediate",
	}
	writer, err := handle(file, 1, settings)
	if err != nil {
		return nil, err
	}
	readers, err := handle(file, readConnections(), append(settings, "_query_only=1"))
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	connect(ctx, writer, o.BusyTimeout)
	s, err := sqlstore.Open(ctx, writer, sqlstore.SQLite(), &sqlstore.Options{
		NoCreate: o.NoCreate, NoGroup: o.NoGroup, Readers: readers, Owned: true, Immediate: true})
	if err != nil {
		return nil, errors.Join(err, writer.Close(), readers.Close())
	}
	return s, nil
}

// connect makes the first connection, if it can. While another process turns a
// new file to a write-ahead log, SQLite refuses at once, and does not wait as it
// does for whoever writes.
func connect(ctx context.Context, db *sql.DB, patience time.Duration) {
	const busy, pause = 5, 5 * time.Millisecond
	for waited := time.Duration(0); waited <= patience && resultCode(db.PingContext(ctx))&primary == busy; waited += pause {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func readConnections() int { return max(2, min(8, runtime.GOMAXPROCS(0))) }

// look refuses a file that is no store, before anything would change it: the
// settings of a connection that writes turn any database to a write-ahead log.
// Without such a log SQLite is kept from making files beside one that may not
// be ours.
func look(ctx context.Context, file string, o Options) error {
	settings := readSettings(o)
	if !hasLog(file) {
		settings = append(settings, "immutable=1")
	}
	s, err := openReadOnly(ctx, file, settings)
	if err != nil {
		return err
	}
	return s.Close()
}

// openReading opens a file that is there to read it.
func openReading(ctx context.Context, file string, o Options) (*sqlstore.Store, error) {
	settings := readSettings(o)
	s, err := openReadOnly(ctx, file, settings)
	if !cannotWriteBeside(err) {
		return s, err
	}
	if err := readable(file); err != nil {
		return nil, err
	}
	switch {
	case !o.Copy:
		return nil, fmt.Errorf("SQLite may not make its auxiliary files beside it, without which it cannot be seen whether somebody writes it; "+
			"open it where they can be made, or open a copy as one (Copy): %w", err)
	case hasLog(file):
		return nil, fmt.Errorf("SQLite may not make its auxiliary files beside it, and there are commits in its write-ahead log or journal; "+
			"copy it with them to where they can be made: %w", err)
	}
	return openReadOnly(ctx, file, append(settings, "immutable=1"))
}

func readSettings(o Options) []string {
	return []string{"mode=ro", busyTimeout(o), untrusted}
}

// cannotWriteBeside tells whether SQLite could not make its auxiliary files.
func cannotWriteBeside(err error) bool {
	const cannotOpen, readOnlyDirectory = 14, 8 | 6<<8 // SQLITE_CANTOPEN, SQLITE_READONLY_DIRECTORY
	code := resultCode(err)
	return code&primary == cannotOpen || code == readOnlyDirectory
}

// resultCode is the result code of SQLite in an error; 0 where there is none.
func resultCode(err error) int {
	if failed, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return failed.Code()
	}
	return 0
}

const primary = 0xff // of a result code

// readable reports a file that may not be read.
func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}

func openReadOnly(ctx context.Context, file string, settings []string) (*sqlstore.Store, error) {
	db, err := handle(file, readConnections(), settings)
	if err != nil {
		return nil, err
	}
	s, err := sqlstore.Open(ctx, db, sqlstore.SQLite(), &sqlstore.Options{ReadOnly: true, Owned: true})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// hasLog tells whether there may be commits that are not in the file yet, or
// some in it that are to be undone.
func hasLog(file string) bool {
	for _, suffix := range []string{"-wal", "-journal"} {
		is, err := os.Stat(file + suffix)
		if err == nil && is.Size() > 0 || err != nil && !errors.Is(err, os.ErrNotExist) {
			return true
		}
	}
	return false
}

// handle opens a handle on a file with at most so many connections, which stay.
func handle(file string, connections int, settings []string) (*sql.DB, error) {
	path := filepath.ToSlash(file)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // with the letter of a drive
	}
	uri := "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join(settings, "&")
	db, err := sql.Open("sqlite", uri)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
