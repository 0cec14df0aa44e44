package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// The bodies of events: what is not personal. Members that are left out are
// zero, so that each value has one form.

type contentBody struct {
	Revision int        `json:"revision"`
	NotAfter moment     `json:"not_after,omitzero"`
	Ruling   rulingBody `json:"ruling"`
}

type reclassifiedBody struct {
	Ruling   rulingBody `json:"ruling"`
	NotAfter moment     `json:"not_after,omitzero"`
}

type votedBody struct {
	Revision int        `json:"revision"`
	Choice   Choice     `json:"choice"`
	Holds    []seatBody `json:"holds"`
	NotAfter moment     `json:"not_after,omitzero"`
}

type decidedBody struct {
	Decision Decision `json:"decision"`
	NotAfter moment   `json:"not_after,omitzero"`
}

// startedBody leaves the artifact to the personal data: where a change names
// none it is the digest of the change, from which who asked could be guessed.
type startedBody struct {
	Attempt  string `json:"attempt"`
	Target   string `json:"target"`
	Backout  bool   `json:"backout"`
	ReportBy moment `json:"report_by,omitzero"`
}

type attemptBody Attempt

type reportedBody struct {
	Attempt  string  `json:"attempt"`
	Outcome  Outcome `json:"outcome"`
	ReviewBy moment  `json:"review_by,omitzero"`
}

type validatedBody struct {
	Passed   bool   `json:"passed"`
	ReviewBy moment `json:"review_by,omitzero"`
}

type discoveredBody struct {
	Deployment deploymentBody `json:"deployment"`
	ReviewBy   moment         `json:"review_by,omitzero"`
}

// deploymentBody leaves the note to the personal data.
type deploymentBody struct {
	ID       string        `json:"id"`
	Case     string        `json:"case,omitzero"`
	Service  string        `json:"service,omitzero"`
	Artifact change.Digest `json:"artifact,omitzero"`
	Target   string        `json:"target,omitzero"`
	At       moment        `json:"at"`
	Outcome  Outcome       `json:"outcome,omitzero"`
}

type templateBody struct {
	State   TemplateState `json:"state"`
	Version change.Digest `json:"version,omitzero"`
}

// seatBody is a seat that somebody holds; a quorum means nothing there.
type seatBody struct {
	Group  string `json:"group,omitzero"`
	Role   string `json:"role,omitzero"`
	Of     string `json:"of,omitzero"`
	Quorum int    `json:"quorum,omitzero"`
}

// rulingBody is a ruling without its line, and without who is on call.
type rulingBody struct {
	At          moment                  `json:"at"`
	Type        change.Type             `json:"type"`
	Level       string                  `json:"level"`
	Score       int                     `json:"score"`
	Requirement requirementBody         `json:"requirement"`
	Model       change.OperatingModel   `json:"model,omitzero"`
	Template    string                  `json:"template,omitzero"`
	Override    int                     `json:"override,omitzero"`
	Window      windowBody              `json:"window,omitzero"`
	ReviewBy    moment                  `json:"review_by,omitzero"`
	Policy      change.Digest           `json:"policy"`
	Templates   map[string]templateBody `json:"templates,omitzero"` // {} is a log that knows none; left out: there is no log
	ZoneData    string                  `json:"zone_data"`
	Engine      string                  `json:"engine"`
}

type windowBody struct {
	Start moment `json:"start"`
	End   moment `json:"end"`
}

// onCallForm is one answer of the directory. It is an element of a list, as
// two names of one object could not differ in letter case alone.
type onCallForm struct {
	Identity string `json:"identity"`
	OnCall   bool   `json:"on_call"`
}

// moment is an instant in its one form: RFC 3339 in UTC, with as many decimals
// of a second as it has.
type moment time.Time

// IsZero says that there is no time.
func (m moment) IsZero() bool { return time.Time(m).IsZero() }

// MarshalJSON refuses years that RFC 3339 cannot write, and the year 0, which
// lies before the zero time.
func (m moment) MarshalJSON() ([]byte, error) {
	if time.Time(m).Before(time.Time{}) {
		return nil, fmt.Errorf("a time of the year %d cannot be written", time.Time(m).Year())
	}
	return utc(time.Time(m)).MarshalJSON()
}

// UnmarshalJSON reads any form of RFC 3339.
func (m *moment) UnmarshalJSON(data []byte) error {
	var t time.Time
	err := t.UnmarshalJSON(data)
	*m = moment(utc(t))
	return err
}

// requirementBody writes and reads a requirement, both strictly.
type requirementBody struct{ is Requirement }

// MarshalJSON refuses what could not be read again, above all no requirement.
func (r requirementBody) MarshalJSON() ([]byte, error) {
	if err := requirementProblem(r.is, 0); err != nil {
		return nil, err
	}
	return json.Marshal(r.is)
}

// UnmarshalJSON is [ParseRequirement].
func (r *requirementBody) UnmarshalJSON(data []byte) (err error) {
	r.is, err = ParseRequirement(data)
	return err
}

