package main

import (
	"bytes"
	"iter"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// commit is one commit of the main line, with what it touched.
type commit struct {
	id      string
	unix    int64 // when it was committed, seconds since 1970 if git is to be believed
	root    bool  // it has no parent that the repository knows
	author  string
	files   []change.File // at most change.MaxFiles+1
	plain   bool          // all paths are such that a change can list them
	touched int           // files, also those beyond the list
	added   int           // lines of text
	deleted int
	binary  int            // files without lines
	bytes   int            // of all listed paths
	folders map[string]int // files by folder
	tops    map[string]int // files by the service that their top-level folder makes
}

// header is the form of the first token of a commit. Those of its files begin
// with a number or a dash, so that no file name can be taken for one.
const header = "--format=commit %H%n%ct%n%P%n%ae"

// commits reads a log with --numstat.
func commits(log iter.Seq2[[]byte, error]) iter.Seq2[*commit, error] {
	return func(yield func(*commit, error) bool) {
		var c *commit
		for token, err := range log {
			if err != nil {
				yield(nil, err)
				return
			}
			token = bytes.TrimPrefix(token, []byte("\n"))
			if head, ok := bytes.CutPrefix(token, []byte("commit ")); ok {
				if c != nil && !yield(c, nil) {
					return
				}
				c = newCommit(string(head))
			} else if c != nil {
				c.addFile(token)
			}
		}
		if c != nil {
			yield(c, nil)
		}
	}
}

func newCommit(head string) *commit {
	fields := append(strings.SplitN(head, "\n", 4), "", "", "")
	c := &commit{id: fields[0], root: fields[2] == "", author: fields[3], plain: true,
		files: []change.File{}, folders: map[string]int{}, tops: map[string]int{}}
	unix, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		unix = -1 // no date that a calendar knows
	}
	c.unix = unix
	return c
}

// addFile reads "ADDED\tDELETED\tPATH", where binary files have dashes.
func (c *commit) addFile(token []byte) {
	fields := strings.SplitN(string(token), "\t", 3)
	if len(fields) != 3 {
		return // the empty token between two commits
	}
	f := change.File{Path: fields[2]}
	added, err1 := strconv.Atoi(fields[0])
	deleted, err2 := strconv.Atoi(fields[1])
	if err1 == nil && err2 == nil {
		f.Added, f.Deleted = &added, &deleted
	} else {
		c.binary++
	}
	c.touched++
	c.added += added
	c.deleted += deleted
	c.folders[path.Dir(f.Path)]++
	c.tops[serviceName(f.Path)]++
	c.bytes += len(f.Path)
	c.plain = c.plain && plainPath(f.Path)
	if len(c.files) <= change.MaxFiles {
		c.files = append(c.files, f)
	}
}

// plainPath reports whether a change can list the path, as [change.Change]
// has it: bytes that are no text have no place in JSON, people cannot see
// control characters, and patterns know no backslash.
func plainPath(p string) bool {
	return utf8.ValidString(p) && !strings.ContainsFunc(p, unicode.IsControl) && !strings.Contains(p, `\`) && len(p) <= 1024
}

// listed reports whether the change can list its files, or states its size.
func (c *commit) listed() bool {
	return c.plain && c.touched <= change.MaxFiles && c.bytes <= change.MaxPathBytes
}

// service is the one that most of the files belong to.
func (c *commit) service() string {
	best := topLevel
	for name, n := range c.tops {
		if n > c.tops[best] || n == c.tops[best] && name < best {
			best = name
		}
	}
	return best
}

// The services that are no folder.
const (
	topLevel = "top-level" // files in the root
	theRest  = "other"
)

// serviceName makes the name of a service of the first folder of a path.
func serviceName(p string) string {
	folder, _, ok := strings.Cut(p, "/")
	if !ok {
		return topLevel
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, strings.ToLower(folder))
	name = strings.TrimLeft(name[:min(len(name), 64)], "._-")
	if name == "" {
		return theRest
	}
	return name
}

var takesBack = regexp.MustCompile(`(?m)^This reverts commit ([0-9a-f]{7,64})\b`)

// reverts are the commits that others took back, and those others. Only what
// their messages say counts.
type reverts struct {
	by     map[string]bool     // the commits that take back others
	undone map[string][]string // what was taken back, by the first seven digits, as written
}

// findReverts reads all messages of the main line that say so.
func findReverts(r repository) (reverts, error) {
	out := reverts{map[string]bool{}, map[string][]string{}}
	for token, err := range r.log("--fixed-strings", "--grep=This reverts commit", "--format=%H%n%B") {
		if err != nil {
			return out, err
		}
		id, message, _ := strings.Cut(string(token), "\n")
		for _, m := range takesBack.FindAllStringSubmatch(message, -1) {
			out.by[id] = true
			out.undone[m[1][:7]] = append(out.undone[m[1][:7]], m[1])
		}
	}
	return out, nil
}

// failed reports whether the commit was taken back later.
func (r reverts) failed(id string) bool {
	for _, written := range r.undone[id[:min(7, len(id))]] {
		if strings.HasPrefix(id, written) {
			return true
		}
	}
	return false
}
