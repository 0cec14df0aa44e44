package approval_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// edit gives the case other content, by somebody.
func (l *life) edit(by approval.Actor, c *change.Change) *life {
	l.Helper()
	s := submission(c, l.at)
	s.By, s.Holds = by, l.c.Editors()
	return l.do(l.c.Edit(l.p, c, s))
}

// TestINV10ContentAndRequirement: what was approved is what may start, and the
// gate may only ask for more.
func TestINV10ContentAndRequirement(t *testing.T) {
	l := born(t, normal(t, nil)).approved()
	first := attempt("1", image, "prod/eu")
	before := len(l.log)
	l.p = fiercer(t)
	events, err := l.c.Start(l.p, first, l.gate(bob, team))
	if got := codes(t, err); !slices.Equal(got, []approval.Refusal{approval.NeedsMore}) {
		t.Fatal(err)
	}
	l.do(events, nil)
	if got := l.kinds(before); !slices.Equal(got, []string{"Reclassified"}) || l.c.Decision != approval.Pending || l.c.Votes != nil || l.c.Counted != nil || l.c.Revision != 1 {
		t.Fatalf("%v: %+v", got, l.c)
	}
	if want := "3 of cab and service-owner of payments-api"; l.c.Ruling.Requirement.String() != want || l.c.NotAfter != monday.Add(validity.Request) {
		t.Errorf("it needs %s until %s", l.c.Ruling.Requirement, l.c.NotAfter)
	}
	if got := codes(t, l.c.Gate(l.p, first, l.gate(bob, team))); !slices.Equal(got, []approval.Refusal{approval.NotDecided}) {
		t.Error(got)
	}
	l.yes(carol, cab).yes(dave, cab).yes(erin, owner).yes(frank, cab)
	if err := l.c.Gate(l.p, first, l.gate(bob, team)); err != nil {
		t.Error(err)
	}
	l.p = made(t, base(t)) // which asks for less
	if err := l.c.Gate(l.p, first, l.gate(bob, team)); err != nil {
		t.Error("less is asked for now:", err)
	}
	l.start("1", image, "prod/eu")
	four := base(t)
	four.Authority.Rules[0].Needs[0].Quorum = 4
	l.p = made(t, four)
	events, err = l.c.Start(l.p, attempt("2", image, "prod/us"), l.gate(bob, team))
	if got := codes(t, err); events != nil || !slices.Equal(got, []approval.Refusal{approval.NeedsMore}) {
		t.Error("once it has begun the rest may not start, and nothing else changes:", events, err)
	}
}

