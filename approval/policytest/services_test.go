package policytest

import (
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// aboutServices is a policy of which much hangs on what is said of its services, and
// its tests, which show little of that.
var aboutServices = map[string]string{
	"policy.yaml": "version: 1\nname: tiny\nevidence: [smoke]\ngroups:\n  cab: {members: 3}\nroles: [owner]\n",
	"services.yaml": `shop:
  team: shop
  on-call: pd/shop
  kind: digital
  stage: live
  tier: 2
  exposure: public
  coupling: loose
  availability: 99.5%
  deployments: weekly
  needs-outage: false
  zone: Europe/Warsaw
  model:
    - {is: ops-run-it, from: 2024-01-01}
    - {is: you-build-it-you-run-it, from: 2025-03-01, review-by: 2027-01-01}
    - {is: ops-run-it, from: 2025-03-01, for: [data, infrastructure]}
  claims:
    - {template: small, by: idp|alice, from: 2026-02-01, until: 2026-10-31}
base:
  team: base
  kind: platform
  stage: live
  tier: 1
  exposure: internal
  coupling: loose
  carries: [shop, books, plain]
  model: [{is: ops-run-it, from: 2024-01-01}]
plain: {team: books, kind: cots, supplier: Acme, stage: mature, tier: 5, model: [{is: ops-run-it, from: 2024-01-01}]}
dull: {team: books, kind: cots, supplier: Acme, stage: mature, model: [{is: ops-run-it, from: 2024-01-01}]}
books: {team: books, kind: cots, supplier: Acme, stage: mature, tier: 3, exposure: internal, model: [{is: ops-run-it, from: 2024-01-01}]}
`,
	"calendar.yaml": `working-time: {days: mon-fri, hours: 09:00-17:30, zone: Europe/London, holidays: [2026-12-25]}
freezes:
  sale: {every: 3 nov, for: service.team == "shop", ceiling: none, because: of the sale}
  books: {every: 5 nov, for: service.name == "books", ceiling: none, because: of the books}
  dull: {every: 7 nov, for: service.name == "dull", ceiling: none, because: of nothing}
`,
	"authority.yaml": "default: [{group: cab}]\nrules:\n  - {when: type == \"normal\" and service.kind == \"platform\", needs: [{each: carried.tier < 3, role: owner}]}\n",
	"risk.yaml": `levels: {low: 0, high: 10}
default: high
rules:
  - {id: tested, points: 0, when: evidence.smoke == "passed", because: it is tested}
  - {id: tier, bands: service.tier, cuts: {1: 8, 2: 8, 3: 0}, because: it is critical}
  - {id: seldom, points: 1, for: service.kind != "cots", when: 'service.deployments in ["yearly", "monthly"]', because: it is seldom done}
`,
	"catalogue.yaml": `templates:
  small: {owner: shop, approved: {by: cab, on: 2026-01-01}, ends: 2026-12-31, bound-to: {stage: live}, ceiling: low, covers: service.name == "shop" and change.kind == "code", because: it is small}
  nodes: {owner: base, approved: {by: cab, on: 2026-01-01}, ends: 2026-12-31, ceiling: low, covers: service.name == "base" and change.kind == "data", because: it is done often}
`,
	"tests/tiny.txt": `A change.
-- change --
{"id": "CHG-1", "kind": "code", "service": "shop", "requester": {"id": "idp|alice"}, "evidence": [{"name": "smoke", "result": "passed"}]}
-- at --
2026-10-13T09:00:00Z
-- when it is small --
-- then --
type: standard
-- when what carries it changes --
{"service": "base"}
-- then --
needs: 1 of cab and owner of shop
`,
}

// TestMutantsOfServices: which data of the services are changed to what, and
// what becomes of it, by hand.
func TestMutantsOfServices(t *testing.T) {
	score, err := Mutate(read(t, aboutServices))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range score.Mutants {
		if !strings.HasPrefix(m.Part, "service ") && !slices.Contains([]string{"approved", "zone", "holidays", "ceiling"}, m.Field) {
			continue
		}
		witness := ""
		if m.Witness != nil {
			witness = ", shown"
		}
		got = append(got, m.Fate.String()+" "+m.String()+" ("+m.Kind+witness+")")
	}
	want := []string{
		"killed services.yaml:5:10: service shop, stage: live changed to pilot (service)",
		"killed services.yaml:5:10: service shop, stage: live changed to mature (service)",
		"killed services.yaml:6:9: service shop, tier: 2 changed to 3 (service)",
		"survived services.yaml:10:16: service shop, deployments: weekly changed to monthly (service, shown)",
		"survived services.yaml:4:9: service shop, kind: digital changed to platform (service)",
		"refused services.yaml:2:9: service shop, team: shop changed to base (service)",
		"survived services.yaml:12:9: service shop, zone: Europe/Warsaw left out (dropped)",
		"survived services.yaml:14:12: service shop, model: ops-run-it changed to you-build-it-you-run-it (word, shown)",
		"survived services.yaml:14:7: service shop, model: ops-run-it from 2024-01-01 left out (dropped, shown)",
		"killed services.yaml:15:12: service shop, model: you-build-it-you-run-it changed to ops-run-it (word)",
		"killed services.yaml:15:7: service shop, model: you-build-it-you-run-it from 2025-03-01 left out (dropped)",
		"survived services.yaml:15:43: service shop, model you-build-it-you-run-it, from: 2025-03-01 changed to 2025-02-28 (time, shown)",
		"refused services.yaml:15:43: service shop, model you-build-it-you-run-it, from: 2025-03-01 changed to 2025-03-02 (time)",
		"survived services.yaml:16:12: service shop, model: ops-run-it changed to you-build-it-you-run-it (word, shown)",
		"survived services.yaml:16:7: service shop, model: ops-run-it from 2025-03-01 left out (dropped, shown)",
		"refused services.yaml:16:30: service shop, model ops-run-it, from: 2025-03-01 changed to 2025-02-28 (time)",
		"survived services.yaml:16:30: service shop, model ops-run-it, from: 2025-03-01 changed to 2025-03-02 (time, shown)",
		"survived services.yaml:16:47: service shop, model ops-run-it, for: data left out (dropped, shown)",
		"survived services.yaml:16:47: service shop, model ops-run-it, for: infrastructure left out (dropped, shown)",
		"killed services.yaml:18:7: service shop, claim on small: all of it left out (dropped)",
		"survived services.yaml:18:46: service shop, claim on small, from: 2026-02-01 changed to 2026-01-31 (time, shown)",
		"survived services.yaml:18:46: service shop, claim on small, from: 2026-02-01 changed to 2026-02-02 (time, shown)",
		"survived services.yaml:18:65: service shop, claim on small, until: 2026-10-31 changed to 2026-10-30 (time, shown)",
		"survived services.yaml:18:65: service shop, claim on small, until: 2026-10-31 changed to 2026-11-01 (time, shown)",
		"survived services.yaml:23:9: service base, tier: 1 changed to 3 (service, shown)",
		"killed services.yaml:21:9: service base, kind: platform changed to digital (service)",
		"killed services.yaml:26:13: service base, carries: shop left out (dropped)",
		"survived services.yaml:26:19: service base, carries: books left out (dropped, shown)",
		"equivalent services.yaml:26:26: service base, carries: plain left out (dropped)",
		"refused services.yaml:27:16: service base, model: ops-run-it changed to you-build-it-you-run-it (word)",
		"killed services.yaml:28:71: service plain, tier: 5 changed to 2 (service)",
		"survived services.yaml:28:28: service plain, kind: cots changed to foundational (service, shown)",
		"survived services.yaml:28:15: service plain, team: books changed to shop (service, shown)",
		"refused services.yaml:28:87: service plain, model: ops-run-it changed to you-build-it-you-run-it (word)",
		"survived services.yaml:29:27: service dull, kind: cots changed to foundational (service, shown)",
		"survived services.yaml:29:14: service dull, team: books changed to shop (service, shown)",
		"refused services.yaml:29:77: service dull, model: ops-run-it changed to you-build-it-you-run-it (word)",
		"killed services.yaml:30:71: service books, tier: 3 changed to 2 (service)",
		"survived services.yaml:30:28: service books, kind: cots changed to foundational (service, shown)",
		"survived services.yaml:30:15: service books, team: books changed to shop (service, shown)",
		"refused services.yaml:30:107: service books, model: ops-run-it changed to you-build-it-you-run-it (word)",
		"refused catalogue.yaml:2:113: template small, ceiling: low changed to high (level)",
		"survived catalogue.yaml:2:48: template small, approved: 2026-01-01 changed to 2025-12-31 (time, shown)",
		"survived catalogue.yaml:2:48: template small, approved: 2026-01-01 changed to 2026-01-02 (time, shown)",
		"refused catalogue.yaml:3:88: template nodes, ceiling: low changed to high (level)",
		"survived catalogue.yaml:3:48: template nodes, approved: 2026-01-01 changed to 2025-12-31 (time)",
		"survived catalogue.yaml:3:48: template nodes, approved: 2026-01-01 changed to 2026-01-02 (time)",
		"survived calendar.yaml:3:62: freeze sale, ceiling: none changed to low (level, shown)",
		"survived calendar.yaml:4:64: freeze books, ceiling: none changed to low (level)",
		"equivalent calendar.yaml:5:62: freeze dull, ceiling: none changed to low (level)",
		"survived calendar.yaml:1:57: working time, zone: Europe/London changed to UTC (word)",
		"survived calendar.yaml:1:82: working time, holidays: all of them left out (dropped)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the mutants are\n%s", strings.Join(got, "\n"))
	}
}

