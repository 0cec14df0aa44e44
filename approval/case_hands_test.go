package approval_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestEditors: a case is edited by those who had a hand in it and by its team.
func TestEditors(t *testing.T) {
	other := normal(t, map[string]any{"title": "another"})
	linked, unknown, crooked := alice, alice, alice
	linked.Identity, unknown.Person, crooked.Identity = "pd|alice", "", "idp|alice "
	l := born(t, normal(t, nil))
	if !slices.Equal(l.c.Editors(), []approval.Seat{team}) {
		t.Error(l.c.Editors())
	}
	for _, c := range []struct {
		name  string
		by    approval.Actor
		holds []approval.Seat
		want  []approval.Refusal
	}{
		{"the requester", alice, nil, nil},
		{"the requester by another name", linked, nil, nil},
		{"the author", bob, nil, nil},
		{"one of the team", carol, []approval.Seat{team}, nil},
		{"a stranger", carol, nil, []approval.Refusal{approval.NotEntitled}},
		{"one of another team", carol, []approval.Seat{{Role: approval.RoleTeamMember, Of: "ledger"}, cab, owner}, []approval.Refusal{approval.NotEntitled}},
		{"one whom nobody knows", unknown, []approval.Seat{team}, []approval.Refusal{approval.NotEntitled}},
		{"no identity", crooked, []approval.Seat{team}, []approval.Refusal{approval.NotEntitled}},
	} {
		s := submission(other, l.at)
		s.By, s.Holds = c.by, c.holds
		events, err := l.c.Edit(l.p, other, s)
		if wantCodes(t, c.name, err, c.want...); (len(events) > 0) != (c.want == nil) {
			t.Errorf("%s: %v", c.name, events)
		}
	}
	edited := born(t, normal(t, nil)).edit(alice, other)
	log := forged(edited.log, 1, func(e *approval.Edited) {
		e.By = unknown
		e.Contributors = append(slices.Clone(e.Contributors), unknown)
		e.Ruling.Requirement = approval.All{approval.Seat{Group: "cab", Quorum: 2}, approval.Seat{Role: approval.RoleOutsideTeam, Of: "payments-api", Quorum: 1}}
	})
	if _, err := approval.Fold("CHG-1", log); err == nil || !strings.Contains(err.Error(), "does not know") {
		t.Error(err)
	}
}

// TestSameContentRuledAnew: the same content is an edit when what is asked for
// it is not what it was, and only then.
func TestSameContentRuledAnew(t *testing.T) {
	frozen := time.Date(2027, 1, 4, 22, 0, 0, 0, time.UTC) // the last evening of the freeze
	c := standard(t, nil)
	l := &life{TB: t, p: made(t, base(t)), at: frozen, c: approval.Case{ID: c.ID}}
	l.do(l.p.Submit(c, submission(c, l.at))).yes(carol, cab)
	if l.c.Ruling.Type != change.Normal {
		t.Fatal(l.c.Ruling.Type)
	}
	before := l.c.Version
	if l.edit(alice, c); l.c.Version != before {
		t.Error("the same content, ruled as before, is an edit")
	}
	l.wait(4*time.Hour).edit(alice, c)
	if l.c.Revision != 2 || l.c.Ruling.Type != change.Standard || l.c.Decision != approval.Authorized || l.c.Votes != nil {
		t.Errorf("%+v", l.c.Ruling)
	}
	if before = l.c.Version; l.edit(alice, c).c.Version != before {
		t.Error("once more")
	}
	n := born(t, normal(t, nil)).approved()
	n.p = fiercer(t)
	if n.edit(alice, n.c.Change); n.c.Revision != 2 || n.c.Decision != approval.Pending || n.c.Ruling.Requirement.String() != "3 of cab and service-owner of payments-api" {
		t.Errorf("%d: %s", n.c.Revision, n.c.Ruling.Requirement)
	}
}

// TestHandsAreLimited: each vote is held against each of those who had a hand
// in a case, so there are not any number of them.
func TestHandsAreLimited(t *testing.T) {
	crowd := func(round, n int) *change.Change {
		var hands []any
		for i := range n {
			hands = append(hands, map[string]any{"id": fmt.Sprintf("idp|h%d-%d", round, i), "as": "editor"})
		}
		return normal(t, map[string]any{"title": fmt.Sprint("round ", round), "contributors": hands})
	}
	l := born(t, crowd(1, 100)).edit(alice, crowd(2, 100)).edit(alice, crowd(3, 55)) // and alice
	if len(l.c.Contributors) != 256 {
		t.Fatal(len(l.c.Contributors))
	}
	c := crowd(4, 1)
	var problems change.Problems
	if err := err2(l.c.Edit(l.p, c, submission(c, l.at))); !errors.As(err, &problems) || !strings.Contains(err.Error(), "257 have had a hand in it, with those of earlier revisions; a case has at most 256: submit it as another request") {
		t.Error(err)
	}
	one := forged(l.log, 0, func(e *approval.Submitted) {
		for i := range 200 {
			e.Contributors = append(e.Contributors, human(fmt.Sprint("more", i)))
		}
	})
	if _, err := approval.Fold("CHG-1", one[:1]); err == nil || !strings.Contains(err.Error(), "at most 256") {
		t.Error(err)
	}
}

