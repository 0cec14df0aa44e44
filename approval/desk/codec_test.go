package desk

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

var (
	alice = approval.Actor{Identity: "idp|alice", Person: "alice", Kind: change.Human}
	noon  = time.Date(2026, time.July, 6, 12, 0, 0, 1, time.UTC)
)

// deployed are the events of a case that nobody had authorised.
func deployed() []approval.Event {
	return []approval.Event{
		approval.Discovered{By: alice, ReviewBy: noon.AddDate(0, 0, 10), Deployment: approval.Deployment{ID: "run-1", Service: "api",
			Artifact: change.DigestOf("test", []byte("image")), Target: "prod", At: noon.Add(-time.Hour), Outcome: approval.Failed}},
		approval.Reviewed{By: alice, Findings: "nobody had looked"},
		approval.Closed{},
	}
}

// written commits events to a store in one batch and reads them back.
func written(t *testing.T, made []audit.Draft) []audit.Opened {
	t.Helper()
	store, key := memory.New(), audit.Key{Tenant: "default", Kind: KindCase, ID: "x"}
	w, err := audit.Append(audit.Record{Key: key}, nil, nil, made...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Commit(t.Context(), audit.Batch{Tenant: key.Tenant, Writes: []audit.Write{w}}); err != nil {
		t.Fatal(err)
	}
	loaded, err := store.Load(t.Context(), audit.LoadRequest{Tenant: key.Tenant, Keys: []audit.Key{key}, Events: true})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := audit.OpenChain(loaded.Records[0], loaded.Events[0])
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestDrafts: what is recorded is read back as it was, with its times, and no
// identity is in a body.
func TestDrafts(t *testing.T) {
	events := deployed()
	made, err := drafts(events, noon.Add(-time.Minute), noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range made {
		if bytes.Contains(d.Body, []byte("alice")) {
			t.Errorf("the body of %s has an identity in it: %s", d.Type, d.Body)
		}
		if !slices.IsSortedFunc(d.Personal, func(a, b audit.Field) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }) {
			t.Errorf("the fields of %s are not in order", d.Type)
		}
	}
	read, err := stamped(written(t, made))
	if err != nil {
		t.Fatal(err)
	}
	occurred := noon.Add(-time.Minute)
	for i, s := range read {
		if i > 0 { // what follows from the first event follows when it is recorded
			occurred = noon
		}
		if !reflect.DeepEqual(s.Event, events[i]) || !s.Occurred.Equal(occurred) || !s.Recorded.Equal(noon) {
			t.Errorf("event %d: read %+v; expected %+v", i, s, events[i])
		}
	}
}

// TestStampedRefuses what it does not know, and says where.
func TestStampedRefuses(t *testing.T) {
	opened := written(t, []audit.Draft{{Type: "case.abducted/1", Occurred: noon, Recorded: noon, Body: []byte("{}")}})
	if _, err := stamped(opened); err == nil || !bytes.Contains([]byte(err.Error()), []byte(`event 1 of case "x"`)) {
		t.Errorf("stamped: %v", err)
	}
	if _, err := templateHistory(opened); err == nil {
		t.Error("an event of a case is taken for one of a template")
	}
	for kind, rebuild := range Rebuild() {
		if _, _, err := rebuild(opened[0].Key, opened); err == nil {
			t.Errorf("a %s is rebuilt from what nobody knows", kind)
		}
	}
}

// TestListings: a case stands in its queues, under what falls due and what it
// has started; in order, nothing twice, and within what a store takes even
// when everything was started everywhere.
func TestListings(t *testing.T) {
	made, err := drafts(deployed()[:1], noon, noon)
	if err != nil {
		t.Fatal(err)
	}
	events, err := stamped(written(t, made))
	if err != nil {
		t.Fatal(err)
	}
	c, err := approval.Fold("x", events)
	if err != nil {
		t.Fatal(err)
	}
	c.Change = &change.Change{Service: "api"}
	for artifact := range 100 {
		digest := change.DigestOf("test", fmt.Append(nil, artifact))
		for target := range 100 {
			c.Runs = append(c.Runs, approval.Run{Attempt: approval.Attempt{Artifact: digest, Target: fmt.Sprint(target)}, StartedAt: noon.Add(time.Duration(target) * 12 * time.Hour)})
		}
	}
	lists := listings(c)
	count := map[string]int{}
	for i, l := range lists {
		count[l.List]++
		if i > 0 && (l.List < lists[i-1].List || l.List == lists[i-1].List && l.Sort <= lists[i-1].Sort) {
			t.Errorf("%v stands after %v", l, lists[i-1])
		}
	}
	if count[listStarted] != 100 || count[deployedTo("api")] != 51 || count[approval.QueueReview] != 1 || len(lists) > audit.MaxLists {
		t.Errorf("the case stands in %v", count)
	}
	if due := c.Due(); due.IsZero() != (count[listDue] == 0) {
		t.Errorf("it is due at %v and stands in %v", due, count)
	}
}

// TestDueAt: the order of the texts is the order of the times.
func TestDueAt(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	times := []time.Time{time.Unix(0, 0), noon.Add(-1), noon, noon.Add(1), noon.Add(time.Second - 1), noon.Add(time.Hour).In(zone), noon.AddDate(100, 0, 0)}
	texts := make([]string, len(times))
	for i, at := range times {
		texts[i] = dueAt(at)
		if len(texts[i]) != len("2026-07-06T12:00:00.000000001Z") {
			t.Errorf("%v is written as %s", at, texts[i])
		}
		if back, err := time.Parse(time.RFC3339Nano, texts[i]); err != nil || !back.Equal(at) {
			t.Errorf("%s is read as %v, %v; expected %v", texts[i], back, err, at)
		}
	}
	if !sort.StringsAreSorted(texts) {
		t.Errorf("%q are not in order", texts)
	}
}

// TestTemplateStatus: the last word counts; without any it is only proposed.
func TestTemplateStatus(t *testing.T) {
	if s, err := templateHistory(nil); err != nil || s.Status() != (approval.TemplateStatus{}) {
		t.Errorf("without events: %+v, %v", s, err)
	}
	version := change.DigestOf("test", []byte("template"))
	var made []audit.Draft
	for _, state := range []approval.TemplateState{approval.Active, approval.Suspended} {
		d, err := templateDraft(approval.TemplateSet{By: alice, Status: approval.TemplateStatus{State: state, Version: version}, Because: "so"}, noon)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, d)
	}
	opened := written(t, made)
	want := approval.TemplateStatus{State: approval.Suspended, Version: version}
	if s, err := templateHistory(opened); err != nil || s.Status() != want {
		t.Errorf("templateHistory: %+v, %v; expected %+v", s, err, want)
	}
	state, lists, err := rebuildTemplate(opened[0].Key, opened)
	if text := fmt.Sprintf(`{"state":"suspended","version":%q}`, version); err != nil || string(state) != text || lists != nil {
		t.Errorf("the state of the record is %s, %v, %v; expected %s", state, lists, err, text)
	}
}

// TestBackoff: a second, then twice as long each time, to an hour.
func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Second, 1: 2 * time.Second, 10: 1024 * time.Second, 11: 2048 * time.Second, 12: time.Hour, 1000: time.Hour} {
		if got := backoff(failures); got != want {
			t.Errorf("after %d failures: %v; expected %v", failures, got, want)
		}
	}
}
