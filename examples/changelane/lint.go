package main

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// lint lists what is wrong with a policy: why it does not load, or else what
// loads but is of no use, or of no use any more.
func lint(c call) int {
	found, summary, err := lintPolicy(c)
	if err != nil {
		say(c.stderr, err.Error())
		return exitUsage
	}
	out := bufio.NewWriter(c.stdout)
	for _, f := range found {
		say(out, f)
	}
	if len(found) == 0 {
		say(out, "no findings: "+summary)
	}
	if err := out.Flush(); err != nil {
		return lost(c, err)
	}
	if len(found) > 0 {
		say(c.stderr, count(len(found), "finding"))
		return exitFound
	}
	return exitDone
}

func lintPolicy(c call) (found []string, summary string, err error) {
	fsys, err := policyFS(c.policy)
	if err != nil {
		return nil, "", err
	}
	d, err := approval.ParseDefinition(fsys)
	if err == nil {
		_, err = approval.New(d)
	}
	var faults risk.ParseErrors
	switch {
	case errors.As(err, &faults):
		return findings(c.policy, err), "", nil
	case err != nil:
		return nil, "", fmt.Errorf("%s: %w", c.policy, err)
	}
	l := &linting{dir: c.policy, d: d, day: change.DateOf(c.now(), time.UTC)}
	l.services()
	l.templates()
	l.seats()
	l.evidence()
	return l.found, count(len(d.Services), "service") + ", " + count(len(d.Risk.Rules), "rule") + ", " + count(len(d.Templates), "template"), nil
}

// linting collects what is questionable about a policy that loads, on a day.
type linting struct {
	dir   string
	d     approval.Definition
	day   change.Date
	found []string
}

func (l *linting) add(file, format string, args ...any) {
	l.found = append(l.found, filepath.Join(l.dir, file)+": "+fmt.Sprintf(format, args...))
}

// services finds operating models that nobody has looked at again, and standing
// claims that are over.
func (l *linting) services() {
	for _, s := range l.d.Services {
		for _, m := range s.Models {
			if m.ReviewOverdue(l.day) && l.inForce(s, m) {
				l.add("services.yaml", "the operating model %s of the service %s should have been reviewed by %s; review it and set review-by anew", m.Model.Name, s.Name, m.ReviewBy)
			}
		}
		for _, claim := range s.StandingClaims {
			if claim.Until.Before(l.day) {
				l.add("services.yaml", "the standing claim of the service %s on %s ended on %s; renew it or remove it", s.Name, claim.Template, claim.Until)
			}
		}
	}
}

// inForce reports whether the assignment is in force for some kind of change.
func (l *linting) inForce(s change.Service, m change.Assignment) bool {
	for k := change.Code; k <= change.COTSRelease; k++ {
		if now, ok := s.ModelFor(k, l.day); ok && now.From == m.From && now.Model == m.Model && len(now.Kinds) == len(m.Kinds) {
			return true
		}
	}
	return false
}

func (l *linting) templates() {
	for _, t := range l.d.Templates {
		if t.Ends.Before(l.day) {
			l.add("catalogue.yaml", "the template %s ended on %s; have it approved again or remove it", t.ID, t.Ends)
		}
		if l.day.Before(t.Approved.On) {
			l.add("catalogue.yaml", "the template %s counts from %s on, when it is approved, and not before", t.ID, t.Approved.On)
		}
		if !slices.ContainsFunc(l.d.Services, func(s change.Service) bool { return binds(t.BoundTo, s) }) {
			l.add("catalogue.yaml", "the template %s is bound to a stage, tier or exposure that no service has, so it covers nothing", t.ID)
		}
	}
}

// binds reports whether the service is what a template was approved for.
func binds(b approval.Binding, s change.Service) bool {
	return (len(b.Stages) == 0 || slices.Contains(b.Stages, s.Stage)) &&
		(len(b.Tiers) == 0 || slices.Contains(b.Tiers, s.Tier)) &&
		(len(b.Exposures) == 0 || slices.Contains(b.Exposures, s.Exposure))
}

// seats finds groups and roles that never fill a seat.
func (l *linting) seats() {
	needs := l.needs()
	for _, g := range l.d.Groups {
		if !slices.ContainsFunc(needs, func(n approval.Need) bool { return n.Group == g.Name }) {
			l.add("policy.yaml", "the group %s fills no seat; use it in authority.yaml or remove it", g.Name)
		}
	}
	for _, role := range l.d.Roles {
		overrides := slices.ContainsFunc(l.d.Calendar.Freezes, func(f approval.Freeze) bool { return f.Override == role })
		if !overrides && !slices.ContainsFunc(needs, func(n approval.Need) bool { return n.Role == role }) {
			l.add("policy.yaml", "the role %s fills no seat; use it in authority.yaml or calendar.yaml, or remove it", role)
		}
	}
}

// needs are all the needs of the policy, those within others too.
func (l *linting) needs() []approval.Need {
	out := slices.Clone(l.d.Authority.Default)
	for _, r := range l.d.Authority.Rules {
		out = append(out, r.Needs...)
	}
	for i := 0; i < len(out); i++ {
		out = append(out, out[i].Any...)
	}
	return out
}

// evidence finds checks that no condition reads.
func (l *linting) evidence() {
	conditions := l.conditions()
	for _, name := range l.d.Evidence {
		reads := regexp.MustCompile(`\bevidence\.` + regexp.QuoteMeta(name) + `\b`)
		if !slices.ContainsFunc(conditions, reads.MatchString) {
			l.add("policy.yaml", "no condition reads the check evidence.%s; use it or remove it", name)
		}
	}
}

func (l *linting) conditions() []string {
	var out []string
	for _, r := range l.d.Risk.Rules {
		out = append(out, r.When, r.Bands)
	}
	for _, t := range l.d.Templates {
		out = append(out, t.Covers, t.Except)
	}
	for _, f := range l.d.Forbid {
		out = append(out, f.When)
	}
	for _, r := range l.d.Authority.Rules {
		out = append(out, r.When)
	}
	return out
}
