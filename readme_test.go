package changelane_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// block is a fenced block of README.md. The mark is the HTML comment right
// before it, which says what the block is to this test or to .ci/run.
type block struct {
	line                 int // of the fence
	mark, language, text string
}

var marked = regexp.MustCompile(`^<!-- (.*) -->$`)

// blocks are the fenced blocks of README.md, in order.
func blocks(t *testing.T) []block {
	t.Helper()
	var out []block
	mark, inside := "", false
	for i, line := range strings.Split(read(t, "README.md"), "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		switch m := marked.FindStringSubmatch(line); {
		case isFence && inside:
			inside = false
		case isFence:
			out, inside = append(out, block{i + 1, mark, fence, ""}), true
		case inside:
			out[len(out)-1].text += line + "\n"
		case m != nil:
			mark = m[1]
			continue
		}
		mark = ""
	}
	if inside || len(out) == 0 {
		t.Fatal("README.md has no block, or one that does not end")
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// only is the one block with a mark.
func only(t *testing.T, mark string) block {
	t.Helper()
	var found []block
	for _, b := range blocks(t) {
		if b.mark == mark {
			found = append(found, b)
		}
	}
	if n := strings.Count(read(t, "README.md"), "<!-- "+mark+" -->"); len(found) != 1 || n != 1 {
		t.Fatalf("README.md marks %d blocks with %q, and says so %d times; expected one right before a block", len(found), mark, n)
	}
	return found[0]
}

// snippets are the files that README.md shows, put together.
func snippets(t *testing.T) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{"england.ics": {Data: []byte(read(t, "examples/policy/england.ics"))}}
	for _, b := range blocks(t) {
		name, isFile := strings.CutPrefix(b.mark, "file: ")
		if !isFile {
			if b.language == "yaml" {
				t.Errorf("README.md:%d: a snippet of YAML does not say <!-- file: NAME -->", b.line)
			}
			continue
		}
		if out[name] == nil {
			out[name] = &fstest.MapFile{}
		}
		out[name].Data = append(out[name].Data, b.text...)
	}
	return out
}

func loadPolicy(t *testing.T, dir fstest.MapFS) *approval.Policy {
	t.Helper()
	policy, err := approval.Load(dir)
	var faults risk.ParseErrors
	if errors.As(err, &faults) {
		for _, f := range faults {
			t.Error(f)
		}
	}
	if err != nil {
		t.Fatalf("the snippets of README.md are no policy: %v", err)
	}
	return policy
}

