package audittest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// flaw is one way in which a store is broken, and the checks that find it. Its
// hooks stand before the methods of a store that is right.
type flaw struct {
	name   string
	by     []string
	hangs  bool
	commit func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error)
	load   func(s *flawed, ctx context.Context, r audit.LoadRequest) (audit.Loaded, error)
	list   func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error]
	events func(s *flawed, ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error]
	log    func(s *flawed, ctx context.Context, tenant string, positions []int64) (audit.LogState, error)
	claim  func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error)
	settle func(s *flawed, ctx context.Context, done audit.Settlement) error
}

func (f flaw) wait() time.Duration {
	if f.hangs {
		return time.Second
	}
	return time.Minute
}

// flawed is a store with a flaw.
type flawed struct {
	audit.Store
	flaw
	mu     sync.Mutex
	states map[audit.Key][]byte
	first  map[string]audit.Answered
	leases map[string]audit.Lease
	waits  map[int64]time.Time
}

func wrap(f flaw) *flawed {
	return &flawed{Store: memory.New(), flaw: f, states: map[audit.Key][]byte{}, first: map[string]audit.Answered{},
		leases: map[string]audit.Lease{}, waits: map[int64]time.Time{}}
}

func (s *flawed) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	if s.commit != nil {
		return s.commit(s, ctx, b)
	}
	return s.Store.Commit(ctx, b)
}

func (s *flawed) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	if s.load != nil {
		return s.load(s, ctx, r)
	}
	return s.Store.Load(ctx, r)
}

func (s *flawed) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	if s.list != nil {
		return s.list(s, ctx, r)
	}
	return s.Store.List(ctx, r)
}

func (s *flawed) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	if s.events != nil {
		return s.events(s, ctx, r)
	}
	return s.Store.Events(ctx, r)
}

func (s *flawed) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	if s.log != nil {
		return s.log(s, ctx, tenant, positions)
	}
	return s.Store.Log(ctx, tenant, positions)
}

func (s *flawed) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	if s.claim != nil {
		return s.claim(s, ctx, r)
	}
	return s.Store.Claim(ctx, r)
}

func (s *flawed) Settle(ctx context.Context, done audit.Settlement) error {
	if s.settle != nil {
		return s.settle(s, ctx, done)
	}
	return s.Store.Settle(ctx, done)
}

// rebased writes the events of a stale batch behind whatever is there, as a
// store does that lets the last writer win.
func rebased(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
	for {
		done, err := s.Store.Commit(ctx, b)
		if !errors.Is(err, audit.ErrStale) {
			return done, err
		}
		b.Writes, b.Reads, b.Messages = slices.Clone(b.Writes), nil, nil
		for i, w := range b.Writes {
			found, err := s.Store.Load(ctx, audit.LoadRequest{Tenant: b.Tenant, Keys: []audit.Key{w.Key}})
			if err != nil {
				return done, err
			}
			var drafts []audit.Draft
			for _, l := range w.Events {
				o, err := audit.Open(l)
				if err != nil {
					return done, err
				}
				drafts = append(drafts, audit.Draft{Type: o.Type, Occurred: o.Occurred, Recorded: o.Recorded, Body: o.Body})
			}
			if b.Writes[i], err = audit.Append(found.Records[0], w.State, w.Lists, drafts...); err != nil {
				return done, err
			}
		}
	}
}

// piecemeal commits each write on its own.
func piecemeal(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
	if _, err := s.Store.Commit(ctx, b); !errors.Is(err, audit.ErrStale) {
		return s.Store.Commit(ctx, b)
	}
	var last error
	for _, w := range b.Writes {
		one := audit.Batch{Tenant: b.Tenant, Writes: []audit.Write{w}}
		if _, err := s.Store.Commit(ctx, one); err != nil {
			last = err
		}
	}
	if last == nil {
		_, last = s.Store.Commit(ctx, b)
	}
	return audit.Committed{}, last
}

// changed puts something in the place of a part of every batch.
func changed(change func(s *flawed, b *audit.Batch)) func(*flawed, context.Context, audit.Batch) (audit.Committed, error) {
	return func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
		if err := b.Check(); err != nil {
			return audit.Committed{}, err
		}
		change(s, &b)
		return s.Store.Commit(ctx, b)
	}
}

// settled does so for settlements.
func settled(change func(s *flawed, done *audit.Settlement)) func(*flawed, context.Context, audit.Settlement) error {
	return func(s *flawed, ctx context.Context, done audit.Settlement) error {
		if err := done.Check(); err != nil {
			return err
		}
		change(s, &done)
		return s.Store.Settle(ctx, done)
	}
}

// loaded does so for what was loaded.
func loaded(change func(*audit.Loaded)) func(*flawed, context.Context, audit.LoadRequest) (audit.Loaded, error) {
	return func(s *flawed, ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
		found, err := s.Store.Load(ctx, r)
		change(&found)
		return found, err
	}
}

// claimed does so for what was claimed.
func claimed(change func(*flawed, *audit.Claimed, audit.ClaimRequest)) func(*flawed, context.Context, audit.ClaimRequest) (audit.Claimed, error) {
	return func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
		got, err := s.Store.Claim(ctx, r)
		if err == nil {
			change(s, &got, r)
		}
		return got, err
	}
}

// rearranged reads everything at once and puts it in another order.
func rearranged[T any](all iter.Seq2[T, error], limit int, change func([]T) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var read []T
		for one, err := range all {
			if err != nil {
				yield(one, err)
				return
			}
			read = append(read, one)
		}
		for i, one := range change(read) {
			if limit > 0 && i == limit || !yield(one, nil) {
				return
			}
		}
	}
}

