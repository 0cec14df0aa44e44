package change

import (
	"encoding"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// enumeration is one closed set of words as the tests see it.
type enumeration struct {
	name  string
	words []string // in the order of the constants, from 1
	value func(i int) encoding.TextMarshaler
	read  func(text string) (fmt.Stringer, error)
}

func enumerationOf[T ~uint8, P interface {
	*T
	encoding.TextUnmarshaler
}](words ...string) enumeration {
	var zero T
	return enumeration{
		name:  reflect.TypeOf(zero).Name(),
		words: words,
		value: func(i int) encoding.TextMarshaler { return any(T(i)).(encoding.TextMarshaler) },
		read: func(text string) (fmt.Stringer, error) {
			v := T(77)
			err := P(&v).UnmarshalText([]byte(text))
			return any(v).(fmt.Stringer), err
		},
	}
}

// enumerations repeats every word: a word that is in files cannot be renamed.
var enumerations = []enumeration{
	enumerationOf[Type]("standard", "normal", "emergency"),
	enumerationOf[Kind]("code", "config", "flag", "data", "infrastructure", "cots"),
	enumerationOf[ServiceKind]("digital", "cots", "foundational", "platform"),
	enumerationOf[Stage]("pilot", "live", "mature", "retiring"),
	enumerationOf[Exposure]("internal", "partner", "public"),
	enumerationOf[Coupling]("loose", "lockstep"),
	enumerationOf[PersonKind]("human", "bot"),
	enumerationOf[Part]("author", "editor", "implementer", "on-behalf-of", "pair", "account-owner"),
	enumerationOf[Result]("passed", "failed", "skipped"),
	enumerationOf[Relation]("fixes", "reverts", "depends-on", "part-of", "deployed-with"),
	enumerationOf[Cadence]("yearly", "quarterly", "monthly", "weekly", "daily", "on-demand"),
	enumerationOf[Party]("owner", "app-support", "either", "change-management", "approvers"),
	enumerationOf[StandardRule]("never", "claimed", "always"),
}

func TestEnumerationsRoundTrip(t *testing.T) {
	for _, e := range enumerations {
		for i, word := range e.words {
			v := e.value(i + 1)
			text, err := v.MarshalText()
			if err != nil || string(text) != word || v.(fmt.Stringer).String() != word {
				t.Errorf("%s %d: %q %v, want %q", e.name, i+1, text, err, word)
			}
			back, err := e.read(word)
			if err != nil || back != v.(fmt.Stringer) {
				t.Errorf("%s: %q reads as %v, %v", e.name, word, back, err)
			}
		}
	}
}

func TestEnumerationsRefuseNumbersWithoutAWord(t *testing.T) {
	for _, e := range enumerations {
		for i := range 256 {
			if 0 < i && i <= len(e.words) || i == 0 && e.name == "Type" {
				continue
			}
			if text, err := e.value(i).MarshalText(); err == nil || text != nil {
				t.Errorf("%s %d has the word %q", e.name, i, text)
			}
			if s := e.value(i).(fmt.Stringer).String(); i > 0 && !strings.HasSuffix(s, fmt.Sprintf("(%d)", i)) || i == 0 && s != "" {
				t.Errorf("%s %d is shown as %q", e.name, i, s)
			}
		}
	}
	if text, err := Unclassified.MarshalText(); string(text) != "unclassified" || err != nil {
		t.Errorf("%q %v: a change that could not be classified must say so", text, err)
	}
}

func TestEnumerationsRefuseOtherWords(t *testing.T) {
	for _, e := range enumerations {
		bad := []string{"", " ", "null", "0", "1", "*", "\x00", e.words[0] + "\n", e.words[0] + " ", strings.Join(e.words[:2], ",")}
		for _, word := range e.words {
			bad = append(bad, strings.ToUpper(word), strings.ToUpper(word[:1])+word[1:], word[:len(word)-1], word+"s")
		}
		for _, word := range bad {
			if slices.Contains(e.words, word) {
				continue
			}
			v, err := e.read(word)
			if err == nil || reflect.ValueOf(v).Uint() != 77 {
				t.Errorf("%s: %q reads as %v, %v", e.name, word, v, err)
				continue
			}
			for _, known := range e.words {
				if !strings.Contains(err.Error(), known) {
					t.Errorf("%s: %q does not offer %s", e.name, err, known)
				}
			}
		}
		// One letter too many is near enough for a hint.
		typo := e.words[0] + "x"
		if _, err := e.read(typo); err == nil || !strings.HasSuffix(err.Error(), `; did you mean "`+e.words[0]+`"?`) {
			t.Errorf("%s: %q: %v", e.name, typo, err)
		}
	}
}

func schemaDocument(t testing.TB) map[string]any {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal(Schema(), &document); err != nil {
		t.Fatal(err)
	}
	return document
}

// narrower are members that allow only some words of their enumeration.
var narrower = map[string][]string{
	"/claim/type":       {"standard", "normal"},
	"/validation/party": {"owner", "app-support", "either"},
}

// agreement walks a Go type and a schema together and reports where they say
// different things.
type agreement struct {
	t    *testing.T
	defs map[string]any
	seen int
}

func TestSchemaAgreesWithGo(t *testing.T) {
	document := schemaDocument(t)
	a := &agreement{t: t, defs: document["$defs"].(map[string]any)}
	a.compare("", reflect.TypeFor[Change](), document)
	if a.seen < 70 {
		t.Errorf("only %d members compared", a.seen)
	}
}

func (a *agreement) compare(at string, typ reflect.Type, schema map[string]any) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = a.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if words := wordsOf(typ); words != nil {
		a.compareWords(at, words, schema)
		return
	}
	want := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Float64: "number", reflect.Bool: "boolean",
		reflect.Slice: "array", reflect.Struct: "object", reflect.Map: "object"}[typ.Kind()]
	if typ == reflect.TypeFor[time.Time]() {
		if schema["format"] != "date-time" {
			a.t.Errorf("%s: a time in Go, but in the schema %v", at, schema)
		}
		return
	}
	if schema["type"] != want {
		a.t.Errorf("%s: %s in Go, but in the schema %v", at, typ, schema["type"])
		return
	}
	switch typ.Kind() {
	case reflect.Slice:
		a.compare(at+"/*", typ.Elem(), schema["items"].(map[string]any))
	case reflect.Struct:
		a.compareMembers(at, typ, schema)
	}
}

