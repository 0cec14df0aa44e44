package change

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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
	return Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
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
	tree, err := c.tree()
	if err != nil {
		return nil, err
	}
	return tree.AppendCanonical(nil), nil
}

// Digest names the content of the change.
func (c *Change) Digest() (Digest, error) {
	canonical, err := c.Canonical()
	if err != nil {
		return "", err
	}
	return DigestOf("changelane/change/v1", canonical), nil
}

// tree is the change as a strict JSON document.
func (c *Change) tree() (*schema.Value, error) {
	utc := c.inUTC()
	data, err := json.Marshal(&utc)
	if err != nil {
		return nil, fmt.Errorf("the change has no encoding: %w", err)
	}
	return schema.Parse(data, schema.DocumentLimits())
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
