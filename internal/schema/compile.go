package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	root      *node
	nodes     map[string]*node // by RFC 6901 pointer into the schema
	evaluator *jsonschema.Schema
	acceptor  *acceptor
}

const (
	maxSchemas   = 1_000  // schemas in one document
	maxExpansion = 10_000 // schemas after every reference is written out
	maxReach     = 64     // schemas inside one another after that
)

// base is the address of every schema inside the evaluator. Nothing is loaded
// from it: the domain is reserved (RFC 2606).
const base = "https://schema.invalid/"

// Compile reads a schema of draft 2020-12. Besides what the draft refuses, it
// refuses:
//   - anything over SchemaLimits or 1,000 schemas, and whatever Parse refuses;
//   - unknown and unsupported keywords, formats and $schema;
//   - keywords on one type (minLength, properties, ...) where no type is
//     stated in the same schema or around it, or another one;
//   - a value about which nothing is said: write true for one that is free;
//   - objects that state neither additionalProperties nor
//     unevaluatedProperties; inside allOf, anyOf, oneOf, if, then, else, not
//     and dependentSchemas it is enough that the schema around states it;
//   - names in required, or in properties of a condition, that the closed
//     object around does not have, and listed values that the type excludes;
//   - references out of the document, to anything but a schema, in a circle,
//     or that expand to more than 10,000 schemas or 64 levels;
//   - patterns of more than 200 bytes or 500 instructions.
//
// The error begins with name, line and column and wraps the *Problem, whose
// pointer leads into the schema. Nothing is ever loaded.
func Compile(name string, data []byte) (*Schema, error) {
	s, err := compile(data)
	if problem := (*Problem)(nil); errors.As(err, &problem) {
		return nil, fmt.Errorf("%s:%d:%d: %w", name, problem.Line, problem.Column, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func compile(data []byte) (*Schema, error) {
	v, err := Parse(data, SchemaLimits())
	if err != nil {
		return nil, err
	}
	c := &compiler{nodes: map[string]*node{}}
	root, err := c.schema(v, "", scope{binding: true})
	if err != nil {
		return nil, err
	}
	if err := c.link(); err != nil {
		return nil, err
	}
	evaluator, err := compileEvaluator(root)
	if err != nil {
		return nil, &Problem{Line: v.Line, Column: v.Column, Message: err.Error()}
	}
	return &Schema{root: root, nodes: c.nodes, evaluator: evaluator, acceptor: acceptors{}.of(root)}, nil
}

// compileEvaluator hands the checked schema, without its annotations, to the
// library. A panic in there becomes an error.
func compileEvaluator(root *node) (s *jsonschema.Schema, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			s, err = nil, fmt.Errorf("cannot be compiled: %v", fault)
		}
	}()
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.AssertFormat = true
	c.LoadURL = func(string) (io.ReadCloser, error) { return nil, errors.New("nothing is loaded") }
	for name, f := range formats {
		c.Formats[name] = func(v any) bool {
			s, ok := v.(string)
			return !ok || f.holds(s)
		}
	}
	if err := c.AddResource(base, bytes.NewReader(root.kept.AppendCanonical(nil))); err != nil {
		return nil, err
	}
	return c.Compile(base)
}

// node is one schema inside a schema document.
type node struct {
	pointer string
	source  *Value // as written
	kept    *Value // what the evaluator sees: no annotations, references resolved
	ref     *node

	inPlace  []*node          // see the same value
	fields   map[string]*node // properties
	patterns []*node          // patternProperties
	others   []*node          // additionalProperties, unevaluatedProperties
	prefix   []*node          // prefixItems
	elements []*node          // items, contains, unevaluatedItems

	own          int // work to evaluate it, apart from other schemas
	numeric      int // further work when the value has numbers
	instructions int // of its pattern
	nameProgram  int // instructions of its patternProperties together

	size, reach int // expansion and levels, once linked
	open        bool
}

// scope is what the schemas around say of the same value.
type scope struct {
	binding bool     // nothing is said yet: this schema alone describes the value
	types   kinds    // the types that the value may have; 0 if not stated
	closed  bool     // what becomes of unknown fields is stated
	names   []string // all the fields there are; nil if that is not known
}

type compiler struct {
	nodes map[string]*node
	order []*node
}

func problemAt(v *Value, pointer, format string, args ...any) error {
	return &Problem{Pointer: pointer, Line: v.Line, Column: v.Column, Message: fmt.Sprintf(format, args...)}
}

// schema checks v as a schema that stands at pointer inside sc.
func (c *compiler) schema(v *Value, pointer string, sc scope) (*node, error) {
	n := &node{pointer: pointer, source: v, kept: v}
	c.nodes[pointer] = n
	if c.order = append(c.order, n); len(c.order) > maxSchemas {
		return nil, problemAt(v, pointer, "the document has more than %d schemas, the most that is allowed", maxSchemas)
	}
	if v.Kind == Bool {
		n.own = stepCost
		return n, nil
	}
	if v.Kind != Object {
		return nil, problemAt(v, pointer, "is %s; expected a schema: an object, true or false", v.Kind)
	}
	for i := range v.Members {
		if err := checkKeyword(v, &v.Members[i], pointer); err != nil {
			return nil, err
		}
	}
	inner, err := n.checkScope(sc)
	if err != nil {
		return nil, err
	}
	n.kept = &Value{Kind: Object, Line: v.Line, Column: v.Column}
	for _, m := range v.Members {
		if err := c.keep(n, m, inner); err != nil {
			return nil, err
		}
	}
	n.measure()
	return n, nil
}

// checkKeyword checks the name of one keyword and the form of its value.
func checkKeyword(schema *Value, m *Member, pointer string) error {
	k, known := keywords[m.Name]
	at := &Value{Line: m.Line, Column: m.Column}
	pointer = pointerTo(pointer, m.Name)
	if !known {
		if remedy, standard := unsupported[m.Name]; standard {
			return problemAt(at, pointer, "is a keyword that is not supported; %s", remedy)
		}
		return problemAt(at, pointer, "is not a keyword of JSON Schema%s", hint(m.Name, keywordNames))
	}
	if (m.Name == "$id" || m.Name == "$schema") && strings.Count(pointer, "/") > 1 {
		return problemAt(at, pointer, "may stand only at the root of the document")
	}
	if k.beside != "" && schema.Get(k.beside) == nil {
		return problemAt(at, pointer, "has no effect without %q", k.beside)
	}
	if complaint := k.shape.misfit(m.Value); complaint != "" {
		return problemAt(m.Value, pointer, "%s", complaint)
	}
	if k.shape != patternMap {
		return nil
	}
	for _, field := range m.Value.Members {
		if _, complaint := instructions(field.Name); complaint != "" {
			return problemAt(&Value{Line: field.Line, Column: field.Column}, pointerTo(pointer, field.Name), "%s", complaint)
		}
	}
	return nil
}

// keep copies a keyword for the evaluator and compiles the schemas in it.
func (c *compiler) keep(n *node, m Member, inner scope) error {
	k := keywords[m.Name]
	if k.note {
		return nil
	}
	if !k.inPlace {
		inner = scope{binding: true}
	}
	pointer := pointerTo(n.pointer, m.Name)
	kept := &Value{Kind: m.Value.Kind}
	switch k.shape {
	case subschema:
		child, err := c.schema(m.Value, pointer, inner)
		if err != nil {
			return err
		}
		n.adopt(m.Name, "", child)
		kept = child.kept
	case schemaList:
		for i, item := range m.Value.Items {
			child, err := c.schema(item, pointer+"/"+strconv.Itoa(i), inner)
			if err != nil {
				return err
			}
			n.adopt(m.Name, "", child)
			kept.Items = append(kept.Items, child.kept)
		}
	case schemaMap, patternMap:
		for _, field := range m.Value.Members {
			child, err := c.schema(field.Value, pointerTo(pointer, field.Name), inner)
			if err != nil {
				return err
			}
			n.adopt(m.Name, field.Name, child)
			kept.Members = append(kept.Members, Member{Name: field.Name, Value: child.kept})
		}
	default:
		kept = m.Value
	}
	n.kept.Members = append(n.kept.Members, Member{Name: m.Name, Value: kept})
	return nil
}

// adopt files a child under the part of the value that it sees.
func (n *node) adopt(keyword, field string, child *node) {
	switch keyword {
	case "$defs":
	case "properties":
		if n.fields == nil {
			n.fields = map[string]*node{}
		}
		n.fields[field] = child
	case "patternProperties":
		n.patterns = append(n.patterns, child)
		size, _ := instructions(field)
		n.nameProgram += size
	case "additionalProperties", "unevaluatedProperties":
		n.others = append(n.others, child)
	case "prefixItems":
		n.prefix = append(n.prefix, child)
	case "items", "contains", "unevaluatedItems":
		n.elements = append(n.elements, child)
	default:
		n.inPlace = append(n.inPlace, child)
	}
}

// link resolves the references and bounds what they expand to.
func (c *compiler) link() error {
	for _, n := range c.order {
		if err := c.resolve(n); err != nil {
			return err
		}
	}
	for _, n := range c.order {
		if err := n.expand(); err != nil {
			return err
		}
	}
	return nil
}

// resolve finds the schema that n refers to. The evaluator is given the same
// reference in one unambiguous spelling.
func (c *compiler) resolve(n *node) error {
	ref := n.source.Get("$ref")
	if ref == nil {
		return nil
	}
	at := pointerTo(n.pointer, "$ref")
	pointer, err := url.PathUnescape(strings.TrimPrefix(ref.Text, "#"))
	if err != nil {
		return problemAt(ref, at, "is %s, in which a %% is not followed by two hexadecimal digits", quote(ref.Text))
	}
	target, ok := c.nodes[pointer]
	if !ok {
		return problemAt(ref, at, "is %s, where no schema stands%s", quote(ref.Text),
			hint(strings.TrimPrefix(ref.Text, "#"), sortedKeys(c.nodes)))
	}
	n.ref = target
	for i := range n.kept.Members {
		if n.kept.Members[i].Name == "$ref" {
			n.kept.Members[i].Value = &Value{Kind: String, Text: base + "#" + escapeFragment(pointer)}
		}
	}
	return nil
}

// escapeFragment spells a pointer as the evaluator spells its own locations.
func escapeFragment(pointer string) string {
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		tokens[i] = url.PathEscape(token)
	}
	return strings.Join(tokens, "/")
}

