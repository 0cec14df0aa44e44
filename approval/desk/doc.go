// Package desk is the shell around the pure packages: it takes requests for
// change through their life, asks the directory who people are, and records
// each step before it counts. It is the only package that owns a clock,
// goroutines and a lifecycle.
//
// # The verbs
//
//	Submit   opens a case: classified, and authorised at once when it is standard
//	Edit     gives it other content; votes are gone and it is classified again
//	Vote     says yes or no to the revision that the voter saw; Withdraw takes it back
//	Cancel   calls it off
//	Gate     asks, freely: may this artifact go to this target now?
//	Start    uses the authorisation for one attempt
//	Report   says how the attempt ended
//	Validate records the check after the deployment
//	Review   records the post-implementation review
//
// SetTemplate puts a template of the policy into force, or out of it. Reconcile
// holds deployments that were seen in production against the cases, and opens
// one for each that nobody had authorised. Case, History, Queue, Deployments,
// Feed and Templates read.
//
// Who acts is the identity that the host has authenticated, never something of
// the request. The directory is asked before anything is written and never
// within a transaction of the desk's; its answers are part of what is recorded.
// With [Desk.In] it is asked while the host's transaction is open.
//
// # What is recorded
//
// A case is the fold of its events: see [approval.Fold]. A verb loads them,
// decides with the pure functions of package approval, and commits the new
// events, the state for reading, the lists in which the case stands, and the
// message for the notifier together or not at all. When somebody else was
// quicker it decides again on what is there then, up to Options.Retries times.
// The state is never decided from; a record whose state is not what its events
// add up to is refused, and [Verify] finds it. [Rebuild] is how state is made.
//
// Within a transaction of the host's ([Desk.In]) nothing is retried, and what was
// recorded counts when the host commits.
//
// # Errors
//
//   - [*approval.Refused]: no, with all reasons. Waiting says that the answer may
//     become another one.
//   - [ErrDirectory]: the directory could not answer; nothing was recorded, and
//     the command can be sent again.
//   - [audit.ErrOutcomeUnknown]: it is not known whether it was recorded. The same
//     command with the same key finds out, and is done once.
//   - [audit.ErrNotFound]: there is no such case.
//   - [ErrClosed]: the desk is closed.
//   - [ErrPanic]: something within panicked; nothing was decided.
//   - anything else: it did not happen. For Gate and Start any error means: do
//     not deploy.
//
// # Doing things once
//
// Submit is idempotent by the id of the change, Start by the id of the attempt.
// The others take a key in [CommandOptions]: the same command again with its key
// is done once and gives its first answer; another command with that key is
// refused. Without one, a command that asks for what is so already adds no
// event: after [audit.ErrOutcomeUnknown] a Report can always be sent again, and a
// Vote when the case still shows no such vote; of the others, look at the case
// first.
//
// First answers are kept beside the record and not in it, so they are not
// believed by themselves: one is given again only when the case that the command
// is about has the event that the command asks for, and it is read from there.
// Otherwise it is an [audit.TamperedError].
//
// # Time
//
// Options.Now is the clock. A decision is by one reading of it, and is made anew
// when the clock has gone back, or on by more than half a minute, while the
// directory was asked. A case accepts no event earlier than its last one, so a
// clock that was put back refuses until it has caught up; only to take a template
// out of force is open before. What time brings about by itself, a request or an authorisation
// that lapses, holds at once for whoever asks, and is recorded by the next tick.
//
// # Run, Tick and Close
//
// [Desk.Tick] does three things: it records what has lapsed, delivers notices,
// and puts new events into the log under a signed checkpoint. [Desk.Run] does
// this for ever; a host that prefers its own scheduler calls Tick. Without
// either, verbs work and decide the same: only lapses, notices and checkpoints
// wait; [Ticked] says how many events do, as what is under no checkpoint can be
// rewritten. Any number of desks may share a store: leases see to it that one at a
// time delivers in a shard, and one extends the log.
//
// The desk starts no goroutine but within Run and Tick, and one for each question
// to the directory. None of those of Run and Tick outlives [Desk.Close], except
// the call of a notifier that does not heed its context, which Close reports; a
// question that does not heed its context is left behind, up to a hundred. The last checkpoint should be kept where the store is not,
// and given to the next desk as known ([Options]): a store that was put back to
// an old copy is then found, and not signed anew. The store, the directory and the notifier are the host's:
// the desk closes none of them.
//
// # What it will not do
//
// It authenticates nobody, deploys nothing and sends nothing by itself: see
// [Notifier]. It keeps no state of its own besides the leases: what it is asked
// is answered from the store. A notifier cannot change, delay or lose a
// decision; it is told afterwards.
//
// Package desktest has what is needed to test a program with a desk in it.
package desk
