package audit_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
)

func refused(t *testing.T, name, what string, err error) {
	t.Helper()
	if what == "" {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return
	}
	if _, ok := errors.AsType[*audit.InvalidError](err); !ok || !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), what) {
		t.Errorf("%s: %v, and nothing about %q", name, err, what)
	}
}

var long = strings.Repeat("x", audit.MaxName+1)

func TestBatchCheck(t *testing.T) {
	draft := audit.Draft{Type: "a/1", Occurred: noon, Recorded: noon, Personal: []audit.Field{{Name: "who"}}}
	var hash audit.Hash
	hash[0] = 1
	type batch = audit.Batch
	tests := []struct {
		name string
		edit func(b *batch)
		what string
	}{
		{"good", func(b *batch) {}, ""},
		{"no command", func(b *batch) { b.Command, b.Request, b.Answer = "", audit.Hash{}, nil }, ""},
		{"tenant", func(b *batch) { b.Tenant = "a\nb" }, "the tenant must"},
		{"tenant of a write", func(b *batch) { b.Tenant = "other" }, "belongs to the tenant"},
		{"tenant of a read", func(b *batch) { b.Reads[0].Key.Tenant = "other" }, "belongs to the tenant"},
		{"no writes", func(b *batch) { b.Writes = nil }, "at least one"},
		{"many reads", func(b *batch) { b.Reads = make([]audit.Read, audit.MaxBatch+1) }, "at most 64"},
		{"many writes", func(b *batch) { b.Writes = make([]audit.Write, audit.MaxBatch+1) }, "at most 64"},
		{"many messages", func(b *batch) { b.Messages = make([]audit.Message, audit.MaxBatch+1) }, "at most 64"},
		{"command", func(b *batch) { b.Command = long }, "the command must"},
		{"no request", func(b *batch) { b.Request = audit.Hash{} }, "request is missing"},
		{"request alone", func(b *batch) { b.Command, b.Answer = "", nil }, "without a command"},
		{"answer alone", func(b *batch) { b.Command, b.Request = "", audit.Hash{} }, "without a command"},
		{"answer", func(b *batch) { b.Answer = make([]byte, audit.MaxState+1) }, "answer"},
		{"key twice", func(b *batch) { b.Writes = append(b.Writes, b.Writes[0]) }, "more than once"},
		{"read twice", func(b *batch) { b.Reads = append(b.Reads, b.Reads[0]) }, "more than once"},
		{"read of a write", func(b *batch) { b.Reads[0].Key = b.Writes[1].Key }, "more than once"},
		{"read of nothing", func(b *batch) { b.Reads[0].Version = 0 }, ""},
		{"read", func(b *batch) { b.Reads[0].Version = math.MaxUint64 }, "63 bits"},
		{"kind", func(b *batch) { b.Writes[0].Key.Kind = "" }, "the kind must"},
		{"id", func(b *batch) { b.Reads[0].Key.ID = "\x00" }, "the id must"},
		{"no events", func(b *batch) { b.Writes[0].Events = nil }, "without an event"},
		{"many events", func(b *batch) { b.Writes[0].Events = make([]audit.Leaf, audit.MaxEvents+1) }, "more than 1000"},
		{"from", func(b *batch) { b.Writes[0].From++ }, "it is event 1"},
		{"from of 64 bits", func(b *batch) { b.Writes[0].From = math.MaxUint64 }, "63 bits"},
		{"prev", func(b *batch) { b.Writes[0].Prev = hash }, "does not follow"},
		{"head", func(b *batch) { b.Writes[0].Head = hash }, "new head"},
		{"order of events", func(b *batch) { e := b.Writes[1].Events; e[0], e[1] = e[1], e[0] }, "it is event"},
		{"event of another", func(b *batch) { b.Writes[0].Events[0] = b.Writes[1].Events[0] }, "an event of"},
		{"leaf", func(b *batch) { b.Writes[0].Events[0].Data = nil }, "byte 0"},
		{"openings", func(b *batch) { b.Writes[0].Events[0].Openings = b.Writes[1].Events[0].Openings }, "not the one"},
		{"state", func(b *batch) { b.Writes[0].State = make([]byte, audit.MaxState+1) }, "state"},
		{"lists", func(b *batch) {
			b.Writes[0].Lists = []audit.Listing{{List: "a", Sort: ""}, {List: "a", Sort: "b"}, {List: "b"}}
		}, ""},
		{"list without name", func(b *batch) { b.Writes[0].Lists = []audit.Listing{{Sort: "a"}} }, "the list must"},
		{"sort", func(b *batch) { b.Writes[0].Lists = []audit.Listing{{List: "a", Sort: "\xff"}} }, "sort key"},
		{"lists out of order", func(b *batch) { b.Writes[0].Lists = []audit.Listing{{List: "b"}, {List: "a"}} }, "in the order"},
		{"list twice", func(b *batch) { b.Writes[0].Lists = []audit.Listing{{List: "a"}, {List: "a"}} }, "none twice"},
		{"many lists", func(b *batch) { b.Writes[0].Lists = make([]audit.Listing, audit.MaxLists+1) }, "more than 1000"},
		{"topic", func(b *batch) { b.Messages[0].Topic = "" }, "the topic must"},
		{"topic of the log", func(b *batch) { b.Messages[0].Topic = audit.Sequencing }, "log's own"},
		{"message id", func(b *batch) { b.Messages[0].ID = 1 }, "no id"},
		{"message attempts", func(b *batch) { b.Messages[0].Attempts = 1 }, "no attempts"},
		{"message body", func(b *batch) { b.Messages[0].Body = make([]byte, audit.MaxState+1) }, "message"},
		{"message about a read", func(b *batch) { b.Messages[0].Key = b.Reads[0].Key }, "does not write"},
		{"message about the past", func(b *batch) { b.Messages[0].Seq = 0 }, "does not write"},
		{"message about the future", func(b *batch) { b.Messages[0].Seq = 3 }, "does not write"},
		{"message about the second", func(b *batch) { b.Messages[0].Seq = 2 }, ""},
	}
	for _, test := range tests {
		one, err := audit.Append(audit.Record{Key: caseKey("acme", "x")}, nil, nil, draft)
		must(t, err)
		two, err := audit.Append(audit.Record{Key: caseKey("acme", "y")}, nil, nil, draft, draft)
		must(t, err)
		b := batch{Tenant: "acme", Command: "c-1", Request: hash, Answer: []byte("yes"), Writes: []audit.Write{one, two},
			Reads: []audit.Read{{Key: caseKey("acme", "z"), Version: 3}}, Messages: []audit.Message{{Topic: "mail", Key: two.Key, Seq: 1}}}
		test.edit(&b)
		refused(t, test.name, test.what, b.Check())
	}
}

