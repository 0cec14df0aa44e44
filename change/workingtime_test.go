package change

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func mustWork(t testing.TB, zone, days, hours string, holidays ...string) *WorkingTime {
	t.Helper()
	list, err := ParseDays(days)
	if err != nil {
		t.Fatal(err)
	}
	from, to, err := ParseHours(hours)
	if err != nil {
		t.Fatal(err)
	}
	h := WorkingHours{Days: list, From: from, To: to, Zone: mustZone(t, zone)}
	for _, text := range holidays {
		d, err := ParseDate(text)
		if err != nil {
			t.Fatal(err)
		}
		h.Holidays = append(h.Holidays, d)
	}
	w, err := NewWorkingTime(h)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNewWorkingTimeRefuses(t *testing.T) {
	good := WorkingHours{Days: []time.Weekday{time.Monday}, From: 9 * 60, To: 17 * 60, Zone: time.UTC}
	if _, err := NewWorkingTime(good); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*WorkingHours){
		"no day of the week":      func(h *WorkingHours) { h.Days = nil },
		"monday is named twice":   func(h *WorkingHours) { h.Days = append(h.Days, time.Monday) },
		"day of the week 7":       func(h *WorkingHours) { h.Days = []time.Weekday{7} },
		"hours 17:00-17:00":       func(h *WorkingHours) { h.From = h.To },
		"hours 18:00-17:00":       func(h *WorkingHours) { h.From = 18 * 60 },
		"hours 09:00-24:01":       func(h *WorkingHours) { h.To = 24*60 + 1 },
		"hours 00:-1-17:00":       func(h *WorkingHours) { h.From = -1 },
		"no time zone given":      func(h *WorkingHours) { h.Zone = nil },
		"local time zone differs": func(h *WorkingHours) { h.Zone = time.Local },
		`holiday ""`:              func(h *WorkingHours) { h.Holidays = []Date{{}} },
		`holiday "2025-02-29"`:    func(h *WorkingHours) { h.Holidays = []Date{{2025, 2, 29}} },
	} {
		h := good
		h.Days = slices.Clone(good.Days)
		spoil(&h)
		if w, err := NewWorkingTime(h); err == nil || w != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func TestWorkingTimeOfNothing(t *testing.T) {
	for _, w := range []*WorkingTime{nil, {}} {
		now := minute(t, "2026-06-01T10:00")
		if w.Working(now) || w.IsWorkingDay(Date{2026, 6, 1}) || w.Remaining(now) != 0 || w.Between(now, now.AddDate(1, 0, 0)) != 0 {
			t.Error("nothing works")
		}
		if _, err := w.Add(now, 1); err == nil {
			t.Error("Add found working time")
		}
		if _, err := w.AddDays(now, 1); err == nil {
			t.Error("AddDays found a working day")
		}
	}
}

// Good Friday and Easter Monday 2026 are 3 and 6 April; London is at UTC+1
// from 29 March on.
func TestWorkingTimeLondon(t *testing.T) {
	w := mustWork(t, "Europe/London", "mon-fri", "09:00-17:30", "2026-04-06", "2026-04-03", "2026-04-03")
	thursday := minute(t, "2026-04-02T14:30") // 15:30 there
	if !w.Working(thursday) || w.Remaining(thursday) != 2*time.Hour {
		t.Error("Thursday afternoon")
	}
	for text, want := range map[string]bool{"2026-04-02T07:59": false, "2026-04-02T08:00": true, "2026-04-02T16:29": true,
		"2026-04-02T16:30": false, "2026-04-03T10:00": false, "2026-04-04T10:00": false, "2026-04-06T10:00": false, "2026-04-07T10:00": true} {
		if w.Working(minute(t, text)) != want {
			t.Errorf("Working(%s) = %v", text, !want)
		}
		if (w.Remaining(minute(t, text)) > 0) != want {
			t.Errorf("Remaining(%s)", text)
		}
	}
	for _, c := range []struct {
		add  time.Duration
		want string
	}{{0, "2026-04-02T14:30"}, {2 * time.Hour, "2026-04-02T16:30"}, {2*time.Hour + time.Minute, "2026-04-07T08:01"},
		{10*time.Hour + 30*time.Minute, "2026-04-07T16:30"}, {19 * time.Hour, "2026-04-08T16:30"}} {
		if got, err := w.Add(thursday, c.add); err != nil || !got.Equal(minute(t, c.want)) || got.Location() != time.UTC {
			t.Errorf("Add(%s) = %s, %v; want %s", c.add, got, err, c.want)
		}
	}
	for _, c := range []struct {
		from string
		n    int
		want string
	}{{"2026-04-02T14:30", 1, "2026-04-07T16:30"}, {"2026-04-02T22:59", 1, "2026-04-07T16:30"}, // still Thursday
		{"2026-04-02T00:00", 3, "2026-04-09T16:30"}, {"2026-04-04T12:00", 1, "2026-04-07T16:30"}, {"2026-10-22T12:00", 2, "2026-10-26T17:30"}} {
		if got, err := w.AddDays(minute(t, c.from), c.n); err != nil || !got.Equal(minute(t, c.want)) {
			t.Errorf("AddDays(%s, %d) = %s, %v; want %s", c.from, c.n, got, err, c.want)
		}
	}
	if _, err := w.Add(thursday, -1); err == nil {
		t.Error("Add took a negative duration")
	}
	if _, err := w.AddDays(thursday, 0); err == nil {
		t.Error("AddDays took 0")
	}
	for _, far := range []string{"2199-12-31T12:00", "1960-01-01T00:00"} {
		if _, err := w.AddDays(minute(t, far), 5); err == nil || !strings.Contains(err.Error(), "within two years") {
			t.Errorf("AddDays(%s): %v", far, err)
		}
	}
}

// Hours through which the clock jumps, and a day that was left out.
func TestWorkingTimeDST(t *testing.T) {
	night := mustWork(t, "Europe/Berlin", "sun", "01:30-04:00")
	for _, c := range []struct {
		start string
		want  time.Duration
	}{{"2026-03-28T12:00", 90 * time.Minute}, {"2026-10-24T12:00", 210 * time.Minute}, {"2026-06-06T12:00", 150 * time.Minute}} {
		start := minute(t, c.start)
		if got := night.Between(start, start.Add(24*time.Hour)); got != c.want {
			t.Errorf("from %s it works %s, want %s", c.start, got, c.want)
		}
		if end, err := night.Add(start, c.want); err != nil || night.Working(end) || !night.Working(end.Add(-1)) {
			t.Errorf("from %s: close %s, %v", c.start, end, err)
		}
	}
	gap := mustWork(t, "Europe/Berlin", "sun", "02:00-03:00")
	if gap.IsWorkingDay(Date{2026, 3, 29}) || !gap.IsWorkingDay(Date{2026, 3, 22}) {
		t.Error("the day on which the hour is skipped has no working time")
	}
	apia := mustWork(t, "Pacific/Apia", "mon-fri", "09:00-17:00")
	if apia.IsWorkingDay(Date{2011, 12, 30}) || !apia.IsWorkingDay(Date{2011, 12, 29}) {
		t.Error("Friday 2011-12-30 was left out in Apia")
	}
	if got, err := apia.AddDays(minute(t, "2011-12-29T20:00"), 1); err != nil || !got.Equal(minute(t, "2012-01-02T03:00")) {
		t.Errorf("the working day after Thursday 29 is due %s, %v", got, err)
	}
}

// The oracle reads the clock every five minutes.
func TestWorkingTimeOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(86, 1))
	for _, zone := range []string{"Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "America/Santiago"} {
		for range 5 {
			days := weekdays(1 + rng.IntN(127))
			from := Clock(5 * rng.IntN(280))
			to := min(endOfDay, from+Clock(5*(1+rng.IntN(200))))
			loc := mustZone(t, zone)
			start := time.Date(2011, time.Month(1+rng.IntN(12)), 1+rng.IntN(28), rng.IntN(24), 5*rng.IntN(12), 0, 0, time.UTC)
			holiday := DateOf(start, loc).AddDays(2)
			w, err := NewWorkingTime(WorkingHours{days.list(), from, to, loc, []Date{holiday}})
			if err != nil {
				t.Fatal(err)
			}
			checkWorkingTime(t, w, start, func(u time.Time) bool {
				l := u.In(loc)
				clock := Clock(l.Hour()*60 + l.Minute())
				return days.has(l.Weekday()) && DateOf(u, loc) != holiday && from <= clock && clock < to
			})
		}
	}
}

