package schema

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// format is a named form of strings: a test for it and an example.
type format struct {
	holds   func(string) bool
	example string
}

// formats are those that a schema may name; all are asserted. They are
// stricter than the usual ones where those let through what other readers
// refuse: signs inside times, spaces in URIs, comments in addresses.
var formats = map[string]format{
	"date":      {isDate, "a date such as 2026-01-31"},
	"date-time": {isDateTime, "a time with an offset such as 2026-01-31T09:30:00Z"},
	"duration":  {isDuration, "an ISO 8601 duration such as PT90M"},
	"email":     {isEmail, "an e-mail address such as ops@example.com"},
	"hostname":  {isHostname, "a host name such as db1.example.com"},
	"ipv4":      {isIPv4, "an IPv4 address such as 192.0.2.1"},
	"ipv6":      {isIPv6, "an IPv6 address such as 2001:db8::1"},
	"time":      {isTime, "a time of day with an offset such as 09:30:00Z"},
	"uri":       {isURI, "an absolute URI such as https://example.com/a"},
	"uuid":      {uuidForm.MatchString, "a UUID such as 123e4567-e89b-12d3-a456-426614174000"},
}

var formatNames = sortedKeys(formats)

var (
	durationForm = regexp.MustCompile(`^P(\d{1,9}W|(\d{1,9}Y(\d{1,9}M(\d{1,9}D)?)?|\d{1,9}M(\d{1,9}D)?|\d{1,9}D)?` +
		`(T(\d{1,9}H(\d{1,9}M(\d{1,9}S)?)?|\d{1,9}M(\d{1,9}S)?|\d{1,9}S))?)$`)
	localForm  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")
	schemeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	uriForm    = regexp.MustCompile(`^([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*$`)
	labelForm  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	uuidForm   = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
)

// isDate accepts the full-date of RFC 3339, section 5.6, from year 1 on.
func isDate(s string) bool {
	t, err := time.Parse(time.DateOnly, s)
	return err == nil && t.Year() > 0
}

// isDateTime accepts the date-time of RFC 3339, section 5.6. Leap seconds are
// refused: no clock here can hold one.
func isDateTime(s string) bool {
	return len(s) > 11 && (s[10] == 'T' || s[10] == 't') && isDate(s[:10]) && isTime(s[11:])
}

// isTime accepts the full-time of RFC 3339, section 5.6, without leap seconds
// and with at most nanoseconds.
func isTime(s string) bool {
	if !hasTimeForm(s) {
		return false
	}
	in := func(digits string, limit int) bool {
		n, err := strconv.Atoi(digits)
		return err == nil && n < limit
	}
	if !in(s[:2], 24) || !in(s[3:5], 60) || !in(s[6:8], 60) {
		return false
	}
	if last := s[len(s)-1]; last == 'Z' || last == 'z' {
		return true
	}
	return in(s[len(s)-5:len(s)-3], 24) && in(s[len(s)-2:], 60)
}

// hasTimeForm tells digits and signs apart: 00:00:00, up to nine decimals, and
// Z or an offset such as +00:00.
func hasTimeForm(s string) bool {
	if len(s) < 9 || !fits(s[:8], "00:00:00") {
		return false
	}
	rest := s[8:]
	if rest[0] == '.' {
		decimals := len(rest) - len(strings.TrimLeft(rest[1:], "0123456789")) - 1
		if decimals < 1 || decimals > 9 {
			return false
		}
		rest = rest[1+decimals:]
	}
	return rest == "Z" || rest == "z" || fits(rest, "+00:00") || fits(rest, "-00:00")
}

// fits reports whether s is like the form, in which 0 stands for any digit.
func fits(s, form string) bool {
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		digit := '0' <= s[i] && s[i] <= '9'
		if form[i] == '0' && !digit || form[i] != '0' && s[i] != form[i] {
			return false
		}
	}
	return true
}

// isDuration accepts the durations of RFC 3339, appendix A.
func isDuration(s string) bool { return s != "P" && durationForm.MatchString(s) }

// isEmail accepts the dot-atom addresses of RFC 5322, section 3.4.1, at a host
// name: no comments, no quoted parts, no display names.
func isEmail(s string) bool {
	local, domain, found := strings.Cut(s, "@")
	return found && len(local) <= 64 && len(s) <= 254 && localForm.MatchString(local) && isHostname(domain)
}

// isHostname accepts the names of RFC 1123, section 2.1.
func isHostname(s string) bool {
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !labelForm.MatchString(label) {
			return false
		}
	}
	return true
}

func isIPv4(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is4()
}

// isIPv6 accepts RFC 4291, section 2.2, without a zone.
func isIPv6(s string) bool {
	addr, err := netip.ParseAddr(s)
	return err == nil && addr.Is6() && addr.Zone() == ""
}

// isURI accepts the absolute URIs of RFC 3986 that also net/url can read.
func isURI(s string) bool {
	if !schemeForm.MatchString(s) || !uriForm.MatchString(s) {
		return false
	}
	_, err := url.Parse(s)
	return err == nil
}
