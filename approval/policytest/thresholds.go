package policytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/risk"
)

// Threshold is a number that a condition, or a cut of a band, compares a fact
// with.
type Threshold struct {
	Place risk.Place // of the condition
	Part  string     // of the policy
	Fact  string
	Why   string // why there is no case about it, as part of a sentence
}

// String is the threshold in one line.
func (t Threshold) String() string {
	where := ""
	if t.Place.File != "" {
		where = t.Place.String() + ": "
	}
	return where + t.Part + ", " + t.Fact + ": " + t.Why
}

// Thresholds writes cases around the numbers that conditions compare facts with,
// in the form of [approval.Policy.Test]: one below, one at and one above, as far
// as the policy answers them differently. They are about the first change of
// the tests that somebody has read on which the threshold makes a difference, and expect what the policy
// answers today: whether that is right is for a person to say, and until then the
// cases are unread. A number of the service is that of another service of the
// policy, and a time fact is reached by moving the window, or else the time of
// the case. Left are the thresholds for which no such change was found.
func Thresholds(d approval.Definition, tests approval.TestSuite) (file []byte, left []Threshold, err error) {
	p, err := approval.New(d)
	if err != nil {
		return nil, nil, err
	}
	b := &bounding{d: d, p: p, facts: p.Rules().Vocabulary(), tests: tests, stage: newStage(p), written: map[string]setting{}}
	prover := b.facts.Prover(nil)
	for _, q := range questions(d) {
		bounds, err := b.facts.Boundaries([]string{q.source}, q.extras...)
		if err != nil {
			return nil, nil, err
		}
		condition, err := b.facts.Condition(q.source, q.extras...)
		if err != nil {
			return nil, nil, err
		}
		for _, one := range bounds {
			if !one.Measured || !isNumber(one.Values) || b.around(q, condition, one) {
				continue
			}
			if !prover.Always(condition) && !prover.Never([]*risk.Condition{condition}, nil) { // else it is no threshold
				left = append(left, Threshold{q.place, q.part, one.Fact, b.why(one)})
			}
		}
	}
	if b.text.Len() == 0 {
		return nil, left, nil
	}
	return []byte(preface + b.text.String()), left, nil
}

const preface = `Written by a program: cases just below, at and above the numbers that the policy
compares facts with, and what it answered on that day. Nobody has said yet that
these answers are right, so no case counts for coverage or for the mutation score
while its heading begins with "unread". Read each, mend what is wrong, in the
policy or here, and then take out that word.
`

// question is a condition of the policy that a fact can turn.
type question struct {
	place  risk.Place
	part   string
	rule   string // its id, where it is one of a rule
	source string
	extras []risk.Extra
	drop   func(*approval.Definition) // leaves out the part of the policy
}

// questions are the conditions of a policy, each cut as one, in the order of the
// files.
func questions(d approval.Definition) []question {
	var out []question
	for i, r := range d.Risk.Rules {
		part := "rule " + r.ID
		drop := func(d *approval.Definition) { d.Risk.Rules = without(d.Risk.Rules, i) }
		for field, source := range fields("for", r.For, "when", r.When) {
			out = append(out, question{r.Place(field, 0, 0), part, r.ID, source, nil, drop})
		}
		for i, c := range r.Cuts {
			out = append(out, question{r.Place(fmt.Sprintf("cuts/%d", i), 0, 0), part, r.ID, atLeast(r.Bands, c.From), nil, drop})
		}
	}
	for i, t := range d.Templates {
		drop := func(d *approval.Definition) { d.Templates = without(d.Templates, i) }
		for field, source := range fields("covers", t.Covers, "except", t.Except) {
			out = append(out, question{t.Place(field, 0, 0), "template " + t.ID, "", source, nil, drop})
		}
	}
	for i, f := range d.Forbid {
		drop := func(d *approval.Definition) { d.Forbid = without(d.Forbid, i) }
		out = append(out, question{f.Place("when", 0, 0), "forbid " + f.ID, "", f.When, nil, drop})
	}
	for i, r := range d.Authority.Rules {
		drop := func(d *approval.Definition) { d.Authority.Rules = without(d.Authority.Rules, i) }
		for _, source := range fields("when", r.When) {
			out = append(out, question{r.Place("when", 0, 0), fmt.Sprintf("authority rule %d", i+1), "", source, d.Extras(), drop})
		}
	}
	return out
}

func isNumber(values []any) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v any) bool {
		switch v.(type) {
		case int64, float64:
			return false
		}
		return true
	})
}

// bounding is a file of cases in the making.
type bounding struct {
	d       approval.Definition
	p       *approval.Policy
	facts   *risk.Vocabulary
	tests   approval.TestSuite
	stage   *stage
	text    strings.Builder
	written map[string]setting // by name, the cases so far
	last    setting            // of the sections "change" and "at" that were written last
	less    *approval.Policy   // the policy without one part of it
	lacks   string             // the part
}

// trial is a fact at a value, and what the policy answers.
type trial struct {
	setting
	value any
	got   approval.Classification
	truth risk.Truth // of the condition
}

