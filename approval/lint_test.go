package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// second is a template beside rolling: its ceiling, its end, what it is bound to
// and what it covers.
func second(ceiling, more string) string {
	return "catalogue.yaml | \\nforbid: | \\n  other:\\n    owner: pm\\n    ceiling: " + ceiling + "\\n    approved: {by: cab, on: 2026-06-04}\\n    " +
		strings.ReplaceAll(more, "; ", "\\n    ") + "\\nforbid:"
}

const (
	untilThen = "ends: 2027-06-04; "
	likewise  = untilThen + "bound-to: {stage: live, tier: [1, 2], exposure: [public, internal]}; "
)

func covers(condition string) string {
	return `catalogue.yaml | change.kind == "code" | '` + condition + `'`
}

func forbids(condition string) string {
	return `catalogue.yaml | because: secrets are looked at by people} | because: x}\n  - {id: more, when: '` + condition + `', because: x}`
}

func authorised(rule string) string {
	return `authority.yaml | rules: | rules:\n  - ` + rule
}

func standing(until, template string) string {
	return "services.yaml | is: generous, from: 2025-01-01}] | is: generous, from: 2025-01-01}], claims: [{template: " + template + ", by: idp|alice, from: 2026-01-01, until: " + until + "}]"
}

func frozen(freeze string) string { return "calendar.yaml | freezes: | freezes:\\n  more: " + freeze }

