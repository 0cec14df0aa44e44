package workload

import (
	"slices"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Options say what a workload is made of.
type Options struct {
	Rules   int
	Class   Class // of all rules; zero: the mix
	Opaque  bool  // one rule of twenty has a part that no index can answer
	Missing bool  // one fact of ten is missing
	Changes int   // 0: 1,000
}

// Workload is changes and rules. Changes, Missing and Requests go together by
// index.
type Workload struct {
	Rules    []Rule
	Changes  []Change
	Missing  []Fields // which of the fields are not known
	Requests []Request
}

// Request is a change as our own library takes it.
type Request struct {
	Change    *change.Change
	Situation risk.Situation
}

// New makes a workload. The same options give the same one.
func New(o Options) *Workload {
	const seed = 20260101
	if o.Changes == 0 {
		o.Changes = 1000
	}
	spread := spreadOf(changes(newDice(seed, 1), 2000))
	w := &Workload{Rules: make([]Rule, o.Rules), Changes: changes(newDice(seed, 2), o.Changes), Missing: make([]Fields, o.Changes)}
	for i := range w.Rules {
		w.Rules[i] = rule(i, o.Class, o.Opaque, spread)
	}
	d := newDice(seed, 3)
	for i := range w.Changes {
		if o.Missing {
			w.Missing[i] = d.missing()
		}
		w.Requests = append(w.Requests, request(&w.Changes[i], w.Missing[i]))
	}
	return w
}

// Sample is another thousand changes, from which an index may learn what is
// frequent.
func Sample() []Change { return changes(newDice(20250101, 4), 1000) }

// missing draws which facts are not known. Whether there is a way back always
// is, and the number of files is where the files are.
func (d dice) missing() Fields {
	var out Fields
	for f := range Field(NumFields) {
		if f != Backout && d.chance(0.1) {
			out |= 1 << f
		}
	}
	if out.Has(Files) {
		out |= 1 << Paths
	}
	return out
}

// request is the change as our own library takes it. What the fixed facts do
// not cover is in the organisation's attributes.
func request(c *Change, missing Fields) Request {
	stated := func(f Field) bool { return !missing.Has(f) }
	out := &change.Change{ID: "CHG-1", Kind: change.Code, Service: c.Service, Title: unless(missing, Title, c.Title),
		Requester:  change.Person{ID: "idp|alice", Kind: change.Human, Team: unless(missing, RequesterTeam, c.RequesterTeam)},
		Size:       &change.Size{LinesAdded: known(missing, LinesAdded, c.LinesAdded), LinesDeleted: known(missing, LinesDeleted, c.LinesDeleted)},
		Downtime:   known(missing, Downtime, c.Downtime),
		History:    history(c, missing),
		Attributes: map[string]any{},
	}
	if stated(Paths) {
		for _, p := range c.Paths {
			out.Files = append(out.Files, change.File{Path: p})
		}
	} else {
		out.Size.Files = known(missing, Files, c.Files)
	}
	for i := range c.Targets {
		if stated(Targets) {
			out.Targets = append(out.Targets, change.Target{Name: regions[i%len(regions)]})
		}
	}
	if c.Backout {
		out.Backout = &change.Backout{Plan: "redeploy the version before"}
	}
	for _, f := range []Field{Environment, Region, Kind} {
		if stated(f) {
			out.Attributes[f.String()] = c.Text(f)
		}
	}
	if stated(Labels) {
		out.Attributes[Labels.String()] = c.Labels
	}
	situation := risk.Situation{Service: serviceOf(c, missing), At: time.Date(2026, 5, 6, 14, 30, 0, 0, time.UTC), Zone: time.UTC}
	return Request{out, situation}
}

func history(c *Change, missing Fields) *change.History {
	return &change.History{
		ServiceChanges30d: known(missing, Changes30d, c.Changes30d), ServiceFailures90d: known(missing, Failures90d, c.Failures90d),
		ServiceFailureRate: known(missing, FailureRate, c.FailureRate), TeamFailureRate: known(missing, TeamFailureRate, c.TeamFailureRate),
		FilesDevelopers: known(missing, Developers, c.Developers), HoursSinceFailure: known(missing, HoursSinceFailure, c.HoursSinceFailure),
	}
}

func serviceOf(c *Change, missing Fields) *change.Service {
	return &change.Service{
		Name: unless(missing, Service, c.Service), Team: unless(missing, Team, c.Team), Kind: change.Digital, Stage: change.Live,
		Exposure: change.Exposure(unless(missing, Exposure, slices.Index(exposures, c.Exposure)+1)), Tier: unless(missing, Tier, c.Tier),
	}
}

// Read reads the fields of the request into a plain change, by hand: what it
// takes is the least that a program which holds a [change.Change] pays before
// any rule. All facts must be there.
func (r *Request) Read(c *Change) {
	from, service, past := r.Change, r.Situation.Service, r.Change.History
	*c = Change{
		Service: service.Name, Team: service.Team, Exposure: service.Exposure.String(), Tier: service.Tier,
		Title: from.Title, RequesterTeam: from.Requester.Team,
		LinesAdded: *from.Size.LinesAdded, LinesDeleted: *from.Size.LinesDeleted, Files: len(from.Files), Targets: len(from.Targets),
		Changes30d: *past.ServiceChanges30d, Failures90d: *past.ServiceFailures90d, Developers: *past.FilesDevelopers,
		FailureRate: *past.ServiceFailureRate, TeamFailureRate: *past.TeamFailureRate, HoursSinceFailure: *past.HoursSinceFailure,
		Downtime: *from.Downtime, Backout: from.Backout != nil,
		Paths: c.Paths[:0],
	}
	for i := range from.Files {
		c.Paths = append(c.Paths, from.Files[i].Path)
	}
	c.Environment, _ = from.Attributes["environment"].(string)
	c.Region, _ = from.Attributes["region"].(string)
	c.Kind, _ = from.Attributes["kind"].(string)
	c.Labels, _ = from.Attributes["labels"].([]string)
}

// known points to the value, unless the field is missing.
func known[T any](missing Fields, f Field, value T) *T {
	if missing.Has(f) {
		return nil
	}
	return &value
}

// unless is the value, or the zero value where the field is missing.
func unless[T any](missing Fields, f Field, value T) T {
	if missing.Has(f) {
		value = *new(T)
	}
	return value
}
