package schema

import (
	"math"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// kinds is a set of the type names of JSON Schema.
type kinds uint8

// typeNames are the types in the order of their bits in a kinds.
var typeNames = []string{"null", "boolean", "integer", "number", "string", "array", "object"}

const (
	integers kinds = 1 << 2
	numbers  kinds = integers | 1<<3
	strs     kinds = 1 << 4
	arrays   kinds = 1 << 5
	objects  kinds = 1 << 6
)

// kindOf returns the set that a type name stands for. A number may be an
// integer.
func kindOf(name string) kinds {
	if name == "number" {
		return numbers
	}
	if i := slices.Index(typeNames, name); i >= 0 {
		return 1 << i
	}
	return 0
}

// shape is what the value of a keyword must be.
type shape uint8

const (
	anything shape = iota
	text
	boolean
	count        // a length: an integer from 0 to maxCount
	number       // any number
	divisor      // a number from 1e-9 to 1e9
	names        // an array of different strings
	nameLists    // an object of such arrays
	values       // an array that is not empty
	typeShape    // a type name or an array of them
	formatShape  // a known format
	patternShape // a bounded regular expression
	reference    // "#/..."
	draftURI     // the URI of draft 2020-12
	subschema    // a schema
	schemaList   // an array of schemas that is not empty
	schemaMap    // an object of schemas
	patternMap   // an object of schemas under bounded regular expressions
)

// keyword is what this package knows about one keyword of JSON Schema.
type keyword struct {
	shape shape
	// on are the types that the keyword speaks of; it must stand beside one.
	on kinds
	// inPlace is whether its schemas see the same value as the schema around.
	inPlace bool
	// note is whether it is an annotation that decides nothing.
	note bool
	// beside is a keyword without which this one would do nothing.
	beside string
}

const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// keywords are those of draft 2020-12 that this package allows. Left out are
// the dynamic and named references, which are hard to bound, the keywords on
// content, which assert nothing, and propertyNames, for which patternProperties
// is the clearer word.
var keywords = map[string]keyword{
	"$schema":     {shape: draftURI, note: true},
	"$id":         {shape: text, note: true},
	"$comment":    {shape: text, note: true},
	"title":       {shape: text, note: true},
	"description": {shape: text, note: true},
	"default":     {shape: anything, note: true},
	"examples":    {shape: values, note: true},
	"deprecated":  {shape: boolean, note: true},
	"readOnly":    {shape: boolean, note: true},
	"writeOnly":   {shape: boolean, note: true},

	"$defs": {shape: schemaMap},
	"$ref":  {shape: reference},
	"type":  {shape: typeShape},
	"enum":  {shape: values},
	"const": {shape: anything},

	"allOf": {shape: schemaList, inPlace: true},
	"anyOf": {shape: schemaList, inPlace: true},
	"oneOf": {shape: schemaList, inPlace: true},
	"not":   {shape: subschema, inPlace: true},
	"if":    {shape: subschema, inPlace: true},
	"then":  {shape: subschema, inPlace: true, beside: "if"},
	"else":  {shape: subschema, inPlace: true, beside: "if"},

	"minimum":          {shape: number, on: numbers},
	"maximum":          {shape: number, on: numbers},
	"exclusiveMinimum": {shape: number, on: numbers},
	"exclusiveMaximum": {shape: number, on: numbers},
	"multipleOf":       {shape: divisor, on: numbers},

	"minLength": {shape: count, on: strs},
	"maxLength": {shape: count, on: strs},
	"pattern":   {shape: patternShape, on: strs},
	"format":    {shape: formatShape, on: strs},

	"items":            {shape: subschema, on: arrays},
	"prefixItems":      {shape: schemaList, on: arrays},
	"unevaluatedItems": {shape: subschema, on: arrays},
	"contains":         {shape: subschema, on: arrays},
	"minContains":      {shape: count, on: arrays, beside: "contains"},
	"maxContains":      {shape: count, on: arrays, beside: "contains"},
	"minItems":         {shape: count, on: arrays},
	"maxItems":         {shape: count, on: arrays},
	"uniqueItems":      {shape: boolean, on: arrays},

	"properties":            {shape: schemaMap, on: objects},
	"patternProperties":     {shape: patternMap, on: objects},
	"additionalProperties":  {shape: subschema, on: objects},
	"unevaluatedProperties": {shape: subschema, on: objects},
	"required":              {shape: names, on: objects},
	"minProperties":         {shape: count, on: objects},
	"maxProperties":         {shape: count, on: objects},
	"dependentRequired":     {shape: nameLists, on: objects},
	"dependentSchemas":      {shape: schemaMap, on: objects, inPlace: true},
}

// unsupported are standard keywords, of this draft or an earlier one, with
// what to use instead.
var unsupported = map[string]string{
	"$anchor":          "refer to it with a pointer such as #/$defs/name",
	"$dynamicAnchor":   "refer to it with a pointer such as #/$defs/name",
	"$dynamicRef":      "use $ref",
	"$recursiveAnchor": "refer to it with a pointer such as #/$defs/name",
	"$recursiveRef":    "use $ref",
	"$vocabulary":      "leave it out",
	"id":               "leave it out",
	"definitions":      "use $defs",
	"dependencies":     "use dependentRequired or dependentSchemas",
	"additionalItems":  "use prefixItems with items",
	"propertyNames":    "use patternProperties with additionalProperties false",
	"contentEncoding":  "use pattern",
	"contentMediaType": "leave it out",
	"contentSchema":    "leave it out",
}

// keywordNames are the allowed keywords, sorted, for hints.
var keywordNames = sortedKeys(keywords)

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

const (
	maxCount        = math.MaxInt32
	maxPatternBytes = 200
	maxInstructions = 500
)

// misfit says why v cannot be the value of a keyword of that shape, or "".
// It does not look into schemas.
func (s shape) misfit(v *Value) string {
	switch s {
	case text:
		return expect(v.Kind == String, v, "a string")
	case boolean:
		return expect(v.Kind == Bool, v, "true or false")
	case count:
		n, ok := v.Int()
		return expect(ok && n >= 0 && n <= maxCount, v, "an integer from 0 to 2147483647")
	case number:
		return expect(v.Kind == Number, v, "a number")
	case divisor:
		f, err := strconv.ParseFloat(v.Text, 64)
		return expect(v.Kind == Number && err == nil && f >= 1e-9 && f <= 1e9, v, "a number from 1e-9 to 1e9")
	case names:
		return expect(v.areNames(), v, "an array of different strings")
	case nameLists:
		bad := slices.ContainsFunc(v.Members, func(m Member) bool { return !m.Value.areNames() })
		return expect(v.Kind == Object && !bad, v, "an object of arrays of different strings")
	case values, schemaList:
		return expect(v.Kind == Array && len(v.Items) > 0, v, "an array that is not empty")
	case schemaMap, patternMap:
		return expect(v.Kind == Object, v, "an object of schemas")
	case typeShape:
		return misfitType(v)
	case formatShape:
		return misfitFormat(v)
	case patternShape:
		return misfitPattern(v)
	case reference:
		return expect(v.Kind == String && strings.HasPrefix(v.Text, "#/"), v,
			`a pointer into this document, such as "#/$defs/name"`)
	case draftURI:
		return expect(v.Kind == String && strings.TrimSuffix(v.Text, "#") == draft2020, v, `"`+draft2020+`"`)
	}
	return ""
}

func expect(ok bool, v *Value, expected string) string {
	if ok {
		return ""
	}
	return "is " + v.show() + "; expected " + expected
}

// areNames reports whether v is an array of strings that all differ.
func (v *Value) areNames() bool {
	if v.Kind != Array {
		return false
	}
	seen := make(map[string]bool, len(v.Items))
	for _, item := range v.Items {
		if item.Kind != String || seen[item.Text] {
			return false
		}
		seen[item.Text] = true
	}
	return true
}

func misfitType(v *Value) string {
	expected := "one of " + strings.Join(typeNames, ", ")
	list := []*Value{v}
	if v.Kind == Array {
		if !v.areNames() || len(v.Items) == 0 {
			return expect(false, v, expected+", or an array of different ones")
		}
		list = v.Items
	}
	for _, item := range list {
		if item.Kind != String || kindOf(item.Text) == 0 {
			return expect(false, item, expected) + hint(item.Text, typeNames)
		}
	}
	return ""
}

func misfitFormat(v *Value) string {
	if _, ok := formats[v.Text]; ok && v.Kind == String {
		return ""
	}
	return expect(false, v, "one of "+strings.Join(formatNames, ", ")) + hint(v.Text, formatNames)
}

func misfitPattern(v *Value) string {
	if v.Kind != String {
		return expect(false, v, "a regular expression")
	}
	_, complaint := instructions(v.Text)
	return complaint
}

// instructions returns the size of the compiled pattern, or a complaint.
// Matching costs at most about that many steps for each byte of the text.
func instructions(pattern string) (int, string) {
	if len(pattern) > maxPatternBytes {
		return 0, "is a regular expression of " + strconv.Itoa(len(pattern)) + " bytes; expected at most 200"
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0, "is not a regular expression in RE2 syntax: " + strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxInstructions {
		return 0, "is a regular expression that is too costly to match; use fewer or smaller repetitions"
	}
	return len(program.Inst), ""
}
