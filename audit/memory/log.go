package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/changelane/changelane/audit"
)

// log is the order of the events: those that are in it, and those that wait.
type log struct {
	places     []audit.Place // by index
	hashes     []audit.Hash  // by position
	checkpoint []byte
	waiting    []waiting // by number
	committed  int64     // numbers the events in the order of their commit
}

// waiting is an event that is not in the log yet.
type waiting struct {
	number int64
	place  audit.Place
}

func (l *log) wait(p audit.Place) {
	l.committed++
	l.waiting = append(l.waiting, waiting{l.committed, p})
}

// after is where the first that waits with a number above this one is.
func (l *log) after(number int64) int {
	i, _ := slices.BinarySearchFunc(l.waiting, number, func(w waiting, n int64) int {
		if w.number <= n {
			return -1
		}
		return 1
	})
	return i
}

// Events is as [audit.Store] says.
func (s *Store) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		next := r.From // or the last number, of those that wait
		if r.Unsequenced {
			next = 0
		}
		read := func(most int) (page []audit.Entry, err error) {
			err = s.within(ctx, r.Tenant, r.Check, func(t *tenant) error {
				if r.Unsequenced {
					page, next = t.unsequenced(next, most)
				} else {
					page, next = t.sequenced(next, most)
				}
				return nil
			})
			return page, err
		}
		paged(r.Limit, read, yield)
	}
}

func (t *tenant) unsequenced(last int64, most int) ([]audit.Entry, int64) {
	rest := t.log.waiting[t.log.after(last):]
	var page []audit.Entry
	for _, w := range rest[:min(most, len(rest))] {
		page, last = append(page, t.entry(w.place)), w.number
	}
	return page, last
}

func (t *tenant) sequenced(next int64, most int) ([]audit.Entry, int64) {
	rest := t.log.places[min(next, int64(len(t.log.places))):]
	var page []audit.Entry
	for _, p := range rest[:min(most, len(rest))] {
		page, next = append(page, t.entry(p)), next+1
	}
	return page, next
}

// Log is as [audit.Store] says.
func (s *Store) Log(ctx context.Context, tenantName string, positions []int64) (state audit.LogState, err error) {
	check := func() error { return audit.CheckPositions(tenantName, positions) }
	err = s.within(ctx, tenantName, check, func(t *tenant) error {
		state, err = t.log.state(positions)
		return err
	})
	return state, err
}

func (l *log) state(positions []int64) (audit.LogState, error) {
	state := audit.LogState{
		Size:       int64(len(l.places)),
		Checkpoint: bytes.Clone(l.checkpoint),
		Waiting:    int64(len(l.waiting)),
	}
	for _, p := range positions {
		if p >= int64(len(l.hashes)) {
			return audit.LogState{}, fmt.Errorf("the stored hash %d of a log of %d events: %w", p, state.Size, audit.ErrNotFound)
		}
		state.Hashes = append(state.Hashes, l.hashes[p])
	}
	return state, nil
}
