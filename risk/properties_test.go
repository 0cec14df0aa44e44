package risk_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// notLower says in what way one assessment lowers scrutiny against another;
// "" when it does not.
func notLower(before, after risk.Assessment) string {
	switch {
	case after.Level.Rank() < before.Level.Rank():
		return "the level is lower"
	case after.Score < before.Score:
		return "the score is lower"
	case after.Floor.Rank() < before.Floor.Rank():
		return "the floor is lower"
	case after.Best.Rank() > before.Best.Rank():
		return "what could be good at best is worse, so that levels in between are not asked for"
	case after.Vouched && !before.Vouched:
		return "it is vouched for"
	case before.Open() && !after.Open():
		return "it is settled"
	}
	return ""
}

// TestINV1FailClosed: whatever is not there, the answer is not low.
func TestINV1FailClosed(t *testing.T) {
	p := newRandom(1).policy(t, 3, false)
	other := newRandom(2).policy(t, 3, false)
	var none *risk.RuleSet
	for what, a := range map[string]risk.Assessment{
		"the zero assessment":             {},
		"no rule set":                     none.Assess(risk.Facts{}),
		"the zero rule set":               new(risk.RuleSet).Assess(risk.Facts{}),
		"the zero facts":                  p.rules.Assess(risk.Facts{}),
		"facts of another vocabulary":     p.rules.Assess(other.rules.Vocabulary().Facts(&change.Change{}, risk.Situation{})),
		"facts without one of no fact":    p.rules.Assess(risk.Facts{}.Without("change.kind")),
		"a change of which nothing known": p.rules.Assess(p.rules.Vocabulary().Facts(&change.Change{}, risk.Situation{})),
	} {
		low, _ := p.rules.Level("low")
		if a.Level.AtMost(low) {
			t.Errorf("%s: the level is %s", what, a.Level)
		}
		if !a.Open() && what != "a change of which nothing known" {
			t.Errorf("%s: nothing is left open", what)
		}
	}
	if _, err := risk.New(p.rules.Vocabulary(), risk.Definition{Levels: p.d.Levels, Default: "high"}); err == nil {
		t.Error("an empty rule set was made")
	}
}

// The conditions that fail whenever the service is known; "for" may read them.
var failing = []string{
	"(len(service.name) + 9) * 999999999999999999 > 0",
	"1 / (len(service.name) - len(service.name)) > 0",
}

func (r random) failed(source string) string {
	fault := pick(r, failing...)
	return pick(r, "("+source+") and "+fault, fault+" and ("+source+")", "("+source+") or "+fault, fault)
}

