//go:build unix

package risk_test

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/workload"
	"github.com/changelane/changelane/risk"
)

// The benchmarks compare contestants that take turns in one run, by process
// CPU time; see internal/workload. Run them with
//
//	go test -run '^$' -bench . -benchtime 200ms ./risk
//
// x-expr is how many times faster the rule set is than the best loop over
// expr; x-index is its time over that of an index written by hand. Both of
// these get a plain struct. The rule set gets a change.Change: read-ns is what
// it takes to copy one into that struct by hand.

// assessor is how the rule set is asked.
func assessor(rs *risk.RuleSet) func(c *change.Change, s risk.Situation) *risk.Assessment {
	return rs.Assessor().Assess
}

// ours is the rule set, through the public API.
type ours struct {
	*workload.Workload
	rules  *risk.RuleSet
	assess func(c *change.Change, s risk.Situation) *risk.Assessment
	number map[string]uint32
}

func newOurs(t testing.TB, w *workload.Workload) *ours {
	t.Helper()
	rs, err := w.RuleSet()
	if err != nil {
		t.Fatal(err)
	}
	o := &ours{w, rs, assessor(rs), map[string]uint32{}}
	for i, r := range w.Rules {
		o.number[r.ID] = uint32(i)
	}
	return o
}

func (o *ours) decide(i int) *risk.Assessment {
	return o.assess(o.Requests[i].Change, o.Requests[i].Situation)
}

func (o *ours) answer(i int) answer {
	a := o.decide(i)
	return answer{heldOrOpen(a, o.number), a.Score, a.Level.Rank()}
}

// index is the index written by hand.
type index struct {
	*workload.Workload
	*workload.Index
}

func newIndex(w *workload.Workload) *index { return &index{w, workload.NewIndex(w)} }

func (x *index) answer(i int) answer {
	rules, score, level := x.Match(&x.Changes[i], x.Missing[i])
	return answer{rules, score, level}
}

// loop is the best loop over expr: a value as environment, boxed once for each
// change, programs compiled once, and one machine that is used again.
type loop struct {
	*workload.Workload
	programs []*vm.Program
	machine  vm.VM
	matched  []uint32
}

func newLoop(t testing.TB, w *workload.Workload) *loop {
	t.Helper()
	l := &loop{Workload: w}
	for i := range w.Rules {
		l.programs = append(l.programs, compileExpr(t, w.Rules[i].When.Expr()))
	}
	return l
}

func compileExpr(t testing.TB, source string) *vm.Program {
	p, err := expr.Compile(source, expr.Env(workload.Change{}), expr.AsBool())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (l *loop) answer(i int) answer {
	env, a, vouched := any(l.Changes[i]), answer{rules: l.matched[:0]}, false
	for n, p := range l.programs {
		if out, err := l.machine.Run(p, env); err == nil && out.(bool) {
			points := l.Rules[n].Points
			a.rules, a.score, vouched = append(a.rules, uint32(n)), a.score+points, vouched || points < 0
		}
	}
	l.matched, a.level = a.rules, workload.Level(a.score, vouched)
	return a
}

// cpuTime is the CPU time of the process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const (
	passes = 7
	turn   = 30 * time.Millisecond
)

// compare lets the contestants take turns, and reports.
func compare(b *testing.B, o workload.Options) {
	b.Helper()
	w := workload.New(o)
	ours, index, loop := newOurs(b, w), newIndex(w), newLoop(b, w)
	full, plain := workload.New(workload.Options{}), workload.Change{}
	report(b, len(w.Changes), func(i int) { ours.decide(i) })
	times := workload.Interleave([]workload.Contestant{
		{Name: "ours", Run: func(i int) { ours.decide(i) }},
		{Name: "index", Run: func(i int) { index.answer(i) }},
		{Name: "expr", Run: func(i int) { loop.answer(i) }},
		{Name: "read", Run: func(i int) { full.Requests[i].Read(&plain) }},
	}, len(w.Changes), passes, turn, cpuTime)
	b.ReportMetric(times.Of(0), "cpu-ns/change")
	b.ReportMetric(times.Of(3), "read-ns/change")
	b.ReportMetric(times.Of(1), "index-ns/change")
	b.ReportMetric(times.Ratio(0, 1), "x-index")
	b.ReportMetric(times.Ratio(2, 0), "x-expr")
}

// report runs one contestant in the way of benchmarks, for what go test adds:
// time by the clock, and allocations. It comes before the metrics, which it
// would clear.
func report(b *testing.B, changes int, run func(int)) {
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		run(i % changes)
		i++
	}
}

// BenchmarkRules is the comparison, by the number of rules; with one fact of
// ten missing; with rules of one class only, and with rules of which a part
// cannot be looked up. The loop over expr never misses a fact: it has no way to
// say so.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("N=%d", n), func(b *testing.B) { compare(b, workload.Options{Rules: n}) })
	}
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("missing/N=%d", n), func(b *testing.B) { compare(b, workload.Options{Rules: n, Missing: true}) })
	}
	for c := workload.Equality; c <= workload.Combined; c++ {
		b.Run("only-"+c.String(), func(b *testing.B) { compare(b, workload.Options{Rules: 900, Class: c}) })
	}
	b.Run("opaque", func(b *testing.B) { compare(b, workload.Options{Rules: 1000, Opaque: true}) })
}

