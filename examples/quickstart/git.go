package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// repository is a git repository that is read through the git command, and
// never written to.
type repository struct{ dir string }

// whereAbouts are variables that would lead git to another repository than the
// one that was named; hooks set them.
var whereAbouts = []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY",
	"GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_EXTERNAL_DIFF"}

// command is git with its habits fixed: no pager, no programs of the
// repository's own, no question, no download, messages in English.
func (r repository) command(ctx context.Context, args ...string) *exec.Cmd {
	fixed := []string{"-C", r.dir, "--no-pager", "-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8",
		"-c", "diff.relative=false", "-c", "core.fsmonitor=false", "-c", "log.mailmap=false"}
	cmd := exec.CommandContext(ctx, "git", append(fixed, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains(whereAbouts, name)
	})
	cmd.Env = append(cmd.Env, "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0")
	return cmd
}

// ask runs git for one short answer.
func (r repository) ask(args ...string) (string, error) {
	var problem excerpt
	cmd := r.command(context.Background(), args...)
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", r.explain(err, problem)
	}
	return strings.TrimSpace(string(out)), nil
}

// explain turns a failure of git into one sentence.
func (r repository) explain(err error, problem excerpt) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("the program git is not installed, or not on the PATH; -repo needs it")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(problem.String()), "\n")
	if strings.Contains(line, "not a git repository") {
		return fmt.Errorf("%q is not a git repository; name the folder of one with -repo", r.dir)
	}
	if line == "" {
		line = err.Error()
	}
	return fmt.Errorf("git cannot read the repository %q: %.300q", r.dir, line)
}

// mainLine are the arguments of every log: the commits of the main line, where
// a merge counts as one change with all that it brings.
var mainLine = []string{"log", "-z", "--first-parent", "-m", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--no-notes", "--encoding=UTF-8"}

// log streams the tokens that git log -z writes, each up to a NUL. The bytes
// of a token are good until the next one.
func (r repository) log(args ...string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var problem excerpt
		cmd := r.command(ctx, slices.Concat(mainLine, args, []string{"HEAD", "--"})...)
		cmd.Stderr = &problem
		pipe, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			yield(nil, r.explain(err, problem))
			return
		}
		read := tokens{in: bufio.NewReaderSize(pipe, 1<<16)}
		for {
			token, err := read.next()
			if err == io.EOF {
				break
			}
			if err != nil || !yield(token, nil) {
				cancel()
				cmd.Wait() // it was told to stop, and says so
				if err != nil {
					yield(nil, fmt.Errorf("the output of git cannot be read: %w", err))
				}
				return
			}
		}
		if err := cmd.Wait(); err != nil {
			yield(nil, r.explain(err, problem))
		}
	}
}

// tokens cuts a stream at its NULs. Of a token longer than maxToken, such as a
// message of megabytes, the rest is skipped.
type tokens struct {
	in  *bufio.Reader
	buf []byte
}

const maxToken = 1 << 16

func (t *tokens) next() ([]byte, error) {
	t.buf = t.buf[:0]
	for {
		part, err := t.in.ReadSlice(0)
		done := err == nil
		if done {
			part = part[:len(part)-1]
		}
		t.buf = append(t.buf, part[:min(len(part), maxToken-len(t.buf))]...)
		switch {
		case done:
			return t.buf, nil
		case err == io.EOF && len(t.buf) > 0:
			return t.buf, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		}
	}
}

// excerpt keeps the beginning of what is written to it.
type excerpt struct{ bytes.Buffer }

func (e *excerpt) Write(p []byte) (int, error) {
	const most = 4096
	e.Buffer.Write(p[:min(len(p), most-min(most, e.Len()))])
	return len(p), nil
}
