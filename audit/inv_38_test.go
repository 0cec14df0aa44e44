package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/audit"
)

// TestINV38Lists: a record that stands elsewhere than its events say is found,
// also when it stands in as many places.
func TestINV38Lists(t *testing.T) {
	s, k := written(t, "acme", 1)
	for name, tamper := range map[string]func([]audit.Listing) []audit.Listing{
		"another place":  func(l []audit.Listing) []audit.Listing { l[0].Sort += "1"; return l },
		"another list":   func(l []audit.Listing) []audit.Listing { l[0].List += "s"; return l },
		"one list more":  func(l []audit.Listing) []audit.Listing { return append(l, audit.Listing{List: "zoo"}) },
		"one list fewer": func(l []audit.Listing) []audit.Listing { return l[1:] },
	} {
		c := copyTables(t, s, "acme")
		r := c.record("b")
		if len(r.Lists) == 0 {
			t.Fatal("it stands in no list")
		}
		r.Lists = tamper(slices.Clone(r.Lists))
		if r := verify(t, c, audit.VerifyOptions{Verifier: k}); len(r.Problems) != 1 || r.Problems[0].Key.ID != "b" || !strings.Contains(r.Problems[0].What, "lists") {
			t.Errorf("%s: %s", name, r)
		}
	}
}
