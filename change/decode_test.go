package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// requestHead is the first line of the documents that the corpus begins with "+".
const requestHead = `{"id":"CHG-1","kind":"code","service":"payments","requester":{"id":"idp|alice"},`

// corpusCase is one line of a file in testdata/decode; see the README there.
type corpusCase struct {
	at       string // file and line
	class    string
	attested bool
	want     string
	data     []byte
}

func decodeCorpus(t testing.TB, file string) []corpusCase {
	t.Helper()
	text, err := os.ReadFile("testdata/decode/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", file, i+1)
		parts := strings.Split(line, "\t")
		if len(parts) != 3 {
			t.Fatalf("%s: %d columns, want 3", at, len(parts))
		}
		class, attested := strings.CutSuffix(parts[0], "@attested")
		cases = append(cases, corpusCase{at, class, attested, parts[1], corpusDocument(t, at, parts[2])})
	}
	return cases
}

// corpusDocument builds the bytes that the third column describes.
func corpusDocument(t testing.TB, at, text string) []byte {
	t.Helper()
	rest, added := strings.CutPrefix(text, "+")
	if expression, ok := strings.CutPrefix(rest, "="); ok {
		rest = evaluateSum(t, at, expression)
	}
	if added {
		rest = requestHead + "\n" + rest + "}"
	}
	return []byte(rest)
}

// evaluateSum computes a sum of Go string literals, each perhaps repeated: a
// "#" in a literal that is repeated counts up from 0.
func evaluateSum(t testing.TB, at, expression string) string {
	t.Helper()
	var out strings.Builder
	for rest := expression; rest != ""; {
		literal, err := strconv.QuotedPrefix(rest)
		if err != nil {
			t.Fatalf("%s: %q: %v", at, rest, err)
		}
		text, _ := strconv.Unquote(literal)
		rest = strings.TrimPrefix(rest[len(literal):], " ")
		if after, ok := strings.CutPrefix(rest, "* "); ok {
			digits, tail, _ := strings.Cut(after, " ")
			times, err := strconv.Atoi(digits)
			if err != nil {
				t.Fatalf("%s: %v", at, err)
			}
			for i := range times {
				out.WriteString(strings.ReplaceAll(text, "#", strconv.Itoa(i)))
			}
			rest = tail
		} else {
			out.WriteString(text)
		}
		rest = strings.TrimPrefix(rest, "+ ")
	}
	return out.String()
}

// placed is a problem with its place, as the corpus writes it.
func placed(p Problem) string { return fmt.Sprintf("%d:%d %s", p.Line, p.Column, p) }

// placedAs reports whether every problem begins as the corpus says, in order.
func placedAs(found Problems, want string) bool {
	list := strings.Split(want, " ⏐ ")
	for i, w := range list {
		if i >= len(found) || !strings.HasPrefix(placed(found[i]), w) {
			return false
		}
	}
	return len(list) == len(found)
}

func placedList(found Problems) string {
	var list []string
	for _, p := range found {
		list = append(list, placed(p))
	}
	return strings.Join(list, " ⏐ ")
}

func TestDecodeRefuses(t *testing.T) {
	cases := decodeCorpus(t, "refused.txt")
	if len(cases) < 250 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, k := range cases {
		c, err := Decode(k.data, &DecodeOptions{Attested: k.attested})
		var found Problems
		if c != nil || !errors.As(err, &found) || len(found) == 0 {
			t.Errorf("%s (%s): accepted, or refused without problems: %v", k.at, k.class, err)
			continue
		}
		if !placedAs(found, k.want) {
			t.Errorf("%s (%s):\n got %s\nwant %s", k.at, k.class, placedList(found), k.want)
		}
		if got, want := errors.Is(err, ErrIncomplete), k.class == "incomplete"; got != want {
			t.Errorf("%s (%s): incomplete = %v, want %v", k.at, k.class, got, want)
		}
	}
}

