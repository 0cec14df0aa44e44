package sqlstore

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/changelane/changelane/audit"
)

// Claim is as [audit.Store] says. It gives fewer messages than were asked for
// when they are large. A message whose row is damaged it parks, so that it holds
// up no others; see [Store.Damaged] and [Store.Inspect].
func (s *Store) Claim(ctx context.Context, r audit.ClaimRequest) (audit.Claimed, error) {
	return claimThrough(ctx, s, r)
}

func claimThrough(ctx context.Context, a access, r audit.ClaimRequest) (audit.Claimed, error) {
	leave, err := a.enter(ctx, r.Check())
	if err != nil {
		return audit.Claimed{}, err
	}
	defer leave()
	claimed := audit.Claimed{Lease: audit.Lease{Tenant: r.Tenant, Work: r.Work, Shard: r.Shard, Owner: r.Owner, Until: r.Now.Add(r.For)}}
	damaged := 0
	err = a.write(ctx, func(ctx context.Context, x session) (err error) {
		if claimed.Lease.Token, err = lease(ctx, x, r); err == nil {
			claimed.Messages, damaged, err = due(ctx, x, r)
		}
		return err
	})
	if err != nil {
		return audit.Claimed{}, err
	}
	a.store().damaged.Add(int64(damaged))
	return claimed, nil
}

// Damaged is how many messages [Store.Claim] has parked because their rows are
// not as they were written, since the store was opened. They are not lost:
// [Store.Inspect] names them.
func (s *Store) Damaged() int64 { return s.damaged.Load() }

// lease takes or extends a lease and gives its token, which rises when the
// lease changes hands, also by way of nobody's. One that ends later than any that
// begins now holds nobody up: its row was edited, or the clock of who took it is
// wrong.
func lease(ctx context.Context, x session, r audit.ClaimRequest) (uint64, error) {
	var token int64
	until := r.Now.Add(r.For).UnixNano()
	latest := r.Now.Add(audit.MaxLease).UnixNano() // a lease from now on does not end after that
	taken, err := one(ctx, x, takeLease, []any{r.Owner, r.Owner, until,
		r.Tenant, r.Work, r.Shard, r.Owner, r.Now.UnixNano(), latest}, &token)
	if err != nil || taken {
		return uint64(token), err
	}
	n, err := x.exec(ctx, addLease, r.Tenant, r.Work, r.Shard, r.Owner, until)
	if err == nil && n == 0 {
		err = audit.ErrLeased
	}
	return 1, err
}

// due reads the messages of a shard that may be tried now, the oldest first. It
// parks those that are damaged, and reads again without them.
func due(ctx context.Context, x session, r audit.ClaimRequest) (messages []audit.Message, parked int, err error) {
	for {
		page, err := duePage(ctx, x, r)
		if err != nil {
			return nil, 0, err
		}
		messages = nil
		again := false
		for _, one := range page {
			if one.err == nil {
				messages = append(messages, one.value)
				continue
			}
			n, err := x.exec(ctx, parkMessage, one.value.ID, r.Tenant, r.Work, r.Shard)
			if err != nil {
				return nil, 0, err
			}
			parked, again = parked+int(n), again || n > 0
		}
		if !again {
			return messages, parked, nil
		}
	}
}

func duePage(ctx context.Context, x session, r audit.ClaimRequest) ([]item[audit.Message], error) {
	most := r.Limit
	if most == 0 {
		most = audit.MaxPage
	}
	now := r.Now.UnixNano()
	rows, err := x.query(ctx, readDue, r.Tenant, r.Work, r.Shard, now, now, most)
	if err != nil {
		return nil, err
	}
	page, _, err := collect(rows, most, func() (item[audit.Message], int, error) {
		m, err := scanMessage(rows, r.Tenant)
		return itemOf(m, len(m.Body), err)
	})
	return page, err
}

// Settle is as [audit.Store] says. Messages that the shard does not hold, as
// they were delivered or never were, are passed over: it may be sent twice.
func (s *Store) Settle(ctx context.Context, done audit.Settlement) error {
	return settleThrough(ctx, s, done)
}

