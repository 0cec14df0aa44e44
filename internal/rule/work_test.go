package rule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Questions that share a budget settle nothing once it is used up, and then
// cost nothing: the rules of a stranger are not looked at for ever.
func TestSpaceWork(t *testing.T) {
	v, err := NewVocabulary([]Fact{{Name: "a.n", Type: Int}, {Name: "a.t", Type: Text, Bytes: 100}}, "")
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for i := range 300 {
		items = append(items, fmt.Sprint("item-", i))
	}
	v = v.WithSets([]NamedSet{{Name: "big", Items: items}})
	never, err := Compile(v, "a.t in sets.big and a.n > 1 and a.n < 1")
	if err != nil {
		t.Fatal(err)
	}
	work := 10_000_000
	s := &Space{Vocabulary: v, Work: &work}
	if !s.Excludes(never, IsTrue, 4000) {
		t.Fatal("a condition that can never be true is not excluded")
	}
	if used := 10_000_000 - work; used < 300*workOfValue {
		t.Errorf("the values of a set of 300 items took %d", used)
	}
	questions := 0
	for ; s.Excludes(never, IsTrue, 4000); questions++ {
	}
	if questions == 0 || questions > 200 {
		t.Errorf("%d questions were answered", questions)
	}
	left := work
	answer, _ := s.Reach(never, IsTrue, 4000)
	if answer != NotSettled || s.Excludes(never, IsTrue, 4000) || left-work > 10 {
		t.Errorf("without work the answer is %v, for %d more", answer, left-work)
	}
}

// A long text that is looked for within others is not walked along from each of
// their bytes: the two could be of one letter.
func TestSetLongInfix(t *testing.T) {
	v, err := NewVocabulary([]Fact{{Name: "a.l", Type: List, Items: 1000, Bytes: 1 << 20}, {Name: "a.t", Type: Text, Bytes: 16384}}, "")
	if err != nil {
		t.Fatal(err)
	}
	letters := strings.Repeat("a", 1000)
	var rules []Pair
	for _, source := range []string{"any(a.l, # contains '" + letters + "b')", "a.t contains '" + letters + "'", "a.t contains 'aab' and any(a.l, # contains 'aab')"} {
		e, err := Compile(v, source)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, Pair{When: e})
	}
	s := NewSet(v, rules)
	for _, n := range s.tries.nodes {
		if n.length > 32 {
			t.Errorf("a trie has a text of %d bytes", n.length)
		}
	}
	for _, text := range []string{letters, letters + "b", "aab", ""} {
		facts := []Value{ListValue([]string{"x", text, letters}), TextValue(text)}
		decided := s.NewRun().Decide(facts)
		for i, r := range rules {
			want, _ := r.When.Eval(facts)
			listed := slices.ContainsFunc(decided, func(d Decided) bool { return int(d.Rule) == i && d.When == want })
			if listed != (want == IsTrue) {
				t.Errorf("%q of %.20q... is %v, and listed: %v", r.When.Source(), text, want, listed)
			}
		}
	}
}
