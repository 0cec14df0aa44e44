package schema

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// oracle says what Parse should say, by way of encoding/json and of exact
// arithmetic. It reports unsure for texts that hold U+FFFD, which is also what
// encoding/json makes of lone surrogates.
func oracle(data []byte, limits Limits) (accept, unsure bool) {
	if len(data) > limits.Bytes || !json.Valid(data) || !utf8.Valid(data) {
		return false, false
	}
	o := &tokens{decoder: json.NewDecoder(bytes.NewReader(data)), limits: limits, ok: true}
	o.decoder.UseNumber()
	o.value(0)
	lower := strings.ToLower(string(data))
	if o.replaced {
		return false, o.ok && (strings.Contains(lower, "\ufffd") || strings.Contains(lower, `\ufffd`))
	}
	return o.ok, false
}

type tokens struct {
	decoder      *json.Decoder
	limits       Limits
	nodes        int
	ok, replaced bool
}

func (o *tokens) require(ok bool) { o.ok = o.ok && ok }

func (o *tokens) text(s string) {
	o.replaced = o.replaced || strings.ContainsRune(s, utf8.RuneError)
	o.require(!strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && !strings.ContainsRune("\t\n\r", r) }))
}

func (o *tokens) value(depth int) {
	o.nodes++
	o.require(o.nodes <= o.limits.Nodes)
	token, err := o.decoder.Token()
	if err != nil {
		panic(err) // json.Valid has seen it
	}
	switch token := token.(type) {
	case string:
		o.text(token)
	case json.Number:
		o.number(string(token))
	case json.Delim:
		o.require(depth < o.limits.Depth)
		var seen []string
		for o.decoder.More() {
			if token == '{' {
				name, _ := o.decoder.Token()
				o.text(name.(string))
				o.require(name != "")
				o.require(!slices.ContainsFunc(seen, func(s string) bool { return strings.EqualFold(s, name.(string)) }))
				seen = append(seen, name.(string))
			}
			o.value(depth + 1)
		}
		o.decoder.Token()
	}
}

func (o *tokens) number(token string) {
	o.require(len(token) <= o.limits.NumberChars)
	_, exponent, _ := strings.Cut(strings.ToLower(token), "e")
	size, ok := new(big.Int).SetString("0"+strings.TrimLeft(exponent, "+-"), 10)
	o.require(ok && size.Cmp(big.NewInt(int64(o.limits.Exponent))) <= 0)
	if !o.ok {
		return
	}
	exact, _ := new(big.Rat).SetString(token)
	f, _ := exact.Float64()
	o.require(math.Abs(f) < 1<<53)
	o.require(math.Abs(f) >= 1e-308 || exact.Sign() == 0)
}

// checkParse holds Parse against the oracle, and what it accepts against
// encoding/json and itself.
func checkParse(t *testing.T, data []byte, limits Limits) {
	t.Helper()
	v, err := Parse(data, limits)
	if accept, unsure := oracle(data, limits); !unsure && accept != (err == nil) {
		t.Fatalf("%q: error %v, but the oracle says accept %v", data, err, accept)
	}
	if err != nil {
		p := err.(*Problem)
		if p.Line < 1 || p.Column < 1 || p.Message == "" {
			t.Fatalf("%q: incomplete problem %+v", data, p)
		}
		return
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var want any
	if err := decoder.Decode(&want); err != nil {
		t.Fatalf("%q: accepted, but encoding/json says %v", data, err)
	}
	if got := v.Any(); !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: %#v, but encoding/json says %#v", data, got, want)
	}
	checkCanonical(t, v)
	checkPositions(t, v, data)
}

func checkCanonical(t *testing.T, v *Value) {
	t.Helper()
	canonical := v.AppendCanonical(nil)
	again, err := Parse(canonical, Limits{Bytes: math.MaxInt, Depth: 64, Nodes: 10_000, NumberChars: 32, Exponent: 308})
	if err != nil {
		t.Fatalf("canonical %q: %v", canonical, err)
	}
	if got := again.AppendCanonical(nil); !bytes.Equal(got, canonical) {
		t.Fatalf("canonical %q becomes %q", canonical, got)
	}
	var got any
	if want := doubles(v.Any()); json.Unmarshal(canonical, &got) != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("canonical %q differs from %v", canonical, want)
	}
}

