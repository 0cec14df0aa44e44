package changelane_test

import (
	"fmt"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// A policy is a directory of files; here it lies in memory.
var files = fstest.MapFS{
	"policy.yaml": {Data: []byte(`
version: 1
name: acme
evidence: [smoke]
groups: {cab: {members: 7}}
roles: [service-owner]
`)},
	"services.yaml": {Data: []byte(`
payments-api: {team: payments, on-call: pd/payments, kind: digital, tier: 1, zone: Europe/London,
  model: [{is: you-build-it-you-run-it, from: 2025-06-01}]}
core-banking: {team: ledger, kind: cots, tier: 1, zone: Europe/London,
  model: [{is: ops-run-it, from: 2019-01-01}]}
`)},
	"risk.yaml": {Data: []byte(`
levels: {low: 0, medium: 25, high: 50}
default: medium
rules:
  - {id: size, bands: change.files, cuts: {10: 5, 50: 30}, because: many files}
  - {id: outage, floor: high, when: change.downtime, because: users will notice}
  - {id: verified, points: -10, when: evidence.smoke == "passed", trust: observed, because: the pipeline verified it}
`)},
	"catalogue.yaml": {Data: []byte(`
templates:
  rolling: {owner: payments-pm, ceiling: low, approved: {by: cab, on: 2026-06-04}, ends: 2027-06-04,
    covers: change.kind == "code", except: 'touches("migrations/**")'}
`)},
	"authority.yaml": {Data: []byte(`
default: [{group: cab, quorum: 3}]
rules:
  - {when: type == "normal", needs: [{group: cab, quorum: 3}, {role: service-owner}]}
`)},
}

// The same change goes two ways: the team that builds and runs its service
// ships it at once, and the other service's change goes to the board.
func Example() {
	policy, err := approval.Load(files)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, service := range []string{"payments-api", "core-banking"} {
		rfc, err := change.Decode([]byte(`{
			"id": "CHG-1042", "kind": "code", "service": "`+service+`",
			"requester": {"id": "idp|alice", "kind": "human"},
			"files": [{"path": "src/fees.go", "added": 12, "deleted": 3}],
			"downtime": false,
			"evidence": [{"name": "smoke", "result": "passed"}],
			"attested": [{"by": "ci/build", "covers": ["evidence.smoke", "files", "claim"]}],
			"claim": {"type": "standard", "by": "idp|alice"}
		}`), &change.DecodeOptions{Attested: true}) // these bytes come from the pipeline itself
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s:\n", service)
		fmt.Println(policy.Classify(rfc, approval.Inputs{At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}).Explain())
	}
	// Output:
	// payments-api:
	// CHG-1042 is a standard change: it can be deployed now.
	//   regular and low-risk under the template rolling
	//
	// Risk: low, score -10
	//     -10  the pipeline verified it (verified) [evidence.smoke = "passed"]
	//
	// Assumed:
	//   - the template rolling is active: there is no log to ask
	//   - idp|alice is on call for payments: there is no directory to ask
	//
	// Who must say yes: nobody: pre-approved by cab as rolling
	//
	// core-banking:
	// CHG-1042 is a normal change: it needs a decision.
	//   under ops-run-it every change is decided case by case
	//
	// Risk: low, score -10
	//     -10  the pipeline verified it (verified) [evidence.smoke = "passed"]
	//
	// Who must say yes: 3 of cab and service-owner of core-banking
}
