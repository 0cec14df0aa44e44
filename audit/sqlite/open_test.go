package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

const tenant = "acme"

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// open opens a store in a file of its own and closes it at the end of the test.
func open(t testing.TB, opts *sqlite.Options) *sqlstore.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "record.db"), opts)
}

func openAt(t testing.TB, path string, opts *sqlite.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func caseKey(id string) audit.Key { return audit.Key{Tenant: tenant, Kind: "case", ID: id} }

// next is a batch that moves a record on by one event that says what; the
// command says so too, and a message.
func next(r audit.Record, what string) (audit.Batch, error) {
	state := append(append([]byte(nil), r.State...), what+"\n"...)
	w, err := audit.Append(r, state, []audit.Listing{{List: "open", Sort: what}},
		audit.Draft{Type: "case.noted/1", Occurred: noon, Recorded: noon, Body: []byte(what)})
	if err != nil {
		return audit.Batch{}, err
	}
	return audit.Batch{
		Tenant: tenant, Command: what, Request: audit.LeafHash([]byte(what)), Answer: []byte("done: " + what),
		Writes:   []audit.Write{w},
		Messages: []audit.Message{{Topic: "mail", Key: r.Key, Seq: r.Version + 1, Body: []byte(what)}},
	}, nil
}

// first is the batch that makes a record.
func first(t testing.TB, id, what string) audit.Batch {
	t.Helper()
	b, err := next(audit.Record{Key: caseKey(id)}, what)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// load reads one record.
func load(t testing.TB, s audit.Store, id string) audit.Record {
	t.Helper()
	found, err := s.Load(context.WithoutCancel(t.Context()), audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey(id)}})
	if err != nil {
		t.Fatal(err)
	}
	return found.Records[0]
}

// commit commits a batch that must be taken.
func commit(t testing.TB, s audit.Store, b audit.Batch) audit.Committed {
	t.Helper()
	done, err := s.Commit(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// fails asserts the kind of an error.
func fails(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v and not %v", err, want)
	}
}
