package change

import "time"

// Change is the request for change. The zero value of a field that may be
// absent means "not stated"; see the package documentation.
type Change struct {
	ID           string         `json:"id"`                    // the host's name for it, unique per tenant; also the caller's key: the same id again is the same request
	Title        string         `json:"title,omitzero"`        // one line
	Reason       string         `json:"reason,omitzero"`       // why the business wants it
	Kind         Kind           `json:"kind"`                  // what is changed
	Service      string         `json:"service"`               // on which service, by name
	Requester    Person         `json:"requester"`             // who asks
	Contributors []Contributor  `json:"contributors,omitzero"` // who else had a hand in it; none of them may approve it
	Targets      []Target       `json:"targets,omitzero"`      // where it goes, in order; each is started once
	Artifacts    []Artifact     `json:"artifacts,omitzero"`    // what is deployed
	Commits      []Commit       `json:"commits,omitzero"`      // what it is built from
	Files        []File         `json:"files,omitzero"`        // what was touched to make it
	Size         *Size          `json:"size,omitzero"`         // the same in numbers, where the files are too many or unknown
	Evidence     []Evidence     `json:"evidence,omitzero"`     // what was checked
	Attested     []Attestation  `json:"attested,omitzero"`     // which of these data somebody vouches for
	Plan         []Step         `json:"plan,omitzero"`         // how it is carried out
	Backout      *Backout       `json:"backout,omitzero"`      // the way back
	Validation   *Validation    `json:"validation,omitzero"`   // how success is seen
	Handover     *Handover      `json:"handover,omitzero"`     // what support needs to know
	Window       *Window        `json:"window,omitzero"`       // when, where a slot is asked for
	Downtime     *bool          `json:"downtime,omitzero"`     // whether users will notice an interruption
	Emergency    *Incident      `json:"emergency,omitzero"`    // present when an emergency change is asked for
	Claim        *Claim         `json:"claim,omitzero"`        // what the on-call team says of it
	Links        []Link         `json:"links,omitzero"`        // how it relates to other changes
	External     []External     `json:"external,omitzero"`     // its names in other systems
	History      *History       `json:"history,omitzero"`      // what is known of earlier changes like it
	Attributes   map[string]any `json:"attributes,omitzero"`   // the organisation's own facts: bool, string, number or list of strings
}

// Person is somebody as the caller's authentication knows them: an opaque
// subject, never a display name or an address that can be chosen.
type Person struct {
	ID   string     `json:"id"` // such as "idp|alice"; printable ASCII without space
	Kind PersonKind `json:"kind,omitzero"`
	Team string     `json:"team,omitzero"`
}

// Contributor is somebody with a hand in the change.
type Contributor struct {
	ID string `json:"id"`
	As Part   `json:"as"`
}

// Target is one place that the change goes to.
type Target struct {
	Name        string `json:"name"` // such as "prod/eu-west"
	Environment string `json:"environment,omitzero"`
	Region      string `json:"region,omitzero"`
}

// Artifact is something that is deployed: an image, a rendered manifest, the
// state of a flag; whatever it is, its digest names it.
type Artifact struct {
	Name    string `json:"name"`
	Version string `json:"version,omitzero"` // as people call it
	Digest  Digest `json:"digest"`
}

// Commit is one revision of a source repository.
type Commit struct {
	Repository string `json:"repository"`
	ID         string `json:"id"`
}

// File is one file that was touched. Path is relative to the root of its
// repository, with forward slashes. Lines that are absent are not known.
type File struct {
	Path    string `json:"path"`
	Added   *int   `json:"added,omitzero"`
	Deleted *int   `json:"deleted,omitzero"`
}

// Size is how much was touched.
type Size struct {
	Files        *int `json:"files,omitzero"`
	Directories  *int `json:"directories,omitzero"`
	LinesAdded   *int `json:"lines_added,omitzero"`
	LinesDeleted *int `json:"lines_deleted,omitzero"`
}

// Evidence is the result of one check, and where it comes from.
type Evidence struct {
	Name   string    `json:"name"` // a name that the policy declares, such as "smoke"
	Result Result    `json:"result"`
	By     string    `json:"by,omitzero"`  // who or what ran the check
	At     time.Time `json:"at,omitzero"`  // when it ended
	Ref    string    `json:"ref,omitzero"` // where it can be seen
}

