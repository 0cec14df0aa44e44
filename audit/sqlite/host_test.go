package sqlite_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

// A handle that would lose or refuse commits is refused with what to change.
func TestCheck(t *testing.T) {
	without := func(part string) string { return strings.Replace(hostSettings, part, "", 1) }
	for _, c := range []struct {
		settings    string
		connections int
		says        string // "": it is fit
	}{
		{hostSettings, 0, ""},
		{hostSettings, 1, ""},
		{strings.Replace(hostSettings, "FULL", "EXTRA", 1), 0, ""},
		{strings.Replace(hostSettings, "WAL", "DELETE", 1), 0, "journal_mode is delete"},
		{strings.Replace(hostSettings, "FULL", "NORMAL", 1), 0, "synchronous is 1"},
		{without("&_pragma=foreign_keys(1)"), 0, "foreign_keys is 0"},
		{strings.Replace(hostSettings, "5000", "0", 1), 0, "busy_timeout is 0"},
		{without("&_txlock=immediate"), 0, "transactions are deferred"},
		{without("&_txlock=immediate"), 1, "transactions are deferred"},
		{":memory:", 0, "in memory"},
		{":memory:", 1, "in memory"},
		{"", 0, "journal_mode is delete and must be wal, foreign_keys is 0 and must be on (1), busy_timeout is 0"},
	} {
		db := hostHandle(t, c.settings)
		db.SetMaxOpenConns(c.connections)
		err := sqlite.Check(t.Context(), db)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s on %d connections gave %v; it should say %q", c.settings, c.connections, err, c.says)
		}
		if _, opened := sqlstore.Open(t.Context(), db, sqlstore.SQLite(), nil); (opened == nil) != (c.says == "") {
			t.Errorf("%s: Open gave %v", c.settings, opened)
		}
	}
	// Settings that reached one connection only.
	db := hostHandle(t, "?_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if _, err := db.Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = 1"); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Check(t.Context(), db); err != nil {
		t.Errorf("FULL is what SQLite begins with: %v", err)
	}
	db = hostHandle(t, "?_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_txlock=immediate")
	if _, err := db.Exec("PRAGMA busy_timeout = 5000"); err != nil {
		t.Fatal(err)
	}
	if err := sqlite.Check(t.Context(), db); err == nil {
		t.Error("a timeout that one of the connections has was taken for that of all")
	}
}

