package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/exp/stats"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/change"
)

// The second half: the same changes, on the record.

const shownQueue = 5

// story tells of a walk.
type story struct {
	*report
	w       *walk
	decided approval.Case
}

// tell takes the samples through their life and says what happened.
func tell(r *report, dir string, samples []sample, now clock) error {
	w, err := newWalk(dir, r.src, now)
	if err != nil {
		return err
	}
	s := &story{report: r, w: w}
	began := now()
	err = errors.Join(s.tellAll(samples), w.close())
	if err != nil {
		return fmt.Errorf("the record: %w", err)
	}
	return s.last(len(samples), now().Sub(began))
}

func (s *story) tellAll(samples []sample) error {
	s.line("")
	s.line("The same changes once more, on the record: each is submitted to a desk, which asks a directory who")
	s.line("people are and writes each step to a database before it counts.")
	s.line("")
	if err := s.w.adopt(s.src.policy, samples[0].at); err != nil {
		return err
	}
	for _, one := range samples {
		if err := s.w.take(one); err != nil {
			return fmt.Errorf("%s: %w", one.change.ID, err)
		}
	}
	s.counts(len(samples))
	waiting, err := s.board()
	if err != nil {
		return err
	}
	if err := s.decide(waiting, samples); err != nil {
		return err
	}
	s.line("")
	s.line("That leaves %s of them in the queue.", thousands(len(waiting)-1))
	return s.verify()
}

func (s *story) counts(n int) {
	q := stats.Quantiles(s.w.submitted, 0.5, 0.99)
	s.line("  submitted   %5s  half of them classified, decided and durable within %s, 99 %% within %s", thousands(n), seconds(q[0]), seconds(q[1]))
	s.line("  authorised  %5s  at once by a template; started by their teams, and reported as they really went", thousands(s.w.authorised))
	s.line("  taken back  %5s  of these, so a review is owed for each", thousands(s.w.failed))
}

// board shows the queue that is left for people.
func (s *story) board() ([]approval.Case, error) {
	waiting, err := s.w.queue(approval.QueueApproval)
	if err != nil || len(waiting) == 0 {
		return nil, errors.Join(err, errors.New("nothing waits for a decision"))
	}
	s.line("  waiting     %5s  for people, in the queue of change management, first come, first served:", thousands(len(waiting)))
	s.line("")
	s.line("    change       service    under                    since      level   who must say yes")
	for _, c := range waiting[:min(shownQueue, len(waiting))] {
		s.line("    %-12s %-10s %-24s %s  %-7s %s", c.ID, c.Change.Service, c.Ruling.Model.Name, c.SubmittedAt.Format("2006-01-02"), c.Ruling.Level, short(c.Ruling.Requirement))
	}
	s.line("    ...")
	return waiting, nil
}

// short names who must say yes, without the service that they are of.
func short(r approval.Requirement) string {
	return ofService.ReplaceAllString(strings.ReplaceAll(r.String(), " and ", " + "), "$1")
}

var ofService = regexp.MustCompile(`(service-owner) of [a-z-]+`)

// decide takes one item of the queue to its end, and shows what is refused on
// the way.
func (s *story) decide(waiting []approval.Case, samples []sample) error {
	c, other := pick(waiting)
	s.decided = c
	s.w.time = c.SubmittedAt.Add(72 * time.Hour) // when the board meets: on a Monday morning
	s.line("")
	s.line("One of them, %s of %s, from vote to review:", c.ID, c.Change.Service)
	attempt := approval.Attempt{ID: "run-" + c.ID, Artifact: c.Digest}
	deployer := s.w.deployer(c)
	s.said(deployer, "may I deploy it?", s.w.desk.Gate(s.w.ctx, deployer, c.ID, attempt), "")
	ballot := desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}
	for _, who := range []string{c.Change.Requester.ID, "board/1", "board/1", "board/2", "board/3", "owner/" + c.Change.Service} {
		if c.Decision != approval.Pending {
			break
		}
		got, err := s.w.desk.Vote(s.w.ctx, who, c.ID, ballot, nil)
		answer := fmt.Sprintf("%d of 2; %s", len(got.Votes), got.Decision)
		if got.Version == c.Version {
			answer = "was said before, and counts once; " + got.Decision.String()
		}
		s.said(who, "yes", err, answer)
		if err == nil {
			c = got
		}
	}
	if c.Decision != approval.Authorized {
		return fmt.Errorf("%s is %s after all its votes", c.ID, c.Decision)
	}
	_, err := s.w.desk.Start(s.w.ctx, deployer, c.ID, approval.Attempt{ID: "run-other", Artifact: other.Digest})
	s.said(deployer, "start it with another artifact", err, "started")
	var refused *approval.Refused
	if !errors.As(err, &refused) {
		return fmt.Errorf("another artifact was not refused: %w", err)
	}
	if c, err = s.w.ship(c, wentWrong(samples, c.ID)); err != nil {
		return err
	}
	s.said(deployer, "start it, and report", nil, c.Runs[0].Outcome.String())
	_, err = s.w.desk.Start(s.w.ctx, deployer, c.ID, approval.Attempt{ID: "run-again", Artifact: c.Digest})
	s.said(deployer, "start it again", err, "started")
	if c, err = s.w.desk.Validate(s.w.ctx, deployer, c.ID, true, "all checks are green", nil); err != nil {
		return err
	}
	s.said(deployer, "validate it", nil, "passed")
	if c, err = s.w.desk.Review(s.w.ctx, "manager/1", c.ID, "two days in the queue for a change of a few lines", nil); err != nil {
		return err
	}
	s.said("manager/1", "review it", nil, "two days in the queue for a change of a few lines")
	if !c.Closed {
		return fmt.Errorf("%s is not closed: %s", c.ID, strings.Join(c.Waits(), "; "))
	}
	s.decided = c
	return nil
}

