package approval_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

type events = []approval.Stamped

// altered changes the event of a record at a place, in a copy.
func forged[E approval.Event](log events, at int, alter func(*E)) events {
	out := slices.Clone(log)
	e := out[at].Event.(E)
	alter(&e)
	out[at].Event = e
	return out
}

// record is a whole life: 0 Submitted, 1 to 3 Voted, 4 Decided, 5 Started, 6
// Reported, 7 Started, 8 Reported, 9 Validated, 10 Closed.
func record(t *testing.T) *life {
	return born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Succeeded).start("2", image, "prod/us").
		report("2", approval.Succeeded).validate(true)
}

// TestForgeries: a record that no command of the library can have made does
// not add up, and says which event does not fit.
func TestForgeries(t *testing.T) {
	whole := record(t).log
	failed := born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).start("2", oldImage, "prod/eu").log
	lapsed := born(t, normal(t, nil)).wait(validity.Request)
	lapsed.do(lapsed.c.Expire(lapsed.at), nil)
	rejected := born(t, normal(t, nil))
	rejected.do(rejected.c.Vote(rejected.ballot(carol, approval.Reject, cab)))
	fast := born(t, standard(t, nil))
	found := &life{TB: t, at: monday, c: approval.Case{ID: "d"}}
	found.do(approval.Discover(approval.Deployment{ID: "d", At: monday}, bob, monday, validity))
	edited := born(t, normal(t, nil)).edit(carol, normal(t, map[string]any{"title": "b"}))
	again := born(t, normal(t, nil)).approved()
	again.do(only(again.c.Start(fiercer(t), attempt("1", image, "prod/eu"), again.gate(bob, team))), nil)
	stamped := func(e approval.Event) approval.Stamped {
		return approval.Stamped{Occurred: monday, Recorded: monday, Event: e}
	}
	drop := func(log events, at int) events { return slices.Delete(slices.Clone(log), at, at+1) }
	add := func(log events, e approval.Event) events { return append(slices.Clone(log), stamped(e)) }
	swap := func(log events, i, j int) events {
		out := slices.Clone(log)
		out[i], out[j] = out[j], out[i]
		return out
	}
	decided := func(alter func(*approval.Decided)) events { return forged(whole, 4, alter) }
	voted := func(at int, alter func(*approval.Voted)) events { return forged(whole, at, alter) }
	submitted := func(alter func(*approval.Submitted)) events { return forged(whole, 0, alter) }
	for name, c := range map[string]struct {
		log  events
		want string // in the error, after which event
	}{
		"no beginning":                  {whole[1:], "event 1 of CHG-1 (voted)"},
		"two beginnings":                {slices.Insert(slices.Clone(whole), 1, whole[0]), "event 2 of CHG-1 (submitted)"},
		"nothing":                       {events{stamped(nil)}, "event 1"},
		"a pointer":                     {add(whole[:1], &approval.Lapsed{}), "is no event"},
		"a vote taken out":              {drop(whole, 2), "event 4 of CHG-1 (decided) cannot follow what is recorded before it: it needs 2 of cab and service-owner of payments-api"},
		"the decision taken out":        {drop(whole, 4), "not decided yet"},
		"a start taken out":             {drop(whole, 5), "no attempt"},
		"an outcome taken out":          {drop(whole, 6), "event 9 of CHG-1 (validated) cannot follow what is recorded before it: the attempt 1 has no outcome yet"},
		"the check taken out":           {drop(whole, 9), "event 10 of CHG-1 (closed)"},
		"two swapped":                   {swap(whole, 3, 4), "event 4 of CHG-1 (decided)"},
		"another case":                  {submitted(func(e *approval.Submitted) { c := *e.Change; c.ID = "CHG-2"; e.Change, e.Digest = &c, digest(t, &c) }), "the record is of CHG-1"},
		"other content":                 {submitted(func(e *approval.Submitted) { c := *e.Change; c.Title = "x"; e.Change = &c }), "not what its digest"},
		"no content":                    {submitted(func(e *approval.Submitted) { e.Change = nil }), "no change"},
		"a later revision":              {submitted(func(e *approval.Submitted) { e.Revision = 2 }), "expected 1"},
		"a contributor less":            {submitted(func(e *approval.Submitted) { e.Contributors = e.Contributors[:1] }), "idp|bob had a hand in it"},
		"the submitter no contributor":  {submitted(func(e *approval.Submitted) { e.By = grace }), "idp|grace had a hand in it"},
		"a contributor without a name":  {submitted(func(e *approval.Submitted) { e.Contributors = append(slices.Clone(e.Contributors), approval.Actor{}) }), "not an identity"},
		"an unknown without a seat":     {submitted(func(e *approval.Submitted) { e.Contributors = []approval.Actor{alice, {Identity: "idp|bob"}} }), "outside of the team"},
		"no requirement":                {submitted(func(e *approval.Submitted) { e.Ruling.Requirement = nil }), "is not a requirement"},
		"an empty requirement":          {submitted(func(e *approval.Submitted) { e.Ruling.Requirement = approval.All{} }), "at least one part"},
		"a quorum of nobody":            {submitted(func(e *approval.Submitted) { e.Ruling.Requirement = cab }), "quorum of at least 1"},
		"standard by votes":             {submitted(func(e *approval.Submitted) { e.Ruling.Type = change.Standard }), "pre-approval"},
		"pre-approved and normal":       {submitted(func(e *approval.Submitted) { e.Ruling.Requirement = approval.PreApproval{Template: "x", Version: "y"} }), "pre-approval"},
		"an emergency that nobody says": {submitted(func(e *approval.Submitted) { e.Ruling.Type = change.Emergency }), "asks to be one"},
		"no type":                       {submitted(func(e *approval.Submitted) { e.Ruling.Type = 0 }), "expected standard, normal or emergency"},
		"another window":                {submitted(func(e *approval.Submitted) { e.Ruling.Window = &change.Window{Start: monday, End: monday.Add(1)} }), "another window"},
		"no end":                        {submitted(func(e *approval.Submitted) { e.NotAfter = monday }), "expected a time after it"},
		"a vote for another revision":   {voted(1, func(e *approval.Voted) { e.Revision = 2 }), "event 2 of CHG-1 (voted) cannot follow what is recorded before it: the vote is for revision 2"},
		"a vote for another digest":     {voted(1, func(e *approval.Voted) { e.Digest = image }), "the vote is for revision 1"},
		"a vote by a contributor":       {voted(1, func(e *approval.Voted) { e.By = bob }), "had a hand in"},
		"a vote by a look-alike":        {voted(2, func(e *approval.Voted) { e.By.Identity = "idp|CAROL" }), "looks like"},
		"a vote by a bot":               {voted(1, func(e *approval.Voted) { e.By.Kind = change.Bot }), "not known to be a human"},
		"a vote by nobody":              {voted(1, func(e *approval.Voted) { e.By.Person = "" }), "knows nobody"},
		"a vote without a seat":         {voted(1, func(e *approval.Voted) { e.Holds = nil }), "holds none"},
		"a vote with another seat":      {voted(1, func(e *approval.Voted) { e.Holds = []approval.Seat{team} }), "expected seats of the requirement"},
		"a vote with a quorum":          {voted(1, func(e *approval.Voted) { e.Holds = []approval.Seat{{Group: "cab", Quorum: 2}} }), "expected seats of the requirement"},
		"a vote twice in one seat":      {voted(1, func(e *approval.Voted) { e.Holds = []approval.Seat{cab, cab} }), "expected seats of the requirement"},
		"a vote that says nothing":      {voted(1, func(e *approval.Voted) { e.Choice = 0 }), "neither a yes nor a no"},
		"a vote that never counts":      {voted(1, func(e *approval.Voted) { e.NotAfter = monday }), "never counts"},
		"a vote by one person twice":    {voted(2, func(e *approval.Voted) { e.By = carol }), "do not fill"},
		"a no turned into a yes":        {voted(1, func(e *approval.Voted) { e.Choice = approval.Reject }), "is rejected, so the decision comes next"},
		"a yes turned into a no":        {forged(rejected.log, 1, func(e *approval.Voted) { e.Choice = approval.Approve }), "nothing before says so"},
		"no one counted":                {decided(func(e *approval.Decided) { e.Counted = nil }), "do not fill"},
		"one counted twice":             {decided(func(e *approval.Decided) { e.Counted = []string{"p|carol", "p|carol", "p|erin"} }), "do not fill"},
		"one counted who is not there":  {decided(func(e *approval.Decided) { e.Counted = append(slices.Clone(e.Counted), "p|frank") }), "do not fill"},
		"one counted in another order":  {decided(func(e *approval.Decided) { e.Counted = []string{"p|erin", "p|carol", "p|dave"} }), "do not fill"},
		"a decision for ever":           {decided(func(e *approval.Decided) { e.NotAfter = time.Time{} }), "expected a time after it"},
		"decided as expired":            {decided(func(e *approval.Decided) { e.Decision = approval.Expired }), "nothing before says so"},
		"decided as pending":            {decided(func(e *approval.Decided) { e.Decision = approval.Pending }), "nothing before says so"},
		"decided as rejected":           {decided(func(e *approval.Decided) { e.Decision = approval.Rejected }), "nothing before says so"},
		"decided twice":                 {slices.Insert(slices.Clone(whole), 5, whole[4]), "cannot be decided"},
		"a template that counts votes":  {forged(fast.log, 1, func(e *approval.Decided) { e.Counted = []string{"p|carol"} }), "not decided by counting"},
		"a template that rejects":       {forged(fast.log, 1, func(e *approval.Decided) { e.Decision = approval.Rejected }), "says authorized"},
		"a template that is passed by":  {add(fast.log[:1], approval.CalledOff{By: alice}), "so the decision comes next"},
		"withdrawn after the decision":  {add(whole[:5], approval.Withdrawn{By: carol}), "cannot be taken back"},
		"withdrawn by another":          {add(whole[:2], approval.Withdrawn{By: dave}), "has no vote"},
		"called off by another":         {add(whole[:2], approval.CalledOff{By: dave}), "had no hand"},
		"called off after a start":      {add(whole[:6], approval.CalledOff{By: alice}), "has been started"},
		"lapsed too soon":               {add(whole[:2], approval.Lapsed{}), "it holds until"},
		"lapsed after the end":          {add(whole, approval.Lapsed{}), "nothing that could lapse"},
		"revived":                       {append(slices.Clone(lapsed.log), approval.Stamped{Occurred: lapsed.at, Recorded: lapsed.at, Event: whole[1].Event}), "it lapsed"},
		"voted after a no":              {add(rejected.log, whole[2].Event), "it was rejected"},
		"started elsewhere":             {forged(whole, 5, func(e *approval.Started) { e.Attempt.Target = "prod/asia" }), "none of those"},
		"started with something else":   {forged(whole, 5, func(e *approval.Started) { e.Attempt.Artifact = noImage }), "none of those"},
		"started as the way back":       {forged(whole, 5, func(e *approval.Started) { e.Backout = true }), "nothing to go back from"},
		"the way back as another start": {forged(failed, 7, func(e *approval.Started) { e.Backout = false }), "none of those"},
		"started by nobody":             {forged(whole, 5, func(e *approval.Started) { e.By = approval.Actor{Identity: "x"} }), "does not know"},
		"started twice":                 {forged(whole, 7, func(e *approval.Started) { e.Attempt.Target = "prod/eu" }), "that was started"},
		"started under one id":          {forged(whole, 7, func(e *approval.Started) { e.Attempt.ID = "1" }), "already"},
		"started after a failure":       {add(failed[:7], whole[7].Event), "went wrong"},
		"another way back":              {add(failed[:7], approval.Started{By: bob, Attempt: attempt("9", noImage, "prod/eu"), Backout: true, ReportBy: monday.Add(1)}), "to no other"},
		"an outcome due before":         {forged(whole, 5, func(e *approval.Started) { e.ReportBy = monday }), "due before"},
		"no outcome":                    {forged(whole, 6, func(e *approval.Reported) { e.Outcome = 0 }), "already"},
		"another outcome":               {forged(whole, 6, func(e *approval.Reported) { e.Outcome = 9; e.ReviewBy = monday }), "not known"},
		"a failure without a review":    {forged(whole, 6, func(e *approval.Reported) { e.Outcome = approval.Failed }), "makes a review owed"},
		"a failure made good":           {forged(failed, 6, func(e *approval.Reported) { e.Outcome = approval.Succeeded }), "does not make owed"},
		"a better outcome":              {add(failed[:7], approval.Reported{By: bob, Attempt: "1", Outcome: approval.Succeeded}), "only a worse outcome"},
		"a report by nobody":            {forged(whole, 6, func(e *approval.Reported) { e.By = approval.Actor{} }), "not an identity"},
		"a failed check for nothing":    {forged(whole, 9, func(e *approval.Validated) { e.Passed = false }), "makes a review owed"},
		"a check of nothing":            {add(whole[:6], approval.Validated{By: bob, Passed: true}), "nothing to validate"},
		"a check by nobody":             {forged(whole, 9, func(e *approval.Validated) { e.By = approval.Actor{} }), "not an identity"},
		"a check that is made better":   {add(whole, approval.Validated{By: bob, Passed: true}), "validated already"},
		"a review due before":           {add(whole, approval.Validated{By: bob, ReviewBy: monday.Add(-1)}), "due before"},
		"a review of nothing":           {add(whole[:5], approval.Reviewed{By: grace}), "nothing to review"},
		"a review by a bot":             {add(failed, approval.Reviewed{By: approval.Actor{Identity: "b", Person: "b", Kind: change.Bot}}), "nobody else reviews"},
		"closed twice":                  {add(whole, approval.Closed{}), "something is owed"},
		"closed before the end":         {add(whole[:7], approval.Closed{}), "something is owed"},
		"closed owing a review":         {add(failed[:7], approval.Closed{}), "something is owed"},
		"a vote on what was found":      {add(found.log, whole[1].Event), "without a request"},
		"found later than now":          {forged(found.log, 0, func(e *approval.Discovered) { e.Deployment.At = monday.Add(1) }), "before now"},
		"found without a review":        {forged(found.log, 0, func(e *approval.Discovered) { e.ReviewBy = time.Time{} }), "due before"},
		"found with an odd outcome":     {forged(found.log, 0, func(e *approval.Discovered) { e.Deployment.Outcome = 7 }), "an outcome is one of"},
		"edited into the same":          {forged(edited.log, 1, func(e *approval.Edited) { e.Content = whole[0].Event.(approval.Submitted).Content; e.Revision = 2 }), "the same as before"},
		"an editor forgotten": {append(slices.Clone(edited.log), forged(edited.log, 1, func(e *approval.Edited) {
			e.Content = whole[0].Event.(approval.Submitted).Content
			e.Revision = 3
		})[1]), "idp|carol had a hand in an earlier revision"},
		"edited after the end": {append(slices.Clone(whole), edited.log[1]), "it was closed"},
		"ruled again for less": {forged(again.log, 5, func(e *approval.Reclassified) {
			e.Ruling = whole[0].Event.(approval.Submitted).Ruling
			e.Ruling.Requirement = cabOf(1)
		}), "not all of"},
		"ruled again after a start":      {append(slices.Clone(whole[:6]), again.log[5]), "not started"},
		"ruled again undecided":          {append(slices.Clone(whole[:3]), again.log[5]), "only what is authorised"},
		"ruled again for nothing":        {forged(again.log, 5, func(e *approval.Reclassified) { e.Ruling.Requirement = approval.All{nil} }), "is not a requirement"},
		"ruled again until it is over":   {forged(again.log, 5, func(e *approval.Reclassified) { e.NotAfter = monday }), "expected a time after it"},
		"recorded before it occurred":    {retimed(whole, 3, 0, -1), "times in order"},
		"recorded before the last":       {retimed(whole, 3, 0, time.Hour), "event 5 of CHG-1 (decided) cannot follow what is recorded before it: it occurred"},
		"begun before it occurred":       {retimed(whole, 0, 0, -1), "times in order"},
		"occurred before the last":       {retimed(whole, 3, -1, 0), "times in order"},
		"in the past":                    {retimed(whole[:1], 0, -100*365*24*time.Hour, 0), "expected years"},
		"without times":                  {events{{Event: whole[0].Event}}, "expected years"},
		"decided after the votes expire": {later(whole, 4, validity.Vote), "do not fill"},
		"started after it ran out":       {later(whole, 5, validity.Use), "it ran out"},
		"voted after it ran out":         {later(whole, 1, validity.Request), "it ran out"},
	} {
		t.Run(name, func(t *testing.T) {
			id := "CHG-1"
			if len(c.log) > 0 && c.log[0].Event != nil && reflect.TypeOf(c.log[0].Event) == reflect.TypeFor[approval.Discovered]() {
				id = "d"
			}
			got, err := approval.Fold(id, c.log)
			if err == nil || !strings.Contains(err.Error(), c.want) || !reflect.DeepEqual(got, approval.Case{}) {
				t.Errorf("%v, expected an error with %q; %+v", err, c.want, got.Decision)
			}
		})
	}
}

