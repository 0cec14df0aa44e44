package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/approval/desk/desktest"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The whole path is measured through a desk: from a request that comes in to an
// answer that is durable, with everything in between.

const (
	alice = "idp|alice" // of the team and its on-call team; asks for changes
	bob   = "idp|bob"   // of the CAB
	robot = "ci|robot"  // the pipeline, of the team
)

var (
	newBuild = change.DigestOf("bench", []byte("new"))
	oldBuild = change.DigestOf("bench", []byte("old"))
)

// benchPolicy has so many templates, of which the first covers what is regular.
func benchPolicy(b testing.TB, templates int) *approval.Policy {
	b.Helper()
	d := approval.Definition{
		Name:   "benchmarks",
		Groups: []approval.Group{{Name: "cab", Size: 3}},
		Services: []change.Service{{Name: "api", Team: "api-team", OnCall: "pd/api", Zone: "Europe/London",
			Models: []change.Assignment{{Model: change.YouBuildItYouRunIt(), From: change.Date{Year: 2026, Month: 1, Day: 1}}}}},
		Risk: risk.Definition{Levels: []risk.LevelDefinition{{Name: "low"}, {Name: "high", From: 10}}, Default: "high",
			Rules: []risk.Rule{{ID: "outage", Points: 10, When: "change.downtime", Because: "users will notice"},
				{ID: "plain", When: `change.kind == "code"`, Because: "it is of a kind that we know"}}},
		Authority: approval.Authority{Default: []approval.Need{{Group: "cab", Quorum: 2}}},
	}
	for i := range templates {
		d.Templates = append(d.Templates, approval.Template{ID: fmt.Sprintf("rolling-%d", i), Owner: "api-pm", Ceiling: "low", Covers: `change.kind == "code"`,
			Approved: approval.Approval{By: "cab", On: change.Date{Year: 2026, Month: 1, Day: 1}}, Ends: change.Date{Year: 2027, Month: 1, Day: 1}})
	}
	p, err := approval.New(d)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// deaf is told and does not care: the notices are kept in the store, and nobody
// delivers them while the clock runs.
type deaf struct{}

func (deaf) Notify(context.Context, desk.Notice) error { return nil }

// deskOver is a desk over a store, with people, and all templates in force.
func deskOver(b testing.TB, store audit.Store, templates int) *desk.Desk {
	b.Helper()
	people := desktest.NewDirectory()
	people.Add(alice)
	people.Add(bob)
	people.AddBot(robot)
	member := approval.Seat{Role: approval.RoleTeamMember, Of: "api"}
	people.Grant(alice, member, approval.Seat{Role: approval.RoleOnCall, Of: "api"})
	people.Grant(robot, member)
	people.Grant(bob, approval.Seat{Group: "cab"})
	d, err := desk.New(store, benchPolicy(b, templates), people, &desk.Options{Tenant: tenant, Now: desktest.NewClock().Now, Notifier: deaf{}})
	if err != nil {
		b.Fatal(err)
	}
	for i := range templates {
		if err := d.SetTemplate(b.Context(), bob, fmt.Sprintf("rolling-%d", i), approval.Active, "agreed on 4 June", nil); err != nil {
			b.Fatal(err)
		}
	}
	return d
}

// regular is a change that is standard.
func regular(i int) *change.Change {
	down := false
	return &change.Change{ID: fmt.Sprintf("CHG-%07d", i), Title: "a smaller database for the index of orders", Kind: change.Code, Service: "api",
		Reason:    "the present one is half empty since the old orders were moved to the archive, and costs as much as ever",
		Requester: change.Person{ID: alice, Kind: change.Human},
		Targets:   []change.Target{{Name: "prod/eu"}, {Name: "prod/us"}},
		Artifacts: []change.Artifact{{Name: "api", Digest: newBuild}},
		Backout:   &change.Backout{Artifact: &change.Artifact{Name: "api", Digest: oldBuild}},
		Claim:     &change.Claim{Type: change.Standard, Template: "rolling-0", By: alice, Reason: "as every week"},
		Downtime:  &down,
	}
}

// irregular is a change that waits for the CAB.
func irregular(i int) *change.Change {
	down := true
	c := regular(i)
	c.Claim, c.Downtime = nil, &down
	return c
}

// submitTo asks for a change and wants a decision.
func submitTo(ctx context.Context, d *desk.Desk, rfc *change.Change, want approval.Decision) (approval.Case, error) {
	c, err := d.Submit(ctx, alice, rfc)
	if err == nil && c.Decision != want {
		err = fmt.Errorf("%s is %s; the benchmark is about one that is %s", c.ID, c.Decision, want)
	}
	return c, err
}

func authorised(ctx context.Context, d *desk.Desk, i int) error {
	_, err := submitTo(ctx, d, regular(i), approval.Authorized)
	return err
}

func yes(c approval.Case) desk.Ballot {
	return desk.Ballot{Revision: c.Revision, Digest: c.Digest, Choice: approval.Approve}
}

func attemptOf(i int) approval.Attempt {
	return approval.Attempt{ID: fmt.Sprintf("run-%d", i), Artifact: newBuild, Target: "prod/eu"}
}

func started(ctx context.Context, d *desk.Desk, i int) error {
	_, err := d.Start(ctx, robot, regular(i).ID, attemptOf(i))
	return err
}

// spent is how long something took, and what it used of the processors.
type spent struct{ wall, cpu time.Duration }

// report reports what each of n operations took.
func (s spent) report(b *testing.B, n int) {
	b.ReportMetric(float64(n)/s.wall.Seconds(), "ops/s")
	b.ReportMetric(float64(s.cpu.Microseconds())/float64(n), "cpu-µs/op")
}

// shared has callers do n pieces of work side by side, each the next one that
// nobody has taken, and tells what that takes.
func shared(b testing.TB, callers, n int, do func(ctx context.Context, i int) error) spent {
	b.Helper()
	var taken atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, callers)
	began, used := time.Now(), cpuTime()
	for c := range callers {
		wait.Go(func() {
			ctx, cancel := context.WithCancel(b.Context()) // as a request has
			defer cancel()
			for i := int(taken.Add(1)) - 1; i < n && errs[c] == nil; i = int(taken.Add(1)) - 1 {
				errs[c] = do(ctx, i)
			}
		})
	}
	wait.Wait()
	took := spent{time.Since(began), cpuTime() - used}
	if err := errors.Join(errs...); err != nil {
		b.Fatal(err)
	}
	return took
}

