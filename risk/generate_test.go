package risk_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// random makes policies, changes and situations; all of it follows from its
// seed.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 26))} }

func pick[T any](r random, list ...T) T { return list[r.IntN(len(list))] }

func (r random) chance(percent int) bool { return r.IntN(100) < percent }

// maybe is a pointer to one of the values, or nil one time in four.
func maybe[T any](r random, list ...T) *T {
	if r.chance(25) {
		return nil
	}
	v := pick(r, list...)
	return &v
}

// cond is a condition as a tree: the generator writes it as text, and the
// oracle evaluates it without reading that text.
type cond struct {
	op          string // "and", "or", "not", "choice", or the form of an atom
	args        []*cond
	fact, other string
	sign        string
	number      string // as it is written
	written     string // a quantity that is that number; "" for none
	set         string // the set that texts are the items of; "" for none
	texts       []string
}

func (c *cond) String() string {
	arg := func(i int) string { return "(" + c.args[i].String() + ")" }
	switch c.op {
	case "and", "or":
		return arg(0) + " " + c.op + " " + arg(1)
	case "not":
		return "not " + arg(0)
	case "choice":
		return arg(0) + " ? " + arg(1) + " : " + arg(2)
	case "flag":
		return c.fact
	case "number":
		return c.fact + " " + c.sign + " " + cmp.Or(c.written, c.number)
	case "sum":
		return c.fact + " + " + c.other + " " + c.sign + " " + c.number
	case "times": // leaves 64 bits for all but the smallest numbers
		return c.fact + " * 999999999999999999 " + c.sign + " " + c.number
	case "ratio":
		return "100 / " + c.fact + " " + c.sign + " " + c.number
	case "text", "member", "search":
		return c.side() + " " + c.sign + " " + c.side2()
	case "in":
		if c.set != "" {
			return c.fact + " " + c.sign + " sets." + c.set
		}
		return c.fact + " " + c.sign + " [\"" + strings.Join(c.texts, `", "`) + `"]`
	case "length":
		return "len(" + c.fact + ") " + c.sign + " " + c.number
	case "lower":
		return "lower(" + c.fact + `) == "` + c.texts[0] + `"`
	case "any", "all", "none", "one":
		return fmt.Sprintf(`%s(%s, # %s "%s")`, c.op, c.fact, c.sign, c.texts[0])
	case "count":
		return fmt.Sprintf(`count(%s, # contains "%s") %s %s`, c.fact, c.texts[0], c.sign, c.number)
	case "same": // an element that is what another fact says
		return fmt.Sprintf(`any(%s, # == %s)`, c.fact, c.other)
	case "touches":
		if c.set != "" {
			return "touches(sets." + c.set + ")"
		}
		return `touches("` + c.texts[0] + `")`
	case "known":
		return "known(" + c.fact + ")"
	}
	panic("no form " + c.op)
}

func (c *cond) side() string {
	if c.op == "member" {
		return strconv.Quote(c.texts[0])
	}
	return c.fact
}

func (c *cond) side2() string {
	if c.op == "member" {
		return c.fact
	}
	return strconv.Quote(c.texts[0])
}

// Constants and the values of facts are the same few, so that boundaries are met.
var (
	wholes   = []int{0, 1, 2, 3, 9, 10, 400, 1_000_000_000}
	decimals = []float64{0, 0.05, 0.1, 0.5, 1, 2.5, 99.9, 1_000_000}
	snippets = []string{"db", "a", "x", "urgent", "A"}
	globs    = []string{"db/**", "*.go", "**/b.sql", "db/*/b.sql", "a/?.tf"}
	paths    = []string{"db/b.sql", "db/x/b.sql", "a/b.tf", "main.go", "a/bb.tf", "x/y/z"}
	services = []string{"payments-api", "ledger", "edge"}
	teams    = []string{"payments", "platform"}
	models   = []string{"ops-run-it", "you-build-it-you-run-it"}
	schemas  = `{"type": "object", "additionalProperties": false, "properties": {
		"cost": {"type": "number"}, "seats": {"type": "integer"}, "pii": {"type": "boolean"},
		"outage_minutes": {"type": "integer", "minimum": 0, "maximum": 600}, "class": {"enum": ["gold", "silver"]}, "note": {"type": "string", "maxLength": 40},
		"labels": {"type": "array", "maxItems": 20, "items": {"type": "string", "maxLength": 40}}}}`
)

