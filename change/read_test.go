package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/internal/schema"
)

// readOracle is what encoding/json makes of the canonical bytes.
func readOracle(t testing.TB, tree *schema.Value) (Change, error) {
	t.Helper()
	var c Change
	err := json.Unmarshal(tree.AppendCanonical(nil), &c)
	return c.inUTC(), err
}

// checkRead holds the reading of a document that the schema allows to
// encoding/json. It reports false for any other.
func checkRead(t testing.TB, at string, data []byte) bool {
	t.Helper()
	tree, err := schema.Parse(data, schema.DocumentLimits())
	if err != nil || len(compiled.Validate(tree)) > 0 || len(checkTimes(tree)) > 0 {
		return false
	}
	want, err2 := readOracle(t, tree)
	got, _, err := readChange(tree)
	if err != nil || err2 != nil || !reflect.DeepEqual(*got, want) {
		t.Fatalf("%s: read as\n%+v, %v\nwant\n%+v, %v", at, got, err, want, err2)
	}
	return true
}

// TestReadAsEncodingJSON: the corpora, the golden files, and drawn documents in
// plain and in awkward spelling.
func TestReadAsEncodingJSON(t *testing.T) {
	read := 0
	look := func(at string, data []byte) {
		if checkRead(t, at, data) {
			read++
		}
	}
	for _, file := range []string{"accepted.txt", "refused.txt"} {
		for _, k := range decodeCorpus(t, file) {
			look(k.at, k.data)
		}
	}
	files, _ := filepath.Glob("testdata/canonical/v1/*.json")
	for _, file := range files {
		look(file, readGolden(t, file))
	}
	d := newDocuments(t, 2)
	for i := range 600 {
		n := d.change()
		look(fmt.Sprint("document ", i), d.bytes(n, i%2 == 1))
	}
	if read < 700 {
		t.Errorf("only %d documents were read", read)
	}
}

// TestReadKnowsTheSchema: each member that the schema describes is read, at
// every place where it describes one, and no other.
func TestReadKnowsTheSchema(t *testing.T) {
	d := newDocuments(t, 3)
	left := objectsOf(t, d.root)
	for range 400 {
		for _, object := range d.change().objects() {
			for _, m := range object.members {
				delete(left, m.name)
			}
		}
	}
	for name := range left {
		t.Errorf("no document has the member %q", name)
	}
	for _, text := range []string{`{"planet":1}`, `{"requester":{"planet":1}}`, `{"history":{"planet":1}}`, `{"targets":[{"planet":1}]}`, `{"kind":"planet"}`,
		`{"claim":{"type":"unclassified"}}`, `{"size":{"files":1.5}}`, `{"window":{"start":"noon"}}`, `{"attributes":{"a":null}}`} {
		tree, err := schema.Parse([]byte(text), schema.DocumentLimits())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := readChange(tree); err == nil {
			t.Errorf("%s: read", text)
		}
	}
}

// TestReadNegativeZero: the canonical bytes have none, so the change has none.
func TestReadNegativeZero(t *testing.T) {
	c, err := Decode([]byte(requestHead+`"attributes":{"a":-0.0},"history":{"files_age_days":-0}}`), nil)
	if err != nil || math.Signbit(c.Attributes["a"].(float64)) || math.Signbit(*c.History.FilesAgeDays) {
		t.Errorf("%+v, %v", c, err)
	}
}

// checkEncode holds encode to its way by encoding/json.
func checkEncode(t testing.TB, at string, c *Change) {
	t.Helper()
	tree, canonical, err := c.encode()
	wantTree, want, wantErr := c.encodeAny()
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || string(canonical) != string(want) {
		t.Fatalf("%s: encoded as\n%s, %v\nwant\n%s, %v", at, canonical, err, want, wantErr)
	}
	if err == nil && !reflect.DeepEqual(tree.Any(), wantTree.Any()) {
		if got, want := string(tree.AppendCanonical(nil)), string(wantTree.AppendCanonical(nil)); got != want {
			t.Fatalf("%s: the tree is\n%s\nwant\n%s", at, got, want)
		}
	}
	digest, err := c.ValidDigest()
	wantErr = c.Validate()
	wantDigest := Digest("")
	if wantErr == nil {
		wantDigest = sumOf(want)
	}
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || digest != wantDigest {
		t.Fatalf("%s: valid digest %s, %v; want %s, %v", at, digest, err, wantDigest, wantErr)
	}
}

