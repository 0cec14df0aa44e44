// Package changelane decides how a change comes to production: as a
// pre-approved standard change, at once and without a human, or by a decision
// of those whom policy names, and it says why.
//
// Organisations bring changes to production in two ways, chosen per service.
// Ops Run It: a change-advisory board decides each change, and App Support
// deploys it at the scheduled time. You Build It You Run It: the on-call
// product team claims what is regular and low-risk as a standard change,
// deploys when it chooses and reports the outcome; the rest goes to the same
// board. Any Go program can embed the decision between the two, identical each
// time, with reasons that add up.
//
// # The path of a change
//
//	change.Change ─> risk.Facts ─> risk.Assessment ─> approval.Classification
//	what is asked    what is       level, score,      type, regular?, template,
//	                 known         why, unknowns      who must say yes
//
// Everything on this path is a pure function of its arguments: nothing reads a
// clock, a disk or the network.
//
// # The rooms
//
//   - [github.com/changelane/changelane/change]: the request for change,
//     services, operating models, calendar arithmetic
//   - [github.com/changelane/changelane/risk]: facts, rules, and the
//     assessment; its documentation is the reference of the rule language
//   - [github.com/changelane/changelane/approval]: policies, templates, the
//     two axes, and requirements; [approval.Load] is the way in
//
// A policy is a directory of YAML files that a change manager can read; one is
// in examples/policy. The command in examples/changelane classifies, explains,
// lints and tests without any Go.
//
// # Failing towards scrutiny
//
// A wrong yes is an unapproved production change. An error, an unknown fact, a
// rule that fails, or no match means more humans, never fewer. Zero values are
// unclassified, unassessed, and met by nothing.
package changelane