// newRuling lays a ruling out; what is personal goes to sealed.
func newRuling(r Ruling, sealed personal) (rulingBody, error) {
	if err := r.problem(); err != nil {
		return rulingBody{}, fmt.Errorf("the ruling: %w", err)
	}
	line, err := canonicalJSON(r.Line)
	if err != nil {
		return rulingBody{}, fmt.Errorf("the classification: %w", err)
	}
	if line[0] != '{' {
		return rulingBody{}, errors.New("the classification is not an object")
	}
	sealed["classification"], sealed["on_call"] = canonicalBytes(line), newOnCall(r.OnCall)
	out := rulingBody{
		At: moment(r.At), Type: r.Type, Level: r.Level, Score: r.Score, Requirement: requirementBody{r.Requirement},
		Model: r.Model, Template: r.Template, Override: r.Override, ReviewBy: moment(r.ReviewBy), Policy: r.Policy,
		ZoneData: r.ZoneData, Engine: r.Engine,
	}
	if r.Window != nil {
		out.Window = windowBody{moment(r.Window.Start), moment(r.Window.End)}
	}
	if r.Templates != nil {
		out.Templates = make(map[string]templateBody, len(r.Templates))
		for id, status := range r.Templates {
			out.Templates[id] = templateBody(status)
		}
	}
	return out, nil
}

// ruling is the inverse of newRuling.
func (b rulingBody) ruling(line json.RawMessage, onCall []onCallForm) Ruling {
	out := Ruling{
		At: time.Time(b.At), Type: b.Type, Level: b.Level, Score: b.Score, Requirement: b.Requirement.is,
		Model: b.Model, Template: b.Template, Override: b.Override, ReviewBy: time.Time(b.ReviewBy), Policy: b.Policy,
		Line: line, ZoneData: b.ZoneData, Engine: b.Engine,
	}
	if b.Window != (windowBody{}) {
		out.Window = &change.Window{Start: time.Time(b.Window.Start), End: time.Time(b.Window.End)}
	}
	if b.Templates != nil {
		out.Templates = make(map[string]TemplateStatus, len(b.Templates))
		for id, status := range b.Templates {
			out.Templates[id] = TemplateStatus(status)
		}
	}
	if onCall != nil {
		out.OnCall = make(map[string]bool, len(onCall))
		for _, answer := range onCall {
			out.OnCall[answer.Identity] = answer.OnCall
		}
	}
	return out
}

// newOnCall lists the answers by identity; nil, which is null, when nobody was
// asked.
func newOnCall(answers map[string]bool) []onCallForm {
	if answers == nil {
		return nil
	}
	out := make([]onCallForm, 0, len(answers))
	for _, identity := range slices.Sorted(maps.Keys(answers)) {
		out = append(out, onCallForm{identity, answers[identity]})
	}
	return out
}

func newSeats(held []Seat) []seatBody {
	out := make([]seatBody, len(held))
	for i, s := range held {
		out[i] = seatBody(s)
	}
	return out
}

func newDeployment(d Deployment) deploymentBody {
	return deploymentBody{d.ID, d.Case, d.Service, d.Artifact, d.Target, moment(d.At), d.Outcome}
}

func (b deploymentBody) deployment(note string) Deployment {
	return Deployment{b.ID, b.Case, b.Service, b.Artifact, b.Target, time.Time(b.At), b.Outcome, note}
}

// problem says why a ruling is not one that a policy makes.
func (r Ruling) problem() error {
	if r.At.IsZero() || r.Level == "" || r.ZoneData == "" || r.Engine == "" {
		return errors.New("it lacks its time, its level, the digest of the zone data or the version of the engine")
	}
	if _, err := change.ParseDigest(string(r.Policy)); err != nil {
		return fmt.Errorf("the policy: %w", err)
	}
	if problems := r.Model.Problems(); r.Model != (change.OperatingModel{}) && len(problems) > 0 {
		return errors.New(problems[0])
	}
	if w := r.Window; w != nil && (w.Start.IsZero() || !w.Start.Before(w.End)) {
		return errors.New("its window does not begin before it ends")
	}
	if r.Override < 0 {
		return fmt.Errorf("it is overridden by %d points", r.Override)
	}
	for _, id := range slices.Sorted(maps.Keys(r.Templates)) {
		if err := r.Templates[id].problem(); err != nil {
			return fmt.Errorf("the template %q: %w", id, err)
		}
	}
	return nil
}

// problem says why a status is not one; only what has no version is proposed.
func (s TemplateStatus) problem() error {
	if s == (TemplateStatus{}) {
		return nil
	}
	_, err := change.ParseDigest(string(s.Version))
	return err
}

// problem says why a seat cannot be held.
func (s Seat) problem() error {
	if s.Quorum == 0 {
		s.Quorum = 1
	}
	return requirementProblem(s, 0)
}

func (a Attempt) problem() error {
	if a.ID == "" {
		return errors.New("an attempt has an id")
	}
	_, err := change.ParseDigest(string(a.Artifact))
	return err
}

func (d Deployment) problem() error {
	if d.ID == "" || d.At.IsZero() {
		return errors.New("a deployment has an id and a time")
	}
	if d.Artifact == "" {
		return nil
	}
	_, err := change.ParseDigest(string(d.Artifact))
	return err
}
