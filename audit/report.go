package audit

import (
	"fmt"
	"strings"
)

// maxProblems is how many problems a report keeps; the rest are counted.
const maxProblems = 100

// Report is what [Verify] found.
type Report struct {
	Tenant        string
	Size          int64 // of the log
	Root          Hash  // of the tree over its entries, as they are now
	Records       int64
	Events        int64      // of these records
	Waiting       int64      // of these events; they are under no checkpoint yet
	Authenticated bool       // the last checkpoint was opened with the key
	Checkpoint    Checkpoint // the last one; zero unless Authenticated
	Problems      []Problem  // the first ones
	More          int64      // problems beyond these
}

// Problem is something that is not as it was written. What it is not about is
// zero, and -1 for the index.
type Problem struct {
	Index int64 // in the log
	Key   Key
	Seq   uint64 // of the event in its record
	What  string
}

// OK tells that the log is authenticated and nothing was found. The zero value
// is not.
func (r Report) OK() bool { return r.Authenticated && len(r.Problems) == 0 && r.More == 0 }

// String gives the report as sentences, one a line.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q has %s of %s; %s in the log, and %s for a place there.\n", clip(r.Tenant),
		count(uint64(r.Events), "event"), count(uint64(r.Records), "record"), has(r.Size, "entry is", "entries are"), has(r.Waiting, "event waits", "events wait"))
	if r.Authenticated {
		fmt.Fprintf(&b, "The last checkpoint was signed by %s: size %d, root %s.\n", r.Checkpoint.Origin, r.Checkpoint.Size, r.Checkpoint.Root)
	} else {
		b.WriteString("NOT authenticated: no checkpoint was opened with the verifying key of the log, so all of it could have been rewritten.\n")
	}
	if len(r.Problems) == 0 {
		b.WriteString("Nothing was found that is not as it was written.\n")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(&b, "Problem: %s.\n", p)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "And %s more.\n", count(uint64(r.More), "problem"))
	}
	return b.String()
}

// String names the place and says what is wrong there.
func (p Problem) String() string {
	var place []string
	if p.Index >= 0 {
		place = append(place, fmt.Sprintf("entry %d of the log", p.Index))
	}
	switch {
	case p.Seq > 0:
		place = append(place, fmt.Sprintf("event %d of %s", p.Seq, p.Key))
	case p.Key != Key{}:
		place = append(place, p.Key.String())
	}
	if len(place) == 0 {
		place = []string{"the log"}
	}
	return strings.Join(place, ", ") + ": " + p.What
}

// has counts with a verb.
func has(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
