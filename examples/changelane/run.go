package main

import (
	"errors"
	"fmt"
	"io"
)

// The exit statuses.
const (
	exitDone    = 0
	exitFound   = 1 // findings, or failed tests
	exitRefused = 2 // some input was refused, or some output is lost
	exitUsage   = 3 // the policy does not load, or the usage is wrong
)

const synopsis = `changelane decides which changes need approval, and whose.

  changelane classify -policy DIR [-at TIME] [-attested] [FILE...|-]
        one JSON line out for every change in: its type, its risk, who must say yes
  changelane explain  -policy DIR [-at TIME] [-attested] [FILE...|-]
        the same for a person: what, why, what is missing, who must say yes
  changelane lint     -policy DIR [-at TIME]
        what is wrong with a policy
  changelane test     -policy DIR
        run the decision tests of a policy, DIR/tests/*.txt
`

const usage = synopsis + `
  -policy DIR   the directory of the policy
  -at TIME      when, as in 2026-11-23T10:00:00Z; otherwise now
  -attested     the input comes from a party that may attest: take the data that
                it attests as observed
  FILE          changes as JSON Lines, or one change as a JSON document; "-", or
                no FILE in a pipe, is standard input

The exit status is 0 when all is well, 1 for findings and failed tests, 2 when
some input was refused, 3 when the policy does not load or the usage is wrong.
`

// command is one of the things that changelane does.
type command struct {
	name  string
	flags []string
	files bool // it reads changes
	do    func(call) int
}

var commands = []command{
	{"classify", []string{"policy", "at", "attested"}, true, classify},
	{"explain", []string{"policy", "at", "attested"}, true, explain},
	{"lint", []string{"policy", "at"}, false, lint},
	{"test", []string{"policy"}, false, test},
}

// call is a command with all that it works on.
type call struct {
	options
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run is the whole command; the result is the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, o, err := parse(args)
	switch {
	case errors.Is(err, errHelp):
		if _, err := io.WriteString(stdout, usage); err != nil {
			return exitRefused
		}
		return exitDone
	case len(args) == 0:
		// There is nowhere to report to when standard error fails.
		_, _ = io.WriteString(stderr, synopsis+"\n\"changelane help\" says more.\n")
		return exitUsage
	case err != nil:
		say(stderr, "changelane: "+err.Error())
		return exitUsage
	}
	return c.do(call{o, stdin, stdout, stderr})
}

// parse finds the command and its options.
func parse(args []string) (command, options, error) {
	if len(args) == 0 {
		return command{}, options{}, errors.New("there is no command; expected classify, explain, lint or test")
	}
	if isHelp(args[0]) {
		return command{}, options{}, errHelp
	}
	var names []string
	for _, c := range commands {
		if c.name == args[0] {
			o, err := parseOptions(c, args[1:])
			return c, o, err
		}
		names = append(names, c.name)
	}
	return command{}, options{}, fmt.Errorf("there is no command %q; expected classify, explain, lint or test%s", args[0], hint(args[0], names))
}
