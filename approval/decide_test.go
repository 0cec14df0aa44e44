package approval_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/changelane/changelane/approval"
	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/risk"
)

var at = approval.Inputs{At: monday}

// touching is the regular change on other files.
func touching(paths ...string) []any {
	var out []any
	for _, p := range paths {
		out = append(out, map[string]any{"path": p, "added": 1, "deleted": 0})
	}
	return out
}

// TestTwoAxes is the truth table of C24: only a change that is regular and
// low-risk, settled, allowed by its model and not forbidden is standard.
func TestTwoAxes(t *testing.T) {
	always := change.YouBuildItYouRunIt()
	always.Name, always.Standard = "always", change.Always
	for _, model := range []change.OperatingModel{change.OpsRunIt(), change.YouBuildItYouRunIt(), always} {
		d, standard := base(t), 0
		d.Models = append(d.Models, always)
		d.Services[0].Models = []change.Assignment{{Model: model, From: change.Date{Year: 2020, Month: 1, Day: 1}}}
		p := made(t, d)
		for row := range 32 {
			is := func(bit int) bool { return row&(1<<bit) != 0 }
			regular, low, claimed, forbidden, open := is(0), is(1), is(2), is(3), is(4)
			with := map[string]any{"size": nil, "files": touching("a.go"), "downtime": !low}
			if !regular {
				with["kind"] = "config"
			}
			if !claimed {
				with["claim"] = nil
			}
			if forbidden {
				with["files"] = touching("secrets/key")
			}
			if open {
				with["evidence"] = nil
			}
			got := p.Classify(decoded(t, with), at)
			may := model.Standard == change.Always || model.Standard == change.Claimed && claimed
			want := change.Normal
			if regular && low && may && !forbidden && !open {
				want = change.Standard
				standard++
			}
			if got.Type != want || got.Regular != regular || got.LowRisk != low {
				t.Errorf("%s, regular %t, low-risk %t, claimed %t, forbidden %t, open %t: %s\n%s", model.Name, regular, low, claimed, forbidden, open, got.Type, got.Explain())
			}
			if _, nobody := got.Requirement.(approval.PreApproval); nobody != (want == change.Standard) {
				t.Errorf("%s row %d: it needs %v", model.Name, row, got.Requirement)
			}
		}
		if expected := map[change.StandardRule]int{change.Never: 0, change.Claimed: 1, change.Always: 2}[model.Standard]; standard != expected {
			t.Errorf("%s: %d rows are standard, expected %d", model.Name, standard, expected)
		}
	}
}

// TestINV2FailingForbid: what is never standard may not be where it cannot be
// told, because the condition fails or a fact is missing.
func TestINV2FailingForbid(t *testing.T) {
	for when, want := range map[string]change.Type{
		"change.files > 1000":                                       change.Standard,
		"1 / (change.files - 1) > 0.5":                              change.Normal, // one file: a division by zero
		"change.files * 999999999999999999 * 1000000 < 0":           change.Normal, // beyond 64 bits
		"change.lead_hours > 1":                                     change.Normal, // nobody has said
		"known(change.lead_hours) and change.lead_hours > hours(1)": change.Standard,
	} {
		d := base(t)
		d.Forbid = append(d.Forbid, approval.Forbid{ID: "perhaps", When: when, Because: "it may be dangerous"})
		got := made(t, d).Classify(decoded(t, map[string]any{"size": nil, "files": touching("a.go"), "downtime": false}), at)
		if got.Type != want {
			t.Errorf("with the forbid %s the change is %v, expected %v\n%s", when, got.Type, want, got.Explain())
		}
	}
}

// TestSameChangeTwoServices: one policy, one change, two answers (C4).
func TestSameChangeTwoServices(t *testing.T) {
	p := made(t, base(t))
	a, b := p.Classify(decoded(t, nil), at), p.Classify(decoded(t, map[string]any{"service": "ledger"}), at)
	if a.Type != change.Standard || b.Type != change.Normal {
		t.Errorf("payments-api: %s\nledger: %s", a.Explain(), b.Explain())
	}
	if pre, ok := a.Requirement.(approval.PreApproval); !ok || pre.Template != "rolling" || pre.ApprovedBy != "cab" || pre.Ref != "CHG0041122" || pre.Version == "" {
		t.Errorf("a standard change names its template, its version and who approved it, not %#v", a.Requirement)
	}
}

