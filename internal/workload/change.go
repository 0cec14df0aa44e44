package workload

// Change is a change as a program of its own would have it: plain data, 23
// fields. The tags name the fields in expr.
type Change struct {
	Service           string   `expr:"service"`
	Team              string   `expr:"team"`
	Environment       string   `expr:"environment"`
	Region            string   `expr:"region"`
	Kind              string   `expr:"kind"`
	Title             string   `expr:"title"`
	RequesterTeam     string   `expr:"requester_team"`
	Exposure          string   `expr:"exposure"`
	Tier              int      `expr:"tier"`
	LinesAdded        int      `expr:"lines_added"` // never 0
	LinesDeleted      int      `expr:"lines_deleted"`
	Files             int      `expr:"files"`
	Targets           int      `expr:"targets"`
	Changes30d        int      `expr:"changes_30d"`
	Failures90d       int      `expr:"failures_90d"`
	Developers        int      `expr:"developers"`
	FailureRate       float64  `expr:"failure_rate"`
	TeamFailureRate   float64  `expr:"team_failure_rate"`
	HoursSinceFailure float64  `expr:"hours_since_failure"`
	Downtime          bool     `expr:"downtime"`
	Backout           bool     `expr:"backout"`
	Paths             []string `expr:"paths"`
	Labels            []string `expr:"labels"`
}

// Field is one field of a [Change], in its order.
type Field uint8

// The fields, by type: texts, numbers, flags, lists.
const (
	Service Field = iota
	Team
	Environment
	Region
	Kind
	Title
	RequesterTeam
	Exposure
	Tier
	LinesAdded
	LinesDeleted
	Files
	Targets
	Changes30d
	Failures90d
	Developers
	FailureRate
	TeamFailureRate
	HoursSinceFailure
	Downtime
	Backout
	Paths
	Labels
	NumFields = iota
)

// names are what a field is called: in plain structures, and as a fact of a
// policy.
var names = [NumFields]struct{ plain, fact string }{
	Service:           {"service", "service.name"},
	Team:              {"team", "service.team"},
	Environment:       {"environment", "attributes.environment"},
	Region:            {"region", "attributes.region"},
	Kind:              {"kind", "attributes.kind"},
	Title:             {"title", "change.title"},
	RequesterTeam:     {"requester_team", "requester.team"},
	Exposure:          {"exposure", "service.exposure"},
	Tier:              {"tier", "service.tier"},
	LinesAdded:        {"lines_added", "change.lines_added"},
	LinesDeleted:      {"lines_deleted", "change.lines_deleted"},
	Files:             {"files", "change.files"},
	Targets:           {"targets", "change.targets"},
	Changes30d:        {"changes_30d", "history.service_changes_30d"},
	Failures90d:       {"failures_90d", "history.service_failures_90d"},
	Developers:        {"developers", "history.files_developers"},
	FailureRate:       {"failure_rate", "history.service_failure_rate"},
	TeamFailureRate:   {"team_failure_rate", "history.team_failure_rate"},
	HoursSinceFailure: {"hours_since_failure", "history.hours_since_failure"},
	Downtime:          {"downtime", "change.downtime"},
	Backout:           {"backout", "change.backout"},
	Paths:             {"paths", "change.paths"},
	Labels:            {"labels", "attributes.labels"},
}

// String is the name of the field in plain structures.
func (f Field) String() string { return names[f].plain }

// Decimal reports whether the field holds a decimal number.
func (f Field) Decimal() bool { return f >= FailureRate && f <= HoursSinceFailure }

// Fields is a set of fields.
type Fields uint32

// Has reports whether the field is in the set.
func (s Fields) Has(f Field) bool { return s>>f&1 != 0 }

// Text is the value of a field that holds a text.
func (c *Change) Text(f Field) string {
	return *[...]*string{&c.Service, &c.Team, &c.Environment, &c.Region, &c.Kind, &c.Title, &c.RequesterTeam, &c.Exposure}[f]
}

// Number is the value of a field that holds a number.
func (c *Change) Number(f Field) float64 {
	switch f {
	case FailureRate:
		return c.FailureRate
	case TeamFailureRate:
		return c.TeamFailureRate
	case HoursSinceFailure:
		return c.HoursSinceFailure
	}
	return float64(c.Int(f))
}

// Int is the value of a field that holds a whole number.
func (c *Change) Int(f Field) int {
	return *[...]*int{&c.Tier, &c.LinesAdded, &c.LinesDeleted, &c.Files, &c.Targets, &c.Changes30d, &c.Failures90d, &c.Developers}[f-Tier]
}

// Flag is the value of a field that is true or false.
func (c *Change) Flag(f Field) bool {
	if f == Downtime {
		return c.Downtime
	}
	return c.Backout
}

// List is the value of a field that holds a list.
func (c *Change) List(f Field) []string {
	if f == Paths {
		return c.Paths
	}
	return c.Labels
}
