package audittest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/audit"
)

// model is one tenant of a store, as simply as it can be said: everything that
// was written, in the order in which it was, and searched from end to end.
type model struct {
	records  []audit.Record
	entries  []audit.Entry // in the order of their commit
	answers  map[string]audit.Answered
	messages []*posted
	leases   []*audit.Lease
	log      audit.LogState // its hashes are all that there are
}

// posted is a message that has not been delivered.
type posted struct {
	audit.Message
	next   time.Time
	parked bool
	given  int64 // the ID that the store gave; 0: not known yet
}

func (m *model) record(k audit.Key) *audit.Record {
	for i := range m.records {
		if m.records[i].Key == k {
			return &m.records[i]
		}
	}
	return nil
}

func (m *model) version(k audit.Key) uint64 {
	if r := m.record(k); r != nil {
		return r.Version
	}
	return 0
}

func (m *model) commit(b audit.Batch) (audit.Committed, error) {
	if a, ok := m.answers[b.Command]; ok && a.Request == b.Request {
		return audit.Committed{Replayed: true, Answer: a.Answer}, nil
	} else if ok {
		return audit.Committed{}, audit.ErrCommandReused
	}
	for _, w := range b.Writes {
		if m.version(w.Key) != w.From || w.From > 0 && m.record(w.Key).Head != w.Prev {
			return audit.Committed{}, audit.ErrStale
		}
	}
	for _, r := range b.Reads {
		if m.version(r.Key) != r.Version {
			return audit.Committed{}, audit.ErrStale
		}
	}
	for _, w := range b.Writes {
		if w.From == 0 {
			m.records = append(m.records, audit.Record{Key: w.Key})
		}
		r := m.record(w.Key)
		for _, l := range w.Events {
			r.Version++
			m.entries = append(m.entries, audit.Entry{Key: w.Key, Seq: r.Version, Index: -1, Leaf: l})
		}
		r.Head, r.State, r.Lists = w.Head, w.State, w.Lists
	}
	for _, one := range b.Messages {
		m.messages = append(m.messages, &posted{Message: one})
	}
	if b.Command != "" {
		m.answers[b.Command] = audit.Answered{Request: b.Request, Answer: b.Answer}
	}
	return audit.Committed{Answer: b.Answer}, nil
}

// lease finds the lease on a shard of some work.
func (m *model) lease(work string, shard int) *audit.Lease {
	for _, l := range m.leases {
		if l.Work == work && l.Shard == shard {
			return l
		}
	}
	l := &audit.Lease{Work: work, Shard: shard}
	m.leases = append(m.leases, l)
	return l
}

// claim gives what is due; the token is that of the store, which tokens tells
// from the one before.
func (m *model) claim(r audit.ClaimRequest) ([]*posted, error) {
	l := m.lease(r.Work, r.Shard)
	if l.Owner != "" && l.Owner != r.Owner && r.Now.Before(l.Until) && !l.Until.After(r.Now.Add(audit.MaxLease)) {
		return nil, audit.ErrLeased
	}
	var due []*posted
	for i, p := range m.messages {
		if p.Topic == r.Work && audit.Shard(p.Key) == r.Shard && !p.parked && !m.waits(i, r.Now) && (r.Limit == 0 || len(due) < r.Limit) {
			due = append(due, p)
		}
	}
	return due, nil
}

// waits tells whether a message, or an earlier one about its key, has to wait.
func (m *model) waits(i int, now time.Time) bool {
	for _, p := range m.messages[:i+1] {
		if p.Topic == m.messages[i].Topic && p.Key == m.messages[i].Key && !p.parked && p.next.After(now) {
			return true
		}
	}
	return false
}

// tokens keeps a lease that the store gave, and says what is wrong with it.
func (m *model) tokens(r audit.ClaimRequest, given audit.Lease) string {
	l := m.lease(r.Work, r.Shard)
	before := *l
	*l = audit.Lease{Tenant: r.Tenant, Work: r.Work, Shard: r.Shard, Owner: r.Owner, Token: given.Token, Until: r.Now.Add(r.For)}
	switch {
	case given.Tenant != l.Tenant || given.Work != l.Work || given.Shard != l.Shard || given.Owner != l.Owner || !given.Until.Equal(l.Until):
		return fmt.Sprintf("the lease is %+v and not %+v", given, *l)
	case before.Owner != r.Owner && before.Owner != "" && given.Token <= before.Token:
		return fmt.Sprintf("the lease changed hands and its token went from %d to %d", before.Token, given.Token)
	case given.Token < before.Token || given.Token == 0:
		return fmt.Sprintf("the token went from %d to %d", before.Token, given.Token)
	case before.Owner == r.Owner && r.Now.Before(before.Until) && given.Token != before.Token:
		return fmt.Sprintf("the lease was extended and its token went from %d to %d", before.Token, given.Token)
	}
	return ""
}

