package policyfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxBytes bounds a policy file. The largest real ones have some tens of KiB.
const maxBytes = 256 << 10

// source is the text of one file, kept so that places can be found in it.
// Offsets count characters.
type source struct {
	file  string
	text  []rune
	lines []int // the offset at which each line starts
}

// newSource checks the characters of a file, before any YAML is read: what is
// invisible or ambiguous on the screen of the writer is refused. It returns
// nil after a fault.
func newSource(file string, data []byte, errs *Errors) *source {
	start := Pos{file, 1, 1}
	switch {
	case len(data) > maxBytes:
		errs.Addf(start, "the file has %d bytes; a policy file may have at most %d: split it", len(data), maxBytes)
		return nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		errs.Addf(start, "the file is in UTF-16; save it as UTF-8")
		return nil
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		errs.Addf(start, "the file begins with an invisible byte order mark; save it as UTF-8 without BOM")
		return nil
	}
	valid := validPrefix(data)
	s := index(file, data[:valid])
	if valid < len(data) {
		// Not s.pos: a fault right after a line break belongs to the new line.
		line := len(s.lines)
		errs.Addf(Pos{file, line, len(s.text) - s.lines[line-1] + 1}, "byte 0x%02X is not UTF-8; save the file as UTF-8", data[valid])
		return nil
	}
	if !s.inspect(errs) {
		return nil
	}
	return s
}

func validPrefix(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(data)
}

func index(file string, data []byte) *source {
	s := &source{file: file, text: []rune(string(data)), lines: []int{0}}
	for i, r := range s.text {
		if r == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// inspect reports every forbidden character, but no more than will be shown.
func (s *source) inspect(errs *Errors) bool {
	before := errs.Len()
	indent := true // only white space since the start of the line
	for i, r := range s.text {
		switch {
		case r == '\t' && indent:
			if !s.blankFrom(i) {
				errs.Addf(s.pos(i), "this line is indented with a tab; use spaces")
			}
			indent = false
		case r == '\n':
			indent = true
		case r == '\r':
			if s.at(i+1) != '\n' {
				errs.Addf(s.pos(i), "there is a carriage return inside this line; save the file with ordinary line ends")
			}
		case r != ' ':
			indent = false
			if what := forbidden(r); what != "" {
				errs.Addf(s.pos(i), "%s stands here; %s", what, replacement(r))
			}
		}
		if errs.Len() > before+shownFaults {
			break
		}
	}
	s.inspectDirective(errs)
	return errs.Len() == before
}

// inspectDirective refuses %YAML and %TAG: they would change how the text
// after them is read. They can only stand before the document.
func (s *source) inspectDirective(errs *Errors) {
	for _, start := range s.lines {
		switch {
		case s.at(start) == '%':
			errs.Addf(s.pos(start), "a line that begins with %% is a YAML directive, which a policy file may not have; remove it, or put the value in quotes")
			return
		case s.at(start) != '#' && !s.blankFrom(start):
			return
		}
	}
}

// forbidden says what a character is that may not stand in a file, or "".
func forbidden(r rune) string {
	switch {
	case r >= ' ' && r < unicode.MaxASCII, r == '\t', r == '\n':
		return ""
	case r == '\u0085', r == '\u2028', r == '\u2029':
		return fmt.Sprintf("the line separator %U", r)
	case unicode.Is(unicode.Cc, r), r&0xFFFE == 0xFFFE:
		return fmt.Sprintf("the control character %U", r)
	case unicode.Is(unicode.Cf, r):
		return fmt.Sprintf("the invisible character %U", r)
	case unicode.Is(unicode.Zs, r):
		return fmt.Sprintf("the special space %U", r)
	}
	return ""
}

func replacement(r rune) string {
	if unicode.Is(unicode.Zs, r) {
		return "replace it with an ordinary space"
	}
	return "remove it"
}

// at is the character at an offset, or 0 outside the text.
func (s *source) at(offset int) rune {
	if offset < 0 || offset >= len(s.text) {
		return 0
	}
	return s.text[offset]
}

// blankFrom tells whether nothing but white space follows on the line.
func (s *source) blankFrom(offset int) bool {
	r := s.at(s.skipBlanks(offset))
	return r == 0 || r == '\n' || r == '\r'
}

func (s *source) skipBlanks(offset int) int {
	for s.at(offset) == ' ' || s.at(offset) == '\t' {
		offset++
	}
	return offset
}

// lastBefore is the last character before offset on its line that is no blank,
// or the line break.
func (s *source) lastBefore(offset int) rune {
	offset--
	for s.at(offset) == ' ' || s.at(offset) == '\t' {
		offset--
	}
	return s.at(offset)
}

// line is the number of the line that holds offset, from 1.
func (s *source) line(offset int) int {
	line, found := slices.BinarySearch(s.lines, offset)
	if found {
		line++
	}
	return line
}

// lineEnd is the offset of the line break, or end of text, that ends the line
// of offset.
func (s *source) lineEnd(offset int) int {
	if line := s.line(offset); line < len(s.lines) {
		return s.lines[line] - 1
	}
	return len(s.text)
}

// offset finds a place that the YAML library reported. Places outside the
// text, such as the end of the file, are moved to its last line.
func (s *source) offset(line, column int) int {
	if line < 1 {
		return 0
	}
	if line > len(s.lines) {
		return len(s.text)
	}
	start := s.lines[line-1]
	return min(start+max(column, 1)-1, s.lineEnd(start))
}

// pos is the place of an offset. What lies behind the last line break is
// shown at the end of the last line: an editor has no line there.
func (s *source) pos(offset int) Pos {
	offset = min(offset, len(s.text))
	if offset == len(s.text) && s.at(offset-1) == '\n' {
		offset--
		if s.at(offset-1) == '\r' {
			offset--
		}
	}
	line := s.line(offset)
	return Pos{s.file, line, offset - s.lines[line-1] + 1}
}

// before is the text of the line that holds offset, up to offset, trimmed.
func (s *source) before(offset int) string {
	return strings.TrimSpace(string(s.text[s.lines[s.line(offset)-1]:offset]))
}