// TestOneTeamBothModels: the model is the service's, not the team's (C5), and
// it is the one that was in force on the day (C7).
func TestOneTeamBothModels(t *testing.T) {
	p := made(t, base(t))
	for _, one := range []struct {
		service string
		at      time.Time
		model   string
	}{
		{"payments-api", monday, "you-build-it-you-run-it"}, {"ledger", monday, "ops-run-it"},
		{"payments-api", time.Date(2025, 5, 31, 22, 59, 59, 0, time.UTC), "ops-run-it"}, // 23:59:59 in London
		{"payments-api", time.Date(2025, 5, 31, 23, 0, 0, 0, time.UTC), "you-build-it-you-run-it"},
		{"payments-api", time.Date(2024, 1, 7, 12, 0, 0, 0, time.UTC), ""},
	} {
		got := p.Classify(decoded(t, map[string]any{"service": one.service}), approval.Inputs{At: one.at})
		if got.Model != one.model || one.model != "you-build-it-you-run-it" && got.Type != change.Normal {
			t.Errorf("%s at %s: model %q, %s; expected %q", one.service, one.at, got.Model, got.Type, one.model)
		}
		service, _ := p.Service(one.service)
		if service.Team != "payments" {
			t.Errorf("%s belongs to %s", one.service, service.Team)
		}
	}
}

// TestClaimsAndSlack: a claim may exceed the ceiling by the slack of the model
// and no more, and never past a floor, the default, a freeze or a fault.
func TestClaimsAndSlack(t *testing.T) {
	yes, no := map[string]bool{"idp|alice": true}, map[string]bool{"idp|bob": true}
	for _, one := range []struct {
		what     string
		points   int // on top of -10
		alter    func(d *approval.Definition)
		with     map[string]any
		in       approval.Inputs
		standard bool
		override int
	}{
		{"under the ceiling", 34, nil, nil, at, true, 0},
		{"one point over", 35, nil, nil, at, true, 1},
		{"all of the slack", 44, nil, nil, at, true, 10},
		{"a point too many", 45, nil, nil, at, false, 0},
		{"no slack", 35, nil, map[string]any{"service": "payments-api"}, at, false, 0},
		{"no claim", 34, nil, map[string]any{"claim": nil}, at, false, 0},
		{"a claim to be normal", 0, nil, map[string]any{"claim": map[string]any{"type": "normal", "by": "idp|alice"}}, at, false, 0},
		{"a template that does not exist", 0, nil, map[string]any{"claim": map[string]any{"type": "standard", "by": "idp|alice", "template": "rollin"}}, at, false, 0},
		{"on call", 35, nil, nil, approval.Inputs{At: monday, OnCall: yes}, true, 1},
		{"not on call", 34, nil, nil, approval.Inputs{At: monday, OnCall: no}, false, 0},
		{"past a hard stop", 10, func(d *approval.Definition) { d.Risk.Rules[0].Floor, d.Risk.Rules[0].Points = "medium", 0 }, nil, at, false, 0},
		{"past the default", 35, func(d *approval.Definition) { d.Risk.Rules = d.Risk.Rules[:1] }, nil, at, false, 0},
		{"in a freeze", 35, nil, nil, approval.Inputs{At: time.Date(2026, 12, 16, 10, 0, 0, 0, time.UTC)}, false, 0},
		{"in a freeze with the same ceiling", 35, func(d *approval.Definition) { d.Calendar.Freezes[0].Ceiling = "low" }, nil,
			approval.Inputs{At: time.Date(2026, 12, 16, 10, 0, 0, 0, time.UTC)}, false, 0},
		{"with a fault", 30, func(d *approval.Definition) { d.Risk.Rules[0].When = failing[0] }, nil, at, false, 0},
	} {
		d := base(t)
		d.Risk.Rules = []risk.Rule{
			{ID: "points", Because: "it is code", Points: one.points, When: `change.kind == "code"`},
			{ID: "verified", Because: "verified", Points: -10, When: `evidence.smoke == "passed"`},
		}
		if one.alter != nil {
			one.alter(&d)
		}
		with := map[string]any{"service": "shop"}
		for name, v := range one.with {
			with[name] = v
		}
		got := made(t, d).Classify(decoded(t, with), one.in)
		if (got.Type == change.Standard) != one.standard || one.standard && got.Override != one.override {
			t.Errorf("%s: %s with an override of %d\n%s", one.what, got.Type, got.Override, got.Explain())
		}
		assumed := strings.Contains(strings.Join(got.Assumed, " "), "is on call for store")
		said := strings.Contains(strings.Join(got.Assumed, " "), "only the request says so") // whoever asks the directory knows
		if one.standard && (assumed != (one.in.OnCall == nil) || said != (one.in.OnCall == nil)) {
			t.Errorf("%s: assumed %v", one.what, got.Assumed)
		}
		if told := strings.Contains(strings.Join(got.Why, " "), "over the ceiling"); one.standard && told != (one.override > 0) {
			t.Errorf("%s: why %v", one.what, got.Why)
		}
	}
}

