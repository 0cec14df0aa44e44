package rule

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/types"

	"github.com/changelane/changelane/internal/nearest"
)

// Type is the type of a fact or of an expression.
type Type uint8

// The types of the language. Numbers are either whole (64 bits) or decimal
// (IEEE 754 binary64); a comparison between the two is exact.
const (
	Bool Type = iota + 1
	Int
	Float
	Text
	List // of text

	quantity // a duration or a size, until it is settled in a unit
)

// String names the type as messages do.
func (t Type) String() string {
	return [...]string{"nothing", "true or false", "a whole number", "a decimal number", "a text", "a list of texts", "a duration or a size"}[t]
}

// Fact declares one name that an expression may read.
type Fact struct {
	Name  string   // dotted, such as "change.lines_added"
	Type  Type     // what it holds when present
	Words []string // the closed set of values of a text or of a list's elements; nil when open
	Bytes int      // the longest text; for a list the sum over its elements
	Items int      // the longest list
	Range *Range   // of a number; nil where there is none

	Shortest int // the least number of characters of a text
	Longest  int // the greatest; 0 where only the bytes are bounded
}

// Range is the closed interval that a number lies in; a side without a bound is
// at the end of the decimal numbers.
type Range struct{ Least, Most float64 }

// String says where the number lies, after its name.
func (r Range) String() string {
	switch {
	case r.Most == math.MaxFloat64:
		return fmt.Sprintf("is never below %v", r.Least)
	case r.Least == -math.MaxFloat64:
		return fmt.Sprintf("is never above %v", r.Most)
	}
	return fmt.Sprintf("lies between %v and %v", r.Least, r.Most)
}

func (r Range) holds(n float64) bool { return n >= r.Least && n <= r.Most }

func (r Range) holdsWhole(n int64) bool { return Order(n, r.Least) >= 0 && Order(n, r.Most) <= 0 }

// Vocabulary is the set of names that expressions may read. It is immutable.
type Vocabulary struct {
	facts  []Fact
	index  map[string]int
	names  []string // sorted, for hints
	groups []string // "change", "service", ... sorted
	paths  int      // the list that touches() looks at, or -1
	sets   []*namedSet
	words  []words // by fact: its closed set of words, where that is long

	notes     map[string]string // by group, see WithNotes
	prototype *conf.Config
}

