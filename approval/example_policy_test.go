package approval_test

import (
	"fmt"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// ExamplePolicy_ClassifyJSON goes from the bytes of a request to a line for
// another program. What cannot be read has an answer too.
func ExamplePolicy_ClassifyJSON() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	for _, request := range []string{regular, `{"id": "CHG-2", "downtme": false}`} {
		c := p.ClassifyJSON([]byte(request), &change.DecodeOptions{Attested: true}, approval.Inputs{At: monday})
		line, err := c.AppendJSON(nil)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s: %t; a line of JSON: %t\n", c.Type, c.Err == nil, line[0] == '{')
		if c.Err != nil {
			fmt.Println(c.Err)
		}
	}
	// Output:
	// standard: true; a line of JSON: true
	// unclassified: false; a line of JSON: true
	// /downtme: unknown field "downtme"; did you mean "downtime"? (and 3 more)
}

// ExamplePolicy_Situation uses the rules of a policy by themselves, for one
// change after another, with the levels that Classify gives. What is left open is
// never standard, whatever its level.
func ExamplePolicy_Situation() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	assessor := p.Rules().Assessor() // one for each goroutine
	for _, service := range []string{"payments-api", "shop", "nobody"} {
		c.Service = service
		s := p.Situation(c, monday)
		a := assessor.Assess(c, s) // good until the next call
		fmt.Printf("%s, %q: %s, score %d; open: %t\n", service, s.Model, a.Level, a.Score, a.Open())
	}
	// Output:
	// payments-api, "you-build-it-you-run-it": low, score -10; open: false
	// shop, "generous": low, score -10; open: false
	// nobody, "": low, score 10; open: true
}

// ExamplePolicy_Lint finds what loads and is hardly what was meant, with a
// change that shows it.
func ExamplePolicy_Lint() {
	text := files()
	text["risk.yaml"] += `  - {id: huge, points: 0, floor: medium, when: change.lines_added > 400, because: a huge change}
`
	p, err := approval.Load(mapFS(text))
	if err != nil {
		panic(err)
	}
	for _, f := range p.Lint(monday) {
		if f.ID == "huge" {
			fmt.Printf("%s\n%s; witness: %t\n", f, f.Kind, f.Witness != nil)
		}
	}
	// Output:
	// risk.yaml:11:48: the rule huge is true exactly when big-diff is; make one rule of the two, as both count
	// duplicate; witness: true
}

// ExamplePolicy_Test runs decision tests; the second case does not hold.
func ExamplePolicy_Test() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	tests := fstest.MapFS{"tests/payments.txt": {Data: []byte(`A release of payments.
-- change --
` + regular + `
-- at --
2026-11-23T10:00:00Z
-- when it is an ordinary release --
-- then --
type: standard
fires: verified
-- when it is down meanwhile --
{"downtime": true}
-- then --
type: standard
needs: 3 of cab and service-owner of payments-api
`)}}
	report, err := p.Test(tests)
	if err != nil {
		panic(err)
	}
	fmt.Println(report.Cases, "cases")
	for _, f := range report.Failures {
		fmt.Println(f)
	}
	// Output:
	// 2 cases
	// tests/payments.txt:26: it is down meanwhile: type is normal, expected standard (level high is above low, the ceiling of the template rolling)
	// tests/payments.txt:27: it is down meanwhile: needs is 4 of cab and service-owner of payments-api, expected 3 of cab and service-owner of payments-api
}

// ExampleInputs classifies by what a host knows: which templates are in force,
// and who is on call.
func ExampleInputs() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	known := approval.Inputs{
		At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		Templates: map[string]approval.TemplateStatus{
			"rolling": {State: approval.Active, Version: p.TemplateVersion("rolling")},
		},
		OnCall: map[string]bool{"idp|alice": true},
	}
	got := p.Classify(c, known)
	fmt.Println(got.Type, got.Assumed)
	known.OnCall = map[string]bool{} // nobody is
	got = p.Classify(c, known)
	fmt.Println(got.Type, got.Why)
	// Output:
	// standard []
	// normal [idp|alice claims it as a standard change, but is not on call for payments]
}
