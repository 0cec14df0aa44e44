package approval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// withPart is a form with another body (the part is ""), or another datum.
func withPart(e approval.Encoded, part string, data []byte) approval.Encoded {
	out := approval.Encoded{Type: e.Type, Body: e.Body, Personal: maps.Clone(e.Personal)}
	if part == "" {
		out.Body = data
	} else {
		out.Personal[part] = data
	}
	return out
}

func TestDecodeRefuses(t *testing.T) {
	forms := sampleForms(t)
	for _, c := range []struct{ name, part, old, new, message string }{
		{"case.voted/1", "", `"revision":2`, `"revision":0`, "revisions count from 1"},
		{"case.voted/1", "", `"revision":2`, `"revision":2.0`, "canonical"},
		{"case.voted/1", "", `"revision":2`, `"revision":2.5`, "cannot unmarshal number 2.5"},
		{"case.voted/1", "", `"revision":2`, `"revision":2,"revision":2`, "stands twice"},
		{"case.voted/1", "", `"revision":2`, `"revision":2,"Revision":2`, "differs only in letter case"},
		{"case.voted/1", "", `"revision":2`, `"revision":"2"`, "cannot unmarshal string"},
		{"case.voted/1", "", `,"revision":2`, ``, "revisions count from 1"},
		{"case.voted/1", "", `,"revision":2`, `,"revision":2,"seen":true`, `unknown field "seen"`},
		{"case.voted/1", "", `{"choice"`, ` {"choice"`, "canonical"},
		{"case.voted/1", "", `{"choice"`, `[{"choice"`, `expected "," or "]"`},
		{"case.voted/1", "", `{"choice":"approve",`, `{`, "no choice number 0"},
		{"case.voted/1", "", `"approve"`, `"Approve"`, `"Approve" is no choice`},
		{"case.voted/1", "", `"approve"`, `null`, "no choice number 0"},
		{"case.voted/1", "", `"approve"`, `"\u0061pprove"`, "canonical"},
		{"case.voted/1", "", `.123456789Z`, `.123456789+00:00`, "not in the form in which it is written"},
		{"case.voted/1", "", `.123456789Z`, `.1234567890Z`, "not in the form in which it is written"},
		{"case.voted/1", "", `2026-11-23T`, `2026-02-30T`, "day out of range"},
		{"case.voted/1", "", `2026-11-23T`, `0000-11-23T`, "the year 0"},
		{"case.voted/1", "", `"2026-11-23T10:00:00.123456789Z"`, `"0001-01-01T00:00:00Z"`, "not in the form in which it is written"},
		{"case.voted/1", "", `"2026-11-23T10:00:00.123456789Z"`, `""`, "parsing time"},
		{"case.voted/1", "", `"quorum":1,`, `"quorum":0,`, "not in the form in which it is written"},
		{"case.voted/1", "", `"quorum":1,`, `"quorum":-1,`, ""},
		{"case.voted/1", "", `{"group":"cab"}`, `{"group":""}`, "a seat is for a group"},
		{"case.voted/1", "", `{"group":"cab"}`, `{"group":"cab","role":"x"}`, "a seat is for a group"},
		{"case.voted/1", "", `{"group":"cab"}`, `null`, "a seat is for a group"},
		{"case.voted/1", "", `"holds":[{"group":"cab"},`, `"Holds":[{"group":"cab"},`, ""},
		{"case.voted/1", "by", `"human"`, `"person"`, "is not a kind of person"},
		{"case.voted/1", "by", `"human"`, `""`, ""},
		{"case.voted/1", "by", `"idp|Alice-somebody"`, `"idp|Alice somebody"`, "is not an identity"},
		{"case.voted/1", "by", `"idp|Alice-somebody"`, `null`, "is not an identity"},
		{"case.voted/1", "digest", `"sha256:a`, `"sha256:A`, "is not a digest"},
		{"case.voted/1", "digest", `"sha256:`, `"`, "is not a digest"},
		{"case.voted/1", "comment", `"Alice`, `["Alice`, ""},
		{"case.voted/1", "comment", `Alice`, "\xff", "UTF-8"},
		{"case.voted/1", "comment", `Alice`, `\ud800`, "surrogate"},
		{"case.voted/1", "comment", `Alice`, `\u0000`, "control character"},
		{"case.withdrawn/1", "", `{}`, `[]`, "cannot unmarshal array"},
		{"case.withdrawn/1", "", `{}`, `null`, "not in the form in which it is written"},
		{"case.withdrawn/1", "", `{}`, ``, "ends too early"},
		{"case.withdrawn/1", "", `{}`, `{}{}`, "expected the end"},
		{"case.withdrawn/1", "", `{}`, `{"by":1}`, `unknown field "by"`},
		{"case.closed/1", "", `{}`, `{"":0}`, "without a name"},
		{"case.decided/1", "", `"authorized"`, `"expired"`, `do not decide "expired"`},
		{"case.decided/1", "", `"authorized"`, `"pending"`, `do not decide "pending"`},
		{"case.decided/1", "", `"decision":"authorized",`, ``, `do not decide "pending"`},
		{"case.decided/1", "counted", `[`, `[null,`, "counted is not in the form"},
		{"case.decided/1", "counted", `["Alice-1","Alice-2"]`, `null`, "counted is not in the form"},
		{"case.submitted/1", "change", `"title"`, `"titel"`, "titel"},
		{"case.submitted/1", "change", `"id":"CHG-1"`, `"id": "CHG-1"`, "change is not in the form"},
		{"case.submitted/1", "change", `CHG-1`, `CHG-2`, "the digest is"},
		{"case.submitted/1", "change", `{"attested"`, `{"digest":"","attested"`, "decided by the system"},
		{"case.submitted/1", "digest", `"sha256:c`, `"sha256:d`, "the digest is"},
		{"case.submitted/1", "contributors", `[{`, `{"x":[{`, `expected "," or "}"`},
		{"case.submitted/1", "contributors", `[{`, `[{},{`, "is not an identity"},
		{"case.submitted/1", "on_call", `[{"identity":"idp|Alice","on_call":true},`, `[{"identity":"idp|alice","on_call":true},`, "on_call is not in the form"},
		{"case.submitted/1", "on_call", `true`, `1`, "cannot unmarshal number"},
		{"case.submitted/1", "on_call", `[{"identity":"idp|Alice","on_call":true},{"identity":"idp|alice","on_call":false}]`, `[{"identity":"idp|alice","on_call":true},{"identity":"idp|Alice","on_call":false}]`, "on_call is not in the form"},
		{"case.submitted/1", "classification", `{`, `[{`, `expected "," or "]"`},
		{"case.submitted/1", "classification", `{"id":"CHG-1","level":"high","seen":["Alice"]}`, `[]`, "is not an object"},
		{"case.submitted/1", "classification", `{"id":"CHG-1","level":"high","seen":["Alice"]}`, `null`, ""},
		{"case.submitted/1", "", `"requirement":{"all"`, `"requirement":{"any":[],"all"`, ""},
		{"case.submitted/1", "", `{"group":"cab","quorum":3}`, `{"group":"cab","quorum":1e3}`, "canonical"},
		{"case.submitted/1", "", `{"group":"cab","quorum":3}`, `null`, "expected an object"},
		{"case.submitted/1", "", `{"group":"cab","quorum":3}`, `{"group":"cab","of":"x","quorum":3}`, "a seat is for a group"},
		{"case.submitted/1", "", `"slack":5`, `"slack":500`, "slack"},
		{"case.submitted/1", "", `"slot":true`, `"slot":false`, "not in the form in which it is written"},
		{"case.submitted/1", "", `"start":"2026`, `"start":"2027`, "does not begin before"},
		{"case.submitted/1", "", `"engine":"1",`, ``, "version of the engine"},
		{"case.submitted/1", "", `"template":"payments-rolling"`, `"template":""`, "not in the form in which it is written"},
		{"case.submitted/1", "", `{"new-one":{"state":"proposed"},`, `{"new-one":{"state":"new"},`, "is no state of a template"},
		{"case.submitted/1", "", `{"new-one":{"state":"proposed"},`, `{"new-one":{"state":"active"},`, "is not a digest"},
		{"case.submitted/1", "", `"type":"normal"`, `"type":"urgent"`, `"urgent" is not`},
		{"case.submitted/1", "", `"score":-5`, `"score":-5e99`, ""},
		{"case.submitted/1", "", `"score":-5`, `"score":9007199254740993`, ""},
		{"template.set/1", "", `"probation"`, `"trial"`, "is no state of a template"},
		{"template.set/1", "", `"state":"probation",`, `"state":"probation","until":1,`, `unknown field "until"`},
		{"template.set/1", "because", `"Alice asks for it"`, `""`, "not said why"},
		{"template.set/1", "by", `human`, `bot","team":"x`, "canonical"},
	} {
		form := forms[c.name]
		data := form.Body
		if c.part != "" {
			data = form.Personal[c.part]
		}
		edited := bytes.Replace(data, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(edited, data) {
			t.Errorf("%s %s: there is no %s in %s", c.name, c.part, c.old, data)
			continue
		}
		if e, err := decodeAny(withPart(form, c.part, edited)); err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s %s: %s => %s: %v, %+v; expected %q", c.name, c.part, c.old, c.new, err, e, c.message)
		}
	}
}

