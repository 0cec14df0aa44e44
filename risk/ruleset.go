package risk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/internal/rule"
)

// The bounds of a rule set, checked when it is made.
const (
	MaxRules  = 10_000
	MaxPoints = 1_000 // either way, for one rule
	MaxLevels = 10
	MaxCost   = 10_000_000 // steps of all expressions together; about a second at the very worst
)

// Definition is what a rule set is made from, in Go or from risk.yaml.
type Definition struct {
	Levels  []LevelDefinition `json:"levels"`          // from the least risk up
	Default string            `json:"default"`         // the level of a change that no rule vouches for; never the lowest
	Groups  []Group           `json:"groups,omitzero"` // groups of rules whose points are bounded together
	Rules   []Rule            `json:"rules"`

	src, fallback source // of the whole; of the default
}

// LevelDefinition names a level and the score from which it holds.
type LevelDefinition struct {
	Name string `json:"name"`
	From int    `json:"from"` // 0 for the lowest level, which also holds below it
	src  source
}

// Group bounds the sum of the points of its rules.
type Group struct {
	Name string `json:"name"`
	Cap  *int   `json:"cap,omitzero"`   // the sum counts as at most this
	Min  *int   `json:"floor,omitzero"` // the sum counts as at least this
	src  source
}

// Rule is one rule. It has either When, or Bands and Cuts.
//
// A rule with positive points or a Floor raises scrutiny: it counts when its
// condition is true, and also when that is unknown or fails. A rule with
// points of zero or fewer lowers scrutiny, or vouches: it counts only when its
// condition is true.
type Rule struct {
	ID       string `json:"id"`
	Because  string `json:"because"`           // one sentence for the reasons
	Points   int    `json:"points"`            // added to the score when it counts
	Floor    string `json:"floor,omitzero"`    // a hard stop: the level is at least this when it counts
	Group    string `json:"group,omitzero"`    // the group that bounds its points
	For      string `json:"for,omitzero"`      // where false, the rule is not applicable; reads the service only
	When     string `json:"when,omitzero"`     // the condition
	Bands    string `json:"bands,omitzero"`    // the number that Cuts cut into bands
	Cuts     []Cut  `json:"cuts,omitzero"`     // ascending; unknown counts as the worst band
	Observed bool   `json:"observed,omitzero"` // only facts that are not merely stated count ("trust: observed")
	src      source
	nodes    map[string]source
}

// Cut begins a band: values from From up to the next cut carry Points.
type Cut struct {
	From   float64 `json:"from"`
	Points int     `json:"points"`
}

// RuleSet turns facts into an [Assessment]. It is immutable and safe for
// concurrent use.
type RuleSet struct {
	vocabulary *Vocabulary
	levels     []Level
	cuts       []int // the score from which levels[i] holds
	fallback   Level
	groups     []bounds
	packed
	set    *rule.Set // rule by rule, when it counts; bands always do
	reads  []int     // the facts that any rule looks at, ascending
	cost   int
	digest change.Digest
}

// compiledRule is a rule while its set is made.
type compiledRule struct {
	Rule
	floor Level
	group int // index, or -1
	when  *rule.Expr
	only  *rule.Expr // "for"
	band  int        // index of the fact, or -1
}

// raises reports whether the rule raises scrutiny when it counts.
func (r *compiledRule) raises() bool { return r.Points > 0 || r.Floor != "" }

