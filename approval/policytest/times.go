package policytest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// Mutants of what a policy says beside its conditions and points: when, for which
// services, and how services may change.

// timeWord is a part of a text about time that can be one further.
var timeWord = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}|[0-9]+(st|nd|rd|th)\b|[0-9]+|[a-z]+`)

// time adds mutants of a text that says when, or how long: each number, clock and
// date one less and one more, and the next one of each day, month and ordinal.
// What set takes for no such text is left out.
func (m *making) time(one Mutant, was string, set func(string) func(*approval.Definition)) {
	one.Kind, one.Was = "time", was
	for _, at := range timeWord.FindAllStringIndex(was, -1) {
		for _, to := range beyond(was[at[0]:at[1]]) {
			one.Is = was[:at[0]] + to + was[at[1]:]
			if one.apply = set(one.Is); one.apply != nil {
				m.add(one)
			}
		}
	}
}

// nextWords are words of which each has a next one.
var nextWords = [][]string{
	{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"},
	{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"},
	{"mon", "tue", "wed", "thu", "fri", "sat", "sun"},
	{"last", "first", "second", "third", "fourth"},
}

// beyond are what a slip of the pen makes of a word.
func beyond(word string) []string {
	if day, err := time.Parse(time.DateOnly, word); err == nil {
		return []string{day.AddDate(0, 0, -1).Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)}
	}
	if clock, err := time.Parse("15:04", word); err == nil {
		return []string{clock.Add(-time.Hour).Format("15:04"), clock.Add(time.Hour).Format("15:04")}
	}
	for _, list := range nextWords {
		if i := slices.Index(list, word); i >= 0 {
			return []string{list[(i+1)%len(list)]}
		}
	}
	digits := strings.TrimRight(word, "stndrh")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return nil
	}
	if digits == word {
		return []string{strconv.Itoa(n - 1), strconv.Itoa(n + 1)}
	}
	return []string{ordinal(n - 1), ordinal(n + 1)}
}

func ordinal(n int) string {
	suffix := "th"
	if s, ok := map[int]string{1: "st", 2: "nd", 3: "rd"}[n%10]; ok && n/10 != 1 {
		suffix = s
	}
	return fmt.Sprint(n, suffix)
}

// every adds the mutants of when a freeze is.
func (m *making) every(f approval.Freeze, part string, set func(func(*approval.Freeze)) func(*approval.Definition)) {
	one := Mutant{Place: f.Place("every", 0, 0), Part: part, Field: "every"}
	m.time(one, f.Every.String(), func(text string) func(*approval.Definition) {
		is, err := change.ParseRecurrence(text)
		if err != nil || is == f.Every {
			return nil
		}
		return set(func(f *approval.Freeze) { f.Every = is })
	})
}

// ends adds the mutants of the last day of a template.
func (m *making) ends(t approval.Template, part string, set func(func(*approval.Template)) func(*approval.Definition)) {
	one := Mutant{Place: t.Place("ends", 0, 0), Part: part, Field: "ends", days: around(t.Ends)}
	m.time(one, t.Ends.String(), func(text string) func(*approval.Definition) {
		day, err := change.ParseDate(text)
		if err != nil {
			return nil
		}
		return set(func(t *approval.Template) { t.Ends = day })
	})
}

// approved adds the mutants of the first day of a template.
func (m *making) approved(t approval.Template, part string, set func(func(*approval.Template)) func(*approval.Definition)) {
	one := Mutant{Place: t.Place("approved/on", 0, 0), Part: part, Field: "approved", days: around(t.Approved.On)}
	m.time(one, t.Approved.On.String(), func(text string) func(*approval.Definition) {
		day, err := change.ParseDate(text)
		if err != nil {
			return nil
		}
		return set(func(t *approval.Template) { t.Approved.On = day })
	})
}

// workingTime adds the mutants of when people are at work.
func (m *making) workingTime() {
	w := m.d.Calendar.Working
	if w == nil {
		return
	}
	set := func(do func(*approval.WorkingTime)) func(*approval.Definition) {
		return func(d *approval.Definition) {
			copied := *w
			do(&copied)
			d.Calendar.Working = &copied
		}
	}
	m.time(Mutant{Place: m.d.WorkingTimePlace("days"), Part: "working time", Field: "days"}, w.Days, func(s string) func(*approval.Definition) {
		return set(func(w *approval.WorkingTime) { w.Days = s })
	})
	m.time(Mutant{Place: m.d.WorkingTimePlace("hours"), Part: "working time", Field: "hours"}, w.Hours, func(s string) func(*approval.Definition) {
		return set(func(w *approval.WorkingTime) { w.Hours = s })
	})
	if w.Zone != "UTC" {
		m.add(Mutant{Place: m.d.WorkingTimePlace("zone"), Part: "working time", Field: "zone", Kind: "word", Was: w.Zone, Is: "UTC",
			apply: set(func(w *approval.WorkingTime) { w.Zone = "UTC" })})
	}
	if len(w.Holidays) > 0 {
		m.drop(Mutant{Place: m.d.WorkingTimePlace("holidays"), Part: "working time", Field: "holidays"}, "all of them", set(func(w *approval.WorkingTime) { w.Holidays = nil }))
	}
}

// around are times at which what a mutant says of time can make a difference,
// within a year: about the days and clocks that it names.
func (m *Mutant) around(at time.Time) []time.Time {
	var out []time.Time
	switch m.Field {
	case "every":
		for _, text := range []string{m.Was, m.Is} {
			every, _ := change.ParseRecurrence(text)
			found, err := every.Occurrences(change.Interval{Start: at, End: at.AddDate(1, 0, 0)}, time.UTC, nil)
			if err != nil || len(found) == 0 {
				continue // one that counts working days hangs on a calendar
			}
			for _, end := range []time.Time{found[0].Start, found[0].End} {
				for _, hours := range []time.Duration{-12, -2, -1, 0, 1, 12} {
					out = append(out, end.Add(hours*time.Hour))
				}
			}
		}
	}
	return out
}

// models adds the mutants of the operating models that are the policy's own. The
// services under a model have it too.
func (m *making) models() {
	for i, model := range m.d.Models {
		part := "model " + model.Name
		set := func(do func(*change.OperatingModel)) func(*approval.Definition) {
			return func(d *approval.Definition) {
				d.Models = edited(d.Models, i, do)
				d.Services = slices.Clone(d.Services)
				for k := range d.Services {
					s := &d.Services[k]
					s.Models = slices.Clone(s.Models)
					for j := range s.Models {
						if s.Models[j].Model.Name == model.Name {
							do(&s.Models[j].Model)
						}
					}
				}
			}
		}
		if model.Slack > 0 {
			m.number(Mutant{Place: m.d.ModelPlace(model.Name, "slack"), Part: part, Field: "slack", Kind: "threshold"}, model.Slack, func(d *approval.Definition, n int) {
				set(func(o *change.OperatingModel) { o.Slack = n })(d)
			})
		}
		for _, rule := range []change.StandardRule{change.Never, change.Claimed, change.Always} {
			if rule != model.Standard {
				m.add(Mutant{Place: m.d.ModelPlace(model.Name, "standard"), Part: part, Field: "standard", Kind: "word", Was: model.Standard.String(), Is: rule.String(),
					apply: set(func(o *change.OperatingModel) {
						if o.Standard = rule; rule != change.Claimed {
							o.Slack = 0 // which is that of claims
						}
					})})
			}
		}
	}
}

// fitting tells which services a template can be bound to.
func fitting(b approval.Binding) func(change.Service) bool {
	return func(s change.Service) bool { return b.Fits(&s) }
}

// bound adds the mutants of what a template is bound to: each list left out, or
// one of several elements, or the next one in the place of the only one.
func (m *making) bound(t approval.Template, part string, set func(func(*approval.Template)) func(*approval.Definition)) {
	add := func(kind, was, is string, to approval.Binding) {
		m.add(Mutant{Place: t.Place("bound-to", 0, 0), Part: part, Field: "bound-to", Kind: kind, Was: was, Is: is,
			apply: set(func(t *approval.Template) { t.BoundTo = to }), same: m.boundAlike(t, to)})
	}
	narrow(t.BoundTo.Stages, "stage", func(s change.Stage) change.Stage { return s%4 + 1 }, add, func(l []change.Stage) approval.Binding {
		return approval.Binding{Stages: l, Tiers: t.BoundTo.Tiers, Exposures: t.BoundTo.Exposures}
	})
	narrow(t.BoundTo.Tiers, "tier", func(n int) int { return n%9 + 1 }, add, func(l []int) approval.Binding {
		return approval.Binding{Stages: t.BoundTo.Stages, Tiers: l, Exposures: t.BoundTo.Exposures}
	})
	narrow(t.BoundTo.Exposures, "exposure", func(e change.Exposure) change.Exposure { return e%3 + 1 }, add, func(l []change.Exposure) approval.Binding {
		return approval.Binding{Stages: t.BoundTo.Stages, Tiers: t.BoundTo.Tiers, Exposures: l}
	})
}

// narrow are the changes to one list of a binding.
func narrow[T any](list []T, name string, next func(T) T, add func(kind, was, is string, to approval.Binding), with func([]T) approval.Binding) {
	if len(list) == 0 {
		return
	}
	add("dropped", name, "", with(nil))
	for i, one := range list {
		if len(list) > 1 {
			add("dropped", fmt.Sprint(name, " ", one), "", with(without(list, i)))
			continue
		}
		add("word", fmt.Sprint(name, " ", one), fmt.Sprint(name, " ", next(one)), with([]T{next(one)}))
	}
}

// boundAlike tells whether a template covers nothing of the services that it is
// bound to by the one binding, and not by the other.
func (m *making) boundAlike(t approval.Template, to approval.Binding) func() bool {
	return func() bool {
		moved := situations(m.d, func(s change.Service) bool { return t.BoundTo.Fits(&s) != to.Fits(&s) })
		covers, err := m.facts.Condition(t.Covers)
		return err == nil && (len(moved) == 0 || m.prover.In(moved).Denied(covers))
	}
}
