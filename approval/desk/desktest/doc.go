// Package desktest helps those who embed a desk to test what they build.
//
// [New] gives a [Kit]: a desk that records in memory, with a [Directory] whose
// people the test makes up, a [Clock] that the test sets, and [Notices] that
// remembers what was told. Nothing happens by itself: a test that wants what is
// over to lapse, or notices to arrive, calls Tick of the desk. When the test
// ends the kit verifies the whole record, so that each test of an embedder
// checks it too.
//
// [TestNotifier] and [TestDirectory] hold an embedder's own notifier and
// directory to what a desk needs of them. The same for stores is
// [github.com/changelane/changelane/audit/audittest].
//
// It uses nothing but the standard library and this module, and reads no clock
// but to give up on what hangs.
package desktest