func checkWorkingTime(t *testing.T, w *WorkingTime, start time.Time, works func(time.Time) bool) {
	t.Helper()
	const step = 5 * time.Minute
	var sum, today time.Duration
	for u := start; u.Before(start.AddDate(0, 0, 9)); u = u.Add(step) {
		if w.Working(u) != works(u) {
			t.Fatalf("%+v: Working(%s) = %v", w, u, !works(u))
		}
		if works(u) {
			sum += step
			if u.Minute()%20 != 0 && works(u.Add(step)) {
				// Add is asked every 20 minutes and at each close.
			} else if end, err := w.Add(start, sum); err != nil || !end.Equal(u.Add(step)) {
				t.Fatalf("%+v: Add(%s, %s) = %s, %v; want %s", w, start, sum, end, err, u.Add(step))
			}
			if DateOf(u, w.zone) == DateOf(start, w.zone) && works(start) {
				today = sum
			}
		}
		if u.Minute() == 0 && w.Between(start, u.Add(step)) != sum {
			t.Fatalf("%+v: Between(%s, %s) = %s, want %s", w, start, u.Add(step), w.Between(start, u.Add(step)), sum)
		}
	}
	if got := w.Remaining(start); got != today {
		t.Fatalf("%+v: Remaining(%s) = %s, want %s", w, start, got, today)
	}
	if w.Between(start, start) != 0 || w.Between(start.AddDate(0, 0, 9), start) != 0 {
		t.Fatal("nothing lies between a later time and an earlier")
	}
}

