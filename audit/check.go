package audit

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// invalid makes an [*InvalidError].
func invalid(format string, args ...any) error {
	return &InvalidError{What: fmt.Sprintf(format, args...)}
}

// Check reports what is wrong with a batch in itself; stores refuse one that
// does not pass. It is an [*InvalidError].
func (b *Batch) Check() error {
	if err := checkName("tenant", b.Tenant); err != nil {
		return err
	}
	switch {
	case len(b.Writes) == 0:
		return invalid("a batch writes at least one record")
	case max(len(b.Writes), len(b.Reads), len(b.Messages)) > MaxBatch:
		return invalid("a batch has at most %d writes, as many reads and as many messages; this one has %d, %d and %d",
			MaxBatch, len(b.Writes), len(b.Reads), len(b.Messages))
	}
	if err := b.checkCommand(); err != nil {
		return err
	}
	if err := b.checkKeys(); err != nil {
		return err
	}
	events := 0
	for i := range b.Writes {
		if err := b.Writes[i].check(b.Tenant); err != nil {
			return err
		}
		events += len(b.Writes[i].Events)
	}
	if events > MaxEvents {
		return invalid("a batch has at most %d events; this one has %d", MaxEvents, events)
	}
	for i := range b.Messages {
		if err := b.checkMessage(&b.Messages[i]); err != nil {
			return err
		}
	}
	return nil
}

// checkCommand checks the idempotency key and what belongs to it.
func (b *Batch) checkCommand() error {
	if b.Command == "" {
		if b.Request != (Hash{}) || b.Answer != nil {
			return invalid("a batch without a command has no request and no answer: nobody could ask for it again")
		}
		return nil
	}
	if err := checkName("command", b.Command); err != nil {
		return err
	}
	if b.Request == (Hash{}) {
		return invalid("command %q: the hash of its request is missing, so another request could not be told from it", b.Command)
	}
	return checkSize("an answer", b.Answer)
}

// checkKeys checks that each record occurs once.
func (b *Batch) checkKeys() error {
	seen := make(map[Key]bool, len(b.Writes)+len(b.Reads))
	once := func(k Key) error {
		if err := k.check(b.Tenant); err != nil {
			return err
		}
		if seen[k] {
			return invalid("%s occurs more than once among the writes and reads of a batch", k)
		}
		seen[k] = true
		return nil
	}
	for i := range b.Writes {
		if err := once(b.Writes[i].Key); err != nil {
			return err
		}
	}
	for _, r := range b.Reads {
		if err := once(r.Key); err != nil {
			return err
		}
		if r.Version > math.MaxInt64 {
			return invalid("%s: versions have 63 bits", r.Key)
		}
	}
	return nil
}

// checkMessage checks a message against the writes that it is about.
func (b *Batch) checkMessage(m *Message) error {
	if err := checkName("topic", m.Topic); err != nil {
		return err
	}
	switch {
	case m.Topic == Sequencing:
		return invalid("the topic %q is the log's own", Sequencing)
	case m.ID != 0 || m.Attempts != 0:
		return invalid("a new message has no id and no attempts: the store gives them")
	}
	if err := checkSize("a message", m.Body); err != nil {
		return err
	}
	for i := range b.Writes {
		w := &b.Writes[i]
		if w.Key == m.Key && m.Seq > w.From && m.Seq-w.From <= uint64(len(w.Events)) {
			return nil
		}
	}
	return invalid("a message to %q is about event %d of %s, which the batch does not write", m.Topic, m.Seq, m.Key)
}

// check checks a write in itself.
func (w *Write) check(tenant string) error {
	if err := w.Key.check(tenant); err != nil {
		return err
	}
	switch {
	case len(w.Events) == 0:
		return invalid("%s is written without an event", w.Key)
	case len(w.Events) > MaxEvents:
		return invalid("%s is written with %d events, more than %d", w.Key, len(w.Events), MaxEvents)
	case w.From > math.MaxInt64-uint64(len(w.Events)):
		return invalid("%s: versions have 63 bits", w.Key)
	}
	if err := checkSize("the state of a record", w.State); err != nil {
		return err
	}
	if err := w.checkLists(); err != nil {
		return err
	}
	return w.checkEvents()
}

