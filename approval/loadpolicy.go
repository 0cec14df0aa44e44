package approval

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/changelane/changelane/change"
	"github.com/changelane/changelane/internal/nearest"
	"github.com/changelane/changelane/internal/policyfile"
	"github.com/changelane/changelane/risk"
)

// formatVersion is the version of the policy files that this code reads.
const formatVersion = "1"

func (l *loading) policy() {
	data := l.read(policyFile)
	if data == nil {
		return
	}
	root := policyfile.Parse(policyFile, data, &l.errs)
	l.d.sources.policy = source{root}
	o := root.Object(&l.errs, policyFile, "version", "name", "evidence", "sets", "applies", "groups", "roles", "models")
	switch v := o.Need("version"); {
	case v != nil && v.Text == formatVersion && v.Quoted:
		l.errs.Addf(v.Pos, "the version is the number %s; remove the quotes", formatVersion)
	case v != nil && v.Text != formatVersion:
		l.errs.Addf(v.Pos, "version %q of the policy files is not known here; expected %s", v.Text, formatVersion)
	}
	l.d.Name = o.Need("name").String(&l.errs, "the name")
	l.d.Evidence = o.Get("evidence").Strings(&l.errs, "evidence")
	l.d.Roles = o.Get("roles").Strings(&l.errs, "roles")
	for _, f := range o.Get("groups").Entries(&l.errs, "groups") {
		g := f.Value.Help("{members: "+said(f.Value, "9")+"}").Object(&l.errs, "a group", "members")
		l.d.Groups = append(l.d.Groups, Group{f.Name, g.Need("members").Int(&l.errs, "members", 1, 1_000_000)})
	}
	l.sections(data)
	for _, f := range o.Get("models").Entries(&l.errs, "models") {
		l.d.Models = append(l.d.Models, l.model(f))
	}
	if data := l.read(attributesFile); data != nil {
		l.d.Attributes = data
	}
}

// sections reads those sections of policy.yaml that belong to the vocabulary.
// The faults of the rest of the file come again, and each is listed once.
func (l *loading) sections(data []byte) {
	var ofApplies, ofSets error
	l.d.Applies, ofApplies = risk.ParseApplies(policyFile, data)
	l.d.Sets, ofSets = risk.ParseSets(policyFile, data)
	for _, err := range []error{ofApplies, ofSets} {
		var found risk.ParseErrors
		if errors.As(err, &found) {
			for _, e := range found {
				l.errs.Addf(policyfile.Pos{File: e.File, Line: e.Line, Column: e.Column}, "%s", e.Message)
			}
		}
	}
}

// said is a word that stands where more is expected, to show it where it
// belongs; otherwise when there is none.
func said(n *policyfile.Node, otherwise string) string {
	if n == nil || n.Kind != policyfile.Scalar || !name.MatchString(n.Text) {
		return otherwise
	}
	return n.Text
}

// model reads a composition of switches; what it leaves out is as in the model
// that it is like.
func (l *loading) model(f policyfile.Field) change.OperatingModel {
	o := f.Value.Object(&l.errs, "an operating model", "like", "deploys", "validates", "slot", "handover", "standard", "slack")
	m := l.modelNamed(o.Need("like"))
	m.Name = f.Name
	word(&l.errs, o.Get("deploys"), "deploys", &m.Deploys)
	word(&l.errs, o.Get("validates"), "validates", &m.Validates)
	if n := o.Get("slot"); n != nil {
		m.Slot = n.Bool(&l.errs, "slot")
	}
	if n := o.Get("handover"); n != nil {
		m.Handover = n.Bool(&l.errs, "handover")
	}
	word(&l.errs, o.Get("standard"), "standard", &m.Standard)
	if n := o.Get("slack"); n != nil {
		m.Slack = n.Int(&l.errs, "slack", 0, 100)
	}
	return m
}

// modelNamed finds a preset, or a model that policy.yaml has defined by now.
func (l *loading) modelNamed(n *policyfile.Node) change.OperatingModel {
	id := n.String(&l.errs, "the name of a model")
	known := append(change.Presets(), l.d.Models...)
	var ids []string
	for _, m := range known {
		if m.Name == id {
			return m
		}
		ids = append(ids, m.Name)
	}
	if id != "" && l.d.sources.policy.node != nil { // or else nobody knows which there are
		l.errs.Addf(n.Pos, "no operating model is named %q (there are %s)%s", id, strings.Join(ids, ", "), nearest.Hint(id, ids))
	}
	return change.OpsRunIt() // stands in, so that one fault is reported once
}

// word reads a value of a closed set.
func word[T any, P interface {
	*T
	UnmarshalText([]byte) error
}](errs *policyfile.Errors, n *policyfile.Node, what string, to P) {
	if n == nil {
		return
	}
	text := n.String(errs, what)
	if text == "" {
		return
	}
	if err := to.UnmarshalText([]byte(text)); err != nil {
		errs.Addf(n.Pos, "%s: %v", what, err)
	}
}

func (l *loading) services() {
	root := l.document(servicesFile)
	l.d.sources.services = source{root}
	l.d.sources.service = map[string]source{}
	for _, f := range root.Entries(&l.errs, "services") {
		l.d.sources.service[f.Name] = source{f.Value}
		l.d.Services = append(l.d.Services, l.service(f))
	}
}

