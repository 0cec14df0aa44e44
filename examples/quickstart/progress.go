package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// progress says on stderr how far long work has come: a line every few
// seconds, the first after two; on a terminal the beginning too. It has no
// timer: whoever works asks it now and then.
type progress struct {
	out   io.Writer
	now   clock
	shown time.Time // when the last line was shown
	every time.Duration
	total int // commits to read, if known
}

func newProgress(out io.Writer, now clock) *progress {
	return &progress{out: out, now: now, shown: now(), every: 2 * time.Second}
}

// begin announces work that may be long.
func (p *progress) begin(what string) {
	if isTerminal(p.out) {
		fmt.Fprintln(p.out, what)
	}
}

// tick notes that so many changes are done.
func (p *progress) tick(done int) {
	if done%64 != 0 { // reading the clock is not free
		return
	}
	if now := p.now(); now.Sub(p.shown) >= p.every {
		p.shown = now
		of := ""
		if p.total > 0 {
			of = " of " + thousands(p.total)
		}
		fmt.Fprintf(p.out, "%s%s classified ...\n", thousands(done), of)
	}
}

// isTerminal reports whether w is a device that people look at.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
