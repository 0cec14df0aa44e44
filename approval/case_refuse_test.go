package approval_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// slot is a window of an hour, from 12:00 on monday.
var slot = map[string]any{"window": map[string]any{"start": "2026-11-23T12:00:00Z", "end": "2026-11-23T13:00:00Z"}}

var handover = map[string]any{"built": "a", "why": "b", "watch": "c"}

// ledger is a change of a service that operations run.
func ledger(tb testing.TB, with map[string]any) *change.Change {
	with = maps.Clone(with)
	if with == nil {
		with = map[string]any{}
	}
	with["service"] = "ledger"
	return normal(tb, with)
}

func err2(_ []approval.Event, err error) error { return err }

func (l *life) voteOf(who approval.Actor, choice approval.Choice, holds ...approval.Seat) error {
	return err2(l.c.Vote(l.ballot(who, choice, holds...)))
}

func (l *life) startOf(id string, artifact change.Digest, target string) error {
	return err2(l.c.Start(l.p, attempt(id, artifact, target), l.gate(bob, team)))
}

// ends are the cases that nothing can be decided about, and why.
var ends = map[string]struct {
	life func(t *testing.T) *life
	code approval.Refusal
}{
	"no case": {func(t *testing.T) *life { return &life{TB: t, p: made(t, base(t)), at: monday} }, approval.Unauthorized},
	"discovered": {func(t *testing.T) *life {
		l := &life{TB: t, p: made(t, base(t)), at: monday}
		l.c.ID = "d-1"
		return l.do(approval.Discover(approval.Deployment{ID: "d-1", Service: "payments-api", At: monday}, bob, monday, validity))
	}, approval.Unauthorized},
	"rejected": {func(t *testing.T) *life {
		l := born(t, normal(t, nil))
		return l.do(l.c.Vote(l.ballot(carol, approval.Reject, cab)))
	}, approval.WasRejected},
	"cancelled": {func(t *testing.T) *life {
		l := born(t, normal(t, nil))
		return l.do(l.c.Cancel(bob, "not wanted", l.at))
	}, approval.WasCancelled},
	"lapsed": {func(t *testing.T) *life {
		l := born(t, normal(t, nil)).wait(validity.Request)
		return l.do(l.c.Expire(l.at), nil)
	}, approval.HasExpired},
	"run out": {func(t *testing.T) *life { return born(t, normal(t, nil)).wait(validity.Request) }, approval.HasExpired},
	"authorisation run out": {func(t *testing.T) *life {
		return born(t, normal(t, nil)).approved().wait(validity.Use)
	}, approval.HasExpired},
	"closed": {func(t *testing.T) *life {
		return born(t, standard(t, map[string]any{"targets": nil, "validation": nil})).start("1", image, "").report("1", approval.Succeeded)
	}, approval.IsClosed},
}

// TestINV21Terminal: what is over stays over, and says so to each command.
func TestINV21Terminal(t *testing.T) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			l := end.life(t)
			other := normal(t, map[string]any{"title": "another"})
			for command, err := range map[string]error{
				"edit":     err2(l.c.Edit(l.p, other, submission(other, l.at))),
				"yes":      l.voteOf(frank, approval.Approve, cab),
				"no":       l.voteOf(frank, approval.Reject, cab),
				"withdraw": err2(l.c.Withdraw(carol, l.at)),
				"cancel":   err2(l.c.Cancel(alice, "", l.at)),
				"gate":     l.c.Gate(l.p, attempt("9", image, "prod/eu"), l.gate(bob, team)),
				"start":    l.startOf("9", image, "prod/eu"),
			} {
				if got := codes(t, err); len(got) == 0 || got[0] != end.code {
					t.Errorf("%s: %v, expected first %s", command, err, end.code)
				}
			}
			if l.c.Version == 0 || l.c.Closed || l.c.Discovered != nil || name == "run out" || name == "authorisation run out" {
				return
			}
			if events := l.c.Expire(l.at.Add(1000 * time.Hour)); events != nil {
				t.Errorf("it lapses again: %v", events)
			}
		})
	}
}

