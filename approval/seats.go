package approval

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
)

// Seats lists the seats of the requirement, without quorum, for which people
// are asked: each once, in the order of the requirement.
func (c Case) Seats() []Seat { return seatsOf(c.Ruling.Requirement, nil) }

func seatsOf(r Requirement, out []Seat) []Seat {
	switch r := r.(type) {
	case Seat:
		if r.Quorum = 0; !slices.Contains(out, r) {
			out = append(out, r)
		}
	case All:
		for _, part := range r {
			out = seatsOf(part, out)
		}
	case Any:
		for _, part := range r {
			out = seatsOf(part, out)
		}
	}
	return out
}

// among lists those of the seats that are held, without quorum.
func among(seats, held []Seat) []Seat {
	var out []Seat
	for _, s := range seats {
		s.Quorum = 0
		if holds(held, s) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func holds(held []Seat, seat Seat) bool {
	return slices.ContainsFunc(held, func(h Seat) bool { return h.Group == seat.Group && h.Role == seat.Role && h.Of == seat.Of })
}

// inSeats is such as "team-member of shop or app-support of shop".
func inSeats(seats []Seat) string {
	texts := make([]string, len(seats))
	for i, s := range seats {
		texts[i] = s.place()
	}
	return strings.Join(texts, " or ")
}

// place is the seat in words, without its quorum.
func (s Seat) place() string {
	if s.Group != "" {
		return "member of " + s.Group
	}
	return s.String()
}

// service is the service that the case is about.
func (c Case) service() string {
	switch {
	case c.Change != nil:
		return c.Change.Service
	case c.Discovered != nil:
		return c.Discovered.Service
	}
	return ""
}

// Deployers lists the seats whose holders may deploy under the operating model
// of the case: any of them. It is empty, and nobody may, where no model was in
// force when the change was classified.
func (c Case) Deployers() []Seat { return c.party(c.Ruling.Model.Deploys) }

// Validators is the same for those who may validate.
func (c Case) Validators() []Seat { return c.party(c.Ruling.Model.Validates) }

func (c Case) party(p change.Party) []Seat {
	owner, support := Seat{Role: RoleTeamMember, Of: c.service()}, Seat{Role: RoleAppSupport, Of: c.service()}
	switch p {
	case change.Owner:
		return []Seat{owner}
	case change.AppSupport:
		return []Seat{support}
	case change.Either:
		return []Seat{owner, support}
	}
	return nil
}

// Editors lists the seats whose holders may give the case other content, besides
// those who have had a hand in it.
func (c Case) Editors() []Seat { return []Seat{{Role: RoleTeamMember, Of: c.service()}} }

// Reviewers is the same for those who may review: a change manager, and where
// no review is owed also a member of the team.
func (c Case) Reviewers() []Seat {
	out := []Seat{{Role: RoleChangeManager}}
	if !c.owesReview() && c.service() != "" {
		out = append(out, Seat{Role: RoleTeamMember, Of: c.service()})
	}
	return out
}

// voter is a person and the seats that the person can take.
type voter struct {
	person string
	holds  []Seat
}

// fill finds voters who meet a requirement between them, each in one seat
// (INV-14): for the first minimal way to meet it that can be filled at all, by
// a maximum matching, so that the order in which people arrive does not matter.
// It gives their persons in the order of the voters. Nobody fills a
// pre-approval, nor a requirement with more ways to meet it than are compared.
func fill(r Requirement, voters []voter) ([]string, bool) {
	ways, ok := waysToMeet(r)
	if !ok {
		return nil, false
	}
	for _, w := range ways {
		if taken, ok := w.match(voters); ok {
			var out []string
			for i, v := range voters {
				if taken[i] {
					out = append(out, v.person)
				}
			}
			return out, true
		}
	}
	return nil, false
}

// match fills the seats of one way, and says which voters sit.
func (w way) match(voters []voter) (taken []bool, ok bool) {
	m := newMatching(voters)
	for _, holder := range slices.Sorted(maps.Keys(w)) {
		if w[holder] > len(voters) {
			return nil, false
		}
		for range w[holder] {
			m.seats = append(m.seats, holder)
			if len(m.seats) > len(voters) || !m.place(len(m.seats)-1, make([]bool, len(voters))) {
				return nil, false
			}
		}
	}
	taken = make([]bool, len(voters))
	for i, s := range m.seat {
		taken[i] = s >= 0
	}
	return taken, len(m.seats) > 0
}

// matching gives each voter at most one seat.
type matching struct {
	seats   []string          // to be filled, by holder
	holders []map[string]bool // that a voter is
	seat    []int             // of a voter; -1: none
}

// newMatching is one in which nobody sits.
func newMatching(voters []voter) *matching {
	m := matching{holders: make([]map[string]bool, len(voters)), seat: make([]int, len(voters))}
	for i, v := range voters {
		m.seat[i], m.holders[i] = -1, map[string]bool{}
		for _, s := range v.holds {
			m.holders[i][s.holder()] = true
		}
	}
	return &m
}

// place finds somebody for a seat, who may make those move who sit already
// (an augmenting path).
func (m *matching) place(seat int, asked []bool) bool {
	for i := range m.holders {
		if asked[i] || !m.holders[i][m.seats[seat]] {
			continue
		}
		asked[i] = true
		if m.seat[i] < 0 || m.place(m.seat[i], asked) {
			m.seat[i] = seat
			return true
		}
	}
	return false
}

// maxDepth bounds how far requirements nest.
const maxDepth = 8

// requirementProblem says why no policy can have asked for this.
func requirementProblem(r Requirement, depth int) error {
	switch r := r.(type) {
	case Seat:
		if r.Quorum < 1 || (r.Group == "") == (r.Role == "") || r.Group != "" && r.Of != "" {
			return fmt.Errorf("a seat is for a group, or for a role of a service, with a quorum of at least 1; not %+v", r)
		}
		return nil
	case PreApproval:
		if _, err := change.ParseDigest(string(r.Version)); err != nil || r.Template == "" || r.ApprovedBy == "" {
			return fmt.Errorf("a pre-approval names a template, its version and who approved it; not %+v", r)
		}
		return nil
	case All:
		return partsProblem(r, depth)
	case Any:
		return partsProblem(r, depth)
	}
	return fmt.Errorf("%T is not a requirement", r)
}

func partsProblem(parts []Requirement, depth int) error {
	if len(parts) == 0 || depth >= maxDepth {
		return fmt.Errorf("a requirement has at least one part, and at most %d levels of parts", maxDepth)
	}
	for _, part := range parts {
		if err := requirementProblem(part, depth+1); err != nil {
			return err
		}
	}
	return nil
}
