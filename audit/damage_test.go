package audit_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// TestINV38ListsOfTheStore: the lists that a store gives hold what the events
// of the records put there, each in its place: no more and no less.
func TestINV38ListsOfTheStore(t *testing.T) {
	s, k := written(t, "acme", 1)
	for name, test := range map[string]struct {
		tamper func(c *tables)
		want   []string
	}{
		"a row is missing": {func(c *tables) { c.rows = c.rows[1:] },
			[]string{`case "a": it does not stand in the list "open" at "a", where its events put it`}},
		"all rows are missing": {func(c *tables) { c.rows = nil },
			[]string{`case "a": it does not`, `case "b": it does not`, `case "c": it does not`, `case "d": it does not`}},
		"a row is at another place":  {func(c *tables) { c.rows[3].sort = "z" }, []string{`case "d": it does not`}},
		"a row is at the next place": {func(c *tables) { c.rows[3].sort = "d " }, []string{`case "d": it does not`}},
		"a row is too many": {func(c *tables) { c.rows = append(c.rows, row{"case", "b", "open", "y"}) },
			[]string{`case "b": it stands in the list "open" where its events do not put it`}},
		"a row is of another record": {func(c *tables) { c.rows[0].id = "b" },
			[]string{`case "b": it stands in the list "open" where`, `case "a": it does not stand`}},
		"a row and what the record says": {func(c *tables) {
			c.rows = append(c.rows, row{"case", "b", "won", "y"})
			c.record("b").Lists = []audit.Listing{{List: "open", Sort: "b"}, {List: "won", Sort: "y"}}
		}, []string{`case "b": the lists that it stands in`, `case "b": it stands in the list "won" where`}},
		"what the record says cannot be": {func(c *tables) { c.record("b").Lists = []audit.Listing{{List: "\n"}} },
			[]string{`case "b": the lists that it stands in`, `case "b": it stands in a list that cannot be, "\n" at ""`}},
	} {
		c := copyTables(t, s, "acme")
		test.tamper(c)
		r := verify(t, c, audit.VerifyOptions{Verifier: k})
		if len(r.Problems) != len(test.want) {
			t.Errorf("%s: %s", name, r)
			continue
		}
		for i, p := range r.Problems {
			if !strings.HasPrefix(p.String(), test.want[i]) {
				t.Errorf("%s: got %q; want %q", name, p, test.want[i])
			}
		}
	}
}

// TestINV38ListsAtTheirLimits: sort keys that are empty, shared or as long as
// they can be are found in their places.
func TestINV38ListsAtTheirLimits(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	long := strings.Repeat("z", audit.MaxName)
	lists := func(id string) []audit.Listing {
		return []audit.Listing{{List: "l", Sort: ""}, {List: "l", Sort: "same"}, {List: "l", Sort: long}, {List: long, Sort: id}}
	}
	for _, id := range []string{"a", "b", "c"} {
		w, err := audit.Append(audit.Record{Key: caseKey("acme", id)}, nil, lists(id), audit.Draft{Type: "case.opened/1", Occurred: noon, Recorded: noon})
		must(t, err)
		_, err = s.Commit(t.Context(), audit.Batch{Tenant: "acme", Writes: []audit.Write{w}})
		must(t, err)
	}
	_, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	again := map[string]audit.Rebuild{"case": func(k audit.Key, _ []audit.Opened) ([]byte, []audit.Listing, error) { return nil, lists(k.ID), nil }}
	if r := verify(t, s, audit.VerifyOptions{Verifier: k, Rebuild: again}); !r.OK() {
		t.Error(r)
	}
	c := copyTables(t, s, "acme")
	for i := range c.rows {
		tampered := copyTables(t, s, "acme")
		tampered.rows = slices.Delete(tampered.rows, i, i+1)
		if r := verify(t, tampered, audit.VerifyOptions{Verifier: k, Rebuild: again}); len(r.Problems) != 1 || r.Problems[0].Key.ID != c.rows[i].id {
			t.Errorf("without %v: %s", c.rows[i], r)
		}
	}
}

