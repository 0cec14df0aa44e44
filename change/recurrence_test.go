package change

import (
	"encoding/json"
	"strings"
	"testing"
)

// recurrenceTexts are texts and how they are written in the end.
var recurrenceTexts = []struct{ text, want string }{
	{"15 dec to 4 jan", ""}, {"1 dec to 1 dec", ""}, {"29 feb to 3 mar", ""}, {"25 dec", ""},
	{"15 December TO 4 January", "15 dec to 4 jan"}, {"15 dec 18:00 to 4 jan 06:00", ""}, {"24 dec 12:00 for 36h", ""},
	{"2026-12-15 to 2027-01-04", ""}, {"2026-12-25", ""}, {"2026-12-15 22:00 for 6h", ""},
	{"2026-12-15 22:00 to 2026-12-16 04:00", ""}, {"2026-12-15 22:00 to 04:00", ""}, {"2026-12-15 22:00 to 2026-12-15 24:00", ""},
	{"third saturday 22:00 for 6h", ""}, {"3rd Sat 22:00 for 360m", "third saturday 22:00 for 6h"}, {"third saturday 22:00 to 04:00", ""},
	{"Every last Friday", "last friday"}, {"first mon", "first monday"}, {"5th sunday 00:00 for 744h", "fifth sunday 00:00 for 744h"},
	{"last working day to 2nd working day", ""}, {"last working day to second working day", "last working day to 2nd working day"},
	{"last 3 working days", ""}, {"first 5 working days", ""}, {"first working day to fifth working day", "first 5 working days"},
	{"last working day", ""}, {"tenth working day", "10th working day"}, {"22nd working day 09:00 for 90m", "22nd working day 09:00 for 1h30m"},
	{"last working day to last working day", ""}, {"1st working day to 1st working day", ""}, {"last working day 18:00 to 1st working day 09:00", ""},
	{"mon-fri 09:00 to 17:30", ""}, {"Saturday 22:00 for 6h", "saturday 22:00 for 6h"}, {"sat,sun", "sat-sun"}, {"mon,wed,fri 10:00 for 45m", ""},
	{"daily 22:00 to 06:00", ""}, {"every daily 22:00 to 06:00", "daily 22:00 to 06:00"}, {"mon-sun 09:00 to 24:00", "daily 09:00 to 24:00"},
	{"friday 16:00 to monday 08:00", ""}, {"saturday to sunday", ""}, {"friday 16:00 to friday 08:00", ""}, {"  daily \t 00:00  to 00:00 ", "daily 00:00 to 00:00"},
}

