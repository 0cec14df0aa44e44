package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
	"golang.org/x/mod/sumdb/tlog"
)

// logged is a store in a file with so many records of one event each, of which
// all but the last two are in the log.
func logged(t *testing.T, n int) (*sqlstore.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, path, nil)
	for i := 0; i < n; {
		b := first(t, fmt.Sprintf("%04d", i), fmt.Sprint("note ", i))
		for i++; n > 100 && i < n && len(b.Writes) < audit.MaxBatch; i++ { // many at once
			more := first(t, fmt.Sprintf("%04d", i), fmt.Sprint("note ", i))
			b.Writes, b.Messages = append(b.Writes, more.Writes...), append(b.Messages, more.Messages...)
		}
		commit(t, s, b)
	}
	claimed, err := s.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: audit.Sequencing, Owner: "me", Now: noon, For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	q := &audit.Sequenced{Checkpoint: []byte("signed")}
	for i := range n - 2 {
		q.Events = append(q.Events, audit.Place{Key: caseKey(fmt.Sprintf("%04d", i)), Seq: 1})
	}
	q.Hashes = make([]audit.Hash, tlog.StoredHashCount(int64(n-2)))
	if err := s.Settle(t.Context(), audit.Settlement{Lease: claimed.Lease, Now: noon, Sequenced: q, Release: true}); err != nil {
		t.Fatal(err)
	}
	return s, path
}

// told is what an iteration yields: a name of each value, and "!" where it is
// damaged. Any error that is no ErrTampered ends the test.
func told[T any](t *testing.T, all func(func(T, error) bool), name func(T) string) string {
	t.Helper()
	var out []string
	for v, err := range all {
		switch {
		case err == nil:
			out = append(out, name(v))
		case errors.Is(err, audit.ErrTampered):
			out = append(out, "!"+name(v))
		default:
			t.Fatal(err)
		}
	}
	return strings.Join(out, " ")
}

func toldEvents(t *testing.T, s audit.Store, r audit.EventsRequest) string {
	r.Tenant = tenant
	return told(t, s.Events(t.Context(), r), func(e audit.Entry) string {
		return fmt.Sprintf("%s/%d@%d", strings.TrimLeft(e.Key.ID, "0"), e.Seq, e.Index)
	})
}

func toldList(t *testing.T, s audit.Store, r audit.ListRequest) string {
	r.Tenant = tenant
	return told(t, s.List(t.Context(), r), func(r audit.Record) string {
		return fmt.Sprintf("%s:%d", strings.TrimLeft(r.Key.ID, "0"), r.Version)
	})
}

// INV-36: what is damaged is told with its place, and what comes after it is
// still read.
func TestDamagedRowsArePassedBy(t *testing.T) {
	list := audit.ListRequest{Kind: "case", List: "open"}
	for _, c := range []struct{ change, all, open, log, waiting string }{
		{`SELECT 1`, ":1 1:1 2:1 3:1 4:1 5:1 6:1", ":1 1:1 2:1 3:1 4:1 5:1 6:1", "/1@0 1/1@1 2/1@2 3/1@3 4/1@4", "5/1@-1 6/1@-1"},
		{change: `UPDATE changelane_records SET state = x'00' WHERE record IN ('0002', '0006')`,
			all: ":1 1:1 !2:1 3:1 4:1 5:1 !6:1", open: ":1 1:1 !2:1 3:1 4:1 5:1 !6:1"},
		{change: `UPDATE changelane_records SET lists = x'ff' WHERE record = '0001'`, all: ":1 !1:1 2:1 3:1 4:1 5:1 6:1"},
		{change: `UPDATE changelane_records SET version = -3 WHERE record = '0001'`, all: ":1 !1:18446744073709551613 2:1 3:1 4:1 5:1 6:1"},
		{change: `UPDATE changelane_records SET state = zeroblob(20000000) WHERE record = '0003'`, all: ":1 1:1 2:1 !3:1 4:1 5:1 6:1"},
		{change: `UPDATE changelane_lists SET sort = 'note 99' WHERE record = '0003'`, open: ":1 1:1 2:1 4:1 5:1 6:1 !3:1"},
		{change: `DELETE FROM changelane_events WHERE place IN (1, 2)`, log: "/1@0 !/0@1 3/1@3 4/1@4"},
		{change: `UPDATE changelane_events SET place = -7 WHERE place = 1`, log: "!1/1@-7 /1@0 !/0@1 2/1@2 3/1@3 4/1@4"},
		{change: `UPDATE changelane_events SET place = -1 WHERE number = 7`, log: "!6/1@-1 /1@0 1/1@1 2/1@2 3/1@3 4/1@4", waiting: "5/1@-1"},
		{change: `UPDATE changelane_events SET data = zeroblob(20000000) WHERE place = 2`, log: "/1@0 1/1@1 !2/1@2 3/1@3 4/1@4"},
		{change: `UPDATE changelane_events SET openings = zeroblob(20000000) WHERE number = 6`, waiting: "!5/1@-1 6/1@-1"},
		{change: `UPDATE changelane_events SET seq = 0 WHERE number = 7`, waiting: "5/1@-1 !6/0@-1"},
	} {
		s, path := logged(t, 7)
		edit(t, path, c.change)
		for want, got := range map[string]string{
			c.all: toldList(t, s, audit.ListRequest{}), c.open + " ": toldList(t, s, list) + " ",
			c.log + "  ": toldEvents(t, s, audit.EventsRequest{}) + "  ", c.waiting + "   ": toldEvents(t, s, audit.EventsRequest{Unsequenced: true}) + "   ",
		} {
			if strings.TrimSpace(want) != "" && got != want {
				t.Errorf("%s\ngives %q\n and not %q", c.change, got, want)
			}
		}
	}
}

