package approval_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// validity is short enough to run out within a test.
var validity = approval.Validity{Request: 7 * 24 * time.Hour, Vote: 5 * 24 * time.Hour, Use: 2 * 24 * time.Hour, Report: 4 * time.Hour, Review: 3 * 24 * time.Hour}

func human(name string) approval.Actor {
	return approval.Actor{Identity: "idp|" + name, Person: "p|" + name, Kind: change.Human}
}

// people are those of the tests: alice and bob have a hand in the change.
var alice, bob, carol, dave, erin, frank, grace = human("alice"), human("bob"), human("carol"), human("dave"), human("erin"), human("frank"), human("grace")

// The seats that the changes of the tests ask for.
var (
	cab     = approval.Seat{Group: "cab"}
	owner   = approval.Seat{Role: "service-owner", Of: "payments-api"}
	outside = approval.Seat{Role: approval.RoleOutsideTeam, Of: "payments-api"}
	team    = approval.Seat{Role: approval.RoleTeamMember, Of: "payments-api"}
	manager = approval.Seat{Role: approval.RoleChangeManager}
)

const (
	image    = change.Digest("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	oldImage = change.Digest("sha256:1111111111111111111111111111111111111111111111111111111111111111")
	noImage  = change.Digest("sha256:2222222222222222222222222222222222222222222222222222222222222222")
)

// backout is the way back of the changes of the tests.
var backout = map[string]any{"plan": "roll back", "artifact": map[string]any{"name": "api", "digest": string(oldImage)}}

// normal is a change that two of the CAB and the owner of the service decide.
func normal(tb testing.TB, with map[string]any) *change.Change {
	return altered(tb, map[string]any{"kind": "config", "claim": nil, "backout": backout}, with)
}

// standard is one that nobody decides.
func standard(tb testing.TB, with map[string]any) *change.Change {
	return altered(tb, map[string]any{"size": nil, "files": touching("a.go"), "backout": backout}, with)
}

func altered(tb testing.TB, a, b map[string]any) *change.Change {
	tb.Helper()
	both := map[string]any{}
	for _, m := range []map[string]any{a, b} {
		for k, v := range m {
			both[k] = v
		}
	}
	return decoded(tb, both)
}

// submission is by alice, with everybody resolved whom the change names.
func submission(c *change.Change, at time.Time) approval.Submission {
	s := approval.Submission{By: alice, Inputs: approval.Inputs{At: at}, Validity: validity}
	for _, id := range approval.Named(c) {
		s.Contributors = append(s.Contributors, human(id[len("idp|"):]))
	}
	return s
}

// life is a case that is acted on step by step.
type life struct {
	testing.TB
	p   *approval.Policy
	c   approval.Case
	at  time.Time
	log []approval.Stamped
}

// born is a case of a change, submitted on monday.
func born(tb testing.TB, c *change.Change) *life {
	tb.Helper()
	l := &life{TB: tb, p: made(tb, base(tb)), at: monday}
	l.c.ID = c.ID
	l.do(l.p.Submit(c, submission(c, l.at)))
	return l
}

// do applies what a command gave, and compares with the fold of it all.
func (l *life) do(events []approval.Event, err error) *life {
	l.Helper()
	if err != nil {
		l.Fatalf("refused: %v", err)
	}
	for _, e := range events {
		s := approval.Stamped{Occurred: l.at, Recorded: l.at, Event: e}
		if l.c, err = l.c.Apply(s); err != nil {
			l.Fatal(err)
		}
		l.log = append(l.log, s)
	}
	again, err := approval.Fold(l.c.ID, l.log)
	if err != nil || !reflect.DeepEqual(again, l.c) {
		l.Fatalf("the fold differs (%v):\n%+v\n%+v", err, again, l.c)
	}
	return l
}

// wait lets time pass.
func (l *life) wait(d time.Duration) *life {
	l.at = l.at.Add(d)
	return l
}

func (l *life) ballot(who approval.Actor, choice approval.Choice, holds ...approval.Seat) approval.Ballot {
	still := map[string][]approval.Seat{}
	for _, v := range l.c.Votes {
		still[v.By.Person] = v.Holds
	}
	return approval.Ballot{By: who, Revision: l.c.Revision, Digest: l.c.Digest, Choice: choice, At: l.at, Holds: holds, Still: still, Validity: validity}
}

func (l *life) yes(who approval.Actor, holds ...approval.Seat) *life {
	l.Helper()
	return l.do(l.c.Vote(l.ballot(who, approval.Approve, holds...)))
}

// approved has the votes of a normal change.
func (l *life) approved() *life {
	l.Helper()
	l.yes(carol, cab).yes(dave, cab).yes(erin, owner)
	if l.c.Decision != approval.Authorized {
		l.Fatalf("it is %s", l.c.Decision)
	}
	return l
}

func (l *life) gate(by approval.Actor, holds ...approval.Seat) approval.GateInputs {
	return approval.GateInputs{Inputs: approval.Inputs{At: l.at}, By: by, Holds: holds, Validity: validity}
}

func attempt(id string, artifact change.Digest, target string) approval.Attempt {
	return approval.Attempt{ID: id, Artifact: artifact, Target: target}
}

// start is by bob, of the team.
func (l *life) start(id string, artifact change.Digest, target string) *life {
	l.Helper()
	return l.do(l.c.Start(l.p, attempt(id, artifact, target), l.gate(bob, team)))
}

func (l *life) report(id string, o approval.Outcome) *life {
	l.Helper()
	return l.do(l.c.Report(approval.Reported{By: bob, Attempt: id, Outcome: o}, nil, l.at, validity))
}

func (l *life) validate(passed bool) *life {
	l.Helper()
	return l.do(l.c.Validate(approval.Validated{By: bob, Passed: passed}, []approval.Seat{team}, l.at))
}

func (l *life) review() *life {
	l.Helper()
	return l.do(l.c.Conclude(approval.Reviewed{By: grace, Findings: "we learnt"}, []approval.Seat{manager}, l.at))
}

// kinds are the events since a number of them.
func (l *life) kinds(since int) []string {
	var out []string
	for _, s := range l.log[since:] {
		out = append(out, fmt.Sprintf("%T", s.Event)[len("approval."):])
	}
	return out
}

// codes are the reasons of a refusal; nil when there is none.
func codes(tb testing.TB, err error) []approval.Refusal {
	tb.Helper()
	var refused *approval.Refused
	if err != nil && !errors.As(err, &refused) {
		tb.Fatalf("%v is no refusal", err)
	}
	if refused == nil {
		return nil
	}
	var out []approval.Refusal
	for _, r := range refused.Reasons {
		if !slices.Contains(out, r.Code) {
			out = append(out, r.Code)
		}
	}
	return out
}
