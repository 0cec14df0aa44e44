package rule

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestSetGlobs looks for every pattern in every path of some that are made to
// be taken for another: a pattern is found by the text at an end of it.
func TestSetGlobs(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	names := []string{"a", "b.go", "*.go", "**", "?b", "*", "a*", "�"}
	var sources []string
	for _, one := range names {
		sources = append(sources, fmt.Sprintf("touches(%q)", one))
		for _, two := range names {
			sources = append(sources, fmt.Sprintf("not touches(%q)", one+"/"+two), fmt.Sprintf("touches(%q)", "**/"+one+"/"+two), fmt.Sprintf("touches(%q, %q)", one+"/"+two+"/**", two))
		}
	}
	s := &ruleset{rules: compileAll(t, v, sources)}
	s.set = NewSet(v, s.rules)
	s.run = s.set.NewRun()
	parts := []string{"", "a", "b.go", "/", "ab", ".go", "\xff", "x/", "�"}
	found := 0
	for _, one := range parts {
		for _, two := range parts {
			for _, three := range parts[:4] {
				facts := make([]Value, v.Len())
				facts[7] = ListValue([]string{"zz", one + two + three, one + "/" + three})
				want, err := s.check(v, facts)
				if err != nil {
					t.Fatal(err)
				}
				found += len(want)
			}
		}
	}
	if all := len(parts) * len(parts) * 4 * len(sources); found < all/10 || found > all*9/10 {
		t.Errorf("%d of %d patterns were found, which says little", found, all)
	}
}

