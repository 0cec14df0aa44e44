package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/changelane/changelane/audit"
)

// sqliteFit reads the settings of a handle back, as what was asked for in a
// data source name is not always what was got. Settings belong to connections:
// two are looked at, as a PRAGMA that the host ran on its handle reached only
// one of them.
func sqliteFit(ctx context.Context, db *sql.DB, immediate bool) error {
	conns := 2
	if db.Stats().MaxOpenConnections == 1 {
		conns = 1
	}
	for range conns {
		conn, err := db.Conn(ctx)
		if err != nil {
			return fmt.Errorf("looking at the settings of the database: %w", err)
		}
		defer conn.Close()
		if err := sqliteConnFit(ctx, conn, immediate); err != nil {
			return err
		}
	}
	return nil
}

// sqliteConnFit names everything about a connection that has to change.
func sqliteConnFit(ctx context.Context, conn *sql.Conn, immediate bool) error {
	file, err := sqliteFile(ctx, conn)
	if err != nil {
		return fmt.Errorf("looking at the settings of the database: %w", err)
	}
	if file == "" {
		return fmt.Errorf("the database is in memory, where each connection has one of its own and none survives the program: use a file, or package audit/memory")
	}
	var wrong []string
	for _, setting := range []struct {
		name string
		good func(string) bool
		want string
	}{
		{"journal_mode", func(v string) bool { return v == "wal" }, "wal"},
		{"synchronous", func(v string) bool { return v == "2" || v == "3" }, "FULL (2)"},
		{"foreign_keys", func(v string) bool { return v == "1" }, "on (1)"},
		{"busy_timeout", func(v string) bool { return v != "0" }, "some milliseconds, such as 5000"},
	} {
		var is string
		if err := conn.QueryRowContext(ctx, "PRAGMA "+setting.name).Scan(&is); err != nil {
			return fmt.Errorf("looking at the setting %s of the database: %w", setting.name, err)
		}
		if !setting.good(is) {
			wrong = append(wrong, fmt.Sprintf("%s is %s and must be %s", setting.name, is, setting.want))
		}
	}
	if !immediate {
		deferred, err := sqliteDefers(ctx, conn)
		if err != nil {
			return fmt.Errorf("looking at how the database begins a transaction: %w", err)
		}
		if deferred {
			wrong = append(wrong, "transactions are deferred and must be immediate")
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("a connection to the database is not fit for the record: %s; set it for every connection in the data source name, "+
		"for modernc.org/sqlite with _pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)&_txlock=immediate",
		strings.Join(wrong, ", "))
}

// sqliteFile is the file of the main database; "" when it is in memory.
func sqliteFile(ctx context.Context, conn *sql.Conn) (string, error) {
	var file string
	err := conn.QueryRowContext(ctx, `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&file)
	return file, err
}

// sqliteDefers tells whether transactions begin without the write lock: two
// that read and then write would refuse each other, whatever the timeout. A
// checkpoint is refused within a transaction that has the lock, and only there.
// One that cannot begin while another process writes has asked for the lock.
func sqliteDefers(ctx context.Context, conn *sql.Conn) (bool, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil && sqliteFault(err) == busy {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	_, err = tx.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)")
	if err != nil && sqliteFault(err) != busy {
		return false, err
	}
	return err == nil, nil
}

var errNoTransaction = errors.New("the host's transaction is over: the database has rolled it back by itself, as it does when it is full; " +
	"nothing was written now, and nothing is left of what was written in it: roll it back and begin another one")

// sqliteInside begins a transaction, which is refused within another one. In one
// that SQLite has rolled back, as it may when a statement fails, a savepoint
// would begin a transaction and its release would commit that.
func sqliteInside(ctx context.Context, tx audit.Tx) error {
	_, err := tx.ExecContext(ctx, "BEGIN")
	switch {
	case err == nil:
		_, err = tx.ExecContext(ctx, "ROLLBACK")
		return errors.Join(errNoTransaction, err)
	case strings.Contains(err.Error(), "within a transaction"):
		return nil
	}
	return fmt.Errorf("looking whether the host's transaction is open: %w", err)
}
