package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// proofLine is an event with the proof that it is in the log. The openings of
// personal data are not part of it.
type proofLine struct {
	Event string `json:"event"` // base64 of its bytes
	Proof string `json:"proof"` // as audit.FormatProof writes it
}

// prove prints a line for each event of a case, for somebody who has the public
// key and nothing else.
func prove(c call) int {
	return withStore(c, func(store audit.Store) int {
		s := &session{call: c, out: bufio.NewWriter(c.stdout)}
		if err := s.prove(store); err != nil {
			s.refuse(c.id, err)
		}
		if err := errors.Join(s.err, s.out.Flush()); err != nil {
			return max(s.status, lost(c, err))
		}
		return s.status
	})
}

func (s *session) prove(store audit.Store) error {
	ctx, cancel := s.limit()
	defer cancel()
	key := audit.Key{Tenant: tenant, Kind: desk.KindCase, ID: s.id}
	loaded, err := store.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{key}, Events: true})
	if err != nil {
		return err
	}
	if loaded.Records[0].Version == 0 {
		return fmt.Errorf("%q: no case has this id: %w", s.id, audit.ErrNotFound)
	}
	for _, e := range loaded.Events[0] {
		if e.Index < 0 {
			s.status = max(s.status, exitWaiting)
			say(s.stderr, fmt.Sprintf("%s: event %d is not in the log yet; \"changelane tick -sign FILE\" puts it there", s.id, e.Seq))
			continue
		}
		p, err := audit.Prove(ctx, store, tenant, e.Index)
		if errors.Is(err, audit.ErrNotFound) { // which is no answer to what was asked
			err = fmt.Errorf("a part of the log is missing: %v; \"changelane verify\" says more", err)
		}
		if err != nil {
			return err
		}
		s.tell(proofLine{base64.StdEncoding.EncodeToString(e.Leaf.Data), string(audit.FormatProof(p))})
	}
	return nil
}

// provenLine is what a proof shows.
type provenLine struct {
	ID       string    `json:"id"` // of the case
	Seq      uint64    `json:"seq"`
	Type     string    `json:"type"`
	Recorded time.Time `json:"recorded"`
	Index    int64     `json:"index"`
	Log      string    `json:"log"`
	Size     int64     `json:"size"` // of the log under the checkpoint
}

// checkProof checks lines of prove. It needs no store.
func checkProof(c call) int {
	v, err := readVerifier(c.key)
	if err != nil {
		say(c.stderr, err.Error())
		return exitUsage
	}
	if !c.somethingToRead() {
		return exitUsage
	}
	s := &session{call: c, out: bufio.NewWriter(c.stdout)}
	s.eachInput(func(data []byte) error {
		shown, err := proven(data, v)
		if err == nil {
			s.tell(shown)
		}
		return err
	})
	if err := errors.Join(s.err, s.out.Flush()); err != nil {
		return max(s.status, lost(c, err))
	}
	return s.status
}

func proven(data []byte, v note.Verifier) (provenLine, error) {
	var leaf []byte
	var p audit.Proof
	err := readStrict(data, func(s *strict) error {
		return s.object(
			member{"event", true, s.text(func(v string) (err error) { leaf, err = base64.StdEncoding.Strict().DecodeString(v); return err })},
			member{"proof", true, s.text(func(v string) (err error) { p, err = audit.ParseProof([]byte(v)); return err })},
		)
	})
	if err != nil {
		return provenLine{}, err
	}
	if _, err := audit.OpenCheckpoint(p.Checkpoint, v); err != nil {
		return provenLine{}, errors.New("the checkpoint in the proof " + misfit(p.Checkpoint, v))
	}
	checkpoint, err := p.Check(leaf, v)
	if err != nil {
		return provenLine{}, err
	}
	e, err := audit.ParseEvent(leaf)
	if err != nil {
		return provenLine{}, err
	}
	return provenLine{e.Key.ID, e.Seq, e.Type, e.Recorded, p.Index, checkpoint.Origin, checkpoint.Size}, nil
}
