// Package change holds what is asked: the request for change, the services it
// is for, the operating models they are run under, and calendar arithmetic.
//
// A [Change] is the request for change (RFC) of ITIL 4: plain data, one
// revision at a time. It says who asks for what, on which service, with which
// artifacts, evidence and plan. [Decode] reads one from JSON, strictly; a
// program may also build one as a Go value and ask [Change.Validate]. Its
// [Change.Digest] names its content for ever: approvals bind to it.
//
// A [Service] is what changes. It has an owning team and a dated
// [OperatingModel]: who deploys, who validates, whether a slot and a handover
// are needed, and how far the team's own claim counts. The presets are
// [OpsRunIt] and [YouBuildItYouRunIt]; anything between is a value of the same
// struct. Both live side by side, chosen per service.
//
// # Absent is unknown
//
// A field that is left out is a fact that is not known, which is never the
// same as zero, false or an empty list: a change without "files" touches
// unknown files, a change with "files": [] touches none. Rules count what they
// cannot see against the change, so a caller that knows should say.
//
// # Canonical bytes
//
// [Change.Canonical] is the JSON of the change after RFC 8785 (JSON
// Canonicalization Scheme): members sorted by their UTF-16 code units, no
// white space, numbers in their shortest form, times in UTC as RFC 3339 with
// up to nine decimals and a trailing Z. [Change.Digest] is the SHA-256 of the
// line "changelane/change/v1" with its line feed, followed by those bytes.
// Both are fixed by golden files and do not change within v1.
//
// # What it will not do
//
// It does not know rules, levels, templates or approvals, and it reads neither
// clock nor disk: zones come from data that is compiled in.
package change
