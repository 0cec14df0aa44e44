package audittest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/changelane/changelane/audit"
)

// broken are stores that are broken in one way each.
func broken() []flaw {
	return slices.Concat(brokenBatches(), brokenCommands(), brokenContents(), brokenReads(), brokenLogs(), brokenLeases(), brokenMessages(), brokenRetries(), brokenTenants())
}

func brokenBatches() []flaw {
	return []flaw{
		{name: "the last writer wins", commit: rebased, by: []string{
			"a batch with one stale part leaves nothing", "of many writers of one version one wins",
			"counting at once counts right", "random operations do what the model does"}},
		{name: "a stale write is acknowledged", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			done, err := s.Store.Commit(ctx, b)
			if errors.Is(err, audit.ErrStale) {
				return audit.Committed{Answer: b.Answer}, nil
			}
			return done, err
		}, by: []string{"of many writers of one version one wins", "counting at once counts right", "a batch that failed leaves its command free"}},
		{name: "reads are not looked at", commit: changed(func(_ *flawed, b *audit.Batch) { b.Reads = nil }), by: []string{
			"a batch with one stale part leaves nothing", "a record that is only read must still be as it was",
			"two records that rest on each other do not both move", "random operations do what the model does"}},
		{name: "reads of what does not exist are not looked at", commit: changed(func(_ *flawed, b *audit.Batch) {
			b.Reads = slices.DeleteFunc(slices.Clone(b.Reads), func(r audit.Read) bool { return r.Version == 0 })
		}), by: []string{"a batch with one stale part leaves nothing"}},
		{name: "reads are looked at before, and not while, it is written", commit: unlocked, by: []string{"two records that rest on each other do not both move"}},
		{name: "a batch is written piecemeal", commit: piecemeal, by: []string{"a batch with one stale part leaves nothing"}},
		{name: "messages are lost", commit: changed(func(_ *flawed, b *audit.Batch) { b.Messages = nil }), by: []string{
			"what a batch writes is there at once", "random operations do what the model does"}},
	}
}

func brokenCommands() []flaw {
	return []flaw{
		{name: "commands are forgotten", commit: changed(func(_ *flawed, b *audit.Batch) {
			b.Command, b.Request, b.Answer = "", audit.Hash{}, nil
		}), by: []string{"a command is carried out once", "a command is not used for something else", "a command is answered before versions are looked at",
			"ten duplicates at once give one event", "commands sent twice by many at once are carried out once"}},
		{name: "a command is not compared with its request", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			done, err := s.Store.Commit(ctx, b)
			if errors.Is(err, audit.ErrCommandReused) {
				return audit.Committed{Replayed: true}, nil
			}
			return done, err
		}, by: []string{"a command is not used for something else", "a command is answered before versions are looked at"}},
		{name: "versions come before commands", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			for _, w := range b.Writes {
				found, err := s.Store.Load(ctx, audit.LoadRequest{Tenant: b.Tenant, Keys: []audit.Key{w.Key}})
				if err != nil || found.Records[0].Version != w.From {
					return audit.Committed{}, cmp.Or(err, error(&audit.StaleError{Key: w.Key, Want: w.From}))
				}
			}
			return s.Store.Commit(ctx, b)
		}, by: []string{"a command is answered before versions are looked at", "ten duplicates at once give one event"}},
		{name: "the last answer is given back", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			done, err := s.Store.Commit(ctx, b)
			if done.Replayed {
				done.Answer = b.Answer
			}
			return done, err
		}, by: []string{"a command is carried out once", "ten duplicates at once give one event"}},
		{name: "a batch that failed uses up its command", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			if done, known := s.replayed(b); known {
				return done, nil
			}
			done, err := s.Store.Commit(ctx, b)
			if err != nil && b.Command != "" {
				s.keep(b.Command, audit.Answered{})
			}
			return done, err
		}, by: []string{"a batch that failed leaves its command free"}},
		{name: "duplicates race", commit: hasty, by: []string{"ten duplicates at once give one event"}},
	}
}

