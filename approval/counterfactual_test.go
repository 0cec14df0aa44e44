package approval_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/schema"
)

// sparse is a random change with some of its members taken away.
func (r random) sparse(tb testing.TB) *change.Change {
	for {
		tree := r.tree(tb)
		tree["service"] = oneOf(r, "payments-api", "shop", "platform")
		for range r.IntN(4) {
			delete(tree, oneOf(r, "files", "size", "evidence", "attested", "history", "plan", "links", "targets", "claim", "downtime", "attributes", "contributors", "validation"))
		}
		if r.chance(20) {
			tree["evidence"] = []any{map[string]any{"name": "smoke", "result": oneOf(r, "failed", "skipped")}}
		}
		if r.chance(10) {
			tree["claim"] = map[string]any{"type": "normal", "by": oneOf(r, "idp|alice", "idp|bob")}
			delete(tree, "emergency")
		}
		if c, err := decodeTree(tree); err == nil {
			return c
		}
	}
}

// everyWay calls yield with each choice of a way for each item, or none.
func everyWay(ways []int, yield func(choice []int)) {
	choice := make([]int, len(ways))
	var all func(i int)
	all = func(i int) {
		if i == len(ways) {
			yield(choice)
			return
		}
		for w := -1; w < ways[i]; w++ {
			choice[i] = w
			all(i + 1)
		}
	}
	all(0)
}

func itemsOf(choice []int) (out uint64) {
	for i, w := range choice {
		if w >= 0 {
			out |= 1 << i
		}
	}
	return out
}

// smallest are the smallest sets of items that work, by trying everything.
func smallest(e approval.Edits) (out []uint64) {
	works := map[uint64]bool{}
	everyWay(e.Ways(), func(choice []int) {
		if items := itemsOf(choice); !works[items] && e.Standard(choice) {
			works[items] = true
		}
	})
	for items := range works {
		least := true
		for other := range works {
			least = least && (other == items || other&^items != 0)
		}
		if least {
			out = append(out, items)
		}
	}
	slices.Sort(out)
	return out
}

// chosen is the choice that a suggestion makes, with the first of its ways.
func chosen(choices [][]int) []int {
	out := make([]int, len(choices))
	for i, list := range choices {
		if out[i] = -1; len(list) > 0 {
			out[i] = list[0]
		}
	}
	return out
}

// rounds is how many rounds a test makes; a third of them in a short run.
func rounds(n int) int {
	if testing.Short() {
		return n / 3
	}
	return n
}

// TestCounterfactualAgainstBruteForce: of up to eight items in all their ways,
// the smallest sets that work are those that are suggested.
func TestCounterfactualAgainstBruteForce(t *testing.T) {
	compared, found, larger := 0, 0, 0
	easy := base(t) // most changes can be mended for it
	easy.Attributes = []byte(attributes)
	mended := made(t, easy)
	for seed := uint64(0); compared < rounds(60) && seed < 3000; seed++ {
		r := newRandom(6000 + seed)
		p, c, most := mended, (*change.Change)(nil), 1000
		switch {
		case seed%2 == 1:
			p = made(t, r.policy(t))
			c = r.sparse(t)
		case seed%4 == 0:
			if p, _, c = newDense(t, seed, 2); p == nil {
				continue
			}
			most = 4000
		default:
			c = r.sparse(t)
		}
		n, several, ok := bruteForce(t, p, c, most)
		if ok {
			compared, found, larger = compared+1, found+n, larger+several
		}
	}
	if compared < rounds(60) || found < rounds(24) || larger < rounds(12) {
		t.Errorf("compared %d changes with %d suggestions, %d of them of several edits: too few", compared, found, larger)
	}
	t.Logf("%d changes, %d suggestions, %d of several edits", compared, found, larger)
}

