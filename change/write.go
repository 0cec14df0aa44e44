package change

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// appendJSON writes the change as encoding/json would, in the same order. It
// reports false for what it leaves to encoding/json: values that have no
// encoding, and attributes of unusual types. Text is not checked here: what is
// written is parsed strictly before anybody believes it.
func (c *Change) appendJSON(dst []byte) ([]byte, bool) {
	w := &writing{out: dst}
	w.change(c)
	return w.out, !w.odd
}

// writing is JSON being written.
type writing struct {
	out []byte
	odd bool // there is something to leave to encoding/json
}

// name begins a member of the object that is open.
func (w *writing) name(name string) {
	if last := w.out[len(w.out)-1]; last != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, '"')
	w.out = append(w.out, name...)
	w.out = append(w.out, '"', ':')
}

func (w *writing) begin() { w.out = append(w.out, '{') }
func (w *writing) end()   { w.out = append(w.out, '}') }

const hexDigits = "0123456789abcdef"

// quoted writes a text.
func (w *writing) quoted(s string) {
	w.out = append(w.out, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		w.out = append(w.out, s[from:i]...)
		from = i + 1
		if c < ' ' {
			w.out = append(w.out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			w.out = append(w.out, '\\', c)
		}
	}
	w.out = append(append(w.out, s[from:]...), '"')
}

// text writes a member that is always there.
func (w *writing) text(name, s string) {
	w.name(name)
	w.quoted(s)
}

// stated writes a member that is there when it is stated.
func (w *writing) stated(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

// word writes a word of a vocabulary, which is always there.
func (w *writing) word(name string, v vocabulary, i uint8) {
	if i == 0 || int(i) >= len(v.words) {
		w.odd = true
		return
	}
	w.text(name, v.words[i])
}

// maybe writes a word that is there when it is stated.
func (w *writing) maybe(name string, v vocabulary, i uint8) {
	if i != 0 {
		w.word(name, v, i)
	}
}

func (w *writing) whole(name string, i *int) {
	if i != nil {
		w.name(name)
		w.out = strconv.AppendInt(w.out, int64(*i), 10)
	}
}

// number writes a number that is there when it is stated.
func (w *writing) number(name string, i int) {
	if i != 0 {
		w.whole(name, &i)
	}
}

func (w *writing) part(name string, f *float64) {
	if f != nil {
		w.name(name)
		w.float(*f)
	}
}

func (w *writing) float(f float64) {
	w.odd = w.odd || math.IsNaN(f) || math.IsInf(f, 0)
	w.out = strconv.AppendFloat(w.out, f, 'g', -1, 64)
}

func (w *writing) bool(name string, b *bool) {
	if b != nil {
		w.name(name)
		w.out = strconv.AppendBool(w.out, *b)
	}
}

func (w *writing) time(name string, t time.Time) {
	w.name(name)
	t = utc(t)
	w.odd = w.odd || t.Year() < 0 || t.Year() > 9999
	w.out = append(t.AppendFormat(append(w.out, '"'), time.RFC3339Nano), '"')
}

// list writes a list that is there when it is not nil.
func list[T any](w *writing, name string, items []T, each func(*writing, *T)) {
	if items != nil {
		w.name(name)
		listed(w, items, each)
	}
}

// listed writes the items of a list.
func listed[T any](w *writing, items []T, each func(*writing, *T)) {
	w.out = append(w.out, '[')
	for i := range items {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		each(w, &items[i])
	}
	w.out = append(w.out, ']')
}

// object writes an object that is there when it is not nil.
func object[T any](w *writing, name string, v *T, each func(*writing, *T)) {
	if v != nil {
		w.name(name)
		each(w, v)
	}
}

func (w *writing) item(s *string) { w.quoted(*s) }

func (w *writing) change(c *Change) {
	w.begin()
	w.text("id", c.ID)
	w.stated("title", c.Title)
	w.stated("reason", c.Reason)
	w.word("kind", kindWords, uint8(c.Kind))
	w.text("service", c.Service)
	w.name("requester")
	w.person(&c.Requester)
	list(w, "contributors", c.Contributors, (*writing).contributor)
	list(w, "targets", c.Targets, (*writing).target)
	list(w, "artifacts", c.Artifacts, (*writing).artifact)
	list(w, "commits", c.Commits, (*writing).commit)
	list(w, "files", c.Files, (*writing).file)
	object(w, "size", c.Size, (*writing).size)
	list(w, "evidence", c.Evidence, (*writing).evidence)
	list(w, "attested", c.Attested, (*writing).attestation)
	list(w, "plan", c.Plan, (*writing).step)
	object(w, "backout", c.Backout, (*writing).backout)
	object(w, "validation", c.Validation, (*writing).validation)
	object(w, "handover", c.Handover, (*writing).handover)
	object(w, "window", c.Window, (*writing).window)
	w.bool("downtime", c.Downtime)
	object(w, "emergency", c.Emergency, (*writing).incident)
	object(w, "claim", c.Claim, (*writing).claim)
	list(w, "links", c.Links, (*writing).link)
	list(w, "external", c.External, (*writing).external)
	object(w, "history", c.History, (*writing).history)
	if c.Attributes != nil {
		w.name("attributes")
		w.attributes(c.Attributes)
	}
	w.end()
}

func (w *writing) attributes(all map[string]any) {
	w.begin()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if w.out[len(w.out)-1] != '{' {
			w.out = append(w.out, ',')
		}
		w.quoted(name)
		w.out = append(w.out, ':')
		w.attribute(all[name])
	}
	w.end()
}

func (w *writing) attribute(v any) {
	switch v := v.(type) {
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case string:
		w.quoted(v)
	case float64:
		w.float(v)
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case []any:
		w.odd = w.odd || v == nil // which is null
		listed(w, v, (*writing).anyText)
	case []string:
		w.odd = w.odd || v == nil
		listed(w, v, (*writing).item)
	default:
		w.odd = true
	}
}

// anyText writes an item of a list of texts.
func (w *writing) anyText(v *any) {
	s, ok := (*v).(string)
	w.odd = w.odd || !ok
	w.quoted(s)
}
