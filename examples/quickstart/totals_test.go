package main

import (
	"fmt"
	"testing"
)

// TestInterval compares with the intervals that Newcombe (Statistics in
// Medicine 17, 1998, table I, method 3) printed.
func TestInterval(t *testing.T) {
	for _, test := range []struct {
		changes, failed int
		want            string
	}{
		{263, 81, "0.2553 0.3662"},
		{148, 15, "0.0624 0.1605"},
		{20, 0, "0.0000 0.1611"},
		{29, 1, "0.0061 0.1718"},
		{0, 0, "0.0000 1.0000"},
		{5, 5, "0.5655 1.0000"},
	} {
		low, high := count{test.changes, test.failed}.interval()
		if got := fmt.Sprintf("%.4f %.4f", low, high); got != test.want {
			t.Errorf("%d of %d: got %s, want %s", test.failed, test.changes, got, test.want)
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: got %s", n, got)
		}
	}
}

func TestVerdict(t *testing.T) {
	seen := map[string]bool{}
	for _, test := range [][2]count{{{1000, 1}, {1000, 100}}, {{1000, 100}, {1000, 1}}, {{10, 1}, {10, 2}}, {{10, 0}, {10, 0}}} {
		seen[verdict(test[0], test[1])] = true
	}
	if len(seen) != 4 {
		t.Errorf("four cases, and %d verdicts: %v", len(seen), seen)
	}
}
