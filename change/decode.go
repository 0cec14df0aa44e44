package change

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/changelane/changelane/internal/schema"
)

//go:embed change.schema.json
var schemaText []byte

// Schema is the published JSON Schema (draft 2020-12) of a change.
func Schema() []byte { return slices.Clone(schemaText) }

// compiled is made once; the schema is part of this package and does compile.
var compiled = func() *schema.Schema {
	s, err := schema.Compile("change.schema.json", schemaText)
	if err != nil {
		panic(err)
	}
	return s
}()

// Problem is one thing that is wrong with a change.
type Problem struct {
	Pointer      string // where, as a JSON pointer (RFC 6901); "" is the whole
	Line, Column int    // where in the text that was decoded, from 1; 0 when there was none
	Message      string // what is wrong, what is expected
}

// String is the place and what is wrong there, in one line.
func (p Problem) String() string {
	pointer := p.Pointer
	if pointer == "" {
		pointer = "/"
	}
	return pointer + ": " + p.Message
}

// Problems is the error of [Decode] and [Change.Validate]: everything that is
// wrong, in the order of the document, at least one.
type Problems []Problem

// Error is the first problem, and how many more there are.
func (p Problems) Error() string {
	if len(p) == 1 {
		return p[0].String()
	}
	return fmt.Sprintf("%s (and %d more)", p[0], len(p)-1)
}

// ErrIncomplete is in the chain of [Decode]'s error when the input ends before
// its value does.
var ErrIncomplete = errors.New("the input ends before its value does")

// DecodeOptions say how a change is decoded.
type DecodeOptions struct {
	// Attested admits the member "attested": set it only where the bytes come
	// from somebody who may vouch for the data, never for a requester's input.
	Attested bool
}

// serverOwned are members that the system decides; a requester who sends one
// is told so rather than being ignored.
var serverOwned = []string{
	"assumed", "authorized", "decision", "digest", "faults", "level", "policy", "reasons", "recorded_at", "regular",
	"requirement", "revision", "score", "state", "status", "tenant", "unknowns", "votes",
}

// Decode reads a change from JSON: one value, at most 1 MiB, without unknown,
// duplicate, case-variant or server-owned members. What is validated is the
// same parse as what is returned. The texts of the change are parts of one copy
// of the data, which they keep in memory. The error is [Problems].
func Decode(data []byte, opts *DecodeOptions) (*Change, error) {
	c, _, err := decode(data, opts)
	return c, err
}

// DecodeDigest is [Decode] and [Change.Digest] in one: it spares the encoding
// of a change that has just been decoded.
func DecodeDigest(data []byte, opts *DecodeOptions) (*Change, Digest, error) {
	c, canonical, err := decode(data, opts)
	if err != nil {
		return nil, "", err
	}
	return c, DigestOfCanonical(canonical), nil
}

// decode also gives back the canonical bytes.
func decode(data []byte, opts *DecodeOptions) (*Change, []byte, error) {
	tree, err := schema.Parse(data, schema.DocumentLimits())
	if err != nil {
		return nil, nil, parseProblems(err)
	}
	if opts == nil {
		opts = &DecodeOptions{}
	}
	if err := refuseServerOwned(tree, opts); err != nil {
		return nil, nil, err
	}
	if found := compiled.Validate(tree); len(found) > 0 {
		return nil, nil, problems(found)
	}
	if found := checkTimes(tree); len(found) > 0 {
		return nil, nil, found
	}
	c, saved, err := readChange(tree)
	if err != nil {
		return nil, nil, Problems{{"", tree.Line, tree.Column, "cannot be read: " + err.Error()}}
	}
	canonical := tree.AppendCanonical(make([]byte, 0, len(data)))
	if n := len(canonical) + saved; n > maxBytes {
		return nil, nil, Problems{tooLong(n, tree)}
	}
	if found := c.check(); len(found) > 0 {
		return nil, nil, located(found, tree)
	}
	return c, canonical, nil
}

// incomplete lets errors.Is find ErrIncomplete behind Problems.
type incomplete struct{ Problems }

func (incomplete) Is(target error) bool { return target == ErrIncomplete }
func (i incomplete) Unwrap() error      { return i.Problems }

func parseProblems(err error) error {
	var p *schema.Problem
	if !errors.As(err, &p) {
		return Problems{{Message: err.Error()}}
	}
	found := problems([]*schema.Problem{p})
	if errors.Is(err, schema.ErrIncomplete) {
		return incomplete{found}
	}
	return found
}

func problems(found []*schema.Problem) Problems {
	out := make(Problems, len(found))
	for i, p := range found {
		out[i] = Problem{p.Pointer, p.Line, p.Column, p.Message}
	}
	return out
}

func refuseServerOwned(tree *schema.Value, opts *DecodeOptions) error {
	if tree.Kind != schema.Object {
		return nil // the schema says it better
	}
	for _, m := range tree.Members {
		switch {
		case m.Name == "attested" && !opts.Attested:
			return Problems{{"/attested", m.Line, m.Column, "only the host may vouch for data; leave it out, or decode with Attested where the input comes from a party that may attest"}}
		case slices.Contains(serverOwned, m.Name):
			return Problems{{"/" + m.Name, m.Line, m.Column, "is decided by the system, not by the requester; leave it out"}}
		}
	}
	return nil
}

// located adds the place in the text to problems of the value, and sorts them
// by it.
func located(found Problems, tree *schema.Value) Problems {
	for i, p := range found {
		at := tree
		for _, token := range strings.Split(p.Pointer, "/")[1:] {
			next := at.Get(token)
			if at.Kind == schema.Array {
				next = item(at, token)
			}
			if next == nil {
				break
			}
			at = next
		}
		found[i].Line, found[i].Column = at.Line, at.Column
	}
	slices.SortStableFunc(found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return found
}

func item(list *schema.Value, token string) *schema.Value {
	var i int
	if _, err := fmt.Sscanf(token, "%d", &i); err != nil || i >= len(list.Items) {
		return nil
	}
	return list.Items[i]
}
