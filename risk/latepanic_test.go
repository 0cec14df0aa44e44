package risk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// TestLateFactThatPanics: where reading a fact panics, nothing shows what it was
// for the change before, and the assessor goes on with the next one.
func TestLateFactThatPanics(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rs, err := New(v, Definition{
		Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
		Rules: []Rule{
			{ID: "title", Points: 3, Because: "of its title", When: `change.lines_added > 3 and change.title contains "secret"`},
			{ID: "small", Points: -1, Because: "it is small", When: `change.lines_added > 2 and change.title != "x"`},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	a, n := rs.Assessor(), 9
	c := &change.Change{ID: "CHG", Title: "secret of another change", Size: &change.Size{LinesAdded: &n}}
	title, _ := v.rules.Lookup("change.title")
	read := a.facts.late[title].read
	if read == nil {
		t.Fatal("the title is not read late; the test needs other rules")
	}
	if before := a.Assess(c, Situation{}); len(before.Reasons) != 2 || len(before.Faults) != 0 {
		t.Fatalf("%+v; expected two reasons", before)
	}
	a.facts.late[title].read = func(*reading, *rule.Value) { panic("no title") }
	c.Title = "another"
	got := a.Assess(c, Situation{})
	if text := fmt.Sprintf("%+v", *got); !got.Open() || got.Level.String() != "high" || strings.Contains(text, "secret of another change") || !strings.Contains(text, "no title") {
		t.Errorf("%s; expected the fault, at the highest level, and no earlier title", text)
	}
	a.facts.late[title].read = read
	again, fresh := a.Assess(c, Situation{}), rs.Assess(v.Facts(c, Situation{}))
	if fmt.Sprintf("%+v", *again) != fmt.Sprintf("%+v", fresh) {
		t.Errorf("%+v; expected %+v", *again, fresh)
	}
}
