package rule

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// corpus reads a file of cases: fields between tabs, lines of "##" and empty
// lines left out.
func corpus(t testing.TB, name string, fields int) [][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var cases [][]string
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "##") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) < 2 || len(parts) > fields {
			t.Fatalf("%s:%d: %d fields", name, i+1, len(parts))
		}
		parts[1], err = written(parts[1])
		if err != nil {
			t.Fatalf("%s:%d: %v", name, i+1, err)
		}
		cases = append(cases, append([]string{fmt.Sprintf("%s:%d", name, i+1)}, parts...))
	}
	return cases
}

// written spells out the notation of a corpus: ⟦nl⟧ ⟦cr⟧ ⟦tab⟧ ⟦U+202E⟧
// ⟦byte¦FF⟧ ⟦repeat¦3¦(⟧ ⟦nest¦3¦(¦x¦)⟧.
func written(s string) (string, error) {
	var b strings.Builder
	for {
		plain, rest, found := strings.Cut(s, "⟦")
		b.WriteString(plain)
		if !found {
			return b.String(), nil
		}
		command, after, closed := strings.Cut(rest, "⟧")
		if !closed {
			return "", fmt.Errorf("⟦%s is not closed", rest)
		}
		text, err := spelled(strings.Split(command, "¦"))
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		s = after
	}
}

func spelled(words []string) (string, error) {
	count := func() (int, error) { return strconv.Atoi(words[1]) }
	switch word := words[0]; {
	case word == "nl" && len(words) == 1:
		return "\n", nil
	case word == "cr" && len(words) == 1:
		return "\r", nil
	case word == "tab" && len(words) == 1:
		return "\t", nil
	case strings.HasPrefix(word, "U+") && len(words) == 1:
		n, err := strconv.ParseUint(word[2:], 16, 21)
		return string(rune(n)), err
	case word == "byte" && len(words) == 2:
		n, err := strconv.ParseUint(words[1], 16, 8)
		return string([]byte{byte(n)}), err
	case word == "repeat" && len(words) == 3:
		n, err := count()
		return strings.Repeat(words[2], n), err
	case word == "nest" && len(words) == 5:
		n, err := count()
		return strings.Repeat(words[2], n) + words[3] + strings.Repeat(words[4], n), err
	}
	return "", fmt.Errorf("⟦%s⟧ is no notation", strings.Join(words, "¦"))
}

// watched runs one case; a case that takes a minute or a gigabyte ends the
// test binary and names itself, because nothing else can stop it.
func watched(name string, run func()) {
	done := make(chan struct{})
	go func() {
		deadline := time.After(time.Minute)
		for {
			select {
			case <-done:
				return
			case <-deadline:
				panic(name + " is still running")
			case <-time.After(20 * time.Millisecond):
				var m runtime.MemStats
				if runtime.ReadMemStats(&m); m.HeapAlloc > 1<<30 {
					panic(name + " uses over a gigabyte")
				}
			}
		}
	}()
	run()
	close(done)
}

// TestHostileCorpus: every source is refused with the expected fragment ("*"
// for any), or is harmless: "= unknown" gives that verdict over no facts.
// Fields: expectation, source.
func TestHostileCorpus(t *testing.T) {
	v := trialVocabulary(t, 1000, 128<<10)
	cases := corpus(t, "hostile.txt", 2)
	for _, c := range cases {
		place, want, source := c[0], c[1], c[2]
		watched(place, func() {
			var start, end runtime.MemStats
			runtime.ReadMemStats(&start)
			e, err := Compile(v, source)
			runtime.ReadMemStats(&end)
			if bytes := end.TotalAlloc - start.TotalAlloc; bytes > 64<<20 {
				t.Errorf("%s: compiling %.80q allocated %d bytes", place, source, bytes)
			}
			verdict, harmless := strings.CutPrefix(want, "= ")
			switch {
			case harmless && err != nil:
				t.Errorf("%s: %.80q: %v, want the verdict %s", place, source, err, verdict)
			case harmless:
				if got, why := e.Eval(make([]Value, v.Len())); got.String() != verdict {
					t.Errorf("%s: %.80q: %v %s, want %s", place, source, got, why, verdict)
				}
				e.Eval(maximal(v, "a"))
			case err == nil:
				got, why := e.Eval(make([]Value, v.Len()))
				t.Errorf("%s: %.80q compiled and is %v %s, want %q", place, source, got, why, want)
			case want != "*" && !strings.Contains(err.Error(), want):
				t.Errorf("%s: %.80q: %v, want %q", place, source, err, want)
			default:
				checkPosition(t, source, err)
			}
		})
	}
	if len(cases) < 700 {
		t.Errorf("%d hostile sources, want 250 or more", len(cases))
	}
}

