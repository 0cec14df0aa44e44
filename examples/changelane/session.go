package main

import (
	"bufio"
	"bytes"
	"cmp"
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
	desk  *desk.Desk
	store audit.Store
	key   *logKey // nil: nothing is signed
	out   *bufio.Writer

	status    int
	err       error // of the output; it sticks
	recorded  bool  // something was, and is not signed yet
	sequenced int64 // events put into the log
}

// access is what a command does with the store.
type access int

const (
	reads  access = iota // changes nothing
	writes               // changes what is there
	begins               // makes the store where there is none, or an empty file
)

// atDesk does something at the desk, and signs the log where that is wished.
func atDesk(c call, a access, do func(*session)) int {
	policy, ok := load(c)
	if !ok {
		return exitUsage
	}
	key, err := c.readKey()
	if err != nil {
		say(c.stderr, err.Error())
		return exitUsage
	}
	s := &session{call: c, key: key, out: bufio.NewWriter(c.stdout)}
	if err := s.work(a, policy, do); err != nil {
		s.refuse(c.id, err)
	}
	if err := errors.Join(s.err, s.out.Flush()); err != nil {
		return max(s.status, lost(c, err))
	}
	return s.status
}

// work opens all that is needed, and lets the command work. The error is why
// it could not.
func (s *session) work(a access, policy *approval.Policy, do func(*session)) error {
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
	s.store = store
	if s.desk, err = desk.New(store, policy, who, &desk.Options{Now: s.now}); err != nil {
		return err
	}
	defer s.desk.Close()
	if err := s.checkLog(); err != nil {
		return err
	}
	do(s)
	s.signRest()
	return nil
}

// checkLog holds the log against the key and what it has signed, before
// anything is recorded.
func (s *session) checkLog() error {
	if s.key == nil {
		return nil
	}
	ctx, cancel := s.limit()
	defer cancel()
	return s.key.check(ctx, s.call.store, s.store)
}

// signRest signs what the command has recorded, where it has not done so
// itself. What was answered stands, so the same command again gives the same
// answer, and another try at the log.
func (s *session) signRest() {
	if s.key == nil || !s.recorded {
		return
	}
	if err := s.signLog(); err != nil {
		say(s.stderr, "changelane: what was answered is recorded, but not signed: "+inWords(err)+`; "changelane tick -sign FILE" tries again`)
		s.status = max(s.status, exitUnreachable)
	}
}

// openStore opens the store. Where another command is just making it, it is
// waited for.
func (c call) openStore(a access) (store *sqlstore.Store, err error) {
	const tries, pause = 10, 50 * time.Millisecond
	for try := range tries {
		if try > 0 {
			time.Sleep(pause)
		}
		if store, err = c.tryStore(a); err == nil || a != begins || !blank(c.store) {
			break
		}
	}
	return store, err
}

func (c call) tryStore(a access) (*sqlstore.Store, error) {
	fresh, err := c.checkStore(a)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.limit()
	defer cancel()
	store, err := sqlite.Open(ctx, c.store, &sqlite.Options{ReadOnly: a == reads, Copy: c.copied, NoCreate: !fresh,
		BusyTimeout: max(time.Millisecond, c.patience()/waits)})
	if err == nil {
		return store, nil
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // which does not say the name again
	}
	return nil, fmt.Errorf("%s: cannot be opened: %s", c.store, inWords(err))
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
	return context.WithTimeout(context.Background(), c.patience())
}

func (c call) patience() time.Duration { return cmp.Or(c.timeout, defaultTimeout) }

// checkStore finds out whether there is a store, and whether one may be made:
// a misspelt name must not give an empty one, of which the answer to every
// question is a no.
func (c call) checkStore(a access) (fresh bool, err error) {
	info, err := os.Stat(c.store)
	switch {
	case errors.Is(err, fs.ErrNotExist) && a == begins:
		return true, nil
	case err != nil:
		return false, fmt.Errorf("%s: cannot be read: %s; expected the file of a store, which submit makes", c.store, cause(err))
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s: is no file; expected the file of a store", c.store)
	case info.Size() == 0 && a != begins:
		return false, fmt.Errorf("%s: is empty; expected the file of a store, which submit makes", c.store)
	}
	return a == begins && (info.Size() == 0 || blank(c.store) && !written(c.store+"-wal")), nil
}

// blank reports whether a file is a database without a table, as another
// command leaves it for a moment that is the first to write there.
func blank(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false // opening it as a store says why
	}
	defer f.Close()
	const header = 100 // then comes the page that lists the tables
	first := make([]byte, header+5)
	_, err = io.ReadFull(f, first)
	leaf := []byte{13, 0, 0, 0, 0} // with nothing in it
	return err == nil && bytes.HasPrefix(first, []byte("SQLite format 3\x00")) && bytes.Equal(first[header:], leaf)
}

// written reports whether a file has anything in it.
func written(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() > 0
}

// directory is who is who; for questions that need nobody, nobody is known.
func (c call) directory() (desk.Directory, error) {
	if c.people == "" {
		return &people{}, nil
	}
	return readPeople(c.people)
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
	s.recorded = true
	s.tell(newCaseLine(got))
}
