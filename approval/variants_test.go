package approval_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestVariants: a variant is the policy that New makes of the same definition,
// whatever differs, and its faults are the same.
func TestVariants(t *testing.T) {
	d, err := approval.ParseDefinition(os.DirFS("../examples/policy"))
	tests, err2 := approval.ReadTests(os.DirFS("../examples/policy"))
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	base, err := approval.New(d)
	if err != nil {
		t.Fatal(err)
	}
	variants := base.Variants()
	for name, edit := range map[string]func(*approval.Definition){
		"nothing":          func(*approval.Definition) {},
		"a service":        func(d *approval.Definition) { d.Services[0].Tier, d.Services[0].Exposure = 4, change.Internal },
		"a team":           func(d *approval.Definition) { d.Services[0].Team = "mainframe" },
		"a name":           func(d *approval.Definition) { d.Services[6].Name = "core-bank" },
		"a model":          func(d *approval.Definition) { d.Services[0].Models = d.Services[0].Models[:1] },
		"a carried one":    func(d *approval.Definition) { d.Services[5].Carries = d.Services[5].Carries[1:] },
		"one service less": func(d *approval.Definition) { d.Services = slices.Delete(d.Services, 8, 9) },
		"a zone":           func(d *approval.Definition) { d.Services[0].Zone = "Asia/Tokyo" },
		"working time":     func(d *approval.Definition) { d.Calendar.Working = nil },
		"a check":          func(d *approval.Definition) { d.Evidence = d.Evidence[1:] },
		"a meaning":        func(d *approval.Definition) { d.Applies = d.Applies[1:] },
		"a rule":           func(d *approval.Definition) { d.Risk.Rules[2].When = "change.lines_added > 3" },
		"a wide one":       func(d *approval.Definition) { d.Templates[0].Covers = "change.files > 3 or not (change.files > 3)" },
		"a level":          func(d *approval.Definition) { d.Risk.Levels[1].Name = "middling" },
		"attributes":       func(d *approval.Definition) { d.Attributes = nil },
	} {
		edited, err := approval.ParseDefinition(os.DirFS("../examples/policy"))
		if err != nil {
			t.Fatal(err)
		}
		edit(&edited)
		want, wantErr := approval.New(edited)
		got, gotErr := variants.New(edited)
		if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || got.Digest() != want.Digest() {
			t.Errorf("%s: a variant is %v (%v), expected %v (%v)", name, got.Digest(), gotErr, want.Digest(), wantErr)
		}
		for i := range tests.Cases {
			c := &tests.Cases[i]
			if want == nil || c.Change == nil {
				continue
			}
			a, b := want.Classify(c.Change, approval.Inputs{At: c.At}), got.Classify(c.Change, approval.Inputs{At: c.At})
			if !slices.Equal(a.Expectations(), b.Expectations()) || !slices.Equal(a.Why, b.Why) {
				t.Errorf("%s: %s: %v, expected %v", name, c.Name, b.Expectations(), a.Expectations())
			}
		}
	}
}

// Without a policy nothing is shared, and nothing is known of a service.
func TestVariantsOfNothing(t *testing.T) {
	d, err := approval.ParseDefinition(os.DirFS("../examples/policy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, none := range []*approval.Policy{nil, {}} {
		p, err := none.Variants().New(d)
		if err != nil || p.Digest() == "" {
			t.Errorf("%v, %v", p, err)
		}
		if s := none.Situation(&change.Change{Service: d.Services[0].Name}, monday); s.Service != nil || !s.At.Equal(monday) {
			t.Errorf("a service is known: %v", s)
		}
	}
}
