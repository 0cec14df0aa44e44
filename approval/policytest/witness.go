package policytest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Witness is a case that the policy passes and a mutant does not.
type Witness struct {
	File string // of the tests; the case belongs behind the section "change" that the case named in it has
	Case string // the sections "unread when" and "then": it holds, and a person is to say whether it should
}

// witness looks for a change that the policy and the mutant answer differently:
// first among the changes of the cases that somebody has read as they are, which may expect too little,
// then among the same with one fact at a value at which what was changed can
// turn.
func (h *hunting) witness(m *Mutant, mutant *approval.Policy) *Witness {
	for i := range h.tests.Cases {
		c := &h.tests.Cases[i]
		if !shows(c) || !m.concerns(c.Change) || m.tells != nil && m.tells.idle(h.was[i].Facts) {
			continue
		}
		if w := h.show(c, c.Change, h.was[i].Classification, m, mutant, "looked at closely"); w != nil {
			return w
		}
	}
	if w := h.vary(m, mutant, manyCases, func(c *approval.TestCase) variations { return h.facts(c.Change, m.facts) }); w != nil {
		return w
	}
	if w := h.vary(m, mutant, fewCases, func(c *approval.TestCase) variations { return h.elsewhere(c, m) }); w != nil {
		return w
	}
	return h.dated(m, mutant)
}

// How many cases are varied at most: by a fact, and by services and times, of
// which there are more.
const (
	manyCases = 60
	fewCases  = 10
)

// variations are changes that are like the one of a case, but for what their
// names say.
type variations func(func(string, *change.Change) bool)

// vary looks among variations of cases, as many of them as are given, taken
// evenly.
func (h *hunting) vary(m *Mutant, mutant *approval.Policy, most int, of func(*approval.TestCase) variations) *Witness {
	step := max(1, (len(h.tests.Cases)+most-1)/most)
	for i := 0; i < len(h.tests.Cases); i += step {
		c := &h.tests.Cases[i]
		if !shows(c) {
			continue
		}
		in := approval.Inputs{At: c.At}
		for name, changed := range of(c) {
			if h.left--; h.left < 0 {
				return nil
			}
			if !m.concerns(changed) {
				continue
			}
			if m.tells != nil {
				if facts, _ := h.p.Facts(changed, in); m.tells.idle(facts) {
					continue // what was changed is of no matter here
				}
			}
			if w := h.show(c, changed, h.p.Classify(changed, in), m, mutant, name); w != nil {
				return w
			}
		}
	}
	return nil
}

// facts are copies of a change, each with one fact at one value, or not stated.
func (h *hunting) facts(c *change.Change, facts []risk.Boundary) variations {
	return func(yield func(string, *change.Change) bool) {
		for _, f := range facts {
			for _, value := range append(slices.Clone(f.Values), nil) {
				copied := *c
				name := f.Fact + " is not known"
				if value != nil {
					name = fmt.Sprintf("%s is %s", f.Fact, shown(value))
				}
				if h.p.Rules().Vocabulary().Write(&copied, f.Fact, value) && !yield(name, &copied) {
					return
				}
			}
		}
	}
}

// elsewhere are copies of a change with nobody who vouches for it, and to each
// service, also as an emergency; where freezes matter also in the next turn of
// each, and where a time was changed about that time.
func (h *hunting) elsewhere(c *approval.TestCase, m *Mutant) variations {
	freezes, times := strings.HasPrefix(m.Part, "freeze ") || m.at != nil, m.around(c.At)
	return func(yield func(string, *change.Change) bool) {
		copied := *c.Change
		copied.Attested = nil
		if !yield("and nobody vouches for it", &copied) {
			return
		}
		for _, id := range h.p.Services() {
			for _, urgent := range []bool{false, true} {
				copied := *c.Change
				copied.Service = id
				name := "to " + id
				if urgent {
					copied.Claim = nil // an emergency is not claimed as standard
					copied.Emergency, name = &change.Incident{ID: "INC-1", Reason: "the service is down"}, name+", in an emergency"
				}
				if !yield(name, &copied) || freezes && !h.frozen(name, copied, c.At, yield) || !planned(name, copied, times, yield) {
					return
				}
			}
		}
	}
}

// planned are copies of a change in windows of an hour.
func planned(name string, c change.Change, times []time.Time, yield func(string, *change.Change) bool) bool {
	for _, start := range times {
		copied := c
		copied.Window = &change.Window{Start: start, End: start.Add(time.Hour)}
		if !yield(name+", on "+start.Format("2 Jan 2006 15:04"), &copied) {
			return false
		}
	}
	return true
}

// frozen are copies of a change in a window of an hour within each freeze.
func (h *hunting) frozen(name string, c change.Change, at time.Time, yield func(string, *change.Change) bool) bool {
	for _, f := range h.d.Calendar.Freezes {
		year := change.Interval{Start: at, End: at.AddDate(1, 0, 0)}
		found, err := f.Every.Occurrences(year, time.UTC, nil)
		if err != nil || len(found) == 0 {
			continue // of a freeze that counts working days nobody can tell without a calendar
		}
		start := found[0].Start.Add(3 * time.Hour).Truncate(time.Hour)
		copied := c
		copied.Window = &change.Window{Start: start, End: start.Add(time.Hour)}
		if !yield(name+", during "+f.ID, &copied) {
			return false
		}
	}
	return true
}

