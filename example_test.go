package changelane_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing/fstest"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
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

// image is what the pipeline has built.
var image = change.DigestOf("example", []byte("the image"))

// release is a request for change as the pipeline of a service sends it.
func release(id, service, target string) *change.Change {
	request := `{
		"id": "` + id + `", "kind": "code", "service": "` + service + `",
		"requester": {"id": "idp|alice", "kind": "human"},
		"artifacts": [{"name": "image", "digest": "` + string(image) + `"}],
		"targets": [{"name": "` + target + `"}],
		"files": [{"path": "src/fees.go", "added": 12, "deleted": 3}],
		"downtime": false,
		"evidence": [{"name": "smoke", "result": "passed"}],
		"attested": [{"by": "ci/build", "covers": ["evidence.smoke", "files", "claim"]}],
		"claim": {"type": "standard", "by": "idp|alice"}
	}`
	return must(change.Decode([]byte(request), &change.DecodeOptions{Attested: true})) // the pipeline itself vouches for its bytes
}

// staff is a directory; a host has one already, and answers from that.
func staff() *desktest.Directory {
	d := desktest.NewDirectory()
	for person, seat := range map[string]approval.Seat{
		"idp|alice":  {Role: approval.RoleOnCall, Of: "payments-api"},
		"idp|bob":    {Group: "cab"},
		"idp|carol":  {Group: "cab"},
		"idp|dan":    {Group: "cab"},
		"idp|olivia": {Role: "service-owner", Of: "core-banking"},
		"idp|sam":    {Role: approval.RoleAppSupport, Of: "core-banking"},
	} {
		d.Add(person)
		d.Grant(person, seat)
	}
	d.AddBot("ci|payments")
	d.Grant("ci|payments", approval.Seat{Role: approval.RoleTeamMember, Of: "payments-api"})
	return d
}

// newKey makes the key of a log. The part that signs must not lie where the
// log does; the part that verifies is for everybody.
func newKey() (audit.Signer, note.Verifier) {
	signing, verifying, err := audit.GenerateKey("example.com/changes")
	return must(audit.NewSigner(must(signing, err))), must(note.NewVerifier(verifying))
}

// must is for an example, in which everything goes well.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The whole path, on the record: a standard change goes out at once; another
// one waits for the board and for its window; then all of it is verified.
func Example() {
	ctx, store, clock := context.Background(), memory.New(), desktest.NewClock() // it is 09:00 UTC on 6 July 2026
	signer, verifier := newKey()
	d := must(desk.New(store, must(approval.Load(files)), staff(), &desk.Options{Now: clock.Now, Signer: signer}))
	defer d.Close()

	// Once: the board, which has approved the template, puts it into force.
	must(0, d.SetTemplate(ctx, "idp|bob", "rolling", approval.Active, "agreed on 4 June", nil))

	// You Build It You Run It: regular, low-risk, claimed by the team on call.
	c := must(d.Submit(ctx, "idp|alice", release("CHG-1", "payments-api", "prod/eu")))
	fmt.Printf("%s is %s and %s\n", c.ID, c.Ruling.Type, c.Decision)
	must(d.Start(ctx, "ci|payments", c.ID, approval.Attempt{ID: "run-7", Artifact: image, Target: "prod/eu"}))
	// Without an error: deploy. Then say how it went.
	c = must(d.Report(ctx, "ci|payments", c.ID, desk.Report{Attempt: "run-7", Outcome: approval.Succeeded}, nil))
	fmt.Printf("%s is closed: %t\n", c.ID, c.Closed)

	// Ops Run It: the board decides, App Support deploys at the planned time.
	rfc := release("CHG-2", "core-banking", "core/london")
	rfc.Window = &change.Window{Start: clock.Now().Add(12 * time.Hour), End: clock.Now().Add(16 * time.Hour)}
	rfc.Handover = &change.Handover{Built: "new fees", Why: "the price list of July", Watch: "the nightly batch"}
	c = must(d.Submit(ctx, "idp|alice", rfc))
	fmt.Printf("%s is %s and %s. %s\n", c.ID, c.Ruling.Type, c.Decision, strings.Join(c.Waits(), " "))
	for _, who := range []string{"idp|bob", "idp|carol", "idp|dan", "idp|olivia"} {
		c = must(d.Vote(ctx, who, c.ID, desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}, nil))
	}
	fmt.Printf("%s is %s by %s\n", c.ID, c.Decision, strings.Join(c.Counted, ", "))

	// A denial is an error, with all of its reasons.
	attempt := approval.Attempt{ID: "run-8", Artifact: change.DigestOf("example", []byte("another image")), Target: "core/london"}
	var no *approval.Refused
	if _, err := d.Start(ctx, "idp|sam", c.ID, attempt); errors.As(err, &no) {
		for _, reason := range no.Reasons {
			fmt.Println("not deployed:", reason.Code)
		}
	}
	clock.Set(rfc.Window.Start)
	attempt.Artifact = image
	must(d.Start(ctx, "idp|sam", c.ID, attempt))
	must(d.Report(ctx, "idp|sam", c.ID, desk.Report{Attempt: "run-8", Outcome: approval.Succeeded}, nil))
	c = must(d.Validate(ctx, "idp|sam", c.ID, true, "the batch has run", nil))
	fmt.Printf("%s is closed: %t\n", c.ID, c.Closed)

	// Whatever happened becomes part of the log, under a signed checkpoint.
	ticked := must(d.Tick(ctx))
	report := must(desk.Verify(ctx, store, "default", &audit.VerifyOptions{Verifier: verifier}))
	fmt.Printf("%d events are in the log; verified: %t\n", ticked.Size, report.OK())
	fmt.Println(strings.SplitN(report.String(), "\n", 3)[2])
	// Output:
	// CHG-1 is standard and authorized
	// CHG-1 is closed: true
	// CHG-2 is normal and pending. It waits for 3 of cab and service-owner of core-banking, until 2026-07-07T01:00:00Z.
	// CHG-2 is authorized by idp|bob, idp|carol, idp|dan, idp|olivia
	// not deployed: too-early
	// not deployed: other-artifact
	// CHG-2 is closed: true
	// 16 events are in the log; verified: true
	// Nothing was found that is not as it was written.
}

// Without a desk and a record, a policy classifies. The same change goes two
// ways: the team that builds and runs its service ships it at once, and the
// other service's change goes to the board.
func Example_classify() {
	policy, err := approval.Load(files)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, service := range []string{"payments-api", "core-banking"} {
		c := policy.Classify(release("CHG-1042", service, "prod"), approval.Inputs{At: at})
		fmt.Printf("%s:\n%s\n", service, c.Explain())
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
