package approval_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// dense is a policy of many rules over many facts, with a change that it has
// standard and that has then been spoilt: most of what was stated is missing,
// checks have failed, and nobody claims it. What was taken away would make it
// standard again.
type dense struct {
	random
	names  []string       // of the attributes
	values map[string]any // with which it is standard
	checks []string
}

// atom is a condition over one fact that is true or false of the values.
func (d *dense) atom(holds bool) string {
	if d.chance(15) {
		check := oneOf(d.random, d.checks...)
		if holds {
			return fmt.Sprintf(`evidence.%s == "passed"`, check)
		}
		return fmt.Sprintf(`evidence.%s == "failed"`, check)
	}
	name := oneOf(d.random, d.names...)
	fact := "attributes." + name
	switch v := d.values[name].(type) {
	case bool:
		if v == holds {
			return fact
		}
		return "not " + fact
	case int:
		at := 100 * d.IntN(10) // the values lie between
		switch above := v > at; {
		case above == holds:
			return fmt.Sprintf("%s > %d", fact, at)
		default:
			return fmt.Sprintf("%s <= %d", fact, at)
		}
	default:
		word := oneOf(d.random, "red", "green", "blue")
		if (v == word) == holds {
			return fmt.Sprintf("%s == %q", fact, word)
		}
		return fmt.Sprintf("%s != %q", fact, word)
	}
}

// condition joins so many atoms, so that it is true or false of the values.
func (d *dense) condition(n int, holds bool) string {
	parts := make([]string, n)
	join := oneOf(d.random, " and ", " or ")
	for i := range parts {
		parts[i] = d.atom(d.chance(50))
	}
	switch {
	case (join == " and ") == holds: // all of them decide
		for i := range parts {
			parts[i] = d.atom(holds)
		}
	default: // one of them does
		parts[d.IntN(n)] = d.atom(holds)
	}
	return strings.Join(parts, join)
}

func (d *dense) rules(n int) (out []risk.Rule) {
	for i := range n {
		r := risk.Rule{ID: fmt.Sprint("rule-", i), Because: "it is so"}
		switch kind := d.IntN(20); {
		case kind < 2:
			r.Floor, r.When = "high", d.condition(1+d.IntN(2), false)
		case kind < 12:
			r.Points, r.When = 5*(1+d.IntN(5)), d.condition(1+d.IntN(3), d.chance(15))
		case kind < 17:
			r.Points, r.When, r.Observed = -5*(1+d.IntN(3)), d.condition(1+d.IntN(2), d.chance(70)), d.chance(30)
		default:
			name := ""
			for name == "" {
				if one := oneOf(d.random, d.names...); fmt.Sprintf("%T", d.values[one]) == "int" {
					name = one
				}
			}
			r.Bands, r.Cuts = "attributes."+name, []risk.Cut{{From: 0, Points: 0}, {From: 300, Points: 5}, {From: 600, Points: 15}}
		}
		out = append(out, r)
	}
	return append(out, risk.Rule{ID: "vouches", Because: "it is known", Points: -1, When: d.condition(1, true)})
}

// newDense makes the policy, the change as it was, and the change with so many
// facts missing.
func newDense(tb testing.TB, seed uint64, missing int) (p *approval.Policy, was, c *change.Change) {
	d := &dense{random: newRandom(seed), values: map[string]any{}, checks: []string{"smoke", "unit", "canary"}}
	properties := map[string]any{}
	for i := range missing + 3 {
		name := fmt.Sprint("a", i)
		d.names = append(d.names, name)
		switch kind := d.IntN(3); {
		case kind == 0 || i == 0:
			d.values[name], properties[name] = 50+100*d.IntN(10), map[string]any{"type": "integer"}
		case kind == 1:
			d.values[name], properties[name] = d.chance(50), map[string]any{"type": "boolean"}
		default:
			d.values[name], properties[name] = oneOf(d.random, "red", "green", "blue"), map[string]any{"enum": []string{"red", "green", "blue"}}
		}
	}
	schema, err := json.Marshal(map[string]any{"type": "object", "additionalProperties": false, "properties": properties})
	if err != nil {
		tb.Fatal(err)
	}
	def := base(tb)
	def.Evidence, def.Attributes, def.Forbid = d.checks, schema, nil
	def.Risk.Rules, def.Risk.Groups = d.rules(30+d.IntN(30)), nil
	first := def.Templates[0]
	def.Templates = nil
	for i := range 3 + d.IntN(4) {
		t := first
		t.ID, t.Except = fmt.Sprint("template-", i), ""
		parts := make([]string, 3+d.IntN(4))
		for j := range parts {
			parts[j] = d.atom(i == 0 || d.chance(70))
		}
		t.Covers = strings.Join(parts, " and ")
		if d.chance(50) {
			t.Except = d.condition(2, false)
		}
		def.Templates = append(def.Templates, t)
	}
	for i := range 2 {
		def.Forbid = append(def.Forbid, approval.Forbid{ID: fmt.Sprint("never-", i), Because: "it is never so", When: d.condition(2, false)})
	}
	evidence := []any{}
	for _, name := range d.checks {
		evidence = append(evidence, map[string]any{"name": name, "result": "passed"})
	}
	was = decoded(tb, map[string]any{"attributes": d.values, "evidence": evidence})
	now := newPolicyOrNil(def)
	if now == nil {
		return nil, nil, nil
	}
	score := now.Classify(was, at).Assessment.Score
	for i := range def.Risk.Levels[1:] {
		def.Risk.Levels[i+1].From = max(score, 0) + 5 + 30*i
	}
	if p = newPolicyOrNil(def); p == nil || p.Classify(was, at).Type != change.Standard {
		return nil, nil, nil
	}
	for _, i := range d.Perm(len(d.names))[:missing] {
		delete(d.values, d.names[i])
	}
	evidence[0].(map[string]any)["result"] = "failed"
	c = decoded(tb, map[string]any{"attributes": d.values, "evidence": evidence[:2], "claim": nil})
	return p, was, c
}

