package schema

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// checkAcceptor holds the acceptor to the evaluator: what it accepts is valid,
// and no cheaper than what the evaluation would be charged. It reports what
// both say.
func checkAcceptor(t *testing.T, s *Schema, v *Value) (accepted, valid bool) {
	t.Helper()
	w, charged := &work{left: maxWork}, &work{left: maxWork}
	accepted, valid = s.acceptor.accepts(w, v, 0), s.evaluate(v) == nil
	if accepted && !valid {
		t.Fatalf("schema %s\naccepts %s\nwhere the evaluator says %s", s.root.source.AppendCanonical(nil), v.AppendCanonical(nil), shown(s.evaluate(v)))
	}
	if charged.apply(s.root, v, 0, 0); accepted && w.left > charged.left {
		t.Fatalf("schema %s\non %s: %d left of the budget, the evaluation leaves %d",
			s.root.source.AppendCanonical(nil), v.AppendCanonical(nil), w.left, charged.left)
	}
	return accepted, valid
}

// TestAcceptorOnCorpora: every schema of the corpora on every document.
func TestAcceptorOnCorpora(t *testing.T) {
	var schemas []*Schema
	var documents []*Value
	add := func(source, document []byte) {
		if s, err := Compile("s.json", source); err == nil {
			schemas = append(schemas, s)
		}
		if v, err := Parse(document, DocumentLimits()); err == nil && len(document) < 5_000 {
			documents = append(documents, v)
		}
	}
	for _, c := range readCorpus(t, "awkward-schemas.tsv", 4) {
		for _, document := range c[2:4] {
			if document != "-" {
				add(evaluate(t, c[1]), evaluate(t, document))
			}
		}
	}
	for _, c := range readCorpus(t, "verdicts.tsv", 3) {
		add(evaluate(t, c[0]), evaluate(t, c[1]))
	}
	for _, c := range readCorpus(t, "awkward-documents.tsv", 3) {
		add(nil, evaluate(t, c[2]))
	}
	accepted := 0
	for _, s := range schemas {
		for _, v := range documents {
			if yes, _ := checkAcceptor(t, s, v); yes {
				accepted++
			}
		}
	}
	if accepted < 500 {
		t.Errorf("%d accepted: too few to tell", accepted)
	}
}

// TestAcceptorAgainstEvaluator draws schemas of all keywords, documents that
// fit them more or less, and mutations of those.
func TestAcceptorAgainstEvaluator(t *testing.T) {
	g := &drawing{rand.New(rand.NewPCG(48, 2020))}
	compiled, accepted, invalid := 0, 0, 0
	for range 700 {
		source := `{"$defs":{"word":{"type":"string","maxLength":3,"pattern":"^[a-z]+$"},"number":{"type":"number","minimum":0}},"allOf":[` + g.schema(3) + `]}`
		s, err := Compile("s.json", []byte(source))
		if err != nil {
			continue
		}
		compiled++
		for range 12 {
			v := mustParse(t, g.document(s.root, 0))
			yes, valid := checkAcceptor(t, s, v)
			switch {
			case yes:
				accepted++
			case !valid:
				invalid++
			}
		}
	}
	if compiled < 500 || accepted < 500 || invalid < 500 {
		t.Errorf("%d schemas, %d accepted, %d invalid: too few to tell", compiled, accepted, invalid)
	}
}

