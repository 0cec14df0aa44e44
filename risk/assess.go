package risk

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/changelane/changelane/change"
)

var levelName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// Level is a level of risk of a rule set. The zero Level is unassessed, which
// is never low.
type Level struct {
	rank int // 1 is the least risk
	name string
}

// String is the name of the level, or "unassessed".
func (l Level) String() string {
	if l.rank == 0 {
		return "unassessed"
	}
	return l.name
}

// MarshalText is the name of the level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Assessed reports whether the level is one.
func (l Level) Assessed() bool { return l.rank > 0 }

// Rank is the place of the level from the least risk up, from 1; 0 when
// unassessed.
func (l Level) Rank() int { return l.rank }

// AtMost reports whether the level is no riskier than the other. An unassessed
// level is at most nothing, and nothing is at most it.
func (l Level) AtMost(other Level) bool { return l.rank > 0 && l.rank <= other.rank }

func higher(a, b Level) Level {
	if b.rank > a.rank {
		return b
	}
	return a
}

// Basis says why a reason counts.
type Basis uint8

// The bases of a reason.
const (
	Held      Basis = iota + 1 // the condition is true, or the band is known
	NotKnown                   // the condition hangs on a missing fact, and the rule raises
	Failed                     // the condition failed, and the rule raises
	Bounded                    // a group's cap or floor
	ByDefault                  // no rule vouches for the change
)

// String is the word for it.
func (b Basis) String() string {
	if b < Held || b > ByDefault {
		return fmt.Sprintf("Basis(%d)", uint8(b))
	}
	return [...]string{"", "held", "unknown", "fault", "bound", "default"}[b]
}

// MarshalText is the word for it.
func (b Basis) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// Reason is one line of the account: what counted, how much, and why. The
// points of all reasons add up to the score.
type Reason struct {
	Rule    string // its id; "group NAME" or "default" for lines that no rule makes
	Points  int
	Floor   Level // the level that it holds the change at, if any
	Because string
	Basis   Basis
	Seen    []Fact // the facts that it looked at, with their values
}

// Missing is a fact that would have mattered.
type Missing struct {
	Fact string
	// Stated is set when the fact is there, but only the requester says so
	// and a rule wants it observed.
	Stated bool
	Rules  []string // the rules that hang on it, in file order
}

// Fault is a rule that failed, and why.
type Fault struct {
	Rule string // the id of the rule, or the name of what else failed; "" when nothing could be assessed
	Why  string // what failed, in one sentence
}

// Assessment is what a rule set makes of the facts. The zero Assessment is
// unassessed, never low.
type Assessment struct {
	Level    Level     // counting everything that is not known against the change
	Best     Level     // the level if everything that is not known turned out well
	Score    int       // the sum of the points of the reasons
	Floor    Level     // the highest hard stop or default that applies; zero when none
	Vouched  bool      // at least one rule that does not raise holds
	Reasons  []Reason  // in file order, groups and the default last
	Unknowns []Missing // in file order of the first rule that hangs on them
	Faults   []Fault   // in file order
	RuleSet  change.Digest
}

// Open reports whether anything was left open: a rule that failed, or hangs on
// a missing fact. What is open is never standard, whatever the level.
func (a Assessment) Open() bool {
	missing := func(m Missing) bool { return !m.Stated }
	return !a.Level.Assessed() || len(a.Faults) > 0 || slices.ContainsFunc(a.Unknowns, missing)
}

// Assess is total: every fact missing, every rule failing still gives an
// assessment, the highest that follows. To assess many changes, see
// [RuleSet.Assessor].
func (rs *RuleSet) Assess(f Facts) (a Assessment) {
	if rs == nil || len(rs.rules) == 0 {
		return noRules()
	}
	defer func() {
		if p := recover(); p != nil {
			a = rs.failed(fmt.Sprintf("the assessment failed: %v", p))
		}
	}()
	if f.vocabulary != rs.vocabulary {
		return rs.failed(otherVocabulary)
	}
	account := rs.account()
	account.facts, account.run = f, rs.set.NewRun()
	account.assess()
	return account.Assessment
}

const otherVocabulary = "the facts were read with the vocabulary of another policy"

func noRules() Assessment { return Assessment{Faults: []Fault{{"", "there is no rule set"}}} }

// failed is the assessment when there can be none: the highest level.
func (rs *RuleSet) failed(why string) Assessment {
	return Assessment{Level: rs.levels[len(rs.levels)-1], Best: rs.levels[0], Faults: []Fault{{"", why}}, RuleSet: rs.digest}
}

// Assessor assesses one change after another, by the same rules and with the
// same result as [RuleSet.Assess]. It keeps the memory that an assessment
// takes, so that the next one needs none. Each goroutine needs one of its own.
type Assessor struct {
	rs      *RuleSet
	account *account
	facts   *lateFacts
}

// Assessor makes an assessor of the rule set.
func (rs *RuleSet) Assessor() *Assessor {
	if rs == nil || len(rs.rules) == 0 {
		return &Assessor{}
	}
	a := rs.account()
	a.facts = rs.vocabulary.unknown()
	late := newLateFacts(rs, &a.facts)
	if a.run = rs.set.NewRun(); late.some {
		a.late, a.run = late, rs.set.NewFetchingRun(late.need)
	}
	return &Assessor{rs, a, late}
}

// Assess reads the facts of a change in a situation, and assesses them. The
// assessment is valid until the next call, which writes over all that it holds;
// to keep one, use [RuleSet.Assess]. Of no change it is a fault, at the highest
// level.
func (a *Assessor) Assess(c *change.Change, s Situation) (out *Assessment) {
	if a == nil || a.rs == nil {
		none := noRules()
		return &none
	}
	defer func() {
		if p := recover(); p != nil {
			failed := a.rs.failed(fmt.Sprintf("the assessment failed: %v", p))
			out = &failed
		}
	}()
	if c == nil {
		failed := a.rs.failed("there is no change")
		return &failed
	}
	a.facts.begin(c, s)
	a.account.assess()
	return &a.account.Assessment
}
