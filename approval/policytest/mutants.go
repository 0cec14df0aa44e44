package policytest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Mutant is a policy with one small change.
type Mutant struct {
	Place   risk.Place // of the change; the zero Place where the policy was built in Go
	Part    string     // of the policy, such as "rule big-diff"
	Field   string     // of the part, such as "when"
	Kind    string     // of the change: as in [risk.Mutant], or "points", "level", "quorum" or "time"
	Was, Is string     // what was changed, and to what; "" is nothing
	Fate    Fate
	Why     string   // the case that killed it, or what the loader says; of one that survived, a case that would kill it, once somebody has read that case
	Witness *Witness // of one that survived, where there is no such case and one was found

	apply func(*approval.Definition)
	same  func() bool     // whether it is proven that it decides as the policy does; nil: it is not
	facts []risk.Boundary // of the facts that what was changed reads
	at    []string        // the services whose changes can tell it; nil: all
	days  []time.Time     // when to look for a change that tells it, where that is another time than that of the cases
	tells *pair           // where nothing follows from what was changed but by a condition over the facts of the change
}

// pair is a condition before and after it was changed, or twice the same where
// what follows from it was.
type pair struct {
	was, is *risk.Condition
	extras  []risk.Extra
}

// answers are what the two come to, once for each value of the extra facts.
func (p *pair) answers(f risk.Facts) func(func(was, is risk.Truth) bool) {
	return func(yield func(was, is risk.Truth) bool) {
		ask := func(extras ...any) bool {
			was, _ := p.was.Decide(f, extras...)
			is, _ := p.is.Decide(f, extras...)
			return yield(was, is)
		}
		if len(p.extras) == 0 {
			ask()
			return
		}
		for _, kind := range p.extras[0].Words {
			for _, level := range p.extras[1].Words {
				if !ask(kind, level) {
					return
				}
			}
		}
	}
}

// idle reports whether neither holds, nor is open: then nothing can follow from
// either.
func (p *pair) idle(f risk.Facts) bool {
	for was, is := range p.answers(f) {
		if was != risk.False && was != risk.Inapplicable || is != risk.False && is != risk.Inapplicable {
			return false
		}
	}
	return true
}

// String is the mutant in one line, without its fate.
func (m Mutant) String() string {
	where := ""
	if m.Place.File != "" {
		where = m.Place.String() + ": "
	}
	field := m.Part
	if m.Field != "" {
		field += ", " + m.Field
	}
	switch {
	case m.Is == "":
		return fmt.Sprintf("%s%s: %s left out", where, field, m.Was)
	case m.Was == "":
		return fmt.Sprintf("%s%s: %s put in", where, field, m.Is)
	}
	return fmt.Sprintf("%s%s: %s changed to %s", where, field, m.Was, m.Is)
}

// Fate is what became of a mutant.
type Fate uint8

// The zero Fate is that no case fails.
const (
	Survived   Fate = iota
	Killed          // a case fails
	Refused         // it does not load
	Equivalent      // it decides as the policy does, whatever the change to whatever service, so that nothing should kill it
)

// String is the word for it.
func (f Fate) String() string {
	words := [...]string{"survived", "killed", "refused", "equivalent"}
	if int(f) >= len(words) {
		return fmt.Sprintf("Fate(%d)", uint8(f))
	}
	return words[f]
}

// making lists the mutants of a definition, in the order of its parts.
type making struct {
	d      approval.Definition
	p      *approval.Policy
	facts  *risk.Vocabulary
	levels []string
	prover *risk.Prover // for changes to the services that there are, and to others
	out    []Mutant
	err    error
}

// mutants are all mutants of a definition, those that mean the same too.
func mutants(d approval.Definition, p *approval.Policy) ([]Mutant, error) {
	m := &making{d: d, p: p, facts: p.Rules().Vocabulary(), levels: d.Extras()[1].Words}
	m.prover = m.facts.Prover(append(situations(d, func(change.Service) bool { return true }), risk.Situation{}))
	m.models()
	m.services()
	m.applies()
	m.scale()
	for i := range d.Risk.Rules {
		m.rule(i)
	}
	m.templates()
	m.forbid()
	m.authority()
	m.freezes()
	m.workingTime()
	return m.out, m.err
}

