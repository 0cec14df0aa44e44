package risk_test

import (
	"math"
	"math/big"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The oracle is a second assessor, written from the package documentation
// only. It reads the facts by itself, evaluates the trees of the generator
// and not their text, and keeps all numbers as fractions. It is slow.

// truth is what becomes of a condition, a value, or a part of either.
type truth byte

const (
	yes     truth = 'y'
	no      truth = 'n'
	unknown truth = 'u'
	nothing truth = 'x' // not applicable
	fault   truth = 'f'
)

// first gives the first of the order that is among the truths.
func first(order string, of ...truth) truth {
	for _, t := range []byte(order) {
		if slices.Contains(of, truth(t)) {
			return truth(t)
		}
	}
	panic("a truth that the order lacks")
}

const (
	andOrder = "nfuxy"
	orOrder  = "yfuxn"
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// value is one fact as the oracle reads it; yes is present.
type value struct {
	state    truth
	flag     bool
	number   *big.Rat
	whole    bool
	text     string
	list     []string
	observed bool // or derived
}

func wholeValue(n int) value { return value{state: yes, number: big.NewRat(int64(n), 1), whole: true} }

func decimalValue(f float64) value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return value{state: fault}
	}
	return value{state: yes, number: new(big.Rat).SetFloat64(f)}
}

func optional[T any](p *T, read func(T) value) value {
	if p == nil {
		return value{state: unknown}
	}
	return read(*p)
}

func flagValue(b bool) value { return value{state: yes, flag: b} }

func textValue(s string) value {
	if s == "" {
		return value{state: unknown}
	}
	return value{state: yes, text: s}
}

// wordValue is the word for an enumeration, whose zero value has none.
func wordValue(s interface{ String() string }) value { return textValue(s.String()) }

// sized is how many there are; nobody knows where there is no list.
func sized[T any](list []T, count int) value {
	if list == nil {
		return value{state: unknown}
	}
	return wholeValue(count)
}

