package approval_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/schema"
)

// sampleLives are the records of cases of all sorts, by what happens.
func sampleLives(t testing.TB) map[string]*life {
	t.Helper()
	deployed := func() *life { return born(t, normal(t, nil)).approved().start("1", image, "prod/eu") }
	found := &life{TB: t, at: monday}
	found.c.ID = "deploy-7"
	found.do(approval.Discover(approval.Deployment{ID: "deploy-7", At: monday.Add(-time.Hour), Service: "payments-api", Outcome: approval.Succeeded}, carol, monday, validity))
	out := map[string]*life{
		"standard":   born(t, standard(t, map[string]any{"targets": nil, "validation": nil})).start("1", image, "").report("1", approval.Succeeded),
		"normal":     deployed().report("1", approval.Succeeded).start("2", image, "prod/us").report("2", approval.Succeeded).validate(true),
		"taken back": deployed().report("1", approval.Failed).start("back", oldImage, "prod/eu").report("back", approval.Succeeded).review(),
		"check":      deployed().report("1", approval.Succeeded).validate(false).review(),
		"run out":    deployed().report("1", approval.Succeeded).validate(true).wait(validity.Use),
		"rejected":   born(t, normal(t, nil)).yes(carol, cab),
		"withdrawn":  born(t, normal(t, nil)).yes(carol, cab),
		"called off": born(t, normal(t, nil)),
		"lapsed":     born(t, normal(t, nil)).wait(validity.Request),
		"edited":     born(t, normal(t, nil)).yes(carol, cab),
		"discovered": found,
	}
	l := out["rejected"]
	l.do(l.c.Vote(l.ballot(dave, approval.Reject, cab)))
	l = out["withdrawn"]
	l.do(l.c.Withdraw(carol, l.at))
	l = out["called off"]
	l.do(l.c.Cancel(alice, "not wanted", l.at))
	for _, name := range []string{"run out", "lapsed"} {
		l = out[name]
		l.do(l.c.Expire(l.at), nil)
	}
	l = out["edited"]
	other := normal(t, map[string]any{"title": "another title"})
	l.do(l.c.Edit(l.p, other, submission(other, l.at)))
	found.wait(time.Hour).review()
	return out
}

// fullCase has all members but those of a discovered deployment.
func fullCase(t testing.TB) approval.Case {
	at := time.Date(2026, 11, 23, 10, 0, 0, 123456789, time.UTC)
	content := contentOf(t, at, 1)
	alice, bot := actorOf("a"), approval.Actor{Identity: "ci|x", Kind: change.Bot}
	return approval.Case{
		ID: "CHG-1", Version: 12, SubmittedAt: at, Revision: 1, Change: content.Change, Digest: content.Digest, Contributors: content.Contributors, Ruling: content.Ruling,
		Votes: []approval.Vote{
			{By: alice, Revision: 1, Digest: content.Digest, Choice: approval.Approve, Comment: "<yes>", At: at, NotAfter: at,
				Holds: []approval.Seat{{Group: "cab", Quorum: 3}, {Role: "service-owner", Of: "payments-api"}}},
			{By: bot, Revision: 1, Digest: content.Digest, Choice: approval.Reject, At: at},
		},
		Decision: approval.Authorized, DecidedAt: at, Counted: []string{"Alice-a"}, NotAfter: at,
		Runs: []approval.Run{
			{Attempt: approval.Attempt{ID: "run/1", Artifact: image, Target: "prod"}, By: bot, StartedAt: at, ReportBy: at, Outcome: approval.Partial, ReportedAt: at, ReportedBy: alice, Note: "half of it"},
			{Attempt: approval.Attempt{ID: "run/2", Artifact: oldImage}, By: bot, Backout: true, StartedAt: at},
		},
		Validation: &approval.Validated{By: alice, Passed: true, Note: "it works"}, Review: &approval.Reviewed{By: alice, Findings: "learnt"}, ReviewBy: at,
		Closed: true, ClosedAt: at, Last: at,
	}
}