func TestBatchCheckCountsAllEvents(t *testing.T) {
	drafts := make([]audit.Draft, audit.MaxEvents/2+1)
	for i := range drafts {
		drafts[i] = audit.Draft{Type: "a/1", Occurred: noon, Recorded: noon}
	}
	b := audit.Batch{Tenant: "acme"}
	for _, id := range []string{"x", "y"} {
		w, err := audit.Append(audit.Record{Key: caseKey("acme", id)}, nil, nil, drafts...)
		must(t, err)
		b.Writes = append(b.Writes, w)
	}
	refused(t, "events", "at most 1000 events", b.Check())
}

func TestRequestsCheck(t *testing.T) {
	k := caseKey("acme", "x")
	type check interface{ Check() error }
	for _, test := range []struct {
		name string
		r    check
		what string
	}{
		{"load", audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{k}, Command: "c"}, ""},
		{"load tenant", audit.LoadRequest{}, "the tenant must"},
		{"load other tenant", audit.LoadRequest{Tenant: "other", Keys: []audit.Key{k}}, "belongs to"},
		{"load twice", audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{k, k}}, "more than once"},
		{"load many", audit.LoadRequest{Tenant: "acme", Keys: make([]audit.Key, audit.MaxPage+1)}, "at most"},
		{"load command", audit.LoadRequest{Tenant: "acme", Command: long}, "the command must"},
		{"list", audit.ListRequest{Tenant: "acme", Kind: "case", List: "open", From: "a", Before: "b", Limit: 5}, ""},
		{"list of all", audit.ListRequest{Tenant: "acme"}, ""},
		{"list tenant", audit.ListRequest{Tenant: long}, "the tenant must"},
		{"list kind", audit.ListRequest{Tenant: "acme", Kind: "\x7f"}, "the kind must"},
		{"list without kind", audit.ListRequest{Tenant: "acme", List: "open"}, "by kind"},
		{"bound without kind", audit.ListRequest{Tenant: "acme", From: "a"}, "by kind"},
		{"end without kind", audit.ListRequest{Tenant: "acme", Before: "a"}, "by kind"},
		{"list bound", audit.ListRequest{Tenant: "acme", Kind: "case", Before: long}, "bound"},
		{"list limit", audit.ListRequest{Tenant: "acme", Limit: -1}, "limit"},
		{"events", audit.EventsRequest{Tenant: "acme", From: 7, Limit: 1}, ""},
		{"events that wait", audit.EventsRequest{Tenant: "acme", Unsequenced: true}, ""},
		{"events tenant", audit.EventsRequest{}, "the tenant must"},
		{"events from", audit.EventsRequest{Tenant: "acme", From: -1}, "begins at 0"},
		{"events that wait from", audit.EventsRequest{Tenant: "acme", Unsequenced: true, From: 1}, "no index"},
		{"events limit", audit.EventsRequest{Tenant: "acme", Limit: -1}, "limit"},
	} {
		refused(t, test.name, test.what, test.r.Check())
	}
	refused(t, "positions", "", audit.CheckPositions("acme", []int64{0, 9}))
	refused(t, "positions tenant", "tenant", audit.CheckPositions("", nil))
	refused(t, "position", "from 0 on", audit.CheckPositions("acme", []int64{-1}))
	refused(t, "many positions", "at most", audit.CheckPositions("acme", make([]int64, audit.MaxPage+1)))
}

