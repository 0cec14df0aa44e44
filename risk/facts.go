package risk

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
	"github.com/changelane/changelane/internal/schema"
)

// Provenance says who answers for a fact.
type Provenance uint8

// Stated is the zero value: nobody but the requester says so.
const (
	Stated   Provenance = iota // the requester says so
	Observed                   // somebody whom the host trusts vouches for it
	Derived                    // the policy, the clock or the library itself says so
)

// String is the word for it.
func (p Provenance) String() string { return [...]string{"stated", "observed", "derived"}[p] }

// State says how much is known of a fact.
type State uint8

// Unknown is the zero value.
const (
	Unknown       State = iota // not there
	Present                    // there
	NotApplicable              // the policy says that it has no meaning for this service
	Unreadable                 // there, but it could not be read
)

// String is the word for it.
func (s State) String() string {
	return [...]string{"unknown", "present", "not applicable", "unreadable"}[s]
}

// Situation is what a change is assessed in.
type Situation struct {
	Service *change.Service     // nil: the policy does not know the service
	Carried *change.Service     // one service that Service carries, for facts named carried.*
	Model   string              // the operating model in force; "": none
	At      time.Time           // when the change is assessed
	Zone    *time.Location      // the zone of the service; nil: not known
	Working *change.WorkingTime // the working time of its owner; nil: not known
}

// Facts are all that a rule may see of one change. The zero Facts hold none.
type Facts struct {
	vocabulary *Vocabulary
	values     []rule.Value
	sources    []Provenance
}

// Fact is one fact of a change.
type Fact struct {
	Name       string
	State      State
	Provenance Provenance
	Value      any // bool, int64, float64, string or []string when present, else nil
}

// Facts reads the facts of a change in a situation.
func (v *Vocabulary) Facts(c *change.Change, s Situation) Facts {
	f := Facts{v, make([]rule.Value, len(v.defs)), make([]Provenance, len(v.defs))}
	r := newReading(c, s)
	for i := range v.defs {
		d := &v.defs[i]
		f.values[i] = v.rules.Admit(i, d.read(&r))
		f.sources[i] = provenance(d, c)
	}
	read := f.values
	if len(v.applies) > 0 {
		read = slices.Clone(f.values) // the order of "applies" does not matter
	}
	for _, a := range v.applies {
		switch verdict, _ := a.when.Eval(read); verdict {
		case rule.IsFalse:
			f.values[a.fact] = rule.Value{State: rule.NotApplicable}
			f.sources[a.fact] = Derived
		case rule.IsUnknown, rule.IsFault: // whether it has a meaning cannot be told
			f.values[a.fact] = rule.Value{}
		}
	}
	return f
}

func provenance(d *definition, c *change.Change) Provenance {
	data := d.data
	if data == "files" && (c.Files == nil || strings.HasPrefix(d.Name, "change.lines_") && !counts(c)) {
		data = "size" // the same facts, stated in numbers
	}
	switch {
	case data == "", data == "window" && c.Window == nil: // without a window, the clock says when
		return Derived
	case c.Observed(data):
		return Observed
	default:
		return Stated
	}
}

// counts reports whether the listed files say how many lines they have.
func counts(c *change.Change) bool { _, _, known := c.Lines(); return known }

// Get finds a fact by name; false when the vocabulary has none of that name.
func (f Facts) Get(name string) (Fact, bool) {
	if f.vocabulary == nil {
		return Fact{}, false
	}
	i, ok := f.vocabulary.rules.Lookup(name)
	if !ok {
		return Fact{}, false
	}
	return f.at(i), true
}

func (f Facts) at(i int) Fact {
	return Fact{f.vocabulary.defs[i].Name, stateOf(f.values[i]), f.sources[i], f.plain(i)}
}

// missing names those of the facts that are not known.
func (f Facts) missing(facts []int) []string {
	var out []string
	for _, i := range facts {
		if f.values[i].State == rule.Unknown {
			out = append(out, f.vocabulary.defs[i].Name)
		}
	}
	return out
}

func stateOf(v rule.Value) State {
	return [...]State{rule.Unknown: Unknown, rule.Present: Present, rule.NotApplicable: NotApplicable, rule.Faulty: Unreadable}[v.State]
}

func (f Facts) plain(i int) any { return plainValue(f.vocabulary.defs[i].Type, f.values[i]) }

// Without returns the facts with one of them unknown, as if nobody had stated
// it; unknown names change nothing.
func (f Facts) Without(name string) Facts {
	if f.vocabulary == nil {
		return f
	}
	i, ok := f.vocabulary.rules.Lookup(name)
	if !ok || f.values[i].State == rule.NotApplicable {
		return f
	}
	out := f
	out.values = append([]rule.Value(nil), f.values...)
	out.values[i] = rule.Value{}
	return out
}

// attributeTree is a change's attributes as a strict document.
func attributeTree(attributes map[string]any) (*schema.Value, error) {
	data, err := json.Marshal(attributes)
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return schema.Parse(data, schema.DocumentLimits())
}

// String shows the fact with its value, lists and texts shortened.
func (f Fact) String() string {
	if f.State != Present {
		return f.Name + " is " + f.State.String()
	}
	switch v := f.Value.(type) {
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
