package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
)

// edit is the edit that a way of an item is.
func (s *search) edit(i, w int, in *Suggestion) Edit {
	one := s.items[i]
	e := Edit{Kind: one.kind, Fact: one.fact, From: one.from, To: one.ways[w].to}
	e.Vouched = one.data != "" && in.Change.Observed(one.data)
	if e.Kind == EditClaim && e.To == nil {
		e.Kind = EditWithdraw
	}
	var values []any
	for _, o := range s.noWorse(i, w) {
		values = append(values, one.ways[o].to)
	}
	if e.Kind != EditClaim && e.Kind != EditWithdraw {
		e.Or = values[1:]
	}
	e.Do = s.say(e, values, in)
	if e.Vouched && e.Kind != EditAttest {
		e.Do += "; somebody other than the requester must vouch for it"
	}
	return e
}

// say is what there is to do, and under which condition.
func (s *search) say(e Edit, values []any, in *Suggestion) string {
	if text, ok := s.sayWhole(e, values, in); ok {
		return text
	}
	doc, fact := s.info[e.Fact].Doc, e.Fact
	if doc != "" {
		fact += " (" + doc + ")"
	}
	switch to := e.To.(type) {
	case bool:
		if doc == "" {
			return fmt.Sprintf("state %s, %s", fact, s.word(e.Fact, values))
		}
		if len(values) == 2 {
			return fmt.Sprintf("say whether %s, whatever the answer is (%s)", doc, e.Fact)
		}
		return fmt.Sprintf("say whether %s, if the answer is %s (%s)", doc, yesNo(to), e.Fact)
	case int64, float64:
		return fmt.Sprintf("state %s, %s", fact, s.interval(e.Fact, values))
	case string:
		return fmt.Sprintf("state %s, %s", fact, s.word(e.Fact, values))
	default:
		return fmt.Sprintf("state %s, if it is like %q", fact, e.To)
	}
}

// sayWhole is for edits that are not about the value of one fact.
func (s *search) sayWhole(e Edit, values []any, in *Suggestion) (string, bool) {
	switch e.Kind {
	case EditCheck:
		name := strings.TrimPrefix(e.Fact, "evidence.")
		switch e.From {
		case change.Failed.String():
			return fmt.Sprintf("mend what made the check %s fail, and have it pass in a new run", name), true
		case change.Skipped.String():
			return fmt.Sprintf("run the check %s, which was skipped, and have it pass", name), true
		}
		return fmt.Sprintf("run the check %s, and have it pass", name), true
	case EditAttest:
		return fmt.Sprintf("have somebody other than the requester vouch for %s, which is only stated", e.Fact), true
	case EditWithdraw:
		if e.Fact == "claim" {
			return "take back the claim that it is a normal change", true
		}
		return fmt.Sprintf("do not ask for an emergency change (%v)", e.From), true
	case EditClaim:
		return fmt.Sprintf("have somebody on call for %s claim it as a standard change under %s", s.k.service.Team, in.Result.Template), true
	case EditSchedule:
		return "deploy " + s.sayWindow(*in.Change.Window), true
	case EditPrepare:
		return s.sayWork(e)
	}
	switch to := e.To.(type) {
	case []change.Step:
		return "state the plan, if it has " + alternatives(to, values, sayPlan), true
	case []change.Link:
		return "state how it relates to other changes, if the links are: " + alternatives(to, values, relations), true
	case []change.Target:
		return "state the targets, if they are " + alternatives(to, values, sayTargets), true
	case [2]int:
		return "state how many lines are touched, if it is such as " + alternatives(to, values, sayLines), true
	case []string:
		if e.Fact == "change.paths" {
			return "list the touched files, if " + s.sayPaths(values), true
		}
	}
	return "", false
}

func (s *search) sayWork(e Edit) (string, bool) {
	switch e.Fact {
	case "change.backout":
		return "name a way back, if there is one", true
	case "change.validation_automated":
		return "have the checks after the deployment run by themselves", true
	}
	return fmt.Sprintf("have others take part, so that it is made by %v besides the requester, and name them", e.To), true
}

// sayWindow is a window in the service's zone.
func (s *search) sayWindow(w change.Window) string {
	zone, working := s.k.service.zone, s.k.service.working
	from, to := w.Start.In(zone), w.End.In(zone)
	until := to.Format("15:04")
	if from.Format(time.DateOnly) != to.Add(-1).Format(time.DateOnly) {
		until = to.Format("15:04 on Monday 2 January 2006")
	}
	text := fmt.Sprintf("between %s and %s (%s)", from.Format("15:04 on Monday 2 January 2006"), until, zone)
	if until == to.Format("15:04") {
		text = fmt.Sprintf("between %s and %s on %s (%s)", from.Format("15:04"), until, from.Format("Monday 2 January 2006"), zone)
	}
	if working != nil && working.Working(w.Start) && working.Between(w.Start, w.End) == w.End.Sub(w.Start) {
		text += ", in working time"
	}
	return text
}

