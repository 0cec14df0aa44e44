package approval_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

var (
	templateStates = []approval.TemplateState{approval.Proposed, approval.Probation, approval.Active, approval.Suspended, approval.Retired}
	// follows lists what each state can become.
	follows = map[approval.TemplateState]string{
		approval.Proposed: "probation active", approval.Probation: "active suspended retired", approval.Active: "suspended retired",
		approval.Suspended: "active probation retired", approval.Retired: "",
	}
)

func mayFollow(from, to approval.TemplateState) bool {
	return slices.Contains(strings.Fields(follows[from]), to.String())
}

// history is that of a template of which a version has come to a state.
func history(t *testing.T, steps ...approval.TemplateStatus) approval.TemplateHistory {
	t.Helper()
	var events []approval.StampedTemplate
	for _, s := range steps {
		events = append(events, approval.StampedTemplate{Occurred: monday, Recorded: monday, Set: approval.TemplateSet{By: carol, Status: s, Because: "x"}})
	}
	h, err := approval.FoldTemplate(events)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// reached is the history in which a version has come to a state by the shortest
// way.
func reached(t *testing.T, state approval.TemplateState, version change.Digest) approval.TemplateHistory {
	t.Helper()
	switch at := (approval.TemplateStatus{State: state, Version: version}); state {
	case approval.Proposed:
		return approval.TemplateHistory{}
	case approval.Suspended, approval.Retired:
		return history(t, approval.TemplateStatus{State: approval.Active, Version: version}, at)
	default:
		return history(t, at)
	}
}

// TestSetTemplate tries every state after every other, of this version and of
// another one, by everybody.
func TestSetTemplate(t *testing.T) {
	p := made(t, base(t))
	version := p.TemplateVersion("rolling")
	bot := approval.Actor{Identity: "ci|guard", Person: "p|guard", Kind: change.Bot}
	unsaid, unknown := carol, carol
	unsaid.Kind, unknown.Person = 0, ""
	for _, from := range templateStates {
		for _, to := range templateStates {
			for _, of := range []change.Digest{version, digestOf("another")} {
				for who, by := range map[string]approval.Actor{"human": carol, "bot": bot, "unsaid": unsaid, "unknown": unknown} {
					for _, holds := range [][]approval.Seat{nil, {owner}, {cab}} {
						now := reached(t, from, of)
						got, err := p.SetTemplate("rolling", to, now, by, holds, "because")
						was := from
						if of != version {
							was = approval.Proposed
						}
						guarded := to == approval.Active || to == approval.Probation || to == approval.Retired
						may := mayFollow(was, to) && by.Person != "" && (!guarded || who == "human" && slices.Equal(holds, []approval.Seat{cab}))
						same := of == version && from == to && from != approval.Proposed
						switch {
						case same && err != approval.ErrUnchanged:
							t.Errorf("%s again: %v", to, err)
						case !same && may != (err == nil):
							t.Errorf("%s to %s (same version: %t) by %s holding %v: %v", from, to, of == version, who, holds, err)
						case err == nil && got != (approval.TemplateSet{By: by, Status: approval.TemplateStatus{State: to, Version: version}, Because: "because"}):
							t.Errorf("%+v", got)
						case err != nil && !same && codes(t, err) == nil:
							t.Errorf("%v is no refusal", err)
						case err != nil && got != approval.TemplateSet{}:
							t.Errorf("%v, and %+v", err, got)
						}
					}
				}
			}
		}
	}
}

func TestSetTemplateRefuses(t *testing.T) {
	d := base(t)
	loose := d.Templates[0]
	loose.ID, loose.Approved.By = "loose", "somebody"
	both := d.Templates[0]
	both.ID, both.Approved.By = "both", "cab-and-role"
	role := d.Templates[0]
	role.ID, role.Approved.By = "by-role", "incident-manager"
	d.Templates = append(d.Templates, loose, both, role)
	d.Groups = append(d.Groups, approval.Group{Name: "cab-and-role", Size: 3})
	d.Roles = append(d.Roles, "cab-and-role")
	if !slices.Contains(d.Roles, "incident-manager") {
		d.Roles = append(d.Roles, "incident-manager")
	}
	p := made(t, d)
	var none *approval.Policy
	version := p.TemplateVersion("rolling")
	var fresh approval.TemplateHistory
	retired := reached(t, approval.Retired, version)
	between := history(t, approval.TemplateStatus{State: approval.Active, Version: version}, approval.TemplateStatus{State: approval.Retired, Version: version},
		approval.TemplateStatus{State: approval.Active, Version: digestOf("v2")}, approval.TemplateStatus{State: approval.Suspended, Version: digestOf("v2")})
	for _, c := range []struct {
		p       *approval.Policy
		id      string
		to      approval.TemplateState
		now     approval.TemplateHistory
		by      approval.Actor
		because string
		message string
		code    approval.Refusal
	}{
		{p, "rollin", approval.Active, fresh, carol, "x", `"rollin" is not a template of the policy; did you mean "rolling"?`, 0},
		{none, "rolling", approval.Active, fresh, carol, "x", "is not a template of the policy", 0},
		{p, "rolling", approval.Active, fresh, carol, "", "give a reason", 0},
		{p, "rolling", approval.Active, fresh, carol, "a\x00", "control character", 0},
		{p, "rolling", approval.Active, fresh, approval.Actor{Person: "x"}, "x", "is not an identity", 0},
		{p, "rolling", 9, fresh, carol, "x", "there is no state 9", 0},
		{p, "rolling", approval.Active, between, carol, "x", "which is final", approval.IsClosed},
		{p, "rolling", approval.Retired, between, carol, "x", "which is final", approval.IsClosed},
		{p, "rolling", approval.Retired, reached(t, approval.Suspended, version), dave, "x", "is not known as member of cab", approval.NotEntitled},
		{p, "rolling", approval.Active, retired, carol, "x", "edit its definition in catalogue.yaml", approval.IsClosed},
		{p, "rolling", approval.Suspended, fresh, carol, "x", "it is proposed, and cannot become suspended from there: only probation or active", approval.NotReady},
		{p, "rolling", approval.Active, fresh, dave, "x", "is not known as member of cab", approval.NotEntitled},
		{p, "loose", approval.Active, fresh, carol, "x", `approved by "somebody", which is not a group of policy.yaml, nor a role, or is both; name one of them in catalogue.yaml under loose`, approval.NotEntitled},
		{p, "both", approval.Active, fresh, carol, "x", "in catalogue.yaml under both", approval.NotEntitled},
	} {
		var holds []approval.Seat
		if c.by == carol {
			holds = []approval.Seat{cab, {Role: "incident-manager"}, {Group: "somebody"}, {}}
		}
		_, err := c.p.SetTemplate(c.id, c.to, c.now, c.by, holds, c.because)
		if err == nil || !strings.Contains(err.Error(), c.message) {
			t.Errorf("%s to %s: %v; expected %q", c.id, c.to, err, c.message)
		}
		var refused *approval.Refused
		if errors.As(err, &refused) != (c.code != 0) || c.code != 0 && (!refused.Has(c.code) || refused.Case != "the template "+c.id) {
			t.Errorf("%s to %s: %v; expected %s", c.id, c.to, err, c.code)
		}
	}
	if _, err := p.SetTemplate("by-role", approval.Active, fresh, carol, []approval.Seat{{Role: "incident-manager"}}, "x"); err != nil {
		t.Error(err)
	}
	for id, want := range map[string]approval.Seat{"rolling": {Group: "cab", Quorum: 1}, "by-role": {Role: "incident-manager", Quorum: 1}, "loose": {}, "both": {}, "nothing": {}} {
		if got, ok := p.Approver(id); got != want || ok != (want != approval.Seat{}) {
			t.Errorf("%s is approved by %v, %t", id, got, ok)
		}
	}
	if _, ok := none.Approver("rolling"); ok {
		t.Error("no policy has no approver")
	}
}

// TestFoldTemplate: all records of up to four events are what the states and
// versions allow.
func TestFoldTemplate(t *testing.T) {
	if got, err := approval.FoldTemplate(nil); err != nil || got.Last() != (approval.TemplateSet{}) || got.Status() != (approval.TemplateStatus{}) {
		t.Errorf("%+v, %v", got, err)
	}
	folded := 0
	var extend func(events []approval.StampedTemplate, legal bool)
	extend = func(events []approval.StampedTemplate, legal bool) {
		if len(events) > 0 {
			got, err := approval.FoldTemplate(events)
			if legal != (err == nil) || legal && (got.Last() != events[len(events)-1].Set || got.Status() != got.Last().Status) {
				t.Fatalf("%+v: %+v, %v", events, got, err)
			}
			folded++
		}
		if len(events) == 4 {
			return
		}
		for _, to := range templateStates {
			for _, version := range []change.Digest{digestOf("1"), digestOf("2")} {
				from := approval.Proposed
				if n := len(events); n > 0 && events[n-1].Set.Status.Version == version {
					from = events[n-1].Set.Status.State
				}
				if slices.ContainsFunc(events, func(e approval.StampedTemplate) bool {
					return e.Set.Status == approval.TemplateStatus{State: approval.Retired, Version: version}
				}) {
					from = approval.Retired // for ever, whatever came between (INV-22)
				}
				set := approval.TemplateSet{By: carol, Status: approval.TemplateStatus{State: to, Version: version}, Because: "x"}
				extend(append(slices.Clone(events), approval.StampedTemplate{Occurred: monday, Recorded: monday, Set: set}), legal && mayFollow(from, to))
			}
		}
	}
	extend(nil, true)
	if folded != 10+100+1000+10000 {
		t.Errorf("%d records", folded)
	}
}

func TestFoldTemplateRefuses(t *testing.T) {
	sound := func() []approval.StampedTemplate {
		one := approval.TemplateSet{By: carol, Status: approval.TemplateStatus{State: approval.Active, Version: digestOf("1")}, Because: "x"}
		two := one
		two.Status.State = approval.Suspended
		return []approval.StampedTemplate{{monday, monday, one}, {monday, monday.Add(time.Second), two}}
	}
	if _, err := approval.FoldTemplate(sound()); err != nil {
		t.Fatal(err)
	}
	for message, edit := range map[string]func([]approval.StampedTemplate){
		"event 2: it was recorded before": func(e []approval.StampedTemplate) { e[1].Recorded = monday.Add(-1) },
		"event 1: it is not said why":     func(e []approval.StampedTemplate) { e[0].Set.Because = "" },
		"event 2: the directory does not": func(e []approval.StampedTemplate) { e[1].Set.By.Person = "" },
		"is not a digest":                 func(e []approval.StampedTemplate) { e[0].Set.Status.Version = "" },
		"there is no state 7":             func(e []approval.StampedTemplate) { e[1].Set.Status.State = 7 },
	} {
		events := sound()
		edit(events)
		if got, err := approval.FoldTemplate(events); err == nil || !strings.Contains(err.Error(), message) || got.Last() != (approval.TemplateSet{}) {
			t.Errorf("%q: %v, %+v", message, err, got)
		}
	}
}

func TestTemplateSetJSON(t *testing.T) {
	data, err := sampleTemplate().MarshalJSON()
	want := `{"state":"probation","version":"` + string(digestOf("template")) + `","by":{"identity":"idp|Alice-product","person":"Alice-product","kind":"human"},"because":"Alice asks for it"}`
	if err != nil || string(data) != want {
		t.Errorf("%s, %v", data, err)
	}
}
