package audittest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/changelane/changelane/audit"
)

var readChecks = []check{
	{"Load gives a record for each key", "INV-41", loadEach},
	{"Load sees one moment", "INV-12", loadMoment},
	{"events that wait come in the order of their commit", "INV-12", waitingOrder},
	{"a cancelled context changes nothing", "INV-45", cancelled},
}

var listChecks = []check{
	{"lists are ordered byte by byte", "INV-41", listOrder},
	{"lists have bounds and limits", "INV-41", listBounds},
	{"a record stands where it was put last", "INV-31", listMoves},
	{"reading goes on beyond a page", "INV-41", listPages},
	{"who reads may stop, and write meanwhile", "INV-43", listMeanwhile},
}

func loadEach(s *scene) {
	s.grow(caseKey("a"), "first")
	s.grow(caseKey("b"), "first", "second")
	keys := []audit.Key{caseKey("b"), caseKey("none"), caseKey("a"), {Tenant: tenant, Kind: "template", ID: "a"}}
	found := s.load(keys...)
	for i, want := range []uint64{2, 0, 1, 0} {
		if r := found.Records[i]; r.Key != keys[i] || r.Version != want || uint64(len(found.Events[i])) != want {
			s.Errorf("for %s Load gave %s, version %d, with %d events; expected version %d", keys[i], r.Key, r.Version, len(found.Events[i]), want)
		}
		if found.Records[i].Version == 0 {
			s.absent(found.Records[i])
		}
	}
	bare, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Keys: keys, Command: "never sent"})
	s.must(err)
	if bare.Events != nil || bare.Answer != nil || len(bare.Records) != len(keys) {
		s.Errorf("Load without events, of a command that was never sent, gave %+v", bare)
	}
	for i := range bare.Records {
		if got, want := sayRecord(bare.Records[i]), sayRecord(found.Records[i]); got != want {
			s.Errorf("without its events a record is %s and with them %s", got, want)
		}
	}
}

// loadMoment writes two records always together, while it loads them, and sees
// them so.
func loadMoment(s *scene) {
	const rounds, writes = 30, 3
	a, b := caseKey("a"), caseKey("b")
	begin := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() { s.writePairs(a, b, writes, begin) })
	defer wait.Wait()
	defer close(begin)
	for range rounds {
		next := s.record(a).Version + 2
		begin <- struct{}{}
		found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{a, b}, Events: true, Command: fmt.Sprint(next)})
		s.must(err)
		va, vb := found.Records[0].Version, found.Records[1].Version
		if va != vb || uint64(len(found.Events[0])) != va || uint64(len(found.Events[1])) != vb || (found.Answer != nil) != (va >= next) {
			s.Errorf("two records that are written together were seen at versions %d and %d, with %d and %d events and the answer to %d: %v",
				va, vb, len(found.Events[0]), len(found.Events[1]), next, found.Answer != nil)
		}
	}
}

// writePairs writes two records together, some times each time that it is
// told to begin; the command is the version that they come to.
func (s *scene) writePairs(a, b audit.Key, times int, begin <-chan struct{}) {
	ra, rb := audit.Record{Key: a}, audit.Record{Key: b}
	failed := false
	for range begin {
		for range times {
			wa, errA := audit.Append(ra, nil, nil, draft("a"))
			wb, errB := audit.Append(rb, nil, nil, draft("b"))
			_, errC := s.store.Commit(context.Background(), audit.Batch{Tenant: tenant, Writes: []audit.Write{wa, wb},
				Command: fmt.Sprint(ra.Version + 1), Request: request("it")})
			if err := errors.Join(errA, errB, errC); err != nil && !failed {
				s.Errorf("writing: %v", err)
				failed = true
			}
			ra.Version, ra.Head, rb.Version, rb.Head = ra.Version+1, wa.Head, rb.Version+1, wb.Head
		}
	}
}

