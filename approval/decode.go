package approval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
)

// ErrErased is in the chain of the error of [DecodeEvent] when personal data
// of the event have been erased: nobody can read it any more, and that is as it
// was meant. The error is an [*ErasedError].
var ErrErased = errors.New("personal data have been erased")

// ErasedError says which personal data are not there any more.
type ErasedError struct {
	Type  string   // of the event
	Names []string // in order
}

// Error is one sentence.
func (e *ErasedError) Error() string {
	return fmt.Sprintf("%s cannot be read: %s: %v", e.Type, strings.Join(e.Names, ", "), ErrErased)
}

// Unwrap is [ErrErased].
func (e *ErasedError) Unwrap() error { return ErrErased }

// DecodeEvent is the inverse of [EncodeEvent]. It refuses whatever EncodeEvent
// would not have written: unknown types and members, values in another form,
// a digest that is not that of the change.
func DecodeEvent(e Encoded) (Event, error) {
	read, known := readers[e.Type]
	if !known {
		return nil, unknownType(e.Type, slices.Sorted(maps.Keys(readers)))
	}
	r := &reader{from: e, read: map[string]bool{}}
	event := read(r)
	if err := r.end(); err != nil {
		return nil, err
	}
	again, err := encode(event)
	if err == nil {
		err = e.same(again)
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", e.Type, err)
	}
	return event, nil
}

// DecodeTemplate is the inverse of [EncodeTemplate], as strict as
// [DecodeEvent].
func DecodeTemplate(e Encoded) (TemplateSet, error) {
	if e.Type != typeTemplateSet {
		return TemplateSet{}, unknownType(e.Type, []string{typeTemplateSet})
	}
	r := &reader{from: e, read: map[string]bool{}}
	var body templateBody
	r.body(&body)
	out := TemplateSet{Status: TemplateStatus(body)}
	r.personal("by", &out.By)
	r.personal("because", &out.Because)
	if err := r.end(); err != nil {
		return TemplateSet{}, err
	}
	again, err := EncodeTemplate(out)
	if err == nil {
		err = e.same(again)
	}
	if err != nil {
		return TemplateSet{}, fmt.Errorf("%s cannot be read: %w", e.Type, err)
	}
	return out, nil
}

func unknownType(name string, known []string) error {
	return fmt.Errorf("there is no event of the type %.80q in this version%s", name, nearest.Hint(name, known))
}

// same refuses what would be written otherwise: whatever it says, it was not
// written by this library.
func (e Encoded) same(again Encoded) error {
	if !bytes.Equal(e.Body, again.Body) {
		return errors.New("its body is not in the form in which it is written")
	}
	for _, name := range slices.Sorted(maps.Keys(e.Personal)) {
		if !bytes.Equal(e.Personal[name], again.Personal[name]) {
			return fmt.Errorf("%s is not in the form in which it is written", name)
		}
	}
	return nil
}

// reader reads the parts of an event; the first fault stays.
type reader struct {
	from   Encoded
	read   map[string]bool
	erased []string
	err    error
}

func (r *reader) body(into any) { r.part("its body", r.from.Body, into) }

// personal reads a personal datum; what has been erased leaves into as it is.
func (r *reader) personal(name string, into any) {
	if data, there := r.datum(name); there {
		r.part(name, data, into)
	}
}

func (r *reader) datum(name string) ([]byte, bool) {
	data, there := r.from.Personal[name]
	r.read[name] = true
	if !there {
		r.erased = append(r.erased, name)
	}
	return data, there
}

func (r *reader) part(what string, data []byte, into any) {
	canonical, err := canonicalJSON(data)
	if err == nil && !bytes.Equal(canonical, data) {
		err = errors.New("it is not in canonical form (RFC 8785)")
	}
	if err == nil {
		err = strictly(data, into)
	}
	r.fail(what, err)
}

func (r *reader) fail(what string, err error) {
	if r.err == nil && err != nil {
		r.err = fmt.Errorf("%s cannot be read: %s: %w", r.from.Type, what, err)
	}
}

// end is the first fault, or that of data that nobody has asked for, or that
// there are none any more.
func (r *reader) end() error {
	for _, name := range slices.Sorted(maps.Keys(r.from.Personal)) {
		if !r.read[name] {
			r.fail(fmt.Sprintf("%.80q", name), errors.New("there is no such datum in an event of this type"))
		}
	}
	if r.err == nil && len(r.erased) > 0 {
		slices.Sort(r.erased)
		return &ErasedError{r.from.Type, r.erased}
	}
	return r.err
}

