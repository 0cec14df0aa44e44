package risk

import (
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// fixedFacts are the facts that every policy has, group by group. The package
// documentation lists them; a test holds the two together.
func fixedFacts(opts VocabularyOptions) []definition {
	fixed := slices.Concat(changeFacts(), requesterFacts(), serviceFacts("service", opts, theService), timeFacts(), historyFacts())
	if opts.Carried {
		fixed = append(fixed, serviceFacts("carried", opts, carriedService)...)
	}
	return fixed
}

func changeFacts() []definition {
	kinds := words(6, func(i int) string { return change.Kind(i).String() })
	return []definition{
		wordFact("change.kind", "kind", "what is changed", kinds, func(r *reading, to *rule.Value) { *to = word(kinds, uint8(r.change.Kind)) }),
		textFact("change.title", "title", "one line that names it", change.MaxText, func(r *reading, to *rule.Value) { *to = text(r.change.Title) }),
		textFact("change.reason", "reason", "why the business wants it", change.MaxText, func(r *reading, to *rule.Value) { *to = text(r.change.Reason) }),
		{rule.Fact{Name: "change.paths", Type: rule.List, Items: change.MaxFiles, Bytes: change.MaxPathBytes}, "the touched files; touches(\"dir/**\") looks at them", "files", by(paths)},
		plainFact(rule.Int, "change.files", "files", "how many files are touched", func(r *reading, to *rule.Value) { *to = fromFiles(r, counted(r.change.Files), r.size.Files) }),
		plainFact(rule.Int, "change.directories", "files", "how many folders are touched", by(directories)),
		plainFact(rule.Int, "change.lines_added", "files", "lines added", func(r *reading, to *rule.Value) { *to = lines(r, r.counted().added, r.size.LinesAdded) }),
		plainFact(rule.Int, "change.lines_deleted", "files", "lines deleted", func(r *reading, to *rule.Value) { *to = lines(r, r.counted().deleted, r.size.LinesDeleted) }),
		plainFact(rule.Int, "change.lines_changed", "files", "lines added and deleted, together", by(linesChanged)),
		listFact("change.environments", "targets", "the environments it goes to", nil, func(r *reading, to *rule.Value) {
			*to = stated(r, r.change.Targets, func(t *change.Target) string { return t.Environment })
		}),
		listFact("change.regions", "targets", "the regions it goes to", nil, func(r *reading, to *rule.Value) {
			*to = stated(r, r.change.Targets, func(t *change.Target) string { return t.Region })
		}),
		plainFact(rule.Int, "change.targets", "targets", "how many places it goes to", func(r *reading, to *rule.Value) { *to = counted(r.change.Targets) }),
		plainFact(rule.Int, "change.artifacts", "artifacts", "how many artifacts are deployed", func(r *reading, to *rule.Value) { *to = counted(r.change.Artifacts) }),
		plainFact(rule.Bool, "change.downtime", "downtime", "users will notice an interruption", func(r *reading, to *rule.Value) { *to = truth(r.change.Downtime) }),
		plainFact(rule.Bool, "change.backout", "backout", "the change names a way back", func(r *reading, to *rule.Value) { *to = rule.BoolValue(r.change.Backout != nil) }),
		plainFact(rule.Int, "change.steps", "plan", "steps of the plan", func(r *reading, to *rule.Value) { *to = counted(r.change.Plan) }),
		plainFact(rule.Int, "change.manual_steps", "plan", "steps of the plan that people carry out", by(manualSteps)),
		listFact("change.parties", "plan", "the sides that take part, the owner apart", nil, by(parties)),
		plainFact(rule.Int, "change.contributors", "contributors", "how many people besides the requester had a hand in it", by(contributors)),
		plainFact(rule.Int, "change.depends_on", "links", "how many other changes it depends on", by(linked(change.DependsOn))),
		plainFact(rule.Int, "change.fixes", "links", "how many other changes it repairs", by(linked(change.Fixes))),
		plainFact(rule.Int, "change.reverts", "links", "how many other changes it takes back", by(linked(change.Reverts))),
		plainFact(rule.Int, "change.deployed_with", "links", "how many other changes it goes out in lockstep with", by(linked(change.DeployedWith))),
		plainFact(rule.Bool, "change.validation_automated", "validation", "the checks after deployment run by themselves", by(func(r *reading) rule.Value {
			if r.change.Validation == nil {
				return rule.Value{}
			}
			return truth(r.change.Validation.Automated)
		})),
		plainFact(rule.Float, "change.lead_hours", "window", "hours from now to the start of the window", by(leadHours)),
		plainFact(rule.Bool, "change.emergency", "emergency", "an emergency change is asked for", func(r *reading, to *rule.Value) { *to = rule.BoolValue(r.change.Emergency != nil) }),
	}
}

func paths(r *reading) rule.Value {
	if r.change.Files == nil {
		return rule.Value{}
	}
	if len(r.change.Files) == 0 {
		return rule.ListValue([]string{})
	}
	start := len(r.texts)
	for i := range r.change.Files {
		r.texts = append(r.texts, r.change.Files[i].Path)
	}
	return rule.ListValue(slices.Clip(r.texts[start:]))
}

// fromFiles prefers what is counted over what is stated as a size.
func fromFiles(r *reading, fromList rule.Value, size *int) rule.Value {
	if r.change.Files != nil {
		return fromList
	}
	return whole(size)
}

func directories(r *reading) rule.Value {
	if r.change.Files == nil {
		return whole(r.size.Directories)
	}
	return rule.IntValue(int64(r.directories()))
}

func lines(r *reading, counted int, size *int) rule.Value {
	if r.counted().known {
		return rule.IntValue(int64(counted))
	}
	return whole(size)
}

func linesChanged(r *reading) rule.Value {
	a, d := lines(r, r.counted().added, r.size.LinesAdded), lines(r, r.counted().deleted, r.size.LinesDeleted)
	if a.State != rule.Present || d.State != rule.Present {
		return rule.Value{}
	}
	return rule.IntValue(a.Int + d.Int)
}

// manualSteps is known only when every step says whether it is automated.
func manualSteps(r *reading) rule.Value {
	if r.change.Plan == nil {
		return rule.Value{}
	}
	n := int64(0)
	for i := range r.change.Plan {
		s := &r.change.Plan[i]
		if s.Automated == nil {
			return rule.Value{}
		}
		if !*s.Automated {
			n++
		}
	}
	return rule.IntValue(n)
}

func parties(r *reading) rule.Value {
	return distinct(r, r.change.Plan, func(s *change.Step) string {
		if s.Party == change.Owner.String() {
			return ""
		}
		return s.Party
	})
}

func contributors(r *reading) rule.Value {
	start := len(r.texts)
	people := distinct(r, r.change.Contributors, func(c *change.Contributor) string { return c.ID })
	r.texts = r.texts[:start] // only their number is kept
	if people.State != rule.Present {
		return people
	}
	n := len(people.List)
	if slices.Contains(people.List, r.change.Requester.ID) {
		n--
	}
	return rule.IntValue(int64(n))
}

func linked(rel change.Relation) func(*reading) rule.Value {
	return func(r *reading) rule.Value {
		if r.change.Links == nil {
			return rule.Value{}
		}
		n := int64(0)
		for i := range r.change.Links {
			if r.change.Links[i].Relation == rel {
				n++
			}
		}
		return rule.IntValue(n)
	}
}

func leadHours(r *reading) rule.Value {
	if r.change.Window == nil {
		return rule.Value{}
	}
	return hours(r.change.Window.Start.Sub(r.At))
}

// hours is a time in hours, rounded once, so that 73 minutes are minutes(73)
// of a condition; Duration.Hours rounds twice.
func hours(d time.Duration) rule.Value {
	h := inHours(d)
	return decimal(&h)
}

func inHours(d time.Duration) float64 { return float64(d) / float64(time.Hour) }

func requesterFacts() []definition {
	kinds := words(2, func(i int) string { return change.PersonKind(i).String() })
	return []definition{
		wordFact("requester.kind", "requester", "a person or automation", kinds, func(r *reading, to *rule.Value) { *to = word(kinds, uint8(r.change.Requester.Kind)) }),
		wordFact("requester.team", "requester", "the requester's team", nil, func(r *reading, to *rule.Value) { *to = text(r.change.Requester.Team) }),
	}
}

// Whose facts they are: see reading.
const (
	theService = iota
	carriedService
)

// serviceFacts are the facts of a service; policy states them all.
func serviceFacts(group string, opts VocabularyOptions, which int) []definition {
	fact := func(name, doc string, set []string, read func(s *change.Service) rule.Value) definition {
		return wordFact(group+"."+name, "", doc, set, func(r *reading, to *rule.Value) { *to = read(r.services[which]) })
	}
	enum := func(name, doc string, set []string, read func(s *change.Service) uint8) definition {
		return wordFact(group+"."+name, "", doc, set, func(r *reading, to *rule.Value) { *to = word(set, read(r.services[which])) })
	}
	plain := func(t rule.Type, name, doc string, read func(s *change.Service) rule.Value) definition {
		return plainFact(t, group+"."+name, "", doc, func(r *reading, to *rule.Value) { *to = read(r.services[which]) })
	}
	return []definition{
		fact("name", "its name", opts.Services, func(s *change.Service) rule.Value { return text(s.Name) }),
		fact("team", "the team that owns it", opts.Teams, func(s *change.Service) rule.Value { return text(s.Team) }),
		enum("kind", "what kind of service it is", words(4, func(i int) string { return change.ServiceKind(i).String() }), func(s *change.Service) uint8 { return uint8(s.Kind) }),
		enum("stage", "its lifecycle stage", words(4, func(i int) string { return change.Stage(i).String() }), func(s *change.Service) uint8 { return uint8(s.Stage) }),
		between(plain(rule.Int, "tier", "1 is the most critical", func(s *change.Service) rule.Value { return positive(s.Tier) }), 1, 9),
		enum("exposure", "who can reach it", words(3, func(i int) string { return change.Exposure(i).String() }), func(s *change.Service) uint8 { return uint8(s.Exposure) }),
		enum("coupling", "whether it can change alone", words(2, func(i int) string { return change.Coupling(i).String() }), func(s *change.Service) uint8 { return uint8(s.Coupling) }),
		fact("supplier", "who supplies it, where it is bought", nil, func(s *change.Service) rule.Value { return text(s.Supplier) }),
		listFact(group+".carries", "", "the services that stand on it", opts.Services, func(r *reading, to *rule.Value) { *to = carries(r.services[which]) }),
		plain(rule.Bool, "automated_deployment", "deployments run by themselves", func(s *change.Service) rule.Value { return truth(s.AutomatedDeployment) }),
		plain(rule.Bool, "automated_verification", "so do the checks after them", func(s *change.Service) rule.Value { return truth(s.AutomatedVerification) }),
		plain(rule.Bool, "needs_outage", "it cannot change while it runs", func(s *change.Service) rule.Value { return truth(s.NeedsOutage) }),
		between(plain(rule.Float, "availability", "the availability target, in percent", func(s *change.Service) rule.Value { return target(s.Availability) }), 0, 100),
		enum("deployments", "how often it is meant to be deployed", words(6, func(i int) string { return change.Cadence(i).String() }), func(s *change.Service) uint8 { return uint8(s.Deployments) }),
		wordFact(group+".model", "", "the operating model in force", opts.Models, func(r *reading, to *rule.Value) { *to = text(r.models[which]) }),
	}
}

func positive(n int) rule.Value {
	if n <= 0 {
		return rule.Value{}
	}
	return rule.IntValue(int64(n))
}

func target(percent float64) rule.Value {
	if percent == 0 {
		return rule.Value{}
	}
	return decimal(&percent)
}

// carries is known, and empty, for a service that policy names.
func carries(s *change.Service) rule.Value {
	if s.Name == "" {
		return rule.Value{}
	}
	return rule.ListValue(s.Carries)
}

// timeFacts are about when the change would be deployed: now, or at some time in
// what is left of its window. A fact that changes in that time is not known:
// nobody has said which of its values will be true.
func timeFacts() []definition {
	days := words(7, func(i int) string { return strings.ToLower(time.Weekday(i % 7).String()) }) // from monday
	clock := func(same func(m *moment) bool, read func(t time.Time) int) readFunc {
		return by(func(r *reading) rule.Value {
			m := r.clock()
			if !same(m) {
				return rule.Value{}
			}
			return rule.IntValue(int64(read(m.at)))
		})
	}
	hour, day, month := func(m *moment) bool { return m.hour }, func(m *moment) bool { return m.day }, func(m *moment) bool { return m.month }
	return []definition{
		between(plainFact(rule.Int, "at.hour", "window", "the hour of the day when it would be deployed, 0 to 23, in the service's zone", clock(hour, time.Time.Hour)), 0, 23),
		wordFact("at.weekday", "window", "the day of the week then and there", days, by(func(r *reading) rule.Value {
			m := r.clock()
			if !m.day {
				return rule.Value{}
			}
			return word(days, uint8((m.at.Weekday()+6)%7)+1)
		})),
		between(plainFact(rule.Int, "at.day", "window", "the day of the month then and there, 1 to 31", clock(day, time.Time.Day)), 1, 31),
		between(plainFact(rule.Int, "at.month", "window", "the month then and there, 1 to 12", clock(month, func(t time.Time) int { return int(t.Month()) })), 1, 12),
		plainFact(rule.Bool, "at.working_time", "window", "it is working time of the owner then", by(workingTime)),
		plainFact(rule.Float, "at.watch_hours", "window", "working hours of the owner that are left in that day, at the least", by(watchHours)),
	}
}

func workingTime(r *reading) rule.Value {
	if r.Working == nil {
		return rule.Value{}
	}
	return r.worked().working
}

func watchHours(r *reading) rule.Value {
	if r.Working == nil {
		return rule.Value{}
	}
	return decimal(&r.worked().watch)
}

func historyFacts() []definition {
	count := func(name, doc string, read readFunc) definition {
		return plainFact(rule.Int, "history."+name, "history", doc, read)
	}
	span := func(name, doc string, read readFunc) definition {
		return plainFact(rule.Float, "history."+name, "history", doc, read)
	}
	rate := func(name, doc string, read readFunc) definition {
		return between(span(name, doc, read), 0, 1)
	}
	return []definition{
		count("service_changes_30d", "changes to the service in the last 30 days", func(r *reading, to *rule.Value) { *to = whole(r.history.ServiceChanges30d) }),
		count("service_failures_90d", "failed changes of the service in the last 90 days", func(r *reading, to *rule.Value) { *to = whole(r.history.ServiceFailures90d) }),
		rate("service_failure_rate", "failed changes over all changes of the service, 0 to 1", func(r *reading, to *rule.Value) { *to = decimal(r.history.ServiceFailureRate) }),
		rate("team_failure_rate", "the same for all services of the team", func(r *reading, to *rule.Value) { *to = decimal(r.history.TeamFailureRate) }),
		count("files_changes", "earlier changes to the touched files", func(r *reading, to *rule.Value) { *to = whole(r.history.FilesChanges) }),
		count("files_failures_90d", "failed changes to the touched files in the last 90 days", func(r *reading, to *rule.Value) { *to = whole(r.history.FilesFailures90d) }),
		rate("files_failure_rate", "failed changes over all changes to the touched files, 0 to 1", func(r *reading, to *rule.Value) { *to = decimal(r.history.FilesFailureRate) }),
		count("files_developers", "how many people changed the touched files before", func(r *reading, to *rule.Value) { *to = whole(r.history.FilesDevelopers) }),
		span("files_age_days", "mean days since the touched files last changed", func(r *reading, to *rule.Value) { *to = decimal(r.history.FilesAgeDays) }),
		count("requester_changes", "earlier changes by the requester", func(r *reading, to *rule.Value) { *to = whole(r.history.RequesterChanges) }),
		count("system_changes_24h", "changes to anything in the last 24 hours", func(r *reading, to *rule.Value) { *to = whole(r.history.SystemChanges24h) }),
		count("system_failures_7d", "failures of anything in the last 7 days", func(r *reading, to *rule.Value) { *to = whole(r.history.SystemFailures7d) }),
		span("hours_since_failure", "hours since the service's last failed change", func(r *reading, to *rule.Value) { *to = decimal(r.history.HoursSinceFailure) }),
		span("hours_since_own_last", "hours since the requester's last change", func(r *reading, to *rule.Value) { *to = decimal(r.history.HoursSinceOwnLast) }),
	}
}
