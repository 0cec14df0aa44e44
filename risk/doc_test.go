package risk_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// reference is the documentation of the package, by section, without the
// slashes of comments.
func reference(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^// ?`).ReplaceAllString(string(data), "")
	out := map[string]string{}
	for _, section := range strings.Split(text, "\n# ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		out[name] = body
	}
	return out
}

// tabled are the lines of a section that are set off by a tab, without it.
func tabled(section string) []string {
	var out []string
	for _, line := range strings.Split(section, "\n") {
		if row, ok := strings.CutPrefix(strings.TrimPrefix(line, "//"), "\t"); ok {
			out = append(out, row)
		}
	}
	return out
}

// TestReferenceListsTheFacts holds the list of facts to the vocabulary: names in
// its order, what is derived, types, bounds, units and closed words.
func TestReferenceListsTheFacts(t *testing.T) {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rows := tabled(reference(t)["Facts"])
	types := map[string]string{"true or false": "flag", "a whole number": "whole", "a decimal number": "decimal", "a text": "text", "a list of texts": "list"}
	for i, f := range v.Describe() {
		name, kind := f.Name, types[f.Type]
		if f.From == "" {
			name += " *"
		}
		if f.Words != nil {
			kind = "word"
		}
		if f.Range != nil {
			kind += fmt.Sprintf(" %v to %v", f.Range[0], f.Range[1])
		}
		if f.Unit != "" {
			kind += ", " + f.Unit
		}
		if want := fmt.Sprintf("%-32s %-17s ", name, kind); i >= len(rows) || !strings.HasPrefix(rows[i], want) {
			t.Fatalf("line %d of the facts is\n%q, expected\n%q", i+1, append(rows, "")[min(i, len(rows))], want)
		}
		for _, w := range f.Words {
			if len(f.Words) < 7 && !strings.Contains(rows[i], w) {
				t.Errorf("%s leaves out %s", name, w)
			}
		}
	}
	if n := len(v.Describe()); len(rows) != n {
		t.Errorf("there are %d lines of facts, and %d facts", len(rows), n)
	}
}

// samples use each operator and function of the reference once.
var samples = map[string]string{
	"a ? b : c": `change.downtime ? change.backout : change.emergency`, "or": `change.downtime or change.backout`, "||": `change.downtime || change.backout`,
	"and": `change.downtime and change.backout`, "&&": `change.downtime && change.backout`, "==": `change.files == 2`, "!=": `change.title != "a"`,
	"<": `change.files < 2`, "<=": `1 < change.files <= 9`, ">": `change.title > "a"`, ">=": `history.service_failure_rate >= 0`,
	"in": `change.files in [1, 2]`, "not in": `"a" not in change.regions`, "contains": `change.title not contains "a"`, "startsWith": `change.title startsWith "a"`,
	"endsWith": `change.title endsWith "a"`, "matches": `change.title matches "a+"`, "+": `change.title + "a" == "ba"`, "-": `-change.files - 1 < 0`,
	"*": `change.files * 2 > 1`, "/": `change.files / 2 > 1`, "%": `change.files % 2 == 1`, "not": `not (change.files == 2)`, "!": `!change.downtime`,
	"known(fact)": `known(change.files)`, `touches("dir/**", sets.x)`: `touches("dir/**", sets.x)`, `any(list, # == "x")`: `any(change.regions, # == "x")`,
	`all(list, # == "x")`: `all(change.regions, # == "x")`, `none(list, # == "x")`: `none(change.regions, # == "x")`, `one(list, # == "x")`: `one(change.regions, # == "x")`,
	`count(list, # == "x")`: `count(change.regions, # == "x") > 1`, "len(text)": `len(change.title) + len(change.paths) > 1`, "lower(text)": `lower(change.title) == "a"`,
	"upper(text)": `upper(change.title) == "A"`, "trim(text)": `trim(change.title) == "A"`, "abs(number)": `abs(change.files) > 1`, "min(a, b)": `min(change.files, 2, 3) > 1`,
	"max(a, b)": `max(change.files, 2) > 1`, "seconds(90)": `change.lead_hours > seconds(90)`, "minutes(90)": `change.lead_hours > minutes(90)`,
	"hours(36)": `change.lead_hours > hours(36)`, "days(2)": `change.lead_hours > days(2)`, "weeks(2)": `change.lead_hours > weeks(2)`,
	"bytes(500)": `attributes.image_mib > bytes(500)`, "kib(64)": `attributes.image_mib > kib(64)`, "mib(10)": `attributes.image_mib > mib(10)`, "gib(2)": `attributes.image_mib > gib(2)`,
}

