package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
)

// GateInputs are what a gate depends on besides the case, the policy and the
// question.
type GateInputs struct {
	Inputs   Inputs // as they are now: its At is now
	By       Actor
	Holds    []Seat // those of [Case.Deployers] that By holds
	Validity Validity
}

// Gate asks, freely: may this artifact go to this target now? Nil is yes; no
// is a [*Refused] with all reasons: where the decision stands, the clock, what
// the operating model needs, the window, what was approved to go where, what
// has been started and how it went, who asks, and last whether what is known
// now asks for more than it was approved with (INV-10). Asking uses nothing.
//
// The same attempt again, while its outcome is not reported, has the same
// answer for those who may still deploy, as long as [Case.Again] says so. After
// that it is refused: deploying once more takes another request (INV-20).
//
// The way back, to the artifact that the backout of the change names, is open
// wherever something was started, for Validity.Use after the last start there:
// whatever the policy says by then, also after the window, the authorisation or
// the case has ended. It takes a deployer, and is open once for each
// target, and again when the last one failed or only worked in part. Once it
// has been taken, nothing else may start. After that time nobody can tell any
// more what it would take away, so that to go back takes another request.
//
// Where App Support deploys, it is not by hands that made the change: a
// contributor is refused (IsContributor), but for one whom the change names as
// its implementer and as nothing else.
func (c Case) Gate(p *Policy, a Attempt, in GateInputs) error {
	why, _ := c.gate(p, a, in)
	return why.refused(c.ID)
}

// Start uses the authorisation for one attempt. The same attempt again gives no
// events and no error, as long as [Case.Gate] says so. When the only reason
// against it is that what is known now asks for more than was approved, and
// nothing has been started yet, it gives both: the refusal, and the events that
// put the case back to be decided by what was asked for before and what is
// asked for now together. A change that is now standard under another template,
// or another version of it, is authorised under that by the same events. Once
// something has been started, the rest may just not start.
func (c Case) Start(p *Policy, a Attempt, in GateInputs) ([]Event, error) {
	if err := in.Validity.check(); err != nil {
		return nil, err
	}
	why, now := c.gate(p, a, in)
	_, again := c.run(a.ID)
	switch at := in.Inputs.At; {
	case len(why) == 1 && why.has(NeedsMore) && len(c.Runs) == 0:
		return c.reclassified(p, now, in), why.refused(c.ID)
	case len(why) > 0:
		return nil, why.refused(c.ID)
	case again:
		return nil, nil
	default:
		return c.then(at, []Event{Started{By: in.By, Attempt: a, Backout: c.IsBackout(a.Artifact), ReportBy: utc(at.Add(in.Validity.Report))}})
	}
}

func (c Case) gate(p *Policy, a Attempt, in GateInputs) (reasons, Classification) {
	at := utc(in.Inputs.At)
	why := c.behind(at)
	if run, ok := c.run(a.ID); ok && run.Attempt == a {
		return append(append(why, c.again(run, at)...), c.deployable(in)...), Classification{}
	}
	if c.IsBackout(a.Artifact) {
		why = append(why, c.returnable(a)...)
		why = append(why, c.lateToReturn(a.Target, at, in.Validity.Use)...)
		return append(why, c.deployable(in)...), Classification{}
	}
	why = append(why, c.launchable(a, at)...)
	if c.Change == nil {
		return why, Classification{}
	}
	for _, missing := range c.Unready() {
		why.add(NotReady, "%s", missing)
	}
	why = append(why, c.deployable(in)...)
	if c.Decision != Authorized {
		return why, Classification{}
	}
	now := p.Classify(c.Change, in.Inputs)
	return append(why, c.enough(p, now, at)...), now
}

func (c Case) run(id string) (Run, bool) {
	i := slices.IndexFunc(c.Runs, func(r Run) bool { return r.ID == id })
	if i < 0 {
		return Run{}, false
	}
	return c.Runs[i], true
}

// Again says why the answer that was given to an attempt cannot be given once
// more, as a [*Refused]; nil: it can, as far as that can be told without the
// directory. It is for those who keep answers: [Case.Gate] and [Case.Start] ask
// the same, and the directory besides.
//
// It is refused once the outcome is reported, or is overdue (AlreadyStarted),
// once the window has ended (TooLate), and once something went wrong, or a way
// back was begun, since it was started (WentWrong). Only the first two are asked
// of a way back.
func (c Case) Again(a Attempt, at time.Time) error {
	at = utc(at)
	why := c.behind(at)
	if run, ok := c.run(a.ID); ok && run.Attempt == a {
		return append(why, c.again(run, at)...).refused(c.ID)
	}
	why.add(NothingStarted, "that attempt was not started under it")
	return why.refused(c.ID)
}

