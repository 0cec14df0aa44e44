package approval_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// personalMark stands in all personal data of the samples and nowhere else, but
// for digests.
const personalMark = "Alice"

func digestOf(text string) change.Digest { return change.DigestOf("test", []byte(text)) }

func actorOf(name string) approval.Actor {
	return approval.Actor{Identity: "idp|" + personalMark + "-" + name, Person: personalMark + "-" + name, Kind: change.Human}
}

func rulingOf(at time.Time) approval.Ruling {
	return approval.Ruling{
		At: at, Type: change.Normal, Level: "high", Score: -5,
		Requirement: approval.All{
			approval.Seat{Group: "cab", Quorum: 3},
			approval.Any{approval.Seat{Role: "service-owner", Of: "payments-api", Quorum: 1}, approval.Seat{Role: "incident-manager", Quorum: 1}},
		},
		Model:    change.OperatingModel{Name: "half-and-half", Deploys: change.AppSupport, Validates: change.Either, Slot: true, Handover: true, Standard: change.Claimed, Slack: 5},
		Template: "payments-rolling", Override: 3, Window: &change.Window{Start: at.Add(24 * time.Hour), End: at.Add(25 * time.Hour)}, ReviewBy: at.Add(72 * time.Hour),
		Policy: digestOf("policy"), Line: json.RawMessage(`{"id":"CHG-1","level":"high","seen":["` + personalMark + `"]}`),
		Templates: map[string]approval.TemplateStatus{"payments-rolling": {State: approval.Suspended, Version: digestOf("template")}, "new-one": {}},
		OnCall:    map[string]bool{"idp|" + personalMark: true, "idp|" + strings.ToLower(personalMark): false},
		ZoneData:  string(digestOf("zones")), Engine: "1",
	}
}

func contentOf(t testing.TB, at time.Time, revision int) approval.Content {
	t.Helper()
	c, err := change.Decode([]byte(`{"id": "CHG-1", "title": "Ask `+personalMark+`", "kind": "code", "service": "payments-api",
		"requester": {"id": "idp|`+personalMark+`", "kind": "human", "team": "payments"}, "attested": [{"by": "ci/payments", "covers": ["evidence.smoke"]}],
		"evidence": [{"name": "smoke", "result": "passed", "at": "2026-11-23T11:00:00.5+01:00"}], "attributes": {"countries": 1.25}}`), &change.DecodeOptions{Attested: true})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := c.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return approval.Content{
		By: actorOf("requester"), Revision: revision, Change: c, Digest: digest, NotAfter: at.Add(240 * time.Hour), Ruling: rulingOf(at),
		Contributors: []approval.Actor{actorOf("requester"), {Identity: "idp|" + personalMark + "-unknown"}, {Identity: "ci|" + personalMark, Person: personalMark + "-bot", Kind: change.Bot}},
	}
}

// sampleEvents are full examples of all events.
func sampleEvents(t testing.TB) []approval.Event {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
	again := contentOf(t, at, 2)
	again.Ruling.Requirement = approval.PreApproval{Template: "payments-rolling", Version: digestOf("template"), ApprovedBy: "cab", Ref: "CHG0041122"}
	again.Ruling.Type = change.Standard
	by := actorOf("somebody")
	return []approval.Event{
		approval.Submitted{Content: contentOf(t, at, 1)},
		approval.Edited{Content: again},
		approval.Reclassified{Ruling: rulingOf(at), NotAfter: at},
		approval.Voted{Vote: approval.Vote{
			By: by, Revision: 2, Digest: digestOf("change"), Choice: approval.Approve, Comment: personalMark + " says <yes> & means it", NotAfter: at,
			Holds: []approval.Seat{{Group: "cab"}, {Role: "service-owner", Of: "payments-api", Quorum: 1}, {Role: "incident-manager"}},
		}},
		approval.Withdrawn{By: by},
		approval.Decided{Decision: approval.Authorized, Counted: []string{personalMark + "-1", personalMark + "-2"}, NotAfter: at},
		approval.CalledOff{By: by, Reason: personalMark + " no longer wants it"},
		approval.Lapsed{},
		approval.Started{By: by, Attempt: approval.Attempt{ID: "run/1", Artifact: digestOf("image"), Target: "prod/eu-west"}, Backout: true, ReportBy: at},
		approval.Reported{By: by, Attempt: "run/1", Outcome: approval.RolledBack, Note: "it \"failed\" when " + personalMark + "\n\tlooked – \u2028", ReviewBy: at},
		approval.Validated{By: by, Passed: false, Note: personalMark, ReviewBy: at},
		approval.Reviewed{By: by, Findings: personalMark + " has learnt"},
		approval.Closed{},
		approval.Discovered{By: by, ReviewBy: at, Deployment: approval.Deployment{
			ID: "deploy-7", Case: "CHG-7", Note: personalMark + " saw it", Service: "payments-api", Artifact: digestOf("image"), Target: "prod/eu-west", At: at, Outcome: approval.Partial,
		}},
	}
}

