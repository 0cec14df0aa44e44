package approval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestINV1FailClosed: what cannot be read, or has no policy, is never
// standard, says why, and needs what the policy asks for by default.
func TestINV1FailClosed(t *testing.T) {
	p := made(t, base(t))
	ok, now := decoded(t, nil), approval.Inputs{At: monday}
	unreadable := *ok
	unreadable.Attributes = map[string]any{"x": func() {}}
	var none *approval.Policy
	for what, got := range map[string]approval.Classification{
		"the zero classification": {Err: errors.New("it is zero")},
		"no policy":               none.Classify(ok, now),
		"the zero policy":         new(approval.Policy).Classify(ok, now),
		"no change":               p.Classify(nil, now),
		"no time":                 p.Classify(ok, approval.Inputs{}),
		"the zero change":         p.Classify(&change.Change{}, now),
		"an odd attribute":        p.Classify(&unreadable, now),
		"input that was refused":  p.Unclassified("CHG-1", monday, errors.New("not JSON")),
	} {
		if got.Type != change.Unclassified || got.Err == nil {
			t.Errorf("%s: %s, %v", what, got.Type, got.Err)
		}
		if strings.Contains(what, "policy") || strings.Contains(what, "zero classification") {
			if got.Requirement != nil && (approval.All{approval.Seat{Group: "x", Quorum: 1}}).AtLeast(got.Requirement) {
				t.Errorf("%s: any yes is enough for %#v", what, got.Requirement)
			}
			continue
		}
		if got.Requirement == nil || got.Requirement.String() != "3 of cab" {
			t.Errorf("%s: it needs %v", what, got.Requirement)
		}
		if line, err := json.Marshal(got); err != nil || !bytes.Contains(line, []byte(`"type":"unclassified"`)) || !bytes.Contains(line, []byte(`"error":`)) {
			t.Errorf("%s: the line is %s, %v", what, line, err)
		}
	}
}

// TestINV1UnknownService: a service that the policy does not name.
func TestINV1UnknownService(t *testing.T) {
	got := made(t, base(t)).Classify(decoded(t, map[string]any{"service": "paymnts-api"}), approval.Inputs{At: monday})
	if got.Type != change.Normal || !got.Requirement.AtLeast(approval.Seat{Group: "cab", Quorum: 3}) || len(got.Faults) == 0 {
		t.Errorf("%s needs %v, faults %v", got.Type, got.Requirement, got.Faults)
	}
}

// The conditions that fail whatever the service is.
var failing = []string{`(len(service.name) + 9) * 999999999999999999 > 0`, `1 / (len(service.name) - len(service.name)) > 0`}

// faulty puts a fault into a condition, some of the time.
func (r random) faulty(when string) string {
	if when == "" || r.chance(60) {
		return when
	}
	fault := oneOf(r, failing...)
	return oneOf(r, "("+when+") and "+fault, "("+when+") or "+fault, fault)
}

// withFaults is the definition with faults in any of its conditions.
func (r random) withFaults(d approval.Definition) approval.Definition {
	d.Risk.Rules, d.Templates, d.Forbid = slices.Clone(d.Risk.Rules), slices.Clone(d.Templates), slices.Clone(d.Forbid)
	d.Authority.Rules, d.Calendar.Freezes = slices.Clone(d.Authority.Rules), slices.Clone(d.Calendar.Freezes)
	for i := range d.Risk.Rules {
		d.Risk.Rules[i].When = r.faulty(d.Risk.Rules[i].When) // a "for" that fails does not load
	}
	for i := range d.Templates {
		d.Templates[i].Covers, d.Templates[i].Except = r.faulty(d.Templates[i].Covers), r.faulty(d.Templates[i].Except)
	}
	for i := range d.Forbid {
		d.Forbid[i].When = r.faulty(d.Forbid[i].When)
	}
	for i := range d.Authority.Rules {
		one := &d.Authority.Rules[i]
		one.When, one.Needs = r.faulty(one.When), slices.Clone(one.Needs)
		if each := &one.Needs[0].Each; *each != "" && r.chance(40) {
			*each = "(" + *each + ") and 1 / (carried.tier - carried.tier) > 0"
		}
	}
	for i := range d.Calendar.Freezes {
		d.Calendar.Freezes[i].For = r.faulty(d.Calendar.Freezes[i].For)
	}
	return d
}

// TestINV2FaultMonotone: faults in any subset of rules, templates, what is
// forbidden, authority and freezes never lower what is needed.
func TestINV2FaultMonotone(t *testing.T) {
	met := map[string]int{}
	for i := range 80 {
		r := newRandom(uint64(i))
		d := r.policy(t)
		p, broken := made(t, d), made(t, r.withFaults(d))
		for range 8 {
			c, err := decodeTree(r.tree(t))
			if err != nil {
				t.Fatal(err)
			}
			before, after := p.Classify(c, approval.Inputs{At: monday}), broken.Classify(c, approval.Inputs{At: monday})
			met[before.Type.String()+" to "+after.Type.String()]++
			if how := lowered(before, after); how != "" {
				t.Fatalf("seed %d: with faults %s\nbefore:\n%s\nafter:\n%s", i, how, before.Explain(), after.Explain())
			}
		}
	}
	if met["standard to normal"] < 5 || met["normal to normal"] < 80 || met["emergency to emergency"] < 15 {
		t.Errorf("the policies are too much alike: %v", met)
	}
}

