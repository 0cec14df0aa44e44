package approval

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/risk"
)

// TemplateState is where a template stands in its life, as the log has it.
// The zero state is Proposed, which approves nothing.
type TemplateState uint8

// The states of a template.
const (
	Proposed TemplateState = iota
	Probation
	Active
	Suspended
	Retired
)

// String is the word for it.
func (s TemplateState) String() string {
	if s > Retired {
		return fmt.Sprintf("TemplateState(%d)", uint8(s))
	}
	return [...]string{"proposed", "probation", "active", "suspended", "retired"}[s]
}

// inForce reports whether the state approves.
func (s TemplateState) inForce() bool { return s == Active || s == Probation }

// TemplateStatus is what the log says of a template: its state, and the version
// of the definition that it was given to. A template that has been edited since
// has lost its approval.
type TemplateStatus struct {
	State   TemplateState
	Version change.Digest // see [Policy.TemplateVersion]
}

// Inputs are all that a classification depends on besides the change and the
// policy: nothing else is read, so the same inputs give the same answer.
type Inputs struct {
	At time.Time // when the change is classified

	// Templates has the states of the templates by id, from the log. A
	// template that it does not name is only proposed. Nil means that there is
	// no log: templates are assumed to be active, and the classification says
	// so.
	Templates map[string]TemplateStatus

	// OnCall has the directory's answers to whether those who claim that the
	// change is standard belong to the on-call team of the service, by identity;
	// see [Policy.Claimants]. It must be true only for those of whom it is known,
	// besides, that the claim is theirs: whoever asks knows who brought the
	// change, which it does not say itself (INV-14). Who is not in it does not
	// count. Nil means that nobody was asked: it is assumed that the claim is
	// theirs and that they are on call, and the classification says so.
	OnCall map[string]bool
}

// Classification is what becomes of a change: its type, why, and who must say
// yes. The zero Classification is unclassified, with a requirement that
// nothing meets.
type Classification struct {
	ID          string        // of the change; "" when it cannot be read
	Title       string        // of the change
	Reason      string        // why the business wants it
	Change      change.Digest // of the content that was classified
	At          time.Time
	Type        change.Type
	Regular     bool // inside the envelope of a template in force
	LowRisk     bool // level at or under the ceiling of that template; without one, the lowest level
	Assessment  risk.Assessment
	Model       string // the operating model in force; "" when none is
	Template    string // the template that a standard change runs under
	Override    int    // points by which a claim exceeds the ceiling, within the slack of the model
	Assumed     []string
	Why         []string // how the type came about, one sentence each
	Faults      []risk.Fault
	Window      *change.Window // for which a standard change is standard; nil: at once
	Freezes     []string       // in force, by id
	Requirement Requirement
	ReviewBy    time.Time     // when a review is due; zero when none is
	Policy      change.Digest // of the policy that it was classified by
	Err         error         // why it is unclassified
}

// Unclassified is the classification of input that cannot be read, or is
// refused: never standard, and needing what the policy asks for by default.
func (p *Policy) Unclassified(id string, at time.Time, err error) Classification {
	out := Classification{ID: id, At: at.UTC(), Err: err}
	if p != nil {
		out.Policy = p.digest
		out.Requirement = sum(seats(p.fallback, ""))
	}
	return out
}

// Classify decides what type of change it is and what it needs. It is total:
// whatever is wrong, missing or failing gives an answer with more scrutiny,
// and a reason. The change is validated first, whoever has done so before.
func (p *Policy) Classify(c *change.Change, in Inputs) Classification {
	if p == nil {
		return p.Unclassified("", in.At, errors.New("there is no policy"))
	}
	if c == nil {
		return p.Unclassified("", in.At, errors.New("there is no change"))
	}
	return p.classify(c.ID, in, func() (*change.Change, change.Digest, error) {
		digest, err := c.ValidDigest()
		return c, digest, err
	})
}

// ClassifyJSON classifies the change that the bytes hold. It is
// [change.Decode] and Classify in one, at a fraction of the price: nobody else
// can touch the change between its validation and its classification, so that
// it is validated once. What cannot be read is unclassified, without an id,
// with Decode's error as Err.
func (p *Policy) ClassifyJSON(data []byte, opts *change.DecodeOptions, in Inputs) Classification {
	if p == nil {
		return p.Unclassified("", in.At, errors.New("there is no policy"))
	}
	return p.classify("", in, func() (*change.Change, change.Digest, error) {
		return change.DecodeDigest(data, opts)
	})
}