// both runs a benchmark on each store.
func both(b *testing.B, run func(b *testing.B, store audit.Store)) {
	b.Run("memory", func(b *testing.B) { run(b, memory.New()) })
	b.Run("sqlite", func(b *testing.B) { run(b, open(b, nil)) })
}

// step does something to case i.
type step func(ctx context.Context, d *desk.Desk, i int) error

// once measures a step that is done once to each case. Prepared is what has to
// be done to the case before.
func once(b *testing.B, do step, prepared ...step) {
	both(b, func(b *testing.B, store audit.Store) {
		d := deskOver(b, store, 1)
		shared(b, 8, b.N, func(ctx context.Context, i int) error {
			for _, first := range prepared {
				if err := first(ctx, d, i); err != nil {
					return err
				}
			}
			return nil
		})
		b.ReportAllocs()
		b.ResetTimer()
		shared(b, 1, b.N, func(ctx context.Context, i int) error { return do(ctx, d, i) }).report(b, b.N)
	})
}

// BenchmarkSubmit is a standard change from its submission to the answer that
// it is authorised, which is durable by then. Raw is the same rows, written by
// hand.
func BenchmarkSubmit(b *testing.B) {
	for _, way := range []struct {
		name               string
		callers, templates int
		open               func(b *testing.B) audit.Store
	}{
		{"memory", 1, 1, func(*testing.B) audit.Store { return memory.New() }},
		{"memory-100-templates", 1, 100, func(*testing.B) audit.Store { return memory.New() }},
		{"sqlite", 1, 1, func(b *testing.B) audit.Store { return open(b, nil) }},
		{"sqlite-8-callers", 8, 1, func(b *testing.B) audit.Store { return open(b, nil) }},
		{"sqlite-100-templates", 1, 100, func(b *testing.B) audit.Store { return open(b, nil) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			d := deskOver(b, way.open(b), way.templates)
			took := make([]time.Duration, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			all := shared(b, way.callers, b.N, func(ctx context.Context, i int) error {
				began := time.Now()
				err := authorised(ctx, d, i)
				took[i] = time.Since(began)
				return err
			})
			slices.Sort(took)
			all.report(b, b.N)
			b.ReportMetric(float64(took[b.N/2])/1e6, "p50-ms")
			b.ReportMetric(float64(took[b.N*99/100])/1e6, "p99-ms")
		})
	}
	for _, callers := range []int{1, 8} {
		b.Run([]string{1: "raw-1", 8: "raw-8-callers"}[callers], func(b *testing.B) {
			raw, batches := openRawRows(b), capturedSubmits(b, b.N)
			b.ReportAllocs()
			b.ResetTimer()
			all := shared(b, callers, b.N, func(ctx context.Context, i int) error { return raw.commit(ctx, &batches[i]) })
			all.report(b, b.N)
		})
	}
}

// capturedSubmits is what a desk commits for n changes.
func capturedSubmits(b *testing.B, n int) []audit.Batch {
	b.Helper()
	store := &capture{Store: memory.New()}
	d := deskOver(b, store, 1)
	store.take() // the template
	shared(b, 1, n, func(ctx context.Context, i int) error { return authorised(ctx, d, i) })
	return store.take()
}

// BenchmarkSubmitAgainstRaw holds a submission against the engine itself in one
// run: the desk, then its store alone, then rows written by hand, in turns, the
// very same bytes. Each figure is the median of the turns' ratios, by the wall and
// by the processors.
func BenchmarkSubmitAgainstRaw(b *testing.B) {
	for _, callers := range []int{1, 8} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "record.db")
			kept := &capture{Store: openAt(b, path, nil)}
			d := deskOver(b, kept, 1)
			store := open(b, nil)
			deskOver(b, store, 1) // with the template that the batches read
			kept.take()
			raw := openRawRows(b)
			ratios := map[string][]float64{}
			b.ResetTimer()
			for from, turn := 0, 100; from < b.N; from += turn {
				n := min(turn, b.N-from)
				whole := shared(b, callers, n, func(ctx context.Context, i int) error { return authorised(ctx, d, from+i) })
				batches := kept.take()
				commit := shared(b, callers, n, func(ctx context.Context, i int) error { return through(store)(ctx, &batches[i]) })
				engine := shared(b, callers, n, func(ctx context.Context, i int) error { return raw.commit(ctx, &batches[i]) })
				for name, is := range map[string]spent{"desk/raw": whole, "store/raw": commit} {
					ratios[name] = append(ratios[name], float64(is.wall)/float64(engine.wall))
					ratios["cpu-"+name] = append(ratios["cpu-"+name], float64(is.cpu)/float64(max(1, engine.cpu)))
				}
			}
			b.StopTimer()
			raw.sameRows(b, path)
			for name, all := range ratios {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2], name)
			}
		})
	}
}

