package risk_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestWrite: what is written is what is read, for every fact that somebody
// states, on a change that states everything and on one that states nothing.
func TestWrite(t *testing.T) {
	r := newRandom(3)
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke", "unit"}, Attributes: []byte(`{"type": "object", "additionalProperties": false,
		"properties": {"ticket": {"type": "string", "maxLength": 20}, "users": {"type": "integer"}, "share": {"type": "number"}, "regulated": {"type": "boolean"},
			"labels": {"type": "array", "items": {"type": "string"}, "maxItems": 5}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]any{
		"true or false": {true, false}, "a whole number": {int64(0), int64(7)}, "a decimal number": {0.0, 0.25},
		"a text": {"some text"}, "a list of texts": {[]string{}, []string{"a", "b"}},
	}
	for _, f := range v.Describe() {
		try := values[f.Type]
		if f.Words != nil {
			try = []any{f.Words[0]}
			if f.Type == "a list of texts" {
				try = []any{[]string{f.Words[0]}}
			}
		}
		for _, base := range []*change.Change{{}, r.change()} {
			for _, value := range append(try, nil) {
				c := *base
				if !v.Write(&c, f.Name, value) {
					if f.From != "" && f.From != "window" {
						t.Errorf("%s = %v is not written", f.Name, value)
					}
					continue
				}
				got, _ := v.Facts(&c, risk.Situation{At: time.Unix(1e9, 0)}).Get(f.Name)
				always := value == nil && (f.Name == "change.backout" || f.Name == "change.emergency") // absent is no
				if f.Name == "change.lines_changed" && value == nil || always || strings.HasPrefix(f.Name, "change.manual") && value == nil {
					continue
				}
				if !reflect.DeepEqual(got.Value(), value) {
					t.Errorf("%s is written as %v and read as %v (%v)", f.Name, value, got.Value(), got.State)
				}
			}
		}
	}
}