// TestDecodeRefusesReadably holds the sentences to what every refusal of the
// module promises: one line, of bounded length, without Go's own jargon.
func TestDecodeRefusesReadably(t *testing.T) {
	for _, k := range decodeCorpus(t, "refused.txt") {
		_, err := Decode(k.data, &DecodeOptions{Attested: k.attested})
		var found Problems
		errors.As(err, &found)
		for _, p := range found {
			for _, jargon := range []string{"\n", "json:", "unmarshal", "Go struct", "strconv", "%!", "MarshalText", "layout"} {
				if strings.Contains(p.Message, jargon) {
					t.Errorf("%s: %q holds %q", k.at, p.Message, jargon)
				}
			}
			if p.Message == "" || len(p.Message) > 1400 || strings.HasSuffix(p.Message, ".") {
				t.Errorf("%s: the message is empty, too long or ends in a full stop: %q", k.at, p.Message)
			}
		}
	}
}

func TestDecodeAccepts(t *testing.T) {
	cases := decodeCorpus(t, "accepted.txt")
	if len(cases) < 70 {
		t.Errorf("only %d cases", len(cases))
	}
	for _, k := range cases {
		c, err := Decode(k.data, &DecodeOptions{Attested: k.attested})
		if err != nil {
			t.Errorf("%s (%s): %s", k.at, k.class, placedList(problemsOf(err)))
			continue
		}
		canonical, err := c.Canonical()
		if err != nil {
			t.Errorf("%s (%s): %v", k.at, k.class, err)
			continue
		}
		if want := strings.TrimSuffix(strings.TrimPrefix(string(canonical), "{"), "}"); k.want != "=" && !strings.Contains(want, k.want) {
			t.Errorf("%s (%s): canonical\n %.600s\nlacks\n %s", k.at, k.class, canonical, k.want)
		}
		checkAccepted(t, k.at, k.data, c, &DecodeOptions{Attested: k.attested})
	}
}

func problemsOf(err error) Problems {
	var found Problems
	errors.As(err, &found)
	return found
}

func TestDecodeTakesNilOptions(t *testing.T) {
	if _, err := Decode([]byte(requestHead+`"attested":[]}`), nil); err == nil || !strings.Contains(err.Error(), "only the host may vouch") {
		t.Errorf("nil options: %v", err)
	}
	if c, err := Decode([]byte(requestHead+`"title":"x"}`), nil); err != nil || c.Title != "x" {
		t.Errorf("nil options: %v", err)
	}
}