// requests are members that ask for something and are no facts: without a
// window the change is for now, without a claim it is not claimed.
var requests = []string{"emergency", "claim", "window", "backout"}

// without lists the change with each optional member taken away, at any depth.
func without(tree any, found func()) {
	switch node := tree.(type) {
	case map[string]any:
		names := make([]string, 0, len(node))
		for name := range node {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if slices.Contains(requests, name) {
				continue
			}
			value := node[name]
			delete(node, name)
			found()
			node[name] = value
			without(value, found)
		}
	case []any:
		for _, item := range node {
			without(item, found)
		}
	}
}

// TestINV3MissingMonotone: taking away any member of the change that may be
// left out never lowers what is needed.
func TestINV3MissingMonotone(t *testing.T) {
	met := map[string]int{}
	for i := range 30 {
		r := newRandom(uint64(1000 + i))
		p := made(t, r.policy(t))
		tree := r.tree(t)
		c, err := decodeTree(tree)
		if err != nil {
			t.Fatal(err)
		}
		before := p.Classify(c, approval.Inputs{At: monday})
		without(tree, func() {
			less, err := decodeTree(tree)
			if err != nil {
				return // refused is stricter than anything
			}
			after := p.Classify(less, approval.Inputs{At: monday})
			met[before.Type.String()+" to "+after.Type.String()]++
			if how := lowered(before, after); how != "" {
				data, _ := json.Marshal(tree)
				t.Fatalf("seed %d: %s with less: %s\nbefore:\n%s\nafter:\n%s", i, how, data, before.Explain(), after.Explain())
			}
		})
	}
	if met["standard to normal"] < 10 || met["normal to normal"] < 250 || met["emergency to emergency"] < 20 {
		t.Errorf("the policies are too much alike: %v", met)
	}
}