// BenchmarkVote is the first of two votes.
func BenchmarkVote(b *testing.B) {
	var seen sync.Map // what the voter has seen, by case
	once(b, func(ctx context.Context, d *desk.Desk, i int) error {
		ballot, _ := seen.Load(i)
		_, err := d.Vote(ctx, bob, regular(i).ID, ballot.(desk.Ballot), nil)
		return err
	}, func(ctx context.Context, d *desk.Desk, i int) error {
		c, err := submitTo(ctx, d, irregular(i), approval.Pending)
		seen.Store(i, yes(c))
		return err
	})
}

// BenchmarkGate is the free question, which writes nothing.
func BenchmarkGate(b *testing.B) {
	once(b, func(ctx context.Context, d *desk.Desk, i int) error {
		return d.Gate(ctx, robot, regular(i).ID, attemptOf(i))
	}, authorised)
}

// BenchmarkStart is the answer "go", which is durable by then.
func BenchmarkStart(b *testing.B) { once(b, started, authorised) }

// BenchmarkReport is the outcome of what was started.
func BenchmarkReport(b *testing.B) {
	once(b, func(ctx context.Context, d *desk.Desk, i int) error {
		_, err := d.Report(ctx, robot, regular(i).ID, desk.Report{Attempt: attemptOf(i).ID, Outcome: approval.Succeeded}, nil)
		return err
	}, authorised, started)
}

// BenchmarkCase reads a case: its events from the store, opened, checked and
// folded.
func BenchmarkCase(b *testing.B) {
	for _, events := range []int{1, 51} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			both(b, func(b *testing.B, store audit.Store) {
				d := deskOver(b, store, 1)
				c, err := submitTo(b.Context(), d, irregular(0), approval.Pending)
				for err == nil && int(c.Version) < events {
					if c, err = d.Vote(b.Context(), bob, c.ID, yes(c), nil); err == nil {
						c, err = d.Withdraw(b.Context(), bob, c.ID, nil)
					}
				}
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if c, err = d.Case(b.Context(), c.ID); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// benchKey signs the logs.
func benchKey(b *testing.B) audit.Signer {
	b.Helper()
	signing, _, err := audit.GenerateKey("example.com/changes")
	if err != nil {
		b.Fatal(err)
	}
	key, err := audit.NewSigner(signing)
	if err != nil {
		b.Fatal(err)
	}
	return key
}

// BenchmarkSequence puts what 250 submissions have written into the log; the
// log grows as the benchmark goes on.
func BenchmarkSequence(b *testing.B) {
	both(b, func(b *testing.B, store audit.Store) {
		d, key := deskOver(b, store, 1), benchKey(b)
		const cases = 250
		var added int64
		b.ResetTimer()
		for n := range b.N {
			b.StopTimer()
			shared(b, 8, cases, func(ctx context.Context, i int) error { return authorised(ctx, d, n*cases+i) })
			b.StartTimer()
			p, err := audit.Sequence(b.Context(), store, tenant, key, nil)
			if err != nil {
				b.Fatal(err)
			}
			added += p.Added
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(added), "ns/event")
	})
}

// BenchmarkVerify verifies the record of 1000 standard changes that were
// started, rebuilding every case.
func BenchmarkVerify(b *testing.B) {
	both(b, func(b *testing.B, store audit.Store) {
		d, key := deskOver(b, store, 1), benchKey(b)
		shared(b, 8, 1000, func(ctx context.Context, i int) error { return errors.Join(authorised(ctx, d, i), started(ctx, d, i)) })
		p, err := audit.Sequence(b.Context(), store, tenant, key, nil)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			report, err := desk.Verify(b.Context(), store, tenant, &audit.VerifyOptions{Verifier: key})
			if err != nil || !report.OK() {
				b.Fatal(report, err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(p.Size), "ns/event")
	})
}
