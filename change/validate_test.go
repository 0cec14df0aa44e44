package change

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// inOneZone is what encoding/json reads, with its times in UTC.
func inOneZone(c Change) *Change {
	if c.Window != nil {
		c.Window.Start, c.Window.End = c.Window.Start.UTC(), c.Window.End.UTC()
	}
	for i := range c.Evidence {
		c.Evidence[i].At = c.Evidence[i].At.UTC()
	}
	return &c
}

// TestINV47SameParse: what is validated, what is returned and what is stored
// are one parse, and what encoding/json would make of the bytes is no other.
func TestINV47SameParse(t *testing.T) {
	d := newDocuments(t, 1)
	attested := &DecodeOptions{Attested: true}
	for i := range 400 {
		n := d.change()
		data := d.bytes(n, false)
		at := fmt.Sprintf("document %d\n%s", i, data)
		c, err := Decode(data, attested)
		if err != nil {
			t.Fatalf("%s: %s", at, placedList(problemsOf(err)))
		}
		checkAccepted(t, at, data, c, attested)
		strict := json.NewDecoder(bytes.NewReader(data))
		strict.DisallowUnknownFields()
		var foreign Change
		if err := strict.Decode(&foreign); err != nil || !reflect.DeepEqual(inOneZone(foreign), c) {
			t.Fatalf("%s: encoding/json: %v\n%+v\n%+v", at, err, foreign, *c)
		}
		awkward, err := Decode(d.bytes(n, true), attested)
		if err != nil || !reflect.DeepEqual(awkward, c) {
			t.Fatalf("%s: in another spelling %v\n%+v\n%+v", at, err, awkward, *c)
		}
		d.checkMutations(t, at, n, data)
	}
}

// checkMutations spoils a valid document once in each way.
func (d *documents) checkMutations(t *testing.T, at string, n *jsonNode, data []byte) {
	t.Helper()
	cut := data[:d.IntN(len(data))]
	if _, err := Decode(cut, &DecodeOptions{Attested: true}); !errors.Is(err, ErrIncomplete) {
		t.Fatalf("%s: cut to %q: %v", at, cut, err)
	}
	tails := []string{"x", "}", "{}", "\x00", ",", "\"", "null", "\u00a0", "\ufeff", "/**/"}
	for range 2 {
		tail := tails[d.IntN(len(tails))]
		if _, err := Decode(append(slices.Clone(data), tail...), &DecodeOptions{Attested: true}); err == nil || errors.Is(err, ErrIncomplete) {
			t.Fatalf("%s: with %q behind: %v", at, tail, err)
		}
	}
	refused := func(what string, want ...string) {
		spoilt := d.bytes(n, d.IntN(2) == 0)
		_, err := Decode(spoilt, &DecodeOptions{Attested: true})
		if err == nil || !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(placedList(problemsOf(err)), w) }) {
			t.Fatalf("%s: %s: %v, want one of %q\n%s", at, what, err, want, spoilt)
		}
	}
	objects := n.objects()
	for range 3 {
		o := objects[d.IntN(len(objects))]
		kept := slices.Clone(o.members)
		if len(kept) > 0 {
			i := d.IntN(len(kept))
			m := kept[i]
			o.members = slices.Insert(slices.Clone(kept), d.IntN(len(kept)+1), m)
			refused("twice "+m.name, "stands twice")
			if variant := swapCase(m.name); variant != m.name {
				o.members = slices.Insert(slices.Clone(kept), d.IntN(len(kept)+1), jsonMember{variant, m.value})
				refused("also as "+variant, "differs only in letter case")
				if !o.open {
					o.members = slices.Clone(kept)
					o.members[i].name = variant
					refused("as "+variant, "unknown field")
				}
			}
		}
		stranger := jsonMember{"surprise", &jsonNode{kind: 'o'}} // which is not a value for an attribute either
		o.members = slices.Insert(slices.Clone(kept), d.IntN(len(kept)+1), stranger)
		refused("with surprise", "unknown field", "is an object; expected a boolean")
		o.members = kept
	}
}

// swapCase changes the case of the first letter of a name that has any.
func swapCase(name string) string {
	for i, r := range name {
		if swapped := strings.ToUpper(string(r)); swapped != string(r) {
			return name[:i] + swapped + name[i+len(string(r)):]
		}
	}
	return name
}

