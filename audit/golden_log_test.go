package audit_test

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/changelane/changelane/audit"
)

// TestGoldenLog holds the forms of checkpoints and proofs to a file that never
// changes: what was signed and handed out must be checked for as long as
// anybody keeps it. The key and the leaves are fixed, and Ed25519 draws nothing
// at random, so the bytes are too.
func TestGoldenLog(t *testing.T) {
	signing, verifying, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), "golden.example/record")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.NewSigner(signing)
	if err != nil {
		t.Fatal(err)
	}
	var hashes []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range at {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	leaves := make([][]byte, 5)
	for n := range leaves {
		leaves[n] = []byte("leaf " + strconv.Itoa(n))
		more, err := tlog.StoredHashes(int64(n), leaves[n], read)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, more...)
	}
	root, err := tlog.TreeHash(5, read)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(5, 3, read)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := audit.Checkpoint{Origin: signer.Name(), Size: 5, Root: root}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	proof := audit.Proof{Index: 3, Path: path, Checkpoint: checkpoint}
	want, err := os.ReadFile("testdata/proof-v1.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got := audit.FormatProof(proof); !bytes.Equal(got, want) {
		t.Errorf("the proof is written as\n%s\nand was\n%s", got, want)
	}
	kept, err := audit.ParseProof(want)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(verifying)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := kept.Check(leaves[3], verifier); err != nil || c.Size != 5 || c.Root != root {
		t.Errorf("%+v, %v", c, err)
	}
}