// bruteForce compares the suggestions for a change with those of trying
// everything, where that is at most so many choices.
func bruteForce(t *testing.T, p *approval.Policy, c *change.Change, most int) (suggestions, several int, ok bool) {
	t.Helper()
	in, opts := approval.Inputs{At: monday}, &approval.CounterfactualOptions{Horizon: 24 * time.Hour}
	if p.Classify(c, in).Type == change.Standard {
		return 0, 0, false
	}
	e, err := approval.NewEdits(p, c, in, opts)
	if err != nil {
		t.Fatal(err)
	}
	all := 1
	for _, n := range e.Ways() {
		all *= n + 1
	}
	if all > most || len(e.Ways()) > 8 || len(e.Ways()) < 3 {
		return 0, 0, false
	}
	got := p.Counterfactual(c, in, opts)
	var sets []uint64
	for _, s := range got.Suggestions {
		sets = append(sets, itemsOf(chosen(e.Choices(s))))
		if len(s.Edits) > 1 {
			several++
		}
		if !s.Smallest {
			t.Error("it is not said to be smallest")
		}
	}
	slices.Sort(sets)
	if want := smallest(e); !slices.Equal(sets, want) || !got.Complete || !got.Fewest {
		data, _ := c.Canonical()
		t.Fatalf("suggested %b, expected %b, complete %t\n%s\n%s\n%s", sets, want, got.Complete, data, got.Now.Explain(), got.Explain(0))
	}
	return len(sets), several, true
}

