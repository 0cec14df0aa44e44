package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// Fed is one event of the log, with its place. It is of a case or of a template;
// of other records, which the host may keep in the same store, only the place is
// told.
type Fed struct {
	Index    int64                    // in the log, from 0
	ID       string                   // as that of a [Notice]: tenant/kind/id/number of the event
	Key      audit.Key                // of the case or the template: see [KindCase] and [KindTemplate]
	Seq      uint64                   // of the event within it, from 1
	Event    approval.Stamped         // of a case; the zero value: it is none
	Template approval.StampedTemplate // of a template; the zero value: it is none
}

// Feed gives the events of all cases and templates, in the order of the log, from
// an index on. For a host that copies them elsewhere, the index after the last
// one that it has dealt with is where to go on: the log has no gaps, and nothing
// comes up later before that place. An event appears once [Desk.Tick] or
// [Desk.Run] of a desk with a signer has put it into the log; what is not there
// yet is not given, and Feed ends where the log ends. A [Notifier] is told sooner,
// but only about cases.
//
// An event of which personal data were erased comes with its place and
// [approval.ErrErased], and the next one after it; every other error is the
// last. The events are given as the store has them; [Verify] proves that they
// are as they were written.
func (d *Desk) Feed(ctx context.Context, from int64) iter.Seq2[Fed, error] {
	return func(yield func(Fed, error) bool) {
		r := audit.EventsRequest{Tenant: d.opts.Tenant, From: from}
		err := d.fit(ctx)
		if err == nil {
			err = r.Check()
		}
		if err != nil {
			yield(Fed{}, err)
			return
		}
		give(ctx, d.store.Events(ctx, r), func(_ context.Context, e audit.Entry) (fedOrErased, error) {
			fed, err := fed(e)
			if errors.Is(err, approval.ErrErased) {
				return fedOrErased{fed, err}, nil
			}
			return fedOrErased{fed, nil}, err
		}, func(f fedOrErased, err error) bool {
			return yield(f.fed, errors.Join(f.erased, err))
		})
	}
}

type fedOrErased struct {
	fed    Fed
	erased error
}

// fed reads one entry of the log.
func fed(e audit.Entry) (Fed, error) {
	out := Fed{Index: e.Index, ID: noticeID(audit.Message{Key: e.Key, Seq: e.Seq}), Key: e.Key, Seq: e.Seq}
	o, err := audit.Open(e.Leaf)
	switch {
	case err != nil:
	case o.Key != e.Key || o.Seq != e.Seq:
		err = &audit.TamperedError{Key: e.Key, Seq: e.Seq, What: "it is event " + fmt.Sprint(o.Seq) + " of " + o.Key.String()}
	case e.Key.Kind == KindCase:
		out.Event.Occurred, out.Event.Recorded = o.Occurred, o.Recorded
		out.Event.Event, err = approval.DecodeEvent(encoded(o))
	case e.Key.Kind == KindTemplate:
		out.Template.Occurred, out.Template.Recorded = o.Occurred, o.Recorded
		out.Template.Set, err = approval.DecodeTemplate(encoded(o))
	}
	if err != nil {
		return out, fmt.Errorf("event %d of the log: %w", e.Index, err)
	}
	return out, nil
}