// TestEmergency: an emergency stays one, its seats never shrink, and its
// review is due in working days.
func TestEmergency(t *testing.T) {
	emergency := map[string]any{"incident": "INC-7", "reason": "it is down"}
	least := approval.All{approval.Seat{Role: "incident-manager", Of: "payments-api", Quorum: 1}, approval.Any{
		approval.Seat{Role: "on-call", Of: "payments-api", Quorum: 1}, approval.Seat{Role: "head-of-operations", Of: "payments-api", Quorum: 1}}}
	d := base(t)
	d.Calendar.Freezes = append(d.Calendar.Freezes, approval.Freeze{ID: "held", Every: mustRecur("23 dec"), Ceiling: "none", HoldEmergencies: true, Override: "service-owner"})
	p := made(t, d)
	for _, one := range []struct {
		what   string
		with   map[string]any
		at     time.Time
		seats  string
		review string
	}{
		{"as it is", nil, monday, "(on-call of payments-api or head-of-operations of payments-api) and incident-manager of payments-api", "2026-11-26T17:30:00Z"},
		{"nothing known", map[string]any{"files": nil, "size": nil, "evidence": nil, "downtime": nil}, monday, "", "2026-11-26T17:30:00Z"},
		{"over a holiday and a weekend, in freezes", nil, time.Date(2026, 12, 23, 10, 0, 0, 0, time.UTC), "service-owner of payments-api", "2026-12-29T17:30:00Z"},
	} {
		with := map[string]any{"emergency": emergency, "claim": nil}
		for name, v := range one.with {
			with[name] = v
		}
		got := p.Classify(decoded(t, with), approval.Inputs{At: one.at})
		if got.Type != change.Emergency || !got.Requirement.AtLeast(least) || got.ReviewBy.Format(time.RFC3339) != one.review {
			t.Errorf("%s: %s", one.what, got.Explain())
		}
		for _, seat := range strings.Split(one.seats, " and ") {
			if !strings.Contains(got.Requirement.String(), seat) {
				t.Errorf("%s: %s is not among %v", one.what, seat, got.Requirement)
			}
		}
	}
	bare := base(t)
	bare.Authority.Rules = nil
	if got := made(t, bare).Classify(decoded(t, map[string]any{"emergency": emergency, "claim": nil}), at); got.Requirement.String() != "3 of cab" {
		t.Errorf("where no rule is for emergencies, it needs %v", got.Requirement)
	}
}

