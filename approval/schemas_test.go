package approval_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/schema"
	"github.com/changelane/changelane/risk"
)

const (
	validPolicy = "testdata/schemas/valid"
	lineSchema  = "classification.schema.json"
	caseSchema  = "case.schema.json"
	whatSchema  = "counterfactual.schema.json"
)

var policyFiles = []string{"policy.yaml", "services.yaml", "risk.yaml", "catalogue.yaml", "authority.yaml", "calendar.yaml"}

func schemaOf(file string) string { return strings.TrimSuffix(file, ".yaml") + ".schema.json" }

// publishedSchemas are all schemas: as documents, and compiled.
func publishedSchemas(t *testing.T) (map[string]*schema.Value, map[string]*schema.Schema) {
	t.Helper()
	documents, compiled := map[string]*schema.Value{}, map[string]*schema.Schema{}
	for _, name := range append([]string{lineSchema, caseSchema, whatSchema}, mapped(policyFiles, schemaOf)...) {
		data, err := fs.ReadFile(approval.Schemas(), name)
		if err != nil {
			t.Fatal(err)
		}
		if documents[name], err = schema.Parse(data, schema.SchemaLimits()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if compiled[name], err = schema.Compile(name, data); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := fs.ReadDir(approval.Schemas(), "."); err != nil || len(found) != len(compiled) {
		t.Errorf("there are %d schemas (%v), and %d are known here", len(found), err, len(compiled))
	}
	return documents, compiled
}

func mapped[A, B any](list []A, f func(A) B) []B {
	out := make([]B, len(list))
	for i, a := range list {
		out[i] = f(a)
	}
	return out
}

func readPolicy(t *testing.T, dir string) fstest.MapFS {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	out := fstest.MapFS{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name()] = &fstest.MapFile{Data: data}
	}
	return out
}

func with(policy fstest.MapFS, file string, data []byte) fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range policy {
		out[name] = f
	}
	out[file] = &fstest.MapFile{Data: data}
	return out
}

var jsonScalar = regexp.MustCompile(`^(true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$`)

// appendJSON writes a document as an editor of YAML 1.2 sees it.
func appendJSON(dst []byte, n *policyfile.Node) []byte {
	switch n.Kind {
	case policyfile.Sequence:
		dst = append(dst, '[')
		for i, item := range n.Items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSON(dst, item)
		}
		return append(dst, ']')
	case policyfile.Mapping:
		dst = append(dst, '{')
		for i, f := range n.Fields {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSON(append(appendText(dst, f.Name), ": "...), f.Value)
		}
		return append(dst, '}')
	}
	switch {
	case !n.Quoted && jsonScalar.MatchString(n.Text):
		return append(dst, n.Text...)
	case !n.Quoted && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, n.Text):
		return append(dst, "null"...)
	}
	return appendText(dst, n.Text)
}

func appendText(dst []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return append(dst, bytes.TrimSpace(b.Bytes())...)
}

// inEditor is what an editor sees of a file, and what its schema says to it.
// What cannot be read at all is refused by every editor.
func inEditor(s *schema.Schema, file string, data []byte) []*schema.Problem {
	var errs policyfile.Errors
	n := policyfile.Parse(file, data, &errs)
	if n == nil {
		return []*schema.Problem{{Message: "cannot be read"}}
	}
	v, err := schema.Parse(appendJSON(nil, n), schema.Limits{Bytes: 1 << 20, Depth: 64, Nodes: 100_000, NumberChars: 400, Exponent: 308})
	if err != nil {
		return []*schema.Problem{{Message: err.Error()}}
	}
	return s.Validate(v)
}

func TestSchemasAcceptPolicies(t *testing.T) {
	_, compiled := publishedSchemas(t)
	for _, dir := range []string{validPolicy, "../examples/policy", "../examples/quickstart/policy"} {
		if _, err := os.Stat(dir); err != nil {
			t.Logf("SKIPPED: there is no %s", dir)
			continue
		}
		policy := readPolicy(t, dir)
		if _, err := approval.Load(policy); err != nil {
			t.Errorf("%s does not load: %v", dir, err)
		}
		for _, file := range policyFiles {
			if policy[file] == nil {
				continue
			}
			for _, p := range inEditor(compiled[schemaOf(file)], file, policy[file].Data) {
				t.Errorf("%s/%s: %v", dir, file, p)
			}
		}
	}
}