func TestClaimCheck(t *testing.T) {
	type claim = audit.ClaimRequest
	for _, test := range []struct {
		name string
		edit func(r *claim)
		what string
	}{
		{"good", func(r *claim) {}, ""},
		{"longest", func(r *claim) { r.For = audit.MaxLease }, ""},
		{"last shard", func(r *claim) { r.Shard = audit.Shards - 1 }, ""},
		{"tenant", func(r *claim) { r.Tenant = "" }, "the tenant must"},
		{"work", func(r *claim) { r.Work = "" }, "the work must"},
		{"owner", func(r *claim) { r.Owner = "" }, "the owner must"},
		{"shard", func(r *claim) { r.Shard = audit.Shards }, "no shard"},
		{"negative shard", func(r *claim) { r.Shard = -1 }, "no shard"},
		{"shard of the log", func(r *claim) { r.Work, r.Shard = audit.Sequencing, 1 }, "no shard"},
		{"now", func(r *claim) { r.Now = time.Time{} }, "years"},
		{"for", func(r *claim) { r.For = 0 }, "lease"},
		{"for ever", func(r *claim) { r.For = audit.MaxLease + 1 }, "lease"},
		{"limit", func(r *claim) { r.Limit = audit.MaxPage + 1 }, "limit"},
		{"negative limit", func(r *claim) { r.Limit = -1 }, "limit"},
	} {
		r := claim{Tenant: "acme", Work: "mail", Owner: "me", Now: noon, For: time.Minute}
		test.edit(&r)
		refused(t, test.name, test.what, r.Check())
	}
}

func TestSettlementCheck(t *testing.T) {
	type settlement = audit.Settlement
	sequenced := func(s *settlement) *audit.Sequenced {
		s.Lease.Work, s.Delivered, s.Retry, s.Parked = audit.Sequencing, nil, nil, nil
		s.Sequenced = &audit.Sequenced{Size: 1, Checkpoint: []byte("signed"), Hashes: make([]audit.Hash, 3),
			Events: []audit.Place{{Key: caseKey("acme", "x"), Seq: 4}, {Key: caseKey("acme", "x"), Seq: 5}}}
		return s.Sequenced
	}
	for _, test := range []struct {
		name string
		edit func(s *settlement)
		what string
	}{
		{"good", func(s *settlement) {}, ""},
		{"work", func(s *settlement) { s.Lease.Work = long }, "the work must"},
		{"token", func(s *settlement) { s.Lease.Token = 0 }, "token"},
		{"now", func(s *settlement) { s.Now = time.Time{} }, "years"},
		{"twice", func(s *settlement) { s.Parked = s.Delivered }, "each once"},
		{"id", func(s *settlement) { s.Delivered = []int64{0} }, "ids"},
		{"retry", func(s *settlement) { s.Retry[0].At = time.Time{} }, "years"},
		{"retry twice", func(s *settlement) { s.Retry[0].ID = 1 }, "each once"},
		{"many", func(s *settlement) { s.Parked = make([]int64, audit.MaxPage) }, "at most"},
		{"messages of the log", func(s *settlement) { s.Lease.Work = audit.Sequencing }, "no messages"},
		{"sequenced", func(s *settlement) { sequenced(s) }, ""},
		{"sequenced under another lease", func(s *settlement) { sequenced(s); s.Lease.Work = "mail" }, "only"},
		{"sequenced size", func(s *settlement) { sequenced(s).Size = -1 }, "no size"},
		{"sequenced large size", func(s *settlement) { sequenced(s).Size = math.MaxInt64 }, "no size"},
		{"sequenced nothing", func(s *settlement) { q := sequenced(s); q.Events, q.Hashes = nil, nil }, "not 0"},
		{"sequenced too much", func(s *settlement) { sequenced(s).Events = make([]audit.Place, audit.MaxSequence+1) }, "not 4097"},
		{"sequenced hashes", func(s *settlement) { sequenced(s).Hashes = make([]audit.Hash, 2) }, "3 hashes, not 2"},
		{"sequenced checkpoint", func(s *settlement) { sequenced(s).Checkpoint = nil }, "checkpoint"},
		{"sequenced tenant", func(s *settlement) { sequenced(s).Events[1].Key.Tenant = "other" }, "belongs to"},
		{"sequenced twice", func(s *settlement) { sequenced(s).Events[1].Seq = 4 }, "own order"},
		{"sequenced with a hole", func(s *settlement) { sequenced(s).Events[1].Seq = 6 }, "own order"},
		{"sequenced zero", func(s *settlement) { sequenced(s).Events[0].Seq = 0 }, "own order"},
	} {
		s := settlement{Lease: audit.Lease{Tenant: "acme", Work: "mail", Owner: "me", Token: 1, Until: noon}, Now: noon,
			Delivered: []int64{1, 2}, Retry: []audit.Retry{{ID: 3, At: noon}}, Parked: []int64{4}}
		test.edit(&s)
		refused(t, test.name, test.what, s.Check())
	}
}
