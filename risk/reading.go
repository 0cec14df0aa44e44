package risk

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// reading is what facts are read from. It is used for one change after
// another, so that what it has to write down costs no memory each time.
type reading struct {
	Situation
	change   *change.Change
	services [2]*change.Service // the changed one, the carried one
	models   [2]string          // in force for them
	history  *change.History
	size     *change.Size
	deploy   time.Time // when it would be deployed: the start of its window, or now
	last     time.Time // the last instant of what is left of its window; deploy without one

	lines   lineCount
	moment  moment
	work    work
	texts   []string // the elements of all lists
	sources []Provenance
	run     *rule.Run // decides which facts apply

	nothing struct { // stands in for what there is not
		service change.Service
		history change.History
		size    change.Size
	}
}

// lineCount is the lines of the files, once they have been counted.
type lineCount struct {
	done, known    bool
	added, deleted int
}

// begin turns to another change.
func (r *reading) begin(c *change.Change, s Situation) {
	r.Situation, r.change, r.history, r.size = s, c, c.History, c.Size
	r.services, r.models[theService] = [2]*change.Service{s.Service, s.Carried}, s.Model
	for i := range r.services {
		if r.services[i] == nil {
			r.services[i] = &r.nothing.service
		}
	}
	if r.history == nil {
		r.history = &r.nothing.history
	}
	if r.size == nil {
		r.size = &r.nothing.size
	}
	r.deploy = s.At
	if c.Window != nil && s.At.Before(c.Window.Start) {
		r.deploy = c.Window.Start
	}
	r.last = r.deploy
	if c.Window != nil && r.deploy.Before(c.Window.End) {
		r.last = c.Window.End.Add(-1)
	}
	r.lines, r.moment, r.texts = lineCount{}, moment{}, r.texts[:0]
}

// counted is the lines of the listed files, where these say how many they have.
func (r *reading) counted() *lineCount {
	if !r.lines.done {
		r.lines.done = true
		r.lines.added, r.lines.deleted, r.lines.known = r.change.Lines()
		if !r.lines.known {
			r.sources[ofLines] = r.sources[ofSize]
		}
	}
	return &r.lines
}

// directories counts the folders that the listed files are in, as
// [change.Change.Directories] does. Files of one folder mostly come together,
// and mostly there are few folders.
func (r *reading) directories() int {
	const few = 16
	start, before := len(r.texts), ""
	for i := range r.change.Files {
		name := r.change.Files[i].Path
		folder := name[:strings.LastIndexByte(name, '/')+1]
		if folder == before && i > 0 {
			continue
		}
		before = folder
		dir, found := path.Dir(name), r.texts[start:]
		if !slices.Contains(found[max(0, len(found)-few):], dir) {
			r.texts = append(r.texts, dir)
		}
	}
	n := len(r.texts) - start
	if n > few {
		n = r.distinctSince(start)
	}
	r.texts = r.texts[:start]
	return n
}

// distinctSince sorts what has been written down since, drops repeats, and says
// how much is left.
func (r *reading) distinctSince(start int) int {
	list := r.texts[start:]
	if !slices.IsSorted(list) {
		slices.Sort(list)
	}
	list = slices.Compact(list)
	r.texts = r.texts[:start+len(list)]
	return len(list)
}

// listSince makes a list of what has been written down since.
func (r *reading) listSince(to *rule.Value, start int) {
	if len(r.texts) == start {
		to.SetList([]string{})
		return
	}
	to.SetList(slices.Clip(r.texts[start:]))
}

// distinct is the set of texts of a list that may be absent, sorted.
func distinct[T any](r *reading, to *rule.Value, list []T, of func(*T) string) {
	if list == nil {
		to.Clear()
		return
	}
	start := len(r.texts)
	for i := range list {
		if s := of(&list[i]); s != "" {
			r.texts = append(r.texts, s)
		}
	}
	r.distinctSince(start)
	r.listSince(to, start)
}

// copied is a list as it is now: its owner may write to it while the facts are
// still in use.
func (r *reading) copied(to *rule.Value, list []string) {
	start := len(r.texts)
	r.texts = append(r.texts, list...)
	r.listSince(to, start)
}

// stated is as distinct, and not known when an element does not say.
func stated[T any](r *reading, to *rule.Value, list []T, of func(*T) string) {
	for i := range list {
		if of(&list[i]) == "" {
			to.Clear()
			return
		}
	}
	distinct(r, to, list, of)
}

// moment is what the clock on the wall says when the change would be deployed,
// as far as it says the same all through what is left of its window.
type moment struct {
	done             bool
	hour, day, month bool // the same until the last instant
	at               time.Time
}

func (r *reading) clock() *moment {
	m := &r.moment
	if m.done {
		return m
	}
	m.done = true
	if r.Zone == nil {
		return m // nobody knows which clock
	}
	m.at = r.deploy.In(r.Zone)
	if r.deploy.Equal(r.last) {
		m.hour, m.day, m.month = true, true, true
		return m
	}
	last := r.last.In(r.Zone)
	year, month, day := m.at.Date()
	lastYear, lastMonth, lastDay := last.Date()
	m.month = year == lastYear && month == lastMonth
	m.day = m.month && day == lastDay
	m.hour = m.day && m.at.Hour() == last.Hour()
	if m.day {
		m.turned(last)
	}
	return m
}

// turned looks at the clock at each instant at which it is put forward or back:
// between two of them it only goes on, but an hour that comes again can lie
// behind another one.
func (m *moment) turned(last time.Time) {
	_, before := m.at.Zone()
	if _, after := last.Zone(); before == after {
		return
	}
	for turn := nextTurn(m.at); !turn.IsZero() && !turn.After(last); turn = nextTurn(turn) {
		for _, t := range []time.Time{turn.Add(-1), turn} {
			m.day = m.day && t.YearDay() == m.at.YearDay()
			m.hour = m.hour && m.day && t.Hour() == m.at.Hour()
		}
	}
}

// nextTurn is when the clock is next put forward or back, or a time before that;
// the zero time for never.
func nextTurn(t time.Time) time.Time {
	_, turn := t.ZoneBounds()
	if !turn.IsZero() && !turn.After(t) { // on 31 December of leap years (golang/go#81583)
		return t.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return turn
}

// longWindow is from when on the working time in a window is not looked at.
const longWindow = 31 * 24 * time.Hour

// work is what the working time says of a window. It is kept until another
// window, or another working time, is asked about: changes to one service that
// are looked at together are often looked at for one time.
type work struct {
	of           *change.WorkingTime
	deploy, last time.Time
	working      rule.Value
	watch        float64
}

func (r *reading) worked() *work {
	w := &r.work
	if w.of != r.Working || w.deploy != r.deploy || w.last != r.last {
		*w = r.workingTime()
	}
	return w
}

// workingTime finds whether it is working time all through the window or never,
// and the least that is left of it: nothing where the window leaves working
// time, or else what is left after its end.
func (r *reading) workingTime() work {
	w := work{of: r.Working, deploy: r.deploy, last: r.last}
	whole := r.last.Sub(r.deploy)
	if whole > longWindow {
		return w
	}
	working := r.Working.Between(r.deploy, r.last)
	first := r.Working.Working(r.deploy)
	switch {
	case first != r.Working.Working(r.last), first && working != whole, !first && working > 0:
	default:
		w.working = rule.BoolValue(first)
	}
	if working == whole {
		w.watch = inHours(r.Working.Remaining(r.last))
	}
	return w
}
