package rule

// Told says whether two conditions can be told apart by what they decide.
type Told uint8

// The zero Told says that it is not known.
const (
	NotTold   Told = iota // nothing that was tried tells them apart
	Different             // some facts do
	Same                  // no facts do: the two mean the same
)

// The bounds on how many combinations of values are tried for one mutant, and on
// the parts of conditions that are evaluated for all mutants of one condition, of
// some 10 ns each: a long condition has many mutants, each of them long.
const (
	mostTried  = 5_000
	leastTried = 100
	workOfAll  = 10_000_000
)

// triesFor is how many combinations each of some mutants of a condition gets.
func triesFor(e *Expr, mutants int) int {
	return max(leastTried, min(mostTried, workOfAll/(2*e.Size()*max(mutants, 1))))
}

// tell evaluates both over the values at which one of them can turn, and over
// facts that are not there. Where these values stand for all others, no
// difference is proof that there is none.
func tell(v *Vocabulary, a, b *Expr, tries int) Told {
	around := Boundaries(v, a, b)
	domains := make([][]Value, len(around))
	exact, size := true, 1
	for i, one := range around {
		domains[i] = append([]Value{{}, {State: NotApplicable}, {State: Faulty, Text: "it cannot be read"}}, one.Values...)
		exact = exact && one.Exact
		size = min(size*len(domains[i]), tries+1)
	}
	if size > tries {
		return tellSome(v, a, b, around, domains, tries)
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
func tellSome(v *Vocabulary, a, b *Expr, around []Boundary, domains [][]Value, tries int) Told {
	facts := make([]Value, v.Len())
	state := uint64(1)
	for range tries {
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
