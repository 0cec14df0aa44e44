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

// Through a link the write-ahead log beside the file is read, and not what is
// beside the link.
func TestLinkReadsTheLogOfItsFile(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "record.db"), filepath.Join(t.TempDir(), "link.db")
	commit(t, openAt(t, path, nil), first(t, "a", "x")) // which is in the log, as the store stays open
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	for _, opts := range []*sqlite.Options{{ReadOnly: true}, {Copy: true}, {NoCreate: true}} {
		if r := load(t, openAt(t, link, opts), "a"); r.Version != 1 {
			t.Errorf("%+v: what is in the write-ahead log was not read", *opts)
		}
	}
	// A copy of both, where SQLite may not make its index of the log: that is read
	// all the same, or nothing is.
	copied, far := filepath.Join(t.TempDir(), "copy.db"), filepath.Join(t.TempDir(), "far.db")
	for _, suffix := range []string{"", "-wal"} {
		if err := os.WriteFile(copied+suffix, readFile(t, path+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(copied+"-shm", 0o700), os.Symlink(copied, far)); err != nil {
		t.Fatal(err)
	}
	for _, opts := range []*sqlite.Options{{ReadOnly: true}, {Copy: true}} {
		s, err := sqlite.Open(t.Context(), far, opts)
		if err != nil {
			continue
		}
		if r := load(t, s, "a"); r.Version != 1 {
			t.Errorf("%+v: what is in the write-ahead log of the copy was not read", *opts)
		}
		s.Close()
	}
}

// A link to a file that is not there makes the file.
func TestLinkToNothing(t *testing.T) {
	path, link := filepath.Join(t.TempDir(), "record.db"), filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	_, err := sqlite.Open(t.Context(), link, &sqlite.Options{NoCreate: true})
	fails(t, err, audit.ErrNotFound)
	commit(t, openAt(t, link, nil), first(t, "a", "x"))
	if r := load(t, openAt(t, path, nil), "a"); r.Version != 1 {
		t.Error("the file that the link names does not have the record")
	}
}

// With NoCreate what is no store is neither made nor changed.
func TestNoCreateChangesNothing(t *testing.T) {
	foreign := func(settings string) func(string) {
		return func(path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec(settings + `CREATE TABLE orders (id TEXT); INSERT INTO orders VALUES ('one')`); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		make func(path string)
		want error
		says string
	}{
		"none":             {func(string) {}, audit.ErrNotFound, "no such file"},
		"empty":            {func(path string) { os.WriteFile(path, nil, 0o600) }, audit.ErrSchema, "it is not a store: it has no changelane tables"},
		"text":             {func(path string) { os.WriteFile(path, bytes.Repeat([]byte("text "), 999), 0o600) }, audit.ErrSchema, "it is not a store: the file is not an SQLite database"},
		"a database":       {foreign(""), audit.ErrSchema, "it is not a store: it has no changelane tables"},
		"one that has WAL": {foreign("PRAGMA journal_mode = WAL;"), audit.ErrSchema, "it is not a store: it has no changelane tables"},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "some.db")
		c.make(path)
		before, _ := os.ReadFile(path)
		_, err := sqlite.Open(t.Context(), path, &sqlite.Options{NoCreate: true})
		fails(t, err, c.want)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v; it should say %q", name, err, c.says)
		}
		after, _ := os.ReadFile(path)
		files, _ := os.ReadDir(folder)
		if !bytes.Equal(before, after) || len(files) > 1 || name == "none" && len(files) > 0 {
			t.Errorf("%s: the file was changed, or one was made: %v", name, files)
		}
	}
	path := filepath.Join(t.TempDir(), "record.db")
	openAt(t, path, nil)
	commit(t, openAt(t, path, &sqlite.Options{NoCreate: true}), first(t, "a", "x"))
}

// A host may keep its tables and the record in one file.
func TestOpenBesideOtherTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "host.db")
	edit(t, path, `CREATE TABLE orders (id TEXT); CREATE INDEX changes ON orders (id);
CREATE VIEW report AS SELECT * FROM orders; CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM orders; END`)
	commit(t, openAt(t, path, nil), first(t, "a", "x"))
	edit(t, path, `CREATE VIEW cases AS SELECT record, version FROM changelane_records; ANALYZE`)
	openAt(t, path, nil)
}