// New makes a rule set over a vocabulary. The error is [ParseErrors].
func New(v *Vocabulary, d Definition) (*RuleSet, error) {
	var errs faults
	if v == nil || v.rules == nil {
		errs.add(d.src, "", "a rule set needs the vocabulary of a policy")
		return nil, errs.err()
	}
	d = d.clone()
	rs := &RuleSet{vocabulary: v}
	rs.addLevels(d, &errs)
	rs.addGroups(d.Groups, &errs)
	if len(d.Rules) == 0 {
		errs.add(d.src, "", "a rule set needs at least one rule; without one nothing can be assessed")
	}
	if len(d.Rules) > MaxRules {
		errs.add(d.src, "", "a rule set has at most %d rules, and this one has %d", MaxRules, len(d.Rules))
		return nil, errs.err()
	}
	seen, p := make(map[string]bool, len(d.Rules)), newPacking(rs)
	for _, r := range d.Rules {
		if seen[r.ID] {
			errs.add(r.at("id"), "", "the rule id %q is used twice", r.ID)
		}
		seen[r.ID] = true
		p.add(rs.compile(r, &errs))
	}
	if rs.cost > MaxCost {
		errs.add(d.src, "", "the rules could cost %d steps on the largest permitted change, over the limit of %d", rs.cost, MaxCost)
	}
	if err := errs.err(); err != nil {
		return nil, err
	}
	p.close()
	return rs, rs.seal(d)
}

// seal computes the digest of what decides: the definition and the vocabulary.
func (rs *RuleSet) seal(d Definition) error {
	data, err := json.Marshal(struct {
		Facts   []FactInfo
		Applies []Applicability
		Sets    []Set `json:",omitzero"`
		Rules   Definition
	}{rs.vocabulary.Describe(), rs.vocabulary.declared, rs.vocabulary.sets, d})
	if err != nil {
		return fmt.Errorf("the rule set has no encoding: %w", err)
	}
	rs.digest = change.DigestOf("changelane/rules/v1", data)
	return nil
}

// at is where a field of the rule was read, or else the rule.
func (r *Rule) at(field string) source {
	if s, ok := r.nodes[field]; ok {
		return s
	}
	return r.src
}

func (rs *RuleSet) addLevels(d Definition, errs *faults) {
	if len(d.Levels) < 2 || len(d.Levels) > MaxLevels {
		errs.add(d.src, "", "a rule set needs 2 to %d levels, and this one has %d", MaxLevels, len(d.Levels))
	}
	for i, l := range d.Levels {
		switch {
		case i == 0 && l.From != 0:
			errs.add(l.src, "", "the lowest level %q begins at 0, not at %d", l.Name, l.From)
		case i > 0 && l.From <= d.Levels[i-1].From:
			errs.add(l.src, "", "the level %q begins at %d, which is not above %q at %d", l.Name, l.From, d.Levels[i-1].Name, d.Levels[i-1].From)
		case slices.ContainsFunc(d.Levels[:i], func(o LevelDefinition) bool { return o.Name == l.Name }):
			errs.add(l.src, "", "the level %q is defined twice", l.Name)
		case !levelName.MatchString(l.Name) || l.Name == "none" || l.Name == "unassessed":
			errs.add(l.src, "", "%q cannot be the name of a level: use small letters, digits, \"-\" and \"_\", and not \"none\" or \"unassessed\"", l.Name)
		}
		rs.levels = append(rs.levels, Level{i + 1, l.Name})
		rs.cuts = append(rs.cuts, l.From)
	}
	switch fallback, ok := rs.Level(d.Default); {
	case d.Default == "":
		errs.add(d.src, "", "a rule set needs a default: the level of a change that no rule vouches for")
	case !ok:
		errs.add(d.fallback, "", "the default %q is not a level (%s)%s", d.Default, strings.Join(rs.levelNames(), ", "), nearest.Hint(d.Default, rs.levelNames()))
	case fallback.rank == 1:
		errs.add(d.fallback, "", "the default cannot be the lowest level %q: a change that no rule vouches for is not low-risk; name a higher one", d.Default)
	default:
		rs.fallback = fallback
	}
}

func (rs *RuleSet) levelNames() []string {
	out := make([]string, len(rs.levels))
	for i, l := range rs.levels {
		out[i] = l.name
	}
	return out
}

