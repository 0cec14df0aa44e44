package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// strict reads JSON member by member: names exactly as they are expected, and
// each once. Package encoding/json by itself takes names in any case, and the
// last of several.
type strict struct {
	data    []byte
	d       *json.Decoder
	pointer []string
}

// member is a member of an object.
type member struct {
	name string
	must bool
	read func() error
}

// readStrict reads one JSON value. The error is change.Problems.
func readStrict(data []byte, read func(*strict) error) error {
	data = bytes.TrimPrefix(data, byteOrderMark)
	s := &strict{data: data, d: json.NewDecoder(bytes.NewReader(data))}
	var whole json.RawMessage
	var syntax *json.SyntaxError
	err := json.Unmarshal(data, &whole)
	switch {
	case !utf8.Valid(data):
		return s.fail("is not text in UTF-8")
	case errors.As(err, &syntax):
		return s.failAt(syntax.Offset, "is not JSON: "+syntax.Error())
	case err != nil:
		return s.fail("is not JSON: %v", err)
	}
	return read(s)
}

func (s *strict) fail(format string, args ...any) error {
	return s.failAt(s.d.InputOffset(), fmt.Sprintf(format, args...))
}

func (s *strict) failAt(offset int64, message string) error {
	line := 1 + bytes.Count(s.data[:min(int(offset), len(s.data))], []byte{'\n'})
	return change.Problems{{Pointer: strings.Join(s.pointer, ""), Line: line, Message: message}}
}

// within reads what is under a name or an index.
func (s *strict) within(step string, read func() error) error {
	s.pointer = append(s.pointer, "/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	if err := read(); err != nil {
		return err
	}
	s.pointer = s.pointer[:len(s.pointer)-1]
	return nil
}

// open reads the beginning of an object or a list.
func (s *strict) open(with json.Delim, what string) error {
	t, err := s.d.Token()
	switch {
	case errors.Is(err, io.EOF):
		return s.fail("is empty; expected %s", what)
	case err != nil:
		return s.fail("is not JSON: %v", err)
	case t != with:
		return s.fail("is no %s", what)
	}
	return nil
}

// object reads an object with these members.
func (s *strict) object(members ...member) error {
	if err := s.open('{', "object"); err != nil {
		return err
	}
	var seen []string
	for s.d.More() {
		t, err := s.d.Token()
		if err != nil {
			return s.fail("is not JSON: %v", err)
		}
		name := fmt.Sprint(t)
		i := slices.IndexFunc(members, func(m member) bool { return m.name == name })
		switch {
		case i < 0:
			return s.fail("has an unknown field %q; expected %s%s", name, either(names(members)), hint(name, names(members)))
		case slices.Contains(seen, name):
			return s.fail("has the field %q twice; keep one", name)
		}
		seen = append(seen, name)
		if err := s.within(name, members[i].read); err != nil {
			return err
		}
	}
	for _, m := range members {
		if m.must && !slices.Contains(seen, m.name) {
			return s.fail("is missing the field %q", m.name)
		}
	}
	return s.close()
}

func names(members []member) []string {
	out := make([]string, len(members))
	for i, m := range members {
		out[i] = m.name
	}
	return out
}

// list reads a list.
func (s *strict) list(item func(i int) error) error {
	if err := s.open('[', "list"); err != nil {
		return err
	}
	for i := 0; s.d.More(); i++ {
		if err := s.within(strconv.Itoa(i), func() error { return item(i) }); err != nil {
			return err
		}
	}
	return s.close()
}

func (s *strict) close() error {
	if _, err := s.d.Token(); err != nil {
		return s.fail("is not JSON: %v", err)
	}
	return nil
}

// text reads a text and hands it on.
func (s *strict) text(use func(string) error) func() error {
	return func() error {
		t, err := s.d.Token()
		text, ok := t.(string)
		if err != nil || !ok {
			return s.fail("is no text")
		}
		if err := use(text); err != nil {
			return s.fail("%v", err)
		}
		return nil
	}
}
