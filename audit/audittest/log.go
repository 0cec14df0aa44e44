package audittest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/audit"
)

var logChecks = []check{
	{"events go into the log without a gap", "INV-36", logDense},
	{"what is put into the log wrongly leaves nothing", "INV-31", logRefused},
	{"events go into the log by their own order only", "INV-36", logOrder},
	{"only who holds the lease puts events into the log", "INV-12", logLease},
	{"of two sequencers one wins", "INV-12", logRace},
}

// claim takes a lease for a minute.
func (s *scene) claim(work string, shard int, owner string, now time.Time) audit.Claimed {
	s.Helper()
	return s.claimFor(tenant, work, shard, owner, now)
}

func (s *scene) claimFor(tenant, work string, shard int, owner string, now time.Time) audit.Claimed {
	s.Helper()
	claimed, err := s.store.Claim(context.Background(), audit.ClaimRequest{
		Tenant: tenant, Work: work, Shard: shard, Owner: owner, Now: now, For: time.Minute})
	s.must(err)
	return claimed
}

func (s *scene) settle(done audit.Settlement) {
	s.Helper()
	if done.Now.IsZero() {
		done.Now = noon
	}
	s.must(s.store.Settle(context.Background(), done))
}

// sequenced puts places behind a log of a size. The hashes are no tree: the
// store keeps them and does not look into them.
func sequenced(size int64, places ...audit.Place) *audit.Sequenced {
	after := size + int64(len(places))
	q := &audit.Sequenced{Size: size, Events: places, Checkpoint: fmt.Append(nil, "checkpoint of ", after, "\x00")}
	for p := storedHashes(size); p < storedHashes(after); p++ {
		q.Hashes = append(q.Hashes, hashAt(p, after))
	}
	return q
}

// hashAt is the hash at a position, written when the log got a size.
func hashAt(position, size int64) audit.Hash {
	return sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(position)), uint64(size)))
}

// sequence puts the next events into the log, at most so many.
func (s *scene) sequence(tenant string, most int) {
	s.Helper()
	var places []audit.Place
	for _, e := range s.events(audit.EventsRequest{Tenant: tenant, Unsequenced: true, Limit: most}) {
		places = append(places, audit.Place{Key: e.Key, Seq: e.Seq})
	}
	lease := s.claimFor(tenant, audit.Sequencing, 0, "sequencer", noon).Lease
	s.settle(audit.Settlement{Lease: lease, Sequenced: sequenced(s.log(tenant).Size, places...)})
}

func logDense(s *scene) {
	if state := s.log(tenant); state.Size != 0 || state.Waiting != 0 || state.Checkpoint != nil {
		s.Errorf("the log of nobody yet is %+v", state)
	}
	var want []string
	written := 0
	for round, n := range []int{1, 2, 3, 7, 64, 200} {
		for written < n+len(want) {
			s.grow(caseKey(fmt.Sprint(round, "-", written%5)), "a", "b")
			written += 2
		}
		for _, e := range s.events(audit.EventsRequest{Unsequenced: true, Limit: n}) {
			want = append(want, fmt.Sprintf("%s/%d", e.Key.ID, e.Seq))
		}
		before := s.log(tenant).Size
		s.sequence(tenant, n)
		s.logIs(want, before, int64(written-len(want)))
	}
}

// logIs compares the whole log. Its last part, from a size on, was written at
// once.
func (s *scene) logIs(want []string, before, waiting int64) {
	s.Helper()
	size := int64(len(want))
	var positions []int64
	for p := storedHashes(size) - 1; p >= storedHashes(before); p-- {
		positions = append(positions, p)
	}
	state := s.log(tenant, positions...)
	if state.Size != size || state.Waiting != waiting || string(state.Checkpoint) != fmt.Sprint("checkpoint of ", size, "\x00") {
		s.Errorf("a log of %d, with %d waiting, is %d, %d with the checkpoint %q", size, waiting, state.Size, state.Waiting, state.Checkpoint)
	}
	for i, p := range positions {
		if state.Hashes[i] != hashAt(p, size) {
			s.Errorf("position %d holds another hash than was put there", p)
		}
	}
	for from := range size + 2 {
		for _, limit := range []int{0, 3} {
			entries := s.events(audit.EventsRequest{From: from, Limit: limit})
			rest := want[min(from, size):]
			if limit > 0 {
				rest = rest[:min(limit, len(rest))]
			}
			for i, e := range entries {
				if e.Index != from+int64(i) || i >= len(rest) || fmt.Sprintf("%s/%d", e.Key.ID, e.Seq) != rest[i] {
					s.Fatalf("from %d on, entry %d of the log is %s with index %d; expected %s", from, i, sayEntry(e), e.Index, rest)
				}
				if from == 0 && limit == 0 && s.load(e.Key).Events[0][e.Seq-1].Index != e.Index {
					s.Errorf("%s: Load gives it another index", sayEntry(e))
				}
			}
			if len(entries) != len(rest) {
				s.Errorf("from %d on with a limit of %d the log gave %d entries and not %d", from, limit, len(entries), len(rest))
			}
		}
	}
}

// wrong is a settlement that may not pass.
type wrong struct {
	what string
	q    *audit.Sequenced
	want error
}

