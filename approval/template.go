package approval

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
)

// TemplateSet is a template's state as somebody set it: the only event of the
// records of templates; see [FoldTemplate] for what they add up to.
type TemplateSet struct {
	By      Actor
	Status  TemplateStatus
	Because string
}

// StampedTemplate is a [TemplateSet] with its times.
type StampedTemplate struct {
	Occurred, Recorded time.Time // as in [Stamped]
	Set                TemplateSet
}

// TemplateHistory is what the record of a template says: its state, and which
// versions of its definition have been retired. The zero TemplateHistory is
// that of a template without a record, which is only proposed. Only
// [FoldTemplate] makes others.
type TemplateHistory struct {
	last    TemplateSet
	retired []change.Digest
}

// Status is the state, and the version that it was given to.
func (h TemplateHistory) Status() TemplateStatus { return h.last.Status }

// Last is the last event; the zero TemplateSet where there is none.
func (h TemplateHistory) Last() TemplateSet { return h.last }

// with is the history after one more event.
func (h TemplateHistory) with(s TemplateSet) TemplateHistory {
	if s.Status.State == Retired {
		h.retired = append(slices.Clone(h.retired), s.Status.Version)
	}
	h.last = s
	return h
}

// ErrUnchanged is the error of [Policy.SetTemplate] when the template is in
// that state already: there is nothing to record.
var ErrUnchanged = errors.New("the template is in that state already")

// nextStates are the states that a template can go to from each. A retired one
// stays retired for ever, whatever comes after it (INV-22); another version of
// its definition begins as proposed again.
var nextStates = [...][]TemplateState{
	Proposed:  {Probation, Active},
	Probation: {Active, Suspended, Retired},
	Active:    {Suspended, Retired},
	Suspended: {Active, Probation, Retired},
	Retired:   {},
}

// SetTemplate makes the event that gives the template of a policy a state. To
// put one into force, or to retire it for good, takes a person who holds the
// seat of [Policy.Approver]; to suspend it anybody, or any bot, that the
// directory knows. Now is what the log says of the template: the state means
// nothing for another version of the definition, which is only proposed, but a
// version that has been retired once is never in force again. It says because
// of what.
//
// A denial is a [*Refused], whose case is the template; the same state again is
// [ErrUnchanged].
func (p *Policy) SetTemplate(id string, to TemplateState, now TemplateHistory, by Actor, holds []Seat, because string) (TemplateSet, error) {
	t := p.template(id)
	if t == nil {
		return TemplateSet{}, fmt.Errorf("%.80q is not a template of the policy%s", id, nearest.Hint(id, p.templateNames()))
	}
	out := TemplateSet{by, TemplateStatus{to, t.digest}, because}
	if now.Status() == out.Status {
		return TemplateSet{}, ErrUnchanged
	}
	if err := out.check(); err != nil {
		return TemplateSet{}, fmt.Errorf("the template %q: %w", id, err)
	}
	why := out.refusals(now)
	if to.inForce() || to == Retired {
		why = append(why, t.entitled(by, holds)...)
	}
	if err := why.refused("the template " + id); err != nil {
		return TemplateSet{}, err
	}
	return out, nil
}

func (p *Policy) templateNames() []string {
	if p == nil {
		return nil
	}
	out := make([]string, len(p.templates))
	for i, t := range p.templates {
		out[i] = t.ID
	}
	return out
}

// Approver is the seat that may put a template into force: the group or role
// that its definition names as having approved it; false when that is neither
// a group nor a role of the policy, or is both.
func (p *Policy) Approver(template string) (Seat, bool) {
	t := p.template(template)
	if t == nil {
		return Seat{}, false
	}
	return t.approver, t.approver != Seat{}
}

// approverOf is the zero seat when it is not clear who is meant.
func (b *building) approverOf(t Template) Seat {
	group := slices.ContainsFunc(b.d.Groups, func(g Group) bool { return g.Name == t.Approved.By })
	switch role := slices.Contains(b.d.Roles, t.Approved.By); {
	case group && !role:
		return Seat{Group: t.Approved.By, Quorum: 1}
	case role && !group:
		return Seat{Role: t.Approved.By, Quorum: 1}
	}
	return Seat{}
}

// entitled says why somebody may not put the template into force, or retire it.
func (t *template) entitled(by Actor, held []Seat) (out reasons) {
	if by.Kind != change.Human {
		out.add(NotAPerson, "%s is not known to be a person, and only a person puts a template into force or retires it", by.Identity)
	}
	switch {
	case t.approver == Seat{}:
		out.add(NotEntitled, "nobody can put it into force or retire it: it is approved by %q, which is not a group of policy.yaml, nor a role, or is both; name one of them in catalogue.yaml under %s: approved: by", t.Approved.By, t.ID)
	case !holds(held, t.approver):
		out.add(NotEntitled, "%s is not known as %s, which approves it", by.Identity, t.approver.place())
	}
	return out
}

// refusals say why this cannot follow on what has been.
func (s TemplateSet) refusals(now TemplateHistory) (out reasons) {
	from, to := Proposed, s.Status.State
	switch is := now.Status(); {
	case slices.Contains(now.retired, s.Status.Version):
		from = Retired
	case is.Version == s.Status.Version:
		from = is.State
	}
	if s.By.Person == "" {
		out.add(NotEntitled, "the directory does not know who %s is", s.By.Identity)
	}
	switch {
	case from == Retired:
		out.add(IsClosed, "this version of it is retired, which is final; edit its definition in catalogue.yaml to propose another")
	case !slices.Contains(nextStates[from], to):
		out.add(NotReady, "it is %s, and cannot become %s from there: only %s", from, to, oneOf(nextStates[from]))
	}
	return out
}

func oneOf(states []TemplateState) string {
	text := ""
	for i, s := range states {
		if i > 0 {
			text += " or "
		}
		text += s.String()
	}
	return text
}

// check says why an event is not one, whatever the template.
func (s TemplateSet) check() error {
	if s.Status.State > Retired {
		return fmt.Errorf("there is no state %d of a template", uint8(s.Status.State))
	}
	if s.Because == "" {
		return errors.New("it is not said why; give a reason")
	}
	if _, err := change.ParseDigest(string(s.Status.Version)); err != nil {
		return err
	}
	return errors.Join(checkText("the reason", s.Because), s.By.problem())
}

// FoldTemplate is what the record of a template says. It refuses events that
// cannot follow on one another: a record that holds them is not the work of this
// library.
func FoldTemplate(events []StampedTemplate) (TemplateHistory, error) {
	var out TemplateHistory
	for i, e := range events {
		err := e.Set.check()
		if err == nil {
			err = e.Set.refusals(out).problem()
		}
		if err == nil && i > 0 && e.Recorded.Before(events[i-1].Recorded) {
			err = errors.New("it was recorded before the event that it follows")
		}
		if err != nil {
			return TemplateHistory{}, fmt.Errorf("event %d: %w", i+1, err)
		}
		out = out.with(e.Set)
	}
	return out, nil
}

// MarshalJSON writes the state for reading, the members in a fixed order.
func (s TemplateSet) MarshalJSON() ([]byte, error) {
	return plainJSON(struct {
		State   TemplateState `json:"state"`
		Version change.Digest `json:"version"`
		By      Actor         `json:"by"`
		Because string        `json:"because"`
	}{s.Status.State, s.Status.Version, s.By, s.Because})
}