// edited is a copy of a list with one element changed: mutants share the rest.
func edited[T any](list []T, i int, do func(*T)) []T {
	out := slices.Clone(list)
	do(&out[i])
	return out
}

// without is a copy of a list that lacks an element.
func without[T any](list []T, i int) []T { return slices.Delete(slices.Clone(list), i, i+1) }

func (m *making) add(one Mutant) { m.out = append(m.out, one) }

// text is a condition of a policy, and how to put another in its place.
type text struct {
	part, field, source string
	vocabulary          *risk.Vocabulary
	extras              []risk.Extra
	place               func(line, column int) risk.Place
	set                 func(*approval.Definition, string)
	elsewhere           bool             // it is asked over other facts than those of the change too
	prover              *risk.Prover     // for the services for which it matters; nil: all
	same                func(*pair) bool // whether it is proven that the two decide the same; nil: asked of the prover
}

// condition adds the mutants of a condition.
func (m *making) condition(t text) {
	if t.source == "" {
		return
	}
	found, err := t.vocabulary.Mutants(t.source, t.extras...)
	if err != nil {
		m.err = err
		return
	}
	for _, one := range found {
		mutant := Mutant{Place: t.place(one.Line, one.Column), Part: t.part, Field: t.field, Kind: one.Kind, Was: one.Was, Is: one.Is,
			apply: func(d *approval.Definition) { t.set(d, one.Source) }}
		if one.Same {
			mutant.Fate = Equivalent
		}
		if mutant.facts, m.err = t.vocabulary.Boundaries([]string{t.source, one.Source}, t.extras...); m.err != nil {
			return
		}
		if !t.elsewhere {
			mutant.tells = m.pair(t.source, one.Source, t.extras)
			mutant.same = m.proof(mutant.tells, t)
		}
		m.add(mutant)
	}
}

func (m *making) pair(was, is string, extras []risk.Extra) *pair {
	a, err := m.facts.Condition(was, extras...)
	b, err2 := m.facts.Condition(is, extras...)
	if err := errors.Join(err, err2); err != nil {
		m.err = err
		return nil
	}
	return &pair{a, b, extras}
}

// proof tells whether a changed condition comes to the same for all services that
// there are.
func (m *making) proof(tells *pair, t text) func() bool {
	switch {
	case tells == nil:
		return nil
	case t.same != nil:
		return func() bool { return t.same(tells) }
	case t.prover == nil:
		t.prover = m.prover
	}
	return func() bool { return t.prover.Same(tells.was, tells.is) }
}

// situations are those of the services of a policy that are so.
func situations(d approval.Definition, are func(change.Service) bool) []risk.Situation {
	var out []risk.Situation
	for i := range d.Services {
		if are(d.Services[i]) {
			out = append(out, risk.Situation{Service: &d.Services[i]})
		}
	}
	return out
}

// boundaries are those of conditions over the facts of the rules.
func (m *making) boundaries(conditions ...string) []risk.Boundary {
	conditions = slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	out, err := m.facts.Boundaries(conditions)
	if err != nil {
		m.err = err
	}
	return out
}

// number adds mutants that shift a whole number by one.
func (m *making) number(one Mutant, n int, set func(*approval.Definition, int)) {
	for _, to := range []int{n - 1, n + 1} {
		one.Was, one.Is = strconv.Itoa(n), strconv.Itoa(to)
		one.apply = func(d *approval.Definition) { set(d, to) }
		m.add(one)
	}
}