// Opening waits for nobody who writes.
func TestOpenWhileLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	commit(t, openAt(t, path, nil), first(t, "a", "x"))
	other, err := sql.Open("sqlite", "file:"+path+hostSettings)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	s := openAt(t, path, &sqlite.Options{BusyTimeout: 20 * time.Millisecond})
	if r := load(t, s, "a"); r.Version != 1 {
		t.Errorf("the record is at version %d", r.Version)
	}
	if _, err := s.Commit(t.Context(), first(t, "b", "y")); err == nil || !strings.Contains(err.Error(), "another process is writing to it and did not finish in time; try again") {
		t.Errorf("while another one writes Commit gave %v", err)
	}
	host, err := sql.Open("sqlite", "file:"+path+strings.Replace(hostSettings, "5000", "20", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	if err := sqlite.Check(t.Context(), host); err != nil {
		t.Errorf("a handle that is fit was refused while another one writes: %v", err)
	}
}

// INV-36, INV-42: tables that somebody has changed, and what hangs on them, are
// refused, and the file is left alone.
func TestChangedTablesAreRefused(t *testing.T) {
	const writable = `PRAGMA writable_schema = 1; UPDATE sqlite_master SET sql = `
	for _, change := range []string{
		`CREATE TRIGGER quiet AFTER INSERT ON changelane_messages BEGIN DELETE FROM changelane_messages; END`,
		`CREATE TRIGGER changelane_t AFTER INSERT ON changelane_events BEGIN SELECT 1; END`,
		`ALTER TABLE changelane_records RENAME TO r; CREATE VIEW changelane_records AS SELECT * FROM r`,
		`DROP INDEX changelane_events_log`,
		`DROP INDEX changelane_events_record; CREATE INDEX changelane_events_record ON changelane_events (tenant, kind, record, seq)`,
		`CREATE UNIQUE INDEX mine ON changelane_leases (work)`,
		`CREATE INDEX mine ON changelane_records (version) WHERE version > 3`,
		`DROP TABLE changelane_commands`,
		`DROP TABLE changelane_meta`,
		`ALTER TABLE changelane_records ADD COLUMN more TEXT`,
		`CREATE TABLE changelane_more (x)`,
		`CREATE VIEW Changelane_Lies AS SELECT 1`,
		writable + `replace(sql, 'sort TEXT', 'sort TEXT COLLATE NOCASE') WHERE name = 'changelane_lists'`,
		writable + `replace(sql, 'data BLOB NOT NULL', 'data BLOB') WHERE name = 'changelane_events'`,
	} {
		path := filepath.Join(t.TempDir(), "record.db")
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, s, first(t, "a", "x"))
		s.Close()
		edit(t, path, change)
		before := readFile(t, path)
		for _, opts := range []*sqlite.Options{nil, {NoCreate: true}, {ReadOnly: true}, {Copy: true}} {
			s, err := sqlite.Open(t.Context(), path, opts)
			if err == nil {
				s.Close()
			}
			fails(t, err, audit.ErrSchema)
		}
		if !bytes.Equal(before, readFile(t, path)) {
			t.Errorf("%s: the file was changed", change)
		}
	}
}

// The host's migration tool may put its own space between words.
func TestSchemaWithOtherSpace(t *testing.T) {
	db := hostHandle(t, hostSettings)
	ddl := strings.NewReplacer("\n", " ", "  ", "\n\t", "(", " ( ").Replace(sqlstore.Schema(sqlite3()))
	if _, err := db.Exec(ddl); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(t.Context(), db, sqlite3(), &sqlstore.Options{NoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit(t, s, first(t, "a", "x"))
}

// INV-31: a transaction of the host's that SQLite has rolled back by itself is
// over. Nothing is written through it, as that would be committed at once.
func TestInTransactionThatWasRolledBack(t *testing.T) {
	db := hostHandle(t, hostSettings)
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db, sqlite3(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit(t, s, first(t, "a", "x"))
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	in := s.In(tx)
	commit(t, in, first(t, "b", "before"))
	tx.Exec("PRAGMA max_page_count = 1") // means: no more than there are
	big := first(t, "c", "big")
	big.Writes[0].State = make([]byte, 1<<20)
	_, err = in.Commit(t.Context(), big)
	fails(t, err, audit.ErrStorageFull)
	tx.Exec("PRAGMA max_page_count = 100000")
	for _, again := range []func() error{
		func() error { _, err := in.Commit(t.Context(), first(t, "d", "after")); return err },
		func() error {
			_, err := in.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: "me", Now: noon, For: time.Minute})
			return err
		},
	} {
		if err := again(); err == nil || !strings.Contains(err.Error(), "rolled it back by itself") {
			t.Errorf("in a transaction that is over a write gave %v", err)
		}
	}
	tx.Rollback()
	for id, want := range map[string]uint64{"a": 1, "b": 0, "c": 0, "d": 0} {
		if r := load(t, s, id); r.Version != want {
			t.Errorf("%s is at version %d and not %d", id, r.Version, want)
		}
	}
	if claimed, err := s.Claim(context.Background(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: "you", Now: noon, For: time.Minute}); err != nil {
		t.Errorf("a claim of another one after that gave %+v, %v", claimed, err)
	}
}
