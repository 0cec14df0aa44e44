package main

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The days that a history can have.
var (
	firstDay = change.Date{Year: 1970, Month: time.January, Day: 1}
	lastDay  = change.Date{Year: 2199, Month: time.December, Day: 31}
)

// repoPolicy is a policy for any repository, made in Go. Its bands are round
// numbers that suit many; a policy that is meant is fitted to its own history.
func repoPolicy(found []folder) approval.Definition {
	d := approval.Definition{
		Name:       "any-repository",
		Attributes: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {"binary_files": {"type": "integer", "minimum": 0}}}`),
		Groups:     []approval.Group{{Name: "cab", Size: 7}},
		Roles:      []string{"service-owner"},
		Risk:       repoRisk(),
		Templates: []approval.Template{{
			ID: "small-change", Owner: "change-management", Ceiling: "low", Ends: lastDay,
			Approved: approval.Approval{By: "cab", On: firstDay},
			Covers:   `service.stage == "live" and change.files <= 10 and change.directories <= 5`,
		}},
		Authority: approval.Authority{
			Default: []approval.Need{{Group: "cab", Quorum: 2}},
			Rules: []approval.AuthorityRule{
				{When: `type == "normal" and level == "low"`, Needs: []approval.Need{{Group: "cab"}}},
				{When: `type == "normal" and level == "high"`, Needs: []approval.Need{{Group: "cab", Quorum: 3}, {Role: "service-owner"}}},
			},
		},
	}
	for _, f := range slices.Concat(found, []folder{{name: theRest}}) {
		d.Services = append(d.Services, f.service())
	}
	return d
}

// service is the folder as a service: a busy one is evolved and run by its own
// team, one that rests is mature and run by operations.
func (f folder) service() change.Service {
	s := change.Service{Name: f.name, Team: f.name, Kind: change.Foundational, Stage: change.Mature}
	model := change.OpsRunIt()
	if f.active {
		s.Kind, s.Stage, s.OnCall = change.Digital, change.Live, "on-call/"+f.name
		model = change.YouBuildItYouRunIt()
	}
	s.Models = []change.Assignment{{Model: model, From: firstDay}}
	return s
}

func repoRisk() risk.Definition {
	return risk.Definition{
		Levels:  []risk.LevelDefinition{{Name: "low"}, {Name: "medium", From: 12}, {Name: "high", From: 24}},
		Default: "medium",
		Groups:  []risk.Group{{Name: "size", Cap: new(15)}},
		Rules: []risk.Rule{
			{ID: "lines", Bands: "change.lines_added", Cuts: []risk.Cut{{From: 50, Points: 3}, {From: 200, Points: 6}, {From: 1000, Points: 12}}, Group: "size", Because: "many lines are added"},
			{ID: "spread", Bands: "change.directories", Cuts: []risk.Cut{{From: 4, Points: 3}, {From: 10, Points: 8}}, Group: "size", Because: "it is spread over several folders"},
			{ID: "binary", Points: 3, When: `attributes.binary_files > 0`, Because: "nobody can read the difference of a binary file"},
			{ID: "delicate", Points: 6, When: `touches("**/migrations/**", "**/*.sql", ".github/workflows/**", "**/Dockerfile", "**/*.tf")`, Because: "it touches data, the pipeline or the infrastructure"},
			{ID: "rested", Points: 4, When: `history.files_changes > 0 and history.files_age_days >= 90`, Because: "nobody touched these files for months"},
			{ID: "many-hands", Bands: "history.files_developers", Cuts: []risk.Cut{{From: 8, Points: 3}}, Because: "many people have changed these files"},
			{ID: "failed-files", Bands: "history.files_failures_90d", Cuts: []risk.Cut{{From: 1, Points: 5}, {From: 3, Points: 10}}, Because: "changes to these files were taken back of late"},
			{ID: "failing", Bands: "history.service_failure_rate", Cuts: []risk.Cut{{From: 0.03, Points: 3}, {From: 0.06, Points: 6}}, Because: "changes to this service fail often"},
			{ID: "bad-week", Points: 4, When: `history.system_failures_7d >= 3`, Because: "three changes failed in the last seven days"},
			{ID: "newcomer", Points: 6, When: `history.requester_changes < 3`, Because: "the requester is new here"},
			{ID: "cold", Points: 3, When: `history.requester_changes > 0 and history.hours_since_own_last >= 720`, Because: "the requester comes back after a month"},
			{ID: "readable", When: `change.files <= 10 and change.lines_changed <= 400`, Observed: true, Because: "it can be read in one sitting"},
		},
	}
}
