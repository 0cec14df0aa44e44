package audittest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/changelane/changelane/audit"
)

var modelChecks = []check{
	{"random operations do what the model does", "INV-41", modelled},
}

// modelled runs random operations in parts, each in a tenant of its own, as
// everything that can be seen is compared after each of them.
func modelled(s *scene) {
	const part = 60
	for seed := 0; seed*part < s.steps; seed++ {
		r := newRun(s, fmt.Sprint("tenant ", seed), uint64(seed))
		for range min(part, s.steps-seed*part) {
			r.step()
		}
	}
}

// run is a series of random operations on one tenant.
type run struct {
	*scene
	tenant  string
	seed    uint64
	rng     *rand.Rand
	model   *model
	now     time.Time
	batches []audit.Batch   // that had a command
	claims  []audit.Claimed // that may not have been settled
	steps   int
	told    []string // what could be seen after each step
}

func newRun(s *scene, tenant string, seed uint64) *run {
	return &run{scene: s, tenant: tenant, seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), now: noon,
		model: &model{answers: map[string]audit.Answered{}}}
}

// step does something and compares everything.
func (r *run) step() {
	r.Helper()
	r.steps++
	r.now = r.now.Add(time.Duration(r.rng.IntN(20)) * time.Second)
	var what string
	switch n := r.rng.IntN(100); {
	case n < 35:
		what = r.commitSome()
	case n < 65:
		what = r.claimSome()
	case n < 90:
		what = r.settleSome()
	default:
		what = r.sequenceSome()
	}
	got := visible(storeView{r.scene, r.tenant})
	if d := difference(got, visible(r.model)); d != "" {
		r.fail(what, d)
	}
	r.told = append(append(r.told, "step: "+what), got...)
}

// fail ends the check.
func (r *run) fail(what, why string) {
	r.Helper()
	r.Fatalf("seed %d, step %d, %s: %s", r.seed, r.steps, what, why)
}

// agree compares two errors by what they are.
func (r *run) agree(what string, got, want error) {
	r.Helper()
	if !errors.Is(got, want) {
		r.fail(what, fmt.Sprintf("the store says %v, the model %v", got, want))
	}
}

func (r *run) key() audit.Key {
	return audit.Key{Tenant: r.tenant, Kind: []string{"case", "template"}[r.rng.IntN(2)], ID: string(rune('a' + r.rng.IntN(3)))}
}

// present is a record as the model has it, and now and then as it is not.
func (r *run) present(k audit.Key) audit.Record {
	is := audit.Record{Key: k}
	if have := r.model.record(k); have != nil {
		is = *have
	}
	switch r.rng.IntN(20) {
	case 0:
		return audit.Record{Key: k}
	case 1:
		is.Version, is.Head = is.Version+1, request("no such head")
	case 2:
		if is.Version > 0 {
			is.Head = request("another head")
		}
	}
	return is
}

func (r *run) lists() []audit.Listing {
	var all []audit.Listing
	for _, name := range lists {
		if r.rng.IntN(2) == 0 {
			all = append(all, audit.Listing{List: name, Sort: string(rune('0' + r.rng.IntN(4)))})
		}
	}
	slices.SortFunc(all, func(a, b audit.Listing) int { return cmp.Compare(a.List, b.List) })
	return all
}