// TestReclassified: what is put back to be decided, and what is not.
func TestReclassified(t *testing.T) {
	first := attempt("1", image, "prod/eu")
	retired := func(l *life) approval.GateInputs {
		in := l.gate(bob, team)
		in.Inputs.Templates = map[string]approval.TemplateStatus{"rolling": {State: approval.Retired, Version: l.p.TemplateVersion("rolling")}}
		return in
	}
	t.Run("INV-22 a template that is no longer in force", func(t *testing.T) {
		ghost := approval.Actor{Identity: "idp|bob"}
		l := &life{TB: t, p: made(t, base(t)), at: monday, c: approval.Case{ID: "CHG-1"}}
		s := submission(standard(t, nil), monday)
		s.Contributors[1] = ghost
		l.do(l.p.Submit(standard(t, nil), s))
		if l.c.Decision != approval.Authorized || l.c.Counted != nil || l.c.NotAfter != monday.Add(validity.Use) {
			t.Fatalf("%+v", l.c)
		}
		events, err := l.c.Start(l.p, first, retired(l))
		if !slices.Equal(codes(t, err), []approval.Refusal{approval.NeedsMore}) || len(events) != 1 {
			t.Fatal(events, err)
		}
		l.do(events, nil)
		if want := "2 of cab and outside-team of payments-api and service-owner of payments-api"; l.c.Ruling.Requirement.String() != want || l.c.Ruling.Type != change.Normal {
			t.Error(l.c.Ruling.Requirement)
		}
	})
	t.Run("INV-22 a template that was edited and approved again", func(t *testing.T) {
		l := born(t, standard(t, nil))
		d := base(t)
		d.Templates[0].Because = "for another reason"
		l.p = made(t, d)
		events, err := l.c.Start(l.p, first, l.gate(bob, team))
		if !slices.Equal(codes(t, err), []approval.Refusal{approval.NeedsMore}) || len(events) != 2 {
			t.Fatal(events, err)
		}
		l.do(events, nil).start("1", image, "prod/eu")
	})
	t.Run("what was asked for before stays asked for", func(t *testing.T) {
		d := base(t)
		d.Authority.Rules[0].Needs = []approval.Need{{Group: "security"}}
		l := born(t, normal(t, nil)).approved()
		l.p = made(t, d)
		l.do(only(l.c.Start(l.p, first, l.gate(bob, team))), nil)
		if want := "2 of cab and 1 of security and service-owner of payments-api"; l.c.Ruling.Requirement.String() != want {
			t.Error(l.c.Ruling.Requirement)
		}
	})
	t.Run("votes stand when it would be standard now", func(t *testing.T) {
		l := born(t, standard(t, map[string]any{"claim": nil})).approved()
		l.p = made(t, alwaysStandard(t))
		if got := l.p.Classify(l.c.Change, at); got.Type != change.Standard {
			t.Fatal(got.Explain())
		}
		l.start("1", image, "prod/eu")
	})
	for name, try := range map[string]func(l *life) ([]approval.Event, error){
		"asked by an outsider": func(l *life) ([]approval.Event, error) { return l.c.Start(fiercer(t), first, l.gate(carol, cab)) },
		"asked for another artifact": func(l *life) ([]approval.Event, error) {
			return l.c.Start(fiercer(t), attempt("1", noImage, "prod/eu"), l.gate(bob, team))
		},
		"run out": func(l *life) ([]approval.Event, error) {
			return l.wait(validity.Use).c.Start(fiercer(t), first, l.gate(bob, team))
		},
		"by a clock behind": func(l *life) ([]approval.Event, error) {
			return l.wait(-1).c.Start(fiercer(t), first, l.gate(bob, team))
		},
	} {
		t.Run("not when "+name, func(t *testing.T) {
			l := born(t, normal(t, nil)).approved()
			if events, err := try(l); events != nil || !slices.Contains(codes(t, err), approval.NeedsMore) {
				t.Error(events, err)
			}
		})
	}
}

func alwaysStandard(tb testing.TB) approval.Definition {
	d := base(tb)
	always := change.YouBuildItYouRunIt()
	always.Name, always.Standard = "always", change.Always
	d.Models = append(d.Models, always)
	d.Services[0].Models = []change.Assignment{{Model: always, From: change.Date{Year: 2020, Month: 1, Day: 1}}}
	return d
}

// TestINV11EditsClear: an edit after each prefix of votes leaves none of them,
// and going back does not bring them back.
func TestINV11EditsClear(t *testing.T) {
	original, other := normal(t, nil), normal(t, map[string]any{"title": "another"})
	for votes := range 4 {
		l := born(t, original)
		for i := range votes {
			l.yes([]approval.Actor{carol, dave, erin}[i], []approval.Seat{cab, cab, owner}[i])
		}
		before := l.c.Version
		if l.edit(frank, original); l.c.Version != before {
			t.Fatal("the same content is an edit")
		}
		l.edit(alice, other)
		if l.c.Votes != nil || l.c.Counted != nil || l.c.Decision != approval.Pending || !l.c.DecidedAt.IsZero() || l.c.Revision != 2 {
			t.Fatalf("after %d votes: %+v", votes, l.c)
		}
		l.edit(alice, original)
		if l.c.Votes != nil || l.c.Revision != 3 || l.c.Change != original {
			t.Fatalf("after %d votes and back: %+v", votes, l.c)
		}
		old := l.ballot(carol, approval.Approve, cab)
		old.Revision = 1
		if got := codes(t, err2(l.c.Vote(old))); !slices.Equal(got, []approval.Refusal{approval.OtherRevision}) {
			t.Errorf("a vote for revision 1 counts for the same content later: %v", got)
		}
		l.approved()
	}
}

