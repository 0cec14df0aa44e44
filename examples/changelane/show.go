package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/changelane/changelane/approval"
)

// queues are the queues in which cases stand, in the order of a case's life.
var queues = []string{approval.QueueApproval, approval.QueueDeployment, approval.QueueOutcome, approval.QueueValidation, approval.QueueReview}

// showCase shows the whole of a case.
func showCase(c call) int {
	return atDesk(c, reads, func(s *session) {
		ctx, cancel := s.limit()
		defer cancel()
		got, err := s.desk.Case(ctx, s.id)
		switch {
		case err != nil:
			s.refuse(s.id, err)
		case s.explain:
			s.print(explainCase(got))
		default:
			s.tell(got)
		}
	})
}

// print writes lines for a person.
func (s *session) print(text string) {
	for line := range strings.Lines(text) {
		if s.err == nil {
			_, s.err = fmt.Fprintln(s.out, plain(strings.TrimSuffix(line, "\n"), len(line)))
		}
	}
}

// explainCase is a case in words.
func explainCase(c approval.Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is %s.\n", c.ID, standing(c))
	if c.Change != nil && c.Change.Title != "" {
		fmt.Fprintf(&b, "  what: %q\n", c.Change.Title)
	}
	if c.Change != nil && c.Change.Reason != "" {
		fmt.Fprintf(&b, "  what for: %q\n", c.Change.Reason)
	}
	if need := needs(c); need != "" {
		fmt.Fprintf(&b, "  who must say yes: %s\n  revision %d: %s\n", need, c.Revision, c.Digest)
	}
	if !c.NotAfter.IsZero() && !c.Closed {
		fmt.Fprintf(&b, "  it lapses after %s\n", moment(c.NotAfter))
	}
	part(&b, "What is next", c.Waits(), func(w string) string { return w })
	part(&b, "Votes", c.Votes, explainVote)
	part(&b, "Deployments", c.Runs, explainRun)
	if v := c.Validation; v != nil {
		fmt.Fprintf(&b, "\n%s says that the check afterwards %s%s.\n", v.By.Identity, map[bool]string{true: "passed", false: "did not pass"}[v.Passed], quoted(v.Note))
	}
	if r := c.Review; r != nil {
		fmt.Fprintf(&b, "\n%s has reviewed it%s.\n", r.By.Identity, quoted(r.Findings))
	}
	return b.String()
}

// standing is where a case stands.
func standing(c approval.Case) string {
	switch d := c.Discovered; {
	case d != nil && c.Closed:
		return "a deployment that nobody had authorised; it is closed"
	case d != nil:
		return "a deployment that nobody had authorised"
	case c.Closed:
		return fmt.Sprintf("%s %s change, %s and closed", article(c), c.Ruling.Type, c.Decision)
	default:
		return fmt.Sprintf("%s %s change, %s", article(c), c.Ruling.Type, c.Decision)
	}
}

func article(c approval.Case) string {
	if strings.HasPrefix(c.Ruling.Type.String(), "e") {
		return "an"
	}
	return "a"
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func quoted(text string) string {
	if text == "" {
		return ""
	}
	return fmt.Sprintf(": %q", text)
}

func part[T any](b *strings.Builder, title string, list []T, show func(T) string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, e := range list {
		fmt.Fprintf(b, "  - %s\n", show(e))
	}
}

func explainVote(v approval.Vote) string {
	said := "no"
	if v.Choice == approval.Approve {
		said = "yes"
	}
	return fmt.Sprintf("%s says %s to revision %d at %s%s", v.By.Identity, said, v.Revision, moment(v.At), quoted(v.Comment))
}

func explainRun(r approval.Run) string {
	what := r.ID
	if r.Target != "" {
		what += " to " + r.Target
	}
	if r.Backout {
		what += ", the way back"
	}
	ended := "not reported, which is due by " + moment(r.ReportBy)
	if r.Outcome != 0 {
		ended = fmt.Sprintf("%s at %s%s", r.Outcome, moment(r.ReportedAt), quoted(r.Note))
	}
	return fmt.Sprintf("%s, of %s: started by %s at %s; %s", what, r.Artifact, r.By.Identity, moment(r.StartedAt), ended)
}

// queuedLine is a case in a queue.
type queuedLine struct {
	Queue string `json:"queue"`
	caseLine
}

// queue lists one queue, or all of them.
func queue(c call) int {
	wanted := queues
	if len(c.files) > 0 {
		wanted = c.files
		if !slices.Contains(queues, wanted[0]) {
			say(c.stderr, fmt.Sprintf("changelane: there is no queue %q; expected %s%s", wanted[0], either(queues), hint(wanted[0], queues)))
			return exitUsage
		}
	}
	return atDesk(c, reads, func(s *session) {
		var list []queuedLine
		for _, name := range wanted {
			if err := s.inQueue(name, &list); err != nil {
				s.refuse("", err)
				return
			}
		}
		if s.text {
			s.print(table(list))
			return
		}
		for _, l := range list {
			s.tell(l)
		}
	})
}

func (s *session) inQueue(name string, list *[]queuedLine) error {
	ctx, cancel := s.limit()
	defer cancel()
	for got, err := range s.desk.Queue(ctx, name) {
		if err != nil {
			return err
		}
		*list = append(*list, queuedLine{name, newCaseLine(got)})
	}
	return nil
}

// table is a list of cases for a person.
func table(list []queuedLine) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUEUE\tCHANGE\tSERVICE\tUNDER\tTYPE\tLEVEL\tSINCE\tPLANNED\tNEXT")
	for _, l := range list {
		planned := ""
		if l.Window != nil {
			planned = moment(l.Window.Start)
		}
		cells := []string{l.Queue, l.ID, l.Service, l.Model, l.Type.String(), l.Level, moment(l.At), planned, strings.Join(l.Waits, " ")}
		for i, cell := range cells {
			cells[i] = plain(cell, len(cell)) // so that none has a tab or a line of its own
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	// It writes to memory, which does not fail.
	_ = w.Flush()
	return b.String()
}
