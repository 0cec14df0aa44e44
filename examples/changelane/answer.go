package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

// verdict is the line of an answer that is about a question more than about a
// case; its members keep their order.
type verdict struct {
	ID      string   `json:"id"`
	Answer  string   `json:"answer"`
	Reasons []reason `json:"reasons,omitzero"`

	status int
}

type reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// badInput is what cannot be asked at all.
type badInput string

func (b badInput) Error() string { return string(b) }

// judge says what the error of a command means to a pipeline. What is not known
// for certain to be a no is none, and what is not nil is never a yes.
func judge(id string, err error) verdict {
	alone := func(answer string, status int, code string) verdict {
		return verdict{id, answer, []reason{{code, inWords(err)}}, status}
	}
	var refused *approval.Refused
	var bad badInput
	var problems change.Problems
	var unsigned notSigned
	switch {
	case err == nil:
		return verdict{ID: id, Answer: "yes", status: exitDone}
	case errors.As(err, &unsigned):
		return alone("unreachable", exitUnreachable, "not-signed")
	case errors.Is(err, audit.ErrOutcomeUnknown):
		return alone("unknown", exitUnknown, "outcome-unknown")
	case errors.As(err, &refused) && refused.Has(approval.Unassessed):
		return alone("refused", exitRefused, approval.Unassessed.String())
	case errors.As(err, &refused):
		v := verdict{ID: id, Answer: "denied", status: exitDenied}
		if refused.Waiting {
			v.Answer, v.status = "waiting", exitWaiting
		}
		for _, r := range refused.Reasons {
			v.Reasons = append(v.Reasons, reason{r.Code.String(), r.Text})
		}
		return v
	case errors.Is(err, audit.ErrNotFound):
		return alone("denied", exitDenied, "not-found")
	case errors.Is(err, audit.ErrCommandReused):
		return alone("denied", exitDenied, "key-reused")
	case errors.Is(err, desk.ErrUnknownPerson):
		return alone("denied", exitDenied, approval.NotEntitled.String())
	case errors.As(err, &bad), errors.As(err, &problems), errors.Is(err, audit.ErrInvalid):
		return alone("refused", exitRefused, "invalid")
	default:
		return alone("unreachable", exitUnreachable, "unreachable")
	}
}

// inWords is an error of the store in the terms of the command, where the
// library has others.
func inWords(err error) string {
	if errors.Is(err, audit.ErrOutcomeUnknown) {
		return err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the store has given no answer in time; try again, or give it longer with -timeout"
	}
	if errors.Is(err, audit.ErrSchema) {
		// What follows is for whoever writes a program.
		what, _, _ := strings.Cut(err.Error(), " (run ")
		if strings.HasPrefix(what, "it is not a store") {
			what += "; expected the file of a store, which submit makes"
		}
		return what
	}
	failed, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	if !ok {
		return cause(err)
	}
	const primary = 0xff // of a result code of SQLite
	text, known := faults[failed.Code()&primary]
	if !known {
		return err.Error()
	}
	return text
}

const (
	locked = "another program is writing to the store and has not finished in time; try again"
	closed = "this account may not open it, write to it, or make the files beside it that belong to it; \"changelane verify -copy\" reads a copy without them"
)

// faults are the result codes of SQLite that users bring about.
var faults = map[int]string{
	5:  locked,
	6:  locked,
	8:  closed,
	10: "the disk has failed to read or to write",
	11: "the file is damaged",
	13: "the disk is full",
	14: closed,
	26: "the file is no store, or it is damaged; expected the file of a store, which submit makes",
}

// jsonLine is a value as one line of JSON in which everything is printable:
// what comes from others cannot move a cursor where the line is shown.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	var out []byte
	for text := bytes.TrimSuffix(b.Bytes(), []byte{'\n'}); len(text) > 0; {
		r, size := utf8.DecodeRune(text)
		switch {
		case unicode.IsPrint(r):
			out = append(out, text[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			// Package json escapes control characters below U+0020 itself.
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return append(out, '\n'), nil
}