// TestLint: policies with what is questionable about them, and near misses. A
// finding with a change that shows it ends in a star.
func TestLint(t *testing.T) {
	for _, c := range []struct {
		edits string // as of broken, several joined by " ## "
		want  string
	}{
		// Approvals.
		{`catalogue.yaml | by: cab, on: 2026-06-04 | by: CAB, on: 2026-06-04`, `catalogue.yaml:5:15: no-effect: nobody can put the template rolling into force: "CAB" has approved it, and is neither a group nor a role of policy.yaml; did you mean "cab"?`},
		{`catalogue.yaml | by: cab, on: 2026-06-04 | by: head-of-operation, on: 2026-06-04`, `catalogue.yaml:5:15: no-effect: nobody can put the template rolling into force: "head-of-operation" has approved it, and is neither a group nor a role of policy.yaml; did you mean "head-of-operations"?`},
		{`catalogue.yaml | by: cab, on: 2026-06-04 | by: Mary Jones, on: 2026-06-04`, ``},
		// Envelopes.
		{covers(`change.kind == "code" and change.kind == "config"`), `catalogue.yaml:8:13: contradiction: the template rolling covers nothing, as its condition can never be true: change.kind == "code" and change.kind == "config" exclude each other; correct it or remove the template`},
		{covers(`change.kind == "code" and change.title != ""`), ``},
		{covers(`change.files < 0`), `catalogue.yaml:8:13: never-true: the template rolling covers nothing, as its condition can never be true: change.files is 0 or more; correct it or remove the template`},
		{covers(`service.kind == "cots"`), `catalogue.yaml:8:13: never-true: the template rolling covers nothing, as its condition can never be true for a service of this policy that it is bound to: service.kind == "cots" is true of none of them; correct it or remove the template`},
		{covers(`service.name == "ledger" or service.tier == 2`), ``},
		{covers(`change.kind in ["code", "config", "flag", "data", "infrastructure"]`), ``},
		// A list without a meaning has no elements that could be so.
		{`policy.yaml | applies:\n | applies:\n  change.paths: service.kind != "cots"\n ## ` + second("low", untilThen+`covers: 'service.kind == "cots" and any(change.paths, # matches "^doc")'`),
			`catalogue.yaml:15:13: contradiction: the template other covers nothing, as its condition can never be true: service.kind == "cots" and any(change.paths, # matches "^doc") exclude each other; correct it or remove the template`},
		{`catalogue.yaml | touches("migrations/**") | change.kind in ["code", "data"]`, `catalogue.yaml:9:13: contradiction: the template rolling excepts everything that it covers; narrow "except" or remove the template *`},
		{`catalogue.yaml | touches("migrations/**") | change.kind in ["config", "data"]`, ``},
		{`catalogue.yaml | touches("migrations/**") | change.files < 0`, `catalogue.yaml:9:13: never-true: the template rolling excepts nothing for certain, as the condition can never be true: change.files is 0 or more; correct it or leave "except" out *`},
		// Of a product that is bought no lines are counted, so that nothing is excepted.
		{`catalogue.yaml | touches("migrations/**") | change.lines_added >= 0`, `catalogue.yaml:9:13: contradiction: the template rolling excepts everything that it covers; narrow "except" or remove the template *`},
		{`catalogue.yaml | touches("migrations/**") | change.lines_added >= 0 ## catalogue.yaml |     bound-to: {stage: live, tier: [1, 2], exposure: [public, internal]}\n | ## services.yaml | zone: Asia/Tokyo, model: [{is: ops-run-it, | on-call: pd/ledger, zone: Asia/Tokyo, model: [{is: trusted,`, ``},
		// What is forbidden, or held above the ceiling.
		{forbids(`change.kind != "config"`), `catalogue.yaml:3:5: no-effect: nothing is standard under the template rolling: all that it covers is forbidden (more); narrow one of the two *`},
		{forbids(`change.kind == "code" and change.downtime`), ``},
		{`risk.yaml | when: change.downtime | when: 'change.kind in ["code", "data"]'`, `catalogue.yaml:4:14: unreachable: nothing is standard under the template rolling: the rule outage holds all that it covers at high at least, above its ceiling low; raise the ceiling, or narrow one of the two *`},
		{`risk.yaml | floor: high, when: change.downtime | floor: high, for: service.tier == 1, when: 'change.kind in ["code", "data"]'`, ``},
		{`risk.yaml | floor: high, when: change.downtime | floor: medium, when: 'change.kind in ["code", "data"]' ## catalogue.yaml | ceiling: low | ceiling: medium ## risk.yaml | default: medium | default: high`, ``},
		{`risk.yaml | when: evidence.smoke == "passed" | when: evidence.smoke == "passed" and change.kind == "data" ## risk.yaml | ["code", "config", "cots"] | ["config", "cots"]`,
			`catalogue.yaml:4:14: unreachable: nothing is standard under the template rolling: no rule vouches for anything that it covers, so all of it is at the default medium at least, above its ceiling low; add a rule that does, such as for a check that has passed *`},
		{`risk.yaml | ["code", "config", "cots"] | ["config", "cots"]`, ``},
		// Templates beside each other.
		{second("low", likewise+`covers: change.kind == "code" and change.files < 10; except: touches("migrations/**")`),
			`catalogue.yaml:16:13: subsumed: the template other makes no difference: whatever it covers, rolling covers too, up to the level low; remove it *`},
		{second("low", likewise+`covers: change.kind == "code" and change.files < 10; except: touches("migrations/**", "secrets/**")`),
			`catalogue.yaml:16:13: subsumed: the template other makes no difference: whatever it covers, rolling covers too, up to the level low; remove it *`},
		{second("low", likewise+`covers: change.kind == "code" and change.files < 10`), ``},
		{second("medium", likewise+`covers: change.kind == "code" and change.files < 10; except: touches("migrations/**")`) + " ## risk.yaml | default: medium | default: high", ``},
		{second("low", `ends: 2028-01-01; bound-to: {stage: live, tier: [1, 2], exposure: [public, internal]}; covers: change.kind == "code" and change.files < 10; except: touches("migrations/**")`), ``},
		{second("low", untilThen+`bound-to: {stage: live, exposure: [public, internal]}; covers: change.kind == "code"; except: touches("migrations/**")`),
			`catalogue.yaml:8:13: subsumed: the template rolling makes no difference: whatever it covers, other covers too, up to the level low; remove it *`},
		{second("low", likewise+`covers: change.kind == "code"; except: touches("migrations/**")`),
			`catalogue.yaml:8:13: subsumed: the template rolling makes no difference: whatever it covers, other covers too, up to the level low; remove it *`},
		{second("low", untilThen+`bound-to: {stage: live, tier: [1, 2], exposure: public}; covers: change.kind == "code"; except: touches("migrations/**")`),
			`catalogue.yaml:16:13: subsumed: the template other makes no difference: whatever it covers, rolling covers too, up to the level low; remove it *`},
		// One that is bound to less is the one to remove, and not the other.
		{second("low", untilThen+`bound-to: {stage: live, exposure: [public, internal]}; covers: 'change.kind == "code" and service.tier <= 2'; except: touches("migrations/**")`),
			`catalogue.yaml:8:13: subsumed: the template rolling makes no difference: whatever it covers, other covers too, up to the level low; remove it *`},
		// What is forbidden.
		{forbids(`change.files > 5 and change.files < 3`), `catalogue.yaml:12:22: contradiction: what more forbids can never be, so it holds up only what is not known: change.files > 5 and change.files < 3 exclude each other; correct it or remove it *`},
		{forbids(`change.files > 5 or change.files <= 5`), `catalogue.yaml:12:22: always-true: more forbids everything, so no change is ever standard: its condition is never false; narrow it or remove it *`},
		{forbids(`service.stage == "pilot"`), `catalogue.yaml:12:22: never-true: what more forbids can never be for a service of this policy: service.stage == "pilot" is true of none of them; correct it or remove it`},
		{forbids(`touches("secrets/**") and change.kind == "code"`), `catalogue.yaml:12:22: subsumed: what more forbids makes no difference: secrets forbids all of it; remove it *`},
		{forbids(`touches("secret/**") and change.kind == "code"`), ``},
		// Authority.
		{authorised(`{when: type == "normal" and type == "emergency", needs: [{group: security}]}`), `authority.yaml:3:12: contradiction: the authority rule 1 can never be true: type == "normal" and type == "emergency" exclude each other; correct it or remove the rule`},
		{authorised(`{when: type == "normal" and service.kind == "foundational", needs: [{group: security}]}`), `authority.yaml:3:12: never-true: the authority rule 1 can never be true for a service of this policy, so it asks for nobody: service.kind == "foundational" is true of none of them; correct it or remove the rule`},
		{authorised(`{when: type == "normal" and change.files > 5, needs: [{group: cab}]}`), `authority.yaml:3:5: subsumed: the authority rule 1 makes no difference: whenever it matches, rule 2 matches too and asks for the same seats; remove it *`},
		{authorised(`{when: type == "emergency" and change.files > 5, needs: [{role: incident-manager}]}`), `authority.yaml:3:5: subsumed: the authority rule 1 makes no difference: whenever it matches, rule 5 matches too and asks for the same seats; remove it *`},
		{authorised(`{when: type == "normal" and change.files > 5, needs: [{group: cab, quorum: 3}]}`), ``},
		{authorised(`{when: change.files > 5, needs: [{group: cab}]}`), ``},
		{authorised(`{when: type == "emergency" and change.files > 5, needs: [{role: incident-manager}], review-within: 1 days}`), ``},
		{authorised(`{when: type == "normal" and change.files > 5 and change.files < 3, needs: [{group: security}]}`), `authority.yaml:3:12: contradiction: the authority rule 1 can never be true, and asks for its seats only where something that it reads is not known: change.files > 5 and change.files < 3 exclude each other; correct it or remove the rule *`},
		{authorised(`{when: 'change.kind in ["code", "config", "flag", "data", "infrastructure", "cots"]', needs: [{group: security}]}`), `authority.yaml:3:12: always-true: the authority rule 1 is for every change, as its condition is never false; leave "when" out *
authority.yaml:8:5: subsumed: the authority rule 6 makes no difference: whenever it matches, rule 1 matches too and asks for the same seats; remove it *`},
		{authorised(`{when: type == "normal" or type == "emergency", needs: [{role: on-call}]}`), ``},
		{`authority.yaml | carried.tier == 1 | carried.tier == 7`, `authority.yaml:5:76: never-true: the authority rule 3 asks for no service-owner of a carried service, as carried.tier == 7 is true of none of them; correct it or remove the need`},
		{`services.yaml | , carries: [payments-api, ledger] | `, `authority.yaml:5:76: never-true: the authority rule 3 asks for no service-owner of a carried service, as no service of this policy carries another; remove the need`},
		{`authority.yaml | carried.tier == 1 | carried.exposure == "partner"`, ``}, // one of them may be
		// Freezes.
		{frozen(`{every: 2026-03-01 to 2026-03-09, ceiling: none}`), `calendar.yaml:3:17: outdated: the freeze more (2026-03-01 to 2026-03-09) is over; remove it, or set the next one`},
		{frozen(`{every: 2032-03-01 to 2032-03-09, ceiling: none}`), ``},
		{frozen(`{every: 3 feb, ceiling: none, for: service.stage == "pilot"}`), `calendar.yaml:3:44: never-true: the freeze more is for no service of this policy: service.stage == "pilot" is true of none of them; correct it or remove the freeze`},
		{frozen(`{every: 3 feb, ceiling: none, for: service.tier < 2 and service.tier > 3}`), `calendar.yaml:3:44: contradiction: the freeze more is for no service of this policy, as its condition can never be true: service.tier < 2 and service.tier > 3 exclude each other; correct it or remove the freeze`},
		{frozen(`{every: 3 feb, ceiling: none, for: service.exposure == "public" and service.exposure == "internal"}`), `calendar.yaml:3:44: contradiction: the freeze more is only for services of which something is not known, as its condition can never be true: service.exposure == "public" and service.exposure == "internal" exclude each other; correct it or remove the freeze *`},
		{frozen(`{every: 3 feb, ceiling: none, for: 'service.name in ["payments-api", "ledger", "shop", "platform"]'}`), `calendar.yaml:3:44: always-true: the freeze more is for every service, as its condition is never false; leave "for" out *`},
		{frozen(`{every: 3 feb, ceiling: low} ## services.yaml | generous | trusted`), `calendar.yaml:3:33: no-effect: the freeze more changes nothing: no template has a ceiling above low, and it adds no seat; lower its ceiling, give it an override, or remove it *`},
		{frozen(`{every: 3 feb, ceiling: low}`), ``},
		{frozen(`{every: 3 feb, ceiling: low, override: on-call} ## services.yaml | generous | trusted`), ``},
		// Services.
		{`services.yaml | from: 2025-01-01}]}\nplatform | from: 2025-01-01, review-by: 2026-10-31}]}\nplatform`, `services.yaml:7:164: outdated: the operating model generous of the service shop should have been reviewed by 2026-10-31; review it and set review-by anew *`},
		{standing("2026-10-31", "rolling"), `services.yaml:7:224: outdated: the standing claim of the service shop on rolling ended on 2026-10-31; renew it or remove it *`},
		{standing("2026-12-31", "rolling"), ``},
		{standing("2026-12-31", "other") + " ## " + second("low", untilThen+`bound-to: {stage: live}; covers: service.name == "platform"`), `services.yaml:7:175: no-effect: the standing claim of the service shop on other makes no difference: the template covers no change to it; correct it or remove it`},
		{standing("2026-12-31", "other") + " ## " + second("low", untilThen+`bound-to: {stage: pilot}; covers: service.name == "shop"`), `catalogue.yaml:15:15: never-true: the template other is bound to a stage, tier or exposure that no service has, so it covers nothing; correct "bound-to" or remove the template`},
		{`services.yaml | model: [{is: ops-run-it, from: 2019-01-01}]} | model: [{is: ops-run-it, from: 2019-01-01}], claims: [{template: rolling, by: idp|alice, from: 2026-01-01, until: 2026-12-31}]} ## catalogue.yaml |     bound-to: {stage: live, tier: [1, 2], exposure: [public, internal]}\n | `,
			`services.yaml:5:155: no-effect: the standing claim of the service ledger on rolling makes no difference: under its operating model nothing is standard; remove it, or put the service under another *`},
		// What nothing refers to.
		{`policy.yaml | applies:\n | applies:\n  change.reverts: service.kind != "cots"\n`, `policy.yaml:5:19: unused: no condition reads change.reverts, so nothing hangs on whether it has a meaning; remove the line`},
		{`policy.yaml | evidence: [smoke] | evidence: [smoke, unit]`, `policy.yaml:3:19: unused: no condition reads the check evidence.unit; use it or remove it`},
		{`policy.yaml | evidence: [smoke] | evidence: [smoke]\nsets: {late: [friday]}`, `policy.yaml:4:14: unused: no condition reads the set sets.late; use it or remove it`},
		{`policy.yaml | security: | board: {members: 2}\n  security:`, `policy.yaml:8:10: unused: the group board fills no seat; use it in authority.yaml or remove it`},
	} {
		f := files()
		// The one group and the one reader that the policy of the tests leaves out.
		f["authority.yaml"] += "  - {when: type == \"normal\" and change.kind == \"data\", needs: [{group: security}]}\n"
		for _, edit := range strings.Split(c.edits, " ## ") {
			apply(t, f, edit)
		}
		p, err := approval.Load(mapFS(f))
		if err != nil {
			t.Errorf("%s: %v", c.edits, err)
			continue
		}
		var got []string
		for _, found := range p.Lint(monday) {
			line := fmt.Sprintf("%s:%d:%d: %v: %s", found.File, found.Line, found.Column, found.Kind, found.Message)
			if found.Witness != nil {
				line += " *"
				checkWitness(t, p, found)
			}
			got = append(got, line)
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s\n%s\nexpected\n%s", c.edits, text, c.want)
		}
	}
}