// checkLists checks the lists that a record stands in.
func (w *Write) checkLists() error {
	if len(w.Lists) > MaxLists {
		return invalid("%s stands in %d lists, more than %d", w.Key, len(w.Lists), MaxLists)
	}
	for i, l := range w.Lists {
		if err := checkName("list", l.List); err != nil {
			return err
		}
		if !validText(l.Sort) {
			return invalid("%s: the sort key of list %q is not at most %d bytes of UTF-8 without control characters", w.Key, l.List, MaxName)
		}
		if i > 0 && compareListings(w.Lists[i-1], l) >= 0 {
			return invalid("%s: its lists must be in the order of their names and sort keys, none twice; %q is not", w.Key, l.List)
		}
	}
	return nil
}

// checkEvents checks that the events of a write continue its record.
func (w *Write) checkEvents() error {
	head := w.Prev
	var last time.Time
	for i, l := range w.Events {
		seq := w.From + uint64(i) + 1
		o, what := openLink(w.Key, seq, head, Entry{Key: w.Key, Seq: seq, Leaf: l})
		if what == "" && o.Recorded.Before(last) {
			what = "it was recorded before the event that it follows"
		}
		if what != "" {
			return invalid("event %d of %s: %s", seq, w.Key, what)
		}
		head, last = LeafHash(l.Data), o.Recorded
	}
	if head != w.Head {
		return invalid("the new head of %s is not the hash of its last event", w.Key)
	}
	return nil
}

// Check reports what is wrong with the request; it is an [*InvalidError].
func (r LoadRequest) Check() error {
	if err := checkName("tenant", r.Tenant); err != nil {
		return err
	}
	if len(r.Keys) > MaxPage {
		return invalid("a load asks for at most %d records; this one asks for %d", MaxPage, len(r.Keys))
	}
	seen := make(map[Key]bool, len(r.Keys))
	for _, k := range r.Keys {
		if err := k.check(r.Tenant); err != nil {
			return err
		}
		if seen[k] {
			return invalid("a load asks for %s more than once", k)
		}
		seen[k] = true
	}
	if r.Command == "" {
		return nil
	}
	return checkName("command", r.Command)
}

// Check reports what is wrong with the request; it is an [*InvalidError].
func (r ListRequest) Check() error {
	if err := checkName("tenant", r.Tenant); err != nil {
		return err
	}
	if r.Kind == "" && (r.List != "" || r.From != "" || r.Before != "") {
		return invalid("a list, or a part of one, is asked for by kind")
	}
	for _, part := range []struct{ what, s string }{{"kind", r.Kind}, {"list", r.List}, {"bound", r.From}, {"bound", r.Before}} {
		if part.s == "" {
			continue
		}
		if err := checkName(part.what, part.s); err != nil {
			return err
		}
	}
	return checkLimit(r.Limit, math.MaxInt)
}

// Check reports what is wrong with the request; it is an [*InvalidError].
func (r EventsRequest) Check() error {
	if err := checkName("tenant", r.Tenant); err != nil {
		return err
	}
	switch {
	case r.From < 0:
		return invalid("the log begins at 0, not at %d", r.From)
	case r.Unsequenced && r.From != 0:
		return invalid("events that are not in the log have no index to begin at")
	}
	return checkLimit(r.Limit, math.MaxInt)
}

// Check reports what is wrong with the request; it is an [*InvalidError].
func (r ClaimRequest) Check() error {
	if err := checkWork(r.Tenant, r.Work, r.Shard, r.Owner); err != nil {
		return err
	}
	switch {
	case !validTime(r.Now):
		return invalid("a claim is made at a time of the years %d to %d", firstYear, lastYear)
	case r.For <= 0 || r.For > MaxLease:
		return invalid("a lease is for more than nothing and at most %v, not for %v", MaxLease, r.For)
	}
	return checkLimit(r.Limit, MaxPage)
}

// Check reports what is wrong with the settlement; it is an [*InvalidError].
func (s Settlement) Check() error {
	l := s.Lease
	if err := checkWork(l.Tenant, l.Work, l.Shard, l.Owner); err != nil {
		return err
	}
	switch {
	case l.Token == 0 || l.Token > math.MaxInt64:
		return invalid("the lease has no token: it did not come from a claim")
	case !validTime(s.Now):
		return invalid("a settlement is made at a time of the years %d to %d", firstYear, lastYear)
	}
	if err := s.checkMessages(); err != nil {
		return err
	}
	if s.Sequenced == nil {
		return nil
	}
	if l.Work != Sequencing {
		return invalid("only %q puts events into the log, not %q", Sequencing, clip(l.Work))
	}
	return s.Sequenced.check(l.Tenant)
}

