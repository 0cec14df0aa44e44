package desk

import (
	"context"

	"github.com/changelane/changelane/approval"
)

// Notifier is told what happened, after it is recorded: at least once, and in
// the order of the events of a case. Whatever it does changes no decision, and
// delays none.
//
// Notify has ten seconds, and must return when its context ends. When it returns
// an error, panics or does not return in time, the same notice is delivered
// again a second later, then after two, four and so on; until it is delivered
// the later notices of the same case wait, an hour between two tries at most.
// After sixty failures, which is about two days, it is given up: it stays in the
// store, is counted in [Ticked], and the later ones of its case go on. While a call does not return
// at all, its shard, which is a sixteenth of the cases, is left alone.
//
// A notice can come again although it was delivered, as when a desk is ended
// before it could write down that it was: its ID is then the same. Notify is
// called for several cases at the same time. It may call the desk, as no lock is
// held.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}

// Notice is one event of a case, and the case after it.
type Notice struct {
	ID      string // the same for each delivery of the same event: tenant/kind/case/number of the event
	Tenant  string
	Case    approval.Case
	Event   approval.Stamped
	Attempt int // deliveries that failed before
}