// fieldLists are where each list of fields in the loader's source stands in
// the schemas.
var fieldLists = map[string][]string{
	"loadpolicy.go: policy.yaml":          {"policy.schema.json", ""},
	"loadpolicy.go: a group":              {"policy.schema.json", "/properties/groups/patternProperties/*"},
	"loadpolicy.go: an operating model":   {"policy.schema.json", "/$defs/model"},
	"loadpolicy.go: a service":            {"services.schema.json", "/$defs/service"},
	"loadpolicy.go: a model of a service": {"services.schema.json", "/$defs/assignment"},
	"loadpolicy.go: a standing claim":     {"services.schema.json", "/$defs/claim"},
	"parse.go: risk.yaml":                 {"risk.schema.json", ""},
	"parse.go: a group":                   {"risk.schema.json", "/properties/groups/patternProperties/*"},
	"parse.go: a rule":                    {"risk.schema.json", "/$defs/rule"},
	"loadrules.go: catalogue.yaml":        {"catalogue.schema.json", ""},
	"loadrules.go: what is forbidden":     {"catalogue.schema.json", "/properties/forbid/items"},
	"loadrules.go: a template":            {"catalogue.schema.json", "/$defs/template"},
	"loadrules.go: an approval":           {"catalogue.schema.json", "/$defs/template/properties/approved"},
	"loadrules.go: bound-to":              {"catalogue.schema.json", "/$defs/template/properties/bound-to"},
	"loadrules.go: suspend":               {"catalogue.schema.json", "/$defs/template/properties/suspend"},
	"loadrules.go: authority.yaml":        {"authority.schema.json", ""},
	"loadrules.go: an authority rule":     {"authority.schema.json", "/properties/rules/items"},
	"loadrules.go: a need":                {"authority.schema.json", "/$defs/need"},
	"loadrules.go: calendar.yaml":         {"calendar.schema.json", ""},
	"loadrules.go: working time":          {"calendar.schema.json", "/properties/working-time"},
	"loadrules.go: a freeze":              {"calendar.schema.json", "/$defs/freeze"},
}

// others are the objects of the schemas that are no list of fields of their
// own, with the fields that they name.
var others = map[string]string{
	"policy.schema.json/properties/models": "ops-run-it you-build-it-you-run-it", // which cannot be defined again
	"risk.schema.json/properties/levels":   "none unassessed",                    // likewise
	"authority.schema.json/$defs/seat":     "group role quorum",                  // a need without each and any, which may not stand in an any
}

// TestSchemasHaveTheFieldsOfTheLoader compares the fields of each object, in
// their order, with the source of the loader.
func TestSchemasHaveTheFieldsOfTheLoader(t *testing.T) {
	documents, _ := publishedSchemas(t)
	want := map[string]string{}
	for place, fields := range others {
		want[place] = fields
	}
	found := loaderFields(t)
	for name := range fieldLists {
		if found[name] == nil {
			t.Errorf("the loader has no list of fields %q any more", name)
		}
	}
	for name, fields := range found {
		place := fieldLists[name]
		if place == nil {
			t.Errorf("the list of fields %q is not known to the schemas: %v", name, fields)
			continue
		}
		want[place[0]+place[1]] = strings.Join(fields, " ")
	}
	for name, document := range documents {
		walk(document, name, func(pointer string, v *schema.Value) {
			properties := v.Get("properties")
			if name == lineSchema || name == caseSchema || name == whatSchema || properties == nil || isCondition(pointer) {
				return
			}
			pointer = regexp.MustCompile(`/patternProperties/[^/]*$`).ReplaceAllString(pointer, "/patternProperties/*")
			fields := strings.Join(mapped(properties.Members, func(m schema.Member) string { return m.Name }), " ")
			if fields != want[pointer] {
				t.Errorf("%s has the fields\n%s\nand the loader reads\n%s", pointer, fields, want[pointer])
			}
			delete(want, pointer)
		})
	}
	for pointer := range want {
		t.Errorf("the schemas have no object %s", pointer)
	}
}