// mutations are what a program may do to a change that it builds.
var mutations = map[string]func(*Change){
	"nothing":              func(c *Change) {},
	"id empty":             func(c *Change) { c.ID = "" },
	"id with space":        func(c *Change) { c.ID = "a b" },
	"title long":           func(c *Change) { c.Title = strings.Repeat("é", 257) },
	"title full":           func(c *Change) { c.Title = strings.Repeat("😀", 256) },
	"title of two lines":   func(c *Change) { c.Title = "a\nb" },
	"title with NUL":       func(c *Change) { c.Title = "a\x00" },
	"title with HTML":      func(c *Change) { c.Title = "<&>\u2028" },
	"reason of 4098 bytes": func(c *Change) { c.Reason = strings.Repeat("語", 1366) },
	"kind missing":         func(c *Change) { c.Kind = 0 },
	"kind unknown":         func(c *Change) { c.Kind = 200 },
	"service in capitals":  func(c *Change) { c.Service = "A" },
	"requester missing":    func(c *Change) { c.Requester = Person{} },
	"requester unknown":    func(c *Change) { c.Requester.Kind = 9 },
	"requester Cyrillic":   func(c *Change) { c.Requester.ID = "аlice" },
	"contributors none":    func(c *Change) { c.Contributors = []Contributor{} },
	"contributor partless": func(c *Change) { c.Contributors = []Contributor{{ID: "u", As: Pair}, {ID: "v"}} },
	"targets twice":        func(c *Change) { c.Targets = []Target{{Name: "a"}, {Name: "b"}, {Name: "a"}} },
	"targets too many":     func(c *Change) { c.Targets = make([]Target, 101) },
	"digest empty":         func(c *Change) { c.Artifacts = []Artifact{{Name: "a"}} },
	"files nil":            func(c *Change) { c.Files = nil },
	"files none":           func(c *Change) { c.Files, c.Size = []File{}, nil },
	"path odd":             func(c *Change) { c.Files = []File{{Path: "./a"}, {Path: `b\c`}, {Path: "a\tb"}} },
	"path empty":           func(c *Change) { c.Files = []File{{}} },
	"path twice":           func(c *Change) { c.Files = []File{{Path: "a"}, {Path: "a"}} },
	"path long":            func(c *Change) { c.Files = []File{{Path: strings.Repeat("é", 513)}} },
	"lines negative":       func(c *Change) { c.Files = []File{{Path: "a", Added: ptr(-1)}} },
	"size understated":     func(c *Change) { c.Files, c.Size = []File{{Path: "a", Added: ptr(9)}}, &Size{LinesAdded: ptr(1)} },
	"size empty":           func(c *Change) { c.Size = &Size{} },
	"size huge":            func(c *Change) { c.Size = &Size{LinesAdded: ptr(math.MaxInt)} },
	"evidence resultless":  func(c *Change) { c.Evidence = []Evidence{{Name: "a"}, {Name: "b", Result: 77}} },
	"evidence twice":       func(c *Change) { c.Evidence = []Evidence{{Name: "a", Result: Passed}, {Name: "a", Result: Failed}} },
	"evidence in year 0":   func(c *Change) { c.Evidence = []Evidence{{Name: "a", Result: Passed, At: time.Unix(-62167219200, 0)}} },
	"evidence in 1969":     func(c *Change) { c.Evidence = []Evidence{{Name: "a", Result: Passed, At: time.Unix(-1, 0)}} },
	"evidence in a zone": func(c *Change) {
		c.Evidence = []Evidence{{Name: "a", Result: Passed, At: time.Unix(7e8, 1).In(time.FixedZone("x", 3600))}}
	},
	"attested nothing":      func(c *Change) { c.Attested = []Attestation{{By: "ci"}} },
	"attested nonsense":     func(c *Change) { c.Attested = []Attestation{{By: "ci", Covers: []string{"files", "fils"}}} },
	"attested evidence":     func(c *Change) { c.Attested = []Attestation{{By: "ci", Covers: []string{"evidence.smoke"}}} },
	"plan untitled":         func(c *Change) { c.Plan = []Step{{Party: "owner"}} },
	"backout empty":         func(c *Change) { c.Backout = &Backout{} },
	"validation partyless":  func(c *Change) { c.Validation = &Validation{} },
	"validation by CAB":     func(c *Change) { c.Validation = &Validation{Party: Approvers} },
	"validation negative":   func(c *Change) { c.Validation = &Validation{Party: Owner, Within: -5} },
	"handover empty":        func(c *Change) { c.Handover = &Handover{} },
	"window zero":           func(c *Change) { c.Window = &Window{} },
	"window turned round":   func(c *Change) { c.Window = &Window{time.Unix(9, 0), time.Unix(8, 0)} },
	"window of one instant": func(c *Change) { c.Window = &Window{time.Unix(9, 0), time.Unix(9, 0).UTC()} },
	"window after 2199":     func(c *Change) { c.Window = &Window{time.Unix(9, 0), time.Unix(7258118400, 0)} },
	"window after 9999":     func(c *Change) { c.Window = &Window{time.Unix(9, 0), time.Unix(1<<50, 0)} },
	"window of 2199":        func(c *Change) { c.Window = &Window{time.Unix(0, 0), time.Unix(7258118399, 0)} },
	"emergency standard": func(c *Change) {
		c.Emergency, c.Claim = &Incident{ID: "i", Reason: "r"}, &Claim{Type: Standard, By: "u"}
	},
	"emergency bare":      func(c *Change) { c.Emergency, c.Claim = &Incident{}, nil },
	"emergency severity":  func(c *Change) { c.Emergency, c.Claim = &Incident{ID: "i", Reason: "r", Severity: 10}, nil },
	"claim unclassified":  func(c *Change) { c.Claim = &Claim{By: "u"} },
	"claim of emergency":  func(c *Change) { c.Claim = &Claim{Type: Emergency, By: "u"} },
	"claim of a type 9":   func(c *Change) { c.Claim = &Claim{Type: 9, By: "u"} },
	"claim of a template": func(c *Change) { c.Claim = &Claim{Type: Normal, Template: "t", By: "u"} },
	"link of no kind":     func(c *Change) { c.Links = []Link{{ID: "a"}} },
	"external bare":       func(c *Change) { c.External = []External{{}} },
	"history empty":       func(c *Change) { c.History = &History{} },
	"rate above one":      func(c *Change) { c.History = &History{TeamFailureRate: ptr(1.01)} },
	"rate not a number":   func(c *Change) { c.History = &History{TeamFailureRate: ptr(math.NaN())} },
	"rate tiny":           func(c *Change) { c.History = &History{TeamFailureRate: ptr(math.SmallestNonzeroFloat64)} },
	"rate minus zero":     func(c *Change) { c.History = &History{TeamFailureRate: ptr(math.Copysign(0, -1))} },
	"attributes none":     func(c *Change) { c.Attributes = map[string]any{} },
	"attributes of Go": func(c *Change) {
		c.Attributes = map[string]any{"a": int8(1), "b": float32(0.5), "c": []string{"x"}, "d": Passed, "e": uint(7)}
	},
	"attribute nil":         func(c *Change) { c.Attributes = map[string]any{"a": nil} },
	"attribute nested":      func(c *Change) { c.Attributes = map[string]any{"a": map[string]int{"b": 1}} },
	"attribute of numbers":  func(c *Change) { c.Attributes = map[string]any{"a": []int{1}} },
	"attribute too large":   func(c *Change) { c.Attributes = map[string]any{"a": int64(1) << 53} },
	"attribute without key": func(c *Change) { c.Attributes = map[string]any{"": 1} },
	"attribute cases":       func(c *Change) { c.Attributes = map[string]any{"a": 1, "A": 1} },
}