// again is [Case.Again] for a run. Nothing is started after something that went
// wrong, so whatever went wrong did so after this run was started.
func (c Case) again(run Run, at time.Time) (why reasons) {
	switch {
	case run.Outcome != 0:
		why.add(AlreadyStarted, "the attempt %s was started at %s and has ended; to deploy again takes another request", run.ID, stamp(run.StartedAt))
	case !at.Before(run.ReportBy):
		why.add(AlreadyStarted, "the attempt %s was started at %s, and its outcome was due by %s; report how it ended", run.ID, stamp(run.StartedAt), stamp(run.ReportBy))
	}
	if run.Backout {
		return why
	}
	if w := c.Ruling.Window; w != nil && !at.Before(w.End) {
		why.add(TooLate, "its window ended at %s; report how the attempt %s ended", stamp(w.End), run.ID)
	}
	if c.stopped() {
		why.add(WentWrong, "since the attempt %s was started, a deployment under it went wrong or was taken back, so it may not go on; report how it ended", run.ID)
	}
	return why
}

// IsBackout reports whether the artifact is the one that the change goes back
// to, and not one that it rolls out.
func (c Case) IsBackout(artifact change.Digest) bool {
	if c.Change == nil || c.Change.Backout == nil || c.Change.Backout.Artifact == nil || c.Change.Backout.Artifact.Digest != artifact {
		return false
	}
	return !slices.ContainsFunc(c.pairs(), func(p pair) bool { return p.artifact == artifact })
}

// deployable says why whoever asks may not deploy. Bots may.
func (c Case) deployable(in GateInputs) (why reasons) {
	seats := c.Deployers()
	err := in.By.problem()
	switch {
	case err != nil:
		why.add(NotEntitled, "%v", err)
	case in.By.Person == "":
		why.add(NotEntitled, "the directory knows nobody by %s", in.By.Identity)
	case len(seats) == 0:
		why.add(NotEntitled, "no operating model was in force for %s, so nobody may deploy it", c.service())
	case len(among(seats, in.Holds)) == 0:
		why.add(NotEntitled, "%s may not deploy it: that takes a %s", in.By.Identity, inSeats(seats))
	}
	return append(why, c.apart(c.Ruling.Model.Deploys, in.By)...)
}

// apart says why somebody may not deploy, or validate, where that is App
// Support's part: other hands than those that made the change are to do it. Of
// several identities of one person each must be free to.
func (c Case) apart(part change.Party, by Actor) (why reasons) {
	if part != change.AppSupport || c.Change == nil {
		return nil
	}
	i := slices.IndexFunc(c.Contributors, func(a Actor) bool { return a.shares(by) && !c.onlyImplements(a.Identity) })
	if i >= 0 {
		why.add(IsContributor, "%.256s had a hand in the change as %s, and this is for others of App Support to do", by.Identity, c.Contributors[i].Identity)
	}
	return why
}

// onlyImplements reports whether the change names somebody to carry it out, and
// for nothing else.
func (c Case) onlyImplements(id string) bool {
	if c.Change.Requester.ID == id || c.Change.Claim != nil && c.Change.Claim.By == id {
		return false
	}
	named := false
	for _, n := range c.Change.Contributors {
		if n.ID == id && n.As != change.Implementer {
			return false
		}
		named = named || n.ID == id
	}
	return named
}

// launchable says why the case does not let that attempt start, whoever asks.
func (c Case) launchable(a Attempt, at time.Time) reasons {
	why := c.over(at)
	if c.Change == nil {
		return why
	}
	switch {
	case c.Decision != Authorized && len(why) == 0:
		why.add(NotDecided, "it is not decided yet: it needs %s, and has %d yes", inWords(c.Ruling.Requirement), len(c.counting(at)))
	case c.Decision == Authorized && c.Ruling.Type != change.Standard && !c.countedFill(c.Counted, c.counting(c.DecidedAt)):
		why.add(OtherRevision, "the votes that authorised it do not fill %s for this content; submit another request", inWords(c.Ruling.Requirement))
	}
	if w := c.Ruling.Window; w != nil {
		switch {
		case at.Before(w.Start):
			why.add(TooEarly, "its window begins at %s; start then", stamp(w.Start))
		case !at.Before(w.End):
			why.add(TooLate, "its window ended at %s; submit another request", stamp(w.End))
		}
	}
	return append(append(why, c.places(a)...), c.free(a, false)...)
}

