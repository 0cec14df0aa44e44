package rule

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// trials runs a property over generated expressions and facts, and says how
// many of the verdicts were true or false, so that it cannot pass on nothing.
func trials(t *testing.T, seed uint64, expressions int, property func(g *generator, e *Expr, r row, before Verdict)) {
	t.Helper()
	g := newGenerator(trialVocabulary(t, 8, 256), seed)
	definite := 0
	for range expressions {
		e, _ := g.expression(t)
		for range 5 {
			r := g.values()
			before, _ := e.Eval(r.facts)
			if before == IsTrue || before == IsFalse {
				definite++
			}
			if property(g, e, r, before); t.Failed() {
				t.Fatalf("%s\n%s", e.Source(), show(g.vocabulary, r.facts))
			}
		}
	}
	if definite < expressions {
		t.Fatalf("only %d of %d verdicts were true or false", definite, 5*expressions)
	}
}

// TestINV2FaultNeverDecides: when any facts become unreadable, true and false
// stay or become a fault, and nothing becomes true or false.
func TestINV2FaultNeverDecides(t *testing.T) {
	moved := 0
	trials(t, 2, 3000, func(g *generator, e *Expr, r row, before Verdict) {
		for _, group := range subsets(g, e) {
			facts := slices.Clone(r.facts)
			for _, i := range group {
				facts[i] = Value{State: Faulty, Text: "unreadable"}
			}
			after, why := e.Eval(facts)
			definite := after == IsTrue || after == IsFalse
			if definite && after != before || !definite && after != IsFault && (before == IsTrue || before == IsFalse) {
				t.Errorf("facts %v unreadable: %v became %v", group, before, after)
			}
			if after == IsFault && why == "" {
				t.Errorf("facts %v unreadable: a fault without a reason", group)
			}
			if after != before {
				moved++
			}
		}
	})
	if moved < 1000 {
		t.Fatalf("only %d verdicts moved", moved)
	}
}

// subsets are each fact that an expression looks at, and some of them together.
func subsets(g *generator, e *Expr) [][]int {
	all := append(slices.Clone(e.Reads()), e.AsksPresence()...)
	groups := [][]int{all}
	some := []int{}
	for _, i := range all {
		groups = append(groups, []int{i})
		if g.one(2) {
			some = append(some, i)
		}
	}
	return append(groups, some)
}

// TestINV3MissingNeverFlips: when any facts go missing, or become not
// applicable, true and false never change into one another, and nothing else
// becomes true or false, unless known() asks for such a fact.
func TestINV3MissingNeverFlips(t *testing.T) {
	moved, faults := 0, 0
	trials(t, 3, 3000, func(g *generator, e *Expr, r row, before Verdict) {
		for _, group := range subsets(g, e) {
			if slices.ContainsFunc(group, func(i int) bool { return slices.Contains(e.AsksPresence(), i) }) {
				continue
			}
			for _, state := range []State{Unknown, NotApplicable} {
				facts := slices.Clone(r.facts)
				for _, i := range group {
					facts[i] = Value{State: state}
				}
				after, _ := e.Eval(facts)
				if after != before && (after == IsTrue || after == IsFalse) {
					t.Errorf("facts %v in state %d: %v became %v", group, state, before, after)
				}
				if after == IsNotApplicable && state == Unknown && before != IsNotApplicable {
					t.Errorf("facts %v missing: %v became not applicable", group, before)
				}
				if after != before {
					moved++
				}
				if after == IsFault && before != IsFault {
					faults++
				}
			}
		}
	})
	if moved < 1000 {
		t.Fatalf("only %d verdicts moved", moved)
	}
	t.Logf("%d verdicts moved, %d of them to a fault of another part", moved, faults)
}

