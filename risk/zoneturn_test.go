package risk_test

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

// ruledZone is a zone of nothing but a rule for all years, as POSIX writes them.
func ruledZone(t *testing.T, rule string) *time.Location {
	t.Helper()
	block := append([]byte("TZif2"), make([]byte, 15)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} {
		block = binary.BigEndian.AppendUint32(block, count)
	}
	block = append(block, make([]byte, 6)...) // one kind of time, which is UTC
	block = append(block, "AAA\x00"...)
	zone, err := time.LoadLocationFromTZData("ruled", append(append(block, block...), "\n"+rule+"\n"...))
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestClockPutBackAtTheEndOfALeapYear: on the last day of a leap year the
// standard library gives bounds of the zone that have passed.
func TestClockPutBackAtTheEndOfALeapYear(t *testing.T) {
	v, err := risk.NewVocabulary(risk.VocabularyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	at := func(hour int) time.Time { return time.Date(2028, 12, 31, hour, 0, 0, 0, time.UTC) }
	zone := ruledZone(t, "AAA0BBB,J365/6,J365/12") // 06:00 to 12:00 of every 31 December
	done := make(chan risk.Facts)
	go func() {
		c := &change.Change{ID: "CHG", Window: &change.Window{Start: at(7), End: at(18)}}
		done <- v.Facts(c, risk.Situation{At: at(0), Zone: zone})
	}()
	select {
	case f := <-done:
		day, _ := f.Get("at.day")
		hour, _ := f.Get("at.hour")
		if day.Value() != int64(31) || hour.State != risk.Unknown {
			t.Errorf("%v, %v; expected day 31 and no hour", day, hour)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still looking for the next time that the clock is put forward or back")
	}
}