type refusal struct {
	try     func(t *testing.T) error
	want    []approval.Refusal
	waiting bool
}

// refusals is each reason at least once, where nothing else is in the way.
var refusals = map[string]refusal{
	"a clock that runs behind": {func(t *testing.T) error {
		return born(t, normal(t, nil)).wait(-time.Nanosecond).voteOf(carol, approval.Approve, cab)
	}, []approval.Refusal{approval.ClockBehind}, true},
	"a vote by a bot": {func(t *testing.T) error {
		bot := carol
		bot.Kind = change.Bot
		return born(t, normal(t, nil)).voteOf(bot, approval.Approve, cab)
	}, []approval.Refusal{approval.NotAPerson}, false},
	"a vote by nobody knows what": {func(t *testing.T) error {
		bot := carol
		bot.Kind = 0
		return born(t, normal(t, nil)).voteOf(bot, approval.Reject, cab)
	}, []approval.Refusal{approval.NotAPerson}, false},
	"a vote by somebody unknown": {func(t *testing.T) error {
		return born(t, normal(t, nil)).voteOf(approval.Actor{Identity: "idp|x", Kind: change.Human}, approval.Approve, cab)
	}, []approval.Refusal{approval.NotEntitled}, false},
	"a vote without a seat": {func(t *testing.T) error {
		return born(t, normal(t, nil)).voteOf(carol, approval.Reject, team, manager)
	}, []approval.Refusal{approval.NotEntitled}, false},
	"a vote with a seat of another service": {func(t *testing.T) error {
		return born(t, normal(t, nil)).voteOf(carol, approval.Approve, approval.Seat{Role: "service-owner", Of: "ledger"})
	}, []approval.Refusal{approval.NotEntitled}, false},
	"a vote by an identity with a space": {func(t *testing.T) error {
		return born(t, normal(t, nil)).voteOf(approval.Actor{Identity: "idp|carol ", Person: "p|carol", Kind: change.Human}, approval.Approve, cab)
	}, []approval.Refusal{approval.NotEntitled}, false},
	"a vote for another revision": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		b := l.ballot(carol, approval.Approve, cab)
		b.Revision++
		return err2(l.c.Vote(b))
	}, []approval.Refusal{approval.OtherRevision}, false},
	"a vote for another digest": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		b := l.ballot(carol, approval.Reject, cab)
		b.Digest = image
		return err2(l.c.Vote(b))
	}, []approval.Refusal{approval.OtherRevision}, false},
	"a vote after the decision": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().voteOf(frank, approval.Reject, cab)
	}, []approval.Refusal{approval.IsClosed}, false},
	"a yes without a slot and a handover": {func(t *testing.T) error {
		return born(t, ledger(t, nil)).voteOf(carol, approval.Approve, cab)
	}, []approval.Refusal{approval.NotReady}, false},
	"a yes with half a handover": {func(t *testing.T) error {
		return born(t, ledger(t, map[string]any{"window": slot["window"], "handover": map[string]any{"built": "a", "why": "b", "watch": " "}})).voteOf(carol, approval.Approve, cab)
	}, []approval.Refusal{approval.NotReady}, false},
	"nothing to withdraw": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).yes(carol, cab)
		return err2(l.c.Withdraw(dave, l.at))
	}, []approval.Refusal{approval.NoVote}, false},
	"a withdrawal by an unknown": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).yes(carol, cab)
		return err2(l.c.Withdraw(approval.Actor{Identity: carol.Identity}, l.at))
	}, []approval.Refusal{approval.NoVote}, false},
	"a withdrawal after the decision": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return err2(l.c.Withdraw(carol, l.at))
	}, []approval.Refusal{approval.IsClosed}, false},
	"called off by somebody else": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		return err2(l.c.Cancel(carol, "", l.at))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"called off after a start": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return err2(l.c.Cancel(alice, "", l.at))
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"edited after a start": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return err2(l.c.Edit(l.p, l.c.Change, submission(l.c.Change, l.at)))
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"edited into another request": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		other := normal(t, map[string]any{"id": "CHG-2"})
		return err2(l.c.Edit(l.p, other, submission(other, l.at)))
	}, []approval.Refusal{approval.OtherContent}, false},
	"edited for another service": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		return err2(l.c.Edit(l.p, ledger(t, nil), submission(ledger(t, nil), l.at)))
	}, []approval.Refusal{approval.OtherContent}, false},
	"edited with nothing": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		return err2(l.c.Edit(l.p, nil, submission(nil, l.at)))
	}, []approval.Refusal{approval.Unassessed}, false},
	"submitted without a policy": {func(t *testing.T) error {
		return err2((*approval.Policy)(nil).Submit(normal(t, nil), submission(normal(t, nil), monday)))
	}, []approval.Refusal{approval.Unassessed}, false},
	"submitted without a time": {func(t *testing.T) error {
		return err2(made(t, base(t)).Submit(normal(t, nil), submission(normal(t, nil), time.Time{})))
	}, []approval.Refusal{approval.Unassessed}, false},
	"submitted by a look-alike": {func(t *testing.T) error {
		s := submission(normal(t, nil), monday)
		s.By.Identity = "idp|\u0430lice"
		return err2(made(t, base(t)).Submit(normal(t, nil), s))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"submitted after its window": {func(t *testing.T) error {
		return err2(made(t, base(t)).Submit(normal(t, slot), submission(normal(t, slot), monday.Add(3*time.Hour))))
	}, []approval.Refusal{approval.TooLate}, false},
	"started before the votes": {func(t *testing.T) error {
		return born(t, normal(t, nil)).yes(carol, cab).startOf("1", image, "prod/eu")
	}, []approval.Refusal{approval.NotDecided}, true},
	"taken back before the votes": {func(t *testing.T) error {
		return born(t, normal(t, nil)).startOf("1", oldImage, "prod/eu")
	}, []approval.Refusal{approval.NotDecided}, true},
	"taken back after a no": {func(t *testing.T) error {
		l := born(t, normal(t, nil))
		return l.do(l.c.Vote(l.ballot(carol, approval.Reject, cab))).startOf("1", oldImage, "prod/eu")
	}, []approval.Refusal{approval.WasRejected}, false},
	"started early": {func(t *testing.T) error {
		return born(t, normal(t, slot)).approved().startOf("1", image, "prod/eu")
	}, []approval.Refusal{approval.TooEarly}, true},
	"started late": {func(t *testing.T) error {
		return born(t, normal(t, slot)).approved().wait(3*time.Hour).startOf("1", image, "prod/eu")
	}, []approval.Refusal{approval.HasExpired, approval.TooLate}, false},
	"started with another artifact": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().startOf("1", noImage, "prod/eu")
	}, []approval.Refusal{approval.OtherArtifact}, false},
	"started with the digest of the change": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return l.startOf("1", l.c.Digest, "prod/eu")
	}, []approval.Refusal{approval.OtherArtifact}, false},
	"started on another target": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().startOf("1", image, "prod/EU")
	}, []approval.Refusal{approval.OtherTarget}, false},
	"started on no target":  {func(t *testing.T) error { return born(t, normal(t, nil)).approved().startOf("1", image, "") }, []approval.Refusal{approval.OtherTarget}, false},
	"started without an id": {func(t *testing.T) error { return born(t, normal(t, nil)).approved().startOf("", image, "prod/eu") }, []approval.Refusal{approval.OtherAttempt}, false},
	"started twice": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").startOf("2", image, "prod/eu")
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"run again under its id": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).startOf("1", image, "prod/eu")
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"the same attempt by an outsider": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(carol, cab))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"one id for two": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").startOf("1", image, "prod/us")
	}, []approval.Refusal{approval.OtherAttempt}, false},
	"after a failure": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).startOf("2", image, "prod/us")
	}, []approval.Refusal{approval.WentWrong}, false},
	"after a failed check": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).validate(false).startOf("2", image, "prod/us")
	}, []approval.Refusal{approval.WentWrong}, false},
	"after the way back": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", oldImage, "prod/eu").startOf("3", image, "prod/us")
	}, []approval.Refusal{approval.WentWrong}, false},
	"the way back from nothing": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").startOf("2", oldImage, "prod/us")
	}, []approval.Refusal{approval.NothingStarted}, false},
	"the way back on another target": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").startOf("2", oldImage, "prod/asia")
	}, []approval.Refusal{approval.OtherTarget, approval.NothingStarted}, false},
	"the way back twice": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", oldImage, "prod/eu").startOf("3", oldImage, "prod/eu")
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"the way back after it worked": {func(t *testing.T) error {
		return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", oldImage, "prod/eu").report("2", approval.Failed).
			start("3", oldImage, "prod/eu").report("3", approval.Succeeded).startOf("4", oldImage, "prod/eu")
	}, []approval.Refusal{approval.AlreadyStarted}, false},
	"the way back by an outsider": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return l.c.Gate(l.p, attempt("2", oldImage, "prod/eu"), l.gate(carol, cab))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"deployed by an outsider": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(carol, cab))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"deployed by an unknown": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return l.c.Gate(l.p, attempt("1", image, "prod/eu"), l.gate(approval.Actor{Identity: bob.Identity}, team))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"deployed without a policy": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return l.c.Gate(nil, attempt("1", image, "prod/eu"), l.gate(bob, team))
	}, []approval.Refusal{approval.Unassessed}, false},
	"more is asked for": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return l.c.Gate(fiercer(t), attempt("1", image, "prod/eu"), l.gate(bob, team))
	}, []approval.Refusal{approval.NeedsMore}, true},
	"reported without a start": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved()
		return err2(l.c.Report(approval.Reported{By: bob, Attempt: "1", Outcome: approval.Failed}, nil, l.at, validity))
	}, []approval.Refusal{approval.NothingStarted}, false},
	"reported by an outsider": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return err2(l.c.Report(approval.Reported{By: carol, Attempt: "1", Outcome: approval.Failed}, []approval.Seat{cab}, l.at, validity))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"reported as better": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Partial)
		return err2(l.c.Report(approval.Reported{By: bob, Attempt: "1", Outcome: approval.Succeeded}, nil, l.at, validity))
	}, []approval.Refusal{approval.OtherAttempt}, false},
	"reported in other words": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Partial)
		return err2(l.c.Report(approval.Reported{By: bob, Attempt: "1", Outcome: approval.Partial, Note: "half"}, nil, l.at, validity))
	}, []approval.Refusal{approval.OtherAttempt}, false},
	"validated too soon": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return err2(l.c.Validate(approval.Validated{By: bob, Passed: true}, []approval.Seat{team}, l.at))
	}, []approval.Refusal{approval.NothingStarted}, false},
	"validated by an outsider": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded)
		return err2(l.c.Validate(approval.Validated{By: carol, Passed: true}, []approval.Seat{cab}, l.at))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"validated as better": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).validate(false)
		return err2(l.c.Validate(approval.Validated{By: bob, Passed: true}, []approval.Seat{team}, l.at))
	}, []approval.Refusal{approval.OtherAttempt}, false},
	"reviewed too soon": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
		return err2(l.c.Conclude(approval.Reviewed{By: grace, Findings: "x"}, []approval.Seat{manager}, l.at))
	}, []approval.Refusal{approval.NothingStarted}, false},
	"reviewed by a bot": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed)
		bot := grace
		bot.Kind = change.Bot
		return err2(l.c.Conclude(approval.Reviewed{By: bot, Findings: "x"}, []approval.Seat{manager}, l.at))
	}, []approval.Refusal{approval.NotAPerson}, false},
	"reviewed by nobody knows what": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed)
		some := grace
		some.Kind = 0
		return err2(l.c.Conclude(approval.Reviewed{By: some, Findings: "x"}, []approval.Seat{manager}, l.at))
	}, []approval.Refusal{approval.NotAPerson}, false},
	"an owed review by the team": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed)
		return err2(l.c.Conclude(approval.Reviewed{By: frank, Findings: "x"}, []approval.Seat{team}, l.at))
	}, []approval.Refusal{approval.NotEntitled}, false},
	"reviewed twice": {func(t *testing.T) error {
		l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).review()
		return err2(l.c.Conclude(approval.Reviewed{By: grace, Findings: "x"}, []approval.Seat{manager}, l.at))
	}, []approval.Refusal{approval.OtherAttempt}, false},
	"everything at once": {func(t *testing.T) error {
		l := born(t, normal(t, slot)).approved().wait(-time.Hour)
		return l.c.Gate(fiercer(t), attempt("", noImage, "x"), l.gate(carol))
	}, []approval.Refusal{approval.ClockBehind, approval.TooEarly, approval.OtherArtifact, approval.OtherTarget, approval.OtherAttempt, approval.NotEntitled, approval.NeedsMore}, false},
}

