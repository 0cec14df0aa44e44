package policytest

import (
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
)

// TestThresholdsElsewhere: numbers of the time and of the service are reached too,
// each on the day, or at the service, that is nearest.
func TestThresholdsElsewhere(t *testing.T) {
	d, tests := read(t, map[string]string{
		"calendar.yaml": "working-time: {days: mon-fri, hours: 09:00-17:30, zone: Europe/London}\n",
		"services.yaml": `shop: {team: shop, kind: digital, stage: live, tier: 2, model: [{is: ops-run-it, from: 2024-01-01}]}
blog: {team: shop, kind: digital, stage: live, tier: 4, model: [{is: ops-run-it, from: 2024-01-01}]}
bank: {team: bank, kind: cots, stage: live, tier: 4, model: [{is: ops-run-it, from: 2024-01-01}]}
`,
		"risk.yaml": `levels: {low: 0, high: 10}
default: high
rules:
  - {id: late, points: 1, when: at.hour >= 17 and at.weekday == "tuesday", because: it is late}
  - {id: watch, bands: at.watch_hours, cuts: {0: 2, 1.5: 1}, because: nobody is there}
  - {id: day, points: 3, when: at.day > 13, because: the month is half over}
  - {id: month, points: 4, when: at.month > 10, because: winter comes}
  - {id: soon, points: 5, when: known(change.lead_hours) and change.lead_hours < 2, because: it is soon}
  - {id: small, points: 6, when: service.tier > 3, because: it is small}
  - {id: planned, points: 7, when: known(change.steps), because: it has a plan}
  - {id: uptime, points: 8, when: service.availability > 99.9, because: it must not fail}
  - {id: huge, points: 9, when: change.targets > 900 and change.targets < 3, because: it never is}
  - {id: tested, points: 0, when: evidence.smoke == "passed", because: it is tested}
`,
		"tests/tiny.txt": `A change on a Tuesday, at ten in London.
-- change --
{"id": "CHG-1", "kind": "code", "service": "shop", "requester": {"id": "idp|alice"}, "evidence": [{"name": "smoke", "result": "passed"}], "targets": [{"name": "one"}]}
-- at --
2026-10-13T09:00:00Z
-- when all is as it is --
-- then --
type: normal
`,
	})
	text, left, err := Thresholds(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].String() != "risk.yaml:11:35: rule uptime, service.availability: no two services of the policy differ in it" {
		t.Errorf("left are %v", left)
	}
	suite, p := approval.ParseTests("tests/generated.txt", text), policy(t, d)
	var got []string
	for i := range suite.Cases {
		c := &suite.Cases[i]
		if _, failures := p.Try(c); len(failures) > 0 || !c.Unread {
			t.Errorf("%s: %v, unread: %v", c.Name, failures, c.Unread)
		}
		where := c.At.Format("2 Jan 15:04 ") + c.Change.Service
		if w := c.Change.Window; w != nil {
			where += w.Start.Format(", 2 Jan 15:04")
		}
		got = append(got, c.Name+": "+where)
	}
	want := `rule late: at.hour is 16: 13 Oct 15:00 shop
rule late: at.hour is 17: 13 Oct 16:00 shop
rule watch: at.watch_hours is 1.49: 13 Oct 15:00 shop
rule watch: at.watch_hours is 1.5: 13 Oct 15:00 shop
rule day: at.day is 13: 13 Oct 09:00 shop
rule day: at.day is 14: 14 Oct 09:00 shop
rule month: at.month is 10: 13 Oct 09:00 shop
rule month: at.month is 11: 13 Nov 09:00 shop
rule soon: change.lead_hours is 1.9: 13 Oct 09:00 shop, 13 Oct 10:54
rule soon: change.lead_hours is 2: 13 Oct 09:00 shop, 13 Oct 11:00
rule small: service.tier is 2: 13 Oct 09:00 shop
rule small: service.tier is 4: 13 Oct 09:00 blog`
	if len(suite.Failures) > 0 || strings.Join(got, "\n") != want {
		t.Errorf("%v; the cases are\n%s", suite.Failures, strings.Join(got, "\n"))
	}
}

func policy(t *testing.T, d approval.Definition) *approval.Policy {
	t.Helper()
	p, err := approval.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
