package desktest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/change"
)

// Directory is a directory whose people the test makes up. It may be used from
// many goroutines.
type Directory struct {
	mu     sync.Mutex
	known  map[string]desk.Person            // by identity
	holder map[approval.Seat]map[string]bool // by person
	err    error
}

// NewDirectory makes a directory that knows nobody.
func NewDirectory() *Directory {
	return &Directory{known: map[string]desk.Person{}, holder: map[approval.Seat]map[string]bool{}}
}

// Add makes the directory know a human by an identity, which is the canonical
// one, and by others that are linked to it.
func (d *Directory) Add(person string, linked ...string) { d.add(person, change.Human, linked) }

// AddBot is Add for a bot.
func (d *Directory) AddBot(bot string, linked ...string) { d.add(bot, change.Bot, linked) }

func (d *Directory) add(id string, kind change.PersonKind, linked []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, identity := range append([]string{id}, linked...) {
		d.known[identity] = desk.Person{ID: id, Kind: kind}
	}
}

// Remove makes the directory forget a person, with all identities and seats.
func (d *Directory) Remove(person string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for identity, p := range d.known {
		if p.ID == person {
			delete(d.known, identity)
		}
	}
	for _, holders := range d.holder {
		delete(holders, person)
	}
}

// Grant lets a person take seats. The person must have been added; the quorum
// of a seat means nothing.
func (d *Directory) Grant(person string, seats ...approval.Seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, known := d.known[person]; !known || p.ID != person {
		panic(fmt.Sprintf("desktest: %q is given a seat and was not added; call Add first", person))
	}
	for _, seat := range seats {
		seat.Quorum = 0
		if d.holder[seat] == nil {
			d.holder[seat] = map[string]bool{}
		}
		d.holder[seat][person] = true
	}
}

// Revoke takes seats away from a person.
func (d *Directory) Revoke(person string, seats ...approval.Seat) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, seat := range seats {
		seat.Quorum = 0
		delete(d.holder[seat], person)
	}
}

// Fail makes every question fail with err from now on, as a directory does that
// cannot be reached; nil makes it answer again.
func (d *Directory) Fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = err
}

// Person is as [desk.Directory] says.
func (d *Directory) Person(ctx context.Context, identity string) (desk.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.unable(ctx); err != nil {
		return desk.Person{}, err
	}
	p, known := d.known[identity]
	if !known {
		return desk.Person{}, fmt.Errorf("%q: %w", identity, desk.ErrUnknownPerson)
	}
	return p, nil
}

// Holds is as [desk.Directory] says.
func (d *Directory) Holds(ctx context.Context, person string, seat approval.Seat) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.unable(ctx); err != nil {
		return false, err
	}
	seat.Quorum = 0
	return d.holder[seat][person], nil
}

// Members is as [desk.Directory] says, in the order of the IDs.
func (d *Directory) Members(ctx context.Context, seat approval.Seat) ([]desk.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.unable(ctx); err != nil {
		return nil, err
	}
	seat.Quorum = 0
	var members []desk.Person
	for person := range d.holder[seat] {
		members = append(members, d.known[person])
	}
	slices.SortFunc(members, func(a, b desk.Person) int { return cmp.Compare(a.ID, b.ID) })
	return members, nil
}

func (d *Directory) unable(ctx context.Context) error {
	if d.err != nil {
		return d.err
	}
	return ctx.Err()
}