// wordsOf is the words of a type that is an enumeration.
func wordsOf(typ reflect.Type) []string {
	for _, e := range enumerations {
		if e.name == typ.Name() {
			return e.words
		}
	}
	return nil
}

func (a *agreement) compareWords(at string, words []string, schema map[string]any) {
	var listed []string
	list, _ := schema["enum"].([]any)
	for _, word := range list {
		listed = append(listed, word.(string))
	}
	if some, ok := narrower[at]; ok {
		words = some
	}
	if !slices.Equal(listed, words) {
		a.t.Errorf("%s: %q in Go, but in the schema %q", at, words, listed)
	}
}

func (a *agreement) compareMembers(at string, typ reflect.Type, schema map[string]any) {
	if schema["additionalProperties"] != false {
		a.t.Errorf("%s: the schema is open", at)
	}
	properties := schema["properties"].(map[string]any)
	var names, required []string
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		switch options {
		case "":
			required = append(required, name)
		case "omitzero":
		default:
			a.t.Errorf("%s/%s has the tag options %q", at, name, options)
		}
		below, ok := properties[name].(map[string]any)
		if !ok {
			a.t.Errorf("%s/%s is in Go, but not in the schema", at, name)
			continue
		}
		a.seen++
		a.compare(at+"/"+name, typ.Field(i).Type, below)
	}
	for name := range properties {
		if !slices.Contains(names, name) {
			a.t.Errorf("%s/%s is in the schema, but not in Go", at, name)
		}
	}
	var stated []string
	list, _ := schema["required"].([]any)
	for _, name := range list {
		stated = append(stated, name.(string))
	}
	slices.Sort(stated)
	slices.Sort(required)
	if !slices.Equal(stated, required) {
		a.t.Errorf("%s: the schema requires %q, but in Go %q cannot be left out", at, stated, required)
	}
}

func TestSchemaIsACopy(t *testing.T) {
	clear(Schema())
	if !json.Valid(Schema()) {
		t.Error("the caller can overwrite the schema")
	}
}

// TestAttestableNamesData: what can be vouched for is a member of a change.
func TestAttestableNamesData(t *testing.T) {
	properties := schemaDocument(t)["properties"].(map[string]any)
	list := Attestable()
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Errorf("%q is not sorted or holds a name twice", list)
	}
	for _, name := range list {
		if properties[name] == nil {
			t.Errorf("%q is no member of a change", name)
		}
	}
	c := Change{Attested: []Attestation{{By: "ci", Covers: []string{"files", "evidence.smoke"}}, {By: "scm", Covers: []string{"attributes"}}}}
	for name, want := range map[string]bool{"files": true, "evidence.smoke": true, "attributes": true, "attributes.pci": true, "attributes.a.b": true,
		"evidence": false, "evidence.load": false, "evidence.": false, "size": false, "": false, "file": false} {
		if got := c.Observed(name); got != want {
			t.Errorf("Observed(%q) = %v", name, got)
		}
	}
	if (&Change{}).Observed("files") {
		t.Error("nobody vouches, but the files are observed")
	}
}

// TestWordsAreDocumented holds the comments on the values of an enumeration to
// its words: documentation shows the names of the constants and nothing else.
func TestWordsAreDocumented(t *testing.T) {
	text := ""
	for _, file := range []string{"enums_change.go", "enums_service.go"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text += strings.ReplaceAll(string(data), "\n// ", " ")
	}
	text = strings.Replace(text, "JSON: unclassified, ", "JSON: ", 1) // the one zero value that has a word
	for _, e := range enumerations {
		if want := "The values of " + e.name + "; in files and JSON: " + strings.Join(e.words, ", ") + ". "; !strings.Contains(text, want) {
			t.Errorf("no comment says %q", want)
		}
	}
}