// policy is a random rule set, and what it was made from.
type policy struct {
	rules   *risk.RuleSet
	d       risk.Definition
	when    []*cond // by rule; nil for bands
	only    []*cond // by rule; nil for all services
	applies []applies
}

type applies struct {
	fact string
	when *cond
}

// writer makes conditions over some facts.
type writer struct {
	random
	facts    []risk.FactInfo
	presence bool // known() may be asked
}

// serviceOnly are the facts that "for" may read.
func (w writer) serviceOnly() writer {
	var out []risk.FactInfo
	for _, f := range w.facts {
		if strings.HasPrefix(f.Name, "service.") {
			out = append(out, f)
		}
	}
	w.facts = out
	return w
}

func (w writer) cond(depth int) *cond {
	if depth == 0 || w.chance(35) {
		return w.atom()
	}
	switch w.IntN(7) {
	case 0, 1, 2:
		return &cond{op: "and", args: []*cond{w.cond(depth - 1), w.cond(depth - 1)}}
	case 3, 4:
		return &cond{op: "or", args: []*cond{w.cond(depth - 1), w.cond(depth - 1)}}
	case 5:
		return &cond{op: "not", args: []*cond{w.cond(depth - 1)}}
	}
	return &cond{op: "choice", args: []*cond{w.cond(depth - 1), w.cond(depth - 1), w.cond(depth - 1)}}
}

func (w writer) ofType(kind string) []risk.FactInfo {
	var out []risk.FactInfo
	for _, f := range w.facts {
		if f.Type == kind {
			out = append(out, f)
		}
	}
	return out
}

// openText is a text that may hold anything, of those that may be read.
func (w writer) openText() string {
	for _, f := range w.ofType("a text") {
		if f.Words == nil && w.chance(30) {
			return f.Name
		}
	}
	return "service.supplier"
}

func (w writer) atom() *cond {
	f := pick(w.random, w.facts...)
	c := &cond{fact: f.Name, sign: pick(w.random, "==", "!=", "<", "<=", ">", ">="), texts: []string{pick(w.random, snippets...)}}
	c.number = strconv.Itoa(pick(w.random, wholes...))
	if w.presence && w.chance(4) {
		c.op = "known"
		return c
	}
	switch f.Type {
	case "true or false":
		c.op = "flag"
	case "a whole number":
		w.wholeAtom(c)
	case "a decimal number":
		c.op = pick(w.random, "number", "number", "number", "ratio")
		c.number = strconv.FormatFloat(pick(w.random, decimals...), 'f', -1, 64)
	case "a text":
		w.textAtom(c, f)
	default:
		w.listAtom(c, f)
	}
	if c.op == "number" && f.Range != nil { // another number would not load
		c.number = strconv.FormatFloat(pick(w.random, f.Range[0], f.Range[1], (f.Range[0]+f.Range[1])/2), 'f', -1, 64)
	}
	w.span(c, f)
	return c
}

func (w writer) wholeAtom(c *cond) {
	c.op = pick(w.random, "number", "number", "number", "number", "sum", "times", "ratio")
	if w.chance(20) {
		c.number += ".5"
	}
	c.other = pick(w.random, w.ofType("a whole number")...).Name
}

func (w writer) textAtom(c *cond, f risk.FactInfo) {
	if set := setFor(f); set != "" && w.chance(25) {
		c.op, c.sign, c.set, c.texts = "in", pick(w.random, "in", "not in"), set, setItems(set)
		return
	}
	if f.Words != nil {
		c.texts = []string{pick(w.random, f.Words...)}
		c.op, c.sign = "text", pick(w.random, "==", "!=")
		if w.chance(40) {
			c.op, c.sign, c.texts = "in", pick(w.random, "in", "not in"), append(c.texts, pick(w.random, f.Words...))
		}
		return
	}
	c.op = pick(w.random, "text", "search", "length", "lower")
	if c.op == "search" {
		c.sign = pick(w.random, "startsWith", "endsWith", "contains", "matches")
	}
}

