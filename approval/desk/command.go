package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

const (
	// longest is how long a command may take: a store or a directory that
	// hangs gives an error and no decision (INV-33), also where the caller has
	// set no deadline.
	longest = time.Minute

	// freshness is how old answers of the directory can be when a command is
	// committed (INV-17).
	freshness = 30 * time.Second

	// longestPause is the longest that a command waits before it is tried again.
	longestPause = 100 * time.Millisecond
)

// CommandOptions go with any command.
type CommandOptions struct {
	Key string // idempotency key: a command sent again with its key is done once, and gives its first answer
}

func (o *CommandOptions) key() string {
	if o == nil {
		return ""
	}
	return o.Key
}

// command is something to be done to one case, by one event or a few.
type command struct {
	verb string
	who  string   // the identity of whoever sends it
	ids  []string // the case: the first of these that exists, or else the last
	new  bool     // the case need not exist
	name string   // under which the store keeps its answer; "": it keeps none
	key  string   // the caller's own word for that
	args any      // what makes it the same request, besides verb and who

	// do decides. It may give events and a refusal: then the events are
	// recorded, and the refusal is the answer.
	do func(ctx context.Context, t *turn) ([]approval.Event, error)

	// still says why the first answer cannot be given again, by what the case
	// is now; nil: it always can.
	still func(now approval.Case) error
}

// commandName is the name of a command in the store. It has the verb and the
// case in it, so that one key may serve for each of them.
func commandName(verb string, parts ...string) string {
	name := verb
	for i, p := range parts {
		if i < len(parts)-1 {
			p = strings.NewReplacer("%", "%25", ":", "%3A").Replace(p) // what is left of the last colon has one reading
		}
		name += ":" + p
	}
	if len(name) > audit.MaxName {
		sum := sha256.Sum256([]byte(name))
		return verb + "#" + hex.EncodeToString(sum[:])
	}
	return name
}

// keyed names a command by the caller's key, if there is one.
func (c *command) keyed(opts *CommandOptions) *command {
	if c.key = opts.key(); c.key != "" {
		c.name = commandName(c.verb, c.ids[0], c.key)
	}
	return c
}

// request is the hash of what is asked for. Who asks is the identity and not
// the person, so that the answer to a command that is sent again needs no
// directory.
func (c *command) request() (audit.Hash, error) {
	text, err := json.Marshal(struct {
		Verb string `json:"verb"`
		Who  string `json:"who"`
		Args any    `json:"args"`
	}{c.verb, c.who, c.args})
	if err != nil {
		return audit.Hash{}, fmt.Errorf("%s: the request has no encoding: %w", c.verb, err)
	}
	return sha256.Sum256(append([]byte("changelane/command/v1\n"), text...)), nil
}

// explain says more about an error of the store.
func (c *command) explain(err error) error {
	switch {
	case errors.Is(err, audit.ErrOutcomeUnknown) && c.name == "":
		return fmt.Errorf("%s %s: %w (it has no idempotency key: look at the case first)", c.verb, c.ids[0], err)
	case errors.Is(err, audit.ErrOutcomeUnknown):
		return fmt.Errorf("%s %s: %w (its idempotency key is %q)", c.verb, c.ids[0], err, c.key)
	case errors.Is(err, audit.ErrCommandReused):
		return fmt.Errorf("%s %s: the key %q came before with another request, or from somebody else; send the first request as it was, or this one under a new key: %w", c.verb, c.ids[0], c.key, err)
	}
	return err
}

// answer is what a command leaves for whoever sends it again.
type answer struct {
	Case    string `json:"case"`
	Version uint64 `json:"version"`
}

// run does a command: it reads, asks, decides and records, and begins again
// when what it has read has moved on meanwhile.
func (d *Desk) run(ctx context.Context, c *command) (approval.Case, error) {
	policy := d.Policy() // once: no command sees two
	var out approval.Case
	err := d.again(ctx, func(ctx context.Context) (err error) {
		out, err = d.try(ctx, c, policy)
		return err
	})
	if err != nil {
		return approval.Case{}, err
	}
	return out, nil
}

// again calls what works on the store, and calls it again while the store says
// that a record has moved on. No panic gets past it.
func (d *Desk) again(ctx context.Context, once func(context.Context) error) error {
	if d.unfit != nil {
		return d.unfit
	}
	if err := d.loop.open(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for tries := 0; ; tries++ {
		err := contain(ctx, once)
		switch {
		case !errors.Is(err, audit.ErrStale) || d.joined:
			return err
		case tries >= d.opts.Retries:
			return fmt.Errorf("others were faster %d times, so nothing was decided; send it again: %w", tries+1, err)
		}
		if err := pause(ctx, tries); err != nil {
			return err
		}
	}
}

func contain(ctx context.Context, once func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, p)
		}
	}()
	return once(ctx)
}

