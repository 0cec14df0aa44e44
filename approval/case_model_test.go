package approval_test

import (
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// model is what a case should be, kept naively: as sets and lists that are
// scanned, without events. It borrows the classification, the operating model
// in force and the order of requirements, which other tests hold to oracles of
// their own.
type model struct {
	discovered, closed, reviewed bool
	body                         *change.Change
	class                        approval.Classification
	kind                         change.Type // as ruled
	model                        change.OperatingModel
	needs                        approval.Requirement
	deploys, validates           []approval.Seat
	hands                        []approval.Actor
	revision                     int
	votes                        []approval.Vote
	decision                     approval.Decision
	until, owed, last            time.Time
	review                       time.Time // owed from the first start
	runs                         []approval.Run
	check                        *approval.Validated
}

// set is a set of refusals.
type set map[approval.Refusal]bool

func (s set) when(holds bool, code approval.Refusal) {
	if holds {
		s[code] = true
	}
}

func roleOf(role, service string) approval.Seat { return approval.Seat{Role: role, Of: service} }

// content takes the content over, undecided or by its template.
func (m *model) content(p *approval.Policy, body *change.Change, class approval.Classification, given []approval.Actor, at time.Time) {
	for _, g := range given {
		m.hands = slices.DeleteFunc(m.hands, func(h approval.Actor) bool { return h.Identity == g.Identity && h.Person == "" })
		if !slices.Contains(m.hands, g) {
			m.hands = append(m.hands, g)
		}
	}
	m.body = body
	m.revision++
	m.rule(p, class, class.Type, class.Requirement, at)
}

func (m *model) rule(p *approval.Policy, class approval.Classification, kind change.Type, needs approval.Requirement, at time.Time) {
	m.class, m.kind, m.votes, m.decision = class, kind, nil, approval.Pending
	m.until = m.cap(at.Add(validity.Request))
	m.review = class.ReviewBy
	if m.needs = m.scrutinised(kind, needs, m.hands); kind == change.Standard {
		m.decision, m.until = approval.Authorized, m.cap(at.Add(validity.Use))
	}
	now, _ := p.ModelFor(m.body.Service, m.body.Kind, at)
	m.model = now.Model
	m.deploys, m.validates = m.party(m.model.Deploys), m.party(m.model.Validates)
}

func (m *model) scrutinised(kind change.Type, needs approval.Requirement, hands []approval.Actor) approval.Requirement {
	if kind == change.Standard || !slices.ContainsFunc(hands, func(a approval.Actor) bool { return a.Person == "" }) {
		return needs
	}
	seat := roleOf(approval.RoleOutsideTeam, m.body.Service)
	seat.Quorum = 1
	return approval.All{needs, seat}
}

func (m *model) party(p change.Party) (out []approval.Seat) {
	if p == change.Owner || p == change.Either {
		out = append(out, roleOf(approval.RoleTeamMember, m.body.Service))
	}
	if p == change.AppSupport || p == change.Either {
		out = append(out, roleOf(approval.RoleAppSupport, m.body.Service))
	}
	return out
}

func (m *model) cap(t time.Time) time.Time {
	if w := m.body.Window; w != nil {
		return w.End
	}
	return t
}

// hand reports whether somebody had a hand in the change, at least as more than
// one who carries it out.
func (m *model) hand(by approval.Actor, implementing bool) bool {
	return slices.ContainsFunc(m.hands, func(h approval.Actor) bool {
		equal, _ := alike(h, by)
		return equal && (implementing || h.Identity != heidi.Identity || !slices.Contains(m.body.Contributors, change.Contributor{ID: h.Identity, As: change.Implementer}))
	})
}

// over is why nothing can be decided.
func (m *model) over(s set, at time.Time) {
	switch {
	case m.discovered:
		s[approval.Unauthorized] = true
	case m.decision == approval.Rejected:
		s[approval.WasRejected] = true
	case m.decision == approval.Cancelled:
		s[approval.WasCancelled] = true
	case m.closed:
		s[approval.IsClosed] = true
	case m.decision == approval.Expired || !at.Before(m.until):
		s[approval.HasExpired] = true
	}
}

func (m *model) begin(at time.Time) set {
	s := set{}
	s.when(at.Before(m.last), approval.ClockBehind)
	return s
}

func (m *model) edit(p *approval.Policy, body *change.Change, sub approval.Submission) set {
	at := sub.Inputs.At
	s := m.begin(at)
	m.over(s, at)
	s.when(len(m.runs) > 0, approval.AlreadyStarted)
	s.when(!m.discovered && (body.ID != m.body.ID || body.Service != m.body.Service), approval.OtherContent)
	mine := slices.ContainsFunc(m.hands, func(h approval.Actor) bool { return one(h, sub.By) })
	s.when(!m.discovered && (sub.By.Person == "" || !mine && !slices.Contains(sub.Holds, roleOf(approval.RoleTeamMember, m.body.Service))), approval.NotEntitled)
	if len(s) > 0 {
		return s
	}
	class := p.Classify(body, sub.Inputs)
	if s.when(class.Err != nil, approval.Unassessed); class.Err != nil {
		return s
	}
	if s.when(body.Window != nil && !at.Before(body.Window.End), approval.TooLate); len(s) > 0 {
		return s
	}
	given := append(slices.Clone(sub.Contributors), sub.By)
	if class.Change != m.class.Change || class.Type != m.kind || !m.asks(class, given) {
		m.content(p, body, class, given, at)
		m.last = at
	}
	return s
}

// asks reports whether the same content asks for what the case needs already,
// with those who would have had a hand in it then.
func (m *model) asks(class approval.Classification, given []approval.Actor) bool {
	then := *m
	then.hands = slices.Clone(m.hands)
	for _, g := range given {
		then.hands = slices.DeleteFunc(then.hands, func(h approval.Actor) bool { return h.Identity == g.Identity && h.Person == "" })
	}
	needs := m.scrutinised(class.Type, class.Requirement, append(then.hands, given...))
	return needs.AtLeast(m.needs) && m.needs.AtLeast(needs)
}

func (m *model) hasSeat(held []approval.Seat) (found []approval.Seat) {
	text := m.needs.String()
	for _, h := range held {
		place := h.String()
		if h.Group != "" {
			place = strings.TrimPrefix(place, "0 of ")
		}
		if m.kind != change.Standard && strings.Contains(text, place) {
			found = append(found, h)
		}
	}
	return found
}

func (m *model) unready() bool {
	return m.body.Emergency == nil && (m.model.Slot && m.body.Window == nil || m.model.Handover && m.model.Deploys != change.Owner && m.body.Handover == nil)
}

func (m *model) vote(b approval.Ballot) set {
	s := m.begin(b.At)
	if m.discovered {
		m.over(s, b.At)
		return s
	}
	held := m.hasSeat(b.Holds)
	same := slices.IndexFunc(m.votes, func(v approval.Vote) bool {
		return v.By == b.By && v.Choice == b.Choice && b.Digest == m.class.Change && v.Revision == b.Revision && b.At.Before(v.NotAfter) && sameSeats(v.Holds, held)
	})
	if same >= 0 && m.decision == approval.Authorized && len(s) == 0 {
		return s
	}
	m.over(s, b.At)
	s.when(m.decision == approval.Authorized && !s[approval.HasExpired], approval.IsClosed)
	s.when(b.Revision != m.revision || b.Digest != m.class.Change, approval.OtherRevision)
	s.when(b.Choice == approval.Approve && m.unready(), approval.NotReady)
	s.when(b.By.Kind != change.Human, approval.NotAPerson)
	s.when(b.By.Person == "" || len(held) == 0, approval.NotEntitled)
	for _, h := range m.hands {
		equal, fold := alike(h, b.By)
		s.when(equal, approval.IsContributor)
		s.when(fold && !equal, approval.Ambiguous)
	}
	for _, v := range m.votes {
		_, fold := alike(v.By, b.By)
		s.when(fold && v.By.Person != b.By.Person, approval.Ambiguous)
	}
	if len(s) > 0 {
		return s
	}
	if b.Choice == approval.Reject {
		m.decision = approval.Rejected
	}
	if same < 0 {
		m.last = b.At
		m.votes = slices.DeleteFunc(m.votes, func(v approval.Vote) bool { return v.By.Person == b.By.Person })
		m.votes = append(m.votes, approval.Vote{By: b.By, Choice: b.Choice, Revision: b.Revision, Holds: held, NotAfter: b.At.Add(validity.Vote)})
	}
	var count [][]approval.Seat
	for _, v := range m.votes {
		still := v.Holds
		if v.By.Person != b.By.Person {
			still = slices.DeleteFunc(slices.Clone(still), func(h approval.Seat) bool { return !slices.Contains(b.Still[v.By.Person], h) })
		}
		if b.At.Before(v.NotAfter) {
			count = append(count, still)
		}
	}
	if m.decision == approval.Pending && approval.BruteMet(m.needs, count) {
		m.last, m.decision, m.until = b.At, approval.Authorized, m.cap(b.At.Add(validity.Use))
	}
	return s
}

func (m *model) withdraw(by approval.Actor, at time.Time) set {
	s := m.begin(at)
	m.over(s, at)
	s.when(m.decision == approval.Authorized && !s[approval.HasExpired], approval.IsClosed)
	mine := func(v approval.Vote) bool { return by.Person != "" && v.By.Person == by.Person }
	s.when(!slices.ContainsFunc(m.votes, mine), approval.NoVote)
	if len(s) == 0 {
		m.votes, m.last = slices.DeleteFunc(m.votes, mine), at
	}
	return s
}

func (m *model) cancel(by approval.Actor, at time.Time) set {
	s := m.begin(at)
	m.over(s, at)
	s.when(len(m.runs) > 0, approval.AlreadyStarted)
	s.when(!slices.ContainsFunc(m.hands, func(h approval.Actor) bool { return one(h, by) }), approval.NotEntitled)
	if len(s) == 0 {
		m.decision, m.last = approval.Cancelled, at
	}
	return s
}

func (m *model) expire(at time.Time) {
	over := set{}
	m.over(over, at)
	if at.Before(m.last) || !over[approval.HasExpired] || m.decision == approval.Expired {
		return
	}
	if len(m.runs) == 0 {
		m.decision, m.last = approval.Expired, at
	} else if m.done(at) {
		m.closed, m.last = true, at
	}
}

func (m *model) wrong() bool {
	return m.check != nil && !m.check.Passed || slices.ContainsFunc(m.runs, func(r approval.Run) bool { return r.Backout || r.Outcome > approval.Succeeded })
}

// targets of the changes of the model are eu and us, their artifact one image.
var targets = []string{"eu", "us"}

// start gives the refusals, and whether a ruling takes the place of the last.
func (m *model) start(p *approval.Policy, a approval.Attempt, in approval.GateInputs) (s set, again bool) {
	at := in.Inputs.At
	s = m.begin(at)
	entitled := in.By.Person != "" && slices.ContainsFunc(in.Holds, func(h approval.Seat) bool { return slices.Contains(m.deploys, h) })
	var first *approval.Run // with this id
	onTarget, lastOn, on := 0, time.Time{}, []approval.Run{}
	for i, r := range m.runs {
		if r.ID == a.ID {
			first = &m.runs[i]
		}
		if r.Target == a.Target && !r.Backout {
			onTarget++
			lastOn = r.StartedAt
		}
		if r.Target == a.Target && r.Artifact == a.Artifact {
			on = append(on, r)
		}
	}
	s.when(m.model.Deploys == change.AppSupport && m.hand(in.By, false) && (!m.discovered), approval.IsContributor)
	if first != nil && first.Attempt == a {
		s.when(first.Outcome != 0 || !at.Before(first.ReportBy), approval.AlreadyStarted)
		s.when(!first.Backout && m.wrong(), approval.WentWrong)
		s.when(!first.Backout && m.body.Window != nil && !at.Before(m.body.Window.End), approval.TooLate)
		s.when(!entitled, approval.NotEntitled)
		return s, false
	}
	back := a.Artifact == oldImage && !m.discovered
	if back && m.decision != approval.Authorized {
		m.over(s, m.last)
		s.when(m.decision == approval.Pending && !s[approval.HasExpired], approval.NotDecided)
		s.when(!entitled, approval.NotEntitled)
		return s, false
	}
	if !back {
		m.forward(s, at)
		if m.discovered {
			return s, false
		}
	}
	s.when(!back && a.Artifact != image, approval.OtherArtifact)
	s.when(!slices.Contains(targets, a.Target), approval.OtherTarget)
	s.when(first != nil, approval.OtherAttempt)
	s.when(back && onTarget == 0, approval.NothingStarted)
	s.when(back && onTarget > 0 && !at.Before(lastOn.Add(validity.Use)), approval.TooLate)
	s.when(slices.ContainsFunc(on, func(r approval.Run) bool {
		return !back || r.Outcome != approval.Failed && r.Outcome != approval.Partial
	}), approval.AlreadyStarted)
	s.when(!entitled, approval.NotEntitled)
	if !back && m.decision == approval.Authorized {
		again = m.assess(s, p, in)
	}
	if len(s) == 0 {
		if len(m.runs) == 0 {
			m.owed = m.review
		}
		due := at.Add(validity.Report)
		if !back {
			if m.check = nil; m.reviewed {
				if m.reviewed, m.owed = false, m.review; !m.review.IsZero() && !m.review.After(at) {
					m.owed = due
				}
			}
		}
		m.runs, m.last = append(m.runs, approval.Run{Attempt: a, By: in.By, Backout: back, StartedAt: at, ReportBy: due}), at
	}
	return s, again
}

func (m *model) forward(s set, at time.Time) {
	m.over(s, at)
	if m.discovered {
		return
	}
	s.when(m.decision == approval.Pending && !s[approval.HasExpired], approval.NotDecided)
	s.when(m.wrong(), approval.WentWrong)
	s.when(m.unready(), approval.NotReady)
	if w := m.body.Window; w != nil {
		s.when(at.Before(w.Start), approval.TooEarly)
		s.when(!at.Before(w.End), approval.TooLate)
	}
}

// assess asks again what the change needs, and rules again where that is all.
func (m *model) assess(s set, p *approval.Policy, in approval.GateInputs) bool {
	now := p.Classify(m.body, in.Inputs)
	alone := len(s) == 0 && len(m.runs) == 0
	if now.Err != nil {
		s[approval.Unassessed] = true
		return false
	}
	less := now.Type == change.Standard && m.kind == change.Normal
	model, known := p.ModelFor(m.body.Service, m.body.Kind, in.Inputs.At)
	moved := model.Model.Deploys != m.model.Deploys || model.Model.Slot != m.model.Slot || model.Model.Handover != m.model.Handover
	if !known || moved || !less && !m.needs.AtLeast(now.Requirement) {
		s[approval.NeedsMore] = true
		if !alone || !known {
			return false
		}
		kind, both := now.Type, approval.Requirement(approval.All{m.needs, now.Requirement})
		if less {
			kind, both = m.kind, m.needs
		} else if m.kind == change.Standard {
			both = now.Requirement
		}
		was := m.review
		if m.rule(p, now, kind, both, in.Inputs.At); !was.IsZero() {
			m.review = was // the policies of the model give as much time as before, or none
		}
		m.last = in.Inputs.At
		return true
	}
	return false
}

func (m *model) report(r approval.Reported, holds []approval.Seat, at time.Time) set {
	s := m.begin(at)
	i := slices.IndexFunc(m.runs, func(run approval.Run) bool { return run.ID == r.Attempt })
	if i < 0 {
		s[approval.NothingStarted] = true
		return s
	}
	run := &m.runs[i]
	may := slices.ContainsFunc(holds, func(h approval.Seat) bool { return slices.Contains(append(slices.Clone(m.deploys), m.validates...), h) })
	s.when(!one(run.By, r.By) && (!may || r.By.Person == ""), approval.NotEntitled)
	if len(s) == 0 && run.Outcome == r.Outcome && run.Note == r.Note {
		return s
	}
	if s.when(run.Outcome >= r.Outcome, approval.OtherAttempt); len(s) > 0 {
		return s
	}
	m.last, run.Outcome, run.Note, run.ReportedBy = at, r.Outcome, r.Note, r.By
	m.owe(run.Backout || r.Outcome != approval.Succeeded, at.Add(validity.Review))
	m.end(at)
	return s
}

func (m *model) owe(bad bool, by time.Time) {
	if bad && m.owed.IsZero() {
		m.owed, m.reviewed = by, false
	}
}

func (m *model) outcomes() (known int, out bool) {
	for _, r := range m.runs {
		if r.Outcome != 0 {
			known++
		}
		out = out || !r.Backout && (r.Outcome == approval.Succeeded || r.Outcome == approval.Partial)
	}
	return known, out
}

func (m *model) done(at time.Time) bool {
	if m.discovered {
		return m.reviewed
	}
	known, out := m.outcomes()
	checked := m.check != nil || m.kind == change.Standard && m.body.Validation == nil || !out
	started := 0
	for _, r := range m.runs {
		if !r.Backout {
			started++
		}
	}
	return known > 0 && known == len(m.runs) && checked && m.owed.IsZero() && (started == len(targets) || m.wrong() || !at.Before(m.until))
}

func (m *model) end(at time.Time) { m.closed = m.closed || m.done(at) }

func (m *model) validate(v approval.Validated, holds []approval.Seat, at time.Time) set {
	s := m.begin(at)
	s.when(v.By.Person == "" || !slices.ContainsFunc(holds, func(h approval.Seat) bool { return slices.Contains(m.validates, h) }), approval.NotEntitled)
	if m.check != nil && len(s) == 0 && one(m.check.By, v.By) && m.check.Passed == v.Passed && m.check.Note == v.Note {
		return s
	}
	known, _ := m.outcomes()
	corrects := m.check != nil && (v.Passed || !m.check.Passed)
	s.when(known == 0, approval.NothingStarted)
	s.when(known > 0 && corrects, approval.OtherAttempt)
	s.when(known > 0 && !corrects && v.Passed && slices.ContainsFunc(m.runs, func(r approval.Run) bool { return !r.Backout && r.Outcome == 0 }), approval.TooEarly)
	s.when(m.model.Validates == change.AppSupport && !m.discovered && m.hand(v.By, false), approval.IsContributor)
	if len(s) == 0 {
		m.last, m.check = at, &v
		m.owe(!v.Passed, at)
		m.end(at)
	}
	return s
}

func (m *model) conclude(r approval.Reviewed, last *approval.Reviewed, holds []approval.Seat, at time.Time) set {
	s := m.begin(at)
	if m.reviewed && len(s) == 0 && one(last.By, r.By) && last.Findings == r.Findings {
		return s
	}
	team := roleOf(approval.RoleTeamMember, "payments-api")
	if m.body != nil {
		team.Of = m.body.Service
	}
	known, _ := m.outcomes()
	s.when(!m.discovered && known == 0, approval.NothingStarted)
	s.when((m.discovered || known > 0) && m.reviewed, approval.OtherAttempt)
	s.when(r.By.Kind != change.Human, approval.NotAPerson)
	s.when(!m.owed.IsZero() && (m.hand(r.By, true) || slices.ContainsFunc(m.runs, func(run approval.Run) bool {
		started, _ := alike(run.By, r.By)
		reported, _ := alike(run.ReportedBy, r.By)
		return started || reported
	})), approval.IsContributor)
	s.when(r.By.Person == "" || !slices.Contains(holds, manager) && (!m.owed.IsZero() || !slices.Contains(holds, team)), approval.NotEntitled)
	if len(s) == 0 {
		m.last, m.reviewed, m.owed = at, true, time.Time{}
		m.end(at)
	}
	return s
}