func (w writer) listAtom(c *cond, f risk.FactInfo) {
	c.op = pick(w.random, "member", "length", "any", "all", "none", "one", "count", "same")
	switch c.op {
	case "member":
		c.sign = "in"
		if f.Words != nil {
			c.texts = []string{pick(w.random, f.Words...)}
		}
	case "any", "all", "none", "one":
		c.sign = pick(w.random, "startsWith", "endsWith", "contains")
	case "same":
		c.other = pick(w.random, "service.supplier", "service.supplier", w.openText())
	}
	if f.Name == "change.paths" && w.chance(50) {
		c.op, c.texts = "touches", []string{pick(w.random, globs...)}
		if w.chance(30) {
			c.set, c.texts = "schema_paths", setItems("schema_paths")
		}
	}
}

// vocabulary makes one with random applicabilities.
func (r random) vocabulary(tb testing.TB, presence bool) (*risk.Vocabulary, writer, []applies) {
	opts := risk.VocabularyOptions{Evidence: []string{"smoke", "load"}, Attributes: []byte(schemas), Services: services, Teams: teams, Models: models, Sets: generatedSets}
	plain, err := risk.NewVocabulary(opts)
	if err != nil {
		tb.Fatal(err)
	}
	w := writer{r, plain.Describe(), presence}
	var made []applies
	for range r.IntN(5) {
		a := applies{pick(r, w.facts...).Name, w.serviceOnly().cond(1)}
		if slices.ContainsFunc(made, func(o applies) bool { return o.fact == a.fact }) {
			continue
		}
		made = append(made, a)
		opts.Applies = append(opts.Applies, risk.Applicability{Fact: a.fact, For: a.when.String()})
	}
	v, err := risk.NewVocabulary(opts)
	if err != nil {
		tb.Fatal(err)
	}
	return v, w, made
}

// policy makes a rule set of n rules.
func (r random) policy(tb testing.TB, n int, presence bool) policy {
	v, w, applies := r.vocabulary(tb, presence)
	p := policy{applies: applies, d: risk.Definition{
		Levels:  []risk.LevelDefinition{{Name: "low"}, {Name: "medium", From: pick(r, 10, 25)}, {Name: "high", From: pick(r, 26, 50)}},
		Default: pick(r, "medium", "high"),
	}}
	limit, least := pick(r, 0, 10, 30), -pick(r, 0, 5, 20)
	p.d.Groups = []risk.Group{{Name: "capped", Cap: &limit}, {Name: "both", Cap: &limit, Min: &least}, {Name: "floored", Min: &least}}[:r.IntN(4)]
	for i := range n {
		p.add(w, i)
	}
	rules, err := risk.New(v, p.d)
	if err != nil {
		tb.Fatalf("%v\n%+v", err, p.d)
	}
	p.rules = rules
	return p
}

func (p *policy) add(w writer, i int) {
	one := risk.Rule{ID: fmt.Sprintf("r%d", i), Because: "it matters"}
	var when, only *cond
	if w.chance(30) {
		only = w.serviceOnly().cond(1)
		one.For = only.String()
	}
	if len(p.d.Groups) > 0 && w.chance(40) {
		one.Group = pick(w.random, p.d.Groups...).Name
	}
	switch kind := w.IntN(10); {
	case kind < 4:
		one.Points = pick(w.random, 1, 5, 10, 15)
	case kind < 5:
		one.Points, one.Floor = pick(w.random, 0, 5), pick(w.random, "low", "medium", "high")
	case kind < 8:
		one.Points, one.Observed = -pick(w.random, 0, 5, 10), w.chance(40)
	default:
		w.bands(&one)
	}
	if one.Bands == "" {
		when = w.cond(2)
		one.When = when.String()
	}
	p.d.Rules, p.when, p.only = append(p.d.Rules, one), append(p.when, when), append(p.only, only)
}

