// Package rule is the expression language of the policies: a strict, typed,
// terminating subset of expr with four truth values and a fault.
//
// It is the only importer of github.com/expr-lang/expr and shows none of its
// types. expr parses and type-checks; the checked tree is lowered to nodes of
// our own, because expr's virtual machine knows neither unknown facts nor
// checked arithmetic, and cannot be stopped.
//
// # Truth
//
// A condition is True, False, Unknown (it hangs on a missing fact),
// NotApplicable (it hangs on a fact that policy says has no meaning here) or a
// Fault (overflow, division by zero, an unreadable fact). "and" takes the
// first of False, Fault, Unknown, NotApplicable, True that either side has;
// "or" the first of True, Fault, Unknown, NotApplicable, False; "not" swaps
// True and False. Every other operator passes on the worst state of its
// operands, and a choice "a ? b : c" whose condition is not known has a value
// only where both outcomes agree. So the order of operands never matters, and a
// missing fact can only move a verdict to Unknown, or uncover a Fault; never
// from True to False or back.
//
// "all" over an empty list is Unknown, unlike in logic: that nothing is there is
// no evidence, either way. "none" and "any" are as usual.
//
// A quantity such as hours(36) is no value of its own: it is settled in the unit
// of the number beside it when the expression is compiled. A named set is the
// list that it stands for, looked up by its hash.
//
// Whole numbers that leave 64 bits, decimals that leave their range or are not
// numbers, division by zero, and the step from a whole number beyond 2^53 to a
// decimal are Faults.
//
// # Many rules, many rows
//
// A [Set] decides many rules over the facts of one change, by an index over the
// tests that they are made of; a [Run] is the memory of one goroutine for it.
// [Columns] hold the facts of many changes, and a [Plan] decides conditions over
// all of them by bitmaps; a [Sweep] is the memory for that. Both give what
// [Expr.Eval] gives of each condition by itself, which is their oracle.
//
// # Looking at conditions without facts
//
// [Boundaries] are the values at which conditions turn, [Mutants] are conditions
// with one small change, and a [Space] says whether any facts can make a
// condition true or false: its No is a proof.
//
// # Limits
//
// A source is at most 4 KiB, 300 nodes and 32 brackets deep; its cost, the sum
// of its steps over the longest permitted lists and texts, is computed when it
// is compiled and refused above [CostLimit]. Evaluation allocates at most the
// texts it joins and always terminates.
package rule
