package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/approval/desk"
)

func peopleIn(t testing.TB, text string) (*people, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "people.json")
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := readPeople(file)
	if err != nil {
		err = errors.New(strings.ReplaceAll(err.Error(), file, "people.json"))
	}
	return p, err
}

// TestPeopleRefused: what is not clearly right is refused with its place.
func TestPeopleRefused(t *testing.T) {
	one := func(members string) string {
		return "{\"people\": [\n" + `{"id": "idp|a", "kind": "human"` + members + "}]}"
	}
	for text, want := range map[string]string{
		``:                               `people.json:1: /: is not JSON: unexpected end of JSON input`,
		`[]`:                             `people.json:1: /: is no object`,
		`{}`:                             `people.json:1: /: is missing the field "people"`,
		`{"people": null}`:               `people.json:1: /people: is no list`,
		`{"people": {}}`:                 `people.json:1: /people: is no list`,
		`{"people": [null]}`:             `people.json:1: /people/0: is no object`,
		`{"People": []}`:                 `people.json:1: /: has an unknown field "People"; expected people; did you mean "people"?`,
		`{"people": []} {}`:              `people.json:1: /: is not JSON: invalid character '{' after top-level value`,
		"{\"people\": [],\n\"a\":":       `people.json:2: /: is not JSON: unexpected end of JSON input`,
		"{\"people\": \"\xff\"}":         `people.json:1: /: is not text in UTF-8`,
		`{"people":[],"people":[]}`:      `people.json:1: /: has the field "people" twice; keep one`,
		`{"people":[],"\u0070eople":[]}`: `people.json:1: /: has the field "people" twice; keep one`,

		one(`, "kind": "bot"`):                `people.json:2: /people/0: has the field "kind" twice; keep one`,
		one(`, "Also": []`):                   `people.json:2: /people/0: has an unknown field "Also"; expected id, kind, also or holds; did you mean "also"?`,
		one(`, "also": "gh|a"`):               `people.json:2: /people/0/also: is no list`,
		one(`, "also": [1]`):                  `people.json:2: /people/0/also/0: is no text`,
		one(`, "also": [""]`):                 `people.json:2: /people/0/also/0: is ""; expected printable ASCII without spaces, such as idp|alice`,
		one(`, "also": ["idp|b "]`):           `people.json:2: /people/0/also/0: is "idp|b "; expected printable ASCII without spaces, such as idp|alice`,
		one(`, "also": ["idp|\u0430"]`):       `people.json:2: /people/0/also/0: is "idp|а"; expected printable ASCII without spaces, such as idp|alice`,
		one(`, "also": ["idp|a"]`):            `people.json:2: /people/0/also/0: is "idp|a", and "idp|a" is there already; expected every identity once`,
		one(`, "also": ["IDP|A"]`):            `people.json:2: /people/0/also/0: is "IDP|A", and "idp|a" is there already; expected every identity once`,
		one("},\n{\"id\": \"idp|a\""):         `people.json:3: /people/1/id: is "idp|a", and "idp|a" is there already; expected every identity once`,
		one(`}, {"kind": "bot"`):              `people.json:2: /people/1: is missing the field "id"`,
		one(`}, {"id": "idp|b"`):              `people.json:2: /people/1: is missing the field "kind"`,
		one(`}, {"id": "b", "kind": "Human"`): `people.json:2: /people/1/kind: "Human" is not a kind of person; expected one of human, bot; did you mean "human"?`,

		one(`, "holds": ["cab"]`):                               `people.json:2: /people/0/holds/0: is no object`,
		one(`, "holds": [{}]`):                                  `people.json:2: /people/0/holds/0: expected either a group or a role`,
		one(`, "holds": [{"of": "a"}]`):                         `people.json:2: /people/0/holds/0: expected either a group or a role`,
		one(`, "holds": [{"group": "cab", "role": "x"}]`):       `people.json:2: /people/0/holds/0: expected either a group or a role`,
		one(`, "holds": [{"group": "cab", "of": "a"}]`):         `people.json:2: /people/0/holds/0: a group is of no service; leave out "of"`,
		one(`, "holds": [{"group": "*"}]`):                      `people.json:2: /people/0/holds/0: expected a name; "*" stands only for every service, in "of"`,
		one(`, "holds": [{"role": "*"}]`):                       `people.json:2: /people/0/holds/0: expected a name; "*" stands only for every service, in "of"`,
		one(`, "holds": [{"group": "CAB"}]`):                    `people.json:2: /people/0/holds/0/group: is "CAB"; expected small letters, digits and . _ -, beginning with a letter or a digit`,
		one(`, "holds": [{"role": "x", "of": ""}]`):             `people.json:2: /people/0/holds/0/of: is ""; expected small letters, digits and . _ -, beginning with a letter or a digit`,
		one(`, "holds": [{"group": "cab"}, {"group": "cab"}]`):  `people.json:2: /people/0/holds/1: is there twice; keep one`,
		one(`, "holds": [{"role": "outside-team", "of": "a"}]`): `people.json:2: /people/0/holds/0: nobody holds the role outside-team: it is for those who do not hold team-member`,
		one(`, "holds": [{"group": "cab", "quorum": 3}]`):       `people.json:2: /people/0/holds/0: has an unknown field "quorum"; expected group, role or of`,
	} {
		p, err := peopleIn(t, text)
		if p != nil || err == nil || err.Error() != want {
			t.Errorf("%s\ngives %v\nexpected %s", text, err, want)
		}
	}
}

