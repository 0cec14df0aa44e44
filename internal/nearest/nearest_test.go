package nearest

import "testing"

func TestTo(t *testing.T) {
	known := []string{"change.lines_added", "change.lines_deleted", "service.tier", "kind", "id"}
	for _, c := range []struct{ word, want string }{
		{"change.lines_aded", "change.lines_added"},
		{"change.line_added", "change.lines_added"},
		{"service.teir", "service.tier"},
		{"knid", "kind"},
		{"kinf", "kind"},
		{"ID", "id"},
		{"service", "service.tier"},
		{"change.lines", ""},
		{"ser", "service.tier"},
		{"se", ""},
		{"zebra", ""},
		{"", ""},
		{"completely.different", ""},
	} {
		if got := To(c.word, known); got != c.want {
			t.Errorf("To(%q) = %q, want %q", c.word, got, c.want)
		}
	}
	if got, want := Hint("knid", known), `; did you mean "kind"?`; got != want {
		t.Errorf("Hint = %q, want %q", got, want)
	}
	if got := Hint("zebra", known); got != "" {
		t.Errorf("Hint for nothing close = %q", got)
	}
}
