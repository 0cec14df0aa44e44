// Package memory keeps the record in memory: for tests, for demonstrations and
// for tools of one process. Nothing survives the process, and nothing is
// shared with another one; everything else is as [audit.Store] says.
package memory

import (
	"bytes"
	"context"
	"slices"
	"sync"

	"github.com/changelane/changelane/audit"
)

// Store is an [audit.Store] in memory. Make one with [New].
type Store struct {
	mu      sync.Mutex
	closed  bool
	tenants map[string]*tenant
}

// New makes an empty store.
func New() *Store { return &Store{tenants: map[string]*tenant{}} }

// Close forgets everything; from then on every method returns
// [audit.ErrClosed]. It returns no error.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.tenants = true, nil
	return nil
}

// tenant is all that is kept for one tenant. As each has its own, nothing can
// be seen across.
type tenant struct {
	records  map[audit.Key]*record
	orders   map[list]order
	commands map[string]audit.Answered
	log      log
	shards   map[shard]*queue
	posted   map[string]int64 // the last message of each topic
	leases   map[shard]audit.Lease
}

// record is a record with its events.
type record struct {
	audit.Record
	events []event
}

// event is an event and where it stands.
type event struct {
	leaf  audit.Leaf
	index int64 // in the log; -1: not yet
}

func newTenant() *tenant {
	return &tenant{
		records:  map[audit.Key]*record{},
		orders:   map[list]order{},
		commands: map[string]audit.Answered{},
		shards:   map[shard]*queue{},
		posted:   map[string]int64{},
		leases:   map[shard]audit.Lease{},
	}
}

// within checks a request and serves it while nobody else is served.
func (s *Store) within(ctx context.Context, name string, check func() error, serve func(*tenant) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return audit.ErrClosed
	}
	t := s.tenants[name]
	if t == nil {
		t = newTenant()
		s.tenants[name] = t
	}
	return serve(t)
}

// Commit is as [audit.Store] says.
func (s *Store) Commit(ctx context.Context, b audit.Batch) (done audit.Committed, err error) {
	err = s.within(ctx, b.Tenant, b.Check, func(t *tenant) error {
		done, err = t.commit(b)
		return err
	})
	return done, err
}

func (t *tenant) commit(b audit.Batch) (audit.Committed, error) {
	if first, known := t.commands[b.Command]; known {
		if first.Request != b.Request {
			return audit.Committed{}, &audit.CommandReusedError{Command: b.Command}
		}
		return audit.Committed{Replayed: true, Answer: bytes.Clone(first.Answer)}, nil
	}
	if err := t.current(b); err != nil {
		return audit.Committed{}, err
	}
	for _, w := range b.Writes {
		t.write(w)
	}
	for _, m := range b.Messages {
		t.post(m)
	}
	if b.Command != "" {
		t.commands[b.Command] = audit.Answered{Request: b.Request, Answer: bytes.Clone(b.Answer)}
	}
	return audit.Committed{Answer: bytes.Clone(b.Answer)}, nil
}

// current reports the first record that is not as the batch expects it.
func (t *tenant) current(b audit.Batch) error {
	for _, w := range b.Writes {
		if is := t.present(w.Key); is.Version != w.From || is.Head != w.Prev {
			return &audit.StaleError{Key: w.Key, Want: w.From, Have: is.Version}
		}
	}
	for _, r := range b.Reads {
		if is := t.present(r.Key); is.Version != r.Version {
			return &audit.StaleError{Key: r.Key, Want: r.Version, Have: is.Version}
		}
	}
	return nil
}

// present is a record as it is kept; version 0 when there is none.
func (t *tenant) present(k audit.Key) audit.Record {
	if r := t.records[k]; r != nil {
		return r.Record
	}
	return audit.Record{Key: k}
}

func (t *tenant) write(w audit.Write) {
	r := t.records[w.Key]
	if r == nil {
		r = &record{Record: audit.Record{Key: w.Key}}
		t.records[w.Key] = r
		t.enlist(list{}, w.Key.Kind, w.Key)
		t.enlist(list{kind: w.Key.Kind}, w.Key.ID, w.Key)
	}
	for _, l := range r.Lists {
		t.delist(list{w.Key.Kind, l.List}, l.Sort, w.Key)
	}
	for _, leaf := range w.Events {
		r.events = append(r.events, event{leaf: copyLeaf(leaf), index: -1})
		r.Version++
		t.log.wait(audit.Place{Key: w.Key, Seq: r.Version})
	}
	r.Head, r.State, r.Lists = w.Head, bytes.Clone(w.State), slices.Clone(w.Lists)
	for _, l := range r.Lists {
		t.enlist(list{w.Key.Kind, l.List}, l.Sort, w.Key)
	}
}

// Load is as [audit.Store] says.
func (s *Store) Load(ctx context.Context, r audit.LoadRequest) (found audit.Loaded, err error) {
	err = s.within(ctx, r.Tenant, r.Check, func(t *tenant) error {
		found = t.load(r)
		return nil
	})
	return found, err
}

func (t *tenant) load(r audit.LoadRequest) audit.Loaded {
	found := audit.Loaded{Records: make([]audit.Record, len(r.Keys))}
	if r.Events {
		found.Events = make([][]audit.Entry, len(r.Keys))
	}
	for i, k := range r.Keys {
		found.Records[i] = copyRecord(t.present(k))
		for seq := uint64(1); r.Events && seq <= found.Records[i].Version; seq++ {
			found.Events[i] = append(found.Events[i], t.entry(audit.Place{Key: k, Seq: seq}))
		}
	}
	if first, known := t.commands[r.Command]; known {
		found.Answer = &audit.Answered{Request: first.Request, Answer: bytes.Clone(first.Answer)}
	}
	return found
}

// at finds the event at a place; nil when there is none.
func (t *tenant) at(p audit.Place) *event {
	r := t.records[p.Key]
	if r == nil || p.Seq < 1 || p.Seq > r.Version {
		return nil
	}
	return &r.events[p.Seq-1]
}

// entry copies the event at a place where there is one.
func (t *tenant) entry(p audit.Place) audit.Entry {
	e := t.at(p)
	return audit.Entry{Key: p.Key, Seq: p.Seq, Index: e.index, Leaf: copyLeaf(e.leaf)}
}

func copyLeaf(l audit.Leaf) audit.Leaf {
	return audit.Leaf{Data: bytes.Clone(l.Data), Openings: bytes.Clone(l.Openings)}
}

func copyRecord(r audit.Record) audit.Record {
	r.State, r.Lists = bytes.Clone(r.State), slices.Clone(r.Lists)
	return r
}
