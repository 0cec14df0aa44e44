package risk_test

import (
	"strings"
	"testing"

	"github.com/changelane/changelane/risk"
)

// TestAttributesThatCanNeverBe: what the schema of the attributes rules out is no
// condition, and a schema that rules out everything no attribute.
func TestAttributesThatCanNeverBe(t *testing.T) {
	const never, nothing = "so a comparison with", "no value of the attribute"
	for _, c := range []struct{ schema, condition, want string }{
		{`{"type":"integer","enum":[1,4,2]}`, "attributes.x == 7", never},
		{`{"type":"integer","enum":[1,4,2]}`, "attributes.x in [1, 2, 5]", never},
		{`{"type":"integer","enum":[1,4,2]}`, "attributes.x in [1, 2, 4]", ""},
		{`{"const":2.5}`, "attributes.x > 3", never},
		{`{"type":"integer","exclusiveMinimum":5}`, "attributes.x == 5", never},
		{`{"type":"integer","exclusiveMinimum":5}`, "attributes.x == 2 * 3", ""},
		{`{"type":"integer","exclusiveMaximum":5.5}`, "attributes.x == 5", ""},
		{`{"type":"number","exclusiveMaximum":5}`, "attributes.x > 4.999", ""},
		{`{"type":"integer","minimum":5,"maximum":1}`, "", nothing},
		{`{"type":"integer","minimum":5,"enum":[1,2]}`, "", nothing},
		{`{"type":"string","minLength":3,"maxLength":2}`, "", nothing},
		{`{"type":"string","minLength":2,"maxLength":2}`, `attributes.x == "ab"`, ""},
		{`{"type":"string","maxLength":2}`, `attributes.x == "日本"`, ""},
		{`{"type":"string","maxLength":2}`, `attributes.x == "日本語"`, "is longer than attributes.x can be, which has 2 characters at most"},
		{`{"type":"string","maxLength":2}`, `attributes.x in ["a", "abc"]`, "is longer than"},
		{`{"type":"string","maxLength":2}`, `attributes.x != "a" + "bc"`, "is longer than"},
	} {
		v, err := risk.NewVocabulary(risk.VocabularyOptions{Attributes: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false,"properties":{"x":` + c.schema + `}}`)})
		if err == nil && c.condition != "" {
			_, err = v.Condition(c.condition)
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %s: %v; expected %q", c.schema, c.condition, err, c.want)
		}
	}
}
