package approval

import (
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// Explain is the classification for a person: what, why, what is missing, and
// who must say yes. Lines end in a line feed; nothing in it depends on the
// width of a terminal.
func (c Classification) Explain() string {
	var b strings.Builder
	c.explainHead(&b)
	if c.Title != "" {
		fmt.Fprintf(&b, "  what: %q\n", c.Title)
	}
	if c.Reason != "" {
		fmt.Fprintf(&b, "  what for: %q\n", c.Reason)
	}
	if c.Err != nil {
		fmt.Fprintf(&b, "  it cannot be classified: %v\n", c.Err)
	}
	for _, w := range c.Why {
		fmt.Fprintf(&b, "  %s\n", w)
	}
	if len(c.Assessment.Reasons) > 0 {
		fmt.Fprintf(&b, "\nRisk: %s, score %d%s\n", c.Assessment.Level, c.Assessment.Score, c.atBest())
		for _, r := range c.Assessment.Reasons {
			explainReason(&b, r)
		}
	}
	part(&b, "Missing", c.Assessment.Unknowns, risk.Missing.String)
	part(&b, "Failed", c.Faults, func(f risk.Fault) string { return strings.TrimPrefix(f.Rule+": "+f.Why, ": ") })
	part(&b, "Assumed", c.Assumed, func(s string) string { return s })
	if c.Type == change.Unclassified {
		fmt.Fprintf(&b, "\nCorrect the request and send it again; until then it counts as one that needs: %s\n", who(c.Requirement))
	} else {
		fmt.Fprintf(&b, "\nWho must say yes: %s\n", who(c.Requirement))
	}
	if !c.ReviewBy.IsZero() {
		fmt.Fprintf(&b, "A review is due by %s.\n", c.ReviewBy.Format(time.RFC3339))
	}
	return b.String()
}

func (c Classification) explainHead(b *strings.Builder) {
	id := c.ID
	if id == "" {
		id = "The change"
	}
	switch c.Type {
	case change.Standard:
		fmt.Fprintf(b, "%s is a standard change: it can be deployed %s.\n", id, c.when())
	case change.Normal:
		fmt.Fprintf(b, "%s is a normal change: it needs a decision.\n", id)
	case change.Emergency:
		fmt.Fprintf(b, "%s is an emergency change: it needs the people below now, and a review afterwards.\n", id)
	default:
		fmt.Fprintf(b, "%s is unclassified: it must not be deployed, and cannot be approved as it is.\n", id)
	}
}

// when is when a standard change can be deployed.
func (c Classification) when() string {
	if c.Window == nil {
		return "now"
	}
	return fmt.Sprintf("from %s until %s", c.Window.Start.Format(time.RFC3339), c.Window.End.Format(time.RFC3339))
}

// atBest says what the level may come down to once everything is known.
func (c Classification) atBest() string {
	if c.Assessment.Best == c.Assessment.Level {
		return ""
	}
	return fmt.Sprintf("; %s if all that is missing turns out well", c.Assessment.Best)
}

func who(r Requirement) string {
	if r == nil {
		return "nobody can: there is no policy that says who"
	}
	return r.String()
}

func part[T any](b *strings.Builder, title string, list []T, show func(T) string) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, e := range list {
		fmt.Fprintf(b, "  - %s\n", show(e))
	}
}

func explainReason(b *strings.Builder, r risk.Reason) {
	points, sentence, _ := strings.Cut(r.String(), " ")
	fmt.Fprintf(b, "  %5s  %s\n", points, sentence)
}
