package risk

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/rule"
)

// Answer is what is settled about conditions. The zero Answer is NotSettled.
type Answer uint8

// The answers.
const (
	NotSettled Answer = iota // neither shown nor excluded
	Yes                      // it can be so
	No                       // it cannot, by proof
)

// String is the word for it.
func (a Answer) String() string {
	if a > No {
		return fmt.Sprintf("Answer(%d)", uint8(a))
	}
	return [...]string{"not settled", "yes", "no"}[a]
}

// Prover tells what conditions over a vocabulary can become of, on any facts
// that there can be. Its questions share what it may compute in all, after which
// nothing is settled: a policy that is made to be hard to look at is not looked
// at for long. It is not safe for concurrent use.
type Prover struct {
	vocabulary *Vocabulary
	situations []Situation
	ranges     map[int]rule.Range
	given      map[int]*rule.Expr
	tied       []int
	worlds     [][]rule.Value
	work       *int // left for all questions
}

// proofSteps bounds the evaluations of one question.
const proofSteps = 4000

// proverWork bounds all questions of one prover, see [rule.Space]: some seconds.
// A thousand ordinary rules take a tenth of it.
const proverWork = 200_000_000

// Prover makes a prover for changes in those situations, whose services are all
// that there are; without any, a service can be anything. The operating model
// and the time can be anything in any case.
func (v *Vocabulary) Prover(situations []Situation) *Prover {
	if v.none() {
		return &Prover{}
	}
	return v.prover().In(situations)
}

// In is a prover for changes in other situations, as [Vocabulary.Prover] makes
// one. The two share what they may compute in all.
func (p *Prover) In(situations []Situation) *Prover {
	if p.none() {
		return &Prover{}
	}
	v := p.vocabulary
	p = &Prover{vocabulary: v, situations: situations, ranges: p.ranges, given: p.given, work: p.work}
	for i, d := range v.defs {
		if strings.HasPrefix(d.Name, "service.") && d.Name != "service.model" {
			p.tied = append(p.tied, i)
		}
	}
	for _, s := range situations {
		facts, row := v.Facts(&change.Change{}, s), make([]rule.Value, len(p.tied))
		for k, i := range p.tied {
			row[k] = facts.values[i]
		}
		p.worlds = append(p.worlds, row)
	}
	return p
}

// prover is one for services that can be anything. Where numbers lie by the
// schema of a change is not in the vocabulary, which refuses comparisons beyond
// its ranges.
func (v *Vocabulary) prover() *Prover {
	p := &Prover{vocabulary: v, ranges: map[int]rule.Range{}, given: map[int]*rule.Expr{}, work: new(int)}
	*p.work = proverWork
	for i, d := range v.defs {
		if r, ok := d.reach(); ok {
			p.ranges[i] = r
		}
	}
	for i, a := range v.declared {
		p.given[v.applied[i]] = v.compile(a.For, source{}, "", new(faults)) // it has been compiled before
	}
	return p
}

// Possible tells whether all of these can be true while none of those holds, for
// certain: each is false, or has no meaning. It shows that by a change where it
// finds one, which states its window where the conditions look at the time. None
// is given where the facts cannot be written down. No means that it cannot be, whatever the facts, known or missing.
// All conditions are over the vocabulary, with the same extra facts.
func (p *Prover) Possible(holds, fails []*Condition) (Answer, *change.Change) {
	words, all := p.joined(holds, fails)
	if all == nil {
		return NotSettled, nil
	}
	answer, values := p.reach(words, rule.And(words, all...), rule.IsTrue)
	if answer != Yes {
		return answer, nil
	}
	return Yes, p.example(values, func(f Facts) bool {
		facts := slices.Concat(f.values, values[len(f.values):])
		return !slices.ContainsFunc(all, func(e *rule.Expr) bool { v, _ := e.Eval(facts); return v != rule.IsTrue })
	})
}

// Never reports whether it is proven that [Prover.Possible] is No, without
// looking for a change that shows otherwise.
func (p *Prover) Never(holds, fails []*Condition) bool {
	words, all := p.joined(holds, fails)
	return all != nil && p.space(words).Excludes(rule.And(words, all...), rule.IsTrue, proofSteps)
}

// joined are the conditions as they should be, and their vocabulary.
func (p *Prover) joined(holds, fails []*Condition) (words *rule.Vocabulary, all []*rule.Expr) {
	if p.none() || slices.ContainsFunc(slices.Concat(holds, fails), (*Condition).none) {
		return nil, nil
	}
	words = p.vocabulary.rules
	for _, c := range holds {
		words, all = c.words, append(all, c.expr)
	}
	for _, c := range fails {
		words, all = c.words, append(all, rule.Denied(c.words, c.expr))
	}
	return words, all
}

func (p *Prover) space(words *rule.Vocabulary) *rule.Space {
	return &rule.Space{Vocabulary: words, Ranges: p.ranges, Given: p.given, Tied: p.tied, Worlds: p.worlds, Work: p.work}
}

