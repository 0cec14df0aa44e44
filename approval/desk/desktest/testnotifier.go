package desktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestNotifier holds notifiers to what a desk needs of them: one takes notices
// of each kind of event, of cases with and without a change, and takes the same
// notice again, as that is what "at least once" means; it can be called by many
// at once, returns when its context has ended, and changes nothing of what it
// is given. It is for notifiers that reach whom they notify, which may be a fake
// within the test; make is called once for each part.
func TestNotifier(t *testing.T, make func(t testing.TB) desk.Notifier) {
	notices := story(t)
	t.Run("each event, twice", func(t *testing.T) {
		n := make(t)
		for _, again := range []string{"", " again"} {
			for _, notice := range notices {
				deliver(t, n, notice, again)
			}
		}
	})
	t.Run("an ended context", func(t *testing.T) {
		n := make(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		within(t, "Notify with an ended context", func() { _ = n.Notify(ctx, notices[0]) })
	})
	t.Run("many at once", func(t *testing.T) {
		n := make(t)
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() { deliver(t, n, notices[i%len(notices)], " among others") })
		}
		within(t, "Notify, called by many", all.Wait)
	})
}

// deliver calls the notifier and checks that it leaves the notice as it is.
func deliver(t *testing.T, n desk.Notifier, notice desk.Notice, how string) {
	t.Helper()
	before := printed(t, notice)
	within(t, "Notify"+how, func() {
		if err := n.Notify(t.Context(), notice); err != nil {
			t.Errorf("Notify(%s, %T)%s: %v", notice.ID, notice.Event.Event, how, err)
		}
	})
	if after := printed(t, notice); !bytes.Equal(before, after) {
		t.Errorf("Notify(%s)%s has changed the notice\nfrom %s\nto   %s", notice.ID, how, before, after)
	}
}

// printed is what can be read in a notice.
func printed(t *testing.T, n desk.Notice) []byte {
	t.Helper()
	c, err := n.Case.MarshalJSON()
	if err != nil {
		t.Errorf("the case of %s cannot be written: %v", n.ID, err)
	}
	e, err := approval.EncodeEvent(n.Event.Event)
	if err != nil {
		t.Errorf("the event of %s cannot be written: %v", n.ID, err)
	}
	personal, err := json.Marshal(e.Personal)
	if err != nil {
		t.Errorf("the event of %s cannot be written: %v", n.ID, err)
	}
	return fmt.Appendf(nil, "%s %s %s %s", c, e.Type, e.Body, personal)
}

// The people of the story.
const (
	asks, votes, votesToo, deploys, reviews = "idp|asks", "idp|votes", "idp|votes-too", "idp|deploys", "idp|reviews"
)

// story is what notifiers are told about some cases: one that takes the whole
// way, one that is rejected, one that is called off, one that lapses, and one
// for a deployment that nobody had authorised.
func story(t *testing.T) []desk.Notice {
	t.Helper()
	k := New(t, storyPolicy(t), nil)
	for _, person := range []string{asks, votes, votesToo, deploys, reviews} {
		k.Directory.Add(person)
	}
	k.Directory.Grant(votes, approval.Seat{Group: "cab"})
	k.Directory.Grant(votesToo, approval.Seat{Group: "cab"})
	k.Directory.Grant(deploys, approval.Seat{Role: approval.RoleTeamMember, Of: "api"})
	k.Directory.Grant(reviews, approval.Seat{Role: approval.RoleChangeManager})
	s := teller{t, k}
	s.wholeWay()
	s.otherEnds()
	if _, err := k.Desk.Tick(t.Context()); err != nil {
		t.Fatalf("the story: %v", err)
	}
	return k.Notices.All()
}

// storyPolicy is one service of a team that runs what it builds.
func storyPolicy(t testing.TB) *approval.Policy {
	t.Helper()
	p, err := approval.New(approval.Definition{
		Name:     "story",
		Groups:   []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "api", Team: "api", OnCall: "pd/api", Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 2026, Month: 1, Day: 1}}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	})
	if err != nil {
		t.Fatalf("the policy of the story: %v", err)
	}
	return p
}

// teller tells the story.
type teller struct {
	t   *testing.T
	kit *Kit
}

func (s teller) must(c approval.Case, err error) approval.Case {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("the story: %v", err)
	}
	return c
}

func (s teller) request(id, title string) *change.Change {
	return &change.Change{ID: id, Title: title, Reason: "less to pay", Kind: change.Code, Service: "api", Requester: change.Person{ID: asks, Kind: change.Human}}
}

func (s teller) vote(by string, c approval.Case, choice approval.Choice) approval.Case {
	s.t.Helper()
	return s.must(s.kit.Desk.Vote(s.t.Context(), by, c.ID, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: choice, Comment: "I have read it"}, nil))
}

// wholeWay is edited and voted on, deployed and looked at.
func (s teller) wholeWay() {
	s.t.Helper()
	d, ctx := s.kit.Desk, s.t.Context()
	c := s.must(d.Submit(ctx, asks, s.request("CHG-1", "a smaller database")))
	s.vote(votes, c, approval.Approve)
	c = s.must(d.Edit(ctx, asks, s.request("CHG-1", "a much smaller database"), nil))
	s.vote(votes, c, approval.Approve)
	s.must(d.Withdraw(ctx, votes, c.ID, nil))
	s.vote(votes, c, approval.Approve)
	c = s.vote(votesToo, c, approval.Approve)
	if _, err := d.Start(ctx, deploys, c.ID, approval.Attempt{ID: "run-1", Artifact: c.Digest}); err != nil {
		s.t.Fatalf("the story: %v", err)
	}
	s.must(d.Report(ctx, deploys, c.ID, desk.Report{Attempt: "run-1", Outcome: approval.Failed, Note: "it did not start"}, nil))
	s.must(d.Validate(ctx, deploys, c.ID, false, "it is gone", nil))
	s.must(d.Review(ctx, reviews, c.ID, "the disk was full", nil))
}

// otherEnds are the ways in which a request can end without a deployment, and
// a deployment without a request.
func (s teller) otherEnds() {
	s.t.Helper()
	d, ctx := s.kit.Desk, s.t.Context()
	s.vote(votes, s.must(d.Submit(ctx, asks, s.request("CHG-2", "no database"))), approval.Reject)
	s.must(d.Submit(ctx, asks, s.request("CHG-3", "two databases")))
	s.must(d.Cancel(ctx, asks, "CHG-3", "one is enough", nil))
	s.must(d.Report(ctx, deploys, "CHG-unknown", desk.Report{Attempt: "run-9", Outcome: approval.Succeeded}, nil))
	s.must(d.Submit(ctx, asks, s.request("CHG-4", "some day")))
	s.kit.Clock.Advance(desk.DefaultValidity.Request + time.Second)
}
