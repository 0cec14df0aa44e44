package desktest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
)

// hanging is when a call is given up as one that will never return.
const hanging = 30 * time.Second

// Staff is what a directory knows, for [TestDirectory]: one person, and what is
// true of that person.
type Staff struct {
	Identities []string      // of the person; two or more show that linking works
	Holds      approval.Seat // that the person may take, without a quorum
	Lacks      approval.Seat // that the person may not take, without a quorum
	Unknown    string        // an identity that is nobody's
}

// TestDirectory holds a directory to what a desk needs of it: each identity of
// a person gives the same ID and kind; an identity that is nobody's gives
// [desk.ErrUnknownPerson], and nobody else does, also when it cannot answer;
// whoever is unknown holds nothing; Holds and Members agree; it can be asked by
// many at once, and returns when the context has ended.
func TestDirectory(t *testing.T, d desk.Directory, staff Staff) {
	if len(staff.Identities) == 0 || staff.Unknown == "" || staff.Holds == (approval.Seat{}) || staff.Lacks == (approval.Seat{}) {
		t.Fatal("the suite needs to know of a person with an identity, a seat that this person holds and one that it does not, and an identity that is nobody's")
	}
	s := directorySuite{d, staff}
	t.Run("identities of one person", s.linked)
	t.Run("an unknown identity", s.unknown)
	t.Run("seats", s.seats)
	t.Run("an ended context", s.ended)
	t.Run("many at once", s.many)
}

type directorySuite struct {
	directory desk.Directory
	staff     Staff
}

// person asks for the first identity.
func (s directorySuite) person(t *testing.T) desk.Person {
	t.Helper()
	p, err := s.directory.Person(t.Context(), s.staff.Identities[0])
	if err != nil {
		t.Fatalf("Person(%q): %v", s.staff.Identities[0], err)
	}
	return p
}

func (s directorySuite) linked(t *testing.T) {
	first := s.person(t)
	if first.ID == "" || first.Kind == 0 {
		t.Errorf("Person(%q) = %+v; a person has an ID, and is a human or a bot", s.staff.Identities[0], first)
	}
	for _, identity := range s.staff.Identities {
		if p, err := s.directory.Person(t.Context(), identity); err != nil || p != first {
			t.Errorf("Person(%q) = %+v, %v; expected %+v as for %q", identity, p, err, first, s.staff.Identities[0])
		}
	}
}

func (s directorySuite) unknown(t *testing.T) {
	p, err := s.directory.Person(t.Context(), s.staff.Unknown)
	if !errors.Is(err, desk.ErrUnknownPerson) {
		t.Errorf("Person(%q) = %+v, %v; expected desk.ErrUnknownPerson, which tells a stranger from a directory that cannot answer", s.staff.Unknown, p, err)
	}
	for _, seat := range []approval.Seat{s.staff.Holds, s.staff.Lacks} {
		holds, err := s.directory.Holds(t.Context(), s.staff.Unknown, seat)
		if holds || err != nil && !errors.Is(err, desk.ErrUnknownPerson) {
			t.Errorf("Holds(%q, %s) = %t, %v; expected false, with no error or desk.ErrUnknownPerson", s.staff.Unknown, seat, holds, err)
		}
	}
}

func (s directorySuite) seats(t *testing.T) {
	person := s.person(t)
	for _, c := range []struct {
		seat  approval.Seat
		holds bool
	}{{s.staff.Holds, true}, {s.staff.Lacks, false}} {
		if holds, err := s.directory.Holds(t.Context(), person.ID, c.seat); err != nil || holds != c.holds {
			t.Errorf("Holds(%q, %s) = %t, %v; expected %t", person.ID, c.seat, holds, err, c.holds)
		}
		members, err := s.directory.Members(t.Context(), c.seat)
		if err != nil || slices.Contains(members, person) != c.holds {
			t.Errorf("Members(%s) = %+v, %v; it must have %+v exactly if that person holds the seat, which is %t", c.seat, members, err, person, c.holds)
		}
		s.agree(t, c.seat, members)
	}
}

// agree checks that each member holds the seat and is listed once.
func (s directorySuite) agree(t *testing.T, seat approval.Seat, members []desk.Person) {
	t.Helper()
	seen := map[string]bool{}
	for _, m := range members {
		if holds, err := s.directory.Holds(t.Context(), m.ID, seat); err != nil || !holds {
			t.Errorf("Holds(%q, %s) = %t, %v; expected true, as Members lists this person", m.ID, seat, holds, err)
		}
		if seen[m.ID] {
			t.Errorf("Members(%s) lists %q twice", seat, m.ID)
		}
		seen[m.ID] = true
	}
}

func (s directorySuite) ended(t *testing.T) {
	person := s.person(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	within(t, "a question whose context has ended", func() {
		if _, err := s.directory.Person(ctx, s.staff.Identities[0]); errors.Is(err, desk.ErrUnknownPerson) {
			t.Errorf("Person(%q) with an ended context: %v; a directory that cannot answer must not say that it knows nobody", s.staff.Identities[0], err)
		}
		if holds, _ := s.directory.Holds(ctx, person.ID, s.staff.Lacks); holds {
			t.Errorf("Holds(%q, %s) with an ended context is true", person.ID, s.staff.Lacks)
		}
		_, _ = s.directory.Members(ctx, s.staff.Holds)
	})
}

func (s directorySuite) many(t *testing.T) {
	first := s.person(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for _, identity := range s.staff.Identities {
				if p, err := s.directory.Person(t.Context(), identity); err != nil || p != first {
					t.Errorf("Person(%q) = %+v, %v; expected %+v", identity, p, err, first)
				}
			}
			if holds, err := s.directory.Holds(t.Context(), first.ID, s.staff.Holds); err != nil || !holds {
				t.Errorf("Holds(%q, %s) = %t, %v; expected true", first.ID, s.staff.Holds, holds, err)
			}
			if _, err := s.directory.Members(t.Context(), s.staff.Holds); err != nil {
				t.Errorf("Members(%s): %v", s.staff.Holds, err)
			}
		})
	}
	within(t, "many questions at once", all.Wait)
}

// within fails the test when something does not return.
func within(t *testing.T, what string, do func()) {
	t.Helper()
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		do()
	}()
	select {
	case <-returned:
	case <-time.After(hanging):
		t.Fatalf("%s has not returned within %v", what, hanging)
	}
}
