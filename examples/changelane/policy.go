package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/risk"
)

// load reads the policy of a call; when it cannot, it says so in one sentence.
func load(c call) (*approval.Policy, bool) {
	fsys, err := policyFS(c.policy)
	if err != nil {
		say(c.stderr, err.Error())
		return nil, false
	}
	p, err := approval.Load(fsys)
	if err == nil {
		return p, true
	}
	found := findings(c.policy, err)
	text := plain(found[0], maxSentence-100)
	if more := len(found) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more; \"changelane lint\" lists them)", more)
	}
	say(c.stderr, text)
	return nil, false
}

// policyFS is the policy directory, if it is one.
func policyFS(dir string) (fs.FS, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %s; expected the directory of a policy", dir, cause(err))
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: is not a directory; expected the directory of a policy, which holds policy.yaml", dir)
	}
	fsys := os.DirFS(dir)
	if _, err := fs.ReadDir(fsys, "."); err != nil {
		return nil, fmt.Errorf("%s: cannot be read: %s; expected the directory of a policy", dir, cause(err))
	}
	if names, err := fs.Glob(fsys, "*.y*ml"); err != nil || len(names) == 0 {
		return nil, fmt.Errorf("%s: holds no policy; expected policy.yaml, services.yaml, risk.yaml and authority.yaml in it", dir)
	}
	return fsys, nil
}

// findings are the faults of a policy, one sentence each, with the paths of
// their files.
func findings(dir string, err error) []string {
	var faults risk.ParseErrors
	if !errors.As(err, &faults) || len(faults) == 0 {
		return []string{dir + ": " + err.Error()}
	}
	out := make([]string, len(faults))
	for i, f := range faults {
		at := *f
		at.File = filepath.Join(dir, f.File)
		out[i] = at.Error()
	}
	return out
}
