package change

import "slices"

// Service is what changes are made to. Its name is unique per tenant. Absent
// values are not known, as in a [Change].
type Service struct {
	Name                  string          `json:"name,omitzero"`
	Team                  string          `json:"team,omitzero"`    // who owns it
	OnCall                string          `json:"on_call,omitzero"` // where its on-call is reached
	Kind                  ServiceKind     `json:"kind,omitzero"`
	Stage                 Stage           `json:"stage,omitzero"`
	Tier                  int             `json:"tier,omitzero"` // 1 is the most critical; 0 is not stated
	Exposure              Exposure        `json:"exposure,omitzero"`
	Coupling              Coupling        `json:"coupling,omitzero"`
	Supplier              string          `json:"supplier,omitzero"`               // of a product that is bought
	Zone                  string          `json:"zone,omitzero"`                   // its owner's time zone, an IANA name
	Carries               []string        `json:"carries,omitzero"`                // the services that stand on it
	AutomatedDeployment   *bool           `json:"automated_deployment,omitzero"`   // deployments run by themselves
	AutomatedVerification *bool           `json:"automated_verification,omitzero"` // so do the checks after them
	NeedsOutage           *bool           `json:"needs_outage,omitzero"`           // it cannot change while it runs
	Availability          float64         `json:"availability,omitzero"`           // the target in percent, such as 99.9; 0 is not stated
	Deployments           Cadence         `json:"deployments,omitzero"`            // how often it is meant to be deployed
	Models                []Assignment    `json:"models,omitzero"`
	StandingClaims        []StandingClaim `json:"standing_claims,omitzero"`
}

// Assignment puts a service under an operating model from a day on.
// Assignments are history: the model in force is the latest that has begun; see
// [Service.ModelFor].
type Assignment struct {
	Model    OperatingModel `json:"model,omitzero"`
	From     Date           `json:"from,omitzero"`
	ReviewBy Date           `json:"review_by,omitzero"` // the day by which it must be looked at again; zero: none
	Kinds    []Kind         `json:"kinds,omitzero"`     // only for these kinds of change; nil: for all
}

// StandingClaim says for a pipeline what the on-call team would otherwise say
// for each change: changes of this service are standard under the template.
type StandingClaim struct {
	Template string `json:"template,omitzero"`
	By       string `json:"by,omitzero"` // who claims
	Reason   string `json:"reason,omitzero"`
	From     Date   `json:"from,omitzero"`
	Until    Date   `json:"until,omitzero"` // the last day on which it counts
}

// covers reports whether the assignment is for changes of kind k on day d.
func (a Assignment) covers(k Kind, d Date) bool {
	return !d.Before(a.From) && (a.Kinds == nil || slices.Contains(a.Kinds, k))
}

// ModelFor is the assignment in force on day d for changes of kind k: of those
// that have begun, one that names the kind before one for all kinds, and then
// the one that began last. So a general assignment never takes away what was
// said of one kind. It returns false when none has begun.
func (s *Service) ModelFor(k Kind, d Date) (Assignment, bool) {
	var best Assignment
	found := false
	for _, a := range s.Models {
		if !a.covers(k, d) {
			continue
		}
		narrower := a.Kinds != nil && best.Kinds == nil
		as := (a.Kinds == nil) == (best.Kinds == nil)
		if !found || narrower || as && best.From.Before(a.From) {
			best, found = a, true
		}
	}
	return best, found
}

// ReviewOverdue reports whether the model in force should have been reviewed
// before day d.
func (a Assignment) ReviewOverdue(d Date) bool {
	return !a.ReviewBy.IsZero() && a.ReviewBy.Before(d)
}

// Standing are the standing claims that count on day d, in the order in which
// they are listed.
func (s *Service) Standing(d Date) []StandingClaim {
	var out []StandingClaim
	for _, c := range s.StandingClaims {
		if !d.Before(c.From) && !c.Until.Before(d) {
			out = append(out, c)
		}
	}
	return out
}
