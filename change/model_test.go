package change

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// routeWords writes a route as "activity:party", which the tables below read.
func routeWords(route []Activity) string {
	var list []string
	for _, a := range route {
		list = append(list, a.Name+":"+a.Party.String())
	}
	return strings.Join(list, ", ")
}

// TestRoutesOfThePresets is C21 and C32, step by step, for every type.
func TestRoutesOfThePresets(t *testing.T) {
	const (
		cab      = "request:owner, queue:change-management, decide:approvers, "
		operated = "schedule:change-management, hand over:owner, deploy:app-support, validate:either, report:app-support"
		own      = "deploy:owner, validate:owner, report:owner"
		review   = ", review:change-management"
	)
	for _, k := range []struct {
		model OperatingModel
		typ   Type
		want  string
	}{
		{OpsRunIt(), Unclassified, cab + operated},
		{OpsRunIt(), Standard, cab + operated}, // it has no standard changes
		{OpsRunIt(), Normal, cab + operated},
		{OpsRunIt(), Emergency, cab + operated + review},
		{YouBuildItYouRunIt(), Unclassified, cab + own},
		{YouBuildItYouRunIt(), Standard, "claim:owner, " + own},
		{YouBuildItYouRunIt(), Normal, cab + own},
		{YouBuildItYouRunIt(), Emergency, cab + own + review},
	} {
		if got := routeWords(k.model.Route(k.typ)); got != k.want {
			t.Errorf("%s, %s:\n got %s\nwant %s", k.model.Name, k.typ, got, k.want)
		}
	}
}

// TestNoHandOff is C32 as it is stated: zero steps owned by another party.
func TestNoHandOff(t *testing.T) {
	for _, a := range YouBuildItYouRunIt().Route(Standard) {
		if a.Party != Owner {
			t.Errorf("%s is taken by %s", a.Name, a.Party)
		}
	}
	others := 0
	for _, a := range OpsRunIt().Route(Standard) {
		if a.Party != Owner {
			others++
		}
	}
	if others == 0 {
		t.Error("Ops Run It hands nothing over, so the test above shows nothing")
	}
}

// TestRoutesOfAllCompositions holds for every composition of switches (C56)
// and every type, also numbers without a word: what a step is there for.
func TestRoutesOfAllCompositions(t *testing.T) {
	for m := range compositions() {
		if problems := m.Problems(); len(problems) > 0 {
			t.Fatalf("%+v: %q", m, problems)
		}
		for typ := range Type(6) {
			checkRoute(t, m, typ)
		}
	}
}

func compositions() func(yield func(OperatingModel) bool) {
	return func(yield func(OperatingModel) bool) {
		for i := range 2 * 3 * 2 * 2 * 3 {
			m := OperatingModel{Name: "mixed", Deploys: Party(1 + i%2), Validates: Party(1 + i/2%3), Slot: i/6%2 == 1, Handover: i/12%2 == 1, Standard: StandardRule(1 + i/24)}
			if !yield(m) {
				return
			}
		}
	}
}

func checkRoute(t *testing.T, m OperatingModel, typ Type) {
	t.Helper()
	route := m.Route(typ)
	at := func(name string) int {
		return slices.IndexFunc(route, func(a Activity) bool { return a.Name == name })
	}
	fail := func(why string) { t.Errorf("%+v, %s: %s: %s", m, typ, why, routeWords(route)) }
	if preapproved := typ == Standard && m.Standard != Never; preapproved == (at("decide") >= 0) || (at("decide") >= 0) != (at("queue") >= 0) {
		fail("whoever is not pre-approved is decided, and nobody else")
	}
	if (at("claim") >= 0) != (typ == Standard && m.Standard == Claimed) {
		fail("a claim")
	}
	if (at("schedule") >= 0) != m.Slot || (at("review") >= 0) != (typ == Emergency) {
		fail("a slot or a review")
	}
	if (at("hand over") >= 0) != (m.Handover && m.Deploys == AppSupport) {
		fail("a handover, though the deployer is the builder, or none") // C16
	}
	deploy := at("deploy")
	if deploy < 0 || route[deploy].Party != m.Deploys || at("decide") > deploy || at("schedule") > deploy || at("hand over") > deploy {
		fail("the deployment comes after what allows it")
	}
	if len(route) < deploy+3 || route[deploy+1] != (Activity{"validate", m.Validates}) || route[deploy+2] != (Activity{"report", m.Deploys}) {
		fail("a deployment is validated and reported")
	}
	seen := map[string]bool{}
	for _, a := range route {
		if seen[a.Name] || a.Party < Owner || a.Party > Approvers {
			fail("an activity twice, or nobody's")
		}
		seen[a.Name] = true
	}
}