func TestParseRecurrence(t *testing.T) {
	for _, c := range recurrenceTexts {
		r, err := ParseRecurrence(c.text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		want := c.want
		if want == "" {
			want = c.text
		}
		if r.String() != want || r.IsZero() {
			t.Errorf("ParseRecurrence(%q) is written %q, want %q", c.text, r, want)
		}
		if again, err := ParseRecurrence(r.String()); err != nil || again != r {
			t.Errorf("%q reads as %+v, %v; want %+v", r, again, err, r)
		}
	}
}

func TestParseRecurrenceRefuses(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "expected a day, found the end"}, {"every", "expected a day, found the end"}, {"every every daily", `expected a day, found "every"`},
		{"thrid saturday", `did you mean "third"?`}, {"third satruday", `did you mean "saturday"?`}, {"third", "expected a day of the week"},
		{"15 dez", `expected a month, found "dez"`}, {"15", "expected a month, found the end"}, {"30 feb", "there is no 30 feb"}, {"31 apr to 3 may", "there is no 31 apr"},
		{"dec 20 to jan 3", `expected a day, found "dec"`}, {"32 jan", "expected a day"}, {"0 jan", "expected a day"}, {"015 dec", "expected a day"}, {"+5 dec", "expected a day"},
		{"2026-02-30", "expected a day"}, {"2026-12-15 to 2026-12-14", "ends before it begins"}, {"2026-12-15 22:00 to 2026-12-15 22:00", "ends before it begins"},
		{"sixth monday", "no month has a 6th monday"}, {"2th working day", "expected a day"}, {"32nd working day", "expected a day"},
		{"last 1 working days", "expected a number from 2 to 31"}, {"last 32 working days", "expected a number"}, {"last three working days", "expected a number"},
		{"last 3 working days 22:00 for 6h", "expected the end"}, {"last 3 working day", `expected a day of the week or "working day"`},
		{"third saturday to third sunday", "cannot be a range"}, {"mon-fri 22:00 to saturday 06:00", "one day of the week on each side"},
		{"15 dec to 2027-01-04", "in the same way"}, {"last working day to 4 jan", "in the same way"}, {"15 dec to", "expected a day, found the end"},
		{"daily 22:00", `expected "for" or "to"`}, {"daily 22:00 for", "expected a duration"}, {"daily 22:00 to", "expected a day, found the end"},
		{"daily 22:00 until 06:00", `expected "for" or "to", found "until"`}, {"daily 22:00 for 6h 3m", "expected the end"}, {"friday 16:00 to monday", "expected a time of day"},
		{"daily 24:00 to 06:00", "24:00 is only an end"}, {"daily 9:00 to 10:00", "expected a time of day"}, {"daily 22:00 for 745h", "expected a duration"},
		{"daily 22:00 for 0h", "expected a duration"}, {"daily 22:00 for 6", "expected a duration"}, {"daily 22:00 for -6h", "expected a duration"},
		{"daily 22:00 for 30m6h", "expected a duration"}, {"daily 22:00 for 1.5h", "expected a duration"}, {"daily 22:00 for 06h", "expected a duration"},
		{"daily 22:00 for 744h1m", "expected a duration"}, {"daily 22:00 for h", "expected a duration"}, {"daily 22:00 for 9999999999999999999h", "expected a duration"},
		{"daily for 6h", "expected the end"}, {"22:00 to 06:00", "expected a day"}, {"mon, wed", "expected a day"}, {"mon,mon", "expected a day"},
		{strings.Repeat("a", 200), "200 bytes; expected up to 100"}, {"ſaturday", "expected a day"},
	} {
		r, err := ParseRecurrence(c.text)
		if err == nil || !r.IsZero() || !strings.Contains(err.Error(), c.want) {
			t.Errorf("ParseRecurrence(%.50q) = %+v, %v; want an error with %q", c.text, r, err, c.want)
		}
	}
	if _, err := ParseRecurrence("whenever"); !strings.Contains(err.Error(), `"third saturday 22:00 for 6h"`) {
		t.Errorf("%v does not say what is understood", err)
	}
}

func TestRecurrenceText(t *testing.T) {
	var row struct{ Every Recurrence }
	const text = `{"Every":"third saturday 22:00 for 6h"}`
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(row); err != nil || string(out) != text {
		t.Errorf("%s, %v", out, err)
	}
	before := row.Every
	if err := row.Every.UnmarshalText([]byte("never")); err == nil || row.Every != before {
		t.Error("a refused text changed the recurrence or passed")
	}
	if out, err := (Recurrence{}).MarshalText(); err == nil {
		t.Errorf("the zero Recurrence marshals to %q", out)
	}
}

// Each form that a refusal offers must itself be understood.
func TestRecurrenceForms(t *testing.T) {
	for i, form := range strings.Split(recurrenceForms, `"`) {
		if i%2 == 1 {
			if r, err := ParseRecurrence(form); err != nil || r.String() != form {
				t.Errorf("%q: %q, %v", form, r, err)
			}
		}
	}
}

func FuzzParseRecurrence(f *testing.F) {
	for _, c := range recurrenceTexts {
		f.Add(c.text)
	}
	span := Interval{minute(f, "2026-12-01T00:00"), minute(f, "2027-02-01T00:00")}
	zone := mustZone(f, "Europe/London")
	working := mustWork(f, "Europe/London", "mon-fri", "09:00-17:30", "2026-12-25")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRecurrence(text)
		if err != nil {
			if !r.IsZero() {
				t.Fatal("a recurrence and an error")
			}
			return
		}
		again, err := ParseRecurrence(r.String())
		if err != nil || again != r || again.String() != r.String() {
			t.Fatalf("%q is written %q, which reads as %+v, %v", text, r, again, err)
		}
		list, err := r.Occurrences(span, zone, working)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for i, v := range list {
			if !v.Overlaps(span) || i > 0 && !list[i-1].End.Before(v.Start) {
				t.Fatalf("%q: %s", text, list)
			}
		}
	})
}
