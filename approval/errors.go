package approval

import (
	"errors"
	"fmt"

	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/rule"
	"github.com/changelane/changelane/risk"
)

// source is where something was read; the zero source was built in Go.
type source struct{ node *policyfile.Node }

// sources are where the parts of a definition without a place of their own
// were read.
type sources struct {
	policy, services, calendar source
	service                    map[string]source
}

// faults collects what is wrong with a policy.
type faults struct {
	all  risk.ParseErrors
	cost int // of the conditions compiled so far
}

// mostFaults is how many faults are told at once.
const mostFaults = 200

func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	if more := len(f.all) - mostFaults; more > 0 {
		return append(f.all[:mostFaults:mostFaults], &risk.ParseError{Message: fmt.Sprintf("and %d more", more)})
	}
	return f.all
}

func (f *faults) add(at source, format string, args ...any) {
	e := &risk.ParseError{Message: fmt.Sprintf(format, args...)}
	if at.node != nil {
		e.File, e.Line, e.Column = at.node.Pos.File, at.node.Pos.Line, at.node.Pos.Column
	}
	f.all = append(f.all, e)
}

// join takes over the faults of a part.
func (f *faults) join(err error) {
	var more risk.ParseErrors
	switch {
	case err == nil:
	case errors.As(err, &more):
		f.all = append(f.all, more...)
	default:
		f.all = append(f.all, &risk.ParseError{Message: err.Error()})
	}
}

// condition compiles a condition; its faults are at their own line and column.
func (f *faults) condition(v *risk.Vocabulary, text string, at source, what string, extras ...risk.Extra) *risk.Condition {
	c, err := v.Condition(text, extras...)
	if err == nil {
		f.cost += c.Cost()
		return c
	}
	message, pos := err.Error(), policyfile.Pos{}
	var re *rule.Error
	if errors.As(err, &re) {
		message = re.Message
		if at.node != nil {
			pos = at.node.Within(re.Line, re.Column)
		}
	}
	f.all = append(f.all, &risk.ParseError{File: pos.File, Line: pos.Line, Column: pos.Column, Message: what + ": " + message})
	return nil
}
