package memory

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/audit"
)

// shard names a shard of some work: of a topic, or the sequencing.
type shard struct {
	work string
	n    int
}

// queue holds the messages of a shard that are not delivered, by ID.
type queue []*message

// message is a message and when it is tried again.
type message struct {
	audit.Message
	next   time.Time // zero: at once
	parked bool
}

func (t *tenant) post(m audit.Message) {
	t.posted[m.Topic]++
	m.ID, m.Attempts, m.Body = t.posted[m.Topic], 0, bytes.Clone(m.Body)
	at := shard{m.Topic, audit.Shard(m.Key)}
	if t.shards[at] == nil {
		t.shards[at] = &queue{}
	}
	*t.shards[at] = append(*t.shards[at], &message{Message: m})
}

// Claim is as [audit.Store] says. A lease holds while Now is before its end,
// unless that is later than one that begins now could have.
func (s *Store) Claim(ctx context.Context, r audit.ClaimRequest) (claimed audit.Claimed, err error) {
	err = s.within(ctx, r.Tenant, r.Check, func(t *tenant) error {
		claimed, err = t.claim(r)
		return err
	})
	return claimed, err
}

func (t *tenant) claim(r audit.ClaimRequest) (audit.Claimed, error) {
	at := shard{r.Work, r.Shard}
	l := t.leases[at]
	if l.Owner != r.Owner {
		if l.Owner != "" && r.Now.Before(l.Until) && !l.Until.After(r.Now.Add(audit.MaxLease)) {
			return audit.Claimed{}, audit.ErrLeased
		}
		l = audit.Lease{Tenant: r.Tenant, Work: r.Work, Shard: r.Shard, Owner: r.Owner, Token: l.Token + 1}
	}
	l.Until = r.Now.Add(r.For)
	t.leases[at] = l
	most := r.Limit
	if most == 0 {
		most = audit.MaxPage
	}
	claimed := audit.Claimed{Lease: l}
	if q := t.shards[at]; q != nil {
		claimed.Messages = q.due(r.Now, most)
	}
	return claimed, nil
}

// due copies the oldest messages that may be tried now. One that waits for its
// own time holds up the later ones about the same key, as their order counts.
func (q queue) due(now time.Time, most int) []audit.Message {
	held := map[audit.Key]bool{}
	var due []audit.Message
	for _, m := range q {
		switch {
		case len(due) == most:
			return due
		case m.parked, held[m.Key]:
		case m.next.After(now):
			held[m.Key] = true
		default:
			one := m.Message
			one.Body = bytes.Clone(m.Body)
			due = append(due, one)
		}
	}
	return due
}

// Settle is as [audit.Store] says. Messages that the shard does not hold, as
// they were delivered or never were, are passed over: it may be sent twice.
func (s *Store) Settle(ctx context.Context, done audit.Settlement) error {
	return s.within(ctx, done.Lease.Tenant, done.Check, func(t *tenant) error {
		at := shard{done.Lease.Work, done.Lease.Shard}
		l := t.leases[at]
		if l.Owner != done.Lease.Owner || l.Token != done.Lease.Token {
			return audit.ErrLeaseLost
		}
		if done.Sequenced != nil {
			if err := t.sequence(*done.Sequenced, l.Tenant); err != nil {
				return err
			}
		}
		if q := t.shards[at]; q != nil {
			q.settle(done)
		}
		if done.Release {
			l.Owner = "" // the token stays, so that the next one is higher
			t.leases[at] = l
		}
		return nil
	})
}

func (q *queue) settle(done audit.Settlement) {
	for _, r := range done.Retry {
		if m := q.find(r.ID); m != nil {
			m.Attempts, m.next = m.Attempts+1, r.At
		}
	}
	for _, id := range done.Parked {
		if m := q.find(id); m != nil {
			m.parked = true
		}
	}
	delivered := map[int64]bool{}
	for _, id := range done.Delivered {
		delivered[id] = true
	}
	*q = slices.DeleteFunc(*q, func(m *message) bool { return delivered[m.ID] })
}

func (q queue) find(id int64) *message {
	i, found := slices.BinarySearchFunc(q, id, func(m *message, id int64) int { return int(m.ID - id) })
	if !found {
		return nil
	}
	return q[i]
}

// sequence puts events into the log, all or none.
func (t *tenant) sequence(s audit.Sequenced, tenantName string) error {
	size := int64(len(t.log.places))
	if s.Size != size {
		return &audit.StaleError{
			Key:  audit.Key{Tenant: tenantName, Kind: audit.Sequencing},
			Want: uint64(s.Size), Have: uint64(size),
		}
	}
	if err := t.follow(s.Events); err != nil {
		return err
	}
	for _, p := range s.Events {
		t.at(p).index = int64(len(t.log.places))
		t.log.places = append(t.log.places, p)
	}
	t.log.waiting = slices.DeleteFunc(t.log.waiting, func(w waiting) bool { return t.at(w.place).index >= 0 })
	t.log.hashes = append(t.log.hashes, s.Hashes...)
	t.log.checkpoint = bytes.Clone(s.Checkpoint)
	return nil
}

// follow reports the first place that may not be the next one of its record.
func (t *tenant) follow(places []audit.Place) error {
	next := map[audit.Key]uint64{}
	for _, p := range places {
		if t.at(p) == nil {
			return fmt.Errorf("event %d of %s %q: %w", p.Seq, p.Key.Kind, p.Key.ID, audit.ErrNotFound)
		}
		if _, known := next[p.Key]; !known {
			next[p.Key] = t.firstWaiting(p.Key)
		}
		if p.Seq != next[p.Key] {
			return &audit.InvalidError{What: fmt.Sprintf(
				"event %d of %s %q was put into the log where its event %d is the next one; the events of a record go in by their order, each once",
				p.Seq, p.Key.Kind, p.Key.ID, next[p.Key])}
		}
		next[p.Key]++
	}
	return nil
}

// firstWaiting is the first event of a record that is not in the log; one
// after the last when all are.
func (t *tenant) firstWaiting(k audit.Key) uint64 {
	events := t.records[k].events
	i, _ := slices.BinarySearchFunc(events, 0, func(e event, _ int) int {
		if e.index >= 0 {
			return -1
		}
		return 1
	})
	return uint64(i) + 1
}
