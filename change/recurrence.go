package change

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/changelane/changelane/internal/nearest"
)

// Recurrence says when something takes place, once or again and again, in the
// local time of a zone that is not part of it. It is made by
// [ParseRecurrence]; the zero Recurrence is invalid. Two of them are equal
// with == when their texts are.
type Recurrence struct {
	from, to   recurringDay // to.kind is noDay: it ends by clock or with the day of from
	timed      bool         // start and end are clocks that were given
	start, end Clock        // not timed: 0 and endOfDay
	elapsed    time.Duration
}

// recurringDay is a day, said in one of the ways there are to say it.
type recurringDay struct {
	kind recurringKind
	date Date     // onDate; onDayOfYear without its year
	nth  int      // onNthWeekday, onNthWorkingDay: from 1 on, or from -1, the last, back
	days weekdays // onWeekdays; onNthWeekday: the one
}

type recurringKind uint8

const (
	noDay           recurringKind = iota
	onDate                        // 2026-12-15
	onDayOfYear                   // 15 dec
	onNthWeekday                  // third saturday
	onNthWorkingDay               // 2nd working day
	onWeekdays                    // mon-fri
)

// recurrenceForms is what a refusal lists.
const recurrenceForms = `"15 dec to 4 jan", "2026-12-15 to 2027-01-04", "2026-12-15 22:00 for 6h", ` +
	`"third saturday 22:00 for 6h", "last friday", "last working day to 2nd working day", "last 3 working days", ` +
	`"mon-fri 09:00 to 17:30", "friday 16:00 to monday 08:00" and "daily 22:00 to 06:00"`

const (
	maxRecurrenceBytes = 100
	maxElapsed         = 31 * 24 * time.Hour
	maxWorkingDay      = 31 // of a month
)

// ParseRecurrence reads a recurrence. It is written as
//
//	DAY                      all of that day
//	DAY to DAY               from the beginning of one to the end of the other
//	DAY CLOCK for DURATION   time that passes, such as 6h, 90m or 1h30m, up to 744h
//	DAY CLOCK to CLOCK       until the clock reads so, on the next day if need be
//	DAY CLOCK to DAY CLOCK
//
// where the DAY, and with it how often all this recurs, is one of
//
//	2026-12-15          once
//	15 dec              every year
//	third saturday      every month that has one: first to fifth, last
//	2nd working day     every month, also last working day
//	monday              every week
//	mon-fri             on each of these days, for themselves; also mon,wed,fri
//	daily               every day
//
// Both DAYs of a "to" are said in the same way: two dates, two days of the
// year, two working days of a month, or two single days of the week.
// "last 3 working days" and "first 3 working days" stand for all from the one
// to the other, weekends in between included. A CLOCK is HH:MM. Names may be
// shortened to three letters, ordinals written as words up to tenth or as 1st,
// 2nd and so on. Letter case does not matter, and "every" may come first.
//
// An end that does not come after its beginning is that of the next day, week,
// month or year. A day that a month lacks (29 feb, 22nd working day) is no day
// on its own, and as one end of a range counts as the end of that month;
// where it is counted from the end ("last 3 working days" in a month of two),
// as the beginning.
//
// [Recurrence.String] is its inverse.
func ParseRecurrence(text string) (Recurrence, error) {
	if len(text) > maxRecurrenceBytes {
		return Recurrence{}, fmt.Errorf("recurrence %.40q...: %d bytes; expected up to %d", text, len(text), maxRecurrenceBytes)
	}
	p := recurrenceParser{words: strings.Fields(strings.ToLower(text))}
	p.accept("every")
	r, err := p.recurrence()
	if err != nil {
		return Recurrence{}, fmt.Errorf("recurrence %q: %w", text, err)
	}
	return r, nil
}

// recurrenceParser reads words from the left.
type recurrenceParser struct {
	words []string
}

