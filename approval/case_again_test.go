package approval_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// wantCodes compares the reasons of a refusal; none are for an error of nil.
func wantCodes(t *testing.T, what string, err error, want ...approval.Refusal) {
	t.Helper()
	if got := codes(t, err); !slices.Equal(got, want) {
		t.Errorf("%s: %v (%v), expected %v", what, got, err, want)
	}
}

// TestAgain: an answer that was given is not given for ever, to anybody, or
// after something went wrong.
func TestAgain(t *testing.T) {
	first, back := attempt("1", image, "prod/eu"), attempt("b", oldImage, "prod/eu")
	gone := bob
	gone.Person = ""
	for _, c := range []struct {
		name string
		live func() *life
		a    approval.Attempt
		by   approval.Actor
		want []approval.Refusal
	}{
		{"while it runs", func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").wait(validity.Report - 1)
		}, first, bob, nil},
		{"for one whom the directory has forgotten", func() *life { return born(t, normal(t, nil)).approved().start("1", image, "prod/eu") }, first, gone, []approval.Refusal{approval.NotEntitled}},
		{"when its outcome is overdue", func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").wait(validity.Report)
		}, first, bob, []approval.Refusal{approval.AlreadyStarted}},
		{"after it was taken back", func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("b", oldImage, "prod/eu").report("b", approval.Succeeded)
		}, first, bob, []approval.Refusal{approval.WentWrong}},
		{"after another failed", func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("2", image, "prod/us").report("2", approval.Failed)
		}, first, bob, []approval.Refusal{approval.WentWrong}},
		{"after its window", func() *life {
			return born(t, normal(t, slot)).approved().wait(2*time.Hour).start("1", image, "prod/eu").wait(time.Hour)
		}, first, bob, []approval.Refusal{approval.TooLate}},
		{"the way back, after its window and a failure", func() *life {
			return born(t, normal(t, slot)).approved().wait(2*time.Hour).start("1", image, "prod/eu").wait(time.Hour).report("1", approval.Failed).start("b", oldImage, "prod/eu")
		}, back, bob, nil},
		{"the way back, when its outcome is overdue", func() *life {
			return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").start("b", oldImage, "prod/eu").wait(validity.Report)
		}, back, bob, []approval.Refusal{approval.AlreadyStarted}},
		{"by a clock behind", func() *life { return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").wait(-1) }, first, bob, []approval.Refusal{approval.ClockBehind}},
	} {
		l := c.live()
		in := l.gate(c.by, team)
		events, err := l.c.Start(l.p, c.a, in)
		wantCodes(t, c.name, err, c.want...)
		if events != nil || fmt.Sprint(l.c.Gate(l.p, c.a, in)) != fmt.Sprint(err) {
			t.Errorf("%s: %v, and the gate says %v", c.name, events, l.c.Gate(l.p, c.a, in))
		}
		want := slices.DeleteFunc(slices.Clone(c.want), func(r approval.Refusal) bool { return r == approval.NotEntitled })
		if got := codes(t, l.c.Again(c.a, l.at)); !slices.Equal(got, want) {
			t.Errorf("%s: Again says %v", c.name, got)
		}
	}
	l := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
	wantCodes(t, "another attempt", l.c.Again(attempt("1", image, "prod/us"), l.at), approval.NothingStarted)
	wantCodes(t, "no attempt", (approval.Case{}).Again(approval.Attempt{}, monday), approval.NothingStarted)
}

