package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/sqlite"
	"github.com/changelane/changelane/audit/sqlstore"
)

// childFile, in the environment, makes of this program one that commits to a
// file until it is killed, or until it has done so many commands.
const (
	childFile  = "CHANGELANE_TEST_CHILD"
	childName  = "CHANGELANE_TEST_NAME"
	childCount = "CHANGELANE_TEST_COUNT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := child(path, os.Getenv(childName), os.Getenv(childCount)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child commits from two goroutines to three records, so that they meet, and
// says of each command that it is tried, and then that it was acknowledged.
func child(path, name, count string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path, nil)
	if err != nil {
		return err
	}
	var most int
	if _, err := fmt.Sscan(count, &most); err != nil {
		return err
	}
	errs := make([]error, 2)
	var wait sync.WaitGroup
	for g := range errs {
		wait.Go(func() {
			for i := 0; i < most && errs[g] == nil; i++ {
				errs[g] = childCommand(ctx, s, fmt.Sprintf("%s-%d", name, i%3), fmt.Sprintf("%s-%d-%d", name, g, i))
			}
		})
	}
	wait.Wait()
	return errors.Join(append(errs, s.Close())...)
}

// childCommand carries out one command, again while others are faster.
func childCommand(ctx context.Context, s *sqlstore.Store, id, command string) error {
	fmt.Printf("try %s %s\n", command, id)
	for {
		err := resend(ctx, s, id, command, nil)
		if err == nil {
			fmt.Printf("ack %s %s\n", command, id)
		}
		if !errors.Is(err, audit.ErrStale) {
			return err
		}
	}
}

// resend sends a command on top of what the record is now.
func resend(ctx context.Context, s audit.Store, id, command string, done *audit.Committed) error {
	found, err := s.Load(ctx, audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey(id)}})
	if err != nil {
		return err
	}
	b, err := next(found.Records[0], command)
	if err != nil {
		return err
	}
	got, err := s.Commit(ctx, b)
	if done != nil {
		*done = got
	}
	return err
}

// tried is what a child said of a command.
type tried struct {
	id    string
	acked bool
}

// run starts a child, kills it after a while unless that is 0, and reads what
// it said.
func run(path, name string, count int, after time.Duration) (map[string]*tried, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childFile+"="+path, childName+"="+name, fmt.Sprintf("%s=%d", childCount, count))
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if after > 0 {
		time.Sleep(after)
		cmd.Process.Kill() // SIGKILL
	}
	if err := cmd.Wait(); err != nil && (after == 0 || failed.Len() > 0) {
		return nil, fmt.Errorf("the child failed: %w: %s", err, &failed)
	}
	return said(&out), nil
}

func said(out *bytes.Buffer) map[string]*tried {
	all := map[string]*tried{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) != 3: // cut by the kill
		case words[0] == "try":
			all[words[1]] = &tried{id: words[2]}
		case words[0] == "ack":
			all[words[1]].acked = true
		}
	}
	return all
}

// outcomes counts what a kill left.
type outcomes struct{ acked, unackedThere, unackedAbsent, killed int }

// INV-31, INV-32, INV-34, INV-35: what was acknowledged survives the end of the
// process, what was not is there wholly or not at all, and sending every
// command again doubles nothing.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "record.db")
	random := rand.New(rand.NewPCG(1, 2))
	var sum outcomes
	everything := map[string]*tried{}
	cycles := campaign(t, "CHANGELANE_KILLS", 200)
	for cycle := range cycles {
		after := time.Duration(10+random.IntN(110)) * time.Millisecond
		if raceDetector {
			after *= 8
		}
		tries, err := run(path, fmt.Sprintf("c%d", cycle), 1<<30, after)
		if err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), path, nil)
		if err != nil {
			t.Fatalf("after kill %d the file does not open: %v", cycle, err)
		}
		survived(t, s, tries, &sum)
		for command, one := range tries {
			everything[command] = one
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if t.Failed() {
			t.Fatalf("that was after kill %d", cycle)
		}
	}
	s := openAt(t, path, nil)
	present(t, s, everything)
	delivered(t, s, everything)
	t.Logf("%d kills, %d of them between commands and their acknowledgement; %d commands acknowledged and there; of those that were not, %d there and %d absent",
		cycles, sum.killed, sum.acked, sum.unackedThere, sum.unackedAbsent)
	if sum.acked == 0 || sum.unackedAbsent+sum.unackedThere == 0 {
		t.Error("no kill hit a commit: this run shows nothing")
	}
	if sum.unackedThere == 0 && cycles >= 100 {
		t.Error("no kill came between a commit and its acknowledgement: this run shows nothing about that")
	}
}

