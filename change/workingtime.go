package change

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/internal/nearest"
)

// WorkingHours is what a [WorkingTime] is made of: on which days of the week,
// from when to when, in which zone, and on which dates not.
type WorkingHours struct {
	Days     []time.Weekday // at least one, none twice
	From, To Clock          // From before To: working time does not cross midnight
	Zone     *time.Location // as given by Zone
	Holidays []Date         // in any order; repeating one changes nothing
}

// WorkingTime answers questions about the hours that people work. It is exact:
// t is working time when the clock in the zone reads a time from From up to To
// on a working day, whether or not that day has 24 hours. Durations are time
// that passes, so a day whose clock skips an hour of the working time counts
// an hour less. Only the years 1970 to 2199 have working time. The zero and
// the nil WorkingTime have none.
type WorkingTime struct {
	days     weekdays
	from, to Clock
	zone     *time.Location
	holidays []Date // sorted
}

// NewWorkingTime returns the working time with the given hours, or says what
// is wrong with them.
func NewWorkingTime(hours WorkingHours) (*WorkingTime, error) {
	days, err := weekdaysOf(hours.Days)
	if err != nil {
		return nil, fmt.Errorf("working time: %w", err)
	}
	if err := checkHours(hours.From, hours.To); err != nil {
		return nil, fmt.Errorf("working time: %w", err)
	}
	if err := checkZone(hours.Zone); err != nil {
		return nil, fmt.Errorf("working time: %w", err)
	}
	for _, d := range hours.Holidays {
		if !d.known() {
			return nil, fmt.Errorf("working time: holiday %q: expected a day from %d to %d", d, firstYear, lastYear)
		}
	}
	holidays := slices.SortedFunc(slices.Values(hours.Holidays), Date.compare)
	return &WorkingTime{days, hours.From, hours.To, hours.Zone, holidays}, nil
}

// IsWorkingDay reports whether d has working time: its day of the week is one
// of the days, it is no holiday, and the zone has that time on that date.
func (w *WorkingTime) IsWorkingDay(d Date) bool { return len(w.windows(d)) > 0 }

// windows returns the working time of d, sorted: nothing, one interval, or
// more where clocks were put back in the middle of it.
func (w *WorkingTime) windows(d Date) []Interval {
	if w == nil || !d.known() || !w.days.has(d.Weekday()) {
		return nil
	}
	if _, holiday := slices.BinarySearchFunc(w.holidays, d, Date.compare); holiday {
		return nil
	}
	return whenReads(d.at(w.from), d.at(w.to), w.zone)
}

// dateOf is the date of t in the zone of w.
func (w *WorkingTime) dateOf(t time.Time) Date {
	if w == nil || w.zone == nil {
		return Date{}
	}
	return DateOf(t, w.zone)
}

// Working reports whether t is working time.
func (w *WorkingTime) Working(t time.Time) bool {
	return slices.ContainsFunc(w.windows(w.dateOf(t)), func(v Interval) bool { return v.Contains(t) })
}

// Remaining returns how much working time is left after t on its own working
// day, and 0 when t is not working time: before opening nothing has begun.
func (w *WorkingTime) Remaining(t time.Time) time.Duration {
	if !w.Working(t) {
		return 0
	}
	return within(w.windows(w.dateOf(t)), Interval{t, t.AddDate(0, 0, 3)})
}

// Between returns how much working time lies in [a, b), 0 when b is not after a.
func (w *WorkingTime) Between(a, b time.Time) time.Duration {
	if !a.Before(b) {
		return 0
	}
	// A day more on each side, as a clock put back at midnight shows a date again.
	first, last := w.dateOf(a).AddDays(-1), w.dateOf(b).AddDays(1)
	if first.Year < firstYear {
		first = Date{firstYear, time.January, 1}
	}
	var sum time.Duration
	for d := first; !d.After(last) && d.Year <= lastYear; d = d.AddDays(1) {
		sum += within(w.windows(d), Interval{a, b})
	}
	return sum
}

// within returns how much of the disjoint intervals in list lies in v.
func within(list []Interval, v Interval) time.Duration {
	var sum time.Duration
	for _, part := range list {
		sum += part.intersect(v).length()
	}
	return sum
}

