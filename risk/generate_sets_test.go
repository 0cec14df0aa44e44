package risk_test

import (
	"slices"

	"github.com/changelane/changelane/risk"
)

// generatedSets are the named sets of generated policies: of closed words, of
// any text, and of path patterns.
var generatedSets = []risk.Set{
	{Name: "critical", Items: []string{"payments-api", "edge"}},
	{Name: "kinds", Items: []string{"digital", "platform", "cots"}},
	{Name: "classes", Items: []string{"gold"}},
	{Name: "changes", Items: []string{"code", "config", "flag"}},
	{Name: "snippets", Items: snippets},
	{Name: "schema_paths", Items: globs[:3]},
}

// setFor names a set that the words of a fact allow; "" for none.
func setFor(f risk.FactInfo) string {
	switch f.Name {
	case "service.name":
		return "critical"
	case "service.kind":
		return "kinds"
	case "attributes.class":
		return "classes"
	case "change.kind":
		return "changes"
	}
	if f.Words == nil {
		return "snippets"
	}
	return ""
}

func setItems(name string) []string {
	i := slices.IndexFunc(generatedSets, func(s risk.Set) bool { return s.Name == name })
	return generatedSets[i].Items
}

// quantities are durations as they are written, and what they are in the unit.
var quantities = map[string][][2]string{
	"hours":   {{"hours(1)", "1"}, {"minutes(30)", "0.5"}, {"days(1)", "24"}, {"minutes(6)", "0.1"}, {"hours(2.5)", "2.5"}, {"seconds(0)", "0"}},
	"days":    {{"days(1)", "1"}, {"hours(12)", "0.5"}, {"days(2.5)", "2.5"}, {"weeks(1)", "7"}, {"minutes(144)", "0.1"}, {"-days(1)", "-1"}},
	"minutes": {{"minutes(90)", "90"}, {"hours(1.5)", "90"}, {"hours(10)", "600"}, {"minutes(0)", "0"}, {"seconds(90)", "1.5"}},
}

// span compares a number with a quantity of its unit, some of the time.
func (w writer) span(c *cond, f risk.FactInfo) {
	if f.Unit == "" || c.op != "number" || w.chance(40) {
		return
	}
	q := pick(w.random, quantities[f.Unit]...)
	c.written, c.number = q[0], q[1]
}
