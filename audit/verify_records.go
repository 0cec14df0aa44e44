package audit

import (
	"bytes"
	"cmp"
	"errors"
	"maps"
	"math/bits"
	"slices"
	"strings"
)

// readRecords reads every record with its events. Afterwards each entry of the
// log must belong to one.
func (v *verification) readRecords() error {
	var last Key
	var page []Key
	for r, err := range v.store.List(v.ctx, ListRequest{Tenant: v.tenant}) {
		if errors.Is(err, ErrTampered) {
			v.damage(r.Key, err)
			continue
		}
		if err != nil {
			return err
		}
		if err := r.Key.check(v.tenant); err != nil {
			v.problem(-1, r.Key, 0, "the store lists it, but %v", err)
			continue
		}
		if last != (Key{}) && compareKeys(last, r.Key) >= 0 {
			v.problem(-1, r.Key, 0, "it is listed twice, or not in its order")
			continue
		}
		last = r.Key
		if page = append(page, r.Key); len(page) == MaxBatch {
			if err := v.readPage(page); err != nil {
				return err
			}
			page = page[:0]
		}
	}
	if err := v.readPage(page); err != nil {
		return err
	}
	return v.readUnclaimed()
}

// damage reports a record that the store cannot give.
func (v *verification) damage(k Key, err error) {
	var seq uint64
	if t, ok := errors.AsType[*TamperedError](err); ok && t.Key == k {
		seq = t.Seq
	}
	v.problem(-1, k, seq, "%s", reason(err))
	v.damaged[k], v.partial = true, true
}

// readUnclaimed reports the entries of the log that no record has claimed.
// Those of a record that could not be read are no problem of their own.
func (v *verification) readUnclaimed() (err error) {
	v.unclaimed.each(func(index int64) {
		known := false
		if v.partial && err == nil {
			known, err = v.ofDamaged(index)
		}
		if !known {
			v.problem(index, Key{}, 0, "the entry belongs to no record")
		}
	})
	return err
}

// ofDamaged tells whether an entry is of a record that was reported, or cannot
// be read, which was reported too.
func (v *verification) ofDamaged(index int64) (bool, error) {
	for entry, err := range v.store.Events(v.ctx, EventsRequest{Tenant: v.tenant, From: index, Limit: 1}) {
		if broken(err) {
			return false, err
		}
		return err != nil || v.damaged[entry.Key], nil
	}
	return false, nil
}

// errUnasked is a store that does not keep to its interface.
var errUnasked = errors.New("the store does not load what it is asked for: one record with its events for each key")

// readPage reads some records, each as of one moment with its events.
func (v *verification) readPage(keys []Key) error {
	if len(keys) == 0 {
		return nil
	}
	loaded, err := v.store.Load(v.ctx, LoadRequest{Tenant: v.tenant, Keys: keys, Events: true})
	switch {
	case errors.Is(err, ErrTampered) && len(keys) == 1:
		v.damage(keys[0], err)
		return nil
	case errors.Is(err, ErrTampered):
		return v.readEach(keys)
	case err != nil:
		return err
	}
	if len(loaded.Records) != len(keys) || len(loaded.Events) != len(keys) {
		return errUnasked
	}
	for i, r := range loaded.Records {
		if r.Key != keys[i] || r.Version == 0 {
			v.problem(-1, keys[i], 0, "it is listed, but is not there")
			continue
		}
		if err := v.readRecord(r, loaded.Events[i]); err != nil {
			return err
		}
	}
	return nil
}