func (p *Prover) never(words *rule.Vocabulary, e *rule.Expr, want rule.Verdict) bool {
	return p.space(words).Excludes(e, want, proofSteps)
}

// always reports whether a condition is never false: its opposite is excluded,
// it can be true, and it does not compute, so that it does not fail instead.
func (p *Prover) always(words *rule.Vocabulary, e, opposite *rule.Expr) bool {
	if e.Computes() || !p.never(words, opposite, rule.IsTrue) {
		return false
	}
	is, _ := p.reach(words, e, rule.IsTrue)
	return is == Yes
}

// Always reports whether it is proven that the condition is never false and
// never without meaning, and shown that it can be true. Of one that computes with
// numbers, which can fail, it is not.
func (p *Prover) Always(c *Condition) bool {
	return !p.none() && !c.none() && p.always(c.words, c.expr, rule.Denied(c.words, c.expr))
}

// none reports whether there is no prover: nothing is ever settled by it.
func (p *Prover) none() bool { return p == nil || p.vocabulary.none() }

func (p *Prover) reach(words *rule.Vocabulary, e *rule.Expr, want rule.Verdict) (Answer, []rule.Value) {
	answer, values := p.space(words).Reach(e, want, proofSteps)
	return [...]Answer{rule.NotSettled: NotSettled, rule.Yes: Yes, rule.No: No}[answer], values
}

// reach is where a number lies; false where that is not known.
func (d *definition) reach() (rule.Range, bool) {
	const mostHours = 1_000_000 // of a span in the schema of a change
	group, name, _ := strings.Cut(d.Name, ".")
	switch {
	case d.Type != rule.Int && d.Type != rule.Float || group == "attributes":
		return rule.Range{}, false
	case d.Range != nil:
		return *d.Range, true
	case name == "watch_hours":
		return rule.Range{Least: 0, Most: 24}, true
	case group == "history" && d.Type == rule.Float:
		return rule.Range{Least: 0, Most: mostHours}, true
	case group == "change" && d.Type == rule.Int, group == "history":
		return rule.Range{Least: 0, Most: math.Inf(1)}, true
	}
	return rule.Range{}, false
}

// example is a change in one of the situations whose facts are as wanted; nil
// when none is found.
func (p *Prover) example(values []rule.Value, wanted func(Facts) bool) *change.Change {
	const look = 500 // at the facts of a service
	looks := 0
	for _, s := range p.situations {
		if *p.work -= look; *p.work < 0 {
			return nil
		}
		if !p.lives(s, values) {
			continue
		}
		for window := range p.windows(s, values) {
			if *p.work -= look; *p.work < 0 || looks == mostLooks {
				return nil
			}
			looks++
			c := p.stating(s, values)
			c.Window = window
			if c.Validate() == nil && p.vocabulary.Check(c) == nil && wanted(p.vocabulary.Facts(c, s)) {
				return c
			}
		}
	}
	return nil
}

// stating is a change that states the values, attested as far as that can be.
func (p *Prover) stating(s Situation, values []rule.Value) *change.Change {
	c := &change.Change{ID: "CHG-EXAMPLE", Title: "an example", Kind: change.Code, Service: s.Service.Name,
		Requester: change.Person{ID: "idp|example", Kind: change.Human, Team: s.Service.Team}}
	var data, paths []string
	files := -1
	for i, d := range p.vocabulary.defs {
		switch {
		case values[i].State != rule.Present || d.data == "":
			continue
		case d.Name == "change.paths":
			paths = append([]string{}, values[i].List...)
		case d.Name == "change.files":
			files = int(min(values[i].Int, change.MaxFiles))
			fallthrough
		default:
			p.vocabulary.Write(c, d.Name, plainValue(d.Type, values[i]))
		}
		data = append(data, d.attestable()...)
	}
	if paths != nil { // as many as are counted, beside what else is said of their size
		for len(paths) < files {
			paths = append(paths, fmt.Sprint("example-", len(paths)+1))
		}
		c.Files = []change.File{}
		for _, path := range paths {
			c.Files = append(c.Files, change.File{Path: path})
		}
	}
	if data != nil {
		slices.Sort(data)
		c.Attested = []change.Attestation{{By: "ci/example", Covers: slices.Compact(data)}}
	}
	return c
}

// attestable are the names under which somebody can vouch for the data that the
// fact is read from.
func (d *definition) attestable() []string {
	group, _, _ := strings.Cut(d.data, ".")
	switch {
	case d.data == "files":
		return []string{"files", "size"}
	case slices.Contains(change.Attestable(), group):
		return []string{d.data}
	}
	return nil
}

// lives reports whether the facts of the service in the situation are those
// values, as far as they are settled.
func (p *Prover) lives(s Situation, values []rule.Value) bool {
	if s.Service == nil {
		return false
	}
	facts := p.vocabulary.Facts(&change.Change{}, s)
	for _, i := range p.tied {
		if values[i].State == rule.Present && !values[i].Same(facts.values[i]) {
			return false
		}
	}
	return true
}
