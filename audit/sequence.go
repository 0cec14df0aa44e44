package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// SequenceOptions are the choices of [Sequence]. The zero value is usable.
type SequenceOptions struct {
	// Owner names this worker and no other; "" gives it a random name.
	Owner string
	// Now is the clock of the lease; nil is time.Now.
	Now func() time.Time
	// Lease is how long one page of work may take before another worker may
	// take over; 0 is a minute. The lease is renewed for every page.
	Lease time.Duration
	// Known are signed checkpoints from outside the store, such as the last
	// one that was published: a log that does not contain them, because it was
	// put back to an old copy, is not extended.
	Known [][]byte
}

// Progress is how far a log has come.
type Progress struct {
	Size       int64
	Added      int64  // of it now
	Checkpoint []byte // signed; nil while the log is empty. Publish it where the log is not
}

// LogError says why a log is not extended or not proved: what the store gives
// is not what was signed. It is an [ErrTampered].
type LogError struct {
	Index int64 // of the entry; -1: it is about the log
	What  string
}

// Error says what is wrong and where.
func (e *LogError) Error() string {
	if e.Index < 0 {
		return fmt.Sprintf("the log is not as it was written: %s", e.What)
	}
	return fmt.Sprintf("the log is not as it was written: entry %d: %s", e.Index, e.What)
}

// Is makes it an [ErrTampered].
func (e *LogError) Is(target error) bool { return target == ErrTampered }

// Sequence puts the events that wait into the log of the tenant, in the order
// of their commit, under checkpoints signed by the key of that log, until none
// waits. One worker at a time does this: while another one does, it returns
// [ErrLeased], and when another one has taken over, [ErrLeaseLost]. With an
// error, too, the progress says what has been committed.
//
// Before it extends a log it holds the stored hashes against the last
// checkpoint, which its own key must have signed, and the last entry against
// the hashes. An event goes into the log only when it is what its record has in
// its place, the record is whole, and what it follows is the event that the log
// has. What is not in order is a [*LogError], or for an event a
// [*TamperedError], and nothing is signed. A checkpoint is given out only after
// it has been committed with its entries, so a crash never leaves two
// checkpoints of one size in the world.
func Sequence(ctx context.Context, s Store, tenant string, key Signer, opts *SequenceOptions) (Progress, error) {
	if key == nil {
		return Progress{}, invalid("a log cannot be extended without its signing key")
	}
	q := sequencer{ctx: ctx, store: s, tenant: tenant, key: key}
	if opts != nil {
		q.SequenceOptions = *opts
	}
	if q.Owner == "" {
		q.Owner = "sequencer-" + rand.Text()
	}
	if q.Now == nil {
		q.Now = time.Now
	}
	if q.Lease == 0 {
		q.Lease = time.Minute
	}
	if err := q.claim(); err != nil {
		return Progress{}, err
	}
	err := q.run()
	return q.progress, errors.Join(err, q.release(err))
}

// sequencer extends one log under one lease.
type sequencer struct {
	SequenceOptions
	ctx      context.Context
	store    Store
	tenant   string
	key      Signer
	lease    Lease
	edge     edge
	progress Progress
}

// claim takes or renews the lease.
func (q *sequencer) claim() error {
	claimed, err := q.store.Claim(q.ctx, ClaimRequest{Tenant: q.tenant, Work: Sequencing,
		Owner: q.Owner, Now: q.Now(), For: q.Lease})
	if err == nil {
		q.lease = claimed.Lease
	}
	return err
}

// release gives the lease back, also when the context has ended: otherwise the
// next worker would wait for nothing.
func (q *sequencer) release(failed error) error {
	if errors.Is(failed, ErrLeaseLost) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(q.ctx), 5*time.Second)
	defer cancel()
	err := q.store.Settle(ctx, Settlement{Lease: q.lease, Now: q.Now(), Release: true})
	if failed != nil || errors.Is(err, ErrLeaseLost) {
		return nil // what was done stands, and the lease ends by itself
	}
	return err
}

// run works page by page until nothing waits.
func (q *sequencer) run() error {
	if err := q.start(); err != nil {
		return err
	}
	for {
		put, grown, err := q.page()
		if err != nil || len(put.Events) == 0 {
			return err
		}
		if err := q.settle(put, grown); err != nil {
			return err
		}
		if err := q.renew(); err != nil {
			return err
		}
	}
}

