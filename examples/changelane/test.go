package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
)

// test runs the decision tests of a policy.
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
	neverFired, neverSilent := p.Unshown(report)
	for _, id := range neverFired {
		say(out, fmt.Sprintf("remark: no case shows the rule %s counting", id))
	}
	for _, id := range neverSilent {
		say(out, fmt.Sprintf("remark: no case shows the rule %s not counting", id))
	}
	say(out, count(report.Cases, "case")+", "+count(len(report.Failures), "failure"))
	if err := out.Flush(); err != nil {
		return lost(c, err)
	}
	if len(report.Failures) > 0 {
		return exitFound
	}
	return exitDone
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
