package change

import (
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/internal/schema"
)

// The limits of a change beyond those in its schema.
const (
	MaxFiles     = 1000      // files that may be listed; a larger change states its size
	MaxPathBytes = 128 << 10 // bytes of all paths together
	MaxText      = 4096      // bytes of the longest text
)

// Validate reports everything that is wrong with a change that was built in
// Go: the same as [Decode] would say of its JSON. The error is [Problems].
func (c *Change) Validate() error {
	_, err := c.validate()
	return err
}

// validate gives back the canonical bytes of a change that is valid.
func (c *Change) validate() ([]byte, error) {
	if found := c.words(); len(found) > 0 {
		return nil, found
	}
	tree, canonical, err := c.encode()
	if err != nil {
		return nil, unplaced(parseProblems(err))
	}
	if found := compiled.Validate(tree); len(found) > 0 {
		return nil, unplaced(problems(found))
	}
	if found := checkTimes(tree); len(found) > 0 {
		return nil, unplaced(found)
	}
	if found := c.check(); len(found) > 0 {
		return nil, unplaced(located(found, tree))
	}
	return canonical, nil
}

// unplaced drops places in a text that the caller has never seen.
func unplaced(err error) error {
	var found Problems
	errors.As(err, &found)
	for i := range found {
		found[i].Line, found[i].Column = 0, 0
	}
	return found
}

// words finds enumerations that are not stated, which have no encoding.
func (c *Change) words() Problems {
	var out Problems
	need := func(v vocabulary, word uint8, pointer string, args ...any) {
		if word == 0 || int(word) >= len(v.words) {
			out = append(out, Problem{Pointer: fmt.Sprintf(pointer, args...), Message: "is missing; expected one of " + strings.Join(v.list(), ", ")})
		}
	}
	need(kindWords, uint8(c.Kind), "/kind")
	for i, p := range c.Contributors {
		need(partWords, uint8(p.As), "/contributors/%d/as", i)
	}
	for i, e := range c.Evidence {
		need(resultWords, uint8(e.Result), "/evidence/%d/result", i)
	}
	if c.Validation != nil {
		need(partyWords, uint8(c.Validation.Party), "/validation/party")
	}
	for i, l := range c.Links {
		need(relationWords, uint8(l.Relation), "/links/%d/rel", i)
	}
	return out
}

// checkTimes refuses times that the schema lets through and Go would read as
// something else, or as no time at all. Years are bounded as in a [Date].
func checkTimes(tree *schema.Value) Problems {
	var out Problems
	look := func(v *schema.Value, pointer string, args ...any) {
		if v == nil {
			return
		}
		t, err := time.Parse(time.RFC3339, v.Text)
		if year := t.UTC().Year(); err != nil || year < firstYear || year > lastYear {
			out = append(out, Problem{fmt.Sprintf(pointer, args...), v.Line, v.Column,
				fmt.Sprintf("is %q; expected a time from %d to %d such as 2026-01-31T09:30:00Z, with T and Z in upper case", v.Text, firstYear, lastYear)})
		}
	}
	if list := tree.Get("evidence"); list != nil {
		for i, e := range list.Items {
			look(e.Get("at"), "/evidence/%d/at", i)
		}
	}
	look(tree.Get("window").Get("start"), "/window/start")
	look(tree.Get("window").Get("end"), "/window/end")
	return out
}

// check holds what a schema cannot say.
func (c *Change) check() Problems {
	var out Problems
	add := func(pointer, format string, args ...any) {
		out = append(out, Problem{Pointer: pointer, Message: fmt.Sprintf(format, args...)})
	}
	c.checkFiles(add)
	c.checkSize(add)
	c.checkTexts(add)
	c.checkEvidence(add)
	c.checkTargets(add)
	if w := c.Window; w != nil && !w.Start.Before(w.End) {
		add("/window/end", "is not after the start of the window")
	}
	if c.Claim != nil && c.Claim.Type == Standard && c.Emergency != nil {
		add("/claim/type", "an emergency is never a standard change; leave out the claim or the emergency")
	}
	if c.Claim != nil && c.Claim.Type == Normal && c.Claim.Template != "" {
		add("/claim/template", "only a claim that the change is standard names a template")
	}
	return out
}

type addProblem func(pointer, format string, args ...any)

func (c *Change) checkFiles(add addProblem) {
	var seen repeats
	bytes := 0
	for i := range c.Files {
		at := c.Files[i].Path
		again := seen.add(at)
		if problem := pathProblem(at); problem != "" {
			add(fmt.Sprintf("/files/%d/path", i), "%s", problem)
		} else if again {
			add(fmt.Sprintf("/files/%d/path", i), "%q is listed twice", at)
		}
		bytes += len(at)
	}
	if bytes > MaxPathBytes {
		add("/files", "the paths have %d bytes together; at most %d are allowed: state the size instead", bytes, MaxPathBytes)
	}
}

