package approval_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// queuesOf are the queues of a case, by their first letters.
func queuesOf(c approval.Case) string {
	var out []string
	for _, p := range c.Queues() {
		out = append(out, p.Queue[:1])
	}
	return strings.Join(out, "")
}

// TestQueuesOfLives says where each life stands after each of its events: c for
// change-management, d for deployment, o for outcome, v for validation, r for
// review, - for none.
func TestQueuesOfLives(t *testing.T) {
	lives := sampleLives(t)
	for name, want := range map[string]string{
		"standard":   "c d o - -",                // submitted, decided, started, reported, closed
		"normal":     "c c c c d do dv ov v - -", // of two targets
		"taken back": "c c c c d do r or r - -",  // failed: nothing more to deploy
		"check":      "c c c c d do dv r - -",
		"run out":    "c c c c d do dv d d -", // lapsed, closed
		"rejected":   "c c c -",
		"withdrawn":  "c c c",
		"called off": "c -",
		"lapsed":     "c -",
		"edited":     "c c c",
		"discovered": "r - -",
	} {
		l := lives[name]
		var got []string
		for n := 1; n <= len(l.log); n++ {
			c, err := approval.Fold(l.c.ID, l.log[:n])
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, queuesOf(c)+strings.Repeat("-", max(0, 1-len(c.Queues()))))
			for _, p := range c.Queues() {
				at := p.Sort
				if p.Queue == approval.QueueApproval {
					at = strings.TrimPrefix(at, "1") // no emergency
				}
				if _, err := time.Parse(time.RFC3339Nano, at); err != nil || len(at) != 30 {
					t.Errorf("%s: the sort key of %s is %q", name, p.Queue, p.Sort)
				}
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s (%v) stands in %s, expected %s", name, l.kinds(0), text, want)
		}
		delete(lives, name)
	}
	if len(lives) > 0 {
		t.Errorf("nothing is said of %v", lives)
	}
}

// TestQueueKeys: by what each queue is sorted.
func TestQueueKeys(t *testing.T) {
	at := func(hours int) time.Time {
		return time.Date(2026, 11, 23, 10, 0, 0, 7, time.UTC).Add(time.Duration(hours) * time.Hour)
	}
	c := fullCase(t)
	c.Closed, c.Validation, c.Review, c.ReviewBy = false, nil, nil, at(90)
	c.SubmittedAt, c.DecidedAt, c.Ruling.Window = at(1), at(2), nil
	c.Decision = approval.Pending
	check := func(queue, want string) {
		t.Helper()
		for _, p := range c.Queues() {
			if p.Queue == queue {
				if p.Sort != want {
					t.Errorf("%s is sorted by %s, expected %s", queue, p.Sort, want)
				}
				return
			}
		}
		t.Errorf("it does not stand in %s: %v", queue, c.Queues())
	}
	c.Runs = nil
	check(approval.QueueApproval, "12026-11-23T11:00:00.000000007Z")
	c.Ruling.Type = change.Emergency // before all others, however late
	check(approval.QueueApproval, "02026-11-23T11:00:00.000000007Z")
	c.Ruling.Type = change.Normal
	c.Decision = approval.Authorized
	check(approval.QueueDeployment, "2026-11-23T12:00:00.000000007Z")
	c.Ruling.Window = &change.Window{Start: at(5).In(time.FixedZone("", 3600)), End: at(6)}
	check(approval.QueueDeployment, "2026-11-23T15:00:00.000000007Z")
	c.Runs = []approval.Run{
		{Attempt: approval.Attempt{ID: "1"}, ReportBy: at(9)}, {Attempt: approval.Attempt{ID: "2"}, ReportBy: at(8)},
		{Attempt: approval.Attempt{ID: "3"}, ReportBy: at(7), Outcome: approval.Succeeded, ReportedAt: at(3)},
		{Attempt: approval.Attempt{ID: "4"}, ReportBy: at(7), Outcome: approval.Failed, ReportedAt: at(4)},
	}
	check(approval.QueueOutcome, "2026-11-23T18:00:00.000000007Z")
	check(approval.QueueValidation, "2026-11-23T14:00:00.000000007Z")
	check(approval.QueueReview, "2026-11-27T04:00:00.000000007Z")
}

// TestQueueKeysSort: the order of the bytes is that of the times.
func TestQueueKeysSort(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	c := fullCase(t)
	key := func(at time.Time) string {
		c.Decision, c.Closed, c.SubmittedAt = approval.Pending, false, at
		return c.Queues()[0].Sort
	}
	for range 2000 {
		a := time.Unix(random.Int64N(7e9), random.Int64N(3)*random.Int64N(5e8))
		b := a.Add(time.Duration(random.Int64N(5)-2) * time.Duration(random.Int64N(1e10)))
		if got := strings.Compare(key(a), key(b.In(time.FixedZone("", 20700)))); got != a.Compare(b) {
			t.Fatalf("%s and %s sort %d", a, b, got)
		}
	}
}