// TestToldApart: a value that is passed over, as nothing in the policy could tell
// it from the one that there is, changes no answer: not of the changes of the
// tests, to that service and to all that carry it.
func TestToldApart(t *testing.T) {
	d, tests := example(t)
	p := policy(t, d)
	m := &making{d: d, p: p, facts: p.Rules().Vocabulary(), levels: d.Extras()[1].Words}
	m.prover = m.facts.Prover(nil)
	asks, variants, passed, told, seen := m.asks(), p.Variants(), 0, 0, 0
	for i, s := range d.Services {
		one := &serving{making: m, i: i, is: s, asks: asks, at: carriers(d.Services, s.Name)}
		for k, do := range values() {
			mutated := d
			mutated.Services = edited(d.Services, i, do)
			if _, tells := one.tells(do); tells {
				told++
				continue
			}
			passed++
			mutant, err := variants.New(mutated)
			if err != nil {
				continue
			}
			for j := (i + k) % 11; j < len(tests.Cases); j += 11 {
				for _, id := range one.at {
					if !shows(&tests.Cases[j]) {
						continue
					}
					c := *tests.Cases[j].Change
					c.Service = id
					if c.Claim != nil {
						c.Claim = &change.Claim{Type: change.Standard, By: "idp|alice", Reason: "it is small"}
					}
					in := approval.Inputs{At: tests.Cases[j].At}
					if lines := telling(p.Classify(&c, in), mutant.Classify(&c, in)); len(lines) > 0 {
						t.Fatalf("value %d of %s is told apart by %s to %s: %v", k, s.Name, tests.Cases[j].Name, id, lines)
					}
					seen++
				}
			}
		}
	}
	if passed < 50 || told < 50 || seen < 1000 {
		t.Errorf("%d values are passed over and %d told apart, by %d changes", passed, told, seen)
	}
}