func newPolicyOrNil(d approval.Definition) *approval.Policy {
	p, err := approval.New(d)
	if err != nil {
		return nil
	}
	return p
}

// TestCounterfactualOfDensePolicies: where many facts are missing, and values of
// some hang on values of others, there is a suggestion, as there is a way.
func TestCounterfactualOfDensePolicies(t *testing.T) {
	asked := 0
	for seed := uint64(0); asked < rounds(9); seed++ {
		p, _, c := newDense(t, 9000+seed, 15)
		if p == nil {
			continue
		}
		asked++
		got := p.Counterfactual(c, at, &approval.CounterfactualOptions{Budget: 4000})
		if len(got.Suggestions) == 0 {
			t.Errorf("seed %d: in %d assessments nothing was found", seed, got.Tried)
		}
	}
}

// TestCounterfactualOfHardPolicies: so does one where many values hang on one
// another, and where the search that goes by obstacle alone finds nothing in
// 20,000 assessments. That the budget ended early is said.
func TestCounterfactualOfHardPolicies(t *testing.T) {
	all := []struct {
		seed    uint64
		missing int
	}{{9017, 25}, {20069, 25}, {40005, 25}, {9009, 40}}
	for _, hard := range all[:1+rounds(3)] {
		p, _, c := newDense(t, hard.seed, hard.missing)
		got := p.Counterfactual(c, at, &approval.CounterfactualOptions{Budget: 4000})
		if len(got.Suggestions) == 0 {
			t.Errorf("seed %d: in %d assessments nothing was found", hard.seed, got.Tried)
		}
		if got.Complete {
			t.Errorf("seed %d: every set of edits has been looked at, which takes far more assessments", hard.seed)
		}
		for _, s := range got.Suggestions {
			if is := p.Classify(s.Change, at).Type; is != change.Standard {
				t.Errorf("seed %d: it is %v with %s", hard.seed, is, editsOf(s))
			}
		}
	}
}

// editsOf names what a suggestion edits.
func editsOf(s approval.Suggestion) string {
	var out []string
	for _, e := range s.Edits {
		out = append(out, e.Kind.String()+" "+e.Fact)
	}
	return strings.Join(out, ", ")
}

// TestCounterfactualSaysWhatIsProven: whenever the budget ends, what is found
// works, no edit of it can be left out, and only what a complete search finds
// as well is called smallest, or the one with the fewest edits.
func TestCounterfactualSaysWhatIsProven(t *testing.T) {
	asked, early, unproven, proven := 0, 0, 0, 0
	for seed := uint64(0); asked < rounds(9); seed++ {
		p, _, c := newDense(t, 9000+seed, 6)
		if p == nil {
			continue
		}
		full := p.Counterfactual(c, at, nil)
		if !full.Complete {
			continue
		}
		asked++
		all := map[string]bool{}
		for _, s := range full.Suggestions {
			all[editsOf(s)] = true
		}
		for budget := 8; budget < full.Tried; budget += 1 + budget/2 {
			got := p.Counterfactual(c, at, &approval.CounterfactualOptions{Budget: budget})
			if got.Complete {
				continue
			}
			early++
			if n := len(got.Suggestions); got.Fewest && (n == 0 || len(got.Suggestions[0].Edits) != len(full.Suggestions[0].Edits)) {
				t.Errorf("seed %d, budget %d: there are fewer edits than\n%s", seed, budget, got.Explain(0))
			}
			for _, s := range got.Suggestions {
				if s.Result.Type != change.Standard || p.Classify(s.Change, at).Type != change.Standard {
					t.Errorf("seed %d, budget %d: it does not work:\n%s", seed, budget, got.Explain(0))
				}
				switch {
				case !s.Smallest:
					unproven++
				case all[editsOf(s)]:
					proven++
				default:
					t.Errorf("seed %d, budget %d: a part of this works: %s", seed, budget, editsOf(s))
				}
			}
		}
	}
	if early < rounds(20) || unproven == 0 || proven == 0 {
		t.Errorf("%d searches ended early, with %d sets proven and %d not: too few", early, proven, unproven)
	}
	t.Logf("%d searches ended early, with %d sets proven and %d not", early, proven, unproven)
}
