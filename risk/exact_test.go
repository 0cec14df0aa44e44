package risk_test

import (
	"math"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// everyWay assesses a change in each way that there is, and wants one answer.
func everyWay(t *testing.T, rules *risk.RuleSet, c *change.Change, s risk.Situation) risk.Assessment {
	t.Helper()
	v := rules.Vocabulary()
	a := rules.Assess(v.Facts(c, s))
	if r := rules.Assess(v.Reader(rules).Facts(c, s)); r.Score != a.Score || r.Level != a.Level || r.Open() != a.Open() {
		t.Errorf("by what is read of it: %v, want %v", r, a)
	}
	if r := rules.Assessor().Assess(c, s); r.Score != a.Score || r.Level != a.Level || r.Open() != a.Open() {
		t.Errorf("by an assessor: %v, want %v", *r, a)
	}
	plan, err := rules.Over(v.History(func(yield func(*change.Change, risk.Situation) bool) { yield(c, s) }))
	if err != nil {
		t.Fatal(err)
	}
	if o := plan.Assess(0, 1, nil)[0]; o.Score != a.Score || o.Level != a.Level || o.Open != a.Open() || o.Best != a.Best {
		t.Errorf("over a history: %+v, want %v", o, a)
	}
	return a
}

func sole(t *testing.T, v *risk.Vocabulary, r risk.Rule) *risk.RuleSet {
	t.Helper()
	r.ID, r.Because = "r", "it matters"
	rules, err := risk.New(v, risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{r}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestINV7ExactBands: a whole number is in the band that it is in, also where
// the nearest decimal is in the next.
func TestINV7ExactBands(t *testing.T) {
	v := vocabulary(t)
	for _, c := range []struct {
		n      int
		from   float64
		points int
	}{
		{1<<53 + 3, 1<<53 + 4, 0}, {1<<53 + 4, 1<<53 + 4, 7}, {1<<60 + 1, 1 << 60, 7}, {1<<60 - 1, 1 << 60, 0},
		{math.MaxInt, 1 << 63, 0}, {math.MaxInt, 1<<63 - 1024, 7}, {math.MaxInt - 1024, 1<<63 - 1024, 0},
		{math.MinInt, -1 << 63, 7}, {math.MinInt, -1 << 62, 0}, {-1<<53 - 3, -1<<53 - 2, 0}, {-1<<53 - 1, -1<<53 - 2, 7}, {3, 2.5, 7}, {2, 2.5, 0}, {-2, -2.5, 7}, {math.MinInt, -1e300, 7}, {math.MaxInt, 1e300, 0},
	} {
		rules := sole(t, v, risk.Rule{Bands: "change.lines_added", Cuts: []risk.Cut{{From: c.from, Points: 7}}})
		zero := 0
		one := &change.Change{Size: &change.Size{LinesAdded: &c.n, LinesDeleted: &zero}}
		if a := everyWay(t, rules, one, risk.Situation{}); a.Score != c.points {
			t.Errorf("%d beside a cut at %v: %d points, want %d", c.n, c.from, a.Score, c.points)
		}
	}
}

// TestINV7LinesDoNotWrap: a change that was built in Go and never validated can
// have more lines than can be counted; that is a fault, not a small number.
func TestINV7LinesDoNotWrap(t *testing.T) {
	v := vocabulary(t)
	file := func(path string, added, deleted int) change.File {
		return change.File{Path: path, Added: &added, Deleted: &deleted}
	}
	for what, files := range map[string][]change.File{
		"added":    {file("a", math.MaxInt, 0), file("b", math.MaxInt, 0), file("c", 2, 0)},
		"deleted":  {file("a", 0, math.MaxInt), file("b", 0, math.MaxInt), file("c", 0, 2)},
		"together": {file("a", math.MaxInt-3, math.MaxInt-3), file("b", 1, 1)},
		"less":     {file("a", math.MinInt, math.MinInt), file("b", -1, -1)},
		"negative": {file("a", math.MinInt+1, math.MinInt+1)},
	} {
		a := everyWay(t, sole(t, v, risk.Rule{Points: 20, When: "change.lines_changed > 400"}), &change.Change{Files: files}, risk.Situation{})
		if a.Score != 20 || len(a.Faults) != 1 {
			t.Errorf("%s: %v, want a fault", what, a)
		}
		for _, fact := range []string{"change.lines_added", "change.lines_deleted"} {
			got, _ := v.Facts(&change.Change{Files: files}, risk.Situation{}).Get(fact)
			if n, ok := got.Value().(int64); ok && (n < 0) != (what == "less" || what == "negative") {
				t.Errorf("%s: %s", what, got)
			}
		}
	}
}

// TestINV7AttributeOfTwoNumbers: 9007199254740992 may have been the next number
// before somebody read it into a decimal.
func TestINV7AttributeOfTwoNumbers(t *testing.T) {
	v := vocabulary(t)
	for value, want := range map[any]risk.State{
		float64(1<<53 - 1): risk.Present, float64(1 << 53): risk.Unreadable, float64(-1 << 53): risk.Unreadable,
		int64(1<<53 - 1): risk.Present, int64(1 << 53): risk.Unreadable, int64(1<<53 + 1): risk.Unreadable, 1.5: risk.Unreadable,
	} {
		c := &change.Change{Attributes: map[string]any{"seats": value}}
		if got, _ := v.Facts(c, risk.Situation{}).Get("attributes.seats"); got.State != want {
			t.Errorf("%v (%T): %s", value, value, got)
		}
	}
}

// TestINV3ContradictoryEvidence: a change that was not validated can hold two
// results of one check; neither is believed.
func TestINV3ContradictoryEvidence(t *testing.T) {
	v := vocabulary(t)
	rules := sole(t, v, risk.Rule{Points: -5, When: `evidence.smoke == "passed"`})
	for _, results := range [][]change.Result{{change.Passed, change.Failed}, {change.Failed, change.Passed}, {change.Passed, 99}, {99, change.Passed}, {0, change.Passed}, {change.Passed, 0}} {
		c := &change.Change{}
		for _, r := range results {
			c.Evidence = append(c.Evidence, change.Evidence{Name: "smoke", Result: r})
		}
		if a := everyWay(t, rules, c, risk.Situation{}); a.Vouched || !a.Open() {
			t.Errorf("%v: %v", results, a)
		}
	}
}

// TestHourThatComesAgain: where a clock is put back by more than an hour, a
// window can begin and end in an hour and have another one in between.
func TestHourThatComesAgain(t *testing.T) {
	v := vocabulary(t)
	for _, c := range []struct {
		zone       string
		start, end string
		hour, day  risk.State
	}{
		{"Antarctica/Troll", "2026-10-24T23:30:00Z", "2026-10-25T01:10:00Z", risk.Unknown, risk.Present}, // 01:30, 02:59, 01:00, 01:10
		{"Antarctica/Troll", "2026-10-24T23:30:00Z", "2026-10-24T23:50:00Z", risk.Present, risk.Present},
		{"Europe/London", "2026-10-25T00:10:00Z", "2026-10-25T01:50:00Z", risk.Present, risk.Present}, // 01:10, 01:59, 01:00, 01:50
		{"Australia/Lord_Howe", "2026-04-04T14:40:00Z", "2026-04-04T15:20:00Z", risk.Present, risk.Present},
		{"America/St_Johns", "2010-11-07T01:35:00Z", "2010-11-07T03:00:00Z", risk.Unknown, risk.Unknown}, // midnight comes twice
		{"Europe/London", "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", risk.Unknown, risk.Present},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		start, err := time.Parse(time.RFC3339, c.start)
		if err != nil {
			t.Fatal(err)
		}
		end, err := time.Parse(time.RFC3339, c.end)
		if err != nil {
			t.Fatal(err)
		}
		f := v.Facts(&change.Change{Window: &change.Window{Start: start, End: end}}, risk.Situation{At: start.Add(-time.Hour), Zone: zone})
		for name, want := range map[string]risk.State{"at.hour": c.hour, "at.day": c.day, "at.weekday": c.day} {
			if got, _ := f.Get(name); got.State != want {
				t.Errorf("%s from %s to %s: %s, want %s", c.zone, start.In(zone), end.In(zone), got, want)
			}
		}
	}
}

// TestINV1ExtraFactOfAnotherKind: what the caller of a condition adds, and cannot
// be so, is a fault and not a word that no comparison meets.
func TestINV1ExtraFactOfAnotherKind(t *testing.T) {
	v := vocabulary(t)
	c, err := v.Condition(`type != "normal" or loud`, risk.Extra{Name: "type", Words: []string{"standard", "normal"}}, risk.Extra{Name: "loud"})
	if err != nil {
		t.Fatal(err)
	}
	f := v.Facts(&change.Change{}, risk.Situation{})
	for _, one := range []struct {
		kind, loud any
		want       risk.Truth
	}{
		{"normal", false, risk.False}, {"standard", false, risk.True}, {nil, false, risk.Undecided}, {"normal", nil, risk.Undecided},
		{"nromal", false, risk.Faulty}, {"", false, risk.Faulty}, {true, false, risk.Faulty}, {7, false, risk.Faulty}, {"normal", "yes", risk.Faulty},
	} {
		if got, why := c.Decide(f, one.kind, one.loud); got != one.want || (why == "") != (one.want != risk.Faulty) {
			t.Errorf("%v, %v: %s %q, want %s", one.kind, one.loud, got, why, one.want)
		}
	}
}

// TestDigestOfBytes: two rule sets that differ have two digests, also where what
// differs is no text, which JSON would write alike; such a one is refused.
func TestDigestOfBytes(t *testing.T) {
	r := risk.Rule{ID: "r", Because: "it matters\xff", Points: 1, When: "change.downtime"}
	if _, err := risk.New(vocabulary(t), risk.Definition{Levels: levels, Default: "high", Rules: []risk.Rule{r}}); err == nil {
		t.Error("a sentence that is not UTF-8 was accepted")
	}
}
