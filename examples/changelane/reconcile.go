package main

import (
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// seenLine is the answer to a deployment that was seen.
type seenLine struct {
	ID         string    `json:"id"`
	Authorised bool      `json:"authorised"`
	Case       *caseLine `json:"case,omitzero"` // of one that was not
}

// reconcile holds deployments that were seen in production against the record.
func reconcile(c call) int {
	if !c.somethingToRead() {
		return exitUsage
	}
	return atDesk(c, writes, func(s *session) {
		s.eachInput(func(data []byte) error {
			d, err := decodeDeployment(data, s.now())
			if err == nil {
				s.reconcile(d)
			}
			return err
		})
	})
}

func (s *session) reconcile(d approval.Deployment) {
	ctx, cancel := s.limit()
	defer cancel()
	found, err := s.desk.Reconcile(ctx, s.as, []approval.Deployment{d})
	switch {
	case err != nil:
		s.refuse(d.ID, err)
	case len(found) == 0:
		s.tell(seenLine{ID: d.ID, Authorised: true})
	default:
		s.recorded = true
		s.status = max(s.status, exitFound)
		line := newCaseLine(found[0])
		s.tell(seenLine{ID: d.ID, Case: &line})
	}
}

func decodeDeployment(data []byte, now time.Time) (approval.Deployment, error) {
	var d approval.Deployment
	err := readStrict(data, func(s *strict) error {
		return s.object(
			member{"id", true, s.text(func(v string) error { d.ID = v; return checkIdentity(v) })},
			member{"service", false, s.text(word(&d.Service))},
			member{"artifact", false, s.text(func(v string) (err error) { d.Artifact, err = change.ParseDigest(v); return err })},
			member{"target", false, s.text(func(v string) error { d.Target = v; return nil })},
			member{"at", true, s.text(func(v string) error { return setSeen(&d, v, now) })},
			member{"outcome", false, s.text(func(v string) error { return d.Outcome.UnmarshalText([]byte(v)) })},
		)
	})
	return d, err
}

func setSeen(d *approval.Deployment, text string, now time.Time) (err error) {
	if d.At, err = parseTime(text); err == nil && d.At.After(now) {
		err = fmt.Errorf("is %q, which is in the future; expected when it was seen", text)
	}
	return err
}
