package audit_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/changelane/changelane/audit"
)

var rebuild = map[string]audit.Rebuild{"case": fold}

func verify(t testing.TB, s audit.Store, opts audit.VerifyOptions) audit.Report {
	t.Helper()
	if opts.Rebuild == nil {
		opts.Rebuild = rebuild
	}
	r, err := audit.Verify(t.Context(), s, "acme", &opts)
	must(t, err)
	return r
}

func TestVerifyFindsNothing(t *testing.T) {
	for _, rounds := range []int{1, 2, 3, 17, 300} { // more than a page of stored hashes
		s, k := written(t, "acme", rounds)
		for name, store := range map[string]audit.Store{"memory": s, "tables": copyTables(t, s, "acme")} {
			r := verify(t, store, audit.VerifyOptions{Verifier: k})
			n := int64(4 * rounds)
			if !r.OK() || r.Size != n || r.Records != 4 || r.Events != n+4 || r.Waiting != 4 || r.Checkpoint.Size != n || r.Checkpoint.Root != r.Root {
				t.Errorf("%s, %d rounds: %s", name, rounds, r)
			}
		}
	}
}

// INV-36, INV-37, INV-38, INV-39: what an intruder can do to tables, and where
// it shows. Case i of a, b, c, d has its event seq at index 4*(seq-1)+i; there
// are three events of each in the log, and a fourth that waits.
func TestVerifyFindsTampering(t *testing.T) {
	type place struct {
		index int64
		id    string
		seq   uint64
		what  string
	}
	tests := []struct {
		name   string
		tamper func(c *tables)
		want   []place // among the problems
	}{
		{"edit", func(c *tables) { c.edit("b", 2) },
			[]place{{5, "b", 2, "not the event that was put here"}, {9, "b", 3, "does not follow"}}},
		{"edit of bytes that do not parse", func(c *tables) { c.at("b", 2).Leaf.Data = []byte("changelane/event/v1\nxx") },
			[]place{{5, "b", 2, "byte 20"}}},
		{"edit of the last event, with the head", func(c *tables) { c.edit("b", 4); c.rechain("b", 4) },
			[]place{{-1, "b", 0, "its state"}}},
		{"edit of an event and its stored hash", func(c *tables) {
			c.edit("c", 2)
			c.hashes[tlog.StoredHashIndex(0, 6)] = audit.LeafHash(c.at("c", 2).Leaf.Data)
		}, []place{{6, "", 0, "stored hash of the entries from here to 7"}, {10, "c", 3, "does not follow"}}},
		{"edit with the chain of the record", func(c *tables) { c.edit("b", 2); c.rechain("b", 2) },
			[]place{{5, "b", 2, "not the event"}, {9, "b", 3, "not the event"}, {-1, "b", 0, "its state"}}},
		{"edit with chain and all hashes", func(c *tables) { c.edit("b", 2); c.rechain("b", 2); c.rehash() },
			[]place{{4, "", 0, "the first 12 entries are not those that were signed"}}},
		{"drop", func(c *tables) { c.drop("b", 2) },
			[]place{{5, "", 0, "the entry is missing"}, {9, "b", 2, "kept as event 3"}}},
		{"drop several", func(c *tables) { c.drop("b", 2); c.drop("c", 2); c.drop("d", 2) },
			[]place{{5, "", 0, "from here to 7 are missing"}}},
		{"drop and close the gap", func(c *tables) {
			c.drop("b", 2)
			for i := range c.events {
				if c.events[i].Index > 5 {
					c.events[i].Index--
				}
			}
		}, []place{{5, "c", 2, "not the event that was put here"}, {11, "", 0, "missing"}}},
		{"drop a whole record", func(c *tables) {
			for seq := range uint64(4) {
				c.drop("a", seq+1)
			}
			c.records = c.records[1:]
		}, []place{{0, "", 0, "missing"}, {4, "", 0, "missing"}, {8, "", 0, "missing"}}},
		{"drop a record but not its events", func(c *tables) { c.records = c.records[1:] },
			[]place{{0, "", 0, "belongs to no record"}, {8, "", 0, "belongs to no record"}, {-1, "a", 4, "belongs to no record"}}},
		{"insert into the log", func(c *tables) {
			for i := range c.events {
				if c.events[i].Index >= 5 {
					c.events[i].Index++
				}
			}
			c.events = append(c.events, audit.Entry{Key: caseKey("acme", "e"), Seq: 1, Index: 5, Leaf: c.at("a", 1).Leaf})
			c.log.Size++
		}, []place{{5, "e", 1, "it is event 1 of case \"a\""}, {5, "e", 1, "not the event that was put here"}, {12, "", 0, "under no checkpoint"}, {12, "", 0, "cannot be read"}}},
		{"insert into a record", func(c *tables) {
			w, _ := audit.Append(*c.record("b"), nil, nil, audit.Draft{Type: "case.voted/1", Occurred: noon, Recorded: noon.AddDate(1, 0, 0), Body: []byte("forged")})
			c.events = append(c.events, audit.Entry{Key: w.Key, Seq: 5, Index: -1, Leaf: w.Events[0]})
			r := c.record("b")
			r.Version, r.Head = 5, w.Head
		}, []place{{-1, "b", 0, "its state"}}},
		{"behind the end", func(c *tables) {
			c.at("a", 4).Index = 12
		}, []place{{12, "a", 4, "behind the end"}}},
		{"swap", func(c *tables) { a, b := c.at("a", 2), c.at("c", 2); a.Index, b.Index = b.Index, a.Index },
			[]place{{4, "c", 2, "not the event"}, {6, "a", 2, "not the event"}}},
		{"swap within a record", func(c *tables) { a, b := c.at("a", 2), c.at("a", 3); a.Index, b.Index = b.Index, a.Index },
			[]place{{4, "a", 3, "before an event that it follows"}, {8, "a", 2, "not the event"}}},
		{"taken out of the log", func(c *tables) { c.at("a", 2).Index = -1 },
			[]place{{4, "", 0, "missing"}, {8, "a", 3, "before an event that it follows"}}},
		{"duplicate", func(c *tables) { c.events = append(c.events, *c.at("b", 2)) },
			[]place{{5, "b", 2, "doubled"}, {5, "b", 2, "another event has it too"}}},
		{"cut the tail of the log", func(c *tables) {
			c.drop("c", 3)
			c.drop("d", 3)
			c.log.Size = 10
			c.hashes = c.hashes[:tlog.StoredHashCount(10)]
		},
			[]place{{10, "", 0, "the log ends here"}, {-1, "c", 3, "kept as event 4"}}},
		{"cut the tail of everything", func(c *tables) {
			for _, id := range []string{"a", "b", "c", "d"} {
				c.drop(id, 4)
			}
			c.log.Waiting = 0
		}, []place{{-1, "a", 4, "3 events where the record has 4 events"}}},
		{"cross-tenant splice", func(c *tables) {
			leaf := c.at("b", 2)
			e, _ := audit.ParseEvent(leaf.Leaf.Data)
			e.Key.Tenant = "other"
			leaf.Leaf.Data, _ = e.Format()
		}, []place{{5, "b", 2, "another tenant"}, {5, "b", 2, "it is an event of"}}},
		{"an event under another record", func(c *tables) { c.at("b", 2).Key.ID = "c" },
			[]place{{5, "c", 2, "it is event 2 of case \"b\""}}},
		{"version down", func(c *tables) { c.record("b").Version = 3 },
			[]place{{-1, "b", 4, "4 events where the record has 3 events"}}},
		{"version up", func(c *tables) { c.record("b").Version = 9 },
			[]place{{-1, "b", 5, "4 events where the record has 9 events"}}},
		{"head", func(c *tables) { c.record("b").Head[3] ^= 1 },
			[]place{{-1, "b", 4, "not the head"}}},
		{"state", func(c *tables) { c.record("b").State = []byte("approved") },
			[]place{{-1, "b", 0, "its state"}}},
		{"lists", func(c *tables) { c.record("b").Lists = nil },
			[]place{{-1, "b", 0, "lists"}}},
		{"opening edited", func(c *tables) {
			l := &c.at("b", 2).Leaf
			l.Openings = []byte(strings.Replace(string(l.Openings), "ann", "bob", 1))
		}, []place{{5, "b", 2, "personal datum voter is not the one"}}},
		{"opening of another event", func(c *tables) { c.at("b", 2).Leaf.Openings = c.at("c", 2).Leaf.Openings },
			[]place{{5, "b", 2, "personal datum voter is not the one"}}},
		{"a record listed twice", func(c *tables) { c.records = append(c.records, c.records[1]) },
			[]place{{-1, "b", 0, "listed twice"}}},
		{"a record of another tenant", func(c *tables) { c.record("b").Key.Tenant = "other" },
			[]place{{-1, "b", 0, "belongs to the tenant"}, {5, "", 0, "belongs to no record"}}},
		{"a record that nobody rebuilds", func(c *tables) { c.record("d").Key.Kind = "note" },
			[]place{{-1, "d", 1, "0 events where the record has 4 events"}, {3, "", 0, "belongs to no record"}}},
		{"leaf hash", func(c *tables) { c.hashes[tlog.StoredHashIndex(0, 7)][0] ^= 1 },
			[]place{{7, "d", 2, "not the event that was put here"}}},
		{"inner hash", func(c *tables) { c.hashes[tlog.StoredHashIndex(2, 1)][0] ^= 1 },
			[]place{{4, "", 0, "stored hash of the entries from here to 7"}}},
		{"hashes gone", func(c *tables) { c.hashes = c.hashes[:9] },
			[]place{{5, "", 0, "cannot be read"}}},
		{"hashes and entries gone", func(c *tables) { c.hashes = nil; c.drop("b", 2) },
			[]place{{0, "", 0, "cannot be read"}, {5, "", 0, "missing"}}},
		{"hashes gone where entries are", func(c *tables) { c.hashes = c.hashes[:1]; c.events = nil },
			[]place{{0, "", 0, "from here to 11 are missing"}, {0, "", 0, "cannot be read"}}},
		{"size too large", func(c *tables) { c.log.Size = 1 << 50 },
			[]place{{12, "", 0, "are missing"}, {12, "", 0, "under no checkpoint"}}},
		{"no such size", func(c *tables) { c.log.Size = math.MinInt64 },
			[]place{{-1, "", 0, "cannot have"}}},
		{"checkpoint gone", func(c *tables) { c.log.Checkpoint = nil },
			[]place{{-1, "", 0, "no checkpoint"}}},
		{"checkpoint edited", func(c *tables) {
			c.log.Checkpoint = []byte(strings.Replace(string(c.log.Checkpoint), "\n12\n", "\n11\n", 1))
		},
			[]place{{-1, "", 0, "the last checkpoint does not open"}}},
		{"re-signed with another key", func(c *tables) {
			signed, err := audit.Checkpoint{Origin: "example.com/acme", Size: 12}.Sign(key(t, "example.com/acme"))
			must(t, err)
			c.log.Checkpoint = signed
		}, []place{{-1, "", 0, "the last checkpoint does not open"}}},
		{"everything gone", func(c *tables) { *c = tables{} },
			[]place{{0, "", 0, "known checkpoint 1 has 4 entries, but the log ends here"}}},
		{"waiting event gone with its record", func(c *tables) {
			c.at("d", 4).Key.ID = "e"
		}, []place{{-1, "e", 4, "belongs to no record"}, {-1, "d", 4, "3 events"}}},
		{"index out of the log", func(c *tables) { c.at("d", 3).Index = 99 },
			[]place{{11, "", 0, "missing"}, {99, "d", 3, "behind the end"}, {-1, "d", 3, "neither in the log nor waiting"}}},
	}
	original, k := written(t, "acme", 1)
	early, err := original.Log(t.Context(), "acme", nil)
	must(t, err)
	_, err = audit.Sequence(t.Context(), original, "acme", k, nil)
	must(t, err)
	for range 2 {
		for _, id := range []string{"a", "b", "c", "d"} {
			write(t, original, caseKey("acme", id))
		}
		if c, _ := original.Log(t.Context(), "acme", nil); c.Size == 8 {
			_, err = audit.Sequence(t.Context(), original, "acme", k, nil)
			must(t, err)
		}
	}
	known := [][]byte{early.Checkpoint}
	if r := verify(t, copyTables(t, original, "acme"), audit.VerifyOptions{Verifier: k, Known: known}); !r.OK() {
		t.Fatal(r)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := copyTables(t, original, "acme")
			test.tamper(c)
			r := verify(t, c, audit.VerifyOptions{Verifier: k, Known: known})
			if r.OK() {
				t.Fatal("nothing was found")
			}
			for _, w := range test.want {
				if !slices.ContainsFunc(r.Problems, func(p audit.Problem) bool {
					return p.Index == w.index && p.Key.ID == w.id && p.Seq == w.seq && strings.Contains(p.What, w.what)
				}) {
					t.Errorf("nothing says %q at %d, %s %d\n%s", w.what, w.index, w.id, w.seq, r)
				}
			}
		})
	}
}

