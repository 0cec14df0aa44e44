package approval

import (
	"encoding/json"
	"time"

	"github.com/changelane/changelane/change"
)

// Decision is what was decided about a case. The zero Decision is pending.
type Decision uint8

// The decisions. All but Pending and Authorized are final.
const (
	Pending Decision = iota
	Authorized
	Rejected
	Expired
	Cancelled
)

// Outcome is how a deployment ended. The zero Outcome is not known.
type Outcome uint8

// The outcomes.
const (
	Succeeded Outcome = iota + 1
	Partial           // some of it works
	Failed
	RolledBack
)

// Choice is a yes or a no.
type Choice uint8

// The choices.
const (
	Approve Choice = iota + 1
	Reject
)

// Vote is what one person says to one revision of a case.
type Vote struct {
	By       Actor
	Revision int           // that the voter saw
	Digest   change.Digest // of its content
	Choice   Choice
	Holds    []Seat // the seats of the requirement that the person could take, as the directory said then
	Comment  string
	At       time.Time `json:"-"` // set by the fold
	NotAfter time.Time // it no longer counts after that
}

// Ruling is what a classification binds a case to.
type Ruling struct {
	At          time.Time
	Type        change.Type
	Level       string
	Score       int
	Requirement Requirement
	Model       change.OperatingModel // in force; the zero model: none is
	Template    string
	Override    int
	Window      *change.Window
	ReviewBy    time.Time
	Policy      change.Digest
	Line        json.RawMessage // the whole classification, as its one line
	Templates   map[string]TemplateStatus
	OnCall      map[string]bool
	ZoneData    string // digest of the zone data
	Engine      string // version of the rules' meaning; see EngineVersion
}

// Attempt is one deployment: what goes where. Its id is the caller's, such as
// the id of a pipeline run.
type Attempt struct {
	ID       string        `json:"id"`
	Artifact change.Digest `json:"artifact"`        // of one of the change's artifacts, or of its way back; of the change itself where it names none
	Target   string        `json:"target,omitzero"` // one of the change's targets by name; "" where it names none
}

// Run is an attempt and what became of it.
type Run struct {
	Attempt
	By         Actor
	Backout    bool
	StartedAt  time.Time
	ReportBy   time.Time
	Outcome    Outcome // zero: not reported
	ReportedAt time.Time
	ReportedBy Actor
	Note       string
}

// Deployment is one that was seen in production.
type Deployment struct {
	ID       string        `json:"id"`            // the attempt's, or the deploy tool's own
	Case     string        `json:"case,omitzero"` // the id that it was reported under; "" when that is not known
	Service  string        `json:"service,omitzero"`
	Artifact change.Digest `json:"artifact,omitzero"`
	Target   string        `json:"target,omitzero"`
	At       time.Time     `json:"at"`
	Outcome  Outcome       `json:"outcome,omitzero"` // zero: not known
	Note     string        `json:"note,omitzero"`
}

// Case is one change's life: what its events add up to. Its zero value is no
// case. Cases are values; whoever has one may read all of it, and its methods
// change nothing: those that act return the events to record.
type Case struct {
	ID           string
	Version      uint64 // how many events it has had
	SubmittedAt  time.Time
	Revision     int
	Change       *change.Change // nil for a discovered deployment
	Digest       change.Digest
	Contributors []Actor
	Ruling       Ruling
	Votes        []Vote // one a person, in order of arrival
	Decision     Decision
	DecidedAt    time.Time
	Counted      []string
	NotAfter     time.Time // pending: when the request lapses; authorized: when the authorisation does
	Runs         []Run
	Validation   *Validated
	Review       *Reviewed
	ReviewBy     time.Time // when a review is owed by; zero: none is owed
	Closed       bool
	ClosedAt     time.Time
	Discovered   *Deployment
	Last         time.Time // of its last event: no command is accepted with an earlier time

	occurred time.Time // of its last event
}

// Validity is how long things hold.
type Validity struct {
	Request time.Duration // an undecided request that names no window
	Vote    time.Duration
	Use     time.Duration // an authorisation that is not used, of a change that names no window; how long the way back is open after a start
	Report  time.Duration // an outcome is overdue after that
	Review  time.Duration // a review is overdue after that, where no rule of the policy is sooner
}

// Queues in which cases stand.
const (
	QueueApproval   = "change-management" // to be decided, emergencies first, then by time of submission
	QueueDeployment = "deployment"        // authorised and not all started, by planned time
	QueueOutcome    = "outcome"           // started and not reported, by the time when that is due
	QueueValidation = "validation"        // deployed and to be validated
	QueueReview     = "review"            // owing a review, by the day when that is due
)