// fiercer is the policy with one more of the CAB in each normal change.
func fiercer(tb testing.TB) *approval.Policy {
	d := base(tb)
	d.Authority.Rules[0].Needs[0].Quorum = 3
	return made(tb, d)
}

func TestRefusals(t *testing.T) {
	seen := map[approval.Refusal]bool{approval.WasCancelled: true, approval.Unauthorized: true} // see TestINV21Terminal
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			err := r.try(t)
			got := codes(t, err)
			if !slices.Equal(got, r.want) {
				t.Fatalf("%v (%v), expected %v", got, err, r.want)
			}
			var refused *approval.Refused
			if errors.As(err, &refused); refused.Waiting != r.waiting {
				t.Errorf("waiting is %t: %v", refused.Waiting, err)
			}
			for _, reason := range refused.Reasons {
				seen[reason.Code] = true
				if reason.Text == "" || strings.HasSuffix(reason.Text, ".") || strings.Contains(reason.Text, "%!") || !refused.Has(reason.Code) || !strings.Contains(err.Error(), reason.Text) {
					t.Errorf("%q is no sentence of %q", reason.Text, err)
				}
			}
		})
	}
	for code := approval.NotDecided; code <= approval.Unassessed; code++ {
		if !seen[code] && code != approval.IsContributor && code != approval.Ambiguous { // see TestINV13SelfApproval
			t.Errorf("nothing is refused as %s", code)
		}
	}
}