func (m *model) settle(s audit.Settlement) error {
	l := m.lease(s.Lease.Work, s.Lease.Shard)
	if l.Owner != s.Lease.Owner || l.Token != s.Lease.Token {
		return audit.ErrLeaseLost
	}
	if s.Sequenced != nil {
		if err := m.sequence(*s.Sequenced); err != nil {
			return err
		}
	}
	mine := func(p *posted, id int64) bool {
		return p.given == id && p.Topic == l.Work && audit.Shard(p.Key) == l.Shard
	}
	m.messages = slices.DeleteFunc(m.messages, func(p *posted) bool {
		return slices.ContainsFunc(s.Delivered, func(id int64) bool { return mine(p, id) })
	})
	for _, p := range m.messages {
		for _, r := range s.Retry {
			if mine(p, r.ID) {
				p.Attempts, p.next = p.Attempts+1, r.At
			}
		}
		p.parked = p.parked || slices.ContainsFunc(s.Parked, func(id int64) bool { return mine(p, id) })
	}
	if s.Release {
		l.Owner = ""
	}
	return nil
}

func (m *model) sequence(q audit.Sequenced) error {
	if q.Size != m.log.Size {
		return audit.ErrStale
	}
	after := slices.Clone(m.entries)
	for i, p := range q.Events {
		at := slices.IndexFunc(after, func(e audit.Entry) bool { return e.Key == p.Key && e.Seq == p.Seq })
		skipped := slices.ContainsFunc(after, func(e audit.Entry) bool { return e.Key == p.Key && e.Seq < p.Seq && e.Index < 0 })
		switch {
		case at < 0:
			return audit.ErrNotFound
		case skipped, after[at].Index >= 0:
			return audit.ErrInvalid
		}
		after[at].Index = q.Size + int64(i)
	}
	m.entries = after
	m.log.Size += int64(len(q.Events))
	m.log.Hashes, m.log.Checkpoint = append(m.log.Hashes, q.Hashes...), q.Checkpoint
	return nil
}

// The model as a view.

func (m *model) all() []audit.Record {
	all := slices.Clone(m.records)
	slices.SortFunc(all, func(a, b audit.Record) int {
		return cmp.Or(cmp.Compare(a.Key.Kind, b.Key.Kind), cmp.Compare(a.Key.ID, b.Key.ID))
	})
	return all
}

func (m *model) events(k audit.Key) []audit.Entry {
	var all []audit.Entry
	for _, e := range m.entries {
		if e.Key == k {
			all = append(all, e)
		}
	}
	return all
}

func (m *model) listed(kind, list string) []audit.Record {
	type place struct {
		sort string
		r    audit.Record
	}
	var all []place
	for _, r := range m.all() {
		if list == "" && r.Key.Kind == kind {
			all = append(all, place{r: r})
		}
		for _, l := range r.Lists {
			if l.List == list && r.Key.Kind == kind {
				all = append(all, place{l.Sort, r})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.sort, b.sort) })
	rs := make([]audit.Record, 0, len(all))
	for _, p := range all {
		rs = append(rs, p.r)
	}
	return rs
}

func (m *model) waiting() []audit.Entry {
	return slices.DeleteFunc(slices.Clone(m.entries), func(e audit.Entry) bool { return e.Index >= 0 })
}

func (m *model) sequenced() []audit.Entry {
	all := slices.DeleteFunc(slices.Clone(m.entries), func(e audit.Entry) bool { return e.Index < 0 })
	slices.SortFunc(all, func(a, b audit.Entry) int { return cmp.Compare(a.Index, b.Index) })
	return all
}

func (m *model) state(positions []int64) audit.LogState {
	state := m.log
	state.Waiting, state.Hashes = int64(len(m.waiting())), nil
	for _, p := range positions {
		state.Hashes = append(state.Hashes, m.log.Hashes[p])
	}
	return state
}
