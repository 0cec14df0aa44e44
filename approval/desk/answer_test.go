package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
)

// recorder is a store that remembers the last batch with a command.
type recorder struct {
	audit.Store
	last audit.Batch
}

func (r *recorder) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	if b.Command != "" {
		r.last = b
	}
	return r.Store.Commit(ctx, b)
}

// forger is a store that somebody has put an answer into: for those who load
// it, or for those who commit.
type forger struct {
	audit.Store
	command string
	forged  audit.Answered
	late    bool // only found by a commit
}

func (f forger) Load(ctx context.Context, r audit.LoadRequest) (audit.Loaded, error) {
	l, err := f.Store.Load(ctx, r)
	if r.Command == f.command && r.Command != "" && !f.late {
		l.Answer = &f.forged
	}
	return l, err
}

func (f forger) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	if b.Command == f.command && f.late {
		if b.Request != f.forged.Request {
			return audit.Committed{}, &audit.CommandReusedError{Command: b.Command}
		}
		return audit.Committed{Replayed: true, Answer: f.forged.Answer}, nil
	}
	return f.Store.Commit(ctx, b)
}

// TestINV35ForgedAnswers: an answer that somebody has put beside the record
// makes no command done that the record has not, whatever it says.
func TestINV35ForgedAnswers(t *testing.T) {
	for _, v := range verbs() {
		// What a true one looks like, from an office where it was done.
		there := open(t)
		v.setup(there)
		r := &recorder{Store: there.Store}
		must[approval.Case](t)(v.do(there.over(r, there.Directory, desk.Options{}), t.Context(), "key-1", false))

		o := open(t)
		v.setup(o)
		if v.name != "submit" {
			o.approved("CHG-2")
			must[approval.Run](t)(o.Desk.Start(t.Context(), robot, "CHG-2", attempt("run-1", "prod/eu")))
		}
		var own string
		for _, w := range r.last.Writes {
			own = w.Key.ID
		}
		events := o.events()
		answers := [][]byte{r.last.Answer, nil, []byte("{}"), []byte("null"), []byte(`{"case":""}`)}
		for _, id := range []string{own, "CHG-1", "CHG-2"} {
			for version := range 7 {
				answers = append(answers, must[[]byte](t)(json.Marshal(map[string]any{"case": id, "version": version})))
			}
		}
		for _, text := range answers {
			for _, late := range []bool{false, true} {
				f := forger{o.Store, r.last.Command, audit.Answered{Request: r.last.Request, Answer: text}, late}
				c, err := v.do(o.over(f, o.Directory, desk.Options{}), t.Context(), "key-1", false)
				if !errors.Is(err, audit.ErrTampered) || c.Version != 0 {
					t.Errorf("%s, answered by %s (late: %t): %v", v.name, text, late, err)
				}
			}
		}
		if n := o.events(); n != events {
			t.Errorf("%s: %d events were recorded", v.name, n-events)
		}
		must[approval.Case](t)(v.do(o.Desk, t.Context(), "key-1", false))
	}
}

// TestINV20ForgedGo: a forged answer starts nothing that is not decided, also
// where another case has started just that.
func TestINV20ForgedGo(t *testing.T) {
	o, ctx := open(t), t.Context()
	o.approved("CHG-2")
	r := &recorder{Store: o.Store}
	a := attempt("run-7", "prod/eu")
	must[approval.Run](t)(o.over(r, o.Directory, desk.Options{}).Start(ctx, robot, "CHG-2", a))
	o.submitted("CHG-3")
	copied := forger{o.Store, "start:CHG-3:run-7", audit.Answered{Request: r.last.Request, Answer: r.last.Answer}, false}
	if run, err := o.over(copied, o.Directory, desk.Options{}).Start(ctx, robot, "CHG-3", a); !errors.Is(err, audit.ErrCommandReused) || run.ID != "" {
		t.Errorf("the answer of another case: %+v, %v", run, err)
	}
	_, err := o.Desk.Start(ctx, robot, "CHG-3", a)
	refusedFor(t, err, approval.NotDecided)
}

// TestINV22ForgedSetting: a forged answer does not keep a template in force
// that somebody takes out of it.
func TestINV22ForgedSetting(t *testing.T) {
	set := func(d *desk.Desk, because string) error {
		return d.SetTemplate(t.Context(), bob, "rolling", approval.Suspended, because, &desk.CommandOptions{Key: "k"})
	}
	there := open(t)
	there.activate()
	r := &recorder{Store: there.Store}
	if err := set(there.over(r, there.Directory, desk.Options{}), "it hurts"); err != nil {
		t.Fatal(err)
	}
	o := open(t)
	o.activate()
	for _, late := range []bool{false, true} {
		f := forger{o.Store, r.last.Command, audit.Answered{Request: r.last.Request, Answer: r.last.Answer}, late}
		err := set(o.over(f, o.Directory, desk.Options{Retries: 1}), "it hurts")
		if want := pick(late, audit.ErrTampered, audit.ErrStale); !errors.Is(err, want) {
			t.Errorf("late: %t: %v", late, err)
		}
	}
	if s := must[map[string]approval.TemplateStatus](t)(o.Desk.Templates(t.Context())); s["rolling"].State != approval.Active {
		t.Errorf("it is %s", s["rolling"].State)
	}
	for range 2 {
		if err := set(o.Desk, "it hurts"); err != nil {
			t.Error(err)
		}
	}
	o.wantTemplateEvents(2)
}

func (o *office) wantTemplateEvents(want uint64) {
	o.t.Helper()
	k := audit.Key{Tenant: "default", Kind: desk.KindTemplate, ID: "rolling"}
	l := must[audit.Loaded](o.t)(o.Store.Load(o.t.Context(), audit.LoadRequest{Tenant: "default", Keys: []audit.Key{k}}))
	if got := l.Records[0].Version; got != want {
		o.t.Errorf("the template has had %d events; want %d", got, want)
	}
}
