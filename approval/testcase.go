package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/schema"
)

// TestSuite is the decision tests of a policy, read once: what they ask does not
// depend on the policy that answers.
type TestSuite struct {
	Cases    []TestCase
	Failures []TestFailure // lines that are no tests, by file
	count    int           // of the cases, those that cannot be read too
}

// TestCase is one decision test.
type TestCase struct {
	File   string
	Line   int // of what its "when" holds
	Name   string
	Unread bool           // nobody has read it yet: it is run, and shows nothing
	Change *change.Change // nil where it is refused
	Err    error          // why it is
	At     time.Time
	Base   any  // the section "change", decoded; see [encoding/json]
	Patch  any  // what the "when" holds
	timed  bool // there is a section "at"
	then   section
}

// ReadTests reads the decision tests tests/*.txt of fsys; [Policy.Test] says what
// they look like. The error is that of fsys; lines that are no tests are among the
// failures.
func ReadTests(fsys fs.FS) (TestSuite, error) {
	var out TestSuite
	files, err := fs.Glob(fsys, "tests/*.txt")
	if err != nil {
		return out, err
	}
	for _, name := range files {
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return out, fmt.Errorf("the decision tests cannot be read: %w", err)
		}
		out.join(ParseTests(name, data))
	}
	return out, nil
}

// ParseTests reads one file of decision tests, as [ReadTests] does.
func ParseTests(file string, data []byte) TestSuite {
	var out TestSuite
	r := &testReading{file: file, suite: &out}
	r.read(sections(string(data)))
	return out
}

func (s *TestSuite) join(more TestSuite) {
	s.Cases, s.Failures, s.count = append(s.Cases, more.Cases...), append(s.Failures, more.Failures...), s.count+more.count
}

// section is one part of a txtar archive; line is that of its first line of
// text. One whose heading has no closing "--" is open.
type section struct {
	name string
	line int
	text string
	open bool
}

func sections(archive string) []section {
	var out []section
	for i, text := range strings.Split(strings.ReplaceAll(archive, "\r\n", "\n"), "\n") {
		if name, ok := strings.CutPrefix(text, "-- "); ok {
			name, closed := strings.CutSuffix(name, " --")
			if !closed {
				name = strings.TrimRight(name, "- ")
			}
			out = append(out, section{strings.TrimSpace(name), i + 2, "", !closed})
		} else if len(out) > 0 {
			out[len(out)-1].text += text + "\n"
		}
	}
	return out
}

// testReading reads one file.
type testReading struct {
	file     string
	suite    *TestSuite
	base     any
	based    bool // there is a section "change" that can be read
	lacking  bool // that there is none has been said
	at       time.Time
	timed    bool     // there is a section "at"
	timeless bool     // that cannot be read, so that no case tells anything
	pending  *section // the "when" that has no "then" yet
	unread   bool     // it is one that nobody has read
	cases    []string // the names so far
}

func (t *testReading) fail(line int, in, format string, args ...any) {
	t.suite.Failures = append(t.suite.Failures, TestFailure{t.file, line, in, fmt.Sprintf(format, args...)})
}

func (t *testReading) read(parts []section) {
	if len(parts) == 0 {
		t.fail(1, "", "has no sections; expected -- change --, -- at --, and pairs of -- when ... -- and -- then --")
	}
	cases := t.suite.count
	for _, s := range parts {
		words, unread := strings.CutPrefix(s.name, "unread ")
		words, isWhen := strings.CutPrefix(words, "when ")
		if s.open {
			t.fail(s.line-1, "", "this looks like a heading without its closing --; write -- %s --", s.name)
		}
		if t.pending != nil && s.name != "then" {
			t.follow(s)
		}
		switch {
		case s.name == "change":
			t.base, t.based = t.json(s, "", "the change")
			t.lacking = !t.based // which is said already
		case s.name == "at":
			t.setTime(s)
		case isWhen && words != "":
			if slices.Contains(t.cases, words) {
				t.fail(s.line-1, words, "there is another case of this name")
			}
			t.cases = append(t.cases, words)
			t.pending, t.unread = &section{name: words, line: s.line, text: s.text}, unread
		case s.name == "then" && t.pending != nil:
			t.add(*t.pending, s)
			t.pending = nil
		case !s.open:
			t.fail(s.line-1, "", "the section %q is not known; expected change, at, when ..., unread when ... or then after a when", s.name)
		}
	}
	if t.pending != nil {
		t.fail(t.pending.line, t.pending.name, "a -- then -- must follow its -- when --")
	}
	if len(parts) > 0 && cases == t.suite.count {
		t.fail(1, "", "has no case: a pair of -- when ... -- and -- then --")
	}
}

// follow reports a section between a "when" and its "then".
func (t *testReading) follow(s section) {
	if s.name == "change" || s.name == "at" {
		t.fail(s.line-1, t.pending.name, "a -- then -- must follow its -- when --; put the -- %s -- before the -- when --", s.name)
		return
	}
	t.fail(s.line-1, t.pending.name, "a -- then -- must follow its -- when --")
	t.pending = nil
}

func (t *testReading) setTime(s section) {
	t.timed = true
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(s.text))
	t.timeless = err != nil
	if err != nil {
		t.fail(s.line, "", "%q is not a time such as 2026-11-23T10:00:00Z", strings.TrimSpace(s.text))
	}
	t.at = at
}

// add reads one case.
func (t *testReading) add(when, then section) {
	t.suite.count++
	if !t.based {
		if !t.lacking {
			t.fail(when.line-1, when.name, "there is no change that this could be about; add a section -- change -- with a change as JSON before this case")
		}
		t.lacking = true
		return
	}
	var patch any = map[string]any{}
	if strings.TrimSpace(when.text) != "" {
		var ok bool
		if patch, ok = t.json(when, when.name, "the patch"); !ok {
			return
		}
	}
	if t.timeless {
		return
	}
	merged, err := json.Marshal(merge(t.base, patch))
	if err != nil {
		t.fail(when.line, when.name, "%v", err)
		return
	}
	c := TestCase{File: t.file, Line: when.line, Name: when.name, Unread: t.unread, At: t.at, Base: t.base, Patch: patch, timed: t.timed, then: then}
	c.Change, c.Err = change.Decode(merged, &change.DecodeOptions{Attested: true})
	t.suite.Cases = append(t.suite.Cases, c)
}

// json reads a section strictly: a member that stands twice would silently
// take the place of the other.
func (t *testReading) json(s section, in, what string) (any, bool) {
	tree, err := schema.Parse([]byte(s.text), schema.DocumentLimits())
	if err == nil {
		return tree.Any(), true
	}
	line, message := s.line, err.Error()
	if p, ok := errors.AsType[*schema.Problem](err); ok {
		line += p.Line - 1
	}
	t.fail(line, in, "%s is not strict JSON: %s", what, message)
	return nil, false
}

// merge applies a JSON merge patch (RFC 7386).
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	old, ok := target.(map[string]any)
	out := make(map[string]any, len(old)+len(changes))
	if ok {
		for k, v := range old {
			out[k] = v
		}
	}
	for k, v := range changes {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = merge(out[k], v)
		}
	}
	return out
}
