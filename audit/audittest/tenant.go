package audittest

import (
	"context"
	"time"

	"github.com/changelane/changelane/audit"
)

var tenantChecks = []check{
	{"the same names of two tenants are different things", "INV-30", tenantNames},
	{"a lease of one tenant settles nothing of another", "INV-30", tenantLeases},
	{"what one tenant sees does not depend on another", "INV-30", tenantAlone},
}

func tenantNames(s *scene) {
	s.commit(s.full())
	other := audit.Key{Tenant: "other", Kind: "case", ID: "one"}
	if d := difference(visible(storeView{s, "other"}), visible(&model{})); d != "" {
		s.Errorf("a tenant that has written nothing sees something: %s", d)
	}
	s.absent(s.record(other))
	found, err := s.store.Load(context.Background(), audit.LoadRequest{Tenant: "other", Command: "do it"})
	s.must(err)
	if found.Answer != nil {
		s.Errorf("a tenant sees the answer to a command of another")
	}
	before := s.see()
	w := s.next(audit.Record{Key: other}, []audit.Listing{{List: "open", Sort: "1"}}, "another")
	done := s.commit(audit.Batch{Tenant: "other", Command: "do it", Request: request("something else"), Answer: []byte("another"),
		Writes:   []audit.Write{w},
		Reads:    []audit.Read{{Key: audit.Key{Tenant: "other", Kind: "case", ID: "two"}}},
		Messages: []audit.Message{{Topic: "mail", Key: other, Seq: 1}}})
	if done.Replayed || string(done.Answer) != "another" {
		s.Errorf("the command of another tenant of the same name gave %+v", done)
	}
	s.sequence("other", 1)
	s.unchanged(before, "another tenant wrote the same names")
	if m := s.mail(caseKey("one")); m != "one/2 " {
		s.Errorf("another tenant wrote a message to the same topic, and the messages are %q", m)
	}
}

// tenantLeases takes the ids and leases of one tenant to another one.
func tenantLeases(s *scene) {
	k := caseKey("one")
	s.post("mail", k, 3)
	mine := s.claim("mail", audit.Shard(k), "w", noon)
	if len(mine.Messages) != 3 {
		s.Fatalf("%d messages came and not 3", len(mine.Messages))
	}
	id := messageIDs(mine.Messages)
	done := audit.Settlement{Now: noon, Delivered: id[:1], Parked: id[1:2], Retry: []audit.Retry{{ID: id[2], At: noon.Add(time.Hour)}}, Release: true}
	done.Lease = mine.Lease
	done.Lease.Tenant = "other"
	s.leaseLost(done, "the lease of another tenant")
	theirs := s.claimFor("other", "mail", audit.Shard(k), "w", noon)
	if len(theirs.Messages) > 0 {
		s.Errorf("the messages of one tenant came to another: %s", say(theirs.Messages))
	}
	done.Lease = theirs.Lease
	_ = s.store.Settle(context.Background(), done) // whether it is an error is open
	if got := s.claim("mail", audit.Shard(k), "w", noon); say(got.Messages) != say(mine.Messages) || got.Lease.Token != mine.Lease.Token {
		s.Errorf("a settlement of another tenant changed the messages from %q to %q", say(mine.Messages), say(got.Messages))
	}
}

// tenantAlone runs the same random operations for a tenant alone, and in turns
// with another one that uses the same names.
func tenantAlone(s *scene) {
	steps := min(s.steps, 100)
	alone := newRun(s, tenant, 1)
	for range steps {
		alone.step()
	}
	both := newScene(s.reporter, s.open, s.steps)
	a, b := newRun(both, tenant, 1), newRun(both, "other", 2)
	for range steps {
		b.step()
		a.step()
	}
	if d := difference(a.told, alone.told); d != "" {
		s.Errorf("beside another tenant: %s", d)
	}
}
