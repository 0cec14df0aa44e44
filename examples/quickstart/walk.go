package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
	"github.com/changelane/changelane/change"
)

// walk takes changes through their whole life at a desk that keeps its record
// in a file: submitted, authorised or queued, voted on, started, reported,
// reviewed, verified.
type walk struct {
	ctx   context.Context
	desk  *desk.Desk
	store *sqlstore.Store
	key   audit.Signer
	time  time.Time // of the demonstration: that of each change, not of today
	now   clock     // of this program, to measure with

	file, publicKey string
	submitted       []float64 // seconds from request to durable answer
	authorised      int
	failed          int
}

// The names of the files that stay when the program has ended.
const (
	recordFile = "record.db"
	keyFile    = "record.pub"
	logName    = "quickstart.example/record"
)

// newWalk opens a desk on a new record in a folder. The signing key is kept
// nowhere: when the program ends, nobody can sign for this log any more.
func newWalk(dir string, src *source, now clock) (*walk, error) {
	w := &walk{ctx: context.Background(), now: now, file: filepath.Join(dir, recordFile), publicKey: filepath.Join(dir, keyFile)}
	if _, err := os.Stat(w.file); err == nil {
		return nil, fmt.Errorf("%s is there already; name another folder, or none", w.file)
	}
	signing, verifying, err := audit.GenerateKey(logName)
	if err != nil {
		return nil, err
	}
	if w.key, err = audit.NewSigner(signing); err != nil {
		return nil, err
	}
	if err := os.WriteFile(w.publicKey, []byte(verifying+"\n"), 0o644); err != nil {
		return nil, err
	}
	if w.store, err = sqlite.Open(w.ctx, w.file, nil); err != nil {
		return nil, err
	}
	w.desk, err = desk.New(w.store, src.policy, staff{src.policy}, &desk.Options{Now: func() time.Time { return w.time }, Signer: w.key})
	if err != nil {
		return nil, errors.Join(err, w.store.Close())
	}
	return w, nil
}

func (w *walk) close() error { return errors.Join(w.desk.Close(), w.store.Close()) }

// adopt puts the templates of the policy into force, as the board that is said
// to have approved them.
func (w *walk) adopt(p *approval.Policy, at time.Time) error {
	w.time = at
	for _, t := range p.Templates() {
		because := "approved as " + t.Approved.Ref
		if err := w.desk.SetTemplate(w.ctx, "board/1", t.ID, approval.Active, because, nil); err != nil {
			return err
		}
	}
	return nil
}

// take submits a change at its time. What is authorised at once is started by
// its team and reported as it really went.
func (w *walk) take(s sample) error {
	w.time = s.at
	who := s.change.Requester.ID
	if s.change.Claim != nil {
		who = s.change.Claim.By // the on-call team's pipeline sends it, and claims
	}
	began := w.now()
	c, err := w.desk.Submit(w.ctx, who, s.change)
	if err != nil {
		return err
	}
	w.submitted = append(w.submitted, w.now().Sub(began).Seconds())
	if c.Decision != approval.Authorized {
		return nil
	}
	w.authorised++
	if s.failed {
		w.failed++
	}
	_, err = w.ship(c, s.failed)
	return err
}

// ship starts an authorised change as its deployer, and says how it went.
func (w *walk) ship(c approval.Case, failed bool) (approval.Case, error) {
	who, attempt := w.deployer(c), approval.Attempt{ID: "run-" + c.ID, Artifact: c.Digest}
	w.time = w.time.Add(time.Minute)
	if _, err := w.desk.Start(w.ctx, who, c.ID, attempt); err != nil {
		return c, err
	}
	w.time = w.time.Add(20 * time.Minute)
	report := desk.Report{Attempt: attempt.ID, Outcome: approval.Succeeded}
	if failed {
		report.Outcome, report.Note = approval.RolledBack, "taken back within seven days"
	}
	return w.desk.Report(w.ctx, who, c.ID, report, nil)
}

// deployer is who deploys under the operating model of a case.
func (w *walk) deployer(c approval.Case) string {
	if c.Ruling.Model.Deploys == change.AppSupport {
		return "support/1"
	}
	service, _ := w.desk.Policy().Service(c.Change.Service)
	return "team/" + service.Team
}

// queue lists what stands in a queue.
func (w *walk) queue(name string) (out []approval.Case, err error) {
	for c, err := range w.desk.Queue(w.ctx, name) {
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// check puts what was recorded into the log, and verifies it.
func (w *walk) check() (audit.Report, error) {
	if _, err := w.desk.Tick(w.ctx); err != nil {
		return audit.Report{}, err
	}
	return w.audit()
}

// audit verifies the file as an auditor does: from a handle that cannot write,
// with the public key.
func (w *walk) audit() (report audit.Report, err error) {
	key, err := os.ReadFile(w.publicKey)
	if err != nil {
		return report, err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		return report, err
	}
	copied, err := sqlite.Open(w.ctx, w.file, &sqlite.Options{ReadOnly: true})
	if err != nil {
		return report, err
	}
	defer copied.Close()
	return desk.Verify(w.ctx, copied, "default", &audit.VerifyOptions{Verifier: verifier})
}

// spot finds where in the file an event of a case lies: the number of its third
// event, which is a vote.
func (w *walk) spot(id string) (int, error) {
	data, err := os.ReadFile(w.file)
	if err != nil {
		return 0, err
	}
	head := fmt.Sprintf("id %d:%s\nseq 1:", len(id), id)
	at := bytes.Index(data, []byte(head+"3\n"))
	if at < 0 {
		return 0, fmt.Errorf("no event of %s lies in %s", id, w.file)
	}
	return at + len(head), nil
}
