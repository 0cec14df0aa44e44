package main

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
)

var (
	ticking  = []string{"tick", "-policy", "policy", "-store", "store.db", "-at", at, "-timeout", "1500ms", "-sign", "log.key"}
	starting = as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", "run-1", "-timeout", "1500ms", "-sign", "log.key")
)

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// putBack replaces the store by a copy that was made when nobody had it open.
func putBack(t *testing.T, text string) {
	t.Helper()
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove("store.db" + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	writeFile(t, "store.db", text)
}

// refuses wants a status, a word on standard error and none of a yes.
func refuses(t *testing.T, status int, word, input string, args ...string) {
	t.Helper()
	stdout, stderr, got := tryIt(input, args...)
	if got != status || !strings.Contains(stderr, word) || strings.Contains(stdout, `"yes"`) || strings.Contains(stdout, `"closed"`) {
		t.Errorf("%q: status %d, expected %d and %q\n%s%s", args, got, status, word, stdout, stderr)
	}
}

// TestOldStoreIsNotSigned: a store that was put back to an old copy, or that is
// another one, is neither written nor signed, whether something waits in it or
// not, as long as one checkpoint is known (INV-37).
func TestOldStoreIsNotSigned(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	old := readFile(t, "store.db")
	submitted(t, 2)
	kept := readFile(t, "log.key.checkpoint")
	if printed := must(t, "", "checkpoint", "-store", "store.db", "-key", "log.key.pub"); printed != kept {
		t.Errorf("%q is kept beside the key, expected %q", kept, printed)
	}
	third := append(as("submit", "idp|alice", "-attested"), "-sign", "log.key")
	putBack(t, old)
	const older = "store.db: is older than the checkpoint in log.key.checkpoint: its log has 3 of the 5 entries"
	refuses(t, exitUnreachable, older, fmt.Sprintf(request, 3), third...)
	refuses(t, exitUnreachable, older, "", ticking...)
	refuses(t, exitUnreachable, older, "", starting...)
	refuses(t, exitDenied, "no case has this id", "", "case", "-policy", "policy", "-store", "store.db", "-id", "CHG-3")
	if got := must(t, "", "checkpoint", "-store", "store.db"); got == kept {
		t.Error("the old store was signed")
	}

	if err := os.Rename("log.key.checkpoint", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	refuses(t, exitUnreachable, "older than the checkpoint in elsewhere", "", append(ticking, "-known", "elsewhere")...)
	for n := range 3 { // another past, as long as the first and longer
		submitted(t, 10+n)
		refuses(t, exitUnreachable, "does not contain what was signed in elsewhere", "", append(ticking, "-known", "elsewhere")...)
	}
	writeFile(t, "log.key.checkpoint", kept)
	refuses(t, exitUnreachable, "does not contain what was signed in log.key.checkpoint", "", ticking...)
	must(t, "", "keys", "-name", "example.com/test", "-out", "other.key")
	refuses(t, exitUnreachable, "another key of the name example.com/test", "", append(ticking[:len(ticking)-1:len(ticking)-1], "other.key")...)
}

// TestWhatIsKnown: what is given as known, or lies beside the key, must be a
// checkpoint that the key has signed.
func TestWhatIsKnown(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	kept := readFile(t, "log.key.checkpoint")
	must(t, "", "keys", "-name", "example.com/other", "-out", "other.key")
	for text, why := range map[string]string{
		"":                      "is no checkpoint",
		"hello\n":               "is no checkpoint",
		kept + "\x1b[2J":        "is no checkpoint",
		"example.com" + kept:    "is not what was signed",
		kept[:len(kept)-20]:     "is no checkpoint",
		strings.Repeat(kept, 2): "is no checkpoint",
	} {
		writeFile(t, "log.key.checkpoint", text)
		refuses(t, exitUsage, "log.key.checkpoint: "+why, "", ticking...)
		writeFile(t, "log.key.checkpoint", kept)
		writeFile(t, "known", text)
		refuses(t, exitUsage, "known: "+why, "", append(ticking, "-known", "known")...)
	}
	refuses(t, exitUsage, "nowhere: cannot be read", "", append(ticking, "-known", "nowhere")...)
	refuses(t, exitUsage, "is signed by example.com/test, and the key that is given is of example.com/other",
		"", append(ticking[:len(ticking)-1:len(ticking)-1], "other.key", "-known", "log.key.checkpoint")...)
	must(t, "", append(ticking, "-known", "log.key.checkpoint", "-known", "log.key.checkpoint")...)
}

// TestKept: the last checkpoint lies beside the key, whole and for everybody;
// where it cannot, that is no success, unless somebody else takes care.
func TestKept(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	info, err := os.Stat("log.key.checkpoint")
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info, err)
	}
	// The name of a temporary file would be too long for a file system.
	long := strings.Repeat("k", 240)
	for _, end := range []string{"", ".checkpoint"} {
		if err := os.Link("log.key"+end, long+end); err != nil {
			t.Skip(err)
		}
	}
	signing := func(more ...string) []string {
		return append(as("submit", "idp|alice", "-attested", "-sign", long), more...)
	}
	stdout, stderr, status := tryIt(fmt.Sprintf(request, 2), signing()...)
	if status != exitUnreachable || !strings.Contains(stdout, `"closed":false`) || !strings.Contains(stderr, long+".checkpoint: cannot be written: ") || strings.Contains(stderr, "/") && strings.Contains(stderr, "open ") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	must(t, fmt.Sprintf(request, 2), signing("-known", "log.key.checkpoint")...)
	left, err := filepath.Glob("*.checkpoint*")
	if err != nil || len(left) != 2 {
		t.Errorf("left are %q, %v", left, err)
	}
}

