package risk

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
)

// FindingKind is what is questionable about a policy that loads. The zero kind
// is none.
type FindingKind uint8

// The kinds of findings.
const (
	NeverTrue     FindingKind = iota + 1 // a condition, or part of one, that nothing meets
	AlwaysTrue                           // one that everything meets
	Contradiction                        // parts of one condition that exclude each other
	Duplicate                            // two things that say the same
	Subsumed                             // something that makes no difference beside another
	Unreachable                          // a level, a ceiling or a threshold that nothing comes to
	NoEffect                             // something that changes nothing
	Unused                               // something declared that nothing refers to
	Outdated                             // something whose time is over, or has not come
)

var findingKinds = []string{"", "never-true", "always-true", "contradiction", "duplicate", "subsumed", "unreachable", "no-effect", "unused", "outdated"}

// String is the word for it.
func (k FindingKind) String() string {
	if k == 0 || int(k) >= len(findingKinds) {
		return fmt.Sprintf("FindingKind(%d)", uint8(k))
	}
	return findingKinds[k]
}

// MarshalText is the word for it; it refuses what is none of the kinds.
func (k FindingKind) MarshalText() ([]byte, error) {
	if k == 0 || int(k) >= len(findingKinds) {
		return nil, fmt.Errorf("%v is not a kind of finding", k)
	}
	return []byte(findingKinds[k]), nil
}

// UnmarshalText reads a word; it refuses unknown ones.
func (k *FindingKind) UnmarshalText(text []byte) error {
	for i, word := range findingKinds {
		if i > 0 && word == string(text) {
			*k = FindingKind(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a kind of finding%s", text, nearest.Hint(string(text), findingKinds[1:]))
}

// Finding is something questionable about a policy that loads: it does what it
// says, but hardly what was meant.
type Finding struct {
	File    string         `json:"file"` // "" for what was built in Go
	Line    int            `json:"line,omitzero"`
	Column  int            `json:"column,omitzero"`
	ID      string         `json:"id,omitzero"` // of the rule, template or other part
	Kind    FindingKind    `json:"kind"`
	Message string         `json:"message"`          // one sentence
	Witness *change.Change `json:"witness,omitzero"` // a change that shows it, where there is one; it states its window where the time matters
}

// String is the place and the sentence, in one line.
func (f Finding) String() string {
	return (&ParseError{File: f.File, Line: f.Line, Column: f.Column, Message: f.Message}).Error()
}

// SortFindings puts findings into the order of their files, as these come, and
// of their places in them.
func SortFindings(list []Finding) {
	var files []string
	for _, f := range list {
		if !slices.Contains(files, f.File) {
			files = append(files, f.File)
		}
	}
	slices.SortStableFunc(list, func(a, b Finding) int {
		return cmp.Or(slices.Index(files, a.File)-slices.Index(files, b.File), a.Line-b.Line, a.Column-b.Column)
	})
}

// findings collects them.
type findings struct{ all []Finding }

func (f *findings) add(at source, id string, kind FindingKind, witness *change.Change, format string, args ...any) {
	out := Finding{File: at.file, ID: id, Kind: kind, Message: fmt.Sprintf(format, args...), Witness: witness}
	if at.node != nil {
		out.File, out.Line, out.Column = at.node.Pos.File, at.node.Pos.Line, at.node.Pos.Column
	}
	f.all = append(f.all, out)
}
