package schema

import (
	"cmp"
	"errors"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

const (
	// maxProblems is how many problems Validate reports at most.
	maxProblems = 20
	// maxFindings is how many failures are kept to find that many problems that
	// differ. They are the first in document order.
	maxFindings = 100
	// maxLeaves is how many failures in a branch of an anyOf or oneOf are looked
	// at to tell whether the value was meant for it.
	maxLeaves = 64
)

// Validate holds v against the schema and reports what is wrong in document
// order, at most 20 problems; nil means that v is valid. A document that would
// cost too much to evaluate is not valid, and the problem says so.
func (s *Schema) Validate(v *Value) (problems []*Problem) {
	defer func() {
		if fault := recover(); fault != nil {
			problems = []*Problem{refusal(v, "cannot be held against the schema, because the evaluator failed")}
		}
	}()
	if v == nil {
		return []*Problem{refusal(v, "there is no document")}
	}
	if s.accepts(v) {
		return nil
	}
	return s.evaluate(v)
}

// evaluate asks the evaluator, which has the last word.
func (s *Schema) evaluate(v *Value) (problems []*Problem) {
	if !s.affordable(v) {
		return []*Problem{refusal(v, "the document is too large to be held against this schema; expected fewer or shorter values")}
	}
	err := s.evaluator.Validate(v.plain(canonicalNumber))
	if err == nil {
		return nil
	}
	r := &report{schema: s, root: v, names: map[*Value]map[string]int{}}
	if failure := (*jsonschema.ValidationError)(nil); errors.As(err, &failure) {
		r.collect(failure)
	}
	if problems = r.problems(); len(problems) == 0 {
		problems = []*Problem{refusal(v, "does not match the schema")}
	}
	return problems
}

// refusal is a problem with the document as a whole.
func refusal(v *Value, message string) *Problem {
	p := &Problem{Line: 1, Column: 1, Message: message}
	if v != nil {
		p.Line, p.Column = v.Line, v.Column
	}
	return p
}

// place is a value in the document and the field that holds it, if one does.
type place struct {
	value *Value
	field *Member
}

// finding is one failure before it is put into words.
type finding struct {
	pointer string // into the document
	place   place
	node    *node  // the schema that failed
	keyword string // its keyword, with the path below it; "" for the schema false
	owner   *node  // for the schema false: the schema with the keyword that it stands under
	under   string // and that keyword
	rank    int    // order among the findings of one keyword
	detail  string // the field that is missing or unknown
	types   kinds  // for anyOf and oneOf: the types that would do, or 0
	listed  []*Value
}

// report turns the evaluator's tree of failures into problems.
type report struct {
	schema   *Schema
	root     *Value
	names    map[*Value]map[string]int // indexes of objects, made as needed
	findings []finding
}

// at finds the value that an RFC 6901 pointer leads to.
func (r *report) at(pointer string) place {
	p := place{value: r.root}
	if pointer == "" {
		return p
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch token = pointerUnescapes.Replace(token); p.value.Kind {
		case Array:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(p.value.Items) {
				return place{}
			}
			p = place{value: p.value.Items[i]}
		case Object:
			i, ok := r.index(p.value)[token]
			if !ok {
				return place{}
			}
			field := &p.value.Members[i]
			p = place{field.Value, field}
		default:
			return place{}
		}
	}
	return p
}

func (r *report) index(object *Value) map[string]int {
	index := r.names[object]
	if index == nil {
		index = make(map[string]int, len(object.Members))
		for i, m := range object.Members {
			index[m.Name] = i
		}
		r.names[object] = index
	}
	return index
}

// finding looks up where a failure happened. It reports false for a failure
// that stands for the failures below it.
func (r *report) finding(e *jsonschema.ValidationError) (finding, bool) {
	instance, err := url.PathUnescape(e.InstanceLocation)
	if err != nil {
		return finding{}, false
	}
	_, fragment, _ := strings.Cut(e.AbsoluteKeywordLocation, "#")
	location, err := url.PathUnescape(fragment)
	if err != nil {
		return finding{}, false
	}
	f := finding{pointer: instance, place: r.at(instance)}
	// The longest prefix that is a schema is the one that failed; the evaluator
	// goes at most three names below it.
	for range 4 {
		if f.node = r.schema.nodes[location]; f.node != nil {
			break
		}
		cut := max(strings.LastIndexByte(location, '/'), 0)
		location, f.keyword = location[:cut], location[cut:]+f.keyword
	}
	f.keyword = strings.TrimPrefix(f.keyword, "/")
	f.attribute(r.schema.nodes)
	return f, f.node != nil && f.place.value != nil
}

// attribute turns a failure of the schema under not or additionalProperties
// into one of the keyword, which is where the evaluator means it to be, and
// otherwise notes under which keyword the failing schema stands.
func (f *finding) attribute(nodes map[string]*node) {
	if f.node == nil || f.keyword != "" || f.node.pointer == "" {
		return
	}
	cut := strings.LastIndexByte(f.node.pointer, '/')
	f.owner, f.under = nodes[f.node.pointer[:cut]], f.node.pointer[cut+1:]
	if f.owner != nil && (f.under == "not" || f.under == "additionalProperties" && f.node.source.Kind == Bool) {
		f.node, f.keyword = f.owner, f.under
	}
}

// collect gathers the findings that say most, from the failure e down.
func (r *report) collect(e *jsonschema.ValidationError) {
	f, ok := r.finding(e)
	switch {
	case ok && (f.keyword == "anyOf" || f.keyword == "oneOf") && len(e.Causes) > 0:
		r.alternatives(f, e.Causes)
	case len(e.Causes) > 0 && !(ok && f.keyword == "minContains"):
		for _, cause := range e.Causes {
			r.collect(cause)
		}
	case ok:
		r.add(f)
	}
}

// add files a finding, one for each field when it is about several.
func (r *report) add(f finding) {
	switch f.keyword {
	case "required":
		present := r.index(f.place.value)
		for i, name := range f.node.source.Get("required").Items {
			if _, ok := present[name.Text]; !ok {
				f.rank, f.detail = i, name.Text
				r.keep(f)
			}
		}
	case "additionalProperties":
		patterns := f.node.patternsOf()
		container := f.place.value
		for i := range container.Members {
			field := &container.Members[i]
			if !f.node.has(field.Name, patterns) {
				r.keep(finding{pointer: pointerTo(f.pointer, field.Name), place: place{field.Value, field}, node: f.node, keyword: f.keyword})
			}
		}
	default:
		r.keep(f)
	}
}

// keep inserts a finding in order, unless maxFindings come before it. Which
// ones are kept does not depend on the order in which they come.
func (r *report) keep(f finding) {
	if n := len(r.findings); n == maxFindings {
		if f.compare(r.findings[n-1]) >= 0 {
			return
		}
		r.findings = r.findings[:n-1]
	}
	i, _ := slices.BinarySearchFunc(r.findings, f, finding.compare)
	r.findings = slices.Insert(r.findings, i, f)
}

// alternatives reports why no branch of an anyOf or oneOf holds. If the value
// is meant for one branch, that branch's failures say most.
func (r *report) alternatives(f finding, causes []*jsonschema.ValidationError) {
	var meant []*jsonschema.ValidationError
	for _, cause := range causes {
		types, listed, other := r.mismatch(f.pointer, cause)
		f.types |= types
		f.listed = append(f.listed, listed...)
		if other {
			meant = append(meant, cause)
		}
	}
	if len(meant) == 1 {
		r.collect(meant[0])
		return
	}
	if len(meant) > 1 || len(f.listed) > 0 && f.types != 0 {
		f.types, f.listed = 0, nil
	}
	r.keep(f)
}

// mismatch tells why a branch cannot be meant for the value at pointer: it is
// for other types, or for listed values and this is none of them. Otherwise it
// reports other, unless a field has not the constant that the branch demands.
func (r *report) mismatch(pointer string, e *jsonschema.ValidationError) (types kinds, listed []*Value, other bool) {
	leaves := leavesOf(e, nil)
	if len(leaves) > maxLeaves {
		return 0, nil, true
	}
	for _, leaf := range leaves {
		f, ok := r.finding(leaf)
		if !ok {
			continue
		}
		if f.keyword == "const" && f.pointer != pointer {
			return 0, nil, false
		}
		if f.pointer != pointer || len(leaves) > 1 {
			continue
		}
		switch f.keyword {
		case "type":
			return statedTypes(f.node.source.Get("type")), nil, false
		case "const":
			return 0, []*Value{f.node.source.Get("const")}, false
		case "enum":
			return 0, f.node.source.Get("enum").Items, false
		}
	}
	return 0, nil, true
}

// leavesOf collects the failures at the bottom, and soon stops once there are
// more than maxLeaves.
func leavesOf(e *jsonschema.ValidationError, leaves []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return append(leaves, e)
	}
	if len(leaves) > maxLeaves {
		return leaves
	}
	for _, cause := range e.Causes {
		leaves = leavesOf(cause, leaves)
	}
	return leaves
}

