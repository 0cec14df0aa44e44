package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/changelane/changelane/audit"
)

// Dialect is a kind of database. There are those that this package makes, such
// as [SQLite], and no others.
type Dialect struct{ d *dialect }

// dialect is what differs between databases. Statements are written with ? for
// arguments; one that marks them otherwise rewrites them in statements.
type dialect struct {
	schema  string // the DDL, all of it repeatable
	objects string // lists what is named as ours or hangs on it: type, name, table, DDL

	sound string // looks for tables that do not agree with their indexes: table, what

	// fit reports what about a handle would lose or corrupt what is written.
	// Whether its transactions begin with the write lock may be known.
	fit func(ctx context.Context, db *sql.DB, immediate bool) error

	// inside reports that a transaction of the host's is over, so that what is
	// written through it would not be part of any.
	inside func(ctx context.Context, tx audit.Tx) error

	// fault says what a driver's error means.
	fault func(error) fault
}

// fault is what a driver's error means to this package.
type fault int

const (
	otherFault fault = iota
	busy             // another writer has the database; nothing was written
	full             // no space was left; nothing was written
	noTables         // our tables are not there
	noDatabase       // the file is not one of a database
)

// SQLite is the dialect of SQLite 3.37 and later, over any driver.
func SQLite() Dialect {
	return Dialect{&dialect{
		schema: sqliteSchema,
		objects: `SELECT type, name, tbl_name, substr(coalesce(sql, ''), 1, 10000) FROM sqlite_master
WHERE (name LIKE 'changelane\_%' ESCAPE '\' OR tbl_name LIKE 'changelane\_%' ESCAPE '\')
AND NOT (sql IS NULL AND name LIKE 'sqlite\_autoindex\_%' ESCAPE '\') ORDER BY name`,
		sound: `SELECT t.name, c.integrity_check FROM sqlite_master t, pragma_integrity_check(t.name) c
WHERE t.type = 'table' AND t.name LIKE 'changelane\_%' ESCAPE '\' AND c.integrity_check <> 'ok' ORDER BY t.name`,
		fit:    sqliteFit,
		inside: sqliteInside,
		fault:  sqliteFault,
	}}
}

// Check reports in what a handle is not fit for the record, and what to change;
// [Open] calls it.
func (d Dialect) Check(ctx context.Context, db *sql.DB) error {
	if d.d == nil {
		return errNoDialect
	}
	return d.d.fit(ctx, db, false)
}

var errNoDialect = errors.New("which database this is was not said: give a dialect, such as sqlstore.SQLite()")

// sqliteFault reads the result code where the driver tells it, and the words of
// SQLite where it does not. BUSY and FULL also mean that nothing was written
// when COMMIT returns them: FULL comes from a write before the one that would
// have committed.
func sqliteFault(err error) fault {
	const codeError, codeBusy, codeLocked, codeFull, codeNotDatabase = 1, 5, 6, 13, 26
	text := err.Error()
	code := 0
	if coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		code = coded.Code() & 0xff
	}
	switch {
	case code == codeBusy, code == codeLocked, code == 0 && strings.Contains(text, "database is locked"):
		return busy
	case code == codeFull, code == 0 && strings.Contains(text, "database or disk is full"):
		return full
	case code == codeNotDatabase, code == 0 && strings.Contains(text, "file is not a database"):
		return noDatabase
	case code <= codeError && strings.Contains(text, "no such table: changelane_"):
		return noTables
	}
	return otherFault
}