// INV-37: an old copy verifies by itself; who has seen more finds out.
func TestVerifyFindsAnOldCopy(t *testing.T) {
	s, k := written(t, "acme", 2)
	old := copyTables(t, s, "acme")
	p, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	if r := verify(t, old, audit.VerifyOptions{Verifier: k}); !r.OK() {
		t.Fatal(r)
	}
	r := verify(t, old, audit.VerifyOptions{Verifier: k, Known: [][]byte{p.Checkpoint}})
	if len(r.Problems) != 1 || r.Problems[0].Index != 8 || !strings.Contains(r.Problems[0].What, "old copy") {
		t.Error(r)
	}
	if r := verify(t, s, audit.VerifyOptions{Verifier: k, Known: [][]byte{old.log.Checkpoint, p.Checkpoint}}); !r.OK() {
		t.Error(r)
	}
}

// twoFaced shows one history to those who load records, and another one to
// those who read the log.
type twoFaced struct {
	*tables
	loads *tables
}

func (s twoFaced) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	return s.loads.Load(ctx, r)
}

func TestVerifyFindsTwoFaces(t *testing.T) {
	s, k := written(t, "acme", 2)
	c := twoFaced{copyTables(t, s, "acme"), copyTables(t, s, "acme")}
	c.loads.edit("c", 2)
	c.loads.rechain("c", 2)
	c.loads.records[2].State, _, _ = foldRecord(c.loads, "c")
	r := verify(t, c, audit.VerifyOptions{Verifier: k})
	if len(r.Problems) != 1 || r.Problems[0].Index != 6 || r.Problems[0].Key.ID != "c" || r.Problems[0].Seq != 2 {
		t.Error(r)
	}
}