// refusals show each word and sign that the reference says is refused.
var refusals = map[string]string{
	"let": "let x = 1; change.files > x", "if": "if change.downtime {change.backout} else {change.emergency}", "nil": "change.files == nil", ";": "change.downtime; change.backout",
	"..": "change.files in 1..3", "**": "change.files ** 2 > 1", "^": "change.files ^ 2 > 1", "|": "change.title | lower() == \"a\"", "??": `change.title ?? "a" == "a"`,
	"?.": "change?.files > 1", "::": "change::files > 1", "$env": "$env.change.files > 1", "#acc": "any(change.paths, #acc == 1)", "#index": "any(change.paths, #index == 1)",
	"x[0]": `change.paths[0] == "a"`, "x[1:2]": `change.title[1:2] == "a"`, "{a: 1}": "{a: 1} == change.files", "a list outside of \"in\"": "[1] == change.files", "comments": "change.downtime // x",
	"byte strings": `b"a" == change.title`, "010": "change.files > 010", "1e3": "change.files > 1e3", "0x10": "change.files > 0x10", "now": "now() > change.files", "date": `date("2026-01-01") == 1`,
	"duration": `change.lead_hours > duration("1h")`, "filter": "len(filter(change.paths, # == \"a\")) > 1", "map": "len(map(change.paths, #)) > 1", "reduce": "reduce(change.paths, # + #) == \"a\"",
	"sum": "sum([change.files]) > 1", "repeat": `repeat("a", 3) == change.title`, "replace": `replace(change.title, "a", "b") == "a"`, "split": `len(split(change.title, "a")) > 1`, "toJSON": `toJSON(change.title) == "a"`,
}

