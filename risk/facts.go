package risk

import (
	"encoding/json"
	"fmt"
	"slices"
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
func (p Provenance) String() string {
	if p > Derived {
		return fmt.Sprintf("Provenance(%d)", uint8(p))
	}
	return [...]string{"stated", "observed", "derived"}[p]
}

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
	if s > Unreadable {
		return fmt.Sprintf("State(%d)", uint8(s))
	}
	return [...]string{"unknown", "present", "not applicable", "unreadable"}[s]
}

// Situation is what rules may know besides the change: its service, how and when
// people work there, and the time. The one in which a policy classifies a change is
// that of Policy.Situation, in package approval.
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
	slots      []int        // by fact: which of sources it has
	sources    []Provenance // see sources
}

// source is who answers for a fact.
func (f *Facts) source(i int) Provenance {
	if f.values[i].State == rule.NotApplicable {
		return Derived // policy says so
	}
	return f.sources[f.slots[i]]
}

// Facts reads the facts of a change in a situation. Without a vocabulary there
// are none.
func (v *Vocabulary) Facts(c *change.Change, s Situation) Facts {
	if v.none() {
		return Facts{}
	}
	return v.all.Facts(c, s)
}

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
	var out Fact
	f.show(&out, i)
	return out
}

// show writes down what a fact is.
func (f *Facts) show(to *Fact, i int) {
	v := &f.values[i]
	*to = f.vocabulary.blank[i]
	to.State, to.Provenance, to.value = stateOf(v), f.source(i), v
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

// Without returns the facts with one of them unknown, as if nobody had stated
// it; unknown names change nothing.
func (f Facts) Without(name string) Facts {
	i, ok := f.changeable(name)
	if !ok {
		return f
	}
	f.values = slices.Clone(f.values)
	f.values[i] = rule.Value{}
	return f
}

// With returns the facts with another value for one of them, as if the
// requester had stated it: a bool, an int, an int64, a float64, a string or a
// []string, as the type of the fact is. A value of another type, or one that
// the fact cannot have, is unreadable. Unknown names change nothing, nor can a
// fact be given that policy says is not applicable; whether other facts apply
// is not decided anew.
func (f Facts) With(name string, value any) Facts {
	i, ok := f.changeable(name)
	if !ok {
		return f
	}
	var r reading
	var given rule.Value
	r.attribute(&given, f.vocabulary.defs[i].Type, value)
	if given.State == rule.Faulty {
		given.Text = name + " is of another type"
	}
	f.values, f.slots = slices.Clone(f.values), slices.Clone(f.slots)
	f.values[i], f.slots[i] = f.vocabulary.rules.Admit(i, given), ofRequester
	return f
}

// changeable finds a fact that can have another value than it has.
func (f Facts) changeable(name string) (int, bool) {
	if f.vocabulary == nil {
		return 0, false
	}
	i, ok := f.vocabulary.rules.Lookup(name)
	return i, ok && f.values[i].State != rule.NotApplicable
}

// attributeTree is a change's attributes as a strict document.
func attributeTree(attributes map[string]any) (*schema.Value, error) {
	data, err := json.Marshal(attributes)
	if err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return schema.Parse(data, schema.DocumentLimits())
}
