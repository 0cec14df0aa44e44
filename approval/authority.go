package approval

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

func (b *building) addAuthority() {
	a := b.d.Authority
	if len(a.Default) == 0 {
		b.add(a.src, "authority needs a \"default\": who must say yes when no rule matches, such as [{group: cab, quorum: 3}]")
	}
	b.p.fallback = b.needs(a.Default)
	if slices.ContainsFunc(b.p.fallback, func(n need) bool { return n.each != nil }) {
		b.add(a.src, "the default cannot depend on carried services: it must always need somebody")
	}
	for _, r := range a.Rules {
		c := authorityRule{needs: b.needs(r.Needs)}
		if len(r.Needs) == 0 {
			b.add(r.src, "an authority rule needs \"needs\": at least one seat; rules only add seats, so one without any does nothing")
		}
		if r.When != "" {
			c.when = b.condition(b.facts, r.When, r.when, "when", b.types, b.levels)
			c.says = c.when != nil && c.when.ReadsExtra(0) && !slices.ContainsFunc(c.when.Reads(), ofChange)
		}
		if r.Review != "" {
			review, err := parseReviewTime(r.Review)
			if err != nil {
				b.add(r.src.inside("review-within"), "%v", err)
			}
			c.review = &review
		}
		b.p.authority = append(b.p.authority, c)
	}
}

// ofChange reports whether a fact is one of the change, not of its service. A
// rule that asks for one is about some changes of a type, so it does not say
// who decides that type.
func ofChange(fact string) bool { return !strings.HasPrefix(fact, "service.") }

func (b *building) needs(list []Need) []need {
	out := make([]need, len(list))
	for i, n := range list {
		out[i] = b.need(n)
	}
	return out
}

func (b *building) need(n Need) need {
	quorum := n.Quorum
	if quorum == 0 {
		quorum = 1
	}
	if slices.ContainsFunc(n.Any, func(o Need) bool { return o.Each != "" || len(o.Any) > 0 }) {
		b.add(n.src, "\"any\" lists seats; put \"each\" and further \"any\" beside it, not into it")
	}
	out := need{seat: Seat{Group: n.Group, Role: n.Role, Quorum: quorum}, any: b.needs(n.Any)}
	given := 0
	for _, is := range []bool{n.Group != "", n.Role != "", len(n.Any) > 0} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		b.add(n.src, "a need is one of {group: ...}, {role: ...} or {any: [...]}")
	case n.Group != "":
		b.checkGroup(n, quorum)
	case n.Role != "":
		b.checkRole(n.src.inside("role"), n.Role)
	}
	if quorum < 1 || quorum > 1 && n.Group == "" {
		b.add(n.src, "a quorum is at least 1, and only a group has one; a role is held by one person")
	}
	if n.Each != "" {
		if n.Role == "" {
			b.add(n.src, "\"each\" needs a role: whose seat to add for each carried service")
		}
		out.each = b.condition(b.p.carried, n.Each, n.each, "each")
	}
	return out
}

func (b *building) checkGroup(n Need, quorum int) {
	i := slices.IndexFunc(b.d.Groups, func(g Group) bool { return g.Name == n.Group })
	if i < 0 {
		var ids []string
		for _, g := range b.d.Groups {
			ids = append(ids, g.Name)
		}
		b.unlisted(n.src.inside("group"), "group", n.Group, ids)
		return
	}
	if size := b.d.Groups[i].Size; quorum > size {
		b.add(n.src.inside("quorum"), "a quorum of %d can never be met: the group %q has %d members", quorum, n.Group, size)
	}
}

// serviceCondition compiles the condition of a freeze, which may read nothing
// but facts of the service.
func (b *building) serviceCondition(f Freeze) *risk.Condition {
	c := b.condition(b.facts, f.For, f.only, "for")
	if c == nil {
		return nil
	}
	for _, fact := range c.Reads() {
		if !strings.HasPrefix(fact, "service.") {
			b.add(f.only, "\"for\" may read only facts of the service, which the policy states, and %s is not one", fact)
			return nil
		}
	}
	return c
}

// reviewTime is how soon a review is due.
type reviewTime struct {
	days  int // working days
	hours int
}

var reviewText = regexp.MustCompile(`^([1-9][0-9]{0,3}) (working days?|days?|hours?)$`)

func parseReviewTime(text string) (reviewTime, error) {
	m := reviewText.FindStringSubmatch(text)
	if m == nil {
		return reviewTime{}, fmt.Errorf("%q is no time for a review; write such as \"3 working days\", \"2 days\" or \"72 hours\"", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return reviewTime{}, err
	}
	switch m[2][0] {
	case 'w':
		return reviewTime{days: n}, nil
	case 'd':
		return reviewTime{hours: 24 * n}, nil
	default:
		return reviewTime{hours: n}, nil
	}
}

// due is when the review is due. Without working time a working day is a day:
// that is sooner, so it errs towards scrutiny.
func (r reviewTime) due(from time.Time, working *change.WorkingTime) time.Time {
	if r.days > 0 && working != nil {
		if due, err := working.AddDays(from, r.days); err == nil {
			return due
		}
	}
	return from.UTC().Add(time.Duration(r.hours+24*r.days) * time.Hour)
}
