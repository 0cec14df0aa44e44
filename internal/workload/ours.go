package workload

import (
	"encoding/json"

	"github.com/changelane/changelane/risk"
)

// Vocabulary is the vocabulary that the rules are written in.
func Vocabulary() (*risk.Vocabulary, error) {
	word := func(of []string) map[string]any { return map[string]any{"type": "string", "enum": of} }
	schema, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
		"properties": map[string]any{
			"environment": word(environments), "region": word(regions), "kind": word(kinds),
			"labels": map[string]any{"type": "array", "items": map[string]any{"type": "string", "maxLength": 40}, "maxItems": 20},
		},
	})
	if err != nil {
		return nil, err
	}
	return risk.NewVocabulary(risk.VocabularyOptions{Attributes: schema, Services: services(), Teams: teams()})
}

// Cuts are the scores at which the levels low, medium, high and severe begin;
// without a rule that vouches, the level is medium at least.
var Cuts = [4]int{0, 20, 60, 120}

// Levels name them.
var Levels = [4]string{"low", "medium", "high", "severe"}

// Definition is the rules as our own library takes them.
func (w *Workload) Definition() risk.Definition {
	d := risk.Definition{Default: Levels[1]}
	for i, name := range Levels {
		d.Levels = append(d.Levels, risk.LevelDefinition{Name: name, From: Cuts[i]})
	}
	for i := range w.Rules {
		r := &w.Rules[i]
		d.Rules = append(d.Rules, risk.Rule{ID: r.ID, Because: r.Because, Points: r.Points, When: r.When.Ours()})
	}
	return d
}

// RuleSet loads the rules into our own library.
func (w *Workload) RuleSet() (*risk.RuleSet, error) {
	v, err := Vocabulary()
	if err != nil {
		return nil, err
	}
	return risk.New(v, w.Definition())
}

// Level is the rank of the level of a score, from 1.
func Level(score int, vouched bool) int {
	rank := 1
	for i, from := range Cuts {
		if score >= from {
			rank = i + 1
		}
	}
	if !vouched {
		rank = max(rank, 2)
	}
	return rank
}