// pause waits a moment, so that those who are in each other's way come apart.
func pause(ctx context.Context, tries int) error {
	most := min(time.Millisecond<<min(tries, 10), longestPause)
	timer := time.NewTimer(rand.N(most))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try does a command once.
func (d *Desk) try(ctx context.Context, c *command, policy *approval.Policy) (approval.Case, error) {
	t, first, err := d.open(ctx, c, policy)
	if err != nil {
		return approval.Case{}, err
	}
	if first != nil {
		return d.replay(ctx, c, first)
	}
	asking, cancel := context.WithTimeout(ctx, freshness)
	defer cancel()
	events, refusal := c.do(asking, t)
	if len(events) == 0 {
		return t.c, refusal
	}
	after, err := d.record(asking, c, t, events, refusal == nil)
	if err != nil {
		return approval.Case{}, err
	}
	return after, refusal
}

// open reads what a command is about, or the answer that it was given before.
func (d *Desk) open(ctx context.Context, c *command, policy *approval.Policy) (*turn, *audit.Answered, error) {
	r := audit.LoadRequest{Tenant: d.opts.Tenant, Events: true, Command: c.name}
	for _, id := range c.ids {
		r.Keys = append(r.Keys, audit.Key{Tenant: d.opts.Tenant, Kind: KindCase, ID: id})
	}
	loaded, err := d.store.Load(ctx, r)
	if err != nil || loaded.Answer != nil {
		return nil, loaded.Answer, err
	}
	at := slices.IndexFunc(loaded.Records, func(r audit.Record) bool { return r.Version > 0 })
	if at < 0 && !c.new {
		return nil, nil, unknownCase(c.ids[0])
	}
	t := &turn{desk: d, policy: policy, now: d.now(), questions: questions{directory: d.directory}}
	if at < 0 {
		at = len(c.ids) - 1
	}
	for _, k := range r.Keys[:at] {
		t.reads = append(t.reads, audit.Read{Key: k}) // that it still does not exist
	}
	t.record, t.occurred = loaded.Records[at], t.now
	if t.record.Version > 0 {
		t.c, t.history, err = readCase(t.record, loaded.Events[at])
	}
	return t, nil, err
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

func (d *Desk) recall(ctx context.Context, c *command, text []byte) (approval.Case, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return approval.Case{}, fmt.Errorf("%s %s: the answer that is kept for it cannot be read: %w", c.verb, c.ids[0], err)
	}
	now, history, err := d.read(ctx, a.Case)
	if err == nil && c.still != nil {
		err = c.still(now)
	}
	if err != nil {
		return approval.Case{}, err
	}
	if a.Version > uint64(len(history)) {
		return approval.Case{}, &audit.TamperedError{Key: d.caseKey(a.Case), Seq: a.Version, What: "it is missing, and a command was answered by it"}
	}
	return approval.Fold(a.Case, history[:a.Version])
}

// record writes the events that a turn has decided on. A decision that came
// with a refusal keeps no answer: the same command may fare better later.
func (d *Desk) record(ctx context.Context, c *command, t *turn, events []approval.Event, keep bool) (approval.Case, error) {
	made, err := drafts(events, t.occurred, t.now)
	if err != nil {
		return approval.Case{}, err
	}
	after, err := t.after(made)
	if err != nil {
		return approval.Case{}, err
	}
	b, err := t.batch(after, made)
	if err == nil && keep && c.name != "" {
		err = c.sign(&b, after)
	}
	if err != nil {
		return approval.Case{}, err
	}
	done, err := d.commit(ctx, b)
	switch {
	case err != nil:
		return approval.Case{}, c.explain(err)
	case done.Replayed:
		return d.recall(ctx, c, done.Answer)
	}
	return after, nil
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

// commit writes a batch. When the store panics, nobody knows what it has
// written.
func (d *Desk) commit(ctx context.Context, b audit.Batch) (done audit.Committed, err error) {
	if err := ctx.Err(); err != nil {
		return done, err
	}
	defer func() {
		if p := recover(); p != nil {
			done, err = audit.Committed{}, fmt.Errorf("%w: the store panicked: %v", audit.ErrOutcomeUnknown, p)
		}
	}()
	if done, err = d.store.Commit(ctx, b); err == nil {
		d.poke()
	}
	return done, err
}

// turn is one try at a command: what it has read and whom it has asked.
type turn struct {
	questions
	desk      *Desk
	policy    *approval.Policy
	now       time.Time
	occurred  time.Time // when what it records has happened
	record    audit.Record
	history   []approval.Stamped
	c         approval.Case           // before
	reads     []audit.Read            // what must still be as it was read
	templates map[string]audit.Record // as they were read; nil: they were not
}

// after is the case with some more events, read back from the form in which
// they are recorded, so that it is what everybody else will read.
func (t *turn) after(made []audit.Draft) (approval.Case, error) {
	opened := make([]audit.Opened, len(made))
	for i, m := range made {
		opened[i] = audit.Opened{Personal: m.Personal, Event: audit.Event{Key: t.record.Key, Seq: t.record.Version + uint64(i) + 1,
			Type: m.Type, Occurred: m.Occurred, Recorded: m.Recorded, Body: m.Body}}
	}
	more, err := stamped(opened)
	if err != nil {
		return approval.Case{}, err
	}
	return approval.Fold(t.record.Key.ID, slices.Concat(t.history, more))
}

// batch is what a turn writes. A case that is standard asserts that its
// template is as it was read.
func (t *turn) batch(after approval.Case, made []audit.Draft) (audit.Batch, error) {
	state, err := after.MarshalJSON()
	if err != nil {
		return audit.Batch{}, err
	}
	w, err := audit.Append(t.record, state, listings(after), made...)
	if err != nil {
		return audit.Batch{}, err
	}
	b := audit.Batch{Tenant: t.desk.opts.Tenant, Writes: []audit.Write{w}, Reads: t.reads}
	if after.Ruling.Type == change.Standard && t.templates != nil {
		r, ok := t.templates[after.Ruling.Template]
		if !ok {
			return b, fmt.Errorf("the case %s runs under the template %q, which the policy does not have", after.ID, after.Ruling.Template)
		}
		b.Reads = append(b.Reads, audit.Read{Key: r.Key, Version: r.Version})
	}
	if t.desk.opts.Notifier != nil {
		for i := range made {
			b.Messages = append(b.Messages, audit.Message{Topic: topicNotify, Key: w.Key, Seq: w.From + uint64(i) + 1})
		}
	}
	return b, nil
}