// TestLeaseIsHeld: while somebody else holds the lease of the log, what waits
// is said, a start gives no yes, and the same start does once it is signed.
func TestLeaseIsHeld(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	store, err := sqlite.Open(t.Context(), "store.db", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	held, err := store.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: audit.Sequencing, Owner: "another", Now: now, For: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if got := must(t, "", ticking...); got != `{"lapsed":0,"sequenced":0,"waiting":0,"size":3}`+"\n" {
		t.Errorf("with nothing to sign: %s", got)
	}
	stdout, stderr, status := tryIt("", starting...)
	const unsigned = `{"id":"CHG-1","answer":"unreachable","reasons":[{"code":"not-signed","text":"it is recorded, but not signed: `
	if status != exitUnreachable || !strings.HasPrefix(stdout, unsigned) || strings.Count(stdout, "\n") != 1 || !strings.HasPrefix(stderr, "CHG-1: unreachable: it is recorded, but not signed: ") {
		t.Errorf("start: status %d, %s%s", status, stdout, stderr)
	}
	stdout, stderr, status = tryIt(fmt.Sprintf(request, 2), as("submit", "idp|alice", "-attested", "-timeout", "1500ms", "-sign", "log.key")...)
	if status != exitUnreachable || !strings.HasPrefix(stdout, `{"id":"CHG-2","service"`) || !strings.HasPrefix(stderr, "changelane: what was answered is recorded, but not signed: ") {
		t.Errorf("submit: status %d, %s%s", status, stdout, stderr)
	}
	refuses(t, exitDenied, "CHG-1: denied", "", as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", "run-2", "-timeout", "1500ms", "-sign", "log.key")...)
	stdout, stderr, status = tryIt("", ticking...)
	if status != exitUnreachable || stdout != `{"lapsed":0,"sequenced":0,"waiting":3,"size":3}`+"\n" || !strings.Contains(stderr, "wait for a place in the log (3), and none was put there") {
		t.Errorf("tick: status %d, %s%s", status, stdout, stderr)
	}
	must(t, "", "tick", "-policy", "policy", "-store", "store.db", "-at", at)

	if err := store.Settle(t.Context(), audit.Settlement{Lease: held.Lease, Now: now, Release: true}); err != nil {
		t.Fatal(err)
	}
	if got := must(t, "", starting...); !strings.HasPrefix(got, `{"id":"CHG-1","answer":"yes"`) {
		t.Errorf("start again: %s", got)
	}
	if got := must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub", "-known", "log.key.checkpoint"); !strings.Contains(got, " 0 events wait") {
		t.Error(got)
	}
}

// TestKeyIsOpen: a key that others than its owner may use does not sign.
func TestKeyIsOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the mode of a file says nothing here")
	}
	inShop(t)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644, 0o777, 0o610, 0o601} {
		if err := os.Chmod("log.key", mode); err != nil {
			t.Fatal(err)
		}
		refuses(t, exitUsage, "chmod 600 log.key", "", ticking...)
	}
	if err := os.Chmod("log.key", 0o400); err != nil {
		t.Fatal(err)
	}
	must(t, "", ticking...)
}