// expand computes size and reach. A schema met again while it is still being
// expanded refers to itself.
func (n *node) expand() error {
	if n.size > 0 {
		return nil
	}
	if n.open {
		return problemAt(n.source, n.pointer, "leads back to itself through $ref; expected a schema without recursion")
	}
	n.open = true
	size, reach := 1, 0
	for child := range n.children {
		if err := child.expand(); err != nil {
			return err
		}
		size += child.size
		reach = max(reach, child.reach)
		if size > maxExpansion || reach >= maxReach {
			return problemAt(n.source, n.pointer, "grows too large through $ref; expected at most %d schemas and %d levels",
				maxExpansion, maxReach)
		}
	}
	n.open, n.size, n.reach = false, size, reach+1
	return nil
}

// children yields every schema that n applies, in document order but for the
// fields.
func (n *node) children(yield func(*node) bool) {
	if n.ref != nil && !yield(n.ref) {
		return
	}
	for _, list := range [][]*node{n.inPlace, n.patterns, n.others, n.prefix, n.elements} {
		for _, child := range list {
			if !yield(child) {
				return
			}
		}
	}
	if fields := n.source.Get("properties"); fields != nil {
		for _, m := range fields.Members {
			if !yield(n.fields[m.Name]) {
				return
			}
		}
	}
}
