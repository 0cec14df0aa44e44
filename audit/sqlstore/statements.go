package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/changelane/changelane/audit"
)

// statement names one of the statements of the store.
type statement int

const (
	readCommand statement = iota // the first two are needed to read and to write
	readLogState
	savepoint
	release
	rollbackTo
	addCommand
	addRecord
	moveRecord
	relistRecord
	readVersion
	unlist
	takeLease
	addLease
	keepLease
	readDue
	deliverMessage
	retryMessage
	parkMessage
	growLog
	addLog
	placeEvent
	eventThere
	nextToPlace

	// Each of these is as many statements as bulkSizes has sizes.
	addEvents
	addLists   = addEvents + statement(len(bulkSizes))
	addMessage = addLists + statement(len(bulkSizes))
	addHashes  = addMessage + statement(len(bulkSizes))
	writes     = addHashes + statement(len(bulkSizes)) // those before are needed to write
)

const (
	readRecord = writes + iota
	readEvents
	readAll
	readKind
	readKindBefore
	readList
	readListBefore
	readLog
	readUnsequenced
	readWaiting
	readHash
	inspectLists
	inspectCommands
	inspectMessages
	inspectPlaces
	inspectHashes
	inspectTables
	statements
)

// bulkSizes are how many rows one statement adds, from many to one: a commit
// of one to three events or messages is one statement.
var bulkSizes = [...]int{32, 8, 3, 2, 1}

// column is one of bytes, and how many a store writes into it at most.
type column struct {
	name string
	most int
}

// capped are columns of bytes, each NULL where it has more than it may, and
// behind them whether one has: what is not loaded cannot exhaust the memory.
func capped(columns ...column) string {
	var values, large strings.Builder
	for i, c := range columns {
		if i > 0 {
			large.WriteString(" OR ")
		}
		fmt.Fprintf(&values, "CASE WHEN length(%[1]s) <= %[2]d THEN %[1]s END, ", c.name, c.most)
		fmt.Fprintf(&large, "length(%s) > %d", c.name, c.most)
	}
	return values.String() + "coalesce(" + large.String() + ", 0)"
}

// name is a column with a name, or as much of it as shows that it is too long.
func name(column string) string { return fmt.Sprintf("substr(%s, 1, %d)", column, audit.MaxName+1) }

// The most bytes of a hash, and of the lists of a record: a length before a name
// or sort key has two bytes.
const (
	maxHash  = len(audit.Hash{})
	maxLists = audit.MaxLists * 2 * (audit.MaxName + 2)
)

var recordColumns = name("r.kind") + ", " + name("r.record") + ", r.version, " +
	capped(column{"r.head", maxHash}, column{"r.lists", maxLists}, column{"r.state", audit.MaxState}) + ", r.crc"

var entryColumns = name("kind") + ", " + name("record") + ", seq, place, " +
	capped(column{"data", audit.MaxLeaf}, column{"openings", audit.MaxLeaf})

var messageColumns = "m.number, " + name("m.topic") + ", " + name("m.kind") + ", " + name("m.record") + ", m.seq, " +
	capped(column{"m.body", audit.MaxState}) + ", m.crc, m.attempts"

