// Package audittest holds the suite that every [audit.Store] passes. It shows,
// sentence by sentence, that a store does what its contract says, and holds it
// against a naive model over random operations. A store that passes may keep
// the record of changelane; one that does not may lose decisions.
//
//	func TestStore(t *testing.T) {
//		audittest.Run(t, func(t *testing.T) audit.Store { return open(t) }, nil)
//	}
//
// Where the contract leaves something open the suite does too: empty and nil
// bytes are the same, except that openings and a checkpoint that were never
// given come back as nil; of several stale records any may be named; events
// that one batch writes to different records may wait in either order; large
// messages may come in more claims than small ones; settling messages of
// another shard may be an error or not, but changes nothing. Times are compared
// to the second.
//
// Where stores could differ and should not it decides: a lease can be taken by
// another worker from its end on, or when that is more than [audit.MaxLease] from
// now, and settles until one has done so; one that was given back settles
// nothing; messages that were settled before are passed over, so that a
// settlement may be sent twice; an event that does not exist cannot go into the
// log ([audit.ErrNotFound]), nor one that is not the next of its record
// ([audit.ErrInvalid]); a position beyond the stored hashes is an
// [audit.ErrNotFound].
//
// What the suite cannot show from outside: that a commit survives the end of
// the process (INV-32), what happens when the storage fails (INV-33, INV-34),
// and that Close works.
package audittest

import (
	"context"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
)

// Options of the suite. Nil, or zero, is the default of each.
type Options struct {
	// Steps is how many random operations are compared with the model;
	// 3000, or 600 with go test -short.
	Steps int
}

// Run runs the suite as subtests, each of which opens empty stores of its own;
// open fails the test where it cannot, and sees to it that the store is closed
// (see [testing.T.Cleanup]). Each subtest is named after what it shows and the
// invariants that it holds.
func Run(t *testing.T, open func(t *testing.T) audit.Store, o *Options) {
	steps := 3000
	if testing.Short() {
		steps = 600
	}
	if o != nil && o.Steps > 0 {
		steps = o.Steps
	}
	for _, c := range checks() {
		t.Run(c.shows+" ("+c.holds+")", func(t *testing.T) {
			c.run(newScene(t, func() audit.Store { return open(t) }, steps))
		})
	}
}

// check is one thing that the suite shows.
type check struct {
	shows string
	holds string // the invariants
	run   func(*scene)
}

// checks are all of them, from the simple to the compound.
func checks() []check {
	var all []check
	for _, some := range [][]check{
		commitChecks, commandChecks, readChecks, listChecks, logChecks, refusalChecks,
		leaseChecks, messageChecks, raceChecks, tenantChecks, modelChecks,
	} {
		all = append(all, some...)
	}
	return all
}

// reporter is what a check needs of [testing.T]. The tests of this package put
// a recorder in its place, to see which checks fail.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// scene is a store with what a check needs to act on it. Its methods end the
// check where the store returns an error.
type scene struct {
	reporter
	open  func() audit.Store // another empty one
	store audit.Store
	steps int
}

func newScene(r reporter, open func() audit.Store, steps int) *scene {
	return &scene{reporter: r, open: open, store: open(), steps: steps}
}

// tenant is whose records the checks write, where they need only one.
const tenant = "acme"

// noon is when the checks begin.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

func caseKey(id string) audit.Key { return audit.Key{Tenant: tenant, Kind: "case", ID: id} }

// must ends the check on an error.
func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatalf("unexpected error: %v", err)
	}
}

// load reads records with their events.
func (s *scene) load(keys ...audit.Key) audit.Loaded {
	s.Helper()
	found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: keys[0].Tenant, Keys: keys, Events: true})
	s.must(err)
	if len(found.Records) != len(keys) || len(found.Events) != len(keys) {
		s.Fatalf("Load of %d keys gave %d records and the events of %d", len(keys), len(found.Records), len(found.Events))
	}
	return found
}

func (s *scene) record(k audit.Key) audit.Record {
	s.Helper()
	return s.load(k).Records[0]
}

// next is the write that moves a record on by events that say so.
func (s *scene) next(r audit.Record, lists []audit.Listing, notes ...string) audit.Write {
	s.Helper()
	var drafts []audit.Draft
	for _, note := range notes {
		drafts = append(drafts, draft(note))
	}
	w, err := audit.Append(r, []byte("state after "+notes[len(notes)-1]), lists, drafts...)
	s.must(err)
	return w
}

// draft is an event that says something, in letters that JSON has as they are.
func draft(note string) audit.Draft {
	return audit.Draft{Type: "case.noted/1", Occurred: noon, Recorded: noon, Body: []byte(`{"note":"` + note + `"}`)}
}

func (s *scene) commit(b audit.Batch) audit.Committed {
	s.Helper()
	if b.Tenant == "" {
		b.Tenant = tenant
	}
	done, err := s.store.Commit(context.Background(), b)
	s.must(err)
	return done
}

// write commits one write.
func (s *scene) write(r audit.Record, lists []audit.Listing, notes ...string) {
	s.Helper()
	s.commit(audit.Batch{Tenant: r.Key.Tenant, Writes: []audit.Write{s.next(r, lists, notes...)}})
}

// grow adds events to a record, which may be new, and gives it as it is then.
func (s *scene) grow(k audit.Key, notes ...string) audit.Record {
	s.Helper()
	r := s.record(k)
	s.write(r, r.Lists, notes...)
	return s.record(k)
}

func (s *scene) list(r audit.ListRequest) []audit.Record {
	s.Helper()
	if r.Tenant == "" {
		r.Tenant = tenant
	}
	var all []audit.Record
	for one, err := range s.store.List(context.Background(), r) {
		s.must(err)
		all = append(all, one)
	}
	return all
}

func (s *scene) events(r audit.EventsRequest) []audit.Entry {
	s.Helper()
	if r.Tenant == "" {
		r.Tenant = tenant
	}
	var all []audit.Entry
	for one, err := range s.store.Events(context.Background(), r) {
		s.must(err)
		all = append(all, one)
	}
	return all
}

func (s *scene) log(tenant string, positions ...int64) audit.LogState {
	s.Helper()
	state, err := s.store.Log(context.Background(), tenant, positions)
	s.must(err)
	if len(state.Hashes) != len(positions) {
		s.Fatalf("Log gave %d hashes for %d positions", len(state.Hashes), len(positions))
	}
	return state
}
