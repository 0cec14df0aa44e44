package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// refusing refuses the first connections.
type refusing struct {
	with  error
	left  int
	tried int
}

func (r *refusing) Connect(context.Context) (driver.Conn, error) {
	if r.tried++; r.left > 0 {
		r.left--
		return nil, r.with
	}
	return idle{}, nil
}

func (r *refusing) Driver() driver.Driver { return nil }

type idle struct{ driver.Conn }

func (idle) Close() error { return nil }

// The first connection waits for whoever turns a new file to a write-ahead log,
// as long as it waits for whoever writes, and for nothing else.
func TestConnect(t *testing.T) {
	for name, c := range map[string]struct {
		with        error
		left, tried int
	}{
		"at once":              {nil, 0, 1},
		"in the end":           {coded(5), 7, 8},
		"another kind of busy": {coded(5 | 1<<8), 1, 2},
		"never":                {coded(5), 1000, 21},
		"for another reason":   {errors.New("no disk"), 1000, 1},
		"locked from inside":   {coded(6), 1000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &refusing{with: c.with, left: c.left}
				db := sql.OpenDB(r)
				defer db.Close()
				if connect(t.Context(), db, 100*time.Millisecond); r.tried != c.tried {
					t.Errorf("connected after %d tries, expected %d", r.tried, c.tried)
				}
			})
		})
	}
	t.Run("the host has no time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := &refusing{with: coded(5), left: 1000}
		db := sql.OpenDB(r)
		defer db.Close()
		if connect(ctx, db, time.Hour); r.tried > 0 {
			t.Errorf("tried %d times", r.tried)
		}
	})
}