// TestVerifyWhileRecordsMove: a record that changes its place in a list while
// it is verified is no problem.
func TestVerifyWhileRecordsMove(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	lists := func(n int) []audit.Listing {
		return []audit.Listing{{List: fmt.Sprint("l", n%3), Sort: fmt.Sprint(n % 5)}, {List: "moving", Sort: fmt.Sprint(n * 7 % 10)}}
	}
	again := map[string]audit.Rebuild{"case": func(_ audit.Key, events []audit.Opened) ([]byte, []audit.Listing, error) {
		return nil, lists(len(events)), nil
	}}
	move := func(id string) {
		loaded, err := s.Load(t.Context(), audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{caseKey("acme", id)}})
		must(t, err)
		r := loaded.Records[0]
		w, err := audit.Append(r, nil, lists(int(r.Version)+1), audit.Draft{Type: "case.moved/1", Occurred: noon, Recorded: noon})
		must(t, err)
		_, err = s.Commit(t.Context(), audit.Batch{Tenant: "acme", Writes: []audit.Write{w}})
		must(t, err)
	}
	move("a")
	_, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for runs := 0; ; runs++ {
			select {
			case <-done:
				if runs == 0 {
					t.Error("nothing was verified meanwhile")
				}
				return
			default:
			}
			r, err := audit.Verify(context.Background(), s, "acme", &audit.VerifyOptions{Verifier: k, Rebuild: again})
			if err != nil || !r.OK() {
				t.Error(r, err)
			}
		}
	})
	for i := range 400 {
		move(string(rune('a' + i%20)))
		runtime.Gosched()
	}
	close(done)
	wait.Wait()
}

// flawed is a store that cannot give some of what it has, and says so.
type flawed struct {
	*tables
	entries map[audit.Place]audit.Entry // as far as they are known
	records map[audit.Key]bool          // neither listed nor loaded
	loads   map[audit.Key]bool          // listed, and not loaded
}

func (f flawed) err(k audit.Key) error {
	return fmt.Errorf("a row of %s has another checksum: %w", k, audit.ErrTampered)
}

func (f flawed) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	for _, k := range r.Keys {
		if f.records[k] || f.loads[k] {
			return audit.Loaded{}, f.err(k)
		}
	}
	return f.tables.Load(ctx, r)
}

