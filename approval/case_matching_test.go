package approval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// BruteMet is bruteMet for the tests outside of the package.
func BruteMet(r Requirement, holds [][]Seat) bool {
	var voters []voter
	for _, h := range holds {
		voters = append(voters, voter{holds: h})
	}
	return bruteMet(r, voters, map[Seat]int{})
}

// bruteMet tries every way to seat the voters, each on one seat or none, and
// reads the requirement as it is written.
func bruteMet(r Requirement, voters []voter, seated map[Seat]int) bool {
	if len(voters) == 0 {
		return metBy(r, seated)
	}
	if bruteMet(r, voters[1:], seated) {
		return true
	}
	for _, s := range voters[0].holds {
		seated[s]++
		met := bruteMet(r, voters[1:], seated)
		if seated[s]--; met {
			return true
		}
	}
	return false
}

func metBy(r Requirement, seated map[Seat]int) bool {
	switch r := r.(type) {
	case Seat:
		n := r.Quorum
		r.Quorum = 0
		return n > 0 && seated[r] >= n
	case All:
		for _, part := range r {
			if !metBy(part, seated) {
				return false
			}
		}
		return len(r) > 0
	case Any:
		for _, part := range r {
			if metBy(part, seated) {
				return true
			}
		}
	}
	return false
}

type dice struct{ *rand.Rand }

func (d dice) seat() Seat {
	return []Seat{{Group: "cab"}, {Group: "security"}, {Role: "owner", Of: "a"}, {Role: "owner", Of: "b"}, {Role: "boss"}}[d.IntN(5)]
}

func (d dice) requirement(depth int) Requirement {
	kind := d.IntN(10)
	if depth == 0 && kind < 4 || depth > 0 && kind < 2+2*depth {
		s := d.seat()
		if s.Quorum = 1; s.Group != "" {
			s.Quorum += d.IntN(3)
		}
		return s
	}
	if kind == 9 {
		return PreApproval{Template: "t", Version: "v"}
	}
	var parts []Requirement
	for range 1 + d.IntN(3) {
		parts = append(parts, d.requirement(depth+1))
	}
	if d.IntN(2) == 0 {
		return All(parts)
	}
	return Any(parts)
}

func (d dice) voters() []voter {
	var out []voter
	for i := range d.IntN(7) {
		v := voter{person: fmt.Sprint("p", i)}
		for range d.IntN(4) {
			v.holds = append(v.holds, d.seat())
		}
		out = append(out, v)
	}
	return out
}

// TestC69Matching holds the matching to the brute force, and to not depending
// on the order of arrival.
func TestC69Matching(t *testing.T) {
	d := dice{rand.New(rand.NewPCG(69, 1))}
	met, nested := 0, 0
	const rounds = 20000
	for range rounds {
		r, voters := d.requirement(0), d.voters()
		counted, ok := fill(r, voters)
		if want := bruteMet(r, voters, map[Seat]int{}); ok != want {
			t.Fatalf("%v with %+v: %t, expected %t", r, voters, ok, want)
		}
		shuffled := slices.Clone(voters)
		d.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if _, again := fill(r, shuffled); again != ok {
			t.Fatalf("%v with %+v: it depends on the order", r, voters)
		}
		if _, single := r.(Seat); !single {
			nested++
		}
		if !ok {
			continue
		}
		met++
		only := slices.DeleteFunc(slices.Clone(voters), func(v voter) bool { return !slices.Contains(counted, v.person) })
		if !bruteMet(r, only, map[Seat]int{}) || len(only) != len(counted) {
			t.Fatalf("%v with %+v: those who count, %v, do not fill it", r, voters, counted)
		}
		var arrival []string
		for _, v := range only {
			arrival = append(arrival, v.person)
		}
		if !slices.Equal(counted, arrival) {
			t.Fatalf("%v are not in order of arrival", counted)
		}
	}
	if met < rounds/5 || met > rounds*4/5 || nested < rounds/3 {
		t.Errorf("%d of %d are met, %d are nested", met, rounds, nested)
	}
}

// TestMatchingBounds: nobody fills what cannot be compared, nor nothing.
func TestMatchingBounds(t *testing.T) {
	wide := All{}
	for i := range 13 {
		wide = append(wide, Any{Seat{Group: "cab", Quorum: 1}, Seat{Role: fmt.Sprint("r", i), Quorum: 1}})
	}
	one := []voter{{"p", []Seat{{Group: "cab"}}}}
	for _, r := range []Requirement{nil, All{}, Any{}, wide, All{nil}, Any{nil}, &Seat{Group: "cab", Quorum: 1}, Seat{Group: "cab"}, Seat{Group: "cab", Quorum: -1},
		Seat{Group: "cab", Quorum: 1 << 62}, PreApproval{Template: "t"}, All{Seat{Group: "cab", Quorum: 1}, PreApproval{}}} {
		if _, ok := fill(r, one); ok {
			t.Errorf("%#v is met", r)
		}
	}
	if who, ok := fill(Any{PreApproval{}, Seat{Group: "cab", Quorum: 1}}, one); !ok || !slices.Equal(who, []string{"p"}) {
		t.Error(who, ok)
	}
}
