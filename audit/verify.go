package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Rebuild makes the state and the lists of a record from its events, as the
// code that writes records of its kind does.
type Rebuild func(k Key, events []Opened) (state []byte, lists []Listing, err error)

// VerifyOptions are the choices of [Verify].
type VerifyOptions struct {
	// Verifier has the verifying key of the log. Without it the report says
	// that it is NOT authenticated, and is not OK.
	Verifier note.Verifier
	// Known are signed checkpoints that were seen earlier and kept where the
	// log is not: they show a log that was put back or rewritten.
	Known [][]byte
	// Rebuild replays records, by kind. A kind that is not here is a problem:
	// nobody knows whether its records are what their events say.
	Rebuild map[string]Rebuild
}

// Verify reads all of a tenant's record and reports what is not as it was
// written: entries of the log that do not open, are edited, missing, inserted,
// doubled or out of place; stored hashes and roots that do not follow from
// them; a log that is shorter than, or not consistent with, a checkpoint;
// records whose events are not complete and chained, or not in the log; records
// whose state or lists are not what their events add up to; and lists, as the
// store gives them, in which a record is missing, is too many or stands in
// another place. A store that has the method
//
//	Inspect(ctx context.Context, tenant string) ([]string, error)
//
// looks for itself too: each sentence that it gives is a problem. What the store
// cannot give because it is damaged is a problem, and the rest is read all the
// same. The package documentation says what Verify cannot show.
//
// It is about one tenant. Which others a store has it cannot tell, and neither
// can it miss one that is gone: that takes a list of them, and a checkpoint of
// each, that is kept elsewhere.
//
// It may run while the tenant works: what is written meanwhile is not looked
// at, or counted as waiting. It needs memory for a page of records with their
// events, for one bit for each entry, for the names of the events that wait,
// and for the place of each record in each list: its id, its sort key and some
// fifty bytes. An error means that the store could not be read.
func Verify(ctx context.Context, s Store, tenant string, opts *VerifyOptions) (Report, error) {
	v := verification{ctx: ctx, store: s, tenant: tenant, report: Report{Tenant: tenant},
		unclaimed: indexSet{}, waiting: map[Place]bool{}, unknown: map[string]bool{},
		damaged: map[Key]bool{}, lists: map[listName][]spot{}}
	if opts != nil {
		v.VerifyOptions = *opts
	}
	var err error
	if v.state, err = readState(ctx, s, tenant); errors.Is(err, ErrTampered) {
		v.wrong("%v", err)
		return v.report, nil
	} else if err != nil {
		return v.report, err
	}
	v.report.Size = v.state.Size
	v.readCheckpoints()
	for _, pass := range []func() error{v.readLog, v.readRecords, v.readLists, v.readWaiting, v.inspect} {
		if err := pass(); err != nil {
			return v.report, err
		}
	}
	return v.report, nil
}

// verification is one run of Verify.
type verification struct {
	VerifyOptions
	ctx    context.Context
	store  Store
	tenant string
	report Report
	state  LogState // when it began

	claims     []claim // by size
	consistent int64   // the largest size at which a checkpoint is as it was signed
	edge       edge
	hashes     []Hash // stored ones, from those of the next entry on
	hashless   bool   // stored hashes cannot be read

	unclaimed indexSet        // entries of the log that no record has claimed
	waiting   map[Place]bool  // events of records that are not in the log
	unknown   map[string]bool // kinds that nobody rebuilds, and that were reported
	damaged   map[Key]bool    // records that the store cannot give, and that were reported
	partial   bool            // there is something that the store cannot give
	lists     map[listName][]spot
}

// claim is a checkpoint that the log must agree with.
type claim struct {
	Checkpoint
	whose string
}

// problem keeps a problem, or counts it.
func (v *verification) problem(index int64, k Key, seq uint64, format string, args ...any) {
	if len(v.report.Problems) == maxProblems {
		v.report.More++
		return
	}
	if k.Kind == "" && k.ID == "" { // of something that the store cannot name
		k = Key{}
	}
	v.report.Problems = append(v.report.Problems, Problem{index, k, seq, oneLine(fmt.Sprintf(format, args...))})
}

// oneLine keeps what a store or a rebuilder says from making lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// wrong is a problem with the log as a whole.
func (v *verification) wrong(format string, args ...any) { v.problem(-1, Key{}, 0, format, args...) }

