package audittest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/changelane/changelane/audit"
)

var commitChecks = []check{
	{"what a batch writes is there at once", "INV-31", wholeBatch},
	{"a batch with one stale part leaves nothing", "INV-31", staleBatch},
	{"a record that is only read must still be as it was", "INV-12", staleReads},
	{"events are counted and chained within their record", "INV-36", chained},
	{"bytes come back as they were written", "INV-41", exactBytes},
	{"nothing is shared with the caller", "INV-46", notShared},
}

var commandChecks = []check{
	{"a command is carried out once", "INV-35", commandOnce},
	{"a command is not used for something else", "INV-35", commandReused},
	{"a command is answered before versions are looked at", "INV-35", commandFirst},
	{"a batch that failed leaves its command free", "INV-34", commandFree},
	{"ten duplicates at once give one event", "INV-35", commandDuplicates},
}

// request is the hash of what a command asked for.
func request(what string) audit.Hash { return audit.LeafHash([]byte(what)) }

// full is a batch with one of everything, which writes two new records.
func (s *scene) full() audit.Batch {
	one := s.next(audit.Record{Key: caseKey("one")}, []audit.Listing{{List: "open", Sort: "1"}}, "first", "second")
	two := s.next(audit.Record{Key: caseKey("two")}, nil, "first")
	return audit.Batch{
		Tenant: tenant, Command: "do it", Request: request("it"), Answer: []byte("done"),
		Writes:   []audit.Write{one, two},
		Reads:    []audit.Read{{Key: caseKey("three")}},
		Messages: []audit.Message{{Topic: "mail", Key: one.Key, Seq: 2, Body: []byte("hello")}},
	}
}

func wholeBatch(s *scene) {
	b := s.full()
	if done := s.commit(b); done.Replayed || !bytes.Equal(done.Answer, b.Answer) {
		s.Errorf("Commit gave %+v; expected the answer of the batch, not replayed", done)
	}
	found := s.load(caseKey("one"), caseKey("two"), caseKey("three"))
	for i, w := range b.Writes {
		r := found.Records[i]
		if r.Key != w.Key || r.Version != uint64(len(w.Events)) || r.Head != w.Head || !bytes.Equal(r.State, w.State) || !slices.Equal(r.Lists, w.Lists) {
			s.Errorf("%s was written as %+v and is %+v", w.Key, w, r)
		}
	}
	s.absent(found.Records[2])
	if listed := ids(s.list(audit.ListRequest{Kind: "case", List: "open"})); listed != "one" {
		s.Errorf("the list holds %q and not the record that was put there", listed)
	}
	if n := len(s.events(audit.EventsRequest{Unsequenced: true})); n != 3 {
		s.Errorf("%d events wait for the log and not the 3 that were written", n)
	}
	if m := s.mail(caseKey("one")); m != "one/2 " {
		s.Errorf("the messages are %q and not the one that was written", m)
	}
}

// absent fails unless a record does not exist.
func (s *scene) absent(r audit.Record) {
	s.Helper()
	if r.Version != 0 || r.Head != (audit.Hash{}) || len(r.State) > 0 || len(r.Lists) > 0 {
		s.Errorf("%s does not exist and is %+v", r.Key, r)
	}
}

// ids are the ids of records in their order.
func ids(rs []audit.Record) string {
	var all []string
	for _, r := range rs {
		all = append(all, r.Key.ID)
	}
	return strings.Join(all, " ")
}

// stale is one way in which a batch can be behind.
type stale struct {
	what       string
	part       func(*scene, *audit.Batch)
	key        audit.Key
	want, have uint64
}

