package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/changelane/changelane/audit"
)

// maxSentences is how many things Inspect names; it counts the others.
const maxSentences = 100

// Inspect looks at the rows of a tenant as they stand in the tables, all as of
// one moment, and says in a sentence each what does not belong: lists in which a
// record stands only by its own row, or only by another one; answers and
// messages that do not have their checksums; messages about events that are not
// there, or in the shard of another key; events out of the log's places; hashes
// beyond its tree; tables that do not agree with their indexes, as where two
// events stand in one place. An error means that the tables could not be read. See [audit.Verify], which reads all
// that this does not, and calls it.
func (s *Store) Inspect(ctx context.Context, tenant string) ([]string, error) {
	leave, err := s.enter(ctx, audit.CheckPositions(tenant, nil))
	if err != nil {
		return nil, err
	}
	defer leave()
	in := inspection{ctx: ctx, tenant: tenant}
	err = s.read(ctx, func(x session) error {
		in.session = x
		return in.all()
	})
	if err != nil {
		return nil, err
	}
	if in.more > 0 {
		in.found = append(in.found, fmt.Sprintf("and %d more that do not belong", in.more))
	}
	return in.found, nil
}

// inspection is one run of Inspect.
type inspection struct {
	session
	ctx    context.Context
	tenant string
	found  []string
	more   int
}

func (in *inspection) say(format string, args ...any) {
	if len(in.found) == maxSentences {
		in.more++
		return
	}
	in.found = append(in.found, fmt.Sprintf(format, args...))
}

func (in *inspection) all() error {
	size, _, err := readSize(in.ctx, in, in.tenant)
	if errors.Is(err, audit.ErrTampered) {
		in.say("%v", err)
	} else if err != nil {
		return err
	}
	for _, part := range []func() error{in.tables, in.lists, in.commands, in.messages, func() error { return in.log(size) }} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// each does something with each row that a statement gives.
func (in *inspection) each(s statement, args []any, row func(*sql.Rows) error) error {
	rows, err := in.query(in.ctx, s, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (in *inspection) tables() error {
	return in.each(inspectTables, nil, func(rows *sql.Rows) error {
		var table, what string
		if err := rows.Scan(&table, &what); err != nil {
			return err
		}
		in.say("the table %s is damaged: %.200q", table, what)
		return nil
	})
}

// lists holds the rows of lists against those of records, which come before
// them, record by record.
func (in *inspection) lists() error {
	var k audit.Key
	var known, stands []audit.Listing
	there := false // that the record has a row
	tell := func() {
		for _, l := range without(known, stands) {
			in.say("%s stands in list %q at %q by its own row, and the list does not have it", k, l.List, l.Sort)
		}
		for _, l := range without(stands, known) {
			if there {
				in.say("list %q has %s at %q, and its own row does not", l.List, k, l.Sort)
			} else {
				in.say("list %q has %s at %q, and there is no such record", l.List, k, l.Sort)
			}
		}
	}
	err := in.each(inspectLists, []any{in.tenant, in.tenant}, func(rows *sql.Rows) error {
		next, listed := audit.Key{Tenant: in.tenant}, false
		var data []byte
		var large bool
		var l audit.Listing
		wrong, err := scan(rows, &next.Kind, &next.ID, &listed, &data, &large, &l.List, &l.Sort)
		if err != nil {
			return err
		}
		if next != k {
			tell()
			k, known, stands, there = next, nil, nil, false
		}
		if listed && wrong == nil {
			stands = append(stands, l)
			return nil
		}
		if there = !listed; wrong == nil {
			known, wrong = parseLists(data)
		}
		if large {
			wrong = fits(large, k)
		}
		if wrong != nil {
			in.say("the row of %s is damaged: %v", k, wrong)
		}
		return nil
	})
	tell()
	return err
}

func (in *inspection) commands() error {
	return in.each(inspectCommands, []any{in.tenant}, func(rows *sql.Rows) error {
		var command string
		var request, answer []byte
		var large bool
		var crc int64
		wrong, err := scan(rows, &command, &request, &answer, &large, &crc)
		if err != nil {
			return err
		}
		if wrong == nil {
			_, wrong = answered(in.tenant, command, true, request, answer, large, crc)
		}
		if wrong != nil {
			in.say("the answer to the command %q is not the one that was written: %v", command, wrong)
		}
		return nil
	})
}

func (in *inspection) messages() error {
	return in.each(inspectMessages, []any{in.tenant}, func(rows *sql.Rows) error {
		var shard, parked int
		var about bool
		m, err := scanMessage(rows, in.tenant, &shard, &parked, &about)
		switch {
		case errors.Is(err, audit.ErrTampered):
			in.say("%v", err)
		case err != nil:
			return err
		case !about:
			in.say("message %d to %q is about event %d of %s, which is not there", m.ID, m.Topic, m.Seq, m.Key)
		case shard != audit.Shard(m.Key):
			in.say("message %d to %q is in shard %d, and those about %s are in %d", m.ID, m.Topic, shard, m.Key, audit.Shard(m.Key))
		case !slices.Contains([]int{0, 1}, parked):
			in.say("message %d to %q neither waits nor was parked", m.ID, m.Topic)
		}
		return nil
	})
}

// log looks for what stands out of the places of a log of this size.
func (in *inspection) log(size int64) error {
	err := in.each(inspectPlaces, []any{in.tenant, size}, func(rows *sql.Rows) error {
		k := audit.Key{Tenant: in.tenant}
		var seq, place int64
		wrong, err := scan(rows, &k.Kind, &k.ID, &seq, &place)
		if err == nil {
			in.say("event %d of %s stands at %d in a log of %d entries%s", seq, k, place, size, because(wrong))
		}
		return err
	})
	if err != nil {
		return err
	}
	return in.each(inspectHashes, []any{in.tenant, storedHashes(size)}, func(rows *sql.Rows) error {
		var position int64
		wrong, err := scan(rows, &position)
		if err == nil {
			in.say("there is a hash at position %d, and the tree of a log of %d entries has %d%s", position, size, storedHashes(size), because(wrong))
		}
		return err
	})
}

// because is the end of a sentence about a row that could not be read.
func because(wrong error) string {
	if wrong == nil {
		return ""
	}
	return ": " + wrong.Error()
}