func TestDecodeRefusesTypes(t *testing.T) {
	closed := sampleForms(t)["case.closed/1"]
	for _, name := range []string{"", "case.closed", "case.closed/2", "case.closed/01", "case.Closed/1", "closed/1", "case.closed/1 ", "template.set/1"} {
		if _, err := approval.DecodeEvent(withType(closed, name)); err == nil || !strings.Contains(err.Error(), "there is no event of the type") {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := approval.DecodeTemplate(closed); err == nil {
		t.Error("a case is no template")
	}
	if _, err := approval.DecodeEvent(withPart(closed, "by", []byte(`{"identity":"x"}`))); err == nil || !strings.Contains(err.Error(), `"by": there is no such datum`) {
		t.Errorf("more than there is: %v", err)
	}
	if _, err := approval.DecodeEvent(approval.Encoded{}); err == nil {
		t.Error("nothing is no event")
	}
}

func withType(e approval.Encoded, name string) approval.Encoded {
	e.Type = name
	return e
}

// TestDecodeReadsOneFormOnly edits each part of each form in every place. Only
// what is another event is read, and then it is written as it was read.
func TestDecodeReadsOneFormOnly(t *testing.T) {
	random := rand.New(rand.NewPCG(2026, 11))
	refused := 0
	for _, form := range sampleForms(t) {
		for _, part := range append(slices.Sorted(maps.Keys(form.Personal)), "") {
			data := form.Body
			if part != "" {
				data = form.Personal[part]
			}
			for i := 0; i < len(data); i += 1 + random.IntN(3) {
				edited := [][]byte{
					slices.Delete(slices.Clone(data), i, i+1),
					slices.Insert(slices.Clone(data), i, data[i]),
					slices.Insert(slices.Clone(data), i, ' '),
					replaced(data, i, data[random.IntN(len(data))]),
					replaced(data, i, data[i]^0x20),
					data[:i],
				}[random.IntN(6)]
				if !bytes.Equal(edited, data) && !checkOneForm(t, withPart(form, part, edited)) {
					refused++
				}
			}
		}
	}
	if refused < 2500 {
		t.Errorf("only %d were refused", refused)
	}
}

func replaced(data []byte, i int, b byte) []byte {
	out := slices.Clone(data)
	out[i] = b
	return out
}

// checkOneForm reports whether a form is read, and checks that it is then the
// one that is written.
func checkOneForm(t *testing.T, form approval.Encoded) bool {
	t.Helper()
	e, err := decodeAny(form)
	if err != nil {
		return false
	}
	again, err := encodeAny(e)
	if err != nil || goldenText(again) != goldenText(form) {
		t.Errorf("%v: what is read from\n%s\nis written as\n%s", err, goldenText(form), goldenText(again))
	}
	return true
}

// optionalMembers match what a body can do without.
var optionalMembers = regexp.MustCompile(`^(` + strings.Join([]string{
	`(ruling\.)?(not_after|review_by|report_by)`,
	`ruling\.(template|override|window|model|templates)`, `ruling\.templates\.[^.]*`,
	`ruling\.model\.(slot|handover|slack)`,
	`ruling\.requirement\.(ref|.*\.of)`, `holds\..*\.(of|quorum)`,
	`attempt\.target`, `deployment\.(case|service|artifact|target|outcome)`,
}, "|") + `)$`)

// TestDecodeNeedsMembers takes members of bodies away, each on its own.
func TestDecodeNeedsMembers(t *testing.T) {
	for name, form := range sampleForms(t) {
		var body any
		if err := json.Unmarshal(form.Body, &body); err != nil {
			t.Fatal(err)
		}
		eachWithout(body, "", func(place string) {
			data, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if read := checkOneForm(t, withPart(form, "", data)); read != optionalMembers.MatchString(place) {
				t.Errorf("%s without %q: it is %v that it can be read", name, place, read)
			}
		})
	}
}

// eachWithout visits a document without each of its members in turn.
func eachWithout(v any, place string, visit func(place string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			was := v[member]
			delete(v, member)
			visit(place + member)
			v[member] = was
			eachWithout(was, place+member+".", visit)
		}
	case []any:
		for i, item := range v {
			eachWithout(item, place+strconv.Itoa(i)+".", visit)
		}
	}
}

// randomEvents makes events.
type randomEvents struct{ *rand.Rand }

func (r randomEvents) text() string {
	pieces := []string{"", "a", "B", "é", "\U0001f600", "\u2028", "\"", "\\", "<&>", "\\ufffd", "\ufffd", "\n\t", "\ufb33", "null", "{}"}
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}

func (r randomEvents) word() string {
	return string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(26)))
}

