package risk_test

import (
	"fmt"
	"math/big"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/changelane/changelane/risk"
)

// summary is what the oracle and the rule set must agree about.
type summary struct {
	level, best, floor string
	score              int
	vouched, open      bool
	reasons, unknowns  []string
	faults             []string // ids
}

func summaryOf(a risk.Assessment) summary {
	s := summary{level: a.Level.String(), best: a.Best.String(), floor: a.Floor.String(), score: a.Score, vouched: a.Vouched, open: a.Open()}
	for _, r := range a.Reasons {
		s.reasons = append(s.reasons, fmt.Sprintf("%s %d %s %s", r.Rule, r.Points, r.Floor, r.Basis))
	}
	for _, m := range a.Unknowns {
		s.unknowns = append(s.unknowns, fmt.Sprintf("%s %t %v", m.Fact, m.Stated, m.Rules))
	}
	slices.Sort(s.unknowns) // the facts of one rule come in the order of the vocabulary
	for _, f := range a.Faults {
		s.faults = append(s.faults, f.Rule)
	}
	return s
}

// naiveAccount is an assessment in the making, as the documentation has it.
type naiveAccount struct {
	p               policy
	facts           map[string]value
	out             summary
	unknown         map[string][]string // "fact stated" to rules
	worst, best     map[string]int      // by group; "" is none
	floors, perhaps []string
	couldVouch      bool
}

func (p policy) assess(facts map[string]value) summary {
	n := &naiveAccount{p: p, facts: facts, unknown: map[string][]string{}, worst: map[string]int{}, best: map[string]int{}}
	for i, r := range p.d.Rules {
		here := yes
		if p.only[i] != nil {
			here = p.only[i].decide(facts)
		}
		asked := []string{}
		if p.only[i] != nil {
			asked = p.only[i].asked()
		}
		switch {
		case here == no || here == nothing:
		case r.Bands != "":
			n.bands(r, here, asked)
		case r.Points > 0 || r.Floor != "":
			n.raising(r, p.when[i], here, asked)
		default:
			n.lowering(r, p.when[i], here, asked)
		}
	}
	return n.close()
}

func (n *naiveAccount) reason(r risk.Rule, points int, basis string) {
	floor := "unassessed"
	if r.Floor != "" {
		floor = r.Floor
		n.floors = append(n.floors, r.Floor)
	}
	n.out.reasons = append(n.out.reasons, fmt.Sprintf("%s %d %s %s", r.ID, points, floor, basis))
	n.worst[r.Group] += points
}

func (n *naiveAccount) misses(r risk.Rule, facts []string, stated bool) {
	slices.Sort(facts)
	for _, name := range slices.Compact(facts) {
		v := n.facts[name]
		if stated && v.observed || !stated && v.state != unknown {
			continue
		}
		key := fmt.Sprintf("%s %t", name, stated)
		n.unknown[key] = append(n.unknown[key], r.ID)
	}
}

func (n *naiveAccount) raising(r risk.Rule, when *cond, here truth, asked []string) {
	t := when.decide(n.facts)
	if t == no || t == nothing {
		return
	}
	n.reason(r, r.Points, map[truth]string{yes: "held", unknown: "unknown", fault: "fault"}[t])
	if t == unknown || here != yes {
		n.misses(r, append(asked, when.asked()...), false)
	}
	if t == fault || here == fault {
		n.out.faults = append(n.out.faults, r.ID)
	} else if t == yes && here == yes {
		n.best[r.Group] += r.Points
		n.perhaps = append(n.perhaps, r.Floor)
	}
}

func (n *naiveAccount) lowering(r risk.Rule, when *cond, here truth, asked []string) {
	t := when.decide(n.facts)
	if t == no || t == nothing {
		return
	}
	n.couldVouch = true
	n.best[r.Group] += r.Points
	trusted := !r.Observed || !slices.ContainsFunc(when.reads(), func(name string) bool { return !n.facts[name].observed })
	switch {
	case t == yes && !trusted:
		n.misses(r, when.asked(), true)
	case t == unknown || here != yes:
		n.misses(r, append(asked, when.asked()...), false)
	}
	switch {
	case t == fault || here == fault:
		n.out.faults = append(n.out.faults, r.ID)
	case t == yes && trusted && here == yes:
		n.out.vouched = true
		n.reason(r, r.Points, "held")
	}
}

func (n *naiveAccount) bands(r risk.Rule, here truth, asked []string) {
	v := n.facts[r.Bands]
	worst, best, basis := 0, 0, "held"
	switch v.state {
	case nothing:
		return
	case yes:
		for _, c := range r.Cuts {
			if v.number.Cmp(new(big.Rat).SetFloat64(c.From)) >= 0 {
				worst, best = c.Points, c.Points
			}
		}
		if worst == 0 {
			return
		}
	default:
		for _, c := range r.Cuts {
			worst, best = max(worst, c.Points), min(best, c.Points)
		}
		basis = map[truth]string{unknown: "unknown", fault: "fault"}[v.state]
	}
	if here != yes || v.state == unknown {
		n.misses(r, append(asked, r.Bands), false)
	}
	if here != yes {
		worst, best = max(worst, 0), min(best, 0)
	}
	if here == fault || v.state == fault {
		n.out.faults = append(n.out.faults, r.ID)
	}
	n.best[r.Group] += best
	if here == yes || worst > 0 {
		n.reason(r, worst, basis)
	}
}

