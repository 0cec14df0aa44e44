package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/changelane/changelane/audit"
)

// Load is as [audit.Store] says.
func (s *Store) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	return loadThrough(ctx, s, r)
}

func loadThrough(ctx context.Context, a access, r audit.LoadRequest) (audit.Loaded, error) {
	leave, err := a.enter(ctx, r.Check())
	if err != nil {
		return audit.Loaded{}, err
	}
	defer leave()
	var found audit.Loaded
	err = a.read(ctx, func(x session) (err error) {
		found, err = load(ctx, x, r)
		return err
	})
	if err != nil {
		return audit.Loaded{}, err
	}
	return found, nil
}

func load(ctx context.Context, x session, r audit.LoadRequest) (found audit.Loaded, err error) {
	found.Records = make([]audit.Record, len(r.Keys))
	if r.Events {
		found.Events = make([][]audit.Entry, len(r.Keys))
	}
	for i, k := range r.Keys {
		if found.Records[i], err = loadRecord(ctx, x, k); err != nil {
			return found, err
		}
		if r.Events && found.Records[i].Version > 0 {
			if found.Events[i], err = loadEvents(ctx, x, k); err != nil {
				return found, err
			}
		}
	}
	if r.Command != "" {
		found.Answer, err = readAnswer(ctx, x, r.Tenant, r.Command)
	}
	return found, err
}

// loadRecord reads a record; version 0 when there is none.
func loadRecord(ctx context.Context, x session, k audit.Key) (audit.Record, error) {
	rows, err := x.query(ctx, readRecord, k.Tenant, k.Kind, k.ID)
	if err != nil {
		return audit.Record{}, err
	}
	defer rows.Close()
	if !rows.Next() {
		return audit.Record{Key: k}, rows.Err()
	}
	return scanRecord(rows, k.Tenant)
}

func loadEvents(ctx context.Context, x session, k audit.Key) ([]audit.Entry, error) {
	rows, err := x.query(ctx, readEvents, k.Tenant, k.Kind, k.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []audit.Entry
	for rows.Next() {
		e, err := scanEntry(rows, k.Tenant)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// List is as [audit.Store] says. For a record whose row is damaged it yields its
// key and version, as far as they can be read, with an [audit.ErrTampered], and
// goes on; any other error is the last that it yields.
func (s *Store) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return listThrough(ctx, s, r)
}

func listThrough(ctx context.Context, a access, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		last := standing{sort: r.From} // before all that stand there, as no id is empty
		paged(r.Limit, yield, func(most int) (page []item[audit.Record], whole bool, err error) {
			leave, err := a.enter(ctx, r.Check())
			if err != nil {
				return nil, false, err
			}
			defer leave()
			err = a.read(ctx, func(x session) error {
				page, whole, err = listPage(ctx, x, r, &last, most)
				return err
			})
			return page, whole, err
		})
	}
}

// standing is where a list is read on: behind a record that has this sort key
// and id. A list of all records of a kind is read on at a sort key, which is
// their id.
type standing struct{ sort, id string }

// listPage reads on in a list from behind what was read last.
func listPage(ctx context.Context, x session, r audit.ListRequest, last *standing, most int) ([]item[audit.Record], bool, error) {
	before := *last
	s, args := listQuery(r, before)
	rows, err := x.query(ctx, s, append(args, most)...)
	if err != nil {
		return nil, false, err
	}
	page, whole, err := collect(rows, most, func() (item[audit.Record], int, error) {
		var sort string
		rec, err := scanRecord(rows, r.Tenant, &sort)
		if err == nil && r.List != "" {
			err = standsIn(rec, audit.Listing{List: r.List, Sort: sort})
		}
		*last = listOn(r, rec.Key, sort)
		return itemOf(rec, len(rec.State), err)
	})
	if err == nil && !whole && *last == before {
		err = errNoProgress
	}
	return page, whole, err
}

// listOn is where a list is read on behind a record.
func listOn(r audit.ListRequest, k audit.Key, sort string) standing {
	switch {
	case r.Kind == "":
		return standing{k.Kind, k.ID}
	case r.List == "":
		return standing{sort: k.ID + "\x01"} // before any id after it, as none has control characters
	default:
		return standing{sort, k.ID}
	}
}

// listQuery is the statement that reads a list on, and its arguments but the
// limit.
func listQuery(r audit.ListRequest, last standing) (statement, []any) {
	var s, bounded statement
	args := []any{r.Tenant}
	switch {
	case r.Kind == "":
		return readAll, append(args, last.sort, last.id)
	case r.List == "":
		s, bounded = readKind, readKindBefore
		args = append(args, r.Kind, last.sort)
	default:
		s, bounded = readList, readListBefore
		args = append(args, r.Kind, r.List, last.sort, last.id)
	}
	if r.Before != "" {
		return bounded, append(args, r.Before)
	}
	return s, args
}

// Events is as [audit.Store] says. For a row that is damaged it yields its key,
// number and index, as far as they can be read and without the leaf, with an
// [audit.ErrTampered]; for places of the log without an event it yields the
// first of them, without a key and number, with such an error too. Either way
// it goes on; any other error is the last that it yields. Entries before the
// first place come first, where the log is read from its beginning.
func (s *Store) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return eventsThrough(ctx, s, r)
}

