package audit_test

import (
	"fmt"
	"testing"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

func benchDraft() audit.Draft {
	return audit.Draft{Type: "case.voted/1", Occurred: noon, Recorded: noon, Body: make([]byte, 500),
		Personal: []audit.Field{{Name: "mail", Value: []byte("ann@example.com")}, {Name: "name", Value: []byte("Ann")}}}
}

func BenchmarkAppend(b *testing.B) {
	r, d := audit.Record{Key: caseKey("acme", "a")}, benchDraft()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.Append(r, nil, nil, d); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	w, err := audit.Append(audit.Record{Key: caseKey("acme", "a")}, nil, nil, benchDraft())
	must(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.Open(w.Events[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// filled has a number of events, ten a record, none in the log.
func filled(b *testing.B, events int) *memory.Store {
	s := memory.New()
	for i := range events {
		write(b, s, caseKey("acme", fmt.Sprint(i/10)))
	}
	return s
}

func BenchmarkSequence(b *testing.B) {
	const events = 2000
	k := key(b, "example.com/acme")
	for b.Loop() {
		b.StopTimer()
		s := filled(b, events)
		b.StartTimer()
		if _, err := audit.Sequence(b.Context(), s, "acme", k, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}

func BenchmarkProve(b *testing.B) {
	s, k := filled(b, 5000), key(b, "example.com/acme")
	_, err := audit.Sequence(b.Context(), s, "acme", k, nil)
	must(b, err)
	for b.Loop() {
		if _, err := audit.Prove(b.Context(), s, "acme", 3333); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	s, k := filled(b, 5000), key(b, "example.com/acme")
	_, err := audit.Sequence(b.Context(), s, "acme", k, nil)
	must(b, err)
	p, err := audit.Prove(b.Context(), s, "acme", 3333)
	must(b, err)
	loaded, err := s.Load(b.Context(), audit.LoadRequest{Tenant: "acme", Keys: []audit.Key{caseKey("acme", "333")}, Events: true})
	must(b, err)
	leaf := loaded.Events[0][3].Leaf.Data
	for b.Loop() {
		if _, err := p.Check(leaf, k); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	const events = 5000
	s, k := filled(b, events), key(b, "example.com/acme")
	_, err := audit.Sequence(b.Context(), s, "acme", k, nil)
	must(b, err)
	for b.Loop() {
		if r := verify(b, s, audit.VerifyOptions{Verifier: k}); !r.OK() {
			b.Fatal(r)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/events, "ns/event")
}
