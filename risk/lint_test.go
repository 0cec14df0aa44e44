package risk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// lintServices are the services of the policies under test.
func lintServices() []risk.Situation {
	yes := true
	shop := change.Service{Name: "shop", Team: "web", Kind: change.Digital, Tier: 2, Stage: change.Live, AutomatedDeployment: &yes}
	bank := change.Service{Name: "bank", Team: "ledger", Kind: change.COTS, Tier: 1, Stage: change.Mature, Carries: []string{"shop"}}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	return []risk.Situation{{Service: &shop, Zone: time.UTC, At: at}, {Service: &bank, Zone: time.UTC, At: at}}
}

func lintVocabulary(t testing.TB) *risk.Vocabulary {
	t.Helper()
	applies, err := risk.ParseApplies("policy.yaml", []byte(`applies: {change.lines_added: service.kind != "cots"}`))
	if err != nil {
		t.Fatal(err)
	}
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Evidence: []string{"smoke"}, Services: []string{"shop", "bank"}, Teams: []string{"web", "ledger"}, Applies: applies})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// linted are rules and what they were made from.
type linted struct {
	*risk.RuleSet
	d risk.Definition
}

func newLinted(t testing.TB, v *risk.Vocabulary, d risk.Definition) linted {
	t.Helper()
	rs, err := risk.New(v, d)
	if err != nil {
		t.Fatal(err)
	}
	return linted{rs, d}
}

