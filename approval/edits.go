package approval

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// item is one thing that a requester can do to a change, in one or more ways.
type item struct {
	kind  EditKind
	fact  string
	from  any
	data  string   // what somebody would vouch for; "" where nobody can
	facts []string // that it changes
	ways  []option // the kindest first
}

// option is one value that an item can give.
type option struct {
	to    any
	vouch bool // somebody else comes to vouch for it
	apply func(c *change.Change, in *Inputs)
}

// editing finds what can be done to a change.
type editing struct {
	p        *Policy
	c        *change.Change
	in       Inputs
	facts    risk.Facts
	k        *classifying
	info     map[string]risk.FactInfo
	asked    []risk.Boundary // the facts that the policy asks for, with the values at which it turns
	observed []string        // those that a rule wants observed
	items    []item
}

// policyConditions are the conditions that decide whether a change is standard, and
// the facts that rules want observed.
func (p *Policy) policyConditions() (conditions, observed []string, err error) {
	for _, r := range p.rules.Rules() {
		if r.Bands != "" {
			conditions = append(conditions, p.cuts(r)...)
			continue
		}
		conditions = append(conditions, r.When)
		if r.Observed {
			c, err := p.rules.Vocabulary().Condition(r.When)
			if err != nil {
				return nil, nil, err
			}
			observed = append(observed, c.Reads()...)
		}
	}
	for _, t := range p.templates {
		if conditions = append(conditions, t.Covers); t.Except != "" {
			conditions = append(conditions, t.Except)
		}
	}
	for _, f := range p.forbid {
		conditions = append(conditions, f.When)
	}
	return conditions, observed, nil
}

// cuts are the conditions that the cuts of a band stand for, without those that
// are always true or false of the fact; the first says that it is looked at.
func (p *Policy) cuts(r risk.Rule) []string {
	out := []string{"known(" + r.Bands + ")"}
	for _, c := range r.Cuts {
		text := fmt.Sprintf("%s >= %s", r.Bands, strconv.FormatFloat(c.From, 'f', -1, 64))
		if _, err := p.rules.Vocabulary().Condition(text); err == nil {
			out = append(out, text)
		}
	}
	return out
}

// find lists the items, in the order of the facts.
func (e *editing) find(horizon time.Duration) {
	done := map[string]bool{}
	for _, b := range e.asked {
		f, _ := e.facts.Get(b.Fact)
		data := e.info[b.Fact].From
		if data == "" || f.State == risk.NotApplicable || f.State == risk.Unreadable {
			continue
		}
		if whole := wholes[data]; whole == nil {
			e.single(b, f)
		} else if !done[data] {
			whole(e)
			done[data] = true
		}
	}
	e.attest()
	e.claim()
	if e.c.Emergency != nil && !e.c.Observed("emergency") {
		e.add(item{kind: EditWithdraw, fact: "change.emergency", from: e.c.Emergency.ID, facts: []string{"change.emergency"},
			ways: []option{{apply: func(c *change.Change, _ *Inputs) { c.Emergency = nil }}}})
	}
	if e.k.service != nil && e.k.service.zone != nil && !e.c.Observed("window") {
		e.schedule(horizon)
	}
}

// wholes are the data that several facts come from, which are edited as one.
var wholes = map[string]func(*editing){
	"files": (*editing).files, "targets": (*editing).targets, "plan": (*editing).plan, "links": (*editing).links,
	"contributors": (*editing).contributors, "validation": (*editing).validation, "backout": (*editing).backout,
	"window": func(*editing) {}, "emergency": func(*editing) {}, "kind": func(*editing) {},
}

func (e *editing) add(i item) {
	if len(i.ways) > 0 {
		e.items = append(e.items, i)
	}
}

func (e *editing) boundary(fact string) (risk.Boundary, bool) {
	i := slices.IndexFunc(e.asked, func(b risk.Boundary) bool { return b.Fact == fact })
	if i < 0 {
		return risk.Boundary{Fact: fact}, false
	}
	return e.asked[i], true
}

// counts are the whole numbers at which conditions turn for a fact, from least
// up to most.
func (e *editing) counts(fact string, least, most int) (out []int) {
	b, _ := e.boundary(fact)
	for _, v := range b.Values {
		if n, ok := v.(int64); ok && n >= int64(least) && n <= int64(most) {
			out = append(out, int(n))
		}
	}
	return out
}

// lists are the lists at which conditions turn for a fact, without the empty one.
func (e *editing) lists(fact string) (out [][]string) {
	b, _ := e.boundary(fact)
	for _, v := range b.Values {
		if list, ok := v.([]string); ok && len(list) > 0 {
			out = append(out, list)
		}
	}
	return out
}

// asks reports whether the policy asks for one of the facts, and none of them is
// known.
func (e *editing) asks(facts ...string) bool {
	return slices.ContainsFunc(facts, func(name string) bool {
		f, _ := e.facts.Get(name)
		_, asked := e.boundary(name)
		return asked && f.State == risk.Unknown
	})
}

