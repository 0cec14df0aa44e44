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
// time, with reasons that add up, and a record that nobody can rewrite unnoticed.
//
// # The path of a change
//
//	change.Change ─> risk.Facts ─> risk.Assessment ─> approval.Classification
//	what is asked    what is       level, score,      type, regular?, template,
//	                 known         why, unknowns      who must say yes
//
//	  ─> approval.Case ─> Gate ─> Start ─> Report ─> Validate, Review
//	     votes,           may     I do     what      what we
//	     decision         I?      it       happened  learnt
//
// Up to here everything is a pure function of its arguments: nothing reads a
// clock, a disk or the network. A case is the fold of its events, and every
// step gives events. Package desk puts a clock, a directory of people and a
// store around that, and commits each step to the record of package audit
// together with its event, or not at all.
//
// # The rooms
//
//   - [github.com/changelane/changelane/change]: the request for change,
//     services, operating models, calendar arithmetic
//   - [github.com/changelane/changelane/risk]: facts, rules, and the
//     assessment; its documentation is the reference of the rule language
//   - [github.com/changelane/changelane/approval]: policies, templates, the
//     two axes, requirements; cases with their votes, gate and outcomes;
//     approval.Load is the way in
//   - [github.com/changelane/changelane/approval/policytest]: what the
//     decision tests of a policy show of it, and what they would not notice
//   - [github.com/changelane/changelane/approval/desk]: the only shell, for a
//     program that embeds all of it: desk.New, and a verb for each step
//   - [github.com/changelane/changelane/approval/desk/desktest]: a desk in
//     memory, with people and a clock, to test such a program
//   - [github.com/changelane/changelane/audit]: the record: events, stores, a
//     Merkle log with signed checkpoints, proofs, verification; its
//     documentation specifies the bytes
//   - [github.com/changelane/changelane/audit/memory]: a store in memory
//   - [github.com/changelane/changelane/audit/sqlstore]: a store over
//     database/sql, on a handle of the host's
//   - [github.com/changelane/changelane/audit/sqlite]: a store in a file of
//     SQLite; a module of its own, with the driver
//   - [github.com/changelane/changelane/audit/audittest]: the suite that every
//     store passes, also yours
//
// A policy is a directory of YAML files that a change manager can read; one is
// in examples/policy. The command in examples/changelane does all of this
// without any Go, and answers pipelines by its exit status.
//
// # Where to begin
//
// The example of this package takes two changes the whole way. To classify
// and nothing else takes approval.Load and a call: Policy.Classify of a
// value, or Policy.ClassifyJSON of bytes. Policy.Counterfactual says what a
// requester can do about the answer, Policy.Lint what is questionable about
// a policy. Policy.Rules and Policy.Situation give the rules by themselves,
// for many changes or a history of them; package risk has the examples. To
// embed the whole path takes a store, a directory, and desk.New. Nothing
// here is a server, logs anybody in, deploys, or sends a message but
// through an interface that the host fills.
//
// # Failing towards scrutiny
//
// A wrong yes is an unapproved production change. An error, an unknown fact, a
// rule that fails, or no match means more humans, never fewer. Zero values are
// unclassified, unassessed, pending, and met by nothing. A denial is an error,
// and any error of Gate or Start means: do not deploy.
package changelane