// strictly decodes JSON that schema.Parse has looked at, and refuses members
// that into does not have.
func strictly(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// readForm reads canonical JSON that must be the form of what was read.
func readForm(data []byte, into any) error {
	if err := strictly(data, into); err != nil {
		return err
	}
	if again, err := canonicalForm(into); err != nil || !bytes.Equal(again, data) {
		return errors.New("a member is empty, null or misspelt; leave it out")
	}
	return nil
}

// readers read the events by type.
var readers = map[string]func(*reader) Event{
	typeSubmitted: func(r *reader) Event { return Submitted{r.content()} },
	typeEdited:    func(r *reader) Event { return Edited{r.content()} },
	typeReclassified: func(r *reader) Event {
		var body reclassifiedBody
		r.body(&body)
		return Reclassified{r.ruling(body.Ruling), time.Time(body.NotAfter)}
	},
	typeVoted: func(r *reader) Event { return Voted{r.vote()} },
	typeWithdrawn: func(r *reader) Event {
		r.body(&struct{}{})
		return Withdrawn{r.by()}
	},
	typeDecided: func(r *reader) Event {
		var body decidedBody
		r.body(&body)
		return Decided{body.Decision, listOf[string](r, "counted"), time.Time(body.NotAfter)}
	},
	typeCalledOff: func(r *reader) Event {
		r.body(&struct{}{})
		return CalledOff{r.by(), r.text("reason")}
	},
	typeLapsed: func(r *reader) Event {
		r.body(&struct{}{})
		return Lapsed{}
	},
	typeStarted: func(r *reader) Event {
		var body startedBody
		r.body(&body)
		a := Attempt{ID: body.Attempt, Artifact: change.Digest(r.text("artifact")), Target: body.Target}
		return Started{r.by(), a, body.Backout, time.Time(body.ReportBy)}
	},
	typeReported: func(r *reader) Event {
		var body reportedBody
		r.body(&body)
		return Reported{r.by(), body.Attempt, body.Outcome, r.text("note"), time.Time(body.ReviewBy)}
	},
	typeValidated: func(r *reader) Event {
		var body validatedBody
		r.body(&body)
		return Validated{r.by(), body.Passed, r.text("note"), time.Time(body.ReviewBy)}
	},
	typeReviewed: func(r *reader) Event {
		r.body(&struct{}{})
		return Reviewed{r.by(), r.text("findings")}
	},
	typeClosed: func(r *reader) Event {
		r.body(&struct{}{})
		return Closed{}
	},
	typeDiscovered: func(r *reader) Event {
		var body discoveredBody
		r.body(&body)
		return Discovered{r.by(), body.Deployment.deployment(r.text("note")), time.Time(body.ReviewBy)}
	},
}

func (r *reader) by() (a Actor) {
	r.personal("by", &a)
	return a
}

func (r *reader) text(name string) (text string) {
	r.personal(name, &text)
	return text
}

// listOf reads a list; an empty one is nil.
func listOf[T any](r *reader, name string) (list []T) {
	if r.personal(name, &list); len(list) == 0 {
		return nil
	}
	return list
}

func (r *reader) content() Content {
	var body contentBody
	r.body(&body)
	out := Content{By: r.by(), Revision: body.Revision, NotAfter: time.Time(body.NotAfter), Ruling: r.ruling(body.Ruling)}
	r.personal("digest", &out.Digest)
	out.Contributors = listOf[Actor](r, "contributors")
	if data, there := r.datum("change"); there {
		var err error
		out.Change, err = change.Decode(data, &change.DecodeOptions{Attested: true})
		r.fail("change", err)
	}
	return out
}

func (r *reader) ruling(body rulingBody) Ruling {
	var line json.RawMessage
	var onCall []onCallForm
	r.personal("classification", &line)
	r.personal("on_call", &onCall)
	return body.ruling(line, onCall)
}

func (r *reader) vote() Vote {
	var body votedBody
	r.body(&body)
	out := Vote{By: r.by(), Revision: body.Revision, Choice: body.Choice, NotAfter: time.Time(body.NotAfter), Comment: r.text("comment")}
	r.personal("digest", &out.Digest)
	for _, s := range body.Holds {
		out.Holds = append(out.Holds, Seat(s))
	}
	return out
}
