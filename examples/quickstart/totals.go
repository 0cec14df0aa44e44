package main

import (
	"math"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// count is how many changes there were, and how many of them failed.
type count struct{ changes, failed int }

func (c *count) add(failed bool) {
	c.changes++
	if failed {
		c.failed++
	}
}

func (c count) plus(o count) count { return count{c.changes + o.changes, c.failed + o.failed} }

// interval is the 95 % score interval of Wilson (1927) for the failure rate:
// unlike the textbook's, it holds for few failures too. Without changes it is
// all there can be.
func (c count) interval() (low, high float64) {
	if c.changes == 0 {
		return 0, 1
	}
	const z = 1.959964
	n, p := float64(c.changes), float64(c.failed)/float64(c.changes)
	centre := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, centre-half), min(1, centre+half)
}

// The types and models, in the order in which they are shown.
var types = []change.Type{change.Standard, change.Normal, change.Emergency, change.Unclassified}

var models = []string{change.OpsRunIt().Name, change.YouBuildItYouRunIt().Name, ""}

type cell struct {
	kind  change.Type
	model string // "": none in force
}

// totals are the sums over all changes.
type totals struct {
	cells   map[cell]*count
	took    []float64 // seconds, one for each decision
	open    int       // changes with something that is not known
	refused error     // the first reason why a change could not be classified
}

func newTotals() totals {
	t := totals{cells: map[cell]*count{}}
	for _, kind := range types {
		for _, model := range models {
			t.cells[cell{kind, model}] = &count{}
		}
	}
	return t
}

func (t *totals) add(c approval.Classification, failed bool, took time.Duration) {
	t.cells[cell{c.Type, c.Model}].add(failed)
	t.took = append(t.took, took.Seconds())
	if c.Err == nil && c.Assessment.Open() {
		t.open++
	}
	if c.Err != nil && t.refused == nil {
		t.refused = c.Err
	}
}

// sum adds up the cells for which the condition holds.
func (t *totals) sum(holds func(cell) bool) count {
	var out count
	for _, kind := range types {
		for _, model := range models {
			if at := (cell{kind, model}); holds(at) {
				out = out.plus(*t.cells[at])
			}
		}
	}
	return out
}

func (t *totals) changes() int { return len(t.took) }