func referenceVocabulary(t *testing.T) *risk.Vocabulary {
	t.Helper()
	v, err := risk.NewVocabulary(risk.VocabularyOptions{
		Sets: []risk.Set{{Name: "x", Items: []string{"a/**"}}}, Attributes: []byte(`{"type": "object", "additionalProperties": false, "properties": {"image_mib": {"type": "integer"}, "outage_minutes": {"type": "integer"}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReferenceListsTheLanguage holds the operators, the functions and what is
// refused to the code: what is listed loads, all that loads is listed, and what
// is said to be refused is.
func TestReferenceListsTheLanguage(t *testing.T) {
	v, sections := referenceVocabulary(t), reference(t)
	listed := map[string]bool{}
	for _, row := range tabled(sections["Conditions"]) {
		head := strings.TrimSpace(row[:min(30, len(row))])
		words := strings.Fields(head)
		if strings.ContainsAny(head, "(?") {
			words = []string{head}
		}
		for _, word := range words {
			listed[word] = true
		}
	}
	for head := range listed {
		if _, ok := samples[head]; !ok {
			t.Errorf("the reference has %q, of which there is no sample", head)
		}
	}
	for head, sample := range samples {
		if !listed[head] && head != "not in" {
			t.Errorf("the reference leaves out %q", head)
		}
		if _, err := v.Condition(sample); err != nil {
			t.Errorf("%s: %s: %v", head, sample, err)
		}
	}
	_, err := v.Condition("nothing() > 1") // the message lists the functions
	_, names, _ := strings.Cut(fmt.Sprint(err), "(there are ")
	for _, name := range strings.Split(strings.TrimSuffix(names, ")"), ", ") {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(listed)), func(head string) bool { return strings.HasPrefix(head, name+"(") }) {
			t.Errorf("the reference leaves out the function %s()", name)
		}
	}
	said := strings.ReplaceAll(sections["What is refused"], "\n", " ")
	for word, source := range refusals {
		if !strings.Contains(said, " "+word) {
			t.Errorf("the reference does not say that %q is refused", word)
		}
		if _, err := v.Condition(source); err == nil {
			t.Errorf("%s: %s was accepted", word, source)
		}
	}
}

// TestReferenceExamples: the examples of units and sets load, and a quantity is
// what the line says that it is.
func TestReferenceExamples(t *testing.T) {
	v, sections := referenceVocabulary(t), reference(t)
	for _, row := range tabled(sections["Units"]) {
		written, same, ok := strings.Cut(row, "the same as ")
		if !ok {
			written, same = strings.TrimSpace(strings.Split(row, "  ")[0])+" > 1", "history.hours_since_failure / 24 > 1"
		}
		a, err := v.Condition(strings.TrimSpace(written))
		b, err2 := v.Condition(same)
		if err != nil || err2 != nil {
			t.Errorf("%s: %v %v", row, err, err2)
			continue
		}
		for _, n := range []int{0, 6, 7, 8, 23, 24, 25, 47, 48, 49, 89, 90, 91} {
			x := float64(n)
			c := &change.Change{Window: &change.Window{Start: monday.Add(hoursOf(n)), End: monday.Add(hoursOf(n + 1))}, Attributes: map[string]any{"outage_minutes": n},
				History: &change.History{FilesAgeDays: &x, HoursSinceFailure: &x}}
			f := v.Facts(c, risk.Situation{At: monday})
			if p, q := fmt.Sprint(a.Decide(f)), fmt.Sprint(b.Decide(f)); p != q {
				t.Errorf("%s at %d: %s and %s", row, n, p, q)
			}
		}
	}
	if sets := sections["Named sets"]; !strings.Contains(sets, "sets.critical") || !strings.Contains(sets, "10,000") || risk.MaxSetItems != 10_000 {
		t.Error("the reference does not say how sets are named, or how long they can be")
	}
	for _, limit := range []string{"4,096 bytes", "300 parts", "32 levels", "2\nnested loops", "200 bytes", "500 instructions", "16,384 bytes", "1,000 items", "1,000,000", "10,000,000", "10,000 rules"} {
		if !strings.Contains(sections["Limits"], limit) {
			t.Errorf("the limit of %q is not told", limit)
		}
	}
	if risk.MaxCost != 10_000_000 || risk.MaxRules != 10_000 {
		t.Error("the limits have changed, and the reference has not")
	}
}

// TestReferenceTruthTables evaluates the tables of the reference, over flags
// in each of the five states.
func TestReferenceTruthTables(t *testing.T) {
	const flags = `{"type": "object", "additionalProperties": false, "properties": {"a": {"type": "boolean"}, "b": {"type": "boolean"}}}`
	decide := func(condition, a, b string) string {
		opts := risk.VocabularyOptions{Attributes: []byte(flags)}
		given := map[string]any{}
		for name, state := range map[string]string{"a": a, "b": b} {
			switch state {
			case "n/a":
				opts.Applies = append(opts.Applies, risk.Applicability{Fact: "attributes." + name, For: `service.kind != "cots"`})
			case "fault":
				given[name] = "neither"
			case "true", "false":
				given[name] = state == "true"
			}
		}
		v, err := risk.NewVocabulary(opts)
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Condition(condition)
		if err != nil {
			t.Fatal(err)
		}
		truth, _ := c.Decide(v.Facts(&change.Change{Attributes: given}, risk.Situation{Service: &change.Service{Kind: change.COTS}}))
		return strings.Replace(truth.String(), "not applicable", "n/a", 1)
	}
	operator, columns, checked := "", []string{}, 0
	for _, row := range tabled(reference(t)["Truth"]) {
		cells := strings.Fields(row)
		switch head := cells[0]; {
		case head == "and" || head == "or":
			operator, columns = head, cells[1:]
		case head == "not":
			for i, state := range []string{"true", "false", "unknown", "n/a", "fault"} {
				if got := decide("not attributes.a", state, ""); got != cells[i+1] {
					t.Errorf("not %s is %s, and the reference says %s", state, got, cells[i+1])
				}
				checked++
			}
		default:
			for i, state := range columns {
				if got := decide("attributes.a "+operator+" attributes.b", head, state); got != cells[i+1] {
					t.Errorf("%s %s %s is %s, and the reference says %s", head, operator, state, got, cells[i+1])
				}
				checked++
			}
		}
	}
	if checked != 55 {
		t.Errorf("the reference has %d cells of truth, expected 55", checked)
	}
}

// monday is a day on which the examples are looked at.
var monday = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func hoursOf(n int) time.Duration { return time.Duration(n) * time.Hour }
