package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
		return verdict{id, answer, []reason{{code, err.Error()}}, status}
	}
	var refused *approval.Refused
	var bad badInput
	var problems change.Problems
	switch {
	case err == nil:
		return verdict{ID: id, Answer: "yes", status: exitDone}
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
