package approval_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/risk"
)

const attributesSchema = `{"type": "object", "additionalProperties": false, "properties": {
	"cost": {"type": "integer", "minimum": 0, "maximum": 1000},
	"share": {"type": "number", "minimum": 0, "maximum": 1},
	"outage_minutes": {"type": "integer", "minimum": 0},
	"vendor": {"type": "string", "minLength": 3, "maxLength": 40},
	"class": {"enum": ["gold", "silver"]},
	"pii": {"type": "boolean"},
	"labels": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 20}}
}}
`

// places are where a condition can stand in a policy, and one that stands there;
// %s is where another is put.
var places = []struct{ name, file, with, service string }{
	{"rule when", "risk.yaml", "  - {id: more, points: 1, when: '%s', because: x}\n", ""},
	{"rule when that lowers", "risk.yaml", "  - {id: less, points: -1, when: '%s', trust: observed, because: x}\n", ""},
	{"rule for", "risk.yaml", "  - {id: more, points: 1, for: '%s', when: change.downtime, because: x}\n", "service"},
	{"bands for", "risk.yaml", "  - {id: more, bands: change.files, cuts: {1: 5}, for: '%s', because: x}\n", "service"},
	{"covers", "catalogue.yaml", "covers: change.kind == \"code\" => covers: '%s'", ""},
	{"except", "catalogue.yaml", "except: touches(\"migrations/**\") => except: '%s'", ""},
	{"forbid", "catalogue.yaml", "  - {id: more, when: '%s', because: x}\n", ""},
	{"authority when", "authority.yaml", "  - {when: '%s', needs: [{group: cab}]}\n", ""},
	{"authority each", "authority.yaml", "  - {when: type == \"normal\", needs: [{each: '%s', role: service-owner}]}\n", ""},
	{"freeze for", "calendar.yaml", "  more: {every: 15 dec to 4 jan, ceiling: none, override: head-of-operations, for: '%s'}\n", "service"},
	{"applies", "policy.yaml", "  change.lines_added: service.kind != \"cots\" =>   change.lines_added: '%s'", "service"},
}

// put puts a condition into a place of the policy; the result is its line and
// the column of its first character.
func put(t *testing.T, place struct{ name, file, with, service string }, condition string) (policy map[string]string, line, column int) {
	t.Helper()
	policy = files()
	policy["attributes.schema.json"] = attributesSchema
	policy["policy.yaml"] += "sets:\n  critical: [payments-api, legder]\n  absolute: [\"/etc/**\"]\n"
	text := policy[place.file]
	if before, after, replaces := strings.Cut(place.with, " => "); replaces {
		if !strings.Contains(text, before) {
			t.Fatalf("%s: no %q", place.name, before)
		}
		text = strings.Replace(text, before, fmt.Sprintf(after, "\x00"), 1)
	} else {
		text += fmt.Sprintf(place.with, "\x00")
	}
	before, _, _ := strings.Cut(text, "\x00")
	policy[place.file] = strings.Replace(text, "\x00", condition, 1)
	return policy, 1 + strings.Count(before, "\n"), len(before) - strings.LastIndex(before, "\n")
}

