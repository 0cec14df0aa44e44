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

// scan reads a row. What is wrong with the row itself, as a column has no value
// of its type, is not an error of reading: it is told apart by reading the row
// again as whatever it is.
func scan(rows *sql.Rows, into ...any) (wrong, err error) {
	if wrong = rows.Scan(into...); wrong == nil {
		return nil, nil
	}
	raw, anything := make([]sql.RawBytes, len(into)), make([]any, len(into))
	for i := range raw {
		anything[i] = &raw[i]
	}
	if err := rows.Scan(anything...); err != nil {
		return nil, err
	}
	return fmt.Errorf("it cannot be read: %w", wrong), nil
}

// fits reports a row that has more bytes than a store ever writes. They have
// not been loaded.
func fits(large bool, k audit.Key) error {
	if large || max(len(k.Kind), len(k.ID)) > audit.MaxName {
		return errors.New("it is larger than any that is written")
	}
	return nil
}

// scanRecord reads a row of recordColumns and, behind them, of more, and checks
// it against its checksum.
func scanRecord(rows *sql.Rows, tenant string, more ...any) (audit.Record, error) {
	r := audit.Record{Key: audit.Key{Tenant: tenant}}
	var version, crc int64
	var head, lists []byte
	var large bool
	into := append([]any{&r.Key.Kind, &r.Key.ID, &version, &head, &lists, &r.State, &large, &crc}, more...)
	wrong, err := scan(rows, into...)
	if err != nil {
		return r, err
	}
	r.Version, r.State = uint64(version), nilIfEmpty(r.State)
	if wrong == nil {
		wrong = fits(large, r.Key)
	}
	if wrong == nil && version < 1 {
		wrong = fmt.Errorf("it has version %d", version)
	}
	if wrong == nil {
		r.Head, wrong = scanHash(head)
	}
	if wrong == nil {
		r.Lists, wrong = parseLists(lists)
	}
	if wrong == nil && crc != recordChecksum(r.Key, r.Version, r.Head, lists, r.State) {
		wrong = errors.New(badChecksum)
	}
	if wrong != nil {
		r = audit.Record{Key: r.Key, Version: r.Version}
		return r, &audit.TamperedError{Key: r.Key, Seq: r.Version, What: "the row of the record is damaged: " + wrong.Error()}
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
	var large bool
	into := append([]any{&e.Key.Kind, &e.Key.ID, &seq, &place, &e.Leaf.Data, &e.Leaf.Openings, &large}, more...)
	wrong, err := scan(rows, into...)
	if err != nil {
		return e, err
	}
	if place.Valid {
		e.Index = place.Int64
	}
	e.Seq, e.Leaf.Openings = uint64(seq), nilIfEmpty(e.Leaf.Openings)
	if wrong == nil {
		wrong = fits(large, e.Key)
	}
	if wrong == nil && seq < 1 {
		wrong = fmt.Errorf("it has number %d", seq)
	}
	if wrong != nil {
		e.Leaf = audit.Leaf{}
		return e, &audit.TamperedError{Key: e.Key, Seq: e.Seq, What: "the row of the event is damaged: " + wrong.Error()}
	}
	return e, nil
}

// scanMessage reads a row of messageColumns and, behind them, of more, and
// checks it against its checksum.
func scanMessage(rows *sql.Rows, tenant string, more ...any) (audit.Message, error) {
	m := audit.Message{Key: audit.Key{Tenant: tenant}}
	var seq, crc int64
	var large bool
	into := append([]any{&m.ID, &m.Topic, &m.Key.Kind, &m.Key.ID, &seq, &m.Body, &large, &crc, &m.Attempts}, more...)
	wrong, err := scan(rows, into...)
	if err != nil {
		return m, err
	}
	m.Seq, m.Body = uint64(seq), nilIfEmpty(m.Body)
	if wrong == nil {
		wrong = fits(large, m.Key)
	}
	if wrong == nil && crc != messageChecksum(&m) {
		wrong = errors.New(badChecksum)
	}
	if wrong != nil {
		m.Body = nil
		return m, &audit.TamperedError{Key: m.Key, Seq: m.Seq, What: fmt.Sprintf("message %d to %q is damaged: %v", m.ID, m.Topic, wrong)}
	}
	return m, nil
}

// answered reads the answer to a command; nil when there is none.
func answered(tenant, command string, found bool, request, answer []byte, large bool, crc int64) (*audit.Answered, error) {
	if !found {
		return nil, nil
	}
	hash, err := scanHash(request)
	if large {
		err = fits(large, audit.Key{})
	}
	if err == nil && crc != commandChecksum(tenant, command, hash, answer) {
		err = errors.New(badChecksum)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the answer to command %q: %w", audit.ErrTampered, command, err)
	}
	return &audit.Answered{Request: hash, Answer: bytes.Clone(nilIfEmpty(answer))}, nil
}
