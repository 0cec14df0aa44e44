package desk

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// Directory knows people. It answers three questions; the desk never asks
// inside a transaction of its own. An error that is not [ErrUnknownPerson]
// means that it cannot answer now: the command then fails with [ErrDirectory]
// and can be sent again.
//
// Each question is asked in a goroutine of its own, and should end with its
// context. One that does not is left behind: the command fails with
// [ErrDirectory] all the same, and its answer, when it comes, is none. While a
// hundred of them have not returned, the desk asks no more.
type Directory interface {
	// Person finds the person or bot behind an identity such as "idp|alice".
	// Several identities of one person give the same ID.
	Person(ctx context.Context, identity string) (Person, error)

	// Holds reports whether a person may take a seat now: belongs to its group,
	// or holds its role for its service. The seat comes without a quorum.
	Holds(ctx context.Context, person string, seat approval.Seat) (bool, error)

	// Members lists who may take a seat now.
	Members(ctx context.Context, seat approval.Seat) ([]Person, error)
}

// Errors of a desk, to branch on with errors.Is, besides those of package
// audit. A denial is an [*approval.Refused].
var (
	// ErrUnknownPerson is a directory's answer that it knows nobody by an
	// identity.
	ErrUnknownPerson = errors.New("the directory knows nobody by this identity")

	// ErrDirectory is a question that the directory did not answer. Nothing
	// was decided; the same command can be sent again.
	ErrDirectory = errors.New("the directory gives no answer, so nothing was decided; send the same command again")

	// ErrPanic is a panic within a command, of the library or of what it was
	// given. Nothing was decided.
	ErrPanic = errors.New("the command failed inside, and nothing was decided")
)

// Person is somebody whom the directory knows.
type Person struct {
	ID   string // the canonical identity: printable ASCII without space
	Kind change.PersonKind
}

// Options are what a desk can be given besides its store, policy and
// directory. Nil and zero values give the defaults.
type Options struct {
	Tenant   string            // "": "default"
	Now      func() time.Time  // nil: time.Now
	Notifier Notifier          // nil: nobody is told, and no messages are kept
	Signer   audit.Signer      // signs the checkpoints of the log; nil: another desk does it
	Validity approval.Validity // how long things hold; zero fields: DefaultValidity
	Owner    string            // names this desk among those that share the store; "": random
	Retries  int               // of a command whose record moved on meanwhile; 0: 10
	Failed   func(error)       // told what goes wrong in Run, which waits for it; it must not call Close; nil: nobody

	// Known are signed checkpoints of this log that were kept where the store is
	// not, such as the last one that was published. A log that does not contain
	// them, because it was put back to an old copy or rewritten, is not extended
	// and signed anew; see [audit.SequenceOptions]. A host should keep the last
	// checkpoint outside the store, and give it to each new desk: the desk itself
	// knows only what it has signed since it was made.
	Known [][]byte
}

// DefaultValidity is how long things hold unless the options say otherwise.
var DefaultValidity = approval.Validity{
	Request: 90 * 24 * time.Hour,
	Vote:    30 * 24 * time.Hour,
	Use:     14 * 24 * time.Hour,
	Report:  24 * time.Hour,
	Review:  10 * 24 * time.Hour,
}

// Desk takes requests for change through their life, and records each step.
// It may be used from many goroutines.
type Desk struct {
	store     audit.Store
	policy    *atomic.Pointer[approval.Policy] // shared with what In returns
	directory Directory
	hanging   *atomic.Int64 // see questions; shared with what In returns
	opts      Options       // with the defaults filled in
	loop      *loop         // what it does besides answering; shared with what In returns
	joined    bool          // it works in a transaction of the host's
	unfit     error         // why no command can be done; nil: they can
}

// New opens a desk for one tenant of a store. Several desks, in one process or
// many, may share a store and a tenant.
func New(store audit.Store, policy *approval.Policy, directory Directory, opts *Options) (*Desk, error) {
	switch {
	case store == nil:
		return nil, errors.New("a desk needs a store to record in, such as memory.New()")
	case policy == nil:
		return nil, errors.New("a desk needs a policy to decide by; see approval.Load")
	case directory == nil:
		return nil, errors.New("a desk needs a directory that knows people; it cannot tell who may do what without one")
	}
	d := &Desk{store: store, policy: &atomic.Pointer[approval.Policy]{}, directory: directory, hanging: &atomic.Int64{}, loop: newLoop()}
	if opts != nil {
		d.opts = *opts
	}
	if err := d.opts.fill(); err != nil {
		return nil, err
	}
	d.policy.Store(policy)
	return d, nil
}

