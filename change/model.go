package change

// OperatingModel says how the changes of a service are brought to production:
// a composition of switches. It does not say who approves: authority
// rules do.
type OperatingModel struct {
	Name      string       `json:"name,omitzero"`
	Deploys   Party        `json:"deploys,omitzero"`   // Owner or AppSupport
	Validates Party        `json:"validates,omitzero"` // Owner, AppSupport or Either
	Slot      bool         `json:"slot,omitzero"`      // a deployment needs a planned time in the deployment queue
	Handover  bool         `json:"handover,omitzero"`  // the deployer is told what was built, why, and what to watch
	Standard  StandardRule `json:"standard,omitzero"`  // whether and how a change can be standard
	Slack     int          `json:"slack,omitzero"`     // points by which a claim may exceed a template's ceiling; 0: none
}

// OpsRunIt is the preset in which operations runs the service: the CAB decides
// each change, App Support deploys at the scheduled time after a handover.
func OpsRunIt() OperatingModel {
	return OperatingModel{
		Name: "ops-run-it", Deploys: AppSupport, Validates: Either,
		Slot: true, Handover: true, Standard: Never,
	}
}

// YouBuildItYouRunIt is the preset in which the on-call product team runs what
// it builds: it claims regular low-risk changes as standard, deploys when it
// chooses and reports the outcome; the rest goes to the same CAB.
func YouBuildItYouRunIt() OperatingModel {
	return OperatingModel{
		Name: "you-build-it-you-run-it", Deploys: Owner, Validates: Owner,
		Standard: Claimed,
	}
}

// Presets are the models that every policy knows, by name.
func Presets() []OperatingModel { return []OperatingModel{OpsRunIt(), YouBuildItYouRunIt()} }

// Activity is one step in the life of a change, and the side that takes it.
type Activity struct {
	Name  string
	Party Party
}

// Route lists the activities of a change of type t under the model, in order.
// An unclassified change takes the route of a normal one.
func (m OperatingModel) Route(t Type) []Activity {
	route := m.approach(t)
	if m.Slot {
		route = append(route, Activity{"schedule", ChangeManagement})
	}
	if m.Handover && m.Deploys != Owner {
		route = append(route, Activity{"hand over", Owner})
	}
	route = append(route, Activity{"deploy", m.Deploys}, Activity{"validate", m.Validates}, Activity{"report", m.Deploys})
	if t == Emergency {
		route = append(route, Activity{"review", ChangeManagement})
	}
	return route
}

// approach is how a change comes to be authorised.
func (m OperatingModel) approach(t Type) []Activity {
	if t == Standard && m.Standard == Claimed {
		return []Activity{{"claim", Owner}}
	}
	if t == Standard && m.Standard == Always {
		return []Activity{{"request", Owner}}
	}
	return []Activity{{"request", Owner}, {"queue", ChangeManagement}, {"decide", Approvers}}
}

// Problems lists what is wrong with a composition of switches, one sentence
// each.
func (m OperatingModel) Problems() []string {
	var out []string
	if m.Name == "" {
		out = append(out, "an operating model needs a name")
	}
	if m.Deploys != Owner && m.Deploys != AppSupport {
		out = append(out, `an operating model says who deploys: "owner" or "app-support"`)
	}
	if m.Validates != Owner && m.Validates != AppSupport && m.Validates != Either {
		out = append(out, `an operating model says who validates: "owner", "app-support" or "either"`)
	}
	if m.Standard < Never || m.Standard > Always {
		out = append(out, `an operating model says when a change can be standard: "never", "claimed" or "always"`)
	}
	if m.Slack < 0 || m.Slack > 100 || m.Slack > 0 && m.Standard != Claimed {
		out = append(out, "the slack of an operating model is between 0 and 100 points, and only a claim can use it")
	}
	return out
}
