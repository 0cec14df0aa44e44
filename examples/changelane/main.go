// Command changelane classifies requests for change by the rules of a policy
// directory, explains a classification to a person, and checks the policy. It
// is a thin shell over the public packages change, risk and approval: whatever
// it does, a program that embeds them can do.
//
//	changelane classify -policy DIR [-at TIME] [-attested] [FILE...|-]
//	changelane explain  -policy DIR [-at TIME] [-attested] [FILE...|-]
//	changelane lint     -policy DIR [-at TIME]
//	changelane test     -policy DIR
//
// The input is JSON Lines, one change on each line, or one change as a document
// of several lines, up to 1 MiB each. Every line that is not blank gives exactly
// one line of output, in order. What is refused gives a line of type
// "unclassified" and one sentence on standard error; so does a file that is
// empty or cannot be read.
//
// The exit status is 0 when everything was classified, 1 when lint or test found
// something, 2 when some input was refused or the output could not be written,
// and 3 when the policy does not load or the command was used wrongly.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