// readCheckpoints opens the checkpoint of the store and those that are known.
func (v *verification) readCheckpoints() {
	if v.state.Checkpoint == nil {
		if v.state.Size > 0 {
			v.wrong("it has entries and no checkpoint")
		}
	} else if c, ok := v.open(v.state.Checkpoint, "the last checkpoint"); ok {
		if v.Verifier != nil {
			v.report.Authenticated, v.report.Checkpoint = true, c
		}
		if c.Size < v.state.Size {
			v.problem(c.Size, Key{}, 0, "from here on the log is under no checkpoint")
		}
	}
	for i, data := range v.Known {
		v.open(data, fmt.Sprintf("known checkpoint %d", i+1))
	}
	slices.SortStableFunc(v.claims, func(a, b claim) int { return int(min(max(a.Size-b.Size, -1), 1)) })
}

// open opens a checkpoint and adds it to the claims. Without a key it is taken
// for what it says it is.
func (v *verification) open(data []byte, whose string) (c Checkpoint, ok bool) {
	var err error
	if v.Verifier != nil {
		c, err = OpenCheckpoint(data, v.Verifier)
	} else {
		c, err = openCheckpoint(data, nil)
		if _, unverified := errors.AsType[*note.UnverifiedNoteError](err); unverified {
			err = nil
		}
	}
	if err != nil {
		v.wrong("%s does not open: %v", whose, err)
		return c, false
	}
	if c.Size > v.state.Size {
		v.problem(v.state.Size, Key{}, 0, "%s has %d entries, but the log ends here: its end was cut off, or an old copy was put back", whose, c.Size)
	}
	v.claims = append(v.claims, claim{c, whose})
	return c, true
}

