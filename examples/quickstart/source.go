package main

import (
	"iter"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// source is where changes come from, and the policy they are held against.
type source struct {
	title   string // what it is, in one line
	policy  *approval.Policy
	changes iter.Seq2[sample, error] // oldest first
	failed  string                   // what it means that a change failed
	assumed []string                 // what the demonstration takes for granted
	notes   func() []string          // what else should be said, once all is read
	further []string                 // how to look further
}

// nothing is the answer of a source that has no changes: no failure, and
// nothing to show either. It is a sentence.
type nothing string

func (n nothing) Error() string { return string(n) }

// sample is one change whose outcome is known.
type sample struct {
	change *change.Change
	at     time.Time // when it was made, and is classified
	failed bool
}

// importer vouches for what was counted. A host may attest the changes that it
// builds itself; nobody can do so in JSON.
func importer(covers ...string) []change.Attestation {
	return []change.Attestation{{By: "importer", Covers: covers}}
}

// claim is what the on-call team would say: history does not tell, so the
// demonstration assumes it for every service that has one on call. It is never
// enough by itself: the operating model must let the team claim, and the
// change must be regular and low-risk too.
func claim(p *approval.Policy, service string) *change.Claim {
	s, ok := p.Service(service)
	if !ok || s.OnCall == "" {
		return nil
	}
	return &change.Claim{Type: change.Standard, By: s.OnCall, Reason: "assumed for the demonstration"}
}