func waitingOrder(s *scene) {
	var want []string
	write := func(id string, n int) {
		r := s.record(caseKey(id))
		notes := slices.Repeat([]string{"note"}, n)
		s.write(r, nil, notes...)
		for i := range n {
			want = append(want, fmt.Sprintf("%s/%d", id, int(r.Version)+i+1))
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		write(string(rune('a'+rng.IntN(5))), 1+rng.IntN(3))
	}
	if got := places(s.events(audit.EventsRequest{Unsequenced: true})); got != strings.Join(want, " ") {
		s.Errorf("events were committed as %s and wait as %s", strings.Join(want, " "), got)
	}
	for _, limit := range []int{1, 7} {
		if got := places(s.events(audit.EventsRequest{Unsequenced: true, Limit: limit})); got != strings.Join(want[:limit], " ") {
			s.Errorf("with a limit of %d the events that wait are %s", limit, got)
		}
	}
}

// places says where events are, as id/seq.
func places(es []audit.Entry) string {
	var all []string
	for _, e := range es {
		all = append(all, fmt.Sprintf("%s/%d", e.Key.ID, e.Seq))
	}
	return strings.Join(all, " ")
}

func cancelled(s *scene) {
	s.commit(s.full())
	shard := audit.Shard(caseKey("one"))
	lease := s.claim("mail", shard, "worker", noon)
	before := s.see()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, commit := s.store.Commit(ctx, audit.Batch{Tenant: tenant, Writes: []audit.Write{s.next(audit.Record{Key: caseKey("late")}, nil, "late")}})
	_, load := s.store.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey("one")}})
	_, log := s.store.Log(ctx, tenant, nil)
	_, claim := s.store.Claim(ctx, audit.ClaimRequest{Tenant: tenant, Work: "post", Owner: "late", Now: noon, For: time.Minute})
	settle := s.store.Settle(ctx, audit.Settlement{Lease: lease.Lease, Now: noon, Delivered: messageIDs(lease.Messages), Release: true})
	list := ends(s, s.store.List(ctx, audit.ListRequest{Tenant: tenant}))
	events := ends(s, s.store.Events(ctx, audit.EventsRequest{Tenant: tenant, Unsequenced: true}))
	for i, err := range []error{commit, load, log, claim, settle, list, events} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s with a cancelled context: expected context.Canceled, got %v",
				[]string{"Commit", "Load", "Log", "Claim", "Settle", "List", "Events"}[i], err)
		}
	}
	s.unchanged(before, "calls with a cancelled context")
	s.claim("post", 0, "worker", noon)
	if left := s.claim("mail", shard, "worker", noon).Messages; len(left) != 1 {
		s.Errorf("after a settlement with a cancelled context %d messages are left, and not 1", len(left))
	}
}

// ends is the error that reading ends in; nothing may come with or after it.
func ends[T any](s *scene, read iter.Seq2[T, error]) (last error) {
	for _, err := range read {
		if last != nil {
			s.Errorf("reading went on after the error %v", last)
		}
		last = err
	}
	return last
}

// sorts are names whose order differs between bytes and languages.
var sorts = []string{"", " ", "-", "1", "10", "2", "A", "B", "Z", "a", "a b", "a-b", "aa", "b", "z", "~", "ä", "é", "ﬀ", "𐀀"}

func listOrder(s *scene) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, i := range rng.Perm(len(sorts)) {
		for _, j := range rng.Perm(2) {
			id := fmt.Sprint(sorts[len(sorts)-1-i], "x", j)
			s.write(audit.Record{Key: caseKey(id)}, []audit.Listing{{List: "open", Sort: sorts[i]}}, "first")
			s.write(audit.Record{Key: audit.Key{Tenant: tenant, Kind: sorts[i] + "k", ID: id}}, nil, "first")
		}
	}
	for _, r := range []audit.ListRequest{{}, {Kind: "case"}, {Kind: "case", List: "open"}} {
		all := s.list(r)
		want := 2 * len(sorts)
		if r.Kind == "" {
			want *= 2
		}
		if len(all) != want {
			s.Errorf("%+v gave %d records and not %d", r, len(all), want)
		}
		place := func(one audit.Record) string {
			first := one.Key.Kind
			if r.List != "" && len(one.Lists) == 1 {
				first = one.Lists[0].Sort
			}
			return first + "\x00" + one.Key.ID
		}
		for i := range all[:max(0, len(all)-1)] {
			if place(all[i]) >= place(all[i+1]) {
				s.Errorf("%+v gave %q before %q", r, place(all[i]), place(all[i+1]))
			}
		}
	}
}

func listBounds(s *scene) {
	for i, id := range strings.Fields("e d c b a") {
		s.write(audit.Record{Key: caseKey(id)}, []audit.Listing{{List: "open", Sort: fmt.Sprint(i / 2)}, {List: "open", Sort: "9"}}, "first")
		s.write(audit.Record{Key: audit.Key{Tenant: tenant, Kind: "other", ID: id}}, []audit.Listing{{List: "open", Sort: "0"}}, "first")
	}
	for _, c := range []struct {
		r    audit.ListRequest
		want string
	}{
		{audit.ListRequest{Kind: "case"}, "a b c d e"},
		{audit.ListRequest{Kind: "case", From: "b"}, "b c d e"},
		{audit.ListRequest{Kind: "case", Before: "d"}, "a b c"},
		{audit.ListRequest{Kind: "case", From: "b", Before: "d"}, "b c"},
		{audit.ListRequest{Kind: "case", From: "b", Limit: 3}, "b c d"},
		{audit.ListRequest{Kind: "case", From: "bb"}, "c d e"},
		{audit.ListRequest{Kind: "case", From: "d", Before: "b"}, ""},
		{audit.ListRequest{Kind: "case", List: "open"}, "d e b c a a b c d e"},
		{audit.ListRequest{Kind: "case", List: "open", From: "1", Before: "2"}, "b c"},
		{audit.ListRequest{Kind: "case", List: "open", From: "2", Limit: 2}, "a a"},
		{audit.ListRequest{Kind: "case", List: "open", Before: "1"}, "d e"},
		{audit.ListRequest{Kind: "case", List: "none"}, ""},
		{audit.ListRequest{Kind: "none"}, ""},
		{audit.ListRequest{}, "a b c d e a b c d e"},
		{audit.ListRequest{Limit: 6}, "a b c d e a"},
	} {
		if got := ids(s.list(c.r)); got != c.want {
			s.Errorf("%+v gave %q and not %q", c.r, got, c.want)
		}
	}
}

