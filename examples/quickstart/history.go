package main

import (
	"slices"
	"time"

	"github.com/changelane/changelane/change"
)

// history is what is known of the changes so far. A change that was taken back
// counts as failed from the day of its revert, never before.
type history struct {
	services map[string]*track
	files    map[string]*fileTrack
	authors  map[string]*author
	all      track
	lately   counter // changes by the hour
}

// track is the record of a service, or of all of them together.
type track struct {
	changes, failures int
	made, failed      counter // by the day
}

type fileTrack struct {
	changes int
	last    int64   // when it was changed last
	failed  []int64 // when it was learnt that a change to it failed
	people  []int32 // who changed it; no more than maxPeople are kept
}

type author struct {
	number  int32 // in order of appearance: the name that rules and people see
	changes int
	last    int64
}

const (
	day       = 24 * 60 * 60
	hour      = 60 * 60
	maxPeople = 20
)

// counter counts by units of time. Clocks of other machines run ahead or
// behind, so it does not rely on the order in which times come.
type counter map[int64]int

// sum adds up the last n units until and with the unit at.
func (c counter) sum(at int64, n int64) int {
	total := 0
	for unit := at - n + 1; unit <= at; unit++ {
		total += c[unit]
	}
	return total
}

func newTrack() track { return track{made: counter{}, failed: counter{}} }

func newHistory() *history {
	return &history{services: map[string]*track{}, files: map[string]*fileTrack{}, authors: map[string]*author{}, all: newTrack(), lately: counter{}}
}

func (h *history) service(name string) *track {
	t := h.services[name]
	if t == nil {
		fresh := newTrack()
		t = &fresh
		h.services[name] = t
	}
	return t
}

func (h *history) author(name string) *author {
	a := h.authors[name]
	if a == nil {
		a = &author{number: int32(len(h.authors) + 1)}
		h.authors[name] = a
	}
	return a
}

// facts are what was known when the commit was made.
func (h *history) facts(c *commit, service string, at time.Time) *change.History {
	now, s, a := at.Unix(), h.service(service), h.author(c.author)
	out := &change.History{
		ServiceChanges30d:  new(s.made.sum(now/day, 30)),
		ServiceFailures90d: new(s.failed.sum(now/day, 90)),
		ServiceFailureRate: new(h.rate(s.failures, s.changes)),
		RequesterChanges:   new(a.changes),
		SystemChanges24h:   new(h.lately.sum(now/hour, 24)),
		SystemFailures7d:   new(h.all.failed.sum(now/day, 7)),
	}
	if a.changes > 0 {
		out.HoursSinceOwnLast = new(span(now-a.last, hour))
	}
	if c.remembered() {
		h.fileFacts(c, now, out)
	}
	return out
}

// remembered reports whether the history of the files is kept: not for the few
// commits that touch more than can be listed, such as an import.
func (c *commit) remembered() bool { return c.touched <= change.MaxFiles }

// fileFacts adds what is known of the touched files.
func (h *history) fileFacts(c *commit, now int64, out *change.History) {
	changes, failures, lately, known := 0, 0, 0, 0
	age := 0.0
	var people []int32
	for _, f := range c.files {
		t := h.files[f.Path]
		if t == nil {
			continue
		}
		known++
		changes += t.changes
		age += span(now-t.last, day)
		failures += len(t.failed)
		for _, when := range t.failed {
			if now-when < 90*day {
				lately++
			}
		}
		people = append(people, t.people...)
	}
	slices.Sort(people)
	out.FilesChanges, out.FilesFailures90d = &changes, &lately
	out.FilesFailureRate = new(h.rate(failures, changes))
	out.FilesDevelopers = new(len(slices.Compact(people)))
	if known > 0 {
		out.FilesAgeDays = new(age / float64(known))
	}
}

// rate is smoothed, so that one failure of two changes is not a half: as if
// there had been ten more changes that failed as often as all others.
func (h *history) rate(failures, changes int) float64 {
	base := 0.0
	if h.all.changes > 0 {
		base = float64(h.all.failures) / float64(h.all.changes)
	}
	return min(1, (float64(failures)+10*base)/(float64(changes)+10))
}

// span is a time that has passed, in units; clocks that ran ahead make it 0.
func span(seconds, unit int64) float64 {
	return min(max(0, float64(seconds)/float64(unit)), 1e6)
}

// made notes that the change was made.
func (h *history) made(c *commit, service string, at time.Time) {
	now, s, a := at.Unix(), h.service(service), h.author(c.author)
	for _, t := range []*track{s, &h.all} {
		t.changes++
		t.made[now/day]++
	}
	h.lately[now/hour]++
	a.changes++
	a.last = now
	if !c.remembered() {
		return
	}
	for _, f := range c.files {
		t := h.files[f.Path]
		if t == nil {
			t = &fileTrack{}
			h.files[f.Path] = t
		}
		t.changes++
		t.last = now
		if len(t.people) < maxPeople && !slices.Contains(t.people, a.number) {
			t.people = append(t.people, a.number)
		}
	}
}

// takenBack notes what a revert teaches: that a change to this service and to
// these files failed. The revert touches what the change had touched.
func (h *history) takenBack(revert *commit, service string, at time.Time) {
	now := at.Unix()
	for _, t := range []*track{h.service(service), &h.all} {
		t.failures++
		t.failed[now/day]++
	}
	if !revert.remembered() {
		return
	}
	for _, f := range revert.files {
		if t := h.files[f.Path]; t != nil {
			t.failed = append(t.failed, now)
		}
	}
}
