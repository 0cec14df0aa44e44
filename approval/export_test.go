package approval

import (
	"slices"

	"github.com/changelane/changelane/change"
)

// Edits are the items of a search, for tests that try them all.
type Edits struct{ s *search }

// NewEdits finds what can be edited.
func NewEdits(p *Policy, c *change.Change, in Inputs, opts *CounterfactualOptions) (Edits, error) {
	s, err := p.newSearch(c, in, opts)
	return Edits{s}, err
}

// Ways is in how many ways each item can be edited.
func (e Edits) Ways() (out []int) {
	for _, i := range e.s.items {
		out = append(out, len(i.ways))
	}
	return out
}

// Standard classifies the change with a choice of ways; -1 is none.
func (e Edits) Standard(choice []int) bool {
	n := nothing
	for i, w := range choice {
		n[i] = int8(w)
	}
	c, in := e.s.apply(&n)
	return e.s.p.Classify(c, in).Type == change.Standard
}

// Choices are the ways that a suggestion leaves open, by item; nil is none.
func (e Edits) Choices(of Suggestion) [][]int {
	out := make([][]int, len(e.s.items))
	for _, edit := range of.Edits {
		kind := edit.Kind
		i := slices.IndexFunc(e.s.items, func(i item) bool {
			return i.fact == edit.Fact && (i.kind == kind || i.kind == EditClaim && kind == EditWithdraw)
		})
		for w, o := range e.s.items[i].ways {
			if sameText(o.to, edit.To) && len(out[i]) == 0 && (o.vouch || !edit.Vouched || !e.s.items[i].hasVouch()) {
				out[i] = e.s.noWorse(i, w)
				if len(edit.Or) == 0 {
					out[i] = out[i][:1]
				}
			}
		}
	}
	return out
}

func (i item) hasVouch() bool {
	return slices.ContainsFunc(i.ways, func(o option) bool { return o.vouch })
}

func sameText(a, b any) bool {
	x, _ := plainJSON(a)
	y, _ := plainJSON(b)
	return string(x) == string(y)
}
