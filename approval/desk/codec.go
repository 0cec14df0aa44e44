package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// Lists of cases that the desk keeps besides the queues of package approval.
const (
	listDue     = "due"     // cases about which time alone changes something, by when
	listStarted = "started" // cases by the artifacts that they have started; not by where, of which there can be more than a record has places

	// listDeployed begins the names of the lists of cases by service and by the
	// days, in UTC, on which they have started something. A day has one place,
	// as there can be more attempts than a record has places.
	listDeployed = "deployed/"
)

// deployedTo is the list of the cases that have deployed a service.
func deployedTo(service string) string {
	name := listDeployed + service
	if (audit.ListRequest{Tenant: "-", Kind: KindCase, List: name}).Check() != nil {
		sum := sha256.Sum256([]byte(service))
		return listDeployed + "#" + hex.EncodeToString(sum[:])
	}
	return name
}

// sortTime is how a time is written where order counts: in UTC and of one
// width, so that the order of the bytes is the order of the times.
const sortTime = "2006-01-02T15:04:05.000000000Z"

func dueAt(t time.Time) string { return t.UTC().Format(sortTime) }

// drafts are the events of a case as the log takes them. The first is what has
// occurred; what follows from it, such as the end of the case, follows when it
// is recorded.
func drafts(events []approval.Event, occurred, recorded time.Time) ([]audit.Draft, error) {
	made := make([]audit.Draft, len(events))
	for i, e := range events {
		encoded, err := approval.EncodeEvent(e)
		if err != nil {
			return nil, err
		}
		made[i] = draft(encoded, occurred, recorded)
		occurred = recorded
	}
	return made, nil
}

func draft(e approval.Encoded, occurred, recorded time.Time) audit.Draft {
	d := audit.Draft{Type: e.Type, Occurred: occurred, Recorded: recorded, Body: e.Body}
	for name, value := range e.Personal {
		d.Personal = append(d.Personal, audit.Field{Name: name, Value: value})
	}
	slices.SortFunc(d.Personal, func(a, b audit.Field) int { return cmp.Compare(a.Name, b.Name) })
	return d
}

// stamped is the inverse of drafts.
func stamped(opened []audit.Opened) ([]approval.Stamped, error) {
	events := make([]approval.Stamped, len(opened))
	for i, o := range opened {
		e, err := approval.DecodeEvent(encoded(o))
		if err != nil {
			return nil, fmt.Errorf("event %d of %s %q: %w", o.Seq, o.Key.Kind, o.Key.ID, err)
		}
		events[i] = approval.Stamped{Occurred: o.Occurred, Recorded: o.Recorded, Event: e}
	}
	return events, nil
}

func encoded(o audit.Opened) approval.Encoded {
	e := approval.Encoded{Type: o.Type, Body: o.Body}
	for _, f := range o.Personal {
		if e.Personal == nil {
			e.Personal = map[string][]byte{}
		}
		e.Personal[f.Name] = f.Value
	}
	return e
}

// listings are the lists in which a case stands: its queues, when time alone
// next changes it, what it has started, and when.
func listings(c approval.Case) []audit.Listing {
	var lists []audit.Listing
	for _, p := range c.Queues() {
		lists = append(lists, audit.Listing{List: p.Queue, Sort: p.Sort})
	}
	if due := c.Due(); !due.IsZero() {
		lists = append(lists, audit.Listing{List: listDue, Sort: dueAt(due)})
	}
	for _, r := range c.Runs {
		lists = append(lists, audit.Listing{List: listStarted, Sort: string(r.Artifact)},
			audit.Listing{List: deployedTo(c.Change.Service), Sort: r.StartedAt.UTC().Format(time.DateOnly)})
	}
	slices.SortFunc(lists, func(a, b audit.Listing) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Sort, b.Sort))
	})
	return slices.Compact(lists)
}

// templateDraft is a template's new state as the log takes it.
func templateDraft(set approval.TemplateSet, recorded time.Time) (audit.Draft, error) {
	e, err := approval.EncodeTemplate(set)
	if err != nil {
		return audit.Draft{}, err
	}
	return draft(e, recorded, recorded), nil
}

// templateHistory is what the events of a template's record add up to: the last
// one says all, and each must have been able to follow on the one before it.
// Without any it is only proposed.
func templateHistory(opened []audit.Opened) (approval.TemplateHistory, error) {
	events := make([]approval.StampedTemplate, len(opened))
	for i, o := range opened {
		set, err := approval.DecodeTemplate(encoded(o))
		if err != nil {
			return approval.TemplateHistory{}, fmt.Errorf("event %d of %s %q: %w", o.Seq, o.Key.Kind, o.Key.ID, err)
		}
		events[i] = approval.StampedTemplate{Occurred: o.Occurred, Recorded: o.Recorded, Set: set}
	}
	history, err := approval.FoldTemplate(events)
	if err != nil {
		return history, fmt.Errorf("%s %q: %w", opened[0].Key.Kind, opened[0].Key.ID, err)
	}
	return history, nil
}

// templateState is the state of a template's record, for reading.
func templateState(s approval.TemplateStatus) ([]byte, error) {
	return json.Marshal(struct {
		State   string        `json:"state"`
		Version change.Digest `json:"version,omitzero"`
	}{s.State.String(), s.Version})
}

// Rebuild makes the state of records from their events, by kind, for
// [audit.Verify].
func Rebuild() map[string]audit.Rebuild {
	return map[string]audit.Rebuild{
		KindCase:     rebuildCase,
		KindTemplate: rebuildTemplate,
	}
}

func rebuildCase(k audit.Key, opened []audit.Opened) ([]byte, []audit.Listing, error) {
	events, err := stamped(opened)
	if err != nil {
		return nil, nil, err
	}
	c, err := approval.Fold(k.ID, events)
	if err != nil {
		return nil, nil, err
	}
	state, err := c.MarshalJSON()
	return state, listings(c), err
}

func rebuildTemplate(_ audit.Key, opened []audit.Opened) ([]byte, []audit.Listing, error) {
	history, err := templateHistory(opened)
	if err != nil {
		return nil, nil, err
	}
	state, err := templateState(history.Status())
	return state, nil, err
}

// Verify is [audit.Verify] with the records of this package: besides the log it
// checks that every case and template is what its events add up to.
func Verify(ctx context.Context, store audit.Store, tenant string, opts *audit.VerifyOptions) (audit.Report, error) {
	var with audit.VerifyOptions
	if opts != nil {
		with = *opts
	}
	with.Rebuild = Rebuild()
	return audit.Verify(ctx, store, tenant, &with)
}