// TestDueIsWhenExpireActs: at the time of Due, and not before, time alone
// changes something; where there is none, it never does.
func TestDueIsWhenExpireActs(t *testing.T) {
	due := 0
	for name, l := range sampleLives(t) {
		for n := 1; n <= len(l.log); n++ {
			c, err := approval.Fold(l.c.ID, l.log[:n])
			if err != nil {
				t.Fatal(err)
			}
			if n < len(l.log) && slices.Contains([]string{"Decided", "Closed"}, l.kinds(n)[0]) {
				continue // in the middle of a command
			}
			at := c.Due()
			if at.IsZero() {
				if events := c.Expire(c.Last.AddDate(10, 0, 0)); len(events) > 0 {
					t.Errorf("%s after %d: never due, and %T", name, n, events[0])
				}
				continue
			}
			due++
			if events := c.Expire(at.Add(-1)); len(events) > 0 {
				t.Errorf("%s after %d: due at %s, and before it %T", name, n, at, events[0])
			}
			if events := c.Expire(at); len(events) == 0 {
				t.Errorf("%s after %d: nothing happens when it is due at %s", name, n, at)
			}
		}
	}
	if due < 10 {
		t.Errorf("only %d states are ever due", due)
	}
}

func TestWaits(t *testing.T) {
	for _, c := range []struct {
		live func() *life
		want []string
	}{
		{func() *life { return born(t, normal(t, nil)) },
			[]string{"It waits for 2 of cab and service-owner of payments-api, until 2026-11-30T10:00:00Z."}},
		{func() *life { return born(t, normal(t, nil)).yes(carol, cab) },
			[]string{"It waits for 1 more of cab and service-owner of payments-api, until 2026-11-30T10:00:00Z."}},
		{func() *life { return born(t, normal(t, nil)).yes(carol, cab).yes(erin, owner) },
			[]string{"It waits for 1 more of cab, until 2026-11-30T10:00:00Z."}},
		{func() *life { return born(t, normal(t, nil)).yes(carol, cab, owner).yes(dave, cab) },
			[]string{"It waits for service-owner of payments-api, until 2026-11-30T10:00:00Z."}},
		{func() *life { return born(t, normal(t, nil)).approved() },
			[]string{
				"The artifact " + string(image) + " may be started on prod/eu until 2026-11-25T10:00:00Z.",
				"The artifact " + string(image) + " may be started on prod/us until 2026-11-25T10:00:00Z.",
			}},
		{func() *life { return born(t, normal(t, nil)).approved().start("1", image, "prod/eu") },
			[]string{
				"The artifact " + string(image) + " may be started on prod/us until 2026-11-25T10:00:00Z.",
				"The outcome of the attempt 1 is due by 2026-11-23T14:00:00Z.",
			}},
		{func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Partial)
		},
			[]string{
				"Its deployment is to be validated by a team-member of payments-api.",
				"A review by a change-manager is due by 2026-11-26T10:00:00Z.",
			}},
		{func() *life { return sampleLives(t)["rejected"] }, nil},
		{func() *life { return sampleLives(t)["normal"] }, nil},
		{func() *life {
			window := map[string]any{"start": "2026-11-24T10:00:00Z", "end": "2026-11-24T12:00:00Z"}
			return born(t, standard(t, map[string]any{"targets": nil, "window": window}))
		},
			[]string{"The artifact " + string(image) + " may be started from 2026-11-24T10:00:00Z until 2026-11-24T12:00:00Z."}},
	} {
		l := c.live()
		if got := l.c.Waits(); !slices.Equal(got, c.want) {
			t.Errorf("%v waits for\n%s\nexpected\n%s", l.kinds(0), strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// TestWaitsForOneOf: of any, one is enough; of what nothing meets, it says so.
func TestWaitsForOneOf(t *testing.T) {
	c := fullCase(t)
	c.Decision, c.Closed, c.Runs, c.ReviewBy, c.Votes = approval.Pending, false, nil, time.Time{}, nil
	first := func() string { return c.Waits()[0] }
	if got := first(); !strings.HasPrefix(got, "It waits for 3 of cab and (service-owner of payments-api or incident-manager), until") {
		t.Error(got)
	}
	c.Votes = []approval.Vote{{By: actorOf("v"), Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve, NotAfter: c.Last.Add(1), Holds: []approval.Seat{{Role: "incident-manager"}}}}
	if got := first(); !strings.HasPrefix(got, "It waits for 3 of cab, until") {
		t.Error(got)
	}
	c.Ruling.Requirement = nil
	if got := first(); !strings.HasPrefix(got, "It waits for what nobody can give, until") {
		t.Error(got)
	}
	c.Decision, c.Ruling.Window = approval.Authorized, nil
	if got := c.Waits(); len(got) != 3 || !strings.HasPrefix(got[1], "It cannot be started yet: the operating model half-and-half needs a planned time") {
		t.Errorf("%q", got)
	}
	c.Ruling.Model, c.Validation, c.Runs = change.OperatingModel{}, nil, []approval.Run{{Attempt: approval.Attempt{ID: "1"}, Outcome: approval.Partial}}
	if got := c.Waits(); len(got) != 1 || got[0] != "Its deployment is to be validated." {
		t.Errorf("%q", got)
	}
	if got := (approval.Case{}).Waits(); got != nil || (approval.Case{}).Queues() != nil || !(approval.Case{}).Due().IsZero() {
		t.Errorf("no case waits for %v", got)
	}
}
