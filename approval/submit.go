package approval

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// Submission is what a submission or an edit brings besides the change.
type Submission struct {
	By           Actor
	Holds        []Seat  // those of [Case.Editors] that By holds; [Policy.Submit] does not ask
	Contributors []Actor // one for each identity that [Named] gives; one without a person is not resolved
	Inputs       Inputs  // its At is when it comes in
	Validity     Validity
}

// Submit makes the first events of a case: the submission with its ruling,
// and for a standard change the decision that its template has taken. Whoever
// submits is a contributor. Where the directory does not know a contributor, a
// seat outside of the team is added to what must be decided (INV-13). The
// request lapses at the end of its window, or after Validity.Request where it
// names none; an authorisation, at the end of the window or after Validity.Use.
// The change must not be written to afterwards.
//
// A case has at most 256 contributors, those of earlier revisions among them,
// and is for at most 1000 deployments, one for each artifact on each target.
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
// revives no vote (INV-11). The same content again gives no events, unless it
// is of another type by now, or needs something else: then it is decided anew,
// such as when a freeze has ended in which it could not be standard. The editor
// becomes a contributor, and nobody who has had a hand in an earlier revision
// ceases to be one, as what is left of their work cannot be told.
//
// It refuses what is decided for good, has run out, or has been started, a
// change that is another request: one with another id, or for another service
// (OtherContent), and whoever is neither a contributor nor a holder of one of
// the seats of [Case.Editors], or is not known to the directory (NotEntitled).
// The rest is as for [Policy.Submit].
func (c Case) Edit(p *Policy, with *change.Change, s Submission) ([]Event, error) {
	at := utc(s.Inputs.At)
	why := append(c.behind(at), c.editable(with, at)...)
	why = append(why, c.editor(s)...)
	if len(why) > 0 {
		return nil, why.refused(c.ID)
	}
	content, err := p.content(c, with, s)
	if err != nil || !c.differs(content) {
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
		why.add(OtherContent, "an edit keeps the id %s and the service %s; this is %.128q for %.64q: submit it as another request", c.ID, c.Change.Service, with.ID, with.Service)
	}
	return why
}

// editor says why somebody may not give the case other content.
func (c Case) editor(s Submission) (why reasons) {
	if c.Change == nil {
		return nil // for which there are reasons of its own
	}
	seats := c.Editors()
	switch err := s.By.problem(); {
	case err != nil:
		why.add(NotEntitled, "%v", err)
	case s.By.Person == "":
		why.add(NotEntitled, "the directory knows nobody by %s", s.By.Identity)
	case !slices.ContainsFunc(c.Contributors, s.By.same) && len(among(seats, s.Holds)) == 0:
		why.add(NotEntitled, "%s may not edit it: that takes somebody who had a hand in it, or a %s", s.By.Identity, inSeats(seats))
	}
	return why
}

// differs reports whether the content, or what is asked for it, is not that of
// the case.
func (c Case) differs(e Content) bool {
	return e.Digest != c.Digest || e.Ruling.Type != c.Ruling.Type || !reflect.DeepEqual(e.Ruling.Requirement, c.Ruling.Requirement)
}