func listMoves(s *scene) {
	k := caseKey("moving")
	for i, lists := range [][]audit.Listing{
		{{List: "mine", Sort: "1"}, {List: "open", Sort: "1"}},
		{{List: "open", Sort: "2"}},
		{{List: "open", Sort: "2"}, {List: "open", Sort: "3"}, {List: "week", Sort: ""}},
		{},
		{{List: "mine", Sort: "1"}},
	} {
		s.write(s.record(k), lists, "moved")
		if got := s.record(k).Lists; !slices.Equal(got, lists) {
			s.Errorf("after move %d the record says that it stands in %q and not in %q", i, got, lists)
		}
		for _, name := range []string{"mine", "open", "week"} {
			want := 0
			for _, l := range lists {
				if l.List == name {
					want++
				}
			}
			if got := len(s.list(audit.ListRequest{Kind: "case", List: name})); got != want {
				s.Errorf("after move %d the record stands %d times in %q and not %d times", i, got, name, want)
			}
		}
	}
}

// many writes records until there are this many, and gives their ids in order.
func (s *scene) many(n int) []string {
	var all []string
	for len(all) < n {
		b := audit.Batch{Tenant: tenant}
		for len(b.Writes) < audit.MaxBatch && len(all) < n {
			id := fmt.Sprintf("%05d", len(all))
			all = append(all, id)
			b.Writes = append(b.Writes, s.next(audit.Record{Key: caseKey(id)}, []audit.Listing{{List: "open", Sort: "same"}}, "first"))
		}
		s.commit(b)
	}
	return all
}

func listPages(s *scene) {
	const n = 2*audit.MaxPage + 3
	want := s.many(n)
	for _, limit := range []int{0, 1, audit.MaxPage - 1, audit.MaxPage, audit.MaxPage + 1, 2 * audit.MaxPage, n, n + 1} {
		most := n
		if limit > 0 {
			most = min(limit, n)
		}
		for _, r := range []audit.ListRequest{{}, {Kind: "case"}, {Kind: "case", List: "open"}} {
			r.Limit = limit
			if got := ids(s.list(r)); got != strings.Join(want[:most], " ") {
				s.Errorf("%+v of %d records did not give the first %d, each once and in order", r, n, most)
			}
		}
		if got := len(s.events(audit.EventsRequest{Unsequenced: true, Limit: limit})); got != most {
			s.Errorf("with a limit of %d, %d of %d events that wait came; expected %d", limit, got, n, most)
		}
	}
}

// listMeanwhile fails where a store holds a lock while the caller works, or
// counts from the start on each page: what has been read leaves the list.
func listMeanwhile(s *scene) {
	want := s.many(audit.MaxPage + 100)
	leave := func(lists []audit.Listing) {
		b := audit.Batch{Tenant: tenant}
		for _, r := range s.list(audit.ListRequest{Kind: "case", Limit: audit.MaxBatch}) {
			b.Writes = append(b.Writes, s.next(r, lists, "moved"))
		}
		s.commit(b)
	}
	id := func(r audit.Record) string { return r.Key.ID }
	open := audit.ListRequest{Tenant: tenant, Kind: "case", List: "open"}
	readMeanwhile(s, "a list", s.store.List(context.Background(), open), id, want, func() { leave(nil) })
	readMeanwhile(s, "the rest of a list", s.store.List(context.Background(), open), id, want[audit.MaxBatch:], func() {
		leave([]audit.Listing{{List: "open", Sort: "a"}}) // before the others
	})
	firsts := func(e audit.Entry) string {
		if e.Seq > 1 {
			return ""
		}
		return e.Key.ID
	}
	waiting := audit.EventsRequest{Tenant: tenant, Unsequenced: true}
	readMeanwhile(s, "events that wait", s.store.Events(context.Background(), waiting), firsts, want, func() { s.sequence(tenant, 300) })
}

// readMeanwhile reads everything, and does something else twice: after it has
// read a good part, and after it has stopped early.
func readMeanwhile[T any](s *scene, what string, all iter.Seq2[T, error], id func(T) string, want []string, meanwhile func()) {
	seen, n := map[string]int{}, 0
	for one, err := range all {
		s.must(err)
		seen[id(one)]++
		if n++; n == 400 {
			meanwhile()
		}
	}
	for _, id := range want {
		if seen[id] != 1 {
			s.Errorf("reading %s gave %q %d times; expected once", what, id, seen[id])
			break
		}
	}
	for _, err := range all {
		s.must(err)
		break
	}
	s.grow(caseKey("z after "+what), "first")
}
