package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/changelane/changelane/change"
)

// flagSpec is one flag. It means the same wherever it is taken.
type flagSpec struct {
	name string
	form string // of its value; "" for a switch, which has none
	what string // what the value is, or what the switch says
	many bool   // it may be given several times
	set  setter
}

type setter func(o *options, value string) error

// specs are all flags, in the order in which help lists them.
var specs = []flagSpec{
	{"policy", "DIR", "the directory of a policy", false, into(func(o *options) *string { return &o.policy })},
	{"store", "FILE", "the file of the store, which holds the record", false, setStore},
	{"people", "FILE", "the file that says who is who; \"changelane help\" shows one", false, into(func(o *options) *string { return &o.people })},
	{"as", "WHO", "the identity of whoever acts, such as idp|alice", false, setWho},
	{"id", "ID", "the id of a change, or of a template", false, into(func(o *options) *string { return &o.id })},
	{"revision", "N", "the number of the revision that the voter has seen", false, setRevision},
	{"yes", "", "the change may be made", false, choose(func(o *options) *bool { return &o.yes }, true)},
	{"no", "", "the change may not be made", false, choose(func(o *options) *bool { return &o.yes }, false)},
	{"digest", "DIGEST", "the digest of that revision; without it, that of the present one if it is that revision", false, digest("digest", func(o *options) *change.Digest { return &o.digest })},
	{"comment", "TEXT", "why, for the record", false, text("comment", func(o *options) *string { return &o.comment })},
	{"artifact", "DIGEST", "the digest of what is deployed; of the change itself where that names no artifacts", false, digest("artifact", func(o *options) *change.Digest { return &o.attempt.Artifact })},
	{"target", "NAME", "where it goes, as the change names it", false, into(func(o *options) *string { return &o.attempt.Target })},
	{"attempt", "ID", "the caller's own id of a deployment, such as that of a pipeline run; the same again is the same", false, into(func(o *options) *string { return &o.attempt.ID })},
	{"outcome", "WORD", "how it ended: succeeded, partial, failed or rolled-back", false, setOutcome},
	{"passed", "", "all is well", false, choose(func(o *options) *bool { return &o.passed }, true)},
	{"failed", "", "all is not well", false, choose(func(o *options) *bool { return &o.passed }, false)},
	{"note", "TEXT", "what else is to be said of it", false, text("note", func(o *options) *string { return &o.note })},
	{"findings", "TEXT", "what was learnt", false, text("findings", func(o *options) *string { return &o.findings })},
	{"to", "STATE", "the new state: proposed, probation, active, suspended or retired", false, setState},
	{"because", "TEXT", "the reason, for the record", false, text("because", func(o *options) *string { return &o.because })},
	{"explain", "", "say it to a person", false, choose(func(o *options) *bool { return &o.explain }, true)},
	{"witness", "", "with a change that shows it, as a JSON line below, where there is one", false, choose(func(o *options) *bool { return &o.witness }, true)},
	{"text", "", "as a table for a person", false, choose(func(o *options) *bool { return &o.text }, true)},
	{"name", "NAME", "what the log is called in its checkpoints, such as changelane.example.com/prod", false, into(func(o *options) *string { return &o.name })},
	{"out", "FILE", "the file that the key is written to; it must not exist", false, into(func(o *options) *string { return &o.out })},
	{"key", "FILE", "the public key of whoever signs the log; without it nothing is authenticated", false, into(func(o *options) *string { return &o.key })},
	{"known", "FILE", "a checkpoint that was kept elsewhere, which the log must contain; may be given several times", true, func(o *options, v string) error { o.known = append(o.known, v); return nil }},
	{"copy", "", "the store is a copy that nobody writes to: no files beside it are needed", false, choose(func(o *options) *bool { return &o.copied }, true)},
	{"coverage", "", "what the cases show of the policy: rules, levels, templates, seats and each part of their conditions, both ways", false, choose(func(o *options) *bool { return &o.coverage }, true)},
	{"mutate", "", "what the cases would not notice: make many small changes to the policy, one at a time, and list those that no case fails on, with a case that would", false, choose(func(o *options) *bool { return &o.mutate }, true)},
	{"at-least", "PERCENT", "the percentage of the changes of -mutate that must be noticed; below it the status is 1", false, setAtLeast},
	{"boundaries", "FILE", "the file that cases around the numbers in conditions are written to, with today's answers, as unread; it must not exist", false, into(func(o *options) *string { return &o.boundaries })},
	{"counterfactual", "", "say too what the requester could do that would make it standard", false, choose(func(o *options) *bool { return &o.counterfactual }, true)},
	{"budget", "N", "the most assessments that -counterfactual searches with for each change; otherwise 20000", false, setBudget},
	{"attested", "", "the input comes from a party that may attest: take the data that it attests as observed", false, choose(func(o *options) *bool { return &o.attested }, true)},
	{"once", "KEY", "a key of the caller's: a command sent again with its key is done once", false, into(func(o *options) *string { return &o.once })},
	{"sign", "FILE", "a key: put new events into the log and sign it, when all else is done; FILE.checkpoint keeps what was signed", false, into(func(o *options) *string { return &o.sign })},
	{"at", "TIME", "when, as in 2026-11-23T10:00:00Z; otherwise now", false, setAt},
	{"timeout", "TIME", "how long to try to reach the store, as in 10s; otherwise 30s, and 10m for verify", false, setTimeout},
}

