package memory

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/audittest"
)

func open(t testing.TB) *Store {
	s := New()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audit.Store { return open(t) }, nil)
}

// TestClosed: everything returns ErrClosed, and closing again is no error.
func TestClosed(t *testing.T) {
	s, ctx := New(), context.Background()
	w := write(t, audit.Record{Key: key(1)})
	lease := audit.Lease{Tenant: "acme", Work: "mail", Owner: "a", Token: 1}
	now := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, commit := s.Commit(ctx, audit.Batch{Tenant: "acme", Writes: []audit.Write{w}})
	_, load := s.Load(ctx, audit.LoadRequest{Tenant: "acme"})
	_, log := s.Log(ctx, "acme", nil)
	_, claim := s.Claim(ctx, audit.ClaimRequest{Tenant: "acme", Work: "mail", Owner: "a", Now: now, For: time.Minute})
	all := []error{commit, load, log, claim, s.Settle(ctx, audit.Settlement{Lease: lease, Now: now})}
	for _, err := range s.List(ctx, audit.ListRequest{Tenant: "acme"}) {
		all = append(all, err)
	}
	for _, err := range s.Events(ctx, audit.EventsRequest{Tenant: "acme"}) {
		all = append(all, err)
	}
	if len(all) != 7 {
		t.Errorf("%d of 7 methods returned something", len(all))
	}
	for i, err := range all {
		if !errors.Is(err, audit.ErrClosed) {
			t.Errorf("method %d: expected ErrClosed, got %v", i, err)
		}
	}
}

// TestCloseWhileReading: who reads is told, and nothing panics.
func TestCloseWhileReading(t *testing.T) {
	s := New()
	for i := range audit.MaxPage + 1 {
		commit(t, s, write(t, audit.Record{Key: key(i)}))
	}
	n, last := 0, error(nil)
	for _, err := range s.List(context.Background(), audit.ListRequest{Tenant: "acme"}) {
		if n++; n == 1 {
			s.Close()
		}
		last = err
	}
	if !errors.Is(last, audit.ErrClosed) {
		t.Errorf("reading from a store that was closed meanwhile ended with %v", last)
	}
}

func key(i int) audit.Key {
	return audit.Key{Tenant: "acme", Kind: "case", ID: fmt.Sprintf("%06d", i)}
}

func write(t testing.TB, r audit.Record) audit.Write {
	at := time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
	w, err := audit.Append(r, []byte(`{"state":"open"}`), []audit.Listing{{List: "open", Sort: "2026-03-02"}},
		audit.Draft{Type: "case.noted/1", Occurred: at, Recorded: at, Body: []byte(`{"note":"a short one"}`)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func commit(t testing.TB, s *Store, w audit.Write) {
	if _, err := s.Commit(context.Background(), audit.Batch{Tenant: "acme", Writes: []audit.Write{w}}); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkCommit(b *testing.B) {
	s := open(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		w := write(b, audit.Record{Key: key(i)})
		b.StartTimer()
		commit(b, s, w)
	}
}

func BenchmarkLoad(b *testing.B) {
	s := open(b)
	const records, events = 1000, 8
	for i := range records {
		r := audit.Record{Key: key(i)}
		for range events {
			w := write(b, r)
			commit(b, s, w)
			r.Version, r.Head = r.Version+1, w.Head
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		found, err := s.Load(context.Background(), audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{key(i % records)}, Events: true})
		if err != nil || len(found.Events[0]) != events {
			b.Fatalf("%+v, %v", found, err)
		}
	}
}
