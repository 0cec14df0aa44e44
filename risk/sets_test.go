package risk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

func numbered(n int, format string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(format, i)
	}
	return out
}

// TestSetsRefused: what is no set does not make a vocabulary, and is named.
func TestSetsRefused(t *testing.T) {
	long := numbered(1000, strings.Repeat("x", 1200)+"%d")
	for _, c := range []struct {
		want string
		sets []risk.Set
	}{
		{"is empty", []risk.Set{{Name: "a"}}},
		{"is defined twice", []risk.Set{{Name: "a", Items: []string{"x"}}, {Name: "a", Items: []string{"y"}}}},
		{`holds "x" twice`, []risk.Set{{Name: "a", Items: []string{"x", "y", "x"}}}},
		{"such as critical_services", []risk.Set{{Name: "critical-services", Items: []string{"x"}}}},
		{"such as critical", []risk.Set{{Name: "Critical", Items: []string{"x"}}}},
		{"cannot be the name", []risk.Set{{Name: "", Items: []string{"x"}}}},
		{"cannot be the name", []risk.Set{{Name: "a.b", Items: []string{"x"}}}},
		{"cannot be the name", []risk.Set{{Name: "сritical", Items: []string{"x"}}}},
		{"cannot be the name", []risk.Set{{Name: strings.Repeat("a", 65), Items: []string{"x"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{""}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{" x"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"x\n"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"x\x00y"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"x\xffy"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"x\u200by"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"x\u202ey"}}}},
		{"cannot hold", []risk.Set{{Name: "a", Items: []string{"\ufffd"}}}},
		{"at most 10000 are allowed", []risk.Set{{Name: "a", Items: numbered(10_001, "x%d")}}},
		{"at most 1000 sets", slices.Repeat([]risk.Set{{Name: "a", Items: []string{"x"}}}, 1001)},
		{"at most 1048576 are allowed", []risk.Set{{Name: "a", Items: long}}},
	} {
		if _, err := risk.NewVocabulary(risk.VocabularyOptions{Sets: c.sets}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80v: %v; want %q", c.sets, err, c.want)
		}
	}
}

// setVocabulary has a set of the services, one of path patterns, and the longest.
func setVocabulary(t testing.TB) *risk.Vocabulary {
	t.Helper()
	services := numbered(400, "service-%d")
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Services: append([]string{"edge"}, services...), Sets: []risk.Set{
		{Name: "critical", Items: services},
		{Name: "schema_paths", Items: []string{"db/**", "**/migrations/**"}},
		{Name: "long", Items: numbered(10_000, "reason %d")},
		{Name: "many_paths", Items: numbered(150, "folder-%d/**")},
		{Name: "too_many_paths", Items: numbered(10_000, "folder-%d/**")},
		{Name: "misspelt", Items: []string{"service-1", "sevice-2"}},
		{Name: "absolute", Items: []string{"db/**", "/etc/**"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSetsDecide: a set says what the list that is written out would say, and
// is part of no limit of the source.
func TestSetsDecide(t *testing.T) {
	v := setVocabulary(t)
	decide := func(condition string, c *change.Change, service string) string {
		t.Helper()
		compiled, err := v.Condition(condition)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		if compiled.Cost() > 100 && !strings.Contains(condition, "touches") {
			t.Errorf("%s costs %d steps", condition, compiled.Cost())
		}
		truth, why := compiled.Decide(v.Facts(c, risk.Situation{Service: &change.Service{Name: service}}))
		return truth.String() + why
	}
	for i, name := range append(numbered(400, "service-%d"), "edge") {
		if got := decide("service.name in sets.critical", &change.Change{}, name); got != fmt.Sprint(i < 400) {
			t.Fatalf("%s: %s", name, got)
		}
	}
	for _, c := range []struct {
		reason, path, condition, want string
	}{
		{"reason 9999", "", "change.reason in sets.long", "true"},
		{"reason 10000", "", "change.reason in sets.long", "false"},
		{"reason 10000", "", "change.reason not in sets.long", "true"},
		{"", "", "change.reason in sets.long", "unknown"},
		{"", "db/1.sql", "touches(sets.schema_paths)", "true"},
		{"", "a/migrations/x/1.sql", "touches(sets.schema_paths)", "true"},
		{"", "a/migration/1.sql", "touches(sets.schema_paths)", "false"},
		{"", "folder-149/x", "touches(sets.many_paths)", "true"},
		{"", "folder-150/x", `touches(sets.many_paths, "b/**")`, "false"},
		{"", "b/x", `touches(sets.many_paths, "b/**")`, "true"},
	} {
		r := &change.Change{Reason: c.reason, Files: []change.File{{Path: c.path}}}
		if got := decide(c.condition, r, "edge"); got != c.want {
			t.Errorf("%s of %q, %q = %s, want %s", c.condition, c.reason, c.path, got, c.want)
		}
	}
}

// TestSetsCheckedWhereUsed (INV-9): an item that can never be, and a pattern
// that is none, are found where a condition uses the set.
func TestSetsCheckedWhereUsed(t *testing.T) {
	v := setVocabulary(t)
	for condition, want := range map[string]string{
		"service.name in sets.misspelt":                  `1:17: "sevice-2" of the set "misspelt" is none of the values that are possible here: edge, service-0, `,
		"service.name not in sets.misspelt":              `did you mean "service-2"?`,
		"any(service.carries, # in sets.misspelt)":       `did you mean "service-2"?`,
		"touches(sets.absolute)":                         `1:9: of the set "absolute": the path pattern "/etc/**"`,
		"touches(\"db/**\", sets.absolute)":              `1:18: of the set "absolute"`,
		"touches(sets.too_many_paths)":                   "could cost",
		"service.kind in sets.critical":                  "none of the values",
		"service.name in sets.critica":                   `did you mean "sets.critical"?`,
		"service.name in sets.nothing_like_it":           `define it under "sets" in policy.yaml`,
		"service.tier in sets.critical":                  "holds texts",
		"change.downtime or service.name == sets.long":   `on the right of "in"`,
		"change.downtime or known(sets.critical)":        "no fact is named",
		"change.downtime and service.name in sets.sets":  "no set is named",
		"change.lead_hours < days(1) in sets.long":       "holds texts",
		"change.downtime or \"edge\" in sets.misspelt":   "always the same",
		"change.downtime or service.name in [sets.long]": `on the right of "in"`,
	} {
		if _, err := v.Condition(condition); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", condition, err, want)
		}
	}
}

// TestSetsAreConstants (INV-5): a set does not change when the list that it was
// made from does, and the digest of the rules names it.
func TestSetsAreConstants(t *testing.T) {
	make1 := func(items ...string) (*risk.RuleSet, []string) {
		v, err := risk.NewVocabulary(risk.VocabularyOptions{
			Sets:    []risk.Set{{Name: "a", Items: items}, {Name: "b", Items: []string{"y"}}, {Name: "c", Items: []string{"z"}}, {Name: "unused", Items: []string{"y"}}},
			Applies: []risk.Applicability{{Fact: "change.files", For: "service.supplier in sets.b"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		rules, err := risk.New(v, risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{
			{ID: "r", Because: "it matters", Points: 30, When: "change.title in sets.a", For: "service.supplier not in sets.c"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return rules, items
	}
	rules, items := make1("x", "y")
	score := func() int {
		return rules.Assess(rules.Vocabulary().Facts(&change.Change{Title: "x"}, risk.Situation{Service: &change.Service{Supplier: "s"}})).Score
	}
	before := score()
	items[0] = "changed"
	handed := rules.Vocabulary().Sets()
	handed[0].Items[1] = "changed"
	if after := score(); before != 30 || after != 30 {
		t.Errorf("the score is %d, and %d once the list was written to", before, after)
	}
	if got := rules.Vocabulary().Sets()[0].Items; !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("the set holds %q", got)
	}
	same, _ := make1("x", "y")
	other, _ := make1("x", "z")
	if rules.Digest() != same.Digest() || rules.Digest() == other.Digest() {
		t.Error("the digest does not name the items of the sets")
	}
	c, err := rules.Vocabulary().Condition("change.title in sets.a or touches(sets.b) or service.supplier in sets.a")
	if err != nil || !slices.Equal(c.Reads(), []string{"change.paths", "change.title", "service.supplier"}) {
		t.Errorf("%v: %q", err, c.Reads())
	}
}
