package approval

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/risk"
)

// undecided reports a service that does not state what rules ask of it. The
// place is the service's, and not the rule's: whoever adds a service need not
// have seen the rule. Rules that ask for the same are reported once.
func (b *building) undecided(service string, rules []risk.OpenRule) {
	at := b.d.sources.service[service]
	var reported []string
	for i, r := range rules {
		asked := strings.Join(r.Facts, ", ")
		switch {
		case r.Why != "" || asked == "":
			b.add(at, "it cannot be told whether the rule %s%s is for the service %q: %s", r.Rule, madeAt(r), service, cmp.Or(r.Why, "a fact is missing"))
		case !slices.Contains(reported, asked):
			reported = append(reported, asked)
			b.add(at, "the service %q must state %s: the rule %s asks for it%s%s", service, fields(r.Facts), r.Rule, madeAt(r), andMore(r, rules[i+1:]))
		}
	}
}

func madeAt(r risk.OpenRule) string {
	if r.File == "" {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", r.File, r.Line)
}

// fields spells facts of a service as services.yaml does.
func fields(facts []string) string {
	out := make([]string, len(facts))
	for i, f := range facts {
		out[i] = strings.ReplaceAll(strings.TrimPrefix(f, "service."), "_", "-")
	}
	return strings.Join(out, " and ")
}

// andMore counts the rules that ask for the same as the first.
func andMore(first risk.OpenRule, rest []risk.OpenRule) string {
	more := 0
	for _, r := range rest {
		if r.Why == "" && slices.Equal(r.Facts, first.Facts) {
			more++
		}
	}
	switch more {
	case 0:
		return ""
	case 1:
		return ", and 1 more rule"
	}
	return fmt.Sprintf(", and %d more rules", more)
}