// listed is what the elements of a list say, each once; one that does not say
// leaves it unknown.
func listed[T any](list []T, of func(T) string) value {
	if list == nil {
		return value{state: unknown}
	}
	out := []string{}
	for _, e := range list {
		s := of(e)
		if s == "" {
			return value{state: unknown}
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return value{state: yes, list: out}
}

// facts reads all facts of a change in a situation.
func (p policy) facts(c *change.Change, s risk.Situation) map[string]value {
	f := map[string]value{}
	changeFacts(f, c, s)
	sizeFacts(f, c)
	historyFacts(f, c)
	attributeFacts(f, c)
	for name, v := range f {
		data := dataOf(name, c)
		v.observed = data == "window" && c.Window == nil || c.Observed(data)
		f[name] = v
	}
	serviceFacts(f, s)
	out := map[string]value{}
	for name, v := range f {
		out[name] = v
		for _, a := range p.applies {
			if a.fact != name {
				continue
			}
			switch a.when.decide(f) {
			case no:
				out[name] = value{state: nothing, observed: true}
			case unknown, fault:
				out[name] = value{state: unknown, observed: v.observed}
			}
		}
	}
	return out
}

// dataOf is the attestable data that a fact is read from.
func dataOf(name string, c *change.Change) string {
	group, member, _ := strings.Cut(name, ".")
	switch group {
	case "history", "requester":
		return group
	case "evidence", "attributes":
		return name
	case "at":
		return "window"
	}
	switch member {
	case "paths", "files", "directories":
		return counted(c.Files != nil)
	case "lines_added", "lines_deleted", "lines_changed":
		_, _, known := c.Lines()
		return counted(known)
	case "environments", "regions":
		return "targets"
	case "steps", "manual_steps", "parties":
		return "plan"
	case "depends_on", "fixes", "reverts", "deployed_with":
		return "links"
	case "validation_automated":
		return "validation"
	case "lead_hours":
		return "window"
	}
	return member
}

func counted(fromFiles bool) string {
	if fromFiles {
		return "files"
	}
	return "size"
}

func changeFacts(f map[string]value, c *change.Change, s risk.Situation) {
	f["change.kind"], f["change.title"], f["change.reason"] = wordValue(c.Kind), textValue(c.Title), textValue(c.Reason)
	f["requester.kind"], f["requester.team"] = wordValue(c.Requester.Kind), textValue(c.Requester.Team)
	f["change.environments"] = listed(c.Targets, func(t change.Target) string { return t.Environment })
	f["change.regions"] = listed(c.Targets, func(t change.Target) string { return t.Region })
	f["change.targets"], f["change.artifacts"] = sized(c.Targets, len(c.Targets)), sized(c.Artifacts, len(c.Artifacts))
	f["change.downtime"], f["change.backout"] = optional(c.Downtime, flagValue), flagValue(c.Backout != nil)
	f["change.emergency"] = flagValue(c.Emergency != nil)
	planFacts(f, c)
	people := map[string]bool{}
	for _, p := range c.Contributors {
		people[p.ID] = true
	}
	delete(people, c.Requester.ID)
	f["change.contributors"] = sized(c.Contributors, len(people))
	for name, relation := range map[string]change.Relation{"depends_on": change.DependsOn, "fixes": change.Fixes, "reverts": change.Reverts, "deployed_with": change.DeployedWith} {
		n := 0
		for _, l := range c.Links {
			if l.Relation == relation {
				n++
			}
		}
		f["change."+name] = sized(c.Links, n)
	}
	f["change.lead_hours"], f["at.watch_hours"] = value{state: unknown}, value{state: unknown}
	deploy := s.At
	if c.Window != nil && c.Window.Start.After(s.At) {
		deploy = c.Window.Start
	}
	if c.Window != nil {
		f["change.lead_hours"] = decimalValue(c.Window.Start.Sub(s.At).Hours())
	}
	f["at.working_time"] = value{state: unknown}
	times := []time.Time{deploy} // every minute of what is left of the window
	if c.Window != nil && deploy.Before(c.Window.End) {
		for t := deploy.Add(time.Minute); t.Before(c.Window.End); t = t.Add(time.Minute) {
			times = append(times, t)
		}
		times = append(times, c.Window.End.Add(-1))
	}
	if s.Working != nil {
		least, working := s.Working.Remaining(deploy).Hours(), 0
		for _, t := range times {
			least = min(least, s.Working.Remaining(t).Hours())
			if s.Working.Working(t) {
				working++
			}
		}
		f["at.watch_hours"] = decimalValue(least)
		if working == 0 || working == len(times) {
			f["at.working_time"] = flagValue(working > 0)
		}
	}
	for _, name := range []string{"at.hour", "at.weekday", "at.day", "at.month"} {
		f[name] = value{state: unknown}
	}
	if s.Zone != nil {
		local := deploy.In(s.Zone)
		defer func() { // what is not the same all the time is not known
			for _, t := range times {
				t = t.In(s.Zone)
				if t.Hour() != local.Hour() || t.Day() != local.Day() {
					f["at.hour"] = value{state: unknown}
				}
				if t.Day() != local.Day() || t.Month() != local.Month() {
					f["at.day"], f["at.weekday"] = value{state: unknown}, value{state: unknown}
				}
				if t.Month() != local.Month() {
					f["at.month"] = value{state: unknown}
				}
			}
		}()
		f["at.hour"], f["at.day"], f["at.month"] = wholeValue(local.Hour()), wholeValue(local.Day()), wholeValue(int(local.Month()))
		f["at.weekday"] = textValue(strings.ToLower(local.Format("Monday")))
	}
}

func planFacts(f map[string]value, c *change.Change) {
	manual, sides := wholeValue(0), []string{}
	for _, s := range c.Plan {
		switch {
		case s.Automated == nil:
			manual = value{state: unknown}
		case manual.state == yes && !*s.Automated:
			manual.number = new(big.Rat).Add(manual.number, big.NewRat(1, 1))
		}
		if s.Party != "owner" {
			sides = append(sides, s.Party)
		}
	}
	f["change.steps"], f["change.manual_steps"] = sized(c.Plan, len(c.Plan)), manual
	f["change.parties"] = listed(sides, func(s string) string { return s })
	if c.Plan == nil {
		f["change.manual_steps"], f["change.parties"] = value{state: unknown}, value{state: unknown}
	}
	f["change.validation_automated"] = value{state: unknown}
	if c.Validation != nil {
		f["change.validation_automated"] = optional(c.Validation.Automated, flagValue)
	}
}

func sizeFacts(f map[string]value, c *change.Change) {
	size := c.Size
	if size == nil {
		size = &change.Size{}
	}
	f["change.files"], f["change.directories"] = optional(size.Files, wholeValue), optional(size.Directories, wholeValue)
	f["change.lines_added"], f["change.lines_deleted"] = optional(size.LinesAdded, wholeValue), optional(size.LinesDeleted, wholeValue)
	f["change.paths"] = value{state: unknown}
	if c.Files != nil {
		all, folders, added, deleted, known := []string{}, map[string]bool{}, 0, 0, true
		for _, file := range c.Files {
			all = append(all, file.Path)
			folders[path.Dir(file.Path)] = true
			if file.Added == nil || file.Deleted == nil {
				known = false
				continue
			}
			added, deleted = added+*file.Added, deleted+*file.Deleted
		}
		f["change.paths"] = value{state: yes, list: all}
		f["change.files"], f["change.directories"] = wholeValue(len(all)), wholeValue(len(folders))
		if known {
			f["change.lines_added"], f["change.lines_deleted"] = wholeValue(added), wholeValue(deleted)
		}
	}
	a, d := f["change.lines_added"], f["change.lines_deleted"]
	f["change.lines_changed"] = value{state: unknown}
	if a.state == yes && d.state == yes {
		f["change.lines_changed"] = value{state: yes, whole: true, number: new(big.Rat).Add(a.number, d.number)}
	}
}

func historyFacts(f map[string]value, c *change.Change) {
	h := c.History
	if h == nil {
		h = &change.History{}
	}
	for name, n := range map[string]*int{
		"service_changes_30d": h.ServiceChanges30d, "service_failures_90d": h.ServiceFailures90d, "files_changes": h.FilesChanges,
		"files_failures_90d": h.FilesFailures90d, "files_developers": h.FilesDevelopers, "requester_changes": h.RequesterChanges,
		"system_changes_24h": h.SystemChanges24h, "system_failures_7d": h.SystemFailures7d,
	} {
		f["history."+name] = optional(n, wholeValue)
	}
	for name, x := range map[string]*float64{
		"files_age_days": h.FilesAgeDays, "hours_since_failure": h.HoursSinceFailure, "hours_since_own_last": h.HoursSinceOwnLast,
	} {
		f["history."+name] = optional(x, decimalValue)
	}
	for name, x := range map[string]*float64{
		"service_failure_rate": h.ServiceFailureRate, "team_failure_rate": h.TeamFailureRate, "files_failure_rate": h.FilesFailureRate,
	} {
		f["history."+name] = optional(x, rateValue)
	}
}

// rateValue is a share of a whole; nothing else is one.
func rateValue(f float64) value {
	if f < 0 || f > 1 {
		return value{state: fault}
	}
	return decimalValue(f)
}

// attributeFacts knows the types of the schema of the generator.
func attributeFacts(f map[string]value, c *change.Change) {
	for _, name := range []string{"smoke", "load"} {
		f["evidence."+name] = value{state: unknown}
		results := map[change.Result]bool{}
		for _, e := range c.Evidence {
			if e.Name == name {
				results[e.Result] = true
				f["evidence."+name] = wordValue(e.Result)
			}
		}
		if len(results) > 1 {
			f["evidence."+name] = value{state: fault}
		}
	}
	kinds := map[string]string{"cost": "number", "seats": "integer", "pii": "boolean", "class": "string", "note": "string", "labels": "array"}
	for name, kind := range kinds {
		f["attributes."+name] = attributeValue(kind, c.Attributes[name])
	}
	outage := attributeValue("integer", c.Attributes["outage_minutes"])
	if outage.state == yes && (outage.number.Sign() < 0 || outage.number.Cmp(big.NewRat(600, 1)) > 0) {
		outage = value{state: fault}
	}
	f["attributes.outage_minutes"] = outage
}

func attributeValue(kind string, v any) value {
	switch v := v.(type) {
	case nil:
		return value{state: unknown}
	case bool:
		if kind == "boolean" {
			return flagValue(v)
		}
	case string:
		if kind == "string" {
			return value{state: yes, text: v}
		}
	case int:
		return attributeNumber(kind, float64(v))
	case int64:
		return attributeNumber(kind, float64(v))
	case float64:
		return attributeNumber(kind, v)
	case []string:
		return value{state: yes, list: v}
	case []any:
		out := value{state: yes, list: []string{}}
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				return value{state: fault}
			}
			out.list = append(out.list, s)
		}
		return out
	}
	return value{state: fault}
}

