package change_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/changelane/changelane/change"
)

func ExampleDecode() {
	c, err := change.Decode([]byte(`{
	  "id": "CHG-2026-0017",
	  "title": "Retry card authorisations on issuer timeouts",
	  "kind": "code",
	  "service": "payments-api",
	  "requester": {"id": "idp|2217", "team": "payments"},
	  "files": [{"path": "authorise/retry.go", "added": 131, "deleted": 12}],
	  "window": {"start": "2026-06-04T09:00:00+01:00", "end": "2026-06-04T10:30:00+01:00"}
	}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	added, deleted, known := c.Lines()
	fmt.Println(c.Kind, "on", c.Service, "from", c.Window.Start.Format(time.RFC3339))
	fmt.Println(added, "lines added,", deleted, "deleted; known:", known)
	fmt.Println("downtime stated:", c.Downtime != nil)
	// Output:
	// code on payments-api from 2026-06-04T08:00:00Z
	// 131 lines added, 12 deleted; known: true
	// downtime stated: false
}

func ExampleDecode_refused() {
	_, err := change.Decode([]byte(`{
	  "id": "CHG-1", "kind": "cod", "service": "payments-api",
	  "requester": {"id": "Alice Smith"},
	  "titel": "Retry on timeouts"
	}`), nil)
	var problems change.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Printf("line %d, column %d: %s\n", p.Line, p.Column, p)
		}
	}
	_, err = change.Decode([]byte(`{"id": "CHG-1", "requester": {"id": "u"}, "state": "authorized"}`), nil)
	fmt.Println(err)
	_, err = change.Decode([]byte(`{"id": "CHG-1", "kind": "co`), nil)
	fmt.Println(err, errors.Is(err, change.ErrIncomplete))
	// Output:
	// line 2, column 27: /kind: is "cod"; expected one of code, config, flag, data, infrastructure, cots; did you mean "code"?
	// line 3, column 24: /requester/id: is "Alice Smith"; expected printable ASCII without spaces, such as idp|alice
	// line 4, column 4: /titel: unknown field "titel"; did you mean "title"?
	// /state: is decided by the system, not by the requester; leave it out
	// /kind: the document ends too early; expected the closing quote of a string true
}

func ExampleChange_Validate() {
	added := 100
	stated := 1
	c := change.Change{
		ID: "CHG-1", Kind: change.Code, Service: "payments-api", Requester: change.Person{ID: "idp|2217"},
		Files: []change.File{{Path: "authorise/retry.go", Added: &added}, {Path: "../deploy/values.yaml"}},
		Size:  &change.Size{LinesAdded: &stated},
	}
	var problems change.Problems
	if errors.As(c.Validate(), &problems) {
		for _, p := range problems {
			fmt.Println(p)
		}
	}
	// Output:
	// /files/1/path: "../deploy/values.yaml" is not a plain path from the root of the repository; write it without a leading slash, empty parts, "." or ".."
	// /size/lines_added: says 1, but the listed files come to 100; leave it out, or list all files
}

// One instant has one encoding, and absent members are left out, so that the
// same change has the same digest wherever it was built.
func ExampleChange_Digest() {
	decoded, err := change.Decode([]byte(`{"service": "payments", "id": "CHG-1", "kind": "code", "requester": {"id": "idp|alice"}}`), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	built := change.Change{ID: "CHG-1", Kind: change.Code, Service: "payments", Requester: change.Person{ID: "idp|alice"}}
	canonical, _ := built.Canonical()
	fmt.Printf("%s\n", canonical)
	a, _ := built.Digest()
	b, _ := decoded.Digest()
	fmt.Println(a)
	fmt.Println(a == b)
	// Output:
	// {"id":"CHG-1","kind":"code","requester":{"id":"idp|alice"},"service":"payments"}
	// sha256:89d9c75024ebb32b08b4defb9910d6b4c30a4634bd76ee76b3dcc01b27bd0298
	// true
}

func ExampleOperatingModel_Route() {
	for _, m := range change.Presets() {
		fmt.Println(m.Name)
		for _, a := range m.Route(change.Standard) {
			fmt.Printf("  %s: %s\n", a.Name, a.Party)
		}
	}
	// Output:
	// ops-run-it
	//   request: owner
	//   queue: change-management
	//   decide: approvers
	//   schedule: change-management
	//   hand over: owner
	//   deploy: app-support
	//   validate: either
	//   report: app-support
	// you-build-it-you-run-it
	//   claim: owner
	//   deploy: owner
	//   validate: owner
	//   report: owner
}

func ExampleService_ModelFor() {
	june := change.Date{Year: 2025, Month: time.June, Day: 1}
	s := change.Service{Name: "payments-api", Models: []change.Assignment{
		{Model: change.OpsRunIt(), From: change.Date{Year: 2024, Month: time.January, Day: 8}},
		{Model: change.YouBuildItYouRunIt(), From: june, ReviewBy: change.Date{Year: 2026, Month: time.June, Day: 1}},
		{Model: change.OpsRunIt(), From: june, Kinds: []change.Kind{change.Data}},
	}}
	may := change.Date{Year: 2025, Month: time.May, Day: 31}
	for _, day := range []change.Date{may, june} {
		for _, kind := range []change.Kind{change.Code, change.Data} {
			a, _ := s.ModelFor(kind, day)
			fmt.Println(day, kind, a.Model.Name)
		}
	}
	// Output:
	// 2025-05-31 code ops-run-it
	// 2025-05-31 data ops-run-it
	// 2025-06-01 code you-build-it-you-run-it
	// 2025-06-01 data ops-run-it
}