func (w writer) bands(one *risk.Rule) {
	fact := pick(w.random, append(w.ofType("a whole number"), w.ofType("a decimal number")...)...)
	one.Bands = fact.Name
	from := pick(w.random, -1, 0, 0.5)
	if fact.Range != nil {
		from = fact.Range[0]
	}
	for range 1 + w.IntN(3) {
		one.Cuts = append(one.Cuts, risk.Cut{From: from, Points: pick(w.random, 0, 0, 5, 15)})
		if from += pick(w.random, 0.5, 1, 9.5); fact.Range != nil && from > fact.Range[1] {
			break
		}
	}
}

// change makes a change of which many parts are missing. Its numbers also hold
// what JSON could not say.
func (r random) change() *change.Change {
	c := &change.Change{
		ID: "CHG-1", Title: pick(r, "", "a db change", "urgent", "A"), Reason: pick(r, "", "x"), Kind: change.Kind(r.IntN(7)),
		Requester: change.Person{ID: "idp|alice", Kind: change.PersonKind(r.IntN(3)), Team: pick(r, "", "payments", "platform")},
		Downtime:  maybe(r, true, false), Attested: r.attested(), Files: r.files(), Size: r.size(), History: r.history(),
	}
	if r.chance(60) {
		c.Contributors = make([]change.Contributor, r.IntN(3))
		for i := range c.Contributors {
			c.Contributors[i].ID = pick(r, "idp|alice", "idp|bob", "idp|cy")
		}
	}
	if r.chance(60) {
		c.Targets = make([]change.Target, r.IntN(3))
		for i := range c.Targets {
			c.Targets[i] = change.Target{Name: fmt.Sprint("t", i), Environment: pick(r, "", "x", "a", "db"), Region: pick(r, "", "a", "a")}
		}
	}
	for range r.IntN(3) {
		c.Evidence = append(c.Evidence, change.Evidence{Name: pick(r, "smoke", "load", "other"), Result: change.Result(r.IntN(4))})
	}
	if r.chance(60) {
		c.Plan = make([]change.Step, r.IntN(3))
		for i := range c.Plan {
			c.Plan[i] = change.Step{Party: pick(r, "owner", "a", "owners-db"), Automated: maybe(r, true, true, false)}
		}
	}
	if r.chance(50) {
		c.Validation = &change.Validation{Automated: maybe(r, true, false)}
		c.Backout = &change.Backout{Plan: "x"}
	}
	if r.chance(60) {
		c.Links = make([]change.Link, r.IntN(4))
		for i := range c.Links {
			c.Links[i].Relation = change.Relation(1 + r.IntN(5))
		}
		c.Artifacts = make([]change.Artifact, r.IntN(3))
	}
	if r.chance(40) {
		start := r.time()
		c.Window = &change.Window{Start: start, End: start.Add(time.Hour)}
	}
	if r.chance(10) {
		c.Emergency = &change.Incident{}
	}
	c.Attributes = r.attributes()
	return c
}

func (r random) files() []change.File {
	if r.chance(35) {
		return nil
	}
	files := make([]change.File, r.IntN(5))
	for i := range files {
		files[i] = change.File{Path: pick(r, paths...)}
		if r.chance(85) {
			n := pick(r, wholes[:7]...)
			files[i].Added, files[i].Deleted = &n, maybe(r, wholes[:7]...)
		}
	}
	return files
}

func (r random) size() *change.Size {
	if r.chance(40) {
		return nil
	}
	return &change.Size{Files: maybe(r, wholes...), Directories: maybe(r, wholes...), LinesAdded: maybe(r, wholes...), LinesDeleted: maybe(r, wholes...)}
}

