package approval

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The data that several facts come from. Only what is missing is filled in.

// mostWays bounds the values that are tried for one item.
const mostWays = 64

// files are listed, or their number and size stated, where that is not known.
func (e *editing) files() {
	e.paths()
	for _, fact := range []string{"change.files", "change.directories"} {
		if !e.asks(fact) {
			continue
		}
		var ways []option
		for _, n := range e.counts(fact, 0, 1_000_000) {
			ways = append(ways, option{to: int64(n), apply: func(c *change.Change, _ *Inputs) {
				s := sizeOf(c)
				if fact == "change.files" {
					s.Files = &n
				} else {
					s.Directories = &n
				}
				c.Size = &s
			}})
		}
		e.offer(item{kind: EditSupply, fact: fact, data: "size", facts: []string{fact}}, ways)
	}
	e.lines()
}

// sizeOf is a copy of the size.
func sizeOf(c *change.Change) change.Size {
	if c.Size == nil {
		return change.Size{}
	}
	return *c.Size
}

// paths lists the touched files; as many as the size says.
func (e *editing) paths() {
	if e.c.Files != nil || !e.asks("change.paths") {
		return
	}
	lists := e.lists("change.paths")
	if len(lists) == 0 {
		lists = [][]string{{"file"}}
	}
	plain := lists[0]
	for _, list := range lists {
		if len(list) == 1 && list[0] == "other" {
			plain = list
		}
	}
	for _, n := range e.counts("change.files", 2, 200) {
		lists = append(lists, resized(plain, n))
	}
	if n := sizeOf(e.c).Files; n != nil && *n <= change.MaxFiles {
		for i := range lists {
			lists[i] = resized(lists[i], *n)
		}
	}
	var ways []option
	for _, list := range lists {
		if len(ways) == mostWays || slices.ContainsFunc(list, func(p string) bool { return change.CheckPath(p) != nil }) {
			continue
		}
		files := make([]change.File, len(list))
		for i, p := range list {
			files[i].Path = p
		}
		ways = append(ways, option{to: list, apply: func(c *change.Change, _ *Inputs) { c.Files = files }})
	}
	e.offer(item{kind: EditSupply, fact: "change.paths", data: "files", facts: []string{"change.paths", "change.files", "change.directories"}}, ways)
}

// resized is a list of n paths like those of the list, which has at least one.
func resized(list []string, n int) []string {
	out := slices.Clone(list[:min(n, len(list))])
	for i := len(out); i < n; i++ {
		p := list[i%len(list)]
		out = append(out, path.Join(path.Dir(p), fmt.Sprint("part-", i), path.Base(p)))
	}
	return out
}

// lines are stated as a size, beside the files if they are listed.
func (e *editing) lines() {
	facts := []string{"change.lines_added", "change.lines_deleted", "change.lines_changed"}
	if !e.asks(facts...) {
		return
	}
	stated := sizeOf(e.c)
	added, deleted := stated.LinesAdded, stated.LinesDeleted
	var ways []option
	try := func(a, d int) {
		same := func(w option) bool { return w.to == [2]int{a, d} }
		if a < 0 || d < 0 || added != nil && *added != a || deleted != nil && *deleted != d || len(ways) == mostWays || slices.ContainsFunc(ways, same) {
			return
		}
		ways = append(ways, option{to: [2]int{a, d}, apply: func(c *change.Change, _ *Inputs) {
			s := sizeOf(c)
			s.LinesAdded, s.LinesDeleted = &a, &d
			c.Size = &s
		}})
	}
	const most = 1_000_000
	all, adds, deletes := e.counts(facts[2], 0, most), e.counts(facts[0], 0, most), e.counts(facts[1], 0, most)
	for _, n := range all {
		known := 0
		switch {
		case added != nil:
			known = *added
			try(known, n-known)
		case deleted != nil:
			known = *deleted
			try(n-known, known)
		default:
			try(n, 0)
		}
	}
	if len(adds) > 0 || len(deletes) > 0 {
		for _, a := range orThis(adds, added) {
			for _, d := range orThis(deletes, deleted) {
				try(a, d)
			}
		}
	}
	fact, of := "lines", func(a, d int) any { return [2]int{a, d} }
	switch { // as rules see it, where they see one number
	case len(adds)+len(deletes) == 0:
		fact, of = facts[2], func(a, d int) any { return int64(a + d) }
	case len(all)+len(deletes) == 0:
		fact, of = facts[0], func(a, _ int) any { return int64(a) }
	case len(all)+len(adds) == 0:
		fact, of = facts[1], func(_, d int) any { return int64(d) }
	}
	for i := range ways {
		pair := ways[i].to.([2]int)
		ways[i].to = of(pair[0], pair[1])
	}
	e.offer(item{kind: EditSupply, fact: fact, data: "size", facts: facts}, ways)
}

