package approval

import (
	"fmt"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Trace is a classification with the facts that the conditions of the policy
// were asked over, for whoever looks at these conditions one by one.
type Trace struct {
	Classification
	Facts   risk.Facts   // the zero Facts where the change is refused
	Carried []risk.Facts // for "each": one for each service that the service of the change carries
}

// Trace classifies a change as [Policy.Classify] does, and keeps the facts.
func (p *Policy) Trace(c *change.Change, in Inputs) Trace {
	out := Trace{Classification: p.Classify(c, in)}
	if out.Err == nil {
		out.Facts, out.Carried = p.Facts(c, in)
	}
	return out
}

// Facts are what the conditions of the policy are asked over for a change that
// is valid: the facts of the change, and those for "each", one for each service
// that its service carries.
func (p *Policy) Facts(c *change.Change, in Inputs) (own risk.Facts, carried []risk.Facts) {
	k := &classifying{p: p, c: c, in: in}
	s := k.situation()
	own = p.rules.Vocabulary().Facts(c, s)
	if k.service == nil {
		return own, nil
	}
	for _, id := range k.service.carried {
		s.Carried = &p.services[id].Service
		carried = append(carried, p.carried.Facts(c, s))
	}
	return own, carried
}

// CarriedVocabulary is the vocabulary of the conditions named "each": that of the
// rules, and the facts carried.*.
func (p *Policy) CarriedVocabulary() *risk.Vocabulary { return p.carried }

// Extras are the facts that authority rules may read besides those of the
// change: type and level, in this order.
func (d Definition) Extras() []risk.Extra {
	levels := risk.Extra{Name: "level", Words: []string{}}
	for _, l := range d.Risk.Levels {
		levels.Words = append(levels.Words, l.Name)
	}
	return []risk.Extra{{Name: "type", Words: []string{change.Normal.String(), change.Emergency.String()}}, levels}
}

// Expectations is the classification in lines of a decision test: those that
// must hold exactly, and the rules that count.
func (c Classification) Expectations() []string {
	var out []string
	for _, key := range expectations {
		if show, ok := exact[key]; ok {
			out = append(out, fmt.Sprintf("%s: %s", key, show(c)))
		}
	}
	if fired := reasonsOf(c); len(fired) > 0 {
		out = append(out, "fires: "+strings.Join(fired, ", "))
	}
	return out
}
