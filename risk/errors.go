package risk

import (
	"errors"
	"fmt"

	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/internal/rule"
)

// ParseError is one fault of a policy. File is "" for what was built in Go,
// and Line is 0 where there is no line to name.
type ParseError struct {
	File         string
	Line, Column int
	Rule         string // the rule at fault, if one is
	Message      string
}

// Error is the place and what is wrong there, in one line.
func (e *ParseError) Error() string {
	message := e.Sentence()
	switch {
	case e == nil:
		return message
	case e.File == "":
		return message
	case e.Line == 0:
		return e.File + ": " + message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, message)
}

// Sentence is what is wrong, without the place.
func (e *ParseError) Sentence() string {
	switch {
	case e == nil:
		return "there is no fault"
	case e.Rule != "":
		return fmt.Sprintf("rule %q: %s", e.Rule, e.Message)
	}
	return e.Message
}

// ParseErrors is every fault of a policy, in the order of its files.
type ParseErrors []*ParseError

// Error is the first fault, and how many more there are.
func (e ParseErrors) Error() string {
	switch len(e) {
	case 0:
		return "there is no fault"
	case 1:
		return e[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", e[0], len(e)-1)
}

// source is where something was read; the zero source was built in Go.
type source struct {
	file string // where there is no node
	node *policyfile.Node
}

// faults collects the faults of a definition.
type faults struct{ all ParseErrors }

func (f *faults) err() error {
	if len(f.all) == 0 {
		return nil
	}
	return f.all
}

func (f *faults) add(at source, id, format string, args ...any) {
	e := &ParseError{File: at.file, Rule: id, Message: fmt.Sprintf(format, args...)}
	if at.node != nil {
		e.File, e.Line, e.Column = at.node.Pos.File, at.node.Pos.Line, at.node.Pos.Column
	}
	f.all = append(f.all, e)
}

// expression adds a fault of an expression at its own line and column.
func (f *faults) expression(at source, id string, err error) {
	var re *rule.Error
	if !errors.As(err, &re) {
		f.add(at, id, "%v", err)
		return
	}
	f.add(at, id, "%s", re.Message)
	if at.node != nil {
		pos := at.node.Within(re.Line, re.Column)
		last := f.all[len(f.all)-1]
		last.Line, last.Column = pos.Line, pos.Column
	}
}
