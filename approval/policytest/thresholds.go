package policytest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Threshold is a number that a condition, or a cut of a band, compares a fact
// with.
type Threshold struct {
	Place risk.Place // of the condition
	Part  string     // of the policy
	Fact  string
}

// String is the threshold in one line.
func (t Threshold) String() string {
	where := ""
	if t.Place.File != "" {
		where = t.Place.String() + ": "
	}
	return where + t.Part + ", " + t.Fact
}

// Thresholds writes cases around the numbers that conditions compare facts with,
// in the form of [approval.Policy.Test]: one below, one at and one above, as far
// as the policy answers them differently. They are about the first change of
// the tests on which the threshold makes a difference, and expect what the policy
// answers today: whether that is right is for a person to say. Left are the
// thresholds for which no such change was found, or of a fact that no change
// states, such as one of the service.
func Thresholds(d approval.Definition, tests approval.TestSuite) (file []byte, left []Threshold, err error) {
	p, err := approval.New(d)
	if err != nil {
		return nil, nil, err
	}
	b := &bounding{p: p, facts: p.Rules().Vocabulary(), tests: tests}
	for _, q := range questions(d) {
		bounds, err := b.facts.Boundaries([]string{q.source}, q.extras...)
		if err != nil {
			return nil, nil, err
		}
		for _, one := range bounds {
			if isNumber(one.Values) && !b.around(q, one) {
				left = append(left, Threshold{q.place, q.part, one.Fact})
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
}

// questions are the conditions of a policy, each cut as one, in the order of the
// files.
func questions(d approval.Definition) []question {
	var out []question
	for _, r := range d.Risk.Rules {
		part := "rule " + r.ID
		for field, source := range fields("for", r.For, "when", r.When) {
			out = append(out, question{r.Place(field, 0, 0), part, r.ID, source, nil})
		}
		for i, c := range r.Cuts {
			out = append(out, question{r.Place(fmt.Sprintf("cuts/%d", i), 0, 0), part, r.ID, atLeast(r.Bands, c.From), nil})
		}
	}
	for _, t := range d.Templates {
		for field, source := range fields("covers", t.Covers, "except", t.Except) {
			out = append(out, question{t.Place(field, 0, 0), "template " + t.ID, "", source, nil})
		}
	}
	for _, f := range d.Forbid {
		out = append(out, question{f.Place("when", 0, 0), "forbid " + f.ID, "", f.When, nil})
	}
	for i, r := range d.Authority.Rules {
		for _, source := range fields("when", r.When) {
			out = append(out, question{r.Place("when", 0, 0), fmt.Sprintf("authority rule %d", i+1), "", source, d.Extras()})
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
	p     *approval.Policy
	facts *risk.Vocabulary
	tests approval.TestSuite
	text  strings.Builder
	base  *change.Change // of the section "change" that was written last
	at    time.Time
}

// trial is a fact at a value, and what the policy answers.
type trial struct {
	value  any
	change *change.Change
	got    approval.Classification
	truth  risk.Truth // of the condition
}

// around writes the cases for one threshold on the first change that it makes a
// difference to; false where there is none.
func (b *bounding) around(q question, bound risk.Boundary) bool {
	condition, err := b.facts.Condition(q.source, q.extras...)
	if err != nil {
		return false
	}
	for i := range b.tests.Cases {
		c := &b.tests.Cases[i]
		if c.Err != nil {
			continue
		}
		if turning := turns(b.trials(c, condition, q, bound)); len(turning) > 0 {
			return b.write(c, q, bound.Fact, turning)
		}
	}
	return false
}

// trials puts the fact of a case at each value.
func (b *bounding) trials(c *approval.TestCase, condition *risk.Condition, q question, bound risk.Boundary) []trial {
	var out []trial
	for _, value := range bound.Values {
		changed := *c.Change
		if !b.facts.Write(&changed, bound.Fact, value) {
			continue // nobody states the fact, or not at this value: no count is below 0
		}
		t := b.p.Trace(&changed, approval.Inputs{At: c.At})
		if t.Err != nil {
			continue
		}
		var extras []any
		if q.extras != nil {
			extras = []any{t.Type.String(), t.Assessment.Level.String()}
		}
		truth, _ := condition.Decide(t.Facts, extras...)
		out = append(out, trial{value, &changed, t.Classification, truth})
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
	if b.base != c.Change || !b.at.Equal(c.At) {
		fmt.Fprintf(&b.text, "\n-- change --\n%s\n-- at --\n%s\n", base, c.At.Format(time.RFC3339Nano))
		b.base, b.at = c.Change, c.At
	}
	plain := &approval.TestCase{Change: c.Change, Patch: map[string]any{}}
	for _, t := range turning {
		name := fmt.Sprintf("%s: %s is %s", q.part, fact, shown(t.value))
		text, ok := written(plain, t.change, name, b.expected(q, t, turning))
		if !ok {
			return false
		}
		b.text.WriteString("\n" + text)
	}
	return true
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
