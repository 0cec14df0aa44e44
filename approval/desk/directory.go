package desk

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// questions asks a directory, each question once.
type questions struct {
	directory Directory
	people    map[string]approval.Actor
	held      map[holding]bool
}

type holding struct {
	person string
	seat   approval.Seat
}

// identity is what the caller's authentication may call somebody (INV-15).
var identity = regexp.MustCompile(`^[!-~]{1,256}$`)

func checkIdentity(who string) error {
	if !identity.MatchString(who) {
		return fmt.Errorf("%.80q is not an identity: printable ASCII without space, such as idp|alice, at most 256", who)
	}
	return nil
}

// actor is whoever is behind an identity. One whom the directory does not know
// is no person.
func (q *questions) actor(ctx context.Context, who string) (approval.Actor, error) {
	if a, asked := q.people[who]; asked {
		return a, nil
	}
	a := approval.Actor{Identity: who}
	p, err := ask(ctx, func() (Person, error) { return q.directory.Person(ctx, who) })
	switch {
	case errors.Is(err, ErrUnknownPerson):
	case err != nil:
		return a, fmt.Errorf("%w: who is %s? %w", ErrDirectory, who, err)
	case checkIdentity(p.ID) != nil:
		return a, fmt.Errorf("%w: it knows %s as %.80q, which cannot be the name of a person: that is printable ASCII without space", ErrDirectory, who, p.ID)
	default:
		a.Person, a.Kind = p.ID, p.Kind
	}
	if q.people == nil {
		q.people = map[string]approval.Actor{}
	}
	q.people[who] = a
	return a, nil
}

// holds reports whether somebody may take a seat now. That somebody does not
// belong to a team is not asked as such: a person is outside of it who is known
// and does not hold the role of its members.
func (q *questions) holds(ctx context.Context, a approval.Actor, s approval.Seat) (bool, error) {
	if a.Person == "" {
		return false, nil
	}
	if s.Role == approval.RoleOutsideTeam {
		if a.Kind != change.Human || s.Of == "" {
			return false, nil
		}
		member, err := q.holds(ctx, a, approval.Seat{Role: approval.RoleTeamMember, Of: s.Of})
		return err == nil && !member, err
	}
	s.Quorum = 0
	h := holding{a.Person, s}
	if is, asked := q.held[h]; asked {
		return is, nil
	}
	is, err := ask(ctx, func() (bool, error) { return q.directory.Holds(ctx, a.Person, s) })
	if err != nil {
		return false, fmt.Errorf("%w: is %s %s? %w", ErrDirectory, a.Person, s, err)
	}
	if q.held == nil {
		q.held = map[holding]bool{}
	}
	q.held[h] = is
	return is, nil
}

// seats lists those of the seats that somebody may take now.
func (q *questions) seats(ctx context.Context, a approval.Actor, of []approval.Seat) ([]approval.Seat, error) {
	var out []approval.Seat
	for _, s := range of {
		is, err := q.holds(ctx, a, s)
		if err != nil {
			return nil, err
		}
		if is {
			out = append(out, s)
		}
	}
	return out, nil
}

// ask puts one question. An answer that comes too late is none, and a panic is
// an error.
func ask[T any](ctx context.Context, question func() (T, error)) (answer T, err error) {
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panicked: %v", p)
		}
	}()
	answer, err = question()
	if err == nil {
		err = ctx.Err()
	}
	return answer, err
}
