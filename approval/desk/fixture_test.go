package desk_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The people of the tests.
const (
	alice = "idp|alice" // of the team and its on-call team; asks for changes
	bob   = "idp|bob"   // of the CAB
	carol = "idp|carol" // of the CAB
	dan   = "idp|dan"   // of the CAB
	erin  = "idp|erin"  // change manager
	robot = "ci|robot"  // the pipeline, of the team
	mal   = "idp|mal"   // holds nothing
)

var (
	cab       = approval.Seat{Group: "cab"}
	member    = approval.Seat{Role: approval.RoleTeamMember, Of: "api"}
	onCall    = approval.Seat{Role: approval.RoleOnCall, Of: "api"}
	manager   = approval.Seat{Role: approval.RoleChangeManager}
	newBuild  = change.DigestOf("test", []byte("new"))
	nextBuild = change.DigestOf("test", []byte("next"))
	oldBuild  = change.DigestOf("test", []byte("old"))
)

// definition is a small policy: changes of code without downtime are standard
// under a template, all others need two of the CAB.
func definition() approval.Definition {
	return approval.Definition{
		Name:   "tests",
		Groups: []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "api", Team: "api-team", OnCall: "pd/api", Zone: "Europe/London",
			Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 2026, Month: 1, Day: 1}}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"},
				{ID: "plain", When: `change.kind == "code"`, Because: "it is of a kind that we know"}}},
		Templates: []approval.Template{{ID: "rolling", Owner: "api-pm", Ceiling: "low", Covers: `change.kind == "code"`,
			Approved: approval.Approval{By: "cab", On: change.Date{Year: 2026, Month: 1, Day: 1}}, Ends: change.Date{Year: 2027, Month: 1, Day: 1}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	}
}

