package rule

import (
	"fmt"
	"testing"
)

// The columns of a set of rules never run out of numbers: the last of the facts
// that there can be is read as well as the first, in all ways at once.
func TestMostFacts(t *testing.T) {
	facts := make([]Fact, maxFacts)
	for i := range facts {
		facts[i] = Fact{Name: fmt.Sprint("f", i), Type: Text, Bytes: 10}
	}
	if _, err := NewVocabulary(append(facts, Fact{Name: "more", Type: Bool}), ""); err == nil {
		t.Error("a vocabulary of one fact more is made")
	}
	v, err := NewVocabulary(facts, "")
	if err != nil {
		t.Fatal(err)
	}
	rules := make([]Pair, 0, len(facts)) // made of nodes: to compile so many takes long
	values := make([]Value, len(facts))
	for i := range facts {
		fact := &node{op: opFact, kind: Text, run: runFact, fact: i}
		is := &node{op: opEqual, kind: Bool, run: comparison("==", orderText), args: []*node{fact, constant(Text, TextValue("x"))}}
		length := &node{op: opCompute, name: "len", kind: Int, run: strict(lenText), args: []*node{fact}}
		short := &node{op: opLess, kind: Bool, run: comparison("<", orderInt), args: []*node{length, constant(Int, IntValue(3))}}
		known := &node{op: opKnown, kind: Bool, run: runKnown, fact: i}
		all := &node{op: opAnd, kind: Bool, run: runAnd, args: []*node{{op: opAnd, kind: Bool, run: runAnd, args: []*node{is, short}}, known}}
		rules = append(rules, Pair{When: &Expr{root: all, reads: []int{i}, asks: []int{i}}})
		values[i] = TextValue([]string{"x", "y", "x"}[i%3])
	}
	s := NewSet(v, rules)
	if len(s.columns) >= 1<<16 {
		t.Fatalf("%d columns", len(s.columns))
	}
	next := 0
	for _, d := range s.NewRun().Decide(values) {
		for ; next < int(d.Rule); next++ {
			if values[next].Text == "x" {
				t.Fatalf("rule %d is not listed", next)
			}
		}
		next++
		if values[d.Rule].Text != "x" || d.When != IsTrue {
			t.Fatalf("rule %d is %v", d.Rule, d.When)
		}
	}
}
