package sqlite_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"golang.org/x/mod/sumdb/note"
)

// specimen is a file with its write-ahead log, what is in them, and what is
// known of it elsewhere.
type specimen struct {
	main, wal  []byte
	dump       string
	checkpoint []byte
	verifier   note.Verifier
	commands   []string
}

// newSpecimen writes records, one half of them in the file and the other in the
// write-ahead log, and puts all of them under a checkpoint.
func newSpecimen(t *testing.T) *specimen {
	t.Helper()
	signing, verifying, err := audit.GenerateKey("example.com/test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := audit.NewSigner(signing)
	if err != nil {
		t.Fatal(err)
	}
	sp := &specimen{}
	if sp.verifier, err = note.NewVerifier(verifying); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "record.db")
	for half := range 2 {
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			command := fmt.Sprintf("note %d-%d %s", half, i, strings.Repeat("z", i))
			if err := resend(t.Context(), s, fmt.Sprint("case ", i%25), command, nil); err != nil {
				t.Fatal(err)
			}
			sp.commands = append(sp.commands, command)
		}
		progress, err := audit.Sequence(t.Context(), s, tenant, signer, nil)
		if err != nil {
			t.Fatal(err)
		}
		sp.checkpoint = progress.Checkpoint
		if half == 1 { // while it is open, as closing empties the write-ahead log
			sp.main, sp.wal = readFile(t, path), readFile(t, path+"-wal")
			if sp.dump, err = dump(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return sp
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// dump is all records with their events, the log, and the list that the
// records stand in.
func dump(ctx context.Context, s audit.Store) (string, error) {
	var out strings.Builder
	for r, err := range s.List(ctx, audit.ListRequest{Tenant: tenant}) {
		if err != nil {
			return "", err
		}
		found, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{r.Key}, Events: true})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%q %+v\n", r.State, found)
	}
	for r, err := range s.List(ctx, audit.ListRequest{Tenant: tenant, Kind: "case", List: "open"}) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%+v\n", r)
	}
	for e, err := range s.Events(ctx, audit.EventsRequest{Tenant: tenant}) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%+v\n", e)
	}
	state, err := s.Log(ctx, tenant, []int64{0, 1, 2, 3, 4, 5, 100})
	fmt.Fprintf(&out, "%+v\n", state)
	return out.String(), err
}

// rebuild makes of events what next makes of them one by one.
func rebuild(_ audit.Key, events []audit.Opened) ([]byte, []audit.Listing, error) {
	var state []byte
	for _, e := range events {
		state = append(append(state, e.Body...), '\n')
	}
	return state, []audit.Listing{{List: "open", Sort: string(events[len(events)-1].Body)}}, nil
}

// outcome reads a damaged file as an operator would, and says what that gives:
// an error, a report, nothing at all as it is as before, or "silent".
func (sp *specimen) outcome(ctx context.Context, path string, opts *sqlite.Options) (string, error) {
	s, err := sqlite.Open(ctx, path, opts)
	if err != nil {
		return "error", nil
	}
	defer s.Close()
	for _, command := range sp.commands {
		found, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Command: command})
		if err == nil && found.Answer != nil && string(found.Answer.Answer) != "done: "+command {
			return "silent", fmt.Errorf("the command %q has the answer %q", command, found.Answer.Answer)
		}
	}
	report, err := audit.Verify(ctx, s, tenant, &audit.VerifyOptions{
		Verifier: sp.verifier, Known: [][]byte{sp.checkpoint}, Rebuild: map[string]audit.Rebuild{"case": rebuild}})
	if err != nil {
		return "error", nil
	}
	if !report.OK() {
		return "report", nil
	}
	now, err := dump(ctx, s)
	switch {
	case err != nil:
		return "error", nil
	case now == sp.dump:
		return "as before", nil
	}
	return "silent", fmt.Errorf("Verify found nothing, and what is read is not what was written:\n%s", difference(sp.dump, now))
}

// difference is the first lines in which two texts differ.
func difference(was, is string) string {
	a, b := strings.Split(was, "\n"), strings.Split(is, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d was\n%.300s\nand is\n%.300s", i, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines became %d", len(a), len(b))
}

// mutate gives a copy of the files with one thing wrong, and says what.
func (sp *specimen) mutate(random *rand.Rand) (main, wal []byte, what string) {
	main, wal = bytes.Clone(sp.main), bytes.Clone(sp.wal)
	part, name := &main, "file"
	if random.IntN(2) == 0 {
		part, name = &wal, "write-ahead log"
	}
	at := random.IntN(len(*part))
	switch random.IntN(4) {
	case 0:
		*part = (*part)[:at]
		return main, wal, fmt.Sprintf("the %s cut at %d", name, at)
	case 1:
		n := min(1+random.IntN(64), len(*part)-at)
		for i := range n {
			(*part)[at+i] = byte(random.Uint32())
		}
		return main, wal, fmt.Sprintf("%d bytes of the %s overwritten at %d", n, name, at)
	}
	bit := byte(1) << random.IntN(8)
	(*part)[at] ^= bit
	return main, wal, fmt.Sprintf("bit %#x of the %s flipped at %d", bit, name, at)
}

// INV-36, INV-37: whatever byte of the file or of its write-ahead log changes
// or is missing, reading gives an error, Verify a problem, or everything is as
// it was. SQLite alone notices little of it.
func TestDamage(t *testing.T) {
	t.Parallel()
	sp := newSpecimen(t)
	random := rand.New(rand.NewPCG(3, 4))
	folder := t.TempDir()
	counts := map[string]int{}
	for i := range campaign(t, "CHANGELANE_DAMAGE", 300) + 1 {
		path := filepath.Join(folder, fmt.Sprintf("%d.db", i))
		main, wal, what := sp.main, sp.wal, "nothing"
		if i > 0 {
			main, wal, what = sp.mutate(random)
		}
		for name, data := range map[string][]byte{path: main, path + "-wal": wal} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		opts := &sqlite.Options{ReadOnly: i%4 != 0, BusyTimeout: 50 * time.Millisecond} // reading syncs nothing
		outcome, err := sp.outcome(t.Context(), path, opts)
		if err != nil {
			t.Errorf("%s: %s: %v", what, outcome, err)
		}
		if i == 0 && outcome != "as before" {
			t.Fatalf("without damage the outcome is %q", outcome)
		}
		counts[outcome]++
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(path + suffix)
		}
	}
	t.Logf("errors: %d, reports: %d, as before: %d, silent: %d", counts["error"], counts["report"], counts["as before"], counts["silent"])
	if counts["report"] == 0 || counts["error"] == 0 {
		t.Error("the damage hit nothing: this run shows nothing")
	}
}
