package approval_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/changelane/changelane/approval"
)

func TestParseRequirement(t *testing.T) {
	digest := string(digestOf("x"))
	for text, want := range map[string]approval.Requirement{
		`{"group":"cab","quorum":3}`:                                            approval.Seat{Group: "cab", Quorum: 3},
		` { "quorum" : 3.0 , "group" : "c\u0061b" } `:                           approval.Seat{Group: "cab", Quorum: 3},
		`{"role":"owner","of":"api","quorum":1}`:                                approval.Seat{Role: "owner", Of: "api", Quorum: 1},
		`{"all":[{"role":"owner","quorum":1}]}`:                                 approval.All{approval.Seat{Role: "owner", Quorum: 1}},
		`{"any":[{"group":"a","quorum":1},{"all":[{"group":"b","quorum":2}]}]}`: approval.Any{approval.Seat{Group: "a", Quorum: 1}, approval.All{approval.Seat{Group: "b", Quorum: 2}}},
		`{"template":"t","version":"` + digest + `","approved_by":"cab"}`:       approval.PreApproval{Template: "t", Version: digestOf("x"), ApprovedBy: "cab"},
	} {
		if got, err := approval.ParseRequirement([]byte(text)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %#v, %v", text, got, err)
		}
	}
}

func TestParseRequirementRefuses(t *testing.T) {
	digest := string(digestOf("x"))
	nested := func(n int) string {
		return strings.Repeat(`{"all":[`, n) + `{"group":"cab","quorum":1}` + strings.Repeat(`]}`, n)
	}
	if _, err := approval.ParseRequirement([]byte(nested(8))); err != nil {
		t.Error(err)
	}
	for text, message := range map[string]string{
		``:                "ends too early",
		`null`:            "expected an object",
		`[]`:              "expected an object",
		`{}`:              "expected an object",
		`"cab"`:           "expected an object",
		`{"group":"cab"}`: "expected an object",
		`{"all":[]}`:      "at least one requirement",
		`{"any":[]}`:      "at least one requirement",
		`{"all":null}`:    "at least one requirement",
		`{"all":{}}`:      "at least one requirement",
		`{"all":[null]}`:  "expected an object",
		`{"all":[{"group":"a","quorum":1}],"any":[{"group":"a","quorum":1}]}`:        "nothing stands beside it",
		`{"all":[{"group":"a","quorum":1}],"quorum":1}`:                              "nothing stands beside it",
		`{"All":[{"group":"a","quorum":1}]}`:                                         "expected an object",
		`{"group":"cab","quorum":0}`:                                                 "quorum of at least 1",
		`{"group":"cab","quorum":-1}`:                                                "quorum of at least 1",
		`{"group":"cab","quorum":1.5}`:                                               "cannot unmarshal",
		`{"group":"cab","quorum":"1"}`:                                               "cannot unmarshal",
		`{"group":"cab","quorum":null}`:                                              "is empty, null or misspelt",
		`{"group":"cab","quorum":1e300}`:                                             "",
		`{"group":"cab","quorum":1,"quorum":1}`:                                      "stands twice",
		`{"group":"cab","Quorum":1,"quorum":1}`:                                      "letter case",
		`{"Group":"cab","quorum":1}`:                                                 "is empty, null or misspelt",
		`{"group":"cab","role":"x","quorum":1}`:                                      "a seat is for a group",
		`{"group":"cab","of":"x","quorum":1}`:                                        "a seat is for a group",
		`{"group":"","role":"x","quorum":1}`:                                         "is empty, null or misspelt",
		`{"quorum":1}`:                                                               "a seat is for a group",
		`{"of":"x","quorum":1}`:                                                      "a seat is for a group",
		`{"group":"cab","quorum":1,"each":"x"}`:                                      `unknown field "each"`,
		`{"template":"t","version":"1","approved_by":"cab"}`:                         "a pre-approval names",
		`{"template":"t","version":"` + digest + `"}`:                                "is empty, null or misspelt",
		`{"template":"t","version":"` + digest + `","approved_by":""}`:               "a pre-approval names",
		`{"template":"","version":"` + digest + `","approved_by":"cab"}`:             "a pre-approval names",
		`{"template":"t","version":"` + digest + `","approved_by":"cab","ref":""}`:   "is empty, null or misspelt",
		`{"template":"t","version":"` + digest + `","approved_by":"cab","quorum":1}`: `unknown field "quorum"`,
		nested(9):   "levels",
		nested(31):  "levels",
		nested(500): "nested deeper",
		`{"any":[` + strings.Repeat(`{"group":"a","quorum":1},`, 6000) + `{"group":"a","quorum":1}]}`: "more than",
	} {
		if r, err := approval.ParseRequirement([]byte(text)); err == nil || r != nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%.200s: %v, %v; expected %q", text, r, err, message)
		}
	}
}

// TestRequirementsComeBack: reading is the inverse of writing, and says the
// same about strictness.
func TestRequirementsComeBack(t *testing.T) {
	r := randomEvents{rand.New(rand.NewPCG(8, 8))}
	for range 2000 {
		want := r.requirement(3)
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := approval.ParseRequirement(data)
		if err != nil || !reflect.DeepEqual(got, want) || got.String() != want.String() {
			t.Fatalf("%s: %v, %v", data, got, err)
		}
	}
}

func FuzzParseRequirement(f *testing.F) {
	f.Add([]byte(`{"all":[{"group":"cab","quorum":3},{"any":[{"role":"owner","of":"api","quorum":1},{"role":"x","quorum":1}]}]}`))
	f.Add([]byte(`{"template":"t","version":"` + string(digestOf("x")) + `","approved_by":"cab"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := approval.ParseRequirement(data)
		if err != nil {
			return
		}
		written, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := approval.ParseRequirement(written); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%s is written as %s: %v", data, written, err)
		}
	})
}
