package schema

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits bound a document before anything else looks at it. A limit of zero
// allows none, so the zero Limits refuse every document.
type Limits struct {
	// Bytes is the greatest length of the document.
	Bytes int
	// Depth is the greatest number of arrays and objects open at one place.
	Depth int
	// Nodes is the greatest number of values, arrays and objects included.
	Nodes int
	// NumberChars is the greatest length of one number as written.
	NumberChars int
	// Exponent is the greatest absolute value of an exponent as written.
	Exponent int
}

// DocumentLimits are the limits for requests for change: 1 MiB, depth 64,
// 10,000 values, numbers of 32 characters with exponents within ±308.
func DocumentLimits() Limits {
	return Limits{Bytes: 1 << 20, Depth: 64, Nodes: 10_000, NumberChars: 32, Exponent: 308}
}

// SchemaLimits are the limits for schemas: 64 KiB, depth 32, 5,000 values,
// numbers of 32 characters with exponents within ±308.
func SchemaLimits() Limits {
	return Limits{Bytes: 64 << 10, Depth: 32, Nodes: 5_000, NumberChars: 32, Exponent: 308}
}

// ErrIncomplete is what a Problem wraps when the document ends before its
// value does: a truncated file or transfer.
var ErrIncomplete = errors.New("unexpected end of the document")

// Parse reads exactly one JSON value (RFC 8259) and refuses, besides what the
// grammar and the limits refuse:
//   - bytes that are not UTF-8, a byte order mark, and lone surrogates;
//   - control characters other than tab, line feed and carriage return, raw or
//     escaped, so also \b, \f and NUL;
//   - two names in one object that are equal, or equal but for case
//     (strings.EqualFold);
//   - empty names, to which the evaluator cannot point;
//   - numbers beyond ±(2^53-1), where a double no longer holds every integer,
//     and numbers nearer to zero than 1e-308, where it loses digits;
//   - anything but white space after the value.
//
// The error is always a *Problem; errors.Is(err, ErrIncomplete) tells a
// document that was cut short from one that is wrong.
func Parse(data []byte, limits Limits) (*Value, error) {
	if len(data) > limits.Bytes {
		return nil, &Problem{Line: 1, Column: 1, Message: fmt.Sprintf(
			"the document is %d bytes long; expected at most %d", len(data), limits.Bytes)}
	}
	s := &scanner{text: string(data), line: 1, limits: limits}
	var room struct { // for the containers that are open in an ordinary document
		path    [16]step
		items   [fewNames]*Value
		members [fewNames]Member
	}
	s.path, s.items, s.members = room.path[:0], room.items[:0], room.members[:0]
	s.reserve()
	return s.document()
}

// reserve makes room for the values of an ordinary document at once. Each
// value but the first stands behind a comma or a bracket.
func (s *scanner) reserve() {
	n := 1 + strings.Count(s.text, ",") + strings.Count(s.text, "[") + strings.Count(s.text, "{")
	s.slab = make([]Value, min(n, maxSlab))
	s.memberSlab = make([]Member, min(n, strings.Count(s.text, ":"), maxSlab))
}

// maxSlab is how many values are allocated at once. A value that is kept keeps
// its slab.
const maxSlab = 128

// scanner is a recursive-descent reader. Its methods expect pos at the first
// byte of what they read and leave it behind the last.
type scanner struct {
	text   string
	pos    int
	line   int
	origin int // the offset of the line's first byte, plus the surplus bytes of its runes so far
	depth  int
	nodes  int
	limits Limits

	path    []step
	items   []*Value // items and members of the containers still open
	members []Member

	slab       []Value // values, items and members are cut from slabs to spare allocations
	itemSlab   []*Value
	memberSlab []Member
}

// step is one token of the pointer to the current value.
type step struct {
	name  string
	index int // -1 in an object
}

func (s *scanner) column() int { return s.pos - s.origin + 1 }

// fail reports a problem at the current position.
func (s *scanner) fail(format string, args ...any) error {
	pointer := ""
	for _, step := range s.path {
		if step.index < 0 {
			pointer = pointerTo(pointer, step.name)
		} else {
			pointer += "/" + strconv.Itoa(step.index)
		}
	}
	return &Problem{Pointer: pointer, Line: s.line, Column: s.column(), Message: fmt.Sprintf(format, args...)}
}

