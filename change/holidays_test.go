package change

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const englandICS = `BEGIN:VCALENDAR
VERSION:2.0
METHOD:PUBLISH
PRODID:-//uk.gov/GOVUK calendars//EN
CALSCALE:GREGORIAN
X-WR-CALNAME:Bank holidays
BEGIN:VEVENT
DTEND;VALUE=DATE:20261229
DTSTART;VALUE=DATE:20261228
SUMMARY:Boxing Day (substitute
  day)
UID:ca6af7456b0088abad9a69f9f620f5ac-1@gov.uk
SEQUENCE:0
DTSTAMP:20250101T000000Z
END:VEVENT
begin:vevent
dtstart;value=date:20261225
SUMMARY;LANGUAGE="en:GB":Christmas\, a day of rest\; \\o/\nfor all
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20240228
DTEND;VALUE=DATE:20240302
SUMMARY:Leave
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR
`

func TestParseHolidays(t *testing.T) {
	want := []string{"2024-02-28 Leave", "2024-02-29 Leave", "2024-03-01 Leave",
		`2026-12-25 Christmas, a day of rest; \o/ for all`, "2026-12-28 Boxing Day (substitute day)"}
	for name, text := range map[string]string{
		"LF":      englandICS,
		"CRLF":    strings.ReplaceAll(englandICS, "\n", "\r\n"),
		"no end":  strings.TrimRight(englandICS, "\n"),
		"BOM":     "\ufeff" + englandICS,
		"refold":  strings.ReplaceAll(englandICS, "Leave", "Le\n\ta\n ve"),
		"trailer": englandICS + "\n\r\n",
	} {
		list, err := ParseHolidays([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got []string
		for _, h := range list {
			got = append(got, h.Date.String()+" "+h.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A fold may come between the bytes of one character.
func TestParseHolidaysFoldInsideCharacter(t *testing.T) {
	text := strings.Replace(englandICS, "Leave", "No\xc3\n \xabl", 1)
	list, err := ParseHolidays([]byte(text))
	if err != nil || list[0].Name != "Noël" {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestParseHolidaysRefuses(t *testing.T) {
	event := func(lines string) string {
		return "BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + lines + "\nEND:VEVENT\nEND:VCALENDAR\n"
	}
	const day, name = "DTSTART;VALUE=DATE:20260101\n", "SUMMARY:x"
	for _, c := range []struct{ text, want string }{
		{"", "line 1: expected NAME:VALUE"},
		{"\n\n", "line 1"},
		{" BEGIN:VCALENDAR", "line 1: expected BEGIN:VCALENDAR"},
		{"BEGIN:VEVENT", "line 1: expected BEGIN:VCALENDAR"},
		{"BEGIN:VCALENDAR\nEND:VCALENDAR", "line 2: the calendar has no event"},
		{"BEGIN:VCALENDAR\n", "cut off"},
		{strings.TrimSuffix(englandICS, "END:VCALENDAR\n"), "cut off"},
		{event(day+name) + "BEGIN:VCALENDAR", "line 7: expected the end of the file"},
		{event(day+name) + "X-A:b", "line 7: expected the end of the file"},
		{"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE", "line 2: expected BEGIN:VEVENT"},
		{event(day + name + "\nBEGIN:VALARM"), "line 5: expected END:VEVENT"},
		{event(day + name + "\n\nUID:1"), "line 5: expected NAME:VALUE"},
		{"BEGIN:VCALENDAR\nVERSION:1.0", "line 2: VERSION"},
		{"BEGIN:VCALENDAR\nMETHOD:CANCEL", "line 2: METHOD"},
		{"BEGIN:VCALENDAR\nCALSCALE:CHINESE", "line 2: CALSCALE"},
		{"BEGIN:VCALENDAR\nPRODIT:x", `did you mean "PRODID"?`},
		{event(name), "line 4: the event that ends here has no DTSTART"},
		{event(strings.TrimSpace(day)), "line 4: the event that ends here has no SUMMARY"},
		{event(day + "SUMMARY: "), "has no SUMMARY"},
		{event("DTSTART:20260101\n" + name), "line 3: DTSTART: expected DTSTART;VALUE=DATE"},
		{event("DTSTART;VALUE=DATE-TIME:20260101T000000Z\n" + name), "line 3: DTSTART"},
		{event("DTSTART;TZID=Europe/London;VALUE=DATE:20260101\n" + name), "line 3: DTSTART"},
		{event("DTSTART;VALUE=DATE:20260230\n" + name), "line 3: DTSTART"},
		{event("DTSTART;VALUE=DATE:2026-01-01\n" + name), "line 3: DTSTART"},
		{event("DTSTART;VALUE=DATE:19000101\n" + name), "from 1970"},
		{event("DTSTART;VALUE=DATE:20260101T\n" + name), "line 3: DTSTART"},
		{event(day + day + name), "line 4: DTSTART comes twice"},
		{event(day + name + "\nSTATUS:CANCELLED"), "line 5: STATUS"},
		{event(day + name + "\nSTATUS:TENTATIVE"), "line 5: STATUS"},
		{event(day + name + "\nRRULE:FREQ=YEARLY"), "line 5: RRULE is not understood"},
		{event(day + name + "\nRDATE;VALUE=DATE:20260102"), "line 5: RDATE is not understood"},
		{event(day + name + "\nDURATION:P2D"), "line 5: DURATION is not understood"},
		{event(day + name + "\nDTSTRAT;VALUE=DATE:20260102"), `did you mean "DTSTART"?`},
		{event(day + name + "\nDTEND;VALUE=DATE:20260101"), "expected 1 to 31 days"},
		{event(day + name + "\nDTEND;VALUE=DATE:20260202"), "expected 1 to 31 days"},
		{event(day + "SUMMARY:a\\qb"), "line 4: SUMMARY"},
		{event(day + "SUMMARY:a\\"), "lone backslash"},
		{event(day + "SUMMARY:a\x00b"), "line 4: expected UTF-8 text without control"},
		{event(day + "SUMMARY:a\rb"), "line 4: expected UTF-8 text without control"},
		{event(day + "SUMMARY:a\xff"), "line 4: expected UTF-8"},
		{event(day + `SUMMARY;X="a:b`), "line 4: expected NAME:VALUE"},
		{strings.Repeat(" ", 256<<10) + "x", "expected up to 262144"},
	} {
		list, err := ParseHolidays([]byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || list != nil {
			t.Errorf("ParseHolidays(%.200q) = %v, %v; want an error with %q", c.text, list, err, c.want)
		}
	}
}

func TestParseHolidaysLongest(t *testing.T) {
	text := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20260201\nSUMMARY:x\nEND:VEVENT\nEND:VCALENDAR"
	if list, err := ParseHolidays([]byte(text)); err != nil || len(list) != 31 {
		t.Errorf("%d holidays, %v", len(list), err)
	}
}

func FuzzParseHolidays(f *testing.F) {
	f.Add([]byte(englandICS))
	f.Add([]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:a\r\n b\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseHolidays(data)
		if err != nil {
			if list != nil {
				t.Fatal("holidays and an error")
			}
			return
		}
		var b strings.Builder
		b.WriteString("BEGIN:VCALENDAR\n")
		escape := strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`)
		for _, h := range list {
			if !h.Date.known() || h.Name == "" || strings.ContainsAny(h.Name, "\r\n") {
				t.Fatalf("holiday %#v", h)
			}
			fmt.Fprintf(&b, "BEGIN:VEVENT\nDTSTART;VALUE=DATE:%s\nSUMMARY:%s\nEND:VEVENT\n",
				strings.ReplaceAll(h.Date.String(), "-", ""), escape.Replace(h.Name))
		}
		b.WriteString("END:VCALENDAR\n")
		if b.Len() > maxHolidayBytes {
			return
		}
		if again, err := ParseHolidays([]byte(b.String())); err != nil || !slices.Equal(again, list) {
			t.Fatalf("%q reads as %v, %v; want %v", b.String(), again, err, list)
		}
	})
}
