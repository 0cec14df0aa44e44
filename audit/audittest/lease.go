package audittest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/audit"
)

var leaseChecks = []check{
	{"a lease is held by one worker", "INV-12", leaseExclusive},
	{"a lease is extended by who holds it", "INV-12", leaseExtended},
	{"a lease can be taken from its end on", "INV-12", leaseEnds},
	{"a lease that ends later than any may holds nobody up", "INV-12", leaseTooLate},
	{"a lease that is given back is free", "INV-12", leaseReleased},
	{"an old lease settles nothing", "INV-12", leaseFenced},
	{"leases on other work are others", "INV-44", leaseApart},
	{"of many workers one gets the lease", "INV-12", leaseRace},
}

var messageChecks = []check{
	{"messages come oldest first, in their shard", "INV-44", messageOrder},
	{"a claim gives no more messages than it is asked for", "INV-44", messageLimit},
	{"a delivered message never comes again", "INV-43", messageDelivered},
	{"a message that failed comes at the time of its next try", "INV-44", messageRetry},
	{"a message that waits holds up those about its key, and no others", "INV-44", messageHeld},
	{"a parked message never comes again and holds up none", "INV-44", messageParked},
	{"topics do not know each other", "INV-44", messageTopics},
	{"a settlement reaches no further than its lease", "INV-44", messageReach},
	{"a settlement may be sent twice", "INV-34", messageTwice},
}

// leased fails unless a claim is refused as another worker holds the lease.
func (s *scene) leased(work string, shard int, owner string, now time.Time) {
	s.Helper()
	claimed, err := s.store.Claim(context.Background(), audit.ClaimRequest{
		Tenant: tenant, Work: work, Shard: shard, Owner: owner, Now: now, For: time.Minute})
	if !errors.Is(err, audit.ErrLeased) {
		s.Errorf("%s claimed %s from another one: expected ErrLeased, got %v", owner, work, err)
	}
	if len(claimed.Messages) > 0 {
		s.Errorf("a claim that was refused gave %d messages", len(claimed.Messages))
	}
}

func leaseExclusive(s *scene) {
	for _, work := range []string{"mail", audit.Sequencing} {
		l := s.claim(work, 0, "a", noon).Lease
		if l.Tenant != tenant || l.Work != work || l.Shard != 0 || l.Owner != "a" || l.Token == 0 || !l.Until.Equal(noon.Add(time.Minute)) {
			s.Errorf("the lease on %s for a minute from noon on is %+v", work, l)
		}
		s.leased(work, 0, "b", noon)
		s.leased(work, 0, "b", noon.Add(59*time.Second))
		s.leased(work, 0, "b", noon.Add(-50*time.Minute))
		s.settle(audit.Settlement{Lease: l})
	}
}

func leaseExtended(s *scene) {
	first := s.claim("mail", 0, "a", noon).Lease
	second := s.claim("mail", 0, "a", noon.Add(50*time.Second)).Lease
	if second.Token != first.Token || !second.Until.Equal(noon.Add(110*time.Second)) {
		s.Errorf("the lease %+v was extended to %+v; expected the same token, and a minute from then on", first, second)
	}
	s.leased("mail", 0, "b", noon.Add(100*time.Second))
	s.settle(audit.Settlement{Lease: first, Now: noon.Add(55 * time.Second)}) // it names the same hands
}

func leaseEnds(s *scene) {
	first := s.claim("mail", 0, "a", noon).Lease
	second := s.claim("mail", 0, "b", first.Until).Lease
	third := s.claim("mail", 0, "a", second.Until.Add(time.Hour)).Lease
	if first.Token >= second.Token || second.Token >= third.Token {
		s.Errorf("a lease changed hands twice and its tokens were %d, %d, %d; expected them to rise", first.Token, second.Token, third.Token)
	}
	s.leased("mail", 0, "b", third.Until.Add(-time.Second))
	s.settle(audit.Settlement{Lease: third, Now: third.Until.Add(time.Hour)}) // ended, but nobody has taken it
}

// leaseTooLate is the lease of a worker whose clock is years ahead.
func leaseTooLate(s *scene) {
	longest := func(owner string, now time.Time) (audit.Claimed, error) {
		return s.store.Claim(context.Background(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: owner, Now: now, For: audit.MaxLease})
	}
	first, err := longest("a", noon)
	s.must(err)
	if _, err := longest("b", noon); !errors.Is(err, audit.ErrLeased) {
		s.Errorf("the longest lease that begins now was claimed by another one: expected ErrLeased, got %v", err)
	}
	ahead := s.claim("mail", 0, "a", noon.AddDate(9, 0, 0)).Lease
	second := s.claim("mail", 0, "b", noon).Lease
	if second.Token <= first.Lease.Token {
		s.Errorf("a lease changed hands and its token went from %d to %d", first.Lease.Token, second.Token)
	}
	s.leaseLost(audit.Settlement{Lease: ahead}, "a lease that ended too late, and was taken")
	s.leased("mail", 0, "a", noon)
}