// survived checks one cycle's commands against the file, and sends each again.
func survived(t *testing.T, s audit.Store, tries map[string]*tried, sum *outcomes) {
	t.Helper()
	hit := false
	for command, one := range tries {
		found, err := s.Load(t.Context(), audit.LoadRequest{Tenant: tenant, Command: command})
		if err != nil {
			t.Fatal(err)
		}
		there := found.Answer != nil
		switch {
		case one.acked && !there:
			t.Errorf("%s was acknowledged and is lost", command)
		case one.acked:
			sum.acked++
		case there:
			sum.unackedThere++
			hit = true
		default:
			sum.unackedAbsent++
			hit = true
		}
		if n := mentions(t, s, one.id, command); n != 0 && !there || n != 1 && there {
			t.Errorf("%s has %d events, and its answer is there: %v", command, n, there)
		}
		var done audit.Committed
		if err := resend(t.Context(), s, one.id, command, &done); err != nil {
			t.Fatal(err)
		}
		if done.Replayed != there || string(done.Answer) != "done: "+command {
			t.Errorf("sending %s again gave %q, replayed: %v; it had been committed: %v", command, done.Answer, done.Replayed, there)
		}
	}
	if hit {
		sum.killed++
	}
	present(t, s, tries)
}

// mentions counts the events of a record that say what.
func mentions(t *testing.T, s audit.Store, id, what string) int {
	t.Helper()
	return len(chain(t, s, id)[what])
}

// chain opens a record's events, and gives the places of each body.
func chain(t *testing.T, s audit.Store, id string) map[string][]int {
	t.Helper()
	found, err := s.Load(t.Context(), audit.LoadRequest{Tenant: tenant, Keys: []audit.Key{caseKey(id)}, Events: true})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := audit.OpenChain(found.Records[0], found.Events[0])
	if err != nil {
		t.Fatal(err)
	}
	places := map[string][]int{}
	for i, e := range opened {
		places[string(e.Body)] = append(places[string(e.Body)], i)
	}
	return places
}

// present checks that each command has exactly one event, and each event a
// command, in records that open.
func present(t *testing.T, s audit.Store, tries map[string]*tried) {
	t.Helper()
	records := map[string]map[string][]int{}
	for command, one := range tries {
		if records[one.id] == nil {
			records[one.id] = chain(t, s, one.id)
		}
		if n := len(records[one.id][command]); n != 1 {
			t.Errorf("%s has %d events at the end and not one", command, n)
		}
	}
	events := 0
	for _, places := range records {
		events += len(places)
	}
	if events != len(tries) {
		t.Errorf("there are %d events for %d commands", events, len(tries))
	}
}

// delivered takes every message and checks that each command has exactly one.
func delivered(t *testing.T, s audit.Store, tries map[string]*tried) {
	t.Helper()
	seen := map[string]int{}
	for shard := range audit.Shards {
		for {
			claimed, err := s.Claim(t.Context(), audit.ClaimRequest{Tenant: tenant, Work: "mail", Shard: shard, Owner: "test", Now: noon, For: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if len(claimed.Messages) == 0 {
				break
			}
			done := audit.Settlement{Lease: claimed.Lease, Now: noon}
			for _, m := range claimed.Messages {
				seen[string(m.Body)]++
				done.Delivered = append(done.Delivered, m.ID)
			}
			if err := s.Settle(t.Context(), done); err != nil {
				t.Fatal(err)
			}
		}
	}
	for command := range tries {
		if seen[command] != 1 {
			t.Errorf("%s has %d messages and not one", command, seen[command])
		}
	}
	if len(seen) != len(tries) {
		t.Errorf("there are messages of %d commands, and %d commands", len(seen), len(tries))
	}
}

// Two processes write one file at once, and nothing is lost, refused or
// doubled.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "record.db")
	each := campaign(t, "CHANGELANE_COMMANDS", 300)
	both, errs := make([]map[string]*tried, 2), make([]error, 2)
	var wait sync.WaitGroup
	for i := range both {
		wait.Go(func() { both[i], errs[i] = run(path, fmt.Sprintf("p%d", i), each, 0) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, path, nil)
	for _, tries := range both {
		for command, one := range tries {
			if !one.acked {
				t.Errorf("%s was not acknowledged", command)
			}
		}
		if len(tries) != 2*each {
			t.Errorf("a process tried %d commands and not %d", len(tries), 2*each)
		}
		present(t, s, tries)
	}
}