// peek returns the next word, "" at the end.
func (p *recurrenceParser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

// accept moves past the given words if they come next.
func (p *recurrenceParser) accept(words ...string) bool {
	if len(p.words) < len(words) || !slices.Equal(p.words[:len(words)], words) {
		return false
	}
	p.words = p.words[len(words):]
	return true
}

func (p *recurrenceParser) refuse(expected string) error {
	found, hint := "the end", ""
	if word := p.peek(); word != "" {
		found = strconv.Quote(word)
	}
	if words := recurrenceWords(); !slices.Contains(words, p.peek()) { // else it is a right word in a wrong place
		hint = nearest.Hint(p.peek(), words)
	}
	return fmt.Errorf("expected %s, found %s (understood are %s)%s", expected, found, recurrenceForms, hint)
}

func (p *recurrenceParser) recurrence() (r Recurrence, err error) {
	if r.from, r.to, err = p.workingDays(); err != nil {
		return Recurrence{}, err
	}
	switch r.end = endOfDay; {
	case r.to.kind != noDay:
	case p.atClock():
		err = p.times(&r)
	case p.accept("to"):
		r.to, err = p.day()
	}
	if err == nil && len(p.words) > 0 {
		err = p.refuse("the end")
	}
	if err == nil {
		err = r.check()
	}
	return r, err
}

// times reads what follows a day when it is a clock.
func (p *recurrenceParser) times(r *Recurrence) (err error) {
	r.timed = true
	if r.start, err = p.clock(); err != nil {
		return err
	}
	if p.accept("for") {
		r.end = 0
		r.elapsed, err = p.duration()
		return err
	}
	if !p.accept("to") {
		return p.refuse(`"for" or "to"`)
	}
	if !p.atClock() {
		if r.to, err = p.day(); err != nil {
			return err
		}
	}
	r.end, err = p.clock()
	return err
}

func (p *recurrenceParser) atClock() bool { return strings.Contains(p.peek(), ":") }

func (p *recurrenceParser) clock() (Clock, error) {
	c, err := ParseClock(p.peek())
	if err != nil {
		return 0, p.refuse(`a time of day from "00:00" to "24:00"`)
	}
	p.words = p.words[1:]
	return c, nil
}

// duration reads whole hours and minutes, neither of them signed or padded.
func (p *recurrenceParser) duration() (time.Duration, error) {
	rest, sum := p.peek(), time.Duration(0)
	for _, unit := range []struct {
		suffix string
		length time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}} {
		if digits, after, ok := strings.Cut(rest, unit.suffix); ok {
			n, ok := number(digits, int(maxElapsed/time.Minute))
			if !ok {
				break
			}
			sum, rest = sum+time.Duration(n)*unit.length, after
		}
	}
	if rest != "" || sum <= 0 || sum > maxElapsed {
		return 0, p.refuse(`a duration such as "6h", "90m" or "1h30m" of up to "744h"`)
	}
	p.words = p.words[1:]
	return sum, nil
}

// workingDays reads "last 3 working days" as two days, and else one day.
func (p *recurrenceParser) workingDays() (from, to recurringDay, err error) {
	last := p.peek() == "last"
	if (last || p.peek() == "first") && len(p.words) >= 4 && slices.Equal(p.words[2:4], []string{"working", "days"}) {
		p.words = p.words[1:]
		n, ok := number(p.peek(), maxWorkingDay)
		if !ok || n < 2 {
			return from, to, p.refuse("a number from 2 to 31")
		}
		p.words = p.words[3:]
		if last {
			return workingDay(-n), workingDay(-1), nil
		}
		return workingDay(1), workingDay(n), nil
	}
	from, err = p.day()
	return from, to, err
}

func workingDay(nth int) recurringDay { return recurringDay{kind: onNthWorkingDay, nth: nth} }

func (p *recurrenceParser) day() (recurringDay, error) {
	word := p.peek()
	if date, err := ParseDate(word); err == nil {
		p.words = p.words[1:]
		return recurringDay{kind: onDate, date: date}, nil
	}
	if day, ok := number(word, 31); ok {
		p.words = p.words[1:]
		return p.dayOfYear(day)
	}
	if nth, ok := ordinal(word); ok {
		p.words = p.words[1:]
		return p.dayOfMonth(nth)
	}
	if p.accept("daily") {
		return recurringDay{kind: onWeekdays, days: everyDay}, nil
	}
	days, err := parseWeekdays(word)
	if err != nil {
		return recurringDay{}, p.refuse("a day")
	}
	p.words = p.words[1:]
	return recurringDay{kind: onWeekdays, days: days}, nil
}

func (p *recurrenceParser) dayOfYear(day int) (recurringDay, error) {
	for month := time.January; month <= time.December; month++ {
		if !p.accept(shortMonth(month)) && !p.accept(strings.ToLower(month.String())) {
			continue
		}
		if leap := (Date{2000, month, day}); !leap.exists() {
			return recurringDay{}, fmt.Errorf("there is no %d %s", day, shortMonth(month))
		}
		return recurringDay{kind: onDayOfYear, date: Date{0, month, day}}, nil
	}
	return recurringDay{}, p.refuse("a month")
}

func (p *recurrenceParser) dayOfMonth(nth int) (recurringDay, error) {
	if p.accept("working", "day") {
		return workingDay(nth), nil
	}
	day, err := parseWeekday(p.peek())
	if err != nil {
		return recurringDay{}, p.refuse(`a day of the week or "working day"`)
	}
	if nth > 5 {
		return recurringDay{}, fmt.Errorf("no month has a %s %s; expected first to fifth, or last", ordinalDigits(nth), longDay(day))
	}
	p.words = p.words[1:]
	return recurringDay{kind: onNthWeekday, nth: nth, days: 1 << day}, nil
}