func (rs *RuleSet) addGroups(groups []Group, errs *faults) {
	for i, g := range groups {
		rs.groups = append(rs.groups, newBounds(g))
		switch {
		case slices.ContainsFunc(groups[:i], func(o Group) bool { return o.Name == g.Name }):
			errs.add(g.src, "", "the group %q is defined twice", g.Name)
		case g.Cap == nil && g.Min == nil:
			errs.add(g.src, "", "the group %q bounds nothing: give it a cap or a floor", g.Name)
		case g.Cap != nil && g.Min != nil && *g.Cap < *g.Min:
			errs.add(g.src, "", "the cap of the group %q is below its floor", g.Name)
		case g.Min != nil && *g.Min > 0 || g.Cap != nil && *g.Cap < 0:
			errs.add(g.src, "", "a group that no rule counts in adds nothing, so its floor is not above 0 and its cap not below 0")
		}
	}
}

// compile checks a rule and compiles its conditions.
func (rs *RuleSet) compile(r Rule, errs *faults) *compiledRule {
	c := &compiledRule{Rule: r, group: -1, band: -1}
	fail := func(field, format string, args ...any) { errs.add(r.at(field), r.ID, format, args...) }
	if !ruleID.MatchString(r.ID) || r.ID == "default" {
		fail("id", "%q cannot be an id: use small letters, digits, \".\", \"-\" and \"_\", and not \"default\"", r.ID)
	}
	if r.Because == "" || strings.ContainsFunc(r.Because, unicode.IsControl) || !utf8.ValidString(r.Because) {
		fail("because", "needs a because: one sentence, on one line, that reasons can show")
	}
	if r.Points < -MaxPoints || r.Points > MaxPoints {
		fail("points", "carries %d points; between %d and %d are allowed", r.Points, -MaxPoints, MaxPoints)
	}
	if r.Floor != "" {
		var ok bool
		if c.floor, ok = rs.Level(r.Floor); !ok {
			fail("floor", "the floor %q is not a level (%s)%s", r.Floor, strings.Join(rs.levelNames(), ", "), nearest.Hint(r.Floor, rs.levelNames()))
		}
		if r.Points < 0 {
			fail("points", "has a floor, which raises, and negative points, which lower; make two rules of it")
		}
	}
	if r.Group != "" {
		c.group = slices.IndexFunc(rs.groups, func(g bounds) bool { return g.Name == r.Group })
		if c.group < 0 {
			fail("group", "the group %q is not defined%s", r.Group, rs.groupHint(r.Group))
		}
	}
	if r.Observed && (c.raises() || r.Bands != "") {
		fail("trust", "only a rule that lowers scrutiny can ask for observed facts: raising ones count whoever states the facts")
	}
	if r.For != "" {
		if c.only = rs.vocabulary.serviceCondition(r.For, r.at("for"), r.ID, errs); c.only != nil {
			rs.cost += c.only.Cost()
		}
	}
	rs.addCondition(c, errs, fail)
	return c
}

func (rs *RuleSet) groupHint(name string) string {
	names := make([]string, len(rs.groups))
	for i, g := range rs.groups {
		names[i] = g.Name
	}
	return cmp.Or(nearest.Hint(name, names), `; define it under "groups", such as `+name+": {cap: 30}")
}

func (rs *RuleSet) addCondition(c *compiledRule, errs *faults, fail func(field, format string, args ...any)) {
	switch {
	case (c.When == "") == (c.Bands == ""):
		fail("when", "needs either a condition (when) or bands, and not both")
	case c.When != "":
		c.when = rs.vocabulary.compile(c.When, c.at("when"), c.ID, errs)
		if c.when != nil {
			rs.cost += c.when.Cost()
		}
		if c.Cuts != nil {
			fail("cuts", "has cuts, but no bands that they could cut")
		}
	default:
		rs.addBands(c, fail)
	}
}