// TestEditsRuleAgain: the type may rise and fall with the content.
func TestEditsRuleAgain(t *testing.T) {
	l := born(t, standard(t, nil)).edit(alice, normal(t, nil))
	if l.c.Ruling.Type != change.Normal || l.c.Decision != approval.Pending {
		t.Errorf("%+v", l.c.Ruling)
	}
	l.yes(carol, cab).edit(alice, standard(t, nil))
	if l.c.Ruling.Type != change.Standard || l.c.Decision != approval.Authorized || l.c.Revision != 3 {
		t.Errorf("%+v", l.c.Ruling)
	}
	l.start("1", image, "prod/eu")
}

// TestINV13SelfApproval: nobody who has had a hand in the change votes on it,
// by whatever name.
func TestINV13SelfApproval(t *testing.T) {
	as := func(part string) *change.Change {
		return normal(t, map[string]any{"contributors": []any{map[string]any{"id": "idp|carol", "as": part}}})
	}
	claimed := normal(t, map[string]any{"claim": map[string]any{"type": "standard", "by": "idp|carol", "reason": "x"}})
	asked := normal(t, map[string]any{"requester": map[string]any{"id": "idp|carol"}})
	lives := map[string]*life{"requester": born(t, asked), "claimant": born(t, claimed)}
	for _, part := range []string{"author", "editor", "implementer", "on-behalf-of", "pair", "account-owner"} {
		lives[part] = born(t, as(part))
	}
	lives["editor of this content"] = born(t, normal(t, nil)).edit(carol, normal(t, map[string]any{"title": "b"}))
	lives["editor of earlier content"] = born(t, normal(t, nil)).edit(carol, normal(t, map[string]any{"title": "b"})).edit(alice, normal(t, nil))
	lives["author of earlier content"] = born(t, as("author")).edit(alice, normal(t, nil))
	submitter := &life{TB: t, p: made(t, base(t)), at: monday, c: approval.Case{ID: "CHG-1"}}
	s := submission(normal(t, nil), monday)
	s.By = carol
	lives["submitter"] = submitter.do(submitter.p.Submit(normal(t, nil), s))

	linked, sameIdentity := carol, carol
	linked.Identity, sameIdentity.Person = "pd|carol", "p|carola"
	crossed := approval.Actor{Identity: "p|carol", Person: "p|x", Kind: change.Human}
	upper, shout := approval.Actor{Identity: "idp|CAROL", Person: "p|x", Kind: change.Human}, approval.Actor{Identity: "x", Person: "P|carol", Kind: change.Human}
	for name, l := range lives {
		for by, want := range map[approval.Actor]approval.Refusal{carol: approval.IsContributor, linked: approval.IsContributor,
			sameIdentity: approval.IsContributor, crossed: approval.IsContributor, upper: approval.Ambiguous, shout: approval.Ambiguous} {
			for _, choice := range []approval.Choice{approval.Approve, approval.Reject} {
				if got := codes(t, l.voteOf(by, choice, cab, owner)); !slices.Equal(got, []approval.Refusal{want}) {
					t.Errorf("%s votes as %v: %v, expected %s", name, by, got, want)
				}
			}
		}
		if err := l.voteOf(dave, approval.Approve, cab); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestINV13Unresolved: a contributor who could be anyone takes a seat outside
// of the team, until the directory knows them.
func TestINV13Unresolved(t *testing.T) {
	c := normal(t, nil)
	l := &life{TB: t, p: made(t, base(t)), at: monday, c: approval.Case{ID: c.ID}}
	s := submission(c, monday)
	s.Contributors[1] = approval.Actor{Identity: "idp|bob"}
	l.do(l.p.Submit(c, s))
	if !slices.Equal(l.c.Seats(), []approval.Seat{cab, outside, owner}) {
		t.Fatal(l.c.Seats())
	}
	l.yes(carol, cab, outside).yes(dave, cab).yes(erin, owner)
	if l.c.Decision != approval.Pending {
		t.Fatal("one person in two seats")
	}
	l.yes(frank, outside)
	if l.c.Decision != approval.Authorized || len(l.c.Counted) != 4 {
		t.Fatal(l.c.Decision, l.c.Counted)
	}
	if got := codes(t, l.voteOf(approval.Actor{Identity: "idp|bob", Person: "p|b", Kind: change.Human}, approval.Approve, cab)); !slices.Contains(got, approval.IsContributor) {
		t.Error(got)
	}
	l.edit(alice, normal(t, map[string]any{"title": "b"}))
	if slices.Contains(l.c.Seats(), outside) || slices.Contains(l.c.Contributors, s.Contributors[1]) || !slices.Contains(l.c.Contributors, bob) {
		t.Error(l.c.Seats(), l.c.Contributors)
	}
}

// TestINV14OnePersonOneVote: two identities of one person are one vote, in one
// seat.
func TestINV14OnePersonOneVote(t *testing.T) {
	linked := carol
	linked.Identity = "pd|carol"
	l := born(t, normal(t, nil)).yes(carol, cab).yes(linked, cab, owner).yes(erin, owner)
	if l.c.Decision != approval.Pending || len(l.c.Votes) != 2 || l.c.Votes[0].By != linked {
		t.Fatalf("%s with %+v", l.c.Decision, l.c.Votes)
	}
	if l.yes(dave, cab); l.c.Decision != approval.Authorized || !slices.Equal(l.c.Counted, []string{"p|carol", "p|erin", "p|dave"}) {
		t.Error(l.c.Decision, l.c.Counted)
	}
}

// TestINV15LookAlikes: two voters whose names differ only in letter case are
// not counted both, and neither are two persons with one identity.
func TestINV15LookAlikes(t *testing.T) {
	for _, by := range []approval.Actor{
		{Identity: "idp|Carol", Person: "p|c2"}, {Identity: "x", Person: "P|CAROL"}, {Identity: "idp|carol", Person: "p|c2"},
		{Identity: "p|carol", Person: "p|c2"}, {Identity: "P|Carol", Person: "p|c2"}, {Identity: "x", Person: "idp|carol"},
	} {
		by.Kind = change.Human
		l := born(t, normal(t, nil)).yes(carol, cab)
		if got := codes(t, l.voteOf(by, approval.Approve, cab)); !slices.Equal(got, []approval.Refusal{approval.Ambiguous}) {
			t.Errorf("%v beside %v: %v", by, carol, got)
		}
	}
	l := born(t, normal(t, nil)).yes(carol, cab)
	upper := carol
	upper.Identity = "IDP|CAROL"
	if l.yes(upper, cab); len(l.c.Votes) != 1 {
		t.Error("one person by the directory is one person")
	}
}

// TestINV17Eligibility: a voter who no longer holds the seat, or of whom the
// directory says nothing, does not count; the vote stays.
func TestINV17Eligibility(t *testing.T) {
	for name, still := range map[string]map[string][]approval.Seat{
		"silent": nil, "none": {"p|carol": {}, "p|dave": {cab}}, "another seat": {"p|carol": {owner}, "p|dave": {cab}},
	} {
		l := born(t, normal(t, nil)).yes(carol, cab).yes(dave, cab)
		b := l.ballot(erin, approval.Approve, owner)
		b.Still = still
		l.do(l.c.Vote(b))
		if l.c.Decision != approval.Pending || len(l.c.Votes) != 3 {
			t.Errorf("%s: %s with %d votes", name, l.c.Decision, len(l.c.Votes))
		}
		before := l.c.Version
		if l.do(l.c.Vote(b)); l.c.Version != before {
			t.Errorf("%s: the same vote is recorded twice", name)
		}
		l.yes(erin, owner) // the directory answers again
		if l.c.Decision != approval.Authorized || len(l.c.Votes) != 3 || l.c.Version != before+1 {
			t.Errorf("%s: %s with %d votes", name, l.c.Decision, len(l.c.Votes))
		}
	}
}

// TestINV19Expiry: votes, requests and authorisations end, whether or not that
// was recorded, and the clock does not run backwards.
func TestINV19Expiry(t *testing.T) {
	l := born(t, normal(t, nil)).yes(carol, cab).wait(validity.Vote).yes(dave, cab).yes(erin, owner)
	if l.c.Decision != approval.Pending {
		t.Fatal("a vote that has expired counts")
	}
	if l.yes(carol, cab); l.c.Decision != approval.Authorized || !slices.Equal(l.c.Counted, []string{"p|dave", "p|erin", "p|carol"}) {
		t.Fatal(l.c.Decision, l.c.Counted)
	}
	if got := l.c.NotAfter; got != l.at.Add(validity.Use) {
		t.Error(got)
	}
	l.wait(validity.Use - 1)
	if err := l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(bob, team)); err != nil || l.c.Expire(l.at) != nil {
		t.Error(err)
	}
	l.wait(1)
	if got := codes(t, l.startOf("1", image, "prod/eu")); !slices.Equal(got, []approval.Refusal{approval.HasExpired}) {
		t.Error(got)
	}
	if l.do(l.c.Expire(l.at), nil); l.c.Decision != approval.Expired || l.c.Closed {
		t.Error(l.c.Decision)
	}
	pending := born(t, normal(t, nil)).wait(validity.Request - 1)
	if pending.c.Expire(pending.at) != nil || pending.c.Expire(monday.Add(-1)) != nil {
		t.Error("it lapses early")
	}
	if pending.wait(1); len(pending.c.Expire(pending.at)) != 1 {
		t.Error("it does not lapse")
	}
	in := born(t, normal(t, slot))
	if end := monday.Add(3 * time.Hour); in.c.NotAfter != end || in.approved().c.NotAfter != end {
		t.Error("it outlives its window")
	}
}

// TestINV20OneUse: each artifact is started on each target once, by whichever
// attempt; the same attempt has the same answer while it runs.
func TestINV20OneUse(t *testing.T) {
	l := born(t, normal(t, nil)).approved()
	l.start("1", image, "prod/eu")
	before := l.c.Version
	if l.start("1", image, "prod/eu"); l.c.Version != before {
		t.Error("the same attempt is recorded twice")
	}
	if err := l.wait(validity.Report-1).c.Gate(nil, attempt("1", image, "prod/eu"), l.gate(carol, team)); err != nil {
		t.Error("the same attempt has another answer:", err)
	}
	bare := born(t, normal(t, map[string]any{"artifacts": nil, "targets": nil})).approved()
	bare.start("1", bare.c.Digest, "").report("1", approval.Succeeded).validate(true)
	if !bare.c.Closed {
		t.Error("a change without artifacts and targets is its own, once")
	}
}

// TestC81Backout: the way back is open when nothing else is, for as long as an
// authorisation holds.
func TestC81Backout(t *testing.T) {
	night := func(name string, l *life) {
		t.Helper()
		l.wait(validity.Use - 1).p = nil
		closed, review := l.c.Closed, l.c.ReviewBy.IsZero()
		l.start("back", oldImage, "prod/eu")
		if run := l.c.Runs[len(l.c.Runs)-1]; !run.Backout || l.c.Closed != closed {
			t.Errorf("%s: %+v", name, run)
		}
		l.report("back", approval.Partial)
		if review && l.c.ReviewBy != l.at.Add(validity.Review) {
			t.Errorf("%s: no review is owed", name)
		}
		if got := codes(t, l.wait(1).startOf("again", oldImage, "prod/eu")); !slices.Equal(got, []approval.Refusal{approval.TooLate}) {
			t.Errorf("%s: for ever: %v", name, got)
		}
		l.wait(-1).start("again", oldImage, "prod/eu").report("again", approval.Succeeded)
		if closed || name == "while it runs" {
			return
		}
		if l.review(); !l.c.Closed {
			t.Errorf("%s: it is not closed", name)
		}
	}
	night("while it runs", born(t, normal(t, nil)).approved().start("1", image, "prod/eu"))
	night("after a failure", born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed))
	night("after the window", born(t, normal(t, slot)).approved().wait(2*time.Hour).start("1", image, "prod/eu").report("1", approval.RolledBack))
	closed := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", image, "prod/us").report("1", approval.Succeeded).report("2", approval.Succeeded).validate(true)
	if !closed.c.Closed {
		t.Fatal("it is not closed")
	}
	night("after its end", closed)
	if closed.review(); !closed.c.Closed || !closed.c.ReviewBy.IsZero() {
		t.Errorf("%+v", closed.c)
	}
	rolled := normal(t, map[string]any{"backout": map[string]any{"artifact": map[string]any{"name": "api", "digest": string(image)}}})
	if got := codes(t, born(t, rolled).approved().start("1", image, "prod/eu").startOf("2", image, "prod/eu")); !slices.Equal(got, []approval.Refusal{approval.AlreadyStarted}) {
		t.Error("an artifact that is rolled out is no way back:", got)
	}
}