// sampleCases are the states of the lives after each of their events.
func sampleCases(t testing.TB) map[string]approval.Case {
	t.Helper()
	preApproved, plain := fullCase(t), fullCase(t)
	preApproved.Ruling.Requirement = approval.All{approval.Seat{Role: "on-call", Quorum: 1}}
	preApproved.Ruling.Window, preApproved.Ruling.Templates, preApproved.Ruling.OnCall = nil, map[string]approval.TemplateStatus{}, map[string]bool{}
	plain.Ruling = sampleEvents(t)[1].(approval.Edited).Ruling
	plain.Ruling.Model, plain.Ruling.Templates, plain.Ruling.OnCall = change.OperatingModel{}, nil, nil
	out := map[string]approval.Case{"full": fullCase(t), "pre-approved": preApproved, "without a log": plain}
	seen := approval.Deployment{ID: "1", Case: "CHG-0", Note: "by hand", Artifact: image, Target: "prod", Service: "api", At: time.Unix(1, 0), Outcome: approval.Failed}
	out["seen"] = approval.Case{ID: "1", Version: 1, Discovered: &seen}
	for name, l := range sampleLives(t) {
		for n := 1; n <= len(l.log); n++ {
			c, err := approval.Fold(l.c.ID, l.log[:n])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out[fmt.Sprintf("%s after %d", name, n)] = c
		}
	}
	return out
}

func caseText(t testing.TB, c approval.Case) (string, *schema.Value) {
	t.Helper()
	data, err := c.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	v, err := schema.Parse(data, schema.DocumentLimits())
	if err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return string(data), v
}

func TestCasesMatchTheirSchema(t *testing.T) {
	documents, compiled := publishedSchemas(t)
	ofChange, err := schema.Compile("change.schema.json", change.Schema())
	if err != nil {
		t.Fatal(err)
	}
	o := ordering{document: documents[caseSchema], seen: map[string]bool{}}
	for name, c := range sampleCases(t) {
		data, v := caseText(t, c)
		problems := mapped(compiled[caseSchema].Validate(v), (*schema.Problem).Error)
		problems = append(problems, o.check(o.document, v, caseSchema)...)
		if c.Change != nil {
			problems = append(problems, mapped(ofChange.Validate(v.Get("change")), (*schema.Problem).Error)...)
		}
		if line := v.Get("ruling").Get("classification"); strings.Contains(name, "after") && line != nil {
			problems = append(problems, mapped(compiled[lineSchema].Validate(line), (*schema.Problem).Error)...)
		}
		for _, problem := range problems {
			t.Errorf("%s: %s\n%s", name, problem, data)
		}
	}
	walk(o.document, caseSchema, func(pointer string, v *schema.Value) {
		if properties := v.Get("properties"); properties != nil && !isCondition(pointer) {
			for _, m := range properties.Members {
				if !o.seen[m.Value.Get("description").Text] {
					t.Errorf("no case has the member %s/%s", pointer, m.Name)
				}
			}
		}
	})
}

// TestCaseSchemaIsClosed: a member that nobody knows is refused everywhere.
func TestCaseSchemaIsClosed(t *testing.T) {
	_, compiled := publishedSchemas(t)
	data, _ := caseText(t, fullCase(t))
	tested := 0
	for i := range data {
		if data[i] != '{' || strings.Contains(data[:i], `"change":`) && !strings.Contains(data[:i], `,"digest":"`) || strings.Contains(data[:i], `"classification":`) && !strings.Contains(data[:i], `,"votes":`) {
			continue
		}
		edited := data[:i+1] + `"x":1` + strings.TrimPrefix(","+data[i+1:], ",}")
		if data[i+1] == '}' {
			edited = data[:i+1] + `"x":1` + data[i+1:]
		}
		v, err := schema.Parse([]byte(edited), schema.DocumentLimits())
		if err != nil {
			t.Fatalf("%v: %s", err, edited)
		}
		if tested++; compiled[caseSchema].Validate(v) == nil {
			t.Errorf("the schema accepts %s", edited)
		}
	}
	if tested < 25 {
		t.Errorf("only %d objects were tried", tested)
	}
}