// TestAcceptorOnChanges mutates a valid change, thousands of times, under the
// schema that matters most. All that is valid must be accepted: otherwise it
// is slow for nothing.
func TestAcceptorOnChanges(t *testing.T) {
	source, err := os.ReadFile("../../change/change.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := mustCompile(t, string(source))
	text, err := os.ReadFile("../../change/testdata/canonical/v1/ordinary.json")
	if err != nil {
		t.Fatal(err)
	}
	g := &drawing{rand.New(rand.NewPCG(1, 48))}
	accepted, invalid := 0, 0
	for range 1_500 {
		v := mustParse(t, string(text))
		for range g.IntN(3) {
			g.spoil(v)
		}
		switch yes, valid := checkAcceptor(t, s, v); {
		case yes:
			accepted++
		case valid:
			t.Fatalf("%s is valid, but not accepted", v.AppendCanonical(nil))
		default:
			invalid++
		}
	}
	if accepted < 500 || invalid < 500 {
		t.Errorf("%d accepted, %d invalid: too few to tell", accepted, invalid)
	}
}

// drawing draws schemas and documents from few words, so that they meet.
type drawing struct{ *rand.Rand }

func (g *drawing) pick(list ...string) string { return list[g.IntN(len(list))] }

// some adds a member to an object that is being written, now and then.
func (g *drawing) some(out *strings.Builder, format string, args ...any) {
	if g.IntN(3) == 0 {
		fmt.Fprintf(out, ","+format, args...)
	}
}

var (
	drawnPatterns = []string{"^[a-z]+$", "^a*b?$", "b", "^é+$", "^(ab|a)$", "^[A-Z]{1,3}-[0-9]{2}$", "^(?i)a+$", "^a+ab$", "^\\\\w*$", "^$", "^.{2,3}$", "^[^a]+$", "^a{2}$", "(?m)^a$", "^a|b$"}
	drawnTexts    = []string{"", "a", "b", "ab", "aa", "aaab", "A", "é", "éé", "abc", "ABC-12", "x\ny", "2026-01-31", "2026-01-31T09:30:00Z", "2026-02-31T09:30:00Z", "\u212a", "a\n"}
	drawnNumbers  = []string{"0", "-0", "1", "1.0", "10e-1", "2", "1.5", "-1", "0.1", "0.30000000000000004", "0.3", "100", "1e2", "9007199254740991", "-9007199254740991", "1e-7", "1e-308"}
	drawnNames    = []string{"a", "b", "c", "A1"}
)

func (g *drawing) scalar() string {
	switch g.IntN(6) {
	case 0:
		return "null"
	case 1:
		return g.pick("true", "false")
	case 2:
		return g.pick("[]", "{}", `[1]`, `{"a":1}`, `["a","b"]`)
	case 3:
		return g.pick(drawnNumbers...)
	default:
		return strconv.Quote(g.pick(drawnTexts...))
	}
}

// schema draws a schema, which need not compile.
func (g *drawing) schema(depth int) string {
	var out strings.Builder
	switch kind := g.IntN(13); {
	case kind == 0:
		return g.pick("true", "true", "false", `{"type":"null"}`, `{"type":"boolean"}`, `{"$ref":"#/$defs/word"}`, `{"$ref":"#/$defs/number"}`)
	case kind == 1:
		return fmt.Sprintf(`{"enum":[%s,%s,%s]}`, g.scalar(), g.scalar(), g.scalar())
	case kind == 2:
		return fmt.Sprintf(`{"const":%s}`, g.scalar())
	case kind < 5 || depth == 0 && kind < 9:
		out.WriteString(`{"type":` + g.pick(`"string"`, `"string"`, `["string","null"]`, `["string","integer"]`))
		g.some(&out, `"minLength":%d`, g.IntN(4))
		g.some(&out, `"maxLength":%d`, g.IntN(4))
		g.some(&out, `"pattern":"%s"`, g.pick(drawnPatterns...))
		g.some(&out, `"format":"%s"`, g.pick("date", "date-time", "uri"))
		g.some(&out, `"enum":["a","ab",%s]`, strconv.Quote(g.pick(drawnTexts...)))
	case kind < 7 || depth == 0:
		out.WriteString(`{"type":` + g.pick(`"integer"`, `"number"`, `["number","boolean"]`, `["integer","null"]`))
		for _, name := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
			g.some(&out, `"%s":%s`, name, g.pick(drawnNumbers...))
		}
		if g.IntN(8) == 0 {
			out.WriteString(`,"multipleOf":` + g.pick("1", "0.1", "2"))
		}
	case kind < 9:
		out.WriteString(`{"type":"array"`)
		g.some(&out, `"items":%s`, g.schema(depth-1))
		g.some(&out, `"minItems":%d`, g.IntN(3))
		g.some(&out, `"maxItems":%d`, g.IntN(4))
		g.some(&out, `"uniqueItems":%s`, g.pick("true", "false"))
		if g.IntN(6) == 0 {
			out.WriteString(g.pick(`,"prefixItems":[`+g.schema(0)+`]`, `,"contains":`+g.schema(0), `,"unevaluatedItems":false`))
		}
	case kind < 12:
		g.object(&out, depth)
	default:
		branches := g.schema(depth-1) + "," + g.schema(depth-1)
		return g.pick(`{"anyOf":[`+branches+`]}`, `{"anyOf":[`+branches+`]}`, `{"allOf":[`+branches+`]}`, `{"oneOf":[`+branches+`]}`,
			`{"type":"string","not":`+g.schema(0)+`}`, `{"type":"string","if":`+g.schema(0)+`,"then":{"maxLength":1}}`)
	}
	return out.String() + "}"
}

