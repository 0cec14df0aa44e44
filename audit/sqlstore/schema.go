package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/audit"
)

// schemaVersion is the version of the tables that this code reads and writes.
const schemaVersion = "1"

// sqliteSchema is the tables in SQLite. A state is too large for a table
// without rowid, which would put each into a page of its own; in the index on
// the log, the events that are not in it yet stand together and in the order of
// their commit, as a rowid ends each index entry.
const sqliteSchema = `CREATE TABLE IF NOT EXISTS changelane_meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS changelane_records (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  record TEXT NOT NULL,
  version INTEGER NOT NULL,
  head BLOB NOT NULL,
  lists BLOB NOT NULL,
  state BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, record)
) STRICT;

CREATE TABLE IF NOT EXISTS changelane_lists (
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  list TEXT NOT NULL,
  sort TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (tenant, kind, list, sort, record)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS changelane_events (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  record TEXT NOT NULL,
  seq INTEGER NOT NULL,
  place INTEGER,
  data BLOB NOT NULL,
  openings BLOB
) STRICT;

CREATE UNIQUE INDEX IF NOT EXISTS changelane_events_record ON changelane_events (tenant, kind, record, seq);

CREATE UNIQUE INDEX IF NOT EXISTS changelane_events_log ON changelane_events (tenant, place);

CREATE TABLE IF NOT EXISTS changelane_commands (
  tenant TEXT NOT NULL,
  command TEXT NOT NULL,
  request BLOB NOT NULL,
  answer BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (tenant, command)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS changelane_messages (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL,
  topic TEXT NOT NULL,
  shard INTEGER NOT NULL,
  kind TEXT NOT NULL,
  record TEXT NOT NULL,
  seq INTEGER NOT NULL,
  body BLOB NOT NULL,
  crc INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due INTEGER,
  parked INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX IF NOT EXISTS changelane_messages_shard ON changelane_messages (tenant, topic, shard) WHERE parked = 0;

CREATE INDEX IF NOT EXISTS changelane_messages_put_off ON changelane_messages (tenant, topic, kind, record) WHERE parked = 0 AND due IS NOT NULL;

CREATE TABLE IF NOT EXISTS changelane_leases (
  tenant TEXT NOT NULL,
  work TEXT NOT NULL,
  shard INTEGER NOT NULL,
  owner TEXT NOT NULL,
  token INTEGER NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (tenant, work, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS changelane_logs (
  tenant TEXT NOT NULL PRIMARY KEY,
  size INTEGER NOT NULL,
  checkpoint BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS changelane_hashes (
  tenant TEXT NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (tenant, position)
) STRICT, WITHOUT ROWID;

INSERT INTO changelane_meta (name, value) VALUES ('schema', '1') ON CONFLICT DO NOTHING;
`

// Schema is the statements that make the tables, for a host that keeps all DDL
// in its own migration tool. They may run more than once. It is empty for the
// zero Dialect.
func Schema(d Dialect) string {
	if d.d == nil {
		return ""
	}
	return d.d.schema
}

// schemaError says why tables are not ones that this program reads and writes;
// it is an [audit.ErrSchema].
type schemaError struct {
	what  string
	cause error
}

func (e *schemaError) Error() string { return e.what }

func (e *schemaError) Is(target error) bool { return target == audit.ErrSchema }

func (e *schemaError) Unwrap() error { return e.cause }

var errNoTables = &schemaError{what: "it is not a store: it has no changelane tables " +
	"(run the statements of sqlstore.Schema on it first, or open it without NoCreate and ReadOnly)"}

// prepareTables makes the tables where they are not there and may be made, and
// refuses those of another version and those that somebody has changed.
func prepareTables(ctx context.Context, db *sql.DB, d *dialect, create bool) error {
	there, err := objects(ctx, db, d)
	if err != nil {
		return fmt.Errorf("looking for the tables of the record: %w", err)
	}
	if len(there) == 0 {
		if !create {
			return errNoTables
		}
		if err := createTables(ctx, db, d); err != nil {
			return fmt.Errorf("making the tables of the record: %w", err)
		}
		if there, err = objects(ctx, db, d); err != nil {
			return fmt.Errorf("looking for the tables of the record: %w", err)
		}
	}
	var version string
	err = db.QueryRowContext(ctx, versionQuery).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) || err != nil && d.fault(err) == noTables {
		return &schemaError{"the version of its tables cannot be read: " + err.Error(), err}
	}
	if err != nil {
		return fmt.Errorf("reading the version of the tables of the record: %w", err)
	}
	if err := checkVersion(version); err != nil {
		return err
	}
	return checkObjects(d.made(), there)
}

const versionQuery = `SELECT substr(value, 1, 100) FROM changelane_meta WHERE name = 'schema'`

// checkVersion refuses tables that this code does not know: it would have to
// guess what is in them.
func checkVersion(version string) error {
	if version != schemaVersion {
		return fmt.Errorf("%w: its tables have version %q and this program knows version %s; use a program that is as new as the one that wrote it",
			audit.ErrSchema, version, schemaVersion)
	}
	return nil
}

// object is a table, an index, or what else a database keeps by name.
type object struct{ kind, name, table, ddl string }

// objects lists what is in the database under our names, or hangs on our tables.
func objects(ctx context.Context, db *sql.DB, d *dialect) ([]object, error) {
	rows, err := db.QueryContext(ctx, d.objects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []object
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.table, &o.ddl); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, rows.Err()
}

// made lists what the schema makes.
func (d *dialect) made() []object {
	var all []object
	for text := range strings.SplitSeq(d.schema, ";\n") {
		ddl := words(strings.Replace(text, "IF NOT EXISTS ", "", 1))
		if len(ddl) == 0 || ddl[0] != "CREATE" {
			continue
		}
		o := object{kind: "table", name: ddl[2], table: ddl[2], ddl: strings.Join(ddl, " ")}
		if i := slices.Index(ddl, "INDEX"); i > 0 {
			o.kind, o.name, o.table = "index", ddl[i+1], ddl[i+3]
		}
		all = append(all, o)
	}
	return all
}

// words are the words of a statement, whatever space is between them.
func words(ddl string) []string {
	return strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ", ",", " , ").Replace(ddl))
}

// checkObjects refuses tables and indexes that are not as they are made, and
// whatever else hangs on them: a trigger writes what nobody sent, a view shows
// what nobody wrote, and an index that was added can be read in place of a
// table.
func checkObjects(made, there []object) error {
	const remedy = "use a copy of the store from before, or undo what was done to its tables"
	for _, o := range made {
		at := slices.IndexFunc(there, func(t object) bool { return t.name == o.name })
		if at < 0 {
			return &schemaError{what: fmt.Sprintf("its %s %s is missing; %s", o.kind, o.name, remedy)}
		}
		t := there[at]
		if t.kind != o.kind || t.table != o.table || strings.Join(words(t.ddl), " ") != o.ddl {
			return &schemaError{what: fmt.Sprintf("its %s %s is not as this program makes it: there is the %s %.200q; %s", o.kind, o.name, t.kind, t.ddl, remedy)}
		}
		there = slices.Delete(slices.Clone(there), at, at+1)
	}
	if len(there) > 0 {
		t := there[0]
		return &schemaError{what: fmt.Sprintf("there is the %s %.100q on %.100q, which this program did not make; %s", t.kind, t.name, t.table, remedy)}
	}
	return nil
}

// createTables makes all tables or none. Two processes may do it at once: the
// statements change nothing where the tables are there.
func createTables(ctx context.Context, db *sql.DB, d *dialect) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, d.schema); err != nil {
		return err
	}
	return tx.Commit()
}