// level adds mutants that put the levels beside a level in its place; beyond is
// what may stand below the lowest, "" for nothing.
func (m *making) level(one Mutant, is, beyond string, set func(*approval.Definition, string)) {
	scale := slices.Clone(m.levels)
	if beyond != "" {
		scale = slices.Insert(scale, 0, beyond)
	}
	at := slices.Index(scale, is)
	for _, to := range []int{at - 1, at + 1} {
		if at < 0 || to < 0 || to >= len(scale) {
			continue
		}
		one.Kind, one.Was, one.Is = "level", is, scale[to]
		one.apply = func(d *approval.Definition) { set(d, scale[to]) }
		m.add(one)
	}
}

// drop adds a mutant that leaves something out.
func (m *making) drop(one Mutant, was string, do func(*approval.Definition)) {
	one.Kind, one.Was, one.Is, one.apply = "dropped", was, "", do
	m.add(one)
}

func (m *making) applies() {
	for i, a := range m.d.Applies {
		part := "applies " + a.Fact
		m.drop(Mutant{Place: a.Place(0, 0), Part: part, facts: m.boundaries(a.For)}, "the line", func(d *approval.Definition) {
			d.Applies = without(d.Applies, i)
		})
		m.condition(text{part: part, source: a.For, vocabulary: m.facts, elsewhere: true, place: a.Place, set: func(d *approval.Definition, s string) {
			d.Applies = edited(d.Applies, i, func(a *risk.Applicability) { a.For = s })
		}})
	}
}

// scale is about levels, the default and groups.
func (m *making) scale() {
	r := m.d.Risk
	for i, l := range r.Levels[1:] {
		m.number(Mutant{Place: r.Place("levels/" + l.Name), Part: "level " + l.Name, Kind: "threshold"}, l.From, func(d *approval.Definition, n int) {
			d.Risk.Levels = edited(d.Risk.Levels, i+1, func(l *risk.LevelDefinition) { l.From = n })
		})
	}
	m.level(Mutant{Place: r.Place("default"), Part: "default level"}, r.Default, "", func(d *approval.Definition, s string) { d.Risk.Default = s })
	for i, g := range r.Groups {
		set := func(do func(*risk.Group, *int)) func(*approval.Definition, int) {
			return func(d *approval.Definition, n int) {
				d.Risk.Groups = edited(d.Risk.Groups, i, func(g *risk.Group) { do(g, &n) })
			}
		}
		if g.Cap != nil {
			m.number(Mutant{Place: r.Place("groups/" + g.Name + "/cap"), Part: "group " + g.Name, Field: "cap", Kind: "threshold"}, *g.Cap,
				set(func(g *risk.Group, n *int) { g.Cap = n }))
		}
		if g.Min != nil {
			m.number(Mutant{Place: r.Place("groups/" + g.Name + "/floor"), Part: "group " + g.Name, Field: "floor", Kind: "threshold"}, *g.Min,
				set(func(g *risk.Group, n *int) { g.Min = n }))
		}
	}
}