// stales are all ways; the record "old" has three events, "new" none.
func stales() []stale {
	earlier := func(s *scene) audit.Record {
		r := s.record(caseKey("old"))
		r.Version, r.Head = 2, audit.LeafHash(s.load(r.Key).Events[0][1].Leaf.Data)
		return r
	}
	add := func(record func(*scene) audit.Record) func(*scene, *audit.Batch) {
		return func(s *scene, b *audit.Batch) { b.Writes = append(b.Writes, s.next(record(s), nil, "late")) }
	}
	return []stale{
		{"a write from an earlier version", add(earlier), caseKey("old"), 2, 3},
		{"a write of a record that exists as a new one", add(func(*scene) audit.Record {
			return audit.Record{Key: caseKey("old")}
		}), caseKey("old"), 0, 3},
		{"a write from a version to come", add(func(s *scene) audit.Record {
			return audit.Record{Key: caseKey("old"), Version: 4, Head: s.record(caseKey("old")).Head}
		}), caseKey("old"), 4, 3},
		{"a write from another head", add(func(*scene) audit.Record {
			return audit.Record{Key: caseKey("old"), Version: 3, Head: request("no such head")}
		}), caseKey("old"), 3, 3},
		{"a write of a record that does not exist", add(func(*scene) audit.Record {
			return audit.Record{Key: caseKey("new"), Version: 1, Head: request("no such head")}
		}), caseKey("new"), 1, 0},
		readOf("an earlier version", "old", 2, 3), readOf("a version to come", "old", 4, 3),
		readOf("a record that exists as one that does not", "old", 0, 3), readOf("a record that does not exist", "new", 1, 0),
	}
}

func readOf(what, id string, want, have uint64) stale {
	return stale{"a read of " + what, func(_ *scene, b *audit.Batch) {
		b.Reads = append(b.Reads, audit.Read{Key: caseKey(id), Version: want})
	}, caseKey(id), want, have}
}

func staleBatch(s *scene) {
	s.grow(caseKey("old"), "first", "second", "third")
	before := s.see()
	for _, st := range stales() {
		b := s.full()
		st.part(s, &b)
		done, err := s.store.Commit(context.Background(), b)
		if done.Replayed || done.Answer != nil {
			s.Errorf("%s: Commit failed and gave %+v", st.what, done)
		}
		s.isStale(err, st)
		s.unchanged(before, st.what)
		found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Command: b.Command})
		s.must(err)
		if found.Answer != nil {
			s.Errorf("%s: the command was kept", st.what)
		}
		if m := s.mail(caseKey("one")); m != "" {
			s.Errorf("%s: the messages %q were kept", st.what, m)
		}
	}
	s.commit(s.full())
}

func (s *scene) isStale(err error, st stale) {
	s.Helper()
	var is *audit.StaleError
	if !errors.Is(err, audit.ErrStale) || !errors.As(err, &is) {
		s.Errorf("%s: expected a *StaleError, got %v", st.what, err)
		return
	}
	if is.Key != st.key || is.Want != st.want || is.Have != st.have {
		s.Errorf("%s: expected the error to name %s, wanted %d, had %d; it names %s, %d, %d",
			st.what, st.key, st.want, st.have, is.Key, is.Want, is.Have)
	}
}

func staleReads(s *scene) {
	s.grow(caseKey("template"), "active")
	submit := func(id string) error {
		_, err := s.store.Commit(context.Background(), audit.Batch{
			Tenant: tenant,
			Writes: []audit.Write{s.next(audit.Record{Key: caseKey(id)}, nil, "authorised")},
			Reads:  []audit.Read{{Key: caseKey("template"), Version: 1}, {Key: caseKey("ban"), Version: 0}},
		})
		return err
	}
	s.must(submit("one"))
	if r := s.record(caseKey("template")); r.Version != 1 {
		s.Errorf("a record that was only read went to version %d", r.Version)
	}
	s.grow(caseKey("template"), "suspended")
	if err := submit("two"); !errors.Is(err, audit.ErrStale) {
		s.Errorf("a read of a record that moved on: expected ErrStale, got %v", err)
	}
	s.absent(s.record(caseKey("two")))
}

func chained(s *scene) {
	k := caseKey("long")
	for i, notes := range [][]string{{"a"}, {"b", "c", "d"}, {"e", "f"}} {
		r := s.grow(k, notes...)
		entries := s.load(k).Events[0]
		opened, err := audit.OpenChain(r, entries)
		if err != nil {
			s.Fatalf("after %d writes: %v", i+1, err)
		}
		if want := draft(notes[len(notes)-1]).Body; !bytes.Equal(opened[len(opened)-1].Body, want) {
			s.Errorf("after %d writes the last event says %s and not %s", i+1, opened[len(opened)-1].Body, want)
		}
		for _, e := range entries {
			if e.Index != -1 {
				s.Errorf("event %d is not in the log and has index %d", e.Seq, e.Index)
			}
		}
	}
}

