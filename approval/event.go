package approval

import (
	"time"

	"github.com/changelane/changelane/change"
)

// Event is one thing that happened to a case. It is a closed sum. A case is
// what its events add up to; see [Fold].
type Event interface{ event() }

// Stamped is an event with its times.
type Stamped struct {
	Occurred time.Time // when it happened
	Recorded time.Time // when it was written down; never before the event before it
	Event    Event
}

// Actor is whoever did something: the identity that the caller authenticated,
// and the person that the directory knows by it.
type Actor struct {
	Identity string            `json:"identity"`        // such as "idp|alice"
	Person   string            `json:"person,omitzero"` // the canonical identity of the person; "": the directory knows nobody
	Kind     change.PersonKind `json:"kind,omitzero"`
}

// Submitted is a request for change that came in, and how it was classified.
type Submitted struct{ Content }

// Edited is other content for a case: its votes are gone.
type Edited struct{ Content }

// Content is what a case is about, in one revision.
type Content struct {
	By           Actor
	Revision     int // from 1
	Change       *change.Change
	Digest       change.Digest
	Contributors []Actor // everybody who had a hand in this content; none of them may vote
	Ruling       Ruling
	NotAfter     time.Time // the request lapses when it is not decided by then
}

// Reclassified is a ruling that asks for more than the one before it: votes
// and authorisation are gone.
type Reclassified struct {
	Ruling   Ruling
	NotAfter time.Time
}

// Voted is a yes or a no of one person to one revision. It takes the place of
// an earlier vote of that person.
type Voted struct{ Vote }

// Withdrawn is a vote taken back before the decision.
type Withdrawn struct{ By Actor }

// Decided is the decision that the votes, or a template, add up to.
type Decided struct {
	Decision Decision  // authorized or rejected
	Counted  []string  // the persons whose votes fill the seats; none under a template
	NotAfter time.Time // an authorisation is used by then
}

// CalledOff is a request that is no longer wanted.
type CalledOff struct {
	By     Actor
	Reason string
}

// Lapsed is a request or an authorisation that nobody used in time.
type Lapsed struct{}

// Started is one deployment that used the authorisation.
type Started struct {
	By       Actor
	Attempt  Attempt
	Backout  bool      // to the artifact that the plan goes back to
	ReportBy time.Time // its outcome is overdue after that
}

// Reported is how an attempt ended.
type Reported struct {
	By       Actor
	Attempt  string
	Outcome  Outcome
	Note     string
	ReviewBy time.Time `json:"ReviewBy,omitzero"` // of the review that it makes owed; set by [Case.Report]
}

// Validated is the check after the deployment.
type Validated struct {
	By       Actor
	Passed   bool
	Note     string
	ReviewBy time.Time `json:"ReviewBy,omitzero"` // of the review that it makes owed; set by [Case.Validate]
}

// Reviewed is the post-implementation review.
type Reviewed struct {
	By       Actor
	Findings string
}

// Closed is the end of a case of which nothing is owed any more.
type Closed struct{}

// Discovered is a deployment that nobody had authorised: a case of its own,
// of which a review is owed.
type Discovered struct {
	By         Actor
	Deployment Deployment
	ReviewBy   time.Time
}

func (Submitted) event()    {}
func (Edited) event()       {}
func (Reclassified) event() {}
func (Voted) event()        {}
func (Withdrawn) event()    {}
func (Decided) event()      {}
func (CalledOff) event()    {}
func (Lapsed) event()       {}
func (Started) event()      {}
func (Reported) event()     {}
func (Validated) event()    {}
func (Reviewed) event()     {}
func (Closed) event()       {}
func (Discovered) event()   {}