// walk visits all objects of a document, with their pointers.
func walk(v *schema.Value, pointer string, visit func(string, *schema.Value)) {
	if v.Kind == schema.Object {
		visit(pointer, v)
	}
	for i, item := range v.Items {
		walk(item, pointer+"/"+strconv.Itoa(i), visit)
	}
	for _, m := range v.Members {
		walk(m.Value, pointer+"/"+m.Name, visit)
	}
}

// isCondition tells whether a schema only narrows the one around it.
func isCondition(pointer string) bool {
	return regexp.MustCompile(`/(allOf/[0-9]+|if|then|else|not)(/|$)`).MatchString(pointer)
}

// loaderFields reads the lists of fields, by file and what has them, from the
// calls of policyfile's Object.
func loaderFields(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, dir := range []string{".", "../risk"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{"policyFile": "policy.yaml", "catalogueFile": "catalogue.yaml", "authorityFile": "authority.yaml", "calendarFile": "calendar.yaml"}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			objectCalls(f, texts, func(what string, fields []string) { out[filepath.Base(file)+": "+what] = fields })
		}
	}
	return out
}

func objectCalls(f *ast.File, texts map[string]string, found func(what string, fields []string)) {
	lists := map[string][]ast.Expr{}
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == 1 {
			if list, ok := a.Rhs[0].(*ast.CompositeLit); ok {
				lists[fmt.Sprint(a.Lhs[0])] = list.Elts
			}
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 3 {
			return true
		}
		if s, ok := call.Fun.(*ast.SelectorExpr); !ok || s.Sel.Name != "Object" {
			return true
		}
		fields := call.Args[2:]
		if call.Ellipsis.IsValid() {
			fields = lists[fmt.Sprint(fields[0])]
		}
		text := func(e ast.Expr) string {
			if l, ok := e.(*ast.BasicLit); ok {
				s, _ := strconv.Unquote(l.Value)
				return s
			}
			return texts[fmt.Sprint(e)]
		}
		found(text(call.Args[1]), mapped(fields, text))
		return true
	})
}

// TestSchemasDescribeEverything: editors show the descriptions.
func TestSchemasDescribeEverything(t *testing.T) {
	documents, _ := publishedSchemas(t)
	for name, document := range documents {
		walk(document, name, func(pointer string, v *schema.Value) {
			for _, keyword := range []string{"properties", "patternProperties"} {
				if isCondition(pointer) || v.Get(keyword) == nil {
					continue
				}
				for _, m := range v.Get(keyword).Members {
					described := m.Value
					if ref := m.Value.Get("$ref"); ref != nil && m.Value.Get("description") == nil {
						described = resolve(document, m.Value)
					}
					if d := described.Get("description"); m.Value.Kind == schema.Object && (d == nil || !strings.HasSuffix(d.Text, ".")) {
						t.Errorf("%s/%s/%s has no description that is a sentence", pointer, keyword, m.Name)
					}
				}
			}
		})
	}
}

// resolve follows the reference of a schema, if it is one.
func resolve(document, v *schema.Value) *schema.Value {
	if ref := v.Get("$ref"); ref != nil {
		return document.Get("$defs").Get(strings.TrimPrefix(ref.Text, "#/$defs/"))
	}
	return v
}

// word is an enumeration of package change.
type word interface {
	~uint8
	MarshalText() ([]byte, error)
}

// wordsOf are the words of an enumeration from a value on, but those that do
// not fit.
func wordsOf[T word](from T, fits func(T) bool) string {
	var out []string
	for w := from; ; w++ {
		text, err := w.MarshalText()
		if err != nil {
			return strings.Join(out, " ")
		}
		if fits == nil || fits(w) {
			out = append(out, string(text))
		}
	}
}

// canDeploy and canValidate ask the model which sides it takes.
func canDeploy(p change.Party) bool {
	m := change.OpsRunIt()
	m.Deploys = p
	return m.Problems() == nil
}

func canValidate(p change.Party) bool {
	m := change.OpsRunIt()
	m.Validates = p
	return m.Problems() == nil
}