// odd are bytes that a store might trip over.
func odd() [][]byte {
	all := [][]byte{nil, {}, {0}, []byte("a\x00b\x00"), {0xff, 0xfe, 0xc3, 0x28}, []byte("\r\n\\'\"%_"), []byte("\ufeffe\u0301\u00e9")}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	return append(all, every, bytes.Repeat([]byte{0, 255}, 50_000))
}

func exactBytes(s *scene) {
	for i, data := range odd() {
		k := caseKey(fmt.Sprint("odd ", i))
		d := draft("odd")
		if i > 0 {
			d.Personal = []audit.Field{{Name: "who", Value: data}}
		}
		w, err := audit.Append(audit.Record{Key: k}, data, nil, d)
		s.must(err)
		b := audit.Batch{Tenant: tenant, Command: fmt.Sprint("odd ", i), Request: request("odd"), Answer: data, Writes: []audit.Write{w},
			Messages: []audit.Message{{Topic: "odd", Key: k, Seq: 1, Body: data}}}
		s.commit(b)
		found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{k}, Events: true, Command: b.Command})
		s.must(err)
		if found.Answer == nil || len(found.Records) != 1 || len(found.Events) != 1 || len(found.Events[0]) != 1 {
			s.Fatalf("Load gave %+v; expected a record, an event and an answer", found)
		}
		leaf := found.Events[0][0].Leaf
		messages := s.claim("odd", audit.Shard(k), "reader", noon).Messages // about k last
		s.same(i, "state", found.Records[0].State, data)
		s.same(i, "answer", found.Answer.Answer, data)
		s.same(i, "leaf", leaf.Data, w.Events[0].Data)
		s.same(i, "openings", leaf.Openings, w.Events[0].Openings)
		if len(w.Events[0].Openings) == 0 && leaf.Openings != nil {
			s.Errorf("no openings came back as empty ones and not as nil")
		}
		if len(messages) == 0 {
			s.Fatalf("the message about %s does not come", k)
		}
		s.same(i, "body", messages[len(messages)-1].Body, data)
	}
}

func (s *scene) same(i int, what string, got, want []byte) {
	s.Helper()
	if !bytes.Equal(got, want) {
		s.Errorf("odd bytes %d: the %s was %.40q and came back as %.40q (%d and %d bytes)", i, what, want, got, len(want), len(got))
	}
}

func notShared(s *scene) {
	b := s.full()
	b.Writes[0].Lists = []audit.Listing{{List: "open", Sort: "1"}, {List: "week", Sort: "1"}}
	s.commit(b)
	q := sequenced(0, audit.Place{Key: b.Writes[0].Key, Seq: 1})
	s.settle(audit.Settlement{Lease: s.claim(audit.Sequencing, 0, "sequencer", noon).Lease, Sequenced: q})
	look := func() []string {
		lines := append(s.see(), sayRecord(s.record(caseKey("one"))), fmt.Sprintf("%+v", s.answer(b.Command)))
		for _, m := range s.claim("mail", audit.Shard(caseKey("one")), "reader", noon).Messages {
			lines = append(lines, sayMessage(m))
		}
		return lines
	}
	before := look()
	spoil := func(r audit.Record, e ...audit.Entry) {
		spoilBytes(r.State)
		for i := range r.Lists {
			r.Lists[i] = audit.Listing{List: "spoilt", Sort: "spoilt"}
		}
		for i := range e {
			spoilBytes(e[i].Leaf.Data)
		}
	}
	spoilBytes(b.Answer)
	spoilBytes(b.Messages[0].Body)
	w := b.Writes[0]
	spoil(audit.Record{State: w.State, Lists: w.Lists})
	spoilBytes(w.Events[0].Data)
	found := s.load(w.Key)
	spoil(found.Records[0], found.Events[0]...)
	spoilBytes(s.answer(b.Command).Answer)
	spoil(s.list(audit.ListRequest{Kind: "case"})[0], s.events(audit.EventsRequest{Unsequenced: true})...)
	for _, m := range s.claim("mail", audit.Shard(caseKey("one")), "reader", noon).Messages {
		spoilBytes(m.Body)
	}
	spoilBytes(s.commit(s.full()).Answer)
	spoilBytes(q.Checkpoint)
	q.Hashes[0], q.Events[0] = request("spoilt"), audit.Place{}
	spoilBytes(s.log(tenant).Checkpoint)
	if d := difference(look(), before); d != "" {
		s.Errorf("changing bytes that were passed to the store, or came from it, changed what it keeps: %s", d)
	}
}

