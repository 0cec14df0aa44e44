package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const (
	good = `{"id":"CHG-%d","kind":"code","service":"payments-api","requester":{"id":"idp|alice","kind":"human","team":"payments"},"files":[{"path":"src/a.go","added":10,"deleted":2}],"downtime":false,"evidence":[{"name":"smoke","result":"passed"}],"claim":{"type":"standard","by":"idp|alice","reason":"routine"}}`
	at   = "2026-11-23T10:00:00Z"
)

// classifying are the arguments of a call on standard input.
var classifying = []string{"classify", "-policy", "testdata/policy", "-at", at, "-"}

// TestMain lets the test binary be the command, to run it in an environment of
// its own.
func TestMain(m *testing.M) {
	if os.Getenv("CHANGELANE_TEST_RUN") != "" {
		main()
	}
	os.Exit(m.Run())
}

func classified(t *testing.T, input io.Reader) (lines []map[string]any, sentences []string, status int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(classifying, input, &stdout, &stderr)
	for line := range strings.Lines(stdout.String()) {
		var members map[string]any
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		lines = append(lines, members)
	}
	return lines, strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n"), status
}

// TestOneAnswerEach: random good, refused and blank lines give one line each, in
// order, with the members that readers count on (INV-1).
func TestOneAnswerEach(t *testing.T) {
	bad := []string{
		"hello", "null", "[]", `{}`, `{"id":"CHG-0","id":"CHG-1"}`, `{"id":"CHG-0"`, `{"id":"CH`, "{", "[", "}", "\x00", "\xff",
		`{"id":"CHG-0"},`, `[{"id":"CHG-0"}]`, strings.Repeat("x", maxInput+1), `{"a":"` + strings.Repeat("x", maxInput), `"text"`,
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		var input strings.Builder
		var want []string // ids; "" for what is refused
		refused := 0
		for n := range 2 + r.IntN(30) {
			switch r.IntN(4) {
			case 0:
				input.WriteString([]string{"\n", "  \n", "\t\r\n"}[r.IntN(3)])
			case 1:
				input.WriteString(bad[r.IntN(len(bad))] + "\n")
				want, refused = append(want, ""), refused+1
			default:
				fmt.Fprintf(&input, good+"\n", n)
				want = append(want, fmt.Sprintf("CHG-%d", n))
			}
		}
		fmt.Fprintf(&input, good, 99) // without a line feed
		want = append(want, "CHG-99")
		lines, sentences, status := classified(t, strings.NewReader(input.String()))
		if len(lines) != len(want) {
			t.Fatalf("round %d: %d lines for %d inputs", round, len(lines), len(want))
		}
		for i, line := range lines {
			checkLine(t, line, want[i])
		}
		if refused == 0 && status != exitDone || refused > 0 && (status != exitRefused || len(sentences) != refused) {
			t.Fatalf("round %d: status %d and %d sentences for %d refused lines", round, status, len(sentences), refused)
		}
	}
}

// checkLine holds one line of output against what every reader may count on.
func checkLine(t *testing.T, line map[string]any, id string) {
	t.Helper()
	for name, kind := range map[string]string{
		"id": "string", "type": "string", "level": "string", "score": "float64", "regular": "bool", "template": "string",
		"assumed": "[]interface {}", "reasons": "[]interface {}", "unknowns": "[]interface {}", "faults": "[]interface {}",
		"requirement": "map[string]interface {}", "policy": "string",
	} {
		if got := fmt.Sprintf("%T", line[name]); got != kind {
			t.Fatalf("%q is a %s, expected a %s: %v", name, got, kind, line)
		}
	}
	_, failed := line["error"]
	if unclassified := line["type"] == "unclassified"; unclassified != failed || failed != (id == "") {
		t.Fatalf("type %v, error %v for %q", line["type"], line["error"], id)
	}
	if id != "" && line["id"] != id {
		t.Fatalf("id %v, expected %s", line["id"], id)
	}
	for _, reason := range line["reasons"].([]any) {
		for _, name := range []string{"rule", "points", "because", "seen"} {
			if _, ok := reason.(map[string]any)[name]; !ok {
				t.Fatalf("a reason without %q: %v", name, reason)
			}
		}
	}
}