// examplePolicy is the policy that users start from.
func examplePolicy(tb testing.TB) *approval.Policy {
	p, err := approval.Load(os.DirFS("../examples/policy"))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// exampleChange is a random change to a service of the example policy.
func (r random) exampleChange(tb testing.TB) *change.Change {
	c := r.sparse(tb)
	c.Service = oneOf(r, "payments-api", "payments-api", "web-shop", "web-shop", "statements", "loyalty-pilot", "store-tills", "customer-accounts", "container-platform", "core-banking")
	c.Kind = oneOf(r, change.Code, change.Code, change.Config, change.Flag)
	c.Attributes = nil
	if r.chance(60) {
		c.Attributes = map[string]any{"customer_data": r.chance(10), "regulated": "none"}
	}
	c.Evidence = nil
	for _, name := range []string{"unit", "smoke", "review", "canary", "rehearsal"} {
		if r.chance(60) {
			c.Evidence = append(c.Evidence, change.Evidence{Name: name, Result: oneOf(r, change.Passed, change.Passed, change.Passed, change.Failed, change.Skipped)})
		}
	}
	if r.chance(50) {
		c.Backout = &change.Backout{Plan: "back"}
	}
	if r.chance(30) {
		from := monday.Add(time.Duration(r.IntN(200)-20) * time.Hour)
		c.Window = &change.Window{Start: from, End: from.Add(time.Duration(1+r.IntN(5)) * time.Hour)}
	}
	if r.chance(30) {
		automated := r.chance(50)
		c.Validation = &change.Validation{Party: change.Owner, Automated: &automated}
	}
	if r.chance(50) {
		c.Attested = []change.Attestation{{By: "ci", Covers: []string{oneOf(r, "evidence", "files", "window", "plan", "contributors", "validation", "evidence.unit", "links")}}}
	}
	return c
}

// worlds calls yield with policies, changes and inputs of many sorts.
func worlds(t *testing.T, n int, yield func(p *approval.Policy, c *change.Change, in approval.Inputs)) {
	example := examplePolicy(t)
	for i := range n {
		r := newRandom(uint64(7000 + i))
		in := approval.Inputs{At: monday.Add(time.Duration(r.IntN(60*24)) * time.Hour)}
		if r.chance(30) {
			in.OnCall = map[string]bool{"idp|alice": r.chance(50)}
		}
		if i%3 > 0 {
			yield(example, r.exampleChange(t), in)
		} else {
			yield(made(t, r.policy(t)), r.sparse(t), in)
		}
	}
}

// mayChange are the only differences between a change and one with edits: what
// is put where nothing was, and the edits of what is there that are documented
// with EditKind.
var mayChange = []*regexp.Regexp{
	regexp.MustCompile(`^added /(title|reason|files|targets|artifacts|downtime|plan|links|backout|contributors|validation|window|claim|attested)$`),
	regexp.MustCompile(`^added /requester/(kind|team)$`),
	regexp.MustCompile(`^added /(size|history|attributes)(/[a-z0-9_]+)?$`),
	regexp.MustCompile(`^added /evidence(/[a-z]+)?$`),
	regexp.MustCompile(`^added /attested/[0-9]+$`),
	regexp.MustCompile(`^added /contributors/[0-9]+$`),
	regexp.MustCompile(`^added /targets/[0-9]+/(environment|region)$`),
	regexp.MustCompile(`^added /plan/[0-9]+/automated$`),
	regexp.MustCompile(`^added /validation/automated$`),
	regexp.MustCompile(`^changed /validation/automated$`),
	regexp.MustCompile(`^changed /evidence/(smoke|unit|review|canary|rehearsal)$`),
	regexp.MustCompile(`^(changed|removed) /claim$`),
	regexp.MustCompile(`^changed /window$`),
	regexp.MustCompile(`^removed /emergency$`),
}

// differences lists what is not the same in two documents.
func differences(at string, a, b any) (out []string) {
	if whole := at == "/claim" || at == "/window" || strings.HasPrefix(at, "/evidence/"); whole && !equalJSON(a, b) {
		return []string{"changed " + at}
	}
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return []string{"changed " + at}
		}
		for name := range a {
			if _, there := b[name]; !there {
				out = append(out, "removed "+at+"/"+name)
			} else {
				out = append(out, differences(at+"/"+name, a[name], b[name])...)
			}
		}
		for name := range b {
			if _, there := a[name]; !there {
				out = append(out, "added "+at+"/"+name)
			}
		}
		return out
	case []any:
		b, ok := b.([]any)
		if !ok || len(b) < len(a) {
			return []string{"removed " + at}
		}
		for i := range b {
			if i >= len(a) {
				out = append(out, fmt.Sprintf("added %s/%d", at, i))
			} else {
				out = append(out, differences(fmt.Sprintf("%s/%d", at, i), a[i], b[i])...)
			}
		}
		return out
	}
	if a != b {
		return []string{"changed " + at}
	}
	return nil
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// document is a change as JSON, its evidence by name.
func document(t *testing.T, c *change.Change) map[string]any {
	t.Helper()
	data, err := c.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if list, ok := out["evidence"].([]any); ok {
		byName := map[string]any{}
		for _, e := range list {
			byName[e.(map[string]any)["name"].(string)] = e
		}
		out["evidence"] = byName
	}
	return out
}

