package desk_test

import (
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
)

// TestINV20EndedAttempt: an attempt that has an outcome, a good one too, gets
// no second "go".
func TestINV20EndedAttempt(t *testing.T) {
	for o := approval.Succeeded; o <= approval.RolledBack; o++ {
		k, ctx := open(t), t.Context()
		k.approved("CHG-1")
		must[approval.Run](t)(k.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu")))
		must[approval.Case](t)(k.Desk.Report(ctx, robot, "CHG-1", desk.Report{Attempt: "run-1", Outcome: o}, nil))
		_, err := k.Desk.Start(ctx, robot, "CHG-1", attempt("run-1", "prod/eu"))
		refusedFor(t, err, approval.AlreadyStarted)
	}
}
