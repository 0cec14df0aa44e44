package rule

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestBrief: what is short is shown as it is, and of what is long the outline.
func TestBrief(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, c := range []struct{ text, want string }{
		{`change.files > 5`, `change.files > 5`},
		{`(a == "` + long + `") and (b == "` + long + `")`, `(…) and (…)`},
		{`(a > 1) and (b in ["` + long + `", "` + long + `"])`, `(a > 1) and (b in ["` + long + `", …])`},
		{`(a > 1) and (b in ["` + long + `(", "` + long + `]\"", "c"])`, `(a > 1) and (b in ["` + long + `(", …])`},
		{`touches("` + long + `", "` + long + `")`, `touches("` + long + `", …)`},
		{`a == "` + long + long + `"`, `a == "` + long + strings.Repeat("x", 33) + `…`},
		{`a == "` + strings.Repeat("ä", 200) + `"`, `a == "` + strings.Repeat("ä", 93) + `…`},
	} {
		got := (&Expr{source: c.text}).Brief()
		if got != c.want || utf8.RuneCountInString(got) > mostBrief {
			t.Errorf("%s\n%s\n%s", c.text, got, c.want)
		}
	}
}
