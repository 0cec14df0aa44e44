package sqlite

import (
	"errors"
	"fmt"
	"testing"
)

type coded int

func (c coded) Error() string { return fmt.Sprint("code ", int(c)) }
func (c coded) Code() int     { return int(c) }

// A folder that may not be written to is told by one code or the other.
func TestCannotWriteBeside(t *testing.T) {
	for err, want := range map[error]bool{
		coded(14): true, coded(14 | 2<<8): true, coded(1544): true, fmt.Errorf("opening: %w", coded(1544)): true,
		nil: false, coded(8): false, coded(8 | 1<<8): false, coded(26): false, errors.New("unable to open"): false,
	} {
		if got := cannotWriteBeside(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}