func brokenContents() []flaw {
	return []flaw{
		{name: "the caller's bytes are kept", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			done, err := s.Store.Commit(ctx, b)
			for _, w := range b.Writes {
				if err == nil && !done.Replayed {
					s.states[w.Key] = w.State
				}
			}
			return done, err
		}, load: func(s *flawed, ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
			found, err := s.Store.Load(ctx, r)
			for i := range found.Records {
				found.Records[i].State = s.states[r.Keys[i]]
			}
			return found, err
		}, by: []string{"nothing is shared with the caller"}},
		{name: "old lists are kept", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			b.Writes = slices.Clone(b.Writes)
			for i, w := range b.Writes {
				found, err := s.Store.Load(ctx, audit.LoadRequest{Tenant: b.Tenant, Keys: []audit.Key{w.Key}})
				if err != nil {
					return audit.Committed{}, err
				}
				all := append(found.Records[0].Lists, w.Lists...)
				slices.SortFunc(all, func(a, b audit.Listing) int { return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Sort, b.Sort)) })
				b.Writes[i].Lists = slices.Compact(all)
			}
			return s.Store.Commit(ctx, b)
		}, by: []string{"a record stands where it was put last", "random operations do what the model does"}},
		{name: "a batch has at most 100 events", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			for _, w := range b.Writes {
				if len(w.Events) > 100 {
					return audit.Committed{}, &audit.InvalidError{What: "too many"}
				}
			}
			return s.Store.Commit(ctx, b)
		}, by: []string{"the largest that is allowed is taken"}},
		{name: "a state is cut at a megabyte", commit: changed(func(_ *flawed, b *audit.Batch) {
			b.Writes = slices.Clone(b.Writes)
			for i, w := range b.Writes {
				b.Writes[i].State = w.State[:min(len(w.State), 1<<20)]
			}
		}), by: []string{"the largest that is allowed is taken"}},
		{name: "batches that are wrong in themselves are passed over", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			done, err := s.Store.Commit(ctx, b)
			return done, forgiven(err)
		}, by: []string{"a batch that is wrong in itself is refused"}},
	}
}

// forgiven is an error, unless it is about a request that is wrong in itself.
func forgiven(err error) error {
	if errors.Is(err, audit.ErrInvalid) {
		return nil
	}
	return err
}

func brokenReads() []flaw {
	return []flaw{
		{name: "bytes end at a zero", load: loaded(func(found *audit.Loaded) {
			for i, r := range found.Records {
				found.Records[i].State, _, _ = bytes.Cut(r.State, []byte{0})
			}
		}), by: []string{"bytes come back as they were written"}},
		{name: "bytes are made to be text", load: loaded(func(found *audit.Loaded) {
			for i, r := range found.Records {
				found.Records[i].State = bytes.ToValidUTF8(r.State, []byte("?"))
			}
		}), by: []string{"bytes come back as they were written"}},
		{name: "no openings are empty ones", load: loaded(func(found *audit.Loaded) {
			for _, es := range found.Events {
				for i := range es {
					es[i].Leaf.Openings = append([]byte{}, es[i].Leaf.Openings...)
				}
			}
		}), by: []string{"bytes come back as they were written"}},
		{name: "events come last first", load: loaded(func(found *audit.Loaded) {
			for _, es := range found.Events {
				slices.Reverse(es)
			}
		}), by: []string{"events are counted and chained within their record", "random operations do what the model does"}},
		{name: "an event that waits has the index 0", load: loaded(func(found *audit.Loaded) {
			for _, es := range found.Events {
				for i := range es {
					es[i].Index = max(0, es[i].Index)
				}
			}
		}), by: []string{"events are counted and chained within their record", "random operations do what the model does"}},
		{name: "records come in their own order", load: loaded(func(found *audit.Loaded) {
			slices.SortFunc(found.Records, func(a, b audit.Record) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
		}), by: []string{"Load gives a record for each key"}},
		{name: "each record is loaded at a moment of its own", load: torn, by: []string{"Load sees one moment"}},
		{name: "events that wait come by record", events: func(s *flawed, ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
			if !r.Unsequenced {
				return s.Store.Events(ctx, r)
			}
			limit := r.Limit
			r.Limit = 0
			return rearranged(s.Store.Events(ctx, r), limit, func(es []audit.Entry) []audit.Entry {
				slices.SortStableFunc(es, func(a, b audit.Entry) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
				return es
			})
		}, by: []string{"events that wait come in the order of their commit", "random operations do what the model does"}},
		cancelledFlaw(),
		{name: "lists are ordered as a language does", list: func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
			return rearranged(s.Store.List(ctx, r), r.Limit, byFolded)
		}, by: []string{"lists are ordered byte by byte"}},
		{name: "bounds are the wrong way round", list: func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
			before := r.Before
			if before != "" {
				r.Before += "!" // which comes after it and before all else
			}
			return s.Store.List(ctx, r)
		}, by: []string{"lists have bounds and limits"}},
		{name: "a list ends with its page", list: func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
			if r.Limit == 0 || r.Limit > audit.MaxPage {
				r.Limit = audit.MaxPage
			}
			return s.Store.List(ctx, r)
		}, by: []string{"reading goes on beyond a page"}},
		{name: "pages are counted", list: byOffset, by: []string{"who reads may stop, and write meanwhile"}},
		{name: "a lock is held while the caller works", hangs: true, list: func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
			return func(yield func(audit.Record, error) bool) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.Store.List(ctx, r)(yield)
			}
		}, commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.Store.Commit(ctx, b)
		}, by: []string{"who reads may stop, and write meanwhile"}},
		requestsFlaw(),
	}
}

