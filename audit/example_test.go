package audit_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// noted is a store in which something was recorded so many times, and put into
// the log.
func noted(times int) (s audit.Store, signer audit.Signer, verifier note.Verifier) {
	s = memory.New()
	signing, verifying, err := audit.GenerateKey("example.com/changes/acme")
	if err == nil {
		signer, err = audit.NewSigner(signing)
	}
	if err == nil {
		verifier, err = note.NewVerifier(verifying)
	}
	for i := 0; i < times && err == nil; i++ {
		err = record(s, fmt.Sprintf("CHG-%d", i+1))
	}
	if err == nil {
		_, err = audit.Sequence(context.Background(), s, "acme", signer, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	return s, signer, verifier
}

// record makes a record with one event.
func record(s audit.Store, id string) error {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	k := audit.Key{Tenant: "acme", Kind: "case", ID: id}
	w, err := audit.Append(audit.Record{Key: k}, []byte(`{"votes":1}`), nil,
		audit.Draft{Type: "case.voted/1", Occurred: at, Recorded: at, Body: []byte(`{"vote":"approve"}`)})
	if err == nil {
		_, err = s.Commit(context.Background(), audit.Batch{Tenant: "acme", Writes: []audit.Write{w}})
	}
	return err
}

// state is what the events of such a record add up to.
func state(_ audit.Key, events []audit.Opened) ([]byte, []audit.Listing, error) {
	return fmt.Appendf(nil, `{"votes":%d}`, len(events)), nil, nil
}

// Everything is held against everything: the events against the log, the log
// against the checkpoint, the states against the events.
func ExampleVerify() {
	store, _, verifier := noted(3)
	report, err := audit.Verify(context.Background(), store, "acme",
		&audit.VerifyOptions{Verifier: verifier, Rebuild: map[string]audit.Rebuild{"case": state}})
	if err != nil {
		log.Fatal(err) // the store could not be read
	}
	fmt.Println(report.OK(), report.Size, len(report.Problems))

	// Without the key nobody can tell, so it is not OK.
	report, err = audit.Verify(context.Background(), store, "acme", &audit.VerifyOptions{Rebuild: map[string]audit.Rebuild{"case": state}})
	fmt.Println(report.OK(), err)
	// Output:
	// true 3 0
	// false <nil>
}

// A checkpoint that was kept elsewhere shows that the store was put back to an
// older copy, or written anew.
func ExampleVerify_known() {
	store, signer, verifier := noted(3)
	progress, err := audit.Sequence(context.Background(), store, "acme", signer, nil)
	if err != nil {
		log.Fatal(err)
	}
	kept := progress.Checkpoint // published, in a file elsewhere, with another company

	anew := memory.New() // by somebody who has the key, too
	if err = record(anew, "CHG-1"); err == nil {
		_, err = audit.Sequence(context.Background(), anew, "acme", signer, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	report, err := audit.Verify(context.Background(), anew, "acme",
		&audit.VerifyOptions{Verifier: verifier, Known: [][]byte{kept}, Rebuild: map[string]audit.Rebuild{"case": state}})
	fmt.Println(report.OK(), err)
	for _, p := range report.Problems {
		fmt.Println(p)
	}
	// Output:
	// false <nil>
	// entry 1 of the log: known checkpoint 1 has 3 entries, but the log ends here: its end was cut off, or an old copy was put back
}

// A proof is text. Whoever has the event and the verifying key needs nothing
// else, and nobody to ask; another event does not pass.
func ExampleProve() {
	ctx := context.Background()
	store, _, verifier := noted(3)
	proof, err := audit.Prove(ctx, store, "acme", 1)
	if err != nil {
		log.Fatal(err)
	}
	text := audit.FormatProof(proof)
	for e, err := range store.Events(ctx, audit.EventsRequest{Tenant: "acme"}) {
		if err != nil {
			log.Fatal(err)
		}
		proof, err := audit.ParseProof(text)
		if err != nil {
			log.Fatal(err)
		}
		_, err = proof.Check(e.Leaf.Data, verifier)
		fmt.Println(e.Key.ID, "is entry", proof.Index, "of the log:", err == nil)
	}
	// Output:
	// CHG-1 is entry 1 of the log: false
	// CHG-2 is entry 1 of the log: true
	// CHG-3 is entry 1 of the log: false
}

// A decision is recorded, put into the log, and shown to somebody who has
// nothing but the event, the proof and the verifying key.
func Example() {
	ctx, store := context.Background(), memory.New()
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

	k := audit.Key{Tenant: "acme", Kind: "case", ID: "CHG-7"}
	w, err := audit.Append(audit.Record{Key: k}, []byte(`{"votes":1}`), nil, audit.Draft{
		Type: "case.voted/1", Occurred: at, Recorded: at, Body: []byte(`{"vote":"approve"}`),
		Personal: []audit.Field{{Name: "voter", Value: []byte("ann@example.com")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := store.Commit(ctx, audit.Batch{Tenant: "acme", Writes: []audit.Write{w}}); err != nil {
		log.Fatal(err)
	}

	signing, verifying, err := audit.GenerateKey("example.com/changes/acme")
	if err != nil {
		log.Fatal(err)
	}
	signer, err := audit.NewSigner(signing)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := audit.Sequence(ctx, store, "acme", signer, nil); err != nil {
		log.Fatal(err)
	}
	proof, err := audit.Prove(ctx, store, "acme", 0)
	if err != nil {
		log.Fatal(err)
	}

	// Elsewhere:
	v, err := note.NewVerifier(verifying)
	if err != nil {
		log.Fatal(err)
	}
	checkpoint, err := proof.Check(w.Events[0].Data, v)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s has it among its %d\n", checkpoint.Origin, checkpoint.Size)
	// Output: example.com/changes/acme has it among its 1
}