func (rs *RuleSet) addBands(c *compiledRule, fail func(field, format string, args ...any)) {
	i, err := rs.vocabulary.lookup(c.Bands)
	if err != nil {
		fail("bands", "%v", err)
		return
	}
	if t := rs.vocabulary.rules.Fact(i).Type; t != rule.Int && t != rule.Float {
		fail("bands", "bands cut a number, and %s is %s", c.Bands, t)
	}
	if c.Points != 0 || c.Floor != "" {
		fail("points", "has bands, which carry the points; leave out points and floor")
	}
	if len(c.Cuts) == 0 {
		fail("cuts", "bands need at least one cut")
	}
	for j, cut := range c.Cuts {
		if math.IsNaN(cut.From) || math.IsInf(cut.From, 0) || j > 0 && cut.From <= c.Cuts[j-1].From {
			fail("cuts", "the cuts must ascend, and cut %d does not", j+1)
		}
		if cut.Points < 0 || cut.Points > MaxPoints {
			fail("cuts", "a cut carries %d points; between 0 and %d are allowed: what lowers the risk is a rule with a condition, which can ask for observed facts", cut.Points, MaxPoints)
		}
		switch r := rs.vocabulary.rules.Fact(i).Range; {
		case r != nil && cut.From > r.Most:
			fail("cuts", "%s %v, so it never reaches a cut at %v", c.Bands, r, cut.From)
		case r != nil && cut.From < r.Least:
			fail("cuts", "%s %v, so all of it is beyond a cut at %v; begin at %v", c.Bands, r, cut.From, r.Least)
		}
	}
	c.band = i
}

// Level finds a level of the rule set by name.
func (rs *RuleSet) Level(name string) (Level, bool) {
	for _, l := range rs.orEmpty().levels {
		if l.name == name {
			return l, true
		}
	}
	return Level{}, false
}

// Levels are the levels, from the least risk up.
func (rs *RuleSet) Levels() []Level { return slices.Clone(rs.orEmpty().levels) }

// Default is the level that a change has at least when no rule vouches for it.
func (rs *RuleSet) Default() Level { return rs.orEmpty().fallback }

// orEmpty is the rule set, or one of nothing where there is none.
func (rs *RuleSet) orEmpty() *RuleSet {
	if rs == nil {
		return &RuleSet{}
	}
	return rs
}

// LevelOf is the level of a score on its own, without floors or the default.
func (rs *RuleSet) LevelOf(score int) Level {
	if rs == nil || len(rs.levels) == 0 {
		return Level{}
	}
	level := rs.levels[0]
	for i, from := range rs.cuts {
		if score >= from {
			level = rs.levels[i]
		}
	}
	return level
}

// Vocabulary is the vocabulary that the rules are written in.
func (rs *RuleSet) Vocabulary() *Vocabulary { return rs.orEmpty().vocabulary }

// Groups are the definitions of the groups, in file order.
func (rs *RuleSet) Groups() []Group {
	rs = rs.orEmpty()
	out := make([]Group, len(rs.groups))
	for i, g := range rs.groups {
		out[i] = g.Group
	}
	return cloneGroups(out)
}

// clone is a copy that shares nothing that can be written to: a rule set does
// not change when the definition that it was made from does.
func (d Definition) clone() Definition {
	d.Levels, d.Groups, d.Rules = slices.Clone(d.Levels), cloneGroups(d.Groups), slices.Clone(d.Rules)
	for i := range d.Rules {
		d.Rules[i].Cuts = slices.Clone(d.Rules[i].Cuts)
	}
	return d
}

func cloneGroups(groups []Group) []Group {
	out := slices.Clone(groups)
	for i := range out {
		out[i].Cap, out[i].Min = cloneInt(out[i].Cap), cloneInt(out[i].Min)
	}
	return out
}

func cloneInt(n *int) *int {
	if n == nil {
		return nil
	}
	copied := *n
	return &copied
}

// Cost bounds the steps that all conditions of the rules take together; see
// [MaxCost].
func (rs *RuleSet) Cost() int { return rs.orEmpty().cost }

// Digest names the rule set: everything that an assessment depends on besides
// the facts.
func (rs *RuleSet) Digest() change.Digest { return rs.orEmpty().digest }