// pick finds the first item that the team itself will deploy and the board can
// decide alone, and another one.
func pick(waiting []approval.Case) (one, other approval.Case) {
	for i, c := range waiting {
		if c.Ruling.Model.Deploys == change.Owner && c.Ruling.Requirement.String() == "2 of cab" {
			return c, waiting[(i+1)%len(waiting)]
		}
	}
	return waiting[0], waiting[len(waiting)-1]
}

func wentWrong(samples []sample, id string) bool {
	for _, s := range samples {
		if s.change.ID == id {
			return s.failed
		}
	}
	return false
}

// digests are shown by their beginning.
var digests = regexp.MustCompile(`(sha256:[0-9a-f]{8})[0-9a-f]{56}`)

// said is one line of a dialogue with the desk.
func (s *story) said(who, what string, err error, answer string) {
	if err != nil {
		answer = err.Error()
	}
	head := fmt.Sprintf("    %-14s %-30s ", who, what)
	answer = digests.ReplaceAllString(strings.TrimPrefix(answer, s.decided.ID+" is "), "$1…")
	for i, part := range wrap(answer, 100-len(head)) {
		if i > 0 {
			head = strings.Repeat(" ", len(head))
		}
		s.line("%s%s", head, strings.TrimSpace(part))
	}
}

// verify holds the record against itself and the key.
func (s *story) verify() error {
	began := s.w.now()
	got, err := s.w.check()
	if err != nil {
		return err
	}
	s.line("")
	s.line("The record, read again by a handle that cannot write, with the public key, in %s:", seconds(s.w.now().Sub(began).Seconds()))
	for line := range strings.Lines(got.String()) {
		for _, part := range wrap("    "+strings.TrimRight(line, "\n"), 100) {
			s.line("%s", part)
		}
	}
	if !got.OK() {
		return errors.New("the record does not verify")
	}
	return nil
}

// last says in one paragraph what happened, where it lies, and what to try
// next.
func (s *story) last(n int, took time.Duration) error {
	at, err := s.w.spot(s.decided.ID)
	if err != nil {
		return err
	}
	s.line("")
	text := fmt.Sprintf("In %s, %s changes were submitted. %s went out at once as standard changes, and it is on record how "+
		"each went; %s wait for people. %s was voted on, refused with another artifact, started, reported, validated, reviewed "+
		"and closed. Every state was made again from the log and is what it should be. A real desk has its signing key in a "+
		"secret store; this one has thrown it away, so nobody can go on with this log.",
		seconds(took.Seconds()), thousands(n), thousands(s.w.authorised), thousands(n-s.w.authorised-1), s.decided.ID)
	for _, part := range wrap(text, 98) {
		s.line("%s", strings.TrimLeft(part, " "))
	}
	s.line("")
	s.line("  the database    %s", s.w.file)
	s.line("  the public key  %s", s.w.publicKey)
	s.line("")
	s.line("Verify it, spoil one byte of an event of %s, and verify it again:", s.decided.ID)
	s.line("  record=%s", filepath.Dir(s.w.file))
	s.line("  go run ./examples/changelane verify -store $record/%s -key $record/%s", recordFile, keyFile)
	s.line("  printf X | dd of=$record/%s bs=1 seek=%d conv=notrunc", recordFile, at)
	s.line("  go run ./examples/changelane verify -store $record/%s -key $record/%s", recordFile, keyFile)
	s.line("  rm -r $record")
	return nil
}
