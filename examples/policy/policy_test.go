// Package policy_test holds the example policy to its own decision tests, and
// those tests to the policy: whatever part of it is taken away, one of them
// notices.
package policy_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/policytest"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

var files = os.DirFS(".")

func load(t *testing.T) *approval.Policy {
	t.Helper()
	p, err := approval.Load(files)
	var faults risk.ParseErrors
	if errors.As(err, &faults) {
		for _, f := range faults {
			t.Error(f)
		}
	}
	if err != nil {
		t.Fatal("the example policy does not load")
	}
	return p
}

func run(t *testing.T, p *approval.Policy, in fs.FS) approval.TestReport {
	t.Helper()
	report, err := p.Test(in)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestDecisions(t *testing.T) {
	p := load(t)
	report := run(t, p, files)
	for _, f := range report.Failures {
		t.Error(f)
	}
	neverFired, neverSilent := p.Unshown(report)
	for _, id := range neverFired {
		t.Errorf("no case shows the rule %s counting", id)
	}
	for _, id := range neverSilent {
		t.Errorf("no case shows the rule %s not counting", id)
	}
	if n := len(p.Rules().Rules()); n < 25 {
		t.Errorf("the policy has %d rules; an example that teaches has 25 or more", n)
	}
}

// TestEveryTemplateIsUsed, and every model and freeze: what the files expect
// is what comes out, as TestDecisions shows.
func TestEveryTemplateIsUsed(t *testing.T) {
	templates, models, freezes := expected(t)
	for _, one := range load(t).Templates() {
		if !slices.Contains(templates, one.ID) {
			t.Errorf("no case shows a standard change under the template %s", one.ID)
		}
	}
	d := definition(t)
	used := []string{"ops-run-it", "you-build-it-you-run-it"}
	for _, m := range d.Models {
		used = append(used, m.Name)
	}
	for _, m := range used {
		if !slices.Contains(models, m) {
			t.Errorf("no case shows the operating model %s", m)
		}
	}
	for _, f := range d.Calendar.Freezes {
		if !slices.Contains(freezes, f.ID) {
			t.Errorf("no case shows the freeze %s", f.ID)
		}
	}
}

// expected collects what the cases expect: the templates of standard changes,
// the models, and the freezes.
func expected(t *testing.T) (templates, models, freezes []string) {
	t.Helper()
	for _, text := range texts(t) {
		for _, then := range strings.Split(text, "\n-- then --\n")[1:] {
			then, _, _ = strings.Cut(then, "\n-- ")
			lines := strings.Split(then, "\n")
			for _, line := range lines {
				key, value, _ := strings.Cut(line, ": ")
				switch {
				case key == "template" && slices.Contains(lines, "type: standard"):
					templates = append(templates, value)
				case key == "model":
					models = append(models, value)
				case key == "freezes":
					freezes = append(freezes, strings.Split(value, ", ")...)
				}
			}
		}
	}
	return templates, models, freezes
}

// texts are the decision tests by file name.
func texts(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(files, "tests/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no decision tests: %v", err)
	}
	out := map[string]string{}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(data)
	}
	return out
}

func definition(t *testing.T) approval.Definition {
	t.Helper()
	d, err := approval.ParseDefinition(files)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestNothingCanBeTakenAway holds the tests to the policy: what can be changed
// without a case that notices is what nobody has shown.
func TestNothingCanBeTakenAway(t *testing.T) {
	if testing.Short() {
		t.Skip("some nine hundred policies are made and tested")
	}
	tests, err := approval.ReadTests(files)
	if err != nil {
		t.Fatal(err)
	}
	score, err := policytest.Mutate(definition(t), tests)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range score.Mutants {
		if m.Fate == policytest.Survived {
			t.Errorf("no decision test notices it: %v", m)
		}
	}
	if killed, _ := score.Share(); killed < 800 {
		t.Errorf("only %d small changes are noticed", killed)
	}
}

// TestTimeMatters: what ends, and when nobody works, is shown too.
func TestTimeMatters(t *testing.T) {
	weaker := map[string]func(*approval.Definition){
		"the holidays": func(d *approval.Definition) { d.Calendar.Working.Holidays = nil },
	}
	for i, one := range definition(t).Templates {
		weaker["the template "+one.ID] = func(d *approval.Definition) { d.Templates[i].Ends = one.Approved.On }
	}
	for name, weaken := range weaker {
		d := definition(t)
		weaken(&d)
		p, err := approval.New(d)
		if err != nil {
			t.Fatal(err)
		}
		if len(run(t, p, files).Failures) == 0 {
			t.Errorf("no decision test misses %s", name)
		}
	}
}

// TestAllIsShown: each part of each condition is shown both ways.
func TestAllIsShown(t *testing.T) {
	tests, err := approval.ReadTests(files)
	if err != nil {
		t.Fatal(err)
	}
	coverage, err := policytest.Cover(definition(t), tests)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range coverage.Points {
		if text := p.Unshown(); text != "" {
			t.Error(text)
		}
	}
}

// TestReviews asks in Go what a decision test has no word for: by when an
// emergency must be looked at, in working days.
func TestReviews(t *testing.T) {
	friday := time.Date(2026, 10, 16, 22, 0, 0, 0, time.UTC)
	for service, want := range map[string]time.Time{
		"payments-api": time.Date(2026, 10, 19, 16, 30, 0, 0, time.UTC), // tier 1: by the end of Monday
		"web-shop":     time.Date(2026, 10, 21, 16, 30, 0, 0, time.UTC), // by the end of Wednesday
	} {
		c := &change.Change{ID: "CHG-1", Kind: change.Code, Service: service, Requester: change.Person{ID: "idp|alice"},
			Emergency: &change.Incident{ID: "INC-1", Reason: "it is down"}}
		if got := load(t).Classify(c, approval.Inputs{At: friday}); !got.ReviewBy.Equal(want) {
			t.Errorf("%s: the review is due by %v, expected %v", service, got.ReviewBy, want)
		}
	}
}
