package rule

import "testing"

// TestSettle: what is settled comes to the same as the condition, and conditions
// that are the same once some facts are settled come to the same with these facts,
// whatever the others are.
func TestSettle(t *testing.T) {
	settled, same := 0, 0
	mutants := map[string][]Mutant{}
	trials(t, 16, 60, func(g *generator, e *Expr, r row, _ Verdict) {
		var tied []int
		var values []Value
		for i := range r.facts {
			if g.one(2) {
				tied, values = append(tied, i), append(values, r.facts[i])
			}
		}
		is := e.Settle(tied, values)
		if mutants[e.Source()] == nil {
			mutants[e.Source()] = Mutants(g.vocabulary, e.Source())
		}
		for _, m := range mutants[e.Source()] {
			other, err := Compile(g.vocabulary, m.Source)
			if err != nil || !is.Same(other.Settle(tied, values)) {
				continue
			}
			same++
			for range 5 {
				facts := g.values().facts
				for k, i := range tied {
					facts[i] = values[k]
				}
				a, _ := e.Eval(facts)
				if b, _ := other.Eval(facts); a != b {
					t.Errorf("%s: %v, and the original %v, with %s", m.Source, b, a, show(g.vocabulary, facts))
				}
			}
		}
		if want, ok := is.Verdict(); ok {
			settled++
			facts := g.values().facts
			for k, i := range tied {
				facts[i] = values[k]
			}
			if got, _ := e.Eval(facts); got != want {
				t.Errorf("settled as %v, and it is %v with %s", want, got, show(g.vocabulary, facts))
			}
		}
	})
	if settled < 30 || same < 30 {
		t.Errorf("only %d are settled, and %d are the same", settled, same)
	}
}
