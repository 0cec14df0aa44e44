package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
)

// happened is one step of a made-up history.
type happened struct {
	commit  *commit
	service string
	at      time.Time
	revert  bool
}

// TestHistoryAgainstRecount holds the running sums against counting all that
// happened before, again and again.
func TestHistoryAgainstRecount(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	h := newHistory()
	var past []happened
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 600 {
		at = at.Add(time.Duration(random.IntN(40)-3) * time.Hour) // clocks go back now and then
		c := newCommit("c\n0\np\n" + fmt.Sprint("person", random.IntN(5)))
		for range 1 + random.IntN(3) {
			if name := fmt.Sprint("f", random.IntN(9)); c.folders[name] == 0 {
				c.addFile([]byte("1\t1\t" + name))
				c.folders[name]++
			}
		}
		step := happened{c, fmt.Sprint("s", random.IntN(3)), at, random.IntN(6) == 0}
		if step.revert {
			h.takenBack(c, step.service, at)
		} else {
			compare(t, h.facts(c, step.service, at), recount(past, step))
			h.made(c, step.service, at)
		}
		past = append(past, step)
	}
}

func compare(t *testing.T, got *change.History, want map[string]int) {
	t.Helper()
	for name, n := range map[string]*int{
		"service changes": got.ServiceChanges30d, "service failures": got.ServiceFailures90d, "requester": got.RequesterChanges,
		"system changes": got.SystemChanges24h, "system failures": got.SystemFailures7d,
		"files": got.FilesChanges, "files failures": got.FilesFailures90d, "developers": got.FilesDevelopers,
	} {
		if *n != want[name] {
			t.Fatalf("%s: got %d, want %d", name, *n, want[name])
		}
	}
}

// recount is the history as somebody with the list of all that happened would
// count it.
func recount(past []happened, now happened) map[string]int {
	out := map[string]int{}
	within := func(p happened, unit, n int64) bool {
		ago := now.at.Unix()/unit - p.at.Unix()/unit
		return ago >= 0 && ago < n
	}
	touched, people := map[string]bool{}, map[string]bool{}
	for _, f := range now.commit.files {
		touched[f.Path] = true
	}
	exists := map[string]bool{}
	count := func(name string, holds bool) {
		if holds {
			out[name]++
		}
	}
	for _, p := range past {
		count("service changes", !p.revert && p.service == now.service && within(p, day, 30))
		count("service failures", p.revert && p.service == now.service && within(p, day, 90))
		count("requester", !p.revert && p.commit.author == now.commit.author)
		count("system changes", !p.revert && within(p, hour, 24))
		count("system failures", p.revert && within(p, day, 7))
		for _, f := range p.commit.files {
			exists[f.Path] = exists[f.Path] || !p.revert
			count("files", !p.revert && touched[f.Path])
			count("files failures", p.revert && touched[f.Path] && exists[f.Path] && now.at.Sub(p.at) < 90*24*time.Hour)
			if !p.revert && touched[f.Path] {
				people[p.commit.author] = true
			}
		}
	}
	out["developers"] = len(people)
	return out
}