func (r random) attested() []change.Attestation {
	var out []change.Attestation
	for range r.IntN(3) {
		out = append(out, change.Attestation{By: "ci", Covers: []string{
			pick(r, append(change.Attestable(), "evidence.smoke", "attributes.cost")...), pick(r, "files", "evidence", "history", "attributes"),
		}})
	}
	return out
}

func (r random) history() *change.History {
	if r.chance(25) {
		return nil
	}
	n := func() *int { return maybe(r, wholes...) }
	f := func() *float64 {
		if r.chance(5) {
			odd := pick(r, math.NaN(), math.Inf(1), math.Inf(-1))
			return &odd
		}
		return maybe(r, decimals...)
	}
	return &change.History{
		ServiceChanges30d: n(), ServiceFailures90d: n(), ServiceFailureRate: f(), TeamFailureRate: f(), FilesChanges: n(),
		FilesFailures90d: n(), FilesFailureRate: f(), FilesDevelopers: n(), FilesAgeDays: f(), RequesterChanges: n(),
		SystemChanges24h: n(), SystemFailures7d: n(), HoursSinceFailure: f(), HoursSinceOwnLast: f(),
	}
}

// attributes are of the type that the schema says, or now and then of another.
func (r random) attributes() map[string]any {
	out := map[string]any{}
	set := func(name string, values ...any) {
		if r.chance(70) {
			out[name] = pick(r, values...)
		}
	}
	set("cost", 0.5, 2.5, 10.0, 10, int64(9), math.NaN(), math.Inf(1), "much")
	set("seats", 0, 10, 400.0, int64(3), 2.5, 1e300, true)
	set("outage_minutes", 0, 90, 90.0, int64(600), 600, 601, -1, 1.5)
	set("pii", true, true, false, false, "yes")
	set("class", "gold", "silver", 1)
	set("note", "a db", "urgent", "", 2)
	set("labels", []string{"a", "db"}, []string{}, []any{"urgent", "x"}, []any{"a", 1}, "a")
	return out
}

func (r random) time() time.Time {
	return pick(r,
		time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 1, 30, 0, 0, time.UTC), // a Monday; clocks go forward
		time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 1, 3, 9, 0, 0, 0, time.FixedZone("", 7200)), time.Date(2026, 6, 30, 16, 0, 0, 0, time.UTC))
}

// world holds what situations are made of, loaded once.
type world struct {
	zones   []*time.Location
	working []*change.WorkingTime
}

func newWorld(tb testing.TB) world {
	var w world
	for _, name := range []string{"Europe/London", "Asia/Kathmandu", "America/New_York"} {
		zone, err := change.Zone(name)
		if err != nil {
			tb.Fatal(err)
		}
		hours := change.WorkingHours{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 9 * 60, To: 17*60 + 30, Zone: zone}
		working, err := change.NewWorkingTime(hours)
		if err != nil {
			tb.Fatal(err)
		}
		w.zones, w.working = append(w.zones, zone), append(w.working, working)
	}
	return w
}

func (r random) situation(w world) risk.Situation {
	s := risk.Situation{At: r.time(), Model: pick(r, "", models[0], models[1])}
	if r.chance(80) {
		i := r.IntN(len(w.zones))
		s.Zone = w.zones[i]
		if r.chance(80) {
			s.Working = w.working[i]
		}
	}
	if r.chance(5) {
		return s
	}
	s.Service = &change.Service{
		Name: pick(r, services...), Team: pick(r, teams...), Kind: change.ServiceKind(r.IntN(5)), Stage: change.Stage(r.IntN(5)),
		Tier: pick(r, 0, 1, 2, 3, 9), Exposure: change.Exposure(r.IntN(4)), Coupling: change.Coupling(r.IntN(3)), Supplier: pick(r, "", "a", "urgent"),
		Carries: pick(r, nil, []string{"edge"}, []string{"edge", "ledger"}), AutomatedDeployment: maybe(r, true, false),
		AutomatedVerification: maybe(r, true, false), NeedsOutage: maybe(r, true, false), Availability: pick(r, 0, 99.9, 1),
		Deployments: change.Cadence(r.IntN(7)),
	}
	return s
}