// TestINV9EveryCondition: wherever a condition stands, what it could never mean
// is found when the policy is loaded, with file, line, column and the nearest
// right name.
func TestINV9EveryCondition(t *testing.T) {
	faults := []struct {
		condition string
		column    int // of the fault, from the first character of the condition
		want      string
	}{
		{`attributes.csot > 3`, 0, `did you mean "attributes.cost"?`},
		{`change.downtime and attributes.vendr == "acme"`, 20, `did you mean "attributes.vendor"?`},
		{`attributes.cost == "3"`, 16, `attributes.cost, which is a whole number, cannot be compared with a text by "=="; write 3 without quotes`},
		{`attributes.vendor > 3`, 18, `attributes.vendor, which is a text, cannot be compared with a whole number by ">"`},
		{`attributes.cost > 1001`, 18, `lies between 0 and 1000`},
		{`attributes.share >= 5`, 20, `lies between 0 and 1`},
		{`attributes.outage_minutes < -1`, 28, `is never below 0`},
		{`attributes.vendor == "ab"`, 21, `which has 3 characters or more`},
		{`attributes.class == "gld"`, 20, `did you mean "gold"?`},
		{`attributes.class < "silver"`, 17, `have no order`},
		{`attributes.pii == "yes"`, 15, `attributes.pii, which is true or false, cannot be compared with a text by "=="; write attributes.pii, or not attributes.pii`},
		{`attributes.labels == "a"`, 18, `attributes.labels, which is a list of texts, cannot be compared with a text by "=="; write "a" in attributes.labels`},
		{`attributes.outage_minutes > mib(1)`, 26, `which is in minutes`},
		{`attributes.cost > hours(1)`, 16, `attributes.cost, which has no unit of its kind`},
		{`service.nmae == "ledger"`, 0, `did you mean "service.name"?`},
		{`service.name == "legder"`, 16, `did you mean "ledger"?`},
		{`service.name in sets.critcal`, 16, `did you mean "sets.critical"?`},
		{`service.name in sets.critical`, 16, `"legder" of the set "critical" (policy.yaml:14:28) is none of the values`},
		{`service.tier in sets.critical`, 0, `holds texts`},
		{`touches(sets.absolute)`, 8, `of the set "absolute" (policy.yaml:15:14): the path pattern "/etc/**"`},
		{`service.tier == 1 and service.kind = "cots"`, 35, `did you mean "=="?`},
		{`service.tier`, 0, `a condition that is true or false is expected`},
		{`service.tier == 1 or true`, 21, `always the same`},
		{`now() > 3`, 0, `now() is not part of the language`},
		{`service.supplier matches service.name`, 25, `needs a pattern in quotes`},
	}
	for _, place := range places {
		for _, f := range faults {
			policy, line, column := put(t, place, f.condition)
			p, err := approval.Load(mapFS(policy))
			var all risk.ParseErrors
			if p != nil || !errors.As(err, &all) {
				t.Errorf("%s: %s was accepted, or refused without a place: %v", place.name, f.condition, err)
				continue
			}
			found := slices.ContainsFunc(all, func(e *risk.ParseError) bool {
				return e.File == place.file && e.Line == line && e.Column == column+f.column && strings.Contains(e.Message, f.want)
			})
			if !found || len(all) > 1 {
				t.Errorf("%s: %s\nwant %s:%d:%d: ... %s ...\ngot  %v", place.name, f.condition, place.file, line, column+f.column, f.want, all[0])
			}
		}
	}
}

// TestConditionsWithUnitsAndSets: in every place a condition can use both.
func TestConditionsWithUnitsAndSets(t *testing.T) {
	for _, place := range places {
		condition := `service.name in sets.few and (attributes.outage_minutes <= hours(1.5) or change.lead_hours > days(2) or touches(sets.schema))`
		if place.service != "" {
			condition = `service.name not in sets.few`
		}
		policy, _, _ := put(t, place, condition)
		policy["policy.yaml"] += "  few: [ledger, shop]\n  schema: [\"db/**\", \"**/migrations/**\"]\n"
		p, err := approval.Load(mapFS(policy))
		if err != nil {
			t.Errorf("%s: %v", place.name, err)
			continue
		}
		policy["policy.yaml"] = strings.Replace(policy["policy.yaml"], "few: [ledger, shop]", "few: [ledger]", 1)
		if other, err := approval.Load(mapFS(policy)); err != nil || other.Digest() == p.Digest() {
			t.Errorf("%s: the digest does not name the items of the sets (%v)", place.name, err)
		}
	}
}

// TestBandsOfAttributes: bands are cut in the unit of their fact, within its
// bounds.
func TestBandsOfAttributes(t *testing.T) {
	for bands, want := range map[string]string{
		"bands: attributes.outage_minutes, cuts: {0: 0, 90: 5}": "",
		"bands: attributes.outage_minutes, cuts: {-1: 0}":       "attributes.outage_minutes is never below 0, so all of it is beyond a cut at -1; begin at 0",
		"bands: attributes.cost, cuts: {0: 0, 2000: 5}":         "attributes.cost lies between 0 and 1000, so it never reaches a cut at 2000",
		"bands: attributes.vendor, cuts: {0: 0}":                "bands cut a number",
		"bands: attributes.csot, cuts: {0: 0}":                  `did you mean "attributes.cost"?`,
		"bands: attributes.cost, cuts: {hours(1): 0}":           "plain number",
	} {
		policy := files()
		policy["attributes.schema.json"] = attributesSchema
		policy["risk.yaml"] += "  - {id: banded, because: x, " + bands + "}\n"
		_, err := approval.Load(mapFS(policy))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "risk.yaml:11:")) {
			t.Errorf("%s: %v; want %q", bands, err, want)
		}
	}
}

