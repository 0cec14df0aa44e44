package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

// session is a command at work on a store.
type session struct {
	call
	desk *desk.Desk
	out  *bufio.Writer

	status int
	err    error // of the output; it sticks
	ticked bool
}

// access is what a command does with the store.
type access int

const (
	reads  access = iota // changes nothing
	writes               // changes what is there
	begins               // makes the store when there is none
)

// atDesk does something at the desk, and signs the log where that is wished.
func atDesk(c call, a access, do func(*session)) int {
	policy, ok := load(c)
	if !ok {
		return exitUsage
	}
	options := &desk.Options{Now: c.now}
	if err := c.signing(options); err != nil {
		say(c.stderr, err.Error())
		return exitUsage
	}
	s := &session{call: c, out: bufio.NewWriter(c.stdout)}
	if err := s.work(a, policy, options, do); err != nil {
		s.refuse(c.id, err)
	}
	if err := errors.Join(s.err, s.out.Flush()); err != nil {
		return max(s.status, lost(c, err))
	}
	return s.status
}

// work opens all that is needed, and lets the command work. The error is why
// it could not.
func (s *session) work(a access, policy *approval.Policy, options *desk.Options, do func(*session)) error {
	who, err := s.directory()
	if err != nil {
		return err
	}
	store, err := s.openStore(a)
	if err != nil {
		return err
	}
	// What was committed is durable, however the store closes.
	defer store.Close()
	if s.desk, err = desk.New(store, policy, who, options); err != nil {
		return err
	}
	defer s.desk.Close()
	do(s)
	s.signLog()
	return nil
}

func (c call) openStore(a access) (*sqlstore.Store, error) {
	if err := c.checkStore(a); err != nil {
		return nil, err
	}
	ctx, cancel := c.limit()
	defer cancel()
	store, err := sqlite.Open(ctx, c.store, &sqlite.Options{ReadOnly: a == reads, BusyTimeout: max(time.Millisecond, c.timeout/waits)})
	if err == nil {
		return store, nil
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // which does not say the name again
	}
	return nil, fmt.Errorf("%s: cannot be opened: %s", c.store, cause(err))
}

// withStore works on a store without a desk.
func withStore(c call, do func(audit.Store) int) int {
	store, err := c.openStore(reads)
	if err != nil {
		say(c.stderr, err.Error())
		return exitUnreachable
	}
	defer store.Close()
	return do(store)
}

// waits is how often a store waits for another process before it gives up.
const waits = 3

// limit is how long to wait for the store, from now on.
func (c call) limit() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.timeout)
}

// checkStore finds out whether there is a store: a misspelt name must not give
// an empty one, of which the answer to every question is a no.
func (c call) checkStore(a access) error {
	info, err := os.Stat(c.store)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a == begins:
		return nil
	case err != nil:
		return fmt.Errorf("%s: cannot be read: %s; expected the file of a store, which submit makes", c.store, cause(err))
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no file; expected the file of a store", c.store)
	case info.Size() == 0 && a != begins:
		return fmt.Errorf("%s: is empty; expected the file of a store, which submit makes", c.store)
	}
	return nil
}

// directory is who is who; for questions that need nobody, nobody is known.
func (c call) directory() (desk.Directory, error) {
	if c.people == "" {
		return &people{}, nil
	}
	return readPeople(c.people)
}

// signing gives the desk the key that signs the log.
func (c call) signing(o *desk.Options) error {
	if c.sign == "" {
		return nil
	}
	key, err := os.Stat(c.sign)
	if err == nil {
		if store, err := os.Stat(c.store); err == nil && os.SameFile(key, store) {
			return errors.New(sameFile)
		}
	}
	text, err := readShort(c.sign)
	if err != nil {
		return fmt.Errorf("%s: cannot be read: %s; expected a key that \"changelane keys\" has made", c.sign, cause(err))
	}
	signer, err := audit.NewSigner(strings.TrimSpace(string(text)))
	if err != nil {
		// Whatever is in the file, it is not repeated.
		return fmt.Errorf("%s: is no key to sign with; expected one that \"changelane keys\" has made, and not its public part in .pub", c.sign)
	}
	o.Signer = signer
	return nil
}

// maxShort is how long a key or a checkpoint may be, in bytes.
const maxShort = 64 << 10

func readShort(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxShort+1))
	if len(text) > maxShort {
		return nil, fmt.Errorf("it is longer than %d bytes", maxShort)
	}
	return text, err
}

// tell writes a line of output.
func (s *session) tell(v any) {
	line, err := jsonLine(v)
	if err == nil {
		_, err = s.out.Write(line)
	}
	if s.err == nil {
		s.err = err
	}
}

// refuse answers what did not go well, and says why on standard error.
func (s *session) refuse(id string, err error) {
	v := judge(id, err)
	s.status = max(s.status, v.status)
	for _, r := range v.Reasons {
		say(s.stderr, strings.TrimPrefix(v.ID+": ", ": ")+v.Answer+": "+r.Text)
	}
	s.tell(v)
}

// answer tells what became of a case.
func (s *session) answer(id string, got approval.Case, err error) {
	if err != nil {
		s.refuse(id, err)
		return
	}
	s.tell(newCaseLine(got))
}
