package risk_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// exampleRules are the rules of some of the examples, as risk.yaml holds them.
const exampleRules = `levels: {low: 0, medium: 25, high: 50}
default: medium
groups:
  size: {cap: 20}
rules:
  - {id: big-diff, points: 15, when: change.lines_added > 400, group: size, because: a large change}
  - {id: spread, bands: change.files, cuts: {10: 5, 50: 15}, group: size, because: many files}
  - {id: outage, floor: high, when: change.downtime, because: users will notice}
  - {id: verified, points: -10, when: evidence.smoke == "passed", because: the smoke test passed}
`

// examplePast is a sequence of four changes, each in its situation.
func examplePast(yield func(*change.Change, risk.Situation) bool) {
	at, smoke, no := time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC), []change.Evidence{{Name: "smoke", Result: change.Passed}}, false
	for i, lines := range []int{12, 250, 900, 4000} {
		files := 1 + lines/20
		c := &change.Change{ID: fmt.Sprint("CHG-", i+1), Kind: change.Code, Size: &change.Size{Files: &files, LinesAdded: &lines}, Evidence: smoke, Downtime: &no}
		if !yield(c, risk.Situation{At: at.AddDate(0, 0, i)}) {
			return
		}
	}
}

// ExampleParseDefinition reads rules and explains a score: the points of the
// reasons add up to it, as what a group takes away is a reason too.
func ExampleParseDefinition() {
	definition, err := risk.ParseDefinition("risk.yaml", []byte(exampleRules))
	if err != nil {
		panic(err)
	}
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}})
	if err != nil {
		panic(err)
	}
	rules, err := risk.New(v, definition)
	if err != nil {
		panic(err)
	}
	lines, files, downtime := 900, 60, false
	c := &change.Change{Kind: change.Code, Downtime: &downtime, Size: &change.Size{LinesAdded: &lines, Files: &files},
		Evidence: []change.Evidence{{Name: "smoke", Result: change.Passed}}}
	a := rules.Assess(v.Facts(c, risk.Situation{}))
	fmt.Printf("%s, score %d\n", a.Level, a.Score)
	for _, r := range a.Reasons {
		fmt.Println(r)
	}
	// Output:
	// low, score 10
	// +15 a large change (big-diff) [change.lines_added = 900]
	// +15 many files (spread) [change.files = 60]
	// -10 the smoke test passed (verified) [evidence.smoke = "passed"]
	// -10 the rules of the group size count for 20 points at most (group size)
}

// ExampleNewVocabulary gives the rules facts of the organisation's own, named
// sets, and units; what is misspelt, or compares what cannot be compared,
// does not load.
func ExampleNewVocabulary() {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{
		Attributes: []byte(`{"type": "object", "additionalProperties": false, "properties": {
			"outage_minutes": {"type": "integer", "minimum": 0, "description": "how long it is down, at most"},
			"data_class": {"type": "string", "enum": ["public", "internal", "secret"]}}}`),
		Sets: []risk.Set{{Name: "schema_paths", Items: []string{"migrations/**", "**/*.sql"}}},
	})
	if err != nil {
		panic(err)
	}
	for _, condition := range []string{
		"attributes.outage_minutes <= hours(1.5)",
		"touches(sets.schema_paths)",
		"attributes.outage_minuts > 5",
		`attributes.data_class == "private"`,
		"attributes.outage_minutes > mib(5)",
	} {
		if _, err := v.Condition(condition); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("loads:", condition)
		}
	}
	// Output:
	// loads: attributes.outage_minutes <= hours(1.5)
	// loads: touches(sets.schema_paths)
	// 1:1: no fact is named "attributes.outage_minuts"; did you mean "attributes.outage_minutes"?
	// 1:26: "private" is none of the values that are possible here: public, internal, secret
	// 1:27: a size cannot stand beside attributes.outage_minutes, which is in minutes
}

// ExampleVocabulary_Condition asks a condition of one's own of three changes:
// what is not known is neither true nor false.
func ExampleVocabulary_Condition() {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		panic(err)
	}
	large, err := v.Condition(`change.lines_added > 400 and change.kind == "code"`)
	if err != nil {
		panic(err)
	}
	small, big := 12, 900
	for _, size := range []*change.Size{{LinesAdded: &small}, {LinesAdded: &big}, nil} {
		facts := v.Facts(&change.Change{Kind: change.Code, Size: size}, risk.Situation{})
		truth, _ := large.Decide(facts)
		fmt.Println(truth, large.Missing(facts))
	}
	// Output:
	// false []
	// true []
	// unknown [change.lines_added]
}