// orThis is the number that is stated, or else the ones to try, or none.
func orThis(try []int, stated *int) []int {
	switch {
	case stated != nil:
		return []int{*stated}
	case len(try) == 0:
		return []int{0}
	}
	return try
}

// targets are listed where there are none, and told apart where they leave open
// what is where.
func (e *editing) targets() {
	names := []string{"change.environments", "change.regions", "change.targets"}
	if e.c.Targets != nil {
		if !e.c.Observed("targets") {
			e.where(names[0], func(t *change.Target) *string { return &t.Environment })
			e.where(names[1], func(t *change.Target) *string { return &t.Region })
		}
		return
	}
	if !e.asks(names...) {
		return
	}
	environments, regions := orNothing(e.lists(names[0])), orNothing(e.lists(names[1]))
	counts := e.counts(names[2], 0, 200)
	if len(counts) == 0 {
		counts = []int{1}
	}
	var ways []option
	for _, n := range counts {
		for _, in := range environments {
			for _, at := range regions {
				size := max(n, len(in), len(at))
				if n == 0 {
					size = 0
				}
				list := make([]change.Target, size)
				for i := range list {
					list[i] = change.Target{Name: fmt.Sprint("target-", i+1), Environment: pick(in, i), Region: pick(at, i)}
				}
				if to := any(list); len(ways) < mostWays {
					if in == nil && at == nil {
						to = int64(n)
					}
					ways = append(ways, option{to: to, apply: func(c *change.Change, _ *Inputs) { c.Targets = list }})
				}
			}
		}
	}
	i := item{kind: EditSupply, fact: "targets", data: "targets", facts: names}
	if len(environments[0]) == 0 && len(regions[0]) == 0 {
		i.fact = names[2] // rules look at nothing but their number
	}
	e.offer(i, ways)
}

func orNothing(lists [][]string) [][]string {
	if len(lists) == 0 {
		return [][]string{nil}
	}
	return lists
}

func pick(list []string, i int) string {
	if len(list) == 0 {
		return ""
	}
	return list[i%len(list)]
}

// where says where the targets are that do not say so.
func (e *editing) where(fact string, field func(*change.Target) *string) {
	if !e.asks(fact) {
		return
	}
	var ways []option
	for _, list := range e.lists(fact) {
		if len(list) != 1 {
			continue
		}
		ways = append(ways, option{to: list[0], apply: func(c *change.Change, _ *Inputs) {
			c.Targets = slices.Clone(c.Targets)
			for i := range c.Targets {
				if to := field(&c.Targets[i]); *to == "" {
					*to = list[0]
				}
			}
		}})
	}
	e.offer(item{kind: EditSupply, fact: fact, data: "targets", facts: []string{fact}}, ways)
}

// plan is made where there is none, and told where its steps leave open whether
// people carry them out.
func (e *editing) plan() {
	facts := []string{"change.steps", "change.manual_steps", "change.parties"}
	i := item{kind: EditSupply, fact: "plan", data: "plan", facts: facts}
	yes := true
	switch {
	case e.c.Plan != nil && !e.c.Observed("plan") && e.asks(facts[1]):
		i.fact, i.facts = facts[1], facts[1:2]
		e.offer(i, []option{{to: int64(e.manual()), apply: func(c *change.Change, _ *Inputs) {
			c.Plan = slices.Clone(c.Plan)
			for j := range c.Plan {
				if c.Plan[j].Automated == nil {
					c.Plan[j].Automated = &yes
				}
			}
		}}})
	case e.c.Plan == nil && e.asks(facts...):
		e.offer(i, e.plans(facts))
	}
}

// manual counts the steps that are said to be by hand.
func (e *editing) manual() (n int) {
	for _, s := range e.c.Plan {
		if s.Automated != nil && !*s.Automated {
			n++
		}
	}
	return n
}

