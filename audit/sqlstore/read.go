package sqlstore

import (
	"context"
	"fmt"
	"iter"

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

// List is as [audit.Store] says.
func (s *Store) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return listThrough(ctx, s, r)
}

func listThrough(ctx context.Context, a access, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		last := standing{sort: r.From} // before all that stand there, as no id is empty
		paged(r.Limit, yield, func(most int) (page []audit.Record, whole bool, err error) {
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
func listPage(ctx context.Context, x session, r audit.ListRequest, last *standing, most int) ([]audit.Record, bool, error) {
	s, args := listQuery(r, *last)
	rows, err := x.query(ctx, s, append(args, most)...)
	if err != nil {
		return nil, false, err
	}
	return collect(rows, most, func() (audit.Record, int, error) {
		var sort string
		rec, err := scanRecord(rows, r.Tenant, &sort)
		if err != nil {
			return rec, 0, err
		}
		if r.List != "" {
			err = standsIn(rec, audit.Listing{List: r.List, Sort: sort})
		}
		switch {
		case r.Kind == "":
			*last = standing{rec.Key.Kind, rec.Key.ID}
		case r.List == "":
			*last = standing{sort: rec.Key.ID + "\x01"} // before any id after it, as none has control characters
		default:
			*last = standing{sort, rec.Key.ID}
		}
		return rec, len(rec.State), err
	})
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

// Events is as [audit.Store] says.
func (s *Store) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return eventsThrough(ctx, s, r)
}

func eventsThrough(ctx context.Context, a access, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		next := r.From // or the last number, of those that wait
		paged(r.Limit, yield, func(most int) (page []audit.Entry, whole bool, err error) {
			leave, err := a.enter(ctx, r.Check())
			if err != nil {
				return nil, false, err
			}
			defer leave()
			err = a.read(ctx, func(x session) error {
				page, whole, err = eventsPage(ctx, x, r, &next, most)
				return err
			})
			return page, whole, err
		})
	}
}

// eventsPage reads entries on. Those of the log stand there without a gap.
func eventsPage(ctx context.Context, x session, r audit.EventsRequest, next *int64, most int) ([]audit.Entry, bool, error) {
	s := readLog
	if r.Unsequenced {
		s = readUnsequenced
	}
	rows, err := x.query(ctx, s, r.Tenant, *next, most)
	if err != nil {
		return nil, false, err
	}
	return collect(rows, most, func() (audit.Entry, int, error) {
		var number int64
		e, err := scanEntry(rows, r.Tenant, &number)
		switch {
		case err != nil:
		case r.Unsequenced:
			*next = number
		case e.Index != *next:
			err = &audit.TamperedError{Key: e.Key, Seq: e.Seq, What: fmt.Sprintf("it is at %d in the log, where the next one is %d", e.Index, *next)}
		default:
			*next++
		}
		return e, len(e.Leaf.Data) + len(e.Leaf.Openings), err
	})
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

func logState(ctx context.Context, x session, tenant string, positions []int64) (state audit.LogState, err error) {
	if _, err = one(ctx, x, readLogState, []any{tenant}, &state.Size, &state.Checkpoint); err != nil {
		return state, err
	}
	if _, err = one(ctx, x, readWaiting, []any{tenant}, &state.Waiting); err != nil {
		return state, err
	}
	for _, p := range positions {
		var data []byte
		found, err := one(ctx, x, readHash, []any{tenant, p}, &data)
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
