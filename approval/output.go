package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// The most of a fact that a line repeats.
const (
	mostElements   = 20
	mostCharacters = 200
)

// MarshalJSON writes the classification as one line, as published in
// schemas/classification.schema.json. The members keep their order.
func (c Classification) MarshalJSON() ([]byte, error) {
	return c.AppendJSON(make([]byte, 0, 2048))
}

// AppendJSON appends to dst what [Classification.MarshalJSON] writes, without
// a line feed.
func (c *Classification) AppendJSON(dst []byte) ([]byte, error) {
	l := jsonLine{out: dst}
	l.classification(c)
	if l.err != nil {
		return nil, l.err
	}
	return l.out, nil
}

func (l *jsonLine) classification(c *Classification) {
	l.out = append(l.out, '{')
	l.text("id", c.ID)
	l.word("type", c.Type)
	l.text("level", c.Assessment.Level.String())
	l.int("score", c.Assessment.Score)
	l.bool("regular", c.Regular)
	l.bool("low_risk", c.LowRisk)
	l.text("template", c.Template)
	l.text("model", c.Model)
	if c.Override != 0 {
		l.int("override", c.Override)
	}
	list(l, "assumed", c.Assumed, (*jsonLine).item)
	list(l, "why", c.Why, (*jsonLine).item)
	list(l, "reasons", c.Assessment.Reasons, (*jsonLine).reason)
	list(l, "unknowns", c.Assessment.Unknowns, (*jsonLine).unknown)
	list(l, "faults", c.Faults, (*jsonLine).fault)
	if c.Window != nil {
		l.name("window")
		l.window(c.Window)
	}
	list(l, "freezes", c.Freezes, (*jsonLine).item)
	l.name("requirement")
	l.requirement(c.Requirement)
	if !c.ReviewBy.IsZero() {
		l.time("review_by", c.ReviewBy)
	}
	l.time("at", c.At)
	l.text("change", string(c.Change))
	l.text("policy", string(c.Policy))
	if c.Err != nil {
		l.stated("error", c.Err.Error())
	}
	l.out = append(l.out, '}')
}

func (l *jsonLine) window(w *change.Window) {
	l.out = append(l.out, '{')
	l.time("start", w.Start)
	l.time("end", w.End)
	l.out = append(l.out, '}')
}

func (l *jsonLine) reason(r *risk.Reason) {
	l.out = append(l.out, '{')
	l.text("rule", r.Rule)
	l.int("points", r.Points)
	if r.Floor.Assessed() {
		l.stated("floor", r.Floor.String())
	}
	l.text("because", r.Because)
	l.text("basis", r.Basis.String())
	list(l, "seen", r.Seen, (*jsonLine).seen)
	l.out = append(l.out, '}')
}

// seen repeats a fact, long values in part: each rule that looked at the paths
// of a large change would otherwise repeat them all.
func (l *jsonLine) seen(f *risk.Fact) {
	l.out = append(l.out, '{')
	l.text("fact", f.Name)
	l.text("state", f.State.String())
	l.text("provenance", f.Provenance.String())
	value, left := shortened(f.Value())
	if value != nil {
		l.name("value")
		l.value(value)
	}
	if left != 0 { // elements of a list, or characters of a text, beyond those shown
		l.int("left_out", left)
	}
	l.out = append(l.out, '}')
}

// shortened is what is shown of a value, and how much is left out.
func shortened(value any) (any, int) {
	switch v := value.(type) {
	case []string:
		if len(v) > mostElements {
			return v[:mostElements], len(v) - mostElements
		}
	case string:
		if len(v) > mostCharacters && utf8.RuneCountInString(v) > mostCharacters {
			r := []rune(v)
			return string(r[:mostCharacters]), len(r) - mostCharacters
		}
	}
	return value, 0
}

func (l *jsonLine) unknown(m *risk.Missing) {
	l.out = append(l.out, '{')
	l.text("fact", m.Fact)
	l.text("why", missingWhy(*m))
	list(l, "rules", m.Rules, (*jsonLine).item)
	l.out = append(l.out, '}')
}

func missingWhy(m risk.Missing) string {
	if m.Stated {
		return "only stated"
	}
	return "missing"
}

func (l *jsonLine) fault(f *risk.Fault) {
	l.out = append(l.out, '{')
	l.text("rule", f.Rule)
	l.text("why", f.Why)
	l.out = append(l.out, '}')
}

// requirement writes what encoding/json makes of one: see [All.MarshalJSON].
func (l *jsonLine) requirement(r Requirement) {
	switch r := r.(type) {
	case All:
		l.parts("all", r)
	case Any:
		l.parts("any", r)
	case Seat:
		l.seat(r)
	case PreApproval:
		l.out = append(l.out, '{')
		l.text("template", r.Template)
		l.text("version", string(r.Version))
		l.text("approved_by", r.ApprovedBy)
		l.stated("ref", r.Ref)
		l.out = append(l.out, '}')
	default:
		l.any(r)
	}
}

func (l *jsonLine) seat(s Seat) {
	l.out = append(l.out, '{')
	l.stated("group", s.Group)
	l.stated("role", s.Role)
	l.stated("of", s.Of)
	l.int("quorum", s.Quorum)
	l.out = append(l.out, '}')
}

// parts escapes what stands in them for HTML, as MarshalJSON does.
func (l *jsonLine) parts(name string, parts []Requirement) {
	before := l.inHTML
	l.inHTML = true
	l.out = append(l.out, '{')
	if l.name(name); parts == nil {
		l.out = append(l.out, "null"...)
	} else {
		l.items(len(parts), func(i int) { l.requirement(parts[i]) })
	}
	l.out = append(l.out, '}')
	l.inHTML = before
}

// plainJSON is JSON on one line that leaves <, > and & as they are: whoever puts
// it into a page must escape it anyway.
func plainJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	var inner *json.MarshalerError
	if errors.As(err, &inner) {
		err = inner.Err // without the name of a type of ours
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
