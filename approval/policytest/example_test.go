package policytest_test

import (
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/policytest"
)

// files are a policy with decision tests; a host has them in a directory, as
// os.DirFS("policy").
var files = fstest.MapFS{
	"policy.yaml":    {Data: []byte("version: 1\nname: shop\nevidence: [smoke]\ngroups: {cab: {members: 3}}\n")},
	"services.yaml":  {Data: []byte("shop: {team: shop, kind: digital, stage: live, tier: 2, model: [{is: ops-run-it, from: 2024-01-01}]}\n")},
	"authority.yaml": {Data: []byte("default: [{group: cab, quorum: 2}]\n")},
	"risk.yaml": {Data: []byte(`levels: {low: 0, high: 10}
default: high
rules:
  - {id: big, points: 10, when: change.lines_added > 400, because: a large change}
  - {id: outage, floor: high, when: change.downtime, because: users will notice}
  - {id: tested, points: 0, when: evidence.smoke == "passed", because: the smoke test passed}
`)},
	"tests/shop.txt": {Data: []byte(`A release of the shop.
-- change --
{"id": "CHG-1", "kind": "code", "service": "shop", "requester": {"id": "idp|alice"}, "downtime": false,
 "evidence": [{"name": "smoke", "result": "passed"}], "size": {"lines_added": 20}}
-- at --
2026-10-13T09:00:00Z
-- when it is a small one --
-- then --
level: low
fires: tested
silent: big, outage
-- when it is a large one --
{"size": {"lines_added": 900}}
-- then --
level: high
fires: big
needs: 2 of cab
`)},
}

// read reads the policy and its tests.
func read() (approval.Definition, approval.TestSuite) {
	definition, err := approval.ParseDefinition(files)
	if err != nil {
		panic(err)
	}
	tests, err := approval.ReadTests(files)
	if err != nil {
		panic(err)
	}
	return definition, tests
}

// ExampleCover lists what no decision test shows.
func ExampleCover() {
	coverage, err := policytest.Cover(read())
	if err != nil {
		panic(err)
	}
	for _, point := range coverage.Points {
		if missing := point.Unshown(); missing != "" {
			fmt.Println(missing)
		}
	}
	// Output:
	// risk.yaml:2:10: no case shows the default counting
	// risk.yaml:5:5: no case shows the rule outage counting
	// risk.yaml:5:37: no case shows the rule outage, when true
	// risk.yaml:6:5: no case shows the rule tested not counting
	// risk.yaml:6:35: no case shows the rule tested, when false
}

// ExampleMutate lists the slips that no decision test would notice. The cases
// of 20 and 900 lines do not tell 400 from 401.
func ExampleMutate() {
	score, err := policytest.Mutate(read())
	if err != nil {
		panic(err) // such as a case that does not hold
	}
	killed, of := score.Share()
	fmt.Printf("%d of %d are noticed; nine of ten: %t\n", killed, of, score.Reaches(90))
	for _, m := range score.Mutants {
		if m.Fate == policytest.Survived && m.Part == "rule big" {
			fmt.Println(m)
		}
	}
	// Output:
	// 8 of 14 are noticed; nine of ten: false
	// risk.yaml:4:23: rule big, points: 10 changed to 11
	// risk.yaml:4:52: rule big, when: > changed to >=
	// risk.yaml:4:54: rule big, when: 400 changed to 399
	// risk.yaml:4:54: rule big, when: 400 changed to 401
}

// ExampleThresholds writes cases at the numbers of the conditions. What they
// expect is what the policy answers today; a person has to read them.
func ExampleThresholds() {
	cases, left, err := policytest.Thresholds(read())
	if err != nil {
		panic(err)
	}
	for line := range strings.Lines(string(cases)) {
		if strings.HasPrefix(line, `{"size"`) || strings.HasPrefix(line, "level: ") {
			fmt.Print(line)
		}
	}
	fmt.Println(len(left), "are left")
	// Output:
	// {"size":{"lines_added":400}}
	// level: low
	// {"size":{"lines_added":401}}
	// level: high
	// 0 are left
}
