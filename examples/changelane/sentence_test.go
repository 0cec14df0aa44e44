package main

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// FuzzPlain: no text makes more than one line, moves a cursor or grows without
// bound (INV-40), and harmless text stays as it is.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"", "plain", "two\nlines", "\x1b[2J", "\u202egnp.exe", "\xff\xfe", "caf\u00e9 \u2603", "'", strings.Repeat("a", 700)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := plain(text, maxSentence)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(got) || len(got) > 10*maxSentence+len("…") {
			t.Fatalf("%q gives %q", text, got)
		}
		harmless := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
		if harmless && utf8.RuneCountInString(text) <= maxSentence && got != text {
			t.Fatalf("%q gives %q", text, got)
		}
	})
}

func TestSentence(t *testing.T) {
	long := change.Problem{Pointer: "/" + strings.Repeat("k", 500), Line: 3, Message: "is wrong"}
	for _, test := range []struct {
		line int
		err  error
		want string
	}{
		{0, errors.New("is empty"), "f: is empty"},
		{7, errors.New("is empty"), "f:7: is empty"},
		{7, change.Problems{{Message: "is wrong"}}, "f:7: /: is wrong"},
		{7, change.Problems{{Pointer: "/a/b", Line: 3, Message: "is wrong"}, long}, "f:9: /a/b: is wrong (and 1 more)"},
		{1, change.Problems{long}, "f:3: /" + strings.Repeat("k", maxPointer-1) + "…: is wrong"},
		{1, change.Problems{{Pointer: "/a\n", Message: "is \x1b wrong"}}, `f:1: /a\n: is \x1b wrong`},
		{1, change.Problems{{Message: strings.Repeat("x", 700)}, long}, "f:1: /: " + strings.Repeat("x", maxSentence-21) + "… (and 1 more)"},
	} {
		if got := sentence("f", test.line, test.err); got != test.want {
			t.Errorf("%s, expected %s", got, test.want)
		}
	}
}

func TestHint(t *testing.T) {
	known := []string{"classify", "explain", "lint", "test"}
	for word, want := range map[string]string{
		"clasify": "classify", "explian": "explain", "lnit": "lint", "tests": "test", "Lint": "lint", "deploy": "", "": "", "x": "",
	} {
		if want != "" {
			want = `; did you mean "` + want + `"?`
		}
		if got := hint(word, known); got != want {
			t.Errorf("%q: %q, expected %q", word, got, want)
		}
	}
}

func TestIDOf(t *testing.T) {
	for input, want := range map[string]string{
		`{"id":"CHG-1"}`:                 "CHG-1",
		`{"a":[{"id":"x"}],"id":"b"}`:    "b",
		`{"id":"CHG-1","id":"CHG-1"}`:    "",
		`{"id":"CHG-1","ID":"CHG-2"}`:    "",
		`{"ID":5,"id":"CHG-2"}`:          "",
		`{"id":"CHG-1"`:                  "",
		`{"id":5}`:                       "",
		`{"id":null}`:                    "",
		`{"id":"a b"}`:                   "",
		`{"id":"a\n"}`:                   "",
		`{"\u0069d":"CHG-3"}`:            "CHG-3",
		`["id","CHG-1"]`:                 "",
		`{"a":{"id":"CHG-1"}}`:           "",
		`{"id":"` + longID(129) + `"}`:   "",
		`{"id":"` + longID(128) + `"}`:   longID(128),
		"\n{\n\"id\":\n\"CHG-4\"\n}\n":   "CHG-4",
		`{"id":"CHG-1"}{"id":"CHG-2"}`:   "",
		`{"id":"CHG-1"} `:                "CHG-1",
		"{\"id\":\"CHG\xff\"}":           "",
		`{"id":{"id":"CHG-1"}}`:          "",
		`{"requester":{"id":"x|alice"}}`: "",
	} {
		if got := idOf([]byte(input)); got != want {
			t.Errorf("%s: %q, expected %q", input, got, want)
		}
	}
}

func longID(n int) string { return strings.Repeat("a", n) }