// A holder of the key who rewrites the log is found by an older checkpoint,
// and where: after the last one that is still as it was.
func TestVerifyFindsAHolderOfTheKey(t *testing.T) {
	s, k := written(t, "acme", 2)
	first, _ := s.Log(t.Context(), "acme", nil)
	_, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	second, _ := s.Log(t.Context(), "acme", nil)
	c := copyTables(t, s, "acme")
	c.edit("b", 3)
	c.rechain("b", 3)
	c.rehash()
	c.records[1].State, _, _ = foldRecord(c, "b")
	unknown := verify(t, c, audit.VerifyOptions{})
	c.log.Checkpoint, err = audit.Checkpoint{Origin: k.Name(), Size: 12, Root: unknown.Root}.Sign(k)
	must(t, err)
	if r := verify(t, c, audit.VerifyOptions{Verifier: k}); !r.OK() {
		t.Fatal(r) // nobody else has seen anything
	}
	r := verify(t, c, audit.VerifyOptions{Verifier: k, Known: [][]byte{second.Checkpoint, first.Checkpoint}})
	if len(r.Problems) != 1 || r.Problems[0].Index != 8 || !strings.Contains(r.Problems[0].What, "known checkpoint 1 has another root") {
		t.Error(r)
	}
}

func foldRecord(c *tables, id string) ([]byte, []audit.Listing, error) {
	l, _ := c.Load(context.Background(), audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{caseKey("acme", id)}})
	opened, err := audit.OpenChain(l.Records[0], l.Events[0])
	if err != nil {
		return nil, nil, err
	}
	return fold(l.Records[0].Key, opened)
}

