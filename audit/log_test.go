package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

func TestCheckpoint(t *testing.T) {
	k := key(t, "example.com/acme")
	c := audit.Checkpoint{Origin: "example.com/acme", Size: 7, Root: audit.Hash{1}}
	signed, err := c.Sign(k)
	must(t, err)
	if !strings.HasPrefix(string(signed), "example.com/acme\n7\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— example.com/acme ") {
		t.Errorf("%s", signed)
	}
	if back, err := audit.OpenCheckpoint(signed, k); err != nil || back != c {
		t.Error(back, err)
	}
	witness := key(t, "witness.example")
	n, err := note.Open(signed, note.VerifierList(k))
	must(t, err)
	cosigned, err := note.Sign(n, witness)
	must(t, err)
	if back, err := audit.OpenCheckpoint(cosigned, k); err != nil || back != c {
		t.Error("signed by a witness too:", err)
	}
	if _, err := audit.OpenCheckpoint(cosigned, witness); err == nil {
		t.Error("a witness is not the log")
	}
	if _, err := audit.OpenCheckpoint(signed, key(t, "example.com/acme")); err == nil {
		t.Error("another key of the same name")
	}
	if _, err := audit.OpenCheckpoint(signed, nil); !errors.Is(err, audit.ErrInvalid) {
		t.Error(err)
	}
	for _, bad := range []audit.Checkpoint{{Origin: "other"}, {Origin: k.Name(), Size: -1}, {Origin: k.Name(), Size: 1 << 62}} {
		if _, err := bad.Sign(k); !errors.Is(err, audit.ErrInvalid) {
			t.Error(bad, err)
		}
	}
}

