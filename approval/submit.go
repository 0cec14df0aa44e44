package approval

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// Submission is what a submission or an edit brings besides the change.
type Submission struct {
	By           Actor
	Contributors []Actor // one for each identity that [Named] gives; one without a person is not resolved
	Inputs       Inputs  // its At is when it comes in
	Validity     Validity
}

// Submit makes the first events of a case: the submission with its ruling,
// and for a standard change the decision that its template has taken. Whoever
// submits is a contributor. Where the directory does not know a contributor, a
// seat outside of the team is added to what must be decided (INV-13). The
// request lapses after Validity.Request, or at the end of its window when that
// is sooner. The change must not be written to afterwards.
//
// It refuses, with [*Refused], what cannot be classified (Unassessed), a window
// that is over (TooLate), and a submitter without a valid identity
// (NotEntitled); other errors are faults of the call.
func (p *Policy) Submit(c *change.Change, s Submission) ([]Event, error) {
	id := ""
	if c != nil {
		id = c.ID
	}
	content, err := p.content(Case{ID: id}, c, s)
	if err != nil {
		return nil, err
	}
	return Case{ID: id}.settle(s, Submitted{content}, content.Ruling)
}

// Edit gives a case other content. Its votes and its authorisation are gone,
// and it is classified again; to go back to earlier content is an edit too, and
// revives no vote (INV-11). The same content again gives no events. Anybody
// whom the caller lets may edit: the editor becomes a contributor, and nobody
// who has had a hand in an earlier revision ceases to be one, as what is left of
// their work cannot be told.
//
// It refuses what is decided for good, has run out, or has been started, and a
// change that is another request: one with another id, or for another service
// (OtherContent). The rest is as for [Policy.Submit].
func (c Case) Edit(p *Policy, with *change.Change, s Submission) ([]Event, error) {
	at := utc(s.Inputs.At)
	why := append(c.behind(at), c.editable(with, at)...)
	if len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	content, err := p.content(c, with, s)
	if err != nil || content.Digest == c.Digest {
		return nil, err
	}
	return c.settle(s, Edited{content}, content.Ruling)
}

// editable says why the case cannot have that content.
func (c Case) editable(with *change.Change, at time.Time) reasons {
	why := c.over(at)
	if len(c.Runs) > 0 {
		why.add(AlreadyStarted, "its deployment has been started, so its content is settled; submit another request")
	}
	if with != nil && c.Change != nil && (with.ID != c.ID || with.Service != c.Change.Service) {
		why.add(OtherContent, "an edit keeps the id %s and the service %s; this is %s for %s: submit it as another request", c.ID, c.Change.Service, with.ID, with.Service)
	}
	return why
}

// settle gives the events of new content or of a new ruling, with the decision
// that a template has taken.
func (c Case) settle(s Submission, e Event, r Ruling) ([]Event, error) {
	events := []Event{e}
	if r.Type == change.Standard {
		events = append(events, Decided{Decision: Authorized, NotAfter: sooner(r.Window, s.Inputs.At.Add(s.Validity.Use))})
	}
	return c.then(s.Inputs.At, events)
}

// content classifies a change as the next revision of a case.
func (p *Policy) content(prev Case, c *change.Change, s Submission) (Content, error) {
	out := Content{By: s.By, Revision: prev.Revision + 1, Change: c}
	if err := s.Validity.check(); err != nil {
		return out, err
	}
	if err := s.By.problem(); err != nil {
		return out, reasons{{NotEntitled, err.Error()}}.refused(prev.ID)
	}
	now := p.Classify(c, s.Inputs)
	if now.Err != nil {
		return out, reasons{{Unassessed, "it cannot be classified: " + now.Err.Error() + "; correct it and send it again"}}.refused(prev.ID)
	}
	var err error
	if out.Contributors, err = contributors(prev.Contributors, c, s); err != nil {
		return out, err
	}
	if now.Window != nil && !s.Inputs.At.Before(now.Window.End) {
		return out, reasons{{TooLate, fmt.Sprintf("its window ended at %s; ask for another one", stamp(now.Window.End))}}.refused(prev.ID)
	}
	out.Digest, out.NotAfter = now.Change, sooner(now.Window, s.Inputs.At.Add(s.Validity.Request))
	out.Ruling, err = p.ruling(c, now, s.Inputs, s.Validity.Review)
	out.Ruling.Requirement = scrutinised(out.Ruling, c.Service, out.Contributors)
	return out, err
}

// contributors are those who were, those who are given, and whoever submits.
// One whom the directory has come to know takes the place of the unknown.
func contributors(before []Actor, c *change.Change, s Submission) ([]Actor, error) {
	var given []Actor
	for _, a := range append(slices.Clone(s.Contributors), s.By) {
		if err := a.problem(); err != nil {
			return nil, err
		}
		at := slices.IndexFunc(given, func(o Actor) bool { return o.Identity == a.Identity })
		switch {
		case at < 0:
			given = append(given, a)
		case given[at].Person != a.Person:
			return nil, fmt.Errorf("%s is given as two persons, %q and %q; ask the directory once", a.Identity, given[at].Person, a.Person)
		}
	}
	for _, id := range Named(c) {
		if !slices.ContainsFunc(given, func(a Actor) bool { return a.Identity == id }) {
			return nil, fmt.Errorf("%s has a hand in the change and is not among the contributors; give one for each identity of Named, without a person where the directory knows none", id)
		}
	}
	out := slices.DeleteFunc(slices.Clone(before), func(b Actor) bool {
		return slices.ContainsFunc(given, func(a Actor) bool { return a.Identity == b.Identity && (a.Person == b.Person || b.Person == "") })
	})
	return append(out, given...), nil
}