// renew extends the lease. Where it had ended, and another worker has had it
// meanwhile, the log is looked at again.
func (q *sequencer) renew() error {
	before := q.lease.Token
	err := q.claim()
	switch {
	case errors.Is(err, ErrLeased):
		return ErrLeaseLost
	case err == nil && q.lease.Token != before:
		return q.start()
	}
	return err
}

// start reads the state of the log and checks that it is the one that was
// signed last.
func (q *sequencer) start() error {
	state, err := readState(q.ctx, q.store, q.tenant)
	if err != nil {
		return err
	}
	if q.edge, err = readEdge(q.ctx, q.store, q.tenant, state.Size); err != nil {
		return err
	}
	for _, known := range q.Known {
		if err := q.contains(known); err != nil {
			return err
		}
	}
	if state.Size == 0 && state.Checkpoint == nil {
		return nil
	}
	last, err := OpenCheckpoint(state.Checkpoint, q.key)
	switch {
	case err != nil:
		return &LogError{-1, "its last checkpoint does not open with this key: " + err.Error()}
	case last.Size != state.Size:
		return &LogError{-1, fmt.Sprintf("it has %d entries and its last checkpoint %d", state.Size, last.Size)}
	case last.Root != q.edge.root():
		return &LogError{-1, "its stored hashes do not give the root of its last checkpoint"}
	}
	q.progress.Size, q.progress.Checkpoint = state.Size, state.Checkpoint
	return q.checkLast()
}

// checkLast holds the last entry of the log against its stored hash.
func (q *sequencer) checkLast() error {
	last := q.edge.size - 1
	if last < 0 {
		return nil
	}
	entries, err := collect(q.store.Events(q.ctx, EventsRequest{Tenant: q.tenant, From: last, Limit: 1}))
	if err != nil {
		return err
	}
	hashes, err := stored{q.ctx, q.store, q.tenant}.ReadHashes([]int64{position(0, last)})
	if err != nil {
		return err
	}
	if len(entries) != 1 || entries[0].Index != last || LeafHash(entries[0].Leaf.Data) != hashes[0] {
		return &LogError{last, "it is missing, or is not the one that was put there"}
	}
	return nil
}

// contains checks that the log goes on from a checkpoint that is known.
func (q *sequencer) contains(known []byte) error {
	c, err := OpenCheckpoint(known, q.key)
	if err != nil {
		return fmt.Errorf("a known checkpoint: %w", err)
	}
	if c.Size > q.edge.size {
		return &LogError{-1, fmt.Sprintf("it has %d entries, but a checkpoint of %d is known", q.edge.size, c.Size)}
	}
	then, err := readEdge(q.ctx, q.store, q.tenant, c.Size)
	if err != nil {
		return err
	}
	if then.root() != c.Root {
		return &LogError{-1, fmt.Sprintf("it does not contain the known checkpoint of its first %d entries", c.Size)}
	}
	return nil
}

// page reads a page of the events that wait, and gives what it adds to the log
// and the edge of the tree afterwards. The leaves are not held.
func (q *sequencer) page() (Sequenced, edge, error) {
	grown := q.edge
	put := Sequenced{Size: grown.size}
	last := make(map[Key]link)
	var firsts []link
	for entry, err := range q.store.Events(q.ctx, EventsRequest{Tenant: q.tenant, Unsequenced: true, Limit: MaxSequence}) {
		if err != nil {
			return put, grown, err
		}
		before, known := last[entry.Key]
		if what := before.refuses(known, q.tenant, entry); what != "" {
			return put, grown, &TamperedError{entry.Key, entry.Seq, what}
		}
		hash := LeafHash(entry.Leaf.Data)
		last[entry.Key] = link{entry.Key, entry.Seq, hash}
		if !known {
			firsts = append(firsts, last[entry.Key])
		}
		put.Events = append(put.Events, Place{entry.Key, entry.Seq})
		grown.add(hash, func(_ int, h Hash) Hash {
			put.Hashes = append(put.Hashes, h)
			return h
		})
	}
	for some := range slices.Chunk(firsts, MaxBatch) {
		if err := q.follows(some); err != nil {
			return put, grown, err
		}
	}
	return put, grown, nil
}