// TestCallFaults are errors that no refusal is made of: the caller is wrong.
func TestCallFaults(t *testing.T) {
	c := normal(t, nil)
	l := born(t, c)
	used := born(t, c).approved().start("1", image, "prod/eu").report("1", approval.Succeeded)
	for want, err := range map[string]error{
		"Validity.Request": err2(l.p.Submit(c, approval.Submission{By: alice, Inputs: at})),
		"among the contributors": func() error {
			s := submission(c, monday)
			s.Contributors = s.Contributors[:1]
			return err2(l.p.Submit(c, s))
		}(),
		"as two persons": func() error {
			s := submission(c, monday)
			s.Contributors = append(s.Contributors, approval.Actor{Identity: "idp|bob", Person: "p|robert"})
			return err2(l.p.Submit(c, s))
		}(),
		"which is not an identity": func() error {
			s := submission(c, monday)
			s.Contributors[1].Person = "Bob Smith"
			return err2(l.p.Submit(c, s))
		}(),
		"a yes or a no": l.voteOf(carol, 0, cab),
		"control character": func() error {
			b := l.ballot(carol, approval.Approve, cab)
			b.Comment = "\x1b[2J"
			return err2(l.c.Vote(b))
		}(),
		"Validity.Use": func() error {
			b := l.ballot(carol, approval.Approve, cab)
			b.Validity.Use = 0
			return err2(l.c.Vote(b))
		}(),
		"not UTF-8":              err2(l.c.Cancel(alice, "\xff", l.at)),
		"at most 4096":           err2(used.c.Validate(approval.Validated{By: bob, Note: strings.Repeat("x", 4097)}, []approval.Seat{team}, l.at)),
		"one of succeeded":       err2(used.c.Report(approval.Reported{By: bob, Attempt: "1"}, nil, l.at, validity)),
		"Validity.Review":        err2(used.c.Report(approval.Reported{By: bob, Attempt: "1"}, nil, l.at, approval.Validity{Request: 1, Vote: 1, Use: 1, Report: 1})),
		"has findings":           err2(used.c.Conclude(approval.Reviewed{By: grace, Findings: " \n"}, []approval.Seat{manager}, l.at)),
		"the id of a deployment": err2(approval.Discover(approval.Deployment{At: monday}, bob, monday, validity)),
		"a time before now":      err2(approval.Discover(approval.Deployment{ID: "1", At: monday.Add(1)}, bob, monday, validity)),
		"is not a digest":        err2(approval.Discover(approval.Deployment{ID: "1", At: monday, Artifact: "latest"}, bob, monday, validity)),
		"Validity.Vote":          err2(approval.Discover(approval.Deployment{ID: "1", At: monday}, bob, monday, approval.Validity{Request: 1})),
		"Validity.Report":        err2(used.c.Start(used.p, attempt("2", image, "prod/us"), approval.GateInputs{Validity: approval.Validity{Request: 1, Vote: 1, Use: 1}})),
	} {
		var refused *approval.Refused
		if err == nil || errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected an error with %q", err, want)
		}
	}
}

