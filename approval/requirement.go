package approval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
)

// Requirement is what one change needs before it may be deployed: seats, all
// of several things, any of several things, or a pre-approval. It is a closed
// sum. The nil Requirement is met by nothing.
type Requirement interface {
	// AtLeast reports whether this requirement is at least as strict as the
	// other: whoever meets this one meets the other too. It is a partial
	// order; two requirements can each be not at least the other.
	AtLeast(other Requirement) bool
	// String is the requirement in words.
	String() string

	requirement()
}

// Seat is a place that people fill by saying yes: so many members of a group,
// or so many holders of a role for a service or team.
type Seat struct {
	Group  string `json:"group,omitzero"`
	Role   string `json:"role,omitzero"`
	Of     string `json:"of,omitzero"` // the service that the role is held for
	Quorum int    `json:"quorum"`
}

// All is met when each of its parts is.
type All []Requirement

// Any is met when one of its parts is.
type Any []Requirement

// PreApproval is met by an active template: no human step is left.
type PreApproval struct {
	Template   string        `json:"template"`
	Version    change.Digest `json:"version"`     // of the template's definition
	ApprovedBy string        `json:"approved_by"` // who pre-approved it
	Ref        string        `json:"ref,omitzero"`
}

func (Seat) requirement()        {}
func (All) requirement()         {}
func (Any) requirement()         {}
func (PreApproval) requirement() {}

// holder names the place without its quorum.
func (s Seat) holder() string {
	if s.Group != "" {
		return "group " + s.Group
	}
	return "role " + s.Role + " of " + s.Of
}

// String is such as "3 of cab", "service-owner of payments-api", or
// "incident-manager" for a role that is held for no service.
func (s Seat) String() string {
	switch {
	case s.Group != "":
		return fmt.Sprintf("%d of %s", s.Quorum, s.Group)
	case s.Of == "":
		return s.Role
	default:
		return fmt.Sprintf("%s of %s", s.Role, s.Of)
	}
}

// String joins the parts with "and".
func (a All) String() string { return words([]Requirement(a), " and ") }

// String joins the parts with "or".
func (a Any) String() string { return words([]Requirement(a), " or ") }

// String names the template and who approved it.
func (p PreApproval) String() string {
	return fmt.Sprintf("nobody: pre-approved by %s as %s", p.ApprovedBy, p.Template)
}

func words(parts []Requirement, join string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = p.String()
		if _, nested := p.(Any); nested && len(parts) > 1 {
			out[i] = "(" + out[i] + ")"
		}
	}
	return strings.Join(out, join)
}

// MarshalJSON writes {"all": [...]}.
func (a All) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Requirement{"all": a})
}

// MarshalJSON writes {"any": [...]}.
func (a Any) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Requirement{"any": a})
}

// AtLeast reports whether s is at least as strict as other.
func (s Seat) AtLeast(other Requirement) bool { return atLeast(s, other) }

// AtLeast reports whether a is at least as strict as other.
func (a All) AtLeast(other Requirement) bool { return atLeast(a, other) }

// AtLeast reports whether a is at least as strict as other.
func (a Any) AtLeast(other Requirement) bool { return atLeast(a, other) }

// AtLeast reports whether p is at least as strict as other: only as strict as
// the same pre-approval.
func (p PreApproval) AtLeast(other Requirement) bool { return atLeast(p, other) }

// maxWays bounds the ways to meet a requirement that are compared; beyond it
// nothing is called as strict as anything.
const maxWays = 4096

// countWays counts the ways that waysToMeet lists, up to more than it compares.
func countWays(r Requirement) int {
	n := 1
	switch r := r.(type) {
	case Any:
		n = 0
		for _, part := range r {
			n = min(n+countWays(part), maxWays+1)
		}
	case All:
		for _, part := range r {
			n = min(n*countWays(part), maxWays+1)
		}
	}
	return n
}

// atLeast holds when every minimal way to meet a also meets b.
func atLeast(a, b Requirement) bool {
	ways, ok := waysToMeet(a)
	if !ok || b == nil {
		return false
	}
	for _, way := range ways {
		if !way.meets(b) {
			return false
		}
	}
	return len(ways) > 0
}

// way is one set of filled seats, by holder, and of pre-approvals.
type way map[string]int

func waysToMeet(r Requirement) ([]way, bool) {
	switch r := r.(type) {
	case Seat:
		return []way{{r.holder(): r.Quorum}}, r.Quorum > 0
	case PreApproval:
		return []way{{"template " + r.Template + " " + string(r.Version): 1}}, true
	case Any:
		var out []way
		for _, part := range r {
			more, ok := waysToMeet(part)
			if out = append(out, more...); !ok || len(out) > maxWays {
				return nil, false
			}
		}
		return out, true
	case All:
		out := []way{{}}
		for _, part := range r {
			more, ok := waysToMeet(part)
			if !ok || len(out)*len(more) > maxWays {
				return nil, false
			}
			out = combine(out, more)
		}
		return out, len(r) > 0
	}
	return nil, false
}

func combine(as, bs []way) []way {
	out := make([]way, 0, len(as)*len(bs))
	for _, a := range as {
		for _, b := range bs {
			joined := way{}
			for _, w := range []way{a, b} {
				for holder, n := range w {
					joined[holder] = max(joined[holder], n)
				}
			}
			out = append(out, joined)
		}
	}
	return out
}

func (w way) meets(r Requirement) bool {
	switch r := r.(type) {
	case Seat:
		return r.Quorum > 0 && w[r.holder()] >= r.Quorum
	case PreApproval:
		return w["template "+r.Template+" "+string(r.Version)] > 0
	case All:
		return len(r) > 0 && !slices.ContainsFunc(r, func(part Requirement) bool { return !w.meets(part) })
	case Any:
		return slices.ContainsFunc(r, w.meets)
	}
	return false
}

// sum is all of the parts, flat, without repeats: the same seat twice counts
// once, with the higher quorum, wherever it came from.
func sum(parts []Requirement) Requirement {
	var out All
	for _, p := range parts {
		seat, isSeat := p.(Seat)
		at := slices.IndexFunc(out, func(o Requirement) bool {
			other, ok := o.(Seat)
			return isSeat && ok && other.holder() == seat.holder() || !isSeat && reflect.DeepEqual(o, p)
		})
		switch {
		case at < 0:
			out = append(out, p)
		case isSeat && out[at].(Seat).Quorum < seat.Quorum:
			out[at] = seat
		}
	}
	if len(out) == 0 {
		return nil // which nothing meets, unlike all of nothing
	}
	slices.SortStableFunc(out, func(a, b Requirement) int { return cmp.Compare(place(a), place(b)) })
	return out
}

// place orders seats by name, so that the order of rules does not matter.
func place(r Requirement) string {
	if s, ok := r.(Seat); ok {
		return s.holder()
	}
	return "~" + r.String()
}
