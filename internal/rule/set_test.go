package rule

import (
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ruleset is generated rules and the oracle for them: each condition by itself.
type ruleset struct {
	rules []Pair
	set   *Set
	run   *Run
}

// rules makes a set of generated rules; some are made of conditions that
// others have as well, or have none.
func (g *generator) rules(t testing.TB, n int, h *histogram) *ruleset {
	t.Helper()
	s := &ruleset{}
	var pool []*Expr
	var ints []int64
	var floats []float64
	var texts []string
	one := func() *Expr {
		if len(pool) > 0 && g.one(8) {
			return pool[g.IntN(len(pool))]
		}
		e, refused := g.expression(t)
		if h != nil {
			h.refused += refused
			h.addWords(g)
		}
		ints, floats, texts, pool = append(ints, g.ints...), append(floats, g.floats...), append(texts, g.texts...), append(pool, e)
		return e
	}
	for range n {
		p := Pair{}
		if !g.one(50) {
			p.When = one()
		}
		if g.one(3) {
			p.Only = one()
		}
		s.rules = append(s.rules, p)
	}
	g.ints, g.floats, g.texts = ints, floats, texts
	s.set = NewSet(g.vocabulary, s.rules)
	s.run = s.set.NewRun()
	return s
}

func evalPair(p Pair, facts []Value) (only, when Verdict, whys [2]string) {
	only, when = IsTrue, IsTrue
	if p.Only != nil {
		only, whys[0] = p.Only.Eval(facts)
	}
	if p.When != nil {
		when, whys[1] = p.When.Eval(facts)
	}
	return only, when, whys
}

// listing is what the rules, one after the other, say.
func listing(rules []Pair, facts []Value) (want []Decided, whys [][2]string) {
	for i, p := range rules {
		only, when, why := evalPair(p, facts)
		if only != IsFalse && only != IsNotApplicable && when != IsFalse && when != IsNotApplicable {
			want, whys = append(want, Decided{int32(i), only, when}), append(whys, why)
		}
	}
	return want, whys
}

// check compares one answer of the set with the oracle.
func (s *ruleset) check(v *Vocabulary, facts []Value) ([]Decided, error) {
	want, whys := listing(s.rules, facts)
	got := s.run.Decide(facts)
	if !slices.Equal(got, want) {
		return want, fmt.Errorf("%s", s.difference(v, facts, got, want))
	}
	for i, d := range got {
		if only, when := s.run.Why(facts, int(d.Rule)); only != whys[i][0] || when != whys[i][1] {
			return want, fmt.Errorf("rule %d is a fault because of %q and %q, want %q and %q\n%s\n%s", d.Rule, only, when, whys[i][0], whys[i][1], s.sources(int(d.Rule)), show(v, facts))
		}
	}
	return want, nil
}

func (s *ruleset) sources(i int) string {
	var b strings.Builder
	for _, e := range []*Expr{s.rules[i].Only, s.rules[i].When} {
		if e == nil {
			b.WriteString("  (none)\n")
		} else {
			b.WriteString("  " + e.Source() + "\n")
		}
	}
	return b.String()
}

func (s *ruleset) difference(v *Vocabulary, facts []Value, got, want []Decided) string {
	for _, d := range append(slices.Clone(got), want...) {
		of := func(list []Decided) string {
			i := slices.IndexFunc(list, func(o Decided) bool { return o.Rule == d.Rule })
			if i < 0 {
				return "not listed"
			}
			return fmt.Sprintf("%v and %v", list[i].Only, list[i].When)
		}
		if of(got) != of(want) {
			return fmt.Sprintf("rule %d of %d: %s, want %s\n%s\n%s", d.Rule, len(s.rules), of(got), of(want), s.sources(int(d.Rule)), show(v, facts))
		}
	}
	return fmt.Sprintf("the order is %v, want %v", got, want)
}

// addWords counts the operators of the expressions that the generator made.
func (h *histogram) addWords(g *generator) {
	h.expressions++
	for word := range g.used {
		h.words[word]++
	}
}

// TestDifferentialSet compares sets of rules with their conditions evaluated
// one by one. One run decides many changes, and stays what it was.
func TestDifferentialSet(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 3)
	h := &histogram{verdicts: map[Verdict]int{}, words: map[string]int{}, facts: v.Len()}
	listed := map[Verdict]int{}
	for pairs := differentialPairs(t); h.pairs < pairs; {
		s := g.rules(t, 1+g.IntN(1+g.IntN(200)), h)
		for range rowsEach {
			r := g.values()
			want, err := s.check(v, r.facts)
			if err != nil {
				t.Fatalf("pair %d: %v", h.pairs, err)
			}
			for _, d := range want {
				listed[min(d.Only, d.When)]++
			}
			for _, p := range s.rules {
				_, when, _ := evalPair(p, r.facts)
				h.add(row{}, when)
			}
			h.missing, h.boundary, h.filled = h.missing+r.missing*len(s.rules), h.boundary+r.boundary*len(s.rules), h.filled+r.filled*len(s.rules)
		}
	}
	h.report(t)
	for _, verdict := range []Verdict{IsFault, IsUnknown, IsTrue} {
		if share(listed[verdict], h.pairs) < 2 {
			t.Errorf("%.2f %% of the rules are listed as %v, want 2 %% or more", share(listed[verdict], h.pairs), verdict)
		}
	}
}

