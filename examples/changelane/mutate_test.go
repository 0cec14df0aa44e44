package main

import (
	"os"
	"strings"
	"testing"
)

// TestSurvivors holds what "test -mutate" prints about the policy of the
// scripts to testdata/survivors.txt, and its exit status to the bar.
func TestSurvivors(t *testing.T) {
	const golden = "testdata/survivors.txt"
	stdout, stderr, status := tryIt("", "test", "-policy", "testdata/policy", "-mutate", "-at-least", "90")
	if status != exitFound || stderr != "" {
		t.Errorf("status %d: %s", status, stderr)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(stdout), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if stdout != string(want) {
		t.Errorf("it prints\n%s\nexpected\n%s", stdout, want)
	}
	again, _, status := tryIt("", "test", "-policy", "testdata/policy", "-mutate", "-at-least", "25")
	if body := strings.TrimSuffix(again, "\n"); status != exitDone || !strings.HasPrefix(stdout, body) {
		t.Errorf("with a bar that is met the status is %d:\n%s", status, again)
	}
}