// TestSetTexts looks for texts that begin and end alike in one another.
func TestSetTexts(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	texts := []string{"a", "b", "ab", "ba", "aab", "aba", "abab", "é", "\x80", "aé", "abcdefgh", "abcdefghi", "abcdefghabcdefgh"}
	var sources []string
	for _, text := range texts {
		if text == "\x80" {
			continue // no rule can hold it, and a fact may
		}
		for _, operator := range []string{"startsWith", "endsWith", "contains", "=="} {
			sources = append(sources, fmt.Sprintf("change.title %s %q", operator, text), fmt.Sprintf("none(change.paths, # %s %q)", operator, text),
				fmt.Sprintf("any(change.paths, # %s %q or # endsWith \"ba\")", operator, text))
		}
		sources = append(sources, fmt.Sprintf("%q in change.paths", text), fmt.Sprintf("change.title not in [%q, \"b\"]", text))
	}
	s := &ruleset{rules: compileAll(t, v, sources)}
	s.set = NewSet(v, s.rules)
	s.run = s.set.NewRun()
	for _, one := range append(texts, "") {
		for _, two := range append(texts, "") {
			facts := make([]Value, v.Len())
			facts[1], facts[7] = TextValue(one+two), ListValue([]string{two + one, one}[:len(two)%3%2+1])
			if _, err := s.check(v, facts); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSetThresholds compares every fact that has an order with every constant
// near which orders go wrong, by every sign, from both sides.
func TestSetThresholds(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	wholes := []int64{0, 1, 2, 399, 400, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, 999999999999999999}
	constants := []string{"0.0", "0.5", "1.0", "2.5", "400.0", "9007199254740992.0", "9007199254740993.0"}
	for _, n := range wholes {
		constants = append(constants, fmt.Sprint(n), fmt.Sprint(-n))
	}
	constants = append(constants, "-0.5", "-2.5")
	var sources []string
	for _, fact := range []string{"change.lines", "history.rate", "len(change.title)", "len(change.paths)"} {
		for _, sign := range []string{"==", "!=", "<", "<=", ">", ">="} {
			for _, c := range constants {
				sources = append(sources, fact+" "+sign+" "+c, c+" "+sign+" "+fact)
			}
		}
	}
	s := &ruleset{rules: compileAll(t, v, sources)}
	s.set = NewSet(v, s.rules)
	s.run = s.set.NewRun()
	if len(s.set.opaque) > len(sources)/5 {
		t.Errorf("%d of %d comparisons are not taken apart", len(s.set.opaque), len(sources))
	}
	near := []int64{math.MinInt64, math.MaxInt64}
	for _, n := range wholes {
		near = append(near, n-1, n, n+1, -n-1, -n, 1-n)
	}
	for i, n := range near {
		f := float64(n)
		for _, decimal := range []float64{f, math.Nextafter(f, 1e300), math.Nextafter(f, -1e300), f + 0.5, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(1), math.NaN()} {
			facts := make([]Value, v.Len())
			facts[3], facts[9] = IntValue(n), FloatValue(decimal)
			facts[1], facts[7] = TextValue(strings.Repeat("é", i%4)), ListValue(slices.Repeat([]string{"a"}, i%4))
			if _, err := s.check(v, facts); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestSetOfManyAlternatives: a rule with more clauses than are kept is decided
// by its tree, and is still found by its other parts.
func TestSetOfManyAlternatives(t *testing.T) {
	v := workloadVocabulary(t)
	w := newWorkload(12)
	of := func(n int, draw func() plainTest) string {
		tests := make([]string, n)
		for i := range tests {
			tests[i] = draw().source()
		}
		return "(" + strings.Join(tests, " or ") + ")"
	}
	either := func(n int) string { return of(n, w.any) }
	var sources []string
	for range 20 {
		sources = append(sources, w.equality(wTeam).source()+" and "+either(20)+" and "+either(9), either(40), of(15, func() plainTest { return w.equality(wService) })+" and "+either(9), either(8)+" and "+either(9)+" or "+either(8)+" and "+either(9), either(5)+" and "+either(30)+" and "+either(4), "not ("+either(4)+" and "+either(6)+")")
	}
	s := &ruleset{rules: compileAll(t, v, sources)}
	s.set = NewSet(v, s.rules)
	s.run = s.set.NewRun()
	if len(s.set.clauses) > 70*len(sources) {
		t.Errorf("%d clauses of %d rules", len(s.set.clauses), len(sources))
	}
	for i := range 200 {
		facts := w.change(i % 3 * 10)
		w.spoil(facts)
		if _, err := s.check(v, facts); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzSet compares sets with their conditions evaluated one by one, over rules
// that the generator makes and facts that the fuzzer does.
func FuzzSet(f *testing.F) {
	v := trialVocabulary(f, 50, 4<<10)
	for i, text := range []string{"Fix it", "db/migrations/1.sql main.go", "a/b/c/d.go docs/é.md", "", "src/\xff x"} {
		f.Add(uint64(i), uint8(7*i), text, []byte("\x01\x02\x80\xff\x00\x10 seed"), uint64(0))
		f.Add(uint64(i+100), uint8(40), text, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, 0, 0, 0, 0, 0, 0, 0}, uint64(i)<<(4*i))
	}
	f.Fuzz(func(t *testing.T, seed uint64, rules uint8, text string, numbers []byte, states uint64) {
		if len(text) > 64 || len(numbers) > 256 {
			return
		}
		g := newGenerator(v, seed)
		s := g.rules(t, int(rules)%64, nil)
		fuzzed := fuzzedFacts(v, text, numbers, states)
		for _, facts := range [][]Value{g.values().facts, fuzzed, g.values().facts, fuzzed} {
			if _, err := s.check(v, facts); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRank counts what is at most a number, one by one.
func TestRank(t *testing.T) {
	var all []int64
	for range 40 {
		for x := int64(-1); x <= int64(2*len(all)+1); x++ {
			want := 0
			for _, k := range all {
				if k <= x {
					want++
				}
			}
			if got := rank(all, x); got != want {
				t.Fatalf("%d of %v are at most %d, expected %d", got, all, x, want)
			}
		}
		all = append(all, int64(2*len(all)))
	}
}