// places says why the attempt is not what was approved.
func (c Case) places(a Attempt) (why reasons) {
	if !slices.ContainsFunc(c.pairs(), func(p pair) bool { return p.artifact == a.Artifact }) {
		why.add(OtherArtifact, "the artifact %.80q is none of those that it is for; deploy what was approved, or submit another request", a.Artifact)
	}
	return append(why, c.aims(a)...)
}

func (c Case) aims(a Attempt) (why reasons) {
	if !slices.ContainsFunc(c.pairs(), func(p pair) bool { return p.target == a.Target }) {
		why.add(OtherTarget, "the target %.140q is none of those that it is for; expected %s%s; to deploy elsewhere submit another request", a.Target, c.aimedAt(), nearest.Hint(a.Target, c.targets()))
	}
	return why
}

// targets lists where the change goes, by name.
func (c Case) targets() []string {
	out := make([]string, len(c.Change.Targets))
	for i, t := range c.Change.Targets {
		out[i] = t.Name
	}
	return out
}

// aimedAt is the same in words, or how many there are.
func (c Case) aimedAt() string {
	switch names := c.targets(); {
	case len(names) == 0:
		return "none, as the change names none"
	case len(names) > 5:
		return fmt.Sprintf("one of its %d targets", len(names))
	default:
		return strings.Join(names, " or ")
	}
}

// free says why the attempt cannot be started beside those that have been:
// each artifact is started on each target once, and nothing after something
// that went wrong.
func (c Case) free(a Attempt, backout bool) (why reasons) {
	if !subject.MatchString(a.ID) {
		why.add(OtherAttempt, "%.80q cannot be the id of an attempt: printable letters without space, such as the id of a pipeline's run", a.ID)
	}
	if run, ok := c.run(a.ID); ok {
		why.add(OtherAttempt, "the attempt %s is of %s to %q already; give this one an id of its own", a.ID, run.Artifact, run.Target)
	}
	for _, r := range c.Runs {
		again := r.Outcome == Failed || r.Outcome == Partial
		if r.Artifact == a.Artifact && r.Target == a.Target && !(backout && again) {
			why.add(AlreadyStarted, "that was started as the attempt %s at %s; to deploy it again takes another request", r.ID, stamp(r.StartedAt))
			break
		}
	}
	if !backout && c.stopped() {
		why.add(WentWrong, "a deployment under it went wrong, so nothing more may start but the way back")
	}
	return why
}

// stopped reports whether nothing may start any more but the way back: a
// deployment went wrong, or the way back has been taken.
func (c Case) stopped() bool {
	return c.wentWrong() || slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Backout })
}

// returnable says why the way back is not open. What has been started was
// authorised, and stays so for this.
func (c Case) returnable(a Attempt) (why reasons) {
	if c.Decision != Authorized {
		if why = c.over(c.Last); len(why) == 0 {
			why.add(NotDecided, "it is not decided yet, so there is nothing to go back from")
		}
		return why
	}
	why = append(why, c.aims(a)...)
	if !slices.ContainsFunc(c.Runs, func(r Run) bool { return !r.Backout && r.Target == a.Target }) {
		why.add(NothingStarted, "nothing has been started on the target %.140q, so there is nothing to go back from", a.Target)
	}
	return append(why, c.free(a, true)...)
}

// lateToReturn says why the way back is not open any more.
func (c Case) lateToReturn(target string, at time.Time, use time.Duration) (why reasons) {
	var last time.Time
	for _, r := range c.Runs {
		if !r.Backout && r.Target == target {
			last = r.StartedAt
		}
	}
	if until := last.Add(use); !last.IsZero() && !at.Before(until) {
		why.add(TooLate, "the way back was open until %s, for as long after the last start on the target %.140q as an authorisation holds; submit another request", stamp(until), target)
	}
	return why
}

