package audit

import (
	"context"
	"database/sql"
	"iter"
	"time"
)

// Store keeps the record. It carries bytes and no domain types, so a new kind
// of record changes no store. Everything is within one tenant; nothing of
// another tenant is ever read, changed or told.
//
// Every method may be called from many goroutines at once. A method that
// returns an error that is not [ErrOutcomeUnknown] has changed nothing. The
// package audittest holds the suite that every store passes.
type Store interface {
	// Commit writes a batch: everything in it, or nothing. When it returns nil
	// the batch is durable. When the command of the batch has been committed
	// before, with the same request, nothing is written and its first answer is
	// given back; with another request it is a [*CommandReusedError].
	// A record that has moved on gives a [*StaleError]. When it is not known
	// whether the batch was written it returns [ErrOutcomeUnknown]: the same
	// batch again, with its command, finds out.
	Commit(ctx context.Context, b Batch) (Committed, error)

	// Load reads records, their events and the answer to a command, all as of
	// one moment.
	Load(ctx context.Context, r LoadRequest) (Loaded, error)

	// List reads the records of a kind, or of one list, in order. It holds
	// no transaction open while the caller works: a record that is written
	// meanwhile may or may not be seen in its new place. An error that wraps
	// [ErrTampered] is about one record, which comes with it as far as it is
	// known, and those after it follow; any other error is the last.
	List(ctx context.Context, r ListRequest) iter.Seq2[Record, error]

	// Events reads entries in the order of the log, or those that are not in
	// the log yet in the order in which they were committed. Errors are as those
	// of List: one that wraps [ErrTampered] is about one entry.
	Events(ctx context.Context, r EventsRequest) iter.Seq2[Entry, error]

	// Log reads the state of the log, with the stored hashes of its tree at the
	// given positions (see [tlog.StoredHashIndex]).
	Log(ctx context.Context, tenant string, positions []int64) (LogState, error)

	// Claim takes, or extends, the lease on one shard of some work, so that one
	// worker at a time does it, and gives the messages that are due there.
	// While another worker holds the lease it returns [ErrLeased]. Another worker
	// can take a lease from its end on; until one has, it still settles. One that
	// ends later than MaxLease from now can be taken too: only a clock that was
	// ahead has made it, and it could hold for years.
	Claim(ctx context.Context, r ClaimRequest) (Claimed, error)

	// Settle records what a worker did under its lease, all or nothing. When
	// the lease has gone to another worker, or was given back, it returns
	// [ErrLeaseLost]. Messages that were settled before are passed over, so a
	// settlement may be sent twice. A place that does not exist is
	// [ErrNotFound]; one that is in the log already, or is not the next of its
	// record, is an [*InvalidError].
	Settle(ctx context.Context, s Settlement) error
}

// Tx is a transaction of the host's own; *sql.Tx is one.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Joiner is a store that can take part in a transaction of the host's: what is
// committed through the store that In returns is written by that transaction,
// and durable when the host commits it. Nothing is retried in there.
type Joiner interface {
	Store
	In(tx Tx) Store
}

// Limits that every store holds.
const (
	MaxName     = 256       // bytes of a tenant, kind, id, list, sort key, command or owner
	MaxLeaf     = 2 << 20   // bytes of one event, and of its openings
	MaxState    = 8 << 20   // bytes of the state of a record, of an answer, and of a message
	MaxBatch    = 64        // records written, records asserted and messages of one batch, each
	MaxEvents   = 1000      // events of one batch
	MaxLists    = 1000      // lists that a record stands in
	MaxPage     = 1000      // entries, records or messages that a store reads at a time
	Shards      = 16        // of the messages of a topic
	MaxSequence = 4096      // events that one settlement puts into the log
	MaxLease    = time.Hour // a claim holds for at most
)

// Key names one record: what is decided about one thing. IDs are unique per
// tenant and kind.
type Key struct {
	Tenant string
	Kind   string // such as "case"
	ID     string
}

// Listing is one list in which a record stands, and where: lists are ordered
// by Sort and then by ID, byte by byte.
type Listing struct {
	List string
	Sort string
}

// Record is the present state of one thing.
type Record struct {
	Key     Key
	Version uint64    // how many events it has had; 0: it does not exist
	Head    Hash      // of its last event; zero when it has had none
	State   []byte    // what its events add up to, for reading; decisions are made from the events
	Lists   []Listing // ordered
}

// Leaf is an event as it is kept: the bytes that are hashed, and the openings
// of the commitments in them, which are not and can be erased.
type Leaf struct {
	Data     []byte
	Openings []byte // nil when there are none
}

