package approval

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Refusal says in one word why something was refused.
type Refusal uint8

// The refusals.
const (
	NotDecided     Refusal = iota + 1 // it waits for votes
	WasRejected                       // the decision was no
	HasExpired                        // the request or the authorisation has lapsed
	WasCancelled                      // it was called off
	IsClosed                          // its life is over, or the vote on it is
	NeedsMore                         // what is known now asks for more than it was approved with
	NotReady                          // it lacks what its operating model needs: a planned time, a handover
	TooEarly                          // its window has not begun, or what a check would pass has not ended
	TooLate                           // its window has ended, or the time in which to go back
	OtherArtifact                     // that is not what was approved
	OtherTarget                       // that is not where it was approved to go
	AlreadyStarted                    // that was started before
	WentWrong                         // an earlier attempt failed: nothing else may start but the way back
	OtherAttempt                      // the same attempt, check or review says something else already
	NotEntitled                       // the directory does not know this person as one who may
	IsContributor                     // who had a hand in the change does not vote on it, nor review it, nor deploy it for App Support
	NotAPerson                        // bots neither vote nor review
	Ambiguous                         // two identities that look alike
	OtherRevision                     // the vote is for other content
	NoVote                            // there is no vote to take back
	ClockBehind                       // the clock is earlier than the last event
	Unauthorized                      // nobody has authorised this deployment
	OtherContent                      // the same id means another request already
	NothingStarted                    // there is no such attempt
	Unassessed                        // it cannot be classified
)

// passes reports whether time, or what others do, can take the reason away
// without another request.
func (r Refusal) passes() bool {
	return r == NotDecided || r == TooEarly || r == ClockBehind || r == NeedsMore
}

// Reason is one reason why something was refused.
type Reason struct {
	Code Refusal
	Text string // one sentence
}

// Refused is a denial, with all its reasons. It is an error, so that a caller
// that looks at the error alone does the right thing.
type Refused struct {
	Case    string
	Waiting bool // the same question may have another answer later, when others have acted or time has passed: true of each of the reasons
	Reasons []Reason
}

// Error is the reasons, in sentences.
func (r *Refused) Error() string {
	return fmt.Sprintf("%s is refused: %s", r.Case, reasons(r.Reasons).text())
}

// Has reports whether it was refused for this reason.
func (r *Refused) Has(code Refusal) bool { return reasons(r.Reasons).has(code) }

// reasons are collected, so that all of them are told at once. The command and
// the fold ask the same ones: an event that no command could have made is
// refused by both.
type reasons []Reason

func (r *reasons) add(code Refusal, format string, args ...any) {
	*r = append(*r, Reason{code, fmt.Sprintf(format, args...)})
}

func (r reasons) has(code Refusal) bool {
	for _, reason := range r {
		if reason.Code == code {
			return true
		}
	}
	return false
}

func (r reasons) text() string {
	texts := make([]string, len(r))
	for i, reason := range r {
		texts[i] = reason.Text
	}
	return strings.Join(texts, "; ")
}

// refused is the denial of a command; nil without reasons.
func (r reasons) refused(id string) error {
	if len(r) == 0 {
		return nil
	}
	out := &Refused{Case: id, Waiting: true, Reasons: r}
	for _, reason := range r {
		out.Waiting = out.Waiting && reason.Code.passes()
	}
	return out
}

// problem is the same for an event of a record.
func (r reasons) problem() error {
	if len(r) == 0 {
		return nil
	}
	return errors.New(r.text())
}

// behind refuses a clock that is earlier than the last event: what has
// expired by the one might not have by the other.
func (c Case) behind(at time.Time) (out reasons) {
	if at.Before(c.Last) {
		out.add(ClockBehind, "the clock says %s, and its last event was at %s; wait until the clock has caught up", stamp(at), stamp(c.Last))
	}
	return out
}

// over says why nothing may be decided about the case any more. What has run
// out has done so whether or not it was recorded.
func (c Case) over(at time.Time) (out reasons) {
	switch {
	case c.Version == 0:
		out.add(Unauthorized, "there is no such request; submit it first")
	case c.Change == nil:
		out.add(Unauthorized, "it was deployed without a request, so there is nothing to decide; only its review is open")
	case c.Decision == Rejected:
		out.add(WasRejected, "it was rejected at %s; submit another request", stamp(c.DecidedAt))
	case c.Decision == Cancelled:
		out.add(WasCancelled, "it was called off at %s; submit another request", stamp(c.DecidedAt))
	case c.Decision == Expired:
		out.add(HasExpired, "it lapsed at %s; submit another request", stamp(c.DecidedAt))
	case c.Closed:
		out.add(IsClosed, "it was closed at %s; submit another request", stamp(c.ClosedAt))
	case !at.Before(c.NotAfter):
		out.add(HasExpired, "it ran out at %s; submit another request", stamp(c.NotAfter))
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// utc is an instant in its one form: in UTC, and without a monotonic reading.
func utc(t time.Time) time.Time { return t.Round(0).UTC() }