// classify is given how to get at a valid change and its digest.
func (p *Policy) classify(id string, in Inputs, read func() (*change.Change, change.Digest, error)) (out Classification) {
	defer func() {
		if r := recover(); r != nil {
			out = p.Unclassified(id, in.At, fmt.Errorf("the classification failed: %v", r))
		}
	}()
	if err := timeProblem(in.At); err != nil {
		return p.Unclassified(id, time.Time{}, err)
	}
	c, digest, err := read()
	if err == nil {
		id = c.ID
		err = p.rules.Vocabulary().Check(c)
	}
	if err != nil {
		return p.Unclassified(id, in.At, err)
	}
	return p.classifyValid(c, digest, in)
}

func timeProblem(at time.Time) error {
	if at.IsZero() {
		return errors.New("the time of the classification is not given")
	}
	if year := at.UTC().Year(); year < 1971 || year > 2198 {
		return fmt.Errorf("the time of the classification is in the year %d; the calendar reaches from 1971 to 2198", year)
	}
	return nil
}

// inUTC is a copy of a window, so that one instant has one form.
func inUTC(w *change.Window) *change.Window {
	if w == nil {
		return nil
	}
	return &change.Window{Start: w.Start.UTC(), End: w.End.UTC()}
}

// classifying is a classification in the making.
type classifying struct {
	Classification
	p       *Policy
	c       *change.Change
	in      Inputs
	service *serviceInfo
	model   change.Assignment
	modeled bool
	facts   risk.Facts
	freezes []freeze
	claims  []change.Claim
}

func (p *Policy) classifyValid(c *change.Change, digest change.Digest, in Inputs) Classification {
	k := &classifying{p: p, c: c, in: in}
	k.Classification = Classification{ID: c.ID, Title: c.Title, Reason: c.Reason, Change: digest, At: in.At.UTC(), Window: inUTC(c.Window), Policy: p.digest, Type: change.Normal}
	situation := k.situation()
	k.facts = p.read.change.Facts(c, situation)
	k.Assessment = p.rules.Assess(k.facts)
	k.Faults = append(k.Faults, k.Assessment.Faults...)
	k.findFreezes()
	k.decideType()
	k.decideRequirement(situation)
	return k.Classification
}

func (k *classifying) why(format string, args ...any) {
	k.Why = append(k.Why, fmt.Sprintf(format, args...))
}

func (k *classifying) fault(id, why string) {
	k.Faults = append(k.Faults, risk.Fault{Rule: id, Why: why})
}

// span is when it would be deployed: what is left of its window, or now when it
// names none, or when that has ended.
func (k *classifying) span() change.Interval {
	now := change.Interval{Start: k.in.At, End: k.in.At.Add(time.Nanosecond)}
	w := k.c.Window
	switch {
	case w == nil || !k.in.At.Before(w.End):
		return now
	case k.in.At.Before(w.Start):
		return change.Interval{Start: w.Start, End: w.End}
	default:
		return change.Interval{Start: k.in.At, End: w.End}
	}
}

// untilEnd is the time from now to the end of what is left of its window.
func (k *classifying) untilEnd() change.Interval {
	return change.Interval{Start: k.in.At, End: k.span().End}
}

// lastDay is the last date on which it would be deployed.
func (k *classifying) lastDay() change.Date { return k.service.day(k.span().End.Add(-1)) }

// situation finds the service and its model.
func (k *classifying) situation() risk.Situation {
	s := risk.Situation{At: k.in.At}
	k.service = k.p.services[k.c.Service]
	if k.service == nil {
		k.fault("service", fmt.Sprintf("the policy has no service %q%s", k.c.Service, nearest.Hint(k.c.Service, k.p.Services())))
		return s
	}
	s.Service, s.Zone, s.Working = &k.service.Service, k.service.zone, k.service.working
	k.model, k.modeled = k.service.ModelFor(k.c.Kind, k.day())
	if k.modeled {
		k.Model = k.model.Model.Name
		if _, same := k.service.modelThrough(k.c.Kind, k.untilEnd()); same {
			s.Model = k.Model
		}
		if k.model.ReviewOverdue(k.day()) {
			k.why("the operating model of %s should have been reviewed by %s", k.c.Service, k.model.ReviewBy)
		}
	}
	return s
}

func (k *classifying) day() change.Date { return k.service.day(k.in.At) }