// TestEncodeAsEncodingJSON: drawn changes, and what only a Go program can put
// into one.
func TestEncodeAsEncodingJSON(t *testing.T) {
	d := newDocuments(t, 4)
	texts := []string{"", "a", "<&>", "\u2028", "\x00", "a\nb", "\xff", `\ufffd`, "\ufffd", `"\`, "\x7f", "\u001f", "é😀", strings.Repeat("x", 5000)}
	values := []any{nil, true, "x", "\xff", 1, -1, int64(5), uint8(3), 1.5, math.Copysign(0, -1), 1e21, 1e-7, 5e-324, 1e300, math.NaN(), math.Inf(1), []string{"a", "<"}, []string(nil), []any(nil),
		[]any{"a"}, []any{1}, []int{1}, map[string]any{"a": 1}, json.Number("1e2"), json.RawMessage(`"x"`), Digest("x"), struct{}{}}
	times := []time.Time{{}, time.Date(2026, 1, 1, 0, 0, 0, 1, time.FixedZone("", 3600)), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Now()}
	for i := range 700 {
		c, err := Decode(d.bytes(d.change(), false), &DecodeOptions{Attested: true})
		if err != nil {
			t.Fatal(err)
		}
		for range d.IntN(3) {
			text := texts[d.IntN(len(texts))]
			switch d.IntN(14) {
			case 0:
				c.Title = text
			case 1:
				c.ID = text
			case 2:
				c.Files = append(c.Files, File{Path: text})
			case 3:
				c.Attributes = map[string]any{"a": values[d.IntN(len(values))], "b": values[d.IntN(len(values))]}
			case 4:
				c.Attributes = map[string]any{text: 1, "A": 2, "a": 3}
			case 5:
				c.Window = &Window{times[d.IntN(len(times))], times[d.IntN(len(times))]}
			case 6:
				c.Evidence = append(c.Evidence, Evidence{Name: text, Result: Result(d.IntN(5)), At: times[d.IntN(len(times))]})
			case 7:
				c.Kind = Kind(d.IntN(9))
			case 8:
				c.Claim = &Claim{Type: Type(d.IntN(6)), By: text}
			case 9:
				c.Requester = Person{ID: text, Kind: PersonKind(d.IntN(4)), Team: text}
			case 10:
				c.Attested = append(c.Attested, Attestation{By: text})
			case 11:
				c.Validation = &Validation{Party: Party(d.IntN(5)), Within: d.IntN(3) - 1, Checks: []string{text}}
			case 12:
				c.Emergency = &Incident{ID: text, Severity: d.IntN(3)}
				c.Targets, c.Plan, c.Size = []Target{}, []Step{{Title: text}}, &Size{}
			case 13:
				c.History = &History{FilesAgeDays: ptr([]float64{math.NaN(), -0.5, 1e-9, 1e6}[d.IntN(4)]), FilesChanges: ptr(-1)}
			}
		}
		checkEncode(t, fmt.Sprintf("change %d %+v", i, *c), c)
	}
}

// TestDecodeDigest is Decode and Digest in one.
func TestDecodeDigest(t *testing.T) {
	for _, file := range []string{"accepted.txt", "refused.txt"} {
		for _, k := range decodeCorpus(t, file) {
			opts := &DecodeOptions{Attested: k.attested}
			c, digest, err := DecodeDigest(k.data, opts)
			want, wantErr := Decode(k.data, opts)
			wantDigest := Digest("")
			if wantErr == nil {
				wantDigest, _ = want.Digest()
			}
			if !reflect.DeepEqual(c, want) || digest != wantDigest || fmt.Sprint(err) != fmt.Sprint(wantErr) || errors.Is(err, ErrIncomplete) != errors.Is(wantErr, ErrIncomplete) {
				t.Errorf("%s: %+v %s %v", k.at, c, digest, err)
			}
		}
	}
}

// FuzzRead holds decoding to its oracle: what is read is what encoding/json
// reads of the canonical bytes, and is written as encoding/json writes it.
func FuzzRead(f *testing.F) {
	for _, k := range decodeCorpus(f, "accepted.txt") {
		if len(k.data) < 2_000 {
			f.Add(k.data)
		}
	}
	files, _ := filepath.Glob("testdata/canonical/v1/*.json")
	for _, file := range files {
		f.Add(readGolden(f, file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !checkRead(t, "input", data) {
			return
		}
		if c, err := Decode(data, &DecodeOptions{Attested: true}); err == nil {
			checkEncode(t, "input", c)
		}
	})
}