func (r randomEvents) time() time.Time {
	switch r.IntN(4) {
	case 0:
		return time.Time{}
	case 1:
		return time.Unix(r.Int64N(4e9), 0).UTC()
	}
	return time.Unix(r.Int64N(4e9), r.Int64N(1e9)).UTC()
}

func (r randomEvents) sometime() time.Time { return time.Unix(1+r.Int64N(4e9), r.Int64N(1e9)).UTC() }

func (r randomEvents) actor() approval.Actor {
	a := approval.Actor{Identity: "idp|" + r.word(), Kind: change.PersonKind(r.IntN(3))}
	if r.IntN(2) > 0 {
		a.Person = r.word()
	}
	return a
}

func (r randomEvents) digest() change.Digest { return digestOf(r.word()) }

func (r randomEvents) seat() approval.Seat {
	if r.IntN(2) > 0 {
		return approval.Seat{Group: r.word(), Quorum: 1 + r.IntN(4)}
	}
	s := approval.Seat{Role: r.word(), Quorum: 1}
	if r.IntN(2) > 0 {
		s.Of = r.word()
	}
	return s
}

func (r randomEvents) requirement(depth int) approval.Requirement {
	switch kind := r.IntN(6); {
	case kind == 0:
		return approval.PreApproval{Template: r.word(), Version: r.digest(), ApprovedBy: r.word(), Ref: []string{"", "CHG1"}[r.IntN(2)]}
	case kind < 3 || depth == 0:
		return r.seat()
	case kind == 3:
		return approval.Any(r.parts(depth))
	}
	return approval.All(r.parts(depth))
}