// TestReadmePolicy puts the snippets together: they are a policy that loads and
// passes the decision test that stands beside them.
func TestReadmePolicy(t *testing.T) {
	dir := snippets(t)
	for _, name := range []string{"policy.yaml", "services.yaml", "risk.yaml", "catalogue.yaml", "authority.yaml", "calendar.yaml", "tests/payments.txt"} {
		if dir[name] == nil {
			t.Errorf("README.md shows no %s", name)
		}
	}
	report, err := loadPolicy(t, dir).Test(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Failures {
		t.Error(f)
	}
	if report.Cases < 2 {
		t.Errorf("the decision test has %d cases; expected 2 or more", report.Cases)
	}
}

// TestReadmeUnstatedKind holds a sentence: a rule whose "for" asks the service
// something needs every service to state it.
func TestReadmeUnstatedKind(t *testing.T) {
	dir := snippets(t)
	loadPolicy(t, dir)
	all := string(dir["services.yaml"].Data)
	without := strings.Replace(all, "kind: digital, ", "", 1)
	if without == all {
		t.Fatal("no service of README.md says \"kind: digital, \"")
	}
	dir["services.yaml"] = &fstest.MapFile{Data: []byte(without)}
	if _, err := approval.Load(dir); err == nil {
		t.Error("a policy loads in which a service does not state the kind that a rule is for")
	}
}

// asIn is the time at which README.md classifies its examples.
var asIn = regexp.MustCompile(`(?m)^go run ./examples/changelane classify .*-at (\S+) .*examples/changes\.jsonl$`)

// examples classifies examples/changes.jsonl as README.md does.
func examples(t *testing.T) (lines []string, got []approval.Classification) {
	t.Helper()
	policy, err := approval.Load(os.DirFS("examples/policy"))
	if err != nil {
		t.Fatal(err)
	}
	m := asIn.FindStringSubmatch(read(t, "README.md"))
	if m == nil {
		t.Fatal("README.md does not classify examples/changes.jsonl with -at")
	}
	at, err := time.Parse(time.RFC3339, m[1])
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(read(t, "examples/changes.jsonl")) {
		c, err := change.Decode([]byte(line), &change.DecodeOptions{Attested: true})
		one := policy.Unclassified("", at, err)
		if err == nil {
			one = policy.Classify(c, approval.Inputs{At: at})
		}
		lines, got = append(lines, line), append(got, one)
	}
	return lines, got
}

// TestReadmeExamples holds the table of the examples to what becomes of them.
func TestReadmeExamples(t *testing.T) {
	lines, got := examples(t)
	rows := regexp.MustCompile(`(?m)^\| (CHG-\d+) \| .* \| (\S+) \|$`).FindAllStringSubmatch(read(t, "README.md"), -1)
	if len(rows) != len(lines) {
		t.Fatalf("README.md tells of %d examples, and there are %d", len(rows), len(lines))
	}
	for i, row := range rows {
		var named struct{ ID string }
		if err := json.Unmarshal([]byte(lines[i]), &named); err != nil {
			t.Errorf("line %d: %v", i+1, err)
		}
		if named.ID != row[1] || got[i].Type.String() != row[2] {
			t.Errorf("line %d is %s and becomes %s (%v); README.md says %s and %s", i+1, named.ID, got[i].Type, got[i].Err, row[1], row[2])
		}
	}
}

// TestReadmeChange holds the change that README.md shows to the first example,
// and what is said of it to the library.
func TestReadmeChange(t *testing.T) {
	text := []byte(only(t, "change").text)
	c, err := change.Decode(text, &change.DecodeOptions{Attested: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := change.Decode(text, nil); err == nil {
		t.Error("the change decodes without DecodeOptions.Attested; README.md says that it does not")
	}
	_, got := examples(t)
	if digest, err := c.Digest(); err != nil || digest != got[0].Change {
		t.Errorf("the change is not the first line of examples/changes.jsonl (%v)", err)
	}
	if want := only(t, "explain CHG-101").text; !strings.HasPrefix(got[0].Explain(), want) || want == "" {
		t.Errorf("README.md says that the explanation begins:\n%s\nand it is:\n%s", want, got[0].Explain())
	}
}

// around is what a Go snippet stands in: a host with its own means to deploy
// and to ask, and with what a desk needs. Not every snippet uses all of it.
const around = `package snippet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/policytest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

var _, _, _, _, _, _ = fmt.Print, os.DirFS, time.Now, errors.New, note.NewVerifier, policytest.Mutate
var _ *desk.Desk

func handle(ctx context.Context, request []byte, deploy func(*change.Change, *change.Window) error, ask func(approval.Requirement) error,
	store audit.Store, policy *approval.Policy, directory desk.Directory, who, run string, rfc *change.Change, digest change.Digest,
	ship func(change.Digest) approval.Outcome, secret, public string, notifier desk.Notifier,
	past iter.Seq2[*change.Change, risk.Situation], definition approval.Definition) error {
	return func() error {
%s	}()
}
`

// TestReadmeGo parses, formats and builds the Go snippets.
func TestReadmeGo(t *testing.T) {
	n := 0
	for _, b := range blocks(t) {
		if b.language != "go" {
			continue
		}
		n++
		if formatted, err := format.Source([]byte(b.text)); err != nil || !bytes.Equal(formatted, []byte(b.text)) {
			t.Errorf("README.md:%d: gofmt would have (%v):\n%s", b.line, err, formatted)
		}
		file := strings.Replace(around, "%s", b.text, 1)
		if _, err := parser.ParseFile(token.NewFileSet(), "README.md", file, 0); err != nil {
			t.Errorf("README.md:%d: %v", b.line, err)
		} else if out, err := build(t, file); err != nil {
			t.Errorf("README.md:%d: the snippet does not build: %v\n%s", b.line, err, out)
		}
	}
	if n == 0 {
		t.Error("README.md shows no Go")
	}
}

// build compiles one file as a package of this module, without putting it
// there.
func build(t *testing.T, text string) ([]byte, error) {
	t.Helper()
	at, err := filepath.Abs("testdata/snippet/snippet.go")
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command("go", "build", "-overlay="+overlay(t, at, text), "./testdata/snippet").CombinedOutput()
}

// TestReadmeGate holds the commands that .ci/run reads to one line each.
func TestReadmeGate(t *testing.T) {
	for _, mark := range []string{"quickstart", "tests"} {
		b := only(t, mark)
		if line := strings.TrimSuffix(b.text, "\n"); line == "" || strings.Contains(line, "\n") {
			t.Errorf("README.md:%d: the command under <!-- %s --> is %q; expected one line", b.line, mark, b.text)
		}
	}
}

// TestReadmeCommands looks for the files that the commands name, and runs those
// of examples/changelane.
func TestReadmeCommands(t *testing.T) {
	ran := 0
	for _, b := range blocks(t) {
		if b.language != "sh" || b.mark == "script" { // see TestReadmeScript
			continue
		}
		for line := range strings.Lines(b.text) {
			words, dir := strings.Fields(line), "."
			for i, word := range words {
				if i > 0 && words[i-1] == "&&" && words[0] == "cd" {
					dir = words[1]
				}
				if _, err := os.Stat(filepath.Join(dir, word)); err != nil && strings.Contains(word, "/") {
					t.Errorf("README.md:%d: %s names what is not there: %v", b.line, strings.TrimSpace(line), err)
				}
			}
			if strings.HasPrefix(line, "go run ./examples/changelane ") {
				ran++
				runs(t, b.line, words)
			}
		}
	}
	if ran < 4 {
		t.Errorf("README.md shows %d commands; expected classify, explain, lint and test", ran)
	}
}

// TestReadmeScript runs the blocks under <!-- script --> as one script, and
// wants the answers that README.md promises.
func TestReadmeScript(t *testing.T) {
	script := ""
	for _, b := range blocks(t) {
		if b.mark == "script" {
			script += b.text
		}
	}
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the script of README.md: %v\n%s", err, out)
	}
	for _, want := range []string{`"answer":"yes"`, "here it is deployed", `"closed":true`, "signed by example.com/changes", "Nothing was found that is not as it was written.", `"type":"case.closed/1"`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the script of README.md does not print %s; it prints\n%s", want, out)
		}
	}
}

// TestReadmeStatuses holds the table of exit statuses to what the command says.
func TestReadmeStatuses(t *testing.T) {
	help, err := exec.Command("go", "run", "./examples/changelane", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	statuses := func(pattern, text string) []string {
		var out []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1]+" "+m[2])
		}
		return out
	}
	got := statuses(`(?m)^\| (\d) \| \W*(\w+)`, read(t, "README.md"))
	want := statuses(`(?m)^  (\d)  (\w+)`, string(help))
	if len(want) < 4 || !slices.Equal(got, want) {
		t.Errorf("the statuses in README.md begin with %q, and those of the command with %q", got, want)
	}
}

// runs wants a command that gets as far as its answer: only a refused input or
// a finding may make it fail.
func runs(t *testing.T, line int, words []string) {
	t.Helper()
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	answered := regexp.MustCompile(`(?m)^exit status [12]$`).Match(out)
	if err != nil && !answered {
		t.Errorf("README.md:%d: %s: %v\n%s", line, strings.Join(words, " "), err, out)
	}
}

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// TestLinks follows the relative links of what people read first.
func TestLinks(t *testing.T) {
	n := 0
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "internal/docs/design.md"} {
		for _, m := range link.FindAllStringSubmatch(read(t, name), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), target)); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
			}
		}
	}
	if n < 5 {
		t.Errorf("%d links were found; expected 5 or more", n)
	}
}