func (m *making) rule(i int) {
	r := m.d.Risk.Rules[i]
	part := "rule " + r.ID
	set := func(do func(*risk.Rule)) func(*approval.Definition) {
		return func(d *approval.Definition) { d.Risk.Rules = edited(d.Risk.Rules, i, do) }
	}
	in := func(field string, do func(*risk.Rule, string)) text {
		return text{part: part, field: field, vocabulary: m.facts,
			place: func(line, column int) risk.Place { return r.Place(field, line, column) },
			set:   func(d *approval.Definition, s string) { set(func(r *risk.Rule) { do(r, s) })(d) }}
	}
	around := m.ruleBoundaries(r)
	var tells *pair
	if r.When != "" {
		tells = m.pair(r.When, r.When, nil)
	}
	at := func(field string) Mutant {
		return Mutant{Place: r.Place(field, 0, 0), Part: part, Field: field, facts: around, tells: tells}
	}
	if r.Points != 0 {
		points := at("points")
		points.Kind = "points"
		m.number(points, r.Points, func(d *approval.Definition, n int) { set(func(r *risk.Rule) { r.Points = n })(d) })
		points.Was, points.Is, points.apply = strconv.Itoa(r.Points), strconv.Itoa(-r.Points), set(func(r *risk.Rule) { r.Points = -r.Points })
		m.add(points)
	}
	if r.Floor != "" {
		m.level(at("floor"), r.Floor, "", func(d *approval.Definition, s string) { set(func(r *risk.Rule) { r.Floor = s })(d) })
	}
	if r.Floor != "" && r.Points > 0 {
		m.drop(at("floor"), r.Floor, set(func(r *risk.Rule) { r.Floor = "" }))
	}
	if r.Group != "" {
		m.drop(at("group"), r.Group, set(func(r *risk.Rule) { r.Group = "" }))
	}
	if r.For != "" {
		m.drop(at("for"), "the condition", set(func(r *risk.Rule) { r.For = "" }))
		t := in("for", func(r *risk.Rule, s string) { r.For = s })
		t.source = r.For
		m.condition(t)
	}
	t := in("when", func(r *risk.Rule, s string) { r.When = s })
	t.source = r.When
	m.condition(t)
	m.cuts(r, at, set)
	if r.Observed {
		m.drop(at("trust"), "observed", set(func(r *risk.Rule) { r.Observed = false }))
	}
}

func (m *making) ruleBoundaries(r risk.Rule) []risk.Boundary {
	if r.Bands == "" {
		return m.boundaries(r.When, r.For)
	}
	conditions := []string{r.For}
	for _, c := range r.Cuts {
		conditions = append(conditions, atLeast(r.Bands, c.From))
	}
	return m.boundaries(conditions...)
}

// atLeast is the condition that a cut stands for.
func atLeast(fact string, n float64) string {
	return fact + " >= " + strconv.FormatFloat(n, 'f', -1, 64)
}

func (m *making) cuts(r risk.Rule, at func(string) Mutant, set func(func(*risk.Rule)) func(*approval.Definition)) {
	for j, c := range r.Cuts {
		one := at("cuts")
		one.Place, one.Kind = r.Place(fmt.Sprintf("cuts/%d", j), 0, 0), "points"
		cut := func(do func(*risk.Cut)) func(*approval.Definition) {
			return set(func(r *risk.Rule) { r.Cuts = edited(r.Cuts, j, do) })
		}
		m.number(one, c.Points, func(d *approval.Definition, n int) { cut(func(c *risk.Cut) { c.Points = n })(d) })
		one.Kind, one.Was = "threshold", number(c.From)
		for _, to := range beside(c.From) {
			one.Is, one.apply = number(to), cut(func(c *risk.Cut) { c.From = to })
			one.facts = m.boundaries(atLeast(r.Bands, c.From))
			one.same = m.nothingBetween(r.Bands, c.From, to)
			m.add(one)
		}
	}
}

// nothingBetween tells whether the fact has no value between a cut and where it
// was moved to.
func (m *making) nothingBetween(fact string, from, to float64) func() bool {
	return func() bool {
		was, err := m.facts.Condition(atLeast(fact, from))
		is, err2 := m.facts.Condition(atLeast(fact, to))
		if err != nil || err2 != nil {
			return false
		}
		one, other := []*risk.Condition{was}, []*risk.Condition{is}
		return m.prover.Never(one, other) && m.prover.Never(other, one)
	}
}

