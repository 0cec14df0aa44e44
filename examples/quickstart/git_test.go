package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sandbox keeps the git of the machine from mattering, and gives a folder.
func sandbox(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	for _, name := range append(whereAbouts, "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT") {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GIT_AUTHOR_NAME", "Zoë")
	t.Setenv("GIT_AUTHOR_EMAIL", "zoë @example.org")
	t.Setenv("GIT_COMMITTER_NAME", "c")
	t.Setenv("GIT_COMMITTER_EMAIL", "c@example.org")
	return t.TempDir()
}

// git runs one command in a repository.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// write writes a file of a repository, with its folders.
func write(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// save commits all that is there, on a day of its own.
func save(t *testing.T, dir string, days int, message string) string {
	t.Helper()
	date := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, days).Format(time.RFC3339)
	t.Setenv("GIT_COMMITTER_DATE", date)
	t.Setenv("GIT_AUTHOR_DATE", date)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return git(t, dir, "rev-parse", "HEAD")
}

var oddNames = []string{"src/with\nnewline", `src/with"quotes"`, `src/back\slash`, "src/\xff\xfe", "-rf", "--all/x", "commit 12", "été/ß", "1\t1\tfake", " "}

// crafted makes a repository with all that is odd, on one main line.
func crafted(t *testing.T) string {
	dir := filepath.Join(sandbox(t), "repo")
	git(t, filepath.Dir(dir), "init", "-q", "-b", "main", dir)
	write(t, dir, "src/a.go", "one\n")
	save(t, dir, 0, "begin")
	write(t, dir, "src/a.go", "one\ntwo\n")
	bad := save(t, dir, 1, "a change that will be taken back")
	write(t, dir, "pic/logo.png", "\x00\x01\x02")
	save(t, dir, 2, "a picture")
	for _, name := range oddNames {
		write(t, dir, name, "x\n")
	}
	save(t, dir, 3, "odd names")
	save(t, dir, 4, "nothing at all")
	git(t, dir, "checkout", "-q", "-b", "side")
	write(t, dir, "side/b.go", "b\n")
	save(t, dir, 5, "on the side")
	git(t, dir, "checkout", "-q", "main")
	git(t, dir, "merge", "-q", "--no-ff", "-m", "bring in the side", "side")
	write(t, dir, "src/a.go", "one\n")
	save(t, dir, 7, "Revert it\n\nThis reverts commit "+bad+".")
	var many bytes.Buffer
	many.WriteString("commit refs/heads/main\ncommitter c <c@x> 1705000000 +0000\ndata 4\nmany\nfrom refs/heads/main^0\n")
	for i := range 1001 {
		fmt.Fprintf(&many, "M 100644 inline many/f%d\ndata 2\nx\n\n", i)
	}
	fastImport(t, dir, &many)
	return dir
}

// fastImport makes commits without a file on disk for each of their files.
func fastImport(t *testing.T, dir string, in io.Reader) {
	t.Helper()
	cmd := exec.Command("git", "-C", dir, "fast-import", "--quiet")
	cmd.Stdin = in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestCrafted(t *testing.T) {
	dir := crafted(t)
	before := snapshot(t, dir)
	out, errs := try(t, exitDone, "-repo", dir, "-all")
	if errs != "" {
		t.Errorf("stderr: %s", errs)
	}
	if n := numbers(t, out, "together"); n[2] != 7 { // eight on the main line, one of them a revert
		t.Errorf("totals %v, want 7 changes", n)
	}
	if n := numbers(t, out, "  together"); n[0] != 1 || n[1] != 7 {
		t.Errorf("failed %v, want 1 of 7", n)
	}
	if strings.Contains(out, "refused") || strings.Contains(out, "unclassified") {
		t.Errorf("a change was refused:\n%s", out)
	}
	for _, want := range []string{"1 taking back others", "2 with too many files to list", "2 with a fact that a rule asks for"} {
		if !strings.Contains(out, want) {
			t.Errorf("missing: %s\n%s", want, out)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Error("the repository was written to")
	}
}

// snapshot is all files of a folder with their sizes and times.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		fmt.Fprintln(&b, path, info.Size(), info.ModTime(), info.Mode())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCommits looks at what is read of the crafted repository.
func TestCommits(t *testing.T) {
	dir := crafted(t)
	var list []*commit
	for c, err := range commits(repository{dir}.log("--numstat", header, "--reverse")) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	if len(list) != 8 {
		t.Fatalf("%d commits, want 8", len(list))
	}
	paths := map[string]bool{}
	for _, f := range list[3].files {
		paths[f.Path] = true
		if f.Added == nil || *f.Added != 1 {
			t.Errorf("%q: lines %v", f.Path, f.Added)
		}
	}
	for _, name := range oddNames {
		if !paths[name] {
			t.Errorf("%q was not read; there are %v", name, paths)
		}
	}
	for i, want := range []struct {
		touched, added, deleted, binary int
		listed                          bool
		service                         string
	}{
		{1, 1, 0, 0, true, "src"}, {1, 1, 0, 0, true, "src"}, {1, 0, 0, 1, true, "pic"}, {10, 10, 0, 0, false, "src"},
		{0, 0, 0, 0, true, topLevel}, {1, 1, 0, 0, true, "side"}, {1, 0, 1, 0, true, "src"}, {1001, 1001, 0, 0, false, "many"},
	} {
		c := list[i]
		if c.touched != want.touched || c.added != want.added || c.deleted != want.deleted || c.binary != want.binary || c.listed() != want.listed || c.service() != want.service {
			t.Errorf("commit %d: %d files, +%d -%d, %d binary, listed %v, service %s; want %v", i, c.touched, c.added, c.deleted, c.binary, c.listed(), c.service(), want)
		}
	}
}

func TestEmptyRepository(t *testing.T) {
	dir := sandbox(t)
	git(t, dir, "init", "-q")
	out, errs := try(t, exitDone, "-repo", dir)
	if strings.Count(out, "\n") != 1 || !strings.Contains(out, "nothing to classify") || errs != "" {
		t.Errorf("got %q and %q", out, errs)
	}
}

func TestShallow(t *testing.T) {
	dir := crafted(t)
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, dir, "clone", "-q", "--depth", "3", "file://"+dir, clone)
	out, _ := try(t, exitDone, "-repo", clone, "-all")
	if !strings.Contains(out, "the clone is shallow") {
		t.Errorf("nothing is said of the edge:\n%s", out)
	}
	if n := numbers(t, out, "normal"); n[2] != 2 { // the edge, and the one with 1,001 files
		t.Errorf("normal %v, want 2: what the edge touched is not known", n)
	}
}

func TestNoRepository(t *testing.T) {
	dir := sandbox(t)
	t.Setenv("GIT_CEILING_DIRECTORIES", filepath.Dir(dir))
	file := filepath.Join(dir, "file")
	write(t, dir, "file", "")
	for _, name := range []string{dir, file, filepath.Join(dir, "absent")} {
		out, errs := try(t, exitFailed, "-repo", name)
		if out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, name) {
			t.Errorf("%s: want one sentence that names it, got %q and %q", name, out, errs)
		}
	}
}

func TestNoGit(t *testing.T) {
	dir := sandbox(t)
	t.Setenv("PATH", dir)
	if _, errs := try(t, exitFailed, "-repo", dir); !strings.Contains(errs, "git is not installed") {
		t.Errorf("stderr: %s", errs)
	}
}

// TestHooks: in a hook, variables name another repository.
func TestHooks(t *testing.T) {
	dir := crafted(t)
	other := t.TempDir()
	git(t, other, "init", "-q")
	t.Setenv("GIT_DIR", filepath.Join(other, ".git"))
	if out, _ := try(t, exitDone, "-repo", dir); !strings.Contains(out, "7 decisions") {
		t.Errorf("another repository was read:\n%s", out)
	}
}

// TestBrokenRepository: an object is missing half-way.
func TestBrokenRepository(t *testing.T) {
	dir := crafted(t)
	tree := git(t, dir, "rev-parse", "HEAD~4^{tree}")
	if err := os.Remove(filepath.Join(dir, ".git", "objects", tree[:2], tree[2:])); err != nil {
		t.Fatal(err)
	}
	_, errs := try(t, exitFailed, "-repo", dir)
	if strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "git cannot read the repository") {
		t.Errorf("stderr: %s", errs)
	}
}

