package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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

// prepareTables makes the tables where they are not there and may be made, and
// refuses those of another version.
func prepareTables(ctx context.Context, db *sql.DB, d *dialect, create bool) error {
	var there int
	if err := db.QueryRowContext(ctx, d.tables).Scan(&there); err != nil {
		return fmt.Errorf("looking for the tables of the record: %w", err)
	}
	if there == 0 {
		if !create {
			return errors.New("the database has no changelane tables: run the statements of sqlstore.Schema on it first, or open the store without NoCreate and ReadOnly")
		}
		if err := createTables(ctx, db, d); err != nil {
			return fmt.Errorf("making the tables of the record: %w", err)
		}
	}
	var version string
	if err := db.QueryRowContext(ctx, versionQuery).Scan(&version); err != nil {
		return fmt.Errorf("%w: its version cannot be read: %w", audit.ErrSchema, err)
	}
	return checkVersion(version)
}

const versionQuery = `SELECT value FROM changelane_meta WHERE name = 'schema'`

// checkVersion refuses tables that this code does not know: it would have to
// guess what is in them.
func checkVersion(version string) error {
	if version != schemaVersion {
		return fmt.Errorf("%w: its tables have version %q and this program knows version %s; use a program that is as new as the one that wrote it",
			audit.ErrSchema, version, schemaVersion)
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
