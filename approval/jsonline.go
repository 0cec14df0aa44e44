package approval

import (
	"encoding"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonLine is JSON being written by hand, byte for byte as encoding/json would.
// The first error stays; what is written after it does not matter.
type jsonLine struct {
	out []byte
	err error
	// inHTML escapes <, > and & as well.
	inHTML bool
}

func (l *jsonLine) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// name begins a member of the object that is open.
func (l *jsonLine) name(name string) {
	if last := l.out[len(l.out)-1]; last != '{' {
		l.out = append(l.out, ',')
	}
	l.out = append(append(append(l.out, '"'), name...), '"', ':')
}

// text writes a member that is a text.
func (l *jsonLine) text(name, s string) {
	l.name(name)
	l.quoted(s)
}

// stated writes a text that is not empty.
func (l *jsonLine) stated(name, s string) {
	if s != "" {
		l.text(name, s)
	}
}

func (l *jsonLine) word(name string, v encoding.TextMarshaler) {
	text, err := v.MarshalText()
	if err != nil {
		l.fail(err)
	}
	l.text(name, string(text))
}

func (l *jsonLine) int(name string, i int) {
	l.name(name)
	l.out = strconv.AppendInt(l.out, int64(i), 10)
}

func (l *jsonLine) bool(name string, b bool) {
	l.name(name)
	l.out = strconv.AppendBool(l.out, b)
}

func (l *jsonLine) time(name string, t time.Time) {
	text, err := t.MarshalJSON()
	if err != nil {
		l.fail(err)
	}
	l.name(name)
	l.out = append(l.out, text...)
}

// list writes the items of a list; none is an empty list.
func list[T any](l *jsonLine, name string, items []T, each func(*jsonLine, *T)) {
	l.name(name)
	l.items(len(items), func(i int) { each(l, &items[i]) })
}

func (l *jsonLine) items(n int, each func(i int)) {
	l.out = append(l.out, '[')
	for i := range n {
		if i > 0 {
			l.out = append(l.out, ',')
		}
		each(i)
	}
	l.out = append(l.out, ']')
}

func (l *jsonLine) item(s *string) { l.quoted(*s) }

// value writes a value of a fact.
func (l *jsonLine) value(v any) {
	switch v := v.(type) {
	case bool:
		l.out = strconv.AppendBool(l.out, v)
	case int64:
		l.out = strconv.AppendInt(l.out, v, 10)
	case string:
		l.quoted(v)
	case []string:
		if v == nil {
			l.any(v)
			return
		}
		l.items(len(v), func(i int) { l.quoted(v[i]) })
	case float64:
		// Elsewhere encoding/json writes an exponent.
		if f := math.Abs(v); f < 1e-6 && f != 0 || !(f < 1e21) {
			l.any(v)
			return
		}
		l.out = strconv.AppendFloat(l.out, v, 'f', -1, 64)
	default:
		l.any(v)
	}
}

// any leaves a value to encoding/json.
func (l *jsonLine) any(v any) {
	encode := plainJSON
	if l.inHTML {
		encode = json.Marshal
	}
	text, err := encode(v)
	if err != nil {
		l.fail(err)
	}
	l.out = append(l.out, text...)
}

// quoted writes a text with the escapes of encoding/json.
func (l *jsonLine) quoted(s string) {
	dst := append(l.out, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && !(l.inHTML && (c == '<' || c == '>' || c == '&')) {
				i++
				continue
			}
			dst = appendEscape(append(dst, s[from:i]...), c)
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			from = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(append(dst, s[from:i]...), `\u202`...)
			dst = append(dst, "89"[r-'\u2028'])
			from = i + size
		}
		i += size
	}
	l.out = append(append(dst, s[from:]...), '"')
}

// appendEscape writes the escape of one ASCII character.
func appendEscape(dst []byte, c byte) []byte {
	const hexDigits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
