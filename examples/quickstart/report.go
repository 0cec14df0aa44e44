package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/exp/stats"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// report prints what came of the changes, in 100 columns.
type report struct {
	out    *bufio.Writer
	src    *source
	all    bool
	totals totals
	choice choice
}

const shownRows = 20

func newReport(w io.Writer, src *source, all bool) *report {
	r := &report{out: bufio.NewWriter(w), src: src, all: all, totals: newTotals(), choice: choice{most: shownRows}}
	r.line("changelane: %s", src.title)
	r.line("Each change is classified at its own time, with what was known then; afterwards we look how it went.")
	r.line("")
	if all {
		r.tableHead()
	}
	return r
}

func (r *report) line(format string, args ...any) {
	fmt.Fprintf(r.out, format, args...)
	r.out.WriteByte('\n')
}

func (r *report) tableHead() {
	r.line("%s", heading())
	r.line("%s", strings.Repeat("-", 100))
}

// add counts a change, and shows it if all are to be shown.
func (r *report) add(s sample, c approval.Classification, took time.Duration) {
	r.totals.add(c, s.failed, took)
	row := newRow(r.totals.changes(), c, s.change.Service, s.failed)
	if r.all {
		r.line("%s", row.line)
		return
	}
	r.choice.offer(row, c.Explain)
}

// classified prints what came of the changes.
func (r *report) classified() {
	if !r.all {
		r.chosen()
	}
	r.byType()
	r.rates()
	r.speed()
}

// finish prints what can be said at the end.
func (r *report) finish() error {
	r.closing()
	if err := r.out.Flush(); err != nil {
		return fmt.Errorf("the result cannot be written: %w", err)
	}
	return nil
}

// chosen prints a choice of rows, and one of them in full.
func (r *report) chosen() {
	rows := r.choice.rows()
	if len(rows) == 0 {
		r.line("There is nothing in it but commits that take back others.")
		return
	}
	r.tableHead()
	for _, row := range rows {
		r.line("%s", row.line)
	}
	if more := r.totals.changes() - len(rows); more > 0 {
		r.line("... and %s more; -all shows them", thousands(more))
	}
	r.line("")
	r.line("One of them in full, as Classification.Explain tells it:")
	r.line("")
	for _, line := range strings.Split(strings.TrimRight(telling(rows).full, "\n"), "\n") {
		for _, part := range wrap(line, 96) {
			r.line("%s", strings.TrimRight("    "+part, " "))
		}
	}
}

// telling is the row worth reading in full: a failed one, best with a decision.
func telling(rows []row) row {
	best, rank := rows[0], -1
	for _, row := range rows {
		n := 0
		if row.failed {
			n += 2
		}
		if row.kind == change.Normal {
			n++
		}
		if n > rank {
			best, rank = row, n
		}
	}
	return best
}

// byType prints the totals by type and operating model.
func (r *report) byType() {
	r.line("")
	head := fmt.Sprintf("%-14s%14s%26s", "type", models[0], models[1])
	if r.modelless() {
		head += fmt.Sprintf("%14s", "no model")
	}
	r.line("%s%14s", head, "together")
	for _, kind := range types {
		if r.totals.sum(func(c cell) bool { return c.kind == kind }).changes > 0 {
			r.countLine(kind.String(), func(c cell) bool { return c.kind == kind })
		}
	}
	r.countLine("together", func(cell) bool { return true })
}

// modelless reports whether there are changes that no operating model is in
// force for: those that are refused, or older than the model.
func (r *report) modelless() bool {
	return r.totals.sum(func(c cell) bool { return c.model == "" }).changes > 0
}

func (r *report) countLine(title string, holds func(cell) bool) {
	count := func(model string) string {
		return thousands(r.totals.sum(func(c cell) bool { return holds(c) && c.model == model }).changes)
	}
	line := fmt.Sprintf("%-14s%14s%26s", title, count(models[0]), count(models[1]))
	if r.modelless() {
		line += fmt.Sprintf("%14s", count(""))
	}
	r.line("%s%14s", line, thousands(r.totals.sum(holds).changes))
}

// rates compares the failures of what would have been standard with the rest.
func (r *report) rates() {
	standard := r.totals.sum(func(c cell) bool { return c.kind == change.Standard })
	rest := r.totals.sum(func(c cell) bool { return c.kind != change.Standard })
	r.line("")
	r.line("Failed means: %s.", r.src.failed)
	r.rateLine("would have been standard", standard)
	r.rateLine("the rest", rest)
	r.rateLine("together", standard.plus(rest))
	if standard.changes > 0 && rest.changes > 0 {
		r.line("%s", verdict(standard, rest))
	}
}

func (r *report) rateLine(title string, c count) {
	low, high := c.interval()
	rate := "    -"
	if c.changes > 0 {
		rate = fmt.Sprintf("%5.1f %%", 100*float64(c.failed)/float64(c.changes))
	}
	r.line("  %-26s%7s of %7s failed  %s   (95 %% interval: %.1f %% to %.1f %%)", title, thousands(c.failed), thousands(c.changes), rate, 100*low, 100*high)
}

// verdict says how much the two rates tell, and no more.
func verdict(standard, rest count) string {
	lowS, highS := standard.interval()
	lowR, highR := rest.interval()
	switch {
	case standard.failed+rest.failed == 0:
		return "Nothing failed that is known of, so it cannot be said how well the policy tells good from bad."
	case highS < lowR:
		return "The intervals do not meet: what would have been standard failed less often."
	case highR < lowS:
		return "The intervals do not meet, the wrong way round: this policy lets the wrong changes through."
	default:
		return "The intervals overlap: so few failures do not show that the policy tells good from bad."
	}
}

func (r *report) speed() {
	if r.totals.changes() == 0 {
		return
	}
	total := 0.0
	for _, s := range r.totals.took {
		total += s
	}
	q := stats.Quantiles(r.totals.took, 0.5, 0.99)
	r.line("")
	if total > 0 {
		r.line("%s decisions in %s, one by one: %s a second; half of them within %s, 99 %% within %s.",
			thousands(r.totals.changes()), seconds(total), thousands(int(float64(r.totals.changes())/total)), seconds(q[0]), seconds(q[1]))
	}
}

// seconds shows a time with three digits at most.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", s*1e3)
	default:
		return fmt.Sprintf("%.1f s", s)
	}
}

// closing says what was assumed, what was odd, and where to look next.
func (r *report) closing() {
	r.line("")
	r.line("Taken for granted:")
	r.list(r.src.assumed)
	notes := r.src.notes()
	if r.totals.open > 0 {
		notes = append(notes, thousands(r.totals.open)+" with a fact that a rule asks for and nobody knows: such a change is never standard")
	}
	if r.totals.refused != nil {
		notes = append(notes, "the first change that could not be classified: "+r.totals.refused.Error())
	}
	if len(notes) > 0 {
		r.line("To be noted:")
	}
	r.list(notes)
	r.line("")
	for _, f := range r.src.further {
		r.line("%s", f)
	}
}

func (r *report) list(items []string) {
	for _, item := range items {
		for _, part := range wrap("  - "+item, 100) {
			r.line("%s", part)
		}
	}
}
