package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
)

// acted is a command that gives a case.
func acted(c call, act func(context.Context, *session) (approval.Case, error)) int {
	return atDesk(c, writes, func(s *session) {
		ctx, cancel := s.limit()
		defer cancel()
		got, err := act(ctx, s)
		s.answer(s.id, got, err)
	})
}

func (s *session) command() *desk.CommandOptions { return &desk.CommandOptions{Key: s.once} }

func vote(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		b := desk.Ballot{Revision: s.revision, Digest: s.digest, Choice: approval.Reject, Comment: s.comment}
		if s.yes {
			b.Choice = approval.Approve
		}
		if b.Digest == "" {
			present, err := s.desk.Case(ctx, s.id)
			switch {
			case err != nil:
				return present, err
			case present.Revision != s.revision:
				return present, otherRevision(present, s.revision)
			}
			b.Digest = present.Digest
		}
		return s.desk.Vote(ctx, s.as, s.id, b, s.command())
	})
}

// otherRevision refuses a vote for what is not there, or not there any more.
func otherRevision(c approval.Case, seen int) error {
	text := fmt.Sprintf("the vote is for revision %d, and the present one is revision %d; look at that and vote again", seen, c.Revision)
	return &approval.Refused{Case: c.ID, Reasons: []approval.Reason{{Code: approval.OtherRevision, Text: text}}}
}

func withdraw(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		return s.desk.Withdraw(ctx, s.as, s.id, s.command())
	})
}

func cancel(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		return s.desk.Cancel(ctx, s.as, s.id, s.because, s.command())
	})
}

// report says how an attempt ended. Of one that nobody had authorised it makes a
// case, and is a finding.
func report(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		r := desk.Report{Attempt: s.attempt.ID, Outcome: s.outcome, Note: s.note}
		got, err := s.desk.Report(ctx, s.as, s.id, r, s.command())
		if err == nil && got.Discovered != nil {
			s.status = exitFound
			say(s.stderr, s.id+": nobody had authorised this deployment; a review of it is owed, as the case "+got.ID)
		}
		return got, err
	})
}

func validate(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		return s.desk.Validate(ctx, s.as, s.id, s.passed, s.note, s.command())
	})
}

func review(c call) int {
	return acted(c, func(ctx context.Context, s *session) (approval.Case, error) {
		return s.desk.Review(ctx, s.as, s.id, s.findings, s.command())
	})
}

// gate asks. It opens the store for reading alone. Where no attempt is named it
// asks for one that there has not been.
func gate(c call) int {
	if c.attempt.ID == "" {
		c.attempt.ID = rand.Text()
	}
	return atDesk(c, reads, func(s *session) {
		ctx, cancel := s.limit()
		defer cancel()
		if err := s.desk.Gate(ctx, s.as, s.id, s.attempt); err != nil {
			s.refuse(s.id, err)
			return
		}
		s.tell(judge(s.id, nil))
	})
}

// startLine is the answer to a start that may go ahead.
type startLine struct {
	verdict
	Attempt  string    `json:"attempt"`
	Backout  bool      `json:"backout"`
	ReportBy time.Time `json:"report_by"`
}

// start gives its yes only when all that is wished is done, the signature too:
// whoever reads the line deploys.
func start(c call) int {
	return atDesk(c, writes, func(s *session) {
		ctx, cancel := s.limit()
		defer cancel()
		r, err := s.desk.Start(ctx, s.as, s.id, s.attempt)
		if err == nil && s.key != nil {
			if failed := s.signLog(); failed != nil {
				err = notSigned{failed}
			}
		}
		if err != nil {
			s.refuse(s.id, err)
			return
		}
		s.tell(startLine{judge(s.id, nil), r.ID, r.Backout, r.ReportBy})
	})
}

// templateLine is the answer to a template that was given a state.
type templateLine struct {
	ID    string                 `json:"id"`
	State approval.TemplateState `json:"state"`
}

func template(c call) int {
	return atDesk(c, begins, func(s *session) {
		if s.desk.Policy().TemplateVersion(s.id) == "" {
			s.refuse(s.id, badInput("the policy has no such template; expected "+s.knownTemplates()))
			return
		}
		ctx, cancel := s.limit()
		defer cancel()
		if err := s.desk.SetTemplate(ctx, s.as, s.id, s.to, s.because, s.command()); err != nil {
			s.refuse(s.id, err)
			return
		}
		s.recorded = true
		s.tell(templateLine{s.id, s.to})
	})
}

func (s *session) knownTemplates() string {
	var ids []string
	for _, t := range s.desk.Policy().Templates() {
		ids = append(ids, t.ID)
	}
	return either(ids) + hint(s.id, ids)
}
