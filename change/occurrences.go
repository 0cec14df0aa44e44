package change

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// maxSpan is what one question may span, so that its cost is bounded.
const maxSpan = 5 * 366 * 24 * time.Hour

// Occurrences returns when r takes place in zone: every occurrence that
// overlaps span, whole even where it reaches out of it, merged where they
// overlap or touch, and sorted. working says what a working day is; it may be
// nil when r names none.
//
// Clocks that are put forward or back are read as the rule that freezes more:
// a beginning is the earliest instant that the clock can stand for, an end the
// latest, and time that passes is counted from the earliest beginning to the
// latest end. So every instant whose clock reads inside is inside. Where the
// clock given does not exist that day, it stands for both what it would be by
// the offset before and by the offset after. Whole days are exact.
//
// It refuses the zero Recurrence, an empty span, one of more than five years
// or out of the years 1971 to 2198, a nil zone, and a month without a working
// day when one is asked for. A caller must take an error for "it does".
func (r Recurrence) Occurrences(span Interval, zone *time.Location, working *WorkingTime) ([]Interval, error) {
	if err := r.checkQuestion(span, zone, working); err != nil {
		return nil, fmt.Errorf("occurrences of %q: %w", r, err)
	}
	var list []Interval
	for _, period := range r.periods(DateOf(span.Start, zone), DateOf(span.End, zone)) {
		v, err := r.occurrence(period, zone, working)
		if err != nil {
			return nil, fmt.Errorf("occurrences of %q: %w", r, err)
		}
		if v.Overlaps(span) {
			list = append(list, v)
		}
	}
	return MergeIntervals(list), nil
}

// Active reports whether r takes place at t, by the rules of
// [Recurrence.Occurrences]. With an error it also says true: what cannot be
// told is taken for a freeze.
func (r Recurrence) Active(t time.Time, zone *time.Location, working *WorkingTime) (bool, error) {
	list, err := r.Occurrences(Interval{t, t.Add(1)}, zone, working)
	return err != nil || len(list) > 0, err
}

func (r Recurrence) checkQuestion(span Interval, zone *time.Location, working *WorkingTime) error {
	switch {
	case r.IsZero():
		return errNoRecurrence
	case span.IsEmpty():
		return fmt.Errorf("the span %s is empty", span)
	case span.Start.UTC().Year() <= firstYear || span.End.UTC().Year() >= lastYear:
		return fmt.Errorf("the span %s is not within the years %d to %d", span, firstYear+1, lastYear-1)
	case span.End.Sub(span.Start) > maxSpan:
		return fmt.Errorf("the span %s is longer than five years; ask in parts", span)
	case r.from.kind == onNthWorkingDay && working == nil:
		return errors.New("it names working days; give the working time")
	}
	return checkZone(zone)
}

// periods returns one date for each time that r may begin, in any occurrence
// that may overlap the dates from first to last: the day, the first of the
// month, or the first of the year. Margins cover the longest occurrence and
// clocks that are put forward or back by as much as a day.
func (r Recurrence) periods(first, last Date) []Date {
	last = last.AddDays(2)
	var list []Date
	switch r.from.kind {
	case onDate:
		return []Date{r.from.date}
	case onDayOfYear:
		for year := first.Year - 2; year <= last.Year; year++ {
			list = append(list, Date{year, time.January, 1})
		}
	case onNthWeekday, onNthWorkingDay:
		for d := monthOf(first, -2); !d.After(last); d = monthOf(d, 1) {
			list = append(list, d)
		}
	case onWeekdays:
		for d := first.AddDays(-10 - int(r.elapsed/(24*time.Hour))); !d.After(last); d = d.AddDays(1) {
			if r.from.days.has(d.Weekday()) {
				list = append(list, d)
			}
		}
	}
	return list
}

// monthOf returns the first day of the month n months after that of d.
func monthOf(d Date, n int) Date { return wallDate(Date{d.Year, d.Month + time.Month(n), 1}.at(0)) }