// sooner is the time given, or the end of the window when that is earlier.
func sooner(w *change.Window, t time.Time) time.Time {
	if w != nil && w.End.Before(t) {
		t = w.End
	}
	return utc(t)
}

// ruling is what a classification binds a case to. Of an emergency a review is
// owed, also where no rule of the policy says by when (INV-27).
func (p *Policy) ruling(c *change.Change, now Classification, in Inputs, review time.Duration) (Ruling, error) {
	line, err := now.MarshalJSON()
	if err != nil {
		return Ruling{}, fmt.Errorf("the classification has no encoding: %w", err)
	}
	model, _ := p.ModelFor(c.Service, c.Kind, in.At)
	out := Ruling{
		At: utc(now.At), Type: now.Type, Level: now.Assessment.Level.String(), Score: now.Assessment.Score,
		Requirement: now.Requirement, Model: model.Model, Template: now.Template, Override: now.Override,
		Window: now.Window, ReviewBy: utc(now.ReviewBy), Policy: now.Policy, Line: line,
		Templates: maps.Clone(in.Templates), OnCall: maps.Clone(in.OnCall),
		ZoneData: p.zoneData, Engine: EngineVersion,
	}
	if out.Type == change.Emergency && now.ReviewBy.IsZero() {
		out.ReviewBy = out.At.Add(review)
	}
	return out, nil
}

// scrutinised is the requirement of a ruling, with a seat outside of the team
// where a contributor could be anyone. Nobody votes on what is pre-approved.
func scrutinised(r Ruling, service string, contributors []Actor) Requirement {
	if r.Type == change.Standard || r.Requirement == nil || !unresolved(contributors) {
		return r.Requirement
	}
	return sum(append(slices.Clone(parts(r.Requirement)), outside(service)))
}

func outside(service string) Seat { return Seat{Role: RoleOutsideTeam, Of: service, Quorum: 1} }

// parts are what all is needed of.
func parts(r Requirement) []Requirement {
	if all, ok := r.(All); ok {
		return all
	}
	return []Requirement{r}
}

// contentProblem says why a record cannot hold that content next.
func (c Case) contentProblem(e Content, at time.Time) error {
	if e.Change == nil {
		return errors.New("it has no change")
	}
	if digest, err := e.Change.Digest(); err != nil || digest != e.Digest {
		return fmt.Errorf("its content is not what its digest %s names", e.Digest)
	}
	if e.Change.ID != c.ID {
		return fmt.Errorf("it is the change %s, and the record is of %s", e.Change.ID, c.ID)
	}
	if e.Revision != c.Revision+1 {
		return fmt.Errorf("it is revision %d; expected %d", e.Revision, c.Revision+1)
	}
	if err := c.contributorsProblem(e); err != nil {
		return err
	}
	if err := rulingProblem(e.Ruling, e.Change, e.Contributors); err != nil {
		return err
	}
	return limitProblem(e.NotAfter, at, e.Change.Window)
}

func (c Case) contributorsProblem(e Content) error {
	for _, a := range e.Contributors {
		if err := a.problem(); err != nil {
			return err
		}
	}
	for _, id := range append(Named(e.Change), e.By.Identity) {
		if !slices.ContainsFunc(e.Contributors, func(a Actor) bool { return a.Identity == id }) {
			return fmt.Errorf("%s had a hand in it and is not among its contributors", id)
		}
	}
	for _, b := range c.Contributors {
		if !slices.ContainsFunc(e.Contributors, func(a Actor) bool { return a.Identity == b.Identity && (a.Person == b.Person || b.Person == "") }) {
			return fmt.Errorf("%s had a hand in an earlier revision and is not among its contributors", b.Identity)
		}
	}
	return nil
}

// rulingProblem says why no classification of the change gives that ruling.
func rulingProblem(r Ruling, c *change.Change, contributors []Actor) error {
	if err := requirementProblem(r.Requirement, 0); err != nil {
		return err
	}
	pre, nobody := r.Requirement.(PreApproval)
	switch {
	case r.Type != change.Standard && r.Type != change.Normal && r.Type != change.Emergency:
		return fmt.Errorf("its type is %s; expected standard, normal or emergency", r.Type)
	case (r.Type == change.Emergency) != (c.Emergency != nil):
		return fmt.Errorf("it is ruled %s, and an emergency is what asks to be one", r.Type)
	case (r.Type == change.Standard) != nobody || nobody && pre.Template != r.Template:
		return errors.New("a standard change, and no other, has the pre-approval of its template for a requirement")
	case !sameWindow(r.Window, c.Window):
		return errors.New("it is ruled for another window than the change has")
	case !nobody && unresolved(contributors) && !slices.Contains(seatsOf(r.Requirement, nil), Seat{Role: RoleOutsideTeam, Of: c.Service}):
		return errors.New("a contributor is not resolved, and no seat outside of the team is required")
	}
	return nil
}

func sameWindow(a, b *change.Window) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Start.Equal(b.Start) && a.End.Equal(b.End)
}

// limitProblem says why something of this time cannot hold until then.
func limitProblem(notAfter, at time.Time, w *change.Window) error {
	if !notAfter.After(at) || w != nil && notAfter.After(w.End) {
		return fmt.Errorf("it holds until %s; expected a time after it, and not after the end of its window", stamp(notAfter))
	}
	return nil
}