// What is damaged counts neither towards a limit nor towards the end of a page.
func TestDamageDoesNotCount(t *testing.T) {
	s, path := logged(t, 2*audit.MaxPage+10)
	edit(t, path, fmt.Sprintf(`UPDATE changelane_records SET crc = crc + 1 WHERE record < '%04d'`, audit.MaxPage+5))
	edit(t, path, fmt.Sprintf(`UPDATE changelane_events SET data = zeroblob(20000000) WHERE place = 3; DELETE FROM changelane_events WHERE place > 4 AND place < %d`, audit.MaxPage))
	damaged, read := 0, 0
	for _, err := range s.List(t.Context(), audit.ListRequest{Tenant: tenant, Kind: "case", Limit: 3}) {
		if err == nil {
			read++
		} else if damaged++; !errors.Is(err, audit.ErrTampered) {
			t.Fatal(err)
		}
	}
	if damaged != audit.MaxPage+5 || read != 3 {
		t.Errorf("%d records were damaged and %d were read, and not %d and 3", damaged, read, audit.MaxPage+5)
	}
	want := fmt.Sprintf("/1@0 1/1@1 2/1@2 !3/1@3 4/1@4 !/0@5 %[1]d/1@%[1]d", audit.MaxPage)
	if got := toldEvents(t, s, audit.EventsRequest{Limit: 5}); got != want {
		t.Errorf("the log gave %q and not %q", got, want)
	}
}

// INV-44: a message whose row is damaged holds up no others, and is not lost.
func TestDamagedMessageHoldsUpNoOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, path, nil)
	k := caseKey("a")
	for _, what := range []string{"one", "two", "three", "four"} {
		b, err := next(load(t, s, "a"), what)
		if err != nil {
			t.Fatal(err)
		}
		commit(t, s, b)
	}
	edit(t, path, `UPDATE changelane_messages SET body = x'00' WHERE number = 1; UPDATE changelane_messages SET body = zeroblob(20000000) WHERE number = 2`)
	for range 2 {
		claimed, err := s.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Shard: audit.Shard(k), Owner: "me", Now: noon, For: time.Minute, Limit: 2})
		if err != nil || len(claimed.Messages) != 2 || string(claimed.Messages[0].Body) != "three" {
			t.Errorf("Claim gave %+v, %v", claimed.Messages, err)
		}
		if n := s.Damaged(); n != 2 {
			t.Errorf("%d messages were parked, and not 2", n)
		}
	}
	found, err := s.Inspect(t.Context(), tenant)
	if err != nil || len(found) != 2 || !strings.Contains(found[0], `message 1 to "mail" is damaged`) {
		t.Errorf("Inspect gave %q, %v", found, err)
	}
}