// settle signs what a page adds and commits it.
func (q *sequencer) settle(put Sequenced, grown edge) (err error) {
	put.Checkpoint, err = Checkpoint{Origin: q.key.Name(), Size: grown.size, Root: grown.root()}.Sign(q.key)
	if err != nil {
		return err
	}
	if err := q.store.Settle(q.ctx, Settlement{Lease: q.lease, Now: q.Now(), Sequenced: &put}); err != nil {
		return err
	}
	q.edge = grown
	q.progress = Progress{grown.size, q.progress.Added + int64(len(put.Events)), put.Checkpoint}
	return nil
}

// follows checks that the first events of some records in a page go on where
// the log stops: that they are events of their records, and that the ones before
// them are in the log as their records have them.
func (q *sequencer) follows(firsts []link) error {
	r := LoadRequest{Tenant: q.tenant, Events: true}
	for _, first := range firsts {
		r.Keys = append(r.Keys, first.key)
	}
	loaded, err := q.store.Load(q.ctx, r)
	if err != nil {
		return err
	}
	if len(loaded.Records) != len(firsts) || len(loaded.Events) != len(firsts) {
		return errUnasked
	}
	var before []Entry
	for i, first := range firsts {
		entries := loaded.Events[i]
		if err := first.stands(loaded.Records[i], entries); err != nil {
			return err
		}
		if first.seq > 1 {
			before = append(before, entries[first.seq-2])
		}
	}
	return q.logged(before)
}

// logged checks that entries are in the log, with their hashes.
func (q *sequencer) logged(entries []Entry) error {
	var positions []int64
	for _, e := range entries {
		if e.Index >= 0 && e.Index < q.edge.size {
			positions = append(positions, position(0, e.Index))
		}
	}
	if len(entries) == 0 {
		return nil
	}
	state, err := q.store.Log(q.ctx, q.tenant, positions)
	switch {
	case err != nil:
		return err
	case state.Size != q.edge.size:
		return ErrLeaseLost // another worker has gone on with it
	case len(state.Hashes) != len(positions):
		return &LogError{-1, "the store does not give the stored hashes of the log"}
	}
	for _, e := range entries {
		switch {
		case e.Index < 0 || e.Index >= q.edge.size:
			return &TamperedError{e.Key, e.Seq, "it is not in the log, and the event that follows it is to be put there"}
		case LeafHash(e.Leaf.Data) != state.Hashes[0]:
			return &TamperedError{e.Key, e.Seq, fmt.Sprintf("it is not the event that the log has at %d", e.Index)}
		}
		state.Hashes = state.Hashes[1:]
	}
	return nil
}

// link is an event of a page: the first or the last one of its record there.
type link struct {
	key  Key
	seq  uint64
	hash Hash
}

// stands says why an event is not the one that its record has in its place, or
// that the record is not whole.
func (l link) stands(r Record, entries []Entry) error {
	if r.Version == 0 {
		return &TamperedError{l.key, l.seq, "it waits for its place in the log, and belongs to no record"}
	}
	if _, err := OpenChain(r, entries); err != nil {
		return err
	}
	if l.seq > r.Version || LeafHash(entries[l.seq-1].Leaf.Data) != l.hash {
		return &TamperedError{l.key, l.seq, "it waits for its place in the log, and its record has another event there"}
	}
	return nil
}

// refuses says why an event may not go into the log: it must open, be in its
// place, and follow the one before it where that is in the same page.
func (l link) refuses(known bool, tenant string, entry Entry) string {
	o, err := Open(entry.Leaf)
	switch {
	case err != nil:
		return reason(err)
	case entry.Index != -1:
		return fmt.Sprintf("it waits for its place in the log, and has the index %d", entry.Index)
	case o.Key != entry.Key || o.Key.Tenant != tenant || o.Seq != entry.Seq:
		return fmt.Sprintf("it is event %d of %s", o.Seq, o.Key)
	case known && (o.Seq != l.seq+1 || o.Prev != l.hash):
		return fmt.Sprintf("it does not follow event %d, which waits before it", l.seq)
	}
	return ""
}

// collect reads all that an iterator gives.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}