// batch makes a batch. Its writes are ordered by key, as the contract does not
// say how those of one batch are ordered otherwise.
func (r *run) batch() audit.Batch {
	b := audit.Batch{Tenant: r.tenant}
	used := map[audit.Key]bool{}
	for range 1 + r.rng.IntN(3) {
		k := r.key()
		if used[k] {
			continue
		}
		used[k] = true
		notes := make([]string, 1+r.rng.IntN(3))
		for i := range notes {
			notes[i] = fmt.Sprint("step ", r.steps, " ", i)
		}
		b.Writes = append(b.Writes, r.next(r.present(k), r.lists(), notes...))
	}
	slices.SortFunc(b.Writes, func(v, w audit.Write) int {
		return cmp.Or(cmp.Compare(v.Key.Kind, w.Key.Kind), cmp.Compare(v.Key.ID, w.Key.ID))
	})
	for range r.rng.IntN(3) {
		if k := r.key(); !used[k] {
			used[k] = true
			b.Reads = append(b.Reads, audit.Read{Key: k, Version: r.present(k).Version})
		}
	}
	for _, w := range b.Writes {
		if r.rng.IntN(2) == 0 {
			b.Messages = append(b.Messages, audit.Message{Topic: r.topic(), Key: w.Key,
				Seq: w.From + 1 + uint64(r.rng.IntN(len(w.Events))), Body: fmt.Append(nil, "\x00", r.steps)})
		}
	}
	if r.rng.IntN(2) == 0 {
		b.Command, b.Request, b.Answer = fmt.Sprint("command ", r.steps), request(fmt.Sprint(r.steps)), fmt.Append(nil, "\xff", r.steps)
	}
	return b
}

func (r *run) topic() string { return []string{"mail", "post"}[r.rng.IntN(2)] }

func (r *run) commitSome() string {
	b := r.batch()
	if len(r.batches) > 0 && r.rng.IntN(4) == 0 { // an old command, with the old batch or another one
		old := r.batches[r.rng.IntN(len(r.batches))]
		if r.rng.IntN(2) == 0 {
			b = old
		}
		b.Command, b.Request = old.Command, old.Request
		if r.rng.IntN(3) == 0 {
			b.Request = request("something else")
		}
	}
	if b.Command != "" {
		r.batches = append(r.batches, b)
	}
	what := fmt.Sprintf("commit of %d writes, %d reads, command %q", len(b.Writes), len(b.Reads), b.Command)
	got, err := r.store.Commit(context.Background(), b)
	want, wantErr := r.model.commit(b)
	r.agree(what, err, wantErr)
	if got.Replayed != want.Replayed || string(got.Answer) != string(want.Answer) {
		r.fail(what, fmt.Sprintf("the store gave %+v, the model %+v", got, want))
	}
	found, err := r.store.Load(context.Background(), audit.LoadRequest{Tenant: r.tenant, Command: b.Command})
	r.must(err)
	answer, known := r.model.answers[b.Command]
	if known != (found.Answer != nil) || known && (found.Answer.Request != answer.Request || string(found.Answer.Answer) != string(answer.Answer)) {
		r.fail(what, fmt.Sprintf("the store has the answer %+v, the model %+v", found.Answer, answer))
	}
	return fmt.Sprint(what, ": ", wantErr)
}

func (r *run) claimSome() string {
	q := audit.ClaimRequest{Tenant: r.tenant, Work: r.topic(), Shard: audit.Shard(r.key()), Owner: []string{"a", "b"}[r.rng.IntN(2)],
		Now: r.now, For: time.Duration(1+r.rng.IntN(60)) * time.Second, Limit: max(0, r.rng.IntN(6)-2)}
	switch n, ms := r.rng.IntN(4), r.model.messages; {
	case n < 2 && len(r.claims) > 0: // where it was done last
		last := r.claims[len(r.claims)-1].Lease
		q.Work, q.Shard = last.Work, last.Shard
	case n < 3 && len(ms) > 0: // where there is something
		m := ms[r.rng.IntN(len(ms))]
		q.Work, q.Shard = m.Topic, audit.Shard(m.Key)
	}
	return r.take(q)
}

