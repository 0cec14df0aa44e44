package desktest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// Kit is a desk in memory, and what it works with.
type Kit struct {
	Desk      *desk.Desk
	Store     *memory.Store
	Directory *Directory
	Clock     *Clock   // the desk's, unless the options bring one
	Notices   *Notices // told by the desk, unless the options bring a notifier
}

// New makes a kit for one test. What the options leave out it fills in; they
// may be nil. When the test ends, it closes the desk, puts what is recorded into
// the log and verifies it: a test fails if its record does not add up, or if
// the desk cannot be closed.
func New(t testing.TB, policy *approval.Policy, opts *desk.Options) *Kit {
	t.Helper()
	k := &Kit{Store: memory.New(), Directory: NewDirectory(), Clock: NewClock(), Notices: &Notices{}}
	var with desk.Options
	if opts != nil {
		with = *opts
	}
	if with.Now == nil {
		with.Now = k.Clock.Now
	}
	if with.Notifier == nil {
		with.Notifier = k.Notices
	}
	if with.Signer == nil {
		with.Signer = signer(t)
	}
	d, err := desk.New(k.Store, policy, k.Directory, &with)
	if err != nil {
		t.Fatalf("a desk for the test: %v", err)
	}
	k.Desk = d
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("the desk does not close: %v", err)
		}
		verify(t, k.Store, with)
	})
	return k
}

// signer makes a key for one log.
func signer(t testing.TB) audit.Signer {
	t.Helper()
	signing, _, err := audit.GenerateKey("desktest")
	if err != nil {
		t.Fatalf("a key for the log: %v", err)
	}
	s, err := audit.NewSigner(signing)
	if err != nil {
		t.Fatalf("a key for the log: %v", err)
	}
	return s
}

// verify checks all that was recorded. The lease of a desk that died in the
// test may still hold, so the clock is put past it.
func verify(t testing.TB, store audit.Store, opts desk.Options) {
	t.Helper()
	tenant := opts.Tenant
	if tenant == "" {
		tenant = "default"
	}
	later := func() time.Time { return opts.Now().Add(2 * audit.MaxLease) }
	ctx := context.Background()
	if _, err := audit.Sequence(ctx, store, tenant, opts.Signer, &audit.SequenceOptions{Now: later}); err != nil {
		t.Errorf("the record cannot be put into the log: %v", err)
		return
	}
	report, err := desk.Verify(ctx, store, tenant, &audit.VerifyOptions{Verifier: opts.Signer})
	if err != nil {
		t.Errorf("the record cannot be verified: %v", err)
		return
	}
	if !report.OK() && report.Size+report.Events > 0 {
		t.Errorf("the record does not add up:\n%s", report)
	}
}

// Clock is a clock that stands still until it is set. It may be used from many
// goroutines.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at nine o'clock UTC on Monday 6 July 2026.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, time.July, 6, 9, 0, 0, 0, time.UTC)}
}

// Now is where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set puts the clock to a time, also an earlier one.
func (c *Clock) Set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = to
}

// Advance moves the clock on.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Notices is a notifier that remembers what it was told. It may be used from
// many goroutines; the zero value is ready.
type Notices struct {
	mu  sync.Mutex
	all []desk.Notice
	err error
}

// Notify remembers the notice, or returns what [Notices.Fail] has set.
func (n *Notices) Notify(_ context.Context, notice desk.Notice) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.err != nil {
		return n.err
	}
	n.all = append(n.all, notice)
	return nil
}

// All is what it was told, in the order of its arrival.
func (n *Notices) All() []desk.Notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.all)
}

// Fail makes every delivery fail with err from now on; nil makes them succeed.
func (n *Notices) Fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.err = err
}