// Attestation says who vouches for which data of the change. Without one, all
// data are only stated by the requester. Data that it covers count as
// observed. Only the host may add attestations: [Decode] refuses them unless
// it is told that the bytes come from somebody who may attest.
type Attestation struct {
	By     string   `json:"by"`           // such as "ci/payments"
	Covers []string `json:"covers"`       // names of data; see [Attestable]
	Ref    string   `json:"ref,omitzero"` // where the signed statement is
}

// Step is one step of the plan, and who takes it.
type Step struct {
	Title     string `json:"title"`
	Party     string `json:"party"`              // "owner", or another side: a vendor, a DBA, the network team
	Automated *bool  `json:"automated,omitzero"` // absent: not known
	Backout   string `json:"backout,omitzero"`   // how this step is taken back
}

// Backout is the way back. Rolling back to the artifact that it names needs
// nobody's approval.
type Backout struct {
	Artifact *Artifact `json:"artifact,omitzero"`
	Plan     string    `json:"plan,omitzero"`
}

// Validation is how the success of the change will be seen, by whom, and how
// soon after the deployment.
type Validation struct {
	Party     Party    `json:"party"`
	Checks    []string `json:"checks,omitzero"`
	Automated *bool    `json:"automated,omitzero"`
	Within    int      `json:"within_minutes,omitzero"` // minutes; 0 is not stated
}

// Handover is what support needs to know when the deployer is not the builder.
type Handover struct {
	Built string `json:"built"` // what was built
	Why   string `json:"why"`   // why that way
	Watch string `json:"watch"` // what to watch in support
}

// Window is when the change is to be deployed, from Start to before End.
type Window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Incident is why a change is an emergency.
type Incident struct {
	ID       string `json:"incident"`
	Reason   string `json:"reason"`
	Severity int    `json:"severity,omitzero"` // 1 is the worst
}

// Claim is what the on-call team says of its own change.
type Claim struct {
	Type     Type   `json:"type"`              // standard or normal
	Template string `json:"template,omitzero"` // which template, for a standard change
	By       string `json:"by"`                // who says so
	Reason   string `json:"reason,omitzero"`
}

// Link relates the change to another one.
type Link struct {
	Relation Relation `json:"rel"`
	ID       string   `json:"id"`
}

// External is the change's name in another system.
type External struct {
	System string `json:"system"`
	ID     string `json:"id"`
}

// History is what is known of earlier changes to the same things, counted from
// outcomes that were known when the change was asked for. Rates are failed
// changes over all changes, from 0 to 1.
type History struct {
	ServiceChanges30d  *int     `json:"service_changes_30d,omitzero"`  // changes to the service in the last 30 days
	ServiceFailures90d *int     `json:"service_failures_90d,omitzero"` // failed changes to it in the last 90 days
	ServiceFailureRate *float64 `json:"service_failure_rate,omitzero"` // failed changes to it over all of them, 0 to 1
	TeamFailureRate    *float64 `json:"team_failure_rate,omitzero"`    // the same for the team that owns it
	FilesChanges       *int     `json:"files_changes,omitzero"`        // earlier changes to these files
	FilesFailures90d   *int     `json:"files_failures_90d,omitzero"`   // failed ones of them in the last 90 days
	FilesFailureRate   *float64 `json:"files_failure_rate,omitzero"`   // failed ones over all of them, 0 to 1
	FilesDevelopers    *int     `json:"files_developers,omitzero"`     // how many people changed them before
	FilesAgeDays       *float64 `json:"files_age_days,omitzero"`       // mean days since their last change
	RequesterChanges   *int     `json:"requester_changes,omitzero"`    // earlier changes by the requester
	SystemChanges24h   *int     `json:"system_changes_24h,omitzero"`   // changes to anything in the last 24 hours
	SystemFailures7d   *int     `json:"system_failures_7d,omitzero"`   // failures of anything in the last 7 days
	HoursSinceFailure  *float64 `json:"hours_since_failure,omitzero"`  // since the service's last failed change
	HoursSinceOwnLast  *float64 `json:"hours_since_own_last,omitzero"` // since the requester's last change
}
