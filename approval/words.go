package approval

import (
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/nearest"
)

// wordList is the closed set of words of an enumeration. A value whose word is
// "" is not known, and has no text.
type wordList struct {
	what  string
	words []string
}

var (
	decisions      = wordList{"decision", []string{"pending", "authorized", "rejected", "expired", "cancelled"}}
	outcomes       = wordList{"outcome", []string{"", "succeeded", "partial", "failed", "rolled-back"}}
	choices        = wordList{"choice", []string{"", "approve", "reject"}}
	templateStates = wordList{"state of a template", []string{"proposed", "probation", "active", "suspended", "retired"}}
	refusals       = wordList{"refusal", []string{
		"", "not-decided", "was-rejected", "has-expired", "was-cancelled", "is-closed", "needs-more", "not-ready", "too-early", "too-late",
		"other-artifact", "other-target", "already-started", "went-wrong", "other-attempt", "not-entitled", "is-contributor", "not-a-person",
		"ambiguous", "other-revision", "no-vote", "clock-behind", "unauthorized", "other-content", "nothing-started", "unassessed",
	}}
)

func (l wordList) format(i uint8) string {
	if int(i) >= len(l.words) {
		return fmt.Sprintf("%s(%d)", l.what, i)
	}
	return l.words[i]
}

func (l wordList) marshal(i uint8) ([]byte, error) {
	if int(i) >= len(l.words) || l.words[i] == "" {
		return nil, fmt.Errorf("there is no %s number %d", l.what, i)
	}
	return []byte(l.words[i]), nil
}

// readWord sets *to from text, or leaves it.
func readWord[T ~uint8](l wordList, text []byte, to *T) error {
	i, known := slices.Index(l.words, string(text)), slices.DeleteFunc(slices.Clone(l.words), func(w string) bool { return w == "" })
	if i < 0 || len(text) == 0 {
		return fmt.Errorf("%q is no %s; expected one of %s%s", text, l.what, strings.Join(known, ", "), nearest.Hint(string(text), known))
	}
	*to = T(i)
	return nil
}

// String is the word for it in records and JSON.
func (d Decision) String() string { return decisions.format(uint8(d)) }

// MarshalText writes the word, also that of the zero value, "pending".
func (d Decision) MarshalText() ([]byte, error) { return decisions.marshal(uint8(d)) }

// UnmarshalText accepts exactly the words of the set.
func (d *Decision) UnmarshalText(text []byte) error { return readWord(decisions, text, d) }

// String is the word for it in records and JSON; "" when it is not known.
func (o Outcome) String() string { return outcomes.format(uint8(o)) }

// MarshalText writes the word; the zero value has none and is an error.
func (o Outcome) MarshalText() ([]byte, error) { return outcomes.marshal(uint8(o)) }

// UnmarshalText accepts exactly the words of the set.
func (o *Outcome) UnmarshalText(text []byte) error { return readWord(outcomes, text, o) }

// String is the word for it in records and JSON; "" for the zero value.
func (c Choice) String() string { return choices.format(uint8(c)) }

// MarshalText writes the word; the zero value has none and is an error.
func (c Choice) MarshalText() ([]byte, error) { return choices.marshal(uint8(c)) }

// UnmarshalText accepts exactly the words of the set.
func (c *Choice) UnmarshalText(text []byte) error { return readWord(choices, text, c) }

// String is the word for it in JSON, such as "not-decided"; "" for the zero
// value.
func (r Refusal) String() string { return refusals.format(uint8(r)) }

// MarshalText writes the word; the zero value has none and is an error.
func (r Refusal) MarshalText() ([]byte, error) { return refusals.marshal(uint8(r)) }

// UnmarshalText accepts exactly the words of the set.
func (r *Refusal) UnmarshalText(text []byte) error { return readWord(refusals, text, r) }

// MarshalText writes the word, also that of the zero value, "proposed".
func (s TemplateState) MarshalText() ([]byte, error) { return templateStates.marshal(uint8(s)) }

// UnmarshalText accepts exactly the words of the set.
func (s *TemplateState) UnmarshalText(text []byte) error { return readWord(templateStates, text, s) }
