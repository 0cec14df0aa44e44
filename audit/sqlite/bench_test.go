package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

// benchBatches are batches of a document of 1.2 KB, three events and a message,
// each with a command, over 50 records for each caller: callers do not meet.
func benchBatches(b *testing.B, caller, n int) []audit.Batch {
	b.Helper()
	state := bytes.Repeat([]byte("x"), 1200)
	body := []byte(`{"what":"` + strings.Repeat("y", 180) + `"}`)
	records := make([]audit.Record, 50)
	for i := range records {
		records[i].Key = audit.Key{Tenant: tenant, Kind: "case", ID: fmt.Sprintf("CHG-%04d-%04d", caller, i)}
	}
	batches := make([]audit.Batch, n)
	for i := range batches {
		r := &records[i%len(records)]
		drafts := make([]audit.Draft, 3)
		for d := range drafts {
			drafts[d] = audit.Draft{Type: "case.voted/1", Occurred: noon, Recorded: noon, Body: body}
		}
		w, err := audit.Append(*r, state, []audit.Listing{{List: "open", Sort: r.Key.ID}}, drafts...)
		if err != nil {
			b.Fatal(err)
		}
		r.Version, r.Head = r.Version+3, w.Head
		batches[i] = audit.Batch{
			Tenant: tenant, Command: fmt.Sprintf("%016x-%d-%d", i*2654435761, caller, i), Request: audit.LeafHash(state[:i%1000]), Answer: []byte("done"),
			Writes:   []audit.Write{w},
			Messages: []audit.Message{{Topic: "mail", Key: r.Key, Seq: r.Version, Body: body}},
		}
	}
	return batches
}

// committer commits one batch.
type committer func(context.Context, *audit.Batch) error

func through(s *sqlstore.Store) committer {
	return func(ctx context.Context, b *audit.Batch) error {
		_, err := s.Commit(ctx, *b)
		return err
	}
}

// commitAll has callers commit their batches side by side and tells how long
// that takes.
func commitAll(b *testing.B, batches [][]audit.Batch, commit committer) time.Duration {
	b.Helper()
	var failed atomic.Pointer[error]
	var wait sync.WaitGroup
	began := time.Now()
	for _, own := range batches {
		wait.Go(func() {
			ctx, cancel := context.WithCancel(b.Context()) // as a request has
			defer cancel()
			for i := range own {
				if err := commit(ctx, &own[i]); err != nil {
					failed.Store(&err)
					return
				}
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
	return took
}

// callersBatches are n batches of so many callers.
func callersBatches(b *testing.B, callers, n int) [][]audit.Batch {
	b.Helper()
	batches := make([][]audit.Batch, callers)
	for i := range batches {
		batches[i] = benchBatches(b, i, (n+callers-1-i)/callers)
	}
	return batches
}

// BenchmarkCommit is the store, in groups and each call alone, and the engine
// itself: rows of the same sizes written by hand, with prepared statements.
func BenchmarkCommit(b *testing.B) {
	for _, way := range []struct {
		name string
		open func(*testing.B) committer
	}{
		{"raw", func(b *testing.B) committer { return openRaw(b).commit }},
		{"store", func(b *testing.B) committer { return through(open(b, nil)) }},
		{"alone", func(b *testing.B) committer { return through(open(b, &sqlite.Options{NoGroup: true})) }},
	} {
		for _, callers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/callers=%d", way.name, callers), func(b *testing.B) {
				commit := way.open(b)
				batches := callersBatches(b, callers, b.N)
				b.ResetTimer()
				took := commitAll(b, batches, commit)
				b.ReportMetric(float64(b.N)/took.Seconds(), "commits/s")
			})
		}
	}
}

// BenchmarkAgainstRaw holds the store against the engine itself in one run:
// both do the same batches in turns, because a disk is not as fast from one
// minute to the next. The bar is the median of the turns' ratios: at most 1.3
// times the engine's time at one caller, less than once at eight.
func BenchmarkAgainstRaw(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			raw, store := openRaw(b).commit, through(open(b, nil))
			batches := callersBatches(b, callers, b.N)
			turn := max(1, 500/callers)
			var ratios []float64
			b.ResetTimer()
			for len(batches[0]) > 0 {
				now := make([][]audit.Batch, callers)
				for i := range batches {
					n := min(turn, len(batches[i]))
					now[i], batches[i] = batches[i][:n], batches[i][n:]
				}
				engine := commitAll(b, now, raw)
				ratios = append(ratios, float64(commitAll(b, now, store))/float64(engine))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "store/raw")
		})
	}
}

// rawEngine is what somebody would write by hand for one kind of document: no
// versions, no lists, no idempotency, no checks.
type rawEngine struct {
	db                       *sql.DB
	document, event, message *sql.Stmt
}

func openRaw(b *testing.B) *rawEngine {
	b.Helper()
	path := filepath.Join(b.TempDir(), "raw.db")
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
		"&_pragma=cache_size(4000)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE documents (tenant TEXT, kind TEXT, id TEXT, version INTEGER, head BLOB, state BLOB, PRIMARY KEY (tenant, kind, id));
CREATE TABLE events (number INTEGER PRIMARY KEY, tenant TEXT, kind TEXT, id TEXT, seq INTEGER, data BLOB, UNIQUE (tenant, kind, id, seq));
CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT, topic TEXT, kind TEXT, id TEXT, seq INTEGER, body BLOB)`); err != nil {
		b.Fatal(err)
	}
	raw := &rawEngine{db: db}
	for stmt, text := range map[**sql.Stmt]string{
		&raw.document: `INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, head = excluded.head, state = excluded.state`,
		&raw.event:    `INSERT INTO events (tenant, kind, id, seq, data) VALUES (?, ?, ?, ?, ?)`,
		&raw.message:  `INSERT INTO outbox (tenant, topic, kind, id, seq, body) VALUES (?, ?, ?, ?, ?, ?)`,
	} {
		if *stmt, err = db.Prepare(text); err != nil {
			b.Fatal(err)
		}
	}
	return raw
}

func (r *rawEngine) commit(ctx context.Context, b *audit.Batch) error {
	tx, err := r.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	w := &b.Writes[0]
	k := w.Key
	if _, err := tx.StmtContext(ctx, r.document).ExecContext(ctx, k.Tenant, k.Kind, k.ID, int64(w.From)+3, w.Head[:], w.State); err != nil {
		return err
	}
	event := tx.StmtContext(ctx, r.event)
	for i, e := range w.Events {
		if _, err := event.ExecContext(ctx, k.Tenant, k.Kind, k.ID, int64(w.From)+int64(i)+1, e.Data); err != nil {
			return err
		}
	}
	m := &b.Messages[0]
	if _, err := tx.StmtContext(ctx, r.message).ExecContext(ctx, k.Tenant, m.Topic, k.Kind, k.ID, int64(m.Seq), m.Body); err != nil {
		return err
	}
	return tx.Commit()
}