func TestBetweenAges(t *testing.T) {
	w := mustWork(t, "UTC", "mon-sun", "00:00-24:00")
	want := minute(t, "2199-12-31T00:00").AddDate(0, 0, 1).Sub(minute(t, "1970-01-01T00:00"))
	if got := w.Between(time.Time{}, time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)); got != want {
		t.Errorf("the years 1970 to 2199 have %s, want %s", got, want)
	}
}

func TestParseDays(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"mon-fri", "mon-fri"}, {"Mon , WED,friday", "mon,wed,fri"}, {"sun-thu", "sun-thu"}, {"sat,sun", "sat-sun"}, {"sunday", "sun"},
		{"mon-wed,fri", "mon,tue,wed,fri"}, {"mon-sun", "mon-sun"}, {"wed-tue", "mon-sun"}, {"fri-mon", "fri-mon"}, {"sun,mon", "sun-mon"}, {"tuesday - thursday", "tue-thu"},
	} {
		days, err := ParseDays(c.text)
		if err != nil || FormatDays(days) != c.want {
			t.Errorf("ParseDays(%q) = %v, %v; want %s", c.text, days, err, c.want)
		}
	}
	if days, err := ParseDays("sun-tue"); err != nil || !slices.Equal(days, []time.Weekday{time.Monday, time.Tuesday, time.Sunday}) {
		t.Errorf("got %v, %v", days, err)
	}
	for set := weekdays(1); set < 128; set++ {
		days, err := ParseDays(FormatDays(set.list()))
		if err != nil || !slices.Equal(days, set.list()) {
			t.Errorf("%v became %v, %v", set.list(), days, err)
		}
	}
	for text, want := range map[string]string{"": "expected a day", "mon,": "expected a day", "mon-": "expected a day", "m": "expected a day",
		"mon-mon": "begins and ends on the same day", "mon,mon": "monday is named twice", "mon-fri,wed": "wednesday is named twice",
		"mon-tue-wed": "expected a day", "mon fri": "expected a day", "wensday": `did you mean "wednesday"?`, "tues": `did you mean "tue"?`} {
		if days, err := ParseDays(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseDays(%q) = %v, %v; want an error with %q", text, days, err, want)
		}
	}
	for _, text := range []string{"", "09:00", "09:00-", "-17:00", "17:00-09:00", "09:00-09:00", "09:00 - 17:00", "09:00-17:00-18:00", "9-17"} {
		if _, _, err := ParseHours(text); err == nil {
			t.Errorf("ParseHours(%q) passed", text)
		}
	}
}