// offer adds an item with its ways, and where a rule wants one of its facts
// observed, the same ways with somebody who vouches for them.
func (e *editing) offer(i item, ways []option) {
	i.ways = ways
	wanted := slices.ContainsFunc(i.facts, func(f string) bool { return slices.Contains(e.observed, f) })
	if i.data != "" && wanted && !e.c.Observed(i.data) {
		for _, w := range ways {
			w.vouch = true
			i.ways = append(i.ways, w)
		}
	}
	e.add(i)
}

// attestable is the name of the data if somebody can vouch for them.
func attestable(data string) string {
	group, member, _ := strings.Cut(data, ".")
	if slices.Contains(change.Attestable(), data) || member != "" && slices.Contains(change.Attestable(), group) {
		return data
	}
	return ""
}

// single edits a fact that nothing else hangs on: it is supplied where it is
// missing, and a check that has not passed is run.
func (e *editing) single(b risk.Boundary, f risk.Fact) {
	data, v := e.info[b.Fact].From, e.p.rules.Vocabulary()
	if name, ok := strings.CutPrefix(b.Fact, "evidence."); ok {
		e.check(name, f)
		return
	}
	if f.State != risk.Unknown {
		return
	}
	var ways []option
	for _, value := range b.Values {
		ways = append(ways, option{to: value, apply: func(c *change.Change, _ *Inputs) { v.Write(c, b.Fact, value) }})
	}
	e.offer(item{kind: EditSupply, fact: b.Fact, data: attestable(data), facts: []string{b.Fact}}, ways)
}

// check runs a check. A result that takes the place of another is never the
// requester's word alone.
func (e *editing) check(name string, f risk.Fact) {
	if f.State == risk.Present && f.Value() == change.Passed.String() {
		return
	}
	i := item{kind: EditCheck, fact: "evidence." + name, from: f.Value(), data: "evidence." + name, facts: []string{"evidence." + name}}
	by := e.voucher()
	pass := option{to: change.Passed.String(), apply: func(c *change.Change, _ *Inputs) {
		c.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(e change.Evidence) bool { return e.Name == name })
		c.Evidence = append(c.Evidence, change.Evidence{Name: name, Result: change.Passed, By: by})
	}}
	if f.State == risk.Unknown {
		e.offer(i, []option{pass})
		return
	}
	pass.vouch = true
	i.ways = []option{pass}
	e.add(i)
}

// voucher is who vouches: somebody who does so already, and not the requester.
func (e *editing) voucher() string {
	for _, a := range e.c.Attested {
		if a.By != e.c.Requester.ID {
			return a.By
		}
	}
	return "the-pipeline"
}

// attest has somebody vouch for what is stated and what a rule wants observed.
func (e *editing) attest() {
	var seen []string
	for _, b := range e.asked {
		f, _ := e.facts.Get(b.Fact)
		if f.State != risk.Present || f.Provenance != risk.Stated || !slices.Contains(e.observed, b.Fact) {
			continue
		}
		data := attestable(e.source(b.Fact))
		if data == "" || slices.Contains(seen, data) {
			continue
		}
		seen = append(seen, data)
		var facts []string
		for _, other := range e.asked {
			if e.source(other.Fact) == data {
				facts = append(facts, other.Fact)
			}
		}
		e.add(item{kind: EditAttest, fact: b.Fact, from: f.Value(), data: data, facts: facts,
			ways: []option{{to: f.Value(), vouch: true, apply: func(*change.Change, *Inputs) {}}}})
	}
}

// source names the data that a fact comes from in this change.
func (e *editing) source(fact string) string {
	data := e.info[fact].From
	if data != "files" {
		return data
	}
	_, _, counted := e.c.Lines()
	if e.c.Files == nil || strings.HasPrefix(fact, "change.lines_") && !counted {
		return "size"
	}
	return data
}

// claim has somebody on call claim the change, and lets the requester take back
// a claim of their own that it is a normal one.
func (e *editing) claim() {
	now := e.c.Claim
	i := item{kind: EditClaim, fact: "claim"}
	if now != nil {
		i.from = *now
	}
	if now != nil && now.Type != change.Standard {
		if now.By != e.c.Requester.ID {
			return // somebody else asks for more scrutiny
		}
		i.ways = append(i.ways, option{apply: func(c *change.Change, _ *Inputs) { c.Claim = nil }})
	}
	to := change.Claim{Type: change.Standard, By: e.claimant()}
	if now == nil || *now != to {
		i.ways = append(i.ways, option{to: to, apply: func(c *change.Change, in *Inputs) {
			c.Claim = &to
			if in.OnCall != nil {
				in.OnCall = map[string]bool{to.By: true}
			}
		}})
	}
	e.add(i)
}

// claimant is somebody on call: whoever claims it already, if they are.
func (e *editing) claimant() string {
	if now := e.c.Claim; now != nil && now.Type == change.Standard && (e.in.OnCall == nil || e.in.OnCall[now.By]) {
		return now.By
	}
	best := ""
	for id, yes := range e.in.OnCall {
		if yes && (best == "" || id < best) {
			best = id
		}
	}
	if best == "" {
		best = "somebody-on-call"
	}
	return best
}