// readLog reads the entries of the log and grows the tree over them.
func (v *verification) readLog() error {
	v.checkClaims()
	limit := int(min(v.state.Size, math.MaxInt))
	for entry, err := range v.store.Events(v.ctx, EventsRequest{Tenant: v.tenant, Limit: limit}) {
		if v.state.Size == 0 && !broken(err) {
			break // no limit is no end; readWaiting reports what stands behind the end
		}
		if errors.Is(err, ErrTampered) {
			err = v.passOver(entry, err)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		if entry.Index < v.edge.size || entry.Index >= v.state.Size {
			v.problem(entry.Index, entry.Key, entry.Seq, "it stands where entry %d should: it was doubled or moved", v.edge.size)
			continue
		}
		if err := v.skip(entry.Index); err != nil {
			return err
		}
		if err := v.readEntry(entry); err != nil {
			return err
		}
	}
	if err := v.skip(v.state.Size); err != nil {
		return err
	}
	v.report.Root = v.edge.root()
	return nil
}

// broken tells whether an iterator has ended with this error.
func broken(err error) bool { return err != nil && !errors.Is(err, ErrTampered) }

// passOver reports an entry that the store cannot give, and goes on behind it
// with the stored hashes.
func (v *verification) passOver(entry Entry, damage error) error {
	if entry.Key.ID == "" && entry.Seq == 0 && entry.Index == 0 {
		entry.Index = -1 // nothing is known of it
	}
	v.problem(entry.Index, entry.Key, entry.Seq, "%s", reason(damage))
	v.partial = true
	if entry.Index < v.edge.size || entry.Index >= v.state.Size {
		return nil
	}
	if err := v.skip(entry.Index); err != nil {
		return err
	}
	v.unclaimed.add(entry.Index)
	if err := v.readHashes(); err != nil {
		return err
	}
	if v.hashless {
		v.edge, v.claims = edge{size: entry.Index + 1}, nil
		return nil
	}
	v.edge.add(v.hashes[0], func(int, Hash) Hash {
		kept := v.hashes[0]
		v.hashes = v.hashes[1:]
		return kept
	})
	v.checkClaims()
	return nil
}

// readEntry checks an entry that is in its place in the log, and adds it to
// the tree.
func (v *verification) readEntry(entry Entry) error {
	o, err := Open(entry.Leaf)
	switch {
	case err != nil:
		v.problem(entry.Index, entry.Key, entry.Seq, "%s", reason(err))
	case o.Key.Tenant != v.tenant:
		v.problem(entry.Index, entry.Key, entry.Seq, "it is an event of another tenant, %q", clip(o.Key.Tenant))
	case o.Key != entry.Key || o.Seq != entry.Seq:
		v.problem(entry.Index, entry.Key, entry.Seq, "it is event %d of %s", o.Seq, o.Key)
	}
	v.unclaimed.add(entry.Index)
	if err := v.readHashes(); err != nil {
		return err
	}
	v.edge.add(LeafHash(entry.Leaf.Data), func(level int, h Hash) Hash { return v.compare(entry, level, h) })
	v.checkClaims()
	return nil
}

// compare holds a hash against the stored one, and goes on with that, so that
// a difference shows once and where it is.
func (v *verification) compare(entry Entry, level int, computed Hash) Hash {
	if v.hashless {
		return computed
	}
	kept := v.hashes[0]
	v.hashes = v.hashes[1:]
	switch {
	case kept == computed:
	case level == 0:
		v.problem(entry.Index, entry.Key, entry.Seq, "it is not the event that was put here: its hash is another one")
	default:
		v.problem(entry.Index>>level<<level, Key{}, 0, "the stored hash of the entries from here to %d does not follow from theirs", entry.Index)
	}
	return kept
}

// readHashes makes sure that the stored hashes that the next entry completes
// are there. It reads a page of them, or where that is not there, as many as
// it must.
func (v *verification) readHashes() error {
	from := tlog.StoredHashCount(v.edge.size) + int64(len(v.hashes))
	must := tlog.StoredHashCount(v.edge.size + 1)
	if v.hashless || from >= must {
		return nil
	}
	page := min(from+MaxPage, tlog.StoredHashCount(v.state.Size))
	more, err := stored{v.ctx, v.store, v.tenant}.ReadHashes(run(from, page))
	if missing(err) {
		more, err = v.lookUp(run(from, must))
	}
	v.hashes = append(slices.Clone(v.hashes), more...)
	return err
}

// run lists the positions from one to before another.
func run(from, to int64) []int64 {
	positions := make([]int64, to-from)
	for i := range positions {
		positions[i] = from + int64(i)
	}
	return positions
}

// lookUp reads stored hashes; where they are not there, that is a problem, and
// the tree is computed without them.
func (v *verification) lookUp(positions []int64) ([]Hash, error) {
	hashes, err := stored{v.ctx, v.store, v.tenant}.ReadHashes(positions)
	return hashes, v.unreadable(err)
}

// unreadable makes a problem of the error that stored hashes are not there.
func (v *verification) unreadable(err error) error {
	if !missing(err) {
		return err
	}
	v.problem(v.edge.size, Key{}, 0, "stored hashes cannot be read from here on: %v", err)
	v.hashless = true
	return nil
}

// missing tells whether a store has said that something is not there.
func missing(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, ErrTampered) }

// skip reports that entries up to an index are missing, and goes on with the
// stored hashes.
func (v *verification) skip(to int64) error {
	from := v.edge.size
	if to == from {
		return nil
	}
	if to == from+1 {
		v.problem(from, Key{}, 0, "the entry is missing")
	} else {
		v.problem(from, Key{}, 0, "the entries from here to %d are missing", to-1)
	}
	e, err := edge{}, error(nil)
	if !v.hashless {
		e, err = readEdge(v.ctx, v.store, v.tenant, to)
		err = v.unreadable(err)
	}
	v.edge, v.hashes = e, nil
	if v.hashless { // nothing is left to compare a checkpoint with
		v.edge.size, v.claims = to, nil
	}
	v.checkClaims()
	return err
}

// checkClaims holds the checkpoints of the size that the tree has come to
// against it. Those of sizes that were skipped cannot be checked; that entries
// are missing is reported already.
func (v *verification) checkClaims() {
	before := v.consistent
	for len(v.claims) > 0 && v.claims[0].Size <= v.edge.size {
		c := v.claims[0]
		v.claims = v.claims[1:]
		switch {
		case c.Size < v.edge.size:
		case c.Root == v.edge.root():
			v.consistent = c.Size
		default:
			v.problem(before, Key{}, 0, "from here on the first %d entries are not those that were signed: %s has another root", c.Size, c.whose)
		}
	}
}
