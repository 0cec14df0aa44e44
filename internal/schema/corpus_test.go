package schema

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// readCorpus returns the fields of each case in a file of testdata.
func readCorpus(t testing.TB, file string, fields int) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases [][]string
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) != fields {
			t.Fatalf("%s:%d: %d fields, want %d", file, i+1, len(parts), fields)
		}
		cases = append(cases, append(parts, fmt.Sprintf("%s:%d", file, i+1)))
	}
	return cases
}

// evaluate computes a sum of string literals with repetitions.
func evaluate(t testing.TB, expression string) []byte {
	t.Helper()
	var out []byte
	for rest := expression; rest != ""; {
		literal, err := strconv.QuotedPrefix(rest)
		if err != nil {
			t.Fatalf("%q: %v", rest, err)
		}
		rest = rest[len(literal):]
		text, _ := strconv.Unquote(literal)
		times := 1
		if after, ok := strings.CutPrefix(rest, " * "); ok {
			digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
			times, _ = strconv.Atoi(digits)
			rest = after[len(digits):]
		}
		out = append(out, strings.Repeat(text, times)...)
		rest = strings.TrimPrefix(rest, " + ")
	}
	return out
}

func located(p *Problem) string { return fmt.Sprintf("%d:%d %s", p.Line, p.Column, p) }

func shown(problems []*Problem) string {
	if len(problems) == 0 {
		return "ok"
	}
	var list []string
	for _, p := range problems {
		list = append(list, located(p))
	}
	return strings.Join(list, " | ")
}

// matches reports whether got begins with want; an ellipsis in want stands for
// anything before the rest.
func matches(got, want string) bool {
	begin, end, cut := strings.Cut(want, "…")
	return strings.HasPrefix(got, begin) && (!cut || strings.HasSuffix(got, end))
}

func TestHostileDocuments(t *testing.T) {
	cases := readCorpus(t, "hostile-documents.tsv", 3)
	if len(cases) < 100 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, c := range cases {
		v, err := Parse(evaluate(t, c[2]), DocumentLimits())
		var p *Problem
		if !errors.As(err, &p) || v != nil {
			t.Errorf("%s (%s): accepted", c[3], c[0])
			continue
		}
		if got := located(p); !matches(got, c[1]) {
			t.Errorf("%s (%s):\n got %s\nwant %s", c[3], c[0], got, c[1])
		}
		if got, want := errors.Is(err, ErrIncomplete), strings.Contains(c[0], "incomplete"); got != want {
			t.Errorf("%s (%s): incomplete = %v, want %v", c[3], c[0], got, want)
		}
		if len(p.Message) > 300 {
			t.Errorf("%s: the message has %d bytes", c[3], len(p.Message))
		}
	}
}

func TestAwkwardDocuments(t *testing.T) {
	cases := readCorpus(t, "awkward-documents.tsv", 3)
	if len(cases) < 60 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, c := range cases {
		v, err := Parse(evaluate(t, c[2]), DocumentLimits())
		if err != nil {
			t.Errorf("%s (%s): %v", c[3], c[0], err)
			continue
		}
		if got := string(v.AppendCanonical(nil)); c[1] != "=" && got != c[1] {
			t.Errorf("%s (%s): canonical %s, want %s", c[3], c[0], got, c[1])
		}
	}
}

func TestHostileSchemas(t *testing.T) {
	cases := readCorpus(t, "hostile-schemas.tsv", 3)
	if len(cases) < 100 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, c := range cases {
		_, err := Compile("s.json", evaluate(t, c[2]))
		var p *Problem
		if !errors.As(err, &p) {
			t.Errorf("%s (%s): got %v, want a problem", c[3], c[0], err)
			continue
		}
		if got := located(p); !matches(got, c[1]) {
			t.Errorf("%s (%s):\n got %s\nwant %s", c[3], c[0], got, c[1])
		}
		if want := fmt.Sprintf("s.json:%d:%d: %s", p.Line, p.Column, p); err.Error() != want {
			t.Errorf("%s: error %q, want %q", c[3], err, want)
		}
	}
}

func TestAwkwardSchemas(t *testing.T) {
	cases := readCorpus(t, "awkward-schemas.tsv", 4)
	if len(cases) < 60 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, c := range cases {
		s, err := Compile("s.json", evaluate(t, c[1]))
		if err != nil {
			t.Errorf("%s (%s): %v", c[4], c[0], err)
			continue
		}
		for i, valid := range []bool{true, false} {
			if c[2+i] == "-" {
				continue
			}
			v, err := Parse(evaluate(t, c[2+i]), DocumentLimits())
			if err != nil {
				t.Fatalf("%s: %v", c[4], err)
			}
			if problems := s.Validate(v); (problems == nil) != valid {
				t.Errorf("%s (%s): %s: got %s, want valid %v", c[4], c[0], c[2+i], shown(problems), valid)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range readCorpus(t, "verdicts.tsv", 3) {
		s, err := Compile("s.json", evaluate(t, c[0]))
		if err != nil {
			t.Errorf("%s: %v", c[3], err)
			continue
		}
		v, err := Parse(evaluate(t, c[1]), DocumentLimits())
		if err != nil {
			t.Fatalf("%s: %v", c[3], err)
		}
		// The evaluator walks maps: the order must not show through.
		for range 5 {
			if got := shown(s.Validate(v)); got != c[2] {
				t.Errorf("%s:\n got %s\nwant %s", c[3], got, c[2])
				break
			}
		}
	}
}

func TestEveryKeywordIsExercised(t *testing.T) {
	var corpus strings.Builder
	for _, c := range readCorpus(t, "awkward-schemas.tsv", 4) {
		corpus.WriteString(c[1])
	}
	for _, name := range slices.Concat(keywordNames, formatNames) {
		if !strings.Contains(corpus.String(), `"`+name+`"`) {
			t.Errorf("no accepted schema uses %s", name)
		}
	}
}