// enough says why what the case was approved with does not do now. What is
// standard by now asks for less than any vote. Who deploys, at a planned time
// or not, with a handover or without, was part of what was approved.
func (c Case) enough(p *Policy, now Classification, at time.Time) (why reasons) {
	was := c.Ruling
	model, known := change.Assignment{}, false
	if now.Err == nil {
		model, known = p.ModelFor(c.Change.Service, c.Change.Kind, at)
	}
	switch {
	case now.Err != nil:
		why.add(Unassessed, "it cannot be classified now: %v", now.Err)
	case now.Change != c.Digest:
		why.add(OtherContent, "its content is not the one that was approved")
	case !known:
		why.add(NeedsMore, "the policy has no operating model for changes of %s any more, so that nobody could say who deploys it", c.Change.Service)
	case model.Model.Deploys != was.Model.Deploys || model.Model.Slot != was.Model.Slot || model.Model.Handover != was.Model.Handover:
		why.add(NeedsMore, "it was approved to be deployed under the operating model %s, %s, and is under %s now, %s", was.Model.Name, inPractice(was.Model), model.Model.Name, inPractice(model.Model))
	case now.Type == change.Standard && was.Type == change.Normal:
	case (now.Type == change.Emergency) != (was.Type == change.Emergency) || requirementProblem(was.Requirement, 0) != nil || !was.Requirement.AtLeast(now.Requirement):
		why.add(NeedsMore, "it was approved as %s with %s, and is %s now, which needs %s: %s", was.Type, inWords(was.Requirement), now.Type, inWords(now.Requirement), strings.Join(now.Why, ", "))
	}
	return why
}

// inPractice is what a model means for the deployment.
func inPractice(m change.OperatingModel) string {
	text := "by " + m.Deploys.String()
	if m.Slot {
		text += " at a planned time"
	}
	if m.Handover {
		text += " after a handover"
	}
	return text
}

// inWords is a requirement in words, also one that no policy can have made.
func inWords(r Requirement) string {
	if err := requirementProblem(r, 0); err != nil {
		return "what nobody can give"
	}
	return r.String()
}

// reclassified gives the events that put the case back to be decided; none
// when even that cannot be, or would lead nowhere, as nobody could deploy it.
// What was for people to decide stays so, also if it is standard by now.
func (c Case) reclassified(p *Policy, now Classification, in GateInputs) []Event {
	r, err := p.ruling(c.Change, now, in.Inputs, in.Validity.Review)
	if err != nil || requirementProblem(c.Ruling.Requirement, 0) != nil || r.Model == (change.OperatingModel{}) {
		return nil
	}
	if was := c.Ruling; r.Type == change.Standard && was.Type == change.Normal {
		r.Type, r.Requirement, r.Template, r.Override = was.Type, was.Requirement, "", 0
	}
	if r.Type != change.Standard {
		r.Requirement = scrutinised(r, c.Change.Service, c.Contributors)
		r.Requirement = added(c.Ruling.Requirement, r.Requirement)
	}
	if was := c.Ruling.ReviewBy; !was.IsZero() && (r.ReviewBy.IsZero() || was.Before(r.ReviewBy)) {
		r.ReviewBy = was
	}
	s := Submission{Inputs: in.Inputs, Validity: in.Validity}
	events, err := c.settle(s, Reclassified{r, until(r.Window, in.Inputs.At.Add(in.Validity.Request))}, r)
	if err != nil {
		return nil
	}
	return events
}

// added is all of both requirements; of a pre-approval beside seats nothing is
// left, as nobody could vote for it.
func added(old, more Requirement) Requirement {
	if _, pre := old.(PreApproval); pre {
		return more
	}
	return sum(slices.Concat(parts(old), parts(more)))
}

// reclassifiable says why a record cannot hold that ruling next.
func (c Case) reclassifiable(r Ruling, at time.Time) error {
	if why := c.over(at); len(why) > 0 || c.Decision != Authorized || len(c.Runs) > 0 {
		return fmt.Errorf("only what is authorised, and not started, is put back to be decided%s", because(why.text()))
	}
	if err := rulingProblem(r, c.Change, c.Contributors); err != nil {
		return err
	}
	if _, pre := c.Ruling.Requirement.(PreApproval); !pre && !r.Requirement.AtLeast(c.Ruling.Requirement) {
		return fmt.Errorf("it needs %s, which is not all of %s before", inWords(r.Requirement), inWords(c.Ruling.Requirement))
	}
	return nil
}
