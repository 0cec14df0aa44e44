package approval_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/schema"
	"github.com/changelane/changelane/risk"
)

// edit is one replacement in one file of the valid policy.
type edit struct{ file, old, new string }

func (e edit) String() string { return fmt.Sprintf("%s: %q => %q", e.file, e.old, e.new) }

func (e edit) apply(t *testing.T, policy fstest.MapFS) []byte {
	t.Helper()
	text := string(policy[e.file].Data)
	if !strings.Contains(text, e.old) {
		t.Fatalf("%v: there is no such text", e)
	}
	return []byte(strings.Replace(text, e.old, e.new, 1))
}

func readEdits(t *testing.T, name string) []edit {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []edit
	file := ""
	for i, text := range strings.Split(string(data), "\n") {
		head, isHead := strings.CutPrefix(text, "-- ")
		old, new, isEdit := strings.Cut(text, " =>")
		switch {
		case isHead:
			file = strings.TrimSuffix(head, " --")
		case isEdit:
			out = append(out, edit{file, old, strings.NewReplacer(`\n`, "\n").Replace(strings.TrimPrefix(new, " "))})
		case text != "" && text[0] != '#':
			t.Fatalf("%s:%d: expected \"old => new\"", name, i+1)
		}
	}
	return out
}

func TestSchemasRefuseFaultsOfForm(t *testing.T) {
	_, compiled := publishedSchemas(t)
	policy := readPolicy(t, validPolicy)
	edits := readEdits(t, "testdata/schemas/broken.txt")
	if len(edits) < 60 {
		t.Errorf("only %d variants", len(edits))
	}
	for _, e := range edits {
		broken := e.apply(t, policy)
		if _, err := approval.Load(with(policy, e.file, broken)); err == nil {
			t.Errorf("%v loads", e)
		}
		if inEditor(compiled[schemaOf(e.file)], e.file, broken) == nil {
			t.Errorf("%v is accepted by the schema", e)
		}
	}
}

// stricter are the places where a schema refuses what the loader takes, each
// with an example of it: when that stops loading, the row can go.
var stricter = []struct {
	why      string
	pointer  string // where
	message  string // what the schema says
	examples []edit
}{
	{
		"a text that YAML reads as a number or as true or false is read as it stands; other readers of YAML change it, so it wants quotes",
		``, `^is (a boolean|-?[0-9.eE+-]+); expected a string|^is (true|false|-?[0-9.eE+-]+); expected "|^is (a boolean|-?[0-9.eE+-]+); expected a string or an array`,
		[]edit{{"services.yaml", "team: payments", "team: 42"}, {"policy.yaml", "every field at least once", "true"}},
	},
}

// excuse is the row of stricter that a problem falls under, or -1.
func excuse(p *schema.Problem) int {
	for i, s := range stricter {
		if regexp.MustCompile(s.pointer).MatchString(p.Pointer) && regexp.MustCompile(s.message).MatchString(p.Message) {
			return i
		}
	}
	return -1
}

func TestStricterRowsAreNeeded(t *testing.T) {
	_, compiled := publishedSchemas(t)
	policy := readPolicy(t, validPolicy)
	for i, row := range stricter {
		for _, e := range row.examples {
			edited := e.apply(t, policy)
			if _, err := approval.Load(with(policy, e.file, edited)); err != nil {
				t.Errorf("%v no longer loads, so the row %q has lost its reason: %v", e, row.why, err)
			}
			problems := inEditor(compiled[schemaOf(e.file)], e.file, edited)
			if len(problems) == 0 || slices.ContainsFunc(problems, func(p *schema.Problem) bool { return excuse(p) != i }) {
				t.Errorf("%v: %v", e, problems)
			}
		}
	}
}

// unsayable are the faults of form that a schema cannot see.
var unsayable = regexp.MustCompile(strings.Join([]string{
	`no operating model is named`,    // models of another place
	`is not in the policy directory`, // files
	`in plain digits`,                // 1.0 and 1e0 are the integer 1 in JSON
	`every: recurrence`,              // a language of its own
	`a day that exists`,              // 2026-02-30 as a holiday
	`is not known here`,              // version 1.0
	`deploys: |validates: `,          // the name of the team
}, "|"))

// TestSchemasAgainstTheLoader makes random edits to the valid files. What the
// schema refuses does not load; what has a fault of form is refused by the
// schema, unless no schema can see it.
func TestSchemasAgainstTheLoader(t *testing.T) {
	_, compiled := publishedSchemas(t)
	policy := readPolicy(t, validPolicy)
	m := newMutator(t, policy)
	rounds := 1000
	if testing.Short() {
		rounds = 250
	}
	refused, accepted := 0, 0
	for range rounds {
		file, data := m.edited()
		problems := inEditor(compiled[schemaOf(file)], file, data)
		edited := with(policy, file, data)
		if problems == nil {
			accepted++
			_, err := approval.ParseDefinition(edited)
			var faults risk.ParseErrors
			if errors.As(err, &faults); err != nil && faults == nil {
				t.Fatal(err)
			}
			for _, fault := range faults {
				if !unsayable.MatchString(fault.Message) {
					t.Errorf("the schema accepts what has a fault of form: %v\n%s: %s", fault, file, data)
				}
			}
			continue
		}
		refused++
		if !slices.ContainsFunc(problems, func(p *schema.Problem) bool { return excuse(p) < 0 }) {
			continue
		}
		if _, err := approval.Load(edited); err == nil {
			t.Errorf("the schema refuses what loads: %v\n%s: %s", problems, file, data)
		}
	}
	if refused < rounds/4 || accepted < rounds/20 {
		t.Errorf("%d edits were refused and %d accepted: the edits test too little", refused, accepted)
	}
	t.Logf("%d refused, %d accepted", refused, accepted)
}

