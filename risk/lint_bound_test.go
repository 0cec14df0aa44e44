package risk

import (
	"fmt"
	"testing"
)

// A lint of rules that are made to be hard to look at ends: its questions share
// what they may compute. Each of these took minutes.
func TestLintIsBounded(t *testing.T) {
	var items []string
	for i := range 2000 {
		items = append(items, fmt.Sprint("item-", i))
	}
	v, err := NewVocabulary(VocabularyOptions{Services: items, Sets: []Set{{Name: "big", Items: items}, {Name: "most", Items: items[1:]}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, when := range map[string]string{
		"lists": "any(change.regions, # in sets.big) and none(change.environments, # in sets.most) and change.files < %d",
		"texts": "service.name in sets.big and change.title in sets.most and change.files < %d",
	} {
		d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high"}
		for i := range 20 {
			d.Rules = append(d.Rules, Rule{ID: fmt.Sprint("r", i), Because: "b", When: fmt.Sprintf(when, i+2)})
		}
		rs, err := New(v, d)
		if err != nil {
			t.Fatal(err)
		}
		const little = 3_000_000
		l := &ruleLint{d: d, rs: rs, anywhere: v.prover(), steps: pairSteps}
		*l.anywhere.work = little
		l.here = l.anywhere.In(nil)
		findings := l.run()
		if left := *l.anywhere.work; left >= 0 || left < -little || len(findings) > 20 {
			t.Errorf("%s: %d findings, and %d of %d are left", name, len(findings), left, little)
		}
	}
}

// Whether a rule fills its group is found once for the group, and agrees with
// what it means.
func TestFills(t *testing.T) {
	v, err := NewVocabulary(VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	two, off := 2, -2
	for _, c := range []struct {
		others []Rule
		points int
		want   bool
	}{
		{nil, 2, true},
		{nil, 1, false},
		{nil, -2, true},
		{[]Rule{{Points: -1, When: "change.downtime"}}, 2, false},
		{[]Rule{{Points: 1, When: "change.downtime"}}, -2, false},
		{[]Rule{{Floor: "high", When: "change.downtime"}}, -2, true},
		{[]Rule{{Points: 0, When: "change.downtime"}}, 2, true},
		{[]Rule{{Bands: "change.files", Cuts: []Cut{{From: 1, Points: 1}}}}, 2, true},
		{[]Rule{{Bands: "change.files", Cuts: []Cut{{From: 1, Points: 1}}}}, -2, false},
	} {
		d := Definition{Levels: []LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high", Groups: []Group{{Name: "g", Cap: &two, Min: &off}},
			Rules: append([]Rule{{Points: c.points, When: "change.backout"}}, c.others...)}
		for i := range d.Rules {
			d.Rules[i].ID, d.Rules[i].Because, d.Rules[i].Group = fmt.Sprint("r", i), "b", "g"
		}
		rs, err := New(v, d)
		if err != nil {
			t.Fatal(err)
		}
		l := &ruleLint{d: d, rs: rs}
		for _, r := range d.Rules {
			l.rules = append(l.rules, *rs.compile(r, new(faults)))
		}
		l.findWays()
		if got := l.fills(&l.rules[0]); got != c.want {
			t.Errorf("%d points beside %+v fill the group: %v", c.points, c.others, got)
		}
	}
}
