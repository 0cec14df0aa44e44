package desk

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
)

// answer is what a command leaves for whoever sends it again: which case, and
// how far it had come. Answers are not in the log, so whoever can write to the
// store can write one. They are only believed where the record bears them out,
// and what is given again is read from the record.
type answer struct {
	Case    string `json:"case"`
	Version uint64 `json:"version"`
}

// sign puts the command and its answer into a batch.
func (c *command) sign(b *audit.Batch, after approval.Case) (err error) {
	if b.Request, err = c.request(); err != nil {
		return err
	}
	b.Command = c.name
	b.Answer, err = json.Marshal(answer{after.ID, after.Version})
	return err
}

// replay is the answer that a command was given when it came first: the case
// as it was then.
func (d *Desk) replay(ctx context.Context, c *command, first *audit.Answered) (approval.Case, error) {
	request, err := c.request()
	if err != nil {
		return approval.Case{}, err
	}
	if first.Request != request {
		return approval.Case{}, c.explain(&audit.CommandReusedError{Command: c.name})
	}
	return d.recall(ctx, c, first.Answer)
}

// recall reads the case of an answer. It must be one that the command is about,
// and have had by then what the command asks for, from whoever sends it.
func (d *Desk) recall(ctx context.Context, c *command, text []byte) (approval.Case, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return approval.Case{}, d.forged(c.ids[0], a.Version, "it cannot be read")
	}
	if !slices.Contains(c.ids, a.Case) {
		return approval.Case{}, d.forged(c.ids[0], a.Version, "it names another case")
	}
	now, history, err := d.read(ctx, a.Case)
	switch {
	case errors.Is(err, errUnknownCase):
		return approval.Case{}, d.forged(a.Case, a.Version, "there is no such case")
	case err != nil:
		return approval.Case{}, err
	case a.Version == 0 || a.Version > uint64(len(history)):
		return approval.Case{}, d.forged(a.Case, a.Version, "the case has no such event")
	}
	then := history[:a.Version]
	if !slices.ContainsFunc(then, func(s approval.Stamped) bool { return c.did(s.Event) }) {
		return approval.Case{}, d.forged(a.Case, a.Version, "the record has nothing until then that the command asks for")
	}
	if c.still != nil {
		if err := c.still(now); err != nil {
			return approval.Case{}, err
		}
	}
	return approval.Fold(a.Case, then)
}

// forged is an answer that the record does not bear out.
func (d *Desk) forged(id string, version uint64, why string) error {
	return &audit.TamperedError{Key: d.caseKey(id), Seq: version, What: "the command came before, says the store, and was answered by this; but " + why}
}

// setBefore checks that the record of a template has the event that an answer
// to a command says it has.
func setBefore(r audit.Record, entries []audit.Entry, did func(approval.TemplateSet) bool) error {
	opened, err := audit.OpenChain(r, entries)
	if err != nil {
		return err
	}
	for _, o := range opened {
		set, err := approval.DecodeTemplate(encoded(o))
		if err != nil {
			return err
		}
		if did(set) {
			return nil
		}
	}
	return &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the command came before, says the store; but the record has nothing that it asks for"}
}