// take claims and compares.
func (r *run) take(q audit.ClaimRequest) string {
	what := fmt.Sprintf("claim of %s %d by %s with limit %d", q.Work, q.Shard, q.Owner, q.Limit)
	got, err := r.store.Claim(context.Background(), q)
	want, wantErr := r.model.claim(q)
	r.agree(what, err, wantErr)
	what = fmt.Sprint(what, ": ", wantErr)
	if err != nil {
		return what
	}
	if wrong := r.model.tokens(q, got.Lease); wrong != "" {
		r.fail(what, wrong)
	}
	var gotLines, wantLines []string
	for _, m := range got.Messages {
		gotLines = append(gotLines, sayMessage(m))
	}
	for _, p := range want {
		wantLines = append(wantLines, sayMessage(p.Message))
	}
	if d := difference(gotLines, wantLines); d != "" {
		r.fail(what, d)
	}
	for i, p := range want {
		if id := got.Messages[i].ID; p.given != 0 && p.given != id {
			r.fail(what, fmt.Sprintf("a message had the id %d and has %d", p.given, id))
		}
		p.given = got.Messages[i].ID
	}
	r.claims = append(r.claims, got)
	return fmt.Sprint(what, gotLines)
}

func (r *run) settleSome() string {
	if len(r.claims) == 0 {
		return "nothing to settle"
	}
	i := len(r.claims) - 1 - r.rng.IntN(min(4, len(r.claims)))
	c := r.claims[i]
	done := audit.Settlement{Lease: c.Lease, Now: r.now, Release: r.rng.IntN(5) == 0}
	for _, m := range c.Messages {
		switch r.rng.IntN(6) {
		case 0, 1:
			done.Delivered = append(done.Delivered, m.ID)
		case 2, 3:
			done.Retry = append(done.Retry, audit.Retry{ID: m.ID, At: r.now.Add(time.Duration(r.rng.IntN(60)) * time.Second)})
		case 4:
			done.Parked = append(done.Parked, m.ID)
		}
	}
	what := fmt.Sprintf("settling of %s %d by %s, claim %d: %d delivered, %d retried, %d parked", c.Lease.Work, c.Lease.Shard, c.Lease.Owner, i,
		len(done.Delivered), len(done.Retry), len(done.Parked))
	err := r.store.Settle(context.Background(), done)
	wantErr := r.model.settle(done)
	r.agree(what, err, wantErr)
	return fmt.Sprint(what, ": ", wantErr)
}

func (r *run) sequenceSome() string {
	q := audit.ClaimRequest{Tenant: r.tenant, Work: audit.Sequencing, Owner: "sequencer", Now: r.now, For: time.Minute}
	what := r.take(q)
	lease := r.claims[len(r.claims)-1].Lease
	r.claims = r.claims[:len(r.claims)-1]
	waiting := r.model.waiting()
	if len(waiting) == 0 {
		return "nothing to sequence"
	}
	places, size := r.places(waiting[:1+r.rng.IntN(len(waiting))]), r.model.log.Size
	if r.rng.IntN(10) == 0 {
		places, size = []audit.Place{{Key: waiting[0].Key, Seq: waiting[0].Seq}}, size+1
	}
	done := audit.Settlement{Lease: lease, Now: r.now, Sequenced: sequenced(size, places...), Release: r.rng.IntN(2) == 0}
	if done.Check() != nil {
		return "nothing that could be right"
	}
	what = fmt.Sprintf("%s, sequencing of %d of %d after %d", what, len(places), len(waiting), size)
	err := r.store.Settle(context.Background(), done)
	wantErr := r.model.settle(done)
	r.agree(what, err, wantErr)
	return fmt.Sprint(what, ": ", wantErr)
}

// places are those of events, now and then without one, which may leave a gap,
// or with one that is in the log.
func (r *run) places(entries []audit.Entry) []audit.Place {
	var all []audit.Place
	for _, e := range entries {
		all = append(all, audit.Place{Key: e.Key, Seq: e.Seq})
	}
	if old := r.model.sequenced(); len(old) > 0 && r.rng.IntN(10) == 0 {
		e := old[r.rng.IntN(len(old))]
		all = slices.DeleteFunc(all, func(p audit.Place) bool { return p.Key == e.Key })
		all = append(all, audit.Place{Key: e.Key, Seq: e.Seq})
	}
	if len(all) > 1 && r.rng.IntN(5) == 0 {
		i := r.rng.IntN(len(all))
		all = slices.Delete(all, i, i+1)
	}
	return all
}