// checkPosition holds an error to a place in the source, or just behind it.
func checkPosition(t testing.TB, source string, err error) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Errorf("%.80q: the error is a %T", source, err)
		return
	}
	lines := strings.Split(source, "\n")
	if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > utf8.RuneCountInString(lines[e.Line-1])+1 {
		t.Errorf("%.80q: the error is at %d:%d, which is outside: %s", source, e.Line, e.Column, e.Message)
	}
	if e.Message == "" || strings.Contains(e.Message, "cannot be read: runtime error") || !utf8.ValidString(e.Message) || len(e.Message) > 3*maxSource {
		t.Errorf("%.80q: the message is %.200q", source, e.Message)
	}
}

// ordinary are the facts of awkward.txt, where a case does not change them.
const ordinary = `change.kind=code change.title="Fix the login" change.note="" change.lines=400 change.files=3 change.downtime=false change.urgent=true ` +
	`change.paths=db/migrations/1.sql,src/main.go,README.md change.tags=red,blue history.rate=0.05 history.ratio=2.5 history.count=-7 ` +
	`evidence.smoke=? level=low exposed=- change.lead_hours=36 change.outage_minutes=90 change.size_bytes=1048576 history.days_since_change=1.5`

// setFacts reads name=value pairs into facts: ? is missing, - not applicable,
// ! unreadable; texts with a space are quoted, lists have commas, [] is empty.
func setFacts(v *Vocabulary, facts []Value, text string) error {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		name, rest, ok := strings.Cut(text, "=")
		i, known := v.Lookup(name)
		if !ok || !known {
			return fmt.Errorf("%q is no fact", name)
		}
		word, _, _ := strings.Cut(rest, " ")
		value := word
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			word = quoted
			if value, err = strconv.Unquote(quoted); err != nil {
				return err
			}
		}
		var err error
		if facts[i], err = factValue(v.Fact(i).Type, word, value); err != nil {
			return err
		}
		text = rest[len(word):]
	}
	return nil
}

func factValue(kind Type, word, value string) (Value, error) {
	switch word {
	case "?":
		return Value{}, nil
	case "-":
		return Value{State: NotApplicable}, nil
	case "!":
		return Value{State: Faulty, Text: "unreadable"}, nil
	case "[]":
		return ListValue(nil), nil
	}
	switch kind {
	case Bool:
		b, err := strconv.ParseBool(value)
		return BoolValue(b), err
	case Int:
		n, err := strconv.ParseInt(value, 10, 64)
		return IntValue(n), err
	case Float:
		f, err := strconv.ParseFloat(value, 64)
		return FloatValue(f), err
	case List:
		return ListValue(strings.Split(value, ",")), nil
	}
	return TextValue(value), nil
}

// TestAwkwardCorpus: every rule compiles, and the engine, the oracle and, in
// its domain, expr's machine give the verdict that is written down.
// Fields: verdict, source, facts that differ from the ordinary ones.
func TestAwkwardCorpus(t *testing.T) {
	v := trialVocabulary(t, 1000, 64<<10)
	m, cases, compared := newMachine(v), corpus(t, "awkward.txt", 3), 0
	seen := map[string]int{}
	for _, c := range cases {
		place, want, source := c[0], c[1], c[2]
		facts := make([]Value, v.Len())
		for _, text := range append([]string{ordinary}, c[3:]...) {
			if err := setFacts(v, facts, text); err != nil {
				t.Fatalf("%s: %v", place, err)
			}
		}
		seen[want]++
		e, err := Compile(v, source)
		if err != nil {
			t.Errorf("%s: %s\n  %v", place, source, err)
			continue
		}
		if got, why := e.Eval(facts); got.String() != want {
			t.Errorf("%s: %s = %v %s, want %s", place, source, got, why, want)
		}
		oracle, n, err := naiveVerdict(v, source, facts)
		if err != nil || oracle.String() != want {
			t.Errorf("%s: %s: the oracle says %v %v, want %s", place, source, oracle, err, want)
		}
		if err == nil && !n.spoilt && !n.lossy {
			compared++
			program, err := m.compile(source, true)
			if err != nil {
				t.Errorf("%s: %s: expr's machine: %v", place, source, err)
			} else if got, err := m.run(program, facts); err != nil || got.String() != want {
				t.Errorf("%s: %s: expr's machine says %v %v, want %s", place, source, got, err, want)
			}
		}
	}
	if len(cases) < 450 || compared < 300 {
		t.Errorf("%d awkward rules, %d of them compared with expr's machine; want 450 and 300 or more", len(cases), compared)
	}
	for verdict, least := range map[string]int{"true": 60, "false": 40, "unknown": 10, "fault": 5, "not applicable": 3} {
		if seen[verdict] < least {
			t.Errorf("%d rules are %s, want %d or more", seen[verdict], verdict, least)
		}
	}
}
