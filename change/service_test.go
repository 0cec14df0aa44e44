package change

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func onDay(year, month, day int) Date { return Date{year, time.Month(month), day} }

func TestModelFor(t *testing.T) {
	named := func(name string, from Date, kinds ...Kind) Assignment {
		return Assignment{Model: OperatingModel{Name: name}, From: from, Kinds: kinds}
	}
	old, recent, split := named("ops", onDay(2019, 1, 1)), named("ybi", onDay(2025, 6, 1)), named("ybi-flags", onDay(2025, 6, 1), Flag, Config)
	later := named("flags-later", onDay(2025, 9, 1), Flag)
	for _, k := range []struct {
		name   string
		models []Assignment
		kind   Kind
		day    Date
		want   string // "" for none
	}{
		{"no models", nil, Code, onDay(2026, 1, 1), ""},
		{"the day before the first", []Assignment{old, recent}, Code, onDay(2018, 12, 31), ""},
		{"its first day", []Assignment{old, recent}, Code, onDay(2019, 1, 1), "ops"},
		{"the last day of the first", []Assignment{old, recent}, Code, onDay(2025, 5, 31), "ops"},
		{"the first day of the second", []Assignment{old, recent}, Code, onDay(2025, 6, 1), "ybi"},
		{"whatever the order of the list", []Assignment{recent, old}, Code, onDay(2025, 6, 1), "ybi"},
		{"long after", []Assignment{recent, old}, Code, onDay(2199, 12, 31), "ybi"},
		{"only for other kinds", []Assignment{split}, Code, onDay(2026, 1, 1), ""},
		{"other kinds keep theirs", []Assignment{old, split}, Code, onDay(2026, 1, 1), "ops"},
		{"the kind that is named", []Assignment{old, split}, Config, onDay(2026, 1, 1), "ybi-flags"},
		{"together: the one that names the kind", []Assignment{recent, split}, Flag, onDay(2025, 6, 1), "ybi-flags"},
		{"together, in the other order", []Assignment{split, recent}, Flag, onDay(2025, 6, 1), "ybi-flags"},
		{"together, but the kind is not named", []Assignment{split, recent}, Data, onDay(2025, 6, 1), "ybi"},
		{"a later one for all kinds leaves an earlier one for some", []Assignment{named("f", onDay(2025, 1, 1), Flag), recent}, Flag, onDay(2025, 7, 1), "f"},
		{"which another one for that kind ends", []Assignment{named("f", onDay(2025, 1, 1), Flag), recent, split}, Flag, onDay(2025, 7, 1), "ybi-flags"},
		{"a later one for some kinds", []Assignment{later, recent}, Flag, onDay(2025, 9, 1), "flags-later"},
		{"which has not begun", []Assignment{later, recent}, Flag, onDay(2025, 8, 31), "ybi"},
		{"a change of unknown kind goes by the general one", []Assignment{recent, later}, 0, onDay(2026, 1, 1), "ybi"},
		{"an empty list of kinds is for none", []Assignment{{Model: OpsRunIt(), From: onDay(2020, 1, 1), Kinds: []Kind{}}}, Code, onDay(2026, 1, 1), ""},
	} {
		s := Service{Models: k.models}
		a, ok := s.ModelFor(k.kind, k.day)
		if ok != (k.want != "") || a.Model.Name != k.want {
			t.Errorf("%s: %q %v, want %q", k.name, a.Model.Name, ok, k.want)
		}
		if !ok && !reflect.DeepEqual(a, Assignment{}) {
			t.Errorf("%s: no model, but %+v", k.name, a)
		}
	}
}

// TestModelForAgainstSearch compares with a search that sorts instead.
func TestModelForAgainstSearch(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	found := 0
	for range 20_000 {
		var s Service
		for range random.IntN(5) {
			a := Assignment{Model: OperatingModel{Name: string(rune('a' + len(s.Models)))}, From: onDay(2026, 1, 1+random.IntN(4))}
			for k := Code; k <= Data && random.IntN(2) == 0; k++ {
				a.Kinds = append(a.Kinds, k)
			}
			s.Models = append(s.Models, a)
		}
		kind, day := Kind(1+random.IntN(5)), onDay(2025, 12, 31).AddDays(random.IntN(6))
		got, ok := s.ModelFor(kind, day)
		want, wantOK := searchModel(s.Models, kind, day)
		if ok != wantOK || got.Model.Name != want.Model.Name {
			t.Fatalf("%+v on %s for %s: %q %v, want %q %v", s.Models, day, kind, got.Model.Name, ok, want.Model.Name, wantOK)
		}
		if ok {
			found++
		}
	}
	if found < 5_000 {
		t.Errorf("only %d found", found)
	}
}

