package approval

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/risk"
)

// The files of a policy directory.
const (
	policyFile     = "policy.yaml"
	servicesFile   = "services.yaml"
	riskFile       = "risk.yaml"
	catalogueFile  = "catalogue.yaml"
	authorityFile  = "authority.yaml"
	calendarFile   = "calendar.yaml"
	attributesFile = "attributes.schema.json"
	maxFile        = 1 << 20
)

var (
	requiredFiles = []string{policyFile, servicesFile, riskFile, authorityFile}
	optionalFiles = []string{catalogueFile, calendarFile, attributesFile}
)

// Load reads the policy in the root of fsys and makes it. It reports every
// fault of every file; the error is [risk.ParseErrors], or the error of fsys.
func Load(fsys fs.FS) (*Policy, error) {
	d, err := ParseDefinition(fsys)
	if err != nil {
		return nil, err
	}
	return New(d)
}

// ParseDefinition reads a policy directory without making the policy: faults of
// form are found, those of meaning are left to [New].
func ParseDefinition(fsys fs.FS) (Definition, error) {
	l := &loading{fsys: fsys}
	if err := l.checkNames(); err != nil {
		return Definition{}, err
	}
	l.policy()
	l.services()
	l.risk()
	l.catalogue()
	l.authority()
	l.calendar()
	if l.failure != nil {
		return Definition{}, l.failure
	}
	for _, e := range l.errs.All() {
		l.faults.all = append(l.faults.all, &risk.ParseError{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column, Message: e.Message})
	}
	return l.d, l.faults.err()
}

// loading is a definition in the making.
type loading struct {
	fsys    fs.FS
	d       Definition
	errs    policyfile.Errors
	faults  faults
	failure error // of fsys
}

// checkNames finds files that are missing, and files that look like part of a
// policy but are not: a misspelt calendar.yaml would be a freeze that nobody
// keeps.
func (l *loading) checkNames() error {
	entries, err := fs.ReadDir(l.fsys, ".")
	if err != nil {
		return fmt.Errorf("the policy directory cannot be read: %w", err)
	}
	known := slices.Concat(requiredFiles, optionalFiles)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		extension := path.Ext(e.Name())
		if !e.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(extension)) && !slices.Contains(known, e.Name()) {
			message := "is not a file of a policy (there are " + strings.Join(known, ", ") + "); move it elsewhere"
			if hint := nearest.Hint(e.Name(), known); hint != "" {
				message = "is not a file of a policy" + hint + " (there are " + strings.Join(known, ", ") + ")"
			}
			l.faults.all = append(l.faults.all, &risk.ParseError{File: e.Name(), Message: message})
		}
	}
	for _, name := range requiredFiles {
		if !slices.Contains(names, name) {
			l.faults.all = append(l.faults.all, &risk.ParseError{File: name, Message: "is missing: a policy directory needs " + strings.Join(requiredFiles, ", ")})
		}
	}
	return l.faults.err()
}

// read is the content of a file; nil when it is absent.
func (l *loading) read(name string) []byte {
	f, err := l.fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var data []byte
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
		err = errors.Join(err, f.Close())
	}
	if err != nil && l.failure == nil {
		l.failure = fmt.Errorf("the policy cannot be read: %w", err)
	}
	if data == nil {
		data = []byte{}
	}
	return data
}

// document parses one file; nil when it is absent or of no use.
func (l *loading) document(name string) *policyfile.Node {
	data := l.read(name)
	if data == nil {
		return nil
	}
	return policyfile.Parse(name, data, &l.errs)
}

func (l *loading) risk() {
	data := l.read(riskFile)
	if data == nil {
		return
	}
	d, err := risk.ParseDefinition(riskFile, data)
	l.faults.join(err)
	l.d.Risk = d
}