func sampleTemplate() approval.TemplateSet {
	return approval.TemplateSet{By: actorOf("product"), Status: approval.TemplateStatus{State: approval.Probation, Version: digestOf("template")}, Because: personalMark + " asks for it"}
}

// sampleForms are the forms of the samples, by type.
func sampleForms(t testing.TB) map[string]approval.Encoded {
	t.Helper()
	out := map[string]approval.Encoded{}
	for _, e := range sampleEvents(t) {
		form, err := approval.EncodeEvent(e)
		if err != nil {
			t.Fatalf("%T: %v", e, err)
		}
		out[form.Type] = form
	}
	form, err := approval.EncodeTemplate(sampleTemplate())
	if err != nil {
		t.Fatal(err)
	}
	out[form.Type] = form
	return out
}

// goldenText is a form as it stands in a golden file: one line for the type,
// the body and each personal datum.
func goldenText(e approval.Encoded) string {
	text := "type " + e.Type + "\nbody " + string(e.Body) + "\n"
	for _, name := range slices.Sorted(maps.Keys(e.Personal)) {
		text += "personal " + name + " " + string(e.Personal[name]) + "\n"
	}
	return text
}

func parseGolden(text string) approval.Encoded {
	e := approval.Encoded{Personal: map[string][]byte{}}
	for _, line := range strings.Split(text, "\n") {
		what, rest, _ := strings.Cut(line, " ")
		switch what {
		case "type":
			e.Type = rest
		case "body":
			e.Body = []byte(rest)
		case "personal":
			name, value, _ := strings.Cut(rest, " ")
			e.Personal[name] = []byte(value)
		}
	}
	return e
}

func goldenFile(name string) string {
	return "testdata/events/" + strings.ReplaceAll(name, "/", "-") + ".golden"
}

// decodeAny reads an event, or the state of a template.
func decodeAny(e approval.Encoded) (any, error) {
	if e.Type == "template.set/1" {
		return approval.DecodeTemplate(e)
	}
	return approval.DecodeEvent(e)
}

func encodeAny(e any) (approval.Encoded, error) {
	if s, ok := e.(approval.TemplateSet); ok {
		return approval.EncodeTemplate(s)
	}
	return approval.EncodeEvent(e.(approval.Event))
}

