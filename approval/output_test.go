package approval

import (
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// line is the form of a classification on an output stream, as encoding/json
// writes it: the oracle of AppendJSON.
type line struct {
	ID          string         `json:"id"`
	Type        change.Type    `json:"type"`
	Level       risk.Level     `json:"level"`
	Score       int            `json:"score"`
	Regular     bool           `json:"regular"`
	LowRisk     bool           `json:"low_risk"`
	Template    string         `json:"template"`
	Model       string         `json:"model"`
	Override    int            `json:"override,omitzero"`
	Assumed     []string       `json:"assumed"`
	Why         []string       `json:"why"`
	Reasons     []reasonLine   `json:"reasons"`
	Unknowns    []unknownLine  `json:"unknowns"`
	Faults      []faultLine    `json:"faults"`
	Window      *change.Window `json:"window,omitzero"`
	Freezes     []string       `json:"freezes"`
	Requirement Requirement    `json:"requirement"`
	ReviewBy    *time.Time     `json:"review_by,omitzero"`
	At          time.Time      `json:"at"`
	Change      change.Digest  `json:"change"`
	Policy      change.Digest  `json:"policy"`
	Error       string         `json:"error,omitzero"`
}

type reasonLine struct {
	Rule    string     `json:"rule"`
	Points  int        `json:"points"`
	Floor   string     `json:"floor,omitzero"`
	Because string     `json:"because"`
	Basis   risk.Basis `json:"basis"`
	Seen    []seenLine `json:"seen"`
}

type seenLine struct {
	Fact       string `json:"fact"`
	State      string `json:"state"`
	Provenance string `json:"provenance"`
	Value      any    `json:"value,omitempty"`
	Left       int    `json:"left_out,omitzero"` // elements of a list, or characters of a text, beyond those shown
}

type unknownLine struct {
	Fact  string   `json:"fact"`
	Why   string   `json:"why"` // "missing" or "only stated"
	Rules []string `json:"rules"`
}

type faultLine struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// OracleLine is what AppendJSON must write.
func OracleLine(c Classification) ([]byte, error) {
	l := line{
		ID: c.ID, Type: c.Type, Level: c.Assessment.Level, Score: c.Assessment.Score, Regular: c.Regular, LowRisk: c.LowRisk,
		Template: c.Template, Model: c.Model, Override: c.Override, Assumed: orEmpty(c.Assumed), Why: orEmpty(c.Why),
		Reasons: []reasonLine{}, Unknowns: []unknownLine{}, Faults: []faultLine{}, Freezes: orEmpty(c.Freezes),
		Window: c.Window, Requirement: c.Requirement, At: c.At, Change: c.Change, Policy: c.Policy,
	}
	for _, r := range c.Assessment.Reasons {
		l.Reasons = append(l.Reasons, newReasonLine(r))
	}
	for _, m := range c.Assessment.Unknowns {
		l.Unknowns = append(l.Unknowns, unknownLine{m.Fact, missingWhy(m), orEmpty(m.Rules)})
	}
	for _, f := range c.Faults {
		l.Faults = append(l.Faults, faultLine(f))
	}
	if !c.ReviewBy.IsZero() {
		l.ReviewBy = &c.ReviewBy
	}
	if c.Err != nil {
		l.Error = c.Err.Error()
	}
	return plainJSON(l)
}

func newReasonLine(r risk.Reason) reasonLine {
	out := reasonLine{Rule: r.Rule, Points: r.Points, Because: r.Because, Basis: r.Basis, Seen: []seenLine{}}
	if r.Floor.Assessed() {
		out.Floor = r.Floor.String()
	}
	for _, f := range r.Seen {
		out.Seen = append(out.Seen, newSeenLine(f))
	}
	return out
}

// newSeenLine repeats a fact, long values in part: each rule that looked at the
// paths of a large change would otherwise repeat them all.
func newSeenLine(f risk.Fact) seenLine {
	out := seenLine{Fact: f.Name, State: f.State.String(), Provenance: f.Provenance.String(), Value: f.Value()}
	switch v := f.Value().(type) {
	case []string:
		if len(v) > mostElements {
			out.Value, out.Left = v[:mostElements], len(v)-mostElements
		}
	case string:
		if r := []rune(v); len(r) > mostCharacters {
			out.Value, out.Left = string(r[:mostCharacters]), len(r)-mostCharacters
		}
	}
	return out
}
