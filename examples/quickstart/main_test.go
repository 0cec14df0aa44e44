package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// stepping is a clock that goes on by the same step each time it is read, so
// that what is printed about time is the same in each run.
func stepping(step time.Duration) clock {
	t := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time { t = t.Add(step); return t }
}

// try runs the program and returns what it printed.
func try(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if got := runAt(args, &out, &errs, stepping(10*time.Microsecond)); got != want {
		t.Fatalf("%q: exit code %d, want %d\nstdout: %s\nstderr: %s", args, got, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the output is not that of %s (-update writes it anew):\n%s", file, got)
	}
}

func TestDefault(t *testing.T) {
	golden(t, "testdata/default.golden", whole(t))
}

// wholes are the outputs for the shipped changes: they are taken through their
// lives once for all tests that read them.
var wholes = map[string]string{}

func whole(t *testing.T, args ...string) string {
	t.Helper()
	if testing.Short() && len(args) > 0 {
		t.Skip("it takes all changes through their lives once more")
	}
	name := strings.Join(args, " ")
	if wholes[name] == "" {
		out, errs := try(t, exitDone, args...)
		if errs != "" {
			t.Errorf("stderr: %s", errs)
		}
		wholes[name] = steady(t, out)
	}
	return wholes[name]
}

// steady is the output without what differs from run to run: the root of the
// log, which hangs on random salts, and where the record lies.
func steady(t *testing.T, out string) string {
	t.Helper()
	out = regexp.MustCompile(`[0-9A-Za-z+/]{43}=`).ReplaceAllString(out, "ROOT")
	folder := regexp.MustCompile(`the database +(\S+)/record\.db`).FindStringSubmatch(out)
	if folder == nil {
		t.Fatal("the output does not say where the database is")
	}
	t.Cleanup(func() { os.RemoveAll(folder[1]) })
	out = regexp.MustCompile(`seek=[0-9]+`).ReplaceAllString(out, "seek=OFFSET")
	return strings.ReplaceAll(out, folder[1], "FOLDER")
}

// TestSpoiled does what the output invites to: verifying finds the byte that it
// names, once it is spoilt, and nothing before.
func TestSpoiled(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes all changes through their lives once more")
	}
	dir := t.TempDir()
	out, _ := try(t, exitDone, "-record", dir)
	seek := regexp.MustCompile(`seek=([0-9]+)`).FindStringSubmatch(out)
	if seek == nil {
		t.Fatal("the output names no byte")
	}
	at, err := strconv.ParseInt(seek[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, spoil := range []bool{false, true} {
		if spoil {
			f, err := os.OpenFile(filepath.Join(dir, recordFile), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte("X"), at); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		w := &walk{ctx: t.Context(), file: filepath.Join(dir, recordFile), publicKey: filepath.Join(dir, keyFile)}
		report, err := w.audit()
		if err != nil || report.OK() == spoil {
			t.Errorf("spoilt: %t; %v\n%s", spoil, err, report)
		}
	}
}

func TestLinesFit(t *testing.T) {
	for _, out := range []string{whole(t), whole(t, "-all")} {
		for line := range strings.Lines(out) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// numbers are the whole numbers of the first line that begins with a word.
func numbers(t *testing.T, out, word string) []int {
	t.Helper()
	for line := range strings.Lines(out) {
		if !strings.HasPrefix(line, word) {
			continue
		}
		var list []int
		for _, m := range regexp.MustCompile(`[0-9,]+`).FindAllString(line, -1) {
			n, err := strconv.Atoi(strings.ReplaceAll(m, ",", ""))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, n)
		}
		return list
	}
	t.Fatalf("no line begins with %q:\n%s", word, out)
	return nil
}

// TestTotals counts the rows of the whole table again, by hand.
func TestTotals(t *testing.T) {
	out := whole(t, "-all")
	rows, failed := map[string]int{}, map[string]int{}
	id := regexp.MustCompile(`^[0-9a-f]{8} `)
	for line := range strings.Lines(out) {
		if !id.MatchString(line) {
			continue
		}
		kind := strings.Fields(line)[2]
		rows[kind]++
		if strings.HasSuffix(line, " failed\n") {
			failed[kind]++
		}
	}
	if rows["standard"]+rows["normal"] != 600 || failed["standard"]+failed["normal"] != 20 {
		t.Fatalf("rows %v, failed %v: want 600 changes, 20 of them failed", rows, failed)
	}
	for _, kind := range []string{"standard", "normal"} {
		n := numbers(t, out, kind)
		if n[0]+n[1] != n[2] || n[2] != rows[kind] {
			t.Errorf("%s: %d rows, and the totals say %v", kind, rows[kind], n)
		}
	}
	if n := numbers(t, out, "  would have been standard"); n[0] != failed["standard"] || n[1] != rows["standard"] {
		t.Errorf("standard: %d of %d failed, and the rates say %v", failed["standard"], rows["standard"], n)
	}
	if n := numbers(t, out, "  the rest"); n[0] != failed["normal"] || n[1] != rows["normal"] {
		t.Errorf("the rest: %d of %d failed, and the rates say %v", failed["normal"], rows["normal"], n)
	}
}

// TestChosenRowsAreRows: the choice shows rows of the whole table, in its order.
func TestChosenRowsAreRows(t *testing.T) {
	few, all := whole(t), whole(t, "-all")
	id := regexp.MustCompile(`(?m)^[0-9a-f]{8} .*\n`)
	rest, n := all, 0
	for _, row := range id.FindAllString(few, -1) {
		_, after, ok := strings.Cut(rest, row)
		if !ok {
			t.Errorf("not in the whole table, or out of order: %s", row)
		}
		rest = after
		n++
	}
	if n != shownRows {
		t.Errorf("%d rows, want %d", n, shownRows)
	}
}

func TestMisuse(t *testing.T) {
	for _, args := range [][]string{{"-x"}, {"here"}, {"-n", "5"}, {"-repo="}, {"-repo", ".", "-n", "-1"}, {"-repo", ".", "-n", "many"}, {"-repo"}, {"-all=perhaps"}} {
		out, errs := try(t, exitMisuse, args...)
		if out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "quickstart: ") {
			t.Errorf("%q: want one sentence on stderr, got %q and %q", args, out, errs)
		}
	}
}

func TestHelp(t *testing.T) {
	out, errs := try(t, exitDone, "-h")
	if out != usage || errs != "" {
		t.Errorf("got %q and %q", out, errs)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	var errs bytes.Buffer
	if code := runAt(nil, brokenWriter{}, &errs, stepping(1)); code != exitFailed || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d, stderr %q", code, errs.String())
	}
}

func TestProgress(t *testing.T) {
	var out, errs bytes.Buffer
	runAt(nil, &out, &errs, stepping(time.Millisecond)) // 1.2 s of decisions: too short to speak of
	if errs.Len() > 0 {
		t.Errorf("short work speaks: %s", errs.String())
	}
	runAt(nil, &out, &errs, stepping(10*time.Millisecond))
	if lines := strings.Count(errs.String(), "\n"); lines < 3 || lines > 6 {
		t.Errorf("12 seconds of work, and %d lines of progress:\n%s", lines, errs.String())
	}
}
