package policytest

import (
	"fmt"
	"slices"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Coverage is what the cases show of a policy.
type Coverage struct{ Points []Point }

// Point is one thing of a policy that can go two ways.
type Point struct {
	Place    risk.Place
	What     string // such as "rule big-diff", or "rule big-diff, when: change.lines_added > 400"
	Yes, No  int    // how often the cases show it going the one way and the other
	Open     int    // how often they leave it open: unknown, not applicable, or failed
	yes, no  string // what the two ways are called, such as "counting"
	outcomes func(*approval.Trace) []risk.Truth
}

// Unshown says, with the place, which ways of the point no case shows; "" when both
// are shown.
func (p Point) Unshown() string {
	ways := ""
	switch {
	case p.Yes > 0 && p.No > 0:
		return ""
	case p.Yes > 0:
		ways = p.no
	case p.No > 0:
		ways = p.yes
	default:
		ways = p.yes + ", nor " + p.no
	}
	where := ""
	if p.Place.File != "" {
		where = p.Place.String() + ": "
	}
	return fmt.Sprintf("%sno case shows %s %s", where, p.What, ways)
}

// Share is how many ways of the points of a file are shown, of how many.
type Share struct {
	File      string
	Shown, Of int
}

// Files are the shares of the files, in the order of the points; the last is
// that of all, with the file "".
func (c Coverage) Files() []Share {
	var out []Share
	all := Share{}
	for _, p := range c.Points {
		i := slices.IndexFunc(out, func(s Share) bool { return s.File == p.Place.File })
		if i < 0 {
			out, i = append(out, Share{File: p.Place.File}), len(out)
		}
		for _, n := range []int{p.Yes, p.No} {
			shown := min(n, 1)
			out[i].Of, out[i].Shown = out[i].Of+1, out[i].Shown+shown
			all.Of, all.Shown = all.Of+1, all.Shown+shown
		}
	}
	return append(out, all)
}

// shows reports whether a case can show anything: its change is not refused, and
// somebody has read it.
func shows(c *approval.TestCase) bool { return c.Err == nil && !c.Unread }

// Cover runs the cases and looks at what each part of the policy came to in
// them: rules, cuts, levels, groups, templates, what is forbidden, freezes and
// authority, and each part of their conditions (condition coverage). A change
// that is refused shows nothing, nor does a case that nobody has read. The error
// is that of [approval.New].
func Cover(d approval.Definition, tests approval.TestSuite) (Coverage, error) {
	p, err := approval.New(d)
	if err != nil {
		return Coverage{}, err
	}
	c := &covering{d: d, p: p, facts: p.Rules().Vocabulary()}
	c.scale()
	for _, r := range d.Risk.Rules {
		c.rule(r)
	}
	c.catalogue()
	c.authority()
	c.freezes()
	if c.err != nil {
		return Coverage{}, c.err
	}
	for _, one := range tests.Cases {
		if !shows(&one) {
			continue
		}
		if t := p.Trace(one.Change, approval.Inputs{At: one.At}); t.Err == nil {
			for i := range c.points {
				c.points[i].see(&t)
			}
		}
	}
	return Coverage{c.points}, nil
}

func (p *Point) see(t *approval.Trace) {
	for _, truth := range p.outcomes(t) {
		switch truth {
		case risk.True:
			p.Yes++
		case risk.False:
			p.No++
		default:
			p.Open++
		}
	}
}

// covering is a coverage in the making.
type covering struct {
	d      approval.Definition
	p      *approval.Policy
	facts  *risk.Vocabulary
	points []Point
	err    error
}

func (c *covering) add(at risk.Place, what, yes, no string, is func(*approval.Trace) bool) {
	c.points = append(c.points, Point{Place: at, What: what, yes: yes, no: no, outcomes: func(t *approval.Trace) []risk.Truth {
		if is(t) {
			return []risk.Truth{risk.True}
		}
		return []risk.Truth{risk.False}
	}})
}

// counts reports whether a line of the reasons is about a rule, a group or the
// default.
func counts(id string) func(*approval.Trace) bool {
	return func(t *approval.Trace) bool {
		return slices.ContainsFunc(t.Assessment.Reasons, func(r risk.Reason) bool { return r.Rule == id })
	}
}

func (c *covering) scale() {
	r := c.d.Risk
	for _, l := range r.Levels {
		c.add(r.Place("levels/"+l.Name), "the level "+l.Name, "reached", "not reached", func(t *approval.Trace) bool { return t.Assessment.Level.String() == l.Name })
	}
	c.add(r.Place("default"), "the default", "counting", "not counting", counts("default"))
	for _, g := range r.Groups {
		c.add(r.Place("groups/"+g.Name), "the group "+g.Name, "at its bound", "within its bounds", counts("group "+g.Name))
	}
}

func (c *covering) rule(r risk.Rule) {
	what := "the rule " + r.ID
	c.add(r.Place("", 0, 0), what, "counting", "not counting", counts(r.ID))
	for field, source := range fields("for", r.For, "when", r.When) {
		c.condition(what+", "+field, source, c.facts, nil, func(line, column int) risk.Place { return r.Place(field, line, column) }, overChange)
	}
	for i, cut := range r.Cuts {
		next := slices.Clone(r.Cuts[i+1:])
		c.add(r.Place(fmt.Sprintf("cuts/%d", i), 0, 0), fmt.Sprintf("%s, the cut at %s", what, number(cut.From)), "reached", "not reached", func(t *approval.Trace) bool {
			n, known := numberOf(t, r.Bands)
			return known && n >= cut.From && (len(next) == 0 || n < next[0].From)
		})
	}
}

// fields goes over pairs of a name and a text, and leaves out empty texts.
func fields(pairs ...string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" && !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

// numberOf is the value of a fact that is a number.
func numberOf(t *approval.Trace, fact string) (n float64, known bool) {
	f, _ := t.Facts.Get(fact)
	switch v := f.Value().(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func (c *covering) catalogue() {
	for _, t := range c.d.Templates {
		what := "the template " + t.ID
		c.add(t.Place("", 0, 0), what, "used", "not used", func(got *approval.Trace) bool { return got.Template == t.ID })
		for field, source := range fields("covers", t.Covers, "except", t.Except) {
			c.condition(what+", "+field, source, c.facts, nil, func(line, column int) risk.Place { return t.Place(field, line, column) }, overChange)
		}
	}
	for _, f := range c.d.Forbid {
		c.condition("forbid "+f.ID, f.When, c.facts, nil, func(line, column int) risk.Place { return f.Place("when", line, column) }, overChange)
	}
}

func (c *covering) authority() {
	for i, r := range c.d.Authority.Rules {
		what := fmt.Sprintf("authority rule %d", i+1)
		if r.When != "" {
			c.condition(what, r.When, c.facts, c.d.Extras(), func(line, column int) risk.Place { return r.Place("when", line, column) }, overLevel)
		}
		for _, n := range r.Needs {
			if n.Each != "" {
				c.condition(what+", each", n.Each, c.p.CarriedVocabulary(), nil, func(line, column int) risk.Place { return n.Place("each", line, column) }, overCarried)
			}
		}
	}
}

func (c *covering) freezes() {
	for _, f := range c.d.Calendar.Freezes {
		what := "the freeze " + f.ID
		c.add(f.Place("", 0, 0), what, "in force", "not in force", func(t *approval.Trace) bool { return slices.Contains(t.Freezes, f.ID) })
		if f.For != "" {
			c.condition(what+", for", f.For, c.facts, nil, func(line, column int) risk.Place { return f.Place("for", line, column) }, overChange)
		}
	}
}

// asking decides a condition in one case, once or several times.
type asking func(*risk.Condition, *approval.Trace) []risk.Truth

func overChange(c *risk.Condition, t *approval.Trace) []risk.Truth {
	truth, _ := c.Decide(t.Facts)
	return []risk.Truth{truth}
}

// overLevel asks at the level that the case came to. Of a standard change nobody
// asks who must say yes.
func overLevel(c *risk.Condition, t *approval.Trace) []risk.Truth {
	if t.Type == change.Standard {
		return nil
	}
	truth, _ := c.Decide(t.Facts, t.Type.String(), t.Assessment.Level.String())
	return []risk.Truth{truth}
}

// overCarried asks once for each service that is carried.
func overCarried(c *risk.Condition, t *approval.Trace) []risk.Truth {
	if t.Type == change.Standard {
		return nil
	}
	var out []risk.Truth
	for _, f := range t.Carried {
		truth, _ := c.Decide(f)
		out = append(out, truth)
	}
	return out
}

// condition adds a condition, and its parts where it has several.
func (c *covering) condition(what, source string, v *risk.Vocabulary, extras []risk.Extra, place func(line, column int) risk.Place, ask asking) {
	parts, err := v.Parts(source, extras...)
	if err != nil {
		c.err = err
		return
	}
	if len(parts) > 1 {
		parts = append([]risk.Part{{Source: source}}, parts...)
	}
	for i, part := range parts {
		compiled, err := v.Condition(part.Source, extras...)
		if err != nil {
			c.err = err
			return
		}
		name := what
		if i > 0 {
			name = what + ": " + part.Source
		}
		c.points = append(c.points, Point{Place: place(part.Line, part.Column), What: name, yes: "true", no: "false",
			outcomes: func(t *approval.Trace) []risk.Truth { return ask(compiled, t) }})
	}
}
