package approval

import (
	"regexp"
	"slices"
	"strings"
)

// nth is one item of the list under a name, or else the list, or else the whole.
func (s source) nth(name string, i int) source {
	at := s.inside(name)
	if at.node != nil && i < len(at.node.Items) {
		return source{at.node.Items[i]}
	}
	return at
}

var evidenceName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// evidence reports checks that cannot be named so, and lists the rest.
func (b *building) evidence() []string {
	var out []string
	for i, name := range b.d.Evidence {
		at := b.d.sources.policy.nth("evidence", i)
		switch {
		case !evidenceName.MatchString(name):
			b.add(at, "%q cannot be the name of a check: use small letters, digits and \"_\", and begin with a letter%s", name, checkMeant(name))
		case slices.Contains(out, name):
			b.add(at, "the check %q is listed twice; remove one of them", name)
		default:
			out = append(out, name)
		}
	}
	return out
}

var notInNames = regexp.MustCompile(`[-. ]+`)

// checkMeant offers the name that a check can have.
func checkMeant(name string) string {
	meant := notInNames.ReplaceAllString(strings.ToLower(strings.TrimSpace(name)), "_")
	switch {
	case strings.Contains(name, ","):
		return "; write a list of names, such as [smoke, unit]"
	case evidenceName.MatchString(meant):
		return ", such as " + meant
	}
	return ""
}
