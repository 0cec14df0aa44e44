package change

import (
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/nearest"
)

// vocabulary is the closed set of words of an enumeration. The word of the
// zero value is "": not stated.
type vocabulary struct {
	what  string
	words []string
}

func (v vocabulary) format(i uint8) string {
	if int(i) >= len(v.words) {
		return fmt.Sprintf("%s(%d)", v.what, i)
	}
	return v.words[i]
}

func (v vocabulary) marshal(i uint8) ([]byte, error) {
	if i == 0 || int(i) >= len(v.words) {
		return nil, fmt.Errorf("there is no %s number %d", v.what, i)
	}
	return []byte(v.words[i]), nil
}

func (v vocabulary) unmarshal(text []byte) (uint8, error) {
	i := slices.Index(v.words, string(text))
	if i <= 0 {
		return 0, fmt.Errorf("%q is not a %s; expected one of %s%s", text, v.what, strings.Join(v.words[1:], ", "), nearest.Hint(string(text), v.words[1:]))
	}
	return uint8(i), nil
}

// list is the words without the zero value's.
func (v vocabulary) list() []string { return slices.Clone(v.words[1:]) }

// read sets *to from text, or leaves it.
func read[T ~uint8](v vocabulary, text []byte, to *T) error {
	i, err := v.unmarshal(text)
	if err == nil {
		*to = T(i)
	}
	return err
}
