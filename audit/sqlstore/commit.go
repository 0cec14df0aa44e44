package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/changelane/changelane/audit"
)

// Commit is as [audit.Store] says. When the outcome of the COMMIT is not known
// it looks the command up, and returns [audit.ErrOutcomeUnknown] only when it
// is not there, or cannot be looked up: it may yet turn out to be written.
func (s *Store) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	done, err := commitThrough(ctx, s, b)
	if b.Command == "" || !errors.Is(err, audit.ErrOutcomeUnknown) {
		return done, err
	}
	if found, _ := s.Load(ctx, audit.LoadRequest{Tenant: b.Tenant, Command: b.Command}); found.Answer != nil && found.Answer.Request == b.Request {
		return audit.Committed{Answer: found.Answer.Answer}, nil
	}
	return audit.Committed{}, err
}

func commitThrough(ctx context.Context, a access, b audit.Batch) (audit.Committed, error) {
	leave, err := a.enter(ctx, b.Check())
	if err != nil {
		return audit.Committed{}, err
	}
	defer leave()
	var done audit.Committed
	err = a.write(ctx, func(ctx context.Context, x session) (err error) {
		done, err = commit(ctx, x, &b)
		return err
	})
	if err != nil {
		return audit.Committed{}, err
	}
	return done, nil
}

// commit writes a batch, unless its command is there already. What it writes
// before it refuses, its caller undoes.
func commit(ctx context.Context, x session, b *audit.Batch) (audit.Committed, error) {
	if b.Command != "" {
		first, err := giveAnswer(ctx, x, b)
		if err != nil {
			return audit.Committed{}, err
		}
		if first != nil {
			return audit.Committed{Replayed: true, Answer: first.Answer}, nil
		}
	}
	for i := range b.Writes {
		if err := move(ctx, x, &b.Writes[i]); err != nil {
			return audit.Committed{}, err
		}
	}
	for _, r := range b.Reads {
		if err := expect(ctx, x, r.Key, r.Version); err != nil {
			return audit.Committed{}, err
		}
	}
	err := addAll(ctx, x, addMessage, len(b.Messages), func(args []any, i int) []any {
		m := &b.Messages[i]
		return append(args, m.Key.Tenant, m.Topic, audit.Shard(m.Key), m.Key.Kind, m.Key.ID, int64(m.Seq), nonNil(m.Body), messageChecksum(m))
	})
	return audit.Committed{Answer: bytes.Clone(b.Answer)}, err
}

// giveAnswer keeps the answer of a new command, and returns that of one that
// was committed before.
func giveAnswer(ctx context.Context, x session, b *audit.Batch) (*audit.Answered, error) {
	n, err := x.exec(ctx, addCommand, b.Tenant, b.Command, b.Request[:], nonNil(b.Answer),
		commandChecksum(b.Tenant, b.Command, b.Request, b.Answer))
	if err != nil || n == 1 {
		return nil, err
	}
	first, err := readAnswer(ctx, x, b.Tenant, b.Command)
	switch {
	case err != nil:
		return nil, err
	case first == nil:
		return nil, errors.New("a command could neither be added nor found: the table of commands is damaged")
	case first.Request != b.Request:
		return nil, &audit.CommandReusedError{Command: b.Command}
	}
	return first, nil
}

// readAnswer reads the answer to a command; nil when there is none.
func readAnswer(ctx context.Context, x session, tenant, command string) (*audit.Answered, error) {
	var request, answer []byte
	var large bool
	var crc int64
	found, err := one(ctx, x, readCommand, []any{tenant, command}, &request, &answer, &large, &crc)
	if err != nil {
		return nil, err
	}
	return answered(tenant, command, found, request, answer, large, crc)
}

// move moves a record on, if it is where the write expects it.
func move(ctx context.Context, x session, w *audit.Write) error {
	k, lists := w.Key, formatLists(w.Lists)
	version := w.From + uint64(len(w.Events))
	crc := recordChecksum(k, version, w.Head, lists, w.State)
	var before []audit.Listing
	if w.From == 0 {
		n, err := x.exec(ctx, addRecord, k.Tenant, k.Kind, k.ID, int64(version), w.Head[:], lists, nonNil(w.State), crc)
		if err != nil {
			return err
		}
		if n == 0 || w.Prev != (audit.Hash{}) {
			return stale(ctx, x, k, w.From)
		}
	} else {
		var old []byte
		moved, err := one(ctx, x, moveRecord, []any{int64(version), w.Head[:], nonNil(w.State), crc,
			k.Tenant, k.Kind, k.ID, int64(w.From), w.Prev[:]}, &old)
		switch {
		case err != nil:
			return err
		case !moved:
			return stale(ctx, x, k, w.From)
		case !bytes.Equal(old, lists):
			if _, err := x.exec(ctx, relistRecord, lists, k.Tenant, k.Kind, k.ID); err != nil {
				return err
			}
			if before, err = parseLists(old); err != nil {
				return &audit.TamperedError{Key: k, Seq: w.From, What: "the row of the record is damaged: " + err.Error()}
			}
		default:
			before = w.Lists
		}
	}
	if err := relist(ctx, x, k, before, w.Lists); err != nil {
		return err
	}
	return addAll(ctx, x, addEvents, len(w.Events), func(args []any, i int) []any {
		leaf := &w.Events[i]
		return append(args, k.Tenant, k.Kind, k.ID, int64(w.From)+int64(i)+1, leaf.Data, leaf.Openings)
	})
}

// relist takes a record out of the lists that it no longer stands in, and puts
// it into the new ones.
func relist(ctx context.Context, x session, k audit.Key, before, after []audit.Listing) error {
	for _, l := range without(before, after) {
		if _, err := x.exec(ctx, unlist, k.Tenant, k.Kind, l.List, l.Sort, k.ID); err != nil {
			return err
		}
	}
	added := without(after, before)
	return addAll(ctx, x, addLists, len(added), func(args []any, i int) []any {
		return append(args, k.Tenant, k.Kind, added[i].List, added[i].Sort, k.ID)
	})
}

// without is the listings that are not among others.
func without(lists, others []audit.Listing) []audit.Listing {
	known := make(map[audit.Listing]bool, len(others))
	for _, l := range others {
		known[l] = true
	}
	return slices.DeleteFunc(slices.Clone(lists), func(l audit.Listing) bool { return known[l] })
}

// expect refuses when a record is not at a version.
func expect(ctx context.Context, x session, k audit.Key, want uint64) error {
	have, err := versionOf(ctx, x, k)
	if err != nil || have == want {
		return err
	}
	return &audit.StaleError{Key: k, Want: want, Have: have}
}

// stale is the refusal of a write to a record that is not where it was
// expected, by its version or by its head.
func stale(ctx context.Context, x session, k audit.Key, want uint64) error {
	have, err := versionOf(ctx, x, k)
	if err != nil {
		return err
	}
	return &audit.StaleError{Key: k, Want: want, Have: have}
}

// versionOf is the version of a record; 0 when there is none.
func versionOf(ctx context.Context, x session, k audit.Key) (uint64, error) {
	var version int64
	_, err := one(ctx, x, readVersion, []any{k.Tenant, k.Kind, k.ID}, &version)
	return uint64(version), err
}
