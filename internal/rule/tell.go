package rule

// Told says whether two conditions can be told apart by what they decide.
type Told uint8

// The zero Told says that it is not known.
const (
	NotTold   Told = iota // nothing that was tried tells them apart
	Different             // some facts do
	Same                  // no facts do: the two mean the same
)

// mostTried bounds how many combinations of values are tried.
const mostTried = 5_000

// tell evaluates both over the values at which one of them can turn, and over
// facts that are not there. Where these values stand for all others, no
// difference is proof that there is none.
func tell(v *Vocabulary, a, b *Expr) Told {
	around := Boundaries(v, a, b)
	domains := make([][]Value, len(around))
	exact, size := true, 1
	for i, one := range around {
		domains[i] = append([]Value{{}, {State: NotApplicable}, {State: Faulty, Text: "it cannot be read"}}, one.Values...)
		exact = exact && one.Exact
		size = min(size*len(domains[i]), mostTried+1)
	}
	if size > mostTried {
		return tellSome(v, a, b, around, domains)
	}
	facts := make([]Value, v.Len())
	for i := 0; i < size; i++ {
		rest := i
		for j, one := range around {
			facts[one.Fact] = domains[j][rest%len(domains[j])]
			rest /= len(domains[j])
		}
		if differ(a, b, facts) {
			return Different
		}
	}
	if exact {
		return Same
	}
	return NotTold
}

func differ(a, b *Expr, facts []Value) bool {
	x, _ := a.Eval(facts)
	y, _ := b.Eval(facts)
	return x != y
}

// tellSome tries combinations that a fixed walk through them comes by, so that
// the answer is the same each time.
func tellSome(v *Vocabulary, a, b *Expr, around []Boundary, domains [][]Value) Told {
	facts := make([]Value, v.Len())
	state := uint64(1)
	for range mostTried {
		for j, one := range around {
			state = state*6364136223846793005 + 1442695040888963407 // Knuth's linear congruence
			facts[one.Fact] = domains[j][(state>>33)%uint64(len(domains[j]))]
		}
		if differ(a, b, facts) {
			return Different
		}
	}
	return NotTold
}