func (g *drawing) object(out *strings.Builder, depth int) {
	out.WriteString(`{"type":` + g.pick(`"object"`, `"object"`, `["object","string"]`) + `,"properties":{`)
	for i, name := range drawnNames {
		if i > 0 {
			out.WriteString(",")
		}
		fmt.Fprintf(out, `"%s":%s`, name, g.schema(depth-1))
	}
	out.WriteString("}")
	if g.IntN(8) == 0 {
		out.WriteString(g.pick(`,"patternProperties":{"^[ab]$":`+g.schema(0)+`}`, `,"dependentRequired":{"a":["b"]}`, `,"dependentSchemas":{"a":{"required":["b"]}}`))
	}
	if g.IntN(8) == 0 {
		out.WriteString(`,"unevaluatedProperties":` + g.schema(0))
	} else {
		out.WriteString(`,"additionalProperties":` + g.pick("false", "true", g.schema(depth-1)))
	}
	g.some(out, `"required":["%s"]`, g.pick(drawnNames...))
	g.some(out, `"required":["a","c"]`)
	g.some(out, `"minProperties":%d`, g.IntN(3))
	g.some(out, `"maxProperties":%d`, g.IntN(4))
}

// document draws a value that fits a schema more or less.
func (g *drawing) document(n *node, depth int) string {
	if n.ref != nil {
		n = n.ref
	}
	if g.IntN(12) == 0 || depth > 8 {
		return g.scalar()
	}
	if list := n.values(); len(list) > 0 && g.IntN(4) > 0 {
		return string(list[g.IntN(len(list))].AppendCanonical(nil))
	}
	types := kinds(0)
	if t := n.source.Get("type"); t != nil {
		types = statedTypes(t)
	}
	switch {
	case types&objects != 0:
		return g.members(n, depth)
	case types&arrays != 0:
		var items []string
		for range g.IntN(4) {
			if len(n.elements) == 0 {
				items = append(items, g.scalar())
			} else {
				items = append(items, g.document(n.elements[0], depth+1))
			}
		}
		return "[" + strings.Join(items, ",") + "]"
	case types&strs != 0:
		return strconv.Quote(g.pick(drawnTexts...))
	case types&numbers != 0:
		return g.pick(drawnNumbers...)
	case len(n.inPlace) > 0:
		return g.document(n.inPlace[g.IntN(len(n.inPlace))], depth+1)
	}
	return g.scalar()
}