// apply is one edit of a file: "FILE | OLD | NEW".
func apply(t *testing.T, f map[string]string, edit string) {
	t.Helper()
	file, rest, _ := strings.Cut(edit, " | ")
	before, after, _ := strings.Cut(rest, " |")
	lines := strings.NewReplacer(`\n`, "\n")
	before, after = lines.Replace(before), lines.Replace(strings.TrimPrefix(after, " "))
	if !strings.Contains(f[file], before) {
		t.Fatalf("%s: there is no such text", edit)
	}
	f[file] = strings.Replace(f[file], before, after, 1)
}

// checkWitness: the policy takes the change, and it is not standard where the
// finding says that nothing is, or else both things that it names count.
func checkWitness(t *testing.T, p *approval.Policy, f risk.Finding) {
	t.Helper()
	c := *f.Witness
	if p.Classify(&c, approval.Inputs{At: monday}).Err != nil {
		t.Errorf("%s: the change that shows it is refused: %v", f.Message, p.Classify(&c, approval.Inputs{At: monday}).Err)
	}
	if strings.Contains(f.Message, "excepts") {
		c.Claim = &change.Claim{Type: change.Standard, Template: f.ID, By: "idp|example", Reason: "x"}
	}
	k := p.Classify(&c, approval.Inputs{At: monday})
	why := strings.Join(k.Why, "\n")
	for message, line := range map[string]string{
		"excepts everything":     "the template rolling excepts the change",
		"excepts nothing":        "the template rolling excepts the change: change.files is not known",
		"only what is not known": "perhaps never standard: x (more)",
		"forbids everything":     "never standard: x (more)",
	} {
		if strings.Contains(f.Message, message) && !strings.Contains(why, line) {
			t.Errorf("%s: of the change that shows it is said %s", f.Message, why)
		}
	}
	switch {
	case strings.Contains(f.Message, "should have been reviewed"):
		if !strings.Contains(why, "should have been reviewed by 2026-10-31") {
			t.Errorf("%s: of the change that shows it is said %s", f.Message, why)
		}
	case strings.Contains(f.Message, "the standing claim"):
		if k.Type != change.Normal || c.Service != f.ID || c.Claim != nil || !k.Regular {
			t.Errorf("%s: the change that shows it is %s, to %s", f.Message, k.Type, c.Service)
		}
	case strings.Contains(f.Message, "asks for its seats only where"):
		if text := fmt.Sprint(k.Requirement); !strings.Contains(text, "security") {
			t.Errorf("%s: the change that shows it needs %s", f.Message, text)
		}
	case strings.Contains(f.Message, "the freeze"):
		if !slices.Contains(k.Freezes, "more") {
			t.Errorf("%s: the change that shows it is not in the freeze but in %v", f.Message, k.Freezes)
		}
	case strings.Contains(f.Message, "excepts"):
	case strings.HasPrefix(f.Message, "nothing is standard"):
		c.Claim = &change.Claim{Type: change.Standard, Template: f.ID, By: "idp|example", Reason: "x"}
		if got := p.Classify(&c, approval.Inputs{At: monday}); got.Type == change.Standard || !got.Regular {
			t.Errorf("%s: the change that shows it is %s, regular %t", f.Message, got.Type, got.Regular)
		}
	case strings.Contains(f.Message, "the template"):
		for _, id := range []string{"rolling", "other"} {
			c.Claim = &change.Claim{Type: change.Standard, Template: id, By: "idp|example", Reason: "x"}
			if got := p.Classify(&c, approval.Inputs{At: monday}); !got.Regular {
				t.Errorf("%s: %s does not cover the change that shows it\n%s", f.Message, id, got.Explain())
			}
		}
	case strings.Contains(f.Message, "forbids all of it"):
		if !strings.Contains(why, "(more)") || !strings.Contains(why, "(secrets)") {
			t.Errorf("%s: the change that shows it is not forbidden twice: %s", f.Message, why)
		}
	case strings.Contains(f.Message, "authority rule"):
		if got := p.Classify(&c, approval.Inputs{At: monday}); strings.Contains(f.Message, "rule 5") != (got.Type == change.Emergency) {
			t.Errorf("%s: the change that shows it is %s", f.Message, got.Type)
		}
	}
}

