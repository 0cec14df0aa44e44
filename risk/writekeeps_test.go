package risk_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestWriteKeeps: a fact is written without another one becoming unknown, or
// another, as far as the two can go together.
func TestWriteKeeps(t *testing.T) {
	const base = `{"id": "CHG-1", "kind": "code", "service": "shop", "requester": {"id": "idp|alice"},
		"files": [{"path": "a/x.go", "added": 10, "deleted": 2}, {"path": "b/y.go", "added": 5, "deleted": 1}],
		"targets": [{"name": "one", "environment": "test", "region": "north"}, {"name": "two", "environment": "prod", "region": "south"}],
		"artifacts": [{"name": "shop", "digest": "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],
		"plan": [{"title": "tell people", "party": "owner", "automated": false}, {"title": "deploy", "party": "owner", "automated": true}],
		"validation": {"party": "app-support", "automated": true}, "backout": {"plan": "as written"}}`
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all := func(c *change.Change) map[string]string {
		out := map[string]string{}
		facts := v.Facts(c, risk.Situation{At: time.Unix(1e9, 0)})
		for _, f := range v.Describe() {
			got, _ := facts.Get(f.Name)
			out[f.Name] = got.String()
		}
		return out
	}
	cases := []struct {
		fact  string
		value any
		moves string // the facts that change with it
	}{
		{"lines_added", int64(400), "lines_changed"},
		{"lines_added", int64(3), "lines_changed"},
		{"lines_added", nil, "lines_changed"},
		{"lines_deleted", int64(0), "lines_changed"},
		{"lines_changed", int64(17), "lines_added"},
		{"lines_changed", int64(1), "lines_added lines_deleted"},
		{"lines_changed", nil, "lines_added lines_deleted"},
		{"files", int64(1), "paths directories"},
		{"files", int64(3), "paths"},
		{"files", int64(500), "paths"},
		{"files", nil, "paths"},
		{"directories", int64(1), "paths files"},
		{"directories", int64(3), "paths files"},
		{"directories", nil, "paths"},
		{"targets", int64(3), ""},
		{"targets", int64(1), "environments regions"},
		{"environments", []string{"staging"}, ""},
		{"regions", []string{"west"}, ""},
		{"regions", []string{"east", "north", "west"}, "targets"},
		{"artifacts", int64(2), ""},
		{"steps", int64(3), ""},
		{"manual_steps", int64(2), ""},
		{"manual_steps", int64(3), "steps"},
		{"parties", []string{"vendor"}, "steps"},
		{"validation_automated", false, ""},
		{"backout", true, ""},
	}
	for _, one := range cases {
		c, err := change.Decode([]byte(base), nil)
		if err != nil {
			t.Fatal(err)
		}
		before, text := all(c), marshal(t, c)
		written := *c
		if !v.Write(&written, "change."+one.fact, one.value) || marshal(t, c) != text {
			t.Errorf("%s = %v: is not written, or to the change that it was copied from", one.fact, one.value)
		}
		if err := written.Validate(); err != nil {
			t.Errorf("%s = %v: %v", one.fact, one.value, err)
		}
		moved := []string{}
		for name, is := range all(&written) {
			if is != before[name] && name != "change."+one.fact {
				moved = append(moved, strings.TrimPrefix(name, "change."))
			}
		}
		want := strings.Fields(one.moves)
		slices.Sort(moved)
		slices.Sort(want)
		if !slices.Equal(moved, want) {
			t.Errorf("%s = %v: %q change with it, expected %q:\n%s", one.fact, one.value, moved, want, marshal(t, &written))
		}
		got, _ := v.Facts(&written, risk.Situation{}).Get("change." + one.fact)
		if !reflect.DeepEqual(got.Value(), one.value) {
			t.Errorf("%s = %v is read as %v", one.fact, one.value, got.Value())
		}
	}
}

func marshal(t *testing.T, c *change.Change) string {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