func (g *drawing) members(n *node, depth int) string {
	var members []string
	for _, name := range append([]string{"other"}, drawnNames...) {
		child := n.fields[name]
		switch {
		case g.IntN(3) == 0 || name == "other" && g.IntN(4) > 0:
		case child != nil:
			members = append(members, fmt.Sprintf("%q:%s", name, g.document(child, depth+1)))
		case len(n.others) > 0:
			members = append(members, fmt.Sprintf("%q:%s", name, g.document(n.others[0], depth+1)))
		default:
			members = append(members, fmt.Sprintf("%q:%s", name, g.scalar()))
		}
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

// spoil changes something about a value, which may stay valid.
func (g *drawing) spoil(v *Value) {
	for len(v.Items) > 0 && g.IntN(6) > 0 || len(v.Members) > 0 && g.IntN(6) > 0 {
		if len(v.Items) > 0 {
			v = v.Items[g.IntN(len(v.Items))]
		} else {
			v = v.Members[g.IntN(len(v.Members))].Value
		}
	}
	switch i := g.IntN(8); {
	case i < 3 && len(v.Members) > 0:
		at := g.IntN(len(v.Members))
		v.Members = append(v.Members[:at:at], v.Members[at+1:]...)
	case i < 4 && v.Kind == Object:
		if name := g.pick("a", "note", "id", "team"); v.Get(name) == nil {
			v.Members = append(v.Members, Member{Name: name, Value: &Value{Kind: String, Text: "x"}})
		}
	case i < 5 && v.Kind == Array:
		v.Items = append(v.Items, v.Items...)
	case v.Kind == String:
		v.Text, v.verbatim = g.pick("", "x", "Code", "code", "é", v.Text+" ", v.Text+"-1", strings.Repeat(v.Text+"y", 70), "2026-06-04T10:00:00Z"), false
	case v.Kind == Number:
		v.Text = g.pick(drawnNumbers...)
	default:
		*v = *must(Parse([]byte(g.scalar()), DocumentLimits()))
	}
}

// must is for values that are known to be there.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestPatternAgainstRegexp: a row of classes matches what the expression does.
func TestPatternAgainstRegexp(t *testing.T) {
	g := &drawing{rand.New(rand.NewPCG(7, 7))}
	patterns := []string{"^[A-Za-z0-9][A-Za-z0-9._:/@#-]*$", "^[a-z0-9][a-z0-9._-]*$", "^[!-~]+$", "^sha256:[0-9a-f]+$", `^\d{2,3}[a-z]?$`, "^a{0}$", "^[é-ü]+$", `^\pL+$`}
	for _, p := range drawnPatterns {
		patterns = append(patterns, strings.ReplaceAll(p, `\\`, `\`))
	}
	rows := 0
	for range 300 {
		patterns = append(patterns, "^"+g.part()+g.part()+g.part()+"$")
	}
	for _, source := range patterns {
		p, want := newPattern(source), regexp.MustCompile(source)
		if p.runs != nil {
			rows++
		}
		for range 300 {
			var text string
			for range g.IntN(5) {
				text += g.pick("a", "b", "aa", "z", "A", "0", "9", "-", ".", "é", "ſ", "\n", "sha256:", "\x7f", "\xff")
			}
			if got := p.matches(text); got != want.MatchString(text) || p.runs != nil && matchRuns(p.runs, text) && !want.MatchString(text) {
				t.Fatalf("%s on %q: %v", source, text, got)
			}
		}
	}
	if rows < 80 {
		t.Errorf("only %d rows of classes", rows)
	}
}

func (g *drawing) part() string {
	one := g.pick("a", "[a-z]", "[^a]", "[0-9A]", ".", `\w`, "(?i:a)", "(ab)", "é", `\.`, "(a|b)")
	return one + g.pick("", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?")
}

// FuzzAcceptor: no schema and no document make the acceptor accept what the
// evaluator does not.
func FuzzAcceptor(f *testing.F) {
	for _, c := range readCorpus(f, "awkward-schemas.tsv", 4) {
		for _, document := range c[2:4] {
			if document != "-" {
				f.Add(evaluate(f, c[1]), evaluate(f, document))
			}
		}
	}
	for _, c := range readCorpus(f, "verdicts.tsv", 3) {
		f.Add(evaluate(f, c[0]), evaluate(f, c[1]))
	}
	f.Add([]byte(attributeSchema), []byte(`{"pci":true,"region":"eu","tags":["a","b"]}`))
	f.Fuzz(func(t *testing.T, schema, document []byte) {
		s, err := Compile("s.json", schema)
		if err != nil {
			return
		}
		if v, err := Parse(document, DocumentLimits()); err == nil {
			checkAcceptor(t, s, v)
		}
	})
}
