// Package workload makes the changes and the rules that the benchmarks run
// over, always the same ones, in the form that each contestant wants. Nothing
// but tests and benchmarks imports it.
//
// A change has 23 fields. There are 500 services, drawn by Zipf's law, in 60
// teams. Rules are a prefix of one sequence: of ten, six begin with an equality
// or a list of values, of the service, the team, the environment, the kind or
// the region, followed by one to three conjuncts; two are thresholds of two or
// three numbers; one is about a list or a text; one joins tests with "or" and
// "not". At 1,000 rules about eight match a change.
//
// A [Rule] holds its condition as a tree of tests, which every contestant gets
// in its own language: our expressions, plain expr, CEL, Rego, Cedar. The tree
// can also decide by itself, see [Condition.Holds]: that is the answer that all
// of them are held to.
package workload