// TestINV16Quorum: a threshold that nobody or everybody meets does not load.
func TestINV16Quorum(t *testing.T) {
	cab := func(n int) []approval.Need { return []approval.Need{{Group: "cab", Quorum: n}} }
	for what, alter := range map[string]func(d *approval.Definition){
		"a negative quorum":         func(d *approval.Definition) { d.Authority.Default = cab(-1) },
		"a quorum over the group":   func(d *approval.Definition) { d.Authority.Default = cab(6) },
		"an overflowed quorum":      func(d *approval.Definition) { d.Authority.Default = cab(1<<32 + 1) },
		"the same in a rule":        func(d *approval.Definition) { d.Authority.Rules[0].Needs = cab(6) },
		"the same among others":     func(d *approval.Definition) { d.Authority.Rules[0].Needs = []approval.Need{{Any: cab(6)}} },
		"an empty group":            func(d *approval.Definition) { d.Groups[0].Size = 0 },
		"a group of less than none": func(d *approval.Definition) { d.Groups[0].Size = -1 },
		"a group that is not there": func(d *approval.Definition) { d.Groups = d.Groups[1:] },
		"a role of two":             func(d *approval.Definition) { d.Authority.Default = []approval.Need{{Role: "on-call", Quorum: 2}} },
		"no default":                func(d *approval.Definition) { d.Authority.Default = nil },
		"an empty default":          func(d *approval.Definition) { d.Authority.Default = []approval.Need{{}} },
		"a choice of nothing":       func(d *approval.Definition) { d.Authority.Default = []approval.Need{{Any: []approval.Need{}}} },
		"a rule without needs":      func(d *approval.Definition) { d.Authority.Rules[0].Needs = nil },
		"a default that may be empty": func(d *approval.Definition) {
			d.Authority.Default = []approval.Need{{Role: "on-call", Each: "carried.tier == 1"}}
		},
		"a need that is two": func(d *approval.Definition) { d.Authority.Default = []approval.Need{{Role: "on-call", Group: "cab"}} },
	} {
		d := base(t)
		alter(&d)
		if _, err := approval.New(d); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
	for _, n := range []int{0, 1, 5} {
		d := base(t)
		d.Authority.Default = cab(n)
		if got := made(t, d).Unclassified("", monday, fmt.Errorf("refused")); got.Requirement.String() != fmt.Sprintf("%d of cab", max(n, 1)) {
			t.Errorf("a quorum of %d became %v", n, got.Requirement)
		}
	}
	for what, r := range map[string]approval.Requirement{"no seat": approval.Seat{}, "a quorum of none": approval.Seat{Group: "cab"}, "less than none": approval.Seat{Group: "cab", Quorum: -1},
		"all of nothing": approval.All{}, "any of nothing": approval.Any{}, "all of no seat": approval.All{approval.Seat{}}} {
		if full := (approval.All{approval.Seat{Group: "cab", Quorum: 5}}); full.AtLeast(r) || r.AtLeast(r) {
			t.Errorf("%s is met", what)
		}
	}
}

// TestINV22TemplateBinding: a template approves only what it was approved for,
// while it lasts, in the state that the log has.
func TestINV22TemplateBinding(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 10, 0, 0, 0, time.UTC) }
	version := made(t, base(t)).TemplateVersion("rolling")
	states := func(s approval.TemplateState) map[string]approval.TemplateStatus {
		return map[string]approval.TemplateStatus{"rolling": {State: s, Version: version}}
	}
	for _, one := range []struct {
		what     string
		alter    func(d *approval.Definition)
		in       approval.Inputs
		standard bool
	}{
		{"as approved", nil, at, true},
		{"the stage is another", func(d *approval.Definition) { d.Services[0].Stage = change.Mature }, at, false},
		{"the stage is not stated", func(d *approval.Definition) { d.Services[0].Stage = 0 }, at, false},
		{"the tier is another", func(d *approval.Definition) { d.Services[0].Tier = 3 }, at, false},
		{"the tier is not stated", func(d *approval.Definition) { d.Services[0].Tier = 0 }, at, false},
		{"the exposure is another", func(d *approval.Definition) { d.Services[0].Exposure = change.Partner }, at, false},
		{"the exposure is not stated", func(d *approval.Definition) { d.Services[0].Exposure = 0 }, at, false},
		{"on its last day", nil, approval.Inputs{At: day(2027, 6, 4)}, true},
		{"ended", nil, approval.Inputs{At: day(2027, 6, 5)}, false},
		{"on its first day", nil, approval.Inputs{At: day(2026, 6, 4)}, true},
		{"not yet approved", nil, approval.Inputs{At: day(2026, 6, 3)}, false},
		{"active", nil, approval.Inputs{At: monday, Templates: states(approval.Active)}, true},
		{"on probation", nil, approval.Inputs{At: monday, Templates: states(approval.Probation)}, true},
		{"proposed", nil, approval.Inputs{At: monday, Templates: states(approval.Proposed)}, false},
		{"suspended", nil, approval.Inputs{At: monday, Templates: states(approval.Suspended)}, false},
		{"retired", nil, approval.Inputs{At: monday, Templates: states(approval.Retired)}, false},
		{"in no state there is", nil, approval.Inputs{At: monday, Templates: states(approval.Retired + 1)}, false},
		{"missing from the log", nil, approval.Inputs{At: monday, Templates: map[string]approval.TemplateStatus{"other": {State: approval.Active, Version: version}}}, false},
		{"edited since the log has it", func(d *approval.Definition) { d.Templates[0].Covers = `change.kind in ["code", "data"]` }, approval.Inputs{At: monday, Templates: states(approval.Active)}, false},
	} {
		d := base(t)
		if one.alter != nil {
			one.alter(&d)
		}
		got := made(t, d).Classify(decoded(t, nil), one.in)
		if (got.Type == change.Standard) != one.standard || got.Regular != one.standard {
			t.Errorf("%s:\n%s", one.what, got.Explain())
		}
		if assumed := strings.Contains(strings.Join(got.Assumed, " "), "no log"); one.standard && assumed != (one.in.Templates == nil) {
			t.Errorf("%s: assumed %v", one.what, got.Assumed)
		}
	}
	versionOf := func(alter func(x *approval.Template)) string {
		d := base(t)
		alter(&d.Templates[0])
		pre, ok := made(t, d).Classify(decoded(t, nil), at).Requirement.(approval.PreApproval)
		if !ok {
			t.Fatal("it is not standard")
		}
		return string(pre.Version)
	}
	seen := []string{versionOf(func(*approval.Template) {})}
	for _, alter := range []func(x *approval.Template){
		func(x *approval.Template) { x.Covers += ` and change.kind != "flag"` }, func(x *approval.Template) { x.Except = "" },
		func(x *approval.Template) { x.Owner = "somebody" }, func(x *approval.Template) { x.Ends.Day = 5 },
		func(x *approval.Template) { x.BoundTo.Tiers = nil }, func(x *approval.Template) { x.Suspend = &approval.Suspension{Severity: 1} },
	} {
		if v := versionOf(alter); slices.Contains(seen, v) {
			t.Error("an edit left the version as it was")
		} else {
			seen = append(seen, v)
		}
	}
}

