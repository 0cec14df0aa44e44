package main

import (
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// caseLine is a case in short, as commands answer with it; its members keep
// their order.
type caseLine struct {
	ID       string             `json:"id"`
	Service  string             `json:"service"`
	Type     change.Type        `json:"type"`
	Level    string             `json:"level"`
	Model    string             `json:"model,omitzero"` // the operating model that it came in under
	By       string             `json:"requester,omitzero"`
	At       time.Time          `json:"submitted_at"`
	Window   *change.Window     `json:"window,omitzero"`   // its planned time
	Decision *approval.Decision `json:"decision,omitzero"` // absent where there is nothing to decide
	Revision int                `json:"revision"`
	Digest   change.Digest      `json:"digest"`
	Needs    string             `json:"needs"`
	Queues   []string           `json:"queues"`
	Waits    []string           `json:"waits"`
	NotAfter *time.Time         `json:"not_after,omitzero"`
	Closed   bool               `json:"closed"`
}

func newCaseLine(c approval.Case) caseLine {
	l := caseLine{ID: c.ID, Type: c.Ruling.Type, Level: c.Ruling.Level, Revision: c.Revision, Digest: c.Digest,
		Model: c.Ruling.Model.Name, At: c.SubmittedAt, Window: c.Ruling.Window, Needs: needs(c), Queues: []string{}, Waits: append([]string{}, c.Waits()...), Closed: c.Closed}
	l.Service = service(c)
	if c.Discovered == nil {
		l.Decision = &c.Decision
	}
	if c.Change != nil {
		l.By = c.Change.Requester.ID
	}
	for _, place := range c.Queues() {
		l.Queues = append(l.Queues, place.Queue)
	}
	if !c.NotAfter.IsZero() {
		l.NotAfter = &c.NotAfter
	}
	return l
}

func service(c approval.Case) string {
	switch {
	case c.Change != nil:
		return c.Change.Service
	case c.Discovered != nil:
		return c.Discovered.Service
	}
	return ""
}

// needs is who must say yes, in words; "" for a deployment that was found.
func needs(c approval.Case) string {
	if c.Ruling.Requirement == nil {
		return ""
	}
	return c.Ruling.Requirement.String()
}
