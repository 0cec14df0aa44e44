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

	"modernc.org/sqlite"

	"github.com/changelane/changelane/audit/sqlstore"
)

// Options are how a file is opened; nil is the zero value, with which it is
// made where it is not there.
type Options struct {
	// ReadOnly opens a file that is there and neither makes nor changes it, for
	// verification of a copy. SQLite makes its auxiliary files beside it where
	// it may; where it may not, the file must be one that nobody writes.
	ReadOnly bool
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
// Tables of another version are refused with [audit.ErrSchema].
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
	file, err := checkPath(path, o.ReadOnly)
	if err != nil {
		return nil, fmt.Errorf("opening the record in %q: %w", path, err)
	}
	open := openWriting
	if o.ReadOnly {
		open = openReading
	}
	s, err := open(ctx, file, o)
	if err != nil {
		return nil, fmt.Errorf("opening the record in %q: %w", path, err)
	}
	return s, nil
}

// Check reports in what a handle of the host's own is not fit for the record,
// and what to change: settings that lose what was acknowledged, transactions
// that refuse each other, a database in memory. [sqlstore.Open] calls it.
func Check(ctx context.Context, db *sql.DB) error { return sqlstore.SQLite().Check(ctx, db) }

// checkPath makes a path absolute, so that it means the same file for each
// connection, and makes the file if it may.
func checkPath(path string, readOnly bool) (string, error) {
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
	switch {
	case errors.Is(err, os.ErrNotExist) && !readOnly:
		return file, makeFile(file)
	case err != nil:
		return "", err
	case is.IsDir():
		return "", errors.New("this is a directory: give the path of a file in it")
	case !is.Mode().IsRegular():
		return "", fmt.Errorf("this is no regular file (%v)", is.Mode().Type())
	}
	return file, nil
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

// openWriting opens a file with one connection that writes, as SQLite has one
// writer, and a few that read.
func openWriting(ctx context.Context, file string, o Options) (*sqlstore.Store, error) {
	settings := []string{
		"_pragma=busy_timeout(" + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10) + ")",
		"_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)",
		"_pragma=foreign_keys(1)",
		"_pragma=temp_store(MEMORY)", // what savepoints would undo
		"_pragma=cache_size(" + strconv.Itoa(cachePages) + ")",
		"_pragma=wal_autocheckpoint(" + strconv.Itoa(checkpointPages) + ")",
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
	s, err := sqlstore.Open(ctx, writer, sqlstore.SQLite(), &sqlstore.Options{NoGroup: o.NoGroup, Readers: readers, Owned: true})
	if err != nil {
		return nil, errors.Join(err, writer.Close(), readers.Close())
	}
	return s, nil
}

func readConnections() int { return max(2, min(8, runtime.GOMAXPROCS(0))) }

// openReading opens a file that is there to read it. Where SQLite may not make
// the index of a write-ahead log and there is no such log, nobody else can be
// writing either: the file is opened as one that does not change.
func openReading(ctx context.Context, file string, o Options) (*sqlstore.Store, error) {
	settings := []string{"mode=ro", "_pragma=busy_timeout(" + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10) + ")"}
	s, err := openReadOnly(ctx, file, settings)
	const cannotOpen = 14 // SQLITE_CANTOPEN
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok || failed.Code()&0xff != cannotOpen || hasLog(file) {
		return s, err
	}
	return openReadOnly(ctx, file, append(settings, "immutable=1"))
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

// hasLog tells whether there may be commits that are not in the file yet.
func hasLog(file string) bool {
	is, err := os.Stat(file + "-wal")
	return err == nil && is.Size() > 0 || err != nil && !errors.Is(err, os.ErrNotExist)
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
