package approval_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/risk"
)

// TestNewcomers makes edits that people make on their first day, and holds what
// they are told against what would have helped.
func TestNewcomers(t *testing.T) {
	for _, c := range []struct{ fault, want string }{
		{`risk.yaml | change.downtime | downtime`, `risk.yaml:8:37: rule "outage": no fact is named "downtime"; did you mean "change.downtime"?`},
		{`risk.yaml | change.downtime | requester.kind == bot`, `risk.yaml:8:55: rule "outage": no fact is named "bot"; if you mean the word, write "bot"`},
		{`risk.yaml | change.downtime | change.downtime == yes`, `risk.yaml:8:56: rule "outage": no fact is named "yes"; write true`},
		{`risk.yaml | change.downtime | service.name == payments-api`, `risk.yaml:8:53: rule "outage": no fact is named "payments-api"; if you mean the word, write "payments-api"`},
		{`authority.yaml | level == "high" | level == medium`, `authority.yaml:4:42: when: no fact is named "medium"; if you mean the word, write "medium"`},
		{`risk.yaml | change.downtime | evidence.coverage == "passed"`, `risk.yaml:8:37: rule "outage": no fact is named "evidence.coverage"; declare it under "evidence" in policy.yaml`},
		{`risk.yaml | change.downtime | attributes.region == "eu"`, `risk.yaml:8:37: rule "outage": no fact is named "attributes.region"; the policy has no attributes.schema.json, which would declare it`},
		{`risk.yaml | bands: change.files | bands: attributes.files`, `risk.yaml:7:29: rule "many-files": no fact is named "attributes.files"; the policy has no attributes.schema.json, which would declare it`},
		{`risk.yaml | change.downtime | carried.tier == 1`, `risk.yaml:8:37: rule "outage": no fact is named "carried.tier"; only "each" in authority.yaml reads facts of carried services`},
		{`risk.yaml | group: size, because: many | group: breadth, because: many`, `risk.yaml:7:79: rule "many-files": the group "breadth" is not defined; define it under "groups", such as breadth: {cap: 30}`},
		{`policy.yaml | {members: 5} | 9`, `policy.yaml:7:8: a group must be a mapping, such as {members: 9}, not the text "9"`},
		{`services.yaml | [{is: generous, from: 2025-01-01}] | generous`, `services.yaml:7:119: the model must be a list, such as [{is: generous, from: 2026-01-01}], not the text "generous"`},
		{`catalogue.yaml | {by: cab, on: 2026-06-04, ref: CHG0041122} | cab`, `catalogue.yaml:5:15: an approval must be a mapping, such as {by: cab, on: 2026-06-04}, not the text "cab"`},
		{`authority.yaml | [{group: cab, quorum: 2}, {role: service-owner}] | security`, `authority.yaml:3:37: needs must be a list, such as [{group: security}], not the text "security"`},
		{`authority.yaml | [{group: cab, quorum: 2}, {role: service-owner}] | [on-call]`, `authority.yaml:3:38: a need must be a mapping, such as {role: on-call}, not the text "on-call"`},
		{`calendar.yaml | {days: mon-fri, hours: 09:00-17:30, zone: Europe/London, holidays: [2026-12-25]} | mon-fri`,
			`calendar.yaml:1:15: working time must be a mapping, such as {days: mon-fri, hours: 09:00-17:30, zone: Europe/London}, not the text "mon-fri"`},
		{`calendar.yaml | emergencies: pass | emergencies: allow`, `calendar.yaml:3:66: emergencies must be one of pass, hold (pass: they are not held up; hold: they need the seat of the override too), not "allow"`},
		{`calendar.yaml | zone: Europe/London | zone: New York`, `calendar.yaml:1:57: working time: time zone "New York": not an IANA name in zone data 2025c; did you mean "America/New_York"?`},
		{`calendar.yaml | days: mon-fri | days: monday to friday`, `calendar.yaml:1:22: days "monday to friday": expected a day such as mon, or days such as mon-fri or mon,wed,fri, found "monday to friday"`},
		{`policy.yaml | roles: [service-owner, incident-manager, on-call, head-of-operations]\n |`, `authority.yaml:3:70: "service-owner" is not a role: policy.yaml lists no roles; list it there under roles`},
		{`policy.yaml | groups:\n  cab: {members: 5}\n  security: {members: 2}\n |`, `authority.yaml:1:19: "cab" is not a group: policy.yaml lists no groups; list it there under groups`},
		{`policy.yaml | applies:\n  change.lines_added: service.kind != "cots" | applies: [change.files]`,
			`policy.yaml:4:10: applies is written as {FACT: CONDITION, ...}, such as change.lines_added: service.kind != "cots"`},
		{`risk.yaml | points: 20, | points: 20, for: service.needs_outage,`, `services.yaml:2:3: the service "payments-api" must state needs-outage: the rule big-diff asks for it (risk.yaml:6)`},
		{`risk.yaml | when: change.lines_added > 400 | when: 'change.lines_added > 400`, `risk.yaml:6:38: the quote opened in line 6 is not closed before line 10, where reading it went wrong; add the closing quote in line 6`},
	} {
		_, err := approval.Load(mapFS(broken(t, c.fault)))
		var all risk.ParseErrors
		if !errors.As(err, &all) {
			t.Errorf("%s: %v", c.fault, err)
			continue
		}
		var got []string
		for _, e := range all {
			got = append(got, e.Error())
		}
		if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+c.want+"\n") {
			t.Errorf("%s\n got %s\nwant %s", c.fault, strings.Join(got, "\n     "), c.want)
		}
	}
}

