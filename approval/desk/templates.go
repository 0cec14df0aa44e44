package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

func (d *Desk) templateKey(id string) audit.Key {
	return audit.Key{Tenant: d.opts.Tenant, Kind: KindTemplate, ID: id}
}

// readTemplate is the history that a record holds, and when it ends.
func readTemplate(r audit.Record, entries []audit.Entry) (history approval.TemplateHistory, last time.Time, err error) {
	opened, err := audit.OpenChain(r, entries)
	if err != nil || len(opened) == 0 {
		return history, last, err
	}
	if history, err = templateHistory(opened); err != nil {
		return history, last, err
	}
	state, err := templateState(history.Status())
	if err == nil && !bytes.Equal(state, r.State) {
		err = &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the state that is kept beside it is not what the events add up to"}
	}
	return history, opened[len(opened)-1].Recorded, err
}

// readTemplates reads what the log says of the templates of a policy: the
// records, and the status of each. One that was given it later than now, by a
// clock that was ahead, is only proposed until then: nothing is in force before
// its time.
func (d *Desk) readTemplates(ctx context.Context, p *approval.Policy, now time.Time) (map[string]audit.Record, map[string]approval.TemplateStatus, error) {
	var keys []audit.Key
	for _, t := range p.Templates() {
		keys = append(keys, d.templateKey(t.ID))
	}
	records, statuses := map[string]audit.Record{}, map[string]approval.TemplateStatus{}
	for page := range slices.Chunk(keys, audit.MaxPage) {
		loaded, err := d.store.Load(ctx, audit.LoadRequest{Tenant: d.opts.Tenant, Keys: page, Events: true})
		if err != nil {
			return nil, nil, err
		}
		for i, r := range loaded.Records {
			history, last, err := readTemplate(r, loaded.Events[i])
			if err != nil {
				return nil, nil, err
			}
			records[r.Key.ID], statuses[r.Key.ID] = r, approval.TemplateStatus{}
			if !last.After(now) {
				statuses[r.Key.ID] = history.Status()
			}
		}
	}
	return records, statuses, nil
}

// Templates has the states of the templates of the policy in force, as the desk
// decides by them: a state that is recorded later than now is not one yet.
func (d *Desk) Templates(ctx context.Context) (statuses map[string]approval.TemplateStatus, err error) {
	policy := d.Policy()
	err = d.again(ctx, func(ctx context.Context) error {
		_, statuses, err = d.readTemplates(ctx, policy, d.now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return statuses, nil
}

// SetTemplate gives a template of the policy a state (no [Notifier] is told of it;
// it is in [Desk.Feed]): puts it into force, or
// out of it. The state is that of the definition in the policy in force: one
// that is edited later has lost it, and one that is retired never comes back. The
// state that it has already changes nothing.
//
// While the clock is behind what is recorded of the template, it can only be
// taken out of force, which is then recorded at the time of its last event.
func (d *Desk) SetTemplate(ctx context.Context, who, template string, to approval.TemplateState, because string, opts *CommandOptions) error {
	if err := checkIdentity(who); err != nil {
		return err
	}
	policy := d.Policy()
	version := policy.TemplateVersion(template)
	c := &command{verb: "set-template", who: who, ids: []string{template}, args: []any{to, because, version}}
	if err := c.keyed(opts).check(KindTemplate); err != nil {
		return err
	}
	return d.again(ctx, func(ctx context.Context) error { return d.setTemplate(ctx, c, policy, to, because) })
}

// setTemplate does it once.
func (d *Desk) setTemplate(ctx context.Context, c *command, policy *approval.Policy, to approval.TemplateState, because string) error {
	key := d.templateKey(c.ids[0])
	loaded, err := d.store.Load(ctx, audit.LoadRequest{Tenant: d.opts.Tenant, Keys: []audit.Key{key}, Events: true, Command: c.name})
	if err != nil {
		return err
	}
	request, err := c.request()
	switch {
	case err != nil:
		return err
	case loaded.Answer != nil && loaded.Answer.Request != request:
		return c.explain(&audit.CommandReusedError{Command: c.name})
	case loaded.Answer != nil:
		asked := approval.TemplateStatus{State: to, Version: policy.TemplateVersion(key.ID)}
		return setBefore(loaded.Records[0], loaded.Events[0], func(s approval.TemplateSet) bool {
			return s.By.Identity == c.who && s.Status == asked && s.Because == because
		})
	}
	is, last, err := readTemplate(loaded.Records[0], loaded.Events[0])
	if err != nil {
		return err
	}
	now := d.now()
	switch {
	case !now.Before(last):
	case to == approval.Suspended || to == approval.Retired: // what is dangerous is stopped whatever the clock says
		now = last
	default:
		r := refused("the template "+key.ID, approval.ClockBehind, "the clock is earlier than when its state was last set; wait until it has caught up")
		r.Waiting = true
		return r
	}
	asking, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	set, err := d.decideTemplate(asking, c, policy, to, is, because)
	switch {
	case errors.Is(err, approval.ErrUnchanged):
		return nil
	case err != nil:
		return err
	}
	return d.recordTemplate(asking, c, request, loaded.Records[0], set, now)
}

// decideTemplate asks who sets the state of a template, and decides.
func (d *Desk) decideTemplate(ctx context.Context, c *command, policy *approval.Policy, to approval.TemplateState, is approval.TemplateHistory, because string) (set approval.TemplateSet, err error) {
	q := d.questions()
	by, err := q.actor(ctx, c.who)
	if err != nil {
		return set, err
	}
	var holds []approval.Seat
	if seat, ok := policy.Approver(c.ids[0]); ok {
		if holds, err = q.seats(ctx, by, []approval.Seat{seat}); err != nil {
			return set, err
		}
	}
	return policy.SetTemplate(c.ids[0], to, is, by, holds, because)
}

// recordTemplate writes the new state of a template.
func (d *Desk) recordTemplate(ctx context.Context, c *command, request audit.Hash, r audit.Record, set approval.TemplateSet, now time.Time) error {
	made, err := templateDraft(set, now)
	if err != nil {
		return err
	}
	state, err := templateState(set.Status)
	if err != nil {
		return err
	}
	w, err := audit.Append(r, state, nil, made)
	if err != nil {
		return err
	}
	b := audit.Batch{Tenant: d.opts.Tenant, Writes: []audit.Write{w}}
	if c.name != "" {
		b.Command, b.Request, b.Answer = c.name, request, []byte("{}")
	}
	done, err := d.commit(ctx, b)
	if err == nil && done.Replayed {
		return errReplayed
	}
	return c.explain(err)
}

// errReplayed is a command that came at the same time twice: it is read again
// what became of it.
var errReplayed = fmt.Errorf("the same command was recorded meanwhile: %w", audit.ErrStale)
