package policyfile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// page writes a file and remembers where each character of a scalar's text
// came to stand: the oracle for Within, which works the other way round.
type page struct {
	text         strings.Builder
	line, column int
	places       []Pos // of the characters of the scalar, in order
	newline      string
}

func newPage(crlf bool) *page {
	p := &page{line: 1, column: 1, newline: "\n"}
	if crlf {
		p.newline = "\r\n"
	}
	return p
}

func (p *page) write(s string) {
	for _, r := range s {
		if r == '\n' {
			p.text.WriteString(p.newline)
			p.line, p.column = p.line+1, 1
			continue
		}
		p.text.WriteRune(r)
		p.column++
	}
}

// scalar writes characters that stand for one character of the text.
func (p *page) scalar(s string) {
	p.places = append(p.places, Pos{"f", p.line, p.column})
	p.write(s)
}

// words makes a text of words that is safe in every style.
func words(rng *rand.Rand, alphabet string) string {
	letters := []rune(alphabet)
	list := make([]string, 1+rng.IntN(6))
	for i := range list {
		word := "a"
		for range rng.IntN(6) {
			word += string(letters[rng.IntN(len(letters))])
		}
		list[i] = word
	}
	return strings.Join(list, " ")
}

// styles write text as the value of a field that is indented by two spaces;
// each gives the text that YAML makes of it. Fold turns some spaces into line
// breaks.
var styles = map[string]func(p *page, rng *rand.Rand, text string, fold bool) string{
	"plain": func(p *page, rng *rand.Rand, text string, fold bool) string {
		p.folding(rng, text, fold, func(r rune) { p.scalar(string(r)) })
		return text
	},
	"single": func(p *page, rng *rand.Rand, text string, fold bool) string {
		p.write("'")
		p.folding(rng, text, fold, func(r rune) { p.scalar(strings.ReplaceAll(string(r), "'", "''")) })
		p.write("'")
		return text
	},
	"double": func(p *page, rng *rand.Rand, text string, fold bool) string {
		p.write(`"`)
		p.folding(rng, text, fold, func(r rune) {
			if fold && r != ' ' && rng.IntN(8) == 0 {
				p.write("\\\n     ")
			}
			switch n := rng.IntN(8); {
			case r == '"' || r == '\\':
				p.scalar(`\` + string(r))
			case n == 0 && r <= 0xFF:
				p.scalar(fmt.Sprintf(`\x%02x`, r))
			case n == 1 && r <= 0xFFFF:
				p.scalar(fmt.Sprintf(`\u%04X`, r))
			case n == 2:
				p.scalar(fmt.Sprintf(`\U%08x`, r))
			default:
				p.scalar(string(r))
			}
		})
		p.write(`"`)
		return text
	},
	"literal": func(p *page, rng *rand.Rand, text string, fold bool) string {
		p.write("| # a comment\n    ")
		out := ""
		for _, r := range text {
			if fold && r == ' ' && rng.IntN(2) == 0 {
				p.scalar("\n    ")
				out += "\n"
				continue
			}
			p.scalar(string(r))
			out += string(r)
		}
		return out + "\n"
	},
	"folded": func(p *page, rng *rand.Rand, text string, fold bool) string {
		p.write(">\n     ")
		p.folding(rng, text, fold, func(r rune) { p.scalar(string(r)) })
		return text + "\n"
	},
}

func (p *page) folding(rng *rand.Rand, text string, fold bool, put func(rune)) {
	for _, r := range text {
		if fold && r == ' ' && rng.IntN(2) == 0 {
			p.scalar("\n     ")
			continue
		}
		put(r)
	}
}

func TestWithinFindsEveryCharacter(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabets := map[string]string{
		"plain": "ab(é界😀'\"=\\.)", "single": "ab'\"#:,é界😀\\{}[]!*&", "double": "ab'\"#:,é界😀\\{}[]!*&",
		"literal": "ab'\"#:,é界😀\\{}[]!*&", "folded": "ab'\"#:,é界😀\\{}[]!*&",
	}
	for name, write := range styles {
		for round := range 400 {
			flow := round%4 == 0 && name != "literal" && name != "folded"
			p := newPage(round%2 == 0)
			text := words(rng, alphabets[name])
			before, after := "# é\n- id: x\n  when: ", "\n- id: y\n"
			if flow {
				before, after = "# é\n- {id: x, when: ", ", because: z}\n"
			}
			p.write(before)
			start := Pos{"f", p.line, p.column}
			want := write(p, rng, text, round%3 == 0)
			p.write(after)
			source := p.text.String()

			var errs Errors
			root := Parse("f", []byte(source), &errs)
			if errs.Len() > 0 {
				t.Fatalf("%s: %v\n%s", name, errs.All(), source)
			}
			n := root.Items[0].Fields[1].Value
			if n.Text != want || n.Pos != start || n.Quoted != (name != "plain") {
				t.Fatalf("%s: %v %q quoted %v, want %v %q\n%s", name, n.Pos, n.Text, n.Quoted, start, want, source)
			}
			checkWithin(t, n, p.places, name != "double" && round%3 != 0, source)
		}
	}
}

// checkWithin compares each character of the text with the place where it was
// written. White space that the file breaks or escapes may be shown anywhere
// between its neighbours, unless exact.
func checkWithin(t *testing.T, n *Node, places []Pos, exact bool, source string) {
	t.Helper()
	line, column := 1, 1
	for i, r := range []rune(n.Text) {
		if i == len(places) {
			break // the line break that ends a block
		}
		got := n.Within(line, column)
		between := !exact && isSpace(r) && got.compare(places[i-1]) > 0 && got.compare(places[i]) <= 0
		if got != places[i] && !between {
			t.Fatalf("Within(%d, %d) = %v, want %v, for %q of %q in\n%s", line, column, got, places[i], r, n.Text, source)
		}
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
}

func TestWithinOutside(t *testing.T) {
	var errs Errors
	root := Parse("f", []byte("- 'ab c'\n- |\n   x\n\n   y\n- [a]\n-  z"), &errs)
	if errs.Len() > 0 {
		t.Fatal(errs.All())
	}
	quoted, block, list, last := root.Items[0], root.Items[1], root.Items[2], root.Items[3]
	for _, c := range []struct {
		n            *Node
		line, column int
		want         string
	}{
		{quoted, 1, 1, "f:1:4"}, {quoted, 1, 3, "f:1:6"}, {quoted, 1, 4, "f:1:7"}, {quoted, 1, 5, "f:1:8"}, {quoted, 1, 99, "f:1:8"},
		{quoted, 9, 1, "f:1:8"}, {quoted, 0, 0, "f:1:4"}, {quoted, -5, -5, "f:1:4"},
		{block, 1, 1, "f:3:4"}, {block, 3, 1, "f:5:4"}, {block, 3, 2, "f:5:5"}, {block, 1, 9, "f:3:5"}, {block, 4, 1, "f:5:5"},
		{list, 1, 1, "f:6:3"}, {last, 1, 1, "f:7:4"}, {last, 1, 2, "f:7:5"},
		{nil, 1, 1, "policy"}, {&Node{Kind: Scalar, Text: "built in Go"}, 1, 3, "policy"},
	} {
		if got := c.n.Within(c.line, c.column).String(); got != c.want {
			t.Errorf("Within(%d, %d) = %s, want %s", c.line, c.column, got, c.want)
		}
	}
}

// TestNothingIsLost is the property behind Expression: whatever stands behind
// "when:" without quotes is read whole or refused, never in part.
func TestNothingIsLost(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	parts := []string{"a", "b", " ", " ", " or ", "#", " #", ", ", ",", ": ", ":", "(", ")", "\"", "'", "!", "*", "&", "[", "]", "{", "}", "|", ">", "-", "%", "?", "\t", "\\", "~", "null", "é", "- ", "? ", "<<"}
	read, refused := 0, 0
	for range 4_000 {
		text := ""
		for range 1 + rng.IntN(7) {
			text += parts[rng.IntN(len(parts))]
		}
		for _, form := range []string{"- id: x\n  when: %s\n  because: y\n", "- {id: x, when: %s, because: y}\n", "[{when: %s, id: x}]"} {
			source := fmt.Sprintf(form, text)
			var errs Errors
			found := readPolicy("f", []byte(source), &errs)
			checkPlaces(t, "f", source, &errs)
			if errs.Len() > 0 {
				refused++
				continue
			}
			read++
			want := strings.Trim(text, " \t")
			if strings.HasPrefix(want, "'") || strings.HasPrefix(want, `"`) {
				continue // a quoted text, which a comment may follow
			}
			if strings.Contains(form, "{") && strings.ContainsAny(text, "}]") {
				continue // a bracket ends the mapping in sight of its writer
			}
			if len(found) != 1 || found[0] != want {
				t.Fatalf("read %q from\n%s", found, source)
			}
		}
	}
	if read < 500 || refused < 500 {
		t.Errorf("read %d, refused %d: the texts prove nothing", read, refused)
	}
}
