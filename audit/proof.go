package audit

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proofHeader is the first line of a C2SP tlog-proof.
const proofHeader = "c2sp.org/tlog-proof@v1\n"

// maxPath is the longest path in the largest tree.
const maxPath = 62

// Proof shows that an event is in a log: with the bytes of the event and the
// verifying key of the log nothing else is needed, and nobody to ask.
type Proof struct {
	Index      int64
	Path       []Hash // from the sibling of the leaf to the child of the root
	Checkpoint []byte // signed
}

// position is where the hash of the n-th subtree of a level is stored.
func position(level int, n int64) int64 { return tlog.StoredHashIndex(level, n) }

// Prove makes the proof that the entry with this index is in the log, under
// its last checkpoint. An index that the log does not have is [ErrNotFound]:
// the event may still wait for its place.
func Prove(ctx context.Context, s Store, tenant string, index int64) (Proof, error) {
	state, err := readState(ctx, s, tenant)
	if err != nil {
		return Proof{}, err
	}
	if index < 0 || index >= state.Size {
		return Proof{}, fmt.Errorf("%w: the log has %d entries, and none with the index %d", ErrNotFound, state.Size, index)
	}
	path, err := tlog.ProveRecord(state.Size, index, stored{ctx, s, tenant})
	if err != nil {
		return Proof{}, err
	}
	return Proof{Index: index, Path: path, Checkpoint: state.Checkpoint}, nil
}

// Check checks that the event with these bytes is in the log that the key
// signs, and gives the checkpoint that it is under.
func (p Proof) Check(leaf []byte, v note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, v)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Index, LeafHash(leaf)); err != nil {
		return Checkpoint{}, &LogError{p.Index, "the proof does not show that this event is under the checkpoint"}
	}
	return c, nil
}

// FormatProof gives a proof as text, in the form c2sp.org/tlog-proof@v1
// without extra data.
func FormatProof(p Proof) []byte {
	b := fmt.Appendf(nil, "%sindex %d\n", proofHeader, p.Index)
	for _, h := range p.Path {
		b = fmt.Appendf(b, "%s\n", h)
	}
	b = append(b, '\n')
	return append(b, p.Checkpoint...)
}

// ParseProof reads what FormatProof made; otherwise it is a [*FormatError]. It
// does not check the proof: see [Proof.Check].
func ParseProof(data []byte) (Proof, error) {
	head, checkpoint, found := bytes.Cut(data, []byte("\n\n"))
	text, ok := strings.CutPrefix(string(head)+"\n", proofHeader)
	switch {
	case len(data) > MaxState:
		return Proof{}, &FormatError{"proof", MaxState, fmt.Sprintf("it has more than %d bytes", MaxState)}
	case !ok:
		return Proof{}, &FormatError{"proof", 0, "it does not begin with the line c2sp.org/tlog-proof@v1"}
	case !found || len(checkpoint) == 0:
		return Proof{}, &FormatError{"proof", len(head), "there is no empty line with a checkpoint after it"}
	}
	p := Proof{Checkpoint: checkpoint}
	at := len(proofHeader)
	line, rest, _ := strings.Cut(text, "\n")
	number, labelled := strings.CutPrefix(line, "index ")
	if p.Index, ok = parseSize(number); !ok || !labelled {
		return Proof{}, &FormatError{"proof", at, "here belongs the index of the entry, such as \"index 0\""}
	}
	for at += len(line) + 1; rest != ""; at += len(line) + 1 {
		line, rest, _ = strings.Cut(rest, "\n")
		h, ok := parseHash(line)
		if !ok || len(p.Path) == maxPath {
			return Proof{}, &FormatError{"proof", at, fmt.Sprintf("here belongs a hash in base64, one of at most %d", maxPath)}
		}
		p.Path = append(p.Path, h)
	}
	return p, nil
}

// Consistency shows that a log still begins with what an earlier checkpoint
// had: nothing of that was changed or taken away.
type Consistency struct {
	Path       []Hash
	Checkpoint []byte // signed, of the log as it is
}

// ProveConsistency makes the proof that the log still begins with what it had
// at a size, from 1 to its present one.
func ProveConsistency(ctx context.Context, s Store, tenant string, size int64) (Consistency, error) {
	state, err := readState(ctx, s, tenant)
	if err != nil {
		return Consistency{}, err
	}
	if size < 1 || size > state.Size {
		return Consistency{}, fmt.Errorf("%w: the log has %d entries and never had %d", ErrNotFound, state.Size, size)
	}
	path, err := tlog.ProveTree(state.Size, size, stored{ctx, s, tenant})
	if err != nil {
		return Consistency{}, err
	}
	return Consistency{Path: path, Checkpoint: state.Checkpoint}, nil
}

// Check checks the proof for an earlier checkpoint, which the caller has
// opened, and gives the present one.
func (p Consistency) Check(earlier Checkpoint, v note.Verifier) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, v)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != earlier.Origin {
		return Checkpoint{}, &LogError{-1, fmt.Sprintf("the checkpoints are of two logs, %q and %q", clip(earlier.Origin), clip(c.Origin))}
	}
	if err := tlog.CheckTree(p.Path, c.Size, c.Root, earlier.Size, earlier.Root); err != nil {
		return Checkpoint{}, &LogError{-1, fmt.Sprintf("the proof does not show that it still begins with the first %d entries that were signed", earlier.Size)}
	}
	return c, nil
}