// TestBackoutEnds: the way back is open for as long as an authorisation holds
// after the last start on its target, not on another.
func TestBackoutEnds(t *testing.T) {
	l := born(t, standard(t, map[string]any{"validation": nil})).start("1", image, "prod/eu").wait(time.Hour).start("2", image, "prod/us").
		report("1", approval.Succeeded).report("2", approval.Succeeded)
	if !l.c.Closed {
		t.Fatal("it is not closed")
	}
	l.wait(validity.Use - time.Hour)
	wantCodes(t, "the first target", l.startOf("b1", oldImage, "prod/eu"), approval.TooLate)
	wantCodes(t, "the second target", l.startOf("b2", oldImage, "prod/us"))
	wantCodes(t, "five years later", l.wait(5*365*24*time.Hour).startOf("b2", oldImage, "prod/us"), approval.TooLate)
	in := l.gate(bob, team)
	in.Validity, in.Inputs.At = approval.Validity{}, l.c.Last
	wantCodes(t, "nobody says for how long", l.c.Gate(l.p, attempt("b2", oldImage, "prod/us"), in), approval.TooLate)
}

// TestAnotherModel: who deploys, and how, was part of what was approved.
func TestAnotherModel(t *testing.T) {
	first := attempt("1", image, "prod/eu")
	with := func(edit func(*approval.Definition)) *approval.Policy {
		d := base(t)
		edit(&d)
		return made(t, d)
	}
	model := func(m change.OperatingModel) func(*approval.Definition) {
		return func(d *approval.Definition) {
			if !slices.Contains(change.Presets(), m) {
				d.Models = append(d.Models, m)
			}
			d.Services[0].Models = []change.Assignment{{Model: m, From: change.Date{Year: 2020, Month: 1, Day: 1}}}
		}
	}
	gone := func(d *approval.Definition) {
		d.Services = d.Services[1:]
		d.Services[2].Carries = d.Services[2].Carries[1:]
	}
	slots, told, trusting := change.YouBuildItYouRunIt(), change.YouBuildItYouRunIt(), change.YouBuildItYouRunIt()
	slots.Name, slots.Slot = "slots", true
	told.Name, told.Handover = "told", true
	trusting.Name, trusting.Slack = "trusting", 3
	for name, c := range map[string]struct {
		p    *approval.Policy
		want []approval.Refusal
		puts int // events
	}{
		"App Support deploys": {with(model(change.OpsRunIt())), []approval.Refusal{approval.NeedsMore}, 1},
		"it takes a slot":     {with(model(slots)), []approval.Refusal{approval.NeedsMore}, 1},
		"it takes a handover": {with(model(told)), []approval.Refusal{approval.NeedsMore}, 1},
		"claims count more":   {with(model(trusting)), nil, 1},
		"nobody knows it":     {with(gone), []approval.Refusal{approval.NeedsMore}, 0},
	} {
		l := born(t, normal(t, nil)).approved()
		l.p = c.p
		events, err := l.c.Start(l.p, first, l.gate(bob, team))
		if wantCodes(t, name, err, c.want...); len(events) != c.puts {
			t.Errorf("%s: %v", name, events)
		}
		if l.do(events, nil); c.puts == 0 || err == nil {
			continue
		}
		now, _ := c.p.ModelFor("payments-api", change.Code, l.at)
		if l.c.Decision != approval.Pending || l.c.Ruling.Model != now.Model || l.c.Ruling.Requirement.String() != "2 of cab and service-owner of payments-api" {
			t.Errorf("%s: %s %+v", name, l.c.Decision, l.c.Ruling)
		}
		wantCodes(t, name, l.voteOf(carol, approval.Reject, cab))
	}
	began := born(t, normal(t, nil)).approved().start("1", image, "prod/eu")
	began.p = with(model(change.OpsRunIt()))
	events, err := began.c.Start(began.p, attempt("2", image, "prod/us"), began.gate(bob, team))
	if wantCodes(t, "the rest of what has begun", err, approval.NeedsMore); events != nil {
		t.Error(events)
	}
	began.start("b", oldImage, "prod/eu") // as ever
	t.Run("what people decided stays with people", func(t *testing.T) {
		l := born(t, standard(t, map[string]any{"claim": nil})).approved()
		always := change.YouBuildItYouRunIt()
		always.Name, always.Standard, always.Slot = "always", change.Always, true
		l.p = with(model(always))
		if now := l.p.Classify(l.c.Change, at); now.Type != change.Standard {
			t.Fatal(now.Explain())
		}
		before := l.c.Ruling.Requirement.String()
		l.do(only(l.c.Start(l.p, first, l.gate(bob, team))), nil)
		if l.c.Decision != approval.Pending || l.c.Ruling.Type != change.Normal || l.c.Ruling.Requirement.String() != before || !l.c.Ruling.Model.Slot {
			t.Errorf("%s: %+v", l.c.Decision, l.c.Ruling)
		}
	})
}

