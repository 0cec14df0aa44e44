package risk

import (
	"math"
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
		wordFact("change.kind", "kind", "what is changed", kinds, func(r *reading, to *rule.Value) { word(to, kinds, uint8(r.change.Kind)) }),
		textFact("change.title", "title", "one line that names it", change.MaxText, func(r *reading, to *rule.Value) { text(to, r.change.Title) }),
		textFact("change.reason", "reason", "why the business wants it", change.MaxText, func(r *reading, to *rule.Value) { text(to, r.change.Reason) }),
		{rule.Fact{Name: "change.paths", Type: rule.List, Items: change.MaxFiles, Bytes: change.MaxPathBytes}, "the touched files; touches(\"dir/**\") looks at them", "files", paths},
		plainFact(rule.Int, "change.files", "files", "how many files are touched", func(r *reading, to *rule.Value) { files(r, to) }),
		plainFact(rule.Int, "change.directories", "files", "how many folders are touched", directories),
		plainFact(rule.Int, "change.lines_added", "files", "lines added", func(r *reading, to *rule.Value) { lines(r, to, r.counted().added, r.size.LinesAdded) }),
		plainFact(rule.Int, "change.lines_deleted", "files", "lines deleted", func(r *reading, to *rule.Value) { lines(r, to, r.counted().deleted, r.size.LinesDeleted) }),
		plainFact(rule.Int, "change.lines_changed", "files", "lines added and deleted, together", linesChanged),
		listFact("change.environments", "targets", "the environments it goes to", nil, func(r *reading, to *rule.Value) {
			stated(r, to, r.change.Targets, func(t *change.Target) string { return t.Environment })
		}),
		listFact("change.regions", "targets", "the regions it goes to", nil, func(r *reading, to *rule.Value) {
			stated(r, to, r.change.Targets, func(t *change.Target) string { return t.Region })
		}),
		plainFact(rule.Int, "change.targets", "targets", "how many places it goes to", func(r *reading, to *rule.Value) { counted(to, r.change.Targets) }),
		plainFact(rule.Int, "change.artifacts", "artifacts", "how many artifacts are deployed", func(r *reading, to *rule.Value) { counted(to, r.change.Artifacts) }),
		plainFact(rule.Bool, "change.downtime", "downtime", "users will notice an interruption", func(r *reading, to *rule.Value) { truth(to, r.change.Downtime) }),
		plainFact(rule.Bool, "change.backout", "backout", "the change names a way back", func(r *reading, to *rule.Value) { to.SetBool(r.change.Backout != nil) }),
		plainFact(rule.Int, "change.steps", "plan", "steps of the plan", func(r *reading, to *rule.Value) { counted(to, r.change.Plan) }),
		plainFact(rule.Int, "change.manual_steps", "plan", "steps of the plan that people carry out", manualSteps),
		listFact("change.parties", "plan", "the sides that take part, the owner apart", nil, parties),
		plainFact(rule.Int, "change.contributors", "contributors", "how many people besides the requester had a hand in it", contributors),
		plainFact(rule.Int, "change.depends_on", "links", "how many other changes it depends on", linked(change.DependsOn)),
		plainFact(rule.Int, "change.fixes", "links", "how many other changes it repairs", linked(change.Fixes)),
		plainFact(rule.Int, "change.reverts", "links", "how many other changes it takes back", linked(change.Reverts)),
		plainFact(rule.Int, "change.deployed_with", "links", "how many other changes it goes out in lockstep with", linked(change.DeployedWith)),
		plainFact(rule.Bool, "change.validation_automated", "validation", "the checks after deployment run by themselves", func(r *reading, to *rule.Value) {
			if r.change.Validation == nil {
				to.Clear()
				return
			}
			truth(to, r.change.Validation.Automated)
		}),
		plainFact(rule.Float, "change.lead_hours", "window", "hours from now to the start of the window", leadHours),
		plainFact(rule.Bool, "change.emergency", "emergency", "an emergency change is asked for", func(r *reading, to *rule.Value) { to.SetBool(r.change.Emergency != nil) }),
	}
}