func eventsThrough(ctx context.Context, a access, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		at := newCursor(r)
		paged(r.Limit, yield, func(most int) (page []item[audit.Entry], whole bool, err error) {
			leave, err := a.enter(ctx, r.Check())
			if err != nil {
				return nil, false, err
			}
			defer leave()
			err = a.read(ctx, func(x session) error {
				page, whole, err = eventsPage(ctx, x, r, &at, most)
				return err
			})
			return page, whole, err
		})
	}
}

// cursor is how far entries have been read.
type cursor struct {
	last int64 // place, or number of those that wait, behind which to read on
	next int64 // place of the log that has to come
}

func newCursor(r audit.EventsRequest) cursor {
	at := cursor{last: r.From - 1, next: r.From}
	if r.From == 0 && !r.Unsequenced {
		at.last = math.MinInt64 // no entry stands before the first place, unless it was put there
	}
	return at
}

// eventsPage reads entries on.
func eventsPage(ctx context.Context, x session, r audit.EventsRequest, at *cursor, most int) ([]item[audit.Entry], bool, error) {
	s, before := readLog, at.last
	if r.Unsequenced {
		s = readUnsequenced
	}
	rows, err := x.query(ctx, s, r.Tenant, before, most)
	if err != nil {
		return nil, false, err
	}
	page, whole, err := collect(rows, most, func() (item[audit.Entry], int, error) {
		e, err := scanEntry(rows, r.Tenant, &at.last)
		return itemOf(e, len(e.Leaf.Data)+len(e.Leaf.Openings), err)
	})
	if err == nil && !whole && at.last == before {
		err = errNoProgress
	}
	if !r.Unsequenced {
		page = gapless(page, r.Tenant, &at.next)
	}
	return page, whole, err
}

// gapless is a page of the log with an item for each gap in it, and with what
// stands before its beginning marked as damaged.
func gapless(page []item[audit.Entry], tenant string, next *int64) []item[audit.Entry] {
	var out []item[audit.Entry]
	for _, one := range page {
		e := one.value
		switch {
		case e.Index < 0:
			one = item[audit.Entry]{audit.Entry{Key: e.Key, Seq: e.Seq, Index: e.Index},
				&audit.TamperedError{Key: e.Key, Seq: e.Seq, What: fmt.Sprintf("it stands at %d in the log, which begins at 0", e.Index)}}
		case e.Index > *next:
			gap := audit.Entry{Key: audit.Key{Tenant: tenant}, Index: *next}
			out = append(out, item[audit.Entry]{gap, fmt.Errorf("%w: nothing stands in the log at %d, and the next entry is at %d", audit.ErrTampered, *next, e.Index)})
		}
		*next = max(*next, e.Index+1)
		out = append(out, one)
	}
	return out
}

// Log is as [audit.Store] says.
func (s *Store) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	return logThrough(ctx, s, tenant, positions)
}

func logThrough(ctx context.Context, a access, tenant string, positions []int64) (audit.LogState, error) {
	leave, err := a.enter(ctx, audit.CheckPositions(tenant, positions))
	if err != nil {
		return audit.LogState{}, err
	}
	defer leave()
	var state audit.LogState
	err = a.read(ctx, func(x session) (err error) {
		state, err = logState(ctx, x, tenant, positions)
		return err
	})
	if err != nil {
		return audit.LogState{}, err
	}
	return state, nil
}

// readSize reads how far the log has come, and its last checkpoint.
func readSize(ctx context.Context, x session, tenant string) (size int64, checkpoint []byte, err error) {
	var large bool
	_, err = one(ctx, x, readLogState, []any{tenant}, &size, &checkpoint, &large)
	if err == nil && large {
		err = fmt.Errorf("%w: the checkpoint of the log is larger than any", audit.ErrTampered)
	}
	return size, checkpoint, err
}

func logState(ctx context.Context, x session, tenant string, positions []int64) (state audit.LogState, err error) {
	if state.Size, state.Checkpoint, err = readSize(ctx, x, tenant); err != nil {
		return state, err
	}
	if _, err = one(ctx, x, readWaiting, []any{tenant}, &state.Waiting); err != nil {
		return state, err
	}
	for _, p := range positions {
		var data []byte
		var large bool
		found, err := one(ctx, x, readHash, []any{tenant, p}, &data, &large)
		if err != nil {
			return state, err
		}
		if !found {
			return state, fmt.Errorf("%w: the log has no hash at position %d", audit.ErrNotFound, p)
		}
		hash, err := scanHash(data)
		if err != nil {
			return state, fmt.Errorf("%w: the hash at position %d of the log: %w", audit.ErrTampered, p, err)
		}
		state.Hashes = append(state.Hashes, hash)
	}
	return state, nil
}
