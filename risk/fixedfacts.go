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
	fixed := slices.Concat(changeFacts(), requesterFacts(), serviceFacts("service", opts, ofService), timeFacts(), historyFacts())
	if opts.Carried {
		fixed = append(fixed, serviceFacts("carried", opts, ofCarried)...)
	}
	return fixed
}

func changeFacts() []definition {
	kinds := words(6, func(i int) string { return change.Kind(i).String() })
	return []definition{
		wordFact("change.kind", "kind", "what is changed", kinds, func(r *reading) rule.Value { return word(r.change.Kind) }),
		textFact("change.title", "title", "one line that names it", change.MaxText, func(r *reading) rule.Value { return text(r.change.Title) }),
		textFact("change.reason", "reason", "why the business wants it", change.MaxText, func(r *reading) rule.Value { return text(r.change.Reason) }),
		{rule.Fact{Name: "change.paths", Type: rule.List, Items: change.MaxFiles, Bytes: change.MaxPathBytes}, "the touched files; touches(\"dir/**\") looks at them", "files", paths},
		plainFact(rule.Int, "change.files", "files", "how many files are touched", func(r *reading) rule.Value { return fromFiles(r, counted(r.change.Files), r.size.Files) }),
		plainFact(rule.Int, "change.directories", "files", "how many folders are touched", directories),
		plainFact(rule.Int, "change.lines_added", "files", "lines added", func(r *reading) rule.Value { return lines(r, r.added, r.size.LinesAdded) }),
		plainFact(rule.Int, "change.lines_deleted", "files", "lines deleted", func(r *reading) rule.Value { return lines(r, r.deleted, r.size.LinesDeleted) }),
		plainFact(rule.Int, "change.lines_changed", "files", "lines added and deleted, together", linesChanged),
		listFact("change.environments", "targets", "the environments it goes to", nil, func(r *reading) rule.Value {
			return stated(r.change.Targets, func(t change.Target) string { return t.Environment })
		}),
		listFact("change.regions", "targets", "the regions it goes to", nil, func(r *reading) rule.Value {
			return stated(r.change.Targets, func(t change.Target) string { return t.Region })
		}),
		plainFact(rule.Int, "change.targets", "targets", "how many places it goes to", func(r *reading) rule.Value { return counted(r.change.Targets) }),
		plainFact(rule.Int, "change.artifacts", "artifacts", "how many artifacts are deployed", func(r *reading) rule.Value { return counted(r.change.Artifacts) }),
		plainFact(rule.Bool, "change.downtime", "downtime", "users will notice an interruption", func(r *reading) rule.Value { return truth(r.change.Downtime) }),
		plainFact(rule.Bool, "change.backout", "backout", "the change names a way back", func(r *reading) rule.Value { return rule.BoolValue(r.change.Backout != nil) }),
		plainFact(rule.Int, "change.steps", "plan", "steps of the plan", func(r *reading) rule.Value { return counted(r.change.Plan) }),
		plainFact(rule.Int, "change.manual_steps", "plan", "steps of the plan that people carry out", manualSteps),
		listFact("change.parties", "plan", "the sides that take part, the owner apart", nil, parties),
		plainFact(rule.Int, "change.contributors", "contributors", "how many people besides the requester had a hand in it", contributors),
		plainFact(rule.Int, "change.depends_on", "links", "how many other changes it depends on", linked(change.DependsOn)),
		plainFact(rule.Int, "change.fixes", "links", "how many other changes it repairs", linked(change.Fixes)),
		plainFact(rule.Int, "change.reverts", "links", "how many other changes it takes back", linked(change.Reverts)),
		plainFact(rule.Int, "change.deployed_with", "links", "how many other changes it goes out in lockstep with", linked(change.DeployedWith)),
		plainFact(rule.Bool, "change.validation_automated", "validation", "the checks after deployment run by themselves", func(r *reading) rule.Value {
			if r.change.Validation == nil {
				return rule.Value{}
			}
			return truth(r.change.Validation.Automated)
		}),
		plainFact(rule.Float, "change.lead_hours", "window", "hours from now to the start of the window", leadHours),
		plainFact(rule.Bool, "change.emergency", "emergency", "an emergency change is asked for", func(r *reading) rule.Value { return rule.BoolValue(r.change.Emergency != nil) }),
	}
}

func paths(r *reading) rule.Value {
	if r.change.Files == nil {
		return rule.Value{}
	}
	out := make([]string, len(r.change.Files))
	for i, f := range r.change.Files {
		out[i] = f.Path
	}
	return rule.ListValue(out)
}

// fromFiles prefers what is counted over what is stated as a size.
func fromFiles(r *reading, fromList rule.Value, size *int) rule.Value {
	if r.change.Files != nil {
		return fromList
	}
	return whole(size)
}

func directories(r *reading) rule.Value {
	return fromFiles(r, rule.IntValue(int64(r.change.Directories())), r.size.Directories)
}