func spoilBytes(b []byte) {
	for i := range b {
		b[i] = 'x'
	}
}

func commandOnce(s *scene) {
	b := s.full()
	s.commit(b)
	before := s.see()
	again := s.full()
	again.Answer = []byte("another answer")
	if done := s.commit(again); !done.Replayed || string(done.Answer) != "done" {
		s.Errorf("the same command again gave %+v; expected the first answer, replayed", done)
	}
	s.unchanged(before, "the same command again")
	if m := s.mail(caseKey("one")); m != "one/2 " {
		s.Errorf("after the same command again the messages are %q and not one", m)
	}
	if a := s.answer(b.Command); a.Request != b.Request || string(a.Answer) != "done" {
		s.Errorf("Load gave %+v for the command; expected its request and first answer", a)
	}
}

// answer is what the store has for a command.
func (s *scene) answer(command string) audit.Answered {
	s.Helper()
	found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Command: command})
	s.must(err)
	if found.Answer == nil {
		s.Fatalf("Load gives no answer to the command %q, which was committed", command)
	}
	return *found.Answer
}

func commandReused(s *scene) {
	s.commit(s.full())
	before := s.see()
	other := audit.Batch{Tenant: tenant, Command: "do it", Request: request("something else"),
		Writes: []audit.Write{s.next(audit.Record{Key: caseKey("three")}, nil, "first")}}
	_, err := s.store.Commit(context.Background(), other)
	s.isReused(err, "do it")
	s.unchanged(before, "a command that was used again")
}

func (s *scene) isReused(err error, command string) {
	s.Helper()
	var is *audit.CommandReusedError
	if !errors.Is(err, audit.ErrCommandReused) || !errors.As(err, &is) || is.Command != command {
		s.Errorf("expected a *CommandReusedError about %q, got %v", command, err)
	}
}

func commandFirst(s *scene) {
	s.commit(s.full())
	s.grow(caseKey("one"), "third")
	s.grow(caseKey("three"), "first")
	if done := s.commit(s.full()); !done.Replayed {
		s.Errorf("a command whose records have moved on since gave %+v; expected its first answer", done)
	}
	other := s.full()
	other.Request = request("something else")
	_, err := s.store.Commit(context.Background(), other)
	s.isReused(err, "do it")
}

func commandFree(s *scene) {
	s.grow(caseKey("three"), "first")
	_, err := s.store.Commit(context.Background(), s.full())
	if !errors.Is(err, audit.ErrStale) {
		s.Fatalf("expected ErrStale, got %v", err)
	}
	b := s.full()
	b.Reads, b.Request, b.Answer = nil, request("something else"), []byte("done at last")
	if done := s.commit(b); done.Replayed || string(done.Answer) != "done at last" {
		s.Errorf("after a failure the command gave %+v", done)
	}
}

func commandDuplicates(s *scene) {
	const clients = 10
	for round := range 5 {
		k := caseKey(fmt.Sprint("round ", round))
		var fresh [clients]bool
		var wait sync.WaitGroup
		for c := range clients {
			b := audit.Batch{Tenant: tenant, Command: k.ID, Request: request("it"), Answer: fmt.Append(nil, "client ", c),
				Writes: []audit.Write{s.next(audit.Record{Key: k}, nil, fmt.Sprint("by ", c))}}
			wait.Go(func() {
				done, err := s.store.Commit(context.Background(), b)
				if err != nil {
					s.Errorf("one of ten duplicates failed: %v", err)
				}
				fresh[c] = err == nil && !done.Replayed
			})
		}
		wait.Wait()
		winner := slices.Index(fresh[:], true)
		if winner < 0 || slices.Contains(fresh[winner+1:], true) {
			s.Fatalf("round %d: of ten duplicates these were carried out: %v; expected exactly one", round, fresh)
		}
		found := s.load(k)
		done := s.commit(audit.Batch{Tenant: tenant, Command: k.ID, Request: request("it"), Writes: []audit.Write{s.next(audit.Record{Key: k}, nil, "late")}})
		if found.Records[0].Version != 1 || string(done.Answer) != fmt.Sprint("client ", winner) {
			s.Errorf("round %d: client %d won; the record is at version %d and the answer is %q", round, winner, found.Records[0].Version, done.Answer)
		}
	}
}
