package risk_test

import (
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// timedServices are the services of the policies under test, with a zone and the
// working time of their owners.
func timedServices(t *testing.T) []risk.Situation {
	t.Helper()
	zone, err := change.Zone("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	days := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	working, err := change.NewWorkingTime(change.WorkingHours{Days: days, From: 9 * 60, To: 17*60 + 30, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	out := lintServices()
	for i := range out {
		out[i].Zone, out[i].Working = zone, working
	}
	return out
}

// TestLintWitnessInTime: a change that shows something of the time states the
// window in which it is so.
func TestLintWitnessInTime(t *testing.T) {
	situations := timedServices(t)
	for _, when := range []string{
		`at.hour == 3`,
		`at.hour >= 22 or at.hour < 6`,
		`at.weekday == "friday" and at.hour > 15`,
		`at.weekday in ["saturday", "sunday"] and at.month == 12`,
		`at.day == 29 and at.month == 2 and at.weekday == "sunday"`,
		`at.working_time and at.weekday == "friday"`,
		`not at.working_time and change.files > 3`,
		`at.watch_hours < 2 and at.working_time`,
		`at.watch_hours >= 4 and service.kind == "cots"`,
		`change.lead_hours > 72`,
		`change.lead_hours < hours(72) and change.lead_hours > 71.5`,
		`change.lead_hours < -3`,
		`change.lead_hours == 24 and at.hour == 10`,
		`known(change.lead_hours) and at.hour == 4`,
		`change.lead_hours > 1000 and change.emergency`,
	} {
		rs := lintRules(t, "", "\n  - {id: a, points: 5, when: '"+when+"', because: x}\n  - {id: b, points: 5, when: 'not (not ("+when+"))', because: x}")
		found := rs.lint(t, situations)
		if len(found) != 1 || found[0].Kind != risk.Duplicate || found[0].Witness == nil || found[0].Witness.Window == nil {
			t.Errorf("%s: %v", when, found)
			continue
		}
		checkShowsIn(t, situations, rs.RuleSet, found[0])
	}
}

// TestLintWitnessOfWhatCannotBeShown: no change can be deployed at a time that
// there is not, and none is made up.
func TestLintWitnessOfWhatCannotBeShown(t *testing.T) {
	for _, when := range []string{`at.day == 31 and at.month == 2`, `at.working_time and at.hour == 3`, `at.watch_hours > 9`} {
		rs := lintRules(t, "", "\n  - {id: a, points: 5, when: '"+when+"', because: x}\n  - {id: b, points: 5, when: 'not (not ("+when+"))', because: x}")
		for _, f := range rs.lint(t, timedServices(t)) {
			if f.Witness != nil {
				t.Errorf("%s: shown by a change at %v", when, f.Witness.Window)
			}
		}
	}
}

// TestLintWitnessesOfRandomRules: whatever is found of random rules for the
// services of a random world, the changes that show it do.
func TestLintWitnessesOfRandomRules(t *testing.T) {
	w, shown := newWorld(t), map[risk.FindingKind]int{}
	for seed := range uint64(20) {
		r := newRandom(seed + 500)
		rs, _ := r.alike(t, r.policy(t, 20, true))
		situations := r.services(w)
		for _, f := range rs.lint(t, situations) {
			if f.Witness == nil {
				continue
			}
			shown[f.Kind]++
			if f.Kind != risk.Unreachable && f.Kind != risk.NoEffect { // their messages do not name rules alone
				checkShowsIn(t, situations, rs.RuleSet, f)
			}
		}
	}
	for kind, least := range map[risk.FindingKind]int{risk.AlwaysTrue: 5, risk.NeverTrue: 5, risk.Duplicate: 30, risk.Subsumed: 5} {
		if shown[kind] < least {
			t.Errorf("%d findings that are %v are shown; too few to tell anything", shown[kind], kind)
		}
	}
}

// services are situations of services that differ in their names.
func (r random) services(w world) []risk.Situation {
	var out []risk.Situation
	seen := map[string]bool{}
	for range 10 {
		if s := r.situation(w); s.Service != nil && s.Zone != nil && !seen[s.Service.Name] {
			seen[s.Service.Name] = true
			out = append(out, s)
		}
	}
	return out
}