func policy(t testing.TB, edit func(*approval.Definition)) *approval.Policy {
	t.Helper()
	d := definition()
	if edit != nil {
		edit(&d)
	}
	p, err := approval.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// office is a desk with people at it.
type office struct {
	*desktest.Kit
	t      testing.TB
	policy *approval.Policy
}

func open(t testing.TB) *office {
	t.Helper()
	p := policy(t, nil)
	o := &office{Kit: desktest.New(t, p, nil), t: t, policy: p}
	for _, person := range []string{alice, bob, carol, dan, erin, mal} {
		o.Directory.Add(person)
	}
	o.Directory.AddBot(robot)
	o.Directory.Grant(alice, member, onCall)
	o.Directory.Grant(robot, member)
	for _, person := range []string{bob, carol, dan} {
		o.Directory.Grant(person, cab)
	}
	o.Directory.Grant(erin, manager)
	return o
}

// over is a desk over another store or directory, beside that of the office.
func (o *office) over(store audit.Store, directory desk.Directory, opts desk.Options) *desk.Desk {
	o.t.Helper()
	opts.Now = o.Clock.Now
	d, err := desk.New(store, o.policy, directory, &opts)
	if err != nil {
		o.t.Fatal(err)
	}
	return d
}

// request is a change that needs the CAB.
func request(id string) *change.Change {
	down := true
	c := regular(id)
	c.Claim, c.Downtime = nil, &down
	return c
}

// regular is a change that is standard when the template is active.
func regular(id string) *change.Change {
	down := false
	return &change.Change{ID: id, Title: "a smaller database", Reason: "less to pay", Kind: change.Code, Service: "api",
		Requester: change.Person{ID: alice, Kind: change.Human},
		Targets:   []change.Target{{Name: "prod/eu"}, {Name: "prod/us"}},
		Artifacts: []change.Artifact{{Name: "api", Digest: newBuild}},
		Backout:   &change.Backout{Artifact: &change.Artifact{Name: "api", Digest: oldBuild}},
		Claim:     &change.Claim{Type: change.Standard, Template: "rolling", By: alice, Reason: "as every week"},
		Downtime:  &down,
	}
}

func attempt(id, target string) approval.Attempt {
	return approval.Attempt{ID: id, Artifact: newBuild, Target: target}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(got T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
}

// activate puts the template into force.
func (o *office) activate() {
	o.t.Helper()
	if err := o.Desk.SetTemplate(o.t.Context(), bob, "rolling", approval.Active, "CAB of 4 June", nil); err != nil {
		o.t.Fatal(err)
	}
}

func yes(c approval.Case) desk.Ballot {
	return desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}
}

// submitted is a case that waits for the CAB.
func (o *office) submitted(id string) approval.Case {
	o.t.Helper()
	return must[approval.Case](o.t)(o.Desk.Submit(o.t.Context(), alice, request(id)))
}

// approved is one that the CAB has authorised.
func (o *office) approved(id string) approval.Case {
	o.t.Helper()
	c := o.submitted(id)
	for _, who := range []string{bob, carol} {
		c = must[approval.Case](o.t)(o.Desk.Vote(o.t.Context(), who, id, yes(c), nil))
	}
	if c.Decision != approval.Authorized {
		o.t.Fatalf("%s is %s", id, c.Decision)
	}
	return c
}

// version is how many events a case has had.
func (o *office) version(id string) uint64 {
	o.t.Helper()
	h, err := o.Desk.History(o.t.Context(), id)
	if errors.Is(err, audit.ErrNotFound) {
		return 0
	}
	if err != nil {
		o.t.Fatal(err)
	}
	return uint64(len(h))
}

// refusedFor wants a denial for a reason.
func refusedFor(t testing.TB, err error, code approval.Refusal) *approval.Refused {
	t.Helper()
	r, ok := errors.AsType[*approval.Refused](err)
	if !ok {
		t.Fatalf("got %v; want a refusal for %s", err, code)
	}
	if !r.Has(code) {
		t.Fatalf("got %v; want a refusal for %s", r, code)
	}
	return r
}

func sameCase(t testing.TB, got, want approval.Case) {
	t.Helper()
	a, b := must[[]byte](t)(got.MarshalJSON()), must[[]byte](t)(want.MarshalJSON())
	if string(a) != string(b) {
		t.Fatalf("got  %s\nwant %s", a, b)
	}
}

// gate is a store that does something before and after each commit.
type gate struct {
	audit.Store
	before func(n int, b audit.Batch) error // an error is the answer
	after  func(n int, err error) error
	mu     sync.Mutex
	n      int
}

func (g *gate) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	g.mu.Lock()
	g.n++
	n := g.n
	g.mu.Unlock()
	if g.before != nil {
		if err := g.before(n, b); err != nil {
			return audit.Committed{}, err
		}
	}
	done, err := g.Store.Commit(ctx, b)
	if g.after != nil {
		if err := g.after(n, err); err != nil {
			return audit.Committed{}, err
		}
	}
	return done, err
}

// once does something before the first commit.
func once(do func()) func(int, audit.Batch) error {
	return func(n int, _ audit.Batch) error {
		if n == 1 {
			do()
		}
		return nil
	}
}

// script is a directory that can be made to misbehave.
type script struct {
	*desktest.Directory
	person func(ctx context.Context, identity string) // before each answer
	mu     sync.Mutex
	asked  []string
}

func (s *script) Person(ctx context.Context, identity string) (desk.Person, error) {
	s.mu.Lock()
	s.asked = append(s.asked, identity)
	s.mu.Unlock()
	if s.person != nil {
		s.person(ctx, identity)
	}
	return s.Directory.Person(ctx, identity)
}

func eventTypes(history []approval.Stamped) []string {
	var out []string
	for _, s := range history {
		e, _ := approval.EncodeEvent(s.Event)
		out = append(out, e.Type)
	}
	return out
}

func (o *office) wantEvents(id string, want ...string) {
	o.t.Helper()
	h := must[[]approval.Stamped](o.t)(o.Desk.History(o.t.Context(), id))
	if got := eventTypes(h); !slices.Equal(got, want) {
		o.t.Errorf("%s has had the events %q; want %q", id, got, want)
	}
}

const minute = time.Minute