// The DDL may be run by the host, and by the store on top of it.
func TestSchema(t *testing.T) {
	db := hostHandle(t, hostSettings)
	if _, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite(), &sqlstore.Options{NoCreate: true}); err == nil || !strings.Contains(err.Error(), "sqlstore.Schema") {
		t.Errorf("without tables Open gave %v", err)
	}
	for range 2 {
		if _, err := db.Exec(sqlstore.Schema(sqlstore.SQLite())); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite(), &sqlstore.Options{NoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, first(t, "a", "x"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Ping(); err != nil {
		t.Errorf("the host's handle was closed: %v", err)
	}
}

// hosted is a host with a table of its own and a store on the same handle.
func hosted(t *testing.T) (*sqlstore.Store, func(work func(audit.Tx, audit.Store) error) error, func() int) {
	t.Helper()
	db := hostHandle(t, hostSettings)
	s, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := db.Exec(`CREATE TABLE orders (id TEXT)`); err != nil {
		t.Fatal(err)
	}
	in := func(work func(audit.Tx, audit.Store) error) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.Exec(`INSERT INTO orders VALUES ('one')`); err != nil {
			return err
		}
		if err := work(tx, s.In(tx)); err != nil {
			return err
		}
		return tx.Commit()
	}
	orders := func() int {
		t.Helper()
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM orders`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	return s, in, orders
}

// INV-31: in the host's transaction the record is written with what the host
// writes, or not at all.
func TestInHostsTransaction(t *testing.T) {
	ctx := t.Context()
	s, in, orders := hosted(t)
	if err := in(func(_ audit.Tx, j audit.Store) error {
		commit(t, j, first(t, "a", "x"))
		if r := load(t, j, "a"); r.Version != 1 {
			t.Error("the transaction does not see what it has written")
		}
		if done := commit(t, j, first(t, "a", "x")); !done.Replayed {
			t.Error("the command was not known in the transaction that committed it")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if r := load(t, s, "a"); r.Version != 1 || orders() != 1 {
		t.Errorf("after the host's COMMIT the record has version %d and there are %d orders", r.Version, orders())
	}

	changed := errors.New("the host has changed its mind")
	fails(t, in(func(_ audit.Tx, j audit.Store) error {
		commit(t, j, first(t, "b", "y"))
		return changed
	}), changed)
	if r := load(t, s, "b"); r.Version != 0 || orders() != 1 {
		t.Errorf("after the host's ROLLBACK the record has version %d and there are %d orders", r.Version, orders())
	}

	// What is refused leaves nothing behind, and the host may go on.
	if err := in(func(_ audit.Tx, j audit.Store) error {
		b := first(t, "c", "z")
		b.Reads = []audit.Read{{Key: caseKey("a"), Version: 7}}
		_, err := j.Commit(ctx, b)
		fails(t, err, audit.ErrStale)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = j.Commit(ended, first(t, "c", "z"))
		fails(t, err, context.Canceled)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey("c")}, Command: "z"})
	if err != nil || found.Records[0].Version != 0 || found.Answer != nil || orders() != 2 {
		t.Errorf("after a refusal there are %+v, %v and %d orders", found, err, orders())
	}
}

// Everything else works in there too.
func TestWorkInHostsTransaction(t *testing.T) {
	ctx := t.Context()
	_, in, _ := hosted(t)
	if err := in(func(_ audit.Tx, j audit.Store) error {
		commit(t, j, first(t, "a", "x"))
		claim := audit.ClaimRequest{Tenant: tenant, Work: "mail", Shard: audit.Shard(caseKey("a")), Owner: "me", Now: noon, For: time.Minute}
		claimed, err := j.Claim(ctx, claim)
		if err != nil || len(claimed.Messages) != 1 {
			t.Fatalf("Claim gave %+v, %v", claimed, err)
		}
		if err := j.Settle(ctx, audit.Settlement{Lease: claimed.Lease, Now: noon, Delivered: []int64{claimed.Messages[0].ID}, Release: true}); err != nil {
			t.Fatal(err)
		}
		fails(t, j.Settle(ctx, audit.Settlement{Lease: claimed.Lease, Now: noon}), audit.ErrLeaseLost)
		listed := 0
		for r, err := range j.List(ctx, audit.ListRequest{Tenant: tenant, Kind: "case", List: "open"}) {
			if err != nil || load(t, j, r.Key.ID).Version != 1 { // also while reading
				t.Errorf("List gave %+v, %v", r, err)
			}
			listed++
		}
		for e, err := range j.Events(ctx, audit.EventsRequest{Tenant: tenant, Unsequenced: true}) {
			if err != nil || e.Seq != 1 {
				t.Errorf("Events gave %+v, %v", e, err)
			}
			listed++
		}
		if state, err := j.Log(ctx, tenant, nil); err != nil || state.Waiting != 1 || listed != 2 {
			t.Errorf("Log gave %+v, %v; %d were listed", state, err, listed)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A transaction on another database is refused before anything is written.
func TestInAnotherDatabase(t *testing.T) {
	s, _, _ := hosted(t)
	for change, says := range map[string]string{
		`SELECT 1`: "no changelane tables",
		`CREATE TABLE changelane_meta (name TEXT, value TEXT); INSERT INTO changelane_meta VALUES ('schema', '9')`: "another version",
	} {
		other := hostHandle(t, hostSettings)
		if _, err := other.Exec(change); err != nil {
			t.Fatal(err)
		}
		tx, err := other.Begin()
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.In(tx).Commit(t.Context(), first(t, "a", "x"))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v; it should say %q", err, says)
		}
		tx.Rollback()
	}
}