func doubles(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f + 0
	case []any:
		for i := range v {
			v[i] = doubles(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = doubles(v[name])
		}
	}
	return v
}

// checkPositions looks whether each value and name begins where it says.
func checkPositions(t *testing.T, v *Value, data []byte) {
	t.Helper()
	lines := strings.Split(string(data), "\n")
	var check func(v *Value)
	at := func(line, column int) rune {
		runes := []rune(lines[line-1])
		return runes[column-1]
	}
	check = func(v *Value) {
		if first := at(v.Line, v.Column); !strings.ContainsRune([...]string{"n", "tf", "-0123456789", `"`, "[", "{"}[v.Kind], first) {
			t.Fatalf("%q: %v at %d:%d is a %q", data, v.Kind, v.Line, v.Column, first)
		}
		for _, item := range v.Items {
			check(item)
		}
		for _, m := range v.Members {
			if first := at(m.Line, m.Column); first != '"' {
				t.Fatalf("%q: the name %q at %d:%d is a %q", data, m.Name, m.Line, m.Column, first)
			}
			check(m.Value)
		}
	}
	if len(data) < 4096 {
		check(v)
	}
}

// smallLimits make random documents meet every limit.
func smallLimits() Limits {
	return Limits{Bytes: 400, Depth: 4, Nodes: 12, NumberChars: 12, Exponent: 30}
}

func TestParseAgainstOracle(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 8785))
	accepted := 0
	for range 60_000 {
		data := randomDocument(random)
		for _, limits := range []Limits{DocumentLimits(), smallLimits()} {
			checkParse(t, data, limits)
			if _, err := Parse(data, limits); err == nil {
				accepted++
			}
		}
	}
	if accepted < 10_000 || accepted > 110_000 {
		t.Errorf("%d accepted: the random documents are not balanced", accepted)
	}
}

func TestCorpusAgainstOracle(t *testing.T) {
	for _, file := range []string{"hostile-documents.tsv", "awkward-documents.tsv"} {
		for _, c := range readCorpus(t, file, 3) {
			if data := evaluate(t, c[2]); len(data) < 200_000 {
				checkParse(t, data, DocumentLimits())
			}
		}
	}
}

// randomDocument joins tokens that mostly make a document, and now and then
// spoils a byte or cuts the end off.
func randomDocument(random *rand.Rand) []byte {
	var b []byte
	b = appendRandom(random, b, 0)
	switch random.IntN(12) {
	case 0:
		b = b[:random.IntN(len(b)+1)]
	case 1:
		b[random.IntN(len(b))] = byte(random.Uint32())
	case 2:
		i := random.IntN(len(b))
		b = slices.Insert(b, i, odd[random.IntN(len(odd))])
	case 3:
		i := random.IntN(len(b))
		b = slices.Delete(b, i, i+1)
	}
	return b
}

const odd = "{}[],:\"\\ \n0eE.-+\x00\xc3u"

var (
	spaces      = []string{"", "", "", "", " ", "\n", "\r\n\t"}
	stringParts = []string{"", "a", "A", "b", "k", "\u212a", "ſ", "s", "ß", "é", `\u0061`, `\n`, `\/`, `\"`, `\\`, `\u00E9`, "\u20ac", "😀",
		`\ud83d\ude00`, `\ud83d`, `\b`, `\u0000`, `\u000a`, "\x7f", "\ufffd", "\u2028", "longer than the others"}
	numberTokens = []string{"0", "-0", "1", "-1", "10", "1.5", "0.1", "1e2", "1E+2", "1e-7", "1e31", "1e308", "1e309", "1e-308", "9007199254740991",
		"9007199254740992", "9007199254740991.4", "123456789012", "1234567890123", "01", "1.", ".5", "0.00000000000000000000000001e-300"}
)

