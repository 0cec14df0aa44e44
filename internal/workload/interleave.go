package workload

import (
	"runtime"
	"slices"
	"time"
)

// Contestant decides about changes, one after the other.
type Contestant struct {
	Name string
	Run  func(change int) // decide about the change of that number
	next int
}

// Times are what the passes of an interleaved comparison took: for each
// contestant and each pass the process CPU time of one change, in nanoseconds.
// A pass of one contestant is followed by a pass of the next, so that all of
// them meet the same neighbours on a shared machine.
type Times [][]float64

// fewest is how many changes a turn takes at the least.
const fewest = 20

// Interleave lets the contestants take turns over n changes, each going on
// where it stopped. The garbage of one is collected before the next begins, and
// what each collects during its turn is its own. A turn lasts until it has
// taken the least time. The clock gives the CPU time of the process.
func Interleave(contestants []Contestant, n, passes int, least time.Duration, clock func() time.Duration) Times {
	out := make(Times, len(contestants))
	for i := range contestants {
		contestants[i].turn(n, 0, clock) // warm
	}
	for pass := range passes {
		for k := range contestants {
			i := (k + pass) % len(contestants)
			runtime.GC()
			out[i] = append(out[i], contestants[i].turn(n, least, clock))
		}
	}
	return out
}

// turn looks at the clock after ever more changes, which are taken in an order
// that spreads a few of them over all.
func (c *Contestant) turn(n int, least time.Duration, clock func() time.Duration) float64 {
	const stride = 617 // a prime, so that all of a thousand changes come up
	begin, done := clock(), 0
	for more := min(n, fewest); ; more = done {
		for range more {
			c.Run(c.next)
			c.next = (c.next + stride) % n
		}
		done += more
		if spent := clock() - begin; spent >= least {
			return float64(spent.Nanoseconds()) / float64(done)
		}
	}
}

// Of is the median CPU time of one change.
func (t Times) Of(contestant int) float64 { return median(t[contestant]) }

// Ratio is the median over the passes of how many times the CPU time of one
// contestant is that of another.
func (t Times) Ratio(of, to int) float64 {
	ratios := make([]float64, len(t[of]))
	for pass := range ratios {
		ratios[pass] = t[of][pass] / t[to][pass]
	}
	return median(ratios)
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
