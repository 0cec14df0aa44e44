package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestCounterfactualSaysAllThatWorks: what is suggested is no narrower than it
// has to be, where other templates look at the same facts in other ways, and
// where one of several values is as good as another.
func TestCounterfactualSaysAllThatWorks(t *testing.T) {
	c, err := change.Decode([]byte(`{"id":"CHG-1","kind":"code","service":"payments-api","requester":{"id":"idp|alice"}}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := examplePolicy(t).Counterfactual(c, approval.Inputs{At: monday}, nil)
	if len(got.Suggestions) == 0 || !got.Complete {
		t.Fatalf("%d suggestions, complete %t", len(got.Suggestions), got.Complete)
	}
	text := got.Explain(0)
	for _, want := range []string{
		`list the touched files, if none of them is like "a/auth/a" or "a/crypto/a" or "a/migrations/a" or `,
		"if the links are: none, or 1 as depends-on, or 1 as fixes, or 1 as reverts\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("expected %s in\n%s", want, text)
		}
	}
}

// TestCounterfactualOfUndescribedAttributes: an attribute without a description
// is named, and nothing else is said of it.
func TestCounterfactualOfUndescribedAttributes(t *testing.T) {
	d := base(t)
	d.Attributes = []byte(`{"type":"object","additionalProperties":false,"properties":{"loud":{"type":"boolean"},"minutes":{"type":"integer"}}}`)
	d.Risk.Rules[0].When = "attributes.loud or attributes.minutes > 5"
	text := made(t, d).Counterfactual(decoded(t, nil), at, nil).Explain(0)
	for _, want := range []string{"state attributes.loud, if it is true\n", "state attributes.minutes, if it is 6 or more\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("expected %s in\n%s", want, text)
		}
	}
}

// TestCounterfactualOfChecks: a check that has failed is not run until it happens to
// pass.
func TestCounterfactualOfChecks(t *testing.T) {
	d := base(t)
	d.Risk.Rules = append(d.Risk.Rules, risk.Rule{ID: "no-smoke", Floor: "high", When: `evidence.smoke != "passed"`, Because: "nobody has tried it"})
	for result, want := range map[string]string{
		"failed":  "mend what made the check smoke fail, and have it pass in a new run; somebody other than the requester must vouch for it\n",
		"skipped": "run the check smoke, which was skipped, and have it pass; somebody other than the requester must vouch for it\n",
	} {
		text := made(t, d).Counterfactual(decoded(t, map[string]any{"evidence": []any{map[string]any{"name": "smoke", "result": result}}}), at, nil).Explain(0)
		if !strings.Contains(text, want) {
			t.Errorf("expected %s in\n%s", want, text)
		}
	}
}

// TestCounterfactualWhateverItIs: where any answer will do, and only the answer is
// missing, no answer is asked for.
func TestCounterfactualWhateverItIs(t *testing.T) {
	d := base(t)
	d.Attributes = []byte(`{"type":"object","additionalProperties":false,"properties":{"loud":{"type":"boolean"},
		"night":{"type":"boolean","description":"somebody works at night"},"colour":{"type":"string","enum":["red","blue"]}}}`)
	for i, when := range []string{"attributes.loud", "attributes.night", `attributes.colour == "red"`} {
		d.Risk.Rules = append(d.Risk.Rules, risk.Rule{ID: fmt.Sprint("only-", i), Points: 1, When: when, Because: "a little more"})
	}
	text := made(t, d).Counterfactual(decoded(t, nil), at, nil).Explain(0)
	for _, want := range []string{
		"state attributes.loud, whatever it is\n", "say whether somebody works at night, whatever the answer is (attributes.night)\n", "state attributes.colour, whatever it is\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("expected %s in\n%s", want, text)
		}
	}
}

// TestCounterfactualEndsTooEarly: when the budget is used up, what stands in the
// way is what does so now, and not where the search happened to be.
func TestCounterfactualEndsTooEarly(t *testing.T) {
	const n = 9
	d := base(t)
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(`"a%d":{"type":"boolean"}`, i))
		d.Risk.Rules = append(d.Risk.Rules, risk.Rule{ID: fmt.Sprint("ring-", i), Points: 30, Because: "two of a ring",
			When: fmt.Sprintf("attributes.a%d or attributes.a%d", i, (i+1)%n)})
	}
	d.Attributes = []byte(`{"type":"object","additionalProperties":false,"properties":{` + strings.Join(names, ",") + "}}")
	p, c := made(t, d), decoded(t, nil)
	if got := p.Counterfactual(c, at, nil); len(got.Suggestions) != 1 || !got.Complete || len(got.Suggestions[0].Edits) != n {
		t.Fatalf("complete %t:\n%s", got.Complete, got.Explain(0))
	}
	for budget := 1; budget < 100; budget *= 3 {
		got := p.Counterfactual(c, at, &approval.CounterfactualOptions{Budget: budget})
		if len(got.Suggestions) > 0 || got.Complete {
			t.Fatalf("a budget of %d is enough", budget)
		}
		if text := got.Explain(0); !strings.Contains(text, "- attributes.a0 is not known\n") || !strings.Contains(text, "the search ended too early") || strings.Contains(text, "has been") {
			t.Errorf("with a budget of %d it says\n%s", budget, text)
		}
		if all := slices.Sorted(slices.Values(got.Blockers)); len(slices.Compact(all)) < len(got.Blockers) {
			t.Errorf("with a budget of %d it says the same twice:\n%s", budget, got.Explain(0))
		}
	}
}
