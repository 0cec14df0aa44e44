package risk

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/changelane/changelane/internal/policyfile"
)

// ParseDefinition reads a rule set from YAML, as risk.yaml holds it:
//
//	levels: {low: 0, medium: 25, high: 50}
//	default: medium
//	groups:
//	  size: {cap: 30}
//	rules:
//	  - {id: big-diff, points: 15, for: service.kind != "cots", when: change.lines_added > 400, because: large change}
//	  - {id: verified, points: -10, when: evidence.smoke == "passed", trust: observed, because: the pipeline verified it}
//	  - {id: outage, floor: high, when: change.downtime, because: users will notice}
//	  - {id: spread, bands: change.files, cuts: {10: 5, 50: 15}, group: size, because: many files}
//
// It reports every fault of form; [New] reports those of meaning. The error is
// [ParseErrors].
func ParseDefinition(file string, data []byte) (Definition, error) {
	var errs policyfile.Errors
	d := readDefinition(policyfile.Parse(file, data, &errs), &errs)
	return d, parseErrors(&errs)
}

// ParseApplies reads the section "applies" of policy.yaml, and nothing else of
// it; without that section there is nothing to read:
//
//	applies:
//	  change.lines_added: service.kind != "cots"
//
// It reports every fault of form; [NewVocabulary] reports those of meaning. The
// error is [ParseErrors].
func ParseApplies(file string, data []byte) ([]Applicability, error) {
	var errs policyfile.Errors
	out := readApplies(sectionOf(policyfile.Parse(file, data, &errs), "applies"), &errs)
	return out, parseErrors(&errs)
}

// sectionOf is the value of one field of a document; nil when there is none.
func sectionOf(root *policyfile.Node, name string) *policyfile.Node {
	if root == nil {
		return nil
	}
	i := slices.IndexFunc(root.Fields, func(f policyfile.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return root.Fields[i].Value
}

func readApplies(section *policyfile.Node, errs *policyfile.Errors) []Applicability {
	if section == nil {
		return nil
	}
	if section.Kind != policyfile.Mapping {
		errs.Addf(section.Pos, "applies is written as {FACT: CONDITION, ...}, such as change.lines_added: service.kind != \"cots\"")
		return nil
	}
	out := make([]Applicability, len(section.Fields))
	for i, f := range section.Fields {
		out[i] = Applicability{Fact: f.Name, For: f.Value.Expression(errs, "applies"), src: source{node: f.Value}}
	}
	return out
}

// parseErrors is what went wrong with a file, in our own form.
func parseErrors(errs *policyfile.Errors) error {
	var out ParseErrors
	for _, e := range errs.All() {
		out = append(out, &ParseError{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column, Message: e.Message})
	}
	if out == nil {
		return nil
	}
	return out
}

func readDefinition(root *policyfile.Node, errs *policyfile.Errors) Definition {
	if root == nil {
		return Definition{}
	}
	o := root.Object(errs, "risk.yaml", "levels", "default", "groups", "rules")
	d := Definition{src: source{node: root}, Default: o.Need("default").String(errs, "the default"), fallback: source{node: o.Get("default")}}
	for _, f := range o.Need("levels").Entries(errs, "the levels") {
		d.Levels = append(d.Levels, LevelDefinition{f.Name, f.Value.Int(errs, "where a level begins", 0, MaxRules*MaxPoints), source{node: f.Value}})
	}
	for _, f := range o.Get("groups").Entries(errs, "the groups") {
		d.Groups = append(d.Groups, readGroup(f, errs))
	}
	for _, n := range o.Need("rules").List(errs, "the rules") {
		d.Rules = append(d.Rules, readRule(n, errs))
	}
	return d
}

func readGroup(f policyfile.Field, errs *policyfile.Errors) Group {
	o := f.Value.Object(errs, "a group", "cap", "floor")
	g := Group{Name: f.Name, src: source{node: f.Value}}
	const most = MaxRules * MaxPoints
	if n := o.Get("cap"); n != nil {
		limit := n.Int(errs, "a cap", -most, most)
		g.Cap = &limit
	}
	if n := o.Get("floor"); n != nil {
		limit := n.Int(errs, "the floor of a group", -most, most)
		g.Min = &limit
	}
	return g
}

func readRule(n *policyfile.Node, errs *policyfile.Errors) Rule {
	o := n.Object(errs, "a rule", "id", "points", "floor", "group", "for", "when", "bands", "cuts", "trust", "because")
	r := Rule{src: source{node: n}, nodes: map[string]source{}}
	for _, name := range []string{"id", "points", "floor", "group", "for", "when", "bands", "cuts", "trust", "because"} {
		if v := o.Get(name); v != nil {
			r.nodes[name] = source{node: v}
		}
	}
	r.ID = readID(o.Need("id"), errs)
	r.Because = o.Need("because").String(errs, "because")
	r.Points = o.Get("points").Int(errs, "the points", -MaxPoints, MaxPoints)
	r.Floor = o.Get("floor").String(errs, "the floor")
	r.Group = o.Get("group").String(errs, "the group")
	r.For = o.Get("for").Expression(errs, "for")
	r.When = o.Get("when").Expression(errs, "when")
	r.Bands = o.Get("bands").String(errs, "bands")
	r.Cuts = readCuts(o.Get("cuts"), errs)
	r.Observed = o.Get("trust").Word(errs, "trust", "observed") == "observed"
	if at := o.Pos(); at.Line > 0 && !o.Has("points") && !o.Has("floor") && !o.Has("bands") {
		errs.Addf(at, `a rule needs "points", a "floor", or "bands"`)
	}
	return r
}

var ruleID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

func readID(n *policyfile.Node, errs *policyfile.Errors) string {
	id := n.String(errs, "an id")
	if id != "" && !ruleID.MatchString(id) || id == "default" {
		errs.Addf(n.Pos, "%q cannot be an id: use small letters, digits, \".\", \"-\" and \"_\", and not \"default\"", id)
	}
	return id
}

var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?$`)

func readCuts(n *policyfile.Node, errs *policyfile.Errors) []Cut {
	if n == nil {
		return nil
	}
	if n.Kind != policyfile.Mapping {
		errs.Addf(n.Pos, "cuts are written {FROM: POINTS, ...}, such as {50: 5, 400: 15}")
		return nil
	}
	var out []Cut
	for _, f := range n.Fields {
		from, err := strconv.ParseFloat(f.Name, 64)
		if err != nil || !plainNumber.MatchString(f.Name) {
			errs.Addf(f.Pos, "a cut begins at a plain number, and %q is not one", f.Name)
		}
		out = append(out, Cut{from, f.Value.Int(errs, "the points of a cut", -MaxPoints, MaxPoints)})
	}
	return out
}
