package audit

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
)

// listName names one list of a kind of records.
type listName struct{ kind, list string }

// spot is where a record must stand in a list.
type spot struct {
	sort, id string
	version  uint64 // of the record when it was read
}

func compareSpots(a, b spot) int {
	return cmp.Or(strings.Compare(a.sort, b.sort), strings.Compare(a.id, b.id))
}

// expect keeps where a record must stand. The lists that it says itself are
// looked at too.
func (v *verification) expect(r Record, lists []Listing) {
	for _, l := range slices.Concat(r.Lists, lists) {
		if !validName(l.List) || !validText(l.Sort) {
			v.problem(-1, r.Key, 0, "it stands in a list that cannot be, %q at %q", clip(l.List), clip(l.Sort))
			return
		}
	}
	for _, l := range r.Lists {
		name := listName{r.Key.Kind, l.List}
		if _, known := v.lists[name]; !known {
			v.lists[name] = nil // also where nothing is to stand in it
		}
	}
	for _, l := range lists {
		name := listName{r.Key.Kind, l.List}
		v.lists[name] = append(v.lists[name], spot{l.Sort, r.Key.ID, r.Version})
	}
}

// readLists holds each list, as the store gives it, against the records.
func (v *verification) readLists() error {
	names := slices.SortedFunc(maps.Keys(v.lists), func(a, b listName) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.list, b.list))
	})
	for _, name := range names {
		spots := v.lists[name]
		delete(v.lists, name)
		slices.SortFunc(spots, compareSpots)
		if err := v.readList(name, spots); err != nil {
			return err
		}
		if err := v.readSpots(name, spots); err != nil {
			return err
		}
	}
	return nil
}

// readList reads a list from one end to the other: who stands there who must
// not, or more often than that.
func (v *verification) readList(name listName, spots []spot) error {
	type standing struct {
		times   int
		version uint64
	}
	want := make(map[string]standing, len(spots))
	for _, s := range spots {
		want[s.id] = standing{want[s.id].times + 1, s.version}
	}
	for r, err := range v.store.List(v.ctx, ListRequest{Tenant: v.tenant, Kind: name.kind, List: name.list}) {
		if broken(err) {
			return err
		}
		if err != nil {
			v.problem(-1, r.Key, 0, "in the list %q: %s", clip(name.list), reason(err))
			continue
		}
		is := want[r.Key.ID]
		is.times--
		want[r.Key.ID] = is
		if is.times >= 0 && r.Key.Kind == name.kind && r.Key.Tenant == v.tenant {
			continue
		}
		if err := v.readStranger(name, r, is.version); err != nil {
			return err
		}
	}
	return nil
}

// readStranger reports a record that stands in a list where it must not, unless
// it was written since it was read: then it may have moved there. Version is
// that of the record when it was read; 0: it was not to stand in the list.
func (v *verification) readStranger(name listName, r Record, version uint64) error {
	if r.Key.check(v.tenant) != nil || r.Key.Kind != name.kind {
		v.problem(-1, r.Key, 0, "it stands in the list %q of other records", clip(name.list))
		return nil
	}
	if v.damaged[r.Key] {
		return nil
	}
	loaded, err := v.store.Load(v.ctx, LoadRequest{Tenant: v.tenant, Keys: []Key{r.Key}, Events: true})
	if errors.Is(err, ErrTampered) {
		v.damage(r.Key, err)
		return nil
	}
	if err != nil {
		return err
	}
	now := loaded.Records[0]
	if version == 0 {
		version = r.Version
		if v.belongs(now, loaded.Events[0], name.list) {
			return nil
		}
	}
	if now.Version == version {
		v.problem(-1, r.Key, 0, "it stands in the list %q where its events do not put it", clip(name.list))
	}
	return nil
}

// belongs tells whether the events of a record put it into a list.
func (v *verification) belongs(r Record, entries []Entry, list string) bool {
	lists := r.Lists
	events, err := OpenChain(r, entries)
	if rebuild := v.Rebuild[r.Key.Kind]; err == nil && rebuild != nil {
		if _, rebuilt, err := rebuild(r.Key, events); err == nil {
			lists = rebuilt
		}
	}
	return slices.ContainsFunc(lists, func(l Listing) bool { return l.List == list })
}

// readSpots looks for each record in its place in a list.
func (v *verification) readSpots(name listName, spots []spot) error {
	for len(spots) > 0 {
		n := 1
		for n < len(spots) && spots[n].sort == spots[0].sort {
			n++
		}
		there, err := v.readSpot(name, spots[0].sort)
		if err != nil {
			return err
		}
		for _, s := range spots[:n] {
			if there[s.id] {
				continue
			}
			if err := v.readMissing(name, s); err != nil {
				return err
			}
		}
		spots = spots[n:]
	}
	return nil
}

// readSpot reads which records have one sort key in a list.
func (v *verification) readSpot(name listName, sort string) (map[string]bool, error) {
	r := ListRequest{Tenant: v.tenant, Kind: name.kind, List: name.list, From: sort, Before: sort + " "}
	if len(r.Before) > MaxName {
		r.Before = "" // no key is between the longest and what comes after it
	}
	there := map[string]bool{}
	for r, err := range v.store.List(v.ctx, r) {
		if broken(err) {
			return nil, err
		}
		there[r.Key.ID] = true
	}
	return there, nil
}

// readMissing reports a record that does not stand where it must, unless it was
// written since it was read.
func (v *verification) readMissing(name listName, s spot) error {
	k := Key{v.tenant, name.kind, s.id}
	loaded, err := v.store.Load(v.ctx, LoadRequest{Tenant: v.tenant, Keys: []Key{k}})
	switch {
	case errors.Is(err, ErrTampered):
		v.damage(k, err)
	case err != nil:
		return err
	case loaded.Records[0].Version == s.version:
		v.problem(-1, k, 0, "it does not stand in the list %q at %q, where its events put it", clip(name.list), clip(s.sort))
	}
	return nil
}

// inspect asks the store for what it finds itself.
func (v *verification) inspect() error {
	store, ok := v.store.(interface {
		Inspect(ctx context.Context, tenant string) ([]string, error)
	})
	if !ok {
		return nil
	}
	found, err := store.Inspect(v.ctx, v.tenant)
	for _, sentence := range found {
		v.wrong("%s", strings.TrimSuffix(sentence, "."))
	}
	if errors.Is(err, ErrTampered) {
		v.wrong("%s", reason(err))
		return nil
	}
	return err
}
