package risk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/change"
)

// Write makes the change state a value for a fact, as [Vocabulary.Facts] will
// read it; nil states nothing. It reports false where nobody states the fact:
// facts of the service are policy's, and those of time follow from the window.
// What other facts are read from the same data may change with it. The change
// is written to, but nothing that it shares with another.
func (v *Vocabulary) Write(c *change.Change, fact string, value any) bool {
	if v.none() || c == nil {
		return false
	}
	group, name, _ := strings.Cut(fact, ".")
	if _, known := v.rules.Lookup(fact); !known {
		return false
	}
	switch group {
	case "change":
		return writeChange(c, name, value)
	case "requester":
		text, _ := value.(string)
		if name == "team" {
			c.Requester.Team = text
			return true
		}
		return writeWord(&c.Requester.Kind, text)
	case "evidence":
		return writeEvidence(c, name, value)
	case "attributes":
		return writeAttribute(c, name, value)
	case "history":
		return writeHistory(c, name, value)
	}
	return false
}

// writeWord reads a word of a closed set; "" is none.
func writeWord[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](to P, text string) bool {
	var none T
	*to = none
	return text == "" || to.UnmarshalText([]byte(text)) == nil
}

func writeChange(c *change.Change, name string, value any) bool {
	text, _ := value.(string)
	n, counts := value.(int64)
	if counts && (n < 0 || n > change.MaxFiles && !strings.HasPrefix(name, "lines_")) {
		return false
	}
	list, _ := value.([]string)
	switch name {
	case "kind":
		return writeWord(&c.Kind, text)
	case "title":
		c.Title = text
	case "reason":
		c.Reason = text
	case "paths":
		c.Files = each(value, len(list), func(i int) change.File { return change.File{Path: list[i]} })
	case "files", "directories", "lines_added", "lines_deleted", "lines_changed":
		writeSize(c, name, value)
	case "environments":
		writeTargets(c, value, list, func(t *change.Target) *string { return &t.Environment })
	case "regions":
		writeTargets(c, value, list, func(t *change.Target) *string { return &t.Region })
	case "targets":
		c.Targets = resized(value, c.Targets, int(n), change.Target{}, nameTarget)
	case "artifacts":
		c.Artifacts = resized(value, c.Artifacts, int(n), change.Artifact{}, func(a *change.Artifact, i int) {
			a.Name = fmt.Sprint("artifact-", i)
			a.Digest = change.DigestOf("changelane/example", []byte(a.Name))
		})
	case "downtime":
		c.Downtime = writeTruth(value)
	case "backout":
		if yes, _ := value.(bool); !yes || c.Backout == nil {
			c.Backout = optional(value, &change.Backout{Plan: "deploy the version that was running before"})
		}
	case "steps", "manual_steps", "parties":
		writePlan(c, name, value)
	case "contributors":
		c.Contributors = each(value, int(n), func(i int) change.Contributor {
			return change.Contributor{ID: fmt.Sprint("idp|contributor-", i+1), As: change.Author}
		})
	case "depends_on", "fixes", "reverts", "deployed_with":
		relation := map[string]change.Relation{"depends_on": change.DependsOn, "fixes": change.Fixes, "reverts": change.Reverts, "deployed_with": change.DeployedWith}[name]
		others := slices.DeleteFunc(slices.Clone(c.Links), func(l change.Link) bool { return l.Relation == relation })
		c.Links = append(others, each(value, int(n), func(i int) change.Link {
			return change.Link{Relation: relation, ID: fmt.Sprint("CHG-", name, "-", i+1)}
		})...)
		switch {
		case value == nil:
			c.Links = nil
		case c.Links == nil:
			c.Links = []change.Link{}
		}
	case "validation_automated":
		validation := change.Validation{Party: change.Owner}
		if c.Validation != nil {
			validation = *c.Validation
		}
		validation.Automated = writeTruth(value)
		c.Validation = &validation
	case "emergency":
		c.Emergency = optional(value, &change.Incident{ID: "INC-1", Reason: "the service is down"})
	default:
		return false // lead_hours follows from the window
	}
	return true
}

// each is a list of n things; nil when nothing is stated.
func each[T any](value any, n int, of func(int) T) []T {
	if value == nil {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = of(i)
	}
	return out
}

// optional is there when the value is true.
func optional[T any](value any, there *T) *T {
	if yes, _ := value.(bool); yes {
		return there
	}
	return nil
}

func writeTruth(value any) *bool {
	if b, ok := value.(bool); ok {
		return &b
	}
	return nil
}

func writeWhole(value any) *int {
	if n, ok := value.(int64); ok {
		i := int(n)
		return &i
	}
	return nil
}

func writeEvidence(c *change.Change, name string, value any) bool {
	result, _ := value.(string)
	c.Evidence = slices.DeleteFunc(slices.Clone(c.Evidence), func(e change.Evidence) bool { return e.Name == name })
	if value == nil {
		return true
	}
	e := change.Evidence{Name: name}
	ok := writeWord(&e.Result, result)
	c.Evidence = append(c.Evidence, e)
	return ok
}

func writeAttribute(c *change.Change, name string, value any) bool {
	out := make(map[string]any, len(c.Attributes)+1)
	for k, v := range c.Attributes {
		out[k] = v
	}
	if delete(out, name); value != nil {
		out[name] = value
	}
	c.Attributes = out
	return true
}

func writeHistory(c *change.Change, name string, value any) bool {
	h := change.History{}
	if c.History != nil {
		h = *c.History
	}
	c.History = &h
	if whole := wholeHistory(&h)[name]; whole != nil {
		*whole = writeWhole(value)
		return true
	}
	decimal := decimalHistory(&h)[name]
	if decimal == nil {
		return false
	}
	*decimal = nil
	if f, ok := value.(float64); ok {
		*decimal = &f
	}
	return true
}

func wholeHistory(h *change.History) map[string]**int {
	return map[string]**int{
		"service_changes_30d": &h.ServiceChanges30d, "service_failures_90d": &h.ServiceFailures90d,
		"files_changes": &h.FilesChanges, "files_failures_90d": &h.FilesFailures90d, "files_developers": &h.FilesDevelopers,
		"requester_changes": &h.RequesterChanges, "system_changes_24h": &h.SystemChanges24h, "system_failures_7d": &h.SystemFailures7d,
	}
}

func decimalHistory(h *change.History) map[string]**float64 {
	return map[string]**float64{
		"service_failure_rate": &h.ServiceFailureRate, "team_failure_rate": &h.TeamFailureRate, "files_failure_rate": &h.FilesFailureRate,
		"files_age_days": &h.FilesAgeDays, "hours_since_failure": &h.HoursSinceFailure, "hours_since_own_last": &h.HoursSinceOwnLast,
	}
}
