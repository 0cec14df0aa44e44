package approval

import "github.com/changelane/changelane/risk"

// factReaders read of a change what the policy looks at, and no more.
type factReaders struct {
	change  *risk.Reader // for everything about the change and its service
	freezes *risk.Reader // of a carried service, for freezes
	each    *risk.Reader // of a change and one carried service, for "each"
}

func (p *Policy) newReaders() factReaders {
	var all, freezes, each []*risk.Condition
	for _, t := range p.templates {
		all = append(all, t.covers, t.except)
	}
	for _, f := range p.forbid {
		all = append(all, f.when)
	}
	for _, f := range p.freezes {
		freezes = append(freezes, f.only)
	}
	for _, r := range p.authority {
		all = append(all, r.when)
		for _, n := range r.needs {
			each = append(each, n.each)
		}
	}
	facts := p.rules.Vocabulary()
	out := factReaders{change: facts.Reader(p.rules, append(all, freezes...)...), freezes: facts.Reader(nil, freezes...)}
	if p.carried != nil {
		out.each = p.carried.Reader(nil, each...)
	}
	return out
}