// beside are the numbers one step below and above: 1, or one of the last digit
// that a person would write.
func beside(n float64) []float64 {
	_, fraction, _ := strings.Cut(number(n), ".")
	scale := math.Pow10(len(fraction))
	return []float64{(math.Round(n*scale) - 1) / scale, (math.Round(n*scale) + 1) / scale}
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func (m *making) templates() {
	for i, t := range m.d.Templates {
		part := "template " + t.ID
		set := func(do func(*approval.Template)) func(*approval.Definition) {
			return func(d *approval.Definition) { d.Templates = edited(d.Templates, i, do) }
		}
		m.level(Mutant{Place: t.Place("ceiling", 0, 0), Part: part, Field: "ceiling"}, t.Ceiling, "", func(d *approval.Definition, s string) {
			set(func(t *approval.Template) { t.Ceiling = s })(d)
		})
		bound := m.prover.In(situations(m.d, fitting(t.BoundTo)))
		in := func(field, source string, do func(*approval.Template, string)) text {
			return text{part: part, field: field, source: source, vocabulary: m.facts, prover: bound,
				place: func(line, column int) risk.Place { return t.Place(field, line, column) },
				set:   func(d *approval.Definition, s string) { set(func(t *approval.Template) { do(t, s) })(d) }}
		}
		m.bound(t, part, set)
		m.approved(t, part, set)
		m.ends(t, part, set)
		covers := in("covers", t.Covers, func(t *approval.Template, s string) { t.Covers = s })
		covers.same = m.coversAlike(t)
		m.condition(covers)
		if t.Except != "" {
			m.drop(Mutant{Place: t.Place("except", 0, 0), Part: part, Field: "except", facts: m.boundaries(t.Except)}, "the condition",
				set(func(t *approval.Template) { t.Except = "" }))
			m.condition(in("except", t.Except, func(t *approval.Template, s string) { t.Except = s }))
		}
	}
}

func (m *making) forbid() {
	for i, f := range m.d.Forbid {
		part := "forbid " + f.ID
		m.drop(Mutant{Place: f.Place("", 0, 0), Part: part, facts: m.boundaries(f.When)}, "all of it", func(d *approval.Definition) {
			d.Forbid = without(d.Forbid, i)
		})
		m.condition(text{part: part, field: "when", source: f.When, vocabulary: m.facts,
			place: func(line, column int) risk.Place { return f.Place("when", line, column) },
			set: func(d *approval.Definition, s string) {
				d.Forbid = edited(d.Forbid, i, func(f *approval.Forbid) { f.When = s })
			}})
	}
}

func (m *making) freezes() {
	for i, f := range m.d.Calendar.Freezes {
		part := "freeze " + f.ID
		set := func(do func(*approval.Freeze)) func(*approval.Definition) {
			return func(d *approval.Definition) { d.Calendar.Freezes = edited(d.Calendar.Freezes, i, do) }
		}
		at := func(field string) Mutant {
			return Mutant{Place: f.Place(field, 0, 0), Part: part, Field: field, facts: m.boundaries(f.For)}
		}
		m.drop(at(""), "all of it", func(d *approval.Definition) {
			d.Calendar.Freezes = without(d.Calendar.Freezes, i)
		})
		m.every(f, part, set)
		ceiling := at("ceiling")
		ceiling.same = m.ceilingIdle(f)
		m.level(ceiling, f.Ceiling, "none", func(d *approval.Definition, s string) { set(func(f *approval.Freeze) { f.Ceiling = s })(d) })
		if f.For != "" {
			m.drop(at("for"), "the condition", set(func(f *approval.Freeze) { f.For = "" }))
			m.condition(text{part: part, field: "for", source: f.For, vocabulary: m.facts, elsewhere: true,
				place: func(line, column int) risk.Place { return f.Place("for", line, column) },
				set:   func(d *approval.Definition, s string) { set(func(f *approval.Freeze) { f.For = s })(d) }})
		}
		if f.Override == "" {
			continue
		}
		m.drop(at("override"), f.Override, set(func(f *approval.Freeze) { f.Override, f.HoldEmergencies = "", false }))
		held := map[bool]string{true: "hold", false: "pass"}
		one := at("emergencies")
		one.Kind, one.Was, one.Is = "word", held[f.HoldEmergencies], held[!f.HoldEmergencies]
		one.apply = set(func(f *approval.Freeze) { f.HoldEmergencies = !f.HoldEmergencies })
		m.add(one)
	}
}
