package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

const (
	maxDepth = 32     // nested mappings and sequences
	maxNodes = 50_000 // values and names of one document
)

// Parse reads one strict document of at most 256 KiB, 50,000 values and 32
// levels. All faults go to errs, with file as the name of the place. A nil
// Node means that nothing usable was found, and errs says why; otherwise the
// tree holds all that could be read, and the load has failed all the same if
// errs is not empty.
func Parse(file string, data []byte, errs *Errors) *Node {
	src := newSource(file, data, errs)
	if src == nil {
		return nil
	}
	root := src.decode(data, errs)
	if root == nil {
		return nil
	}
	b := &builder{src: src, errs: errs}
	n := b.node(root, 1, false)
	if b.nodes > maxNodes {
		errs.Addf(src.pos(0), "the file has more than %d values; split it", maxNodes)
		return nil
	}
	if n.isNull() && !n.reported {
		errs.Addf(src.pos(0), "the file is empty; expected its part of the policy")
		return nil
	}
	return n
}

// decode lets the YAML library read the notation, and nothing more.
func (s *source) decode(data []byte, errs *Errors) (root *yaml.Node) {
	defer func() {
		// A fault of the library must not take down the host; a file that it
		// trips over is refused.
		if v := recover(); v != nil {
			errs.Addf(s.pos(0), "the file cannot be read as YAML: %s", show(fmt.Sprint(v)))
			root = nil
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithV4Defaults(), yaml.WithPlugin(limits{}))
	if err != nil {
		errs.Addf(s.pos(0), "the file cannot be read as YAML: %s", show(err.Error()))
		return nil
	}
	var doc, next yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.ScalarNode, Line: 1, Column: 1}
	case err != nil:
		s.explain(err, errs)
		return nil
	}
	switch err := loader.Load(&next); {
	case err == nil:
		errs.Addf(s.pos(s.offset(next.Line, next.Column)), "a second document begins here; a policy file holds one: remove this line, or move what follows to a file of its own")
	case !errors.Is(err, io.EOF):
		s.explain(err, errs)
		return nil
	}
	return doc.Content[0]
}

var errTooDeep = errors.New("nested too deeply")

// limits bounds what the library builds before this package sees it.
type limits struct{}

// CheckDepth is asked at each level of nesting, by indentation and by brackets
// separately; the builder checks their sum.
func (limits) CheckDepth(depth int, _ *yaml.DepthContext) error {
	if depth > maxDepth {
		return errTooDeep
	}
	return nil
}

// CheckAlias has nothing to refuse: the tree is taken as it stands, and no
// alias in it is ever expanded.
func (limits) CheckAlias(int, int) error { return nil }

// builder turns the library's tree into ours and refuses what is not strict.
type builder struct {
	src   *source
	errs  *Errors
	nodes int
}

func (b *builder) node(y *yaml.Node, depth int, flow bool) *Node {
	start := b.src.offset(y.Line, y.Column)
	n := &Node{Pos: b.src.pos(start), src: b.src, start: start, flow: flow || y.Style&yaml.FlowStyle != 0}
	if b.nodes++; b.nodes > maxNodes {
		n.reported = true
		return n
	}
	if why := b.refusal(y, start); why != "" {
		b.errs.Addf(n.Pos, "%s", why)
		n.reported = true
	}
	switch y.Kind {
	case yaml.SequenceNode:
		n.Kind = Sequence
	case yaml.MappingNode:
		n.Kind = Mapping
	default:
		n.Kind = Scalar
		b.scalar(n, y)
		return n
	}
	if depth > maxDepth {
		b.errs.Addf(n.Pos, "%s", tooDeep)
		n.reported = true
		return n
	}
	if n.Kind == Sequence {
		for _, item := range y.Content {
			n.Items = append(n.Items, b.node(item, depth+1, n.flow))
		}
		return n
	}
	b.fields(n, y.Content, depth)
	return n
}

func (b *builder) scalar(n *Node, y *yaml.Node) {
	n.Text = y.Value
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		n.style = single
	case y.Style&yaml.DoubleQuotedStyle != 0:
		n.style = double
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		n.style = block
	}
	n.Quoted = n.style != plain
	for _, r := range n.Text {
		if what := forbidden(r); what != "" && !unicode.Is(unicode.Zs, r) && !n.reported {
			b.errs.Addf(n.Pos, "this text contains %s, written as an escape; remove it", what)
			n.reported = true
		}
	}
}

// refusal says why a node may not be what YAML makes of it, or "". The sign is
// looked up in the source as well, because the library drops a lone "!".
func (b *builder) refusal(y *yaml.Node, start int) string {
	sign := rune(0)
	if y.Value != "" || y.Tag != "!!null" {
		sign = b.src.at(start)
	}
	switch {
	case y.Kind == yaml.AliasNode:
		return isAlias
	case y.Anchor != "", sign == '&':
		return isAnchor
	case y.Style&yaml.TaggedStyle != 0, sign == '!':
		return isTag
	}
	return ""
}

func (b *builder) fields(n *Node, content []*yaml.Node, depth int) {
	first := make(map[string]Field, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		name, ok := b.name(content[i])
		field := Field{name, b.src.pos(b.src.offset(content[i].Line, content[i].Column)), b.node(content[i+1], depth+1, n.flow)}
		earlier, twice := first[fold(name)]
		switch {
		case !ok:
		case twice && earlier.Name == name:
			b.errs.Addf(field.Pos, "%s is given twice, first in line %d; remove one of them", show(name), earlier.Pos.Line)
		case twice:
			b.errs.Addf(field.Pos, "%s differs from %s in line %d only by upper and lower case; remove one of them", show(name), show(earlier.Name), earlier.Pos.Line)
		default:
			first[fold(name)] = field
			n.Fields = append(n.Fields, field)
		}
	}
}

// name reads the name of a field: one line of text.
func (b *builder) name(y *yaml.Node) (string, bool) {
	n := b.node(y, 1, true)
	switch {
	case n.reported:
		return "", false
	case n.Kind != Scalar || n.style == block || b.src.at(n.start) == '?' || b.src.lastBefore(n.start) == '?':
		b.errs.Addf(n.Pos, "the name of a field must be a simple text, as in \"name: value\"; put it in quotes if it begins with ?, [ or {")
	case n.Text == "":
		b.errs.Addf(n.Pos, "a name is missing before this colon; put the value in quotes if the colon belongs to it")
	case n.Text == "<<":
		b.errs.Addf(n.Pos, "\"<<\" merges another mapping in YAML, which a policy file may not do; write its fields out")
	case strings.ContainsAny(n.Text, "\n\t"):
		b.errs.Addf(n.Pos, "the name of a field must stand on one line, without tabs")
	default:
		return n.Text, true
	}
	return "", false
}

// fold maps texts that differ only by case to one text: each letter to the
// smallest of those that Unicode's simple folding holds equal.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, text)
}
