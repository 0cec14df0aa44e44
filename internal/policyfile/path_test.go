package policyfile

import "testing"

func TestPlace(t *testing.T) {
	var errs Errors
	root := Parse("risk.yaml", []byte("rules:\n  - {id: a, cuts: {100: 4, 400: 12}}\n  - when: >-\n      x > 1\n      and y\n"), &errs)
	for _, c := range []struct {
		path         string
		line, column int
		want         string
	}{
		{"", 0, 0, "risk.yaml:1:1"},
		{"rules", 0, 0, "risk.yaml:2:3"},
		{"rules/0/cuts/1", 0, 0, "risk.yaml:2:33"},
		{"rules/0/cuts/400", 0, 0, "risk.yaml:2:33"},
		{"rules/0/cuts/7", 0, 0, "risk.yaml:2:19"},
		{"rules/1/when", 1, 11, "risk.yaml:5:11"},
	} {
		if got := root.Place(c.path, c.line, c.column).String(); got != c.want {
			t.Errorf("%s lies at %s, expected %s", c.path, got, c.want)
		}
	}
	if got := (*Node)(nil).Place("rules", 1, 1); got != (Pos{}) || errs.Len() > 0 {
		t.Error(got, errs.All())
	}
}
