package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/changelane/changelane/internal/schema"
)

// Digest names content by its SHA-256: "sha256:" and 64 lower-case hex digits.
// The empty Digest names nothing.
type Digest string

// DigestOf is the digest of some bytes within a domain. The domain, such as
// "changelane/change/v1", keeps things of different kinds apart: the digest is
// the SHA-256 of the domain, a line feed, and the bytes.
func DigestOf(domain string, data []byte) Digest {
	h := sha256.New()
	h.Write([]byte(domain + "\n"))
	h.Write(data)
	var sum [sha256.Size]byte
	return Digest(hex.AppendEncode([]byte("sha256:"), h.Sum(sum[:0])))
}

// ParseDigest reads a digest, strictly.
func ParseDigest(s string) (Digest, error) {
	digits, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(digits) != 64 || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q is not a digest; expected sha256: and 64 lower-case hex digits", s)
	}
	return Digest(s), nil
}

// Canonical is the canonical encoding of the change; see the package
// documentation. It fails when the change holds what JSON cannot say, such as
// an attribute that is not a number.
func (c *Change) Canonical() ([]byte, error) {
	_, canonical, err := c.encode()
	return canonical, err
}

// ValidDigest is [Change.Validate] and [Change.Digest] in one: the digest of a
// change that is valid. The error is [Problems].
func (c *Change) ValidDigest() (Digest, error) {
	canonical, err := c.validate()
	if err != nil {
		return "", err
	}
	return DigestOfCanonical(canonical), nil
}

// Digest names the content of the change.
func (c *Change) Digest() (Digest, error) {
	canonical, err := c.Canonical()
	if err != nil {
		return "", err
	}
	return DigestOfCanonical(canonical), nil
}

// DigestOfCanonical is the digest of the change that has these canonical bytes,
// for whoever has them already: see [Change.Canonical].
func DigestOfCanonical(data []byte) Digest { return DigestOf("changelane/change/v1", data) }

// maxBytes bounds a change, both as it is sent and as canonical bytes.
const maxBytes = 1 << 20

// encode is the change as a strict JSON document, and its canonical bytes.
func (c *Change) encode() (*schema.Value, []byte, error) {
	data, plain := c.appendJSON(make([]byte, 0, 2048))
	if !plain {
		return c.encodeAny()
	}
	tree, err := schema.Parse(data, encodingLimits())
	if err != nil {
		return c.encodeAny() // finds the words
	}
	canonical := tree.AppendCanonical(make([]byte, 0, len(data)))
	if len(canonical) > maxBytes {
		return nil, nil, errors.New(tooLong(len(canonical), tree).Message)
	}
	return tree, canonical, nil
}

// encodingLimits are wider than those of a document in one way: an encoder may
// write at length what the canonical bytes write shorter.
func encodingLimits() schema.Limits {
	limits := schema.DocumentLimits()
	limits.Bytes *= 4
	return limits
}

// encodeAny is encode by way of encoding/json, whatever the change holds.
func (c *Change) encodeAny() (*schema.Value, []byte, error) {
	utc := c.inUTC()
	var data bytes.Buffer
	encoder := json.NewEncoder(&data)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(&utc); err != nil {
		return nil, nil, fmt.Errorf("the change has no encoding: %w", err)
	}
	// Bytes that are not UTF-8 come out as the escape \ufffd, so that different
	// texts would become equal; a real U+FFFD comes out as itself.
	escape := []byte(`\ufffd`)
	if bytes.Contains(data.Bytes(), escape) && bytes.Contains(bytes.ReplaceAll(data.Bytes(), []byte(`\\`), nil), escape) {
		return nil, nil, errors.New("the change holds text that is not UTF-8")
	}
	tree, err := schema.Parse(data.Bytes(), encodingLimits())
	if err != nil {
		return nil, nil, err
	}
	canonical := tree.AppendCanonical(nil)
	if len(canonical) > maxBytes {
		return nil, nil, errors.New(tooLong(len(canonical), tree).Message)
	}
	return tree, canonical, nil
}

func tooLong(n int, tree *schema.Value) Problem {
	return Problem{"", tree.Line, tree.Column, fmt.Sprintf("the canonical bytes are %d long; expected at most %d", n, maxBytes)}
}

// inUTC is the change with all its times in UTC, so that one instant has one
// encoding.
func (c *Change) inUTC() Change {
	out := *c
	if c.Window != nil {
		out.Window = &Window{utc(c.Window.Start), utc(c.Window.End)}
	}
	if c.Evidence != nil {
		out.Evidence = append([]Evidence{}, c.Evidence...)
		for i := range out.Evidence {
			out.Evidence[i].At = utc(out.Evidence[i].At)
		}
	}
	return out
}

// utc also drops the monotonic reading, which is not part of an instant.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.Round(0).UTC()
}