// cancelledFlaw does not look at contexts.
func cancelledFlaw() flaw {
	on := context.WithoutCancel
	return flaw{name: "a cancelled context is not noticed", by: []string{"a cancelled context changes nothing"},
		commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			return s.Store.Commit(on(ctx), b)
		},
		settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			return s.Store.Settle(on(ctx), done)
		},
	}
}

// requestsFlaw answers what is wrong in itself with nothing.
func requestsFlaw() flaw {
	return flaw{name: "requests that are wrong in themselves are passed over", by: []string{"a request that is wrong in itself is refused"},
		load: func(s *flawed, ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
			found, err := s.Store.Load(ctx, r)
			return found, forgiven(err)
		},
		claim: func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
			got, err := s.Store.Claim(ctx, r)
			return got, forgiven(err)
		},
	}
}

func brokenLogs() []flaw {
	return []flaw{
		{name: "the log is read from one too late", events: func(s *flawed, ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
			if r.From > 0 {
				r.From++
			}
			return s.Store.Events(ctx, r)
		}, by: []string{"events go into the log without a gap"}},
		{name: "nothing is said to wait", log: func(s *flawed, ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
			state, err := s.Store.Log(ctx, tenant, positions)
			state.Waiting = 0
			return state, err
		}, by: []string{"events go into the log without a gap", "random operations do what the model does"}},
		{name: "hashes come in their own order", log: func(s *flawed, ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
			positions = slices.Sorted(slices.Values(positions))
			return s.Store.Log(ctx, tenant, positions)
		}, by: []string{"events go into the log without a gap"}},
		{name: "no checkpoint is an empty one", log: func(s *flawed, ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
			state, err := s.Store.Log(ctx, tenant, positions)
			state.Checkpoint = append([]byte{}, state.Checkpoint...)
			return state, err
		}, by: []string{"events go into the log without a gap"}},
		{name: "a place that cannot be is passed over", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			err := s.Store.Settle(ctx, done)
			if done.Sequenced != nil && done.Check() == nil && (errors.Is(err, audit.ErrInvalid) || errors.Is(err, audit.ErrNotFound)) {
				return nil
			}
			return err
		}, by: []string{"what is put into the log wrongly leaves nothing", "random operations do what the model does"}},
		{name: "events go into the log one by one", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			err := s.Store.Settle(ctx, done)
			if q := done.Sequenced; q != nil && err != nil && done.Check() == nil {
				_ = s.Store.Settle(ctx, audit.Settlement{Lease: done.Lease, Now: done.Now, Sequenced: sequenced(q.Size, q.Events[0])})
			}
			return err
		}, by: []string{"what is put into the log wrongly leaves nothing", "random operations do what the model does"}},
		{name: "a settlement that fails gives the lease back", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			err := s.Store.Settle(ctx, done)
			if err != nil && done.Release {
				_ = s.Store.Settle(ctx, audit.Settlement{Lease: done.Lease, Now: done.Now, Release: true})
			}
			return err
		}, by: []string{"what is put into the log wrongly leaves nothing", "a settlement that is wrong in itself is refused"}},
		{name: "only the order of commit is taken", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			if q := done.Sequenced; q != nil && done.Check() == nil {
				for e := range s.Store.Events(ctx, audit.EventsRequest{Tenant: done.Lease.Tenant, Unsequenced: true, Limit: 1}) {
					if e.Key != q.Events[0].Key {
						return &audit.InvalidError{What: "not the next one"}
					}
				}
			}
			return s.Store.Settle(ctx, done)
		}, by: []string{"events go into the log by their own order only"}},
		{name: "the size of the log is not compared", settle: settled(func(s *flawed, done *audit.Settlement) {
			if q := done.Sequenced; q != nil {
				state, _ := s.Store.Log(context.Background(), done.Lease.Tenant, nil)
				done.Sequenced = sequenced(state.Size, q.Events...)
			}
		}), by: []string{"what is put into the log wrongly leaves nothing", "of two sequencers one wins"}},
		{name: "settlements that are wrong in themselves are passed over", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			return forgiven(s.Store.Settle(ctx, done))
		}, by: []string{"a settlement that is wrong in itself is refused"}},
	}
}