// mutator edits the files of a policy.
type mutator struct {
	random  *rand.Rand
	files   map[string]*policyfile.Node
	names   []string
	scalars []*policyfile.Node
}

func newMutator(t *testing.T, policy fstest.MapFS) *mutator {
	t.Helper()
	m := &mutator{random: rand.New(rand.NewPCG(2026, 1123)), files: map[string]*policyfile.Node{}}
	for _, file := range policyFiles {
		var errs policyfile.Errors
		root := policyfile.Parse(file, policy[file].Data, &errs)
		if errs.Len() > 0 {
			t.Fatal(errs.All())
		}
		m.files[file] = root
		for _, n := range nodesOf(root, nil) {
			if n.Kind == policyfile.Scalar {
				m.scalars = append(m.scalars, n)
			}
			for _, f := range n.Fields {
				m.names = append(m.names, f.Name)
			}
		}
	}
	for _, text := range []string{"0", "1", "-1", "10", "1001", "1.5", "1.0", "010", "true", "no", "~", "", " ", "x", "Upper", "two words", "a\tb", "a\nb",
		"2026-02-30", "1969-12-31", "2200-01-01", "2026-1-1", "0%", "100%", ".5%", "5.%", "%", "-4%", "1e1%", "severity-9", "severity-12", "severity-02", "1h", "0h", "0012h", "744h", "800h",
		"none", "unassessed", "default", "monday", "Daily", "22:00", "1 hour", "1 Days", "x.ics", "a/x.ics", "Local", "Etc/GMT+1", strings.Repeat("n", 64), strings.Repeat("n", 65)} {
		m.scalars = append(m.scalars, &policyfile.Node{Kind: policyfile.Scalar, Text: text}, &policyfile.Node{Kind: policyfile.Scalar, Text: text, Quoted: true})
	}
	m.names = append(m.names, "none", "Upper", "x", "2", "02", "1.5", "change.files", "change.nothing", strings.Repeat("n", 65))
	return m
}

func nodesOf(n *policyfile.Node, out []*policyfile.Node) []*policyfile.Node {
	out = append(out, n)
	for _, item := range n.Items {
		out = nodesOf(item, out)
	}
	for _, f := range n.Fields {
		out = nodesOf(f.Value, out)
	}
	return out
}

func cloneNode(n *policyfile.Node) *policyfile.Node {
	out := &policyfile.Node{Kind: n.Kind, Text: n.Text, Quoted: n.Quoted, Items: mapped(n.Items, cloneNode)}
	for _, f := range n.Fields {
		out.Fields = append(out.Fields, policyfile.Field{Name: f.Name, Value: cloneNode(f.Value)})
	}
	return out
}

func pick[T any](m *mutator, list []T) T { return list[m.random.IntN(len(list))] }

// edited is one of the files with one or two edits. JSON is YAML too.
func (m *mutator) edited() (string, []byte) {
	file := pick(m, policyFiles)
	root := cloneNode(m.files[file])
	for range 1 + m.random.IntN(2) {
		m.edit(pick(m, nodesOf(root, nil)))
	}
	return file, appendJSON(nil, root)
}

func (m *mutator) edit(n *policyfile.Node) {
	fields, items := len(n.Fields), len(n.Items)
	switch choice := m.random.IntN(12); {
	case choice < 5 && n.Kind == policyfile.Scalar:
		*n = *cloneNode(pick(m, m.scalars))
	case choice < 3 && fields > 0:
		n.Fields = slices.Delete(n.Fields, choice%fields, choice%fields+1)
	case choice < 5 && fields > 0:
		n.Fields[m.random.IntN(fields)].Name = m.newName(n)
	case choice < 7 && n.Kind == policyfile.Mapping:
		n.Fields = append(n.Fields, policyfile.Field{Name: m.newName(n), Value: cloneNode(pick(m, m.scalars))})
	case choice < 4 && items > 0:
		n.Items = slices.Delete(n.Items, choice%items, choice%items+1)
	case choice < 7 && items > 0:
		n.Items = append(n.Items, cloneNode(pick(m, append(n.Items, m.scalars...))))
	case choice == 7:
		*n = policyfile.Node{Kind: policyfile.Sequence, Items: []*policyfile.Node{cloneNode(n)}}
	case choice == 8 && items > 0:
		*n = *n.Items[0]
	case choice == 9:
		*n = policyfile.Node{Kind: policyfile.Sequence}
	case choice == 10:
		*n = policyfile.Node{Kind: policyfile.Mapping}
	case choice == 11 && n.Kind == policyfile.Scalar:
		n.Quoted = !n.Quoted
	}
}

// newName is a name that the mapping does not have yet, in whatever case: what
// is given twice is refused before any schema is asked.
func (m *mutator) newName(n *policyfile.Node) string {
	for {
		name := pick(m, m.names)
		if !slices.ContainsFunc(n.Fields, func(f policyfile.Field) bool { return strings.EqualFold(f.Name, name) }) {
			return name
		}
	}
}