func (l linted) lint(t testing.TB, situations []risk.Situation) []risk.Finding {
	t.Helper()
	found, err := l.d.Lint(l.Vocabulary(), situations)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// lintRules makes rules beside one that vouches, so that all levels are reached.
func lintRules(t testing.TB, head, rules string) linted {
	t.Helper()
	if head == "" {
		head = "levels: {low: 0, high: 50}\ndefault: high\n"
	}
	d, err := risk.ParseDefinition("risk.yaml", []byte(head+"rules:\n  - {id: ok, points: -1, when: evidence.smoke == \"passed\", trust: observed, because: x}\n"+rules))
	if err != nil {
		t.Fatalf("%s\n%v", rules, err)
	}
	return newLinted(t, lintVocabulary(t), d)
}

// TestLint: rules with what is questionable about them, and near misses.
func TestLint(t *testing.T) {
	const grouped = "levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {cap: 10}}\n"
	for _, c := range []struct{ head, rules, want string }{
		{"", `
  - {id: a, points: 5, when: change.files > 400, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: change.files > 5 and change.files < 3, because: x}`,
			"risk.yaml:6: contradiction: the rule a can never be true, and counts only where something that it reads is not known: change.files > 5 and change.files < 3 exclude each other; correct the condition or remove the rule *"},
		{"", `
  - {id: a, points: 0, when: change.files > 5 and change.downtime and change.files < 3, because: x}`,
			"risk.yaml:6: contradiction: the rule a can never be true, so it never vouches for a change: change.files > 5 and change.files < 3 exclude each other; correct the condition or remove the rule"},
		{"", `
  - {id: a, points: 5, when: change.files > 5 and change.files < 7, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: change.files < 0, because: x}`,
			"risk.yaml:6: never-true: the rule a can never be true, and counts only where something that it reads is not known: change.files is 0 or more; correct the condition or remove the rule *"},
		{"", `
  - {id: a, points: 5, when: change.lead_hours < 0, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: history.hours_since_failure > 2000000, because: x}`,
			"risk.yaml:6: never-true: the rule a can never be true, and counts only where something that it reads is not known: history.hours_since_failure is between 0 and 1000000; correct the condition or remove the rule *"},
		{"", `
  - {id: a, points: 5, when: change.steps + change.targets < 0, because: x}`,
			"risk.yaml:6: never-true: the rule a can never be true, and counts only where something that it reads is not known; correct the condition or remove the rule *"},
		{"", `
  - {id: a, points: 5, when: change.steps - change.targets < 0, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: change.files > 5 or change.files <= 5, because: x}`,
			"risk.yaml:6: always-true: the rule a is never false, so no change shows what it tells apart; give it a condition that can be, or put its points elsewhere *"},
		{"", `
  - {id: a, points: 5, when: change.files > 5 or change.files < 5, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: known(change.files) or not known(change.files), because: x}`,
			"risk.yaml:6: always-true: the rule a is never false, so no change shows what it tells apart; give it a condition that can be, or put its points elsewhere *"},
		{"", `
  - {id: a, points: 5, when: change.downtime and change.files < 0, because: x}`,
			"risk.yaml:6: never-true: the rule a can never be true, and counts only where something that it reads is not known: change.files < 0 never is, as change.files is 0 or more; correct the condition or remove the rule *"},
		// What "for" leaves.
		{"", `
  - {id: a, points: 5, for: service.kind == "cots", when: service.kind != "digital" and change.files >= 0, because: x}`,
			"risk.yaml:6: always-true: the rule a is never false for the services that it is for, so no change shows what it tells apart; give it a condition that can be, or put its points elsewhere *"},
		{"", `
  - {id: a, points: 5, for: service.kind == "cots", when: service.kind == "digital" or change.files > 3, because: x}`, ""},
		{"", `
  - {id: a, points: 5, for: service.kind == "cots", when: service.kind == "digital" and change.files > 3, because: x}`,
			`risk.yaml:6: contradiction: the rule a can never be true, so it never counts: "for" and "when" exclude each other; correct one of them or remove the rule`},
		{"", `
  - {id: a, points: 5, for: service.kind == "platform", when: change.files > 3, because: x}`,
			`risk.yaml:6: never-true: the rule a is for no service of this policy: service.kind == "platform" is true of none of them; correct "for" or remove the rule`},
		{"", `
  - {id: a, points: 5, when: service.kind == "platform", because: x}`,
			`risk.yaml:6: never-true: the rule a can never be true for a service of this policy, so it never counts: service.kind == "platform" is true of none of them; correct the condition or remove the rule`},
		{"", `
  - {id: a, points: 5, when: service.tier == 1 and service.kind == "digital", because: x}`,
			`risk.yaml:6: never-true: the rule a can never be true for a service of this policy, so it never counts: service.tier == 1 and service.kind == "digital" are true together of none of them; correct the condition or remove the rule`},
		{"", `
  - {id: a, points: 5, when: service.tier == 1 and service.kind == "cots", because: x}`, ""},
		{"", `
  - {id: a, points: 5, for: service.tier == 1 and service.tier == 2, when: change.files > 3, because: x}`,
			`risk.yaml:6: contradiction: the rule a is for no service, as "for" is never true: service.tier == 1 and service.tier == 2 exclude each other; correct the condition or remove the rule`},
		{"", `
  - {id: a, points: 5, for: service.tier >= 1, when: change.files > 3, because: x}`,
			`risk.yaml:6: always-true: the rule a is for every service: "for" is never false; leave it out *`},
		// What has no meaning for a service.
		{"", `
  - {id: a, points: 5, for: service.kind == "cots", when: change.lines_added > 400, because: x}`,
			`risk.yaml:6: contradiction: the rule a can never be true: "for" and "when" exclude each other; correct one of them or remove the rule`},
		{"", `
  - {id: a, points: 5, for: service.kind == "cots", when: change.lines_deleted > 400, because: x}`, ""},
		// Parts.
		{"", `
  - {id: a, points: 5, when: change.downtime or change.files > 5 and change.files < 3, because: x}`,
			"risk.yaml:6: never-true: in the rule a the part (change.files > 5) and (change.files < 3) can never be true; leave it out or correct it"},
		{"", `
  - {id: a, points: 5, when: change.downtime and (change.files > 5 or change.files <= 5), because: x}`,
			"risk.yaml:6: always-true: in the rule a the part (change.files > 5) or (change.files <= 5) is never false, so it tells nothing apart; leave it out *"},
		{"", `
  - {id: a, points: 5, when: known(evidence.smoke) and evidence.smoke == "failed", because: x}`, ""},
		// Pairs.
		{"", `
  - {id: a, points: 5, when: change.files > 400, because: x}
  - {id: b, points: 5, when: 400 < change.files, because: x}`,
			"risk.yaml:7: duplicate: the rule b is true exactly when a is; make one rule of the two, as both count *"},
		{"", `
  - {id: a, points: 5, when: change.files > 400, because: x}
  - {id: b, points: 5, when: change.files >= 400, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: 'touches("a/**", "b/**")', because: x}
  - {id: b, points: 5, when: touches("b/**") or touches("a/**"), because: x}`,
			"risk.yaml:7: duplicate: the rule b is true exactly when a is; make one rule of the two, as both count *"},
		{"", `
  - {id: a, floor: high, when: change.files > 10, because: x}
  - {id: b, floor: high, when: change.files > 400, because: x}`,
			"risk.yaml:7: subsumed: the rule b makes no difference: whenever it is true, a is true too, which holds the level at high; remove it *"},
		{"", `
  - {id: a, floor: high, when: change.files > 10, because: x}
  - {id: b, floor: high, points: 5, when: change.files > 400, because: x}`, ""},
		{"levels: {low: 0, medium: 5, high: 50}\ndefault: high\n", `
  - {id: a, floor: medium, when: change.files > 10, because: x}
  - {id: b, floor: high, when: change.files > 400, because: x}`, ""},
		{"", `
  - {id: a, points: 5, when: change.files > 10, because: x}
  - {id: b, points: 5, when: change.files > 400, because: x}`, ""},
		{"", `
  - {id: v, points: -5, when: change.files < 10, because: x}
  - {id: w, points: 0, when: change.files < 5, because: x}`,
			"risk.yaml:7: subsumed: the rule w makes no difference: whenever it is true, v is true too, which vouches as well; remove it *"},
		{"", `
  - {id: v, points: -5, when: change.files < 10, trust: observed, because: x}
  - {id: w, points: 0, when: change.files < 5, because: x}`, ""},
		{grouped, `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}
  - {id: b, points: 5, group: g, when: change.files > 400, because: x}`,
			"risk.yaml:8: subsumed: the rule b makes no difference: whenever it is true, a is true too, which alone uses up the bound of the group g; remove it *"},
		{grouped, `
  - {id: a, points: 8, group: g, when: change.files > 10, because: x}
  - {id: b, points: 5, group: g, when: change.files > 400, because: x}`, ""},
		{grouped, `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}
  - {id: b, points: 5, group: g, when: change.files > 400, because: x}
  - {id: c, points: -5, group: g, when: change.fixes > 0, because: x}`, ""},
		// Groups.
		{"levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {cap: 0}}\n", `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}`,
			"risk.yaml:3: no-effect: the cap of the group g is 0, so the points of a count for nothing; raise the cap or remove the group *"},
		{"levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {cap: 0}}\n", `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}
  - {id: b, points: -5, group: g, when: change.fixes > 0, because: x}`, ""},
		{"levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {floor: 0}}\n", `
  - {id: b, points: -5, group: g, when: change.fixes > 0, because: x}`,
			"risk.yaml:3: no-effect: the floor of the group g is 0, so the points of b count for nothing; lower the floor or remove the group *"},
		{grouped, `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}`,
			"risk.yaml:3: unreachable: the group g bounds nothing: its rules add up to between 0 and 10 points; tighten the bound or remove the group *"},
		{grouped, `
  - {id: a, points: 11, group: g, when: change.files > 10, because: x}`, ""},
		{grouped, `
  - {id: a, points: 11, when: change.files > 10, because: x}`,
			"risk.yaml:3: unused: no rule with points is in the group g; use it or remove it"},
		{"levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {cap: 30, floor: -5}}\n", `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}
  - {id: b, points: -10, group: g, when: change.fixes > 0, because: x}`,
			"risk.yaml:3: unreachable: the cap of the group g is never exceeded: its rules come to 10 points at most; lower it or leave it out *"},
		{"levels: {low: 0, high: 50}\ndefault: high\ngroups: {g: {cap: 5, floor: -10}}\n", `
  - {id: a, points: 10, group: g, when: change.files > 10, because: x}
  - {id: b, points: -10, group: g, when: change.fixes > 0, because: x}`,
			"risk.yaml:3: unreachable: the floor of the group g is never passed: its rules come to -10 points at least; raise it or leave it out *"},
		// Levels.
		{"levels: {low: 0, medium: 10, high: 20}\ndefault: medium\n", `
  - {id: a, points: 15, when: change.downtime, because: x}`,
			"risk.yaml:1: unreachable: no change comes to the level high from 20 points on: all rules together come to 15 at most, and no floor or default names it; lower it or remove the level *"},
		{"levels: {low: 0, medium: 10, high: 20}\ndefault: medium\n", `
  - {id: a, points: 20, when: change.downtime, because: x}`, ""},
		{"levels: {low: 0, medium: 10, high: 20}\ndefault: high\n", `
  - {id: a, points: 25, when: change.downtime, because: x}`,
			"risk.yaml:1: unreachable: the level medium is a gap: no sum of points lies from 10 up to 20, and no floor or default names it; move its bounds or remove the level *"},
		{"levels: {low: 0, medium: 10, high: 20}\ndefault: high\n", `
  - {id: a, points: 25, when: change.downtime, because: x}
  - {id: b, floor: medium, when: change.files > 10, because: x}`, ""},
		{"levels: {low: 0, medium: 10, high: 20}\ndefault: high\n", `
  - {id: a, bands: change.files, cuts: {10: 5, 20: 12}, because: x}`, ""},
		{"", `
  - {id: a, floor: low, when: change.downtime, because: x}`,
			"risk.yaml:6: no-effect: the rule a holds the level at low at least, which is the lowest; name a higher floor or leave it out *"},
		// Texts out of a closed set.
		{"", `
  - {id: a, points: 20, when: lower(change.kind) == "CODE", because: x}`, "risk.yaml:6: never-true: the rule a can never be true; correct the condition or remove the rule"},
		{"", `
  - {id: a, points: 20, when: change.kind startsWith "k", because: x}`, "risk.yaml:6: never-true: the rule a can never be true; correct the condition or remove the rule"},
		{"", `
  - {id: a, points: 20, when: change.kind startsWith "co" and len(change.kind) > 4, because: x}`, ""},
		// Bands.
		{"", `
  - {id: a, bands: change.files, cuts: {-10: 3, 0: 5, 9: 7}, because: x}`,
			"risk.yaml:6: unreachable: the rule a has a band from -10 up to 0, and change.files is never there; remove one of the two cuts"},
		{"", `
  - {id: a, bands: change.files, cuts: {4.2: 3, 4.8: 5}, because: x}`,
			"risk.yaml:6: unreachable: the rule a has a band from 4.2 up to 4.8, and change.files is never there; remove one of the two cuts"},
		{"", `
  - {id: a, bands: change.lead_hours, cuts: {4.2: 3, 4.8: 5}, because: x}`, ""},
		{"", `
  - {id: a, bands: at.watch_hours, cuts: {4: 3, 25: 5}, because: x}`,
			"risk.yaml:6: unreachable: the rule a has a cut at 25, which at.watch_hours never reaches: it is at most 24; lower the cut or remove it"},
		{"", `
  - {id: a, bands: change.files, cuts: {10: 3, 20: 3, 30: 4}, because: x}`,
			"risk.yaml:6: no-effect: the rule a has a cut at 20 that changes nothing: there are 3 points on both sides of it; remove it or give it others *"},
		{"", `
  - {id: a, bands: change.files, cuts: {0: 0, 10: 0}, because: x}`,
			"risk.yaml:6: no-effect: no band of the rule a carries points, so it does nothing where change.files is known; give a cut points or remove the rule"},
		// Trust.
		{"", `
  - {id: a, points: -5, when: service.automated_deployment, trust: observed, because: x}`,
			`risk.yaml:6: no-effect: the rule a asks for observed facts and reads only what nobody states; leave "trust" out *`},
		{"", `
  - {id: a, points: -5, when: service.automated_deployment and change.fixes > 0, trust: observed, because: x}`, ""},
	} {
		rs := lintRules(t, c.head, c.rules)
		var got []string
		for _, f := range rs.lint(t, lintServices()) {
			line := fmt.Sprintf("%s:%d: %v: %s", f.File, f.Line, f.Kind, f.Message)
			if f.Witness != nil {
				line += " *"
				checkShows(t, rs.RuleSet, f)
			}
			got = append(got, line)
		}
		if c.want == "" && got != nil || c.want != "" && !slices.Equal(got, []string{c.want}) {
			t.Errorf("%s\n%s\nexpected\n%s", c.rules, strings.Join(got, "\n"), c.want)
		}
	}
}

// checkShows: the change that shows a finding is valid, and the assessment of it
// is as the finding says.
func checkShows(t *testing.T, rs *risk.RuleSet, f risk.Finding) {
	t.Helper()
	checkShowsIn(t, lintServices(), rs, f)
}

func checkShowsIn(t *testing.T, situations []risk.Situation, rs *risk.RuleSet, f risk.Finding) {
	t.Helper()
	if err := f.Witness.Validate(); err != nil {
		t.Errorf("%s: %v", f.Message, err)
	}
	for _, s := range situations {
		if s.Service.Name == f.Witness.Service {
			checkAssessed(t, f, rs.Assess(rs.Vocabulary().Facts(f.Witness, s)))
			return
		}
	}
	t.Errorf("%s: it is shown by a change of no service", f.Message)
}

func checkAssessed(t *testing.T, f risk.Finding, a risk.Assessment) {
	t.Helper()
	says := func(text string) bool { return strings.Contains(f.Message, text) }
	bases := map[string]risk.Basis{}
	for _, r := range a.Reasons {
		bases[r.Rule] = r.Basis
	}
	is := false
	switch {
	case f.Kind == risk.Duplicate:
		other := between(f.Message, "exactly when ", " is;")
		is = bases[f.ID] == risk.Held && bases[other] == risk.Held
	case f.Kind == risk.Subsumed:
		other := between(f.Message, "is true, ", " is true too")
		is = bases[f.ID] == risk.Held && bases[other] == risk.Held
	case says("counts only where something"):
		is = bases[f.ID] == risk.NotKnown
	case says("is never exceeded"), says("is never passed"):
		is = bases["group g"] == 0 && len(bases) > 1
	case says("of the group"):
		is = bases["group g"] == risk.Bounded && a.Score == 0
	case says("the group g bounds nothing"):
		is = bases["group g"] == 0 && a.Score != 0
	case says("no change comes to the level high"):
		is = a.Score == 15 && a.Level.String() != f.ID
	case says("is a gap"):
		is = a.Score >= 20 && a.Level.String() == "high"
	case says("no rule vouches"):
		is = bases["default"] == risk.ByDefault
	default:
		is = bases[f.ID] == risk.Held
	}
	if !is {
		t.Errorf("%s: the change that shows it is assessed as %+v", f.Message, a.Reasons)
	}
}

// TestLintNothingVouches: without a rule that can vouch, no change is below the
// default.
func TestLintNothingVouches(t *testing.T) {
	v := lintVocabulary(t)
	for rules, want := range map[string]int{
		`[{id: a, points: 60, when: change.downtime, because: x}]`:                                                                                 1,
		`[{id: a, points: 60, when: change.downtime, because: x}, {id: b, points: 0, when: not change.downtime, because: x}]`:                      0,
		`[{id: a, points: 60, when: change.downtime, because: x}, {id: b, points: 0, when: change.files > 3 and change.files < 2, because: x}]`:    2,
		`[{id: a, points: 60, when: change.downtime, because: x}, {id: b, points: 0, when: change.files > 3 and change.files < 5, because: x}]`:    0,
		`[{id: a, points: 60, when: change.downtime, because: x}, {id: b, points: 0, for: service.tier == 3, when: change.fixes > 0, because: x}]`: 2,
	} {
		d, err := risk.ParseDefinition("risk.yaml", []byte("levels: {low: 0, high: 50}\ndefault: high\nrules: "+rules))
		if err != nil {
			t.Fatal(err)
		}
		rs := newLinted(t, v, d)
		found := rs.lint(t, lintServices())
		if len(found) != want {
			t.Errorf("%s: %v", rules, found)
		}
		for _, f := range found {
			if f.Witness == nil && f.Kind == risk.Unreachable {
				t.Errorf("%s: nothing shows that %s", rules, f.Message)
			} else if f.Witness != nil {
				checkShows(t, rs.RuleSet, f)
			}
		}
	}
}

// TestFindingKinds: every kind has a word that reads back, and no other word
// reads.
func TestFindingKinds(t *testing.T) {
	for k := risk.NeverTrue; k <= risk.Outdated; k++ {
		text, err := k.MarshalText()
		var back risk.FindingKind
		if err != nil || back.UnmarshalText(text) != nil || back != k {
			t.Errorf("%v is written %s and read as %v", k, text, back)
		}
	}
	for _, k := range []risk.FindingKind{0, risk.Outdated + 1, 200} {
		if text, err := k.MarshalText(); err == nil {
			t.Errorf("%v is written %s", k, text)
		}
	}
	var k risk.FindingKind
	for _, word := range []string{"", "never", "FindingKind(0)"} {
		if k.UnmarshalText([]byte(word)) == nil {
			t.Errorf("%q is read as %v", word, k)
		}
	}
}