func brokenLeases() []flaw {
	never := func(l audit.Lease, r audit.ClaimRequest) bool {
		return work(l.Tenant, l.Work, l.Shard) == work(r.Tenant, r.Work, r.Shard) && l.Owner != r.Owner
	}
	return []flaw{
		{name: "a lease is given to everyone", claim: shared, by: []string{
			"a lease is held by one worker", "of many workers one gets the lease", "random operations do what the model does"}},
		{name: "a lease cannot be extended", claim: func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
			if l, ok := s.lease(r.Tenant, r.Work, r.Shard); ok && l.Owner == r.Owner && r.Now.Before(l.Until) {
				return audit.Claimed{}, audit.ErrLeased
			}
			return remembered(s, ctx, r)
		}, by: []string{"a lease is extended by who holds it"}},
		{name: "the token is another one each time", claim: func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
			if l, ok := s.lease(r.Tenant, r.Work, r.Shard); ok {
				_ = s.Store.Settle(ctx, audit.Settlement{Lease: l, Now: r.Now, Release: l.Owner == r.Owner})
			}
			return remembered(s, ctx, r)
		}, by: []string{"a lease is extended by who holds it", "random operations do what the model does"}},
		{name: "a lease never ends", claim: held(never), by: []string{"a lease can be taken from its end on"}},
		{name: "a lease holds for years", claim: held(func(l audit.Lease, r audit.ClaimRequest) bool {
			return never(l, r) && r.Now.Before(l.Until)
		}), by: []string{"a lease that ends later than any may holds nobody up"}},
		{name: "a lease ends after its end", claim: func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
			if l, ok := s.lease(r.Tenant, r.Work, r.Shard); ok && l.Owner != r.Owner && r.Now.Equal(l.Until) {
				return audit.Claimed{}, audit.ErrLeased
			}
			return remembered(s, ctx, r)
		}, by: []string{"a lease can be taken from its end on"}},
		{name: "a lease is not given back", settle: settled(func(_ *flawed, done *audit.Settlement) { done.Release = false }), by: []string{
			"a lease that is given back is free", "random operations do what the model does"}},
		{name: "leases have no fence", claim: remembered, settle: unfenced, by: []string{"an old lease settles nothing", "a lease that is given back is free",
			"only who holds the lease puts events into the log", "a lease of one tenant settles nothing of another", "random operations do what the model does"}},
		{name: "a lease is on all shards", claim: held(func(l audit.Lease, r audit.ClaimRequest) bool {
			return l.Work == r.Work && l.Shard != r.Shard && l.Owner != r.Owner
		}), by: []string{"leases on other work are others"}},
	}
}