// decideType is the rule of the two axes: only a change that is regular
// and low-risk, and that its model lets be standard, is standard.
func (k *classifying) decideType() {
	k.findClaims()
	under, regular := k.cover()
	k.Regular = regular
	if k.c.Emergency != nil {
		k.Type = change.Emergency
		k.why("an emergency is asked for: %s", k.c.Emergency.ID)
		k.Override = 0
		return
	}
	late := k.windowOver()
	open, forbidden := k.open(), k.forbidden()
	id := ""
	if under != nil {
		id = under.ID
	}
	claim, allowed := k.allowed(id)
	switch {
	case k.model.Model.Standard == change.Never: // whatever the axes say
	case under == nil:
		k.why("no template in force covers the change, so it is not regular")
	case !k.LowRisk:
		k.whyNotLow(under)
	}
	if under == nil || !k.LowRisk || late || open || forbidden || !allowed {
		k.Override = 0
		return
	}
	k.Type, k.Template = change.Standard, under.ID
	if k.c.Claim != nil && claim != "" && !k.c.Observed("claim") && k.in.OnCall == nil {
		k.assume("%s claims it: only the request says so", claim)
	}
	if k.in.Templates == nil {
		k.assume("the template %s is active: there is no log to ask", under.ID)
	}
	if claim != "" && k.in.OnCall == nil {
		k.assume("%s is on call for %s: there is no directory to ask", claim, k.service.Team)
	}
	if k.Override > 0 {
		k.why("the team claims it as low-risk, %d points over the ceiling, within the slack of %d", k.Override, k.model.Model.Slack)
	}
	k.why("regular and low-risk under the template %s", under.ID)
}

// open reports whether anything about the risk was left open, and says what.
func (k *classifying) open() bool {
	if !k.Assessment.Open() && len(k.Faults) == 0 {
		return false
	}
	var names []string
	for _, m := range k.Assessment.Unknowns {
		if !m.Stated && (k.service != nil || !strings.HasPrefix(m.Fact, "service.")) {
			names = append(names, m.Fact)
		}
	}
	if len(names) > 0 {
		k.why("the risk is not settled while this is not known: %s", strings.Join(names, ", "))
	}
	for _, f := range k.Faults {
		k.why("the risk is not settled: %s", f.Why)
	}
	return true
}

// windowOver reports whether the window that the change names has ended: it
// would be deployed at another time than the one that was looked at.
func (k *classifying) windowOver() bool {
	if k.c.Window == nil || k.in.At.Before(k.c.Window.End) {
		return false
	}
	k.why("its window ended on %s; ask again with another", k.c.Window.End.Format(time.RFC3339))
	return true
}

func (k *classifying) assume(format string, args ...any) {
	k.Assumed = append(k.Assumed, fmt.Sprintf(format, args...))
}

// forbidden finds what is never standard; what cannot be decided counts.
func (k *classifying) forbidden() bool {
	found := false
	for _, f := range k.p.forbid {
		truth, why := f.when.Decide(k.facts)
		switch truth {
		case risk.True:
			k.why("never standard: %s (%s)", f.Because, f.ID)
		case risk.Undecided:
			k.why("perhaps never standard: %s (%s), and %s is not known", f.Because, f.ID, strings.Join(f.when.Missing(k.facts), ", "))
		case risk.Faulty:
			k.fault(f.ID, why)
		default:
			continue
		}
		found = true
	}
	return found
}

// allowed reports whether the model lets the change be standard at all, and by
// whose claim to the template.
func (k *classifying) allowed(under string) (claimant string, ok bool) {
	if !k.modeled {
		k.why("no operating model is in force for the service")
		return "", false
	}
	model := k.model.Model
	if k.c.Claim != nil && k.c.Claim.Type != change.Standard {
		k.why("the team itself asks for more scrutiny")
		return "", false
	}
	if _, same := k.service.modelThrough(k.c.Kind, k.untilEnd()); !same {
		k.why("another operating model comes into force by the end of its window")
		return "", false
	}
	switch model.Standard {
	case change.Always:
		return "", true
	case change.Claimed:
	default:
		k.why("under %s every change is decided case by case", model.Name)
		return "", false
	}
	claimant = k.claimFor(under).By
	switch {
	case claimant == "":
		k.why("nobody claims it as a standard change")
	case k.in.OnCall != nil && !k.in.OnCall[claimant]:
		k.why("%s claims it as a standard change, but is not on call for %s", claimant, k.service.Team)
	default:
		return claimant, true
	}
	return "", false
}
