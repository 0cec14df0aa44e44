package rule

import (
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/types"

	"github.com/changelane/changelane/internal/nearest"
)

// NamedSet is a list of texts under a name, for the right of "in" and for touches().
type NamedSet struct {
	Name   string
	Items  []string
	Places []string // where each item was written, for messages; nil where nobody knows
}

// setsGroup is what names of sets begin with in a source, as in sets.critical.
const setsGroup = "sets"

// namedSet is a set with what membership is looked up in.
type namedSet struct {
	NamedSet
	has map[string]bool

	// within are the closed sets of words that hold all items, by their first
	// word, with how many words there are: many conditions may ask.
	within map[*string]int
}

// closedSet is the words that some facts are one of.
type closedSet struct {
	words []string
	holds map[string]bool
}

// closedSets are those of the facts, each once.
func closedSets(facts []Fact) []closedSet {
	var out []closedSet
	seen := map[*string]bool{}
	for _, f := range facts {
		if len(f.Words) == 0 || seen[&f.Words[0]] {
			continue
		}
		seen[&f.Words[0]] = true
		holds := make(map[string]bool, len(f.Words))
		for _, w := range f.Words {
			holds[w] = true
		}
		out = append(out, closedSet{f.Words, holds})
	}
	return out
}

// findWithin looks at the closed sets of the facts.
func (s *namedSet) findWithin(closed []closedSet) {
	s.within = map[*string]int{}
	for _, c := range closed {
		if !slices.ContainsFunc(s.Items, func(item string) bool { return !c.holds[item] }) {
			s.within[&c.words[0]] = len(c.words)
		}
	}
}

// place is where item number i was written, in brackets, or "".
func (s *namedSet) place(i int) string {
	if i >= len(s.Places) || s.Places[i] == "" {
		return ""
	}
	return " (" + s.Places[i] + ")"
}

// WithSets returns the vocabulary with sets that expressions may name. The
// caller has checked that no name stands twice and each can be written.
func (v *Vocabulary) WithSets(sets []NamedSet) *Vocabulary {
	out := *v
	out.sets = make([]*namedSet, len(sets))
	closed := closedSets(v.facts)
	for i, s := range sets {
		out.sets[i] = &namedSet{NamedSet: s, has: make(map[string]bool, len(s.Items))}
		out.sets[i].findWithin(closed)
		for _, item := range s.Items {
			out.sets[i].has[item] = true
		}
	}
	out.prototype = out.newConfig()
	return &out
}

// setTypes is what expr's checker is told of the sets.
func (v *Vocabulary) setTypes() types.Map {
	out := types.Map{}
	for _, s := range v.sets {
		out[s.Name] = types.Array(types.String)
	}
	return out
}

// namesSet reports whether a name is that of a set, or of all sets.
func namesSet(name string) bool { return name == setsGroup || strings.HasPrefix(name, setsGroup+".") }

// set finds the set that is named at n; false when n names none and is
// something else.
func (l *lowering) set(n ast.Node) (s *namedSet, is bool, err *Error) {
	full, ok := dashed(n)
	if !ok || !namesSet(full) {
		return nil, false, nil
	}
	name := strings.TrimPrefix(strings.TrimPrefix(full, setsGroup), ".")
	var names []string
	for _, s := range l.vocabulary.sets {
		if s.Name == name {
			return s, true, nil
		}
		names = append(names, s.Name)
	}
	underscored := strings.ReplaceAll(name, "-", "_")
	switch meant := nearest.To(underscored, names); {
	case slices.Contains(names, underscored):
		return nil, true, l.errorf(n, "no set is named %q%s", name, didYouMean(setsGroup+"."+underscored))
	case name == "":
		return nil, true, l.errorf(n, "%q holds all sets; name one of them, such as %s.critical", setsGroup, setsGroup)
	case meant != "":
		return nil, true, l.errorf(n, "no set is named %q%s", name, didYouMean(setsGroup+"."+meant))
	}
	return nil, true, l.errorf(n, "no set is named %q%s", name, l.vocabulary.notes[setsGroup])
}

// dashed spells a name with dots as it was written, also one with hyphens,
// which is read as names with a minus between them.
func dashed(n ast.Node) (string, bool) {
	if minus, ok := n.(*ast.BinaryNode); ok && minus.Operator == "-" {
		a, left := dashed(minus.Left)
		b, right := hyphened(minus.Right)
		return a + "-" + b, left && right
	}
	return dotted(n)
}

// inSet lowers membership in a named set: the same as a list that is written
// out, looked up by its hash.
func (l *lowering) inSet(n *ast.BinaryNode, a *node, s *namedSet) (*node, *Error) {
	if a.kind != Text {
		return nil, l.errorf(n.Left, "the set %q holds texts, and this is %s%s", s.Name, a.kind, setHint(a.kind, s.Name))
	}
	if err := l.setWords(n.Right, a, s); err != nil {
		return nil, err
	}
	return &node{op: opIn, name: s.Name, kind: Bool, args: []*node{a}, texts: s.Items, run: strict(func(_ *node, a, _ Value) Value { return BoolValue(s.has[a.Text]) }),
		cost: step.plus(step).plus(a.cost).plus(a.size.times(compareByte))}, nil
}

func setHint(kind Type, set string) string {
	if kind == List {
		return "; write any(list, # in " + setsGroup + "." + set + ")"
	}
	return ""
}

// setWords refuses a set with an item that what is looked for can never be.
func (l *lowering) setWords(at ast.Node, a *node, s *namedSet) *Error {
	if len(a.words) > 0 && s.within[&a.words[0]] == len(a.words) {
		return nil
	}
	possible := make(map[string]bool, len(a.words))
	for _, w := range a.words {
		possible[w] = true
	}
	for i, item := range s.Items {
		if a.words != nil && possible[item] {
			continue
		}
		if why := l.never(item, a); why != "" {
			return l.errorf(at, "%q of the set %q%s %s", item, s.Name, s.place(i), why)
		}
	}
	return nil
}

// globSet adds the path patterns of a set to touches().
func (l *lowering) globSet(at ast.Node, s *namedSet, out *node) *Error {
	for i, item := range s.Items {
		if problem := l.addGlob(item, out); problem != "" {
			return l.errorf(at, "of the set %q%s: %s", s.Name, s.place(i), problem)
		}
		if out.cost.fixed > CostLimit {
			break // it is refused for that; what is left to read could be long
		}
	}
	return nil
}
