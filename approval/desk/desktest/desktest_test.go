package desktest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// TestNotifierSuite: the notifier of the kit passes its own suite.
func TestNotifierSuite(t *testing.T) {
	TestNotifier(t, func(testing.TB) desk.Notifier { return &Notices{} })
}

// TestStory: the notices with which notifiers are tested are of each kind that
// there is, in the order of their cases.
func TestStory(t *testing.T) {
	seen, version := map[string]bool{}, map[string]uint64{}
	for _, n := range story(t) {
		e, err := approval.EncodeEvent(n.Event.Event)
		if err != nil {
			t.Fatal(err)
		}
		seen[e.Type] = true
		if version[n.Case.ID]++; n.Case.Version != version[n.Case.ID] {
			t.Errorf("%s: the case is at version %d; expected %d", n.ID, n.Case.Version, version[n.Case.ID])
		}
	}
	for _, kind := range []string{"submitted", "edited", "voted", "withdrawn", "decided", "cancelled", "expired", "started", "reported", "validated", "reviewed", "closed", "discovered"} {
		if !seen["case."+kind+"/1"] {
			t.Errorf("no notice tells of a case.%s/1; there are %v", kind, seen)
		}
	}
}

var (
	board = approval.Seat{Group: "cab"}
	owner = approval.Seat{Role: "service-owner", Of: "api"}
)

// TestDirectorySuite: the directory of the kit passes its own suite.
func TestDirectorySuite(t *testing.T) {
	d := NewDirectory()
	d.Add("idp|alice", "git|alice", "chat|alice")
	d.Add("idp|bob")
	d.Grant("idp|alice", board)
	d.Grant("idp|bob", board, owner)
	TestDirectory(t, d, Staff{Identities: []string{"git|alice", "idp|alice", "chat|alice"}, Holds: board, Lacks: owner, Unknown: "idp|mallory"})
}

// TestDirectoryForgets: what is taken back is gone.
func TestDirectoryForgets(t *testing.T) {
	ctx, d := t.Context(), NewDirectory()
	d.Add("idp|alice", "git|alice")
	d.AddBot("ci")
	d.Grant("idp|alice", board, owner)
	d.Revoke("idp|alice", approval.Seat{Group: "cab", Quorum: 3})
	if holds, err := d.Holds(ctx, "idp|alice", board); holds || err != nil {
		t.Errorf("a seat that was revoked: %t, %v", holds, err)
	}
	if p, err := d.Person(ctx, "ci"); err != nil || p.Kind.String() != "bot" {
		t.Errorf("a bot: %+v, %v", p, err)
	}
	unreachable := errors.New("no route")
	d.Fail(unreachable)
	if _, err := d.Person(ctx, "ci"); !errors.Is(err, unreachable) {
		t.Errorf("a directory that fails: %v", err)
	}
	d.Fail(nil)
	d.Remove("idp|alice")
	if _, err := d.Person(ctx, "git|alice"); !errors.Is(err, desk.ErrUnknownPerson) {
		t.Errorf("who was removed: %v", err)
	}
	if members, err := d.Members(ctx, owner); len(members) != 0 || err != nil {
		t.Errorf("a seat of who was removed: %+v, %v", members, err)
	}
}

// wrong are implementations that the suites must not pass, and what the suite
// says of each.
var wrong = map[string]struct {
	suite func(t *testing.T)
	says  string
}{
	"a notifier that refuses what it has had": {func(t *testing.T) {
		TestNotifier(t, func(testing.TB) desk.Notifier { return &once{} })
	}, "again: had it"},
	"a notifier that edits the case": {func(t *testing.T) {
		TestNotifier(t, func(testing.TB) desk.Notifier { return editor{} })
	}, "has changed the notice"},
	"a directory that knows everybody":             {misled(func(d *misleading) { d.anybody = true }), "expected desk.ErrUnknownPerson"},
	"a directory that has an error for a stranger": {misled(func(d *misleading) { d.unknown = errors.New("404") }), "expected desk.ErrUnknownPerson"},
	"a directory that forgets when it is late":     {misled(func(d *misleading) { d.late = desk.ErrUnknownPerson }), "must not say that it knows nobody"},
	"a directory without links":                    {misled(func(d *misleading) { d.unlinked = true }), "expected {ID:git|alice"},
	"a directory that gives strangers seats":       {misled(func(d *misleading) { d.open = true }), "expected false"},
	"a directory that lists too few":               {misled(func(d *misleading) { d.few = true }), "it must have"},
	"a directory that lists people twice":          {misled(func(d *misleading) { d.twice = true }), "twice"},
}

