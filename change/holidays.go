package change

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/internal/nearest"
)

// Holiday is a day on which nobody works, and what it is called.
type Holiday struct {
	Date Date
	Name string // one line, not empty
}

const (
	// maxHolidayBytes bounds a holiday file. It also bounds the events, as
	// each takes some 60 bytes at least.
	maxHolidayBytes = 256 << 10
	// maxHolidayDays bounds one event.
	maxHolidayDays = 31
)

// ParseHolidays reads a holiday file: one iCalendar object (RFC 5545) of
// whole-day events, as governments publish them. It understands a VCALENDAR
// with VEVENTs that have DTSTART;VALUE=DATE, SUMMARY, and perhaps
// DTEND;VALUE=DATE (the day after the last) within 31 days. Properties that
// cannot change which days are free, such as UID and DESCRIPTION, are passed
// over. Everything else is refused with the number of its line, recurrence
// rules, times of day and cancelled events above all: a holiday that was not
// understood would be taken for a working day. Lines end in CRLF or LF and may
// be folded; a file has up to 256 KiB.
//
// An event of several days becomes several holidays. The result is sorted by
// date, and by place in the file where dates are the same.
func ParseHolidays(data []byte) ([]Holiday, error) {
	if len(data) > maxHolidayBytes {
		return nil, fmt.Errorf("holiday file: %d bytes; expected up to %d", len(data), maxHolidayBytes)
	}
	lines, err := unfold(bytes.TrimPrefix(data, []byte("\ufeff")))
	if err != nil {
		return nil, fmt.Errorf("holiday file: %w", err)
	}
	var p holidayParser
	for _, line := range lines {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("holiday file: line %d: %w", line.number, err)
		}
	}
	if p.state != afterCalendar {
		return nil, errors.New("holiday file: ends before END:VCALENDAR; it may have been cut off")
	}
	slices.SortStableFunc(p.found, func(a, b Holiday) int { return a.Date.compare(b.Date) })
	return p.found, nil
}

// contentLine is a line of an iCalendar object with its folds undone (RFC 5545,
// section 3.1).
type contentLine struct {
	number                    int // of its first line in the file
	name, parameters, content string
}

// unfold splits data into content lines. It joins bytes before it looks at
// characters, because a fold may come inside one.
func unfold(data []byte) ([]contentLine, error) {
	var lines []contentLine
	var joined []byte
	number := 1
	raws := bytes.Split(bytes.TrimRight(data, "\r\n"), []byte("\n"))
	for i, raw := range raws {
		raw = bytes.TrimSuffix(raw, []byte("\r"))
		if i > 0 && folded(raw) {
			raw = raw[1:]
		} else {
			joined, number = joined[:0], i+1
		}
		joined = append(joined, raw...)
		if i+1 < len(raws) && folded(raws[i+1]) {
			continue
		}
		line, err := splitLine(string(joined))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		line.number = number
		lines = append(lines, line)
	}
	return lines, nil
}

// folded reports whether a line continues the one before.
func folded(raw []byte) bool { return len(raw) > 0 && (raw[0] == ' ' || raw[0] == '\t') }

// splitLine takes a line apart at the first colon outside quotes. Name and
// parameters are upper-cased, as their letter case does not matter.
func splitLine(text string) (contentLine, error) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, isControl) {
		return contentLine{}, errors.New("expected UTF-8 text without control characters")
	}
	quoted := false
	for i, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == ':' && !quoted:
			name, parameters, _ := strings.Cut(strings.ToUpper(text[:i]), ";")
			return contentLine{name: name, parameters: parameters, content: text[i+1:]}, nil
		}
	}
	return contentLine{}, fmt.Errorf("expected NAME:VALUE, found %.40q", text)
}

func isControl(r rune) bool { return r != '\t' && unicode.IsControl(r) }

type holidayState uint8

const (
	beforeCalendar holidayState = iota
	inCalendar
	inEvent
	afterCalendar
)

// holidayParser takes content lines one by one.
type holidayParser struct {
	state holidayState
	event holidayEvent
	found []Holiday
}

type holidayEvent struct {
	start, end Date
	summary    string
	seen       []string // properties that may come once
}

func (p *holidayParser) line(l contentLine) error {
	switch {
	case l.name == "BEGIN" || l.name == "END":
		return p.structure(l.name + ":" + strings.ToUpper(l.content))
	case p.state == inEvent:
		return p.event.property(l)
	case p.state == inCalendar:
		return calendarProperty(l)
	}
	return fmt.Errorf("expected %s, found %.40q", expectedStructure[p.state], l.name)
}

// expectedStructure says which BEGIN and END may come in each state.
var expectedStructure = [...]string{
	beforeCalendar: "BEGIN:VCALENDAR",
	inCalendar:     "BEGIN:VEVENT or END:VCALENDAR",
	inEvent:        "END:VEVENT",
	afterCalendar:  "the end of the file",
}

func (p *holidayParser) structure(found string) error {
	switch {
	case p.state == beforeCalendar && found == "BEGIN:VCALENDAR":
		p.state = inCalendar
	case p.state == inCalendar && found == "BEGIN:VEVENT":
		p.state, p.event = inEvent, holidayEvent{}
	case p.state == inEvent && found == "END:VEVENT":
		p.state = inCalendar
		return p.add()
	case p.state == inCalendar && found == "END:VCALENDAR":
		if len(p.found) == 0 {
			return errors.New("the calendar has no event; a holiday file has at least one")
		}
		p.state = afterCalendar
	default:
		return fmt.Errorf("expected %s, found %.40q; only whole-day events are understood", expectedStructure[p.state], found)
	}
	return nil
}

