package change

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustRecur(t testing.TB, text string) Recurrence {
	t.Helper()
	r, err := ParseRecurrence(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Expected instants are worked out by hand.
func TestOccurrences(t *testing.T) {
	for _, c := range []struct{ text, zone, from, to, want string }{
		{"15 dec to 4 jan", "Europe/London", "2026-01-01T00:00", "2027-01-01T00:00", "2025-12-15T00:00/2026-01-05T00:00 2026-12-15T00:00/2027-01-05T00:00"},
		{"1 dec to 1 dec", "America/New_York", "2026-01-01T00:00", "2027-01-01T00:00", "2026-12-01T05:00/2026-12-02T05:00"},
		{"29 feb to 29 feb", "UTC", "2025-01-01T00:00", "2029-01-01T00:00", "2028-02-29T00:00/2028-03-01T00:00"},
		{"29 feb", "UTC", "2097-01-01T00:00", "2101-12-01T00:00", ""},
		{"27 feb to 29 feb", "UTC", "2027-01-01T00:00", "2028-12-01T00:00", "2027-02-27T00:00/2027-03-01T00:00 2028-02-27T00:00/2028-03-01T00:00"},
		{"29 feb to 2 mar", "UTC", "2027-01-01T00:00", "2028-12-01T00:00", "2027-03-01T00:00/2027-03-03T00:00 2028-02-29T00:00/2028-03-03T00:00"},
		{"29 feb 10:00 for 2h", "UTC", "2027-01-01T00:00", "2028-12-01T00:00", "2028-02-29T10:00/2028-02-29T12:00"},
		{"5 jan to 4 jan", "UTC", "2026-06-01T00:00", "2026-06-02T00:00", "2026-01-05T00:00/2027-01-05T00:00"},
		{"2026-12-15 to 2027-01-04", "Asia/Kathmandu", "2027-01-01T00:00", "2027-01-02T00:00", "2026-12-14T18:15/2027-01-04T18:15"},
		{"2026-12-15 22:00 for 6h", "Europe/Berlin", "2026-12-16T00:00", "2026-12-17T00:00", "2026-12-15T21:00/2026-12-16T03:00"},
		{"2026-12-15 22:00 to 2026-12-16 04:00", "Europe/Berlin", "2026-12-16T03:00", "2026-12-17T00:00", ""},
		{"third saturday 22:00 for 6h", "Europe/London", "2026-08-01T00:00", "2026-11-01T00:00", "2026-08-15T21:00/2026-08-16T03:00 2026-09-19T21:00/2026-09-20T03:00 2026-10-17T21:00/2026-10-18T03:00"},
		{"fifth saturday 22:00 for 6h", "UTC", "2026-01-01T00:00", "2026-09-01T00:00", "2026-01-31T22:00/2026-02-01T04:00 2026-05-30T22:00/2026-05-31T04:00 2026-08-29T22:00/2026-08-30T04:00"},
		{"fifth saturday 22:00 to 04:00", "UTC", "2026-02-02T00:00", "2026-05-30T22:00", ""},
		{"last friday", "UTC", "2026-01-31T00:00", "2026-03-01T00:00", "2026-02-27T00:00/2026-02-28T00:00"},
		{"last working day to 2nd working day", "Europe/London", "2026-12-20T00:00", "2027-01-20T00:00", "2026-12-31T00:00/2027-01-06T00:00"},
		{"last 3 working days", "Europe/London", "2026-12-20T00:00", "2027-01-20T00:00", "2026-12-29T00:00/2027-01-01T00:00"},
		{"first 2 working days", "Europe/London", "2027-01-01T00:00", "2027-01-20T00:00", "2027-01-04T00:00/2027-01-06T00:00"},
		{"20th working day to 2nd working day", "UTC", "2026-02-25T00:00", "2026-03-10T00:00", "2026-02-27T00:00/2026-03-04T00:00"},
		{"21st working day to 2nd working day", "UTC", "2026-02-25T00:00", "2026-03-10T00:00", "2026-03-01T00:00/2026-03-04T00:00"}, // February 2026 has 20
		{"21st working day", "UTC", "2026-02-01T00:00", "2026-03-15T00:00", ""},
		{"2nd working day 09:00 for 90m", "Europe/London", "2026-12-01T00:00", "2027-01-31T00:00", "2026-12-02T09:00/2026-12-02T10:30 2027-01-05T09:00/2027-01-05T10:30"},
		{"mon-fri 09:00 to 17:30", "Europe/London", "2026-10-23T17:00", "2026-10-26T10:00", "2026-10-26T09:00/2026-10-26T17:30"},
		{"mon-fri", "UTC", "2026-06-01T00:00", "2026-06-09T00:00", "2026-06-01T00:00/2026-06-06T00:00 2026-06-08T00:00/2026-06-09T00:00"},
		{"friday 16:00 to monday 08:00", "America/New_York", "2026-03-08T00:00", "2026-03-09T00:00", "2026-03-06T21:00/2026-03-09T12:00"},
		{"friday 16:00 to friday 08:00", "UTC", "2026-06-05T09:00", "2026-06-05T15:00", ""},
		{"saturday to sunday", "UTC", "2026-06-01T00:00", "2026-06-09T00:00", "2026-06-06T00:00/2026-06-08T00:00"},
		// A night when clocks go forward has 7 hours by the wall, one when they go back 9.
		{"daily 22:00 to 06:00", "Europe/London", "2026-03-28T23:00", "2026-03-29T01:00", "2026-03-28T22:00/2026-03-29T05:00"},
		{"daily 22:00 to 06:00", "Europe/London", "2026-10-24T23:00", "2026-10-25T01:00", "2026-10-24T21:00/2026-10-25T06:00"},
		{"daily 22:00 for 8h", "Europe/London", "2026-03-28T23:00", "2026-03-29T01:00", "2026-03-28T22:00/2026-03-29T06:00"},
		// Ends that fall into a gap (01:00 to 02:00) and a fold (01:00 to 02:00).
		{"sunday 01:30 to 03:00", "Europe/London", "2026-03-29T00:00", "2026-03-30T00:00", "2026-03-29T00:30/2026-03-29T02:00"},
		{"sunday 00:00 to 01:30", "Europe/London", "2026-03-29T00:00", "2026-03-30T00:00", "2026-03-29T00:00/2026-03-29T01:30"},
		{"sunday 01:30 to 03:00", "Europe/London", "2026-10-25T00:00", "2026-10-26T00:00", "2026-10-25T00:30/2026-10-25T03:00"},
		{"sunday 00:00 to 01:30", "Europe/London", "2026-10-25T00:00", "2026-10-26T00:00", "2026-10-24T23:00/2026-10-25T01:30"},
		{"sunday 01:30 for 1h", "Europe/London", "2026-10-25T00:00", "2026-10-26T00:00", "2026-10-25T00:30/2026-10-25T02:30"},
		{"2011-12-30", "Pacific/Apia", "2011-12-25T00:00", "2012-01-05T00:00", ""},
		{"2011-12-30 10:00 to 11:00", "Pacific/Apia", "2011-12-25T00:00", "2012-01-05T00:00", "2011-12-29T20:00/2011-12-30T21:00"},
		{"thursday to saturday", "Pacific/Apia", "2011-12-28T12:00", "2012-01-01T00:00", "2011-12-29T10:00/2011-12-31T10:00"},
	} {
		holidays := []string{"2026-12-25", "2026-12-28", "2027-01-01"}
		got, err := mustRecur(t, c.text).Occurrences(Interval{minute(t, c.from), minute(t, c.to)}, mustZone(t, c.zone), mustWork(t, c.zone, "mon-fri", "09:00-17:00", holidays...))
		var parts []string
		for _, v := range got {
			parts = append(parts, v.Start.Format("2006-01-02T15:04")+"/"+v.End.Format("2006-01-02T15:04"))
		}
		if err != nil || strings.Join(parts, " ") != c.want {
			t.Errorf("%q in %s from %s to %s:\n got %s, %v\nwant %s", c.text, c.zone, c.from, c.to, strings.Join(parts, " "), err, c.want)
		}
	}
}

func TestOccurrencesRefuses(t *testing.T) {
	day := Interval{minute(t, "2026-06-01T00:00"), minute(t, "2026-06-02T00:00")}
	none := mustWork(t, "UTC", "mon", "09:00-17:00", "2026-06-01", "2026-06-08", "2026-06-15", "2026-06-22", "2026-06-29")
	daily, working := "daily 22:00 to 06:00", "last working day to 2nd working day"
	for _, c := range []struct {
		text string
		span Interval
		zone *time.Location
		work *WorkingTime
		want string
	}{
		{daily, Interval{day.Start, day.Start}, time.UTC, nil, "is empty"},
		{daily, Interval{day.End, day.Start}, time.UTC, nil, "is empty"},
		{daily, Interval{day.Start, day.Start.AddDate(5, 0, 5)}, time.UTC, nil, "longer than five years"},
		{daily, Interval{minute(t, "1970-06-01T00:00"), minute(t, "1971-06-01T00:00")}, time.UTC, nil, "1971 to 2198"},
		{daily, Interval{minute(t, "2198-06-01T00:00"), minute(t, "2199-01-01T00:00")}, time.UTC, nil, "1971 to 2198"},
		{daily, Interval{time.Time{}, time.Time{}.AddDate(1, 0, 0)}, time.UTC, nil, "1971 to 2198"},
		{daily, day, nil, nil, "no time zone"},
		{daily, day, time.Local, nil, "local time zone"},
		{working, day, time.UTC, nil, "names working days"},
		{working, day, time.UTC, &WorkingTime{}, "has no working day"},
		{working, day, time.UTC, none, "2026-06 has no working day"},
	} {
		r := mustRecur(t, c.text)
		list, err := r.Occurrences(c.span, c.zone, c.work)
		if err == nil || list != nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%q: %s, %v; want an error with %q", c.text, list, err, c.want)
		}
	}
	if active, err := (Recurrence{}).Active(day.Start, time.UTC, nil); err == nil || !active {
		t.Error("the zero Recurrence must be an error, and count as a freeze")
	}
	if active, err := mustRecur(t, daily).Active(day.Start, nil, nil); err == nil || !active {
		t.Error("an unknown zone must be an error, and count as a freeze")
	}
	if _, err := mustRecur(t, daily).Occurrences(Interval{day.Start, day.Start.Add(maxSpan)}, time.UTC, nil); err != nil {
		t.Error(err)
	}
}

// An oracleCase is a recurrence and what it means, said by asking a calendar
// and a clock on the wall instead of by making intervals.
type oracleCase struct {
	text    string
	inside  func(wall time.Time) bool // the clock reads inside, or
	begins  func(wall time.Time) bool // it begins when the clock reads so
	elapsed time.Duration             // and lasts that long
}

// oracle makes random cases around a date, with a calendar of its own.
type oracle struct {
	rng      *rand.Rand
	around   time.Time
	days     weekdays
	holidays []string
}

func (o oracle) works(d time.Time) bool {
	return o.days.has(d.Weekday()) && !slices.Contains(o.holidays, d.Format(time.DateOnly))
}

// position returns how many working days of its month come up to d, and how
// many the month has.
func (o oracle) position(d time.Time) (upTo, all int) {
	for e := d.AddDate(0, 0, 1-d.Day()); e.Month() == d.Month(); e = e.AddDate(0, 0, 1) {
		if o.works(e) {
			all++
			if e.Day() <= d.Day() {
				upTo++
			}
		}
	}
	return upTo, all
}

// reached reports whether d is at or after the n-th working day of its month,
// passed whether it is after it.
func (o oracle) reached(d time.Time, n int) bool {
	upTo, all := o.position(d)
	if n < 0 {
		n = max(0, all+1+n)
	}
	return upTo >= n
}

func (o oracle) passed(d time.Time, n int) bool {
	return d.Day() > 1 && o.reached(d.AddDate(0, 0, -1), n)
}

func clockOf(wall time.Time) Clock { return Clock(wall.Hour()*60 + wall.Minute()) }

// timed makes three cases of days: whole days, until a clock, and for a while.
func (o oracle) timed(text string, on func(time.Time) bool) oracleCase {
	start, end := Clock(15*o.rng.IntN(96)), Clock(15*o.rng.IntN(97))
	switch o.rng.IntN(3) {
	case 0:
		return oracleCase{text: text, inside: on}
	case 1:
		return oracleCase{text: fmt.Sprintf("%s %s to %s", text, start, end), inside: func(w time.Time) bool {
			c := clockOf(w)
			if start < end {
				return on(w) && start <= c && c < end
			}
			return on(w) && start <= c || on(w.AddDate(0, 0, -1)) && c < end
		}}
	}
	minutes := 15 * (1 + o.rng.IntN(4*80))
	return oracleCase{text: fmt.Sprintf("%s %s for %dm", text, start, minutes), elapsed: time.Duration(minutes) * time.Minute,
		begins: func(w time.Time) bool { return on(w) && clockOf(w) == start }}
}

func (o oracle) anyDate() time.Time { return o.around.AddDate(0, 0, o.rng.IntN(60)-30) }

func (o oracle) any() oracleCase {
	switch o.rng.IntN(8) {
	case 0:
		return o.yearly()
	case 1:
		a := o.anyDate().Truncate(24 * time.Hour)
		b := a.AddDate(0, 0, o.rng.IntN(20))
		return oracleCase{text: a.Format(time.DateOnly) + " to " + b.Format(time.DateOnly),
			inside: func(w time.Time) bool { return !w.Before(a) && w.Before(b.AddDate(0, 0, 1)) }}
	case 2:
		d := o.anyDate()
		return o.timed(d.Format(time.DateOnly), func(w time.Time) bool { return w.Format(time.DateOnly) == d.Format(time.DateOnly) })
	case 3:
		return o.nthWeekday()
	case 4:
		return o.workingRange()
	case 5:
		return o.weeklyRange()
	case 6:
		n := 1 + o.rng.IntN(22)
		return o.timed(ordinalDigits(n)+" working day", func(w time.Time) bool { return o.reached(w, n) && !o.passed(w, n) })
	}
	days := weekdays(1 + o.rng.IntN(127))
	return o.timed(days.String(), func(w time.Time) bool { return days.has(w.Weekday()) })
}

func (o oracle) yearly() oracleCase {
	a, b := o.anyDate(), o.anyDate()
	start, end := Clock(15*o.rng.IntN(96)), Clock(15*o.rng.IntN(97))
	text := fmt.Sprintf("%d %s to %d %s", a.Day(), a.Month(), b.Day(), b.Month())
	if o.rng.IntN(2) == 0 {
		text = fmt.Sprintf("%d %s %s to %d %s %s", a.Day(), a.Month(), start, b.Day(), b.Month(), end)
	} else {
		start, end = 0, endOfDay
	}
	key := func(t time.Time, c Clock) int { return (int(t.Month())*100+t.Day())*10000 + int(c) }
	from, to := key(a, start), key(b, end)
	return oracleCase{text: text, inside: func(w time.Time) bool {
		at := key(w, clockOf(w))
		if from < to {
			return from <= at && at < to
		}
		return from <= at || at < to
	}}
}

func (o oracle) nthWeekday() oracleCase {
	day, nth := time.Weekday(o.rng.IntN(7)), 1+o.rng.IntN(6)
	if nth == 6 {
		return o.timed("last "+day.String(), func(w time.Time) bool {
			return w.Weekday() == day && w.AddDate(0, 0, 7).Month() != w.Month()
		})
	}
	return o.timed(ordinalDigits(nth)+" "+day.String(), func(w time.Time) bool {
		return w.Weekday() == day && (w.Day()+6)/7 == nth
	})
}

func (o oracle) workingRange() oracleCase {
	n, m := 1+o.rng.IntN(22), 1+o.rng.IntN(22)
	switch o.rng.IntN(4) {
	case 0:
		return oracleCase{text: fmt.Sprintf("last %d working days", n+1), inside: func(w time.Time) bool {
			return o.reached(w, -n-1) && !o.passed(w, -1)
		}}
	case 1:
		return oracleCase{text: fmt.Sprintf("last working day to %s working day", ordinalDigits(m)), inside: func(w time.Time) bool {
			return o.reached(w, -1) || !o.passed(w, m)
		}}
	}
	return oracleCase{text: fmt.Sprintf("%s working day to %s working day", ordinalDigits(n), ordinalDigits(m)), inside: func(w time.Time) bool {
		if n <= m {
			return o.reached(w, n) && !o.passed(w, m)
		}
		return o.reached(w, n) || !o.passed(w, m)
	}}
}

func (o oracle) weeklyRange() oracleCase {
	a, b := time.Weekday(o.rng.IntN(7)), time.Weekday(o.rng.IntN(7))
	start, end := Clock(15*o.rng.IntN(96)), Clock(15*o.rng.IntN(97))
	text := fmt.Sprintf("%s %s to %s %s", a, start, b, end)
	if o.rng.IntN(3) == 0 {
		start, end, text = 0, endOfDay, fmt.Sprintf("%s to %s", a, b)
	}
	from, to := int(a)*1440+int(start), int(b)*1440+int(end)
	return oracleCase{text: text, inside: func(w time.Time) bool {
		at := int(w.Weekday())*1440 + int(clockOf(w))
		if from < to {
			return from <= at && at < to
		}
		return from <= at || at < to
	}}
}

// Never less than the clock on the wall says, near a transition or not; and
// no more where no transition is near.
func TestOccurrencesOracle(t *testing.T) {
	const step = 15 * time.Minute
	rng := rand.New(rand.NewPCG(26, 19))
	cases := 5
	if full() {
		cases = 200
	}
	var on, off int
	for _, c := range []struct{ zone, around string }{
		{"Europe/London", "2026-03-29T00:00"}, {"Europe/London", "2027-10-31T00:00"}, {"America/New_York", "2028-03-12T00:00"},
		{"America/New_York", "2026-11-01T00:00"}, {"Australia/Lord_Howe", "2026-04-05T00:00"}, {"Australia/Lord_Howe", "2026-10-04T00:00"},
		{"Pacific/Apia", "2011-12-30T00:00"}, {"Asia/Kathmandu", "1986-01-01T00:00"}, {"Asia/Kathmandu", "2028-03-01T00:00"},
		{"America/Santiago", "2025-09-07T00:00"}, {"America/St_Johns", "2010-11-07T00:00"}, {"Africa/Casablanca", "2026-03-01T00:00"},
		{"Europe/London", "2028-12-31T00:00"}, {"Asia/Manila", "2100-02-28T00:00"},
	} {
		zone := mustZone(t, c.zone)
		span := Interval{minute(t, c.around).AddDate(0, 0, -25), minute(t, c.around).AddDate(0, 0, 25)}
		moves := transitions(zone, span.Start.AddDate(0, 0, -40), span.End.AddDate(0, 0, 3))
		for range cases {
			o := oracle{rng: rng, around: minute(t, c.around), days: []weekdays{0b0111110, everyDay, 0b0011111}[rng.IntN(3)]}
			for range 4 {
				o.holidays = append(o.holidays, o.anyDate().Format(time.DateOnly))
			}
			working := mustWork(t, c.zone, o.days.String(), "09:00-17:30", o.holidays...)
			if c.zone == "Pacific/Apia" {
				o.holidays = append(o.holidays, "2011-12-30") // which Apia did not have at all
			}
			want := o.any()
			r := mustRecur(t, want.text)
			got, err := r.Occurrences(span, zone, working)
			if err != nil {
				t.Fatal(err)
			}
			var until time.Time
			for u := span.Start.AddDate(0, 0, -5); u.Before(span.End); u = u.Add(step) {
				wall := wallOf(u, zone)
				if want.begins != nil && want.begins(wall) {
					until = u.Add(want.elapsed)
				}
				if u.Before(span.Start) {
					continue
				}
				inside := want.inside != nil && want.inside(wall) || u.Before(until)
				active := slices.ContainsFunc(got, func(v Interval) bool { return v.Contains(u) })
				calm := !slices.ContainsFunc(moves, func(m time.Time) bool {
					return m.Before(u.Add(26*time.Hour)) && m.After(u.Add(-26*time.Hour-want.elapsed))
				})
				if inside && !active || calm && inside != active {
					t.Fatalf("%q in %s, work on %s but %s: at %s, wall %s, active is %v, want %v; occurrences %s",
						want.text, c.zone, o.days, o.holidays, u, wall, active, inside, got)
				}
				if rng.IntN(500) == 0 {
					if again, err := r.Active(u, zone, working); err != nil || again != active {
						t.Fatalf("%q in %s at %s: Active is %v, %v, but the occurrences are %s", want.text, c.zone, u, again, err, got)
					}
				}
				if inside {
					on++
				} else {
					off++
				}
			}
		}
	}
	if on < 1000 || off < 1000 {
		t.Errorf("%d inside, %d outside: the cases show nothing", on, off)
	}
}

func BenchmarkActive(b *testing.B) {
	zone, now := mustZone(b, "Europe/London"), minute(b, "2026-12-15T12:00")
	working := mustWork(b, "Europe/London", "mon-fri", "09:00-17:30", "2026-12-25")
	for _, text := range []string{"15 dec to 4 jan", "third saturday 22:00 for 6h", "daily 22:00 to 06:00", "last working day to 2nd working day"} {
		r := mustRecur(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Active(now, zone, working); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