// TestINV4OrderAndDuplicates: "and" and "or" do not depend on the order or
// number of their sides, they associate, and "not" turns one into the other.
func TestINV4OrderAndDuplicates(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 4)
	seen := map[Verdict]int{}
	for range 600 {
		var sides [3]string
		for i := range sides {
			e, _ := g.expression(t)
			sides[i] = "(" + e.Source() + ")"
		}
		a, b, c := sides[0], sides[1], sides[2]
		rows := []row{g.values(), g.values(), g.values()}
		for _, law := range [][2]string{
			{a + " and " + b, b + " && " + a},
			{a + " or " + b, b + " || " + a},
			{a + " and " + a, a},
			{a + " or " + a, a},
			{a + " or " + a + " and " + b, a + " and (" + a + " or " + b + ")"},
			{"not (" + a + " and " + b + ")", "not " + a + " or ! " + b},
			{"not (" + a + " or " + b + ")", "! " + a + " and not " + b},
			{"not not " + a, a},
			{"(" + a + " and " + b + ") and " + c, a + " and (" + b + " and " + c + ")"},
			{"(" + a + " or " + b + ") or " + c, a + " or (" + b + " or " + c + ")"},
		} {
			x, err1 := Compile(v, law[0])
			y, err2 := Compile(v, law[1])
			if err1 != nil || err2 != nil {
				continue // too large together
			}
			for _, r := range rows {
				p, _ := x.Eval(r.facts)
				if q, _ := y.Eval(r.facts); p != q {
					t.Fatalf("%s = %v\n%s = %v\n%s", x.Source(), p, y.Source(), q, show(v, r.facts))
				}
				seen[p]++
			}
		}
	}
	for _, p := range []Verdict{IsTrue, IsFalse, IsUnknown, IsNotApplicable, IsFault} {
		if seen[p] < 100 {
			t.Errorf("only %d laws were tried on %v", seen[p], p)
		}
	}
}

// TestINV4ListOrder: no verdict depends on the order of a list, and only
// counting depends on duplicates.
func TestINV4ListOrder(t *testing.T) {
	trials(t, 5, 2000, func(g *generator, e *Expr, r row, before Verdict) {
		facts := slices.Clone(r.facts)
		counts := slices.ContainsFunc([]string{"count", "one", "len"}, func(s string) bool { return g.used[s] })
		for i, f := range facts {
			list := slices.Clone(f.List)
			g.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			if !counts && len(list) < 5 {
				list = append(list, list...)
			}
			facts[i].List = list
		}
		if after, _ := e.Eval(facts); after != before {
			t.Errorf("%v became %v with lists in another order", before, after)
		}
	})
}

// TestINV5SameVerdict: 1,000 runs, two compilations and eight goroutines give
// one verdict and one reason.
func TestINV5SameVerdict(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 6)
	for range 40 {
		e, _ := g.expression(t)
		again, err := Compile(v, e.Source())
		if err != nil || again.Cost() != e.Cost() {
			t.Fatalf("%s: %v, costs %d and %d", e.Source(), err, e.Cost(), again.Cost())
		}
		r := g.values()
		want, reason := e.Eval(r.facts)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 125 {
					for _, x := range []*Expr{e, again} {
						if got, why := x.Eval(r.facts); got != want || why != reason {
							t.Errorf("%s: %v %q, then %v %q", e.Source(), want, reason, got, why)
							return
						}
					}
				}
			})
		}
		group.Wait()
	}
}

// numbers are the facts of TestINV7Numbers.
func numbers(t *testing.T, lines, files int64, rate, ratio float64) (*Vocabulary, []Value) {
	t.Helper()
	v := trialVocabulary(t, 8, 256)
	facts := make([]Value, v.Len())
	for name, value := range map[string]Value{
		"change.lines": IntValue(lines), "change.files": IntValue(files), "history.rate": FloatValue(rate), "history.ratio": FloatValue(ratio),
		"change.downtime": BoolValue(true), "change.title": TextValue("x"), "change.paths": ListValue(nil),
	} {
		i, _ := v.Lookup(name)
		facts[i] = value
	}
	return v, facts
}