// TestDifferentialSetNaive compares sets with the interpreter that shares no
// code with the engine.
func TestDifferentialSetNaive(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	g := newGenerator(v, 4)
	for pairs := 0; pairs < differentialPairs(t)/10; {
		s := g.rules(t, 1+g.IntN(60), nil)
		for range rowsEach {
			r := g.values()
			got := map[int32]Decided{}
			for _, d := range s.run.Decide(r.facts) {
				got[d.Rule] = d
			}
			for i, p := range s.rules {
				only, when := naiveOf(t, v, p.Only, r.facts), naiveOf(t, v, p.When, r.facts)
				want := Decided{int32(i), only, when}
				if only == IsFalse || only == IsNotApplicable || when == IsFalse || when == IsNotApplicable {
					want = Decided{}
				}
				if got[int32(i)] != want {
					t.Fatalf("rule %d: %v, want %v\n%s\n%s", i, got[int32(i)], want, s.sources(i), show(v, r.facts))
				}
				pairs++
			}
		}
	}
}

func naiveOf(t *testing.T, v *Vocabulary, e *Expr, facts []Value) Verdict {
	if e == nil {
		return IsTrue
	}
	verdict, _, err := naiveVerdict(v, e.Source(), facts)
	if err != nil {
		t.Fatal(err)
	}
	return verdict
}

// spoil makes facts not applicable, unreadable or no number.
func (w *workload) spoil(facts []Value) {
	for range w.IntN(3) {
		i := w.IntN(len(facts))
		facts[i] = []Value{{State: NotApplicable}, {State: Faulty}, {State: Faulty, Text: "fact " + workloadNames[i]}, {State: Unknown}, FloatValue(math.NaN())}[w.IntN(5)]
	}
}

// TestSetOfWorkload compares large sets, whose rules can mostly be found by
// what a change is, with their conditions evaluated one by one.
func TestSetOfWorkload(t *testing.T) {
	v := workloadVocabulary(t)
	listed, most, pairs := map[Verdict]int{}, 0, 30_000
	if testing.Short() {
		pairs = 6000
	}
	for _, n := range []int{1, 7, 65, 300, 5000} {
		w := newWorkload(uint64(n))
		s := &ruleset{rules: compileAll(t, v, sourcesOf(w.rules(n)))}
		for i := range s.rules {
			if w.IntN(4) == 0 {
				s.rules[i].Only = s.rules[w.IntN(n)].When
			}
		}
		s.set = NewSet(v, s.rules)
		s.run = s.set.NewRun()
		for i := range max(12, pairs/n) {
			facts := w.change(i % 3 * 10)
			if i%2 == 0 {
				w.spoil(facts)
			}
			want, err := s.check(v, facts)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range want {
				listed[min(d.Only, d.When)]++
			}
			most = max(most, len(want))
		}
	}
	t.Logf("listed: %v, at most %d of a set", listed, most)
	if listed[IsTrue] < 200 || listed[IsUnknown] < 200 || listed[IsFault] < 200 || most < 100 {
		t.Errorf("too little was listed to say much: %v, at most %d of a set", listed, most)
	}
}

// TestSetOrder: rules that change places, or are there twice, are decided as
// before.
func TestSetOrder(t *testing.T) {
	v := workloadVocabulary(t)
	w := newWorkload(9)
	rules := compileAll(t, v, sourcesOf(w.rules(400)))
	order := w.Perm(len(rules))
	moved := make([]Pair, 0, 2*len(rules))
	for _, i := range order {
		moved = append(moved, rules[i])
	}
	moved = append(moved, moved...)
	a, b := NewSet(v, rules).NewRun(), NewSet(v, moved).NewRun()
	for range 500 {
		facts := w.change(10)
		w.spoil(facts)
		was := map[int32]Decided{}
		for _, d := range a.Decide(facts) {
			was[d.Rule] = d
		}
		now := b.Decide(facts)
		if len(now) != 2*len(was) {
			t.Fatalf("%d rules and their doubles, want %d", len(now), len(was))
		}
		for _, d := range now {
			d.Rule = int32(order[int(d.Rule)%len(order)])
			if was[d.Rule] != d {
				t.Fatalf("%v, want %v", d, was[d.Rule])
			}
		}
	}
}

// TestSetIsTheSame: equal rules make equal sets, word for word.
func TestSetIsTheSame(t *testing.T) {
	v := workloadVocabulary(t)
	sources := append(sourcesOf(newWorkload(3).rules(300)), `touches("**/*.go", "db/**")`, `change.lines + 1 > change.files`)
	a, b := NewSet(v, compileAll(t, v, sources)), NewSet(v, compileAll(t, v, sources))
	a.opaque, b.opaque = nil, nil // which hold functions
	if !reflect.DeepEqual(a, b) {
		t.Error("the same rules made two sets that differ")
	}
}