// factName is what a fact can be called: a word, or a group and a word.
var factName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$`)

// reserved are the words of the language itself.
var reserved = append([]string{"true", "false", "nil", "and", "or", "not", "in", "if", "else", "let", "matches", "contains", setsGroup}, builtins...)

// maxFacts bounds a vocabulary: a set of rules looks at a fact in three ways, its
// value, its length and its presence, and numbers these ways in 16 bits.
const maxFacts = 16_000

// NewVocabulary makes a vocabulary of facts; paths names the list of touched
// paths that touches() looks at, or is "". It fails on a duplicate name, on a
// name that is also a group of others, and on one that cannot be written.
func NewVocabulary(facts []Fact, paths string) (*Vocabulary, error) {
	if len(facts) > maxFacts {
		return nil, fmt.Errorf("a vocabulary has at most %d facts, and this one has %d", maxFacts, len(facts))
	}
	v := &Vocabulary{facts: slices.Clone(facts), index: make(map[string]int, len(facts)), paths: -1}
	for i, f := range facts {
		group, _, dotted := strings.Cut(f.Name, ".")
		if !factName.MatchString(f.Name) || slices.Contains(reserved, group) {
			return nil, fmt.Errorf("%q cannot be the name of a fact: use small letters, digits and \"_\", one dot at most, and no word of the language", f.Name)
		}
		if _, double := v.index[f.Name]; double {
			return nil, fmt.Errorf("the fact %q is declared twice", f.Name)
		}
		v.index[f.Name] = i
		v.names = append(v.names, f.Name)
		if dotted && !slices.Contains(v.groups, group) {
			v.groups = append(v.groups, group)
		}
	}
	slices.Sort(v.names)
	slices.Sort(v.groups)
	for _, g := range v.groups {
		if _, clash := v.index[g]; clash {
			return nil, fmt.Errorf("%q is both a fact and a group of facts", g)
		}
	}
	switch i, ok := v.index[paths]; {
	case ok && facts[i].Type == List:
		v.paths = i
	case paths != "":
		return nil, fmt.Errorf("touches() would look at %q, which is no list", paths)
	}
	v.words = wordSets(v.facts)
	v.prototype = v.newConfig()
	return v, nil
}

// shortSet is up to how many words a set is searched one after the other.
const shortSet = 8

// wordSets numbers the words of the long closed sets, from 1. Facts that share a
// list of words share its set.
func wordSets(facts []Fact) []words {
	out := make([]words, len(facts))
	made := map[*string]int{}
	for i, f := range facts {
		if len(f.Words) <= shortSet {
			continue
		}
		first, ok := made[&f.Words[0]]
		if ok && len(facts[first].Words) == len(f.Words) {
			out[i] = out[first]
			continue
		}
		made[&f.Words[0]], out[i] = i, newWords(f.Words, 1)
	}
	return out
}

// word is which word of the closed set of fact number i the text is, from 1; 0
// when it is none of them.
func (v *Vocabulary) word(i int, text string) int32 {
	if set := &v.words[i]; set.slots != nil {
		number, _ := set.find(text)
		return int32(number)
	}
	return int32(slices.Index(v.facts[i].Words, text) + 1)
}

// Extend returns a vocabulary with more facts after those of v, so that the
// values of v are a prefix of the values of the result.
func (v *Vocabulary) Extend(more []Fact) (*Vocabulary, error) {
	paths := ""
	if v.paths >= 0 {
		paths = v.facts[v.paths].Name
	}
	out, err := NewVocabulary(append(slices.Clone(v.facts), more...), paths)
	if err != nil {
		return nil, err
	}
	out.notes, out.sets = v.notes, v.sets
	out.prototype = out.newConfig()
	return out, nil
}

// WithNotes returns the vocabulary with a note for some groups: what to do about
// a fact that the group does not have, such as "; declare it there".
func (v *Vocabulary) WithNotes(notes map[string]string) *Vocabulary {
	out := *v
	out.notes = notes
	return &out
}

// Len is the number of facts, and the length of the values to evaluate over.
func (v *Vocabulary) Len() int { return len(v.facts) }

// Fact returns the declaration of fact number i.
func (v *Vocabulary) Fact(i int) Fact { return v.facts[i] }

// Admit checks a value against the declaration of fact number i: a word outside
// of a closed set, or a number, text or list beyond its bounds, is Faulty.
// Evaluation relies on it. A word gets its number.
func (v *Vocabulary) Admit(i int, value Value) Value {
	v.Check(i, &value)
	return value
}

// Check is as Admit, for a value that lies where it is kept.
func (v *Vocabulary) Check(i int, value *Value) {
	if value.State != Present {
		return
	}
	f, possible := &v.facts[i], true
	switch f.Type {
	case Int:
		possible = f.Range == nil || f.Range.holdsWhole(value.Int)
	case Float:
		possible = f.Range == nil || f.Range.holds(value.Float)
	case Text:
		if possible = len(value.Text) <= f.Bytes; f.Words != nil {
			value.Word = v.word(i, value.Text)
			possible = possible && value.Word > 0
		}
	case List:
		v.checkList(i, value)
	}
	if !possible {
		*value = fault(f.Name + " is none of the values that are possible")
	}
}

func (v *Vocabulary) checkList(i int, value *Value) {
	f, bytes := &v.facts[i], 0
	for _, e := range value.List {
		if bytes += len(e); f.Words != nil && v.word(i, e) == 0 {
			*value = fault(f.Name + " holds none of the values that are possible")
			return
		}
	}
	if bytes > f.Bytes || len(value.List) > f.Items {
		*value = fault(f.Name + " is longer than is possible")
	}
}

// Lookup finds a fact by name.
func (v *Vocabulary) Lookup(name string) (int, bool) {
	i, ok := v.index[name]
	return i, ok
}

// Hint is `; did you mean "..."?` for an unknown name, or the note of its
// group, or "". A name written with hyphens arrives here cut off at the first,
// which reads as a minus.
func (v *Vocabulary) Hint(name string) string {
	group, member, dotted := strings.Cut(name, ".")
	if note, ok := v.notes[group]; ok {
		if meant := nearest.To(member, v.members(group)); meant != "" {
			return didYouMean(group + "." + meant)
		}
		return note
	}
	if meant := v.ending("." + name); !dotted && len(meant) == 1 {
		return didYouMean(meant[0])
	}
	if _, alone := v.index[member]; dotted && alone {
		return didYouMean(member)
	}
	if hint := nearest.Hint(name, v.names); hint != "" {
		return hint
	}
	for _, n := range v.names {
		if strings.HasPrefix(n, name+"_") && dotted {
			return didYouMean(n)
		}
	}
	if meant := v.ending("." + member); dotted && len(meant) == 1 {
		return didYouMean(meant[0])
	}
	return ""
}

// ending lists the facts whose name ends so, and members those of a group,
// without the group.
func (v *Vocabulary) ending(suffix string) []string {
	return slices.DeleteFunc(slices.Clone(v.names), func(n string) bool { return !strings.HasSuffix(n, suffix) })
}

func (v *Vocabulary) members(group string) []string {
	var out []string
	for _, n := range v.names {
		if member, ok := strings.CutPrefix(n, group+"."); ok {
			out = append(out, member)
		}
	}
	return out
}

func didYouMean(name string) string { return `; did you mean "` + name + `"?` }

// config is what expr's parser and checker are given for one expression. They
// write into what describes a group of facts, so that is copied; what describes
// a fact, and the functions, is shared.
func (v *Vocabulary) config() *conf.Config {
	c := *v.prototype
	c.Env = unshared(c.Env)
	fields := make(map[string]nature.Nature, len(c.Env.Fields))
	for name, n := range c.Env.Fields {
		fields[name] = unshared(n)
	}
	c.Env.Fields = fields
	return &c
}

func unshared(n nature.Nature) nature.Nature {
	if n.TypeData != nil {
		data := *n.TypeData
		n.TypeData = &data
	}
	return n
}

// newConfig is a closed, typed environment, the functions of ours, and a bound
// on the nodes.
func (v *Vocabulary) newConfig() *conf.Config {
	c := conf.CreateNew()
	c.MaxNodes = maxNodes
	c.Functions["known"] = &builtin.Function{Name: "known", Types: types1(new(func(any) bool))}
	c.Functions["touches"] = &builtin.Function{Name: "touches", Types: types1(new(func(any, ...any) bool))}
	for _, u := range units[Seconds:] {
		c.Functions[u.word] = &builtin.Function{Name: u.word, Types: types1(new(func(any) any))}
	}
	c.WithEnv(v.environment())
	return c
}

func (v *Vocabulary) environment() types.Map {
	env := types.Map{setsGroup: v.setTypes()}
	for _, f := range v.facts {
		group, name, dotted := strings.Cut(f.Name, ".")
		if !dotted {
			env[f.Name] = exprType(f.Type)
			continue
		}
		members, ok := env[group].(types.Map)
		if !ok {
			members = types.Map{}
			env[group] = members
		}
		members[name] = exprType(f.Type)
	}
	return env
}

func exprType(t Type) types.Type {
	switch t {
	case Bool:
		return types.Bool
	case Int:
		return types.Int
	case Float:
		return types.Float64
	case List:
		return types.Array(types.String)
	default:
		return types.String
	}
}
