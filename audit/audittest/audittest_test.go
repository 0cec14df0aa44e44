package audittest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
)

// recorder keeps what a check reports.
type recorder struct {
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) reported() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failures
}

// failures runs a check against a store and gives what it reports. A check
// that does not come to an end has failed too.
func failures(c check, open func() audit.Store, patience time.Duration) []string {
	var r recorder
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		c.run(newScene(&r, open, 300))
	}()
	select {
	case <-done:
	case <-time.After(patience):
		r.Errorf("the check does not end")
	}
	return r.reported()
}

func checkNamed(t *testing.T, shows string) check {
	for _, c := range checks() {
		if c.shows == shows {
			return c
		}
	}
	t.Fatalf("there is no check %q", shows)
	return check{}
}

// TestBroken shows that the suite can fail: each of these stores is broken in
// one way, and the checks that are named for it find that. Without the break
// the same checks pass.
func TestBroken(t *testing.T) {
	for _, b := range broken() {
		t.Run(b.name, func(t *testing.T) {
			by := b.by
			if testing.Short() {
				by = by[:1]
			}
			for _, shows := range by {
				c := checkNamed(t, shows)
				if found := failures(c, func() audit.Store { return wrap(b) }, b.wait()); len(found) == 0 {
					t.Errorf("the check %q does not find it", shows)
				} else if testing.Verbose() {
					t.Logf("%s: %s", shows, found[0])
				}
			}
		})
	}
}

// TestWhole: what the breaks are put on passes every check.
func TestWhole(t *testing.T) {
	for _, c := range checks() {
		if found := failures(c, func() audit.Store { return wrap(flaw{}) }, time.Minute); len(found) > 0 {
			t.Errorf("%s: %s", c.shows, strings.Join(found, "\n"))
		}
	}
}

// TestEveryCheckFails: there is no check that nothing fails.
func TestEveryCheckFails(t *testing.T) {
	failed, names := map[string]bool{}, map[string]bool{}
	for _, b := range broken() {
		for _, shows := range b.by {
			failed[shows] = true
		}
	}
	for _, c := range checks() {
		if !failed[c.shows] {
			t.Errorf("no broken store fails the check %q", c.shows)
		}
		if names[c.shows] || !strings.HasPrefix(c.holds, "INV-") {
			t.Errorf("the check %q has no name of its own, or no invariant", c.shows)
		}
		names[c.shows] = true
	}
}

// TestStoredHashes against the count of RFC 6962 trees by brute force: every
// event completes one full subtree for each factor of two in its number.
func TestStoredHashes(t *testing.T) {
	want := int64(0)
	for size := range int64(5000) {
		if got := storedHashes(size); got != want {
			t.Fatalf("a log of %d has %d stored hashes and not %d", size, got, want)
		}
		for n := size + 1; ; n /= 2 {
			want++
			if n%2 == 1 {
				break
			}
		}
	}
}

// TestModelReach: the random operations come everywhere, or their agreement
// would say little.
func TestModelReach(t *testing.T) {
	var all []string
	for seed := range uint64(20) {
		r := newRun(newScene(t, func() audit.Store { return memory.New() }, 0), tenant, seed)
		for range 60 {
			r.step()
		}
		all = append(all, r.told...)
	}
	for _, want := range []struct {
		verb, ending string
		least        int
	}{
		{"commit", ": <nil>", 100}, {"commit", audit.ErrStale.Error(), 50}, {"commit", audit.ErrCommandReused.Error(), 10},
		{"claim", "attempts 0", 50}, {"claim", "attempts 1", 5}, {"claim", audit.ErrLeased.Error(), 10},
		{"settling", ": <nil>", 50}, {"settling", audit.ErrLeaseLost.Error(), 10},
		{"claim of sequencing", ", sequencing", 50}, {"claim of sequencing", audit.ErrStale.Error(), 3}, {"claim of sequencing", audit.ErrInvalid.Error(), 5},
	} {
		n := 0
		for _, line := range all {
			if what, ok := strings.CutPrefix(line, "step: "+want.verb); ok && strings.Contains(what, want.ending) {
				n++
			}
		}
		if n < want.least {
			t.Errorf("%q with %q came %d times and not at least %d times", want.verb, want.ending, n, want.least)
		}
	}
}
