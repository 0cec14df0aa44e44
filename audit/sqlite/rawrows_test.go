package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlstore"
)

// capture keeps what is committed to a store.
type capture struct {
	audit.Store
	mu      sync.Mutex
	batches []audit.Batch
}

func (c *capture) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	c.mu.Lock()
	c.batches = append(c.batches, b)
	c.mu.Unlock()
	return c.Store.Commit(ctx, b)
}

// take gives what was kept since the last time.
func (c *capture) take() []audit.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.batches
	c.batches = nil
	return taken
}

// rawRows writes the rows of a batch into the tables of the store, by statements
// that are written and prepared by hand, in one durable transaction. It reads
// nothing, checks nothing and computes nothing, not even checksums.
type rawRows struct {
	db                                       *sql.DB
	command, record, listing, event, message *sql.Stmt
}

func openRawRows(b *testing.B) *rawRows {
	b.Helper()
	raw := &rawRows{db: openRaw(b).db}
	_, err := raw.db.Exec(sqlstore.Schema(sqlstore.SQLite()))
	for stmt, text := range map[**sql.Stmt]string{
		&raw.command: `INSERT INTO changelane_commands VALUES (?, ?, ?, ?, 4000000000)`,
		&raw.record:  `INSERT INTO changelane_records VALUES (?, ?, ?, ?, ?, ?, ?, 4000000000)`,
		&raw.listing: `INSERT INTO changelane_lists VALUES (?, ?, ?, ?, ?)`,
		&raw.event:   `INSERT INTO changelane_events (tenant, kind, record, seq, data, openings) VALUES (?, ?, ?, ?, ?, ?)`,
		&raw.message: `INSERT INTO changelane_messages (tenant, topic, shard, kind, record, seq, body, crc) VALUES (?, ?, ?, ?, ?, ?, x'', 4000000000)`,
	} {
		if err == nil {
			*stmt, err = raw.db.Prepare(text)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func (r *rawRows) commit(ctx context.Context, b *audit.Batch) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	put := func(s *sql.Stmt, args ...any) {
		if err == nil {
			_, err = tx.StmtContext(ctx, s).ExecContext(ctx, args...)
		}
	}
	put(r.command, b.Tenant, b.Command, b.Request[:], b.Answer)
	for _, w := range b.Writes {
		k, lists := w.Key, []byte{}
		for _, l := range w.Lists {
			lists = append(binary.AppendUvarint(lists, uint64(len(l.List))), l.List...)
			lists = append(binary.AppendUvarint(lists, uint64(len(l.Sort))), l.Sort...)
			put(r.listing, k.Tenant, k.Kind, l.List, l.Sort, k.ID)
		}
		put(r.record, k.Tenant, k.Kind, k.ID, int64(w.From)+int64(len(w.Events)), w.Head[:], lists, w.State)
		for i, e := range w.Events {
			put(r.event, k.Tenant, k.Kind, k.ID, int64(w.From)+int64(i)+1, e.Data, e.Openings)
		}
	}
	for _, m := range b.Messages {
		put(r.message, m.Key.Tenant, m.Topic, audit.Shard(m.Key), m.Key.Kind, m.Key.ID, int64(m.Seq))
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

// sameRows fails unless the file of a store has the rows that were written by
// hand, and no other ones about cases. Only checksums and numbers may differ.
func (r *rawRows) sameRows(b *testing.B, path string) {
	b.Helper()
	if _, err := r.db.Exec(`ATTACH ? AS store`, path); err != nil {
		b.Fatal(err)
	}
	for table, columns := range map[string]string{
		"commands": "tenant, command, request, answer",
		"records":  "tenant, kind, record, version, head, lists, state",
		"lists":    "tenant, kind, list, sort, record",
		"events":   "tenant, kind, record, seq, place, data, openings",
		"messages": "tenant, topic, shard, kind, record, seq, body, attempts, due, parked",
	} {
		of := func(schema string) string {
			text := "SELECT " + columns + " FROM " + schema + ".changelane_" + table
			if table != "commands" {
				text += " WHERE kind = 'case'"
			}
			return text
		}
		var rows, missing, more int
		if err := r.db.QueryRow(fmt.Sprintf(`SELECT (SELECT count(*) FROM (%[1]s)), (SELECT count(*) FROM (%[1]s EXCEPT %[2]s)), (SELECT count(*) FROM (%[2]s EXCEPT %[1]s))`,
			of("store"), of("main"))).Scan(&rows, &missing, &more); err != nil {
			b.Fatal(err)
		}
		if rows == 0 || missing > 0 || more > 0 {
			b.Fatalf("of %d %s of the store, %d were not written by hand, and %d were that it does not have", rows, table, missing, more)
		}
	}
}