// TestCheckpointForm: what stands in the place of a checkpoint is not printed
// unless it has the form of one and is signed by whom it should.
func TestCheckpointForm(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	whole := must(t, "", "checkpoint", "-store", "store.db")
	must(t, "", "keys", "-name", "example.com/other", "-out", "other.key")
	refuses(t, exitFound, "is signed by example.com/test", "", "checkpoint", "-store", "store.db", "-key", "other.key.pub")
	for _, text := range []string{"\x1b[2J", "hello", whole + "\x1b[2J\n", "\u009b2J" + whole, "a\u202e" + whole, "\x7f" + whole,
		strings.Replace(whole, "\n3\n", "\n03\n", 1), strings.Replace(whole, "\n3\n", "\n3\nmore\n", 1), strings.Replace(whole, "\n\n", "\n", 1), "\xff" + whole} {
		setCheckpoint(t, text)
		stdout, stderr, status := tryIt("", "checkpoint", "-store", "store.db")
		if status != exitFound || stdout != "" || !strings.Contains(stderr, "is not shown") {
			t.Errorf("%q: status %d, %q%s", text, status, stdout, stderr)
		}
	}
	setCheckpoint(t, strings.Replace(whole, "\n3\n", "\n4\n", 1))
	refuses(t, exitFound, "is not what was signed", "", "checkpoint", "-store", "store.db", "-key", "log.key.pub")
	refuses(t, exitUnreachable, "is not what was signed", "", ticking...)
	setCheckpoint(t, whole)
	must(t, "", "checkpoint", "-store", "store.db", "-key", "log.key.pub")
}

func setCheckpoint(t *testing.T, text string) {
	t.Helper()
	tamper(t, "UPDATE changelane_logs SET checkpoint = ?", []byte(text))
}

// tamper changes the store behind the back of the command.
func tamper(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", "store.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestTamperedRows: whatever row is changed, verify has found something, and
// does not say that the store cannot be asked.
func TestTamperedRows(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	submitted(t, 2)
	whole := readFile(t, "store.db")
	for _, statement := range []string{
		"UPDATE changelane_events SET data = x'00' WHERE number = 2",
		"UPDATE changelane_events SET place = NULL WHERE number = 2",
		"UPDATE changelane_events SET seq = 9 WHERE number = 2",
		"UPDATE changelane_events SET record = 'CHG-9' WHERE number = 2",
		"UPDATE changelane_events SET openings = x'00' WHERE number = 2",
		"DELETE FROM changelane_events WHERE number = 2",
		"UPDATE changelane_records SET state = x'00' WHERE record = 'CHG-1'",
		"UPDATE changelane_records SET lists = x'ff' WHERE record = 'CHG-1'",
		"UPDATE changelane_records SET head = x'00' WHERE record = 'CHG-1'",
		"UPDATE changelane_records SET version = 7 WHERE record = 'CHG-1'",
		"UPDATE changelane_records SET crc = crc + 1 WHERE record = 'CHG-1'",
		"DELETE FROM changelane_records WHERE record = 'CHG-1'",
		"UPDATE changelane_hashes SET hash = x'00' WHERE position = 1",
		"DELETE FROM changelane_hashes WHERE position = 0",
		"UPDATE changelane_logs SET size = 9",
		"UPDATE changelane_logs SET size = 1",
		"UPDATE changelane_logs SET size = -1",
		"UPDATE changelane_logs SET checkpoint = x'00'",
		"DELETE FROM changelane_logs",
	} {
		putBack(t, whole)
		tamper(t, statement)
		if stdout, stderr, status := tryIt("", "verify", "-store", "store.db", "-key", "log.key.pub"); status != exitFound {
			t.Errorf("%s: status %d, %s%s", statement, status, stdout, stderr)
		}
	}
	putBack(t, whole)
	must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub")
}

// TestHolesInTheLog: a log of which a part is missing is no denial.
func TestHolesInTheLog(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	must(t, "", as("cancel", "idp|alice", "-id", "CHG-1", "-because", "a")...)
	tamper(t, "DELETE FROM changelane_hashes")
	refuses(t, exitUnreachable, "a part of the log is missing", "", ticking...)
	refuses(t, exitUnreachable, "a part of the log is missing", "", "prove", "-store", "store.db", "-id", "CHG-1")
}

// TestVerifyEnds: verify takes no longer than it may.
func TestVerifyEnds(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	refuses(t, exitUnreachable, "", "", "verify", "-store", "store.db", "-key", "log.key.pub", "-timeout", "1ns")
	must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub", "-timeout", "1h")
}