func (r randomEvents) parts(depth int) []approval.Requirement {
	out := make([]approval.Requirement, 1+r.IntN(3))
	for i := range out {
		out[i] = r.requirement(depth - 1)
	}
	return out
}

func (r randomEvents) ruling() approval.Ruling {
	out := approval.Ruling{
		At: r.sometime(), Type: change.Type(r.IntN(4)), Level: r.word(), Score: r.IntN(200) - 100, Requirement: r.requirement(3),
		Template: []string{"", "t"}[r.IntN(2)], Override: r.IntN(3), ReviewBy: r.time(), Policy: r.digest(),
		Line: json.RawMessage(`{"x":` + quoted(r.text()) + `}`), ZoneData: r.word(), Engine: "1",
	}
	out.Model = append(change.Presets(), change.OperatingModel{})[r.IntN(3)]
	if r.IntN(2) > 0 {
		start := r.sometime()
		out.Window = &change.Window{Start: start, End: start.Add(time.Duration(1 + r.Int64N(1e15)))}
	}
	if n := r.IntN(4); n > 0 {
		out.Templates, out.OnCall = map[string]approval.TemplateStatus{}, map[string]bool{}
		for range n - 1 {
			out.Templates[r.word()] = approval.TemplateStatus{State: approval.TemplateState(r.IntN(5)), Version: r.digest()}
			out.OnCall["idp|"+strings.ToUpper(r.word())] = true
			out.OnCall["idp|"+r.word()] = false
		}
	}
	return out
}

// quoted is a text as canonical JSON.
func quoted(text string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		panic(err)
	}
	return strings.NewReplacer(`\u2028`, "\u2028").Replace(strings.TrimSpace(b.String()))
}