// CheckPath reports why a path cannot stand in the files of a change: rules
// match paths as they are written, so there is one way to write each.
func CheckPath(path string) error {
	if problem := pathProblem(path); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// pathProblem refuses paths that a pattern of the policy would not see for
// what they are, such as "./migrations/1.sql".
func pathProblem(p string) string {
	switch {
	case strings.Contains(p, `\`):
		return fmt.Sprintf("%q holds a backslash; write paths with forward slashes", p)
	case strings.HasPrefix(p, "/") || path.Clean(p) != p || p == "." || p == ".." || strings.HasPrefix(p, "../"):
		return fmt.Sprintf("%q is not a plain path from the root of the repository; write it without a leading slash, empty parts, \".\" or \"..\"", p)
	case !utf8.ValidString(p):
		return fmt.Sprintf("%q is not UTF-8; rename the file", p)
	case strings.ContainsFunc(p, unicode.IsControl):
		return fmt.Sprintf("%q holds a control character; rename the file", p)
	case len(p) > 1024:
		return "a path is longer than 1,024 bytes"
	}
	return ""
}

func (c *Change) checkSize(add addProblem) {
	if c.Size == nil || c.Files == nil {
		return
	}
	agree := func(name string, stated *int, counted int, all bool) {
		if stated != nil && (*stated < counted || all && *stated > counted) {
			add("/size/"+name, "says %d, but the listed files come to %d; leave it out, or list all files", *stated, counted)
		}
	}
	agree("files", c.Size.Files, len(c.Files), true)
	agree("directories", c.Size.Directories, c.Directories(), true)
	added, all := total(c.Files, func(f File) *int { return f.Added })
	agree("lines_added", c.Size.LinesAdded, added, all)
	deleted, all := total(c.Files, func(f File) *int { return f.Deleted })
	agree("lines_deleted", c.Size.LinesDeleted, deleted, all)
}

// total sums the lines that the files state, and reports whether all do: if
// not, the sum is the least that there can be.
func total(files []File, lines func(File) *int) (sum int, all bool) {
	all = true
	for _, f := range files {
		if n := lines(f); n != nil {
			sum += *n
		} else {
			all = false
		}
	}
	return sum, all
}

// Lines sums the lines of the listed files; false when a file does not say, or
// no files are listed. Sums that an int cannot hold, which no valid change has,
// are the most, or the least, that it can.
func (c *Change) Lines() (added, deleted int, known bool) {
	for _, f := range c.Files {
		if f.Added == nil || f.Deleted == nil {
			return 0, 0, false
		}
		added, deleted = saturated(added, *f.Added), saturated(deleted, *f.Deleted)
	}
	return added, deleted, c.Files != nil
}

// saturated is a sum that does not wrap.
func saturated(a, b int) int {
	switch sum := a + b; {
	case a > 0 && b > 0 && sum < 0:
		return math.MaxInt
	case a < 0 && b < 0 && sum >= 0:
		return math.MinInt
	default:
		return sum
	}
}

// Directories counts the folders that the listed files are in.
func (c *Change) Directories() int {
	seen := map[string]bool{}
	for _, f := range c.Files {
		seen[path.Dir(f.Path)] = true
	}
	return len(seen)
}

// checkTexts bounds bytes where the schema bounds characters.
func (c *Change) checkTexts(add addProblem) {
	for _, t := range []struct{ pointer, text string }{{"/title", c.Title}, {"/reason", c.Reason}} {
		if len(t.text) > MaxText {
			add(t.pointer, "has %d bytes; at most %d are allowed", len(t.text), MaxText)
		}
	}
	if strings.ContainsFunc(c.Title, unicode.IsControl) {
		add("/title", "holds a line break or another control character; expected one line")
	}
}

func (c *Change) checkEvidence(add addProblem) {
	var seen repeats
	for i := range c.Evidence {
		if name := c.Evidence[i].Name; seen.add(name) {
			add(fmt.Sprintf("/evidence/%d/name", i), "%q is given twice; one result for each check", name)
		}
	}
	for i, a := range c.Attested {
		for j, name := range a.Covers {
			if !attestable(name) {
				add(fmt.Sprintf("/attested/%d/covers/%d", i, j), "%q names no data that can be vouched for; expected %s, evidence.NAME or attributes.NAME%s",
					name, strings.Join(Attestable(), ", "), nearest.Hint(name, Attestable()))
			}
		}
	}
}

func (c *Change) checkTargets(add addProblem) {
	var seen repeats
	for i := range c.Targets {
		if name := c.Targets[i].Name; seen.add(name) {
			add(fmt.Sprintf("/targets/%d/name", i), "%q is listed twice; each target is started once", name)
		}
	}
}

// repeats finds texts that come again. Few are compared one by one.
type repeats struct {
	few  [16]string
	n    int
	many map[string]bool
}

// add reports whether the text has been added before.
func (r *repeats) add(s string) bool {
	if r.n < len(r.few) {
		if slices.Contains(r.few[:r.n], s) {
			return true
		}
		r.few[r.n] = s
		r.n++
		return false
	}
	if r.many == nil {
		r.many = map[string]bool{}
		for _, s := range r.few {
			r.many[s] = true
		}
	}
	again := r.many[s]
	r.many[s] = true
	return again
}

// Attestable lists the names of data that an [Attestation] can cover, besides
// "evidence.NAME" and "attributes.NAME" for one check or attribute.
func Attestable() []string { return slices.Clone(attestables) }

var attestables = []string{"artifacts", "attributes", "backout", "claim", "commits", "contributors", "downtime", "emergency", "evidence", "files", "history", "kind", "links", "plan", "requester", "size", "targets", "validation", "window"}

func attestable(name string) bool {
	group, member, dotted := strings.Cut(name, ".")
	if dotted {
		return member != "" && (group == "evidence" || group == "attributes")
	}
	return slices.Contains(attestables, name)
}

// Observed reports whether somebody vouches for the data of that name, by
// itself or as part of its group.
func (c *Change) Observed(name string) bool {
	group, _, _ := strings.Cut(name, ".")
	for _, a := range c.Attested {
		if slices.Contains(a.Covers, name) || slices.Contains(a.Covers, group) {
			return true
		}
	}
	return false
}
