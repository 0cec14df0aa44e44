package audit_test

import (
	"testing"

	"github.com/changelane/changelane/audit"
)

// TestINV40Salts: each personal datum has a salt of its own, which is not zero;
// otherwise its commitment could be guessed, or told from that of another.
func TestINV40Salts(t *testing.T) {
	draft := audit.Draft{Type: "case.opened/1", Occurred: noon, Recorded: noon, Body: []byte("{}"),
		Personal: []audit.Field{{Name: "asks", Value: []byte("ann")}, {Name: "owns", Value: []byte("ann")}, {Name: "votes", Value: []byte("ann")}}}
	w, err := audit.Append(audit.Record{Key: caseKey("acme", "x")}, nil, nil, draft, draft)
	must(t, err)
	seen := map[[audit.SaltSize]byte]bool{{}: true}
	for i, l := range w.Events {
		fields, err := audit.ParseOpenings(l.Openings)
		must(t, err)
		if len(fields) != len(draft.Personal) {
			t.Fatalf("event %d has %d personal data", i+1, len(fields))
		}
		for _, f := range fields {
			if seen[f.Salt] {
				t.Errorf("the salt of %s in event %d is zero, or was used before", f.Name, i+1)
			}
			seen[f.Salt] = true
		}
	}
}
