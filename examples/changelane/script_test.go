package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the scripts print into testdata/scripts")

// section is one part of a script in the txtar form.
type section struct{ name, text string }

// readScript reads a file of sections, after any words of introduction.
func readScript(t *testing.T, file string) (intro string, parts []section) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		name, opens := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		switch {
		case opens && strings.HasSuffix(name, " --"):
			parts = append(parts, section{name: strings.TrimSuffix(name, " --")})
		case len(parts) == 0:
			intro += line
		default:
			parts[len(parts)-1].text += line
		}
	}
	return intro, parts
}

// TestScripts runs testdata/scripts/*.txt. A script is a txtar archive: "args"
// holds one call on each line, "stdin" what all of them read, and any other
// section is a file; a name that ends in "/" is a directory. Behind a name the
// word "quoted" means that the text is the inside of Go string literals, one on
// each line and without line feeds of its own. The policy of testdata/policy
// lies in "policy". What is printed stands in "exit", "stdout" and "stderr".
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/scripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			file, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			runScript(t, file)
		})
	}
}

func runScript(t *testing.T, file string) {
	intro, parts := readScript(t, file)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "policy"), os.DirFS("testdata/policy")); err != nil {
		t.Fatal(err)
	}
	people, err := os.ReadFile("testdata/people.json")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "people.json"), people, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	var args, stdin string
	want := map[string]string{}
	var given []section
	for _, p := range parts {
		name, quoted := strings.CutSuffix(p.name, " quoted")
		if slices.Contains([]string{"exit", "stdout", "stderr"}, p.name) {
			want[p.name] = p.text
			continue
		}
		given = append(given, p)
		text := p.text
		if quoted {
			text = unquoted(t, text)
		}
		switch name {
		case "args":
			args = text
		case "stdin":
			stdin = text
		default:
			place(t, name, text)
		}
	}
	got := map[string]string{}
	for line := range strings.Lines(args) {
		var stdout, stderr bytes.Buffer
		status := run(strings.Fields(line), strings.NewReader(stdin), &stdout, &stderr)
		got["exit"] += fmt.Sprintln(status)
		got["stdout"] += withoutHashes(stdout.String())
		got["stderr"] += withoutHashes(stderr.String())
	}
	if *update {
		rewrite(t, file, intro, given, got)
		return
	}
	for _, name := range []string{"exit", "stdout", "stderr"} {
		if got[name] != want[name] {
			t.Errorf("%s is\n%s\nexpected\n%s", name, got[name], want[name])
		}
	}
}

// withoutHashes leaves out what changes: digests change with the encoding of
// what they are of, which other tests hold, and the hashes, keys and signatures
// of a log each time.
func withoutHashes(text string) string {
	text = digests.ReplaceAllString(text, "sha256:...")
	return random.ReplaceAllString(publicKeys.ReplaceAllString(text, "+..."), "$1...")
}

var (
	digests    = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	publicKeys = regexp.MustCompile(`\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,}=*`)
	random     = regexp.MustCompile(`(?m)(^| )[A-Za-z0-9+/]{43,}=+`)
)

func unquoted(t *testing.T, text string) string {
	t.Helper()
	out := ""
	for line := range strings.Lines(text) {
		inside, err := strconv.Unquote(`"` + strings.TrimSuffix(line, "\n") + `"`)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out += inside
	}
	return out
}

// place writes one file or directory of a script; "none" removes one of the
// policy.
func place(t *testing.T, name, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	switch {
	case err != nil || strings.HasSuffix(name, "/"):
	case text == "none\n":
		err = os.RemoveAll(name)
	default:
		err = os.WriteFile(name, []byte(text), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, file, intro string, given []section, got map[string]string) {
	t.Helper()
	for _, name := range []string{"exit", "stdout", "stderr"} {
		given = append(given, section{name, got[name]})
	}
	out := intro
	for _, p := range given {
		out += "-- " + p.name + " --\n" + p.text
	}
	if err := os.WriteFile(file, []byte(out), 0o666); err != nil {
		t.Fatal(err)
	}
}
