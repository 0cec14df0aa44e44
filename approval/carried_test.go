package approval_test

import (
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// TestC82CarriedAtAnyDepth: a platform under a platform is under whatever
// stands on both; circles end.
func TestC82CarriedAtAnyDepth(t *testing.T) {
	model := "model: [{is: you-build-it-you-run-it, from: 2020-01-01}]"
	p, err := approval.Load(fstest.MapFS{
		"policy.yaml": {Data: []byte("version: 1\nname: deep\ngroups: {cab: {members: 5}}\nroles: [service-owner]\n")},
		"services.yaml": {Data: []byte(`
metal: {team: base, on-call: pd/base, kind: platform, tier: 2, zone: Europe/London, carries: [cluster], ` + model + `}
cluster: {team: base, on-call: pd/base, kind: platform, tier: 2, zone: Europe/London, carries: [ledger, metal], ` + model + `}
ledger: {team: money, on-call: pd/money, kind: digital, tier: 1, zone: Europe/London, ` + model + `}
`)},
		"risk.yaml":      {Data: []byte("levels: {low: 0, high: 50}\ndefault: high\nrules:\n  - {id: quiet, points: -1, when: not change.downtime, because: nobody will notice}\n")},
		"authority.yaml": {Data: []byte("default: [{group: cab}]\nrules:\n  - {when: type == \"normal\", needs: [{group: cab}, {each: carried.tier == 1, role: service-owner}]}\n")},
		"calendar.yaml":  {Data: []byte("working-time: {days: mon-fri, hours: 09:00-17:00, zone: Europe/London}\nfreezes:\n  closing: {every: 20 nov to 30 nov, for: service.name == \"ledger\", ceiling: none}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	no := false
	for service, want := range map[string]string{"metal": "1 of cab and service-owner of ledger", "cluster": "1 of cab and service-owner of ledger", "ledger": "1 of cab"} {
		c := &change.Change{ID: "CHG-1", Kind: change.Infrastructure, Service: service, Requester: change.Person{ID: "idp|alice"}, Downtime: &no}
		got := p.Classify(c, approval.Inputs{At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)})
		if got.Requirement.String() != want || !slices.Contains(got.Freezes, "closing") {
			t.Errorf("%s needs %s under %v; expected %s under closing", service, got.Requirement, got.Freezes, want)
		}
	}
}