// fill puts the defaults in and refuses what makes no sense.
func (o *Options) fill() error {
	if o.Tenant == "" {
		o.Tenant = "default"
	}
	if err := (audit.LoadRequest{Tenant: o.Tenant}).Check(); err != nil {
		return fmt.Errorf("the tenant of a desk: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Owner == "" {
		o.Owner = rand.Text()
	}
	if o.Retries < 0 {
		return fmt.Errorf("options: Retries is %d; a command cannot be tried again less than never", o.Retries)
	}
	if o.Retries == 0 {
		o.Retries = 10
	}
	if err := o.fillKnown(); err != nil {
		return err
	}
	return fillValidity(&o.Validity)
}

// fillKnown refuses checkpoints that are not of the log that the desk signs.
func (o *Options) fillKnown() error {
	if len(o.Known) > 0 && o.Signer == nil {
		return errors.New("options: Known checkpoints are held against the log by the desk that extends it, which needs a Signer")
	}
	known := make([][]byte, len(o.Known))
	for i, checkpoint := range o.Known {
		if _, err := audit.OpenCheckpoint(checkpoint, o.Signer); err != nil {
			return fmt.Errorf("options: Known[%d] is no checkpoint that the Signer has signed: %w", i, err)
		}
		known[i] = bytes.Clone(checkpoint)
	}
	o.Known = known
	return nil
}

func fillValidity(v *approval.Validity) error {
	for _, f := range []struct {
		name string
		is   *time.Duration
		or   time.Duration
	}{
		{"Request", &v.Request, DefaultValidity.Request},
		{"Vote", &v.Vote, DefaultValidity.Vote},
		{"Use", &v.Use, DefaultValidity.Use},
		{"Report", &v.Report, DefaultValidity.Report},
		{"Review", &v.Review, DefaultValidity.Review},
	} {
		if *f.is < 0 {
			return fmt.Errorf("options: Validity.%s is %v; nothing holds for less than no time", f.name, *f.is)
		}
		if *f.is == 0 {
			*f.is = f.or
		}
	}
	return nil
}

// Use puts another policy into force for all that is asked from now on; what
// is under way goes on under the one that it began with. Without a policy, the
// one in force stays.
func (d *Desk) Use(p *approval.Policy) {
	if p != nil {
		d.policy.Store(p)
	}
}

// Policy is the policy in force.
func (d *Desk) Policy() *approval.Policy { return d.policy.Load() }

// In is the same desk within a transaction of the host's: what its commands
// record is written by that transaction, and counts when the host commits it;
// a [Desk.Start] says "go" only from then on. Nothing is tried again in there:
// when a record has moved on, the command gives [audit.ErrStale], and the host
// begins anew. The directory is asked while the host's transaction is open, so
// it must not wait for what that transaction holds.
//
// The store must be an [audit.Joiner]; otherwise every command says that it is
// not.
func (d *Desk) In(tx audit.Tx) *Desk {
	in := *d
	in.joined = true
	joiner, ok := d.store.(audit.Joiner)
	switch {
	case in.unfit != nil:
	case d.joined:
		in.unfit = errors.New("this desk works in a transaction already; call In on the desk that New gave")
	case !ok:
		in.unfit = fmt.Errorf("the store (%T) cannot take part in a transaction of the host's; use one that is an audit.Joiner, such as that of audit/sqlstore", d.store)
	case tx == nil:
		in.unfit = errors.New("there is no transaction to work in: In was given nil")
	default:
		in.store = joiner.In(tx)
	}
	return &in
}

// now is the time, in UTC and without a monotonic reading, which no record
// keeps.
func (d *Desk) now() time.Time { return d.opts.Now().Round(0).UTC() }

// KindCase and KindTemplate are the kinds of record that a desk writes.
const (
	KindCase     = "case"
	KindTemplate = "template"
)
