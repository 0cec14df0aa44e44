package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// options are the flags and arguments of a command.
type options struct {
	policy   string    // the directory
	at       time.Time // zero: now
	attested bool
	files    []string // or names

	store, people, as, sign string
	once                    string        // idempotency key
	timeout                 time.Duration // zero: as the command has it

	id       string
	revision int
	digest   change.Digest
	yes      bool // or else no
	passed   bool // or else failed
	comment  string

	attempt approval.Attempt
	outcome approval.Outcome
	note    string

	because, findings string
	to                approval.TemplateState

	explain, text, witness bool
	counterfactual         bool
	budget                 int // assessments; 0: as the library has it
	coverage, mutate       bool
	atLeast                int    // percent; 0: no bar
	boundaries             string // a file
	name, out              string
	key                    string
	known                  []string
	copied                 bool // nobody writes the store
}

// defaultTimeout is how long a command may take to reach the store.
const defaultTimeout = 30 * time.Second

const sameFile = "the key that signs the log is in the file of the store itself; keep it elsewhere, where whoever can write to the store cannot read it"

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
			return o, helpError{c.help()}
		}
		name, value, given := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		f, err := c.flag(name, seen)
		if err != nil {
			return o, err
		}
		seen = append(seen, name)
		if !given && f.form != "" && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value, given = args[i], true
		}
		if err := f.take(&o, value, given); err != nil {
			return o, err
		}
	}
	return o, o.check(c, seen)
}

// all are the flags that a command has, as help lists them.
func (c command) all() []string {
	return slices.Concat(c.needs, c.oneOf, c.takes)
}

// flag finds a flag of the command.
func (c command) flag(name string, seen []string) (flagSpec, error) {
	f, known := flagNamed(name)
	if !known || !slices.Contains(c.all(), name) {
		flags := "-" + strings.Join(c.all(), ", -")
		return f, fmt.Errorf("%s has no flag -%s; expected %s%s", c.name, name, flags, hint("-"+name, strings.Split(flags, ", ")))
	}
	if slices.Contains(seen, name) && !f.many {
		return f, fmt.Errorf("the flag -%s is given twice; keep one", name)
	}
	return f, nil
}

// take sets the option that a flag is for.
func (f flagSpec) take(o *options, value string, given bool) error {
	switch {
	case f.form == "" && given:
		return fmt.Errorf("the flag -%s takes no value; give it, or leave it out", f.name)
	case f.form != "" && value == "" && f.name != "at":
		return fmt.Errorf("the flag -%s needs %s", f.name, f.what)
	}
	return f.set(o, value)
}

// check finds what is missing, and what is too much.
func (o options) check(c command, seen []string) error {
	given := func(name string) bool { return slices.Contains(seen, name) }
	missing := slices.DeleteFunc(slices.Clone(c.needs), given)
	chosen := slices.DeleteFunc(slices.Clone(c.oneOf), func(name string) bool { return !given(name) })
	switch {
	case len(missing) == 1 && missing[0] == "policy" && c.args == none && len(o.files) == 1:
		return fmt.Errorf("the policy is named with a flag; expected -policy %s", o.files[0])
	case len(missing) == 1:
		f, _ := flagNamed(missing[0])
		return fmt.Errorf("%s needs -%s %s, %s", c.name, f.name, f.form, f.what)
	case len(missing) > 1:
		return fmt.Errorf("%s needs %s; \"changelane help %s\" says what they are", c.name, series(withForms(missing), " and "), c.name)
	case len(c.oneOf) > 0 && len(chosen) != 1:
		return fmt.Errorf("%s needs one of %s", c.name, either(withForms(c.oneOf)))
	case c.args == none && len(o.files) > 0:
		return fmt.Errorf("%s takes no files; leave out %q", c.name, o.files[0])
	case c.args.one && len(o.files) > 1:
		return fmt.Errorf("%s takes one %s; leave out %q", c.name, c.args.noun(), o.files[1])
	case slices.Index(o.files, "-") != lastIndex(o.files, "-"):
		return errors.New(`standard input can be read once; keep one "-"`)
	case o.store != "" && o.store == o.sign:
		return errors.New(sameFile)
	case o.atLeast > 0 && !o.mutate:
		return errors.New("-at-least is about what -mutate finds; give -mutate too, or leave out -at-least")
	case o.budget > 0 && !o.counterfactual:
		return errors.New("-budget bounds the search of -counterfactual; give -counterfactual too, or leave out -budget")
	case len(o.known) > 0 && o.sign == "" && slices.Contains(c.all(), "sign"):
		return fmt.Errorf("%s holds the log against -known only where it signs it; give -sign FILE too, or leave out -known", c.name)
	}
	return nil
}

// noun is what one argument is.
func (a arguments) noun() string {
	if a.name {
		return a.what
	}
	return "file"
}

func withForms(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		f, _ := flagNamed(name)
		out[i] = strings.TrimSuffix("-"+name+" "+f.form, " ")
	}
	return out
}

func lastIndex(list []string, s string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] == s {
			return i
		}
	}
	return -1
}