func (f flawed) List(ctx context.Context, r audit.ListRequest) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for r := range f.tables.List(ctx, r) {
			var err error
			if f.records[r.Key] {
				r, err = audit.Record{Key: r.Key}, f.err(r.Key)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (f flawed) Events(ctx context.Context, r audit.EventsRequest) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for e := range f.tables.Events(ctx, r) {
			var err error
			if known, ok := f.entries[audit.Place{Key: e.Key, Seq: e.Seq}]; ok {
				e, err = known, f.err(e.Key)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// TestVerifyGoesOn: what the store cannot give because it was damaged is
// reported in its place, once, and the rest is verified all the same.
func TestVerifyGoesOn(t *testing.T) {
	s, k := written(t, "acme", 3)
	a, b := caseKey("acme", "a"), caseKey("acme", "b")
	for name, test := range map[string]struct {
		flaws  flawed
		tamper func(c *tables)
		want   []string
	}{
		"an entry of the log": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 2}: {Key: b, Seq: 2, Index: 5}}}, nil,
			[]string{`entry 5 of the log, event 2 of case "b": a row of`}},
		"the first entry, and the last": {flawed{entries: map[audit.Place]audit.Entry{{Key: a, Seq: 1}: {Key: a, Seq: 1}, {Key: caseKey("acme", "d"), Seq: 3}: {Key: caseKey("acme", "d"), Seq: 3, Index: 11}}}, nil,
			[]string{`entry 0 of the log, event 1 of case "a": a row of`, `entry 11 of the log, event 3 of case "d": a row of`}},
		"an entry of which nothing is known": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 2}: {}}}, nil,
			[]string{`the log: a row of`, `entry 5 of the log: the entry is missing`, `entry 5 of the log, event 2 of case "b": the log has no such entry`}},
		"a gap that the store sees": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 2}: {Key: audit.Key{Tenant: "acme"}, Index: 5}}}, nil,
			[]string{`entry 5 of the log: a row of`}},
		"an entry behind one that is missing": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 2}: {Key: b, Seq: 2, Index: 5}}}, func(c *tables) { c.drop("a", 2) },
			[]string{`entry 5 of the log, event 2 of case "b": a row of`, `entry 4 of the log: the entry is missing`, `entry 8 of the log, event 2 of case "a"`}},
		"an entry, and no stored hashes": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 2}: {Key: b, Seq: 2, Index: 5}}}, func(c *tables) { c.hashes = nil },
			[]string{`entry 0 of the log: stored hashes cannot be read`, `entry 5 of the log, event 2 of case "b": a row of`}},
		"an event that waits": {flawed{entries: map[audit.Place]audit.Entry{{Key: b, Seq: 4}: {Key: b, Seq: 4, Index: -1}}}, nil,
			[]string{`event 4 of case "b": a row of`}},
		"a record that is not listed": {flawed{records: map[audit.Key]bool{b: true}}, nil,
			[]string{`case "b": a row of`, `case "b": in the list "open": a row of`}},
		"a record that is not loaded":       {flawed{loads: map[audit.Key]bool{b: true}}, nil, []string{`case "b": a row of`}},
		"a record, and one that was edited": {flawed{loads: map[audit.Key]bool{b: true}}, func(c *tables) { c.record("c").State = nil }, []string{`case "b": a row of`, `case "c": its state`}},
		"a record, and another one's event": {flawed{loads: map[audit.Key]bool{b: true}}, func(c *tables) { c.records = c.records[1:] },
			[]string{`case "b": a row of`, `entry 0 of the log: the entry belongs to no record`, `entry 4`, `entry 8`, `event 4 of case "a"`}},
	} {
		t.Run(name, func(t *testing.T) {
			test.flaws.tables = copyTables(t, s, "acme")
			if test.tamper != nil {
				test.tamper(test.flaws.tables)
			}
			r := verify(t, test.flaws, audit.VerifyOptions{Verifier: k})
			if len(r.Problems) != len(test.want) || !r.Authenticated {
				t.Fatal(r)
			}
			for i, p := range r.Problems {
				if !strings.HasPrefix(p.String(), test.want[i]) {
					t.Errorf("got %q; want %q", p, test.want[i])
				}
			}
		})
	}
}

// inspected is a store that looks for itself.
type inspected struct {
	audit.Store
	found []string
	err   error
}

func (s inspected) Inspect(_ context.Context, tenant string) ([]string, error) {
	if tenant != "acme" {
		return nil, errors.New("of another tenant")
	}
	return s.found, s.err
}