// checkMessages checks that each message has one fate.
func (s Settlement) checkMessages() error {
	total := len(s.Delivered) + len(s.Retry) + len(s.Parked)
	switch {
	case total > MaxPage:
		return invalid("a settlement is about at most %d messages; this one is about %d", MaxPage, total)
	case total > 0 && s.Lease.Work == Sequencing:
		return invalid("%q has no messages", Sequencing)
	}
	ids := make([]int64, 0, total)
	ids = append(append(ids, s.Delivered...), s.Parked...)
	for _, r := range s.Retry {
		if !validTime(r.At) {
			return invalid("message %d is put off to a time out of the years %d to %d", r.ID, firstYear, lastYear)
		}
		ids = append(ids, r.ID)
	}
	seen := make(map[int64]bool, total)
	for _, id := range ids {
		if id < 1 || seen[id] {
			return invalid("a settlement names messages by the ids that the store gave, each once; %d is not so", id)
		}
		seen[id] = true
	}
	return nil
}

// check checks what a sequencer adds to the log.
func (q *Sequenced) check(tenant string) error {
	n := int64(len(q.Events))
	switch {
	case q.Size < 0 || q.Size > maxSize-MaxSequence:
		return invalid("a log has no size of %d", q.Size)
	case n < 1 || n > MaxSequence:
		return invalid("1 to %d events go into the log at a time, not %d", MaxSequence, n)
	case len(q.Checkpoint) == 0 || len(q.Checkpoint) > MaxState:
		return invalid("events go into the log under a signed checkpoint of at most %d bytes", MaxState)
	}
	if want := tlog.StoredHashCount(q.Size+n) - tlog.StoredHashCount(q.Size); int64(len(q.Hashes)) != want {
		return invalid("%d events after %d have %d hashes, not %d", n, q.Size, want, len(q.Hashes))
	}
	last := make(map[Key]uint64, n)
	for _, p := range q.Events {
		if err := p.Key.check(tenant); err != nil {
			return err
		}
		if before := last[p.Key]; p.Seq == 0 || p.Seq > math.MaxInt64 || before != 0 && p.Seq != before+1 {
			return invalid("event %d of %s comes after its event %d: they go into the log in their own order, each once", p.Seq, p.Key, before)
		}
		last[p.Key] = p.Seq
	}
	return nil
}

// CheckPositions reports what is wrong with the arguments of [Store.Log],
// before it is known how large the log is; it is an [*InvalidError].
func CheckPositions(tenant string, positions []int64) error {
	if err := checkName("tenant", tenant); err != nil {
		return err
	}
	if len(positions) > MaxPage {
		return invalid("at most %d stored hashes are read at a time, not %d", MaxPage, len(positions))
	}
	for _, p := range positions {
		if p < 0 {
			return invalid("stored hashes have positions from 0 on, not %d", p)
		}
	}
	return nil
}

// checkWork checks what a lease is on.
func checkWork(tenant, work string, shard int, owner string) error {
	if err := checkName("tenant", tenant); err != nil {
		return err
	}
	if err := checkName("work", work); err != nil {
		return err
	}
	if shard < 0 || shard >= Shards || work == Sequencing && shard != 0 {
		return invalid("%q has no shard %d", work, shard)
	}
	return checkName("owner", owner)
}

// check checks a key of this tenant.
func (k Key) check(tenant string) error {
	if k.Tenant != tenant {
		return invalid("%s belongs to the tenant %q and not to %q", k, clip(k.Tenant), clip(tenant))
	}
	if err := checkName("tenant", k.Tenant); err != nil {
		return err
	}
	if err := checkName("kind", k.Kind); err != nil {
		return err
	}
	return checkName("id", k.ID)
}

// String names the record for people, on one line whatever its id is.
func (k Key) String() string { return fmt.Sprintf("%s %q", quiet(k.Kind), clip(k.ID)) }

// quiet quotes a kind that is not a plain word.
func quiet(kind string) string {
	if validWord(kind, "-_.") && len(kind) <= 64 {
		return kind
	}
	return fmt.Sprintf("%q", clip(kind))
}

func checkName(what, s string) error {
	if !validName(s) {
		return invalid("the %s must be 1 to %d bytes of UTF-8 without control characters, which %q is not", what, MaxName, clip(s))
	}
	return nil
}

func checkSize(what string, b []byte) error {
	if len(b) > MaxState {
		return invalid("%s has at most %d bytes, not %d", what, MaxState, len(b))
	}
	return nil
}

func checkLimit(n, most int) error {
	if n < 0 || n > most {
		return invalid("a limit of %d is not 0 (none) to %d", n, most)
	}
	return nil
}
