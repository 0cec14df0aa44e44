package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/change"
)

const (
	artifact = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	request  = `{"id":"CHG-%d","kind":"code","service":"payments-api","requester":{"id":"idp|alice","kind":"human","team":"payments"},"artifacts":[{"name":"payments-api","digest":"` + artifact + `"}],"files":[{"path":"src/a.go","added":10,"deleted":2}],"downtime":false,"evidence":[{"name":"smoke","result":"passed"}],"claim":{"type":"standard","by":"idp|alice","reason":"routine"},"attested":[{"by":"ci/payments","covers":["evidence.smoke"]}]}`
)

// inShop works in a folder with a policy, people, a key and a template in force.
func inShop(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	must(t, "", "keys", "-name", "example.com/test", "-out", "log.key")
	must(t, "", as("template", "idp|bob", "-id", "payments-rolling", "-to", "active", "-because", "agreed")...)
}

// as are the arguments of somebody's command on the store.
func as(verb, who string, more ...string) []string {
	return append([]string{verb, "-policy", "policy", "-store", "store.db", "-people", "people.json", "-as", who, "-at", at}, more...)
}

// tryIt runs the command.
func tryIt(input string, args ...string) (stdout, stderr string, status int) {
	var out, err bytes.Buffer
	status = run(args, strings.NewReader(input), &out, &err)
	return out.String(), err.String(), status
}

// must runs a command that is done.
func must(t *testing.T, input string, args ...string) string {
	t.Helper()
	stdout, stderr, status := tryIt(input, args...)
	if status != exitDone {
		t.Fatalf("%q: status %d, %s%s", args, status, stdout, stderr)
	}
	return stdout
}

func submitted(t *testing.T, id int) {
	t.Helper()
	must(t, fmt.Sprintf(request, id), as("submit", "idp|alice", "-attested", "-sign", "log.key")...)
}

// process is the command as a process of its own.
func process(args []string) int {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CHANGELANE_TEST_RUN=1")
	_, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return -1
	}
	return cmd.ProcessState.ExitCode()
}

// atOnce runs processes at the same time and counts their exit statuses.
func atOnce(n int, args func(i int) []string) map[int]int {
	statuses := make([]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { statuses[i] = process(args(i)) })
	}
	all.Wait()
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	return count
}

// TestOneWinner: of several shells that start the same deployment at once
// exactly one goes ahead (INV-20), and the same attempt from several shells is
// one deployment (INV-35).
func TestOneWinner(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	const shells = 8
	start := func(attempt string) []string {
		return as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", attempt, "-sign", "log.key")
	}
	got := atOnce(shells, func(i int) []string { return start(fmt.Sprintf("run-%d", i)) })
	if got[exitDone] != 1 || got[exitDenied] != shells-1 {
		t.Errorf("exit statuses %v, expected one 0 and %d times 5", got, shells-1)
	}
	submitted(t, 2)
	got = atOnce(shells, func(int) []string {
		return as("start", "ci|payments", "-id", "CHG-2", "-artifact", artifact, "-attempt", "run-1")
	})
	if got[exitDone] != shells {
		t.Errorf("exit statuses %v of the same attempt, expected %d times 0", got, shells)
	}
	var c struct{ Runs []json.RawMessage }
	for _, id := range []string{"CHG-1", "CHG-2"} {
		line := must(t, "", "case", "-policy", "policy", "-store", "store.db", "-at", at, "-id", id)
		if err := json.Unmarshal([]byte(line), &c); err != nil || len(c.Runs) != 1 {
			t.Errorf("%s has %d runs, %v", id, len(c.Runs), err)
		}
	}
	must(t, "", "tick", "-policy", "policy", "-store", "store.db", "-at", at, "-sign", "log.key")
	must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub")
}

