package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SaltSize is the length in bytes of the salt of a commitment.
const SaltSize = 32

// The first lines of what is hashed or kept: they separate the domains and
// carry the version of the form.
const (
	eventHeader      = "changelane/event/v1\n"
	openingsHeader   = "changelane/openings/v1\n"
	commitmentHeader = "changelane/commitment/v1\n"
)

// The years that a time may lie in, as everywhere in this library: within
// them a time has one RFC 3339 form and fits in 64 bits of nanoseconds.
const firstYear, lastYear = 1971, 2198

// Format gives the bytes of the event, of which there is one form; the package
// documentation specifies it. An event that cannot be written is an
// [*InvalidError].
func (e Event) Format() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, 512+len(e.Body)+128*len(e.Sealed))
	b = append(b, eventHeader...)
	b = appendField(b, "tenant", e.Key.Tenant)
	b = appendField(b, "kind", e.Key.Kind)
	b = appendField(b, "id", e.Key.ID)
	b = appendField(b, "seq", decimal(e.Seq))
	b = appendField(b, "prev", e.Prev.String())
	b = appendField(b, "type", e.Type)
	b = appendField(b, "occurred", formatTime(e.Occurred))
	b = appendField(b, "recorded", formatTime(e.Recorded))
	for _, c := range e.Sealed {
		b = appendField(b, "sealed", c.Name+"="+c.Hash.String())
	}
	b = appendField(b, "body", e.Body)
	if len(b) > MaxLeaf {
		return nil, invalid("event %d of %s has %d bytes, more than %d", e.Seq, e.Key, len(b), MaxLeaf)
	}
	return b, nil
}

// check says why the event has no form.
func (e Event) check() error {
	if err := e.Key.check(e.Key.Tenant); err != nil {
		return err
	}
	what := ""
	switch {
	case e.Seq == 0 || e.Seq > math.MaxInt64:
		what = "events are counted from 1, in 63 bits"
	case (e.Seq == 1) != (e.Prev == Hash{}):
		what = "the hash of the event before it is zero for the first event, and only for that"
	case !validType(e.Type):
		what = fmt.Sprintf("%q is not the type of an event, such as \"case.voted/1\"", clip(e.Type))
	case !validTime(e.Occurred) || !validTime(e.Recorded):
		what = "its times must lie in the years 1971 to 2198"
	}
	if what != "" {
		return invalid("event %d of %s: %s", e.Seq, e.Key, what)
	}
	for i, c := range e.Sealed {
		if !validField(c.Name) || i > 0 && e.Sealed[i-1].Name >= c.Name {
			return invalid("event %d of %s: its commitments have field names, in order and each once; %q has no place there", e.Seq, e.Key, clip(c.Name))
		}
	}
	return nil
}

// ParseEvent reads the bytes of an event. It takes exactly what Format makes;
// anything else is a [*FormatError]. The body is a part of data, not a copy.
func ParseEvent(data []byte) (Event, error) {
	var e Event
	r := reader{of: "event", data: data}
	r.header(eventHeader, MaxLeaf)
	e.Key = Key{Tenant: r.name("tenant"), Kind: r.name("kind"), ID: r.name("id")}
	e.Seq = r.seq("seq")
	e.Prev = r.hash("prev", r.field("prev"))
	if (e.Seq == 1) != (e.Prev == Hash{}) {
		r.fail(r.value, "prev is zero for the first event, and only for that")
	}
	e.Type = r.checked("type", validType)
	e.Occurred, e.Recorded = r.time("occurred"), r.time("recorded")
	for last := ""; r.has("sealed"); {
		c := r.commitment(last)
		e.Sealed, last = append(e.Sealed, c), c.Name
	}
	e.Body = r.field("body")
	r.end()
	if r.err != nil {
		return Event{}, r.err
	}
	return e, nil
}

// Commit is the commitment to the datum, as the package documentation
// specifies it.
func (f SaltedField) Commit() Commitment {
	b := make([]byte, 0, 128+len(f.Value))
	b = append(b, commitmentHeader...)
	b = appendField(b, "name", f.Name)
	b = appendField(b, "salt", f.Salt[:])
	b = appendField(b, "value", f.Value)
	return Commitment{Name: f.Name, Hash: sha256.Sum256(b)}
}