// INV-36: rows that the contract of a store does not show are looked at too.
func TestInspect(t *testing.T) {
	for change, says := range map[string]string{
		`SELECT 1`: "",
		`DELETE FROM changelane_lists WHERE record = '0003'`:                                                                       `case "0003" stands in list "open" at "note 3" by its own row, and the list does not have it`,
		`INSERT INTO changelane_lists VALUES ('acme', 'case', 'open', 'x', 'ghost')`:                                               `list "open" has case "ghost" at "x", and there is no such record`,
		`INSERT INTO changelane_lists VALUES ('acme', 'case', 'more', 'x', '0002')`:                                                `list "more" has case "0002" at "x", and its own row does not`,
		`UPDATE changelane_records SET lists = x'ff' WHERE record = '0001'`:                                                        `the row of case "0001" is damaged`,
		`UPDATE changelane_commands SET answer = x'00' WHERE command = 'note 2'`:                                                   `the answer to the command "note 2"`,
		`UPDATE changelane_commands SET answer = zeroblob(20000000) WHERE command = 'note 2'`:                                      `the answer to the command "note 2"`,
		`UPDATE changelane_messages SET body = x'00' WHERE number = 4`:                                                             `message 4 to "mail" is damaged`,
		`DELETE FROM changelane_events WHERE number = 6`:                                                                           `message 6 to "mail" is about event 1 of case "0005", which is not there`,
		`UPDATE changelane_messages SET shard = (shard + 1) % 16 WHERE number = 4`:                                                 `message 4 to "mail" is in shard`,
		`UPDATE changelane_messages SET parked = 7 WHERE number = 4`:                                                               `message 4 to "mail" neither waits nor was parked`,
		`UPDATE changelane_events SET place = -7 WHERE number = 7`:                                                                 `event 1 of case "0006" stands at -7 in a log of 5 entries`,
		`UPDATE changelane_events SET place = 5 WHERE number = 7`:                                                                  `event 1 of case "0006" stands at 5 in a log of 5 entries`,
		`INSERT INTO changelane_hashes VALUES ('acme', 99, x'00')`:                                                                 `there is a hash at position 99, and the tree of a log of 5 entries has 8`,
		`INSERT INTO changelane_hashes VALUES ('acme', -2, x'00')`:                                                                 `there is a hash at position -2`,
		`UPDATE changelane_logs SET checkpoint = zeroblob(20000000)`:                                                               `checkpoint of the log is larger than any`,
		`INSERT INTO changelane_lists VALUES ('other', 'case', 'open', 'x', 'ghost')`:                                              "",
		`INSERT INTO changelane_hashes VALUES ('other', 99, x'00')`:                                                                "",
		withoutIndex(`changelane_events_log`, `INSERT INTO changelane_events VALUES (9, 'acme', 'case', '0001', 9, 2, x'', NULL)`): `the table changelane_events is damaged: "row 8 missing from index changelane_events_log"`,
		withoutIndex(`changelane_events_log`, `UPDATE changelane_events SET place = 77 WHERE place = 4`):                           `the table changelane_events is damaged`,
	} {
		_, path := logged(t, 7)
		edit(t, path, change)
		s := openAt(t, path, &sqlite.Options{ReadOnly: true})
		found, err := s.Inspect(t.Context(), tenant)
		all := strings.Join(found, "\n")
		if err != nil || (says == "") != (all == "") || !strings.Contains(all, says) {
			t.Errorf("%s\ngives %q, %v; it should say %q", change, found, err, says)
		}
	}
	s, path := logged(t, 300)
	edit(t, path, `DELETE FROM changelane_lists`)
	if found, err := s.Inspect(t.Context(), tenant); err != nil || len(found) != 101 || found[100] != "and 200 more that do not belong" {
		t.Errorf("of 300 that do not belong Inspect gave %d, %v", len(found), err)
	}
	if _, err := s.Inspect(t.Context(), ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("without a tenant Inspect gave %v", err)
	}
	s.Close()
	if _, err := s.Inspect(context.Background(), tenant); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("after Close Inspect gave %v", err)
	}
}

// withoutIndex is a change of a table that one of its indexes does not see.
func withoutIndex(index, change string) string {
	return `CREATE TEMP TABLE kept AS SELECT * FROM sqlite_master WHERE name = '` + index + `';
PRAGMA writable_schema = 1; DELETE FROM sqlite_master WHERE name = '` + index + `'; PRAGMA writable_schema = RESET;
` + change + `;
PRAGMA writable_schema = 1; INSERT INTO sqlite_master SELECT * FROM kept; PRAGMA writable_schema = RESET`
}

// INV-12: a row of a lease that was edited holds nobody up.
func TestEditedLeaseHoldsNobodyUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	s := openAt(t, path, nil)
	claim := audit.ClaimRequest{Tenant: tenant, Work: "mail", Owner: "me", Now: noon, For: time.Minute}
	if _, err := s.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	edit(t, path, `UPDATE changelane_leases SET until = 9223372036854775807`)
	claim.Owner = "you"
	if claimed, err := s.Claim(t.Context(), claim); err != nil || claimed.Lease.Token != 2 {
		t.Errorf("Claim gave %+v, %v", claimed.Lease, err)
	}
}