// TestINV7Numbers: no wrap, no NaN, no infinity and no lossy step between whole
// and decimal numbers reaches a verdict.
func TestINV7Numbers(t *testing.T) {
	const lowest, highest = math.MinInt64, math.MaxInt64
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		source       string
		lines, files int64
		rate, ratio  float64
		want         Verdict
	}{
		{"change.lines + change.files > 0", highest, 1, 0, 0, IsFault},
		{"change.lines + change.files > 0", highest, 0, 0, 0, IsTrue},
		{"change.lines + change.files < 0", lowest, -1, 0, 0, IsFault},
		{"change.lines + change.files == -1", lowest, highest, 0, 0, IsTrue},
		{"change.lines - change.files > 0", highest, -1, 0, 0, IsFault},
		{"change.lines - change.files < 0", lowest, 1, 0, 0, IsFault},
		{"change.lines - change.files > 0", 0, lowest, 0, 0, IsFault},
		{"change.lines - change.files > 0", -1, lowest, 0, 0, IsTrue},
		{"change.lines - change.files == 0", lowest, lowest, 0, 0, IsTrue},
		{"change.lines * change.files > 0", highest, 2, 0, 0, IsFault},
		{"change.lines * change.files > 0", lowest, -1, 0, 0, IsFault},
		{"change.lines * change.files > 0", -1, lowest, 0, 0, IsFault},
		{"change.lines * change.files < 0", lowest, 1, 0, 0, IsTrue},
		{"change.lines * change.files < 0", 1 << 32, -1 << 31, 0, 0, IsTrue},
		{"change.lines * change.files < 0", 1 << 32, -1<<31 - 1, 0, 0, IsFault},
		{"change.lines * change.files == 0", 0, lowest, 0, 0, IsTrue},
		{"change.lines % change.files == 0", 7, 0, 0, 0, IsFault},
		{"change.lines % change.files == 0", lowest, -1, 0, 0, IsTrue},
		{"change.lines % change.files == -1", -7, 3, 0, 0, IsTrue},
		{"change.lines % change.files == 1", 7, -3, 0, 0, IsTrue},
		{"change.lines / change.files > 0", 7, 0, 0, 0, IsFault},
		{"change.lines / change.files > 0", 0, 0, 0, 0, IsFault},
		{"change.lines / change.files == 3.5", 7, 2, 0, 0, IsTrue},
		{"change.lines / change.files > 0", highest, 1, 0, 0, IsFault},
		{"change.lines / change.files > 0", 1, 1<<53 + 1, 0, 0, IsFault},
		{"change.lines / change.files == 9007199254740992", 1 << 53, 1, 0, 0, IsTrue},
		{"-change.lines > 0", lowest, 0, 0, 0, IsFault},
		{"- -change.lines < 0", lowest, 0, 0, 0, IsFault},
		{"-change.lines < 0", highest, 0, 0, 0, IsTrue},
		{"abs(change.lines) > 0", lowest, 0, 0, 0, IsFault},
		{"abs(change.lines) == 9", -9, 0, 0, 0, IsTrue},
		{"abs(-change.lines) > 0", lowest, 0, 0, 0, IsFault},
		{"min(change.lines, change.files) < 0", lowest, highest, 0, 0, IsTrue},
		{"max(change.lines, change.files, 5) == 5", lowest, 4, 0, 0, IsTrue},
		{"history.rate + history.ratio > 0", 0, 0, math.MaxFloat64, math.MaxFloat64, IsFault},
		{"history.rate - history.ratio > 0", 0, 0, math.MaxFloat64, -math.MaxFloat64, IsFault},
		{"history.rate * history.ratio > 0", 0, 0, 1e200, 1e200, IsFault},
		{"history.rate / history.ratio > 0", 0, 0, 1e300, 1e-300, IsFault},
		{"history.rate / history.ratio > 0", 0, 0, 1, 0, IsFault},
		{"history.rate / history.ratio > 0", 0, 0, 1, math.Copysign(0, -1), IsFault},
		{"history.rate / history.ratio > 0", 0, 0, 0, 0, IsFault},
		{"history.rate == history.ratio", 0, 0, 0, math.Copysign(0, -1), IsTrue},
		{"history.rate == -history.ratio", 0, 0, 0, 0, IsTrue},
		{"history.rate == history.ratio", 0, 0, nan, nan, IsFault},
		{"history.rate != history.ratio", 0, 0, nan, 1, IsFault},
		{"not (history.rate < 0.5)", 0, 0, nan, 1, IsFault},
		{"history.rate > 0.5", 0, 0, inf, 1, IsFault},
		{"history.rate < 0.5", 0, 0, -inf, 1, IsFault},
		{"history.rate == history.ratio", 0, 0, inf, inf, IsFault},
		{"history.rate > change.lines", 1, 0, inf, 1, IsFault},
		{"change.lines < history.rate", 1, 0, inf, 1, IsFault},
		{"max(history.rate, 0.5) >= 0.5", 0, 0, nan, 1, IsFault},
		{"max(0.5, history.rate) >= 0.5", 0, 0, nan, 1, IsFault},
		{"min(0.5, history.rate) <= 0.5", 0, 0, nan, 1, IsFault},
		{"min(0.5, history.rate) <= 0.5", 0, 0, inf, 1, IsFault},
		{"max(0.5, history.rate, 1.0) == 1", 0, 0, -inf, 1, IsFault},
		{"abs(history.rate) > 1", 0, 0, -inf, 1, IsFault},
		{"-history.rate > 1", 0, 0, -inf, 1, IsFault},
		{"1 / history.rate < 1", 1, 0, inf, 1, IsFault},
		{"0 < history.rate < 1", 0, 0, nan, 1, IsFault},
		{"(change.downtime ? history.rate : history.ratio) > 0", 0, 0, inf, 1, IsFault},
		{"known(history.rate)", 0, 0, nan, 1, IsFault},
		{"known(history.rate)", 0, 0, inf, 1, IsFault},
		{"change.lines == history.rate", 1<<53 + 1, 0, 1 << 53, 0, IsFalse},
		{"change.lines > history.rate", 1<<53 + 1, 0, 1 << 53, 0, IsTrue},
		{"history.rate < change.lines", 1<<53 + 1, 0, 1 << 53, 0, IsTrue},
		{"change.lines < history.rate", 1<<53 - 1, 0, 1 << 53, 0, IsTrue},
		{"change.lines == history.rate", -1<<53 - 1, 0, -1 << 53, 0, IsFalse},
		{"change.lines == history.rate", 1 << 60, 0, 1 << 60, 0, IsTrue},
		{"change.lines == history.rate", highest, 0, 1 << 63, 0, IsFalse},
		{"change.lines < history.rate", highest, 0, 1 << 63, 0, IsTrue},
		{"history.rate <= change.lines", highest, 0, 1 << 63, 0, IsFalse},
		{"change.lines == history.rate", lowest, 0, -1 << 63, 0, IsTrue},
		{"change.lines > history.rate", lowest, 0, -1<<63 - 2048, 0, IsTrue},
		{"change.lines > history.rate", lowest, 0, -math.MaxFloat64, 0, IsTrue},
		{"change.lines < history.rate", highest, 0, math.MaxFloat64, 0, IsTrue},
		{"change.lines < history.rate", 0, 0, math.SmallestNonzeroFloat64, 0, IsTrue},
		{"change.lines > history.rate", 0, 0, -math.SmallestNonzeroFloat64, 0, IsTrue},
		{"change.lines == history.rate", 0, 0, math.Copysign(0, -1), 0, IsTrue},
		{"change.lines > history.rate", -1, 0, -1.5, 0, IsTrue},
		{"change.lines < history.rate", 1, 0, 1.5, 0, IsTrue},
		{"change.lines + history.rate > 0", 1<<53 + 1, 0, 1, 0, IsFault},
		{"history.rate * change.lines > 0", -1<<53 - 1, 0, 1, 0, IsFault},
		{"history.rate - change.lines < 0", 1 << 53, 0, 1, 0, IsTrue},
		{"history.rate + history.ratio == 0.3", 0, 0, 0.1, 0.2, IsFalse},
		{"count(change.paths, # == \"\") - 9007199254740993 < -history.rate", 0, 0, 1 << 53, 0, IsTrue},
	} {
		v, facts := numbers(t, c.lines, c.files, c.rate, c.ratio)
		e, err := Compile(v, c.source)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if got, why := e.Eval(facts); got != c.want {
			t.Errorf("%s with %d, %d, %v, %v = %v %s, want %v", c.source, c.lines, c.files, c.rate, c.ratio, got, why, c.want)
		}
		if oracle, _, err := naiveVerdict(v, c.source, facts); err != nil || oracle != c.want {
			t.Errorf("%s: the oracle says %v %v, want %v", c.source, oracle, err, c.want)
		}
	}
}

