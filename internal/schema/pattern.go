package schema

import (
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// pattern is a regular expression. Most are a row of character classes from
// the beginning of the text to its end, and matched as such.
type pattern struct {
	regexp *regexp.Regexp
	runs   []run // nil: not such a row
}

// run is how many bytes of a set may stand in a row. It takes as many as it
// can: where that leads to the end of the text, the expression does match;
// where it does not, the expression itself is asked.
type run struct {
	set         [4]uint64 // of ASCII characters, a bit for each
	least, most int       // most is -1 without limit
}

// newPattern compiles an expression that has been checked.
func newPattern(source string) *pattern {
	p := &pattern{regexp: regexp.MustCompile(source)}
	tree, err := syntax.Parse(source, syntax.Perl)
	if err != nil || tree.Op != syntax.OpConcat || len(tree.Sub) < 2 {
		return p
	}
	last := len(tree.Sub) - 1
	if tree.Sub[0].Op != syntax.OpBeginText || tree.Sub[last].Op != syntax.OpEndText {
		return p
	}
	runs := []run{}
	for _, part := range tree.Sub[1:last] {
		more := runsOf(part)
		if more == nil {
			return p
		}
		runs = append(runs, more...)
	}
	p.runs = runs
	return p
}

// runsOf returns nil for what is not a row of runs.
func runsOf(part *syntax.Regexp) []run {
	var repeated [2]int
	switch part.Op {
	case syntax.OpLiteral:
		return literalRuns(part)
	case syntax.OpCharClass:
		return []run{{classOf(part.Rune), 1, 1}}
	case syntax.OpStar:
		repeated = [2]int{0, -1}
	case syntax.OpPlus:
		repeated = [2]int{1, -1}
	case syntax.OpQuest:
		repeated = [2]int{0, 1}
	case syntax.OpRepeat:
		repeated = [2]int{part.Min, part.Max}
	default:
		return nil
	}
	one := runsOf(part.Sub[0])
	if len(one) != 1 || one[0].least != 1 || one[0].most != 1 {
		return nil
	}
	return []run{{one[0].set, repeated[0], repeated[1]}}
}

func literalRuns(part *syntax.Regexp) (runs []run) {
	if part.Flags&syntax.FoldCase != 0 {
		return nil
	}
	for _, r := range part.Rune {
		runs = append(runs, run{classOf([]rune{r, r}), 1, 1})
	}
	return runs
}

// classOf returns the ASCII characters of ranges. The others are left to the
// expression itself.
func classOf(ranges []rune) (set [4]uint64) {
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1] && r < utf8.RuneSelf; r++ {
			set[r>>6] |= 1 << (r & 63)
		}
	}
	return set
}

func (p *pattern) matches(s string) bool {
	return p.runs != nil && matchRuns(p.runs, s) || p.regexp.MatchString(s)
}

func matchRuns(runs []run, s string) bool {
	at := 0
	for i := range runs {
		r := &runs[i]
		from, end := at, len(s)
		if r.most >= 0 {
			end = min(end, at+r.most)
		}
		for at < end && r.set[s[at]>>6]>>(s[at]&63)&1 != 0 {
			at++
		}
		if at-from < r.least {
			return false
		}
	}
	return at == len(s)
}
