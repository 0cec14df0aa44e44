package risk

import (
	"slices"

	"github.com/changelane/changelane/internal/rule"
)

// Boundary is a fact that conditions read, with the values at and around which
// they can turn: those that boundary value analysis (ISTQB) would test.
type Boundary struct {
	Fact     string
	Values   []any // as in [Fact]: bool, int64, float64, string or []string, each once
	Asked    bool  // a condition asks whether the fact is known
	Measured bool  // a condition compares it, or its length, with numbers: else the values of a number are examples
	// Exact is set when the values stand for all others: the conditions treat
	// any other value like one of these.
	Exact bool
}

// Boundaries lists the facts that conditions read, in the order of the
// vocabulary. The cut of a band is the condition "fact >= cut". The error is
// that of [Vocabulary.Condition].
func (v *Vocabulary) Boundaries(conditions []string, extras ...Extra) ([]Boundary, error) {
	if v.none() {
		return nil, errNoVocabulary
	}
	compiled := make([]*rule.Expr, len(conditions))
	words := v.rules
	for i, text := range conditions {
		c, err := v.Condition(text, extras...)
		if err != nil {
			return nil, err
		}
		compiled[i], words = c.expr, c.words
	}
	var out []Boundary
	for _, b := range rule.Boundaries(words, compiled...) {
		if b.Fact >= len(v.defs) {
			continue // an extra fact
		}
		values := make([]any, len(b.Values))
		for i, value := range b.Values {
			values[i] = plainValue(v.defs[b.Fact].Type, value)
		}
		out = append(out, Boundary{v.defs[b.Fact].Name, values, b.Asked, b.Measured, b.Exact})
	}
	return out, nil
}

// plainValue is a value as Go has it; nil where there is none.
func plainValue(t rule.Type, v rule.Value) any {
	if v.State != rule.Present {
		return nil
	}
	switch t {
	case rule.Bool:
		return v.Bool
	case rule.Int:
		return v.Int
	case rule.Float:
		return v.Float
	case rule.List:
		return slices.Clone(v.List) // it may be the policy's own
	default:
		return v.Text
	}
}