// TestGoldenEvents holds the forms of events to files that never change: what
// was recorded must be read for as long as there are records. A file is only
// ever added, for another version of a type.
func TestGoldenEvents(t *testing.T) {
	forms := sampleForms(t)
	for name, form := range forms {
		if _, err := os.Stat(goldenFile(name)); *update && err != nil { // what is there stays
			if err := os.WriteFile(goldenFile(name), []byte(goldenText(form)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(goldenFile(name))
		if err != nil {
			t.Errorf("%s has no golden file: %v", name, err)
		} else if got := goldenText(form); got != string(want) {
			t.Errorf("%s is written as\n%s\nand records have\n%s", name, got, want)
		}
	}
	files, err := filepath.Glob("testdata/events/*.golden")
	if err != nil || len(files) < len(forms) {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		form := parseGolden(string(data))
		e, err := decodeAny(form)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if again, err := encodeAny(e); err != nil || goldenText(again) != string(data) {
			t.Errorf("%s: %v, written again as\n%s", file, err, goldenText(again))
		}
	}
}

// TestEventsAreAllThere reads the events from the source.
func TestEventsAreAllThere(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "event" {
			want[fmt.Sprint(f.Recv.List[0].Type)] = true
		}
	}
	for _, e := range sampleEvents(t) {
		delete(want, reflect.TypeOf(e).Name())
	}
	if len(sampleEvents(t)) < 14 || len(want) > 0 {
		t.Errorf("there is no sample of %v", want)
	}
}

// TestSamplesAreFull: no field of a sample is zero, so that the golden files
// show all members.
func TestSamplesAreFull(t *testing.T) {
	samples := []any{sampleTemplate()}
	for _, e := range sampleEvents(t) {
		samples = append(samples, e)
	}
	for _, e := range samples {
		v := reflect.ValueOf(e)
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if f.Type.Kind() == reflect.Struct && f.Anonymous {
				for j := range v.Field(i).NumField() {
					if name := f.Type.Field(j).Name; v.Field(i).Field(j).IsZero() && name != "At" {
						t.Errorf("%T.%s is zero", e, name)
					}
				}
			} else if v.Field(i).IsZero() && f.Type.Kind() != reflect.Bool {
				t.Errorf("%T.%s is zero", e, f.Name)
			}
		}
	}
	ruling := reflect.ValueOf(rulingOf(time.Now()))
	for i := range ruling.NumField() {
		if ruling.Field(i).IsZero() {
			t.Errorf("Ruling.%s is zero", ruling.Type().Field(i).Name)
		}
	}
}

// TestBodiesHoldNothingPersonal: bodies go into the log as they are (INV-40).
func TestBodiesHoldNothingPersonal(t *testing.T) {
	content := contentOf(t, time.Now(), 1)
	for name, form := range sampleForms(t) {
		for _, secret := range []string{personalMark, strings.ToLower(personalMark), string(content.Digest)} {
			if bytes.Contains(form.Body, []byte(secret)) {
				t.Errorf("%s: the body has %s: %s", name, secret, form.Body)
			}
		}
		for member, value := range form.Personal {
			if !bytes.Contains(value, []byte(personalMark)) && member != "digest" && member != "artifact" { // these can be of what has it
				t.Errorf("%s: %s is not personal: %s", name, member, value)
			}
		}
	}
}

func TestDecodeGivesBackTheEvent(t *testing.T) {
	for _, e := range sampleEvents(t) {
		form, err := approval.EncodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := approval.DecodeEvent(form)
		if err != nil {
			t.Errorf("%T: %v", e, err)
			continue
		}
		if !reflect.DeepEqual(back, e) {
			t.Errorf("%T comes back as\n%+v\nand was\n%+v", e, back, e)
		}
	}
	form, _ := approval.EncodeTemplate(sampleTemplate())
	if back, err := approval.DecodeTemplate(form); err != nil || back != sampleTemplate() {
		t.Errorf("%+v, %v", back, err)
	}
}

// TestErasedEvents takes each personal datum away, and all of them.
func TestErasedEvents(t *testing.T) {
	for name, form := range sampleForms(t) {
		names := slices.Sorted(maps.Keys(form.Personal))
		for _, gone := range append(mapped(names, func(n string) []string { return []string{n} }), names) {
			if len(gone) == 0 {
				continue
			}
			erased := approval.Encoded{Type: form.Type, Body: form.Body, Personal: maps.Clone(form.Personal)}
			for _, n := range gone {
				delete(erased.Personal, n)
			}
			_, err := decodeAny(erased)
			var what *approval.ErasedError
			if !errors.Is(err, approval.ErrErased) || !errors.As(err, &what) || what.Type != name || !slices.Equal(what.Names, gone) || !strings.Contains(err.Error(), strings.Join(gone, ", ")) {
				t.Errorf("%s without %v: %v", name, gone, err)
			}
		}
	}
}

func TestUnencodable(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	by := actorOf("x")
	content := func(edit func(*approval.Content)) approval.Event {
		c := contentOf(t, at, 1)
		edit(&c)
		return approval.Submitted{Content: c}
	}
	ruling := func(edit func(*approval.Ruling)) approval.Event {
		r := rulingOf(at)
		edit(&r)
		return approval.Reclassified{Ruling: r}
	}
	invalid := *contentOf(t, at, 1).Change
	invalid.ID = ""
	invalidDigest, _ := invalid.Digest()
	seat := approval.Seat{Group: "cab", Quorum: 1}
	deep := approval.Requirement(seat)
	for range 40 {
		deep = approval.All{deep}
	}
	for name, e := range map[string]approval.Event{
		"no form for <nil>":        nil,
		"no form for *approval.Cl": &approval.Closed{},
		"no change":                content(func(c *approval.Content) { c.Change = nil }),
		"the change: /id":          content(func(c *approval.Content) { c.Change, c.Digest = &invalid, invalidDigest }),
		"the digest is":            content(func(c *approval.Content) { c.Digest = digestOf("other") }),
		"revisions count from 1":   content(func(c *approval.Content) { c.Revision = 0 }),
		"\"\" is not an identity":  content(func(c *approval.Content) { c.By = approval.Actor{} }),
		"\"a b\" is not an ident":  content(func(c *approval.Content) { c.Contributors[1].Identity = "a b" }),
		"no kind of person number": content(func(c *approval.Content) { c.By.Kind = 9 }),
		"<nil> is not a requirem":  ruling(func(r *approval.Ruling) { r.Requirement = nil }),
		"at least one part":        ruling(func(r *approval.Ruling) { r.Requirement = approval.All{} }),
		"*approval.Seat is not a":  ruling(func(r *approval.Ruling) { r.Requirement = approval.Any{&seat} }),
		"a quorum of at least 1":   ruling(func(r *approval.Ruling) { r.Requirement = approval.Seat{Group: "cab"} }),
		"levels of parts":          ruling(func(r *approval.Ruling) { r.Requirement = deep }),
		"names a template, its": ruling(func(r *approval.Ruling) {
			r.Requirement = approval.PreApproval{Template: "t", Version: "1", ApprovedBy: "cab"}
		}),
		"lacks its time":           ruling(func(r *approval.Ruling) { r.At = time.Time{} }),
		"its level, the digest":    ruling(func(r *approval.Ruling) { r.Level = "" }),
		"of the zone data":         ruling(func(r *approval.Ruling) { r.ZoneData = "" }),
		"version of the engine":    ruling(func(r *approval.Ruling) { r.Engine = "" }),
		"the policy: \"\" is not":  ruling(func(r *approval.Ruling) { r.Policy = "" }),
		"needs a name":             ruling(func(r *approval.Ruling) { r.Model.Name = "" }),
		"does not begin before":    ruling(func(r *approval.Ruling) { r.Window.End = r.Window.Start }),
		"overridden by -1":         ruling(func(r *approval.Ruling) { r.Override = -1 }),
		"the template \"x\": \"\"": ruling(func(r *approval.Ruling) { r.Templates["x"] = approval.TemplateStatus{State: approval.Active} }),
		"type of change number 9":  ruling(func(r *approval.Ruling) { r.Type = 9 }),
		"is not an object":         ruling(func(r *approval.Ruling) { r.Line = json.RawMessage(`[]`) }),
		"the classification: /":    ruling(func(r *approval.Ruling) { r.Line = nil }),
		"stands twice":             ruling(func(r *approval.Ruling) { r.Line = json.RawMessage(`{"a":1,"a":2}`) }),
		"year outside of range":    approval.Reclassified{Ruling: rulingOf(at), NotAfter: at.AddDate(9000, 0, 0)},
		"no choice number 0":       approval.Voted{Vote: approval.Vote{By: by, Revision: 1, Digest: digestOf("x")}},
		"no choice number 3":       approval.Voted{Vote: approval.Vote{By: by, Revision: 1, Digest: digestOf("x"), Choice: 3}},
		"and this is -1":           approval.Voted{Vote: approval.Vote{By: by, Revision: -1, Digest: digestOf("x"), Choice: approval.Reject}},
		"\"\" is not a digest":     approval.Voted{Vote: approval.Vote{By: by, Revision: 1, Choice: approval.Reject}},
		"or for a role of a serv":  approval.Voted{Vote: approval.Vote{By: by, Revision: 1, Digest: digestOf("x"), Choice: approval.Reject, Holds: []approval.Seat{{}}}},
		"not UTF-8":                approval.CalledOff{By: by, Reason: "\xff"},
		"control character":        approval.Reviewed{By: by, Findings: "a\x00b"},
		"do not decide \"pending":  approval.Decided{Counted: []string{"x"}},
		"do not decide \"expired":  approval.Decided{Decision: approval.Expired},
		"do not decide \"decision": approval.Decided{Decision: 99},
		"an attempt has an id":     approval.Started{By: by, Attempt: approval.Attempt{Artifact: digestOf("x")}},
		"\"latest\" is not a dig":  approval.Started{By: by, Attempt: approval.Attempt{ID: "1", Artifact: "latest"}},
		"does not say which":       approval.Reported{By: by, Outcome: approval.Failed},
		"no outcome number 0":      approval.Reported{By: by, Attempt: "1"},
		"no outcome number 5":      approval.Reported{By: by, Attempt: "1", Outcome: 5},
		"has an id and a time":     approval.Discovered{By: by, Deployment: approval.Deployment{ID: "1"}},
		"\"x\" is not a digest":    approval.Discovered{By: by, Deployment: approval.Deployment{ID: "1", At: at, Artifact: "x"}},
	} {
		if form, err := approval.EncodeEvent(e); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v, %s", name, err, goldenText(form))
		}
	}
	for name, edit := range map[string]func(*approval.TemplateSet){
		"no state 5":           func(s *approval.TemplateSet) { s.Status.State = 5 },
		"not said why":         func(s *approval.TemplateSet) { s.Because = "" },
		"\"\" is not a digest": func(s *approval.TemplateSet) { s.Status.Version = "" },
		"is not an identity":   func(s *approval.TemplateSet) { s.By.Identity = "" },
		"is not UTF-8":         func(s *approval.TemplateSet) { s.Because = "\xff" },
	} {
		s := sampleTemplate()
		edit(&s)
		if _, err := approval.EncodeTemplate(s); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v", name, err)
		}
	}
}
