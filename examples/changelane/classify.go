package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// classify answers every change with one line of JSON.
func classify(c call) int {
	return answer(c, func(w io.Writer, _ int, got approval.Classification) error {
		line, err := json.Marshal(got)
		if err != nil {
			return err
		}
		_, err = w.Write(append(line, '\n'))
		return err
	})
}

// explain answers every change in words; an empty line stands between two.
func explain(c call) int {
	return answer(c, func(w io.Writer, before int, got approval.Classification) error {
		if before > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		for line := range strings.Lines(got.Explain()) {
			if _, err := fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n"), len(line))); err != nil {
				return err
			}
		}
		return nil
	})
}

// answers are what comes of the inputs of one call.
type answers struct {
	call
	policy  *approval.Policy
	out     *bufio.Writer
	show    func(w io.Writer, before int, got approval.Classification) error
	shown   int
	refused bool
}

func answer(c call, show func(io.Writer, int, approval.Classification) error) int {
	if len(c.files) == 0 {
		if isTerminal(c.stdin) {
			say(c.stderr, `changelane: there is nothing to classify; name a FILE of changes, or "-" to type them`)
			return exitUsage
		}
		c.files = []string{"-"}
	}
	policy, ok := load(c)
	if !ok {
		return exitUsage
	}
	a := &answers{call: c, policy: policy, out: bufio.NewWriterSize(c.stdout, 64<<10), show: show}
	for _, name := range c.files {
		if err := a.file(name); err != nil {
			return lost(c, err)
		}
	}
	if err := a.out.Flush(); err != nil {
		return lost(c, err)
	}
	if a.refused {
		return exitRefused
	}
	return exitDone
}

// lost ends a call whose output cannot be written; a reader that went away
// needs no explanation.
func lost(c call, err error) int {
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.ErrClosedPipe) {
		say(c.stderr, "changelane: the output cannot be written: "+cause(err)+"; what came so far is not complete")
	}
	return exitRefused
}

// isTerminal reports whether somebody would have to type the input.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a character device too, where nobody types
	return err != nil || !os.SameFile(info, null)
}

// file answers the inputs of one file. The error is that of the output.
func (a *answers) file(name string) error {
	in, err := a.open(name)
	if name == "-" {
		name = "stdin"
	}
	if err != nil {
		return a.refuse(name, record{}, err)
	}
	defer in.Close()
	s, before := newSplitter(flushing{in, a.out}), a.shown
	for rec, ok := s.next(); ok; rec, ok = s.next() {
		if err := a.record(name, rec); err != nil {
			return err
		}
	}
	if before == a.shown {
		return a.refuse(name, record{}, errors.New("is empty; expected a change as JSON, one on each line"))
	}
	return nil
}

func (a *answers) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %s; expected a file of changes", cause(err))
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, errors.New("is a directory; expected a file of changes, such as changes.jsonl in it")
	}
	return f, nil
}

// flushing writes out what is answered before it waits for more, so that
// whoever talks to the command over pipes gets each answer in time.
type flushing struct {
	io.Reader
	out *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	// A failure sticks to the writer, which reports it at the next answer.
	_ = f.out.Flush()
	return f.Reader.Read(p)
}

// record answers one input.
func (a *answers) record(name string, rec record) error {
	if rec.err != nil {
		return a.refuse(name, rec, rec.err)
	}
	c, err := a.decode(rec.data)
	if err != nil {
		return a.refuse(name, rec, err)
	}
	got := a.policy.Classify(c, approval.Inputs{At: a.now()})
	if got.Err != nil {
		return a.refuse(name, rec, got.Err)
	}
	return a.write(got)
}

func (a *answers) decode(data []byte) (*change.Change, error) {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte{'['}) {
		return nil, errors.New(`/: is a list; expected one change on each line ("jq -c .[]" writes a list so)`)
	}
	c, err := change.Decode(data, &change.DecodeOptions{Attested: a.attested})
	return c, a.remedy(err)
}

// remedy says in the terms of the command what to do about a change that does
// not decode, where the library can only say it in terms of its own.
func (a *answers) remedy(err error) error {
	var found change.Problems
	if !errors.As(err, &found) {
		return err
	}
	switch first := &found[0]; {
	case errors.Is(err, change.ErrIncomplete):
		first.Message += "; a change is one line, or the only one in its file"
	case first.Pointer == "/attested" && !a.attested:
		first.Message = "is not for a requester to say; leave it out, or give the flag -attested where the input comes from a party that may attest"
	}
	return found
}

// refuse answers an input that cannot be classified, and says why on standard
// error as well.
func (a *answers) refuse(name string, rec record, err error) error {
	a.refused = true
	why := sentence(name, rec.line, err)
	say(a.stderr, why)
	return a.write(a.policy.Unclassified(idOf(rec.data), a.now(), errors.New(why)))
}

func (a *answers) write(got approval.Classification) error {
	err := a.show(a.out, a.shown, got)
	a.shown++
	return err
}
