package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// options are the flags and arguments of a command.
type options struct {
	policy   string    // the directory
	at       time.Time // zero: now
	attested bool
	files    []string
}

var errHelp = errors.New("help is asked for")

func isHelp(arg string) bool {
	return slices.Contains([]string{"help", "-h", "-help", "--help"}, arg)
}

// now is the time that the user names, or else that of the clock: of each
// moment, so that a pipe that stays open for days does not classify by the
// calendar of the day it was opened.
func (o options) now() time.Time {
	if o.at.IsZero() {
		return time.Now()
	}
	return o.at
}

// parseOptions reads flags and files in any order; behind "--" all are files.
func parseOptions(c command, args []string) (options, error) {
	var o options
	var seen []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			o.files = append(o.files, args[i+1:]...)
			break
		}
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			o.files = append(o.files, arg)
			continue
		}
		if isHelp(arg) {
			return o, errHelp
		}
		name, value, given := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		if err := checkFlag(c, name, seen); err != nil {
			return o, err
		}
		seen = append(seen, name)
		if !given && name != "attested" && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value, given = args[i], true
		}
		if err := o.set(name, value, given); err != nil {
			return o, err
		}
	}
	return o, o.check(c)
}

func checkFlag(c command, name string, seen []string) error {
	if !slices.Contains(c.flags, name) {
		return fmt.Errorf("%s has no flag -%s; expected -%s%s", c.name, name, strings.Join(c.flags, ", -"), hint(name, c.flags))
	}
	if slices.Contains(seen, name) {
		return fmt.Errorf("the flag -%s is given twice; keep one", name)
	}
	return nil
}

func (o *options) set(name, value string, given bool) error {
	switch {
	case name == "attested" && given:
		return errors.New("the flag -attested takes no value; give it, or leave it out")
	case name == "attested":
		o.attested = true
	case value == "" && name == "policy":
		return errors.New("the flag -policy needs the directory of a policy")
	case name == "policy":
		o.policy = value
	default:
		at, err := time.Parse(time.RFC3339, value)
		if err != nil || at.IsZero() || !strictTime.MatchString(value) {
			return fmt.Errorf("the flag -at needs a time such as 2026-11-23T10:00:00Z, not %q", value)
		}
		o.at = at
	}
	return nil
}

// strictTime is RFC 3339 where time.Parse takes more: hours of one digit,
// commas, and offsets of 24 hours.
var strictTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):\d\d)$`)

// check finds what is missing, and what is too much.
func (o options) check(c command) error {
	switch {
	case o.policy == "" && !c.files && len(o.files) == 1:
		return fmt.Errorf("the policy is named with a flag; expected -policy %s", o.files[0])
	case o.policy == "":
		return fmt.Errorf("which policy is not said; expected -policy DIR, the directory of a policy, as in \"changelane %s -policy DIR\"", c.name)
	case !c.files && len(o.files) > 0:
		return fmt.Errorf("%s takes no files; leave out %q", c.name, o.files[0])
	case slices.Index(o.files, "-") != lastIndex(o.files, "-"):
		return errors.New(`standard input can be read once; keep one "-"`)
	}
	return nil
}

func lastIndex(list []string, s string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == s {
			return i
		}
	}
	return -1
}
