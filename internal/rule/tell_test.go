package rule

import (
	"fmt"
	"strings"
	"testing"
)

// TestTellingIsBounded: all mutants of one condition share what may be tried, so
// that a long one, of which there are many long mutants, takes no longer than a
// short one; those that people write are looked at as closely as ever.
func TestTellingIsBounded(t *testing.T) {
	v := trialVocabulary(t, 1000, 128<<10)
	var parts []string
	for i := range 14 {
		parts = append(parts, fmt.Sprintf("(change.lines * change.files + %d > history.count * %d)", i, i+1))
	}
	for source, most := range map[string]int{strings.Join(parts, " and "): mostTried / 10, parts[0]: mostTried} {
		e := must(t, v, source)
		mutants := len(Mutants(v, source))
		tries := triesFor(e, mutants)
		if tries > most || most == mostTried && tries < most || tries*mutants*2*e.Size() > 2*workOfAll {
			t.Errorf("%d tries for each of %d mutants of %d parts: %s", tries, mutants, e.Size(), source)
		}
	}
}
