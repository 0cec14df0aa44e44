package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// discoveredPrefix begins the ids of cases of deployments that nobody had
// authorised.
const discoveredPrefix = "unauthorized:"

// discoveredIDs are the cases in which a deployment that nobody had authorised
// can stand: that of its id, under the id of the case where it was reported with
// one; and where something else stands there, that of all that is said of it. A
// zero At says nothing.
func discoveredIDs(said approval.Deployment) []string {
	name := escaped(said.ID) // without a colon, so that no reported one has this name
	if said.Case != "" {
		name = escaped(said.Case) + ":" + said.ID
	}
	all := sha256.Sum256(fmt.Appendf(nil, "%q", []string{said.Case, said.ID, said.Service, string(said.Artifact), said.Target, said.Outcome.String(), said.Note, said.At.String()}))
	return []string{discoveredID(name), discoveredID(name + "#" + hex.EncodeToString(all[:8]))}
}

func discoveredID(name string) string {
	id := discoveredPrefix + name
	if len(id) > audit.MaxName {
		sum := sha256.Sum256([]byte(name))
		return discoveredPrefix + hex.EncodeToString(sum[:])
	}
	return id
}

// errOtherDeployment is when both cases of a deployment are of other ones.
var errOtherDeployment = errors.New("other deployments stand in both of the cases that this one can have; give it an id of its own")

// saysNothingNew reports whether all that is said of a deployment stands in its
// case already. What is not known says nothing.
func saysNothingNew(said approval.Deployment, known *approval.Deployment) bool {
	return known != nil && said.Case == known.Case && said.ID == known.ID &&
		(said.Service == "" || said.Service == known.Service) &&
		(said.Artifact == "" || said.Artifact == known.Artifact) &&
		(said.Target == "" || said.Target == known.Target) &&
		(said.Outcome == 0 || said.Outcome == known.Outcome) &&
		(said.Note == "" || said.Note == known.Note) &&
		(said.At.IsZero() || said.At.Equal(known.At))
}

// discover makes the events of such a case, once.
func (t *turn) discover(ctx context.Context, who string, seen approval.Deployment) ([]approval.Event, error) {
	if t.record.Version > 0 {
		return nil, nil
	}
	by, err := t.actor(ctx, who)
	if err != nil {
		return nil, err
	}
	return approval.Discover(seen, by, t.now, t.desk.opts.Validity)
}

// Reconcile finds among deployments that were seen in production those that no
// case had authorised, and opens a case of which a review is owed for each. It
// gives these cases, in the order of the deployments; those that were found
// before too. Sending it again is harmless.
//
// A deployment is authorised when a case has started that artifact on that
// target of that service. Its attempt has the id of the deployment, and was
// started no later than this was seen; or the deploy tool has an id of its own,
// and it was seen while the attempt was under way: from its start until its
// outcome was reported or was due. An attempt stands for one deployment alone,
// so what was seen in a period is given in one call; and for none that was seen
// after the way back was taken on its target. What is not known of a deployment
// matches nothing. The clocks of both sides are compared as they are.
//
// The same id with the same details is the same deployment, whenever it is seen;
// with other details, or with details where there were none, it is another one.
func (d *Desk) Reconcile(ctx context.Context, who string, seen []approval.Deployment) ([]approval.Case, error) {
	if err := checkIdentity(who); err != nil {
		return nil, err
	}
	if err := d.again(ctx, func(context.Context) error { return checkSeen(seen, d.now()) }); err != nil {
		return nil, err
	}
	explained, err := d.explain(ctx, seen)
	if err != nil {
		return nil, err
	}
	var found []approval.Case
	for i, s := range seen {
		if explained[i] {
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

// found opens the case of a deployment that nobody had authorised.
func (d *Desk) found(ctx context.Context, who string, s approval.Deployment) (approval.Case, error) {
	said := s
	said.At = time.Time{}
	return d.run(ctx, &command{
		verb: "reconcile", who: who, ids: discoveredIDs(said), new: true,
		meant: func(c approval.Case) bool { return saysNothingNew(said, c.Discovered) },
		do: func(ctx context.Context, t *turn) ([]approval.Event, error) {
			t.occurred = s.At.Round(0).UTC()
			return t.discover(ctx, who, s)
		},
	})
}

// sighting is an attempt that a deployment could be.
type sighting struct {
	run  startedRun
	same bool      // it has the id of the deployment
	ends time.Time // of the time in which it explains one with another id
}

// startedRun names an attempt of a case.
type startedRun struct{ id, attempt string }

// explain finds which of the deployments are attempts that were started. Those
// with the id of an attempt come first; of the others each takes, of the
// attempts that nobody has taken, the one that ends first.
func (d *Desk) explain(ctx context.Context, seen []approval.Deployment) ([]bool, error) {
	could, explained, taken := make([][]sighting, len(seen)), make([]bool, len(seen)), map[startedRun]string{}
	for i, s := range seen {
		err := d.again(ctx, func(ctx context.Context) (err error) {
			could[i], err = d.sightings(ctx, s)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("deployment %s: %w", s.ID, err)
		}
	}
	for _, same := range []bool{true, false} {
		for i, s := range seen {
			for _, c := range could[i] {
				by, is := taken[c.run]
				if c.same == same && !explained[i] && (!is || by == s.ID) {
					explained[i], taken[c.run] = true, s.ID
				}
			}
		}
	}
	return explained, nil
}

// sightings are the attempts that a deployment could be, those that end first
// first.
func (d *Desk) sightings(ctx context.Context, s approval.Deployment) (out []sighting, err error) {
	place := string(s.Artifact)
	list := audit.ListRequest{Tenant: d.opts.Tenant, Kind: KindCase, List: listStarted, From: place, Before: place + "!"} // no other digest is between
	if s.Artifact == "" || list.Check() != nil {
		return nil, nil // nothing can have been started there
	}
	named := false // as an attempt of that artifact is: then it is that one, or none
	for r, err := range d.store.List(ctx, list) {
		if err != nil {
			return nil, err
		}
		c, _, err := d.read(ctx, r.Key.ID)
		if err != nil {
			return nil, err
		}
		for n, run := range c.Runs {
			named = named || run.Artifact == s.Artifact && run.ID == s.ID
			if could, ok := explains(c, n, s); ok {
				out = append(out, could)
			}
		}
	}
	if named {
		out = slices.DeleteFunc(out, func(could sighting) bool { return !could.same })
	}
	slices.SortStableFunc(out, func(a, b sighting) int { return a.ends.Compare(b.ends) })
	return out, nil
}

// explains reports whether a deployment could be that attempt of a case.
func explains(c approval.Case, n int, s approval.Deployment) (sighting, bool) {
	run, after := c.Runs[n], c.Runs[n+1:]
	out := sighting{startedRun{c.ID, run.ID}, run.ID == s.ID && (s.Case == "" || s.Case == c.ID), run.ReportedAt}
	if out.ends.IsZero() {
		out.ends = run.ReportBy
	}
	switch {
	case run.Artifact != s.Artifact || run.Target != s.Target || c.Change.Service != s.Service || s.At.Before(run.StartedAt):
		return out, false
	case !out.same && s.At.After(out.ends):
		return out, false
	}
	return out, !slices.ContainsFunc(after, func(back approval.Run) bool {
		return back.Backout && back.Target == run.Target && !s.At.Before(back.StartedAt)
	})
}
