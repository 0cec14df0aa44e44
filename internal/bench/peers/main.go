// Peers compares our rule set with other engines that a Go program can embed,
// over the same rules and changes, and prints a table in Markdown:
//
//	cd internal/bench && GOWORK=off go run ./peers
//
// The engines take turns in one process. A figure is process CPU time per
// change, garbage collection and conversions included: a plain struct goes in,
// the rules that match and the score come out; ours gets a change.Change, and
// gives the reasons with what was seen as well. The ratios are medians over the
// passes; they hold on machines where the figures themselves do not.
package main

import (
	"fmt"
	"log"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/changelane/changelane/internal/workload"
)

func main() {
	log.SetFlags(0)
	rows, err := measure([]int{10, 100, 1000, 10_000})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(table(rows))
}

// cell is what one engine took for one number of rules.
type cell struct {
	rules  int
	micros float64 // per change
	times  float64 // how many times as long as ours
	allocs float64 // per change, at 1,000 rules
}

// row is one engine.
type row struct {
	name  string
	cells []cell
}

func measure(sizes []int) ([]row, error) {
	rows := make([]row, len(engines))
	for _, n := range sizes {
		w := workload.New(workload.Options{Rules: n})
		contestants := make([]workload.Contestant, len(engines))
		for i, e := range engines {
			decide, err := e.load(w)
			if err != nil {
				return nil, fmt.Errorf("%s does not load %d rules: %w", e.name, n, err)
			}
			if err := agrees(w, decide); err != nil {
				return nil, fmt.Errorf("%s, %d rules: %w", e.name, n, err)
			}
			contestants[i] = workload.Contestant{Name: e.name, Run: func(i int) { decide(i) }}
		}
		times := workload.Interleave(contestants, len(w.Changes), 7, 20*time.Millisecond, cpuTime)
		for i, c := range contestants {
			rows[i].name = c.Name
			rows[i].cells = append(rows[i].cells, cell{n, times.Of(i) / 1000, times.Ratio(i, 0), allocs(c.Run)})
		}
	}
	return rows, nil
}

// agrees holds an engine to the right answers, on a sample of the changes.
func agrees(w *workload.Workload, decide func(int) (matched []int, score int)) error {
	for i := 0; i < len(w.Changes); i += len(w.Changes) / 10 {
		var want []int
		sum := 0
		for n := range w.Rules {
			if w.Rules[n].When.Holds(&w.Changes[i]) {
				want, sum = append(want, n), sum+w.Rules[n].Points
			}
		}
		matched, score := decide(i)
		slices.Sort(matched)
		if !slices.Equal(matched, want) || score != sum {
			return fmt.Errorf("of change %d it says %v and %d, which should be %v and %d", i, matched, score, want, sum)
		}
	}
	return nil
}

func allocs(run func(int)) float64 {
	const changes = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range changes {
		run(i)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / changes
}

// cpuTime is the CPU time of the process so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		log.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// table is the figures in Markdown: microseconds per change, in brackets how
// many times as long as ours.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| µs per change (times ours) |")
	for _, c := range rows[0].cells {
		fmt.Fprintf(&b, " N=%d |", c.rules)
	}
	fmt.Fprintf(&b, " allocs at N=%d |\n|---|%s---:|\n", counted(rows[0]).rules, strings.Repeat("---:|", len(rows[0].cells)))
	for _, r := range rows {
		b.WriteString("| " + r.name + " |")
		for _, c := range r.cells {
			fmt.Fprintf(&b, " %s (%s×) |", short(c.micros), short(c.times))
		}
		fmt.Fprintf(&b, " %.0f |\n", counted(r).allocs)
	}
	return b.String()
}

// counted is the cell whose allocations are shown: 1,000 rules, or the most.
func counted(r row) cell {
	if i := slices.IndexFunc(r.cells, func(c cell) bool { return c.rules == 1000 }); i >= 0 {
		return r.cells[i]
	}
	return r.cells[len(r.cells)-1]
}

// short writes a number with two or three digits that mean something.
func short(x float64) string {
	switch {
	case x < 1:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}
