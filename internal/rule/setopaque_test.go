package rule

import (
	"fmt"
	"math"
	"testing"
)

// TestSetComputedNumbers decides rules that hold the same computed numbers to
// limits of their own, on and beside the limits, and where a number cannot be
// computed: each is as it is by itself.
func TestSetComputedNumbers(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	limits := [][]string{ // after the number
		{"change.lines / change.files", "0.5", "1", "2", "-0.0", "1000000000000000.5", "9007199254740993", "999999999999999999"},
		{"change.lines + change.files", "0", "1", "1.5", "-3", "9007199254740993", "9007199254740992.0", "999999999999999999"},
		{"change.lines % change.files", "0", "1", "0.5"},
		{"history.rate * history.rate", "0", "0.25", "1", "1000000000000000.5"},
		{"abs(change.lines)", "0", "3", "2.5"},
		{"count(change.paths, # startsWith \"a\")", "0", "1", "1.5"},
		{"(change.downtime ? change.lines : 3)", "0", "3", "2.5"},
		{"max(change.lines, change.files, 1 + 1)", "2", "3"},
		{"len(lower(change.title))", "0", "1"},
		{"(change.urgent ? history.rate : 0.5) - 0.25", "0.25", "1", "0"},
	}
	var sources []string
	for _, all := range limits {
		number := all[0]
		for _, limit := range all[1:] {
			for _, sign := range []string{"==", "!=", "<", "<=", ">", ">="} {
				test := fmt.Sprintf("%s %s %s", number, sign, limit)
				sources = append(sources, test, "change.downtime and not ("+test+")", fmt.Sprintf("not exposed or %s %s %s", limit, sign, number),
					fmt.Sprintf("change.downtime and %s and history.count / change.files > 2", test))
			}
		}
	}
	s := &ruleset{rules: compileAll(t, v, sources)}
	s.set = NewSet(v, s.rules)
	s.run = s.set.NewRun()
	if numbers := len(s.set.computed); numbers != len(limits)+1 {
		t.Errorf("%d numbers are computed for the rules, which compare %d", numbers, len(limits)+1)
	}
	whole := []Value{{}, {State: NotApplicable}, fault("broken"), IntValue(0), IntValue(1), IntValue(-3), IntValue(3), IntValue(1<<53 + 1), IntValue(1 << 62), IntValue(math.MaxInt64), IntValue(math.MinInt64)}
	decimal := []Value{{}, FloatValue(0), FloatValue(math.Copysign(0, -1)), FloatValue(0.5), FloatValue(1e200), FloatValue(math.NaN()), FloatValue(math.Inf(1))}
	counted := map[Verdict]int{}
	for i, lines := range whole {
		for j, files := range whole {
			facts := make([]Value, v.Len())
			facts[1], facts[3], facts[4], facts[5] = TextValue("A"), lines, files, BoolValue((i+j)%4 != 0)
			facts[6], facts[7], facts[9] = BoolValue(i%2 == 0), ListValue([]string{"a", "b", "ab"}[:j%4]), decimal[(i*3+j)%len(decimal)]
			facts[11], facts[14] = whole[(i+2*j)%len(whole)], BoolValue(j%3 != 0)
			want, err := s.check(v, facts)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range want {
				counted[d.When]++
			}
		}
	}
	for _, verdict := range []Verdict{IsTrue, IsUnknown, IsFault} {
		if all := len(whole) * len(whole) * len(sources); counted[verdict] < all/50 {
			t.Errorf("%d of %d rules are %v, which says little", counted[verdict], all, verdict)
		}
	}
}