// settle gives the events of new content or of a new ruling, with the decision
// that a template has taken.
func (c Case) settle(s Submission, e Event, r Ruling) ([]Event, error) {
	events := []Event{e}
	if r.Type == change.Standard {
		events = append(events, Decided{Decision: Authorized, NotAfter: until(r.Window, s.Inputs.At.Add(s.Validity.Use))})
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
	if err := sizeProblem(c); err != nil {
		return out, change.Problems{{Pointer: "/targets", Message: err.Error()}}
	}
	if out.Contributors, err = contributors(prev.Contributors, c, s); err != nil {
		return out, err
	}
	if now.Window != nil && !s.Inputs.At.Before(now.Window.End) {
		return out, reasons{{TooLate, fmt.Sprintf("its window ended at %s; ask for another one", stamp(now.Window.End))}}.refused(prev.ID)
	}
	out.Digest, out.NotAfter = now.Change, until(now.Window, s.Inputs.At.Add(s.Validity.Request))
	out.Ruling, err = p.ruling(c, now, s.Inputs, s.Validity.Review)
	out.Ruling.Requirement = scrutinised(out.Ruling, c.Service, out.Contributors)
	return out, err
}

// contributors are those who were, those who are given, and whoever submits.
// One whom the directory has come to know takes the place of the unknown.
func contributors(before []Actor, c *change.Change, s Submission) ([]Actor, error) {
	var given []Actor
	known := map[string]Actor{}
	for _, a := range append(slices.Clone(s.Contributors), s.By) {
		if err := a.problem(); err != nil {
			return nil, fmt.Errorf("a contributor: %w", err)
		}
		is, again := known[a.Identity]
		switch {
		case !again:
			given, known[a.Identity] = append(given, a), a
		case is.Person != a.Person:
			return nil, fmt.Errorf("%s is given as two persons, %q and %q; ask the directory once", a.Identity, is.Person, a.Person)
		}
	}
	for _, id := range Named(c) {
		if _, ok := known[id]; !ok {
			return nil, fmt.Errorf("%.256s has a hand in the change and is not among the contributors; give one for each identity of Named, without a person where the directory knows none", id)
		}
	}
	out := slices.DeleteFunc(slices.Clone(before), func(b Actor) bool {
		a, ok := known[b.Identity]
		return ok && (a.Person == b.Person || b.Person == "")
	})
	if out = append(out, given...); len(out) > maxContributors {
		return nil, change.Problems{{Pointer: "/contributors", Message: tooManyContributors(len(out)).Error()}}
	}
	return out, nil
}

// The limits of a case: votes and deployments are held against each of these,
// and all of them stay in its record.
const (
	maxContributors = 256
	maxDeployments  = 1000
)

func tooManyContributors(n int) error {
	return fmt.Errorf("%d have had a hand in it, with those of earlier revisions; a case has at most %d: submit it as another request", n, maxContributors)
}

// sizeProblem says why a change is for too much at once.
func sizeProblem(c *change.Change) error {
	artifacts, targets := max(1, len(c.Artifacts)), max(1, len(c.Targets))
	if artifacts > maxDeployments/targets {
		return fmt.Errorf("%d artifacts on %d targets are more than %d deployments, which is the most of one request; split it into several", artifacts, targets, maxDeployments)
	}
	return nil
}

// until is the end of the window, or the time given where there is none: what
// names its window holds until then, however far off it is.
func until(w *change.Window, t time.Time) time.Time {
	if w != nil {
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
	if err := errors.Join(sizeProblem(e.Change), c.contributorsProblem(e)); err != nil {
		return err
	}
	if err := rulingProblem(e.Ruling, e.Change, e.Contributors); err != nil {
		return err
	}
	return limitProblem(e.NotAfter, at, e.Change.Window)
}

func (c Case) contributorsProblem(e Content) error {
	if n := len(e.Contributors); n > maxContributors {
		return tooManyContributors(n)
	}
	type name struct{ identity, person string }
	known := map[name]bool{}
	for _, a := range e.Contributors {
		if err := a.problem(); err != nil {
			return err
		}
		known[name{a.Identity, a.Person}], known[name{a.Identity, ""}] = true, true
	}
	for _, id := range append(Named(e.Change), e.By.Identity) {
		if !known[name{id, ""}] {
			return fmt.Errorf("%.256s had a hand in it and is not among its contributors", id)
		}
	}
	for _, b := range c.Contributors {
		if !known[name{b.Identity, b.Person}] {
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
	if !notAfter.After(at) || w != nil && (notAfter.After(w.End) || !notAfter.After(w.Start)) {
		return fmt.Errorf("it holds until %s; expected a time after it, and within its window", stamp(notAfter))
	}
	return nil
}
