package desk

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

func (d *Desk) templateKey(id string) audit.Key {
	return audit.Key{Tenant: d.opts.Tenant, Kind: KindTemplate, ID: id}
}

// readTemplate is the status that a record holds, and when it was given.
func readTemplate(r audit.Record, entries []audit.Entry) (status approval.TemplateStatus, last time.Time, err error) {
	opened, err := audit.OpenChain(r, entries)
	if err != nil || len(opened) == 0 {
		return status, last, err
	}
	if status, err = templateStatus(opened); err != nil {
		return status, last, err
	}
	state, err := templateState(status)
	if err == nil && !bytes.Equal(state, r.State) {
		err = &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the state that is kept beside it is not what the events add up to"}
	}
	return status, opened[len(opened)-1].Recorded, err
}

// readTemplates reads what the log says of the templates of a policy: the
// records, and the status of each.
func (d *Desk) readTemplates(ctx context.Context, p *approval.Policy) (map[string]audit.Record, map[string]approval.TemplateStatus, error) {
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
			status, _, err := readTemplate(r, loaded.Events[i])
			if err != nil {
				return nil, nil, err
			}
			records[r.Key.ID], statuses[r.Key.ID] = r, status
		}
	}
	return records, statuses, nil
}

// Templates has the states of the templates of the policy in force.
func (d *Desk) Templates(ctx context.Context) (statuses map[string]approval.TemplateStatus, err error) {
	policy := d.Policy()
	err = d.again(ctx, func(ctx context.Context) error {
		_, statuses, err = d.readTemplates(ctx, policy)
		return err
	})
	if err != nil {
		return nil, err
	}
	return statuses, nil
}

// SetTemplate gives a template of the policy a state: puts it into force, or
// out of it. The state is that of the definition in the policy in force: one
// that is edited later has lost it. The state that it has already changes
// nothing.
func (d *Desk) SetTemplate(ctx context.Context, who, template string, to approval.TemplateState, because string, opts *CommandOptions) error {
	if err := checkIdentity(who); err != nil {
		return err
	}
	policy := d.Policy()
	version := policy.TemplateVersion(template)
	c := &command{verb: "set-template", who: who, ids: []string{template}, args: []any{to, because, version}}
	c.keyed(opts)
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
		return nil
	}
	is, last, err := readTemplate(loaded.Records[0], loaded.Events[0])
	if err != nil {
		return err
	}
	now := d.now()
	if now.Before(last) {
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
func (d *Desk) decideTemplate(ctx context.Context, c *command, policy *approval.Policy, to approval.TemplateState, is approval.TemplateStatus, because string) (set approval.TemplateSet, err error) {
	q := questions{directory: d.directory}
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
	_, err = d.commit(ctx, b)
	return c.explain(err)
}