// lineOf is a line of so many bytes that is never in memory as a whole.
func lineOf(size int64) io.Reader {
	return io.MultiReader(strings.NewReader(`{"title":"`), io.LimitReader(endless{}, size), strings.NewReader("\"}\n"))
}

type endless struct{}

var filler = bytes.Repeat([]byte{'x'}, 64<<10)

func (endless) Read(p []byte) (int, error) { return copy(p, filler), nil }

// TestLongLine: a line of 200 MB is refused, needs no memory to speak of, and
// hides nothing, wherever it stands.
func TestLongLine(t *testing.T) {
	one := func() io.Reader { return strings.NewReader(fmt.Sprintf(good+"\n", 1)) }
	for name, input := range map[string]func() io.Reader{
		"first":  func() io.Reader { return io.MultiReader(lineOf(200<<20), one(), one()) },
		"middle": func() io.Reader { return io.MultiReader(one(), lineOf(200<<20), one()) },
		"open":   func() io.Reader { return io.MultiReader(strings.NewReader("{\n"), lineOf(200<<20), one(), one()) },
	} {
		t.Run(name, func(t *testing.T) {
			// Whatever a policy takes to load is the same without the line.
			base := allocated(func() { classified(t, io.MultiReader(one(), strings.NewReader("{}\n"), one())) })
			var lines []map[string]any
			var sentences []string
			took := allocated(func() { lines, sentences, _ = classified(t, input()) })
			if took > base+16<<20 {
				t.Errorf("%d bytes were allocated, and %d without the long line", took, base)
			}
			last := lines[len(lines)-1]
			if last["type"] == "unclassified" {
				t.Errorf("what follows is not classified: %v", last)
			}
			long := slices.IndexFunc(sentences, func(s string) bool { return strings.Contains(s, "the line is 209715") })
			if long < 0 {
				t.Errorf("nothing is said of the long line: %q", sentences)
			}
		})
	}
}

// allocated is how many bytes f allocates in all, whether it frees them or not.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLargeDocument: a document over the limit is refused once, however many
// lines it has, and a change behind it is found.
func TestLargeDocument(t *testing.T) {
	document := "{\n  \"files\": [\n" + strings.Repeat("    {\n      \"path\": \"a\"\n    },\n", 60_000) + "  ]\n}\n"
	lines, sentences, status := classified(t, strings.NewReader(document+fmt.Sprintf(good+"\n", 7)))
	if len(lines) != 2 || lines[1]["id"] != "CHG-7" || status != exitRefused {
		t.Fatalf("%d lines, status %d, %q", len(lines), status, sentences)
	}
	if want := "stdin:1: " + errLarge.Error(); sentences[0] != want {
		t.Errorf("%q, expected %q", sentences[0], want)
	}
}

