package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The exit statuses. Of several the highest is given, so that a pipeline can
// branch on it: only 0 means that all went well.
const (
	exitDone        = 0
	exitFound       = 1 // findings, failed tests, a log that does not verify
	exitRefused     = 2 // some input was refused, or some output is lost
	exitUsage       = 3 // the policy does not load, or the usage is wrong
	exitWaiting     = 4 // not yet: others must act, or time must pass
	exitDenied      = 5 // no
	exitUnreachable = 6 // the store or the directory cannot be asked: not a no, but no yes either
	exitUnknown     = 7 // it is not known whether it was done: send the same again
)

// command is one of the things that changelane does.
type command struct {
	name  string
	does  string
	needs []string  // flags that must be given
	oneOf []string  // flags of which exactly one must be given; nil: none
	takes []string  // flags that may be given
	args  arguments // what follows
	do    func(call) int
}

// arguments are what a command takes besides flags.
type arguments struct {
	what string // in the singular; "" when there are none
	name bool   // a name, and not files that hold it
	one  bool   // no more than one
}

// Flags that go together.
var (
	asking  = []string{"policy", "store"}
	acting  = with(asking, "people", "as")
	naming  = with(acting, "id")
	trying  = with(naming, "artifact")
	timing  = []string{"at", "timeout"}
	writing = with([]string{"sign", "known"}, timing...)
	keyed   = with([]string{"once"}, writing...)
)

var (
	none    arguments
	changes = arguments{what: "change"}
)

// commands are all that changelane does, in the order in which help lists them.
var commands = []command{
	{"classify", "one JSON line for every change: its type, its risk, who must say yes", with(nil, "policy"), nil, with(nil, "at", "attested", "counterfactual", "budget"), changes, classify},
	{"explain", "the same for a person: what, why, what is missing, who must say yes", with(nil, "policy"), nil, with(nil, "at", "attested", "counterfactual", "budget"), changes, explain},
	{"lint", "what is wrong with a policy", with(nil, "policy"), nil, with(nil, "at", "witness"), none, lint},
	{"test", "run the decision tests of a policy, DIR/tests/*.txt", with(nil, "policy"), nil, with(nil, "coverage", "mutate", "at-least", "boundaries"), none, test},

	{"submit", "open a case for every change; the same change again gives the same case", acting, nil, with(writing, "attested"), changes, submit},
	{"edit", "give cases other content; their votes are gone", acting, nil, with(writing, "attested"), changes, edit},
	{"vote", "say yes or no to the revision of a change that you have seen", with(naming, "revision"), with(nil, "yes", "no"), with(keyed, "digest", "comment"), none, vote},
	{"withdraw", "take your vote back before the decision", naming, nil, keyed, none, withdraw},
	{"cancel", "call a change off", with(naming, "because"), nil, keyed, none, cancel},
	{"gate", "ask, which changes nothing: may this artifact go to this target now?", trying, nil, with(timing, "target", "attempt"), none, gate},
	{"start", "the same, and use the authorisation for one attempt", with(trying, "attempt"), nil, with(writing, "target"), none, start},
	{"report", "say how an attempt ended", with(naming, "attempt", "outcome"), nil, with(keyed, "note"), none, report},
	{"validate", "say whether the check after the deployment passed", naming, with(nil, "passed", "failed"), with(keyed, "note"), none, validate},
	{"review", "record the review after the implementation", with(naming, "findings"), nil, keyed, none, review},
	{"reconcile", "open a case for every deployment that nobody had authorised", acting, nil, writing, arguments{what: "deployment"}, reconcile},
	{"template", "put a template of the catalogue into force, or out of it", with(naming, "to", "because"), nil, keyed, none, template},

	{"case", "show a case", with(asking, "id"), nil, with(timing, "explain"), none, showCase},
	{"queue", "list the cases in a queue, or in all queues", asking, nil, with(timing, "text"), arguments{what: "queue", name: true, one: true}, queue},

	{"tick", "lapse what is over, and put what is new into the log", asking, nil, writing, none, tick},
	{"keys", "make a key that signs the log: FILE, and FILE.pub to verify with", with(nil, "name", "out"), nil, nil, none, keys},
	{"checkpoint", "print the last signed checkpoint of the log, to be kept elsewhere", with(nil, "store"), nil, with(nil, "key", "copy", "timeout"), none, checkpoint},
	{"prove", "show of every event of a case that it is in the log", with(nil, "store", "id"), nil, with(nil, "copy", "timeout"), none, prove},
	{"check-proof", "check what prove has printed, without the store", with(nil, "key"), nil, nil, arguments{what: "proof"}, checkProof},
	{"verify", "check that nobody has changed the record", with(nil, "store"), nil, with(nil, "key", "known", "copy", "timeout"), none, verify},
}

// with is a list of its own, so that no two commands share one.
func with(list []string, more ...string) []string {
	return slices.Concat(list, more)
}

// call is a command with all that it works on.
type call struct {
	options
	args           arguments
	stdin          io.Reader
	stdout, stderr io.Writer
}

// run is the whole command; the result is the exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		// There is nowhere to report to when standard error fails.
		_, _ = io.WriteString(stderr, overview())
		return exitUsage
	}
	c, o, err := parse(args)
	var help helpError
	switch {
	case errors.As(err, &help):
		if _, err := io.WriteString(stdout, help.text); err != nil {
			return exitRefused
		}
		return exitDone
	case err != nil:
		say(stderr, "changelane: "+err.Error())
		return exitUsage
	}
	return c.do(call{o, c.args, stdin, stdout, stderr})
}

// parse finds the command and its options.
func parse(args []string) (command, options, error) {
	if isHelp(args[0]) && len(args) == 1 {
		return command{}, options{}, helpError{usage()}
	}
	if args[0] == "help" {
		c, err := find(args[1])
		if err == nil {
			err = helpError{c.help()}
		}
		return command{}, options{}, err
	}
	c, err := find(args[0])
	if err != nil {
		return command{}, options{}, err
	}
	o, err := parseOptions(c, args[1:])
	return c, o, err
}

func find(name string) (command, error) {
	var names []string
	for _, c := range commands {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return command{}, fmt.Errorf("there is no command %q; \"changelane help\" lists them%s", name, hint(name, names))
}

// either lists words with "or".
func either(words []string) string { return series(words, " or ") }

// series lists words, with a word before the last.
func series(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + last + words[len(words)-1]
}
