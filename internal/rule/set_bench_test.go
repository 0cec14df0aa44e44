package rule

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

// exprEnv is the facts of the workload as a struct, which is what expr's
// machine reads fastest.
type exprEnv struct {
	Service struct {
		Name    string `expr:"name"`
		Team    string `expr:"team"`
		Stage   string `expr:"stage"`
		Tier    int    `expr:"tier"`
		Age     int    `expr:"age"`
		Exposed bool   `expr:"exposed"`
	} `expr:"service"`
	Target struct {
		Environment string `expr:"environment"`
		Region      string `expr:"region"`
	} `expr:"target"`
	Change struct {
		Kind     string   `expr:"kind"`
		Title    string   `expr:"title"`
		Lines    int      `expr:"lines"`
		Files    int      `expr:"files"`
		Authors  int      `expr:"authors"`
		Minutes  int      `expr:"minutes"`
		Downtime bool     `expr:"downtime"`
		Urgent   bool     `expr:"urgent"`
		Paths    []string `expr:"paths"`
		Labels   []string `expr:"labels"`
	} `expr:"change"`
	Evidence struct {
		Smoke    string  `expr:"smoke"`
		Coverage float64 `expr:"coverage"`
	} `expr:"evidence"`
	History struct {
		Recent int     `expr:"recent"`
		Rate   float64 `expr:"rate"`
		Ratio  float64 `expr:"ratio"`
	} `expr:"history"`
}

func newExprEnv(f []Value) exprEnv {
	var e exprEnv
	e.Service.Name, e.Service.Team, e.Service.Stage, e.Service.Tier = f[wService].Text, f[wTeam].Text, f[wStage].Text, int(f[wTier].Int)
	e.Service.Age, e.Service.Exposed = int(f[wAge].Int), f[wExposed].Bool
	e.Target.Environment, e.Target.Region = f[wEnvironment].Text, f[wRegion].Text
	c := &e.Change
	c.Kind, c.Title, c.Lines, c.Files, c.Authors = f[wKind].Text, f[wTitle].Text, int(f[wLines].Int), int(f[wFiles].Int), int(f[wAuthors].Int)
	c.Minutes, c.Downtime, c.Urgent, c.Paths, c.Labels = int(f[wMinutes].Int), f[wDowntime].Bool, f[wUrgent].Bool, f[wPaths].List, f[wLabels].List
	e.Evidence.Smoke, e.Evidence.Coverage = f[wSmoke].Text, f[wCoverage].Float
	e.History.Recent, e.History.Rate, e.History.Ratio = int(f[wRecent].Int), f[wRate].Float, f[wRatio].Float
	return e
}

func exprPrograms(t testing.TB, sources []string) []*vm.Program {
	t.Helper()
	out := make([]*vm.Program, len(sources))
	env := expr.Env(exprEnv{})
	for i, source := range sources {
		p, err := expr.Compile(source, env, expr.AsBool())
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		out[i] = p
	}
	return out
}

// cpu is the processor time that this process has taken.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// contest measures contestants in turns, each over whole passes of the changes,
// and reports processor time per change and the medians of the ratios to the
// first.
type contest struct {
	names []string
	runs  []func(change int)
	share []int // of the changes, one in so many
}

func (c *contest) add(name string, share int, run func(change int)) {
	c.names, c.runs, c.share = append(c.names, name), append(c.runs, run), append(c.share, share)
}