// TestINV26Freezes asks at many instants of a year, and compares with what the
// clock on the wall reads.
func TestINV26Freezes(t *testing.T) {
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Skip(err)
	}
	d := base(t)
	d.Calendar.Freezes = []approval.Freeze{
		{ID: "year-end", Every: mustRecur("15 dec to 4 jan"), Ceiling: "none"},
		{ID: "nights", Every: mustRecur("daily 01:15 to 02:45"), Ceiling: "none"},
	}
	p, c := made(t, d), decoded(t, nil)
	from := time.Date(2026, 6, 10, 0, 0, 0, 0, time.UTC)
	frozen := 0
	for i := range 4000 {
		now := from.Add(time.Duration(i) * 171 * time.Minute)
		if i >= 3000 { // around the transitions, more closely
			now = time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC).Add(time.Duration(i-3000) * 20 * time.Second)
			if i >= 3500 {
				now = time.Date(2027, 3, 28, 0, 0, 0, 0, time.UTC).Add(time.Duration(i-3500) * 25 * time.Second)
			}
		}
		local := now.In(zone)
		minute, md := local.Hour()*60+local.Minute(), int(local.Month())*100+local.Day()
		want := md >= 1215 || md <= 104 || minute >= 75 && minute < 165
		got := p.Classify(c, approval.Inputs{At: now})
		if len(got.Freezes) > 0 {
			frozen++
		}
		turns := md == 1025 || md == 328
		if held := len(got.Freezes) > 0; held != want && !(turns && held) {
			t.Fatalf("at %s, %s: frozen %t, expected %t", now, local, held, want)
		}
		if now.After(monday.AddDate(0, -6, 0)) && want == (got.Type == change.Standard) && got.At.Before(time.Date(2027, 6, 4, 0, 0, 0, 0, time.UTC)) && !turns {
			t.Fatalf("at %s frozen %t, and it is %s", now, want, got.Type)
		}
	}
	if frozen < 400 {
		t.Errorf("frozen at %d instants only", frozen)
	}
}

// TestINV26PastWindow: a window that is over says nothing of when the change
// will be deployed, so it is no way around a freeze that is on now.
func TestINV26PastWindow(t *testing.T) {
	p, now := made(t, base(t)), time.Date(2026, 12, 20, 10, 0, 0, 0, time.UTC)
	for end, want := range map[string]change.Type{"2026-11-20T21:00:00Z": change.Normal, "2026-12-20T10:00:00Z": change.Normal, "2027-01-08T21:00:00Z": change.Standard} {
		start := end[:11] + "08:00:00Z"
		got := p.Classify(decoded(t, map[string]any{"window": map[string]any{"start": start, "end": end}}), approval.Inputs{At: now})
		if got.Type != want {
			t.Errorf("a window up to %s: %s, expected %s", end, got.Type, want)
		}
	}
	// Nor is it a way around the seat that the freeze adds.
	over := map[string]any{"claim": nil, "window": map[string]any{"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T21:00:00Z"}}
	if got := p.Classify(decoded(t, over), approval.Inputs{At: now}); !strings.Contains(got.Requirement.String(), "head-of-operations") {
		t.Errorf("a window that is over: %v", got.Requirement)
	}
}

