package policytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// around are noon of a day, of the one before it and of the one after it: when to
// look for what hangs on that day.
func around(day change.Date) []time.Time {
	noon, err := time.Parse(time.DateOnly, day.String())
	if err != nil {
		return nil
	}
	noon = noon.Add(12 * time.Hour)
	return []time.Time{noon.AddDate(0, 0, -1), noon, noon.AddDate(0, 0, 1)}
}

// dated looks among the cases, asked at other times, to the services that were
// changed too. Such a witness sets the time of the cases back that follow it.
func (h *hunting) dated(m *Mutant, mutant *approval.Policy) *Witness {
	for _, at := range m.days {
		for i := range h.tests.Cases {
			c := h.tests.Cases[i]
			if !shows(&c) || c.At.IsZero() {
				continue
			}
			before := c.At
			c.At = at
			for name, to := range h.then(m, c.Change) {
				if h.left--; h.left < 0 {
					return nil
				}
				w := h.show(&c, to, h.p.Classify(to, approval.Inputs{At: at}), m, mutant, name+"on "+at.Format("2 Jan 2006 15:04"))
				if w != nil {
					w.Case = fmt.Sprintf("-- at --\n%s\n%s-- at --\n%s\n", at.Format(time.RFC3339), w.Case, before.Format(time.RFC3339Nano))
					return w
				}
			}
		}
	}
	return nil
}

// then are a change and the same to each service that can tell the mutant, each
// also with the facts at which what was changed can turn.
func (h *hunting) then(m *Mutant, c *change.Change) variations {
	return func(yield func(string, *change.Change) bool) {
		for _, id := range append([]string{c.Service}, m.at...) {
			copied := *c
			copied.Service = id
			name := ""
			if id != c.Service {
				name = "to " + id + ", "
			}
			if !m.concerns(&copied) {
				continue
			}
			if !yield(name, &copied) {
				return
			}
			for fact, changed := range h.facts(&copied, m.facts) {
				if !yield(name+fact+", ", changed) {
					return
				}
			}
		}
	}
}

// name numbers a witness that has the name of another one, so that a file can
// hold both. The same case keeps its name.
func (h *hunting) name(w *Witness) {
	before, text, _ := strings.Cut(w.Case, "-- unread when ")
	words, rest, _ := strings.Cut(text, " --\n")
	for n := 1; ; n++ {
		heading := words
		if n > 1 {
			heading = fmt.Sprintf("%s (%d)", words, n)
		}
		w.Case = before + "-- unread when " + heading + " --\n" + rest
		i := slices.IndexFunc(h.shown, func(o Witness) bool {
			return o.File == w.File && strings.Contains(o.Case, "-- unread when "+heading+" --\n")
		})
		if i < 0 {
			h.shown = append(h.shown, *w)
			return
		}
		if h.shown[i] == *w {
			return
		}
	}
}