func (s *scanner) incomplete(expected string) error {
	s.pos = len(s.text)
	err := s.fail("the document ends too early; expected %s", expected).(*Problem)
	err.cause = ErrIncomplete
	return err
}

// unexpected reports that the current character is not what the grammar asks.
func (s *scanner) unexpected(expected string) error {
	if s.pos >= len(s.text) {
		return s.incomplete(expected)
	}
	r, size := utf8.DecodeRuneInString(s.text[s.pos:])
	switch {
	case r == utf8.RuneError && size == 1:
		return s.fail("has the byte 0x%02X, which is not UTF-8; expected %s", s.text[s.pos], expected)
	case r == '/' || r == '#':
		return s.fail("has an unexpected %q; expected %s (JSON has no comments)", string(r), expected)
	case r == '\'':
		return s.fail("has an unexpected %q; expected %s (text stands in double quotes)", string(r), expected)
	}
	return s.fail("has an unexpected %q; expected %s", string(r), expected)
}

func (s *scanner) document() (*Value, error) {
	if strings.HasPrefix(s.text, "\ufeff") {
		return nil, s.fail("the document begins with a byte order mark; save it as UTF-8 without one")
	}
	s.space()
	v, err := s.value()
	if err != nil {
		return nil, err
	}
	s.space()
	if s.pos < len(s.text) {
		return nil, s.unexpected("the end of the document after its one value")
	}
	return v, nil
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r':
			s.pos++
		case '\n':
			s.pos++
			s.line++
			s.origin = s.pos
		default:
			return
		}
	}
}

