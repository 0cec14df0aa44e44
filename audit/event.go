package audit

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash, as RFC 6962 makes them of leaves and nodes.
type Hash = tlog.Hash

// Draft is what a writer says of an event; the rest comes from its place.
type Draft struct {
	Type     string    // what happened, with the version of its form, such as "case.voted/1"
	Occurred time.Time // when it happened, for imported histories before it was recorded
	Recorded time.Time
	Body     []byte  // JSON, in one form, without personal data
	Personal []Field // enters the leaf by commitment only
}

// Field is a personal datum of an event: it can be erased without breaking the
// log.
type Field struct {
	Name  string
	Value []byte
}

// SaltedField is a personal datum with the salt of its commitment. The salt is
// what keeps a datum that could be guessed from being found by guessing, so it
// is random and is erased with the datum.
type SaltedField struct {
	Field
	Salt [SaltSize]byte
}

// Event is an event as its leaf has it.
type Event struct {
	Key      Key
	Seq      uint64
	Prev     Hash // the hash of the event before it in the same record; zero for the first
	Type     string
	Occurred time.Time
	Recorded time.Time
	Body     []byte
	Sealed   []Commitment // ordered by name
}

// Commitment stands for a personal datum.
type Commitment struct {
	Name string
	Hash Hash
}

// Opened is an event with its personal data, each checked against its
// commitment.
type Opened struct {
	Event
	Personal []Field // ordered by name; without those that have been erased
	Erased   []string
}

// Get finds a personal datum by name.
func (o Opened) Get(name string) ([]byte, bool) {
	for _, f := range o.Personal {
		if f.Name == name {
			return f.Value, true
		}
	}
	return nil, false
}

// LeafHash is the hash of an event: the RFC 6962 hash of the bytes of its leaf.
func LeafHash(data []byte) Hash { return tlog.RecordHash(data) }

// Append makes the write that moves a record on by some events, with fresh
// salts. State and lists are what the record is afterwards. What cannot be
// written is an [*InvalidError].
//
// Within a record the recorded times never go backwards. Append sees only its
// own drafts: whoever reads the clock keeps it from being behind the last
// event of the record, or [OpenChain] refuses the record from then on.
func Append(r Record, state []byte, lists []Listing, drafts ...Draft) (Write, error) {
	w := Write{Key: r.Key, From: r.Version, Prev: r.Head, Head: r.Head, State: state, Lists: slices.Clone(lists)}
	slices.SortFunc(w.Lists, compareListings)
	for i, d := range drafts {
		if len(d.Body) > MaxLeaf {
			return Write{}, invalid("a body has %d bytes, and an event has room for %d", len(d.Body), MaxLeaf)
		}
		e := Event{Key: r.Key, Seq: r.Version + uint64(i) + 1, Prev: w.Head,
			Type: d.Type, Occurred: d.Occurred, Recorded: d.Recorded, Body: d.Body}
		leaf, err := Seal(e, salted(d.Personal))
		if err != nil {
			return Write{}, err
		}
		w.Events, w.Head = append(w.Events, leaf), LeafHash(leaf.Data)
	}
	if err := w.check(r.Key.Tenant); err != nil {
		return Write{}, err
	}
	return w, nil
}

// salted gives each field a fresh salt.
func salted(fields []Field) []SaltedField {
	out := make([]SaltedField, len(fields))
	for i, f := range fields {
		out[i].Field = f
		rand.Read(out[i].Salt[:]) // never fails: it ends the program instead
	}
	return out
}

// Seal makes the leaf of an event and its personal data. The event comes
// without commitments: they are made here. Writers use [Append], which takes
// care of salts and places.
func Seal(e Event, fields []SaltedField) (Leaf, error) {
	if len(e.Sealed) > 0 {
		return Leaf{}, invalid("the event has commitments already: they are made from its personal data")
	}
	fields = slices.Clone(fields)
	slices.SortFunc(fields, func(a, b SaltedField) int { return strings.Compare(a.Name, b.Name) })
	openings, err := FormatOpenings(fields)
	if err != nil {
		return Leaf{}, err
	}
	for _, f := range fields {
		e.Sealed = append(e.Sealed, f.Commit())
	}
	data, err := e.Format()
	if err != nil {
		return Leaf{}, err
	}
	return Leaf{Data: data, Openings: openings}, nil
}

// Open reads an event and its personal data, and checks the one against the
// other. A commitment without an opening is a datum that has been erased; an
// opening that does not fit its commitment, or that no commitment asks for, is
// a [*TamperedError], and bytes that cannot be read are a [*FormatError].
func Open(l Leaf) (Opened, error) {
	e, err := ParseEvent(l.Data)
	if err != nil {
		return Opened{}, err
	}
	fields, err := ParseOpenings(l.Openings)
	if err != nil {
		return Opened{}, err
	}
	o := Opened{Event: e}
	for _, c := range e.Sealed {
		if len(fields) == 0 || fields[0].Name != c.Name {
			o.Erased = append(o.Erased, c.Name)
			continue
		}
		if fields[0].Commit() != c {
			return Opened{}, &TamperedError{e.Key, e.Seq, "the personal datum " + c.Name + " is not the one that was committed to"}
		}
		o.Personal, fields = append(o.Personal, fields[0].Field), fields[1:]
	}
	if len(fields) > 0 {
		return Opened{}, &TamperedError{e.Key, e.Seq, "there is no commitment to the personal datum " + fields[0].Name}
	}
	return o, nil
}

// OpenChain opens the events of a record as a store gave them, and checks that
// they are the record's own, complete, chained, in time, and end in its head.
// What is not so is a [*TamperedError].
func OpenChain(r Record, entries []Entry) ([]Opened, error) {
	var head Hash
	var last time.Time
	out := make([]Opened, 0, len(entries))
	for i, entry := range entries {
		seq := uint64(i) + 1
		o, what := openLink(r.Key, seq, head, entry)
		if what == "" && o.Recorded.Before(last) {
			what = "it was recorded before the event that it follows"
		}
		if what != "" {
			return nil, &TamperedError{r.Key, seq, what}
		}
		out, head, last = append(out, o), LeafHash(entry.Leaf.Data), o.Recorded
	}
	if have := uint64(len(entries)); have != r.Version {
		return nil, &TamperedError{r.Key, min(have, r.Version) + 1, count(have, "event") + " where the record has " + count(r.Version, "event")}
	}
	if head != r.Head {
		return nil, &TamperedError{r.Key, r.Version, "its hash is not the head of the record"}
	}
	return out, nil
}

// openLink opens one event of a chain and says what is wrong with its place.
func openLink(k Key, seq uint64, prev Hash, entry Entry) (Opened, string) {
	o, err := Open(entry.Leaf)
	if err != nil {
		return o, reason(err)
	}
	switch {
	case entry.Key != k:
		return o, "it is kept under " + entry.Key.String()
	case o.Key != k:
		return o, "it is an event of " + o.Key.String()
	case entry.Seq != seq || o.Seq != seq:
		return o, "it is event " + decimal(o.Seq) + ", kept as event " + decimal(entry.Seq)
	case o.Prev != prev:
		return o, "it does not follow the event before it: the hashes differ"
	}
	return o, ""
}