// searchDays is how many days in a row may be without work before a search
// gives up: about two years.
const searchDays = 2 * 366

// errNoWorkingDay says that a search came to nothing.
var errNoWorkingDay = errors.New("no working day within two years; check the days, the holidays and the years 1970 to 2199")

// nextWorkingDay returns the first working day at or after d.
func (w *WorkingTime) nextWorkingDay(d Date) (Date, error) {
	for range searchDays {
		if w.IsWorkingDay(d) {
			return d, nil
		}
		d = d.AddDays(1)
	}
	return Date{}, errNoWorkingDay
}

// Add returns the first instant by which d of working time has passed since t,
// in UTC: Between(t, Add(t, d)) is d. Where that is the close of a day it is
// not the next opening. A d of 0 gives t, in working time or not. It refuses a
// negative d, and gives up after two years without a working day.
func (w *WorkingTime) Add(t time.Time, d time.Duration) (time.Time, error) {
	if d < 0 {
		return time.Time{}, fmt.Errorf("adding %s of working time: expected 0 or more", d)
	}
	if d == 0 {
		return t.UTC(), nil
	}
	for left, day := d, w.dateOf(t); ; day = day.AddDays(1) {
		var err error
		if day, err = w.nextWorkingDay(day); err != nil {
			return time.Time{}, fmt.Errorf("adding %s of working time to %s: %w", d, t.Format(time.RFC3339), err)
		}
		for _, v := range w.windows(day) {
			if v.Start.Before(t) {
				v.Start = t.UTC()
			}
			if left <= v.length() {
				return v.Start.Add(left), nil
			}
			left -= v.length()
		}
	}
}

// AddDays returns when something is due that must be done within n working
// days of t: at the close, in UTC, of the n-th working day after the local
// date of t. The day of t itself never counts, however early t is. It refuses
// an n below 1, and gives up after two years without a working day.
func (w *WorkingTime) AddDays(t time.Time, n int) (time.Time, error) {
	if n < 1 {
		return time.Time{}, fmt.Errorf("adding %d working days: expected 1 or more", n)
	}
	day := w.dateOf(t)
	for range n {
		var err error
		if day, err = w.nextWorkingDay(day.AddDays(1)); err != nil {
			return time.Time{}, fmt.Errorf("adding %d working days to %s: %w", n, t.Format(time.RFC3339), err)
		}
	}
	windows := w.windows(day)
	return windows[len(windows)-1].End, nil
}

// ParseHours reads the hours of a day, such as "09:00-17:30", as two times of
// day of which the first is before the second.
func ParseHours(text string) (from, to Clock, err error) {
	first, second, ok := strings.Cut(text, "-")
	if !ok {
		return 0, 0, fmt.Errorf(`hours %.40q: expected two times of day with a dash, such as "09:00-17:30"`, text)
	}
	if from, err = ParseClock(first); err != nil {
		return 0, 0, fmt.Errorf("hours: %w", err)
	}
	if to, err = ParseClock(second); err != nil {
		return 0, 0, fmt.Errorf("hours: %w", err)
	}
	return from, to, checkHours(from, to)
}

// checkHours refuses hours that do not lie, in order, within one day.
func checkHours(from, to Clock) error {
	if from < 0 || to > endOfDay || from >= to {
		return fmt.Errorf(`hours %s-%s: expected an opening before the close on the same day, such as "09:00-17:30"`, from, to)
	}
	return nil
}

// weekdays is a set of days of the week: bit 1<<time.Monday stands for Monday.
type weekdays uint8

const everyDay weekdays = 1<<7 - 1

func (s weekdays) has(d time.Weekday) bool { return s&(1<<d) != 0 }

func (s weekdays) size() int { return bits.OnesCount8(uint8(s)) }

// single returns the only day of a set of one.
func (s weekdays) single() time.Weekday { return time.Weekday(bits.TrailingZeros8(uint8(s))) }

// list returns the days in the order of the week, which begins on Monday (ISO 8601).
func (s weekdays) list() []time.Weekday {
	var days []time.Weekday
	for d := time.Monday; d <= time.Saturday+1; d++ {
		if s.has(d % 7) {
			days = append(days, d%7)
		}
	}
	return days
}

