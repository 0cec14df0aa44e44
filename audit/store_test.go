package audit_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// tables is what an intruder has who can write to the database: every table,
// and no key. It reads like a store.
type tables struct {
	audit.Store
	tenant  string
	records []audit.Record
	rows    []row
	events  []audit.Entry
	hashes  []audit.Hash
	log     audit.LogState
}

// row is where a record stands in a list.
type row struct{ kind, id, list, sort string }

// copyTables reads all tables of a tenant.
func copyTables(t testing.TB, s audit.Store, tenant string) *tables {
	t.Helper()
	ctx := t.Context()
	c := &tables{Store: s, tenant: tenant}
	for r, err := range s.List(ctx, audit.ListRequest{Tenant: tenant}) {
		must(t, err)
		c.records = append(c.records, r)
		for _, l := range r.Lists {
			c.rows = append(c.rows, row{r.Key.Kind, r.Key.ID, l.List, l.Sort})
		}
	}
	for _, r := range []audit.EventsRequest{{Tenant: tenant}, {Tenant: tenant, Unsequenced: true}} {
		for e, err := range s.Events(ctx, r) {
			must(t, err)
			c.events = append(c.events, e)
		}
	}
	var err error
	c.log, err = s.Log(ctx, tenant, nil)
	must(t, err)
	for p := range tlog.StoredHashCount(c.log.Size) {
		state, err := s.Log(ctx, tenant, []int64{p})
		must(t, err)
		c.hashes = append(c.hashes, state.Hashes[0])
	}
	return c
}

func (c *tables) Load(_ context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	var l audit.Loaded
	for _, k := range r.Keys {
		record := audit.Record{Key: k}
		for _, have := range c.records {
			if have.Key == k {
				record = have
			}
		}
		entries := slices.DeleteFunc(slices.Clone(c.events), func(e audit.Entry) bool { return e.Key != k })
		slices.SortStableFunc(entries, func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
		l.Records, l.Events = append(l.Records, record), append(l.Events, entries)
	}
	return l, r.Check()
}

func (c *tables) List(_ context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	if r.Kind != "" {
		return all(c.list(r), r.Limit)
	}
	sorted := slices.SortedStableFunc(slices.Values(c.records), func(a, b audit.Record) int {
		return cmp.Or(strings.Compare(a.Key.Kind, b.Key.Kind), strings.Compare(a.Key.ID, b.Key.ID))
	})
	return all(sorted, 0)
}

// list is the records of a list that there are, by its rows.
func (c *tables) list(r audit.ListRequest) (found []audit.Record) {
	rows := slices.DeleteFunc(slices.Clone(c.rows), func(w row) bool {
		return w.kind != r.Kind || w.list != r.List || w.sort < r.From || r.Before != "" && w.sort >= r.Before
	})
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Or(strings.Compare(a.sort, b.sort), strings.Compare(a.id, b.id)) })
	for _, w := range rows {
		for _, have := range c.records {
			if have.Key.Kind == w.kind && have.Key.ID == w.id {
				found = append(found, have)
			}
		}
	}
	return found
}

func (c *tables) Events(_ context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	found := slices.DeleteFunc(slices.Clone(c.events), func(e audit.Entry) bool {
		return r.Unsequenced != (e.Index < 0) || e.Index >= 0 && e.Index < r.From
	})
	slices.SortStableFunc(found, func(a, b audit.Entry) int { return cmp.Compare(a.Index, b.Index) })
	return all(found, r.Limit)
}

func all[T any](items []T, limit int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for i, item := range items {
			if limit > 0 && i == limit || !yield(item, nil) {
				return
			}
		}
	}
}

func (c *tables) Log(_ context.Context, tenant string, positions []int64) (audit.LogState, error) {
	state := c.log
	for _, p := range positions {
		if p >= int64(len(c.hashes)) {
			return state, audit.ErrNotFound
		}
		state.Hashes = append(state.Hashes, c.hashes[p])
	}
	return state, audit.CheckPositions(tenant, positions)
}

// at is the event of a record, for changing.
func (c *tables) at(id string, seq uint64) *audit.Entry {
	for i := range c.events {
		if c.events[i].Key.ID == id && c.events[i].Seq == seq {
			return &c.events[i]
		}
	}
	panic("there is no such event")
}

// record is a record, for changing.
func (c *tables) record(id string) *audit.Record {
	for i := range c.records {
		if c.records[i].Key.ID == id {
			return &c.records[i]
		}
	}
	panic("there is no such record")
}

