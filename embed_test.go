package changelane_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// embedHead is what the twenty lines of testdata/embed stand on: imports, a
// directory that the host has anyway, and the word of a caller who gives up.
const embedHead = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

type people struct{}

func (people) Person(_ context.Context, id string) (desk.Person, error) { return desk.Person{ID: id, Kind: change.Human}, nil }
func (people) Holds(context.Context, string, approval.Seat) (bool, error) { return true, nil }
func (people) Members(context.Context, approval.Seat) ([]desk.Person, error) { return nil, nil }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

`

// TestEmbed is what an embedder does: a module of its own, outside of this
// repository, that imports the library, compiles, runs, and links few others.
func TestEmbed(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds a program")
	}
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	program, ok := strings.CutPrefix(read(t, "testdata/embed/main.go.txt"), "package main\n\n")
	if lines := strings.Count(program, "\n"); !ok || lines > 20 {
		t.Fatalf("the program has %d lines; expected 20 at most, after its package clause", lines)
	}
	dir := t.TempDir()
	request, _, _ := strings.Cut(read(t, "examples/changes.jsonl"), "\n")
	for name, text := range map[string]string{
		"go.mod":      "module host.example\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n",
		"go.sum":      read(t, "go.sum"),
		"main.go":     embedHead + program,
		"change.json": request,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	do := func(args ...string) string {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	got := do("run", ".", filepath.Join(root, "examples/policy"), "change.json")
	want := "CHG-101 standard authorized\ndeployed and reported; closed: true\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("it printed\n%s\nand not\n%s", got, want)
	}
	linked := strings.Fields(do("list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}", "."))
	slices.Sort(linked)
	linked = slices.DeleteFunc(slices.Compact(linked), func(m string) bool { return m == module || m == "host.example" })
	if len(linked) > 5 || len(linked) == 0 {
		t.Errorf("it links %d modules besides this one: %v; expected 5 at most", len(linked), linked)
	}
}
