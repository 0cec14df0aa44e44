package main

import (
	"fmt"
	"slices"
	"strings"
)

// helpError is the wish for help instead of work.
type helpError struct{ text string }

func (helpError) Error() string { return "help is asked for" }

const purpose = "changelane decides which changes need approval, and whose, and keeps a record of it.\n"

// overview lists the commands.
func overview() string {
	var b strings.Builder
	b.WriteString(purpose + "\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "  changelane %-11s  %s\n", c.name, c.does)
	}
	b.WriteString("\n\"changelane help COMMAND\" says what a command takes, \"changelane help\" all the rest.\n")
	return b.String()
}

// usage is all that is not about one command.
func usage() string { return overview() + "\n" + statuses + "\n" + peopleHelp + "\n" + trustHelp }

const statuses = `The exit status tells apart what a pipeline must tell apart; of several the
highest is given. Only 0 means yes.

  0  done, or yes; for submit: the cases are open, whatever their decision
  1  lint, test or verify has found something, report or reconcile a deployment
     that nobody had authorised
  2  some input was refused, or some output could not be written
  3  the policy does not load, or the usage is wrong
  4  waiting: not yet; ask again when others have acted or time has passed
  5  denied: no
  6  unreachable: the store or the people file is missing, locked or broken, or
     what was recorded could not be signed; do not deploy on that
  7  unknown: it may have been done or not; send the same command again

What is asked of the store is answered with JSON lines. Where the status is 4 or
more the line is {"id", "answer", "reasons": [{"code", "text"}]}, and each reason
is a sentence on standard error too. What is recorded but could not be signed is
answered as it was recorded, with a sentence on standard error and the status 6;
only a start then says no more than that.
`

const peopleHelp = `The people file is JSON. All identities of a person are "id" and "also":

  {"people": [
    {"id": "idp|alice", "kind": "human", "also": ["gh|alice"],
     "holds": [{"group": "cab"}, {"role": "service-owner", "of": "payments-api"}]},
    {"id": "ci|payments", "kind": "bot",
     "holds": [{"role": "team-member", "of": "payments-api"}]}]}

"of" is the service that a role is held for; "*" is every service, and without
"of" it is held for none. Besides the groups and roles of the policy there are
team-member, app-support and on-call-team of a service, and change-manager of
none. Every command reads the file anew.
`

const trustHelp = `Whoever can run this with a store can say who they are with -as, and could write
to the file without it: the store, the people file and the policy must be
writable only to the account that runs changelane. The key that signs the log
must not lie where the store does. Beside the key, FILE.checkpoint keeps what it
has signed last: a store that does not contain that, such as an old copy that was
put back, is neither written nor signed with that key.
`

// help says what the command takes.
func (c command) help() string {
	var b strings.Builder
	b.WriteString(c.does + "\n\n  " + c.synopsis() + "\n\n")
	for _, f := range specs {
		if slices.Contains(c.all(), f.name) {
			fmt.Fprintf(&b, "  %-18s %s\n", strings.TrimSpace("-"+f.name+" "+f.form), f.what)
		}
	}
	switch {
	case c.args.name:
		fmt.Fprintf(&b, "  %-18s one of %s\n", strings.ToUpper(c.args.what), either(queues))
	case c.args != none:
		fmt.Fprintf(&b, "  %-18s %ss as JSON Lines, or one %s as a JSON document; \"-\", or no FILE\n  %-18s in a pipe, is standard input\n",
			"FILE", c.args.what, c.args.what, "")
	}
	b.WriteString("\n\"changelane help\" says what the exit status means.\n")
	return b.String()
}

// synopsis is the command in one line.
func (c command) synopsis() string {
	words := append([]string{"changelane", c.name}, withForms(c.needs)...)
	if c.oneOf != nil {
		words = append(words, "("+strings.Join(withForms(c.oneOf), "|")+")")
	}
	for _, form := range withForms(c.takes) {
		words = append(words, "["+form+"]")
	}
	switch {
	case c.args.name:
		words = append(words, "["+strings.ToUpper(c.args.what)+"]")
	case c.args.one:
		words = append(words, "[FILE|-]")
	case c.args != none:
		words = append(words, "[FILE...|-]")
	}
	return strings.Join(words, " ")
}