func TestOpenCheckpointIsStrict(t *testing.T) {
	k := key(t, "log")
	root := strings.Repeat("A", 43) + "="
	for text, what := range map[string]string{
		"log\n7\n" + root + "\n":                      "",
		"log\n0\n" + root + "\n":                      "",
		"log\n07\n" + root + "\n":                     "byte 4: the size",
		"log\n+7\n" + root + "\n":                     "byte 4: the size",
		"log\n-7\n" + root + "\n":                     "byte 4: the size",
		"log\n9223372036854775807\n" + root + "\n":    "byte 4: the size",
		"log\n7\n" + root[:43] + "\n":                 "byte 6: the root",
		"log\n7\n" + strings.Repeat("A", 42) + "B=\n": "byte 6: the root",
		"log\n7\n" + strings.Repeat("A", 44) + "\n":   "byte 6: the root",
		"log\n7\n":                                      "three lines",
		"log\n7\n" + root + "\nextension\n":             "three lines",
		"\n7\n" + root + "\n":                           "three lines",
		"other\n7\n" + root + "\n":                      "of \"other\"",
		"go.sum database tree\n7\n" + root + "\n":       "of \"go.sum database tree\"",
		"changelane/event/v1\ntenant 1:a\nkind 1:b\n\n": "three lines",
	} {
		signed, err := note.Sign(&note.Note{Text: text}, k)
		must(t, err)
		_, err = audit.OpenCheckpoint(signed, k)
		if what == "" && err != nil || what != "" && (err == nil || !strings.Contains(err.Error(), what)) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestKeys(t *testing.T) {
	for _, bad := range []string{"", "a b", "a+b", "a\xff"} {
		if s, v, err := audit.GenerateKey(bad); !errors.Is(err, audit.ErrInvalid) || s != "" || v != "" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	s, v, err := audit.GenerateKey("log")
	must(t, err)
	for _, bad := range []string{"", v, s[:len(s)-1], strings.Replace(s, "log", "lag", 1), "PRIVATE+KEY+log"} {
		if _, err := audit.NewSigner(bad); err == nil || len(bad) > 20 && strings.Contains(err.Error(), bad[20:]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	k, err := audit.NewSigner(s)
	must(t, err)
	sig, err := k.Sign([]byte("text"))
	must(t, err)
	known, err := note.NewVerifier(v)
	must(t, err)
	if !known.Verify([]byte("text"), sig) || !k.Verify([]byte("text"), sig) || k.Verify([]byte("texts"), sig) {
		t.Error("the signer and its verifying key do not agree")
	}
}

func TestSequence(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	empty, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	if err != nil || !reflect.DeepEqual(empty, audit.Progress{}) {
		t.Fatal(empty, err)
	}
	var known [][]byte
	for size := int64(0); size < 40; {
		n := size%3 + 1
		for i := range n {
			write(t, s, caseKey("acme", fmt.Sprint((size+i)%5)))
		}
		p, err := audit.Sequence(t.Context(), s, "acme", k, &audit.SequenceOptions{Known: known})
		must(t, err)
		size += n
		c, err := audit.OpenCheckpoint(p.Checkpoint, k)
		if err != nil || p.Size != size || p.Added != n || c.Size != size {
			t.Fatal(p, c, err)
		}
		known = append(known, p.Checkpoint)
	}
	again, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	if err != nil || again.Added != 0 || !bytes.Equal(again.Checkpoint, known[len(known)-1]) {
		t.Error("nothing was to do:", again, err)
	}
	if r := verify(t, s, audit.VerifyOptions{Verifier: k, Known: known}); !r.OK() {
		t.Error(r)
	}
}

// More than a page: each is settled by itself, under a renewed lease.
func TestSequenceInPages(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	drafts := make([]audit.Draft, audit.MaxEvents)
	for i := range drafts {
		drafts[i] = audit.Draft{Type: "case.voted/1", Occurred: noon, Recorded: noon}
	}
	const records = audit.MaxSequence/audit.MaxEvents + 1
	for i := range records {
		r := audit.Record{Key: caseKey("acme", fmt.Sprint(i))}
		w, err := audit.Append(r, bytes.Repeat([]byte("case.voted/1 \n"), len(drafts)), []audit.Listing{{List: "open", Sort: r.Key.ID}}, drafts...)
		must(t, err)
		_, err = s.Commit(t.Context(), audit.Batch{Tenant: "acme", Writes: []audit.Write{w}})
		must(t, err)
	}
	now := noon
	options := &audit.SequenceOptions{Owner: "me", Lease: time.Minute, Now: func() time.Time { return now }}
	taken := audit.ClaimRequest{Tenant: "acme", Work: audit.Sequencing, Owner: "other", For: time.Minute}
	w := &watched{Store: s}
	w.after = func() { // another worker has the lease between the pages, and still at the second time
		now = now.Add(2 * time.Minute)
		taken.Now = now
		_, err := s.Claim(t.Context(), taken)
		must(t, err)
		now = now.Add(time.Duration(2-w.sequenced) * time.Minute)
	}
	p, err := audit.Sequence(t.Context(), w, "acme", k, options)
	if !errors.Is(err, audit.ErrLeaseLost) || w.sequenced != 2 || p.Added != records*audit.MaxEvents || p.Size != p.Added {
		t.Error(p.Size, p.Added, err)
	}
	if r := verify(t, s, audit.VerifyOptions{Verifier: k}); !r.OK() {
		t.Error(r)
	}
}

// INV-37: what is not as it was signed is not extended.
func TestSequenceRefusesToExtend(t *testing.T) {
	s, k := written(t, "acme", 3)
	stranger, err := audit.Checkpoint{Origin: "example.com/acme", Size: 12}.Sign(key(t, "example.com/acme"))
	must(t, err)
	larger, err := audit.Checkpoint{Origin: "example.com/acme", Size: 13}.Sign(k)
	must(t, err)
	other, err := audit.Checkpoint{Origin: "example.com/acme", Size: 5}.Sign(k)
	must(t, err)
	for name, test := range map[string]struct {
		tamper func(c *tables, o *audit.SequenceOptions)
		what   string
	}{
		"no checkpoint":      {func(c *tables, o *audit.SequenceOptions) { c.log.Checkpoint = nil }, "last checkpoint"},
		"stranger":           {func(c *tables, o *audit.SequenceOptions) { c.log.Checkpoint = stranger }, "last checkpoint"},
		"size of checkpoint": {func(c *tables, o *audit.SequenceOptions) { c.log.Checkpoint = larger }, "12 entries and its last checkpoint 13"},
		"root":               {func(c *tables, o *audit.SequenceOptions) { c.hashes[tlog.StoredHashIndex(3, 0)][0] ^= 1 }, "root"},
		"size":               {func(c *tables, o *audit.SequenceOptions) { c.log.Size = 8 }, "8 entries"},
		"negative size":      {func(c *tables, o *audit.SequenceOptions) { c.log.Size = -1 }, "cannot have"},
		"all gone":           {func(c *tables, o *audit.SequenceOptions) { c.log.Size, c.log.Checkpoint = 0, nil }, "a checkpoint of 13 is known"},
		"last entry":         {func(c *tables, o *audit.SequenceOptions) { c.edit("d", 3) }, "entry 11"},
		"last entry gone":    {func(c *tables, o *audit.SequenceOptions) { c.drop("d", 3) }, "entry 11"},
		"known":              {func(c *tables, o *audit.SequenceOptions) { o.Known = [][]byte{other} }, "known checkpoint of its first 5"},
		"known stranger":     {func(c *tables, o *audit.SequenceOptions) { o.Known = [][]byte{stranger} }, "known checkpoint"},
		"waiting event":      {func(c *tables, o *audit.SequenceOptions) { c.at("a", 4).Leaf.Data = nil }, "event 4 of case \"a\""},
		"waiting opening":    {func(c *tables, o *audit.SequenceOptions) { c.at("a", 4).Leaf.Openings = c.at("b", 4).Leaf.Openings }, "not the one"},
		"waiting with index": {func(c *tables, o *audit.SequenceOptions) { c.at("a", 3).Index = -2; c.edit("a", 3) }, "it waits for its place in the log, and has the index -2"},
		"waiting tenant": {func(c *tables, o *audit.SequenceOptions) {
			e := c.at("a", 4)
			event, _ := audit.ParseEvent(e.Leaf.Data)
			e.Key.Tenant, event.Key.Tenant = "other", "other"
			e.Leaf.Data, _ = event.Format()
		}, "it is event 4 of case \"a\""},
		"waiting place": {func(c *tables, o *audit.SequenceOptions) { c.at("a", 4).Key.ID = "z" }, "it is event 4 of case \"a\""},
	} {
		c := copyTables(t, s, "acme")
		o := audit.SequenceOptions{Owner: name}
		if name == "all gone" {
			o.Known = [][]byte{larger}
		}
		test.tamper(c, &o)
		writes := &watched{Store: c}
		_, err := audit.Sequence(t.Context(), writes, "acme", k, &o)
		if err == nil || !strings.Contains(err.Error(), test.what) || writes.sequenced != 0 {
			t.Errorf("%s: %v", name, err)
		}
		if name != "known stranger" && !errors.Is(err, audit.ErrTampered) {
			t.Errorf("%s is not a sign of tampering: %v", name, err)
		}
	}
	p, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	if err != nil || p.Added != 4 {
		t.Error("every lease was given back:", err)
	}
	if _, err := audit.Sequence(t.Context(), s, "acme", nil, nil); !errors.Is(err, audit.ErrInvalid) {
		t.Error(err)
	}
}

// watched counts what is put into the log, and can stand in the way.
type watched struct {
	audit.Store
	sequenced int
	before    func() error // each settlement that sequences
	after     func()
}

func (w *watched) Settle(ctx context.Context, s audit.Settlement) error {
	if s.Sequenced != nil {
		if w.before != nil {
			if err := w.before(); err != nil {
				return err
			}
		}
		w.sequenced++
		if w.after != nil {
			defer w.after()
		}
	}
	return w.Store.Settle(ctx, s)
}

// An order in which an event would come before the one that it follows.
func TestSequenceKeepsTheOrderOfARecord(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	write(t, s, caseKey("acme", "a"))
	write(t, s, caseKey("acme", "a"))
	c := copyTables(t, s, "acme")
	slices.Reverse(c.events)
	_, err := audit.Sequence(t.Context(), c, "acme", k, nil)
	if tampered, ok := errors.AsType[*audit.TamperedError](err); !ok || tampered.Seq != 1 || !strings.Contains(tampered.What, "does not follow") {
		t.Error(err)
	}
	slices.Reverse(c.events)
	edited := copyTables(t, s, "acme")
	edited.edit("a", 1)
	_, err = audit.Sequence(t.Context(), edited, "acme", k, nil)
	if tampered, ok := errors.AsType[*audit.TamperedError](err); !ok || tampered.Seq != 2 || !strings.Contains(tampered.What, "does not follow") {
		t.Error(err)
	}
	c.events[0].Index = 5
	c.events = append(c.events[1:], audit.Entry{Key: caseKey("acme", "a"), Seq: 3, Index: -1, Leaf: c.events[0].Leaf})
	if _, err := audit.Sequence(t.Context(), c, "acme", k, nil); !errors.Is(err, audit.ErrTampered) {
		t.Error(err)
	}
}

func TestSequenceByOneAtATime(t *testing.T) {
	s, k := written(t, "acme", 1)
	now := noon
	clock := func() time.Time { return now }
	claim := func(owner string) error {
		_, err := s.Claim(t.Context(), audit.ClaimRequest{Tenant: "acme", Work: audit.Sequencing, Owner: owner, Now: now, For: time.Minute})
		return err
	}
	must(t, claim("other"))
	options := &audit.SequenceOptions{Owner: "me", Now: clock, Lease: time.Minute}
	if _, err := audit.Sequence(t.Context(), s, "acme", k, options); !errors.Is(err, audit.ErrLeased) {
		t.Error(err)
	}
	now = now.Add(time.Hour)
	// Another worker takes over while this one computes: its page is refused.
	w := &watched{Store: s, before: func() error { now = now.Add(2 * time.Minute); return claim("other") }}
	if p, err := audit.Sequence(t.Context(), w, "acme", k, options); !errors.Is(err, audit.ErrLeaseLost) || p.Added != 0 {
		t.Error(p, err)
	}
	now = now.Add(time.Hour)
	// An outcome that is not known is not a success, and the next run goes on.
	w.before = func() error { return audit.ErrOutcomeUnknown }
	if p, err := audit.Sequence(t.Context(), w, "acme", k, options); !errors.Is(err, audit.ErrOutcomeUnknown) || p.Size != 4 || p.Added != 0 {
		t.Error(p, err)
	}
	w.before = nil
	if p, err := audit.Sequence(t.Context(), w, "acme", k, options); err != nil || p.Size != 8 || p.Added != 4 {
		t.Error(p, err)
	}
	must(t, claim("other")) // it was given back
	now = now.Add(time.Hour)
	// Another worker has put events into the log between two pages.
	write(t, s, caseKey("acme", "a"))
	w.after = func() {
		w.after = nil
		now = now.Add(2 * time.Minute)
		write(t, s, caseKey("acme", "a"))
		_, err := audit.Sequence(t.Context(), s, "acme", k, &audit.SequenceOptions{Owner: "other", Now: clock})
		must(t, err)
		write(t, s, caseKey("acme", "a"))
	}
	if p, err := audit.Sequence(t.Context(), w, "acme", k, options); err != nil || p.Size != 11 || p.Added != 2 {
		t.Error(p, err)
	}
}

func TestSequenceStopsWithItsContext(t *testing.T) {
	s, k := written(t, "acme", 1)
	ctx, cancel := context.WithCancel(t.Context())
	w := &watched{Store: s, before: func() error { cancel(); return nil }}
	if _, err := audit.Sequence(ctx, w, "acme", k, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if p, err := audit.Sequence(t.Context(), s, "acme", k, nil); err != nil || p.Size != 8 {
		t.Error("the lease was given back:", p, err)
	}
}

func TestProofs(t *testing.T) {
	s, k := written(t, "acme", 4) // 16 in the log; 4 wait
	_, err := audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	write(t, s, caseKey("acme", "a"))
	_, err = audit.Sequence(t.Context(), s, "acme", k, nil)
	must(t, err)
	c := copyTables(t, s, "acme")
	stranger := key(t, "example.com/acme")
	for e := range c.Events(t.Context(), audit.EventsRequest{}) {
		p, err := audit.Prove(t.Context(), s, "acme", e.Index)
		must(t, err)
		text := audit.FormatProof(p)
		p, err = audit.ParseProof(text)
		must(t, err)
		if again := audit.FormatProof(p); !bytes.Equal(again, text) {
			t.Errorf("%s\nwas read as\n%s", text, again)
		}
		cp, err := p.Check(e.Leaf.Data, k)
		if err != nil || cp.Size != 21 || len(p.Path) != pathLength(e.Index) {
			t.Errorf("entry %d: %d hashes, %v", e.Index, len(p.Path), err)
		}
		if _, err := p.Check(append(slices.Clone(e.Leaf.Data), '\n'), k); !errors.Is(err, audit.ErrTampered) {
			t.Errorf("entry %d: another event passes: %v", e.Index, err)
		}
		if _, err := p.Check(e.Leaf.Data, stranger); err == nil {
			t.Errorf("entry %d: another key passes", e.Index)
		}
		for _, bad := range []audit.Proof{
			{Index: p.Index + 1, Path: p.Path, Checkpoint: p.Checkpoint},
			{Index: -1, Path: p.Path, Checkpoint: p.Checkpoint},
			{Index: p.Index, Path: append(slices.Clone(p.Path), audit.Hash{}), Checkpoint: p.Checkpoint},
			{Index: p.Index, Path: p.Path[:len(p.Path)-1], Checkpoint: p.Checkpoint},
		} {
			if _, err := bad.Check(e.Leaf.Data, k); err == nil {
				t.Errorf("entry %d: a proof of %d with %d hashes passes", e.Index, bad.Index, len(bad.Path))
			}
		}
		for i := range p.Path {
			bad := audit.Proof{Index: p.Index, Path: slices.Clone(p.Path), Checkpoint: p.Checkpoint}
			bad.Path[i][i] ^= 1
			if _, err := bad.Check(e.Leaf.Data, k); err == nil {
				t.Errorf("entry %d: hash %d may be anything", e.Index, i)
			}
		}
	}
	for _, index := range []int64{-1, 21} {
		if _, err := audit.Prove(t.Context(), s, "acme", index); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
}

// pathLength is the length of a path in the tree of 21: 16 leaves, then 4, then 1.
func pathLength(index int64) int {
	switch {
	case index < 16:
		return 4 + 1
	case index < 20:
		return 2 + 1 + 1
	}
	return 1 + 1
}

func TestConsistency(t *testing.T) {
	s, k := memory.New(), key(t, "example.com/acme")
	var earlier []audit.Checkpoint
	for range 12 {
		write(t, s, caseKey("acme", "a"))
		p, err := audit.Sequence(t.Context(), s, "acme", k, nil)
		must(t, err)
		c, err := audit.OpenCheckpoint(p.Checkpoint, k)
		must(t, err)
		earlier = append(earlier, c)
	}
	for _, c := range earlier {
		p, err := audit.ProveConsistency(t.Context(), s, "acme", c.Size)
		must(t, err)
		if now, err := p.Check(c, k); err != nil || now != earlier[11] {
			t.Errorf("size %d: %v", c.Size, err)
		}
		forked := c
		forked.Root[5] ^= 1
		if _, err := p.Check(forked, k); !errors.Is(err, audit.ErrTampered) {
			t.Errorf("size %d: another root passes: %v", c.Size, err)
		}
		forked = c
		forked.Origin = "example.com/other"
		if _, err := p.Check(forked, k); !errors.Is(err, audit.ErrTampered) {
			t.Errorf("size %d: another log passes: %v", c.Size, err)
		}
		if _, err := p.Check(c, key(t, k.Name())); err == nil {
			t.Errorf("size %d: another key passes", c.Size)
		}
	}
	for _, size := range []int64{0, 13} {
		if _, err := audit.ProveConsistency(t.Context(), s, "acme", size); !errors.Is(err, audit.ErrNotFound) {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func TestParseProofIsStrict(t *testing.T) {
	s, k := written(t, "acme", 2)
	p, err := audit.Prove(t.Context(), s, "acme", 5)
	must(t, err)
	good := string(audit.FormatProof(p))
	if !strings.HasPrefix(good, "c2sp.org/tlog-proof@v1\nindex 5\n"+p.Path[0].String()+"\n") ||
		!strings.HasSuffix(good, p.Path[2].String()+"\n\n"+string(p.Checkpoint)) || !strings.Contains(good, k.Name()) {
		t.Errorf("%s", good)
	}
	path := p.Path[0].String() + "\n"
	for _, test := range []struct{ old, new, what string }{
		{"@v1", "@v2", "byte 0"},
		{"@v1\nindex 5\n", "@v1\nextra AA==\nindex 5\n", "byte 23: here belongs the index"},
		{"index 5", "index 05", "byte 23: here belongs the index"},
		{"index 5", "index -5", "byte 23: here belongs the index"},
		{"index 5", "5", "byte 23: here belongs the index"},
		{path, path[1:], "byte 31: here belongs a hash"},
		{path, strings.Repeat(path, 63), "one of at most 62"},
		{path, path + " \n", "here belongs a hash"},
		{"\n\n", "\n", "here belongs a hash"},
		{"\n\n" + string(p.Checkpoint), "\n\n", "no empty line"},
		{"\n\n" + string(p.Checkpoint), "", "no empty line"},
	} {
		_, err := audit.ParseProof([]byte(strings.Replace(good, test.old, test.new, 1)))
		if wrong, ok := errors.AsType[*audit.FormatError](err); !ok || !strings.Contains(wrong.Error(), test.what) {
			t.Errorf("%q for %q: %v", test.new, test.old, err)
		}
	}
	if _, err := audit.ParseProof(make([]byte, audit.MaxState+1)); err == nil {
		t.Error("a proof of any length is read")
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	k := key(f, "log")
	for _, text := range []string{"log\n7\n" + strings.Repeat("A", 43) + "=\n", "log\n0\n\n", "other\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		signed, err := note.Sign(&note.Note{Text: string(text)}, k)
		if err != nil {
			return
		}
		c, err := audit.OpenCheckpoint(signed, k)
		if err != nil {
			return
		}
		if again, err := c.Sign(k); err != nil || !bytes.Equal(again, signed) {
			t.Fatalf("%q became %q, %v", signed, again, err)
		}
	})
}

func FuzzParseProof(f *testing.F) {
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\nlog\n1\n"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 1\n" + strings.Repeat("A", 43) + "=\n\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := audit.ParseProof(data)
		if err != nil {
			return
		}
		if again := audit.FormatProof(p); !bytes.Equal(again, data) {
			t.Fatalf("%q became %q", data, again)
		}
	})
}
