package main

import (
	"context"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// submit opens a case for every change.
func submit(c call) int {
	return eachChange(c, begins, func(ctx context.Context, s *session, rfc *change.Change) (approval.Case, error) {
		return s.desk.Submit(ctx, s.as, rfc)
	})
}

// edit gives the case of every change that content. The same content again
// changes nothing, so it needs no key.
func edit(c call) int {
	return eachChange(c, writes, func(ctx context.Context, s *session, rfc *change.Change) (approval.Case, error) {
		return s.desk.Edit(ctx, s.as, rfc, nil)
	})
}

func eachChange(c call, a access, do func(context.Context, *session, *change.Change) (approval.Case, error)) int {
	if !c.somethingToRead() {
		return exitUsage
	}
	return atDesk(c, a, func(s *session) {
		s.eachInput(func(data []byte) error {
			rfc, err := s.decode(data)
			if err != nil {
				return err
			}
			ctx, cancel := s.limit()
			defer cancel()
			got, err := do(ctx, s, rfc)
			s.answer(rfc.ID, got, err)
			return nil
		})
	})
}

// eachInput hands on every input that can be read; the error says what is
// wrong with one.
func (s *session) eachInput(do func(data []byte) error) {
	err := s.read(s.out, func(file string, rec record) error {
		err := rec.err
		if err == nil {
			err = do(rec.data)
		}
		if err != nil {
			s.refuseInput(file, rec, err)
		}
		return s.err
	})
	if s.err == nil {
		s.err = err
	}
}

// refuseInput answers an input that does not come to the desk.
func (s *session) refuseInput(file string, rec record, err error) {
	why := sentence(file, rec.line, err)
	say(s.stderr, why)
	s.status = max(s.status, exitRefused)
	s.tell(verdict{ID: idOf(rec.data), Answer: "refused", Reasons: []reason{{"invalid", why}}})
}
