package approval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// problem says why an actor cannot be one. Identities are opaque subjects in
// printable ASCII (INV-15), so that no two of them look the same but for
// letter case.
func (a Actor) problem() error {
	if !subject.MatchString(a.Identity) {
		return fmt.Errorf("%.80q is not an identity: printable letters without space, such as idp|alice, at most 256", a.Identity)
	}
	if a.Person != "" && !subject.MatchString(a.Person) {
		return fmt.Errorf("the directory knows %s as %.80q, which is not an identity: printable letters without space, at most 256", a.Identity, a.Person)
	}
	return nil
}

// same reports whether both are one person: by the directory, or by identity
// where it does not know one of them. It is for what only that person may do.
func (a Actor) same(b Actor) bool {
	if a.Person != "" && b.Person != "" {
		return a.Person == b.Person
	}
	return a.Identity == b.Identity && a.Identity != ""
}

// shares reports whether the two have any name in common. It is for what that
// person may not do, so it errs on the other side.
func (a Actor) shares(b Actor) bool {
	return a.alike(b, func(x, y string) bool { return x == y })
}

// resembles is the same but for letter case (INV-15).
func (a Actor) resembles(b Actor) bool { return a.alike(b, strings.EqualFold) }

func (a Actor) alike(b Actor, equal func(x, y string) bool) bool {
	for _, x := range []string{a.Identity, a.Person} {
		for _, y := range []string{b.Identity, b.Person} {
			if x != "" && equal(x, y) {
				return true
			}
		}
	}
	return false
}

// Named lists the identities of everybody whom a change names as having had a
// hand in it, the requester first, without repeats: requester, contributors of
// every kind, and whoever claims that it is standard. None of them may vote
// (INV-13).
func Named(c *change.Change) []string {
	if c == nil {
		return nil
	}
	out := []string{c.Requester.ID}
	for _, n := range c.Contributors {
		out = append(out, n.ID)
	}
	if c.Claim != nil {
		out = append(out, c.Claim.By)
	}
	seen := map[string]bool{"": true}
	return slices.DeleteFunc(out, func(id string) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// unresolved reports whether the directory does not know one of the
// contributors, who then could be anyone.
func unresolved(contributors []Actor) bool {
	return slices.ContainsFunc(contributors, func(a Actor) bool { return a.Person == "" })
}

// checkText refuses what could not be recorded, or read, as it is.
func checkText(what, text string) error {
	switch {
	case len(text) > change.MaxText:
		return fmt.Errorf("%s has %d bytes; at most %d are allowed", what, len(text), change.MaxText)
	case !utf8.ValidString(text):
		return errors.New(what + " is not UTF-8")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }):
		return errors.New(what + " holds a control character; write plain text")
	}
	return nil
}

// check refuses times that nobody has set: what holds for no time, or for ever,
// was forgotten.
func (v Validity) check() error {
	switch {
	case v.Request <= 0:
		return errors.New("it is not said for how long a request holds: give Validity.Request")
	case v.Vote <= 0:
		return errors.New("it is not said for how long a vote holds: give Validity.Vote")
	case v.Use <= 0:
		return errors.New("it is not said for how long an authorisation holds: give Validity.Use")
	case v.Report <= 0:
		return errors.New("it is not said when an outcome is overdue: give Validity.Report")
	case v.Review <= 0:
		return errors.New("it is not said when a review is overdue: give Validity.Review")
	}
	return nil
}
