package approval_test

import (
	"testing"

	"github.com/changelane/changelane/risk"
)

// TestLintUnreadAttribute: an attribute that no condition reads is found where
// the schema declares it.
func TestLintUnreadAttribute(t *testing.T) {
	d := base(t)
	d.Attributes = []byte("{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\n  \"loud\": {\"type\": \"boolean\"}}}")
	var got []risk.Finding
	for _, f := range made(t, d).Lint(monday) {
		if f.ID == "attributes.loud" {
			got = append(got, f)
		}
	}
	if len(got) != 1 || got[0].String() != "attributes.schema.json:2:11: no condition reads attributes.loud; use it or remove it from the schema" {
		t.Errorf("%v", got)
	}
}