// TestVerifyAsksTheStore: what a store finds itself is a problem, a sentence
// each on a line of its own (INV-40).
func TestVerifyAsksTheStore(t *testing.T) {
	s, k := written(t, "acme", 1)
	for _, test := range []struct {
		found []string
		err   error
		want  []string
	}{
		{nil, nil, nil},
		{[]string{"a view stands where a table should.", "a list of nobody"}, nil, []string{"a view stands where a table should", "a list of nobody"}},
		{[]string{"one\nProblem: none.\x1b[2J"}, nil, []string{"one\ufffdProblem: none.\ufffd[2J"}},
		{nil, audit.ErrTampered, []string{audit.ErrTampered.Error()}},
	} {
		r := verify(t, inspected{s, test.found, test.err}, audit.VerifyOptions{Verifier: k})
		var got []string
		for _, p := range r.Problems {
			got = append(got, p.What)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("got %q; want %q", got, test.want)
		}
	}
	if _, err := audit.Verify(t.Context(), inspected{s, nil, errBroken}, "acme", nil); !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

// TestINV36SequencerHoldsEventsAgainstRecords: nothing is signed that no record
// has, that does not follow what the log has, or whose record is not whole.
func TestINV36SequencerHoldsEventsAgainstRecords(t *testing.T) {
	s, k := written(t, "acme", 2)
	for name, test := range map[string]struct {
		tamper func(c *tables)
		want   string
	}{
		"no such record": {func(c *tables) { c.records = c.records[1:] }, `event 3 of case "a": it waits for its place in the log, and belongs to no record`},
		"a stranger": {func(c *tables) {
			leaf, err := audit.Seal(audit.Event{Key: caseKey("acme", "ghost"), Seq: 1, Type: "case.voted/1", Occurred: noon, Recorded: noon}, nil)
			must(t, err)
			c.events = append(c.events, audit.Entry{Key: caseKey("acme", "ghost"), Seq: 1, Index: -1, Leaf: leaf})
		}, `event 1 of case "ghost": it waits`},
		"another event": {func(c *tables) { c.edit("b", 3) }, `event 3 of case "b": its hash is not the head`},
		"another event, with the head": {func(c *tables) {
			c.edit("b", 2)
			c.rechain("b", 2)
		}, `event 2 of case "b": it is not the event that the log has at 5`},
		"an event that follows nothing": {func(c *tables) {
			e, _ := audit.ParseEvent(c.at("b", 3).Leaf.Data)
			e.Prev[0] ^= 1
			c.at("b", 3).Leaf.Data, _ = e.Format()
			c.record("b").Head = audit.LeafHash(c.at("b", 3).Leaf.Data)
		}, `event 3 of case "b": it does not follow`},
		"a gap":                      {func(c *tables) { c.drop("b", 1) }, `event 1 of case "b": it is event 2, kept as event 2`},
		"beyond the log":             {func(c *tables) { c.at("b", 2).Index = 99 }, `event 2 of case "b": it is not in the log`},
		"an end that was cut off":    {func(c *tables) { c.record("b").Version = 2 }, `event 3 of case "b": 3 events where the record has 2 events`},
		"hidden from the record":     {func(c *tables) { c.record("b").Version = 9 }, `event 4 of case "b": 3 events where the record has 9`},
		"an erased datum is no flaw": {func(c *tables) { c.at("b", 3).Leaf.Openings = nil }, ""},
	} {
		c := copyTables(t, s, "acme")
		test.tamper(c)
		writes := &watched{Store: c}
		_, err := audit.Sequence(t.Context(), writes, "acme", k, &audit.SequenceOptions{Owner: "me"})
		if test.want == "" {
			if writes.sequenced != 1 {
				t.Errorf("%s: %v", name, err)
			}
			s, k = written(t, "acme", 2) // the settlement went to the store behind the tables
			continue
		}
		if !errors.Is(err, audit.ErrTampered) || !strings.Contains(err.Error(), test.want) || writes.sequenced != 0 {
			t.Errorf("%s: got %v; want %s", name, err, test.want)
		}
	}
	if p, err := audit.Sequence(t.Context(), s, "acme", k, nil); err != nil || p.Added != 4 {
		t.Error(p, err)
	}
}

// behind is a store that shows a log that has grown since the sequencer began.
type behind struct {
	audit.Store
	grown *int
}

func (b behind) Log(ctx context.Context, tenant string, positions []int64) (audit.LogState, error) {
	state, err := b.Store.Log(ctx, tenant, positions)
	if *b.grown--; *b.grown < 0 {
		state.Size++
	}
	return state, err
}

// TestSequenceOvertaken: when another worker has extended the log meanwhile,
// that is a lost lease and no tampering.
func TestSequenceOvertaken(t *testing.T) {
	s, k := written(t, "acme", 1)
	calls := 3 // of its beginning
	if _, err := audit.Sequence(t.Context(), behind{s, &calls}, "acme", k, &audit.SequenceOptions{Lease: time.Second}); !errors.Is(err, audit.ErrLeaseLost) {
		t.Error(err)
	}
}

// TestINV36SequencerFindsTwoFaces: an event that the store shows to those who
// load its record, and another one to those who read what waits, is not signed.
func TestINV36SequencerFindsTwoFaces(t *testing.T) {
	s, k := written(t, "acme", 2)
	c := twoFaced{copyTables(t, s, "acme"), copyTables(t, s, "acme")}
	c.loads.edit("c", 3)
	c.loads.rechain("c", 3)
	if _, err := audit.Sequence(t.Context(), c, "acme", k, nil); !errors.Is(err, audit.ErrTampered) || !strings.Contains(err.Error(), "its record has another event there") {
		t.Error(err)
	}
}
