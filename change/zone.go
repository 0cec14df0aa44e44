package change

import (
	"archive/zip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/changelane/changelane/internal/nearest"
)

// ZoneDataVersion is the release of the IANA time zone database that is
// embedded. A zone's rules change by a few countries' decree each year, so a
// decision about a freeze names the data it was made with: this version for
// people, [ZoneDataDigest] for proof.
const ZoneDataVersion = "2025c"

// zoneData is lib/time/zoneinfo.zip of the Go distribution, unchanged. The
// host's own zone data is never read: two machines would decide differently.
//
//go:embed zoneinfo.zip
var zoneData string

// ZoneDataDigest returns the SHA-256 of the embedded zone data as
// "sha256:" and 64 hexadecimal digits. It hashes 400 KB: ask once and keep it.
func ZoneDataDigest() string {
	sum := sha256.Sum256([]byte(zoneData))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Zone returns the time zone with the given IANA name, such as
// "Europe/London" or "UTC", from the embedded data. Names are exact, letter
// case included. "", "Local" and "Factory" are refused, because they stand for
// what a host is set to, or not yet set to; unknown names are refused with the nearest known one. Each
// call reads the data anew: load a zone when a policy is loaded.
func Zone(name string) (*time.Location, error) {
	switch name {
	case "":
		return nil, errors.New(`time zone: expected an IANA name such as "Europe/London", found none`)
	case "Local", "Factory":
		return nil, fmt.Errorf(`time zone %q: stands for what a host is set to; write an IANA name such as "Europe/London"`, name)
	case "UTC":
		return time.UTC, nil
	}
	archive, err := zip.NewReader(strings.NewReader(zoneData), int64(len(zoneData)))
	if err != nil {
		return nil, fmt.Errorf("time zone %.60q: embedded zone data: %w", name, err)
	}
	known := make([]string, 0, len(archive.File))
	for _, file := range archive.File {
		if file.Name == name {
			return loadZone(file)
		}
		known = append(known, file.Name)
	}
	return nil, fmt.Errorf("time zone %.60q: not an IANA name in zone data %s%s",
		name, ZoneDataVersion, nearest.Hint(name, known))
}

func loadZone(file *zip.File) (*time.Location, error) {
	r, err := file.Open()
	if err != nil {
		return nil, fmt.Errorf("time zone %q: embedded zone data: %w", file.Name, err)
	}
	data, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("time zone %q: embedded zone data: %w", file.Name, err)
	}
	zone, err := time.LoadLocationFromTZData(file.Name, data)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: embedded zone data: %w", file.Name, err)
	}
	return zone, nil
}

// checkZone refuses zones that Zone would not have given out.
func checkZone(zone *time.Location) error {
	if zone == nil {
		return errors.New("no time zone given; load one with Zone")
	}
	if zone.String() == "Local" {
		return errors.New("the host's local time zone differs from host to host; load one with Zone")
	}
	return nil
}

// How wall clocks become instants.
//
// A wall time is what a clock on the wall reads: here a time.Time in UTC whose
// fields are that reading. A zone maps each instant to one wall time, but a
// wall time to two instants where clocks go back (a fold), and to none where
// they go forward (a gap). time.Date picks one of them, and in gaps picks
// differently from zone to zone, so it is not used to cross from one to the
// other; the stretches of constant offset are.

// zoneReach is more than any zone's offset from UTC has been, so that every
// instant and transition that concerns a wall time lies within it.
const zoneReach = 26 * time.Hour

// A stretch is a time in which a zone keeps one offset from UTC.
type stretch struct {
	Interval
	offset time.Duration
}

// wall is what the clock reads at t, if t lies in the stretch.
func (s stretch) wall(t time.Time) time.Time { return t.Add(s.offset) }

// instant is when the clock reads wall, if that lies in the stretch.
func (s stretch) instant(wall time.Time) time.Time { return wall.Add(-s.offset) }

// stretches returns the stretches of zone that may concern wall times in
// [from, to], in order, the outermost cut off at zoneReach.
func stretches(from, to time.Time, zone *time.Location) []stretch {
	limit := to.Add(zoneReach)
	var list []stretch
	for t := from.Add(-zoneReach); t.Before(limit); {
		local := t.In(zone)
		_, seconds := local.Zone()
		_, end := local.ZoneBounds()
		if !end.IsZero() && !end.After(t) {
			// On 31 December of leap years ZoneBounds gives an end that has
			// passed (golang/go#81583). No zone changes its offset then.
			end = t.Truncate(24 * time.Hour).Add(24 * time.Hour)
		}
		if end.IsZero() || end.After(limit) {
			end = limit
		}
		list = append(list, stretch{Interval{t, end.UTC()}, time.Duration(seconds) * time.Second})
		t = end.UTC()
	}
	return list
}

// readings returns the earliest and the latest instant that wall can stand
// for. They are the same but in two cases: in a fold the clock reads wall more
// than once; in a gap it never does, and wall stands for what it would be both
// by the offset before and by the offset after.
func readings(wall time.Time, zone *time.Location) (earliest, latest time.Time) {
	list := stretches(wall, wall, zone)
	var found []time.Time
	for i, s := range list {
		if t := s.instant(wall); s.Contains(t) {
			found = append(found, t)
		}
		if i > 0 && !wall.Before(list[i-1].wall(s.Start)) && wall.Before(s.wall(s.Start)) {
			found = append(found, list[i-1].instant(wall), s.instant(wall))
		}
	}
	earliest, latest = found[0], found[0]
	for _, t := range found[1:] {
		if t.Before(earliest) {
			earliest = t
		}
		if t.After(latest) {
			latest = t
		}
	}
	return earliest, latest
}

// restrictive returns the interval for a rule that holds from one wall time to
// another: from the earliest instant that from can stand for to the latest
// that to can stand for. It contains every instant whose clock reads inside,
// and is empty when to is not after from.
func restrictive(from, to time.Time, zone *time.Location) Interval {
	if !from.Before(to) {
		return Interval{}
	}
	start, _ := readings(from, zone)
	_, end := readings(to, zone)
	return Interval{start, end}
}

// whenReads returns exactly the instants at which the clock reads a wall time
// in [from, to), sorted and disjoint.
func whenReads(from, to time.Time, zone *time.Location) []Interval {
	if !from.Before(to) {
		return nil
	}
	var list []Interval
	for _, s := range stretches(from, to, zone) {
		list = append(list, s.intersect(Interval{s.instant(from), s.instant(to)}))
	}
	return MergeIntervals(list)
}
