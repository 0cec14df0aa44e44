package approval_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// checkLine holds a line to what encoding/json makes of the same.
func checkLine(t *testing.T, at string, c approval.Classification) {
	t.Helper()
	want, wantErr := approval.OracleLine(c)
	got, err := c.AppendJSON([]byte("before"))
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || err == nil && string(got) != "before"+string(want) {
		t.Fatalf("%s: %v\n%s\nwant %v\n%s", at, err, got, wantErr, want)
	}
	if err != nil {
		return
	}
	plain, err := c.MarshalJSON()
	if err != nil || string(plain) != string(want) {
		t.Fatalf("%s: %v\n%s\nwant\n%s", at, err, plain, want)
	}
}

// TestLineAsEncodingJSON: classifications of every sort, and then with parts
// that are awkward to write.
func TestLineAsEncodingJSON(t *testing.T) {
	samples := sampleClassifications(t)
	names := slices.Sorted(maps.Keys(samples))
	for _, name := range names {
		checkLine(t, name, samples[name])
	}
	random := rand.New(rand.NewPCG(4, 8259))
	texts := []string{"", "a", `"\`, "<b>&amp;</b>", "\u2028\u2029", "\b\f\n\r\t\x00\x1f\x7f", "\xff\xc3", "é😀\ufffd", strings.Repeat("ü", 201), strings.Repeat("<", 300)}
	text := func() string { return texts[random.IntN(len(texts))] + texts[random.IntN(len(texts))] }
	list := func() []string { return [][]string{nil, {}, {text()}, {text(), text()}}[random.IntN(4)] }
	seen := drawnFacts(t, texts)
	times := []time.Time{{}, monday, time.Date(2026, 1, 1, 0, 0, 0, 120, time.FixedZone("", -3600)), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}
	for i := range 3_000 {
		c := samples[names[random.IntN(len(names))]]
		switch random.IntN(9) {
		case 0:
			c.ID, c.Template, c.Model, c.Err = text(), text(), text(), errors.New(text())
		case 1:
			c.Why, c.Assumed, c.Freezes = list(), list(), list()
		case 2:
			c.Type, c.Override = change.Type(random.IntN(6)), random.IntN(3)-1
		case 3:
			c.At, c.ReviewBy = times[random.IntN(4)], times[random.IntN(4)]
			c.Window = &change.Window{Start: times[random.IntN(4)], End: times[random.IntN(4)]}
		case 4:
			c.Assessment.Unknowns = []risk.Missing{{Fact: text(), Stated: random.IntN(2) == 0, Rules: list()}}
			c.Faults = []risk.Fault{{Rule: text(), Why: text()}}
		case 5:
			c.Requirement = drawnRequirement(random, text, 3)
		default:
			c.Assessment.Reasons = []risk.Reason{{Rule: text(), Points: random.IntN(9) - 4, Because: text(), Basis: risk.Basis(random.IntN(7)), Floor: c.Assessment.Level,
				Seen: []risk.Fact{seen[random.IntN(len(seen))], {Name: text(), State: risk.State(random.IntN(4))}}}}
		}
		checkLine(t, fmt.Sprint("classification ", i), c)
	}
}

// drawnFacts are facts of each type, with values that are hard to write.
func drawnFacts(t *testing.T, texts []string) []risk.Fact {
	t.Helper()
	v, err := risk.NewVocabulary(risk.VocabularyOptions{Attributes: []byte(`{"type": "object", "additionalProperties": false, "properties": {
		"flag": {"type": "boolean"}, "seats": {"type": "integer"}, "share": {"type": "number"}, "note": {"type": "string", "maxLength": 2000},
		"labels": {"type": "array", "items": {"type": "string"}, "maxItems": 30}}}`)})
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]any{
		"flag": {nil, true, false}, "seats": {int64(-5), 7, "seven"},
		"share":  {0.0, math.Copysign(0, -1), 0.5, 1e20, 1e21, 1e-6, 1e-7, 123456789.125, math.MaxFloat64, math.NaN(), math.Inf(-1)},
		"labels": {[]string{}, []string{"<"}, slices.Repeat([]string{"a"}, 21), texts},
	}
	for _, text := range texts {
		values["note"] = append(values["note"], text)
	}
	var out []risk.Fact
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[name] {
			f, ok := v.Facts(&change.Change{Attributes: map[string]any{name: value}}, risk.Situation{}).Get("attributes." + name)
			if !ok {
				t.Fatal(name)
			}
			out = append(out, f)
		}
	}
	return out
}

// foreign is a requirement that another package made of one of ours.
type foreign struct {
	approval.Seat
	Note string
}

func drawnRequirement(random *rand.Rand, text func() string, depth int) approval.Requirement {
	var parts []approval.Requirement
	for range random.IntN(4) * min(depth, 1) {
		parts = append(parts, drawnRequirement(random, text, depth-1))
	}
	switch random.IntN(6) {
	case 0:
		return approval.All(parts)
	case 1:
		return approval.Any(parts)
	case 2:
		return approval.PreApproval{Template: text(), Version: change.Digest(text()), ApprovedBy: text(), Ref: text()}
	case 3:
		return []approval.Requirement{nil, foreign{approval.Seat{Group: text()}, text()}}[random.IntN(2)]
	}
	return approval.Seat{Group: text(), Role: text(), Of: text(), Quorum: random.IntN(3)}
}

// TestClassifyJSON is Decode and Classify, whatever the bytes.
func TestClassifyJSON(t *testing.T) {
	p := made(t, base(t))
	standard := 0
	check := func(data string, attested bool, at time.Time) {
		t.Helper()
		opts, in := &change.DecodeOptions{Attested: attested}, approval.Inputs{At: at}
		got := p.ClassifyJSON([]byte(data), opts, in)
		c, err := change.Decode([]byte(data), opts)
		want := p.Classify(c, in)
		switch {
		case at.IsZero():
			want = p.Unclassified("", at, errors.New("the time of the classification is not given"))
		case err != nil:
			want = p.Unclassified("", at, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s:\n%+v\nwant\n%+v", data, got, want)
		}
		if got.Type == change.Standard {
			standard++
		}
		var problems change.Problems
		if err != nil && !at.IsZero() && !errors.As(got.Err, &problems) {
			t.Fatalf("%s: %v holds no problems", data, got.Err)
		}
	}
	check(regular, true, time.Time{})
	check(regular, false, monday)
	random := rand.New(rand.NewPCG(47, 1))
	for range 300 {
		data := []byte(regular)
		for range random.IntN(3) {
			data[random.IntN(len(data))] = ` "{}[],:0a-`[random.IntN(11)]
		}
		check(string(data), true, monday)
		check(string(data[:random.IntN(len(data)+1)]), true, monday)
	}
	for _, members := range []string{`"window": {"start": "2026-11-23T11:00:00+01:00", "end": "2026-11-23T13:00:00+01:00"}`, `"service": "ledger"`, `"attributes": {"planets": 1}`, `"kind": "cots"`} {
		var tree map[string]any
		if json.Unmarshal([]byte(regular), &tree) != nil || json.Unmarshal([]byte("{"+members+"}"), &tree) != nil {
			t.Fatal(members)
		}
		data, _ := json.Marshal(tree)
		check(string(data), true, monday)
	}
	if standard < 10 {
		t.Errorf("only %d standard changes", standard)
	}
	var none *approval.Policy
	if got := none.ClassifyJSON([]byte(regular), nil, approval.Inputs{At: monday}); got.Type != change.Unclassified || got.Err == nil {
		t.Errorf("without a policy: %+v", got)
	}
}

// TestINV47ClassifyTrustsNoCaller: a change that was valid when it was decoded
// is validated again when it is handed in, since it is the caller's to alter.
func TestINV47ClassifyTrustsNoCaller(t *testing.T) {
	p, c := made(t, base(t)), decoded(t, nil)
	before := p.Classify(c, approval.Inputs{At: monday})
	c.Title = "another"
	if got := p.Classify(c, approval.Inputs{At: monday}); got.Change == before.Change || got.Type != change.Standard {
		t.Errorf("the content %s after an edit", got.Change)
	}
	c.Files[0].Path = "../secrets"
	if got := p.Classify(c, approval.Inputs{At: monday}); got.Type != change.Unclassified || got.Err == nil {
		t.Errorf("%s with a path out of the repository", got.Type)
	}
}
