package main

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// TestCommands: every command has flags that there are, each once, and says in
// its help what they mean; every flag is some command's.
func TestCommands(t *testing.T) {
	used := map[string]bool{}
	for _, c := range commands {
		stdout, stderr, status := tryIt("", "help", c.name)
		if status != exitDone || stderr != "" || !strings.HasPrefix(stdout, c.does+"\n") {
			t.Errorf("help %s: status %d, %s%s", c.name, status, stdout, stderr)
		}
		if again, _, _ := tryIt("", c.name, "-h"); again != stdout {
			t.Errorf("%s -h says %s", c.name, again)
		}
		for i, name := range c.all() {
			used[name] = true
			f, known := flagNamed(name)
			if !known || slices.Contains(c.all()[:i], name) {
				t.Errorf("%s has the flag -%s, which is unknown or there twice", c.name, name)
			}
			if !strings.Contains(stdout, f.what) {
				t.Errorf("help %s does not say what -%s is", c.name, name)
			}
		}
		if !strings.Contains(usage(), "changelane "+c.name) {
			t.Errorf("help leaves out %s", c.name)
		}
	}
	for _, f := range specs {
		if !used[f.name] {
			t.Errorf("no command has the flag -%s", f.name)
		}
	}
}

// TestNeededFlags: without any one of the flags that it needs a command does
// nothing but say so.
func TestNeededFlags(t *testing.T) {
	t.Chdir(t.TempDir())
	values := map[string]string{"revision": "1", "artifact": artifact, "outcome": "failed", "to": "active"}
	for _, c := range commands {
		for _, left := range c.needs {
			args := []string{c.name}
			for _, name := range c.needs {
				if name != left {
					args = append(args, "-"+name, cmp.Or(values[name], "x"))
				}
			}
			stdout, stderr, status := tryIt("", args...)
			if status != exitUsage || stdout != "" || !strings.Contains(stderr, c.name+" needs -"+left) {
				t.Errorf("%q: status %d, %s%s", args, status, stdout, stderr)
			}
		}
	}
}