func settleThrough(ctx context.Context, a access, done audit.Settlement) error {
	leave, err := a.enter(ctx, done.Check())
	if err != nil {
		return err
	}
	defer leave()
	return a.write(ctx, func(ctx context.Context, x session) error { return settle(ctx, x, done) })
}

func settle(ctx context.Context, x session, done audit.Settlement) error {
	l := done.Lease
	owner := l.Owner
	if done.Release {
		owner = "" // the token stays, so that the next one is higher
	}
	n, err := x.exec(ctx, keepLease, owner, l.Tenant, l.Work, l.Shard, l.Owner, int64(l.Token))
	if err != nil {
		return err
	}
	if n == 0 {
		return audit.ErrLeaseLost
	}
	if done.Sequenced != nil {
		if err := sequence(ctx, x, l.Tenant, done.Sequenced); err != nil {
			return err
		}
	}
	for _, id := range done.Delivered {
		if _, err := x.exec(ctx, deliverMessage, id, l.Tenant, l.Work, l.Shard); err != nil {
			return err
		}
	}
	for _, r := range done.Retry {
		if _, err := x.exec(ctx, retryMessage, r.At.UnixNano(), r.ID, l.Tenant, l.Work, l.Shard); err != nil {
			return err
		}
	}
	for _, id := range done.Parked {
		if _, err := x.exec(ctx, parkMessage, id, l.Tenant, l.Work, l.Shard); err != nil {
			return err
		}
	}
	return nil
}

// sequence puts events into the log.
func sequence(ctx context.Context, x session, tenant string, s *audit.Sequenced) error {
	if err := grow(ctx, x, tenant, s); err != nil {
		return err
	}
	for i, p := range s.Events {
		k := p.Key
		n, err := x.exec(ctx, placeEvent, s.Size+int64(i), tenant, k.Kind, k.ID, int64(p.Seq), tenant, k.Kind, k.ID, int64(p.Seq)-1)
		if err != nil {
			return err
		}
		if n == 0 {
			return misplaced(ctx, x, p)
		}
	}
	first := storedHashes(s.Size)
	return addAll(ctx, x, addHashes, len(s.Hashes), func(args []any, i int) []any {
		return append(args, tenant, first+int64(i), s.Hashes[i][:])
	})
}

// grow moves the log on from the size that the sequencer saw.
func grow(ctx context.Context, x session, tenant string, s *audit.Sequenced) error {
	after := s.Size + int64(len(s.Events))
	n, err := x.exec(ctx, growLog, after, s.Checkpoint, tenant, s.Size)
	if err == nil && n == 0 && s.Size == 0 {
		n, err = x.exec(ctx, addLog, tenant, after, s.Checkpoint)
	}
	if err != nil || n > 0 {
		return err
	}
	size, _, err := readSize(ctx, x, tenant)
	if err != nil {
		return err
	}
	return &audit.StaleError{Key: audit.Key{Tenant: tenant, Kind: audit.Sequencing}, Want: uint64(s.Size), Have: uint64(size)}
}

// misplaced says why an event could not be put into the log: it is not there,
// or is not the next one of its record.
func misplaced(ctx context.Context, x session, p audit.Place) error {
	k := p.Key
	var there, next int64
	if _, err := one(ctx, x, eventThere, []any{k.Tenant, k.Kind, k.ID, int64(p.Seq)}, &there); err != nil {
		return err
	}
	if there == 0 {
		return fmt.Errorf("event %d of %s: %w", p.Seq, k, audit.ErrNotFound)
	}
	if _, err := one(ctx, x, nextToPlace, []any{k.Tenant, k.Kind, k.ID}, &next); err != nil {
		return err
	}
	return &audit.InvalidError{What: fmt.Sprintf(
		"event %d of %s was put into the log where its event %d is the next one; the events of a record go in by their order, each once", p.Seq, k, next)}
}

// storedHashes is how many hashes the tree of a log of this size has, which
// is tlog.StoredHashCount: each event completes one, and one more for every
// pair of equal trees that it closes.
func storedHashes(size int64) int64 { return 2*size - int64(bits.OnesCount64(uint64(size))) }
