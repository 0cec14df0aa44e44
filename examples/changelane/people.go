package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
)

// people is a directory that is read from a file.
type people struct {
	list []person
	at   map[string]int // in the list, by identity
	like map[string]string
}

type person struct {
	desk.Person
	also  []string
	holds []holding
}

// holding is a group that somebody belongs to, or a role that somebody has.
type holding struct{ group, role, of string }

// everyService in place of a service says that a role is held for all of them.
const everyService = "*"

// maxPeople is how long a people file may be, in bytes.
const maxPeople = 16 << 20

// readPeople reads a people file; the error is a sentence with its place.
func readPeople(file string) (*people, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %s; expected a file that says who is who", file, cause(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPeople+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: cannot be read: %s; expected a file that says who is who", file, cause(err))
	case len(data) > maxPeople:
		return nil, fmt.Errorf("%s: is longer than %d bytes", file, maxPeople)
	}
	p := &people{at: map[string]int{}, like: map[string]string{}}
	if err := readStrict(data, p.read); err != nil {
		return nil, errors.New(sentence(file, 1, err))
	}
	return p, nil
}

func (p *people) read(s *strict) error {
	return s.object(member{"people", true, func() error {
		return s.list(func(int) error { return p.person(s) })
	}})
}

func (p *people) person(s *strict) error {
	var one person
	err := s.object(
		member{"id", true, s.text(func(v string) error { one.ID = v; return p.identity(v) })},
		member{"kind", true, s.text(func(v string) error { return one.Kind.UnmarshalText([]byte(v)) })},
		member{"also", false, func() error {
			return s.list(func(int) error {
				return s.text(func(v string) error { one.also = append(one.also, v); return p.identity(v) })()
			})
		}},
		member{"holds", false, func() error {
			return s.list(func(int) error { return one.holding(s) })
		}},
	)
	p.list = append(p.list, one)
	return err
}

// identities are opaque: printable ASCII without spaces (INV-15).
var identities = regexp.MustCompile(`^[!-~]{1,256}$`)

func checkIdentity(id string) error {
	if !identities.MatchString(id) {
		return fmt.Errorf("is %q; expected printable ASCII without spaces, such as idp|alice", id)
	}
	return nil
}

// identity notes that an identity belongs to the person who is being read.
// Two that differ in nothing but the case of letters are refused, because people
// would take one for the other.
func (p *people) identity(id string) error {
	if err := checkIdentity(id); err != nil {
		return err
	}
	folded := strings.ToLower(id)
	if other, taken := p.like[folded]; taken {
		return fmt.Errorf("is %q, and %q is there already; expected every identity once", id, other)
	}
	p.like[folded], p.at[id] = id, len(p.list)
	return nil
}

var holdable = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,127}$`)

func word(field *string) func(string) error {
	return func(v string) error {
		*field = v
		if v != everyService && !holdable.MatchString(v) {
			return fmt.Errorf("is %q; expected small letters, digits and . _ -, beginning with a letter or a digit", v)
		}
		return nil
	}
}

func (one *person) holding(s *strict) error {
	var h holding
	if err := s.object(
		member{"group", false, s.text(word(&h.group))},
		member{"role", false, s.text(word(&h.role))},
		member{"of", false, s.text(word(&h.of))},
	); err != nil {
		return err
	}
	switch {
	case (h.group == "") == (h.role == ""):
		return s.fail("expected either a group or a role")
	case h.group != "" && h.of != "":
		return s.fail(`a group is of no service; leave out "of"`)
	case h.group == everyService || h.role == everyService:
		return s.fail(`expected a name; "*" stands only for every service, in "of"`)
	case slices.Contains(one.holds, h):
		return s.fail("is there twice; keep one")
	case h.role == approval.RoleOutsideTeam:
		return s.fail("nobody holds the role %s: it is for those who do not hold %s", h.role, approval.RoleTeamMember)
	}
	one.holds = append(one.holds, h)
	return nil
}

// fills reports whether what is held lets somebody take the seat.
func (h holding) fills(s approval.Seat) bool {
	if s.Group != "" || s.Role == "" {
		return s.Group != "" && h.group == s.Group
	}
	return h.role == s.Role && (h.of == s.Of || h.of == everyService && s.Of != "")
}

// Person finds somebody by any of their identities.
func (p *people) Person(_ context.Context, identity string) (desk.Person, error) {
	i, known := p.at[identity]
	if !known {
		return desk.Person{}, desk.ErrUnknownPerson
	}
	return p.list[i].Person, nil
}

// Holds reports whether the person may take the seat; whoever is not in the
// file any more may take none.
func (p *people) Holds(_ context.Context, id string, seat approval.Seat) (bool, error) {
	i, known := p.at[id]
	return known && p.list[i].fills(seat), nil
}

func (one person) fills(seat approval.Seat) bool {
	return slices.ContainsFunc(one.holds, func(h holding) bool { return h.fills(seat) })
}

// Members lists who may take the seat, in the order of the file.
func (p *people) Members(_ context.Context, seat approval.Seat) ([]desk.Person, error) {
	var out []desk.Person
	for _, one := range p.list {
		if one.fills(seat) {
			out = append(out, one.Person)
		}
	}
	return out, nil
}