// FormatOpenings gives the bytes of the openings of an event: the fields that
// have not been erased, ordered by name. No fields give nil.
func FormatOpenings(fields []SaltedField) ([]byte, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	b := []byte(openingsHeader)
	for i, f := range fields {
		if !validField(f.Name) {
			return nil, invalid("%q is not the name of a personal datum: a lower-case letter, then at most 63 of a-z, 0-9, _ and -", clip(f.Name))
		}
		if i > 0 && fields[i-1].Name >= f.Name {
			return nil, invalid("the personal data must be in the order of their names, each once; %q is not", f.Name)
		}
		if len(f.Value) > MaxLeaf-len(b) {
			return nil, invalid("the personal data of an event have more than %d bytes", MaxLeaf)
		}
		b = appendField(b, "open", f.Name)
		b = appendField(b, "salt", f.Salt[:])
		b = appendField(b, "value", f.Value)
	}
	if len(b) > MaxLeaf {
		return nil, invalid("the personal data of an event have %d bytes, more than %d", len(b), MaxLeaf)
	}
	return b, nil
}

// ParseOpenings reads what FormatOpenings made, and nothing else; otherwise it
// is a [*FormatError]. The values are parts of data, not copies.
func ParseOpenings(data []byte) ([]SaltedField, error) {
	if len(data) == 0 {
		return nil, nil
	}
	var fields []SaltedField
	r := reader{of: "openings", data: data}
	r.header(openingsHeader, MaxLeaf)
	for last := ""; r.err == nil && (len(fields) == 0 || r.at < len(data)); {
		var f SaltedField
		f.Name = r.checked("open", validField)
		if f.Name <= last {
			r.fail(r.value, "the names are in order, each once")
		}
		if salt := r.field("salt"); len(salt) == SaltSize {
			copy(f.Salt[:], salt)
		} else {
			r.fail(r.value, "a salt has 32 bytes")
		}
		f.Value = r.field("value")
		fields, last = append(fields, f), f.Name
	}
	if r.err != nil {
		return nil, r.err
	}
	return fields, nil
}

// appendField appends a label, the length of a value and the value.
func appendField[T string | []byte](b []byte, label string, value T) []byte {
	b = append(b, label...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(value)), 10)
	b = append(b, ':')
	b = append(b, value...)
	return append(b, '\n')
}

// reader reads labelled fields one after the other. After its first error it
// reads nothing more.
type reader struct {
	of    string
	data  []byte
	at    int // the next byte
	value int // where the last value began
	err   error
}

// fail keeps the first error.
func (r *reader) fail(at int, what string) {
	if r.err == nil {
		r.err = &FormatError{Of: r.of, At: at, What: what}
	}
}

// header reads the first line, after a look at the length of the whole.
func (r *reader) header(line string, limit int) {
	switch {
	case len(r.data) > limit:
		r.fail(limit, fmt.Sprintf("it has %d bytes, more than %d", len(r.data), limit))
	case !strings.HasPrefix(string(r.data[:min(len(r.data), len(line))]), line):
		r.fail(0, fmt.Sprintf("it does not begin with the line %q", strings.TrimSuffix(line, "\n")))
	}
	r.at = len(line)
}

// has tells whether a field with this label is next.
func (r *reader) has(label string) bool {
	end := r.at + len(label)
	return r.err == nil && end < len(r.data) && string(r.data[r.at:end]) == label && r.data[end] == ' '
}

// field reads the value of the field with this label.
func (r *reader) field(label string) []byte {
	if r.err != nil {
		return nil
	}
	if !r.has(label) {
		r.fail(r.at, "the field "+label+" is not here")
		return nil
	}
	from := r.at + len(label) + 1
	length, n := readLength(r.data[from:])
	if n == 0 {
		r.fail(from, "the length of "+label+" is not a decimal number and a colon")
		return nil
	}
	r.value = from + n
	if length >= len(r.data)-r.value || r.data[r.value+length] != '\n' {
		r.fail(from, "the length of "+label+" does not lead to the end of a line")
		return nil
	}
	r.at = r.value + length + 1
	return r.data[r.value : r.value+length : r.value+length]
}