// Entry is an event in its place.
type Entry struct {
	Key   Key
	Seq   uint64 // within its record, from 1
	Index int64  // in the log, from 0; -1 while it is not in it
	Leaf  Leaf
}

// Batch is what one command writes. A record changes only by events.
type Batch struct {
	Tenant   string
	Command  string // the idempotency key; "": none
	Request  Hash   // of what the command asked for
	Answer   []byte // for whoever sends the command again
	Writes   []Write
	Reads    []Read // what must still be as it was read
	Messages []Message
}

// Write moves one record on by one or more events.
type Write struct {
	Key    Key
	From   uint64 // its version before; 0: it must not exist
	Prev   Hash   // its head before
	Head   Hash   // its head afterwards
	State  []byte
	Lists  []Listing
	Events []Leaf // Seq From+1 and on
}

// Read asserts that a record is still at a version; 0: that it does not exist.
type Read struct {
	Key     Key
	Version uint64
}

// Message is something to deliver, about one event of a record.
type Message struct {
	ID       int64  // given by the store, rising within a topic and a key
	Topic    string // who delivers it
	Key      Key
	Seq      uint64 // of the event
	Body     []byte
	Attempts int // deliveries that failed
}

// Shard is the shard of a topic that the messages about a key are in.
func Shard(k Key) int {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a, 64 bits
	h := uint64(offset)
	for _, s := range []string{k.Tenant, k.Kind, k.ID} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h = (h ^ 0xff) * prime
	}
	return int(h % Shards)
}

// Committed is what became of a batch.
type Committed struct {
	Replayed bool // it had been committed before
	Answer   []byte
}

// LoadRequest asks for records by key.
type LoadRequest struct {
	Tenant  string
	Keys    []Key
	Events  bool   // also the events of these records
	Command string // also the answer to this command; "": none
}

// Loaded is what a load found.
type Loaded struct {
	Records []Record  // one for each key; version 0 where there is none
	Events  [][]Entry // of each record, by Seq; nil unless asked for
	Answer  *Answered // nil unless asked for and found
}

// Answered is the answer to a command that was committed.
type Answered struct {
	Request Hash
	Answer  []byte
}

// ListRequest asks for the records of a kind by id, or for one list of them in
// its order. Without a kind it asks for all records, by kind and id.
type ListRequest struct {
	Tenant string
	Kind   string // "": all kinds; then there is no list and no bound
	List   string // "": all records of the kind
	From   string // only where Sort (or, without a list, the id) is at or after this
	Before string // and before this; "": no bound
	Limit  int    // 0: no limit
}

// EventsRequest asks for entries.
type EventsRequest struct {
	Tenant      string
	Unsequenced bool  // those that are not in the log yet, in the order of their commit
	From        int64 // otherwise those from this index on
	Limit       int   // 0: no limit
}

// LogState is how far the log has come.
type LogState struct {
	Size       int64
	Checkpoint []byte // the last one, signed; nil when there is none
	Hashes     []Hash // at the positions asked for
	Waiting    int64  // events that are not in the log yet
}

// Sequencing is the work of putting events into the log; its only shard is 0.
const Sequencing = "sequencing"

// ClaimRequest asks for a lease.
type ClaimRequest struct {
	Tenant string
	Work   string // a topic, or Sequencing
	Shard  int
	Owner  string // names the worker, and no other one
	Now    time.Time
	For    time.Duration
	Limit  int // messages at most; 0: MaxPage
}

// Lease is the right to do a piece of work until it ends.
type Lease struct {
	Tenant string
	Work   string
	Shard  int
	Owner  string
	Token  uint64 // rises each time that the lease changes hands
	Until  time.Time
}

// Claimed is a lease and what is to be done under it: the messages that are
// due, oldest first. A message is due when the time of its next try has come
// and no earlier message about the same key waits for its own.
type Claimed struct {
	Lease    Lease
	Messages []Message
}

// Settlement is what a worker did.
type Settlement struct {
	Lease     Lease
	Now       time.Time
	Delivered []int64 // messages, by ID
	Retry     []Retry
	Parked    []int64 // given up: kept, but not tried again, and holding up no others
	Sequenced *Sequenced
	Release   bool // gives the lease back
}

// Retry puts a delivery that failed off.
type Retry struct {
	ID int64
	At time.Time
}

// Sequenced puts events into the log, and the log under a checkpoint.
type Sequenced struct {
	Size       int64   // of the log before; another size is a [*StaleError]
	Events     []Place // take the places from Size on
	Hashes     []Hash  // of the tree, from position StoredHashCount(Size) on
	Checkpoint []byte  // signed, of the size afterwards
}

// Place names an event.
type Place struct {
	Key Key
	Seq uint64
}
