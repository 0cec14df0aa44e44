package schema

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func mustCompile(t testing.TB, source string) *Schema {
	t.Helper()
	s, err := Compile("s.json", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustParse(t testing.TB, source string) *Value {
	t.Helper()
	v, err := Parse([]byte(source), DocumentLimits())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestZeroLimitsRefuseEverything(t *testing.T) {
	for _, limits := range []Limits{{}, {Bytes: 10}, {Bytes: 10, Nodes: 10}, {Bytes: 10, Nodes: 10, Depth: 10}} {
		for _, source := range []string{"[1]", ""} {
			if _, err := Parse([]byte(source), limits); err == nil {
				t.Errorf("%q accepted under %+v", source, limits)
			}
		}
	}
}

func TestProblem(t *testing.T) {
	if got := (&Problem{Message: "is wrong"}).Error(); got != "/: is wrong" {
		t.Errorf("root: %s", got)
	}
	_, err := Parse([]byte("{\n  \"é\": [1, {\"a~/\": tru"), DocumentLimits())
	var p *Problem
	if !errors.As(err, &p) || !errors.Is(err, ErrIncomplete) {
		t.Fatalf("got %v", err)
	}
	if got, want := located(p), `2:23 /é/1/a~0~1: the document ends too early; expected true`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestGet(t *testing.T) {
	v := mustParse(t, `{"a":{"b":[1]},"n":null}`)
	if got := v.Get("a").Get("b"); got == nil || got.Kind != Array || got.Column != 11 {
		t.Errorf("a.b = %+v", got)
	}
	if v.Get("x").Get("y") != nil || v.Get("a").Get("b").Get("c") != nil {
		t.Error("found what is not there")
	}
	if n := v.Get("n"); n == nil || n.Kind != Null {
		t.Error("null is absent")
	}
}

func TestInt(t *testing.T) {
	for source, want := range map[string]int64{"0": 0, "-0": 0, "100": 100, "1e2": 100, "100.0": 100, "-9007199254740991": -9007199254740991} {
		if got, ok := mustParse(t, source).Int(); !ok || got != want {
			t.Errorf("%s: %d, %v", source, got, ok)
		}
	}
	for _, source := range []string{"0.5", "1e-1", `"1"`, "true", "null", "[]"} {
		if got, ok := mustParse(t, source).Int(); ok {
			t.Errorf("%s: %d", source, got)
		}
	}
}

func TestKeywordsAndTypesStandInOnePlace(t *testing.T) {
	for name := range unsupported {
		if _, both := keywords[name]; both {
			t.Errorf("%s is supported and not", name)
		}
	}
	for i, name := range typeNames {
		if kindOf(name)&(1<<i) == 0 {
			t.Errorf("%s has another bit", name)
		}
	}
	for name, k := range keywords {
		if k.beside != "" && keywords[k.beside].note {
			t.Errorf("%s stands beside an annotation", name)
		}
	}
}

func TestProperties(t *testing.T) {
	s := mustCompile(t, `{"$ref":"#/$defs/root","$defs":{"short":{"type":"string","maxLength":8,"description":"short text"},
	"root":{"type":"object","additionalProperties":false,"properties":{
	"zone":{"enum":["eu","us"],"description":"where"},
	"count":{"type":"integer"},
	"ratio":{"type":"number"},
	"on":{"type":"boolean"},
	"code":{"$ref":"#/$defs/short"},
	"named":{"$ref":"#/$defs/short","description":"own words"},
	"tags":{"type":"array","items":{"type":"string","maxLength":20,"enum":["a","b"]},"maxItems":5},
	"refs":{"type":"array","items":{"$ref":"#/$defs/short"}},
	"mixed":{"type":["string","null"]},
	"numbers":{"type":"array","items":{"type":"integer"}},
	"tuple":{"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"string"}},
	"loose":{"type":"array"},
	"level":{"enum":[1,2]},
	"share":{"enum":[1,2.5]},
	"either":{"enum":["a",1]},
	"fixed":{"const":"x"},
	"any":true,
	"object":{"type":"object","additionalProperties":true}}}}}`)
	number := func(f float64) *float64 { return &f }
	want := []Property{
		{Name: "any"},
		{Name: "code", Type: "string", MaxLength: 8, Description: "short text"},
		{Name: "count", Type: "integer"},
		{Name: "either"},
		{Name: "fixed", Type: "string", Enum: []string{"x"}},
		{Name: "level", Type: "integer", Minimum: number(1), Maximum: number(2)},
		{Name: "loose"},
		{Name: "mixed"},
		{Name: "named", Type: "string", MaxLength: 8, Description: "own words"},
		{Name: "numbers"},
		{Name: "object"},
		{Name: "on", Type: "boolean"},
		{Name: "ratio", Type: "number"},
		{Name: "refs", Type: "array", MaxLength: 8},
		{Name: "share", Type: "number", Minimum: number(1), Maximum: number(2.5)},
		{Name: "tags", Type: "array", Enum: []string{"a", "b"}, MaxLength: 20, MaxItems: 5},
		{Name: "tuple"},
		{Name: "zone", Type: "string", Enum: []string{"eu", "us"}, Description: "where"},
	}
	if got := s.Properties(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := mustCompile(t, `{"type":"string"}`).Properties(); len(got) != 0 {
		t.Errorf("a string has %+v", got)
	}
}

func TestPropertyBounds(t *testing.T) {
	s := mustCompile(t, `{"type":"object","additionalProperties":false,"$defs":{"share":{"type":"number","minimum":0,"maximum":1}},"properties":{
	"a":{"type":"integer","minimum":1,"maximum":9},
	"b":{"type":"number","exclusiveMinimum":0.5,"minimum":0},
	"c":{"type":"integer","maximum":10,"exclusiveMaximum":20},
	"d":{"$ref":"#/$defs/share"},
	"e":{"type":"string","minLength":3,"maxLength":5},
	"f":{"type":"integer"},
	"g":{"type":"integer","exclusiveMinimum":5,"exclusiveMaximum":9.5},
	"h":{"type":"integer","exclusiveMinimum":5,"minimum":7,"enum":[8,3,12]},
	"i":{"const":4}}}`)
	var got []string
	for _, p := range s.Properties() {
		show := func(f *float64) string {
			if f == nil {
				return "-"
			}
			return strconv.FormatFloat(*f, 'g', -1, 64)
		}
		got = append(got, p.Name+" "+show(p.Minimum)+" "+show(p.Maximum)+" "+strconv.Itoa(p.MinLength))
	}
	if want := []string{"a 1 9 0", "b 0.5 - 0", "c - 10 0", "d 0 1 0", "e - - 3", "f - - 0", "g 6 9.5 0", "h 7 12 0", "i 4 4 0"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAtMostTwentyProblems(t *testing.T) {
	s := mustCompile(t, `{"type":"array","items":{"type":"string"}}`)
	problems := s.Validate(mustParse(t, "["+strings.Repeat("1,", 500)+"1]"))
	if len(problems) != 20 || problems[0].Pointer != "/0" || problems[19].Pointer != "/19" {
		t.Errorf("got %d: %s", len(problems), shown(problems))
	}
}

func TestNoDocumentIsNotValid(t *testing.T) {
	if got := shown(mustCompile(t, "true").Validate(nil)); got != "1:1 /: there is no document" {
		t.Errorf("got %s", got)
	}
}

// Every way found to make the evaluator slow or hungry must be refused by the
// measure that is taken before.
func TestCostlyDocumentsAreRefused(t *testing.T) {
	many := func(n int, item string) string { return "[" + strings.Repeat(item+",", n-1) + item + "]" }
	long := strings.Repeat("x", 500_000)
	for name, c := range map[string]struct{ schema, document string }{
		"pattern on a long text":     {`{"type":"string","pattern":"(x+y?){40}$"}`, `"` + long + `"`},
		"format on a long text":      {`{"type":"string","format":"email"}`, `"` + long + `"`},
		"pattern on long names":      {`{"type":"object","patternProperties":{"(x+y?){40}$":true},"additionalProperties":true}`, `{"` + long + `":1}`},
		"many patterns, many names":  {manyPatterns(400), manyNames(5000)},
		"many branches, many items":  {`{"type":"array","items":{"anyOf":[` + strings.Repeat(`{"const":1},`, 500) + `{"const":2}]}}`, many(9_000, "3")},
		"many numbers to compare":    {`{"type":"array","items":{"enum":[` + strings.Repeat("1,", 2000) + `1]}}`, many(9_000, "3")},
		"a long list, many items":    {`{"type":"array","items":{"enum":["a"` + strings.Repeat(`,"`+strings.Repeat("z", 50)+`"`, 1000) + `]}}`, many(9_000, `"3"`)},
		"unique arrays in arrays":    {uniqueArrays(4), nestedArrays()},
		"a long name over items":     {`{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}}`, `{"` + long + `":` + many(9_000, "1") + "}"},
		"branches doubled in depth":  {doubled(10), many(9_000, "1")},
		"many fields, many objects":  {manyFields(996), many(9_990, "{}")},
		"many required, many absent": {`{"type":"array","items":{"type":"object","additionalProperties":true,"required":[` + numbered(2000) + `]}}`, many(9_000, "{}")},
	} {
		s := mustCompile(t, c.schema)
		problems := s.Validate(mustParse(t, c.document))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, "too large to be held against this schema") {
			t.Errorf("%s: %s", name, shown(problems))
		}
	}
}

func manyPatterns(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"^x%d$":true`, i)
	}
	return `{"type":"object","additionalProperties":true,"patternProperties":{` + b.String()[1:] + "}}"
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d":1`, i)
	}
	return "{" + b.String()[1:] + "}"
}

func manyFields(n int) string {
	return `{"type":"array","items":{"type":"object","additionalProperties":false,"properties":` +
		strings.ReplaceAll(manyNames(n), ":1", ":true") + "}}"
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"x%d"`, i)
	}
	return b.String()[1:]
}

func uniqueArrays(depth int) string {
	return strings.Repeat(`{"type":"array","uniqueItems":true,"items":`, depth) + "true" + strings.Repeat("}", depth)
}

// nestedArrays has 20 arrays of 20 arrays of 20 numbers.
func nestedArrays() string {
	inner := "1e-300"
	for range 3 {
		inner = "[" + strings.Repeat(inner+",", 19) + inner + "]"
	}
	return inner
}

// doubled is a schema that refers twice to the next, 2^levels times in all.
func doubled(levels int) string {
	var b strings.Builder
	for i := range levels {
		fmt.Fprintf(&b, `"d%d":{"anyOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]},`, i, i+1, i+1)
	}
	return fmt.Sprintf(`{"type":"array","items":{"$ref":"#/$defs/d0"},"$defs":{%s"d%d":{"const":2}}}`, b.String(), levels)
}

// A legitimate document at the limits must not be refused for its cost.
func TestLargeDocumentsAreAffordable(t *testing.T) {
	s := mustCompile(t, `{"type":"object","additionalProperties":false,"properties":{"note":{"type":"string","maxLength":600000},
	"files":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["path","added"],"properties":{
	"path":{"type":"string","maxLength":200,"pattern":"^[A-Za-z0-9_./-]+$"},"added":{"type":"integer","minimum":0}}}}}}`)
	file := `{"path":"internal/schema/testdata/some-file-name.json","added":12}`
	document := `{"note":"` + strings.Repeat("x", 500_000) + `","files":[` + strings.Repeat(file+",", 3_300) + file + "]}"
	if problems := s.Validate(mustParse(t, document)); problems != nil {
		t.Errorf("got %s", shown(problems))
	}
}

func TestReportsHold(t *testing.T) {
	for _, c := range readCorpus(t, "verdicts.tsv", 3) {
		checkReport(t, mustCompile(t, string(evaluate(t, c[0]))), mustParse(t, string(evaluate(t, c[1]))))
	}
	// Every document against every schema finds the odd pairs.
	var documents []*Value
	for _, c := range readCorpus(t, "awkward-schemas.tsv", 4) {
		for _, source := range c[2:4] {
			if source != "-" {
				documents = append(documents, mustParse(t, string(evaluate(t, source))))
			}
		}
	}
	for _, c := range readCorpus(t, "awkward-schemas.tsv", 4) {
		s := mustCompile(t, string(evaluate(t, c[1])))
		for _, v := range documents {
			checkReport(t, s, v)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := mustCompile(t, `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"string","format":"date","pattern":"^2"}}}`)
	v := mustParse(t, `{"a":"1999-01-01","b":1}`)
	want := shown(s.Validate(v))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := shown(s.Validate(v)); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}