func only(e []approval.Event, _ error) []approval.Event { return e }

func cabOf(n int) approval.Requirement { return approval.Seat{Group: "cab", Quorum: n} }

func digest(t *testing.T, c *change.Change) change.Digest {
	d, err := c.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// retimed moves the times of an event.
func retimed(log events, at int, occurred, recorded time.Duration) events {
	out := slices.Clone(log)
	out[at].Occurred, out[at].Recorded = out[at].Occurred.Add(occurred), out[at].Recorded.Add(recorded)
	return out
}

// later moves an event, and all after it.
func later(log events, at int, by time.Duration) events {
	out := slices.Clone(log)
	for i := at; i < len(out); i++ {
		out = retimed(out, i, by, by)
	}
	return out
}

// TestForgedAtRandom drops, repeats, swaps and splices events of true records.
// What still adds up is sound all the same: it is authorised by people, each in
// one seat, for this content, and nothing has gone out but under that.
func TestForgedAtRandom(t *testing.T) {
	r := newRandom(11)
	logs := []events{record(t).log,
		born(t, normal(t, nil)).approved().start("1", image, "prod/eu").report("1", approval.Failed).start("2", oldImage, "prod/eu").report("2", approval.Succeeded).review().log,
		born(t, standard(t, nil)).start("1", image, "prod/eu").edit2(t).log,
		born(t, normal(t, nil)).yes(carol, cab).yes(frank, owner).edit(dave, normal(t, map[string]any{"title": "b"})).yes(carol, cab).yes(frank, cab).yes(erin, owner).log}
	refused, sound := 0, 0
	for range 6000 {
		log := slices.Clone(oneOf(r, logs...))
		for range 1 + r.IntN(3) {
			i, j := r.IntN(len(log)), r.IntN(len(log))
			switch r.IntN(4) {
			case 0:
				log = slices.Delete(log, i, i+1)
			case 1:
				log = slices.Insert(log, i, log[j])
			case 2:
				log[i], log[j] = log[j], log[i]
			default:
				other := oneOf(r, logs...)
				log = slices.Insert(log, i, other[r.IntN(len(other))])
			}
			if len(log) == 0 {
				break
			}
		}
		c, err := approval.Fold("CHG-1", log)
		if err != nil {
			refused++
			continue
		}
		sound++
		if problem := unsound(c); problem != "" {
			t.Fatalf("%s: %+v", problem, c)
		}
	}
	if refused < 3000 || sound < 300 {
		t.Errorf("%d are refused, %d add up", refused, sound)
	}
}

// edit2 is a life that goes on, so that its record is longer.
func (l *life) edit2(t *testing.T) *life {
	return l.report("1", approval.Succeeded).start("2", image, "prod/us").report("2", approval.Partial).review().validate(false).review()
}

// unsound says what is wrong with a case; "" for nothing.
func unsound(c approval.Case) string {
	var holds [][]approval.Seat
	for _, v := range c.Votes {
		if slices.Contains(c.Counted, v.By.Person) && v.Digest == c.Digest && v.Revision == c.Revision && v.Choice == approval.Approve {
			holds = append(holds, v.Holds)
		}
		for _, a := range c.Contributors {
			if equal, fold := alike(a, v.By); equal || fold {
				return "a contributor has voted"
			}
		}
	}
	if c.Decision == approval.Authorized && c.Ruling.Type != change.Standard && (len(holds) != len(c.Counted) || !approval.BruteMet(c.Ruling.Requirement, holds)) {
		return "it is authorised without the votes"
	}
	started := map[string]bool{}
	for _, r := range c.Runs {
		key := fmt.Sprint(r.Artifact, r.Target)
		if c.Decision != approval.Authorized || started[key] || r.Artifact != image && !r.Backout || !slices.Contains([]string{"prod/eu", "prod/us"}, r.Target) {
			return "something went out that was not authorised"
		}
		started[key] = true
	}
	if c.Closed && (len(c.Runs) == 0 || !c.ReviewBy.IsZero()) {
		return "it is closed and something is owed"
	}
	return ""
}