// once takes a notice once.
type once struct{ had sync.Map }

func (o *once) Notify(_ context.Context, n desk.Notice) error {
	if _, had := o.had.LoadOrStore(n.ID, true); had {
		return errors.New("had it")
	}
	return nil
}

// editor changes what it is told about.
type editor struct{}

func (editor) Notify(_ context.Context, n desk.Notice) error {
	if n.Case.Change != nil {
		n.Case.Change.Title += "!"
	}
	return nil
}

// misleading is a directory with faults.
type misleading struct {
	*Directory
	anybody, unlinked, open, few, twice bool
	unknown, late                       error
}

func misled(how func(*misleading)) func(t *testing.T) {
	return func(t *testing.T) {
		d := &misleading{Directory: NewDirectory()}
		how(d)
		d.Add("idp|alice", "git|alice")
		d.Grant("idp|alice", board)
		TestDirectory(t, d, Staff{Identities: []string{"git|alice", "idp|alice"}, Holds: board, Lacks: owner, Unknown: "idp|mallory"})
	}
}

func (d *misleading) Person(ctx context.Context, identity string) (desk.Person, error) {
	p, err := d.Directory.Person(ctx, identity)
	switch {
	case ctx.Err() != nil && d.late != nil:
		return p, d.late
	case err != nil && d.anybody:
		return desk.Person{ID: identity, Kind: change.Human}, nil
	case err != nil && d.unknown != nil:
		return p, d.unknown
	case err == nil && d.unlinked:
		p.ID = identity
	}
	return p, err
}

func (d *misleading) Holds(ctx context.Context, person string, seat approval.Seat) (bool, error) {
	holds, err := d.Directory.Holds(ctx, person, seat)
	return holds || d.open, err
}

func (d *misleading) Members(ctx context.Context, seat approval.Seat) ([]desk.Person, error) {
	members, err := d.Directory.Members(ctx, seat)
	if d.few {
		members = nil
	}
	if d.twice {
		members = append(members, members...)
	}
	return members, err
}

// TestSuitesCatch: each wrong implementation fails its suite, in a process of
// its own, and for the right reason.
func TestSuitesCatch(t *testing.T) {
	const which = "DESKTEST_WRONG"
	if name := os.Getenv(which); name != "" {
		wrong[name].suite(t)
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range wrong {
		cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestSuitesCatch$")
		cmd.Env = append(os.Environ(), which+"="+name)
		out, err := cmd.CombinedOutput()
		if _, failed := errors.AsType[*exec.ExitError](err); !failed || !strings.Contains(string(out), c.says) {
			t.Errorf("%s: %v; expected a failure that says %q, not\n%s", name, err, c.says, out)
		}
	}
}

// recorder is a test that notes failures instead of failing.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, format)
}

// TestKitVerifies: a record that does not add up fails the test that made it.
func TestKitVerifies(t *testing.T) {
	for _, tampered := range []bool{false, true} {
		r := &recorder{TB: t}
		k := New(r, storyPolicy(t), nil)
		s := teller{t, k}
		k.Directory.Add(asks)
		s.must(k.Desk.Submit(t.Context(), asks, s.request("CHG-1", "a smaller database")))
		if tampered {
			forge(t, k)
		}
		for _, f := range r.cleanups {
			f()
		}
		if failed := strings.Join(r.failures, "\n"); (failed != "") != tampered {
			t.Errorf("tampered %t: the test fails with %q", tampered, failed)
		}
		if _, err := k.Desk.Case(t.Context(), "CHG-1"); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("after the test the desk answers %v; expected desk.ErrClosed", err)
		}
	}
}

// forge writes a state that the events do not add up to.
func forge(t *testing.T, k *Kit) {
	t.Helper()
	key := audit.Key{Tenant: "default", Kind: desk.KindCase, ID: "CHG-1"}
	loaded, err := k.Store.Load(t.Context(), audit.LoadRequest{Tenant: key.Tenant, Keys: []audit.Key{key}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := approval.EncodeEvent(approval.Withdrawn{By: approval.Actor{Identity: asks, Person: asks}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := audit.Append(loaded.Records[0], []byte("{}"), nil, audit.Draft{Type: e.Type, Body: e.Body, Occurred: k.Clock.Now(), Recorded: k.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Store.Commit(t.Context(), audit.Batch{Tenant: key.Tenant, Writes: []audit.Write{w}}); err != nil {
		t.Fatal(err)
	}
}