// TestDecideAllocatesNothing, also where facts are missing and rules cannot be
// taken apart.
func TestDecideAllocatesNothing(t *testing.T) {
	v := workloadVocabulary(t)
	w := newWorkload(4)
	sources := append(sourcesOf(w.rules(500)), `change.lines + change.files > 3`, `all(change.paths, len(#) > 3)`, `count(change.paths, any(change.labels, # == "label-1")) > 0`)
	run := NewSet(v, compileAll(t, v, sources)).NewRun()
	changes := w.changes(50, 10)
	i := 0
	if n := testing.AllocsPerRun(200, func() { run.Decide(changes[i%50]); i++ }); n != 0 {
		t.Errorf("%v allocations for a change, want none", n)
	}
}

// TestSetReads: what has to be filled is what any rule reads or asks for.
func TestSetReads(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	rules := compileAll(t, v, []string{`exposed and change.lines > 3`, `known(level)`, `change.lines < 1`})
	rules[0].Only = rules[2].When
	set := NewSet(v, append(rules, Pair{}))
	if got, want := set.Reads(), []int{3, 13, 14}; !slices.Equal(got, want) || set.Len() != 4 {
		t.Errorf("reads %v in %d rules, want %v in 4", got, set.Len(), want)
	}
	if got := set.NewRun().Decide(make([]Value, v.Len())); !slices.Equal(got, []Decided{{0, IsUnknown, IsUnknown}, {2, IsTrue, IsUnknown}, {3, IsTrue, IsTrue}}) {
		t.Errorf("over nothing: %v", got)
	}
	if got := NewSet(v, nil).NewRun().Decide(nil); len(got) != 0 {
		t.Errorf("no rules: %v", got)
	}
}

// TestSetPanics: a condition that fails in a way that nobody thought of is a
// fault, and so are all rules over facts that are too few; the next change is
// decided as usual.
func TestSetPanics(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	rules := compileAll(t, v, []string{`exposed`, `change.lines > 3`, `change.urgent`})
	rules[1].When.root = &node{op: opCompute, kind: Bool, name: "panic", run: func(*node, *frame) Value { panic("no") }}
	rules[2].Only = rules[0].When
	run := NewSet(v, rules).NewRun()
	facts := ordinaryFacts(t, v)
	facts[14], facts[6] = BoolValue(true), BoolValue(false)
	for range 2 {
		if got := run.Decide(facts); !slices.Equal(got, []Decided{{0, IsTrue, IsTrue}, {1, IsTrue, IsFault}}) {
			t.Fatalf("%v", got)
		}
		only, when := run.Why(facts, 1)
		if _, want := rules[1].When.Eval(facts); only != "" || when != want || want != "the rule failed: no" {
			t.Errorf("because of %q and %q, want %q", only, when, want)
		}
		if got := run.Decide(facts[:3]); !slices.Equal(got, []Decided{{0, IsTrue, IsFault}, {1, IsTrue, IsFault}, {2, IsFault, IsFault}}) {
			t.Fatalf("over too few facts: %v", got)
		}
		if only, when := run.Why(facts[:3], 0); only != "" || !strings.HasPrefix(when, "the rule failed: ") {
			t.Errorf("because of %q and %q", only, when)
		}
	}
}

// TestSetLetsGo: a set keeps neither the sources nor the trees of what it could
// take apart.
func TestSetLetsGo(t *testing.T) {
	v := workloadVocabulary(t)
	rules := compileAll(t, v, sourcesOf(newWorkload(6).rules(50)))
	gone := make(chan int, 2*len(rules))
	for i := range rules {
		runtime.AddCleanup(rules[i].When, func(int) { gone <- 1 }, 0)
		runtime.AddCleanup(rules[i].When.root, func(int) { gone <- 1 }, 0)
	}
	set := NewSet(v, rules)
	rules = nil
	for range 100 {
		if runtime.GC(); len(gone) == cap(gone) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if len(gone) < cap(gone) {
		t.Errorf("%d of %d expressions and trees are gone", len(gone), cap(gone))
	}
	runtime.KeepAlive(set)
}

// TestCompileTogether: what expr's checker is given is shared by many
// compilations at once, and it writes into what it is given. The race detector
// tells.
func TestCompileTogether(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	sources := []string{"service.x > 1", "change.lines.x == 1", "nothing(1)", "change.paths.x == 1", "x in change.paths"}
	g := newGenerator(v, 8)
	for range 200 {
		e, _ := g.expression(t)
		sources = append(sources, e.Source())
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i, source := range sources {
				if _, err := Compile(v, source); (err != nil) != (i < 5) {
					t.Errorf("%s: %v", source, err)
				}
			}
		})
	}
	group.Wait()
}
