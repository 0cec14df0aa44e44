// Command quickstart classifies real changes, and shows what a policy would
// have made of them: which could have gone out as standard changes, who would
// have had to say yes to the others, and how each of them turned out.
//
//	go run ./examples/quickstart               changes of a real production configuration
//	go run ./examples/quickstart -repo DIR     the history of any git repository
//
// Then it takes the first kind through their whole life on a record: submitted,
// authorised or voted on, started, reported, reviewed, verified. It uses nothing
// but the public packages.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/changelane/changelane/approval"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // the history could not be read, or the result not written
	exitMisuse = 3 // the command line makes no sense
)

const usage = `Usage: quickstart [-all] [-record DIR] [-repo DIR [-n COMMITS]]

Classifies changes whose outcome is known, each at its own time, and shows what
came of them: by default 600 changes of a real production configuration. These
are then taken through their life once more, on a record that can be verified.

  -repo DIR   take the git history of DIR instead; what was reverted later failed
  -n COMMITS  with -repo: the newest so many commits, 2000 unless told, 0 for all
  -all        show every change, not a choice of them
  -record DIR where the record is kept; without it in a new temporary folder
`

// options are what the command line says.
type options struct {
	repo  string
	limit int // of commits; 0: all
	all   bool
	dir   string // of the record; "": a new temporary one
}

// clock is where the program reads the time from, so that tests are exact.
type clock func() time.Time

func run(args []string, stdout, stderr io.Writer) int {
	return runAt(args, stdout, stderr, time.Now)
}

func runAt(args []string, stdout, stderr io.Writer, now clock) int {
	opts, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(stdout, usage)
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v; run it with -h to see what there is\n", err)
		return exitMisuse
	}
	err = show(opts, stdout, newProgress(stderr, now), now)
	var empty nothing
	if errors.As(err, &empty) {
		fmt.Fprintf(stdout, "%v\n", empty)
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitFailed
	}
	return exitDone
}

// parse reads the command line.
func parse(args []string) (options, error) {
	var opts options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&opts.repo, "repo", "", "")
	flags.IntVar(&opts.limit, "n", 2000, "")
	flags.BoolVar(&opts.all, "all", false, "")
	flags.StringVar(&opts.dir, "record", "", "")
	if err := flags.Parse(args); err != nil {
		return opts, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case flags.NArg() > 0:
		return opts, fmt.Errorf("%.80q is not expected; a repository is named with -repo", flags.Arg(0))
	case given["repo"] && opts.repo == "":
		return opts, errors.New("-repo needs the folder of a git repository")
	case given["n"] && !given["repo"]:
		return opts, errors.New("-n counts the commits of a repository, so it needs -repo")
	case opts.dir != "" && opts.repo != "":
		return opts, errors.New("-record goes with the shipped changes; the history of a repository is only classified")
	case opts.limit < 0:
		return opts, fmt.Errorf("-n cannot be %d; it counts commits, and 0 takes all of them", opts.limit)
	}
	return opts, nil
}

// show classifies the changes of a source and prints what came of them.
func show(opts options, stdout io.Writer, p *progress, now clock) error {
	var src *source
	var err error
	if opts.repo == "" {
		src, err = shipped()
	} else {
		src, err = fromRepository(opts.repo, opts.limit, p)
	}
	if err != nil {
		return err
	}
	r := newReport(stdout, src, opts.all)
	var kept []sample
	for s, err := range src.changes {
		if err != nil {
			return err
		}
		start := now()
		c := src.policy.Classify(s.change, approval.Inputs{At: s.at})
		r.add(s, c, now().Sub(start))
		p.tick(r.totals.changes())
		if opts.repo == "" {
			kept = append(kept, s)
		}
	}
	r.classified()
	if len(kept) > 0 {
		if err := onRecord(r, opts.dir, kept, now); err != nil {
			return err
		}
	}
	return r.finish()
}

// onRecord takes the changes through their life, in a folder of its own unless
// one is named.
func onRecord(r *report, dir string, samples []sample, now clock) (err error) {
	if dir == "" {
		dir, err = os.MkdirTemp("", "changelane-")
	} else {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("there is no folder for the record: %w", err)
	}
	return tell(r, dir, samples, now)
}