func paths(r *reading, to *rule.Value) {
	if r.change.Files == nil {
		to.Clear()
		return
	}
	start := len(r.texts)
	for i := range r.change.Files {
		r.texts = append(r.texts, r.change.Files[i].Path)
	}
	r.listSince(to, start)
}

// files, as all that is counted, is preferred over what is stated as a size.
func files(r *reading, to *rule.Value) {
	if r.change.Files == nil {
		whole(to, r.size.Files)
		return
	}
	to.SetInt(int64(len(r.change.Files)))
}

func directories(r *reading, to *rule.Value) {
	if r.change.Files == nil {
		whole(to, r.size.Directories)
		return
	}
	to.SetInt(int64(r.directories()))
}

func lines(r *reading, to *rule.Value, counted int, size *int) {
	switch {
	case !r.counted().known:
		whole(to, size)
	case endless(int64(counted)):
		to.SetFault(uncounted)
	default:
		to.SetInt(int64(counted))
	}
}

// endless reports whether a sum of [change.Change.Lines] may not be all of it.
func endless(sum int64) bool { return sum == math.MaxInt || sum == math.MinInt }

const uncounted = "the lines are more than can be counted"

func linesChanged(r *reading, to *rule.Value) {
	switch l, size := r.counted(), r.size; {
	case l.known:
		together(to, int64(l.added), int64(l.deleted))
	case size.LinesAdded != nil && size.LinesDeleted != nil:
		together(to, int64(*size.LinesAdded), int64(*size.LinesDeleted))
	default:
		to.Clear()
	}
}

// together is a sum that does not wrap.
func together(to *rule.Value, a, b int64) {
	if sum := a + b; (sum > a) == (b > 0) && !endless(a) && !endless(b) {
		to.SetInt(sum)
		return
	}
	to.SetFault(uncounted)
}

// manualSteps is known only when every step says whether it is automated.
func manualSteps(r *reading, to *rule.Value) {
	n := int64(0)
	for i := range r.change.Plan {
		s := &r.change.Plan[i]
		if s.Automated == nil {
			to.Clear()
			return
		}
		if !*s.Automated {
			n++
		}
	}
	if r.change.Plan == nil {
		to.Clear()
		return
	}
	to.SetInt(n)
}

func parties(r *reading, to *rule.Value) {
	distinct(r, to, r.change.Plan, func(s *change.Step) string {
		if s.Party == change.Owner.String() {
			return ""
		}
		return s.Party
	})
}

// contributors are told apart from each other, and from the requester.
func contributors(r *reading, to *rule.Value) {
	if r.change.Contributors == nil {
		to.Clear()
		return
	}
	start := len(r.texts)
	for i := range r.change.Contributors {
		if id := r.change.Contributors[i].ID; id != "" && id != r.change.Requester.ID {
			r.texts = append(r.texts, id)
		}
	}
	to.SetInt(int64(r.distinctSince(start)))
	r.texts = r.texts[:start] // only their number is kept
}

func linked(rel change.Relation) readFunc {
	return func(r *reading, to *rule.Value) {
		if r.change.Links == nil {
			to.Clear()
			return
		}
		n := int64(0)
		for i := range r.change.Links {
			if r.change.Links[i].Relation == rel {
				n++
			}
		}
		to.SetInt(n)
	}
}

func leadHours(r *reading, to *rule.Value) {
	if r.change.Window == nil {
		to.Clear()
		return
	}
	h := inHours(r.change.Window.Start.Sub(r.At))
	decimal(to, &h)
}

// inHours is a time in hours, rounded once, so that 73 minutes are minutes(73)
// of a condition; Duration.Hours rounds twice.
func inHours(d time.Duration) float64 { return float64(d) / float64(time.Hour) }

func requesterFacts() []definition {
	kinds := words(2, func(i int) string { return change.PersonKind(i).String() })
	return []definition{
		wordFact("requester.kind", "requester", "a person or automation", kinds, func(r *reading, to *rule.Value) { word(to, kinds, uint8(r.change.Requester.Kind)) }),
		wordFact("requester.team", "requester", "the requester's team", nil, func(r *reading, to *rule.Value) { text(to, r.change.Requester.Team) }),
	}
}

