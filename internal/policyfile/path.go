package policyfile

import (
	"slices"
	"strconv"
	"strings"
)

// Place is where a value within this one begins: path names it by the names of
// fields and the numbers of items or fields, from 0, such as "cuts/1". A line
// above 0 means a place within the text of that value; see [Node.Within]. What
// is not there is shown at the nearest value around it.
func (n *Node) Place(path string, line, column int) Pos {
	if n == nil {
		return Pos{}
	}
	at := n
	for step := range strings.SplitSeq(path, "/") {
		inner := at.step(step)
		if step == "" || inner == nil {
			continue
		}
		at = inner
	}
	if line > 0 {
		return at.Within(line, column)
	}
	return at.Pos
}

// step is one value within; nil when there is none.
func (n *Node) step(name string) *Node {
	if i := slices.IndexFunc(n.Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return n.Fields[i].Value
	}
	i, err := strconv.Atoi(name)
	switch {
	case err != nil || i < 0:
		return nil
	case i < len(n.Items):
		return n.Items[i]
	case i < len(n.Fields):
		return n.Fields[i].Value
	}
	return nil
}