// TestSizeIsLimited: so is what one request is for.
func TestSizeIsLimited(t *testing.T) {
	wide := func(artifacts, targets int) *change.Change {
		with := map[string]any{"artifacts": []any{}, "targets": []any{}}
		for i := range artifacts {
			with["artifacts"] = append(with["artifacts"].([]any), map[string]any{"name": fmt.Sprint("a", i), "digest": string(digestOf(fmt.Sprint(i)))})
		}
		for i := range targets {
			with["targets"] = append(with["targets"].([]any), map[string]any{"name": fmt.Sprint("t", i)})
		}
		return normal(t, with)
	}
	l := born(t, wide(20, 50))
	for _, c := range []*change.Change{wide(20, 51), wide(21, 50)} {
		var problems change.Problems
		if err := err2(l.c.Edit(l.p, c, submission(c, l.at))); !errors.As(err, &problems) || !strings.Contains(err.Error(), "more than 1000 deployments, which is the most of one request; split it into several") {
			t.Error(err)
		}
		if _, err := approval.Fold("CHG-1", forged(l.log, 0, func(e *approval.Submitted) { e.Change, e.Digest = c, digest(t, c) })); err == nil || !strings.Contains(err.Error(), "split it") {
			t.Error(err)
		}
	}
}

// TestC29OtherHands: where App Support deploys, or validates, those who made
// the change do not; who is only to carry it out does.
func TestC29OtherHands(t *testing.T) {
	support := approval.Seat{Role: approval.RoleAppSupport, Of: "ledger"}
	named := func(parts ...string) map[string]any {
		hands := []any{map[string]any{"id": "idp|bob", "as": "author"}}
		for _, part := range parts {
			hands = append(hands, map[string]any{"id": "idp|heidi", "as": part})
		}
		return map[string]any{"handover": handover, "window": slot["window"], "contributors": hands}
	}
	asked := named("implementer")
	asked["requester"] = map[string]any{"id": "idp|heidi"}
	linked := heidi
	linked.Identity = "pd|heidi"
	twice := named("implementer")
	twice["contributors"] = append(twice["contributors"].([]any), map[string]any{"id": "pd|heidi", "as": "author"})
	for _, c := range []struct {
		name string
		with map[string]any
		by   approval.Actor
		free bool
	}{
		{"no hand in it", named(), heidi, true},
		{"to carry it out", named("implementer"), heidi, true},
		{"to carry it out, by another name", named("implementer"), linked, true},
		{"its author", named(), bob, false},
		{"its requester", named(), alice, false},
		{"author and implementer", named("implementer", "author"), heidi, false},
		{"requester and implementer", asked, heidi, false},
		{"its author by another name", twice, heidi, false},
		{"its pair", named("pair"), linked, false},
	} {
		body := ledger(t, c.with)
		d := base(t)
		d.Services[1].Models[0].Model.Validates = change.AppSupport
		l := &life{TB: t, p: made(t, d), at: monday, c: approval.Case{ID: body.ID}}
		s := submission(body, l.at)
		for i, id := range approval.Named(body) {
			if id == linked.Identity {
				s.Contributors[i] = linked
			}
		}
		l.do(l.p.Submit(body, s)).yes(carol, cab).yes(dave, cab).yes(erin, approval.Seat{Role: "service-owner", Of: "ledger"}).wait(2 * time.Hour)
		var want []approval.Refusal
		if !c.free {
			want = []approval.Refusal{approval.IsContributor}
		}
		events, err := l.c.Start(l.p, attempt("1", image, "prod/eu"), l.gate(c.by, support))
		wantCodes(t, c.name+" deploys", err, want...)
		l.do(l.c.Start(l.p, attempt("1", image, "prod/eu"), l.gate(frank, support)))
		if c.free && len(events) != 1 {
			t.Errorf("%s: %v", c.name, events)
		}
		_, err = l.c.Start(l.p, attempt("b", oldImage, "prod/eu"), l.gate(c.by, support))
		wantCodes(t, c.name+" takes it back", err, want...)
		l.do(l.c.Report(approval.Reported{By: frank, Attempt: "1", Outcome: approval.Succeeded}, nil, l.at, validity))
		_, err = l.c.Validate(approval.Validated{By: c.by, Passed: true}, []approval.Seat{support}, l.at)
		wantCodes(t, c.name+" validates", err, want...)
		for i, e := range l.log {
			if _, ok := e.Event.(approval.Started); ok && !c.free {
				if _, err := approval.Fold(l.c.ID, forged(l.log[:i+1], i, func(e *approval.Started) { e.By = c.by })); err == nil || !strings.Contains(err.Error(), "others of App Support") {
					t.Errorf("%s: it adds up: %v", c.name, err)
				}
			}
		}
	}
}

