package audittest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/audit"
)

var refusalChecks = []check{
	{"a batch that is wrong in itself is refused", "INV-47", batchRefused},
	{"a request that is wrong in itself is refused", "INV-47", requestRefused},
	{"a settlement that is wrong in itself is refused", "INV-47", settlementRefused},
	{"the largest that is allowed is taken", "INV-41", largest},
}

// invalid fails unless something was refused as it never can be.
func (s *scene) invalid(err error, what string) {
	s.Helper()
	var is *audit.InvalidError
	if !errors.Is(err, audit.ErrInvalid) || !errors.As(err, &is) {
		s.Errorf("%s: expected an *InvalidError, got %v", what, err)
	}
}

// long is a name that is a byte too long.
var long = strings.Repeat("x", audit.MaxName+1)

func batchRefused(s *scene) {
	s.grow(caseKey("old"), "first")
	before := s.see()
	for what, spoil := range map[string]func(*audit.Batch){
		"no tenant":             func(b *audit.Batch) { b.Tenant = "" },
		"another tenant":        func(b *audit.Batch) { b.Tenant = "other" },
		"no write":              func(b *audit.Batch) { b.Writes = nil },
		"a write without event": func(b *audit.Batch) { b.Writes[1].Events = nil },
		"a head that is not that of the last event": func(b *audit.Batch) { b.Writes[1].Head = request("another") },
		"an event of another record":                func(b *audit.Batch) { b.Writes[1].Key.ID = "three" },
		"an event that was cut":                     func(b *audit.Batch) { b.Writes[1].Events[0].Data = b.Writes[1].Events[0].Data[1:] },
		"a write of another tenant":                 func(b *audit.Batch) { b.Writes[1].Key.Tenant = "other" },
		"the same write twice":                      func(b *audit.Batch) { b.Writes = append(b.Writes, b.Writes[0]) },
		"lists out of order": func(b *audit.Batch) {
			b.Writes[1].Lists = []audit.Listing{{List: "week"}, {List: "open"}}
		},
		"a list twice":              func(b *audit.Batch) { b.Writes[1].Lists = []audit.Listing{{List: "open"}, {List: "open"}} },
		"too many lists":            func(b *audit.Batch) { b.Writes[1].Lists = manyLists(audit.MaxLists + 1) },
		"a state that is too large": func(b *audit.Batch) { b.Writes[1].State = make([]byte, audit.MaxState+1) },
		"a read of another tenant":  func(b *audit.Batch) { b.Reads[0].Key.Tenant = "other" },
		"a read of what is written": func(b *audit.Batch) { b.Reads[0].Key = b.Writes[0].Key },
		"too many reads":            func(b *audit.Batch) { b.Reads = manyReads(audit.MaxBatch + 1) },
		"a message about what is not written": func(b *audit.Batch) {
			b.Messages[0].Key, b.Messages[0].Seq = caseKey("old"), 1
		},
		"a message about an event to come": func(b *audit.Batch) { b.Messages[0].Seq = 3 },
		"a message of another tenant":      func(b *audit.Batch) { b.Messages[0].Key.Tenant = "other" },
		"a message without topic":          func(b *audit.Batch) { b.Messages[0].Topic = "" },
		"a message to the sequencer":       func(b *audit.Batch) { b.Messages[0].Topic = audit.Sequencing },
		"a message with an id":             func(b *audit.Batch) { b.Messages[0].ID = 7 },
		"too many messages": func(b *audit.Batch) {
			for len(b.Messages) <= audit.MaxBatch {
				b.Messages = append(b.Messages, b.Messages[0])
			}
		},
		"a command that is too long":  func(b *audit.Batch) { b.Command = long },
		"a command without a request": func(b *audit.Batch) { b.Request = audit.Hash{} },
		"an answer without a command": func(b *audit.Batch) { b.Command, b.Request = "", audit.Hash{} },
		"an answer that is too large": func(b *audit.Batch) { b.Answer = make([]byte, audit.MaxState+1) },
	} {
		b := s.full()
		spoil(&b)
		_, err := s.store.Commit(context.Background(), b)
		s.invalid(err, what)
		s.unchanged(before, what)
	}
	if d := difference(visible(storeView{s, "other"}), visible(&model{})); d != "" {
		s.Errorf("a batch that was refused left something with another tenant: %s", d)
	}
	s.commit(s.full()) // what was spoilt was right otherwise, and the command is free
	s.commit(audit.Batch{Writes: []audit.Write{s.next(audit.Record{Key: caseKey("last")}, nil, "first")}})
}

func manyLists(n int) []audit.Listing {
	all := make([]audit.Listing, n)
	for i := range all {
		all[i] = audit.Listing{List: "many", Sort: fmt.Sprintf("%05d", i)}
	}
	return all
}

