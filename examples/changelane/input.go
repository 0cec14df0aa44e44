package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/changelane/changelane/change"
)

// somethingToRead reports whether the command is given anything to read, and
// says so where somebody would have to type it.
func (c call) somethingToRead() bool {
	if len(c.files) > 0 || !isTerminal(c.stdin) {
		return true
	}
	say(c.stderr, fmt.Sprintf(`changelane: there is nothing to read; name a FILE of %ss, or "-" to type them`, c.args.what))
	return false
}

// read hands every input of the files on, in order: those that cannot be read
// with the reason why. The error is that of the output.
func (c call) read(out *bufio.Writer, one func(file string, rec record) error) error {
	files := slices.Clone(c.files)
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, file := range files {
		if err := c.readFile(file, out, one); err != nil {
			return err
		}
	}
	return nil
}

func (c call) readFile(file string, out *bufio.Writer, one func(string, record) error) error {
	in, err := c.open(file)
	if file == "-" {
		file = "stdin"
	}
	if err != nil {
		return one(file, record{err: err})
	}
	defer in.Close()
	s, empty := newSplitter(flushing{in, out}), true
	for rec, ok := s.next(); ok; rec, ok = s.next() {
		empty = false
		if err := one(file, rec); err != nil {
			return err
		}
	}
	if empty {
		return one(file, record{err: fmt.Errorf("is empty; expected a %s as JSON, one on each line", c.args.what)})
	}
	return nil
}

func (c call) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(c.stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %s; expected a file of %ss", cause(err), c.args.what)
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("is a directory; expected a file of %ss, such as %ss.jsonl in it", c.args.what, c.args.what)
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
	return !isNull(info) // a character device too, where nobody types
}

func isNull(info fs.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}

var errList = errors.New(`/: is a list; expected one change on each line ("jq -c .[]" writes a list so)`)

func isList(data []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(data), []byte{'['}) }

// decoding says how changes are decoded.
func (c call) decoding() *change.DecodeOptions { return &change.DecodeOptions{Attested: c.attested} }

// decode reads a change.
func (c call) decode(data []byte) (*change.Change, error) {
	if isList(data) {
		return nil, errList
	}
	rfc, err := change.Decode(data, c.decoding())
	return rfc, c.remedy(err)
}

// remedy says in the terms of the command what to do about a change that does
// not decode, where the library can only say it in terms of its own.
func (c call) remedy(err error) error {
	var found change.Problems
	if !errors.As(err, &found) {
		return err
	}
	switch first := &found[0]; {
	case errors.Is(err, change.ErrIncomplete):
		first.Message += "; a change is one line, or the only one in its file"
	case first.Pointer == "/attested" && !c.attested:
		first.Message = "is not for a requester to say; leave it out, or give the flag -attested where the input comes from a party that may attest"
	}
	return found
}
