package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/policytest"
	"github.com/changelane/changelane/risk"
)

// test runs the decision tests of a policy, and tests these tests.
func test(c call) int {
	p, ok := load(c)
	if !ok {
		return exitUsage
	}
	report, err := p.Test(os.DirFS(c.policy))
	if err != nil {
		say(c.stderr, c.policy+": "+err.Error())
		return exitUsage
	}
	if report.Cases == 0 && len(report.Failures) == 0 {
		say(c.stderr, c.policy+`: has no decision tests; expected tests/*.txt, each with "-- change --", "-- at --" and pairs of "-- when ... --" and "-- then --"`)
		return exitFound
	}
	out := bufio.NewWriter(c.stdout)
	for _, f := range report.Failures {
		f.File = filepath.Join(c.policy, f.File)
		say(out, f.String())
	}
	if !c.coverage {
		remarks(out, p, report)
	}
	if report.Unread > 0 {
		say(out, fmt.Sprintf(`remark: nobody has read %s yet: a program has written what is expected, so coverage and the mutation score leave that out; who has read it takes out "unread"`, count(report.Unread, "case")))
	}
	say(out, count(report.Cases, "case")+", "+count(len(report.Failures), "failure"))
	status := exitDone
	if len(report.Failures) > 0 {
		status = exitFound
	}
	status, err = c.further(out, status)
	if lostOutput := out.Flush(); lostOutput != nil {
		return lost(c, lostOutput)
	}
	if err != nil {
		say(c.stderr, err.Error())
		return max(status, exitRefused)
	}
	return status
}

// remarks lists the rules that the cases do not show.
func remarks(out io.Writer, p *approval.Policy, report approval.TestReport) {
	neverFired, neverSilent := p.Unshown(report)
	for _, id := range neverFired {
		say(out, fmt.Sprintf("remark: no case shows the rule %s counting", id))
	}
	for _, id := range neverSilent {
		say(out, fmt.Sprintf("remark: no case shows the rule %s not counting", id))
	}
}

// further tests the tests, as far as that is asked for; status is that so far.
func (c call) further(out io.Writer, status int) (int, error) {
	if !c.coverage && !c.mutate && c.boundaries == "" {
		return status, nil
	}
	fsys := os.DirFS(c.policy)
	d, err := approval.ParseDefinition(fsys)
	tests, err2 := approval.ReadTests(fsys)
	if err := errors.Join(err, err2); err != nil {
		return status, fmt.Errorf("%s: %w", c.policy, err)
	}
	if c.coverage {
		err = c.cover(out, d, tests)
	}
	if c.boundaries != "" && err == nil {
		err = c.bound(out, d, tests)
	}
	if !c.mutate || err != nil {
		return status, err
	}
	if status != exitDone {
		say(out, "no mutation score: the cases must hold for the policy itself first")
		return status, nil
	}
	return c.score(out, d, tests)
}

func (c call) cover(out io.Writer, d approval.Definition, tests approval.TestSuite) error {
	coverage, err := policytest.Cover(d, tests)
	if err != nil {
		return err
	}
	for _, p := range coverage.Points {
		p.Place = c.in(p.Place)
		if text := p.Unshown(); text != "" {
			say(out, "not shown: "+text)
		}
	}
	for _, share := range coverage.Files() {
		name := "the policy"
		if share.File != "" {
			name = filepath.Join(c.policy, share.File)
		}
		say(out, fmt.Sprintf("coverage of %s: %s", name, percent(share.Shown, share.Of)))
	}
	return nil
}

func (c call) bound(out io.Writer, d approval.Definition, tests approval.TestSuite) error {
	text, left, err := policytest.Thresholds(d, tests)
	if err != nil {
		return err
	}
	for _, one := range left {
		one.Place = c.in(one.Place)
		say(out, "no case at a boundary: "+one.String())
	}
	if len(text) == 0 {
		return fmt.Errorf("%s: is not written: there is no number to write a case about", c.boundaries)
	}
	if err := writeNew(c.boundaries, string(text), 0o666); err != nil {
		return err
	}
	say(out, fmt.Sprintf("%s: %s to be read by a person", c.boundaries, count(strings.Count(string(text), "\n-- unread when "), "case")))
	return nil
}

// score lists the mutants that survive, each with a case that would kill it
// where one was found, ready to be put into the file that it names.
func (c call) score(out io.Writer, d approval.Definition, tests approval.TestSuite) (int, error) {
	score, err := policytest.Mutate(d, tests)
	if err != nil {
		return exitDone, err
	}
	var shown []policytest.Witness
	for _, m := range score.Mutants {
		if m.Fate != policytest.Survived {
			continue
		}
		m.Place = c.in(m.Place)
		switch w := m.Witness; {
		case w == nil && m.Why != "":
			say(out, fmt.Sprintf("survived: %s; %s would notice, once somebody has read it", m, filepath.Join(c.policy, m.Why)))
		case w == nil:
			say(out, fmt.Sprintf("survived: %s; no case was found that would notice", m))
		case slices.Contains(shown, *w):
			say(out, fmt.Sprintf("survived: %s; a case above would notice", m))
		default:
			shown = append(shown, *w)
			say(out, fmt.Sprintf("survived: %s; a case for %s would notice, behind the one whose name its own begins with:", m, filepath.Join(c.policy, w.File)))
			for line := range strings.Lines(w.Case) {
				_, _ = io.WriteString(out, plain(strings.TrimSuffix(line, "\n"), len(line))+"\n") // Flush tells
			}
		}
	}
	var kinds []string
	for _, k := range score.Kinds() {
		kinds = append(kinds, fmt.Sprintf("%s %d of %d", k.Name, k.Killed, k.Of))
	}
	say(out, "noticed, by what was changed: "+strings.Join(kinds, ", "))
	killed, of := score.Share()
	say(out, fmt.Sprintf("%s: %d noticed by a case, %d by none; not counted: %d that do not load, %d that decide the same for all services there are", count(len(score.Mutants), "small change"),
		score.Count(policytest.Killed), score.Count(policytest.Survived), score.Count(policytest.Refused), score.Count(policytest.Equivalent)))
	say(out, "mutation score: "+percent(killed, of))
	if !score.Reaches(c.atLeast) {
		say(out, fmt.Sprintf("the mutation score is below the %d %% that -at-least asks for", c.atLeast))
		return exitFound, nil
	}
	return exitDone, nil
}

// in is a place with the path of its file.
func (c call) in(p risk.Place) risk.Place {
	if p.File != "" {
		p.File = filepath.Join(c.policy, p.File)
	}
	return p
}

// percent is a share, rounded down: 100 % is all of it.
func percent(n, of int) string {
	if of == 0 {
		return "nothing to show"
	}
	return fmt.Sprintf("%d %% (%d of %d)", n*100/of, n, of)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
