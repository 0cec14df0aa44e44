package approval_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestDeployments (C50).
func TestDeployments(t *testing.T) {
	commits := []any{map[string]any{"repository": "git.example/api", "id": "abc"}}
	l := born(t, normal(t, map[string]any{"commits": commits, "artifacts": []any{map[string]any{"name": "api", "version": "1.2", "digest": string(image)}}})).
		edit(alice, normal(t, map[string]any{"title": "b", "commits": commits, "artifacts": []any{map[string]any{"name": "api", "version": "1.2", "digest": string(image)}}})).
		wait(time.Hour).approved().start("1", image, "prod/eu").wait(time.Hour).report("1", approval.Failed).start("b", oldImage, "prod/eu")
	first := approval.Delivery{
		Case: "CHG-1", Revision: 2, Service: "payments-api", Environment: "prod", Target: "prod/eu", Artifact: change.Artifact{Name: "api", Version: "1.2", Digest: image},
		Commits: []change.Commit{{Repository: "git.example/api", ID: "abc"}}, Deployer: bob, StartedAt: monday.Add(time.Hour), EndedAt: monday.Add(2 * time.Hour),
		Outcome: approval.Failed, ApprovedBy: []string{"p|carol", "p|dave", "p|erin"}, SubmittedAt: monday, LeadTime: 2 * time.Hour,
	}
	back := first
	back.Artifact, back.Commits, back.Backout, back.StartedAt = change.Artifact{Name: "api", Digest: oldImage}, nil, true, monday.Add(2*time.Hour)
	back.EndedAt, back.Outcome, back.LeadTime = time.Time{}, 0, 0
	got := l.c.Deployments()
	if len(got) != 2 || !reflect.DeepEqual(got[0], first) || !reflect.DeepEqual(got[1], back) {
		t.Errorf("%+v\nexpected\n%+v", got, []approval.Delivery{first, back})
	}
	got[0].ApprovedBy[0], got[0].Commits[0].ID = "x", "x"
	if again := l.c.Deployments(); !reflect.DeepEqual(again[0], first) {
		t.Error("what it gives is the case's own")
	}
	fast := born(t, standard(t, map[string]any{"targets": nil, "artifacts": nil}))
	fast.start("1", fast.c.Digest, "")
	d := fast.c.Deployments()[0]
	if d.Template != "rolling" || d.TemplateVersion != fast.p.TemplateVersion("rolling") || d.ApprovedBy != nil || d.Artifact != (change.Artifact{Digest: fast.c.Digest}) || d.Environment != "" {
		t.Errorf("%+v", d)
	}
	if got := sampleLives(t)["discovered"].c.Deployments(); got != nil {
		t.Errorf("%+v", got)
	}
	if got := born(t, normal(t, nil)).c.Deployments(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	odd := l.c
	odd.Change = &change.Change{}
	if got := odd.Deployments(); !slices.Equal([]change.Digest{got[0].Artifact.Digest, got[1].Artifact.Digest}, []change.Digest{image, oldImage}) {
		t.Errorf("%+v", got)
	}
}

// ExampleCase_Deployments has the lines of which measures of delivery are made.
func ExampleCase_Deployments() {
	must := func(events []approval.Event, err error) []approval.Event {
		if err != nil {
			panic(err)
		}
		return events
	}
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	rfc, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	its := approval.Case{ID: rfc.ID}
	add := func(at time.Time, events []approval.Event) {
		for _, e := range events {
			if its, err = its.Apply(approval.Stamped{Occurred: at, Recorded: at, Event: e}); err != nil {
				panic(err)
			}
		}
	}
	in := approval.Inputs{At: monday}
	add(monday, must(p.Submit(rfc, approval.Submission{By: alice, Contributors: []approval.Actor{alice, bob}, Inputs: in, Validity: validity})))
	add(monday, must(its.Start(p, attempt("run-1", image, "prod/eu"), approval.GateInputs{Inputs: in, By: bob, Holds: []approval.Seat{team}, Validity: validity})))
	done := monday.Add(20 * time.Minute)
	add(done, must(its.Report(approval.Reported{By: bob, Attempt: "run-1", Outcome: approval.Succeeded}, nil, done, validity)))
	for _, d := range its.Deployments() {
		fmt.Println(d.Service, d.Environment, d.Target, d.Artifact.Name, d.Outcome, "under", d.Template, "after", d.LeadTime)
	}
	// Output: payments-api prod prod/eu api succeeded under rolling after 20m0s
}
