package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

// Whatever is in the name of a file, it is the file that is used, it is the
// only one, and nobody else may read it.
func TestPath(t *testing.T) {
	for _, name := range []string{"record.db", "a b.db", "what?mode=memory", "50%25.db", "no#1", "ünïcode & + = ; ' \".db", "_pragma=synchronous(OFF)"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		commit(t, s, first(t, "a", "x"))
		for _, suffix := range []string{"", "-wal", "-shm"} {
			is, err := os.Stat(path + suffix)
			if err != nil {
				t.Error(err)
			} else if is.Mode().Perm() != 0o600 {
				t.Errorf("%q has the permissions %v", name+suffix, is.Mode())
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
			t.Errorf("%q: the folder has %v", name, files)
		}
		if r := load(t, openAt(t, path, nil), "a"); r.Version != 1 {
			t.Errorf("%q: what was committed is not there", name)
		}
	}
}

// What cannot be the file of a record is refused with what to do instead.
func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		opts *sqlite.Options
		says string
	}{
		{"", nil, "empty"},
		{":memory:", nil, "audit/memory"},
		{"file::memory:?cache=shared", nil, "audit/memory"},
		{"file:record.db", nil, "URI"},
		{folder, nil, "directory"},
		{"/dev/null", nil, "no regular file"},
		{filepath.Join(folder, "none", "record.db"), nil, "no such file"},
		{filepath.Join(folder, "none.db"), &sqlite.Options{ReadOnly: true}, "no such file"},
		{text, nil, "it is not a store: the file is not an SQLite database"},
		{text, &sqlite.Options{ReadOnly: true}, "it is not a store: the file is not an SQLite database"},
		{filepath.Join(folder, "none.db"), &sqlite.Options{NoCreate: true}, "no such file"},
		{filepath.Join(folder, "none.db"), &sqlite.Options{Copy: true}, "no such file"},
		{text, &sqlite.Options{NoCreate: true}, "it is not a store: the file is not an SQLite database"},
		{filepath.Join(folder, "short.db"), &sqlite.Options{BusyTimeout: time.Microsecond}, "busy timeout"},
	} {
		s, err := sqlite.Open(t.Context(), c.path, c.opts)
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Open(%q) gave %v; it should say %q", c.path, err, c.says)
		}
	}
	for _, name := range []string{"none.db", "short.db"} {
		if _, err := os.Stat(filepath.Join(folder, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made", name)
		}
	}
}

// INV-42: tables of another version are refused, and left alone.
func TestVersion(t *testing.T) {
	for _, change := range []string{
		`UPDATE changelane_meta SET value = '2'`, `UPDATE changelane_meta SET value = '0'`,
		`UPDATE changelane_meta SET value = ''`, `DELETE FROM changelane_meta`,
	} {
		path := filepath.Join(t.TempDir(), "record.db")
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		edit(t, path, change)
		before, _ := os.ReadFile(path)
		for _, readOnly := range []bool{false, true} {
			_, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: readOnly})
			fails(t, err, audit.ErrSchema)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Errorf("%s: the file was changed", change)
		}
	}
}

// edit runs a statement on a file behind the store's back.
func edit(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	s, err := sqlite.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, first(t, "a", "x"))
	s.Close()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look := func(opts *sqlite.Options) {
		t.Helper()
		s := openAt(t, path, opts)
		if r := load(t, s, "a"); r.Version != 1 {
			t.Errorf("the record is at version %d", r.Version)
		}
		_, err := s.Commit(t.Context(), first(t, "b", "y"))
		fails(t, err, audit.ErrInvalid)
		_, err = s.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: "me", Now: noon, For: time.Minute})
		fails(t, err, audit.ErrInvalid)
		s.Close()
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Error("the file was changed")
		}
	}
	look(&sqlite.Options{ReadOnly: true})
	look(&sqlite.Options{Copy: true})
	// Where SQLite may not make its files, as on a medium that is read-only.
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	if err := os.Symlink("/none/there", path+"-wal"); err != nil {
		t.Skip(err)
	}
	look(&sqlite.Options{Copy: true})
	if _, err := sqlite.Open(t.Context(), path, &sqlite.Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "Copy") {
		t.Errorf("a file that is not said to be a copy was read without its write-ahead log: %v", err)
	}
	// There the log of the last writer must not be passed over.
	os.Remove(path + "-wal")
	if err := os.Mkdir(path+"-wal", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []*sqlite.Options{{ReadOnly: true}, {Copy: true}} {
		if _, err := sqlite.Open(t.Context(), path, opts); err == nil {
			t.Errorf("%+v: a file was read without its write-ahead log", *opts)
		}
	}
}