// TestSchemasHaveTheWordsOfTheCode compares every enumeration in the schemas
// with the code.
func TestSchemasHaveTheWordsOfTheCode(t *testing.T) {
	kinds, stages, exposures := wordsOf(change.Code, nil), wordsOf(change.Pilot, nil), wordsOf(change.Internal, nil)
	deployers, validators := wordsOf(change.Owner, canDeploy), wordsOf(change.Owner, canValidate)
	ruling := "/properties/ruling/properties/"
	seen := "/properties/reasons/items/properties/seen/items/properties/"
	want := map[string]string{
		"policy.schema.json/$defs/model/properties/deploys":                                              deployers,
		"policy.schema.json/$defs/model/properties/validates":                                            validators,
		"policy.schema.json/$defs/model/properties/standard":                                             wordsOf(change.Never, nil),
		"services.schema.json/$defs/kind":                                                                kinds,
		"services.schema.json/$defs/service/properties/kind":                                             wordsOf(change.Digital, nil),
		"services.schema.json/$defs/service/properties/stage":                                            stages,
		"services.schema.json/$defs/service/properties/exposure":                                         exposures,
		"services.schema.json/$defs/service/properties/coupling":                                         wordsOf(change.Loose, nil),
		"services.schema.json/$defs/service/properties/deployments":                                      wordsOf(change.Yearly, nil),
		"services.schema.json/$defs/service/properties/deploys/anyOf/0":                                  deployers,
		"services.schema.json/$defs/service/properties/validates/anyOf/0":                                validators,
		"services.schema.json/$defs/service/properties/zone/not":                                         "Local Factory",
		"risk.schema.json/$defs/level/not":                                                               "none unassessed",
		"risk.schema.json/$defs/rule/properties/trust":                                                   risk.Observed.String(),
		"catalogue.schema.json/$defs/level/not":                                                          "none unassessed",
		"catalogue.schema.json/$defs/stage":                                                              stages,
		"catalogue.schema.json/$defs/exposure":                                                           exposures,
		"calendar.schema.json/properties/working-time/properties/zone/not":                               "Local Factory",
		"calendar.schema.json/$defs/freeze/properties/emergencies":                                       "pass hold",
		lineSchema + "/properties/type":                                                                  wordsOf(change.Unclassified, nil),
		lineSchema + "/properties/reasons/items/properties/basis":                                        strings.Join(mapped([]risk.Basis{risk.Held, risk.NotKnown, risk.Failed, risk.Bounded, risk.ByDefault}, risk.Basis.String), " "),
		lineSchema + seen + "state":                                                                      strings.Join(mapped([]risk.State{risk.Unknown, risk.Present, risk.NotApplicable, risk.Unreadable}, risk.State.String), " "),
		lineSchema + seen + "provenance":                                                                 strings.Join(mapped([]risk.Provenance{risk.Stated, risk.Observed, risk.Derived}, risk.Provenance.String), " "),
		lineSchema + "/properties/unknowns/items/properties/why":                                         "missing only stated",
		caseSchema + "/properties/decision":                                                              wordsOf(approval.Pending, nil),
		caseSchema + "/properties/votes/items/properties/choice":                                         wordsOf(approval.Approve, nil),
		caseSchema + "/$defs/outcome":                                                                    wordsOf(approval.Succeeded, nil),
		caseSchema + "/$defs/actor/properties/kind":                                                      wordsOf(change.Human, nil),
		caseSchema + ruling + "type":                                                                     wordsOf(change.Unclassified, nil),
		caseSchema + ruling + "model/properties/deploys":                                                 deployers,
		caseSchema + ruling + "model/properties/validates":                                               validators,
		caseSchema + ruling + "model/properties/standard":                                                wordsOf(change.Never, nil),
		caseSchema + ruling + "templates/patternProperties/^[a-z0-9][a-z0-9._-]{0,63}$/properties/state": wordsOf(approval.Proposed, nil),
	}
	want[whatSchema+"/properties/type"] = wordsOf(change.Unclassified, nil)
	want[whatSchema+"/$defs/edit/properties/kind"] = wordsOf(approval.EditSupply, nil)
	documents, _ := publishedSchemas(t)
	for name, document := range documents {
		walk(document, name, func(pointer string, v *schema.Value) {
			list := v.Get("enum")
			if list == nil || list.Kind != schema.Array {
				return
			}
			if words := strings.Join(mapped(list.Items, func(w *schema.Value) string { return w.Text }), " "); words != want[pointer] {
				t.Errorf("%s lists %q, and the code has %q", pointer, words, want[pointer])
			}
			delete(want, pointer)
		})
	}
	for pointer := range want {
		t.Errorf("the schemas list no words at %s", pointer)
	}
}