// TestINV4DefaultDeny: without a template nothing is standard, one forbid
// beats any templates, and neither order nor repetition matters.
func TestINV4DefaultDeny(t *testing.T) {
	standard := 0
	for i := range 60 {
		r := newRandom(uint64(2000 + i))
		d := r.policy(t)
		bare, forbidding := d, d
		bare.Templates = nil
		forbidding.Forbid = append(slices.Clone(d.Forbid), approval.Forbid{ID: "all", Because: "never", When: `change.kind in ["code", "config"]`})
		all := []*approval.Policy{made(t, d), made(t, bare), made(t, forbidding), made(t, r.shuffled(d))}
		for range 6 {
			c, err := decodeTree(r.tree(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []approval.Classification
			for _, p := range all {
				got = append(got, p.Classify(c, approval.Inputs{At: monday}))
			}
			if got[0].Type == change.Standard {
				standard++
			}
			if got[1].Type == change.Standard || got[2].Type == change.Standard {
				t.Fatalf("seed %d: standard without a template (%s), or although forbidden (%s)", i, got[1].Type, got[2].Type)
			}
			a, b := outcome(got[0]), outcome(got[3])
			if a != b {
				t.Fatalf("seed %d: in another order and with repeats %s, expected %s\n%s\n%s", i, b, a, got[0].Explain(), got[3].Explain())
			}
		}
	}
	if standard < 20 {
		t.Errorf("only %d changes were standard", standard)
	}
}

// TestReasonsAddUp: what a classification shows comes to its score exactly, each
// rule where the file has it, with what a group takes away or adds as a line of
// its own; and a cap is never passed.
func TestReasonsAddUp(t *testing.T) {
	met := map[string]int{}
	for i := range 150 {
		r := newRandom(uint64(5000 + i))
		d := r.policy(t)
		p := made(t, d)
		for range 5 {
			c, err := decodeTree(r.tree(t))
			if err != nil {
				t.Fatal(err)
			}
			a := p.Classify(c, approval.Inputs{At: monday}).Assessment
			sum, last, inGroup := 0, -1, map[string]int{}
			for _, reason := range a.Reasons {
				sum += reason.Points
				met[reason.Basis.String()]++
				at := slices.IndexFunc(d.Risk.Rules, func(one risk.Rule) bool { return one.ID == reason.Rule })
				if at >= 0 {
					if at <= last {
						t.Fatalf("seed %d: %s stands behind a rule that follows it", i, reason.Rule)
					}
					last = at
					inGroup[d.Risk.Rules[at].Group] += reason.Points
				} else if reason.Basis == risk.Bounded {
					inGroup[strings.TrimPrefix(reason.Rule, "group ")] += reason.Points
				}
			}
			if sum != a.Score {
				t.Fatalf("seed %d: the reasons come to %d and the score is %d: %+v", i, sum, a.Score, a.Reasons)
			}
			for _, g := range d.Risk.Groups {
				if g.Cap != nil && inGroup[g.Name] > *g.Cap || g.Min != nil && inGroup[g.Name] < *g.Min {
					t.Fatalf("seed %d: the group %s comes to %d: %+v", i, g.Name, inGroup[g.Name], a.Reasons)
				}
			}
		}
	}
	for _, basis := range []risk.Basis{risk.Held, risk.Bounded, risk.ByDefault} {
		if met[basis.String()] < 30 {
			t.Errorf("%s: met %d times only (%v)", basis, met[basis.String()], met)
		}
	}
}

// outcome is what must not depend on order; a template and its repeat are two.
func outcome(c approval.Classification) string {
	needs := c.Requirement.String()
	if c.Type == change.Standard {
		needs = ""
	}
	return fmt.Sprintf("%s %s %d low-risk %t regular %t needs %s", c.Type, c.Assessment.Level, c.Assessment.Score, c.LowRisk, c.Regular, needs)
}

// shuffled is the definition in another order, with repeats of all but rules
// that carry points, which add up.
func (r random) shuffled(d approval.Definition) approval.Definition {
	repeat := func(id string) string { return id + "-again" }
	rules, templates := slices.Clone(d.Risk.Rules), slices.Clone(d.Templates)
	forbid, authority := slices.Clone(d.Forbid), append(slices.Clone(d.Authority.Rules), d.Authority.Rules...)
	for _, one := range d.Risk.Rules {
		if one.ID = repeat(one.ID); one.Points == 0 && one.Bands == "" {
			rules = append(rules, one)
		}
	}
	for _, one := range d.Templates {
		one.ID = repeat(one.ID)
		templates = append(templates, one)
	}
	for _, one := range d.Forbid {
		one.ID = repeat(one.ID)
		forbid = append(forbid, one)
	}
	r.Shuffle(len(rules), func(i, j int) { rules[i], rules[j] = rules[j], rules[i] })
	r.Shuffle(len(templates), func(i, j int) { templates[i], templates[j] = templates[j], templates[i] })
	r.Shuffle(len(forbid), func(i, j int) { forbid[i], forbid[j] = forbid[j], forbid[i] })
	r.Shuffle(len(authority), func(i, j int) { authority[i], authority[j] = authority[j], authority[i] })
	d.Risk.Rules, d.Templates, d.Forbid, d.Authority.Rules = rules, templates, forbid, authority
	return d
}

// lines are the output lines of some classifications.
func lines(t *testing.T) []byte {
	var out bytes.Buffer
	for i := range 20 {
		r := newRandom(uint64(3000 + i))
		p := made(t, r.policy(t))
		for range 5 {
			c, err := decodeTree(r.tree(t))
			if err != nil {
				t.Fatal(err)
			}
			line, err := json.Marshal(p.Classify(c, approval.Inputs{At: monday}))
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(line, '\n'))
		}
	}
	return out.Bytes()
}

// TestINV5Deterministic: the same inputs give the same bytes, over 1,000 runs,
// and in processes with other zones and other numbers of processors.
func TestINV5Deterministic(t *testing.T) {
	if to := os.Getenv("CHANGELANE_LINES"); to != "" { // one of the processes below
		if err := os.WriteFile(to, lines(t), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	p, c, before := made(t, newRandom(7).policy(t)), decoded(t, nil), runtime.NumGoroutine()
	first, err := json.Marshal(p.Classify(c, approval.Inputs{At: monday}))
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		again, err := json.Marshal(p.Classify(c, approval.Inputs{At: monday}))
		if err != nil || !bytes.Equal(again, first) {
			t.Fatalf("%s, then %s (%v)", first, again, err)
		}
	}
	if after := runtime.NumGoroutine(); after != before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
	if testing.Short() {
		return
	}
	want := lines(t)
	for _, zone := range []string{"UTC", "America/New_York", "Asia/Kathmandu"} {
		for _, processors := range []string{"1", "2"} {
			to := t.TempDir() + "/lines"
			cmd := exec.Command(os.Args[0], "-test.run=^TestINV5Deterministic$")
			cmd.Env = append(os.Environ(), "TZ="+zone, "GOMAXPROCS="+processors, "CHANGELANE_LINES="+to)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got, err := os.ReadFile(to)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("in %s on %s processors the lines are others (%v)", zone, processors, err)
			}
		}
	}
}

// TestINV6Replay: the canonical change, decoded anew, and the same time in
// another zone give the same bytes.
func TestINV6Replay(t *testing.T) {
	for i := range 40 {
		r := newRandom(uint64(4000 + i))
		d := r.policy(t)
		c, err := decodeTree(r.tree(t))
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := c.Canonical()
		if err != nil {
			t.Fatal(err)
		}
		again, err := change.Decode(canonical, &change.DecodeOptions{Attested: true})
		if err != nil {
			t.Fatal(err)
		}
		before, _ := json.Marshal(made(t, d).Classify(c, approval.Inputs{At: monday}))
		after, _ := json.Marshal(made(t, d).Classify(again, approval.Inputs{At: monday.In(time.FixedZone("", -3600))}))
		if !bytes.Equal(before, after) {
			t.Fatalf("seed %d:\n%s\n%s", i, before, after)
		}
	}
}