// TestSelfDeployedOps is the variant of C56: operations runs the service, but
// the team deploys small changes itself.
func TestSelfDeployedOps(t *testing.T) {
	m := OpsRunIt()
	m.Name, m.Deploys, m.Slot, m.Standard = "ops-self-deploy", Owner, false, Always
	if problems := m.Problems(); problems != nil {
		t.Errorf("%q", problems)
	}
	if got, want := routeWords(m.Route(Standard)), "request:owner, deploy:owner, validate:either, report:owner"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := routeWords(m.Route(Normal)), "request:owner, queue:change-management, decide:approvers, deploy:owner, validate:either, report:owner"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPresets(t *testing.T) {
	list := Presets()
	if len(list) != 2 || list[0].Name != "ops-run-it" || list[1].Name != "you-build-it-you-run-it" {
		t.Errorf("%+v", list)
	}
	for _, m := range list {
		if problems := m.Problems(); problems != nil {
			t.Errorf("%s: %q", m.Name, problems)
		}
	}
	list[0].Name, list[1].Deploys = "", 0
	if !reflect.DeepEqual(Presets(), []OperatingModel{OpsRunIt(), YouBuildItYouRunIt()}) {
		t.Error("a caller can change the presets")
	}
}

func TestModelProblems(t *testing.T) {
	for _, k := range []struct {
		name  string
		spoil func(*OperatingModel)
		want  string
	}{
		{"no name", func(m *OperatingModel) { m.Name = "" }, "needs a name"},
		{"nobody deploys", func(m *OperatingModel) { m.Deploys = 0 }, "who deploys"},
		{"either deploys", func(m *OperatingModel) { m.Deploys = Either }, "who deploys"},
		{"change management deploys", func(m *OperatingModel) { m.Deploys = ChangeManagement }, "who deploys"},
		{"a party without a word deploys", func(m *OperatingModel) { m.Deploys = 99 }, "who deploys"},
		{"nobody validates", func(m *OperatingModel) { m.Validates = 0 }, "who validates"},
		{"approvers validate", func(m *OperatingModel) { m.Validates = Approvers }, "who validates"},
		{"a party without a word validates", func(m *OperatingModel) { m.Validates = 99 }, "who validates"},
		{"no rule for standard changes", func(m *OperatingModel) { m.Standard = 0 }, "when a change can be standard"},
		{"a rule without a word", func(m *OperatingModel) { m.Standard = 99 }, "when a change can be standard"},
		{"negative slack", func(m *OperatingModel) { m.Slack = -1 }, "slack"},
		{"too much slack", func(m *OperatingModel) { m.Slack = 101 }, "slack"},
		{"slack without a claim", func(m *OperatingModel) { m.Slack, m.Standard = 1, Always }, "slack"},
		{"slack without standard changes", func(m *OperatingModel) { m.Slack, m.Standard = 1, Never }, "slack"},
	} {
		m := YouBuildItYouRunIt()
		k.spoil(&m)
		if got := m.Problems(); len(got) != 1 || !strings.Contains(got[0], k.want) {
			t.Errorf("%s: %q, want one that holds %q", k.name, got, k.want)
		}
	}
	if got := (OperatingModel{}).Problems(); len(got) != 4 {
		t.Errorf("the zero model: %q", got)
	}
	good := YouBuildItYouRunIt()
	for _, slack := range []int{0, 1, 100} {
		good.Slack = slack
		if got := good.Problems(); got != nil {
			t.Errorf("slack %d: %q", slack, got)
		}
	}
}
