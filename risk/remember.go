package risk

import (
	"fmt"
	"maps"

	"github.com/changelane/changelane/internal/rule"
)

// compiled is a condition that was compiled before.
type compiled struct {
	words *rule.Vocabulary // with the extra facts
	expr  *rule.Expr
}

// memory is under which name a condition is remembered.
func memory(text string, extras []Extra) string {
	if len(extras) == 0 {
		return text
	}
	return fmt.Sprintf("%q %#v", text, extras)
}

// Remembering is the vocabulary with these conditions compiled, for who makes one
// rule set after another that has them. It is another vocabulary: facts and
// conditions of the two do not go together. A condition that does not compile is
// left for whoever asks for it.
func (v *Vocabulary) Remembering(conditions []string, extras ...Extra) *Vocabulary {
	if v.none() {
		return v
	}
	out := *v
	out.compiled = maps.Clone(v.compiled)
	if out.compiled == nil {
		out.compiled = map[string]compiled{}
	}
	for _, text := range conditions {
		if c, err := v.Condition(text, extras...); err == nil {
			out.compiled[memory(text, extras)] = compiled{c.words, c.expr}
		}
	}
	all := *v.all
	all.vocabulary, out.all = &out, &all
	return &out
}