// add turns the event that ends here into holidays.
func (p *holidayParser) add() error {
	e := p.event
	if e.start.IsZero() {
		return errors.New("the event that ends here has no DTSTART;VALUE=DATE")
	}
	if e.summary == "" {
		return errors.New("the event that ends here has no SUMMARY; a holiday has a name")
	}
	if e.end.IsZero() {
		e.end = e.start.AddDays(1)
	}
	if !e.start.Before(e.end) || e.end.After(e.start.AddDays(maxHolidayDays)) {
		return fmt.Errorf("the event that ends here lasts from %s to before %s; expected 1 to %d days",
			e.start, e.end, maxHolidayDays)
	}
	for d := e.start; d.Before(e.end); d = d.AddDays(1) {
		p.found = append(p.found, Holiday{d, e.summary})
	}
	return nil
}

// calendarProperty refuses what may give the events another meaning.
func calendarProperty(l contentLine) error {
	switch {
	case l.name == "CALSCALE" && !strings.EqualFold(l.content, "GREGORIAN"):
		return fmt.Errorf("CALSCALE %.20q: only the GREGORIAN calendar is understood", l.content)
	case l.name == "VERSION" && l.content != "2.0":
		return fmt.Errorf("VERSION %.20q: only iCalendar 2.0 is understood", l.content)
	case l.name == "METHOD" && !strings.EqualFold(l.content, "PUBLISH"):
		return fmt.Errorf("METHOD %.20q: only PUBLISH is understood", l.content)
	}
	return ignorable(l.name, []string{"VERSION", "PRODID", "CALSCALE", "METHOD", "NAME", "DESCRIPTION", "UID", "URL",
		"LAST-MODIFIED", "REFRESH-INTERVAL", "SOURCE", "COLOR", "CATEGORIES"})
}

// property takes one property of an event.
func (e *holidayEvent) property(l contentLine) (err error) {
	switch l.name {
	case "DTSTART", "DTEND", "SUMMARY", "STATUS":
		if slices.Contains(e.seen, l.name) {
			return fmt.Errorf("%s comes twice in one event", l.name)
		}
		e.seen = append(e.seen, l.name)
	}
	switch l.name {
	case "DTSTART":
		e.start, err = icalDate(l)
	case "DTEND":
		e.end, err = icalDate(l)
	case "SUMMARY":
		e.summary, err = icalText(l.content)
	case "STATUS":
		if !strings.EqualFold(l.content, "CONFIRMED") {
			err = fmt.Errorf("STATUS %.20q: only CONFIRMED events are understood; remove the event", l.content)
		}
	case "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "DURATION":
		err = fmt.Errorf("%s is not understood; write an event with DTSTART and DTEND for each holiday", l.name)
	default:
		err = ignorable(l.name, []string{"UID", "DTSTAMP", "SEQUENCE", "CREATED", "LAST-MODIFIED", "DESCRIPTION", "COMMENT",
			"CATEGORIES", "CLASS", "TRANSP", "PRIORITY", "LOCATION", "GEO", "URL", "COLOR", "CONTACT", "ORGANIZER"})
	}
	return err
}

// ignorable refuses properties that are neither known nor experimental.
func ignorable(name string, known []string) error {
	if slices.Contains(known, name) || strings.HasPrefix(name, "X-") {
		return nil
	}
	known = append([]string{"DTSTART", "DTEND", "SUMMARY", "BEGIN", "END"}, known...)
	return fmt.Errorf("property %.40q is not understood; remove it if it has no say in which days are free%s",
		name, nearest.Hint(name, known))
}

// icalDate reads a DATE value (RFC 5545, section 3.3.4).
func icalDate(l contentLine) (Date, error) {
	if l.parameters != "VALUE=DATE" {
		return Date{}, fmt.Errorf("%s: expected %s;VALUE=DATE:YYYYMMDD; times of day are not understood", l.name, l.name)
	}
	t, err := time.Parse("20060102", l.content)
	if d := wallDate(t); err == nil && d.known() {
		return d, nil
	}
	return Date{}, fmt.Errorf("%s %.20q: expected a day that exists, as YYYYMMDD, from %d to %d", l.name, l.content, firstYear, lastYear)
}

// icalText reads a TEXT value (RFC 5545, section 3.3.11) as one line: escaped
// line breaks become spaces.
func icalText(content string) (string, error) {
	var b strings.Builder
	escaped := false
	for _, r := range content {
		switch {
		case !escaped && r == '\\':
			escaped = true
			continue
		case !escaped || r == '\\' || r == ';' || r == ',':
			b.WriteRune(r)
		case r == 'n' || r == 'N':
			b.WriteByte(' ')
		default:
			return "", fmt.Errorf(`SUMMARY: expected \\, \;, \, or \n after a backslash, found %q`, r)
		}
		escaped = false
	}
	if escaped {
		return "", errors.New("SUMMARY: ends in a lone backslash")
	}
	return strings.TrimSpace(b.String()), nil
}
