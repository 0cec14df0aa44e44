package risk

import (
	"fmt"
	"strings"
)

// doubt is said before a reason that counts without being known to hold.
var doubt = map[Basis]string{
	NotKnown: "not known, so it counts: ",
	Failed:   "could not be worked out, so it counts: ",
}

// String is the reason in one line: its points, why, which rule, and the facts
// with the values seen, such as
// "+15 large change (big-diff) [change.lines_added = 612]".
func (r Reason) String() string {
	points := fmt.Sprintf("%+d", r.Points)
	if r.Points == 0 {
		points = "0"
	}
	floor := ""
	if r.Floor.Assessed() {
		floor = ", so at least " + r.Floor.String()
	}
	return fmt.Sprintf("%s %s%s (%s)%s%s", points, doubt[r.Basis], r.Because, r.Rule, floor, seen(r.Seen))
}

func seen(facts []Fact) string {
	if len(facts) == 0 {
		return ""
	}
	parts := make([]string, len(facts))
	for i, f := range facts {
		parts[i] = f.String()
	}
	return " [" + strings.Join(parts, ", ") + "]"
}

// String says what is missing, and which rules want it.
func (m Missing) String() string {
	rules := strings.Join(m.Rules, ", ")
	if m.Stated {
		return fmt.Sprintf("%s is only stated; have it attested (wanted by %s)", m.Fact, rules)
	}
	return fmt.Sprintf("%s is not known (wanted by %s)", m.Fact, rules)
}
