package approval

import (
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// Delivery is one deployment under an authorisation, with what was delivered,
// by whom and by whose leave: one line of the measures of delivery, such as how
// often is deployed, how long that takes and how often it fails.
type Delivery struct {
	Case        string
	Revision    int
	Service     string
	Environment string // of the target; "" where the change does not say
	Target      string // "" where the change names none
	Artifact    change.Artifact
	Commits     []change.Commit // what the change is built from; none for a way back, which takes them out
	Deployer    Actor
	Backout     bool
	StartedAt   time.Time
	EndedAt     time.Time // when its outcome was reported to have come about; zero: not yet
	Outcome     Outcome   // zero: not known

	Template        string        // that has approved it; "" where people have
	TemplateVersion change.Digest // of its definition
	ApprovedBy      []string      // the persons whose votes have approved it; none under a template

	SubmittedAt time.Time     // of the first content of the request
	LeadTime    time.Duration // from there to EndedAt; zero while it has not ended
}

// Deployments lists what has been deployed under the case, ways back too, in
// the order in which it was started. A deployment that nobody had authorised
// is none of them: see Discovered.
func (c Case) Deployments() []Delivery {
	if c.Change == nil {
		return nil
	}
	out := make([]Delivery, len(c.Runs))
	for i, r := range c.Runs {
		out[i] = c.delivery(r)
	}
	return out
}

func (c Case) delivery(r Run) Delivery {
	out := Delivery{
		Case: c.ID, Revision: c.Revision, Service: c.service(), Environment: c.environment(r.Target), Target: r.Target, Artifact: c.artifact(r),
		Deployer: r.By, Backout: r.Backout, StartedAt: r.StartedAt, EndedAt: r.ReportedAt, Outcome: r.Outcome,
		ApprovedBy: slices.Clone(c.Counted), SubmittedAt: c.SubmittedAt,
	}
	if !r.Backout {
		out.Commits = slices.Clone(c.Change.Commits)
	}
	if pre, ok := c.Ruling.Requirement.(PreApproval); ok {
		out.Template, out.TemplateVersion = pre.Template, pre.Version
	}
	if !r.ReportedAt.IsZero() {
		out.LeadTime = r.ReportedAt.Sub(c.SubmittedAt)
	}
	return out
}

func (c Case) environment(target string) string {
	for _, t := range c.Change.Targets {
		if t.Name == target {
			return t.Environment
		}
	}
	return ""
}

// artifact is what the run is of, as the change names it; a change without
// artifacts is its own.
func (c Case) artifact(r Run) change.Artifact {
	known := c.Change.Artifacts
	if b := c.Change.Backout; r.Backout && b != nil && b.Artifact != nil {
		known = []change.Artifact{*b.Artifact}
	}
	for _, a := range known {
		if a.Digest == r.Artifact {
			return a
		}
	}
	return change.Artifact{Digest: r.Artifact}
}