// TestINV46NoPanic: a case that was put together by hand gives refusals, or
// errors, and never less.
func TestINV46NoPanic(t *testing.T) {
	p, whole := made(t, base(t)), record(t).c
	hollow := approval.Case{ID: "x", Version: 1, Change: &change.Change{}, Decision: approval.Authorized, NotAfter: monday.Add(time.Hour)}
	odd, empty := whole, hollow
	odd.Closed, odd.Runs, odd.Ruling.Requirement = false, nil, approval.All{nil, (*approval.Seat)(nil)}
	empty.Decision = 9
	for i, c := range []approval.Case{{}, hollow, odd, empty, {Version: 1}, {Version: 1, Decision: approval.Authorized, Change: whole.Change}} {
		for _, policy := range []*approval.Policy{nil, p} {
			for _, a := range []approval.Attempt{{}, attempt("9", image, "prod/eu"), attempt("9", oldImage, "prod/eu")} {
				in := approval.GateInputs{Inputs: approval.Inputs{At: monday}, By: bob, Holds: []approval.Seat{team}, Validity: validity}
				events, err := c.Start(policy, a, in)
				if c.Gate(policy, a, in) == nil || err == nil || events != nil {
					t.Errorf("case %d starts %v: %v", i, a, events)
				}
			}
			for _, with := range []*change.Change{nil, {}, whole.Change} {
				if events, err := c.Edit(policy, with, approval.Submission{Inputs: at, Validity: validity}); err == nil {
					t.Errorf("case %d is edited: %v", i, events)
				}
			}
		}
		ballot := approval.Ballot{By: carol, Choice: approval.Approve, At: monday, Validity: validity, Holds: []approval.Seat{cab}}
		for command, err := range map[string]error{
			"vote": err2(c.Vote(ballot)), "withdraw": err2(c.Withdraw(carol, monday)), "cancel": err2(c.Cancel(carol, "", monday)),
			"report":   err2(c.Report(approval.Reported{By: bob, Outcome: approval.Failed}, nil, monday, validity)),
			"validate": err2(c.Validate(approval.Validated{By: bob}, []approval.Seat{team}, monday)),
			"conclude": err2(c.Conclude(approval.Reviewed{By: grace, Findings: "x"}, []approval.Seat{manager}, monday)),
		} {
			if err == nil {
				t.Errorf("case %d takes a %s", i, command)
			}
		}
		c.Expire(monday.Add(1000 * time.Hour))
	}
}
