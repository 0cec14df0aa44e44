package approval

import (
	"errors"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// Ballot is a vote to be cast.
type Ballot struct {
	By       Actor
	Revision int           // that the voter saw
	Digest   change.Digest // of its content
	Choice   Choice
	Comment  string
	At       time.Time
	Holds    []Seat            // those of [Case.Seats] that the voter holds now
	Still    map[string][]Seat // the same for whoever has voted before, by person: asked again, as roles end
	Validity Validity
}

// Vote casts a vote, and decides when the votes then add up. The same vote
// again is not recorded twice; it decides if the votes have come to add up
// since.
//
// One no of somebody who holds a seat rejects the change at once, whatever the
// others say: one forbid beats any permits. A yes counts while it is for the
// current revision, has not expired, and its voter still holds, by Still, the
// seat that was held then; one for whom Still has no answer is not counted, but
// the vote stays. Those that count must be able to take the seats of the
// requirement, each person one of them.
//
// It refuses, with [*Refused], what is decided or over, another revision or
// digest than the current one (OtherRevision), who is not a human (NotAPerson),
// is a contributor (IsContributor), looks like a contributor or another voter
// but for letter case (Ambiguous), is not resolved or holds no seat
// (NotEntitled), and a yes to what is not ready (NotReady, see [Case.Unready]).
func (c Case) Vote(b Ballot) ([]Event, error) {
	if b.Choice != Approve && b.Choice != Reject {
		return nil, errors.New("a vote is a yes or a no: give Choice as Approve or Reject")
	}
	if err := errors.Join(b.Validity.check(), checkText("the comment", b.Comment)); err != nil {
		return nil, err
	}
	at := utc(b.At)
	v := Vote{By: b.By, Revision: b.Revision, Digest: b.Digest, Choice: b.Choice, Holds: among(c.Seats(), b.Holds),
		Comment: b.Comment, At: at, NotAfter: at.Add(b.Validity.Vote)}
	why, again := c.behind(at), c.repeats(v)
	if again && c.Decision == Authorized && len(why) == 0 {
		return nil, nil
	}
	why = append(why, c.votable(v)...)
	for _, missing := range c.Unready() {
		if b.Choice == Approve {
			why.add(NotReady, "%s", missing)
		}
	}
	if len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	if again {
		return c.decide(nil, b)
	}
	return c.decide([]Event{Voted{v}}, b)
}

// repeats reports whether the vote stands already.
func (c Case) repeats(v Vote) bool {
	return slices.ContainsFunc(c.Votes, func(o Vote) bool {
		return o.By == v.By && o.Revision == v.Revision && o.Digest == v.Digest && o.Choice == v.Choice && o.Comment == v.Comment &&
			slices.Equal(o.Holds, v.Holds) && v.At.Before(o.NotAfter)
	})
}

// votable says why the case cannot have that vote.
func (c Case) votable(v Vote) reasons {
	why := c.over(v.At)
	if c.Change == nil {
		return why
	}
	if c.Decision == Authorized && len(why) == 0 {
		why.add(IsClosed, "it was authorised at %s, so the vote is over; to stop it, call it off", stamp(c.DecidedAt))
	}
	if v.Revision != c.Revision || v.Digest != c.Digest {
		why.add(OtherRevision, "the vote is for revision %d with the digest %.80q, and the current one is revision %d with %s; read that and vote again", v.Revision, v.Digest, c.Revision, c.Digest)
	}
	why = append(why, c.eligible(v.By)...)
	if len(v.Holds) == 0 {
		why.add(NotEntitled, "%.256s holds none of the seats that it needs: %s", v.By.Identity, inSeats(c.Seats()))
	}
	return why
}

// eligible says why somebody cannot vote on the case, whatever seats they hold.
func (c Case) eligible(by Actor) (why reasons) {
	if err := by.problem(); err != nil {
		why.add(NotEntitled, "%v", err)
		return why
	}
	if by.Kind != change.Human {
		why.add(NotAPerson, "%s is not known to be a human, and nobody else votes", by.Identity)
	}
	if by.Person == "" {
		why.add(NotEntitled, "the directory knows nobody by %s", by.Identity)
	}
	for _, a := range c.Contributors {
		switch {
		case a.shares(by):
			why.add(IsContributor, "%s had a hand in the change as %s, so somebody else must vote", by.Identity, a.Identity)
		case a.resembles(by):
			why.add(Ambiguous, "%s differs only in letter case from the contributor %s; the directory must keep the two apart", by.Identity, a.Identity)
		}
	}
	for _, v := range c.Votes {
		if v.By.Person != by.Person && v.By.resembles(by) {
			why.add(Ambiguous, "%s looks like %s, who has voted, and is another person; the directory must keep the two apart", by.Identity, v.By.Identity)
		}
	}
	return why
}

// decide gives the events with the decision that they lead to.
func (c Case) decide(events []Event, b Ballot) ([]Event, error) {
	next, err := c.after(b.At, events)
	if err != nil {
		return nil, err
	}
	if b.Choice == Reject {
		return c.then(b.At, append(events, Decided{Decision: Rejected}))
	}
	var voters []voter
	for _, v := range next.counting(utc(b.At)) {
		seats := v.Holds
		if v.By.Person != b.By.Person {
			seats = among(seats, b.Still[v.By.Person])
		}
		voters = append(voters, voter{v.By.Person, seats})
	}
	if counted, ok := fill(c.Ruling.Requirement, voters); ok {
		events = append(events, Decided{Authorized, counted, until(c.Ruling.Window, b.At.Add(b.Validity.Use))})
	}
	return c.then(b.At, events)
}

// counting lists the votes that can count towards a decision.
func (c Case) counting(at time.Time) []Vote {
	return slices.DeleteFunc(slices.Clone(c.Votes), func(v Vote) bool {
		return v.Choice != Approve || v.Revision != c.Revision || v.Digest != c.Digest || !at.Before(v.NotAfter) ||
			slices.ContainsFunc(c.Contributors, v.By.shares)
	})
}

// countedFill reports whether the votes of the persons who are said to have
// decided, in order of arrival, fill the requirement by the seats that were
// recorded with them.
func (c Case) countedFill(counted []string, votes []Vote) bool {
	var voters []voter
	var persons []string
	for _, v := range votes {
		if slices.Contains(counted, v.By.Person) {
			voters, persons = append(voters, voter{v.By.Person, v.Holds}), append(persons, v.By.Person)
		}
	}
	_, ok := fill(c.Ruling.Requirement, voters)
	return ok && slices.Equal(persons, counted)
}

// Withdraw takes a vote back before the decision: one's own, as the directory
// knows the person. A vote that has decided cannot be taken back (INV-21).
func (c Case) Withdraw(by Actor, at time.Time) ([]Event, error) {
	at = utc(at)
	if why := append(c.behind(at), c.withdrawable(by, at)...); len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	return c.then(at, []Event{Withdrawn{by}})
}

func (c Case) withdrawable(by Actor, at time.Time) reasons {
	why := c.over(at)
	if c.Decision == Authorized && len(why) == 0 {
		why.add(IsClosed, "it was authorised at %s, and a vote that has decided cannot be taken back", stamp(c.DecidedAt))
	}
	if by.Person == "" || by.problem() != nil || !slices.ContainsFunc(c.Votes, func(v Vote) bool { return v.By.Person == by.Person }) {
		why.add(NoVote, "%.256s has no vote on this revision to take back", by.Identity)
	}
	return why
}

// Cancel calls a request off: by one of its contributors, while it is not
// decided, or is authorised and nothing has been started under it.
func (c Case) Cancel(by Actor, reason string, at time.Time) ([]Event, error) {
	if err := checkText("the reason", reason); err != nil {
		return nil, err
	}
	at = utc(at)
	if why := append(c.behind(at), c.cancellable(by, at)...); len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	return c.then(at, []Event{CalledOff{by, reason}})
}

func (c Case) cancellable(by Actor, at time.Time) reasons {
	why := c.over(at)
	if len(c.Runs) > 0 {
		why.add(AlreadyStarted, "its deployment has been started; report how it ends, and it closes by itself")
	}
	if by.problem() != nil || !slices.ContainsFunc(c.Contributors, by.same) {
		why.add(NotEntitled, "%.256s has had no hand in the change; one of its contributors can call it off", by.Identity)
	}
	return why
}

// Expire lapses a request or an authorisation whose time is over; no events
// otherwise. One that has been used stays authorised, as does its way back: it
// is closed when nothing else is owed.
func (c Case) Expire(at time.Time) []Event {
	at = utc(at)
	if len(c.behind(at)) > 0 || len(c.lapsable(at)) > 0 {
		return nil
	}
	events, err := c.then(at, []Event{Lapsed{}})
	if err != nil {
		return nil // a record that ends in the middle of a decision: there is nothing to lapse
	}
	return events
}

func (c Case) lapsable(at time.Time) (why reasons) {
	switch {
	case c.Change == nil || c.Closed || c.Decision != Pending && c.Decision != Authorized:
		why.add(IsClosed, "it has nothing that could lapse")
	case at.Before(c.NotAfter):
		why.add(TooEarly, "it holds until %s", stamp(c.NotAfter))
	case len(c.Runs) > 0 && !c.finished(at):
		why.add(AlreadyStarted, "it has been used, and something is owed: an outcome, a validation or a review")
	}
	return why
}

// Unready lists, in sentences, what the case lacks for its operating model: a
// planned time where that takes a slot, and a handover where somebody else
// deploys than who has built it. An emergency does not wait for either.
func (c Case) Unready() []string {
	if c.Change == nil || c.Ruling.Type == change.Emergency {
		return nil
	}
	var out []string
	m := c.Ruling.Model
	if m.Slot && c.Change.Window == nil {
		out = append(out, "the operating model "+m.Name+" needs a planned time: give the change a window")
	}
	h := c.Change.Handover
	if m.Handover && m.Deploys != change.Owner && (h == nil || blank(h.Built) || blank(h.Why) || blank(h.Watch)) {
		out = append(out, "the operating model "+m.Name+" needs a handover: say what was built, why that way, and what to watch")
	}
	return out
}
