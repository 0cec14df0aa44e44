package risk

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/changelane/changelane/internal/rule"
)

// Fact is one fact of a change.
type Fact struct {
	Name       string
	State      State
	Provenance Provenance
	kind       rule.Type
	value      *rule.Value // where it was read into; not copied, as few are looked at
}

// Value is a bool, an int64, a float64, a string or a []string when the fact is
// present, else nil. The list is a copy.
func (f Fact) Value() any {
	if f.State != Present || f.value == nil {
		return nil
	}
	switch f.kind {
	case rule.Bool:
		return f.value.Bool
	case rule.Int:
		return f.value.Int
	case rule.Float:
		return f.value.Float
	case rule.List:
		return slices.Clone(f.value.List) // it may be the policy's own
	default:
		return f.value.Text
	}
}

func stateOf(v *rule.Value) State {
	return [...]State{rule.Unknown: Unknown, rule.Present: Present, rule.NotApplicable: NotApplicable, rule.Faulty: Unreadable}[v.State]
}

// String shows the fact with its value, lists and texts shortened.
func (f Fact) String() string {
	if f.State != Present {
		return f.Name + " is " + f.State.String()
	}
	switch v := f.Value().(type) {
	case string:
		return fmt.Sprintf("%s = %q", f.Name, shortened(v))
	case float64:
		return f.Name + " = " + strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		const most = 3
		if len(v) > most {
			return fmt.Sprintf("%s = %q and %d more", f.Name, v[:most], len(v)-most)
		}
		return fmt.Sprintf("%s = %q", f.Name, v)
	default:
		return fmt.Sprintf("%s = %v", f.Name, v)
	}
}

func shortened(s string) string {
	const most = 60
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return s
}