func (s *scanner) value() (*Value, error) {
	if s.pos >= len(s.text) {
		return nil, s.incomplete("a value")
	}
	if s.nodes++; s.nodes > s.limits.Nodes {
		return nil, s.fail("the document has more than %d values, the most that is allowed", s.limits.Nodes)
	}
	v := s.newValue()
	v.Line, v.Column = s.line, s.column()
	var err error
	switch c := s.text[s.pos]; {
	case c == '"':
		v.Kind = String
		v.Text, v.verbatim, err = s.str()
	case c == '{':
		v.Kind = Object
		v.Members, err = s.object()
	case c == '[':
		v.Kind = Array
		v.Items, err = s.array()
	case c == '-' || '0' <= c && c <= '9':
		v.Kind = Number
		v.Text, err = s.number()
	case c == 't':
		v.Kind, v.Bool, err = Bool, true, s.literal("true")
	case c == 'f':
		v.Kind, err = Bool, s.literal("false")
	case c == 'n':
		err = s.literal("null")
	default:
		err = s.unexpected("a value")
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// newValue cuts a value from the slab.
func (s *scanner) newValue() *Value {
	if len(s.slab) == 0 {
		s.slab = make([]Value, maxSlab)
	}
	v := &s.slab[0]
	s.slab = s.slab[1:]
	return v
}

func (s *scanner) literal(word string) error {
	rest := s.text[s.pos:]
	switch {
	case strings.HasPrefix(rest, word):
		s.pos += len(word)
		return nil
	case strings.HasPrefix(word, rest):
		return s.incomplete(word)
	}
	return s.unexpected("a value")
}

// enter goes one container deeper.
func (s *scanner) enter() error {
	if s.depth++; s.depth > s.limits.Depth {
		return s.fail("is nested deeper than %d levels, the most that is allowed", s.limits.Depth)
	}
	s.pos++
	s.space()
	return nil
}

// next is called behind an item or member. It reports whether another follows
// and stands on it, or has gone past the closing bracket.
func (s *scanner) next(closing byte) (bool, error) {
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == closing {
		s.pos++
		s.depth--
		return false, nil
	}
	if s.pos >= len(s.text) || s.text[s.pos] != ',' {
		return false, s.unexpected(`"," or "` + string(closing) + `"`)
	}
	s.pos++
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == closing {
		return false, s.fail(`has a "," before the closing %q; remove it`, string(closing))
	}
	return true, nil
}

// empty reports whether the container just entered closes at once, and if so
// goes past the closing bracket.
func (s *scanner) empty(closing byte) bool {
	if s.pos >= len(s.text) || s.text[s.pos] != closing {
		return false
	}
	s.pos++
	s.depth--
	return true
}

func (s *scanner) array() ([]*Value, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	if s.empty(']') {
		return nil, nil
	}
	first := len(s.items)
	for more := true; more; {
		s.path = append(s.path, step{index: len(s.items) - first})
		item, err := s.value()
		if err != nil {
			return nil, err
		}
		s.path = s.path[:len(s.path)-1]
		s.items = append(s.items, item)
		if more, err = s.next(']'); err != nil {
			return nil, err
		}
	}
	items := keep(&s.itemSlab, s.items[first:])
	s.items = s.items[:first]
	return items, nil
}

func (s *scanner) object() ([]Member, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	if s.empty('}') {
		return nil, nil
	}
	names := nameSet{first: len(s.members)}
	for more := true; more; {
		member, err := s.member(&names)
		if err != nil {
			return nil, err
		}
		s.members = append(s.members, member)
		if more, err = s.next('}'); err != nil {
			return nil, err
		}
	}
	members := keep(&s.memberSlab, s.members[names.first:])
	s.members = s.members[:names.first]
	return members, nil
}

// keep copies what is on a stack into a slab.
func keep[T any](slab *[]T, stack []T) []T {
	n := len(stack)
	if len(*slab) < n {
		*slab = make([]T, max(n, fewNames))
	}
	kept := (*slab)[:n:n]
	*slab = (*slab)[n:]
	copy(kept, stack)
	return kept
}

func (s *scanner) member(names *nameSet) (Member, error) {
	if s.pos >= len(s.text) || s.text[s.pos] != '"' {
		return Member{}, s.unexpected("a field name in double quotes")
	}
	m := Member{Line: s.line, Column: s.column()}
	at, origin := s.pos, s.origin
	var err error
	if m.Name, _, err = s.str(); err != nil {
		return Member{}, err
	}
	if m.Name == "" {
		s.pos, s.origin = at, origin
		return Member{}, s.fail("has a field without a name; give it one or remove it")
	}
	s.path = append(s.path, step{name: m.Name, index: -1})
	if earlier := names.add(m.Name, s.members); earlier != nil {
		s.pos, s.origin = at, origin
		return Member{}, s.repeated(m.Name, earlier)
	}
	s.space()
	if s.pos >= len(s.text) || s.text[s.pos] != ':' {
		return Member{}, s.unexpected(`":" after the field name`)
	}
	s.pos++
	s.space()
	if m.Value, err = s.value(); err != nil {
		return Member{}, err
	}
	s.path = s.path[:len(s.path)-1]
	return m, nil
}

func (s *scanner) repeated(name string, earlier *Member) error {
	if name == earlier.Name {
		return s.fail("the field %s stands twice, first on line %d; keep one", quote(name), earlier.Line)
	}
	return s.fail("the field %s differs only in letter case from %s on line %d; keep one",
		quote(name), quote(earlier.Name), earlier.Line)
}

// nameSet finds repeated names in one object. Few names are compared one by
// one; many go through an index of their folded forms.
type nameSet struct {
	first int // where the object's members begin on the scanner's stack
	index map[string]int
}

// fewNames is how many names are cheaper to compare than to index.
const fewNames = 32

// add returns the earlier member with the same folded name, or nil.
func (n *nameSet) add(name string, stack []Member) *Member {
	members := stack[n.first:]
	if len(members) < fewNames {
		for i := range members {
			if other := members[i].Name; mayFold(other, name) && strings.EqualFold(other, name) {
				return &members[i]
			}
		}
		return nil
	}
	if n.index == nil {
		n.index = make(map[string]int, 2*fewNames)
		for i := range members {
			n.index[fold(members[i].Name)] = i
		}
	}
	key := fold(name)
	if i, ok := n.index[key]; ok {
		return &members[i]
	}
	n.index[key] = len(members)
	return nil
}

// mayFold reports false where the first characters tell two names apart: both
// are ASCII, and not one letter in two cases.
func mayFold(a, b string) bool {
	return a[0] == b[0] || a[0]|0x20 == b[0]|0x20 || (a[0]|b[0]) >= utf8.RuneSelf
}

// fold maps names to one string exactly when strings.EqualFold holds them
// equal.
func fold(name string) string { return strings.Map(foldRune, name) }

// foldRune returns one representative of all runes that differ only in case:
// the least of them, but lower case in ASCII so that most names stay as they
// are.
func foldRune(r rune) rune {
	least := r
	if r >= utf8.RuneSelf {
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
	}
	if 'A' <= least && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}