// maximal is the longest facts that a vocabulary declares.
func maximal(v *Vocabulary, letter string) []Value {
	facts := make([]Value, v.Len())
	for i := range facts {
		f := v.Fact(i)
		list := make([]string, f.Items)
		for k := range list {
			list[k] = strings.Repeat(letter, f.Bytes/f.Items)
		}
		facts[i] = Value{State: Present, Int: 3, Float: 0.5, Text: strings.Repeat(letter, f.Bytes), List: list}
	}
	return facts
}

// TestINV8CostIsABound: the naive interpreter, which skips nothing, takes at
// most Cost steps on the longest lists and texts.
func TestINV8CostIsABound(t *testing.T) {
	for _, size := range [][2]int{{8, 256}, {40, 1000}, {1, 100}} {
		v := trialVocabulary(t, size[0], size[1])
		g, tight := newGenerator(v, 8), 0
		for range 1000 {
			e, _ := g.expression(t)
			_, n, err := naiveVerdict(v, e.Source(), maximal(v, "a"))
			if err != nil || n.steps > e.Cost() {
				t.Fatalf("%s takes %d steps, and its cost is %d %v", e.Source(), n.steps, e.Cost(), err)
			}
			if 10*n.steps > e.Cost() {
				tight++
			}
		}
		if tight < 250 {
			t.Errorf("lists of %d: the bound is within ten times of the truth for %d of 1000 only", size[0], tight)
		}
	}
}

