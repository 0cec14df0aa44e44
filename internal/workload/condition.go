package workload

import (
	"regexp"
	"slices"
	"strings"
)

// Op is what a condition does: it joins others, or tests a field.
type Op uint8

// The operations.
const (
	And      Op = iota + 1 // all of Of
	Or                     // any of Of
	Not                    // not Of[0]
	Equal                  // the text is Texts[0]
	In                     // the text is one of Texts
	Above                  // the number is > Number
	AtLeast                // >=
	Below                  // <
	AtMost                 // <=
	IsTrue                 // the flag
	Has                    // the list has the element Texts[0]
	AnyStart               // an element of the list starts with Texts[0]
	AnyEnd                 // an element of the list ends with Texts[0]
	Contains               // the text contains Texts[0]
	Starts                 // the text starts with Texts[0]
	Matches                // the text matches the pattern Texts[0]
	Ratio                  // the number divided by that of By is > Number
)

// Condition is a tree of tests.
type Condition struct {
	Op     Op
	Of     []Condition
	Field  Field
	By     Field // the divisor of Ratio
	Texts  []string
	Number float64
}

// Holds decides the condition in the plainest way.
func (n *Condition) Holds(c *Change) bool {
	switch n.Op {
	case And:
		return !slices.ContainsFunc(n.Of, func(p Condition) bool { return !p.Holds(c) })
	case Or:
		return slices.ContainsFunc(n.Of, func(p Condition) bool { return p.Holds(c) })
	case Not:
		return !n.Of[0].Holds(c)
	case IsTrue:
		return c.Flag(n.Field)
	case Has, AnyStart, AnyEnd:
		return slices.ContainsFunc(c.List(n.Field), n.about)
	case Above, AtLeast, Below, AtMost, Ratio:
		return n.aboutNumber(c)
	}
	return n.about(c.Text(n.Field))
}

// about tests one text.
func (n *Condition) about(s string) bool {
	switch n.Op {
	case Contains:
		return strings.Contains(s, n.Texts[0])
	case Starts, AnyStart:
		return strings.HasPrefix(s, n.Texts[0])
	case AnyEnd:
		return strings.HasSuffix(s, n.Texts[0])
	case Matches:
		return regexp.MustCompile(n.Texts[0]).MatchString(s)
	}
	return slices.Contains(n.Texts, s)
}

func (n *Condition) aboutNumber(c *Change) bool {
	x := c.Number(n.Field)
	switch n.Op {
	case Above:
		return x > n.Number
	case AtLeast:
		return x >= n.Number
	case Below:
		return x < n.Number
	case AtMost:
		return x <= n.Number
	}
	return x/c.Number(n.By) > n.Number
}

// Literal is a test, or its negation.
type Literal struct {
	Test Condition
	Not  bool
}

// Clauses is the condition as an "or" of "and"s of literals. It uses nothing
// but De Morgan and the distributive law, which hold with unknown facts too.
func (n *Condition) Clauses() [][]Literal { return n.clauses(false) }

func (n *Condition) clauses(not bool) [][]Literal {
	switch {
	case n.Op == Not:
		return n.Of[0].clauses(!not)
	case n.Op == Or && !not, n.Op == And && not:
		var out [][]Literal
		for i := range n.Of {
			out = append(out, n.Of[i].clauses(not)...)
		}
		return out
	case n.Op == And, n.Op == Or:
		out := [][]Literal{nil}
		for i := range n.Of {
			out = product(out, n.Of[i].clauses(not))
		}
		return out
	}
	return [][]Literal{{{*n, not}}}
}

func product(a, b [][]Literal) [][]Literal {
	var out [][]Literal
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}