func TestPeopleTooLong(t *testing.T) {
	text := `{"people": [` + strings.Repeat(" ", maxPeople) + `]}`
	if _, err := peopleIn(t, text); err == nil || !strings.Contains(err.Error(), "is longer than") {
		t.Errorf("%v", err)
	}
}

// TestPeople: an identity finds its person, and holdings fill just the seats
// that they name.
func TestPeople(t *testing.T) {
	p, err := readPeople("testdata/people.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for identity, want := range map[string]string{"idp|alice": "idp|alice", "gh|alice": "idp|alice", "GH|alice": "", "idp|mallory": "", "": ""} {
		got, err := p.Person(ctx, identity)
		if got.ID != want || (want == "") != errors.Is(err, desk.ErrUnknownPerson) {
			t.Errorf("%q is %q, %v; expected %q", identity, got.ID, err, want)
		}
	}
	for _, test := range []struct {
		seat approval.Seat
		want string
	}{
		{approval.Seat{Group: "cab"}, "idp|bob idp|carol idp|dave"},
		{approval.Seat{Group: "cab", Quorum: 3}, "idp|bob idp|carol idp|dave"},
		{approval.Seat{Group: "CAB"}, ""},
		{approval.Seat{Role: "cab"}, ""},
		{approval.Seat{Role: "team-member", Of: "payments-api"}, "idp|alice ci|payments"},
		{approval.Seat{Role: "team-member", Of: "core-banking"}, ""},
		{approval.Seat{Role: "team-member"}, ""},
		{approval.Seat{Role: "service-owner", Of: "anything"}, "idp|olivia"},
		{approval.Seat{Role: "service-owner"}, ""},
		{approval.Seat{Role: "change-manager"}, "idp|erin"},
		{approval.Seat{Role: "change-manager", Of: "payments-api"}, ""},
		{approval.Seat{}, ""},
	} {
		members, err := p.Members(ctx, test.seat)
		var got []string
		for _, m := range members {
			got = append(got, m.ID)
			if holds, err := p.Holds(ctx, m.ID, test.seat); err != nil || !holds {
				t.Errorf("%s is a member of %+v, and does not hold it", m.ID, test.seat)
			}
		}
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %q, %v; expected %q", test.seat, got, err, test.want)
		}
	}
	if holds, err := p.Holds(ctx, "idp|mallory", approval.Seat{Group: "cab"}); holds || err != nil {
		t.Errorf("somebody unknown holds a seat: %v", err)
	}
}

// FuzzPeople: what is accepted is what encoding/json reads in it, and has no
// identity twice.
func FuzzPeople(f *testing.F) {
	seed, err := os.ReadFile("testdata/people.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{string(seed), `{"people":[]}`, `{"people":[{"id":"a","kind":"bot","also":["b"]}]}`, `{"people":[{"id":"a","kind":"bot","holds":[{"role":"x","of":"*"}]}]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := &people{at: map[string]int{}, like: map[string]string{}}
		if readStrict([]byte(text), p.read) != nil {
			return
		}
		var want struct {
			People []struct {
				ID, Kind string
				Also     []string
				Holds    []struct{ Group, Role, Of string }
			}
		}
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix([]byte(text), byteOrderMark)))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("%q is accepted: %v", text, err)
		}
		seen := map[string]bool{}
		var expected, got []string
		for _, one := range want.People {
			expected = append(expected, fmt.Sprintln(one.ID, one.Kind, one.Also, one.Holds))
			for _, id := range append(one.Also, one.ID) {
				if seen[id] {
					t.Fatalf("%q is accepted twice in %q", id, text)
				}
				seen[id] = true
			}
		}
		for _, one := range p.list {
			got = append(got, fmt.Sprintln(one.ID, one.Kind, one.also, one.holds))
		}
		if !reflect.DeepEqual(got, expected) {
			t.Fatalf("%q gives %q, expected %q", text, got, expected)
		}
	})
}
