package sqlstore

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/changelane/changelane/audit"
)

// checksum is the CRC-32C of the columns of a row, each with its length before
// it: the polynomial that processors have an instruction for.
func checksum(columns ...[]byte) int64 {
	var sum uint32
	var length [8]byte
	for _, c := range columns {
		binary.BigEndian.PutUint64(length[:], uint64(len(c)))
		sum = crc32.Update(sum, castagnoli, length[:])
		sum = crc32.Update(sum, castagnoli, c)
	}
	return int64(sum)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// number is a number as a column of a checksum.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// nonNil is a value for a column that is not null.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// nilIfEmpty is the inverse of nonNil, whatever the driver makes of no bytes.
func nilIfEmpty(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

func recordChecksum(k audit.Key, version uint64, head audit.Hash, lists, state []byte) int64 {
	return checksum([]byte(k.Tenant), []byte(k.Kind), []byte(k.ID), number(version), head[:], lists, state)
}

func commandChecksum(tenant, command string, request audit.Hash, answer []byte) int64 {
	return checksum([]byte(tenant), []byte(command), request[:], answer)
}

func messageChecksum(m *audit.Message) int64 {
	return checksum([]byte(m.Topic), []byte(m.Key.Tenant), []byte(m.Key.Kind), []byte(m.Key.ID), number(m.Seq), m.Body)
}

// formatLists is the lists of a record in its row: name and sort key in turn,
// each with its length before it.
func formatLists(lists []audit.Listing) []byte {
	out := []byte{}
	for _, l := range lists {
		for _, s := range []string{l.List, l.Sort} {
			out = binary.AppendUvarint(out, uint64(len(s)))
			out = append(out, s...)
		}
	}
	return out
}

// parseLists is the inverse of formatLists.
func parseLists(data []byte) ([]audit.Listing, error) {
	var lists []audit.Listing
	var part [2]string
	for len(data) > 0 {
		for i := range part {
			n, used := binary.Uvarint(data)
			if used <= 0 || n > uint64(len(data)-used) {
				return nil, errors.New("its lists cannot be read")
			}
			part[i], data = string(data[used:used+int(n)]), data[used+int(n):]
		}
		lists = append(lists, audit.Listing{List: part[0], Sort: part[1]})
	}
	return lists, nil
}

// scanHash reads a hash of the right size.
func scanHash(data []byte) (h audit.Hash, err error) {
	if len(data) != len(h) {
		return h, fmt.Errorf("a hash has %d bytes and not %d", len(data), len(h))
	}
	return audit.Hash(data), nil
}

// scanRecord reads a row of recordColumns and, behind them, of more, and checks
// it against its checksum.
func scanRecord(rows *sql.Rows, tenant string, more ...any) (audit.Record, error) {
	r := audit.Record{Key: audit.Key{Tenant: tenant}}
	var version, crc int64
	var head, lists []byte
	into := append([]any{&r.Key.Kind, &r.Key.ID, &version, &head, &lists, &r.State, &crc}, more...)
	if err := rows.Scan(into...); err != nil {
		return audit.Record{}, err
	}
	r.Version, r.State = uint64(version), nilIfEmpty(r.State)
	var err error
	if r.Head, err = scanHash(head); err == nil {
		r.Lists, err = parseLists(lists)
	}
	if err == nil && crc != recordChecksum(r.Key, r.Version, r.Head, lists, r.State) {
		err = errors.New(badChecksum)
	}
	if err != nil {
		return audit.Record{}, &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the row of the record is damaged: " + err.Error()}
	}
	return r, nil
}

const badChecksum = "it does not have the checksum that it was written with"

// standsIn reports a record that its own row does not know in a list where
// another row has it.
func standsIn(r audit.Record, l audit.Listing) error {
	if !slices.Contains(r.Lists, l) {
		return &audit.TamperedError{Key: r.Key, Seq: r.Version, What: fmt.Sprintf("list %q has it at %q, and its own row does not", l.List, l.Sort)}
	}
	return nil
}

// scanEntry reads a row of entryColumns and, behind them, of more.
func scanEntry(rows *sql.Rows, tenant string, more ...any) (audit.Entry, error) {
	e := audit.Entry{Key: audit.Key{Tenant: tenant}, Index: -1}
	var seq int64
	var place sql.NullInt64
	into := append([]any{&e.Key.Kind, &e.Key.ID, &seq, &place, &e.Leaf.Data, &e.Leaf.Openings}, more...)
	if err := rows.Scan(into...); err != nil {
		return audit.Entry{}, err
	}
	if place.Valid {
		e.Index = place.Int64
	}
	e.Seq, e.Leaf.Openings = uint64(seq), nilIfEmpty(e.Leaf.Openings)
	return e, nil
}

// scanMessage reads a row of due messages and checks it against its checksum.
func scanMessage(rows *sql.Rows, tenant, topic string) (audit.Message, error) {
	m := audit.Message{Topic: topic, Key: audit.Key{Tenant: tenant}}
	var seq, crc int64
	if err := rows.Scan(&m.ID, &m.Key.Kind, &m.Key.ID, &seq, &m.Body, &crc, &m.Attempts); err != nil {
		return audit.Message{}, err
	}
	m.Seq, m.Body = uint64(seq), nilIfEmpty(m.Body)
	if crc != messageChecksum(&m) {
		return audit.Message{}, &audit.TamperedError{Key: m.Key, Seq: m.Seq, What: fmt.Sprintf("message %d to %q is damaged: %s", m.ID, topic, badChecksum)}
	}
	return m, nil
}

// answered reads the answer to a command; nil when there is none.
func answered(tenant, command string, found bool, request, answer []byte, crc int64) (*audit.Answered, error) {
	if !found {
		return nil, nil
	}
	hash, err := scanHash(request)
	if err == nil && crc != commandChecksum(tenant, command, hash, answer) {
		err = errors.New(badChecksum)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the answer to command %q: %w", audit.ErrTampered, command, err)
	}
	return &audit.Answered{Request: hash, Answer: bytes.Clone(nilIfEmpty(answer))}, nil
}