// shown is a value in a few words, fit for the heading of a section.
func shown(value any) string {
	text := fmt.Sprint(value)
	if n, ok := value.(float64); ok {
		text = number(n)
	}
	const most = 40
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return text
}

// show is a case that tells the two policies apart, checked as it would be run;
// nil when the change does not tell them apart.
func (h *hunting) show(base *approval.TestCase, c *change.Change, was approval.Classification, m *Mutant, mutant *approval.Policy, name string) *Witness {
	is := mutant.Classify(c, approval.Inputs{At: base.At})
	if was.Err != nil || is.Err != nil {
		return nil
	}
	lines := telling(was, is)
	if len(lines) == 0 {
		return nil
	}
	text, ok := written(base, c, fmt.Sprintf("%s, %s (%s)", base.Name, name, m.Part), besides(was, m.Part, lines))
	if !ok {
		return nil
	}
	start, err := opening(base.Base, base.At)
	if err != nil {
		return nil
	}
	suite := approval.ParseTests(base.File, []byte(start+text))
	if len(suite.Failures) > 0 || len(suite.Cases) != 1 {
		return nil
	}
	_, failures := h.p.Try(&suite.Cases[0])
	_, wanted := mutant.Try(&suite.Cases[0])
	if len(failures) > 0 || len(wanted) == 0 {
		return nil
	}
	return &Witness{base.File, text}
}

// telling are the expectations that hold for one classification and not for
// the other.
func telling(was, is approval.Classification) []string {
	var out []string
	others := is.Expectations()
	for _, line := range was.Expectations() {
		if !strings.HasPrefix(line, "fires: ") && !slices.Contains(others, line) {
			out = append(out, line)
		}
	}
	before, after := fired(was), fired(is)
	for _, id := range before {
		if !slices.Contains(after, id) {
			out = append(out, "fires: "+id)
		}
	}
	for _, id := range after {
		if !slices.Contains(before, id) {
			out = append(out, "silent: "+id)
		}
	}
	return out
}

// besides are those lines and what a person would look for first, in the order
// of [approval.Classification.Expectations].
func besides(c approval.Classification, part string, lines []string) []string {
	var out []string
	for _, line := range c.Expectations() {
		key, _, _ := strings.Cut(line, ":")
		if slices.Contains(lines, line) || slices.Contains([]string{"type", "level", "score"}, key) {
			out = append(out, line)
		}
	}
	if id, ok := strings.CutPrefix(part, "rule "); ok && slices.Contains(fired(c), id) && !slices.Contains(lines, "fires: "+id) {
		out = append(out, "fires: "+id)
	}
	for _, line := range lines {
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

func fired(c approval.Classification) []string {
	var out []string
	for _, r := range c.Assessment.Reasons {
		out = append(out, r.Rule)
	}
	return out
}

// opening are the sections of a file before its first case.
func opening(base any, at time.Time) (string, error) {
	data, err := json.Marshal(base)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("-- change --\n%s\n-- at --\n%s\n", data, at.Format(time.RFC3339)), nil
}

// written is a case on a change that was made from that of another case.
func written(base *approval.TestCase, c *change.Change, name string, lines []string) (string, bool) {
	before, ok := tree(base.Change)
	after, ok2 := tree(c)
	if !ok || !ok2 {
		return "", false
	}
	text := fmt.Sprintf("-- unread when %s --\n", strings.ReplaceAll(name, " --", ""))
	patch := both(base.Patch, difference(before, after))
	if m, ok := patch.(map[string]any); !ok || len(m) > 0 {
		data, err := json.Marshal(patch)
		if err != nil {
			return "", false
		}
		text += string(data) + "\n"
	}
	return text + "-- then --\n" + strings.Join(lines, "\n") + "\n", true
}

// tree is a change as a JSON document.
func tree(c *change.Change) (any, bool) {
	data, err := json.Marshal(c)
	var out any
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out, err == nil
}

// difference is the JSON merge patch (RFC 7386) that makes one document of
// another.
func difference(from, to any) any {
	a, ok := from.(map[string]any)
	b, ok2 := to.(map[string]any)
	if !ok || !ok2 {
		return to
	}
	out := map[string]any{}
	for k, v := range b {
		if old, there := a[k]; !there || !reflect.DeepEqual(old, v) {
			out[k] = difference(old, v)
		}
	}
	for k := range a {
		if _, there := b[k]; !there {
			out[k] = nil
		}
	}
	return out
}

// both is one patch that does what two do, one after the other.
func both(first, second any) any {
	a, ok := first.(map[string]any)
	b, ok2 := second.(map[string]any)
	if !ok || !ok2 {
		return second
	}
	out := map[string]any{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		if old, there := out[k]; there {
			v = both(old, v)
		}
		out[k] = v
	}
	return out
}
