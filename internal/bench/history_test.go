package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/audit"
	"github.com/changelane/changelane/audit/memory"
	"github.com/changelane/changelane/change"
)

// Eight clients submit, vote, edit, withdraw, reject, cancel and start, all at
// once, over a store that now and then does not say whether it has written.
// What they saw must be explained by some order of the same commands, one
// after the other, on the plainest model of a case (INV-12).

var policyFiles = fstest.MapFS{
	"policy.yaml":    {Data: []byte("version: 1\nname: bench\ngroups: {cab: {members: 5}}\n")},
	"services.yaml":  {Data: []byte("api: {team: api, kind: digital, tier: 1, zone: Europe/London, on-call: pd/api, model: [{is: you-build-it-you-run-it, from: 2020-01-01}]}\n")},
	"risk.yaml":      {Data: []byte("levels: {low: 0, high: 50}\ndefault: high\nrules:\n  - {id: quiet, points: -1, when: not change.downtime, because: nobody will notice}\n")},
	"authority.yaml": {Data: []byte("default: [{group: cab, quorum: 2}]\n")},
}

const quorum = 2

// people is a directory in which voter-N belongs to the board and alice to the
// team.
type people struct{}

func (people) Person(_ context.Context, id string) (desk.Person, error) {
	return desk.Person{ID: id, Kind: change.Human}, nil
}

func (people) Holds(_ context.Context, person string, seat approval.Seat) (bool, error) {
	return (seat.Group == "cab") == (person != "idp|alice"), nil
}

func (people) Members(context.Context, approval.Seat) ([]desk.Person, error) { return nil, nil }

// forgetful is a store that sometimes loses its answer to a commit, before or
// after it has done it, and sometimes takes its time.
type forgetful struct {
	audit.Store
	mu   sync.Mutex
	dice *rand.Rand
}

func (f *forgetful) roll(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dice.IntN(n)
}

func (f *forgetful) Commit(ctx context.Context, b audit.Batch) (audit.Committed, error) {
	switch f.roll(20) {
	case 0:
		return audit.Committed{}, audit.ErrOutcomeUnknown
	case 1:
		f.Store.Commit(ctx, b)
		return audit.Committed{}, audit.ErrOutcomeUnknown
	case 2, 3, 4:
		time.Sleep(time.Duration(f.roll(200)) * time.Microsecond)
	}
	return f.Store.Commit(ctx, b)
}

// The plainest model of a case: values, no records.
type model struct {
	revision int
	yes      [4]bool // of which voter
	decision approval.Decision
	started  bool
}

// command is what a client asks for; by is a voter, or -1 for alice.
type command struct {
	id       string
	verb     string
	by       int
	revision int // that the client has seen
}

// answer is what it was told: refused, done, or the case afterwards.
type answer struct {
	refused bool
	blind   bool // done, without the case
	model
}

// step says whether the model would give the answer, and what it is afterwards.
func step(m model, c command, a answer) (bool, model) {
	next, ok := m.after(c)
	if !ok || a.refused {
		return !ok && a.refused, m
	}
	return a.blind || next == a.model, next
}

// after is the model after a command, or false when it refuses.
func (m model) after(c command) (model, bool) {
	pending := m.decision == approval.Pending
	switch c.verb {
	case "read":
		return m, true
	case "edit":
		if !(pending || m.decision == approval.Authorized && !m.started) {
			return m, false
		}
		return model{revision: m.revision + 1}, true
	case "yes", "no":
		again := c.verb == "yes" && m.yes[c.by]
		if c.revision != m.revision {
			return m, false
		}
		if again {
			return m, pending || m.decision == approval.Authorized
		}
		if !pending {
			return m, false
		}
		if c.verb == "no" {
			m.yes[c.by] = false
			m.decision = approval.Rejected
			return m, true
		}
		m.yes[c.by] = true
		n := 0
		for _, y := range m.yes {
			if y {
				n++
			}
		}
		if n >= quorum {
			m.decision = approval.Authorized
		}
		return m, true
	case "withdraw":
		if !pending || !m.yes[c.by] {
			return m, false
		}
		m.yes[c.by] = false
		return m, true
	case "cancel":
		if !pending && (m.decision != approval.Authorized || m.started) {
			return m, false
		}
		m.decision = approval.Cancelled
		return m, true
	case "start":
		if m.decision != approval.Authorized || m.started || c.revision != m.revision {
			return m, false
		}
		m.started = true
		return m, true
	}
	return m, false
}

