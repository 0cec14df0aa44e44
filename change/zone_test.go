package change

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// full reports whether the slow, complete sweeps were asked for.
func full() bool { return os.Getenv("CHANGELANE_FULL") == "1" }

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// zoneNames are all names in zoneinfo.zip that Zone gives out.
func zoneNames(t testing.TB) []string {
	t.Helper()
	r, err := zip.OpenReader("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var names []string
	for _, f := range r.File {
		if f.Name != "Factory" {
			names = append(names, f.Name)
		}
	}
	return names
}

// The digest goes into records, so replacing the data must be a decision:
// change version and digest here together.
func TestZoneData(t *testing.T) {
	const version, digest = "2025c", "sha256:8f55634d05f8bca1f7bc7c69c5933428c69357e0bdf565e5ba224e3f88ff12e8"
	data, err := os.ReadFile("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); got != digest || ZoneDataDigest() != digest {
		t.Errorf("zoneinfo.zip has %s, ZoneDataDigest %s, want %s", got, ZoneDataDigest(), digest)
	}
	if ZoneDataVersion != version {
		t.Errorf("ZoneDataVersion = %s, want %s", ZoneDataVersion, version)
	}
}

func TestEveryZoneLoads(t *testing.T) {
	names := zoneNames(t)
	if len(names) < 590 {
		t.Fatalf("only %d zones", len(names))
	}
	for _, name := range names {
		if zone := mustZone(t, name); zone.String() != name {
			t.Errorf("Zone(%q) is called %q", name, zone)
		}
	}
}

func TestZoneRefuses(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", "found none"},
		{"Local", "what a host is set to"},
		{"Factory", "what a host is set to"},
		{"Europe/Lodnon", `did you mean "Europe/London"?`},
		{"europe/london", `did you mean "Europe/London"?`},
		{"UTC ", "did you mean"},
		{"../etc/passwd", "not an IANA name"},
		{"Europe/", "not an IANA name"},
		{"Mars/Olympus_Mons", "not an IANA name in zone data 2025c"},
		{strings.Repeat("x", 5000), "not an IANA name"},
	} {
		zone, err := Zone(c.name)
		if err == nil || zone != nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 {
			t.Errorf("Zone(%.40q) = %v, %v; want an error with %q", c.name, zone, err, c.want)
		}
	}
}