// around writes the cases for one threshold on the first change that it makes a
// difference to; false where there is none.
func (b *bounding) around(q question, condition *risk.Condition, bound risk.Boundary) bool {
	for i := range b.tests.Cases {
		c := &b.tests.Cases[i]
		if !shows(c) {
			continue
		}
		if turning := turns(b.trials(c, condition, q, bound)); len(turning) > 0 && b.matters(q, bound.Fact, turning) {
			return b.write(c, q, bound.Fact, turning)
		}
	}
	return false
}

// matters reports whether the part of the policy makes a difference to the
// trials, and not only what else has changed: another service has other facts, and
// another time too.
func (b *bounding) matters(q question, fact string, turning []trial) bool {
	if group, _, _ := strings.Cut(fact, "."); group != "service" && group != "at" {
		return true
	}
	if b.less == nil || b.lacks != q.part {
		d := b.d
		q.drop(&d)
		b.less, _ = approval.New(d) // nil where the policy cannot be without it
		b.lacks = q.part
	}
	return b.less == nil || slices.ContainsFunc(turning, func(t trial) bool {
		return len(telling(t.got, b.less.Classify(t.change, approval.Inputs{At: t.at}))) > 0
	})
}

// trials puts the fact of a case at each value.
func (b *bounding) trials(c *approval.TestCase, condition *risk.Condition, q question, bound risk.Boundary) []trial {
	var out []trial
	for _, value := range b.stage.values(bound) {
		at, ok := b.stage.with(c, bound.Fact, value)
		if !ok {
			continue // such as a count below 0
		}
		t := b.p.Trace(at.change, approval.Inputs{At: at.at})
		if t.Err != nil {
			continue
		}
		var extras []any
		if q.extras != nil {
			extras = []any{t.Type.String(), t.Assessment.Level.String()}
		}
		truth, _ := condition.Decide(t.Facts, extras...)
		out = append(out, trial{at, value, t.Classification, truth})
	}
	return out
}

// turns are the trials on both sides of each place where the condition turns and
// the answer with it.
func turns(trials []trial) []trial {
	var out []trial
	for i := range trials[:max(0, len(trials)-1)] {
		a, b := trials[i], trials[i+1]
		if a.truth == b.truth || len(telling(a.got, b.got)) == 0 {
			continue
		}
		for _, one := range []trial{a, b} {
			if !slices.ContainsFunc(out, func(o trial) bool { return o.value == one.value }) {
				out = append(out, one)
			}
		}
	}
	return out
}

// write adds the cases to the file.
func (b *bounding) write(c *approval.TestCase, q question, fact string, turning []trial) bool {
	base, err := json.Marshal(c.Change)
	if err != nil {
		return false
	}
	plain := &approval.TestCase{Change: c.Change, Patch: map[string]any{}}
	for _, t := range turning {
		name := fmt.Sprintf("%s: %s is %s", q.part, fact, shown(t.value))
		here := setting{c.Change, t.at}
		was, twice := b.written[name]
		for n := 2; twice && was != here; n++ {
			name = fmt.Sprintf("%s: %s is %s (%d)", q.part, fact, shown(t.value), n)
			was, twice = b.written[name]
		}
		text, ok := written(plain, t.change, name, b.expected(q, t, turning))
		if !ok {
			return false
		}
		if !twice { // as one between two thresholds would be
			b.open(here, base)
			b.written[name] = here
			b.text.WriteString("\n" + text)
		}
	}
	return true
}

// open writes the sections before a case, where they are not those of the last.
func (b *bounding) open(now setting, base []byte) {
	switch {
	case b.last.change != now.change:
		fmt.Fprintf(&b.text, "\n-- change --\n%s\n", base)
	case b.last.at.Equal(now.at):
		return
	default:
		b.text.WriteString("\n")
	}
	fmt.Fprintf(&b.text, "-- at --\n%s\n", now.at.Format(time.RFC3339Nano))
	b.last = now
}

// why says why no case was written.
func (b *bounding) why(bound risk.Boundary) string {
	values := b.stage.values(bound)
	ok := func(c approval.TestCase) bool {
		if !shows(&c) {
			return false
		}
		_, found := b.stage.with(&c, bound.Fact, values[0])
		return found
	}
	switch ofService := strings.HasPrefix(bound.Fact, "service."); {
	case ofService && len(values) < 2:
		return "no two services of the policy differ in it"
	case !slices.ContainsFunc(b.tests.Cases, ok):
		return "no change of the tests can be given such a value"
	case ofService:
		return "with the services of the policy it makes no difference to any change of the tests; write one by hand"
	}
	return "it makes no difference to any change of the tests; write one by hand"
}

// expected are the lines that differ between the trials, and those that every
// case should have.
func (b *bounding) expected(q question, t trial, all []trial) []string {
	var out []string
	for _, line := range t.got.Expectations() {
		key, _, _ := strings.Cut(line, ":")
		elsewhere := func(o trial) bool { return !slices.Contains(o.got.Expectations(), line) }
		if slices.Contains([]string{"type", "level", "score"}, key) || key != "fires" && slices.ContainsFunc(all, elsewhere) {
			out = append(out, line)
		}
	}
	switch counts := slices.Contains(fired(t.got), q.rule); {
	case q.rule != "" && counts:
		out = append(out, "fires: "+q.rule)
	case q.rule != "":
		out = append(out, "silent: "+q.rule)
	}
	return out
}