// TestValidateAsDecode: a change that is built in Go is refused for the same
// reasons as its JSON, at the same places.
func TestValidateAsDecode(t *testing.T) {
	d := newDocuments(t, 2)
	names := slices.Sorted(maps.Keys(mutations))
	verdicts := map[bool]int{}
	for i := range 1_500 {
		c, err := Decode(d.bytes(d.change(), false), &DecodeOptions{Attested: true})
		if err != nil {
			t.Fatal(err)
		}
		name, other := names[i%len(names)], names[d.IntN(len(names))]
		mutations[name](c)
		if i >= len(names) && d.IntN(2) == 0 {
			mutations[other](c)
			name += ", " + other
		}
		verdicts[checkValidate(t, name, c)]++
	}
	if verdicts[true] < 200 || verdicts[false] < 200 {
		t.Errorf("%d valid, %d not: the mutations are not balanced", verdicts[true], verdicts[false])
	}
}

func checkValidate(t *testing.T, name string, c *Change) bool {
	t.Helper()
	found := problemsOf(c.Validate())
	for _, p := range found {
		if p.Line != 0 || p.Column != 0 || p.Message == "" || strings.HasPrefix(p.Message, "/") {
			t.Errorf("%s: %+v: a place in a text that there is not, or no message", name, p)
		}
	}
	data, err := json.Marshal(c)
	if err != nil { // what has no JSON is not valid, and says where if it can
		if len(found) == 0 {
			t.Errorf("%s: valid, but %v", name, err)
		}
		return false
	}
	decoded, err := Decode(data, &DecodeOptions{Attested: true})
	want := problemsOf(err)
	if len(found) != len(want) {
		t.Fatalf("%s: Validate %v, Decode %v\n%s", name, found, want, data)
	}
	for i := range found {
		if found[i].Pointer != want[i].Pointer {
			t.Errorf("%s: Validate %v, Decode %v", name, found, want)
		}
	}
	if len(found) == 0 {
		checkAccepted(t, name, data, decoded, &DecodeOptions{Attested: true})
		a, _ := c.Digest()
		if b, _ := decoded.Digest(); a != b {
			t.Errorf("%s: digests %s and %s", name, a, b)
		}
	}
	return len(found) == 0
}