// TestAnswersInTime: each answer is there before the next change is asked for.
func TestAnswersInTime(t *testing.T) {
	var out, sentences bytes.Buffer
	asked := 0
	input := readerFunc(func(p []byte) (int, error) {
		if got := strings.Count(out.String(), "\n"); got != asked {
			t.Errorf("%d answers when %d changes were given", got, asked)
		}
		if asked == 5 {
			return 0, io.EOF
		}
		asked++
		return copy(p, fmt.Sprintf(good+"\n", asked)), nil
	})
	if status := run(classifying, input, &out, &sentences); status != exitDone {
		t.Fatalf("status %d: %s", status, &sentences)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestInputFails: what cannot be read to its end is answered once, and half a
// line is not classified.
func TestInputFails(t *testing.T) {
	broken := readerFunc(func([]byte) (int, error) { return 0, syscall.EIO })
	for _, half := range []string{fmt.Sprintf(good, 2), `{"id":`, "{\n"} {
		lines, sentences, status := classified(t, io.MultiReader(strings.NewReader(half), broken))
		if len(lines) != 1 || lines[0]["type"] != "unclassified" || status != exitRefused || !strings.Contains(sentences[0], "cannot be read to its end") {
			t.Errorf("%q: status %d, %q, %v", half, status, sentences, lines)
		}
	}
}

// TestOutputFails: lost output is never a success, and a reader that went away
// is not worth a sentence.
func TestOutputFails(t *testing.T) {
	for _, test := range []struct {
		err  error
		says string
	}{
		{syscall.EPIPE, ""},
		{io.ErrClosedPipe, ""},
		{syscall.ENOSPC, "changelane: the output cannot be written: no space left on device; what came so far is not complete\n"},
	} {
		for _, args := range [][]string{classifying, {"lint", "-policy", "testdata/policy", "-at", at}, {"test", "-policy", "testdata/policy"}} {
			var stderr bytes.Buffer
			// Endless input: the command must stop by itself.
			input := io.MultiReader(strings.NewReader(fmt.Sprintf(good+"\n", 1)), endlessLines{})
			status := run(args, input, failing{test.err}, &stderr)
			if status != exitRefused || stderr.String() != test.says {
				t.Errorf("%s, %v: status %d, %q", args[0], test.err, status, &stderr)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) { return copy(p, fmt.Sprintf(good+"\n", 1)), nil }

// TestDeterminism: the same bytes whatever the zone of the machine, the number
// of processors and the locale (INV-5).
func TestDeterminism(t *testing.T) {
	var input strings.Builder
	for n := range 20 {
		fmt.Fprintf(&input, good+"\n", n)
		fmt.Fprintf(&input, "{\"id\":\"CHG-%d\",\"colour\":1,\"size\":1}\n", n)
	}
	var want []byte
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
		for _, processors := range []string{"1", "2", "8"} {
			cmd := exec.Command(os.Args[0], classifying...)
			cmd.Env = append(os.Environ(), "CHANGELANE_TEST_RUN=1", "TZ="+zone, "GOMAXPROCS="+processors, "LC_ALL=tr_TR.UTF-8")
			cmd.Stdin = strings.NewReader(input.String())
			got, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != exitRefused {
				t.Fatalf("%v: %s", err, got)
			}
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("TZ=%s GOMAXPROCS=%s:\n%s\nexpected\n%s", zone, processors, got, want)
			}
		}
	}
}

// TestProgram builds the command and uses it as a shell does.
func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "changelane")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	one := fmt.Sprintf(good+"\n", 1)
	for name, test := range map[string]struct {
		args   []string
		input  string
		status int
		stdout int // lines
	}{
		"classify":   {classifying, one + one, exitDone, 2},
		"refuse":     {classifying, one + "{}\n", exitRefused, 2},
		"empty":      {classifying[:5], "", exitRefused, 1},
		"no policy":  {[]string{"classify", "-policy", "nowhere", "-"}, one, exitUsage, 0},
		"lint":       {[]string{"lint", "-policy", "testdata/policy", "-at", at}, "", exitDone, 1},
		"late lint":  {[]string{"lint", "-policy", "testdata/policy", "-at", "2030-01-01T00:00:00Z"}, "", exitFound, 3},
		"test":       {[]string{"test", "-policy", "testdata/policy"}, "", exitDone, 3},
		"no command": {nil, "", exitUsage, 0},
		"help":       {[]string{"help"}, "", exitDone, strings.Count(usage(), "\n")},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(program, test.args...)
			cmd.Stdin = strings.NewReader(test.input)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != test.status {
				t.Errorf("exit status %d, expected %d: %s", got, test.status, &stderr)
			}
			if got := strings.Count(stdout.String(), "\n"); got != test.stdout {
				t.Errorf("%d lines, expected %d: %s", got, test.stdout, &stdout)
			}
		})
	}
}

// TestIsTerminal: files, pipes and the null device are read without being
// named; only where somebody would have to type is the command asked for more.
func TestIsTerminal(t *testing.T) {
	for name, want := range map[string]bool{os.DevNull: false, "main.go": false, "/dev/zero": true} {
		f, err := os.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // not a Unix
		}
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := isTerminal(f); got != want {
			t.Errorf("%s: %v, expected %v", name, got, want)
		}
		if want {
			var stderr bytes.Buffer
			status := run([]string{"classify", "-policy", "testdata/policy"}, f, io.Discard, &stderr)
			if says := "changelane: there is nothing to read; name a FILE of changes, or \"-\" to type them\n"; status != exitUsage || stderr.String() != says {
				t.Errorf("status %d, %q", status, &stderr)
			}
		}
	}
}
