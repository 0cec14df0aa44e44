package risk

import "github.com/changelane/changelane/internal/rule"

// OpenRule is a rule of which nobody can tell whether it is for a service.
type OpenRule struct {
	Rule  string
	Facts []string // the facts of the service that its "for" reads and that are not stated
	Why   string   // why "for" failed, when it did; else ""
	File  string   // where "for" was read; "" when it was built in Go
	Line  int      // from 1; 0 when File is ""
}

// Undecided lists the rules of which nobody can tell whether they are for the
// service that the facts are about, in file order: such a rule leaves every
// change to the service open.
func (rs *RuleSet) Undecided(f Facts) []OpenRule {
	if rs == nil || len(rs.services) == 0 {
		return nil
	}
	open := rs.undecided(f)
	var out []OpenRule
	for i := range rs.rules {
		r := &rs.rules[i]
		if r.only < 0 || open[r.only] == nil {
			continue
		}
		u := *open[r.only]
		u.Rule = rs.id(r)
		u.File, u.Line = rs.places.of(i)
		out = append(out, u)
	}
	return out
}

// undecided finds, condition by condition, what is to be said of the rules that
// have it as their "for"; nil where it is decided.
func (rs *RuleSet) undecided(f Facts) []*OpenRule {
	out := make([]*OpenRule, len(rs.services))
	if f.vocabulary != rs.vocabulary {
		for i := range out {
			out[i] = &OpenRule{Why: otherVocabulary}
		}
		return out
	}
	run := rs.only.NewRun()
	for _, d := range run.Decide(f.values) {
		if d.When == rule.IsTrue {
			continue
		}
		out[d.Rule] = &OpenRule{Facts: f.missing(rs.services[d.Rule].reads)}
		if d.When == rule.IsFault {
			_, out[d.Rule].Why = run.Why(f.values, int(d.Rule))
		}
	}
	return out
}