// TestLocked: while another process holds the store nothing can be started, and
// that is no denial. Questions are answered.
func TestLocked(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	db, err := sql.Open("sqlite", "store.db")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	start := as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", "run-1")
	stdout, stderr, status := tryIt("", append(start, "-timeout", "100ms")...)
	if status != exitUnreachable || !strings.HasPrefix(stdout, `{"id":"CHG-1","answer":"unreachable"`) || !strings.HasPrefix(stderr, "CHG-1: unreachable: ") ||
		!strings.Contains(stderr, "in time; try again") || strings.Contains(stderr, "SQLITE") {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	must(t, "", as("gate", "ci|payments", "-id", "CHG-1", "-artifact", artifact)...)
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	must(t, "", start...)
}

// TestGateWritesNothing: a question leaves the record as it is, also where it
// may not be written.
func TestGateWritesNothing(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	before, err := os.ReadFile("store.db")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		must(t, "", as("gate", "ci|payments", "-id", "CHG-1", "-artifact", artifact)...)
	}
	if after, err := os.ReadFile("store.db"); err != nil || !bytes.Equal(before, after) {
		t.Errorf("asking has changed the store: %v", err)
	}
}

// TestTampered: whatever byte of a copy is flipped, wherever it is cut, verify
// says so, or else what it reads is what was written (INV-36).
func TestTampered(t *testing.T) {
	inShop(t)
	for id := range 5 {
		submitted(t, id)
	}
	verify := []string{"verify", "-store", "copy.db", "-key", "log.key.pub"}
	whole, err := os.ReadFile("store.db")
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte, found bool) {
		t.Helper()
		if err := os.WriteFile("copy.db", data, 0o666); err != nil {
			t.Fatal(err)
		}
		stdout, _, status := tryIt("", verify...)
		good := status == exitFound || status == exitUnreachable || !found && status == exitDone
		if !good || strings.Contains(stdout, "Nothing was found") != (status == exitDone) && status != exitUnreachable {
			t.Errorf("%s: status %d, %s", what, status, stdout)
		}
	}
	must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub")
	r := rand.New(rand.NewPCG(1, 2))
	flipped := func(i int) []byte {
		data := bytes.Clone(whole)
		data[i] ^= 1 << r.IntN(8)
		return data
	}
	inside := 0
	for from := 0; ; inside++ { // within events
		i := bytes.Index(whole[from:], []byte("case.submitted/"))
		if i < 0 {
			break
		}
		from += i + 1
		if !inCell(whole, from) {
			inside--
			continue
		}
		check(fmt.Sprintf("a flip in an event at %d", from), flipped(from+r.IntN(10)), true)
	}
	if inside < 5 {
		t.Errorf("%d events were found in the file, expected 5", inside)
	}
	for range 30 { // a page that is free says nothing
		i := r.IntN(len(whole))
		check(fmt.Sprintf("a flip at %d", i), flipped(i), false)
	}
	for range 10 {
		n := 1 + r.IntN(len(whole)-1)
		check(fmt.Sprintf("the first %d bytes", n), whole[:n], true)
	}
}

// inCell reports whether what stands at a place of a database is read: when a
// page is split, what it held stays in its free space.
func inCell(db []byte, at int) bool {
	const size, leaf = 4096, 13
	page := db[at/size*size:]
	return page[0] == leaf && at%size >= int(page[5])<<8|int(page[6])
}