// seen is what a client sees of a case.
func seen(c approval.Case) model {
	m := model{revision: c.Revision, decision: c.Decision, started: len(c.Runs) > 0}
	for _, v := range c.Votes {
		if v.Choice == approval.Approve && v.Revision == c.Revision {
			n, _ := strconv.Atoi(v.By.Person[len("idp|voter-"):])
			m.yes[n] = true
		}
	}
	return m
}

func request(id string, edition int) *change.Change {
	no := false
	return &change.Change{ID: id, Title: "edition " + strconv.Itoa(edition), Kind: change.Code, Service: "api",
		Requester: change.Person{ID: "idp|alice", Kind: change.Human}, Downtime: &no}
}

// client sends commands until it has no more to send.
type client struct {
	t    *testing.T
	desk *desk.Desk
	dice *rand.Rand
	last map[string]approval.Case
	n    int
	name int
}

func (c *client) next(cases []string) command {
	out := command{id: cases[c.dice.IntN(len(cases))], by: c.dice.IntN(4)}
	out.revision = c.last[out.id].Revision
	switch roll := c.dice.IntN(100); {
	case roll < 45:
		out.verb = "yes"
	case roll < 50:
		out.verb = "no"
	case roll < 60:
		out.verb = "withdraw"
	case roll < 72:
		out.verb, out.by = "edit", -1
	case roll < 75:
		out.verb, out.by = "cancel", -1
	case roll < 85:
		out.verb, out.by = "start", -1
	default:
		out.verb = "read"
	}
	return out
}

// do sends a command until its outcome is known.
func (c *client) do(cmd command) answer {
	c.n++
	key := &desk.CommandOptions{Key: fmt.Sprintf("%d-%d", c.name, c.n)}
	edited := request(cmd.id, c.name*1_000_000+c.n)
	for {
		got, err := c.send(cmd, key, edited)
		var refused *approval.Refused
		switch {
		case err == nil:
			if c.last[cmd.id] = got; cmd.verb == "start" { // which gives the run, not the case
				return answer{blind: true}
			}
			return answer{model: seen(got)}
		case errors.Is(err, audit.ErrOutcomeUnknown), errors.Is(err, audit.ErrStale):
		case errors.As(err, &refused):
			if got, err := c.desk.Case(context.Background(), cmd.id); err == nil {
				c.last[cmd.id] = got
			}
			return answer{refused: true}
		default:
			c.t.Errorf("%s %s: %v", cmd.verb, cmd.id, err)
			return answer{refused: true}
		}
	}
}

func (c *client) send(cmd command, key *desk.CommandOptions, edited *change.Change) (approval.Case, error) {
	ctx, who := context.Background(), "idp|alice"
	if cmd.by >= 0 {
		who = "idp|voter-" + strconv.Itoa(cmd.by)
	}
	ballot := desk.Ballot{Revision: cmd.revision, Digest: c.last[cmd.id].Digest, Choice: approval.Approve}
	switch cmd.verb {
	case "no":
		ballot.Choice = approval.Reject
		return c.desk.Vote(ctx, who, cmd.id, ballot, key)
	case "yes":
		return c.desk.Vote(ctx, who, cmd.id, ballot, key)
	case "withdraw":
		return c.desk.Withdraw(ctx, who, cmd.id, key)
	case "edit":
		return c.desk.Edit(ctx, who, edited, key)
	case "cancel":
		return c.desk.Cancel(ctx, who, cmd.id, "no longer wanted", key)
	case "start":
		if _, err := c.desk.Start(ctx, who, cmd.id, approval.Attempt{ID: key.Key, Artifact: c.last[cmd.id].Digest}); err != nil {
			return approval.Case{}, err
		}
		return c.desk.Case(ctx, cmd.id)
	}
	return c.desk.Case(ctx, cmd.id)
}