func searchModel(models []Assignment, kind Kind, day Date) (Assignment, bool) {
	list := slices.DeleteFunc(slices.Clone(models), func(a Assignment) bool {
		return a.From.String() > day.String() || a.Kinds != nil && !slices.Contains(a.Kinds, kind)
	})
	slices.SortStableFunc(list, func(a, b Assignment) int {
		if byKind := btoi(a.Kinds == nil) - btoi(b.Kinds == nil); byKind != 0 {
			return byKind
		}
		return strings.Compare(b.From.String(), a.From.String())
	})
	if len(list) == 0 {
		return Assignment{}, false
	}
	return list[0], true
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestOneTeamOnBothModels is C5: the model belongs to the service, not to the
// team, and C7: what was in force on a past day can still be said.
func TestOneTeamOnBothModels(t *testing.T) {
	begun := []Assignment{{Model: OpsRunIt(), From: onDay(2024, 1, 8)}, {Model: YouBuildItYouRunIt(), From: onDay(2025, 6, 1), ReviewBy: onDay(2026, 12, 1)}}
	digital := Service{Name: "payments-api", Team: "payments", Kind: Digital, Models: begun}
	bought := Service{Name: "ledger", Team: "payments", Kind: COTS, Models: begun[:1]}
	day := onDay(2026, 3, 2)
	a, _ := digital.ModelFor(Code, day)
	b, _ := bought.ModelFor(COTSRelease, day)
	if a.Model != YouBuildItYouRunIt() || b.Model != OpsRunIt() {
		t.Errorf("%+v and %+v on one day", a.Model, b.Model)
	}
	if past, _ := digital.ModelFor(Code, onDay(2025, 5, 31)); past.Model != OpsRunIt() {
		t.Errorf("%+v was in force", past.Model)
	}
}

func TestReviewOverdue(t *testing.T) {
	a := Assignment{ReviewBy: onDay(2026, 12, 1)}
	for day, want := range map[Date]bool{onDay(2026, 11, 30): false, onDay(2026, 12, 1): false, onDay(2026, 12, 2): true, onDay(2030, 1, 1): true, {}: false} {
		if got := a.ReviewOverdue(day); got != want {
			t.Errorf("%s: %v", day, got)
		}
	}
	if (Assignment{}).ReviewOverdue(onDay(2199, 12, 31)) {
		t.Error("no day to review by, but overdue")
	}
}

func TestStanding(t *testing.T) {
	claim := func(template string, from, until Date) StandingClaim {
		return StandingClaim{Template: template, From: from, Until: until}
	}
	spring := claim("spring", onDay(2026, 3, 1), onDay(2026, 5, 31))
	may, again := claim("may", onDay(2026, 5, 1), onDay(2026, 5, 15)), claim("may-again", onDay(2026, 5, 1), onDay(2026, 5, 20))
	for _, k := range []struct {
		name   string
		claims []StandingClaim
		day    Date
		want   string
	}{
		{"none", nil, onDay(2026, 4, 1), ""},
		{"the day before", []StandingClaim{spring}, onDay(2026, 2, 28), ""},
		{"the first day", []StandingClaim{spring}, onDay(2026, 3, 1), "spring"},
		{"the last day", []StandingClaim{spring}, onDay(2026, 5, 31), "spring"},
		{"the day after", []StandingClaim{spring}, onDay(2026, 6, 1), ""},
		{"all that count, as they are listed", []StandingClaim{spring, again, may}, onDay(2026, 5, 1), "spring may-again may"},
		{"in the other order", []StandingClaim{may, spring, again}, onDay(2026, 5, 15), "may spring may-again"},
		{"the others count on", []StandingClaim{may, spring, again}, onDay(2026, 5, 16), "spring may-again"},
		{"without an end it never counts", []StandingClaim{claim("x", onDay(2026, 1, 1), Date{})}, onDay(2026, 5, 1), ""},
		{"an end before its beginning", []StandingClaim{claim("x", onDay(2026, 5, 2), onDay(2026, 5, 1))}, onDay(2026, 5, 1), ""},
		{"one day", []StandingClaim{claim("x", onDay(2026, 5, 1), onDay(2026, 5, 1))}, onDay(2026, 5, 1), "x"},
	} {
		s := Service{StandingClaims: k.claims}
		var got []string
		for _, c := range s.Standing(k.day) {
			got = append(got, c.Template)
		}
		if strings.Join(got, " ") != k.want {
			t.Errorf("%s: %q, want %q", k.name, got, k.want)
		}
	}
}

// TestServiceJSON: what is not known is left out, and nothing is lost.
func TestServiceJSON(t *testing.T) {
	if data, err := json.Marshal(Service{}); err != nil || string(data) != "{}" {
		t.Errorf("%s %v", data, err)
	}
	s := Service{
		Name: "payments-api", Team: "payments", OnCall: "pd/payments", Kind: Platform, Stage: Live, Tier: 1, Exposure: Public, Coupling: Loose,
		Supplier: "Acme", Zone: "Europe/London", Carries: []string{"cards"}, AutomatedDeployment: ptr(true), AutomatedVerification: ptr(false),
		NeedsOutage: ptr(false), Availability: 99.95, Deployments: Daily,
		Models: []Assignment{{Model: YouBuildItYouRunIt(), From: onDay(2025, 6, 1), ReviewBy: onDay(2026, 12, 1), Kinds: []Kind{Code, Flag}},
			{Model: OperatingModel{Name: "mixed", Deploys: Owner, Validates: Either, Slot: true, Handover: true, Standard: Claimed, Slack: 10}, From: onDay(2024, 1, 1)}},
		StandingClaims: []StandingClaim{{Template: "t", By: "idp|1", Reason: "r", From: onDay(2026, 1, 1), Until: onDay(2026, 12, 31)}},
	}
	fields := reflect.ValueOf(s)
	for i := range fields.NumField() {
		if fields.Field(i).IsZero() {
			t.Errorf("the test does not state %s", fields.Type().Field(i).Name)
		}
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Service
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(s, back) {
		t.Errorf("%v\n%+v\n%+v", err, s, back)
	}
}
