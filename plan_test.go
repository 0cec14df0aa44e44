package changelane_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/changelane/changelane"

// plan is which room may import what, besides the standard library. Rooms are
// folders of this module; "mod:" names another module. A room that is not
// listed may not exist. Tests may import more.
var plan = map[string][]string{
	"":                       nil, // doc.go and the tests of the root
	"internal/nearest":       nil,
	"internal/rule":          {"internal/nearest", "mod:github.com/expr-lang/expr"},
	"internal/schema":        {"internal/nearest", "mod:github.com/santhosh-tekuri/jsonschema/v5"},
	"internal/policyfile":    {"internal/nearest", "mod:go.yaml.in/yaml/v4"},
	"internal/workload":      {"change", "risk"}, // what tests and benchmarks run over
	"change":                 {"internal/schema", "internal/nearest"},
	"risk":                   {"change", "internal/rule", "internal/schema", "internal/policyfile", "internal/nearest"},
	"approval":               {"risk", "change", "internal/rule", "internal/schema", "internal/policyfile", "internal/nearest"},
	"approval/policytest":    {"approval", "risk", "change"},
	"approval/desk":          {"approval", "risk", "change", "audit"},
	"audit":                  {"mod:golang.org/x/mod"},
	"audit/memory":           {"audit"},
	"audit/sqlstore":         {"audit"},
	"audit/audittest":        {"audit"},
	"approval/desk/desktest": {"approval/desk", "approval", "risk", "change", "audit", "audit/memory"},
}

// planned are rooms that other work will fill; until then they do not exist.
var planned = map[string][]string{
	"risk/backtest":        {"risk", "change", "mod:golang.org/x/exp"},
	"approval/cab":         {"approval", "risk", "change", "internal/rule", "internal/schema", "internal/policyfile", "internal/nearest"},
	"approval/webhook":     {"approval"},
	"approval/cloudevents": {"approval"},
}

// nested are the modules within this one: whole programs, which may import
// anything public, and tools, which nobody imports.
var nested = []string{"examples", "internal/tools", "internal/bench", "audit/sqlite"}

// pure are the rooms that read neither clock, disk, network nor environment,
// and start nothing.
var pure = []string{"internal/nearest", "internal/rule", "internal/schema", "internal/policyfile", "change", "risk", "approval", "approval/policytest"}

// impure are the packages that pure rooms do not import.
var impure = []string{"context", "os", "os/exec", "os/signal", "os/user", "net", "net/http", "sync", "sync/atomic", "log", "log/slog",
	"math/rand", "math/rand/v2", "crypto/rand", "runtime", "runtime/debug", "syscall", "unsafe", "plugin", "testing", "C"}

// ambient are what pure rooms do not call: they depend on where and when the
// program runs.
var ambient = []string{"time.Now", "time.Local", "time.LoadLocation(", "time.Since", "time.Until", "time.After", "time.Sleep", "time.NewTimer", "time.NewTicker", "time.Tick"}

// TestPlan holds the code to the plan. It reads the files, because a build
// that is served from a cache would pass without them.
func TestPlan(t *testing.T) {
	rooms := sourceFiles(t)
	for room, files := range rooms {
		allowed, known := plan[room]
		if !known {
			allowed, known = planned[room]
		}
		if !known {
			t.Errorf("the folder %q holds Go files and is not in the plan", room)
		}
		for _, file := range files {
			for _, imported := range imports(t, file) {
				if problem := planProblem(room, imported, allowed); problem != "" {
					t.Errorf("%s imports %s: %s", file, imported, problem)
				}
			}
		}
	}
	for room := range plan {
		if len(rooms[room]) == 0 {
			t.Errorf("the room %q is in the plan and holds no Go file; a room is made by the work that fills it", room)
		}
	}
}

func planProblem(room, imported string, allowed []string) string {
	first, _, _ := strings.Cut(imported, "/")
	switch ours, inside := strings.CutPrefix(imported, module+"/"); {
	case inside && slices.Contains(allowed, ours):
		return ""
	case inside, imported == module:
		return "the plan does not allow it"
	case strings.Contains(first, "."):
		if slices.ContainsFunc(allowed, func(a string) bool {
			m, ok := strings.CutPrefix(a, "mod:")
			return ok && (imported == m || strings.HasPrefix(imported, m+"/"))
		}) {
			return ""
		}
		return "only one room imports that module"
	case slices.Contains(pure, room) && slices.Contains(impure, imported):
		return "the room is pure"
	}
	return ""
}

// TestExamplesAreOutsiders: whole programs use nothing but the public API, as
// they are what people copy. Go itself would let them import internal rooms.
func TestExamplesAreOutsiders(t *testing.T) {
	programs := 0
	err := filepath.WalkDir("examples", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		programs++
		for _, imported := range imports(t, file) {
			if imported == module || strings.HasPrefix(imported, module+"/internal") {
				t.Errorf("%s imports %s", file, imported)
			}
		}
		return nil
	})
	if err != nil || programs == 0 {
		t.Fatal(programs, err)
	}
}

// TestPureRoomsAskNothingAmbient finds calls that depend on where and when the
// program runs.
func TestPureRoomsAskNothingAmbient(t *testing.T) {
	for room, files := range sourceFiles(t) {
		if !slices.Contains(pure, room) {
			continue
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				code, _, _ := strings.Cut(line, "//")
				for _, call := range ambient {
					if strings.Contains(code, call) {
						t.Errorf("%s:%d: a pure room uses %s", file, i+1, call)
					}
				}
			}
		}
	}
}

// TestTopLevel holds the top level to the folders that were agreed.
func TestTopLevel(t *testing.T) {
	allowed := []string{"change", "risk", "approval", "audit", "examples", "internal", "testdata"}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("the folder %s is not one of %s", e.Name(), strings.Join(allowed, ", "))
		}
	}
}

// sourceFiles lists the Go files that are not tests, by room, without the
// nested modules.
func sourceFiles(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (slices.Contains(nested, filepath.ToSlash(file)) || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && file != "."):
			return filepath.SkipDir
		case strings.HasSuffix(file, ".go") && !strings.HasSuffix(file, "_test.go"):
			room := path.Dir(filepath.ToSlash(file))
			out[strings.TrimPrefix(room, ".")] = append(out[strings.TrimPrefix(room, ".")], file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(f.Imports))
	for i, spec := range f.Imports {
		if out[i], err = strconv.Unquote(spec.Path.Value); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