// TestCounterfactualNeverLies: nothing that was known is restated, hidden or
// taken apart, whoever vouches for it still does, and a result that takes the
// place of another is vouched for (C78).
func TestCounterfactualNeverLies(t *testing.T) {
	suggestions := 0
	worlds(t, rounds(60), func(p *approval.Policy, c *change.Change, in approval.Inputs) {
		before, was := document(t, c), *c
		for _, s := range p.Counterfactual(c, in, &approval.CounterfactualOptions{Budget: 2000}).Suggestions {
			suggestions++
			after := document(t, s.Change)
			for _, d := range differences("", before, after) {
				if !slices.ContainsFunc(mayChange, func(m *regexp.Regexp) bool { return m.MatchString(d) }) {
					t.Fatalf("%s, which nobody may suggest:\n%s\nbecomes\n%s", d, asJSON(before), asJSON(after))
				}
				attested := func(data string) bool { return was.Observed(data) }
				switch {
				case strings.HasPrefix(d, "changed /validation") && attested("validation"), strings.HasPrefix(d, "changed /window") && attested("window"),
					strings.HasPrefix(d, "added /contributors/") && attested("contributors"), strings.HasPrefix(d, "added /plan/") && attested("plan"),
					strings.HasPrefix(d, "added /targets/") && attested("targets"):
					t.Fatalf("%s, for which somebody else vouches", d)
				case strings.HasPrefix(d, "changed /evidence/"):
					name := strings.TrimPrefix(d, "changed /evidence/")
					one := after["evidence"].(map[string]any)[name].(map[string]any)
					if old := before["evidence"].(map[string]any)[name].(map[string]any)["result"]; old == "passed" || one["result"] != "passed" || !s.Change.Observed("evidence."+name) {
						t.Fatalf("the check %s goes from %v to %v", name, old, one)
					}
				case d == "changed /validation/automated" && after["validation"].(map[string]any)["automated"] != true:
					t.Fatal("the validation is no longer automated")
				}
			}
			if was.Claim != nil && was.Claim.Type == change.Normal && was.Claim.By != was.Requester.ID {
				t.Fatalf("the wish of %s for more scrutiny is set aside", was.Claim.By)
			}
			for _, a := range s.Change.Attested {
				if a.By == was.Requester.ID {
					t.Fatal("the requester vouches")
				}
			}
		}
	})
	if suggestions < rounds(20) {
		t.Errorf("%d suggestions; too few", suggestions)
	}
}

