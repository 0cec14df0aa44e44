// Package approval decides which route a change takes and who must say yes.
//
// A [Policy] is made by [Load] from a directory of files that a change manager
// can read, or by [New] from a [Definition] in Go. [Policy.Classify] takes a
// change and gives a [Classification]: the type of the change (ITIL's
// standard, normal or emergency), why, and the [Requirement] that must be met.
//
// # Two axes
//
// A change is standard only if it is regular and low-risk:
//
//   - regular: inside the envelope of a [Template] in force. The envelope is
//     what "covers" holds and "except" does not, both for certain. A template
//     is in force from its approval to its end, while the service is still in
//     the stage, tier and exposure that it is bound to, and while the log, where
//     there is one, has it as active or on probation.
//   - low-risk: the level of the [risk.Assessment] is at or under the ceiling of
//     that template, which a freeze may lower.
//
// It must also be claimed, where the operating model of the service says so;
// nothing in the catalogue may forbid it; and nothing about the risk may be
// left open by a missing fact or a failing rule. Everything else is normal, or
// an emergency where one is asked for. A claim may exceed the ceiling by the
// slack of the operating model, in points only: not past a floor, the default
// or a freeze. The team can always ask for more scrutiny.
//
// A standard change that names a window is standard for that window: freezes
// are looked up there.
//
// # Authority
//
// Authority rules add up: each that matches adds its seats. A rule that asks for
// the type, and besides it only for the level and the service, says who decides
// changes of that type; any other only adds to it. Where no such rule matches,
// or it cannot be told whether one does, or the risk of a normal change was left
// open, the default is needed as well. A missing fact never takes a seat away.
//
// # Strictness
//
// [Requirement.AtLeast] orders requirements, not types: one is at least as
// strict as another if whoever meets it meets the other too.
//
// # Questions about a policy
//
// [Policy.Counterfactual] looks for what a requester can do that would make a
// change standard; each suggestion has been classified. [Policy.Lint] lists what
// loads and is hardly what was meant, with a proof, and with a change that shows
// it where there is one. [Policy.Test] runs the decision tests; package
// policytest says what they show. [Policy.ClassifyJSON] is the quick way from
// bytes: it reads, checks and digests a change once. [Policy.Rules] and
// [Policy.Situation] are for those who want the rules by themselves, such as over
// a history.
//
// # What it will not do
//
// It keeps no state, asks no directory and reads no clock: what it needs of
// these is in [Inputs], and where they are silent [Classification.Assumed] says
// what was assumed.
package approval
