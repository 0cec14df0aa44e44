// Package schema reads JSON strictly and holds it against closed, local JSON
// Schemas.
//
// Parse turns bytes into a Value, the one parse that is validated, evaluated
// and stored. It refuses what readers of JSON are known to disagree about:
// repeated and case-variant names, bytes that are not UTF-8, control
// characters, lone surrogates, trailing data, numbers that a double cannot
// hold, and anything over its Limits.
//
// Compile accepts a subset of JSON Schema draft 2020-12 in which nothing is
// open, remote or ignored by accident. An unknown keyword, an unknown format,
// a keyword beside the wrong type, an object that does not say what becomes of
// unknown fields, and a reference that leaves the document are all refused.
//
// The package hides the evaluator that it uses and guards it: a document is
// measured against the schema before it is evaluated, so that the cost of one
// Validate is bounded whatever the document. What is valid beyond doubt is
// recognised without the evaluator, about forty times faster; for everything
// else the evaluator decides, and finds the words.
package schema

import "strings"

// Problem is one thing wrong with a document: where it is and what it is.
type Problem struct {
	// Pointer is the RFC 6901 pointer of the offending value; "" is the root.
	Pointer string
	// Line and Column count from 1. The column counts runes.
	Line, Column int
	// Message is a sentence without a subject: the value at Pointer is meant.
	Message string

	cause error
}

// Error returns the pointer and the message, without line and column. The root
// is written as "/".
func (p *Problem) Error() string {
	if p.Pointer == "" {
		return "/: " + p.Message
	}
	return p.Pointer + ": " + p.Message
}

// Unwrap returns ErrIncomplete when the document ended too early, else nil.
func (p *Problem) Unwrap() error { return p.cause }

// The escapes of RFC 6901, section 3, and back.
var (
	pointerEscapes   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescapes = strings.NewReplacer("~1", "/", "~0", "~")
)

// pointerTo appends one name to an RFC 6901 pointer.
func pointerTo(parent, name string) string {
	if strings.ContainsAny(name, "~/") {
		name = pointerEscapes.Replace(name)
	}
	return parent + "/" + name
}