func leaseReleased(s *scene) {
	first := s.claim("mail", 0, "a", noon).Lease
	s.settle(audit.Settlement{Lease: first, Release: true})
	s.leaseLost(audit.Settlement{Lease: first}, "a lease that was given back")
	second := s.claim("mail", 0, "b", noon).Lease
	if second.Token <= first.Token {
		s.Errorf("the token went from %d to %d as the lease was given back and taken", first.Token, second.Token)
	}
	s.leaseLost(audit.Settlement{Lease: first, Release: true}, "a lease that was given back and taken")
	s.leased("mail", 0, "a", noon)
}

func leaseFenced(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 4)
	old := s.claim("mail", audit.Shard(k), "old", noon)
	if len(old.Messages) != 4 {
		s.Fatalf("%d messages came and not the 4 that were written", len(old.Messages))
	}
	later := noon.Add(time.Hour)
	now := s.claim("mail", audit.Shard(k), "new", later)
	m := messageIDs(old.Messages)
	done := audit.Settlement{Lease: old.Lease, Now: later, Delivered: m[:1], Retry: []audit.Retry{{ID: m[1], At: later.Add(time.Hour)}}, Parked: m[2:3]}
	s.leaseLost(done, "an old lease")
	done.Release = true
	s.leaseLost(done, "an old lease, to be given back")
	thief := done
	thief.Lease.Owner = "new"
	s.leaseLost(thief, "an old token under the new name")
	thief.Lease, thief.Lease.Owner = now.Lease, "old"
	s.leaseLost(thief, "the new token under the old name")
	s.leased("mail", audit.Shard(k), "old", later)
	if again := say(s.claim("mail", audit.Shard(k), "new", later).Messages); again != say(now.Messages) {
		s.Errorf("an old lease changed the messages from %s to %s", say(now.Messages), again)
	}
}

func leaseApart(s *scene) {
	s.claim("mail", 0, "a", noon)
	s.claim("mail", 1, "b", noon)
	s.claim("post", 0, "b", noon)
	s.claim(audit.Sequencing, 0, "b", noon)
	l := s.claimFor("other", "mail", 0, "b", noon).Lease
	s.settle(audit.Settlement{Lease: l, Release: true})
	s.leased("mail", 0, "b", noon)
}

func leaseRace(s *scene) {
	now := noon
	for round := range 10 {
		won := together(4, func(i int) bool {
			_, err := s.store.Claim(context.Background(), audit.ClaimRequest{
				Tenant: tenant, Work: "mail", Owner: fmt.Sprint(round, " ", i), Now: now, For: time.Minute})
			if err != nil && !errors.Is(err, audit.ErrLeased) {
				s.Errorf("expected nil or ErrLeased, got %v", err)
			}
			return err == nil
		})
		if len(won) != 1 {
			s.Fatalf("round %d: %d workers got the lease at once; expected one", round, len(won))
		}
		now = now.Add(time.Hour)
	}
}

// post writes a record with so many events, and a message about each.
func (s *scene) post(topic string, k audit.Key, n int) {
	s.Helper()
	for range n {
		r := s.record(k)
		s.commit(audit.Batch{Tenant: k.Tenant, Writes: []audit.Write{s.next(r, r.Lists, "posted")},
			Messages: []audit.Message{{Topic: topic, Key: k, Seq: r.Version + 1, Body: fmt.Append(nil, "body ", r.Version+1)}}})
	}
}

func messageIDs(ms []audit.Message) []int64 {
	all := make([]int64, 0, len(ms))
	for _, m := range ms {
		all = append(all, m.ID)
	}
	return all
}

// say says what messages are about, as id/seq, with the attempts.
func say(ms []audit.Message) string {
	var all strings.Builder
	for _, m := range ms {
		fmt.Fprintf(&all, "%s/%d%s ", m.Key.ID, m.Seq, strings.Repeat("*", m.Attempts))
	}
	return all.String()
}

// mail looks at the messages of the topic "mail" in the shard of a key, and
// leaves everything as it is.
func (s *scene) mail(k audit.Key) string {
	s.Helper()
	claimed := s.claim("mail", audit.Shard(k), "observer", noon)
	s.settle(audit.Settlement{Lease: claimed.Lease, Release: true})
	return say(claimed.Messages)
}

// neighbours are two keys in one shard, and one in another.
func neighbours() (a, b, other audit.Key) {
	a = caseKey("a")
	for i := 0; b.ID == "" || other.ID == ""; i++ {
		if k := caseKey(fmt.Sprint("b", i)); audit.Shard(k) == audit.Shard(a) {
			b = k
		} else {
			other = k
		}
	}
	return a, b, other
}

