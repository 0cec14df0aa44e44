package sqlite_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/audittest"
	"github.com/changelane/changelane/audit/sqlite"
)

// campaign is a size of a test from the environment, for longer ones before a
// release; otherwise a tenth with -short or the race detector.
func campaign(t *testing.T, variable string, normal int) int {
	t.Helper()
	if value := os.Getenv(variable); value != "" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			t.Fatalf("%s=%q is not a positive number", variable, value)
		}
		return n
	}
	if testing.Short() || raceDetector {
		return max(1, normal/10)
	}
	return normal
}

// INV-41: the suite that every store passes.
func TestConformance(t *testing.T) {
	for _, way := range []struct {
		name  string
		opts  *sqlite.Options
		steps int
	}{{"grouped", nil, 500}, {"each alone", &sqlite.Options{NoGroup: true}, 200}} {
		t.Run(way.name, func(t *testing.T) {
			if raceDetector && way.opts != nil {
				t.Skip("with the race detector the same code in groups is enough")
			}
			t.Parallel()
			audittest.Run(t, func(t *testing.T) audit.Store { return open(t, way.opts) },
				&audittest.Options{Steps: campaign(t, "CHANGELANE_STEPS", way.steps)})
		})
	}
}