func manyReads(n int) []audit.Read {
	all := make([]audit.Read, n)
	for i := range all {
		all[i].Key = caseKey(fmt.Sprint("many ", i))
	}
	return all
}

func requestRefused(s *scene) {
	k := caseKey("a")
	ctx := context.Background()
	for what, r := range map[string]audit.LoadRequest{
		"no tenant": {Keys: []audit.Key{k}}, "a key of another tenant": {Tenant: "other", Keys: []audit.Key{k}},
		"a key without id": {Tenant: tenant, Keys: []audit.Key{{Tenant: tenant, Kind: "case"}}}, "a key twice": {Tenant: tenant, Keys: []audit.Key{k, k}},
		"a long command": {Tenant: tenant, Command: long}, "too many keys": {Tenant: tenant, Keys: make([]audit.Key, audit.MaxPage+1)},
	} {
		_, err := s.store.Load(ctx, r)
		s.invalid(err, "Load with "+what)
	}
	for what, r := range map[string]audit.ListRequest{
		"no tenant": {Kind: "case"}, "a list of no kind": {Tenant: tenant, List: "open"}, "a bound of no kind": {Tenant: tenant, From: "a"},
		"a negative limit": {Tenant: tenant, Limit: -1}, "a long bound": {Tenant: tenant, Kind: "case", Before: long},
	} {
		s.invalid(ends(s, s.store.List(ctx, r)), "List with "+what)
	}
	for what, r := range map[string]audit.EventsRequest{
		"no tenant": {}, "a negative index": {Tenant: tenant, From: -1}, "a negative limit": {Tenant: tenant, Limit: -1},
		"an index of what is not in the log": {Tenant: tenant, From: 1, Unsequenced: true},
	} {
		s.invalid(ends(s, s.store.Events(ctx, r)), "Events with "+what)
	}
	for what, positions := range map[string][]int64{"a negative position": {-1}, "too many positions": make([]int64, audit.MaxPage+1)} {
		_, err := s.store.Log(ctx, tenant, positions)
		s.invalid(err, "Log with "+what)
	}
	_, err := s.store.Log(ctx, "", nil)
	s.invalid(err, "Log with no tenant")
	for what, spoil := range map[string]func(*audit.ClaimRequest){
		"no tenant": func(r *audit.ClaimRequest) { r.Tenant = "" }, "no work": func(r *audit.ClaimRequest) { r.Work = "" },
		"no owner": func(r *audit.ClaimRequest) { r.Owner = "" }, "a negative shard": func(r *audit.ClaimRequest) { r.Shard = -1 },
		"no such shard": func(r *audit.ClaimRequest) { r.Shard = audit.Shards }, "no time": func(r *audit.ClaimRequest) { r.Now = time.Time{} },
		"no duration": func(r *audit.ClaimRequest) { r.For = 0 }, "a long duration": func(r *audit.ClaimRequest) { r.For = audit.MaxLease + 1 },
		"a large limit":      func(r *audit.ClaimRequest) { r.Limit = audit.MaxPage + 1 },
		"a sequencing shard": func(r *audit.ClaimRequest) { r.Work, r.Shard = audit.Sequencing, 1 },
	} {
		r := audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: "a", Now: noon, For: time.Minute}
		spoil(&r)
		_, err := s.store.Claim(ctx, r)
		s.invalid(err, "Claim with "+what)
	}
	s.claim("mail", 0, "b", noon) // none of them took the lease
}