// TestLintInTime: what was right once is found when its time is over.
func TestLintInTime(t *testing.T) {
	p := made(t, base(t))
	for when, want := range map[time.Time]int{monday: 0, monday.AddDate(-1, 0, 0): 1, monday.AddDate(1, 0, 0): 1} {
		found := slices.DeleteFunc(p.Lint(when), func(f risk.Finding) bool { return f.Kind != risk.Outdated })
		if len(found) != want {
			t.Errorf("%s: %v", when, found)
		}
		for _, f := range found {
			if f.Witness == nil {
				t.Errorf("%s: nothing shows that %s", when, f)
			} else if k := p.Classify(f.Witness, approval.Inputs{At: when}); k.Regular || k.Err != nil || !strings.Contains(strings.Join(k.Why, "\n"), "the template "+f.ID+" ") {
				t.Errorf("%s: of the change that shows it is said %v %v", f, k.Why, k.Err)
			}
		}
	}
	if (*approval.Policy)(nil).Lint(monday) != nil {
		t.Error("no policy has no findings")
	}
}

// TestINV9EnvelopeOfEverything: a template that covers everything does not load,
// however its condition says so.
func TestINV9EnvelopeOfEverything(t *testing.T) {
	for condition, loads := range map[string]bool{
		`change.kind in ["code", "config", "flag", "data", "infrastructure", "cots"]`: false,
		`change.kind in ["code", "config", "flag", "data", "infrastructure"]`:         true,
		`known(change.files) or not known(change.files)`:                              false,
		`known(change.files) or change.downtime`:                                      true,
		`change.files >= 0`:                                                           false,
		`change.files >= 1`:                                                           true,
		// No lines are counted of a product that is bought, so this is about the rest.
		`change.lines_added > 3 or change.lines_added <= 3`: true,
	} {
		f := files()
		apply(t, f, covers(condition))
		_, err := approval.Load(mapFS(f))
		if (err == nil) != loads || err != nil && !strings.HasPrefix(err.Error(), "catalogue.yaml:8:13: the template \"rolling\" covers everything") {
			t.Errorf("%s: %v", condition, err)
		}
	}
}
