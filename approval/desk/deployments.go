package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// DeploymentsRequest asks for deployments of one service.
type DeploymentsRequest struct {
	Service string
	Target  string    // "": all targets
	From    time.Time // started at or after this; zero: from the first on
	To      time.Time // and before this; zero: no bound
}

func (r DeploymentsRequest) check() error {
	switch {
	case r.Service == "":
		return errors.New("deployments are listed by service; name one")
	case !r.From.IsZero() && !r.To.IsZero() && !r.From.Before(r.To):
		return fmt.Errorf("there is no time from %s until before %s", r.From.UTC().Format(time.RFC3339), r.To.UTC().Format(time.RFC3339))
	}
	for _, t := range []time.Time{r.From, r.To} {
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return fmt.Errorf("deployments are of the years 1 to 9999, not of %d", year)
		}
	}
	return nil
}

// has reports whether a deployment is asked for.
func (r DeploymentsRequest) has(d approval.Delivery) bool {
	return (r.Target == "" || d.Target == r.Target) && !d.StartedAt.Before(r.From) && (r.To.IsZero() || d.StartedAt.Before(r.To))
}

// Deployments lists what was deployed of a service under authorised cases, ways
// back too: the basis of the measures of delivery. How often is deployed is
// how many there are in a span of time; a delivery says how long it took, and how
// it ended. What nobody had authorised is not in it: see [Desk.Reconcile].
//
// The deployments of one case come together, in the order of their start; the
// cases in that of the day, in UTC, on which they began to deploy in the span.
// It ends with the first error. What is started while the caller works may be
// left out.
func (d *Desk) Deployments(ctx context.Context, r DeploymentsRequest) iter.Seq2[approval.Delivery, error] {
	return func(yield func(approval.Delivery, error) bool) {
		if err := errors.Join(d.fit(ctx), r.check()); err != nil {
			yield(approval.Delivery{}, err)
			return
		}
		list := audit.ListRequest{Tenant: d.opts.Tenant, Kind: KindCase, List: deployedTo(r.Service)}
		if !r.From.IsZero() {
			list.From = r.From.UTC().Format(time.DateOnly)
		}
		if !r.To.IsZero() {
			list.Before = r.To.UTC().Format(time.DateOnly) + "!" // behind that day and before the next
		}
		had := map[string]bool{} // a case has a place for each day
		give(ctx, d.store.List(ctx, list), func(ctx context.Context, record audit.Record) ([]approval.Delivery, error) {
			if had[record.Key.ID] {
				return nil, nil
			}
			had[record.Key.ID] = true
			c, err := d.Case(ctx, record.Key.ID)
			return c.Deployments(), err
		}, func(of []approval.Delivery, err error) bool {
			if err != nil {
				return yield(approval.Delivery{}, err)
			}
			for _, delivery := range of {
				if r.has(delivery) && !yield(delivery, nil) {
					return false
				}
			}
			return true
		})
	}
}