// interval says which numbers work: a range where the ones that were tried stand
// for all others and follow on one another.
func (s *search) interval(fact string, values []any) string {
	b, _ := s.boundary(fact)
	first, last := -1, -1
	for i, v := range b.Values {
		if !slices.Contains(values, v) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
	}
	switch {
	case first < 0 || !b.Exact || last-first+1 != len(values) || len(values) == 1 && first > 0 && last < len(b.Values)-1:
		return "if it is " + quoted(values[:1])
	case first == 0 && last == len(b.Values)-1:
		return "whatever it is"
	case first == 0:
		return fmt.Sprintf("if it is %v or less", b.Values[last])
	case last == len(b.Values)-1:
		return fmt.Sprintf("if it is %v or more", b.Values[first])
	}
	return fmt.Sprintf("if it is from %v to %v", b.Values[first], b.Values[last])
}

// word says which words of a closed set work, or which of yes and no.
func (s *search) word(fact string, values []any) string {
	all := len(s.info[fact].Words)
	if _, flag := values[0].(bool); flag {
		all = 2
	}
	if len(values) == all {
		return "whatever it is"
	}
	return "if it is " + quoted(values)
}

// quoted lists a few values with "or".
func quoted(values []any) string {
	const most = 5
	var out []string
	for _, v := range values[:min(len(values), most)] {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, " or ")
}

// alternatives are a few values in words, what says "none" first.
func alternatives[T any](to T, values []any, say func(T) string) string {
	const most = 5
	out := []string{say(to)}
	for _, v := range values {
		one, ok := v.(T)
		if !ok {
			continue
		}
		switch text := say(one); {
		case slices.Contains(out, text):
		case text == "none":
			out = slices.Insert(out, 0, text)
		default:
			out = append(out, text)
		}
	}
	return strings.Join(out[:min(len(out), most)], ", or ")
}

func sayLines(n [2]int) string { return fmt.Sprintf("%d added and %d deleted", n[0], n[1]) }

func sayPlan(steps []change.Step) string {
	by, parties := 0, []string{}
	for _, s := range steps {
		by += boolCost(!*s.Automated)
		if s.Party != change.Owner.String() && !slices.Contains(parties, s.Party) {
			parties = append(parties, s.Party)
		}
	}
	text := fmt.Sprintf("%d steps, %d of them by hand", len(steps), by)
	if len(steps) == 1 {
		text = fmt.Sprintf("1 step, %d by hand", by)
	}
	if len(parties) == 0 {
		return text + ", all of the owner's"
	}
	return text + ", with " + strings.Join(parties, ", ")
}

func sayTargets(list []change.Target) string {
	text := fmt.Sprintf("%d in number", len(list))
	for i, t := range list {
		if where := strings.Trim(t.Environment+" "+t.Region, " "); where != "" && i < 3 {
			text += ", " + where
		}
	}
	return text
}

// sayPaths says which files they may be: how many, and like which of the paths
// that conditions tell apart.
func (s *search) sayPaths(values []any) string {
	most, good, bad := 0, []string{}, []string{}
	for _, v := range values {
		list := v.([]string)
		most = max(most, len(list))
		if len(list) == 1 {
			good = append(good, list[0])
		}
	}
	for _, list := range s.lists("change.paths") {
		if len(list) == 1 && !slices.Contains(good, list[0]) && change.CheckPath(list[0]) == nil {
			bad = append(bad, list[0])
		}
	}
	good, bad = plainPaths(good), plainPaths(bad)
	text := ""
	if most < slices.Max(append(s.counts("change.files", 0, 200), 0)) {
		text = fmt.Sprintf("there are no more than %d, ", most)
	}
	switch {
	case len(good) == 0:
		return fmt.Sprintf("they are like %q", values[0])
	case len(bad) == 0:
		return cmp.Or(strings.TrimSuffix(text, ", "), "it has any")
	case !slices.Contains(good, "other"):
		return fmt.Sprintf("%sall of them like %s", text, either(good))
	}
	return fmt.Sprintf("%snone of them is like %s", text, either(bad))
}

// plainPaths leaves out the variations on a path that conditions are tried with,
// and what is no path that anybody would choose.
func plainPaths(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(p string) bool {
		shorter := []string{strings.TrimSuffix(p, "x"), strings.TrimPrefix(p, "x"), strings.TrimSuffix(strings.TrimPrefix(p, "x"), "x")}
		varied := slices.ContainsFunc(shorter, func(s string) bool { return s != p && slices.Contains(list, s) })
		return varied || strings.ContainsAny(p, `()|[]\^$*+?`)
	})
}

// either lists a few texts with "or".
func either(list []string) string {
	const most = 8
	out := make([]string, min(len(list), most))
	for i := range out {
		out[i] = strconv.Quote(list[i])
	}
	return strings.Join(out, " or ")
}