// BenchmarkGrowth reports the exponent with which the time grows from 100 rules
// to 10,000.
func BenchmarkGrowth(b *testing.B) {
	few, many := workload.New(workload.Options{Rules: 100}), workload.New(workload.Options{Rules: 10_000})
	small, large := newOurs(b, few), newOurs(b, many)
	x, y := newIndex(few), newIndex(many)
	report(b, len(few.Changes), func(i int) { small.decide(i) })
	times := workload.Interleave([]workload.Contestant{
		{Name: "100", Run: func(i int) { small.decide(i) }},
		{Name: "10,000", Run: func(i int) { large.decide(i) }},
		{Name: "index, 100", Run: func(i int) { x.answer(i) }},
		{Name: "index, 10,000", Run: func(i int) { y.answer(i) }},
	}, len(few.Changes), passes, turn, cpuTime)
	b.ReportMetric(math.Log10(times.Ratio(1, 0))/2, "exponent")
	b.ReportMetric(math.Log10(times.Ratio(3, 2))/2, "index-exponent")
}

// BenchmarkLoad compares the loading of 2,000 rules with expr.Compile of the
// same, and reports what 10,000 rules keep of the heap.
func BenchmarkLoad(b *testing.B) {
	w := workload.New(workload.Options{Rules: 2000, Changes: 1})
	definition := w.Definition()
	vocabulary, err := workload.Vocabulary()
	if err != nil {
		b.Fatal(err)
	}
	load := func(int) {
		if _, err := risk.New(vocabulary, definition); err != nil {
			b.Fatal(err)
		}
	}
	sources := make([]string, len(w.Rules))
	for i := range w.Rules {
		sources[i] = w.Rules[i].When.Expr()
	}
	report(b, 1, load)
	times := workload.Interleave([]workload.Contestant{
		{Name: "ours", Run: load},
		{Name: "expr", Run: func(int) {
			for _, s := range sources {
				compileExpr(b, s)
			}
		}},
	}, 1, passes, turn, cpuTime)
	b.ReportMetric(times.Of(0)/float64(len(w.Rules)), "cpu-ns/rule")
	b.ReportMetric(times.Ratio(0, 1), "x-compile")
	b.ReportMetric(keeps(b, workload.New(workload.Options{Rules: 10_000, Changes: 1}), vocabulary), "heap-MiB/10000-rules")
}

// keeps is the heap, in MiB, that a rule set holds besides the definition that
// it is made from.
func keeps(b *testing.B, w *workload.Workload, v *risk.Vocabulary) float64 {
	definition := w.Definition()
	before := liveHeap()
	rs, err := risk.New(v, definition)
	if err != nil {
		b.Fatal(err)
	}
	after := liveHeap()
	runtime.KeepAlive(rs)
	runtime.KeepAlive(definition)
	return float64(after-before) / (1 << 20)
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkParallel compares the CPU time of a change when every processor
// decides with that when one does: 1,000 rules, shared by all.
func BenchmarkParallel(b *testing.B) {
	w := workload.New(workload.Options{Rules: 1000})
	rs := newOurs(b, w).rules
	all := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(all)
	workers := make([]*ours, all)
	for i := range workers {
		workers[i] = &ours{Workload: w, assess: assessor(rs)}
	}
	on := func(n int) func(int) {
		return func(int) {
			runtime.GOMAXPROCS(n)
			var wait sync.WaitGroup
			for _, o := range workers[:n] {
				wait.Go(func() {
					for j := 0; j < 1000; j += n {
						o.decide(j)
					}
				})
			}
			wait.Wait()
		}
	}
	report(b, len(w.Changes), func(i int) { workers[0].decide(i) })
	times := workload.Interleave([]workload.Contestant{{Name: "all", Run: on(all)}, {Name: "one", Run: on(1)}}, 1, passes, turn, cpuTime)
	runtime.GOMAXPROCS(all)
	b.ReportMetric(times.Ratio(0, 1), "x-one")
	b.ReportMetric(float64(all), "processors")
}

// BenchmarkHistory compares 100 rules over a history of changes with the loop
// over expr: all at once over facts that were read before, the same with what it
// takes to prepare the rule set for it, and one change after the other.
func BenchmarkHistory(b *testing.B) {
	w := workload.New(workload.Options{Rules: 100, Changes: 50_000})
	ours, loop := newOurs(b, w), newLoop(b, w)
	h := ours.rules.Vocabulary().History(func(yield func(*change.Change, risk.Situation) bool) {
		for _, r := range w.Requests {
			if !yield(r.Change, r.Situation) {
				return
			}
		}
	})
	prepare := func() *risk.Plan {
		plan, err := ours.rules.Over(h)
		if err != nil {
			b.Fatal(err)
		}
		return plan
	}
	plan, out := prepare(), make([]risk.Outcome, 0, h.Len())
	report(b, len(w.Changes), func(i int) { ours.decide(i) })
	whole := workload.Interleave([]workload.Contestant{
		{Name: "encoded", Run: func(int) { out = plan.Assess(0, h.Len(), out[:0]) }},
		{Name: "prepared", Run: func(int) { out = prepare().Assess(0, h.Len(), out[:0]) }},
		{Name: "expr", Run: func(int) {
			for i := range 500 {
				loop.answer(i * (h.Len() / 500))
			}
		}},
	}, 1, passes, turn, cpuTime)
	each := workload.Interleave([]workload.Contestant{
		{Name: "streaming", Run: func(i int) { ours.decide(i) }},
		{Name: "expr", Run: func(i int) { loop.answer(i) }},
	}, len(w.Changes), passes, turn, cpuTime)
	perChange := float64(h.Len()) / 500
	b.ReportMetric(1e9*float64(h.Len())/whole.Of(0), "encoded-changes/cpu-s")
	b.ReportMetric(1e9/each.Of(0), "changes/cpu-s")
	b.ReportMetric(perChange*whole.Ratio(2, 0), "encoded-x-expr")
	b.ReportMetric(perChange*whole.Ratio(2, 1), "prepared-x-expr")
	b.ReportMetric(each.Ratio(1, 0), "x-expr")
}
