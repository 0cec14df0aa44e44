package approval_test

import (
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
)

// TestINV19HighWaterMark: a clock that is behind the last event is refused by
// every command, though it is ahead of the first.
func TestINV19HighWaterMark(t *testing.T) {
	pending := born(t, normal(t, nil)).wait(time.Hour).yes(carol, cab).wait(-time.Minute)
	other := normal(t, map[string]any{"title": "another"})
	running := born(t, normal(t, nil)).approved().wait(time.Hour).start("1", image, "prod/eu").wait(-time.Minute)
	for command, err := range map[string]error{
		"edit":     err2(pending.c.Edit(pending.p, other, submission(other, pending.at))),
		"vote":     pending.voteOf(dave, approval.Approve, cab),
		"withdraw": err2(pending.c.Withdraw(carol, pending.at)),
		"cancel":   err2(pending.c.Cancel(alice, "not wanted", pending.at)),
		"gate":     running.c.Gate(running.p, attempt("2", image, "prod/us"), running.gate(bob, team)),
		"start":    running.startOf("2", image, "prod/us"),
		"again":    running.startOf("1", image, "prod/eu"),
		"report":   err2(running.c.Report(approval.Reported{By: bob, Attempt: "1", Outcome: approval.Succeeded}, nil, running.at, validity)),
	} {
		if got := codes(t, err); !slices.Equal(got, []approval.Refusal{approval.ClockBehind}) {
			t.Errorf("%s: %v (%v), expected only %v", command, got, err, approval.ClockBehind)
		}
	}
}