func brokenMessages() []flaw {
	return []flaw{
		{name: "messages come newest first", claim: claimed(func(_ *flawed, got *audit.Claimed, _ audit.ClaimRequest) { slices.Reverse(got.Messages) }),
			by: []string{"messages come oldest first, in their shard", "random operations do what the model does"}},
		{name: "a message comes twice", claim: claimed(func(_ *flawed, got *audit.Claimed, _ audit.ClaimRequest) {
			got.Messages = append(got.Messages, got.Messages...)
		}), by: []string{"messages come oldest first, in their shard", "random operations do what the model does"}},
		{name: "messages that were claimed do not come again", claim: claimed(func(s *flawed, got *audit.Claimed, _ audit.ClaimRequest) {
			got.Messages = slices.DeleteFunc(got.Messages, func(m audit.Message) bool {
				_, seen := s.waits[m.ID]
				s.waits[m.ID] = noon
				return seen
			})
		}), by: []string{"messages come oldest first, in their shard", "random operations do what the model does"}},
		{name: "the limit is not looked at", claim: func(s *flawed, ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
			if r.Check() == nil {
				r.Limit = 0
			}
			return s.Store.Claim(ctx, r)
		}, by: []string{"a claim gives no more messages than it is asked for", "random operations do what the model does"}},
		{name: "delivered messages are forgotten", settle: dropped(func(done *audit.Settlement) { done.Delivered = nil }), by: []string{
			"a delivered message never comes again", "random operations do what the model does", "a settlement may be sent twice"}},
	}
}

// dropped leaves something out of every settlement.
func dropped(what func(done *audit.Settlement)) func(*flawed, context.Context, audit.Settlement) error {
	return settled(func(_ *flawed, done *audit.Settlement) { what(done) })
}

