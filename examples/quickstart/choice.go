package main

import (
	"cmp"
	"slices"

	"github.com/changelane/changelane/change"
)

// choice picks rows that together show what there is, without keeping the
// rest: of each mixture of type, level and outcome the first of each service.
type choice struct {
	most  int // rows to pick
	kinds []*mixture
}

type mixture struct {
	kind   change.Type
	level  string
	failed bool
	rows   []row
	seen   map[string]bool // services
}

// offer keeps the row if it shows something that was not seen yet, together
// with its explanation.
func (c *choice) offer(r row, explain func() string) {
	m := c.mixture(r)
	if len(m.rows) >= c.most || m.seen[r.service] && len(m.rows) >= c.most/3 {
		return
	}
	m.seen[r.service] = true
	r.full = explain()
	m.rows = append(m.rows, r)
}

func (c *choice) mixture(r row) *mixture {
	for _, m := range c.kinds {
		if m.kind == r.kind && m.level == r.level && m.failed == r.failed {
			return m
		}
	}
	m := &mixture{kind: r.kind, level: r.level, failed: r.failed, seen: map[string]bool{}}
	c.kinds = append(c.kinds, m)
	return m
}

// rows are the picked ones, oldest first: one of each mixture in turn.
func (c *choice) rows() []row {
	var out []row
	for turn := 0; len(out) < c.most; turn++ {
		before := len(out)
		for _, m := range c.kinds {
			if turn < len(m.rows) && len(out) < c.most {
				out = append(out, m.rows[turn])
			}
		}
		if len(out) == before {
			break
		}
	}
	slices.SortFunc(out, func(a, b row) int { return cmp.Compare(a.number, b.number) })
	return out
}
