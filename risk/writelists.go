package risk

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
)

// What is counted is often listed, and much else is read from the list: it is
// kept as far as the count allows, so that no other fact becomes unknown.

// mostListed is how many files are listed for the sake of a number; of more, only
// the number is stated.
const mostListed = 100

// writeSize states how much is touched: in the list of files where there is one,
// or else as a size.
func writeSize(c *change.Change, name string, value any) {
	n := writeWhole(value)
	lines := strings.HasPrefix(name, "lines_")
	added, deleted, known := c.Lines()
	if len(c.Files) == 0 || n == nil || !lines && *n > mostListed || lines && !known {
		stateSize(c, name, n)
		return
	}
	switch name {
	case "files":
		c.Files = manyFiles(c.Files, *n)
	case "directories":
		c.Files = inFolders(c.Files, *n)
	case "lines_added":
		added = *n
	case "lines_deleted":
		deleted = *n
	case "lines_changed":
		deleted = min(deleted, *n)
		added = *n - deleted
	}
	if !known {
		c.Size = onlyLines(c.Size)
		return
	}
	c.Size = nil // the list says all of it
	c.Files = slices.Clone(c.Files)
	spread(c.Files, added, func(f *change.File) **int { return &f.Added })
	spread(c.Files, deleted, func(f *change.File) **int { return &f.Deleted })
}

// stateSize states one number of the size, and the others as they are. Files that
// are listed stay so, without their lines, while only lines are in question.
func stateSize(c *change.Change, name string, n *int) {
	size := change.Size{}
	if c.Size != nil {
		size = *c.Size
	}
	if added, deleted, known := c.Lines(); known {
		size.LinesAdded, size.LinesDeleted = &added, &deleted
	}
	switch {
	case len(c.Files) > 0 && strings.HasPrefix(name, "lines_"):
		size.Files, size.Directories = nil, nil
		c.Files = slices.Clone(c.Files)
		for i := range c.Files {
			c.Files[i].Added, c.Files[i].Deleted = nil, nil
		}
	case c.Files != nil:
		files, directories := len(c.Files), c.Directories()
		size.Files, size.Directories, c.Files = &files, &directories, nil
	}
	switch name {
	case "files":
		size.Files = n
	case "directories":
		size.Directories = n
	case "lines_added":
		size.LinesAdded = n
	case "lines_deleted":
		size.LinesDeleted = n
	case "lines_changed":
		size.LinesAdded, size.LinesDeleted = n, nil
		if n != nil {
			size.LinesDeleted = new(int)
		}
	}
	c.Size = &size
}

func onlyLines(s *change.Size) *change.Size {
	if s == nil {
		return nil
	}
	return &change.Size{LinesAdded: s.LinesAdded, LinesDeleted: s.LinesDeleted}
}

// spread makes a number of the files come to a sum: each keeps what it has, as
// far as the sum goes, and the first has what is left.
func spread(files []change.File, sum int, of func(*change.File) **int) {
	for i := len(files) - 1; i >= 0; i-- {
		n := sum
		if has := *of(&files[i]); i > 0 && has != nil {
			n = min(*has, sum)
		} else if i > 0 {
			n = 0
		}
		*of(&files[i]) = &n
		sum -= n
	}
}

// manyFiles are so many files: the first ones, and others beside the last of them.
func manyFiles(files []change.File, n int) []change.File {
	out := slices.Clone(files[:min(n, len(files))])
	last := files[len(files)-1].Path
	extension := path.Ext(last)
	for i := 2; len(out) < n; i++ {
		out = with(out, fmt.Sprintf("%s-%d%s", strings.TrimSuffix(last, extension), i, extension))
	}
	return out
}

// inFolders are files in so many folders: those of the first ones, and one in
// each of others within the last of them.
func inFolders(files []change.File, n int) []change.File {
	var out []change.File
	var folders []string
	for _, f := range files {
		folder := path.Dir(f.Path)
		known := slices.Contains(folders, folder)
		if !known && len(folders) < n {
			folders, known = append(folders, folder), true
		}
		if known {
			out = append(out, f)
		}
	}
	folder, file := path.Split(files[len(files)-1].Path)
	for i := 2; len(folders) < n; i++ {
		if more := fmt.Sprint(folder, "folder-", i); !slices.Contains(folders, more) {
			folders, out = append(folders, more), with(out, more+"/"+file)
		}
	}
	return slices.Clip(append([]change.File{}, out...))
}

// with adds a file, unless it is there.
func with(files []change.File, name string) []change.File {
	if slices.ContainsFunc(files, func(f change.File) bool { return f.Path == name }) {
		return files
	}
	return append(files, change.File{Path: name})
}

// resized are so many things: the first ones, and copies of the last that are
// marked apart.
func resized[T any](value any, list []T, n int, none T, mark func(*T, int)) []T {
	if value == nil {
		return nil
	}
	out := append(make([]T, 0, n), list[:min(n, len(list))]...)
	if len(list) > 0 {
		none = list[len(list)-1]
	}
	for i := len(out); i < n; i++ {
		one := none
		mark(&one, i+1)
		out = append(out, one)
	}
	return out
}

// writeTargets states an environment or a region for each target, of which there
// are as many as there were, if that is enough.
func writeTargets(c *change.Change, value any, list []string, of func(*change.Target) *string) {
	n := max(len(list), len(c.Targets))
	if len(list) == 0 {
		n = 0
	}
	c.Targets = resized(value, c.Targets, n, change.Target{}, nameTarget)
	for i := range c.Targets {
		*of(&c.Targets[i]) = list[min(i, len(list)-1)]
	}
}

func nameTarget(t *change.Target, i int) { t.Name = fmt.Sprint("target-", i) }

// writePlan states how many steps there are, how many of them people carry out,
// or who takes part.
func writePlan(c *change.Change, name string, value any) {
	count, _ := value.(int64)
	parties, _ := value.([]string)
	automated, byHand := true, false
	step := change.Step{Party: change.Owner.String(), Automated: &automated}
	title := func(s *change.Step, i int) { s.Title = fmt.Sprint("step ", i) }
	n := int(count)
	switch name {
	case "steps":
		c.Plan = resized(value, c.Plan, n, step, title)
	case "manual_steps":
		c.Plan = resized(value, c.Plan, max(n, len(c.Plan)), step, title)
		for i := range c.Plan {
			c.Plan[i].Automated = &automated
			if i < n {
				c.Plan[i].Automated = &byHand
			}
		}
	case "parties":
		own := slices.DeleteFunc(slices.Clone(c.Plan), func(s change.Step) bool { return s.Party != change.Owner.String() })
		c.Plan = resized(value, own, len(own)+len(parties), step, title)
		for i, party := range parties {
			c.Plan[len(own)+i].Party = party
		}
	}
}
