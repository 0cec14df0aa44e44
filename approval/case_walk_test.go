package approval_test

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// lockstep is a random life beside its model.
type lockstep struct {
	random
	*testing.T
	policies []*approval.Policy
	bodies   []*change.Change // three of each service, then others
	c        approval.Case
	m        *model
	at       time.Time
	p        *approval.Policy
	seats    map[string][]approval.Seat // the directory, by person
	log      []approval.Stamped
	events   map[string]int
	refused  map[approval.Refusal]int
}

// walkers are those who act: alice and bob have a hand in each change, the
// directory does not know ghost, and one looks like carol.
var (
	linked  = approval.Actor{Identity: "pd|carol", Person: "p|carol", Kind: change.Human}
	shouted = approval.Actor{Identity: "idp|CAROL", Person: "p|other", Kind: change.Human}
	ghost   = approval.Actor{Identity: "idp|ghost", Kind: change.Human}
	robot   = approval.Actor{Identity: "ci|1", Person: "ci|1", Kind: change.Bot}
	heidi   = human("heidi") // of App Support; carries changes of the ledger out
	walkers = []approval.Actor{alice, bob, carol, carol, dave, dave, erin, erin, frank, frank, grace, linked, shouted, ghost, robot, heidi}
)

func walkPolicies(t *testing.T) []*approval.Policy {
	hard, edited := base(t), base(t)
	hard.Authority.Default[0].Quorum = 4
	hard.Authority.Rules[3].Needs = append(hard.Authority.Rules[3].Needs, approval.Need{Group: "security"})
	edited.Templates[0].Because = "it was edited"
	moved, gone := base(t), base(t)
	support := change.OpsRunIt()
	support.Validates = change.AppSupport
	moved.Services[0].Models = []change.Assignment{{Model: support, From: change.Date{Year: 2020, Month: 1, Day: 1}}}
	gone.Services = gone.Services[1:]
	gone.Services[2].Carries = gone.Services[2].Carries[1:]
	usual := made(t, base(t))
	return []*approval.Policy{usual, usual, usual, usual, usual, usual, made(t, hard), made(t, edited), made(t, moved), made(t, gone), nil}
}

