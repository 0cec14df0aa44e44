package risk_test

import (
	"testing"

	"github.com/changelane/changelane/risk"
)

// TestOneFaultForAnUnreadableRule: what is refused as a whole is not searched
// for fields.
func TestOneFaultForAnUnreadableRule(t *testing.T) {
	for rule, want := range map[string]string{
		"&x {id: a, points: 5, when: change.downtime, because: x}": `risk.yaml:4:3: YAML reads a value that begins with "&" as the name of an anchor, which a policy file may not have; put the value in quotes`,
		"!!map {id: a, points: 5, because: x}":                     `risk.yaml:4:3: YAML reads a value that begins with "!" as a tag, and drops it; put the value in quotes`,
		"change.downtime":                                          `risk.yaml:4:3: a rule must be a mapping, with lines such as "name: value", not the text "change.downtime"`,
	} {
		_, err := risk.ParseDefinition("risk.yaml", []byte("levels: {low: 0, high: 50}\ndefault: high\nrules:\n- "+rule+"\n"))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v; expected %s", rule, err, want)
		}
	}
}
