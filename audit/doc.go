// Package audit is the record: what was decided, by whom, and when, kept so
// that nobody can rewrite it silently.
//
// A record is the present state of one thing, such as a case. It changes only
// by events: each carries the hash of the one before it in the same record, so
// a record is a chain, and its head is the hash of the last event. A [Store]
// keeps records and events, and commits what one command writes together or
// not at all. After the commit a sequencer ([Sequence]) gives every event its
// index in the log of the tenant: a Merkle tree whose root, signed, is a
// [Checkpoint]. A [Proof] shows with a checkpoint alone that an event is in the
// log. [Verify] holds everything against everything.
//
//	Append ─> Batch ─> Store.Commit        a decision, in the request path
//	Store.Load ─> OpenChain                the events that decisions are made from
//	Sequence                               now and then, by one worker at a time
//	Prove, Proof.Check                     for somebody who has the key and one event
//	Verify                                 for somebody who has the store, the key and old checkpoints
//
// # The bytes of an event
//
// An event has exactly one form, its leaf. It is made of fields, and a field
// is
//
//	label SP length ":" bytes LF
//
// where the length is the number of bytes, in decimal without leading zeros.
// The leaf is the line "changelane/event/v1" LF and then, in this order and
// nothing else:
//
//	tenant, kind, id  1 to 256 bytes of UTF-8 without control characters (category Cc)
//	seq               the number of the event in its record, from 1, in decimal
//	prev              the hash of the event before it, in base64 (RFC 4648, padded:
//	                  44 characters); 32 zero bytes for seq 1, and only for that
//	type              lower-case words of [a-z][a-z0-9-]* with dots between them,
//	                  at most 256 bytes, then "/" and a version from 1 to 9999
//	occurred          a time: RFC 3339, UTC written as Z, a fraction of at most nine
//	recorded          digits without trailing zeros and none where it is zero; 1971 to 2198
//	sealed            for each commitment its name, "=" and its hash in base64; in
//	                  the order of the names, byte by byte, none twice
//	body              any bytes; by convention JSON
//
// A leaf has at most 2 MiB ([MaxLeaf]). The hash of an event is the leaf hash
// of RFC 6962, section 2.1: SHA-256 over the byte 0 and the leaf. A reader
// that finds anything else than this form refuses it, so two different events
// never share bytes, nor one event two hashes.
//
// # Personal data
//
// Personal data is not in the leaf. What is in it is a commitment to each
// datum, the SHA-256 hash over the line "changelane/commitment/v1" LF and the
// fields
//
//	name   [a-z][a-z0-9_-]*, at most 64 bytes
//	salt   32 random bytes
//	value  any bytes
//
// The openings of an event stand beside its leaf: the line
// "changelane/openings/v1" LF and then, for each datum in the order of the
// names, the fields open (the name), salt and value; at most 2 MiB. Without
// any datum there are no bytes at all. To erase a datum is to take its three
// fields away: the hashes stay what they are, [Open] tells that it was erased,
// and without the salt not even a datum that could be guessed is confirmed.
// Names, and the fact that there was a datum, stay.
//
// # The log
//
// The log of a tenant is the tree of RFC 6962, section 2.1, over the leaf
// hashes in the order of their indices, from 0. Events of one record stand in
// their own order. Stores keep the hashes of complete subtrees at the
// positions of [tlog.StoredHashIndex].
//
// A checkpoint is a signed note ([note]) with the text of C2SP tlog-checkpoint
// and no extension lines: origin LF size LF root LF, the root in base64. The
// origin is the name of the key, and each log has a key name of its own. A
// proof is C2SP tlog-proof@v1 without extra data: the line
// "c2sp.org/tlog-proof@v1", the line "index N", the hashes of the path in
// base64, a line each, an empty line, and the checkpoint.
//
// # What Verify shows, and what it cannot
//
// With the verifying key, and checkpoints that were kept elsewhere, [Verify]
// shows that every event under the checkpoint is the one that was put there:
// none edited, taken away, put in, doubled or moved, and that the state and
// the lists of every record are what its events add up to. It names the place.
//
// It cannot show what no checkpoint covers. Events that still wait for their
// place in the log are held together by the chain of their record only, and
// whoever can write to the store can rewrite that chain up to its head: run
// the sequencer often. Whoever has the signing key as well can rewrite
// everything that nobody else holds a checkpoint of: publish checkpoints, and
// give them to Verify as known. Without a known checkpoint an old copy of the
// whole store, with its old checkpoint, verifies: it was true once. Messages
// that wait for delivery, and the answers to commands, are not in the log. And
// a log shows that something was recorded, not that it is true.
//
// The signing key must not lie with the log: not in its database, not on its
// disk, not in its backup. It belongs to the worker that sequences, from a
// secret store or in hardware ([Signer]).
//
// The forms of events, openings, checkpoints and proofs are promised: what
// version 1 wrote will always be read, and a new form gets a new first line.
package audit