// values are edits to a service.
func values() []func(*change.Service) {
	var out []func(*change.Service)
	for v := 1; v <= 9; v++ {
		out = append(out, func(o *change.Service) { o.Tier = v })
	}
	for v := change.Pilot; v <= change.Retiring; v++ {
		out = append(out, func(o *change.Service) { o.Stage = v })
	}
	for v := change.Internal; v <= change.Public; v++ {
		out = append(out, func(o *change.Service) { o.Exposure = v })
	}
	for v := change.Yearly; v <= change.OnDemand; v++ {
		out = append(out, func(o *change.Service) { o.Deployments = v })
	}
	for _, v := range []change.Coupling{change.Loose, change.Lockstep} {
		out = append(out, func(o *change.Service) { o.Coupling = v })
	}
	for _, v := range []bool{false, true} {
		out = append(out, func(o *change.Service) { o.NeedsOutage = &v }, func(o *change.Service) { o.AutomatedDeployment = &v },
			func(o *change.Service) { o.AutomatedVerification = &v })
	}
	return append(out, func(o *change.Service) { o.Availability = 90 })
}

// TestWitnessSetsTimeBack: a case that is about another day leaves those behind
// it as they were.
func TestWitnessSetsTimeBack(t *testing.T) {
	d, tests := read(t, aboutServices)
	score, err := Mutate(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	dated := 0
	for _, m := range score.Mutants {
		if m.Witness == nil || !strings.HasPrefix(m.Witness.Case, "-- at --\n") {
			continue
		}
		dated++
		text := aboutServices["tests/tiny.txt"] + m.Witness.Case + "-- when nothing else is said --\n-- then --\ntype: standard\n"
		suite := approval.ParseTests("tests/tiny.txt", []byte(text))
		last := suite.Cases[len(suite.Cases)-1]
		if len(suite.Failures) > 0 || !last.At.Equal(tests.Cases[0].At) || suite.Cases[len(suite.Cases)-2].At.Equal(last.At) {
			t.Errorf("%v: %v, and the next case is asked at %v", m, suite.Failures, last.At)
		}
	}
	if dated < 5 {
		t.Errorf("%d witnesses are of another day", dated)
	}
}

// TestCarriedAlike: a service that is carried is not missed exactly where it
// has no seat, no freeze of its own, and nothing counts what is carried.
func TestCarriedAlike(t *testing.T) {
	for _, c := range []struct {
		file, was, is string
		same          bool
	}{
		{"services.yaml", "", "", true},
		{"services.yaml", "mature, tier: 5", "mature, tier: 2", false},
		{"calendar.yaml", `service.name == "dull"`, `service.name == "plain"`, false},
		{"calendar.yaml", `service.name == "dull"`, `'service.name in ["plain", "shop"]'`, false}, // which has another clock
		{"calendar.yaml", `service.name == "dull"`, `'service.name in ["plain", "books"]'`, true},
		{"calendar.yaml", `service.name == "dull"`, `'service.tier in [1, 5]'`, true},
		{"risk.yaml", `service.deployments in ["yearly", "monthly"]`, `len(service.carries) > 2`, false},
	} {
		files := map[string]string{}
		for name, text := range aboutServices {
			files[name] = text
		}
		files[c.file] = strings.Replace(files[c.file], c.was, c.is, 1)
		d, _ := read(t, files)
		p := policy(t, d)
		all, err := mutants(d, p)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(m Mutant) bool { return m.Field == "carries" && m.Was == "plain" })
		if got := all[i].same(); got != c.same {
			t.Errorf("with %s it is said to be the same: %t", c.is, got)
		}
	}
}
