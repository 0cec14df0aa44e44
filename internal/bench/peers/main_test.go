package main

import (
	"strings"
	"testing"

	"github.com/changelane/changelane/internal/workload"
)

// TestPeersAgree holds every engine to the right answers; the comparison does
// the same before it measures.
func TestPeersAgree(t *testing.T) {
	w := workload.New(workload.Options{Rules: 300, Changes: 100})
	for _, e := range engines {
		decide, err := e.load(w)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if err := agrees(w, decide); err != nil {
			t.Errorf("%s: %v", e.name, err)
		}
	}
}

// TestDisagreementIsFound: the check above can fail.
func TestDisagreementIsFound(t *testing.T) {
	w := workload.New(workload.Options{Rules: 300, Changes: 100})
	if agrees(w, func(int) ([]int, int) { return nil, 0 }) == nil {
		t.Error("an engine that never finds a rule is right")
	}
}

func TestTable(t *testing.T) {
	got := table([]row{{"ours", []cell{{10, 0.5, 1, 7}, {1000, 2.25, 1, 0}}}, {"theirs", []cell{{10, 50, 100, 7}, {1000, 250, 111.1, 9}}}})
	want := strings.TrimLeft(`
| µs per change (times ours) | N=10 | N=1000 | allocs at N=1000 |
|---|---:|---:|---:|
| ours | 0.50 (1.0×) | 2.2 (1.0×) | 0 |
| theirs | 50.0 (100×) | 250 (111×) | 9 |
`, "\n")
	if got != want {
		t.Errorf("the table is\n%s", got)
	}
}