// String writes a run of days with a dash, other sets with commas.
func (s weekdays) String() string {
	for _, first := range s.list() {
		last := first
		for s.has((last+1)%7) && (last+1)%7 != first {
			last = (last + 1) % 7
		}
		if run, _ := weekdayRange(first, last); run == s && first != last {
			return shortDay(first) + "-" + shortDay(last)
		}
	}
	var names []string
	for _, d := range s.list() {
		names = append(names, shortDay(d))
	}
	return strings.Join(names, ",")
}

// weekdaysOf returns the set of days, refusing none, unknown ones and repeats.
func weekdaysOf(days []time.Weekday) (weekdays, error) {
	var set weekdays
	for _, d := range days {
		if d < time.Sunday || d > time.Saturday {
			return 0, fmt.Errorf("day of the week %d: expected %d for Sunday to %d for Saturday", d, time.Sunday, time.Saturday)
		}
		if set.has(d) {
			return 0, fmt.Errorf("%s is named twice; name each day once", longDay(d))
		}
		set |= 1 << d
	}
	if set == 0 {
		return 0, errors.New(`no day of the week; expected at least one, such as "mon-fri"`)
	}
	return set, nil
}

// weekdayRange returns the days from first to last, over the end of the week
// if need be; a range of one day is refused, as it may be meant as seven.
func weekdayRange(first, last time.Weekday) (weekdays, bool) {
	var set weekdays
	for d := first; d != last; d = (d + 1) % 7 {
		set |= 1 << d
	}
	return set | 1<<last, first != last
}

// ParseDays reads days of the week: single days and ranges, with commas
// between them, such as "mon-fri", "mon,wed,fri" or "sun-thu". Days may be
// written out; letter case and spaces do not matter; a day named twice is
// refused. The result begins with Monday. [FormatDays] is its inverse.
func ParseDays(text string) ([]time.Weekday, error) {
	set, err := parseWeekdays(strings.ToLower(text))
	if err != nil {
		return nil, err
	}
	return set.list(), nil
}

// FormatDays writes days of the week, in any order, so that [ParseDays] reads
// them: a run of days as "mon-fri", others as "mon,wed,fri". It ignores
// repeats, and returns "" for no days.
func FormatDays(days []time.Weekday) string {
	var set weekdays
	for _, d := range days {
		set |= 1 << (d % 7)
	}
	return set.String()
}

// parseWeekdays reads what ParseDays does, in lower case.
func parseWeekdays(text string) (weekdays, error) {
	var set weekdays
	for part := range strings.SplitSeq(text, ",") {
		days, err := parseDayRange(strings.TrimSpace(part))
		if err != nil {
			return 0, fmt.Errorf("days %.60q: %w", text, err)
		}
		if twice := set & days; twice != 0 {
			return 0, fmt.Errorf("days %.60q: %s is named twice; name each day once", text, longDay(twice.list()[0]))
		}
		set |= days
	}
	return set, nil
}

func parseDayRange(text string) (weekdays, error) {
	first, second, isRange := strings.Cut(text, "-")
	from, err := parseWeekday(strings.TrimSpace(first))
	if err != nil && len(strings.Fields(text)) > 1 {
		return 0, fmt.Errorf("expected a day such as mon, or days such as mon-fri or mon,wed,fri, found %.40q", text)
	}
	if err != nil || !isRange {
		return 1 << from, err
	}
	to, err := parseWeekday(strings.TrimSpace(second))
	if err != nil {
		return 0, err
	}
	set, ok := weekdayRange(from, to)
	if !ok {
		return 0, fmt.Errorf("%q begins and ends on the same day; name that day, or write mon-sun for all", text)
	}
	return set, nil
}

func parseWeekday(word string) (time.Weekday, error) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if word == shortDay(d) || word == longDay(d) {
			return d, nil
		}
	}
	return 0, fmt.Errorf("expected a day such as mon or monday, found %.20q%s", word, nearest.Hint(word, dayWords()))
}

func dayWords() []string {
	var words []string
	for _, d := range everyDay.list() {
		words = append(words, shortDay(d), longDay(d))
	}
	return words
}

// longDay and shortDay are the names of a day in lower case: monday and mon.
func longDay(d time.Weekday) string { return strings.ToLower(d.String()) }

func shortDay(d time.Weekday) string { return longDay(d)[:3] }