// readEach reads records one by one, to find the damaged one.
func (v *verification) readEach(keys []Key) error {
	for i := range keys {
		if err := v.readPage(keys[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

// readRecord checks one record: its chain, the places of its events in the
// log, and what they add up to.
func (v *verification) readRecord(r Record, entries []Entry) error {
	v.report.Records++
	v.report.Events += int64(len(entries))
	events, err := OpenChain(r, entries)
	lists := r.Lists
	if t, ok := errors.AsType[*TamperedError](err); ok {
		index := int64(-1)
		if at := t.Seq - 1; at < uint64(len(entries)) {
			index = entries[at].Index
		}
		v.problem(index, r.Key, t.Seq, "%s", t.What)
	} else if err != nil {
		return err
	} else {
		lists = v.rebuild(r, events)
	}
	v.expect(r, lists)
	for len(entries) > 0 {
		n := min(len(entries), MaxPage)
		if err := v.claimEntries(entries[:n]); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// claimEntries holds events of a record against the log: each must be the
// entry at its index.
func (v *verification) claimEntries(entries []Entry) error {
	var logged []Entry
	var positions []int64
	last := int64(-1)
	for i, entry := range entries {
		switch {
		case entry.Index < 0 || entry.Index >= v.state.Size:
			v.report.Waiting++
			v.waiting[Place{entry.Key, entry.Seq}] = true
			continue
		case i > 0 && (entries[i-1].Index < 0 || entry.Index < last):
			v.problem(entry.Index, entry.Key, entry.Seq, "it is in the log before an event that it follows")
		}
		last = entry.Index
		if !v.unclaimed.remove(entry.Index) {
			v.problem(entry.Index, entry.Key, entry.Seq, "the log has no such entry, or another event has it too")
			continue
		}
		logged, positions = append(logged, entry), append(positions, position(0, entry.Index))
	}
	if v.hashless || len(positions) == 0 {
		return nil
	}
	hashes, err := v.lookUp(positions)
	for i, h := range hashes {
		if h != LeafHash(logged[i].Leaf.Data) {
			v.problem(logged[i].Index, logged[i].Key, logged[i].Seq, "it is not the event that the log has here")
		}
	}
	return err
}

// rebuild compares what a record is with what its events add up to, and gives
// the lists in which it must stand.
func (v *verification) rebuild(r Record, events []Opened) []Listing {
	rebuild := v.Rebuild[r.Key.Kind]
	if rebuild == nil {
		if !v.unknown[r.Key.Kind] {
			v.unknown[r.Key.Kind] = true
			v.problem(-1, r.Key, 0, "nobody said how records of its kind are rebuilt, so none of them could be compared with its events")
		}
		return r.Lists
	}
	state, lists, err := rebuild(r.Key, events)
	if err != nil {
		v.problem(-1, r.Key, 0, "its events do not add up to a record: %v", err)
		return r.Lists
	}
	if !bytes.Equal(state, r.State) {
		v.problem(-1, r.Key, 0, "its state is not what its events add up to")
	}
	lists = slices.SortedFunc(slices.Values(lists), compareListings)
	if !slices.Equal(lists, r.Lists) {
		v.problem(-1, r.Key, 0, "the lists that it stands in are not what its events add up to")
	}
	return lists
}

// readWaiting holds the events that wait for their place in the log against
// the records, unless something was written since the beginning: then it
// could not tell.
func (v *verification) readWaiting() error {
	var strangers []Place
	for entry, err := range v.store.Events(v.ctx, EventsRequest{Tenant: v.tenant, Unsequenced: true}) {
		if broken(err) {
			return err
		}
		p := Place{entry.Key, entry.Seq}
		if err != nil {
			v.problem(-1, entry.Key, entry.Seq, "%s", reason(err))
		} else if !v.waiting[p] && !v.damaged[p.Key] {
			strangers = append(strangers, p)
		}
		delete(v.waiting, p)
	}
	beyond, damage := collect(v.store.Events(v.ctx, EventsRequest{Tenant: v.tenant, From: v.state.Size, Limit: 1}))
	if broken(damage) {
		return damage
	}
	now, err := v.store.Log(v.ctx, v.tenant, nil)
	if err != nil || now.Size != v.state.Size || now.Waiting != v.state.Waiting {
		return err
	}
	if damage != nil {
		v.problem(v.state.Size, Key{}, 0, "what stands behind the end of the log cannot be read: %s", reason(damage))
	}
	for _, entry := range beyond {
		v.problem(entry.Index, entry.Key, entry.Seq, "it stands behind the end of the log")
	}
	for _, p := range strangers {
		v.problem(-1, p.Key, p.Seq, "it waits for a place in the log, and belongs to no record")
	}
	lost := slices.SortedFunc(maps.Keys(v.waiting), func(a, b Place) int {
		return cmp.Or(compareKeys(a.Key, b.Key), cmp.Compare(a.Seq, b.Seq))
	})
	for _, p := range lost {
		v.problem(-1, p.Key, p.Seq, "it is neither in the log nor waiting for a place there")
	}
	return nil
}

// compareKeys is the order of records of a tenant.
func compareKeys(a, b Key) int {
	return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
}

// indexSet is a set of indices with about a bit for each, however far apart
// they are.
type indexSet map[int64]*[64]uint64

func (s indexSet) add(i int64) {
	chunk := s[i>>12]
	if chunk == nil {
		chunk = new([64]uint64)
		s[i>>12] = chunk
	}
	chunk[i>>6&63] |= 1 << (i & 63)
}

// remove tells whether the index was there.
func (s indexSet) remove(i int64) bool {
	chunk := s[i>>12]
	if chunk == nil || chunk[i>>6&63]>>(i&63)&1 == 0 {
		return false
	}
	chunk[i>>6&63] &^= 1 << (i & 63)
	return true
}

// each shows the indices in order.
func (s indexSet) each(show func(int64)) {
	for _, high := range slices.Sorted(maps.Keys(s)) {
		for word, set := range s[high] {
			for ; set != 0; set &= set - 1 {
				show(high<<12 | int64(word)<<6 | int64(bits.TrailingZeros64(set)))
			}
		}
	}
}