func (r randomEvents) content(t *testing.T) approval.Content {
	c := contentOf(t, r.sometime(), 1+r.IntN(5))
	copied := *c.Change
	copied.Title, copied.Attributes = r.text(), map[string]any{"x": float64(r.IntN(100)) / 8}
	if copied.Validate() != nil {
		copied.Title = ""
	}
	digest, err := copied.Digest()
	if err != nil {
		t.Fatal(err)
	}
	c.By, c.Change, c.Digest, c.NotAfter, c.Ruling, c.Contributors = r.actor(), &copied, digest, r.time(), r.ruling(), nil
	for range r.IntN(3) {
		c.Contributors = append(c.Contributors, r.actor())
	}
	return c
}

func (r randomEvents) event(t *testing.T) approval.Event {
	switch r.IntN(11) {
	case 0:
		return approval.Submitted{Content: r.content(t)}
	case 1:
		return approval.Edited{Content: r.content(t)}
	case 2:
		return approval.Reclassified{Ruling: r.ruling(), NotAfter: r.time()}
	case 3:
		v := approval.Vote{By: r.actor(), Revision: 1 + r.IntN(3), Digest: r.digest(), Choice: approval.Choice(1 + r.IntN(2)), Comment: r.text(), NotAfter: r.time()}
		for range r.IntN(3) {
			s := r.seat()
			s.Quorum *= r.IntN(2)
			v.Holds = append(v.Holds, s)
		}
		return approval.Voted{Vote: v}
	case 4:
		return approval.Decided{Decision: approval.Decision(1 + r.IntN(2)), Counted: [][]string{nil, {r.text(), r.word()}}[r.IntN(2)], NotAfter: r.time()}
	case 5:
		return approval.CalledOff{By: r.actor(), Reason: r.text()}
	case 6:
		return approval.Started{By: r.actor(), Attempt: approval.Attempt{ID: r.word(), Artifact: r.digest(), Target: r.text()}, Backout: r.IntN(2) > 0, ReportBy: r.time()}
	case 7:
		return approval.Reported{By: r.actor(), Attempt: r.word(), Outcome: approval.Outcome(1 + r.IntN(4)), Note: r.text(), ReviewBy: r.time()}
	case 8:
		return approval.Validated{By: r.actor(), Passed: r.IntN(2) > 0, Note: r.text(), ReviewBy: r.time()}
	case 9:
		return approval.Reviewed{By: r.actor(), Findings: r.text()}
	}
	d := approval.Deployment{ID: r.word(), Case: r.text(), Note: r.text(), Service: r.text(), Target: r.text(), At: r.sometime(), Outcome: approval.Outcome(r.IntN(5))}
	if r.IntN(2) > 0 {
		d.Artifact = r.digest()
	}
	return approval.Discovered{By: r.actor(), Deployment: d, ReviewBy: r.time()}
}

// TestRandomEvents: what is written is read as it was, and is the same in any
// zone.
func TestRandomEvents(t *testing.T) {
	r := randomEvents{rand.New(rand.NewPCG(5, 5))}
	kathmandu := time.FixedZone("+0545", 20700)
	for range 1000 {
		e := r.event(t)
		form, err := approval.EncodeEvent(e)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		back, err := approval.DecodeEvent(form)
		if err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%v\n%+v\ncomes back as\n%+v\n%s", err, e, back, goldenText(form))
		}
		if v, ok := e.(approval.Voted); ok {
			v.NotAfter = v.NotAfter.In(kathmandu)
			e = v
		}
		again, err := approval.EncodeEvent(e)
		if err != nil || goldenText(again) != goldenText(form) {
			t.Fatalf("%v: %s\nand again\n%s", err, goldenText(form), goldenText(again))
		}
	}
}

// FuzzDecodeEvent: nothing panics, and what is read is what is written.
func FuzzDecodeEvent(f *testing.F) {
	files, err := filepath.Glob("testdata/events/*.golden")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(data))
	}
	f.Add("type case.voted/1\nbody " + strings.Repeat("[", 100))
	f.Add("type case.closed/1\nbody {}\npersonal by {}")
	f.Fuzz(func(t *testing.T, text string) {
		form := parseGolden(text)
		e, err := decodeAny(form)
		if err != nil {
			var erased *approval.ErasedError
			if errors.As(err, &erased) && len(erased.Names) == 0 {
				t.Errorf("erased, and nothing is: %v", err)
			}
			return
		}
		if again, err := encodeAny(e); err != nil || goldenText(again) != goldenText(form) {
			t.Errorf("%v: %s\nis written as\n%s", err, goldenText(form), goldenText(again))
		}
	})
}
