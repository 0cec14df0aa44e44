package risk

import (
	"math"
	"strconv"

	"github.com/changelane/changelane/internal/rule"
)

// Why a condition is never true, for the end of a sentence.

// WhyNever says why a condition that is never true is not: two parts of it that
// exclude each other, which it reports besides, or one part that never is, or
// where a number lies. It begins with a colon, and is "" where there is nothing to
// say that is as short.
func (p *Prover) WhyNever(c *Condition) (why string, exclusive bool) {
	if p.none() || c.none() {
		return "", false
	}
	return p.whyNever(c.words, c.expr)
}

func (p *Prover) whyNever(words *rule.Vocabulary, e *rule.Expr) (why string, exclusive bool) {
	parts := e.Parts(words)
	for _, part := range parts {
		if p.never(words, part, rule.IsTrue) {
			return p.neverPart(part, len(parts) == 1), false
		}
	}
	if a, b, found := p.exclusive(words, e); found {
		return ": " + a + " and " + b + " " + p.excludes(), true
	}
	return "", false
}

func (p *Prover) excludes() string {
	if len(p.worlds) > 0 {
		return "are true together of none of them"
	}
	return "exclude each other"
}

// neverPart says that a part is never true; of what is the whole condition it
// says only why, where that is to be had.
func (p *Prover) neverPart(part *rule.Expr, whole bool) string {
	lies := ""
	if facts := part.Facts(); len(facts) == 1 {
		if r, ok := p.ranges[facts[0]]; ok {
			lies = p.vocabulary.defs[facts[0]].Name + " is " + rangeText(r)
		}
	}
	switch {
	case len(p.worlds) > 0:
		return ": " + part.Brief() + " is true of none of them"
	case whole && lies == "":
		return ""
	case whole:
		return ": " + lies
	case lies == "":
		return ": " + part.Brief() + " never is"
	}
	return ": " + part.Brief() + " never is, as " + lies
}

// exclusive finds two parts of a condition, joined by "and", that are never true
// together.
func (p *Prover) exclusive(words *rule.Vocabulary, e *rule.Expr) (a, b string, found bool) {
	parts := e.Parts(words)
	for i, first := range parts {
		for _, second := range parts[:i] {
			if p.never(words, rule.And(words, second, first), rule.IsTrue) {
				return second.Brief(), first.Brief(), true
			}
		}
	}
	return "", "", false
}

// denied reports whether a condition is false, or has no meaning, for each
// service of the situations, whatever else is known or missing.
func (p *Prover) denied(e *rule.Expr) bool {
	for _, world := range p.worlds {
		is, settled := e.Settle(p.tied, world).Verdict()
		if !settled || is != rule.IsFalse && is != rule.IsNotApplicable {
			return false
		}
	}
	return p.fixed()
}

func rangeText(r rule.Range) string {
	switch least, most := plain(r.Least), plain(r.Most); {
	case math.IsInf(r.Most, 1):
		return least + " or more"
	case math.IsInf(r.Least, -1):
		return most + " or less"
	default:
		return "between " + least + " and " + most
	}
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