func lines(r *reading, counted int, size *int) rule.Value {
	if r.lines {
		return rule.IntValue(int64(counted))
	}
	return whole(size)
}

func linesChanged(r *reading) rule.Value {
	a, d := lines(r, r.added, r.size.LinesAdded), lines(r, r.deleted, r.size.LinesDeleted)
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
	for _, s := range r.change.Plan {
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
	return distinct(r.change.Plan, func(s change.Step) string {
		if s.Party == change.Owner.String() {
			return ""
		}
		return s.Party
	})
}

func contributors(r *reading) rule.Value {
	people := distinct(r.change.Contributors, func(c change.Contributor) string { return c.ID })
	if people.State != rule.Present {
		return people
	}
	people.List = slices.DeleteFunc(people.List, func(id string) bool { return id == r.change.Requester.ID })
	return rule.IntValue(int64(len(people.List)))
}

func linked(rel change.Relation) func(*reading) rule.Value {
	return func(r *reading) rule.Value {
		if r.change.Links == nil {
			return rule.Value{}
		}
		n := int64(0)
		for _, l := range r.change.Links {
			if l.Relation == rel {
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
	h := float64(d) / float64(time.Hour)
	return decimal(&h)
}

func requesterFacts() []definition {
	kinds := words(2, func(i int) string { return change.PersonKind(i).String() })
	return []definition{
		wordFact("requester.kind", "requester", "a person or automation", kinds, func(r *reading) rule.Value { return word(r.change.Requester.Kind) }),
		wordFact("requester.team", "requester", "the requester's team", nil, func(r *reading) rule.Value { return text(r.change.Requester.Team) }),
	}
}

func ofService(r *reading) (*change.Service, string) { return r.service, r.Model }
func ofCarried(r *reading) (*change.Service, string) { return r.carried, "" }

// serviceFacts are the facts of a service; policy states them all.
func serviceFacts(group string, opts VocabularyOptions, of func(*reading) (*change.Service, string)) []definition {
	service := func(r *reading) *change.Service { s, _ := of(r); return s }
	fact := func(name, doc string, set []string, read func(s *change.Service) rule.Value) definition {
		return wordFact(group+"."+name, "", doc, set, func(r *reading) rule.Value { return read(service(r)) })
	}
	flag := func(name, doc string, read func(s *change.Service) *bool) definition {
		return plainFact(rule.Bool, group+"."+name, "", doc, func(r *reading) rule.Value { return truth(read(service(r))) })
	}
	return []definition{
		fact("name", "its name", opts.Services, func(s *change.Service) rule.Value { return text(s.Name) }),
		fact("team", "the team that owns it", opts.Teams, func(s *change.Service) rule.Value { return text(s.Team) }),
		fact("kind", "what kind of service it is", words(4, func(i int) string { return change.ServiceKind(i).String() }), func(s *change.Service) rule.Value { return word(s.Kind) }),
		fact("stage", "its lifecycle stage", words(4, func(i int) string { return change.Stage(i).String() }), func(s *change.Service) rule.Value { return word(s.Stage) }),
		between(plainFact(rule.Int, group+".tier", "", "1 is the most critical", func(r *reading) rule.Value { return positive(service(r).Tier) }), 1, 9),
		fact("exposure", "who can reach it", words(3, func(i int) string { return change.Exposure(i).String() }), func(s *change.Service) rule.Value { return word(s.Exposure) }),
		fact("coupling", "whether it can change alone", words(2, func(i int) string { return change.Coupling(i).String() }), func(s *change.Service) rule.Value { return word(s.Coupling) }),
		fact("supplier", "who supplies it, where it is bought", nil, func(s *change.Service) rule.Value { return text(s.Supplier) }),
		listFact(group+".carries", "", "the services that stand on it", opts.Services, func(r *reading) rule.Value { return carries(service(r)) }),
		flag("automated_deployment", "deployments run by themselves", func(s *change.Service) *bool { return s.AutomatedDeployment }),
		flag("automated_verification", "so do the checks after them", func(s *change.Service) *bool { return s.AutomatedVerification }),
		flag("needs_outage", "it cannot change while it runs", func(s *change.Service) *bool { return s.NeedsOutage }),
		between(plainFact(rule.Float, group+".availability", "", "the availability target, in percent", func(r *reading) rule.Value { return target(service(r).Availability) }), 0, 100),
		fact("deployments", "how often it is meant to be deployed", words(6, func(i int) string { return change.Cadence(i).String() }), func(s *change.Service) rule.Value { return word(s.Deployments) }),
		wordFact(group+".model", "", "the operating model in force", opts.Models, func(r *reading) rule.Value { _, model := of(r); return text(model) }),
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
	days := words(7, func(i int) string { return strings.ToLower(time.Weekday(i % 7).String()) })
	const month, day, hour = "2006-01", "2006-01-02", "2006-01-02T15"
	clock := func(same string, read func(t time.Time) rule.Value) func(*reading) rule.Value {
		return func(r *reading) rule.Value {
			if !r.anywhere || r.deploy.In(r.Zone).Format(same) != r.last.In(r.Zone).Format(same) {
				return rule.Value{}
			}
			return read(r.deploy.In(r.Zone))
		}
	}
	whole := func(of func(t time.Time) int) func(t time.Time) rule.Value {
		return func(t time.Time) rule.Value { return rule.IntValue(int64(of(t))) }
	}
	return []definition{
		between(plainFact(rule.Int, "at.hour", "window", "the hour of the day when it would be deployed, 0 to 23, in the service's zone", clock(hour, whole(time.Time.Hour))), 0, 23),
		wordFact("at.weekday", "window", "the day of the week then and there", days, clock(day, func(t time.Time) rule.Value {
			return rule.TextValue(strings.ToLower(t.Weekday().String()))
		})),
		between(plainFact(rule.Int, "at.day", "window", "the day of the month then and there, 1 to 31", clock(day, whole(time.Time.Day))), 1, 31),
		between(plainFact(rule.Int, "at.month", "window", "the month then and there, 1 to 12", clock(month, whole(func(t time.Time) int { return int(t.Month()) }))), 1, 12),
		plainFact(rule.Bool, "at.working_time", "window", "it is working time of the owner then", workingTime),
		plainFact(rule.Float, "at.watch_hours", "window", "working hours of the owner that are left in that day, at the least", watchHours),
	}
}

// longWindow is from when on the working time in a window is not looked at.
const longWindow = 31 * 24 * time.Hour

// worked is how much of the window is working time, and how long the window is;
// false when that cannot be told.
func (r *reading) worked() (working, whole time.Duration, ok bool) {
	whole = r.last.Sub(r.deploy)
	if r.Working == nil || whole > longWindow {
		return 0, whole, false
	}
	return r.Working.Between(r.deploy, r.last), whole, true
}

func workingTime(r *reading) rule.Value {
	working, whole, ok := r.worked()
	first := ok && r.Working.Working(r.deploy)
	switch {
	case !ok, first != r.Working.Working(r.last), first && working != whole, !first && working > 0:
		return rule.Value{}
	}
	return rule.BoolValue(first)
}

// watchHours is the least that there can be: none where the window leaves
// working time, or else what is left after its end.
func watchHours(r *reading) rule.Value {
	if r.Working == nil {
		return rule.Value{}
	}
	var left time.Duration
	if working, whole, ok := r.worked(); ok && working == whole {
		left = r.Working.Remaining(r.last)
	}
	return hours(left)
}

func historyFacts() []definition {
	count := func(name, doc string, read func(h *change.History) *int) definition {
		return plainFact(rule.Int, "history."+name, "history", doc, func(r *reading) rule.Value { return whole(read(r.history)) })
	}
	span := func(name, doc string, read func(h *change.History) *float64) definition {
		return plainFact(rule.Float, "history."+name, "history", doc, func(r *reading) rule.Value { return decimal(read(r.history)) })
	}
	rate := func(name, doc string, read func(h *change.History) *float64) definition {
		return between(span(name, doc, read), 0, 1)
	}
	return []definition{
		count("service_changes_30d", "changes to the service in the last 30 days", func(h *change.History) *int { return h.ServiceChanges30d }),
		count("service_failures_90d", "failed changes of the service in the last 90 days", func(h *change.History) *int { return h.ServiceFailures90d }),
		rate("service_failure_rate", "failed changes over all changes of the service, 0 to 1", func(h *change.History) *float64 { return h.ServiceFailureRate }),
		rate("team_failure_rate", "the same for all services of the team", func(h *change.History) *float64 { return h.TeamFailureRate }),
		count("files_changes", "earlier changes to the touched files", func(h *change.History) *int { return h.FilesChanges }),
		count("files_failures_90d", "failed changes to the touched files in the last 90 days", func(h *change.History) *int { return h.FilesFailures90d }),
		rate("files_failure_rate", "failed changes over all changes to the touched files, 0 to 1", func(h *change.History) *float64 { return h.FilesFailureRate }),
		count("files_developers", "how many people changed the touched files before", func(h *change.History) *int { return h.FilesDevelopers }),
		span("files_age_days", "mean days since the touched files last changed", func(h *change.History) *float64 { return h.FilesAgeDays }),
		count("requester_changes", "earlier changes by the requester", func(h *change.History) *int { return h.RequesterChanges }),
		count("system_changes_24h", "changes to anything in the last 24 hours", func(h *change.History) *int { return h.SystemChanges24h }),
		count("system_failures_7d", "failures of anything in the last 7 days", func(h *change.History) *int { return h.SystemFailures7d }),
		span("hours_since_failure", "hours since the service's last failed change", func(h *change.History) *float64 { return h.HoursSinceFailure }),
		span("hours_since_own_last", "hours since the requester's last change", func(h *change.History) *float64 { return h.HoursSinceOwnLast }),
	}
}