// TestValidateSaysWhichWordIsMissing: a word that is not stated has no JSON, so
// there is nothing to compare with.
func TestValidateSaysWhichWordIsMissing(t *testing.T) {
	c := Change{
		ID: "a", Service: "s", Requester: Person{ID: "u"}, Contributors: []Contributor{{ID: "u", As: Pair}, {ID: "v"}},
		Evidence: []Evidence{{Name: "a", Result: 77}}, Validation: &Validation{}, Links: []Link{{Fixes, "b"}, {ID: "c"}},
	}
	var got []string
	for _, p := range problemsOf(c.Validate()) {
		got = append(got, p.Pointer)
		if !strings.HasPrefix(p.Message, "is missing; expected one of ") {
			t.Errorf("%s", p)
		}
	}
	if want := []string{"/kind", "/contributors/1/as", "/evidence/0/result", "/validation/party", "/links/1/rel"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLinesAndDirectories(t *testing.T) {
	for _, k := range []struct {
		files          []File
		added, deleted int
		known          bool
		directories    int
	}{
		{nil, 0, 0, false, 0},
		{[]File{}, 0, 0, true, 0},
		{[]File{{Path: "a", Added: ptr(1), Deleted: ptr(2)}, {Path: "b", Added: ptr(0), Deleted: ptr(5)}}, 1, 7, true, 1},
		{[]File{{Path: "a/b", Added: ptr(1), Deleted: ptr(2)}, {Path: "b", Added: ptr(0)}}, 0, 0, false, 2},
		{[]File{{Path: "a/b/c"}, {Path: "a/b/d"}, {Path: "a/c"}, {Path: "a"}}, 0, 0, false, 3},
	} {
		c := Change{Files: k.files}
		added, deleted, known := c.Lines()
		if added != k.added || deleted != k.deleted || known != k.known || c.Directories() != k.directories {
			t.Errorf("%+v: %d %d %v %d", k, added, deleted, known, c.Directories())
		}
	}
}

func TestProblemsAreOneError(t *testing.T) {
	_, err := Decode([]byte(`{"id":"","kind":"cod","service":"A","requester":{}}`), nil)
	found := problemsOf(err)
	if len(found) != 4 || err.Error() != found[0].String()+" (and 3 more)" {
		t.Errorf("%v", err)
	}
	_, err = Decode([]byte(`[]`), nil)
	if err == nil || err.Error() != "/: is an array; expected an object" {
		t.Errorf("%v", err)
	}
	if errors.Is(err, ErrIncomplete) {
		t.Error("a whole document is called incomplete")
	}
}

// TestCheckPath: the same verdict as for a file of a change.
func TestCheckPath(t *testing.T) {
	for _, p := range []string{"", ".", "..", "./a", "a/", "a//b", "/a", "../a", "a/../b", `a\b`, "a\nb", strings.Repeat("a", 1025), "a", "..a", "a b/ç.go", strings.Repeat("a", 1024)} {
		c := Change{ID: "a", Kind: Code, Service: "s", Requester: Person{ID: "u"}, Files: []File{{Path: p}}}
		if a, b := CheckPath(p), c.Validate(); (a == nil) != (b == nil) {
			t.Errorf("%.40q: %v, but in a change %v", p, a, b)
		}
	}
}
