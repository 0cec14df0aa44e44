package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// row is one change in the table: the widths below fill 100 columns.
type row struct {
	number  int // of the change, from the oldest
	service string
	kind    change.Type
	level   string
	failed  bool
	line    string
	full    string // the explanation, for the one that is shown in full
}

const columns = "%-8.8s %-10s %-8s %-6s %3s  %-26s  %-24s %s"

const (
	widthReasons = 26
	widthWho     = 24
)

func heading() string {
	return fmt.Sprintf(columns, "change", "service", "type", "level", "pts", "mostly because", "who must say yes", "then")
}

func newRow(number int, c approval.Classification, service string, failed bool) row {
	r := row{number: number, service: service, kind: c.Type, level: c.Assessment.Level.String(), failed: failed}
	then := ""
	if failed {
		then = "failed"
	}
	kind, level, points := c.Type.String(), cut(r.level, 6), fmt.Sprint(c.Assessment.Score)
	if c.Err != nil {
		kind, level, points = "-", "-", "-"
	}
	r.line = fmt.Sprintf(columns, c.ID, cut(service, 10), cut(kind, 8), level, points,
		reasons(c), cut(who(c.Requirement), widthWho), then)
	r.line = strings.TrimRight(r.line, " ")
	return r
}

// reasons names the rules that weigh most, with their points, as many as there
// is room for; what holds a level without points comes first.
func reasons(c approval.Classification) string {
	if c.Err != nil {
		return "refused: see below"
	}
	list := slices.Clone(c.Assessment.Reasons)
	slices.SortStableFunc(list, func(a, b risk.Reason) int { return cmp.Compare(weight(b), weight(a)) })
	out := ""
	for _, r := range list {
		text := r.Rule
		if r.Points != 0 {
			text = fmt.Sprintf("%+d %s", r.Points, r.Rule)
		} else if !r.Floor.Assessed() {
			continue
		}
		if out != "" {
			text = out + ", " + text
		}
		if len(text) <= widthReasons {
			out = text
		}
	}
	if out == "" {
		return "nothing speaks against it"
	}
	return out
}

func weight(r risk.Reason) int {
	if r.Floor.Assessed() {
		return risk.MaxPoints + 1
	}
	return max(r.Points, -r.Points)
}

// who is the requirement in a few letters: the table has the service already.
func who(r approval.Requirement) string {
	switch r := r.(type) {
	case nil:
		return "nobody can"
	case approval.PreApproval:
		return "nobody: " + r.Template
	case approval.Seat:
		if r.Group != "" {
			return fmt.Sprintf("%d of %s", r.Quorum, r.Group)
		}
		return r.Role
	case approval.All:
		return several(r, " + ")
	case approval.Any:
		return several(r, " or ")
	default:
		return r.String()
	}
}

func several(parts []approval.Requirement, join string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i] = who(p)
	}
	return strings.Join(out, join)
}

// cut shortens a text of ASCII to a width.
func cut(s string, width int) string {
	if len(s) <= width {
		return s
	}
	return s[:width-2] + ".."
}
