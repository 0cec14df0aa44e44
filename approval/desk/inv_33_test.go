package desk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// silent is a store that answers nothing until the context of the question ends.
type silent struct{ audit.Store }

func (silent) Load(ctx context.Context, _ audit.LoadRequest) (audit.Loaded, error) {
	<-ctx.Done()
	return audit.Loaded{}, ctx.Err()
}

// TestINV33Deadline: a store that hangs gives an error within a minute, also to
// a caller who has set no deadline.
func TestINV33Deadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := open(t)
		d, begun := o.over(silent{o.Store}, o.Directory, desk.Options{}), time.Now()
		_, submit := d.Submit(context.Background(), alice, request("CHG-1"))
		_, vote := d.Vote(context.Background(), bob, "CHG-1", desk.Ballot{Choice: approval.Approve}, nil)
		gate := d.Gate(context.Background(), robot, "CHG-1", attempt("run-1", "prod/eu"))
		for command, err := range map[string]error{"submit": submit, "vote": vote, "gate": gate} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", command, err)
			}
		}
		if took := time.Since(begun); took > 3*time.Minute {
			t.Errorf("three commands took %v", took)
		}
	})
}