// Whose facts they are: see reading.
const (
	theService = iota
	carriedService
)

// serviceFacts are the facts of a service; policy states them all.
func serviceFacts(group string, opts VocabularyOptions, which int) []definition {
	fact := func(name, doc string, set []string, read readFunc) definition {
		return wordFact(group+"."+name, "", doc, set, read)
	}
	plain := func(t rule.Type, name, doc string, read readFunc) definition {
		return plainFact(t, group+"."+name, "", doc, read)
	}
	kinds, stages := words(4, func(i int) string { return change.ServiceKind(i).String() }), words(4, func(i int) string { return change.Stage(i).String() })
	exposures, couplings := words(3, func(i int) string { return change.Exposure(i).String() }), words(2, func(i int) string { return change.Coupling(i).String() })
	cadences := words(6, func(i int) string { return change.Cadence(i).String() })
	return []definition{
		fact("name", "its name", opts.Services, func(r *reading, to *rule.Value) { text(to, r.services[which].Name) }),
		fact("team", "the team that owns it", opts.Teams, func(r *reading, to *rule.Value) { text(to, r.services[which].Team) }),
		fact("kind", "what kind of service it is", kinds, func(r *reading, to *rule.Value) { word(to, kinds, uint8(r.services[which].Kind)) }),
		fact("stage", "its lifecycle stage", stages, func(r *reading, to *rule.Value) { word(to, stages, uint8(r.services[which].Stage)) }),
		between(plain(rule.Int, "tier", "1 is the most critical", func(r *reading, to *rule.Value) { tier(to, r.services[which].Tier) }), 1, 9),
		fact("exposure", "who can reach it", exposures, func(r *reading, to *rule.Value) { word(to, exposures, uint8(r.services[which].Exposure)) }),
		fact("coupling", "whether it can change alone", couplings, func(r *reading, to *rule.Value) { word(to, couplings, uint8(r.services[which].Coupling)) }),
		fact("supplier", "who supplies it, where it is bought", nil, func(r *reading, to *rule.Value) { text(to, r.services[which].Supplier) }),
		listFact(group+".carries", "", "the services that stand on it", opts.Services, func(r *reading, to *rule.Value) { carries(r, to, r.services[which]) }),
		plain(rule.Bool, "automated_deployment", "deployments run by themselves", func(r *reading, to *rule.Value) { truth(to, r.services[which].AutomatedDeployment) }),
		plain(rule.Bool, "automated_verification", "so do the checks after them", func(r *reading, to *rule.Value) { truth(to, r.services[which].AutomatedVerification) }),
		plain(rule.Bool, "needs_outage", "it cannot change while it runs", func(r *reading, to *rule.Value) { truth(to, r.services[which].NeedsOutage) }),
		between(plain(rule.Float, "availability", "the availability target, in percent", func(r *reading, to *rule.Value) { target(to, r.services[which].Availability) }), 0, 100),
		fact("deployments", "how often it is meant to be deployed", cadences, func(r *reading, to *rule.Value) { word(to, cadences, uint8(r.services[which].Deployments)) }),
		fact("model", "the operating model in force", opts.Models, func(r *reading, to *rule.Value) { text(to, r.models[which]) }),
	}
}

func tier(to *rule.Value, n int) {
	if n <= 0 {
		to.Clear()
		return
	}
	to.SetInt(int64(n))
}

func target(to *rule.Value, percent float64) {
	if percent == 0 {
		to.Clear()
		return
	}
	decimal(to, &percent)
}

// carries is known, and empty, for a service that policy names.
func carries(r *reading, to *rule.Value, s *change.Service) {
	if s.Name == "" {
		to.Clear()
		return
	}
	r.copied(to, s.Carries)
}