// byFolded orders records as a language does.
func byFolded(rs []audit.Record) []audit.Record {
	slices.SortStableFunc(rs, func(a, b audit.Record) int {
		return strings.Compare(strings.ToLower(a.Key.ID), strings.ToLower(b.Key.ID))
	})
	return rs
}

// byOffset reads page by page from where it has counted to.
func byOffset(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		limit := r.Limit
		for n := 0; ; {
			r.Limit = n + audit.MaxPage
			i, began := 0, n
			var page []audit.Record
			for one, err := range s.Store.List(ctx, r) {
				if err != nil {
					yield(one, err)
					return
				}
				if i++; i > n {
					page = append(page, one)
				}
			}
			for _, one := range page {
				if n++; limit > 0 && n > limit || !yield(one, nil) {
					return
				}
			}
			if n-began < audit.MaxPage {
				return
			}
		}
	}
}

// torn loads each key at a moment of its own.
func torn(s *flawed, ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	whole, err := s.Store.Load(ctx, r)
	for i, k := range r.Keys {
		time.Sleep(100 * time.Microsecond)
		one, err := s.Store.Load(ctx, audit.LoadRequest{Tenant: r.Tenant, Keys: []audit.Key{k}, Events: r.Events})
		if err != nil {
			return one, err
		}
		whole.Records[i] = one.Records[0]
		if r.Events {
			whole.Events[i] = one.Events[0]
		}
	}
	return whole, err
}

// unlocked checks what is only read before it writes, and not as it does.
func unlocked(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
	for _, r := range b.Reads {
		found, err := s.Store.Load(ctx, audit.LoadRequest{Tenant: b.Tenant, Keys: []audit.Key{r.Key}})
		if err != nil {
			return audit.Committed{}, err
		}
		if have := found.Records[0].Version; have != r.Version {
			return audit.Committed{}, &audit.StaleError{Key: r.Key, Want: r.Version, Have: have}
		}
	}
	time.Sleep(time.Millisecond)
	b.Reads = nil
	return s.Store.Commit(ctx, b)
}

// hasty looks commands up before it writes, and keeps them afterwards.
func hasty(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
	if done, known := s.replayed(b); known || b.Command == "" {
		return done, nil
	}
	time.Sleep(time.Millisecond)
	command, first := b.Command, audit.Answered{Request: b.Request, Answer: b.Answer}
	b.Command, b.Request, b.Answer = "", audit.Hash{}, nil
	done, err := s.Store.Commit(ctx, b)
	if err == nil {
		done.Answer = first.Answer
		s.keep(command, first)
	}
	return done, err
}

func (s *flawed) replayed(b audit.Batch) (audit.Committed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, known := s.first[b.Command]
	return audit.Committed{Replayed: known, Answer: first.Answer}, known
}

func (s *flawed) keep(command string, first audit.Answered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first[command] = first
}

// work names what a lease is on.
func work(tenant, name string, shard int) string { return fmt.Sprint(tenant, "/", name, "/", shard) }

// remembered keeps the last lease on each work.
func remembered(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	got, err := s.Store.Claim(ctx, r)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.leases[work(r.Tenant, r.Work, r.Shard)] = got.Lease
	}
	return got, err
}

func (s *flawed) lease(tenant, name string, shard int) (audit.Lease, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.leases[work(tenant, name, shard)]
	return l, ok
}

// shared gives a lease to everyone.
func shared(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	owner := r.Owner
	if l, ok := s.lease(r.Tenant, r.Work, r.Shard); ok {
		r.Owner = l.Owner
	}
	got, err := remembered(s, ctx, r)
	got.Lease.Owner = owner
	return got, err
}

// unfenced settles whatever lease it is given.
func unfenced(s *flawed, ctx context.Context, done audit.Settlement) error {
	err := s.Store.Settle(ctx, done)
	if !errors.Is(err, audit.ErrLeaseLost) {
		return err
	}
	l, ok := s.lease(done.Lease.Tenant, done.Lease.Work, done.Lease.Shard)
	if !ok {
		got, err := s.Store.Claim(ctx, audit.ClaimRequest{Tenant: done.Lease.Tenant, Work: done.Lease.Work, Shard: done.Lease.Shard,
			Owner: done.Lease.Owner, Now: done.Now, For: time.Minute})
		if err != nil {
			return err
		}
		l = got.Lease
	}
	done.Lease = l
	return s.Store.Settle(ctx, done)
}

// held refuses a lease while any other one that looks alike is held.
func held(alike func(l audit.Lease, r audit.ClaimRequest) bool) func(*flawed, context.Context, audit.ClaimRequest) (audit.Claimed, error) {
	return func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
		s.mu.Lock()
		for _, l := range s.leases {
			if alike(l, r) {
				s.mu.Unlock()
				return audit.Claimed{}, audit.ErrLeased
			}
		}
		s.mu.Unlock()
		return remembered(s, ctx, r)
	}
}

// reaching settles the same messages under other leases too.
func reaching(other func(l, of audit.Lease) bool) func(*flawed, context.Context, audit.Settlement) error {
	return func(s *flawed, ctx context.Context, done audit.Settlement) error {
		err := s.Store.Settle(ctx, done)
		for _, l := range s.leases {
			if err == nil && l != done.Lease && other(l, done.Lease) {
				_ = s.Store.Settle(ctx, audit.Settlement{Lease: l, Now: done.Now, Delivered: done.Delivered, Retry: done.Retry, Parked: done.Parked})
			}
		}
		return err
	}
}

// forever is a time that no check reaches.
var forever = time.Date(2190, time.January, 1, 0, 0, 0, 0, time.UTC)
