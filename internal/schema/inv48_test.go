package schema

import (
	"strings"
	"testing"
)

// TestINV48ClosedAndLocal injects, at every object of accepted schemas, what a
// schema may not hold: none of it may be accepted. And an object that is closed
// refuses a member that it does not name.
func TestINV48ClosedAndLocal(t *testing.T) {
	const valid = `{"type":"object","additionalProperties":false,"properties":{
		"name":{"type":"string","maxLength":9},"when":{"type":"string","format":"date"},
		"inner":{"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer"}}},
		"list":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"p":{"type":"string"}}}}}}`
	mustCompile(t, valid)
	injected := 0
	for _, bad := range []string{`"typ":"string",`, `"requird":["a"],`, `"$ref":"https://example.com/s.json",`, `"$ref":"file:///etc/passwd",`,
		`"format":"datetime",`, `"$ref":"#/$defs/missing",`, `"pattern":"(a",`, `"content":"x",`} {
		for at, r := range valid {
			if r != '{' || strings.HasSuffix(valid[:at], `"properties":`) {
				continue // names of properties are free
			}
			if _, err := Compile("s.json", []byte(valid[:at+1]+bad+valid[at+1:])); err == nil {
				t.Errorf("%s at %d is accepted", bad, at)
			}
			injected++
		}
	}
	for _, open := range []string{`"additionalProperties":false,`} {
		for i := range strings.Count(valid, open) {
			parts := strings.Split(valid, open)
			opened := strings.Join(parts[:i+1], open) + strings.Join(parts[i+1:], open)
			if _, err := Compile("s.json", []byte(opened)); err == nil {
				t.Errorf("an object that is left open is accepted: %s", opened)
			}
		}
	}
	s := mustCompile(t, valid)
	for _, document := range []string{`{"other":1}`, `{"inner":{"m":1}}`, `{"list":[{"q":"x"}]}`, `{"when":"2026-02-30"}`, `{"when":"tomorrow"}`} {
		if s.Validate(mustParse(t, document)) == nil {
			t.Errorf("%s is accepted", document)
		}
	}
	if injected < 40 {
		t.Errorf("only %d injections", injected)
	}
}
