package approval_test

import (
	"encoding"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
)

// constantsOf are the names of the constants of a type, in order, from the
// source.
func constantsOf(t *testing.T, typeName string) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			block, ok := d.(*ast.GenDecl)
			if !ok || block.Tok != token.CONST {
				continue
			}
			if first, ok := block.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); !ok || first.Name != typeName {
				continue
			}
			for _, s := range block.Specs {
				out = append(out, s.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	return out
}

var capital = regexp.MustCompile(`[A-Z]`)

func kebab(name string) string {
	return strings.TrimPrefix(strings.ToLower(capital.ReplaceAllString(name, "-$0")), "-")
}

// TestWords: every constant has its own name as its word, and no other word is
// read.
func TestWords(t *testing.T) {
	checkWords(t, "Decision", approval.Pending, new(approval.Decision))
	checkWords(t, "Outcome", approval.Succeeded, new(approval.Outcome))
	checkWords(t, "Choice", approval.Approve, new(approval.Choice))
	checkWords(t, "Refusal", approval.NotDecided, new(approval.Refusal))
	checkWords(t, "TemplateState", approval.Proposed, new(approval.TemplateState))
}

type enumeration interface {
	~uint8
	encoding.TextMarshaler
	String() string
}

func checkWords[T enumeration, P interface {
	*T
	encoding.TextUnmarshaler
}](t *testing.T, typeName string, first T, into P) {
	names := constantsOf(t, typeName)
	if len(names) < 2 {
		t.Errorf("%s has the constants %v", typeName, names)
	}
	for i, name := range names {
		value := first + T(i)
		text, err := value.MarshalText()
		if err != nil || string(text) != kebab(name) || value.String() != kebab(name) {
			t.Errorf("%s: %q, %v, String %q; expected %q", name, text, err, value, kebab(name))
		}
		if err := into.UnmarshalText([]byte(kebab(name))); err != nil || *into != value {
			t.Errorf("%s: read as %d, %v", name, *into, err)
		}
	}
	for _, beyond := range []T{first - 1, first + T(len(names)), 255} {
		if text, err := beyond.MarshalText(); err == nil {
			t.Errorf("%s %d is written as %q", typeName, beyond, text)
		}
	}
	was := *into
	for _, wrong := range []string{"", "x", kebab(names[0]) + " ", strings.ToUpper(kebab(names[0])), names[1], "0", kebab(names[1]) + "\x00"} {
		if err := into.UnmarshalText([]byte(wrong)); err == nil || *into != was {
			t.Errorf("%s: %q is read as %d, %v", typeName, wrong, *into, err)
		}
	}
	near := kebab(names[1])[1:]
	if err := into.UnmarshalText([]byte(near)); err == nil || !strings.Contains(err.Error(), `did you mean "`+kebab(names[1])+`"?`) {
		t.Errorf("%s: %q: %v", typeName, near, err)
	}
}

func TestZeroWords(t *testing.T) {
	if got := approval.Outcome(0).String() + approval.Choice(0).String() + approval.Refusal(0).String(); got != "" {
		t.Errorf("what is not known has the word %q", got)
	}
	if got := approval.Decision(0).String(); got != "pending" {
		t.Errorf("nothing decided is %q", got)
	}
	if got := approval.Refusal(200).String(); got != "refusal(200)" {
		t.Errorf("%q", got)
	}
}