func attributeNumber(kind string, f float64) value {
	switch {
	case kind == "number":
		return decimalValue(f)
	case kind == "integer" && f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		return wholeValue(int(f))
	}
	return value{state: fault}
}

// serviceFacts are the policy's own, so they are all as good as observed.
func serviceFacts(f map[string]value, s risk.Situation) {
	one := s.Service
	if one == nil {
		one = &change.Service{}
	}
	f["service.name"], f["service.team"], f["service.supplier"] = textValue(one.Name), textValue(one.Team), textValue(one.Supplier)
	f["service.kind"], f["service.stage"], f["service.exposure"] = wordValue(one.Kind), wordValue(one.Stage), wordValue(one.Exposure)
	f["service.coupling"], f["service.deployments"], f["service.model"] = wordValue(one.Coupling), wordValue(one.Deployments), textValue(s.Model)
	f["service.automated_deployment"] = optional(one.AutomatedDeployment, flagValue)
	f["service.automated_verification"] = optional(one.AutomatedVerification, flagValue)
	f["service.needs_outage"] = optional(one.NeedsOutage, flagValue)
	f["service.tier"], f["service.availability"], f["service.carries"] = value{state: unknown}, value{state: unknown}, value{state: unknown}
	if one.Tier > 0 {
		f["service.tier"] = wholeValue(one.Tier)
	}
	if one.Availability != 0 {
		f["service.availability"] = decimalValue(one.Availability)
	}
	if one.Name != "" {
		f["service.carries"] = value{state: yes, list: one.Carries}
	}
	for name, v := range f {
		if strings.HasPrefix(name, "service.") {
			v.observed = true
			f[name] = v
		}
	}
}
