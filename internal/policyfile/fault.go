package policyfile

import (
	"cmp"
	"fmt"
	"slices"
)

// shownFaults is how many faults All lists before it only counts the rest:
// more than anyone mends in one sitting.
const shownFaults = 100

// Pos is a place in a policy file. Line and Column count from 1, Column in
// characters. The zero Pos stands for a policy that was built in Go.
type Pos struct {
	File         string
	Line, Column int
}

// String gives the place as "risk.yaml:12:5", and "policy" for the zero Pos.
func (p Pos) String() string {
	switch {
	case p == Pos{}:
		return "policy"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}

// Error is one fault of a policy: one sentence without line breaks that says
// what was expected and how to mend it.
type Error struct {
	Pos     Pos
	Message string
}

// Error gives place and message: "risk.yaml:12:5: points has no value".
func (e *Error) Error() string { return e.Pos.String() + ": " + e.Message }

// Errors collects every fault of a load. The zero value is empty and ready to
// use. It may collect from several files.
type Errors struct{ faults []*Error }

// Addf adds a fault at pos; the message is formatted as by [fmt.Sprintf].
func (e *Errors) Addf(pos Pos, format string, args ...any) {
	e.faults = append(e.faults, &Error{pos, fmt.Sprintf(format, args...)})
}

// Len is the number of faults added so far, duplicates included.
func (e *Errors) Len() int { return len(e.faults) }

// All gives the faults in order of file, line and column, those at one place
// in the order in which they were added, and each fault once. At most 100 are
// listed; then a last one, at the place of the first that is not listed, says
// how many more there are.
func (e *Errors) All() []*Error {
	seen := make(map[Error]bool, len(e.faults))
	var all []*Error
	for _, fault := range e.faults {
		if !seen[*fault] {
			seen[*fault] = true
			all = append(all, fault)
		}
	}
	slices.SortStableFunc(all, func(a, b *Error) int { return a.Pos.compare(b.Pos) })
	if more := len(all) - shownFaults; more > 0 {
		rest := &Error{all[shownFaults].Pos, fmt.Sprintf("and %d more", more)}
		all = append(all[:shownFaults:shownFaults], rest)
	}
	return all
}
