package approval

import (
	"encoding/json"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Definition is what a policy is made from: in Go, or by [Load] from files.
type Definition struct {
	Name       string                  `json:"name"`
	Evidence   []string                `json:"evidence,omitzero"`   // the checks that conditions may read
	Attributes json.RawMessage         `json:"attributes,omitzero"` // JSON Schema of the organisation's own facts
	Applies    []risk.Applicability    `json:"applies,omitzero"`    // facts that have no meaning for some services
	Sets       []risk.Set              `json:"sets,omitzero"`       // long lists that conditions name as sets.NAME
	Groups     []Group                 `json:"groups,omitzero"`     // who can hold a seat together
	Roles      []string                `json:"roles,omitzero"`      // what one person can hold a seat as
	Models     []change.OperatingModel `json:"models,omitzero"`     // besides the presets
	Services   []change.Service        `json:"services"`
	Calendar   Calendar                `json:"calendar,omitzero"`
	Risk       risk.Definition         `json:"risk"`
	Templates  []Template              `json:"templates,omitzero"`
	Forbid     []Forbid                `json:"forbid,omitzero"` // what is never standard, whatever a template says
	Authority  Authority               `json:"authority"`

	sources sources
}

// Group is a body whose members can fill seats, such as the CAB. Who they are is
// the directory's to say.
type Group struct {
	Name string `json:"name"` // as needs name it
	Size int    `json:"size"` // how many members it has at least; a quorum above it can never be met, and does not load
}

// Calendar is the organisation's working time and its freezes.
type Calendar struct {
	Working *WorkingTime `json:"working_time,omitzero"`
	Freezes []Freeze     `json:"freezes,omitzero"`
}

// WorkingTime is when people are at work. A service with a zone of its own has
// these hours there.
type WorkingTime struct {
	Days     string        `json:"days"`  // such as "mon-fri"
	Hours    string        `json:"hours"` // such as "09:00-17:30"
	Zone     string        `json:"zone"`  // an IANA name
	Holidays []change.Date `json:"holidays,omitzero"`
}

// Freeze is a time of caution: it lowers the ceiling of every template,
// and may add a seat to what is decided. It never lets anything pass that
// would not pass without it.
type Freeze struct {
	ID              string            `json:"id"`
	Every           change.Recurrence `json:"every"`
	For             string            `json:"for,omitzero"`              // a condition over facts of the service; "": all
	Ceiling         string            `json:"ceiling"`                   // the highest level that can still be standard, or "none"
	HoldEmergencies bool              `json:"hold_emergencies,omitzero"` // emergencies need the override seat as well
	Override        string            `json:"override,omitzero"`         // the role whose seat is added to a normal change
	Because         string            `json:"because,omitzero"`

	src, only source
}

// Template is a pre-approved standard change in the catalogue: the definition,
// not its state, which is in the log.
type Template struct {
	ID       string      `json:"id"`
	Owner    string      `json:"owner"`             // who answers for it
	Ceiling  string      `json:"ceiling"`           // the highest level of risk that it covers
	Approved Approval    `json:"approved"`          // who pre-approved it
	Ends     change.Date `json:"ends"`              // the last day on which it counts
	BoundTo  Binding     `json:"bound_to,omitzero"` // what the service was like when it was approved
	Covers   string      `json:"covers"`            // the envelope: what is regular
	Except   string      `json:"except,omitzero"`   // what is not, after all
	Because  string      `json:"because,omitzero"`  // what it is for
	Suspend  *Suspension `json:"suspend,omitzero"`  // when it loses its approval
	src      source
	nodes    map[string]source
}

// Approval says who approved a template, when, and where that can be seen.
type Approval struct {
	By  string      `json:"by"`
	On  change.Date `json:"on"`
	Ref string      `json:"ref,omitzero"`
}

// Binding is what a service was like when the template was approved. A service
// that is no longer like it is not covered until the template is approved
// again. An empty list binds nothing.
type Binding struct {
	Stages    []change.Stage    `json:"stages,omitzero"`
	Tiers     []int             `json:"tiers,omitzero"`
	Exposures []change.Exposure `json:"exposures,omitzero"`
}

// Suspension is what suspends a template by itself.
type Suspension struct {
	FailureRateAbove float64 `json:"failure_rate_above,omitzero"` // 0 to 1
	Confidence       float64 `json:"confidence,omitzero"`         // of the bound on the rate, 0 to 1
	Severity         int     `json:"severity,omitzero"`           // one incident this severe or worse; 1 is the worst
	FixesPassHours   int     `json:"fixes_pass_hours,omitzero"`   // fixes of its own changes still pass for this long
}

// Forbid says what is never standard: one that holds beats any template.
type Forbid struct {
	ID      string `json:"id"`
	When    string `json:"when"`
	Because string `json:"because"`
	src     source
	when    source
}

// Authority says who must say yes.
type Authority struct {
	Default []Need          `json:"default"` // when no rule matches, or it is not known whether one does
	Rules   []AuthorityRule `json:"rules,omitzero"`
	src     source
}

// AuthorityRule adds seats to what a change needs. Rules add up: each that
// matches adds its own.
type AuthorityRule struct {
	When    string `json:"when,omitzero"` // over the facts, type and level; "": always
	Needs   []Need `json:"needs"`         // all of them
	Because string `json:"because,omitzero"`
	Review  string `json:"review_within,omitzero"` // a review is due so long after: "3 working days", "72 hours"
	src     source
	when    source
}

// Need is one thing that is needed: a seat of a group or a role, or any one of
// several things.
type Need struct {
	Group  string `json:"group,omitzero"`
	Role   string `json:"role,omitzero"`
	Quorum int    `json:"quorum,omitzero"` // how many; 0 means 1
	Each   string `json:"each,omitzero"`   // the role for each carried service of which this holds
	Any    []Need `json:"any,omitzero"`
	src    source
	each   source
}
