package audittest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/changelane/changelane/audit"
)

var raceChecks = []check{
	{"of many writers of one version one wins", "INV-12", raceWinner},
	{"counting at once counts right", "INV-12", raceCounter},
	{"two records that rest on each other do not both move", "INV-12", raceSkew},
	{"commands sent twice by many at once are carried out once", "INV-35", raceCommands},
}

// together does something in so many goroutines, and gives those for which it
// was true.
func together(n int, do func(i int) bool) []int {
	var won []int
	var mu sync.Mutex
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			if do(i) {
				mu.Lock()
				defer mu.Unlock()
				won = append(won, i)
			}
		})
	}
	close(begin)
	wait.Wait()
	return won
}

// commits tells whether a batch was committed; it may only be stale otherwise.
func (s *scene) commits(b audit.Batch) bool {
	s.Helper()
	_, err := s.store.Commit(context.Background(), b)
	if err != nil && !errors.Is(err, audit.ErrStale) {
		s.Errorf("expected nil or ErrStale, got %v", err)
	}
	return err == nil
}

func raceWinner(s *scene) {
	const writers = 6
	k := caseKey("a")
	for round := range 25 {
		r := s.record(k)
		var batches []audit.Batch
		for i := range writers {
			batches = append(batches, audit.Batch{Tenant: tenant, Writes: []audit.Write{s.next(r, nil, fmt.Sprint("by ", i))}})
		}
		won := together(writers, func(i int) bool { return s.commits(batches[i]) })
		if len(won) != 1 {
			s.Fatalf("round %d: %d of %d writers of one version won; expected one", round, len(won), writers)
		}
		if after := s.record(k); after.Version != r.Version+1 || after.Head != batches[won[0]].Writes[0].Head {
			s.Errorf("round %d: the record is not as the winner wrote it: %s", round, sayRecord(after))
		}
	}
}

// counter is what its writers know of it.
type counter struct {
	mu    sync.Mutex
	notes map[uint64]string // what was acknowledged, by version
	last  uint64            // the highest that was
}

func (c *counter) known() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// acknowledged keeps what was written, and tells whether it is the first at
// its version.
func (c *counter) acknowledged(version uint64, note string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, twice := c.notes[version]
	c.notes[version], c.last = note, max(c.last, version)
	return !twice
}

// raceCounter is a counter of which every use can be put in one order: each
// version is won once, and nobody reads less than was known to be written
// before the read began.
func raceCounter(s *scene) {
	const writers, each = 4, 12
	k := caseKey("counter")
	c := counter{notes: map[uint64]string{}}
	var met sync.WaitGroup // the first time all have loaded before one writes
	met.Add(writers)
	together(writers, func(i int) bool {
		meet := sync.OnceFunc(func() { met.Done(); met.Wait() })
		for n := 0; n < each; {
			known, note := c.known(), fmt.Sprint(i, " ", n)
			w, ok := s.onward(k, note)
			meet()
			if !ok {
				return false
			}
			if w.From < known {
				s.Errorf("after version %d was acknowledged Load gave version %d", known, w.From)
			}
			if !s.commits(audit.Batch{Tenant: tenant, Writes: []audit.Write{w}}) {
				continue
			}
			if n++; !c.acknowledged(w.From+1, note) {
				s.Errorf("version %d was won twice", w.From+1)
				return false
			}
		}
		return true
	})
	found := s.load(k)
	opened, err := audit.OpenChain(found.Records[0], found.Events[0])
	s.must(err)
	if len(opened) != writers*each {
		s.Errorf("%d events were acknowledged and %d are there", writers*each, len(opened))
	}
	for i, o := range opened {
		if note := c.notes[uint64(i)+1]; string(o.Body) != string(draft(note).Body) {
			s.Errorf("event %d says %s; its writer wrote %q", i+1, o.Body, note)
		}
	}
}

// onward is the write that moves a record on from where it is now. It may be
// used where a check has several goroutines.
func (s *scene) onward(k audit.Key, note string) (audit.Write, bool) {
	found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{k}})
	if err != nil || len(found.Records) != 1 {
		s.Errorf("Load gave %+v, %v", found, err)
		return audit.Write{}, false
	}
	w, err := audit.Append(found.Records[0], nil, nil, draft(note))
	if err != nil {
		s.Errorf("appending to what Load gave: %v", err)
	}
	return w, err == nil
}

// raceSkew writes each of two records on condition that the other stands
// still: in every order the second one is stale.
func raceSkew(s *scene) {
	keys := []audit.Key{caseKey("a"), caseKey("b")}
	for round := range 25 {
		found := s.load(keys...)
		var batches []audit.Batch
		for i := range keys {
			other := found.Records[1-i]
			batches = append(batches, audit.Batch{Tenant: tenant,
				Writes: []audit.Write{s.next(found.Records[i], nil, "alone")},
				Reads:  []audit.Read{{Key: other.Key, Version: other.Version}}})
		}
		if won := together(2, func(i int) bool { return s.commits(batches[i]) }); len(won) != 1 {
			s.Fatalf("round %d: %d of two records that rest on each other moved; expected one", round, len(won))
		}
	}
}

// raceCommands lets every client send the same commands in an order of its
// own; each writes the record on from where it is.
func raceCommands(s *scene) {
	const clients, commands = 4, 8
	k := caseKey("a")
	s.grow(k, "first")
	var fresh [commands]atomic.Int32
	together(clients, func(c int) bool {
		for n := range commands {
			id := (n + 2*c) % commands
			for {
				w, ok := s.onward(k, fmt.Sprint("command ", id))
				if !ok {
					return false
				}
				done, err := s.store.Commit(context.Background(), audit.Batch{Tenant: tenant,
					Command: fmt.Sprint(id), Request: request(fmt.Sprint(id)), Writes: []audit.Write{w}})
				if errors.Is(err, audit.ErrStale) {
					continue
				}
				if err != nil {
					s.Errorf("expected nil or ErrStale, got %v", err)
					return false
				}
				if !done.Replayed {
					fresh[id].Add(1)
				}
				break
			}
		}
		return true
	})
	for id := range commands {
		if n := fresh[id].Load(); n != 1 {
			s.Errorf("command %d was carried out %d times", id, n)
		}
	}
	var bodies []string
	for _, e := range s.load(k).Events[0] {
		o, err := audit.Open(e.Leaf)
		s.must(err)
		bodies = append(bodies, string(o.Body))
	}
	slices.Sort(bodies)
	if n := len(slices.Compact(bodies)); n != commands+1 || len(bodies) != commands+1 {
		s.Errorf("%d commands left %d events, %d of them different", commands, len(bodies)-1, n-1)
	}
}
