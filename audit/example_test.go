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
