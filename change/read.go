package change

import (
	"fmt"
	"slices"
	"time"

	"github.com/changelane/changelane/internal/schema"
)

// readChange makes a change of a document that the schema allows: the same as
// encoding/json would of its canonical bytes. Its texts are parts of the
// document's, so that a change keeps the text that it was read from. The times
// in the tree are put into UTC, so that its canonical bytes are those of the
// change; saved is by how many bytes that shortens them.
func readChange(tree *schema.Value) (c *Change, saved int, err error) {
	c = new(Change)
	var r reading
	r.change(tree, c)
	return c, r.saved, r.err
}

// reading is a change being read. What it makes of each member follows the
// schema; a member that it does not know is a fault, so that none is lost
// when the schema grows.
type reading struct {
	err   error
	saved int
	// What pointers point to is cut from here, to spare allocations.
	ints   []int
	floats []float64
	bools  []bool
}

func (r *reading) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reading) unknown(name string) { r.fail(fmt.Errorf("the member %q has no place", name)) }

// listOf reads each item with the same method.
func listOf[T any](r *reading, v *schema.Value, each func(*reading, *schema.Value, *T)) []T {
	out := make([]T, len(v.Items))
	for i, item := range v.Items {
		each(r, item, &out[i])
	}
	return out
}

// one reads what is there or not.
func one[T any](r *reading, v *schema.Value, each func(*reading, *schema.Value, *T)) *T {
	out := new(T)
	each(r, v, out)
	return out
}

func (r *reading) text(v *schema.Value, to *string) { *to = v.Text }

// word reads a word of a vocabulary.
func word[T ~uint8](r *reading, words vocabulary, v *schema.Value, to *T) {
	if i := slices.Index(words.words, v.Text); i > 0 {
		*to = T(i)
		return
	}
	r.fail(read(words, []byte(v.Text), to)) // says what is expected
}

// time is in UTC, so that one instant has one form.
func (r *reading) time(v *schema.Value, to *time.Time) {
	t, err := time.Parse(time.RFC3339, v.Text)
	if err != nil {
		r.fail(err)
	}
	*to = utc(t)
	var room [len(time.RFC3339Nano)]byte
	if text := to.AppendFormat(room[:0], time.RFC3339Nano); string(text) != v.Text {
		r.saved += len(v.Text) - len(text)
		v.Text = string(text)
	}
}

func (r *reading) whole(v *schema.Value) int {
	i, ok := v.Int()
	if !ok {
		r.fail(fmt.Errorf("%q is not a whole number", v.Text))
	}
	return int(i)
}

// cut takes one value from a slab; the pointers to the others stay.
func cut[T any](slab *[]T, value T) *T {
	if len(*slab) == cap(*slab) {
		*slab = make([]T, 0, 8)
	}
	*slab = append(*slab, value)
	return &(*slab)[len(*slab)-1]
}

func (r *reading) int(v *schema.Value) *int       { return cut(&r.ints, r.whole(v)) }
func (r *reading) float(v *schema.Value) *float64 { return cut(&r.floats, v.Float()) }
func (r *reading) bool(v *schema.Value) *bool     { return cut(&r.bools, v.Bool) }

func (r *reading) change(v *schema.Value, c *Change) {
	for i := range v.Members {
		m := &v.Members[i]
		switch v := m.Value; m.Name {
		case "id":
			c.ID = v.Text
		case "title":
			c.Title = v.Text
		case "reason":
			c.Reason = v.Text
		case "kind":
			word(r, kindWords, v, &c.Kind)
		case "service":
			c.Service = v.Text
		case "requester":
			r.person(v, &c.Requester)
		case "contributors":
			c.Contributors = listOf(r, v, (*reading).contributor)
		case "targets":
			c.Targets = listOf(r, v, (*reading).target)
		case "artifacts":
			c.Artifacts = listOf(r, v, (*reading).artifact)
		case "commits":
			c.Commits = listOf(r, v, (*reading).commit)
		case "files":
			c.Files = listOf(r, v, (*reading).file)
		case "size":
			c.Size = one(r, v, (*reading).size)
		case "evidence":
			c.Evidence = listOf(r, v, (*reading).evidence)
		case "attested":
			c.Attested = listOf(r, v, (*reading).attestation)
		default:
			r.changeOn(m, c)
		}
	}
}

// changeOn reads the rest of the members.
func (r *reading) changeOn(m *schema.Member, c *Change) {
	switch v := m.Value; m.Name {
	case "plan":
		c.Plan = listOf(r, v, (*reading).step)
	case "backout":
		c.Backout = one(r, v, (*reading).backout)
	case "validation":
		c.Validation = one(r, v, (*reading).validation)
	case "handover":
		c.Handover = one(r, v, (*reading).handover)
	case "window":
		c.Window = one(r, v, (*reading).window)
	case "downtime":
		c.Downtime = r.bool(v)
	case "emergency":
		c.Emergency = one(r, v, (*reading).incident)
	case "claim":
		c.Claim = one(r, v, (*reading).claim)
	case "links":
		c.Links = listOf(r, v, (*reading).link)
	case "external":
		c.External = listOf(r, v, (*reading).external)
	case "history":
		c.History = one(r, v, (*reading).history)
	case "attributes":
		c.Attributes = make(map[string]any, len(v.Members))
		for i := range v.Members {
			c.Attributes[v.Members[i].Name] = r.attribute(v.Members[i].Value)
		}
	default:
		r.unknown(m.Name)
	}
}

// attribute is bool, float64, string or a list of texts as []any.
func (r *reading) attribute(v *schema.Value) any {
	switch v.Kind {
	case schema.Bool:
		return v.Bool
	case schema.Number:
		return v.Float()
	case schema.String:
		return v.Text
	case schema.Array:
		out := make([]any, len(v.Items))
		for i, item := range v.Items {
			out[i] = item.Text
		}
		return out
	}
	r.fail(fmt.Errorf("an attribute is %s", v.Kind))
	return nil
}
