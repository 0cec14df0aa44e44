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
	other := errors.New("no disk")
	for name, c := range map[string]struct {
		with        error
		left, tried int
		want        error
	}{
		"at once":              {nil, 0, 1, nil},
		"in the end":           {coded(5), 7, 8, nil},
		"another kind of busy": {coded(5 | 1<<8), 1, 2, nil},
		"never":                {coded(5), 1000, 21, coded(5)},
		"for another reason":   {other, 1, 1, other},
		"locked from inside":   {coded(6), 1, 1, coded(6)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &refusing{with: c.with, left: c.left}
				db := sql.OpenDB(r)
				defer db.Close()
				if err := connect(t.Context(), db, 100*time.Millisecond); !errors.Is(err, c.want) || c.want == nil && err != nil || r.tried != c.tried {
					t.Errorf("connect gave %v after %d tries, expected %v after %d", err, r.tried, c.want, c.tried)
				}
			})
		})
	}
	t.Run("the host has no time", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		db := sql.OpenDB(&refusing{with: coded(5), left: 1000})
		defer db.Close()
		if err := connect(ctx, db, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("connect gave %v", err)
		}
	})
}