// TestAuthorisedCanStart: whatever is authorised can be started some time, as
// long as nothing else changes: once its window begins, or at once.
func TestAuthorisedCanStart(t *testing.T) {
	p, r := made(t, base(t)), newRandom(29)
	kinds := map[change.Type]int{}
	for n := range 400 {
		with := map[string]any{"service": oneOf(r, "payments-api", "payments-api", "shop", "ledger"), "handover": handover, "backout": backout}
		if r.chance(50) {
			with["kind"], with["claim"] = "config", nil
		} else {
			with["size"], with["files"] = nil, touching("a.go")
		}
		if r.chance(25) {
			with["emergency"], with["claim"] = map[string]any{"incident": "INC-1", "reason": "it is down"}, nil
		}
		submitted := monday.Add(time.Duration(r.IntN(48*60)) * time.Minute)
		begins := submitted.Add(time.Duration(r.IntN(120*24*60)-24*60) * time.Minute)
		ends := begins.Add(time.Duration(1+r.IntN(72*60)) * time.Minute)
		if with["service"] == "ledger" || r.chance(80) {
			if !ends.After(submitted.Add(time.Minute)) {
				continue
			}
			with["window"] = map[string]any{"start": begins.Format(time.RFC3339), "end": ends.Format(time.RFC3339)}
		}
		c := decoded(t, with)
		l := &life{TB: t, p: p, at: submitted, c: approval.Case{ID: c.ID}}
		l.do(p.Submit(c, submission(c, l.at)))
		for i := 0; l.c.Decision == approval.Pending; i++ {
			l.yes(human(fmt.Sprint("voter", i)), l.c.Seats()...)
		}
		kinds[l.c.Ruling.Type]++
		if w := c.Window; w != nil && l.at.Before(w.Start) {
			l.at = w.Start
		}
		if err := l.c.Gate(p, attempt("1", image, "prod/eu"), l.gate(carol, l.c.Deployers()...)); err != nil {
			t.Fatalf("%d: %s %s of %v, submitted at %s, window %v: %v", n, l.c.Ruling.Type, l.c.Decision, with["service"], submitted, with["window"], err)
		}
	}
	if kinds[change.Standard] < 20 || kinds[change.Normal] < 100 || kinds[change.Emergency] < 50 {
		t.Error(kinds)
	}
}

// TestFarWindows: a case with a window holds until that ends, decided or not.
func TestFarWindows(t *testing.T) {
	far := normal(t, map[string]any{"window": map[string]any{"start": "2027-01-20T10:00:00Z", "end": "2027-01-21T10:00:00Z"}})
	l := born(t, far)
	if l.wait(20 * 24 * time.Hour); l.c.Due() != far.Window.End || l.c.Expire(l.at) != nil {
		t.Errorf("it lapses at %s", l.c.Due())
	}
	if l.approved(); !l.c.NotAfter.Equal(far.Window.End) {
		t.Errorf("it holds until %s", l.c.NotAfter)
	}
	for name, alter := range map[string]func(*approval.Decided){
		"ends before its window":   func(e *approval.Decided) { e.NotAfter = far.Window.Start.Add(-1) },
		"ends as its window opens": func(e *approval.Decided) { e.NotAfter = far.Window.Start },
		"ends after its window":    func(e *approval.Decided) { e.NotAfter = far.Window.End.Add(1) },
	} {
		if _, err := approval.Fold(l.c.ID, forged(l.log, 4, alter)); err == nil {
			t.Errorf("an authorisation that %s adds up", name)
		}
	}
}