// TestFreezeReach: through carried services (C82), for the whole window, and
// where nobody can tell.
func TestFreezeReach(t *testing.T) {
	night, inside := time.Date(2027, 2, 28, 14, 0, 0, 0, time.UTC), map[string]any{"start": "2026-12-14T20:00:00Z", "end": "2026-12-15T01:00:00Z"}
	for _, one := range []struct {
		what    string
		alter   func(d *approval.Definition)
		with    map[string]any
		at      time.Time
		freezes []string
	}{
		{"none", nil, nil, monday, nil},
		{"its own, where it is: 28 February, 23:00 in Tokyo", nil, map[string]any{"service": "ledger"}, night, []string{"month-end"}},
		{"one of another kind of service", nil, map[string]any{"service": "shop"}, night.Add(9 * time.Hour), nil},
		{"one of a service that it carries, where that is", nil, map[string]any{"service": "platform"}, night, []string{"month-end"}},
		{"not where the platform is", nil, map[string]any{"service": "platform"}, night.Add(-9 * time.Hour), nil},
		{"part of the window", nil, map[string]any{"window": inside}, monday, []string{"year-end"}},
		{"the window ends as it begins", nil, map[string]any{"window": map[string]any{"start": "2026-12-14T20:00:00Z", "end": "2026-12-15T00:00:00Z"}}, monday, nil},
		{"no zone", func(d *approval.Definition) { d.Services[0].Zone, d.Calendar.Working = "", nil }, nil, monday, []string{"year-end"}},
		{"a window of six years", nil, map[string]any{"window": map[string]any{"start": "2026-12-14T20:00:00Z", "end": "2032-12-14T20:00:00Z"}}, monday, []string{"year-end"}},
		{"a service that nobody knows", nil, map[string]any{"service": "who"}, monday, []string{"year-end", "month-end"}},
	} {
		d := base(t)
		if one.alter != nil {
			one.alter(&d)
		}
		got := made(t, d).Classify(decoded(t, one.with), approval.Inputs{At: one.at})
		if !slices.Equal(got.Freezes, one.freezes) || len(one.freezes) > 0 && got.Type == change.Standard {
			t.Errorf("%s: freezes %v, %s; expected %v", one.what, got.Freezes, got.Type, one.freezes)
		}
		if len(one.freezes) > 0 && !strings.Contains(got.Requirement.String(), "head-of-operations of") {
			t.Errorf("%s: the override is not among %v", one.what, got.Requirement)
		}
	}
}

// TestRequirementOrder compares the order with all ways of filling the seats.
func TestRequirementOrder(t *testing.T) {
	holders := []approval.Seat{{Group: "cab"}, {Role: "owner", Of: "a"}, {Role: "owner", Of: "b"}}
	met := func(r approval.Requirement, filled [4]int) bool { return false }
	met = func(r approval.Requirement, filled [4]int) bool {
		switch r := r.(type) {
		case approval.Seat:
			i := slices.IndexFunc(holders, func(h approval.Seat) bool { return h.Group == r.Group && h.Role == r.Role && h.Of == r.Of })
			return filled[i] >= r.Quorum
		case approval.PreApproval:
			return filled[3] == 1
		case approval.All:
			return !slices.ContainsFunc(r, func(part approval.Requirement) bool { return !met(part, filled) })
		case approval.Any:
			return slices.ContainsFunc(r, func(part approval.Requirement) bool { return met(part, filled) })
		}
		return false
	}
	r, related := newRandom(9), 0
	var tree func(depth int) approval.Requirement
	tree = func(depth int) approval.Requirement {
		if depth == 0 || r.chance(30) {
			if r.chance(8) {
				return approval.PreApproval{Template: "t", Version: "sha256:1", ApprovedBy: oneOf(r, "cab", "pm")}
			}
			seat := oneOf(r, holders...)
			seat.Quorum = 1 + r.IntN(3)
			return seat
		}
		parts := make([]approval.Requirement, 1+r.IntN(3))
		for i := range parts {
			parts[i] = tree(depth - 1)
		}
		if r.chance(50) {
			return approval.All(parts)
		}
		return approval.Any(parts)
	}
	for range 6000 {
		a, b := tree(2), tree(2)
		want := true
		for way := range 4 * 4 * 4 * 2 {
			filled := [4]int{way % 4, way / 4 % 4, way / 16 % 4, way / 64}
			want = want && (!met(a, filled) || met(b, filled))
		}
		if want {
			related++
		}
		if got := a.AtLeast(b); got != want {
			t.Fatalf("%v at least %v: %t, expected %t", a, b, got, want)
		}
		if !a.AtLeast(a) {
			t.Fatalf("%v is not at least itself", a)
		}
	}
	if related < 500 || related > 5500 {
		t.Errorf("%d of 6000 pairs are related", related)
	}
}

