package policytest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestMutantsOfTimes: what is changed of times, bindings and models, and what
// becomes of it, by hand.
func TestMutantsOfTimes(t *testing.T) {
	d, tests := read(t, map[string]string{
		"policy.yaml": "version: 1\nname: tiny\nevidence: [smoke]\ngroups:\n  cab: {members: 3}\nmodels: {ours: {like: you-build-it-you-run-it, slack: 3}}\n",
		"services.yaml": `shop: {team: shop, on-call: pd/shop, kind: digital, stage: live, tier: 2, exposure: public, model: [{is: ours, from: 2024-01-01}]}
blog: {team: shop, on-call: pd/shop, kind: digital, stage: live, tier: 3, exposure: public, model: [{is: ours, from: 2024-01-01}]}
`,
		"calendar.yaml": `working-time: {days: mon-fri, hours: 09:00-17:30, zone: Europe/London}
freezes:
  night: {every: third saturday 22:00 for 6h, ceiling: none, because: of the core}
`,
		"authority.yaml": "default: [{group: cab}]\nrules:\n  - {when: type == \"emergency\", needs: [{group: cab}], review-within: 2 working days}\n",
		"catalogue.yaml": `templates:
  small: {owner: shop, approved: {by: cab, on: 2026-01-01}, ends: 2026-12-31, bound-to: {stage: live, tier: [2, 3], exposure: public}, ceiling: low, covers: service.name == "shop" and change.kind == "code", because: it is small}
`,
	})
	score, err := Mutate(d, tests)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range score.Mutants {
		mutated := d
		m.apply(&mutated)
		if p, err := approval.New(mutated); err == nil && p.Digest() == policy(t, d).Digest() {
			t.Errorf("%v is the policy itself", m)
		}
		if slices.Contains([]string{"every", "ends", "bound-to", "slack", "standard", "days", "hours", "review-within"}, m.Field) {
			witness := ""
			if m.Witness != nil {
				witness = ", shown"
			}
			got = append(got, m.Fate.String()+" "+m.String()+" ("+m.Kind+witness+")")
		}
	}
	want := []string{
		"survived policy.yaml:6:55: model ours, slack: 3 changed to 2 (threshold)",
		"survived policy.yaml:6:55: model ours, slack: 3 changed to 4 (threshold)",
		"survived policy.yaml:6:16: model ours, standard: claimed changed to never (word)",
		"survived policy.yaml:6:16: model ours, standard: claimed changed to always (word, shown)",
		"equivalent catalogue.yaml:2:89: template small, bound-to: stage left out (dropped)",
		"survived catalogue.yaml:2:89: template small, bound-to: stage live changed to stage mature (word, shown)",
		"equivalent catalogue.yaml:2:89: template small, bound-to: tier left out (dropped)",
		"survived catalogue.yaml:2:89: template small, bound-to: tier 2 left out (dropped, shown)",
		"equivalent catalogue.yaml:2:89: template small, bound-to: tier 3 left out (dropped)",
		"equivalent catalogue.yaml:2:89: template small, bound-to: exposure left out (dropped)",
		"survived catalogue.yaml:2:89: template small, bound-to: exposure public changed to exposure internal (word, shown)",
		"survived catalogue.yaml:2:67: template small, ends: 2026-12-31 changed to 2026-12-30 (time, shown)",
		"survived catalogue.yaml:2:67: template small, ends: 2026-12-31 changed to 2027-01-01 (time, shown)",
		"survived authority.yaml:3:71: authority rule 1, review-within: 2 working days left out (dropped, shown)",
		"survived authority.yaml:3:71: authority rule 1, review-within: 2 working days changed to 1 working days (time, shown)",
		"survived authority.yaml:3:71: authority rule 1, review-within: 2 working days changed to 3 working days (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to fourth saturday 22:00 for 6h (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to third sunday 22:00 for 6h (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to third saturday 21:00 for 6h (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to third saturday 23:00 for 6h (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to third saturday 22:00 for 5h (time, shown)",
		"survived calendar.yaml:3:18: freeze night, every: third saturday 22:00 for 6h changed to third saturday 22:00 for 7h (time, shown)",
		"survived calendar.yaml:1:22: working time, days: mon-fri changed to tue-fri (time)",
		"survived calendar.yaml:1:22: working time, days: mon-fri changed to mon-sat (time)",
		"survived calendar.yaml:1:38: working time, hours: 09:00-17:30 changed to 08:00-17:30 (time)",
		"survived calendar.yaml:1:38: working time, hours: 09:00-17:30 changed to 10:00-17:30 (time)",
		"survived calendar.yaml:1:38: working time, hours: 09:00-17:30 changed to 09:00-16:30 (time, shown)",
		"survived calendar.yaml:1:38: working time, hours: 09:00-17:30 changed to 09:00-18:30 (time, shown)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the mutants are\n%s", strings.Join(got, "\n"))
	}
}

// TestBeyond: what a slip of the pen makes of a word about time.
func TestBeyond(t *testing.T) {
	for word, want := range map[string]string{
		"2026-12-31": "2026-12-30 2027-01-01", "09:00": "08:00 10:00", "15": "14 16", "1st": "0th 2nd", "12th": "11th 13th", "22nd": "21st 23rd",
		"dec": "jan", "saturday": "sunday", "last": "first", "third": "fourth", "working": "", "for": "",
	} {
		if got := strings.Join(beyond(word), " "); got != want {
			t.Errorf("%s becomes %q, expected %q", word, got, want)
		}
	}
}

// TestEquivalent: what is said to decide the same does, for the changes of the
// tests to all services, now and in a window.
func TestEquivalent(t *testing.T) {
	d, tests := example(t)
	p := policy(t, d)
	all, err := mutants(d, p)
	if err != nil {
		t.Fatal(err)
	}
	proven, looked, variants := 0, 0, p.Variants()
	for i := range all {
		m := &all[i]
		if m.same == nil || !m.same() {
			continue
		}
		proven++
		mutated := d
		m.apply(&mutated)
		mutant, err := variants.New(mutated)
		if err != nil {
			continue // it is refused, and so never said to be equivalent
		}
		for k := i % 31; k < len(tests.Cases); k += 31 {
			c := tests.Cases[k]
			for _, id := range append(p.Services(), "nobody-knows-it") {
				if c.Change == nil {
					continue
				}
				copied := *c.Change
				copied.Service, copied.Claim = id, &change.Claim{Type: change.Standard, By: "idp|alice", Reason: "it is small"}
				in := approval.Inputs{At: c.At}
				if lines := telling(p.Classify(&copied, in), mutant.Classify(&copied, in)); len(lines) > 0 {
					t.Fatalf("%v is told apart by %s to %s: %v", m, c.Name, id, lines)
				}
				looked++
			}
		}
	}
	if proven < 15 || looked < 1000 {
		t.Errorf("only %d are proven, and %d changes looked at", proven, looked)
	}
}

// example is the example policy and its tests.
func example(t *testing.T) (approval.Definition, approval.TestSuite) {
	t.Helper()
	fsys := os.DirFS("../../examples/policy")
	d, err := approval.ParseDefinition(fsys)
	tests, err2 := approval.ReadTests(fsys)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return d, tests
}
