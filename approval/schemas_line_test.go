package approval_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/schema"
	"github.com/changelane/changelane/risk"
)

func atOf(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// sampleClassifications are of every sort that there is, by what they show.
func sampleClassifications(t *testing.T) map[string]approval.Classification {
	t.Helper()
	policy, err := approval.Load(readPolicy(t, validPolicy))
	if err != nil {
		t.Fatal(err)
	}
	monday, friday := atOf(t, "2026-11-23T10:00:00Z"), atOf(t, "2026-12-18T19:30:00.5+01:00")
	var none *approval.Policy
	out := map[string]approval.Classification{
		"nothing":             {},
		"no policy":           none.Classify(&change.Change{}, approval.Inputs{At: monday}),
		"no change":           policy.Classify(nil, approval.Inputs{At: monday}),
		"unreadable":          policy.Unclassified("no id at all\n", monday, errors.New("it is not JSON")),
		"invalid":             policy.Classify(&change.Change{ID: "é"}, approval.Inputs{At: monday}),
		"no time":             policy.Classify(sampleChange(t, ``), approval.Inputs{}),
		"attribute not known": policy.Classify(sampleChange(t, `"attributes": {"planets": 3}`), approval.Inputs{At: monday}),
	}
	for name, members := range map[string]string{
		"standard":          `"downtime": false, "attributes": {"countries": 1.25}, "claim": {"type": "standard", "by": "idp|alice"}`,
		"standing claim":    `"service": "web-shop", "downtime": false, "attributes": {"countries": 2}`,
		"normal":            `"downtime": true, "attributes": {"countries": 2}`,
		"little known":      `"requester": {"id": "x"}, "files": null, "evidence": null`,
		"only stated":       `"attested": null`,
		"fault":             `"files": [{"path": "a", "added": 1000000000, "deleted": 1000000000}]`,
		"emergency":         `"emergency": {"incident": "INC-1", "reason": "it is down", "severity": 1}`,
		"platform":          `"service": "cluster", "window": {"start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"}`,
		"bought":            `"service": "core-banking", "kind": "cots"`,
		"service not known": `"service": "payment-api"`,
		"always":            `"service": "web-shop", "kind": "infrastructure", "claim": {"type": "normal", "by": "idp|alice"}`,
	} {
		c := sampleChange(t, members)
		out[name] = policy.Classify(c, approval.Inputs{At: monday})
		out[name+", late on Friday"] = policy.Classify(c, approval.Inputs{At: friday, OnCall: map[string]bool{}, Templates: map[string]approval.TemplateStatus{"shop-release": {State: approval.Suspended}}})
		out[name+", with a log"] = policy.Classify(c, approval.Inputs{At: monday, Templates: map[string]approval.TemplateStatus{"payments-rolling": {State: approval.Active, Version: policy.TemplateVersion("payments-rolling")}}})
	}
	slack := out["standard"]
	slack.Override = 5
	out["override"] = slack
	long := out["standard"]
	long.Assessment.Reasons = slices.Clone(long.Assessment.Reasons)
	facts := policy.Rules().Vocabulary().Facts(&change.Change{}, risk.Situation{}).
		With("change.paths", slices.Repeat([]string{"a"}, 25)).With("change.title", strings.Repeat("é", 205))
	long.Assessment.Reasons[0].Seen = nil
	for _, name := range []string{"change.paths", "change.title"} {
		fact, _ := facts.Get(name)
		long.Assessment.Reasons[0].Seen = append(long.Assessment.Reasons[0].Seen, fact)
	}
	out["long values"] = long
	return out
}

// sampleChange is a change with other members in place of its own.
func sampleChange(t *testing.T, members string) *change.Change {
	t.Helper()
	document := map[string]any{}
	for _, text := range []string{`{"id": "CHG-1", "kind": "code", "service": "payments-api", "requester": {"id": "idp|alice", "kind": "human", "team": "payments"},
		"files": [{"path": "src/a.go", "added": 10, "deleted": 2}], "evidence": [{"name": "smoke", "result": "passed"}],
		"attested": [{"by": "ci/payments", "covers": ["evidence.smoke"]}]}`, "{" + members + "}"} {
		if err := json.Unmarshal([]byte(text), &document); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for name, value := range document {
		if value == nil {
			delete(document, name)
		}
	}
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	c, err := change.Decode(data, &change.DecodeOptions{Attested: true})
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return c
}

func TestLinesMatchTheirSchema(t *testing.T) {
	documents, compiled := publishedSchemas(t)
	o := ordering{document: documents[lineSchema], seen: map[string]bool{}}
	types := map[change.Type]bool{}
	for name, c := range sampleClassifications(t) {
		data, err := json.Marshal(c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v, err := schema.Parse(data, schema.DocumentLimits())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range compiled[lineSchema].Validate(v) {
			t.Errorf("%s: %v\n%s", name, p, data)
		}
		for _, problem := range o.check(o.document, v, lineSchema) {
			t.Errorf("%s: %s\n%s", name, problem, data)
		}
		types[c.Type] = true
	}
	if len(types) != 4 {
		t.Errorf("the lines show only the types %v", types)
	}
	walk(o.document, lineSchema, func(pointer string, v *schema.Value) {
		if properties := v.Get("properties"); properties != nil && !isCondition(pointer) {
			for _, m := range properties.Members {
				if m.Value.Kind == schema.Object && !o.seen[m.Value.Get("description").Text] {
					t.Errorf("no line has the member %s/%s", pointer, m.Name)
				}
			}
		}
	})
}

// ordering follows lines through their schema.
type ordering struct {
	document *schema.Value
	seen     map[string]bool // the descriptions of the members that occurred
}

// check finds members that do not stand in the order of the schema.
func (o ordering) check(s, v *schema.Value, place string) (problems []string) {
	s = o.describing(s, v)
	if s == nil {
		return nil
	}
	for i, item := range v.Items {
		if items := s.Get("items"); items != nil {
			problems = append(problems, o.check(items, item, fmt.Sprintf("%s/%d", place, i))...)
		}
	}
	if named := s.Get("patternProperties"); named != nil {
		for _, m := range v.Members {
			problems = append(problems, o.check(named.Members[0].Value, m.Value, place+"/"+m.Name)...)
		}
	}
	if s.Get("properties") == nil {
		return problems // any members, in any order
	}
	last := -1
	for _, m := range v.Members {
		at := slices.IndexFunc(s.Get("properties").Members, func(p schema.Member) bool { return p.Name == m.Name })
		if at <= last {
			problems = append(problems, fmt.Sprintf("%s: the member %s stands where the schema does not list it", place, m.Name))
			continue
		}
		last = at
		property := s.Get("properties").Members[at].Value
		o.seen[property.Get("description").Text] = true
		problems = append(problems, o.check(property, m.Value, place+"/"+m.Name)...)
	}
	return problems
}

// describing is the schema that lists the members of v: s, what it refers to,
// or the alternative that has them all.
func (o ordering) describing(s, v *schema.Value) *schema.Value {
	s = resolve(o.document, s)
	branches := s.Get("anyOf")
	if branches == nil {
		return s
	}
	for _, branch := range branches.Items {
		branch = resolve(o.document, branch)
		lacks := func(m schema.Member) bool { return branch.Get("properties").Get(m.Name) == nil }
		if v.Kind == schema.Object && branch.Get("properties") != nil && !slices.ContainsFunc(v.Members, lacks) {
			return branch
		}
	}
	return nil
}
