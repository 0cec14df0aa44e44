package risk

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/changelane/changelane/change"
)

// A set that many rules name is looked through once, not once for each of them;
// what is within it is found all the same.
func TestLargeSetInManyRules(t *testing.T) {
	items := make([]string, MaxSetItems)
	for i := range items {
		items[i] = fmt.Sprintf("s%04d", i)
	}
	v, err := NewVocabulary(VocabularyOptions{Services: items, Teams: items[1:], Sets: []Set{{Name: "big", Items: items}, {Name: "most", Items: items[1:]}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{
		"lower(change.title) in sets.big and change.files > %d", "service.name in sets.most and change.files > %d", "any(change.regions, # in sets.big or # == 'r%d')",
	} {
		d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high"}
		for i := range 100 {
			d.Rules = append(d.Rules, Rule{ID: fmt.Sprint("r", i), Because: "b", When: fmt.Sprintf(when, i)})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		rs, err := New(v, d)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 35 {
			t.Errorf("%q in a hundred rules takes %d MiB to load", when, mib)
		}
		many := 1000
		for title, want := range map[string]bool{"S0001": true, "S0000": when[0] == 'l', "none": false} {
			f := v.Facts(&change.Change{Title: title, Size: &change.Size{Files: &many}}, Situation{}).With("service.name", "s"+title[1:]).With("change.regions", []string{"s" + title[1:]})
			if when[0] == 'a' {
				want = title != "none"
			}
			if a := rs.Assess(f); a.Vouched != want {
				t.Errorf("%q of %s: vouched is %v", when, title, a.Vouched)
			}
		}
	}
	if _, err := New(v, Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
		Rules: []Rule{{ID: "a", Because: "b", When: "service.team in sets.big"}}}); err == nil {
		t.Error("a set that holds a word that no team has is accepted")
	}
	if _, err := NewVocabulary(VocabularyOptions{Sets: []Set{{Name: "none"}}}); err == nil {
		t.Error("an empty set is accepted")
	}
}
