package approval

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/schema"
)

// The types of events as they are recorded, with the versions of their forms.
const (
	typeSubmitted    = "case.submitted/1"
	typeEdited       = "case.edited/1"
	typeReclassified = "case.reclassified/1"
	typeVoted        = "case.voted/1"
	typeWithdrawn    = "case.withdrawn/1"
	typeDecided      = "case.decided/1"
	typeCalledOff    = "case.cancelled/1"
	typeLapsed       = "case.expired/1"
	typeStarted      = "case.started/1"
	typeReported     = "case.reported/1"
	typeValidated    = "case.validated/1"
	typeReviewed     = "case.reviewed/1"
	typeClosed       = "case.closed/1"
	typeDiscovered   = "case.discovered/1"
	typeTemplateSet  = "template.set/1"
)

// Encoded is the form of an event in a record: Body has no personal data,
// Personal all of them, by name. Both are JSON in canonical form (RFC 8785).
// Each type has the same personal data always, empty ones too, so that what is
// not there has been erased.
type Encoded struct {
	Type     string // such as "case.voted/1"
	Body     []byte
	Personal map[string][]byte
}

// EncodeEvent writes an event in the form in which it is recorded. Recorded
// events live for ever: a form, once given, is never changed; another form is
// another version of the type. It refuses what [DecodeEvent] would not read.
func EncodeEvent(e Event) (Encoded, error) {
	var content *Content
	switch e := e.(type) {
	case Submitted:
		content = &e.Content
	case Edited:
		content = &e.Content
	}
	if content != nil && content.Change != nil {
		if err := content.Change.Validate(); err != nil {
			return Encoded{}, fmt.Errorf("the event cannot be recorded: the change: %w", err)
		}
	}
	return encode(e)
}

// encode is EncodeEvent for a change that is known to be valid.
func encode(e Event) (Encoded, error) {
	f, err := formOf(e)
	if err != nil {
		return Encoded{}, fmt.Errorf("the event cannot be recorded: %w", err)
	}
	return f.encode()
}

// EncodeTemplate is [EncodeEvent] for the event of the records of templates.
func EncodeTemplate(s TemplateSet) (Encoded, error) {
	if err := s.check(); err != nil {
		return Encoded{}, fmt.Errorf("the state of the template cannot be recorded: %w", err)
	}
	return form{typeTemplateSet, templateBody(s.Status), personal{"by": s.By, "because": s.Because}}.encode()
}

// form is an event on its way to bytes.
type form struct {
	name     string
	body     any
	personal personal
}

// personal are personal data by name.
type personal map[string]any

// canonicalBytes are JSON in canonical form already.
type canonicalBytes []byte

func (f form) encode() (Encoded, error) {
	out := Encoded{Type: f.name, Personal: make(map[string][]byte, len(f.personal))}
	var err error
	if out.Body, err = canonicalForm(f.body); err != nil {
		return Encoded{}, fmt.Errorf("%s cannot be recorded: %w", f.name, err)
	}
	for name, value := range f.personal {
		data, ready := value.(canonicalBytes)
		if !ready {
			if data, err = canonicalForm(value); err != nil {
				return Encoded{}, fmt.Errorf("%s cannot be recorded: %s: %w", f.name, name, err)
			}
		}
		out.Personal[name] = data
	}
	return out, nil
}

