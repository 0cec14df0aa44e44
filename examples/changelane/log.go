package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

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
	Waiting   int64 `json:"waiting"` // events that are not in the log yet
	Size      int64 `json:"size"`
}

// tick lapses what is over, and signs the log where it is given a key.
func tick(c call) int {
	return atDesk(c, writes, func(s *session) {
		lapsed, log, err := s.tick()
		left := errors.Is(err, errLeased)
		if err != nil && !left {
			s.refuse("", err)
			return
		}
		if left && log.Waiting > 0 && s.sequenced == 0 {
			say(s.stderr, fmt.Sprintf("changelane: events wait for a place in the log (%d), and none was put there: %s", log.Waiting, err))
			s.status = max(s.status, exitUnreachable)
		}
		s.tell(tickLine{lapsed, s.sequenced, log.Waiting, log.Size})
	})
}

func (s *session) tick() (lapsed int, log audit.LogState, err error) {
	ctx, cancel := s.limit()
	defer cancel()
	did, err := s.desk.Tick(ctx)
	if err == nil && s.key != nil {
		err = s.signLog()
	}
	// However little time is left, what there is is told.
	ctx, cancel = s.limit()
	defer cancel()
	log, failed := s.store.Log(ctx, tenant, nil)
	if failed != nil {
		err = failed
	}
	return did.Lapsed, log, err
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
		return fmt.Errorf("%s: is there already, and is never overwritten; expected the name of a new file", file)
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
	v, ok := c.verifier()
	if !ok {
		return exitUsage
	}
	return withStore(c, func(store audit.Store) int {
		ctx, cancel := c.limit()
		defer cancel()
		log, err := store.Log(ctx, tenant, nil)
		switch {
		case err != nil:
			say(c.stderr, c.store+": "+inWords(err))
			return exitUnreachable
		case log.Checkpoint == nil:
			say(c.stderr, c.store+`: has no checkpoint; "changelane tick -sign FILE" makes one`)
			return exitFound
		case !isCheckpoint(log.Checkpoint):
			say(c.stderr, c.store+": what stands in the place of its last checkpoint is none, and is not shown; somebody has changed the record")
			return exitFound
		}
		if v != nil {
			if _, err := audit.OpenCheckpoint(log.Checkpoint, v); err != nil {
				say(c.stderr, c.store+": its last checkpoint "+misfit(log.Checkpoint, v))
				return exitFound
			}
		}
		if _, err := c.stdout.Write(log.Checkpoint); err != nil {
			return lost(c, err)
		}
		return exitDone
	})
}

// checkpoints have the form of c2sp.org/tlog-checkpoint, without extensions.
var checkpoints = regexp.MustCompile(`^[^\n ]+\n(0|[1-9][0-9]{0,18})\n[A-Za-z0-9+/]{43}=\n\n(— [^\n ]+ [A-Za-z0-9+/]+={0,2}\n)+$`)

// isCheckpoint reports whether something may be shown as a checkpoint: it moves
// no cursor.
func isCheckpoint(data []byte) bool {
	odd := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	return checkpoints.Match(data) && utf8.Valid(data) && !bytes.ContainsFunc(data, odd)
}

// verifyTimeout is how long verify may take, which reads all there is.
const verifyTimeout = 10 * time.Minute

// verify checks the record offline: it needs the store, and the public key and
// the checkpoints that were kept elsewhere.
func verify(c call) int {
	c.timeout = cmp.Or(c.timeout, verifyTimeout)
	options := &audit.VerifyOptions{Rebuild: desk.Rebuild()}
	var ok bool
	if options.Verifier, ok = c.verifier(); !ok {
		return exitUsage
	}
	for _, file := range c.known {
		data, err := readShort(file)
		if err != nil {
			say(c.stderr, fmt.Sprintf("%s: cannot be read: %s; expected a checkpoint that \"changelane checkpoint\" has printed", file, cause(err)))
			return exitUsage
		}
		if _, err := audit.OpenCheckpoint(data, options.Verifier); c.key != "" && err != nil {
			say(c.stderr, file+": "+misfit(data, options.Verifier))
		}
		options.Known = append(options.Known, data)
	}
	return withStore(c, func(store audit.Store) int {
		ctx, cancel := c.limit()
		defer cancel()
		report, err := audit.Verify(ctx, store, tenant, options)
		switch {
		case errors.Is(err, audit.ErrTampered):
			say(c.stderr, c.store+": "+err.Error())
			return exitFound
		case errors.Is(err, context.DeadlineExceeded):
			say(c.stderr, fmt.Sprintf("%s: is not verified: that takes longer than %v; give it longer with -timeout", c.store, c.timeout))
			return exitUnreachable
		case err != nil:
			say(c.stderr, c.store+": cannot be verified: "+inWords(err))
			return exitUnreachable
		}
		if c.key != "" && !report.Authenticated {
			c.sayWhose(ctx, store, options.Verifier)
		}
		return c.show(report)
	})
}

// sayWhose says who has signed a log that the key does not open.
func (c call) sayWhose(ctx context.Context, store audit.Store, v note.Verifier) {
	if log, err := store.Log(ctx, tenant, nil); err == nil && log.Checkpoint != nil {
		say(c.stderr, c.store+": its last checkpoint "+misfit(log.Checkpoint, v))
	}
}

// show prints what verify has found.
func (c call) show(report audit.Report) int {
	for line := range strings.Lines(report.String()) {
		if _, err := fmt.Fprintln(c.stdout, plain(strings.TrimSuffix(line, "\n"), len(line))); err != nil {
			return lost(c, err)
		}
	}
	if !report.OK() {
		return exitFound
	}
	return exitDone
}

// verifier is the public key of the log, if it is given; not ok when it cannot
// be read, which is then said.
func (c call) verifier() (v note.Verifier, ok bool) {
	if c.key == "" {
		return nil, true
	}
	v, err := readVerifier(c.key)
	if err != nil {
		say(c.stderr, err.Error())
		return nil, false
	}
	return v, true
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
