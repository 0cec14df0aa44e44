package risk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
	"github.com/changelane/changelane/internal/schema"
)

// VocabularyOptions say which facts there are besides the fixed ones.
type VocabularyOptions struct {
	Evidence   []string        // the checks that rules may read, as evidence.NAME
	Attributes []byte          // JSON Schema of the organisation's own attributes; nil: none
	Applies    []Applicability // facts that have no meaning for some services
	Services   []string        // all service names, so that a misspelt one is found
	Teams      []string        // likewise all teams
	Models     []string        // likewise all operating models
	Sets       []Set           // lists that conditions name as sets.NAME
	Carried    bool            // with the facts carried.*, of one service that the changed one carries
}

// Applicability says for which services a fact has a meaning: where the
// condition is false the fact is not applicable, which is not the same as
// unknown. Only policy can say so, hence the condition may read nothing but
// facts of the service.
type Applicability struct {
	Fact string
	For  string

	src source
}

// Vocabulary is the set of facts that rules may read. It is immutable.
type Vocabulary struct {
	rules      *rule.Vocabulary
	defs       []definition
	blank      []Fact // by fact: how it is shown, but for what it is
	attributes *schema.Schema
	sources    sources
	applied    []int           // the facts that have no meaning for some services
	applies    *rule.Set       // the conditions under which these have one
	declared   []Applicability // as in the policy
	sets       []Set
	all        *Reader
	compiled   map[string]compiled // conditions that need not be compiled again
}

// NewVocabulary makes the vocabulary of a policy. The error is [ParseErrors].
func NewVocabulary(opts VocabularyOptions) (*Vocabulary, error) {
	var errs faults
	opts.Services, opts.Teams, opts.Models = slices.Clone(opts.Services), slices.Clone(opts.Teams), slices.Clone(opts.Models)
	v := &Vocabulary{defs: fixedFacts(opts), declared: slices.Clone(opts.Applies), sets: cloneSets(opts.Sets)}
	checkSets(v.sets, &errs)
	v.addEvidence(opts.Evidence, &errs)
	v.addAttributes(opts.Attributes, &errs)
	declared := make([]rule.Fact, len(v.defs))
	v.blank = make([]Fact, len(v.defs))
	for i, d := range v.defs {
		declared[i], v.blank[i] = d.Fact, Fact{Name: d.Name, kind: d.Type}
	}
	rules, err := rule.NewVocabulary(declared, "change.paths")
	if err != nil {
		errs.add(source{}, "", "%v", err)
		return nil, errs.err()
	}
	v.rules = rules.WithNotes(notes(opts)).WithSets(ruleSets(v.sets))
	v.sources = newSources(v.defs)
	var applies []rule.Pair
	for _, a := range opts.Applies {
		if when := v.addApplies(a, &errs); when != nil {
			applies = append(applies, rule.Pair{When: when})
		}
	}
	v.applies = rule.NewSet(v.rules, applies)
	for i := range v.declared {
		v.declared[i].src = source{} // the whole file hangs on it
	}
	every := make([]int, len(v.defs))
	for i := range every {
		every[i] = i
	}
	v.all = v.reader(every)
	return v, errs.err()
}

// notes say what to do about a fact that a group does not have.
func notes(opts VocabularyOptions) map[string]string {
	out := map[string]string{
		"evidence":   `; declare it under "evidence" in policy.yaml`,
		"attributes": "; " + attributesFile + " has no such property; add it there",
		"type":       "; only the conditions of authority.yaml read it",
		"level":      "; only the conditions of authority.yaml read it",
		"sets":       `; define it under "sets" in policy.yaml`,
	}
	if opts.Attributes == nil {
		out["attributes"] = "; the policy has no " + attributesFile + ", which would declare it"
	}
	if !opts.Carried {
		out["carried"] = `; only "each" in authority.yaml reads facts of carried services`
	}
	return out
}

func (v *Vocabulary) addEvidence(names []string, errs *faults) {
	for i, name := range names {
		switch {
		case !factName.MatchString(name):
			errs.add(source{}, "", "%q cannot be the name of a check: use small letters, digits and \"_\", and begin with a letter%s", name, underscored(name))
		case slices.Contains(names[:i], name):
			errs.add(source{}, "", "the check %q is listed twice; remove one of them", name)
		default:
			v.defs = append(v.defs, evidenceFact(name))
		}
	}
}

// attributesFile is what the schema of the attributes is called in a policy.
const attributesFile = "attributes.schema.json"

