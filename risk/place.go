package risk

import "fmt"

// Place is where a part of a policy was read. The zero Place is that of what
// was built in Go. Line and Column count from 1, columns in characters.
type Place struct {
	File         string
	Line, Column int
}

// String is such as "risk.yaml:12:5", or "" for the zero Place.
func (p Place) String() string {
	if p.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Place is where a field of the rule set was read. The path is as in the file:
// "default", "levels/high", "groups/size/cap". What is not there is shown where
// it would belong.
func (d Definition) Place(path string) Place { return Place(d.src.node.Place(path, 0, 0)) }

// Place is where a field of the rule was read, such as "points", or "cuts/1"
// for the second cut. A line above 0 is one within the text of a condition, as
// a [Mutant] has it.
func (r Rule) Place(field string, line, column int) Place { return within(r.src, field, line, column) }

// Place is where the condition was read; see [Rule.Place].
func (a Applicability) Place(line, column int) Place { return within(a.src, "", line, column) }

func within(at source, field string, line, column int) Place {
	return Place(at.node.Place(field, line, column))
}
