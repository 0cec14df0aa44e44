package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// importing turns the commits of a repository into changes.
type importing struct {
	repo    repository
	limit   int
	policy  *approval.Policy
	reverts reverts
	shallow bool
	history *history
	last    time.Time // of the commit before

	undated, unlisted, takenBack int // commits that need a word
}

// fromRepository is the history of a repository, and a policy made for it.
func fromRepository(dir string, limit int, p *progress) (*source, error) {
	im := &importing{repo: repository{dir}, limit: limit, history: newHistory(), last: time.Unix(day, 0).UTC()}
	if err := im.open(p); err != nil {
		return nil, err
	}
	found, err := im.folders()
	if err != nil {
		return nil, err
	}
	if im.policy, err = approval.New(repoPolicy(found)); err != nil {
		return nil, fmt.Errorf("the policy for this repository is not sound: %w", err)
	}
	return &source{
		title: fmt.Sprintf("the history of %q", name(dir)), policy: im.policy, notes: im.notes, changes: im.changes,
		failed: "a later commit of the main line says \"This reverts commit ...\" of it",
		assumed: []string{
			"that every change is claimed as standard by the team on call for its service (git cannot know)",
			"that templates are active and claimants on call (there is no log and no directory to ask)",
			"that each top-level folder is a service with one team; authors are a1, a2, ... in order",
			modelsOf(found),
		},
		further: []string{
			"The policy is made in Go, by repoPolicy in examples/quickstart/repopolicy.go; the default run reads",
			"one from files. -n 0 takes all commits, -all shows every change.",
		},
	}, nil
}

// open finds out what there is to read.
func (im *importing) open(p *progress) error {
	if info, err := os.Stat(im.repo.dir); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %q; name that of a git repository with -repo", im.repo.dir)
	}
	shallow, err := im.repo.ask("rev-parse", "--is-shallow-repository")
	if err != nil {
		return err
	}
	im.shallow = shallow == "true"
	if _, err := im.repo.ask("rev-parse", "--verify", "--quiet", "HEAD"); err != nil {
		return nothing(fmt.Sprintf("The repository %q has no commit on its current branch yet, so there is nothing to classify.", im.repo.dir))
	}
	p.begin(fmt.Sprintf("reading the history of %q ...", im.repo.dir))
	count, err := im.repo.ask("rev-list", "--count", "--first-parent", "HEAD", "--")
	if err != nil {
		return err
	}
	if p.total, err = strconv.Atoi(count); err != nil {
		return fmt.Errorf("git counts %.40q commits, which is no number", count)
	}
	if im.limit > 0 {
		p.total = min(p.total, im.limit)
	}
	im.reverts, err = findReverts(im.repo)
	return err
}

// name is the folder's own, also where it was named as ".".
func name(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return filepath.Base(abs)
	}
	return dir
}

// folder is a service in the making.
type folder struct {
	name    string
	changes int // of the newest ones, so many are for it
	active  bool
}

const (
	newest      = 500 // commits that are looked at to find the services
	maxServices = 40
	activeShare = 50 // a service with one in so many changes is active
)

// folders finds the services of the newest commits, the busiest first.
func (im *importing) folders() ([]folder, error) {
	n := newest
	if im.limit > 0 {
		n = min(n, im.limit)
	}
	count := map[string]int{}
	total := 0
	for c, err := range commits(im.repo.log("--numstat", header, "-n", strconv.Itoa(n))) {
		if err != nil {
			return nil, err
		}
		count[c.service()]++
		total++
	}
	delete(count, theRest)
	var out []folder
	for name, changes := range count {
		out = append(out, folder{name, changes, changes*activeShare >= total})
	}
	slices.SortFunc(out, func(a, b folder) int {
		return cmp.Or(cmp.Compare(b.changes, a.changes), cmp.Compare(a.name, b.name))
	})
	return out[:min(len(out), maxServices)], nil
}

func modelsOf(found []folder) string {
	active := 0
	for _, f := range found {
		if f.active {
			active++
		}
	}
	return fmt.Sprintf("You Build It You Run It for %d busy folders (each 1 in %d of the newest %d changes or more), Ops Run It for the rest", active, activeShare, newest)
}

// changes yields the commits as changes, oldest first. Reverts are outcomes of
// other changes, and not changes of their own here.
func (im *importing) changes(yield func(sample, error) bool) {
	args := []string{"--numstat", header, "--reverse"}
	if im.limit > 0 {
		args = append(args, "-n", strconv.Itoa(im.limit))
	}
	for c, err := range commits(im.repo.log(args...)) {
		if err != nil {
			yield(sample{}, err)
			return
		}
		at, service := im.date(c), im.service(c)
		if im.reverts.by[c.id] {
			im.takenBack++
			im.history.takenBack(c, service, at)
			continue
		}
		s := sample{change: im.change(c, service, at), at: at, failed: im.reverts.failed(c.id)}
		im.history.made(c, service, at)
		if !yield(s, nil) {
			return
		}
	}
}

// date is when the commit was made; if its own date is none that calendars
// keep, that of the commit before.
func (im *importing) date(c *commit) time.Time {
	at := time.Unix(c.unix, 0).UTC()
	if at.Year() < 1970 || at.Year() > 2199 || c.unix < 0 {
		im.undated++
		return im.last
	}
	im.last = at
	return at
}

func (im *importing) service(c *commit) string {
	name := c.service()
	if _, ok := im.policy.Service(name); !ok {
		return theRest
	}
	return name
}

// change is the commit as a request for change. What git does not know is left
// out, so that it counts as not known.
func (im *importing) change(c *commit, service string, at time.Time) *change.Change {
	out := &change.Change{
		ID: c.id, Kind: change.Code, Service: service,
		Requester:  change.Person{ID: "a" + strconv.Itoa(int(im.history.author(c.author).number))},
		History:    im.history.facts(c, service, at),
		Claim:      claim(im.policy, service),
		Attributes: map[string]any{"binary_files": c.binary},
		Attested:   importer("files", "size", "history", "attributes"),
	}
	if im.shallow && c.root {
		return out // what it touched lies beyond the edge of the clone
	}
	out.Size = &change.Size{Files: &c.touched, Directories: new(len(c.folders)), LinesAdded: &c.added, LinesDeleted: &c.deleted}
	if !c.listed() {
		im.unlisted++
		return out
	}
	out.Files = c.files
	return out
}

// notes says what was odd about the history.
func (im *importing) notes() []string {
	var out []string
	note := func(n int, what string) {
		if n > 0 {
			out = append(out, thousands(n)+" "+what)
		}
	}
	note(im.takenBack, "taking back others: these commits are outcomes here, and not in the table")
	note(im.unlisted, "with too many files to list, or with names that are no plain text: only the size is stated")
	note(im.undated, "with a date that no calendar keeps: taken at that of the commit before")
	if im.shallow {
		out = append(out, "the clone is shallow: what its oldest commits touched is not known, and failures before it are not seen")
	}
	return out
}