func brokenRetries() []flaw {
	return []flaw{
		{name: "attempts are not counted", claim: claimed(func(_ *flawed, got *audit.Claimed, _ audit.ClaimRequest) {
			for i := range got.Messages {
				got.Messages[i].Attempts = 0
			}
		}), by: []string{"a message that failed comes at the time of its next try", "random operations do what the model does"}},
		{name: "a message that failed comes at once", settle: dropped(func(done *audit.Settlement) {
			done.Retry = slices.Clone(done.Retry)
			for i := range done.Retry {
				done.Retry[i].At = noon
			}
		}), by: []string{"a message that failed comes at the time of its next try", "random operations do what the model does"}},
		{name: "a message that failed never comes", settle: dropped(func(done *audit.Settlement) {
			for _, r := range done.Retry {
				done.Parked = append(slices.Clone(done.Parked), r.ID)
			}
			done.Retry = nil
		}), by: []string{"a message that failed comes at the time of its next try"}},
		{name: "a message that waits holds up none", settle: settled(func(s *flawed, done *audit.Settlement) {
			done.Retry = slices.Clone(done.Retry)
			for i, r := range done.Retry {
				s.waits[r.ID], done.Retry[i].At = r.At, noon.Add(-time.Hour)
			}
		}), claim: claimed(func(s *flawed, got *audit.Claimed, r audit.ClaimRequest) {
			got.Messages = slices.DeleteFunc(got.Messages, func(m audit.Message) bool { return s.waits[m.ID].After(r.Now) })
		}), by: []string{"a message that waits holds up those about its key, and no others", "random operations do what the model does"}},
		{name: "a message that waits holds up its shard", settle: settled(func(s *flawed, done *audit.Settlement) {
			for _, r := range done.Retry {
				s.waits[r.ID] = r.At
			}
			for _, id := range append(slices.Clone(done.Delivered), done.Parked...) {
				delete(s.waits, id)
			}
		}), claim: claimed(func(s *flawed, got *audit.Claimed, r audit.ClaimRequest) {
			for _, at := range s.waits {
				if at.After(r.Now) {
					got.Messages = nil
				}
			}
		}), by: []string{"a message that waits holds up those about its key, and no others"}},
		{name: "a parked message is put off", settle: dropped(func(done *audit.Settlement) {
			for _, id := range done.Parked {
				done.Retry = append(slices.Clone(done.Retry), audit.Retry{ID: id, At: forever})
			}
			done.Parked = nil
		}), by: []string{"a parked message never comes again and holds up none", "random operations do what the model does"}},
		{name: "a parked message comes again", settle: dropped(func(done *audit.Settlement) { done.Parked = nil }), by: []string{
			"a parked message never comes again and holds up none", "a settlement may be sent twice"}},
		{name: "all topics are one", commit: changed(func(_ *flawed, b *audit.Batch) {
			b.Messages = slices.Clone(b.Messages)
			for i := range b.Messages {
				b.Messages[i].Topic = "mail"
			}
		}), by: []string{"topics do not know each other"}},
		{name: "messages are settled by id only", claim: remembered, settle: reaching(func(l, of audit.Lease) bool { return l.Tenant == of.Tenant }),
			by: []string{"a settlement reaches no further than its lease"}},
		{name: "a settlement that is sent again is an error", settle: func(s *flawed, ctx context.Context, done audit.Settlement) error {
			for _, id := range done.Delivered {
				if _, seen := s.waits[id]; seen {
					return audit.ErrNotFound
				}
				s.waits[id] = noon
			}
			return s.Store.Settle(ctx, done)
		}, by: []string{"a settlement may be sent twice"}},
	}
}

func brokenTenants() []flaw {
	return []flaw{
		{name: "commands are those of all tenants", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			if done, known := s.replayed(b); known && b.Command != "" {
				return done, nil
			}
			done, err := s.Store.Commit(ctx, b)
			if err == nil {
				s.keep(b.Command, audit.Answered{Answer: b.Answer})
			}
			return done, err
		}, by: []string{"the same names of two tenants are different things", "what one tenant sees does not depend on another"}},
		{name: "all tenants see what waits", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			s.mu.Lock()
			s.first[b.Tenant] = audit.Answered{}
			s.mu.Unlock()
			return s.Store.Commit(ctx, b)
		}, log: func(s *flawed, ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
			state, err := s.Store.Log(ctx, tenant, positions)
			for other := range s.first {
				if there, err := s.Store.Log(ctx, other, nil); err == nil && other != tenant {
					state.Waiting += there.Waiting
				}
			}
			return state, err
		}, by: []string{"the same names of two tenants are different things", "what one tenant sees does not depend on another"}},
		{name: "records of all tenants are listed", commit: func(s *flawed, ctx context.Context, b audit.Batch) (audit.Committed, error) {
			s.first[b.Tenant] = audit.Answered{}
			return s.Store.Commit(ctx, b)
		}, list: func(s *flawed, ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
			return func(yield func(audit.Record, error) bool) {
				for other := range s.first {
					r.Tenant = other
					s.Store.List(ctx, r)(yield)
				}
			}
		}, by: []string{"the same names of two tenants are different things"}},
		{name: "leases are those of all tenants", claim: held(func(l audit.Lease, r audit.ClaimRequest) bool {
			return l.Tenant != r.Tenant && l.Work == r.Work && l.Shard == r.Shard && r.Now.Before(l.Until)
		}), by: []string{"leases on other work are others", "what one tenant sees does not depend on another"}},
		{name: "messages of all tenants are settled", claim: remembered, settle: reaching(func(l, of audit.Lease) bool { return l.Tenant != of.Tenant }),
			by: []string{"a lease of one tenant settles nothing of another"}},
	}
}
