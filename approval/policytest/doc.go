// Package policytest tests the decision tests of a policy: what they show of
// it, what they would not notice, and what they should ask at the thresholds.
//
// The nouns: a [Point] is one thing of the policy that can go two ways, and
// [Coverage] says which ways the cases show. A [Mutant] is the policy with one
// small change, as a slip of the pen would make it: in a condition, in points, in
// a date, or in what is said of a service, there to the nearest value that
// something in the policy can tell from it. A case that fails on it kills it, and
// the [Score] says how many are killed. One that survives comes, where it can be
// found, with a [Witness]: a change that the two policies answer differently, in
// the form of a case. [Thresholds] writes cases at the values at which conditions
// turn, with the answers of today, for a person to look at: what is written here
// is headed "unread", runs, and shows nothing until somebody has read it and taken
// out that word.
//
// Everything here is a function of the definition of a policy and its tests; it
// decides nothing.
package policytest
