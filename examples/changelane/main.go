// Command changelane classifies requests for change by the rules of a policy
// directory, explains a classification to a person, checks the policy, and takes
// requests through their life: submitted, voted on, started, reported. It is a
// thin shell over the public packages: whatever it does, a program that embeds
// them can do. It is for pipelines that are not written in Go, and for people.
//
//	changelane classify|explain -policy DIR [-at TIME] [-attested] [-counterfactual [-budget N]] [FILE...|-]
//	changelane lint             -policy DIR
//	changelane test             -policy DIR [-coverage] [-mutate [-at-least PERCENT]] [-boundaries FILE]
//	changelane submit|edit      WORK [-attested] [FILE...|-]
//	changelane vote             WORK -id ID -revision N (-yes|-no)
//	changelane gate             WORK -id ID -artifact DIGEST [-target NAME]
//	changelane start            WORK -id ID -artifact DIGEST [-target NAME] -attempt ID
//	changelane report           WORK -id ID -attempt ID -outcome WORD
//	changelane case|queue       -policy DIR -store FILE ...
//	changelane tick             -policy DIR -store FILE -sign FILE
//	changelane verify           -store FILE -key FILE [-known FILE]...
//
// where WORK is -policy DIR -store FILE -people FILE -as WHO; "changelane help"
// lists the other commands, and "changelane help COMMAND" all flags.
//
// Input is JSON Lines, one change on each line, or one change as a document of
// several lines, up to 1 MiB each. Every line that is not blank gives exactly
// one line of output, in order. What classify refuses gives a line of type
// "unclassified", what submit refuses one with the answer "refused", and either
// one sentence on standard error; so does a file that is empty or cannot be read.
//
// # Exit status
//
// A pipeline can branch on it; of several the highest is given.
//
//	0  done, or yes; for submit: the cases are open, whatever their decision
//	1  lint, test or verify has found something, report or reconcile a deployment
//	   that nobody had authorised
//	2  some input was refused, or some output could not be written
//	3  the policy does not load, or the command was used wrongly
//	4  waiting: not yet; ask again when others have acted or time has passed
//	5  denied: no
//	6  unreachable: the store or the people file is missing, locked or broken,
//	   or what was recorded could not be signed; nothing may be deployed on that
//	7  unknown: it may have been done or not; the same command again finds out
//
// Whether a change may be deployed is asked with gate, and used with start:
// submit exits with 0 for a change that waits for votes too.
//
// # Trust
//
// Whoever can run the command with a store says who they are with -as, and
// could as well write to the file. So the store, the people file and the policy
// are to be writable only to the account that runs the command, such as that of
// a deployment service, which passes on who its caller is. What others can
// check is the log: it is signed with a key that lies elsewhere (tick and the
// flag -sign), and verify needs nothing but the public key, and the checkpoints
// that somebody has kept. The last one lies beside the key: with -sign a store
// that does not contain it is refused.
//
// -at is for tests and demonstrations. With a time of the caller's choice a
// freeze is over before it is.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