// TestRequiredAttributes: leaving all attributes out is no way around one that
// the organisation's schema requires (INV-48).
func TestRequiredAttributes(t *testing.T) {
	d := base(t)
	d.Attributes = []byte(`{"type": "object", "additionalProperties": false, "required": ["reviewed"], "properties": {"reviewed": {"type": "boolean"}}}`)
	p := made(t, d)
	for _, one := range []struct {
		attributes any
		want       change.Type
	}{{nil, change.Unclassified}, {map[string]any{}, change.Unclassified}, {map[string]any{"reviewed": true}, change.Standard}} {
		if got := p.Classify(decoded(t, map[string]any{"attributes": one.attributes}), at); got.Type != one.want {
			t.Errorf("attributes %v: %s, expected %s\n%s", one.attributes, got.Type, one.want, got.Explain())
		}
	}
}

// TestPolicyIsItsOwn: neither the definition that it was made from, nor what it
// hands out, reaches into a policy.
func TestPolicyIsItsOwn(t *testing.T) {
	d := base(t)
	p := made(t, d)
	before, digest := p.Classify(decoded(t, nil), at).Explain(), p.Digest()
	for i := range d.Risk.Rules {
		d.Risk.Rules[i].Points = 999
		for j := range d.Risk.Rules[i].Cuts {
			d.Risk.Rules[i].Cuts[j].Points = 999
		}
	}
	*d.Risk.Groups[0].Cap, d.Services[0].Models[0].Model, d.Templates[0].BoundTo.Tiers[0] = 0, change.OpsRunIt(), 9
	for _, r := range p.Rules().Rules() {
		for j := range r.Cuts {
			r.Cuts[j].Points = 999
		}
	}
	for _, g := range p.Rules().Groups() {
		*g.Cap = 0
	}
	for _, id := range p.Services() {
		s, _ := p.Service(id)
		s.Models[0].Model = change.OpsRunIt()
	}
	p.Templates()[0].BoundTo.Tiers[0] = 9
	if after := p.Classify(decoded(t, nil), at).Explain(); after != before || p.Digest() != digest {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestCostOfAll: templates, forbids, authority and freezes count as well as
// rules (INV-8).
func TestCostOfAll(t *testing.T) {
	d := base(t)
	dear := `any(change.paths, # matches "(a|b|c|d)*[ab][cd]x(y|z)*w")`
	for i := range 100 {
		d.Forbid = append(d.Forbid, approval.Forbid{ID: fmt.Sprint("f", i), Because: "never", When: dear})
	}
	if _, err := approval.New(d); err == nil || !strings.Contains(err.Error(), "over the limit") {
		t.Errorf("a hundred dear conditions: %v", err)
	}
}

// TestAuthorityOnlyAdds: a rule that does not ask for the type never takes the
// default's place.
func TestAuthorityOnlyAdds(t *testing.T) {
	d := base(t)
	d.Authority.Rules = []approval.AuthorityRule{{When: `touches("**/auth/**")`, Needs: []approval.Need{{Group: "security"}}}, {Needs: []approval.Need{{Role: "service-owner"}}}}
	with := map[string]any{"claim": nil, "size": nil, "files": []any{map[string]any{"path": "src/auth/a.go", "added": 1, "deleted": 1}}}
	got := made(t, d).Classify(decoded(t, with), at)
	if want := "3 of cab and 1 of security and service-owner of payments-api"; got.Requirement.String() != want {
		t.Errorf("%v, expected %s", got.Requirement, want)
	}
}

// TestINV1InvalidChange: what Decode would refuse is refused when it is built
// in Go, too, and nothing of it is standard.
func TestINV1InvalidChange(t *testing.T) {
	p := made(t, base(t))
	for what, spoil := range map[string]func(c *change.Change){
		"a path that no pattern sees": func(c *change.Change) { c.Files[0].Path = "./" + c.Files[0].Path },
		"an identity with a space":    func(c *change.Change) { c.Requester.ID = "idp|alice smith" },
		"no kind":                     func(c *change.Change) { c.Kind = 0 },
		"an odd number":               func(c *change.Change) { c.History = &change.History{TeamFailureRate: new(float64(-1))} },
	} {
		c := decoded(t, nil)
		spoil(c)
		got := p.Classify(c, at)
		if got.Type != change.Unclassified || got.Err == nil || !strings.Contains(got.Requirement.String(), "3 of cab") {
			t.Errorf("%s:\n%s", what, got.Explain())
		}
	}
}

// TestWindowSpans: a window that reaches into a time, or a model, that would
// not let the change be standard is no way around it.
func TestWindowSpans(t *testing.T) {
	d := base(t)
	d.Forbid = append(d.Forbid, approval.Forbid{ID: "weekend", Because: "nobody is there", When: `at.weekday in ["saturday", "sunday"]`})
	window := func(start, end string) map[string]any {
		return map[string]any{"window": map[string]any{"start": start, "end": end}}
	}
	models := base(t)
	own := models.Services[0].Models[len(models.Services[0].Models)-1]
	models.Services[0].Models = append(models.Services[0].Models,
		change.Assignment{Model: change.OpsRunIt(), From: change.Date{Year: 2026, Month: 11, Day: 25}},
		change.Assignment{Model: own.Model, From: change.Date{Year: 2026, Month: 12, Day: 5}})
	for _, one := range []struct {
		what       string
		d          approval.Definition
		start, end string
		want       change.Type
	}{
		{"within a Thursday", d, "2026-11-26T10:00:00Z", "2026-11-26T12:00:00Z", change.Standard},
		{"into the weekend", d, "2026-11-26T10:00:00Z", "2026-11-30T00:00:00Z", change.Normal},
		{"before another model", models, "2026-11-24T10:00:00Z", "2026-11-24T12:00:00Z", change.Standard},
		{"through another model and out again", models, "2026-11-24T10:00:00Z", "2026-12-05T00:00:01Z", change.Normal},
	} {
		if got := made(t, one.d).Classify(decoded(t, window(one.start, one.end)), at); got.Type != one.want {
			t.Errorf("%s: %s, expected %s\n%s", one.what, got.Type, one.want, got.Explain())
		}
	}
}

// TestNarrowAuthority: a rule about some changes of a type does not say who
// decides the others, and adds to the default.
func TestNarrowAuthority(t *testing.T) {
	d := base(t)
	d.Authority.Rules = []approval.AuthorityRule{{When: `type == "normal" and touches("**/auth/**")`, Needs: []approval.Need{{Role: "service-owner"}}}}
	with := map[string]any{"claim": nil, "size": nil, "files": []any{map[string]any{"path": "src/auth/a.go", "added": 1, "deleted": 1}}}
	if got := made(t, d).Classify(decoded(t, with), at); !strings.Contains(got.Requirement.String(), "3 of cab") {
		t.Errorf("%v", got.Requirement)
	}
}

// TestModelNames: a name of a model means its switches.
func TestModelNames(t *testing.T) {
	for what, model := range map[string]change.OperatingModel{
		"a preset that lets everything be standard": {Name: "ops-run-it", Deploys: change.AppSupport, Validates: change.Either, Slot: true, Handover: true, Standard: change.Always},
		"a model that nobody defined":               {Name: "own", Deploys: change.Owner, Validates: change.Owner, Standard: change.Always},
	} {
		d := base(t)
		d.Services[0].Models = []change.Assignment{{Model: model, From: change.Date{Year: 2020, Month: 1, Day: 1}}}
		if _, err := approval.New(d); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

// TestTooManyWays: a requirement that can be met in more ways than are compared
// could be met by nobody, and the classification says so.
func TestTooManyWays(t *testing.T) {
	for _, c := range []struct {
		choices, seats int // so many times one of so many seats
		over           bool
	}{{1, 2, false}, {11, 2, false}, {12, 2, false}, {13, 2, true}, {3, 16, false}, {3, 17, true}, {40, 2, true}} {
		d := base(t)
		d.Authority.Rules = d.Authority.Rules[:1]
		d.Authority.Rules[0].Needs = nil
		for i := range c.choices {
			var any []approval.Need
			for j := range c.seats {
				role := fmt.Sprintf("role-%d-%d", i, j)
				d.Roles, any = append(d.Roles, role), append(any, approval.Need{Role: role})
			}
			d.Authority.Rules[0].Needs = append(d.Authority.Rules[0].Needs, approval.Need{Any: any})
		}
		got := made(t, d).Classify(normal(t, nil), at)
		if said := strings.Contains(fmt.Sprint(got.Faults), "ask in authority.yaml for fewer seats"); said != c.over || got.Requirement.AtLeast(got.Requirement) == c.over {
			t.Errorf("%d of %d: %v, and as strict as itself: %t", c.choices, c.seats, got.Faults, got.Requirement.AtLeast(got.Requirement))
		}
	}
}
