package changelane_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// bug is a file of testdata/bugs: where in the code to put what instead of
// what, and which test of which package must then fail.
type bug struct{ pkg, run, file, old, new string }

func readBug(t *testing.T, name string) bug {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), "-- old --\n")
	before, after, ok2 := strings.Cut(rest, "-- new --\n")
	if !ok || !ok2 {
		t.Fatal("it has no parts \"-- old --\" and \"-- new --\"")
	}
	b := bug{old: strings.TrimSuffix(before, "\n"), new: strings.TrimSuffix(after, "\n")}
	for _, line := range strings.Split(strings.TrimSpace(head), "\n") {
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "package":
			b.pkg = value
		case "run":
			b.run = value
		case "file":
			b.file = value
		default:
			t.Fatalf("%q is not a field; expected package, run and file", field)
		}
	}
	return b
}

// overlay writes the file with the bug beside the true one, and says so in
// the form of go test -overlay.
func (b bug) overlay(t *testing.T) string {
	text, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), b.old); n != 1 {
		t.Fatalf("%s holds the old text %d times; expected once", b.file, n)
	}
	at, err := filepath.Abs(b.file)
	if err != nil {
		t.Fatal(err)
	}
	return overlay(t, at, strings.Replace(string(text), b.old, b.new, 1))
}

// overlay writes a text that is to stand in the place of a file, and says so in
// the form of go build -overlay.
func overlay(t *testing.T, at, text string) string {
	t.Helper()
	dir := t.TempDir()
	instead, list := filepath.Join(dir, "instead.go"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {at: instead}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{instead: []byte(text), list: replace} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// advice begins the names of the bugs in what advises and decides nothing:
// counterfactuals, tests of tests and lint. They take a third of the time, and
// are run when CHANGELANE_BUGS is "all"; else it is seen that they can be put in.
var advice = regexp.MustCompile(`^C(61|75|76)-`)

// TestSeededBugs puts one bug after the other into the code, and wants the
// test that guards against it to fail. That it passes without the bug is what
// the ordinary run shows.
func TestSeededBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the packages once for each bug")
	}
	names, err := filepath.Glob("testdata/bugs/*.txt")
	if err != nil || len(names) < 20 {
		t.Fatalf("%d bugs (%v); expected 20 or more", len(names), err)
	}
	guards := "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 19 20 21 22 26 27 29 30 31 32 33 34 35 36 37 38 40 41 42 43 44 45 46 47 48"
	for _, guard := range strings.Fields(guards) {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(filepath.Base(n), "INV-"+guard+"-") }) {
			t.Errorf("INV-%s has no bug", guard)
		}
	}
	running := make(chan struct{}, 2)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			t.Parallel()
			b := readBug(t, name)
			list := b.overlay(t)
			if advice.MatchString(filepath.Base(name)) && os.Getenv("CHANGELANE_BUGS") != "all" {
				return
			}
			running <- struct{}{}
			defer func() { <-running }()
			cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-failfast", "-overlay="+list, "-run="+b.run, b.pkg)
			out, err := cmd.CombinedOutput()
			if !failed.Match(out) {
				t.Errorf("%s in %s did not fail (%v):\n%s", b.run, b.pkg, err, out)
			}
		})
	}
}

// failed is the mark of a test that ran and failed, not of a build.
var failed = regexp.MustCompile(`(?m)^--- FAIL: `)