// withFaults is the policy with faults in some of its rules.
func (r random) withFaults(t *testing.T, p policy) *risk.RuleSet {
	d := p.d
	d.Rules = slices.Clone(d.Rules)
	for i := range d.Rules {
		one := &d.Rules[i]
		if one.When != "" && r.chance(40) {
			one.When = r.failed(one.When)
		}
		if one.For != "" && r.chance(30) {
			one.For = "(" + one.For + ") and " + pick(r, failing...)
		}
	}
	rules, err := risk.New(p.rules.Vocabulary(), d)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// TestINV2FaultMonotone: faults in any subset of the rules never lower.
func TestINV2FaultMonotone(t *testing.T) {
	w, faulty := newWorld(t), 0
	for i := range 300 {
		r := newRandom(uint64(1000 + i))
		p := r.policy(t, 1+r.IntN(8), true)
		broken := r.withFaults(t, p)
		for range 10 {
			f := p.rules.Vocabulary().Facts(r.change(), r.situation(w))
			if name, _ := f.Get("service.name"); name.State != risk.Present {
				continue // nothing would fail
			}
			before, after := p.rules.Assess(f), broken.Assess(f)
			if len(after.Faults) > len(before.Faults) {
				faulty++
			}
			if how := notLower(before, after); how != "" {
				t.Fatalf("seed %d: with faults %s\nbefore %+v\nafter %+v\nrules %+v", i, how, before, after, broken.Rules())
			}
		}
	}
	if faulty < 500 {
		t.Errorf("only %d of 3000 assessments met a fault more", faulty)
	}
}

// TestINV2UnreadableFact: a fact that cannot be read never lowers against the
// same fact with any value.
func TestINV2UnreadableFact(t *testing.T) {
	w := newWorld(t)
	for i := range 500 {
		r := newRandom(uint64(2000 + i))
		p := r.policy(t, 1+r.IntN(8), true)
		c, s := r.change(), r.situation(w)
		before := p.rules.Assess(p.rules.Vocabulary().Facts(c, s))
		for name := range c.Attributes {
			c.Attributes[name] = struct{}{}
		}
		odd := math.NaN()
		if c.History != nil && c.History.TeamFailureRate != nil {
			c.History.TeamFailureRate = &odd
		}
		if how := notLower(before, p.rules.Assess(p.rules.Vocabulary().Facts(c, s))); how != "" {
			t.Fatalf("seed %d: with unreadable facts %s\n%+v", i, how, p.d)
		}
	}
}

// TestINV3MissingMonotone: taking any facts away, one after the other, never
// lowers. Only known() may ask for absence, so these rules do not.
func TestINV3MissingMonotone(t *testing.T) {
	w, opened, raised := newWorld(t), 0, 0
	for i := range 400 {
		r := newRandom(uint64(3000 + i))
		p := r.policy(t, 1+r.IntN(8), false)
		names := p.rules.Vocabulary().Describe()
		for range 5 {
			f := p.rules.Vocabulary().Facts(r.change(), r.situation(w))
			before := p.rules.Assess(f)
			for range 12 {
				name := pick(r, names...).Name
				f = f.Without(name)
				after := p.rules.Assess(f)
				if how := notLower(before, after); how != "" {
					t.Fatalf("seed %d: without %s %s\nbefore %+v\nafter %+v\nrules %+v", i, name, how, before, after, p.d)
				}
				if !before.Open() && after.Open() {
					opened++
				}
				if before.Level != after.Level {
					raised++
				}
				before = after
			}
		}
	}
	if opened < 100 || raised < 50 {
		t.Errorf("taking facts away opened %d assessments and raised %d; expected more", opened, raised)
	}
}

// TestINV3MissingParts takes away parts of the change itself, as a requester
// would, and facts of the service that the policy forgot.
func TestINV3MissingParts(t *testing.T) {
	w := newWorld(t)
	for i := range 800 {
		r := newRandom(uint64(4000 + i))
		p := r.policy(t, 1+r.IntN(8), false)
		if slices.ContainsFunc(p.d.Rules, func(one risk.Rule) bool { return strings.Contains(one.When+one.For, "change.backout") }) {
			continue // to have no way back is known, not missing
		}
		c, s := r.change(), r.situation(w)
		before := p.rules.Assess(p.rules.Vocabulary().Facts(c, s))
		r.drop(c, &s)
		if how := notLower(before, p.rules.Assess(p.rules.Vocabulary().Facts(c, s))); how != "" {
			t.Fatalf("seed %d: with parts missing %s\nrules %+v\nchange %+v", i, how, p.d, *c)
		}
	}
}

// drop takes one part away. A window is asked for rather than known: without
// one the change is for now.
func (r random) drop(c *change.Change, s *risk.Situation) {
	service := change.Service{}
	if s.Service != nil {
		service = *s.Service
	}
	switch r.IntN(16) {
	case 0:
		c.Title, c.Reason = "", ""
	case 1:
		c.Requester.Team, c.Requester.Kind = "", 0
	case 2:
		c.Contributors = nil
	case 3:
		c.Targets = nil
	case 4:
		for i := range c.Targets {
			c.Targets[i].Environment = ""
		}
	case 5:
		for i := range c.Targets {
			c.Targets[i].Region = ""
		}
	case 6:
		c.Artifacts, c.Evidence = nil, nil
	case 7:
		c.Size = nil
	case 8:
		for i := range c.Files {
			c.Files[i].Added = nil
		}
		c.Size = nil
	case 9:
		c.Attested = nil
	case 10:
		c.Plan, c.Validation = nil, nil
	case 11:
		for i := range c.Plan {
			c.Plan[i].Automated = nil
		}
	case 12:
		c.Downtime, c.Links, c.History = nil, nil, nil
	case 13:
		c.Attributes = nil
	case 14:
		service.Kind, service.Stage, service.Tier, service.Exposure = 0, 0, 0, 0
		s.Service = &service
	default:
		service.Team, service.Coupling, service.Supplier, service.AutomatedDeployment, service.Availability = "", 0, "", nil, 0
		s.Service, s.Zone, s.Working = &service, nil, nil
	}
}

// TestINV4Order: the order of rules does not matter, nor does a floor or a
// voucher that stands there twice. Points add up, so they may not.
func TestINV4Order(t *testing.T) {
	w := newWorld(t)
	for i := range 300 {
		r := newRandom(uint64(5000 + i))
		p := r.policy(t, 2+r.IntN(8), true)
		d := p.d
		d.Rules = slices.Clone(d.Rules)
		for j, one := range p.d.Rules {
			if one.Points == 0 && one.Bands == "" {
				one.ID = fmt.Sprintf("again%d", j)
				d.Rules = append(d.Rules, one)
			}
		}
		r.Shuffle(len(d.Rules), func(a, b int) { d.Rules[a], d.Rules[b] = d.Rules[b], d.Rules[a] })
		shuffled, err := risk.New(p.rules.Vocabulary(), d)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			f := p.rules.Vocabulary().Facts(r.change(), r.situation(w))
			a, b := summaryOf(p.rules.Assess(f)), summaryOf(shuffled.Assess(f))
			a.reasons, a.unknowns, a.faults, b.reasons, b.unknowns, b.faults = nil, nil, nil, nil, nil, nil
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Fatalf("seed %d: in another order %+v, expected %+v\n%+v", i, b, a, d)
			}
		}
	}
}

