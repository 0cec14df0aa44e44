// Package policy_test holds the example policy to its own decision tests, and
// those tests to the policy: whatever part of it is taken away, one of them
// notices.
package policy_test

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
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

// mutation takes one part of a policy away, or weakens it.
type mutation struct {
	part, name string
	take       func(*approval.Definition)
}

// TestNothingCanBeTakenAway holds the tests to the policy: a part that no case
// misses is a part that nobody has shown.
func TestNothingCanBeTakenAway(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred policies are made and tested")
	}
	d := definition(t)
	for _, m := range slices.Concat(ruleMutations(d), scopeMutations(d), catalogueMutations(d), authorityMutations(d), freezeMutations(d)) {
		t.Run(m.part+" "+m.name, func(t *testing.T) {
			t.Parallel()
			d := definition(t)
			m.take(&d)
			p, err := approval.New(d)
			if err != nil {
				t.Fatalf("the policy cannot be made: %v", err)
			}
			if !missed(t, p, m.name) {
				t.Error("no decision test misses it")
			}
		})
	}
}

// missed reports whether a decision test fails. The files that mention the part
// most come first, because most often one of them does.
func missed(t *testing.T, p *approval.Policy, name string) bool {
	t.Helper()
	cases := texts(t)
	order := slices.SortedFunc(maps.Keys(cases), func(a, b string) int {
		return cmp.Or(strings.Count(cases[b], name)-strings.Count(cases[a], name), strings.Compare(a, b))
	})
	return slices.ContainsFunc(order, func(file string) bool {
		return len(run(t, p, fstest.MapFS{file: {Data: []byte(cases[file])}}).Failures) > 0
	})
}

func ruleMutations(d approval.Definition) (out []mutation) {
	for i, r := range d.Risk.Rules {
		if r.Points != 0 || r.Bands != "" {
			out = append(out, mutation{"points of the rule", r.ID, func(d *approval.Definition) { weaken(&d.Risk.Rules[i]) }})
		}
		if r.Floor != "" {
			out = append(out, mutation{"floor of the rule", r.ID, func(d *approval.Definition) { d.Risk.Rules[i].Floor, d.Risk.Rules[i].Points = "", r.Points+1 }})
		}
		if r.For != "" {
			out = append(out, mutation{"for of the rule", r.ID, func(d *approval.Definition) { d.Risk.Rules[i].For = "" }})
		}
		if r.Observed {
			out = append(out, mutation{"trust of the rule", r.ID, func(d *approval.Definition) { d.Risk.Rules[i].Observed = false }})
		}
	}
	for i, g := range d.Risk.Groups {
		out = append(out, mutation{"bound of the group", g.Name, func(d *approval.Definition) { unbound(&d.Risk.Groups[i]) }})
	}
	return out
}

// weaken takes the points of a rule, or all but one of them where a rule
// needs some to be one that raises.
func weaken(r *risk.Rule) {
	for i := range r.Cuts {
		r.Cuts[i].Points = 0
	}
	if r.Points > 0 && r.Floor == "" {
		r.Points = 1
	} else {
		r.Points = 0
	}
}

func unbound(g *risk.Group) {
	most, least := 1000, -1000
	g.Cap, g.Min = &most, &least
}

func scopeMutations(d approval.Definition) (out []mutation) {
	for i, one := range d.Applies {
		out = append(out, mutation{"where there is", one.Fact, func(d *approval.Definition) { d.Applies = slices.Delete(d.Applies, i, i+1) }})
	}
	return append(out, mutation{"all", "holidays", func(d *approval.Definition) { d.Calendar.Working.Holidays = nil }})
}

func catalogueMutations(d approval.Definition) (out []mutation) {
	for i, one := range d.Templates {
		out = append(out, mutation{"template", one.ID, func(d *approval.Definition) { d.Templates[i].Ends = one.Approved.On }})
		if one.Except != "" {
			out = append(out, mutation{"exception of the template", one.ID, func(d *approval.Definition) { d.Templates[i].Except = "" }})
		}
	}
	for i, one := range d.Forbid {
		out = append(out, mutation{"forbid", one.ID, func(d *approval.Definition) { d.Forbid = slices.Delete(d.Forbid, i, i+1) }})
	}
	return out
}

func authorityMutations(d approval.Definition) (out []mutation) {
	for i, one := range d.Authority.Rules {
		out = append(out, mutation{"authority", one.When, func(d *approval.Definition) { d.Authority.Rules = slices.Delete(d.Authority.Rules, i, i+1) }})
	}
	return append(out, mutation{"authority", "default", func(d *approval.Definition) { d.Authority.Default[0].Quorum = 1 }})
}

func freezeMutations(d approval.Definition) (out []mutation) {
	for i, one := range d.Calendar.Freezes {
		out = append(out, mutation{"freeze", one.ID, func(d *approval.Definition) { d.Calendar.Freezes = slices.Delete(d.Calendar.Freezes, i, i+1) }})
		if one.For != "" {
			out = append(out, mutation{"for of the freeze", one.ID, func(d *approval.Definition) { d.Calendar.Freezes[i].For = "" }})
		}
		if one.Override != "" {
			out = append(out, mutation{"override of the freeze", one.ID, func(d *approval.Definition) {
				d.Calendar.Freezes[i].Override, d.Calendar.Freezes[i].HoldEmergencies = "", false
			}})
		}
		if one.ID != "month-end" { // what it holds is never standard anyway
			out = append(out, mutation{"ceiling of the freeze", one.ID, func(d *approval.Definition) { d.Calendar.Freezes[i].Ceiling = "high" }})
		}
	}
	return out
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
