package risk

import "github.com/changelane/changelane/internal/rule"

// Mutant is a condition with one small change, as a slip of the pen would make
// it: tests that do not notice it do not show that part of the condition.
type Mutant struct {
	Kind         string // "comparison", "dropped", "and/or", "negated", "threshold", "word" or "any/all"
	Line, Column int    // of the change, within the condition, from 1
	Was, Is      string // the text that was changed, and what it was changed to; "" is nothing
	Source       string // the whole condition after the change
	Same         bool   // the two mean the same, whatever the facts: nothing can tell them apart
	Different    bool   // some facts tell the two apart; where neither holds, none were found that do
}

// Mutants lists the mutants of a condition that compile, in the order of the
// text. The error is that of [Vocabulary.Condition].
func (v *Vocabulary) Mutants(condition string, extras ...Extra) ([]Mutant, error) {
	c, err := v.Condition(condition, extras...)
	if err != nil {
		return nil, err
	}
	found := rule.Mutants(c.words, condition)
	out := make([]Mutant, len(found))
	for i, m := range found {
		out[i] = Mutant{string(m.Kind), m.Line, m.Column, m.Was, m.Is, m.Source, m.Told == rule.Same, m.Told == rule.Different}
	}
	return out, nil
}

// Part is a condition within a condition: what "and", "or" and "not" join.
type Part struct {
	Line, Column int    // within the condition, from 1
	Source       string // a condition on its own
}

// Parts lists the smallest conditions that a condition is joined of, in the
// order of the text. The error is that of [Vocabulary.Condition].
func (v *Vocabulary) Parts(condition string, extras ...Extra) ([]Part, error) {
	c, err := v.Condition(condition, extras...)
	if err != nil {
		return nil, err
	}
	found := rule.Parts(c.words, condition)
	out := make([]Part, len(found))
	for i, p := range found {
		out[i] = Part(p)
	}
	return out, nil
}