// drop takes an event away.
func (c *tables) drop(id string, seq uint64) {
	c.events = slices.DeleteFunc(c.events, func(e audit.Entry) bool { return e.Key.ID == id && e.Seq == seq })
}

// rehash stores the hashes of the entries as they are now, for as many as the
// log says it has, as an intruder does to make them fit.
func (c *tables) rehash() {
	c.hashes = nil
	reader := tlog.HashReaderFunc(func(positions []int64) (out []tlog.Hash, err error) {
		for _, p := range positions {
			out = append(out, c.hashes[p])
		}
		return out, nil
	})
	for e := range c.Events(context.Background(), audit.EventsRequest{Limit: int(c.log.Size)}) {
		more, err := tlog.StoredHashes(e.Index, e.Leaf.Data, reader)
		if err != nil {
			panic(err)
		}
		c.hashes = append(c.hashes, more...)
	}
}

// rechain writes the events of a record anew from one on, with their hashes
// and the head of the record, as an intruder does who knows the format.
func (c *tables) rechain(id string, from uint64) {
	r := c.record(id)
	for seq := from; seq <= r.Version; seq++ {
		entry := c.at(id, seq)
		e, err := audit.ParseEvent(entry.Leaf.Data)
		if err != nil {
			panic(err)
		}
		if seq > 1 {
			e.Prev = audit.LeafHash(c.at(id, seq-1).Leaf.Data)
		}
		if entry.Leaf.Data, err = e.Format(); err != nil {
			panic(err)
		}
		r.Head = audit.LeafHash(entry.Leaf.Data)
	}
}

// edit changes the body of an event.
func (c *tables) edit(id string, seq uint64) {
	entry := c.at(id, seq)
	e, err := audit.ParseEvent(entry.Leaf.Data)
	if err != nil {
		panic(err)
	}
	e.Body = []byte("edited")
	if entry.Leaf.Data, err = e.Format(); err != nil {
		panic(err)
	}
}

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func caseKey(tenant, id string) audit.Key { return audit.Key{Tenant: tenant, Kind: "case", ID: id} }

// fold makes the state of a record: its bodies, a line each, and one list.
func fold(k audit.Key, events []audit.Opened) ([]byte, []audit.Listing, error) {
	var state []byte
	for _, e := range events {
		if string(e.Body) == "cannot be replayed" {
			return nil, nil, errors.New(string(e.Body))
		}
		state = fmt.Appendf(state, "%s %s\n", e.Type, e.Body)
	}
	return state, []audit.Listing{{List: "open", Sort: k.ID}}, nil
}

// write moves a record on by one event with one personal datum.
func write(t testing.TB, s audit.Store, k audit.Key) {
	t.Helper()
	loaded, err := s.Load(t.Context(), audit.LoadRequest{Tenant: k.Tenant, Keys: []audit.Key{k}})
	must(t, err)
	r := loaded.Records[0]
	at := noon.Add(time.Duration(r.Version) * time.Second)
	draft := audit.Draft{Type: "case.voted/1", Occurred: at, Recorded: at, Body: fmt.Appendf(nil, `{"n":%d}`, r.Version),
		Personal: []audit.Field{{Name: "voter", Value: []byte("ann")}}}
	state := fmt.Appendf(slices.Clone(r.State), "%s %s\n", draft.Type, draft.Body)
	w, err := audit.Append(r, state, []audit.Listing{{List: "open", Sort: k.ID}}, draft)
	must(t, err)
	_, err = s.Commit(t.Context(), audit.Batch{Tenant: k.Tenant, Writes: []audit.Write{w}})
	must(t, err)
}

// key is a signer of a fresh key.
func key(t testing.TB, name string) audit.Signer {
	t.Helper()
	signing, verifying, err := audit.GenerateKey(name)
	must(t, err)
	s, err := audit.NewSigner(signing)
	must(t, err)
	v, err := note.NewVerifier(verifying)
	must(t, err)
	if v.Name() != s.Name() || v.KeyHash() != s.KeyHash() {
		t.Fatalf("the signer does not know its own verifying key")
	}
	return s
}

// written is a store with four cases, a to d, in turn, so that event seq of
// case i has the index 4*(seq-1)+i; the last event of each waits.
func written(t testing.TB, tenant string, rounds int) (*memory.Store, audit.Signer) {
	t.Helper()
	s, k := memory.New(), key(t, "example.com/"+tenant)
	round := func() {
		for _, id := range []string{"a", "b", "c", "d"} {
			write(t, s, caseKey(tenant, id))
		}
	}
	for range rounds {
		round()
	}
	_, err := audit.Sequence(t.Context(), s, tenant, k, nil)
	must(t, err)
	round()
	return s, k
}
