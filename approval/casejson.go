package approval

import (
	"encoding/json"
	"fmt"

	"github.com/changelane/changelane/change"
)

// caseForm is the form of a case for reading; its members and their order are
// published in schemas/case.schema.json.
type caseForm struct {
	ID           string          `json:"id"`
	Version      uint64          `json:"version"`
	SubmittedAt  moment          `json:"submitted_at,omitzero"`
	Revision     int             `json:"revision"`
	Change       json.RawMessage `json:"change,omitzero"`
	Digest       change.Digest   `json:"digest,omitzero"`
	Contributors []Actor         `json:"contributors"`
	Ruling       *rulingForm     `json:"ruling,omitzero"`
	Votes        []voteForm      `json:"votes"`
	Decision     *Decision       `json:"decision,omitzero"` // nil where there is nothing to decide
	DecidedAt    moment          `json:"decided_at,omitzero"`
	Counted      []string        `json:"counted"`
	NotAfter     moment          `json:"not_after,omitzero"`
	Runs         []runForm       `json:"runs"`
	Validation   *checkForm      `json:"validation,omitzero"`
	Review       *reviewForm     `json:"review,omitzero"`
	ReviewBy     moment          `json:"review_by,omitzero"`
	Closed       bool            `json:"closed"`
	ClosedAt     moment          `json:"closed_at,omitzero"`
	Discovered   *deploymentForm `json:"discovered,omitzero"`
	Last         moment          `json:"last,omitzero"`
}

type rulingForm struct {
	rulingBody
	OnCall         []onCallForm    `json:"on_call,omitzero"`
	Classification json.RawMessage `json:"classification"`
}

type voteForm struct {
	By       Actor         `json:"by"`
	Revision int           `json:"revision"`
	Digest   change.Digest `json:"digest"`
	Choice   Choice        `json:"choice"`
	Holds    []seatBody    `json:"holds"`
	Comment  string        `json:"comment,omitzero"`
	At       moment        `json:"at"`
	NotAfter moment        `json:"not_after,omitzero"`
}

type runForm struct {
	attemptBody
	By         Actor   `json:"by"`
	Backout    bool    `json:"backout"`
	StartedAt  moment  `json:"started_at"`
	ReportBy   moment  `json:"report_by,omitzero"`
	Outcome    Outcome `json:"outcome,omitzero"`
	ReportedAt moment  `json:"reported_at,omitzero"`
	ReportedBy *Actor  `json:"reported_by,omitzero"`
	Note       string  `json:"note,omitzero"`
}

type checkForm struct {
	By     Actor  `json:"by"`
	Passed bool   `json:"passed"`
	Note   string `json:"note,omitzero"`
}

type reviewForm struct {
	By       Actor  `json:"by"`
	Findings string `json:"findings"`
}

type deploymentForm struct {
	deploymentBody
	Note string `json:"note,omitzero"`
}

// MarshalJSON writes the case in one form for reading, as published in
// schemas/case.schema.json, the members in a fixed order. It depends on the
// events alone, so a record whose events give other bytes than are stored with
// it has been tampered with. The change and the classification in it are in
// canonical form (RFC 8785). It fails for a case whose events could not have
// been recorded.
func (c Case) MarshalJSON() ([]byte, error) {
	form, err := c.form()
	if err != nil {
		return nil, fmt.Errorf("the case %s has no encoding: %w", c.ID, err)
	}
	return plainJSON(form)
}

func (c Case) form() (caseForm, error) {
	out := caseForm{
		ID: c.ID, Version: c.Version, SubmittedAt: moment(c.SubmittedAt), Revision: c.Revision, Digest: c.Digest,
		Contributors: append([]Actor{}, c.Contributors...), Votes: make([]voteForm, len(c.Votes)),
		DecidedAt: moment(c.DecidedAt), Counted: orEmpty(c.Counted), NotAfter: moment(c.NotAfter),
		Runs: make([]runForm, len(c.Runs)), ReviewBy: moment(c.ReviewBy), Closed: c.Closed, ClosedAt: moment(c.ClosedAt), Last: moment(c.Last),
	}
	for i, v := range c.Votes {
		out.Votes[i] = voteForm{v.By, v.Revision, v.Digest, v.Choice, newSeats(v.Holds), v.Comment, moment(v.At), moment(v.NotAfter)}
	}
	for i, r := range c.Runs {
		out.Runs[i] = newRunForm(r)
	}
	if v := c.Validation; v != nil {
		out.Validation = &checkForm{v.By, v.Passed, v.Note}
	}
	if r := c.Review; r != nil {
		out.Review = &reviewForm{r.By, r.Findings}
	}
	if c.Discovered != nil {
		out.Discovered = &deploymentForm{newDeployment(*c.Discovered), c.Discovered.Note}
	} else {
		out.Decision = &c.Decision
	}
	if c.Change == nil {
		return out, nil
	}
	var err error
	if out.Change, err = c.Change.Canonical(); err != nil {
		return out, err
	}
	out.Ruling, err = newRulingForm(c.Ruling)
	return out, err
}

func newRulingForm(r Ruling) (*rulingForm, error) {
	sealed := personal{}
	body, err := newRuling(r, sealed)
	if err != nil {
		return nil, err
	}
	return &rulingForm{body, newOnCall(r.OnCall), json.RawMessage(sealed["classification"].(canonicalBytes))}, nil
}

func newRunForm(r Run) runForm {
	out := runForm{
		attemptBody: attemptBody(r.Attempt), By: r.By, Backout: r.Backout, StartedAt: moment(r.StartedAt), ReportBy: moment(r.ReportBy),
		Outcome: r.Outcome, ReportedAt: moment(r.ReportedAt), Note: r.Note,
	}
	if r.Outcome != 0 {
		by := r.ReportedBy
		out.ReportedBy = &by
	}
	return out
}