func walkBodies(t *testing.T) (out []*change.Change) {
	small := func(with map[string]any) {
		tree := map[string]any{"id": "CHG-1", "kind": "config", "requester": map[string]any{"id": "idp|alice"}, "backout": backout,
			"contributors": []any{map[string]any{"id": "idp|bob", "as": "author"}}, "targets": []any{map[string]any{"name": "eu"}, map[string]any{"name": "us"}},
			"artifacts": []any{map[string]any{"name": "api", "digest": string(image)}}}
		if with["service"] == "ledger" {
			tree["contributors"] = append(tree["contributors"].([]any), map[string]any{"id": "idp|heidi", "as": "implementer"})
		}
		maps.Copy(tree, with)
		c, err := decodeTree(tree)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	both := []any{map[string]any{"name": "eu"}, map[string]any{"name": "us"}}
	later := map[string]any{"start": "2026-11-23T20:00:00Z", "end": "2026-11-25T20:00:00Z"}
	for _, service := range []string{"payments-api", "ledger"} {
		small(map[string]any{"service": service})
		small(map[string]any{"service": service, "window": later, "handover": handover})
		small(map[string]any{"service": service, "emergency": map[string]any{"incident": "INC-1", "reason": "it is down"}})
	}
	small(map[string]any{"service": "payments-api", "id": "CHG-2"})
	out = append(out, standard(t, map[string]any{"targets": both}), standard(t, map[string]any{"targets": both, "validation": nil}))
	far := map[string]any{"start": "2026-11-27T10:00:00Z", "end": "2026-11-29T10:00:00Z"} // after an authorisation without a window ends
	small(map[string]any{"service": "payments-api", "window": far, "handover": handover})
	small(map[string]any{"service": "ledger", "window": far, "handover": handover})
	return append(out, standard(t, map[string]any{"targets": both, "window": far}))
}

var modelSteps = flag.Int("case.steps", 100_000, "steps of TestModel")

// TestModel walks at random and holds each answer, and the whole case after
// it, to the model. It counts what it has seen, so that nothing goes untried.
func TestModel(t *testing.T) {
	steps := *modelSteps
	if testing.Short() {
		steps /= 4
	}
	w := &lockstep{random: newRandom(4711), T: t, policies: walkPolicies(t), bodies: walkBodies(t), events: map[string]int{}, refused: map[approval.Refusal]int{}}
	for lived := 0; lived < steps; {
		w.beginning()
		for n, over := 0, 0; n < 120 && over < 10; n++ {
			w.step()
			if w.check(); w.c.Closed || w.c.Decision > approval.Authorized || w.c.Decision == approval.Pending && !w.m.discovered && !w.at.Before(w.m.until) {
				over++
			}
			lived++
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(w.events)) {
		t.Logf("%7d %s", w.events[kind], kind)
	}
	if len(w.events) != 14 {
		t.Errorf("%d kinds of events", len(w.events))
	}
	for kind, n := range w.events {
		if n < steps/2500 {
			t.Errorf("%s happened %d times", kind, n)
		}
	}
	for code := approval.NotDecided; code <= approval.Unassessed; code++ {
		t.Logf("%7d refused as %v", w.refused[code], code)
		if w.refused[code] < steps/12000 {
			t.Errorf("refused as %v %d times", code, w.refused[code])
		}
	}
}

// who is a random actor, and the seats that the directory says.
func (w *lockstep) who() (approval.Actor, []approval.Seat) {
	a := oneOf(w.random, walkers...)
	return a, w.seats[a.Person]
}

// beginning is a case of a change, or a discovered one.
func (w *lockstep) beginning() {
	w.at, w.p, w.log, w.m, w.c = monday, w.policies[0], nil, &model{}, approval.Case{ID: "CHG-1"}
	w.directory()
	if w.chance(5) {
		w.m.discovered, w.m.owed, w.m.last = true, w.at.Add(validity.Review), w.at
		w.take(approval.Discover(approval.Deployment{ID: "d", Service: "payments-api", At: w.at}, bob, w.at, validity))
		return
	}
	i := oneOf(w.random, 0, 1, 1, 2, 3, 4, 4, 5, 7, 8, 8, 9, 10, 11)
	sub := w.submission(w.bodies[i])
	w.m.content(w.p, w.bodies[i], w.p.Classify(w.bodies[i], sub.Inputs), append(slices.Clone(sub.Contributors), sub.By), w.at)
	w.m.last = w.at
	w.take(w.p.Submit(w.bodies[i], sub))
}

func (w *lockstep) directory() {
	w.seats = map[string][]approval.Seat{"p|grace": {manager}}
	for _, of := range []string{"payments-api", "ledger"} {
		has := func(a approval.Actor, roles ...string) {
			for _, role := range roles {
				w.seats[a.Person] = append(w.seats[a.Person], roleOf(role, of))
			}
		}
		has(alice, approval.RoleTeamMember, "service-owner")
		has(bob, approval.RoleTeamMember, approval.RoleAppSupport)
		has(robot, approval.RoleTeamMember, approval.RoleAppSupport, "service-owner")
		has(carol, "incident-manager", approval.RoleOutsideTeam)
		has(heidi, approval.RoleAppSupport)
		has(dave, "on-call", "service-owner", "head-of-operations", approval.RoleAppSupport)
		has(erin, "service-owner", "incident-manager", approval.RoleOutsideTeam, approval.RoleTeamMember)
		has(frank, approval.RoleOutsideTeam, "on-call")
		has(shouted, "service-owner")
	}
	for _, a := range []approval.Actor{carol, dave, erin, frank, grace, shouted, robot} {
		w.seats[a.Person] = append(w.seats[a.Person], cab, approval.Seat{Group: "security"})
	}
}

func (w *lockstep) submission(c *change.Change) approval.Submission {
	s := submission(c, w.at)
	if s.By = oneOf(w.random, alice, alice, bob, robot); w.chance(10) {
		s.By = oneOf(w.random, walkers...)
	}
	s.Holds = w.seats[s.By.Person]
	if w.chance(10) && s.By != bob {
		s.Contributors[1] = approval.Actor{Identity: "idp|bob", Kind: change.Human}
	}
	return s
}

// step does one thing at random; more often what has a chance.
func (w *lockstep) step() {
	w.at = w.at.Add(oneOf(w.random, 0, 0, 0, time.Minute, time.Hour, 5*time.Hour, -time.Hour))
	if w.at.Before(w.m.last) && w.chance(80) {
		w.at = w.m.last
	}
	if w.chance(2) {
		w.at = w.at.Add(40 * time.Hour)
	}
	if w.chance(10) {
		w.p = oneOf(w.random, w.policies...)
	}
	if w.chance(3) {
		w.directory()
		for range w.IntN(3) {
			delete(w.seats, oneOf(w.random, walkers...).Person)
		}
	}
	act := oneOf(w.random, w.vote, w.start, w.vote, w.start, w.report, w.report, w.validate, w.conclude, w.withdraw, w.cancel, w.expire, w.edit)
	if w.m.decision == approval.Pending && w.chance(70) {
		act = w.vote
	}
	act()
}

func (w *lockstep) take(events []approval.Event, err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%v\n%s", err, w.history())
	}
	for _, e := range events {
		s := approval.Stamped{Occurred: w.at, Recorded: w.at, Event: e}
		next, err := w.c.Apply(s)
		if err != nil {
			w.Fatalf("%v\n%s", err, w.history())
		}
		w.c, w.log = next, append(w.log, s)
		w.events[fmt.Sprintf("%T", e)[len("approval."):]]++
	}
}

// answer compares a refusal, or its absence, with that of the model.
func (w *lockstep) answer(what string, want set, events []approval.Event, err error) {
	w.Helper()
	var refused *approval.Refused
	if err != nil && !errors.As(err, &refused) {
		w.Fatalf("%s: %v\n%s", what, err, w.history())
	}
	got := set{}
	for _, code := range codes(w, err) {
		got[code] = true
		w.refused[code]++
	}
	if !maps.Equal(got, want) {
		w.Fatalf("%s at %s: refused as %v (%v), expected %v\n%s", what, w.at, got, err, want, w.history())
	}
	w.take(events, nil)
}

func (w *lockstep) history() (out string) {
	for _, e := range w.log {
		text := ""
		switch v := e.Event.(type) {
		case approval.Submitted:
			text = fmt.Sprint(v.By.Identity, " ", v.Ruling.Requirement)
		case approval.Edited:
			text = fmt.Sprint(v.By.Identity, " ", v.Ruling.Requirement)
		case approval.Reclassified:
			text = fmt.Sprint(v.Ruling.Requirement)
		default:
			text = fmt.Sprintf("%+v", v)
		}
		out += fmt.Sprintf("%s %T %s\n", e.Occurred.Format(time.RFC3339), e.Event, text)
	}
	return out
}

func (w *lockstep) edit() {
	if w.chance(60) {
		return // there are enough of them
	}
	body := oneOf(w.random, w.bodies...)
	if w.m.body != nil && w.chance(70) {
		body = w.m.body
	}
	sub := w.submission(body)
	events, err := w.c.Edit(w.p, body, sub)
	w.answer("edit", w.m.edit(w.p, body, sub), events, err)
}

func (w *lockstep) vote() {
	by, held := w.who()
	b := approval.Ballot{By: by, Revision: w.c.Revision, Digest: w.c.Digest, Choice: approval.Approve, At: w.at, Holds: held, Still: w.seats, Validity: validity}
	if w.chance(3) {
		b.Choice = approval.Reject
	}
	if w.chance(3) {
		b.Revision += oneOf(w.random, 1, -1)
	} else if w.chance(3) {
		b.Digest = image
	}
	events, err := w.c.Vote(b)
	w.answer(fmt.Sprintf("%d of %v", b.Choice, by), w.m.vote(b), events, err)
}

func (w *lockstep) withdraw() {
	by, _ := w.who()
	events, err := w.c.Withdraw(by, w.at)
	w.answer("withdraw", w.m.withdraw(by, w.at), events, err)
}

func (w *lockstep) cancel() {
	if w.chance(80) {
		return
	}
	by, _ := w.who()
	events, err := w.c.Cancel(by, "", w.at)
	w.answer("cancel", w.m.cancel(by, w.at), events, err)
}

func (w *lockstep) expire() {
	w.m.expire(w.at)
	w.take(w.c.Expire(w.at), nil)
}

func (w *lockstep) start() {
	a := approval.Attempt{ID: fmt.Sprint("run-", w.IntN(6)), Artifact: oneOf(w.random, image, image, image, oldImage), Target: oneOf(w.random, targets...)}
	if w.chance(3) {
		a.Artifact = noImage
	}
	if w.chance(3) {
		a.Target = "asia"
	}
	in := approval.GateInputs{Inputs: approval.Inputs{At: w.at}, By: bob, Holds: w.seats[bob.Person], Validity: validity}
	if w.m.model.Deploys == change.AppSupport {
		in.By, in.Holds = heidi, w.seats[heidi.Person]
	}
	if w.chance(30) {
		in.By, in.Holds = w.who()
	}
	events, err := w.c.Start(w.p, a, in)
	if w.chance(10) {
		if asked := w.c.Gate(w.p, a, in); fmt.Sprint(asked) != fmt.Sprint(err) {
			w.Fatalf("gate says %v, start %v\n%s", asked, err, w.history())
		}
	}
	told := w.c.Again(a, w.at)
	want, again := w.m.start(w.p, a, in)
	if slices.ContainsFunc(w.c.Runs, func(r approval.Run) bool { return r.Attempt == a }) {
		rest := maps.Clone(want)
		delete(rest, approval.NotEntitled)
		delete(rest, approval.IsContributor)
		for _, code := range codes(w, told) {
			if !rest[code] {
				w.Fatalf("again: %v, expected %v\n%s", told, rest, w.history())
			}
			delete(rest, code)
		}
		if len(rest) > 0 {
			w.Fatalf("again: %v, expected also %v\n%s", told, rest, w.history())
		}
	} else if told == nil {
		w.Fatalf("again, and never before: %v\n%s", a, w.history())
	}
	if (len(want) > 0 && len(events) > 0) != again {
		w.Fatalf("start: %v with %v, expected again %t\n%s", events, err, again, w.history())
	}
	w.answer(fmt.Sprintf("start %v by %v", a, in.By), want, events, err)
}

func (w *lockstep) report() {
	r := approval.Reported{By: bob, Attempt: fmt.Sprint("run-", w.IntN(6)), Outcome: oneOf(w.random, approval.Succeeded, approval.Succeeded, approval.Succeeded, approval.Partial, approval.Failed, approval.RolledBack)}
	held := w.seats[bob.Person]
	if w.chance(20) {
		r.By, held = w.who()
	}
	if w.chance(10) {
		r.Note = "x"
	}
	if n := len(w.c.Runs); n > 0 && w.chance(60) {
		r.Attempt = w.c.Runs[n-1].ID
	}
	events, err := w.c.Report(r, held, w.at, validity)
	w.answer("report "+r.Attempt, w.m.report(r, held, w.at), events, err)
}

func (w *lockstep) validate() {
	v := approval.Validated{Passed: w.chance(85)}
	var held []approval.Seat
	v.By, held = w.who()
	events, err := w.c.Validate(v, held, w.at)
	w.answer("validate", w.m.validate(v, held, w.at), events, err)
}

func (w *lockstep) conclude() {
	r := approval.Reviewed{By: grace, Findings: "we learnt"}
	held := w.seats[grace.Person]
	if w.chance(40) {
		r.By, held = w.who()
	}
	last := w.c.Review
	events, err := w.c.Conclude(r, held, w.at)
	w.answer("conclude", w.m.conclude(r, last, held, w.at), events, err)
}

// check compares all that can be seen.
func (w *lockstep) check() {
	c, m := w.c, w.m
	same := c.Decision == m.decision && c.Closed == m.closed && c.Revision == m.revision && c.Digest == m.class.Change && c.Change == m.body &&
		c.ReviewBy.Equal(m.owed) && c.Last.Equal(m.last) && (c.Review != nil) == m.reviewed && (c.Validation == nil) == (m.check == nil)
	if m.decision <= approval.Authorized && !m.discovered {
		same = same && c.NotAfter.Equal(m.until)
	}
	same = same && (m.check == nil || m.check.Passed == c.Validation.Passed)
	same = same && slices.EqualFunc(c.Votes, m.votes, func(a, b approval.Vote) bool {
		return a.By == b.By && a.Choice == b.Choice && a.NotAfter.Equal(b.NotAfter) && sameSeats(a.Holds, b.Holds)
	})
	same = same && slices.EqualFunc(c.Runs, m.runs, func(a, b approval.Run) bool {
		return a.Attempt == b.Attempt && a.By == b.By && a.Backout == b.Backout && a.Outcome == b.Outcome && a.Note == b.Note
	})
	if !same {
		c.Ruling.Line, m.class = nil, approval.Classification{}
		w.Fatalf("at %s it is\n%+v\nexpected\n%+v\n%s", w.at, c, m, w.history())
	}
	if w.chance(1) {
		w.fold()
	}
}

// fold compares with the fold of all events, and the end of any case with what
// must hold of it.
func (w *lockstep) fold() {
	again, err := approval.Fold(w.c.ID, w.log)
	if err != nil || !reflect.DeepEqual(again, w.c) {
		w.Fatalf("the fold differs (%v)\n%s", err, w.history())
	}
}

func sameSeats(a, b []approval.Seat) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s approval.Seat) bool { return !slices.Contains(b, s) })
}

func alike(a, b approval.Actor) (equal, fold bool) {
	for _, x := range []string{a.Identity, a.Person} {
		for _, y := range []string{b.Identity, b.Person} {
			equal = equal || x == y && x != ""
			x, y := strings.ToLower(x), strings.ToLower(y)
			fold = fold || x == y && x != ""
		}
	}
	return equal, fold
}

func one(a, b approval.Actor) bool {
	if a.Person == "" || b.Person == "" {
		return a.Identity == b.Identity
	}
	return a.Person == b.Person
}