// problems puts the findings into document order and into words.
func (r *report) problems() []*Problem {
	var list []*Problem
	for _, f := range r.findings {
		line, column := f.position()
		p := &Problem{Pointer: f.pointer, Line: line, Column: column, Message: f.sentence()}
		if n := len(list); n > 0 && list[n-1].Pointer == p.Pointer && list[n-1].Message == p.Message {
			continue
		}
		if list = append(list, p); len(list) == maxProblems {
			break
		}
	}
	return list
}

// position is where an editor should put the cursor: on the name of a field
// that should not be there, else on the value.
func (f finding) position() (line, column int) {
	if f.isUnknown() {
		return f.place.field.Line, f.place.field.Column
	}
	return f.place.value.Line, f.place.value.Column
}

// order is the position by which a finding is sorted: a missing field comes
// after what is there, as it may be missing because another is misspelt.
func (f finding) order() (line, column int) {
	if members := f.place.value.Members; f.keyword == "required" && len(members) > 0 {
		return members[len(members)-1].Value.Line, math.MaxInt
	}
	return f.position()
}

// compare orders findings by position, then as the schema has them.
func (f finding) compare(g finding) int {
	fLine, fColumn := f.order()
	gLine, gColumn := g.order()
	if fLine != gLine || fColumn != gColumn {
		return cmp.Or(cmp.Compare(fLine, gLine), cmp.Compare(fColumn, gColumn))
	}
	return cmp.Or(cmp.Compare(f.pointer, g.pointer),
		cmp.Compare(f.node.source.Line, g.node.source.Line), cmp.Compare(f.node.source.Column, g.node.source.Column),
		cmp.Compare(f.keyword, g.keyword), cmp.Compare(f.rank, g.rank), cmp.Compare(f.detail, g.detail))
}