// INV-33: a full disk is an error of its own, and over when there is space.
func TestStorageFull(t *testing.T) {
	db := hostHandle(t, hostSettings)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db, sqlite3(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pages := func(n string) {
		t.Helper()
		if _, err := db.Exec("PRAGMA max_page_count = " + n); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, first(t, "a", "x"))
	pages("1") // means: no more than there are
	big := first(t, "b", "y")
	big.Writes[0].State = make([]byte, 1<<20)
	_, err = s.Commit(t.Context(), big)
	fails(t, err, audit.ErrStorageFull)
	if r := load(t, s, "b"); r.Version != 0 {
		t.Error("half a batch was written")
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.In(tx).Commit(t.Context(), big)
	fails(t, err, audit.ErrStorageFull)
	tx.Rollback()
	pages("100000")
	commit(t, s, big)
}

// sqlite3 is the dialect; the name of this package is that of the driver.
func sqlite3() sqlstore.Dialect { return sqlstore.SQLite() }

// INV-45, INV-46: a closed store says so, and Close waits for nobody forever.
func TestClosed(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "record.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, first(t, "a", "x"))
	commit(t, s, first(t, "b", "y"))
	for _, err := range s.List(t.Context(), audit.ListRequest{Tenant: tenant, Kind: "case"}) {
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil { // also while a caller reads on
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close gave %v", err)
	}
	_, err = s.Commit(t.Context(), first(t, "c", "z"))
	fails(t, err, audit.ErrClosed)
	_, err = s.Load(t.Context(), audit.LoadRequest{Tenant: tenant})
	fails(t, err, audit.ErrClosed)
	for _, err := range s.Events(t.Context(), audit.EventsRequest{Tenant: tenant}) {
		fails(t, err, audit.ErrClosed)
	}
	_, err = s.In(nil).Load(t.Context(), audit.LoadRequest{Tenant: tenant})
	fails(t, err, audit.ErrClosed)
}

// A row that was changed behind the store's back is not handed out.
func TestDamagedRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, path, nil)
	ctx := context.Background()
	read := map[string]func() error{
		"record": func() error {
			_, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey("a")}})
			return err
		},
		"list": func() error {
			for _, err := range s.List(ctx, audit.ListRequest{Tenant: tenant, Kind: "case", List: "open"}) {
				return err
			}
			return nil
		},
		"command": func() error {
			_, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Command: "x"})
			return err
		},
	}
	commit(t, s, first(t, "a", "x"))
	for what, change := range map[string][2]string{
		"record":  {`UPDATE changelane_records SET state = x'79'`, `UPDATE changelane_records SET state = x'780a'`},
		"list":    {`UPDATE changelane_lists SET sort = 'y'`, `UPDATE changelane_lists SET sort = 'x'`},
		"command": {`UPDATE changelane_commands SET answer = x'79'`, `UPDATE changelane_commands SET answer = CAST('done: x' AS BLOB)`},
	} {
		if err := read[what](); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		edit(t, path, change[0])
		fails(t, read[what](), audit.ErrTampered)
		edit(t, path, change[1])
		if err := read[what](); err != nil {
			t.Errorf("%s, when it is as it was: %v", what, err)
		}
	}
}
