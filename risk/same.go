package risk

import (
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/rule"
)

// Same reports whether it is proven that two conditions come to the same for
// each service of the situations, whatever the other facts. Both are over the
// vocabulary, with the same extra facts.
func (p *Prover) Same(a, b *Condition) bool {
	if p == nil || a.none() || b.none() {
		return false
	}
	for _, world := range p.worlds {
		if !a.expr.Settle(p.tied, world).Same(b.expr.Settle(p.tied, world)) {
			return false
		}
	}
	return p.fixed()
}

// Alike reports whether it is proven that a condition comes to the same in all
// of the situations, whatever the facts that are not those of the service.
func (p *Prover) Alike(c *Condition) bool {
	if p == nil || c.none() || !p.fixed() {
		return false
	}
	first := c.expr.Settle(p.tied, p.worlds[0])
	return !slices.ContainsFunc(p.worlds[1:], func(world []rule.Value) bool {
		return !first.Same(c.expr.Settle(p.tied, world))
	})
}

// Denied reports whether the condition is false, or has no meaning, for each
// service of the situations, whatever the other facts.
func (p *Prover) Denied(c *Condition) bool {
	if p == nil || c.none() {
		return false
	}
	return p.denied(c.expr)
}

// fixed reports whether a service has the same facts at all times: whether one
// has a meaning could hang on its operating model.
func (p *Prover) fixed() bool {
	return len(p.worlds) > 0 && !slices.ContainsFunc(p.vocabulary.declared, func(a Applicability) bool {
		return strings.HasPrefix(a.Fact, "service.") && strings.Contains(a.For, "service.model")
	})
}