// TestServerOwnedMembersAreRefused by name, whatever they hold.
func TestServerOwnedMembersAreRefused(t *testing.T) {
	for _, name := range strings.Fields("assumed authorized decision digest faults level policy reasons recorded_at regular requirement revision score state status tenant unknowns votes") {
		for _, value := range []string{`"x"`, `null`, `{}`, `3`} {
			_, err := Decode([]byte(requestHead+"\n"+`"title":"x",`+"\n"+`"`+name+`":`+value+`}`), &DecodeOptions{Attested: true})
			want := Problem{"/" + name, 3, 1, "is decided by the system, not by the requester; leave it out"}
			if found := problemsOf(err); len(found) != 1 || found[0] != want {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// jsonNode is a JSON value that keeps its members in order, so that documents
// can be written in many ways and spoilt at any place.
type jsonNode struct {
	members []jsonMember // of an object
	items   []*jsonNode  // of an array
	kind    byte         // 'o', 'a', 's' (text), 'n' (number), 'w' (a word: true, false)
	text    string
	open    bool // an object whose names are free
}

type jsonMember struct {
	name  string
	value *jsonNode
}

func (n *jsonNode) get(name string) *jsonNode {
	if n != nil {
		for _, m := range n.members {
			if m.name == name {
				return m.value
			}
		}
	}
	return nil
}

func (n *jsonNode) remove(name string) {
	n.members = slices.DeleteFunc(n.members, func(m jsonMember) bool { return m.name == name })
}

// objects lists the objects in n, itself included.
func (n *jsonNode) objects() []*jsonNode {
	var list []*jsonNode
	if n.kind == 'o' {
		list = append(list, n)
	}
	for _, m := range n.members {
		list = append(list, m.value.objects()...)
	}
	for _, item := range n.items {
		list = append(list, item.objects()...)
	}
	return list
}

// documents draws valid changes from the shape that the schema states.
type documents struct {
	*rand.Rand
	defs map[string]any
	root map[string]any
}

func newDocuments(t testing.TB, seed uint64) *documents {
	root := schemaDocument(t)
	return &documents{rand.New(rand.NewPCG(seed, 47)), root["$defs"].(map[string]any), root}
}

// change draws a document and then sees to what a schema cannot say.
func (d *documents) change() *jsonNode {
	n := d.value(d.root)
	number := 0
	for _, list := range []string{"evidence", "targets", "files"} {
		if list := n.get(list); list != nil {
			for _, item := range list.items {
				number++
				for i, m := range item.members {
					if m.name == "name" || m.name == "path" {
						item.members[i].value.text = fmt.Sprintf("%c%d", 'a'+d.IntN(26), number)
					}
				}
			}
		}
	}
	if n.get("files") != nil {
		n.remove("size")
	}
	if w := n.get("window"); w != nil && w.get("start").text >= w.get("end").text {
		w.get("start").text, w.get("end").text = "2026-01-31T23:30:00-01:00", "2026-02-01T00:30:00.000000001Z"
	}
	if c := n.get("claim"); c != nil && c.get("type").text == "standard" {
		n.remove("emergency")
	} else if c != nil {
		c.remove("template")
	}
	if attested := n.get("attested"); attested != nil {
		names := append(Attestable(), "evidence.smoke", "attributes.pci")
		for _, a := range attested.items {
			for _, name := range a.get("covers").items {
				name.text = names[d.IntN(len(names))]
			}
		}
	}
	return n
}

func (d *documents) value(schema map[string]any) *jsonNode {
	if ref, ok := schema["$ref"].(string); ok {
		return d.value(d.defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any))
	}
	if words, ok := schema["enum"].([]any); ok {
		return &jsonNode{kind: 's', text: words[d.IntN(len(words))].(string)}
	}
	if branches, ok := schema["anyOf"].([]any); ok {
		return d.value(branches[d.IntN(len(branches))].(map[string]any))
	}
	typ := schema["type"]
	if types, ok := typ.([]any); ok {
		typ = types[d.IntN(len(types))]
	}
	switch typ {
	case "object":
		return d.object(schema)
	case "array":
		n := &jsonNode{kind: 'a'}
		least := int(bound(schema, "minItems", 0))
		for range least + d.IntN(min(4, int(bound(schema, "maxItems", 4))-least+1)) {
			n.items = append(n.items, d.value(schema["items"].(map[string]any)))
		}
		return n
	case "string":
		return &jsonNode{kind: 's', text: d.text(schema)}
	case "boolean":
		return &jsonNode{kind: 'w', text: strconv.FormatBool(d.IntN(2) == 0)}
	case "integer":
		least, most := bound(schema, "minimum", 0), bound(schema, "maximum", 9)
		return &jsonNode{kind: 'n', text: strconv.Itoa([]int{int(least), int(most), int(least) + d.IntN(int(most-least)+1)}[d.IntN(3)])}
	default: // number
		least, most := bound(schema, "minimum", -1e6), bound(schema, "maximum", 1e6)
		f := []float64{least, most, least + d.Float64()*(most-least)}[d.IntN(3)]
		text, _ := json.Marshal(f)
		return &jsonNode{kind: 'n', text: string(text)}
	}
}

func bound(schema map[string]any, keyword string, otherwise float64) float64 {
	if f, ok := schema[keyword].(float64); ok {
		return f
	}
	return otherwise
}

func (d *documents) object(schema map[string]any) *jsonNode {
	n := &jsonNode{kind: 'o'}
	if each, ok := schema["additionalProperties"].(map[string]any); ok {
		n.open = true
		for _, name := range []string{"pci", "a/b", "é", "\ue000", "😀", "x y", "~0"} {
			if d.IntN(3) == 0 {
				n.members = append(n.members, jsonMember{name, d.value(each)})
			}
		}
		return n
	}
	properties := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	names := slices.Sorted(maps.Keys(properties))
	d.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	for i, name := range names {
		last := i == len(names)-1 && len(n.members) < int(bound(schema, "minProperties", 0))
		if last || slices.Contains(required, any(name)) || d.IntN(3) == 0 {
			n.members = append(n.members, jsonMember{name, d.value(properties[name].(map[string]any))})
		}
	}
	return n
}

var sampleTexts = []string{"CHG-1", "payments", "smoke", "idp|alice", "prod/eu-west", "a", "0", "x_y", "v1.2-rc_3", "https://ci.example.com/?a=b&c=<d>"}

func (d *documents) text(schema map[string]any) string {
	if schema["format"] == "date-time" {
		at := time.Unix(d.Int64N(7e9), d.Int64N(3)*5e8).In(time.FixedZone("", (d.IntN(2*1439)-1439)*60))
		return at.Format(time.RFC3339Nano)
	}
	least, most := int(bound(schema, "minLength", 0)), int(bound(schema, "maxLength", 99))
	pattern, ok := schema["pattern"].(string)
	if ok && strings.HasPrefix(pattern, "^sha256:") {
		return "sha256:" + fmt.Sprintf("%064x", d.Uint64())
	}
	if ok {
		form := regexp.MustCompile(pattern)
		for {
			if s := sampleTexts[d.IntN(len(sampleTexts))]; form.MatchString(s) && len(s) <= most {
				return s
			}
		}
	}
	alphabet := []rune("aZ0 .,/<>&\"'\\é語😀\u2028\u00a0�")
	var out []rune
	for range least + d.IntN(min(most-least, 9)+1) {
		out = append(out, alphabet[d.IntN(len(alphabet))])
	}
	return string(out)
}

// write spells n. An awkward spelling has white space, escapes and numbers
// that mean the same.
func (d *documents) write(out *bytes.Buffer, n *jsonNode, awkward bool) {
	space := func() {
		if awkward && d.IntN(4) == 0 {
			out.WriteString([]string{" ", "\n", "\t", "\r\n"}[d.IntN(4)])
		}
	}
	list := func(brackets string, count int, each func(i int)) {
		out.WriteByte(brackets[0])
		for i := range count {
			if i > 0 {
				out.WriteByte(',')
			}
			space()
			each(i)
			space()
		}
		out.WriteByte(brackets[1])
	}
	switch n.kind {
	case 'o':
		list("{}", len(n.members), func(i int) {
			d.spell(out, n.members[i].name, awkward)
			space()
			out.WriteByte(':')
			space()
			d.write(out, n.members[i].value, awkward)
		})
	case 'a':
		list("[]", len(n.items), func(i int) { d.write(out, n.items[i], awkward) })
	case 's':
		d.spell(out, n.text, awkward)
	case 'n':
		out.WriteString(n.text)
		if awkward && n.text != "0" && !strings.ContainsAny(n.text, ".eE") {
			out.WriteString([]string{"", ".0", "e0", "E+00", ".00e-0", "0e-1"}[d.IntN(6)])
		}
	default:
		out.WriteString(n.text)
	}
}

func (d *documents) spell(out *bytes.Buffer, text string, awkward bool) {
	out.WriteByte('"')
	for _, r := range text {
		switch {
		case awkward && d.IntN(6) == 0 && r < 0x10000:
			fmt.Fprintf(out, []string{`\u%04x`, `\u%04X`}[d.IntN(2)], r)
		case awkward && d.IntN(2) == 0 && r >= 0x10000:
			fmt.Fprintf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		case r == '"' || r == '\\' || awkward && r == '/':
			out.WriteString(`\` + string(r))
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
}

func (d *documents) bytes(n *jsonNode, awkward bool) []byte {
	var out bytes.Buffer
	d.write(&out, n, awkward)
	return out.Bytes()
}

// FuzzDecode: nothing makes Decode panic; what it accepts has stable canonical
// bytes; what it refuses has at least one problem, at a place in the input.
func FuzzDecode(f *testing.F) {
	for _, file := range []string{"refused.txt", "accepted.txt"} {
		for _, k := range decodeCorpus(f, file) {
			if len(k.data) < 2_000 {
				f.Add(k.data, k.attested)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, attested bool) {
		opts := &DecodeOptions{Attested: attested}
		c, err := Decode(data, opts)
		if err == nil {
			checkAccepted(t, "input", data, c, opts)
			if c.Attested != nil && !attested {
				t.Fatalf("%q: attested by a requester", data)
			}
			return
		}
		found := problemsOf(err)
		if c != nil || len(found) == 0 {
			t.Fatalf("%q: %v: no problems, or a change beside them", data, err)
		}
		lines := strings.Split(string(data), "\n")
		for _, p := range found {
			if p.Message == "" || p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > len([]rune(lines[p.Line-1]))+1 {
				t.Fatalf("%q: %+v is not in the input", data, p)
			}
		}
	})
}