// ExampleAssessor assesses many changes, one after the other, in memory that
// is used again.
func ExampleAssessor() {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}})
	if err != nil {
		panic(err)
	}
	definition, err := risk.ParseDefinition("risk.yaml", []byte(exampleRules))
	if err != nil {
		panic(err)
	}
	rules, err := risk.New(v, definition)
	if err != nil {
		panic(err)
	}
	assessor := rules.Assessor() // one for each goroutine
	for c, situation := range examplePast {
		a := assessor.Assess(c, situation) // good until the next call
		fmt.Println(c.ID, a.Level, a.Score)
	}
	// Output:
	// CHG-1 low -10
	// CHG-2 low -5
	// CHG-3 low 10
	// CHG-4 low 10
}

// ExampleRuleSet_Over asks what other points would have made of the changes of
// the past: their facts are read once, for one rule set after another.
func ExampleRuleSet_Over() {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}})
	if err != nil {
		panic(err)
	}
	definition, err := risk.ParseDefinition("risk.yaml", []byte(exampleRules))
	if err != nil {
		panic(err)
	}
	past := v.History(examplePast)
	outcomes := func(d risk.Definition) []risk.Outcome {
		rules, err := risk.New(v, d) // over the same vocabulary
		if err != nil {
			panic(err)
		}
		plan, err := rules.Over(past)
		if err != nil {
			panic(err)
		}
		return plan.Assess(0, past.Len(), nil)
	}
	before := outcomes(definition)
	definition.Rules[0].Points, definition.Rules[0].Group = 40, "" // what if a large change counted for more?
	for i, after := range outcomes(definition) {
		if after.Level != before[i].Level {
			fmt.Printf("change %d: from %s, score %d, to %s, score %d\n", i, before[i].Level, before[i].Score, after.Level, after.Score)
		}
	}
	// Output:
	// change 2: from low, score 10, to medium, score 35
	// change 3: from low, score 10, to medium, score 45
}

// ExampleDefinition_Lint finds rules that load and are hardly what was meant.
func ExampleDefinition_Lint() {
	definition, err := risk.ParseDefinition("risk.yaml", []byte(`levels: {low: 0, medium: 25, high: 50}
default: medium
rules:
  - {id: odd, points: 20, when: change.files > 50 and change.files < 10, because: many files}
  - {id: many, points: 20, when: change.files > 20, because: many files}
  - {id: more, points: 0, floor: medium, when: change.files > 20, because: very many files}
  - {id: plain, points: -5, when: change.kind == "config", because: configuration only}
`))
	if err != nil {
		panic(err)
	}
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		panic(err)
	}
	findings, err := definition.Lint(v, nil)
	if err != nil {
		panic(err)
	}
	for _, f := range findings {
		fmt.Printf("%s: %s\n", f.Kind, f)
	}
	// Output:
	// unreachable: risk.yaml:1:36: no change comes to the level high from 50 points on: all rules together come to 40 at most, and no floor or default names it; lower it or remove the level
	// contradiction: risk.yaml:4:33: the rule odd can never be true, and counts only where something that it reads is not known: change.files > 50 and change.files < 10 exclude each other; correct the condition or remove the rule
	// duplicate: risk.yaml:6:48: the rule more is true exactly when many is; make one rule of the two, as both count
}

// ExampleParseErrors shows every fault of a file, each with its place.
func ExampleParseErrors() {
	definition, err := risk.ParseDefinition("risk.yaml", []byte(`levels: {low: 0, high: 50}
default: high
rules:
  - {id: big-diff, points: 20, when: change.lines_aded > 400, because: a large change}
  - {id: late, points: 5, when: at.hour, because: nobody is there}
  - {id: plain, points: -5, when: change.kind == "configuration", because: configuration only}
`))
	if err != nil {
		panic(err) // faults of form
	}
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		panic(err)
	}
	_, err = risk.New(v, definition)
	var faults risk.ParseErrors
	if errors.As(err, &faults) {
		for _, f := range faults {
			fmt.Println(f)
		}
	}
	// Output:
	// risk.yaml:4:38: rule "big-diff": no fact is named "change.lines_aded"; did you mean "change.lines_added"?
	// risk.yaml:5:33: rule "late": this is a whole number; a condition that is true or false is expected, such as a comparison
	// risk.yaml:6:50: rule "plain": "configuration" is none of the values that are possible here: code, config, flag, data, infrastructure, cots
}
