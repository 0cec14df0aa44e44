package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// discoveredPrefix begins the ids of cases of deployments that nobody had
// authorised.
const discoveredPrefix = "unauthorized:"

// discoveredID is the case of a deployment that nobody had authorised: the same
// deployment is found once, whoever finds it.
func discoveredID(deployment string) string {
	id := discoveredPrefix + deployment
	if len(id) > audit.MaxName {
		sum := sha256.Sum256([]byte(deployment))
		return discoveredPrefix + hex.EncodeToString(sum[:])
	}
	return id
}

// discover makes the events of such a case, once.
func (t *turn) discover(seen approval.Deployment, by approval.Actor) ([]approval.Event, error) {
	if t.record.Version > 0 {
		return nil, nil
	}
	return approval.Discover(seen, by, t.now, t.desk.opts.Validity)
}

// Reconcile finds among deployments that were seen in production those that no
// case had authorised, and opens a case of which a review is owed for each. It
// gives these cases, in the order of the deployments; those that were found
// before too.
//
// A deployment is authorised when a case has started its artifact on its target
// no later than it was seen: under the attempt of the same id where there is
// one, or else under any. The clocks of both sides are compared as they are.
func (d *Desk) Reconcile(ctx context.Context, who string, seen []approval.Deployment) ([]approval.Case, error) {
	if err := checkIdentity(who); err != nil {
		return nil, err
	}
	if err := d.again(ctx, func(context.Context) error { return checkSeen(seen, d.now()) }); err != nil {
		return nil, err
	}
	var found []approval.Case
	for _, s := range seen {
		ok := false
		err := d.again(ctx, func(ctx context.Context) (err error) {
			ok, err = d.authorised(ctx, s)
			return err
		})
		if err != nil {
			return found, fmt.Errorf("deployment %s: %w", s.ID, err)
		}
		if ok {
			continue
		}
		c, err := d.found(ctx, who, s)
		if err != nil {
			return found, fmt.Errorf("deployment %s: %w", s.ID, err)
		}
		found = append(found, c)
	}
	return found, nil
}

func checkSeen(seen []approval.Deployment, now time.Time) error {
	for _, s := range seen {
		switch {
		case s.ID == "":
			return errors.New("a deployment needs the id that the deploy tool has for it; otherwise it would be found anew each time")
		case s.At.IsZero() || s.At.After(now):
			return fmt.Errorf("the deployment %s was seen at %s, and it is %s now; say when it was seen", s.ID, s.At.UTC().Format(time.RFC3339), now.Format(time.RFC3339))
		}
	}
	return nil
}

// found opens the case of a deployment that nobody had authorised. One that
// was found before under the same id hides no other one.
func (d *Desk) found(ctx context.Context, who string, s approval.Deployment) (approval.Case, error) {
	c, err := d.opened(ctx, who, discoveredID(s.ID), s)
	if err == nil && differs(c.Discovered, s) {
		return d.opened(ctx, who, discoveredID(s.ID+"@"+s.Service+"|"+string(s.Artifact)+"|"+s.Target), s)
	}
	return c, err
}

// differs reports whether what was found before is known to be something else.
func differs(before *approval.Deployment, s approval.Deployment) bool {
	other := func(a, b string) bool { return a != "" && a != b }
	return before == nil || other(before.Service, s.Service) || other(string(before.Artifact), string(s.Artifact)) || other(before.Target, s.Target)
}

func (d *Desk) opened(ctx context.Context, who, id string, s approval.Deployment) (approval.Case, error) {
	return d.run(ctx, &command{
		verb: "reconcile", who: who, ids: []string{id}, new: true,
		do: func(ctx context.Context, t *turn) ([]approval.Event, error) {
			by, err := t.actor(ctx, who)
			if err != nil {
				return nil, err
			}
			t.occurred = s.At.Round(0).UTC()
			return t.discover(s, by)
		},
	})
}

// authorised reports whether a case has started this.
func (d *Desk) authorised(ctx context.Context, s approval.Deployment) (bool, error) {
	place := string(s.Artifact)
	list := audit.ListRequest{Tenant: d.opts.Tenant, Kind: KindCase, List: listStarted, From: place, Before: place + "!"} // no other digest is between
	if s.Artifact == "" || list.Check() != nil {
		return false, nil // nothing can have been started there
	}
	any := false
	for r, err := range d.store.List(ctx, list) {
		if err != nil {
			return false, err
		}
		c, _, err := d.read(ctx, r.Key.ID)
		if err != nil {
			return false, err
		}
		for _, run := range c.Runs {
			if run.Artifact != s.Artifact || run.Target != s.Target {
				continue
			}
			before := !run.StartedAt.After(s.At)
			if run.ID == s.ID {
				return before, nil
			}
			any = any || before
		}
	}
	return any, nil
}
