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
	ids  []string // the case: the first of these that exists and is meant, or can be opened
	new  bool     // the case need not exist: it can be opened
	old  int      // but not under the first so many ids
	name string   // under which the store keeps its answer; "": it keeps none
	key  string   // the caller's own word for that
	args any      // what makes it the same request, besides verb and who

	// do decides. It may give events and a refusal: then the events are
	// recorded, and the refusal is the answer.
	do func(ctx context.Context, t *turn) ([]approval.Event, error)

	// meant reports whether a case that exists is what the command is about;
	// nil: it is.
	meant func(approval.Case) bool

	// did reports whether an event is what the command asks for, by who. What has
	// a name has it: an answer is only given again when the record has such an
	// event.
	did func(approval.Event) bool

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
			p = escaped(p) // what is left of the last colon has one reading
		}
		name += ":" + p
	}
	if len(name) > audit.MaxName {
		sum := sha256.Sum256([]byte(name))
		return verb + "#" + hex.EncodeToString(sum[:])
	}
	return name
}

// escaped is a part of a name without colons.
func escaped(part string) string {
	return strings.NewReplacer("%", "%25", ":", "%3A").Replace(part)
}

// check refuses names that no store takes, by what the caller calls them.
func (c *command) check(what string) error {
	if (audit.LoadRequest{Tenant: "-", Keys: []audit.Key{{Tenant: "-", Kind: KindCase, ID: c.ids[0]}}}).Check() != nil {
		return &audit.InvalidError{What: fmt.Sprintf("%.80q cannot be the id of a %s: 1 to %d bytes of UTF-8 without control characters", c.ids[0], what, audit.MaxName)}
	}
	if (audit.LoadRequest{Tenant: "-", Command: c.name}).Check() != nil {
		return &audit.InvalidError{What: fmt.Sprintf("%.80q cannot be an idempotency key, nor the id of an attempt: UTF-8 without control characters", c.key)}
	}
	return nil
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
		Verb  string   `json:"verb"`
		Who   string   `json:"who"`
		About []string `json:"about"`
		Args  any      `json:"args"`
	}{c.verb, c.who, c.ids, c.args})
	if err != nil {
		return audit.Hash{}, fmt.Errorf("%s: the request has no encoding: %w", c.verb, err)
	}
	return sha256.Sum256(append([]byte("changelane/command/v1\n"), text...)), nil
}

// explain says more about an error of the store.
func (c *command) explain(err error) error {
	switch {
	case errors.Is(err, audit.ErrOutcomeUnknown) && c.name == "":
		return fmt.Errorf("%s %s: %w (it has no idempotency key, so only what is harmless twice is sent again: a report, or a vote that the case still does not show; for anything else look at the case first)", c.verb, c.ids[0], err)
	case errors.Is(err, audit.ErrOutcomeUnknown):
		return fmt.Errorf("%s %s: %w (its idempotency key is %q)", c.verb, c.ids[0], err, c.key)
	case errors.Is(err, audit.ErrCommandReused) && c.verb == "submit":
		return said{fmt.Sprintf("there is a case with the id %s already, with other content or submitted by somebody else; to change its content edit it, or submit this one under an id of its own", c.ids[0]), err}
	case errors.Is(err, audit.ErrCommandReused):
		return fmt.Errorf("%s %s: the key %q came before with another request, or from somebody else; send the first request as it was, or this one under a new key: %w", c.verb, c.ids[0], c.key, err)
	}
	return err
}

// said is an error in words of its own.
type said struct {
	text string
	err  error
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.err }

// run does a command: it reads, asks, decides and records, and begins again
// when what it has read has moved on meanwhile.
func (d *Desk) run(ctx context.Context, c *command) (approval.Case, error) {
	if err := c.check(KindCase); err != nil {
		return approval.Case{}, err
	}
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

// fit reports why the desk cannot answer; nil: it can.
func (d *Desk) fit(ctx context.Context) error {
	switch {
	case d.unfit != nil:
		return d.unfit
	case ctx == nil:
		return errors.New("there is no context to work in: it is nil; use context.Background where there is none")
	}
	return d.loop.open()
}

// again calls what works on the store, and calls it again while the store says
// that a record has moved on. No panic gets past it.
func (d *Desk) again(ctx context.Context, once func(context.Context) error) error {
	if err := d.fit(ctx); err != nil {
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
			return fmt.Errorf("it was overtaken %d times, so nothing was decided; send it again: %w", tries+1, err)
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
	if err := t.fresh(); err != nil {
		return approval.Case{}, err
	}
	if len(events) == 0 {
		return t.c, refusal
	}
	after, err := d.record(asking, c, t, events, refusal == nil)
	if err != nil {
		return approval.Case{}, err
	}
	return after, refusal
}

// fresh asks the clock once more, after the directory was asked: what was
// decided by an hour that has passed meanwhile is decided anew (INV-19).
func (t *turn) fresh() error {
	now := t.desk.now()
	if now.Before(t.now) || now.Sub(t.now) > freshness {
		return fmt.Errorf("%w: it said %s before the directory was asked, and %s after", errClock, t.now.Format(time.RFC3339), now.Format(time.RFC3339))
	}
	return nil
}

// errClock is a clock that went back, or too far on, while a command was
// decided.
var errClock = fmt.Errorf("the clock does not stand by what is decided: %w", audit.ErrStale)

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
	t := &turn{desk: d, policy: policy, now: d.now(), questions: d.questions()}
	t.occurred = t.now
	return t, nil, t.here(c, loaded)
}

// here finds the record that a command is about among those that it names. What
// it passes over must still be as it was read when the command is written.
func (t *turn) here(c *command, loaded audit.Loaded) (err error) {
	for i, r := range loaded.Records {
		t.record, t.c, t.history = r, approval.Case{}, nil
		if r.Version > 0 {
			if t.c, t.history, err = readCase(r, loaded.Events[i]); err != nil {
				return err
			}
			if c.meant == nil || c.meant(t.c) {
				return nil
			}
		} else if c.new && i >= c.old {
			return nil
		}
		t.reads = append(t.reads, audit.Read{Key: r.Key, Version: r.Version})
	}
	if t.record.Version == 0 {
		return unknownCase(c.ids[0])
	}
	return errOtherDeployment
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
	under     string                  // the template under which a case that is not standard has become so, which a start hangs on; "": none
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

// batch is what a turn writes. Where the templates were read, it asserts that
// those that the yes hangs on are as they were: that of a case that is standard,
// and the one under which the change is standard by now.
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
	for _, id := range t.hangsOn(after) {
		r, ok := t.templates[id]
		if !ok {
			return b, fmt.Errorf("the case %s runs under the template %q, which the policy does not have", after.ID, id)
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

// hangsOn lists the templates that must not change until the turn is written.
func (t *turn) hangsOn(after approval.Case) []string {
	switch {
	case t.templates == nil:
		return nil
	case after.Ruling.Type == change.Standard:
		return []string{after.Ruling.Template}
	case t.under != "":
		return []string{t.under}
	}
	return nil
}