func asJSON(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// TestCounterfactualWorks: each suggestion makes a valid change standard, with
// any of the values that it leaves open, and without any of its edits it does
// not. The change that was asked about is not touched.
func TestCounterfactualWorks(t *testing.T) {
	_, schemas := publishedSchemas(t)
	suggestions, published := 0, schemas[whatSchema]
	worlds(t, rounds(45), func(p *approval.Policy, c *change.Change, in approval.Inputs) {
		before, _ := c.Canonical()
		opts := &approval.CounterfactualOptions{Budget: 2000}
		got := p.Counterfactual(c, in, opts)
		if after, _ := c.Canonical(); !bytes.Equal(before, after) {
			t.Fatal("the change has been touched")
		}
		if data, err := json.Marshal(got); err != nil || len(published.Validate(parsed(t, data))) > 0 {
			t.Fatalf("%s is not as published: %v %v", data, err, published.Validate(parsed(t, data)))
		}
		if len(got.Suggestions) == 0 && got.Now.Type != change.Standard && len(got.Blockers) == 0 {
			t.Fatal("it is not said what stands in the way")
		}
		e, err := approval.NewEdits(p, c, in, opts)
		if err != nil {
			t.Fatal(err)
		}
		for n, s := range got.Suggestions {
			suggestions++
			if err := s.Change.Validate(); err != nil || s.Result.Type != change.Standard {
				t.Fatalf("%v\n%s", err, s.Result.Explain())
			}
			if n > 0 && len(s.Edits) < len(got.Suggestions[n-1].Edits) {
				t.Fatal("fewer edits come later")
			}
			choices, r := e.Choices(s), newRandom(uint64(n))
			choice := chosen(choices)
			if !e.Standard(choice) {
				t.Fatalf("it does not work:\n%s", got.Explain(0))
			}
			for i := range choice {
				if kept := choice[i]; kept >= 0 {
					if choice[i] = -1; e.Standard(choice) {
						t.Fatalf("without edit %d of suggestion %d it is standard as well:\n%s", i, n+1, got.Explain(0))
					}
					choice[i] = kept
				}
			}
			for range 8 {
				for i, list := range choices {
					if len(list) > 0 {
						choice[i] = oneOf(r, list...)
					}
				}
				if !e.Standard(choice) {
					t.Fatalf("with other values that it leaves open it does not work: %v of %v\n%s", choice, choices, got.Explain(0))
				}
			}
		}
	})
	if suggestions < rounds(20) {
		t.Errorf("%d suggestions; too few", suggestions)
	}
}

func parsed(t *testing.T, data []byte) *schema.Value {
	t.Helper()
	v, err := schema.Parse(data, schema.DocumentLimits())
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

// TestCounterfactualDeterministic: the same inputs give the same bytes, wherever
// the program runs.
func TestCounterfactualDeterministic(t *testing.T) {
	answer := func() (out []byte) {
		worlds(t, rounds(12), func(p *approval.Policy, c *change.Change, in approval.Inputs) {
			got := p.Counterfactual(c, in, &approval.CounterfactualOptions{Budget: 500})
			data, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			out = append(append(out, data...), got.Explain(0)...)
		})
		return out
	}
	want, local := answer(), time.Local
	t.Cleanup(func() { time.Local = local })
	for _, name := range []string{"America/New_York", "Asia/Kathmandu"} {
		zone, err := change.Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		if time.Local = zone; !bytes.Equal(answer(), want) {
			t.Errorf("in %s the answer is another", name)
		}
	}
}

// TestCounterfactual is what is said of some changes to the base policy.
func TestCounterfactual(t *testing.T) {
	const then = "\n      then it is standard under rolling, at level low"
	emergency := map[string]any{"incident": "INC-7", "reason": "it is down"}
	freeze := approval.Inputs{At: time.Date(2026, 12, 20, 10, 0, 0, 0, time.UTC)}
	for _, one := range []struct {
		what string
		with map[string]any
		in   approval.Inputs
		want string
	}{
		{"standard", nil, at, "It is standard as it is."},
		{"not claimed", map[string]any{"claim": nil}, at, "What would make it standard:\n   1. have somebody on call for payments claim it as a standard change under rolling" + then},
		{"claimed by somebody else", nil, approval.Inputs{At: monday, OnCall: map[string]bool{"idp|bob": true}},
			"What would make it standard:\n   1. have somebody on call for payments claim it as a standard change under rolling" + then},
		{"the requester's own wish for scrutiny", map[string]any{"service": "platform", "claim": map[string]any{"type": "normal", "by": "idp|alice"}}, at,
			"What would make it standard:\n   1. take back the claim that it is a normal change" + then},
		{"the wish of another for scrutiny", map[string]any{"claim": map[string]any{"type": "normal", "by": "idp|bob"}}, at,
			"Nothing that the requester can do makes it standard:\n  - idp|bob asks for more scrutiny"},
		{"an emergency", map[string]any{"emergency": emergency, "claim": nil}, at,
			"What would make it standard:\n   1. have somebody on call for payments claim it as a standard change under rolling\n      do not ask for an emergency change (INC-7)" + then},
		{"a failed check", map[string]any{"evidence": []any{map[string]any{"name": "smoke", "result": "failed"}}, "size": nil, "files": touching("a.go")}, at, "It is standard as it is."},
		{"an outage", map[string]any{"downtime": true}, at,
			"Nothing that the requester can do makes it standard:\n  - a floor: users will notice (outage), so at least high"},
		{"not known whether there is an outage", map[string]any{"downtime": nil}, at,
			"What would make it standard:\n   1. say whether users will notice an interruption, if the answer is no (change.downtime)" + then},
		{"secrets", map[string]any{"files": touching("secrets/key"), "size": nil}, at,
			"Nothing that the requester can do makes it standard:\n  - never standard: secrets are looked at by people (secrets)"},
		{"migrations", map[string]any{"files": touching("migrations/1.sql"), "size": nil}, at,
			"Nothing that the requester can do makes it standard:\n  - no template of the catalogue could cover such a change of this service; rolling excepts it [change.paths = [\"migrations/1.sql\"]]"},
		{"a template that has ended", map[string]any{"claim": nil}, approval.Inputs{At: time.Date(2028, 2, 1, 10, 0, 0, 0, time.UTC)},
			"Nothing that the requester can do makes it standard:\n  - no template of the catalogue could cover such a change of this service; rolling ended on 2027-06-04"},
		{"a window after the end of a template", map[string]any{"window": map[string]any{"start": "2027-06-07T09:00:00Z", "end": "2027-06-07T10:00:00Z"}}, approval.Inputs{At: time.Date(2027, 6, 2, 10, 0, 0, 0, time.UTC)},
			"What would make it standard:\n   1. deploy between 12:00 and 13:00 on Wednesday 2 June 2027 (Europe/London), in working time" + then},
		{"a template that is suspended", nil, approval.Inputs{At: monday, Templates: map[string]approval.TemplateStatus{"rolling": {State: approval.Suspended}}},
			"Nothing that the requester can do makes it standard:\n  - no template of the catalogue could cover such a change of this service; rolling is suspended"},
		{"operations run it", map[string]any{"service": "ledger"}, at,
			"Nothing that the requester can do makes it standard:\n  - the service ledger has every change decided case by case (ops-run-it)"},
		{"no such service", map[string]any{"service": "who"}, at, "Nothing that the requester can do makes it standard:\n  - the policy has no service \"who\""},
		{"a freeze", nil, freeze,
			"What would make it standard:\n   1. deploy between 09:00 and 10:00 on Tuesday 5 January 2027 (Europe/London), in working time" + then},
		{"a window in a freeze, at night", map[string]any{"window": map[string]any{"start": "2026-12-20T01:00:00Z", "end": "2026-12-20T04:00:00Z"}}, approval.Inputs{At: monday},
			"What would make it standard:\n   1. deploy between 11:00 and 14:00 on Monday 23 November 2026 (Europe/London), in working time" + then},
	} {
		got := made(t, base(t)).Counterfactual(decoded(t, one.with), one.in, nil)
		if text := strings.TrimSpace(got.Explain(0)); text != one.want || !got.Complete {
			t.Errorf("%s: complete %t\n%s\nexpected\n%s", one.what, got.Complete, text, one.want)
		}
	}
}

// TestCounterfactualBudget: what is found before the end of the budget works, and
// it is said that there may be more.
func TestCounterfactualBudget(t *testing.T) {
	c := decoded(t, map[string]any{"downtime": nil, "claim": nil, "files": nil, "size": nil})
	p := made(t, base(t))
	full := p.Counterfactual(c, at, nil)
	if !full.Complete || len(full.Suggestions) == 0 {
		t.Fatal(full.Explain(0))
	}
	got := p.Counterfactual(c, at, &approval.CounterfactualOptions{Budget: 2})
	if got.Complete || len(got.Suggestions) > 0 || !strings.Contains(got.Explain(0), "assessments nothing was found") {
		t.Errorf("with a budget of 2: complete %t\n%s", got.Complete, got.Explain(0))
	}
	for _, o := range []approval.CounterfactualOptions{{Budget: -1}, {Horizon: -1}, {Horizon: 1 << 62}} {
		if got := p.Counterfactual(c, at, &o); got.Complete || len(got.Suggestions) > 0 || len(got.Blockers) != 1 {
			t.Errorf("%v: %v", o, got.Blockers)
		}
	}
	var none *approval.Policy
	for what, got := range map[string]approval.Counterfactual{"no policy": none.Counterfactual(c, at, nil), "no change": p.Counterfactual(nil, at, nil)} {
		if len(got.Suggestions) > 0 || len(got.Blockers) != 1 {
			t.Errorf("%s: %v", what, got)
		}
	}
}

// BenchmarkCounterfactual asks about a change of which next to nothing is known,
// under the policy that users start from.
func BenchmarkCounterfactual(b *testing.B) {
	p := examplePolicy(b)
	c := &change.Change{ID: "CHG-1", Kind: change.Code, Service: "payments-api", Requester: change.Person{ID: "idp|alice"}}
	for b.Loop() {
		if got := p.Counterfactual(c, at, nil); len(got.Suggestions) == 0 || !got.Complete {
			b.Fatal(got.Explain(0))
		}
	}
}