// readLength reads a decimal number without leading zeros and a colon, and
// tells how many bytes they take; 0: they are not there.
func readLength(b []byte) (length, n int) {
	const digits = 7 // as many as MaxLeaf has
	for n < len(b) && n < digits && b[n] >= '0' && b[n] <= '9' {
		length = 10*length + int(b[n]-'0')
		n++
	}
	if n == 0 || n > 1 && b[0] == '0' || n == len(b) || b[n] != ':' {
		return 0, 0
	}
	return length, n + 1
}

// checked reads a value that must pass a test.
func (r *reader) checked(label string, valid func(string) bool) string {
	s := string(r.field(label))
	if r.err == nil && !valid(s) {
		r.fail(r.value, label+" is not in its form")
		return ""
	}
	return s
}

func (r *reader) name(label string) string { return r.checked(label, validName) }

// seq reads a number from 1 on.
func (r *reader) seq(label string) uint64 {
	s := string(r.field(label))
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 || decimal(uint64(n)) != s {
		r.fail(r.value, label+" is not a decimal number from 1 on, in 63 bits")
		return 0
	}
	return uint64(n)
}

// hash reads a hash out of a value.
func (r *reader) hash(label string, value []byte) Hash {
	h, ok := parseHash(string(value))
	if !ok {
		r.fail(r.value, label+" is not a hash in base64")
	}
	return h
}

// time reads a time.
func (r *reader) time(label string) time.Time {
	s := string(r.field(label))
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !validTime(t) || formatTime(t) != s {
		r.fail(r.value, label+" is not a UTC time of the years 1971 to 2198 in its only RFC 3339 form")
		return time.Time{}
	}
	return t.UTC()
}

// commitment reads a name and a hash; the name comes after the last one.
func (r *reader) commitment(last string) Commitment {
	name, hash, _ := strings.Cut(string(r.field("sealed")), "=")
	if r.err == nil && !validField(name) {
		r.fail(r.value, "sealed does not begin with the name of a field")
	}
	if name <= last {
		r.fail(r.value, "the commitments are in the order of their names, each once")
	}
	return Commitment{Name: name, Hash: r.hash("sealed", []byte(hash))}
}

// end refuses what comes after the last field.
func (r *reader) end() {
	if r.at < len(r.data) {
		r.fail(r.at, "nothing may come after the last field")
	}
}

// parseHash reads the only base64 form of a hash.
func parseHash(s string) (h Hash, ok bool) {
	var b [33]byte // what 44 characters may decode to
	if len(s) != 44 {
		return h, false
	}
	if n, err := base64.StdEncoding.Decode(b[:], []byte(s)); err != nil || n != len(h) {
		return h, false
	}
	h = Hash(b[:32])
	return h, h.String() == s
}

func formatTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func validTime(t time.Time) bool {
	year := t.UTC().Year()
	return year >= firstYear && year <= lastYear
}

// validName tells whether s can name something: 1 to MaxName bytes of UTF-8
// without control characters.
func validName(s string) bool { return s != "" && validText(s) }

// validText is a name that may be empty.
func validText(s string) bool {
	return len(s) <= MaxName && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// validField tells whether s can name a personal datum.
func validField(s string) bool { return len(s) <= 64 && validWord(s, "_-") }

// validWord is a lower-case letter and then such letters, digits and some
// others.
func validWord(s, others string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// validType tells whether s can be the type of an event: words with dots
// between them, and a version from 1 to 9999.
func validType(s string) bool {
	name, version, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(version, 10, 16)
	if err != nil || n == 0 || n > 9999 || decimal(n) != version || len(name) > MaxName {
		return false
	}
	for word := range strings.SplitSeq(name, ".") {
		if !validWord(word, "-") {
			return false
		}
	}
	return true
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// count says how many there are of something.
func count(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return decimal(n) + " " + thing + "s"
}

// clip keeps a message short whatever somebody wrote.
func clip(s string) string { return s[:min(len(s), 64)] }

// compareListings is the order of the lists of a record.
func compareListings(a, b Listing) int {
	return cmp.Or(strings.Compare(a.List, b.List), strings.Compare(a.Sort, b.Sort))
}