func settlementRefused(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 2)
	claimed := s.claim("mail", audit.Shard(k), "a", noon)
	sequencing := s.claim(audit.Sequencing, 0, "a", noon).Lease
	before := s.see()
	id := messageIDs(claimed.Messages)
	for what, spoil := range map[string]func(*audit.Settlement){
		"a lease without token":       func(d *audit.Settlement) { d.Lease.Token = 0 },
		"no time":                     func(d *audit.Settlement) { d.Now = time.Time{} },
		"a message with two fates":    func(d *audit.Settlement) { d.Parked = id[:1] },
		"a message that cannot be":    func(d *audit.Settlement) { d.Parked = []int64{0} },
		"a retry at no time":          func(d *audit.Settlement) { d.Retry = []audit.Retry{{ID: id[1]}} },
		"events, by a relay":          func(d *audit.Settlement) { d.Sequenced = sequenced(0, audit.Place{Key: k, Seq: 1}) },
		"messages, by the sequencer":  func(d *audit.Settlement) { d.Lease = sequencing },
		"no event for the log":        wrongly(sequencing, sequenced(0)),
		"an event for the log twice":  wrongly(sequencing, sequenced(0, audit.Place{Key: k, Seq: 1}, audit.Place{Key: k, Seq: 1})),
		"events that leave one out":   wrongly(sequencing, sequenced(0, audit.Place{Key: k, Seq: 1}, audit.Place{Key: k, Seq: 3})),
		"an event of another tenant":  wrongly(sequencing, sequenced(0, audit.Place{Key: audit.Key{Tenant: "other", Kind: "case", ID: "a"}, Seq: 1})),
		"hashes that are too few":     wrongly(sequencing, &audit.Sequenced{Events: []audit.Place{{Key: k, Seq: 1}}, Checkpoint: []byte("c")}),
		"events without a checkpoint": wrongly(sequencing, &audit.Sequenced{Events: []audit.Place{{Key: k, Seq: 1}}, Hashes: make([]audit.Hash, 1)}),
	} {
		done := audit.Settlement{Lease: claimed.Lease, Now: noon, Delivered: id[:1], Release: true}
		spoil(&done)
		s.invalid(s.store.Settle(context.Background(), done), "Settle with "+what)
		s.unchanged(before, what)
		if got := s.claim("mail", audit.Shard(k), "a", noon); say(got.Messages) != say(claimed.Messages) || got.Lease.Token != claimed.Lease.Token {
			s.Errorf("Settle with %s: the messages were %q and are %q, or the lease was given back", what, say(claimed.Messages), say(got.Messages))
		}
	}
}

// wrongly settles something wrong under a lease to sequence.
func wrongly(l audit.Lease, q *audit.Sequenced) func(*audit.Settlement) {
	return func(d *audit.Settlement) { *d = audit.Settlement{Lease: l, Now: noon, Sequenced: q, Release: true} }
}

func largest(s *scene) {
	name := strings.Repeat("é", audit.MaxName/2)
	k := audit.Key{Tenant: name, Kind: name, ID: name}
	d := draft("large")
	d.Body = []byte(`"` + strings.Repeat("x", audit.MaxLeaf-4096) + `"`)
	d.Personal = []audit.Field{{Name: "who", Value: make([]byte, audit.MaxLeaf-4096)}}
	lists := manyLists(audit.MaxLists)
	lists[0] = audit.Listing{List: "a", Sort: name}
	w, err := audit.Append(audit.Record{Key: k}, make([]byte, audit.MaxState), lists, d)
	s.must(err)
	b := audit.Batch{Tenant: name, Command: name, Request: request("it"), Answer: make([]byte, audit.MaxState), Writes: []audit.Write{w}}
	for len(b.Writes) < audit.MaxBatch {
		other := audit.Key{Tenant: name, Kind: "case", ID: fmt.Sprint(len(b.Writes))}
		b.Writes = append(b.Writes, s.next(audit.Record{Key: other}, nil, "first"))
	}
	notes := make([]string, audit.MaxEvents-audit.MaxBatch+1) // with the others, as many events as fit
	b.Writes[1] = s.next(audit.Record{Key: b.Writes[1].Key}, nil, notes...)
	for i := range audit.MaxBatch {
		b.Reads = append(b.Reads, audit.Read{Key: audit.Key{Tenant: name, Kind: "none", ID: fmt.Sprint(i)}})
		b.Messages = append(b.Messages, audit.Message{Topic: name, Key: k, Seq: 1})
	}
	b.Messages[0].Body = make([]byte, audit.MaxState)
	s.commit(b)
	r := s.record(k)
	if r.Head != w.Head || len(r.State) != audit.MaxState || len(r.Lists) != audit.MaxLists {
		s.Errorf("the largest record came back as version %d with %d bytes and %d lists", r.Version, len(r.State), len(r.Lists))
	}
	if _, err := audit.OpenChain(r, s.load(k).Events[0]); err != nil {
		s.Errorf("the largest event: %v", err)
	}
	if n := len(s.list(audit.ListRequest{Tenant: name, Kind: name, List: "many", From: lists[audit.MaxLists-3].Sort})); n != 3 {
		s.Errorf("the largest record stands %d times at the end of a list and not 3 times", n)
	}
	delivered := 0
	for ids := []int64{0}; len(ids) > 0; delivered += len(ids) { // large ones may come in several claims
		claimed := s.claimFor(name, name, audit.Shard(k), name, noon)
		ids = messageIDs(claimed.Messages)
		s.settle(audit.Settlement{Lease: claimed.Lease, Delivered: ids})
	}
	if delivered != audit.MaxBatch {
		s.Errorf("%d messages came and not %d", delivered, audit.MaxBatch)
	}
	s.sequence(name, audit.MaxSequence)
	if size := s.log(name).Size; size != audit.MaxEvents {
		s.Errorf("the log has %d events and not %d", size, audit.MaxEvents)
	}
}