func appendRandom(random *rand.Rand, b []byte, depth int) []byte {
	pick := func(list []string) string { return list[random.IntN(len(list))] }
	b = append(b, pick(spaces)...)
	switch kind := random.IntN(8); {
	case kind < 2 && depth < 5:
		b = append(b, '[')
		for i := range random.IntN(4) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendRandom(random, b, depth+1)
		}
		b = append(b, ']')
	case kind < 5 && depth < 5:
		b = append(b, '{')
		for i := range random.IntN(4) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, pick(spaces)+`"`+pick(stringParts)+pick(stringParts)+`"`+pick(spaces)+":"...)
			b = appendRandom(random, b, depth+1)
		}
		b = append(b, '}')
	case kind < 6:
		b = append(b, pick(numberTokens)...)
	case kind < 7:
		b = append(b, `"`+pick(stringParts)+pick(stringParts)+`"`...)
	default:
		b = append(b, pick([]string{"true", "false", "null"})...)
	}
	return append(b, pick(spaces)...)
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"hostile-documents.tsv", "awkward-documents.tsv"} {
		for _, c := range readCorpus(f, file, 3) {
			if data := evaluate(f, c[2]); len(data) < 1000 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkParse(t, data, DocumentLimits())
		checkParse(t, data, smallLimits())
	})
}

func FuzzCompile(f *testing.F) {
	for _, c := range readCorpus(f, "hostile-schemas.tsv", 3) {
		if data := evaluate(f, c[2]); len(data) < 4000 {
			f.Add(data, []byte(`{"a":[1,"x"]}`))
		}
	}
	for _, c := range readCorpus(f, "awkward-schemas.tsv", 4) {
		for _, document := range c[2:4] {
			if document != "-" {
				f.Add(evaluate(f, c[1]), evaluate(f, document))
			}
		}
	}
	f.Fuzz(func(t *testing.T, schema, document []byte) {
		s, err := Compile("s.json", schema)
		if err != nil {
			return
		}
		s.Properties()
		if v, err := Parse(document, DocumentLimits()); err == nil {
			checkReport(t, s, v)
		}
	})
}

// checkReport checks what must hold for every report.
func checkReport(t *testing.T, s *Schema, v *Value) {
	t.Helper()
	problems := s.Validate(v)
	if len(problems) > maxProblems {
		t.Fatalf("%d problems", len(problems))
	}
	// What is missing comes after what is there.
	there := slices.DeleteFunc(slices.Clone(problems), func(p *Problem) bool { return strings.HasPrefix(p.Message, "is missing the field") })
	if !slices.IsSortedFunc(there, func(a, b *Problem) int {
		return slices.Compare([]int{a.Line, a.Column}, []int{b.Line, b.Column})
	}) {
		t.Fatalf("not in document order: %s", shown(problems))
	}
	for _, p := range problems {
		if (&report{root: v, names: map[*Value]map[string]int{}}).at(p.Pointer).value == nil || p.Message == "" {
			t.Fatalf("nothing at %s", located(p))
		}
		if strings.Contains(p.Message, "evaluator failed") || strings.Contains(p.Message, "does not match the schema") {
			t.Fatalf("no explanation: %s", located(p))
		}
	}
	if again := s.Validate(v); shown(again) != shown(problems) {
		t.Fatalf("not the same twice: %s, %s", shown(problems), shown(again))
	}
	// The stored form must get the same verdict.
	stored, err := Parse(v.AppendCanonical(nil), Limits{Bytes: math.MaxInt, Depth: 64, Nodes: 10_000, NumberChars: 32, Exponent: 308})
	if err != nil {
		t.Fatal(err)
	}
	if again := s.Validate(stored); (again == nil) != (problems == nil) {
		t.Fatalf("the canonical form gets another verdict: %s, %s", shown(problems), shown(again))
	}
}
