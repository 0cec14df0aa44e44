package change

import (
	"encoding/json"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	for _, text := range []string{"1970-01-01", "2024-02-29", "2000-02-29", "2026-12-31", "2199-12-31"} {
		d, err := ParseDate(text)
		if err != nil || d.String() != text || d.IsZero() {
			t.Errorf("ParseDate(%q) = %s, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "2025-02-29", "2100-02-29", "2025-13-01", "2025-00-10", "2025-04-31", "2025-1-01",
		"2025-01-1", "25-01-01", "1969-12-31", "2200-01-01", "2025/01/01", " 2025-01-01", "2025-01-01 ", "2025-01-01T00:00",
		"+2025-01-01", "20250101", "٢٠٢٥-01-01"} {
		if d, err := ParseDate(text); err == nil || !d.IsZero() {
			t.Errorf("ParseDate(%q) = %s, want an error", text, d)
		}
	}
}

func TestDateArithmetic(t *testing.T) {
	d := Date{2024, time.February, 28}
	for _, c := range []struct {
		n    int
		want string
	}{{0, "2024-02-28"}, {1, "2024-02-29"}, {2, "2024-03-01"}, {-59, "2023-12-31"}, {367, "2025-03-01"}} {
		got := d.AddDays(c.n)
		if got.String() != c.want || got.AddDays(-c.n) != d {
			t.Errorf("%s + %d = %s, want %s", d, c.n, got, c.want)
		}
		if got.After(d) != (c.n > 0) || got.Before(d) != (c.n < 0) {
			t.Errorf("%s and %s are in the wrong order", got, d)
		}
	}
	if d.Weekday() != time.Wednesday || !(Date{}).Before(d) {
		t.Error("Weekday or Before")
	}
}

func TestDateText(t *testing.T) {
	type row struct {
		On Date `json:"on,omitzero"`
	}
	for _, text := range []string{`{"on":"2026-12-15"}`, `{}`} {
		var r row
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			t.Fatal(err)
		}
		if out, err := json.Marshal(r); err != nil || string(out) != text {
			t.Errorf("%s became %s, %v", text, out, err)
		}
	}
	d := Date{2026, 1, 1}
	if err := d.UnmarshalText([]byte("2026-02-30")); err == nil || d != (Date{2026, 1, 1}) {
		t.Error("a refused text changed the date or passed")
	}
	if err := d.UnmarshalText(nil); err != nil || !d.IsZero() {
		t.Error("no text is no date")
	}
	for _, bad := range []Date{{2026, 2, 30}, {2026, 0, 1}, {1900, 1, 1}, {0, 1, 1}} {
		if text, err := bad.MarshalText(); err == nil {
			t.Errorf("%#v marshals to %s", bad, text)
		}
	}
}

// Lengths of days from the IANA source.
func TestDateIn(t *testing.T) {
	for _, c := range []struct {
		zone, date, start string
		hours             float64
	}{
		{"UTC", "2026-03-29", "2026-03-29T00:00", 24},
		{"Europe/London", "2026-03-29", "2026-03-29T00:00", 23},
		{"Europe/London", "2026-10-25", "2026-10-24T23:00", 25},
		{"Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5},
		{"Asia/Kathmandu", "2026-01-01", "2025-12-31T18:15", 24},
		{"America/Santiago", "2025-09-07", "2025-09-07T04:00", 23}, // no midnight
		{"America/Santiago", "2025-04-05", "2025-04-05T03:00", 25}, // 23:00 twice
		{"America/St_Johns", "2010-11-07", "2010-11-07T02:30", 25}, // 00:01 back to 23:01 on the day before
		{"Pacific/Apia", "2011-12-29", "2011-12-29T10:00", 24},
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24},
	} {
		d, err := ParseDate(c.date)
		if err != nil {
			t.Fatal(err)
		}
		got := d.In(mustZone(t, c.zone))
		if !got.Start.Equal(minute(t, c.start)) || got.length().Hours() != c.hours || got.Start.Location() != time.UTC {
			t.Errorf("%s in %s is %s, %s; want %s and %v h", c.date, c.zone, got, got.length(), c.start, c.hours)
		}
	}
	if got := (Date{2011, time.December, 30}).In(mustZone(t, "Pacific/Apia")); !got.IsEmpty() {
		t.Errorf("a day that was left out is %s", got)
	}
}

// Every instant lies in its own date, and in no other unless the clock was put
// back over midnight.
func TestDateInCoversDateOf(t *testing.T) {
	for _, name := range []string{"Europe/London", "America/St_Johns", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"} {
		zone := mustZone(t, name)
		for u := minute(t, "2009-01-01T00:00"); u.Year() < 2012; u = u.Add(61 * time.Minute) {
			if d := DateOf(u, zone); !d.In(zone).Contains(u) {
				t.Fatalf("%s: %s is %s, not in %s", name, u, d, d.In(zone))
			}
		}
	}
}

func TestParseClock(t *testing.T) {
	for c := Clock(0); c <= 24*60; c++ {
		if got, err := ParseClock(c.String()); err != nil || got != c {
			t.Fatalf("ParseClock(%q) = %d, %v", c, got, err)
		}
	}
	for _, text := range []string{"", "9:00", "09:60", "24:01", "25:00", "0900", "09:00:00", "09.00", "-1:00", "+9:00", "09:0a", " 9:00", "09: 0", "٠٩:٠٠"} {
		if c, err := ParseClock(text); err == nil {
			t.Errorf("ParseClock(%q) = %d, want an error", text, c)
		}
	}
}
