package approval_test

import (
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
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
