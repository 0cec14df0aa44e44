package rule

import (
	"slices"
	"testing"
)

// TestSetLate: texts are not searched for rules of which something else is
// False, and what a rule is does not depend on whether they were.
func TestSetLate(t *testing.T) {
	v := trialVocabulary(t, 8, 256)
	rules := compileAll(t, v, []string{
		`change.lines > 100 and change.title contains "late"`,
		`change.lines > 200 and not (change.title contains "late")`,
		`change.lines > 300 and change.title startsWith "late" and change.lines + change.files > 301`,
	})
	s := ruleset{rules: rules, set: NewSet(v, rules)}
	s.run = s.set.NewRun()
	title := slices.IndexFunc(s.set.columns, func(c column) bool { return c.kind == columnText })
	fact := s.set.columns[title].fact
	lines := s.set.columns[slices.IndexFunc(s.set.columns, func(c column) bool { return c.kind == columnWhole })].fact
	facts := ordinaryFacts(t, v)
	for _, text := range []Value{TextValue("late"), {}, TextValue("not"), TextValue("too late"), {State: NotApplicable}, fault("no")} {
		for _, n := range []int64{400, 50, 150, 250, 301} {
			facts[fact], facts[lines] = text, IntValue(n)
			if _, err := s.check(v, facts); err != nil {
				t.Errorf("%d lines, %v: %v", n, text, err)
			}
			if unread := s.run.unread[title>>6]>>(title&63)&1 != 0; unread != (n == 50) {
				t.Errorf("%d lines: the title is unread: %t", n, unread)
			}
		}
	}
}
