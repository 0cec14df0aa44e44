package sqlstore

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/changelane/changelane/audit"
	"golang.org/x/mod/sumdb/tlog"
)

// FuzzLists reads any bytes without failing, and what it has read it writes and
// reads again as it was.
func FuzzLists(f *testing.F) {
	f.Add(formatLists([]audit.Listing{{List: "open", Sort: ""}, {List: "a", Sort: strings.Repeat("s", 256)}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{3, 'a', 'b'})
	f.Add([]byte{1, 'a'})
	f.Fuzz(func(t *testing.T, data []byte) {
		lists, err := parseLists(data)
		if err != nil {
			return
		}
		again, err := parseLists(formatLists(lists))
		if err != nil || !slices.Equal(lists, again) {
			t.Errorf("%v became %v, %v", lists, again, err)
		}
	})
}

func TestListsRoundTrip(t *testing.T) {
	want := []audit.Listing{{List: "a", Sort: ""}, {List: "b", Sort: "1"}, {List: strings.Repeat("n", 256), Sort: "ü"}}
	got, err := parseLists(formatLists(want))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v became %v, %v", want, got, err)
	}
	for cut := 1; cut < 6; cut++ {
		if _, err := parseLists(formatLists(want[1:2])[:cut%4]); err == nil && cut%4 != 0 {
			t.Errorf("lists that were cut at %d were read", cut%4)
		}
	}
}

// The columns of a checksum do not run into each other, and each counts.
func TestChecksum(t *testing.T) {
	if checksum([]byte("ab"), []byte("c")) == checksum([]byte("a"), []byte("bc")) {
		t.Error("a byte that moves to the next column is not seen")
	}
	k := audit.Key{Tenant: "t", Kind: "k", ID: "i"}
	base := recordChecksum(k, 1, audit.Hash{}, nil, nil)
	for name, other := range map[string]int64{
		"tenant":  recordChecksum(audit.Key{Tenant: "u", Kind: "k", ID: "i"}, 1, audit.Hash{}, nil, nil),
		"kind":    recordChecksum(audit.Key{Tenant: "t", Kind: "l", ID: "i"}, 1, audit.Hash{}, nil, nil),
		"id":      recordChecksum(audit.Key{Tenant: "t", Kind: "k", ID: "j"}, 1, audit.Hash{}, nil, nil),
		"version": recordChecksum(k, 2, audit.Hash{}, nil, nil),
		"head":    recordChecksum(k, 1, audit.Hash{1}, nil, nil),
		"lists":   recordChecksum(k, 1, audit.Hash{}, []byte{1}, nil),
		"state":   recordChecksum(k, 1, audit.Hash{}, nil, []byte{1}),
	} {
		if other == base {
			t.Errorf("the %s does not count", name)
		}
	}
}

// tlog is the oracle for the positions of stored hashes.
func TestStoredHashes(t *testing.T) {
	for n := range int64(5000) {
		if got, want := storedHashes(n), tlog.StoredHashCount(n); got != want {
			t.Fatalf("a log of %d has %d stored hashes and not %d", n, got, want)
		}
	}
}

// Each statement is written down, once.
func TestTexts(t *testing.T) {
	seen := map[string]bool{}
	for i, text := range texts(SQLite().d) {
		if text == "" || seen[text] {
			t.Errorf("statement %d is %q", i, text)
		}
		seen[text] = true
	}
}

func TestSQLiteFault(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault
	}{
		{coded{"x", 5}, busy}, {coded{"x", 5 | 2<<8}, busy}, {coded{"x", 6}, busy}, {coded{"x", 13}, full},
		{coded{"SQL logic error: no such table: changelane_meta (1)", 1}, noTables}, {coded{"no such table: orders", 1}, otherFault},
		{coded{"x", 10 | 4<<8}, otherFault}, {coded{"database is locked", 10}, otherFault},
		{errors.New("database is locked"), busy}, {errors.New("database or disk is full"), full},
		{errors.New("no such table: changelane_meta"), noTables}, {errors.New("bad connection"), otherFault}, {context.Canceled, otherFault},
	} {
		if got := sqliteFault(c.err); got != c.want {
			t.Errorf("%v is %d and not %d", c.err, got, c.want)
		}
	}
}

type coded struct {
	text string
	code int
}

func (c coded) Error() string { return c.text }
func (c coded) Code() int     { return c.code }

// Without a dialect or a handle nothing opens.
func TestOpenWithoutDialect(t *testing.T) {
	if _, err := Open(t.Context(), nil, Dialect{}, nil); !errors.Is(err, errNoDialect) {
		t.Errorf("Open gave %v", err)
	}
	if _, err := Open(t.Context(), nil, SQLite(), nil); err == nil {
		t.Error("a nil handle was taken")
	}
	if err := (Dialect{}).Check(t.Context(), nil); !errors.Is(err, errNoDialect) {
		t.Errorf("Check gave %v", err)
	}
	if text := Schema(Dialect{}); text != "" {
		t.Errorf("Schema gave %q", text)
	}
}