// check refuses combinations that have no meaning, or not a sure one.
func (r Recurrence) check() error {
	pair := r.to.kind != noDay
	switch {
	case r.start == endOfDay:
		return errors.New(`24:00 is only an end; begin with 00:00 of the next day`)
	case pair && r.to.kind != r.from.kind:
		return errors.New(`the days on both sides of "to" must be said in the same way, such as "15 dec to 4 jan"`)
	case pair && r.from.kind == onNthWeekday:
		return errors.New(`days such as "third saturday" cannot be a range; give a clock and a duration, as in "third saturday 22:00 for 48h"`)
	case pair && r.from.kind == onWeekdays && r.from.days.size()*r.to.days.size() != 1:
		return errors.New(`expected one day of the week on each side of "to", as in "friday 16:00 to monday 08:00"`)
	case pair && r.from.kind == onDate && !r.from.date.at(r.start).Before(r.to.date.at(r.end)):
		return errors.New("it ends before it begins")
	}
	return nil
}

// IsZero reports whether r is the zero Recurrence, which is invalid.
func (r Recurrence) IsZero() bool { return r == Recurrence{} }

// String returns r as [ParseRecurrence] reads it, in one way of writing: lower
// case, months and days in ranges shortened, other days of the week written
// out. It returns "" for the zero Recurrence.
func (r Recurrence) String() string {
	switch pair := r.to.kind != noDay; {
	case r.IsZero():
		return ""
	case pair && !r.timed && r.to == workingDay(-1) && r.from.nth < -1:
		return fmt.Sprintf("last %d working days", -r.from.nth)
	case pair && !r.timed && r.from == workingDay(1) && r.to.nth > 1:
		return fmt.Sprintf("first %d working days", r.to.nth)
	case r.elapsed > 0:
		return fmt.Sprintf("%s %s for %s", r.from, r.start, formatElapsed(r.elapsed))
	case pair && r.timed:
		return fmt.Sprintf("%s %s to %s %s", r.from, r.start, r.to, r.end)
	case pair:
		return fmt.Sprintf("%s to %s", r.from, r.to)
	case r.timed:
		return fmt.Sprintf("%s %s to %s", r.from, r.start, r.end)
	}
	return r.from.String()
}

func (d recurringDay) String() string {
	switch d.kind {
	case onDate:
		return d.date.String()
	case onDayOfYear:
		return fmt.Sprintf("%d %s", d.date.Day, shortMonth(d.date.Month))
	case onNthWeekday:
		return ordinalWord(d.nth) + " " + longDay(d.days.single())
	case onNthWorkingDay:
		return ordinalDigits(d.nth) + " working day"
	}
	switch {
	case d.days == everyDay:
		return "daily"
	case d.days.size() == 1:
		return longDay(d.days.single())
	}
	return d.days.String()
}

func formatElapsed(d time.Duration) string {
	hours, minutes := d/time.Hour, d%time.Hour/time.Minute
	switch {
	case hours == 0:
		return fmt.Sprintf("%dm", minutes)
	case minutes == 0:
		return fmt.Sprintf("%dh", hours)
	}
	return fmt.Sprintf("%dh%dm", hours, minutes)
}

// MarshalText returns what String returns, and refuses the zero Recurrence.
func (r Recurrence) MarshalText() ([]byte, error) {
	if r.IsZero() {
		return nil, errNoRecurrence
	}
	return []byte(r.String()), nil
}

// UnmarshalText is ParseRecurrence.
func (r *Recurrence) UnmarshalText(text []byte) error {
	parsed, err := ParseRecurrence(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

var errNoRecurrence = errors.New("the zero Recurrence never says when; make one with ParseRecurrence")

// number reads a whole number from 1 to limit without sign or padding.
func number(text string, limit int) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= limit && strconv.Itoa(n) == text
}

var ordinalWords = []string{"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}

// ordinal reads "last" as -1, and words and digits up to 31st.
func ordinal(word string) (int, bool) {
	if word == "last" {
		return -1, true
	}
	if i := slices.Index(ordinalWords, word); i >= 0 {
		return i + 1, true
	}
	for n := 1; n <= maxWorkingDay; n++ {
		if word == ordinalDigits(n) {
			return n, true
		}
	}
	return 0, false
}

func ordinalWord(n int) string {
	if n < 0 {
		return "last"
	}
	return ordinalWords[n-1]
}

func ordinalDigits(n int) string {
	switch {
	case n < 0:
		return "last"
	case n%10 == 1 && n != 11:
		return fmt.Sprintf("%dst", n)
	case n%10 == 2 && n != 12:
		return fmt.Sprintf("%dnd", n)
	case n%10 == 3 && n != 13:
		return fmt.Sprintf("%drd", n)
	}
	return fmt.Sprintf("%dth", n)
}

// shortMonth is the name of a month in three lower-case letters.
func shortMonth(m time.Month) string { return strings.ToLower(m.String())[:3] }

// recurrenceWords are the words to offer for one that was not understood.
func recurrenceWords() []string {
	words := append([]string{"to", "for", "daily", "every", "last", "working", "day", "days"}, dayWords()...)
	for m := time.January; m <= time.December; m++ {
		words = append(words, shortMonth(m), strings.ToLower(m.String()))
	}
	return append(words, ordinalWords...)
}
