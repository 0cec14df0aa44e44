package desk

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// errUnknownCase tells an unknown case from other records that are missing.
var errUnknownCase = fmt.Errorf("no case has this id; submit the change first: %w", audit.ErrNotFound)

func unknownCase(id string) error { return fmt.Errorf("%q: %w", id, errUnknownCase) }

func (d *Desk) caseKey(id string) audit.Key {
	return audit.Key{Tenant: d.opts.Tenant, Kind: KindCase, ID: id}
}

// readCase is the case that a record holds, made from its events. What is kept
// beside them must be what they add up to: otherwise somebody has been at the
// record, and nothing is decided by it.
func readCase(r audit.Record, entries []audit.Entry) (approval.Case, []approval.Stamped, error) {
	opened, err := audit.OpenChain(r, entries)
	if err != nil {
		return approval.Case{}, nil, err
	}
	history, err := stamped(opened)
	if err != nil {
		return approval.Case{}, nil, err
	}
	c, err := approval.Fold(r.Key.ID, history)
	if err != nil {
		return approval.Case{}, nil, err
	}
	state, err := c.MarshalJSON()
	if err == nil && !bytes.Equal(state, r.State) {
		err = &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the state that is kept beside it is not what the events add up to"}
	}
	return c, history, err
}

// read reads a case and its events.
func (d *Desk) read(ctx context.Context, id string) (approval.Case, []approval.Stamped, error) {
	if err := (&command{ids: []string{id}}).check(KindCase); err != nil {
		return approval.Case{}, nil, err
	}
	loaded, err := d.store.Load(ctx, audit.LoadRequest{Tenant: d.opts.Tenant, Keys: []audit.Key{d.caseKey(id)}, Events: true})
	if err != nil {
		return approval.Case{}, nil, err
	}
	if loaded.Records[0].Version == 0 {
		return approval.Case{}, nil, unknownCase(id)
	}
	return readCase(loaded.Records[0], loaded.Events[0])
}

// Case is the present state of a case, made from its events.
func (d *Desk) Case(ctx context.Context, id string) (c approval.Case, err error) {
	err = d.again(ctx, func(ctx context.Context) error {
		c, _, err = d.read(ctx, id)
		return err
	})
	if err != nil {
		return approval.Case{}, err
	}
	return c, nil
}

// History is the events of a case.
func (d *Desk) History(ctx context.Context, id string) (history []approval.Stamped, err error) {
	err = d.again(ctx, func(ctx context.Context) error {
		_, history, err = d.read(ctx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return history, nil
}

var queues = []string{approval.QueueApproval, approval.QueueDeployment, approval.QueueOutcome, approval.QueueValidation, approval.QueueReview}

// Queue lists the cases in a queue, in its order: [approval.QueueApproval],
// [approval.QueueDeployment], [approval.QueueOutcome],
// [approval.QueueValidation] or [approval.QueueReview]. It ends with the first
// error. A case that moves on while the caller works may be left out.
func (d *Desk) Queue(ctx context.Context, queue string) iter.Seq2[approval.Case, error] {
	return func(yield func(approval.Case, error) bool) {
		err := d.fit(ctx)
		if err == nil && !slices.Contains(queues, queue) {
			err = fmt.Errorf("there is no queue %q; there are %s", queue, strings.Join(queues, ", "))
		}
		if err != nil {
			yield(approval.Case{}, err)
			return
		}
		list := d.store.List(ctx, audit.ListRequest{Tenant: d.opts.Tenant, Kind: KindCase, List: queue})
		give(ctx, list, func(ctx context.Context, r audit.Record) (approval.Case, error) {
			return d.Case(ctx, r.Key.ID)
		}, func(c approval.Case, err error) bool {
			return err == nil && !stands(c, queue) || yield(c, err)
		})
	}
}

// give passes on what a store lists, as what is made of it, until the first
// error. What the store does is kept apart from what the caller does, so that
// only the panics of the store are errors.
func give[T, U any](ctx context.Context, from iter.Seq2[T, error], made func(context.Context, T) (U, error), yield func(U, error) bool) {
	next, stop := iter.Pull2(from)
	defer stop()
	for more := true; more; {
		var out U
		err := contain(ctx, func(ctx context.Context) error {
			item, err, ok := next()
			if more = ok && err == nil; !more {
				return err
			}
			out, err = made(ctx, item)
			return err
		})
		if err != nil {
			var none U
			yield(none, err)
			return
		}
		if more && !yield(out, nil) {
			return
		}
	}
}

func stands(c approval.Case, queue string) bool {
	return slices.ContainsFunc(c.Queues(), func(p approval.Place) bool { return p.Queue == queue })
}