// TestUndecided: a service is told once of each fact that rules ask for, however
// many rules do.
func TestUndecided(t *testing.T) {
	f := files()
	f["risk.yaml"] += `  - {id: a, points: 1, for: service.needs_outage, when: change.downtime, because: x}
  - {id: b, points: 1, for: service.needs_outage and service.coupling == "loose", when: change.downtime, because: x}
  - {id: c, points: 1, for: service.needs_outage, when: change.downtime, because: x}
  - {id: d, points: 1, for: service.needs_outage, when: change.downtime, because: x}
`
	_, err := approval.Load(mapFS(f))
	var all risk.ParseErrors
	if !errors.As(err, &all) || len(all) != 8 {
		t.Fatalf("expected two faults for each of four services: %v", all)
	}
	for i, want := range []string{
		`services.yaml:2:3: the service "payments-api" must state needs-outage: the rule a asks for it (risk.yaml:11), and 2 more rules`,
		`services.yaml:2:3: the service "payments-api" must state coupling and needs-outage: the rule b asks for it (risk.yaml:12)`,
	} {
		if got := all[i].Error(); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

// TestParseApplies: the section is read, and nothing else of the file.
func TestParseApplies(t *testing.T) {
	for _, part := range []string{"applies:\n  change.files: service.kind != \"cots\"\n", "name: x\n", ""} {
		list, err := risk.ParseApplies("policy.yaml", []byte(part))
		if (err != nil) != (part == "") || (len(list) == 1) != strings.HasPrefix(part, "applies") {
			t.Errorf("%q is read as %v, %v", part, list, err)
		}
	}
}

// TestDecisionTestMessages: what a test file lacks is said, and why a change is
// not of the type that was expected.
func TestDecisionTestMessages(t *testing.T) {
	p := made(t, base(t))
	const change, at = "-- change --\n" + regular + "\n", "-- at --\n2026-11-23T10:00:00Z\n"
	for _, c := range []struct{ text, want string }{
		{change + "-- when x --\n-- then --\ntype: standard\n",
			"x: the time of the classification is not given; add a section -- at -- with a time such as 2026-11-23T10:00:00Z before this case"},
		{at + "-- when x --\n{\"downtime\": true}\n-- then --\ntype: standard\n-- when y --\n-- then --\ntype: normal\n",
			"x: there is no change that this could be about; add a section -- change -- with a change as JSON before this case"},
		{change + at + "-- when x\n{}\n-- then --\ntype: standard\n", "this looks like a heading without its closing --; write -- when x --"},
		{change + at + "-- when x --\n-- then\ntype: normal\n", "this looks like a heading without its closing --; write -- then --"},
		{change + "-- when x --\n" + at + "-- then --\ntype: standard\n", "x: a -- then -- must follow its -- when --; put the -- at -- before the -- when --"},
		{change + "-- at --\ntoday\n-- when x --\n-- then --\ntype: standard\n", `"today" is not a time such as 2026-11-23T10:00:00Z`},
		{"-- change --\n{,}\n" + at + "-- when x --\n-- then --\ntype: standard\n", `the change is not strict JSON: /: has an unexpected ","; expected a field name in double quotes`},
		{change + at + "-- when x --\n{\"kind\": \"Code\"}\n-- then --\ntype: standard\n",
			`x: the change is refused, and the case does not expect an error: /kind: is "Code"; expected one of code, config, flag, data, infrastructure, cots; did you mean "code"?`},
		{change + at + "-- notes --\n-- when x --\n-- then --\ntype: normal\n", `the section "notes" is not known; expected change, at, when ..., unread when ... or then after a when`},
		{change + at + "-- when x --\n{\"claim\": null}\n-- then --\ntype: standard\n",
			"x: type is normal, expected standard (nobody claims it as a standard change)"},
	} {
		r, err := p.Test(mapFS(map[string]string{"tests/a.txt": c.text}))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.Failures {
			got = append(got, f.String())
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all+"\n", ": "+c.want+"\n") {
			t.Errorf("%s\n got %s\nwant %s", c.text, all, c.want)
		}
		if refused := strings.Contains(c.want, "refused") || strings.Contains(c.want, "strict JSON") || strings.Contains(c.want, "not a time"); refused && len(got) != 1 {
			t.Errorf("%s\n got %s\nwant nothing that follows from %s", c.text, strings.Join(got, "\n"), c.want)
		}
	}
	for _, text := range []string{at + "-- when x --\n-- then --\ntype: normal\n-- when y --\n-- then --\ntype: normal\n", "-- change --\n{\n" + at + "-- when x --\n-- then --\ntype: normal\n"} {
		if r, err := p.Test(mapFS(map[string]string{"tests/a.txt": text})); err != nil || len(r.Failures) != 1 {
			t.Errorf("one thing is wrong with\n%s\nbut it says %v (%v)", text, r.Failures, err)
		}
	}
	r, err := p.Test(mapFS(map[string]string{"tests/a.txt": change + "-- when x --\n-- then --\nerror: the time\n"}))
	if err != nil || len(r.Failures) > 0 {
		t.Errorf("a case that expects the error: %v %v", r.Failures, err)
	}
}