// plans are plans of the sizes and with the parties that conditions tell apart.
func (e *editing) plans(facts []string) (ways []option) {
	sizes := append([]int{1}, e.counts(facts[0], 1, 100)...)
	manual := append([]int{0}, e.counts(facts[1], 0, 100)...)
	for _, parties := range append([][]string{nil}, e.lists(facts[2])...) {
		for _, n := range sizes {
			for _, by := range manual {
				n := max(n, by, len(parties))
				steps := make([]change.Step, n)
				for i := range steps {
					automated, party := i >= by, change.Owner.String()
					if i < len(parties) {
						party = parties[i]
					}
					steps[i] = change.Step{Title: fmt.Sprint("step ", i+1), Party: party, Automated: &automated}
				}
				if len(ways) < mostWays && !slices.ContainsFunc(ways, func(w option) bool { return samePlan(w.to.([]change.Step), steps) }) {
					ways = append(ways, option{to: steps, apply: func(c *change.Change, _ *Inputs) { c.Plan = steps }})
				}
			}
		}
	}
	return ways
}

func samePlan(a, b []change.Step) bool {
	return slices.EqualFunc(a, b, func(x, y change.Step) bool { return x.Party == y.Party && *x.Automated == *y.Automated })
}

// links are stated where nobody has said how the change relates to others.
func (e *editing) links() {
	facts := []string{"change.depends_on", "change.fixes", "change.reverts", "change.deployed_with"}
	if e.c.Links != nil || !e.asks(facts...) {
		return
	}
	none := []change.Link{}
	ways := []option{{to: none, apply: func(c *change.Change, _ *Inputs) { c.Links = none }}}
	for i, relation := range []change.Relation{change.DependsOn, change.Fixes, change.Reverts, change.DeployedWith} {
		for _, n := range e.counts(facts[i], 1, 20) {
			list := make([]change.Link, n)
			for j := range list {
				list[j] = change.Link{Relation: relation, ID: fmt.Sprint("CHG-", j+1)}
			}
			ways = append(ways, option{to: list, apply: func(c *change.Change, _ *Inputs) { c.Links = list }})
		}
	}
	e.offer(item{kind: EditSupply, fact: "links", data: "links", facts: facts}, ways)
}

// contributors are named where nobody is, and somebody more takes part where
// nobody vouches that these are all.
func (e *editing) contributors() {
	const fact = "change.contributors"
	i := item{kind: EditSupply, fact: fact, data: "contributors", facts: []string{fact}}
	f, _ := e.facts.Get(fact)
	now, known := f.Value().(int64)
	least := 0
	if known {
		if e.c.Observed("contributors") {
			return
		}
		i.kind, i.from, least = EditPrepare, now, int(now)+1
	}
	var ways []option
	for _, n := range e.counts(fact, least, 20) {
		ways = append(ways, option{to: int64(n), apply: func(c *change.Change, _ *Inputs) {
			list := make([]change.Contributor, len(c.Contributors), len(c.Contributors)+n)
			copy(list, c.Contributors)
			for j := int(now); j < n; j++ {
				list = append(list, change.Contributor{ID: fmt.Sprint("another-person-", j+1), As: change.Author})
			}
			c.Contributors = list
		}})
	}
	e.offer(i, ways)
}

// validation is automated, or said to be.
func (e *editing) validation() {
	const fact = "change.validation_automated"
	now := change.Validation{Party: change.Owner}
	if e.c.Validation != nil {
		if e.c.Observed("validation") {
			return
		}
		now = *e.c.Validation
	}
	set := func(b bool) option {
		return option{to: b, apply: func(c *change.Change, _ *Inputs) {
			v := now
			v.Automated = &b
			c.Validation = &v
		}}
	}
	i := item{kind: EditSupply, fact: fact, data: "validation", facts: []string{fact}}
	switch f, _ := e.facts.Get(fact); {
	case f.State == risk.Unknown:
		e.offer(i, []option{set(true), set(false)})
	case f.Value() == false:
		i.kind, i.from = EditPrepare, false
		e.offer(i, []option{set(true)})
	}
}

// backout names a way back where there is none.
func (e *editing) backout() {
	if e.c.Backout != nil {
		return
	}
	there := change.Backout{Plan: "the way back, as the requester will describe it"}
	e.offer(item{kind: EditPrepare, fact: "change.backout", from: false, data: "backout", facts: []string{"change.backout"}},
		[]option{{to: true, apply: func(c *change.Change, _ *Inputs) { c.Backout = &there }}})
}

// relations counts the links by what they say.
func relations(links []change.Link) string {
	var parts []string
	for _, r := range []change.Relation{change.DependsOn, change.Fixes, change.Reverts, change.DeployedWith} {
		n := 0
		for _, l := range links {
			if l.Relation == r {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d as %s", n, r))
		}
	}
	if parts == nil {
		return "none"
	}
	return strings.Join(parts, ", ")
}