// wrongs may not pass after a/1 and b/1 are in the log, and a/2 a/3 b/2 c/1
// wait.
func wrongs() []wrong {
	at := func(id string, seq uint64) audit.Place { return audit.Place{Key: caseKey(id), Seq: seq} }
	return []wrong{
		{"a smaller size", sequenced(1, at("a", 2)), audit.ErrStale},
		{"a larger size", sequenced(3, at("a", 2)), audit.ErrStale},
		{"an event that is in the log", sequenced(2, at("a", 1)), audit.ErrInvalid},
		{"one that is in the log, after others", sequenced(2, at("a", 2), at("c", 1), at("b", 1)), audit.ErrInvalid},
		{"an event before the one before it", sequenced(2, at("b", 2), at("a", 3)), audit.ErrInvalid},
		{"an event that does not exist", sequenced(2, at("c", 2)), audit.ErrNotFound},
		{"one that does not exist, after one that does", sequenced(2, at("c", 1), at("c", 2)), audit.ErrNotFound},
		{"a record that does not exist", sequenced(2, at("a", 2), at("d", 1)), audit.ErrNotFound},
	}
}

func logRefused(s *scene) {
	s.grow(caseKey("a"), "1")
	s.grow(caseKey("b"), "1")
	s.sequence(tenant, 2)
	s.grow(caseKey("a"), "2", "3")
	s.grow(caseKey("b"), "2")
	s.grow(caseKey("c"), "1")
	before := s.see()
	lease := s.claim(audit.Sequencing, 0, "sequencer", noon).Lease
	for _, w := range wrongs() {
		err := s.store.Settle(context.Background(), audit.Settlement{Lease: lease, Now: noon, Sequenced: w.q, Release: true})
		if !errors.Is(err, w.want) {
			s.Errorf("%s: expected %q, got %v", w.what, w.want, err)
		}
		var stale *audit.StaleError
		if w.want == audit.ErrStale && (!errors.As(err, &stale) || stale.Want != uint64(w.q.Size) || stale.Have != 2) {
			s.Errorf("%s: expected a *StaleError that wanted %d and had 2, got %v", w.what, w.q.Size, err)
		}
		s.unchanged(before, w.what)
	}
	s.settle(audit.Settlement{Lease: lease, Sequenced: sequenced(2, audit.Place{Key: caseKey("a"), Seq: 2})}) // the lease was not given back
	if _, err := s.store.Log(context.Background(), tenant, []int64{0, storedHashes(3)}); !errors.Is(err, audit.ErrNotFound) {
		s.Errorf("a position beyond the log: expected ErrNotFound, got %v", err)
	}
}

func logOrder(s *scene) {
	s.grow(caseKey("a"), "1", "2", "3")
	s.grow(caseKey("b"), "1")
	at := func(id string, seq uint64) audit.Place { return audit.Place{Key: caseKey(id), Seq: seq} }
	lease := s.claim(audit.Sequencing, 0, "sequencer", noon).Lease
	s.settle(audit.Settlement{Lease: lease, Sequenced: sequenced(0, at("b", 1), at("a", 1), at("a", 2))})
	s.logIs([]string{"b/1", "a/1", "a/2"}, 0, 1)
	if got := places(s.events(audit.EventsRequest{Unsequenced: true})); got != "a/3" {
		s.Errorf("the events that wait are %q and not a/3", got)
	}
	s.settle(audit.Settlement{Lease: lease, Sequenced: sequenced(3, at("a", 3)), Release: true})
	s.logIs([]string{"b/1", "a/1", "a/2", "a/3"}, 3, 0)
}

func logLease(s *scene) {
	s.grow(caseKey("a"), "1")
	before := s.see()
	first := audit.Place{Key: caseKey("a"), Seq: 1}
	forged := audit.Lease{Tenant: tenant, Work: audit.Sequencing, Owner: "sequencer", Token: 1, Until: noon.Add(time.Hour)}
	s.leaseLost(audit.Settlement{Lease: forged, Sequenced: sequenced(0, first)}, "a lease that was never taken")
	old := s.claim(audit.Sequencing, 0, "old", noon).Lease
	s.claim(audit.Sequencing, 0, "new", noon.Add(time.Hour))
	s.leaseLost(audit.Settlement{Lease: old, Sequenced: sequenced(0, first)}, "a lease that another one has taken")
	s.unchanged(before, "sequencing without the lease")
}

// leaseLost settles what must be refused as its lease is gone.
func (s *scene) leaseLost(done audit.Settlement, what string) {
	s.Helper()
	if done.Now.IsZero() {
		done.Now = noon
	}
	if err := s.store.Settle(context.Background(), done); !errors.Is(err, audit.ErrLeaseLost) {
		s.Errorf("%s: expected ErrLeaseLost, got %v", what, err)
	}
}

// logRace settles the same events from several goroutines under one lease, as
// a worker may that has lost count of itself.
func logRace(s *scene) {
	const clients, rounds = 4, 10
	lease := s.claim(audit.Sequencing, 0, "sequencer", noon).Lease
	var want []string
	for round := range int64(rounds) {
		s.grow(caseKey("a"), "next")
		want = append(want, fmt.Sprintf("a/%d", round+1))
		won := together(clients, func(int) bool {
			err := s.store.Settle(context.Background(), audit.Settlement{Lease: lease, Now: noon,
				Sequenced: sequenced(round, audit.Place{Key: caseKey("a"), Seq: uint64(round + 1)})})
			if err != nil && !errors.Is(err, audit.ErrStale) {
				s.Errorf("expected nil or ErrStale, got %v", err)
			}
			return err == nil
		})
		if len(won) != 1 {
			s.Fatalf("round %d: %d sequencers put the same event into the log; expected one", round, len(won))
		}
	}
	s.logIs(want, rounds-1, 0)
}