func messageOrder(s *scene) {
	a, b, other := neighbours()
	for range 3 {
		s.post("mail", a, 1)
		s.post("mail", other, 1)
		s.post("mail", b, 2)
	}
	first := s.claim("mail", audit.Shard(a), "a", noon).Messages
	want := strings.ReplaceAll("a/1 b/1 b/2 a/2 b/3 b/4 a/3 b/5 b/6 ", "b", b.ID)
	if got := say(first); got != want {
		s.Errorf("the messages of a shard are %q and not %q", got, want)
	}
	ids := map[int64]bool{}
	last := map[audit.Key]int64{}
	for _, m := range first {
		if m.Topic != "mail" || m.ID < 1 || ids[m.ID] || m.ID <= last[m.Key] || string(m.Body) != fmt.Sprint("body ", m.Seq) {
			s.Errorf("%s has the id %d after %d; expected ids from 1 on that rise about one key", sayMessage(m), m.ID, last[m.Key])
		}
		ids[m.ID], last[m.Key] = true, m.ID
	}
	if got := say(s.claim("mail", audit.Shard(a), "a", noon).Messages); got != want {
		s.Errorf("messages that were not settled are %q and not %q", got, want)
	}
	if got := say(s.claim("mail", audit.Shard(other), "a", noon).Messages); got != strings.ReplaceAll("o/1 o/2 o/3 ", "o", other.ID) {
		s.Errorf("the messages of the other shard are %q", got)
	}
}

func messageLimit(s *scene) {
	k := caseKey("a")
	b := audit.Batch{Tenant: tenant, Writes: []audit.Write{s.next(audit.Record{Key: k}, nil, "posted")}}
	for len(b.Messages) < audit.MaxBatch {
		b.Messages = append(b.Messages, audit.Message{Topic: "mail", Key: k, Seq: 1})
	}
	for posted := 0; posted <= audit.MaxPage; posted += audit.MaxBatch {
		s.commit(b)
		r := s.record(k)
		b.Writes = []audit.Write{s.next(r, nil, "posted")}
		for i := range b.Messages {
			b.Messages[i].Seq = r.Version + 1
		}
	}
	for limit, want := range map[int]int{0: audit.MaxPage, 1: 1, 65: 65, audit.MaxPage: audit.MaxPage} {
		claimed, err := s.store.Claim(context.Background(), audit.ClaimRequest{
			Tenant: tenant, Work: "mail", Shard: audit.Shard(k), Owner: "a", Now: noon, For: time.Minute, Limit: limit})
		s.must(err)
		if len(claimed.Messages) != want {
			s.Errorf("a claim with a limit of %d gave %d messages and not %d", limit, len(claimed.Messages), want)
		}
	}
}

func messageDelivered(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 3)
	claimed := s.claim("mail", audit.Shard(k), "a", noon)
	s.settle(audit.Settlement{Lease: claimed.Lease, Delivered: messageIDs(claimed.Messages)[:2]})
	for i := range 3 {
		if got := say(s.claim("mail", audit.Shard(k), "a", noon.Add(time.Duration(i)*time.Hour)).Messages); got != "a/3 " {
			s.Errorf("after two of three were delivered the messages are %q", got)
		}
	}
	claimed = s.claim("mail", audit.Shard(k), "b", noon.Add(5*time.Hour))
	s.settle(audit.Settlement{Lease: claimed.Lease, Delivered: messageIDs(claimed.Messages), Release: true})
	s.post("mail", k, 1)
	if got := s.mail(k); got != "a/4 " {
		s.Errorf("after all were delivered and another was written the messages are %q", got)
	}
}

func messageRetry(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 1)
	at := noon
	for attempt := range 3 {
		claimed := s.claim("mail", audit.Shard(k), "a", at)
		if want := "a/1" + strings.Repeat("*", attempt) + " "; say(claimed.Messages) != want {
			s.Fatalf("after %d attempts the messages are %q and not %q", attempt, say(claimed.Messages), want)
		}
		next := at.Add(time.Duration(attempt+1) * time.Minute)
		s.settle(audit.Settlement{Lease: claimed.Lease, Now: at, Retry: []audit.Retry{{ID: claimed.Messages[0].ID, At: next}}})
		if early := s.claim("mail", audit.Shard(k), "a", next.Add(-time.Second)).Messages; len(early) > 0 {
			s.Errorf("a message came before the time of its next try")
		}
		at = next
	}
}