// TestPutBack: an older copy of the store verifies by itself; a checkpoint that
// was kept elsewhere shows that it is old (INV-37).
func TestPutBack(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	old, err := os.ReadFile("store.db")
	if err != nil {
		t.Fatal(err)
	}
	submitted(t, 2)
	kept := must(t, "", "checkpoint", "-store", "store.db")
	for name, data := range map[string]string{"kept": kept, "old.db": string(old)} {
		if err := os.WriteFile(name, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "", "verify", "-store", "store.db", "-key", "log.key.pub", "-known", "kept", "-known", "kept")
	must(t, "", "verify", "-store", "old.db", "-key", "log.key.pub")
	stdout, _, status := tryIt("", "verify", "-store", "old.db", "-key", "log.key.pub", "-known", "kept")
	if status != exitFound || !strings.Contains(stdout, "Problem: ") {
		t.Errorf("status %d, %s", status, stdout)
	}
}

// TestProof: what prove prints convinces whoever has the public key, and
// nothing else does.
func TestProof(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	must(t, "", as("gate", "ci|payments", "-id", "CHG-1", "-artifact", artifact)...)
	proofs := must(t, "", "prove", "-store", "store.db", "-id", "CHG-1")
	shown := must(t, proofs, "check-proof", "-key", "log.key.pub")
	if n := strings.Count(shown, "\n"); n != 2 || !strings.HasPrefix(shown, `{"id":"CHG-1","seq":1,"type":"case.submitted/`) {
		t.Errorf("%d events are proven: %s", n, shown)
	}
	must(t, "", "keys", "-name", "example.com/test", "-out", "other.key")
	if stdout, _, status := tryIt(proofs, "check-proof", "-key", "other.key.pub"); status != exitRefused {
		t.Errorf("another key: status %d, %s", status, stdout)
	}
	var lines []proofLine
	for line := range strings.Lines(proofs) {
		var l proofLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	for name, l := range map[string]proofLine{
		"another event": {lines[1].Event, lines[0].Proof},
		"no event":      {"", lines[0].Proof},
		"no base64":     {"-", lines[0].Proof},
		"no proof":      {lines[0].Event, ""},
		"another index": {lines[0].Event, strings.Replace(lines[0].Proof, "index 1", "index 0", 1)},
		"another size":  {lines[0].Event, strings.Replace(lines[0].Proof, "example.com/test\n3\n", "example.com/test\n2\n", 1)},
	} {
		line, err := jsonLine(l)
		if err != nil || l == lines[0] {
			t.Fatalf("%s: %v, %+v", name, err, l)
		}
		if stdout, _, status := tryIt(string(line), "check-proof", "-key", "log.key.pub"); status != exitRefused || strings.Contains(stdout, `"seq"`) {
			t.Errorf("%s: status %d, %s", name, status, stdout)
		}
	}
	must(t, "", as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", "run-1")...)
	stdout, stderr, status := tryIt("", "prove", "-store", "store.db", "-id", "CHG-1")
	if status != exitWaiting || strings.Count(stdout, "\n") != 2 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("status %d, %s%s", status, stdout, stderr)
	}
	if _, _, status := tryIt("", "prove", "-store", "store.db", "-id", "CHG-2"); status != exitDenied {
		t.Errorf("a case that nobody knows: status %d", status)
	}
}

func TestKeyFiles(t *testing.T) {
	inShop(t)
	for file, private := range map[string]bool{"log.key": true, "log.key.pub": false} {
		info, err := os.Stat(file)
		if err != nil || private && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
		text, err := os.ReadFile(file)
		if err != nil || strings.HasPrefix(string(text), "PRIVATE+KEY+") != private {
			t.Errorf("%s: %v", file, err)
		}
	}
	// What is left when the second file cannot be written is nothing.
	if err := os.WriteFile("other.pub", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, status := tryIt("", "keys", "-name", "a", "-out", "other"); status != exitRefused {
		t.Errorf("status %d", status)
	}
	if _, err := os.Stat("other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key without its public part is left: %v", err)
	}
}

// TestKeyIsTheStore: a link to the store is the store.
func TestKeyIsTheStore(t *testing.T) {
	inShop(t)
	if err := os.Link("store.db", "linked.key"); err != nil {
		t.Skip(err)
	}
	_, stderr, status := tryIt("", "tick", "-policy", "policy", "-store", "store.db", "-sign", "linked.key")
	if status != exitUsage || !strings.Contains(stderr, sameFile) {
		t.Errorf("status %d, %s", status, stderr)
	}
}

// TestOnce: a command that is sent again with its key gives its first answer.
func TestOnce(t *testing.T) {
	inShop(t)
	must(t, strings.ReplaceAll(fmt.Sprintf(request, 1), `"type":"standard"`, `"type":"normal"`), as("submit", "idp|alice", "-attested")...)
	must(t, "", as("vote", "idp|bob", "-id", "CHG-1", "-revision", "1", "-yes")...)
	withdraw := as("withdraw", "idp|bob", "-id", "CHG-1", "-once", "key-1")
	first := must(t, "", withdraw...)
	if again := must(t, "", withdraw...); again != first {
		t.Errorf("%s, expected %s", again, first)
	}
	if _, _, status := tryIt("", as("withdraw", "idp|bob", "-id", "CHG-1", "-once", "key-2")...); status != exitDenied {
		t.Errorf("status %d without the key", status)
	}
	if _, _, status := tryIt("", as("withdraw", "idp|carol", "-id", "CHG-1", "-once", "key-1")...); status != exitDenied {
		t.Errorf("status %d for somebody else's key", status)
	}
}

// TestJudge: an answer is a yes only without an error, and a no only when it is
// known to be one.
func TestJudge(t *testing.T) {
	refused := &approval.Refused{Reasons: []approval.Reason{{Code: approval.WasRejected, Text: "a"}, {Code: approval.TooLate, Text: "b"}}}
	waiting := &approval.Refused{Waiting: true, Reasons: []approval.Reason{{Code: approval.NotDecided, Text: "a"}}}
	for _, test := range []struct {
		err    error
		answer string
		status int
		codes  string
	}{
		{nil, "yes", 0, ""},
		{refused, "denied", 5, "was-rejected too-late"},
		{fmt.Errorf("more: %w", refused), "denied", 5, "was-rejected too-late"},
		{waiting, "waiting", 4, "not-decided"},
		{&approval.Refused{Reasons: []approval.Reason{{Code: approval.Unassessed, Text: "a"}}}, "refused", 2, "unassessed"},
		{desk.ErrUnknownPerson, "denied", 5, "not-entitled"},
		{audit.ErrNotFound, "denied", 5, "not-found"},
		{&audit.CommandReusedError{Command: "a"}, "denied", 5, "key-reused"},
		{change.Problems{{Message: "a"}}, "refused", 2, "invalid"},
		{&audit.InvalidError{What: "a"}, "refused", 2, "invalid"},
		{badInput("a"), "refused", 2, "invalid"},
		{audit.ErrOutcomeUnknown, "unknown", 7, "outcome-unknown"},
		{errors.Join(audit.ErrOutcomeUnknown, refused), "unknown", 7, "outcome-unknown"},
		{fmt.Errorf("%w: %w", audit.ErrOutcomeUnknown, context.DeadlineExceeded), "unknown", 7, "outcome-unknown"},
		{&audit.StaleError{}, "unreachable", 6, "unreachable"},
		{&audit.TamperedError{}, "unreachable", 6, "unreachable"},
		{audit.ErrClosed, "unreachable", 6, "unreachable"},
		{audit.ErrSchema, "unreachable", 6, "unreachable"},
		{audit.ErrStorageFull, "unreachable", 6, "unreachable"},
		{desk.ErrDirectory, "unreachable", 6, "unreachable"},
		{desk.ErrPanic, "unreachable", 6, "unreachable"},
		{context.DeadlineExceeded, "unreachable", 6, "unreachable"},
		{io.ErrUnexpectedEOF, "unreachable", 6, "unreachable"},
		{errors.New(""), "unreachable", 6, "unreachable"},
	} {
		v := judge("CHG-1", test.err)
		var codes []string
		for _, r := range v.Reasons {
			codes = append(codes, r.Code)
		}
		if v.Answer != test.answer || v.status != test.status || strings.Join(codes, " ") != test.codes {
			t.Errorf("%v gives %s, %d, %q", test.err, v.Answer, v.status, codes)
		}
	}
}

// TestHostileArguments: what a pipeline passes on from somebody else forges no
// line and moves no cursor (INV-40).
func TestHostileArguments(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	for _, text := range []string{"CHG-1\n{\"id\":\"CHG-1\",\"answer\":\"yes\"}", "\x1b[2J", "a\u202eb", "\xff", "a\x00b", "\u2028", "\U000e0041", strings.Repeat("a", 300), strings.Repeat("\n", 5000), "'; DROP TABLE", "-"} {
		for name, args := range map[string][]string{
			"id":       as("gate", "ci|payments", "-artifact", artifact, "-id="+text),
			"target":   as("start", "ci|payments", "-id", "CHG-1", "-attempt", "run-1", "-artifact", artifact, "-target="+text),
			"attempt":  as("start", "ci|payments", "-id", "CHG-1", "-target", "nowhere", "-artifact", artifact, "-attempt="+text),
			"reported": as("report", "ci|payments", "-id", "CHG-1", "-outcome", "failed", "-attempt="+text),
			"case":     {"case", "-policy", "policy", "-store", "store.db", "-id=" + text},
			"explain":  {"case", "-policy", "policy", "-store", "store.db", "-explain", "-id=" + text},
			"once":     as("withdraw", "idp|bob", "-id", "CHG-1", "-once="+text),
			"store":    {"verify", "-store=" + text},
			"people":   append(as("gate", "ci|payments", "-id", "CHG-1", "-artifact", artifact)[:5], "-people="+text, "-as", "a", "-id", "b", "-artifact", artifact),
			"template": as("template", "idp|bob", "-to", "active", "-because", "a", "-id="+text),
		} {
			stdout, stderr, status := tryIt("", args...)
			if status == exitDone {
				t.Errorf("%s %q: status 0, %s", name, text, stdout)
			}
			if strings.Count(stdout, "\n") > 1 {
				t.Errorf("%s %q: several lines: %q", name, text, stdout)
			}
			if strings.ContainsFunc(strings.ReplaceAll(stdout+stderr, "\n", ""), func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s %q: %q%q", name, text, stdout, stderr)
			}
			if stdout != "" && !json.Valid([]byte(stdout)) {
				t.Errorf("%s %q: %q", name, text, stdout)
			}
		}
	}
}

// TestAnswerIsLost: a yes that cannot be told is none.
func TestAnswerIsLost(t *testing.T) {
	inShop(t)
	submitted(t, 1)
	for _, args := range [][]string{
		as("gate", "ci|payments", "-id", "CHG-1", "-artifact", artifact),
		as("start", "ci|payments", "-id", "CHG-1", "-artifact", artifact, "-attempt", "run-1"),
		{"case", "-policy", "policy", "-store", "store.db", "-at", at, "-id", "CHG-1", "-explain"},
		{"queue", "-policy", "policy", "-store", "store.db", "-at", at},
		{"checkpoint", "-store", "store.db"},
		{"verify", "-store", "store.db", "-key", "log.key.pub"},
		{"keys", "-name", "a", "-out", "another.key"},
	} {
		var stderr bytes.Buffer
		if status := run(args, strings.NewReader(""), failing{syscall.ENOSPC}, &stderr); status != exitRefused {
			t.Errorf("%s: status %d, %s", args[0], status, &stderr)
		}
	}
}

// TestSubmitInTime: each answer is there before the next change is asked for.
func TestSubmitInTime(t *testing.T) {
	inShop(t)
	var out, sentences bytes.Buffer
	asked := 0
	input := readerFunc(func(p []byte) (int, error) {
		if got := strings.Count(out.String(), "\n"); got != asked {
			t.Errorf("%d answers when %d changes were given", got, asked)
		}
		if asked == 4 {
			return 0, io.EOF
		}
		asked++
		return copy(p, fmt.Sprintf(request+"\n", asked)), nil
	})
	if status := run(as("submit", "idp|alice", "-attested"), input, &out, &sentences); status != exitDone {
		t.Fatalf("status %d: %s", status, &sentences)
	}
}
