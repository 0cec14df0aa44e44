package schema

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendCanonical appends the canonical bytes of v as RFC 8785 (JCS) defines
// them: no white space, members sorted by the UTF-16 code units of their
// names, strings with the fewest escapes, and numbers as ECMAScript writes the
// nearest double. Values that mean the same have the same bytes.
func (v *Value) AppendCanonical(dst []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(dst, v.Bool)
	case Number:
		return appendNumber(dst, v.Text)
	case String:
		if v.verbatim {
			return append(append(append(dst, '"'), v.Text...), '"')
		}
		return appendString(dst, v.Text)
	case Array:
		dst = append(dst, '[')
		for i, item := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.AppendCanonical(dst)
		}
		return append(dst, ']')
	case Object:
		return appendObject(dst, v.Members)
	}
	return append(dst, "null"...)
}

func appendObject(dst []byte, members []Member) []byte {
	var few [fewNames]int
	order := sortedNames(members, few[:0])
	dst = append(dst, '{')
	for i, at := range order {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &members[at]
		dst = append(appendString(dst, m.Name), ':')
		dst = m.Value.AppendCanonical(dst)
	}
	return append(dst, '}')
}

// sortedNames appends the indexes of members in the order of their names.
// Documents are mostly in order or have few names, so that insertion is cheap.
func sortedNames(members []Member, order []int) []int {
	if len(members) > fewNames {
		for i := range members {
			order = append(order, i)
		}
		slices.SortFunc(order, func(a, b int) int { return compareUTF16(members[a].Name, members[b].Name) })
		return order
	}
	for i := range members {
		at := len(order)
		for at > 0 && compareUTF16(members[i].Name, members[order[at-1]].Name) < 0 {
			at--
		}
		order = slices.Insert(order, at, i)
	}
	return order
}

// compareUTF16 orders two strings by their UTF-16 code units (RFC 8785,
// section 3.2.3). That differs from the order of bytes in one way: the runes
// beyond U+FFFF begin with a surrogate, so they come before U+E000 to U+FFFF.
func compareUTF16(a, b string) int {
	if a != "" && b != "" && a[0] != b[0] && a[0]|b[0] < utf8.RuneSelf {
		return cmp.Compare(a[0], b[0])
	}
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	for i > 0 && (i < len(a) && !utf8.RuneStart(a[i]) || i < len(b) && !utf8.RuneStart(b[i])) {
		i--
	}
	if i == len(a) || i == len(b) {
		return cmp.Compare(len(a), len(b))
	}
	ra, _ := utf8.DecodeRuneInString(a[i:])
	rb, _ := utf8.DecodeRuneInString(b[i:])
	return cmp.Compare(firstUnit(ra), firstUnit(rb))
}

// firstUnit maps a rune so that the order of the results is the order of the
// runes' UTF-16 code units.
func firstUnit(r rune) rune {
	switch {
	case r >= 0x10000:
		return 0xD800 + r
	case r >= 0xE000:
		return 0x200000 + r
	}
	return r
}

const hexDigits = "0123456789abcdef"

// appendString quotes s with the escapes of RFC 8785, section 3.2.2.2.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		if k := strings.IndexByte("\b\t\n\f\r\"\\", c); k >= 0 {
			dst = append(dst, '\\', `btnfr"\`[k])
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

// appendNumber writes a number token as RFC 8785, section 3.2.2.3 asks.
func appendNumber(dst []byte, token string) []byte {
	if isPlainInteger(token) {
		return append(dst, token...)
	}
	f, _ := strconv.ParseFloat(token, 64) // Parse has refused what does not fit
	return appendFloat(dst, f)
}

// appendFloat writes a finite double as ECMAScript's Number.prototype.toString.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // also -0
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1] // Go writes at least two digits of the exponent
		dst = dst[:n-1]
	}
	return dst
}

// isPlainInteger reports whether a number token is its own canonical form
// beyond doubt: an integer of at most 15 digits and not -0.
func isPlainInteger(token string) bool {
	if len(token) > 15 || token == "-0" {
		return false
	}
	for i := 0; i < len(token); i++ {
		if c := token[i]; (c < '0' || c > '9') && (c != '-' || i > 0) {
			return false
		}
	}
	return true
}

// canonicalNumber is the spelling that the evaluator sees, so that a document
// and its stored canonical form always get the same verdict.
func canonicalNumber(token string) json.Number {
	if isPlainInteger(token) {
		return json.Number(token)
	}
	return json.Number(appendNumber(nil, token))
}