func TestVerifyErasure(t *testing.T) {
	s, k := written(t, "acme", 2)
	c := copyTables(t, s, "acme")
	c.at("b", 2).Leaf.Openings = nil
	if r := verify(t, c, audit.VerifyOptions{Verifier: k}); !r.OK() {
		t.Error(r)
	}
}

func TestVerifyNeedsTheKeyAndTheRebuilders(t *testing.T) {
	s, k := written(t, "acme", 1)
	r := verify(t, s, audit.VerifyOptions{})
	if r.OK() || r.Authenticated || len(r.Problems) != 0 || !strings.Contains(r.String(), "NOT authenticated") {
		t.Error(r)
	}
	if (audit.Report{}).OK() {
		t.Error("a report of nothing is not OK")
	}
	r, err := audit.Verify(t.Context(), s, "acme", nil)
	must(t, err)
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].What, "rebuilt") {
		t.Error(r)
	}
	broken := map[string]audit.Rebuild{"case": func(audit.Key, []audit.Opened) ([]byte, []audit.Listing, error) {
		return nil, nil, errors.New("no such vote")
	}}
	r = verify(t, s, audit.VerifyOptions{Verifier: k, Rebuild: broken})
	if r.OK() || len(r.Problems) != 4 || !strings.Contains(r.Problems[0].What, "no such vote") {
		t.Error(r)
	}
	if r := verify(t, s, audit.VerifyOptions{Verifier: k, Known: [][]byte{[]byte("x")}}); len(r.Problems) != 1 {
		t.Error(r)
	}
}

