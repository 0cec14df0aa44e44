package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// maxSize is the largest log: positions of its stored hashes fit in 63 bits.
const maxSize = math.MaxInt64 >> 2

// Checkpoint is the state of a log: so many entries, with this root of their
// RFC 6962 tree. Signed, it is what others keep so that the log cannot be
// rewritten behind their backs.
type Checkpoint struct {
	Origin string // names the log; it is the name of its key
	Size   int64
	Root   Hash
}

// Signer signs the checkpoints of one log and knows its own signatures, so
// that it never extends a log that it has not signed. [NewSigner] makes one of
// a key; a key in hardware needs these four methods.
type Signer interface {
	note.Signer
	note.Verifier
}

// signer is a Signer with a key of GenerateKey.
type signer struct {
	note.Signer
	verifier note.Verifier
}

// Verify tells whether the key made this signature.
func (s signer) Verify(msg, sig []byte) bool { return s.verifier.Verify(msg, sig) }

// GenerateKey makes an Ed25519 key for the log with this name, in the text
// forms of [note]: the signing key, which must not be kept where the log is,
// and the verifying key, for [note.NewVerifier], which everybody may have. A
// name has neither spaces nor plus signs; each log has a name of its own, such
// as "example.com/changes/acme".
func GenerateKey(name string) (signing, verifying string, err error) {
	signing, verifying, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", err
	}
	if _, err := note.NewVerifier(verifying); err != nil {
		return "", "", invalid("%q cannot name a log: it is empty, or has spaces, plus signs or bad UTF-8 in it", clip(name))
	}
	return signing, verifying, nil
}

// NewSigner makes a signer of a signing key of [GenerateKey]. Errors never show
// the key.
func NewSigner(signing string) (Signer, error) {
	s, err := note.NewSigner(signing)
	if err != nil {
		return nil, errors.New("this is not a signing key: it begins with PRIVATE+KEY+ and comes from GenerateKey")
	}
	parts := strings.SplitN(signing, "+", 5) // PRIVATE, KEY, name, hash, algorithm with seed
	seed, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return nil, errors.New("this signing key is not an Ed25519 key of GenerateKey")
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	verifying, err := note.NewEd25519VerifierKey(s.Name(), public)
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(verifying)
	if err != nil {
		return nil, err
	}
	return signer{s, v}, nil
}

// Sign gives the checkpoint as a signed note with the text of C2SP
// tlog-checkpoint: origin, size and root, a line each. The origin must be the
// name of the key.
func (c Checkpoint) Sign(s note.Signer) ([]byte, error) {
	if c.Origin != s.Name() {
		return nil, invalid("a checkpoint of %q cannot be signed with the key of %q", clip(c.Origin), clip(s.Name()))
	}
	if c.Size < 0 || c.Size > maxSize {
		return nil, invalid("a log has no size of %d", c.Size)
	}
	return note.Sign(&note.Note{Text: c.text()}, s)
}

func (c Checkpoint) text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root) }

// OpenCheckpoint reads a signed checkpoint. The key must have signed it and
// its origin must be the name of the key; signatures of others, such as
// witnesses, may stand beside it. Text that Sign would not make is a
// [*FormatError].
func OpenCheckpoint(data []byte, v note.Verifier) (Checkpoint, error) {
	if v == nil {
		return Checkpoint{}, invalid("a checkpoint cannot be opened without the verifying key of its log")
	}
	c, err := openCheckpoint(data, note.VerifierList(v))
	if err == nil && c.Origin != v.Name() {
		err = fmt.Errorf("the checkpoint is of %q and not of %q", clip(c.Origin), clip(v.Name()))
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// openCheckpoint reads a checkpoint that one of these has signed. Where nobody
// has, the error is a [*note.UnverifiedNoteError], and the checkpoint is what
// it claims to be.
func openCheckpoint(data []byte, known note.Verifiers) (Checkpoint, error) {
	n, err := note.Open(data, known)
	text := ""
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		text = unverified.Note.Text
	} else if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint is not a signed note of this key: %w", err)
	} else {
		text = n.Text
	}
	c, wrong := parseCheckpoint(text)
	if wrong != nil {
		return Checkpoint{}, wrong
	}
	return c, err
}

// parseCheckpoint reads the text of a checkpoint in its one form.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, &FormatError{"checkpoint", 0, "it has not three lines: origin, size and root"}
	}
	at := len(lines[0]) + 1
	size, ok := parseSize(lines[1])
	if !ok {
		return Checkpoint{}, &FormatError{"checkpoint", at, "the size is not a decimal number that a log can have"}
	}
	root, ok := parseHash(lines[2])
	if !ok {
		return Checkpoint{}, &FormatError{"checkpoint", at + len(lines[1]) + 1, "the root is not a hash in base64"}
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

// parseSize reads the only decimal form of a size or an index.
func parseSize(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0 && n <= maxSize && strconv.FormatInt(n, 10) == s
}
