package schema

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plainBytes are those that stand for themselves inside a string.
var plainBytes = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// str reads a string. One without escapes is a part of the document's text,
// verbatim.
func (s *scanner) str() (text string, verbatim bool, err error) {
	s.pos++
	from := s.pos
	var decoded []byte // nil until the first escape
	for {
		pos := s.pos
		for pos < len(s.text) && plainBytes[s.text[pos]] {
			pos++
		}
		s.pos = pos
		if pos >= len(s.text) {
			return "", false, s.incomplete("the closing quote of a string")
		}
		switch c := s.text[pos]; {
		case c == '"':
			tail := s.text[from:pos]
			s.pos++
			if decoded == nil {
				return tail, true, nil
			}
			return string(append(decoded, tail...)), false, nil
		case c == '\\':
			decoded = append(decoded, s.text[from:pos]...)
			r, err := s.escape()
			if err != nil {
				return "", false, err
			}
			decoded = utf8.AppendRune(decoded, r)
			from = s.pos
		case c < ' ':
			return "", false, s.rawControl(c)
		default:
			if err := s.wideRune(); err != nil {
				return "", false, err
			}
		}
	}
}

func (s *scanner) rawControl(c byte) error {
	if c == '\n' || c == '\r' {
		return s.fail(`has a line break inside a string; write it as \n, or close the string`)
	}
	if c == '\t' {
		return s.fail(`has a tab inside a string; write it as \t`)
	}
	return s.fail("has the control character U+%04X inside a string; remove it", c)
}

// wideRune goes past one rune of several bytes.
func (s *scanner) wideRune() error {
	rest := s.text[s.pos:]
	r, size := utf8.DecodeRuneInString(rest)
	if r == utf8.RuneError && size == 1 {
		if !utf8.FullRuneInString(rest) {
			return s.incomplete("the rest of a character")
		}
		return s.fail("has the byte 0x%02X, which is not UTF-8, inside a string; save the document as UTF-8", rest[0])
	}
	s.pos += size
	s.origin += size - 1
	return nil
}

// escape reads one escape sequence, or two that form a surrogate pair.
func (s *scanner) escape() (rune, error) {
	if s.pos+1 >= len(s.text) {
		return 0, s.incomplete("the rest of an escape")
	}
	switch c := s.text[s.pos+1]; c {
	case '"', '\\', '/':
		s.pos += 2
		return rune(c), nil
	case 'n', 'r', 't':
		s.pos += 2
		return rune("\n\r\t"[strings.IndexByte("nrt", c)]), nil
	case 'b', 'f':
		return 0, s.fail(`has the control character \%c inside a string; remove it`, c)
	case 'u':
		return s.unicodeEscape()
	}
	return 0, s.fail(`has an unknown escape inside a string; expected one of \" \\ \/ \n \r \t \uXXXX`)
}

func (s *scanner) unicodeEscape() (rune, error) {
	r, err := s.hex4()
	switch {
	case err != nil:
		return 0, err
	case r < ' ' && r != '\t' && r != '\n' && r != '\r':
		return 0, s.fail("has the control character U+%04X inside a string; remove it", r)
	case !utf16.IsSurrogate(r):
		s.pos += 6
		return r, nil
	}
	high, at := r, s.pos
	s.pos += 6
	if rest := s.text[s.pos:]; strings.HasPrefix(`\u`, rest) {
		return 0, s.incomplete("the second half of a surrogate pair")
	} else if strings.HasPrefix(rest, `\u`) {
		low, err := s.hex4()
		if err != nil {
			return 0, err
		}
		if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
			s.pos += 6
			return r, nil
		}
	}
	s.pos = at
	return 0, s.fail("has the lone surrogate U+%04X inside a string; expected a pair that makes one character", high)
}

// hex4 returns the value of the \uXXXX at pos without going past it.
func (s *scanner) hex4() (rune, error) {
	var r rune
	for i := s.pos + 2; i < s.pos+6; i++ {
		if i >= len(s.text) {
			return 0, s.incomplete("the rest of an escape")
		}
		digit := strings.IndexByte(hexDigits, s.text[i]|0x20)
		if digit < 0 || s.text[i] < '0' {
			return 0, s.fail(`has an escape \u without four hexadecimal digits`)
		}
		r = r<<4 | rune(digit)
	}
	return r, nil
}

// maxExact is the greatest integer up to which a double holds every integer
// (RFC 7493, section 2.2).
const maxExact = 1<<53 - 1

// minMagnitude is the least magnitude of a number that is not zero. Below it
// doubles lose digits, and then everything.
const minMagnitude = 1e-308

// number reads a number token and checks that a double can hold its value.
func (s *scanner) number() (string, error) {
	from := s.pos
	if s.text[s.pos] == '-' {
		s.pos++
	}
	whole, err := s.digits()
	if err != nil {
		return "", err
	}
	if whole[0] == '0' && len(whole) > 1 {
		return "", s.fail("has a number with a leading zero; remove it")
	}
	if s.pos < len(s.text) && s.text[s.pos] == '.' {
		s.pos++
		if _, err := s.digits(); err != nil {
			return "", err
		}
	}
	significand := s.text[from:s.pos]
	exponent, err := s.exponent()
	if err != nil {
		return "", err
	}
	token := s.text[from:s.pos]
	// Up to 15 digits and without an exponent nothing can overflow or vanish.
	if len(token) <= s.limits.NumberChars && exponent == "" && len(whole) <= 15 {
		return token, nil
	}
	return token, s.checkNumber(token, significand, exponent)
}

// digits reads one or more digits.
func (s *scanner) digits() (string, error) {
	from := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	if s.pos == from {
		return "", s.unexpected("a digit")
	}
	return s.text[from:s.pos], nil
}

// exponent reads an exponent if there is one and returns its digits.
func (s *scanner) exponent() (string, error) {
	if s.pos >= len(s.text) || s.text[s.pos]|0x20 != 'e' {
		return "", nil
	}
	s.pos++
	if s.pos < len(s.text) && (s.text[s.pos] == '+' || s.text[s.pos] == '-') {
		s.pos++
	}
	return s.digits()
}

func (s *scanner) checkNumber(token, significand, exponent string) error {
	end := s.pos
	s.pos -= len(token)
	if len(token) > s.limits.NumberChars {
		return s.fail("is a number of %d characters; expected at most %d", len(token), s.limits.NumberChars)
	}
	if n, err := strconv.Atoi("0" + exponent); err != nil || n > s.limits.Exponent {
		return s.fail("is a number with the exponent %s; expected at most %d", exponent, s.limits.Exponent)
	}
	f, err := strconv.ParseFloat(token, 64)
	if err != nil || math.Abs(f) > maxExact {
		return s.fail("is %s, beyond ±9007199254740991 where numbers stop being exact; send it as text", token)
	}
	if math.Abs(f) < minMagnitude && strings.ContainsAny(significand, "123456789") {
		return s.fail("is %s, too close to zero for a number; send it as text", token)
	}
	s.pos = end
	return nil
}