// campaign is how many histories of how many commands are made: more with
// CHANGELANE_HISTORIES.
func campaign(t *testing.T) (histories, commands int) {
	histories, commands = 25, 1000
	if testing.Short() {
		return 5, 400
	}
	if n, err := strconv.Atoi(os.Getenv("CHANGELANE_HISTORIES")); err == nil {
		histories, commands = n, 5000
	}
	return histories, commands
}

func TestINV12Linearizable(t *testing.T) {
	policy, err := approval.Load(policyFiles)
	if err != nil {
		t.Fatal(err)
	}
	histories, commands := campaign(t)
	counts := map[string]int{}
	for seed := range histories {
		ops := record(t, policy, uint64(seed), commands)
		for _, op := range ops {
			c, a := op.Input.(command), op.Output.(answer)
			counts[fmt.Sprintf("%s refused=%t", c.verb, a.refused)]++
		}
		result, info := porcupine.CheckOperationsVerbose(cases, ops, time.Minute)
		if result != porcupine.Ok {
			file := t.TempDir() + "/history.html"
			if f, err := os.Create(file); err == nil {
				porcupine.Visualize(cases, info, f)
				f.Close()
			}
			t.Fatalf("history %d is %s", seed, result)
		}
	}
	t.Log(counts)
	for _, verb := range []string{"yes", "no", "withdraw", "edit", "cancel", "start"} {
		for _, refused := range []string{"true", "false"} {
			if counts[verb+" refused="+refused] < histories/5 {
				t.Errorf("%s refused=%s came about %d times only", verb, refused, counts[verb+" refused="+refused])
			}
		}
	}
}

// record makes one history: eight clients, one desk, commands in all.
func record(t *testing.T, policy *approval.Policy, seed uint64, commands int) []porcupine.Operation {
	store := &forgetful{Store: memory.New(), dice: rand.New(rand.NewPCG(seed, 1))}
	d, err := desk.New(store, policy, people{}, &desk.Options{Retries: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ids := make([]string, commands/40)
	for i := range ids {
		ids[i] = "CHG-" + strconv.Itoa(i)
		for {
			if _, err = d.Submit(context.Background(), "idp|alice", request(ids[i], 0)); !errors.Is(err, audit.ErrOutcomeUnknown) {
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var ops []porcupine.Operation
	var all sync.WaitGroup
	start := time.Now()
	for name := range 8 {
		all.Go(func() {
			c := &client{t: t, desk: d, dice: rand.New(rand.NewPCG(seed, uint64(name)+2)), last: map[string]approval.Case{}, name: name}
			for range commands / 8 {
				cmd := c.next(ids)
				called := time.Since(start).Nanoseconds()
				got := c.do(cmd)
				returned := time.Since(start).Nanoseconds()
				mu.Lock()
				ops = append(ops, porcupine.Operation{ClientId: name, Input: cmd, Call: called, Output: got, Return: returned})
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return ops
}

// cases is the model in the form of the checker: one case is independent of
// the others.
var cases = porcupine.Model{
	Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
		byCase := map[string][]porcupine.Operation{}
		for _, op := range ops {
			id := op.Input.(command).id
			byCase[id] = append(byCase[id], op)
		}
		var out [][]porcupine.Operation
		for _, list := range byCase {
			out = append(out, list)
		}
		return out
	},
	Init: func() any { return model{revision: 1} },
	Step: func(state, input, output any) (bool, any) {
		ok, next := step(state.(model), input.(command), output.(answer))
		return ok, next
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}
