package approval_test

import (
	"fmt"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
)

// ExampleCase_Gate takes a case without a desk: commands give events, and a
// case is what its events add up to. Who holds which seat is an argument, and
// so is the time; keeping the events is the caller's part.
func ExampleCase_Gate() {
	p, err := approval.Load(mapFS(files()))
	if err != nil {
		panic(err)
	}
	c, err := change.Decode([]byte(regular), &change.DecodeOptions{Attested: true})
	if err != nil {
		panic(err)
	}
	in := approval.Inputs{At: monday}
	events, err := p.Submit(c, approval.Submission{By: alice, Contributors: []approval.Actor{alice, bob}, Inputs: in, Validity: validity})
	if err != nil {
		panic(err)
	}
	var log []approval.Stamped
	for _, e := range events {
		fmt.Printf("%T\n", e)
		log = append(log, approval.Stamped{Occurred: monday, Recorded: monday, Event: e})
	}
	its, err := approval.Fold(c.ID, log)
	if err != nil {
		panic(err)
	}
	in.At = monday.Add(time.Hour)
	for _, holds := range [][]approval.Seat{nil, {team}} {
		fmt.Println(its.Gate(p, attempt("run-1", image, "prod/eu"), approval.GateInputs{Inputs: in, By: bob, Holds: holds, Validity: validity}))
	}
	// Output:
	// approval.Submitted
	// approval.Decided
	// CHG-1 is refused: idp|bob may not deploy it: that takes a team-member of payments-api
	// <nil>
}
