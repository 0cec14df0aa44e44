// Package sqlstore keeps the record in a database behind database/sql. It
// brings no driver: package audit/sqlite opens an SQLite file with the right
// one and with settings that do not lose what was acknowledged; a host that has
// a handle already gives that to [Open], which refuses one that is not fit.
//
// # Nouns
//
// A dialect is what differs between databases: the tables' DDL, how arguments
// are marked, and what the driver's errors mean. All else is SQL that they
// share.
//
// A group is several calls that commit in one transaction, each in a savepoint
// of its own: a database syncs the disk once for each transaction, and that is
// what a commit waits for. Calls that arrive while a transaction commits make
// up the next one. What one of them is refused for touches no other.
//
// # What is in the tables
//
// Tables begin with changelane_ and may share a database with the host's own.
// Rows of records, messages and answers carry a checksum (CRC-32C), because
// SQLite has none and hands out flipped bits as they are. It finds accidents,
// not forgery: that is what hashes and checkpoints are for; see [audit.Verify].
//
// # What it will not do
//
// It keeps no transaction open while a caller works, never sends a COMMIT twice,
// and retries nothing inside a transaction of the host's. A goroutine writes what
// has queued and ends when nothing is left: a caller whose time is over leaves it
// with a COMMIT that hangs, and Close waits for it.
package sqlstore