// single is the statements that are one each. The version of a record is
// checked and moved on by one statement, which also tells the lists it stood
// in: they change less often than it.
var single = map[statement]string{
	savepoint:  `SAVEPOINT changelane`,
	release:    `RELEASE SAVEPOINT changelane`,
	rollbackTo: `ROLLBACK TO SAVEPOINT changelane`,

	addCommand:  `INSERT INTO changelane_commands (tenant, command, request, answer, crc) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	readCommand: `SELECT ` + capped(column{"request", maxHash}, column{"answer", audit.MaxState}) + `, crc FROM changelane_commands WHERE tenant = ? AND command = ?`,

	addRecord: `INSERT INTO changelane_records (tenant, kind, record, version, head, lists, state, crc) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
	moveRecord: `UPDATE changelane_records SET version = ?, head = ?, state = ?, crc = ?
WHERE tenant = ? AND kind = ? AND record = ? AND version = ? AND head = ? RETURNING lists`,
	relistRecord: `UPDATE changelane_records SET lists = ? WHERE tenant = ? AND kind = ? AND record = ?`,
	readVersion:  `SELECT version FROM changelane_records WHERE tenant = ? AND kind = ? AND record = ?`,
	readRecord:   `SELECT ` + recordColumns + ` FROM changelane_records r WHERE r.tenant = ? AND r.kind = ? AND r.record = ?`,
	readEvents:   `SELECT ` + entryColumns + ` FROM changelane_events WHERE tenant = ? AND kind = ? AND record = ? ORDER BY seq`,

	unlist: `DELETE FROM changelane_lists WHERE tenant = ? AND kind = ? AND list = ? AND sort = ? AND record = ?`,
	readAll: `SELECT ` + recordColumns + `, '' FROM changelane_records r
WHERE r.tenant = ? AND (r.kind, r.record) > (?, ?) ORDER BY r.kind, r.record LIMIT ?`,
	readKind: `SELECT ` + recordColumns + `, '' FROM changelane_records r
WHERE r.tenant = ? AND r.kind = ? AND r.record >= ? ORDER BY r.record LIMIT ?`,
	readList: `SELECT ` + recordColumns + `, ` + name("l.sort") + ` FROM changelane_lists l
JOIN changelane_records r ON r.tenant = l.tenant AND r.kind = l.kind AND r.record = l.record
WHERE l.tenant = ? AND l.kind = ? AND l.list = ? AND (l.sort, l.record) > (?, ?) ORDER BY l.sort, l.record LIMIT ?`,

	readLog: `SELECT ` + entryColumns + `, place FROM changelane_events
WHERE tenant = ? AND place > ? ORDER BY place LIMIT ?`,
	readUnsequenced: `SELECT ` + entryColumns + `, number FROM changelane_events
WHERE tenant = ? AND place IS NULL AND number > ? ORDER BY number LIMIT ?`,
	readLogState: `SELECT size, ` + capped(column{"checkpoint", audit.MaxState}) + ` FROM changelane_logs WHERE tenant = ?`,
	readWaiting:  `SELECT count(*) FROM changelane_events WHERE tenant = ? AND place IS NULL`,
	readHash:     `SELECT ` + capped(column{"hash", maxHash}) + ` FROM changelane_hashes WHERE tenant = ? AND position = ?`,

	takeLease: `UPDATE changelane_leases SET token = CASE WHEN owner = ? THEN token ELSE token + 1 END, owner = ?, until = ?
WHERE tenant = ? AND work = ? AND shard = ? AND (owner = ? OR owner = '' OR until <= ? OR until > ?) RETURNING token`,
	addLease:  `INSERT INTO changelane_leases (tenant, work, shard, owner, token, until) VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`,
	keepLease: `UPDATE changelane_leases SET owner = ? WHERE tenant = ? AND work = ? AND shard = ? AND owner = ? AND token = ?`,
	readDue: `SELECT ` + messageColumns + ` FROM changelane_messages m
WHERE m.tenant = ? AND m.topic = ? AND m.shard = ? AND m.parked = 0 AND (m.due IS NULL OR m.due <= ?)
AND NOT EXISTS (SELECT 1 FROM changelane_messages e WHERE e.tenant = m.tenant AND e.topic = m.topic AND e.kind = m.kind AND e.record = m.record
  AND e.parked = 0 AND e.due IS NOT NULL AND e.due > ? AND e.number < m.number)
ORDER BY m.number LIMIT ?`,
	deliverMessage: `DELETE FROM changelane_messages WHERE number = ? AND tenant = ? AND topic = ? AND shard = ?`,
	retryMessage:   `UPDATE changelane_messages SET due = ?, attempts = attempts + 1 WHERE number = ? AND tenant = ? AND topic = ? AND shard = ?`,
	parkMessage:    `UPDATE changelane_messages SET parked = 1 WHERE number = ? AND tenant = ? AND topic = ? AND shard = ?`,

	growLog: `UPDATE changelane_logs SET size = ?, checkpoint = ? WHERE tenant = ? AND size = ?`,
	addLog:  `INSERT INTO changelane_logs (tenant, size, checkpoint) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
	placeEvent: `UPDATE changelane_events SET place = ? WHERE tenant = ? AND kind = ? AND record = ? AND seq = ? AND place IS NULL
AND (seq = 1 OR EXISTS (SELECT 1 FROM changelane_events b WHERE b.tenant = ? AND b.kind = ? AND b.record = ? AND b.seq = ? AND b.place IS NOT NULL))`,
	eventThere:  `SELECT count(*) FROM changelane_events WHERE tenant = ? AND kind = ? AND record = ? AND seq = ?`,
	nextToPlace: `SELECT COALESCE(max(seq), 0) + 1 FROM changelane_events WHERE tenant = ? AND kind = ? AND record = ? AND place IS NOT NULL`,

	inspectLists: `SELECT ` + name("kind") + ` AS k, ` + name("record") + ` AS r, 0 AS row, ` + capped(column{"lists", maxLists}) + `, '' AS list, '' AS sort
FROM changelane_records WHERE tenant = ? UNION ALL
SELECT ` + name("kind") + `, ` + name("record") + `, 1, NULL, 0, ` + name("list") + `, ` + name("sort") + `
FROM changelane_lists WHERE tenant = ? ORDER BY k, r, row, list, sort`,
	inspectCommands: `SELECT ` + name("command") + `, ` + capped(column{"request", maxHash}, column{"answer", audit.MaxState}) + `, crc
FROM changelane_commands WHERE tenant = ? ORDER BY command`,
	inspectMessages: `SELECT ` + messageColumns + `, m.shard, m.parked, EXISTS (SELECT 1 FROM changelane_events e
  WHERE e.tenant = m.tenant AND e.kind = m.kind AND e.record = m.record AND e.seq = m.seq)
FROM changelane_messages m WHERE m.tenant = ? ORDER BY m.number`,
	inspectPlaces: `SELECT ` + name("kind") + `, ` + name("record") + `, seq, place FROM changelane_events
WHERE tenant = ? AND (place < 0 OR place >= ?) ORDER BY place`,
	inspectHashes: `SELECT position FROM changelane_hashes WHERE tenant = ? AND (position < 0 OR position >= ?) ORDER BY position`,
}

// bulk is the statements that add many rows at once: all before VALUES, and
// one row.
var bulk = map[statement][2]string{
	addEvents: {`INSERT INTO changelane_events (tenant, kind, record, seq, data, openings) VALUES `, `(?, ?, ?, ?, ?, ?)`},
	addLists:  {`INSERT INTO changelane_lists (tenant, kind, list, sort, record) VALUES `, `(?, ?, ?, ?, ?)`},
	addMessage: {`INSERT INTO changelane_messages (tenant, topic, shard, kind, record, seq, body, crc) VALUES `,
		`(?, ?, ?, ?, ?, ?, ?, ?)`},
	addHashes: {`INSERT INTO changelane_hashes (tenant, position, hash) VALUES `, `(?, ?, ?)`},
}

// texts are the statements as the database reads them.
func texts(d *dialect) *[statements]string {
	var all [statements]string
	for s, text := range single {
		all[s] = text
	}
	for first, parts := range bulk {
		for i, n := range bulkSizes {
			all[first+statement(i)] = parts[0] + parts[1] + strings.Repeat(", "+parts[1], n-1)
		}
	}
	all[readKindBefore] = strings.Replace(all[readKind], " ORDER BY", " AND r.record < ? ORDER BY", 1)
	all[readListBefore] = strings.Replace(all[readList], " ORDER BY", " AND l.sort < ? ORDER BY", 1)
	all[inspectTables] = d.sound
	return &all
}

// session runs statements in one transaction.
type session interface {
	exec(ctx context.Context, s statement, args ...any) (int64, error) // rows affected
	query(ctx context.Context, s statement, args ...any) (*sql.Rows, error)
}

// prepared runs statements that are prepared on the store's own handle.
type prepared struct {
	tx    *sql.Tx
	stmts []*sql.Stmt
}

func (p prepared) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	return affected(p.tx.StmtContext(ctx, p.stmts[s]).ExecContext(ctx, args...))
}

func (p prepared) query(ctx context.Context, s statement, args ...any) (*sql.Rows, error) {
	return p.tx.StmtContext(ctx, p.stmts[s]).QueryContext(ctx, args...)
}

// hosted runs statements in a transaction of the host's.
type hosted struct {
	tx    audit.Tx
	texts *[statements]string
}

func (h hosted) exec(ctx context.Context, s statement, args ...any) (int64, error) {
	return affected(h.tx.ExecContext(ctx, h.texts[s], args...))
}

func (h hosted) query(ctx context.Context, s statement, args ...any) (*sql.Rows, error) {
	return h.tx.QueryContext(ctx, h.texts[s], args...)
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one reads the first row of a query and tells whether there was one.
func one(ctx context.Context, x session, s statement, args []any, into ...any) (bool, error) {
	rows, err := x.query(ctx, s, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, rows.Err()
	}
	if err := rows.Scan(into...); err != nil {
		return false, err
	}
	return true, rows.Close()
}

// addAll adds n rows with as few statements as there are sizes for. Each row
// appends its arguments.
func addAll(ctx context.Context, x session, first statement, n int, row func(args []any, i int) []any) error {
	for i := 0; i < n; {
		size := 0
		for bulkSizes[size] > n-i {
			size++
		}
		var args []any
		for range bulkSizes[size] {
			args = row(args, i)
			i++
		}
		if _, err := x.exec(ctx, first+statement(size), args...); err != nil {
			return err
		}
	}
	return nil
}
