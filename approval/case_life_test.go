package approval_test

import (
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestLives follows whole lives from the request to the end.
func TestLives(t *testing.T) {
	for name, c := range map[string]struct {
		live func(t *testing.T) *life
		want []string
	}{
		"standard": {func(t *testing.T) *life {
			return born(t, standard(t, map[string]any{"targets": nil, "validation": nil})).start("1", image, "").report("1", approval.Succeeded)
		}, []string{"Submitted", "Decided", "Started", "Reported", "Closed"}},
		"normal": {func(t *testing.T) *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).start("2", image, "prod/us").
				report("2", approval.Succeeded).validate(true)
		}, []string{"Submitted", "Voted", "Voted", "Voted", "Decided", "Started", "Reported", "Started", "Reported", "Validated", "Closed"}},
		"failed, taken back and reviewed": {func(t *testing.T) *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).start("back", oldImage, "prod/eu").
				report("back", approval.Succeeded).review()
		}, []string{"Submitted", "Voted", "Voted", "Voted", "Decided", "Started", "Reported", "Started", "Reported", "Reviewed", "Closed"}},
		"used in part, and run out": {func(t *testing.T) *life {
			l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).validate(true).wait(validity.Use)
			return l.do(l.c.Expire(l.at), nil)
		}, []string{"Submitted", "Voted", "Voted", "Voted", "Decided", "Started", "Reported", "Validated", "Lapsed", "Closed"}},
		"a check that failed": {func(t *testing.T) *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).validate(false).review()
		}, []string{"Submitted", "Voted", "Voted", "Voted", "Decided", "Started", "Reported", "Validated", "Reviewed", "Closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := c.live(t)
			if got := l.kinds(0); !slices.Equal(got, c.want) || !l.c.Closed || l.c.Decision != approval.Authorized || l.c.ClosedAt != l.at {
				t.Errorf("%v, expected %v; %+v", got, c.want, l.c)
			}
		})
	}
}

// TestReviews: who may review, and what a review does not cover.
func TestReviews(t *testing.T) {
	l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded)
	if !slices.Equal(l.c.Reviewers(), []approval.Seat{manager, team}) {
		t.Error(l.c.Reviewers())
	}
	l.do(l.c.Conclude(approval.Reviewed{By: alice, Findings: "all well"}, []approval.Seat{team}, l.at))
	again := l.c.Version
	l.do(l.c.Conclude(approval.Reviewed{By: alice, Findings: "all well"}, nil, l.at))
	if l.c.Version != again {
		t.Error("the same review is recorded twice")
	}
	l.wait(time.Minute).report("1", approval.Failed)
	if l.c.Review != nil || l.c.ReviewBy != l.at.Add(validity.Review) || !slices.Equal(l.c.Reviewers(), []approval.Seat{manager}) {
		t.Errorf("a review from before the failure covers it: %+v", l.c)
	}
	checked := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).validate(true)
	if checked.start("2", image, "prod/us"); checked.c.Validation != nil {
		t.Error("a check covers what was started after it")
	}
	checked.report("2", approval.Succeeded).validate(true)
	due := checked.at.Add(time.Hour)
	checked.do(checked.c.Validate(approval.Validated{By: bob, ReviewBy: due}, []approval.Seat{team}, checked.at))
	if !checked.c.Closed || checked.c.Validation.Passed || checked.c.ReviewBy != due {
		t.Errorf("%+v", checked.c)
	}
	found := &life{TB: t, p: made(t, base(t)), at: monday, c: approval.Case{ID: "d"}}
	found.do(approval.Discover(approval.Deployment{ID: "d", Service: "payments-api", At: monday}, bob, monday, validity)).review()
	if !found.c.Closed || !found.c.ReviewBy.IsZero() || found.c.Decision != approval.Pending {
		t.Errorf("%+v", found.c)
	}
}

// TestOperations: what operations run takes a slot, a handover, and App
// Support (C14 to C16).
func TestOperations(t *testing.T) {
	l := born(t, ledger(t, map[string]any{"handover": handover, "window": slot["window"]}))
	support, of := approval.Seat{Role: approval.RoleAppSupport, Of: "ledger"}, approval.Seat{Role: "service-owner", Of: "ledger"}
	if l.c.Unready() != nil || !slices.Equal(l.c.Deployers(), []approval.Seat{support}) {
		t.Fatal(l.c.Unready(), l.c.Deployers())
	}
	l.yes(carol, cab).yes(dave, cab).yes(erin, of).wait(2 * time.Hour)
	l.p = made(t, base(t))
	if got := codes(t, l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(frank, approval.Seat{Role: approval.RoleTeamMember, Of: "ledger"}))); !slices.Equal(got, []approval.Refusal{approval.NotEntitled}) {
		t.Error(got)
	}
	bot := approval.Actor{Identity: "ci|1", Person: "ci|1", Kind: change.Bot}
	l.do(l.c.Start(l.p, attempt("1", image, "prod/eu"), l.gate(bot, support)))
	d := base(t)
	d.Services[1].Models[0].Model.Deploys = change.Owner
	own := &life{TB: t, p: made(t, d), at: monday, c: approval.Case{ID: "CHG-1"}}
	own.do(own.p.Submit(ledger(t, slot), submission(ledger(t, slot), monday)))
	if own.c.Unready() != nil || !slices.Equal(own.c.Deployers(), []approval.Seat{{Role: approval.RoleTeamMember, Of: "ledger"}}) {
		t.Error("whoever has built it needs no handover:", own.c.Unready(), own.c.Deployers())
	}
	urgent := born(t, ledger(t, map[string]any{"emergency": map[string]any{"incident": "I", "reason": "r"}}))
	if urgent.c.Unready() != nil {
		t.Error("an emergency waits for", urgent.c.Unready())
	}
}
