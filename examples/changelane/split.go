package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxInput is how long one change may be, in bytes: as much as change.Decode
// reads.
const maxInput = 1 << 20

var (
	errSeveral = errors.New(`/: holds several changes, each over several lines; expected one change on each line ("jq -c ." writes them so)`)
	errLarge   = fmt.Errorf("/: is longer than %d bytes before it ends; expected one change on each line, and a large one with its size in place of its files", maxInput)
)

// record is one input that gets one answer: a line, or a whole document.
type record struct {
	line int // in the file, from 1
	data []byte
	err  error // why there is no data
}

// splitter cuts an input into records, in constant memory.
//
// The input is JSON Lines, unless the first line that is not blank opens a
// value without closing it. Then up to 1 MiB is read: it is one document when it
// is one JSON value. If it is none, a later line that opens an object and stands
// no deeper than the first tells JSON Lines with a broken first line from a
// broken document.
type splitter struct {
	r       *bufio.Reader
	line    int // of the line read last
	settled bool
	ended   bool // nothing follows

	// skipping passes over the rest of a document that is too large, up to a
	// line that opens an object no deeper than indent.
	skipping bool
	indent   int
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{r: bufio.NewReaderSize(r, 64<<10)}
}

// next is the next record; false at the end.
func (s *splitter) next() (record, bool) {
	if !s.settled {
		s.settled = true
		return s.first()
	}
	for {
		rec, ok := s.nextLine()
		if s.skipping && ok && rec.err == nil && !opensObject(rec.data, s.indent) {
			continue
		}
		s.skipping = false
		return rec, ok
	}
}

// first finds out what the input is, and gives its first record.
func (s *splitter) first() (record, bool) {
	first, ok := s.nextLine()
	if !ok || first.err != nil || !staysOpen(first.data) {
		return first, ok
	}
	head := append(first.data, '\n')
	rest, err := io.ReadAll(io.LimitReader(s.r, int64(maxInput+1-len(head))))
	if err != nil {
		s.ended = true
		return record{line: first.line, err: unreadable(err)}, true
	}
	head = append(head, rest...)
	s.indent = indentOf(first.data)
	lines := slices.ContainsFunc(bytes.Split(rest, []byte{'\n'}), func(line []byte) bool { return opensObject(line, s.indent) })
	if len(head) <= maxInput {
		if values := countValues(head); values == 1 || values == 0 && !lines {
			return record{line: first.line, data: head}, true
		} else if values > 1 && !slices.ContainsFunc(bytes.Split(rest, []byte{'\n'}), isObject) {
			return record{line: first.line, err: errSeveral}, true
		}
		lines = true
	}
	// What was read is put back, to be read again line by line.
	s.r, s.line = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), s.r), 64<<10), first.line
	if !lines {
		s.skipping = true
		return record{line: first.line, err: errLarge}, true
	}
	return record{line: first.line, data: head[:len(first.data)]}, true
}

// nextLine is the next line that is not blank.
func (s *splitter) nextLine() (record, bool) {
	for !s.ended {
		rec, ok := s.readLine()
		if rec.err != nil || len(bytes.TrimLeft(rec.data, " \t\r")) > 0 {
			return rec, true
		}
		if !ok {
			break
		}
	}
	return record{}, false
}

// readLine reads one line to its end, however long, and keeps no more of it
// than may be used. It returns false at the end of the input.
func (s *splitter) readLine() (record, bool) {
	s.line++
	rec, size := record{line: s.line}, int64(0)
	for {
		part, err := s.r.ReadSlice('\n')
		size += int64(len(part))
		rec.data = append(rec.data, part[:min(len(part), maxInput+len("\r\n")-len(rec.data))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		s.ended = err != nil
		if err != nil && err != io.EOF {
			return record{line: s.line, err: unreadable(err)}, false
		}
		rec.data = bytes.TrimSuffix(bytes.TrimSuffix(rec.data, []byte{'\n'}), []byte{'\r'})
		if len(rec.data) > maxInput {
			rec = record{line: s.line, err: fmt.Errorf("/: the line is %d bytes long; expected at most %d: a large change states its size in place of its files", size, maxInput)}
		}
		return rec, !s.ended
	}
}

func unreadable(err error) error {
	return fmt.Errorf("cannot be read to its end: %s; what follows is not classified, so try again", cause(err))
}

var byteOrderMark = []byte("\ufeff")

// staysOpen reports whether the text opens an object or a list, and ends before
// that does.
func staysOpen(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, byteOrderMark), " \t\r")
	if len(text) == 0 || text[0] != '{' && text[0] != '[' {
		return false
	}
	var value json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(text)).Decode(&value), io.ErrUnexpectedEOF)
}

// countValues is how many JSON values the text is; 0 when it is not only those.
func countValues(text []byte) int {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, byteOrderMark)))
	for n := 0; ; n++ {
		var value json.RawMessage
		switch err := d.Decode(&value); {
		case err == io.EOF:
			return n
		case err != nil:
			return 0
		}
	}
}

func indentOf(line []byte) int {
	return len(line) - len(bytes.TrimLeft(line, " \t"))
}

// opensObject reports whether the line begins an object, no deeper than indent.
// An object with a comma behind it is an item of a list.
func opensObject(line []byte, indent int) bool {
	text := bytes.TrimSpace(line)
	return len(text) > 0 && text[0] == '{' && text[len(text)-1] != ',' && indentOf(line) <= indent
}

func isObject(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(line), []byte{'{'}) && json.Valid(line)
}