// TestOwedReviewsAreByOthers: who had a hand in the change or in its deployment
// does not say what was to be learnt from it.
func TestOwedReviewsAreByOthers(t *testing.T) {
	l := born(t, normal(t, nil)).approved()
	l.do(l.c.Start(l.p, attempt("1", image, "prod/eu"), l.gate(carol, team)))
	l.do(l.c.Report(approval.Reported{By: dave, Attempt: "1", Outcome: approval.Failed}, []approval.Seat{team}, l.at, validity))
	linked := dave
	linked.Identity = "pd|dave"
	for name, by := range map[string]approval.Actor{"requester": alice, "author": bob, "deployer": carol, "reporter": dave, "reporter by another name": linked} {
		r := approval.Reviewed{By: by, Findings: "nothing to see"}
		wantCodes(t, name, err2(l.c.Conclude(r, []approval.Seat{manager}, l.at)), approval.IsContributor)
		if _, err := l.c.Apply(approval.Stamped{Occurred: l.at, Recorded: l.at, Event: r}); err == nil {
			t.Errorf("a review by the %s adds up", name)
		}
	}
	l.do(l.c.Conclude(approval.Reviewed{By: erin, Findings: "we learnt"}, []approval.Seat{manager}, l.at)) // who has voted
}

// TestReviewOfWhatCameLater: a review does not cover what is started after it.
func TestReviewOfWhatCameLater(t *testing.T) {
	incident, oncall := approval.Seat{Role: "incident-manager", Of: "payments-api"}, approval.Seat{Role: "on-call", Of: "payments-api"}
	urgent := normal(t, map[string]any{"emergency": map[string]any{"incident": "INC-1", "reason": "it is down"}, "window": map[string]any{"start": "2026-11-23T09:00:00Z", "end": "2026-12-23T10:00:00Z"}})
	for _, c := range []struct {
		name string
		wait time.Duration
		due  func(l *life) time.Time
	}{
		{"in time", time.Hour, func(l *life) time.Time { return l.c.Ruling.ReviewBy }},
		{"when that is past", 5 * 24 * time.Hour, func(l *life) time.Time { return l.at.Add(validity.Report) }},
	} {
		l := born(t, urgent).yes(carol, incident).yes(dave, oncall).start("1", image, "prod/eu").report("1", approval.Succeeded).review()
		if !l.c.ReviewBy.IsZero() {
			t.Fatal(l.c.ReviewBy)
		}
		l.wait(c.wait).start("2", image, "prod/us")
		if want := c.due(l); l.c.Review != nil || !l.c.ReviewBy.Equal(want) {
			t.Errorf("%s: it is due by %s, expected %s", c.name, l.c.ReviewBy, want)
		}
		if l.report("2", approval.Succeeded).validate(true); l.c.Closed || !l.review().c.Closed {
			t.Errorf("%s: it closes without a review", c.name)
		}
	}
	l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).review().start("2", image, "prod/us")
	if l.c.Review != nil || !l.c.ReviewBy.IsZero() {
		t.Errorf("of a normal change none is owed: %+v", l.c)
	}
}

// TestCheckOfAll: a check passes when all that is under way has its outcome.
func TestCheckOfAll(t *testing.T) {
	l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", image, "prod/us").report("1", approval.Succeeded)
	err := err2(l.c.Validate(approval.Validated{By: bob, Passed: true}, []approval.Seat{team}, l.at))
	var refused *approval.Refused
	if wantCodes(t, "while another runs", err, approval.TooEarly); !errors.As(err, &refused) || !refused.Waiting {
		t.Error(err)
	}
	wantCodes(t, "a check that failed", err2(l.c.Validate(approval.Validated{By: bob}, []approval.Seat{team}, l.at)))
	if l.report("2", approval.Succeeded).validate(true); !l.c.Closed {
		t.Error("it is not closed")
	}
}