func TestCaseSchemaRefuses(t *testing.T) {
	_, compiled := publishedSchemas(t)
	data, _ := caseText(t, fullCase(t))
	for _, e := range [][2]string{
		{`"id":"CHG-1","version"`, `"id":"","version"`}, {`"version":12,`, ``}, {`"version":12`, `"version":0`}, {`"revision":1,`, `"revision":-1,`}, {`"decision":"authorized"`, `"decision":"approved"`},
		{`"decision":"authorized",`, ``}, {`"digest":"sha256:`, `"digest":"`}, {`"closed":true`, `"closed":null`}, {`"votes":[`, `"votes":[1,`}, {`"counted":["Alice-a"]`, `"counted":[""]`},
		{`"choice":"approve"`, `"choice":"yes"`}, {`"group":"cab","quorum":3}`, `"group":"cab","of":"x","quorum":3}`}, {`{"group":"cab","quorum":3}`, `{"quorum":3}`}, {`{"group":"cab","quorum":3}`, `{"group":"cab","quorum":0}`},
		{`"outcome":"partial",`, ``}, {`"outcome":"partial"`, `"outcome":""`}, {`"reported_at"`, `"reported"`}, {`"backout":false,`, ``}, {`"started_at":"2026`, `"started_at":"Monday`},
		{`"type":"normal"`, `"type":"big"`}, {`"deploys":"app-support"`, `"deploys":"either"`}, {`"slot":true`, `"slot":false`}, {`"state":"suspended"`, `"state":"gone"`}, {`"engine":"1"`, `"engine":1`},
		{`"requirement":{"all":[`, `"requirement":{"all":[null,`}, {`"requirement":{"all"`, `"requirement":{"one"`}, {`"change":{`, `"change":[],"x":{`}, {`"person":"Alice-requester","kind":"human"`, `"person":"Alice-requester","kind":""`},
		{`"identity":"ci|x"`, `"identity":"ci x"`}, {`123456789Z"`, `123456789+01:00"`}, {`"passed":true`, `"passed":"yes"`}, {`"findings":"learnt"`, `"findings":null`}, {`"on_call":true`, `"on_call":"yes"`},
	} {
		edited := strings.Replace(data, e[0], e[1], 1)
		if edited == data {
			t.Errorf("there is no %s in %s", e[0], data)
			continue
		}
		if v, err := schema.Parse([]byte(edited), schema.DocumentLimits()); err == nil && compiled[caseSchema].Validate(v) == nil {
			t.Errorf("the schema accepts %s for %s", e[1], e[0])
		}
	}
}

// TestStateIsWhatTheRecordSays: a case that is folded from recorded forms has
// the same bytes as one that is folded from events as commands gave them, and
// has them each time.
func TestStateIsWhatTheRecordSays(t *testing.T) {
	for name, l := range sampleLives(t) {
		recorded := slices.Clone(l.log)
		for i, s := range recorded {
			form, err := approval.EncodeEvent(s.Event)
			if err != nil {
				t.Fatalf("%s: %T: %v", name, s.Event, err)
			}
			if recorded[i].Event, err = approval.DecodeEvent(form); err != nil {
				t.Fatalf("%s: %T: %v", name, s.Event, err)
			}
			again, err := approval.EncodeEvent(recorded[i].Event)
			if err != nil || !bytes.Equal(again.Body, form.Body) || !maps.EqualFunc(again.Personal, form.Personal, bytes.Equal) {
				t.Errorf("%s: %T is written in two ways: %v", name, s.Event, err)
			}
		}
		for n := 1; n <= len(recorded); n++ {
			live, err := approval.Fold(l.c.ID, l.log[:n])
			if err != nil {
				t.Fatal(err)
			}
			rebuilt, err := approval.Fold(l.c.ID, recorded[:n])
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			a, _ := caseText(t, live)
			if b, _ := caseText(t, rebuilt); a != b {
				t.Errorf("%s after %d:\n%s\nrebuilt:\n%s", name, n, a, b)
			}
			if fmt.Sprint(live.Queues(), live.Due(), live.Waits()) != fmt.Sprint(rebuilt.Queues(), rebuilt.Due(), rebuilt.Waits()) {
				t.Errorf("%s after %d: it stands elsewhere when it is rebuilt", name, n)
			}
		}
	}
}

func TestCaseWithoutAnEncoding(t *testing.T) {
	for name, edit := range map[string]func(*approval.Case){
		"<nil> is not a requirement": func(c *approval.Case) { c.Ruling.Requirement = nil },
		"no decision number 9":       func(c *approval.Case) { c.Decision = 9 },
		"is not an object":           func(c *approval.Case) { c.Ruling.Line = json.RawMessage("1") },
	} {
		c := fullCase(t)
		edit(&c)
		if data, err := c.MarshalJSON(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%q: %v, %s", name, err, data)
		}
	}
	if data, err := (approval.Case{}).MarshalJSON(); err != nil || !strings.Contains(string(data), `"decision":"pending"`) {
		t.Errorf("no case: %s, %v", data, err)
	}
}
