package rule

import "slices"

// maxClauses and maxClauseWords bound the clauses of one rule, so that none takes
// more room than its source may. Beyond them, parts of the rule are left out of
// its clauses, which then hold more often than the rule does.
const (
	maxClauses     = 128
	maxClauseWords = 1024
)

// expansion turns trees into clauses.
type expansion struct {
	code  []uint32
	loose bool // something was left out
}

// clauses are lists of literals such that a rule is not False only where all
// literals of one of them hold, and exactly there unless the expansion is loose.
func (x *expansion) clauses(trees ...uint32) [][]uint32 {
	x.loose = false
	out := [][]uint32{nil}
	for _, at := range trees {
		if at != 0 {
			alternatives, _ := x.expand(at)
			out = x.product(out, alternatives)
		}
	}
	for i, clause := range out {
		slices.Sort(clause)
		out[i] = slices.Compact(clause)
	}
	return out
}

// expand is the clauses of the tree at a place, and where the next one begins.
func (x *expansion) expand(at uint32) ([][]uint32, uint32) {
	word := x.code[at]
	if word&treeGroup == 0 {
		return [][]uint32{{word}}, at + 1
	}
	end := at + 1 + word&treeSize
	if word&treeOr != 0 {
		return x.either(at+1, end), end
	}
	return x.all(at+1, end), end
}

func (x *expansion) either(at, end uint32) [][]uint32 {
	var out, more [][]uint32
	for at < end {
		more, at = x.expand(at)
		if out = append(out, more...); len(out) > maxClauses || size(out) > maxClauseWords {
			x.loose = true
			return [][]uint32{nil}
		}
	}
	return out
}

// all joins the parts that are plain literals first, and those with the most
// alternatives last, as these are the ones to leave out.
func (x *expansion) all(at, end uint32) [][]uint32 {
	var plain []uint32
	var choices [][][]uint32
	for at < end {
		if word := x.code[at]; word&treeGroup == 0 {
			plain, at = append(plain, word), at+1
			continue
		}
		var choice [][]uint32
		choice, at = x.expand(at)
		choices = append(choices, choice)
	}
	slices.SortStableFunc(choices, func(a, b [][]uint32) int { return len(a) - len(b) })
	out := [][]uint32{plain}
	for _, choice := range choices {
		out = x.product(out, choice)
	}
	return out
}

func (x *expansion) product(a, b [][]uint32) [][]uint32 {
	switch {
	case len(a)*len(b) > maxClauses, len(a)*size(b)+len(b)*size(a) > maxClauseWords:
		x.loose = true
		return a
	case len(a) == 1 && len(a[0]) == 0:
		return b
	}
	out := make([][]uint32, 0, len(a)*len(b))
	for _, left := range a {
		for _, right := range b {
			out = append(out, slices.Concat(left, right))
		}
	}
	return out
}

// size counts the literals of clauses.
func size(clauses [][]uint32) int {
	n := 0
	for _, c := range clauses {
		n += len(c)
	}
	return n
}