func (l *loading) service(f policyfile.Field) change.Service {
	errs := &l.errs
	o := f.Value.Object(errs, "a service", "team", "on-call", "kind", "stage", "tier", "exposure", "coupling", "supplier", "zone",
		"carries", "automated-deployment", "automated-verification", "needs-outage", "availability", "deployments", "model", "claims",
		"deploys", "validates")
	s := change.Service{
		Name: f.Name, Team: o.Need("team").String(errs, "team"), OnCall: o.Get("on-call").String(errs, "on-call"),
		Supplier: o.Get("supplier").String(errs, "supplier"), Zone: o.Get("zone").String(errs, "zone"),
		Carries: o.Get("carries").Strings(errs, "carries"),
	}
	word(errs, o.Get("kind"), "kind", &s.Kind)
	word(errs, o.Get("stage"), "stage", &s.Stage)
	word(errs, o.Get("exposure"), "exposure", &s.Exposure)
	word(errs, o.Get("coupling"), "coupling", &s.Coupling)
	word(errs, o.Get("deployments"), "deployments", &s.Deployments)
	if n := o.Get("tier"); n != nil {
		s.Tier = n.Int(errs, "tier", 1, 9)
	}
	s.AutomatedDeployment = flag(errs, o.Get("automated-deployment"), "automated-deployment")
	s.AutomatedVerification = flag(errs, o.Get("automated-verification"), "automated-verification")
	s.NeedsOutage = flag(errs, o.Get("needs-outage"), "needs-outage")
	s.Availability = percent(errs, o.Get("availability"), "availability")
	model := o.Need("model")
	for _, n := range model.Help("[{is: "+said(model, "ops-run-it")+", from: 2026-01-01}]").List(errs, "the model") {
		s.Models = append(s.Models, l.assignment(n, o, s.Team))
	}
	for _, n := range o.Get("claims").Help("[{template: rolling, by: idp|alice, from: 2026-01-01, until: 2026-12-31}]").List(errs, "claims") {
		s.StandingClaims = append(s.StandingClaims, l.standing(n))
	}
	return s
}

// assignment reads one dated model. The service may name other sides than the
// model does: "deploys" and "validates" of the service win.
func (l *loading) assignment(n *policyfile.Node, service policyfile.Object, team string) change.Assignment {
	o := n.Help("{is: "+said(n, "ops-run-it")+", from: 2026-01-01}").Object(&l.errs, "a model of a service", "is", "from", "review-by", "for")
	a := change.Assignment{
		Model:    l.modelNamed(o.Need("is")),
		From:     date(&l.errs, o.Need("from"), "from"),
		ReviewBy: date(&l.errs, o.Get("review-by"), "review-by"),
	}
	kinds := o.Get("for").Strings(&l.errs, "for")
	if o.Has("for") && len(kinds) == 0 {
		l.errs.Addf(o.Get("for").Pos, "for names no kind of change; leave it out where the model is for all")
	}
	for _, w := range kinds {
		var k change.Kind
		if err := k.UnmarshalText([]byte(w)); err != nil {
			l.errs.Addf(o.Get("for").Pos, "for: %v", err)
		}
		a.Kinds = append(a.Kinds, k)
	}
	l.side(service.Get("deploys"), "deploys", team, &a.Model.Deploys)
	l.side(service.Get("validates"), "validates", team, &a.Model.Validates)
	return a
}

// side reads a side that may also be given as the name of the owning team.
func (l *loading) side(n *policyfile.Node, what, team string, to *change.Party) {
	if n != nil && n.Kind == policyfile.Scalar && n.Text == team && team != "" {
		*to = change.Owner
		return
	}
	word(&l.errs, n, what, to)
}

func (l *loading) standing(n *policyfile.Node) change.StandingClaim {
	o := n.Object(&l.errs, "a standing claim", "template", "by", "because", "from", "until")
	return change.StandingClaim{
		Template: o.Need("template").String(&l.errs, "template"),
		By:       o.Need("by").String(&l.errs, "by"),
		Reason:   o.Get("because").String(&l.errs, "because"),
		From:     date(&l.errs, o.Need("from"), "from"),
		Until:    date(&l.errs, o.Need("until"), "until"),
	}
}

func flag(errs *policyfile.Errors, n *policyfile.Node, what string) *bool {
	if n == nil {
		return nil
	}
	b := n.Bool(errs, what)
	return &b
}

func date(errs *policyfile.Errors, n *policyfile.Node, what string) change.Date {
	text := n.String(errs, what)
	if text == "" {
		return change.Date{}
	}
	d, err := change.ParseDate(text)
	if err != nil {
		errs.Addf(n.Pos, "%s: %v", what, err)
	}
	return d
}

var percentText = regexp.MustCompile(`^(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?%$`)

// percent reads the number of "4%" or "99.9%"; the sign is needed, so that
// nobody has to guess whether 0.5 is a half.
func percent(errs *policyfile.Errors, n *policyfile.Node, what string) float64 {
	text := n.String(errs, what)
	if text == "" {
		return 0
	}
	f, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if !percentText.MatchString(text) || err != nil || f <= 0 || f > 100 {
		errs.Addf(n.Pos, "%s must be a percentage above 0%% and up to 100%%, such as 4%% or 99.9%%, not %q", what, text)
		return 0
	}
	return f
}