func (c *contest) measure(b *testing.B, changes int) []float64 {
	each := make([][]float64, len(c.runs))
	for i, run := range c.runs {
		for k := range min(changes, 50) {
			run(k % changes)
		}
		each[i] = nil
	}
	b.ResetTimer()
	for range max(b.N, 5) {
		for i, run := range c.runs {
			n := changes / c.share[i]
			rounds := 1
			if c.share[i] == 1 && changes > 1 {
				rounds = 20
			}
			start := cpu()
			for range rounds {
				for k := range n {
					run(k)
				}
			}
			each[i] = append(each[i], float64((cpu()-start).Nanoseconds())/float64(n*rounds))
		}
	}
	out := make([]float64, len(c.runs))
	for i := range each {
		out[i] = median(each[i])
		b.ReportMetric(out[i]/1000, c.names[i]+"-µs")
		ratios := make([]float64, len(each[i]))
		for k := range ratios {
			ratios[k] = each[i][k] / each[0][k]
		}
		if i > 0 {
			b.ReportMetric(median(ratios), c.names[i]+"-x")
		}
	}
	b.ReportMetric(0, "ns/op")
	return out
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

func BenchmarkSet(b *testing.B) {
	v := workloadVocabulary(b)
	for _, missing := range []int{0, 10} {
		for _, n := range []int{10, 100, 1000, 10_000} {
			b.Run(fmt.Sprintf("missing=%d/N=%d", missing, n), func(b *testing.B) {
				rules := newWorkload(1).rules(n)
				sources := sourcesOf(rules)
				benchmarkRules(b, v, rules, sources, newWorkload(2).changes(1000, missing))
			})
		}
	}
}

func benchmarkRules(b *testing.B, v *Vocabulary, rules []plainRule, sources []string, changes [][]Value) {
	set := NewSet(v, compileAll(b, v, sources))
	run := set.NewRun()
	var c contest
	listed := 0
	c.add("set", 1, func(i int) { listed += len(run.Decide(changes[i])) })
	if rules != nil {
		hand := newByHand(rules)
		c.add("hand", 1, func(i int) { hand.decide(changes[i]) })
	}
	programs := exprPrograms(b, sources)
	envs := make([]exprEnv, len(changes))
	for i := range envs {
		envs[i] = newExprEnv(changes[i])
	}
	var machine vm.VM
	c.add("expr", min(1+len(sources)/10, 100), func(i int) {
		var env any = envs[i]
		for _, p := range programs {
			if _, err := machine.Run(p, env); err != nil {
				b.Fatal(err)
			}
		}
	})
	c.measure(b, len(changes))
	listed = 0
	for i := range changes {
		listed += len(run.Decide(changes[i]))
	}
	b.ReportMetric(float64(listed)/float64(len(changes)), "listed")
}

func BenchmarkSetWorst(b *testing.B) {
	v := workloadVocabulary(b)
	w := newWorkload(3)
	classes := []struct {
		name string
		make func(i int) string
	}{
		{"contains", func(i int) string { return fmt.Sprintf(`change.title contains "word%d"`, i) }},
		{"paths", func(i int) string { return fmt.Sprintf(`any(change.paths, # startsWith "src/core/%d")`, i) }},
		{"service", func(i int) string { return w.equality(wService).source() }},
		{"threshold", func(i int) string { return w.threshold().source() + " and " + w.threshold().source() }},
		{"not", func(i int) string {
			p := w.equality(wService)
			p.negated = true
			return p.source() + " and " + w.threshold().source()
		}},
		{"or", func(i int) string { return w.threshold().source() + " or " + w.list().source() }},
	}
	for _, c := range classes {
		b.Run(c.name, func(b *testing.B) {
			sources := sourcesOf(newWorkload(1).rules(100))
			for i := range 900 {
				sources = append(sources, c.make(i))
			}
			benchmarkRules(b, v, nil, sources, newWorkload(2).changes(1000, 0))
		})
	}
	b.Run("opaque", func(b *testing.B) {
		sources := sourcesOf(newWorkload(1).rules(1000))
		for i := range sources {
			if i%20 == 0 {
				sources[i] = w.equality(wTeam).source() + fmt.Sprintf(" and change.lines + change.files > %d", i)
			}
		}
		benchmarkRules(b, v, nil, sources, newWorkload(2).changes(1000, 0))
	})
}

// BenchmarkSetLoad compiles and lays out 10,000 rules, and holds them.
func BenchmarkSetLoad(b *testing.B) {
	v := workloadVocabulary(b)
	sources := sourcesOf(newWorkload(1).rules(10_000))
	var c contest
	c.add("expr", 1, func(int) { exprPrograms(b, sources) })
	c.add("load", 1, func(int) { NewSet(v, compileAll(b, v, sources)) })
	pairs := compileAll(b, v, sources)
	c.add("layout", 1, func(int) { NewSet(v, pairs) })
	c.measure(b, 1)
	pairs = nil
	b.ReportMetric(heap(func() any { return NewSet(v, compileAll(b, v, sources)) }), "MiB")
	b.ReportMetric(heap(func() any { return exprPrograms(b, sources) }), "expr-MiB")
}

// heap is what stays of a value, in MiB.
func heap(make func() any) float64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	value := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(value)
	return float64(int64(after.HeapAlloc)-int64(before.HeapAlloc)) / (1 << 20)
}
