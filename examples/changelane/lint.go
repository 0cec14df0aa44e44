package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/changelane/changelane/approval"
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
		f.File = filepath.Join(c.policy, f.File)
		say(out, f.String())
		if c.witness && f.Witness != nil {
			line, err := json.Marshal(f.Witness)
			if err != nil {
				say(c.stderr, err.Error())
				return exitRefused
			}
			say(out, string(line))
		}
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

func lintPolicy(c call) (found []risk.Finding, summary string, err error) {
	fsys, err := policyFS(c.policy)
	if err != nil {
		return nil, "", err
	}
	d, err := approval.ParseDefinition(fsys)
	var p *approval.Policy
	if err == nil {
		p, err = approval.New(d)
	}
	var faults risk.ParseErrors
	switch {
	case errors.As(err, &faults):
		for _, f := range faults {
			found = append(found, risk.Finding{File: f.File, Line: f.Line, Column: f.Column, Message: f.Sentence()})
		}
		return found, "", nil
	case err != nil:
		return nil, "", fmt.Errorf("%s: %w", c.policy, err)
	}
	return p.Lint(c.now()), count(len(d.Services), "service") + ", " + count(len(d.Risk.Rules), "rule") + ", " + count(len(d.Templates), "template"), nil
}