// TestINV26FreezeAtStart: a freeze that has begun since asks for its seat.
func TestINV26FreezeAtStart(t *testing.T) {
	l := &life{TB: t, p: made(t, base(t)), at: time.Date(2026, 12, 14, 22, 0, 0, 0, time.UTC), c: approval.Case{ID: "CHG-1"}}
	l.do(l.p.Submit(normal(t, nil), submission(normal(t, nil), l.at))).approved()
	if err := l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(bob, team)); err != nil {
		t.Fatal(err)
	}
	l.wait(2 * time.Hour)
	events, err := l.c.Start(l.p, attempt("1", image, "prod/eu"), l.gate(bob, team))
	if !slices.Equal(codes(t, err), []approval.Refusal{approval.NeedsMore}) {
		t.Fatal(err)
	}
	l.do(events, nil).yes(carol, cab).yes(dave, cab).yes(erin, owner)
	if l.c.Decision != approval.Pending {
		t.Fatal(l.c.Ruling.Requirement)
	}
	l.yes(frank, approval.Seat{Role: "head-of-operations", Of: "payments-api"}).start("1", image, "prod/eu")
}

// TestINV27Emergency: a review is owed from the first start, whatever the
// policy says, and the seats stay.
func TestINV27Emergency(t *testing.T) {
	urgent := map[string]any{"emergency": map[string]any{"incident": "INC-1", "reason": "it is down"}}
	incident, oncall := approval.Seat{Role: "incident-manager", Of: "payments-api"}, approval.Seat{Role: "on-call", Of: "payments-api"}
	l := born(t, normal(t, urgent)).yes(carol, incident).yes(dave, oncall)
	if !l.c.ReviewBy.IsZero() || l.c.Decision != approval.Authorized {
		t.Fatalf("%+v", l.c)
	}
	if l.start("1", image, "prod/eu"); l.c.ReviewBy != time.Date(2026, 11, 26, 17, 30, 0, 0, time.UTC) {
		t.Error(l.c.ReviewBy)
	}
	l.report("1", approval.Succeeded).start("2", image, "prod/us").report("2", approval.Succeeded).validate(true)
	if l.c.Closed || !l.review().c.Closed {
		t.Error("it closes without a review")
	}
	silent := base(t)
	silent.Authority.Rules[3].Review = ""
	s := &life{TB: t, p: made(t, silent), at: monday, c: approval.Case{ID: "CHG-1"}}
	s.do(s.p.Submit(normal(t, urgent), submission(normal(t, urgent), monday)))
	if want := monday.Add(validity.Review); s.c.Ruling.ReviewBy != want {
		t.Error(s.c.Ruling.ReviewBy)
	}
}

// TestApplyLeavesItsReceiver: a case is a value.
func TestApplyLeavesItsReceiver(t *testing.T) {
	l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).review()
	var cases []approval.Case
	c := approval.Case{ID: l.c.ID}
	for _, e := range l.log {
		cases = append(cases, c)
		next, err := c.Apply(e)
		if err != nil {
			t.Fatal(err)
		}
		c = next
	}
	for i, before := range cases {
		again, err := approval.Fold(l.c.ID, l.log[:i])
		if err != nil || !reflect.DeepEqual(before, again) {
			t.Errorf("after %d events: %+v, expected %+v", i, before, again)
		}
	}
}