// timeFacts are about when the change would be deployed: now, or at some time in
// what is left of its window. A fact that changes in that time is not known:
// nobody has said which of its values will be true.
func timeFacts() []definition {
	days := words(7, func(i int) string { return strings.ToLower(time.Weekday(i % 7).String()) }) // from monday
	clock := func(same func(m *moment) bool, read func(t time.Time) int) readFunc {
		return func(r *reading, to *rule.Value) {
			m := r.clock()
			if !same(m) {
				to.Clear()
				return
			}
			to.SetInt(int64(read(m.at)))
		}
	}
	hour, day, month := func(m *moment) bool { return m.hour }, func(m *moment) bool { return m.day }, func(m *moment) bool { return m.month }
	return []definition{
		between(plainFact(rule.Int, "at.hour", "window", "the hour of the day when it would be deployed, 0 to 23, in the service's zone", clock(hour, time.Time.Hour)), 0, 23),
		wordFact("at.weekday", "window", "the day of the week then and there", days, func(r *reading, to *rule.Value) {
			m := r.clock()
			if !m.day {
				to.Clear()
				return
			}
			word(to, days, uint8((m.at.Weekday()+6)%7)+1)
		}),
		between(plainFact(rule.Int, "at.day", "window", "the day of the month then and there, 1 to 31", clock(day, time.Time.Day)), 1, 31),
		between(plainFact(rule.Int, "at.month", "window", "the month then and there, 1 to 12", clock(month, func(t time.Time) int { return int(t.Month()) })), 1, 12),
		plainFact(rule.Bool, "at.working_time", "window", "it is working time of the owner then", workingTime),
		plainFact(rule.Float, "at.watch_hours", "window", "working hours of the owner that are left in that day, at the least", watchHours),
	}
}

func workingTime(r *reading, to *rule.Value) {
	if r.Working == nil {
		to.Clear()
		return
	}
	*to = r.worked().working
}

func watchHours(r *reading, to *rule.Value) {
	if r.Working == nil {
		to.Clear()
		return
	}
	decimal(to, &r.worked().watch)
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
		count("service_changes_30d", "changes to the service in the last 30 days", func(r *reading, to *rule.Value) { whole(to, r.history.ServiceChanges30d) }),
		count("service_failures_90d", "failed changes of the service in the last 90 days", func(r *reading, to *rule.Value) { whole(to, r.history.ServiceFailures90d) }),
		rate("service_failure_rate", "failed changes over all changes of the service, 0 to 1", func(r *reading, to *rule.Value) { decimal(to, r.history.ServiceFailureRate) }),
		rate("team_failure_rate", "the same for all services of the team", func(r *reading, to *rule.Value) { decimal(to, r.history.TeamFailureRate) }),
		count("files_changes", "earlier changes to the touched files", func(r *reading, to *rule.Value) { whole(to, r.history.FilesChanges) }),
		count("files_failures_90d", "failed changes to the touched files in the last 90 days", func(r *reading, to *rule.Value) { whole(to, r.history.FilesFailures90d) }),
		rate("files_failure_rate", "failed changes over all changes to the touched files, 0 to 1", func(r *reading, to *rule.Value) { decimal(to, r.history.FilesFailureRate) }),
		count("files_developers", "how many people changed the touched files before", func(r *reading, to *rule.Value) { whole(to, r.history.FilesDevelopers) }),
		span("files_age_days", "mean days since the touched files last changed", func(r *reading, to *rule.Value) { decimal(to, r.history.FilesAgeDays) }),
		count("requester_changes", "earlier changes by the requester", func(r *reading, to *rule.Value) { whole(to, r.history.RequesterChanges) }),
		count("system_changes_24h", "changes to anything in the last 24 hours", func(r *reading, to *rule.Value) { whole(to, r.history.SystemChanges24h) }),
		count("system_failures_7d", "failures of anything in the last 7 days", func(r *reading, to *rule.Value) { whole(to, r.history.SystemFailures7d) }),
		span("hours_since_failure", "hours since the service's last failed change", func(r *reading, to *rule.Value) { decimal(to, r.history.HoursSinceFailure) }),
		span("hours_since_own_last", "hours since the requester's last change", func(r *reading, to *rule.Value) { decimal(to, r.history.HoursSinceOwnLast) }),
	}
}
