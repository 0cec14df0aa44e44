package approval_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// ExampleLoad loads a policy in which a word is misspelt.
func ExampleLoad() {
	text := files()
	text["risk.yaml"] = `levels: {low: 0, high: 50}
default: high
rules:
  - {id: big-diff, points: 20, when: change.lines_aded > 400, because: large change}
`
	delete(text, "catalogue.yaml")
	_, err := approval.Load(mapFS(text))
	fmt.Println(err)
	// Output:
	// risk.yaml:4:38: rule "big-diff": no fact is named "change.lines_aded"; did you mean "change.lines_added"?
}

// ExampleNew makes a policy in Go.
func ExampleNew() {
	p, err := approval.New(small())
	if err != nil {
		panic(err)
	}
	downtime := true
	c := &change.Change{ID: "CHG-9", Kind: change.Code, Service: "api", Requester: change.Person{ID: "idp|alice"}, Downtime: &downtime}
	got := p.Classify(c, approval.Inputs{At: monday})
	fmt.Println(got.Type, got.Assessment.Level, got.Requirement)
	// Output:
	// normal high 2 of cab
}

// ExamplePolicy_Classify asks for the same change on two services.
func ExamplePolicy_Classify() {
	p, err := approval.Load(mapFS(files())) // such as os.DirFS("policy")
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	for _, service := range []string{"payments-api", "ledger"} {
		c.Service = service
		got := p.Classify(c, approval.Inputs{At: monday})
		fmt.Printf("%s: %s, needs %s\n", service, got.Type, got.Requirement)
	}
	// Output:
	// payments-api: standard, needs nobody: pre-approved by cab as rolling
	// ledger: normal, needs 2 of cab and service-owner of ledger
}

// ExampleClassification_Explain explains a change whose size nobody stated.
func ExampleClassification_Explain() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	c.Files, c.Size = nil, nil
	fmt.Print(p.Classify(c, approval.Inputs{At: monday}).Explain())
	// Output:
	// CHG-1 is a normal change: it needs a decision.
	//   what: "db cleanup"
	//   what for: "less to pay"
	//   the risk is not settled while this is not known: change.lines_added, change.files
	//   perhaps never standard: secrets are looked at by people (secrets), and change.paths is not known
	//   no template in force covers the change, so it is not regular
	//
	// Risk: low, score 20
	//     +20  not known, so it counts: large change (big-diff) [change.lines_added is unknown]
	//     +30  not known, so it counts: many files (many-files) [change.files is unknown]
	//     -10  the pipeline verified it (verified) [evidence.smoke = "passed"]
	//       0  it is of a kind that we know (plain) [change.kind = "code"]
	//     -20  the rules of the group size count for 30 points at most (group size)
	//
	// Missing:
	//   - change.lines_added is not known (wanted by big-diff)
	//   - change.files is not known (wanted by many-files)
	//
	// Who must say yes: 3 of cab and service-owner of payments-api
}

// ExamplePolicy_Counterfactual asks what would make a change standard that
// nobody has claimed, whose check has failed, and of which not all is known.
func ExamplePolicy_Counterfactual() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(`{"id": "CHG-2", "kind": "code", "service": "payments-api", "requester": {"id": "idp|alice"},
		"files": [{"path": "main.go"}, {"path": "db.go"}], "evidence": [{"name": "smoke", "result": "failed"}]}`), nil)
	if err != nil {
		panic(err)
	}
	fmt.Print(p.Counterfactual(c, approval.Inputs{At: monday}, nil).Explain(3))
	// Output:
	// What would make it standard:
	//    1. state change.lines_added (lines added), whatever it is
	//       say whether users will notice an interruption, if the answer is no (change.downtime)
	//       have somebody on call for payments claim it as a standard change under rolling
	//       then it is standard under rolling, at level low
}

// Example_hotSwap puts another policy in place while changes are classified:
// a policy never changes, so swapping the pointer is all there is to do.
func Example_hotSwap() {
	d, err := approval.ParseDefinition(mapFS(files()))
	if err != nil {
		panic(err)
	}
	first, err := approval.New(d)
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	var current atomic.Pointer[approval.Policy]
	current.Store(first)
	fmt.Println(current.Load().Classify(c, approval.Inputs{At: monday}).Type)

	d.Templates = nil
	next, err := approval.New(d)
	if err != nil {
		fmt.Println(err) // the one in place stays
		return
	}
	current.Store(next)
	fmt.Println(current.Load().Classify(c, approval.Inputs{At: monday}).Type)
	// Output:
	// standard
	// normal
}

// TestHotSwap classifies while policies are swapped: each answer is that of
// the policy which it names.
func TestHotSwap(t *testing.T) {
	without := base(t)
	without.Templates = nil
	policies := []*approval.Policy{made(t, base(t)), made(t, without)}
	types := map[change.Digest]change.Type{policies[0].Digest(): change.Standard, policies[1].Digest(): change.Normal}
	var current atomic.Pointer[approval.Policy]
	current.Store(policies[0])
	var wait sync.WaitGroup
	c := decoded(t, nil)
	for range 4 {
		wait.Go(func() {
			for range 200 {
				if got := current.Load().Classify(c, approval.Inputs{At: monday}); got.Type != types[got.Policy] {
					t.Errorf("the policy %s says %s", got.Policy, got.Type)
				}
			}
		})
	}
	for i := range 400 {
		current.Store(policies[i%2])
	}
	wait.Wait()
}

// BenchmarkClassify is the whole way from a decoded change to what it needs.
func BenchmarkClassify(b *testing.B) {
	p, c := made(b, base(b)), decoded(b, nil)
	for b.Loop() {
		if got := p.Classify(c, approval.Inputs{At: monday}); got.Type != change.Standard {
			b.Fatal(got.Explain())
		}
	}
}