// formOf lays an event out, after looking at its values.
func formOf(e Event) (form, error) {
	none := struct{}{}
	switch e := e.(type) {
	case Submitted:
		return newContent(typeSubmitted, e.Content)
	case Edited:
		return newContent(typeEdited, e.Content)
	case Reclassified:
		sealed := personal{}
		ruling, err := newRuling(e.Ruling, sealed)
		return form{typeReclassified, reclassifiedBody{ruling, moment(e.NotAfter)}, sealed}, err
	case Voted:
		return newVote(e.Vote)
	case Withdrawn:
		return form{typeWithdrawn, none, personal{"by": e.By}}, e.By.problem()
	case Decided:
		if e.Decision != Authorized && e.Decision != Rejected {
			return form{}, fmt.Errorf("votes do not decide %q", e.Decision)
		}
		return form{typeDecided, decidedBody{e.Decision, moment(e.NotAfter)}, personal{"counted": orEmpty(e.Counted)}}, nil
	case CalledOff:
		return form{typeCalledOff, none, personal{"by": e.By, "reason": e.Reason}}, e.By.problem()
	case Lapsed:
		return form{typeLapsed, none, nil}, nil
	case Started:
		body := startedBody{e.Attempt.ID, e.Attempt.Target, e.Backout, moment(e.ReportBy)}
		return form{typeStarted, body, personal{"by": e.By, "artifact": e.Attempt.Artifact}}, errors.Join(e.By.problem(), e.Attempt.problem())
	case Reported:
		body := reportedBody{e.Attempt, e.Outcome, moment(e.ReviewBy)}
		if e.Attempt == "" {
			return form{}, errors.New("it does not say which attempt ended")
		}
		return form{typeReported, body, personal{"by": e.By, "note": e.Note}}, e.By.problem()
	case Validated:
		return form{typeValidated, validatedBody{e.Passed, moment(e.ReviewBy)}, personal{"by": e.By, "note": e.Note}}, e.By.problem()
	case Reviewed:
		return form{typeReviewed, none, personal{"by": e.By, "findings": e.Findings}}, e.By.problem()
	case Closed:
		return form{typeClosed, none, nil}, nil
	case Discovered:
		body := discoveredBody{newDeployment(e.Deployment), moment(e.ReviewBy)}
		return form{typeDiscovered, body, personal{"by": e.By, "note": e.Deployment.Note}}, errors.Join(e.By.problem(), e.Deployment.problem())
	}
	return form{}, fmt.Errorf("there is no form for %T", e)
}

func newContent(name string, c Content) (form, error) {
	if c.Change == nil {
		return form{}, errors.New("there is no change")
	}
	data, err := c.Change.Canonical()
	if err != nil {
		return form{}, err
	}
	if digest := change.DigestOfCanonical(data); c.Digest != digest {
		return form{}, fmt.Errorf("the digest is %q, and that of the change is %q", c.Digest, digest)
	}
	if c.Revision < 1 {
		return form{}, fmt.Errorf("revisions count from 1, and this is %d", c.Revision)
	}
	sealed := personal{"by": c.By, "change": canonicalBytes(data), "digest": c.Digest, "contributors": append([]Actor{}, c.Contributors...)}
	for _, actor := range append([]Actor{c.By}, c.Contributors...) {
		if err := actor.problem(); err != nil {
			return form{}, err
		}
	}
	ruling, err := newRuling(c.Ruling, sealed)
	return form{name, contentBody{c.Revision, moment(c.NotAfter), ruling}, sealed}, err
}

func newVote(v Vote) (form, error) {
	body := votedBody{v.Revision, v.Choice, newSeats(v.Holds), moment(v.NotAfter)}
	if v.Revision < 1 {
		return form{}, fmt.Errorf("revisions count from 1, and this is %d", v.Revision)
	}
	if _, err := change.ParseDigest(string(v.Digest)); err != nil {
		return form{}, err
	}
	for _, s := range v.Holds {
		if err := s.problem(); err != nil {
			return form{}, err
		}
	}
	return form{typeVoted, body, personal{"by": v.By, "digest": v.Digest, "comment": v.Comment}}, v.By.problem()
}

// recordLimits bound each part of a record. The line of a classification can
// repeat a large change several times over.
func recordLimits() schema.Limits {
	limits := schema.DocumentLimits()
	limits.Bytes, limits.Nodes = 2<<20, 100_000
	return limits
}

// canonicalForm is a value as canonical JSON.
func canonicalForm(v any) ([]byte, error) {
	data, err := plainJSON(v)
	if err != nil {
		return nil, err
	}
	// Bytes that are not UTF-8 come out as the escape \ufffd, so that different
	// texts would become equal; a real U+FFFD comes out as itself.
	escape := []byte(`\ufffd`)
	if bytes.Contains(data, escape) && bytes.Contains(bytes.ReplaceAll(data, []byte(`\\`), nil), escape) {
		return nil, errors.New("it holds text that is not UTF-8")
	}
	return canonicalJSON(data)
}

// canonicalJSON puts JSON into canonical form.
func canonicalJSON(data []byte) ([]byte, error) {
	tree, err := schema.Parse(data, recordLimits())
	if err != nil {
		return nil, err
	}
	return tree.AppendCanonical(nil), nil
}