// occurrence returns the one that begins in period, empty if none does.
func (r Recurrence) occurrence(period Date, zone *time.Location, working *WorkingTime) (Interval, error) {
	start, exists, err := r.from.wall(period, r.start, working)
	if err != nil {
		return Interval{}, err
	}
	if r.elapsed > 0 {
		if !exists {
			return Interval{}, nil
		}
		earliest, latest := readings(start, zone)
		return Interval{earliest, latest.Add(r.elapsed)}, nil
	}
	to := r.to
	if to.kind == noDay {
		to = r.from
	}
	end, _, err := to.wall(r.endPeriod(period), r.end, working)
	if err != nil {
		return Interval{}, err
	}
	if r.to.kind == noDay && exists && r.end <= r.start {
		end = end.AddDate(0, 0, 1)
	}
	if r.timed {
		return restrictive(start, end, zone), nil
	}
	return wholeDays(start, end, zone), nil
}

// endPeriod returns the period of the end of the occurrence that begins in
// period: the same or, when the end does not come after the beginning, the next.
func (r Recurrence) endPeriod(period Date) Date {
	if r.to.kind == noDay {
		return period
	}
	next := cmp.Or(cmp.Compare(r.to.order(), r.from.order()), cmp.Compare(r.end, r.start)) <= 0
	switch {
	case r.from.kind == onWeekdays && (next || r.to != r.from):
		ahead := 1 + (r.to.order()-r.from.order()+6)%7
		return period.AddDays(ahead)
	case next && r.from.kind == onDayOfYear:
		return Date{period.Year + 1, time.January, 1}
	case next && r.from.kind == onNthWorkingDay:
		return monthOf(period, 1)
	}
	return period
}

// order returns a number by which days of one kind compare within a period.
func (d recurringDay) order() int {
	switch {
	case d.kind == onDayOfYear:
		return int(d.date.Month)*100 + d.date.Day
	case d.kind == onWeekdays:
		return int(d.days.single())
	case d.nth < 0:
		return d.nth + 100
	}
	return d.nth
}

// wall returns the wall time of clock c on the day d of period. If the period
// has no such day, it returns the end of the month in which the day would be
// and false, and for one that is counted from the end the beginning.
func (d recurringDay) wall(period Date, c Clock, working *WorkingTime) (time.Time, bool, error) {
	day, absent := period, monthOf(period, 1)
	switch d.kind {
	case onDate:
		day = d.date
	case onDayOfYear:
		month := Date{period.Year, d.date.Month, 1}
		day, absent = Date{month.Year, month.Month, d.date.Day}, monthOf(month, 1)
	case onNthWeekday:
		day = nthWeekday(period, d.nth, d.days.single())
	case onNthWorkingDay:
		days, err := workingDaysOf(period, working)
		switch {
		case err != nil:
			return time.Time{}, false, err
		case d.nth > len(days):
			return absent.at(0), false, nil
		case -d.nth > len(days):
			return period.at(0), false, nil
		case d.nth < 0:
			day = days[len(days)+d.nth]
		default:
			day = days[d.nth-1]
		}
	}
	if !day.exists() {
		return absent.at(0), false, nil
	}
	return day.at(c), true, nil
}

// nthWeekday returns the nth such day of the week in a month, or the last for
// -1. If there is none, the date it returns does not exist.
func nthWeekday(month Date, nth int, day time.Weekday) Date {
	month.Day = 1 + int(day-month.Weekday()+7)%7
	if nth > 0 {
		month.Day += 7 * (nth - 1)
		return month
	}
	for month.Day += 4 * 7; !month.exists(); {
		month.Day -= 7
	}
	return month
}

// workingDaysOf returns the working days of a month, at least one.
func workingDaysOf(month Date, working *WorkingTime) ([]Date, error) {
	var days []Date
	for d := month; d.Month == month.Month; d = d.AddDays(1) {
		if working.IsWorkingDay(d) {
			days = append(days, d)
		}
	}
	if len(days) == 0 {
		return nil, fmt.Errorf("%04d-%02d has no working day; check days and holidays", month.Year, int(month.Month))
	}
	return days, nil
}
