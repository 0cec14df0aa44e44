package change

import (
	"cmp"
	"fmt"
	"time"
)

// The years that calendars are kept for. Dates outside are slips of the pen,
// and zone data says nothing sure about them.
const (
	firstYear = 1970
	lastYear  = 2199
)

// Date is a day of the (proleptic Gregorian) calendar, in no particular zone:
// which instants belong to it is a question for [Date.In]. The zero Date means
// that none was given.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads a date written as YYYY-MM-DD (ISO 8601, extended format).
// It refuses other forms, days that do not exist, and years outside 1970 to
// 2199. [Date.String] is its inverse.
func ParseDate(text string) (Date, error) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return Date{}, fmt.Errorf("date %.40q: expected a day that exists, written as YYYY-MM-DD", text)
	}
	d := wallDate(t)
	if !d.known() {
		return Date{}, fmt.Errorf("date %q: expected a year from %d to %d", text, firstYear, lastYear)
	}
	return d, nil
}

// DateOf returns the date that a calendar on the wall shows at t in zone.
func DateOf(t time.Time, zone *time.Location) Date { return wallDate(t.In(zone)) }

func wallDate(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// String returns d as YYYY-MM-DD, and "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// MarshalText returns what String returns. It refuses dates that ParseDate
// would refuse, except for the zero Date.
func (d Date) MarshalText() ([]byte, error) {
	if !d.IsZero() && !d.known() {
		return nil, fmt.Errorf("date %s: not a day from %d to %d", d, firstYear, lastYear)
	}
	return []byte(d.String()), nil
}

// UnmarshalText is ParseDate, except that an empty text is the zero Date.
func (d *Date) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	parsed, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}

// IsZero reports whether d was not given.
func (d Date) IsZero() bool { return d == Date{} }

// Before reports whether d comes before e. The zero Date comes before all.
func (d Date) Before(e Date) bool { return d.compare(e) < 0 }

// After reports whether d comes after e.
func (d Date) After(e Date) bool { return d.compare(e) > 0 }

func (d Date) compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// AddDays returns the date n days after d, or before it when n is negative.
func (d Date) AddDays(n int) Date { return wallDate(d.at(0).AddDate(0, 0, n)) }

// Weekday returns the day of the week that d is.
func (d Date) Weekday() time.Weekday { return d.at(0).Weekday() }

// In returns the whole of day d in zone: from the first instant whose local
// date is d to the last. It may take 23, 24 or 25 hours, and is empty for a
// day that the zone left out, as Pacific/Apia did with 2011-12-30.
func (d Date) In(zone *time.Location) Interval { return wholeDays(d.at(0), d.at(endOfDay), zone) }

// wholeDays returns the instants from the first whose clock reads a wall time
// in [from, to) to the last. Both are midnights, which stand for no reading of
// a clock but for where a date begins: there is nothing to resolve.
func wholeDays(from, to time.Time, zone *time.Location) Interval {
	list := whenReads(from, to, zone)
	if len(list) == 0 {
		return Interval{}
	}
	return Interval{list[0].Start, list[len(list)-1].End}
}

// at returns the wall time when the clock reads c on day d.
func (d Date) at(c Clock) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, int(c), 0, 0, time.UTC)
}

// exists reports whether the calendar has a day d.
func (d Date) exists() bool { return wallDate(d.at(0)) == d }

// known reports whether d is a day that calendars are kept for.
func (d Date) known() bool { return d.exists() && firstYear <= d.Year && d.Year <= lastYear }

// Clock is what a clock on the wall reads, in minutes since midnight: from 0
// for 00:00 to 1440 for 24:00, the end of the day.
type Clock int

const endOfDay Clock = 24 * 60

// ParseClock reads a time of day written as HH:MM with two digits each, from
// "00:00" to "24:00". [Clock.String] is its inverse.
func ParseClock(text string) (Clock, error) {
	refused := fmt.Errorf(`time of day %.20q: expected HH:MM from "00:00" to "24:00"`, text)
	if len(text) != 5 || text[2] != ':' {
		return 0, refused
	}
	hours, ok1 := twoDigits(text[:2])
	minutes, ok2 := twoDigits(text[3:])
	c := Clock(hours*60 + minutes)
	if !ok1 || !ok2 || minutes > 59 || c > endOfDay {
		return 0, refused
	}
	return c, nil
}

func twoDigits(s string) (int, bool) {
	tens, ones := s[0]-'0', s[1]-'0'
	return int(tens)*10 + int(ones), tens <= 9 && ones <= 9
}

// String returns c as HH:MM.
func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", int(c)/60, int(c)%60) }
