package desk

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync/atomic"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// questions asks a directory, each question once.
type questions struct {
	directory Directory
	hanging   *atomic.Int64 // questions of the desk that nobody waits for any more
	people    map[string]approval.Actor
	held      map[holding]bool
}

// questions asks the directory of the desk.
func (d *Desk) questions() questions { return questions{directory: d.directory, hanging: d.hanging} }

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
	p, err := ask(ctx, q.hanging, func() (Person, error) { return q.directory.Person(ctx, who) })
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
	is, err := ask(ctx, q.hanging, func() (bool, error) { return q.directory.Holds(ctx, a.Person, s) })
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

// mostHanging is how many questions may go on that nobody waits for any more,
// before a desk asks no others: a directory that never returns must not fill the
// memory of the host.
const mostHanging = 100

// ask puts one question. An answer that comes too late is none, and a panic is
// an error. The question has a goroutine of its own, so that a directory that
// does not heed its context holds up nobody.
func ask[T any](ctx context.Context, hanging *atomic.Int64, question func() (T, error)) (answer T, err error) {
	if err := ctx.Err(); err != nil {
		return answer, err
	}
	if n := hanging.Load(); n >= mostHanging {
		return answer, fmt.Errorf("%d earlier questions have not returned: it does not heed its context", n)
	}
	answered, gone := make(chan reply[T]), make(chan struct{})
	go func() {
		r := reply[T]{err: errors.New("it ended without an answer")}
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("it panicked: %v", p)
			}
			select {
			case answered <- r:
			case <-gone:
				hanging.Add(-1)
			}
		}()
		r.answer, r.err = question()
	}()
	select {
	case r := <-answered:
		if r.err == nil {
			r.err = ctx.Err()
		}
		return r.answer, r.err
	case <-ctx.Done():
		hanging.Add(1)
		close(gone)
		return answer, ctx.Err()
	}
}

// reply is what became of a question.
type reply[T any] struct {
	answer T
	err    error
}
