package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// classify answers every change with one line of JSON: its classification, or
// with -counterfactual what would make it standard.
func classify(c call) int {
	var line, escaped []byte
	return answer(c, func(w io.Writer, _ int, got answered) (err error) {
		if c.counterfactual {
			line, err = json.Marshal(got.counterfactual)
		} else {
			line, err = got.AppendJSON(line[:0])
		}
		if err != nil {
			return err
		}
		safe := bytes.NewBuffer(escaped[:0])
		json.HTMLEscape(safe, append(line, '\n'))
		escaped = safe.Bytes()
		_, err = w.Write(escaped)
		return err
	})
}

// explain answers every change in words; an empty line stands between two.
func explain(c call) int {
	return answer(c, func(w io.Writer, before int, got answered) error {
		if before > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		text := got.Explain()
		if c.counterfactual && got.Type != change.Unclassified {
			text += "\n" + got.counterfactual.Explain(mostWays)
		}
		for line := range strings.Lines(text) {
			if _, err := fmt.Fprintln(w, plain(strings.TrimSuffix(line, "\n"), len(line))); err != nil {
				return err
			}
		}
		return nil
	})
}

// mostWays is how many ways of making a change standard a person is shown.
const mostWays = 5

// answered is the answer to one input, with the counterfactual where that was
// asked for.
type answered struct {
	approval.Classification
	counterfactual approval.Counterfactual
}

// answers are what comes of the inputs of one call.
type answers struct {
	call
	policy  *approval.Policy
	out     *bufio.Writer
	show    func(w io.Writer, before int, got answered) error
	shown   int
	refused bool
}

func answer(c call, show func(io.Writer, int, answered) error) int {
	if !c.somethingToRead() {
		return exitUsage
	}
	policy, ok := load(c)
	if !ok {
		return exitUsage
	}
	a := &answers{call: c, policy: policy, out: bufio.NewWriterSize(c.stdout, 64<<10), show: show}
	if err := c.read(a.out, a.record); err != nil {
		return lost(c, err)
	}
	if err := a.out.Flush(); err != nil {
		return lost(c, err)
	}
	if a.refused {
		return exitRefused
	}
	return exitDone
}

// lost ends a call whose output cannot be written; a reader that went away
// needs no explanation.
func lost(c call, err error) int {
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, io.ErrClosedPipe) {
		say(c.stderr, "changelane: the output cannot be written: "+cause(err)+"; what came so far is not complete")
	}
	return exitRefused
}

// record answers one input.
func (a *answers) record(name string, rec record) error {
	if rec.err != nil {
		return a.refuse(name, rec, rec.err)
	}
	if isList(rec.data) {
		return a.refuse(name, rec, errList)
	}
	in := approval.Inputs{At: a.now()}
	got := a.policy.ClassifyJSON(rec.data, a.decoding(), in)
	if got.Err != nil {
		return a.refuse(name, rec, a.remedy(got.Err))
	}
	if !a.counterfactual {
		return a.write(answered{Classification: got})
	}
	c, err := change.Decode(rec.data, a.decoding())
	if err != nil {
		return a.refuse(name, rec, err)
	}
	return a.write(answered{got, a.policy.Counterfactual(c, in, &approval.CounterfactualOptions{Budget: a.budget})})
}

// refuse answers an input that cannot be classified, and says why on standard
// error as well.
func (a *answers) refuse(name string, rec record, err error) error {
	a.refused = true
	why := sentence(name, rec.line, err)
	say(a.stderr, why)
	got := a.policy.Unclassified(idOf(rec.data), a.now(), errors.New(why))
	return a.write(answered{got, approval.Counterfactual{Now: got, Blockers: []string{why}, Complete: true}})
}

func (a *answers) write(got answered) error {
	err := a.show(a.out, a.shown, got)
	a.shown++
	return err
}
