package main

import (
	"context"
	"slices"
	"strings"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
	"github.com/changelane/changelane/change"
)

// staff is the directory of the demonstration, invented like the services: a
// real one asks the company's own. Identities are "team/edge" for the pipeline
// of a team, "owner/edge" for who answers for a service, "board/1" to
// "board/7", "support/1", "manager/1", "pager/edge" for those on call, and the
// a1, a2, ... of the data.
type staff struct{ policy *approval.Policy }

// Person knows everybody by one identity; pipelines and pagers are bots.
func (s staff) Person(_ context.Context, identity string) (desk.Person, error) {
	kind := change.Human
	if part, _, _ := strings.Cut(identity, "/"); part == "team" || part == "pager" {
		kind = change.Bot
	}
	return desk.Person{ID: identity, Kind: kind}, nil
}

// Holds reports whether a person may take a seat.
func (s staff) Holds(ctx context.Context, person string, seat approval.Seat) (bool, error) {
	members, err := s.Members(ctx, seat)
	return slices.ContainsFunc(members, func(p desk.Person) bool { return p.ID == person }), err
}

// Members lists who may take a seat.
func (s staff) Members(ctx context.Context, seat approval.Seat) ([]desk.Person, error) {
	service, _ := s.policy.Service(seat.Of)
	var ids []string
	switch {
	case seat.Group == "cab":
		ids = []string{"board/1", "board/2", "board/3", "board/4", "board/5", "board/6", "board/7"}
	case seat.Role == approval.RoleOnCall && service.OnCall != "":
		ids = []string{service.OnCall}
	case seat.Role == approval.RoleTeamMember && service.Team != "":
		ids = []string{"team/" + service.Team, "owner/" + seat.Of}
	case seat.Role == approval.RoleAppSupport:
		ids = []string{"support/1"}
	case seat.Role == approval.RoleChangeManager:
		ids = []string{"manager/1"}
	case seat.Role == "service-owner":
		ids = []string{"owner/" + seat.Of}
	}
	out := make([]desk.Person, len(ids))
	for i, id := range ids {
		out[i], _ = s.Person(ctx, id)
	}
	return out, nil
}
