package policyfile

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the faults found into testdata")

// document is one case of testdata: a file and all its faults. In the
// archives, "== name" begins a document and "== faults" its faults; a
// backslash at the end stands for a missing final line break.
type document struct{ name, text, faults string }

func readArchive(t testing.TB, path string) []document {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var docs []document
	sections := strings.Split("\n"+string(data), "\n== ")[1:]
	for i := 0; i+1 < len(sections); i += 2 {
		name, text, _ := strings.Cut(sections[i]+"\n", "\n")
		_, faults, _ := strings.Cut(sections[i+1], "\n")
		if cut, ok := strings.CutSuffix(text, "\\\n"); ok {
			text = cut
		}
		docs = append(docs, document{name, text, strings.TrimSuffix(faults, "\n")})
	}
	return docs
}

func writeArchive(t *testing.T, path string, docs []document) {
	t.Helper()
	var b strings.Builder
	for _, d := range docs {
		b.WriteString("== " + d.name + "\n" + d.text)
		if d.text != "" && !strings.HasSuffix(d.text, "\n") {
			b.WriteString("\\\n")
		}
		b.WriteString("== faults\n" + d.faults)
		if d.faults != "" {
			b.WriteString("\n")
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readPolicy reads a list of rules or a mapping of services, as the packages
// that use this one do, and gives the expressions found.
func readPolicy(file string, data []byte, errs *Errors) []string {
	var found []string
	root := Parse(file, data, errs)
	if root == nil {
		return nil
	}
	if root.Kind == Mapping {
		for _, entry := range root.Entries(errs, "services") {
			o := entry.Value.Object(errs, "a service", "team", "tier", "paths")
			o.Need("team").String(errs, "team")
			o.Get("tier").Int(errs, "tier", 1, 4)
			o.Get("paths").Strings(errs, "paths")
		}
		return nil
	}
	for _, item := range root.List(errs, "the rule file") {
		o := item.Object(errs, "a rule", "id", "points", "when", "because", "enabled", "kind", "paths")
		o.Need("id").String(errs, "id")
		o.Get("points").Int(errs, "points", -100, 100)
		if when := o.Get("when").Expression(errs, "when"); when != "" {
			found = append(found, when)
		}
		o.Get("because").String(errs, "because")
		o.Get("enabled").Bool(errs, "enabled")
		o.Get("kind").Word(errs, "kind", "digital", "cots", "platform")
		o.Get("paths").Strings(errs, "paths")
	}
	return found
}

func sentences(errs *Errors) string {
	var lines []string
	for _, e := range errs.All() {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}

func TestCorpus(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) != 4 {
		t.Fatalf("archives: %v %v", paths, err)
	}
	for _, path := range paths {
		docs := readArchive(t, path)
		for i, d := range docs {
			var errs Errors
			readPolicy(d.name, []byte(d.text), &errs)
			got := sentences(&errs)
			checkPlaces(t, d.name, d.text, &errs)
			docs[i].faults = got
			if got != d.faults && !*update {
				t.Errorf("%s: %s\n%s\ngot faults:\n%s\nwant:\n%s", path, d.name, d.text, got, d.faults)
			}
			// The same file as an editor under Windows saves it has the same
			// faults at the same places.
			var crlf Errors
			windows := strings.ReplaceAll(d.text, "\n", "\r\n")
			readPolicy(d.name, []byte(windows), &crlf)
			if got := sentences(&crlf); got != docs[i].faults {
				t.Errorf("%s: %s with CRLF\ngot faults:\n%s\nwant:\n%s", path, d.name, got, docs[i].faults)
			}
		}
		if *update {
			writeArchive(t, path, docs)
		}
	}
}

// checkPlaces is the property that every fault has its place inside the file
// and is one sentence.
func checkPlaces(t *testing.T, file, text string, errs *Errors) {
	t.Helper()
	for _, e := range errs.All() {
		if !inside(e.Pos, file, text) {
			t.Errorf("%s: fault outside the file: %v", file, e)
		}
		if e.Message == "" || strings.ContainsAny(e.Message, "\n\r\t") || strings.HasSuffix(e.Message, ".") {
			t.Errorf("%s: not one sentence: %q", file, e.Message)
		}
	}
}

// inside counts lines as editors do: the last line break begins no line.
func inside(p Pos, file, text string) bool {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return p.File == file && p.Line >= 1 && p.Line <= len(lines) &&
		p.Column >= 1 && p.Column <= len([]rune(lines[p.Line-1]))+1
}
