package approval_test

import (
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// TestLintTemplateWithoutAModel: a template only for services in which nothing
// is standard says nothing; one of many services, or of a service that is to be
// in another model, does.
func TestLintTemplateWithoutAModel(t *testing.T) {
	const covers = "  spare: {owner: pm, ceiling: low, approved: {by: cab, on: 2026-03-01}, ends: 2027-03-01, covers: 'COVERS'}\n"
	later := "{is: ops-run-it, from: 2019-01-01}, {is: you-build-it-you-run-it, from: 2026-12-01}"
	for _, c := range []struct {
		name, covers, ledger string
		want                 bool
	}{
		{"only ops-run-it", `service.name == "ledger" and change.kind == "cots"`, "", true},
		{"more than ops-run-it", `service.name in ["ledger", "shop"] and change.kind == "cots"`, "", false},
		{"another model is to come", `service.name == "ledger" and change.kind == "cots"`, later, false},
		{"another model is over", `service.name == "ledger" and change.kind == "cots"`,
			"{is: you-build-it-you-run-it, from: 2019-01-01}, {is: ops-run-it, from: 2026-11-01}", true},
		{"another model for one kind", `service.name == "ledger" and change.kind == "cots"`,
			"{is: ops-run-it, from: 2019-01-01}, {is: you-build-it-you-run-it, from: 2020-01-01, for: [cots]}", false},
	} {
		f := files()
		apply(t, f, "catalogue.yaml | templates:\n | templates:\n"+strings.Replace(covers, "COVERS", c.covers, 1))
		if c.ledger != "" {
			apply(t, f, "services.yaml | zone: Asia/Tokyo, model: [{is: ops-run-it, from: 2019-01-01}] | on-call: pd/ledger, zone: Asia/Tokyo, model: ["+c.ledger+"]")
		}
		p, err := approval.Load(mapFS(f))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := false
		for _, one := range p.Lint(monday) {
			if one.ID != "spare" || one.Kind != risk.NoEffect {
				continue
			}
			got = true
			if one.Witness == nil {
				t.Errorf("%s: %s: no change shows it", c.name, one)
			} else if k := p.Classify(one.Witness, approval.Inputs{At: monday}); k.Type != change.Normal || k.Err != nil {
				t.Errorf("%s: the change that shows it is %s (%v)", c.name, k.Type, k.Err)
			}
		}
		if got != c.want {
			t.Errorf("%s: found %t, expected %t: %v", c.name, got, c.want, p.Lint(monday))
		}
	}
}