func (n *naiveAccount) close() summary {
	score, best := n.worst[""], n.best[""]
	for _, g := range n.p.d.Groups {
		bounded := bound(g, n.worst[g.Name])
		if d := bounded - n.worst[g.Name]; d != 0 {
			n.out.reasons = append(n.out.reasons, fmt.Sprintf("group %s %d unassessed bound", g.Name, d))
		}
		score, best = score+bounded, best+bound(g, n.best[g.Name])
	}
	if !n.out.vouched {
		n.floors = append(n.floors, n.p.d.Default)
		n.out.reasons = append(n.out.reasons, fmt.Sprintf("default 0 %s default", n.p.d.Default))
	}
	if !n.couldVouch {
		n.perhaps = append(n.perhaps, n.p.d.Default)
	}
	n.out.score, n.out.floor = score, highest(n.floors)
	n.out.level, n.out.best = highest([]string{n.levelOf(score), n.out.floor}), highest([]string{n.levelOf(best), highest(n.perhaps)})
	for key, rules := range n.unknown {
		n.out.open = n.out.open || strings.HasSuffix(key, "false")
		n.out.unknowns = append(n.out.unknowns, fmt.Sprintf("%s %v", key, rules))
	}
	slices.Sort(n.out.unknowns)
	n.out.open = n.out.open || len(n.out.faults) > 0
	return n.out
}

func bound(g risk.Group, sum int) int {
	if g.Cap != nil && sum > *g.Cap {
		return *g.Cap
	}
	if g.Min != nil && sum < *g.Min {
		return *g.Min
	}
	return sum
}

func (n *naiveAccount) levelOf(score int) string {
	out := "low"
	for _, l := range n.p.d.Levels {
		if score >= l.From {
			out = l.Name
		}
	}
	return out
}

func highest(levels []string) string {
	for _, l := range []string{"high", "medium", "low"} {
		if slices.Contains(levels, l) {
			return l
		}
	}
	return "unassessed"
}

// asked lists the facts whose value a condition looks at, not those whose
// presence it asks for.
func (c *cond) asked() []string {
	var out []string
	for _, a := range c.args {
		out = append(out, a.asked()...)
	}
	if len(c.args) == 0 && c.op != "known" {
		return c.reads()
	}
	return out
}

// differential is how many pairs of a rule set and a change are compared;
// CHANGELANE_DIFFERENTIAL raises it.
func differential(t *testing.T) int {
	pairs := 30_000
	if testing.Short() {
		pairs = 3_000
	}
	if text := os.Getenv("CHANGELANE_DIFFERENTIAL"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("CHANGELANE_DIFFERENTIAL: %v", err)
		}
		pairs = n
	}
	return pairs
}

// TestDifferential holds the rule set against the oracle. The counts that it
// checks at the end show that the generator reaches what it is meant to reach.
func TestDifferential(t *testing.T) {
	const changes = 25
	w, seen := newWorld(t), map[string]int{}
	pairs := differential(t)
	for i := range (pairs + changes - 1) / changes {
		r := newRandom(uint64(i))
		p := r.policy(t, 1+r.IntN(10), true)
		for range changes {
			c, s := r.change(), r.situation(w)
			got, want := summaryOf(p.rules.Assess(p.rules.Vocabulary().Facts(c, s))), p.assess(p.facts(c, s))
			if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
				t.Fatalf("seed %d\n got %s\nwant %s\nrules %+v\napplies %+v\nchange %+v", i, g, w, p.d, p.applies, *c)
			}
			seen["level "+got.level]++
			seen["best "+got.best]++
			seen[fmt.Sprint("vouched ", got.vouched)]++
			seen[fmt.Sprint("open ", got.open)]++
			for _, line := range got.reasons {
				for _, basis := range []string{"held", "unknown", "fault", "bound", "default"} {
					if strings.HasSuffix(line, basis) {
						seen[basis]++
					}
				}
			}
			if len(got.unknowns) > 0 && strings.Contains(strings.Join(got.unknowns, " "), " true ") {
				seen["only stated"]++
			}
		}
	}
	for _, what := range []string{"level low", "level medium", "level high", "best low", "best high", "vouched true", "vouched false",
		"open true", "open false", "held", "unknown", "fault", "bound", "default", "only stated"} {
		if seen[what]*100 < pairs {
			t.Errorf("%s: met %d times in %d pairs; expected one in a hundred at least", what, seen[what], pairs)
		}
	}
	t.Logf("%d pairs: %v", pairs, seen)
}
