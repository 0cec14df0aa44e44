// Package sqlite opens an audit store in an SQLite file, with the driver
// modernc.org/sqlite and with settings under which a commit that was
// acknowledged survives the end of the process and of the power: a write-ahead
// log that is synced at each commit, and transactions that begin with the write
// lock.
//
// Several processes may open one file on the same machine; SQLite does not work
// on network file systems. SQLite itself does not notice bytes that have
// changed, and takes a write-ahead log that was cut for a shorter one: that is
// what [audit.Verify] is for, with checkpoints that are kept somewhere else.
package sqlite