func TestVerifyEmpty(t *testing.T) {
	s, _ := written(t, "other", 1)
	r := verify(t, s, audit.VerifyOptions{Verifier: key(t, "example.com/acme")})
	if r.OK() || r.Records != 0 || r.Root.String() != "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" {
		t.Errorf("a log that nobody has signed is not authenticated: %s", r)
	}
}

func TestReportKeepsAHundredProblems(t *testing.T) {
	s, k := written(t, "acme", 40)
	c := copyTables(t, s, "acme")
	for i := range c.events {
		c.events[i].Leaf.Data = nil
	}
	r := verify(t, c, audit.VerifyOptions{Verifier: k})
	if len(r.Problems) != 100 || r.More < 160 || r.OK() || !strings.Contains(r.String(), fmt.Sprintf("And %d problems more.", r.More)) {
		t.Errorf("%d and %d", len(r.Problems), r.More)
	}
}

// INV-40: what somebody wrote never makes a line of its own in a report.
func TestReportIsOneLineEach(t *testing.T) {
	p := audit.Problem{Index: 3, Key: audit.Key{Tenant: "t", Kind: "ca\nse", ID: "x\ny\x1b[2J"}, Seq: 7, What: "gone"}
	if got := p.String(); got != `entry 3 of the log, event 7 of "ca\nse" "x\ny\x1b[2J": gone` {
		t.Error(got)
	}
}

// Every single bit of the tables counts: flipped, it is found.
func TestVerifyFindsFlippedBits(t *testing.T) {
	s, k := written(t, "acme", 1)
	size := len(copyTables(t, s, "acme").events[0].Leaf.Data)
	for at := 0; at < size; at++ {
		c := copyTables(t, s, "acme")
		data := slices.Clone(c.events[0].Leaf.Data)
		data[at] ^= 1 << (at % 8)
		c.events[0].Leaf.Data = data
		if r := verify(t, c, audit.VerifyOptions{Verifier: k}); r.OK() || r.Problems[0].Index != 0 {
			t.Errorf("byte %d: %s", at, r)
		}
	}
}

func TestVerifySaysThatTheStoreCannotBeRead(t *testing.T) {
	s, _ := written(t, "acme", 1)
	must(t, s.Close())
	if _, err := audit.Verify(t.Context(), s, "acme", nil); !errors.Is(err, audit.ErrClosed) {
		t.Error(err)
	}
}
