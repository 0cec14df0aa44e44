package schema

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// TestTimeForm holds the form of times to the regular expression for it.
func TestTimeForm(t *testing.T) {
	want := regexp.MustCompile(`^\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$`)
	random := rand.New(rand.NewPCG(33, 39))
	seeds := []string{"09:30:00Z", "09:30:00.5z", "23:59:59.123456789+02:00", "00:00:00.1234567890Z", "00:00:00.Z", "00:00:00", "00:00:00-00:0", "00:00:00+00:00Z"}
	held := 0
	for range 40_000 {
		text := []byte(seeds[random.IntN(len(seeds))])
		for range random.IntN(3) {
			i := random.IntN(len(text))
			switch random.IntN(3) {
			case 0:
				text[i] = "0:.+-Zz9 \n\xff"[random.IntN(11)]
			case 1:
				text = append(text[:i], text[i+1:]...)
			default:
				text = append(text, text[i])
			}
		}
		got := hasTimeForm(string(text))
		if got != want.Match(text) {
			t.Fatalf("%q: %v", text, got)
		}
		if got {
			held++
		}
	}
	if held < 5_000 || held > 35_000 {
		t.Errorf("%d held: the texts are not balanced", held)
	}
}