// TestLongAttributes: a list that could be longer than rules may read is found
// when the schema is loaded.
func TestLongAttributes(t *testing.T) {
	for most, ok := range map[string]bool{"1000": true, "1001": false} {
		policy := files()
		policy["attributes.schema.json"] = strings.Replace(attributesSchema, `"maxItems": 10,`, `"maxItems": `+most+`,`, 1)
		if _, err := approval.Load(mapFS(policy)); (err == nil) != ok || !ok && !strings.Contains(err.Error(), `attributes.schema.json:8:12: the attribute "labels" may have 1001 items; at most 1000`) {
			t.Errorf("%s items: %v", most, err)
		}
	}
}

// TestAttributeFaults: an attribute that rules cannot read is told with its place
// in the schema.
func TestAttributeFaults(t *testing.T) {
	for property, want := range map[string]string{
		`"cost-centre": {"type": "string"}`:      `3:20: the attribute "cost-centre" cannot be read by rules: use small letters, digits and "_", and begin with a letter, such as cost_centre`,
		`"costCentre": {"type": "string"}`:       `3:19: the attribute "costCentre" cannot be read by rules: use small letters, digits and "_", and begin with a letter, such as cost_centre`,
		`"7days": {"type": "string"}`:            `3:14: the attribute "7days" cannot be read by rules: use small letters, digits and "_", and begin with a letter`,
		`"cost": {"type": ["string", "number"]}`: `3:13: the attribute "cost" must have one type: boolean, integer, number, string, or array of strings`,
	} {
		policy := files()
		policy["attributes.schema.json"] = "{\"type\": \"object\", \"additionalProperties\": false,\n \"properties\": {\n    " + property + "}}"
		if _, err := approval.Load(mapFS(policy)); err == nil || err.Error() != "attributes.schema.json:"+want {
			t.Errorf("%s:\n got %v\nwant %s", property, err, want)
		}
	}
}

// TestSetsLoaded: faults of sets have their place.
func TestSetsLoaded(t *testing.T) {
	for sets, want := range map[string]string{
		"sets:\n  critical: [payments-api, payments-api]\n":         `policy.yaml:14:28: the set "critical" holds "payments-api" twice`,
		"sets:\n  critical: []\n":                                   `policy.yaml:14:13: the set "critical" is empty`,
		"sets:\n  critical-services: [shop]\n":                      `policy.yaml:14:22: "critical-services" cannot be the name of a set: use small letters, digits and "_", and begin with a letter, such as critical_services`,
		"sets:\n  critical: shop\n":                                 `policy.yaml:14:13: a set must be a list, such as [payments-api, ledger]`,
		"sets:\n  critical: [{shop: 1}]\n":                          `policy.yaml:14:14: an item of a set must be a text`,
		"sets:\n  critical: [shop, \"\"]\n":                         `policy.yaml:14:20: `,
		"sets: [critical]\n":                                        `policy.yaml:13:7: sets must be a mapping, such as critical: [payments-api, ledger]`,
		"sets:\n  Critical: [shop]\n":                               `policy.yaml:14:3: sets cannot have the name "Critical"`,
		"sets:\n  critical: [shop]\n  critical: [ledger]\n":         `policy.yaml:15:3: `,
		"sets:\n  paths: [**/migrations/**]\n":                      `policy.yaml:14:`,
		"sets:\n  critical:\n    - shop\n    - \"led\\u200bger\"\n": `policy.yaml:16:7: this text contains the invisible character U+200B`,
	} {
		policy := files()
		policy["policy.yaml"] += sets
		if _, err := approval.Load(mapFS(policy)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s%v\nwant %s", sets, err, want)
		}
	}
}

// TestSetsDoNotChange: a policy keeps its sets when the definition that it was
// made from is written to (INV-5).
func TestSetsDoNotChange(t *testing.T) {
	policy := files()
	policy["policy.yaml"] += "sets:\n  few: [shop]\n"
	policy["catalogue.yaml"] = strings.Replace(policy["catalogue.yaml"], `touches("migrations/**")`, "service.name in sets.few", 1)
	d, err := approval.ParseDefinition(mapFS(maps.Clone(policy)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := approval.New(d)
	if err != nil {
		t.Fatal(err)
	}
	d.Sets[0].Items[0] = "ledger"
	if again, err := approval.New(d); err != nil || again.Digest() == p.Digest() {
		t.Errorf("another set makes the same policy (%v)", err)
	}
	if got := p.Rules().Vocabulary().Sets(); len(got) != 1 || got[0].Items[0] != "shop" {
		t.Errorf("the policy has the sets %v", got)
	}
}