// TestINV5Deterministic: the same facts give the same account, to the letter.
func TestINV5Deterministic(t *testing.T) {
	w, before := newWorld(t), runtime.NumGoroutine()
	r := newRandom(6000)
	p := r.policy(t, 30, true)
	c, s := r.change(), r.situation(w)
	want := fmt.Sprintf("%+v", p.rules.Assess(p.rules.Vocabulary().Facts(c, s)))
	for range 1000 {
		if got := fmt.Sprintf("%+v", p.rules.Assess(p.rules.Vocabulary().Facts(c, s))); got != want {
			t.Fatalf("got %s\nthen %s", want, got)
		}
	}
	if after := runtime.NumGoroutine(); after != before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// TestReasonsAddUp: the points of the reasons are the score, with groups.
func TestReasonsAddUp(t *testing.T) {
	w, bounded := newWorld(t), 0
	for i := range 400 {
		r := newRandom(uint64(7000 + i))
		p := r.policy(t, 1+r.IntN(15), true)
		for range 5 {
			a := p.rules.Assess(p.rules.Vocabulary().Facts(r.change(), r.situation(w)))
			sum, last := 0, -1
			for _, one := range a.Reasons {
				sum += one.Points
				at := slices.IndexFunc(p.d.Rules, func(d risk.Rule) bool { return d.ID == one.Rule })
				if at >= 0 && at <= last {
					t.Fatalf("seed %d: reasons are not in file order", i)
				}
				last = max(last, at)
				if one.Basis == risk.Bounded {
					bounded++
				}
			}
			if sum != a.Score {
				t.Fatalf("seed %d: the reasons come to %d, the score is %d\n%+v", i, sum, a.Score, a.Reasons)
			}
		}
	}
	if bounded < 100 {
		t.Errorf("groups bounded only %d sums", bounded)
	}
}
