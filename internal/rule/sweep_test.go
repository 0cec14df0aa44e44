package rule

import "testing"

// TestSweepIsEval: columns give the verdicts that evaluating row by row gives,
// in blocks that are full and ones that are not, whatever is shared.
func TestSweepIsEval(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 21)
	h := &histogram{verdicts: map[Verdict]int{}, words: map[string]int{}}
	slow, rounds := 0, 6
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		var expressions []*Expr
		for range 60 {
			e, _ := g.expression(t)
			expressions = append(expressions, e)
		}
		all := make([]int, v.Len())
		for i := range all {
			all[i] = i
		}
		columns := NewColumns(v, all)
		var rows [][]Value
		for range BlockRows/4*round + 300 {
			r := g.values()
			columns.Add(r.facts)
			rows = append(rows, r.facts)
		}
		columns.Seal()
		plan := NewPlan(columns)
		var numbers []int
		for _, e := range expressions {
			numbers = append(numbers, plan.Add(e))
		}
		for _, p := range plan.pieces {
			if p.slow {
				slow++
			}
		}
		sweep := plan.NewSweep()
		for block := 0; block*BlockRows < len(rows); block++ {
			first, last := sweep.Block(block)
			for i, e := range expressions {
				planes := sweep.Decide(numbers[i])
				for row := first; row < last; row++ {
					want, _ := e.Eval(rows[row])
					h.verdicts[want]++
					if got := planes.of(row - first); got != want {
						t.Fatalf("%s\n columns %v, row by row %v\n%s", e.Source(), got, want, show(v, rows[row]))
					}
				}
			}
		}
	}
	t.Log(h.verdicts, slow)
	for _, verdict := range []Verdict{IsTrue, IsFalse, IsUnknown, IsNotApplicable, IsFault} {
		if h.verdicts[verdict] < 1000 {
			t.Errorf("only %d verdicts are %v", h.verdicts[verdict], verdict)
		}
	}
}

// TestSweepSharesAllRows: a part that two conditions share is decided for all
// rows, also when the one that comes first cares for some of them only.
func TestSweepSharesAllRows(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	rules := compileAll(t, v, []string{
		`change.lines > 5 or (change.lines > 10 and change.kind == "code")`,
		`change.lines > 10 and change.kind == "code"`,
		`not (change.lines > 10 and change.kind == "code")`,
	})
	columns := NewColumns(v, []int{0, 3})
	facts := make([]Value, v.Len())
	for row := range 100 {
		facts[0], facts[3] = TextValue("code"), IntValue(int64(row))
		columns.Add(facts)
	}
	columns.Seal()
	plan := NewPlan(columns)
	var numbers []int
	for i := range rules {
		numbers = append(numbers, plan.Add(rules[i].When))
	}
	sweep := plan.NewSweep()
	sweep.Block(0)
	for i, number := range numbers {
		planes := sweep.Decide(number)
		for row := range 100 {
			if got, want := planes.of(row) == IsTrue, []bool{row > 5, row > 10, row <= 10}[i]; got != want {
				t.Errorf("%s of row %d is true: %t, expected %t", rules[i].When.Source(), row, got, want)
			}
		}
	}
}

// of is the verdict of a row of the block.
func (p *Planes) of(row int) Verdict {
	switch {
	case p.True.Has(row):
		return IsTrue
	case p.Unknown.Has(row):
		return IsUnknown
	case p.NotApplicable.Has(row):
		return IsNotApplicable
	case p.Fault.Has(row):
		return IsFault
	}
	return IsFalse
}
