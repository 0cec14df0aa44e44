package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// split is all the records of an input.
func split(r io.Reader) []record {
	var out []record
	s := newSplitter(r)
	for rec, ok := s.next(); ok; rec, ok = s.next() {
		out = append(out, rec)
	}
	return out
}

// TestSplit: where the records begin, and which are refused ("!").
func TestSplit(t *testing.T) {
	for _, test := range []struct{ name, input, want string }{
		{"nothing", "", ""},
		{"blank", "\n \r\n\t", ""},
		{"lines", "{}\n{}\n", "1 2"},
		{"no last line feed", "{}\n{}", "1 2"},
		{"CRLF and blank lines", "\r\n{}\r\n\r\n{}\r\n", "2 4"},
		{"document", "\n{\n\"a\": {\n}\n}\n", "2"},
		{"document without indents, with a whole object on a line", "{\"a\":[\n{\"b\":1}\n]}\n", "1"},
		{"indented document", "  {\n    \"a\": 1\n  }\n", "1"},
		{"broken document", "{\n  \"a\": 1,\n}\n", "1"},
		{"broken document with whole objects inside", "{\n  \"a\": [\n    {\"b\": 1}\n  ],\n}\n", "1"},
		{"document cut short", "{\n  \"a\": [\n    {\"b\": 1}\n", "1"},
		{"list", "[\n{},\n{}\n]\n", "1"},
		{"broken list", "[\n{},\n{},\n]\n", "1"},
		{"several documents", "{\n}\n{\n}\n", "1!"},
		{"document before lines", "{\n}\n{}\n", "1 2 3"},
		{"first line cut short", "{\"a\":\n{}\n{}\n", "1 2 3"},
		{"all lines cut short", "{\"a\":\n{\"a\":\n", "1 2"},
		{"first line cut short, indented", " {\"a\":\n {}\n", "1 2"},
		{"first line not JSON", "hello\n{}\nthere\n", "1 2 3"},
		{"only text", "hello\nthere\n", "1 2"},
		{"byte order mark before a document", "\ufeff{\n}\n", "1"},
		{"byte order mark before lines", "\ufeff{}\n{}\n", "1 2"},
		{"longest line", strings.Repeat("x", maxInput) + "\r\n{}\n", "1 2"},
		{"line too long", strings.Repeat("x", maxInput+1) + "\n{}\n", "1! 2"},
		{"line of spaces too long", strings.Repeat(" ", maxInput+3) + "\n{}\n", "1! 2"},
		{"longest document", "{\n" + strings.Repeat(" ", maxInput-4) + "}\n", "1"},
		{"document too long", "{\n" + strings.Repeat(" \n", maxInput/2) + "}\n", "1!"},
		{"document too long, before lines", "{\n" + strings.Repeat(" \n", maxInput/2) + "}\n{}\nx\n", "1! 524291 524292"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outline(split(strings.NewReader(test.input))); got != test.want {
				t.Errorf("%s, expected %s", got, test.want)
			}
		})
	}
}

func outline(records []record) string {
	var parts []string
	for _, rec := range records {
		n, _ := json.Marshal(rec.line)
		if rec.err != nil {
			n = append(n, '!')
		}
		parts = append(parts, string(n))
	}
	return strings.Join(parts, " ")
}

// FuzzSplit: whatever the input and however it arrives, the records are the
// same, in order, bounded, and lines of JSON are cut at line feeds.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"", "{}\n{}\n", "{\n\"a\":1\n}\n", "{\"a\":\n{}\n", "[\n{}\n", "\ufeff{\n", "\x00\n", "{\n}\n{\n}\n", "x\r\n{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		got := split(bytes.NewReader(input))
		slowly := split(iotest.OneByteReader(bytes.NewReader(input)))
		if len(got) != len(slowly) {
			t.Fatalf("%s in one piece, %s byte by byte", outline(got), outline(slowly))
		}
		last := 0
		for i, rec := range got {
			if rec.line <= last || len(rec.data) > maxInput {
				t.Fatalf("record %d at line %d behind line %d, %d bytes", i, rec.line, last, len(rec.data))
			}
			if rec.line != slowly[i].line || !bytes.Equal(rec.data, slowly[i].data) {
				t.Fatalf("%v in one piece, %v byte by byte", rec, slowly[i])
			}
			last = rec.line
		}
		if want, ok := jsonLines(input); ok && len(got) != want {
			t.Fatalf("%d records of %d lines of JSON", len(got), want)
		}
	})
}

// jsonLines counts the lines of an input of which each is JSON or blank.
func jsonLines(input []byte) (n int, ok bool) {
	for line := range bytes.Lines(input) {
		blank := len(bytes.Trim(line, " \t\r\n")) == 0
		if !blank && (!json.Valid(line) || len(line) > maxInput) {
			return 0, false
		}
		if !blank {
			n++
		}
	}
	return n, true
}
