package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// canonicalOracle is RFC 8785 for the shape of a change, written apart from
// the package: encoding/json reads, the members are sorted here, and the times
// are found by where they stand.
func canonicalOracle(t testing.TB, data []byte) []byte {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		t.Fatal(err)
	}
	toUTC := func(in any, name string) {
		members, _ := in.(map[string]any)
		if text, ok := members[name].(string); ok {
			at, err := time.Parse(time.RFC3339Nano, text)
			if err != nil {
				t.Fatal(err)
			}
			members[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	toUTC(document["window"], "start")
	toUTC(document["window"], "end")
	list, _ := document["evidence"].([]any)
	for _, item := range list {
		toUTC(item, "at")
	}
	var out bytes.Buffer
	writeSorted(t, &out, document)
	return out.Bytes()
}

func writeSorted(t testing.TB, out *bytes.Buffer, v any) {
	switch v := v.(type) {
	case bool:
		fmt.Fprint(out, v)
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(f + 0) // encoding/json follows ECMAScript but for -0
		if f == 0 {
			text = []byte("0")
		}
		out.Write(text)
	case string:
		writeText(out, v)
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			writeSorted(t, out, item)
		}
		out.WriteByte(']')
	case map[string]any:
		var names []string
		for name := range v {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		out.WriteByte('{')
		for i, name := range names {
			if i > 0 {
				out.WriteByte(',')
			}
			writeText(out, name)
			out.WriteByte(':')
			writeSorted(t, out, v[name])
		}
		out.WriteByte('}')
	default:
		t.Fatalf("%T in a document that was accepted", v)
	}
}

// writeText writes the escapes of RFC 8785, section 3.2.2.2, rune by rune.
func writeText(out *bytes.Buffer, s string) {
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteString(`\` + string(r))
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\r':
			out.WriteString(`\r`)
		case r == '\t':
			out.WriteString(`\t`)
		case r < ' ':
			fmt.Fprintf(out, `\u%04x`, r)
		default:
			out.WriteRune(r)
		}
	}
	out.WriteByte('"')
}

// checkAccepted holds a change that was decoded from data against the oracle
// and against itself.
func checkAccepted(t testing.TB, at string, data []byte, c *Change, opts *DecodeOptions) {
	t.Helper()
	canonical, err := c.Canonical()
	if err != nil {
		t.Fatalf("%s: accepted, but without canonical bytes: %v", at, err)
	}
	if _, digest, err := DecodeDigest(data, opts); err != nil || digest != sumOf(canonical) {
		t.Fatalf("%s: decoded with the digest %s, %v, want %s", at, digest, err, sumOf(canonical))
	}
	if want := canonicalOracle(t, data); !bytes.Equal(canonical, want) {
		t.Fatalf("%s: canonical\n %.900s\nwant\n %.900s", at, canonical, want)
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("%s: decoded, but not valid: %v", at, err)
	}
	again, err := Decode(canonical, opts)
	if err != nil {
		t.Fatalf("%s: the canonical bytes are refused: %v\n%.900s", at, err, canonical)
	}
	if !reflect.DeepEqual(again, c) {
		t.Fatalf("%s: the canonical bytes are another change:\n%+v\n%+v", at, again, c)
	}
	digest, err := c.Digest()
	other, err2 := again.Digest()
	if want := sumOf(canonical); err != nil || err2 != nil || digest != other || digest != want {
		t.Fatalf("%s: digests %s %v, %s %v, want %s", at, digest, err, other, err2, want)
	}
}

// sumOf is the formula in the package documentation.
func sumOf(canonical []byte) Digest {
	return Digest(fmt.Sprintf("sha256:%x", sha256.Sum256(append([]byte("changelane/change/v1\n"), canonical...))))
}

// TestCanonicalGolden holds the canonical bytes to files that never change: a
// digest that was stored must be found again for as long as there are records.
func TestCanonicalGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/canonical/v1/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".json")
		data, canonical, digest := readGolden(t, file), readGolden(t, name+".canonical"), readGolden(t, name+".digest")
		c, err := Decode(data, &DecodeOptions{Attested: true})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := c.Canonical()
		if err != nil || !bytes.Equal(got, canonical) {
			t.Errorf("%s: %v, canonical\n %s\nwant\n %s", file, err, got, canonical)
		}
		if got, err := c.Digest(); err != nil || string(got) != strings.TrimSpace(string(digest)) {
			t.Errorf("%s: %v, digest %s, want %s", file, err, got, digest)
		}
		checkAccepted(t, file, data, c, &DecodeOptions{Attested: true})
	}
}

func readGolden(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDigestByHand repeats one digest as a command line computes it:
//
//	{ echo changelane/change/v1; cat minimal.canonical; } | sha256sum
func TestDigestByHand(t *testing.T) {
	const want = "sha256:89d9c75024ebb32b08b4defb9910d6b4c30a4634bd76ee76b3dcc01b27bd0298"
	c := Change{ID: "CHG-1", Kind: Code, Service: "payments", Requester: Person{ID: "idp|alice"}}
	if got, err := c.Digest(); err != nil || got != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	if got := DigestOf("changelane/change/v1", []byte(`{"id":"CHG-1","kind":"code","requester":{"id":"idp|alice"},"service":"payments"}`)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestGoldenCoversTheSchema: every member of a change is in a golden file.
func TestGoldenCoversTheSchema(t *testing.T) {
	files, _ := filepath.Glob("testdata/canonical/v1/*.canonical")
	var all []byte
	for _, file := range files {
		all = append(all, readGolden(t, file)...)
	}
	for name := range objectsOf(t, schemaDocument(t)) {
		if !bytes.Contains(all, []byte(`"`+name+`":`)) {
			t.Errorf("no golden file has the member %q", name)
		}
	}
}

// objectsOf collects the names of all members that a schema describes.
func objectsOf(t testing.TB, schema any) map[string]bool {
	names := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if properties, ok := v["properties"].(map[string]any); ok {
				for name := range properties {
					names[name] = true
				}
			}
			for _, below := range v {
				walk(below)
			}
		case []any:
			for _, below := range v {
				walk(below)
			}
		}
	}
	walk(schema)
	if len(names) < 40 {
		t.Fatalf("only %d members in the schema", len(names))
	}
	return names
}

func ptr[T any](v T) *T { return &v }

// TestCanonicalOfGoValue builds in Go what a golden file says in JSON.
func TestCanonicalOfGoValue(t *testing.T) {
	london := time.FixedZone("BST", 3600)
	digest := Digest("sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
	c := Change{
		ID: "CHG-2026-0017", Title: "Retry card authorisations on issuer timeouts", Kind: Code, Service: "payments-api",
		Requester:  Person{ID: "idp|2217", Kind: Human, Team: "payments"},
		Targets:    []Target{{Name: "prod/eu-west", Environment: "prod", Region: "eu-west"}, {Name: "prod/eu-north"}},
		Artifacts:  []Artifact{{Name: "payments-api", Digest: digest}},
		Files:      []File{{Path: "internal/authorise/retry.go", Added: ptr(131), Deleted: ptr(12)}, {Path: "deploy/values.yaml"}},
		Evidence:   []Evidence{{Name: "smoke", Result: Passed, By: "ci/payments", At: time.Date(2026, 6, 4, 8, 55, 0, 5e8, london)}},
		Backout:    &Backout{Plan: "redeploy the previous image"},
		Validation: &Validation{Party: Owner, Checks: []string{}, Within: 30},
		Window:     &Window{time.Date(2026, 6, 4, 9, 0, 0, 0, london), time.Date(2026, 6, 4, 10, 30, 0, 0, london)},
		Downtime:   ptr(false),
		Claim:      &Claim{Type: Standard, Template: "payments-rolling", By: "idp|2217"},
		Attributes: map[string]any{"pci": true, "customers": 12, "share": 0.25, "tags": []string{"cards", "résumé <&>"}, "note": ""},
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Canonical()
	if want := readGolden(t, "testdata/canonical/v1/ordinary.canonical"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v\n %s\nwant\n %s", err, got, want)
	}
}

// TestCanonicalLeavesTheChangeAlone: neither the zone of a time nor anything
// else of the caller's value is touched, and monotonic readings do not count.
func TestCanonicalLeavesTheChangeAlone(t *testing.T) {
	now := time.Date(2026, 6, 4, 9, 0, 0, 0, time.FixedZone("", 3600))
	c := Change{ID: "a", Kind: Code, Service: "s", Requester: Person{ID: "u"},
		Window: &Window{now, now.Add(time.Hour)}, Evidence: []Evidence{{Name: "smoke", Result: Passed, At: now}, {Name: "load", Result: Skipped}}}
	first, err := c.Digest()
	if err != nil || c.Window.Start.Location() != now.Location() || c.Evidence[0].At.Location() != now.Location() {
		t.Fatalf("%v; the caller's times were moved", err)
	}
	utc := c
	utc.Window = &Window{now.UTC(), now.Add(time.Hour).UTC()}
	utc.Evidence = []Evidence{{Name: "smoke", Result: Passed, At: now.UTC()}, {Name: "load", Result: Skipped}}
	if second, err := utc.Digest(); err != nil || first != second {
		t.Errorf("%s and %s, %v: one instant, two digests", first, second, err)
	}
	wall := time.Now() // has a monotonic reading
	c.Evidence[0].At, utc.Evidence[0].At = wall, wall.Round(0)
	first, _ = c.Digest()
	if second, _ := utc.Digest(); first != second {
		t.Error("the monotonic reading is in the digest")
	}
}

// TestDigestTellsChangesApart: what differs in any member differs in the digest.
func TestDigestTellsChangesApart(t *testing.T) {
	seen := map[Digest]string{}
	for _, k := range decodeCorpus(t, "accepted.txt") {
		c, err := Decode(k.data, &DecodeOptions{Attested: true})
		if err != nil {
			t.Fatalf("%s: %v", k.at, err)
		}
		digest, _ := c.Digest()
		if other, ok := seen[digest]; ok {
			t.Errorf("%s: the digest of %s", k.at, other)
		}
		seen[digest] = k.at
	}
	if len(seen) < 70 {
		t.Errorf("only %d digests", len(seen))
	}
}

func TestCanonicalRefuses(t *testing.T) {
	plain := Change{ID: "a", Kind: Code, Service: "s", Requester: Person{ID: "u"}}
	spoil := map[string]func(*Change){
		"no kind":            func(c *Change) { c.Kind = 0 },
		"a kind of no name":  func(c *Change) { c.Kind = 99 },
		"not a number":       func(c *Change) { c.Attributes = map[string]any{"a": math.NaN()} },
		"infinite":           func(c *Change) { c.Attributes = map[string]any{"a": math.Inf(-1)} },
		"too large a number": func(c *Change) { c.Attributes = map[string]any{"a": uint64(math.MaxUint64)} },
		"a channel":          func(c *Change) { c.Attributes = map[string]any{"a": make(chan int)} },
		"title not UTF-8":    func(c *Change) { c.Title = "a\xff" },
		"path not UTF-8":     func(c *Change) { c.Files = []File{{Path: "migrations\xc0/1.sql"}} },
		"name not UTF-8":     func(c *Change) { c.Attributes = map[string]any{"\xfe": 1} },
		"value not UTF-8":    func(c *Change) { c.Attributes = map[string]any{"a": []string{`\`, "\xed\xa0\x80"}} },
		"NUL":                func(c *Change) { c.Title = "a\x00" },
		"case variants":      func(c *Change) { c.Attributes = map[string]any{"a": 1, "A": 2} },
		"year 10000":         func(c *Change) { c.Window = &Window{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Time{}} },
		"over 1 MiB":         func(c *Change) { c.Attributes = map[string]any{"a": strings.Repeat("a", 1<<20)} },
	}
	for name, set := range spoil {
		c := plain
		set(&c)
		if canonical, err := c.Canonical(); err == nil {
			t.Errorf("%s: %s", name, canonical)
		}
		if digest, err := c.Digest(); err == nil || digest != "" {
			t.Errorf("%s: digest %q, %v", name, digest, err)
		}
		var found Problems
		if err := c.Validate(); !errors.As(err, &found) || len(found) == 0 {
			t.Errorf("%s: valid, or refused without problems: %v", name, err)
		}
	}
	// Text that spells the replacement character or its escape is no such case.
	plain.Title = `\ufffd � \\ufffd`
	if _, err := plain.Digest(); err != nil {
		t.Error(err)
	}
}

func TestParseDigest(t *testing.T) {
	good := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	if d, err := ParseDigest(good); err != nil || string(d) != good {
		t.Errorf("%s %v", d, err)
	}
	if d, err := ParseDigest(string(DigestOf("domain", nil))); err != nil || d != DigestOf("domain", nil) {
		t.Errorf("%s %v", d, err)
	}
	if DigestOf("a", []byte("bc")) == DigestOf("ab", []byte("c")) {
		t.Error("the domain runs into the data")
	}
	for _, bad := range []string{"", "sha256:", good[7:], good[:70], good + "0", strings.ToUpper(good), " " + good, good + "\n",
		"sha512:" + good[7:], strings.Replace(good, "a", "g", 1), strings.Replace(good, "a", "A", 1), strings.Replace(good, "ab", "é", 1)} {
		if d, err := ParseDigest(bad); err == nil || d != "" || !strings.Contains(err.Error(), "expected sha256: and 64 lower-case hex digits") {
			t.Errorf("%q: %s %v", bad, d, err)
		}
	}
}

// TestCanonicalIsBoundedToo: a document just under the limit, whose canonical
// bytes are over it because 1e9 is written out, is refused at once and not when
// its digest is asked for.
func TestCanonicalIsBoundedToo(t *testing.T) {
	var b strings.Builder
	b.WriteString(requestHead + `"files":[{"path":"x"}`)
	for i := range 999 {
		fmt.Fprintf(&b, `,{"path":"f%0120d","added":1e9,"deleted":1e9}`, i)
	}
	prose := `"` + strings.Repeat(">", 4096) + `"`
	fmt.Fprintf(&b, `],"reason":%s,"backout":{"plan":%[1]s},"handover":{"built":%[1]s,"why":%[1]s,"watch":%[1]s},"plan":[{"title":"a","party":"owner"}`, prose)
	for b.Len() < maxBytes-100 {
		step := `,{"party":"owner","title":"` + strings.Repeat("<", 256) + `","backout":"` + strings.Repeat("&", 4096)
		step = step[:min(len(step), maxBytes-b.Len()-4)] + `"}`
		b.WriteString(step)
	}
	b.WriteString("]}")
	data := []byte(b.String())
	if len(data) > maxBytes {
		t.Fatalf("the test document has %d bytes", len(data))
	}
	c, err := Decode(data, nil)
	if c != nil || err == nil || !strings.HasPrefix(err.Error(), "/: the canonical bytes are 10") {
		t.Errorf("%v", err)
	}
	short := bytes.ReplaceAll(data, []byte("1e9"), []byte("1"))
	if c, err = Decode(short, nil); err != nil {
		t.Fatal(err)
	}
	checkAccepted(t, "nearly 1 MiB", short, c, nil)
}