func flagNamed(name string) (flagSpec, bool) {
	i := slices.IndexFunc(specs, func(f flagSpec) bool { return f.name == name })
	if i < 0 {
		return flagSpec{}, false
	}
	return specs[i], true
}

func into(field func(*options) *string) setter {
	return func(o *options, value string) error {
		*field(o) = value
		return nil
	}
}

// text is for what people will read in the record.
func text(name string, field func(*options) *string) setter {
	return func(o *options, value string) error {
		*field(o) = value
		switch {
		case len(value) > change.MaxText:
			return fmt.Errorf("the flag -%s needs a text of at most %d bytes, not %d", name, change.MaxText, len(value))
		case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
			return fmt.Errorf("the flag -%s needs a text in UTF-8 without control characters, not %q", name, value)
		}
		return nil
	}
}

func choose(field func(*options) *bool, choice bool) setter {
	return func(o *options, _ string) error {
		*field(o) = choice
		return nil
	}
}

func digest(name string, field func(*options) *change.Digest) setter {
	return func(o *options, value string) error {
		d, err := change.ParseDigest(value)
		if err != nil {
			return fmt.Errorf("the flag -%s needs sha256: and 64 lower-case hex digits, not %q", name, value)
		}
		*field(o) = d
		return nil
	}
}

func setStore(o *options, value string) error {
	if strings.Contains(value, "://") {
		return fmt.Errorf("the flag -store takes no address such as %q yet; expected a file", value)
	}
	o.store = value
	return nil
}

func setWho(o *options, value string) error {
	if checkIdentity(value) != nil {
		return fmt.Errorf("the flag -as needs printable ASCII without spaces, such as idp|alice, not %q", value)
	}
	o.as = value
	return nil
}

var wholeNumber = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func setRevision(o *options, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || !wholeNumber.MatchString(value) {
		return fmt.Errorf("the flag -revision needs a number from 1 on, not %q", value)
	}
	o.revision = n
	return nil
}

func setAtLeast(o *options, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || !wholeNumber.MatchString(value) || n > 100 {
		return fmt.Errorf("the flag -at-least needs a percentage from 1 to 100 such as 90, not %q", value)
	}
	o.atLeast = n
	return nil
}

// mostBudget keeps a search within minutes, and in memory.
const mostBudget = 1_000_000

func setBudget(o *options, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || !wholeNumber.MatchString(value) || n > mostBudget {
		return fmt.Errorf("the flag -budget needs a number of assessments from 1 to %d such as 50000, not %q", mostBudget, value)
	}
	o.budget = n
	return nil
}

// strictTime is RFC 3339 where time.Parse takes more: hours of one digit,
// commas, and offsets of 24 hours.
var strictTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):\d\d)$`)

func parseTime(value string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, value)
	if err != nil || at.IsZero() || !strictTime.MatchString(value) {
		return time.Time{}, fmt.Errorf("is %q; expected a time such as 2026-11-23T10:00:00Z", value)
	}
	return at, nil
}

func setAt(o *options, value string) (err error) {
	if o.at, err = parseTime(value); err != nil {
		return fmt.Errorf("the flag -at needs a time such as 2026-11-23T10:00:00Z, not %q", value)
	}
	return nil
}

func setTimeout(o *options, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 || d > time.Hour {
		return fmt.Errorf("the flag -timeout needs a time up to an hour such as 10s, not %q", value)
	}
	o.timeout = d
	return nil
}

func setOutcome(o *options, value string) error {
	if o.outcome.UnmarshalText([]byte(value)) != nil {
		return fmt.Errorf("the flag -outcome needs succeeded, partial, failed or rolled-back, not %q", value)
	}
	return nil
}

func setState(o *options, value string) error {
	if o.to.UnmarshalText([]byte(value)) != nil {
		return fmt.Errorf("the flag -to needs proposed, probation, active, suspended or retired, not %q", value)
	}
	return nil
}