func (v *Vocabulary) addAttributes(text []byte, errs *faults) {
	if text == nil {
		return
	}
	compiled, err := schema.Compile(attributesFile, text)
	if p, ok := errors.AsType[*schema.Problem](err); ok {
		errs.all = append(errs.all, &ParseError{File: attributesFile, Line: p.Line, Column: p.Column, Message: p.Error()})
		return
	} else if err != nil {
		errs.add(source{}, "", "%v", err)
		return
	}
	v.attributes = compiled
	tree, _ := schema.Parse(text, schema.SchemaLimits()) // it has been read before
	for _, p := range compiled.Properties() {
		d, err := attributeFact(p)
		if err != nil {
			fault := &ParseError{File: attributesFile, Line: 1, Column: 1, Message: err.Error()}
			if at := tree.Get("properties").Get(p.Name); at != nil { // else it comes by way of a reference
				fault.Line, fault.Column = at.Line, at.Column
			}
			errs.all = append(errs.all, fault)
			continue
		}
		v.defs = append(v.defs, d)
	}
}

func (v *Vocabulary) addApplies(a Applicability, errs *faults) *rule.Expr {
	i, ok := v.rules.Lookup(a.Fact)
	if !ok {
		errs.add(a.src, "", "no fact is named %q%s", a.Fact, v.rules.Hint(a.Fact))
		return nil
	}
	if slices.Contains(v.applied, i) {
		errs.add(a.src, "", "it is said twice for which services %s has a meaning", a.Fact)
		return nil
	}
	when := v.serviceCondition(a.For, a.src, "", errs)
	if when != nil {
		v.applied = append(v.applied, i)
	}
	return when
}

// serviceCondition compiles a condition that policy alone decides: one that
// reads nothing but facts of the service.
func (v *Vocabulary) serviceCondition(text string, at source, id string, errs *faults) *rule.Expr {
	e := v.compile(text, at, id, errs)
	if e == nil {
		return nil
	}
	for _, i := range slices.Concat(e.Reads(), e.AsksPresence()) {
		if name := v.rules.Fact(i).Name; !strings.HasPrefix(name, "service.") {
			errs.add(at, id, "\"for\" may read only facts of the service, which the policy states, and %s is not one", name)
			return nil
		}
	}
	return e
}

func (v *Vocabulary) compile(text string, at source, id string, errs *faults) *rule.Expr {
	if known, ok := v.compiled[text]; ok {
		return known.expr
	}
	e, err := rule.Compile(v.rules, text)
	if err != nil {
		errs.expression(at, id, err)
		return nil
	}
	return e
}

// Check reports what this policy does not accept in a change: attributes that
// its schema does not allow. The error is [change.Problems].
func (v *Vocabulary) Check(c *change.Change) error {
	if v.none() || c == nil {
		return change.Problems{{Message: "cannot be looked at without a policy and a change"}}
	}
	if v.attributes == nil && len(c.Attributes) == 0 {
		return nil
	}
	if v.attributes == nil {
		return change.Problems{{Pointer: "/attributes", Message: "is not expected: the policy has no attributes.schema.json"}}
	}
	given := c.Attributes
	if given == nil {
		given = map[string]any{} // the schema may require some
	}
	tree, err := attributeTree(given)
	if err != nil {
		return change.Problems{{Pointer: "/attributes", Message: err.Error()}}
	}
	var out change.Problems
	for _, p := range v.attributes.Validate(tree) {
		out = append(out, change.Problem{Pointer: "/attributes" + p.Pointer, Message: p.Message})
	}
	if out == nil {
		return nil
	}
	return out
}

// FactInfo describes one fact for people who write rules.
type FactInfo struct {
	Name  string
	Type  string    // such as "a whole number"
	Words []string  // the values that are possible, where they are a closed set
	Range []float64 // the least and the most that a number can be, where that is known; a side without a bound is at the end of the decimal numbers
	Unit  string    `json:",omitzero"` // what a number counts: seconds, minutes, hours, days, weeks, bytes, kib, mib, gib; "" for any other
	Doc   string    // meaning and unit
	From  string    // the data of the change it is read from; "" when policy or the clock give it
}

// Describe lists every fact of the vocabulary.
func (v *Vocabulary) Describe() []FactInfo {
	if v.none() {
		return nil
	}
	out := make([]FactInfo, len(v.defs))
	for i, d := range v.defs {
		out[i] = FactInfo{Name: d.Name, Type: d.Type.String(), Words: slices.Clone(d.Words), Unit: v.rules.Unit(i).String(), Doc: d.doc, From: d.data}
		if d.Range != nil {
			out[i].Range = []float64{d.Range.Least, d.Range.Most}
		}
	}
	return out
}

// Sets are the named sets, in the order of the policy.
func (v *Vocabulary) Sets() []Set {
	if v.none() {
		return nil
	}
	return cloneSets(v.sets)
}

// none reports whether there is no vocabulary: nothing is known over it, nothing
// can be asked, and no change is accepted by it.
func (v *Vocabulary) none() bool { return v == nil || v.rules == nil }

func (v *Vocabulary) lookup(name string) (int, error) {
	i, ok := v.rules.Lookup(name)
	if !ok {
		return 0, fmt.Errorf("no fact is named %q%s", name, v.rules.Hint(name))
	}
	return i, nil
}