// TestINV8Bounded: nothing outlives a call, a costly source is refused, and so
// is one whose tree grows when it is compiled.
func TestINV8Bounded(t *testing.T) {
	v := trialVocabulary(t, 1000, 128<<10)
	before := runtime.NumGoroutine()
	for _, source := range []string{
		`any(change.paths, any(change.paths, # == ""))`,
		`any(change.paths, count(change.paths, # == "") > 3)`,
		`any(change.paths, # in change.paths)`,
		`any(change.paths, # matches "(a?){60}c")`,
		`touches("*` + strings.Repeat("a", 150) + `*b", "*` + strings.Repeat("a", 150) + `*c")`,
		`any(change.paths, lower(lower(lower(trim(upper(lower(upper(lower(#)))))))) == "x")`,
		strings.Repeat("touches(\"**/?*.go\") or ", 60) + "exposed",
	} {
		if e, err := Compile(v, source); err == nil {
			t.Errorf("%s compiled, at a cost of %d", source, e.Cost())
		} else if !strings.Contains(err.Error(), "could cost") {
			t.Errorf("%s: %v", source, err)
		}
	}
	for n := 1; n <= 14; n++ { // the text grows by a few bytes, and the tree must not double
		for _, source := range []string{
			strings.Repeat("0 < (", n) + "change.lines" + strings.Repeat(" < 9 ? 1 : 2)", n) + " < 9",
			strings.Repeat("(", n) + "exposed" + strings.Repeat(" ?: false)", n),
			strings.Repeat("0 < count(change.tags, ", min(n, 2)) + "# == \"red\"" + strings.Repeat(" ) < 9", min(n, 2)),
			strings.Repeat("0 < max(1, abs(", n) + "change.lines" + strings.Repeat(" < 9 ? 1 : 2)) < 9", n),
		} {
			e, err := Compile(v, source)
			if err != nil {
				continue
			}
			if nodes := countNodes(e.root); nodes > 4*maxNodes {
				t.Fatalf("%d bytes of source became %d nodes: %s", len(source), nodes, source)
			}
		}
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func countNodes(n *node) int {
	total := 1
	for _, a := range n.args {
		total += countNodes(a)
	}
	return total
}

// TestINV8JoinedText: no joined text grows over the limit, in or outside loops.
func TestINV8JoinedText(t *testing.T) {
	v := trialVocabulary(t, 4, 128<<10)
	for _, source := range []string{
		`any(change.paths, # + # == "")`,
		`any(change.paths, # + change.title == "")`,
		`any(change.paths, (exposed ? # : change.title) + "a" == "")`,
		`any(change.paths, upper(#) + "" == "")`,
		`any(change.paths, len(# + # + # + # + # + # + # + #) > 3)`,
	} {
		e, err := Compile(v, source)
		if err != nil {
			continue // refused is right as well
		}
		facts := maximal(v, "a")
		var start, end runtime.MemStats
		runtime.ReadMemStats(&start)
		e.Eval(facts)
		runtime.ReadMemStats(&end)
		if bytes := end.TotalAlloc - start.TotalAlloc; bytes > 4*8*maxText {
			t.Errorf("%s allocated %d bytes", source, bytes)
		}
	}
}

// arithmeticFaults are the only reasons for which a compiled condition over
// present, readable facts may fault.
var arithmeticFaults = []string{"left the range of 64 bits", "left its range", "division by zero", "no exact decimal", "not a number"}

// TestINV9NothingButArithmeticFaults: a condition that compiles never meets a
// wrong type or an unknown name.
func TestINV9NothingButArithmeticFaults(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g, faults := newGenerator(v, 9), 0
	for range 5000 {
		e, _ := g.expression(t)
		facts := make([]Value, v.Len())
		for i := range facts {
			for facts[i], _ = g.value(v.Fact(i), true); math.IsNaN(facts[i].Float) || math.IsInf(facts[i].Float, 0); {
				facts[i] = FloatValue(1)
			}
		}
		got, why := e.Eval(facts)
		switch got {
		case IsUnknown, IsNotApplicable:
			if strings.Contains(e.Source(), "all(") {
				continue // over an empty list it is not known
			}
			t.Fatalf("%s is %v though every fact is present", e.Source(), got)
		case IsFault:
			faults++
			if !slices.ContainsFunc(arithmeticFaults, func(s string) bool { return strings.Contains(why, s) }) {
				t.Fatalf("%s: a fault that is not of arithmetic: %s\n%s", e.Source(), why, show(v, facts))
			}
		}
	}
	if faults < 50 {
		t.Errorf("only %d faults were seen", faults)
	}
}

// TestINV9WrongFacts: too few facts, or a state that is none, are faults.
func TestINV9WrongFacts(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	e, err := Compile(v, "exposed or change.lines > 3")
	if err != nil {
		t.Fatal(err)
	}
	strange := make([]Value, v.Len())
	for i := range strange {
		strange[i].State = 77
	}
	for _, facts := range [][]Value{nil, {}, make([]Value, 3), strange} {
		if got, why := e.Eval(facts); got != IsFault || why == "" {
			t.Errorf("%d facts: %v %q, want a fault", len(facts), got, why)
		}
	}
}

// TestINV9ConstantConditions: a condition that is the same whatever the facts
// are is refused where its text shows it.
func TestINV9ConstantConditions(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	for _, source := range []string{
		"true", "not false", "1 < 2", `"a" == "a"`, `len("abc") == 3`, "true or exposed", "exposed or true", "false and exposed", "exposed && false",
		"exposed or not false", "exposed ? true : true", "exposed or 1 == 1", `exposed or "a" in ["a"]`, "exposed and (1 > 2)",
	} {
		if _, err := Compile(v, source); err == nil {
			t.Errorf("%s compiled, and is always the same", source)
		}
	}
}

// TestGlobOracle compares the compiled globs with the matcher by hand.
func TestGlobOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(10, 14))
	words := func(alphabet []string, most int) string {
		names := make([]string, 1+random.IntN(most))
		for i := range names {
			for range random.IntN(4) {
				names[i] += alphabet[random.IntN(len(alphabet))]
			}
		}
		return strings.Join(names, "/")
	}
	matched, tried := 0, 0
	for range 90_000 {
		glob := words([]string{"a", "b", "*", "?", ".", "**", "é"}, 4)
		if random.IntN(3) == 0 { // the forms that are compared
			glob = strings.NewReplacer("A", words([]string{"a", "b", "."}, 2), "B", words([]string{"a", "b"}, 1)).Replace([]string{"A", "A/**", "**/A", "**/*B", "A/**/*B", "A/**/B", "**/A/**", "A/*B", "*B", "B/**/A/**", "A/B*"}[random.IntN(11)])
		}
		re, problem := compileGlob(glob)
		if problem != "" {
			continue
		}
		path := words([]string{"a", "b", ".", "é", "\n", "+"}, 5)
		want := naiveGlob(strings.Split(glob, "/"), strings.Split(path, "/"))
		if got := re.MatchString(path); got != want {
			t.Fatalf("%q on %q: %v, want %v", glob, path, got, want)
		}
		tried++
		if want {
			matched++
		}
	}
	if tried < 20_000 || matched < 500 {
		t.Errorf("%d of %d matched: too few", matched, tried)
	}
	for _, path := range []string{"a.go", "xago"} {
		if re, problem := compileGlob("?.go"); problem != "" || re.MatchString(path) != (path == "a.go") {
			t.Error(fmt.Sprint("?.go on ", path, " ", problem))
		}
	}
}
