package risk

import (
	"math"
	"reflect"
	"testing"

	"github.com/changelane/changelane/change"
)

// Facts are what was so when they were read, and a vocabulary what was given to
// it: whoever writes to the lists afterwards changes neither.
func TestFactsAreNotShared(t *testing.T) {
	services := []string{"pay", "web", "shop"}
	schema := []byte(`{"type": "object", "additionalProperties": false, "properties": {"l": {"type": "array", "items": {"type": "string"}, "maxItems": 5}}}`)
	v, err := NewVocabulary(VocabularyOptions{Services: services, Teams: services, Models: services, Attributes: schema})
	if err != nil {
		t.Fatal(err)
	}
	d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high"}
	for id, when := range map[string]string{"name": "service.name == 'pay'", "carries": "'web' in service.carries", "list": "'after' in attributes.l"} {
		d.Rules = append(d.Rules, Rule{ID: id, Because: "b", Points: -1, When: when})
	}
	rs, err := New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	s, list := &change.Service{Name: "web", Carries: []string{"pay"}}, []string{"before"}
	c := &change.Change{Attributes: map[string]any{"l": list}}
	facts := v.Facts(c, Situation{Service: s})
	services[0], services[1], s.Carries[0], list[0] = "web", "pay", "web", "after"
	if a := rs.Assess(facts); a.Vouched || a.Open() {
		t.Errorf("after the lists were written to: %v, %v", a.Reasons, a.Unknowns)
	}
	if a := rs.Assess(v.Facts(&change.Change{}, Situation{Service: &change.Service{Name: "web"}})); a.Vouched {
		t.Errorf("one service counts as another: %v", a.Reasons)
	}
}

// An assessor that is asked about the same change again sees what has become of
// it.
func TestAssessorSeesChanges(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{Evidence: []string{"smoke"}})
	if err != nil {
		t.Fatal(err)
	}
	d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high", Rules: []Rule{
		{ID: "paths", Because: "b", Points: 3, When: "touches('db/**')"},
		{ID: "tier", Because: "b", Points: 5, When: "service.tier == 1"},
		{ID: "smoke", Because: "b", Points: -1, When: "evidence.smoke == 'passed'"},
		{ID: "carries", Because: "b", Points: 7, When: "any(service.carries, # startsWith 'pay')"},
		{ID: "lines", Because: "b", Points: 11, When: "change.lines_changed > 10"},
	}}
	rs, err := New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	a, ten := rs.Assessor(), 10
	c := &change.Change{Files: []change.File{{Path: "a"}, {Path: "b"}}, Evidence: []change.Evidence{{Name: "smoke", Result: change.Passed}}}
	s := Situation{Service: &change.Service{Name: "web", Tier: 1, Carries: []string{"pay"}}}
	for i, edit := range []func(){
		func() {},
		func() { c.Files[1].Path = "db/x" },
		func() { s.Service.Tier = 0 },
		func() { c.Evidence[0].Result = change.Failed },
		func() { s.Service.Carries[0] = "web" },
		func() { c.Size = &change.Size{LinesAdded: &ten, LinesDeleted: &ten} },
		func() { ten = 1 },
		func() { c.Files = nil },
		func() { s.Service = nil },
	} {
		edit()
		if got, want := *a.Assess(c, s), rs.Assess(v.Facts(c, s)); !reflect.DeepEqual(plainAssessment(got), plainAssessment(want)) {
			t.Errorf("after edit %d: %v, want %v", i, plainAssessment(got), plainAssessment(want))
		}
	}
}

// plainAssessment is the assessment without where its facts lie.
func plainAssessment(a Assessment) any {
	var seen []string
	for _, r := range a.Reasons {
		seen = append(seen, r.Rule, r.Because)
		for _, f := range r.Seen {
			seen = append(seen, f.String())
		}
	}
	return []any{a.Level, a.Best, a.Score, a.Floor, a.Vouched, a.Unknowns, a.Faults, seen}
}

// No number that is too large for where it goes becomes another one.
func TestNumbersAreNotOthers(t *testing.T) {
	schema := []byte(`{"type": "object", "additionalProperties": false, "properties": {"n": {"type": "number"}}}`)
	v, err := NewVocabulary(VocabularyOptions{Attributes: schema})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []any{int64(1<<53 + 1), 1<<53 + 1, int64(math.MinInt64), int64(-1<<53 - 1)} {
		f, _ := v.Facts(&change.Change{Attributes: map[string]any{"n": n}}, Situation{}).Get("attributes.n")
		if f.State != Unreadable {
			t.Errorf("%d is %v", n, f)
		}
	}
	most, one := math.MaxInt, 1
	for _, size := range []change.Size{{LinesAdded: &most, LinesDeleted: &most}, {LinesAdded: &one, LinesDeleted: &most}} {
		f, _ := v.Facts(&change.Change{Size: &size}, Situation{}).Get("change.lines_changed")
		if f.State != Unreadable {
			t.Errorf("more lines than can be counted are %v", f)
		}
	}
}