// imported is a repository of n commits in many folders, with dates of which
// some cannot be, and with reverts.
func imported(t *testing.T, n int) string {
	dir := sandbox(t)
	git(t, dir, "init", "-q", "-b", "main")
	var in bytes.Buffer
	at := int64(1_500_000_000)
	for i := range n {
		at += 3600
		when, message := at, fmt.Sprintf("commit %d", i)
		if i%500 == 499 {
			when = 99_999_999_999 // the year 5138
		}
		fmt.Fprintf(&in, "commit refs/heads/main\nauthor a%d <a%d@x> %d +0000\ncommitter c <c@x> %d +0000\n", i%37, i%37, when, when)
		fmt.Fprintf(&in, "data %d\n%s\n", len(message), message)
		fmt.Fprintf(&in, "M 100644 inline Folder-%d/f%d\ndata %d\n%d\n", i%60, i%7, len(fmt.Sprint(i)), i)
	}
	fastImport(t, dir, &in)
	return dir
}

func TestManyCommits(t *testing.T) {
	dir := imported(t, 3000)
	for _, test := range []struct {
		n    string
		want int
	}{{"0", 3000}, {"500", 500}, {"1", 1}} {
		out, _ := try(t, exitDone, "-repo", dir, "-n", test.n)
		n := numbers(t, out, "together")
		last, sum := len(n)-1, 0
		for _, part := range n[:last] {
			sum += part
		}
		if n[last] != test.want || sum != n[last] {
			t.Errorf("-n %s: totals %v, want %d", test.n, n, test.want)
		}
		if test.want == 3000 && !strings.Contains(out, "6 with a date that no calendar keeps") {
			t.Errorf("nothing is said of dates that cannot be:\n%s", out)
		}
	}
}

// TestAbbreviatedReverts: people write few digits, and of what is not there.
func TestAbbreviatedReverts(t *testing.T) {
	dir := sandbox(t)
	git(t, dir, "init", "-q")
	write(t, dir, "a", "1\n")
	first := save(t, dir, 0, "first")
	write(t, dir, "a", "2\n")
	second := save(t, dir, 1, "second")
	write(t, dir, "a", "3\n")
	save(t, dir, 2, "not at the start of a line: This reverts commit "+first)
	write(t, dir, "a", "1\n")
	save(t, dir, 3, "Undo\n\nThis reverts commit "+second[:8]+"\nThis reverts commit 0123456789abcdef.")
	out, _ := try(t, exitDone, "-repo", dir, "-all")
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, second[:8]) != strings.HasSuffix(line, " failed\n") {
			t.Errorf("only %s failed: %s", second[:8], line)
		}
	}
}