// Instants computed by hand from the IANA source, not by this code.
func TestReadings(t *testing.T) {
	for _, c := range []struct{ zone, wall, earliest, latest string }{
		{"Europe/Berlin", "2025-07-01T12:00", "2025-07-01T10:00", "2025-07-01T10:00"},
		{"Europe/Berlin", "2025-03-30T02:30", "2025-03-30T00:30", "2025-03-30T01:30"}, // gap
		{"Europe/Berlin", "2025-03-30T01:59", "2025-03-30T00:59", "2025-03-30T00:59"},
		{"Europe/Berlin", "2025-03-30T02:00", "2025-03-30T00:00", "2025-03-30T01:00"},
		{"Europe/Berlin", "2025-03-30T03:00", "2025-03-30T01:00", "2025-03-30T01:00"},
		{"Europe/Berlin", "2025-10-26T02:30", "2025-10-26T00:30", "2025-10-26T01:30"}, // fold
		{"Europe/Berlin", "2025-10-26T03:00", "2025-10-26T02:00", "2025-10-26T02:00"},
		{"America/New_York", "2026-03-08T02:30", "2026-03-08T06:30", "2026-03-08T07:30"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", "2026-11-01T06:30"},
		{"Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:15", "2026-10-03T15:45"}, // +10:30, +11
		{"Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "2026-04-04T15:15"},
		{"Pacific/Apia", "2011-12-30T12:00", "2011-12-29T22:00", "2011-12-30T22:00"}, // -10, +14
		{"Asia/Kathmandu", "2026-05-05T00:00", "2026-05-04T18:15", "2026-05-04T18:15"},
		{"UTC", "2199-12-31T23:59", "2199-12-31T23:59", "2199-12-31T23:59"},
		{"Europe/Berlin", "2150-03-29T02:30", "2150-03-29T00:30", "2150-03-29T01:30"}, // last Sunday of March
	} {
		earliest, latest := readings(minute(t, c.wall), mustZone(t, c.zone))
		if !earliest.Equal(minute(t, c.earliest)) || !latest.Equal(minute(t, c.latest)) {
			t.Errorf("readings(%s, %s) = %s, %s, want %s, %s", c.wall, c.zone,
				earliest.Format(time.RFC3339), latest.Format(time.RFC3339), c.earliest, c.latest)
		}
	}
}

// minute reads a time in UTC, or a wall time, up to minutes.
func minute(t testing.TB, text string) time.Time {
	t.Helper()
	m, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wallOf is what the clock reads at t, by the time package alone.
func wallOf(t time.Time, zone *time.Location) time.Time {
	l := t.In(zone)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)
}

// transitions returns when the offset of zone changes from start to end, found
// by asking for the offset every five minutes, not by ZoneBounds.
func transitions(zone *time.Location, start, end time.Time) []time.Time {
	var list []time.Time
	offset := func(t time.Time) int { _, s := t.In(zone).Zone(); return s }
	for day := start; day.Before(end); day = day.Add(24 * time.Hour) {
		if offset(day) == offset(day.Add(12*time.Hour)) && offset(day) == offset(day.Add(24*time.Hour)) {
			continue
		}
		for t := day; t.Before(day.Add(24 * time.Hour)); t = t.Add(5 * time.Minute) {
			if offset(t) != offset(t.Add(5*time.Minute)) {
				list = append(list, t.Add(5*time.Minute))
			}
		}
	}
	return list
}

// Every zone and each of its transitions in 2025 to 2027: no window whose ends
// lie near the transition leaves out a minute in which the clock reads inside,
// and none is larger than the clocks jumped.
func TestWindowsNearTransitions(t *testing.T) {
	step, stride := 30*time.Minute, 24
	if full() {
		step, stride = 10*time.Minute, 1
	}
	seen := 0
	for i, name := range zoneNames(t) {
		if i%stride != 0 {
			continue
		}
		zone := mustZone(t, name)
		for _, at := range transitions(zone, minute(t, "2025-01-01T00:00"), minute(t, "2028-01-01T00:00")) {
			seen++
			before, after := wallOf(at.Add(-time.Minute), zone).Add(time.Minute), wallOf(at, zone)
			jump := after.Sub(before).Abs()
			for from := before.Add(-2 * time.Hour); from.Before(before.Add(2 * time.Hour)); from = from.Add(step) {
				for _, length := range []time.Duration{time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour} {
					checkWindow(t, from, from.Add(length), at, jump, zone)
				}
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d transitions", seen)
	}
}

func checkWindow(t *testing.T, from, to, at time.Time, jump time.Duration, zone *time.Location) {
	t.Helper()
	got := restrictive(from, to, zone)
	inside := time.Duration(0)
	for u := at.Add(-7 * time.Hour); u.Before(at.Add(7 * time.Hour)); u = u.Add(5 * time.Minute) {
		if wall := wallOf(u, zone); !wall.Before(from) && wall.Before(to) {
			inside += 5 * time.Minute
			if !got.Contains(u) {
				t.Fatalf("%s: %s to %s is %s, leaves out %s, when the clock reads %s", zone, from, to, got, u, wall)
			}
		}
	}
	if got.length() > to.Sub(from)+2*jump {
		t.Fatalf("%s: %s to %s is %s; the clock reads inside for %s", zone, from, to, got, inside)
	}
}

// Stretches must agree at any time with what the time package says of that
// instant: its ZoneBounds has been wrong on the last day of leap years.
func TestStretches(t *testing.T) {
	from, to, step, stride := minute(t, "2023-01-01T00:00"), minute(t, "2029-02-01T00:00"), 6*time.Hour, 40
	if full() {
		from, to, step, stride = minute(t, "1970-01-01T00:00"), minute(t, "2199-12-31T00:00"), 12*time.Hour, 1
	}
	for i, name := range zoneNames(t) {
		if i%stride != 0 {
			continue
		}
		zone := mustZone(t, name)
		list := stretches(from, to, zone)
		for j, s := range list {
			if s.IsEmpty() || j > 0 && !list[j-1].End.Equal(s.Start) {
				t.Fatalf("%s: stretch %s after %s", name, s, list[max(0, j-1)])
			}
			for u := s.Start; u.Before(s.End); u = u.Add(step) {
				if !s.wall(u).Equal(wallOf(u, zone)) {
					t.Fatalf("%s: at %s the clock reads %s, not %s", name, u, wallOf(u, zone), s.wall(u))
				}
			}
			if last := s.End.Add(-time.Second); !s.wall(last).Equal(wallOf(last, zone)) {
				t.Fatalf("%s: at %s the clock reads %s, not %s", name, last, wallOf(last, zone), s.wall(last))
			}
		}
	}
}
