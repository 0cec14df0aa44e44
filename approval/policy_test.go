package approval_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// files is a policy of four services: one on each preset and owned by one
// team, one whose team may claim up to ten points more, and a platform that
// carries the first two.
func files() map[string]string {
	return map[string]string{
		"policy.yaml": `version: 1
name: test
evidence: [smoke]
applies:
  change.lines_added: service.kind != "cots"
groups:
  cab: {members: 5}
  security: {members: 2}
roles: [service-owner, incident-manager, on-call, head-of-operations]
models:
  generous: {like: you-build-it-you-run-it, slack: 10}
  trusted: {like: you-build-it-you-run-it, standard: always}
`,
		"services.yaml": `payments-api:
  {team: payments, on-call: pd/payments, kind: digital, stage: live, tier: 1, exposure: public, zone: Europe/London,
   model: [{is: ops-run-it, from: 2024-01-08}, {is: you-build-it-you-run-it, from: 2025-06-01}]}
ledger:
  {team: payments, kind: cots, supplier: acme, stage: mature, tier: 1, zone: Asia/Tokyo, model: [{is: ops-run-it, from: 2019-01-01}]}
shop:
  {team: store, on-call: pd/store, kind: digital, stage: live, tier: 2, exposure: public, zone: Europe/London, model: [{is: generous, from: 2025-01-01}]}
platform:
  {team: base, on-call: pd/base, kind: platform, stage: live, tier: 1, exposure: internal, zone: Europe/London, carries: [payments-api, ledger],
   model: [{is: trusted, from: 2025-01-01}]}
`,
		"risk.yaml": `levels: {low: 0, medium: 25, high: 50}
default: medium
groups:
  size: {cap: 30}
rules:
  - {id: big-diff, points: 20, when: change.lines_added > 400, group: size, because: large change}
  - {id: many-files, bands: change.files, cuts: {0: 0, 10: 5, 50: 30}, group: size, because: many files}
  - {id: outage, floor: high, when: change.downtime, because: users will notice}
  - {id: verified, points: -10, when: evidence.smoke == "passed", trust: observed, because: the pipeline verified it}
  - {id: plain, points: 0, when: 'change.kind in ["code", "config", "cots"]', because: it is of a kind that we know}
`,
		"catalogue.yaml": `templates:
  rolling:
    owner: payments-pm
    ceiling: low
    approved: {by: cab, on: 2026-06-04, ref: CHG0041122}
    ends: 2027-06-04
    bound-to: {stage: live, tier: [1, 2], exposure: [public, internal]}
    covers: change.kind == "code"
    except: touches("migrations/**")
forbid:
  - {id: secrets, when: 'touches("secrets/**")', because: secrets are looked at by people}
`,
		"authority.yaml": `default: [{group: cab, quorum: 3}]
rules:
  - {when: type == "normal", needs: [{group: cab, quorum: 2}, {role: service-owner}]}
  - {when: type == "normal" and level == "high", needs: [{group: cab, quorum: 4}]}
  - {when: type == "normal" and service.kind == "platform", needs: [{each: carried.tier == 1, role: service-owner}]}
  - {when: type == "emergency", needs: [{role: incident-manager}, {any: [{role: on-call}, {role: head-of-operations}]}], review-within: 3 working days}
`,
		"calendar.yaml": `working-time: {days: mon-fri, hours: 09:00-17:30, zone: Europe/London, holidays: [2026-12-25]}
freezes:
  year-end: {every: 15 dec to 4 jan, ceiling: none, emergencies: pass, override: head-of-operations, because: few people are there}
  month-end: {every: 28 feb 22:00 to 04:00, for: service.kind == "cots", ceiling: none, emergencies: hold, override: head-of-operations}
`,
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// base is the definition of the policy in files, to be altered.
func base(tb testing.TB) approval.Definition {
	tb.Helper()
	d, err := approval.ParseDefinition(mapFS(files()))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func made(tb testing.TB, d approval.Definition) *approval.Policy {
	tb.Helper()
	p, err := approval.New(d)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// monday is working time in which nothing is frozen.
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// regular is a change that the template rolling covers, low-risk and claimed.
const regular = `{"id": "CHG-1", "title": "db cleanup", "reason": "less to pay", "kind": "code", "service": "payments-api",
	"requester": {"id": "idp|alice", "kind": "human", "team": "payments"},
	"contributors": [{"id": "idp|bob", "as": "author"}],
	"targets": [{"name": "prod/eu", "environment": "prod", "region": "eu"}, {"name": "prod/us", "environment": "prod", "region": "us"}],
	"artifacts": [{"name": "api", "digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}],
	"files": [{"path": "db/a.go", "added": 4, "deleted": 2}, {"path": "main.go", "added": 1, "deleted": 0}],
	"size": {"files": 2, "directories": 2, "lines_added": 5, "lines_deleted": 2},
	"evidence": [{"name": "smoke", "result": "passed", "by": "ci", "at": "2026-11-23T09:00:00Z", "ref": "https://ci.example/1"}],
	"attested": [{"by": "ci", "covers": ["evidence", "files"], "ref": "https://ci.example/2"}],
	"plan": [{"title": "roll", "party": "owner", "automated": true, "backout": "roll back"}, {"title": "tell", "party": "desk", "automated": false}],
	"validation": {"party": "owner", "checks": ["errors"], "automated": true, "within_minutes": 30},
	"downtime": false, "claim": {"type": "standard", "by": "idp|alice", "reason": "as each week"},
	"links": [{"rel": "fixes", "id": "CHG-0"}],
	"history": {"service_failure_rate": 0.02, "service_changes_30d": 40, "hours_since_failure": 400.5}}`

// decoded is a change with some members replaced; nil takes one away.
func decoded(tb testing.TB, with map[string]any) *change.Change {
	tb.Helper()
	var tree map[string]any
	if err := json.Unmarshal([]byte(regular), &tree); err != nil {
		tb.Fatal(err)
	}
	for name, v := range with {
		if tree[name] = v; v == nil {
			delete(tree, name)
		}
	}
	c, err := decodeTree(tree)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func decodeTree(tree any) (*change.Change, error) {
	data, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	return change.Decode(data, &change.DecodeOptions{Attested: true})
}

// lowered says in what way one classification asks for less than another; ""
// when it does not. Standard is the least; of the rest, each asks for at least
// what the one before it asked for.
func lowered(before, after approval.Classification) string {
	was, is := before.Type == change.Standard, after.Type == change.Standard
	switch {
	case is && !was:
		return "it is standard"
	case after.Err != nil:
		return ""
	case after.Assessment.Level.Rank() < before.Assessment.Level.Rank() || after.Assessment.Score < before.Assessment.Score:
		return "the risk is lower"
	case !is && !was && (after.Requirement == nil || !after.Requirement.AtLeast(before.Requirement)):
		return fmt.Sprintf("it needs %v, and needed %v", after.Requirement, before.Requirement)
	}
	return ""
}

// random makes policies over the base policy, and changes.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 27))} }

func oneOf[T any](r random, list ...T) T { return list[r.IntN(len(list))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

// serviceAtoms are conditions that "for" may hold; atoms are all the others.
// None asks whether a fact is there, nor whether there is a way back, which
// is known when it is left out.
var (
	serviceAtoms = []string{`service.tier == 1`, `service.kind == "digital"`, `service.stage != "pilot"`, `"ledger" in service.carries`, `service.name in sets.critical`,
		`service.name != "shop"`, `service.exposure == "public"`, `service.supplier == "acme"`, `service.coupling == "loose"`} // the last three are not stated for all

	atoms = []string{`change.kind == "code"`, `change.lines_added > 100`, `change.lines_added <= 5`, `change.files < 5`, `change.downtime`,
		`not change.downtime`, `requester.kind == "bot"`, `requester.team == "payments"`, `"prod" in change.environments`, `"us" in change.regions`,
		`touches("db/**")`, `history.service_failure_rate > 0.1`, `change.manual_steps <= 1`, `change.contributors > 0`, `attributes.pii`,
		`attributes.cost < 5.5`, `at.hour < 12`, `change.title contains "db"`, `change.validation_automated`, `len(attributes.labels) > 0`,
		`change.fixes > 0`, `change.depends_on == 0`, `change.artifacts == 1`, `change.steps < 3`, `evidence.smoke == "passed"`,
		`evidence.smoke != "failed"`, `any(change.parties, {# == "desk"})`, `change.lines_changed + change.files < 10`, `change.directories > 1`,
		`touches(sets.schema_paths)`, `requester.team not in sets.teams`, `history.hours_since_failure > days(14)`, `attributes.outage_minutes <= hours(1.5)`,
		`any(change.regions, # in sets.regions)`, `attributes.outage_minutes + attributes.outage_minutes > hours(2)`}
)

func (r random) cond(from ...string) string {
	switch a := oneOf(r, from...); r.IntN(6) {
	case 0:
		return "(" + a + ") and (" + oneOf(r, from...) + ")"
	case 1:
		return "(" + a + ") or (" + oneOf(r, from...) + ")"
	case 2:
		return "not (" + a + ")"
	default:
		return a
	}
}

func (r random) any() string { return r.cond(append(append([]string{}, atoms...), serviceAtoms...)...) }

// envelope is any condition but one that is never false, which does not load.
func (r random) envelope() string {
	for {
		text := r.any()
		a, b, joined := strings.Cut(text, ") or (")
		if a, b = strings.TrimPrefix(a, "("), strings.TrimSuffix(b, ")"); !joined || a != "not "+b && b != "not "+a {
			return text
		}
	}
}

const attributes = `{"type": "object", "additionalProperties": false, "properties": {"pii": {"type": "boolean"}, "cost": {"type": "number"},
	"outage_minutes": {"type": "integer", "minimum": 0, "maximum": 600},
	"labels": {"type": "array", "maxItems": 9, "items": {"type": "string", "maxLength": 9}}}}`

// policy is the base with its rules, templates and the like made at random.
func (r random) policy(tb testing.TB) approval.Definition {
	d := base(tb)
	d.Attributes, d.Templates, d.Forbid, d.Risk.Rules, d.Risk.Default = []byte(attributes), nil, nil, nil, "high"
	d.Sets = []risk.Set{{Name: "critical", Items: []string{"payments-api", "platform"}}, {Name: "schema_paths", Items: []string{"db/**", "**/*.sql"}},
		{Name: "teams", Items: []string{"payments", "store"}}, {Name: "regions", Items: []string{"us", "eu"}}}
	least, most := -oneOf(r, 0, 5), oneOf(r, 0, 15, 30)
	d.Risk.Groups = []risk.Group{{Name: "capped", Cap: &most}, {Name: "floored", Min: &least}, {Name: "both", Cap: &most, Min: &least}}
	for i := range 1 + r.IntN(6) {
		one := risk.Rule{ID: fmt.Sprint("r", i), Because: "it matters", Points: oneOf(r, 10, 30, -10, 0, 0, -5), When: r.any()}
		if one.Points > 0 && r.chance(30) {
			one.Floor = oneOf(r, "medium", "high")
		}
		if r.chance(25) {
			one.For = r.cond(serviceAtoms[:6]...)
		}
		if r.chance(40) {
			one.Group = oneOf(r, d.Risk.Groups...).Name
		}
		if r.chance(15) { // instead of a condition
			one.When, one.Points, one.Floor = "", 0, ""
			one.Bands = oneOf(r, "change.files", "change.lines_added", "attributes.outage_minutes", "history.service_failure_rate", "attributes.cost")
			one.Cuts = []risk.Cut{{From: 0, Points: oneOf(r, 0, 5)}, {From: 0.1, Points: oneOf(r, 0, 10)}, {From: 1, Points: oneOf(r, 0, 20)}}
		}
		d.Risk.Rules = append(d.Risk.Rules, one)
	}
	d.Risk.Rules = append(d.Risk.Rules, risk.Rule{ID: "voucher", Because: "it is of a kind that we know", When: `change.kind == "code"`})
	for i := range 1 + r.IntN(3) {
		t := approval.Template{ID: fmt.Sprint("t", i), Owner: "o", Ceiling: oneOf(r, "low", "low", "medium"), Covers: r.envelope(),
			Approved: approval.Approval{By: "cab", On: change.Date{Year: 2026, Month: 1, Day: 1}}, Ends: change.Date{Year: 2027, Month: 1, Day: 1}}
		if r.chance(30) {
			t.Except = r.any()
		}
		d.Templates = append(d.Templates, t)
	}
	for i := range r.IntN(3) {
		d.Forbid = append(d.Forbid, approval.Forbid{ID: fmt.Sprint("f", i), Because: "never", When: "(" + r.any() + ") and (" + r.any() + ")"})
	}
	r.authority(&d)
	d.Calendar.Freezes[0].Every, d.Calendar.Freezes[0].For = mustRecur(oneOf(r, "monday", "sunday")), r.cond(serviceAtoms...)
	d.Calendar.Freezes[0].Ceiling = oneOf(r, "none", "low", "medium")
	return d
}

func (r random) authority(d *approval.Definition) {
	d.Authority.Rules = nil
	for range 1 + r.IntN(5) {
		when := r.any()
		switch r.IntN(4) {
		case 0:
			when = `type == "normal"`
		case 1:
			when = `type == "normal" and level ` + oneOf(r, "==", "!=") + ` "` + oneOf(r, "low", "medium", "high") + `"`
		case 2:
			when = `type == "` + oneOf(r, "normal", "emergency") + `" and (` + when + `)`
		}
		need := oneOf(r, approval.Need{Group: "cab", Quorum: 1 + r.IntN(5)}, approval.Need{Role: "service-owner"}, approval.Need{Group: "security"},
			approval.Need{Any: []approval.Need{{Role: "on-call"}, {Group: "security", Quorum: 2}}},
			approval.Need{Role: "service-owner", Each: oneOf(r, "carried.tier == 1", `carried.kind == "cots"`, `carried.exposure == "public"`)})
		d.Authority.Rules = append(d.Authority.Rules, approval.AuthorityRule{When: when, Needs: []approval.Need{need}})
	}
}

func mustRecur(text string) change.Recurrence {
	every, err := change.ParseRecurrence(text)
	if err != nil {
		panic(err)
	}
	return every
}

// tree is a random change as JSON.
func (r random) tree(tb testing.TB) map[string]any {
	var tree map[string]any
	if err := json.Unmarshal([]byte(regular), &tree); err != nil {
		tb.Fatal(err)
	}
	tree["service"] = oneOf(r, "payments-api", "shop", "platform", "platform", "ledger")
	tree["kind"] = oneOf(r, "code", "code", "code", "config")
	tree["downtime"] = r.chance(20)
	if r.chance(80) {
		tree["attributes"] = map[string]any{"pii": r.chance(50), "cost": oneOf(r, 1, 9.5), "outage_minutes": oneOf(r, 0, 60, 90, 600), "labels": oneOf(r, []any{}, []any{"a"})}
	}
	if r.chance(20) {
		delete(tree, "claim")
	}
	if r.chance(15) {
		delete(tree, "claim")
		tree["emergency"] = map[string]any{"incident": "INC-1", "reason": "it is down", "severity": 1}
	}
	if r.chance(30) {
		delete(tree, oneOf(r, "files", "size", "evidence", "attested", "history", "plan", "links", "targets"))
	}
	return tree
}
