package main

import (
	"bufio"
	"bytes"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/iotest"
)

// split reads tokens from a reader, as the log of a repository does.
func split(r io.Reader, size int) iter.Seq2[[]byte, error] {
	read := tokens{in: bufio.NewReaderSize(r, size)}
	return func(yield func([]byte, error) bool) {
		for {
			token, err := read.next()
			if err == io.EOF || !yield(token, err) || err != nil {
				return
			}
		}
	}
}

// TestTokens compares with strings.Split, over readers that give one byte at a
// time and a buffer that every token overflows.
func TestTokens(t *testing.T) {
	long := strings.Repeat("y", maxToken+10)
	text := strings.Join([]string{"", "a", long, strings.Repeat("x", 40), "end"}, "\x00")
	var got []string
	for token, err := range split(iotest.OneByteReader(strings.NewReader(text)), 16) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(token))
	}
	want := strings.Split(text, "\x00")
	want[2] = want[2][:maxToken]
	if strings.Join(got, "\x00") != strings.Join(want, "\x00") || len(got) != len(want) {
		t.Errorf("got %d tokens, want %d", len(got), len(want))
	}
}

func TestServiceName(t *testing.T) {
	for path, want := range map[string]string{
		"README": topLevel, "src/a": "src", "Src/a": "src", ".github/x": "github", "--all/x": "all", "é/x": theRest,
		"my folder/x": "my-folder", strings.Repeat("x", 99) + "/a": strings.Repeat("x", 64), "/a": theRest,
	} {
		if got := serviceName(path); got != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
}

// FuzzCommits: whatever git might write, reading it ends, and no list is
// longer than a change can hold.
func FuzzCommits(f *testing.F) {
	f.Add([]byte("commit 12\n1\n\na@b\x00\n1\t2\tname\x00-\t-\tpicture\x00commit 13\n2\n12\n\x00"))
	f.Add([]byte("1\t2\torphan\x00commit"))
	f.Add([]byte("commit \x00\n9999999999999999999999\t-1\t\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		heads := bytes.Count(data, []byte("commit "))
		n := 0
		for c, err := range commits(split(bytes.NewReader(data), 16)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if c.touched < len(c.files) || c.binary > c.touched {
				t.Errorf("%d files touched, %d listed, %d binary", c.touched, len(c.files), c.binary)
			}
			if name := c.service(); name == "" || len(name) > 64 {
				t.Errorf("service %q", name)
			}
		}
		if n > heads {
			t.Errorf("%d commits of %d headers", n, heads)
		}
	})
}
