// Package policyfile reads the policy files that people write by hand: YAML
// in its notation, but strict in its meaning.
//
// YAML was made to be forgiving, and a forgiven mistake in a policy ships a
// change that nobody looked at. So a document here is a tree of mappings,
// sequences and texts, and nothing else: no anchors, aliases, merge keys,
// tags or directives, no second document, no key twice, not even in another
// case. A scalar is the text that stands in the file: 1.10, 010, yes and
// 2026-06-04 stay what was written, and the reader says which form it expects.
//
// Every fault names a place and a remedy, and reading goes on after it, so
// that one run shows all faults of a file. Only what breaks the notation
// itself ends the reading, because nothing after it can be trusted.
//
// The nouns: a [Pos] is a place, an [Error] one fault at a place, [Errors]
// all faults of a load, a [Node] one value with its place, an [Object] a
// mapping whose fields are known. Columns count characters from 1, not bytes.
//
// The package knows no policy: which fields a rule has is the business of the
// packages that read rules. It is the only one that imports a YAML library,
// and shows none of that library's types.
package policyfile
