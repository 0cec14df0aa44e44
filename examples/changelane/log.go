package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// tenant is whose record a store keeps: the command knows one.
const tenant = "default"

// tickLine is the answer to a tick.
type tickLine struct {
	Lapsed    int   `json:"lapsed"`
	Sequenced int64 `json:"sequenced"`
	Size      int64 `json:"size"`
}

func tick(c call) int {
	return atDesk(c, writes, func(s *session) {
		did, err := s.tick()
		if err != nil {
			s.refuse("", err)
			return
		}
		s.tell(tickLine{did.Lapsed, did.Sequenced, did.Size})
	})
}

func (s *session) tick() (desk.Ticked, error) {
	s.ticked = true
	ctx, cancel := s.limit()
	defer cancel()
	return s.desk.Tick(ctx)
}

// signLog puts what the command has written into the log, where it is given a
// key. What was answered is recorded in any case, so the same command again
// gives the same answer, and another try at the log.
func (s *session) signLog() {
	if s.sign == "" || s.ticked {
		return
	}
	if _, err := s.tick(); err != nil {
		say(s.stderr, "changelane: what was answered is recorded, but not signed: "+err.Error()+`; "changelane tick" tries again`)
		s.status = max(s.status, exitUnreachable)
	}
}

// keys makes a signing key and its public part, each in a file of its own.
func keys(c call) int {
	signing, verifying, err := audit.GenerateKey(c.name)
	if err != nil {
		say(c.stderr, "changelane: "+err.Error())
		return exitUsage
	}
	if err := writeNew(c.out, signing+"\n", 0o600); err != nil {
		say(c.stderr, err.Error())
		return exitRefused
	}
	if err := writeNew(c.out+".pub", verifying+"\n", 0o644); err != nil {
		say(c.stderr, err.Error())
		// Without its public part nobody could use it.
		if err := os.Remove(c.out); err != nil {
			say(c.stderr, c.out+": cannot be removed again: "+cause(err))
		}
		return exitRefused
	}
	if _, err := fmt.Fprintln(c.stdout, verifying); err != nil {
		return lost(c, err)
	}
	return exitDone
}

// writeNew writes a file that does not exist yet, to the disk.
func writeNew(file, text string, mode fs.FileMode) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: is there already, and a key is never overwritten; expected the name of a new file", file)
	}
	if err == nil {
		_, err = io.WriteString(f, text)
		err = errors.Join(err, f.Sync(), f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: cannot be written: %s", file, cause(err))
	}
	return nil
}

// checkpoint prints the last checkpoint as it was signed.
func checkpoint(c call) int {
	return withStore(c, func(store audit.Store) int {
		ctx, cancel := c.limit()
		defer cancel()
		log, err := store.Log(ctx, tenant, nil)
		switch {
		case err != nil:
			say(c.stderr, c.store+": "+err.Error())
			return exitUnreachable
		case log.Checkpoint == nil:
			say(c.stderr, c.store+`: has no checkpoint; "changelane tick -sign FILE" makes one`)
			return exitFound
		}
		if _, err := c.stdout.Write(log.Checkpoint); err != nil {
			return lost(c, err)
		}
		return exitDone
	})
}

// verify checks the record offline: it needs the store, and the public key and
// the checkpoints that were kept elsewhere.
func verify(c call) int {
	options := &audit.VerifyOptions{Rebuild: desk.Rebuild()}
	var err error
	if c.key != "" {
		if options.Verifier, err = readVerifier(c.key); err != nil {
			say(c.stderr, err.Error())
			return exitUsage
		}
	}
	for _, file := range c.known {
		data, err := readShort(file)
		if err != nil {
			say(c.stderr, fmt.Sprintf("%s: cannot be read: %s; expected a checkpoint that \"changelane checkpoint\" has printed", file, cause(err)))
			return exitUsage
		}
		options.Known = append(options.Known, data)
	}
	return withStore(c, func(store audit.Store) int {
		// However long it takes, once the store is open.
		report, err := audit.Verify(context.Background(), store, tenant, options)
		if err != nil {
			say(c.stderr, c.store+": cannot be verified: "+err.Error())
			return exitUnreachable
		}
		for line := range strings.Lines(report.String()) {
			if _, err := fmt.Fprintln(c.stdout, plain(strings.TrimSuffix(line, "\n"), len(line))); err != nil {
				return lost(c, err)
			}
		}
		if !report.OK() {
			return exitFound
		}
		return exitDone
	})
}

func readVerifier(file string) (note.Verifier, error) {
	text, err := readShort(file)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %s; expected the public key of the log", file, cause(err))
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: is no public key; expected the file in .pub that \"changelane keys\" has made", file)
	}
	return v, nil
}