func messageHeld(s *scene) {
	a, b, _ := neighbours()
	s.post("mail", a, 3)
	s.post("mail", b, 2)
	shard := audit.Shard(a)
	claimed := s.claim("mail", shard, "w", noon)
	id := messageIDs(claimed.Messages)
	s.settle(audit.Settlement{Lease: claimed.Lease, Retry: []audit.Retry{{ID: id[1], At: noon.Add(time.Minute)}, {ID: id[2], At: noon.Add(time.Second)}}})
	s.comes(shard, 30*time.Second, "a/1 b/1 b/2 ", b)
	s.comes(shard, time.Minute, "a/1 a/2* a/3* b/1 b/2 ", b)
	claimed = s.claim("mail", shard, "w", noon.Add(time.Minute))
	s.settle(audit.Settlement{Lease: claimed.Lease, Now: noon.Add(time.Minute), Delivered: []int64{id[3]}, Retry: []audit.Retry{{ID: id[0], At: noon.Add(time.Hour)}}})
	s.comes(shard, 30*time.Minute, "b/2 ", b)
	s.post("mail", a, 1)
	s.comes(shard, 30*time.Minute, "b/2 ", b)
	s.comes(shard, time.Hour, "a/1* a/2* a/3* b/2 a/4 ", b)
}

// comes compares the messages that are due some time after noon; in want, "b"
// stands for the id of that key.
func (s *scene) comes(shard int, after time.Duration, want string, b audit.Key) {
	s.Helper()
	want = strings.ReplaceAll(want, "b", b.ID)
	if got := say(s.claim("mail", shard, "w", noon.Add(after)).Messages); got != want {
		s.Errorf("%v after noon the messages %q are due and not %q", after, got, want)
	}
}

func messageParked(s *scene) {
	a, b, _ := neighbours()
	s.post("mail", a, 3)
	s.post("mail", b, 1)
	shard := audit.Shard(a)
	claimed := s.claim("mail", shard, "w", noon)
	id := messageIDs(claimed.Messages)
	s.settle(audit.Settlement{Lease: claimed.Lease, Retry: []audit.Retry{{ID: id[0], At: noon.Add(time.Hour)}}})
	s.comes(shard, time.Minute, "b/1 ", b)
	s.settle(audit.Settlement{Lease: claimed.Lease, Parked: []int64{id[0], id[2]}})
	s.comes(shard, time.Minute, "a/2 b/1 ", b)
	s.comes(shard, 2*time.Hour, "a/2 b/1 ", b)
}

func messageTopics(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 1)
	s.post("post", k, 1)
	s.post("mail", k, 1)
	mail := s.claim("mail", audit.Shard(k), "a", noon)
	post := s.claim("post", audit.Shard(k), "b", noon)
	if say(mail.Messages) != "a/1 a/3 " || say(post.Messages) != "a/2 " {
		s.Fatalf("the messages of two topics are %q and %q", say(mail.Messages), say(post.Messages))
	}
	s.settle(audit.Settlement{Lease: mail.Lease, Delivered: messageIDs(mail.Messages)[1:], Retry: []audit.Retry{{ID: mail.Messages[0].ID, At: noon.Add(time.Hour)}}})
	if got := say(s.claim("post", audit.Shard(k), "b", noon).Messages); got != "a/2 " {
		s.Errorf("after one topic was settled the other has %q", got)
	}
}

// messageReach settles messages of other shards and topics. Whether that is an
// error is open; nothing may come of it.
func messageReach(s *scene) {
	a, _, other := neighbours()
	s.post("mail", other, 3)
	s.post("post", a, 3)
	lease := s.claim("mail", audit.Shard(a), "w", noon).Lease
	for work, k := range map[string]audit.Key{"mail": other, "post": a} {
		before := s.claim(work, audit.Shard(k), "w", noon).Messages
		id := messageIDs(before)
		done := audit.Settlement{Lease: lease, Now: noon, Delivered: id[:1], Parked: id[1:2], Retry: []audit.Retry{{ID: id[2], At: noon.Add(time.Hour)}}}
		_ = s.store.Settle(context.Background(), done)
		if after := s.claim(work, audit.Shard(k), "w", noon).Messages; say(after) != say(before) {
			s.Errorf("a settlement under another lease changed the messages of %s from %q to %q", work, say(before), say(after))
		}
	}
}

// messageTwice sends a settlement again, as a worker does that does not know
// whether it was recorded.
func messageTwice(s *scene) {
	k := caseKey("a")
	s.post("mail", k, 3)
	claimed := s.claim("mail", audit.Shard(k), "w", noon)
	id := messageIDs(claimed.Messages)
	for range 2 {
		s.settle(audit.Settlement{Lease: claimed.Lease, Delivered: id[:1], Parked: id[1:2]})
	}
	s.settle(audit.Settlement{Lease: claimed.Lease, Retry: []audit.Retry{{ID: id[0], At: noon}, {ID: id[1], At: noon}}})
	if got := say(s.claim("mail", audit.Shard(k), "w", noon).Messages); got != "a/3 " {
		s.Errorf("after a settlement was sent twice, and its messages retried, the messages are %q", got)
	}
}
