package risk

import (
	"errors"
	"fmt"
	"slices"

	"github.com/changelane/changelane/internal/rule"
)

// Truth is what becomes of a condition. The zero Truth is a fault.
type Truth uint8

// The truth values; see the package documentation.
const (
	Faulty       Truth = iota // the condition failed
	Undecided                 // it hangs on a missing fact
	Inapplicable              // it hangs on a fact that has no meaning here
	False
	True
)

// String is the word for it.
func (t Truth) String() string {
	if t > True {
		return fmt.Sprintf("Truth(%d)", uint8(t))
	}
	return [...]string{"fault", "unknown", "not applicable", "false", "true"}[t]
}

// Extra is a fact that the caller of a condition adds to those of the change:
// one of a closed set of words, or true or false when Words is nil.
type Extra struct {
	Name  string
	Words []string
}

// Condition is a compiled condition over a vocabulary. It is immutable.
type Condition struct {
	vocabulary *Vocabulary
	words      *rule.Vocabulary // with the extra facts
	expr       *rule.Expr
	extras     int
}

var errNoVocabulary = errors.New("a condition needs the vocabulary of a policy")

// Condition compiles a condition in the language of rules, over the facts of
// the vocabulary and some extra ones. The error has line and column.
func (v *Vocabulary) Condition(text string, extras ...Extra) (*Condition, error) {
	if v.none() {
		return nil, errNoVocabulary
	}
	if known, ok := v.compiled[memory(text, extras)]; ok {
		return &Condition{v, known.words, known.expr, len(extras)}, nil
	}
	facts := make([]rule.Fact, len(extras))
	for i, e := range extras {
		facts[i] = rule.Fact{Name: e.Name, Type: rule.Bool}
		if e.Words != nil {
			facts[i] = rule.Fact{Name: e.Name, Type: rule.Text, Words: e.Words, Bytes: nameBytes}
		}
	}
	words := v.rules
	if len(facts) > 0 {
		var err error
		if words, err = v.rules.Extend(facts); err != nil {
			return nil, err
		}
	}
	expr, err := rule.Compile(words, text)
	if err != nil {
		return nil, err
	}
	return &Condition{v, words, expr, len(extras)}, nil
}

// Decide evaluates the condition over facts of its vocabulary and one value
// for each extra fact: a string or a bool, or nil for unknown; a value that the
// extra fact cannot have is unreadable. The second result says why it is Faulty.
func (c *Condition) Decide(f Facts, extras ...any) (Truth, string) {
	if c.none() || f.vocabulary != c.vocabulary || len(extras) != c.extras {
		return Faulty, "the condition was asked over other facts than it is about"
	}
	values := f.values
	if c.readsExtras() {
		values = slices.Concat(f.values, c.extraValues(extras))
	}
	verdict, why := c.expr.Eval(values)
	return [...]Truth{rule.IsFault: Faulty, rule.IsUnknown: Undecided, rule.IsNotApplicable: Inapplicable, rule.IsFalse: False, rule.IsTrue: True}[verdict], why
}

// readsExtras reports whether the condition looks at any extra fact.
func (c *Condition) readsExtras() bool {
	own := len(c.vocabulary.defs)
	return slices.ContainsFunc(c.expr.Reads(), func(i int) bool { return i >= own }) || slices.ContainsFunc(c.expr.AsksPresence(), func(i int) bool { return i >= own })
}

// extraValues are the values of the extra facts; what one of them cannot be is
// unreadable.
func (c *Condition) extraValues(extras []any) []rule.Value {
	out := make([]rule.Value, len(extras))
	for i, e := range extras {
		number := len(c.vocabulary.defs) + i
		switch kind := c.words.Fact(number).Type; e := e.(type) {
		case nil:
		case string:
			out[i] = rule.TextValue(e)
			if kind != rule.Text {
				out[i].SetFault("an extra fact that is true or false was given a word")
			}
		case bool:
			out[i] = rule.BoolValue(e)
			if kind != rule.Bool {
				out[i].SetFault("an extra fact that is a word was given true or false")
			}
		default:
			out[i].SetFault("an extra fact is neither a word nor true or false")
		}
		c.words.Check(number, &out[i])
	}
	return out
}

// Missing lists the facts that the condition reads and that are unknown.
func (c *Condition) Missing(f Facts) []string {
	if c.none() {
		return nil
	}
	own := slices.DeleteFunc(slices.Clone(c.expr.Reads()), func(i int) bool { return i >= len(f.values) })
	return f.missing(own)
}

// Seen lists the facts of the change that the condition reads.
func (c *Condition) Seen(f Facts) []Fact {
	if c.none() {
		return nil
	}
	var out []Fact
	for _, i := range c.expr.Reads() {
		if i < len(f.values) {
			out = append(out, f.at(i))
		}
	}
	return out
}

// Reads lists the names of the facts that the condition looks at, also those
// whose presence it only asks for.
func (c *Condition) Reads() []string {
	if c.none() {
		return nil
	}
	var out []string
	for _, i := range slices.Concat(c.expr.Reads(), c.expr.AsksPresence()) {
		if i < len(c.vocabulary.defs) {
			out = append(out, c.vocabulary.defs[i].Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ReadsExtra reports whether the condition looks at extra fact number i.
func (c *Condition) ReadsExtra(i int) bool {
	return !c.none() && slices.Contains(c.expr.Reads(), len(c.vocabulary.defs)+i)
}

// Cost bounds the steps of one evaluation; see [MaxCost].
func (c *Condition) Cost() int {
	if c.none() {
		return 0
	}
	return c.expr.Cost()
}

// none reports whether there is no condition: nothing is ever true of it.
func (c *Condition) none() bool { return c == nil || c.expr == nil }
